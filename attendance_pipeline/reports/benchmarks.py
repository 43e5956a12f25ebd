"""Comparison with published attendance: the same point of the year in England, the region and the local authority.

Belongs here: the bundled figures of the Department for Education (`data/README.md` says which, of whom, from when), a
newer download of them, checked (`read_download`), and which figures a date is compared with. Not here: the school's own
figures, and keeping a download (`steps/benchmarks.py`).

Published figures are of the year to date, and of pupils aged 5 to 15 alone: whoever compares must do the same, and up
to the same day (`Comparison.own_to`).
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files

PUBLISHER = "Department for Education, Pupil attendance in schools"
LICENCE = "Open Government Licence v3.0"
COVERAGE = "pupils aged 5 to 15 in state-funded schools of England"
ENGLAND = "England"
LEVELS = ("national", "region", "local authority")
ALL_PHASES = "All"
SAME_WEEK_LAST_YEAR = dt.timedelta(weeks=52)
# Releases are two weeks apart, four at Christmas and Easter. An older figure is not of the same point any more.
NOT_OLDER_THAN = dt.timedelta(weeks=5)
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


Series = tuple[tuple[dt.date, Decimal], ...]


@dataclass(frozen=True)
class Comparison:
    """What a school's year to date is compared with, all to the same `data_to`. None: there is no figure of that area.

    `national`, `region` and `local` are of the school's phase, `all_phases` of England. `this_year`: the figures are of
    the same academic year; otherwise of the same week of the year before. `own_to`: the day of the school's own year up
    to which its figures must count to be like them. `lines`: by level, the area and its year to date by release, on the
    dates of the school's own year.
    """

    national: Published | None
    region: Published | None
    local: Published | None
    all_phases: Published | None
    this_year: bool
    own_to: dt.date | None
    lines: tuple[tuple[str, str, Series], ...]

    @property
    def areas(self) -> tuple[Published, ...]:
        """England, region, local authority: those that have an attendance."""
        return tuple(p for p in (self.national, self.region, self.local) if p is not None and p.attendance is not None)

    @property
    def series(self) -> Series:
        """England's year to date by release."""
        return next((points for level, _, points in self.lines if level == "national"), ())

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

        The newest figure of this academic year that does not run past the day, unless it is more than five weeks older;
        then, or where there is none, the newest of the year before that does not run past the same week. An area
        without a figure of that date has none.
        """
        moved = dt.timedelta(0)
        series = self._until("national", "", phase, day)
        last_year = self._until("national", "", phase, day - SAME_WEEK_LAST_YEAR)
        if not series or (last_year and _old(series, day) and not _old(last_year, day - SAME_WEEK_LAST_YEAR)):
            moved, series = SAME_WEEK_LAST_YEAR, last_year
        newest = series[-1] if series else None
        region = self._regions.get(la_code, "")
        keys = (("national", "national", ""), ("region", "region", region), ("local", "local authority", la_code))
        lines = []
        for style, level, key in keys:
            points = [p for p in self._until(level, key, phase, day - moved) if newest and p.data_to <= newest.data_to]
            shown = tuple((p.data_to + moved, p.attendance) for p in points if p.attendance is not None)
            if shown:
                lines.append((style, points[0].area, shown))
        return Comparison(
            national=newest,
            region=self._at("region", region, phase, newest),
            local=self._at("local authority", la_code, phase, newest),
            all_phases=self._at("national", "", ALL_PHASES, newest),
            this_year=not moved,
            own_to=None if newest is None else newest.data_to + moved,
            lines=tuple(lines),
        )

    def coverage(self) -> tuple[tuple[str, int, dt.date, dt.date], ...]:
        """By academic year: how many releases, the first and the last day counted."""
        days: dict[str, set[dt.date]] = {}
        for (level, *_), figures in self._figures.items():
            if level == "national":
                for p in figures:
                    days.setdefault(p.academic_year, set()).add(p.data_to)
        return tuple((year, len(of), min(of), max(of)) for year, of in sorted(days.items()))

    def _until(self, level: str, key: str, phase: str, day: dt.date) -> list[Published]:
        year = academic_year(day)
        figures = self._figures.get((level, key, phase), [])
        return [p for p in figures if p.academic_year == year and p.data_to <= day]

    def _at(self, level: str, key: str, phase: str, newest: Published | None) -> Published | None:
        figures = self._figures.get((level, key, phase), [])
        return next((p for p in figures if newest is not None and p.data_to == newest.data_to), None)


def _old(series: Sequence[Published], day: dt.date) -> bool:
    return day - series[-1].data_to > NOT_OLDER_THAN


def academic_year(day: dt.date) -> str:
    """The academic year of a date as DfE names it, `2025/26`."""
    first = day.year if day.month >= _NEW_YEAR_MONTH else day.year - 1
    return f"{first}/{(first + 1) % 100:02d}"


@cache
def load_benchmarks() -> Benchmarks:
    """The bundled figures."""
    return Benchmarks(bundled_rows())


@cache
def bundled_rows() -> tuple[dict[str, str], ...]:
    """The bundled figures, a row each, by the names of `COLUMNS`."""
    packed = files(__package__).joinpath("data", "dfe-attendance-by-fortnight.csv.gz").read_bytes()
    return tuple(csv.DictReader(io.StringIO(gzip.decompress(packed).decode("utf-8"), newline="")))


def _percent(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None  # blank: not published; c: suppressed


# ---------------------------------------------------------------- a newer download

COLUMNS = ("academic_year", "published", "data_to", "level", "region", "la_code", "la", "phase", "attendance_percent",
           "authorised_percent", "unauthorised_percent", "persistent_absence_percent")  # fmt: skip
# What DfE's own files call them; the first that is there counts.
_NAMES = {
    "academic_year": ("academic_year", "time_period"),
    "published": ("published", "publication_date"),
    "data_to": ("data_to", "attendance_date", "reference_date", "week_ending"),
    "level": ("level", "geographic_level"),
    "region": ("region", "region_name"),
    "la_code": ("la_code", "new_la_code"),
    "la": ("la", "la_name"),
    "phase": ("phase", "education_phase"),
    "attendance_percent": ("attendance_percent", "attendance_perc"),
    "authorised_percent": ("authorised_percent", "authorised_absence_perc"),
    "unauthorised_percent": ("unauthorised_percent", "unauthorised_absence_perc"),
    "persistent_absence_percent": ("persistent_absence_percent", "pa_perc"),
}
_MAY_LACK = {"published", "data_to"}
_LEVELS = {"national": "national", "regional": "region", "region": "region", "local authority": "local authority"}
_PHASES = {"primary": "Primary", "secondary": "Secondary", "special": "Special", "all": ALL_PHASES, "total": ALL_PHASES,
           "all schools": ALL_PHASES}  # fmt: skip
_NO_FIGURE = {"", "c", "x", "z", ":", "low", "u", "n/a"}
_YEAR_TO_DATE = "year to date"
_ROUNDING = Decimal("0.05")  # three shares, each rounded to two decimals, and then some
MOST_BYTES = 200_000_000


class NotADownload(ValueError):
    """The file is not what DfE publishes of attendance, or not all of it can be understood. Says what is wrong."""


def read_download(content: bytes, *, to: dt.date | None = None, today: dt.date | None = None) -> list[dict[str, str]]:
    """Rows by `COLUMNS` of a download of *Pupil attendance in schools*, or of a file in the layout of the bundled one.

    `to`: the day up to which the figures count, for files that do not say it. `today`: figures of days to come are
    refused. All rows or none. Raises NotADownload, which names the row (the header is 1) and what was expected.
    """
    if len(content) > MOST_BYTES:
        raise NotADownload(f"it has {len(content):,} bytes; DfE's files have less than {MOST_BYTES:,}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotADownload("it is no CSV file in UTF-8: download the data as CSV, not as a spreadsheet") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        header = [name.strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        named = _columns(header, to)
        out: dict[tuple[str, ...], dict[str, str]] = {}
        for number, raw in enumerate(reader, start=2):
            if (raw.get("time_frame") or _YEAR_TO_DATE).strip().lower() != _YEAR_TO_DATE:
                continue  # of one week or one day: another thing
            row = _row(raw, named, number, to, today)
            key = tuple(row[name] for name in ("data_to", "level", "region", "la_code", "phase"))
            if out.setdefault(key, row) != row:
                raise NotADownload(f"row {number} says something else of {row['la'] or row['region'] or ENGLAND}, "
                                   f"{row['phase']}, {row['data_to']}, than a row before it")  # fmt: skip
    except csv.Error as error:
        raise NotADownload(f"it cannot be read as CSV: {error}") from None
    rows = list(out.values())
    lacking = {r["data_to"] for r in rows} - {r["data_to"] for r in rows if r["level"] == "national"}
    if not rows:
        raise NotADownload("it has no figures of the year to date")
    if lacking:
        raise NotADownload(f"it has no national figures to {min(lacking)}: choose all of England when downloading")
    return rows


def newer_rows(kept: Iterable[Mapping[str, str]], new: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows of both; where both speak of the same area, phase and day, those of the later publication, else the new."""
    out: dict[tuple[str, ...], dict[str, str]] = {}
    for row in (*kept, *new):
        key = tuple(row[name] for name in ("data_to", "level", "region", "la_code", "phase"))
        there = out.get(key)
        if there is None or not row["published"] or row["published"] >= there["published"]:
            out[key] = {name: row[name] for name in COLUMNS}
    return [out[key] for key in sorted(out)]


def as_csv(rows: Iterable[Mapping[str, str]]) -> str:
    """Rows as a file in the layout of the bundled one."""
    written = io.StringIO()
    table = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows({name: row[name] for name in COLUMNS} for row in rows)
    return written.getvalue()


def _columns(header: Sequence[str], to: dt.date | None) -> dict[str, str]:
    named = {name: next((n for n in names if n in header), "") for name, names in _NAMES.items()}
    lacking = [_NAMES[name][-1] for name, found in named.items() if not found and name not in _MAY_LACK]
    if lacking:
        raise NotADownload(
            f"it lacks the column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}: it must be the data of the "
            "release *Pupil attendance in schools*, downloaded as CSV with all its columns"
        )
    if not named["data_to"] and to is None:
        raise NotADownload(
            "it does not say up to which day its figures count: give the day with --to (the page of the release names "
            "it)"
        )
    return named


def _row(
    raw: Mapping[str, str | None], named: Mapping[str, str], number: int, to: dt.date | None, today: dt.date | None
) -> dict[str, str]:
    def refuse(column: str, expected: str) -> NotADownload:
        return NotADownload(f"row {number}, column {named[column] or column}: expected {expected}")

    row = {name: (raw.get(column) or "").strip() if column else "" for name, column in named.items()}
    if any(value is None for value in raw.values()) or None in raw:
        raise NotADownload(f"row {number} has not as many values as the header")
    level, phase = _LEVELS.get(row["level"].lower()), _PHASES.get(row["phase"].lower())
    if level is None:
        raise refuse("level", "National, Regional or Local authority")
    if phase is None:
        raise refuse("phase", "Primary, Secondary, Special or Total")
    year = re.fullmatch(r"(\d{4})/?(?:\d{2})?(\d{2})", row["academic_year"])
    if year is None or (int(year[1]) + 1) % 100 != int(year[2]):
        raise refuse("academic_year", "an academic year such as 202526 or 2025/26")
    day = _date(row["data_to"]) if named["data_to"] else to
    if day is None:
        raise refuse("data_to", "a date such as 2025-09-12 or 12/09/2025")
    if academic_year(day) != f"{year[1]}/{year[2]}":
        raise refuse("data_to", f"a day of the academic year {year[1]}/{year[2]}, not {day}")
    if today is not None and day > today:
        raise refuse("data_to", f"a day that has come, not {day}")
    if level == "local authority" and not re.fullmatch(r"E\d{8}", row["la_code"]):
        raise refuse("la_code", "the code of a local authority, E and eight digits")
    if level != "national" and not row["region"]:
        raise refuse("region", "the name of a region")
    published = _date(row["published"]) if row["published"] else None
    if row["published"] and published is None:
        raise refuse("published", "a date")
    shares: dict[str, Decimal | None] = {}
    for name in COLUMNS[8:]:
        value = row[name].lower()
        share = None if value in _NO_FIGURE else _percent(value)
        if value not in _NO_FIGURE and (share is None or not share.is_finite() or not 0 <= share <= 100):
            raise refuse(name, "a percentage from 0 to 100, or c")
        shares[name] = share
    whole = [shares[name] for name in COLUMNS[8:11]]
    known = [share for share in whole if share is not None]
    if len(known) == 3 and abs(sum(known, Decimal(0)) - 100) > _ROUNDING:
        raise refuse("attendance_percent", "attendance, authorised and unauthorised absence that make up 100%")
    if level == "national" and whole[0] is None:
        raise refuse("attendance_percent", "a figure: England's is never suppressed")
    return {
        "academic_year": f"{year[1]}/{year[2]}",
        "published": published.isoformat() if published else "",
        "data_to": day.isoformat(),
        "level": level,
        "region": "" if level == "national" else row["region"],
        "la_code": row["la_code"] if level == "local authority" else "",
        "la": row["la"] if level == "local authority" else "",
        "phase": phase,
        **{name: row[name].lower() if share is None else f"{share:.2f}" for name, share in shares.items()},
    }


def _date(text: str) -> dt.date | None:
    found = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?|(\d{1,2})/(\d{1,2})/(\d{4})", text)
    if found is None:
        return None
    year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None
