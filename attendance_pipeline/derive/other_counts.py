"""The same marks counted in another way: over other sessions, or with codes that count for something else.

Belongs here: what another program may have done differently (a `Way`), in words, and the figures that come of it. Not
here: which way a list was counted in (that is `reconcile`), and what our own figures are (`counting`).

A session has a number: two a school day, the morning of day d is 2 d. Every figure is a whole number of sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.dates import date_words
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.law.register_codes import CODES, LATE_AFTER, LATE_BEFORE, NO_MARK, NOT_ESTABLISHED, POSSIBLE
from attendance_pipeline.law.school_calendar import SchoolCalendar

Longs = npt.NDArray[np.int64]

# What a session can count for.
PRESENT, ACTIVITY, AUTHORISED, UNAUTHORISED, POSSIBLE_ONLY, NOTHING = range(6)
_WORDS = (
    "present",
    "approved activity",
    "authorised absence",
    "unauthorised absence",
    "possible but not attended",
    "nothing",
)
_OF_CLASS = {
    "present": PRESENT,
    "approved_activity": ACTIVITY,
    "authorised": AUTHORISED,
    "unauthorised": UNAUTHORISED,
    "not_possible": NOTHING,
    "not_collected": NOTHING,
}
# Figures that go by what a session counts for, and which counts are in each.
_BY_EFFECT = {
    "possible": {PRESENT, ACTIVITY, AUTHORISED, UNAUTHORISED, POSSIBLE_ONLY},
    "attended": {PRESENT, ACTIVITY},
    "present": {PRESENT},
    "approved": {ACTIVITY},
    "authorised": {AUTHORISED},
    "unauthorised": {UNAUTHORISED},
    "absent": {AUTHORISED, UNAUTHORISED},
}
# Figures that go by the mark itself, whatever it counts for.
_BY_BIT = {
    "late_before": LATE_BEFORE,
    "late_after": LATE_AFTER,
    "late": LATE_BEFORE | LATE_AFTER,
    "not_established": NOT_ESTABLISHED,
}
FIGURES = (*_BY_EFFECT, *_BY_BIT, "unmarked", "not_required")

# Sessions without a register code have numbers past those of the codes; and a code that counted otherwise in some years
# has another number there.
_ANOTHER_ERA = 256
UNMARKED, BEFORE_ENTRY, AFTER_LEAVING = range(1000, 1003)
_WITHOUT_MARK = {
    UNMARKED: "sessions without a mark",
    BEFORE_ENTRY: "sessions before the pupil's first day here",
    AFTER_LEAVING: "sessions after the pupil's last day here",
}
# What else each may be taken for, the likelier first. Programs and spreadsheets have been met that do each of these.
_ELSE = {
    PRESENT: (UNAUTHORISED, AUTHORISED, NOTHING),
    ACTIVITY: (POSSIBLE_ONLY, NOTHING, AUTHORISED, PRESENT),
    AUTHORISED: (NOTHING, PRESENT, UNAUTHORISED),
    UNAUTHORISED: (AUTHORISED, PRESENT, NOTHING),
    NOTHING: (AUTHORISED, POSSIBLE_ONLY, PRESENT, UNAUTHORISED),
}
_ELSE_WITHOUT_MARK = (POSSIBLE_ONLY, PRESENT, UNAUTHORISED, AUTHORISED)


@dataclass(frozen=True)
class Treatment:
    """Some kinds of session that count for something else. `kinds`: numbers of codes, or UNMARKED and its like."""

    kinds: tuple[int, ...]
    effect: int
    own: int  # what they count for by the rules

    @property
    def words(self) -> str:
        effect = "not counted at all" if self.effect == NOTHING else f"counted as {_WORDS[self.effect]}"
        if self.kinds[0] in _WITHOUT_MARK:
            return f"{_WITHOUT_MARK[self.kinds[0]]} {effect}"
        codes = " ".join(CODES.codes[k % _ANOTHER_ERA] for k in self.kinds)
        own = "though it is no possible session" if self.own == NOTHING else f"not as {_WORDS[self.own]}"
        return f"{codes} {effect}, {own}"


@dataclass(frozen=True)
class Way:
    """A way to count: sessions `first` to `last` (both inclusive), and treatments that differ from the rules."""

    first: int
    last: int
    treatments: tuple[Treatment, ...] = ()

    def with_treatment(self, treatment: Treatment) -> Way:
        return Way(self.first, self.last, (*self.treatments, treatment))

    def over(self, first: int, last: int) -> Way:
        return Way(first, last, self.treatments)


class Tally:
    """The sessions of some pupils by kind, so that any way of counting is a sum. `rows`: rows of PupilTable.

    Sessions from 0 to `last`, the afternoon of day `last_day`.
    """

    def __init__(self, inputs: SchoolInputs, rows: Sequence[int], last_day: int) -> None:
        self.last = 2 * last_day + 1
        at = np.asarray(rows, dtype=np.int64)
        marks = inputs.marks[at, : last_day + 1].reshape(len(at), self.last + 1)  # also of no pupils
        day = np.arange(self.last + 1) // 2
        before = day[None, :] < inputs.pupils.entry[at][:, None]
        after = day[None, :] > inputs.pupils.leave[at][:, None]
        era, self._flags = CODES.eras(inputs.calendar.days[: last_day + 1])
        other = (self._flags[np.repeat(era, 2)[None, :], marks] ^ self._flags[0][marks]) & POSSIBLE != 0
        kind = np.where(marks == NO_MARK, UNMARKED, marks + np.where(other, _ANOTHER_ERA, 0))
        kind = np.where(before, BEFORE_ENTRY, np.where(after, AFTER_LEAVING, kind))
        self.kinds = tuple(np.unique(kind).tolist()) if kind.size else ()
        self._sums = np.zeros((len(at), self.last + 2, len(self.kinds)), dtype=np.int32)
        for i, k in enumerate(self.kinds):
            np.cumsum(kind == k, axis=1, out=self._sums[:, 1:, i], dtype=np.int32)

    def __len__(self) -> int:
        return len(self._sums)

    @cached_property
    def own(self) -> dict[int, int]:
        """What each kind of session counts for by the rules."""
        classes = {r.number: _OF_CLASS[r.code_class] for r in CODES.rows}
        out = {}
        for k in self.kinds:
            if k >= UNMARKED:
                out[k] = NOTHING
            else:
                out[k] = POSSIBLE_ONLY if k >= _ANOTHER_ERA else classes[k]
        return out

    def treatments(self, figures: Iterable[str]) -> list[Treatment]:
        """Every treatment that changes one of the figures for one of these pupils: of each kind of session alone, of
        the approved activities together, and of the codes that are no possible session together."""
        wanted = tuple(figures)
        groups: list[tuple[int, ...]] = [(k,) for k in self.kinds]
        for effect in (ACTIVITY, NOTHING):
            together = tuple(k for k in self.kinds if k < UNMARKED and self.own[k] == effect)
            if len(together) > 1:
                groups.insert(0, together)
        out: list[Treatment] = []
        for group in groups:
            own = self.own[group[0]]
            plain = group[0] < UNMARKED and CODES.codes[group[0] % _ANOTHER_ERA] in ("/", "\\")
            seen = {_part(own, wanted)}
            for effect in () if plain else _ELSE_WITHOUT_MARK if group[0] >= UNMARKED else _ELSE[own]:
                part = _part(effect, wanted)
                if part not in seen:  # authorised or not is all the same where only a percentage is known
                    seen.add(part)
                    out.append(Treatment(group, effect, own))
        return out

    def running(self, way: Way, figures: Sequence[str], rows: npt.NDArray[np.int64] | None = None) -> Longs:
        """Figures counted up to each session: int64[rows, last + 2, figures]. A difference of two is a period."""
        sums = self._sums if rows is None else self._sums[rows]
        return sums @ self._weights(way, figures)

    def figures(self, way: Way, figures: Sequence[str], rows: npt.NDArray[np.int64] | None = None) -> Longs:
        """The figures of a way of counting: int64[rows, figures]."""
        sums = self._sums if rows is None else self._sums[rows]
        return (sums[:, way.last + 1] - sums[:, way.first]) @ self._weights(way, figures)

    def _weights(self, way: Way, figures: Sequence[str]) -> Longs:
        effect = dict(self.own)
        for t in way.treatments:
            effect |= dict.fromkeys(t.kinds, t.effect)
        bits = {r.number: r.bits for r in CODES.rows}
        classes = {r.number: r.code_class for r in CODES.rows}
        out = np.zeros((len(self.kinds), len(figures)), dtype=np.int64)
        for i, kind in enumerate(self.kinds):
            for j, name in enumerate(figures):
                if name in _BY_EFFECT:
                    out[i, j] = effect[kind] in _BY_EFFECT[name]
                elif name in _BY_BIT:
                    out[i, j] = kind < UNMARKED and bool(bits[kind % _ANOTHER_ERA] & _BY_BIT[name])
                elif name == "unmarked":
                    out[i, j] = kind == UNMARKED
                else:
                    out[i, j] = kind < UNMARKED and classes[kind % _ANOTHER_ERA] == "not_possible"
        return out


def _part(effect: int, figures: Sequence[str]) -> tuple[bool, ...]:
    return tuple(effect in _BY_EFFECT[name] for name in figures if name in _BY_EFFECT)


def period_words(calendar: SchoolCalendar, first: int, last: int) -> str:
    """Sessions first to last as dates; a day that is not whole with its session."""
    start, end = calendar.date(first // 2), calendar.date(last // 2)
    morning = " (afternoon)" if first % 2 else ""
    afternoon = "" if last % 2 else " (morning)"
    return f"{date_words(start)}{morning} to {date_words(end)}{afternoon}"
