"""What letters answer, as exam questions: which occasion arises when, until when, and what is doubtful about it.

One pupil of the exam school (tests/support/exam_school.py), present at every session unless a question says otherwise.
An occasion reads `09-15 letter_1`, and once it has ended `09-15 letter_1, overtaken by stage 2 10-13`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from exam_school import NEXT_YEAR, YEAR, day, derive, entry, school

from attendance_pipeline.law.policy import LETTER_KINDS
from attendance_pipeline.letters.evidence import LetterEvidence
from attendance_pipeline.letters.from_ladder import Facts, OccasionReader

NATIONAL = {"name": "national", "statutory": True, "any_of": [{"sessions": 10, "school_weeks": 10}]}
O6 = {"09-01..09-03": "O O"}  # six sessions: stage 1 opens on 15 September, and the review of 13 October finds it well
HALF = {"09-15..10-24": "/ O"}  # afternoons missed until half-term
ILL = {"09-15..10-24": "I I"}
REQUIRES = {"stages": {"1": {"requires": ["letter_sent"]}}}


def facts(on: str, marks: dict[str, str], **more: Any) -> tuple[Facts, Any]:
    letters = {"kinds": LETTER_KINDS} | more.pop("letters", {})
    inputs = school(marks, letters=letters, rules=more.pop("rules", [NATIONAL]), **more)
    number = inputs.calendar.index(day(on))
    assert number is not None, f"{on} is no school day"
    return OccasionReader(derive(inputs)).on(number), inputs.calendar


def asked(on: str, marks: dict[str, str], *kinds: str, **more: Any) -> list[str]:
    found, calendar = facts(on, marks, **more)
    return [
        f"{calendar.date(o.day):%m-%d} {o.kind}"
        + (f", {o.ended_words} {calendar.date(o.ended_on):%m-%d}" if o.ended_on is not None else "")
        for o in sorted(found.occasions, key=lambda o: o.day)
        if o.kind in (kinds or LETTER_KINDS)
    ]


# -- the ladder -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "marks", "more", "said"),
    [
        ("10-13", O6, {}, ["10-13 improved"]),
        # Recovered while the letter had not been sent: the family has heard of nothing that could have improved.
        ("10-13", O6, {"ladder": REQUIRES}, []),
        ("10-13", O6, {"log": [entry("09-22", "close_episode")]}, []),
        ("11-17", O6, {}, ["10-13 improved"]),  # twenty school days later
        ("11-18", O6, {}, ["10-13 improved, not sent in time, and out of date now 11-18"]),
        # A stage that opens again makes the good news untrue.
        ("11-10", O6 | {"11-03..11-28": "O O"}, {}, ["10-13 improved, a stage has opened since 11-07"]),
    ],
)
def test_good_news_follows_a_review_that_found_a_recovery(
    on: str, marks: dict[str, str], more: dict[str, Any], said: list[str]
) -> None:
    assert asked(on, marks, "improved", **more) == said


@pytest.mark.parametrize(
    ("on", "letters", "said"),
    [
        ("10-13", {}, ["10-13 continuing"]),
        ("11-17", {}, ["10-13 continuing, attendance was reviewed again before it was sent 11-17"]),
        (
            "11-17",
            {"continuing_each_review": True},
            ["10-13 continuing, attendance was reviewed again before it was sent 11-17", "11-17 continuing"],
        ),
    ],
)
def test_a_review_that_continues_has_a_letter_once_a_stage_or_each_time(
    on: str, letters: dict[str, Any], said: list[str]
) -> None:
    # Below the threshold all the time, higher at each review, and no unaccepted session: neither drops nor stalls.
    marks = {"09-01..09-05": "O O", "09-24": "I I", "10-01": "I I", "10-20": "I I", "11-05": "I I"}
    ladder = {"thresholds": {"autumn": 95, "spring": 95, "summer": 95}}
    assert asked(on, marks, "continuing", letters=letters, ladder=ladder) == said


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (HALF, ["10-13 letter_2", "10-13 meeting_invitation"]),  # it dropped and the next stage opened: no follow-up
        ({"10-13..10-24": "- -"}, []),
        ({"09-15..10-10": "Y1 Y1"}, []),  # no session to speak of
    ],
)
def test_no_letter_about_a_review_says_what_another_letter_says(marks: dict[str, str], said: list[str]) -> None:
    kinds = ("continuing", "improved", "medical_support", "letter_2", "meeting_invitation")
    found = asked("10-14", O6 | marks, *kinds)
    assert [line for line in found if "improved" not in line] == said


def test_a_drop_for_accepted_reasons_is_the_support_track() -> None:
    marks = O6 | {"09-22..09-26": "I I", "10-06..10-10": "I /"}
    assert asked("10-13", marks, "medical_support", "continuing") == ["10-13 medical_support"]


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("10-03", []),
        ("10-06", ["10-06 medical_support"]),  # the fifteenth day of illness is Friday 3 October
        ("11-10", ["10-06 medical_support"]),
        ("11-11", ["10-06 medical_support, not sent in time, and out of date now 11-11"]),
    ],
)
def test_fifteen_days_of_illness_are_a_reason_to_offer_support(on: str, said: list[str]) -> None:
    # The review of 13 October finds a drop for accepted reasons too: within ten school weeks that is no second letter.
    assert asked(on, O6 | ILL, "medical_support") == said
    assert asked("10-13", O6 | ILL, "medical_support", letters={"again_after_school_weeks": 1})[1:] == [
        "10-13 medical_support"
    ]


def test_stage_4_asks_for_a_referral_pack_and_invitations_are_of_stages_2_and_3() -> None:
    log = [entry("09-15", "set_stage", 2), entry("10-01", "set_stage", 3), entry("10-20", "set_stage", 4)]
    assert asked("10-20", {}, log=log) == [
        "09-15 letter_2, stage set by a person before it was sent 10-01",
        "09-15 meeting_invitation, stage set by a person before it was sent 10-01",
        "10-01 letter_3, stage set by a person before it was sent 10-20",
        "10-01 meeting_invitation, stage set by a person before it was sent 10-20",
        "10-20 referral_pack",
    ]


@pytest.mark.parametrize("kinds", [["letter_1"], ["improved", "letter_1"], ["referral_pack"], []])
def test_a_kind_that_the_policy_does_not_have_is_never_asked_for(kinds: list[str]) -> None:
    marks = O6 | {"11-03..12-19": "O O"}
    assert {line.split()[1].strip(",") for line in asked("12-19", marks, letters={"kinds": kinds})} <= set(kinds)


def test_years_that_do_not_begin_afresh_take_the_stage_along() -> None:
    ladder = {"academic_year_reset": False}
    log = [entry("2026-07-06", "set_stage", 2)]
    said = asked("2026-09-29", {}, "letter_2", "improved", log=log, ladder=ladder, years=(YEAR, NEXT_YEAR))
    assert said == ["09-14 improved"]


# -- penalty-notice cases -------------------------------------------------------------------------------------------------

WARNING, DRAFT = "penalty_notice_warning", "notice_to_improve"
NEAR = {"09-01..09-03": "O O", "09-04": "O /"}  # seven sessions: known on Friday 5 September
MET = {"09-01..09-05": "O O"}  # seven are known on Friday 5 September, ten on Monday 8th


@pytest.mark.parametrize(
    ("on", "marks", "said"),
    [
        ("09-04", NEAR, []),
        ("09-05", NEAR, ["09-05 penalty_notice_warning"]),
        ("09-08", MET, ["09-05 penalty_notice_warning", "09-08 notice_to_improve"]),
        ("09-08", {"09-01..09-05": "G G"}, ["09-05 penalty_notice_warning"]),  # holiday alone: no notice is expected
        ("09-08", {"09-01..09-05": "I I"}, []),
        # The weeks of the first sessions drop out of the ten: on 18 November the window begins on 15 September.
        ("11-17", NEAR, ["09-05 penalty_notice_warning"]),
        ("11-18", NEAR, ["09-05 penalty_notice_warning, no longer near a penalty notice 11-18"]),
    ],
)
def test_a_case_that_comes_near_is_warned_of_once_and_met_is_a_draft_besides(
    on: str, marks: dict[str, str], said: list[str]
) -> None:
    assert asked(on, marks, WARNING, DRAFT) == said


@pytest.mark.parametrize(("warning_at", "said"), [("near", ["09-05"]), ("met", ["09-08"])])
def test_how_near_is_the_policys(warning_at: str, said: list[str]) -> None:
    found = asked("09-08", MET, WARNING, letters={"warning_at": warning_at})
    assert found == [f"{on} {WARNING}" for on in said]


def test_two_rules_are_one_case() -> None:
    local = {"name": "local", "any_of": [{"sessions": 9, "terms": 1}]}
    assert asked("09-08", MET, WARNING, rules=[local, NATIONAL]) == ["09-04 penalty_notice_warning"]


@pytest.mark.parametrize(
    ("again", "weeks", "said"),
    [
        # No longer near from 18 November, and near again from 12 December: four school weeks, one case.
        ("12-11", 10, ["09-05 penalty_notice_warning"]),
        ("12-11", 3, ["09-05 penalty_notice_warning, no longer near a penalty notice 11-18", f"12-12 {WARNING}"]),
    ],
)
def test_a_case_that_flickers_is_one(again: str, weeks: int, said: list[str]) -> None:
    marks = NEAR | {"12-08..12-11": "O O"}
    assert asked("12-15", marks, WARNING, letters={"again_after_school_weeks": weeks}) == said


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            [entry("09-10", "notice_to_improve_issued", until="10-24", contact="ADA")],
            [
                "09-05 penalty_notice_warning, a Notice to Improve was issued 09-10",
                "09-08 notice_to_improve, a Notice to Improve was issued 09-10",
            ],
        ),
        (
            [entry("09-10", "penalty_notice_issued", from_="09-01", until="09-05", contact="ADA")],
            [
                "09-05 penalty_notice_warning, no longer near a penalty notice 09-10",
                "09-08 notice_to_improve, the threshold is no longer met 09-10",
            ],
        ),
    ],
)
def test_what_was_issued_ends_what_was_to_be_considered(log: list[Any], said: list[str]) -> None:
    assert asked("09-12", MET, WARNING, DRAFT, log=log) == said


@pytest.mark.parametrize(
    ("go_live", "said"),
    [("09-05", ["09-05 penalty_notice_warning"]), ("09-08", []), ("10-13", [])],
)
def test_a_case_that_was_near_before_the_school_went_live_is_not_ours(go_live: str, said: list[str]) -> None:
    assert asked("10-14", NEAR, WARNING, go_live=go_live) == said


def test_a_pupil_who_leaves_ends_the_case_by_leaving() -> None:
    found, _ = facts("09-12", NEAR, rows=[{"born": dt.date(2015, 1, 10), "leave": day("09-10")}])
    assert [(o.kind, o.ended) for o in found.occasions if o.kind == WARNING] == [(WARNING, "left")]


# -- what is doubtful -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "marks", "kind", "doubts"),
    [
        ("09-05", NEAR, WARNING, set()),
        ("09-05", {"09-01..09-03": "O O", "09-04": "N /"}, WARNING, {"unresolved N"}),
        ("09-08", {"09-01..09-04": "O O", "09-05": "O N"}, WARNING, set()),  # near without the N too
        ("09-08", {"09-01..09-04": "O O", "09-05": "O N"}, DRAFT, {"unresolved N"}),
        ("10-13", O6 | {"09-22..09-26": "I I", "10-06..10-10": "I /"}, "medical_support", set()),
        ("10-13", O6, "improved", set()),
        ("10-13", O6 | {"09-29": "N N"}, "improved", set()),  # without it the pupil did better still
    ],
)
def test_what_would_not_stand_without_its_n(on: str, marks: dict[str, str], kind: str, doubts: set[str]) -> None:
    found, _ = facts(on, marks)
    (occasion,) = [o for o in found.occasions if o.kind == kind]
    assert found.doubts(occasion, "ADA") == doubts


@pytest.mark.parametrize(("below", "doubts"), [(51, set()), (50, {"unresolved N"})])
def test_low_attendance_that_a_rule_asks_for_may_not_rest_on_an_n(below: int, doubts: set[str]) -> None:
    # Three of eight sessions attended, and were the N one more, four: exactly half.
    low = [{"name": "low", "any_of": [{"sessions": 4, "school_weeks": 10, "attendance_below": below}]}]
    found, _ = facts("09-05", {"09-01..09-02": "O O", "09-04": "N /"}, rules=low)
    (occasion,) = [o for o in found.occasions if o.kind == WARNING]
    assert found.doubts(occasion, "ADA") == doubts


@pytest.mark.parametrize(
    ("marks", "on", "doubts"),
    [
        ({"09-01..09-02": "O O", "09-04": "O N"}, "09-08", set()),  # the run of four has none
        ({"09-01": "O O", "09-02": "N O", "09-04": "O \\"}, "09-08", {"unresolved N"}),
        ({"09-01": "O O", "09-02": "N \\", "09-03": "/ O", "09-04": "O O"}, "09-05", set()),  # near: three go on
    ],
)
def test_a_run_that_a_rule_asks_for_may_not_rest_on_an_n(marks: dict[str, str], on: str, doubts: set[str]) -> None:
    run = {"sessions": 4, "school_weeks": 4, "consecutive_sessions": True}
    rule = [{"name": "run", "near_within": 1, "any_of": [run]}]
    found, _ = facts(on, marks, rules=rule)
    occasion = [o for o in found.occasions if o.kind == WARNING][-1]
    assert found.doubts(occasion, "ADA") == doubts


@pytest.mark.parametrize(
    ("code", "doubts"), [("/ O", set()), ("/ N", {"unresolved N"}), ("/ E", {"E or C2 sessions alone"})]
)
def test_a_letter_after_a_review_needs_more_than_such_sessions(code: str, doubts: set[str]) -> None:
    # Below 85 from the first week, and in the period: without the afternoons of October it would be a recovery.
    marks = {"09-01..09-08": "O I", "09-29..10-10": code}
    found, _ = facts("10-13", marks, ladder={"stalled_reviews": 0})
    (occasion,) = [o for o in found.occasions if o.kind in ("continuing", "letter_2")]
    assert found.doubts(occasion, "ADA") >= doubts and occasion.kind == "continuing"


@pytest.mark.parametrize(
    ("marks", "doubts"),
    [({}, set()), ({"10-17": "N /"}, {"unresolved N"}), ({"10-20": "N /"}, set())],  # a mark after the cut-off day
)
def test_a_referral_waits_for_every_n_of_the_certificate(marks: dict[str, str], doubts: set[str]) -> None:
    found, _ = facts("10-20", marks, log=[entry("10-01", "set_stage", 4)])
    (occasion,) = found.occasions
    assert occasion.kind == "referral_pack" and found.doubts(occasion, "") == doubts


def test_an_n_of_last_year_counts_where_the_last_sixty_sessions_reach_back() -> None:
    log = [entry("2026-09-08", "set_stage", 4)]
    for marks, doubts in (({"2026-07-14": "N /"}, {"unresolved N"}), ({"2026-03-02": "N /"}, set())):
        found, _ = facts("2026-09-10", marks, log=log, years=(YEAR, NEXT_YEAR))
        assert found.doubts(found.occasions[-1], "") == doubts


@pytest.mark.parametrize(
    ("issued", "doubts"),
    [
        ([], set()),
        (["2025-02-03"], set()),
        (["2024-11-04", "2025-02-03"], {"two notices already"}),
        (["2022-11-04", "2025-02-03"], set()),  # the first is too old to count
    ],
)
def test_a_parent_who_can_get_no_further_notice_is_not_warned_of_one(issued: list[str], doubts: set[str]) -> None:
    log = [entry(on, "penalty_notice_issued", from_=on, until=on, contact="ADA") for on in issued]
    found, _ = facts("09-05", NEAR, log=log)
    (occasion,) = [o for o in found.occasions if o.kind == WARNING]
    assert found.doubts(occasion, "ADA") == doubts and found.doubts(occasion, "BO") == set()


# -- evidence -------------------------------------------------------------------------------------------------------------


def evidence(
    on: str, marks: dict[str, str], kind: str, contact: str = "ADA", at: str = "", **more: Any
) -> LetterEvidence:
    found, calendar = facts(on, marks, **more)
    (occasion,) = [o for o in found.occasions if o.kind == kind]
    return LetterEvidence.from_json(found.evidence(occasion, contact, calendar.on_or_before(day(at or on))))


def test_the_evidence_of_a_review() -> None:
    found = evidence("10-14", O6, "improved")
    assert found.review is not None
    assert (found.review.outcome, found.review.attended, found.review.possible) == ("recovered", 40, 40)
    assert (found.review.first, found.review.last) == (dt.date(2025, 9, 15), dt.date(2025, 10, 10))
    assert (found.attended, found.possible, found.threshold, found.as_at) == (54, 60, 85_000, dt.date(2025, 10, 13))
    assert (found.earlier_attended, found.earlier_possible, found.earlier_on) == (14, 20, dt.date(2025, 9, 15))
    assert [(e.event, e.from_stage, e.to_stage) for e in found.events] == [("opened", 0, 1), ("recovered", 1, 0)]


def test_the_evidence_of_a_case_moves_on_until_the_letter_is_proposed() -> None:
    log = [
        entry("2025-02-03", "penalty_notice_issued", from_="2025-01-20", until="2025-01-24", contact="ADA"),
        entry("09-02", "phone_call"),
    ]
    then, later = (evidence("09-08", MET, WARNING, at=on, log=log) for on in ("09-05", "09-08"))
    assert then.case is not None and later.case is not None
    assert (then.case.rule.status, then.case.rule.counted, then.case.rule.needed) == ("near", 8, 2)
    assert (later.case.rule.status, later.case.rule.counted, later.case.rule.needed) == ("met", 10, 0)
    assert (later.case.rule.rule, later.case.rule.window, later.case.rule.length) == ("national", "school_weeks", 10)
    assert later.case.rule.drops_out_on == dt.date(2025, 11, 18) and len(later.absences) == 10
    assert later.as_at == dt.date(2025, 9, 8) and then.as_at == dt.date(2025, 9, 5)
    assert [n.issued_on for n in later.case.notices or ()] == [dt.date(2025, 2, 3)]
    assert evidence("09-08", MET, WARNING, contact="BO", log=log).case.notices == ()
    # On a day on which it is not near the figures are those of its own day.
    assert evidence("11-18", NEAR, WARNING).as_at == dt.date(2025, 9, 5)


def test_the_evidence_of_a_draft_has_its_period() -> None:
    found = evidence("09-08", MET, DRAFT)
    # From the week after, six school weeks: they end before half-term.
    assert found.improvement == (dt.date(2025, 9, 15), dt.date(2025, 10, 24), 6)
    assert found.case is not None and found.case.blocked_by == ("no Notice to Improve",)


def test_the_evidence_of_a_referral_is_the_certificate() -> None:
    found = evidence("10-20", O6, "referral_pack", "", log=[entry("10-01", "set_stage", 4)], at="10-20")
    first, last = dt.date(2025, 9, 1), dt.date(2025, 10, 17)
    assert (found.first_day, found.last_day, found.possible, found.attended) == (first, last, 70, 64)
    assert len(found.marks) == 70 and found.marks[0] == (first, "AM", "O") and found.marks[-1] == (last, "PM", "\\")
    assert found.recent == 60 and found.before == () and found.stage_opened_on == dt.date(2025, 10, 1)
    fields = found.fields()
    assert (fields["recent_sessions"], fields["recent_missed"]) == ("60", "0")


def test_the_last_sixty_sessions_reach_back_over_the_summer() -> None:
    log = [entry("2026-09-08", "set_stage", 4)]
    found = evidence("2026-09-10", {}, "referral_pack", "", log=log, years=(YEAR, NEXT_YEAR))
    assert found.possible == 14 and found.before[-1][0] == dt.date(2026, 7, 17)
    assert found.fields()["recent_sessions"] == "60"


def test_the_evidence_of_illness_is_every_such_session() -> None:
    found = evidence("10-06", O6 | ILL, "medical_support")
    assert (found.ill, found.spells, len(found.absences)) == (30, 1, 30)
    assert {code for *_, code in found.absences} == {"I"} and found.review is None


@pytest.mark.parametrize(("friday", "doubts"), [("O \\", set()), ("N \\", {"unresolved N"})])
def test_broken_weeks_that_a_rule_asks_for_may_not_rest_on_an_n(friday: str, doubts: set[str]) -> None:
    rule = [{"name": "weeks", "any_of": [{"sessions": 2, "terms": 1, "broken_weeks": 2}]}]
    found, _ = facts("09-15", {"09-01": "O O", "09-12": friday}, rules=rule)
    (occasion,) = [o for o in found.occasions if o.kind == WARNING]
    assert found.doubts(occasion, "ADA") == doubts


def test_no_letter_is_about_a_number_of_the_schools_own() -> None:
    own = {"name": "own", "penalty_notice": False, "any_of": [{"sessions": 4, "school_weeks": 10}]}
    law = {"name": "law", "any_of": [{"sessions": 4, "school_weeks": 10}]}
    marks = {"09-01..09-02": "O O"}
    assert [o.kind for o in facts("09-05", marks, rules=[own])[0].occasions] == []
    assert {o.kind for o in facts("09-05", marks, rules=[own, law])[0].occasions} == {WARNING, DRAFT}
