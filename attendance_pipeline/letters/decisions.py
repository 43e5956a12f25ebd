"""What a person decides of letters, as entries of the intervention log; and what may be decided of which letter.

Belongs here: which decision each state allows, why not otherwise, and the entry that says it. Does not belong here:
what becomes of the letter (`ledger`: it reads the log), where entries are written (`steps/`), reading workbooks.

The log is the only way in. A decision by command, one in a returned workbook and one that a person types into the log
are the same entry, so that deciding again from the same inputs gives the same ledger, and the stage's clock starts by
the same word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from attendance_pipeline.letters.holding import may_be_let_go, parse_reason
from attendance_pipeline.letters.kind_rules import KIND_RULES
from attendance_pipeline.letters.recipients import DO_NOT_SEND

# Decision -> the action of the log that says it.
DECISIONS: Mapping[str, str] = MappingProxyType(
    {
        "approve": "letter_approved",
        "reject": "letter_rejected",
        "hold": "hold",
        "release": "release",
        "sent": "letter_sent",
    }
)
# Decision -> the states in which it makes sense, and the state in which it is made already.
_POSSIBLE: Mapping[str, tuple[frozenset[str], str]] = MappingProxyType(
    {
        "approve": (frozenset({"proposed", "held"}), "approved"),
        "reject": (frozenset({"proposed", "approved", "held"}), "rejected"),
        "hold": (frozenset({"proposed", "approved"}), ""),
        "release": (frozenset({"held"}), ""),
        "sent": (frozenset({"approved"}), "sent"),
    }
)
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "proposed": "approve it first",
        "superseded": "the marks no longer support it",
        "sent": "what is sent never changes",
        "rejected": "what is rejected never changes",
        "held": "release or approve it first",
    }
)
HEADERS = ("UPN", "Date", "Action", "Stage", "Contact ID", "From", "Until", "By", "Note", "Letter", "Reference")


@dataclass(frozen=True)
class Wanted:
    """One decision: of which letter, what, as of which date, by whom, and why (may be blank)."""

    reference: str
    decision: str
    on: dt.date
    by: str
    why: str = ""

    @property
    def action(self) -> str:
        """The action of the log that says it."""
        return DECISIONS[self.decision]


@dataclass(frozen=True)
class Refused:
    """A decision that cannot be: no value of a person in the words."""

    reference: str
    why: str


@dataclass(frozen=True)
class Answer:
    """`entries`: rows of the log by header, with `person_id` in place of UPN. `done`: references of which it is so
    already. `refused`: with why."""

    entries: tuple[Mapping[str, Any], ...]
    done: tuple[str, ...]
    refused: tuple[Refused, ...]


def entries_for(
    wanted: Sequence[Wanted], letters: Mapping[str, Mapping[str, Any]], *, letterhead: bool, today: dt.date
) -> Answer:
    """The entries that say what was decided.

    `letters`: rows of `store.ledger.read_ledger` by reference. `letterhead`: whether the school has one; without it
    nothing is approved. Two decisions of one letter at once are refused, both.
    """
    entries: list[Mapping[str, Any]] = []
    done: list[str] = []
    refused: list[Refused] = []
    said = [w.reference for w in wanted]
    for w in wanted:
        letter = letters.get(w.reference)
        if letter is None:
            why = "there is no such letter; `attendance letters list` shows all"
        elif said.count(w.reference) > 1:
            why = "decided twice at once: which one is meant?"
        elif letter["state"] == _POSSIBLE[w.decision][1]:
            done.append(w.reference)
            continue
        else:
            why = _why_not(w, letter, letterhead, today)
        if why or letter is None:
            refused.append(Refused(w.reference, why))
        else:
            entries.append(_entry(w, letter))
    return Answer(tuple(entries), tuple(done), tuple(refused))


def _why_not(w: Wanted, letter: Mapping[str, Any], letterhead: bool, today: dt.date) -> str:
    """Why a decision cannot be, or ""."""
    state = letter["state"]
    if state not in _POSSIBLE[w.decision][0]:
        return f"it is {state}: {_INSTEAD.get(state, 'that is not for this state')}"
    if w.on > today:
        return f"{w.on} has not come yet"
    if w.on < (since := letter["entered"] or letter["proposed_on"]):
        return f"{w.on} is before it came to be {state} ({since})"
    if w.decision == "approve" and not letterhead:
        return "the school's settings have no letterhead: without it no letter is approved"
    if state == "held" and w.decision in ("approve", "release"):
        reasons = parse_reason(letter["reason"])[0]
        own = {DO_NOT_SEND} if w.decision == "release" else set()  # perhaps a hold of this letter, which this ends
        if stays := sorted(reasons - may_be_let_go(letter["kind"]) - own):
            return f"held because: {'; '.join(stays)}. That ends by itself when it is no longer so"
        came = letter["changed_on"] or since
        if reasons - own and w.on <= came:
            return f"what holds it came on {came}: only a later day's word can let it go"
    return ""


def _entry(w: Wanted, letter: Mapping[str, Any]) -> dict[str, Any]:
    """A draft that was sent is a Notice to Improve that was issued, with its period, or a referral that was made."""
    own = KIND_RULES[letter["kind"]].sent_by if w.decision == "sent" else ()
    first, last, *_ = letter["evidence"].get("improvement") or ("", "")
    period = (first, last) if "notice_to_improve_issued" in own else ("", "")
    return {
        "person_id": letter["person_id"],
        "Date": w.on.isoformat(),
        "Action": own[0] if own else w.action,
        "Stage": letter["stage"] or "",
        "Contact ID": letter["contact_id"],
        "From": period[0],
        "Until": period[1],
        "By": w.by,
        "Note": w.why,
        "Letter": letter["kind"],
        "Reference": w.reference,
    }
