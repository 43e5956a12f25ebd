"""A school for the tests of the board: invented pupils, some with names that would like to be code, letters and a log."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import report_world

from attendance_pipeline.derive.inputs import LogEntry, LogTable, SchoolInputs
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.benchmarks import load_benchmarks
from attendance_pipeline.reports.board import BoardInputs, Contact, LetterShown
from attendance_pipeline.reports.worklist_rows import ListSheet, OwnerLists
from attendance_pipeline.spreadsheets import Column

DAY = dt.date(2026, 2, 13)
HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>pwned=1</script>", "{{7*7}}", "Ann & Bob’s \u2028 “Q” \\")
FORENAMES = ("Ada", "Ben", "Cleo", "Dov", "Émile", "Fay", "Gus", "Hana", "Ian", "Jo")
SURNAMES = ("Ash", "Birch", "Cedar", "Dale", "Elm", "Fern", "Glade", "Holt", "Iver", "Jay", "Kew")
LOOKED_AFTER = 8  # a row whose case must not say why it is blocked


def inputs(pupils: int = 140) -> SchoolInputs:
    """The school of `report_world` with a log that starts the clocks of the ladder; pupils 10 to 13 are badly away."""
    plain = report_world.school(pupils, last=DAY)
    day = plain.calendar.on_or_before(DAY)
    marks = plain.marks.copy()
    o, i = CODES.numbers_of(["O", "I"])
    marks[10:14, day - 60 : day + 1 : 3] = o
    marks[LOOKED_AFTER, day - 12 : day + 1] = o
    marks[14, day - 40 : day + 1 : 2] = i
    entries = [
        LogEntry(p, plain.calendar.date(d), action, stage)
        for p in range(10, 14)
        for d, action, stage in (
            (day - 50, "letter_sent", 1),
            (day - 20, "letter_sent", 2),
            (day - 20, "meeting_held", 2),
        )
    ]
    looked_after = plain.pupils.looked_after.copy()
    looked_after[LOOKED_AFTER] = True
    return SchoolInputs(
        plain.school_id,
        plain.calendar,
        plain.policy,
        type(plain.pupils)(**{**vars(plain.pupils), "looked_after": looked_after}),
        marks,
        LogTable.from_entries(pupils, entries),
    )


@cache
def derived(pupils: int = 140) -> Derived:
    found = inputs(pupils)
    return derive_school(found, 0, found.calendar.on_or_before(DAY))


def names(pupils: int) -> dict[int, tuple[str, str]]:
    """Name and name to sort by; the first few are hostile."""
    out = {}
    for p in range(pupils):
        first = HOSTILE[p] if p < len(HOSTILE) else FORENAMES[p % len(FORENAMES)]
        last = f"{SURNAMES[(p // len(FORENAMES)) % len(SURNAMES)]} {p:04d}"  # of no two pupils the same
        out[p] = (f"{first} {last}", f"{last} {first}")
    return out


def lists(classes: list[str]) -> list[OwnerLists]:
    """Two owners' lists: the lead's, about pupils 10 and 11, and a teacher's."""
    columns = (
        Column("when", "When"),
        Column("due", "Due", "date"),
        Column("task", "Task", wrap=True),
        Column("pupil", "Pupil"),
    )
    rows = [
        {"when": "Overdue", "due": dt.date(2026, 2, 3), "task": "Call <b>home</b>", "pupil": "A", "pupil_row": 10, "tone": "late"},
        {"when": "Today", "due": DAY, "task": "Write", "pupil": "B", "pupil_row": 11, "tone": "now"},
    ]  # fmt: skip
    to_do = ListSheet("To do", columns, rows, key="to_do", note="What there is to do.", empty="Nothing")
    empty = ListSheet("Phone list", columns, [], key="phone", empty="Nobody to phone")
    return [
        OwnerLists("attendance-lead", "Attendance lead", (to_do, empty)),
        *(OwnerLists(f"class-{name}", f"Class teacher, {name}", (empty,)) for name in classes),
    ]


def board(pupils: int = 140, day: dt.date = DAY) -> BoardInputs:
    """A board of that school, with letters and contacts that hold what it must not show."""
    whole = derived(pupils)
    number = whole.inputs.calendar.on_or_before(day)
    letters = [
        LetterShown(10, "letter_1", "Letter 1", "sent", dt.date(2025, 12, 1), "Mr P Arent", "", "OAK-1", 1),
        LetterShown(10, "letter_2", "Letter 2", "held", dt.date(2026, 2, 2), "Mr P Arent",
                    "court restriction; safeguarding hold; looked after; recently sent", "OAK-2", 2),
        LetterShown(11, "letter_1", "Letter 1", "proposed", dt.date(2026, 2, 12), "Ms P Arent", "", "OAK-3", 1),
    ]  # fmt: skip
    contacts = [
        Contact(10, dt.date(2026, 1, 20), "phone_call", 2, "Headteacher", ("Support offered", "Housing")),
        Contact(10, dt.date(2026, 1, 22), "agency_contacted", 2, "Social worker", ("Children's social care", "MASH")),
        Contact(10, dt.date(2026, 1, 23), "hold", None, "Attendance lead", ("Speak to the DSL first",)),
        Contact(10, dt.date(2026, 1, 24), "letter_sent", 2, "Office", ()),
    ]
    classes = sorted({str(c) for c in whole.inputs.pupils.class_name})
    return BoardInputs(
        derived=whole,
        day=number,
        school="Oakfield <Primary> School",
        names=names(pupils),
        keys={p: f"{p:010x}" for p in range(pupils)},
        as_at="2026-02-13",
        teachers={"5 Oak": "Ms O’Teach"},
        letters=letters,
        contacts=contacts,
        lists=lists(classes),
        published=load_benchmarks().compare(day, "Primary", "E08000035"),
        source=lambda row, on, session: (f"register_{on}.csv", row + 2),
    )


def codes(pupil: int, whole: Derived) -> list[tuple[str, str]]:
    """The codes of a pupil's year up to the day, AM and PM of each school day on roll."""
    given, table = whole.inputs, np.array(CODES.codes, dtype=object)
    day = given.calendar.on_or_before(DAY)
    days = range(max(0, int(given.pupils.entry[pupil])), min(day, int(given.pupils.leave[pupil])) + 1)
    return [(str(table[given.marks[pupil, d, 0]]), str(table[given.marks[pupil, d, 1]])) for d in days]
