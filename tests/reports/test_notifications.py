"""The sheet of parents' notifications: what the office, a class teacher and the others find on it, and in which order."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from exam_school import day, school

from attendance_pipeline.derive.matching import Form, PupilName, Roll
from attendance_pipeline.derive.notifications import Notifications
from attendance_pipeline.reports.facts import PupilFacts
from attendance_pipeline.reports.notifications import NotificationList, form_words, notification_list
from attendance_pipeline.reports.worklist_facts import GoneEntry, Task, UnresolvedMark, WorklistDay
from attendance_pipeline.reports.worklists import Worklists, build_worklists

TODAY = "10-08"  # a Wednesday
NAMES = ["Ann Lee", "Ann Lee", "Ben May", "Cat Poe", "Dan Roe"]
CLASSES = ["4A", "5B", "4A", "5B", "4A"]
MARKS = [
    {TODAY: "N N"},  # Ann of 4A: no form that is certainly hers
    {"10-07": "N N", TODAY: "I I"},  # Ann of 5B
    {TODAY: "/ \\"},  # Ben, notified as absent
    {"10-06": "- -", TODAY: "I I"},  # Cat
    {TODAY: "O O"},  # Dan
]


def form(name: str, first: str, last: str | None = None, sent: str = "2025-10-07T07:45:00", **more: Any) -> Form:
    return Form(name, day(first), day(last or first), sent, **more)


FORMS = [
    form("Ann Lee", "10-07", TODAY, class_name="5B"),
    form("Ann Lee", TODAY),  # which of the two?
    form("Ben May", TODAY, "10-14"),
    form("Cat Poe", "10-06", sent="2025-10-08"),
    form("Dann Roe", TODAY, class_name="4A"),
    form("=cmd()", TODAY, class_name="5B"),
    form("Ben May", "10-11", "10-12", sent="2025-10-08T08:00:00"),  # a weekend
]


def found(forms: list[Form] = FORMS) -> Notifications:
    rows = [{"class_name": c, "year_group": c[0]} for c in CLASSES]
    inputs = school(*MARKS, rows=rows, until=TODAY)
    names = [PupilName(*name.split()) for name in NAMES]
    roll = Roll(inputs.pupils, names, inputs.calendar)
    return Notifications(inputs, [roll.match(f) for f in forms])


FACTS = {p: PupilFacts(name, CLASSES[p], CLASSES[p][0], 0, 0.9) for p, name in enumerate(NAMES)}


def listed(forms: list[Form] = FORMS) -> NotificationList:
    notifications = found(forms)
    return notification_list(notifications, FACTS, notifications.inputs.calendar.on_or_before(day(TODAY)))


def lists(forms: list[Form] = FORMS, **more: Any) -> Worklists:
    calendar = found(forms).inputs.calendar
    classes, notified = ["4A", "5B"], listed(forms)
    return build_worklists(
        WorklistDay("Oakfield", calendar, day(TODAY), FACTS, class_names=classes, notifications=notified, **more)
    )


def sheet(content: bytes, name: str = "Notifications") -> list[dict[str, Any]]:
    table = openpyxl.load_workbook(io.BytesIO(content))[name].values
    header = next(table)
    return [dict(zip(header, row, strict=True)) for row in table]


def office(made: Worklists, audience: str = "office") -> list[dict[str, Any]]:
    return sheet(made.files[audience]["worklist.xlsx"])


def told(rows: list[dict[str, Any]]) -> list[str]:
    """Each row as `age who, class, date, codes: what to do`."""
    return [
        f"{r['Age in school days']} {r['Pupil']}, {r['Class']}"
        + (f", {r['Date']:%d/%m} {r['AM'] or '-'}{r['PM'] or '-'}" if r["Date"] else "")
        + f": {r['What to do']}"
        for r in rows
    ]


def test_the_offices_sheet_says_what_to_do_first() -> None:
    assert told(office(lists())) == [
        "1 =cmd(), 5B: No pupil has this name: find out who is meant, and put the UPN on the form",
        "1 Ann Lee, None: Ask the parents which pupil is meant, and put the UPN on the form",
        "1 Dann Roe, 4A: Check who is meant, and put the UPN on the form",
        "0 Ann Lee, 4A, 08/10 NN: Call the parents: absent, no reason is known and no form came"
        " (a form may be about this pupil)",
        "0 Dan Roe, 4A, 08/10 OO: Call the parents: absent, no reason is known and no form came"
        " (a form may be about this pupil)",
        "1 Ann Lee, 5B, 07/10 NN: The reason is on the form: enter its code in place of N",
        "0 Ben May, 4A, 08/10 /\\: Check: notified as absent, and marked present",
        "2 Cat Poe, 5B, 06/10 --: Notified as absent, and no mark: enter the code",
        "0 Ben May, 4A: Check the dates: the pupil has no school day in them",
        "0 Ann Lee, 5B, 08/10 II: Nothing: absent as notified",
        "0 Ben May, 4A, 09/10 --: Nothing yet: a day to come",
        "0 Cat Poe, 5B, 08/10 II: Nothing: a reason is recorded, without a form",
    ]


def test_a_row_says_whose_it_is_and_how_sure_that_is() -> None:
    rows = {(r["Pupil"], r["Class"], str(r["What to do"])[:5]): r for r in office(lists())}
    which = rows["Ann Lee", None, "Ask t"]
    assert which["Who may be meant"] == "Ann Lee, 4A (the same name); Ann Lee, 5B (the same name)"
    assert (which["Matched by"], which["Form sent"], which["Notified absence"]) == (
        None,
        "07/10/2025 07:45",
        "08/10/2025",
    )
    assert rows["Dann Roe", "4A", "Check"]["Who may be meant"] == "Dan Roe, 4A (nearly the same name)"
    sure = rows["Ann Lee", "5B", "The r"]
    assert (sure["Matched by"], sure["Notified absence"]) == ("name and class", "07/10/2025 to 08/10/2025")
    late = rows["Cat Poe", "5B", "Notif"]
    assert (late["Matched by"], late["School days late"]) == ("name, the only one on roll", 2)


def test_a_class_teacher_sees_the_own_class_and_forms_that_name_it() -> None:
    made = lists()
    assert [(r["Pupil"], r["Class"]) for r in office(made, "class-4A")] == [
        ("Dann Roe", "4A"), ("Ann Lee", "4A"), ("Dan Roe", "4A"), ("Ben May", "4A"), ("Ben May", "4A"), ("Ben May", "4A"),
    ]  # fmt: skip
    assert {r["Class"] for r in office(made, "class-5B")} == {"5B"}
    for audience in ("headteacher", "slt", "senco"):
        book = openpyxl.load_workbook(io.BytesIO(made.files[audience]["worklist.xlsx"]))
        assert "Notifications" not in book.sheetnames


def test_a_parents_words_are_no_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(lists().files["office"]["worklist.xlsx"]))["Notifications"]
    cell = next(c for row in book.iter_rows() for c in row if c.value == "=cmd()")
    assert (cell.data_type, cell.quotePrefix) == ("s", True)
    assert (book.freeze_panes, book.auto_filter.ref[:2]) == ("A2", "A1")
    assert (book.page_setup.orientation, book.print_title_rows) == ("landscape", "$1:$1")


def test_older_forms_are_off_the_sheet_unless_they_reach_into_it() -> None:
    old, reaching = form("Nobody Here", "09-02"), form("Nobody Too", "09-02", "10-01")
    assert [r["Pupil"] for r in office(lists([old, reaching])) if r["Who may be meant"] is None][:1] == ["Nobody Too"]


def test_a_day_with_nothing_says_so() -> None:
    assert list(NotificationList([], with_reasons=False).for_office("").rows) == [{"do": "Nothing to do today"}]


@pytest.mark.parametrize(
    ("reason", "on_the_open_list"),
    [("a cold", "a cold; note.pdf"), ("social worker visits", "Restricted: ask the attendance lead")],
)
def test_reasons_that_a_school_keeps_are_for_the_office_and_some_for_few(reason: str, on_the_open_list: str) -> None:
    made = lists([form("Ben May", TODAY, reason=reason, evidence="note.pdf")])
    row = next(r for r in office(made) if r["Matched by"])
    assert row["Reason and evidence"] == on_the_open_list
    assert all("Reason and evidence" not in r for r in office(made, "class-4A"))
    kept_back = on_the_open_list.startswith("Restricted")
    assert ("restricted" in made.files) is kept_back
    if kept_back:
        assert [r["Reason and evidence"] for r in office(made, "restricted")] == [f"{reason}; note.pdf"]


def test_without_reasons_there_is_no_column_for_them() -> None:
    assert "Reason and evidence" not in office(lists())[0]


@pytest.mark.parametrize(
    ("pupil", "on", "halves", "words"),
    [
        (1, "10-07", (0,), "Yes (name and class), sent 07/10/2025 07:45"),
        (3, "10-06", (0, 1), "Yes (name, the only one on roll), sent 08/10/2025"),
        (0, TODAY, (0,), "Perhaps: see Notifications"),
        (0, "10-07", (0,), "No"),
    ],
)
def test_whether_a_form_speaks_of_an_absence(pupil: int, on: str, halves: tuple[int, ...], words: str) -> None:
    notifications = found()
    number = notifications.inputs.calendar.on_or_before(day(on))
    assert form_words(notifications, pupil, number, halves) == words


def test_an_unresolved_n_says_whether_a_form_speaks_of_it() -> None:
    marks = [UnresolvedMark(1, day("10-07"), "AM", 1, "Yes (UPN)"), UnresolvedMark(0, day(TODAY), "AM", 0, "No")]
    made = lists(unresolved=marks)
    rows = sheet(made.files["office"]["worklist.xlsx"], "No reason yet (N)")
    assert [(r["Age in school days"], r["Parents' form"]) for r in rows] == [(1, "Yes (UPN)"), (0, "No")]


def test_entries_gone_from_the_log_are_shown_to_who_keeps_it() -> None:
    made = lists(gone_entries=[GoneEntry(2, day("10-01"), "letter_sent", 1)], tasks=[Task("office", "x", day(TODAY))])
    (row,) = sheet(made.files["attendance-lead"]["worklist.xlsx"], "Gone from the log")
    assert (row["Pupil"], row["Action"], row["Stage"], f"{row['Date']:%d/%m}") == ("Ben May", "Letter sent", 1, "01/10")
    assert (
        "Gone from the log" not in openpyxl.load_workbook(io.BytesIO(made.files["office"]["worklist.xlsx"])).sheetnames
    )
