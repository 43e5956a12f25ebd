"""The pupils of the fictitious school, and their families.

Belongs here: who is on roll from when to when, in which class, with which flags, and whose contacts are who. Not here:
marks. Shares of groups are near those of state-funded primary schools in England; they are no statistics.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from attendance_pipeline.demo import names
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.mis.upn import check_letter

YEAR_GROUPS = ("R", "1", "2", "3", "4", "5", "6")
FORM_SIZE = 30
AUTHORITY_NUMBER = "383"
JOINERS, LEAVERS = 0.017, 0.014  # of the roll, in the time that the demo covers

SHARES = {"EAL": 0.21, "FSM": 0.25, "SEN K": 0.14, "SEN E": 0.03, "Looked After": 0.006, "Social Worker": 0.02}
SHARES |= {"Young Carer": 0.01, "Pupil Premium besides FSM": 0.03}


@dataclass
class Contact:
    """One person for one family; the same person has the same `id` for every child of the family."""

    id: str
    title: str
    forename: str
    surname: str
    relationship: str
    responsibility: bool = True
    lives_with: bool = True
    correspondence: bool = True
    restricted: bool = False
    address: tuple[str, ...] = ()  # up to three lines
    town: str = ""
    postcode: str = ""
    email: str = ""
    telephone: str = ""
    language: str = ""

    @property
    def gets_letters(self) -> bool:
        """Whether staff would write to this person: responsible for or living with the pupil, free to."""
        return (self.responsibility or self.lives_with) and self.correspondence and not self.restricted


@dataclass
class Family:
    number: int
    surname: str
    origin: names.Origin | None
    contacts: list[Contact] = field(default_factory=list)


@dataclass
class Pupil:
    """`leaving_known`: the day from which extracts name the leaving date; later than the leaving for some."""

    upn: str
    admission: str
    forename: str
    surname: str
    preferred: str
    born: dt.date
    sex: str
    year_group: str
    class_name: str
    entry: dt.date
    family: Family
    leaving: dt.date | None = None
    leaving_known: dt.date | None = None
    sen: str = "N"
    fsm: bool = False
    pupil_premium: bool = False
    eal: bool = False
    looked_after: bool = False
    social_worker: bool = False
    young_carer: bool = False


@dataclass(frozen=True)
class Teacher:
    class_name: str
    name: str
    email: str


def class_names(pupils: int) -> dict[str, list[str]]:
    """Classes of each year group for a school of so many pupils."""
    forms = max(1, round(pupils / len(YEAR_GROUPS) / FORM_SIZE))
    return {y: [y + _letters(i) for i in range(forms)] for y in YEAR_GROUPS}


def _letters(number: int) -> str:
    out = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out


def upn(school: int, year: int, serial: int) -> str:
    """A unique pupil number with its check letter: authority, school, two digits of the year, three of the serial."""
    establishment = 7000 + (school * 37 + serial // 1000) % 2000
    rest = f"{AUTHORITY_NUMBER}{establishment}{year % 100:02d}{serial % 1000:03d}"
    return check_letter(rest) + rest


def teacher_name(rng: Generator) -> str:
    title = ("Ms", "Mr", "Mrs", "Miss")[rng.integers(4)]
    return f"{title} {names.adult(rng, man=title == 'Mr')} {names.surname(rng)}"


def teachers(rng: Generator, classes: dict[str, list[str]], domain: str) -> list[Teacher]:
    return [
        Teacher(name, teacher_name(rng), f"class-{name.lower()}@{domain}")
        for forms in classes.values()
        for name in forms
    ]


def invent_pupils(rng: Generator, number: int, school: int, calendar: SchoolCalendar, today: dt.date) -> list[Pupil]:
    """`number` pupils on roll on the first day, and those who join until `today`; sorted by class and name."""
    first = calendar.date(0)
    days = [d for d in calendar.days.tolist() if d <= today]
    joiners = max(1, round(number * JOINERS))
    classes = class_names(number)
    years = [YEAR_GROUPS[i % len(YEAR_GROUPS)] for i in range(number)]
    years += [YEAR_GROUPS[rng.integers(len(YEAR_GROUPS))] for _ in range(joiners)]
    families = _families(rng, years)
    seats = dict.fromkeys(YEAR_GROUPS, 0)
    serials: dict[int, int] = {}
    out = []
    for i, (year, family) in enumerate(zip(years, families, strict=True)):
        forms = classes[year]
        class_name = forms[seats[year] % len(forms)]
        seats[year] += 1
        started = first.year - YEAR_GROUPS.index(year)  # the year in which the pupil began Reception
        entry = dt.date(started, 9, 1)
        if i >= number:
            entry = days[10 + int(rng.integers(len(days) - 20))]
        elif year != "R" and rng.random() < 0.12:
            entry = dt.date(started + 1, int(rng.integers(1, 7)), int(rng.integers(3, 28)))
            entry = min(entry, dt.date(first.year, 7, 1))
        serials[started] = serials.get(started, 0) + 1
        out.append(_pupil(rng, i, year, class_name, entry, started, family, upn(school, started, serials[started])))
    for i in rng.choice(number, size=max(1, round(number * LEAVERS)), replace=False):
        d = int(rng.integers(15, len(days) - 8))
        late = int(rng.integers(2, 6)) if rng.random() < 0.3 else -2  # most are told beforehand, some afterwards
        out[i].leaving = days[d]
        out[i].leaving_known = days[d + late]
    return sorted(out, key=lambda p: (YEAR_GROUPS.index(p.year_group), p.class_name, p.surname, p.forename, p.upn))


def _families(rng: Generator, years: list[str]) -> list[Family]:
    """A family for every pupil; siblings are in different year groups unless nobody else is left."""
    out: list[Family | None] = [None] * len(years)
    order = rng.permutation(len(years)).tolist()
    shares = np.array([o.share for o in names.ORIGINS]) / sum(o.share for o in names.ORIGINS)
    number = 0
    while order:
        number += 1
        origin = names.ORIGINS[rng.choice(len(shares), p=shares)] if rng.random() < SHARES["EAL"] else None
        surname = origin.surnames[rng.integers(len(origin.surnames))] if origin else names.surname(rng)
        family = Family(number, surname, origin)
        one = order.pop()
        out[one] = family
        for _ in range(int(rng.choice(3, p=[0.72, 0.24, 0.04]))):
            near = range(len(order) - 1, max(-1, len(order) - 12), -1)
            other = next((k for k in near if years[order[k]] != years[one]), None)
            if other is not None:
                out[order.pop(other)] = family
    return [f for f in out if f is not None]


def _pupil(
    rng: Generator, i: int, year: str, class_name: str, entry: dt.date, started: int, family: Family, number: str
) -> Pupil:
    sex = "F" if rng.random() < 0.49 else "M"
    mine = names.GIRLS if sex == "F" else names.BOYS
    if family.origin and rng.random() < 0.8:
        mine = list(family.origin.forenames)
    forename = mine[rng.integers(len(mine))]
    preferred = forename[:3] if len(forename) > 6 and rng.random() < 0.15 else ""
    born = dt.date(started - 5, 9, 1) + dt.timedelta(days=int(rng.integers(365)))
    fsm = bool(rng.random() < SHARES["FSM"])
    sen = rng.random()
    after = bool(rng.random() < SHARES["Looked After"])
    return Pupil(
        upn=number,
        admission=f"{1000 + i:06d}",
        forename=forename,
        surname=family.surname,
        preferred=preferred,
        born=born,
        sex=sex,
        year_group=year,
        class_name=class_name,
        entry=entry,
        family=family,
        sen="E" if sen < SHARES["SEN E"] else "K" if sen < SHARES["SEN E"] + SHARES["SEN K"] else "N",
        fsm=fsm,
        pupil_premium=fsm or after or bool(rng.random() < SHARES["Pupil Premium besides FSM"]),
        eal=family.origin is not None,
        looked_after=after,
        social_worker=after or bool(rng.random() < SHARES["Social Worker"]),
        young_carer=bool(rng.random() < SHARES["Young Carer"]),
    )
