"""A school's calendar as its marks show it, where nobody has written one down.

Belongs here: which days were school days, which breaks lie between them and what each probably is, and the sentences
that say what was assumed. Not here: reading marks, and any rule that uses a day.

A calendar that a school has written down is better in every way: what is inferred here is shown to a person, and
nothing but `attendance try` works with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from attendance_pipeline.derive.dates import date_words
from attendance_pipeline.law.school_calendar import SEASONS, CalendarSetting, SchoolCalendar, bank_holidays

# How marks are read as a calendar. No law: what English schools' years have in common.
YEAR_TURNS = (8, 10)  # no school is open around 10 August: days from then on are of the next academic year
FEWEST = 0.05  # of the pupils who usually have marks: on a day with fewer the school was not open
NEARBY = 10  # days with marks on either side that say what is usual
BREAK = 5  # weekdays without marks in a row that make a break; fewer are single days
LONGEST_BREAK = 20  # weekdays; a longer one inside a year is no holiday that schools have
# Month and day between which a break of each kind lies, wherever the school is.
_USUAL = {
    "October half-term": ((10, 8), (11, 10)),
    "Christmas holiday": ((12, 12), (1, 12)),
    "February half-term": ((2, 5), (3, 1)),
    "Easter holiday": ((3, 20), (5, 1)),
    "May half-term": ((5, 19), (6, 12)),
}
_EASTER = "Easter holiday"
_WEEK = dt.timedelta(days=7)
_DAY = dt.timedelta(days=1)

Date = dt.date


@dataclass(frozen=True)
class Break:
    """Weekdays without school between two school days. `name`: what it probably is; blank: no usual holiday, so the
    marks of these weeks may be missing. `weekdays` counts bank holidays too."""

    starts: Date
    ends: Date
    weekdays: int
    name: str


@dataclass(frozen=True)
class Season:
    """One term as inferred: its season, the academic year, first and last day with marks, and school days."""

    year: str
    season: str
    starts: Date
    ends: Date
    days: int


@dataclass(frozen=True)
class InferredCalendar:
    """`calendar`: the school days found, and weekdays after them. `last`: number of the last day with marks. `single`:
    weekdays without marks that are no break and no bank holiday; `odd`: days with marks that are no school days, and
    how many pupils have one there; `assumed`: sentences for a person."""

    calendar: SchoolCalendar
    last: int
    terms: tuple[Season, ...]
    breaks: tuple[Break, ...]
    single: tuple[Date, ...]
    odd: Mapping[Date, int]
    assumed: tuple[str, ...]

    @property
    def days(self) -> int:
        """School days with marks."""
        return self.last + 1

    @property
    def weeks(self) -> int:
        """School weeks with marks."""
        return int(self.calendar.week[self.last]) + 1


def infer_calendar(pupils: Mapping[Date, int], weeks_after: int) -> InferredCalendar | None:
    """The calendar of a school with so many pupils marked on each date; None where there is no school day.

    `weeks_after`: for so many weeks after the last day with marks every weekday but bank holidays is taken for a school
    day of the same term, so that what falls due later has a date.
    """
    open_days, odd = _open_days(pupils)
    if not open_days:
        return None
    years: list[dict[str, Any]] = []
    terms: list[Season] = []
    breaks: list[Break] = []
    single: list[Date] = []
    by_year: dict[int, list[Date]] = {}
    for day in open_days:
        by_year.setdefault(academic_year(day), []).append(day)
    for year, days in by_year.items():
        gaps = _gaps(days)
        breaks += gaps
        name = f"{year}/{(year + 1) % 100:02d}"
        rows = []
        for season, part in _seasons(year, days, gaps):
            inside = [g for g in gaps if part[0] < g.starts and g.ends < part[-1]]
            rows.append(
                {
                    "name": season.capitalize(),
                    "season": season,
                    "starts": part[0],
                    "ends": part[-1],
                    "half_terms": [{"starts": g.starts, "ends": g.ends} for g in inside],
                }
            )
            terms.append(Season(name, season, part[0], part[-1], len(part)))
        shut = _shut(days, gaps)
        single += shut
        years.append({"name": name, "closures": shut, "terms": rows})
    last = open_days[-1]
    years[-1]["terms"][-1]["ends"] = last + weeks_after * _WEEK
    calendar = SchoolCalendar(CalendarSetting.model_validate({"years": years}))
    number = calendar.index(last)
    if number is None:
        raise AssertionError("the last day with marks is a school day by construction")
    return InferredCalendar(
        calendar=calendar,
        last=number,
        terms=tuple(terms),
        breaks=tuple(breaks),
        single=tuple(single),
        odd=odd,
        assumed=tuple(_assumed(open_days, terms, breaks, single)),
    )


def academic_year(day: Date) -> int:
    """The calendar year in which the academic year of a day begins."""
    return day.year if (day.month, day.day) >= YEAR_TURNS else day.year - 1


def _open_days(pupils: Mapping[Date, int]) -> tuple[list[Date], dict[Date, int]]:
    """School days in order, and the other days with marks: weekends, bank holidays, days with a few stray marks."""
    marked = sorted(day for day, n in pupils.items() if n > 0)
    if not marked:
        return [], {}
    off = bank_holidays(marked[0].year, marked[-1].year)
    weekdays = [day for day in marked if day.weekday() < 5 and day not in off]
    counts = np.array([pupils[day] for day in weekdays], dtype=np.int64)
    kept = []
    for i, day in enumerate(weekdays):
        usual = float(np.median(counts[max(0, i - NEARBY) : i + NEARBY + 1]))
        if counts[i] > FEWEST * usual:
            kept.append(day)
    inside = set(kept)
    return kept, {day: pupils[day] for day in marked if day not in inside}


def _gaps(days: Sequence[Date]) -> list[Break]:
    """Breaks between the days of one year."""
    out = []
    for before, after in pairwise(days):
        between = [before + i * _DAY for i in range(1, (after - before).days)]
        weekdays = [d for d in between if d.weekday() < 5]
        if len(weekdays) >= BREAK:
            out.append(Break(weekdays[0], weekdays[-1], len(weekdays), _name(weekdays)))
    return out


def _name(weekdays: Sequence[Date]) -> str:
    if len(weekdays) > LONGEST_BREAK:
        return ""
    for name, (first, last) in _USUAL.items():
        year = weekdays[0].year - (first > last and weekdays[0].month < first[0])
        low, high = dt.date(year, *first), dt.date(year + (first > last), *last)
        if low <= weekdays[0] and weekdays[-1] <= high:
            return name
    return ""


def _seasons(year: int, days: Sequence[Date], gaps: Sequence[Break]) -> list[tuple[str, list[Date]]]:
    """The days of one academic year by season: autumn to December, then spring until the break around Easter."""
    good_friday = min(d for d in bank_holidays(year + 1, year + 1) if d.month in (3, 4))
    low, high = ((year + 1, *d) for d in _USUAL[_EASTER])
    around = [g for g in gaps if g.ends >= dt.date(*low) and g.starts <= dt.date(*high) and g.starts.year == year + 1]
    if around:
        summer = max(around, key=lambda g: (g.weekdays, -abs((g.starts - good_friday).days))).ends
    else:
        summer = good_friday
    parts: dict[str, list[Date]] = {season: [] for season in SEASONS}
    for day in days:
        season = "autumn" if day.year == year else "spring" if day <= summer else "summer"
        parts[season].append(day)
    return [(season, part) for season, part in parts.items() if part]


def _shut(days: Sequence[Date], gaps: Sequence[Break]) -> list[Date]:
    """Weekdays between the first and last day that are neither school days, nor bank holidays, nor in a break."""
    there = set(days)
    off = bank_holidays(days[0].year, days[-1].year)
    span = (days[0] + i * _DAY for i in range((days[-1] - days[0]).days + 1))
    return [
        d
        for d in span
        if d.weekday() < 5 and d not in there and d not in off and not any(g.starts <= d <= g.ends for g in gaps)
    ]


def _assumed(
    days: Sequence[Date], terms: Sequence[Season], breaks: Sequence[Break], single: Sequence[Date]
) -> list[str]:
    out = [
        "A weekday on which (nearly) nobody has a mark was no school day. Autumn goes to December, spring to the break "
        "around Easter, summer from there."
    ]
    first, year = days[0], academic_year(days[-1])
    began = next(d for d in days if academic_year(d) == year)
    if (began.month, began.day) > (9, 14) or began.year > year:
        out.append(
            f"The file begins on {date_words(first)}: the year to date is counted from there, not from September."
            if began == first
            else f"The file has no marks of {year}/{(year + 1) % 100:02d} before {date_words(began)}."
        )
    seasons = {t.season for t in terms if t.year == terms[-1].year}
    if {"spring", "summer"} <= seasons and not any(b.name == _EASTER and academic_year(b.ends) == year for b in breaks):
        out.append("No break around Easter is in the marks: summer was begun at Easter.")
    for b in breaks:
        if not b.name:
            out.append(
                f"No marks from {date_words(b.starts)} to {date_words(b.ends)}, {b.weekdays} weekdays, at a time when "
                "schools are usually open: taken for days without school. If it was open, the file lacks these weeks."
            )
    if single:
        out.append("Single weekdays without marks were taken for INSET days or closures.")
    return out
