"""A kept file, or a table on the drive, without the rows of some persons; every other line keeps its number.

Belongs here: what a row is in CSV, XLSX, XML and JSON, whatever the format of extracts, and a file in which what was
taken out left nothing but empty lines, an empty row, an empty record, a `null` or `{}`. Whose rows they are is told
by the lines on which the warehouse found them, and by what the row itself names. Not here: writing files; whom to
remove.
"""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from attendance_pipeline.mis.cells import NotText, decode
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.json_reading import Item, read_lists
from attendance_pipeline.mis.naming import Naming
from attendance_pipeline.mis.xlsx import read_sheets
from attendance_pipeline.mis.xml_walk import as_utf8, walk

_DELIMITERS = ",;\t|"
_TAG = re.compile(r"<[^<>]*>")
_WORKBOOK = b"PK\3\4"
_SEVERAL = "Pupil"  # the element of a pupil in a Common Transfer File, which stands deeper than records do


@dataclass(frozen=True)
class Without:
    """What is left of a file. `data`: None where nothing of it can be kept; `gone`: lines that were taken out; `left`:
    lines that name one of the persons and are somebody else's."""

    data: bytes | None
    gone: tuple[int, ...] = ()
    left: tuple[int, ...] = ()


@dataclass
class _Judge:
    """Which rows go: those on `lines`, but for `others`; of lines on which both stand, and on neither, what names."""

    lines: Set[int]
    others: Set[int]
    naming: Naming
    went: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)

    def goes(self, first: int, last: int, cells: Callable[[], Sequence[str]]) -> bool:
        """Whether the row goes that stands on these lines."""
        here = range(first, last + 1)
        own = any(n in self.lines for n in here)
        other = any(n in self.others for n in here)
        gone = own and not other
        if not gone and self.naming and (own or not other or self.naming.names or self.naming.emails):
            named = self.naming.in_cells(cells())
            gone = named and own == other
            if named and not gone:
                self.left.append(first)
        if gone:
            self.went.append(first)
        return gone


def without_rows(file_name: str, data: bytes, lines: Set[int], others: Set[int], naming: Naming) -> Without:
    """A file without the rows of some persons. The very same bytes where it holds none.

    `lines`: where the warehouse found rows of theirs, as it numbers lines; `others`: where it found somebody else's.
    """
    judge = _Judge(lines, others, naming)
    try:
        out = _by_kind(file_name, data, judge)
    except UnreadableFile:
        return _of_unreadable(data, naming)
    return Without(out if judge.went else data, tuple(judge.went), tuple(judge.left))


def text_of(file_name: str, data: bytes) -> str:
    """What a person who opens a file can read in it, as far as bytes say it: tables, archives of XML, markup, text."""
    if data.startswith(_WORKBOOK):
        try:
            if file_name.lower().endswith((".xlsx", ".xlsm", "")) and (rows := _rows_in_words(data)):
                return rows
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return "\n".join(text_of(i.filename, archive.read(i)) for i in archive.infolist() if not i.is_dir())
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
            return data.decode("latin-1")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1", "replace")
    if text.lstrip()[:1] == "<":
        return html.unescape(_TAG.sub(" ", text)) + "\n" + html.unescape(text)
    return text


def _rows_in_words(data: bytes) -> str:
    try:
        rows = [" | ".join(cells) for sheet in read_sheets(data) for _, cells in sheet.rows]
    except UnreadableFile:
        return ""
    return "\n".join([*rows, *_comments(data)])


def _comments(data: bytes) -> Iterator[str]:
    """What a workbook says besides its cells: notes on cells, names of sheets, its properties."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if re.search(r"comments|docProps|drawings|workbook\.xml$|pivot", info.filename):
                yield html.unescape(_TAG.sub(" ", archive.read(info).decode("utf-8", "replace")))


def _by_kind(file_name: str, data: bytes, judge: _Judge) -> bytes:
    if data.startswith(_WORKBOOK):
        return _workbook(data, judge)
    start = data[:200].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:1]
    if start == b"<":
        return _xml(data, judge)
    if start in (b"{", b"[") and not file_name.lower().endswith(".csv"):
        return _json(data, judge)
    return _lines(data, judge)


def _of_unreadable(data: bytes, naming: Naming) -> Without:
    """Of a file that nothing can be told of: line by line where it is text, else all or nothing."""
    if not naming.in_text(text_of("", data)):
        return Without(data)
    try:
        text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    except NotText:
        return Without(None, (1,))
    kept = ["" if naming.in_text(line) else line for line in text.split("\n")]
    out = "\n".join(kept)
    if naming.in_text(out) or not out.strip():
        return Without(None, (1,))
    before = text.split("\n")
    return Without(out.encode(), tuple(i for i, line in enumerate(kept, start=1) if line != before[i - 1]))


# ---------------------------------------------------------------- lines of text


def _lines(data: bytes, judge: _Judge) -> bytes:
    try:
        text = decode(data)
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    end = "\r\n" if "\r\n" in text else "\n"
    judge.naming = judge.naming.only_upns(text)  # a year of marks is a hundred thousand rows without a name
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for first, last, cells in _records(lines):
        if judge.goes(first + 1, last + 1, lambda cells=cells: cells):  # type: ignore[misc]  # bound at once
            lines[first : last + 1] = [""] * (last + 1 - first)
    return end.join(lines).encode()


def _records(lines: Sequence[str]) -> Iterator[tuple[int, int, list[str]]]:
    """(first, last, cells) of every row that is not empty, by places of lines. One whose quotation mark is never closed
    is its first line alone, as the readers of CSV take it."""
    found = Counter(c for line in lines[:30] for c in line if c in _DELIMITERS)
    delimiter = found.most_common(1)[0][0] if found else ","
    start = 0
    while start < len(lines):
        line = lines[start]
        if not line:
            start += 1
        elif '"' not in line:
            yield start, start, line.split(delimiter)
            start += 1
        else:
            cells, count = _quoted(lines, start, delimiter)
            yield start, start + count - 1, cells
            start += count


_LONGEST_ROW = 200  # lines of one row; a longer one has a quotation mark that is not closed


def _quoted(lines: Sequence[str], start: int, delimiter: str) -> tuple[list[str], int]:
    rest = (lines[i] + "\n" for i in range(start, min(start + _LONGEST_ROW, len(lines))))
    reader = csv.reader(rest, strict=True, delimiter=delimiter)
    try:
        cells = next(reader)
    except (csv.Error, StopIteration):
        return [lines[start]], 1
    return cells, reader.line_num


# ---------------------------------------------------------------- XML


@dataclass
class _Element:
    name: str
    line: int
    begin: int
    last: int = 0
    texts: list[str] = field(default_factory=list)
    end: int = 0


class _Records:
    """The elements that stand for a row: each `Pupil`, and what stands under the root of a document without one."""

    def __init__(self) -> None:
        self.under_root: list[_Element] = []
        self.pupils: list[_Element] = []
        self._open: list[_Element] = []

    def start(self, name: str, line: int, at: int) -> None:
        self._open.append(_Element(name, line, at))

    def text(self, text: str) -> None:
        if self._open and not text.isspace():
            self._open[-1].texts.append(text)

    def end(self, name: str, line: int, at: int) -> None:
        done = self._open.pop()
        done.last, done.end = line, at
        if len(self._open) == 1:
            self.under_root.append(done)
        if name == _SEVERAL:
            self.pupils.append(done)
        elif self._open:
            self._open[-1].texts += done.texts


def _xml(data: bytes, judge: _Judge) -> bytes:
    document = as_utf8(data)
    found = _Records()
    walk(document, found)
    records = found.pupils or found.under_root
    numbered = not found.pupils and len({r.line for r in records}) < len(records)
    out, at = bytearray(), 0
    for number, r in enumerate(records, start=1):
        # Where records share a line the readers number them.
        first, last = (number, number) if numbered else (r.line, r.last if found.pupils else r.line)
        if not r.texts or not judge.goes(first, last, lambda r=r: r.texts):  # type: ignore[misc]  # bound at once
            continue
        end = document.index(b">", r.end) + 1
        out += document[at : r.begin] + (f"<{r.name}/>".encode() if numbered else b"")
        out += b"\n" * document.count(b"\n", r.begin, end)
        at = end
    return bytes(out + document[at:])


# ---------------------------------------------------------------- JSON


def _json(data: bytes, judge: _Judge) -> bytes:
    lists = read_lists(data)
    text = lists.text
    gone: list[tuple[int, int, str]] = []
    for items in lists.items.values():
        # Where objects share a line the readers number them.
        numbered = len({i.line for i in items}) < len(items)
        for number, item in enumerate(sorted(items, key=lambda i: i.start), start=1):
            line = number if numbered else item.line
            if item.value and judge.goes(line, line, lambda item=item: _texts(item)):  # type: ignore[misc]  # bound at once
                gone.append((item.start, item.end, "{}" if numbered else "null"))
    for start, end in lists.broken:
        if judge.naming.in_text(text[start:end]):
            judge.went.append(text.count("\n", 0, start) + 1)
            gone.append((start, end, "null"))
    out, at = [], 0
    for start, end, instead in sorted(gone):
        out += [text[at:start], instead, "\n" * text.count("\n", start, end)]
        at = end
    return "".join([*out, text[at:]]).encode("utf-8", "surrogatepass")


def _texts(item: Item) -> list[str]:
    found: list[str] = []

    def gather(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                gather(inner)
        elif isinstance(value, list):
            for inner in value:
                gather(inner)
        elif isinstance(value, str):
            found.append(value)

    gather(item.value)
    return found


# ---------------------------------------------------------------- workbooks


def _workbook(data: bytes, judge: _Judge) -> bytes:
    """The workbook without those rows on any sheet; the warehouse's lines are those of the first that is read."""
    sheets = list(read_sheets(data))
    shown = next((s.place for s in sheets if s.visible and s.rows), 1)
    gone: dict[int, list[int]] = {}
    for sheet in sheets:
        here = judge if sheet.place == shown else _Judge(frozenset(), frozenset(), judge.naming)
        rows = [n for n, cells in sheet.rows if here.goes(n, n, lambda cells=cells: cells)]  # type: ignore[misc]
        if rows:
            gone[sheet.place] = rows
        if here is not judge:
            judge.went += here.went
    if not gone:
        return data
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), keep_links=False)
    for place, numbers in gone.items():
        sheet = book.worksheets[place - 1]
        for number in numbers:
            for cell in sheet[number]:
                if hasattr(cell, "hyperlink"):  # not one that a merged cell covers
                    cell.value = cell.comment = cell.hyperlink = None
    out = io.BytesIO()
    book.save(out)
    if judge.naming.in_text("\n".join(_comments(out.getvalue()))):
        from attendance_pipeline.mis.xlsx import write_rows

        first = next(s for s in sheets if s.place == shown)  # the cells alone, of the sheet that is read
        return write_rows((n, c) for n, c in first.rows if n not in gone.get(shown, ()))
    return out.getvalue()
