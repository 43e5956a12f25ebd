"""The quarantine: which rows and files could not be used, where they are, and the rule each broke. Never a value."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks, insert_new
from attendance_pipeline.store.tables import extract as extract_table
from attendance_pipeline.store.tables import quarantine
from attendance_pipeline.store.warehouse import now


@dataclass(frozen=True, order=True)
class QuarantineRow:
    """`origin`: see the table. `extract_id` is None where a file was not accepted. `line` counts the header as 1."""

    extract_id: int | None
    extract: str
    sha256: str
    line: int
    column: str
    rule: str
    origin: str


def add(conn: sa.Connection, school: str, rows: Sequence[QuarantineRow]) -> None:
    """Add rows; those that are there already are left alone."""
    found_at = now()
    insert_new(conn, quarantine, [{**vars(r), "school": school, "found_at": found_at} for r in rows])


def replace(conn: sa.Connection, school: str, origin: str, rows: Iterable[QuarantineRow]) -> int:
    """Make these the school's only rows of an origin; a row that stays keeps its date. Returns how many are new."""
    c = quarantine.c
    wanted = {(r.extract, r.sha256, r.line, r.column, r.rule): r for r in rows}
    query = sa.select(c.id, c.extract, c.sha256, c.line, c.column, c.rule)
    there = {tuple(r[1:]): r[0] for r in conn.execute(query.where(c.school == school, c.origin == origin))}
    for part in chunks([number for key, number in there.items() if key not in wanted]):
        conn.execute(sa.delete(quarantine).where(c.id.in_(part)))
    new = [r for key, r in wanted.items() if key not in there]
    add(conn, school, new)
    return len(new)


def clear_refused(conn: sa.Connection, school: str, files: Sequence[tuple[str, str]]) -> None:
    """Forget that files (name, SHA-256) were refused whole: they have been read after all."""
    c = quarantine.c
    query = sa.select(c.id, c.extract, c.sha256).where(c.school == school, c.origin == "file")
    gone = set(files)
    numbers = [number for number, name, sha in conn.execute(query) if (name, sha) in gone]
    for part in chunks(numbers):
        conn.execute(sa.delete(quarantine).where(c.id.in_(part)))


def key_of(row: QuarantineRow) -> tuple[object, ...]:
    """What tells a school's quarantine rows apart."""
    return (row.extract, row.sha256, row.line, row.column, row.rule, row.origin)


def keys(conn: sa.Connection, school: str, origin: str | None = None) -> set[tuple[object, ...]]:
    """The keys of the school's quarantine rows (of one origin), to see which are new."""
    c = quarantine.c
    query = sa.select(c.extract, c.sha256, c.line, c.column, c.rule, c.origin).where(c.school == school)
    if origin is not None:
        query = query.where(c.origin == origin)
    return {tuple(r) for r in conn.execute(query)}


def rows(
    conn: sa.Connection,
    school: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    without: Collection[str] = (),
) -> list[dict[str, object]]:
    """The quarantine of a school in the columns of contract.md section 4 and `sha256`, by extract and line.

    `first` and `last` bound the day the extract was recorded; whole files that were refused are always included.
    `without`: origins that are left out.
    """
    c = quarantine.c
    query = sa.select(c.school, c.extract, c.line, c.column, c.rule, c.sha256, c.origin).where(c.school == school)
    if first is not None or last is not None:
        query = query.join(extract_table, extract_table.c.id == c.extract_id, isouter=True)
        if first is not None:
            query = query.where(sa.or_(extract_table.c.recorded_on >= first, c.extract_id.is_(None)))
        if last is not None:
            query = query.where(sa.or_(extract_table.c.recorded_on <= last, c.extract_id.is_(None)))
    found = [dict(r._mapping) for r in conn.execute(query) if r.origin not in without]
    return in_order(found)


def counts(conn: sa.Connection, schools: Collection[str]) -> dict[str, int]:
    """How many rows of some schools are in quarantine, by rule, in order of the rule."""
    c = quarantine.c
    out: Counter[str] = Counter()
    for part in chunks(sorted(schools)):
        query = sa.select(c.rule, sa.func.count()).where(c.school.in_(part)).group_by(c.rule).order_by(c.rule)
        out.update(dict(conn.execute(query).tuples().all()))
    return dict(out)


def in_order(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as they are shown: by extract and line."""
    return sorted(map(dict, found), key=lambda r: (r["extract"], r["line"], r["column"], r["rule"], r["sha256"]))
