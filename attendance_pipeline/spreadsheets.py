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
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

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
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip file can hold: members say nothing of when they were made
_HEADER_FILL = PatternFill("solid", start_color="FFE3EAF2")
_HEADER_LINE = Border(bottom=Side("thin", color="FF5B6B7C"))
_ROW_LINE = Border(bottom=Side("hair", color="FF8794A3"))  # for the eye, across a wide printed row
# What a row's tone looks like, in its first cell. Colour is never alone: some cell of the row says the same in a word.
_TONES: Mapping[str, PatternFill] = {
    "late": PatternFill("solid", start_color="FFF6D5C3"),
    "now": PatternFill("solid", start_color="FFFFF4D6"),
}
_LATE_TAB = "FFB4531A"
_FONT: Mapping[str, Any] = {"name": "Calibri", "size": 11, "family": 2}


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
    book = Workbook()
    book.remove(book.worksheets[0])
    noon = dt.datetime(created.year, created.month, created.day, 12)  # noqa: DTZ001  # the file format knows no zone
    book.properties.title, book.properties.creator = clean_text(title), "attendance-pipeline"
    book.properties.created = noon
    taken: set[str] = set()
    looks = _Looks(book)
    for sheet in sheets:
        name = _sheet_name(sheet.name, taken)
        taken.add(name.casefold())
        _fill(book.create_sheet(name), sheet, looks)
    saved = io.BytesIO()
    book.save(saved)
    return _without_moments(saved.getvalue(), noon)


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
    """How cells of a workbook look, each look kept once as a style with a name: to compare fonts and borders cell by
    cell costs more than all the rest of a workbook. Hidden, so that no program offers them."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._names: dict[tuple[Kind, bool, str], str] = {}

    def give(self, cell: Cell, kind: Kind, wrap: bool, tone: str) -> None:
        key = (kind, wrap, tone)
        if key not in self._names:
            self._names[key] = " ".join(["List", kind, *(["wrapped"] if wrap else []), *([tone] if tone else [])])
            look = NamedStyle(
                self._names[key],
                font=Font(**_FONT, bold=tone == "late"),
                fill=_TONES.get(tone),
                border=_ROW_LINE,
                alignment=Alignment(vertical="top", wrap_text=wrap),
                number_format=_FORMATS[kind],
                hidden=True,
            )
            self._book.add_named_style(look)
        cell.style = self._names[key]


def _fill(sheet: Worksheet, source: Sheet, looks: _Looks) -> None:
    columns = _columns(source.columns)
    widths = [len(c.title) + _BEYOND_HEADER for c in columns]
    for at, column in enumerate(columns, start=1):
        cell = sheet.cell(row=1, column=at)
        _put_text(cell, column.title)
        cell.font, cell.fill, cell.border = Font(**_FONT, bold=True), _HEADER_FILL, _HEADER_LINE
        cell.alignment = Alignment(vertical="center", wrap_text=True)
    last = 1
    for last, row in enumerate(source.rows, start=2):
        tone = str(row.get(TONE) or "")
        for at, column in enumerate(columns, start=1):
            cell = sheet.cell(row=last, column=at)
            value = row.get(column.key)
            looks.give(cell, _kind_of(column, value), column.wrap, tone if at == 1 and tone in _TONES else "")
            widths[at - 1] = max(widths[at - 1], _put(cell, column, value))
        if tone == "late":
            sheet.sheet_properties.tabColor = _LATE_TAB
    for at, column in enumerate(columns, start=1):
        letter = get_column_letter(at)
        width = column.width if column.width is not None else min(max(widths[at - 1] + 1, _NARROWEST), _WIDEST)
        sheet.column_dimensions[letter].width = width
        if column.choices and last > 1:
            offered = DataValidation(type="list", formula1='"' + ",".join(column.choices) + '"', allow_blank=True)
            offered.error, offered.errorTitle = f"One of: {', '.join(column.choices)}, or blank", column.title
            offered.showErrorMessage = True
            sheet.add_data_validation(offered)
            offered.add(f"{letter}2:{letter}{last}")
    sheet.freeze_panes = "A2"
    if columns:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{last}"
    _page(sheet, source)


def _put(cell: Cell, column: Column, value: object) -> int:
    """Write one value as its column's kind; how many characters wide it shows. What is not of the kind becomes text."""
    if value is None or value == "":
        return 0
    kind = _kind_of(column, value)
    if kind == "date":
        cell.value = value
        return len("31/12/2025")
    if kind != "text":
        cell.value = value if isinstance(value, int | float) else float(value)  # type: ignore[arg-type]  # Fraction, Decimal
        return 8
    text = clean_text(_written(value, column, "%d/%m/%Y"))
    _put_text(cell, text)
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


def _put_text(cell: Cell, value: str) -> None:
    text = clean_text(value)[:_MOST_CHARACTERS]
    if not text:
        return
    cell.value = text
    cell.data_type = "s"  # openpyxl has taken "=1+1" for a formula and "#N/A" for an error by now
    if looks_like_formula(text):
        cell.quotePrefix = True  # and stays text when somebody edits the cell


def _page(sheet: Worksheet, source: Sheet) -> None:
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape" if source.landscape else "portrait"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    margins = sheet.page_margins
    margins.left = margins.right = 0.4  # inches
    margins.top = margins.bottom = 0.6
    heading = clean_text(source.heading or source.name).replace("&", "&&")  # a lone & is a command there
    sheet.oddHeader.left.text, sheet.oddHeader.left.size = heading, 10
    sheet.oddFooter.right.text, sheet.oddFooter.right.size = "&P / &N", 9


def _sheet_name(name: str, taken: set[str]) -> str:
    """A name that Excel allows (31 characters, none of its signs), used once."""
    allowed = re.sub(r"[\[\]:*?/\\]", " ", clean_text(name)).strip().strip("'")[:31] or "Sheet"
    candidate, count = allowed, 1
    while candidate.casefold() in taken:
        count += 1
        candidate = f"{allowed[:28]} {count}"
    return candidate


def _without_moments(data: bytes, created: dt.datetime) -> bytes:
    """The workbook with every moment of its making replaced by `created` or the zip epoch."""
    stamp = f"{created:%Y-%m-%dT%H:%M:%SZ}".encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as made, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as plain:
        for name in sorted(made.namelist(), key=lambda n: (n != "[Content_Types].xml", n)):
            content = made.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            plain.writestr(info, content)
    return out.getvalue()
