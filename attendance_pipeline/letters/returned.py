"""A batch's workbook that somebody has filled in: the decisions in it.

Belongs here: finding the rows and columns of decisions in a workbook, whatever else was done to it. Does not belong
here: what a decision means (`decisions`), the list as it is delivered (`batch_lists`).
"""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
from typing import Any

from openpyxl import load_workbook

from attendance_pipeline.letters.decisions import DECISIONS, Wanted

WORKBOOK = "batch.xlsx"
NOBODY_NAMED = "the batch workbook"  # who decided, where nobody wrote a name
_LARGEST = 32 << 20  # bytes unpacked: a batch has some thousand rows at most
_MOST_ROWS = 20_000
_WORDS = {
    "approve": "approve",
    "approved": "approve",
    "yes": "approve",
    "reject": "reject",
    "rejected": "reject",
    "no": "reject",
    "hold": "hold",
    "held": "hold",
    "release": "release",
    "released": "release",
    "sent": "sent",
    "send": "",
}


class UnreadableWorkbook(ValueError):
    """A workbook without decisions that can be read: the words name the file and a row, and nobody."""


def read_decisions(name: str, data: bytes, saved: dt.date) -> list[Wanted]:
    """Every decision, in the order of the rows. `saved`: the day the workbook was last saved, which is the day of a
    decision that bears no date of its own.

    Raises UnreadableWorkbook: not a workbook, too large, no sheet with the columns Reference and Decision, or a word
    that is no decision.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(i.file_size for i in archive.infolist()) > _LARGEST:
                raise UnreadableWorkbook(f"{name}: too large for a batch")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except UnreadableWorkbook:
        raise
    except Exception:  # whatever a broken file makes the library say
        raise UnreadableWorkbook(f"{name}: not a workbook that can be read; save it as .xlsx and close it") from None
    try:
        for sheet in book.worksheets:
            rows = sheet.iter_rows(values_only=True, max_row=_MOST_ROWS)
            if (found := _decisions(name, rows, saved)) is not None:
                return found
    finally:
        book.close()
    raise UnreadableWorkbook(f"{name}: no sheet has the columns Reference and Decision")


def _decisions(name: str, rows: Any, saved: dt.date) -> list[Wanted] | None:
    columns: dict[str, int] | None = None
    found: list[Wanted] = []
    for number, row in enumerate(rows, start=1):
        cells = ["" if v is None else v for v in row]
        if columns is None:
            heads = {_key(str(v)): i for i, v in enumerate(cells) if v != ""}
            if {"reference", "decision"} <= heads.keys():
                columns = heads
            continue
        reference = str(_cell(cells, columns, "reference")).strip()
        word = _key(str(_cell(cells, columns, "decision")))
        if not reference or not word:
            continue
        decision = _WORDS.get(word, word if word in DECISIONS else "")
        if not decision:
            choices = ", ".join(DECISIONS)
            raise UnreadableWorkbook(f"{name}: row {number}: the decision is none of {choices}; nothing was taken")
        on = _day(name, number, _cell(cells, columns, "decided on"), saved)
        by = _text(_cell(cells, columns, "decided by")) or NOBODY_NAMED
        found.append(Wanted(reference, decision, on, by, _text(_cell(cells, columns, "why"))))
    return None if columns is None else found


def _key(text: str) -> str:
    return re.sub(r"[\s_]+", " ", text).strip().casefold()


def _text(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value)).strip()[:500]


def _cell(cells: list[Any], columns: dict[str, int], name: str) -> Any:
    place = columns.get(name)
    return cells[place] if place is not None and place < len(cells) else ""


def _day(name: str, row: int, value: Any, saved: dt.date) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = str(value).strip()
    if not text:
        return saved
    for pattern in ("%d/%m/%Y", "%Y-%m-%d", "%d/%m/%y"):
        try:
            return dt.datetime.strptime(text, pattern).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    raise UnreadableWorkbook(f"{name}: row {row}: Decided on is not a date as in 13/02/2026; nothing was taken")
