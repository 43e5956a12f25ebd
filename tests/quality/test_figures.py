"""The figures of all days at once are those that one would count by hand, day by day and pupil by pupil."""

from __future__ import annotations

import datetime as dt
import statistics
import time

import numpy as np
import pytest
import random_school
from register_days import RegisterDays

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.home_settings import SchoolQualitySetting
from attendance_pipeline.law.register_codes import ATTENDED, CODES, NOT_ESTABLISHED, POSSIBLE, UNAUTHORISED
from attendance_pipeline.quality.duplicates import sharing_name_and_birth
from attendance_pipeline.quality.figures import CODE_GROUPS, Corrections, figures
from attendance_pipeline.quality.plausibility import fell_short

SETTING = SchoolQualitySetting(smallest_class=1, own_school_days=7, own_school_days_least=3)


def is_silent(inputs: SchoolInputs, pupil: int, day: int, first: int) -> bool:
    """No mark for more than seven days on roll, or for more than three and none at all this year."""
    start, without = max(first, int(inputs.pupils.entry[pupil])), 0
    while day - without >= start and not inputs.marks[pupil, day - without].any():
        without += 1
    ever = bool(inputs.marks[pupil, first : day + 1].any())
    return without > SETTING.own_school_days or (not ever and without > SETTING.own_school_days_least)


def by_hand(inputs: SchoolInputs, day: int, pupils: list[int], first: int) -> dict[str, float]:
    """What the figures say of a day and some pupils, with plain loops."""
    era, tables = CODES.eras(inputs.calendar.days)
    here = [
        p
        for p in pupils
        if inputs.pupils.entry[p] <= day <= inputs.pupils.leave[p] and not is_silent(inputs, p, day, first)
    ]
    marks = [[int(inputs.marks[p, day, s]) for s in (0, 1)] for p in here]
    bits = [int(tables[era[day]][m]) for pair in marks for m in pair if m]
    possible = sum(bool(b & POSSIBLE) for b in bits)

    def percent(part: int, whole: int) -> float:
        return part * 100 / whole if whole else float("nan")

    return {
        "sessions without a mark (%)": percent(sum(m == 0 for pair in marks for m in pair), 2 * len(marks)),
        "pupils without a morning mark (%)": percent(sum(pair[0] == 0 for pair in marks), len(marks)),
        "pupils without an afternoon mark (%)": percent(sum(pair[1] == 0 for pair in marks), len(marks)),
        "marks that are N (%)": percent(sum(bool(b & NOT_ESTABLISHED) for b in bits), len(bits)),
        "possible sessions absent (%)": percent(possible - sum(bool(b & ATTENDED) for b in bits), possible),
        "possible sessions unauthorised (%)": percent(sum(bool(b & UNAUTHORISED) for b in bits), possible),
    }


@pytest.mark.parametrize("seed", range(8))
def test_shares_of_schools_and_classes_are_those_counted_by_hand(seed: int) -> None:
    inputs = random_school.make(seed, n_pupils=12).inputs
    inputs.pupils.class_name[:] = ["", *"AABBBCCCCDD"]
    for first, last in years(inputs):
        found = figures(inputs, first, last, SETTING)
        for day in range(first, last + 1):
            school = by_hand(inputs, day, list(range(12)), first)
            for name, value in school.items():
                assert found.of_day[name][day - first] == pytest.approx(value, nan_ok=True), (day, name)
            for k, class_name in enumerate(found.classes):
                members = [p for p in range(12) if inputs.pupils.class_name[p] == class_name]
                of_class = by_hand(inputs, day, members, first)
                for name, value in of_class.items():
                    expected = value if class_name else float("nan")
                    assert found.of_class[name][k, day - first] == pytest.approx(expected, nan_ok=True), (day, name)


@pytest.mark.parametrize("seed", range(8))
def test_a_day_is_compared_with_the_days_before_it_in_its_year(seed: int) -> None:
    inputs = random_school.make(seed, n_pupils=12).inputs
    for first, last in years(inputs):
        found = figures(inputs, first, last, SETTING)
        absent = found.of_day["possible sessions absent (%)"].tolist()
        for i, value in enumerate(absent):
            before = [v for v in absent[max(0, i - SETTING.own_school_days) : i] if v == v]
            usual = statistics.median(before) if len(before) >= SETTING.own_school_days_least else float("nan")
            above = found.of_day["absence above own weeks (points)"][i]
            assert above == pytest.approx(value - usual, nan_ok=True)
        assert np.isnan(found.of_day["codes unlike own weeks (points)"][: SETTING.own_school_days_least]).all()


def years(inputs: SchoolInputs) -> list[tuple[int, int]]:
    calendar = inputs.calendar
    return sorted({(int(a), int(b)) for a, b in zip(calendar.year_start, calendar.year_end, strict=True)})


def test_every_code_stands_in_one_group() -> None:
    from attendance_pipeline.quality.figures import _groups

    groups = {CODES.codes[number]: CODE_GROUPS[g] for number, g in enumerate(_groups()) if g >= 0}
    assert len(groups) == len(CODES.rows)
    assert [groups[code] for code in ("/", "L", "U", "V", "I", "M", "G", "O", "N", "X", "#")] == [
        *("present", "late", "late", "approved activity", "illness", "other authorised absence"),
        *("unauthorised absence", "unauthorised absence", "N", "not required", "not required"),
    ]


def test_corrections_are_told_with_the_day_they_were_recorded_on() -> None:
    # Pupil 7's mark of day 2 was changed on day 5, twice; pupil 8's of day 4 on day 5; pupil 8's of day 5 on day 5.
    found = Corrections.of(
        8, recorded=np.array([5, 5, 5, 5]), marked=np.array([2, 2, 4, 5]), person=np.array([7, 7, 8, 8])
    )
    assert found.marks.tolist() == [0, 0, 0, 0, 0, 3, 0, 0]
    assert found.pupils.tolist() == [0, 0, 0, 0, 0, 2, 0, 0]
    assert found.oldest.tolist() == [0, 0, 0, 0, 0, 3, 0, 0]


BORN = dt.date(2016, 3, 4)


@pytest.mark.parametrize(
    ("pupils", "share"),
    [
        ([("Ann", "Bell", BORN), ("Ann", "Bell", BORN)], 2),
        ([("Ann", "Bell", BORN), ("ANN", "Béll ", BORN), ("Ann", "B-ell", BORN)], 3),
        ([("Ann", "Bell", BORN), ("Ben", "Bell", BORN)], 0),  # twins
        ([("Ann", "Bell", BORN), ("Ann", "Bell", BORN.replace(day=5))], 0),
        ([("Ann", "Bell", None), ("Ann", "Bell", None)], 0),
        ([("", "Bell", BORN), ("", "Bell", BORN)], 0),
        ([("Ann", "Bell", BORN), ("Ann", "Bell", BORN), ("Cat", "Dunn", BORN), ("Cat", "Dunn", BORN)], 4),
        ([], 0),
    ],
)
def test_who_shares_name_and_date_of_birth(pupils: list[tuple[str, str, dt.date | None]], share: int) -> None:
    assert sharing_name_and_birth(pupils) == share


def test_a_year_of_a_large_school_is_asked_about_at_once_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    from attendance_pipeline.quality import plausibility

    school = RegisterDays({f"{year}{form}": 30 for year in range(7, 12) for form in "ABCDEFG"}, day=189)
    school.mark("", 30, of="9C", sessions=(1,), day=12)
    fell_short([school.asked(only=[0])])  # imports Great Expectations
    questions = []
    ask = plausibility._ask
    monkeypatch.setattr(plausibility, "_ask", lambda scope, *rest: questions.append(scope) or ask(scope, *rest))
    began = time.perf_counter()
    (answer,) = fell_short([school.asked()])
    assert questions == ["school", "class"]
    assert time.perf_counter() - began < 15  # 1 s on an idle machine of two cores
    assert set(answer.made) == set(range(190))
    assert {(f.day, f.subject, f.check) for f in answer.findings} == {(12, "9C", "class_afternoon")}


def test_schools_with_the_same_limits_are_asked_about_together_and_answered_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from attendance_pipeline.quality import plausibility

    classes = {"5A": 25, "5B": 25}
    quiet, missing = RegisterDays(classes), RegisterDays(classes).mark("", 25, of="5A", sessions=(1,))
    strict = RegisterDays(classes, code_mix_points=5, chance_deviations=0).mark("V", 6)
    questions = []
    ask = plausibility._ask
    monkeypatch.setattr(plausibility, "_ask", lambda scope, *rest: questions.append(scope) or ask(scope, *rest))
    answers = fell_short([quiet.asked(), missing.asked(), strict.asked()])
    assert questions == ["school", "class", "school", "class"]
    assert [{f.check for f in a.findings} for a in answers] == [
        set(),
        {"class_afternoon", "marks_present"},
        {"code_mix"},
    ]
    assert answers[0].made == answers[1].made != {}


def test_a_day_is_asked_about_again_when_its_figures_limits_or_confirmation_change() -> None:
    def digests(school: RegisterDays) -> dict[int, str]:
        asked = school.asked()
        return asked.figures.digests(asked.setting, asked.confirmed)

    def changed(school: RegisterDays) -> set[int]:
        return {day for day, digest in digests(school).items() if digest != usual[day]}

    classes = {"5A": 25, "5B": 25}
    usual = digests(RegisterDays(classes))
    every = set(range(31))
    assert changed(RegisterDays(classes)) == set()
    assert changed(RegisterDays(classes).mark("", 25, of="5A", sessions=(1,), day=30)) == {30}
    many = RegisterDays(classes)
    for day in range(8, 16):
        many.mark("I", 20, day=day)
    assert changed(many) >= {8, 15, 16}, "with the days that are compared with them"
    assert min(changed(many)) == 8
    assert changed(RegisterDays(classes).changed_late(30)) == {30}
    assert changed(RegisterDays(classes).on_roll(twice=2)) == {30}
    assert changed(RegisterDays(classes).confirm(day=4)) == {4}
    assert changed(RegisterDays(classes, unmarked_percent=11)) == every
