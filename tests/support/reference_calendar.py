"""A school's calendar as plain lists and dictionaries of dates.

Belongs here: school days, their year, term and school week, `due`, and compulsory school age. Must not: marks or policy.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any


class Calendar:
    """Built from `{"years": [{"name", "terms", "inset", "closures"}, ...], "bank_holidays": {dates}}`.

    `days` is every school day of every year in order; `year`, `term`, `half_term`, `season` and `week` map a school day to
    the number of its academic year, of its term and of its half-term (counted across years), its season, and its school
    week (counted across years).
    """

    def __init__(self, plain: dict[str, Any]) -> None:
        self.year: dict[date, int] = {}
        self.term: dict[date, int] = {}
        self.half_term: dict[date, int] = {}
        self.season: dict[date, str] = {}
        bank_holidays = set(plain.get("bank_holidays", ()))
        years = sorted(plain["years"], key=lambda year: min(term["starts"] for term in year["terms"]))
        term_number = half_term_number = 0
        for year_number, year in enumerate(years):
            # Reading: a closure, like an INSET day, has no sessions and is no school day.
            without_school = bank_holidays | set(year.get("inset", ())) | set(year.get("closures", ()))
            for term in sorted(year["terms"], key=lambda each: each["starts"]):
                day = term["starts"]
                new_half = True
                while day <= term["ends"]:
                    in_half_term = any(first <= day <= last for first, last in term.get("half_terms", ()))
                    new_half = new_half or in_half_term
                    if day.weekday() < 5 and not in_half_term and day not in without_school:
                        self.year[day] = year_number
                        self.term[day] = term_number
                        # Reading: a half-term break with no school day on one of its sides parts nothing.
                        half_term_number += new_half
                        self.half_term[day] = half_term_number
                        new_half = False
                        self.season[day] = term["season"]
                    day += timedelta(days=1)
                term_number += 1
        self.days: list[date] = sorted(self.year)
        self.index: dict[date, int] = {day: number for number, day in enumerate(self.days)}
        self.mondays: list[date] = sorted({monday_of(day) for day in self.days})
        self.week: dict[date, int] = {day: self.mondays.index(monday_of(day)) for day in self.days}

    def on_or_after(self, day: date) -> date | None:
        """The day itself if it is a school day, else the next one; None when the calendar ends first."""
        for each in self.days:
            if each >= day:
                return each
        return None

    def last_before_or_on(self, day: date) -> date | None:
        """The day itself if it is a school day, else the last one before it; None when the calendar begins later."""
        found = None
        for each in self.days:
            if each <= day:
                found = each
        return found

    def due(self, day: date, weeks: int) -> date | None:
        """`due(d, w)` of rules.md section 5, over the whole calendar."""
        target = self.week[day] + weeks
        if target >= len(self.mondays):
            return None
        return self.on_or_after(self.mondays[target] + timedelta(days=day.weekday()))


def monday_of(day: date) -> date:
    """The Monday of the day's ISO week."""
    return day - timedelta(days=day.weekday())


def months_before(day: date, months: int) -> date:
    """The same date so many months earlier, or the last day of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for number in range(day.day, 0, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    raise ValueError(f"a day that can be reckoned back from, not {day}")


def of_compulsory_school_age(born: date | None, day: date) -> bool:
    """Rules.md section 6, both ends included; without a birth date never."""
    if born is None:
        return False
    # Reading: a fifth birthday on 29 February in a common year is 1 March; the same 31 March follows either way.
    fifth = _birthday(born, 5)
    starts = date(fifth.year, 12, 31)
    for candidate in (date(fifth.year, 3, 31), date(fifth.year, 8, 31), date(fifth.year, 12, 31)):
        if candidate >= fifth:
            starts = candidate
            break
    # Reading: the academic year of the sixteenth birthday runs from 1 September to 31 August, whatever the school's terms.
    sixteenth = _birthday(born, 16)
    ends = date(sixteenth.year + 1 if sixteenth.month >= 9 else sixteenth.year, 6, 30)
    while ends.weekday() != 4:
        ends -= timedelta(days=1)
    return starts <= day <= ends


def _birthday(born: date, age: int) -> date:
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)
