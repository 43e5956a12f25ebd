"""What the impact report says of corrections that reach far back: registers that were missing, and letters of last year;
and that a corrected contact moves the letters that are not sent, and those alone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from small_home import (
    ANN,
    EVERYBODY,
    REGISTER,
    derive,
    drop,
    drop_contacts,
    drop_pupils,
    drop_weeks,
    load,
    marks,
    rows_of,
    small_home,
)

from attendance_pipeline.reports.impact import WOULD_NOT_BE_SENT, Impact
from attendance_pipeline.steps import impact as step
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.store import ledger

LOG = "UPN,Date,Action,Stage,Contact ID"
END_OF_SUMMER, OCTOBER = dt.date(2026, 7, 17), dt.date(2026, 10, 16)
MANY = "06-15 to 07-03 O"


def told(home: Path) -> Impact:
    with open_site(home) as site:
        ((_, impact),) = step.impact(site, "a run")
        return impact


def night(home: Path, upto: dt.date) -> None:
    load(home)
    derive(home, upto)
    with open_site(home) as site:
        propose(site)


def letters(home: Path) -> dict[str, tuple[str, str, list[str]]]:
    """Kind, state and address of each letter 1 about Ann, by reference."""
    with open_site(home) as site, site.warehouse.read() as conn:
        rows = ledger.read_letters(conn, "oakfield")
    of_kind = [r for r in rows if r["kind"] == "letter_1"]
    return {r["reference"]: (r["kind"], r["state"], r["recipient"].get("address", [])) for r in of_kind}


def correct(home: Path, lines: dict[str, str], recorded: str = "10-19") -> None:
    drop(home, f"register_2026-{recorded}.csv", REGISTER, rows_of({p: marks(line) for p, line in lines.items()}))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """In summer a letter about Ann was proposed; then it was sent, and now it is October."""
    home = small_home(tmp_path / "home")
    drop_pupils(home, "06-01")
    drop_contacts(home, "06-01", {ANN: "1 Old Street"})
    drop_weeks(home, {ANN: MANY})
    inbox = home / "inbox" / "oakfield"
    autumn = [f for f in inbox.glob("register_*") if f.stem[-10:] > END_OF_SUMMER.isoformat()]
    (tmp_path / "later").mkdir()
    for file in autumn:
        file.rename(tmp_path / "later" / file.name)
    night(home, END_OF_SUMMER)
    assert [(k, s) for k, s, _ in letters(home).values()] == [("letter_1", "proposed")]
    drop(home, "interventions_2026-07-17.csv", LOG, [f"{ANN},2026-07-16,letter_sent,1,"])
    night(home, END_OF_SUMMER)
    for file in autumn:
        (tmp_path / "later" / file.name).rename(file)
    night(home, OCTOBER)
    assert not told(home)
    return home


def test_a_letter_of_last_year_that_would_not_be_sent_today_is_told(home: Path) -> None:
    ((reference, before),) = letters(home).items()
    correct(home, {ANN: "06-15 to 07-03 present"})
    night(home, OCTOBER)
    found = told(home)
    assert [(n.reference, n.why, n.sent_on) for n in found.letters] == [
        (reference, WOULD_NOT_BE_SENT, dt.date(2026, 7, 16))
    ]
    assert found.earliest == dt.date(2026, 6, 15)
    assert found.counts["marks changed"] == 30
    assert letters(home) == {reference: before}, "what was sent stays sent, and nothing comes instead"


def test_registers_that_were_missing_for_a_day_are_told_as_late_marks(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    drop_pupils(home, "06-01")
    drop_weeks(home, dict.fromkeys(EVERYBODY, "09-03 -; 10-16 PM -"))
    night(home, OCTOBER)
    assert not told(home)
    correct(home, dict.fromkeys(EVERYBODY, "09-03 O; 10-16 PM present"))
    night(home, OCTOBER)
    found = told(home)
    assert (found.counts["marks changed"], found.counts["marks that came late"]) == (0, 12)
    assert {(m.date, m.old_code, m.new_code) for m in found.late} == {(dt.date(2026, 9, 3), "", "O")}
    assert not told(home), "told once"


def test_a_corrected_address_moves_letters_that_are_not_sent_and_no_others(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    drop_pupils(home, "06-01")
    drop_contacts(home, "06-01", {ANN: "1 Old Street"})
    drop_weeks(home, {ANN: MANY})
    inbox = home / "inbox" / "oakfield"
    for file in [f for f in inbox.glob("register_*") if f.stem[-10:] > END_OF_SUMMER.isoformat()]:
        file.unlink()
    night(home, END_OF_SUMMER)
    ((reference, (kind, state, address)),) = letters(home).items()
    assert (kind, state, address[0]) == ("letter_1", "proposed", "1 Old Street")
    drop_contacts(home, "07-18", {ANN: "2 New Road"})
    assert load(home).records_changed["contacts"] == 1
    assert derive(home, END_OF_SUMMER) == [], "no figure depends on an address"
    with open_site(home) as site:
        propose(site)
    assert letters(home)[reference][1:] == ("proposed", ["2 New Road", *address[1:]])

    drop(home, "interventions_2026-07-19.csv", LOG, [f"{ANN},2026-07-17,letter_sent,1,"])
    night(home, END_OF_SUMMER)
    drop_contacts(home, "07-20", {ANN: "3 Last Lane"})
    night(home, END_OF_SUMMER)
    assert letters(home) == {reference: ("letter_1", "sent", ["2 New Road", *address[1:]])}
