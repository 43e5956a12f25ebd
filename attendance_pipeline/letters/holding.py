"""Why a letter is held, what a person may let go all the same, and the brake on a whole batch.

Belongs here: the reasons of rules.md section 7, their words, and the log's holds. Does not belong here: which letter is
owed, or moving it (`ledger`).

The reason of a held letter is all that holds it, in a fixed order. What a person has let go is kept in the reason too
(`despite recently sent`), so that the next night does not hold the letter for it again; anything new holds it.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attendance_pipeline.law.policy import Letters
from attendance_pipeline.letters.ledger_rows import Batch, LogEntry
from attendance_pipeline.letters.recipients import COURT_RESTRICTION, DO_NOT_SEND, NO_ADDRESS, NO_RECIPIENT

LOOKED_AFTER = "looked after"
SAFEGUARDING_HOLD = "safeguarding hold"
LEFT = "left"
RECENTLY_SENT = "recently sent"
POSSIBLE_REPEAT = "possible repeat"
UNRESOLVED_N = "unresolved N"
E_OR_C2 = "E or C2 sessions alone"
NOT_COMPULSORY_AGE = "not of compulsory school age"
QUALITY = "quality check failed"
CANNOT_BE_PRINTED = "cannot be printed"
BRAKE = "brake"

REASONS = (
    NO_RECIPIENT,
    COURT_RESTRICTION,
    DO_NOT_SEND,
    NO_ADDRESS,
    SAFEGUARDING_HOLD,
    LOOKED_AFTER,
    LEFT,
    POSSIBLE_REPEAT,
    RECENTLY_SENT,
    UNRESOLVED_N,
    E_OR_C2,
    NOT_COMPULSORY_AGE,
    QUALITY,
    CANNOT_BE_PRINTED,
    BRAKE,
)
# A person who has looked may let these go. The others end when what they say is no longer so.
MAY_BE_LET_GO = frozenset({LOOKED_AFTER, POSSIBLE_REPEAT, RECENTLY_SENT, UNRESOLVED_N, E_OR_C2, QUALITY, BRAKE})
# Named on the restricted list alone: a court order, safeguarding, care (contract.md section 5).
RESTRICTED = frozenset({COURT_RESTRICTION, SAFEGUARDING_HOLD, LOOKED_AFTER})

# Facts of kinds of letter.
POSTED = frozenset({"letter_1"})  # the others are handed over, and need no address
STATES_A_LEGAL_DUTY = frozenset({"notice_to_improve", "penalty_notice_warning", "referral_pack"})
_DESPITE = "despite "


def reason_text(holding: Iterable[str], let_go: Iterable[str] = ()) -> str:
    """The reason of a letter: what holds it, then what it no longer is held for."""
    held, despite = set(holding), set(let_go)
    return "; ".join([r for r in REASONS if r in held] + [f"{_DESPITE}{r}" for r in REASONS if r in despite])


def parse_reason(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """What holds a letter and what it no longer is held for, from its reason."""
    parts = [p for p in text.split("; ") if p]
    let_go = frozenset(p.removeprefix(_DESPITE) for p in parts if p.startswith(_DESPITE))
    return frozenset(p for p in parts if p in REASONS), let_go


@dataclass(frozen=True)
class Holds:
    """The holds of one pupil that are in force, and the releases that ended none: those let letters go."""

    holds: tuple[LogEntry, ...] = ()
    releases: tuple[LogEntry, ...] = ()

    def on(self, stage: int, contact_id: str) -> frozenset[str]:
        """Why a letter of this stage to this contact is held: the pupil as a whole, or this letter or contact alone."""
        return frozenset(
            SAFEGUARDING_HOLD if h.stage is None and not h.contact_id else DO_NOT_SEND
            for h in self.holds
            if h.stage in (None, stage) and h.contact_id in ("", contact_id)
        )


def holds_of(entries: Sequence[LogEntry], day: dt.date) -> Holds:
    """From a pupil's `hold` and `release` entries by date, as they stand on `day`.

    A hold binds from its date, over its dates if Until is given, until a release that names no more than it does.
    """
    active: list[LogEntry] = []
    spare: list[LogEntry] = []
    for e in sorted(entries, key=lambda e: (e.date, e.order)):
        if e.date > day:
            break
        if e.action == "hold":
            active.append(e)
        elif e.action == "release":
            ended = [h for h in active if e.stage in (None, h.stage) and e.contact_id in ("", h.contact_id)]
            active = [h for h in active if h not in ended]
            if not any(h.until is None or e.date <= h.until for h in ended):
                spare.append(e)
    now = [h for h in active if (h.from_ or h.date) <= day and (h.until is None or day <= h.until)]
    return Holds(tuple(now), tuple(spare))


def braked(letters: int, roll: int, earlier: Sequence[Batch], setting: Letters) -> str:
    """Why a batch of so many letters is held whole, or "". `earlier`: the school's batches before it."""
    sizes = [b.letters for b in earlier if b.letters > 0]
    percent = setting.brake_percent_of_roll
    if letters > setting.brake_letters and letters * 100 > percent * roll:
        return f"{letters} letters: more than {percent.normalize():f}% of {roll} pupils on roll"
    if len(sizes) >= setting.brake_batches:
        median = statistics.median(sizes)
        if letters > setting.brake_times_median * median:
            return f"{letters} letters: more than {setting.brake_times_median} times the usual {median:g}"
    return ""
