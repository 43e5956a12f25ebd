"""`complete` register extracts withdraw the marks they lack, but only where they mark half of a class."""

import datetime as dt

import pytest
from school_files import (
    ANN,
    BEN,
    CAT,
    DAN,
    SCHOOL,
    everything,
    load_all,
    pupils,
    quarantine_rows,
    register,
    register_rows,
    upn,
)

from attendance_pipeline.register.complete import LEFT_OUT
from attendance_pipeline.register.export import amendments_frame, quarantine_frame, register_frame

DAY = "2026-01-05"
EVE = upn(5)


@pytest.fixture
def home(tmp_path):
    """Class 5A: Ann, Ben, Cat, Dan; class 5B: Eve. All marked on the morning of DAY."""
    pupils(
        tmp_path / "inbox", "2025-09-01", *(f"{u},5A,2020-09-01" for u in (ANN, BEN, CAT, DAN)), f"{EVE},5B,2020-09-01"
    )
    register(tmp_path / "inbox", "2026-01-05", *(f"{u},{DAY},AM,/" for u in (ANN, BEN, CAT, DAN, EVE)))
    return tmp_path


def marked(warehouse):
    names = {ANN: "Ann", BEN: "Ben", CAT: "Cat", DAN: "Dan", EVE: "Eve"}
    return sorted(names[r.split()[0]] for r in register_rows(warehouse))


def test_marks_that_a_later_extract_lacks_are_withdrawn(warehouse, home):
    register(home / "inbox", "2026-01-06", *(f"{u},{DAY},AM,/" for u in (ANN, BEN, EVE)))
    result = load_all(warehouse, home, complete=True)
    assert marked(warehouse) == ["Ann", "Ben", "Eve"]
    assert quarantine_rows(warehouse) == []
    assert result.marks_new == 3
    lost = everything(warehouse)["amendments"]
    assert sorted(row[1] for row in lost) == sorted([CAT, DAN])
    assert {row[4:] for row in lost} == {("/", "", "2026-01-06", "register_2026-01-06.csv", "<NA>")}


def test_the_same_files_as_changes_withdraw_nothing(warehouse, home):
    register(home / "inbox", "2026-01-06", *(f"{u},{DAY},AM,/" for u in (ANN, BEN, EVE)))
    load_all(warehouse, home)
    assert marked(warehouse) == ["Ann", "Ben", "Cat", "Dan", "Eve"]


def test_a_setting_changed_later_counts_for_all_extracts(warehouse, home):
    register(home / "inbox", "2026-01-06", *(f"{u},{DAY},AM,/" for u in (ANN, BEN, EVE)))
    load_all(warehouse, home)
    result = load_all(warehouse, home, complete=True)
    assert (result.marks_changed, str(result.earliest_changed)) == (2, DAY)
    assert marked(warehouse) == ["Ann", "Ben", "Eve"]
    load_all(warehouse, home)
    assert marked(warehouse) == ["Ann", "Ben", "Cat", "Dan", "Eve"]


def test_an_extract_that_marks_less_than_half_of_a_class_is_left_out_whole(warehouse, home):
    register(home / "inbox", "2026-01-06", f"{ANN},{DAY},AM,I", f"{EVE},{DAY},AM,I", f"{ANN},2026-01-06,AM,/")
    load_all(warehouse, home, complete=True)
    assert marked(warehouse) == ["Ann", "Ben", "Cat", "Dan", "Eve"]
    assert {r.split()[-1] for r in register_rows(warehouse)} == {"/"}
    assert quarantine_rows(warehouse) == [
        "register_2026-01-06.csv:1 Code: a complete register lacks marks of a class of which it marks less than half"
    ]


def test_a_class_that_is_lacking_altogether_leaves_the_file_out(warehouse, home):
    register(home / "inbox", "2026-01-06", *(f"{u},{DAY},AM,I" for u in (ANN, BEN, CAT, DAN)))
    load_all(warehouse, home, complete=True)
    assert {r.split()[-1] for r in register_rows(warehouse)} == {"/"}


def test_an_extract_that_need_withdraw_nothing_may_be_as_short_as_it_likes(warehouse, home):
    register(home / "inbox", "2026-01-05", f"{ANN},{DAY},PM,\\", suffix="_pm")
    # The first morning of the year knows no PM marks: nothing would be withdrawn by a morning's extract.
    register(home / "inbox", "2026-01-06", f"{ANN},2026-01-06,AM,/")
    load_all(warehouse, home, complete=True)
    # The PM extract lacks every AM mark of its date, so it is left out; the next day's marks nothing away.
    assert quarantine_rows(warehouse) == [
        "register_2026-01-05_pm.csv:1 Code: a complete register lacks marks of a class of which it marks less than half"
    ]
    assert f"{ANN} 2026-01-06 AM /" in register_rows(warehouse)


def test_a_blank_row_names_the_session_but_does_not_mark_it(warehouse, home):
    rows = [f"{ANN},{DAY},AM,/", f"{BEN},{DAY},AM,", f"{CAT},{DAY},AM,", f"{EVE},{DAY},AM,/"]
    register(home / "inbox", "2026-01-06", *rows)
    load_all(warehouse, home, complete=True)
    # Ann alone is marked, one of four: Dan's mark may not be withdrawn, so the file is left out.
    assert marked(warehouse) == ["Ann", "Ben", "Cat", "Dan", "Eve"]
    register(home / "inbox", "2026-01-07", *rows, f"{DAN},{DAY},AM,/")
    load_all(warehouse, home, complete=True)
    assert marked(warehouse) == ["Ann", "Dan", "Eve"]


def test_pupils_not_on_roll_are_not_counted_in_the_half(warehouse, home):
    pupils(home / "inbox", "2026-01-05", f"{CAT},5A,2020-09-01,2025-12-19", f"{DAN},5A,2020-09-01,2025-12-19")
    register(home / "inbox", "2026-01-06", f"{ANN},{DAY},AM,/", f"{EVE},{DAY},AM,/")
    load_all(warehouse, home, complete=True)
    assert marked(warehouse) == ["Ann", "Eve"]


def test_a_class_counts_as_it_was_when_the_extract_was_made(warehouse, home):
    register(home / "inbox", "2026-01-06", *(f"{u},{DAY},AM,/" for u in (ANN, BEN, EVE)))
    # In summer everybody moves: Ann and Ben into one class, so that of 6A the extract would mark nobody.
    pupils(
        home / "inbox",
        "2026-06-01",
        f"{ANN},6B,2020-09-01",
        f"{BEN},6B,2020-09-01",
        f"{CAT},6A,2020-09-01",
        f"{DAN},6A,2020-09-01",
    )
    load_all(warehouse, home, complete=True)
    assert marked(warehouse) == ["Ann", "Ben", "Eve"]


def test_a_past_evening_is_settled_with_the_pupils_known_then(warehouse, tmp_path):
    """Dan's mark is withdrawn by an extract that marks half of 5B; of all pupils who are listed later it is less."""
    pupils(tmp_path / "inbox", "2025-09-01", f"{DAN},5B,2020-09-01", f"{EVE},5B,2020-09-01")
    register(tmp_path / "inbox", "2026-01-05", f"{DAN},{DAY},AM,/", f"{EVE},{DAY},AM,/")
    register(tmp_path / "inbox", "2026-01-06", f"{EVE},{DAY},AM,/")
    load_all(warehouse, tmp_path, complete=True)
    evening = {"as_at": dt.date(2026, 1, 6)}
    with warehouse.read() as conn:
        then = [f(conn, SCHOOL).to_csv() for f in (register_frame, amendments_frame, quarantine_frame)]
    assert marked(warehouse) == ["Eve"]

    pupils(tmp_path / "inbox", "2026-01-07", *(f"{u},5B,2020-09-01" for u in (ANN, BEN, CAT, DAN, EVE)))
    load_all(warehouse, tmp_path, complete=True)
    assert marked(warehouse) == ["Dan", "Eve"]
    assert quarantine_rows(warehouse) == [f"register_2026-01-06.csv:1 Code: {LEFT_OUT}"]
    with warehouse.read() as conn:
        assert [
            f(conn, SCHOOL, **evening).to_csv() for f in (register_frame, amendments_frame, quarantine_frame)
        ] == then
