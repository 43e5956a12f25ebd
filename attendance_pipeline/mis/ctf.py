"""The format `ctf-xml`: the attendance of common transfer files, one string of marks a pupil and year.

`AttendanceMarks` holds a character a session from `AttendanceStartDate` on, AM and PM in turn; a space is no mark, nor
are `-` and `_` unless a code map says what they are. The string has ten characters a week (Monday to Friday), or
fourteen with the weekend as `#` or blank: the file shows which, or the string is set aside. Other kinds are native:
such a file is made by the school that a pupil leaves, and knows neither class nor entry date at the new one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Set
from dataclasses import dataclass, field

from attendance_pipeline.mis.cells import date_of, tidy
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.mis.json_reading import Rows
from attendance_pipeline.mis.sims_weekly import NO_MARK_IN_A_WEEK
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.mis.xml_walk import as_utf8, walk
from attendance_pipeline.store.extracts import Fault

NO_START = "no start date stands beside the marks"
WEEKEND = "the marks start on a weekend"
TOO_LONG = "more than a year of marks"
BROKEN = "a line break stands in the marks"
UNCERTAIN = "weeks of ten and of fourteen characters are both possible"

_MOST_SESSIONS = 53 * 14
_SATURDAY = 5
_CLOSED, _BLANK, _SILENT = "#", " ", " -_"


class CtfFormat(SomeKinds):
    """`UPN` of each `Pupil`, and `AttendanceStartDate` beside `AttendanceMarks` anywhere inside it."""

    name = "ctf-xml"
    own_version = 2

    def reads(self, kind: str, file_name: str) -> bool:
        return kind == "register" and not file_name.lower().endswith((".csv", ".xlsx"))

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        found = _Blocks()
        walk(as_utf8(data), found)
        if not found.blocks:
            raise UnreadableFile("no pupil with AttendanceMarks stands in the file")
        rows = Rows(("UPN", "Date", "Session", "Code"))
        whole = []
        for block in found.blocks:
            start = date_of(tidy(block.start))
            rule = _fault_of(block, start)
            if rule:
                rows.faults.append(Fault(block.line, *rule))
            elif start is not None:
                whole.append((block, start))
        days_of_week = _days_of_week([(b.marks, start) for b, start in whole])
        for block, start in whole:
            days = days_of_week or _certain(block.marks, start)
            if days is None:
                rows.faults.append(Fault(block.line, "AttendanceMarks", UNCERTAIN))
            elif days < 7 and start.weekday() >= _SATURDAY:
                rows.faults.append(Fault(block.line, "AttendanceStartDate", WEEKEND))
            else:
                for day, session, code in _sessions(block.marks, start, days):
                    if code != _BLANK and day.weekday() < _SATURDAY:
                        cells = {"Date": day.isoformat(), "Session": session, "Code": code, "UPN": block.upn}
                        rows.add(block.line, {c: ("", text) for c, text in cells.items()})
        return rows.table(no_mark=NO_MARK_IN_A_WEEK)

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        return data  # marks have no comment


@dataclass
class _Block:
    """One string of marks; `line` is that of its element."""

    line: int
    marks: str
    start: str = ""
    upn: str = ""


@dataclass
class _Blocks:
    """What is kept of a walk: every string of marks with its start date and its pupil's UPN."""

    blocks: list[_Block] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _upn: str = ""
    _pupil: list[_Block] = field(default_factory=list)  # strings of the pupil that is open
    _beside: list[tuple[list[str], list[_Block]]] = field(default_factory=list)  # of each open element: dates, strings

    def start(self, name: str, line: int, at: int) -> None:
        if name == "Pupil":
            self._upn, self._pupil = "", []
        self._names.append(name)
        self._lines.append(line)
        self._beside.append(([], []))
        self._text = []

    def text(self, text: str) -> None:
        self._text.append(text)

    def end(self, name: str, line: int, at: int) -> None:
        self._names.pop()
        began = self._lines.pop()
        dates, blocks = self._beside.pop()
        for block, date in zip(blocks, dates, strict=False):
            block.start = date
        text, self._text = "".join(self._text), []
        parent = self._names[-1] if self._names else ""
        if name == "UPN" and parent == "Pupil":
            self._upn = text
        elif name == "AttendanceStartDate" and self._beside:
            self._beside[-1][0].append(text)
        elif name == "AttendanceMarks" and self._beside:
            block = _Block(began, text)
            self._beside[-1][1].append(block)
            self._pupil.append(block)
        elif name == "Pupil":
            for block in self._pupil:
                block.upn = self._upn
            self.blocks += self._pupil
            self._pupil = []


def _fault_of(block: _Block, start: dt.date | None) -> tuple[str, str] | None:
    if not block.start.strip():
        return "AttendanceStartDate", NO_START
    if start is None or start.year > dt.MAXYEAR - 3:
        return "AttendanceStartDate", "not a date"
    if "\n" in block.marks or "\t" in block.marks:
        return "AttendanceMarks", BROKEN
    if len(block.marks) > _MOST_SESSIONS:
        return "AttendanceMarks", TOO_LONG
    return None


def _days_of_week(blocks: list[tuple[str, dt.date]]) -> int | None:
    """5 or 7 days a week, where the strings of the file show which; None where they do not.

    A mark where a weekend would be shows five. No mark on any weekend and one that is nothing but `#`, or two that are
    blank, show seven: on five, the school would have to be closed for two days (or registers missing) just there, and
    in a longer string again and again in step with it.
    """
    shown = False
    for marks, start in blocks:
        blank = 0
        for pair in _weekend_slots(marks, start):
            if pair.strip(_CLOSED + _SILENT):
                return 5
            shown |= pair == _CLOSED * 4
            blank += len(pair) == 4 and not pair.strip(_SILENT)
        shown |= blank > 1
    return 7 if shown else None


def _certain(marks: str, start: dt.date) -> int | None:
    """The days of a week by which to read a string that says the same by both; None where it does not."""
    five, seven = (
        [(d, s, c) for d, s, c in _sessions(marks, start, days) if c not in _SILENT + _CLOSED] for days in (5, 7)
    )
    return 7 if five == seven else None


def _weekend_slots(marks: str, start: dt.date) -> Iterator[str]:
    """What stands where each weekend would be, were the string of seven days a week."""
    pair = ""
    for day, _, code in _sessions(marks, start, 7):
        if day.weekday() >= _SATURDAY:
            pair += code
        elif pair:
            yield pair
            pair = ""
    if pair:
        yield pair


def _sessions(marks: str, start: dt.date, days_of_week: int) -> Iterator[tuple[dt.date, str, str]]:
    day = start
    for place, code in enumerate(marks):
        if place and place % 2 == 0:
            day += dt.timedelta(days=1)
            while days_of_week == 5 and day.weekday() >= _SATURDAY:
                day += dt.timedelta(days=1)
        yield day, "PM" if place % 2 else "AM", code
