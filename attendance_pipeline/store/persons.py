"""Pupils' identities: a UPN and the small number that stands for it in pages. Trust-wide; nothing else about anyone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks, insert_new
from attendance_pipeline.store.tables import person


def intern_persons(conn: sa.Connection, upns: Iterable[str]) -> dict[str, int]:
    """The number of every UPN given; those not met before get one."""
    wanted = sorted(set(upns))
    known = find_persons(conn, wanted)
    missing = [u for u in wanted if u not in known]
    if missing:
        insert_new(conn, person, [{"upn": u} for u in missing])
        known |= find_persons(conn, missing)
    return known


def find_persons(conn: sa.Connection, upns: Sequence[str]) -> dict[str, int]:
    """The numbers of the UPNs that are known."""
    found: dict[str, int] = {}
    for part in chunks(upns):
        rows = conn.execute(sa.select(person.c.upn, person.c.id).where(person.c.upn.in_(part)))
        found.update((upn, number) for upn, number in rows)
    return found


def upns_of(conn: sa.Connection, person_ids: Iterable[int]) -> dict[int, str]:
    """The UPNs of the numbers given."""
    wanted = sorted({int(i) for i in person_ids})
    found: dict[int, str] = {}
    for part in chunks(wanted):
        rows = conn.execute(sa.select(person.c.id, person.c.upn).where(person.c.id.in_(part)))
        found.update((number, upn) for number, upn in rows)
    return found
