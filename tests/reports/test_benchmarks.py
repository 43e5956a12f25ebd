"""Which published figure a date is compared with, and what the comparison says of itself."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from attendance_pipeline.reports.benchmarks import Benchmarks, academic_year, load_benchmarks

LEEDS = "E08000035"


@pytest.mark.parametrize(
    ("day", "data_to", "this_year", "percent"),
    [
        ("2025-09-12", "2025-09-12", True, "96.20"),  # the day itself is not after it
        ("2025-09-25", "2025-09-12", True, "96.20"),
        ("2025-09-26", "2025-09-26", True, "95.76"),
        ("2026-02-13", "2026-02-06", True, "94.82"),
        ("2026-07-31", "2026-07-10", True, "94.72"),
        ("2026-08-01", None, False, None),  # a new academic year, and August has no figure in either
        ("2026-09-10", None, False, None),  # the same week last year had none yet: Thursday 11 September 2025
        ("2026-09-11", "2025-09-12", False, "96.20"),  # Friday to Friday
        ("2026-10-23", "2025-10-24", False, "95.44"),
        ("2027-02-12", "2026-02-06", False, "94.82"),
        ("2025-09-11", None, False, None),
        ("2027-09-11", None, False, None),  # two years back is not compared with
    ],
)
def test_the_newest_figure_that_does_not_run_past_the_day(
    day: str, data_to: str | None, this_year: bool, percent: str | None
) -> None:
    found = load_benchmarks().compare(dt.date.fromisoformat(day), "Primary", LEEDS)
    assert (found.national and found.national.data_to.isoformat()) == data_to
    assert (found.national and str(found.national.attendance)) == percent
    assert found.this_year is this_year


def test_region_and_authority_of_the_same_date() -> None:
    found = load_benchmarks().compare(dt.date(2026, 2, 13), "Primary", LEEDS)
    assert [p.area for p in found.areas] == ["England", "Yorkshire and The Humber", "Leeds"]
    assert {p.data_to for p in found.areas} == {dt.date(2026, 2, 6)}
    assert found.national is not None and found.national.persistent == Decimal("14.54")


def test_it_says_of_whom_until_when_and_under_which_licence() -> None:
    said = load_benchmarks().compare(dt.date(2026, 2, 13), "Secondary", LEEDS).said()
    assert "aged 5 to 15" in said and "year to date to 6 February 2026" in said and "Open Government Licence" in said
    last_year = load_benchmarks().compare(dt.date(2027, 2, 12), "Secondary", LEEDS).said()
    assert "same week last year, year to date to 6 February 2026" in last_year
    assert "No published figures" in load_benchmarks().compare(dt.date(2030, 1, 8), "Secondary", LEEDS).said()


def test_what_dfe_suppressed_is_not_compared_with() -> None:
    city = load_benchmarks().compare(dt.date(2026, 2, 13), "Primary", "E09000001")  # one school
    assert [p.area for p in city.areas] == ["England", "London"]
    nowhere = load_benchmarks().compare(dt.date(2026, 2, 13), "Primary", "E99999999")
    assert [p.area for p in nowhere.areas] == ["England"]


def test_the_series_stands_on_the_dates_of_the_schools_own_year() -> None:
    this = load_benchmarks().compare(dt.date(2025, 10, 24), "Primary", LEEDS).series
    assert [(d.isoformat(), str(p)) for d, p in this] == [
        ("2025-09-12", "96.20"),
        ("2025-09-26", "95.76"),
        ("2025-10-10", "95.71"),
        ("2025-10-24", "95.44"),
    ]
    last = load_benchmarks().compare(dt.date(2026, 10, 23), "Primary", LEEDS).series
    assert [d.isoformat() for d, _ in last] == ["2026-09-11", "2026-09-25", "2026-10-09", "2026-10-23"]


def test_every_release_covers_every_area() -> None:
    bench = load_benchmarks()
    assert isinstance(bench, Benchmarks)
    assert len(bench._regions) == 153
    assert {len(rows) for key, rows in bench._figures.items() if key[0] != "local authority"} == {21}


@pytest.mark.parametrize(
    ("day", "name"),
    [("2025-07-31", "2024/25"), ("2025-08-01", "2025/26"), ("2026-02-01", "2025/26"), ("2099-12-31", "2099/00")],
)
def test_academic_year(day: str, name: str) -> None:
    assert academic_year(dt.date.fromisoformat(day)) == name
