"""Exam questions for the reference model itself: answers worked out by hand, on both sides of each boundary.

Belongs here: cases that a person can check with the calendar below and a pencil. Must not: the fast implementation; the
comparison of the two is elsewhere.

The year 2025/26 has 39 school weeks. Week 0 begins on Monday 1 September, week 7 on 20 October, week 8 (after half-term) on
3 November, week 14 on 15 December, week 15 on 5 January, week 18 on 26 January. Unless a case says otherwise a pupil is
present at every session, the ladder is the default one without required actions, and cut(d) is the school day before d. So
on Monday 15 September ten school days, 20 sessions, have been cut.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction as F
from typing import Any

import pytest
from reference_calendar import Calendar, of_compulsory_school_age
from reference_codes import ATTENDED, AUTHORISED, NOT_POSSIBLE, UNAUTHORISED
from reference_model import Result, run


def day(text: str) -> date:
    """`09-15` is in 2025 from August on, else in 2026; a full ISO date is itself."""
    if len(text) == 10:
        return date.fromisoformat(text)
    return date.fromisoformat(f"{2025 if text >= '08' else 2026}-{text}")


def term(season: str, starts: str, ends: str, *half_terms: tuple[str, str]) -> dict[str, Any]:
    breaks = [(day(first), day(last)) for first, last in half_terms]
    return {"name": season.title(), "season": season, "starts": day(starts), "ends": day(ends), "half_terms": breaks}


YEAR = {
    "name": "2025/26",
    "terms": [
        term("autumn", "09-01", "12-19", ("10-27", "10-31")),
        term("spring", "01-05", "03-27", ("02-16", "02-20")),
        term("summer", "04-13", "07-17", ("05-25", "05-29")),
    ],
    "inset": [],
    "closures": [],
}
NEXT_YEAR = {"name": "2026/27", "terms": [term("autumn", "2026-09-01", "2026-12-18", ("2026-10-26", "2026-10-30"))]}
BANK_HOLIDAYS = {day("05-04")}
THRESHOLDS = {"autumn": 85, "spring": 90, "summer": 90}
PUPIL: dict[str, Any] = {"entry": None, "leaving": None, "born": date(2015, 1, 10)}


def school(
    marks: dict[str, str] | None = None,
    log: list[dict[str, Any]] | None = None,
    ladder: dict[str, Any] | None = None,
    rules: list[dict[str, Any]] | None = None,
    years: list[dict[str, Any]] | None = None,
    ladders: list[dict[str, Any]] | None = None,
    go_live: str | None = None,
    first: str | None = None,
    last: str | None = None,
    **pupil: Any,
) -> Result:
    """`marks`: day, or `first..last`, -> "AM PM"; "-" is no mark. Later lines win over earlier ones."""
    calendar = {"years": years or [YEAR], "bank_holidays": BANK_HOLIDAYS}
    register: dict[tuple[date, str], str] = {}
    days = Calendar(calendar).days
    for each in days:
        register[(each, "AM")], register[(each, "PM")] = "/", "\\"
    for span, codes in (marks or {}).items():
        begin, _, end = span.partition("..")
        for each in days:
            if day(begin) <= each <= day(end or begin):
                for session, code in zip(("AM", "PM"), codes.split(), strict=True):
                    register[(each, session)] = "" if code == "-" else code
    policy = {
        "name": "exam",
        "ladder": ladders or [{"thresholds": THRESHOLDS} | (ladder or {})],
        "penalty_notice_rules": rules or [],
    }
    limits = [None if text is None else day(text) for text in (go_live, first, last)]
    return run(calendar, policy, PUPIL | pupil, register, log or [], *limits)


def entry(dated: str, action: str, stage: int | None = None, **dates: str) -> dict[str, Any]:
    return {
        "date": day(dated),
        "action": action,
        "stage": stage,
        "contact_id": None,
        "from_": day(dates["from_"]) if "from_" in dates else None,
        "until": day(dates["until"]) if "until" in dates else None,
    }


def told(result: Result) -> list[str]:
    """Events as `09-15 opened 0>1`."""
    return [f"{each['date']:%m-%d} {each['event']} {each['from_stage']}>{each['to_stage']}" for each in result.events]


FOUR = {"09-01..09-02": "O O"}  # 16 of 20 by 12 September: 80%
ALL_ABSENT = {"09-01..07-17": "O O"}
UP_TO_REVIEW = "10-13"  # due of an opening on 15 September; 40 sessions of period, 60 of the year, have been cut then


def required(*actions: str) -> dict[str, Any]:
    return {"stages": {"1": {"requires": list(actions)}}}


# -- section 3 and the words of section 5: the calendar -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("from_day", "weeks", "due"),
    [
        ("09-15", 4, "10-13"),
        ("10-13", 4, "11-17"),  # half-term does not use a week up
        ("11-17", 8, "01-26"),  # nor do the Christmas holidays
        ("04-13", 3, "05-05"),  # the same weekday is the May bank holiday: the next school day
        ("07-06", 1, "07-13"),
        ("07-13", 1, None),  # the calendar ends first
    ],
)
def test_due_goes_by_school_weeks(from_day: str, weeks: int, due: str | None) -> None:
    calendar = Calendar({"years": [YEAR], "bank_holidays": BANK_HOLIDAYS})
    assert calendar.due(day(from_day), weeks) == (None if due is None else day(due))


@pytest.mark.parametrize(
    ("born", "on", "answer"),
    [
        ("2020-08-31", "2025-08-30", False),
        ("2020-08-31", "2025-08-31", True),  # five on a prescribed day: from that day
        ("2020-09-01", "2025-12-30", False),
        ("2020-09-01", "2025-12-31", True),
        ("2021-01-01", "2026-03-31", True),
        ("2021-01-01", "2026-03-30", False),
        ("2010-08-31", "2026-06-26", True),  # sixteen on the last day of 2025/26: the last Friday of June 2026
        ("2010-08-31", "2026-06-27", False),
        ("2010-09-01", "2027-06-25", True),  # sixteen a day later: a year more
        ("2010-09-01", "2027-06-26", False),
    ],
)
def test_compulsory_school_age(born: str, on: str, answer: bool) -> None:
    assert of_compulsory_school_age(day(born), day(on)) is answer


def test_without_a_birth_date_nobody_is_of_compulsory_school_age() -> None:
    assert not of_compulsory_school_age(None, day("2025-12-01"))


def test_every_code_has_one_class() -> None:
    codes = [*ATTENDED, *AUTHORISED, *UNAUTHORISED, *NOT_POSSIBLE]
    assert len(codes) == len(set(codes)) == 38


# -- sections 2 and 4: measures -------------------------------------------------------------------------------------------


def test_measures_of_a_day_hold_the_day_itself_and_no_more() -> None:
    marks = {"09-01": "L U", "09-02": "I G", "09-03": "D -", "09-04": "Y1 #", "09-05": "C2 N"}
    row = school(marks, last="09-05").measures[(day("09-05"), "year_to_date")]
    assert row == {
        "possible": 6,
        "attended": 1,
        "authorised": 2,
        "unauthorised": 3,
        "late_before_close": 1,
        "late_after_close": 1,
    }


@pytest.mark.parametrize(
    ("on", "measure", "possible"),
    [
        ("09-29", "rolling_4_school_weeks", 32),  # weeks 1 to 4, of which one day has passed
        ("11-03", "rolling_4_school_weeks", 32),  # weeks 5, 6, 7 and a Monday: half-term is skipped
        ("01-05", "term_to_date", 2),
        ("01-05", "year_to_date", 152),
        ("2026-09-01", "rolling_4_school_weeks", 2),  # within the academic year
    ],
)
def test_windows_of_measures(on: str, measure: str, possible: int) -> None:
    result = school(years=[YEAR, NEXT_YEAR], first=on, last=on)
    assert result.measures[(day(on), measure)]["possible"] == possible


def test_sessions_before_entry_and_after_leaving_count_in_nothing() -> None:
    result = school(entry=day("09-03"), leaving=day("09-05"))
    assert sorted(result.stages) == [day("09-03"), day("09-04"), day("09-05")]
    assert result.measures[(day("09-05"), "year_to_date")]["possible"] == 6


def test_attendance_is_null_without_a_possible_session() -> None:
    result = school({"09-01": "Z #", "09-02": "- D"}, last="09-02")
    assert result.attendance(day("09-02")) is None


@pytest.mark.parametrize(("on", "possible"), [("2022-03-31", 2), ("2022-04-01", 0)])
def test_x_counted_as_possible_until_the_end_of_march_2022(on: str, possible: int) -> None:
    year = {"name": "2021/22", "terms": [term("spring", on, on)]}
    row = school({on: "X X"}, years=[year]).measures[(day(on), "year_to_date")]
    assert (row["possible"], row["attended"], row["authorised"], row["unauthorised"]) == (possible, 0, 0, 0)


# -- section 5: opening stage 1 -------------------------------------------------------------------------------------------

QUESTIONED = entry("10-01", "reason_questioned", from_="09-01", until="09-02")
ACCEPTED = entry("10-01", "evidence_accepted", from_="09-01", until="09-02")


@pytest.mark.parametrize(
    ("why", "marks", "log", "ladder", "opened"),
    [
        ("18 sessions on Friday 12th are too few, 20 on Monday are enough", {"09-01..09-12": "O O"}, [], {}, "09-15"),
        ("settle 0: the day itself decides", {"09-01..09-12": "O O"}, [], {"settle_school_days": 0}, "09-12"),
        ("settle 2: a day later", {"09-01..09-12": "O O"}, [], {"settle_school_days": 2}, "09-16"),
        ("17 of 20 is 85%: not below", {"09-01": "O O", "09-02": "O \\"}, [], {}, None),
        ("16 of 20 is below", FOUR, [], {}, "09-15"),
        ("illness alone does not open the gate", {"09-01..09-02": "I I"}, [], {}, None),
        ("unless a person questions it, whenever that was", {"09-01..09-02": "I I"}, [QUESTIONED], {}, "09-15"),
        ("and evidence cures it", {"09-01..09-02": "I I"}, [QUESTIONED, ACCEPTED], {}, None),
        ("but evidence does not cure what is unauthorised", FOUR, [ACCEPTED], {}, "09-15"),
        ("an N of five school days before the cut is too young", {"09-05..09-08": "N N"}, [], {}, "09-16"),
        ("an N of six is not", {"09-04..09-05": "N N"}, [], {}, "09-15"),
        (
            "the look-back of a cut in week 3 reaches week 0",
            {"09-01..09-04": "O O"},
            [],
            {"minimum_possible_sessions": 40},
            "09-29",
        ),
        (
            "that of a cut in week 4 does not",
            {"09-01..09-04": "O O"},
            [],
            {"minimum_possible_sessions": 42},
            None,
        ),
        (
            "three spells of illness, three asked",
            {"09-01": "I I", "09-03": "I I", "09-05": "I I"},
            [],
            {"reason_gate": {"illness_spells": 3}},
            "09-15",
        ),
        (
            "three spells of illness, four asked",
            {"09-01": "I I", "09-03": "I I", "09-05": "I I"},
            [],
            {"reason_gate": {"illness_spells": 4}},
            None,
        ),
        (
            "missing marks do not break a spell: two",
            {"09-01": "I I", "09-02": "- -", "09-03": "I I", "09-05": "I I"},
            [],
            {"reason_gate": {"illness_spells": 2}, "minimum_possible_sessions": 10},
            "09-09",
        ),
        (
            "and not three",
            {"09-01": "I I", "09-02": "- -", "09-03": "I I", "09-05": "I I"},
            [],
            {"reason_gate": {"illness_spells": 3}, "minimum_possible_sessions": 10},
            None,
        ),
        ("no opening on a manual-entry day", FOUR, [entry("09-15", "close_episode")], {}, "09-16"),
        ("an entry of a Saturday is Monday's", FOUR, [entry("09-13", "close_episode")], {}, "09-16"),
        ("nothing opens up to Until", FOUR, [entry("09-08", "close_episode", until="09-16")], {}, "09-17"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_when_stage_1_opens(
    why: str, marks: dict[str, str], log: list[dict[str, Any]], ladder: dict[str, Any], opened: str | None
) -> None:
    result = school(marks, log, ladder, last="10-03")
    assert told(result) == ([] if opened is None else [f"{opened} opened 0>1"]), why


def test_the_row_and_the_event_of_an_opening() -> None:
    result = school(FOUR, last="09-15")
    assert result.stages[day("09-12")]["status"] == "insufficient_data"
    assert result.stages[day("09-15")] == {
        "stage": 1,
        "status": "monitoring",
        "episode": 1,
        "opened_on": day("09-15"),
        "review_due": day("10-13"),
        "reviews": 0,
        "checkpoint": F(4, 5),
        "tier": 3,
    }
    assert result.events == [
        {
            "date": day("09-15"),
            "event": "opened",
            "from_stage": 0,
            "to_stage": 1,
            "episode": 1,
            "attendance": F(4, 5),
            "threshold": 85,
        }
    ]


def test_nothing_opens_before_go_live() -> None:
    assert told(school(ALL_ABSENT, go_live="09-18", last="09-18")) == ["09-18 opened 0>1"]


def test_the_newest_ladder_in_force_decides() -> None:
    mild = {"valid_from": day("2023-09-01"), "thresholds": {"autumn": 50, "spring": 50, "summer": 50}}
    strict = {"valid_from": day("09-17"), "thresholds": THRESHOLDS}
    assert told(school(FOUR, ladders=[mild, strict], last="10-01")) == ["09-17 opened 0>1"]


# -- section 5: reviews ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "period", "review"),
    [
        ("46 of 60 is below the checkpoint of 80%", {"09-15..09-19": "O O"}, "escalated 1>2"),
        ("48 of 60 is the checkpoint itself", {"09-15..09-18": "O O"}, "not_dropped 1>1"),
        ("34 of 40 in the period is 85%", {"09-15..09-17": "O O"}, "recovered 1>0"),
        ("33 of 40 is not", {"09-15..09-17": "O O", "09-18": "O \\"}, "not_dropped 1>1"),
        ("a drop for accepted reasons", {"09-15..09-19": "I I"}, "dropped_accepted_reasons 1>1"),
        ("nothing possible in the period", {"09-15..10-10": "D D"}, "no_sessions 1>1"),
        ("a mark of the review's own day is not cut yet", {"09-15..10-10": "D D", "10-13": "/ \\"}, "no_sessions 1>1"),
    ],
)
def test_the_first_review_of_stage_1(why: str, period: dict[str, str], review: str) -> None:
    result = school(FOUR | period, last=UP_TO_REVIEW)
    assert told(result) == ["09-15 opened 0>1", f"{UP_TO_REVIEW} {review}"], why


def test_a_pupil_who_never_comes_is_led_on_by_stalled_reviews() -> None:
    assert told(school(ALL_ABSENT, last="01-30")) == [
        "09-15 opened 0>1",
        "10-13 not_dropped 1>1",
        "11-17 stalled 1>2",
        "12-15 not_dropped 2>2",
        "01-26 stalled 2>3",
    ]


def test_stalled_reviews_0_never_leads_on() -> None:
    assert "11-17 not_dropped 1>1" in told(school(ALL_ABSENT, ladder={"stalled_reviews": 0}, last="11-17"))


@pytest.mark.parametrize(
    ("back", "review"),
    [("O \\", "stalled 1>2"), ("/ \\", "not_dropped 1>1")],
    ids=["1 of 40 after nothing stalls", "2 of 40 is five points, real improvement"],
)
def test_real_improvement_does_not_stall(back: str, review: str) -> None:
    result = school(ALL_ABSENT | {"09-15": back}, ladder={"stalled_reviews": 1}, last=UP_TO_REVIEW)
    assert told(result)[1:] == [f"{UP_TO_REVIEW} {review}"]


def test_stage_3_goes_on_only_at_its_second_review_and_stage_4_never() -> None:
    result = school({"09-15..07-17": "O O"}, [entry("09-15", "set_stage", 3)], last="12-15")
    assert told(result) == ["09-15 set 0>3", "10-13 dropped 3>3", "11-17 escalated 3>4", "12-15 dropped 4>4"]
    assert [each["attendance"] for each in result.events] == [F(1), F(20, 60), F(20, 100), F(20, 140)]


@pytest.mark.parametrize(
    ("relapse_weeks", "stage"), [(2, 2), (1, 1)], ids=["two weeks after, within two", "two weeks after, within one"]
)
def test_a_relapse_re_enters_at_the_stage_left_after_the_quiet_weeks(relapse_weeks: int, stage: int) -> None:
    marks = FOUR | {"09-15..09-17": "O O", "10-13..12-19": "O O"}
    ladder = {"relapse_within_school_weeks": relapse_weeks}
    result = school(marks, [entry("09-15", "set_stage", 2)], ladder, last="11-03")
    assert told(result) == ["09-15 set 0>2", "10-13 recovered 2>0", f"11-03 opened 0>{stage}"]
    assert result.stages[day("11-03")]["episode"] == 2


def test_after_a_recovery_only_a_lower_attendance_opens_again() -> None:
    result = school(FOUR | {"09-15..09-17": "O O"}, last="12-19")
    assert told(result)[1:] == ["10-13 recovered 1>0"]
    assert result.stages[day("10-14")]["status"] == "watch"  # 52 of 62: below 85%, above the 50 of 60 at recovery


@pytest.mark.parametrize(
    ("until", "opened"), [({}, "10-06"), ({"until": "10-10"}, "10-13"), ({"until": "10-12"}, "10-13")]
)
def test_an_episode_closed_by_a_person_binds_like_a_recovery(until: dict[str, str], opened: str) -> None:
    marks = FOUR | {"09-15..12-19": "O O"}
    result = school(marks, [entry("09-22", "close_episode", **until)], last="10-13")
    assert told(result) == ["09-15 opened 0>1", "09-22 closed 1>0", f"{opened} opened 0>1"]


def test_setting_a_stage_keeps_the_episode_and_setting_0_ends_it() -> None:
    log = [entry("09-17", "set_stage", 3), entry("09-19", "set_stage", 0)]
    result = school(ALL_ABSENT, log, last="09-22")
    assert told(result) == ["09-15 opened 0>1", "09-17 set 1>3", "09-19 set 3>0"]
    assert [each["episode"] for each in result.events] == [1, 1, 1]
    assert result.stages[day("09-18")]["opened_on"] == day("09-17")
    assert result.stages[day("09-19")]["episode"] is None


# -- section 5: required actions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "letter", "due"),
    [
        ("on the second day after", entry("09-17", "letter_sent", 1), "10-15"),
        ("of a Saturday: from Monday", entry("09-20", "letter_sent", 1), "10-20"),
        ("before the opening, for stage 1", entry("09-12", "letter_sent", 1), "10-10"),
        ("before the opening, of the stage held then", entry("09-12", "letter_sent"), None),
        ("on the opening day, of the stage held then", entry("09-15", "letter_sent"), "10-13"),
        ("for another stage", entry("09-17", "letter_sent", 2), None),
        ("another action", entry("09-17", "phone_call", 1), None),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_the_clock_starts_with_the_required_action(why: str, letter: dict[str, Any], due: str | None) -> None:
    result = school(ALL_ABSENT, [letter], required("letter_sent"), last="09-22")
    row = result.stages[day("09-22")]
    assert row["status"] == ("awaiting_action" if due is None else "monitoring"), why
    assert row["review_due"] == (None if due is None else day(due)), why
    assert row["opened_on"] == day("09-15")


def test_the_clock_takes_its_checkpoint_from_the_last_of_the_first_entries() -> None:
    log = [entry("09-18", "meeting_held", 1), entry("09-22", "letter_sent", 1), entry("09-16", "letter_sent", 1)]
    result = school(FOUR | {"09-12": "O O"}, log, required("letter_sent", "meeting_held"), last="10-17")
    assert result.stages[day("09-17")]["status"] == "awaiting_action"
    row = result.stages[day("09-18")]
    assert (row["checkpoint"], row["review_due"]) == (F(20, 26), day("10-16"))


@pytest.mark.parametrize(("dated", "status"), [("09-02", "monitoring"), ("09-01", "awaiting_action")])
def test_an_action_may_be_20_school_days_old(dated: str, status: str) -> None:
    log = [entry("09-30", "set_stage", 1), entry(dated, "letter_sent", 1)]
    result = school({"09-25..10-10": "O O"}, log, required("letter_sent"), last="10-01")
    assert result.stages[day("09-30")]["status"] == status
    # Four school weeks from 2 September are over on the opening day; the review comes the day after.
    assert told(result) == ["09-30 set 0>1"] + (["10-01 escalated 1>2"] if status == "monitoring" else [])


def test_an_action_serves_one_opening() -> None:
    log = [entry("09-15", "set_stage", 1), entry("09-15", "letter_sent", 1), entry("09-22", "set_stage", 1)]
    result = school(ALL_ABSENT, log, required("letter_sent"), last="09-23")
    assert result.stages[day("09-19")]["status"] == "monitoring"
    assert result.stages[day("09-23")]["status"] == "awaiting_action"


def test_awaiting_ends_when_attendance_is_no_longer_below() -> None:
    result = school(FOUR, ladder=required("letter_sent"), last="09-30")  # 22 of 26 on the 18th, 24 of 28 on the 19th
    assert told(result) == ["09-15 opened 0>1", "09-19 recovered 1>0"]
    sent = school(FOUR, [entry("09-19", "letter_sent", 1)], required("letter_sent"), last="09-30")
    assert told(sent) == ["09-15 opened 0>1"]
    assert sent.stages[day("09-19")]["review_due"] == day("10-17")


# -- section 5: the ends of things ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leaving", "left"),
    [("10-03", ["10-06 left 2>0"]), ("10-24", ["11-03 left 2>0"]), ("07-17", []), ("2026-08-20", [])],
)
def test_a_pupil_who_leaves_on_the_ladder(leaving: str, left: list[str]) -> None:
    quiet = {"stages": {"2": {"monitoring_school_weeks": 38}}}
    result = school(ALL_ABSENT, [entry("09-08", "set_stage", 2)], quiet, years=[YEAR, NEXT_YEAR], leaving=day(leaving))
    assert told(result)[:1] == ["09-08 set 0>2"]
    assert [each for each in told(result) if " left " in each] == left


@pytest.mark.parametrize(("reset", "stage", "episode"), [(True, 0, None), (False, 2, 1)])
def test_a_new_academic_year(reset: bool, stage: int, episode: int | None) -> None:
    ladder = {"academic_year_reset": reset, "stages": {"2": {"monitoring_school_weeks": 52}}}
    result = school(log=[entry("06-30", "set_stage", 2)], ladder=ladder, years=[YEAR, NEXT_YEAR], last="2026-09-01")
    row = result.stages[day("2026-09-01")]
    assert (row["stage"], row["episode"]) == (stage, episode)
    assert told(result) == ["06-30 set 0>2"]


# -- section 4: tiers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "marks", "on", "cohort", "tier"),
    [
        ("17 of 20: the threshold itself", {"09-08": "I I", "09-09": "I \\"}, "09-12", {"fsm": True}, 2),
        ("18 of 20: five points above", {"09-08": "I I"}, "09-12", {"fsm": True}, 2),
        ("18 of 20: five points above, no cohort", {"09-08": "I I"}, "09-12", {}, 1),
        ("16 of 20: below, yet not on the ladder", {"09-08..09-09": "I I"}, "09-12", {"fsm": True}, 1),
        ("19 of 20: well above", {"09-08": "I \\"}, "09-12", {"sen": True}, 1),
        ("92 and 90 in a hundred: two points, vulnerable", {"09-29..09-30": "I I"}, "10-03", {"fsm": True}, 2),
        ("two points, not vulnerable", {"09-29..09-30": "I I"}, "10-03", {}, 1),
        ("one and a half points", {"09-29": "I I", "09-30": "I \\"}, "10-03", {"fsm": True}, 1),
    ],
)
def test_tiers(why: str, marks: dict[str, str], on: str, cohort: dict[str, bool], tier: int) -> None:
    assert school(marks, last=on, **cohort).stages[day(on)]["tier"] == tier, why


# -- section 6: penalty notices -------------------------------------------------------------------------------------------

WEEK = {"09-01..09-05": "O O"}
TERM = {"sessions": 10, "terms": 1}
TWO_TERMS = {"sessions": 14, "terms": 2}
TEN_WEEKS = {"sessions": 10, "school_weeks": 10}
TEN_CALENDAR_WEEKS = {"sessions": 10, "calendar_weeks": 10}
TWENTY_SESSIONS = {"sessions": 10, "school_sessions": 20}
IN_A_ROW = {"sessions": 10, "consecutive_sessions": True}
NOTICE = entry("09-10", "penalty_notice_issued", from_="09-01", until="09-04")
WITHDRAWN = entry("09-11", "penalty_notice_withdrawn")


@pytest.mark.parametrize(
    ("why", "any_of", "marks", "on", "row"),
    [
        # row: status, counted, needed, window_from, drops_out_on
        ("no cut on the calendar's first day", [TERM], WEEK, "09-01", ("not_met", 0, 10, None, None)),
        ("eight by the cut", [TERM], WEEK, "09-05", ("near", 8, 2, "09-01", "01-06")),
        ("ten by the cut", [TERM], WEEK, "09-08", ("met", 10, 0, "09-01", "01-06")),
        ("seven are near", [TERM], {"09-01..09-03": "G U", "09-04": "O \\"}, "09-05", ("near", 7, 3, "09-01", "01-06")),
        ("six are not", [TERM], {"09-01..09-03": "G U"}, "09-05", ("not_met", 6, 4, "09-01", "01-06")),
        ("ten with an N", [TERM], WEEK | {"09-03": "O N"}, "09-08", ("met_provisional", 10, 0, "09-01", "01-06")),
        ("ten besides an N", [TERM], WEEK | {"09-08": "N \\"}, "09-09", ("met", 11, 0, "09-01", "01-06")),
        ("the cut is still in autumn on 5 January", [TERM], WEEK, "01-05", ("met", 10, 0, "09-01", "01-06")),
        ("a new term", [TERM], WEEK, "01-06", ("not_met", 0, 10, "01-05", None)),
        ("the better alternative", [TERM, TWO_TERMS], WEEK, "01-06", ("not_met", 10, 4, "09-01", "04-14")),
        ("the first of two equal ones", [TEN_WEEKS, TERM], {}, "01-06", ("not_met", 0, 10, "10-13", None)),
        ("two terms across years", [TWO_TERMS], {"07-17": "O O"}, "2026-09-02", ("not_met", 2, 12, "04-13", None)),
        ("ten school weeks", [TEN_WEEKS], WEEK, "11-17", ("met", 10, 0, "09-01", "11-18")),
        ("the eleventh", [TEN_WEEKS], WEEK, "11-18", ("not_met", 0, 10, "09-08", None)),
        ("ten calendar weeks", [TEN_CALENDAR_WEEKS], WEEK, "11-10", ("met", 10, 0, "09-01", "11-11")),
        ("the eleventh calendar week", [TEN_CALENDAR_WEEKS], WEEK, "11-11", ("not_met", 0, 10, "09-08", None)),
        ("20 sessions", [TWENTY_SESSIONS], WEEK, "09-08", ("met", 10, 0, "09-01", "09-16")),
        ("20 sessions to the last", [TWENTY_SESSIONS], WEEK, "09-15", ("met", 10, 0, "09-01", "09-16")),
        ("22 sessions", [TWENTY_SESSIONS], WEEK, "09-16", ("near", 8, 2, "09-02", "09-17")),
        ("D uses no session up", [TWENTY_SESSIONS], WEEK | {"09-15": "D D"}, "09-16", ("met", 10, 0, "09-01", "09-17")),
        ("in a row", [IN_A_ROW], WEEK, "09-08", ("met", 10, 0, "09-01", None)),
        ("in a row around a D and a gap", [IN_A_ROW], WEEK | {"09-03": "D -"}, "09-08", ("near", 8, 2, "09-01", None)),
        ("broken", [IN_A_ROW], WEEK | {"09-03": "/ O"}, "09-08", ("not_met", 5, 5, "09-03", None)),
        ("over", [IN_A_ROW], WEEK, "09-09", ("not_met", 0, 10, "09-08", None)),
        ("an N in the row", [IN_A_ROW], WEEK | {"09-08": "N O"}, "09-09", ("met_provisional", 12, 0, "09-01", None)),
    ],
    ids=lambda value: value if isinstance(value, str) and (" " in value or value.isalpha()) else "",
)
def test_penalty_notice_thresholds(
    why: str, any_of: list[dict[str, Any]], marks: dict[str, str], on: str, row: tuple[Any, ...]
) -> None:
    result = school(marks, rules=[{"name": "rule", "any_of": any_of}], years=[YEAR, NEXT_YEAR], first=on, last=on)
    found = result.penalty[(day(on), "rule")]
    status, counted, needed, window_from, drops_out_on = row
    assert found["status"] == status, why
    assert (found["counted"], found["needed"]) == (counted, needed), why
    assert found["window_from"] == (window_from and day(window_from)), why
    assert found["drops_out_on"] == (drops_out_on and day(drops_out_on)), why


@pytest.mark.parametrize(
    ("on", "log", "counted"),
    [("09-09", [NOTICE], 10), ("09-10", [NOTICE], 2), ("09-12", [NOTICE, WITHDRAWN], 2)],
    ids=["before the notice", "on its day", "after its withdrawal"],
)
def test_sessions_of_a_notice_already_issued_do_not_count_again(
    on: str, log: list[dict[str, Any]], counted: int
) -> None:
    result = school(WEEK, log, rules=[{"name": "rule", "any_of": [TERM]}], last=on)
    assert result.penalty[(day(on), "rule")]["counted"] == counted


@pytest.mark.parametrize(("born", "counted"), [(None, 0), ("2020-08-31", 2), ("2020-09-01", 0), ("2010-08-31", 2)])
def test_only_dates_of_compulsory_school_age_count(born: str | None, counted: int) -> None:
    pupil = {"born": born and day(born)}
    result = school({"09-01": "O O"}, rules=[{"name": "rule", "any_of": [TERM]}], last="09-02", **pupil)
    assert result.penalty[(day("09-02"), "rule")]["counted"] == counted


def test_a_rule_has_rows_on_its_days_only_and_may_name_its_codes() -> None:
    rule = {"name": "rule", "valid_from": day("09-02"), "valid_to": day("09-04"), "codes": ["G"], "any_of": [TERM]}
    result = school({"09-01": "G O"}, rules=[rule], last="09-12")
    assert sorted(on for on, _ in result.penalty) == [day("09-02") + timedelta(days=more) for more in range(3)]
    assert {row["counted"] for row in result.penalty.values()} == {1}


def test_the_days_asked_for_do_not_change_the_answers() -> None:
    whole = school(ALL_ABSENT, last="12-19")
    part = school(ALL_ABSENT, first="11-17", last="11-21")
    assert part.events == [each for each in whole.events if day("11-17") <= each["date"] <= day("11-21")]
    assert part.stages == {on: row for on, row in whole.stages.items() if day("11-17") <= on <= day("11-21")}
