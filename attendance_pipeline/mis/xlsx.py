"""Rows of an XLSX workbook as text: the first sheet, as a person sees it. Only the native format reads workbooks."""

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
_NOT_A_WORKBOOK = "not an XLSX workbook"


def read_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells as text) of the first sheet, from its first row that is not empty. Raises UnreadableFile."""
    sheet = _sheet(data)
    width = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [_text(v) for v in values]
        if not width:
            while cells and not cells[-1].strip():
                cells.pop()
            width = len(cells)
        # A sheet is as wide as its widest row: cells that are not filled are not missing.
        cells = cells + [""] * (width - len(cells))
        if any(cells[width:]):
            yield number, cells
        elif any(cells):
            yield number, cells[:width]


def blank_columns(data: bytes, wanted: Set[str], keep_lines: Set[int]) -> bytes:
    """The workbook's first sheet without what the columns named by `wanted` (header keys) hold, but on `keep_lines`."""
    from openpyxl import Workbook

    rows = list(read_rows(data))
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


def _sheet(data: bytes) -> Any:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(i.file_size for i in archive.infolist()) > _LARGEST_UNFOLDED:
                raise UnreadableFile("the workbook unfolds to more than 256 MB")
            for info in archive.infolist():
                if info.filename.endswith((".xml", ".rels")):
                    with archive.open(info) as part:
                        if b"<!DOCTYPE" in part.read(4096):
                            raise UnreadableFile("the workbook declares its own document type")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
    except UnreadableFile:
        raise
    except Exception as error:  # openpyxl raises whatever its parts raise, and messages may hold cell contents
        raise UnreadableFile(f"{_NOT_A_WORKBOOK} ({type(error).__name__})") from None
    sheet.reset_dimensions()
    return sheet


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
