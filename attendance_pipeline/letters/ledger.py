"""What becomes of letters: which are proposed, held, superseded or marked as sent (rules.md section 7). Pure.

Belongs here: `decide`, which compares what the ladder says now with what the ledger holds, and says what to write. Does
not belong here: who is a recipient (`recipients`), what answers what (`answering`), why a letter is held (`holding`,
`present_stage`), the store.

The ledger is what makes running a night or a term again harmless: decide again on what was written, and nothing is left
to write. Nothing is skipped silently: every occasion since the school's first day with letters has a row for every
recipient, in some state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from attendance_pipeline.letters import holding
from attendance_pipeline.letters.answering import Slot, sent_entries, slots
from attendance_pipeline.letters.evidence import same_evidence
from attendance_pipeline.letters.holding import BRAKE, parse_reason
from attendance_pipeline.letters.kind_rules import KIND_RULES, sent_actions
from attendance_pipeline.letters.ledger_rows import (
    MACHINE,
    POLICY,
    UNSENT,
    Amendment,
    Batch,
    Decision,
    LedgerInputs,
    LedgerRow,
    LogEntry,
    Move,
    NewLetter,
)
from attendance_pipeline.letters.night import LOG, NOBODY, ContactLetters, Night, Target
from attendance_pipeline.letters.occasions import OUT_OF_DATE, Occasion
from attendance_pipeline.letters.present_letter import settle
from attendance_pipeline.letters.recipients import NO_RECIPIENT
from attendance_pipeline.letters.references import reference

NO_LONGER = "the marks no longer support it"
NEW_YEAR = "a new school year has begun"
BEFORE_GO_LIVE = "before the school's first day with letters"
NOT_THIS_KIND = "the school's policy does not have this letter"
RECIPIENT_KNOWN = "a recipient is known now"
SENT_AFTER_REJECTION = "rejected here, and sent by the intervention log"
SENT_WITHOUT_SUPPORT = "sent, and the marks no longer support it"
_ON_THE_WAY_TO_SENT = {"superseded": ("proposed", "approved"), "proposed": ("approved",), "held": ("approved",)}


def decide(inputs: LedgerInputs) -> Decision:
    """What to write so that the ledger says what it should on this day; nothing, when it does already."""
    night = Night(inputs)
    targets = list(_targets(night))
    batch = _brake(night, targets)
    taken = {*inputs.taken, *(r.reference for r in inputs.rows)}
    new: list[NewLetter] = []
    amendments: list[Amendment] = []
    moves: list[Move] = []
    _policy_approves(night, targets)
    for t in targets:
        if t.slot.row is not None:
            amendments += _amendment(night, t, t.slot.row)
            moves += _moves(night, t, t.slot.row)
        elif t.slot.occasion is not None:
            letter = _new(night, t, t.slot.occasion, taken)
            new.append(letter)
            taken.add(letter.reference)
            if t.state != letter.state:
                moves.append(_move(night, letter.reference, t.state, t.reason, t))
    return Decision(tuple(new), tuple(amendments), tuple(moves), batch, tuple(night.findings))


# ---------------------------------------------------------------- which letters there are


def _targets(night: Night) -> Iterator[Target]:
    """Every letter that changes tonight or may, by pupil, kind, year and contact."""
    inputs = night.inputs
    occasions: dict[tuple[int, str, int], list[Occasion]] = defaultdict(list)
    rows: dict[tuple[int, str, int], list[LedgerRow]] = defaultdict(list)
    for o in inputs.occasions:
        if o.kind in night.setting.kinds and o.day <= inputs.day:
            occasions[o.person_id, o.kind, night.year(o.day)].append(o)
    for r in inputs.rows:
        # A letter of a later day is known to a later decision alone: see LedgerInputs.day.
        if r.kind in KIND_RULES and r.opening_day <= night.date:
            rows[r.person_id, r.kind, night.year(r.day)].append(r)
    contacts: dict[tuple[int, str, int], list[ContactLetters]] = {}
    for key in sorted(occasions.keys() | rows.keys()):
        contacts[key] = _everyone(night, *key, sorted(occasions.get(key, [])), rows.get(key, []))
        for them in contacts[key]:
            night.note_sent(them, key[1])
    for key, everyone in contacts.items():
        person_id, kind, year = key
        if year < night.year(inputs.day) and key not in occasions:
            yield from _of_a_year_before(person_id, kind, everyone)
            continue
        for them in everyone:
            for number, slot in enumerate(them.slots):
                target = _target(night, person_id, kind, them, number, slot, everyone)
                if target is not None:
                    yield target


def _of_a_year_before(person_id: int, kind: str, everyone: Sequence[ContactLetters]) -> Iterator[Target]:
    """Letters that a new academic year found unsent: over, unless the log says that one went all the same."""
    for them in everyone:
        for number, slot in enumerate(them.slots):
            if slot.row is None or slot.row.state not in UNSENT:
                continue
            entry = them.sent.get(number)
            if entry is None:
                yield Target(person_id, them.contact_id, kind, slot, "superseded", words=NEW_YEAR)
            else:
                yield Target(person_id, them.contact_id, kind, slot, "sent", by=entry.by or LOG, on=entry.date)


def _everyone(
    night: Night, person_id: int, kind: str, year: int, occasions: Sequence[Occasion], rows: Sequence[LedgerRow]
) -> list[ContactLetters]:
    """The letters of one pupil, kind and academic year, contact by contact; last those that have no recipient."""
    recipients = night.recipients(person_id, kind).by_id()
    entries = night.entries(person_id, kind, *sent_actions(kind))
    entries = [e for e in entries if e.date > night.end_of_year_before(year)]
    if KIND_RULES[kind].to_authority:
        return [_to_contact(night, NOBODY, occasions, rows, entries)]
    contacts = {*recipients, *(r.contact_id for r in rows), *(e.contact_id for e in entries)} - {NOBODY}
    found = [_to_contact(night, c, occasions, rows, entries) for c in sorted(contacts)]
    if recipients and all(r.contact_id != NOBODY for r in rows):
        return found
    # A letter without a recipient stands for an occasion that has no letter to anybody.
    written = {s.occasion for c in found for s in c.slots if s.row is not None and s.row.state != "superseded"}
    written |= {c.slots[n].occasion for c in found for n in c.sent}
    nobody = _to_contact(night, NOBODY, occasions, rows, [] if recipients or written else entries)
    kept = [s for s in nobody.slots if s.row is not None or s.occasion not in written]
    sent = {kept.index(nobody.slots[n]): e for n, e in nobody.sent.items()}
    return [*found, ContactLetters(NOBODY, kept, sent, nobody.sent_before)]


def _to_contact(
    night: Night, contact_id: str, occasions: Sequence[Occasion], rows: Sequence[LedgerRow], entries: Sequence[LogEntry]
) -> ContactLetters:
    within = night.setting.answered_within_school_days
    own = sorted((r for r in rows if r.contact_id == contact_id), key=lambda r: r.reference)
    found = slots(occasions, own, within)
    references = {r.reference for r in own}
    said = [e for e in entries if (e.reference in references if e.reference else e.contact_id in ("", contact_id))]
    sent = sent_entries(found, said, night.calendar, within)
    first = night.calendar.date(found[0].day) if found else None
    meant = {id(e) for e in sent.values()}
    before = any(first is not None and e.date < first and id(e) not in meant for e in said)
    others = [r for r in rows if r.contact_id != contact_id]
    sent = {n: e for n, e in sent.items() if e.contact_id or e.reference or _means_all(e, found[n], others)}
    return ContactLetters(contact_id, found, sent, before)


def _means_all(entry: LogEntry, slot: Slot, others: Sequence[LedgerRow]) -> bool:
    """Whether an entry without a Contact ID means this contact's letter too.

    Not when it made another contact's letter sent on an earlier night, before there was this one; and not a held
    letter, when another contact's could be sent.
    """
    if slot.sent_on == entry.date:
        return True
    if any(r.sent_on == entry.date and r.state == "sent" for r in others):
        return False
    held = slot.row is not None and slot.row.state == "held"
    near = [r for r in others if slot.row is not None and r.opening_day == slot.row.opening_day]
    return not (held and any(r.state in ("proposed", "approved", "sent") for r in near))


def _target(
    night: Night,
    person_id: int,
    kind: str,
    them: ContactLetters,
    number: int,
    slot: Slot,
    everyone: Sequence[ContactLetters],
) -> Target | None:
    """Where one letter should stand; None where it stands well, or where there should be none."""
    occasion, row, pupil = slot.occasion, slot.row, night.pupil(person_id)
    recipients = night.recipients(person_id, kind)
    known = them.contact_id in recipients.by_id()
    nobody = them.contact_id == NOBODY and not known
    unsent = row is not None and row.state in UNSENT

    def target(state: str, **more: Any) -> Target:
        return Target(person_id, them.contact_id, kind, slot, state, **more)

    if row is not None and row.state in ("sent", "rejected"):
        if row.state == "rejected" and number in them.sent:
            night.findings.append((row.reference, SENT_AFTER_REJECTION))
        if row.state == "sent" and occasion is None and kind in night.setting.kinds:
            night.findings.append((row.reference, SENT_WITHOUT_SUPPORT))
        return None
    if number in them.sent:
        entry = them.sent[number]
        return target("sent", by=entry.by or LOG, on=entry.date)
    if occasion is None:
        words = NO_LONGER if kind in night.setting.kinds else NOT_THIS_KIND
        return target("superseded", words=words) if unsent else None
    if night.inputs.go_live is not None and night.calendar.date(occasion.day) < night.inputs.go_live:
        return target("superseded", words=BEFORE_GO_LIVE) if unsent else None
    if not unsent and not nobody and not known:
        return None
    # A letter that somebody has approved does not go out of date.
    stands = occasion.present or (occasion.ended == OUT_OF_DATE and row is not None and row.state == "approved")
    if not stands:
        if row is not None and not unsent:
            return None
        if occasion.ended == "left" and pupil.left:
            return target("held", holding=frozenset({holding.LEFT}))
        return target("superseded", words=occasion.ended_words)
    if nobody and recipients.to:
        return target("superseded", words=RECIPIENT_KNOWN) if unsent else None
    if not nobody and not known:
        return target("held", holding=frozenset({recipients.excluded.get(them.contact_id, NO_RECIPIENT)}))
    letter = target("proposed")
    settle(night, letter, occasion, them, everyone)
    if not occasion.present and letter.state not in ("approved", "rejected"):
        return target("superseded", words=occasion.ended_words)
    return letter


# ---------------------------------------------------------------- the brake


def _brake(night: Night, targets: Sequence[Target]) -> Batch | None:
    """Put what comes to be proposed tonight into the day's batch, and hold the batch whole where it is too large."""
    inputs = night.inputs
    joining = [t for t in targets if t.state == "proposed" and _joins(t)]
    for t in joining:
        t.batch = inputs.batch_id
    rejoined = {t.slot.row.reference for t in joining if t.slot.row is not None}
    there = [r for r in inputs.rows if r.batch == inputs.batch_id and r.reference not in rejoined]
    letters = len(joining) + len(there)
    if letters == 0:
        return None
    known = next((b for b in inputs.batches if b.id == inputs.batch_id), None)
    earlier = [b for b in inputs.batches if b.day < night.date]
    why = holding.braked(letters, inputs.roll, earlier, night.setting)
    released = known is not None and known.released
    batch = Batch(inputs.batch_id, night.date, letters, bool(why) and not released, released, why)
    if batch.held:
        whole = {r.reference for r in there if r.state in ("proposed", "approved")}
        for t in targets:
            of_batch = t.batch == batch.id or (t.slot.row is not None and t.slot.row.reference in whole)
            if of_batch and _nobody_has_decided(t) and BRAKE not in t.let_go:
                t.state, t.holding, t.by, t.on = "held", t.holding | {BRAKE}, MACHINE, None
    return batch


def _nobody_has_decided(t: Target) -> bool:
    stands = t.slot.occasion is not None and t.slot.occasion.present
    return t.state == "proposed" or (t.state == "approved" and t.by == POLICY and stands)


def _joins(t: Target) -> bool:
    """Whether the letter comes to be proposed tonight, and not because its own batch was let go."""
    row = t.slot.row
    if row is None or row.state == "superseded":
        return True
    return row.state == "held" and not (row.batch and BRAKE in parse_reason(row.reason)[0])


def _policy_approves(night: Night, targets: Sequence[Target]) -> None:
    """Approve what the brake left, of kinds that the school's policy lets go without a person."""
    for t in targets:
        if t.state == "proposed" and t.kind in night.setting.without_approval and night.inputs.letterhead:
            t.state, t.by, t.on = "approved", POLICY, None


# ---------------------------------------------------------------- what to write


def _new(night: Night, t: Target, occasion: Occasion, taken: set[str]) -> NewLetter:
    """A letter for an occasion that has none. One that is decided on already starts as proposed too."""
    opened_on = night.calendar.date(occasion.day)
    recipient = night.recipient(t.person_id, t.kind, t.contact_id)
    year = night.calendar.year_names[night.year(occasion.day)]
    decided = t.state in ("approved", "rejected")
    sent = t.state == "sent"
    return NewLetter(
        reference=reference(
            night.inputs.secret,
            night.inputs.school_id,
            (t.person_id, t.contact_id, t.kind, opened_on, year),
            taken,
        ),
        person_id=t.person_id,
        contact_id=t.contact_id,
        kind=t.kind,
        stage=occasion.stage,
        episode=occasion.episode,
        opening_day=opened_on,
        proposed_on=opened_on if t.state in ("sent", "superseded") else night.date,
        state="proposed" if decided else t.state,
        reason="" if decided else t.reason,
        batch=t.batch or "",
        language=recipient.language if recipient is not None else "en",
        # What a letter sent before this said, and to which address it went, is not known.
        evidence={} if sent else night.evidence(t),
        recipient={} if sent or recipient is None else recipient.as_json(),
        by=MACHINE if decided else t.by,
        day=t.on if t.on is not None and not decided else night.date,
    )


def _amendment(night: Night, t: Target, row: LedgerRow) -> Iterator[Amendment]:
    """What changed of an unsent letter while it stayed the same letter."""
    occasion = t.slot.occasion
    if occasion is None or t.state in ("superseded", "rejected"):
        return
    values: dict[str, Any] = {
        "opening_day": night.calendar.date(occasion.day),
        "stage": occasion.stage,
        "episode": occasion.episode,
    }
    recipient = night.recipient(t.person_id, t.kind, t.contact_id)
    if t.state != "sent":
        if recipient is not None:
            values |= {"language": recipient.language, "recipient": recipient.as_json()}
        evidence = night.evidence(t)
        if evidence and not same_evidence(evidence, row.evidence):
            values["evidence"] = evidence
        if t.batch is not None:
            values["batch"] = t.batch
    changed = {name: value for name, value in values.items() if value != getattr(row, name)}
    if changed:
        yield Amendment(row.reference, changed)


def _moves(night: Night, t: Target, row: LedgerRow) -> Iterator[Move]:
    if t.state == row.state and t.reason == row.reason:
        return
    on_the_way = _ON_THE_WAY_TO_SENT.get(row.state, ()) if t.state == "sent" else ()
    for state in on_the_way:
        yield _move(night, row.reference, state, "", t)
    if t.state == "approved" and row.state == "superseded":
        yield Move(row.reference, "proposed", t.reason, MACHINE, night.date)
    yield _move(night, row.reference, t.state, t.reason, t)


def _move(night: Night, letter: str, to_state: str, reason: str, t: Target) -> Move:
    return Move(letter, to_state, reason, t.by, t.on or night.tonight(t.person_id))
