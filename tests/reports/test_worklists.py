"""What each owner finds on a worklist, in which order, and what must stand on the restricted list alone."""

from __future__ import annotations

import datetime as dt
import io
import itertools
from typing import Any

import numpy as np
import openpyxl
import pytest
import report_world
from exam_school import derive, entry, school

from attendance_pipeline.derive.inputs import PupilTable, marks_from_text
from attendance_pipeline.derive.tasks import tasks_of
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.register_codes import ATTENDED, CODES
from attendance_pipeline.reports.facts import PupilFacts
from attendance_pipeline.reports.restricted import ELSEWHERE
from attendance_pipeline.reports.worklist_facts import (
    AttendanceReturn,
    Contact,
    Missed,
    MissingRegister,
    PhoneCall,
    Review,
    SicknessReturn,
    Task,
    UnresolvedMark,
    WorklistDay,
    find_unresolved,
    phone_calls,
    pupil_facts,
    registers_of,
    reviews_of,
)
from attendance_pipeline.reports.worklist_rows import ON_OTHER_SHEETS, ListSheet, open_reason, owner_lists, owner_titles
from attendance_pipeline.reports.worklists import Worklists, build_worklists

DAY = dt.date(2026, 2, 11)  # a Wednesday
CALENDAR = report_world.calendar()
PUPILS = {
    1: PupilFacts("Ada Ash", "3/4 Elm", "3", 2, 0.8333),
    2: PupilFacts("Ben Birch", "5 Oak", "5", 0, None),
    3: PupilFacts("=cmd()", "5 Oak", "5", 1, 0.9),
}


def given(**more: Any) -> WorklistDay:
    return WorklistDay("Oakfield Primary School", CALENDAR, DAY, PUPILS, class_names=["3/4 Elm", "5 Oak"], **more)


def build(tasks: list[Task], unresolved: tuple[UnresolvedMark, ...] = ()) -> Worklists:
    return build_worklists(given(tasks=tasks, unresolved=unresolved))


def rows(content: bytes, sheet: str) -> list[dict[str, object]]:
    table = openpyxl.load_workbook(io.BytesIO(content))[sheet].values
    header = next(table)
    return [dict(zip(header, row, strict=True)) for row in table]


def to_do(lists: Worklists, audience: str) -> list[dict[str, object]]:
    return rows(lists.files[audience]["worklist.xlsx"], "To do")


def task(owner: str = "office", what: str = "send_letter", due: dt.date | None = None, **more: object) -> Task:
    return Task(owner, what, dt.date(2026, 2, 2), due, **more)  # type: ignore[arg-type]  # keywords of Task


ORDERED = [
    task(what="late_first", due=dt.date(2026, 2, 3), pupil=2),
    task(what="late", due=dt.date(2026, 2, 10), pupil=1),
    task(what="today", due=DAY, pupil=1),
    task(what="later", due=dt.date(2026, 2, 13)),
    task(what="no_date"),
]


@pytest.mark.parametrize("shuffled", list(itertools.permutations(range(5)))[::17])
def test_overdue_first_then_by_due_date_and_without_one_last(shuffled: tuple[int, ...]) -> None:
    lists = build([ORDERED[i] for i in shuffled])
    found = to_do(lists, "office")
    assert [r["Task"] for r in found] == ["Late first", "Late", "Today", "Later", "No date"]
    assert [r["When"] for r in found] == ["Overdue", "Overdue", "Today", None, None]
    assert [r["School days late"] for r in found] == [6, 1, None, None, None]
    assert lists.files == build(ORDERED).files


def test_a_row_says_who_and_why() -> None:
    found = to_do(build([task(due=DAY, pupil=1, reason="Stage 2 opened", reference="OAK-26-0007")]), "office")[0]
    assert found == {
        "When": "Today",
        "Due": dt.datetime(2026, 2, 11),
        "School days late": None,
        "Task": "Send letter",
        "Pupil": "Ada Ash",
        "Class": "3/4 Elm",
        "Year": "3",
        "Stage": 2,
        "Attendance": 0.8333,
        "Reason": "Stage 2 opened",
        "Reference": "OAK-26-0007",
        "Since": dt.datetime(2026, 2, 2),
        "Write in the log": None,
    }


@pytest.mark.parametrize(
    ("opened", "closed", "listed"),
    [
        (DAY, None, True),
        (DAY + dt.timedelta(1), None, False),
        (dt.date(2026, 2, 2), DAY, False),
        (dt.date(2026, 2, 2), DAY + dt.timedelta(1), True),
    ],
)
def test_a_task_is_listed_from_its_opening_until_the_day_it_is_closed(
    opened: dt.date, closed: dt.date | None, listed: bool
) -> None:
    lists = build([Task("office", "ring", opened, None, closed)])
    assert (lists.counts["office"].open == 1) is listed


def test_everyone_has_a_list_also_with_nothing_to_do() -> None:
    lists = build([])
    assert set(lists.files) == {"office", "attendance-lead", "senco", "headteacher", "slt", "class-5 Oak"} | {
        a for a in lists.files if a.startswith("class-3-4 Elm~")
    }
    assert len(lists.files) == 7
    assert [r["Task"] for r in to_do(lists, "senco")] == ["Nothing to do today"]


def test_a_teacher_sees_the_own_class_alone() -> None:
    marks = (UnresolvedMark(1, dt.date(2026, 2, 10), "AM", 1), UnresolvedMark(2, dt.date(2026, 2, 3), "PM", 6))
    lists = build([task("class-5 Oak", pupil=3)], marks)
    assert [r["Pupil"] for r in to_do(lists, "class-5 Oak")] == ["=cmd()"]
    own = rows(lists.files["class-5 Oak"]["worklist.xlsx"], "No reason yet (N)")
    assert [(r["Pupil"], r["When"], r["Age in school days"]) for r in own] == [("Ben Birch", "Overdue", 6)]
    for audience in ("office", "attendance-lead"):
        every = rows(lists.files[audience]["worklist.xlsx"], "No reason yet (N)")
        assert [r["Age in school days"] for r in every] == [6, 1]
    assert (
        "No reason yet (N)" not in openpyxl.load_workbook(io.BytesIO(lists.files["senco"]["worklist.xlsx"])).sheetnames
    )


@pytest.mark.parametrize(
    "reason",
    [
        "court restriction",
        "Looked after",
        "safeguarding hold",
        "child protection plan",
        "Social worker informed",
        "is LAC",
    ],
)
def test_reasons_of_courts_care_and_safeguarding_stand_on_the_restricted_list_alone(reason: str) -> None:
    lists = build([task(pupil=1, reason=reason)])
    assert [r["Reason"] for r in to_do(lists, "office")] == [ELSEWHERE]
    kept = to_do(lists, "restricted")
    assert [(r["Owner"], r["Pupil"], r["Reason"]) for r in kept] == [("Office", "Ada Ash", reason)]


@pytest.mark.parametrize("reason", ["no address", "careful: two households", "left", "courteous call wanted", ""])
def test_other_reasons_are_open(reason: str) -> None:
    lists = build([task(pupil=1, reason=reason)])
    assert to_do(lists, "office")[0]["Reason"] == (reason or None)
    assert "restricted" not in lists.files


def test_what_is_marked_restricted_is_kept_back_whatever_its_words() -> None:
    held = task(pupil=1, reason="held", restricted_reason="do not write to the father")
    assert open_reason(held) == "held (restricted: ask the attendance lead)"
    assert to_do(build([held]), "restricted")[0]["Reason"] == "held; do not write to the father"


def test_the_summary_counts_and_names_nobody() -> None:
    lists = build([*ORDERED, task("slt")], (UnresolvedMark(1, dt.date(2026, 2, 10), "AM", 1),))
    assert vars(lists.counts["office"]) == {
        "open": 5,
        "overdue": 2,
        "due_this_week": 2,
        "letters": 0,
        "overdue_letters": 0,
        "unresolved_n": 1,
        "overdue_n": 0,
    }
    everyone = rows(lists.files["slt"]["worklist.xlsx"], "Everyone")
    assert {r["Owner"]: r["Open"] for r in everyone}["Office"] == 5
    assert "Ada" not in repr(lists.counts)


def test_an_owner_that_does_not_exist_is_refused_without_a_pupil() -> None:
    with pytest.raises(ValueError, match="caretaker") as caught:
        build([task("caretaker", pupil=1)])
    assert "Ada" not in str(caught.value)


def test_a_class_that_is_no_more_still_has_its_tasks_listed() -> None:
    assert [r["Pupil"] for r in to_do(build([task("class-9 Gone", pupil=1)]), "class-9 Gone")] == ["Ada Ash"]


def test_derived_tasks_and_facts_as_they_are() -> None:
    school = report_world.school(40, last=DAY)
    day = CALENDAR.on_or_before(DAY)
    derived = derive_school(school, 0, day)
    found = [Task.from_derived(t) for t in tasks_of(derived)]
    facts = pupil_facts(derived, day, {p: f"Pupil {p}" for p in range(40)})
    marks = find_unresolved(school.marks, school.pupils, CALENDAR, day)
    lists = build_worklists(
        WorklistDay(
            "Oakfield",
            CALENDAR,
            DAY,
            facts,
            class_names=sorted(set(school.pupils.class_name)),
            tasks=found,
            unresolved=[UnresolvedMark(p, CALENDAR.date(d), s, age) for p, d, s, age in marks],
        )
    )
    mine = [t for t in found if t.owner == "attendance-lead" and t.is_open(DAY) and t.on not in ON_OTHER_SHEETS]
    assert lists.counts["attendance-lead"].open == len(mine) > 0
    assert len(to_do(lists, "office")) == lists.counts["office"].open > 0
    row = facts[5]
    marks = school.marks[5, : day + 1]
    attended = int(np.isin(marks, CODES.numbers_with(ATTENDED)).sum())
    assert row.attendance == attended / (2 * (day + 1)) and row.class_name == "5 Oak"


def test_every_n_of_a_session_on_roll_with_its_age() -> None:
    pupils = PupilTable.from_rows(CALENDAR, [{}, {"leave": dt.date(2025, 9, 4)}, {"entry": dt.date(2025, 9, 4)}])
    marks = marks_from_text(CALENDAR, ["/N -- N\\ NN", "NN /\\ /\\ NN", "NN /\\ NN /\\ /N"])
    assert find_unresolved(marks, pupils, CALENDAR, 3) == [
        (0, 0, "PM", 3),
        (1, 0, "AM", 3),
        (1, 0, "PM", 3),
        (0, 2, "AM", 1),
        (2, 2, "AM", 1),
        (2, 2, "PM", 1),
        (0, 3, "AM", 0),
        (0, 3, "PM", 0),
    ]


# ---------------------------------------------------------------- what each owner has


def listed(owner: str, key: str, **more: Any) -> ListSheet:
    """One list of one owner, as the workbook and the board have it."""
    (mine,) = [o for o in owner_lists(given(**more)) if o.owner == owner]
    found = mine.sheet(key)
    assert found is not None, [s.key for s in mine.sheets]
    return found


@pytest.mark.parametrize(
    ("owner", "sheets"),
    [
        ("office", ["To do", "Registers", "No reason yet (N)", "Letters", "Attendance return", "Sickness return"]),
        (
            "attendance-lead",
            ["To do", "No reason yet (N)", "Letters", "Reviews", "Phone list", "Attendance return", "Sickness return", "Everyone"],
        ),
        ("senco", ["To do", "Reviews"]),
        ("headteacher", ["Phone list", "To do", "Reviews", "Everyone"]),
        ("slt", ["To do", "Reviews", "Overdue", "Everyone"]),
        ("class-5 Oak", ["To do", "Registers", "No reason yet (N)", "Reviews"]),
    ],
)  # fmt: skip
def test_who_has_which_lists_and_in_which_order(owner: str, sheets: list[str]) -> None:
    (mine,) = [o for o in owner_lists(given()) if o.owner == owner]
    assert [s.name for s in mine.sheets] == sheets
    assert all(s.note and s.key for s in mine.sheets), "each says what it is"
    book = openpyxl.load_workbook(io.BytesIO(build([]).files[owner]["worklist.xlsx"]))
    assert book.sheetnames == [*sheets, "About"]


MOTHER = Contact("Ms A Ash", "Mother", "0113 496 0001", "Polish")


@pytest.mark.parametrize(
    ("call", "when", "absent", "whom"),
    [
        (PhoneCall(1, ("N", "N"), contacts=(MOTHER,)), "Today", "AM and PM: code N", "Ms A Ash (mother): 0113 496 0001, Polish"),
        (PhoneCall(1, ("I", "\\"), contacts=(MOTHER,)), "Today", "AM: code I, PM: in school", "Ms A Ash (mother): 0113 496 0001, Polish"),
        (PhoneCall(1, ("O", ""), contacts=(Contact("Mr B"),)), "Today", "AM: code O, PM: no mark", "Mr B: no number"),
        (PhoneCall(1, ("O", "O"), contacts=()), "Today", "AM and PM: code O", "No contact on record who may be phoned: ask the office"),
        (PhoneCall(1, ("O", "O"), contacts=(MOTHER,), ask_first=True), "Today", "AM and PM: code O", "Ask the attendance lead before phoning"),
        (PhoneCall(1, ("O", "O"), contacts=(MOTHER,), phoned_on=DAY), "Phoned", "AM and PM: code O", "Ms A Ash (mother): 0113 496 0001, Polish"),
    ],
)  # fmt: skip
def test_a_call_says_whom_to_phone_and_what_the_register_says(
    call: PhoneCall, when: str, absent: str, whom: str
) -> None:
    (row,) = listed("headteacher", "phone", phone_calls=[call]).rows
    assert (row["when"], row["absent"], row["contacts"]) == (when, absent, whom)
    assert row["tone"] == ("" if when == "Phoned" else "now")


def test_who_was_phoned_stands_below_who_is_to_be_phoned() -> None:
    calls = [PhoneCall(1, ("O", "O"), phoned_on=DAY), PhoneCall(2, ("O", "O")), PhoneCall(3, ("O", "O"))]
    rows = listed("headteacher", "phone", phone_calls=calls).rows
    assert [r["pupil"] for r in rows] == ["=cmd()", "Ben Birch", "Ada Ash"]


OPENED = dt.date(2026, 1, 14)
REVIEWS = [
    Review(1, 2, OPENED, dt.date(2026, 2, 12), 0, 1, 0.80, 0.79, 0.90),
    Review(2, 1, OPENED, dt.date(2026, 2, 25), 0, 1, 0.88, 0.91, 0.90),
    Review(3, 3, OPENED, None, 0, 2, 0.70, 0.70, 0.90, ("meeting_held",)),
]


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (dt.date(2026, 2, 11), {"Ada Ash": "This week", "Ben Birch": "Next week"}),  # half-term is no school week
        (dt.date(2026, 2, 6), {"Ada Ash": "This week", "Ben Birch": "Next week"}),  # a Friday's list is read on Monday
        (dt.date(2026, 2, 4), {"Ada Ash": "Next week", "Ben Birch": ""}),
        (dt.date(2026, 2, 13), {"Ada Ash": "", "Ben Birch": "This week"}),
    ],
)
def test_reviews_due_this_week_and_next(day: dt.date, words: dict[str, str]) -> None:
    world = WorklistDay("Oakfield", CALENDAR, day, PUPILS, class_names=["3/4 Elm", "5 Oak"], reviews=REVIEWS)
    (lead,) = [o for o in owner_lists(world) if o.owner == "attendance-lead"]
    found = lead.sheet("reviews")
    assert found is not None
    said = {str(r["pupil"]): r["when"] for r in found.rows}
    assert said == words | {"=cmd()": "Not begun"}


def test_monitoring_that_has_not_begun_says_what_the_log_lacks() -> None:
    rows = list(listed("attendance-lead", "reviews", reviews=REVIEWS).rows)
    assert [(r["pupil"], r["stage"], r["reviews"]) for r in rows] == [
        ("=cmd()", 3, "0 of 2"), ("Ada Ash", 2, "0 of 1"), ("Ben Birch", 1, "0 of 1"),
    ]  # fmt: skip
    assert rows[0]["waits"] == "Begins with: meeting held"


@pytest.mark.parametrize(
    ("owner", "pupils"),
    [
        ("attendance-lead", ["=cmd()", "Ada Ash", "Ben Birch"]),
        ("senco", ["=cmd()", "Ada Ash"]),  # stage 2 and above
        ("headteacher", ["=cmd()"]),  # stage 3 and above
        ("slt", []),  # stage 4
        ("class-5 Oak", ["=cmd()", "Ben Birch"]),
    ],
)
def test_whose_reviews_an_owner_sees(owner: str, pupils: list[str]) -> None:
    assert [r["pupil"] for r in listed(owner, "reviews", reviews=REVIEWS).rows] == pupils


def test_the_registers_of_the_day_say_who_is_missing_first() -> None:
    missed = [Missed(2, ("I", "I"), "authorised"), Missed(1, ("N", "/"), "no reason"), Missed(3, ("", "O"), "no mark")]
    registers = [MissingRegister("3/4 Elm", "PM", 28)]
    rows = listed("office", "absent", missed=missed, missing_registers=registers).rows
    assert [(r["found"], r.get("pupil"), r["class"]) for r in rows] == [
        ("No register: PM, 28 pupils", None, "3/4 Elm"),
        ("Absent, no reason yet", "Ada Ash", "3/4 Elm"),
        ("No mark: complete the register", "=cmd()", "5 Oak"),
        ("Absent, authorised", "Ben Birch", "5 Oak"),
    ]
    mine = listed("class-5 Oak", "absent", missed=missed, missing_registers=registers).rows
    assert [r["pupil"] for r in mine] == ["=cmd()", "Ben Birch"]


def test_the_returns_say_since_when_and_how_long() -> None:
    day = dt.date
    runs = [
        AttendanceReturn(1, day(2025, 10, 1), day(2025, 10, 14), 10, day(2025, 10, 14)),
        AttendanceReturn(2, day(2026, 1, 26), DAY, 13, day(2026, 2, 6), True),
    ]
    rows = listed("office", "attendance_return", attendance_returns=runs).rows
    assert [(r["when"], r["pupil"], r["days"], r["reached"]) for r in rows] == [
        ("Goes on", "Ben Birch", 13, day(2026, 2, 6)),
        ("", "Ada Ash", 10, day(2025, 10, 14)),
    ]
    (row,) = listed("attendance-lead", "sickness_return", sickness_returns=[SicknessReturn(1, 31, DAY)]).rows
    assert (row["days"], row["reached"]) == (15.5, DAY)


LETTERS = [
    Task("attendance-lead", "Approve or reject the letter: Letter 1", DAY, DAY, pupil=1, reference="A", on="letter_proposed"),
    Task("attendance-lead", "Settle what holds the letter: Letter 1", DAY, DAY, pupil=2, reason="no address", reference="B"),
    Task("attendance-lead", "Settle what holds the letter: Letter 1", DAY, DAY, pupil=3, reason="court restriction; no address", reference="C"),
    Task("office", "Send or hand over the letter that was approved: Letter 1", DAY, DAY, pupil=1, reference="D"),
]  # fmt: skip


def test_letters_wait_with_their_owner_and_reasons_that_may_be_read() -> None:
    said = {r["reference"]: r["reason"] for r in listed("attendance-lead", "letters", letters=LETTERS).rows}
    assert said == {"A": "", "B": "no address", "C": ELSEWHERE}
    assert [r["reference"] for r in listed("office", "letters", letters=LETTERS).rows] == ["D"]
    kept = build_worklists(given(letters=LETTERS)).files["restricted"]["worklist.xlsx"]
    assert [(r["Owner"], r["Reason"]) for r in rows(kept, "Letters")] == [
        ("Attendance lead", "court restriction; no address")
    ]


@pytest.mark.parametrize("owner", ["headteacher", "slt", "senco", "class-5 Oak", "class-1 Gone"])
def test_a_letter_waits_with_whomever_the_school_made_its_owner(owner: str) -> None:
    late = Task(owner, "Approve or reject the letter: Letter 2", DAY, dt.date(2026, 2, 10), pupil=2, reference="E")
    assert [r["reference"] for r in listed(owner, "letters", letters=[late]).rows] == ["E"]
    (counted,) = [
        r for r in listed("slt", "everyone", letters=[*LETTERS, late]).rows if r["letters"] == 1 == r["overdue_letters"]
    ]
    assert counted["owner"] == owner_titles(given(letters=[late]))[owner]


@pytest.mark.parametrize(
    ("on", "owner", "sheet"),
    [
        ("unresolved_n", "office", None),  # No reason yet (N) has it
        ("unresolved_n", "class-5 Oak", None),
        ("unresolved_n", "headteacher", "to_do"),
        ("monitoring", "attendance-lead", None),  # Reviews has it
        ("monitoring", "slt", "to_do"),
        ("monitoring", "office", "to_do"),
        ("illness_spells", "senco", "spells"),
    ],
)
def test_a_task_that_a_school_gave_to_somebody_else_stands_on_a_sheet_that_they_have(
    on: str, owner: str, sheet: str | None
) -> None:
    given_task = [task(owner, "what the school calls it", pupil=2, on=on)]
    (mine,) = [o for o in owner_lists(given(tasks=given_task)) if o.owner == owner]
    found = [s.key for s in mine.sheets for r in s.rows if r.get("task") == "What the school calls it"]
    assert found == ([sheet] if sheet else [])


def test_slt_has_a_task_of_several_owners_once() -> None:
    late = dt.date(2026, 2, 3)
    several = [task(owner, "follow_up", late, pupil=2) for owner in ("attendance-lead", "class-5 Oak")]
    (row,) = listed("slt", "overdue", tasks=[*several, task("office", due=DAY)]).rows
    assert (row["owner"], row["task"], row["late"]) == ("Attendance lead; Class teacher, 5 Oak", "Follow up", 6)


@pytest.mark.parametrize(
    ("closed_by", "on", "words"),
    [
        (("letter_sent",), "stage_opened", "Letter sent"),
        (("follow_up_done", "plan_reviewed"), "reviewed", "Follow up done or Plan reviewed"),
        (("meeting_held",), "school_weeks", "Meeting held, for Whole school"),
    ],
)
def test_a_task_says_what_to_write_in_the_log(closed_by: tuple[str, ...], on: str, words: str) -> None:
    (row,) = listed("office", "to_do", tasks=[task(due=DAY, closed_by=closed_by, on=on)]).rows
    assert row["closes"] == words


def test_spells_of_illness_stand_on_a_sheet_of_their_own() -> None:
    spells = [task("attendance-lead", "several_spells", dt.date(2026, 2, 3), pupil=1, on="illness_spells")]
    assert not list(listed("attendance-lead", "to_do", tasks=spells).rows)
    assert [r["pupil"] for r in listed("attendance-lead", "spells", tasks=spells).rows] == ["Ada Ash"]


def test_no_row_of_a_list_that_the_board_shows_is_without_its_pupil_for_a_link() -> None:
    more = {"tasks": ORDERED, "reviews": REVIEWS, "phone_calls": [PhoneCall(1, ("O", "O"))], "letters": LETTERS}
    for mine in owner_lists(given(**more)):
        for sheet in mine.sheets:
            for row in sheet.rows:
                assert {"tone", "pupil_row"} <= row.keys(), sheet.key
                assert (row["pupil_row"] is None) == (row.get("pupil") is None), sheet.key


# ---------------------------------------------------------------- the workbook


def test_every_sheet_is_ready_to_use_and_to_print() -> None:
    more = {"reviews": REVIEWS, "phone_calls": [PhoneCall(1, ("O", "O"), contacts=(MOTHER,))], "letters": LETTERS}
    made = build_worklists(given(tasks=ORDERED, **more))
    for audience, files in made.files.items():
        book = openpyxl.load_workbook(io.BytesIO(files["worklist.xlsx"]))
        for sheet in book:
            place = f"{audience}, {sheet.title}"
            assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref.startswith("A1:"), place
            assert sheet.print_title_rows == "$1:$1" and sheet.page_setup.orientation == "landscape", place
            assert sheet.sheet_properties.pageSetUpPr.fitToPage, place
            assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0), place
            assert (
                sheet.page_setup.paperSize == int(sheet.PAPERSIZE_A4) and "11/02/2026" in sheet.oddHeader.left.text
            ), place
            of_column = {at: d.width for d in sheet.column_dimensions.values() for at in range(d.min, d.max + 1)}
            widths = [int(of_column[cell.column]) for cell in sheet[1]]  # without the padding of a cell
            assert all(6 <= w <= 100 for w in widths) and sum(widths) <= 240, place
            for cell, width in zip(sheet[1], widths, strict=True):
                longest = max(map(len, str(cell.value).split()))
                assert longest + 1 <= width, f"{place}: {cell.value} does not fit"


def test_what_is_overdue_is_seen_without_colour_too() -> None:
    book = openpyxl.load_workbook(io.BytesIO(build(ORDERED).files["office"]["worklist.xlsx"]))
    sheet = book["To do"]
    first = [sheet.cell(row, 1) for row in range(2, 7)]
    assert [(c.value, c.font.b, c.fill.fill_type) for c in first] == [
        ("Overdue", True, "solid"),
        ("Overdue", True, "solid"),
        ("Today", False, "solid"),
        (None, False, None),
        (None, False, None),
    ]
    assert sheet.sheet_properties.tabColor is not None and book["Letters"].sheet_properties.tabColor is None


# ---------------------------------------------------------------- found in a school's days


def test_a_call_is_found_from_the_meeting_on_and_counts_the_days() -> None:
    # At stage 3 since Monday 15 September, met on the 17th; absent on the 17th, 18th, 22nd and, in the afternoon, 23rd.
    marks = {"09-17..09-18": "O O", "09-22": "I I", "09-23": "/ O"}
    log = [entry("09-15", "set_stage", 3), entry("09-17", "meeting_held", 3)]
    derived = derive(school(marks, log=log, until="09-23"), last="09-23")
    day = derived.last
    (call,) = phone_calls(derived, day, tasks_of(derived), contacts={0: (MOTHER,)}, ask_first=[0], forms={0: "No"})
    assert (call.codes, call.met_on, call.absent_days) == (("/", "O"), dt.date(2025, 9, 17), 3)
    assert (call.contacts, call.ask_first, call.form, call.phoned_on) == ((MOTHER,), True, "No", None)
    earlier = derive(school(marks, log=log, until="09-17"), last="09-17")
    assert phone_calls(earlier, earlier.last, tasks_of(earlier), contacts={}) == [], "the meeting was on that day"


@pytest.mark.parametrize(
    ("codes", "found"),
    [("N /", "no reason"), ("O O", "unauthorised"), ("I I", "authorised"), ("U \\", "late"), ("- O", "no mark"),
     ("N O", "no reason"), ("/ \\", None), ("L \\", None), ("B B", None), ("Y1 Y1", None)],
)  # fmt: skip
def test_what_the_register_of_a_day_says(codes: str, found: str | None) -> None:
    others = [{}, {}, {}]
    inputs = school({"09-15": codes}, *others, rows=[{"class_name": "3 Elm"}] * 4, until="09-15")
    missed, registers = registers_of(inputs, inputs.calendar.on_or_before(dt.date(2025, 9, 15)))
    assert [(m.pupil, m.found) for m in missed] == ([] if found is None else [(0, found)])
    assert registers == []


@pytest.mark.parametrize(
    ("unmarked", "year", "lines", "registers"),
    [
        (1, "3", 1, []),  # one pupil of four
        (2, "3", 2, []),  # half of the class
        (3, "3", 0, [MissingRegister("3 Elm", "AM", 3), MissingRegister("3 Elm", "PM", 3)]),
        (4, "N2", 0, []),  # nursery
    ],
)
def test_a_class_without_a_register_is_one_line(unmarked: int, year: str, lines: int, registers: list) -> None:
    spans = [{"09-15": "- -"} if p < unmarked else {} for p in range(4)]
    inputs = school(*spans, rows=[{"class_name": "3 Elm", "year_group": year}] * 4, until="09-15")
    missed, found = registers_of(inputs, inputs.calendar.on_or_before(dt.date(2025, 9, 15)))
    assert (len(missed), found) == (lines, registers)


def test_reviews_are_found_with_what_their_stage_waits_for() -> None:
    stages = {"stages": {"2": {"requires": ["letter_sent", "meeting_held"]}}}
    log = [entry("09-15", "set_stage", 2), entry("09-16", "letter_sent", 2), entry("09-15", "set_stage", 3, pupil=1)]
    inputs = school({"09-01..09-03": "O O"}, {}, {}, log=log, ladder=stages, rows=[{"class_name": "3 Elm"}] * 3)
    derived = derive(inputs, last="09-18")
    waiting, monitored = reviews_of(derived, derived.last)
    assert (waiting.pupil, waiting.stage, waiting.due, waiting.waits_for) == (0, 2, None, ("meeting_held",))
    assert (monitored.pupil, monitored.due, monitored.needed) == (1, dt.date(2025, 10, 13), 2)
    # By the 17th, the cut-off day: 13 school days, 3 of them absent.
    assert (waiting.now, waiting.threshold) == (20 / 26, 0.85)
