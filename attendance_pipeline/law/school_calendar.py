"""A school's calendar: terms, half-terms, INSET, closures and bank holidays as one axis of school days.

Belongs here: which days are school days, which school week, term, half-term and academic year each lies in, and
counting on in school weeks. Not here: any rule that uses a day.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import holidays
import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from attendance_pipeline.law.settings_errors import SettingsError, refused

SEASONS = ("autumn", "spring", "summer")
USUAL_SCHOOL_DAYS = (190, 5)  # a usual year and how far from it goes without a warning: Education (School Day and
# School Year) (England) Regulations 1999, 380 sessions; rules.md section 3

SLACK_AROUND_YEAR = dt.timedelta(days=31)

Days = npt.NDArray[np.datetime64]
Index = npt.NDArray[np.int32]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _names_a_folder(name: str) -> str:
    # Deliveries lie in folders named after the year; a night must not be the first to find that they cannot.
    if not re.fullmatch(r"\w([\w /.–-]*\w)?", name):
        raise ValueError("a name such as 2025/26: letters, digits, blanks, '/', '-' and '.'")
    return name


class Break(_Strict):
    starts: dt.date
    ends: dt.date


class TermSetting(_Strict):
    name: str
    season: Literal["autumn", "spring", "summer"]
    starts: dt.date
    ends: dt.date
    half_terms: tuple[Break, ...] = ()


class YearSetting(_Strict):
    name: Annotated[str, AfterValidator(_names_a_folder)]
    inset: tuple[dt.date, ...] = ()
    closures: tuple[dt.date, ...] = ()
    terms: tuple[TermSetting, ...] = Field(min_length=1)


class CalendarSetting(_Strict):
    years: tuple[YearSetting, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Term:
    """One term, with the index of its first and last school day."""

    name: str
    season: str
    year: int
    first: int
    last: int


@dataclass(frozen=True)
class HalfTerm:
    """The school days of a term on one side of its half-term break.

    `key`, such as `2025-26-autumn-2`, counts the half-terms of a season, so that schools of three and of six terms a
    year name the same weeks alike.
    """

    key: str
    name: str
    year: int
    first: int
    last: int


class SchoolCalendar:
    """All academic years of one calendar file on one axis of school days, numbered 0 to n - 1.

    Arrays of length n: `days` datetime64[D]; `year` int16, index into `year_names`; `term` int16, index into `terms`;
    `season` uint8 (0 autumn, 1 spring, 2 summer); `week` int32, the school week, numbered across years; `weekday`
    uint8 (0 Monday); `year_start`, `year_end`, `term_start` int32, indexes of days.
    """

    def __init__(self, setting: CalendarSetting, path: Path | None = None) -> None:
        self.path = path
        self.setting = setting
        _refuse_impossible(setting, path)
        days: list[dt.date] = []
        year: list[int] = []
        term: list[int] = []
        season: list[int] = []
        self.year_names = tuple(y.name for y in setting.years)
        terms: list[Term] = []
        half_terms: list[HalfTerm] = []
        for y, school_year in enumerate(setting.years):
            shut = set(school_year.inset) | set(school_year.closures)
            for t in school_year.terms:
                first = len(days)
                days.extend(_school_days(t, shut))
                if len(days) == first:
                    raise SettingsError(path, f"years.terms ({t.name})", "at least one school day between its dates")
                year += [y] * (len(days) - first)
                term += [len(terms)] * (len(days) - first)
                season += [SEASONS.index(t.season)] * (len(days) - first)
                terms.append(Term(t.name, t.season, y, first, len(days) - 1))
                before = sum(
                    h.year == y and h.key.startswith(f"{school_year.name.replace('/', '-')}-{t.season}-")
                    for h in half_terms
                )
                half_terms += _halves(t, days, first, y, school_year.name, before)
        self.days: Days = np.array(days, dtype="datetime64[D]")
        self.year = np.array(year, dtype=np.int16)
        self.term = np.array(term, dtype=np.int16)
        self.season = np.array(season, dtype=np.uint8)
        self.terms = tuple(terms)
        self.half_terms = tuple(half_terms)
        serial = self.days.astype(np.int64)
        self.weekday = ((serial + 3) % 7).astype(np.uint8)  # 1 January 1970 was a Thursday
        monday: npt.NDArray[np.int64] = serial - self.weekday
        mondays, week = np.unique(monday, return_inverse=True)
        self._mondays = mondays
        self.week: Index = week.astype(np.int32)
        self.week_first: Index = np.searchsorted(monday, mondays).astype(np.int32)
        self.year_start = _first_of(self.year)
        self.year_end = _last_of(self.year)
        self.term_start = _first_of(self.term)

    def __len__(self) -> int:
        return len(self.days)

    @property
    def n_weeks(self) -> int:
        return len(self._mondays)

    def date(self, index: int) -> dt.date:
        return self.days[index].item()

    @cached_property
    def _index(self) -> dict[dt.date, int]:
        return {d: i for i, d in enumerate(self.days.tolist())}

    def index(self, day: dt.date) -> int | None:
        """Number of a school day; None when the school has no session on `day`."""
        return self._index.get(day)

    def on_or_after(self, day: dt.date) -> int:
        """Number of the first school day on or after `day`; n when the calendar ends first."""
        return int(np.searchsorted(self.days, np.datetime64(day), side="left"))

    def on_or_before(self, day: dt.date) -> int:
        """Number of the last school day on or before `day`; -1 when the calendar starts later."""
        return int(np.searchsorted(self.days, np.datetime64(day), side="right")) - 1

    def due(self, weeks: int) -> Index:
        """`due(d, weeks)` of rules.md section 5 for every day: int32[n], -1 where the calendar ends first."""
        target = self.week.astype(np.int64) + weeks
        inside = target < self.n_weeks
        wanted = self._mondays[np.where(inside, target, 0)] + self.weekday
        found = np.searchsorted(self.days.astype(np.int64), wanted, side="left")
        return np.where(inside & (found < len(self)), found, -1).astype(np.int32)

    def window_start(self, weeks: int, *, within_year: bool) -> Index:
        """First day of the school week of each day and the `weeks - 1` school weeks before it: int32[n]."""
        first = self.week_first[np.maximum(self.week - (weeks - 1), 0)]
        return np.maximum(first, self.year_start) if within_year else first

    def warnings(self) -> list[str]:
        """What a person should look at: years that are not 190 school days, give or take five."""
        usual, slack = USUAL_SCHOOL_DAYS
        out = []
        for y, name in enumerate(self.year_names):
            n = int((self.year == y).sum())
            if abs(n - usual) > slack:
                out.append(f"{self.path}: the year {name} has {n} school days; {usual} ± {slack} are usual")
        return out

    def describe(self) -> list[str]:
        """One line a term: how many school days it has."""
        return [f"{self.year_names[t.year]} {t.name}: {t.last - t.first + 1} school days" for t in self.terms]


def _first_of(group: npt.NDArray[np.int16]) -> Index:
    return np.searchsorted(group, group, side="left").astype(np.int32)


def _last_of(group: npt.NDArray[np.int16]) -> Index:
    return (np.searchsorted(group, group, side="right") - 1).astype(np.int32)


@lru_cache(maxsize=16)
def bank_holidays(first: int, last: int) -> frozenset[dt.date]:
    """Bank holidays of England in the calendar years from `first` to `last`, from the `holidays` library."""
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=range(first, last + 1)))


def _school_days(term: TermSetting, shut: set[dt.date]) -> list[dt.date]:
    off = bank_holidays(term.starts.year, term.ends.year) | shut
    span = (term.starts + dt.timedelta(days=i) for i in range((term.ends - term.starts).days + 1))
    return [
        d
        for d in span
        if d.weekday() < 5 and d not in off and not any(b.starts <= d <= b.ends for b in term.half_terms)
    ]


def _halves(
    term: TermSetting, days: list[dt.date], first: int, year: int, year_name: str, before: int
) -> list[HalfTerm]:
    edges = [b.ends for b in sorted(term.half_terms, key=lambda b: b.starts)]
    parts: list[list[int]] = [[] for _ in range(len(edges) + 1)]
    for i in range(first, len(days)):
        parts[sum(days[i] > e for e in edges)].append(i)
    whole = [p for p in parts if p]
    return [
        HalfTerm(
            key=f"{year_name.replace('/', '-')}-{term.season}-{before + k}",
            name=term.name if len(whole) == 1 else f"{term.name}, half-term {k}",
            year=year,
            first=p[0],
            last=p[-1],
        )
        for k, p in enumerate(whole, 1)
    ]


def _refuse_impossible(setting: CalendarSetting, path: Path | None) -> None:
    """Dates that would put days out of order or silently lose an INSET day."""
    end: dt.date | None = None
    names: set[str] = set()
    for y in setting.years:
        if y.name in names:  # deliveries lie in folders named after the year
            raise SettingsError(path, "years.name", f"a name of its own; {y.name} is another year's")
        names.add(y.name)
        for t in y.terms:
            key = f"years.terms ({y.name} {t.name})"
            if t.ends < t.starts:
                raise SettingsError(path, f"{key}.ends", f"a day on or after its start, {t.starts}")
            if end is not None and t.starts <= end:
                raise SettingsError(path, f"{key}.starts", f"a day after the term before it, which ends {end}")
            for b in t.half_terms:
                if not t.starts <= b.starts <= b.ends <= t.ends:
                    raise SettingsError(path, f"{key}.half_terms", f"dates inside the term, not {b.starts} to {b.ends}")
            end = t.ends
        # INSET days are often set just before or after the terms; a wrong year is what this is to catch.
        first, last = y.terms[0].starts - SLACK_AROUND_YEAR, y.terms[-1].ends + SLACK_AROUND_YEAR
        for name in ("inset", "closures"):
            for d in getattr(y, name):
                if not first <= d <= last:
                    raise SettingsError(path, f"years.{name} ({y.name})", f"days from {first} to {last}, not {d}")


def calendar_from_text(text: str) -> SchoolCalendar:
    """A calendar from its TOML, which has been checked already."""
    return SchoolCalendar(CalendarSetting.model_validate(tomllib.loads(text)))


def read_calendar(path: Path) -> SchoolCalendar:
    """Read a calendar file. Raises SettingsError naming file, key and what was expected."""
    with refused(path, CalendarSetting):
        setting = CalendarSetting.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    return SchoolCalendar(setting, path)
