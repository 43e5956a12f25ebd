"""What the ledger asks of a derived school: occasions, what is doubtful about one, its evidence.

Belongs here: reading the results of `derive/` in the ledger's words. Does not belong here: deriving, cases and illness
(`from_cases`), figures (`figures`), or deciding on letters.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from attendance_pipeline.derive.evidence import OPENINGS, review_stands_without, stands_without
from attendance_pipeline.derive.ladder import EVENTS
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.letters.figures import EvidenceMaker, event_of
from attendance_pipeline.letters.from_cases import CaseReader
from attendance_pipeline.letters.holding import E_OR_C2, UNRESOLVED_N
from attendance_pipeline.letters.occasions import (
    OPENED,
    Occasion,
    ladder_occasions,
    no_more_than_once_in,
)
from attendance_pipeline.letters.openings import Opening, StageEvent, openings_from_events

UNRESOLVED = ("N",)
NOT_THE_FAMILYS_CHOICE = ("E", "C2")  # suspended, or on a part-time timetable: the school's doing
ONCE_IN_A_WHILE = "medical_support"


@dataclass(frozen=True)
class Facts:
    """Arguments of `LedgerInputs` by their names there; pupils are person ids."""

    openings: list[Opening]
    occasions: list[Occasion]
    doubts: Callable[[Occasion, str], Collection[str]]
    evidence: Callable[[Occasion, str, int], Mapping[str, Any]]
    stage_on: Callable[[int, dt.date], int]


class OccasionReader:
    """One derived school, asked for many days: what an occasion relies on is looked up once."""

    def __init__(self, derived: Derived, maker: EvidenceMaker | None = None) -> None:
        self.derived = derived
        self._maker = maker if maker is not None else EvidenceMaker(derived)
        self._cases = CaseReader(derived)
        persons = derived.inputs.pupils.pupil_id
        self._row_of = {int(person): row for row, person in enumerate(persons)}
        self._events = [
            StageEvent(
                int(persons[e["pupil"]]),
                int(e["day"]),
                EVENTS[e["event"]],
                int(e["to_stage"]),
                int(e["episode"]),
                int(e["from_stage"]),
                reviewed=bool(e["looked_from"] >= 0 and e["from_stage"] > 0),
            )
            for e in derived.events
        ]
        self._stands: dict[Occasion, frozenset[str]] = {}
        self._stage_on = _stage_on(derived)

    def on(self, day: int) -> Facts:
        """What the ladder, the rules and the register say on a derived day.

        The school was derived from the start of the academic year of the day or, where years do not reset, from
        `plan.replay_start` of it; else ValueError, because an opening would be missing.
        """
        calendar, plan = self.derived.inputs.calendar, self.derived.plan
        year_start = int(calendar.year_start[day])
        if self.derived.first > plan.replay_start(year_start):
            raise ValueError(
                "days derived from the start of the academic year (or of the ladder, where years do not reset)"
            )
        setting = plan.policy.setting.letters
        reset = bool(plan.ladder["reset"][year_start])
        openings = openings_from_events(self._events, calendar, day, reset=reset)
        of_year = [e for e in self._events if e.day >= year_start]
        found = [
            *ladder_occasions(openings, of_year, setting.kinds, setting, day),
            *self._cases.on(day, setting.kinds),
        ]
        seldom = [o for o in found if o.kind == ONCE_IN_A_WHILE]
        found = [o for o in found if o.kind != ONCE_IN_A_WHILE]
        found += no_more_than_once_in(seldom, setting.again_after_school_weeks, calendar)

        def doubts(occasion: Occasion, contact_id: str) -> frozenset[str]:
            return self._doubts(occasion) | self._cases.doubts(occasion, contact_id, day)

        return Facts(openings, sorted(found), doubts, self._maker.of, self._stage_on)

    def _doubts(self, o: Occasion) -> frozenset[str]:
        """What an event of the ladder would not stand without."""
        if o.because == "" or o.stage == 0:
            return frozenset()
        key = o.as_on(o.day)
        if key not in self._stands:
            event = event_of(self.derived, self._row_of[o.person_id], o)
            found = set()
            if event is not None:
                stands = stands_without if event["event"] in OPENINGS and o.because == OPENED else review_stands_without
                if not stands(self.derived, event, UNRESOLVED):
                    found.add(UNRESOLVED_N)
                if not stands(self.derived, event, NOT_THE_FAMILYS_CHOICE):
                    found.add(E_OR_C2)
            self._stands[key] = frozenset(found)
        return self._stands[key]


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
