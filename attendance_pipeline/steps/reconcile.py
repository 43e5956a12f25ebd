"""Reconcile: a summary that the school's MIS made, beside the home's own figures, pupil by pupil.

Belongs here: the pupils and marks of a school put beside the rows of a list. Not here: reading a list and whom its rows
mean (`trial/`), and the search for the way it was counted (`derive/reconcile.py`). Writes nothing; what is given names
pupils and is for the person who asked.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.reconcile import (
    AGREES,
    EXPLAINED,
    LEAVERS,
    SEVERAL,
    UNEXPLAINED,
    Reconciliation,
    reconcile,
)
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.home import School
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.marked_days import last_marked_day
from attendance_pipeline.steps.restate import newest_done
from attendance_pipeline.steps.site import Site
from attendance_pipeline.trial.differences import claims_of, summary_of, why_of
from attendance_pipeline.trial.lists import OtherList
from attendance_pipeline.trial.matching import Directory
from attendance_pipeline.trial.people import Person

NOT_HERE, NOT_IN_LIST, TWICE = "not matched", "not in the list", "twice in the list"
_ORDER = (UNEXPLAINED, NOT_HERE, TWICE, NOT_IN_LIST, SEVERAL, EXPLAINED, AGREES)
COUNTED = ("possible", "attended", "authorised", "unauthorised")


@dataclass(frozen=True)
class Reconciled:
    """One pupil. `ours`, `theirs`: sessions by figure, of the figures that the list gives; `shares`: percentages as the
    list writes them. `parts`: what of theirs less ours each part makes; `rest`: what no part explains."""

    name: str
    class_name: str
    line: int | None
    status: str
    words: str
    ours: Mapping[str, int]
    theirs: Mapping[str, int]
    shares: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    rest: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reconcilement:
    """A list beside a school. `first`, `last`: the days of our figures. `parts`: theirs less ours over all pupils, by
    part and figure; who stands in one of the two only is among the leavers. `rest`: what is left of it."""

    school: str
    first: dt.date
    last: dt.date
    summary: tuple[str, ...]
    rows: tuple[Reconciled, ...]
    ours: Mapping[str, int]
    theirs: Mapping[str, int]
    parts: Mapping[str, Mapping[str, int]]
    rest: Mapping[str, int]


class NothingToCompare(ValueError):
    """The list cannot be held against the school; the message says why, and names nobody."""


def reconcile_list(site: Site, school: School, listed: OtherList, upto: dt.date | None = None) -> Reconcilement:
    """A list of figures beside the academic year of the newest day that is done (or of `upto`), to that day.

    Raises NothingToCompare for a list without figures, or without a pupil of the school; and without a register.
    """
    calendar = school.calendar
    last = newest_done(site, school)
    last = last_marked_day(site, school) if last is None else last
    if last is None:
        raise NothingToCompare(f"{school.id}: no register is loaded")
    if upto is not None:
        last = calendar.on_or_before(upto)
        if last < 0:
            raise NothingToCompare(f"{school.id}: its calendar begins on {calendar.date(0)}")
    if not listed.figures:
        raise NothingToCompare("the list has no column of sessions or percentages")
    first = int(calendar.year_start[last])
    inputs = school_inputs(site, school)
    people = _people(site, school)
    matches = Directory(people).match([r.person for r in listed.rows])
    said, rows = {}, []
    for row, match in zip(listed.rows, matches, strict=True):
        if match.at is not None and match.at not in said:
            said[match.at] = row
            continue
        why = "the pupil stands twice in the list" if match.at is not None else match.by
        status = TWICE if match.at is not None else NOT_HERE
        parts = {} if status == TWICE else {LEAVERS: dict(row.counts)}
        shares = {n: float(s.value) for n, s in row.shares.items()}
        rows.append(
            Reconciled(row.person.name, row.person.class_name, row.line, status, why, {}, row.counts, shares, parts)
        )
    figures = [(p, row) for p, row in said.items() if row.counts or row.shares]
    if not figures:
        raise NothingToCompare("no row of the list gives a figure of a pupil of this school")
    found = reconcile(inputs, first, last, claims_of(figures, calendar, last))
    for (p, row), e in zip(figures, found.rows, strict=True):
        person = people[p]
        rows.append(
            Reconciled(
                name=person.name,
                class_name=person.class_name,
                line=row.line,
                status=e.status,
                words=why_of(e, row),
                ours={n: v for n, v in e.ours.items() if n in row.counts or n in row.shares or n == "possible"},
                theirs=dict(row.counts),
                shares={n: float(s.value) for n, s in row.shares.items()},
                parts=e.parts,
                rest=e.remains,
            )
        )
    rows += _not_listed(inputs, people, set(said), first, last)
    rows.sort(key=lambda r: (_ORDER.index(r.status), r.class_name, r.name))
    return Reconcilement(
        school=school.id,
        first=calendar.date(first),
        last=calendar.date(last),
        summary=_summary(found, rows, len(listed.rows), listed.unread),
        rows=tuple(rows),
        **_totals(rows),
    )


def _people(site: Site, school: School) -> list[Person]:
    """The pupils of the school in the order of PupilTable."""
    with site.warehouse.read() as conn:
        pupils = current_pupils(conn, school.id)
    return [
        Person(
            upn=str(r["upn"]),
            admission=str(r["admission_number"]),
            forename=str(r["forename"]),
            surname=str(r["surname"]),
            preferred=str(r["preferred_forename"]),
            class_name=str(r["class"]),
            year=str(r["year_group"]),
            born=None
            if r["date_of_birth"] is None or r["date_of_birth"] != r["date_of_birth"]
            else r["date_of_birth"].date(),
        )
        for r in pupils.to_dict("records")
    ]


def _not_listed(
    inputs: SchoolInputs, people: Sequence[Person], listed: set[int], first: int, last: int
) -> list[Reconciled]:
    """Pupils with a possible session in the time whom no row means."""
    counts = count_school(inputs, first, last).window(first, last)
    out = []
    for p, person in enumerate(people):
        ours = {name: int(getattr(counts, name)[p]) for name in COUNTED}
        if p in listed or not ours["possible"]:
            continue
        gone = int(inputs.pupils.leave[p]) < last
        words = f"left on {inputs.calendar.date(int(inputs.pupils.leave[p])):%d/%m/%Y}" if gone else ""
        parts = {LEAVERS: {n: -v for n, v in ours.items() if v}}
        out.append(Reconciled(person.name, person.class_name, None, NOT_IN_LIST, words, ours, {}, {}, parts))
    return out


def _summary(found: Reconciliation, rows: Sequence[Reconciled], listed: int, unread: int) -> tuple[str, ...]:
    alone = {s: sum(r.status == s for r in rows) for s in (NOT_HERE, TWICE, NOT_IN_LIST)}
    out = [f"{listed} rows in the list; " + ", ".join(f"{n} {s}" for s, n in alone.items()) + "."]
    if unread:
        out.append(f"{unread} rows name no pupil (totals, headings) and were left out.")
    return (*out, *summary_of(found, "figures"))


def _totals(rows: Sequence[Reconciled]) -> dict[str, Any]:
    """Sums over pupils, of the figures that the list gives as counts."""
    figures = {n for r in rows for n in r.theirs}
    ours: dict[str, int] = defaultdict(int)
    theirs: dict[str, int] = defaultdict(int)
    rest: dict[str, int] = defaultdict(int)
    parts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for r in rows:
        if r.status == TWICE:
            continue
        for into, values in ((ours, r.ours), (theirs, r.theirs), (rest, r.rest)):
            for n, v in values.items():
                if n in figures and (r.theirs or r.status == NOT_IN_LIST):
                    into[n] += v
        for part, values in r.parts.items():
            for n, v in values.items():
                if n in figures and (r.theirs or r.status == NOT_IN_LIST):
                    parts[part][n] += v
    return {
        "ours": dict(ours),
        "theirs": dict(theirs),
        "rest": dict(rest),
        "parts": {part: dict(values) for part, values in parts.items()},
    }
