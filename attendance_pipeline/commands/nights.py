"""`nightly` and `backfill`: runs of this home, and what they say at the end."""

from __future__ import annotations

import datetime as dt

from attendance_pipeline.commands.telling import (
    Arguments,
    Commands,
    UsageError,
    day,
    exit_code,
    home_of,
    in_order,
    say_progress,
)
from attendance_pipeline.home import open_home
from attendance_pipeline.law.settings_errors import SettingsError


def add(commands: Commands) -> None:
    nightly = commands.add("nightly", _nightly, "take in the inbox, then do everything that is due")
    nightly.add_argument("--date", type=day, metavar="D", help="up to this day (default: the latest with marks)")

    words = "derive a range of days again from the kept extracts, in one run"
    backfill = commands.add("backfill", _backfill, words)
    backfill.add_argument("--from", dest="first", type=day, required=True, metavar="D")
    backfill.add_argument("--to", dest="last", type=day, required=True, metavar="D")
    backfill.add_argument("--as-recorded", action="store_true", help="each day from what was known on it")


def _nightly(arguments: Arguments) -> int:
    path = home_of(arguments)
    try:
        home = open_home(path)
    except SettingsError:
        # A night that was started by a scheduler has nobody to read the error: it is told as it was told before.
        from attendance_pipeline.steps.telling import morning

        morning(path, dt.datetime.now(dt.UTC))
        raise
    from attendance_pipeline.running import run_nightly
    from attendance_pipeline.said import said

    outcome = run_nightly(home, arguments.date, say_progress())
    print(said(home, outcome))
    return exit_code(outcome)


def _backfill(arguments: Arguments) -> int:
    home = open_home(home_of(arguments))
    in_order(arguments)
    if not any(arguments.first <= d <= arguments.last for s in home.schools for d in s.calendar.days.tolist()):
        raise UsageError(f"no school has a school day from {arguments.first} to {arguments.last}")
    from attendance_pipeline.running import run_backfill
    from attendance_pipeline.said import said

    outcome = run_backfill(home, arguments.first, arguments.last, arguments.as_recorded, say_progress())
    print(said(home, outcome))
    return exit_code(outcome)
