"""The native format: CSV (or XLSX) with a header row, columns in any order.

Splits a file into cells and finds the columns. A backslash is the mark of a present afternoon and escapes nothing.
What cells mean is not known here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence, Set

import numpy as np

from attendance_pipeline.mis.cells import NotText, decode, tidy
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.mis.kinds import KINDS, header_key
from attendance_pipeline.store.extracts import Fault

ROW = "(row)"  # the column named for a fault of a whole row
WRONG_CELLS = "wrong number of cells"


class NativeFormat:
    """See contract.md section 2."""

    name = "native"
    version = 1

    def read(self, kind: str, file_name: str, data: bytes) -> RawTable:
        if file_name.lower().endswith(".xlsx"):
            from attendance_pipeline.mis.xlsx import read_rows

            rows = list(read_rows(data))
        else:
            rows = list(_csv_rows(data))
        return table_of(kind, rows)

    def without_columns(self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]) -> bytes:
        wanted = {header_key(c) for c in columns}
        if file_name.lower().endswith(".xlsx"):
            from attendance_pipeline.mis.xlsx import blank_columns

            return blank_columns(data, wanted, keep_lines)
        return _blank_columns(data, wanted, keep_lines)


def table_of(kind: str, rows: Sequence[tuple[int, list[str]]]) -> RawTable:
    """A table from rows of cells (line, cells), the first of them the header. Raises UnreadableFile."""
    if not rows:
        raise UnreadableFile("the file is empty", KINDS[kind].columns[0].header)
    _, header = rows[0]
    places: dict[str, int] = {}
    ignored: list[str] = []
    known = {header_key(c.header): c for c in KINDS[kind].columns}
    for place, text in enumerate(header):
        column = known.get(header_key(tidy(text)))
        if column is None:
            if tidy(text):
                ignored.append(tidy(text))
        elif column.header in places:
            raise UnreadableFile("the column stands twice in the header", column.header)
        else:
            places[column.header] = place
    for c in KINDS[kind].columns:
        if c.needed and c.header not in places:
            raise UnreadableFile("a required column is missing from the header", c.header)
    width = len(header)
    whole = [r for r in rows[1:] if len(r[1]) == width and any(r[1])]
    faults = tuple(Fault(line, ROW, WRONG_CELLS) for line, cells in rows[1:] if len(cells) != width and any(cells))
    by_place = list(zip(*(cells for _, cells in whole), strict=True)) if whole else [()] * width
    return RawTable(
        columns={h: list(by_place[p]) for h, p in places.items()},
        line=np.array([line for line, _ in whole], dtype=np.int32),
        faults=faults,
        ignored=tuple(ignored),
    )


def _csv_rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every record of a CSV file that is not an empty line; the header first."""
    try:
        text = decode(data)
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if '"' not in text:
        for number, cells in enumerate(csv.reader(lines, quoting=csv.QUOTE_NONE), start=1):
            if cells:
                yield number, cells
        return
    yield from _quoted_records(lines)


def _quoted_records(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """As `_csv_rows` where cells may be quoted and hold line breaks.

    A quotation mark that is never closed would swallow every line after it. Such a record is given up at its first
    line, which comes out as one cell (and so as a faulty row), and reading goes on with the next line.
    """
    start, width = 0, 0
    while start < len(lines):
        reader = csv.reader((line + "\n" for line in lines[start:]), strict=True)
        first = start
        try:
            for cells in reader:
                end = start + reader.line_num
                width = width or len(cells)
                if end - first > 1 and len(cells) != width:
                    break
                if cells:
                    yield first + 1, cells
                first = end
            else:
                return
        except csv.Error:
            pass
        yield first + 1, [lines[first]]
        start = first + 1


def _blank_columns(data: bytes, wanted: Set[str], keep_lines: Set[int]) -> bytes:
    rows = list(_csv_rows(data))
    header = [header_key(tidy(c)) for c in rows[0][1]]
    places = [i for i, h in enumerate(header) if h in wanted]
    if not places:
        return data
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    at = 1
    for line, cells in rows:
        out.write("\n" * (line - at))  # empty lines between records
        kept = list(cells)
        if line != 1 and line not in keep_lines:
            if len(cells) == len(header):
                for p in places:
                    kept[p] = "\n" * cells[p].count("\n")
            else:  # which cell holds what is not known: keep only what stands before
                kept = [c if i < places[0] else "" for i, c in enumerate(cells)]
        writer.writerow(kept)
        at = line + 1 + sum(c.count("\n") for c in kept)
    return out.getvalue().encode()
