"""Rows of pupils who are not on roll: no pupils extract names them, or the date is outside their dates.

Also what only all extracts together show of who is who: student ids that no pupil has, rows of one pupil under two
names that contradict each other, UPNs that cannot be told apart. Such a row is not wrong by itself, only against
everything loaded; a pupils extract that comes later may put it right.
So these findings are worked out anew after each load and never depend on its order.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.law.register_codes import CODES, WITHDRAWN
from attendance_pipeline.register.identity import Links, Names, Said, links_of, names_of
from attendance_pipeline.register.lessons import lessons_of
from attendance_pipeline.register.roll import current_pupils, first_and_last_day
from attendance_pipeline.register.statements import SILENT, unpack_lines, unpack_marks
from attendance_pipeline.store.extracts import (
    StoredExtract,
    StoredStatement,
    list_extracts,
    read_marks_pages,
    read_record_pages,
    read_records,
    read_statements,
    records_starting,
)
from attendance_pipeline.store.persons import (
    STUDENT_LETTER,
    is_student_name,
    student_persons,
    upns_of,
    whole_school_name,
)
from attendance_pipeline.store.quarantine import QuarantineRow

NO_STUDENT = "no pupil has this student id"
TWO_STUDENTS = "two pupils have this student id"
DOUBTFUL = "two pupils fit one former UPN: none is linked to it"
CONFLICT = "conflicting rows"
UNKNOWN = "not on roll: no pupils extract names this UPN"
NO_PUPILS = "no pupils extract is loaded"
BEFORE = "not on roll: before the entry date"
AFTER = "not on roll: after the leaving date"

_OF_NAMES = (UNKNOWN, NO_STUDENT, TWO_STUDENTS)

# Systems hold Z (not yet on roll) and # (planned closure) before a pupil enters, and blanks after one left.
HARMLESS_BEFORE = CODES.numbers_of(["Z", "#"])


def rows_not_on_roll(
    conn: sa.Connection, school: str, extract_ids: Iterable[int] | None = None, as_at: dt.date | None = None
) -> list[QuarantineRow]:
    """Quarantine rows of origin `roll` for the given register extracts (None: all of the school's), as at a time."""
    extracts = {e.id: e for e in list_extracts(conn, school, "register", as_at)}
    chosen = set(extracts) if extract_ids is None else set(extract_ids) & set(extracts)
    pupils = current_pupils(conn, school, as_at)
    if pupils.empty:
        return [_row(extracts[n], 1, "UPN", NO_PUPILS) for n in sorted(chosen)]
    roll, links = _roll_of(pupils), links_of(conn, school, as_at)
    said_by: dict[tuple[dt.date, str], list[StoredStatement]] = defaultdict(list)
    every = extract_ids is None and as_at is None
    for s in read_statements(conn, school, extract_ids=None if every else chosen):
        said_by[s.day, s.marks].append(s)
    if not said_by:
        return []
    days = [day for day, _ in said_by]
    pages = read_marks_pages(conn, school, min(days), max(days))
    found: list[QuarantineRow] = []
    students = _Students(conn, links.names)
    for (day, sha), statements in said_by.items():
        faults = _faults(links.said(unpack_marks(pages[day, sha])), np.datetime64(day, "D"), roll, links, students)
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
    always: dict[np.datetime64, npt.NDArray[np.bool_]] = field(default_factory=dict)

    def has_all(self, person: npt.NDArray[np.int32], day: np.datetime64) -> bool:
        """Whether all these persons are on roll on the day: nearly always, so it is asked first."""
        here = self.always.get(day)
        if here is None:
            here = self.always[day] = self.known & (self.entry <= day) & (day <= self.leave)
        return bool(len(person)) and int(person.max()) < len(here) and bool(here[person].all())


def _roll_of(pupils: pd.DataFrame) -> _Roll:
    ids = pupils["person_id"].to_numpy()
    top = int(ids.max()) + 1
    roll = _Roll(np.zeros(top, dtype=bool), np.zeros(top, dtype="datetime64[D]"), np.zeros(top, dtype="datetime64[D]"))
    entry, leave = first_and_last_day(pupils)
    roll.known[ids], roll.entry[ids], roll.leave[ids] = True, entry, leave
    return roll


class _Students:
    """The rule that a person breaks whom no pupils extract names, asked of the warehouse once each."""

    def __init__(self, conn: sa.Connection, names: Names):
        self.conn, self.names = conn, names
        self.rules: dict[int, str] = {}

    def rules_of(self, persons: npt.NDArray[np.int32]) -> npt.NDArray[np.object_]:
        missing = {int(p) for p in persons} - set(self.rules)
        if missing:
            found = upns_of(self.conn, missing)
            self.rules |= {n: rule_of(found.get(n, ""), self.names) for n in missing}
        return np.array([self.rules[int(p)] for p in persons], dtype=object)


def rule_of(name: str, names: Names) -> str:
    """The rule that a name breaks which means no pupil."""
    if not is_student_name(name):
        return UNKNOWN
    return TWO_STUDENTS if name in names.shared else NO_STUDENT


def _faults(
    said: Said, day: np.datetime64, roll: _Roll, links: Links, students: _Students
) -> list[tuple[int, npt.NDArray[np.bool_], str, str]]:
    """(session, rows of the statement as stored, column, rule) of what a statement says that cannot count."""
    person = links.stand_for(said.stored.person)
    if said.conflicts is None and roll.has_all(person, day):
        return []
    inside = person < len(roll.known)
    place = np.where(inside, person, 0)
    known = inside & roll.known[place]
    early, late = known & (day < roll.entry[place]), known & (day > roll.leave[place])
    rules = np.full(len(person), "", dtype=object)
    rules[~known] = students.rules_of(said.stored.person[~known])
    faults = []
    for s in (0, 1):
        code = said.stored.code[:, s]
        names = code != SILENT
        marks = names & (code != WITHDRAWN)
        faults += [(s, names & (rules == rule), "UPN" if rule == UNKNOWN else "Student ID", rule) for rule in _OF_NAMES]
        faults += [
            (s, marks & early & ~np.isin(code, HARMLESS_BEFORE), "Date", BEFORE),
            (s, marks & late, "Date", AFTER),
        ]
        if said.conflicts is not None:
            faults.append((s, said.conflicts[:, s], "Code", CONFLICT))
    return faults


def rows_of_nobody(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> list[QuarantineRow]:
    """Quarantine rows of origin `roll` for rows of other kinds whose student id means no pupil, and for UPNs that could
    be the former ones of two pupils; as at a time."""
    names = names_of(conn, school, as_at)
    found = [_row(e, line, "Admission Number", DOUBTFUL) for e, line in names.doubtful]
    kinds = records_starting(conn, school, STUDENT_LETTER)
    of_school = whole_school_name(school)
    told = {
        n: d["upn"]
        for n, d in read_records(conn, kinds).items()
        if is_student_name(d.get("upn", "")) and d["upn"] != of_school
    }
    for kind in sorted({kinds[n] for n in told}):
        for extract, page in read_record_pages(conn, school, kind, as_at):
            for number, line in zip(page["record"].tolist(), page["line"].tolist(), strict=True):
                if number in told and told[number] not in names.first:
                    found.append(_row(extract, line, "Student ID", rule_of(told[number], names)))
    unlinked = {n: name for n, name in student_persons(conn).items() if name not in names.first}
    for extract, line, person in lessons_of(conn, school, unlinked, as_at):
        found.append(_row(extract, line, "Student ID", rule_of(unlinked[person], names)))
    return found


def _row(extract: StoredExtract, line: int, column: str, rule: str) -> QuarantineRow:
    return QuarantineRow(extract.id, extract.key.file_name, extract.key.sha256, line, column, rule, "roll")
