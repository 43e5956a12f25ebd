"""What every action of the intervention log does in a whole night: an entry, and what is otherwise because of it.

Two homes of one school run the same night. Each pupil stands for one action; the second home's log has that entry more.
That log is a workbook as an office keeps it, with a title, blank rows, its own capitals and days counted by Excel.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from mis_files import workbook
from nights import drop, night, table
from openpyxl import load_workbook
from school_files import upn

from attendance_pipeline.derive.parents import parent_facts
from attendance_pipeline.home import init_home, open_home
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.mis.kinds import ACTIONS
from attendance_pipeline.steps.restate import derived
from attendance_pipeline.steps.site import open_site

TODAY = dt.date(2025, 9, 26)  # a Friday
EXCEL_DAY_0 = dt.date(1899, 12, 30)
OTHERS = 60  # pupils who are always there, so that a class with much absence is believable
COLUMNS = ["UPN", "Date", "Action", "Stage", "Contact ID", "From", "Until", "Amount", "By", "Note"]

Span = tuple[str, str, str]  # first day, last day, code of both sessions
Said = dict[str, str]


@dataclass(frozen=True)
class Entry:
    """One entry of the log. Days are of 2025 unless they say otherwise."""

    on: str
    action: str
    stage: int | None = None
    from_: str = ""
    until: str = ""
    contact: str = ""

    def row(self, pupil: str, contact: str) -> list[str]:
        stage = "" if self.stage is None else str(self.stage)
        to = contact if self.contact else ""
        return [
            pupil,
            day(self.on).isoformat(),
            self.action,
            stage,
            to,
            _iso(self.from_),
            _iso(self.until),
            "",
            "X",
            "",
        ]


@dataclass(frozen=True)
class Case:
    """`effect`: what is said of the pupil without the entry, and with it."""

    entry: Entry
    effect: dict[str, tuple[str, str]]
    marks: tuple[Span, ...] = ()
    before: tuple[Entry, ...] = ()


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text if len(text) == 10 else f"2025-{text}")


def _iso(text: str) -> str:
    return day(text).isoformat() if text else ""


THREE_DAYS_O = (("09-02", "09-04", "O"),)  # stage 1 opens when twenty sessions are known
THREE_DAYS_I = (("09-02", "09-04", "I"),)
FIVE_DAYS_O = (("09-02", "09-08", "O"),)  # ten sessions: the threshold of a penalty notice
STAGE_2 = (Entry("09-03", "set_stage", 2),)
STAGE_3 = (Entry("09-03", "set_stage", 3),)
MET = (*STAGE_3, Entry("09-04", "meeting_held", 3))
JUST_MET = (Entry("09-17", "set_stage", 3), Entry("09-18", "meeting_held", 3))
AWAY_SINCE = (*THREE_DAYS_O, ("09-22", "09-22", "I"))
LETTER_2 = (*STAGE_2, Entry("09-22", "letter_sent", 2))
QUESTIONED = (Entry("09-05", "reason_questioned", None, "09-02", "09-04"),)
TWO_NOTICES = tuple(Entry(on, "penalty_notice_issued", None, on, on, "a") for on in ("2025-03-03", "2025-05-05"))
CONSIDER = "task: Penalty-notice threshold met: consider"

CASES = [
    Case(Entry("09-22", "letter_approved", 1), {"letter_1": ("proposed", "approved"), "task: Approve letter 1 with leaflet": ("open", "09-22"), "stage": ("1 awaiting_action", "1 awaiting_action")}, THREE_DAYS_O),
    Case(Entry("09-22", "letter_rejected", 1), {"letter_1": ("proposed", "rejected"), "task: Approve letter 1 with leaflet": ("open", "09-22"), "task: Send letter 1 with leaflet": ("open", "09-22")}, THREE_DAYS_O),
    Case(Entry("09-22", "letter_sent", 1), {"letter_1": ("proposed", "sent"), "stage": ("1 awaiting_action", "1 monitoring"), "task: Send letter 1 with leaflet": ("open", "09-22")}, THREE_DAYS_O),
    Case(Entry("09-22", "phone_call"), {"task: Phone the parents: absent since the meeting": ("open", "09-22")}, AWAY_SINCE, JUST_MET),
    Case(Entry("09-22", "home_visit"), {"task: Phone the parents: absent since the meeting": ("open", "09-22")}, AWAY_SINCE, JUST_MET),
    Case(Entry("09-10", "meeting_arranged"), {"task: Call the parents to an informal meeting": ("open", "09-10"), "task: Hold the informal meeting with the parents": ("open", "open")}, THREE_DAYS_O, STAGE_2),
    Case(Entry("09-24", "meeting_held"), {"task: Hold the informal meeting with the parents": ("open", "09-24"), "stage": ("2 awaiting_action", "2 monitoring")}, THREE_DAYS_O, LETTER_2),
    Case(Entry("09-10", "target_agreed"), {"task: Agree targets with the parents": ("open", "09-10")}, THREE_DAYS_O, STAGE_2),
    Case(Entry("09-10", "plan_agreed"), {"task: Agree the plan of action": ("open", "09-10")}, THREE_DAYS_O, STAGE_3),
    Case(Entry("09-12", "plan_reviewed"), {"task: Follow up with the family and review the plan": ("open", "09-12")}, before=MET),
    Case(Entry("09-12", "follow_up_done"), {"task: Follow up with the family and review the plan": ("open", "09-12")}, before=MET),
    Case(Entry("09-10", "agency_contacted"), {"task: Consider other interventions": ("open", "09-10")}, THREE_DAYS_O, STAGE_2),
    Case(Entry("09-10", "support_refused"), {"task: Consider other interventions": ("open", "09-10")}, THREE_DAYS_O, STAGE_2),
    Case(Entry("09-10", "intervention_changed"), {"task: Consider other interventions": ("open", "09-10")}, THREE_DAYS_O, STAGE_2),
    Case(Entry("09-05", "reason_questioned", None, "09-02", "09-04"), {"stage": ("0 none", "1 awaiting_action"), "letter_1": ("", "proposed")}, THREE_DAYS_I),
    Case(Entry("09-08", "evidence_accepted", None, "09-02", "09-04"), {"stage": ("1 awaiting_action", "0 none"), "letter_1": ("proposed", "")}, THREE_DAYS_I, QUESTIONED),
    Case(Entry("09-15", "hold"), {"letter_1": ("proposed", "held: safeguarding hold"), "blocked": ("no Notice to Improve", "hold; no Notice to Improve")}, FIVE_DAYS_O),
    Case(Entry("09-18", "release"), {"letter_1": ("held: safeguarding hold", "proposed"), "blocked": ("hold; no Notice to Improve", "no Notice to Improve")}, FIVE_DAYS_O, (Entry("09-15", "hold"),)),
    Case(Entry("09-22", "set_stage", 2), {"stage": ("0 none", "2 awaiting_action"), "event": ("", "set")}, THREE_DAYS_I),
    Case(Entry("09-22", "close_episode", None, "", "09-30"), {"stage": ("1 awaiting_action", "0 watch"), "event": ("opened", "opened, closed"), "letter_1": ("proposed", "superseded")}, THREE_DAYS_O),
    Case(Entry("09-10", "referral_made"), {"task: Consider a referral to the local authority": ("open", "09-10")}, before=(Entry("09-03", "set_stage", 4),)),
    Case(Entry("09-22", "notice_to_improve_issued", None, "09-22", "10-10", "a"), {"blocked": ("no Notice to Improve", ""), CONSIDER: ("open", "09-22")}, FIVE_DAYS_O),
    Case(Entry("09-22", "penalty_notice_issued", None, "09-02", "09-08", "a"), {"case": ("met", "not_met"), "next notice": ("160 or 80", "160"), CONSIDER: ("open", "09-22")}, FIVE_DAYS_O),
    Case(Entry("2025-06-02", "penalty_notice_withdrawn", None, "", "", "a"), {"next notice": ("none", "160")}, FIVE_DAYS_O, TWO_NOTICES),
    Case(Entry("2025-06-02", "penalty_notice_paid", None, "", "", "a"), {"next notice": ("none", "none")}, FIVE_DAYS_O, TWO_NOTICES),
    Case(Entry("09-22", "not_pursued"), {"case": ("met", "met"), CONSIDER: ("open", "09-22")}, FIVE_DAYS_O),
]  # fmt: skip
PUPILS = [upn(n + 1) for n in range(len(CASES))]


def text(rows: list[list[str]], header: str) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([header.split(","), *rows])
    return out.getvalue().encode()


def registers(calendar: SchoolCalendar) -> bytes:
    days = [d for d in calendar.days.tolist() if d <= TODAY]
    rows = []
    for number in range(len(CASES) + OTHERS):
        marks = CASES[number].marks if number < len(CASES) else ()
        for d in days:
            code = next((c for first, last, c in marks if day(first) <= d <= day(last)), "")
            rows += [[upn(number + 1), d.isoformat(), s, code or p] for s, p in (("AM", "/"), ("PM", "\\"))]
    return text(rows, "UPN,Date,Session,Code")


def drop_school(home: Path) -> None:
    numbers = range(1, len(CASES) + OTHERS + 1)
    pupils = [[upn(n), f"Fo{n}", f"Su{n}", "2016-05-01", "5", f"5{'AB'[n % 2]}", "2020-09-01"] for n in numbers]
    contacts = [[upn(n), f"C{n}", "Pa", f"Su{n}", "Y", "Y", "Y", "N", f"{n} Lane", "Leeds", "LS1 4AP"] for n in numbers]
    drop(home, "pupils_2025-09-01.csv", text(pupils, "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date"))
    drop(
        home,
        "contacts_2025-09-01.csv",
        text(
            contacts,
            "UPN,Contact ID,Forename,Surname,Parental Responsibility,Lives With Pupil,Receives Correspondence,"
            "Court Restriction,Address 1,Town,Postcode",
        ),
    )
    drop(home, f"register_{TODAY}.csv", registers(open_home(home).schools[0].calendar))
    called = [n + 1 for n, case in enumerate(CASES) if case.before is JUST_MET]
    forms = [
        ["2025-09-22 07:45", "", f"Su{called[0]}, Fo{called[0]}", f"5{'AB'[called[0] % 2]}", "22/09/2025", "XSECRETX"],
        ["2025-09-25 19:00", upn(OTHERS), "", "", TODAY.isoformat(), "XSECRETX"],
        ["2025-09-26 08:10", "", "Somebody Else", "5A", TODAY.isoformat(), "XSECRETX"],
    ]
    drop(home, f"notifications_{TODAY}.csv", text(forms, "Submitted,UPN,Pupil Name,Class,First Date,Reason"))


def rows_of(entries: Callable[[Case], tuple[Entry, ...]]) -> list[list[str]]:
    return [e.row(PUPILS[n], f"C{n + 1}") for n, case in enumerate(CASES) for e in entries(case)]


def as_kept(rows: list[list[str]]) -> bytes:
    """The log as a workbook that somebody keeps: "Letter Sent", "Stage 1", days as numbers, lines left blank."""
    written: list[list[object]] = [["Interventions 2025/26"], [], [f"{c} " for c in COLUMNS]]
    for n, row in enumerate(rows):
        cells: list[object] = list(row)
        cells[1] = (dt.date.fromisoformat(row[1]) - EXCEL_DAY_0).days if n % 2 else row[1]
        cells[2] = row[2].replace("_", " ").title()
        cells[3] = f"Stage {row[3]}" if row[3] else None
        written += [cells, []] if n % 5 == 0 else [cells]
    return workbook(*written)


@dataclass(frozen=True)
class Told:
    """What two homes say: without the entries, and with them."""

    homes: tuple[Path, Path]
    tables: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]
    set_aside: int


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    base = init_home(tmp_path_factory.mktemp("log") / "home")
    policy = base / "policies" / "seed-school.toml"
    changed = policy.read_text().replace("[letters]", "[letters]\nbrake_letters = 1000")
    for stage in ("2", "3"):  # a review a week later, and not four
        line = next(x for x in changed.splitlines() if x.startswith(f"stages.{stage} ="))
        changed = changed.replace(line, line.replace("monitoring_school_weeks = 4", "monitoring_school_weeks = 1"))
    policy.write_text(changed)
    drop_school(base)
    homes = (base, Path(shutil.copytree(base, base.with_name("with"))))
    before = rows_of(lambda case: case.before)
    drop(homes[0], f"interventions_{TODAY}.csv", text(before, ",".join(COLUMNS)))
    entries = [*before, *rows_of(lambda case: (case.entry,))]
    drop(homes[1], f"interventions_{TODAY}.xlsx", as_kept(entries))
    loaded = [night(home, TODAY).loaded for home in homes]
    tables = []
    for home in homes:
        with open_site(home) as site:
            names = ("stages", "stage_events", "letters", "tasks", "penalty_notices")
            tables.append({name: table(site, name) for name in names})
    return Told(homes, (tables[0], tables[1]), sum(result.quarantined_new for result in loaded))


def said_of(told: Told, which: int, number: int, what: str) -> str:
    """One thing that a home says of a pupil on the day."""
    frames, pupil = told.tables[which], PUPILS[number]
    mine = {name: f[f["upn"] == pupil] for name, f in frames.items()}
    today = {name: f[pd.to_datetime(f["date"]).dt.date == TODAY] for name, f in mine.items() if "date" in f}
    if what == "stage":
        (row,) = today["stages"].itertuples()
        return f"{row.stage} {row.status}"
    if what == "event":
        return ", ".join(mine["stage_events"].sort_values("date")["event"])
    if what == "letter_1":
        found = mine["letters"][mine["letters"]["kind"] == "letter_1"]
        return "; ".join(f"{r.state}: {r.reason}" if r.state == "held" else r.state for r in found.itertuples())
    if what in ("case", "blocked"):
        rule = today["penalty_notices"].set_index("rule").loc["national-framework-2024"]
        return str(rule["status"] if what == "case" else rule["blocked_by"] or "")
    if what == "next notice":
        return next_notice(told.homes[which], number)
    name = what.removeprefix("task: ")
    tasks = mine["tasks"][mine["tasks"]["task"] == name].sort_values("opened_on")
    closed = pd.to_datetime(tasks["closed_on"]).iloc[0]
    return "open" if pd.isna(closed) else f"{closed:%m-%d}"


def next_notice(home: Path, number: int) -> str:
    with open_site(home) as site:
        (school,) = site.schools()
        last = school.calendar.on_or_before(TODAY)
        whole = derived(site, school, 0, last)
        row = whole.inputs.pupils.upn.tolist().index(PUPILS[number])
        tariff = parent_facts(whole, row, f"C{number + 1}", last, 0).tariff
    if tariff is None:
        return "none"
    return f"{tariff.amount} or {tariff.early_amount}" if tariff.early_amount else str(tariff.amount)


CHECKS = [
    pytest.param(n, what, without, with_, id=f"{case.entry.action}: {what.removeprefix('task: ')}")
    for n, case in enumerate(CASES)
    for what, (without, with_) in case.effect.items()
]


@pytest.mark.parametrize(("number", "what", "without", "with_"), CHECKS)
def test_an_entry_and_what_is_otherwise_because_of_it(
    told: Told, number: int, what: str, without: str, with_: str
) -> None:
    assert (said_of(told, 0, number, what), said_of(told, 1, number, what)) == (without, with_)


def test_every_action_has_its_case() -> None:
    assert {case.entry.action for case in CASES} == ACTIONS


def test_nothing_of_the_workbook_was_set_aside(told: Told) -> None:
    assert told.set_aside == 0


def test_an_entry_is_about_its_pupil_alone(told: Told) -> None:
    """Who has no entry of their own is told of in the same words by both homes."""
    others = {upn(n) for n in range(len(CASES) + 1, len(CASES) + OTHERS + 1)}
    for name in told.tables[0]:
        one, two = (f[name][f[name]["upn"].isin(others)].reset_index(drop=True) for f in told.tables)
        pd.testing.assert_frame_equal(one, two)


def delivered(home: Path, audience: str, sheet: str) -> list[dict[str, object]]:
    (file,) = (home / "outbox" / "example" / audience).rglob("worklist.xlsx")
    rows = load_workbook(file)[sheet].values
    header = next(rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_the_nights_worklists_say_what_parents_notified(told: Told) -> None:
    rows = delivered(told.homes[0], "office", "Notifications")
    assert [(r["Pupil"], r["What to do"], r["Matched by"]) for r in rows] == [
        ("Somebody Else", "No pupil has this name: find out who is meant, and put the UPN on the form", None),
        (f"Fo{OTHERS} Su{OTHERS}", "Check: notified as absent, and marked present", "UPN"),
    ]
    mine = delivered(told.homes[0], "class-5A", "Notifications")
    assert [r["Pupil"] for r in mine] == [r["Pupil"] for r in rows]


def test_the_headteachers_phone_list_says_whether_the_absence_was_notified(told: Told) -> None:
    rows = delivered(told.homes[0], "headteacher", "To do")
    calls = {str(r["Pupil"]): r["Reason"] for r in rows if str(r["Task"]).startswith("Phone the parents")}
    first, second = (n + 1 for n, case in enumerate(CASES) if case.before is JUST_MET)
    assert calls == {
        f"Fo{first} Su{first}": "Absence notified on the online form: yes (name and class), sent 22/09/2025 07:45",
        f"Fo{second} Su{second}": "Absence notified on the online form: no",
    }


@pytest.mark.parametrize(
    ("mode", "letter", "gone"),
    [("changes", "held: safeguarding hold", [("2025-09-15", "Hold")]), ("complete", "proposed", None)],
)
def test_a_hold_whose_row_is_deleted(
    told: Told, tmp_path: Path, mode: str, letter: str, gone: list[tuple[str, str]] | None
) -> None:
    """The next version of the log lacks the row: it counts all the same and is shown, or it was taken back."""
    home = Path(shutil.copytree(told.homes[1], tmp_path / "home"))
    settings = home / "attendance.toml"
    settings.write_text(settings.read_text().replace("calendar =", f'log_extracts = "{mode}"\ncalendar =', 1))
    number = next(n for n, case in enumerate(CASES) if case.entry.action == "hold")
    entries = rows_of(lambda case: (*case.before, *(() if case.entry.action == "hold" else (case.entry,))))
    drop(home, f"interventions_{TODAY + dt.timedelta(days=1)}.xlsx", as_kept(entries))
    night(home, TODAY)
    with open_site(home) as site:
        letters = table(site, "letters")
    (found,) = letters[(letters["upn"] == PUPILS[number]) & (letters["kind"] == "letter_1")].itertuples()
    assert (f"{found.state}: {found.reason}" if found.state == "held" else found.state) == letter
    newest = max((home / "outbox" / "example" / "attendance-lead").rglob("worklist.xlsx"), key=lambda f: f.parent.name)
    book = load_workbook(newest)
    assert ("Gone from the log" in book.sheetnames) is (gone is not None)
    if gone is not None:
        rows = list(book["Gone from the log"].values)[1:]
        assert [(f"{row[1]:%Y-%m-%d}", row[2]) for row in rows] == gone


def test_reasons_of_forms_are_nowhere_in_a_home(told: Told) -> None:
    for path in told.homes[0].rglob("*"):
        if path.is_file():
            assert b"XSECRETX" not in path.read_bytes(), path.suffix
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as archive:
                    assert not any(b"XSECRETX" in archive.read(name) for name in archive.namelist()), path.suffix
