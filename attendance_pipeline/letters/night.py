"""What one night's decision looks up again and again, and the records it passes on.

Belongs here: the inputs of `ledger.decide` indexed, and the shape of its intermediate results. Does not belong here:
the decision itself (`ledger`, `present_stage`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attendance_pipeline.letters.answering import Slot
from attendance_pipeline.letters.holding import reason_text
from attendance_pipeline.letters.ledger_rows import MACHINE, LedgerInputs, LogEntry, PupilFacts

NOBODY = ""  # the contact of a letter that has no recipient yet
LOG = "intervention log"  # who did what an entry without By says


@dataclass
class Target:
    """Where one letter stands at the end of the night.

    `by` and `on`: who moved it there, as of which date (None: tonight). `batch`: the batch it joins; None: it stays
    where it is. `words`: the reason, where it is none of those that hold.
    """

    person_id: int
    contact_id: str
    kind: str
    slot: Slot
    state: str
    holding: frozenset[str] = frozenset()
    let_go: frozenset[str] = frozenset()
    words: str = ""
    by: str = MACHINE
    on: dt.date | None = None
    batch: str | None = None

    @property
    def reason(self) -> str:
        return self.words or reason_text(self.holding, self.let_go)


@dataclass(frozen=True)
class ContactLetters:
    """The letters of one pupil of one kind to one contact, in one academic year.

    `sent`: which slots an entry of the log says were sent. `sent_before`: an entry says so, long before any of them
    opened.
    """

    contact_id: str
    slots: Sequence[Slot]
    sent: Mapping[int, LogEntry]
    sent_before: bool


class Night:
    """The inputs of one decision, indexed."""

    def __init__(self, inputs: LedgerInputs) -> None:
        self.inputs = inputs
        self.calendar = inputs.calendar
        self.date = inputs.date
        self.setting = inputs.policy.setting.letters
        ladder = inputs.policy.ladder_on(inputs.date)
        self._quiet = ladder.quiet_school_weeks if ladder is not None else 0
        self.braked = frozenset(b.id for b in inputs.batches if b.braked)
        self.log: Mapping[int, list[LogEntry]] = defaultdict(list)
        for e in sorted(inputs.log, key=lambda e: (e.person_id, e.date, e.order)):
            if e.date <= self.date:
                self.log[e.person_id].append(e)
        # Which contacts' letters an entry without a Contact ID means, once that is known: see `ledger`.
        self.findings: list[tuple[str, str]] = []
        self.meant: dict[LogEntry, set[str]] = defaultdict(set)
        self._sent: Mapping[tuple[int, str], list[dt.date]] = defaultdict(list)
        for r in inputs.rows:
            if r.state == "sent":
                self._sent[r.person_id, r.contact_id].append(r.sent_on or r.opening_day)

    def pupil(self, person_id: int) -> PupilFacts:
        return self.inputs.pupils.get(person_id, PupilFacts())

    def entries(self, person_id: int, stage: int, *actions: str) -> list[LogEntry]:
        """A pupil's entries of these actions that mean this stage, by date: by its number or, blank, as their day's."""
        return [
            e
            for e in self.log[person_id]
            if e.action in actions
            and (e.stage if e.stage is not None else self.inputs.stage_on(person_id, e.date)) == stage
        ]

    def recently_sent(self, person_id: int, contact_id: str) -> bool:
        """Whether any letter went to this contact about this pupil less than `quiet_school_weeks` school weeks ago."""
        said = [e for e in self.log[person_id] if e.action == "letter_sent"]
        said = [e for e in said if e.contact_id == contact_id or (not e.contact_id and self._may_mean(e, contact_id))]
        dates = [e.date for e in said] + [d for d in self._sent[person_id, contact_id] if d <= self.date]
        days = [self.calendar.on_or_before(d) for d in dates]
        week = int(self.calendar.week[self.inputs.day])
        return any(day >= 0 and week - int(self.calendar.week[day]) < self._quiet for day in days)

    def _may_mean(self, entry: LogEntry, contact_id: str) -> bool:
        return entry not in self.meant or contact_id in self.meant[entry]

    def year(self, day: int) -> int:
        return int(self.calendar.year[max(day, 0)])

    def end_of_year_before(self, year: int) -> dt.date:
        """The last school day before an academic year; an entry after it is of that year."""
        first = int((self.calendar.year == year).argmax())
        return self.calendar.date(first - 1) if first > 0 else dt.date.min
