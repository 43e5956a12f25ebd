"""Figures as people read them: the one place where a report rounds.

Belongs here: percentages, differences, counts and dates in words. Not here: which figure is shown, and whether it may
be (`suppression.py`).

Differences are those of the figures as printed, so that whoever subtracts on paper gets what the page says.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction

TENTH = Decimal("0.1")
MINUS = "–"  # an en dash: the letters' fonts have no minus sign
NOTHING = "n/a"  # where there is no figure at all: no possible session, no pupil
_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def tenths(part: int, whole: int) -> Decimal | None:
    """part / whole as a percentage with one decimal, halves up on the exact fraction; None when whole is 0."""
    if whole == 0:
        return None
    return Decimal(int(Fraction(int(part) * 2000, int(whole)) + 1) // 2) / 10


def rounded(percent: Decimal) -> Decimal:
    """A percentage that was published with more decimals."""
    return percent.quantize(TENTH, ROUND_HALF_UP)


def percent(value: Decimal | None) -> str:
    return NOTHING if value is None else f"{value:.1f}%"


def share(part: int, whole: int, threshold: int = -1) -> str:
    """part / whole as a percentage with one decimal, such as 82.8%; `threshold`: thousandths of a percent, -1 none.

    What is below the threshold is never rounded up to it, and no figure up to 100%.
    """
    shown = tenths(part, whole)
    if shown is None:
        return NOTHING
    short = part * 100_000 < threshold * whole and shown * 1000 >= threshold
    if short or (shown == 100 and part < whole):
        shown = (Decimal(part) * 100 / Decimal(whole)).quantize(TENTH, ROUND_FLOOR)
    return f"{shown:.1f}%"


def limit(threshold: int) -> str:
    """A threshold in thousandths of a percent as it is spoken of: 85%, 92.5%."""
    return f"{(Decimal(threshold) / 1000).normalize():f}%"


def points(value: Decimal | None) -> str:
    """A difference of percentages with its sign: +1.2, –0.4, 0.0."""
    if value is None:
        return NOTHING
    return "0.0" if value == 0 else f"{'+' if value > 0 else MINUS}{abs(value):.1f}"


def number(count: int) -> str:
    return f"{count:,}"


def in_words(count: int) -> str:
    """A number at ease in a sentence: up to nine as a word."""
    return _SMALL_NUMBERS[count] if 0 <= count < len(_SMALL_NUMBERS) else number(count)


def plural(count: int, one: str, many: str = "") -> str:
    """`three pupils`, `one pupil`, `no pupils`."""
    return f"{in_words(count)} {one if count == 1 else many or one + 's'}"


def long_date(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def short_date(day: dt.date) -> str:
    return f"{day.day} {day:%b}"
