"""Disclosure control: which figures of a report are not shown, so that no child can be found in them.

Belongs here: every rule of what is hidden, and nothing else; reports ask and print `c`. Not here: the sizes, which are
policy (`policy.setting.suppression`), and how a figure is written.

Primary: a group of pupils smaller than the minimum shows `c`; so do counts of 1 up to the minimum. A true 0 is shown.
Secondary: where a report shows a total, a hidden part must not be had by subtraction, nor from knowing this file. So
its neighbour is hidden too, chosen by its place and not by its size: a choice by size would itself say something of the
sizes. The tests try every small table and find no hidden part that has only one possible value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

HIDDEN = "c"  # DfE's own symbol for a suppressed figure
SPREAD = 3  # a hidden count must be possible with at least so many values, whatever else is shown
_ROUNDS = 100  # of narrowing; each round carries what is known one sum further

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Protected:
    """Which parts of one total are hidden, and whether the total is too."""

    parts: tuple[bool, ...]
    total: bool = False


def too_small(count: int, minimum: int) -> bool:
    """Whether a number of pupils must not be shown."""
    return 0 < count < minimum


def share_hidden(part: int, whole: int, minimum: int) -> bool:
    """Whether "`part` of `whole` pupils" must not be shown: too small a group, or too few pupils on either side of it.

    "All of them" is hidden too, because it tells something of each; "none of them" is shown.
    """
    return 0 < whole < minimum or too_small(part, minimum) or (part > 0 and whole - part < minimum)


def protect(counts: Sequence[int], minimum: int, *, hidden: Sequence[bool] = ()) -> Protected:
    """What to hide of parts that add up to a total that the same report shows.

    `counts`: the parts. `hidden`: parts hidden for a reason of their own (their group is small, say). Parts are hidden
    by twos (or three): whichever of the two was small, the same two are hidden. Where nothing is left to hide beside
    them, all parts and the total are.
    """
    small = [too_small(n, minimum) or bool(hidden and hidden[i]) for i, n in enumerate(counts)]
    together = _twos([i for i, n in enumerate(counts) if n > 0 or small[i]])
    out: set[int] = set()
    left = []
    for group in together:
        if any(small[i] for i in group):
            out.update(group)
        else:
            left.append(group)
    while out and not _enough([counts[i] for i in out], minimum):
        if not left:
            return Protected((True,) * len(counts), total=True)
        out.update(left.pop(0))
    return Protected(tuple(i in out for i in range(len(counts))))


def _twos(places: Sequence[int]) -> list[Sequence[int]]:
    """Neighbours by two; the last three together when the number is odd."""
    groups = [places[i : i + 2] for i in range(0, len(places) - 1, 2)]
    if len(places) % 2:
        return [*groups[:-1], places[-3:]]
    return groups


def _enough(hidden: Sequence[int], minimum: int) -> bool:
    """Whether hidden parts, whose sum anybody can work out, keep one another hidden.

    Not when there is one, when all of them together are a small group, and when their sum leaves each no more than 1.
    """
    return len(hidden) >= 2 and sum(hidden) >= minimum and sum(hidden) > len(hidden)


def sum_gives_away(counts: Sequence[int], hidden: Sequence[bool], minimum: int) -> bool:
    """Whether a total over several reports would give away what one of them hides: whoever has the others subtracts."""
    few = [n for n, concealed in zip(counts, hidden, strict=True) if concealed]
    return bool(few) and not _enough(few, minimum)


def overlapping_groups_hidden(groups: Sequence[Bools], everyone: Bools, minimum: int) -> list[bool]:
    """Which of several groups of the same pupils, such as cohorts, must not be shown beside the whole.

    A group is hidden when it is too small, when those outside it are, and when it lies within a group that is shown (or
    holds one) and the few between the two would be had by subtraction. `groups`, `everyone`: bool[P].
    """
    sizes = [int((group & everyone).sum()) for group in groups]
    whole = int(everyone.sum())
    out = [too_small(size, minimum) or too_small(whole - size, minimum) for size in sizes]
    # The greater of two stays: more can be said of it.
    for i in sorted(range(len(groups)), key=lambda i: (sizes[i], i)):
        for j in range(len(groups)):
            if i == j or out[i] or out[j] or sizes[i] > sizes[j]:
                continue
            inside = not bool((groups[i] & everyone & ~groups[j]).any())
            if inside and too_small(sizes[j] - sizes[i], minimum):
                out[i] = True
    return out


def found_out(
    counts: Mapping[str, int],
    hidden: frozenset[str],
    sums: Sequence[tuple[str, Sequence[str]]],
    at_most: Sequence[tuple[str, str]] = (),
) -> frozenset[str]:
    """Hidden counts that could be told, or nearly, from those shown: those with fewer than SPREAD possible values.

    `sums`: (total, its parts). `at_most`: (count, another that it cannot exceed). A hidden count that is not 0 is taken
    to be known not to be, because a true 0 is shown. Bounds are carried from sum to sum until nothing narrows.
    """
    top = max(counts.values(), default=0)
    low = {name: n if name not in hidden else min(n, 1) for name, n in counts.items()}
    high = {name: n if name not in hidden else top for name, n in counts.items()}
    for _ in range(_ROUNDS):
        before = (dict(low), dict(high))
        for total, parts in sums:
            low[total] = max(low[total], sum(low[p] for p in parts))
            high[total] = min(high[total], sum(high[p] for p in parts))
            for part in parts:
                others = [p for p in parts if p != part]
                low[part] = max(low[part], low[total] - sum(high[p] for p in others))
                high[part] = min(high[part], high[total] - sum(low[p] for p in others))
        for small, great in at_most:
            high[small] = min(high[small], high[great])
            low[great] = max(low[great], low[small])
        if (low, high) == before:
            break
    return frozenset(name for name in hidden if high[name] - low[name] + 1 < SPREAD)


def shown(text: str, hidden: bool) -> str:
    """The figure as printed."""
    return HIDDEN if hidden else text
