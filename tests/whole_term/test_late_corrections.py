"""A correction of an old mark: exactly the days that now read otherwise are due, what was sent stays sent, and a letter
whose support is gone comes back by the same reference when it is there again.

ATTENDANCE_CORRECTIONS: how many random bundles of corrections are tried (1).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from nights import DERIVED, digest, digests, drive, drop, load, night, table, tables

from attendance_pipeline.demo.make import TODAY
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.table_files import write_csv

BUNDLES = int(os.environ.get("ATTENDANCE_CORRECTIONS", "1"))
HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
PRESENT = {"AM": "/", "PM": "\\"}
LATER = [TODAY + dt.timedelta(days=n) for n in (1, 2)]  # the days on which corrections are recorded
OCTOBER = dt.date(2025, 10, 1)

Marks = list[tuple[str, dt.date, str, str]]  # UPN, date, session, code


def extract(recorded: dt.date, marks: Marks) -> tuple[str, bytes]:
    rows = [f"{upn},{date},{session},{code},," for upn, date, session, code in marks]
    return f"register_{recorded}.csv", "\n".join([HEADER, *rows, ""]).encode()


def becomes(old: str, new: str) -> Callable[[pd.DataFrame], Marks]:
    """The first such morning mark since October becomes another."""

    def chosen(register: pd.DataFrame) -> Marks:
        there = register[(register["date"] >= OCTOBER) & (register["session"] == "AM") & (register["code"] == old)]
        return [(m.upn, m.date, m.session, new) for m in there.head(1).itertuples()]

    return chosen


def at_random(seed: int) -> Callable[[pd.DataFrame], Marks]:
    """Some marks of any day become anything."""

    def chosen(register: pd.DataFrame) -> Marks:
        rng = random.Random(seed)
        places = rng.sample(range(len(register)), rng.randint(1, 6))
        there = register.iloc[places]
        return [
            (m.upn, m.date, m.session, rng.choice([PRESENT[m.session], "N", "O", "I", "L", "G", ""]))
            for m in there.itertuples()
        ]

    return chosen


def by_day(frames: dict[str, pd.DataFrame]) -> dict[dt.date, str]:
    """A hash of what all derived tables say of each day."""
    lines: dict[dt.date, list[str]] = {}
    for frame in frames.values():
        text = io.StringIO()
        write_csv([frame], text)
        for date, line in zip(frame["date"].dt.date, text.getvalue().splitlines()[1:], strict=True):
            lines.setdefault(date, []).append(line)
    return {date: hashlib.sha256("\n".join(said).encode()).hexdigest() for date, said in lines.items()}


def derived_tables(home: Path) -> dict[str, pd.DataFrame]:
    with open_site(home) as site:
        return {name: table(site, name) for name in DERIVED}


@pytest.fixture(scope="module")
def before(term_at_once: Path) -> dict[dt.date, str]:
    """What the derived tables say of each day before anything is corrected."""
    return by_day(derived_tables(term_at_once))


@pytest.mark.parametrize(
    ("chosen", "first"),
    [
        pytest.param(becomes("O", "/"), "the day", id="absent, and was there"),
        pytest.param(becomes("/", "N"), "the day", id="there, and nobody knows"),
        pytest.param(becomes("/", ""), "the day", id="there, and withdrawn"),
        pytest.param(becomes("I", "M"), "never", id="another reason that counts the same"),
        pytest.param(becomes("O", "O"), "never", id="nothing new"),
        *(pytest.param(at_random(seed), "some day", id=f"random {seed}") for seed in range(BUNDLES)),
    ],
)
def test_due_is_every_day_from_the_first_that_reads_otherwise(
    new_home: Path,
    term_at_once: Path,
    before: dict[dt.date, str],
    tmp_path: Path,
    chosen: Callable[[pd.DataFrame], Marks],
    first: str,
) -> None:
    home = shutil.copytree(term_at_once, tmp_path / "home")
    with open_site(home) as site:
        marks = chosen(table(site, "register"))
    assert marks, "the demo has no such mark"
    # What is right: the same home with every day derived anew; for random marks a home that was never run before.
    anew = shutil.copytree(new_home if first == "some day" else home, tmp_path / "anew")
    correction = extract(LATER[0], marks)
    with open_site(anew) as site:
        drop(anew, *correction)
        take_in(site, settle_seconds=0)
        restate(site, sorted(before), DERIVED)
    with open_site(home) as site:
        drop(home, *correction)
        take_in(site, settle_seconds=0)
        due = due_days(site, TODAY)
        restate(site, due, DERIVED)
    now = by_day(derived_tables(anew))
    assert now.keys() == before.keys()
    otherwise = min((day for day in now if now[day] != before[day]), default=None)
    assert due == [day for day in sorted(now) if otherwise is not None and day >= otherwise]
    assert (due == []) == (first == "never")
    if first == "the day":
        assert due[0] == marks[0][1]
    assert digests(tables(home)) == digests(tables(anew))


def test_a_mark_of_a_day_without_school_makes_nothing_due(term_at_once: Path, tmp_path: Path) -> None:
    home = shutil.copytree(term_at_once, tmp_path / "home")
    with open_site(home) as site:
        upn = table(site, "register")["upn"].iloc[0]
    drop(home, *extract(LATER[0], [(upn, dt.date(2025, 12, 25), "AM", "O")]))
    assert load(home).marks_new == 1
    with open_site(home) as site:
        assert due_days(site, TODAY) == []


@dataclass(frozen=True)
class Corrected:
    """Of a home before, after a correction and after that was taken back: tables, drive, how many letters were new.

    `upn`: the pupil whom the correction is about. Nothing of them is shown when an assertion fails.
    """

    upn: str = field(repr=False)
    said: list[dict[str, pd.DataFrame]] = field(repr=False)
    lies: list[dict[str, str]] = field(repr=False)
    new: list[int]

    def letters(self, moment: int, *, own: bool, state: str = "") -> pd.DataFrame:
        """The letters about the pupil, or about all others, that were in a state (of any) before."""
        was, now = (self.said[n]["letters"].set_index("reference") for n in (0, moment))
        chosen = (was["upn"] == self.upn) == own
        if state:
            chosen &= was["state"] == state
        return now.loc[was.index[chosen]].reset_index()


@pytest.fixture(scope="module")
def corrected(term_at_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Corrected:
    """A pupil with a letter sent and a letter proposed was there after all; and then was not."""
    home = shutil.copytree(term_at_once, tmp_path_factory.mktemp("corrected") / "home")
    said, lies, new = [tables(home)], [drive(home)], [0]
    register = said[0]["register"]
    states = said[0]["letters"].groupby("upn")["state"].agg(set)
    upn = states[states.map(lambda s: {"proposed", "sent"} <= s)].index[0]
    absent = register[(register["upn"] == upn) & ~register["code"].isin(["/", "\\", "L"])]
    there = [(m.upn, m.date, m.session, PRESENT[m.session]) for m in absent.itertuples()]
    again = [(m.upn, m.date, m.session, m.code) for m in absent.itertuples()]
    for recorded, marks in zip(LATER, (there, again), strict=True):
        drop(home, *extract(recorded, marks))
        new.append(night(home, TODAY).proposed.new)
        said.append(tables(home))
        lies.append(drive(home))
    return Corrected(upn, said, lies, new)


def test_a_correction_makes_no_new_letter_and_loses_none(corrected: Corrected) -> None:
    assert corrected.new == [0, 0, 0]
    references = [digest(said["letters"][["reference"]]) for said in corrected.said]
    assert len(set(references)) == 1
    stages = corrected.said[1]["stages"]
    assert set(stages.loc[stages["upn"] == corrected.upn, "stage"]) == {0}
    assert digest(corrected.letters(1, own=False)) == digest(corrected.letters(0, own=False))


def test_what_was_sent_stays_sent(corrected: Corrected) -> None:
    before = corrected.letters(0, own=True, state="sent")
    assert len(before) > 0
    for moment in (1, 2):
        assert digest(corrected.letters(moment, own=True, state="sent")) == digest(before)


def test_what_was_proposed_without_support_is_superseded(corrected: Corrected) -> None:
    gone = corrected.letters(1, own=True, state="proposed")
    assert len(gone) > 0
    assert set(zip(gone["state"], gone["reason"], strict=True)) == {("superseded", "the marks no longer support it")}


def test_a_correction_back_returns_the_same_letters(corrected: Corrected) -> None:
    before, _, back = corrected.said
    told = ["reference", "contact_id", "kind", "episode", "stage", "state", "reason"]
    assert digest(back["letters"][told]) == digest(before["letters"][told])
    # The marks are the old ones; where they came from is another extract.
    same = [name for name in digests(before) if name not in ("register", "amendments")]
    assert {name: digest(back[name]) for name in same} == {name: digest(before[name]) for name in same}


def test_a_correction_adds_to_the_drive_and_alters_nothing_on_it(corrected: Corrected) -> None:
    before, after, back = (set(lies.items()) for lies in corrected.lies)
    assert before < after <= back
