"""The format `wonde-json`: session marks as Wonde's API gives them, joined to the attendance codes they point at.

The marks name a code by its id. The list of codes stands in the same file, or each mark holds its code as an object.
Other kinds, and files named CSV or XLSX, are native.
"""

from __future__ import annotations

from collections.abc import Set

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
from attendance_pipeline.mis.schemas import MISSING
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.store.extracts import Fault

NO_CODE = "no attendance code has this id"
TWO_CODES = "two attendance codes have this id"

_MARKS = ("", "attendance", "session-attendance", "session_attendance", "marks")
_CODES = ("attendance-codes", "attendance_codes", "codes")
_REGISTER = ("UPN", "Student ID", "Date", "Session", "Code", "Minutes Late", "Comment")


class WondeFormat(SomeKinds):
    """`student_id`, `date`, `session`, `attendance_code_id`, `minutes_late`, `comment`, and `attendance-codes`."""

    name = "wonde-json"
    own_version = 1

    def reads(self, kind: str, file_name: str) -> bool:
        return kind == "register" and may_be_json(file_name)

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        lists = read_lists(data)
        codes = _codes(lists)
        rows = Rows(_REGISTER, lists.faults)
        for item in lists.of(*_MARKS):
            _add_mark(rows, item, codes)
        return rows.table()

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        names = {"comment", "comments"} if "Comment" in columns else set()
        return without_names(data, names, keep_lines, lambda lists: lists.of(*_MARKS))


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
            "UPN": ("upn", text_of(found.get("upn") or member(student, "upn"))),
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
    if isinstance(nested, dict):
        code = text_of(member(nested, "code"))
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
