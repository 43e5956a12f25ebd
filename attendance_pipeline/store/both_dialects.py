"""Helpers that write the same SQL for SQLite and PostgreSQL. No table's meaning belongs here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

# SQLite allows 32,766 parameters in a statement; this leaves room for the others.
_CHUNK = 5000


def chunks(values: Sequence[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    """The values in pieces that fit in one statement's parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def insert_new(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet. (How many were cannot be said: psycopg does not count them.)"""
    if rows:
        conn.execute(_insert(conn, table).on_conflict_do_nothing(), list(rows))


def upsert(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], keys: Iterable[str] = ()) -> None:
    """Insert rows, or replace the values of those whose key (default: the primary key) is there already."""
    if not rows:
        return
    index = list(keys) or [c.name for c in table.primary_key.columns]
    statement = _insert(conn, table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in index}
    if changed:
        conn.execute(statement.on_conflict_do_update(index_elements=index, set_=changed), list(rows))
    else:
        conn.execute(statement.on_conflict_do_nothing(index_elements=index), list(rows))


def _insert(conn: sa.Connection, table: sa.Table) -> Any:
    # Imported where somebody writes: both together take as long to load as a small answer takes to give.
    if conn.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
