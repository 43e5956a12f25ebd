"""Weeks of marks: a row that holds a whole week becomes a register row for each session that it names.

Only the unfolding, for every format and column map that writes weeks. Where the week and its marks stand in a file is
for the format; what a code means is not known here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from attendance_pipeline.mis.cells import EARLIEST, date_of, tidy, visible
from attendance_pipeline.mis.formats import Coded, RawTable
from attendance_pipeline.mis.kinds import STUDENT_ID
from attendance_pipeline.mis.native import texts_of
from attendance_pipeline.store.extracts import Fault

NOT_A_DATE = "not a date"
IMPOSSIBLE_DATE = "impossible date"
NOT_A_MONDAY = "the week does not start on a Monday"
TOO_LONG = "more than 14 marks in a week"
MISSING = "missing value"

SESSIONS_OF_A_WEEK = 14  # Monday AM first, AM and PM alternating
_WEEKDAYS = 10  # sessions from Monday to Friday
_PADDING = "#"
_NO_WEEK = frozenset(["", "NA", "N/A"])
_SATURDAY = 5
_LAST_YEAR = 9998


def who_of(table: RawTable) -> dict[str, list[str]]:
    """The columns of a table that say whose week a row is."""
    return {name: texts_of(table, name) for name in ("UPN", STUDENT_ID) if name in table.columns}


def marks_of_string(text: str) -> list[str] | None:
    """The marks of a week string, a text for each session; fewer where the tail was cut. None where it is too long.

    Spaces inside count, as sessions without a mark; padding of the weekend is left out. `NA` is a week without marks.
    """
    text = visible(text).rstrip()
    if text.strip().upper() in _NO_WEEK:
        return []
    if len(text) > SESSIONS_OF_A_WEEK:
        return None
    marks = ["" if c.isspace() else c for c in text]
    return [("" if c == _PADDING and i >= _WEEKDAYS else c) for i, c in enumerate(marks)]


def unfold(
    who: Mapping[str, Sequence[str]],
    starts: Sequence[str],
    weeks: Sequence[Sequence[str] | None],
    lines: Sequence[int],
    *,
    start_column: str = "WeekStart",
    marks_column: str = "WeekMarks",
    faults: Sequence[Fault] = (),
    ignored: Sequence[str] = (),
    no_mark: frozenset[str] = frozenset([""]),
    named: bool = False,
) -> RawTable:
    """The register rows of weeks: who (by column), the date of the Monday, and the marks (None: longer than a week).

    A row that cannot be unfolded is a fault; `no_mark`: see RawTable. `named`: the file names the day of each mark, so
    that a week may be said to start on its first school day, a Tuesday after a bank holiday, where no day before that
    has a mark. In a string, whose marks are counted from the start, such a week could be two things.
    """
    monday = {text: _monday(text, named) for text in set(starts)}
    first = {text: _first_day(text) for text in set(starts)} if named else {}
    found = list(faults)
    row: list[int] = []
    place: list[int] = []
    code: list[str] = []
    for i, (start, marks) in enumerate(zip(starts, weeks, strict=True)):
        when = monday[start]
        if isinstance(when, str):
            found.append(Fault(lines[i], start_column, when))
        elif marks is None:
            found.append(Fault(lines[i], marks_column, TOO_LONG))
        elif any(tidy(m) not in no_mark and tidy(m) != _PADDING for m in marks[: 2 * first.get(start, 0)]):
            found.append(Fault(lines[i], start_column, NOT_A_MONDAY))
        else:
            begin = 2 * first.get(start, 0)  # before it there is no session, and a blank is nothing at all
            row += [i] * len(marks[begin:])
            place += range(begin, len(marks))
            code += marks[begin:]
    rows, places = np.array(row, dtype=np.int32), np.array(place, dtype=np.int32)
    return RawTable(
        columns={
            **{name: _repeated(texts, rows) for name, texts in who.items()},
            "Date": _dates(starts, monday, rows, places),
            "Session": Coded(["AM", "PM"], places % 2),
            "Code": code,
        },
        line=np.array(lines, dtype=np.int32)[rows] if len(lines) else np.zeros(0, dtype=np.int32),
        faults=tuple(found),
        ignored=tuple(ignored),
        no_mark=no_mark,
    )


def _monday(text: str, named: bool) -> dt.date | str:
    """The Monday of a week, or the rule that the text breaks."""
    text = tidy(text)
    if not text:
        return MISSING
    day = date_of(text)
    if day is None:
        return NOT_A_DATE
    if not day >= EARLIEST or day.year > _LAST_YEAR:
        return IMPOSSIBLE_DATE
    if named and day.weekday() < _SATURDAY:
        return day - dt.timedelta(days=day.weekday())
    return day if day.weekday() == 0 else NOT_A_MONDAY


def _first_day(text: str) -> int:
    """The weekday on which a week is said to start, Monday as 0."""
    day = date_of(tidy(text))
    return day.weekday() if day is not None else 0


def _repeated(texts: Sequence[str], rows: np.ndarray) -> Coded:
    distinct = list(dict.fromkeys(texts))
    number = {t: i for i, t in enumerate(distinct)}
    codes = np.fromiter((number[t] for t in texts), dtype=np.int32, count=len(texts))
    return Coded(distinct, codes[rows])


def _dates(starts: Sequence[str], monday: dict[str, dt.date | str], rows: np.ndarray, places: np.ndarray) -> Coded:
    firsts = sorted({m for m in monday.values() if isinstance(m, dt.date)})
    texts = [(m + dt.timedelta(days=d)).isoformat() for m in firsts for d in range(7)]
    number: dict[dt.date | str, int] = {m: 7 * i for i, m in enumerate(firsts)}
    of_row = np.array([number.get(monday[s], 0) for s in starts], dtype=np.int32)
    return Coded(texts, of_row[rows] + places // 2)
