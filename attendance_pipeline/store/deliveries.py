"""Which folders were delivered to the shared drive, with the hash of their manifest; `delivery.py` writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import upsert
from attendance_pipeline.store.tables import delivery
from attendance_pipeline.store.warehouse import now


def record_delivery(
    conn: sa.Connection,
    school: str,
    path: str,
    what: str,
    day: dt.date,
    sha256: str,
    holds: Mapping[str, str] | None = None,
) -> None:
    """Note a delivered folder; `path` is relative to the drive. `holds`: by reference of a letter, or name of a list,
    the hash of its file."""
    row = {
        **{"school": school, "path": path, "what": what, "day": day, "sha256": sha256},
        **{"holds": dict(holds or {}), "created_at": now()},
    }
    upsert(conn, delivery, [row], keys=("school", "path"))


def read_deliveries(
    conn: sa.Connection, school: str, what: str | None = None, day: dt.date | None = None
) -> list[dict[str, Any]]:
    """Delivered folders, oldest first."""
    query = sa.select(delivery).where(delivery.c.school == school)
    if what is not None:
        query = query.where(delivery.c.what == what)
    if day is not None:
        query = query.where(delivery.c.day == day)
    return [dict(r._mapping) for r in conn.execute(query.order_by(delivery.c.id))]
