"""Penalty-notice thresholds as exam questions, on both sides of every boundary of rules.md section 6."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from exam_school import BORN, NEXT_YEAR, YEAR, derive, entry, row_on, school

from attendance_pipeline.derive.evidence import counted_sessions, window_words
from attendance_pipeline.derive.notices_to_improve import notices_to_improve
from attendance_pipeline.derive.parents import is_held, parent_facts, pupil_blocks
from attendance_pipeline.law.policy import policy_from_text, shipped_policy_text

TERM = [{"name": "local-code", "any_of": [{"sessions": 10, "terms": 1}, {"sessions": 14, "terms": 2}]}]
WEEKS = [{"name": "national", "any_of": [{"sessions": 10, "school_weeks": 10}]}]


def answer(marks: dict[str, str], on: str, rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return row_on(derive(school(marks, rules=rules, **more)), "penalty_notices", on)


def window(sessions: int, **kind: Any) -> list[dict[str, Any]]:
    return [{"name": "rule", "any_of": [{"sessions": sessions, **kind}]}]


@pytest.mark.parametrize(
    ("marks", "status", "counted", "needed"),
    [
        ({}, "not_met", 0, 10),
        ({"09-01..09-03": "O O"}, "not_met", 6, 4),
        ({"09-01..09-03": "O O", "09-04": "O /"}, "near", 7, 3),  # within three
        ({"09-01..09-05": "O /", "09-08..09-09": "G U"}, "near", 9, 1),
        ({"09-01..09-05": "O U"}, "met", 10, 0),
        ({"09-01..09-05": "O G", "09-08": "N N"}, "met", 12, 0),  # ten without the N
        ({"09-01..09-05": "O N"}, "met_provisional", 10, 0),  # only five without
        ({"09-01..09-12": "I E"}, "not_met", 0, 10),  # authorised absence never counts
        ({"09-01..09-05": "O O", "09-26": "/ \\"}, "met", 10, 0),
    ],
)
def test_status(marks: dict[str, str], status: str, counted: int, needed: int) -> None:
    row = answer(marks, "09-29", WEEKS)
    assert (row["status"], row["counted"], row["needed"]) == (status, counted, needed)


@pytest.mark.parametrize(("absent", "status"), [("/ \\", "not_met"), ("O \\", "near")])
def test_near_needs_a_counted_session(absent: str, status: str) -> None:
    assert answer({"09-01": absent}, "09-05", window(3, terms=1))["status"] == status


def test_without_a_cut_off_day_there_is_no_window() -> None:
    ladder = {"settle_school_days": 2}
    rows = [answer({"09-01": "O O"}, on, WEEKS, ladder=ladder) for on in ("09-01", "09-02", "09-03")]
    assert [row["window_from"] for row in rows] == [None, None, "2025-09-01"]
    assert [row["counted"] for row in rows] == [0, 0, 2]


@pytest.mark.parametrize(("within", "status"), [(3, "not_met"), (4, "near")])
def test_how_near_is_near_is_a_setting(within: int, status: str) -> None:
    rules = [{"name": "national", "near_within": within, "any_of": [{"sessions": 10, "school_weeks": 10}]}]
    assert answer({"09-01..09-03": "O O"}, "09-29", rules)["status"] == status


def test_only_settled_sessions_count() -> None:
    marks = {"09-01..09-05": "O O"}
    assert answer(marks, "09-05", WEEKS)["counted"] == 8
    assert answer(marks, "09-08", WEEKS)["counted"] == 10
    assert answer(marks, "09-01", WEEKS) | {"upn": "", "date": ""} == {
        "school": "exam", "upn": "", "date": "", "rule": "national", "status": "not_met", "counted": 0, "needed": 10,
        "window_from": None, "window_to": None, "drops_out_on": None, "blocked_by": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "on", "window_from", "window_to", "drops_out_on"),
    [
        # The school week of Tuesday 4 November and the nine before it; half-term does not use one up.
        (WEEKS, "11-05", "2025-09-01", "2025-11-04", "2025-11-18"),
        # From Tuesday 18 November the cut-off day lies in week 10 and the window begins in week 1.
        (WEEKS, "11-18", "2025-09-08", "2025-11-17", None),
        (window(3, school_weeks=1), "09-05", "2025-09-01", "2025-09-04", "2025-09-09"),
        (window(3, terms=1), "09-05", "2025-09-01", "2025-09-04", "2026-01-06"),
        (window(3, terms=2), "01-12", "2025-09-01", "2026-01-09", "2026-04-14"),
        (window(3, calendar_weeks=2), "09-12", "2025-09-01", "2025-09-11", "2025-09-16"),
        # The holidays use calendar weeks up: four of them before 5 January begin on 15 December.
        (window(3, calendar_weeks=4), "01-06", "2025-12-15", "2026-01-05", None),
        (window(3, school_weeks=4), "01-06", "2025-12-01", "2026-01-05", None),
        (window(3, half_terms=1), "09-05", "2025-09-01", "2025-09-04", "2025-11-04"),
        (window(3, half_terms=2), "11-04", "2025-09-01", "2025-11-03", "2026-01-06"),
        (window(3, half_terms=2), "01-06", "2025-11-03", "2026-01-05", None),
        (window(3, academic_years=1), "01-06", "2025-09-01", "2026-01-05", None),
        (window(3, school_days=5), "09-08", "2025-09-01", "2025-09-05", "2025-09-09"),
        (window(3, school_days=6), "11-04", "2025-10-20", "2025-11-03", None),  # half-term uses none up
        # From 2 September to 1 December: on 2 December the day of 1 September is three months past.
        (window(3, calendar_months=3), "12-01", "2025-09-01", "2025-11-28", "2025-12-02"),
        (window(3, calendar_months=3), "12-02", "2025-09-02", "2025-12-01", None),
    ],
)
def test_windows(rules: list, on: str, window_from: str, window_to: str, drops_out_on: str | None) -> None:
    row = answer({"09-01": "O O"}, on, rules)
    assert (row["window_from"], row["window_to"], row["drops_out_on"]) == (window_from, window_to, drops_out_on)


@pytest.mark.parametrize(
    ("why", "marks", "on", "below", "status"),
    [
        # Four of 16 sessions from 1 to 10 September missed: 75 percent.
        ("attendance is low enough", {"09-01..09-02": "O O"}, "09-11", 80, "met"),
        ("exactly the level is not below it", {"09-01..09-02": "O O"}, "09-11", 75, "not_met"),
        ("a thousandth more says: at most", {"09-01..09-02": "O O"}, "09-11", 75.001, "met"),
        ("illness lowers attendance and is not counted", {"09-01": "O O", "09-02..09-04": "I I"}, "09-11", 60, "near"),
        ("near asks for low attendance too", {"09-01": "O O", "09-02..09-04": "I I"}, "09-11", 50, "not_met"),
        ("it depends on an N whether it is low", {"09-01..09-02": "O O", "09-03": "N \\"}, "09-11", 75, "met_provisional"),
        ("with the N or without it, low", {"09-01..09-02": "O O", "09-03": "N \\"}, "09-11", 80, "met"),
        ("the day after brings it back up", {"09-01..09-02": "O O"}, "09-12", 76, "not_met"),
        ("codes that are no possible session are outside", {"09-01..09-02": "O O", "09-03": "Y1 Y1"}, "09-12", 76, "met"),
    ],
)  # fmt: skip
def test_a_rule_may_ask_for_low_attendance_in_its_window_too(
    why: str, marks: dict[str, str], on: str, below: float, status: str
) -> None:
    assert answer(marks, on, window(4, school_weeks=4, attendance_below=below))["status"] == status, why


def test_low_attendance_is_asked_of_the_last_sessions_of_the_pupil_too() -> None:
    marks = {"09-01..09-02": "O O"}
    rules = window(4, school_sessions=10, attendance_below=65)
    # Of the last ten before 8 September six were attended; before 9 September, eight.
    assert answer(marks, "09-08", rules)["status"] == "met"
    assert answer(marks, "09-09", rules)["status"] == "not_met"


def test_a_run_of_absence_has_no_attendance_to_ask_for() -> None:
    for name in ("attendance_below", "attendance_at_least"):
        with pytest.raises(ValueError, match=f"no {name} beside consecutive_sessions alone"):
            answer({}, "09-08", window(4, consecutive_sessions=True, **{name: 90}))


@pytest.mark.parametrize(
    ("why", "marks", "on", "status", "counted"),
    [
        ("three days on end", {"09-08..09-10": "G G"}, "09-11", "met", 6),
        ("and they stay so when the pupil is back", {"09-08..09-10": "G G"}, "09-15", "met", 6),
        ("until the window no longer holds the first", {"09-08..09-10": "G G"}, "09-30", "not_met", 0),
        ("what comes after the run is counted with it", {"09-08..09-10": "G G", "09-12": "O \\"}, "09-15", "met", 7),
        ("what came before it is not", {"09-05": "O \\", "09-08..09-10": "G G"}, "09-15", "met", 6),
        ("a run that goes on is near", {"09-08..09-09": "G G"}, "09-10", "near", 4),
        ("and over when it was too short", {"09-08..09-09": "G G", "09-10": "G \\"}, "09-11", "not_met", 0),
        ("one attended session breaks it", {"09-08": "G G", "09-09": "/ G", "09-10": "G G"}, "09-11", "near", 3),
        ("illness breaks it", {"09-08..09-10": "G G", "09-09": "I I"}, "09-11", "not_met", 2),
        ("a weekend does not", {"09-11..09-12": "G G", "09-15": "G G"}, "09-16", "met", 6),
        ("nor a session that is not possible", {"09-08": "G G", "09-09": "Y1 Y1", "09-10..09-11": "G G"}, "09-12", "met", 6),
        ("with an N it depends on the N", {"09-08": "G G", "09-09": "G N", "09-10": "G G"}, "09-15", "met_provisional", 6),
        ("an N after six others does not matter", {"09-08..09-10": "G G", "09-11": "N \\"}, "09-15", "met", 7),
        ("an older run without N comes before a newer one with", {"09-08..09-10": "G G", "09-15..09-16": "O O", "09-17": "O N"},
         "09-18", "met", 12),
    ],
)  # fmt: skip
def test_a_run_may_lie_anywhere_in_a_window(
    why: str, marks: dict[str, str], on: str, status: str, counted: int
) -> None:
    row = answer(marks, on, window(6, school_weeks=3, consecutive_sessions=True))
    assert (row["status"], row["counted"]) == (status, counted), why


def test_a_run_in_a_window_drops_out_by_its_first_session() -> None:
    rules = window(6, school_weeks=3, consecutive_sessions=True)
    row = answer({"09-11..09-12": "G G", "09-15": "G G"}, "09-16", rules)
    # The third school week after that of 8 September begins on the 29th; its Monday is a cut-off day on the 30th.
    assert (row["window_from"], row["drops_out_on"]) == ("2025-09-01", "2025-09-30")
    assert answer({"09-11..09-12": "G G", "09-15": "G G"}, "09-30", rules)["status"] == "not_met"


def test_the_sessions_of_a_run_are_its_evidence() -> None:
    marks = {"09-03": "O \\", "09-08..09-10": "G G"}
    derived = derive(school(marks, rules=window(6, school_weeks=3, consecutive_sessions=True)))
    day = derived.inputs.calendar.index(dt.date(2025, 9, 15))
    assert day is not None
    assert [m.code for m in counted_sessions(derived, 0, 0, day)] == ["G"] * 6


@pytest.mark.parametrize(
    ("at_least", "status"),
    [(74, "met"), (75, "met"), (75.001, "not_met")],  # four of 16 missed: 75 percent
)
def test_a_rule_may_ask_that_attendance_is_not_too_low(at_least: float, status: str) -> None:
    rules = window(4, school_weeks=4, attendance_at_least=at_least)
    assert answer({"09-01..09-02": "O O"}, "09-11", rules)["status"] == status


@pytest.mark.parametrize(
    ("marks", "status"),
    [
        ({"09-01": "G G", "09-02": "O O"}, "met"),
        ({"09-01": "G O", "09-02": "O O"}, "not_met"),  # one of them leave
        ({"09-01": "G G", "09-02": "O N"}, "met_provisional"),
        ({"09-01": "G G", "09-02": "O \\"}, "near"),
        ({"09-01": "G O", "09-02": "O \\"}, "not_met"),  # nor near without the leave
    ],
)
def test_some_of_the_sessions_may_have_to_be_holiday(marks: dict[str, str], status: str) -> None:
    assert answer(marks, "09-11", window(4, school_weeks=4, holiday_sessions=2))["status"] == status


def test_a_number_of_the_schools_own_is_about_every_pupil_and_every_code() -> None:
    own = [{"name": "late", "penalty_notice": False, "codes": ["L", "U"], "any_of": [{"sessions": 3, "half_terms": 1}]}]
    marks = {"09-08": "L \\", "09-09": "U \\", "09-10": "/ L"}
    issued = entry("09-09", "penalty_notice_issued", from_="09-08", until="09-09")
    for more in ({}, {"rows": [{"born": dt.date(2021, 6, 1)}]}, {"log": [issued]}):
        row = answer(marks, "09-11", own, **more)
        assert (row["status"], row["counted"], row["blocked_by"]) == ("met", 3, ""), more


def test_rules_of_both_kinds_that_count_the_same_codes_do_not_share_what_they_count() -> None:
    any_of = [{"sessions": 3, "half_terms": 1}]
    rules = [{"name": name, "penalty_notice": name == "law", "any_of": any_of} for name in ("own", "law", "own-too")]
    derived = derive(school({"09-08": "O O", "09-09": "O O"}, rules=rules, rows=[{"born": dt.date(2021, 6, 1)}]))
    day = derived.inputs.calendar.index(dt.date(2025, 9, 10))
    assert day is not None
    assert [int(derived.notice_rows(r, day)[0]["counted"]) for r in range(3)] == [4, 0, 4]
    assert [len(counted_sessions(derived, r, 0, day)) for r in range(3)] == [4, 0, 4]


@pytest.mark.parametrize("code", ["L", "/", "B", "I", "E", "C"])
def test_no_rule_about_penalty_notices_counts_what_is_no_offence(code: str) -> None:
    with pytest.raises(ValueError, match=f"codes of unauthorised absence, not {code}: nobody commits an offence"):
        answer({}, "09-08", [{"name": "late", "codes": ["O", code], "any_of": [{"sessions": 3, "terms": 1}]}])


@pytest.mark.parametrize(
    ("why", "marks", "status", "counted"),
    [
        ("three weeks with one session each", {"09-01": "O \\", "09-09": "O \\", "09-19": "O \\"}, "met", 3),
        ("three sessions in two weeks", {"09-01": "O \\", "09-09": "O O"}, "not_met", 3),
        ("many sessions in two weeks", {"09-01..09-03": "O O", "09-09..09-11": "O O"}, "not_met", 12),
        ("two in one of three weeks", {"09-01": "O O", "09-09": "O \\", "09-19": "O \\"}, "met", 4),
        ("a week of N alone", {"09-01": "O O", "09-09": "O \\", "09-19": "N \\"}, "met_provisional", 4),
        ("a week of N and O", {"09-01": "O O", "09-09": "O \\", "09-19": "N O"}, "met", 5),
    ],
)
def test_some_weeks_may_have_to_be_broken(why: str, marks: dict[str, str], status: str, counted: int) -> None:
    row = answer(marks, "09-22", window(3, half_terms=1, broken_weeks=3))
    assert (row["status"], row["counted"]) == (status, counted), why


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"consecutive_sessions": 6}, "`sessions` says how many"),
        ({"school_sessions": 20, "consecutive_sessions": True}, "no school_sessions beside consecutive_sessions"),
        ({"school_weeks": 2, "terms": 1}, "exactly one window"),
        ({"school_weeks": 2, "attendance_at_least": 90, "attendance_below": 90}, "to be lower than attendance_below"),
        ({"school_weeks": 2, "holiday_sessions": 5}, "no more holiday_sessions than sessions"),
    ],
)
def test_what_contradicts_itself_is_refused(kind: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        answer({}, "09-08", window(4, **kind))


def test_a_window_spans_terms_and_academic_years() -> None:
    marks = {"2026-07-15..2026-07-17": "O O", "2026-09-01..2026-09-02": "G G"}
    row = answer(marks, "2026-09-07", WEEKS, years=(YEAR, NEXT_YEAR))
    assert (row["status"], row["counted"], row["window_from"]) == ("met", 10, "2026-05-11")
    assert answer(marks, "2026-09-07", window(10, terms=1), years=(YEAR, NEXT_YEAR))["counted"] == 4


@pytest.mark.parametrize(
    ("marks", "status", "counted", "window_from"),
    [
        # 9 this term and 14 over two terms: the better status is reported.
        ({"12-15..12-17": "O O", "01-05..01-08": "O O"}, "met", 14, "2025-09-01"),
        # 8 this term, 13 over two: both near; two more needed in the term, one more in two terms.
        ({"12-15..12-16": "O O", "12-17": "O /", "01-05..01-08": "O O"}, "near", 13, "2025-09-01"),
        # 9 this term, 13 over two: one more needed either way, the first alternative.
        ({"12-15..12-16": "O O", "01-05..01-08": "O O", "01-09": "O /"}, "near", 9, "2026-01-05"),
    ],
)
def test_of_several_alternatives_the_best_is_reported(
    marks: dict[str, str], status: str, counted: int, window_from: str
) -> None:
    row = answer(marks, "01-19", TERM)
    assert (row["status"], row["counted"], row["window_from"]) == (status, counted, window_from)


def test_the_last_possible_sessions_of_the_pupil() -> None:
    rules = window(3, school_sessions=4)
    marks = {"09-01": "/ O", "09-02": "O Y1", "09-03": "- \\"}
    # The last four possible sessions before 4 September: 1st AM, 1st PM, 2nd AM, 3rd PM.
    assert answer(marks, "09-04", rules)["counted"] == 2
    row = answer(marks, "09-05", rules)  # 2nd AM, 3rd PM, 4th
    assert (row["counted"], row["window_from"], row["drops_out_on"]) == (1, "2025-09-02", "2025-09-08")
    # With six, one more day of two sessions leaves the 2nd in the window, two more push it out.
    assert answer(marks | {"09-01": "/ \\"}, "09-05", window(3, school_sessions=6))["drops_out_on"] == "2025-09-09"


@pytest.mark.parametrize(
    ("marks", "counted", "window_from"),
    [
        ({"09-01..09-03": "O O"}, 6, "2025-09-01"),
        ({"09-01": "O O", "09-02": "Y1 -", "09-03": "O O"}, 4, "2025-09-01"),  # neither counts nor breaks
        ({"09-01": "O O", "09-02": "I -", "09-03": "O O"}, 2, "2025-09-03"),
        ({"09-01..09-03": "O /"}, 0, "2025-09-03"),  # the run must reach the last possible session
    ],
)
def test_consecutive_sessions(marks: dict[str, str], counted: int, window_from: str) -> None:
    row = answer(marks, "09-04", window(4, consecutive_sessions=True))
    assert (row["counted"], row["window_from"], row["drops_out_on"]) == (counted, window_from, None)


def test_a_run_that_needs_its_n_is_met_provisionally() -> None:
    rules = window(4, consecutive_sessions=True)
    assert answer({"09-01": "N N", "09-02..09-03": "O O"}, "09-04", rules)["status"] == "met"
    # Five without the N, but if its reason is accepted there are only two in a row.
    assert answer({"09-01": "O O", "09-02": "O N", "09-03": "O O"}, "09-04", rules)["status"] == "met_provisional"


@pytest.mark.parametrize(
    ("born", "counted"),
    [
        (dt.date(2020, 12, 31), 2),  # five on 31 December 2025: from that day
        (dt.date(2021, 1, 1), 0),  # five on 1 January: from 31 March
        (None, 0),
        (BORN, 2),
    ],
)
def test_only_sessions_of_compulsory_school_age_count(born: dt.date | None, counted: int) -> None:
    assert answer({"01-05": "O O"}, "01-09", WEEKS, rows=[{"born": born}])["counted"] == counted


def test_compulsory_school_age_ends_on_the_last_friday_in_june() -> None:
    rows = [{"born": dt.date(2010, 8, 31)}]
    row = answer({"06-22..07-03": "O O"}, "07-06", WEEKS, rows=rows)  # Friday 26 June 2026 is the last day
    assert (row["counted"], row["blocked_by"]) == (10, "no Notice to Improve; not of compulsory school age now")


def test_sessions_of_a_notice_do_not_count_again_even_if_it_is_withdrawn() -> None:
    marks = {"09-01..09-05": "O O", "09-15": "O O"}
    log = [
        entry("09-17", "penalty_notice_issued", from_="09-01", until="09-05", contact="a"),
        entry("09-22", "penalty_notice_withdrawn", contact="a"),
    ]
    derived = derive(school(marks, rules=[*WEEKS, *window(2, terms=1)], log=log))
    for rule in ("national", "rule"):
        counted = [row_on(derived, "penalty_notices", on, rule=rule)["counted"] for on in ("09-16", "09-17", "09-23")]
        assert counted == [12, 2, 2]


def test_rules_of_their_dates_and_codes() -> None:
    rules = [
        {"name": "old", "valid_to": "2025-09-10", "codes": ["O"], "any_of": [{"sessions": 2, "terms": 1}]},
        {"name": "new", "valid_from": "2025-09-11", "any_of": [{"sessions": 2, "terms": 1}]},
    ]
    assert (answer({"09-01": "O G"}, "09-10", rules)["rule"], answer({"09-01": "O G"}, "09-10", rules)["counted"]) == (
        "old",
        1,
    )
    assert (answer({"09-01": "O G"}, "09-11", rules)["rule"], answer({"09-01": "O G"}, "09-11", rules)["counted"]) == (
        "new",
        2,
    )
    same = [
        {"name": "rule", "any_of": [{"sessions": 5, "terms": 1}]},
        {"name": "rule", "valid_from": "2025-09-11", "any_of": [{"sessions": 2, "terms": 1}]},
    ]
    assert [answer({}, on, same)["needed"] for on in ("09-10", "09-11")] == [5, 2]


def test_the_shipped_national_rule_begins_on_19_august_2024() -> None:
    from pathlib import Path

    policy = policy_from_text(shipped_policy_text(), Path("seed.toml"))
    names = [[r.name for r in policy.rules_on(dt.date(2024, 8, d))] for d in (18, 19)]
    assert names == [["local-code"], ["local-code", "national-framework-2024"]]


# -- what stands in the way ---------------------------------------------------------------------------------------------

MET = {"09-01..09-05": "O O"}


@pytest.mark.parametrize(
    ("marks", "log", "row", "blocked"),
    [
        (MET, [], {}, "no Notice to Improve"),
        ({"09-01..09-05": "G G"}, [], {}, ""),  # not expected when every counted session is holiday
        ({"09-01..09-05": "G G", "09-08": "O O"}, [], {}, "no Notice to Improve"),
        (MET, [entry("09-10", "notice_to_improve_issued", until="10-10")], {}, ""),
        (MET, [entry("09-16", "notice_to_improve_issued", until="10-10")], {}, "no Notice to Improve"),  # not yet
        (MET, [entry("09-10", "notice_to_improve_issued"), entry("09-10", "hold")], {}, "hold"),
        (MET, [entry("09-08", "hold"), entry("09-12", "release")], {}, "no Notice to Improve"),
        (MET, [entry("09-08", "hold", from_="09-01", until="09-12")], {}, "no Notice to Improve"),
        ({"09-01..09-05": "G G"}, [], {"looked_after": True}, "looked after"),
        (
            MET,
            [entry("09-10", "notice_to_improve_issued"), entry("09-08", "hold"), entry("09-20", "release")],
            {},
            "hold",
        ),
        ({"09-01..09-04": "O O"}, [], {"looked_after": True}, ""),  # nothing is met: nothing is blocked
    ],
)
def test_blocked_by(marks: dict[str, str], log: list, row: dict[str, Any], blocked: str) -> None:
    derived = derive(school(marks, log=log, rows=[row], rules=WEEKS))
    found = row_on(derived, "penalty_notices", "09-15")
    assert found["blocked_by"] == blocked
    if found["status"] == "met":
        index = derived.inputs.calendar.index(dt.date(2025, 9, 15))
        assert "; ".join(pupil_blocks(derived, 0, index, 0)) == blocked


@pytest.mark.parametrize(("until", "blocked"), [("09-12", "no Notice to Improve"), ("09-15", "")])
def test_a_notice_to_improve_of_before_the_window_is_none(until: str, blocked: str) -> None:
    log = [entry("09-08", "notice_to_improve_issued", until=until)]
    assert answer({"09-15": "O O"}, "09-17", window(2, school_weeks=1), log=log)["blocked_by"] == blocked


@pytest.mark.parametrize(
    ("on", "held"), [("09-09", False), ("09-10", True), ("12-01", True), ("12-02", False), ("12-05", True)]
)
def test_a_hold_binds_until_a_later_release(on: str, held: bool) -> None:
    log = [entry("09-10", "hold"), entry("12-02", "release"), entry("12-04", "hold")]
    assert is_held(school(log=log).log, 0, dt.date.fromisoformat(f"2025-{on}")) is held


# -- per parent ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("issued", "tariff", "counts"),
    [
        ([], (160, 80, 21), 0),
        (["2025-09-01"], (160, None, None), 1),
        (
            ["2022-09-16"],
            (160, 80, 21),
            0,
        ),  # three years ending on 15 September 2025 begin on the 16th; and before 2024
        (["2024-08-18"], (160, 80, 21), 0),  # before the framework
        (["2024-08-19"], (160, None, None), 1),
        (["2024-09-10", "2025-03-10"], None, 2),
    ],
)
def test_the_tariff_of_the_next_notice(issued: list[str], tariff: tuple | None, counts: int) -> None:
    log = [entry(on, "penalty_notice_issued", contact="a", from_="2024-01-01", until="2024-01-01") for on in issued]
    derived = derive(school(MET, log=log, rules=WEEKS))
    facts = parent_facts(derived, 0, "a", derived.inputs.calendar.index(dt.date(2025, 9, 15)), 0)
    assert len(facts.notices) == counts
    assert (facts.tariff and (facts.tariff.amount, facts.tariff.early_amount, facts.tariff.early_days)) == tariff
    assert ("two notices already" in facts.blocked_by) is (tariff is None)


@pytest.mark.parametrize(("years", "on", "counts"), [(0, "2027-09-01", 1), (0, "2027-09-02", 0)])
def test_three_years_ending_on_the_day(years: int, on: str, counts: int) -> None:
    from attendance_pipeline.derive.parents import notices_that_count

    inputs = school(log=[entry("2024-09-02", "penalty_notice_issued", contact="a")])
    setting = inputs.policy.setting.penalty_notices
    assert len(notices_that_count(inputs.log, 0, "a", dt.date.fromisoformat(on), setting)) == counts


def test_notices_are_per_parent_and_a_withdrawn_one_does_not_count() -> None:
    log = [
        entry("09-10", "penalty_notice_issued", contact="a", from_="2025-06-01", until="2025-06-02"),
        entry("09-10", "penalty_notice_issued", contact="b", from_="2025-06-01", until="2025-06-02"),
        entry("09-12", "penalty_notice_withdrawn", contact="a"),
    ]
    derived = derive(school(MET, log=log, rules=WEEKS))
    on = derived.inputs.calendar.index
    count = {
        (who, d): len(parent_facts(derived, 0, who, on(dt.date(2025, 9, d)), 0).notices)
        for who in "abc"
        for d in (11, 12)
    }
    assert count == {("a", 11): 1, ("b", 11): 1, ("c", 11): 0, ("a", 12): 0, ("b", 12): 1, ("c", 12): 0}


# -- Notices to Improve -------------------------------------------------------------------------------------------------


def test_unauthorised_sessions_in_the_period_of_a_notice_are_counted() -> None:
    marks = {"09-12": "O O", "09-15": "O /", "09-22": "N I", "10-10": "U /", "10-13": "O O"}
    inputs = school(marks, log=[entry("09-12", "notice_to_improve_issued", from_="09-15", until="10-10", contact="a")])
    on = inputs.calendar.index
    counted = {d: [n.unauthorised for n in notices_to_improve(inputs, on(d))] for d in map(dt.date.fromisoformat, (
        "2025-09-11", "2025-09-12", "2025-09-30", "2025-10-13",
    ))}  # fmt: skip
    assert [[len(sessions) for sessions in found] for found in counted.values()] == [[], [0], [2], [3]]
    notice = notices_to_improve(inputs, on(dt.date(2025, 10, 13)))[0]
    assert (notice.contact_id, notice.runs_on(dt.date(2025, 10, 10)), notice.runs_on(dt.date(2025, 10, 13))) == (
        "a",
        True,
        False,
    )


# -- evidence -----------------------------------------------------------------------------------------------------------


def test_the_sessions_counted_are_named() -> None:
    derived = derive(school({"09-01": "/ O", "09-02": "G N", "09-03": "U \\"}, rules=window(3, school_sessions=3)))
    on = derived.inputs.calendar.index(dt.date(2025, 9, 4))
    # Of the last three possible sessions: 2nd PM, 3rd AM, 3rd PM.
    named = [(derived.inputs.calendar.date(m.day).day, m.session, m.code) for m in counted_sessions(derived, 0, 0, on)]
    assert named == [(2, "PM", "N"), (3, "AM", "U")]
    assert window_words(derived, 0, 0, on) == ("school_sessions", 3, 3)
