"""The marks of the fictitious school: what each session was, before anybody wrote it down.

Belongs here: drawing illness, holidays, lateness and the rest, so that the whole comes near the national rates. Not
here: when a mark was entered or corrected (that is `recording.py`), and any rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from attendance_pipeline.demo.people import Pupil
from attendance_pipeline.demo.profiles import Profile
from attendance_pipeline.demo.rates import national_rates
from attendance_pipeline.law.compulsory_age import compulsory_school_age
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.school_calendar import SchoolCalendar

AM, PM = 0, 1
# Late before the register closed is not among the published rates; this share of mornings is an assumption.
LATE_BEFORE_CLOSE = 0.012
# Of the national rate of illness, what spells of their own bring; the pupils of profiles.py bring the rest.
ILLNESS_LEFT = 0.50
SPELL_DAYS = np.array([0.40, 0.25, 0.15, 0.08, 0.07, 0.03, 0.02])  # 1 to 7 days
SEASON = {9: 0.7, 10: 0.9, 11: 1.1, 12: 1.5, 1: 1.1, 2: 1.1}  # how often a spell begins, by month
HOLIDAY_DAYS = np.array([0.0, 0.30, 0.40, 0.30])  # 1 to 4 days
WEEKDAY_PULL = np.array([1.6, 0.8, 0.7, 0.8, 1.5])  # absences of habit fall on Mondays and Fridays
# Sessions that count towards a penalty notice are capped for each pupil, or a school of this size would have dozens.
UNAUTHORISED_CAP = (4, 10)
FESTIVAL, SNOW = dt.date(2025, 10, 20), dt.date(2026, 1, 21)


def code(text: str) -> int:
    return CODES.numbers_of([text])[0]


def where(mask: npt.NDArray[np.bool_]) -> list[int]:
    """The days on which `mask` holds."""
    return np.flatnonzero(mask).tolist()


@dataclass
class Truth:
    """What each session was. `codes` uint8[P, D, 2] (0: not on roll), `minutes` uint8[P, D, 2] late."""

    codes: npt.NDArray[np.uint8]
    minutes: npt.NDArray[np.uint8]


def draw_marks(
    rng: Generator, pupils: Sequence[Pupil], profiles: Sequence[Profile | None], calendar: SchoolCalendar, n_days: int
) -> Truth:
    """Marks of every pupil on the first `n_days` school days of the calendar."""
    days = calendar.days[:n_days].tolist()
    codes = np.zeros((len(pupils), n_days, 2), np.uint8)
    codes[:, :, AM], codes[:, :, PM] = code("/"), code("\\")
    truth = Truth(codes, np.zeros_like(codes))
    school = _School(rng, truth, calendar, days)
    school.whole_days(pupils)
    families: dict[int, tuple[float, float]] = {}
    for p, pupil in enumerate(pupils):
        # Siblings share a front door: who is late is a matter of families.
        late, very_late = families.setdefault(pupil.family.number, (rng.gamma(0.5, 2.0), rng.gamma(0.12, 1 / 0.12)))
        school.draw(p, pupil, profiles[p], late, very_late)
    _named_cases(rng, school, pupils, profiles)
    _cap_unauthorised(rng, truth, [p for p, profile in enumerate(profiles) if p not in school.uncapped])
    for p, pupil in enumerate(pupils):
        truth.codes[p, : max(0, calendar.on_or_after(pupil.entry))] = 0
        if pupil.leaving is not None:
            truth.codes[p, calendar.on_or_before(pupil.leaving) + 1 :] = 0
    return truth


class _School:
    """The loops that draw one pupil's marks after another."""

    def __init__(self, rng: Generator, truth: Truth, calendar: SchoolCalendar, days: list[dt.date]) -> None:
        self.rng, self.truth, self.days, self.n = rng, truth, days, len(days)
        self.weekday = calendar.weekday[: self.n]
        self.week = calendar.week[: self.n]
        self.month = np.array([d.month for d in days])
        rates = national_rates()
        season = np.array([SEASON[m] for m in self.month])
        mean_spell = (SPELL_DAYS / SPELL_DAYS.sum() * np.arange(1, len(SPELL_DAYS) + 1)).sum()
        self.illness = season / season.mean() * rates["illness"] * ILLNESS_LEFT / mean_spell
        self.illness *= np.where(self.weekday == 0, 1.6, 0.85)  # what began at the weekend shows on Monday
        self.rates = rates
        self.uncapped: set[int] = set()
        self.breaks = [d for d in range(1, self.n) if (days[d] - days[d - 1]).days > 6]

    def put(self, p: int, d: int, text: str, session: int | None = None) -> None:
        """A code on a day, both sessions or one; L and U get their minutes."""
        which = slice(None) if session is None else session
        self.truth.codes[p, d, which] = code(text)
        self.truth.minutes[p, d, which] = 0

    def whole_days(self, pupils: Sequence[Pupil]) -> None:
        """What happens to a class or the school: visits, and the weeks in which Reception comes for mornings only."""
        rng = self.rng
        for name in sorted({p.class_name for p in pupils}):
            members = [i for i, p in enumerate(pupils) if p.class_name == name]
            for d in rng.choice(np.arange(15, self.n), size=int(rng.integers(1, 3)), replace=False):
                self.truth.codes[members, d] = code("V")
        for i, p in enumerate(pupils):
            if p.year_group == "R":
                csa = compulsory_school_age(p.born)[0]
                for d in range(min(6, self.n)):
                    if self.days[d] < csa:
                        self.put(i, d, "X", PM)

    def draw(self, p: int, pupil: Pupil, profile: Profile | None, late: float, very_late: float) -> None:
        rng, n, rates = self.rng, self.n, self.rates
        self._late(p, late, very_late)
        for name, text in (("appointments", "M"), ("other_authorised", "C")):
            for d in where(rng.random(n) < rates[name] * (2 if text == "M" else 1.0)):
                self.put(p, d, text, int(rng.integers(2)) if text == "M" else None)
        if rng.random() < rates["religious"] * n:
            for d in where(np.array(self.days) == FESTIVAL):
                self.put(p, d, "R")
        # Habits are one family's; a few families have most of the absences that nobody explains.
        habit = rng.gamma(0.25, 4.0) * rates["other_unauthorised"] * 0.5
        for d in where(rng.random(n) < habit * WEEKDAY_PULL[self.weekday]):
            self.put(p, d, "O", None if rng.random() < 0.6 else int(rng.integers(2)))
        if rng.random() < rates["holiday_unauthorised"] * n / 3.4:
            length = 1 + int(rng.choice(len(HOLIDAY_DAYS), p=HOLIDAY_DAYS))
            end = self.breaks[rng.integers(len(self.breaks))] if self.breaks and rng.random() < 0.6 else 0
            start = end - length if end else int(rng.integers(3, max(4, n - length)))
            for d in range(max(0, start), min(n, start + length)):
                self.put(p, d, "G")
        frailty = rng.gamma(2.0, 0.5)
        for d in where(rng.random(n) < self.illness * frailty):
            self._spell(p, d)
        if profile is not None:
            self._habitual(p, profile)

    def _late(self, p: int, late: float, very_late: float) -> None:
        chance = self.rng.random(self.n)
        after = self.rates["late_after_close"] * 2 * very_late
        before = min(0.5, LATE_BEFORE_CLOSE * late)
        for d in where(chance < after + before):
            self.put(p, d, "U" if chance[d] < after else "L", AM)

    def _spell(self, p: int, start: int) -> None:
        length = 1 + int(self.rng.choice(len(SPELL_DAYS), p=SPELL_DAYS / SPELL_DAYS.sum()))
        for d in range(start, min(self.n, start + length)):
            self.put(p, d, "I")
        if self.rng.random() < 0.15:  # sent home at noon
            self.put(p, start, "/", AM)

    def _habitual(self, p: int, profile: Profile) -> None:
        """Days away by school week: an illness that lasts, and single days, often at either end of the week."""
        rng, codes = self.rng, self.truth.codes
        share = profile.by_week(int(self.week[-1]) + 1)
        # Who is often away is away only so: otherwise the profile would be blurred.
        for d in range(self.n):
            if codes[p, d, PM] in (code("I"), code("O"), code("G"), code("C")):
                self.put(p, d, "/", AM)
                self.put(p, d, "\\", PM)
        owed = 0.0
        for w in range(int(self.week[-1]) + 1):
            in_week = np.flatnonzero(self.week == w)
            owed += share[w] * len(in_week) * rng.uniform(0.75, 1.25)
            count = min(int(owed + rng.random()), len(in_week))
            owed -= count
            pull = WEEKDAY_PULL[self.weekday[in_week]]
            away = rng.choice(in_week, size=count, replace=False, p=pull / pull.sum())
            for d in sorted(away.tolist()):
                self.put(p, d, "I")
        # Spread over the year, so that no review finds a family without one and none collects a dozen.
        for w in range(0, int(self.week[-1]) + 1, 2):
            gone = where((codes[p, :, AM] == code("I")) & (self.week // 2 == w // 2))
            if gone and rng.random() < profile.unexplained:
                self.put(p, gone[rng.integers(len(gone))], "O", int(rng.integers(2)))
        if profile.unexplained:
            self.uncapped.add(p)


def _named_cases(rng: Generator, school: _School, pupils: Sequence[Pupil], profiles: Sequence[Profile | None]) -> None:
    """Cases of which every school has one: long holidays, a part-time timetable, a suspension, a performance …"""
    n = school.n
    usual = [p for p, profile in enumerate(profiles) if profile is None and pupils[p].leaving is None]
    usual = [p for p in usual if pupils[p].entry < school.days[0] and pupils[p].year_group != "R"]
    chosen = iter(rng.permutation(usual).tolist())

    def days(p: int | None, first: int, count: int, text: str, session: int | None = None) -> None:
        if p is not None:
            for d in range(first, min(first + count, n)):
                school.put(p, d, text, session)

    holiday_autumn, holiday_spring = next(chosen, None), next(chosen, None)
    days(holiday_autumn, 47, 5, "G")  # answered with a penalty notice: see staff.py
    days(holiday_spring, n - 21, 5, "G")
    unresolved = next(chosen, None)  # enough sessions only while nobody has explained the last of them
    for d in (n - 24, n - 19, n - 14, n - 10):
        days(unresolved, d, 1, "O")
    days(unresolved, n - 2, 2, "N")
    school.uncapped |= {p for p in (holiday_autumn, holiday_spring, unresolved) if p is not None}
    days(next(chosen, None), 30, 24, "C2", PM)
    days(next(chosen, None), 58, 2, "E")
    days(next(chosen, None), 40, 2, "C1")
    days(next(chosen, None), 22, 6, "T")
    days(next(chosen, None), 60, 3, "P", PM)
    dual = next(chosen, None)
    if dual is not None:
        for d in where(school.weekday == 2):
            school.put(dual, d, "D")
    for snow in where(np.array(school.days) == SNOW):  # buses did not run
        for p in rng.choice(len(pupils), size=max(1, len(pupils) // 40), replace=False):
            school.put(int(p), snow, "Y2")


def _cap_unauthorised(rng: Generator, truth: Truth, pupils: Sequence[int]) -> None:
    """Turn what goes beyond a pupil's cap into illness, the latest first."""
    numbers = [code(c) for c in "GOU"]
    low, high = UNAUTHORISED_CAP
    for p in pupils:
        flat = truth.codes[p].reshape(-1)
        counted = np.flatnonzero(np.isin(flat, numbers))
        cap = int(rng.integers(low, high))
        if len(counted) > cap:
            flat[rng.permutation(counted)[cap:]] = code("I")


def minutes_late(rng: Generator, truth: Truth) -> None:
    """Minutes for every L (before the register closed) and U (after)."""
    for text, low, high in (("L", 2, 29), ("U", 31, 95)):
        at = truth.codes == code(text)
        truth.minutes[at] = rng.integers(low, high, size=int(at.sum()))
