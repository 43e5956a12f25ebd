"""What an impact report has still to speak of: pages that were replaced, and extracts loaded since the last one; and
what the reports said, without names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import insert_new, upsert
from attendance_pipeline.store.derived import DayKind
from attendance_pipeline.store.tables import former_page, impact_log, impact_report
from attendance_pipeline.store.warehouse import now


def keep_former(conn: sa.Connection, school: str, pages: Mapping[DayKind, bytes]) -> None:
    """Keep pages by (day, kind) as they were; those that are kept already stay as they were before."""
    rows = [{"school": school, "day": day, "kind": kind, "page": page} for (day, kind), page in pages.items()]
    insert_new(conn, former_page, rows)


def former_pages(conn: sa.Connection, school: str) -> dict[tuple[dt.date, str], bytes]:
    """Every kept page by (day, kind), in order of the day."""
    c = former_page.c
    query = sa.select(c.day, c.kind, c.page).where(c.school == school).order_by(c.day, c.kind)
    return {(r.day, r.kind): r.page for r in conn.execute(query)}


def reported_upto(conn: sa.Connection, school: str) -> tuple[int, dt.date | None] | None:
    """The number of the last extract and the newest school day that a report has spoken of; None before the first."""
    found = conn.execute(
        sa.select(impact_log.c.extract_id, impact_log.c.day).where(impact_log.c.school == school)
    ).first()
    return None if found is None else (found.extract_id, found.day)


def reported(conn: sa.Connection, school: str, extract_id: int, day: dt.date | None) -> None:
    """A report has been delivered: it spoke of all kept pages, of all extracts up to this one and of days up to this
    one."""
    conn.execute(sa.delete(former_page).where(former_page.c.school == school))
    upsert(conn, impact_log, [{"school": school, "extract_id": extract_id, "day": day}])


@dataclass(frozen=True)
class StoredReport:
    """A report that was delivered, without anybody's name. `path`: its folder, relative to the drive."""

    id: int
    school: str
    day: dt.date
    path: str
    content: Mapping[str, Any]


def put_report(conn: sa.Connection, school: str, day: dt.date, path: str, content: Mapping[str, Any]) -> None:
    """Keep what a delivered report said, without names. A report of the same folder is replaced: a run that was cut off
    says the same once more."""
    c = impact_report.c
    conn.execute(sa.delete(impact_report).where(c.school == school, c.path == path))
    row = {"school": school, "day": day, "made_at": now(), "path": path, "content": dict(content)}
    conn.execute(sa.insert(impact_report), row)


def read_reports(conn: sa.Connection, school: str, after: int = 0) -> list[StoredReport]:
    """The reports of a school whose number is greater than `after`, oldest first."""
    c = impact_report.c
    query = sa.select(c.id, c.school, c.day, c.path, c.content).where(c.school == school, c.id > after).order_by(c.id)
    return [StoredReport(*r) for r in conn.execute(query)]
