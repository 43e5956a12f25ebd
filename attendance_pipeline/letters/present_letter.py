"""The letter of an occasion that still stands, such as the stage a pupil is at: proposed, held, approved or rejected.

Belongs here: gathering every reason to hold one letter, and what persons said of it. Does not belong here: the words of
reasons (`holding`), letters of occasions that are over (`ledger`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attendance_pipeline.letters import holding
from attendance_pipeline.letters.answering import Slot
from attendance_pipeline.letters.holding import BRAKE, Holds, holds_of, parse_reason
from attendance_pipeline.letters.kind_rules import KIND_RULES, LETTER_APPROVED, rejected_actions
from attendance_pipeline.letters.ledger_rows import POLICY, UNSENT, LedgerRow, LogEntry
from attendance_pipeline.letters.night import LOG, NOBODY, ContactLetters, Night, Target
from attendance_pipeline.letters.occasions import Occasion
from attendance_pipeline.letters.recipients import NO_ADDRESS

WITHOUT_LETTERHEAD = "approved, but the school's settings have no letterhead: it stays as it is"


def settle(
    night: Night, t: Target, occasion: Occasion, them: ContactLetters, everyone: Sequence[ContactLetters]
) -> None:
    """Fill in where the letter `t`, which an occasion asks for, stands tonight; the day's brake comes after, and then
    the policy's approval."""
    row = t.slot.row
    word = _last_word(night, t, occasion, row)
    if word is not None and word.action != LETTER_APPROVED:
        t.state, t.by, t.on = "rejected", word.by or LOG, word.date
        return
    holds = holds_of(night.log[t.person_id], night.heard)
    reasons = set(_reasons(night, t, occasion, holds))
    if _possible_repeat(night, t, occasion, them, everyone):
        reasons.add(holding.POSSIBLE_REPEAT)
    held_for, already = parse_reason(row.reason) if row is not None and row.state in UNSENT else (frozenset(),) * 2
    if row is not None and row.batch in night.braked and BRAKE in held_for | already:
        reasons.add(BRAKE)
    act = _letting_go(night, t, row, holds)
    t.let_go = (already | held_for if act is not None else already) & holding.may_be_let_go(t.kind) & reasons
    t.holding = frozenset(reasons) - t.let_go
    if word is not None and not (t.let_go - already) and _of_other_figures(night, t, word):
        word = None
    # Asked last: a letter that waits for something else need not be made yet.
    if not t.holding and night.inputs.unprintable(occasion, t.contact_id, night.evidence(t)):
        t.holding = frozenset({holding.CANNOT_BE_PRINTED})
    if t.holding:
        t.state = "held"
    elif word is not None and not night.inputs.letterhead:
        night.findings.append((row.reference if row is not None else "", WITHOUT_LETTERHEAD))
    elif word is not None:
        t.state, t.by, t.on = "approved", word.by or LOG, word.date
    elif row is not None and row.state == "approved":
        t.state = "approved"
        if t.kind in night.setting.without_approval:
            t.by = POLICY  # the brake may still take it back
    if act is not None and t.let_go - already and t.state != "approved":
        t.by = act.by or LOG  # tonight: that is when the letter comes to be delivered


def _reasons(night: Night, t: Target, occasion: Occasion, holds: Holds) -> Iterator[str]:
    """Every reason to hold the letter that needs no look at other letters of its kind."""
    inputs, pupil, rules = night.inputs, night.pupil(t.person_id), KIND_RULES[t.kind]
    recipients = night.recipients(t.person_id, t.kind)
    recipient = recipients.by_id().get(t.contact_id)
    yield from recipients.why_none
    if recipient is not None and rules.posted and not recipient.address:
        yield NO_ADDRESS
    yield from holds.on(occasion.stage, t.contact_id, t.kind, t.slot.row.reference if t.slot.row is not None else "")
    if pupil.looked_after:
        yield holding.LOOKED_AFTER
    if pupil.left:
        yield holding.LEFT
    if t.contact_id != NOBODY and night.recently_sent(occasion, t.contact_id):
        yield holding.RECENTLY_SENT
    yield from inputs.doubts(occasion, t.contact_id)
    if rules.states_a_legal_duty and not pupil.compulsory_age:
        yield holding.NOT_COMPULSORY_AGE
    if inputs.failed_school or pupil.class_name in inputs.failed_classes:
        yield holding.QUALITY


def _possible_repeat(
    night: Night, t: Target, occasion: Occasion, them: ContactLetters, everyone: Sequence[ContactLetters]
) -> bool:
    """Whether this contact, or another about this very occasion, may have had the letter already."""
    if them.sent_before:
        return True
    if KIND_RULES[t.kind].once_in_a_while and t.contact_id != NOBODY:
        own = t.slot.row.reference if t.slot.row is not None else ""
        if night.sent_lately(occasion, t.contact_id, own):
            return True
    if any(s.occasion is None and _goes(s, number in them.sent) for number, s in enumerate(them.slots)):
        return True
    since = t.slot.row.proposed_on if t.slot.row is not None else night.date
    for other in everyone:
        for number, s in enumerate(other.slots):
            said = other.sent.get(number)
            sent_on = s.sent_on or (said.date if said is not None else None)
            if other is not them and s.occasion == occasion and sent_on is not None and sent_on < since:
                return True
    return False


def _goes(slot: Slot, said: bool) -> bool:
    """Whether the letter of a slot is sent: since an earlier night, or by what the log says tonight."""
    return slot.row is not None and (slot.row.state == "sent" or (said and slot.row.state != "rejected"))


def _last_word(night: Night, t: Target, occasion: Occasion, row: LedgerRow | None) -> LogEntry | None:
    """The latest approval or rejection of the letter as it stands now."""
    if row is None:
        since = night.calendar.date(occasion.day)
    elif row.state == "superseded":
        return None  # it comes back with other figures: whoever approved it has not seen them
    else:
        since = row.entered or row.proposed_on
    said = night.entries(t.person_id, t.kind, LETTER_APPROVED, *rejected_actions(t.kind))
    said = [e for e in said if _about(e, t) and e.date >= since]
    if row is not None and row.returned_on is not None:  # nor has whoever spoke on the day it came back
        said = [e for e in said if e.date > row.returned_on]
    return said[-1] if said else None


def _about(e: LogEntry, t: Target) -> bool:
    """Whether an entry about this pupil and kind means this very letter."""
    if e.reference:
        return t.slot.row is not None and e.reference == t.slot.row.reference
    return e.contact_id in ("", t.contact_id)


def _of_other_figures(night: Night, t: Target, word: LogEntry) -> bool:
    """Whether an approval was of figures that have moved on since: of a held letter, and not of this night."""
    row = t.slot.row
    if row is None or row.state != "held" or not KIND_RULES[t.kind].moving or night.inputs.day == 0:
        return False
    return word.date <= night.calendar.date(night.inputs.day - 1)


def _letting_go(night: Night, t: Target, row: LedgerRow | None, holds: Holds) -> LogEntry | None:
    """The act by which a person lets a held letter go in spite of its reason: an approval, or a release of no hold.

    It speaks of the reasons that stood when it was written, and once: not of one that came on its own day, which
    whoever wrote it may not have seen (and of which the same night, decided again, must not think otherwise).
    """
    if row is None or row.state != "held":
        return None
    since = max(row.entered or row.proposed_on, row.changed_on or row.proposed_on)
    releases = [e for e in holds.releases if e.stage in (None, row.stage) and e.letter in ("", t.kind)]
    if KIND_RULES[t.kind].states_a_legal_duty:  # a word that may have meant another letter lets none of these go
        releases = [e for e in releases if e.letter or e.reference]
    acts = [*night.entries(t.person_id, t.kind, LETTER_APPROVED), *releases]
    acts = [e for e in acts if _about(e, t) and e.date > since and (row.acted_on is None or e.date > row.acted_on)]
    return max(acts, key=lambda e: (e.date, e.order)) if acts else None
