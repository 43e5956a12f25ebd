"""Figures that are not shown, on both sides of every boundary; and an attempt to recover every hidden one."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest

from attendance_pipeline.reports.suppression import (
    found_out,
    overlapping_groups_hidden,
    protect,
    share_hidden,
    shown,
    sum_gives_away,
    too_small,
)


@pytest.mark.parametrize(
    ("count", "minimum", "hidden"),
    [(0, 5, False), (1, 5, True), (4, 5, True), (5, 5, False), (9, 10, True), (10, 10, False), (1, 1, False)],
)
def test_counts_from_one_up_to_the_minimum_are_hidden(count: int, minimum: int, hidden: bool) -> None:
    assert too_small(count, minimum) is hidden
    assert shown(str(count), hidden) == ("c" if hidden else str(count))


@pytest.mark.parametrize(
    ("part", "whole", "hidden"),
    [
        (5, 10, False),
        (4, 10, True),
        (6, 10, True),  # four who are not
        (0, 10, False),
        (10, 10, True),  # all of them
        (0, 4, True),  # a small group shows nothing at all
        (0, 5, False),
        (0, 0, False),
    ],
)
def test_a_share_is_hidden_when_either_side_of_it_is_small(part: int, whole: int, hidden: bool) -> None:
    assert share_hidden(part, whole, 5) is hidden


@pytest.mark.parametrize(
    ("counts", "expected", "total"),
    [
        ([10, 20, 30], "...", False),
        ([0, 20, 30], "...", False),
        ([5, 20, 30], "...", False),
        ([4, 20, 30, 40], "cc..", False),  # one alone is had by subtraction: its neighbour goes with it
        ([20, 4, 30, 40], "cc..", False),  # and the same two, whichever of them is small
        ([20, 30, 40, 4], "..cc", False),
        ([20, 30, 4], "ccc", False),  # of an odd number the last three go together
        ([20, 4, 0, 30, 40, 50], "cc....", False),
        ([20, 0, 4, 30, 40], "c.c..", False),  # a true nought is shown and hides nothing
        ([1, 1, 30, 40], "cccc", False),  # two together are still a small group
        ([1, 4, 30, 40], "cc..", False),
        ([3, 0, 0], "ccc", True),  # nothing left to hide: the total goes, and which parts are noughts
        ([], "", False),
    ],
)
def test_parts_of_a_total(counts: list[int], expected: str, total: bool) -> None:
    found = protect(counts, 5)
    assert "".join("c" if hidden else "." for hidden in found.parts) == expected
    assert found.total is total


def test_a_part_hidden_for_another_reason_is_not_had_by_subtraction() -> None:
    assert protect([12, 20, 30, 40], 5, hidden=[False, True, False, False]).parts == (True, True, False, False)
    assert protect([12, 0, 30, 40], 5, hidden=[False, True, False, False]).parts == (True, True, False, False)


@pytest.mark.parametrize(
    ("minimum", "parts", "most"), [(5, 2, 16), (5, 3, 14), (5, 4, 9), (3, 4, 9), (2, 5, 5), (10, 2, 30)]
)
def test_no_hidden_part_can_be_worked_out_by_somebody_who_knows_the_rule(minimum: int, parts: int, most: int) -> None:
    """Every table is published; whoever sees it lists all tables that would look the same."""
    looks_like = defaultdict(list)
    for counts in itertools.product(range(most + 1), repeat=parts):
        found = protect(counts, minimum)
        seen = tuple("c" if hidden else n for n, hidden in zip(counts, found.parts, strict=True))
        looks_like[seen, None if found.total else sum(counts)].append(counts)
    tried = 0
    for (seen, total), tables in looks_like.items():
        hidden = [i for i, cell in enumerate(seen) if cell == "c"]
        if total is not None and total - sum(n for n in seen if n != "c") > most:
            continue  # some of its look-alikes hold numbers greater than were tried
        for i in hidden:
            tried += 1
            assert len({table[i] for table in tables}) > 1, (seen, total)
    assert tried > 10


def test_a_group_is_hidden_with_few_pupils_in_it_or_few_outside_it() -> None:
    everyone = np.ones(50, dtype=bool)

    def first(n: int) -> np.ndarray:
        return np.arange(50) < n

    sizes = [0, 9, 10, 40, 41, 50]
    assert [overlapping_groups_hidden([first(n)], everyone, 10)[0] for n in sizes] == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_group_within_another_is_hidden_when_few_lie_between() -> None:
    everyone = np.ones(100, dtype=bool)
    place = np.arange(100)
    free_meals, premium, near, apart = place < 30, place < 33, place < 43, (place > 2) & (place < 34)
    assert overlapping_groups_hidden([free_meals, premium], everyone, 10) == [True, False]
    assert overlapping_groups_hidden([premium, near], everyone, 10) == [False, False]
    assert overlapping_groups_hidden([free_meals, apart], everyone, 10) == [False, False]
    assert overlapping_groups_hidden([free_meals, free_meals], everyone, 10) == [False, False]


def test_pupils_who_are_not_of_the_report_do_not_make_a_group_greater() -> None:
    everyone = np.arange(50) < 30
    assert overlapping_groups_hidden([np.arange(50) >= 25], everyone, 10) == [True]


@pytest.mark.parametrize(
    ("hidden", "found"),
    [
        ({"b"}, {"b"}),  # 30 less 12 and 14
        ({"a", "b"}, set()),
        ({"a", "b", "d", "total"}, set()),
        ({"part of a"}, set()),  # anything up to 12
        ({"part of a", "total"}, {"total"}),  # the sum of what is shown
    ],
)
def test_what_can_be_told_from_sums(hidden: set[str], found: set[str]) -> None:
    counts = {"total": 30, "a": 12, "b": 4, "d": 14, "part of a": 6}
    sums, at_most = [("total", ["a", "b", "d"])], [("part of a", "a")]
    assert found_out(counts, frozenset(hidden), sums, at_most) == found


def test_what_cannot_exceed_another_may_be_told_by_it() -> None:
    """Two classes in which everybody is meant: the sum is 40, neither can have more than 20."""
    counts = {"total": 40, "a": 20, "b": 20, "all a": 20, "all b": 20}
    told = found_out(counts, frozenset({"a", "b"}), [("total", ["a", "b"])], [("a", "all a"), ("b", "all b")])
    assert told == {"a", "b"}


@pytest.mark.parametrize(
    ("counts", "hidden", "away"),
    [
        ([3, 40, 60], "c..", True),  # one school hides: the trust's sum less the others' is it
        ([3, 40, 60], "cc.", False),
        ([1, 2, 60], "cc.", True),  # two, and together still few
        ([30, 40, 60], "...", False),
    ],
)
def test_a_sum_over_reports_gives_away_what_one_of_them_hides(counts: list[int], hidden: str, away: bool) -> None:
    assert sum_gives_away(counts, [h == "c" for h in hidden], 5) is away
