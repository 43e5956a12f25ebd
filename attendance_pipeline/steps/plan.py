"""Plan: which day a night is for, and which weekly and half-termly deliveries are due. Writes nothing.

Belongs here: asking the calendars, the register and what was delivered. Not here: making anything, and hours
(`schedules/`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from attendance_pipeline.home import School
from attendance_pipeline.law.school_calendar import HalfTerm
from attendance_pipeline.steps.intake import corrected_days, first_marked_day, last_marked_day, latest_marked_day
from attendance_pipeline.steps.restate import done_days, due_days, newest_done
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.deliveries import read_deliveries


def date_at(site: Site, now: dt.datetime) -> dt.date:
    """The date in the home's time zone at a moment (aware)."""
    return now.astimezone(ZoneInfo(site.home.time_zone)).date()


def default_day(site: Site, now: dt.datetime) -> dt.date | None:
    """The latest school day on or before `now` (aware) that has marks in any school; None when there is none."""
    return latest_marked_day(site, date_at(site, now))


def newest_day(site: Site) -> dt.date | None:
    """The last day, in any school, that has marks or is kept."""
    marked = [s.calendar.date(i) for s in site.schools() if (i := last_marked_day(site, s)) is not None]
    kept = [days[-1] for s in site.schools() if (days := done_days(site, s))]
    return max([*marked, *kept], default=None)


def school_day(site: Site, day: dt.date) -> dt.date | None:
    """The last day on or before `day` on which any school has sessions."""
    found = [s.calendar.date(i) for s in site.schools() if (i := s.calendar.on_or_before(day)) >= 0]
    return max(found, default=None)


@dataclass(frozen=True)
class Range:
    """The school days of one run, and which of them were corrected since the register was last counted."""

    days: tuple[dt.date, ...] = ()
    corrected: tuple[dt.date, ...] = ()


def night(site: Site, upto: dt.date | None) -> Range:
    """What a night derives: from the first day that is due or was corrected to `upto`, and at least `upto` itself.

    A corrected day may leave every figure as it was (another reason for the same absence): it is counted again all the
    same, so that Dagster does not call it out of date for ever.
    """
    if upto is None:
        return Range()
    corrected = [day for day in corrected_days(site) if day <= upto]
    due = due_days(site, upto)
    first = min([*due[:1], *corrected[:1], upto])
    return Range(school_days(site, first, max([*due[-1:], upto])), tuple(corrected))


def school_days(site: Site, first: dt.date, last: dt.date) -> tuple[dt.date, ...]:
    """The days from first to last, both included, on which any school has sessions."""
    return tuple(sorted({day for s in site.schools() for day in s.calendar.days.tolist() if first <= day <= last}))


def half_term(school: School, key: str) -> HalfTerm | None:
    """A school's half-term by its key; None when its calendar has no such half-term."""
    return next((h for h in school.calendar.half_terms if h.key == key), None)


def class_lists_due(site: Site) -> bool:
    """Whether a school week has ended, in any school, since its class lists were last delivered."""
    for school in site.schools():
        calendar, day = school.calendar, newest_done(site, school)
        if day is None:
            continue
        while day >= 0 and day + 1 < len(calendar) and calendar.week[day + 1] == calendar.week[day]:
            day -= 1
        if day >= 0 and not _delivered_since(site, school, "classes", calendar.date(day)):
            return True
    return False


def governor_reports_due(site: Site) -> list[str]:
    """Keys of the half-terms whose last day is done and that have no report yet, in order."""
    due: dict[str, dt.date] = {}
    for school in site.schools():
        newest, marked = newest_done(site, school), first_marked_day(site, school)
        if newest is None or marked is None:
            continue
        first = school.calendar.index(done_days(site, school)[0])
        with site.warehouse.read() as conn:
            reported = {d["day"] for d in read_deliveries(conn, school.id, "governors")}
        for half in school.calendar.half_terms:
            last = school.calendar.date(half.last)
            if max(marked, first or 0) <= half.last <= newest and last not in reported:
                due[half.key] = last
    return sorted(due, key=lambda key: due[key])


def _delivered_since(site: Site, school: School, what: str, day: dt.date) -> bool:
    with site.warehouse.read() as conn:
        return any(d["day"] >= day for d in read_deliveries(conn, school.id, what))
