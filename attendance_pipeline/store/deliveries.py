"""Which folders were delivered to the shared drive, with the hash of their manifest; `delivery.py` writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import upsert
from attendance_pipeline.store.tables import begun_delivery, delivery
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


@dataclass(frozen=True)
class Begun:
    """A folder that is written and waits for its name, as `delivery.Prepared` names its parts; of which run and day."""

    hidden: str
    path: str
    folder: str
    what: str
    sha256: str
    day: dt.date
    run: str
    holds: Mapping[str, str] = field(default_factory=dict)
    id: int = 0


def note_begun(conn: sa.Connection, school: str, begun: Sequence[Begun]) -> None:
    """Note that these folders are whole, so that whoever comes next gives them their names."""
    rows = [{**asdict(b), "holds": dict(b.holds), "school": school} for b in begun]
    for row in rows:
        del row["id"]
    if rows:
        conn.execute(sa.insert(begun_delivery), rows)


def read_begun(conn: sa.Connection, school: str) -> list[Begun]:
    """The folders that were begun and of which nobody noted that they were finished, oldest first."""
    query = sa.select(begun_delivery).where(begun_delivery.c.school == school).order_by(begun_delivery.c.id)
    return [Begun(**{k: v for k, v in r._mapping.items() if k != "school"}) for r in conn.execute(query)]


def forget_begun(conn: sa.Connection, begun: Sequence[Begun]) -> None:
    """They are finished and noted, or will be begun anew."""
    conn.execute(sa.delete(begun_delivery).where(begun_delivery.c.id.in_([b.id for b in begun])))
