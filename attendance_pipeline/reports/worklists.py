"""Worklists as workbooks: one for every owner, and one for `restricted` when there is a reason to keep from the others.

Belongs here: whose workbook holds which lists, and its headings. Not here: what they say (`worklist_rows`), how a
workbook looks (`spreadsheets.py`), where it is put (`delivery.py`). Tasks are closed by an entry in the intervention
log, never in a workbook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.reports.worklist_facts import WorklistDay
from attendance_pipeline.reports.worklist_rows import (
    CLASS_OWNER,
    OWNERS,
    ListSheet,
    OwnerCounts,
    owner_counts,
    owner_lists,
    restricted_lists,
)
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

RESTRICTED = "restricted"
WORKLIST_FILE = "worklist.xlsx"
ABOUT_SHEET = "About"


@dataclass(frozen=True)
class Worklists:
    """`files`: audience to file name to content. `counts`: by owner, no value of a pupil in it."""

    files: Mapping[str, Mapping[str, bytes]]
    counts: Mapping[str, OwnerCounts] = field(default_factory=dict)


def build_worklists(day: WorklistDay) -> Worklists:
    """The worklists of a day: one workbook for every owner, also for those with nothing to do, so that a missing file
    never reads as an empty list. Raises ValueError for a task of an owner there is not.
    """

    def book(name: str, sheets: Sequence[ListSheet]) -> dict[str, bytes]:
        heading = f"{day.school} · Worklist · {name} · {day.day:%d/%m/%Y}"
        shown = [_shown(sheet, heading) for sheet in sheets]
        content = workbook_bytes([*shown, _about(sheets, heading)], title=heading, created=day.day)
        return {WORKLIST_FILE: content}

    lists = owner_lists(day, reasons=True)
    folders = class_audiences(o.owner.removeprefix(CLASS_OWNER) for o in lists if o.owner not in OWNERS)
    files = {
        folders.get(o.owner.removeprefix(CLASS_OWNER), o.owner) if o.owner not in OWNERS else o.owner: book(
            o.title, o.sheets
        )
        for o in lists
    }
    if kept := restricted_lists(day):
        files[RESTRICTED] = book("restricted", kept)
    return Worklists(files, owner_counts(day))


def _shown(sheet: ListSheet, heading: str) -> ListSheet:
    """The list under the workbook's heading; one without rows says so in its widest place."""
    rows = list(sheet.rows)
    if not rows and sheet.empty:
        columns = [c for c in sheet.columns if isinstance(c, Column)]
        place = next((c for c in columns if c.kind == "text" and c.wrap), columns[0])
        rows = [{place.key: sheet.empty}]
    return replace(sheet, rows=rows, heading=f"{heading} · {sheet.name}")


def _about(sheets: Sequence[ListSheet], heading: str) -> Sheet:
    """What each sheet of the workbook is. No counts: a list may change when its letters do, this does not."""
    columns = (
        Column("sheet", "Sheet", width=22),
        Column("note", "What it is, and how a row goes away", width=100, wrap=True),
    )
    rows = [{"sheet": sheet.name, "note": sheet.note} for sheet in sheets]
    return Sheet(ABOUT_SHEET, columns, rows, f"{heading} · {ABOUT_SHEET}")
