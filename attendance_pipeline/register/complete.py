"""`complete` register extracts: marks that one withdraws by not naming them (rules.md section 2).

Where a school's extracts are complete, a later extract with rows of the same date withdraws the marks it lacks, but
only in a class and session of which it marks at least half of the pupils on roll. Where it would have to withdraw with
less, the whole file is left out. Everything is worked out from all extracts in the order in which they speak, never in
the order in which they came.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from attendance_pipeline.law.register_codes import NO_MARK, WITHDRAWN
from attendance_pipeline.register.identity import Links, links_of
from attendance_pipeline.register.statements import (
    NO_MINUTES,
    SILENT,
    DayMarks,
    pack_marks,
    unpack_marks,
)
from attendance_pipeline.store.extracts import (
    StoredExtract,
    list_extracts,
    read_marks_pages,
    read_record_pages,
    read_records,
    read_statements,
)
from attendance_pipeline.store.persons import find_persons
from attendance_pipeline.store.quarantine import QuarantineRow

LEFT_OUT = "a complete register lacks marks of a class of which it marks less than half"


@dataclass(frozen=True)
class Settled:
    """withdrawals: (day, extract id, page) of marks withdrawn by not being named; left_out: extracts that count in
    nothing because they would withdraw too much."""

    withdrawals: list[tuple[dt.date, int, bytes]]
    left_out: list[StoredExtract]


@dataclass
class _Roll:
    """Class (-1: not known), first and last day of each person by number, as at some extract."""

    group: npt.NDArray[np.int64]
    entry: npt.NDArray[np.datetime64]
    leave: npt.NDArray[np.datetime64]


def rows_left_out(settled: Settled) -> list[QuarantineRow]:
    """A quarantine row, of origin `roll`, for each extract that is left out."""
    return [QuarantineRow(e.id, e.file_name, e.key.sha256, 1, "Code", LEFT_OUT, "roll") for e in settled.left_out]


def settle(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> Settled:
    """Work out what the school's complete register extracts withdraw, and which of them are left out, from all extracts
    that were recorded by `as_at` (None: all)."""
    extracts = list_extracts(conn, school, "register", as_at)
    links = links_of(conn, school, as_at)
    said = {key: links.said(unpack_marks(page)).marks for key, page in read_marks_pages(conn, school).items()}
    top = max((int(m.person.max(initial=0)) for m in said.values()), default=0)
    statements: dict[int, list[tuple[dt.date, str]]] = defaultdict(list)
    for stored in read_statements(conn, school, lines=False):
        statements[stored.extract_id].append((stored.day, stored.marks))
    marks: dict[dt.date, npt.NDArray[np.uint8]] = {}
    newest: dict[dt.date, tuple[str, int]] = {}  # the statement that spoke last, and the roll it met
    withdrawals: list[tuple[dt.date, int, bytes]] = []
    left_out: list[StoredExtract] = []
    for extract, (edition, roll) in zip(extracts, _rolls(conn, school, extracts, top, links, as_at), strict=True):
        new: list[tuple[dt.date, str, npt.NDArray[np.bool_]]] = []
        for day, sha in sorted(statements[extract.id]):
            if newest.get(day) == (sha, edition):
                continue  # said again with nothing in between: it names and lacks what it did
            before = marks.setdefault(day, np.zeros((len(roll.group), 2), dtype=np.uint8))
            lacking = _lacking(before, said[day, sha], day, roll)
            if lacking is None:
                left_out.append(extract)
                break
            new.append((day, sha, lacking))
        else:
            for day, sha, lacking in new:
                says = said[day, sha]
                for s in (0, 1):
                    names = says.code[:, s] != SILENT
                    marks[day][says.person[names], s] = says.code[names, s]
                marks[day][marks[day] == WITHDRAWN] = NO_MARK
                marks[day][lacking] = NO_MARK
                newest[day] = (sha, edition)
                if lacking.any():
                    withdrawals.append((day, extract.id, _page(lacking)))
    return Settled(withdrawals, left_out)


def _lacking(before: npt.NDArray[np.uint8], said: DayMarks, day: dt.date, roll: _Roll) -> npt.NDArray[np.bool_] | None:
    """The marks [person, session] that the statement withdraws by not naming them; None where it may not."""
    date = np.datetime64(day, "D")
    on_roll = (roll.group >= 0) & (roll.entry <= date) & (date <= roll.leave)
    code = np.zeros_like(before)
    code[said.person] = said.code
    groups = int(roll.group.max(initial=-1)) + 1
    of_class = np.bincount(roll.group[on_roll], minlength=groups)
    lacking = (before != NO_MARK) & (code == SILENT) & on_roll[:, None]
    for s in (0, 1):
        marked = on_roll & (code[:, s] != SILENT) & (code[:, s] != WITHDRAWN)
        enough = np.bincount(roll.group[marked], minlength=groups) * 2 >= of_class
        if (~enough[roll.group[lacking[:, s]]]).any():
            return None
    return lacking


def _page(lacking: npt.NDArray[np.bool_]) -> bytes:
    person = np.flatnonzero(lacking.any(axis=1)).astype(np.int32)
    code = np.where(lacking[person], np.uint8(WITHDRAWN), np.uint8(SILENT))
    return pack_marks(DayMarks(person, code, np.full(code.shape, NO_MINUTES, dtype=np.uint16)))


def _rolls(
    conn: sa.Connection, school: str, extracts: list[StoredExtract], top: int, links: Links, as_at: dt.date | None
) -> Iterator[tuple[int, _Roll]]:
    """The roll as each register extract meets it: pupils as recorded by that day; one whom only a later pupils extract
    names, as that one first does. Each with the number of its edition, which goes up when it changes."""
    pages = read_record_pages(conn, school, "pupils", as_at)
    data = read_records(conn, {int(r) for _, p in pages for r in p["record"]})
    persons = find_persons(conn, sorted({links.names.of(d["upn"]) for d in data.values()}))
    classes: dict[str, int] = {}
    size = max([top, *persons.values()], default=0) + 1
    roll = _Roll(
        np.full(size, -1, dtype=np.int64),
        np.full(size, np.datetime64("0001-01-01"), dtype="datetime64[D]"),
        np.full(size, np.datetime64("9999-12-31"), dtype="datetime64[D]"),
    )
    records = np.zeros(
        max(data, default=0) + 1, dtype=[("person", "i8"), ("group", "i8"), ("entry", "M8[D]"), ("leave", "M8[D]")]
    )
    for number, d in data.items():
        records[number] = (
            persons[links.names.of(d["upn"])],
            classes.setdefault(d["class"] or "", len(classes)),
            np.datetime64(d["entry_date"] or "0001-01-01", "D"),
            np.datetime64(d["leaving_date"] or "9999-12-31", "D"),
        )

    def apply(numbers: npt.NDArray[np.int32]) -> None:
        rows = records[numbers]
        roll.group[rows["person"]] = rows["group"]
        roll.entry[rows["person"]] = rows["entry"]
        roll.leave[rows["person"]] = rows["leave"]

    for _, page in reversed(pages):
        apply(page["record"])
    reached = 0
    for extract in extracts:
        while reached < len(pages) and pages[reached][0].recorded_on <= extract.recorded_on:
            apply(pages[reached][1]["record"])
            reached += 1
        yield reached, roll
