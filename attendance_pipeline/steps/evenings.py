"""Two evenings: what was known and what followed on each, read from the warehouse for a person who asked.

Belongs here: which days are compared, and putting both answers side by side. Not here: any rule (`derive/`), how the
difference is said (`reports/evenings.py`). Writes nothing. What is given names pupils.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from attendance_pipeline.derive.ladder import STATUSES
from attendance_pipeline.derive.penalty_notices import PN_STATUSES
from attendance_pipeline.derive.tables import windows_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import CODES, NO_MARK
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.register.history import provenance_as_at
from attendance_pipeline.register.roll import current_classes, current_pupils
from attendance_pipeline.register.statements import SESSIONS
from attendance_pipeline.reports.evenings import Changed, ChangedMark, Evenings
from attendance_pipeline.steps.marked_days import latest_marked_day
from attendance_pipeline.steps.restate import derived
from attendance_pipeline.steps.site import Site

NOBODY = "not known"
OFF_ROLL = "not on roll"


def evenings(site: Site, school: School, first: dt.date, last: dt.date) -> Evenings:
    """What differs between the evening of `first` and that of `last`, which is not before it."""
    low, newest = _day(site, school, first), _day(site, school, last)
    dates = [None if d is None else school.calendar.date(d) for d in (low, newest)]
    if low is None or newest is None:
        return Evenings(school.id, school.name, first, last, dates[0], dates[1])
    start = int(school.calendar.year_start[low])
    before = derived(site, school, start, low, first)
    after = derived(site, school, start, max(low, newest), last)
    pair = _Pair(site, school, before, after, low, newest, last)
    marks = tuple(pair.marks())
    return Evenings(
        school.id, school.name, first, last, dates[0], dates[1], marks, pair.new_marks(),
        tuple(pair.figures(marks)), tuple(pair.stages(marks)), tuple(pair.cases(marks)),
    )  # fmt: skip


def _day(site: Site, school: School, evening: dt.date) -> int | None:
    """The day that the night of an evening was for: the same for all schools of the home."""
    latest = latest_marked_day(site, evening, evening)
    day = -1 if latest is None else school.calendar.on_or_before(latest)
    return day if day >= 0 else None


class _Pair:
    """One school as two evenings knew it."""

    def __init__(
        self, site: Site, school: School, before: Derived, after: Derived, low: int, high: int, evening: dt.date
    ) -> None:
        self.site, self.school, self.before, self.after = site, school, before, after
        self.low, self.high, self.evening = low, high, evening
        self._rows = [{int(p): row for row, p in enumerate(d.inputs.pupils.pupil_id)} for d in (before, after)]
        self.persons = sorted({*self._rows[0], *self._rows[1]})
        with site.warehouse.read() as conn:
            self._paper = pupils_on_paper(current_pupils(conn, school.id, evening), current_classes(conn, school.id))

    def upn(self, person: int) -> str:
        for rows, d in zip(reversed(self._rows), (self.after, self.before), strict=True):
            if person in rows:
                return str(d.inputs.pupils.upn[rows[person]])
        return ""

    def marks(self) -> Iterator[ChangedMark]:
        """Sessions up to the earlier day with another mark, by date, session and UPN."""
        both = [p for p in self.persons if p in self._rows[0] and p in self._rows[1]]
        upto = self.low + 1
        one = self.before.inputs.marks[[self._rows[0][p] for p in both], :upto]
        other = self.after.inputs.marks[[self._rows[1][p] for p in both], :upto]
        places = np.argwhere(one != other)
        if not len(places):
            return
        with self.site.warehouse.read() as conn:
            source = provenance_as_at(
                conn, self.school.id, self.school.calendar.days[:upto], np.array(both), self.evening
            )
        found = []
        for i, d, half in places.tolist():
            extract = int(source.extract[i, d, half])
            found.append(
                ChangedMark(
                    upn=self.upn(both[i]),
                    date=self.school.calendar.date(d),
                    session=SESSIONS[half],
                    before=CODES.codes[one[i, d, half]],
                    after=CODES.codes[other[i, d, half]],
                    file="" if extract < 0 else source.extracts[extract].key.file_name,
                    line=None if extract < 0 else int(source.line[i, d, half]) or None,
                )
            )
        yield from sorted(found, key=lambda m: (m.date, m.session, m.upn))

    def new_marks(self) -> int:
        """Marks of school days after the earlier evening's."""
        return int((self.after.inputs.marks[:, self.low + 1 : self.high + 1] != NO_MARK).sum())

    def figures(self, marks: tuple[ChangedMark, ...]) -> Iterator[Changed]:
        """Years to date of the earlier evening's day that are others now."""
        for person in self.persons:
            one, other = (self._figure(side, person) for side in (0, 1))
            if one != other:
                yield self._changed(person, "", (one, other, other), marks)

    def stages(self, marks: tuple[ChangedMark, ...]) -> Iterator[Changed]:
        for person in self.persons:
            said = (
                self._stage(0, person, self.low), self._stage(1, person, self.low), self._stage(1, person, self.high)
            )  # fmt: skip
            if len(set(said)) > 1:
                yield self._changed(person, "", said, marks)

    def cases(self, marks: tuple[ChangedMark, ...]) -> Iterator[Changed]:
        names = dict.fromkeys(self.after.plan.rule_names)
        for person in self.persons:
            for name in names:
                said = (
                    self._case(0, person, self.low, name),
                    self._case(1, person, self.low, name),
                    self._case(1, person, self.high, name),
                )
                if len(set(said)) > 1:
                    yield self._changed(person, name, said, marks)

    def _changed(self, person: int, what: str, said: tuple[str, str, str], marks: tuple[ChangedMark, ...]) -> Changed:
        """`said`: of the earlier day by each evening, and of the later day."""
        before, restated, after = said
        upn, paper = self.upn(person), self._paper.get(person)
        mine = [m for m in marks if m.upn == upn]
        why = []
        if before != restated:
            because = f"{len(mine)} of the pupil's marks changed" if mine else "the roll or the log is another now"
            why.append(f"on {self.school.calendar.date(self.low)} it would be {restated} by now: {because}")
        if restated != after:
            why.append(f"school days up to {self.school.calendar.date(self.high)} have gone by")
        return Changed(
            upn, paper.full_name if paper else "", paper.class_name if paper else "", what, before, restated, after,
            "; ".join(why),
        )  # fmt: skip

    def _at(self, side: int, person: int, day: int) -> tuple[Derived, int] | str:
        d, rows = (self.before, self.after)[side], self._rows[side]
        if person not in rows:
            return NOBODY
        row = rows[person]
        return (d, row) if d.inputs.pupils.on_roll(day)[row] else OFF_ROLL

    def _figure(self, side: int, person: int) -> str:
        at = self._at(side, person, self.low)
        if isinstance(at, str):
            return at
        d, row = at
        window = windows_of(d, self.low)[0]
        absent = f"{int(window.authorised[row])} authorised, {int(window.unauthorised[row])} unauthorised"
        return f"{int(window.attended[row])} of {int(window.possible[row])} attended, {absent}"

    def _stage(self, side: int, person: int, day: int) -> str:
        at = self._at(side, person, day)
        if isinstance(at, str):
            return at
        d, row = at
        found = d.stage_rows(day)[row]
        return f"stage {int(found['stage'])}, {STATUSES[int(found['status'])].replace('_', ' ')}"

    def _case(self, side: int, person: int, day: int, name: str) -> str:
        at = self._at(side, person, day)
        if isinstance(at, str):
            return at
        d, row = at
        for r, known in enumerate(d.plan.rule_names):
            if known == name and d.plan.notices.in_force[r, day]:
                return PN_STATUSES[int(d.notice_rows(r, day)[row]["status"])].replace("_", " ")
        return "not in force"
