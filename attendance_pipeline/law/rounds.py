"""Rounds of school weeks: which weeks of an academic year belong together when something is done every so many weeks.

Belongs here: counting school weeks in rounds, and which rounds have ended and are not done. Not here: what is done in a
round, and knowing what was done (`steps/`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from attendance_pipeline.law.school_calendar import SchoolCalendar


@dataclass(frozen=True)
class Round:
    """School weeks that belong together: numbers of their first and last school day."""

    first: int
    last: int


def monday_of(day: dt.date) -> dt.date:
    """The Monday of the ISO week of a day: what names a school week for good, whichever of its days become INSET."""
    return day - dt.timedelta(days=day.weekday())


def last_ended(calendar: SchoolCalendar, newest: int) -> int:
    """Number of the last school day of the newest school week that has ended by the day `newest`; -1 when none has."""
    day = newest
    while day >= 0 and day + 1 < len(calendar) and calendar.week[day + 1] == calendar.week[day]:
        day -= 1
    return day


def weeks_of_year(calendar: SchoolCalendar, day: int) -> list[Round]:
    """The school weeks of the academic year of a day, in order, each as a round of one."""
    start, end = int(calendar.year_start[day]), int(calendar.year_end[day])
    weeks = calendar.week[start : end + 1]
    firsts = [start + i for i in range(len(weeks)) if i == 0 or weeks[i] != weeks[i - 1]]
    return [Round(first, after - 1) for first, after in zip(firsts, [*firsts[1:], end + 1], strict=True)]


def rounds_due(calendar: SchoolCalendar, newest: int, school_weeks: int, done: dt.date | None) -> list[Round]:
    """Rounds of so many school weeks that have ended by the day `newest` and are not done, oldest first.

    `done`: a day of the last week of the newest round that was done, None before the first. Rounds are counted from the
    first school week of the academic year or, once one is done in it, from there: a week that turns out to be closed
    puts later rounds off and repeats none. Weeks left over at the end of the year make no round. Where nothing was done
    ever, only the newest round is due: nobody waits for those of before.
    """
    ended = last_ended(calendar, newest)
    if ended < 0 or school_weeks < 1:
        return []
    weeks = weeks_of_year(calendar, ended)
    if done is not None:
        weeks = [w for w in weeks if monday_of(calendar.date(w.first)) > monday_of(done)]
    groups = [weeks[i : i + school_weeks] for i in range(0, len(weeks), school_weeks)]
    rounds = [Round(g[0].first, g[-1].last) for g in groups if len(g) == school_weeks and g[-1].last <= ended]
    return rounds if done is not None else rounds[-1:]
