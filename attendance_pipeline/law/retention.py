"""For how long entries of the register have to be kept.

The years are in `retention.csv`. Here is only how a date's version is read.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

from attendance_pipeline.law.shipped_tables import shipped_rows


@cache
def _rows() -> tuple[tuple[dt.date, int], ...]:
    return tuple(
        (dt.date.fromisoformat(row["valid_from"]) if row["valid_from"] else dt.date.min, int(row["years"]))
        for row in shipped_rows("retention.csv")
    )


def years_kept(day: dt.date) -> int:
    """The years for which, by the law of a day, an entry of the register is preserved from when it was made."""
    return max((valid_from, years) for valid_from, years in _rows() if valid_from <= day)[1]


def kept_since(day: dt.date) -> dt.date:
    """The day since which entries have to be kept, by the law of a day."""
    years = years_kept(day)
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
