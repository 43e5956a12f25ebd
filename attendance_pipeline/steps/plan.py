"""Plan: which day a night is for, and which weekly and half-termly deliveries are due. Writes nothing but that
a school could not be asked.

Belongs here: asking the calendars, the register and what was delivered. Not here: making anything, and hours
(`schedules/`).
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from attendance_pipeline.home import Home, School
from attendance_pipeline.law.rounds import Round, last_ended, rounds_due
from attendance_pipeline.law.school_calendar import HalfTerm
from attendance_pipeline.reports.incentives import PRIZE_POT, RAFFLE
from attendance_pipeline.steps.intake import corrected_days
from attendance_pipeline.steps.marked_days import first_marked_day, last_marked_day, latest_marked_day
from attendance_pipeline.steps.restate import done_days, due_days, newest_done
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import PLAN, each_school
from attendance_pipeline.store.deliveries import read_deliveries
from attendance_pipeline.store.draws import StoredDraw, read_draws

DELIVERED_AS = "incentives"  # what draws lie in on the drive
PASTORAL = "pastoral"
MONITORING = "monitoring"
PASTORAL_SCHOOL_WEEKS = 2  # the meetings of the school's document are fortnightly


def date_at(site: Site, now: dt.datetime) -> dt.date:
    """The date in the home's time zone at a moment (aware)."""
    return now.astimezone(ZoneInfo(site.home.time_zone)).date()


def default_day(site: Site, now: dt.datetime) -> dt.date | None:
    """The latest school day on or before `now` (aware) that is over and has marks in any school; None when there is
    none. A day of which only the morning is marked says nothing yet: before the end of school it is not asked."""
    unfinished = unfinished_day(site, now)
    today = date_at(site, now)
    return latest_marked_day(site, today if unfinished is None else today - dt.timedelta(days=1))


def unfinished_day(site: Site, now: dt.datetime) -> dt.date | None:
    """Today in the home's time zone, while school is not over at a moment (aware); None afterwards."""
    local = now.astimezone(ZoneInfo(site.home.time_zone))
    return local.date() if local.time() < site.home.settings.morning.school_day_ends else None


def newest_day(site: Site) -> dt.date | None:
    """The last day, in any school, that has marks or is kept."""

    def newest(school: School) -> list[dt.date]:
        marked = last_marked_day(site, school)
        return [*done_days(site, school)[-1:], *([] if marked is None else [school.calendar.date(marked)])]

    return max((day for days in each_school(site, PLAN, newest) for day in days), default=None)


def next_school_day(site: Site) -> dt.date:
    """The day after the newest that has marks or is kept, in any school, or the next on which one has sessions; the day
    after the newest where no calendar goes on, the first of all where nothing is known yet."""
    newest = newest_day(site)
    if newest is None:
        return min(s.calendar.date(0) for s in site.schools())
    after = newest + dt.timedelta(days=1)
    found = [s.calendar.date(i) for s in site.schools() if (i := s.calendar.on_or_after(after)) < len(s.calendar)]
    return min(found, default=after)


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


def class_list_day(site: Site, school: School) -> int | None:
    """Number of the last day of the newest school week of the academic year that has ended and is done; None when none
    has: nobody waits for a list of last year's class."""
    newest, year = newest_done(site, school), school.calendar.year
    ended = -1 if newest is None else last_ended(school.calendar, newest)
    return ended if ended >= 0 and year[ended] == year[newest] else None


def class_lists_of(site: Site) -> list[School]:
    """The schools in which a school week has ended since the class lists were last delivered."""
    return _week_ended(site, "classes")


def _week_ended(site: Site, what: str) -> list[School]:
    def ended(school: School) -> School | None:
        day = class_list_day(site, school)
        due = day is not None and not _delivered_since(site, school, what, school.calendar.date(day))
        return school if due else None

    return [school for school in each_school(site, PLAN, ended) if school]


def class_lists_due(site: Site) -> bool:
    """Whether class lists are due in any school."""
    return bool(class_lists_of(site))


def monitoring_of(site: Site) -> list[School]:
    """The schools in which a school week has ended since the monitoring was last delivered."""
    return _week_ended(site, MONITORING)


def monitoring_due(site: Site) -> bool:
    """Whether the monitoring is due in any school."""
    return bool(monitoring_of(site))


def pastoral_round(site: Site, school: School) -> Round | None:
    """The newest two school weeks that have ended without a pastoral pack; None when none have.

    Of several that were missed only the newest has a pack: the other meetings are over.
    """
    newest = newest_done(site, school)
    if newest is None:
        return None
    with site.warehouse.read() as conn:
        done = max((d["day"] for d in read_deliveries(conn, school.id, PASTORAL)), default=None)
    return next(reversed(rounds_due(school.calendar, newest, PASTORAL_SCHOOL_WEEKS, done)), None)


def pastoral_packs_due(site: Site) -> bool:
    """Whether a pastoral pack is due in any school."""
    return any(each_school(site, PLAN, lambda school: pastoral_round(site, school)))


def draws_due(site: Site, school: School, kind: str) -> list[Round]:
    """The rounds of school weeks that have ended and of which no draw of this kind was made, oldest first."""
    setting, newest = school.policy.setting.incentives, newest_done(site, school)
    weeks = {RAFFLE: int(setting.raffle), PRIZE_POT: setting.prize_pot_school_weeks}[kind]
    if newest is None or not weeks:
        return []
    with site.warehouse.read() as conn:
        done = max((d.week for d in read_draws(conn, school.id, kind)), default=None)
    return rounds_due(school.calendar, newest, weeks, done)


def draws_to_deliver(site: Site, school: School, kind: str) -> list[StoredDraw]:
    """Draws that were made and are not on the drive: a run was cut off between the two."""
    with site.warehouse.read() as conn:
        delivered = {name for d in read_deliveries(conn, school.id, DELIVERED_AS) for name in d["holds"]}
        return [d for d in read_draws(conn, school.id, kind) if f"{d.kind} {d.week}" not in delivered]


def raffles_due(site: Site) -> bool:
    """Whether a punctuality raffle is to be drawn or delivered in any school."""
    return _to_draw(site, RAFFLE)


def prize_pots_due(site: Site) -> bool:
    """Whether a prize pot is to be drawn or delivered in any school."""
    return _to_draw(site, PRIZE_POT)


def _to_draw(site: Site, kind: str) -> bool:
    return any(each_school(site, PLAN, lambda s: draws_due(site, s, kind) or draws_to_deliver(site, s, kind)))


def trust_folder(home: Home) -> str:
    """The folder of the trust on the drive: its name in small letters; never that of a school."""
    plain = re.sub(r"[^a-z0-9]+", "-", home.trust_name.lower()).strip("-") or "trust"
    return f"{plain}-trust" if plain in home.school_ids else plain


def newest_half_term(site: Site) -> str | None:
    """The key of the half-term of the newest day that is done in any school; None when no day is."""

    def newest(school: School) -> list[tuple[dt.date, str]]:
        if (day := newest_done(site, school)) is None:
            return []
        halves = [h for h in school.calendar.half_terms if h.first <= day]
        return [(school.calendar.date(day), halves[-1].key)] if halves else []

    found = [one for of_school in each_school(site, PLAN, newest) for one in of_school]
    return max(found)[1] if found else None


def governor_reports_due(site: Site) -> list[str]:
    """Keys of the half-terms whose last day is done and that have no report yet, in order."""
    due: dict[str, dt.date] = {}
    for of_school in each_school(site, PLAN, lambda school: _reports_due(site, school)):
        due |= of_school
    return sorted(due, key=lambda key: due[key])


def _reports_due(site: Site, school: School) -> dict[str, dt.date]:
    newest, marked = newest_done(site, school), first_marked_day(site, school)
    if newest is None or marked is None:
        return {}
    first = school.calendar.index(done_days(site, school)[0])
    with site.warehouse.read() as conn:
        reported = {d["day"] for d in read_deliveries(conn, school.id, "governors")}
    ends = {
        half.key: half.last for half in school.calendar.half_terms if max(marked, first or 0) <= half.last <= newest
    }
    dates = {key: school.calendar.date(last) for key, last in ends.items()}
    return {key: last for key, last in dates.items() if last not in reported}


def _delivered_since(site: Site, school: School, what: str, day: dt.date) -> bool:
    with site.warehouse.read() as conn:
        return any(d["day"] >= day for d in read_deliveries(conn, school.id, what))
