"""What parents sent on the online form: most illnesses and appointments, with their children named as parents do.

Belongs here: drawing who sent a form, when and how it names the child. Not here: the marks, and writing files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from attendance_pipeline.demo.marks import AM, code
from attendance_pipeline.demo.people import Pupil
from attendance_pipeline.law.school_calendar import SchoolCalendar

SENT = {"I": 0.55, "M": 0.7, "N": 0.3, "/": 0.0004}  # of absences by code; the last: a child who came after all
REASONS = {"I": "Unwell this morning", "M": "Appointment", "N": "Unwell this morning", "/": "Unwell this morning"}
A_DAY_LATE = 0.1
# How a form names the child: with the UPN, with the class, by the name alone, surname first, with a slip of the pen.
NAMED = (0.33, 0.42, 0.18, 0.05, 0.02)
TO_COME = 3  # forms of the last day that speak of the week after


@dataclass(frozen=True)
class SentForm:
    """One answer to the online form."""

    submitted: dt.datetime
    upn: str
    name: str
    first: dt.date
    last: dt.date | None
    reason: str


def send_forms(
    rng: Generator, calendar: SchoolCalendar, pupils: Sequence[Pupil], register: npt.NDArray[np.uint8]
) -> list[SentForm]:
    """The forms of all days that `register` (uint8[P, D, 2]) has, in the order in which they were sent."""
    out = []
    for p, pupil in enumerate(pupils):
        for letter, first, length in _absences(register[p, :, AM]):
            if rng.random() < SENT[letter]:
                out.append(_form(rng, calendar, pupil, letter, first, length))
    today = register.shape[1] - 1
    for p in rng.permutation(len(pupils))[:TO_COME].tolist():
        if today + 2 < len(calendar) and pupils[p].leaving is None:
            out.append(_form(rng, calendar, pupils[p], "M", today + 2, 1, sent_on=today))
    return sorted(out, key=lambda f: (f.submitted, f.upn, f.name))


def _absences(marks: npt.NDArray[np.uint8]) -> Iterator[tuple[str, int, int]]:
    """(code, first day, school days) of the runs of each code that a form may speak of."""
    for letter in SENT:
        held = np.concatenate([[False], marks == code(letter), [False]])
        edges = np.flatnonzero(np.diff(held)).reshape(-1, 2)
        if letter == "/":
            edges = np.array([[d, d + 1] for first, stop in edges for d in range(first, stop)]).reshape(-1, 2)
        yield from ((letter, int(first), int(stop - first)) for first, stop in edges)


def _form(
    rng: Generator, calendar: SchoolCalendar, pupil: Pupil, letter: str, first: int, length: int, sent_on: int = -1
) -> SentForm:
    day = calendar.date(first)
    guessed = calendar.date(min(first + int(rng.choice([1, length])) - 1, len(calendar) - 1))
    sent = calendar.date(sent_on) if sent_on >= 0 else day + dt.timedelta(days=int(rng.random() < A_DAY_LATE))
    minutes = int(rng.integers(7 * 60 + 5, 8 * 60 + 55))
    with_upn, name = _named(rng, pupil)
    return SentForm(
        submitted=dt.datetime(sent.year, sent.month, sent.day, minutes // 60, minutes % 60),  # noqa: DTZ001  # as a form has it
        upn=pupil.upn if with_upn else "",
        name=name,
        first=day,
        last=None if guessed == day else guessed,
        reason=REASONS[letter],
    )


def _named(rng: Generator, pupil: Pupil) -> tuple[bool, str]:
    """Whether the form has the UPN, and what stands under Pupil Name."""
    name = f"{pupil.preferred or pupil.forename} {pupil.surname}"
    how = int(rng.choice(len(NAMED), p=NAMED))
    if how == 1:
        return False, f"{name} ({pupil.class_name})"
    if how == 3:
        return False, f"{pupil.surname}, {pupil.forename}"
    if how == 4:
        at = int(rng.integers(1, len(name) - 1))
        return False, name[:at] + name[at + 1 :]
    return how == 0, name
