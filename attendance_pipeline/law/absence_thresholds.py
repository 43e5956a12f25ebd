"""Persistent and severe absence: from which share of a pupil's own possible sessions.

The shares are in `absence_thresholds.csv`. Here is only how a date's version is read.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import cache

from attendance_pipeline.law.policy import thousandths
from attendance_pipeline.law.shipped_tables import shipped_rows


@cache
def _rows() -> tuple[tuple[str, int, dt.date], ...]:
    return tuple(
        (
            row["measure"],
            thousandths(Decimal(row["percent"])),
            dt.date.fromisoformat(row["valid_from"]) if row["valid_from"] else dt.date.min,
        )
        for row in shipped_rows("absence_thresholds.csv")
    )


def absent_from(measure: str, day: dt.date) -> int:
    """The share of possible sessions, in thousandths of a percent, from which a pupil counts: `persistent`, `severe`.

    A pupil at exactly this share counts. Raises ValueError for a measure that is not in the table.
    """
    known = [(valid_from, share) for name, share, valid_from in _rows() if name == measure and valid_from <= day]
    if not known:
        raise ValueError(f"absence_thresholds.csv has no {measure!r} on {day}")
    return max(known)[1]
