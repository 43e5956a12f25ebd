"""Patterns of absence and lateness, as exam questions.

The calendar is that of exam_school.py: school week 0 begins on Monday 1 September 2025; half-term from 27 October.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from exam_school import YEAR, calendar, day, school

from attendance_pipeline.derive.families import ContactLink, absent_together, families_of
from attendance_pipeline.derive.patterns import NO_MINUTES, PupilPatterns, days_words, patterns_of
from attendance_pipeline.derive.spells import breaks_of, find_spells


def patterns(
    marks: dict[str, str], until: str = "12-19", minutes: dict[str, int] | None = None, **more
) -> PupilPatterns:
    inputs = school(marks, until=until, **more)
    on = inputs.calendar
    table = None
    if minutes is not None:
        table = np.full((1, len(on), 2), NO_MINUTES)
        for date, said in minutes.items():
            table[0, on.index(day(date)), 0] = said
    return patterns_of(inputs, 0, on.on_or_before(day(until)), table).of(0)


MONDAYS = ("09-08", "09-15", "09-22", "09-29", "10-06", "10-13")


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        # Six of the fifteen Mondays of the term, and nothing else: 1 in 15,625 by chance.
        (MONDAYS, "Absent on 6 of 15 Mondays and on 0 of 60 other days"),
        # Four: 1 in 625, times the six things that are looked for: still fewer than 1 pupil in 100.
        (MONDAYS[:4], "Absent on 4 of 15 Mondays and on 0 of 60 other days"),
        # Three alone are no pattern: 1 in 125, times six.
        (MONDAYS[:3], ""),
        # Four Mondays, but as often on other days.
        ((*MONDAYS[:4], "09-09", "09-17", "09-25", "10-03"), ""),
        # Mondays and Fridays alike: neither alone, both together.
        (
            ("09-08", "09-19", "09-29", "10-03", "10-13", "10-24", "11-10", "11-21"),
            "Absent on 8 of 30 Mondays or Fridays and on 0 of 45 other days",
        ),
    ],
)
def test_weekdays(absent: tuple[str, ...], said: str) -> None:
    found = patterns(dict.fromkeys(absent, "I I")).weekdays.sentence
    sure = ": more than chance would bring (fewer than 1 pupil in 100)."
    assert found == (said + sure if said else "")


@pytest.mark.parametrize("weeks", [4, 5, 6, 9])
def test_whole_weeks_of_illness_say_nothing_about_a_weekday(weeks: int) -> None:
    starts = ["09-01", "09-08", "09-15", "09-22", "10-06", "10-13", "11-03", "11-10", "11-17"]
    spans = {f"{s}..{s[:3]}{int(s[3:]) + 4:02d}": "I I" for s in starts[:weeks]}
    assert patterns(spans).weekdays.sentence == ""


def test_a_long_weekend_is_one_event() -> None:
    """Friday to Monday, three times: three spells that each touch a Monday or a Friday."""
    found = patterns({"09-12..09-15": "I I", "09-26..09-29": "I I", "10-10..10-13": "I I"})
    assert found.spells.spells == 3
    assert found.weekdays.absent == (3, 0, 0, 0, 3)
    assert found.weekdays.sentence == ""


def test_too_few_weeks_for_a_pattern() -> None:
    """Five Mondays of five weeks."""
    assert patterns(dict.fromkeys(MONDAYS[:5], "I I") | {"09-01": "I I"}, until="10-03").weekdays.sentence == ""


def test_an_arrival_after_the_register_closed_is_said_to_be_one() -> None:
    found = patterns(dict.fromkeys(MONDAYS, "U \\"))
    assert "Absent on 6 of 15 Mondays (6 sessions of it arrivals after the register closed)" in found.weekdays.sentence


def test_the_breaks_of_a_year() -> None:
    year = YEAR | {"inset": [day("10-24"), day("11-21")]}
    on = calendar(year)
    found = [(b.kind, b.before, b.after) for b in breaks_of(on)]
    dates = [
        (k, on.date(a).isoformat() if a >= 0 else "", on.date(b).isoformat() if b < len(on) else "")
        for k, a, b in found
    ]
    assert dates == [
        ("holiday", "", "2025-09-01"),
        ("half-term", "2025-10-23", "2025-11-03"),  # the INSET day before it is part of the break
        ("INSET day", "2025-11-20", "2025-11-24"),
        ("holiday", "2025-12-19", "2026-01-05"),
        ("half-term", "2026-02-13", "2026-02-23"),
        ("holiday", "2026-03-27", "2026-04-13"),
        ("bank holiday", "2026-05-01", "2026-05-05"),
        ("half-term", "2026-05-22", "2026-06-01"),
        ("holiday", "2026-07-17", ""),
    ]


def test_absences_before_and_after_breaks() -> None:
    """Four of the seven days before a break of the year, and no other day of its 194."""
    dates = ("10-24", "12-19", "02-13", "03-27")
    found = patterns(dict.fromkeys(dates, "G G"), until="07-17").breaks
    assert (found.before_days, found.before_absent) == (7, 4)
    assert found.sentence.startswith(
        "Absent on 4 of 7 school days before a holiday, half-term, INSET day or bank holiday and on 0 of 187 other days"
    )
    assert patterns(dict.fromkeys(dates[:2], "G G"), until="07-17").breaks.sentence == ""


@pytest.mark.parametrize(
    ("marks", "spells", "sessions", "longest", "short"),
    [
        ({}, 0, 0, 0, 0),
        ({"09-02": "/ I", "09-03": "I \\"}, 1, 2, 2, 1),  # an afternoon and the next morning
        ({"09-02": "I \\", "09-03": "I \\"}, 2, 2, 1, 2),
        ({"09-05..09-08": "I I"}, 1, 4, 4, 0),  # over a weekend
        ({"09-02": "I I", "09-03": "- -", "09-04": "O O"}, 1, 4, 4, 0),  # a day without marks ends nothing
        ({"09-02": "I I", "09-03": "Y4 Y4", "09-04": "I I"}, 1, 4, 4, 0),
        ({"09-02": "I I", "09-03": "B B", "09-04": "I I"}, 2, 4, 2, 2),  # attended elsewhere
        ({"10-23..11-04": "I I"}, 1, 8, 8, 0),  # over half-term
    ],
)
def test_spells(marks: dict[str, str], spells: int, sessions: int, longest: int, short: int) -> None:
    found = patterns(marks).spells
    assert (found.spells, found.sessions, found.longest, found.short_ones) == (spells, sessions, longest, short)


def test_a_school_that_knows_no_pupil_yet_has_no_spells() -> None:
    """The register came before the pupils extract: its marks are set aside, and the week's lists are made of nobody."""
    assert len(find_spells(np.zeros((0, 5, 2), np.uint16), 0).first) == 0


def test_spells_in_words() -> None:
    assert patterns({"09-05..09-08": "I I"}).spells.sentence == (
        "One spell of absence, of 2 days (Fri 5 Sep 2025 to Mon 8 Sep 2025)."
    )
    assert patterns({"09-05..09-09": "I I", "09-16": "I \\"}).spells.sentence == (
        "2 spells of absence, 1 of a day or less; the longest of 3 days (Fri 5 Sep 2025 to Tue 9 Sep 2025)."
    )
    assert [days_words(n) for n in (1, 2, 3, 4)] == ["half a day", "1 day", "1½ days", "2 days"]


@pytest.mark.parametrize(
    ("marks", "until", "weeks"),
    [
        ({}, "10-24", (8, 8, 0, 0, 0)),
        ({"09-02": "I I", "09-08..09-12": "I I"}, "10-24", (8, 6, 1, 1, 0)),
        ({"10-10": "/ I", "10-15": "I \\", "10-20..10-24": "O O"}, "10-24", (8, 5, 2, 1, 3)),
        ({"09-01..09-05": "Y4 Y4"}, "10-24", (7, 7, 0, 0, 0)),  # no possible session: no week of the pupil's
    ],
)
def test_broken_weeks(marks: dict[str, str], until: str, weeks: tuple[int, ...]) -> None:
    """Weeks, full, broken, missed whole, and how many of the newest were not full."""
    found = patterns(marks, until).weeks
    assert (found.weeks, found.full, found.broken, found.missed, found.latest) == weeks


def test_lates_by_weekday_and_minutes() -> None:
    marks = dict.fromkeys(MONDAYS, "L \\") | {"09-17": "U \\"}
    found = patterns(marks, minutes={"09-08": 5, "09-15": 12, "09-17": 45}).lates
    assert (found.sessions, found.after_close, found.late) == (7, 1, (6, 0, 1, 0, 0))
    assert (found.known, found.minutes, found.most) == (3, 62, 45)
    assert found.sentence == (
        "Late 7 times, 1 of them after the register closed; 62 minutes in all (recorded for 3), 21 on average, "
        "45 at most; on 6 of 15 Mondays and 1 of 60 other days: more than chance would bring (fewer than 1 pupil in "
        "100)."
    )
    assert patterns({"09-08": "L \\"}).lates.sentence == "Late once."


def test_a_weekday_on_which_a_pupil_never_comes_is_no_day_to_be_late_on() -> None:
    """In school on Mondays alone: all lates are on Mondays, and that is no pattern."""
    spans = {f"{dt.date(2025, 9, 2) + dt.timedelta(days=7 * k)}": "C2 C2" for k in range(7)}
    for k in range(7):
        tuesday = dt.date(2025, 9, 2) + dt.timedelta(days=7 * k)
        spans[f"{tuesday}..{tuesday + dt.timedelta(days=3)}"] = "C2 C2"
    found = patterns(spans | dict.fromkeys(MONDAYS, "L \\"), until="10-17").lates
    assert (found.late, found.came, found.chosen) == ((6, 0, 0, 0, 0), (7, 0, 0, 0, 0), -1)


def test_only_sessions_on_roll_count() -> None:
    found = patterns({"09-01..09-12": "O O"}, rows=[{"entry": day("09-10"), "leave": day("10-03")}])
    assert found.spells.sessions == 6
    assert sum(found.weekdays.days) == 18


def test_a_pupil_who_is_always_there_has_nothing_said_of_them() -> None:
    assert patterns({}).sentences == patterns({}).short == ()


# ---------------------------------------------------------------- families


@pytest.mark.parametrize(
    ("links", "families"),
    [
        ([(0, "ann", ""), (1, "ann", "")], [((0, 1), "contact")]),
        ([(0, "", "1 High St"), (1, "", "1 High St"), (2, "", "")], [((0, 1), "address")]),
        ([(0, "ann", "home"), (1, "ann", "home")], [((0, 1), "address and contact")]),
        # The half-brother of the middle child: one family of three.
        ([(0, "ann", ""), (1, "ann", ""), (1, "bob", ""), (2, "bob", "")], [((0, 1, 2), "contact")]),
        ([(0, "", ""), (1, "", "")], []),  # what is not known links nobody
        ([(p, "", "the home") for p in range(9)], []),  # nine at one address
        ([(p, "", "the home") for p in range(9)] + [(3, "ann", ""), (5, "ann", "")], [((3, 5), "contact")]),
    ],
)
def test_families(links: list[tuple[int, str, str]], families: list[tuple[tuple[int, ...], str]]) -> None:
    found = families_of(ContactLink(*link) for link in links)
    assert [(f.pupils, f.shares) for f in found] == families


def test_siblings_absent_together() -> None:
    one = {"09-03": "I I", "09-18": "I I", "10-07": "I I", "11-12": "I \\", "12-05": "I I"}
    two = {"09-03": "I I", "09-18": "O O", "10-07": "/ I", "11-12": "I I"}
    three = {"09-04": "I I"}
    inputs = school(one, two, three, until="12-19")
    found = patterns_of(inputs, 0, inputs.calendar.on_or_before(day("12-19")))
    pair = absent_together(found, families_of([ContactLink(0, "ann"), ContactLink(1, "ann")]))[0]
    assert (pair.absent, pair.together, pair.all_absent, pair.sure) == ((5, 4), 4, 4, True)
    assert pair.sentence == (
        "Absent together on 4 days (5 and 4 days of absence in all), which is more often than their absences would "
        "meet by chance; the last time on Wed 12 Nov 2025."
    )
    apart = absent_together(found, families_of([ContactLink(0, "ann"), ContactLink(2, "ann")]))[0]
    assert (apart.together, apart.sentence) == (0, "")
