"""What another list says of pupils, in a form that a way of counting can be held against.

Belongs here: figures that are claimed (`Figures`), and membership of a list such as the persistently absent
(`Members`); each says of a table of figures which of its rows come out as claimed. Not here: the search for the way
(`reconcile`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.other_counts import Longs

NOT_SAID = -1
HUNDRED_PERCENT = 100_000  # in thousandths of a percent

Bools = npt.NDArray[np.bool_]


class Claims(Protocol):
    """n claims, each about one row of PupilTable. A claim may be met in several variants of reading it; variant 0 is
    the plain one. `whole`: a reading that does not meet every claim is not believed."""

    @property
    def whole(self) -> bool: ...

    @property
    def rows(self) -> tuple[int, ...]: ...

    @property
    def first(self) -> Longs | None: ...

    @property
    def last(self) -> Longs | None: ...

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that a table needs, in the order of its columns."""

    @property
    def telling(self) -> Bools:
        """Claims that chance does not meet."""

    @property
    def variants(self) -> tuple[str, ...]:
        """What is different in each variant, in words."""

    def meets(self, table: Longs, at: npt.NDArray[np.int64], variant: int) -> Bools:
        """Which claims `at` a table [claims, ..., figures] meets: bool[claims, ...]."""

    def theirs(self, i: int) -> dict[str, int]:
        """Counts that claim i says, by name of figure."""


@dataclass(frozen=True)
class Figures:
    """Figures of n pupils; -1 where the list does not say. Arrays of length n.

    counts: by name of figure (`other_counts.FIGURES`), sessions. shares: by name of figure, its percentage of the
    possible sessions times 10 ** decimals[name]. first, last: the sessions that the list itself says it counts.
    """

    rows: tuple[int, ...]
    counts: Mapping[str, Longs] = field(default_factory=dict)
    shares: Mapping[str, Longs] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)
    first: Longs | None = None
    last: Longs | None = None
    whole: bool = False

    @property
    def figures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.counts, *self.shares, *(["possible"] if self.shares else [])]))

    @property
    def telling(self) -> Bools:
        """Two counts or more."""
        said = [values != NOT_SAID for values in self.counts.values()]
        return np.sum(said, axis=0) >= 2 if said else np.zeros(len(self.rows), dtype=bool)

    @property
    def variants(self) -> tuple[str, ...]:
        return ("", "percentages are cut off, not rounded") if self.shares else ("",)

    def meets(self, table: Longs, at: npt.NDArray[np.int64], variant: int) -> Bools:
        more = (1,) * (table.ndim - 2)
        names = self.figures
        out = np.ones(table.shape[:-1], dtype=bool)
        for name, values in self.counts.items():
            value = values[at].reshape(-1, *more)
            out &= (value == NOT_SAID) | (table[..., names.index(name)] == value)
        for name, values in self.shares.items():
            value = values[at].reshape(-1, *more)
            part = table[..., names.index(name)] * 100 * 10 ** self.decimals[name]
            whole = table[..., names.index("possible")]
            # Half up and half to even are both rounding: a figure exactly between two may be either.
            near = part // np.maximum(whole, 1) == value if variant else 2 * np.abs(value * whole - part) <= whole
            out &= (value == NOT_SAID) | ((whole > 0) & near)
        return out

    def theirs(self, i: int) -> dict[str, int]:
        return {name: int(values[i]) for name, values in self.counts.items() if values[i] != NOT_SAID}


@dataclass(frozen=True)
class Limit:
    """A rule of attendance that puts pupils on a list: below a percentage (thousandths of a percent). `reached`: at
    exactly that percentage too. `decimals`: of attendance rounded first; None: exact."""

    percent: int
    reached: bool = False
    decimals: int | None = None

    def holds(self, attended: Longs, possible: Longs) -> Bools:
        """Who is on the list; nobody without a possible session."""
        if self.decimals is None:
            share, limit = attended * HUNDRED_PERCENT, self.percent * possible
        else:
            scale = 100 * 10**self.decimals
            rounded = (2 * attended * scale + possible) // np.maximum(2 * possible, 1)
            share, limit = rounded * HUNDRED_PERCENT, np.full_like(rounded, self.percent * scale)
        return (possible > 0) & ((share <= limit) if self.reached else (share < limit))

    @property
    def words(self) -> str:
        percent = f"{self.percent / 1000:g}%"
        what = "attendance"
        if self.decimals is not None:
            places = "a whole percent" if self.decimals == 0 else f"{self.decimals} decimal"
            what = f"attendance rounded to {places}"
        return f"{what} {'at most' if self.reached else 'below'} {percent}"


@dataclass(frozen=True)
class Members:
    """Whether each of n pupils is on a list. `listed`: bool[n]. `limits`: rules that may have made it; variant 0 is the
    first of them, or `own` where that is given: who is on it by a rule that is no limit of attendance."""

    rows: tuple[int, ...]
    listed: Bools
    limits: Sequence[Limit]
    own: Bools | None = None
    first: Longs | None = None
    last: Longs | None = None
    whole: bool = True

    @property
    def figures(self) -> tuple[str, ...]:
        return ("attended", "possible")

    @property
    def telling(self) -> Bools:
        return np.zeros(len(self.rows), dtype=bool)

    @property
    def variants(self) -> tuple[str, ...]:
        words = tuple(f"listed by {limit.words}" for limit in self.limits)
        return ("", *(words if self.own is not None else words[1:]))

    def meets(self, table: Longs, at: npt.NDArray[np.int64], variant: int) -> Bools:
        listed = self.listed[at].reshape(-1, *((1,) * (table.ndim - 2)))
        if self.own is not None:
            if variant == 0:
                own = self.own[at].reshape(listed.shape)
                return np.broadcast_to(own == listed, table.shape[:-1])
            variant -= 1
        return self.limits[variant].holds(table[..., 0], table[..., 1]) == listed

    def theirs(self, i: int) -> dict[str, int]:
        return {}
