"""Tables for an office: harmless, the same bytes each time, text kept as text."""

import csv
import datetime as dt
import io
import re
import zipfile
from fractions import Fraction

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance_pipeline.spreadsheets import Column, Sheet, clean_text, csv_bytes, safe_cell, workbook_bytes

DAY = dt.date(2025, 12, 4)


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+44 113 496 0000", "'+44 113 496 0000"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("\u200b=1", "'\u200b=1"),
        ("＝1+1", "'＝1+1"),  # the wide form, which some versions of Excel obey
        ("\x00=1", "'=1"),
        (-3, "-3"),
        (-0.5, "-0.5"),
        (None, ""),
        ("Zoë O'Brien", "Zoë O'Brien"),
        ("a=b", "a=b"),
        ("", ""),
        ("   ", "   "),
    ],
)
def test_a_cell_is_never_a_formula(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_csv_for_people() -> None:
    rows = [{"name": "Ólafur, Jr", "day": DAY, "rate": Fraction(37, 40), "here": True, "all": [DAY, DAY]}]
    data = csv_bytes(
        rows, ["name", Column("day", "Day", "date"), Column("rate", "Rate", "percent"), "here", "all", "none"]
    )
    assert data.startswith(b"\xef\xbb\xbf")
    assert read(data) == [
        ["name", "Day", "Rate", "here", "all", "none"],
        ["Ólafur, Jr", "04/12/2025", "92.5%", "Yes", "04/12/2025; 04/12/2025", ""],
    ]
    assert csv_bytes(rows, ["day"], dates="%Y-%m-%d", bom=False) == b"day\r\n2025-12-04\r\n"


@settings(deadline=None)  # a workbook takes 5 ms, on a machine with other work at times much more
@given(st.text())
def test_any_text_goes_into_both(text: str) -> None:
    (row,) = read(csv_bytes([{"a": text, "b": "."}], ["a", "b"]))[1:]
    assert row[1] == "."
    assert not row[0].lstrip().startswith(("=", "+", "-", "@"))
    book = openpyxl.load_workbook(
        io.BytesIO(workbook_bytes([Sheet("x", ["a"], [{"a": text}])], title="t", created=DAY))
    )
    cell = book.worksheets[0]["A2"]
    assert cell.data_type in ("inlineStr", "s", "n")  # n: an empty cell
    assert str(cell.value or "") == clean_text(text).replace("\r\n", "\n").replace("\r", "\n")


def sheets() -> list[Sheet]:
    columns = [
        Column("number", "Admission number"),
        Column("name", "Name"),
        Column("day", "Opened on", "date"),
        Column("rate", "Attendance", "percent"),
        Column("sessions", "Sessions", "whole"),
        Column("why", "Why", wrap=True, width=40),
        Column("decision", "Decision", choices=("approve", "reject")),
    ]
    row = {"number": "004512", "name": "=HYPERLINK()", "day": DAY, "rate": Fraction(37, 40), "sessions": 12}
    return [Sheet("Batch", columns, [row, {"number": "1E5", "rate": None}]), Sheet("Held: no/yes", ["a"], [])]


def test_workbook_keeps_text_dates_and_numbers_apart() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook_bytes(sheets(), title="Letters", created=DAY)))
    sheet = book["Batch"]
    assert [cell.value for cell in sheet[2]] == [
        "004512",
        "=HYPERLINK()",
        dt.datetime(2025, 12, 4),
        0.925,
        12,
        None,
        None,
    ]
    assert [cell.data_type for cell in sheet[2]][:5] == ["s", "s", "d", "n", "n"]
    assert sheet["B2"].quotePrefix and not sheet["A2"].quotePrefix
    assert sheet["A3"].value == "1E5" and sheet["A3"].number_format == "@"
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == "A1:G3" and sheet.print_title_rows == "$1:$1"
    assert int(sheet.column_dimensions["F"].width) == 40, "and the padding of a cell"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.page_setup.fitToHeight == 0
    assert [v.formula1 for v in sheet.data_validations.dataValidation] == ['"approve,reject"']
    assert book.sheetnames == ["Batch", "Held  no yes"]


def test_the_same_table_is_the_same_bytes_at_any_time() -> None:
    first = workbook_bytes(sheets(), title="Letters", created=DAY)
    assert workbook_bytes(sheets(), title="Letters", created=DAY) == first
    archive = zipfile.ZipFile(io.BytesIO(first))
    assert {i.date_time for i in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    moments = {m for name in archive.namelist() for m in re.findall(rb"\d{4}-\d\d-\d\dT[\d:]+Z?", archive.read(name))}
    assert moments == {b"2025-12-04T12:00:00Z"}


def test_sheet_names_are_made_to_fit() -> None:
    data = workbook_bytes(
        [Sheet("a" * 40, ["x"], []), Sheet("A" * 31, ["x"], []), Sheet("", ["x"], [])], title="", created=DAY
    )
    names = openpyxl.load_workbook(io.BytesIO(data)).sheetnames
    assert names == ["a" * 31, "A" * 28 + " 2", "Sheet"]


def test_no_sheets_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sheet"):
        workbook_bytes([], title="", created=DAY)
