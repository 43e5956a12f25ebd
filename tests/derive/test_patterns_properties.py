"""Patterns against a slow model told from the words alone, over random schools; and how often chance is taken for one.

The slow model walks a pupil's marks one session at a time and knows nothing of arrays.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from exam_school import BORN, YEAR, calendar, policy
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance_pipeline.derive.chance import at_least, drawn_at_least
from attendance_pipeline.derive.families import Family, absent_together
from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.patterns import CHANCE, WEEKDAYS, patterns_of
from attendance_pipeline.derive.spells import edges
from attendance_pipeline.law.register_codes import CODES

CALENDAR = calendar(YEAR)
TERM = CALENDAR.on_or_before(CALENDAR.date(0).replace(month=12, day=19)) + 1  # days of the autumn term
ABSENT, ATTENDED = {"I", "O", "N", "U", "C2", "M"}, {"/", "\\", "L", "B", "V"}
LATE = {"L", "U"}


def school_of(marks: np.ndarray, rows: list[dict[str, object]] | None = None) -> SchoolInputs:
    whole = np.zeros((len(marks), len(CALENDAR), 2), dtype=np.uint8)
    whole[:, : marks.shape[1]] = marks
    pupils = PupilTable.from_rows(CALENDAR, rows or [{"born": BORN}] * len(marks))
    return SchoolInputs("exam", CALENDAR, policy(), pupils, whole, LogTable.from_entries(len(marks), []))


def told_slowly(codes: list[tuple[str, str]], entry: int, leave: int) -> dict[str, object]:
    """One pupil's days from the first, each with its two codes ("": no mark)."""
    spells: list[list[int]] = []
    running = False
    by_weekday, late_by_weekday = [0] * 5, [0] * 5
    weeks: dict[int, set[str]] = {}
    before, after = edges(CALENDAR)
    at_edge = 0
    for d, day in enumerate(codes):
        if not entry <= d <= leave:
            continue
        for half, code in enumerate(day):
            if code in ABSENT:
                if running:
                    spells[-1].append(2 * d + half)
                else:
                    spells.append([2 * d + half])
                running = True
            elif code in ATTENDED:
                running = False
            if code in ABSENT | ATTENDED:
                weeks.setdefault(int(CALENDAR.week[d]), set()).add("absent" if code in ABSENT else "attended")
        weekday = CALENDAR.date(d).weekday()
        by_weekday[weekday] += any(c in ABSENT for c in day)
        late_by_weekday[weekday] += any(c in LATE for c in day)
        at_edge += bool(before[d] or after[d]) and any(c in ABSENT for c in day)
    kinds = [weeks[w] for w in sorted(weeks)]
    latest = len(list(itertools.takewhile(lambda k: "absent" in k, reversed(kinds))))
    return {
        "spells": [len(s) for s in spells],
        "weekdays": tuple(by_weekday),
        "late": tuple(late_by_weekday),
        "edge": at_edge,
        "weeks": (len(kinds), kinds.count({"attended"}), sum(len(k) == 2 for k in kinds), kinds.count({"absent"})),
        "latest": latest,
        "running": running,
    }


@given(
    st.lists(
        st.lists(st.tuples(*[st.sampled_from(["/", "/", "I", "O", "L", "U", "B", "Y4", ""])] * 2), min_size=TERM,
                 max_size=TERM),
        min_size=1, max_size=3,
    ),
    st.integers(0, 20), st.integers(30, TERM - 1),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_against_the_slow_model(codes: list[list[tuple[str, str]]], entry: int, leave: int) -> None:
    numbers = {"": 0} | {row.code: row.number for row in CODES.rows}
    marks = np.array([[[numbers[c] for c in day] for day in pupil] for pupil in codes], dtype=np.uint8)
    rows = [{"born": BORN, "entry": CALENDAR.date(entry), "leave": CALENDAR.date(leave)}] * len(codes)
    found = patterns_of(school_of(marks, rows), 0, TERM - 1)
    for p, pupil in enumerate(codes):
        told, seen = told_slowly(pupil, entry, leave), found.of(p)
        assert found.spells.sessions[found.spells.of(p)].tolist() == told["spells"]
        assert seen.weekdays.absent == told["weekdays"]
        assert seen.lates.late == told["late"]
        assert seen.breaks.edge_absent == told["edge"]
        assert (seen.weeks.weeks, seen.weeks.full, seen.weeks.broken, seen.weeks.missed) == told["weeks"]
        assert seen.weeks.latest == told["latest"]
        assert seen.spells.running == (bool(told["running"]) and leave == TERM - 1)


# ---------------------------------------------------------------- chance


@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.integers(0, 9))
@settings(deadline=None)
def test_at_least_so_many_of_some_events_counted_out(sixths: list[int], least: int) -> None:
    """Every way in which the events may fall, one by one."""
    wanted = Fraction(0)
    for fall in itertools.product((0, 1), repeat=len(sixths)):
        if sum(fall) >= least:
            way = Fraction(1)
            for happened, chance in zip(fall, sixths, strict=True):
                way *= Fraction(chance, 6) if happened else 1 - Fraction(chance, 6)
            wanted += way
    found = at_least(np.array([[s / 6 for s in sixths]]), np.array([least]))[0]
    assert found == pytest.approx(float(wanted), abs=1e-12)


@pytest.mark.parametrize(
    ("least", "drawn", "marked", "total"), [(0, 3, 2, 7), (1, 3, 2, 7), (2, 3, 4, 7), (3, 5, 3, 6), (4, 3, 3, 6)]
)
def test_drawn_counted_out(least: int, drawn: int, marked: int, total: int) -> None:
    draws = list(itertools.combinations(range(total), drawn))
    wanted = sum(sum(i < marked for i in draw) >= least for draw in draws) / len(draws)
    assert drawn_at_least(least, drawn, marked, total) == pytest.approx(wanted)


def random_school(pupils: int, seed: int, *, weekday: float = 1.0, days: tuple[int, ...] = (1,)) -> SchoolInputs:
    """Pupils with spells begun on any day, so many days long; `weekday`: how much likelier on a Monday."""
    rng = np.random.default_rng(seed)
    am, pm, ill, late = CODES.numbers_of(["/", "\\", "I", "L"])
    marks = np.zeros((pupils, TERM, 2), dtype=np.uint8)
    marks[...] = (am, pm)
    odds = np.where(CALENDAR.weekday[:TERM] == 0, weekday, 1.0)
    for p in range(pupils):
        for _ in range(rng.poisson(8)):
            day = rng.choice(TERM, p=odds / odds.sum())
            marks[p, day : day + rng.choice(days)] = ill
        here = np.flatnonzero(marks[p, :, 0] == am)
        marks[p, rng.choice(here, size=min(len(here), rng.poisson(6)), replace=False), 0] = late
    return school_of(marks)


@pytest.mark.parametrize("days", [(1,), (1, 1, 1, 2, 3, 5, 10)])
def test_pupils_without_a_pattern_are_told_of_one_less_often_than_is_said(days: tuple[int, ...]) -> None:
    """Of 1,500 pupils whose absences and lates lie anywhere, fewer than one in a hundred, for each thing that is said."""
    inputs = random_school(1_500, seed=1, days=days)
    found = patterns_of(inputs, 0, TERM - 1)
    all_patterns = [found.of(p) for p in range(1_500)]
    for said in ("weekdays", "breaks", "lates"):
        wrong = sum("more than chance" in getattr(p, said).sentence for p in all_patterns)
        assert wrong <= CHANCE * 1_500, said


def test_a_real_habit_is_seen_in_most() -> None:
    """Where nine days of absence in ten are Mondays, most pupils are said to miss Mondays."""
    found = patterns_of(random_school(300, seed=2, weekday=40.0), 0, TERM - 1)
    chosen = [found.of(p).weekdays.chosen for p in range(300)]
    assert sum(0 in c for c in chosen) >= 200
    assert not any(c and 0 not in c for c in chosen), WEEKDAYS


@given(st.integers(0, 10_000), st.integers(2, 4))
@settings(max_examples=20, deadline=None)
def test_families_against_a_slow_count(seed: int, pupils: int) -> None:
    """Days on which two of a family or more are absent, one day and one child at a time."""
    rng = np.random.default_rng(seed)
    codes = rng.choice(["/", "I", "U", "X", ""], p=[0.6, 0.25, 0.05, 0.05, 0.05], size=(pupils, 40, 2))
    numbers = {"": 0} | {row.code: row.number for row in CODES.rows}
    marks = np.vectorize(numbers.get)(codes).astype(np.uint8)
    found = patterns_of(school_of(marks), 0, 39)
    (family,) = absent_together(found, [Family(tuple(range(pupils)), "contact")])
    days = expected = all_absent = 0
    for d in range(40):
        away = [any(c in ABSENT for c in codes[p, d]) for p in range(pupils)]
        due = [any(c in ABSENT | ATTENDED for c in codes[p, d]) for p in range(pupils)]
        days += sum(away) >= 2
        expected += sum(due) >= 2
        all_absent += sum(away) >= 2 and sum(away) == sum(due)
    assert (family.together, family.days, family.all_absent) == (days, expected, all_absent)


def test_children_who_are_absent_by_chance_are_seldom_said_to_be_so_together() -> None:
    """Seven hundred pairs whose absences have nothing to do with each other."""
    found = patterns_of(random_school(1_400, seed=6, days=(1, 1, 2, 5)), 0, TERM - 1)
    pairs = [Family((p, p + 1), "contact") for p in range(0, 1_400, 2)]
    assert sum(f.sure for f in absent_together(found, pairs)) <= CHANCE * len(pairs)
