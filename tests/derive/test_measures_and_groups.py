"""Measures, groups, tiers, sessions by code and the statutory lists, as exam questions."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from exam_school import YEAR, derive, entry, row_on, school, term

from attendance_pipeline.derive.codes import by_class, by_code, marks_of
from attendance_pipeline.derive.returns import attendance_return, sickness_return
from attendance_pipeline.derive.tables import TABLES, flagged_groups, ratio, to_frame
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.policy import MEASURES, thousandths
from attendance_pipeline.law.register_codes import CODES

COUNTS = ("possible", "attended", "authorised", "unauthorised", "late_before_close", "late_after_close")


def measure(marks: dict[str, str], on: str, measure: str = "year_to_date", **more: Any) -> dict[str, Any]:
    return row_on(derive(school(marks, **more)), "measures", on, measure=measure)


@pytest.mark.parametrize(
    ("first_day", "counts", "attendance"),
    [
        ("/ \\", (2, 2, 0, 0, 0, 0), 1.0),
        ("L \\", (2, 2, 0, 0, 1, 0), 1.0),  # late before the register closed is attendance
        ("U \\", (2, 1, 0, 1, 0, 1), 0.5),  # after it is unauthorised absence
        ("I O", (2, 0, 1, 1, 0, 0), 0.0),
        ("N N", (2, 0, 0, 2, 0, 0), 0.0),  # unauthorised until it is amended
        ("B K", (2, 2, 0, 0, 0, 0), 1.0),
        ("C2 J1", (2, 0, 2, 0, 0, 0), 0.0),
        ("Y1 \\", (1, 1, 0, 0, 0, 0), 1.0),
        ("X #", (0, 0, 0, 0, 0, 0), None),  # nothing possible: null, not 0 or 100
        ("- -", (0, 0, 0, 0, 0, 0), None),
        ("- O", (1, 0, 0, 1, 0, 0), 0.0),
    ],
)
def test_what_a_mark_counts_for(first_day: str, counts: tuple[int, ...], attendance: float | None) -> None:
    row = measure({"09-01": first_day}, "09-01")
    assert tuple(row[name] for name in COUNTS) == counts
    assert row["attendance"] == attendance


@pytest.mark.parametrize(("year", "on", "possible"), [(2021, "2021-09-01", 2), (2022, "2022-09-01", 0)])
def test_x_was_a_possible_session_until_march_2022(year: int, on: str, possible: int) -> None:
    years = ({"name": "y", "terms": [term("autumn", f"{year}-09-01", f"{year}-12-17")]},)
    row = measure({on: "X X"}, on, years=years)
    assert (row["possible"], row["attended"], row["authorised"], row["unauthorised"]) == (possible, 0, 0, 0)
    assert row["attendance"] == (0.0 if possible else None)


@pytest.mark.parametrize(
    ("on", "sessions"),
    [
        ("09-01", {"year_to_date": 2, "term_to_date": 2, "rolling_4_school_weeks": 2}),
        ("09-26", {"year_to_date": 40, "term_to_date": 40, "rolling_4_school_weeks": 40}),
        ("09-29", {"year_to_date": 42, "term_to_date": 42, "rolling_4_school_weeks": 32}),  # three weeks and a Monday
        (
            "11-03",
            {"year_to_date": 82, "term_to_date": 82, "rolling_4_school_weeks": 32},
        ),  # half-term is no school week
        ("01-05", {"year_to_date": 152, "term_to_date": 2, "rolling_4_school_weeks": 32}),
    ],
)
def test_windows_include_the_day_itself(on: str, sessions: dict[str, int]) -> None:
    assert {name: measure({}, on, name)["possible"] for name in MEASURES} == sessions


def test_entry_and_leaving_days_are_inclusive() -> None:
    rows = [{"entry": dt.date(2025, 9, 8), "leave": dt.date(2025, 9, 13)}]
    assert measure({}, "09-08", rows=rows)["possible"] == 2
    assert measure({}, "09-12", rows=rows)["possible"] == 10
    frame = to_frame(derive(school(rows=rows)), "measures")
    assert frame["date"].dt.day.unique().tolist() == [8, 9, 10, 11, 12]


def test_ratios_have_six_decimals_of_the_exact_fraction() -> None:
    assert ratio([2, 1, 1, 127, 0], [3, 3, 128, 128, 0]).tolist()[:4] == [0.666667, 0.333333, 0.007812, 0.992188]
    assert np.isnan(ratio(0, 0))


# -- groups -------------------------------------------------------------------------------------------------------------


def groups(on: str, *pupils: dict[str, str], rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], dict[str, Any]]:
    derived = derive(school(*pupils, rows=rows))
    index = derived.inputs.calendar.index(dt.date.fromisoformat(f"2025-{on}"))
    frame = to_frame(derived, "groups", index, index)
    return {(r["group_kind"], r["group"], r["measure"]): r for r in frame.to_dict("records")}


def test_group_rates_are_pooled_never_a_mean_of_percentages() -> None:
    found = groups(
        "09-02",
        {"09-01..09-02": "O O"},
        {"09-01": "Y1 Y1", "09-02": "Y1 \\"},
        rows=[{"class_name": "A", "year_group": "1"}, {"class_name": "A", "year_group": "2"}],
    )
    assert found["class", "A", "year_to_date"]["attendance"] == 0.2  # 1 of 5, where the mean would be 50%
    assert found["year", "2", "year_to_date"]["attendance"] == 1.0
    assert found["school", "exam", "year_to_date"]["pupils"] == 2


@pytest.mark.parametrize(
    ("absent", "persistent", "severe"),
    [
        ({"09-01": "I /"}, 0, 0),  # 1 of 20
        ({"09-01": "I I"}, 1, 0),  # exactly 10%: at 90% attendance a pupil is persistently absent
        ({"09-01..09-04": "O O", "09-05": "O /"}, 1, 0),  # 9 of 20
        ({"09-01..09-05": "O O"}, 1, 1),  # exactly half
        ({"09-01..09-12": "Y1 Y1"}, 0, 0),  # nothing possible
    ],
)
def test_persistent_and_severe_absence(absent: dict[str, str], persistent: int, severe: int) -> None:
    found = groups("09-12", absent, rows=[{}])
    row = found["school", "exam", "year_to_date"]
    assert (row["persistent"], row["severe"]) == (persistent, severe)
    assert pd.isna(found["school", "exam", "rolling_4_school_weeks"]["persistent"])


def test_a_group_is_of_the_pupils_on_roll_that_day_and_the_school_has_always_a_row() -> None:
    rows = [{"leave": dt.date(2025, 9, 3), "class_name": "A", "cohorts": ["SEN", "FSM"]}]
    on, after = groups("09-03", {}, rows=rows), groups("09-04", {}, rows=rows)
    assert {key[:2] for key in on} == {("school", "exam"), ("class", "A"), ("cohort", "SEN"), ("cohort", "FSM")}
    assert {key[:2] for key in after} == {("school", "exam")}
    assert after["school", "exam", "year_to_date"]["pupils"] == 0
    assert np.isnan(after["school", "exam", "year_to_date"]["attendance"])


@pytest.mark.parametrize(
    ("absent", "is_flagged"), [({"09-01": "O O", "09-02": "O O"}, True), ({"09-01": "O O"}, False)]
)
def test_a_group_two_points_below_the_school_is_flagged(absent: dict[str, str], is_flagged: bool) -> None:
    # Ten pupils of 20 sessions, two of them in class A. Four absences: class 36/40 = 90%, school 196/200 = 98%. Two: 95%
    # and 99%. The limit here is eight points: exactly eight is flagged.
    pupils = [absent] + [{}] * 9
    rows = [{"class_name": "A" if i < 2 else "B"} for i in range(10)]
    derived = derive(school(*pupils, rows=rows, tiers={"group_drop_points": 8}))
    on = derived.inputs.calendar.index(dt.date(2025, 9, 12))
    assert flagged_groups(derived, on) == ([("class", "A")] if is_flagged else [])


# -- tiers --------------------------------------------------------------------------------------------------------------

ILL = {"09-01..09-04": "I I"}  # 8 sessions


@pytest.mark.parametrize(
    ("marks", "cohorts", "on", "tier"),
    [
        ({"09-01..09-02": "O O"}, [], "09-15", 3),  # on the ladder
        (ILL, ["SEN"], "10-17", 2),  # 62 of 70 is 88.6%: within five points above 85
        (ILL, [], "10-17", 1),  # not in a vulnerable cohort
        (ILL, ["EAL"], "10-17", 1),
        ({"09-01..09-02": "I I"}, ["FSM"], "09-19", 2),  # 26 of 30 is 86.7%
        ({"09-01..09-02": "I I"}, ["FSM"], "09-26", 2),  # 36 of 40 is exactly 90%
        ({"09-01..09-02": "I I"}, ["FSM"], "09-29", 1),  # 38 of 42 is above
        ({"09-01..09-05": "I I"}, ["FSM"], "09-12", 1),  # 50%: below the threshold is not near above it
        ({"11-25..11-26": "I /"}, ["Looked After"], "11-26", 2),  # 116/118 = 98.3%, rolling 34/36 = 94.4%: 3.9 points
        ({"11-26": "I /"}, ["Looked After"], "12-05", 1),  # 98.9% and 97.5%: 1.4 points
    ],
)
def test_tiers(marks: dict[str, str], cohorts: list[str], on: str, tier: int) -> None:
    ladder = {"minimum_possible_sessions": 20}
    assert row_on(derive(school(marks, rows=[{"cohorts": cohorts}], ladder=ladder)), "stages", on)["tier"] == tier


def test_the_numbers_of_the_tiers_are_settings() -> None:
    rows = [{"cohorts": ["SEN"]}]
    tiers = {"near_threshold_points": "1.5", "rolling_drop_points": 10}
    # 52 of 60 is 86.7%: within five points of 85, not within one and a half.
    assert row_on(derive(school(ILL, rows=rows)), "stages", "10-10")["tier"] == 2
    assert row_on(derive(school(ILL, rows=rows, tiers=tiers)), "stages", "10-10")["tier"] == 1


# -- codes and the statutory lists --------------------------------------------------------------------------------------


def test_sessions_by_code_and_class() -> None:
    inputs = school({"09-01": "I L", "09-02": "- U"}, rows=[{"leave": dt.date(2025, 9, 3)}])
    counts = by_code(inputs, 0, 10)[0]
    assert {CODES.codes[i] or "no mark": int(n) for i, n in enumerate(counts) if n} == {
        "no mark": 1, "/": 1, "\\": 1, "L": 1, "I": 1, "U": 1,
    }  # fmt: skip
    assert {name: int(n) for name, n in by_class(counts).items() if n} == {
        "present": 3,
        "authorised": 1,
        "unauthorised": 1,
    }
    assert [m.code for m in marks_of(inputs, 0, 0, 10)] == ["I", "L", "U", "/", "\\"]
    sessions = count_school(inputs, 1, 10).window(1, 10)
    assert (int(sessions.possible[0]), int(sessions.marked[0]), int(sessions.late[0])) == (3, 3, 1)


@pytest.mark.parametrize(
    ("marks", "runs"),
    [
        ({"09-01..09-12": "O O"}, [(10, "09-12")]),
        ({"09-01..09-11": "O O"}, []),
        ({"09-01..09-12": "G U", "09-15": "N O"}, [(11, "09-12")]),
        ({"09-01..09-12": "O O", "09-05": "O \\"}, []),  # not wholly
        ({"09-01..09-15": "O O", "09-05": "- -"}, []),  # a day with no mark breaks
        ({"09-01..09-15": "O O", "09-05": "Y1 Y1"}, []),
        ({"10-20..11-07": "O O"}, [(10, "11-07")]),  # over half-term: consecutive school days
    ],
)
def test_attendance_return(marks: dict[str, str], runs: list[tuple[int, str]]) -> None:
    inputs = school(marks)
    on = inputs.calendar.index(dt.date(2025, 11, 28))
    assert [(r.days, f"{inputs.calendar.date(r.reached_on):%m-%d}") for r in attendance_return(inputs, on)] == runs
    assert attendance_return(school(marks, rows=[{"born": dt.date(2021, 6, 1)}]), on) == []


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ({"09-01..09-19": "I I"}, [(30, "09-19")]),
        ({"09-01..09-18": "I I", "09-19": "I \\"}, []),  # 14.5 days
        ({"09-01..10-10": "I /", "11-03": "I I"}, [(32, "10-10")]),  # consecutive or not; 30 half days are 15 days
    ],
)
def test_sickness_return(marks: dict[str, str], found: list[tuple[int, str]]) -> None:
    inputs = school(marks)
    on = inputs.calendar.index(dt.date(2025, 11, 28))
    rows = [(r.sessions, f"{inputs.calendar.date(r.reached_on):%m-%d}") for r in sickness_return(inputs, on)]
    assert rows == found


# -- the tables of the contract -----------------------------------------------------------------------------------------

COLUMNS = {
    "measures": "school, upn, date, measure, possible, attended, authorised, unauthorised, late_before_close, "
    "late_after_close, attendance",
    "groups": "school, date, group_kind, group, measure, pupils, possible, attended, authorised, unauthorised, "
    "attendance, persistent, severe",
    "stages": "school, upn, date, stage, status, episode, opened_on, review_due, reviews, checkpoint, tier",
    "stage_events": "school, upn, date, event, from_stage, to_stage, episode, attendance, threshold",
    "penalty_notices": "school, upn, date, rule, status, counted, needed, window_from, window_to, drops_out_on, blocked_by",
}


@pytest.mark.parametrize("table", TABLES)
def test_frames_have_exactly_the_columns_of_the_contract(table: str) -> None:
    rules = [{"name": "r", "any_of": [{"sessions": 2, "terms": 1}]}]
    derived = derive(school({"09-01..09-03": "O O"}, rules=rules, rows=[{"upn": "A"}]), last="09-19")
    assert list(to_frame(derived, table).columns) == COLUMNS[table].split(", ")
    assert list(to_frame(derived, table, 0, 0).columns) == COLUMNS[table].split(", ")


def test_written_rows_are_as_the_contract_says() -> None:
    rules = [{"name": "r", "any_of": [{"sessions": 2, "terms": 1}]}]
    log = [entry("09-10", "hold")]
    derived = derive(school({"09-01..09-03": "O O"}, rules=rules, rows=[{"upn": "A"}], log=log, years=(YEAR,)))
    on = derived.inputs.calendar.index(dt.date(2025, 9, 15))

    def written(table: str, day: int) -> list[str]:
        buffer = io.StringIO()
        to_frame(derived, table, day, day).to_csv(buffer, index=False, float_format="%.6f")
        return buffer.getvalue().splitlines()[1:]

    assert written("stages", on) == ["exam,A,2025-09-15,1,monitoring,1,2025-09-15,2025-10-13,0,0.700000,3"]
    assert written("stages", 0) == ["exam,A,2025-09-01,0,insufficient_data,,,,,,1"]
    assert written("stage_events", on) == ["exam,A,2025-09-15,opened,0,1,1,0.700000,0.850000"]
    assert written("penalty_notices", on) == [
        "exam,A,2025-09-15,r,met,6,0,2025-09-01,2025-09-12,2026-01-06,hold; no Notice to Improve"
    ]
    assert written("measures", 0)[0] == "exam,A,2025-09-01,year_to_date,2,0,0,2,0,0,0.000000"
    assert written("groups", 0)[2] == "exam,2025-09-01,school,exam,rolling_4_school_weeks,1,2,0,0,2,0.000000,,"


def test_shares_of_absence_come_from_the_law() -> None:
    assert absent_from("persistent", dt.date(2026, 1, 1)) == thousandths(10)
    assert absent_from("severe", dt.date(2026, 1, 1)) == thousandths(50)
