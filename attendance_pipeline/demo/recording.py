"""How the marks came into the register: what was entered first, and every correction with the day it was recorded.

Belongs here: N until somebody knows, late corrections, a register that was forgotten, marks after a pupil had left. Not
here: what a session was (`marks.py`), and writing files (`extracts.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from attendance_pipeline.demo.marks import AM, PM, Truth, code
from attendance_pipeline.demo.people import Pupil
from attendance_pipeline.law.school_calendar import SchoolCalendar

# How often the first day of an absence is N because nobody has said why, by what it turns out to be.
FIRST_N = {"I": 0.30, "M": 0.08, "G": 0.35, "O": 0.85}
# School days until an N is resolved, 1 to 9; the rest is never resolved. After five it is overdue.
RESOLVED_AFTER = np.array([0.44, 0.22, 0.11, 0.07, 0.05, 0.04, 0.02, 0.02, 0.015])
WRONGLY_ABSENT = 0.0012  # of sessions attended: N at first, the pupil had come in unseen
REASON_CHANGED = 0.02  # of spells of illness: entered as the other of I and O, put right after more than a week
COMMENTS = {
    "I": "Parent telephoned: unwell",
    "M": "Appointment card seen",
    "G": "Leave had been refused",
    "O": "No reason given",
    "/": "Was in class",
    "\\": "Was in class",
    "L": "Arrived late, was in class",
    "U": "Signed in at the office",
    "gone": "Had left the school",
}


@dataclass(frozen=True)
class Change:
    """On day `recorded` the session (pupil, day, session) was set to `code` (0: withdrawn)."""

    recorded: int
    pupil: int
    day: int
    session: int
    code: int
    minutes: int
    comment: str


@dataclass
class Recorded:
    """What the daily extracts say. `first` uint8[P, D, 2]: the code on the day itself, 0 none; `changes` by day of
    recording; `now` uint8[P, D, 2]: the register when all of it is known (days beyond the leaving are 0)."""

    first: npt.NDArray[np.uint8]
    first_minutes: npt.NDArray[np.uint8]
    changes: list[Change]
    now: npt.NDArray[np.uint8]


def record(rng: Generator, truth: Truth, pupils: Sequence[Pupil], calendar: SchoolCalendar) -> Recorded:
    """Draw how each mark was entered and corrected. Changes that would come after the last day have not happened."""
    last = truth.codes.shape[1] - 1
    made = Recorded(truth.codes.copy(), truth.minutes.copy(), [], truth.codes.copy())
    book = _Book(rng, truth, made, last)
    for p in range(len(pupils)):
        book.absences(p)
    book.unseen()
    book.forgotten_register(pupils)
    for p, pupil in enumerate(pupils):
        if pupil.leaving is not None and pupil.leaving_known is not None and pupil.leaving_known > pupil.leaving:
            left, known = calendar.on_or_before(pupil.leaving), calendar.on_or_before(pupil.leaving_known)
            for d in range(left + 1, min(known, last + 1)):
                for s in (AM, PM):
                    made.first[p, d, s] = code("N")
                    book.change(known, p, d, s, 0, "gone")
    made.changes.sort(key=lambda c: (c.recorded, c.pupil, c.day, c.session))
    for c in made.changes:
        made.now[c.pupil, c.day, c.session] = c.code
    return made


class _Book:
    def __init__(self, rng: Generator, truth: Truth, made: Recorded, last: int) -> None:
        self.rng, self.truth, self.made, self.last = rng, truth, made, last
        self.n_code = code("N")
        self.names = {code(c): c for c in ("I", "M", "G", "O", "/", "\\", "L", "U")}

    def change(self, recorded: int, p: int, d: int, s: int, to: int, comment: str) -> None:
        minutes = int(self.truth.minutes[p, d, s]) if to else 0
        self.made.changes.append(Change(recorded, p, d, s, to, minutes, COMMENTS.get(comment, "Register corrected")))

    def absences(self, p: int) -> None:
        """Each run of one reason: N from its first day until somebody knows, or a wrong reason for some time."""
        flat = self.truth.codes[p].reshape(-1)
        edges = np.flatnonzero(np.diff(flat, prepend=255, append=255))
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            name = self.names.get(int(flat[start]), "")
            if name not in FIRST_N:
                continue
            if self.rng.random() < FIRST_N[name]:
                self._unknown(p, start, end, name)
            elif name in "IO" and self.rng.random() < REASON_CHANGED:
                self._other_reason(p, start, end, "O" if name == "I" else "I", name)

    def _unknown(self, p: int, start: int, end: int, name: str) -> None:
        after = int(self.rng.choice(len(RESOLVED_AFTER) + 1, p=[*RESOLVED_AFTER, 1 - RESOLVED_AFTER.sum()])) + 1
        known = start // 2 + after if after <= len(RESOLVED_AFTER) else self.last + 1
        for at in range(start, end):
            d, s = divmod(at, 2)
            if d >= known:
                break
            self._at_first(p, d, s, self.n_code, known, name)

    def _other_reason(self, p: int, start: int, end: int, first: str, name: str) -> None:
        known = end // 2 + int(self.rng.integers(7, 20))
        for at in range(start, end):
            self._at_first(p, *divmod(at, 2), code(first), known, name)

    def _at_first(self, p: int, d: int, s: int, first: int, known: int, name: str) -> None:
        self.made.first[p, d, s] = first
        self.made.first_minutes[p, d, s] = 0
        if known <= self.last:
            self.change(known, p, d, s, int(self.truth.codes[p, d, s]), name)
        else:
            self.made.now[p, d, s] = first

    def unseen(self) -> None:
        """Pupils who were there and marked N, put right within days."""
        there = np.isin(self.truth.codes, [code(c) for c in ("/", "\\", "L")])
        for p, d, s in np.argwhere(there & (self.rng.random(there.shape) < WRONGLY_ABSENT)).tolist():
            known = d + int(self.rng.integers(1, 4))
            self._at_first(p, d, s, self.n_code, known, self.names[int(self.truth.codes[p, d, s])])

    def forgotten_register(self, pupils: Sequence[Pupil]) -> None:
        """One class's afternoon register is entered two days late; another's, of the last day, not yet."""
        names = sorted({p.class_name for p in pupils})
        for name, d in ((names[len(names) // 2], 37), (names[-1], self.last)):
            if d > self.last:
                continue
            for p, pupil in enumerate(pupils):
                if pupil.class_name == name and self.truth.codes[p, d, PM]:
                    self._earlier_entries_go(p, d)
                    self._at_first(p, d, PM, 0, d + 2, "")

    def _earlier_entries_go(self, p: int, d: int) -> None:
        self.made.changes = [c for c in self.made.changes if (c.pupil, c.day, c.session) != (p, d, PM)]
