"""The letter of the stage a pupil is at: proposed, held, approved or rejected.

Belongs here: gathering every reason to hold one letter, and what persons said of it. Does not belong here: the words of
reasons (`holding`), letters of stages that are over (`ledger`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attendance_pipeline.letters import holding
from attendance_pipeline.letters.holding import BRAKE, Holds, holds_of, parse_reason
from attendance_pipeline.letters.ledger_rows import UNSENT, LedgerRow, LogEntry
from attendance_pipeline.letters.night import LOG, NOBODY, ContactLetters, Night, Target
from attendance_pipeline.letters.openings import STAGE_OF_KIND, Opening
from attendance_pipeline.letters.recipients import NO_ADDRESS

WITHOUT_LETTERHEAD = "approved, but the school's settings have no letterhead: it stays as it is"


def settle(night: Night, t: Target, opening: Opening, them: ContactLetters, everyone: Sequence[ContactLetters]) -> None:
    """Fill in where the letter `t`, which the present stage asks for, stands tonight; the day's brake comes after."""
    row = t.slot.row
    word = _last_word(night, t, opening, row)
    if word is not None and word.action == "letter_rejected":
        t.state, t.by, t.on = "rejected", word.by or LOG, word.date
        return
    holds = holds_of(night.log[t.person_id], night.date)
    reasons = set(_reasons(night, t, opening, holds))
    if _possible_repeat(night, t, opening, them, everyone):
        reasons.add(holding.POSSIBLE_REPEAT)
    held_for, already = parse_reason(row.reason) if row is not None and row.state in UNSENT else (frozenset(),) * 2
    if row is not None and row.batch in night.braked and BRAKE in held_for | already:
        reasons.add(BRAKE)
    act = _letting_go(night, t, row, holds)
    t.let_go = (already | held_for if act is not None else already) & holding.MAY_BE_LET_GO & reasons
    t.holding = frozenset(reasons) - t.let_go
    if t.holding:
        t.state = "held"
    elif word is not None and not night.inputs.letterhead:
        night.findings.append((row.reference if row is not None else "", WITHOUT_LETTERHEAD))
    elif word is not None:
        t.state, t.by, t.on = "approved", word.by or LOG, word.date
    elif row is not None and row.state == "approved":
        t.state = "approved"
    if act is not None and t.let_go - already and t.state != "approved":
        t.by = act.by or LOG  # tonight: that is when the letter comes to be delivered


def _reasons(night: Night, t: Target, opening: Opening, holds: Holds) -> Iterator[str]:
    """Every reason to hold the letter that needs no look at other letters of its kind."""
    inputs, stage, pupil = night.inputs, opening.stage, night.pupil(t.person_id)
    recipient = pupil.recipients.by_id().get(t.contact_id)
    yield from pupil.recipients.why_none
    if recipient is not None and t.kind in holding.POSTED and not recipient.address:
        yield NO_ADDRESS
    elif recipient is not None and inputs.unprintable and inputs.unprintable(t.person_id, t.contact_id, t.kind):
        yield holding.CANNOT_BE_PRINTED
    yield from holds.on(stage, t.contact_id)
    if pupil.looked_after:
        yield holding.LOOKED_AFTER
    if pupil.left:
        yield holding.LEFT
    if t.contact_id != NOBODY and night.recently_sent(t.person_id, t.contact_id):
        yield holding.RECENTLY_SENT
    if inputs.stands_without_n is not None and (t.person_id, stage) not in inputs.stands_without_n:
        yield holding.UNRESOLVED_N
    if inputs.stands_without_e_c2 is not None and (t.person_id, stage) not in inputs.stands_without_e_c2:
        yield holding.E_OR_C2
    if t.kind in holding.STATES_A_LEGAL_DUTY and not pupil.compulsory_age:
        yield holding.NOT_COMPULSORY_AGE
    if inputs.failed_school or pupil.class_name in inputs.failed_classes:
        yield holding.QUALITY


def _possible_repeat(
    night: Night, t: Target, opening: Opening, them: ContactLetters, everyone: Sequence[ContactLetters]
) -> bool:
    """Whether this contact, or another about this very opening, may have had the letter already."""
    if them.sent_before:
        return True
    if any(s.opening is None and s.row is not None and s.row.state == "sent" for s in them.slots):
        return True
    since = t.slot.row.proposed_on if t.slot.row is not None else night.date
    for other in everyone:
        for number, s in enumerate(other.slots):
            said = other.sent.get(number)
            sent_on = s.sent_on or (said.date if said is not None else None)
            if other is not them and s.opening == opening and sent_on is not None and sent_on < since:
                return True
    return False


def _last_word(night: Night, t: Target, opening: Opening, row: LedgerRow | None) -> LogEntry | None:
    """The latest approval or rejection of the letter as it stands now."""
    if row is None:
        since = night.calendar.date(opening.day)
    elif row.state == "superseded":
        return None  # it comes back with other figures: whoever approved it has not seen them
    else:
        since = row.entered or row.proposed_on
    said = night.entries(t.person_id, opening.stage, "letter_approved", "letter_rejected")
    said = [e for e in said if e.contact_id in ("", t.contact_id) and e.date >= since]
    return said[-1] if said else None


def _letting_go(night: Night, t: Target, row: LedgerRow | None, holds: Holds) -> LogEntry | None:
    """The act by which a person lets a held letter go in spite of its reason: an approval, or a release of no hold.

    It speaks of the reasons that stood when it was written, and once: not of one that came on its own day, which
    whoever wrote it may not have seen (and of which the same night, decided again, must not think otherwise).
    """
    if row is None or row.state != "held":
        return None
    stage = STAGE_OF_KIND[t.kind]
    since = max(row.entered or row.proposed_on, row.changed_on or row.proposed_on)
    acts = [
        *night.entries(t.person_id, stage, "letter_approved"),
        *(e for e in holds.releases if e.stage in (None, stage)),
    ]
    acts = [
        e
        for e in acts
        if e.contact_id in ("", t.contact_id) and e.date > since and (row.acted_on is None or e.date > row.acted_on)
    ]
    return max(acts, key=lambda e: (e.date, e.order)) if acts else None
