"""Comparison with published attendance: the same point of the year in England, the region and the local authority.

Belongs here: the bundled figures of the Department for Education (`data/README.md` says which, of whom, from when) and
which of them a date is compared with. Not here: the school's own figures.

Published figures are of the year to date, and of pupils aged 5 to 15 alone: whoever compares must do the same.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files

PUBLISHER = "Department for Education, Pupil attendance in schools"
LICENCE = "Open Government Licence v3.0"
COVERAGE = "pupils aged 5 to 15 in state-funded schools of England"
ENGLAND = "England"
LEVELS = ("national", "region", "local authority")
SAME_WEEK_LAST_YEAR = dt.timedelta(weeks=52)
_NEW_YEAR_MONTH = 8  # an academic year is counted from August, whenever a school's terms begin


@dataclass(frozen=True)
class Published:
    """One published figure: the year to date up to `data_to`, in percent. None: not published, or suppressed by DfE."""

    area: str
    level: str
    phase: str
    academic_year: str
    data_to: dt.date
    attendance: Decimal | None
    authorised: Decimal | None
    unauthorised: Decimal | None
    persistent: Decimal | None


@dataclass(frozen=True)
class Comparison:
    """What a school's year to date is compared with, all to the same `data_to`. None: there is no figure of that area.

    `this_year`: the figures are of the same academic year; otherwise of the same week of the year before.
    `series`: England's year to date by release, on the dates of the school's own year.
    """

    national: Published | None
    region: Published | None
    local: Published | None
    this_year: bool
    series: tuple[tuple[dt.date, Decimal], ...]

    @property
    def areas(self) -> tuple[Published, ...]:
        """England, region, local authority: those that have an attendance."""
        return tuple(p for p in (self.national, self.region, self.local) if p is not None and p.attendance is not None)

    def said(self) -> str:
        """Which figures these are, for the foot of a report."""
        if self.national is None:
            return "No published figures for this time of the year or the same week last year."
        to = f"{self.national.data_to.day} {self.national.data_to:%B %Y}"
        point = f"year to date to {to}" if self.this_year else f"same week last year, year to date to {to}"
        return f"{PUBLISHER}: {COVERAGE}, {point}. {LICENCE}."


class Benchmarks:
    """Published figures by area and phase."""

    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self._figures: dict[tuple[str, str, str], list[Published]] = {}
        self._regions: dict[str, str] = {}
        for row in rows:
            level, region, code = row["level"], row["region"], row["la_code"]
            key = {"national": "", "region": region}.get(level, code)
            if code:
                self._regions[code] = region
            self._figures.setdefault((level, key, row["phase"]), []).append(
                Published(
                    area={"national": ENGLAND, "region": region}.get(level, row["la"]),
                    level=level,
                    phase=row["phase"],
                    academic_year=row["academic_year"],
                    data_to=dt.date.fromisoformat(row["data_to"]),
                    attendance=_percent(row["attendance_percent"]),
                    authorised=_percent(row["authorised_percent"]),
                    unauthorised=_percent(row["unauthorised_percent"]),
                    persistent=_percent(row["persistent_absence_percent"]),
                )
            )
        for figures in self._figures.values():
            figures.sort(key=lambda p: p.data_to)

    def compare(self, day: dt.date, phase: str, la_code: str) -> Comparison:
        """What a year to date that ends on `day` is compared with.

        The newest figure of this academic year that does not run past the day; where there is none, the newest of the
        year before that does not run past the same week. An area without a figure of that date has none.
        """
        moved = dt.timedelta(0)
        series = self._until("national", "", phase, day)
        if not series:
            moved = SAME_WEEK_LAST_YEAR
            series = self._until("national", "", phase, day - moved)
        newest = series[-1] if series else None
        region = self._regions.get(la_code, "")
        return Comparison(
            national=newest,
            region=self._at("region", region, phase, newest),
            local=self._at("local authority", la_code, phase, newest),
            this_year=not moved,
            series=tuple((p.data_to + moved, p.attendance) for p in series if p.attendance is not None),
        )

    def _until(self, level: str, key: str, phase: str, day: dt.date) -> list[Published]:
        year = academic_year(day)
        figures = self._figures.get((level, key, phase), [])
        return [p for p in figures if p.academic_year == year and p.data_to <= day]

    def _at(self, level: str, key: str, phase: str, newest: Published | None) -> Published | None:
        figures = self._figures.get((level, key, phase), [])
        return next((p for p in figures if newest is not None and p.data_to == newest.data_to), None)


def academic_year(day: dt.date) -> str:
    """The academic year of a date as DfE names it, `2025/26`."""
    first = day.year if day.month >= _NEW_YEAR_MONTH else day.year - 1
    return f"{first}/{(first + 1) % 100:02d}"


@cache
def load_benchmarks() -> Benchmarks:
    """The bundled figures."""
    packed = files(__package__).joinpath("data", "dfe-attendance-by-fortnight.csv.gz").read_bytes()
    return Benchmarks(csv.DictReader(io.StringIO(gzip.decompress(packed).decode("utf-8"), newline="")))


def _percent(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None  # blank: not published; c: suppressed
