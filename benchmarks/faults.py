"""How many faults of a night are survived: hundreds of them, each for real, by kind.

    python benchmarks/faults.py [--kills 300] [--each 8] [--writes 1.0] [--minutes 60] [--seed 1] [--only "drive away"]

`steps`: each step of a night by itself is killed just before each of its writes in turn (`--writes`: a share of them),
then run again; the same over a school of six pupils, where all writes take minutes. `--kills`: how often a whole night
is killed with SIGKILL; `--each`: how many nights meet each other kind of fault. Kinds, and what "survived" means:
`tests/support/campaign.py`. A night runs as the command does, over one school of thirty pupils with everything due.
Ends when all is done or the minutes are over; prints what was injected, survived and lost.
Mounting small disks takes an administrator's rights; without them those kinds are left out, and the table says so.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from campaign import KINDS, Campaign, NotPossible, killed_in_steps, small_school

_STEPS, _SMALL = "steps", "steps of a small school"
_KILLS = ("kill -9 at a moment", "kill -9 at a write")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--each", type=int, default=8)
    parser.add_argument("--writes", type=float, default=1.0, help="share of the writes of single steps")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=[_SMALL, _STEPS, *KINDS], default=[_SMALL, _STEPS, *KINDS])
    wanted = parser.parse_args()
    ends = time.monotonic() + wanted.minutes * 60
    injected: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    nights: Counter[str] = Counter()
    why: dict[str, str] = {}
    lock = threading.Lock()

    def enough(kind: str) -> bool:
        if kind in _KILLS:
            return injected[kind] * len(_KILLS) >= wanted.kills
        return nights[kind] >= wanted.each

    pupils = 30 if set(wanted.only) - {_SMALL} else 0
    with (
        tempfile.TemporaryDirectory(prefix="attendance-faults-") as folder,
        Campaign(Path(folder), pupils=pupils) as campaign,
    ):
        if pupils:
            print(f"one night: {campaign.seconds:.1f} s, {campaign.writes} writes", flush=True)

        def work(number: int) -> None:
            rng = random.Random(f"{wanted.seed} {number}")
            while time.monotonic() < ends:
                with lock:
                    kinds = [k for k in wanted.only if k in KINDS and k not in why and not enough(k)]
                    if not kinds:
                        return
                    # Kills are many: they get their share of the time from the beginning.
                    weights = [wanted.kills / 10 if k in _KILLS else wanted.each for k in kinds]
                    kind = rng.choices(kinds, weights)[0]
                    nights[kind] += 1
                try:
                    came = KINDS[kind](campaign, rng)
                except NotPossible as reason:
                    why[kind] = str(reason)
                    continue
                with lock:
                    injected[kind] += came.injected
                    if came.wrong:
                        lost[kind] += max(came.injected, 1)
                        print(f"LOST {kind}: {came.wrong}", flush=True)
                    else:
                        print(f"{kind}: {came.injected} survived ({sum(injected.values())} in all)", flush=True)

        def steps(what: str) -> None:
            if what not in wanted.only:
                return
            mine = random.Random(f"{wanted.seed} {what}")
            home = small_school(campaign) if what == _SMALL else None
            for step, came in killed_in_steps(campaign, lambda n, of: mine.random() < wanted.writes, home):
                kind = f"kill -9 at a write of {what}: {step}"
                with lock:
                    injected[kind] += came.injected
                    lost[kind] += came.injected if came.wrong else 0
                print(f"{'LOST ' if came.wrong else ''}{kind}: {came.wrong or injected[kind]}", flush=True)
                if time.monotonic() > ends:
                    return

        with ThreadPoolExecutor(2) as two:
            done = [two.submit(work, 1)] if set(wanted.only) & set(KINDS) else []
            done += [two.submit(steps, _SMALL), two.submit(steps, _STEPS)]
            done += [two.submit(work, 0)] if set(wanted.only) & set(KINDS) else []
            for one in done:
                one.result()
    print("\n| fault | injected | survived | lost |\n|---|---|---|---|")
    for kind in [*(k for k in injected if k not in KINDS), *(k for k in wanted.only if k in KINDS)]:
        if kind in why:
            print(f"| {kind} | 0 | | {why[kind]} |")
        else:
            print(f"| {kind} | {injected[kind]} | {injected[kind] - lost[kind]} | {lost[kind]} |")
    print(f"| all | {injected.total()} | {injected.total() - lost.total()} | {lost.total()} |")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
