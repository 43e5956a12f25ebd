"""Plan: which day a night is for, and which half-terms have ended. Asks the calendars and the register; writes nothing."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from attendance_pipeline.home import School
from attendance_pipeline.law.school_calendar import HalfTerm
from attendance_pipeline.steps.intake import last_marked_day
from attendance_pipeline.steps.site import Site


def default_day(site: Site, now: dt.datetime) -> dt.date | None:
    """The latest school day on or before `now` (aware) that has marks in any school; None when there is none."""
    today = now.astimezone(ZoneInfo(site.home.time_zone)).date()
    latest = [
        school.calendar.date(min(marked, before))
        for school in site.schools()
        if (marked := last_marked_day(site, school)) is not None
        and (before := school.calendar.on_or_before(today)) >= 0
    ]
    return max(latest, default=None)


def school_day(site: Site, day: dt.date) -> dt.date | None:
    """The last day on or before `day` on which any school has sessions."""
    found = [s.calendar.date(i) for s in site.schools() if (i := s.calendar.on_or_before(day)) >= 0]
    return max(found, default=None)


def half_term(school: School, key: str) -> HalfTerm | None:
    """A school's half-term by its key; None when its calendar has no such half-term."""
    return next((h for h in school.calendar.half_terms if h.key == key), None)


def half_terms_ended(site: Site, day: dt.date) -> list[str]:
    """Keys of the half-terms that have ended before `day` and have marks, in order."""
    ended: dict[str, dt.date] = {}
    for school in site.schools():
        marked = last_marked_day(site, school)
        for half in school.calendar.half_terms:
            last = school.calendar.date(half.last)
            if marked is not None and half.first <= marked and last < day:
                ended[half.key] = max(ended.get(half.key, last), last)
    return sorted(ended, key=lambda key: ended[key])
