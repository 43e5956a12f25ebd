"""Each expectation of a day's register on both sides of its limit; and that small schools and classes are left in peace.

Read a line of the tables as: in this school, when this happens on a day, that falls short.
"""

from __future__ import annotations

import pytest
from register_days import AM, PM, Change, RegisterDays

from attendance_pipeline.quality.expectations import CHECKS

HUNDRED = {"5A": 25, "5B": 25, "6A": 25, "6B": 25}  # four of them are ill each day
NOTHING: set[str] = set()

# In a school of four classes of 25: what happens, and what falls short.
ON_BOTH_SIDES: list[tuple[str, Change, set[str]]] = [
    ("a usual day", lambda s: s, NOTHING),
    # Registers were taken: at most 10% of the school, at most half of a class.
    ("10 pupils have no mark", lambda s: s.mark("", 10), NOTHING),
    ("11 pupils have no mark", lambda s: s.mark("", 11), {"marks_present", "morning_marks"}),
    ("20 pupils have no afternoon mark", lambda s: s.mark("", 20, sessions=PM), NOTHING),
    ("21 pupils have no afternoon mark", lambda s: s.mark("", 21, sessions=PM), {"marks_present"}),
    ("10 pupils have no morning mark", lambda s: s.mark("", 10, sessions=AM), NOTHING),
    ("11 pupils have no morning mark", lambda s: s.mark("", 11, sessions=AM), {"morning_marks"}),
    ("half of 5A has no afternoon mark", lambda s: s.mark("", 12, of="5A", sessions=PM), NOTHING),
    ("13 of 25 in 5A have none", lambda s: s.mark("", 13, of="5A", sessions=PM), {"5A class_afternoon"}),
    ("5A's afternoon register is missing", lambda s: s.mark("", 25, of="5A", sessions=PM), {"5A class_afternoon", "marks_present"}),
    # Absences have a reason: at most 10% of marks are N, at most 30% of a class's.
    ("10 pupils have N", lambda s: s.mark("N", 10), {"reason_mix"}),
    ("11 pupils have N", lambda s: s.mark("N", 11), {"not_established", "reason_mix"}),
    ("7 of 25 in 5A have N", lambda s: s.mark("N", 7, of="5A"), NOTHING),
    ("8 of 25 in 5A have N", lambda s: s.mark("N", 8, of="5A"), {"5A class_not_established"}),
    # Marks can be believed: absence at most 15 points over the usual 4%, at most 70%.
    ("15 more than usual are ill", lambda s: s.mark("I", 15), NOTHING),
    ("16 more than usual are ill", lambda s: s.mark("I", 16), {"sudden_jump"}),
    ("70 are absent", lambda s: s.mark("I", 66), {"sudden_jump", "code_mix"}),
    ("71 are absent", lambda s: s.mark("I", 67), {"sudden_jump", "code_mix", "some_attended"}),
    ("30 are on a trip", lambda s: s.mark("V", 30), NOTHING),
    ("31 are on a trip", lambda s: s.mark("V", 31), {"code_mix"}),
    ("20 of 25 in 5A are absent without leave", lambda s: s.mark("O", 20, of="5A"), {"sudden_jump", "reason_mix"}),
    ("21 of 25 in 5A are", lambda s: s.mark("O", 21, of="5A"), {"sudden_jump", "reason_mix", "5A class_reasons"}),
    # Corrections: at most 3 times the largest day before, which counts as at least 10% of a day's 200 sessions.
    ("60 marks were changed late", lambda s: s.changed_late(60), NOTHING),
    ("61 marks were changed late", lambda s: s.changed_late(61), {"late_corrections"}),
    ("150, where 50 are usual", lambda s: s.changed_late(50, day=20).changed_late(150), NOTHING),
    ("151, where 50 are usual", lambda s: s.changed_late(50, day=20).changed_late(151), {"late_corrections"}),
    ("200 marks of four pupils were changed late", lambda s: s.changed_late(200, pupils=4), NOTHING),
    # The roll: at most 10% more or less than the day before.
    ("10 pupils left the day before", lambda s: s.leave(10, after=29), NOTHING),
    ("11 pupils left the day before", lambda s: s.leave(11, after=29), {"roll_change"}),
    # The roll and contacts as they are: nobody twice; at most 5% without anybody to write to, or an address.
    ("nobody is on roll twice", lambda s: s.on_roll(), NOTHING),
    ("two share name and date of birth", lambda s: s.on_roll(twice=2), {"duplicates"}),
    ("a pupil has had no mark for 20 days", lambda s: s.on_roll().silent(1, since=11), NOTHING),
    ("a pupil has had no mark for 21 days", lambda s: s.on_roll().silent(1, since=10), {"silent"}),
    ("about 5 pupils nobody may be written to", lambda s: s.on_roll(without_recipient=5), NOTHING),
    ("about 6 pupils nobody may be written to", lambda s: s.on_roll(without_recipient=6), {"no_recipient"}),
    ("5 pupils have no address to write to", lambda s: s.on_roll(without_address=5), NOTHING),
    ("6 pupils have no address to write to", lambda s: s.on_roll(without_address=6), {"no_address"}),
]  # fmt: skip


@pytest.mark.parametrize(("happens", "change", "short"), ON_BOTH_SIDES, ids=[row[0] for row in ON_BOTH_SIDES])
def test_what_falls_short_in_a_school_of_a_hundred(happens: str, change: Change, short: set[str]) -> None:
    school = RegisterDays(HUNDRED)
    change(school)
    assert school.short() == short


def test_every_expectation_has_its_two_sides() -> None:
    short = {found.rpartition(" ")[2] for _, _, found_short in ON_BOTH_SIDES for found in found_short}
    # A day on which hardly anybody is absent needs a larger school: below.
    assert short | {"class_morning", "hardly_any_absent"} == {check.name for check in CHECKS}


@pytest.mark.parametrize(("absent", "short"), [(2, NOTHING), (1, {"hardly_any_absent"}), (0, {"hardly_any_absent"})])
def test_a_day_on_which_hardly_anybody_of_four_hundred_is_absent(absent: int, short: set[str]) -> None:
    """16 are usual, so 1.6 is a tenth of it."""
    school = RegisterDays({f"{year}{half}": 40 for year in range(1, 6) for half in "AB"})
    assert school.ill == 16
    school.inputs.marks[:, school.day] = (1, 2)
    school.mark("I", absent)
    assert school.short() == short


@pytest.mark.parametrize(
    ("code", "short"),
    [("I", NOTHING), ("O", {"reason_mix"}), ("C", {"reason_mix"}), ("N", {"reason_mix", "2A class_not_established"})],
)
def test_the_same_absences_with_another_reason(code: str, short: set[str]) -> None:
    """16 of 400 are ill each day. On the day all of them have another code: a code map may have turned it."""
    school = RegisterDays({f"{year}{half}": 40 for year in range(1, 6) for half in "AB"})
    ill = school.inputs.marks[:, school.day, 0] == 19
    school.inputs.marks[ill, school.day] = {"I": 19, "O": 25, "C": 13, "N": 24}[code]
    assert school.short() == short


def test_a_missing_morning_register_of_a_class() -> None:
    assert RegisterDays(HUNDRED).mark("", 12, of="6A", sessions=AM).short() == {"morning_marks"}
    assert RegisterDays(HUNDRED).mark("", 13, of="6A", sessions=AM).short() == {"morning_marks", "6A class_morning"}


# ---------------------------------------------------------------- small schools and classes

# In a school of one class of 20: none of it is many, whatever share it is.
LEFT_IN_PEACE: list[tuple[str, Change]] = [
    ("4 have no mark", lambda s: s.mark("", 4)),
    ("4 have N", lambda s: s.mark("N", 4)),
    ("4 more are ill", lambda s: s.mark("I", 4)),
    ("nobody is absent", lambda s: s.mark("/", 20, sessions=AM)),
    ("4 left the day before", lambda s: s.leave(4, after=29)),
    ("the contacts of 4 are missing", lambda s: s.on_roll(without_recipient=4, without_address=4)),
    ("12 marks of 3 were changed late", lambda s: s.changed_late(12, pupils=3)),
]


@pytest.mark.parametrize(("happens", "change"), LEFT_IN_PEACE, ids=[row[0] for row in LEFT_IN_PEACE])
def test_what_is_no_event_in_a_school_of_twenty(happens: str, change: Change) -> None:
    school = RegisterDays({"All": 20})
    change(school)
    assert school.short() == NOTHING


@pytest.mark.parametrize(
    ("happens", "change", "short"),
    [
        ("5 have no mark", lambda s: s.mark("", 5), {"marks_present", "morning_marks"}),
        ("nobody has a mark", lambda s: s.mark("", 20), {"marks_present", "morning_marks", "All class_morning", "All class_afternoon"}),
        ("5 have N", lambda s: s.mark("N", 5), {"not_established", "sudden_jump"}),
        ("15 are absent", lambda s: s.mark("I", 15), {"some_attended", "sudden_jump", "code_mix"}),
        ("5 left the day before", lambda s: s.leave(5, after=29), {"roll_change"}),
        ("two share name and date of birth", lambda s: s.on_roll(twice=2), {"duplicates"}),
    ],
)  # fmt: skip
def test_what_is_one(happens: str, change: Change, short: set[str]) -> None:
    school = RegisterDays({"All": 20})
    change(school)
    assert school.short() == short


@pytest.mark.parametrize(("more", "short"), [(4, NOTHING), (11, NOTHING), (12, {"sudden_jump"})])
def test_in_a_village_school_chance_alone_makes_days_that_would_be_events_elsewhere(more: int, short: set[str]) -> None:
    """Forty pupils, five of them usually ill: chance spreads that by 2.2, and five times as much is 11.2."""
    school = RegisterDays({"Infants": 20, "Juniors": 20}, ill=0.125)
    assert school.ill == 5
    school.mark("I", more)
    assert {found for found in school.short() if found == "sudden_jump"} == short


@pytest.mark.parametrize(("size", "short"), [(4, NOTHING), (5, {"Nest class_afternoon"})])
def test_a_class_of_four_is_looked_at_as_part_of_the_school_alone(size: int, short: set[str]) -> None:
    school = RegisterDays({"Nest": size, "1A": 30, "2A": 30})
    assert school.mark("", size, of="Nest", sessions=PM).short() == short


def test_pupils_without_a_class_are_no_class() -> None:
    school = RegisterDays({"": 10, "1A": 90})
    assert school.mark("", 9, sessions=PM).short() == NOTHING


@pytest.mark.parametrize(("day", "short"), [(4, NOTHING), (5, {"sudden_jump"})])
def test_the_first_days_of_a_year_have_nothing_to_be_compared_with(day: int, short: set[str]) -> None:
    assert RegisterDays(HUNDRED, day=day).mark("I", 30).short() - {"code_mix"} == short


def test_a_day_without_any_mark_says_nothing_of_codes_and_absence() -> None:
    found = RegisterDays(HUNDRED).mark("", 100).answer().findings
    assert {f.check for f in found} == {"marks_present", "morning_marks", "class_morning", "class_afternoon"}


# ---------------------------------------------------------------- who is not there, and when it is too early to say


@pytest.mark.parametrize(
    ("happens", "change", "short"),
    [
        ("15 leavers are still listed", lambda s: s.silent(15, since=5), {"silent"}),
        ("15 joiners have no entry date, and have not come yet", lambda s: s.silent(15), {"silent"}),
        ("15 have been left out for four weeks", lambda s: s.silent(15, since=11), {"marks_present", "morning_marks"}),
        ("all of 6B has left", lambda s: s.silent(25, since=5, of="6B"), {"silent"}),
    ],
)
def test_a_register_is_not_missing_for_pupils_who_are_not_there(happens: str, change: Change, short: set[str]) -> None:
    school = RegisterDays(HUNDRED).on_roll()
    change(school)
    classes = {"5A class_morning", "5A class_afternoon"}  # of 15 of 25 in the first class
    assert school.short() - classes == short


def test_in_the_first_days_of_a_year_pupils_without_any_mark_may_be_a_missing_register() -> None:
    assert "marks_present" in RegisterDays(HUNDRED, day=4).silent(15).short()
    assert "marks_present" not in RegisterDays(HUNDRED, day=5).silent(15).short()


@pytest.mark.parametrize(("group", "short"), [("N2", NOTHING), ("R", {"Nest class_afternoon"})])
def test_nursery_children_come_for_half_days(group: str, short: set[str]) -> None:
    school = RegisterDays({"Nest": 20, "1A": 90}).of_year("Nest", group)
    assert school.mark("", 20, of="Nest", sessions=PM).short() == short


def test_a_school_names_its_own_year_groups_that_come_for_half_days() -> None:
    school = RegisterDays({"Nest": 20, "1A": 90}, half_day_year_groups=("R",)).of_year("Nest", "R")
    assert school.mark("", 20, of="Nest", sessions=PM).short() == NOTHING


def test_an_extract_that_was_made_before_the_afternoon_is_looked_at_as_a_morning() -> None:
    everybody = {"marks_present", *(f"{name} class_afternoon" for name in HUNDRED)}
    assert RegisterDays(HUNDRED).on_roll().mark("", 100, sessions=PM).short() == NOTHING
    # The next night it is another day's business: now the afternoon is missing.
    assert RegisterDays(HUNDRED).mark("", 100, sessions=PM).short() == everybody
    with_one = RegisterDays(HUNDRED).on_roll().mark("", 99, sessions=PM)
    assert with_one.short() == everybody, "one afternoon mark is there: the afternoon was exported"
    no_morning = RegisterDays(HUNDRED).on_roll().mark("", 11, sessions=AM).mark("", 100, sessions=PM)
    assert no_morning.short() == {"morning_marks", "marks_present"}


# ---------------------------------------------------------------- limits, days, words


@pytest.mark.parametrize(
    ("limits", "short"),
    [
        ({}, NOTHING),
        ({"absence_jump_points": 11}, {"sudden_jump"}),
        ({"few_pupils": 13, "absence_jump_points": 11}, NOTHING),
        ({"chance_deviations": 6, "absence_jump_points": 11}, {"sudden_jump"}),
        ({"chance_deviations": 7, "absence_jump_points": 11}, NOTHING),
    ],
)
def test_limits_are_settings(limits: dict[str, int], short: set[str]) -> None:
    assert RegisterDays(HUNDRED, **limits).mark("I", 12).short() == short


def test_a_confirmed_day_is_told_and_holds_nothing() -> None:
    (before,) = RegisterDays(HUNDRED).mark("I", 16).answer().findings
    (after,) = RegisterDays(HUNDRED).mark("I", 16).confirm().answer().findings
    assert (before.check, before.waits, before.confirmed) == ("sudden_jump", 5, False)
    assert (after.check, after.waits, after.confirmed) == ("sudden_jump", 0, True)


def test_other_days_are_other_answers() -> None:
    school = RegisterDays(HUNDRED).mark("", 25, of="5A", day=10).mark("I", 16)
    found = {(f.day, f.check, f.subject) for f in school.answer().findings}
    assert {day for day, _, _ in found} == {10, 30}
    assert (10, "class_morning", "5A") in found and (30, "sudden_jump", "") in found


def test_what_is_found_is_said_with_what_a_person_would_ask_next() -> None:
    (mix,) = RegisterDays(HUNDRED).mark("V", 40).answer().findings
    assert mix.remark == "above all approved activity, 40 points more"
    (late,) = RegisterDays(HUNDRED).changed_late(3000, back=83).answer().findings
    assert late.remark == "3,000 marks, the oldest 83 school days back"
