"""Derived results by school, day and kind, which marks each day was last counted from, and whose letters are decided.

What a page holds is not known here: its writer knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks, upsert
from attendance_pipeline.store.tables import counted_day, day_log, derived_page
from attendance_pipeline.store.warehouse import now

DayKind = tuple[dt.date, str]


def write_pages(conn: sa.Connection, school: str, pages: Mapping[DayKind, bytes], inputs_version: str) -> None:
    """Write pages by (day, kind), replacing those of the same day and kind. `inputs_version`: a hash of what they
    were computed from, at most 64 characters."""
    at = now()
    rows = [
        {
            "school": school,
            "day": day,
            "kind": kind,
            "page": page,
            "inputs_version": inputs_version,
            "computed_at": at,
        }
        for (day, kind), page in pages.items()
    ]
    upsert(conn, derived_page, rows)


def read_pages(
    conn: sa.Connection, school: str, kind: str, first: dt.date | None = None, last: dt.date | None = None
) -> dict[dt.date, bytes]:
    """Pages of one kind by day, from first to last inclusive, in order of the day."""
    c = derived_page.c
    query = sa.select(c.day, c.page).where(c.school == school, c.kind == kind)
    if first is not None:
        query = query.where(c.day >= first)
    if last is not None:
        query = query.where(c.day <= last)
    return {r.day: r.page for r in conn.execute(query.order_by(c.day))}


def page_versions(conn: sa.Connection, school: str, kind: str) -> dict[dt.date, str]:
    """What each day's page of one kind was computed from."""
    c = derived_page.c
    query = sa.select(c.day, c.inputs_version).where(c.school == school, c.kind == kind).order_by(c.day)
    return {r.day: r.inputs_version for r in conn.execute(query)}


def delete_pages(conn: sa.Connection, school: str, days: Iterable[dt.date], kind: str | None = None) -> None:
    """Delete the pages of some days, of one kind or of all."""
    for part in chunks(sorted(set(days))):
        statement = sa.delete(derived_page).where(derived_page.c.school == school, derived_page.c.day.in_(part))
        if kind is not None:
            statement = statement.where(derived_page.c.kind == kind)
        conn.execute(statement)


def mark_done(conn: sa.Connection, school: str, days: Sequence[dt.date], register_version: str) -> None:
    """Log that the letters of these days are decided, from a register version (`extracts.extracts_version`)."""
    at = now()
    upsert(
        conn,
        day_log,
        [{"school": school, "day": d, "done_at": at, "register_version": register_version} for d in days],
    )


def done_days(conn: sa.Connection, school: str) -> dict[dt.date, str]:
    """The days whose letters are decided, and the register version each was last decided from, in order of the day."""
    query = sa.select(day_log.c.day, day_log.c.register_version).where(day_log.c.school == school)
    return {r.day: r.register_version for r in conn.execute(query.order_by(day_log.c.day))}


def put_counted(conn: sa.Connection, school: str, marks: Mapping[dt.date, str]) -> None:
    """Note the hash of the marks that stood on each of these days when the register was counted; "" for no marks."""
    upsert(conn, counted_day, [{"school": school, "day": day, "marks": digest} for day, digest in marks.items()])


def counted_days(conn: sa.Connection, school: str) -> dict[dt.date, str]:
    """The hash that was noted last for each day, in order of the day."""
    query = sa.select(counted_day.c.day, counted_day.c.marks).where(counted_day.c.school == school)
    return {r.day: r.marks for r in conn.execute(query.order_by(counted_day.c.day))}
