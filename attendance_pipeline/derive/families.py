"""Brothers and sisters: who they probably are, and whether they are absent together.

Belongs here: families from shared contacts and addresses, and their sessions side by side. Not here: reading contacts,
and any rule: no letter and no stage asks who is whose sister.

A family is a guess from what the school wrote down. It is named with what it rests on, and a household of more than
`MOST_PUPILS` pupils is taken for a home or hostel and for no family.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from attendance_pipeline.derive.chance import at_least
from attendance_pipeline.derive.patterns import CHANCE, MIN_EVENTS, SchoolPatterns, span_words, touch_chances
from attendance_pipeline.derive.patterns import spells_that_touch as touched_by

MOST_PUPILS = 8


@dataclass(frozen=True)
class ContactLink:
    """What one contact of a pupil (row of PupilTable) says of the family: the contact as a person, and the address.

    `person`: something that is the same for one person however many children they have; `address`: the same for one
    home; "" for what is not known or must not link (a contact who is restricted, or who neither lives with the pupil
    nor has parental responsibility).
    """

    pupil: int
    person: str = ""
    address: str = ""


@dataclass(frozen=True)
class Family:
    """Pupils (rows of PupilTable, ascending) who share a contact or an address."""

    pupils: tuple[int, ...]
    shares: str


@dataclass(frozen=True)
class Together:
    """Brothers and sisters on roll and their days of absence.

    `days`: on which at least two of them were expected; `absent`: days of absence of each, in the order of `pupils`;
    `together`: days on which at least two were absent; `all_absent`: on which all who were expected were (at least
    two). `sure`: more than chance for some two of them. `latest`: number of the last day together, -1.
    """

    pupils: tuple[int, ...]
    shares: str
    days: int
    absent: tuple[int, ...]
    together: int
    all_absent: int
    sure: bool
    latest: int
    latest_words: str

    @property
    def sentence(self) -> str:
        """Without names: whoever shows it says whose family it is."""
        if self.together == 0:
            return ""
        apart = " and ".join([", ".join(map(str, self.absent[:-1])), str(self.absent[-1])])
        days = "1 day" if self.together == 1 else f"{self.together} days"
        sure = ", which is more often than their absences would meet by chance" if self.sure else ""
        last = f"the last time on {self.latest_words}"
        return f"Absent together on {days} ({apart} days of absence in all){sure}; {last}."


def families_of(links: Iterable[ContactLink]) -> list[Family]:
    """Families of two pupils or more, by their first pupil. Who shares with a brother shares with his sister."""
    by_key: dict[tuple[str, str], set[int]] = defaultdict(set)
    for link in links:
        if link.person:
            by_key["contact", link.person].add(link.pupil)
        if link.address:
            by_key["address", link.address].add(link.pupil)
    root: dict[int, int] = {}

    def find(pupil: int) -> int:
        while (above := root.setdefault(pupil, pupil)) != pupil:
            pupil = above
        return pupil

    shared: list[tuple[str, int]] = []
    for (kind, _), pupils in sorted(by_key.items()):
        if 2 <= len(pupils) <= MOST_PUPILS:
            first = min(pupils)
            shared.append((kind, first))
            for other in pupils:
                a, b = sorted((find(first), find(other)))
                root[b] = a
    members: dict[int, list[int]] = defaultdict(list)
    for pupil in sorted(root):
        members[find(pupil)].append(pupil)
    kinds: dict[int, set[str]] = defaultdict(set)
    for kind, pupil in shared:
        kinds[find(pupil)].add(kind)
    return [
        Family(tuple(pupils), " and ".join(sorted(kinds[first])))
        for first, pupils in sorted(members.items())
        if 2 <= len(pupils) <= MOST_PUPILS
    ]


def absent_together(patterns: SchoolPatterns, families: Iterable[Family]) -> list[Together]:
    """The days of absence of each family with at least two pupils on roll on the last day of `patterns`."""
    on_roll = patterns.inputs.pupils.on_roll(patterns.last)
    out = []
    for family in families:
        pupils = tuple(p for p in family.pupils if on_roll[p])
        if len(pupils) < 2:
            continue
        rows = list(pupils)
        expected, absent = patterns.day_possible[rows], patterns.day_absent[rows]
        many = absent.sum(axis=0)
        together = np.flatnonzero(many >= 2)
        latest = int(together[-1]) + patterns.first if len(together) else -1
        out.append(
            Together(
                pupils=pupils,
                shares=family.shares,
                days=int((expected.sum(axis=0) >= 2).sum()),
                absent=tuple(absent.sum(axis=1).tolist()),
                together=len(together),
                all_absent=int(((many >= 2) & (many == expected.sum(axis=0))).sum()),
                sure=len(together) >= MIN_EVENTS and _more_than_chance(patterns, rows),
                latest=latest,
                latest_words=span_words(patterns.inputs.calendar, latest, latest) if latest >= 0 else "",
            )
        )
    return out


def _more_than_chance(patterns: SchoolPatterns, pupils: list[int]) -> bool:
    """Whether the spells of some pupil touch another's absences more often than spells begun on any day would.

    Each two of the family are asked once, from the side of the one with fewer spells; all share in CHANCE.
    """
    pairs = [(a, b) for i, a in enumerate(pupils) for b in pupils[i + 1 :]]
    for one, other in pairs:
        counts = {p: int(patterns.spells.offsets[p + 1] - patterns.spells.offsets[p]) for p in (one, other)}
        fewer, more = sorted((one, other), key=lambda p: (counts[p], p))
        mine = patterns.spells.of(fewer)
        target = patterns.day_absent[more][None, :]
        met = int(touched_by(patterns.spells, target, patterns.first)[0, mine].sum())
        if met < MIN_EVENTS or not patterns.enough_weeks[[one, other]].all():
            continue
        chances = touch_chances(patterns, target, mine)
        if float(at_least(chances, np.array([met]))[0]) * len(pairs) < CHANCE:
            return True
    return False
