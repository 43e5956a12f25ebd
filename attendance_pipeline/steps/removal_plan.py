"""Whom a removal is about: the pupils of each school who left before a day, and everything they are known by.

Belongs here: asking the newest statements, and nothing that changes anything. Not here: removing (`removal.py`).

A pupil left with the leaving date that the newest pupils extract gives. One without a leaving date left when later
pupils extracts name the others and not this one: then the last day is that of the last extract, mark, form or entry
that names the pupil. Whoever is in no pupils extract was never on roll: the last day is that of the last thing that
names them. Each school of a trust is asked by itself: a pupil who went from one of its schools to another is removed
from the first alone.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import CODES, NO_MARK, WITHDRAWN
from attendance_pipeline.mis.naming import Naming, naming_of
from attendance_pipeline.register.identity import Links, links_of
from attendance_pipeline.register.lessons import persons_by_day
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.register.statements import unpack_marks
from attendance_pipeline.store.extracts import read_marks_pages, read_record_pages, records_of
from attendance_pipeline.store.persons import find_persons, is_student_name, upns_of, whole_school_name
from attendance_pipeline.store.removal import records_about, references_of

LEFT, UNNAMED, NEVER = "left", "no extract names them any more", "never on roll"
# Systems go on writing these for whoever has left: no sign that somebody came.
_EMPTY = frozenset({NO_MARK, WITHDRAWN, *CODES.numbers_of(["Z", "#"])})
_DATES = ("date", "first_date", "last_date", "until")


@dataclass(frozen=True)
class Leaver:
    """A pupil to be removed from one school. `persons`: the numbers of all names the pupil had there; `last`: the last
    day by which retention counts; `marked`: the newest day with a mark."""

    school: str
    persons: frozenset[int]
    names: frozenset[str]
    why: str
    last: dt.date
    marked: dt.date | None

    @property
    def upns(self) -> frozenset[str]:
        return frozenset(name for name in self.names if not is_student_name(name))


@dataclass(frozen=True)
class OfSchool:
    """What a removal takes from one school: the pupils' numbers and names, the references of their letters, and what
    they and their contacts are called. `elsewhere`: of those whom another school of the home goes on holding."""

    school: str
    persons: tuple[int, ...]
    names: tuple[str, ...]
    references: tuple[str, ...]
    naming: Naming
    elsewhere: Naming
    pupils: int
    why: Mapping[str, int]
    within: int


@dataclass(frozen=True)
class Plan:
    """A removal. `before`: the day; `only`: the UPN of the one pupil, "" for all; `nowhere`: numbers that no school of
    the home holds any more once it is done."""

    before: dt.date
    only: str
    schools: tuple[OfSchool, ...]
    nowhere: tuple[int, ...]

    @property
    def pupils(self) -> int:
        return sum(s.pupils for s in self.schools)

    @property
    def naming(self) -> Naming:
        """What names somebody who is to be held nowhere in the home."""
        out = Naming()
        for s in self.schools:
            out |= s.naming
        return out

    def to_json(self, so_far: Mapping[str, Any]) -> str:
        """For the private state, so that a removal that was cut off goes on; with what it had done `so_far`."""
        return json.dumps(
            {
                "so_far": so_far,
                "before": self.before.isoformat(),
                "only": self.only,
                "nowhere": self.nowhere,
                "schools": [
                    {**vars(s), "naming": _naming_out(s.naming), "elsewhere": _naming_out(s.elsewhere)}
                    for s in self.schools
                ],
            },
            default=dict,
        )

    @staticmethod
    def from_json(text: str) -> tuple[Plan, Mapping[str, Any]]:
        """What `to_json` wrote: the plan, and what was done so far."""
        told = json.loads(text)
        schools = tuple(
            OfSchool(
                **{
                    **s,
                    **{key: tuple(s[key]) for key in ("persons", "names", "references")},
                    "naming": _naming_in(s["naming"]),
                    "elsewhere": _naming_in(s["elsewhere"]),
                }
            )
            for s in told["schools"]
        )
        plan = Plan(dt.date.fromisoformat(told["before"]), told["only"], schools, tuple(told["nowhere"]))
        return plan, told["so_far"]


def _naming_out(n: Naming) -> dict[str, Any]:
    names, others = (sorted([list(f), list(s)] for f, s in some) for some in (n.names, n.others))
    return {
        **{"upns": sorted(n.upns), "names": names, "emails": sorted(n.emails)},
        **{"surnames": sorted(n.surnames), "others": others},
    }


def _naming_in(told: Mapping[str, Any]) -> Naming:
    return Naming(
        frozenset(told["upns"]),
        frozenset((tuple(f), tuple(s)) for f, s in told["names"]),
        frozenset(told["emails"]),
        frozenset(told["surnames"]),
        others=frozenset((tuple(f), tuple(s)) for f, s in told.get("others", ())),
    )


@dataclass(frozen=True)
class _Seen:
    """When each person (by number) was last named in a school: by anything, by a mark, by a pupils extract."""

    anything: dict[int, dt.date]
    marked: dict[int, dt.date]
    listed: dict[int, dt.date]
    newest_list: dt.date | None


def make_plan(
    conn: Connection, schools: Sequence[School], before: dt.date, kept_since: dt.date, only: str = ""
) -> Plan:
    """Everybody of these schools (all of the home) whose last day there is before a day, or the one pupil `only`.

    `kept_since`: entries since then have to be kept by law; the plan counts pupils who have such entries.
    """
    seen = {school.id: _seen(conn, school.id) for school in schools}
    found = {school.id: list(leavers(conn, school, before, seen[school.id], only)) for school in schools}
    gone = {school_id: {n for one in theirs for n in one.persons} for school_id, theirs in found.items()}
    stay = {n for school_id, s in seen.items() for n in s.anything.keys() - gone[school_id]}
    data = {school.id: list(records_about(conn, school.id)) for school in schools}
    removed = {school_id: {name for one in theirs for name in one.names} for school_id, theirs in found.items()}
    # A form may be of one who goes and have no UPN: what parents typed says of nobody that they stay.
    staying = [
        d
        for school_id, rows in data.items()
        for _, kind, d in rows
        if kind in ("pupils", "contacts") and d.get("upn") not in removed[school_id]
    ]
    teachers = [d for school in schools for d in records_of(conn, school.id, "classes").values()]
    # Who works at a school may be a parent of somebody who left: what they sign names no pupil.
    entries = [d for rows in data.values() for _, kind, d in rows if kind == "interventions"]
    staff = {str(d.get("teacher") or "") for d in teachers} | {str(d.get("by") or "") for d in entries}
    staff |= {name for school in schools for name in _of_settings(school)}
    others = [*_people(staying), *(pair for name in staff for pair in _with_or_without_title(name))]
    other_mails = [str(d.get("email") or "") for d in [*staying, *teachers]]
    other_mails += [school.letterhead.email for school in schools if school.letterhead is not None]
    out = []
    for school in schools:
        theirs = found[school.id]
        if not theirs:
            continue

        def named(some: Iterable[Leaver], school_id: str = school.id) -> Naming:
            some = list(some)
            names = {name for one in some for name in one.names}
            held = [d for _, _, d in data[school_id] if d.get("upn") in names]
            upns = {u for one in some for u in one.upns}
            return naming_of(upns, _people(held), (str(d.get("email") or "") for d in held), others, other_mails)

        here = [one for one in theirs if not one.persons & stay]
        out.append(
            OfSchool(
                school=school.id,
                persons=tuple(sorted(gone[school.id])),
                names=tuple(sorted(removed[school.id])),
                references=tuple(sorted(references_of(conn, school.id, gone[school.id]))),
                naming=named(here),
                elsewhere=named(one for one in theirs if one.persons & stay),
                pupils=len(theirs),
                why={why: n for why in (LEFT, UNNAMED, NEVER) if (n := sum(one.why == why for one in theirs))},
                within=sum(one.marked is not None and one.marked >= kept_since for one in theirs),
            )
        )
    every = {n for numbers in gone.values() for n in numbers}
    return Plan(before, only, tuple(out), tuple(sorted(every - stay)))


def leavers(conn: Connection, school: School, before: dt.date, seen: _Seen, only: str = "") -> Iterator[Leaver]:
    """Every pupil of a school whose last day there is before a day."""
    links = links_of(conn, school.id)
    names_of_pupil, numbers = _together(conn, links, seen.anything)
    of_school = set(find_persons(conn, [whole_school_name(school.id)]).values())
    records = {int(r["person_id"]): r for r in current_pupils(conn, school.id).to_dict("records")}
    for pupil in sorted(names_of_pupil.keys() - of_school):
        persons = numbers[pupil]
        if only and only not in names_of_pupil[pupil]:
            continue
        marked = max((seen.marked[n] for n in persons if n in seen.marked), default=None)
        anything = max(seen.anything[n] for n in persons if n in seen.anything)
        record = records.get(pupil)
        if record is None:
            why, last = NEVER, anything
        elif not pd.isna(record["leaving_date"]):
            entry = record["entry_date"]
            if not pd.isna(entry) and entry.date() >= before:
                continue
            why, last = LEFT, max(record["leaving_date"].date(), marked or dt.date.min)
        else:
            listed = max(seen.listed[n] for n in persons if n in seen.listed)
            if seen.newest_list is None or listed >= seen.newest_list:
                continue  # on roll, as far as anybody says
            why, last = UNNAMED, anything
        if last < before:
            yield Leaver(school.id, frozenset(persons), frozenset(names_of_pupil[pupil]), why, last, marked)


def _together(
    conn: Connection, links: Links, persons: Iterable[int]
) -> tuple[dict[int, set[str]], dict[int, set[int]]]:
    """By pupil all names and all numbers that mean this pupil."""
    every = {*persons, *links.same, *links.same.values()}
    upns = upns_of(conn, every)
    names: dict[int, set[str]] = {}
    numbers: dict[int, set[int]] = {}
    for number, upn in upns.items():
        pupil = links.same.get(number, number)
        names.setdefault(pupil, set()).add(upn)
        numbers.setdefault(pupil, set()).add(number)
    held = set(persons)
    here = {pupil for pupil, theirs in numbers.items() if theirs & held}
    return {p: names[p] for p in here}, {p: numbers[p] for p in here}


def _seen(conn: Connection, school: str) -> _Seen:
    seen = _Seen({}, {}, {}, _newest(e.recorded_on for e, _ in read_record_pages(conn, school, "pupils")))
    empty = np.array(sorted(_EMPTY), dtype=np.uint8)
    for (day, _), page in read_marks_pages(conn, school).items():
        said = unpack_marks(page)
        _note(seen.anything, said.person, dt.date.min)
        real = (~np.isin(said.code, empty)).any(axis=1)
        _note(seen.anything, said.person[real], day)
        _note(seen.marked, said.person[real], day)
    for day, persons in persons_by_day(conn, school):
        _note(seen.anything, persons, day)
    for kind in ("pupils", "contacts", "notifications", "interventions"):
        data = records_of(conn, school, kind)
        number = find_persons(conn, sorted({str(d.get("upn") or "") for d in data.values()}))
        for extract, listed in read_record_pages(conn, school, kind):
            for n in listed["record"].tolist():
                person = number.get(str(data[n].get("upn") or ""))
                if person is None:
                    continue
                listing = kind in ("pupils", "contacts")
                day = extract.recorded_on if listing else _last_date(data[n], extract.recorded_on)
                _note(seen.anything, (person,), day)
                if kind == "pupils":
                    _note(seen.listed, (person,), day)
    return seen


def persons_named(conn: Connection, school: str) -> set[int]:
    """The numbers of everybody of whom a school's extracts say anything."""
    return set(_seen(conn, school).anything)


def _newest(days: Iterable[dt.date]) -> dt.date | None:
    return max(days, default=None)


def _note(where: dict[int, dt.date], persons: Collection[int] | np.ndarray, day: dt.date) -> None:
    for person in persons.tolist() if isinstance(persons, np.ndarray) else persons:
        if where.get(person, dt.date.min) <= day:
            where[person] = day


def _last_date(data: Mapping[str, Any], recorded: dt.date) -> dt.date:
    found = [dt.date.fromisoformat(str(data[name])[:10]) for name in _DATES if data.get(name)]
    return max(found, default=recorded)


def _people(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(forename, surname) of everybody whom records name."""
    for d in rows:
        surname = str(d.get("surname") or "")
        for name in ("forename", "preferred_forename"):
            if d.get(name) and surname:
                yield str(d[name]), surname
        if d.get("pupil_name"):
            yield _split(str(d["pupil_name"]))


def _of_settings(school: School) -> Iterator[str]:
    """The names of staff that the settings of a school have."""
    for people in (school.owners, None if school.letterhead is None else school.letterhead.signatories):
        if people is not None:
            yield from (str(name) for name in people.model_dump().values() if name)


def _with_or_without_title(name: str) -> Iterator[tuple[str, str]]:
    """(forename, surname) as a member of staff may be called: Ms Jane Smith is Jane Smith too."""
    if "," in name:
        yield _split(name)
    words = name.replace(",", " ").split()
    for start in range(len(words) - 1):
        yield " ".join(words[start:-1]), words[-1]


def _split(name: str) -> tuple[str, str]:
    """A name in one cell as forename and surname: `Surname, Forename`, else the last word is the surname."""
    surname, comma, forename = name.partition(",")
    if comma:
        return forename.strip(), surname.strip()
    forename, _, surname = name.strip().rpartition(" ")
    return forename, surname
