"""`wonde-json`: marks joined to their codes, whether listed in the file or nested in each mark."""

import json

import pytest
from read_formats import faults, marks, raw, rows, understood
from school_files import ANN, load_all, register_rows

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
            (2, "S1", "2026-01-06", "AM", "L", "7"),
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
        (2, "", "S8", "2026-01-05", "N"),
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
    assert rows(table, "Code") == [(4, ""), (8, "/")]
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


def test_pages_and_codes_as_plain_text():
    pages = [
        {"data": [mark()], "meta": {"pagination": {"more": True}}},
        {"data": [mark(3)], "meta": {"pagination": {"more": False}}},
    ]
    table = raw(
        "wonde-json", "register", json.dumps({"attendance": pages, "attendance-codes": {"data": CODES}}), "json"
    )
    assert [r[1:] for r in rows(table, "Code")] == [("/",), ("L",)]
    plain = [{k: v for k, v in mark(attendance_code=c).items() if k != "attendance_code_id"} for c in ("N", "")]
    table = raw("wonde-json", "register", "\n".join(json.dumps({"data": [p]}) for p in plain), "json")
    assert rows(table, "Code") == [(1, "N")]
    assert faults(table) == [(2, "attendance_code_id", "missing value")]


STUDENT = {
    "id": "A1", "mis_id": "17", "upi": "x", "surname": "Lee", "forename": "Annie", "legal_surname": "Lee", "legal_forename": "Ann",
    "gender": "FEMALE", "date_of_birth": {"date": "2015-05-01 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"},
    "education_details": {"data": {"upn": ANN, "admission_number": "00412", "current_nc_year": "5", "admission_date": {"date": "2020-09-01 00:00:00.000000"}, "leaving_date": None}},
    "extended_details": {"data": {"premium_pupil_indicator": True, "free_school_meals": False, "in_lea_care": None, "sen_status": "K", "english_as_additional_language_status": "Yes, as an additional language", "first_language": "ENG"}},
    "groups": {"data": [{"id": "G1", "type": "HOUSE", "name": "Oak"}, {"id": "G2", "type": "REGISTRATION", "name": "5A"}]},
}  # fmt: skip


def test_students_are_pupils():
    bare = {**STUDENT, "id": "A2", "education_details": {"data": {**STUDENT["education_details"]["data"], "leaving_date": {"date": "-0001-11-30 00:00:00.000000"}}}, "groups": {"data": []}}  # fmt: skip
    reading = understood("wonde-json", "pupils", json.dumps({"data": [STUDENT], "meta": {}}), "json")
    assert faults(reading) == []
    found = reading.records[0].data
    assert {k: found[k] for k in found if found[k] not in ("", None)} == {
        "upn": ANN, "admission_number": "00412", "forename": "Ann", "surname": "Lee", "preferred_forename": "Annie",
        "date_of_birth": "2015-05-01", "sex": "F", "year_group": "5", "class": "5A", "entry_date": "2020-09-01", "sen": "K",
        "fsm": False, "pupil_premium": True, "home_language": "ENG", "student_id": "A1",
    }  # fmt: skip
    reading = understood("wonde-json", "pupils", json.dumps([bare, {"id": "A3", "surname": "x"}]), "json")
    assert [(r.data["class"], r.data["leaving_date"]) for r in reading.records] == [("", None)]
    assert {f[1] for f in faults(reading)} == {"UPN"}


def test_marks_are_of_the_students_whose_ids_they_bear(warehouse, tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "pupils_2026-01-05.json").write_text(json.dumps({"data": [STUDENT]}))
    marks_of_a1 = {"data": [mark(student_id="A1")], "attendance-codes": CODES}
    (tmp_path / "inbox" / "register_2026-01-06.json").write_text(json.dumps(marks_of_a1))
    assert load_all(warehouse, tmp_path, reader="wonde-json").quarantined_new == 0
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM /"]


@pytest.mark.parametrize("name", ["Attendance", "sessionAttendance", "results"])
@pytest.mark.parametrize("codes", ["attendanceCodes", "attendance_codes"])
def test_names_of_lists(name, codes):
    given = {name: {"data": [mark()]}, codes: {"data": CODES}}
    if name == "results":  # a list of another name is read where it is the only one
        given = {"results": [{**mark(), "attendance_code": {"code": "/"}}]}
    assert [r[1:] for r in rows(raw("wonde-json", "register", json.dumps(given), "json"), "Code")] == [("/",)]
