"""Statements: what one register extract says of one date, packed as two pages: the marks, and their lines.

They are apart because extracts repeat themselves: the marks of a date are the same in most of them, the lines are not.

A statement is never changed and never merged with another; the register is what all of them say, in the order of
`ExtractKey` (register/history.py). Here: their columns and their packing. Not here: reading files or databases.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.store.extracts import StatementPages
from attendance_pipeline.store.pages import pack_page, unpack_page

AM, PM = 0, 1
SESSIONS = ("AM", "PM")
NO_MINUTES = np.uint16(0xFFFF)  # the extract names no minutes late

# In a statement, code 0 (no mark) means that the extract is silent about the session.
SILENT = 0

_NAMES = ("am", "pm")

Int32 = npt.NDArray[np.int32]
UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Marks:
    """Rows of register extracts in long form, all arrays of one length.

    person: number of the pupil; day: datetime64[D]; session: 0 AM, 1 PM; code: number, WITHDRAWN for a blank one;
    minutes: NO_MINUTES where none; line: of the extract, the header counted as 1.
    """

    person: Int32
    day: npt.NDArray[np.datetime64]
    session: UInt8
    code: UInt8
    minutes: UInt16
    line: Int32


@dataclass(frozen=True)
class DayMarks:
    """What a statement says: person int32[n] ascending; code uint8[n, 2], minutes uint16[n, 2] for AM and PM."""

    person: Int32
    code: UInt8
    minutes: UInt16


def pack_marks(marks: DayMarks) -> bytes:
    """The marks page's bytes. Persons are kept as differences, which are small and alike."""
    columns: dict[str, npt.ArrayLike] = {"person": _differences(marks.person)}
    for s, name in enumerate(_NAMES):
        columns[name] = np.ascontiguousarray(marks.code[:, s])
        columns[f"{name}_minutes"] = np.ascontiguousarray(marks.minutes[:, s])
    return pack_page(columns)


def unpack_marks(page: bytes) -> DayMarks:
    """The reverse of `pack_marks`."""
    a = unpack_page(page)
    n = len(a["person"])
    code, minutes = np.empty((n, 2), dtype=np.uint8), np.empty((n, 2), dtype=np.uint16)
    for s, name in enumerate(_NAMES):
        code[:, s], minutes[:, s] = a[name], a[f"{name}_minutes"]
    return DayMarks(np.cumsum(a["person"], dtype=np.int32), code, minutes)


def pack_lines(lines: Int32) -> bytes:
    """The lines page of a statement: lines int32[n, 2] of the same persons and sessions as its marks page."""
    return pack_page({name: _differences(lines[:, s]) for s, name in enumerate(_NAMES)})


def unpack_lines(page: bytes) -> Int32:
    """The reverse of `pack_lines`."""
    a = unpack_page(page)
    lines = np.empty((len(a[_NAMES[0]]), 2), dtype=np.int32)
    for s, name in enumerate(_NAMES):
        np.cumsum(a[name], out=lines[:, s])
    return lines


def split_by_day(marks: Marks) -> dict[dt.date, StatementPages]:
    """The packed statement of each date of one extract. Each (person, day, session) stands at most once in `marks`."""
    if len(marks.person) == 0:
        return {}
    order = np.lexsort((marks.person, marks.day))
    day, person = marks.day[order], marks.person[order]
    starts = np.flatnonzero(np.r_[True, day[1:] != day[:-1]])
    first_of_person = np.r_[True, (day[1:] != day[:-1]) | (person[1:] != person[:-1])]
    row = np.cumsum(first_of_person) - 1  # which row of which page, counted through all pages
    n, s = int(row[-1]) + 1, marks.session[order]
    code = np.zeros((n, 2), dtype=np.uint8)
    line = np.zeros((n, 2), dtype=np.int32)
    minutes = np.full((n, 2), NO_MINUTES, dtype=np.uint16)
    code[row, s], line[row, s], minutes[row, s] = marks.code[order], marks.line[order], marks.minutes[order]
    persons = person[first_of_person].astype(np.int32)
    bounds = np.r_[row[starts], n]
    return {
        day[start].astype(object): StatementPages(
            pack_marks(DayMarks(persons[a:b], code[a:b], minutes[a:b])), pack_lines(line[a:b])
        )
        for start, a, b in zip(starts, bounds[:-1], bounds[1:], strict=True)
    }


def _differences(values: Int32) -> Int32:
    out = np.array(values, dtype=np.int32)
    out[1:] -= values[:-1]
    return out


def without_persons(page: bytes, persons: npt.NDArray[np.int32]) -> tuple[bytes | None, npt.NDArray[np.bool_] | None]:
    """A marks page without some persons (None where nobody is left), and which of its rows stay (None: all do)."""
    marks = unpack_marks(page)
    stay = ~np.isin(marks.person, persons)
    if stay.all():
        return page, None
    if not stay.any():
        return None, stay
    return pack_marks(DayMarks(marks.person[stay], marks.code[stay], marks.minutes[stay])), stay


def lines_that_stay(page: bytes, stay: npt.NDArray[np.bool_]) -> bytes:
    """A lines page of which only some rows stay."""
    return pack_lines(unpack_lines(page)[stay])
