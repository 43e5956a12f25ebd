"""The turn of the school year: how near the end of what a calendar knows is, and which rules of a policy end.

Belongs here: dates of the calendar and the policy beside a date. Not here: what people are told of it
(`steps/school_year.py`), and extracts.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from attendance_pipeline.law.policy import Policy
from attendance_pipeline.law.school_calendar import SchoolCalendar

# How long beforehand people are told; no policy and no law. Schools publish their dates about a year ahead.
SOON, LAST_DAYS, BEGINS = dt.timedelta(weeks=8), dt.timedelta(weeks=1), dt.timedelta(weeks=2)

Turn = Literal["", "soon", "last days", "over", "begins"]


def last_day(calendar: SchoolCalendar) -> dt.date:
    """The last school day that a calendar knows."""
    return calendar.date(len(calendar) - 1)


def year_that_begins(calendar: SchoolCalendar, today: dt.date) -> dt.date | None:
    """The first school day of an academic year that is not the calendar's first and begins within two weeks before or
    after a date; None where there is none."""
    for year in range(1, len(calendar.year_names)):
        first = calendar.date(int((calendar.year == year).argmax()))
        if abs(first - today) <= BEGINS:
            return first
    return None


def turn_of_year(calendar: SchoolCalendar, today: dt.date) -> Turn:
    """Where a date stands: `soon`, `last days` and `over` are of the end of all that the calendar knows, `begins` of a
    year of the calendar that begins about now; blank for most days of the year."""
    last = last_day(calendar)
    if today > last:
        return "over"
    if last - today <= LAST_DAYS:
        return "last days"
    if last - today <= SOON:
        return "soon"
    return "begins" if year_that_begins(calendar, today) else ""


def year_wanted(calendar: SchoolCalendar, today: dt.date) -> str:
    """What to do about a calendar that ends soon or has ended, in words; blank where it goes on."""
    last, turn = last_day(calendar), turn_of_year(calendar, today)
    if turn == "over":
        return (
            f"the calendar ends on {last:%d/%m/%Y}: later days are no school days, nothing is made of them and no "
            "letter is proposed; add the next school year"
        )
    if turn in ("soon", "last days"):
        return f"the calendar ends on {last:%d/%m/%Y}: add the next school year before then"
    return ""


def rules_that_end(policy: Policy, after: dt.date, upto: dt.date) -> list[tuple[str, dt.date]]:
    """Rules of a policy whose last day lies after one date and up to another, and that have no newer version then:
    (name, last day)."""
    out = []
    for rule in policy.setting.penalty_notice_rules:
        end = rule.valid_to
        if end is not None and after < end <= upto and all(r.name != rule.name for r in policy.rules_on(upto)):
            out.append((rule.name, end))
    return sorted(set(out), key=lambda r: (r[1], r[0]))
