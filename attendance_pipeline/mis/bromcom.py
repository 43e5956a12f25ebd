"""The format `bromcom-week`: a pupil's week in one row, a column for each session from Monday morning on.

A blank session has not been entered: the file says nothing of it, unless the school's code map says what a blank is.
Other kinds are native.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Set

from attendance_pipeline.mis.cells import date_of, tidy
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.mis.json_reading import Rows
from attendance_pipeline.mis.kinds import header_key
from attendance_pipeline.mis.native import ROW, WRONG_CELLS, read_cells
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.store.extracts import Fault

NOT_A_MONDAY = "the week does not start on a Monday"

# Header of each session -> days after Monday, session.
_SESSIONS = {
    f"{day}{session}": (after, session)
    for after, day in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri"))
    for session in ("AM", "PM")
}
_STUDENT_ID = ("studentid", "student id", "mis id")
_WEEK = ("weekstart", "week start")


class BromcomWeekFormat(SomeKinds):
    """`StudentId, WeekStart, MonAM ... FriPM`; `UPN` may stand beside or instead of `StudentId`."""

    name = "bromcom-week"
    own_version = 1

    def reads(self, kind: str, file_name: str) -> bool:
        return kind == "register"

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        cells = read_cells(file_name, data)
        if not cells:
            raise UnreadableFile("the file is empty", "StudentId")
        return _weeks(cells)

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        return data  # a week has no column that the kept copy leaves out


def _weeks(cells: list[tuple[int, list[str]]]) -> RawTable:
    header = [header_key(tidy(h)) for h in cells[0][1]]
    student, upn, week = _place(header, _STUDENT_ID), _place(header, ("upn",)), _place(header, _WEEK)
    if student is None and upn is None:
        raise UnreadableFile("a required column is missing from the header", "StudentId")
    if week is None:
        raise UnreadableFile("a required column is missing from the header", "WeekStart")
    sessions = []
    for name, (after, session) in _SESSIONS.items():
        place = _place(header, (header_key(name), header_key(f"{name[:3]} {name[3:]}")))
        if place is None:
            raise UnreadableFile("a required column is missing from the header", name)
        sessions.append((place, after, session))
    rows = Rows(("UPN", "Student ID", "Date", "Session", "Code"))
    for line, row in cells[1:]:
        if not any(c.strip() for c in row):
            continue
        if len(row) != len(header):
            rows.faults.append(Fault(line, ROW, WRONG_CELLS))
            continue
        start = date_of(tidy(row[week]))
        if start is None or start.weekday() != 0 or start.year > dt.MAXYEAR - 1:
            rule = "not a date" if start is None else NOT_A_MONDAY
            rows.faults.append(Fault(line, "WeekStart", rule if row[week].strip() else "missing value"))
            continue
        who = {
            "UPN": ("UPN", "" if upn is None else row[upn]),
            "Student ID": ("StudentId", "" if student is None else row[student]),
        }
        for place, after, session in sessions:
            day = (start + dt.timedelta(days=after)).isoformat()
            rows.add(line, {**who, "Date": ("", day), "Session": ("", session), "Code": ("", row[place])})
    used = {student, upn, week, *(place for place, _, _ in sessions)}
    ignored = tuple(tidy(h) for i, h in enumerate(cells[0][1]) if i not in used and tidy(h))
    return rows.table(ignored, no_mark=frozenset({""}))


def _place(header: list[str], names: tuple[str, ...]) -> int | None:
    """Where a column stands; None where it does not. Raises UnreadableFile where it stands twice."""
    found = [i for i, h in enumerate(header) if h in names]
    if len(found) > 1:
        raise UnreadableFile("the column stands twice in the header", names[0])
    return found[0] if found else None
