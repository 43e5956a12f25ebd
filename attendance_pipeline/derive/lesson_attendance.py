"""Lessons beside the register: who was present at registration and missing from lessons, by pupil, subject and period.

Belongs here: lesson marks counted, and their place beside the morning's and afternoon's. Not here: any measure: lessons
are never part of statutory figures, open no stage and stand in no letter.

Which lessons belong to the morning is in no extract. A lesson missed counts as missed after registration when the pupil
was present at both registrations of the day; and where a period's session is known (the school says so, or the pupils
who were there for half a day show it) when the pupil was present at that one. Present is present in school: a pupil on
a visit or at work experience is in no lesson and misses none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import comb

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.chance import at_least
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.patterns import CHANCE, MIN_EVENTS
from attendance_pipeline.law.register_codes import (
    AUTHORISED,
    CODES,
    LATE_AFTER,
    LATE_BEFORE,
    POSSIBLE,
    UNAUTHORISED,
)

Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]

MORNING, AFTERNOON, EITHER = 0, 1, -1
# A period is taken for a morning's (or an afternoon's) where so many lessons of pupils who were there for one half of
# the day agree with it, and nearly all of them.
LESSONS_TO_KNOW = 20
AGREE = 0.9
NO_SUBJECT = "No subject given"


@dataclass(frozen=True)
class LessonMarks:
    """Lesson marks of one school, arrays of one length: row in PupilTable, number of the school day, period and subject
    as the extract has them, number of the code."""

    pupil: Longs
    day: Longs
    period: Texts
    subject: Texts
    code: Longs

    def __len__(self) -> int:
        return len(self.pupil)


@dataclass(frozen=True)
class LessonCounts:
    """Lessons of some pupils, subject or period: those that a mark says were possible, missed of them, missed by pupils
    present at registration, of these without an authorised reason; lates; and pupils with a lesson missed after
    registration."""

    name: str
    pupils: int
    lessons: int
    missed: int
    after_registration: int
    without_reason: int
    late: int
    pupils_missing: int


@dataclass(frozen=True)
class PupilLessons:
    """One pupil who missed lessons after registration. `days`: on how many days; `subject`: one that they miss more
    often than chance, "" for none, with how many of its lessons on those days were missed (`subject_missed`)."""

    pupil: int
    lessons: int
    missed: int
    after_registration: int
    without_reason: int
    days: int
    late: int
    subject: str
    subject_missed: int
    subject_lessons: int
    latest: int

    @property
    def sentence(self) -> str:
        """Without a name."""
        lessons = "1 lesson" if self.after_registration == 1 else f"{self.after_registration} lessons"
        days = "1 day" if self.days == 1 else f"{self.days} days"
        said = f"Present at registration and missing from {lessons} on {days}, {self.without_reason} without a reason"
        if self.subject:
            said += (
                f"; {self.subject_missed} of {self.subject_lessons} lessons of {self.subject}, more than chance would "
                "bring"
            )
        return said + "."


@dataclass(frozen=True)
class LessonAttendance:
    """Lessons over some days, with everything that is asked of them. `halves`: the session of each period (MORNING,
    AFTERNOON, EITHER for not known)."""

    inputs: SchoolInputs
    marks: LessonMarks
    halves: Mapping[str, int]

    @cached_property
    def _flags(self) -> npt.NDArray[np.uint16]:
        era, flags = CODES.eras(self.inputs.calendar.days)
        return flags[era[self.marks.day], self.marks.code]

    @cached_property
    def possible(self) -> Bools:
        return (self._flags & POSSIBLE) != 0

    @cached_property
    def missed(self) -> Bools:
        """Absent from the lesson; who came late (U) was there in the end."""
        return ((self._flags & (AUTHORISED | UNAUTHORISED)) != 0) & ((self._flags & LATE_AFTER) == 0)

    @cached_property
    def after_registration(self) -> Bools:
        """Missed by a pupil who was present at the registration that the lesson belongs to."""
        return self.missed & present_at_registration(self.inputs, self.marks, self.halves)

    @cached_property
    def without_reason(self) -> Bools:
        return self.after_registration & ((self._flags & UNAUTHORISED) != 0)

    @cached_property
    def late(self) -> Bools:
        return (self._flags & (LATE_BEFORE | LATE_AFTER)) != 0

    def counts(self, name: str, chosen: Bools) -> LessonCounts:
        """The lessons chosen: bool[lessons]."""
        return LessonCounts(
            name=name,
            pupils=len(np.unique(self.marks.pupil[chosen & self.possible])),
            lessons=int((chosen & self.possible).sum()),
            missed=int((chosen & self.missed).sum()),
            after_registration=int((chosen & self.after_registration).sum()),
            without_reason=int((chosen & self.without_reason).sum()),
            late=int((chosen & self.late).sum()),
            pupils_missing=len(np.unique(self.marks.pupil[chosen & self.after_registration])),
        )

    @property
    def whole(self) -> LessonCounts:
        return self.counts("All lessons", np.ones(len(self.marks), dtype=np.bool_))

    @cached_property
    def _subjects(self) -> tuple[Longs, list[str]]:
        """The subject of each lesson as a number, and the subjects in order."""
        return _numbered(self.marks.subject)

    @cached_property
    def by_subject(self) -> list[LessonCounts]:
        numbers, names = self._subjects
        return [self.counts(name or NO_SUBJECT, numbers == i) for i, name in enumerate(names)]

    @cached_property
    def by_period(self) -> list[LessonCounts]:
        numbers, names = _numbered(self.marks.period)
        return sorted((self.counts(n, numbers == i) for i, n in enumerate(names)), key=lambda c: _natural(c.name))

    @cached_property
    def by_pupil(self) -> list[PupilLessons]:
        """Pupils who missed a lesson after registration; those with most without a reason first."""
        order = np.argsort(self.marks.pupil, kind="stable")
        bounds = np.searchsorted(self.marks.pupil[order], np.arange(len(self.inputs) + 1))
        out = []
        for p in np.unique(self.marks.pupil[self.after_registration]).tolist():
            mine = order[bounds[p] : bounds[p + 1]]
            missing = mine[self.after_registration[mine]]
            subject, missed, lessons = self._subject(mine)
            out.append(
                PupilLessons(
                    pupil=p,
                    lessons=int(self.possible[mine].sum()),
                    missed=int(self.missed[mine].sum()),
                    after_registration=len(missing),
                    without_reason=int(self.without_reason[mine].sum()),
                    days=len(np.unique(self.marks.day[missing])),
                    late=int(self.late[mine].sum()),
                    subject=subject,
                    subject_missed=missed,
                    subject_lessons=lessons,
                    latest=int(self.marks.day[missing].max()),
                )
            )
        return sorted(out, key=lambda p: (-p.without_reason, -p.after_registration, p.pupil))

    def _subject(self, mine: Longs) -> tuple[str, int, int]:
        """The subject that a pupil misses after registration more often than chance; its missed and all its lessons.

        Asked of each day with a lesson missed after registration: had any lessons of the day been the missed ones, how
        likely would one of the subject be among them? A day counts once, as an afternoon away is one event.
        """
        numbers, names = self._subjects
        mine = mine[self.possible[mine]]
        day, subject, away = self.marks.day[mine], numbers[mine], self.after_registration[mine]
        missed = [s for s in np.unique(subject[away]).tolist() if names[s]]
        if np.bincount(subject[away], minlength=1).max() < MIN_EVENTS:
            return "", 0, 0
        days, today = np.unique(day[away], return_inverse=True)
        on_those = np.isin(day, days)
        place = np.searchsorted(days, day[on_those])
        total, gone = np.bincount(place, minlength=len(days)), np.bincount(today, minlength=len(days))
        best, smallest = ("", 0, 0), CHANCE
        for s in missed:
            here = np.bincount(place, weights=subject[on_those] == s, minlength=len(days)).astype(int)
            hit = np.bincount(today, weights=subject[away] == s, minlength=len(days)) > 0
            if int(hit.sum()) < MIN_EVENTS:
                continue
            events = [
                1 - comb(t - n, g) / comb(t, g)
                for t, g, n in zip(total.tolist(), gone.tolist(), here.tolist(), strict=True)
            ]
            chance = float(at_least(np.array([events]), np.array([int(hit.sum())]))[0]) * len(missed)
            if chance < smallest:
                smallest = chance
                best = (names[s], int((away & (subject == s)).sum()), int((subject == s).sum()))
        return best


def lesson_attendance(
    inputs: SchoolInputs, marks: LessonMarks, halves: Mapping[str, int] | None = None
) -> LessonAttendance:
    """Lessons on school days on which their pupils are on roll; others are left out.

    `halves`: what the school says of its periods (MORNING or AFTERNOON); of the others it is found out where it can be.
    """
    pupils = inputs.pupils
    inside = (pupils.entry[marks.pupil] <= marks.day) & (marks.day <= pupils.leave[marks.pupil])
    kept = LessonMarks(*(getattr(marks, name)[inside] for name in LessonMarks.__dataclass_fields__))
    return LessonAttendance(inputs, kept, {**halves_of_periods(inputs, kept), **(halves or {})})


def present_at_registration(inputs: SchoolInputs, marks: LessonMarks, halves: Mapping[str, int]) -> Bools:
    """Of each lesson whether its pupil was present at the registration that it belongs to, or at both."""
    here = _present(inputs)
    both = here[marks.pupil, marks.day].all(axis=1)
    numbers, names = _numbered(marks.period)
    half = np.array([halves.get(name, EITHER) for name in names], dtype=np.int64)[numbers]
    own = here[marks.pupil, marks.day, np.maximum(half, 0)]
    return np.asarray(np.where(half == EITHER, both, own))


def halves_of_periods(inputs: SchoolInputs, marks: LessonMarks) -> dict[str, int]:
    """The session of each period, from pupils who were present at one registration of a day and not at the other: who
    came for the morning alone is in the morning's lessons and in no other."""
    _, flags = CODES.eras(inputs.calendar.days)
    there = (flags[0][marks.code] & (AUTHORISED | UNAUTHORISED)) == 0
    here = _present(inputs)[marks.pupil, marks.day]
    half_day = here[:, 0] != here[:, 1]
    out = {}
    numbers, names = _numbered(marks.period)
    for number, period in enumerate(names):
        mine = half_day & (numbers == number)
        lessons = int(mine.sum())
        agree = int((there[mine] == here[mine, MORNING]).sum())
        out[period] = EITHER
        if lessons >= LESSONS_TO_KNOW:
            if agree >= AGREE * lessons:
                out[period] = MORNING
            elif lessons - agree >= AGREE * lessons:
                out[period] = AFTERNOON
    return out


def _present(inputs: SchoolInputs) -> Bools:
    """Present in school at registration, early or late: bool[P, days, 2]. Not on a visit, not elsewhere."""
    present = np.zeros(256, dtype=np.bool_)
    present[[row.number for row in CODES.rows if row.code_class == "present"]] = True
    return np.asarray(present[inputs.marks])


def _numbered(labels: Texts) -> tuple[Longs, list[str]]:
    """Labels as numbers, and the labels in order."""
    names = sorted({str(label) for label in labels.tolist()})
    of_name = {name: i for i, name in enumerate(names)}
    return np.array([of_name[str(label)] for label in labels.tolist()], dtype=np.int64), names


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """An order in which period 10 comes after period 9."""
    parts: list[tuple[int, str]] = []
    digits = ""
    for char in [*name, ""]:
        if char.isdigit():
            digits += char
            continue
        if digits:
            parts.append((int(digits), ""))
            digits = ""
        if char:
            parts.append((-1, char))
    return tuple(parts)
