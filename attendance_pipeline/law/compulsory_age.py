"""Compulsory school age: from when, until when.

The prescribed days and ages are in `compulsory_age.csv`. Here is only the arithmetic of dates of birth.
"""

from __future__ import annotations

import datetime as dt
from functools import cache

from attendance_pipeline.law.shipped_tables import shipped_rows

FRIDAY = 4
ACADEMIC_YEAR_STARTS = 9  # the school year of the Education Acts begins on 1 September


@cache
def _rules() -> tuple[tuple[tuple[int, int], ...], int, int, int]:
    rows = shipped_rows("compulsory_age.csv")
    starts = tuple((int(r["month"]), int(r["day"])) for r in rows if r["rule"] == "starts")
    ends = next(r for r in rows if r["rule"] == "ends")
    return starts, int(next(r for r in rows if r["rule"] == "starts")["age"]), int(ends["month"]), int(ends["age"])


def _birthday(born: dt.date, age: int) -> dt.date:
    try:
        return born.replace(year=born.year + age)
    except ValueError:  # born on 29 February: in a common year the age is reached on 1 March
        return dt.date(born.year + age, 3, 1)


@cache
def compulsory_school_age(born: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day (inclusive) on which somebody born on `born` is of compulsory school age in England.

    From the first prescribed day on or after the fifth birthday, to the last Friday in June of the academic year
    (September to August) in which they turn 16.
    """
    starts, start_age, end_month, end_age = _rules()
    fifth = _birthday(born, start_age)
    first = min(
        day
        for year in (fifth.year, fifth.year + 1)
        for month, number in starts
        if (day := dt.date(year, month, number)) >= fifth
    )
    turns = _birthday(born, end_age)
    end_year = turns.year + (1 if turns.month >= ACADEMIC_YEAR_STARTS else 0)
    last = dt.date(end_year, end_month + 1, 1) - dt.timedelta(days=1)
    while last.weekday() != FRIDAY:
        last -= dt.timedelta(days=1)
    return first, last
