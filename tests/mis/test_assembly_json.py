"""`assembly-json`: which members fill which columns, in every shape the objects come in; and files that are not it."""

import json

import pytest
from read_formats import faults, marks, raw, rows, understood
from school_files import ANN, BEN

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.registry import formats

COLUMNS = ("Student ID", "Date", "Session", "Code", "Minutes Late", "Comment")


def mark(student=1, **more):
    return {
        "object": "attendance",
        "id": 9,
        "student_id": student,
        "session_date": "2026-01-05",
        "session_name": "AM",
        "attendance_mark": "L",
        "minutes_late": 5,
        "comments": "bus",
        **more,
    }


ONE = ("1", "2026-01-05", "AM", "L", "5", "bus")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (json.dumps([mark(), mark(2)]), [1, 2]),
        (json.dumps({"object": "list", "data": [mark(), mark(2)], "total": 2}, indent=1), [4, 14]),
        ("\n".join(json.dumps(mark(n)) for n in (1, 2)) + "\n", [1, 2]),
        ("\r\n\r\n" + "\r\n".join(json.dumps(mark(n)) for n in (1, 2)), [3, 4]),
        ("\ufeff[\n" + json.dumps(mark()) + ",\n\n" + json.dumps(mark(2)) + "]", [2, 4]),
    ],
    ids=["array", "data", "lines", "lines of Windows", "array over lines"],
)
def test_every_shape_gives_the_objects_and_their_lines(data, lines):
    table = raw("assembly-json", "register", data, "json")
    assert rows(table, *COLUMNS) == [(lines[0], *ONE), (lines[1], "2", *ONE[1:])]
    assert faults(table) == []


def test_one_object_alone():
    assert rows(raw("assembly-json", "register", json.dumps(mark(), indent=2), "json"), *COLUMNS) == [(1, *ONE)]
    assert rows(raw("assembly-json", "register", "[]", "json"), *COLUMNS) == []


def test_numbers_stay_the_text_they_were():
    data = '[{"student_id": 123456789012345678901234567890, "session_date": "2026-01-05", "session_name": "AM", '
    data += '"attendance_mark": "/", "minutes_late": 1e999}]'
    assert rows(raw("assembly-json", "register", data, "json"), "Student ID", "Minutes Late") == [
        (1, "123456789012345678901234567890", "1e999")
    ]
    long = '[{"student_id": ' + "9" * 5000 + ', "attendance_mark": NaN}]'
    assert rows(raw("assembly-json", "register", long, "json"), "Student ID", "Code") == [(1, "9" * 5000, "NaN")]


def test_dates_are_cut_and_never_moved():
    data = [mark(session_date="2026-06-05T00:00:00+01:00"), mark(session_date={"date": "2026-06-05 14:53:44.000000"})]
    reading = understood("assembly-json", "register", json.dumps([{**m, "upn": ANN} for m in data]), "json")
    assert {m[1] for m in marks(reading)} == {"2026-06-05"}


def test_faults_cost_one_object_each():
    data = [
        mark(upn=ANN),
        7,
        None,
        [mark()],
        mark(attendance_mark={"code": "/"}),
        {k: v for k, v in mark(upn=BEN).items() if k != "attendance_mark"},
        mark(upn=BEN, attendance_mark="QQ"),
        mark(upn=BEN, minutes_late=[5]),
        mark(upn=BEN, attendance_mark=None),
    ]
    text = "[" + ",\n".join(json.dumps(d) for d in data) + ",\n" + '{"upn": "a", "upn": "b"}]'
    reading = understood("assembly-json", "register", text, "json")
    assert [(m[0], m[4]) for m in marks(reading)] == [(ANN, 1), (BEN, 9)]
    assert faults(reading) == [
        (2, "(row)", "not a JSON object"),
        (3, "(row)", "not a JSON object"),
        (4, "(row)", "not a JSON object"),
        (5, "attendance_mark", "not a plain value"),
        (6, "attendance_mark", "missing value"),
        (7, "Code", "unknown code"),
        (8, "minutes_late", "not a plain value"),
        (10, "(row)", "a name stands twice in the object"),
    ]


def test_a_broken_line_of_json_lines_costs_itself():
    text = "\n".join([json.dumps(mark(1)), json.dumps(mark(2))[:-5], "", json.dumps(mark(3)), "}{"])
    table = raw("assembly-json", "register", text, "jsonl")
    assert [r[:2] for r in rows(table, "Student ID")] == [(1, "1"), (4, "3")]
    assert faults(table) == [(2, "(row)", "not JSON"), (5, "(row)", "not JSON")]
    first = raw("assembly-json", "register", "{oops\n" + json.dumps(mark(2)), "jsonl")
    assert (rows(first, "Student ID"), faults(first)) == ([(2, "2")], [(1, "(row)", "not JSON")])


@pytest.mark.parametrize(
    ("data", "line", "rule"),
    [
        (b"", 1, "the file is empty"),
        (b" \n ", 1, "the file is empty"),
        (b"UPN,Date\n", 1, "not JSON"),
        (b'[\n{"student_id": 1},\n{"stud', 3, "not JSON"),
        (b'[{"a": 1}\n{"a": 2}]', 2, "not JSON"),
        (b'[{"a": 1}] x', 1, "not JSON"),
        (b'{"data": [], "data": []}', 1, "a name stands twice in the object"),
        (b'{"meta": {"pages": [1]}}', 1, "no list of objects where this format has one"),
        (b"[" * 100_000, 1, "nested too deeply"),
        (b'{"a":' * 100_000, 1, "nested too deeply"),
        (b"[\0]", 1, "holds NUL bytes: not UTF-8 or cp1252 text"),
        ("[]".encode("utf-16"), 1, "holds NUL bytes: not UTF-8 or cp1252 text"),
    ],
)
def test_what_is_no_such_file_is_refused_whole(data, line, rule):
    with pytest.raises(UnreadableFile) as refused:
        raw("assembly-json", "register", data, "json")
    assert (refused.value.line, refused.value.rule) == (line, rule)


def test_text_that_no_database_keeps_is_replaced():
    table = raw("assembly-json", "register", json.dumps([mark(comments="a\0b\ud800c")]), "json")
    assert rows(table, "Comment") == [(1, "a\ufffdb\ufffdc")]


def test_students_are_pupils():
    student = {
        "id": 11,
        "mis_id": "M11",
        "upn": ANN,
        "first_name": "Ann",
        "last_name": "Lee",
        "dob": {"date": "2015-05-01 00:00:00.000000", "timezone": "UTC"},
        "year_code": "5",
        "registration_group": {"id": 4, "name": "5A"},
        "enrolment_start_date": "2020-09-01",
        "is_pp": True,
        "is_fsm": None,
    }
    reading = understood("assembly-json", "pupils", json.dumps({"students": {"data": [student]}}), "json")
    found = reading.records[0].data
    assert faults(reading) == []
    assert {k: found[k] for k in ("upn", "forename", "surname", "date_of_birth", "year_group", "class")} == {
        "upn": ANN,
        "forename": "Ann",
        "surname": "Lee",
        "date_of_birth": "2015-05-01",
        "year_group": "5",
        "class": "5A",
    }
    assert (found["entry_date"], found["pupil_premium"], found["fsm"]) == ("2020-09-01", True, None)
    table = raw("assembly-json", "pupils", json.dumps([student, {**student, "id": None}]), "json")
    assert rows(table, "Student ID") == [(1, "11"), (2, "M11")]


def test_other_kinds_and_tables_are_native():
    reading = understood("assembly-json", "register", f"UPN,Date,Session,Code\n{ANN},2026-01-05,AM,/\n", "csv")
    assert len(marks(reading)) == 1
    assert understood("assembly-json", "classes", "Class,Teacher\n5A,T\n", "csv").records


def test_the_kept_copy_has_no_comments_but_on_amending_lines():
    data = [mark(1), mark(2, comments=""), mark(3), {"comments": "x", "a": 1, "a ": 2}]
    text = "[\n" + ",\n".join(json.dumps(d, indent=1) for d in data) + ',\n{"comments": "y", "comments": "z"}\n]'
    form = formats()["assembly-json"]
    before = form.read("register", "register_2026-01-09.json", text.encode())
    line = int(before.line[2])
    kept = form.without_columns("register", "register_2026-01-09.json", text.encode(), {"Comment"}, {line})
    after = form.read("register", "register_2026-01-09.json", kept)
    assert rows(after, *COLUMNS[:-1]) == rows(before, *COLUMNS[:-1])
    assert [r[1] for r in rows(after, "Comment")] == ["", "", "bus"]
    assert [f[0] for f in faults(after)] == [f[0] for f in faults(before)]
    assert b'"y"' not in kept and b'"x"' not in kept
    lines = json.dumps(mark(1)) + "\n" + json.dumps(mark(2))[:-1] + "\n"
    kept = form.without_columns("register", "register_2026-01-09.jsonl", lines.encode(), {"Comment"}, set())
    assert b"bus" not in kept and kept.count(b"\n") == 2


@pytest.mark.parametrize("written", ["an array of pages", "pages line by line", "pages one after another"])
def test_pages(written):
    pages = [{"object": "list", "total_pages": 2, "current_page": n, "data": [mark(n)]} for n in (1, 2)]
    texts = {
        "an array of pages": json.dumps(pages),
        "pages line by line": "\n".join(map(json.dumps, pages)),
        "pages one after another": "".join(json.dumps(p, indent=1) for p in pages),
    }
    table = raw("assembly-json", "register", texts[written], "json")
    assert [r[1] for r in rows(table, "Student ID")] == ["1", "2"]
    name = "register_2026-01-09.json"
    kept = formats()["assembly-json"].without_columns("register", name, texts[written].encode(), {"Comment"}, set())
    assert b"bus" not in kept
    assert len(formats()["assembly-json"].read("register", name, kept)) == 2


def test_students_as_the_platform_gives_them():
    """A student who has not left has a leaving date in 2079; much stands in objects; classes are a list of their own."""
    student = {
        "object": "student", "id": 11, "upn": ANN, "first_name": "Ann", "last_name": "Lee", "dob": "2015-05-01T00:00:00.000Z",
        "year_code": "5", "pan": "0042", "start_date": "2020-09-01T00:00:00.000Z", "end_date": "2079-06-06T23:59:00.000Z",
        "demographics": {"object": "demographics", "is_fsm": True, "is_pp": False, "in_care": True, "gender": "F", "sen_category": "K"},
        "languages": {"home_language_name": "Welsh"},
    }  # fmt: skip
    groups = [{"object": "registration_group", "id": 4, "name": "5A", "student_ids": [10, 11]}]
    text = json.dumps({"students": {"data": [student]}, "registration_groups": {"data": groups}})
    reading = understood("assembly-json", "pupils", text, "json")
    assert faults(reading) == []
    found = reading.records[0].data
    assert (found["leaving_date"], found["class"], found["admission_number"]) == (None, "5A", "0042")
    assert (found["fsm"], found["pupil_premium"], found["looked_after"], found["sen"]) == (True, False, True, "K")
    assert (found["sex"], found["home_language"]) == ("F", "Welsh")


@pytest.mark.parametrize(
    ("spoil", "lost"),
    [
        (lambda t: t.replace('"AM"', "AM", 1), 2),
        (lambda t: t.replace('"AM"', '"AM', 1), 2),
        (lambda t: t.replace("}", "", 1), 2),
        (lambda t: t.replace('"student_id": 2', '"student_id" 2'), 3),
    ],
)
def test_a_broken_object_of_an_array_costs_itself(spoil, lost):
    text = spoil("[\n" + ",\n".join(json.dumps(mark(n)) for n in (1, 2, 3)) + "\n]")
    table = raw("assembly-json", "register", text, "json")
    assert [r[0] for r in rows(table, "Student ID")] == [n for n in (2, 3, 4) if n != lost]
    assert faults(table) == [(lost, "(row)", "not JSON")]
    kept = formats()["assembly-json"].without_columns("register", "a.json", text.encode(), {"Comment"}, set())
    assert b"bus" not in kept
    again = formats()["assembly-json"].read("register", "a.json", kept)
    assert (again.line.tolist(), [f.line for f in again.faults]) == (table.line.tolist(), [lost])
