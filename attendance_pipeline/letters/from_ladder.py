"""What the ledger asks of a derived school: openings, their evidence, and what would stand without some codes.

Belongs here: reading the results of `derive/` in the ledger's words. Does not belong here: deriving, or deciding on
letters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from attendance_pipeline.derive.evidence import OPENINGS, decision_evidence, figures, stands_without
from attendance_pipeline.derive.ladder import ESCALATED, EVENTS, STALLED
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.policy import Ladder
from attendance_pipeline.letters.evidence import LetterEvidence
from attendance_pipeline.letters.openings import KIND_OF_STAGE, Opening, StageEvent, openings_from_events

UNRESOLVED = ("N",)
NOT_THE_FAMILYS_CHOICE = ("E", "C2")  # suspended, or on a part-time timetable: the school's doing


@dataclass(frozen=True)
class LadderFacts:
    """Arguments of `LedgerInputs` by their names there; pupils are person ids."""

    openings: list[Opening]
    evidence: Mapping[tuple[int, int], Mapping[str, Any]]
    stands_without_n: frozenset[tuple[int, int]]
    stands_without_e_c2: frozenset[tuple[int, int]]
    stage_on: Callable[[int, dt.date], int]


class LadderReader:
    """One derived school, asked for many days: what an opening relies on is looked up once."""

    def __init__(self, derived: Derived) -> None:
        self.derived = derived
        persons = derived.inputs.pupils.pupil_id
        self._events = [
            StageEvent(
                int(persons[e["pupil"]]), int(e["day"]), EVENTS[e["event"]], int(e["to_stage"]), int(e["episode"])
            )
            for e in derived.events
        ]
        self._opened_by = {
            (int(persons[e["pupil"]]), int(e["day"]), int(e["to_stage"])): e
            for e in derived.events
            if e["event"] in OPENINGS
        }
        self._known: dict[tuple[int, int, int], tuple[Mapping[str, Any], bool, bool]] = {}
        self._stage_on = _stage_on(derived)

    def on(self, day: int) -> LadderFacts:
        """What the ladder says on a derived day.

        The school was derived from the start of the academic year of the day or, where years do not reset, from
        `plan.replay_start` of it; else ValueError, because an opening would be missing.
        """
        year_start = int(self.derived.inputs.calendar.year_start[day])
        if self.derived.first > self.derived.plan.replay_start(year_start):
            raise ValueError(
                "days derived from the start of the academic year (or of the ladder, where years do not reset)"
            )
        reset = bool(self.derived.plan.ladder["reset"][year_start])
        openings = openings_from_events(self._events, self.derived.inputs.calendar, day, reset=reset)
        evidence: dict[tuple[int, int], Mapping[str, Any]] = {}
        without_n: set[tuple[int, int]] = set()
        without_e_c2: set[tuple[int, int]] = set()
        for o in openings:
            if o.present and o.stage in KIND_OF_STAGE:
                key = (o.person_id, o.stage)
                evidence[key], stands_n, stands_e_c2 = self._of(o)
                if stands_n:
                    without_n.add(key)
                if stands_e_c2:
                    without_e_c2.add(key)
        return LadderFacts(openings, evidence, frozenset(without_n), frozenset(without_e_c2), self._stage_on)

    def _of(self, o: Opening) -> tuple[Mapping[str, Any], bool, bool]:
        """Evidence, and whether it would stand without N, and without E and C2."""
        key = (o.person_id, o.day, o.stage)
        if key not in self._known:
            event = self._opened_by[key]
            self._known[key] = (
                letter_evidence(self.derived, event).as_json(),
                stands_without(self.derived, event, UNRESOLVED),
                stands_without(self.derived, event, NOT_THE_FAMILYS_CHOICE),
            )
        return self._known[key]


def ladder_facts(derived: Derived, day: int) -> LadderFacts:
    """What the ladder says on one day: see `LadderReader.on`."""
    return LadderReader(derived).on(day)


def letter_evidence(derived: Derived, event: np.void) -> LetterEvidence:
    """The figures of an opening as a letter prints them."""
    calendar, pupil, day = derived.inputs.calendar, int(event["pupil"]), int(event["day"])
    found = decision_evidence(derived, event)
    today = derived.plan.ladder[day]
    counted = figures(derived.counts, pupil, int(today["start"]), int(today["cut"]))
    ladder = derived.plan.versions[int(derived.plan.version[day])]
    rose = event["event"] in (ESCALATED, STALLED)
    return LetterEvidence(
        attended=found.figure[0],
        possible=found.figure[1],
        unauthorised=counted["unauthorised"],
        first_day=max(found.measured_from, calendar.date(int(derived.inputs.pupils.entry[pupil]))),
        last_day=found.measured_to or found.measured_from,
        threshold=found.threshold if found.threshold >= 0 else None,
        absences=tuple((a.date, a.session, a.code) for a in found.relied_on),
        weeks=_weeks(ladder, found.to_stage),
        earlier_attended=found.checkpoint[0] if rose else 0,
        earlier_possible=found.checkpoint[1] if rose else 0,
        earlier_on=_checkpoint_day(derived, pupil, day) if rose else None,
        event=found.event,
        measure=found.measure or "year_to_date",
        policy=found.policy,
        policy_version=found.policy_version,
    )


def _weeks(ladder: Ladder | None, stage: int) -> int:
    if ladder is None:
        return 0
    stages = ladder.stages
    return (stages.one, stages.two, stages.three, stages.four)[stage - 1].monitoring_school_weeks


def _checkpoint_day(derived: Derived, pupil: int, day: int) -> dt.date | None:
    """The day of the checkpoint that a review on `day` compared with; None when it lies before what is derived."""
    at = day - derived.first - 1
    if at < 0:
        return None
    rows = derived.stages[pupil]
    same = ("stage", "status", "reviews", "checkpoint_attended", "checkpoint_possible")
    while at > 0 and all(rows[at - 1][name] == rows[at][name] for name in same):
        at -= 1
    return derived.inputs.calendar.date(derived.first + at)


def _stage_on(derived: Derived) -> Callable[[int, dt.date], int]:
    calendar = derived.inputs.calendar
    row_of = {int(person): row for row, person in enumerate(derived.inputs.pupils.pupil_id)}

    def stage_on(person_id: int, date: dt.date) -> int:
        """The stage at the end of a date; 0 for days that are not derived and for somebody who is no pupil."""
        day, row = calendar.on_or_before(date), row_of.get(person_id)
        if row is None or not derived.first <= day <= derived.last:
            return 0
        return int(derived.stages[row, day - derived.first]["stage"])

    return stage_on
