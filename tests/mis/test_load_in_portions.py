"""An inbox of more than is held at once goes through in portions: what comes of it is the same, killed or not."""

import datetime as dt
import tracemalloc

import pytest
from killed_load import kept, killed_at
from school_files import ANN, BEN, CAT, DAN, everything, load_all, pupils, register, upn, write

from attendance_pipeline.mis import inbox, load
from attendance_pipeline.mis.inbox import FileReplaced, look
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.store.warehouse import Warehouse, open_warehouse


@pytest.fixture
def small_portions(monkeypatch):
    """Every file is a portion of its own, is read anew whenever it is wanted, and days are asked one by one."""
    monkeypatch.setattr(load, "_TOGETHER", 1)
    monkeypatch.setattr(load, "_STATEMENTS_TOGETHER", 1)
    monkeypatch.setattr(inbox, "_HELD", 0)


def drop(home):
    """A term's worth of what happens: corrections, comments, faults, a pupil with a new UPN, files of every kind."""
    box = home / "inbox"
    pupils(box, "2025-09-01", f"{ANN},5A,2020-09-01", f"{BEN},5A,2020-09-01", f"{CAT},5B,2020-09-01")
    write(box, "pupils_2026-01-08.csv", "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date",
          [f"{CAT},7,Fo,Su,2015-05-01,5,5B,2020-09-01", f"{BEN},8,Fo,Su,2015-06-01,5,5A,2020-09-01"])  # fmt: skip
    write(box, "pupils_2026-01-09.csv", "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date",
          [f"{DAN},7,Fo,Su,2015-05-01,5,5B,2020-09-01", f"{BEN},8,Fo,Su,2015-06-01,5,5A,2020-09-01"])  # fmt: skip
    register(box, "2026-01-05", *(f"{u},2026-01-05,{s},N,,why" for u in (ANN, BEN, CAT) for s in ("AM", "PM")))
    register(box, "2026-01-06", f"{ANN},2026-01-05,AM,I,,rang", f"{ANN},2026-01-06,AM,ZZ", f"{BEN},2026-01-06,AM,/,,x")
    register(box, "2026-01-06", f'{BEN},2026-01-05,PM,\\,,"seen, late"', f"{CAT},2026-01-06,AM,Ill", suffix="_b")
    register(box, "2026-01-12", f"{DAN},2026-01-05,AM,M,,a visit", f"{DAN},2026-01-12,AM,/", f"{CAT},2026-01-12,AM,N")
    write(box, "register_2026-01-07.csv", "nothing of use", [])
    write(box, "classes_2026-01-05.csv", "Class,Teacher,Email", ["5A,Ms A,a@x.example", "5B,Mr B,"])
    write(box, "interventions_2026-01-06.csv", "UPN,Date,Action", [f"{ANN},2026-01-06,phone_call"])
    write(box, "lessons_2026-01-06.csv", "UPN,Date,Period,Subject,Class,Code", [f"{ANN},2026-01-06,1,Maths,5A,/"])
    write(box, "marks of monday.csv", "UPN", [])


OPTIONS = pytest.mark.parametrize(
    "options", [{}, {"complete": True}, {"code_map": [DatedCodes({"Ill": "I"})]}], ids=["changes", "complete", "own codes"]
)  # fmt: skip


def undisturbed(home, options):
    """What one whole portion comes to, in a home beside this one."""
    other = home / "at once"
    drop(other)
    warehouse = open_warehouse(f"sqlite:///{other}/state/warehouse.db")
    result = load_all(warehouse, other, **options)
    end = everything(warehouse)
    warehouse.close()
    return result, end, {p.name: p.read_bytes() for p in (other / "kept").rglob("*") if p.is_file()}


def in_portions(warehouse, home, options):
    result = load_all(warehouse, home, **options)
    return result, everything(warehouse), {p.name: p.read_bytes() for p in (home / "kept").rglob("*") if p.is_file()}


@OPTIONS
def test_the_same_as_at_once(warehouse, tmp_path, request, options):
    at_once = undisturbed(tmp_path, options)
    assert len(at_once[0].loaded) == 10 and at_once[0].refused == ("register_2026-01-07.csv",)
    assert at_once[0].records_changed["pupils"]
    assert b"rang" in b"".join(at_once[2].values()) or "complete" in options
    request.getfixturevalue("small_portions")
    drop(tmp_path)
    assert in_portions(warehouse, tmp_path, options) == at_once
    assert [p.name for p in (tmp_path / "inbox").iterdir()] == ["marks of monday.csv"]


@pytest.mark.parametrize("options", [{}, {"complete": True}], ids=["changes", "complete"])
def test_read_anew_with_other_codes_in_portions(sqlite_url, tmp_path, request, options):
    """What was loaded before is replaced: the marks that stood then are still what is compared with."""

    def twice(home, warehouse):
        drop(home)
        load_all(warehouse, home)
        drop(home)
        return load_all(warehouse, home, **{"code_map": [DatedCodes({"N": "O"})], **options})

    other = tmp_path / "at once"
    expected = twice(other, open_warehouse(f"sqlite:///{other}/state/warehouse.db"))
    assert expected.marks_changed
    request.getfixturevalue("small_portions")
    assert twice(tmp_path, Warehouse(sqlite_url)) == expected


@pytest.mark.parametrize("moment", [30, 90, 150, 200])
def test_killed_between_portions(sqlite_url, tmp_path, small_portions, moment):
    at_once = undisturbed(tmp_path / "other", {})
    home = tmp_path / "home"
    drop(home)
    assert killed_at(sqlite_url, home, moment)
    warehouse = Warehouse(sqlite_url)
    half = everything(warehouse)
    assert half == at_once[1] or not any(half.values())
    load_all(warehouse, home)
    assert everything(warehouse) == at_once[1]
    assert kept(home) == sorted(at_once[2])
    warehouse.close()


def test_a_file_replaced_while_others_are_loaded_stops_the_load(warehouse, tmp_path, small_portions):
    drop(tmp_path)
    found = look(tmp_path / "inbox", settle_seconds=0)
    assert all(d.data is None for d in found.dropped)
    path = next(d for d in found.dropped if d.path.name == "register_2026-01-05.csv").path
    path.write_text("other bytes")
    with pytest.raises(FileReplaced, match=r"register_2026-01-05\.csv was replaced .* Nothing was loaded"):
        next(d for d in found.dropped if d.path == path).content()
    path.unlink()
    with pytest.raises(FileReplaced):
        next(d for d in found.dropped if d.path == path).content()


def test_memory_does_not_grow_with_the_number_of_files(sqlite_url, tmp_path, monkeypatch):
    """Of fifty files more, only their names and days are held: less than a quarter of their bytes."""
    monkeypatch.setattr(load, "_TOGETHER", 300_000)
    monkeypatch.setattr(load, "_STATEMENTS_TOGETHER", 20)
    monkeypatch.setattr(inbox, "_HELD", 300_000)
    people = [upn(n) for n in range(1, 999)]
    days = iter(dt.date(2024, 9, 1) + dt.timedelta(n) for n in range(1000))

    def peak(files):
        for day in (str(next(days)) for _ in range(files)):
            size = register(tmp_path / "inbox", day, *(f"{u},{day},AM,I,,rang" for u in people)).stat().st_size
        tracemalloc.start()
        try:
            assert len(load_all(Warehouse(sqlite_url), tmp_path).loaded) == files
            return tracemalloc.get_traced_memory()[1], size
        finally:
            tracemalloc.stop()

    peak(2)
    few, size = peak(40)
    many, _ = peak(90)
    assert many - few < 50 * size / 4
