"""A file that nobody has described yet, as a table: its headers and cells, whatever it is written in.

For `suggest.py` and whoever else looks at an export for the first time. It finds where the header is and understands
no cell; nothing that is loaded comes this way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from attendance_pipeline.mis.cells import NotText, date_of, decode, tidy, tidy_upn
from attendance_pipeline.mis.date_columns import NoYear, date_header, one_header
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.json_reading import read_lists, text_of
from attendance_pipeline.mis.map_settings import MOST_HEADER_ROWS
from attendance_pipeline.mis.native import read_cells
from attendance_pipeline.mis.sims_xml import caption
from attendance_pipeline.mis.upn import has_upn_form
from attendance_pipeline.mis.xml_walk import NOT_WELL_FORMED, as_utf8, walk

# Names in JSON that tell the shipped format that reads them.
_TELLING = {
    "wonde-json": {"attendance_code_id", "attendance_code", "education_details"},
    "assembly-json": {"attendance_mark", "year_code"},
    "bromcom-week": {"monam"},
}
DELIMITERS = (",", ";", "\t", "|")
_MOST_ROWS = 50_000
_HEADER_WITHIN = 12  # rows in which a header is looked for
_LONGEST_LINE, _MOST_COLUMNS, _NEAR_THE_TOP = 1_000_000, 2_000, 40  # two years of sessions are 800 columns
_HEAD = 3_000_000  # bytes in which the first lines stand
_MOST_BELOW = 200  # rows below a header that are looked at to tell what stands in its columns
# How the dates of headers may be written, the usual first: as everywhere, with two figures of a year, American.
_HEADER_DATES = (None, "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%m/%d/%Y", "%m/%d/%y")
_WORDS = {"morning": "AM", "afternoon": "PM"}


@dataclass(frozen=True)
class DateColumns:
    """The columns of a sample that are of a date each.

    sessions: AM, PM, or None for a column of both marks of a day, by the column's place; header_rows: over how many
    rows the headers stand; date_format: where they are not written as usual; words: local ones for AM and PM;
    without_year: whether a header leaves the year to be known.
    """

    sessions: Mapping[int, str | None]
    header_rows: int
    date_format: str | None
    words: Mapping[str, str]
    without_year: bool


@dataclass(frozen=True)
class Sample:
    """`written`: csv, xlsx, xml or json; `delimiter`: of a CSV; `skip`: rows above the header; `totals`: first words of
    rows at the end that are not like the others; `format`: the shipped format that reads such files, if one does;
    `dates`: columns that are of a date each, where it has such."""

    written: str
    headers: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    encoding: str | None = None
    delimiter: str = ","
    skip: int = 0
    totals: tuple[str, ...] = ()
    format: str | None = None
    dates: DateColumns | None = field(default=None)

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


def refuse_monstrous(data: bytes) -> None:
    """Raise UnreadableFile for lines and headers that no register has, before anything looks at them closely."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    lengths = np.diff(ends, prepend=-1, append=len(data))
    if lengths.max(initial=0) > _LONGEST_LINE and b"\r" not in data[:_LONGEST_LINE]:
        raise UnreadableFile("a line is longer than 1 MB", line=int(lengths.argmax()) + 1)
    for number, line in enumerate(data[:_HEAD].split(b"\n", _NEAR_THE_TOP)[:_NEAR_THE_TOP], start=1):
        if max(map(line.count, (b",", b";", b"\t", b"|"))) > _MOST_COLUMNS:
            raise UnreadableFile("more than 2,000 columns", line=number)


def _of_text(data: bytes) -> Sample:
    encoding = None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
        try:
            data = data.decode(encoding).encode()
        except UnicodeError:
            raise UnreadableFile("not UTF-16 text") from None
    refuse_monstrous(data)
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
    found = next((i for i, row in enumerate(cells[:_HEADER_WITHIN]) if _may_be_header(row, width[0][0])), None)
    with_dates = _with_dates(cells, _HEADER_WITHIN if found is None else found + 1)
    dates = None
    if with_dates is not None:
        at, headers, dates = with_dates
        body = [row + [""] * (len(headers) - len(row)) for _, row in rows[at + dates.header_rows : len(cells)]]
    elif found is not None:
        at, headers = found, cells[found]
        body = [row for _, row in rows[at + 1 : len(cells)]]  # as written: a week of marks may begin with a space
    else:
        raise UnreadableFile("no row of headers in the first rows of the file")
    whole = [row for row in body if len(row) >= len(headers) and any(c.strip() for c in row)]
    totals = []
    while whole and re.match(r"(grand )?totals?\b", first := tidy(" ".join(whole[-1])), re.IGNORECASE):
        totals.append(" ".join(re.findall(r"[A-Za-z]+", first)[: 2 if first.lower().startswith("grand") else 1]))
        whole.pop()
    columns = tuple(tuple(row[i] for row in whole) for i in range(len(headers)))
    skip = rows[at][0] - 1
    markers = tuple(dict.fromkeys(totals))
    return Sample(written, tuple(headers), columns, encoding, delimiter, skip, markers, dates=dates)


def _with_dates(cells: Sequence[list[str]], within: int) -> tuple[int, list[str], DateColumns] | None:
    """(row, headers, columns of dates) of the first header that names dates, over as many rows as name sessions too."""
    for at in range(min(within, len(cells) - 1)):
        found = [f for n in range(1, MOST_HEADER_ROWS + 1) if (f := _dated_header(cells[at:], n)) is not None]
        if found:
            names, dates = max(
                found, key=lambda f: (sum(s is not None for s in f[1].sessions.values()), -f[1].header_rows)
            )
            return at, names, dates
    return None


def _dated_header(cells: Sequence[list[str]], n: int) -> tuple[list[str], DateColumns] | None:
    """The first n rows as a header with columns of dates; None where they are not one."""
    if any(has_upn_form(tidy_upn(c)) for row in cells[:n] for c in row):
        return None
    for date_format in _HEADER_DATES:
        no_year: list[str] = []

        def says(
            text: str, date_format: str | None = date_format, no_year: list[str] = no_year
        ) -> tuple[str | None] | None:
            try:
                header = date_header(text, None, date_format, _WORDS)
            except NoYear as error:
                no_year.append(text)
                return (error.session,)
            return None if header is None else (header.session,)

        try:
            names, places = one_header(cells[:n], says)
        except UnreadableFile:
            continue
        # In a pupil's row that stands where a header should, dates are dates of all the rows below it too.
        below = [t for row in cells[n : n + _MOST_BELOW] for i in places if i < len(row) and (t := row[i])]
        if not below or sum(_is_date(t) for t in below) * 10 > len(below):
            return None
        words = {w: s for w, s in _WORDS.items() if any(w in names[i].lower() for i in places)}
        sessions = {i: session for i, (session,) in places.items()}
        return names, DateColumns(sessions, n, date_format, words, bool(no_year))
    return None


def _is_date(text: str) -> bool:
    try:
        return date_of(text) is not None or date_header(text, None) is not None
    except UnreadableFile:
        return True


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
    form = next((form for form, known in _TELLING.items() if known & {n.casefold() for n in names}), None)
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
    try:
        walk(as_utf8(data), found)
    except UnreadableFile as fault:
        # Of a report that is broken further on, the records before that show what it is; its format reads the others.
        found.records = found.records[:-1]
        if not (found.root == "SuperStarReport" and found.records and fault.rule.startswith(NOT_WELL_FORMED)):
            raise
    form = "sims-xml" if found.root == "SuperStarReport" else "ctf-xml" if found.marks else None
    if form == "ctf-xml":
        return Sample("xml", (), (), format=form)
    return _of_records("xml", found.records, form)
