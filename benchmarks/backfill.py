"""A term derived at once and night after night, store to store: the same pages, for a fraction of the work.

    python benchmarks/backfill.py [--pupils 1000] [--days 70]

The demo school's extracts are loaded once; then the same school days are derived twice, each time on a copy of that
home, without Dagster: by one backfill, and by as many nights one after another. Backfill and every night open the home
afresh, read the register from the store and write their pages to it. The pages must be equal, byte for byte. Seconds of
the processor are shown beside those of the clock, because other work on the machine makes the clock vary; trust the
ratios.
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from attendance_pipeline.demo.make import make_demo_home
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.store.derived import read_pages

GOAL = 20  # a backfill costs at most one part in so many of its nights
ROUNDS = 3  # of the backfill, which is short; the best counts


class Seconds(NamedTuple):
    clock: float
    processor: float


def now() -> Seconds:
    return Seconds(time.perf_counter(), time.process_time())


def run(home: Path, days: Sequence[dt.date]) -> Seconds:
    """Derive some days in one run on a freshly opened home."""
    begin = now()
    with open_site(home) as site:
        restate(site, days, TABLES)
    end = now()
    return Seconds(end.clock - begin.clock, end.processor - begin.processor)


def pages(home: Path) -> dict[tuple[str, str, dt.date], bytes]:
    """Every page that the store holds, by school, table and day."""
    with open_site(home) as site, site.warehouse.read() as conn:
        return {
            (school.id, table, day): page
            for school in site.schools()
            for table in TABLES
            for day, page in read_pages(conn, school.id, table).items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pupils", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=70)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        loaded = Path(folder) / "loaded"
        plan = make_demo_home(loaded, pupils=given.pupils)
        with open_site(loaded) as site:
            take_in(site, settle_seconds=0)
            days = due_days(site, plan.today)[: given.days]
        if len(days) < given.days:
            raise SystemExit(f"the demo has {len(days)} school days")
        run(shutil.copytree(loaded, Path(folder) / "first"), days[:1])  # compile, or load what was compiled

        homes = [shutil.copytree(loaded, Path(folder) / f"backfill {n}") for n in range(ROUNDS)]
        nightly = shutil.copytree(loaded, Path(folder) / "nights")
        backfills = [run(home, days) for home in homes]
        nights = [run(nightly, [day]) for day in days]
        ratio = compare(backfills, nights, given.pupils)
        kept = pages(homes[0])
        if kept != pages(nightly):
            raise SystemExit("the pages DIFFER")
        size = sum(map(len, kept.values()))
        print(f"{len(kept)} pages, {size / 1e6:.1f} MB: equal byte for byte")
    print(f"goal: a ratio of {GOAL} or more; {'reached' if ratio >= GOAL else 'MISSED'}")
    raise SystemExit(ratio < GOAL)


def compare(backfills: Sequence[Seconds], nights: Sequence[Seconds], pupils: int) -> float:
    """Print seconds and ratios. Returns the processor's ratio."""
    ratio = 0.0
    print(f"{pupils:,} pupils, {len(nights)} school days")
    print(f"{'':<10} {'backfill':>9} {'nights':>9} {'a night':>9} {'ratio':>7}")
    for name in Seconds._fields:
        once, all_of_them = min(getattr(s, name) for s in backfills), sum(getattr(s, name) for s in nights)
        ratio = all_of_them / once
        print(f"{name:<10} {once:>9.3f} {all_of_them:>9.3f} {all_of_them / len(nights):>9.4f} {ratio:>7.1f}")
    return ratio


if __name__ == "__main__":
    main()
