"""Which rounds of school weeks have ended and are not done: read as a calendar of a school."""

from __future__ import annotations

import datetime as dt

import pytest
import report_world

from attendance_pipeline.law.rounds import last_ended, monday_of, rounds_due, weeks_of_year

CALENDAR = report_world.calendar()  # 2025/26; INSET on 1 September and 24 October; half-term from 27 to 31 October


def due(day: str, weeks: int, done: str | None = "2025-08-31") -> list[str]:
    """The rounds due on a day, each as first and last school day."""
    found = rounds_due(
        CALENDAR,
        CALENDAR.on_or_before(dt.date.fromisoformat(day)),
        weeks,
        None if done is None else dt.date.fromisoformat(done),
    )
    return [f"{CALENDAR.date(r.first)} {CALENDAR.date(r.last)}" for r in found]


@pytest.mark.parametrize(
    ("day", "weeks", "done", "rounds"),
    [
        ("2025-09-04", 1, "2025-08-31", []),  # the first week goes on
        ("2025-09-05", 1, "2025-08-31", ["2025-09-02 2025-09-05"]),
        ("2025-09-08", 1, "2025-08-31", ["2025-09-02 2025-09-05"]),  # Friday's marks came on Monday
        ("2025-09-19", 1, "2025-09-05", ["2025-09-08 2025-09-12", "2025-09-15 2025-09-19"]),  # off for two weeks
        ("2025-09-19", 1, "2025-09-19", []),
        ("2025-10-22", 1, "2025-10-17", []),
        ("2025-10-23", 1, "2025-10-17", ["2025-10-20 2025-10-23"]),  # INSET on the Friday
        ("2025-11-07", 1, "2025-10-23", ["2025-11-03 2025-11-07"]),  # half-term is no school week
        ("2025-09-12", 2, "2025-08-31", ["2025-09-02 2025-09-12"]),
        ("2025-09-19", 2, "2025-08-31", ["2025-09-02 2025-09-12"]),
        ("2025-10-10", 6, "2025-08-31", ["2025-09-02 2025-10-10"]),
        ("2025-11-28", 6, "2025-10-10", ["2025-10-13 2025-11-28"]),  # six school weeks, and half-term between
        ("2025-11-21", 6, "2025-10-10", []),
        ("2025-11-28", 6, "2025-10-03", ["2025-10-06 2025-11-21"]),  # they go on from the last that was done
        ("2025-11-28", 6, None, ["2025-10-13 2025-11-28"]),  # never before: only the newest
        ("2025-09-19", 1, None, ["2025-09-15 2025-09-19"]),
        ("2026-07-20", 6, "2026-06-26", []),  # weeks left over
        ("2025-09-19", 0, "2025-08-31", []),  # off
        ("2025-09-19", 1, "2025-12-01", []),  # done ahead, such as after a calendar was shortened
    ],
)
def test_rounds_that_are_due(day: str, weeks: int, done: str | None, rounds: list[str]) -> None:
    assert due(day, weeks, done) == rounds


def test_the_weeks_of_a_year_hold_every_school_day_once() -> None:
    weeks = weeks_of_year(CALENDAR, 5)
    assert [d for w in weeks for d in range(w.first, w.last + 1)] == list(range(len(CALENDAR)))
    assert all(monday_of(CALENDAR.date(w.first)) == monday_of(CALENDAR.date(w.last)) for w in weeks)


def test_before_the_first_week_has_ended_none_has() -> None:
    assert [last_ended(CALENDAR, day) for day in range(5)] == [-1, -1, -1, 3, 3]
