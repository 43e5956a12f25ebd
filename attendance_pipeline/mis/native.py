"""The native format: CSV (or XLSX) with a header row, columns in any order.

Splits a file into cells and finds the columns. A backslash is the mark of a present afternoon and escapes nothing.
What cells mean is not known here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from attendance_pipeline.mis.cells import NotText, decode, tidy
from attendance_pipeline.mis.formats import Coded, RawTable, UnreadableFile
from attendance_pipeline.mis.kinds import KINDS, Column, header_key
from attendance_pipeline.store.extracts import Fault

ROW = "(row)"  # the column named for a fault of a whole row
WRONG_CELLS = "wrong number of cells"


class NativeFormat:
    """See contract.md section 2."""

    name = "native"
    version = 2

    def read(self, kind: str, file_name: str, data: bytes) -> RawTable:
        if file_name.lower().endswith(".xlsx"):
            return table_of(kind, read_cells(file_name, data))
        lines = _lines(data)
        return _even_table(kind, lines) or table_of(kind, list(_csv_rows(lines)))

    def without_columns(self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]) -> bytes:
        wanted = {header_key(c) for c in columns}
        if file_name.lower().endswith(".xlsx"):
            from attendance_pipeline.mis.xlsx import blank_columns

            return blank_columns(data, wanted, keep_lines)
        return blank_cells(data, wanted, keep_lines)


def read_cells(file_name: str, data: bytes, skip: int = 0, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    """(line, cells) of every row of a CSV or XLSX file, the header first; `skip`: rows above the header.

    Raises UnreadableFile.
    """
    if file_name.lower().endswith(".xlsx"):
        from attendance_pipeline.mis.xlsx import read_rows

        return list(read_rows(data, skip))
    return [(line + skip, cells) for line, cells in _csv_rows(_lines(data)[skip:], delimiter)]


def table_of(kind: str, rows: Sequence[tuple[int, list[str]]]) -> RawTable:
    """A table from rows of cells (line, cells), the first of them the header. Raises UnreadableFile."""
    return table_of_columns(KINDS[kind].columns, rows)


def table_of_columns(
    columns: Sequence[Column], rows: Sequence[tuple[int, list[str]]], named: Mapping[str, Sequence[str]] | None = None
) -> RawTable:
    """As `table_of`, of any columns. `named`: by column, the headers it may have in the file instead of its own.

    One header may be of several columns. Raises UnreadableFile.
    """
    if not rows:
        raise UnreadableFile("the file is empty", columns[0].header)
    header = rows[0][1]
    places, ignored = _places(columns, header, named or {})
    width = len(header)
    whole = [r for r in rows[1:] if len(r[1]) == width and any(r[1])]
    faults = tuple(Fault(line, ROW, WRONG_CELLS) for line, cells in rows[1:] if len(cells) != width and any(cells))
    by_place = list(zip(*(cells for _, cells in whole), strict=True)) if whole else [()] * width
    return RawTable(
        columns={h: list(by_place[p]) for h, p in places.items()},
        line=np.array([line for line, _ in whole], dtype=np.int32),
        faults=faults,
        ignored=ignored,
    )


def texts_of(table: RawTable, header: str) -> list[str]:
    """The cells of a column that the table has, one by one."""
    column = table.columns[header]
    return [column.texts[c] for c in column.codes.tolist()] if isinstance(column, Coded) else column


def _places(
    columns: Sequence[Column], header: Sequence[str], named: Mapping[str, Sequence[str]]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Where each column stands, and the file's columns that nobody reads. Raises UnreadableFile."""
    places: dict[str, int] = {}
    ignored: list[str] = []
    known: dict[str, list[str]] = {}
    there = {header_key(tidy(text)) for text in header}
    for c in columns:
        own = (c.header, *c.also)
        # Of several headers that mean a column the first counts; one that stands twice is refused.
        own = next(((name,) for name in own if header_key(name) in there), own)
        for key in {header_key(tidy(name)) for name in named.get(c.header, own)}:
            known.setdefault(key, []).append(c.header)
    for place, text in enumerate(header):
        found = known.get(header_key(tidy(text)), ())
        if not found and tidy(text):
            ignored.append(tidy(text))
        for name in found:
            if name in places:
                raise UnreadableFile("the column stands twice in the header", name)
            places[name] = place
    for c in columns:
        if c.needed and c.header not in places and c.instead not in places:
            raise UnreadableFile("a required column is missing from the header", c.header)
    return places, tuple(ignored)


def _lines(data: bytes) -> list[str]:
    """The lines of a text file, whatever ends them. Raises UnreadableFile."""
    try:
        text = decode(data)
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _even_table(kind: str, lines: Sequence[str]) -> RawTable | None:
    """The table where nothing is quoted and every line has as many cells: the common case, and read ten times faster.
    None for any other file. Raises UnreadableFile."""
    end = len(lines) - 1 if lines[-1] == "" else len(lines)
    commas = lines[0].count(",")
    if end < 2 or commas == 0 or any('"' in line or line.count(",") != commas for line in lines[:end]):
        return None
    places, ignored = _places(KINDS[kind].columns, lines[0].split(","), {})
    columns = _even_cells(lines[1:end], commas + 1, list(places.values()))
    blank = np.logical_and.reduce([c.codes == (c.texts.index("") if "" in c.texts else -1) for c in columns])
    if blank.any():
        return None
    return RawTable(
        columns=dict(zip(places, columns, strict=True)),
        line=np.arange(2, end + 1, dtype=np.int32),
        ignored=ignored,
    )


def _even_cells(lines: Sequence[str], width: int, places: Sequence[int]) -> list[Coded]:
    names = [str(i) for i in range(width)]
    text = pa.dictionary(pa.int32(), pa.string())
    data = "\n".join(lines).encode()
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
        parse_options=pa_csv.ParseOptions(quote_char=False, escape_char=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, text), include_columns=[names[p] for p in places], check_utf8=False
        ),
    )
    columns = [table.column(i).combine_chunks() for i in range(len(places))]
    return [Coded(c.dictionary.to_pylist(), c.indices.to_numpy()) for c in columns]


def _csv_rows(lines: Sequence[str], delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every record of a CSV file that is not an empty line; the header first."""
    if not any('"' in line for line in lines):
        for number, line in enumerate(lines, start=1):
            if line:
                yield number, line.split(delimiter)
        return
    yield from _quoted_records(lines, delimiter)


def _quoted_records(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """As `_csv_rows` where cells may be quoted and hold line breaks.

    A quotation mark that is never closed would swallow every line after it. Such a record is given up at its first
    line, which comes out as one cell (and so as a faulty row), and reading goes on with the next line.
    """
    start, width = 0, 0
    while start < len(lines):
        rest = (lines[i] + "\n" for i in range(start, len(lines)))
        reader = csv.reader(rest, strict=True, delimiter=delimiter)
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


def blank_cells(data: bytes, wanted: Set[str], keep_lines: Set[int], skip: int = 0, delimiter: str = ",") -> bytes:
    """A CSV file without what the columns named by `wanted` (header keys) hold, but on `keep_lines`.

    The very same bytes where there is nothing to leave out.
    """
    lines = _lines(data)
    rows = [(line + skip, cells) for line, cells in _csv_rows(lines[skip:], delimiter)]
    header = [header_key(tidy(c)) for c in rows[0][1]]
    places = [i for i, h in enumerate(header) if h in wanted]
    blank = all(len(cells) == len(header) and not any(cells[p] for p in places) for _, cells in rows[1:])
    if not places or blank:
        return data
    out = io.StringIO()
    out.writelines(line + "\n" for line in lines[:skip])
    writer = csv.writer(out, lineterminator="\n", delimiter=delimiter)
    at = skip + 1
    for line, cells in rows:
        out.write("\n" * (line - at))  # empty lines between records
        kept = list(cells)
        if line != rows[0][0] and line not in keep_lines:
            if len(cells) == len(header):
                for p in places:
                    kept[p] = "\n" * cells[p].count("\n")
            else:  # which cell holds what is not known: keep only what stands before
                kept = [c if i < places[0] else "" for i, c in enumerate(cells)]
        writer.writerow(kept)
        at = line + 1 + sum(c.count("\n") for c in kept)
    return out.getvalue().encode()
