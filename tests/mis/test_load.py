"""Loading an inbox: what it keeps, what it says it changed, and that it may be done again."""

import datetime as dt
import hashlib
import logging
import os
import shutil
import threading

import pytest
from school_files import (
    ANN,
    BEN,
    CAT,
    SCHOOL,
    everything,
    load_all,
    pupils,
    quarantine_rows,
    register,
    register_rows,
    write,
)

from attendance_pipeline.mis.load import load
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.register.export import register_frame
from attendance_pipeline.register.lessons import lessons_between
from attendance_pipeline.store.extracts import list_extracts


@pytest.fixture
def home(tmp_path):
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2020-09-01", f"{BEN},5A,2020-09-01", f"{CAT},5A,2020-09-01")
    return tmp_path


def test_a_day_is_loaded_kept_and_cleared_away(warehouse, home):
    path = register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,/", f"{BEN},2026-01-05,AM,N")
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    result = load_all(warehouse, home)
    assert result.loaded == ("pupils_2025-09-01.csv", "register_2026-01-05.csv")
    assert (result.rows, result.marks_new, result.marks_changed) == (5, 2, 0)
    assert result.earliest_changed == dt.date(2026, 1, 5)
    assert result.records_changed == {"pupils": 3}
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM /", f"{BEN} 2026-01-05 AM N"]
    assert list((home / "inbox").iterdir()) == []
    assert (home / "kept" / sha[:2] / sha).exists()


def test_the_same_files_again_change_nothing(warehouse, home):
    def drop():
        register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,/", f"{BEN},2026-01-05,AM,ZZ")

    drop()
    first = load_all(warehouse, home)
    before = everything(warehouse)
    drop()
    again = load_all(warehouse, home)
    assert first.quarantined_new == 1
    assert (again.loaded, again.unchanged) == ((), ("register_2026-01-05.csv",))
    assert (again.quarantined_new, again.marks_new, again.marks_changed, again.records_changed) == (0, 0, 0, {})
    assert everything(warehouse) == before
    assert list((home / "inbox").iterdir()) == []


def test_a_correction_says_what_it_changed(warehouse, home):
    register(home / "inbox", "2026-01-05", *(f"{u},2026-01-05,AM,N" for u in (ANN, BEN, CAT)))
    load_all(warehouse, home)
    register(
        home / "inbox",
        "2026-01-09",
        f"{ANN},2026-01-05,AM,N",
        f"{BEN},2026-01-05,AM,I",
        f"{CAT},2026-01-05,AM,",
        f"{ANN},2026-01-06,AM,/",
    )
    result = load_all(warehouse, home)
    assert (result.marks_new, result.marks_changed, result.earliest_changed) == (1, 2, dt.date(2026, 1, 5))
    assert everything(warehouse)["amendments"] == sorted(
        [
            (SCHOOL, BEN, "2026-01-05", "AM", "N", "I", "2026-01-09", "register_2026-01-09.csv", "3"),
            (SCHOOL, CAT, "2026-01-05", "AM", "N", "", "2026-01-09", "register_2026-01-09.csv", "4"),
        ]
    )


def test_a_late_file_that_says_nothing_new_changes_nothing(warehouse, home):
    register(home / "inbox", "2026-01-09", f"{ANN},2026-01-05,AM,I")
    load_all(warehouse, home)
    register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,N")
    result = load_all(warehouse, home)
    assert result.loaded and (result.marks_new, result.marks_changed) == (0, 0)
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM I"]


def test_comments_are_kept_where_they_say_why_a_mark_was_amended(warehouse, home):
    register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,N,,no call", f"{BEN},2026-01-05,AM,/,,private")
    load_all(warehouse, home)
    path = register(
        home / "inbox", "2026-01-06", f"{ANN},2026-01-05,AM,I,,mother rang", f"{BEN},2026-01-05,AM,/,,private"
    )
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    load_all(warehouse, home)
    kept = (home / "kept" / sha[:2] / sha).read_text()
    assert "mother rang" in kept
    everywhere = "".join(p.read_text() for p in (home / "kept").rglob("*") if p.is_file())
    assert "private" not in everywhere and "no call" not in everywhere


def test_a_refused_file_is_quarantined_whole_and_kept(warehouse, home):
    path = write(home / "inbox", "register_2026-01-05.csv", "UPN,Date,Code", [f"{ANN},2026-01-05,N"])
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    result = load_all(warehouse, home)
    assert result.refused == ("register_2026-01-05.csv",)
    assert result.quarantined_new == 1
    assert quarantine_rows(warehouse) == [
        "register_2026-01-05.csv:1 Session: a required column is missing from the header"
    ]
    assert (home / "kept" / sha[:2] / sha).read_bytes()
    assert list((home / "inbox").iterdir()) == []


def test_a_file_that_cannot_be_taken_is_told_once(warehouse, home):
    (home / "inbox" / "register_2026-01-05.csv").symlink_to("/etc/hostname")
    first, again = load_all(warehouse, home), load_all(warehouse, home)
    assert (first.quarantined_new, again.quarantined_new) == (1, 0)
    assert quarantine_rows(warehouse) == ["register_2026-01-05.csv:1 (file): a symbolic link, not a file"]


def test_a_file_that_was_renamed_is_no_longer_told(warehouse, home):
    path = register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,/")
    load_all(warehouse, home)
    path.write_text("UPN\n")
    wrong = path.rename(path.with_name("marks of monday.csv"))
    assert load_all(warehouse, home).quarantined_new == 1
    wrong.unlink()
    load_all(warehouse, home)
    assert quarantine_rows(warehouse) == []


def test_a_code_map_that_comes_later_reads_the_same_file_anew(warehouse, home):
    def drop():
        register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,Ill")

    drop()
    load_all(warehouse, home)
    assert len(quarantine_rows(warehouse)) == 1
    drop()
    load_all(warehouse, home, code_map=[DatedCodes({"Ill": "I"})])
    assert quarantine_rows(warehouse) == []
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM I"]


def test_schools_do_not_mix(warehouse, home, tmp_path):
    register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,/")
    load_all(warehouse, home)
    other = tmp_path / "other"
    pupils(other / "inbox", "2025-09-01", f"{ANN},1A,2026-01-01")
    register(other / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,D")
    load(warehouse, "ashfield", other / "inbox", other / "kept", settle_seconds=0)
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM /"]


def test_lessons_are_kept_apart(warehouse, home):
    header = "UPN,Date,Period,Subject,Class,Code,Minutes Late"
    write(
        home / "inbox",
        "lessons_2026-01-05.csv",
        header,
        [f"{ANN},2026-01-05,1,Maths,5A,/,", f"{ANN},2026-01-05,2,Art,5A,L,4", f"{BEN},2026-01-05,1,Maths,5A,Q9,"],
    )
    write(home / "inbox", "lessons_2026-01-06.csv", header, [f"{ANN},2026-01-05,1,Maths,5A,N,"])
    load_all(warehouse, home)
    with warehouse.read() as conn:
        frame = lessons_between(conn, SCHOOL, dt.date(2026, 1, 1), dt.date(2026, 1, 31))
    assert frame[["upn", "period", "code", "line"]].values.tolist() == [[ANN, "1", "N", 2], [ANN, "2", "L", 3]]
    assert quarantine_rows(warehouse) == ["lessons_2026-01-05.csv:4 Code: unknown code"]
    assert register_rows(warehouse) == []


def test_notes_tell_ignored_columns_and_warnings(warehouse, home):
    write(home / "inbox", "classes_2026-01-05.csv", "Class,Teacher,Room", ["5A,Ms T,12"])
    register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,H")
    assert load_all(warehouse, home).notes == (
        "classes_2026-01-05.csv: columns ignored: Room",
        "register_2026-01-05.csv: code outside its dates: 1 rows",
    )


def test_nothing_of_a_person_is_logged(sqlite_url, home, caplog):
    from attendance_pipeline.store.warehouse import Warehouse

    caplog.set_level(logging.DEBUG)
    register(
        home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,ZZ", f"{BEN},never,AM,/", f"A{CAT[1:]},2026-01-05,AM,/"
    )
    load_all(Warehouse(sqlite_url), home)
    for upn in (ANN, BEN, CAT):
        assert upn[1:] not in caplog.text


def test_a_failure_half_way_leaves_nothing(warehouse, home, monkeypatch):
    import attendance_pipeline.mis.load as module

    register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,/")

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(module, "keep_all", fail)
        with pytest.raises(OSError, match="disk full"):
            load_all(warehouse, home)
    assert register_rows(warehouse) == []
    assert len(list((home / "inbox").iterdir())) == 2
    load_all(warehouse, home)
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM /"]


def test_several_loads_at_once_end_as_one_would(warehouse, home, tmp_path):
    for day in range(5, 10):
        register(home / "inbox", f"2026-01-{day:02d}", *(f"{u},2026-01-05,AM,{c}" for u, c in ((ANN, "N"), (BEN, "/"))))
    alone = tmp_path / "alone"
    shutil.copytree(home / "inbox", alone / "inbox")
    failures = []

    def run(school, folder):
        try:
            load(warehouse, school, folder / "inbox", folder / "kept", settle_seconds=0)
        except Exception as error:  # told in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=a) for a in ((SCHOOL, home), (SCHOOL, home), ("ashfield", alone))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failures == []
    assert register_rows(warehouse) == sorted([f"{ANN} 2026-01-05 AM N", f"{BEN} 2026-01-05 AM /"])
    with warehouse.read() as conn:
        both = [register_frame(conn, s).drop(columns="school") for s in (SCHOOL, "ashfield")]
        assert len(list_extracts(conn, SCHOOL)) == len(list_extracts(conn, "ashfield")) == 6
    assert both[0].equals(both[1])
    assert list((home / "inbox").iterdir()) == []


def test_a_name_that_no_database_takes_is_told_as_it_can_be_shown(warehouse, home):
    """Bytes that are no text, control characters, and more characters than a column has."""
    register(home / "inbox", "2026-01-05", f"{ANN},2026-01-05,AM,/")
    for name in (
        os.fsdecode(b"register_2026-01-06_\xff.csv"),
        "register_2026-01-06_\n.csv",
        f"register_{'9' * 240}.csv",
    ):
        (home / "inbox" / name).write_text("x")
    result = load_all(warehouse, home)
    assert len(result.loaded) == 2 and len(result.not_taken) == 3
    assert [r.split(":")[0] for r in quarantine_rows(warehouse)] == sorted(n for n, _ in result.not_taken)
    assert "register_2026-01-06_<000A>.csv" in dict(result.not_taken)
    assert load_all(warehouse, home).quarantined_new == 0
