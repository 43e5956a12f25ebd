"""A calendar as the marks show it: which days, terms and holidays, and what is said to have been assumed."""

from __future__ import annotations

import datetime as dt

import pytest

from attendance_pipeline.derive.inferred_calendar import InferredCalendar, infer_calendar

DAY = dt.timedelta(days=1)
# First and last days of half-terms of two school years.
YEAR_2025 = [("2025-09-02", "2025-10-24"), ("2025-11-03", "2025-12-19"), ("2026-01-05", "2026-02-13"),
             ("2026-02-23", "2026-03-27"), ("2026-04-13", "2026-05-22"), ("2026-06-01", "2026-07-21")]  # fmt: skip
YEAR_2024 = [("2024-09-03", "2024-10-25"), ("2024-11-04", "2024-12-20"), ("2025-01-06", "2025-02-14"),
             ("2025-02-24", "2025-04-04"), ("2025-04-22", "2025-05-23"), ("2025-06-02", "2025-07-22")]  # fmt: skip
LATE_AUGUST = [("2025-08-27", "2025-10-10")]  # a county that begins early


def days(spans, without=(), pupils=100) -> dict[dt.date, int]:
    out = {}
    for first, last in spans:
        day = dt.date.fromisoformat(first)
        while day <= dt.date.fromisoformat(last):
            if day.weekday() < 5 and day.isoformat() not in (*without, "2026-05-04", "2025-05-05"):
                out[day] = pupils
            day += DAY
    return out


def inferred(marked) -> InferredCalendar:
    found = infer_calendar(marked, 12)
    assert found is not None
    return found


def breaks(found: InferredCalendar) -> list[str]:
    return [f"{b.name or '?'} {b.starts} {b.ends}" for b in found.breaks]


def test_a_whole_year():
    found = inferred(days(YEAR_2025))
    assert [(t.season, str(t.starts), str(t.ends)) for t in found.terms] == [
        ("autumn", "2025-09-02", "2025-12-19"), ("spring", "2026-01-05", "2026-03-27"), ("summer", "2026-04-13", "2026-07-21"),
    ]  # fmt: skip
    assert breaks(found) == [
        "October half-term 2025-10-27 2025-10-31", "Christmas holiday 2025-12-22 2026-01-02",
        "February half-term 2026-02-16 2026-02-20", "Easter holiday 2026-03-30 2026-04-10",
        "May half-term 2026-05-25 2026-05-29",
    ]  # fmt: skip
    assert (found.days, found.weeks, found.single, dict(found.odd)) == (195, 40, (), {})


@pytest.mark.parametrize(
    ("spans", "seasons"),
    [
        (YEAR_2025[:2], ["autumn"]),
        (YEAR_2025[2:4], ["spring"]),
        (YEAR_2025[4:], ["summer"]),
        (YEAR_2025[3:5], ["spring", "summer"]),
        (YEAR_2025[2:3], ["spring"]),
        (YEAR_2024[4:5], ["summer"]),  # the day after Easter Monday
        (YEAR_2024[3:4], ["spring"]),
        (LATE_AUGUST, ["autumn"]),
        ([("2026-03-20", "2026-04-20")], ["spring", "summer"]),  # no break: it turns at Easter
    ],
)
def test_seasons_of_a_part_of_a_year(spans, seasons):
    assert [t.season for t in inferred(days(spans)).terms] == seasons


def test_years_follow_each_other():
    found = inferred(days([*YEAR_2024, *YEAR_2025]))
    assert [(t.year, t.season) for t in found.terms] == [
        (y, s) for y in ("2024/25", "2025/26") for s in ("autumn", "spring", "summer")
    ]
    assert found.calendar.year_names == ("2024/25", "2025/26")
    assert not [b for b in found.breaks if not b.name]  # the summer lies between the years and is no break of one


def test_late_august_is_of_the_next_year():
    assert inferred(days([*YEAR_2024[5:], *LATE_AUGUST])).calendar.year_names == ("2024/25", "2025/26")


def test_single_days_are_told_and_a_bank_holiday_is_not():
    found = inferred(days(YEAR_2025, without=["2025-11-28", "2026-01-05"]))
    assert [str(d) for d in found.single] == ["2025-11-28"]
    assert "Christmas holiday 2025-12-22 2026-01-05" in breaks(found)


def test_stray_marks_make_no_school_day():
    marked = days(YEAR_2025[:2]) | {
        dt.date(2025, 9, 13): 40,  # a Saturday
        dt.date(2025, 10, 29): 3,  # in half-term
        dt.date(2025, 8, 25): 60,  # a bank holiday
    }
    found = inferred(marked)
    assert {str(d): n for d, n in found.odd.items()} == {"2025-08-25": 60, "2025-09-13": 40, "2025-10-29": 3}
    assert found.days == len(days(YEAR_2025[:2]))


def test_a_day_on_which_one_year_group_was_in_is_a_school_day():
    marked = days(YEAR_2025[:1], pupils=140) | {dt.date(2025, 9, 1): 20}
    assert inferred(marked).calendar.date(0) == dt.date(2025, 9, 1)


def test_weeks_that_lack_where_schools_are_open_are_doubted():
    marked = {d: n for d, n in days(YEAR_2025).items() if not dt.date(2025, 11, 17) <= d <= dt.date(2025, 11, 28)}
    found = inferred(marked)
    assert "? 2025-11-17 2025-11-28" in breaks(found)
    assert any("17 November 2025 to 28 November 2025" in s and "lacks these weeks" in s for s in found.assumed)


def test_a_file_that_begins_within_the_year_says_so():
    assert any("begins on 5 January 2026" in s for s in inferred(days(YEAR_2025[2:])).assumed)
    assert not any("begins on" in s for s in inferred(days(YEAR_2025)).assumed)


def test_days_after_the_file_are_weekdays_of_the_same_term():
    found = inferred(days(YEAR_2025[:2]))
    after = found.calendar.days[found.last + 1 :].tolist()
    assert (found.calendar.date(found.last), after[0]) == (dt.date(2025, 12, 19), dt.date(2025, 12, 22))
    assert dt.date(2025, 12, 25) not in after and len(after) == 12 * 5 - 3  # three bank holidays
    assert set(found.calendar.season.tolist()) == {0} and len(found.calendar.year_names) == 1


@pytest.mark.parametrize("marked", [{}, {dt.date(2025, 9, 13): 5}, {dt.date(2025, 9, 12): 0}])
def test_no_school_day_is_no_calendar(marked):
    assert infer_calendar(marked, 12) is None
