"""Rows of an XLSX workbook as text: the first sheet, as a person sees it."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator, Set
from typing import Any

from attendance_pipeline.mis.cells import tidy
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.kinds import header_key

# A workbook of a school's log is some kilobytes; one that unfolds to more than this is not one.
_LARGEST_UNFOLDED = 256 * 1024 * 1024
_MOST_COLUMNS = 1_000
_MOST_CELLS = 20_000_000
_NOT_A_WORKBOOK = "not an XLSX workbook"


def read_rows(data: bytes, skip: int = 0) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells as text) of the first sheet, from its first row after `skip` that is not empty.

    Raises UnreadableFile.
    """
    width = total = 0
    for number, values in enumerate(_values(data), start=1):
        # A single cell far to the right makes a row of thousands: small in the file, large in memory.
        total += len(values)
        if total > _MOST_CELLS:
            raise UnreadableFile("the sheet has more than 20 million cells", line=number)
        if number <= skip:
            continue
        cells = [_text(v) for v in values]
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) > _MOST_COLUMNS:
            raise UnreadableFile("the sheet has more than 1,000 columns", line=number)
        width = width or len(cells)
        # A sheet is as wide as its widest row: cells that are not filled are not missing.
        cells += [""] * (width - len(cells))
        if any(cells):
            yield number, cells


def blank_columns(data: bytes, wanted: Set[str], keep_lines: Set[int], skip: int = 0) -> bytes:
    """The workbook's first sheet without what the columns named by `wanted` (header keys) hold, but on `keep_lines`."""
    from openpyxl import Workbook

    rows = list(read_rows(data, skip))
    header = [header_key(tidy(c)) for c in rows[0][1]]
    places = {i for i, h in enumerate(header) if h in wanted}
    if not places:
        return data
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    at = 1
    for line, cells in rows:
        for _ in range(line - at):
            sheet.append([])
        keep = line == rows[0][0] or line in keep_lines
        sheet.append([c if keep or i not in places else "" for i, c in enumerate(cells)])
        at = line + 1
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _values(data: bytes) -> Iterator[tuple[Any, ...]]:
    """The values of each row of the first sheet. Raises UnreadableFile, also half-way."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(i.file_size for i in archive.infolist()) > _LARGEST_UNFOLDED:
                raise UnreadableFile("the workbook unfolds to more than 256 MB")
            for info in archive.infolist():
                if info.filename.endswith((".xml", ".rels")):
                    with archive.open(info) as part:
                        text = part.read()
                        if b"<!DOCTYPE" in text or b"\0" in text[:64]:  # the second is UTF-16, which hides the first
                            raise UnreadableFile("the workbook declares its own document type")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet: Any = book.worksheets[0]
        sheet.reset_dimensions()
        yield from sheet.iter_rows(values_only=True)
    except UnreadableFile:
        raise
    except Exception as error:  # openpyxl raises whatever its parts raise, and messages may hold cell contents
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
