"""`attendance governors`: the governor report of a half-term, on request; also as it stood on a past evening."""

from __future__ import annotations

from pathlib import Path

from attendance_pipeline.commands.telling import (
    DONE,
    Arguments,
    Commands,
    UsageError,
    day,
    exit_code,
    home_of,
    say_progress,
)
from attendance_pipeline.home import Home, open_home


def add(commands: Commands) -> None:
    words = "make the governor report of a half-term now; it is also made by itself when a half-term has ended"
    parser = commands.add("governors", _governors, words)
    parser.add_argument(
        "--half-term", metavar="KEY", help="such as 2025-26-autumn-1 (default: the half-term of the newest day)"
    )
    parser.add_argument("--as-at", type=day, metavar="D", help="as it stood on that evening: into files of -o alone")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="with --as-at: where the files go")


def _governors(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    if (arguments.as_at is None) != (arguments.output is None):
        words = "--as-at and -o FOLDER go together: a report of a past evening is never put on the shared drive"
        raise UsageError(words)
    keys = sorted({half.key for school in home.schools for half in school.calendar.half_terms})
    if arguments.half_term is not None and arguments.half_term not in keys:
        raise UsageError(f"no calendar has the half-term {arguments.half_term!r}; there are {', '.join(keys)}")
    if arguments.as_at is not None:
        return _as_at(home, arguments)
    from attendance_pipeline.running import run_governor_report
    from attendance_pipeline.said import said

    outcome = run_governor_report(home, arguments.half_term, say_progress())
    print(said(home, outcome))
    return exit_code(outcome)


def _as_at(home: Home, arguments: Arguments) -> int:
    from attendance_pipeline.steps.governors_as_at import Unreported, governors_as_at
    from attendance_pipeline.steps.site import Site
    from attendance_pipeline.table_files import write_new

    folder: Path = arguments.output
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    with Site(home) as site:
        site.warehouse.upgrade()
        try:
            reports = governors_as_at(site, arguments.as_at, arguments.half_term)
        except Unreported as why:
            raise UsageError(f"--as-at {arguments.as_at}: {why}") from None
    for report in reports:
        for name, content in report.files.items():
            named = Path(name)
            file = folder / f"{report.owner}-{named.stem}-{report.day}-as-at-{arguments.as_at}{named.suffix}"
            print(f"Wrote {write_new(file, content, numbered=True)}")
    return DONE
