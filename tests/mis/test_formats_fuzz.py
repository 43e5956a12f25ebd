"""Every shipped format against bytes that nobody meant: it reads them or refuses them, and does nothing else."""

import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from school_files import ANN, BEN

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.reading import read_tables
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.store.extracts import ExtractKey

_WEEK = "/\\" * 5
_MARK = {"student_id": 7, "upn": ANN, "session_date": "2026-01-05", "session_name": "AM", "attendance_mark": "/"}
_WONDE = {
    "attendance": {
        "data": [{"student_id": "S", "date": {"date": "2026-01-05"}, "session": "AM", "attendance_code_id": 1}]
    },
    "attendance-codes": [{"id": 1, "code": "/"}],
}
WHOLE = {
    "assembly-json": (
        ("json", json.dumps([_MARK, {**_MARK, "comments": "c", "minutes_late": 5}], indent=1)),
        ("jsonl", json.dumps(_MARK) + "\n" + json.dumps({**_MARK, "comments": "c"}) + "\n"),
    ),
    "wonde-json": (("json", json.dumps(_WONDE)),),
    "bromcom-week": (
        (
            "csv",
            "UPN,StudentId,WeekStart,MonAM,MonPM,TueAM,TuePM,WedAM,WedPM,ThuAM,ThuPM,FriAM,FriPM\n"
            f'{ANN},1,2026-01-05,/,\\,/,\\,/,\\,/,\\,/,\\\n{BEN},"2",05/01/2026,/,\\,,,,,N,N,,\n',
        ),
    ),
    "ctf-xml": (
        (
            "xml",
            f"<CTfile><CTFpupilData><Pupil><UPN>{ANN}</UPN><Attendance><YearData><AttendSessions>"
            f"<AttendanceStartDate>2026-01-05</AttendanceStartDate><AttendanceMarks>{_WEEK}####{_WEEK}####"
            "</AttendanceMarks></AttendSessions></YearData></Attendance></Pupil></CTFpupilData></CTfile>",
        ),
    ),
}
JUNK = st.sampled_from(
    [b'"', b"{", b"[", b"}", b"]", b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\0", b"null", b"1e999", b"NaN", b"\xff", b"<",
     b"<!DOCTYPE a [", b"&a;", b"]]>", b"<a", b"</Pupil>", b"\n", b"\r", b"9999-12-31", b"0001-01-01", "\u202e".encode(), b"-", b""]
)  # fmt: skip
EASY = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def reads_or_refuses(form: str, ending: str, data: bytes) -> None:
    name = f"register_2026-01-09.{ending}"
    try:
        table = formats()[form].read("register", name, data)
    except UnreadableFile as refused:
        assert refused.line >= 1
        return
    assert {len(getattr(c, "codes", c)) for c in table.columns.values()} == {len(table)}
    last = max(1, data.count(b"\n") + data.count(b"\r") + 1)
    assert all(1 <= n <= last for n in [*table.line.tolist(), *(f.line for f in table.faults)])
    read_tables("register", [(ExtractKey(dt.date(2026, 1, 9), name, "0" * 64), table)])
    kept = formats()[form].without_columns("register", name, data, {"Comment"}, {2})
    again = formats()[form].read("register", name, kept)
    assert again.line.tolist() == table.line.tolist()
    assert sorted(f.line for f in again.faults) == sorted(f.line for f in table.faults)


CASES = [(form, ending, text) for form, files in WHOLE.items() for ending, text in files]


@pytest.mark.parametrize(("form", "ending"), [c[:2] for c in CASES])
@EASY
@given(data=st.binary(max_size=200))
@example(data=b"[[[[")
@example(data=b'{"a":[{}]}\n{"a":[{}]}')
@example(data=b'{"a": 1}\n{"a": 2} {')
@example(data=b"[1,2")
@example(data=b"{}")
def test_random_bytes(form, ending, data):
    reads_or_refuses(form, ending, data)


@pytest.mark.parametrize(("form", "ending", "text"), CASES)
@EASY
@given(st.data())
def test_whole_files_spoilt(form, ending, text, data):
    spoilt = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(spoilt)))
        spoilt[at : at + data.draw(st.integers(0, 8))] = data.draw(JUNK)
    reads_or_refuses(form, ending, bytes(spoilt))


@pytest.mark.parametrize(("form", "ending", "text"), CASES)
def test_whole_files_cut_off_anywhere(form, ending, text):
    for end in range(len(text)):
        reads_or_refuses(form, ending, text[:end].encode())


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*_MARK, *_WONDE, "data", "id", "code", "student"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize("form", ["assembly-json", "wonde-json"])
@pytest.mark.parametrize("kind", ["register", "pupils"])
@EASY
@given(value=_VALUES)
def test_json_of_other_types(form, kind, value):
    try:
        table = formats()[form].read(kind, f"{kind}_2026-01-09.json", json.dumps(value).encode())
    except UnreadableFile:
        return
    read_tables(kind, [(ExtractKey(dt.date(2026, 1, 9), "a", "0" * 64), table)])
