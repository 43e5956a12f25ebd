"""Warehouse and Dagster's runs in one PostgreSQL server: a night, the UI over it, two homes beside one another."""

from __future__ import annotations

import datetime as dt
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster_page import free_port, graphql, served, until
from demo_homes import LAST_NIGHT, PUPILS, attendance, demo_home

from attendance_pipeline.home import SETTINGS_FILE, open_home
from attendance_pipeline.law.settings_errors import SettingsErrors
from attendance_pipeline.running import STORAGE_VARIABLE, instance_of, prepare_instance
from attendance_pipeline.steps.told import read

FIRST_WEEK = dt.date(2025, 9, 5)


def database(server: sa.URL, name: str) -> str:
    """A new, empty database; its address without a driver, as Dagster has it."""
    made = f"{name}_{uuid.uuid4().hex[:8]}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {made}")
    admin.dispose()
    return sa.URL.create(
        "postgresql", server.username, None, server.host, server.port, made, server.query
    ).render_as_string()


def on_postgres(home: Path, warehouse: str, storage: str) -> Path:
    """A home whose settings name these two databases."""
    file = home / SETTINGS_FILE
    text = file.read_text(encoding="utf-8").replace(
        "sqlite:///state/warehouse.db", warehouse.replace("postgresql://", "postgresql+psycopg://")
    )
    file.write_text(text.replace("[delivery]", f'[dagster]\nstorage = "{storage}"\n\n[delivery]', 1), encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, postgres_server: sa.URL) -> Iterator[tuple[Path, Path]]:
    """Two homes on one server, of which the first has run a night."""
    folder = tmp_path_factory.mktemp("homes")
    one = demo_home(folder / "one", LAST_NIGHT, pupils=PUPILS, schools=1, until=FIRST_WEEK)
    other = shutil.copytree(one, folder / "other")
    for home, name in ((one, "one"), (other, "other")):
        on_postgres(home, database(postgres_server, f"{name}_w"), database(postgres_server, f"{name}_d"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORAGE_VARIABLE, "")
        said = attendance("nightly", "--home", one, "--date", FIRST_WEEK)
        assert said.code in (0, 1), said.err
        yield one, other


def jobs(home: Path) -> list[tuple[str, str]]:
    with instance_of(open_home(home)) as instance:
        return [(run.job_name, run.status.value) for run in reversed(instance.get_runs())]


def test_a_night_is_recorded_on_the_server_and_nothing_of_it_in_files(homes: tuple[Path, Path]) -> None:
    one, _ = homes
    assert jobs(one)[:2] == [("take_in_extracts", "SUCCESS"), ("nightly", "SUCCESS")]
    assert list((one / "state").rglob("*.db")) == []
    with instance_of(open_home(one)) as instance:
        assert type(instance.event_log_storage).__module__.startswith("dagster_postgres")
        assert type(instance.schedule_storage).__module__.startswith("dagster_postgres")
        (nightly,) = instance.get_runs(filters=dg.RunsFilter(job_name="nightly"))
        assert len(instance.all_logs(nightly.run_id)) > 50


def test_two_homes_of_one_server_know_nothing_of_each_other(homes: tuple[Path, Path]) -> None:
    one, other = homes
    assert jobs(other) == []
    assert attendance("nightly", "--home", other, "--date", FIRST_WEEK).code in (0, 1)
    assert jobs(other)[:2] == jobs(one)[:2]
    tables = [attendance("export", "stages", "--home", home).out for home in homes]
    assert tables[0] == tables[1] != ""


def test_the_ui_and_daemon_serve_what_is_on_the_server(homes: tuple[Path, Path]) -> None:
    one, _ = homes
    question = "{ runsOrError { ... on Runs { results { jobName status } } } instance { daemonHealth { allDaemonStatuses { daemonType healthy } } } }"
    with served(one) as port:
        runs = graphql(port, question)["runsOrError"]["results"]
        assert {"take_in_extracts", "nightly"} <= {run["jobName"] for run in runs}

        def scheduler_lives() -> bool | None:
            daemons = graphql(port, question)["instance"]["daemonHealth"]["allDaemonStatuses"]
            return next((d["healthy"] for d in daemons if d["daemonType"] == "SCHEDULER"), None) or None

        until(scheduler_lives, 120, "the daemon's scheduler says that it lives")


def test_the_address_stands_in_no_file_of_dagster_and_goes_when_the_setting_goes(
    homes: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = homes
    monkeypatch.setenv("ATTENDANCE_DAGSTER_PASSWORD", "not-to-be-seen")
    home = shutil.copytree(one, tmp_path / "home")
    file = prepare_instance(open_home(home)) / "dagster.yaml"
    text = file.read_text(encoding="utf-8")
    assert f"env: {STORAGE_VARIABLE}" in text
    assert "not-to-be-seen" not in text
    assert "not-to-be-seen" not in str(open_home(home).dagster_storage)
    settings = home / SETTINGS_FILE
    lines = [line for line in settings.read_text(encoding="utf-8").splitlines() if not line.startswith("storage")]
    settings.write_text("\n".join(lines), encoding="utf-8")
    prepare_instance(open_home(home))
    assert "storage" not in file.read_text(encoding="utf-8")
    assert "max_concurrent_runs: 1" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("storage", "expected"),
    [
        ("sqlite:///runs.db", "postgresql://user@host/name"),
        ("postgresql+psycopg://host/runs", "postgresql://user@host/name"),
        ("postgresql://host", "postgresql://user@host/name"),
        ("postgresql://somebody:secret@host/runs", "no password in this file"),
        ("postgresql://elsewhere/warehouse", ""),
        ("postgresql://host/warehouse", "another database than that of store.database"),
        ("postgresql://host:5432/warehouse", "another database than that of store.database"),
        ("postgresql://host/warehouse?options=-csearch_path%3Ddagster", ""),
        ("postgresql://host/runs", ""),
    ],
)
def test_what_the_setting_may_be(tmp_path: Path, storage: str, expected: str) -> None:
    assert attendance("init", tmp_path / "home").code == 0
    home = on_postgres(tmp_path / "home", "postgresql://host/warehouse", storage)
    if not expected:
        assert open_home(home).dagster_storage is not None
        return
    with pytest.raises(SettingsErrors, match=r"dagster\.storage") as refused:
        open_home(home)
    assert expected in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    home = demo_home(tmp_path / "home", LAST_NIGHT, pupils=PUPILS, schools=1, until=FIRST_WEEK)
    file = home / SETTINGS_FILE
    text = file.read_text(encoding="utf-8")
    storage = f'[dagster]\nstorage = "postgresql://somebody@127.0.0.1:{free_port()}/runs"\n\n[delivery]'
    file.write_text(text.replace("[delivery]", storage, 1), encoding="utf-8")
    said = attendance("nightly", "--home", home, "--date", FIRST_WEEK)
    assert said.code == 3
    assert "(dagster.storage) cannot be used: see that its server runs" in said.err
    assert len(list((home / "inbox").rglob("*.csv"))) > 0
    told = read(home / "state")
    assert told.good is None, "a night that could not begin is no good night, and no ping says so"
    assert [failing.job for failing in told.failing.values()] == ["nightly"]
