"""Tasks on the worklists of a school. Which tasks exist is decided in `derive/`; here they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.tables import task


def replace(conn: sa.Connection, school: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the school's only tasks: columns `key, owner, task, person_id, opened_on, due_on, closed_on, detail`.

    They are a pure function of the marks and the log, so they are written whole.
    """
    conn.execute(sa.delete(task).where(task.c.school == school))
    if rows:
        conn.execute(sa.insert(task), [{"detail": {}, **r, "school": school} for r in rows])


def read(
    conn: sa.Connection, school: str, *, owner: str | None = None, only_open: bool = False
) -> list[dict[str, Any]]:
    """The school's tasks with every column, the oldest first."""
    query = sa.select(task).where(task.c.school == school)
    if owner is not None:
        query = query.where(task.c.owner == owner)
    if only_open:
        query = query.where(task.c.closed_on.is_(None))
    found = [dict(r._mapping) for r in conn.execute(query)]
    return sorted(found, key=lambda r: (r["opened_on"], r["owner"], r["key"]))
