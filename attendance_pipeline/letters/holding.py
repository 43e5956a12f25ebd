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

from attendance_pipeline.derive.parents import NOTICES_ALREADY
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
NO_FURTHER_NOTICE = NOTICES_ALREADY  # to this parent: a warning of one would not be true
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
    NO_FURTHER_NOTICE,
    QUALITY,
    CANNOT_BE_PRINTED,
    BRAKE,
)
# A person who has looked may let these go. The others end when what they say is no longer so.
MAY_BE_LET_GO = frozenset(
    {LOOKED_AFTER, POSSIBLE_REPEAT, RECENTLY_SENT, UNRESOLVED_N, E_OR_C2, NO_FURTHER_NOTICE, QUALITY, BRAKE}
)
# Named on the restricted list alone: a court order, safeguarding, care (contract.md section 5).
RESTRICTED = frozenset({COURT_RESTRICTION, SAFEGUARDING_HOLD, LOOKED_AFTER})

_DESPITE = "despite "


def reason_text(holding: Iterable[str], let_go: Iterable[str] = ()) -> str:
    """The reason of a letter: what holds it, then what it no longer is held for."""
    held, despite = set(holding), set(let_go)
    return "; ".join([r for r in REASONS if r in held] + [f"{_DESPITE}{r}" for r in REASONS if r in despite])


def may_be_let_go(kind: str) -> frozenset[str]:
    """The reasons in spite of which a person may let a letter of this kind go. A referral waits while an N is left."""
    return MAY_BE_LET_GO - {UNRESOLVED_N} if kind == "referral_pack" else MAY_BE_LET_GO


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

    def on(self, stage: int, contact_id: str, kind: str, reference: str = "") -> frozenset[str]:
        """Why a letter of this stage and kind to this contact is held: the pupil as a whole, or this letter or contact
        alone."""
        return frozenset(
            SAFEGUARDING_HOLD if h.stage is None and not (h.contact_id or h.letter or h.reference) else DO_NOT_SEND
            for h in self.holds
            if h.stage in (None, stage)
            and h.contact_id in ("", contact_id)
            and h.letter in ("", kind)
            and h.reference in ("", reference)
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
            ended = [h for h in active if _names_no_more(e, h)]
            active = [h for h in active if h not in ended]
            if not any(h.until is None or e.date <= h.until for h in ended):
                spare.append(e)
    now = [h for h in active if (h.from_ or h.date) <= day and (h.until is None or day <= h.until)]
    return Holds(tuple(now), tuple(spare))


def _names_no_more(release: LogEntry, hold: LogEntry) -> bool:
    """Whether a release ends a hold: it names nothing that the hold does not."""
    return (
        release.stage in (None, hold.stage)
        and release.contact_id in ("", hold.contact_id)
        and release.letter in ("", hold.letter)
        and release.reference in ("", hold.reference)
    )


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
