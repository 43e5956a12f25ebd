"""Which kind of failure an error is, from real errors where this machine can make them; and what is repeated of them."""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from message_servers import closed_port

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.delivery import DeliveryError, deliver
from attendance_pipeline.home import init_home, open_home
from attendance_pipeline.reports.failures import UNKNOWN, chain_of, kind_of, kinds, own_words, step_in_words
from attendance_pipeline.store.warehouse import Warehouse, WarehouseError

_DAY = dt.date(2026, 9, 22)


def kind(error: BaseException) -> str:
    return kind_of(chain_of(error))


def raised(work) -> BaseException:  # type: ignore[no-untyped-def]
    with pytest.raises(Exception) as caught:  # whatever it is: its kind is asked
        work()
    return caught.value


# ---------------------------------------------------------------- errors as they are met


def test_a_database_whose_disk_is_full(tmp_path: Path) -> None:
    warehouse = Warehouse(f"sqlite:///{tmp_path / 'w.db'}")

    def fill() -> None:
        with warehouse.begin() as conn:
            conn.execute(sa.text("pragma max_page_count = 3"))
            conn.execute(sa.text("create table t (x blob)"))
            conn.execute(sa.text("insert into t values (zeroblob(1000000))"))

    assert kind(raised(fill)) == "disk-full"
    warehouse.close()


def test_a_database_that_another_program_holds(tmp_path: Path) -> None:
    file = tmp_path / "w.db"
    with sqlite3.connect(file) as other:
        other.execute("create table t (x)")
    other.execute("begin exclusive")
    engine = sa.create_engine(f"sqlite:///{file}", connect_args={"timeout": 0})
    assert kind(raised(lambda: engine.connect().execute(sa.text("insert into t values (1)")))) == "database-busy"
    other.close()


def test_a_database_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "w.db").write_bytes(b"not a page of SQLite " * 500)
    warehouse = Warehouse(f"sqlite:///{tmp_path / 'w.db'}")
    assert kind(raised(warehouse.upgrade)) == "database-damaged"


def test_a_database_server_that_is_not_there() -> None:
    warehouse = Warehouse(f"postgresql+psycopg://nobody@127.0.0.1:{closed_port()}/attendance")
    assert kind(raised(warehouse.upgrade)) == "database-away"


def test_a_drive_that_is_not_there_or_may_not_be_written_to(tmp_path: Path) -> None:
    def put(drive: Path) -> BaseException:
        return raised(
            lambda: deliver(
                drive, "oakfield", "office", "2025/26", _DAY, "letters", {"a": b""}, run="", policy="", as_at=""
            )
        )

    assert kind(put(tmp_path / "gone")) == "drive-missing"
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive/oakfield").write_bytes(b"a file in the way")
    assert kind(put(tmp_path / "drive")) == "drive-broken"


def test_a_setting_that_is_wrong(tmp_path: Path) -> None:
    home = init_home(tmp_path / "home")
    (home / "attendance.toml").write_text("[[", encoding="utf-8")
    fault = raised(lambda: open_home(home))
    assert kind(fault) == "settings"
    assert own_words(chain_of(fault)).startswith(f"{home / 'attendance.toml'}: ")


# ---------------------------------------------------------------- errors that this machine cannot make


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        ("disk-full", OSError(28, "No space left on device", "/home/state/x")),
        ("disk-full", WarehouseError("the disk of the warehouse /x is full: make room, then run again")),
        ("drive-full", DeliveryError(28, "the shared drive at S: could not be written to (x): it is full: make room")),
        ("drive-refused", DeliveryError(30, "the shared drive at S: could not be written to (x): it is read-only: ask")),
        ("drive-refused", DeliveryError(13, "the shared drive at S: ...: this account may not write there: ask for it")),
        ("file-in-use", PermissionError(26, "Text file busy", "log.xlsx")),
        ("no-permission", PermissionError(13, "Permission denied", "/home/inbox")),
        ("out-of-memory", MemoryError()),
        ("database-newer", WarehouseError("the warehouse is at version 9, which this program (version 1) does not know: a newer program has written it")),
        ("database-set-back", WarehouseError("the warehouse holds no extract at all, but this home has loaded some on 1 May 2026, 02:40 UTC: an older copy, or another database, has taken its place.")),
        ("database-away", WarehouseError("the database server of db/x did not answer, or broke off: it may be restarting.")),
        (UNKNOWN, KeyError("Emma Smith")),
        (UNKNOWN, ValueError("A123456789012")),
    ],
)  # fmt: skip
def test_other_errors_by_their_class_number_or_words(expected: str, error: BaseException) -> None:
    assert kind(error) == expected


def test_the_cause_is_looked_at_where_the_error_itself_says_nothing() -> None:
    try:
        try:
            raise OSError(28, "No space left on device")
        except OSError as cause:
            raise RuntimeError("a step failed") from cause
    except RuntimeError as error:
        assert kind(error) == "disk-full"


@pytest.mark.parametrize(
    "message",
    [
        "This run has been marked as failed from outside the execution context.",
        "Run execution process for 0b1f unexpectedly exited with code 1.",
        "Run execution process for 0b1f was terminated by signal 9 (SIGKILL). ",
        "Run execution process for 0b1f was terminated by signal 9 (SIGKILL). This usually indicates that the process was "
        "killed by the operating system due to running out of memory.",
        "Exceeded maximum runtime of 14400 seconds.",
        "the run was killed",
    ],
)
def test_what_dagster_says_of_a_run_whose_process_is_gone(message: str) -> None:
    assert kind_of([("RunEnded", message)]) == "killed"


# ---------------------------------------------------------------- what is repeated, and what never is


@pytest.mark.parametrize("error", [KeyError("Emma Smith"), ValueError("UPN A123456789012"), OSError(5, "I/O", "Emma")])
def test_of_an_error_that_is_not_ours_only_its_class_is_repeated(error: BaseException) -> None:
    assert own_words(chain_of(error)) == type(error).__name__


def test_our_own_words_are_repeated_without_what_python_and_dagster_put_before_them() -> None:
    words = "the shared drive is not at S:/x: connect it"
    for message in (words, f"[Errno 2] {words}", f"attendance_pipeline.delivery.DeliveryError: [Errno 2] {words}\n"):
        assert own_words([("DagsterExecutionStepExecutionError", "..."), ("DeliveryError", message)]) == words


# ---------------------------------------------------------------- the table


def test_every_kind_has_a_title_that_goes_on_and_sentences() -> None:
    assert len({k.kind for k in kinds()}) == len(kinds())
    assert kinds()[-1].kind == UNKNOWN
    for k in kinds():
        assert k.title[0].islower() and k.title[-1] not in ".!", k.kind
        for sentence in (k.means, k.to_do):
            assert re.fullmatch(r"[A-Z].*[.]", sentence), k.kind


def test_every_job_that_a_schedule_starts_has_words() -> None:
    names = {schedule.job_name for schedule in build_definitions().get_repository_def().schedule_defs}
    assert len(names) > 5
    assert {name for name in names if step_in_words(name) == name.replace("_", " ")} == set()
