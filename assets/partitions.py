"""The axes of time: the school days and the half-terms of a home.

A day is a partition when at least one school of the home has sessions on it. Which days those are is the calendars'
business (`law/school_calendar.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from attendance_pipeline.law.school_calendar import SchoolCalendar

WEEKEND = ("0 0 * * 6", "0 0 * * 0")
# Days are always run as one range: a term is one run, not seventy.
ONE_RUN = dg.BackfillPolicy.single_run()


def school_days(calendars: Sequence[SchoolCalendar], time_zone: str) -> dg.DailyPartitionsDefinition:
    """One partition a school day, from the first day of the calendars to the last. Days to come are not shown yet."""
    days: set[dt.date] = {day for calendar in calendars for day in calendar.days.tolist()}
    first, last = min(days), max(days)
    span = (first + dt.timedelta(days=i) for i in range((last - first).days + 1))
    shut = [dt.datetime(d.year, d.month, d.day) for d in span if d.weekday() < 5 and d not in days]  # noqa: DTZ001  # read in the definition's own zone
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(),
        end_date=(last + dt.timedelta(days=1)).isoformat(),
        timezone=time_zone,
        exclusions=[*WEEKEND, *shut],
    )


def half_terms(calendars: Sequence[SchoolCalendar]) -> dg.StaticPartitionsDefinition:
    """One partition a half-term, by its key (`2025-26-autumn-1`), in order of its first day."""
    first: dict[str, dt.date] = {}
    for calendar in calendars:
        for half in calendar.half_terms:
            day = calendar.date(half.first)
            first[half.key] = min(first.get(half.key, day), day)
    return dg.StaticPartitionsDefinition(sorted(first, key=lambda key: first[key]))
