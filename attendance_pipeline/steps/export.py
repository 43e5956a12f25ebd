"""Export: the tables of the warehouse as frames with the columns of the contract, one frame a school.

Belongs here: where each table is read from, and the trust's rows, which no single school has. Not here: files and
formats (`cli.py`), and how a page becomes rows (`derive/tables.py`, `register/export.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.derive.tables import TABLES as DERIVED_TABLES
from attendance_pipeline.derive.tables import empty_frame, ratio, to_frame
from attendance_pipeline.derive.tasks import NO_PUPIL, tasks_of
from attendance_pipeline.home import School
from attendance_pipeline.register.export import amendments_frame, quarantine_frame, register_frame
from attendance_pipeline.register.identity import links_of
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.spreadsheets import safe_cell
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.letters_listed import as_they_stood
from attendance_pipeline.steps.marked_days import last_marked_day, latest_marked_day
from attendance_pipeline.steps.pages import from_page
from attendance_pipeline.steps.restate import derived, done_days, first_due, newest_done
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import ledger
from attendance_pipeline.store.derived import read_pages

LETTERS = ["reference", "school", "upn", "contact_id", "kind", "episode", "stage", "proposed_on", "state", "reason"]
TASKS = ["school", "owner", "task", "upn", "opened_on", "due_on", "closed_on"]
TABLES = ("register", "amendments", "quarantine", *DERIVED_TABLES, "letters", "tasks")
_TRUST_KEYS = ["date", "measure"]
_TRUST_SUMS = ["pupils", "possible", "attended", "authorised", "unauthorised", "persistent", "severe"]


@dataclass(frozen=True)
class Period:
    """Days `first` to `last`, both included and None without a bound; what was known at the end of `as_at`."""

    first: dt.date | None = None
    last: dt.date | None = None
    as_at: dt.date | None = None

    def has(self, day: dt.date) -> bool:
        return (self.first or day) <= day <= (self.last or day)


def export(
    site: Site, table: str, schools: Sequence[School], period: Period, *, trust: bool = True
) -> Iterator[pd.DataFrame]:
    """Frames of one table, school after school; with `trust`, for `groups` over all schools, then the trust's own rows.

    Without `as_at` days are those that are done, as they are kept. With it they are derived anew from what was known.
    Letters are those that were proposed by then, in the state that they had.
    """
    made = []
    for school in schools:
        frame = _one(site, table, school, period)
        if table == "groups":
            made.append(frame)
        yield frame
    if made and trust and tuple(schools) == site.schools():
        yield _trust_rows(site.home.trust_name, pd.concat(made, ignore_index=True))


def _one(site: Site, table: str, school: School, period: Period) -> pd.DataFrame:
    if table in DERIVED_TABLES:
        return _kept(site, table, school, period) if period.as_at is None else _anew(site, table, school, period)
    if table == "tasks":
        return _tasks(site, school, period)
    with site.warehouse.read() as conn:
        if table == "register":
            return register_frame(conn, school.id, period.first, period.last, period.as_at)
        if table == "amendments":
            found = amendments_frame(conn, school.id, period.first, period.last, period.as_at)
            # People wrote these two: what a spreadsheet program could take for a formula is made harmless.
            return found.assign(**{name: found[name].map(safe_cell) for name in ("reason", "by")})
        if table == "quarantine":
            return quarantine_frame(conn, school.id, period.first, period.last, period.as_at)
        return _letters(conn, school, period)


def _kept(site: Site, table: str, school: School, period: Period) -> pd.DataFrame:
    days = [day for day in done_days(site, school) if period.has(day)]
    if not days:
        return empty_frame(table)
    calendar = school.calendar
    newest = calendar.on_or_before(days[-1])
    # Only the names of pupils, rules and days are taken from this: one day is enough.
    names = derived(site, school, newest, newest)
    frames = []
    with site.warehouse.read() as conn:
        pages = read_pages(conn, school.id, table, days[0], days[-1])
    for day in days:
        number = calendar.index(day)
        if number is not None:
            frames.append(from_page(names, table, number, pages[day]))
    return pd.concat(frames, ignore_index=True)


def _anew(site: Site, table: str, school: School, period: Period) -> pd.DataFrame:
    bounds = _known_days(site, school, period)
    if bounds is None:
        return empty_frame(table)
    whole = derived(site, school, bounds[0], bounds[-1], period.as_at)
    return to_frame(whole, table, max(bounds[0], whole.first), bounds[-1])


def _known_days(site: Site, school: School, period: Period) -> range | None:
    """Numbers of the days of a period: from the first that is ever derived to the last with marks, or the evening."""
    first, calendar = first_due(site, school, period.as_at), school.calendar
    if period.as_at is None:
        last = last_marked_day(site, school)
    else:  # the day that the night of that evening was for, which is the same for all schools of the home
        of_night = latest_marked_day(site, period.as_at, period.as_at)
        last = None if of_night is None else calendar.on_or_before(of_night)
    if first is None or last is None:
        return None
    if period.last is not None:
        last = min(last, calendar.on_or_before(period.last))
    if period.first is not None and period.first > calendar.date(first):
        first = calendar.on_or_after(period.first)
    return range(first, last + 1) if first <= last else None


def _letters(conn: sa.Connection, school: School, period: Period) -> pd.DataFrame:
    upn = current_pupils(conn, school.id, period.as_at).set_index("person_id")["upn"].to_dict()
    same = links_of(conn, school.id, period.as_at).same
    letters = ledger.read_letters(conn, school.id)
    if period.as_at is not None:
        events = ledger.read_events(conn, [row["reference"] for row in letters])
        letters = list(as_they_stood(letters, events, period.as_at))
    rows = [
        {**row, "upn": upn.get(same.get(row["person_id"], row["person_id"]), "")}
        for row in letters
        if period.has(row["proposed_on"])
    ]
    frame = pd.DataFrame(rows, columns=LETTERS)
    return frame.astype({"episode": "Int64", "stage": "Int64"})


def _tasks(site: Site, school: School, period: Period) -> pd.DataFrame:
    if period.as_at is None:
        newest = newest_done(site, school)
    else:
        known = _known_days(site, school, Period(as_at=period.as_at))
        newest = known[-1] if known else None
    if newest is None:
        return pd.DataFrame(columns=TASKS)
    whole = derived(site, school, int(school.calendar.year_start[newest]), newest, period.as_at)
    upn = school_inputs(site, school, period.as_at).pupils.upn
    rows = [
        (school.id, t.owner, t.task, "" if t.pupil == NO_PUPIL else upn[t.pupil], t.opened_on, t.due_on, t.closed_on)
        for t in tasks_of(whole)
        if period.has(t.opened_on)
    ]
    return pd.DataFrame(rows, columns=TASKS)


def _trust_rows(trust: str, groups: pd.DataFrame) -> pd.DataFrame:
    """Sums of the schools' own rows by day and measure, under the trust's name and without a school."""
    if groups.empty:
        return groups
    whole = groups[groups["group_kind"] == "school"]
    sums = whole.groupby(_TRUST_KEYS, sort=True)[_TRUST_SUMS].sum(min_count=1).reset_index()
    sums = sums.assign(school="", group_kind="trust", group=trust)
    sums["attendance"] = ratio(sums["attended"], sums["possible"])
    return sums[groups.columns.tolist()]
