"""What a home costs by its number of schools: is a school as cheap among five hundred as among five?

    python benchmarks/many_schools.py [--schools 5 20 50] [--pupils 30] [--until 2025-10-03]

Small invented schools, because what is asked is what grows with schools and not with marks. Each operation is a process
of its own: its processor time (which another's work on the machine does not lengthen) and its largest memory. The last
two columns are ratios to the smallest home: processor time a school, which should not grow, and memory, which should
hardly.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attendance_pipeline.demo import make

COMMAND = Path(sys.executable).parent / "attendance"
LOADS = "from attendance_pipeline.definitions import build_definitions; import sys; build_definitions(sys.argv[1])"


def measured(*command: object) -> tuple[float, float, float]:
    """Seconds of processor time, seconds by the clock and MB of a process."""
    began = time.perf_counter()
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        assert process.stderr is not None
        raise SystemExit(process.stderr.read().decode())
    return used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024


def made(folder: Path, schools: int, pupils: int, until: dt.date) -> Path:
    """A home whose schools have all their extracts in the inboxes; those of the last day lie beside them."""
    make.TODAY = until
    make.make_demo_home(folder, schools=schools, pupils=pupils)
    (folder / "later").mkdir()
    for file in (folder / "inbox").rglob(f"*_{until}*"):
        file.rename(folder / "later" / f"{file.parent.name} {file.name}")
    return folder


def last_day_comes(home: Path) -> None:
    for file in (home / "later").iterdir():
        school, _, name = file.name.partition(" ")
        file.rename(home / "inbox" / school / name)


def operations(home: Path, until: dt.date) -> dict[str, tuple[float, float, float]]:
    here = ("--home", home)
    first = until - dt.timedelta(days=4)
    out = {"check": measured(COMMAND, "check", *here), "definitions": measured(sys.executable, "-c", LOADS, home)}
    out["first nightly: all days"] = measured(COMMAND, "nightly", *here, "--date", until - dt.timedelta(days=1))
    last_day_comes(home)
    out["nightly: one day"] = measured(COMMAND, "nightly", *here, "--date", until)
    out["nightly: nothing new"] = measured(COMMAND, "nightly", *here, "--date", until)
    out["backfill of a week"] = measured(COMMAND, "backfill", *here, "--from", first, "--to", until)
    out["export of one school"] = measured(COMMAND, "export", "stages", *here, "--school", "oakfield")
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--schools", type=int, nargs="+", default=[5, 20, 50])
    parser.add_argument("--pupils", type=int, default=30)
    parser.add_argument("--until", type=dt.date.fromisoformat, default=dt.date(2025, 10, 3))
    asked = parser.parse_args()
    smallest: dict[str, tuple[float, float, float]] = {}
    print("| schools | operation | processor s | clock s | MB | s a school, to the smallest | MB, to the smallest |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for schools in sorted(asked.schools):
        with tempfile.TemporaryDirectory() as folder:
            found = operations(made(Path(folder) / "home", schools, asked.pupils, asked.until), asked.until)
        smallest = smallest or found
        for what, (cpu, clock, memory) in found.items():
            a_school = (cpu / schools) / (smallest[what][0] / min(asked.schools))
            grown = memory / smallest[what][2]
            print(
                f"| {schools} | {what} | {cpu:.1f} | {clock:.1f} | {memory:.0f} | {a_school:.2f} | {grown:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
