"""A class's register is missing: its letters are held with the reason, everybody else's go, and the register heals it.

The demonstration's last day before half-term lacks the afternoon register of class RA. On the first day after it two
pupils are known to have been away for weeks, one of RA and one of another class.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from nights import derive, drop, folders, load, night, roll, school_inbox, table
from openpyxl import load_workbook

from attendance_pipeline.demo.make import TODAY
from attendance_pipeline.letters.holding import QUALITY
from attendance_pipeline.quality.plausibility import frames, validation_results
from attendance_pipeline.steps import data_quality as step
from attendance_pipeline.steps.check import check_register
from attendance_pipeline.steps.data_quality import data_quality
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.store import quality

HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
AFTER = dt.date(2026, 2, 23)  # the first school day after half-term
NEXT = dt.date(2026, 2, 24)
CLASS = "RA"
PRESENT = ("/", "\\")


def extract(home: Path, recorded: dt.date, rows: Iterable[str], suffix: str = "") -> None:
    drop(home, f"register_{recorded}{suffix}.csv", "\n".join([HEADER, *rows, ""]).encode())


@dataclass(frozen=True)
class Known:
    """What a test needs to know of the demonstration: pupils on roll by class, the register, and who was away."""

    classes: pd.Series
    register: pd.DataFrame
    of_class: str
    of_others: str

    def everybody(self, day: dt.date, code: dict[str, str] | None = None) -> list[str]:
        """Rows for a day on which all are present but those named."""
        away = code or {}
        return [f"{upn},{day},{s},{away.get(upn, PRESENT[i])},," for upn in self.classes.index for i, s in enumerate(("AM", "PM"))]  # fmt: skip

    def away(self, upn: str) -> list[str]:
        """Rows that say a pupil was absent for weeks before half-term."""
        mine = self.register[(self.register["upn"] == upn) & (self.register["date"] >= dt.date(2025, 11, 17))]
        return [f"{upn},{m.date},{m.session},O,," for m in mine.itertuples()]


def known(home: Path) -> Known:
    with open_site(home) as site:
        pupils, register = roll(site)["current_pupils"], table(site, "register")
        stages = table(site, "stages")
    here = set(stages[stages["date"] == pd.Timestamp(TODAY)]["upn"])
    classes = pupils[pupils["upn"].isin(here)].set_index("upn")["class"]
    never = set(stages.groupby("upn")["stage"].max().loc[lambda s: s == 0].index)
    never -= set(register[register["code"].isin(["E", "C2"])]["upn"])  # held for a reason of their own
    of_class = next(u for u in classes.index if u in never and classes[u] == CLASS)
    of_others = next(u for u in classes.index if u in never and classes[u] != CLASS)
    return Known(classes, register, of_class, of_others)


@dataclass(frozen=True)
class Letters:
    """Letters of one night by UPN: `proposed`, or `held: why`; and what held.csv says of those of the class."""

    state: dict[str, str]
    held: list[str]


def letters(home: Path, upns: Iterable[str], day: dt.date) -> Letters:
    with open_site(home) as site:
        found = table(site, "letters")
    mine = found[found["upn"].isin(list(upns)) & (found["kind"] == "letter_1")]
    said = {r.upn: f"{r.state}: {r.reason}" if r.reason else str(r.state) for r in mine.itertuples()}
    held = [
        path for path in (home / "outbox").rglob("held.csv") if path.parts[-3] == str(day) and "office" in path.parts
    ]
    rows = csv.DictReader(io.StringIO(max(held, key=str).read_text("utf-8-sig"))) if held else []
    return Letters(said, [row["Held because"] for row in rows if row["Class"] == CLASS])


def no_brake(home: Path) -> None:
    """Several letters at once are many in so small a school; here they are none too many."""
    policy = home / "policies" / "seed-school.toml"
    text = policy.read_text("utf-8")
    text = text if "[letters]" in text else f"{text}\n[letters]\n"
    brake = "[letters]\nbrake_letters = 1000\nbrake_times_median = 1000\n"
    policy.write_text(text.replace("[letters]\n", brake, 1), "utf-8")


@pytest.fixture(scope="module")
def missing(term_at_once: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Known]:
    """The home after the night of the first day after half-term."""
    home = shutil.copytree(term_at_once, tmp_path_factory.mktemp("missing") / "home")
    no_brake(home)
    facts = known(home)
    extract(home, AFTER, [*facts.everybody(AFTER), *facts.away(facts.of_class), *facts.away(facts.of_others)])
    night(home, AFTER)
    return home, facts


def test_the_letters_of_the_class_are_held_with_the_reason_and_everybody_elses_go(missing: tuple[Path, Known]) -> None:
    home, facts = missing
    found = letters(home, [facts.of_class, facts.of_others], AFTER)
    assert {text.split(" despite")[0] for text in [found.state[facts.of_class]]} == {f"held: {QUALITY}"}
    assert found.state[facts.of_others] == "proposed"
    assert f"{QUALITY}: {TODAY:%d/%m/%Y}, the afternoon register was not taken" in found.held


def test_the_register_heals_it(missing: tuple[Path, Known], tmp_path: Path) -> None:
    home, facts = shutil.copytree(missing[0], tmp_path / "home"), missing[1]
    of_class = [u for u in facts.classes.index if facts.classes[u] == CLASS]
    extract(home, AFTER, [f"{u},{TODAY},PM,\\,," for u in of_class if u != facts.of_class], "_late")
    night(home, AFTER)
    found = letters(home, [facts.of_class, facts.of_others], AFTER)
    assert found.state == {facts.of_class: "proposed", facts.of_others: "proposed"}


def test_and_so_does_the_next_day(missing: tuple[Path, Known], tmp_path: Path) -> None:
    """A mark that is missing counts for nothing: there is no more to wait for."""
    home, facts = shutil.copytree(missing[0], tmp_path / "home"), missing[1]
    extract(home, NEXT, facts.everybody(NEXT))
    night(home, NEXT)
    assert letters(home, [facts.of_class], NEXT).state == {facts.of_class: "proposed"}


def test_marks_that_cannot_be_believed_hold_letters_until_they_are_corrected_or_confirmed(
    missing: tuple[Path, Known], tmp_path: Path
) -> None:
    """On the day after half-term far more are absent than can be. Two days later nothing is known of it yet."""
    home, facts = shutil.copytree(missing[0], tmp_path / "home"), missing[1]
    days = [dt.date(2026, 2, d) for d in (24, 25, 26)]
    ill = dict.fromkeys(facts.classes.index[:25], "I")
    extract(home, days[0], [*facts.everybody(days[0]), *facts.everybody(AFTER, ill)], "_ill")
    for day in days[1:]:
        extract(home, day, facts.everybody(day))
    night(home, days[-1])
    both = [facts.of_class, facts.of_others]
    assert set(letters(home, both, days[-1]).state.values()) == {f"held: {QUALITY}"}

    confirmed = shutil.copytree(home, tmp_path / "confirmed")
    settings = confirmed / "attendance.toml"
    settings.write_text(settings.read_text("utf-8") + f"\n[schools.quality]\nconfirmed_days = [{AFTER}]\n", "utf-8")
    night(confirmed, days[-1])
    assert letters(confirmed, both, days[-1]).state == dict.fromkeys(both, "proposed")

    extract(home, days[-1], facts.everybody(AFTER), "_corrected")
    night(home, days[-1])
    assert letters(home, both, days[-1]).state == dict.fromkeys(both, "proposed")


# ---------------------------------------------------------------- which days are looked at


def test_every_day_of_the_term_was_looked_at_though_it_came_at_once(term_at_once: Path) -> None:
    with open_site(term_at_once) as site, site.warehouse.read() as conn:
        (school,) = site.schools()
        looked_at = quality.checked_days(conn, school.id)
        days = [d for d in school.calendar.days.tolist() if d <= TODAY]
    assert list(looked_at) == days
    assert all(day.made >= 8 for day in looked_at.values())


def test_a_late_mark_has_its_day_looked_at_again_and_no_other(missing: tuple[Path, Known], tmp_path: Path) -> None:
    home, facts = shutil.copytree(missing[0], tmp_path / "home"), missing[1]
    with open_site(home) as site, site.warehouse.read() as conn:
        before = quality.checked_days(conn, site.schools()[0].id)
    day = dt.date(2025, 9, 3)  # too early to be compared with, so that no other day's figures follow
    row = facts.register[(facts.register["date"] == day) & (facts.register["code"] == "/")].iloc[0]
    extract(home, AFTER, [f"{row.upn},{day},{row.session},I,,"], "_late")
    load(home)
    with open_site(home) as site:
        check_register(site)
        with site.warehouse.read() as conn:
            after = quality.checked_days(conn, site.schools()[0].id)
    changed = {d for d in after if after[d] != before[d]}
    # The day on which it was recorded counts one more correction; the days between compare with medians.
    assert {day, AFTER} <= changed
    assert not changed & {dt.date(2025, 9, 2), dt.date(2025, 9, 4), dt.date(2025, 9, 5)}


def test_what_is_known_of_days_does_not_depend_on_the_order_of_the_extracts(
    new_home: Path, term_at_once: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(new_home, tmp_path / "home")
    inbox, later = school_inbox(home), tmp_path / "later"
    shutil.move(inbox, later)
    inbox.mkdir()
    files = sorted(later.iterdir())
    random.Random(1).shuffle(files)
    while files:
        for file in files[:70]:
            shutil.move(file, inbox)
        files = files[70:]
        load(home)
        with open_site(home) as site:
            check_register(site)

    def known_of_days(home: Path) -> list[object]:
        with open_site(home) as site, site.warehouse.read() as conn:
            (school,) = site.schools()
            return [quality.checked_days(conn, school.id), quality.read(conn, school.id)]

    assert known_of_days(home) == known_of_days(term_at_once)


# ---------------------------------------------------------------- what is told


def told(home: Path) -> list[str]:
    return [path for path in folders(home) if "/data-quality" in path]


def test_it_is_told_when_something_is_new_and_not_every_night(missing: tuple[Path, Known], tmp_path: Path) -> None:
    home, facts = shutil.copytree(missing[0], tmp_path / "home"), missing[1]
    first = told(home)
    assert [path.split("/")[-2] for path in first] == [str(TODAY)], "what fell short after half-term is what did before"
    assert {tuple(path.split("/")[:2]) for path in first} == {("oakfield", "data-manager")}
    night(home, AFTER)
    assert told(home) == first, "nothing is new"
    extract(home, NEXT, facts.everybody(NEXT))
    night(home, NEXT)
    assert told(home) == first, "another day has passed, and nothing else"
    of_class = [u for u in facts.classes.index if facts.classes[u] == CLASS]
    extract(home, NEXT, [f"{u},{TODAY},PM,\\,," for u in of_class], "_late")
    night(home, NEXT)
    assert [path.split("/")[-2] for path in told(home)] == [str(TODAY), str(NEXT)], "it was settled"


def test_a_telling_that_was_cut_off_is_made_good_without_a_second_folder(
    missing: tuple[Path, Known], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = shutil.copytree(missing[0], tmp_path / "home")
    drop(home, f"register_{AFTER}_unknown.csv", f"{HEADER}\n{missing[1].of_class},{AFTER},AM,ZZ,,\n".encode())
    load(home)
    derive(home, AFTER)
    with monkeypatch.context() as cut:
        cut.setattr(step.quality, "tell", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt), open_site(home) as site:
            data_quality(site, "a run")
    left = told(home)
    for _ in range(2):
        with open_site(home) as site:
            data_quality(site, "another run")
        assert told(home) == left
    assert len(left) == 2


# ---------------------------------------------------------------- nobody's values


def named_in(home: Path, text: str) -> int:
    """How many UPNs, surnames and forenames of a home's pupils stand in a text, but for words of the pages."""
    with open_site(home) as site:
        said = roll(site)
    names = {*said["current_pupils"]["upn"], *said["current_pupils"]["surname"], *said["current_pupils"]["forename"]}
    names |= {*said["current_contacts"]["surname"], *said["current_contacts"]["postcode"]} - {""}
    assert len(names) > 100
    return len(set(re.findall(r"[\w']+", text)) & names)


def test_no_pupil_stands_in_what_is_delivered_given_to_great_expectations_or_kept(missing: tuple[Path, Known]) -> None:
    home, _ = missing
    assert named_in(home, " ".join([missing[1].of_class])) == 1, "a pupil would be found"
    for path in told(home):
        folder = home / "outbox" / path
        texts = [f.read_text("utf-8") for f in folder.iterdir() if f.suffix in (".html", ".csv", ".json")]
        book = load_workbook(folder / "quarantine.xlsx")
        texts += [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
        assert len(texts) > 9
        assert named_in(home, " ".join(texts)) == 0
    with open_site(home) as site:
        (looked,) = check_register(site)
        given = [frame.to_csv() for frame in frames(looked.asked).values()]
        said = [json.dumps(result.to_json_dict()) for result in validation_results(looked.asked).values()]
        with site.warehouse.read() as conn:
            kept = [str(quality.read(conn, looked.school.id))]
    assert named_in(home, " ".join([*given, *said, *kept])) == 0


def test_a_home_without_contacts_is_told_so_and_holds_nobodys_letters_for_it(
    missing: tuple[Path, Known], tmp_path: Path
) -> None:
    home = shutil.copytree(missing[0], tmp_path / "home")
    with open_site(home) as site, site.warehouse.begin(site.schools()[0].id) as conn:
        from attendance_pipeline.store.extracts import list_extracts

        contacts = [e.id for e in list_extracts(conn, site.schools()[0].id, "contacts")]
    header = "UPN,Contact ID,Priority,Forename,Surname,Parental Responsibility,Lives With Pupil,Receives Correspondence"
    rows = [f"{upn},C{i},1,A,Nother,Y,Y,N" for i, upn in enumerate(missing[1].classes.index)]
    drop(home, f"contacts_{AFTER}.csv", "\n".join([header, *rows, ""]).encode())
    assert contacts
    load(home)
    with open_site(home) as site:
        (looked,) = check_register(site)
        propose(site)
    of_roll = {f.check: f.waits for f in looked.findings if f.scope == "roll"}
    assert of_roll == {"no_recipient": 0}
    assert QUALITY not in letters(home, [missing[1].of_others], AFTER).state[missing[1].of_others]
