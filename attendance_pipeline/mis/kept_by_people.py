"""Files that people keep or gather by hand, CSV or XLSX: the intervention log, and the answers to the parents' form.

A system writes the same file every night; people do not. Here a sheet is found among others, its header below titles,
rows between blank ones, and dates however a spreadsheet or a hand writes them. Only what is certain is understood: a
name that nearly means a column, or 1/2/26 read the American way, is nobody's business here. What cells mean is as for
every format (`reading.py`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from attendance_pipeline.mis import cells
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.mis.kinds import KINDS, Column, header_key
from attendance_pipeline.mis.native import ROW, WRONG_CELLS, places_of, read_cells
from attendance_pipeline.store.extracts import Fault

SHEET = "(sheet)"  # the column named for a fault of a whole sheet
OTHER_SHEET = "another sheet has the same columns and is not read: keep everything on one sheet"

ABOVE_HEADER = "an entry above the header is not read: put the header above all entries"

_HEADER_WITHIN = 30  # rows: titles, instructions and a logo stand above a header, not a page of text
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]?\s+)?"
_TIME = r"(?:(?:T|,|\s|\bat\b)+(?P<time>\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s*[ap]\.?m\b\.?)?).*)?"
_WRITTEN = tuple(
    re.compile(_WEEKDAY + form + _TIME, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})[-./](?P<month>\d{1,2})[-./](?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})[-./](?P<month>\d{1,2})[-./](?P<year>\d{4}|\d{2})",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?(?P<month>[a-z]{3,9})\.?,?[\s-]+(?P<year>\d{4}|\d{2})",
    )
)
_SERIAL = re.compile(r"(\d{5})(\.\d+)?")
_SERIALS = (dt.date(1990, 1, 1), dt.date(2100, 1, 1))  # a number outside these days is no date but a slip
EXCEL_DAY_0 = dt.date(1899, 12, 30)


@dataclass(frozen=True)
class _Found:
    """The table in a file: its header's line, the header's cells as written and as names, where each column stands, and
    the rows below. `sheet` 0: not a workbook. `others`: places of sheets that are not read; `twins`: whether one of
    them has the columns too. `above`: lines above the header that are entries, because the sheet was sorted with it."""

    line: int
    written: list[str]
    header: list[str]
    places: dict[str, int]
    rows: list[tuple[int, list[str]]]
    day_0: dt.date = EXCEL_DAY_0
    sheet: int = 0
    others: tuple[int, ...] = ()
    twins: bool = False
    above: tuple[int, ...] = ()


def read(kind: str, file_name: str, data: bytes) -> RawTable:
    """The rows of a file under native column names, dates as ISO text. Raises UnreadableFile."""
    found = _find(kind, file_name, data)
    columns = KINDS[kind].columns
    width = len(found.header)
    faults, lines, table = [Fault(line, ROW, ABOVE_HEADER) for line in found.above], [], []
    for line, row in found.rows:
        if not found.sheet and _cannot_be_split(row, width):
            faults.append(Fault(line, ROW, WRONG_CELLS))
            continue
        filled = {h: row[p] if p < len(row) else "" for h, p in found.places.items()}
        if not any(map(cells.tidy, filled.values())):
            continue  # a blank row, or one that is only formatted or numbered
        if [_name(c) for c in row[:width]] == found.header[: len(row)]:
            continue  # the header again, on the next page
        lines.append(line)
        table.append(filled)
    if found.twins:
        faults.append(Fault(found.line, SHEET, OTHER_SHEET))
    texts = {h: [r[h] for r in table] for h in found.places}
    return RawTable(
        columns={c.header: _plain(c, texts[c.header], found.day_0) for c in columns if c.header in texts},
        line=np.array(lines, dtype=np.int32),
        faults=tuple(faults),
        ignored=_ignored(found),
    )


def without_columns(kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]) -> bytes:
    """The file without what the named columns hold. Of a kind of which only what is understood is kept, without any
    other column, other sheets and what stands above the header as well."""
    found = _find(kind, file_name, data)
    named = {place for name, place in found.places.items() if name in columns}
    only_known = KINDS[kind].only_known
    if not named and not only_known:
        return data
    kept = (
        set(found.places.values())
        if only_known
        else set(range(max(len(r) for _, r in [(0, found.written), *found.rows])))
    )
    kept -= named
    rows = [(found.line, found.written)]
    for line, row in found.rows:
        if not found.sheet and _cannot_be_split(row, len(found.header)):
            rows.append((line, _as_faulty(row, kept)))
        else:
            keep = line in keep_lines
            rows.append((line, [c if keep or i in kept else "\n" * c.count("\n") for i, c in enumerate(row)]))
    if found.sheet:
        from attendance_pipeline.mis.xlsx import write_rows

        return write_rows(rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    at = 1
    for line, row in rows:
        out.write("\n" * (line - at))
        writer.writerow(row)
        at = line + 1 + sum(c.count("\n") for c in row)
    return out.getvalue().encode()


def _as_faulty(row: Sequence[str], kept: Set[int]) -> list[str]:
    """A row that cannot be split, without what may be private in it, and still one that cannot be split."""
    if len(row) == 1:
        return ["-,"]
    safe = 0
    while safe in kept:
        safe += 1
    return [c if i < safe else "\n" * c.count("\n") for i, c in enumerate(row[:-1])] + ["-"]


def day_text(text: str, day_0: dt.date = EXCEL_DAY_0) -> str:
    """A date, with its time if it has one, as ISO text; any other text as it is.

    Understood are the day before the month in figures or words, two figures of a year as of this century, and the
    number of days that a spreadsheet counts from `day_0` when a cell is not formatted as a date.
    """
    bare = cells.tidy(text)
    if m := _SERIAL.fullmatch(bare):
        day = day_0 + dt.timedelta(days=int(m[1]))
        seconds = round(float(m[2] or 0) * 86_400)
        time = f" {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" if 0 < seconds < 86_400 else ""
        return f"{day}{time}" if _SERIALS[0] <= day < _SERIALS[1] else text
    for form in _WRITTEN:
        if m := form.fullmatch(bare):
            month = m["month"].lower()[:3]
            if not month.isdigit() and month not in _MONTHS:
                continue
            year = int(m["year"]) + (2000 if len(m["year"]) == 2 else 0)
            try:
                day = dt.date(year, int(month) if month.isdigit() else _MONTHS.index(month) + 1, int(m["day"]))
            except ValueError:
                return text
            return f"{day}{_clock(m['time'])}"
    return text


def _clock(time: str | None) -> str:
    """` hh:mm:ss` of a time of day, or nothing."""
    if time is None:
        return ""
    hour, minute, second = (*map(int, re.findall(r"\d+", time)), 0)[:3]
    half = re.search(r"[ap]", time.lower())
    if half is not None and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    return f" {hour:02}:{minute:02}:{second:02}" if hour < 24 and minute < 60 and second < 60 else ""


def _plain(column: Column, texts: list[str], day_0: dt.date) -> list[str]:
    if column.cell not in ("date", "moment", "maybe_date"):
        return texts
    known = {t: day_text(t, day_0) for t in set(texts)}
    return [known[t] for t in texts]


def _ignored(found: _Found) -> tuple[str, ...]:
    placed = set(found.places.values())
    columns = [h for i, h in enumerate(found.header) if i not in placed and h]
    unnamed = {i for i, h in enumerate(found.header) if not h}
    if any(cells.tidy(c) for _, row in found.rows for i, c in enumerate(row) if i in unnamed or i >= len(found.header)):
        columns.append("(a column without a header)")
    sheets = [f"(sheet {n})" for n in found.others]
    return tuple(columns + sheets)


def _cannot_be_split(row: Sequence[str], width: int) -> bool:
    """Whether a CSV row has more cells than the header (not fewer: Excel leaves off blank ones at the end), or is one
    cell because a quotation mark is never closed."""
    return any(map(cells.tidy, row[width:])) or (len(row) == 1 < width and ("," in row[0] or '"' in row[0]))


# ---------------------------------------------------------------- where the table stands


def _find(kind: str, file_name: str, data: bytes) -> _Found:
    """The table: of several sheets the first that a person sees and that has the columns, else the first hidden one.

    Raises UnreadableFile.
    """
    if not (file_name.lower().endswith((".xlsx", ".xlsm")) or data.startswith(b"PK\3\4")):
        whole = _in_rows(kind, read_cells("", data))
        # Once more from the header on: which lines make one row is known by how many cells the first row has.
        return (
            replace(_in_rows(kind, read_cells("", data, whole.line - 1)), above=whole.above)
            if whole.line > 1
            else whole
        )
    from attendance_pipeline.mis.xlsx import read_sheets

    found: list[tuple[bool, int, _Found]] = []
    refused: list[tuple[bool, int, UnreadableFile]] = []
    sheets = list(read_sheets(data))
    for sheet in sheets:
        try:
            found.append((not sheet.visible, sheet.place, _in_rows(kind, sheet.rows)))
        except UnreadableFile as fault:
            refused.append((not sheet.visible, len(refused), fault))
    if not found:
        raise min(refused, key=lambda r: (not _nearly(r[2]), *r[:2]))[2]
    hidden, place, table = min(found, key=lambda f: f[:2])
    return replace(
        table,
        day_0=sheets[place - 1].day_0,
        sheet=place,
        others=tuple(s.place for s in sheets if s.place != place and s.rows),
        twins=any(other.rows for unseen, at, other in found if at != place and (not unseen or hidden)),
    )


def _nearly(fault: UnreadableFile) -> bool:
    """Whether a sheet was refused for something that stands in its header, and not because it has none."""
    return fault.rule not in (_NO_HEADER, _EMPTY)


_NO_HEADER = "no row of the first 30 names the columns that are needed"
_EMPTY = "the file is empty"


def _name(written: str) -> str:
    """What a cell of a header says, without the signs by which a form marks what has to be filled in."""
    return cells.tidy(written).strip(" *:")


def _in_rows(kind: str, rows: Sequence[tuple[int, list[str]]]) -> _Found:
    columns = KINDS[kind].columns
    best, at_fault = 0, UnreadableFile(_NO_HEADER if rows else _EMPTY, columns[0].header)
    for i, (line, row) in enumerate(rows[:_HEADER_WITHIN]):
        header = [_name(c) for c in row]
        while header and not header[-1]:
            header.pop()
        try:
            places, _ = places_of(columns, header)
        except UnreadableFile as fault:
            known = {header_key(name) for c in columns for name in (c.header, *c.also)}
            if (here := len(known & set(map(header_key, header)))) > best:
                best, at_fault = here, UnreadableFile(fault.rule, fault.column, line)
            continue
        above = tuple(at for at, row_above in rows[:i] if _is_entry(columns, places, row_above))
        return _Found(line, row, header, places, list(rows[i + 1 :]), above=above)
    raise at_fault


def _is_entry(columns: Sequence[Column], places: Mapping[str, int], row: Sequence[str]) -> bool:
    """Whether a row above the header has all that an entry needs, a date where the date stands: no title has."""
    for c in columns:
        if c.needed and c.header in places:
            cell = cells.tidy(row[places[c.header]]) if places[c.header] < len(row) else ""
            if not cell or (c.cell in ("date", "moment") and not re.match(r"\d{4}-\d\d-\d\d", day_text(cell))):
                return False
    return True
