"""How long `attendance explain` takes on a home of many schools, the start of the program included.

    python benchmarks/explain.py [--schools 50] [--pupils 420] [--home DIR] [--rounds 5]

Makes the home first, unless DIR is one already (some minutes: extracts of a term and a half, taken in; the last three
days derived). Then asks about pupils by UPN and by name, each a process of its own, and says the best and the median.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from attendance_pipeline.demo.make import TODAY, make_demo_home
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import Site, open_site


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schools", type=int, default=50)
    parser.add_argument("--pupils", type=int, default=420)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    home = arguments.home or Path(tempfile.mkdtemp()) / "home"
    if not (home / "attendance.toml").exists():
        make_demo_home(home, pupils=arguments.pupils, schools=arguments.schools)
        with open_site(home) as site:
            take_in(site, settle_seconds=0)
            restate(site, due_days(site, TODAY)[-3:], TABLES)
    with open_site(home) as site:
        asked = _asked(site)
    for what, text, school in asked:
        command = [str(Path(sys.executable).parent / "attendance"), "explain", text, "--home", str(home)]
        command += ["--school", school] if school else []
        wall, cpu = zip(*(_run(command) for _ in range(arguments.rounds)), strict=True)
        print(f"{what:<28} best {min(wall):.2f} s, median {statistics.median(wall):.2f} s; processor {min(cpu):.2f} s")


def _asked(site: Site) -> list[tuple[str, str, str]]:
    school = site.schools()[len(site.schools()) // 2]
    with site.warehouse.read() as conn:
        pupil = current_pupils(conn, school.id).iloc[7]
    name = f"{pupil['surname']}, {pupil['forename']}"
    return [
        ("by UPN, of all schools", str(pupil["upn"]), ""),
        ("by name, of one school", name, school.id),
        ("by surname, several fit", str(pupil["surname"]), ""),
    ]


def _run(command: list[str]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    import resource

    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=False, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
