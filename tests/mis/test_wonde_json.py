"""`wonde-json`: marks joined to their codes, whether listed in the file or nested in each mark."""

import json

import pytest
from read_formats import faults, marks, raw, rows, understood
from school_files import ANN

from attendance_pipeline.mis.formats import UnreadableFile

COLUMNS = ("Student ID", "Date", "Session", "Code", "Minutes Late")
CODES = [{"id": "A1", "code": "/"}, {"id": "A2", "code": "N"}, {"id": 3, "code": "L"}]


def mark(code="A1", **more):
    date = {"date": "2026-01-05 00:00:00.000000", "timezone_type": 3, "timezone": "UTC"}
    return {"id": "x", "student_id": "S1", "date": date, "session": "AM", "attendance_code_id": code, **more}


@pytest.mark.parametrize("around", [lambda x: x, lambda x: {"data": x, "meta": {"pagination": {"more": False}}}])
@pytest.mark.parametrize("name", ["attendance", "session-attendance", "marks"])
def test_marks_and_codes_of_one_file(around, name):
    data = {name: around([mark(), mark(3, minutes_late=7, date="2026-01-06")]), "attendance-codes": around(CODES)}
    for given in (data, dict(reversed(data.items()))):
        table = raw("wonde-json", "register", json.dumps(given), "json")
        assert rows(table, *COLUMNS) == [
            (1, "S1", "2026-01-05 00:00:00.000000", "AM", "/", ""),
            (1, "S1", "2026-01-06", "AM", "L", "7"),
        ]


def test_codes_and_pupils_as_objects_inside_each_mark():
    nested = {
        "student": {"data": {"id": "S9", "upn": ANN}},
        "date": "2026-01-05",
        "session": "AM",
        "attendance_code": {"data": {"id": "A1", "code": "/"}},
        "comment": None,
    }
    plain = {**nested, "student": "S8", "attendance_code": {"code": "N"}}
    table = raw("wonde-json", "register", json.dumps({"data": [nested, plain]}), "json")
    assert rows(table, "UPN", "Student ID", "Date", "Code") == [
        (1, ANN, "S9", "2026-01-05", "/"),
        (1, "", "S8", "2026-01-05", "N"),
    ]
    assert marks(understood("wonde-json", "register", json.dumps([nested]), "json"))[0][:3] == (ANN, "2026-01-05", "A")


def test_a_code_is_never_guessed():
    given = {
        "attendance": [
            mark("A9"),
            mark("A7"),
            mark(["A1"]),
            mark(None),
            {k: v for k, v in mark().items() if k != "attendance_code_id"},
            mark(attendance_code={"data": {"id": "A1"}}),
            mark("A8"),
            mark(),
        ],
        "attendance-codes": [
            *CODES,
            {"id": "A7", "code": "I"},
            {"id": "A7", "code": "O"},
            {"id": "A8"},
            {"code": "/"},
            {"id": "A1", "code": "/"},
        ],
    }
    table = raw("wonde-json", "register", json.dumps(given), "json")
    assert rows(table, "Code") == [(1, ""), (1, "/")]
    assert sorted(f[1:] for f in faults(table)) == sorted(
        [
            ("attendance-codes", "missing value"),
            ("attendance_code_id", "missing value"),
            ("attendance_code_id", "missing value"),
            ("attendance_code_id", "no attendance code has this id"),
            ("attendance_code_id", "not a plain value"),
            ("attendance_code_id", "two attendance codes have this id"),
            ("attendance-codes", "missing value"),
            ("attendance_code_id", "no attendance code has this id"),
        ]
    )


@pytest.mark.parametrize("data", ['{"attendance-codes": []}', '{"meta": 1, "links": []}', "7", '"a"', "null"])
def test_a_file_without_marks_is_refused(data):
    with pytest.raises(UnreadableFile):
        raw("wonde-json", "register", data, "json")
