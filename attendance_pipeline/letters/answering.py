"""Which letter answers which occasion, and which occasion an entry of the log means.

Belongs here: the matching of rules.md section 7 for one pupil, one kind and one contact. Does not belong here: what
follows from it (`ledger`).

A correction may move an occasion by some days, insert one or remove one. So letters and occasions are paired by
nearness, nearest pair first, each at most once: what was sent is neither sent again nor taken for something else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.letters.ledger_rows import LedgerRow, LogEntry
from attendance_pipeline.letters.occasions import Occasion

# Of two letters equally near, the one that says more of what happened answers.
_SAYS_MOST = ("sent", "rejected", "approved", "held", "proposed", "superseded")


@dataclass(frozen=True)
class Slot:
    """One thing that a letter may be about: an occasion, the letter that answers it, or both.

    A letter that answers no occasion is a slot of its own; so is an occasion that has no letter yet.
    """

    occasion: Occasion | None
    row: LedgerRow | None
    day: int  # of the occasion, else of the letter's own
    ended_on: int | None

    @property
    def sent_on(self) -> dt.date | None:
        return self.row.sent_on if self.row is not None and self.row.state == "sent" else None


def slots(occasions: Sequence[Occasion], rows: Sequence[LedgerRow], within: int) -> list[Slot]:
    """Occasions and letters, paired. At most `within` school days lie between a letter and the occasion it answers.

    A superseded letter answers no occasion; it is only looked at for one that no other letter answers.
    """
    answered: dict[int, int] = {}
    for superseded in (False, True):
        pairs = sorted(
            (abs(o.day - row.day), _SAYS_MOST.index(row.state), o.day, row.day, row.reference, i, j)
            for i, o in enumerate(occasions)
            for j, row in enumerate(rows)
            if (row.state == "superseded") == superseded and abs(o.day - row.day) <= within
        )
        for *_, i, j in pairs:
            if i not in answered and j not in answered.values():
                answered[i] = j
    found = [Slot(o, rows[answered[i]] if i in answered else None, o.day, o.ended_on) for i, o in enumerate(occasions)]
    alone = set(range(len(rows))) - set(answered.values())
    found += [Slot(None, rows[j], rows[j].day, None) for j in alone]
    return sorted(found, key=lambda s: (s.day, s.occasion is None, s.row.reference if s.row else ""))


def sent_entries(
    found: Sequence[Slot], entries: Sequence[LogEntry], calendar: SchoolCalendar, within: int
) -> dict[int, LogEntry]:
    """Which slot each `letter_sent` entry means: slot number -> entry. An entry means one slot, a slot has one entry.

    An entry is, in this order: about the letter whose reference it names; what made a letter sent already; about the
    occasion that stood on its day (the pupil's stage); ahead of one at most `within` school days later (as the ladder
    counts it); late for the last before it. One that is none of these says of a letter what another said already.
    """
    meant: dict[int, LogEntry] = {}
    left: list[LogEntry] = []
    for e in sorted(entries, key=lambda e: (not e.reference, e.date, e.order)):
        if e.reference:
            named = next((n for n, s in enumerate(found) if s.row is not None and s.row.reference == e.reference), None)
            if named is not None and named not in meant:
                meant[named] = e
            continue
        pinned = next((n for n, s in enumerate(found) if n not in meant and s.sent_on == e.date), None)
        if pinned is None:
            left.append(e)
        else:
            meant[pinned] = e
    for e in left:
        before = calendar.on_or_before(e.date)
        started = [n for n, s in enumerate(found) if calendar.date(s.day) <= e.date]
        current = [
            n
            for n in started
            if n not in meant
            and found[n].occasion is not None
            and (found[n].ended_on is None or e.date <= calendar.date(found[n].ended_on or 0))
        ]
        ahead = [
            n
            for n in range(len(found))
            if n not in started and n not in meant and before >= max(found[n].day - within, 0)
        ]
        if current:
            meant[current[-1]] = e
        elif ahead:
            meant[ahead[0]] = e
        elif started and started[-1] not in meant:
            meant[started[-1]] = e
    return meant
