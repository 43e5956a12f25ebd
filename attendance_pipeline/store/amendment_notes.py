"""What the rows that amended a mark say of it: the reason, and who made it (rules.md section 9: of no other rows)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import upsert
from attendance_pipeline.store.tables import amendment_note


@dataclass(frozen=True)
class AmendmentNote:
    """Of one line of an extract. Blank where the extract says nothing."""

    extract_id: int
    line: int
    reason: str
    by: str


def put_notes(conn: sa.Connection, school: str, notes: Iterable[AmendmentNote]) -> None:
    """Put notes; what is there of the same line is replaced. They go when their extract goes."""
    upsert(conn, amendment_note, [{**vars(note), "school": school} for note in notes])


def read_notes(conn: sa.Connection, school: str) -> dict[tuple[int, int], AmendmentNote]:
    """Every note of a school by (extract id, line)."""
    c = amendment_note.c
    query = sa.select(c.extract_id, c.line, c.reason, c.by).where(c.school == school)
    return {(r.extract_id, r.line): AmendmentNote(*r) for r in conn.execute(query)}
