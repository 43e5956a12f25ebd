"""The board of a home: from its warehouse to the drive, renewed every night in place, and emptied where a class ended."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import small_home
from nights import decide
from small_home import ANN, BEN, FAY

from attendance_pipeline.steps.board import boards
from attendance_pipeline.steps.site import open_site

LINES = {ANN: "06-08 to 06-19 O; 06-29 AM O", FAY: "06-08 AM L"}
ENTRIES = "UPN,Date,Action,Stage,Contact ID,Barrier,Agency,Outcome,From,Until,Amount,By,Note"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = small_home.small_home(tmp_path_factory.mktemp("board") / "home")
    small_home.drop_pupils(home, "06-01")
    small_home.drop_contacts(home, "06-01", {ANN: "1 Elm Road", FAY: "2 Elm Road"})
    small_home.drop_weeks(home, LINES)
    rows = [
        f"{ANN},2026-09-21,phone_call,,,,Children's social care,Support offered,,,,Office,Speak to the court officer",
        f"{BEN},2026-09-21,home_visit,,,,,,,,,Office,",
    ]
    small_home.drop(home, "interventions_2026-09-22.csv", ENTRIES, rows)
    small_home.load(home)
    small_home.derive(home)
    decide(home)
    deliver(home)
    return home


def deliver(home: Path, run: str = "a run") -> list[Path]:
    with open_site(home) as site:
        return [folder for made in boards(site, run) for folder in made.folders]


def held(home: Path, audience: str) -> dict:
    text = (home / "outbox/oakfield" / audience / "board/index.html").read_text(encoding="utf-8")
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_lead_and_each_class_have_a_page(home: Path) -> None:
    found = sorted(p.relative_to(home / "outbox/oakfield").as_posix() for p in home.glob("outbox/oakfield/*/board/*"))
    assert found == [
        f"{audience}/board/{name}"
        for audience in ("attendance-lead", "class-5A", "class-5B")
        for name in ("index.html", "manifest.json")
    ]
    sizes = {a: len(held(home, a)["pupils"]) for a in ("attendance-lead", "class-5A", "class-5B")}
    assert sizes == {"attendance-lead": 6, "class-5A": 3, "class-5B": 3}
    assert held(home, "attendance-lead")["date"] == small_home.LAST_DAY.isoformat()


def test_contacts_are_there_and_notes_are_not(home: Path) -> None:
    rows = [row for p in held(home, "attendance-lead")["pupils"] for row in p.get("h", ())]
    assert sorted(row[1:] for row in rows) == [
        ["Home visit", 0, "Office", ""],
        ["Phone call", 0, "Office", "Support offered; Restricted: ask the attendance lead"],
    ]


def test_the_same_night_again_writes_nothing_new(home: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in home.glob("outbox/oakfield/*/board/*")}
    deliver(home, "another run")
    assert {p: p.stat().st_mtime_ns for p in home.glob("outbox/oakfield/*/board/*")} == before


def test_a_class_that_nobody_is_in_any_more_keeps_no_pupil_on_its_page(home: Path) -> None:
    """Changes the home: the last test of the module."""
    everybody = {u: {"group": "5B"} for u in small_home.EVERYBODY}
    small_home.drop_pupils(home, "10-16", everybody)
    small_home.load(home)
    small_home.derive(home)
    deliver(home)
    assert [len(held(home, a)["pupils"]) for a in ("attendance-lead", "class-5A", "class-5B")] == [6, 0, 6]
