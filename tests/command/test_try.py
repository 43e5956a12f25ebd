"""`attendance try` as a person uses it: what it prints, what it writes and does not, what it refuses; and that it says
what a whole home says of the same marks."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from demo_homes import attendance, attendance_process, read, tree
from nights import derive, load
from openpyxl import load_workbook
from try_school import CALENDAR, School, as_csv, as_xlsx, make_school, named_rows, native, sims_xml

from attendance_pipeline.trial import told

SHEETS = ["Summary", "How it was read", "Calendar", "Penalty notices", "Stages", "Persistent absence", "Differences"]
LAST = dt.date(2026, 2, 11)


@pytest.fixture(scope="module")
def school() -> School:
    return make_school(until=LAST, seed=3)


@pytest.fixture
def folder(school, tmp_path, monkeypatch) -> Path:
    """A folder with an export and a list, where the user stands; no home is anywhere near."""
    (tmp_path / "marks.csv").write_bytes(
        as_csv(("Surname", "Forename", "Reg", "Date", "Session", "Mark"), named_rows(school))
    )
    rows = [(f"{p.surname}, {p.forename}", p.class_name, "91.5") for p in school.pupils]
    (tmp_path / "list.csv").write_bytes(as_csv(("Name", "Class", "% Attendance"), rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def as_json(*arguments: object) -> dict:
    said = attendance("try", *arguments, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


# ---------------------------------------------------------------- what it says


def test_everything_is_on_the_screen_and_fits_it(folder):
    said = attendance("try", "marks.csv", "--against", "list.csv")
    assert said.code == 0 and said.err == ""
    headings = [
        line
        for line, below in zip(said.out.splitlines(), said.out.splitlines()[1:], strict=False)
        if below and set(below) == {"-"}
    ]
    assert headings == [
        "How it was read",
        "Calendar, as the marks show it",
        "Penalty notices: national-framework-2024",
        "Stages of the ladder",
        "Persistent and severe absence, year to date",
        "Beside list.csv",
    ]
    assert max(map(len, said.out.splitlines())) <= told.WIDTH
    assert said.last_lines == ["Every row, in full: attendance-try.xlsx"]


def test_what_is_left_out_of_a_table_is_counted(folder):
    short, full = (
        attendance("try", "marks.csv", "--no-workbook").out,
        attendance("try", "marks.csv", "--no-workbook", "--all").out,
    )
    absent = len(as_json("marks.csv")["persistent_absence"])
    assert absent > told.ROWS
    assert f"… and {absent - told.ROWS} more pupils" in short and "…" not in full
    assert max(map(len, full.splitlines())) <= told.WIDTH


def test_json_says_it_all(folder, school):
    said = as_json("marks.csv", "--against", "list.csv")
    assert said["read"]["pupils"] == len(school.pupils) and said["read"]["known_by"] == "name and class"
    assert said["calendar"]["school_days"] == len(school.days) and said["calendar"]["last_day"] == LAST.isoformat()
    for notice in said["penalty_notices"]:
        assert len(notice["sessions"]) == notice["counted"]
        assert min(s["drops_out_on"] for s in notice["sessions"]) == notice["drops_out_on"]
    assert len(said["differences"]["rows"]) >= len(school.pupils)


def test_the_workbook_has_every_row(folder):
    attendance("try", "marks.csv", "--against", "list.csv", "-o", "out.xlsx")
    said = as_json("marks.csv", "--against", "list.csv")
    book = load_workbook(folder / "out.xlsx")
    assert book.sheetnames == SHEETS
    rows = {sheet.title: sheet.max_row - 1 for sheet in book}
    assert rows["Penalty notices"] == len(said["penalty_notices"])
    assert rows["Stages"] == len(said["stages"]) and rows["Persistent absence"] == len(said["persistent_absence"])
    assert rows["Differences"] == len(said["differences"]["rows"])
    for sheet in book:
        assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref and sheet.print_title_rows == "$1:$1"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage and (sheet.page_setup.fitToWidth or 1) == 1
        assert all(d.width for d in sheet.column_dimensions.values())


def test_the_blank_cells_that_matter_are_shown_both_ways(folder, school):
    rows = [["" if c in ("/", "\\") else c for c in row] for row in named_rows(school)]
    (folder / "absences.csv").write_bytes(as_csv(("Surname", "Forename", "Reg", "Date", "Session", "Mark"), rows))
    said = attendance("try", "absences.csv", "--no-workbook").out
    block = said[said.index("Blank cells") : said.index("Penalty notices")]
    assert "present (shown)" in block and "not entered" in block and "--blank missing" in block
    chosen = as_json("absences.csv", "--blank", "missing")["blank"]
    assert chosen["taken_as"] == "missing" and chosen["chosen"] and chosen["otherwise"]["possible"] > 0


# ---------------------------------------------------------------- as a whole home says it


@pytest.fixture(scope="module")
def whole_home(school, tmp_path_factory) -> dict[str, pd.DataFrame]:
    """Stages and penalty notices that a home derives from the same marks, on the first day on which each counts."""
    home = tmp_path_factory.mktemp("whole") / "home"
    assert attendance("init", home).code == 0
    inbox = home / "inbox" / "example"
    day = CALENDAR.date(CALENDAR.on_or_before(LAST) + 1)
    people = as_csv(
        ("UPN", "Forename", "Surname", "Date of Birth", "Year Group", "Class", "Entry Date", "Leaving Date"),
        (
            (p.upn, p.forename, p.surname, p.born, p.year, p.class_name, min(d for d, _ in p.marks), _left(p, school))
            for p in school.pupils
        ),
    )
    for name, data in ((f"pupils_{LAST}.csv", people), (f"register_{LAST}.csv", native(school))):
        (inbox / name).write_bytes(data)
        os.utime(inbox / name, (1_700_000_000, 1_700_000_000))
    assert load(home).quarantined_new == 0
    derive(home, day)
    tables = ("stages", "penalty_notices")
    return {t: read(attendance("export", t, "--home", home, "--from", day, "--to", day)) for t in tables}


def _left(pupil, school: School) -> str:
    last = max(d for d, _ in pupil.marks)
    return str(last) if school.days.index(last) < len(school.days) - 10 else ""


@pytest.mark.parametrize("write", [native, sims_xml])
def test_a_home_says_the_same_of_the_same_marks(write, whole_home, school, tmp_path):
    file = tmp_path / "marks.any"
    file.write_bytes(write(school))
    said = as_json(file)
    stages = {r.upn: (int(r.stage), r.status, r.opened_on) for r in whole_home["stages"].itertuples() if r.stage != "0"}
    assert {s["upn"]: (s["stage"], s["status"], s["opened_on"]) for s in said["stages"] if s["stage"]} == stages
    rows = whole_home["penalty_notices"]
    rows = rows[(rows["rule"] == "national-framework-2024") & (rows["status"] != "not_met")]
    notices = {r.upn: (r.status, int(r.counted), int(r.needed), r.window_from, r.window_to) for r in rows.itertuples()}
    assert notices == {
        n["upn"]: (n["status"], n["counted"], n["needed"], n["window_from"], n["window_to"])
        for n in said["penalty_notices"]
    }
    assert stages and notices


# ---------------------------------------------------------------- what it writes


def test_nothing_is_written_but_the_workbook(folder):
    before = tree(folder)
    for more in ([], ["--against", "list.csv"]):
        for how in (["--no-workbook"], ["--json"]):
            assert attendance("try", "marks.csv", *more, *how).code == 0
    assert tree(folder) == before
    assert attendance("try", "marks.csv").code == 0
    assert attendance("try", "marks.csv").last_lines == ["Every row, in full: attendance-try-2.xlsx"]
    assert tree(folder).keys() - before.keys() == {"attendance-try.xlsx", "attendance-try-2.xlsx"}
    assert (folder / "attendance-try.xlsx").stat().st_mode & 0o077 == 0


def test_the_workbook_is_not_put_beside_the_file(folder, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    before = tree(folder)
    assert attendance("try", folder / "marks.csv").code == 0
    assert tree(folder) == before and [p.name for p in elsewhere.iterdir()] == ["attendance-try.xlsx"]


def test_no_home_is_needed_or_made(folder):
    said = attendance_process("try", "marks.csv", "--no-workbook", cwd=folder)
    assert (said.code, said.err) == (0, "")
    assert sorted(p.name for p in folder.iterdir()) == ["list.csv", "marks.csv"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["marks.csv", "-o", "list.csv"], ".xlsx"),
        (["marks.csv", "-o", "nowhere/a.xlsx"], "no folder"),
        (["marks.csv", "-o", "there.xlsx"], "nothing is overwritten"),
        (["marks.csv", "-o", "a.xlsx", "--no-workbook"], "exclude"),
        (["missing.csv"], "No such file"),
        (["."], "not an ordinary file"),
        (["marks.csv", "--against", "missing.csv"], "No such file"),
        (["marks.csv", "--against", "empty.csv"], "empty"),
        (["marks.csv", "--policy", "missing.toml"], "there is none"),
        (["marks.csv", "--policy", "list.csv"], "TOML"),
        (["marks.csv", "--code", "x=ZZ"], "register code"),
        (["marks.csv", "--list-of", "best"], "invalid choice"),
        (["list.csv"], "no marks"),
        (["empty.csv"], "empty"),
        (["bomb.xml"], "document type"),
        (["pipe"], "not an ordinary file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_written(arguments, why, folder, school):
    (folder / "there.xlsx").write_bytes(b"mine")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "bomb.xml").write_bytes(
        b'<!DOCTYPE a [<!ENTITY a "aaaa">]><SuperStarReport><Record>&a;</Record></SuperStarReport>'
    )
    os.mkfifo(folder / "pipe")
    before = tree(folder)
    said = attendance("try", *arguments)
    assert said.code == 2 and why in said.err
    assert tree(folder) == before
    words = {p.upn for p in school.pupils} | {p.surname for p in school.pupils} | {p.forename for p in school.pupils}
    assert not {w for w in words if f" {w} " in said.err or f"{w}," in said.err}


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="who may write everywhere is refused nothing"
)
def test_a_folder_that_cannot_be_written_to_is_said_at_once(folder):
    folder.chmod(0o500)
    try:
        said = attendance("try", "marks.csv")
    finally:
        folder.chmod(0o700)
    assert said.code == 2 and "--no-workbook" in said.err and said.out == ""


def test_a_formula_in_a_name_is_text_in_the_workbook(folder, school):
    rows = [("=HYPERLINK(1)" if r[0] == "Ash" else r[0], *r[1:]) for r in named_rows(school)]
    (folder / "odd.xlsx").write_bytes(as_xlsx([("Surname", "Forename", "Reg", "Date", "Session", "Mark"), *rows]))
    assert attendance("try", "odd.xlsx", "-o", "out.xlsx").code == 0
    cells = [c for sheet in load_workbook(folder / "out.xlsx") for row in sheet.iter_rows() for c in row]
    assert not [c for c in cells if c.data_type == "f"]


# ---------------------------------------------------------------- policies


def test_another_policy(folder):
    from attendance_pipeline.law.policy import shipped_policy_text

    strict = shipped_policy_text().replace("autumn = 85, spring = 90", "autumn = 99, spring = 99")
    (folder / "strict.toml").write_text(strict.replace('name = "seed-school"', 'name = "strict"', 1))
    ours, theirs = as_json("marks.csv"), as_json("marks.csv", "--policy", "strict.toml")
    assert theirs["policy"]["name"] == "strict" and len(theirs["stages"]) > len(ours["stages"])
    assert {n["rule"] for n in ours["penalty_notices"]} == {"national-framework-2024"}
    assert {n["rule"] for n in theirs["penalty_notices"]} == {"national-framework-2024", "local-code"}


def test_marks_from_before_the_rules_meet_none(folder, school):
    rows = [(r[0], r[1], r[2], f"{r[3][:6]}{int(r[3][6:]) - 8}", *r[4:]) for r in named_rows(school)]
    (folder / "old.csv").write_bytes(as_csv(("Surname", "Forename", "Reg", "Date", "Session", "Mark"), rows))
    said = attendance("try", "old.csv", "--no-workbook").out
    assert "No statutory rule of the policy is in force" in said and "No ladder of the policy is in force" in said


def test_a_week_is_too_short_for_persistent_absence(folder, school):
    week = [r for r in named_rows(school) if r[3] in {f"{d:%d/%m/%Y}" for d in school.days[:4]}]
    (folder / "week.csv").write_bytes(as_csv(("Surname", "Forename", "Reg", "Date", "Session", "Mark"), week))
    assert as_json("week.csv")["persistent_absence"] is None
    assert "too few" in attendance("try", "week.csv", "--no-workbook").out


def test_two_exports_of_the_same_give_the_same_bytes(folder):
    for name in ("a.xlsx", "b.xlsx"):
        attendance("try", "marks.csv", "-o", name)
    assert (folder / "a.xlsx").read_bytes() == (folder / "b.xlsx").read_bytes()


def test_a_name_cannot_steer_the_terminal(folder, school):
    rows = [(f"\x1b[2J{r[0]}\u202e", *r[1:]) for r in named_rows(school)]
    (folder / "odd.csv").write_bytes(as_csv(("Surname", "Forename", "Reg", "Date", "Session", "Mark"), rows))
    said = attendance("try", "odd.csv", "--no-workbook")
    assert said.code == 0 and not {c for c in said.out if c != "\n" and (ord(c) < 32 or c == "\u202e")}
