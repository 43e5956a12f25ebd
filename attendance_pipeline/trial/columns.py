"""A table as coded columns: every text once, and of each row the number of its text. A year of marks has few texts.

Belongs here: CSV and XLSX as such tables, quickly, and the few changes of shape that a register needs. What a column
means is not known here.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from attendance_pipeline.mis.cells import NotText, decode, tidy
from attendance_pipeline.mis.formats import Coded, UnreadableFile
from attendance_pipeline.mis.native import read_cells
from attendance_pipeline.mis.samples import refuse_monstrous
from attendance_pipeline.mis.xlsx import read_rows

Ints = npt.NDArray[np.int32]

_HEAD = 3_000_000  # bytes of a large file that tell how it is laid out
_TAIL = 20_000  # and of its end, where totals stand
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_LINE_BREAKS = re.compile(r"[\r\n]+")


@dataclass(frozen=True)
class Text:
    """A file of a table as CSV in UTF-8. `lines`: of each of its lines, the row of the workbook it comes from."""

    data: bytes
    lines: tuple[int, ...] | None = None

    @property
    def head(self) -> bytes:
        """Enough of it to understand it by: the whole, or its beginning and end."""
        if len(self.data) <= _HEAD + _TAIL:
            return self.data
        head, tail = self.data.rfind(b"\n", 0, _HEAD), self.data.find(b"\n", len(self.data) - _TAIL)
        return self.data if head < 0 or tail < 0 else self.data[: head + 1] + self.data[tail + 1 :]

    def line(self, number: int) -> int:
        """The line of the file as the user knows it."""
        return number if self.lines is None else self.lines[number - 1] if number <= len(self.lines) else number


def text_of_file(file_name: str, data: bytes) -> Text:
    """The text of a CSV, or of a workbook's first sheet. Raises UnreadableFile."""
    if data[:8] == _OLD_WORKBOOK:
        raise UnreadableFile("a workbook of an old kind (.xls); save it as XLSX or CSV")
    if data[:4] == b"PK\x03\x04" or file_name.lower().endswith(".xlsx"):
        rows = list(read_rows(data))
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerows([_LINE_BREAKS.sub(" ", c) for c in cells] for cells in _even(rows))
        return Text(out.getvalue().encode(), tuple(number for number, _ in rows))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError:
            raise UnreadableFile("not UTF-16 text") from None
    try:
        text = Text(data if data.isascii() and b"\0" not in data else decode(data).encode())
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    refuse_monstrous(text.data)
    return text


def sheets_of(data: bytes) -> int:
    """How many sheets a workbook has that was read before."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(bool(_SHEET.fullmatch(name)) for name in archive.namelist())


def _even(rows: Sequence[tuple[int, list[str]]]) -> list[list[str]]:
    """Rows of a sheet, all as wide as the widest: cells that are not filled are not missing."""
    width = max((len(cells) for _, cells in rows), default=0)
    return [[*cells, *[""] * (width - len(cells))] for _, cells in rows]


@dataclass(frozen=True)
class Table:
    """Rows of equal width. `line`: of each row, its line in the text; `uneven`: lines of rows of another width."""

    headers: tuple[str, ...]
    columns: tuple[Coded, ...]
    line: Ints
    uneven: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.line)

    def part(self, rows: npt.NDArray[np.bool_]) -> Table:
        columns = tuple(_used(c.texts, c.codes[rows]) for c in self.columns)
        return replace(self, columns=columns, line=self.line[rows])


def read_table(text: Text, skip: int, delimiter: str) -> Table:
    """The table of a text below `skip` lines, the next being its header. Raises UnreadableFile."""
    return _quick(text.data, skip, delimiter) or _careful(text.data, skip, delimiter)


def _quick(data: bytes, skip: int, delimiter: str) -> Table | None:
    """The table where every line is a row of equal width; None for any other."""
    plain = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
    plain = plain.rstrip(b"\n") + b"\n"
    lines = plain.count(b"\n")
    try:
        found = pa_csv.read_csv(
            pa.BufferReader(plain),
            read_options=pa_csv.ReadOptions(
                skip_rows=skip, autogenerate_column_names=True, use_threads=False, block_size=len(plain) + 1
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, quote_char='"' if b'"' in plain else False, escape_char=False
            ),
            convert_options=pa_csv.ConvertOptions(
                default_column_type=pa.dictionary(pa.int32(), pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    if found.num_rows != lines - skip or found.num_rows < 2:
        return None
    columns = [c.combine_chunks() for c in found.columns]
    headers = tuple(tidy(c[0].as_py()) for c in columns)
    below = tuple(_used(c.dictionary.to_pylist(), c.indices.to_numpy()[1:]) for c in columns)
    return Table(headers, below, np.arange(skip + 2, lines + 1, dtype=np.int32))


def _used(texts: Sequence[str], codes: Ints) -> Coded:
    """A column without the texts that no row has, such as its own header."""
    used, of_row = np.unique(codes, return_inverse=True)
    return Coded([texts[i] for i in used], of_row.astype(np.int32))


def _careful(data: bytes, skip: int, delimiter: str) -> Table:
    rows = read_cells("table.csv", data, skip, delimiter)
    if not rows:
        raise UnreadableFile("the file is empty")
    width = len(rows[0][1])
    whole = [r for r in rows[1:] if len(r[1]) == width and any(c.strip() for c in r[1])]
    uneven = tuple(line for line, cells in rows[1:] if len(cells) != width and any(c.strip() for c in cells))
    by_place = list(zip(*(cells for _, cells in whole), strict=True)) if whole else [()] * width
    lines = np.array([line for line, _ in whole], dtype=np.int32)
    return Table(tuple(tidy(h) for h in rows[0][1]), tuple(coded(column) for column in by_place), lines, uneven)


def coded(texts: Sequence[str]) -> Coded:
    """A column of texts by the number of each."""
    number: dict[str, int] = {}
    codes = np.fromiter((number.setdefault(t, len(number)) for t in texts), dtype=np.int32, count=len(texts))
    return Coded(list(number), codes)


def changed(column: Coded, change: Callable[[str], str]) -> Coded:
    """A column with each text changed; texts that become the same are one."""
    number: dict[str, int] = {}
    of = np.array([number.setdefault(change(t), len(number)) for t in column.texts], dtype=np.int32)
    return Coded(list(number), of[column.codes] if len(of) else column.codes)


def without_totals(table: Table, markers: Sequence[str]) -> Table:
    """The table without rows whose first filled cell is a marker of totals."""
    words = "|".join(re.escape(tidy(m)) for m in markers)
    if not words or not len(table):
        return table
    total = re.compile(rf"(?:{words})(?!\w)", re.IGNORECASE)
    open_, out = np.ones(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    for column in table.columns:
        said = np.array([2 if total.match(t) else int(bool(t)) for t in map(tidy, column.texts)], dtype=np.int8)
        here = said[column.codes]
        out |= open_ & (here == 2)
        open_ &= here == 0
    return table.part(~out)


def one_row_a_session(table: Table, places: Mapping[str, int]) -> Table:
    """A table with a column for each session of a day as one with a row for each: columns Session and Code at its end.

    `places`: of each session, the column of its marks."""
    n = len(table)
    rest = [i for i in range(len(table.headers)) if i not in places.values()]
    sessions = list(places)
    marks = [table.columns[places[s]] for s in sessions]
    texts = list(dict.fromkeys(t for m in marks for t in m.texts))
    number = {t: i for i, t in enumerate(texts)}
    codes = [np.array([number[t] for t in m.texts], dtype=np.int32)[m.codes] for m in marks]
    columns = [Coded(table.columns[i].texts, np.repeat(table.columns[i].codes, len(sessions))) for i in rest]
    columns.append(Coded(sessions, np.tile(np.arange(len(sessions), dtype=np.int32), n)))
    columns.append(Coded(texts, np.stack(codes, axis=1).ravel()))
    return Table(
        (*(table.headers[i] for i in rest), "Session", "Code"),
        tuple(columns),
        np.repeat(table.line, len(sessions)),
        table.uneven,
    )


def as_text(table: Table, rows: int) -> bytes:
    """The first rows of a table as CSV."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.headers)
    head = [[c.texts[i] for i in c.codes[:rows].tolist()] for c in table.columns]
    writer.writerows(zip(*head, strict=True))
    return out.getvalue().encode()


def distinct(columns: Sequence[Coded]) -> tuple[list[tuple[str, ...]], Ints]:
    """Every combination of texts that some row has, and of each row the number of its combination."""
    number = np.zeros(len(columns[0].codes), dtype=np.int64)
    for c in columns:
        number = np.unique(number * max(len(c.texts), 1) + c.codes, return_inverse=True)[1].astype(np.int64)
    _, first, of_row = np.unique(number, return_index=True, return_inverse=True)
    return [tuple(c.texts[c.codes[i]] for c in columns) for i in first], of_row.astype(np.int32)
