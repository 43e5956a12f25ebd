"""Every number of a governor report, counted a second time by plain loops."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
import report_world

from attendance_pipeline.derive.inputs import LogEntry, LogTable
from attendance_pipeline.derive.ladder import CLOSED, ESCALATED, OPENED, RECOVERED, SET, STALLED
from attendance_pipeline.derive.penalty_notices import MET, MET_PROVISIONAL, NEAR
from attendance_pipeline.derive.tables import to_frame
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.governor_figures import GovernorInputs, governor_figures

DAY = dt.date(2026, 2, 13)
SCHOOL = report_world.school(70, last=DAY)
CALENDAR = SCHOOL.calendar
LAST = CALENDAR.on_or_before(DAY)
AUTHORISED = ["C", "C1", "C2", "E", "F", "H", "I", "J1", "M", "R", "S", "T"]
ATTENDED = ["/", "\\", "L", "K", "V", "P", "W", "B", "J"]
UNAUTHORISED = ["G", "N", "O", "U"]


def codes_of(first: dt.date, last: dt.date, pupils: list[int]) -> list[tuple[int, str]]:
    """(pupil, code) of every mark of a session on roll, one by one."""
    out = []
    for p in pupils:
        for d in range(len(CALENDAR)):
            on_roll = SCHOOL.pupils.entry[p] <= d <= SCHOOL.pupils.leave[p]
            if first <= CALENDAR.date(d) <= last and on_roll:
                out += [(p, CODES.codes[c]) for c in SCHOOL.marks[p, d] if c]
    return out


def rate(codes: list[tuple[int, str]]) -> tuple[int, int]:
    attended = sum(code in ATTENDED for _, code in codes)
    return attended, attended + sum(code in AUTHORISED + UNAUTHORISED for _, code in codes)


ON_ROLL = [p for p in range(70) if SCHOOL.pupils.entry[p] <= LAST <= SCHOOL.pupils.leave[p]]
FIGURES = governor_figures(report_world.governor_inputs(SCHOOL, DAY))


def test_the_school_over_the_half_term_the_one_before_and_the_year() -> None:
    school, before = FIGURES.school, FIGURES.before
    assert school.pupils == len(ON_ROLL) == 69  # one has left
    assert FIGURES.left == 1
    start = dt.date(2025, 9, 1)
    assert (school.half_term.attended, school.half_term.possible) == rate(codes_of(dt.date(2026, 1, 5), DAY, ON_ROLL))
    assert (school.year.attended, school.year.possible) == rate(codes_of(start, DAY, ON_ROLL))
    assert before is not None
    assert (before.attended, before.possible) == rate(codes_of(dt.date(2025, 11, 3), dt.date(2025, 12, 19), ON_ROLL))


def test_persistent_and_severe_absence_pupil_by_pupil() -> None:
    marks = {p: rate(codes_of(dt.date(2025, 9, 1), DAY, [p])) for p in ON_ROLL}
    assert FIGURES.school.persistent == sum((n - a) * 10 >= n for a, n in marks.values() if n)
    assert FIGURES.school.severe == sum((n - a) * 2 >= n for a, n in marks.values() if n)
    assert FIGURES.school.persistent > 0


def test_the_export_of_groups_says_the_same() -> None:
    derived = derive_school(SCHOOL, 0, LAST)
    frame = to_frame(derived, "groups", LAST, LAST)
    frame = frame[frame["measure"] == "year_to_date"].set_index(["group_kind", "group"])
    figures = governor_figures(
        GovernorInputs.from_derived(
            derived,
            next(h for h in CALENDAR.half_terms if h.first <= LAST <= h.last),
            school_name="Oakfield",
            phase="Primary",
            local_authority="E08000035",
            as_at="now",
        )
    )
    keys = [("school", "oakfield"), *(("year", y) for y in "R123456"), *(("cohort", c) for c in ("SEN", "FSM", "EAL"))]
    groups = [figures.school, *figures.years, *figures.cohorts[:3]]
    for key, group in zip(keys, groups, strict=True):
        row = frame.loc[key]
        got = (group.pupils, group.year.possible, group.year.attended, group.persistent, group.severe)
        assert got == tuple(row[c] for c in ("pupils", "possible", "attended", "persistent", "severe")), key


def test_absence_by_reason_and_lates() -> None:
    half_term = codes_of(dt.date(2026, 1, 5), DAY, ON_ROLL)
    year = codes_of(dt.date(2025, 9, 1), DAY, ON_ROLL)
    for name, codes in (
        ("Illness", ["I"]),
        ("Medical or dental visit", ["M"]),
        ("Other agreed absence", [c for c in AUTHORISED if c not in "IM"]),
        ("Holiday not agreed", ["G"]),
        ("Late, register closed", ["U"]),
        ("Reason not yet known", ["N"]),
        ("Other, not agreed", ["O"]),
    ):
        reason = next(r for r in FIGURES.reasons if r.name == name)
        for got, of in ((reason.half_term, half_term), (reason.year, year)):
            found = [p for p, code in of if code in codes]
            assert (got.sessions, got.pupils) == (len(found), len(set(found))), name
    possible, attended = FIGURES.school.year.possible, FIGURES.school.year.attended
    assert sum(r.year.sessions for r in FIGURES.reasons) == possible - attended
    late = [p for p, code in half_term if code == "L"]
    assert (FIGURES.late[0].before_close.sessions, FIGURES.late[0].before_close.pupils) == (len(late), len(set(late)))


def test_weeks_add_up_to_the_year() -> None:
    assert FIGURES.weeks[0].first == dt.date(2025, 9, 2) and FIGURES.weeks[-1].first == dt.date(2026, 2, 9)
    assert FIGURES.aged_5_to_15 is not None
    for weeks, of in ((FIGURES.weeks_of_all, FIGURES.school), (FIGURES.weeks, FIGURES.aged_5_to_15)):
        assert sum(w.week.possible for w in weeks) == of.year.possible
        assert weeks[-1].year == of.year


def test_pupils_aged_5_to_15_are_those_published_figures_are_about() -> None:
    aged = FIGURES.aged_5_to_15
    assert aged is not None
    assert aged.pupils == sum(SCHOOL.pupils.year_group[p] != "R" for p in ON_ROLL)


@pytest.mark.parametrize(
    ("born", "counted"),
    [("2020-08-31", True), ("2020-09-01", False), ("2009-09-01", True), ("2009-08-31", False)],
)
def test_the_age_that_counts_is_that_of_31_august(born: str, counted: bool) -> None:
    from attendance_pipeline.derive.inputs import PupilTable, SchoolInputs

    rows = [{"born": dt.date.fromisoformat(born), "year_group": "1"}]
    pupils = PupilTable.from_rows(CALENDAR, rows)
    marks = np.zeros((1, len(CALENDAR), 2), dtype=np.uint8)
    school = SchoolInputs("x", CALENDAR, SCHOOL.policy, pupils, marks, LogTable.from_entries(1, []))
    assert (governor_figures(report_world.governor_inputs(school, DAY)).aged_5_to_15 is not None) is counted


def test_the_ladder_of_the_half_term() -> None:
    first = CALENDAR.on_or_after(dt.date(2026, 1, 5))
    stage = np.zeros(70, dtype=np.uint8)
    stage[[0, 1, 2]] = 1, 2, 2
    stage[3] = 3  # has left: not there now
    at = {"day": first, "episode": 1}
    events = [
        {"pupil": 9, "event": OPENED, "from_stage": 0, "to_stage": 1, "day": first - 1, "episode": 1},  # before
        {"pupil": 0, "event": OPENED, "from_stage": 0, "to_stage": 1, **at},
        {"pupil": 1, "event": OPENED, "from_stage": 0, "to_stage": 2, **at},
        {"pupil": 2, "event": ESCALATED, "from_stage": 1, "to_stage": 2, **at},
        {"pupil": 4, "event": STALLED, "from_stage": 2, "to_stage": 3, **at},
        {"pupil": 5, "event": SET, "from_stage": 0, "to_stage": 4, **at},
        {"pupil": 6, "event": SET, "from_stage": 3, "to_stage": 1, **at},  # moved down: neither opened nor up
        {"pupil": 7, "event": RECOVERED, "from_stage": 2, "to_stage": 0, **at},
        {"pupil": 8, "event": CLOSED, "from_stage": 2, "to_stage": 0, **at},
    ]
    given = report_world.governor_inputs(SCHOOL, DAY, events=events, stage=stage)
    found = [(r.stage, r.opened, r.moved_up, r.recovered, r.now) for r in governor_figures(given).ladder]
    assert found == [(1, 1, 0, 0, 1), (2, 1, 1, 1, 2), (3, 0, 1, 0, 0), (4, 1, 0, 0, 0)]
    assert [(r.stage, r.moved_down, r.ended) for r in governor_figures(given).ladder if r.moved_down or r.ended] == [
        (1, 1, 0),
        (2, 0, 1),
    ]


def test_penalty_notice_cases_and_what_persons_did() -> None:
    status = np.zeros(70, dtype=np.uint8)
    status[:6] = MET, MET, MET, MET, MET_PROVISIONAL, NEAR  # the fourth has left
    entries = [
        LogEntry(0, dt.date(2026, 1, 4), "penalty_notice_issued"),  # in the holidays before
        LogEntry(1, dt.date(2026, 1, 5), "penalty_notice_issued"),
        LogEntry(2, DAY, "notice_to_improve_issued"),
    ]
    school = replace(SCHOOL, log=LogTable.from_entries(70, entries))
    given = report_world.governor_inputs(school, DAY, notices={"national-framework-2024": status})
    figures = governor_figures(given)
    assert [vars(c) for c in figures.cases] == [
        {"rule": "national-framework-2024", "statutory": True, "met": 3, "provisional": 1, "near": 1}
    ]
    assert dict(figures.actions) == {"Notices to improve": 1, "Penalty notices": 1, "Not pursued": 0, "Referrals": 0}


def test_a_report_on_request_ends_before_the_half_term_does() -> None:
    day = dt.date(2026, 1, 16)
    figures = governor_figures(report_world.governor_inputs(SCHOOL, day))
    assert figures.school.half_term.possible == rate(codes_of(dt.date(2026, 1, 5), day, ON_ROLL))[1]
    with pytest.raises(ValueError, match="a last day within Spring, half-term 1"):
        replace(report_world.governor_inputs(SCHOOL, day), last=LAST + 1)


def test_days_derived_must_start_with_the_year() -> None:
    derived = derive_school(report_world.school(3, last=DAY), LAST - 1, LAST)
    with pytest.raises(ValueError, match="the first of the academic year"):
        GovernorInputs.from_derived(
            derived, CALENDAR.half_terms[2], school_name="", phase="Primary", local_authority="", as_at=""
        )
