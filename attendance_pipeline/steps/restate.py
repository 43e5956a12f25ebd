"""Restate: derive school days anew and keep what came out, one page a school, day and table.

Belongs here: which days are due or differ from what is kept, and writing pages in one transaction. A page is recognised
by its bytes, so that nothing has to be remembered of what might have changed: a late mark, a pupil's new entry date, an
entry of the log, an edited policy. Not here: any rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from attendance_pipeline.derive.plan import compile_plan
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.home import School
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.marked_days import first_marked_day, last_marked_day
from attendance_pipeline.steps.pages import page_rows, to_page
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.derived import page_versions, read_pages, write_pages
from attendance_pipeline.store.impact import keep_former

# What a page was computed from, kept beside it: everything that is loaded, or what was known on the day itself.
RESTATED = "restated"
AS_RECORDED = "as recorded"
# What a correction may change of a family's case: the impact report shows these before and after.
COMPARED = ("stages", "penalty_notices")

Day = dt.date


def derived(site: Site, school: School, first: int, last: int, as_at: Day | None = None) -> Derived:
    """Days `first` to `last` of a school, derived once in a run."""
    key = ("derived", school.id, site.register_version(school), as_at, first, last)
    return site.remember(key, lambda: derive_school(school_inputs(site, school, as_at), first, last))


def replayed_from(school: School, day: int) -> int:
    """The day from which the ladder of a day is derived: the first of its academic year or, where years do not begin
    afresh, of the last that did."""
    plan = compile_plan(school.calendar, school.policy, school.go_live)
    return plan.replay_start(int(school.calendar.year_start[day]))


def indexes(school: School, days: Iterable[Day]) -> list[int]:
    """Numbers of the days on which this school has sessions; other days of the home's calendars are passed over."""
    return sorted(i for day in days if (i := school.calendar.index(day)) is not None)


@dataclass(frozen=True)
class Restated:
    """Rows written, by ISO date of the day."""

    rows: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def restate(site: Site, days: Sequence[Day], tables: Sequence[str], *, as_recorded: bool = False) -> Restated:
    """Derive the given days of every school and keep the given tables (names of `derive.tables.TABLES`).

    `as_recorded`: each day from what extracts recorded by that day said. Running it twice writes the same bytes.
    """
    rows: dict[str, int] = {day.isoformat(): 0 for day in days}
    for school in site.schools():
        wanted = indexes(school, days)
        if not wanted:
            continue
        pages: dict[tuple[Day, str], bytes] = {}
        for day, result in _each(site, school, wanted, as_recorded):
            for table in tables:
                date = school.calendar.date(day)
                pages[date, table] = page = to_page(result, table, day)
                rows[date.isoformat()] += page_rows(page)
        with site.warehouse.begin(school.id) as conn:
            if not as_recorded:
                keep_former(conn, school.id, _replaced(conn, school, pages))
            write_pages(conn, school.id, pages, AS_RECORDED if as_recorded else RESTATED)
    return Restated(rows)


def _replaced(conn: Connection, school: School, pages: Mapping[tuple[Day, str], bytes]) -> dict[tuple[Day, str], bytes]:
    """Of the tables that the impact report compares, pages that are kept now and will read otherwise."""
    out = {}
    days = [day for day, _ in pages]
    for table in COMPARED:
        if not any(kind == table for _, kind in pages):
            continue
        versions = page_versions(conn, school.id, table)
        for day, page in read_pages(conn, school.id, table, min(days), max(days)).items():
            if versions[day] == RESTATED and pages.get((day, table), page) != page:
                out[day, table] = page
    return out


def _each(site: Site, school: School, wanted: Sequence[int], as_recorded: bool) -> Iterable[tuple[int, Derived]]:
    if not as_recorded:
        whole = derived(site, school, wanted[0], wanted[-1])
        yield from ((day, whole) for day in wanted)
        return
    for day in wanted:
        inputs = school_inputs(site, school, school.calendar.date(day))
        yield day, derive_school(inputs, day, day)


def done_days(site: Site, school: School) -> list[Day]:
    """School days of which every table is kept, in order."""
    with site.warehouse.read() as conn:
        kept = [set(page_versions(conn, school.id, table)) for table in TABLES]
    return sorted(set.intersection(*kept))


def newest_done(site: Site, school: School) -> int | None:
    """Number of the newest day that is done and not after the last mark; None when there is none.

    Letters, lists and reports are of this day: a day that was asked for before its marks came says nothing of anybody.
    """
    marked = last_marked_day(site, school)
    done = indexes(school, done_days(site, school))
    return max((day for day in done if marked is not None and day <= marked), default=None)


def first_due(site: Site, school: School, as_at: Day | None = None) -> int | None:
    """The first school day that is ever derived: the first of the academic year of the first mark, as at a time."""
    marked = first_marked_day(site, school, as_at)
    return None if marked is None else int(school.calendar.year_start[marked])


def due_days(site: Site, upto: Day) -> list[Day]:
    """School days to derive so that everything up to `upto` is done and nothing that is kept is out of date.

    Days without a page, and all done days from the first whose pages would now be others. Pages that were asked for as
    recorded are out of date to nobody: they stay until somebody asks for those days again, or a correction reaches back
    to days before them.
    """
    due: set[Day] = set()
    for school in site.schools():
        first = first_due(site, school)
        if first is None:
            continue
        last = school.calendar.on_or_before(upto)
        done = done_days(site, school)
        wanted = {school.calendar.date(i) for i in range(first, last + 1)}
        due |= wanted - set(done)
        changed = first_changed(site, school, done)
        if changed is not None:
            due |= {day for day in done if day >= changed}
    return sorted(due)


def first_changed(site: Site, school: School, done: Sequence[Day]) -> Day | None:
    """The first of the done days whose pages would now be others; None when all are as they would be."""
    numbers = indexes(school, done)
    if not numbers:
        return None
    now = derived(site, school, numbers[0], numbers[-1])
    with site.warehouse.read() as conn:
        kept = {table: read_pages(conn, school.id, table) for table in TABLES}
        versions = page_versions(conn, school.id, TABLES[0])
    for day in numbers:
        date = school.calendar.date(day)
        if versions.get(date) == AS_RECORDED:
            continue
        if any(kept[table].get(date) != to_page(now, table, day) for table in TABLES):
            return date
    return None
