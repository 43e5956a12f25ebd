"""What parents notified, beside the marks: for each pupil and session whether a form speaks of it, and what follows.

Belongs here: what follows from forms and marks on a day. Not here: whose form it is (`matching`), any change of a mark
(a person decides, in the school's own system), lists for people (`reports/`). Stored nowhere: worked out when asked.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.matching import MATCHED, Form, Match
from attendance_pipeline.law.register_codes import (
    ATTENDED,
    AUTHORISED,
    CODES,
    HOLIDAY,
    LATE_AFTER,
    NOT_ESTABLISHED,
    UNAUTHORISED,
)

# What a session's mark and the forms make of one another.
TO_COME = "to come"
NO_MARK = "notified, no mark"
NO_REASON = "notified, code N"
PRESENT = "notified, marked present"
FITS = "notified, absent"
HALF = "notified, there for half of the day"
NOT_EXPECTED = "notified, not expected in school"
CALL = "not notified, no reason known"
OTHERWISE = "not notified, reason recorded"
# The first to be looked at comes first; of a day with two sessions the first of these is said.
FINDINGS = (CALL, NO_REASON, PRESENT, NO_MARK, FITS, HALF, NOT_EXPECTED, TO_COME, OTHERWISE)
OPEN = frozenset({CALL, NO_REASON, PRESENT, NO_MARK})  # somebody has something to do


@dataclass(frozen=True)
class Day:
    """One pupil on one school day. `halves`: what is found of AM and PM, blank where nothing is to be said; `codes`: as
    in the register, blank without a mark; `matches`: the forms that speak of the day, the first that was sent first."""

    pupil: int
    day: int
    halves: tuple[str, str]
    codes: tuple[str, str]
    matches: tuple[Match, ...] = ()

    @property
    def finding(self) -> str:
        return min((h for h in self.halves if h), key=FINDINGS.index)


@dataclass(frozen=True)
class Notifications:
    """The forms of a school, matched, beside its marks. `unmarked`: sessions (day, half) that have not been: on the
    morning of a day, its afternoon."""

    inputs: SchoolInputs
    matches: Sequence[Match]
    unmarked: frozenset[tuple[int, int]] = frozenset()

    def about(self, pupil: int, day: int, half: int) -> tuple[Match, ...]:
        """The forms that speak of a session (half 0 is the morning), the first that was sent first."""
        return tuple(self._by_session.get((pupil, day, half), ()))

    def may_be_about(self, pupil: int, day: int, half: int) -> bool:
        """Whether a form that is matched with nobody may be about this pupil and speaks of the session."""
        return (pupil, day, half) in self._perhaps

    def on(self, first: int, last: int) -> list[Day]:
        """Every pupil and school day of `first` to `last` of which forms speak, by day and pupil.

        Days after the last derived one count as to come: `last` is the day the list is of.
        """
        days = sorted({(d, p) for p, d, _ in self._by_session if d >= first})
        return [self._day(p, d, last) for d, p in days]

    def not_notified(self, day: int) -> list[Day]:
        """Pupils who are absent on a day and of whose absence no form speaks; who came late is there."""
        out = []
        for p in range(len(self.inputs)):
            codes = self._codes(p, day)
            halves = (self._unnotified(p, day, 0), self._unnotified(p, day, 1))
            if any(halves):
                out.append(Day(p, day, halves, codes))
        return out

    def unmatched(self, since: int) -> list[Match]:
        """Forms that are matched with nobody and reach to a school day `since` or later, in the order of their days."""
        day = self.inputs.calendar.date(since)
        open_ = (m for m in self.matches if m.result != MATCHED and m.form.last >= day)
        return sorted(open_, key=lambda m: (m.form.first, m.form.submitted, m.form.name))

    def without_a_session(self, since: int) -> list[Match]:
        """Matched forms whose dates hold no school day on which the pupil is on roll."""
        day = self.inputs.calendar.date(since)
        recent = (m for m in self.matches if m.form.last >= day)
        return [m for m in recent if m.pupil is not None and not _any(self._slots(m.pupil, m.form))]

    @cached_property
    def _by_session(self) -> Mapping[tuple[int, int, int], list[Match]]:
        found: dict[tuple[int, int, int], list[Match]] = defaultdict(list)
        for match in sorted(self.matches, key=lambda m: (m.form.submitted, m.form.first, m.form.last, m.form.name)):
            if match.pupil is not None:
                for day, half in self._slots(match.pupil, match.form):
                    found[match.pupil, day, half].append(match)
        return found

    @cached_property
    def _perhaps(self) -> frozenset[tuple[int, int, int]]:
        return frozenset(
            (c.pupil, day, half) for m in self.matches for c in m.candidates for day, half in self._days(m.form)
        )

    def _slots(self, pupil: int, form: Form) -> Iterable[tuple[int, int]]:
        entry, leave = self.inputs.pupils.entry[pupil], self.inputs.pupils.leave[pupil]
        return ((d, half) for d, half in self._days(form) if entry <= d <= leave)

    def _days(self, form: Form) -> Iterable[tuple[int, int]]:
        """The sessions of a form's dates: those of school days, of both halves unless it names one."""
        calendar = self.inputs.calendar
        halves = [("AM", "PM").index(form.session)] if form.session else [0, 1]
        days = range(calendar.on_or_after(form.first), calendar.on_or_before(form.last) + 1)
        return ((d, half) for d in days for half in halves)

    def _codes(self, pupil: int, day: int) -> tuple[str, str]:
        am, pm = self.inputs.marks[pupil, day].tolist()
        return CODES.codes[am], CODES.codes[pm]

    def _day(self, pupil: int, day: int, last: int) -> Day:
        codes = self._codes(pupil, day)
        forms = [self.about(pupil, day, half) for half in range(2)]
        halves = [self._notified(pupil, day, half, last) if forms[half] else "" for half in range(2)]
        for half in range(2):
            # Most forms do not say of which half they speak: who was absent for the other has done as was told.
            of_the_day = not any(m.form.session for m in forms[half])
            if halves[half] == PRESENT and halves[1 - half] in (FITS, NO_REASON) and of_the_day:
                halves[half] = HALF
        every = {id(m): m for m in (*forms[0], *forms[1])}
        return Day(pupil, day, (halves[0], halves[1]), codes, tuple(every.values()))

    def _notified(self, pupil: int, day: int, half: int, last: int) -> str:
        number = int(self.inputs.marks[pupil, day, half])
        if number == 0:
            return TO_COME if day > last or (day, half) in self.unmarked else NO_MARK
        bits = _bits(number)
        if bits & NOT_ESTABLISHED:
            return NO_REASON
        if bits & ATTENDED:
            return PRESENT
        return FITS if bits & (AUTHORISED | UNAUTHORISED) else NOT_EXPECTED

    def _unnotified(self, pupil: int, day: int, half: int) -> str:
        pupils, number = self.inputs.pupils, int(self.inputs.marks[pupil, day, half])
        if not pupils.entry[pupil] <= day <= pupils.leave[pupil] or self.about(pupil, day, half):
            return ""
        bits = _bits(number)
        if not bits & (AUTHORISED | UNAUTHORISED) or bits & LATE_AFTER:
            return ""
        # An absence that nobody has authorised, and that is no holiday: N or O. The school knows nothing of the child.
        return CALL if bits & UNAUTHORISED and not bits & HOLIDAY else OTHERWISE


def _bits(number: int) -> int:
    return CODES.row(number).bits if number else 0


def _any(items: Iterable[object]) -> bool:
    return any(True for _ in items)


def days_after(form: Form, inputs: SchoolInputs) -> int:
    """How many school days after its first day a form was sent; 0 on the day or before, or where it does not say."""
    try:
        sent = dt.date.fromisoformat(form.submitted[:10])
    except ValueError:
        return 0
    calendar = inputs.calendar
    return max(0, calendar.on_or_before(sent) - calendar.on_or_after(form.first)) if sent > form.first else 0
