"""The warehouse: one database, opened, brought up to date, and its transactions.

Belongs here: connections and transactions on SQLite and PostgreSQL. Not here: tables (`tables.py`) or what is done
with them (the verb modules).
"""

from __future__ import annotations

import datetime as dt
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.failures import damaged, in_words

# The newest migration this code knows. `upgrade()` compares it first, so that an up-to-date warehouse opens without
# importing alembic; a test keeps it equal to the head of `migrations/versions`.
SCHEMA_VERSION = "0001"

_BUSY_SECONDS = 30
_QUIET: dict[str, Any] = {"hide_parameters": True}  # the message of a failed statement would otherwise show the row
_ADVISORY_SPACE = 0x41505748  # the first key of our PostgreSQL advisory locks: "APWH"


class WarehouseError(RuntimeError):
    """The database cannot be used as it is; the message says what to do."""


def now() -> dt.datetime:
    """The present moment in UTC, to the second, without a zone: how every time in the warehouse is kept."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)


class Warehouse:
    """One database by its SQLAlchemy URL (`sqlite:////absolute/path.db` or `postgresql+psycopg://user@host/name`).

    A SQLite file and the folders it needs are made on first use, readable by their owner alone. Can be pickled: another
    process opens its own connections.
    """

    def __init__(self, url: str | sa.URL):
        self.url = sa.make_url(url)
        self.dialect = self.url.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise WarehouseError(f"store.database: {self.dialect!r} is not supported; use sqlite or postgresql+psycopg")

    def __reduce__(self) -> tuple[Any, ...]:
        return Warehouse, (self.url.render_as_string(hide_password=False),)

    def __repr__(self) -> str:
        return f"Warehouse({self.url.render_as_string(hide_password=True)!r})"

    @cached_property
    def _engine(self) -> sa.Engine:
        if self.dialect == "sqlite":
            _private_file(self.url.database)
            engine = sa.create_engine(self.url, connect_args={"timeout": _BUSY_SECONDS}, **_QUIET)
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        else:
            engine = sa.create_engine(self.url, pool_pre_ping=True, **_QUIET)
        # A forked process must not talk over its parent's connections.
        forked = weakref.WeakMethod(engine.dispose)
        os.register_at_fork(after_in_child=lambda: (dispose := forked()) and dispose(close=False))
        return engine

    @cached_property
    def _reader(self) -> sa.Engine:
        if self.dialect == "postgresql":
            return self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        return self._engine

    @cached_property
    def _writer(self) -> sa.Engine:
        return self._engine.execution_options(writes=True)

    @contextmanager
    def begin(self, school: str = "") -> Iterator[sa.Connection]:
        """A transaction that writes: all of it or nothing. One writer at a time per school (SQLite: per database).

        Raises WarehouseError where the database fails in a way that a person can mend.
        """
        with self._in_words(), self._writer.begin() as conn:
            if self.dialect == "postgresql":
                key = sa.func.hashtext(school)
                conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_SPACE, key)))
            yield conn

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that reads one unchanging state, whatever others commit meanwhile. Raises as `begin` does."""
        with self._in_words(), self._reader.begin() as conn:
            yield conn

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            where = (
                self.url.database or "" if self.dialect == "sqlite" else f"{self.url.host or ''}/{self.url.database}"
            )
            if (words := in_words(error, where)) is None:
                raise
            raise WarehouseError(words) from error

    @contextmanager
    def outside_transactions(self) -> Iterator[sa.Connection]:
        """A connection for what a database does only outside of transactions, such as writing its file anew."""
        with self._in_words(), self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
            yield conn

    def upgrade(self) -> None:
        """Bring the tables to this code's version. Raises WarehouseError for a database that a newer version wrote."""
        with self.read() as conn:
            if _version(conn) == SCHEMA_VERSION:
                return
        with self.begin() as conn:
            version = _version(conn)
            if version == SCHEMA_VERSION:
                return
            _migrate(conn, version)

    def refuse_damaged(self) -> None:
        """Read the whole SQLite file for damaged pages, before anything is built on it. Raises WarehouseError.

        PostgreSQL finds damaged pages itself when it reads them.
        """
        if self.dialect != "sqlite":
            return
        with self.read() as conn:
            found = conn.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise WarehouseError(damaged(self.url.database or ""))

    def close(self) -> None:
        """Close every connection. The warehouse may be used again."""
        self._engine.dispose()


def is_the_warehouses(error: BaseException) -> bool:
    """Whether an error speaks of the database itself (gone, locked, full, damaged) and not of what one school wrote."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, sa.exc.DBAPIError):
            return found.connection_invalidated or not isinstance(found, sa.exc.IntegrityError | sa.exc.DataError)
        if isinstance(found, WarehouseError | sa.exc.TimeoutError):
            return True
        found = found.__cause__
    return False


def open_warehouse(url: str | sa.URL) -> Warehouse:
    """The warehouse at a URL, its tables up to date."""
    warehouse = Warehouse(url)
    warehouse.upgrade()
    return warehouse


def _version(conn: sa.Connection) -> str | None:
    if not sa.inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(sa.text("select version_num from alembic_version")).scalar()


def _migrate(conn: sa.Connection, version: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(files("attendance_pipeline.store") / "migrations"))
    config.attributes["connection"] = conn
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise WarehouseError(
            f"the warehouse is at version {version}, which this program (version {SCHEMA_VERSION}) does not know: "
            "a newer program has written it. Update the program; nothing was changed"
        )
    command.upgrade(config, SCHEMA_VERSION)


def _private_file(database: str | None) -> None:
    """Make the SQLite file 0600 and its new folders 0700 before SQLite would make them with the usual rights."""
    if not database or database == ":memory:":
        return
    path = Path(database)
    missing = [p for p in (path.parent, *path.parent.parents) if not p.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: `_begin_sqlite` does, so that a writer takes its lock at once
    # instead of failing half-way through when another writer came first.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(conn: sa.Connection) -> None:
    if conn.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
        return
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("writes") else "BEGIN")
