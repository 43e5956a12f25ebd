"""What one night's decision looks up again and again, and the records it passes on.

Belongs here: the inputs of `ledger.decide` indexed, which letters an entry of the log means, and the shape of
intermediate results. Does not belong here: the decision itself (`ledger`, `present_letter`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from attendance_pipeline.law.policy import STAGE_OF_LETTER
from attendance_pipeline.letters.answering import Slot
from attendance_pipeline.letters.holding import reason_text
from attendance_pipeline.letters.kind_rules import KIND_RULES, LETTER_SENT, belong_together
from attendance_pipeline.letters.ledger_rows import MACHINE, LedgerInputs, LedgerRow, LogEntry, PupilFacts
from attendance_pipeline.letters.occasions import Occasion
from attendance_pipeline.letters.recipients import Recipient, Recipients

NOBODY = ""  # the contact of a letter that has no recipient yet, and of one that is to no contact
LOG = "intervention log"  # who did what an entry without By says
REFERRAL_STAGE = STAGE_OF_LETTER["referral_pack"]


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


class Sent(NamedTuple):
    """A letter to a contact that was sent, as the ledger or tonight's log has it. `day`: number of its occasion's."""

    contact_id: str
    kind: str
    stage: int
    day: int
    on: dt.date
    reference: str


class Night:
    """The inputs of one decision, indexed."""

    def __init__(self, inputs: LedgerInputs) -> None:
        self.inputs = inputs
        self.calendar = inputs.calendar
        self.date = inputs.date
        self.heard = max(inputs.heard or inputs.date, inputs.date)
        self.setting = inputs.policy.setting.letters
        ladder = inputs.policy.ladder_on(inputs.date)
        self._quiet = ladder.quiet_school_weeks if ladder is not None else 0
        self.braked = frozenset(b.id for b in inputs.batches if b.braked)
        self.findings: list[tuple[str, str]] = []
        self.log: Mapping[int, list[LogEntry]] = defaultdict(list)
        for e in sorted(inputs.log, key=lambda e: (e.person_id, e.date, e.order)):
            if e.date <= self.heard:
                self.log[e.person_id].append(e)
        # Which letters an entry that says `sent` means, once that is known: see `ledger`.
        self._meant: dict[LogEntry, list[Sent]] = defaultdict(list)
        self._sent: Mapping[int, list[Sent]] = defaultdict(list)
        self._references: dict[tuple[int, str], set[str]] = defaultdict(set)
        self._contact_of = {r.reference: r.contact_id for r in inputs.rows}
        for r in inputs.rows:
            self._references[r.person_id, r.kind].add(r.reference)
            if r.state == "sent":
                self._sent[r.person_id].append(_sent_row(r))
        # Whom the school's system has given another Contact ID since a letter went to them: old id -> the new one.
        self._now_known_as: dict[tuple[int, str], str] = {}
        for r in inputs.rows:
            if r.state == "sent" and (now := _under_another_id(r, self.pupil(r.person_id).recipients)):
                self._now_known_as[r.person_id, r.contact_id] = now

    def tonight(self, person_id: int) -> dt.date:
        """As of which date a pupil's letters are moved: of the day decided for, or of the latest word that was heard
        after it. A word must not be taken, the next time, for one that came after what is decided now."""
        return max([self.date, *(e.date for e in self.log.get(person_id, ())[-1:])])

    def pupil(self, person_id: int) -> PupilFacts:
        return self.inputs.pupils.get(person_id, PupilFacts())

    def recipients(self, person_id: int, kind: str) -> Recipients:
        """To whom letters of a kind about a pupil go: the family, or the local authority alone."""
        if KIND_RULES[kind].to_authority:
            return Recipients((Recipient(NOBODY, surname=self.inputs.authority or "Local authority"),))
        return self.pupil(person_id).recipients

    def recipient(self, person_id: int, kind: str, contact_id: str) -> Recipient | None:
        return self.recipients(person_id, kind).by_id().get(contact_id)

    def evidence(self, t: Target) -> Mapping[str, Any]:
        """What the letter relies on. Figures that move on are of the day on which it came to be proposed; those of an
        approved letter are what was approved."""
        occasion, row = t.slot.occasion, t.slot.row
        if occasion is None:
            return {}
        if row is not None and row.state == "approved" and row.evidence:
            return row.evidence
        day = self.inputs.day
        comes = row is None or (row.state in ("held", "superseded") and t.state in ("proposed", "approved"))
        if row is not None and not comes and (as_at := row.evidence.get("as_at")):
            day = min(self.calendar.on_or_before(dt.date.fromisoformat(as_at)), day)
        return self.inputs.evidence(occasion, t.contact_id, day)

    def entries(self, person_id: int, kind: str, *actions: str) -> list[LogEntry]:
        """A pupil's entries of these actions that mean letters of this kind, by date.

        An entry says so by the letter's kind or reference; or, with neither, by an action that is of this kind alone;
        or by the stage whose letter it is: its number or, blank, the pupil's stage that day.
        """
        return [e for e in self.log[person_id] if e.action in actions and self._means(e, kind)]

    def _means(self, e: LogEntry, kind: str) -> bool:
        if e.reference:
            return e.reference in self._references[e.person_id, kind]
        if e.letter:
            return e.letter == kind
        stage, rules = STAGE_OF_LETTER.get(kind), KIND_RULES[kind]
        if stage is None:
            # A case is no stage's; what is not pursued at stage 4 is the referral.
            return e.action in rules.sent_by or (e.action in rules.rejected_by and e.stage != REFERRAL_STAGE)
        return (e.stage if e.stage is not None else self.inputs.stage_on(e.person_id, e.date)) == stage

    def note_sent(self, them: ContactLetters, kind: str) -> None:
        """Keep which of a contact's letters the entries of the log mean."""
        for number, entry in them.sent.items():
            slot = them.slots[number]
            stage = slot.occasion.stage if slot.occasion is not None else slot.row.stage if slot.row else 0
            reference = slot.row.reference if slot.row is not None else ""
            self._meant[entry].append(Sent(them.contact_id, kind, stage, slot.day, entry.date, reference))

    def recently_sent(self, o: Occasion, contact_id: str) -> bool:
        """Whether any letter went to this contact about this pupil less than `quiet_school_weeks` school weeks ago,
        other than the invitation to the meeting at which this one is given."""
        if KIND_RULES[o.kind].to_authority:
            return False
        return any(
            self._weeks_since(s.on) < self._quiet and not self._of_one_opening(s, o)
            for s in self._sent_to(o.person_id, contact_id)
        )

    def sent_lately(self, o: Occasion, contact_id: str, own: str) -> bool:
        """Whether a letter of this kind went to this contact, in whatever year, within the weeks in which there is at
        most one. `own`: the reference of the letter itself."""
        weeks = self.setting.again_after_school_weeks
        return any(
            s.kind == o.kind and self._weeks_since(s.on) < weeks and not (own and s.reference == own)
            for s in self._sent_to(o.person_id, contact_id)
        )

    def _sent_to(self, person_id: int, contact_id: str) -> list[Sent]:
        """Letters about a pupil that went to a contact, by the ledger and by entries of the log, known and not."""
        ids = {
            contact_id,
            *(old for (p, old), now in self._now_known_as.items() if p == person_id and now == contact_id),
        }
        found = [s for s in self._sent[person_id] if s.contact_id in ids and s.on <= self.date]
        for e in self.log[person_id]:
            if e in self._meant:
                found += [s for s in self._meant[e] if s.contact_id in ids]
            elif e.action == LETTER_SENT and any(self._may_be_to(e, one) for one in ids):
                found.append(Sent(contact_id, e.letter, e.stage or 0, -1, e.date, e.reference))
        return found

    def _may_be_to(self, e: LogEntry, contact_id: str) -> bool:
        if e.letter and KIND_RULES[e.letter].to_authority:
            return False
        return (e.contact_id or self._contact_of.get(e.reference, contact_id)) == contact_id

    def _of_one_opening(self, s: Sent, o: Occasion) -> bool:
        near = s.day >= 0 and abs(s.day - o.day) <= self.setting.answered_within_school_days
        return near and belong_together(s.kind, o.kind, s.stage, o.stage)

    def _weeks_since(self, date: dt.date) -> int:
        """School weeks from the week of a date to this night's; very many where the calendar does not reach back."""
        day = self.calendar.on_or_before(date)
        return int(self.calendar.week[self.inputs.day]) - int(self.calendar.week[day]) if day >= 0 else 1_000_000

    def year(self, day: int) -> int:
        return int(self.calendar.year[max(day, 0)])

    def end_of_year_before(self, year: int) -> dt.date:
        """The last school day before an academic year; an entry after it is of that year."""
        first = int((self.calendar.year == year).argmax())
        return self.calendar.date(first - 1) if first > 0 else dt.date.min


def _sent_row(r: LedgerRow) -> Sent:
    return Sent(r.contact_id, r.kind, r.stage, r.day, r.sent_on or r.opening_day, r.reference)


def _under_another_id(r: LedgerRow, recipients: Recipients) -> str:
    """The Contact ID that who got a letter has today, where it is another: the id is no contact's of the pupil any
    more, and one recipient alone has the same forename and surname. Else ""."""
    if r.contact_id == NOBODY or r.contact_id in recipients.by_id() or r.contact_id in recipients.excluded:
        return ""
    name = _name_of(r.recipient.get("forename"), r.recipient.get("surname"))
    same = [to.contact_id for to in recipients.to if all(name) and _name_of(to.forename, to.surname) == name]
    return same[0] if len(same) == 1 else ""


def _name_of(forename: object, surname: object) -> tuple[str, str]:
    return str(forename or "").strip().casefold(), str(surname or "").strip().casefold()
