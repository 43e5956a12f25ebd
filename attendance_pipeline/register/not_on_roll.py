"""Register rows of pupils who are not on roll: no pupils extract names them, or the date is outside their dates.

Such a row is not wrong by itself, only against everything loaded; a pupils extract that comes later may put it right.
So these findings are worked out anew after each load and never depend on its order.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.law.register_codes import CODES, WITHDRAWN
from attendance_pipeline.register.roll import current_pupils, first_and_last_day
from attendance_pipeline.register.statements import SILENT, DayMarks, unpack_lines, unpack_marks
from attendance_pipeline.store.extracts import (
    StoredExtract,
    StoredStatement,
    list_extracts,
    read_marks_pages,
    read_statements,
)
from attendance_pipeline.store.quarantine import QuarantineRow

UNKNOWN = "not on roll: no pupils extract names this UPN"
NO_PUPILS = "no pupils extract is loaded"
BEFORE = "not on roll: before the entry date"
AFTER = "not on roll: after the leaving date"

# Systems hold Z (not yet on roll) and # (planned closure) before a pupil enters, and blanks after one left.
HARMLESS_BEFORE = CODES.numbers_of(["Z", "#"])


def rows_not_on_roll(conn: sa.Connection, school: str, extract_ids: Iterable[int] | None = None) -> list[QuarantineRow]:
    """Quarantine rows of origin `roll` for the given register extracts (None: all of the school's)."""
    extracts = {e.id: e for e in list_extracts(conn, school, "register")}
    chosen = set(extracts) if extract_ids is None else set(extract_ids) & set(extracts)
    pupils = current_pupils(conn, school)
    if pupils.empty:
        return [_row(extracts[n], 1, "UPN", NO_PUPILS) for n in sorted(chosen)]
    roll = _roll_of(pupils)
    said_by: dict[tuple[dt.date, str], list[StoredStatement]] = defaultdict(list)
    for s in read_statements(conn, school, extract_ids=None if extract_ids is None else chosen):
        said_by[s.day, s.marks].append(s)
    if not said_by:
        return []
    days = [day for day, _ in said_by]
    pages = read_marks_pages(conn, school, min(days), max(days))
    found: list[QuarantineRow] = []
    for (day, sha), statements in said_by.items():
        faults = _faults(unpack_marks(pages[day, sha]), np.datetime64(day, "D"), roll)
        if not faults:
            continue
        for s in statements:
            lines = unpack_lines(s.lines)
            for session, rows, column, rule in faults:
                found += [_row(extracts[s.extract_id], int(n), column, rule) for n in lines[rows, session]]
    return found


@dataclass(frozen=True)
class _Roll:
    """By person number: whether a pupils extract names them, their first and their last day."""

    known: npt.NDArray[np.bool_]
    entry: npt.NDArray[np.datetime64]
    leave: npt.NDArray[np.datetime64]


def _roll_of(pupils: pd.DataFrame) -> _Roll:
    ids = pupils["person_id"].to_numpy()
    top = int(ids.max()) + 1
    roll = _Roll(np.zeros(top, dtype=bool), np.zeros(top, dtype="datetime64[D]"), np.zeros(top, dtype="datetime64[D]"))
    entry, leave = first_and_last_day(pupils)
    roll.known[ids], roll.entry[ids], roll.leave[ids] = True, entry, leave
    return roll


def _faults(said: DayMarks, day: np.datetime64, roll: _Roll) -> list[tuple[int, npt.NDArray[np.bool_], str, str]]:
    """(session, rows of the statement, column, rule) of what a statement says of pupils who are not on roll."""
    inside = said.person < len(roll.known)
    place = np.where(inside, said.person, 0)
    known = inside & roll.known[place]
    early, late = known & (day < roll.entry[place]), known & (day > roll.leave[place])
    if known.all() and not early.any() and not late.any():
        return []
    faults = []
    for s in (0, 1):
        code = said.code[:, s]
        names = code != SILENT
        marks = names & (code != WITHDRAWN)
        faults += [
            (s, names & ~known, "UPN", UNKNOWN),
            (s, marks & early & ~np.isin(code, HARMLESS_BEFORE), "Date", BEFORE),
            (s, marks & late, "Date", AFTER),
        ]
    return faults


def _row(extract: StoredExtract, line: int, column: str, rule: str) -> QuarantineRow:
    return QuarantineRow(extract.id, extract.key.file_name, extract.key.sha256, line, column, rule, "roll")
