"""Who is who: the pupil for whom a former UPN, or the MIS's own student id, stands as at a time.

Worked out from the pupils extracts alone, in the order in which they speak, never in the order in which they came; so
it is remembered by what those extracts are. A pupil keeps the number under which the first of them was listed: letters
and results hang on it. Nothing is linked on a guess: where two pupils fit, none does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from attendance_pipeline.register.statements import NO_MINUTES, SILENT, DayMarks, Int32
from attendance_pipeline.store.extracts import StoredExtract, list_extracts, read_record_pages, records_of
from attendance_pipeline.store.persons import find_persons, student_name

_MOST_REMEMBERED = 512


@dataclass(frozen=True)
class Names:
    """What the pupils extracts say of names. `first`: a former UPN or a student's name -> the UPN under which the pupil
    was first listed; `present`: that UPN -> the one the pupil has now; `shared`: names of student ids that two pupils
    have; `doubtful`: (extract, line) of rows that fit a former UPN beside others."""

    first: Mapping[str, str] = field(default_factory=dict)
    present: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    doubtful: tuple[tuple[StoredExtract, int], ...] = ()

    def of(self, name: str) -> str:
        """The first UPN of the pupil whom a name means; the name itself where it means no other."""
        return self.first.get(name, name)


@dataclass(frozen=True)
class Said:
    """What a statement says of pupils. `row`: of each row as stored, its row in `marks` (None: they are the same);
    `conflicts` [stored rows, 2]: where one pupil's rows contradict each other, so that none of them counts."""

    marks: DayMarks
    stored: DayMarks
    row: npt.NDArray[np.int64] | None = None
    conflicts: npt.NDArray[np.bool_] | None = None

    def lines(self, stored: Int32) -> Int32:
        """The lines of `marks` from those of the rows as stored: of equal rows the first."""
        if self.row is None:
            return stored
        far = np.iinfo(np.int32).max
        lines = np.full(self.marks.code.shape, far, dtype=np.int32)
        for s in (0, 1):
            np.minimum.at(lines[:, s], self.row, np.where(self.stored.code[:, s] == SILENT, far, stored[:, s]))
        return np.where(lines == far, 0, lines).astype(np.int32)


class Links:
    """Names, and the same by the numbers of persons."""

    def __init__(self, names: Names, same: Mapping[int, int]):
        self.names, self.same = names, same
        self._table = np.arange(max(same, default=-1) + 1, dtype=np.int32)
        for person, pupil in same.items():
            self._table[person] = pupil

    def stand_for(self, person: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The pupil's number for each person's; a person who stands for nobody else is left alone."""
        if not self.same or not len(person):
            return person
        inside = person < len(self._table)
        return np.where(inside, self._table[np.where(inside, person, 0)], person).astype(person.dtype)

    def said(self, stored: DayMarks) -> Said:
        """What a statement says of pupils. Equal rows of one pupil count once; for sessions in which they contradict
        each other none counts, as with rows of one name."""
        person = self.stand_for(stored.person)
        if person is stored.person:
            return Said(stored, stored)
        pupils, row = np.unique(person, return_inverse=True)
        if len(pupils) == len(person):
            return Said(DayMarks(person, stored.code, stored.minutes), stored)
        code = np.zeros((len(pupils), 2), dtype=np.uint8)
        minutes = np.full((len(pupils), 2), NO_MINUTES, dtype=np.uint16)
        conflicts = np.zeros(stored.code.shape, dtype=bool)
        for s in (0, 1):
            at = np.flatnonzero(stored.code[:, s] != SILENT)
            code[row[at], s], minutes[row[at], s] = stored.code[at, s], stored.minutes[at, s]
            differs = (code[row[at], s] != stored.code[at, s]) | (minutes[row[at], s] != stored.minutes[at, s])
            wrong = np.unique(row[at[differs]])
            code[wrong, s], minutes[wrong, s] = SILENT, NO_MINUTES
            conflicts[at, s] = np.isin(row[at], wrong)
        return Said(DayMarks(pupils.astype(np.int32), code, minutes), stored, row, conflicts)


def links_of(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> Links:
    """The links of a school as its pupils extracts recorded by `as_at` give them."""
    names = names_of(conn, school, as_at)
    if not names.first:
        return Links(names, {})
    persons = find_persons(conn, sorted({*names.first, *names.first.values()}))
    return Links(names, {persons[n]: persons[u] for n, u in names.first.items() if n in persons and u in persons})


def names_of(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> Names:
    """The same by name alone, remembered for as long as the extracts are the same."""
    extracts = list_extracts(conn, school, "pupils", as_at)
    digest = hashlib.sha256(f"{conn.engine.url!r}\0{school}\n".encode())
    for e in extracts:
        digest.update(f"{e.id}\0{e.recorded_on}\0{e.file_name}\0{e.key.sha256}\0{e.reading}\n".encode())
    version = digest.hexdigest()
    found = _remembered.get(version)
    if found is None:
        found = _read(conn, school, as_at) if extracts else Names()
        while len(_remembered) >= _MOST_REMEMBERED:
            _remembered.pop(next(iter(_remembered)), None)
        _remembered[version] = found
    return found


def with_pupils(conn: sa.Connection, school: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows about persons (`person_id`), each under the number of the pupil it is about."""
    same = links_of(conn, school).same
    return [{**r, "person_id": same.get(r["person_id"], r["person_id"])} for r in rows]


def forget() -> None:
    """Remember nothing any more: rows were taken out of extracts that are still the same by name."""
    _remembered.clear()


_remembered: dict[str, Names] = {}

_Identity = tuple[str, str, str]  # which number it is, the number, date of birth


def _read(conn: sa.Connection, school: str, as_at: dt.date | None) -> Names:
    data = records_of(conn, school, "pupils")
    holders: dict[_Identity, set[str]] = defaultdict(set)
    ids: dict[int, str] = {}
    for number, d in data.items():
        for identity in _identities(d):
            holders[identity].add(d["upn"])
        if d.get("student_id"):
            ids[number] = d["student_id"]
    rivals = {upn for upns in holders.values() if len(upns) > 1 for upn in upns}
    if not rivals and not ids:
        return Names()
    pages = read_record_pages(conn, school, "pupils", as_at)
    first, present, doubtful = _former(pages, data, rivals)
    owners, shared = _owners(pages, data, ids, first)
    names = {student_name(school, number): upn for number, upn in owners.items()}
    return Names({**first, **names}, present, frozenset(student_name(school, n) for n in shared), doubtful)


def _identities(record: Mapping[str, Any]) -> list[_Identity]:
    """By what a pupil is known again under another UPN: admission number or student id, each with the date of birth."""
    born = record.get("date_of_birth")
    numbers = ("admission_number", "student_id")
    return [(n, record[n], born) for n in numbers if born and record.get(n)]


_Pages = Sequence[tuple[StoredExtract, Mapping[str, npt.NDArray[Any]]]]


def _former(
    pages: _Pages, data: Mapping[int, Mapping[str, Any]], rivals: set[str]
) -> tuple[dict[str, str], dict[str, str], tuple[tuple[StoredExtract, int], ...]]:
    """(former UPN -> first, first -> present, rows in doubt), of the UPNs that share a number and a date of birth.

    A UPN is former where an extract after the last that lists it has another UPN with the number it had last. UPNs that
    one extract lists together are two pupils: then none of those that hang together is linked.
    """
    if not rivals:
        return {}, {}, ()
    top = max((int(p["record"].max(initial=0)) for _, p in pages), default=0)
    chosen = np.zeros(top + 1, dtype=bool)
    chosen[[n for n, d in data.items() if d["upn"] in rivals and n <= top]] = True
    listed: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)  # UPN -> place of the extract -> record, line
    for place, (_, page) in enumerate(pages):
        for i in np.flatnonzero(chosen[page["record"]]).tolist():
            number = int(page["record"][i])
            listed[data[number]["upn"]][place] = (number, int(page["line"][i]))
    says: dict[_Identity, dict[str, int]] = defaultdict(dict)  # the last place at which each UPN had an identity
    for upn, places in listed.items():
        for place in sorted(places):
            for identity in _identities(data[places[place][0]]):
                says[identity][upn] = place
    together: dict[str, set[str]] = {upn: {upn} for upn in listed}
    for upn, places in listed.items():
        last = max(places)
        for identity in _identities(data[places[last][0]]):
            for other, place in says[identity].items():
                if place > last:
                    joined = together[upn] | together[other]
                    for member in joined:
                        together[member] = joined
    first: dict[str, str] = {}
    present: dict[str, str] = {}
    doubtful: list[tuple[StoredExtract, int]] = []
    for upn, group in together.items():
        if len(group) == 1:
            continue
        if sum(len(listed[u]) for u in group) != len({place for u in group for place in listed[u]}):
            newest = max(listed[upn])
            doubtful.append((pages[newest][0], listed[upn][newest][1]))
            continue
        oldest = min(group, key=lambda u: min(listed[u]))
        present[oldest] = max(group, key=lambda u: max(listed[u]))
        if upn != oldest:
            first[upn] = oldest
    return first, present, tuple(sorted(doubtful, key=lambda d: (d[0].key, d[1])))


def _owners(
    pages: _Pages, data: Mapping[int, Mapping[str, Any]], ids: Mapping[int, str], first: Mapping[str, str]
) -> tuple[dict[str, str], set[str]]:
    """(student id -> first UPN of the pupil who has it in the newest extract that names it, ids that two have)."""
    owners: dict[str, str] = {}
    shared: set[str] = set()
    top = max((int(p["record"].max(initial=0)) for _, p in pages), default=0)
    open_ = np.zeros(top + 1, dtype=bool)
    open_[[n for n in ids if n <= top]] = True
    with_id: dict[str, list[int]] = defaultdict(list)
    for number, student in ids.items():
        if number <= top:
            with_id[student].append(number)
    for _, page in reversed(pages):
        found: dict[str, set[str]] = defaultdict(set)
        for number in page["record"][open_[page["record"]]].tolist():
            upn = data[number]["upn"]
            found[ids[number]].add(first.get(upn, upn))
        for student, upns in found.items():
            open_[with_id[student]] = False
            if len(upns) == 1:
                owners[student] = upns.pop()
            else:
                shared.add(student)
    return owners, shared
