"""A small invented school for the tests of the ledger: days are numbers of its calendar, letters are read back as tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

from attendance_pipeline.law.policy import LETTER_OF_STAGE, policy_from_text, shipped_policy_text
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar
from attendance_pipeline.letters.ledger import decide
from attendance_pipeline.letters.ledger_rows import (
    Batch,
    Decision,
    LedgerInputs,
    LedgerRow,
    LogEntry,
    PupilFacts,
    with_batch,
    with_decision,
)
from attendance_pipeline.letters.occasions import OPENED, Occasion
from attendance_pipeline.letters.recipients import Recipient, Recipients


def term(name: str, season: str, starts: str, ends: str) -> dict[str, Any]:
    return {
        "name": name,
        "season": season,
        "starts": dt.date.fromisoformat(starts),
        "ends": dt.date.fromisoformat(ends),
    }


CALENDAR = SchoolCalendar(
    CalendarSetting.model_validate(
        {
            "years": [
                {
                    "name": "2024/25",
                    "terms": [term("Summer", "summer", "2025-04-28", "2025-07-18")],
                },
                {
                    "name": "2025/26",
                    "terms": [
                        term("Autumn", "autumn", "2025-09-01", "2025-12-19"),
                        term("Spring", "spring", "2026-01-05", "2026-03-27"),
                    ],
                },
            ]
        }
    )
)
START = CALENDAR.on_or_after(dt.date(2025, 9, 1))  # the tests count days from the first of 2025/26
POLICY = policy_from_text(shipped_policy_text(), Path("seed-school.toml"))
SECRET = b"0123456789abcdef"

HOME = ("12 Mill Lane", "Leeds", "LS6 2XX")
ADA = Recipient("ADA", "Mrs", "Ada", "Smith", HOME, priority=1)
BO = Recipient("BO", "Mr", "Bo", "Smith", HOME, priority=2)


def date(day: int) -> dt.date:
    return CALENDAR.date(START + day)


def facts(*recipients: Recipient, **more: Any) -> PupilFacts:
    return PupilFacts(Recipients(recipients or (ADA,), more.pop("excluded", {})), **{"class_name": "4K", **more})


def opening(
    stage: int, day: int, *, pupil: int = 1, episode: int = 1, ended: str = "", on: int | None = None
) -> Occasion:
    """The opening of a stage, as what asks for the stage's own letter."""
    ended_on = None if on is None else START + on
    return Occasion(pupil, LETTER_OF_STAGE[stage], START + day, stage, episode, OPENED, ended, ended_on)


class LedgerSchool:
    """The ledger of one school, night after night. What a test changes, it changes between nights."""

    def __init__(self, *pupils: PupilFacts, **inputs: Any) -> None:
        self.pupils = dict(enumerate(pupils or (facts(),), start=1))
        self.occasions: list[Occasion] = []
        self.log: list[LogEntry] = []
        self.rows: list[LedgerRow] = []
        self.batches: list[Batch] = []
        self.inputs = {"roll": 200, **inputs}
        self.stages: dict[int, int] = {}

    def opens(self, stage: int, day: int, *, pupil: int = 1, episode: int = 1) -> None:
        """A stage opens; the one before it is over."""
        if self.occasions and self.occasions[-1].person_id == pupil and self.occasions[-1].present:
            self.ends("escalated", day)
        self.occasions.append(opening(stage, day, pupil=pupil, episode=episode))
        self.stages[pupil] = stage

    def ends(self, event: str, day: int) -> None:
        self.occasions[-1] = replace(self.occasions[-1], ended=event, ended_on=START + day)

    def says(self, action: str, day: int | dt.date, stage: int | None = 1, contact: str = "", **more: Any) -> None:
        """An entry of the log about pupil 1, or `pupil`."""
        on = day if isinstance(day, dt.date) else date(day)
        self.log.append(
            LogEntry(more.pop("pupil", 1), on, action, stage, contact, by="A. Clerk", order=len(self.log), **more)
        )

    def night(self, day: int, **changes: Any) -> Decision:
        """Decide for a day and write it; deciding once more must find nothing to write."""
        inputs = self._inputs(day, changes)
        decision = decide(inputs)
        self._write(decision)
        again = decide(self._inputs(day, changes))
        assert not again, again
        assert again.batch == decision.batch
        return decision

    def _inputs(self, day: int, changes: dict[str, Any]) -> LedgerInputs:
        values: dict[str, Any] = {
            "school_id": "oakfield",
            "calendar": CALENDAR,
            "policy": POLICY,
            "day": START + day,
            "occasions": [o.as_on(START + day) for o in self.occasions if o.day <= START + day],
            "pupils": self.pupils,
            "stage_on": lambda person, on: self.stages.get(person, 0),
            "secret": SECRET,
            "rows": self.rows,
            "batches": self.batches,
            "log": self.log,
            **self.inputs,
            **changes,
        }
        return LedgerInputs(**values)

    def _write(self, decision: Decision) -> None:
        self.rows = with_decision(self.rows, decision, CALENDAR)
        self.batches = with_batch(self.batches, decision.batch)

    def release(self, batch_id: str) -> None:
        self.batches = [replace(b, held=False, released=True) if b.id == batch_id else b for b in self.batches]

    def table(self) -> list[tuple[Any, ...]]:
        """Kind, contact, day of the opening, state and reason of every letter about pupil 1, by opening and contact."""
        return sorted((r.kind, r.contact_id, r.day - START, r.state, r.reason) for r in self.rows if r.person_id == 1)

    def states(self) -> list[str]:
        return [state for *_, state, _ in self.table()]
