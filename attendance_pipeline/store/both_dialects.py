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


def insert_many(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of which none is there yet; many go to PostgreSQL by COPY."""
    if _by_copy(conn, table, rows):
        _copy(conn, _name_of(conn, table), table, rows)
    elif rows:
        conn.execute(sa.insert(table), list(rows))


def insert_new(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is not there yet. (How many were cannot be said: psycopg does not count them.)"""
    if _by_copy(conn, table, rows):
        _through_copy(conn, table, rows, "DO NOTHING")
    elif rows:
        conn.execute(_insert(conn, table).on_conflict_do_nothing(), list(rows))


def upsert(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], keys: Iterable[str] = ()) -> None:
    """Insert rows, or replace the values of those whose key (default: the primary key) is there already."""
    if not rows:
        return
    index = list(keys) or [c.name for c in table.primary_key.columns]
    names = [name for name in rows[0] if name not in index]
    if _by_copy(conn, table, rows):
        newest = {tuple(row[name] for name in index): row for row in rows}  # a key may stand in one statement once
        quote = conn.dialect.identifier_preparer.quote
        changes = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in names)
        by = f"({', '.join(map(quote, index))})"
        _through_copy(conn, table, list(newest.values()), f"{by} DO {f'UPDATE SET {changes}' if names else 'NOTHING'}")
        return
    statement = _insert(conn, table)
    changed = {name: statement.excluded[name] for name in names}
    if changed:
        conn.execute(statement.on_conflict_do_update(index_elements=index, set_=changed), list(rows))
    else:
        conn.execute(statement.on_conflict_do_nothing(index_elements=index), list(rows))


# ---------------------------------------------------------------- PostgreSQL's COPY

# Fewer rows are there before a COPY has begun.
_MANY = 200
# What COPY's binary form has to be told of a column; a table with any other goes the usual way.
_COPIED: Mapping[type[sa.types.TypeEngine[Any]], str] = {
    sa.Integer: "int4",
    sa.String: "text",
    sa.Text: "text",
    sa.Date: "date",
    sa.DateTime: "timestamp",
    sa.LargeBinary: "bytea",
}


def _by_copy(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> bool:
    return (
        conn.dialect.name == "postgresql"
        and len(rows) >= _MANY
        and all(type(table.c[name].type) in _COPIED for name in rows[0])
    )


def _copy(conn: sa.Connection, into: str, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """All of the rows, which have the same columns, within the connection's transaction."""
    names = list(rows[0])
    columns = ", ".join(map(conn.dialect.identifier_preparer.quote, names))
    driver: Any = conn.connection.driver_connection
    errors = conn.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(f"COPY {into} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([_COPIED[type(table.c[name].type)] for name in names])
            for row in rows:
                copy.write_row([row[name] for name in names])
    except errors as error:  # as SQLAlchemy says it of any other statement
        raise sa.exc.DBAPIError.instance(f"COPY {into}", None, error, errors, dialect=conn.dialect) from error


def _through_copy(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]], on_conflict: str) -> None:
    """Through a table of this transaction, because COPY knows no keys that are there already."""
    name, held = _name_of(conn, table), f"copied_{table.name}"
    columns = ", ".join(map(conn.dialect.identifier_preparer.quote, rows[0]))
    conn.exec_driver_sql(f"CREATE TEMPORARY TABLE {held} ON COMMIT DROP AS SELECT {columns} FROM {name} WITH NO DATA")  # noqa: S608 - names of our tables
    _copy(conn, held, table, rows)
    conn.exec_driver_sql(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {held} ON CONFLICT {on_conflict}")  # noqa: S608 - as above
    conn.exec_driver_sql(f"DROP TABLE {held}")


def _name_of(conn: sa.Connection, table: sa.Table) -> str:
    return conn.dialect.identifier_preparer.format_table(table)


def _insert(conn: sa.Connection, table: sa.Table) -> Any:
    # Imported where somebody writes: both together take as long to load as a small answer takes to give.
    if conn.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
