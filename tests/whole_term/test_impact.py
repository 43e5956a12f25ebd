"""The impact report: what a load has changed is told once, to the data manager alone, and all of it."""

from __future__ import annotations

import datetime as dt
import io
import shutil
from pathlib import Path

import pandas as pd
import pytest
from nights import drop, load, table
from openpyxl import load_workbook

from attendance_pipeline.demo.make import TODAY
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.reports.impact import OWED, SUPPORTED_AGAIN, WOULD_NOT_BE_SENT, Impact, LetterNote
from attendance_pipeline.steps import impact as step
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site

HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
LATER = TODAY + dt.timedelta(days=1)


def rows_of(home: Path, name: str) -> pd.DataFrame:
    with open_site(home) as site:
        return table(site, name)


def told(home: Path) -> tuple[Impact, list[Path]]:
    with open_site(home) as site:
        ((made, impact),) = step.impact(site, "a run")
        return impact, list(made.folders)


def notes(impact: Impact, why: str) -> list[LetterNote]:
    return [n for n in impact.letters if n.why == why]


def night(home: Path, *, decide: bool = True) -> None:
    with open_site(home) as site:
        restate(site, due_days(site, TODAY), TABLES)
        if decide:
            propose(site)


@pytest.fixture
def home(term_at_once: Path, tmp_path: Path) -> Path:
    """A home whose term was told of already."""
    home = shutil.copytree(term_at_once, tmp_path / "home")
    assert not told(home)[0]  # a first time has nothing to compare with
    return home


def corrected(home: Path, rows: list[str], recorded: dt.date = LATER) -> None:
    drop(home, f"register_{recorded}.csv", "\n".join([HEADER, *rows, ""]).encode())
    load(home)


def on_a_stage(home: Path) -> str:
    """The UPN of a pupil whose letter 1 was sent and who opened a stage."""
    letters = rows_of(home, "letters")
    return str(letters[(letters["kind"] == "letter_1") & (letters["state"] == "sent")]["upn"].iloc[0])


def all_present(home: Path, upn: str) -> list[str]:
    register = rows_of(home, "register")
    mine = register[register["upn"] == upn]
    return [f"{upn},{m.date},{m.session},{'/' if m.session == 'AM' else chr(92)},," for m in mine.itertuples()]


def test_a_case_that_never_was_is_told_with_its_letters_once(home: Path) -> None:
    upn = on_a_stage(home)
    before = rows_of(home, "register")
    absent = int(((before["upn"] == upn) & ~before["code"].isin(["/", "\\"])).sum())
    corrected(home, all_present(home, upn))
    night(home)
    impact, folders = told(home)
    assert len(impact.marks) == absent == impact.counts["marks changed"]
    assert {m.extract for m in impact.marks} == {f"register_{LATER}.csv"}
    assert min(impact.days_changed) <= min(m.date for m in impact.marks) + dt.timedelta(days=60)
    assert len(impact.pupils) == 1
    assert [n.why for n in impact.letters].count(WOULD_NOT_BE_SENT) >= 1
    (folder,) = folders
    assert folder.parts[-5:-3] == ("oakfield", "data-manager")
    book = load_workbook(io.BytesIO((folder / "impact.xlsx").read_bytes()))
    assert book.sheetnames == ["Summary", "Letters", "Penalty notices", "Stages", "Marks"]
    assert book["Marks"].max_row == absent + 1
    again, nothing = told(home)
    assert not again and not nothing


def test_a_letter_that_was_owed_all_along_is_told(home: Path) -> None:
    stages = rows_of(home, "stages")
    never = stages.groupby("upn")["stage"].max()
    upn = str(never[never == 0].index[0])
    register = rows_of(home, "register")
    mine = register[(register["upn"] == upn) & (register["date"] >= dt.date(2026, 1, 12))]
    corrected(home, [f"{upn},{m.date},{m.session},O,," for m in mine.itertuples()])
    night(home)
    impact, _ = told(home)
    assert any(n.why == OWED for n in impact.letters)
    assert any(c.now.startswith("stage") and c.before != c.now for c in impact.stages)
    assert impact.cases


def test_a_report_that_was_cut_off_is_told_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corrected(home, all_present(home, on_a_stage(home)))
    night(home)
    with monkeypatch.context() as cut:
        cut.setattr(step, "reported", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            told(home)
    impact, folders = told(home)
    assert impact and not [f for f in folders if f.name.startswith("impact-")]  # the same folder, not another


def test_days_derived_as_recorded_are_nobodys_correction(home: Path) -> None:
    days = [dt.date(2026, 2, 11), dt.date(2026, 2, 12)]
    with open_site(home) as site:
        restate(site, days, TABLES, as_recorded=True)
        restate(site, days, TABLES)
    impact, folders = told(home)
    assert not impact and not folders


def test_what_is_corrected_back_before_it_was_told_is_no_change_of_a_case(home: Path) -> None:
    upn = on_a_stage(home)
    register = rows_of(home, "register")
    mine = register[register["upn"] == upn]
    corrected(home, all_present(home, upn))
    night(home, decide=False)
    back = [f"{upn},{m.date},{m.session},{m.code},," for m in mine.itertuples()]
    drop(home, f"register_{LATER + dt.timedelta(days=1)}.csv", "\n".join([HEADER, *back, ""]).encode())
    load(home)
    night(home, decide=False)
    impact, _ = told(home)
    assert impact.marks and not impact.stages and not impact.cases


def test_a_letter_that_lost_its_support_is_told_once_and_again_when_it_has_it_back(home: Path) -> None:
    upn = on_a_stage(home)
    register = rows_of(home, "register")
    mine = register[(register["upn"] == upn)]
    gone, one = all_present(home, upn), mine[~mine["code"].isin(["/", "\\"])].iloc[-1]
    back = [f"{upn},{m.date},{m.session},{m.code},," for m in mine.itertuples()]
    third = [f"{upn},{one.date},{one.session},C,,"]
    told_of: list[tuple[set[str], set[str]]] = []
    for n, rows in enumerate((gone, third, back), start=1):
        corrected(home, rows, TODAY + dt.timedelta(days=n))
        night(home)
        impact, _ = told(home)
        told_of.append(
            tuple({note.reference for note in notes(impact, w)} for w in (WOULD_NOT_BE_SENT, SUPPORTED_AGAIN))
        )
    (lost, none), (again, still), (nothing, regained) = told_of
    assert lost and not none
    assert not again and not still, "nothing new about these letters"
    assert regained == lost and not nothing


def test_letters_that_a_backfill_finds_owed_are_told_before_they_are_proposed(home: Path) -> None:
    """A backfill proposes nothing; without this the next night would propose, and no report would say why."""
    stages = rows_of(home, "stages")
    never = stages.groupby("upn")["stage"].max()
    upn = str(never[never == 0].index[0])
    mine = rows_of(home, "register").query(
        "upn == @upn and date >= @since", local_dict={"upn": upn, "since": dt.date(2026, 1, 12)}
    )
    corrected(home, [f"{upn},{m.date},{m.session},O,," for m in mine.itertuples()])
    night(home, decide=False)
    impact, _ = told(home)
    owed = notes(impact, OWED)
    assert {n.reference for n in owed} == {""}
    assert "letter_1" in {n.kind for n in owed}
    night(home)
    letters = rows_of(home, "letters")
    assert {n.kind for n in owed} <= set(letters[letters["upn"] == upn]["kind"])


def test_marks_that_were_missing_and_came_late_are_told_apart_from_changed_ones(home: Path) -> None:
    register = rows_of(home, "register")
    day, last = dt.date(2026, 1, 20), register["date"].max()
    of_day = register[register["date"] == day]
    corrected(home, [f"{m.upn},{day},{m.session},,," for m in of_day.itertuples()])
    night(home)
    impact, _ = told(home)
    assert impact.counts["marks changed"] == len(of_day)
    # An afternoon that comes with the next night's extract is nothing late.
    missing = rows_of(home, "register").query("date == @last and session == 'PM'", local_dict={"last": last}).head(3)
    corrected(home, [f"{m.upn},{m.date},{m.session},,," for m in missing.itertuples()], TODAY + dt.timedelta(days=2))
    night(home)
    told(home)
    # Marks of a weekday of last year that nobody had: the first ones of all, on a day long done.
    stranger = str(of_day["upn"].iloc[0])
    holiday = dt.date(2025, 12, 25)
    back = [f"{m.upn},{day},{m.session},{m.code},," for m in of_day.itertuples()]
    corrected(home, [*back, f"{stranger},{holiday},AM,O,,"], TODAY + dt.timedelta(days=3))
    night(home)
    impact, _ = told(home)
    assert impact.counts["marks changed"] == len(of_day), "withdrawn and given again is a change"
    assert impact.counts["marks that came late"] == 0, "on a day without school a mark counts in nothing"


def test_very_many_marks_are_counted_by_day_instead_of_listed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.reports.impact.MOST_MARKS", 20)
    register = rows_of(home, "register")
    chosen = register[(register["code"] == "/") & (register["date"] >= dt.date(2026, 2, 1))]
    corrected(home, [f"{m.upn},{m.date},{m.session},L,," for m in chosen.itertuples()])
    night(home)
    impact, (folder,) = told(home)
    assert len(impact.marks) == len(chosen) > 100
    sheet = load_workbook(io.BytesIO((folder / "impact.xlsx").read_bytes()))["Marks"]
    header, *rows = sheet.iter_rows(values_only=True)
    assert header == ("Date", "Session", "Was", "Is", "How many")
    assert len(rows) == chosen["date"].nunique()
    assert sum(row[-1] for row in rows) == len(chosen)
