"""Lessons beside registration, as exam questions: five lessons a day, three before and two after lunch."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from exam_school import day, school

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.lesson_attendance import (
    AFTERNOON,
    EITHER,
    MORNING,
    LessonAttendance,
    LessonMarks,
    halves_of_periods,
    lesson_attendance,
)
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.register_codes import CODES

SUBJECTS = ("Maths", "English", "Science", "French", "PE")  # periods 1 to 5
HALVES = {"1": MORNING, "2": MORNING, "3": MORNING, "4": AFTERNOON, "5": AFTERNOON}


def lessons(inputs: SchoolInputs, said: list[dict[str, str]], halves: dict[str, int] | None = None) -> LessonAttendance:
    """A dictionary a pupil: date to the codes of the five periods; `-` is no mark."""
    rows = [
        (p, inputs.calendar.index(day(date)), str(i), SUBJECTS[i - 1], CODES.numbers_of([code])[0])
        for p, dates in enumerate(said)
        for date, codes in dates.items()
        for i, code in enumerate(codes.split(), 1)
        if code != "-"
    ]
    pupil, days, period, subject, code = zip(*rows, strict=True)
    marks = LessonMarks(
        np.array(pupil), np.array(days), np.array(period, dtype=object), np.array(subject, dtype=object), np.array(code)
    )
    return lesson_attendance(inputs, marks, halves)


@pytest.mark.parametrize(
    ("registered", "codes", "halves", "missed", "after", "without"),
    [
        ("/ \\", "/ / / / /", HALVES, 0, 0, 0),
        ("/ \\", "/ / O / /", HALVES, 1, 1, 1),  # present all day, and away from one lesson
        ("/ \\", "/ / M / /", HALVES, 1, 1, 0),  # at the dentist: missed, with a reason
        ("/ \\", "/ / N / /", HALVES, 1, 1, 1),
        ("/ \\", "/ / U / /", HALVES, 0, 0, 0),  # late to the lesson, but there
        ("/ \\", "/ - / / /", HALVES, 0, 0, 0),  # no mark is no absence
        ("/ I", "/ / / I I", HALVES, 2, 0, 0),  # ill in the afternoon, and not registered
        ("/ I", "/ O / I I", HALVES, 3, 1, 1),
        ("I \\", "I I I / O", HALVES, 4, 1, 1),
        ("O O", "O O O O O", HALVES, 5, 0, 0),  # absent from school, not from lessons
        ("L \\", "O / / / /", HALVES, 1, 1, 1),  # came late to registration, and was there
        ("U \\", "O / / / /", HALVES, 1, 0, 0),  # came after it had closed
        ("V V", "O O O O O", HALVES, 5, 0, 0),  # on a trip: in no lesson
        ("/ \\", "/ / / O /", {}, 1, 1, 1),  # the period's session is not known, but both were attended
        ("/ I", "/ O / I I", {}, 3, 0, 0),  # not known, and only one attended: not counted
    ],
)
def test_missed_after_registration(
    registered: str, codes: str, halves: dict[str, int], missed: int, after: int, without: int
) -> None:
    found = lessons(school({"09-03": registered}), [{"09-03": codes}], halves).whole
    assert (found.missed, found.after_registration, found.without_reason) == (missed, after, without)


def test_which_registration_a_period_belongs_to_is_seen_in_half_days() -> None:
    """Two pupils, each ten afternoons ill; who was there for the morning alone was in periods 1 to 3."""
    dates = [f"09-{d:02d}" for d in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12)]
    ill = dict.fromkeys(dates, "/ I")
    inputs = school(ill, ill, until="09-30")
    found = lessons(inputs, [dict.fromkeys(dates, "/ / / I I")] * 2)
    assert found.halves == HALVES
    few = lessons(inputs, [dict.fromkeys(dates[:9], "/ / / I I")] * 2)
    assert set(few.halves.values()) == {EITHER}  # eighteen lessons are too few to know
    assert halves_of_periods(inputs, few.marks) == few.halves
    assert lessons(inputs, [dict.fromkeys(dates, "/ / / I I")] * 2, {"3": AFTERNOON}).halves["3"] == AFTERNOON


def test_by_subject_period_and_pupil() -> None:
    inputs = school({}, {"09-04": "I I"}, until="09-30")
    found = lessons(
        inputs,
        [
            {"09-03": "/ / O O /", "09-04": "/ / / L O"},
            {"09-03": "/ / / / /", "09-04": "I I I I I"},
        ],
        HALVES,
    )
    subjects = {c.name: (c.lessons, c.missed, c.after_registration, c.late, c.pupils_missing) for c in found.by_subject}
    assert subjects == {
        "Maths": (4, 1, 0, 0, 0),
        "English": (4, 1, 0, 0, 0),
        "Science": (4, 2, 1, 0, 1),
        "French": (4, 2, 1, 1, 1),
        "PE": (4, 2, 1, 0, 1),
    }
    assert [c.name for c in found.by_period] == ["1", "2", "3", "4", "5"]
    (pupil,) = found.by_pupil
    assert (pupil.pupil, pupil.lessons, pupil.missed, pupil.after_registration, pupil.days) == (0, 10, 3, 3, 2)
    assert pupil.sentence == "Present at registration and missing from 3 lessons on 2 days, 3 without a reason."


def test_a_subject_that_is_missed_more_often_than_by_chance() -> None:
    """French, on eight days, one lesson of five each: 1 in 390,625 for one subject."""
    dates = [f"09-{d:02d}" for d in (1, 2, 3, 4, 5, 8, 9, 10)]
    inputs = school({}, until="09-30")
    (pupil,) = lessons(inputs, [dict.fromkeys(dates, "/ / / O /")], HALVES).by_pupil
    assert (pupil.subject, pupil.subject_missed, pupil.subject_lessons) == ("French", 8, 8)
    # Whole afternoons away are one event a day, and PE is missed as often as French.
    (pupil,) = lessons(inputs, [dict.fromkeys(dates[:4], "/ / / O O")], HALVES).by_pupil
    assert pupil.subject == ""
    # Whole days of lessons missed say nothing of any subject.
    (pupil,) = lessons(inputs, [dict.fromkeys(dates, "O O O O O")], HALVES).by_pupil
    assert (pupil.subject, pupil.after_registration) == ("", 40)


def test_periods_in_the_order_of_a_timetable() -> None:
    inputs = school({}, until="09-30")
    names = ["Mon:10", "Mon:9", "Reg", "Mon:1"]
    marks = LessonMarks(
        np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64), np.array(names, dtype=object),
        np.array(["", "", "", ""], dtype=object), np.full(4, CODES.numbers_of(["/"])[0]),
    )  # fmt: skip
    found = lesson_attendance(inputs, marks)
    assert [c.name for c in found.by_period] == ["Mon:1", "Mon:9", "Mon:10", "Reg"]
    assert [c.name for c in found.by_subject] == ["No subject given"]


def test_lessons_change_no_measure() -> None:
    """The same school with every lesson missed: attendance is what the register says."""
    inputs = school({"09-03": "/ \\"}, until="09-30")
    last = inputs.calendar.on_or_before(dt.date(2025, 9, 30))
    before = derive_school(inputs, 0, last).counts.words.copy()
    assert lessons(inputs, [{"09-03": "O O O O O"}], HALVES).by_pupil
    assert (derive_school(inputs, 0, last).counts.words == before).all()


def test_lessons_off_roll_are_left_out() -> None:
    inputs = school({}, rows=[{"entry": day("09-08")}], until="09-30")
    assert lessons(inputs, [{"09-03": "O O O O O", "09-09": "/ / / / O"}], HALVES).whole.lessons == 5
