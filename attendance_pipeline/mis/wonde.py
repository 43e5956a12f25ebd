"""The format `wonde-json`: session marks as Wonde's API gives them, joined to the attendance codes they point at; and
students.

The marks name a code by its id. The list of codes stands in the same file, or each mark holds its code as an object.
Students are those of the endpoint `students` with `education_details`, `extended_details` and `groups` included
(docs.wonde.com; wondeltd/php-client). Other kinds, and files named CSV or XLSX, are native.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from attendance_pipeline.mis.cells import flag_of
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.mis.json_reading import (
    NOT_PLAIN,
    Item,
    Lists,
    Rows,
    day_of,
    may_be_json,
    member,
    read_lists,
    text_of,
    without_names,
)
from attendance_pipeline.mis.kinds import KINDS
from attendance_pipeline.mis.schemas import MISSING
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.store.extracts import Fault

NO_CODE = "no attendance code has this id"
TWO_CODES = "two attendance codes have this id"

_LISTS = {
    "register": ("", "attendance", "session-attendance", "marks"),
    "pupils": ("", "students", "student-leavers"),
}
_CODES = ("attendance-codes", "codes")
_REGISTER = ("UPN", "Student ID", "Date", "Session", "Code", "Minutes Late", "Comment")

# Native column -> the paths under which it is met, the first that is filled counts. `data` around an object is passed
# through.
_EDUCATION, _EXTENDED = "education_details", "extended_details"
_STUDENT: dict[str, tuple[tuple[str, ...], ...]] = {
    "UPN": ((_EDUCATION, "upn"), ("upn",)),
    "Student ID": (("id",), ("mis_id",)),
    "Admission Number": ((_EDUCATION, "admission_number"),),
    "Forename": (("legal_forename",), ("forename",)),
    "Surname": (("legal_surname",), ("surname",)),
    "Preferred Forename": (("forename",),),
    "Date of Birth": (("date_of_birth",),),
    "Sex": (("gender",),),
    "Year Group": ((_EDUCATION, "current_nc_year"), ("year", "code"), ("year", "name")),
    "Entry Date": ((_EDUCATION, "admission_date"),),
    "Leaving Date": ((_EDUCATION, "leaving_date"),),
    "SEN": ((_EXTENDED, "sen_status"),),
    "FSM": ((_EXTENDED, "free_school_meals"),),
    "Pupil Premium": ((_EXTENDED, "premium_pupil_indicator"), (_EXTENDED, "pupil_premium")),
    "EAL": ((_EXTENDED, "english_as_additional_language"), (_EXTENDED, "english_as_additional_language_status")),
    "Home Language": ((_EXTENDED, "home_language"), (_EXTENDED, "first_language")),
    "Ethnicity": ((_EXTENDED, "ethnicity_code"), (_EXTENDED, "ethnicity")),
    "Looked After": ((_EXTENDED, "in_lea_care"),),
}
_PUPILS = (*_STUDENT, "Class")
_CELLS = {c.header: c.cell for c in KINDS["pupils"].columns}
_SEX = {"MALE": "M", "FEMALE": "F"}
_REGISTRATION = "REGISTRATION"  # the type of the group that is a pupil's class
_NO_DATE = "-0001-"  # how a date that is all zeros comes out


class WondeFormat(SomeKinds):
    """`student_id`, `date`, `session`, `attendance_code_id`, `minutes_late`, `comment`, and `attendance-codes`."""

    name = "wonde-json"
    own_version = 3

    def reads(self, kind: str, file_name: str) -> bool:
        return kind in _LISTS and may_be_json(file_name)

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        lists = read_lists(data)
        if kind == "pupils":
            pupils = Rows(_PUPILS, lists.faults)
            for item in lists.of(*_LISTS[kind], or_only=True):
                pupils.add(item.line, _student(item.value))
            return pupils.table()
        codes = _codes(lists)
        rows = Rows(_REGISTER, lists.faults)
        for item in lists.of(*_LISTS[kind], or_only=True):
            _add_mark(rows, item, codes)
        return rows.table()

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        names = {"comment", "comments"} if "Comment" in columns else set()
        return without_names(data, names, keep_lines, lambda lists: lists.of(*_LISTS[kind], or_only=True))


def _codes(lists: Lists) -> dict[str, str | None]:
    """The code of each id; None where two entries of the list differ."""
    found: dict[str, str | None] = {}
    try:
        entries = lists.of(*_CODES)
    except UnreadableFile:  # each mark may hold its code
        return found
    for item in entries:
        number, code = text_of(item.value.get("id")), text_of(item.value.get("code"))
        if not number or not code:
            lists.faults.append(Fault(item.line, "attendance-codes", MISSING))
        else:
            found[number] = code if found.get(number, code) == code else None
    return found


def _add_mark(rows: Rows, item: Item, codes: dict[str, str | None]) -> None:
    found = item.value
    code, fault = _code(found, codes)
    if fault:
        rows.faults.append(Fault(item.line, "attendance_code_id", fault))
        return
    student = found.get("student")
    number = text_of(student) if student is not None and not isinstance(student, dict) else None
    rows.add(
        item.line,
        {
            "UPN": ("upn", text_of(found.get("upn") or member(student, "upn") or member(student, _EDUCATION, "upn"))),
            "Student ID": ("student_id", text_of(found.get("student_id") or number or member(student, "id"))),
            "Date": ("date", day_of(found.get("date"))),
            "Session": ("session", text_of(found.get("session"))),
            "Code": ("attendance_code_id", code),
            "Minutes Late": ("minutes_late", text_of(found.get("minutes_late"))),
            "Comment": ("comment", text_of(found.get("comment", found.get("comments")))),
        },
    )


def _code(found: object, codes: dict[str, str | None]) -> tuple[str, str]:
    """(code, "") of a mark, or ("", rule). An id that is null is a mark withdrawn; one that is not there is a fault."""
    nested = member(found, "attendance_code")
    if isinstance(nested, dict) or (nested and isinstance(nested, str)):
        code = text_of(member(nested, "code") if isinstance(nested, dict) else nested)
        return (code, "") if code else ("", MISSING)
    if not isinstance(found, dict) or "attendance_code_id" not in found:
        return "", MISSING
    number = text_of(found["attendance_code_id"])
    if number is None:
        return "", NOT_PLAIN
    if number == "":
        return "", ""
    if number not in codes:
        return "", NO_CODE
    code = codes[number]
    return ("", TWO_CODES) if code is None else (code, "")


def _student(found: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """The cells of a student, as `Rows.add` takes them."""
    named: dict[str, tuple[str, str | None]] = {"Class": ("groups", _class(found))}
    for column, paths in _STUDENT.items():
        values = ((path, member(found, *path)) for path in paths)
        path, value = next(((p, v) for p, v in values if v not in (None, "")), (paths[0], None))
        text = day_of(value) if _CELLS[column] == "date" else text_of(value)
        if text is not None and _CELLS[column] == "flag" and flag_of(text) is None:
            text = ""  # a status in words, such as that of a language, is no yes or no
        elif text is not None and _CELLS[column] == "date" and text.startswith(_NO_DATE):
            text = ""
        named[column] = (".".join(path), _SEX.get(text, text) if column == "Sex" and text else text)
    return named


def _class(found: Mapping[str, Any]) -> str | None:
    """The name of the one registration group of a student, or what stands in its place."""
    groups = found.get("groups")
    listed = groups.get("data") if isinstance(groups, dict) else groups
    names = {
        text_of(member(g, "name") or member(g, "code")) or ""
        for g in (listed if isinstance(listed, list) else ())
        if str(member(g, "type")).upper() == _REGISTRATION
    } - {""}
    if len(names) == 1:
        return names.pop()
    single = next((v for n in ("registration_group", "form", "class") if (v := found.get(n)) is not None), None)
    return text_of(member(single, "name") if isinstance(single, dict) else single)
