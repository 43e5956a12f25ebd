"""Tables as files that an office opens: CSV and XLSX, the same bytes for the same table.

Belongs here: how a table looks in a spreadsheet program, and what keeps it harmless there. Does not belong here: which
rows and columns a list has, and anything that writes to a disk or the drive.

Two things every table of people's words needs. A cell that a program could take for a formula is neutralised: in CSV by
an apostrophe before it, in a workbook by storing it as text and marking it so (what is read back is what was written).
And a column of text stays text: an admission number keeps its leading zeros, a class called 1E5 is no number.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Kind = Literal["text", "whole", "decimal", "percent", "date"]

_FORMULA = "=+-@\t\r\n"  # what starts a formula in Excel, LibreOffice or Google Sheets
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")  # no place in XML, no use in a cell
TONE = "tone"  # the key of a row's tone
_MOST_CHARACTERS = 32_767  # Excel's own limit for a cell
_FORMATS: Mapping[Kind, str] = {
    "text": "@",
    "whole": "0",
    "decimal": "0.00",
    "percent": "0.0%",
    "date": "DD/MM/YYYY",
}
_NARROWEST, _WIDEST, _BEYOND_HEADER = 6, 48, 3  # characters; room for the filter's button beside a header
_HEADER_FILL, _HEADER_LINE, _THIN = "#E3EAF2", "#5B6B7C", 1
_ROW_LINE, _HAIR = "#8794A3", 7  # for the eye, across a wide printed row
# What a row's tone looks like, in its first cell. Colour is never alone: some cell of the row says the same in a word.
_TONES: Mapping[str, str] = {"late": "#F6D5C3", "now": "#FFF4D6"}
_LATE_TAB = "#B4531A"
_A4 = 9
_MOST_TITLE, _MOST_MESSAGE = 32, 255  # Excel's own limits for what it says, and for the head of a page


@dataclass(frozen=True)
class Column:
    """One column: `key` finds the value in a row, `header` is printed (blank: the key).

    `kind`: `text`, `whole`, `decimal`, `percent` (a ratio, 0.925 for 92.5%) or `date`. `width` in characters; None: as
    wide as what is in it, within reason. `wrap`: long text goes on in the cell's next line. `choices`: the values that
    a workbook offers to the person who fills the cell in.
    """

    key: str
    header: str = ""
    kind: Kind = "text"
    width: float | None = None
    wrap: bool = False
    choices: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.header or self.key


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook. `heading` is printed at the top of each page; blank: the sheet's name.

    A row may have a `tone`, which no column shows: `late` or `now` colours its first cell, and a late row the sheet's
    tab.
    """

    name: str
    columns: Sequence[Column | str]
    rows: Iterable[Mapping[str, Any]]
    heading: str = ""
    landscape: bool = True


def looks_like_formula(text: str) -> bool:
    """Whether a spreadsheet program could take the text for a formula, also behind spaces or invisible marks."""
    if text[:1] in ("\t", "\r", "\n"):
        return True
    for char in text:
        if char.isspace() or unicodedata.category(char) in ("Cf", "Cc"):
            continue
        return unicodedata.normalize("NFKC", char)[:1] in tuple(_FORMULA)
    return False


def clean_text(value: object) -> str:
    """A value as text without characters that no spreadsheet can hold. None is empty."""
    return "" if value is None else _CONTROL.sub("", str(value))


def safe_cell(value: object) -> str:
    """A value as a cell of CSV: text that a program could take for a formula gets an apostrophe before it.

    A number stays what it is, also a negative one.
    """
    text = clean_text(value)
    if isinstance(value, int | float) or not looks_like_formula(text):
        return text
    return f"'{text}"


def csv_bytes(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[Column | str], *, dates: str = "%d/%m/%Y", bom: bool = True
) -> bytes:
    """A table as CSV for people: UTF-8 with BOM, CRLF, dates dd/mm/yyyy, no cell a formula.

    `dates` is a pattern of strftime; a `percent` is written as 92.5%. A row may lack a column: the cell is empty.
    """
    table = _columns(columns)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(c.title) for c in table])
    for row in rows:
        writer.writerow([safe_cell(_written(row.get(c.key), c, dates)) for c in table])
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def workbook_bytes(sheets: Sequence[Sheet], *, title: str, created: dt.date) -> bytes:
    """A workbook ready to use and to print: header row frozen and repeated, filters, A4, as wide as its page.

    `created` is the only date it bears, so that the same sheets give the same bytes. Raises ValueError for no sheets.
    """
    if not sheets:
        raise ValueError("a workbook needs at least one sheet")
    saved = io.BytesIO()
    book = Workbook(saved, {"in_memory": True})
    noon = dt.datetime(created.year, created.month, created.day, 12)  # noqa: DTZ001  # the file format knows no zone
    book.set_properties({"title": clean_text(title), "author": "attendance-pipeline", "created": noon})
    taken: set[str] = set()
    looks = _Looks(book)
    for sheet in sheets:
        name = _sheet_name(sheet.name, taken)
        taken.add(name.casefold())
        _fill(book.add_worksheet(name), sheet, looks)
    book.close()
    return saved.getvalue()


def _columns(columns: Sequence[Column | str]) -> list[Column]:
    return [Column(c) if isinstance(c, str) else c for c in columns]


def _written(value: object, column: Column, dates: str) -> object:
    if isinstance(value, dt.date):
        return value.strftime(dates)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if column.kind == "percent" and value not in (None, ""):
        return f"{float(value) * 100:.1f}%"  # type: ignore[arg-type]  # a ratio of any number type
    if isinstance(value, list | tuple):
        return "; ".join(str(_written(v, column, dates)) for v in value)
    return value


class _Looks:
    """How cells of a workbook look, each look kept once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[Kind, bool, str, bool], Format] = {}
        self.header, self.header_quoted = (self._header(quoted) for quoted in (False, True))

    def _header(self, quoted: bool) -> Format:
        look = {"bold": True, "bg_color": _HEADER_FILL, "bottom": _THIN, "bottom_color": _HEADER_LINE}
        return self._book.add_format({**look, "valign": "vcenter", "text_wrap": True, "quote_prefix": quoted})

    def of(self, kind: Kind, wrap: bool, tone: str, quoted: bool = False) -> Format:
        """`quoted`: text that a program could take for a formula stays text when somebody edits the cell."""
        key = (kind, wrap, tone, quoted)
        if key not in self._made:
            look: dict[str, Any] = {"num_format": _FORMATS[kind], "valign": "top", "text_wrap": wrap}
            look |= {"bottom": _HAIR, "bottom_color": _ROW_LINE, "bold": tone == "late", "quote_prefix": quoted}
            if tone in _TONES:
                look["bg_color"] = _TONES[tone]
            self._made[key] = self._book.add_format(look)
        return self._made[key]


def _fill(sheet: Worksheet, source: Sheet, looks: _Looks) -> None:
    columns = _columns(source.columns)
    widths = [len(c.title) + _BEYOND_HEADER for c in columns]
    for at, column in enumerate(columns):
        text = _fitting(column.title)
        sheet.write_string(0, at, text, looks.header_quoted if looks_like_formula(text) else looks.header)
    last = 0
    for last, row in enumerate(source.rows, start=1):
        tone = str(row.get(TONE) or "")
        for at, column in enumerate(columns):
            widths[at] = max(
                widths[at], _put(sheet, last, at, column, row.get(column.key), tone if at == 0 else "", looks)
            )
        if tone == "late":
            sheet.set_tab_color(_LATE_TAB)
    for at, column in enumerate(columns):
        width = column.width if column.width is not None else min(max(widths[at] + 1, _NARROWEST), _WIDEST)
        sheet.set_column(at, at, width)
        if column.choices and last:
            offered = {"validate": "list", "source": list(column.choices), "error_title": column.title[:_MOST_TITLE]}
            offered["error_message"] = f"One of: {', '.join(column.choices)}, or blank"[:_MOST_MESSAGE]
            sheet.data_validation(1, at, last, at, offered)
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, last, len(columns) - 1)
    _page(sheet, source)


def _put(sheet: Worksheet, row: int, at: int, column: Column, value: object, tone: str, looks: _Looks) -> int:
    """Write one value as its column's kind; how many characters wide it shows. What is not of the kind becomes text."""
    kind = _kind_of(column, value)
    if value is None or value == "":
        sheet.write_blank(row, at, None, looks.of(kind, column.wrap, tone))
        return 0
    if kind == "date":
        sheet.write_datetime(row, at, value, looks.of(kind, column.wrap, tone))
        return len("31/12/2025")
    if kind != "text":
        number = value if isinstance(value, int | float) else float(value)  # type: ignore[arg-type]  # Fraction, Decimal
        sheet.write_number(row, at, number, looks.of(kind, column.wrap, tone))
        return 8
    text = _fitting(_written(value, column, "%d/%m/%Y"))
    sheet.write_string(row, at, text, looks.of(kind, column.wrap, tone, looks_like_formula(text)))
    return max(map(len, text.splitlines()), default=0)


def _kind_of(column: Column, value: object) -> Kind:
    """As what a value stands in a column: what is not of the column's kind is text. A blank cell is of the kind, and so
    is what a person types into it."""
    if column.kind == "text" or value is None or value == "":
        return column.kind
    if column.kind == "date":
        return "date" if isinstance(value, dt.date) else "text"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return column.kind
    return "percent" if column.kind == "percent" and not isinstance(value, str | bool | list | tuple) else "text"


def _fitting(value: object) -> str:
    # A lone CR has no place in XML, and programs differ over how it is written instead.
    return clean_text(value).replace("\r\n", "\n").replace("\r", "\n")[:_MOST_CHARACTERS]


def _page(sheet: Worksheet, source: Sheet) -> None:
    sheet.set_paper(_A4)
    if source.landscape:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)  # inches
    heading = clean_text(source.heading or source.name).replace("&", "&&")  # a lone & is a command there
    sheet.set_header(f"&L&10 {heading}"[:_MOST_MESSAGE])  # without the space a heading of digits would be its own size
    sheet.set_footer("&R&9&P / &N")


def _sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel allows (31 characters, none of its signs), used once."""
    allowed = re.sub(r"[\[\]:*?/\\]", " ", clean_text(name)).strip().strip("'")[:31] or "Sheet"
    candidate, count = allowed, 1
    while candidate.casefold() in taken:
        count += 1
        candidate = f"{allowed[:28]} {count}"
    return candidate
