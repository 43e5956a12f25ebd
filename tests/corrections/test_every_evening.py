"""Every past evening can be had again exactly: a half-term is run night by night with corrections of every kind, the
tables are kept as they were exported on each evening, and afterwards each is asked for with `--as-at` and compared byte
for byte.

ATTENDANCE_EVENINGS: how many half-terms of each kind of extracts are tried (1).
"""

from __future__ import annotations

import datetime as dt
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from school_files import upn
from small_home import (
    EVERYBODY,
    PRESENT,
    PUPILS,
    REGISTER,
    WITH_AS_AT,
    Pupil,
    derive,
    drop,
    exported,
    load,
    same,
    school_days,
    small_home,
)

from attendance_pipeline.mis.upn import check_letter
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.site import open_site

HALF_TERMS = int(os.environ.get("ATTENDANCE_EVENINGS", "1"))
EVENINGS = [day for day in school_days() if day >= dt.date(2026, 9, 1)]
CODES = ["O", "O", "G", "N", "U", "I", "L", "M", "B", "C"]
LOG = "UPN,Date,Action,Stage,From,Until"
NEWCOMERS = [upn(n) for n in (7, 8)]


def temporary(number: int) -> str:
    rest = f"320201324{90 + number}A"
    return check_letter(rest) + rest


@dataclass
class System:
    """The school's system: what it holds, and what it exports on an evening."""

    rng: random.Random
    complete: bool
    pupils: dict[str, Pupil] = field(default_factory=dict)  # by the pupil, under whatever UPN
    marks: dict[tuple[str, dt.date, str], str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    changed: set[tuple[str, dt.date, str]] = field(default_factory=set)
    told: str = ""

    def begin(self) -> None:
        for n, pupil in enumerate(EVERYBODY):
            name = temporary(n) if n < 2 else pupil
            self.pupils[pupil] = Pupil(name, f"A{n:03d}", "5A" if n < 3 else "5B")

    def day(self, today: dt.date) -> None:
        """What happens on a school day: registers are taken, and the office corrects what was wrong."""
        rng = self.rng
        for pupil in self.pupils:
            away = rng.random() < (0.5 if pupil in EVERYBODY[:2] else 0.06)
            for half, present in PRESENT.items():
                self.mark(pupil, today, half, rng.choice(CODES) if away else present)
        before = [key for key in self.marks if key[1] < today]
        for key in rng.sample(before, min(len(before), rng.choice([0, 0, 1, 3]))):
            self.mark(*key, rng.choice([*CODES, PRESENT[key[2]], ""]))
        if rng.random() < 0.06:  # a whole week is rewritten
            week = rng.choice(EVENINGS)
            for key in [k for k in before if abs((k[1] - week).days) < 4]:
                self.mark(*key, rng.choice(["L", "U", PRESENT[key[2]]]))
        if rng.random() < 0.05:  # a mark of last summer, of which nothing was known
            self.mark(rng.choice(EVERYBODY), dt.date(2026, 7, rng.randint(13, 17)), "AM", "O")
        if rng.random() < 0.3:
            self.roll(today)
        if rng.random() < 0.25:
            self.entry(today)

    def mark(self, pupil: str, day: dt.date, half: str, code: str) -> None:
        if self.marks.get((pupil, day, half)) != code:
            self.marks[pupil, day, half] = code
            self.changed.add((pupil, day, half))

    def roll(self, today: dt.date) -> None:
        """Somebody's class, dates or UPN change, or somebody is new."""
        rng = self.rng
        pupil = rng.choice(sorted(self.pupils))
        old = self.pupils[pupil]
        week = dt.timedelta(days=rng.randint(1, 14))
        new = rng.choice(
            [
                {"group": rng.choice(["5A", "5B", "5C"])},
                {"fsm": rng.choice("YN")},
                {"entry": str(today - week)},
                {"entry": "2020-09-01"},
                {"leaving": str(today - week)},
                {"leaving": ""},
                {"upn": pupil},  # from temporary to permanent
            ]
        )
        self.pupils[pupil] = Pupil(**{**vars(old), **new})
        if rng.random() < 0.2:
            name = rng.choice(NEWCOMERS)
            self.pupils.setdefault(name, Pupil(name, f"N{name[-1]}", "5B", entry=str(today - week)))

    def entry(self, today: dt.date) -> None:
        """Staff write down what they did."""
        rng = self.rng
        pupil = self.pupils[rng.choice(EVERYBODY[:3])].upn
        since, until = today - dt.timedelta(days=10), today
        what = rng.choice(
            ["letter_sent,1,,", f"reason_questioned,,{since},{until}", "meeting_held,,,", "set_stage,2,,"]
        )
        self.log.append(f"{pupil},{today},{what}")

    def export(self, home: Path, today: dt.date) -> None:
        """The extracts of the evening. Of pupils who are not listed yet there are rows in the register already."""
        said = {k: v for k, v in self.marks.items() if (today - k[1]).days < 14} if self.complete else self.marks
        keys = said.keys() if self.complete else self.changed
        rows = [
            f"{self.pupils[pupil].upn},{day},{half},{self.marks[pupil, day, half]},,"
            for pupil, day, half in sorted(keys)
            if self.marks[pupil, day, half] or not self.complete
        ]
        drop(home, f"register_{today}.csv", REGISTER, rows)
        self.changed.clear()
        listed = "\n".join(p.row() for p in self.pupils.values())
        if listed != self.told and self.rng.random() < 0.7:
            drop(home, f"pupils_{today}.csv", PUPILS, [listed])
            self.told = listed
        if self.log:
            drop(home, f"interventions_{today}.csv", LOG, self.log)


@pytest.mark.parametrize("seed", range(HALF_TERMS))
@pytest.mark.parametrize(("mode", "evenings"), [("changes", 34), ("complete", 17)])
def test_each_evening_of_a_half_term_can_be_had_again(mode: str, evenings: int, seed: int, tmp_path: Path) -> None:
    home = small_home(tmp_path / "home", mode)
    system = System(random.Random(seed), mode == "complete")
    system.begin()
    kept: dict[dt.date, Mapping[str, str]] = {}
    for evening in EVENINGS[:evenings]:
        system.day(evening)
        system.export(home, evening)
        load(home)
        derive(home, evening)
        with open_site(home) as site:
            propose(site)
        kept[evening] = exported(home, WITH_AS_AT)
    rows = {name: text.count("\n") for name, text in kept[EVENINGS[evenings - 1]].items()}
    assert {name for name, n in rows.items() if n < 2} == set(), "too little has happened"
    differ = {}
    for evening, then in kept.items():
        alike = same(exported(home, WITH_AS_AT, as_at=evening), then)
        differ |= {f"{evening} {name}": False for name, is_so in alike.items() if not is_so}
    assert differ == {}
