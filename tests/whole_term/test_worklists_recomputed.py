"""Every row of a day's worklists, worked out again from the tables of `attendance export`, the roll and the log alone.

Nothing of `derive/` or `reports/` is asked: what an office gets must be what anybody can find in the exported tables.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from nights import roll, tables

from attendance_pipeline.law.compulsory_age import compulsory_school_age
from attendance_pipeline.steps.site import open_site

Row = dict[str, Any]
# The first are the sheet Reviews, the second Illness spells, the third every N with its age.
ON_OTHER_SHEETS = (
    "Monitor attendance until the review",
    "Several spells of illness",
    "Establish the reason for code N",
)
CLASS_OF_CODE = {
    r["code"]: r["class"]
    for r in csv.DictReader(
        files("attendance_pipeline.law").joinpath("register_codes.csv").read_text("utf-8").splitlines()
    )
}
ABSENT = {code for code, kind in CLASS_OF_CODE.items() if kind in ("authorised", "unauthorised")}
COUNTED = {"G", "N", "O", "U"}


@dataclass(frozen=True)
class Told:
    """One home: what it exports, who is on roll, and what was delivered on the newest day."""

    home: Path
    tables: dict[str, pd.DataFrame]
    roll: dict[str, pd.DataFrame]

    @cached_property
    def days(self) -> list[dt.date]:
        return sorted(day.date() if hasattr(day, "date") else day for day in self.tables["stages"]["date"].unique())

    @property
    def today(self) -> dt.date:
        return self.days[-1]

    @cached_property
    def pupils(self) -> dict[str, Row]:
        found = self.roll["current_pupils"].to_dict("records")
        return {p["upn"]: p | {"name": f"{p['preferred_forename'] or p['forename']} {p['surname']}"} for p in found}

    @cached_property
    def marks(self) -> dict[tuple[str, dt.date], dict[str, str]]:
        out: dict[tuple[str, dt.date], dict[str, str]] = {}
        for r in self.tables["register"].to_dict("records"):
            out.setdefault((r["upn"], as_date(r["date"])), {})[r["session"]] = r["code"]
        return out

    def on_roll(self, upn: str, day: dt.date) -> bool:
        p = self.pupils[upn]
        return as_date(p["entry_date"]) <= day and (pd.isna(p["leaving_date"]) or day <= as_date(p["leaving_date"]))

    def age(self, day: dt.date) -> int:
        """School days since a day."""
        return self.days.index(self.today) - self.days.index(day)

    @cached_property
    def books(self) -> dict[str, openpyxl.Workbook]:
        found = (self.home / "outbox").glob(f"*/*/*/{self.today}/worklists/worklist.xlsx")
        return {path.parts[-5]: openpyxl.load_workbook(path) for path in found}

    def sheet(self, audience: str, name: str) -> list[Row]:
        """Rows of a sheet by header; the one line of an empty list is none."""
        header, *rows = self.books[audience][name].values
        found = [{h: as_date(v) for h, v in zip(header, row, strict=True)} for row in rows]
        return [row for row in found if sum(v is not None for v in row.values()) > 1]


def as_date(value: Any) -> Any:
    return value.date() if hasattr(value, "date") and not pd.isna(value) else value


def blank(value: Any) -> Any:
    return None if value is None or value is pd.NaT or value is pd.NA or value != value else as_date(value)


@pytest.fixture(scope="module")
def told(term_at_once: Path) -> Told:
    with open_site(term_at_once) as site:
        return Told(term_at_once, tables(term_at_once), roll(site))


def open_tasks(told: Told) -> list[Row]:
    """Tasks that are open at the end of the newest day."""
    out = []
    for t in told.tables["tasks"].to_dict("records"):
        row = {name: blank(value) for name, value in t.items()}
        if row["opened_on"] <= told.today and (row["closed_on"] is None or row["closed_on"] > told.today):
            out.append(row)
    return out


def test_there_is_something_on_every_kind_of_list(told: Told) -> None:
    rows = {
        ("attendance-lead", name): told.sheet("attendance-lead", name)
        for name in ("To do", "Letters", "Reviews", "No reason yet (N)", "Everyone", "Sickness return")
    }
    rows |= {("office", name): told.sheet("office", name) for name in ("To do", "Registers", "Notifications")}
    assert all(rows.values()), [place for place, found in rows.items() if not found]


def test_what_there_is_to_do_is_the_open_tasks_of_each_owner(told: Told) -> None:
    expected: dict[str, Counter[tuple[Any, ...]]] = {}
    for t in open_tasks(told):
        if not t["task"].startswith(ON_OTHER_SHEETS):
            who = told.pupils[t["upn"]]["name"] if t["upn"] else None
            expected.setdefault(t["owner"], Counter())[t["task"], who, t["due_on"], t["opened_on"]] += 1
    found = {
        audience: Counter((r["Task"], r["Pupil"], r["Due"], r["Since"]) for r in told.sheet(audience, "To do"))
        for audience in told.books
        if audience != "restricted"
    }
    assert {owner: rows for owner, rows in found.items() if rows} == expected


def test_overdue_comes_first_and_says_how_many_school_days(told: Told) -> None:
    for audience in told.books:
        rows = told.sheet(audience, "To do")
        late = [r["Due"] is not None and r["Due"] < told.today for r in rows]
        assert late == sorted(late, reverse=True)
        assert [r["When"] == "Overdue" for r in rows] == late
        dues = [r["Due"] for r in rows if r["When"] == "Overdue"]
        assert dues == sorted(dues)
        assert [r["School days late"] for r in rows if r["When"] == "Overdue"] == [told.age(due) for due in dues]


def test_every_n_of_the_register_with_its_age(told: Told) -> None:
    expected = Counter(
        (told.pupils[upn]["name"], day, session, told.age(day), "Overdue" if told.age(day) > 5 else "")
        for (upn, day), codes in told.marks.items()
        for session, code in codes.items()
        if code == "N" and day in told.days and day <= told.today and told.on_roll(upn, day)
    )
    for audience in ("office", "attendance-lead"):
        rows = told.sheet(audience, "No reason yet (N)")
        late = ["Overdue" if r["When"] == "Overdue" else "" for r in rows]
        found = [(r["Pupil"], r["Date"], r["Session"], r["Age in school days"]) for r in rows]
        assert Counter((*row, word) for row, word in zip(found, late, strict=True)) == expected
        assert [r["Age in school days"] for r in rows] == sorted((r[3] for r in found), reverse=True)


def test_each_class_has_the_n_of_its_own_pupils(told: Told) -> None:
    whole = Counter((r["Pupil"], r["Date"], r["Session"]) for r in told.sheet("office", "No reason yet (N)"))
    parts = [told.sheet(audience, "No reason yet (N)") for audience in told.books if audience.startswith("class-")]
    assert whole == sum((Counter((r["Pupil"], r["Date"], r["Session"]) for r in part) for part in parts), Counter())


def of_today(told: Told) -> list[Row]:
    """Rows of `stages` of the newest day, on the ladder."""
    rows = told.tables["stages"].to_dict("records")
    return [{k: blank(v) for k, v in r.items()} for r in rows if as_date(r["date"]) == told.today and r["stage"] > 0]


def test_reviews_are_those_of_the_table_of_stages(told: Told) -> None:
    expected = Counter(
        (
            told.pupils[r["upn"]]["name"],
            r["stage"],
            r["opened_on"],
            r["review_due"],
            None if r["checkpoint"] is None else round(float(r["checkpoint"]), 6),
            r["status"] == "awaiting_action",
        )
        for r in of_today(told)
    )
    rows = told.sheet("attendance-lead", "Reviews")
    assert expected == Counter(
        (
            r["Pupil"],
            r["Stage"],
            r["Stage since"],
            r["Review due"],
            None if r["At the checkpoint"] is None else round(r["At the checkpoint"], 6),
            r["When"] == "Not begun",
        )
        for r in rows
    )
    assert {r["Pupil"] for r in told.sheet("senco", "Reviews")} == {r["Pupil"] for r in rows if r["Stage"] >= 2}
    assert {r["Pupil"] for r in told.sheet("slt", "Reviews")} == {r["Pupil"] for r in rows if r["Stage"] == 4}


def test_this_weeks_reviews_are_those_of_the_week_in_which_the_list_is_read(told: Told) -> None:
    calendar = sorted(told.days)
    assert told.today == calendar[-1] and told.today.weekday() == 4, "the list of a Friday is read on a Monday"
    # The demonstration's last day is the Friday before a half-term from 16 to 20 February.
    this, following = dt.date(2026, 2, 23), dt.date(2026, 3, 2)
    for r in told.sheet("attendance-lead", "Reviews"):
        due = r["Review due"]
        if due is None:
            assert r["When"] == "Not begun"
        elif due < following:
            assert (r["When"], due >= this) == ("This week", True)
        else:
            assert r["When"] == ("Next week" if due < following + dt.timedelta(7) else None)


def test_the_headteacher_phones_who_is_at_stage_3_has_met_and_is_absent(told: Told) -> None:
    log = told.roll["current_interventions"].to_dict("records")
    met = {e["upn"] for e in log if e["action"] == "meeting_held" and as_date(e["date"]) < told.today}
    absent = {upn for (upn, day), codes in told.marks.items() if day == told.today and ABSENT & set(codes.values())}
    at_three = {r["upn"] for r in of_today(told) if r["stage"] == 3 and r["status"] == "monitoring"}
    expected = {told.pupils[upn]["name"] for upn in at_three & met & absent}
    for audience in ("headteacher", "attendance-lead"):
        assert {r["Pupil"] for r in told.sheet(audience, "Phone list")} == expected


def test_the_register_of_the_day_is_on_the_offices_list(told: Told) -> None:
    expected = set()
    for upn, p in told.pupils.items():
        codes = told.marks.get((upn, told.today), {})
        if told.on_roll(upn, told.today) and (ABSENT | {"U"}) & set(codes.values()):
            expected.add((p["name"], codes.get("AM"), codes.get("PM")))
    found = {(r["Pupil"], r["AM"], r["PM"]) for r in told.sheet("office", "Registers") if "No " not in r["Found"][:3]}
    assert found == expected


def of_compulsory_age(told: Told, upn: str, day: dt.date) -> bool:
    first, last = compulsory_school_age(as_date(told.pupils[upn]["date_of_birth"]))
    return first <= day <= last and told.on_roll(upn, day)


def test_the_two_returns_are_counted_from_the_register(told: Told) -> None:
    ill = Counter(
        upn
        for (upn, day), codes in told.marks.items()
        for code in codes.values()
        if code == "I" and day in told.days and of_compulsory_age(told, upn, day)
    )
    expected = {(told.pupils[upn]["name"], n / 2) for upn, n in ill.items() if n >= 30}
    rows = told.sheet("attendance-lead", "Sickness return")
    assert {(r["Pupil"], r["School days of illness"]) for r in rows} == expected
    runs = set()
    for upn, p in told.pupils.items():
        run: list[dt.date] = []
        for day in [*told.days, None]:
            codes = told.marks.get((upn, day), {}) if day else {}
            if day and len(codes) == 2 and set(codes.values()) <= COUNTED and of_compulsory_age(told, upn, day):
                run.append(day)
                continue
            if len(run) >= 10:
                runs.add((p["name"], run[0], run[-1], len(run)))
            run = []
    rows = told.sheet("office", "Attendance return")
    assert {(r["Pupil"], r["From"], r["To"], r["School days"]) for r in rows} == runs


def test_letters_wait_with_who_has_to_do_something(told: Told) -> None:
    letters = told.tables["letters"].to_dict("records")
    for audience, states in (("attendance-lead", ("proposed", "held")), ("office", ("approved",))):
        expected = {r["reference"] for r in letters if r["state"] in states}
        assert {r["Reference"] for r in told.sheet(audience, "Letters")} == expected


def test_the_summary_counts_what_the_lists_hold(told: Told) -> None:
    titles = {r["Owner"]: r for r in told.sheet("attendance-lead", "Everyone")}
    assert titles.keys() >= {"Office", "Attendance lead", "SENCO and wellbeing lead", "Headteacher"}
    for audience, title in (
        ("office", "Office"),
        ("attendance-lead", "Attendance lead"),
        ("senco", "SENCO and wellbeing lead"),
    ):
        rows = told.sheet(audience, "To do")
        assert titles[title]["Open"] == len(rows)
        assert titles[title]["Overdue"] == sum(r["When"] == "Overdue" for r in rows)


def test_slt_sees_everything_that_is_overdue_once(told: Told) -> None:
    expected = {
        (t["task"], told.pupils[t["upn"]]["name"] if t["upn"] else None, t["due_on"], t["opened_on"])
        for t in open_tasks(told)
        if not t["task"].startswith(ON_OTHER_SHEETS) and t["due_on"] and t["due_on"] < told.today
    }
    # Two rules for penalty notices may be met on one day: their tasks differ in the reason.
    rows = [(r["Task"], r["Pupil"], r["Due"], r["Since"], r["Reason"]) for r in told.sheet("slt", "Overdue")]
    assert len(rows) == len(set(rows)) and {row[:4] for row in rows} == expected
