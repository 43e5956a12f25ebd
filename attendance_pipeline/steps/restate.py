"""Restate: derive school days anew and keep what came out, one page a school, day and table.

Belongs here: which days are due or differ from what is kept, and writing pages in one transaction. A page is recognised
by its bytes, so that nothing has to be remembered of what might have changed: a late mark, a pupil's new entry date, an
entry of the log, an edited policy. Not here: any rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from attendance_pipeline.steps.troubles import DERIVE, PLAN, TAKE_IN, Attempts, is_everybodys, kind_and_place
from attendance_pipeline.store.derived import delete_pages, page_versions, read_pages, write_pages
from attendance_pipeline.store.impact import keep_former
from attendance_pipeline.store.removal import closed_days

# What a page was computed from, kept beside it: everything that is loaded, or what was known on the day itself.
RESTATED = "restated"
AS_RECORDED = "as recorded"
# What a correction may change of a family's case: the impact report shows these before and after.
COMPARED = ("stages", "penalty_notices")
GROUPS = "groups"  # the one table whose rows of a day are about everybody at once

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


def restate(
    site: Site, days: Sequence[Day], tables: Sequence[str], *, as_recorded: bool = False, step: str = DERIVE
) -> Restated:
    """Derive the given days of every school and keep the given tables (names of `derive.tables.TABLES`).

    `as_recorded`: each day from what extracts recorded by that day said. Running it twice writes the same bytes.
    `step`: under which name a school that fails is noted. Days of a school that cannot be derived have no page
    afterwards, so that they are due again, and its other days have theirs; where none can, nothing of it changes.
    """
    rows: dict[str, int] = {day.isoformat(): 0 for day in days}
    attempts = Attempts(site, step)
    wanted = [
        (school, numbers)
        for school in site.schools()
        if not attempts.held(school)
        and (numbers := attempts.tried(school, partial(_to_derive, site, attempts, school, days)))
    ]
    # A school that fails is looked at by days when the engine has done with the others.
    failed: list[_Made] = []

    def keep(made: _Made) -> None:
        school = made.school
        dates = [school.calendar.date(day) for day in made.days]
        try:
            if made.bad and not made.pages:
                raise made.bad[0].error
            _keep(site, made, tables, as_recorded)
        except Exception as error:
            attempts.failed(school, error, (dates[0], dates[-1]))
            return
        for (day, _), page in made.pages.items():
            rows[school.calendar.date(day).isoformat()] += page_rows(page)
        well = {school.calendar.date(day) for day, _ in made.pages}
        if not made.bad and attempts.open_in(school, step):
            # Days that failed before and kept their pages: were those others now, they would be among the days.
            well |= set(done_days(site, school))
        attempts.well(school, well)
        newest = last_marked_day(site, school)
        for bad in made.bad:
            span = school.calendar.date(bad.first), school.calendar.date(bad.last)
            # Letters and lists are of the newest day: without it there is nothing to say, without another there is.
            attempts.failed(school, bad.error, span, holds=newest is not None and bad.last >= newest)

    for made in _made(site, wanted, tables, as_recorded):
        if made.bad:
            failed.append(made)
        else:
            keep(made)
    for made in failed:
        keep(_day_by_day(site, made, tables, as_recorded))
    attempts.finish()
    return Restated(rows)


def _to_derive(site: Site, attempts: Attempts, school: School, days: Sequence[Day]) -> list[int]:
    numbers = indexes(school, days)
    if not attempts.open_in(school, TAKE_IN):
        return numbers
    # Its newest extracts are still in the inbox: a day of which they speak first is not derived from nothing.
    newest = last_marked_day(site, school)
    return [day for day in numbers if newest is not None and day <= newest]


@dataclass(frozen=True)
class _Bad:
    """Days (numbers, from first to last) of a school that could not be derived, and why."""

    first: int
    last: int
    error: Exception


@dataclass(frozen=True)
class _Made:
    """What became of the days of one school that were asked for."""

    school: School
    days: Sequence[int]
    pages: Mapping[DayTable, bytes]
    bad: Sequence[_Bad] = ()


def _made(
    site: Site, wanted: Iterable[tuple[School, Sequence[int]]], tables: Sequence[str], as_recorded: bool
) -> Iterator[_Made]:
    """The pages of some days of each school, or why they could not be made, in the order of the schools. They are made
    by the home's engine, of which a few schools may be ahead."""

    def asked() -> Iterator[Asked]:
        for school, numbers in wanted:
            yield from _asked(school, numbers, tables, as_recorded)

    # What is asked is made anew for each use: `outcomes` takes it as it has room, and may be ahead of us.
    made = zip(asked(), site.engine.outcomes(pages_of, asked(), prepare=prepared(site)), strict=True)
    for _, several in groupby(made, key=lambda one: one[0].school.id):
        yield _together(list(several))


def _asked(school: School, numbers: Sequence[int], tables: Sequence[str], as_recorded: bool) -> Iterator[Asked]:
    if as_recorded:  # each day has its own inputs, and goes by itself
        for day in numbers:
            yield Asked(school, (day,), tuple(tables), as_at=school.calendar.date(day))
    else:
        yield Asked(school, tuple(numbers), tuple(tables))


def _together(parts: Sequence[tuple[Asked, Outcome[dict[DayTable, bytes]]]]) -> _Made:
    """What became of the parts of one school; bad days that follow one another for the same reason are told as one."""
    pages: dict[DayTable, bytes] = {}
    bad: list[_Bad] = []
    days = [day for asked, _ in parts for day in asked.days]
    for asked, part in parts:
        pages |= part.made or {}
        if (error := part.error) is None:
            continue
        before = bad[-1] if bad else None
        follows = before is not None and before.last == days[days.index(asked.days[0]) - 1]
        if before is not None and follows and kind_and_place(before.error) == kind_and_place(error):
            bad[-1] = _Bad(before.first, asked.days[-1], before.error)
        else:
            bad.append(_Bad(asked.days[0], asked.days[-1], error))
    return _Made(parts[0][0].school, days, pages, bad)


def _day_by_day(site: Site, made: _Made, tables: Sequence[str], as_recorded: bool) -> _Made:
    """A school of which something could not be derived, once more: by halves, down to the days that cannot be."""
    school = made.school
    for bad in made.bad:
        if is_everybodys(bad.error):
            raise bad.error
    if as_recorded:
        return made
    try:
        school_inputs(site, school)
    except Exception as error:  # what cannot be read cannot be read for any day
        return _Made(school, made.days, {}, [_Bad(made.days[0], made.days[-1], error)])

    def outcomes(asked: Sequence[Asked]) -> Iterator[tuple[Asked, Outcome[dict[DayTable, bytes]]]]:
        for one, part in zip(asked, site.engine.outcomes(pages_of, asked, prepare=prepared(site)), strict=True):
            if part.error is None or len(one.days) == 1:
                yield one, part
            elif is_everybodys(part.error):
                raise part.error
            else:
                yield from outcomes(_halves(one))

    return _together(
        list(outcomes([half for one in _asked(school, made.days, tables, False) for half in _halves(one)]))
    )


def _halves(asked: Asked) -> list[Asked]:
    middle = len(asked.days) // 2
    return [replace(asked, days=days) for days in (asked.days[:middle], asked.days[middle:]) if days]


def _keep(site: Site, made: _Made, tables: Sequence[str], as_recorded: bool) -> None:
    """Write the pages, and take away those of days that could not be derived."""
    school = made.school
    date = school.calendar.date
    pages = {(date(day), table): page for (day, table), page in made.pages.items()}
    gone = [date(day) for day in made.days if any(bad.first <= day <= bad.last for bad in made.bad)]
    with site.warehouse.begin(school.id) as conn:
        pages = _that_may_change(conn, school, pages)
        if not as_recorded:
            without = {(day, table): b"" for day in gone for table in tables}
            keep_former(conn, school.id, _replaced(conn, school, pages | without))
        write_pages(conn, school.id, pages, AS_RECORDED if as_recorded else RESTATED)
        if gone:
            stand = closed_days(conn, school.id)  # of these the group figures stay as they were published
            for table in tables:
                delete_pages(conn, school.id, [d for d in gone if table != GROUPS or d not in stand], table)


def _that_may_change(
    conn: Connection, school: School, pages: Mapping[tuple[Day, str], bytes]
) -> dict[tuple[Day, str], bytes]:
    """Without the group figures of closed days: they stand as published, with pupils who were removed since."""
    closed = closed_days(conn, school.id)
    stand = closed.keys() & read_pages(conn, school.id, GROUPS).keys() if closed else set()
    return {key: page for key, page in pages.items() if key[1] != GROUPS or key[0] not in stand}


def _replaced(conn: Connection, school: School, pages: Mapping[tuple[Day, str], bytes]) -> dict[tuple[Day, str], bytes]:
    """Of the tables that the impact report compares, pages that are kept now and will read otherwise, or no more."""
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
    attempts = Attempts(site, PLAN)
    due: set[Day] = set()
    done: dict[str, list[Day]] = {}
    for school in site.schools():
        found = attempts.tried(school, partial(_without_pages, site, school, upto))
        if found is not None:
            attempts.well(school)
            done[school.id], missing = found
            due |= missing
    for school, changed in first_changed(site, done):
        if changed.error is not None and is_everybodys(changed.error):
            raise changed.error
        # Some day cannot be derived: all are tried again, and which it is is found out there.
        day = indexes(school, done[school.id])[0] if changed.error is not None else changed.made
        if day is not None:
            due |= {d for d in done[school.id] if d >= school.calendar.date(day)}
    attempts.finish()
    return sorted(due)


def _without_pages(site: Site, school: School, upto: Day) -> tuple[list[Day], set[Day]]:
    """The days that are done, and those up to a date that are due and are not."""
    first = first_due(site, school)
    if first is None:
        return [], set()
    done = done_days(site, school)
    wanted = {school.calendar.date(i) for i in range(first, school.calendar.on_or_before(upto) + 1)}
    return done, wanted - set(done)


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
    """Done days of a school with the digests of their pages, without the days that were asked for as recorded.

    A day of which only some tables are as recorded, as a person can ask for in Dagster, is among them: it is put back.
    """
    with site.warehouse.read() as conn:
        versions = [page_versions(conn, school.id, table) for table in TABLES]
        closed = closed_days(conn, school.id)
        digests = {
            (day, table): digest(page)
            for table in TABLES
            for date, page in read_pages(conn, school.id, table).items()
            if (day := school.calendar.index(date)) is not None
        }
    as_recorded = {day for day in done if all(of_table.get(day) == AS_RECORDED for of_table in versions)}
    numbers = indexes(school, (day for day in done if day not in as_recorded))
    stand = frozenset((day, GROUPS) for day in indexes(school, closed) if (day, GROUPS) in digests)
    return Asked(school, numbers, TABLES, kept=digests, stand=stand)
