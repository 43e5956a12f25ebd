"""Kinds of attendance in the fictitious school: how much a pupil is away in each school week, and why.

Belongs here: which pupils are often away, and how that changes through the year, so that every stage of a ladder has
somebody on it. Not here: drawing the marks, and any rule of a ladder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

SCHOOL_OF = 420  # the shares below are pupils of a school of this size


@dataclass(frozen=True)
class Profile:
    """How one kind of pupil is away.

    `away`: (first school week of the year, share of days away from then on), in order. `unexplained`: how probably one
    absence of a fortnight is one that nobody explains (code O); the others are illness. `pupils`: how many in a school
    of SCHOOL_OF.
    """

    name: str
    pupils: int
    away: tuple[tuple[int, float], ...]
    unexplained: float

    def by_week(self, weeks: int) -> npt.NDArray[np.float64]:
        """Share of days away in each school week: float64[weeks]."""
        out = np.zeros(weeks)
        for first, share in self.away:
            out[first - 1 :] = share
        return out


# School weeks of 2025/26: 1 to 8 until the October half-term, 9 to 15 until Christmas, 16 to 21 until half-term in
# February.
PROFILES = (
    Profile("falls all year", 3, ((1, 0.32), (5, 0.40), (9, 0.48), (13, 0.55), (16, 0.62)), 0.9),
    Profile("falls from the start", 4, ((1, 0.24), (6, 0.32), (11, 0.42), (16, 0.50)), 0.9),
    Profile("falls after half-term", 6, ((1, 0.13), (7, 0.36), (10, 0.42), (15, 0.50)), 0.9),
    Profile("falls before Christmas", 6, ((1, 0.10), (10, 0.34), (13, 0.42), (16, 0.40)), 0.9),
    Profile("comes back after a first letter", 6, ((1, 0.30), (7, 0.10), (9, 0.03)), 0.9),
    Profile("comes back and goes again", 2, ((1, 0.30), (6, 0.02), (13, 0.40)), 0.9),
    Profile("often away", 9, ((1, 0.12), (14, 0.16), (18, 0.10)), 0.9),
    Profile("often away, falling", 5, ((1, 0.12), (13, 0.20), (16, 0.28), (19, 0.36)), 0.9),
    Profile("falls since January", 7, ((1, 0.05), (19, 0.30), (20, 0.50)), 0.9),
    Profile("often ill", 12, ((1, 0.11), (9, 0.13), (16, 0.10)), 0.0),
)


def draw_profiles(rng: Generator, pupils: int) -> list[Profile | None]:
    """A profile for some pupils, None for most: a list of `pupils`."""
    out: list[Profile | None] = [None] * pupils
    order = iter(rng.permutation(pupils).tolist())
    for profile in PROFILES:
        for _ in range(max(1, round(profile.pupils * pupils / SCHOOL_OF)) if pupils >= 3 * len(PROFILES) else 0):
            out[next(order)] = profile
    return out
