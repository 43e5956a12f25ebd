"""This morning's lists: whom the headteacher phones, who is absent and nobody knows why, and the parents' forms.

Belongs here: which rows there are, their order and words, who gets which sheet. Not here: reading the morning's
extracts (`steps/morning.py`), the lists of a whole day (`worklist_rows.py`), the workbook (`spreadsheets.py`).

Half of a day, and half of its marks still to be put right: no list here says what a family has done, and none closes
anything. First-day calling is the school's duty and goes on whatever stands here: every sheet says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from attendance_pipeline.law.register_codes import CODES, NOT_ESTABLISHED, UNAUTHORISED
from attendance_pipeline.reports.worklist_facts import Contact, Missed, WorklistDay
from attendance_pipeline.reports.worklist_rows import (
    ASK_FIRST,
    NOBODY_TO_PHONE,
    ListSheet,
    owner_lists,
    restricted_lists,
)
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

MORNING_FILE = "phone-list.xlsx"
CALLING = "This list does not replace first-day calling"
_ABOUT = (
    "Made from the register extract and the parents' forms that lay in the inbox this morning. Nothing of it is "
    "stored, no letter follows from it, and the night works from the complete extract. A pupil whom the extract does "
    "not name, or whose form came later, is not here: call the parents of every child who is absent and of whom you do "
    "not know why, as your attendance policy says."
)
_YES = "Yes"  # how reports.notifications.form_words begins where a form speaks of the absence
_PARTLY = "Perhaps"


@dataclass(frozen=True)
class PhoneLists:
    """`files`: audience to file name to content. `to_call`: pupils whose absence nobody has explained; `phone`: calls
    of the headteacher."""

    files: Mapping[str, Mapping[str, bytes]]
    to_call: int
    phone: int


def unexplained(day: WorklistDay) -> list[Missed]:
    """Pupils absent this morning without a reason (N), without permission (O) or without a mark, of whom no form says
    it: those at a later stage of the ladder first, then by attendance, the lowest first."""

    def order(m: Missed) -> tuple[object, ...]:
        facts = day.pupils[m.pupil]
        known = facts.attendance is not None
        return (
            m.form.startswith(_PARTLY),
            -facts.stage,
            not known,
            facts.attendance or 0.0,
            facts.class_name,
            facts.name,
        )

    return sorted((m for m in day.missed if _asks(m) and not m.form.startswith(_YES)), key=order)


def _row(m: Missed) -> int:
    """The row in PupilTable: on a derived day every pupil's key is it."""
    return m.pupil if isinstance(m.pupil, int) else -1


def _asks(m: Missed) -> bool:
    if m.found == "no mark":
        return True
    number = CODES.number(m.codes[0])
    bits = CODES.row(number).bits if number else 0
    return bool(bits & NOT_ESTABLISHED) or (bool(bits & UNAUTHORISED) and m.codes[0] == "O")


def phone_lists(day: WorklistDay, contacts: Mapping[int, Sequence[Contact]], ask_first: frozenset[int]) -> PhoneLists:
    """The workbooks of a morning. `contacts`, `ask_first`: of the pupils of `unexplained`, whom to phone, and about
    whom the attendance lead is to be asked before."""
    heading = f"{day.school} · This morning, {day.day:%d/%m/%Y} · {CALLING}"
    lists = {one.owner: one for one in owner_lists(day, reasons=True)}
    phone = next(s for s in lists["headteacher"].sheets if s.key == "phone")
    phone = replace(
        phone,
        rows=[{**row, "absent": str(row["absent"]).removesuffix(", PM: no mark")} for row in phone.rows],
        empty="Nobody at stage 3 after a meeting is absent",
    )
    calls = _to_call(day, contacts, ask_first)
    registers = _registers(day)
    forms = {owner: lists[owner].sheet("notifications") for owner in ("office", "attendance-lead")}
    books: dict[str, list[ListSheet | None]] = {
        "headteacher": [phone, calls, registers],
        "office": [calls, registers, forms["office"]],
        "attendance-lead": [phone, calls, registers, forms["attendance-lead"]],
    }
    kept = [s for s in restricted_lists(day) if s.key == "notifications"]
    if kept:
        books["restricted"] = list(kept)
    files = {
        audience: {MORNING_FILE: _book([s for s in sheets if s is not None], heading, day)}
        for audience, sheets in books.items()
    }
    return PhoneLists(files, len(unexplained(day)), len(day.phone_calls))


def _book(sheets: Sequence[ListSheet], heading: str, day: WorklistDay) -> bytes:
    shown: list[Sheet] = []
    for sheet in sheets:
        rows = list(sheet.rows)
        if rows and sheet.key in ("phone", "to_call"):
            rows.append({"contacts": CALLING})  # where it is read on a screen: the heading is on paper
        if not rows:
            places = [c for c in sheet.columns if isinstance(c, Column)]
            place = next((c for c in places if c.kind == "text" and c.wrap), places[0])
            rows = [{place.key: sheet.empty}]
        shown.append(replace(sheet, rows=rows, heading=heading))
    about = [{"sheet": CALLING, "note": _ABOUT}, *({"sheet": s.name, "note": s.note} for s in sheets)]
    columns = (Column("sheet", "Sheet", width=24, wrap=True), Column("note", "What it is", width=100, wrap=True))
    return workbook_bytes([*shown, Sheet("About", columns, about, heading)], title=heading, created=day.day)


def _to_call(day: WorklistDay, contacts: Mapping[int, Sequence[Contact]], ask_first: frozenset[int]) -> ListSheet:
    rows = []
    for m in unexplained(day):
        facts = day.pupils[m.pupil]
        whom = "\n".join(c.words for c in contacts.get(_row(m), ())) or NOBODY_TO_PHONE
        rows.append(
            {
                "pupil": facts.name,
                "class": facts.class_name,
                "year": facts.year_group,
                "am": m.codes[0] or "no mark",
                "form": m.form,
                "contacts": ASK_FIRST if _row(m) in ask_first else whom,
                "stage": facts.stage,
                "attendance": facts.attendance,
                "tone": "now",
            }
        )
    columns = (
        Column("pupil", "Pupil", width=24),
        Column("class", "Class", width=11),
        Column("year", "Year", width=7),
        Column("am", "AM", width=10),
        *((Column("form", "Parents' form", width=28, wrap=True),) if any(r["form"] for r in rows) else ()),
        Column("contacts", "Whom to phone", width=54, wrap=True),
        Column("stage", "Stage", "whole", width=9),
        Column("attendance", "Attendance", "percent", width=14),
        Column("said", "What was said", width=34, wrap=True),
    )
    return ListSheet(
        "Absent, no reason",
        columns,
        rows,
        key="to_call",
        note="Pupils without a mark, or marked N or O this morning, of whom no parents' form speaks. Those further "
        "up the ladder stand first, then those with the lowest attendance. Stage and attendance are of last night.",
        empty="Every absence of this morning has a reason or a form",
    )


def _registers(day: WorklistDay) -> ListSheet | None:
    """Classes without a morning register: none of their pupils is on the lists."""
    rows = [
        {"class": r.class_name or "no class", "pupils": r.pupils, "tone": "late"}
        for r in day.missing_registers
        if r.session == "AM"
    ]
    if not rows:
        return None
    columns = (Column("class", "Class", width=24), Column("pupils", "Pupils", "whole", width=12))
    note = "Classes without a morning register in the extract: who is absent there is not known yet."
    return ListSheet("Registers missing", columns, rows, key="registers", note=note)
