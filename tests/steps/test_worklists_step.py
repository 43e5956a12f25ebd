"""What a day's worklists say of a home whose extracts are written by hand: whom the headteacher phones, and whom not;
tasks of the whole school, closed by the log; owners that the policy has otherwise.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from small_home import ANN, BEN, CAT, DAN, EVE, FAY, REGISTER, derive, drop, drop_weeks, exported, load, small_home

from attendance_pipeline.reports.worklist_facts import WorklistDay
from attendance_pipeline.reports.worklist_rows import owner_lists
from attendance_pipeline.steps.deliver import newest
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.steps.worklists import worklist_day, worklists

TODAY = dt.date(2026, 9, 18)  # a Friday
LOG = "UPN,Date,Action,Stage,Contact ID,From,Until,By,Note"
PUPILS = (
    "UPN,Admission Number,Forename,Surname,Preferred Forename,Date of Birth,Year Group,Class,Entry Date,Looked After"
)
CONTACTS = (
    "UPN,Contact ID,Priority,Title,Forename,Surname,Relationship,Parental Responsibility,Lives With Pupil,"
    "Receives Correspondence,Court Restriction,Telephone,Language"
)
NAMES = {ANN: "Ann Ash", BEN: "Ben Birch", CAT: "Cat Cole", DAN: "Dan Dell", EVE: "Eve Elm", FAY: "Fay Fir"}
ABSENT_TODAY = dict.fromkeys((ANN, BEN, CAT, DAN, EVE), "09-18 O") | {FAY: "09-18 PM N"}


def home_of(folder: Path) -> Path:
    """All but Eve are at stage 3 and met on the 10th; Eve has not met. Everybody is absent today, Fay in the afternoon."""
    home = small_home(folder)
    rows = [
        f"{u},A{n},{name.split()[0]},{name.split()[1]},,2015-05-01,5,5A,2020-09-01,{'Y' if u == CAT else 'N'}"
        for n, (u, name) in enumerate(NAMES.items())
    ]
    drop(home, "pupils_2026-06-01.csv", PUPILS, rows)
    contacts = [
        *(f"{u},M{n},1,Ms,Mo,Ther{n},Mother,Y,Y,Y,N,0113 496 000{n}," for n, u in enumerate(NAMES)),
        f"{ANN},F0,2,Mr,Fa,Ther,Father,Y,N,Y,N,0113 496 0010,Polish",
        f"{BEN},F1,2,Mr,Court,Ordered,Father,Y,N,Y,Y,0113 496 0011,",  # restricted by a court
        f"{BEN},G1,3,Mrs,Grand,Mother,Grandmother,N,N,Y,N,0113 496 0012,",  # no parental responsibility
        f"{BEN},S1,4,Mr,Never,Told,Stepfather,Y,N,N,N,0113 496 0013,",  # not to be told
    ]
    drop(home, "contacts_2026-06-01.csv", CONTACTS, contacts)
    drop_weeks(home, ABSENT_TODAY)
    log = [f"{u},2026-09-09,set_stage,3,,,,X," for u in NAMES]
    log += [f"{u},2026-09-10,meeting_held,3,,,,X," for u in NAMES if u != EVE]
    log += [f"{DAN},2026-09-11,hold,,,,,X,"]
    log += ["Whole school,2026-09-17,Follow up done,,,,,X,", " whole SCHOOL ,2026-09-09,meeting_held,,,,,X,"]
    drop(home, "interventions_2026-09-18.csv", LOG, log)
    load(home)
    derive(home, TODAY)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return home_of(tmp_path_factory.mktemp("worklists") / "home")


@pytest.fixture(scope="module")
def today(home: Path) -> WorklistDay:
    return day_of(home)


def day_of(home: Path) -> WorklistDay:
    with open_site(home) as site:
        (school,) = site.schools()
        found = newest(site, school)
        assert found is not None
        return worklist_day(site, school, *found)


def sheet(day: WorklistDay, owner: str, key: str) -> list[dict[str, Any]]:
    (found,) = [s for o in owner_lists(day) if o.owner == owner for s in o.sheets if s.key == key]
    return [dict(row) for row in found.rows]


def test_the_day_is_the_newest_that_is_done(today: WorklistDay) -> None:
    assert today.day == TODAY


@pytest.mark.parametrize(
    ("pupil", "absent", "whom"),
    [
        ("Ann Ash", "AM and PM: code O", "Ms Mo Ther0 (mother): 0113 496 0000\nMr Fa Ther (father): 0113 496 0010, Polish"),
        ("Ben Birch", "AM and PM: code O", "Ms Mo Ther1 (mother): 0113 496 0001"),
        ("Cat Cole", "AM and PM: code O", "Ask the attendance lead before phoning"),  # looked after
        ("Dan Dell", "AM and PM: code O", "Ask the attendance lead before phoning"),  # all letters are on hold
        ("Fay Fir", "AM: in school, PM: code N", "Ms Mo Ther5 (mother): 0113 496 0005"),
    ],
)  # fmt: skip
def test_whom_the_headteacher_phones(today: WorklistDay, pupil: str, absent: str, whom: str) -> None:
    (row,) = [r for r in sheet(today, "headteacher", "phone") if r["pupil"] == pupil]
    assert (row["absent"], row["contacts"], row["met"]) == (absent, whom, dt.date(2026, 9, 10))
    assert row["days"] == 1


def test_who_has_not_met_is_not_phoned(today: WorklistDay) -> None:
    assert "Eve Elm" not in {r["pupil"] for r in sheet(today, "headteacher", "phone")}


def test_nobody_who_must_not_be_told_is_named_in_any_workbook(home: Path) -> None:
    with open_site(home) as site:
        worklists(site, "a run")
        files = sorted(site.home.drive.rglob("worklist.xlsx"))
        assert len(files) == 6  # five owners and one class
        for file in files:
            words = " ".join(
                str(cell.value) for s in openpyxl.load_workbook(file) for row in s.iter_rows() for cell in row
            )
            for name in ("Ordered", "Grand", "Never", "0113 496 0011", "court", "looked after", "hold;"):
                assert name not in words, file.parent.parent.parent.name


def tasks(home: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported(home, ["tasks"])["tasks"])))


def test_entries_of_the_whole_school_are_understood_and_close_its_tasks(home: Path) -> None:
    assert list(csv.DictReader(io.StringIO(exported(home, ["quarantine"])["quarantine"]))) == []
    of_school = {
        (t["task"], t["opened_on"]): (t["owner"], t["due_on"], t["closed_on"]) for t in tasks(home) if not t["upn"]
    }
    share, monitor = "Share class attendance with each class teacher", "Monitor whole-school attendance"
    pastoral = "Take part in the pastoral meeting"
    assert of_school == {
        # Nobody wrote an entry in the first week: it was late until the week after next began.
        (share, "2026-09-01"): ("attendance-lead", "2026-09-04", "2026-09-14"),
        (share, "2026-09-07"): ("attendance-lead", "2026-09-11", "2026-09-17"),
        (share, "2026-09-14"): ("attendance-lead", "2026-09-18", "2026-09-17"),
        (monitor, "2026-09-01"): ("attendance-lead", "2026-09-04", "2026-09-14"),
        (monitor, "2026-09-07"): ("attendance-lead", "2026-09-11", ""),
        (monitor, "2026-09-14"): ("attendance-lead", "2026-09-18", ""),
        (pastoral, "2026-09-01"): ("slt", "2026-09-11", "2026-09-09"),
        (pastoral, "2026-09-14"): ("slt", "2026-09-25", ""),
    }


def test_the_leads_list_has_them_without_a_pupil(today: WorklistDay) -> None:
    rows = [r for r in sheet(today, "attendance-lead", "to_do") if r["task"] == "Monitor whole-school attendance"]
    assert [(r["when"], r["late"], r.get("pupil"), r["closes"]) for r in rows] == [
        ("Overdue", 5, None, "Plan reviewed, for Whole school"),
        ("Today", None, None, "Plan reviewed, for Whole school"),
    ]


@pytest.mark.parametrize(
    ("line", "owners"),
    [
        ("", {"attendance-lead", "class-5A", "headteacher"}),
        ('owner = "headteacher"', {"headteacher"}),
        ('owner = ["slt", "class-teacher"]', {"slt", "class-5A"}),
        ("wanted = false", set()),
    ],
)
def test_the_policy_says_whose_a_task_is(home: Path, tmp_path: Path, line: str, owners: set[str]) -> None:
    import shutil

    other = Path(shutil.copytree(home, tmp_path / "home"))
    policy = next((other / "policies").glob("*.toml"))
    words = "Meet the pupil, the class teacher and the parents"
    policy.write_text(policy.read_text("utf-8") + f'\n[tasks."{words}"]\n{line}\n', "utf-8")
    assert {t["owner"] for t in tasks(other) if t["task"] == words} == owners
    # The board and the workbooks have what the table has.
    open_now = {t["owner"] for t in tasks(other) if t["task"] == words and not t["closed_on"]}
    lists = {
        o.owner
        for o in owner_lists(day_of(other))
        for s in o.sheets
        if s.key == "to_do"
        for r in s.rows
        if r["task"] == words
    }
    assert lists == open_now


def test_only_the_log_speaks_of_the_whole_school(tmp_path: Path) -> None:
    home = small_home(tmp_path / "home")
    drop(home, "pupils_2026-06-01.csv", PUPILS, [f"{ANN},A1,Ann,Ash,,2015-05-01,5,5A,2020-09-01,N"])
    drop(home, "register_2026-09-18.csv", REGISTER, [f"{ANN},2026-09-18,AM,/,,", "Whole school,2026-09-18,AM,O,,"])
    drop(home, "interventions_2026-09-18.csv", LOG, ["Whole school,2026-09-18,meeting_held,,,,,X,"])
    load(home)
    refused = list(csv.DictReader(io.StringIO(exported(home, ["quarantine"])["quarantine"])))
    assert [(r["extract"], r["line"], r["column"]) for r in refused] == [("register_2026-09-18.csv", "3", "UPN")]
