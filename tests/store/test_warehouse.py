"""The database: made privately, brought up to date once, transactions that hold, on SQLite and PostgreSQL."""

import pickle
import stat
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from attendance_pipeline.store import tables
from attendance_pipeline.store.persons import find_persons, intern_persons, upns_of
from attendance_pipeline.store.warehouse import SCHEMA_VERSION, Warehouse, WarehouseError, open_warehouse


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/a/b/warehouse.db"
    return request.getfixturevalue("empty_postgres_url")


def test_the_migrations_make_exactly_the_tables(new_url):
    warehouse = open_warehouse(new_url)
    with warehouse.begin() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
    warehouse.close()


def test_upgrading_again_changes_nothing(new_url):
    warehouse = open_warehouse(new_url)
    with warehouse.begin() as conn:
        intern_persons(conn, ["A"])
    warehouse.upgrade()
    with warehouse.read() as conn:
        assert find_persons(conn, ["A", "B"]).keys() == {"A"}
    warehouse.close()


def test_the_newest_migration_is_the_version_the_code_names():
    scripts = ScriptDirectory(str(Path(tables.__file__).parent / "migrations"))
    assert scripts.get_heads() == [SCHEMA_VERSION]


def test_a_newer_database_is_refused_and_left_alone(warehouse):
    with warehouse.begin() as conn:
        conn.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(WarehouseError, match=r"version 9999.*Update the program"):
        warehouse.upgrade()
    with warehouse.read() as conn:
        assert conn.exec_driver_sql("select version_num from alembic_version").scalar() == "9999"


def test_a_sqlite_file_and_its_folders_are_private(tmp_path):
    warehouse = open_warehouse(f"sqlite:///{tmp_path}/state/deep/warehouse.db")
    with warehouse.begin() as conn:
        intern_persons(conn, ["A"])
        for path in (tmp_path / "state" / "deep").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    for folder in (tmp_path / "state", tmp_path / "state" / "deep"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    warehouse.close()


def test_sqlite_keeps_every_commit_through_a_power_cut(sqlite_url):
    warehouse = Warehouse(sqlite_url)
    with warehouse.read() as conn:
        settings = {
            p: conn.exec_driver_sql(f"pragma {p}").scalar()
            for p in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
    warehouse.close()


def test_a_transaction_that_fails_leaves_nothing(warehouse):
    with pytest.raises(ZeroDivisionError), warehouse.begin() as conn:
        intern_persons(conn, ["A"])
        raise ZeroDivisionError
    with warehouse.read() as conn:
        assert find_persons(conn, ["A"]) == {}


def test_a_reader_sees_one_state_while_others_write(warehouse):
    with warehouse.read() as reader:
        assert find_persons(reader, ["A"]) == {}
        with warehouse.begin() as writer:
            intern_persons(writer, ["A"])
        assert find_persons(reader, ["A"]) == {}
    with warehouse.read() as reader:
        assert find_persons(reader, ["A"]).keys() == {"A"}


def test_writers_of_one_school_wait_for_each_other(warehouse):
    seen = []

    def add(name):
        with warehouse.begin("oakfield") as conn:
            count = conn.execute(sa.select(sa.func.count()).select_from(tables.person)).scalar()
            intern_persons(conn, [name])
            seen.append(count)

    threads = [threading.Thread(target=add, args=(f"P{i}",)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(seen) == [0, 1, 2, 3, 4, 5]


def test_persons_keep_their_numbers(warehouse):
    with warehouse.begin() as conn:
        first = intern_persons(conn, ["B", "A", "B"])
        again = intern_persons(conn, ["C", "A"])
        assert again["A"] == first["A"]
        assert len({*first.values(), *again.values()}) == 3
        assert upns_of(conn, [first["B"], again["C"]]) == {first["B"]: "B", again["C"]: "C"}


def test_a_warehouse_can_be_sent_to_another_process(warehouse):
    other = pickle.loads(pickle.dumps(warehouse))
    with other.read() as conn:
        assert find_persons(conn, ["A"]) == {}
    other.close()


def test_a_password_is_not_shown():
    assert "secret" not in repr(Warehouse("postgresql+psycopg://user:secret@host/name"))


def test_other_databases_are_refused_by_name():
    with pytest.raises(WarehouseError, match="mysql"):
        Warehouse("mysql://host/name")
