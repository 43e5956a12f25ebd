"""The format `assembly-json`: attendance and students as Assembly's platform API gives them.

Names of its members and what native column each fills, as its public client describes them (equinlimited,
assembly-client-dotnet: docs/Attendance.md, Student.md, StudentDemographics.md, RegistrationGroup.md). Other kinds, and
files named CSV or XLSX, are native.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from attendance_pipeline.mis.formats import RawTable
from attendance_pipeline.mis.json_reading import (
    Item,
    Lists,
    Rows,
    day_of,
    inner_name,
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

_LISTS = {"register": ("", "attendance", "attendances"), "pupils": ("", "students")}
_REGISTER = ("UPN", "Student ID", "Date", "Session", "Code", "Minutes Late", "Comment")
_NAMES = ("upn", "student_id", "session_date", "session_name", "attendance_mark", "minutes_late", "comments")

# Native column -> the names under which it is met, the first that is there counts.
_STUDENT: dict[str, tuple[str, ...]] = {
    "UPN": ("upn",),
    "Student ID": ("id", "student_id", "mis_id"),
    "Admission Number": ("admission_number", "admission_no", "pan"),
    "Forename": ("legal_first_name", "first_name", "forename"),
    "Surname": ("legal_last_name", "last_name", "surname"),
    "Preferred Forename": ("preferred_first_name", "preferred_forename"),
    "Date of Birth": ("dob", "date_of_birth"),
    "Sex": ("sex", "gender"),
    "Year Group": ("year_code", "year_group"),
    "Class": ("registration_group", "class", "form"),
    "Entry Date": ("enrolment_start_date", "entry_date", "start_date"),
    "Leaving Date": ("enrolment_end_date", "leaving_date", "end_date"),
    "Enrolment Status": ("enrolment_status",),
    "SEN": ("sen_category", "sen"),
    "FSM": ("is_fsm", "fsm"),
    "Pupil Premium": ("is_pp", "pupil_premium"),
    "EAL": ("is_eal", "eal"),
    "Home Language": ("home_language", "first_language", "home_language_name", "first_language_name"),
    "Ethnicity": ("ethnicity", "ethnicity_code"),
    "Looked After": ("is_cla", "in_care", "looked_after"),
}
_INSIDE = ("demographics", "languages")  # objects of a student in which some of these stand
_GROUPS = ("registration_groups", "registration-groups")  # whose name is the class of the students they list
_NO_END = "2079-06-06"  # the platform's leaving date of a student who has not left
_DATES = frozenset(c.header for c in KINDS["pupils"].columns if c.cell == "date")


class AssemblyFormat(SomeKinds):
    """`student_id, session_date, session_name, attendance_mark, minutes_late, comments`; students with `id`."""

    name = "assembly-json"
    own_version = 3

    def reads(self, kind: str, file_name: str) -> bool:
        return kind in _LISTS and may_be_json(file_name)

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        lists = read_lists(data)
        rows = Rows(_REGISTER if kind == "register" else tuple(_STUDENT), lists.faults)
        classes = {} if kind == "register" else _classes(lists)
        for item in lists.of(*_LISTS[kind], or_only=True):
            if kind == "register":
                _add_mark(rows, item)
            else:
                _add_student(rows, item, classes)
        return rows.table()

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        names = {"comments", "comment"} if "Comment" in columns else set()
        return without_names(data, names, keep_lines, lambda lists: lists.of(*_LISTS[kind], or_only=True))


def _add_mark(rows: Rows, item: Item) -> None:
    found = item.value
    if "attendance_mark" not in found:  # a blank mark withdraws one; a mark that is not there says nothing
        rows.faults.append(Fault(item.line, "attendance_mark", MISSING))
        return
    rows.add_cells(
        item.line,
        _NAMES,
        (
            text_of(found.get("upn")),
            text_of(found.get("student_id")),
            day_of(found.get("session_date")),
            text_of(found.get("session_name")),
            text_of(found["attendance_mark"]),
            text_of(found.get("minutes_late")),
            text_of(found.get("comments", found.get("comment"))),
        ),
    )


def _classes(lists: Lists) -> dict[str, str]:
    """The name of the registration group of each student id, where the file lists the groups too."""
    out: dict[str, str] = {}
    for path, groups in lists.items.items():
        for group in groups if inner_name(path) in _GROUPS else ():
            ids = group.value.get("student_ids")
            for student in ids if isinstance(ids, list) else ():
                out[text_of(student) or ""] = text_of(group.value.get("name")) or ""
    return out


def _add_student(rows: Rows, item: Item, classes: Mapping[str, str]) -> None:
    inside = [found for name in _INSIDE if isinstance(found := member(item.value, name), dict)]
    student = {name: value for found in (*inside, item.value) for name, value in found.items()}
    named = {}
    for column, names in _STUDENT.items():
        name = next((n for n in names if student.get(n) not in (None, "")), names[0])
        value = student.get(name)
        if isinstance(value, dict) and column not in _DATES:  # a class or a year group as an object with its name
            value = member(value, "name") or member(value, "code")
        text = day_of(value) if column in _DATES else text_of(value)
        if column == "Leaving Date" and (text or "").startswith(_NO_END):
            text = ""
        if column == "Class" and text == "":
            text = classes.get(text_of(student.get("id")) or "", "")
        named[column] = (name, text)
    rows.add(item.line, named)
