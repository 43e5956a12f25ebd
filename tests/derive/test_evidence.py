"""Every decision can be told again from the marks: figures, threshold, sessions relied on, policy and version."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import random_school
from exam_school import derive, entry, school

from attendance_pipeline.derive.evidence import (
    decision_evidence,
    events_of,
    explain_pupil,
    figures,
    opening_of,
    stands_without,
    unaccepted,
)
from attendance_pipeline.derive.ladder import DROPPED, DROPPED_ACCEPTED_REASONS, ESCALATED, OPENED, STALLED
from attendance_pipeline.derive.year import derive_school


def test_the_evidence_of_an_opening() -> None:
    marks = {"09-01": "I O", "09-02": "N G", "09-03": "U M"}
    log = [entry("09-20", "reason_questioned", from_="09-03")]
    derived = derive(school(marks, log=log))
    evidence = decision_evidence(derived, events_of(derived, 0)[0])
    assert (evidence.event, evidence.date, evidence.to_stage, evidence.episode) == (
        "opened",
        dt.date(2025, 9, 15),
        1,
        1,
    )
    assert (evidence.figure, evidence.threshold, evidence.measure) == ((14, 20), 85_000, "year_to_date")
    assert (evidence.policy, len(evidence.policy_version)) == ("exam", 12)
    assert (evidence.measured_from, evidence.measured_to) == (dt.date(2025, 9, 1), dt.date(2025, 9, 12))
    assert [(a.date.day, a.session, a.code, a.why) for a in evidence.absences] == [
        (1, "AM", "I", ""),
        (1, "PM", "O", "unauthorised"),
        (2, "AM", "N", "no reason after the days allowed"),
        (2, "PM", "G", "unauthorised"),
        (3, "AM", "U", "unauthorised"),
        (3, "PM", "M", "reason questioned"),
    ]
    assert len(evidence.relied_on) == 5


def test_the_evidence_of_a_review_has_its_period_and_checkpoint() -> None:
    derived = derive(school({"09-01..09-02": "O O", "09-15..09-19": "O O"}), last="10-13")
    evidence = decision_evidence(derived, events_of(derived, 0)[-1])
    assert (evidence.event, evidence.from_stage, evidence.to_stage) == ("escalated", 1, 2)
    assert (evidence.checkpoint, evidence.period, evidence.figure) == ((16, 20), (30, 40), (46, 60))
    assert (evidence.looked_from, evidence.looked_to) == (dt.date(2025, 9, 15), dt.date(2025, 10, 10))
    assert len(evidence.relied_on) == 10


def test_the_opening_of_the_present_stage() -> None:
    derived = derive(school({"09-01..09-02": "O O", "09-15..09-19": "O O"}))
    on = derived.inputs.calendar.index
    assert opening_of(derived, 0, on(dt.date(2025, 9, 12))) is None
    assert opening_of(derived, 0, on(dt.date(2025, 9, 30)))["event"] == OPENED
    assert opening_of(derived, 0, on(dt.date(2025, 10, 14)))["event"] == ESCALATED
    alone = explain_pupil(derived.inputs, 0, on(dt.date(2025, 10, 14)))
    assert len(alone.events) == 2
    assert figures(alone.counts, 0, 0, 10)["attended"] == 16


@pytest.mark.parametrize(
    ("marks", "without", "stands"),
    [
        ({"09-01..09-02": "O O"}, {"N"}, True),
        ({"09-01": "N N", "09-02": "O O"}, {"N"}, False),  # 16 of 18 is above 85%
        ({"09-01": "N N", "09-02..09-03": "O O"}, {"N"}, False),  # 14 of 18 is below, but 18 sessions are too few
        ({"09-01..09-02": "E E", "09-03": "O /"}, {"E", "C2"}, False),
    ],
)
def test_whether_an_opening_stands_without_some_codes(marks: dict[str, str], without: set[str], stands: bool) -> None:
    derived = derive(school(marks))
    assert stands_without(derived, events_of(derived, 0)[0], without) is stands


def test_the_sessions_relied_on_are_those_the_loop_counted() -> None:
    """Over random schools: a gate that was passed names its sessions, and a drop without one names too few."""
    seen = 0
    for seed in range(40):
        inputs = random_school.make(seed).inputs
        derived = derive_school(inputs, 0, len(inputs.calendar) - 1)
        for event in derived.events:
            day = int(event["day"])
            needed = int(derived.plan.ladder["gate_minimum"][day])
            found = unaccepted(inputs, derived.plan, int(event["pupil"]), day, int(event["looked_from"]))
            if event["event"] in (OPENED, ESCALATED, STALLED, DROPPED):
                assert len(found) >= needed
                seen += needed > 0
            elif event["event"] == DROPPED_ACCEPTED_REASONS:
                assert len(found) < needed
    assert seen > 50
    assert np.isin(derived.events["pupil"], range(3)).all()
