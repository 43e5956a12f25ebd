"""Registers inspected, N by class, codes by class and what stands out, groups' patterns: worked out by hand.

Schools of exam_school.py: the year begins on Monday 1 September 2025; weeks have five days until 20 October.
"""

from __future__ import annotations

import numpy as np
import pytest
from exam_school import day, school

from attendance_pipeline.derive.group_patterns import group_patterns
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.patterns import patterns_of
from attendance_pipeline.derive.register_inspection import (
    FEWEST_PUPILS,
    NOT_RECORDED,
    Looked,
    code_use,
    codes_that_stand_out,
    inspect_registers,
    unexplained,
)
from attendance_pipeline.law.register_codes import CODES

LAST = "09-12"  # ten days of two weeks


def two_classes(*pupils: tuple[str, dict[str, str]], **more: object) -> SchoolInputs:
    """Pupils as (class, marks)."""
    rows = [{"class_name": name} for name, _ in pupils]
    return school(*(marks for _, marks in pupils), rows=rows, until=LAST, **more)


def last_of(inputs: SchoolInputs) -> int:
    return inputs.calendar.on_or_before(day(LAST))


# ---------------------------------------------------------------- missing and late registers


@pytest.mark.parametrize(
    ("marks", "missing", "gaps", "gap_pupils"),
    [
        ([{}, {}], 0, 0, 0),
        ([{"09-03": "- \\"}, {"09-03": "- \\"}], 1, 0, 0),  # nobody's morning: the register was not taken
        ([{"09-03": "- \\"}, {}], 0, 1, 1),  # one of two: a mark is missing
        ([{"09-03": "- -", "09-04": "- \\"}, {}], 0, 3, 1),
        ([{"09-03": "- -"}, {"09-03": "- -"}], 2, 0, 0),  # morning and afternoon
        ([{"09-12": "/ -"}, {"09-12": "/ -"}], 1, 0, 0),  # the newest afternoon, which the other class has
    ],
)
def test_missing_registers(marks: list[dict[str, str]], missing: int, gaps: int, gap_pupils: int) -> None:
    inputs = two_classes(*(("5B", m) for m in marks), ("4A", {}))
    found = inspect_registers(inputs, 0, last_of(inputs), Looked()).classes[1]
    assert (found.class_name, found.sessions) == ("5B", 20)
    assert (found.missing, found.gaps, found.gap_pupils) == (missing, gaps, gap_pupils)


def test_which_register_is_missing() -> None:
    inputs = two_classes(("5B", {"09-03": "- \\"}), ("5B", {"09-03": "- \\"}), ("4A", {}))
    assert [(m.class_name, m.day, m.half, m.pupils) for m in inspect_registers(inputs, 0, 9, Looked()).missing] == [
        ("5B", 2, 0, 2)
    ]


@pytest.mark.parametrize(
    ("more", "looked"),
    [
        ({"09-01..09-12": "- -"}, Looked(silent_after=5)),  # on the list, and never there: not the register's matter
        ({"09-03..09-05": "- -"}, Looked(half_day_year_groups=("N2",))),
    ],
)
def test_for_whom_no_register_is_missing(more: dict[str, str], looked: Looked) -> None:
    rows = [{"class_name": "5B", "year_group": "N2"}, {"class_name": "4A"}]
    inputs = school(more, {}, rows=rows, until=LAST)
    found = inspect_registers(inputs, 0, last_of(inputs), looked)
    assert found.missing == ()
    silent_days = [c for c in found.classes if c.class_name == "5B"]
    assert all(c.gaps == 0 for c in silent_days)


def test_a_day_that_nobody_marked_is_no_class_s_fault() -> None:
    inputs = two_classes(("5B", {"09-03": "- -"}), ("4A", {"09-03": "- -"}))
    assert inspect_registers(inputs, 0, 9, Looked()).missing == ()


def test_an_extract_made_at_noon_lacks_no_afternoon() -> None:
    inputs = two_classes(("5B", {"09-12": "/ -"}), ("4A", {"09-12": "/ -"}))
    found = inspect_registers(inputs, 0, 9, Looked())
    assert found.missing == () and [c.sessions for c in found.classes] == [19, 19]


def test_late_registers_are_those_that_came_after_others_of_the_same_session() -> None:
    inputs = two_classes(("5B", {}), ("5B", {}), ("4A", {}))
    recorded = np.broadcast_to(np.arange(10)[None, :, None], (3, 10, 2)).copy()
    recorded[0:2, 3, 0] = 5  # 5B's Thursday morning came two days after 4A's
    recorded[0, 4, 0] = 9  # one pupil was added later: the register itself was in time
    recorded[:, 6, 1] = 8  # the whole school's Tuesday afternoon came late: no class is late
    recorded[2, 7, 0] = NOT_RECORDED
    found = inspect_registers(inputs, 0, 9, Looked(), recorded)
    assert [(x.class_name, x.day, x.half, x.days_late) for x in found.late] == [("5B", 3, 0, 2)]
    assert [(c.class_name, c.known, c.late) for c in found.classes] == [("4A", 19, 0), ("5B", 20, 1)]


def test_n_by_class_and_age() -> None:
    inputs = two_classes(("5B", {"09-02": "N N", "09-12": "N \\"}), ("5B", {"09-04": "N \\"}), ("4A", {"09-05": "/ N"}))
    found = unexplained(inputs, last_of(inputs), 5)
    # Friday 12 September is the tenth day: 2 September is 8 school days old, the 4th 6, the 5th 5.
    assert [(n.class_name, n.sessions, n.pupils, n.overdue, n.overdue_pupils, n.oldest) for n in found] == [
        ("5B", 4, 2, 3, 2, 8),
        ("4A", 1, 1, 0, 0, 5),
    ]


# ---------------------------------------------------------------- codes


def test_codes_counted() -> None:
    inputs = two_classes(("5B", {"09-02": "I I", "09-03": "X \\"}), ("4A", {"09-05": "L -"}))
    everyone = code_use(inputs, 0, last_of(inputs), np.ones(2, dtype=bool))
    assert (everyone.pupils, everyone.sessions, everyone.possible) == (2, 39, 38)
    assert everyone.codes == {"/": 17, "\\": 18, "L": 1, "I": 2, "X": 1}
    assert everyone.users == {"/": 2, "\\": 2, "L": 1, "I": 1, "X": 1}


def school_of_classes(of_class: dict[str, list[dict[str, str]]]) -> SchoolInputs:
    return two_classes(*((name, marks) for name, pupils in of_class.items() for marks in pupils))


def test_a_class_that_stands_out() -> None:
    """All ten of 5B have an N; two of the other thirty have."""
    others = {name: [{}] * 10 for name in ("1A", "2A", "3A")} | {"1A": [{"09-02": "N \\"}] * 2 + [{}] * 8}
    inputs = school_of_classes(others | {"5B": [{"09-08": "N N"}] * 10})
    found = codes_that_stand_out(inputs, 0, last_of(inputs))
    assert [(s.class_name, s.code, s.more, s.high, s.pupils, s.expected) for s in found] == [
        ("5B", "N", True, 10, 10, 3.0)
    ]
    assert found[0].sentence == (
        "5B has more N than the rest of the school: 10.0% of its marks, 0.3% elsewhere; 10 of 10 pupils have more than "
        "the school's middle pupil, where 3 would be usual."
    )


@pytest.mark.parametrize(
    ("what", "fifth"),
    [
        # One child with ten days of O: twenty marks, and one pupil.
        ("one child's long absence", [{"09-01..09-12": "O O"}] + [{}] * 9),
        ("two children", [{"09-02": "I I"}] * 2 + [{}] * 8),
        ("a trip of the whole class", [{"09-02": "V V"}] * 10),
        ("a class too small to say", [{"09-08": "N N"}] * (FEWEST_PUPILS - 1)),
    ],
)
def test_what_does_not_stand_out(what: str, fifth: list[dict[str, str]]) -> None:
    inputs = school_of_classes({name: [{}] * 10 for name in ("1A", "2A", "3A")} | {"5B": fifth})
    assert codes_that_stand_out(inputs, 0, last_of(inputs)) == [], what


def test_classes_that_use_codes_alike_are_seldom_named() -> None:
    """Two hundred schools of ten classes in which every pupil draws from the same codes: at most one in twenty names
    a class."""
    rng = np.random.default_rng(5)
    base = school_of_classes({f"{n}A": [{}] * 25 for n in range(10)})
    codes = np.array(CODES.numbers_of(["/", "I", "O", "N", "L", "U", "M"]), dtype=np.uint8)
    named = 0
    for _ in range(200):
        marks = base.marks.copy()
        own = rng.dirichlet([60, 2, 1, 0.3, 1, 0.3, 0.5], size=250)  # each pupil has habits of their own
        for p in range(250):
            marks[p, :10, 0] = codes[rng.choice(len(codes), size=10, p=own[p])]
        inputs = SchoolInputs("exam", base.calendar, base.policy, base.pupils, marks, base.log)
        named += bool(codes_that_stand_out(inputs, 0, 9))
    assert named <= 10


# ---------------------------------------------------------------- groups


def test_patterns_of_a_group() -> None:
    """Two pupils over eight weeks; one ill on every Friday of seven weeks, one on a Tuesday and late on a Monday."""
    fridays = dict.fromkeys(("09-05", "09-12", "09-19", "09-26", "10-03", "10-10", "10-17"), "I I")
    inputs = school(fridays, {"10-21": "I \\", "09-08": "L \\"}, until="10-24")
    last = inputs.calendar.on_or_before(day("10-24"))
    found = group_patterns(patterns_of(inputs, 0, last), np.ones(2, dtype=bool))
    assert [part for part, _ in found.by_weekday] == [0, 1, 0, 0, 14]
    assert [whole for _, whole in found.by_weekday] == [32] * 5
    assert (found.worst, found.worst_weeks, found.weeks_asked) == ((4,), 7, 8)
    assert found.sentences == ("Friday was the day with most absence in 7 of 8 weeks: more than chance would bring.",)
    assert (found.spells, found.short_spells, found.weeks, found.broken, found.missed) == (8, 8, 16, 8, 0)
    assert [part for part, _ in found.late_by_weekday] == [1, 0, 0, 0, 0]
    # The last day before half-term, the first of the year; no absence on either.
    assert (found.before, found.after, found.other) == ((0, 4), (0, 4), (15, 152))


def test_mondays_and_fridays_of_a_group() -> None:
    marks = dict.fromkeys(("09-05", "09-15", "09-26", "09-29", "10-10", "10-13", "11-07", "11-10"), "I I")
    inputs = school(marks, until="11-14")
    last = inputs.calendar.on_or_before(day("11-14"))
    found = group_patterns(patterns_of(inputs, 0, last), np.ones(1, dtype=bool))
    assert (found.worst, found.worst_weeks, found.weeks_asked) == ((0, 4), 8, 8)


def test_a_week_with_two_worst_days_says_nothing() -> None:
    inputs = school({"09-01": "I I", "09-03": "I I", "09-09": "I I"}, until="09-12")
    found = group_patterns(patterns_of(inputs, 0, 9), np.ones(1, dtype=bool))
    assert found.weeks_asked == 1
