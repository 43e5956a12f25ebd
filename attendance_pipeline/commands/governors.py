"""`attendance governors`: the governor report of a half-term, when somebody asks for it."""

from __future__ import annotations

from attendance_pipeline.commands.telling import (
    Arguments,
    Commands,
    UsageError,
    exit_code,
    home_of,
    say_progress,
)
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    words = "make the governor report of a half-term now; it is also made by itself when a half-term has ended"
    parser = commands.add("governors", _governors, words)
    parser.add_argument(
        "--half-term", metavar="KEY", help="such as 2025-26-autumn-1 (default: the half-term of the newest day)"
    )


def _governors(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.running import run_governor_report
    from attendance_pipeline.said import said

    keys = sorted({half.key for school in home.schools for half in school.calendar.half_terms})
    if arguments.half_term is not None and arguments.half_term not in keys:
        raise UsageError(f"no calendar has the half-term {arguments.half_term!r}; there are {', '.join(keys)}")
    outcome = run_governor_report(home, arguments.half_term, say_progress())
    print(said(home, outcome))
    return exit_code(outcome)
