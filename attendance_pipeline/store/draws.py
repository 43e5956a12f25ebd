"""Draws of prizes: written once, and read. There is no verb that changes or repeats one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import insert_new
from attendance_pipeline.store.tables import draw
from attendance_pipeline.store.warehouse import now


@dataclass(frozen=True)
class StoredDraw:
    """A draw as it was made. `week`: the Monday of its last school week. `content`: what `reports.incentives` says."""

    kind: str
    week: dt.date
    first_day: dt.date
    last_day: dt.date
    seed: str
    content: Mapping[str, Any]


def record_draw(conn: sa.Connection, school: str, made: StoredDraw) -> StoredDraw:
    """Keep a draw, unless one of its kind was made for its week before; gives the one that stands."""
    row = {
        **{"school": school, "kind": made.kind, "week": made.week, "first_day": made.first_day},
        **{"last_day": made.last_day, "seed": made.seed, "content": dict(made.content), "drawn_at": now()},
    }
    insert_new(conn, draw, [row])
    return next(d for d in read_draws(conn, school, made.kind) if d.week == made.week)


def read_draws(conn: sa.Connection, school: str, kind: str) -> list[StoredDraw]:
    """Every draw of a kind, oldest first."""
    c = draw.c
    query = sa.select(c.kind, c.week, c.first_day, c.last_day, c.seed, c.content)
    rows = conn.execute(query.where(c.school == school, c.kind == kind).order_by(c.week))
    return [StoredDraw(*row) for row in rows]
