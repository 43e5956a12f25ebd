"""Dagster's own share of a night and of a term's backfill, run in process.

A demonstration home is run twice: by the steps alone, and by the jobs that call them. The difference is Dagster's:
starting, planning, and an event for every day and asset. Prints seconds and shares; the steps are measured first, on a
copy of the same home, so that both find the same work to do.

    python benchmarks/dagster_share.py [--pupils 420]
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attendance_pipeline.demo.make import make_demo_home
from attendance_pipeline.demo.run import before_last_night
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.home import open_home
from attendance_pipeline.running import Runner
from attendance_pipeline.steps import deliver
from attendance_pipeline.steps.check import check_register
from attendance_pipeline.steps.data_quality import data_quality
from attendance_pipeline.steps.intake import day_versions, register_counts, take_in
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.steps.worklists import worklists


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def copy_of(home: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(home, Path(folder) / "home"))


def term_by_steps(home: Path, days: Sequence[dt.date]) -> float:
    def work() -> None:
        with open_site(home) as site:
            register_counts(site, [day.isoformat() for day in days])
            day_versions(site)
            restate(site, days, TABLES)
            data_quality(site, "steps")

    return seconds(work)


def night_by_steps(home: Path, today: dt.date) -> float:
    def work() -> None:
        with open_site(home) as site:
            take_in(site, settle_seconds=0)
            day_versions(site)
            days = due_days(site, today)
            register_counts(site, [day.isoformat() for day in days])
            check_register(site)
            restate(site, days, TABLES)
            propose(site)
            deliver.letters(site, "steps")
            worklists(site, "steps")
            data_quality(site, "steps")

    return seconds(work)


def night_by_jobs(runner: Runner, today: dt.date) -> None:
    runner.run("take_in_extracts")
    with open_site(runner.home.path) as site:
        days = due_days(site, today)
    runner.run("nightly", days=days)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pupils", type=int, default=420)
    pupils = parser.parse_args().pupils
    with tempfile.TemporaryDirectory() as folder:
        plan = make_demo_home(Path(folder) / "home", pupils=pupils)
        home = open_home(plan.home)
        days = [d for d in home.schools[0].calendar.days.tolist() if plan.term[0] <= d <= plan.term[1]]
        with before_last_night(home, plan):
            with open_site(home.path) as site:
                take_in(site, settle_seconds=0)
            with copy_of(home.path) as copy:
                term_by_steps(copy, days)  # compiles nothing and imports all: what is measured is the work
            with copy_of(home.path) as copy:
                steps = term_by_steps(copy, days)
            runner = Runner(home, "benchmark")
            with copy_of(home.path) as copy:
                Runner(open_home(copy), "benchmark").run("take_in_extracts")  # Dagster's own tables are made once
            jobs = seconds(lambda: runner.run("backfill", days=days))
        print(f"A term's backfill, {len(days)} days, {pupils} pupils: steps {steps:.1f} s, as a job {jobs:.1f} s;")
        print(f"  Dagster's share {jobs - steps:.1f} s ({(jobs - steps) / jobs:.0%}); the aim is under 20 s")
        with copy_of(home.path) as copy:
            night_by_steps(copy, plan.today)
        with copy_of(home.path) as copy:
            steps = night_by_steps(copy, plan.today)
        jobs = seconds(lambda: night_by_jobs(runner, plan.today))
        print(f"A night with its letters and worklists: steps {steps:.1f} s, as jobs {jobs:.1f} s;")
        print(f"  Dagster's share {jobs - steps:.1f} s ({(jobs - steps) / jobs:.0%}); the aim is under 5 s")


if __name__ == "__main__":
    main()
