"""The register as at a time: which version of a mark counts, and where it came from."""

import datetime as dt

import numpy as np
import pytest
from school_files import ANN, BEN, CAT, SCHOOL, everything, load_all, pupils, quarantine_rows, register, register_rows

from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.register.history import provenance_as_at, register_as_at
from attendance_pipeline.register.roll import current_pupils, on_roll
from attendance_pipeline.register.statements import NO_MINUTES, Marks, split_by_day, unpack_lines, unpack_marks

DAY = "2026-01-05"


@pytest.fixture
def home(tmp_path):
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2020-09-01", f"{BEN},5A,2020-09-01")
    return tmp_path


def test_each_evening_knew_what_it_knew(warehouse, home):
    inbox = home / "inbox"
    register(inbox, "2026-01-05", f"{ANN},{DAY},AM,N")
    register(inbox, "2026-01-07", f"{ANN},{DAY},AM,I")
    register(inbox, "2026-01-09", f"{ANN},{DAY},AM,")
    register(inbox, "2026-01-12", f"{ANN},{DAY},AM,O")
    load_all(warehouse, home)
    known = {
        "2026-01-04": [],
        "2026-01-05": ["N"],
        "2026-01-06": ["N"],
        "2026-01-07": ["I"],
        "2026-01-09": [],
        "2026-01-12": ["O"],
    }
    for evening, codes in known.items():
        rows = register_rows(warehouse, as_at=dt.date.fromisoformat(evening))
        assert [r.split()[-1] for r in rows] == codes, evening
    assert [row[4:] for row in everything(warehouse)["amendments"]] == [
        ("N", "I", "2026-01-07", "register_2026-01-07.csv", "2"),
        ("I", "", "2026-01-09", "register_2026-01-09.csv", "2"),
        ("", "O", "2026-01-12", "register_2026-01-12.csv", "2"),
    ]


def test_of_one_date_the_greater_file_name_wins(warehouse, home):
    register(home / "inbox", "2026-01-05", f"{ANN},{DAY},AM,N", suffix="_b")
    register(home / "inbox", "2026-01-05", f"{ANN},{DAY},AM,I", suffix="_a")
    load_all(warehouse, home)
    assert register_rows(warehouse) == [f"{ANN} {DAY} AM N"]


def test_of_one_name_the_greater_hash_wins(warehouse, home):
    by_hash = {}
    import hashlib

    for code in "NIO":
        path = register(home / "inbox", "2026-01-05", f"{ANN},{DAY},AM,{code}")
        by_hash[hashlib.sha256(path.read_bytes()).hexdigest()] = code
        load_all(warehouse, home)
    assert register_rows(warehouse) == [f"{ANN} {DAY} AM {by_hash[max(by_hash)]}"]


def test_marks_on_days_without_school_are_kept(warehouse, home):
    register(home / "inbox", "2026-01-05", f"{ANN},2026-01-04,AM,/")
    load_all(warehouse, home)
    assert register_rows(warehouse) == [f"{ANN} 2026-01-04 AM /"]


def test_withdrawing_what_was_never_marked_is_no_amendment(warehouse, home):
    register(home / "inbox", "2026-01-05", f"{ANN},{DAY},AM,", f"{ANN},{DAY},PM,")
    load_all(warehouse, home)
    assert register_rows(warehouse) == []
    assert everything(warehouse)["amendments"] == []


def test_the_matrix_and_where_its_marks_came_from(warehouse, home):
    register(home / "inbox", "2026-01-05", f"{ANN},{DAY},AM,L,7", f"{BEN},{DAY},PM,\\")
    register(home / "inbox", "2026-01-06", f"{ANN},{DAY},PM,N", f"{ANN},2026-01-06,AM,/")
    load_all(warehouse, home)
    days = np.array([DAY, "2026-01-06", "2026-01-07"], dtype="datetime64[D]")
    with warehouse.read() as conn:
        people = current_pupils(conn, SCHOOL).set_index("upn")["person_id"]
        ids = [people[BEN], people[ANN], 10_000]
        marks = register_as_at(conn, SCHOOL, days, ids)
        found = provenance_as_at(conn, SCHOOL, days, ids)
    assert marks.dtype == np.uint8 and marks.shape == (3, 3, 2)
    text = [[[CODES.codes[c] for c in day] for day in pupil] for pupil in marks]
    assert text == [[["", "\\"], ["", ""], ["", ""]], [["L", "N"], ["/", ""], ["", ""]], [["", ""]] * 3]
    np.testing.assert_array_equal(found.marks, marks)
    names = [[("" if e < 0 else found.extracts[e].file_name[9:19]) for e in day] for day in found.extract[1]]
    assert names == [["2026-01-05", "2026-01-06"], ["2026-01-06", ""], ["", ""]]
    assert found.line[1].tolist() == [[2, 2], [3, 0], [0, 0]]
    assert found.minutes[1, 0].tolist() == [7, NO_MINUTES]


def test_no_days_and_no_pupils(warehouse, home):
    with warehouse.read() as conn:
        none = np.array([], dtype="datetime64[D]")
        assert register_as_at(conn, SCHOOL, none, [1, 2]).shape == (2, 0, 2)
        assert register_as_at(conn, SCHOOL, np.array([DAY], dtype="datetime64[D]"), []).shape == (0, 1, 2)


def test_a_statement_says_each_date_apart():
    marks = Marks(
        person=np.array([9, 3, 9, 3], dtype=np.int32),
        day=np.array(["2026-01-06", "2026-01-05", "2026-01-06", "2026-01-06"], dtype="datetime64[D]"),
        session=np.array([1, 0, 0, 0], dtype=np.uint8),
        code=np.array([2, 1, 255, 24], dtype=np.uint8),
        minutes=np.array([NO_MINUTES, 5, NO_MINUTES, NO_MINUTES], dtype=np.uint16),
        line=np.array([2, 3, 4, 900], dtype=np.int32),
    )
    pages = split_by_day(marks)
    assert list(pages) == [dt.date(2026, 1, 5), dt.date(2026, 1, 6)]
    tuesday, monday = pages[dt.date(2026, 1, 6)], pages[dt.date(2026, 1, 5)]
    said = unpack_marks(tuesday.marks)
    assert said.person.tolist() == [3, 9]
    assert said.code.tolist() == [[24, 0], [255, 2]]
    assert unpack_lines(tuesday.lines).tolist() == [[900, 0], [4, 2]]
    assert unpack_marks(monday.marks).minutes.tolist() == [[5, NO_MINUTES]]


def test_pupils_who_are_not_on_roll(warehouse, tmp_path):
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2026-01-05,2026-01-06")
    register(
        tmp_path / "inbox",
        "2026-01-09",
        f"{ANN},2026-01-02,AM,/",
        f"{ANN},2026-01-02,PM,Z",
        f"{ANN},2026-01-01,AM,#",
        f"{ANN},2026-01-05,AM,/",
        f"{ANN},2026-01-06,PM,\\",
        f"{ANN},2026-01-07,AM,N",
        f"{ANN},2026-01-07,PM,",
        f"{BEN},2026-01-05,AM,/",
    )
    load_all(warehouse, tmp_path)
    assert quarantine_rows(warehouse) == [
        "register_2026-01-09.csv:2 Date: not on roll: before the entry date",
        "register_2026-01-09.csv:7 Date: not on roll: after the leaving date",
        "register_2026-01-09.csv:9 UPN: not on roll: no pupils extract names this UPN",
    ]
    assert [r.split(maxsplit=1)[1] for r in register_rows(warehouse)] == [
        "2026-01-01 AM #",
        "2026-01-02 PM Z",
        "2026-01-05 AM /",
        "2026-01-06 PM \\",
    ]
    with warehouse.read() as conn:
        people = current_pupils(conn, SCHOOL)
        days = np.array(["2026-01-02", "2026-01-05", "2026-01-06", "2026-01-07"], dtype="datetime64[D]")
        inside = on_roll(people, days)
        assert inside.tolist() == [[False, True, True, False]]
        marks = register_as_at(conn, SCHOOL, days, people["person_id"], on_roll=inside)
    assert (marks > 0).any(axis=2).tolist() == inside.tolist()


def test_a_pupils_extract_that_comes_later_puts_the_register_right(warehouse, home):
    register(home / "inbox", "2026-01-05", f"{ANN},{DAY},AM,/", f"{CAT},{DAY},AM,/")
    first = load_all(warehouse, home)
    pupils(home / "inbox", "2026-01-06", f"{CAT},5A,2026-01-05")
    second = load_all(warehouse, home)
    assert (first.quarantined_new, second.quarantined_new) == (1, 0)
    assert quarantine_rows(warehouse) == []
    assert len(register_rows(warehouse)) == 2
    assert register_rows(warehouse, as_at=dt.date(2026, 1, 5)) == [f"{ANN} {DAY} AM /"]


def test_a_register_before_any_pupils(warehouse, tmp_path):
    register(tmp_path / "inbox", "2026-01-05", f"{ANN},{DAY},AM,/", f"{BEN},{DAY},AM,/")
    load_all(warehouse, tmp_path)
    assert quarantine_rows(warehouse) == ["register_2026-01-05.csv:1 UPN: no pupils extract is loaded"]
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A", f"{BEN},5A")
    load_all(warehouse, tmp_path)
    assert quarantine_rows(warehouse) == []
    assert len(register_rows(warehouse)) == 2
