"""`attendance benchmarks`: published attendance to compare with, shown and brought up to date."""

from __future__ import annotations

from pathlib import Path

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, day, home_of, today
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    family = commands.family("benchmarks", "published attendance that the governor report compares with")
    update = family.add("update", _update, "take in a newer download of DfE's Pupil attendance in schools")
    update.add_argument("file", type=Path, metavar="FILE", help="the data of a release, as CSV")
    update.add_argument("--to", type=day, metavar="D", help="the day its figures count to, where the file says none")
    family.add("show", _show, "say which years and days the figures of this home cover")


def _update(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.reports.benchmarks import NotADownload
    from attendance_pipeline.steps.benchmarks import update

    try:
        done = update(home, arguments.file, to=arguments.to, today=today())
    except NotADownload as refused:
        raise UsageError(f"{arguments.file} was not taken: {refused}") from None
    except OSError as error:
        raise UsageError(f"{arguments.file} cannot be read: {error.strerror or 'no reason given'}") from None
    if not done.changed:
        print(f"Nothing new: the home has all {done.rows:,} figures of this file already.")
        return DONE
    print(f"{done.changed:,} of {done.rows:,} figures are new or changed, the newest to {done.newest}: {done.file}")
    print("Governor reports made from now on compare with them.")
    return DONE


def _show(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.reports.benchmarks import COVERAGE, LICENCE, PUBLISHER
    from attendance_pipeline.steps.benchmarks import load

    print(f"{PUBLISHER}: {COVERAGE}. {LICENCE}.")
    for year, releases, first, last in load(home).coverage():
        print(f"{year}: {releases} releases, year to date to {first} up to {last}")
    return DONE
