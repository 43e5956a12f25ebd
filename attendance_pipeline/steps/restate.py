"""Restate: derive school days anew and keep what came out, one page a school, day and table.

Belongs here: which days are due or differ from what is kept, and writing pages in one transaction. A page is recognised
by its bytes, so that nothing has to be remembered of what might have changed: a late mark, a pupil's new entry date, an
entry of the log, an edited policy. Not here: any rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection

from attendance_pipeline.derive.plan import compile_plan
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.engine import Outcome
from attendance_pipeline.home import School
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.marked_days import first_marked_day, last_marked_day
from attendance_pipeline.steps.pages import page_rows
from attendance_pipeline.steps.school_pages import Asked, DayTable, digest, first_other, pages_of, prepared
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
    wanted = [(school, numbers) for school in site.schools() if (numbers := indexes(school, days))]
    for school, made in _made(site, wanted, tables, as_recorded):
        pages = {(school.calendar.date(day), table): page for (day, table), page in made.result().items()}
        with site.warehouse.begin(school.id) as conn:
            if not as_recorded:
                keep_former(conn, school.id, _replaced(conn, school, pages))
            write_pages(conn, school.id, pages, AS_RECORDED if as_recorded else RESTATED)
        for (date, _), page in pages.items():
            rows[date.isoformat()] += page_rows(page)
    return Restated(rows)


def _made(
    site: Site, wanted: Iterable[tuple[School, Sequence[int]]], tables: Sequence[str], as_recorded: bool
) -> Iterator[tuple[School, Outcome[dict[DayTable, bytes]]]]:
    """The pages of some days of each school, or why they could not be made, in the order of the schools. They are made
    by the home's engine, of which a few schools may be ahead."""

    def asked() -> Iterator[Asked]:
        for school, numbers in wanted:
            if as_recorded:  # each day has its own inputs, and goes by itself
                for day in numbers:
                    yield Asked(school, (day,), tuple(tables), as_at=school.calendar.date(day))
            else:
                yield Asked(school, tuple(numbers), tuple(tables))

    # What is asked is made anew for each use: `outcomes` takes it as it has room, and may be ahead of us.
    made = zip(asked(), site.engine.outcomes(pages_of, asked(), prepare=prepared(site)), strict=True)
    for _, several in groupby(made, key=lambda one: one[0].school.id):
        parts = list(several)
        pages: dict[DayTable, bytes] = {}
        error = next((part.error for _, part in parts if part.error is not None), None)
        for _, part in parts:
            pages |= part.made or {}
        yield parts[0][0].school, Outcome(made=None if error else pages, error=error)


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
    done: dict[str, list[Day]] = {}
    for school in site.schools():
        first = first_due(site, school)
        if first is None:
            continue
        last = school.calendar.on_or_before(upto)
        done[school.id] = done_days(site, school)
        wanted = {school.calendar.date(i) for i in range(first, last + 1)}
        due |= wanted - set(done[school.id])
    for school, changed in first_changed(site, done):
        day = changed.result()
        if day is not None:
            due |= {d for d in done[school.id] if d >= school.calendar.date(day)}
    return sorted(due)


def first_changed(site: Site, done: Mapping[str, Sequence[Day]]) -> Iterator[tuple[School, Outcome[int | None]]]:
    """By school, of its done days: the number of the first whose pages would now be others, None when all are as they
    would be; or why that could not be found out. Worked out by the home's engine."""
    schools = [school for school in site.schools() if indexes(school, done.get(school.id, ()))]
    with_source = prepared(site)

    def kept(school: School) -> Asked:
        return with_source(_kept(site, school, done[school.id]))

    outcomes = site.engine.outcomes(first_other, schools, prepare=kept)
    yield from zip(schools, outcomes, strict=True)


def _kept(site: Site, school: School, done: Sequence[Day]) -> Asked:
    """Done days of a school with the digests of their pages, without the days that were asked for as recorded."""
    with site.warehouse.read() as conn:
        versions = page_versions(conn, school.id, TABLES[0])
        digests = {
            (day, table): digest(page)
            for table in TABLES
            for date, page in read_pages(conn, school.id, table).items()
            if (day := school.calendar.index(date)) is not None
        }
    numbers = [day for day in indexes(school, done) if versions.get(school.calendar.date(day)) != AS_RECORDED]
    return Asked(school, numbers, TABLES, kept=digests)
