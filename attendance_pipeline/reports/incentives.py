"""Incentives: who has a ticket in the weekly punctuality raffle and in the prize pot, and which ticket wins.

Belongs here: the rules of rules.md section 8 and the draw, as pure functions. Not here: when one is drawn and that it
is drawn once (`steps/incentives.py`), the sheet (`incentives_sheet.py`) and certificates (`letters/certificates.py`).

A draw depends on its seed and on how many tickets there are, and on nothing else: the SHA-256 of the words
`<seed> <prize> <year group>`, read as one number, divided by the number of tickets; the rest, plus one, is the ticket
that wins. Anybody can do it again with the sheet in hand. Of 256 bits no ticket has an advantage that could be noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.law.rounds import Round

RAFFLE, BEST, MOST_IMPROVED = "raffle", "best", "most_improved"
PRIZE_POT = "prize_pot"  # the draw of the last two
_ORDER = ("N1", "N2", "R")


@dataclass(frozen=True)
class Prize:
    """One prize of one year group. `tickets`: numbers of the pupils (`PupilTable.pupil_id`), ticket 1 first.

    `winner`: the number of a ticket, None when there is none. `figure`: the attendance, or the rise of it, in which all
    with a ticket are alike, as an exact fraction; none for a raffle. `pupils`: how many of the year group were on roll.
    """

    prize: str
    group: str
    tickets: tuple[int, ...]
    winner: int | None
    pupils: int
    figure: tuple[int, ...] = ()

    @property
    def winning_pupil(self) -> int | None:
        return None if self.winner is None else self.tickets[self.winner - 1]


def ticket(seed: str, prize: str, group: str, tickets: int) -> int | None:
    """The number of the ticket that wins, 1 to `tickets`; None when there is none."""
    if tickets < 1:
        return None
    return 1 + int.from_bytes(hashlib.sha256(f"{seed} {prize} {group}".encode()).digest(), "big") % tickets


def raffle(inputs: SchoolInputs, week: Round, seed: str) -> list[Prize]:
    """The punctuality raffle of a school week: one winner a year group.

    A ticket has who is on roll on the last day of the week, attended at least one session of it and was late for none,
    neither before nor after the register closed. Who was ill may have one.
    """
    sessions = count_school(inputs, week.first, week.last).window(week.first, week.last)
    punctual = (sessions.attended >= 1) & (sessions.late == 0)
    return [
        _prize(inputs, RAFFLE, group, members, members[punctual[members]], seed)
        for group, members in _year_groups(inputs, week.last)
    ]


def prize_pot(inputs: SchoolInputs, weeks: Round, before: Round | None, minimum: int, seed: str) -> list[Prize]:
    """The prize pot of some school weeks: in each year group one prize for the best attendance and one for the most
    improved, against the weeks `before` (None: no such prize).

    Who had fewer than `minimum` possible sessions in weeks that are compared has no part. Compared are exact fractions.
    Among pupils who are alike the seed decides. Nobody is the most improved whose attendance did not rise.
    """
    now = _attendance(inputs, weeks, minimum)
    then = {} if before is None else _attendance(inputs, before, minimum)
    out = []
    for group, members in _year_groups(inputs, weeks.last):
        taking_part = [p for p in members.tolist() if now.get(p)]  # not who never came
        best = _highest({p: now[p] for p in taking_part})
        out.append(_prize(inputs, BEST, group, members, best, seed, now[best[0]] if best else None))
        if before is None:
            continue
        rises = {p: rise for p in taking_part if p in then and (rise := now[p] - then[p]) > 0}
        improved = _highest(rises)
        figure = rises[improved[0]] if improved else None
        out.append(_prize(inputs, MOST_IMPROVED, group, members, improved, seed, figure))
    return out


def without_year_group(inputs: SchoolInputs, day: int) -> int:
    """How many pupils on roll have no year group in the school's system, and so no part in a draw."""
    return int((inputs.pupils.on_roll(day) & (inputs.pupils_on(day).year_group == "")).sum())


def content_of(prizes: Iterable[Prize], **more: Any) -> dict[str, Any]:
    """A draw as it is kept."""
    return {"prizes": [asdict(p) for p in prizes], **more}


def prizes_of(content: Mapping[str, Any]) -> list[Prize]:
    """The prizes of a draw that was kept."""
    return [Prize(**{**p, "tickets": tuple(p["tickets"]), "figure": tuple(p["figure"])}) for p in content["prizes"]]


def holds(seed: str, prizes: Iterable[Prize]) -> bool:
    """Whether a kept draw is what its seed and tickets give."""
    return all(p.winner == ticket(seed, p.prize, p.group, len(p.tickets)) for p in prizes)


def _prize(
    inputs: SchoolInputs,
    prize: str,
    group: str,
    members: npt.NDArray[np.int64],
    rows: Sequence[int] | npt.NDArray[np.int64],
    seed: str,
    figure: Fraction | None = None,
) -> Prize:
    """Tickets are numbered by UPN: not by a number that depends on the order in which extracts came."""
    upn, number = inputs.pupils.upn, inputs.pupils.pupil_id
    tickets = tuple(int(number[p]) for p in sorted(rows, key=lambda p: str(upn[p])))
    exact = () if figure is None else (figure.numerator, figure.denominator)
    return Prize(prize, group, tickets, ticket(seed, prize, group, len(tickets)), len(members), exact)


def _year_groups(inputs: SchoolInputs, day: int) -> list[tuple[str, npt.NDArray[np.int64]]]:
    """Each year group with the rows of its pupils on roll on a day, youngest first; not those without a year group."""
    groups, on_roll = inputs.pupils_on(day).year_group, inputs.pupils.on_roll(day)
    names = sorted({str(g) for g in groups[on_roll]} - {""}, key=group_order)
    return [(name, np.flatnonzero(on_roll & (groups == name))) for name in names]


def group_order(name: str) -> tuple[int, int, str]:
    """Nursery, Reception, then years by number, then whatever else a school calls them."""
    if name in _ORDER:
        return 0, _ORDER.index(name), name
    return (1, int(name), name) if name.isdigit() else (2, 0, name)


def _attendance(inputs: SchoolInputs, weeks: Round, minimum: int) -> dict[int, Fraction]:
    """Attendance by row of the pupils with enough possible sessions."""
    sessions = count_school(inputs, weeks.first, weeks.last).window(weeks.first, weeks.last)
    enough = np.flatnonzero(sessions.possible >= max(1, minimum)).tolist()
    return {p: Fraction(int(sessions.attended[p]), int(sessions.possible[p])) for p in enough}


def _highest(values: Mapping[int, Fraction]) -> list[int]:
    """Who has the highest value."""
    top = max(values.values(), default=None)
    return [p for p, value in values.items() if value == top]
