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

from attendance_pipeline.derive.inputs import PupilTable, marks_from_text
from attendance_pipeline.derive.tasks import tasks_of
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.register_codes import ATTENDED, CODES
from attendance_pipeline.reports.facts import PupilFacts
from attendance_pipeline.reports.restricted import ELSEWHERE
from attendance_pipeline.reports.worklist_facts import (
    Task,
    UnresolvedMark,
    WorklistDay,
    find_unresolved,
    pupil_facts,
)
from attendance_pipeline.reports.worklist_rows import ON_OTHER_SHEETS, open_reason
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
    assert vars(lists.counts["office"]) == {"open": 5, "overdue": 2, "due_this_week": 2, "unresolved_n": 1}
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
