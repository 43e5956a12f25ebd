"""Proposing letters: a term loaded at once, night after night, again, and after a crash: always the same ledger."""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from attendance_pipeline.demo.make import make_demo_home
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.mis.upn import check_letter
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps import propose as step
from attendance_pipeline.steps.export import Period, export
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.secret import reference_key
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.steps.worklists import worklists
from attendance_pipeline.store import ledger
from attendance_pipeline.store.derived import done_days

NOT_COMPARED = ("at", "id", "updated_at")  # when and in which place of the file something was written


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A home with every extract in its warehouse and nothing derived, and the days of its autumn term."""
    home = make_demo_home(tmp_path_factory.mktemp("loaded") / "home", pupils=60).home
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        reference_key(site.home.state)
        return home, due_days(site, dt.date(2025, 12, 31))


@pytest.fixture(scope="module")
def derived(loaded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home with the whole term derived."""
    home, days = loaded
    copy = shutil.copytree(home, tmp_path_factory.mktemp("derived") / "home")
    with open_site(copy) as site:
        restate(site, days, TABLES)
    return copy


@pytest.fixture(scope="module")
def at_once(derived: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The ledger of the whole term, proposed in one run."""
    with open_site(shutil.copytree(derived, tmp_path_factory.mktemp("once") / "home")) as site:
        propose(site)
        return content(site)


def content(site: Site) -> dict[str, Any]:
    """Everything that the ledger says, but not when that was written."""
    (school,) = site.schools()
    with site.warehouse.read() as conn:
        letters = ledger.read_letters(conn, school.id)
        events = ledger.read_events(conn, [letter["reference"] for letter in letters])
        batches, decided = ledger.read_batches(conn, school.id), sorted(done_days(conn, school.id))
    found = {"letters": letters, "events": events, "batches": batches}
    plain = {
        name: [{k: v for k, v in r.items() if k not in NOT_COMPARED} for r in rows] for name, rows in found.items()
    }
    return {**plain, "decided": decided}


def test_a_term_at_once_is_its_nights(loaded, at_once: dict[str, Any], tmp_path: Path) -> None:
    home, days = loaded
    with open_site(shutil.copytree(home, tmp_path / "home")) as site:
        for day in days:
            restate(site, [day], TABLES)
            propose(site)
        assert content(site) == at_once
    assert at_once["decided"] == days
    states = Counter(letter["state"] for letter in at_once["letters"])
    assert states.keys() >= {"sent", "superseded", "proposed"} and states.total() > 20, "the demo shows too little"
    assert len(at_once["batches"]) > 10
    made = {letter["kind"] for letter in at_once["letters"]}
    assert made >= {"letter_1", "letter_2", "letter_3", "improved", "penalty_notice_warning"}, (
        "the demo shows too little"
    )


def test_proposing_again_changes_nothing(derived: Path, at_once: dict[str, Any], tmp_path: Path) -> None:
    home = shutil.copytree(derived, tmp_path / "home")
    with open_site(home) as site:
        propose(site)
    with open_site(home) as site:
        (again,) = propose(site)
        assert (again.days, again.new, again.moved, again.newly_held) == (1, 0, 0, 0)
        assert content(site) == at_once
    assert again.states == Counter(letter["state"] for letter in at_once["letters"])


def test_a_run_that_stops_half_way_leaves_nothing(
    derived: Path, at_once: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, decided = shutil.copytree(derived, tmp_path / "home"), []

    def decide_for_a_while(inputs: Any) -> Any:
        decided.append(inputs.day)
        if len(decided) > 50:
            raise RuntimeError("the machine was switched off")
        return decide(inputs)

    decide = step.decide
    monkeypatch.setattr(step, "decide", decide_for_a_while)
    with open_site(home) as site, pytest.raises(RuntimeError):
        propose(site)
    monkeypatch.undo()
    with open_site(home) as site:
        assert content(site) == {"letters": [], "events": [], "batches": [], "decided": []}
        propose(site)
        assert content(site) == at_once


def test_each_letters_evidence_names_file_and_line_of_every_session(derived: Path, tmp_path: Path) -> None:
    with open_site(shutil.copytree(derived, tmp_path / "home")) as site:
        (school,) = site.schools()
        propose(site)
        register = next(iter(export(site, "register", [school], Period())))
        with site.warehouse.read() as conn:
            upn = current_pupils(conn, school.id).set_index("person_id")["upn"]
            letters = ledger.read_letters(conn, school.id)
    said = {(m.upn, m.date.isoformat(), m.session): (m.code, m.extract, m.line) for m in register.itertuples()}
    looked = 0
    for letter in letters:
        evidence = letter["evidence"]
        if letter["state"] == "superseded" or not evidence.get("absences"):
            continue
        sources = {(date, session): (extract, line) for date, session, extract, line in evidence["sources"]}
        for date, session, code in evidence["absences"]:
            assert said[upn[letter["person_id"]], date, session] == (code, *sources[date, session])
            looked += 1
        assert {"as_at", "policy", "policy_version", "policy_source", "register", "event"} <= evidence.keys()
    assert looked > 50


def test_letters_of_all_kinds_wait_on_somebodys_worklist(derived: Path, tmp_path: Path) -> None:
    with open_site(shutil.copytree(derived, tmp_path / "home")) as site:
        (school,) = site.schools()
        propose(site)
        worklists(site, "a run")
        with site.warehouse.read() as conn:
            proposed = ledger.read_letters(conn, school.id, states=["proposed"])
            held = ledger.read_letters(conn, school.id, states=["held"])
        (book,) = site.home.drive.rglob("attendance-lead/**/worklist.xlsx")
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(book)["Letters"].iter_rows()]
    place = rows[0].index("Reference")
    listed = {row[place]: row[rows[0].index("Task")] for row in rows[1:] if row[place]}
    assert len({r["kind"] for r in proposed}) > 2 and held
    assert {reference: text.split(":")[0] for reference, text in listed.items()} == {
        **{r["reference"]: "Approve or reject the letter" for r in proposed},
        **{r["reference"]: "Settle what holds the letter" for r in held},
    }


def test_a_kind_that_a_school_does_not_have_is_not_in_its_ledger(derived: Path, tmp_path: Path) -> None:
    home = shutil.copytree(derived, tmp_path / "home")
    policy = next((home / "policies").glob("*.toml"))
    without = policy.read_text("utf-8").split("[letters]")[0] + '[letters]\nkinds = ["letter_1"]\n'
    policy.write_text(without, "utf-8")
    with open_site(home) as site:
        propose(site)
        assert {letter["kind"] for letter in content(site)["letters"]} == {"letter_1"}


def test_no_letter_is_repeated_because_a_upn_changed(derived: Path, tmp_path: Path) -> None:
    with open_site(shutil.copytree(derived, tmp_path / "home")) as site:
        (school,) = site.schools()
        propose(site)
        before = content(site)["letters"]
        with site.warehouse.read() as conn:
            pupils = current_pupils(conn, school.id)
        about = {letter["person_id"] for letter in before}
        pupils = pupils[pupils["person_id"].isin(about)]
        assert about == set(pupils["person_id"])
        school.inbox.mkdir(parents=True, exist_ok=True)
        rows = [
            f"{_new_upn(n)},{p.admission_number},{p.forename},{p.surname},{p.date_of_birth.date()},{p.year_group},"
            f"{p[pupils.columns.get_loc('class') + 1]},{p.entry_date.date()}"
            for n, p in enumerate(pupils.itertuples())
        ]
        header = "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date"
        (school.inbox / "pupils_2027-01-05.csv").write_text("\n".join([header, *rows]) + "\n")
        take_in(site, settle_seconds=0)
    with open_site(tmp_path / "home") as site:
        restate(site, due_days(site, dt.date(2025, 12, 31)), TABLES)
        propose(site)
        after = content(site)["letters"]
        with site.warehouse.read() as conn:
            now = current_pupils(conn, school.id).set_index("person_id")["upn"]
    assert {now[person] for person in about} == {_new_upn(n) for n in range(len(about))}
    assert [(r["reference"], r["person_id"]) for r in after] == [(r["reference"], r["person_id"]) for r in before]


def _new_upn(number: int) -> str:
    rest = f"999201199{number:03d}"
    return check_letter(rest) + rest
