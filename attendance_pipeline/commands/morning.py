"""`morning`: this morning's phone list by hand, as the sensor makes it."""

from __future__ import annotations

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, day, home_of, say_progress
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    words = "from the extracts dropped this morning: the phone list and the parents' forms; no letters"
    morning = commands.add("morning", _morning, words)
    morning.add_argument("--date", type=day, metavar="D", help="as if it were the morning of this day (default: today)")


def _morning(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    from attendance_pipeline.running import run_morning
    from attendance_pipeline.said import said

    outcome = run_morning(home, arguments.date, say_progress())
    none = "Nothing new: no extract of the day lies in an inbox, or its phone list lies on the drive already."
    print(said(home, outcome) if outcome.folders else none)
    return DONE
