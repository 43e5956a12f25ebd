"""The native format: CSV (or XLSX) with a header row, columns in any order.

Splits a file into cells and finds the columns. A backslash is the mark of a present afternoon and escapes nothing.
What cells mean is not known here.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from attendance_pipeline.mis.cells import NotText, decode, tidy
from attendance_pipeline.mis.formats import Coded, RawTable, UnreadableFile
from attendance_pipeline.mis.kinds import KINDS, Column, header_key
from attendance_pipeline.store.extracts import Fault

ROW = "(row)"  # the column named for a fault of a whole row
WRONG_CELLS = "wrong number of cells"
# Kinds that people keep or gather by hand; how such files are read is in `kept_by_people.py`.
KEPT_BY_PEOPLE = frozenset({"notifications", "interventions"})
_BYTE_ORDER_MARK = "\ufeff".encode()
_LINE_FEED, _QUOTE = ord("\n"), ord('"')
# A year's register of a large school has a million rows of six cells. A file of nothing but separators is small on the
# disk and large in memory.
MOST_LINES, MOST_CELLS, MOST_COLUMNS = 2_000_000, 20_000_000, 1_000


class NativeFormat:
    """See contract.md section 2."""

    name = "native"
    version = 3

    def read(self, kind: str, file_name: str, data: bytes) -> RawTable:
        (table,) = self.read_many(kind, [(file_name, data)])
        if isinstance(table, UnreadableFile):
            raise table
        return table

    def read_many(self, kind: str, files: Sequence[tuple[str, bytes]]) -> list[RawTable | UnreadableFile]:
        """Even files (`_cell_ends`: nearly all) of one header are split as one text, dozens of times faster; any other
        goes to the careful reader. What comes out is the same."""
        if kind in KEPT_BY_PEOPLE:
            return [_by_people(kind, name, data) for name, data in files]
        out: dict[int, RawTable | UnreadableFile] = {}
        even: dict[tuple[bytes, bool], list[tuple[int, bytes, int]]] = defaultdict(list)
        for i, (name, data) in enumerate(files):
            if name.lower().endswith(".xlsx"):
                continue
            try:
                text = _plain_bytes(data)
                _not_too_many_cells(text)
            except UnreadableFile as fault:
                out[i] = fault
                continue
            ends = _cell_ends(text)
            if ends is not None and len(ends) > 1:
                header, _, body = text.partition(b"\n")
                even[header, b'"' in body].append((i, body, len(ends) - 1))
        for (header, quoted), members in even.items():
            try:
                tables = _even_tables(kind, header, quoted, [(body, rows) for _, body, rows in members])
            except UnreadableFile as fault:
                out |= {i: UnreadableFile(fault.rule, fault.column, fault.line) for i, _, _ in members}
            else:
                out |= {i: table for (i, _, _), table in zip(members, tables, strict=True) if table is not None}
        for i, (name, data) in enumerate(files):
            if i not in out:
                try:
                    out[i] = table_of(kind, read_cells(name, data))
                except UnreadableFile as fault:
                    out[i] = fault
        return [out[i] for i in range(len(files))]

    def without_columns(self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]) -> bytes:
        if kind in KEPT_BY_PEOPLE:
            from attendance_pipeline.mis import kept_by_people

            return kept_by_people.without_columns(kind, file_name, data, columns, keep_lines)
        wanted = {header_key(c) for c in columns}
        if file_name.lower().endswith(".xlsx"):
            from attendance_pipeline.mis.xlsx import blank_columns

            return blank_columns(data, wanted, keep_lines)
        return blank_cells(data, wanted, keep_lines)


def _by_people(kind: str, file_name: str, data: bytes) -> RawTable | UnreadableFile:
    from attendance_pipeline.mis import kept_by_people

    try:
        return kept_by_people.read(kind, file_name, data)
    except UnreadableFile as fault:
        return fault


def read_cells(file_name: str, data: bytes, skip: int = 0, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    """(line, cells) of every row of a CSV or XLSX file, the header first; `skip`: rows above the header.

    Raises UnreadableFile.
    """
    if file_name.lower().endswith(".xlsx"):
        from attendance_pipeline.mis.xlsx import read_rows

        return list(read_rows(data, skip))
    text = _plain_bytes(data)
    _not_too_many_cells(text, delimiter)
    return [(line + skip, cells) for line, cells in _csv_rows(text.decode().split("\n")[skip:], delimiter)]


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
    places, ignored = places_of(columns, header, named or {})
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


def places_of(
    columns: Sequence[Column], header: Sequence[str], named: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Where each column stands, and the file's columns that nobody reads. Raises UnreadableFile."""
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile("the header has more than 1,000 columns")
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
    return _plain_bytes(data).decode().split("\n")


def _plain_bytes(data: bytes) -> bytes:
    """A text file as UTF-8 without a byte-order mark, its lines ended by line feeds. Raises UnreadableFile."""
    if not data.isascii() or b"\0" in data:
        try:
            data = decode(data).encode()
        except NotText as error:
            raise UnreadableFile(str(error)) from None
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
    if data.count(b"\n") > MOST_LINES:
        raise UnreadableFile("the file has more than 2 million lines")
    return data


def _not_too_many_cells(text: bytes, delimiter: str = ",") -> None:
    """Raises UnreadableFile."""
    if text.count(delimiter.encode()) > MOST_CELLS:
        raise UnreadableFile("the file has more than 20 million cells")


def _cell_ends(text: bytes, delimiter: str = ",") -> npt.NDArray[np.int64] | None:
    """Where each cell ends in an even file, header and all: positions [lines, cells]. None for any other file.

    Even: every line has as many cells, more than one; quotation marks stand only around whole cells, doubled within
    them, and no cell holds a line break. (A file may lack the last line feed; then the last position is its length.)
    """
    if not delimiter.isascii() or not text:
        return None
    there = np.frombuffer(text if text.endswith(b"\n") else text + b"\n", dtype=np.uint8)
    feed = there == _LINE_FEED
    apart = feed | (there == ord(delimiter))
    ends = np.flatnonzero(apart)
    if b'"' in text:
        mark = there == _QUOTE
        inside = np.bitwise_xor.accumulate(mark)  # from a mark that opens to the one that closes, which is outside
        beside = apart | mark
        opens, closes = mark & inside, mark & ~inside
        if (opens[1:] & ~beside[:-1]).any() or (closes[:-1] & ~beside[1:]).any() or (feed & inside).any():
            return None
        ends = ends[~inside[ends]]
        if np.diff(ends, prepend=-1).max() > csv.field_size_limit():  # the careful reader would give such a line up
            return None
    width = int(np.argmax(feed[ends])) + 1
    if width == 1 or len(ends) % width:
        return None
    lines = ends.reshape(-1, width)
    feeds = feed[lines]
    return lines if feeds[:, -1].all() and not feeds[:, :-1].any() else None


def _even_tables(kind: str, header: bytes, quoted: bool, bodies: Sequence[tuple[bytes, int]]) -> list[RawTable | None]:
    """The tables of even files of one header from what stands below it (text, rows); None for one that the careful
    reader has to look at, because a row may be blank. Raises UnreadableFile."""
    cells = _cells_of(header)
    places, ignored = places_of(KINDS[kind].columns, cells)
    if any(body.startswith(_BYTE_ORDER_MARK) for body, _ in bodies):  # Arrow would leave it out
        return [None] * len(bodies)
    columns = _even_cells([body for body, _ in bodies], quoted, len(cells), list(places.values()))
    empty = {h: c.codes == (c.texts.index("") if "" in c.texts else -1) for h, c in zip(places, columns, strict=True)}
    blank = np.logical_and.reduce(list(empty.values()))
    out: list[RawTable | None] = []
    start = 0
    for _, rows in bodies:
        here = slice(start, start + rows)
        start += rows
        table = RawTable(
            columns={h: Coded(c.texts, c.codes[here]) for h, c in zip(places, columns, strict=True)},
            line=np.arange(2, rows + 2, dtype=np.int32),
            ignored=ignored,
            empty=frozenset(h for h in KINDS[kind].private if h in empty and empty[h][here].all()),
        )
        out.append(None if blank[here].any() else table)
    return out


def _cells_of(line: bytes, delimiter: str = ",") -> list[str]:
    """The cells of one line of an even file."""
    text = line.decode()
    return next(csv.reader([text], delimiter=delimiter)) if '"' in text else text.split(delimiter)


def _even_cells(bodies: Sequence[bytes], quoted: bool, width: int, places: Sequence[int]) -> list[Coded]:
    names = [str(i) for i in range(width)]
    text = pa.dictionary(pa.int32(), pa.string())
    data = b"".join(body if body.endswith(b"\n") else body + b"\n" for body in bodies)
    table = pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
        parse_options=pa_csv.ParseOptions(quote_char='"' if quoted else False, escape_char=False),
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
    even = None if skip else _even_without(data, wanted, keep_lines, delimiter)
    return _without(data, wanted, keep_lines, skip, delimiter) if even is None else even


def _without(data: bytes, wanted: Set[str], keep_lines: Set[int], skip: int, delimiter: str) -> bytes:
    """As `blank_cells`, of any file, line by line."""
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


def _even_without(data: bytes, wanted: Set[str], keep_lines: Set[int], delimiter: str) -> bytes | None:
    """As `blank_cells`, of an even file; None for any other."""
    text = _plain_bytes(data)
    ends = _cell_ends(text, delimiter)
    if ends is None:
        return None
    header = _cells_of(text.partition(b"\n")[0], delimiter)
    places = [i for i, h in enumerate(header) if header_key(tidy(h)) in wanted]
    starts = np.concatenate([[0], ends.ravel()[:-1] + 1]).reshape(ends.shape)
    there = np.frombuffer(text, dtype=np.uint8)
    first, past = starts[:, places], ends[:, places]
    filled = past > first
    filled &= (past - first > 2) | (there[np.minimum(first, len(text) - 1)] != _QUOTE)  # more than a pair of marks
    filled[0] = False
    if not filled.any():
        return data
    filled[[n - 1 for n in keep_lines if n <= len(ends)]] = False
    bounds = np.zeros(len(text) + 1, dtype=np.int8)
    bounds[first[filled]] += 1
    bounds[past[filled]] -= 1
    left = there[np.cumsum(bounds[:-1], dtype=np.int8) == 0].tobytes()
    return left if left.endswith(b"\n") else left + b"\n"
