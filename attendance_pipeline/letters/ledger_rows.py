"""What the ledger's decision reads and what it says: plain records.

Belongs here: their shape, and making them from stored rows. Does not belong here: any decision (`ledger`), any SQL.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from attendance_pipeline.law.policy import Policy
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.letters.occasions import Occasion
from attendance_pipeline.letters.recipients import Recipients

MACHINE = "attendance pipeline"  # who moved a letter, when no person did
POLICY = "policy"  # who approved a letter of a kind that the school's policy lets go without a person
MACHINES = (MACHINE, POLICY)
UNSENT = frozenset({"proposed", "approved", "held"})


@dataclass(frozen=True)
class LedgerRow:
    """One letter as the ledger has it.

    `opening_day`: of the opening or other occasion that it answers; `day`: its number (-1: before the calendar).
    `stage`, `episode`: 0 where its kind has none. `entered`: the day on which it last came to be proposed or held;
    `changed_on`: the day of the machine's latest change, also of the reason alone. `acted_on`: the date of the latest
    act of a person that moved it. `sent_on`: the date it was sent. `returned_on`: the day it last came back after it
    was superseded.
    """

    reference: str
    person_id: int
    contact_id: str
    kind: str
    day: int
    opening_day: dt.date
    proposed_on: dt.date
    state: str
    reason: str = ""
    stage: int = 0
    episode: int = 0
    batch: str = ""
    language: str = "en"
    recipient: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    entered: dt.date | None = None
    changed_on: dt.date | None = None
    acted_on: dt.date | None = None
    sent_on: dt.date | None = None
    returned_on: dt.date | None = None

    @classmethod
    def from_store(cls, row: Mapping[str, Any], calendar: SchoolCalendar) -> LedgerRow:
        """From a row of `store.ledger.read_ledger`."""
        opening_day = row["opening_day"] or row["proposed_on"]
        return cls(
            day=calendar.on_or_before(opening_day),
            opening_day=opening_day,
            stage=row["stage"] or 0,
            episode=row["episode"] or 0,
            **{
                name: row[name]
                for name in (
                    *("reference", "person_id", "contact_id", "kind", "proposed_on", "state", "reason", "batch"),
                    *("language", "recipient", "evidence", "entered", "changed_on", "acted_on", "sent_on"),
                    "returned_on",
                )
            },
        )


@dataclass(frozen=True)
class LogEntry:
    """One entry of the intervention log. `stage` None: blank. `until` None: nobody wrote one. `order`: its place among
    the entries of its date. `letter`, `reference`: the kind of letter it is about, or the very letter; both blank: the
    letter of the stage."""

    person_id: int
    date: dt.date
    action: str
    stage: int | None = None
    contact_id: str = ""
    from_: dt.date | None = None
    until: dt.date | None = None
    by: str = ""
    order: int = 0
    letter: str = ""
    reference: str = ""
    agency: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class PupilFacts:
    """What decides over a pupil's letters, on the day decided for."""

    recipients: Recipients = field(default_factory=Recipients)
    class_name: str = ""
    looked_after: bool = False
    left: bool = False
    compulsory_age: bool = True


@dataclass(frozen=True)
class Batch:
    """The letters proposed together on one date. `released`: a person let a held batch go."""

    id: str
    day: dt.date
    letters: int
    held: bool = False
    released: bool = False
    reason: str = ""

    @property
    def braked(self) -> bool:
        return self.held and not self.released

    @classmethod
    def from_store(cls, row: Mapping[str, Any]) -> Batch:
        """From a row of `store.ledger.read_batches`."""
        released = row["released_by"] is not None
        return cls(row["id"], row["day"], row["letters"], row["held"], released, row["reason"])


@dataclass(frozen=True)
class LedgerInputs:
    """Everything the decision of one school for day `day` depends on.

    `day` is the newest school day that has been derived: deciding for an older one would undo what is known since.
    `occasions`: what asks for letters, as it stands on the day. `pupils`: everybody who has an occasion or a letter;
    who is missing has no recipient. `rows`: every letter of the school. `batches`: all there were, also this day's.
    `log`: entries of any date; those after `heard` (None: after `day`) are not looked at. `stage_on`: a pupil's stage
    at the end of a date. `roll`: pupils on roll on `day`. `failed_school`, `failed_classes`: quality checks that did
    not pass. `doubts`: reasons to hold that lie in an occasion itself, for a contact. `evidence`: what a letter for an
    occasion to a contact relies on, with the figures of a day (its number). `unprintable`: why a letter to this contact
    with this evidence cannot be made, or "". `taken`: references that other schools use. `authority`: the name of the
    local authority. `letterhead`: whether the school's settings have one; without it no letter is approved.
    """

    school_id: str
    calendar: SchoolCalendar
    policy: Policy
    day: int
    occasions: Sequence[Occasion]
    pupils: Mapping[int, PupilFacts]
    stage_on: Callable[[int, dt.date], int]
    secret: bytes
    roll: int
    rows: Sequence[LedgerRow] = ()
    batches: Sequence[Batch] = ()
    log: Sequence[LogEntry] = ()
    go_live: dt.date | None = None
    failed_school: bool = False
    failed_classes: frozenset[str] = frozenset()
    doubts: Callable[[Occasion, str], Collection[str]] = lambda occasion, contact_id: ()
    unprintable: Callable[[Occasion, str, Mapping[str, Any]], str] = lambda occasion, contact_id, evidence: ""
    evidence: Callable[[Occasion, str, int], Mapping[str, Any]] = lambda occasion, contact_id, day: {}
    taken: Collection[str] = ()
    authority: str = ""
    letterhead: bool = True
    heard: dt.date | None = None

    @property
    def date(self) -> dt.date:
        return self.calendar.date(self.day)

    @property
    def batch_id(self) -> str:
        return f"{self.school_id} {self.date}"


@dataclass(frozen=True)
class NewLetter:
    """A letter that the ledger does not hold yet, in the state it begins with."""

    reference: str
    person_id: int
    contact_id: str
    kind: str
    stage: int
    episode: int
    opening_day: dt.date
    proposed_on: dt.date
    state: str
    reason: str = ""
    batch: str = ""
    language: str = "en"
    evidence: Mapping[str, Any] = field(default_factory=dict)
    recipient: Mapping[str, Any] = field(default_factory=dict)
    by: str = MACHINE
    day: dt.date | None = None  # the date of the event that made it


@dataclass(frozen=True)
class Move:
    """A letter's way to another state (or to another reason in the same), by whom, as of which date."""

    reference: str
    to_state: str
    reason: str
    by: str
    day: dt.date


@dataclass(frozen=True)
class Amendment:
    """Columns of an unsent letter that changed while it stayed the same letter."""

    reference: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """What to write, in this order: new letters, amendments, moves, the batch of the day.

    `findings`: references with what a person should look at, and no value of anybody.
    """

    new: tuple[NewLetter, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    moves: tuple[Move, ...] = ()
    batch: Batch | None = None
    findings: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.amendments or self.moves)

    def to_write(self, school: str) -> dict[str, Any]:
        """The arguments of `store.ledger.apply`."""
        own = ("by", "day")
        batch = self.batch
        return {
            "new": [
                (
                    {"school": school, **_stored({k: v for k, v in vars(n).items() if k not in own})},
                    n.by,
                    n.day or n.proposed_on,
                )
                for n in self.new
            ],
            "amendments": [(a.reference, _stored(a.values)) for a in self.amendments],
            "moves": [(m.reference, m.to_state, m.reason, m.by, m.day) for m in self.moves],
            "batch": None
            if batch is None
            else {
                "id": batch.id,
                "school": school,
                "day": batch.day,
                "letters": batch.letters,
                "held": batch.held,
                "reason": batch.reason,
            },
        }


def _stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the store has it: no stage and no episode where the kind has none."""
    return {k: (v or None) if k in ("stage", "episode") else v for k, v in values.items()}


def summary(rows: Iterable[LedgerRow | NewLetter]) -> dict[str, int]:
    """How many letters are in each state."""
    return dict(sorted(Counter(r.state for r in rows).items()))


def with_decision(rows: Sequence[LedgerRow], decision: Decision, calendar: SchoolCalendar) -> list[LedgerRow]:
    """The rows that `store.ledger` gives once a decision is written, in its order: for deciding the next day."""
    found = {r.reference: r for r in rows}
    for n in decision.new:
        on = n.day or n.proposed_on
        by_machine = n.by in MACHINES
        found[n.reference] = LedgerRow(
            **{name: getattr(n, name) for name in LedgerRow.__dataclass_fields__ if hasattr(n, name) and name != "day"},
            day=calendar.on_or_before(n.opening_day),
            entered=on if n.state in ("proposed", "held") else None,
            changed_on=on if by_machine else None,
            acted_on=None if by_machine else on,
            sent_on=on if n.state == "sent" else None,
        )
    for a in decision.amendments:
        row = replace(found[a.reference], **a.values)
        found[a.reference] = replace(row, day=calendar.on_or_before(row.opening_day))
    for m in decision.moves:
        row = found[m.reference]
        changes: dict[str, Any] = {"state": m.to_state, "reason": m.reason}
        if m.to_state != row.state and m.to_state in ("proposed", "held"):
            changes["entered"] = max(m.day, row.entered or m.day)
        if row.state == "superseded":
            changes["returned_on"] = max(m.day, row.returned_on or m.day)
        if m.by in MACHINES:
            changes["changed_on"] = max(m.day, row.changed_on or m.day)
        else:
            changes["acted_on"] = max(m.day, row.acted_on or m.day)
        if m.to_state == "sent":
            changes["sent_on"] = m.day
        found[m.reference] = replace(row, **changes)
    return sorted(found.values(), key=lambda r: (r.proposed_on, r.reference))


def with_batch(batches: Sequence[Batch], batch: Batch | None) -> list[Batch]:
    """The school's batches once one more is written, or once more; None: the day has none."""
    if batch is None:
        return list(batches)
    return sorted([*(b for b in batches if b.id != batch.id), batch], key=lambda b: (b.day, b.id))
