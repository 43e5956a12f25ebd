"""Rows of an XLSX workbook as text, as a person sees them: of the first sheet, or of each."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from attendance_pipeline.mis.cells import tidy
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.kinds import header_key

# A workbook of a school's log is some kilobytes; one that unfolds to more than this is not one.
_LARGEST_UNFOLDED = 256 * 1024 * 1024
_MOST_COLUMNS = 1_000
_MOST_CELLS = 20_000_000
_MOST_ROWS = 1_048_576  # of a sheet of Excel's; a row's number in the file may say anything
_MOST_PARTS = 10_000
_MOST_TAGS = 20_000_000  # a year's register of a large school has ten million
_NOT_A_WORKBOOK = "not an XLSX workbook"
_TOO_WIDE = "the sheet has more than 1,000 columns"
_PART = b"PK\x01\x02"  # how the archive's list of parts names one
_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"  # how an .xls file begins, and a workbook with a password


@dataclass(frozen=True)
class SheetRows:
    """One sheet: its place in the workbook from 1, whether a person sees it, its rows that are not empty as (row
    number, cells as text), and the day that Excel counts as 0 in this workbook. Hidden rows (a filter does it) are
    rows."""

    place: int
    visible: bool
    rows: list[tuple[int, list[str]]]
    day_0: dt.date


def read_sheets(data: bytes) -> Iterator[SheetRows]:
    """Every sheet, in the order of the workbook. Raises UnreadableFile."""
    book = _open(data)
    for place, sheet in enumerate(book.worksheets, start=1):
        rows = []
        for number, values in _counted(_values_of(sheet)):
            cells = [_text(v) for v in values]
            while cells and not cells[-1].strip():
                cells.pop()
            if len(cells) > _MOST_COLUMNS:
                raise UnreadableFile(_TOO_WIDE, line=number)
            if cells:
                rows.append((number, cells))
        yield SheetRows(place, sheet.sheet_state == "visible", rows, book.epoch.date())


def read_rows(data: bytes, skip: int = 0) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells as text) of the first sheet, from its first row after `skip` that is not empty.

    Raises UnreadableFile.
    """
    width = 0
    for number, values in _counted(_values_of(_open(data).worksheets[0])):
        if number <= skip:
            continue
        cells = [_text(v) for v in values]
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) > _MOST_COLUMNS:
            raise UnreadableFile(_TOO_WIDE, line=number)
        width = width or len(cells)
        # A sheet is as wide as its widest row: cells that are not filled are not missing.
        cells += [""] * (width - len(cells))
        if any(cells):
            yield number, cells


def blank_columns(data: bytes, wanted: Set[str], keep_lines: Set[int], skip: int = 0) -> bytes:
    """The workbook's first sheet without what the columns named by `wanted` (header keys) hold, but on `keep_lines`."""
    rows = list(read_rows(data, skip))
    header = [header_key(tidy(c)) for c in rows[0][1]]
    places = {i for i, h in enumerate(header) if h in wanted}
    if not places:
        return data
    return write_rows(
        (line, [c if line == rows[0][0] or line in keep_lines or i not in places else "" for i, c in enumerate(cells)])
        for line, cells in rows
    )


def write_rows(rows: Iterable[tuple[int, list[str]]]) -> bytes:
    """A workbook of one sheet with each row (row number, cells) in its place. Nothing in it is a formula."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet()

    def cell(text: str) -> Any:
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text))
        made.data_type = "s"
        return made

    at = 1
    for line, cells in rows:
        for _ in range(line - at):
            sheet.append([])
        sheet.append([cell(c) if c else None for c in cells])
        at = line + 1
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _counted(values: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows of a sheet with their numbers. Raises UnreadableFile for a sheet that is too large."""
    total = 0
    for number, row in enumerate(values, start=1):
        if number > _MOST_ROWS:
            raise UnreadableFile("the sheet has more than 1,048,576 rows", line=number)
        # A single cell far to the right makes a row of thousands: small in the file, large in memory.
        total += len(row)
        if total > _MOST_CELLS:
            raise UnreadableFile("the sheet has more than 20 million cells", line=number)
        yield number, row


def _open(data: bytes) -> Any:
    """The workbook, whose rows are read as they are asked for. Raises UnreadableFile."""
    from openpyxl import load_workbook

    if data.startswith(_OLD_OR_LOCKED):
        raise UnreadableFile("an .xls file, or a workbook with a password: save it as .xlsx without one")
    if data.count(_PART) > _MOST_PARTS:  # each is held before anything can be asked of it
        raise UnreadableFile("the workbook has more than 10,000 parts")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            # Nothing is unpacked to a file, so that a part's name leads nowhere; and no more is read of a part than
            # this says it has.
            if sum(i.file_size for i in archive.infolist()) > _LARGEST_UNFOLDED:
                raise UnreadableFile("the workbook unfolds to more than 256 MB")
            tags = 0
            for info in archive.infolist():
                with archive.open(info) as part:
                    text = part.read()
                if b"<!DOCTYPE" in text or _is_wide(info.filename, text):  # the second hides the first
                    raise UnreadableFile("the workbook declares its own document type")
                tags += text.count(b"<")
                if tags > _MOST_TAGS:
                    raise UnreadableFile("the workbook holds more than 20 million tags")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        if not book.worksheets:
            raise UnreadableFile("the workbook has no sheet of cells")
    except UnreadableFile:
        raise
    except Exception as error:  # openpyxl raises whatever its parts raise, and messages may hold cell contents
        raise UnreadableFile(f"{_NOT_A_WORKBOOK} ({type(error).__name__})") from None
    return book


def _is_wide(name: str, text: bytes) -> bool:
    """Whether a part is XML in UTF-16 (or 32), whatever it is called."""
    xml = name.lower().endswith((".xml", ".rels"))
    return text[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<", b"\0\0") or (xml and b"\0" in text[:64])


def _values_of(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """The values of each row of a sheet. Raises UnreadableFile, also half-way."""
    try:
        sheet.reset_dimensions()
        yield from sheet.iter_rows(values_only=True)
    except Exception as error:  # as in `_open`
        raise UnreadableFile(f"{_NOT_A_WORKBOOK} ({type(error).__name__})") from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
