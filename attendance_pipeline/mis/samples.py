"""A file that nobody has described yet, as a table: its headers and cells, whatever it is written in.

For `suggest.py` and whoever else looks at an export for the first time. It finds where the header is and understands
no cell; nothing that is loaded comes this way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from attendance_pipeline.mis.cells import NotText, date_of, decode, tidy, tidy_upn
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.json_reading import read_lists, text_of
from attendance_pipeline.mis.native import read_cells
from attendance_pipeline.mis.sims_xml import caption
from attendance_pipeline.mis.upn import has_upn_form
from attendance_pipeline.mis.xml_walk import as_utf8, walk

DELIMITERS = (",", ";", "\t", "|")
_MOST_ROWS = 50_000
_HEADER_WITHIN = 12  # rows in which a header is looked for


@dataclass(frozen=True)
class Sample:
    """`written`: csv, xlsx, xml or json; `delimiter`: of a CSV; `skip`: rows above the header; `totals`: first words of
    rows at the end that are not like the others; `format`: the shipped format that reads such files, if one does."""

    written: str
    headers: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    encoding: str | None = None
    delimiter: str = ","
    skip: int = 0
    totals: tuple[str, ...] = ()
    format: str | None = None

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def read_sample(file_name: str, data: bytes) -> Sample:
    """The table in a file. Raises UnreadableFile, also for one without a header."""
    if not data.strip():
        raise UnreadableFile("the file is empty")
    if data[:4] == b"PK\x03\x04" or file_name.lower().endswith(".xlsx"):
        return _of_rows("xlsx", read_cells("sample.xlsx", data))
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<" or (data[:2] in (b"\xff\xfe", b"\xfe\xff") and file_name.lower().endswith(".xml")):
        return _of_xml(data)
    if start in (b"{", b"["):
        return _of_json(data)
    return _of_text(data)


def _of_text(data: bytes) -> Sample:
    encoding = None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
        try:
            data = data.decode(encoding).encode()
        except UnicodeError:
            raise UnreadableFile("not UTF-16 text") from None
    try:
        lines = [line for line in decode(data).splitlines()[: 20 + _HEADER_WITHIN] if line.strip()]
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    delimiter = max(DELIMITERS, key=lambda d: (Counter(line.count(d) for line in lines if d in line).total(), d == ","))
    return _of_rows("csv", read_cells("sample.csv", data, delimiter=delimiter), encoding, delimiter)


def _of_rows(
    written: str, rows: Sequence[tuple[int, list[str]]], encoding: str | None = None, delimiter: str = ","
) -> Sample:
    cells = [[tidy(c) for c in row] for _, row in rows[:_MOST_ROWS]]
    width = Counter(sum(map(bool, row)) for row in cells[:200]).most_common(1)
    if not width or not cells:
        raise UnreadableFile("the file is empty")
    at = next((i for i, row in enumerate(cells[:_HEADER_WITHIN]) if _may_be_header(row, width[0][0])), None)
    if at is None:
        raise UnreadableFile("no row of headers in the first rows of the file")
    headers = cells[at]
    body = [row for _, row in rows[at + 1 : len(cells)]]  # as written: a week of marks may begin with a space
    whole = [row for row in body if len(row) >= len(headers) and any(c.strip() for c in row)]
    totals = []
    while whole and re.match(r"(grand )?totals?\b", first := tidy(" ".join(whole[-1])), re.IGNORECASE):
        totals.append(" ".join(re.findall(r"[A-Za-z]+", first)[: 2 if first.lower().startswith("grand") else 1]))
        whole.pop()
    columns = tuple(tuple(row[i] for row in whole) for i in range(len(headers)))
    skip = rows[at][0] - 1
    return Sample(written, tuple(headers), columns, encoding, delimiter, skip, tuple(dict.fromkeys(totals)))


def _may_be_header(row: Sequence[str], usual: int) -> bool:
    """A row as full as most, in which no cell is the value of anything: those of a pupil must not pass for headers."""
    filled = [c for c in row if c]
    if len(filled) < max(2, usual // 2) or len(set(filled)) < len(filled):
        return False
    return not any(has_upn_form(tidy_upn(c)) or date_of(c) is not None or re.fullmatch(r"[\d.]+", c) for c in filled)


def _of_records(written: str, records: Sequence[dict[str, str]], form: str | None) -> Sample:
    names = list(dict.fromkeys(name for record in records for name in record))
    if not names:
        raise UnreadableFile("no rows are found in the file")
    columns = tuple(tuple(record.get(name, "") for record in records) for name in names)
    return Sample(written, tuple(names), columns, format=form)


def _of_json(data: bytes) -> Sample:
    lists = read_lists(data)
    items = max(lists.items.values(), key=len, default=[])[:_MOST_ROWS]
    records = [{k: text for k, v in item.value.items() if (text := text_of(v)) is not None} for item in items]
    names = {name for item in items for name in item.value}
    form = "wonde-json" if "attendance_code_id" in names else "assembly-json" if "attendance_mark" in names else None
    return _of_records("json", records, form)


class _Elements:
    """The children of the root, each with its own children's text; and the names that tell a format."""

    def __init__(self) -> None:
        self.root = ""
        self.records: list[dict[str, str]] = []
        self.marks = False
        self._depth = 0
        self._text: list[str] = []

    def start(self, name: str, line: int, at: int) -> None:
        self._depth += 1
        self._text = []
        self.marks |= name == "AttendanceMarks"
        if self._depth == 1:
            self.root = name
        elif self._depth == 2 and len(self.records) < _MOST_ROWS:
            self.records.append({})

    def text(self, text: str) -> None:
        if self._depth == 3:
            self._text.append(text)

    def end(self, name: str, line: int, at: int) -> None:
        if self._depth == 3 and self.records:
            self.records[-1][caption(name)] = "".join(self._text)
        self._depth -= 1


def _of_xml(data: bytes) -> Sample:
    found = _Elements()
    walk(as_utf8(data), found)
    form = "sims-xml" if found.root == "SuperStarReport" else "ctf-xml" if found.marks else None
    if form == "ctf-xml":
        return Sample("xml", (), (), format=form)
    return _of_records("xml", found.records, form)
