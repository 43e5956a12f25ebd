"""What an impact report has still to speak of: pages that were replaced, and extracts loaded since the last one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import insert_new, upsert
from attendance_pipeline.store.derived import DayKind
from attendance_pipeline.store.tables import former_page, impact_log


def keep_former(conn: sa.Connection, school: str, pages: Mapping[DayKind, bytes]) -> None:
    """Keep pages by (day, kind) as they were; those that are kept already stay as they were before."""
    rows = [{"school": school, "day": day, "kind": kind, "page": page} for (day, kind), page in pages.items()]
    insert_new(conn, former_page, rows)


def former_pages(conn: sa.Connection, school: str) -> dict[tuple[dt.date, str], bytes]:
    """Every kept page by (day, kind), in order of the day."""
    c = former_page.c
    query = sa.select(c.day, c.kind, c.page).where(c.school == school).order_by(c.day, c.kind)
    return {(r.day, r.kind): r.page for r in conn.execute(query)}


def reported_upto(conn: sa.Connection, school: str) -> int | None:
    """The number of the last extract that a report has spoken of; None before the first."""
    return conn.execute(sa.select(impact_log.c.extract_id).where(impact_log.c.school == school)).scalar()


def reported(conn: sa.Connection, school: str, extract_id: int) -> None:
    """A report has been delivered: it spoke of all kept pages and of all extracts up to this one."""
    conn.execute(sa.delete(former_page).where(former_page.c.school == school))
    upsert(conn, impact_log, [{"school": school, "extract_id": extract_id}])
