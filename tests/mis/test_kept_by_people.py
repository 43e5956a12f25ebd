"""The intervention log and the parents' form as people keep them: what of a dirty file is read, and what is said of it."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from mis_files import faults, read
from openpyxl import Workbook
from openpyxl.styles import PatternFill
from school_files import ANN, BEN

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.kept_by_people import EXCEL_DAY_0, day_text
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.reading import Reading

FORMAT = NativeFormat()
HEADER = ["UPN", "Date", "Action", "Stage", "Contact ID", "From", "Until", "Amount", "By", "Note"]
HOLD = [ANN, dt.date(2026, 1, 5), "hold", None, None, None, dt.date(2026, 1, 9), None, "Head", "see DSL"]
CALL = [BEN, dt.date(2026, 1, 6), "phone_call", 1, None, None, None, None, "Office", ""]
FORM = "Submitted,UPN,Pupil Name,First Date,Last Date,Reason,Evidence"


def book(sheets: dict[str, list[list[Any]]], hidden: tuple[str, ...] = ()) -> bytes:
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    return saved(made)


def saved(made: Workbook) -> bytes:
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def log(data: bytes | str, ending: str = "xlsx") -> Reading:
    return read(FORMAT, "interventions", data, ending)


def entries(reading: Reading) -> list[str]:
    """Usable entries as `line action date stage`."""
    return [f"{r.line} {r.data['action']} {r.data['date']} {r.data['stage']}" for r in reading.records]


TWO = ["2 hold 2026-01-05 None", "3 phone_call 2026-01-06 1"]


def at(first: int) -> list[str]:
    return [f"{first + i} {e.partition(' ')[2]}" for i, e in enumerate(TWO)]


# ---------------------------------------------------------------- one cell


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-02-13", "2026-02-13"),
        ("13/02/2026", "2026-02-13"),
        ("13/2/26", "2026-02-13"),
        ("13.02.2026", "2026-02-13"),
        ("13-02-26", "2026-02-13"),
        ("2026/02/13", "2026-02-13"),
        ("13 Feb 2026", "2026-02-13"),
        ("13th February 2026", "2026-02-13"),
        ("Fri 13 Feb 26", "2026-02-13"),
        ("Friday, 13-Feb-2026", "2026-02-13"),
        ("46066", "2026-02-13"),  # how a spreadsheet counts days
        ("46066.5", "2026-02-13 12:00:00"),
        ("13/02/2026 07:45", "2026-02-13 07:45:00"),
        ("13 February 2026 at 7:45 pm", "2026-02-13 19:45:00"),
        ("2026-02-13T07:45:00+01:00", "2026-02-13 07:45:00"),  # cut, never converted
        # No date that is certain: the cell stays what it is, and its row is set aside.
        ("02/13/2026", None),
        ("13/02", None),
        ("Feb 2026", None),
        ("31 June 2026", None),
        ("12345", None),
        ("99999", None),
        ("next Monday", None),
        ("", None),
    ],
)
def test_dates_of_a_hand_or_a_spreadsheet(written: str, day: str | None) -> None:
    assert day_text(written) == (day or written)


def test_days_counted_from_1904() -> None:
    """Workbooks from old Macintoshes count from another day; in a whole file openpyxl says from which."""
    assert day_text("44604", dt.date(1904, 1, 1)) == day_text("46066", EXCEL_DAY_0) == "2026-02-13"


@pytest.mark.parametrize(
    ("column", "written", "read_as"),
    [
        ("Stage", "1", 1),
        ("Stage", "Stage 1", 1),
        ("Stage", "stage2", 2),
        ("Stage", 3, 3),
        ("Stage", 4.0, 4),
        ("Stage", "Stage 5", None),
        ("Stage", "one", None),
        ("Action", "Letter sent", "letter_sent"),
        ("Action", "LETTER  SENT ", "letter_sent"),
        ("Action", "letter-sent", "letter_sent"),
        ("Action", "Letter\u00a0sent.", "letter_sent"),
        ("Action", "letter", None),
        ("Action", "Rang home", None),
        ("Amount", "£160", 160.0),
        ("Amount", 60, 60.0),
        ("Amount", "£1,200.50", 1200.5),
    ],
)
def test_cells_of_an_entry(column: str, written: Any, read_as: Any) -> None:
    row = dict(zip(HEADER, HOLD, strict=True)) | {column: written}
    reading = log(book({"Log": [HEADER, list(row.values())]}))
    if read_as is None:
        assert [f.column for f in reading.faults] == [column]
    else:
        assert reading.faults == ()
        assert reading.records[0].data[column.lower()] == read_as


# ---------------------------------------------------------------- where the table stands


@pytest.mark.parametrize(
    ("sheets", "hidden", "read_from", "said"),
    [
        ({"Log": [HEADER, HOLD, CALL]}, (), at(2), ()),
        ({"Log": [["Attendance log 2025/26"], [], ["kept by the office"], HEADER, HOLD, CALL]}, (), at(5), ()),
        ({"Read me": [["How to fill this in"]], "Log": [HEADER, HOLD, CALL]}, (), at(2), ("(sheet 1)",)),
        ({"Log": [HEADER, HOLD, CALL], "Lists": [["hold"], ["release"]]}, (), at(2), ("(sheet 2)",)),
        ({"Old": [HEADER, CALL], "Log": [HEADER, HOLD, CALL]}, ("Old",), at(2), ("(sheet 1)",)),
        ({"Log": [HEADER, HOLD, CALL], "Empty": []}, (), at(2), ()),
        ({"Log": [HEADER, HOLD, CALL]}, ("Log",), at(2), ()),
    ],
    ids=["plain", "titles", "a sheet before", "a sheet after", "a hidden copy", "an empty sheet", "only hidden"],
)
def test_the_first_sheet_that_a_person_sees_and_that_has_the_columns_is_read(
    sheets: dict[str, list[list[Any]]], hidden: tuple[str, ...], read_from: list[str], said: tuple[str, ...]
) -> None:
    if len(hidden) == len(sheets):  # a workbook shows at least one
        sheets = {**sheets, "Cover": [["Cover"]]}
        said = ("(sheet 2)",)
    reading = log(book(sheets, hidden))
    assert entries(reading) == read_from
    assert reading.ignored == said
    assert reading.faults == ()


@pytest.mark.parametrize("as_csv", [False, True], ids=["xlsx", "csv"])
def test_entries_above_a_header_that_was_sorted_down_need_a_person(as_csv: bool) -> None:
    """Sorted by UPN with its header: what stands above is not read, and said; a title above is only a title."""
    rows = [["Attendance log"], HOLD, HEADER, CALL]
    if as_csv:
        data = "".join(",".join("" if c is None else str(c) for c in row) + "\n" for row in rows).encode()
        reading = read(FORMAT, "interventions", data)
    else:
        reading = log(book({"Log": rows}))
    assert [r.data["action"] for r in reading.records] == ["phone_call"]
    assert faults(reading) == ["2 (row): an entry above the header is not read: put the header above all entries"]


def test_entries_on_two_sheets_need_a_person() -> None:
    reading = log(book({"Autumn": [HEADER, HOLD], "Spring": [HEADER, CALL]}))
    assert entries(reading) == at(2)[:1]
    assert faults(reading) == [
        "1 (sheet): another sheet has the same columns and is not read: keep everything on one sheet"
    ]


@pytest.mark.parametrize(
    ("data", "ending", "line", "column", "words"),
    [
        (book({"Log": [["UPN", "Date", "Stage"], [ANN]]}), "xlsx", 1, "Action", "missing from the header"),
        (book({"Log": [["Title"], ["UPN", "Date", "Stage"]]}), "xlsx", 2, "Action", "missing from the header"),
        (book({"Log": [[*HEADER, "Date"], HOLD]}), "xlsx", 1, "Date", "stands twice"),
        (book({"Notes": [["Ring the governors"]]}), "xlsx", 1, "UPN", "no row of the first 30"),
        (book({"Log": []}), "xlsx", 1, "UPN", "empty"),
        (b"", "csv", 1, "UPN", "empty"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "xlsx", 1, "", "a password"),
        (b"PK\x03\x04half", "xlsx", 1, "", "not an XLSX workbook"),
    ],
)
def test_a_file_without_the_columns_is_refused_with_the_place_to_look_at(
    data: bytes, ending: str, line: int, column: str, words: str
) -> None:
    with pytest.raises(UnreadableFile, match=words) as refused:
        log(data, ending)
    assert (refused.value.line, refused.value.column) == (line, column)


# ---------------------------------------------------------------- rows


def test_blank_hidden_filtered_formatted_and_numbered_rows_and_headers_again() -> None:
    made = Workbook()
    sheet = made.active
    header = ["No", *HEADER]
    for row in (header, [1, *HOLD], [], [2, *([None] * 10)], [3, *([" \u00a0"] * 10)], header, [4, *CALL]):
        sheet.append(row)
    sheet.row_dimensions[7].hidden = True  # by a filter that somebody left on
    sheet.auto_filter.ref = "A1:K7"
    for number in range(8, 400):
        sheet.cell(row=number, column=2).fill = PatternFill("solid", start_color="FFEEEEEE")
    reading = log(saved(made))
    assert entries(reading) == ["2 hold 2026-01-05 None", "7 phone_call 2026-01-06 1"]
    assert (reading.faults, reading.rows, reading.ignored) == ((), 2, ("No",))


def test_what_stands_beside_the_table_is_no_fault() -> None:
    reading = log(book({"Log": [HEADER, [*HOLD, None, "ask Sam"], CALL]}))
    assert entries(reading) == TWO
    assert reading.ignored == ("(a column without a header)",)


@pytest.mark.parametrize(
    ("rows", "read_as", "said"),
    [
        ([f"{ANN},05/01/2026,hold,,,,09/01/2026,,,", f"{BEN},06/01/2026,Phone call,1,,,,,,"], TWO, []),
        # Excel leaves blank cells at the end of a row off.
        ([f"{ANN},05/01/2026,hold", f"{BEN},06/01/2026,Phone call,Stage 1"], TWO, []),
        ([f"{ANN},05/01/2026,hold,,,,,,,,,,", ",,,,,,,,,", f"{BEN},46028,phone_call,1"], [TWO[0], "4" + TWO[1][1:]], []),
        ([f"{ANN},05/01/2026,hold,,,,,,,see DSL, then ring"], [], ["2 (row): wrong number of cells"]),
        ([f'{ANN},05/01/2026,hold,,,,,,,"see', f"{BEN},06/01/2026,phone_call,1"], TWO[1:], ["2 (row): wrong number of cells"]),
    ],
    ids=["whole", "short rows", "blank rows", "a comma too many", "a quotation mark never closed"],
)  # fmt: skip
def test_rows_of_a_csv(rows: list[str], read_as: list[str], said: list[str]) -> None:
    reading = log("\n".join([",".join(HEADER), *rows]), "csv")
    assert entries(reading) == read_as
    assert faults(reading) == said


def test_a_workbook_by_another_ending_is_one() -> None:
    for ending in ("xlsm", "csv"):
        assert entries(log(book({"Log": [HEADER, HOLD, CALL]}), ending)) == TWO


# ---------------------------------------------------------------- the parents' form


def forms(*rows: str, header: str = FORM) -> Reading:
    return read(FORMAT, "notifications", "\n".join([header, *rows]))


@pytest.mark.parametrize(
    ("row", "upn", "fault"),
    [
        (f"2026-01-05 07:45,{ANN},Ann Lee,2026-01-05,,,", ANN, None),
        (f"05/01/2026 07:45,{ANN.lower()},,05/01/2026,06/01/2026,,", ANN, None),
        ("2026-01-05 07:45,,Ann Lee,2026-01-05,,,", "", None),
        ("2026-01-05 07:45,don't know,Ann Lee,2026-01-05,,,", "", None),  # anything may be typed there
        (f"2026-01-05 07:45,{ANN[:-1]},Ann Lee,2026-01-05,,,", "", None),
        (",,Ann Lee,2026-01-05,,,", "", None),
        ("2026-01-05,,,2026-01-05,,,", None, "Pupil Name: neither a UPN nor a name"),
        ("2026-01-05,X,,2026-01-05,,,", None, "Pupil Name: neither a UPN nor a name"),
        ("2026-01-05,,Ann Lee,,,,", None, "First Date: missing value"),
        ("2026-01-05,,Ann Lee,2026-01-05,2026-01-02,,", None, "Last Date: before the first date"),
        ("2026-01-05,,Ann Lee,2028-01-05,,,", None, "First Date: more than a year after the extract"),
        ("2026-01-05,,Ann Lee,2026-01-05,soon,,", None, "Last Date: not a date"),
    ],
)
def test_rows_of_a_form(row: str, upn: str | None, fault: str | None) -> None:
    reading = forms(row)
    assert [r.data["upn"] for r in reading.records] == ([] if upn is None else [upn])
    assert faults(reading) == ([] if fault is None else [f"2 {fault}"])


def test_a_form_that_a_service_made() -> None:
    header = 'ID,Start time,Completion time,Email,"Child\'s Name",Class,Reason for Absence,First Day of Absence,Session'
    reading = forms("1,x,2026-01-05 07:45,a@b.example,Ann Lee,4A,unwell,05/01/2026,Morning", header=header)
    (record,) = reading.records
    wanted = {"pupil_name": "Ann Lee", "class": "4A", "session": "AM", "first_date": "2026-01-05", "last_date": None}
    assert {k: record.data[k] for k in wanted} == wanted
    assert reading.private == ("Reason",)
    assert set(reading.ignored) == {"ID", "Start time", "Email"}


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_kept_copy_of_a_form_holds_only_what_is_understood(ending: str) -> None:
    header = ["Submitted", "Email", "Pupil Name", "Reason *", "First Date", "", "Evidence"]
    row = ["2026-01-05 07:45", "ann@home.example", "Ann Lee", "a secret", "2026-01-05", "secret too", "a letter"]
    title = ["Absence form, secret list"]
    faulty = ["2026-01-06", "", "Ben May", "a secret", "soon", "", ""]
    if ending == "csv":
        lines = [title, header, row, [*faulty, "more secrets"], ['"secret quote']]
        data: bytes = "\n".join(",".join(r) for r in lines).encode()
    else:
        data = book({"Form responses": [title, header, row, faulty], "Notes": [["secret"]]})
    kept = FORMAT.without_columns("notifications", f"n.{ending}", data, {"Reason", "Evidence"}, set())
    again = read(FORMAT, "notifications", kept, ending, keep_private=True)
    before = read(FORMAT, "notifications", data, ending)
    assert [r.data["pupil_name"] for r in again.records] == ["Ann Lee"]
    assert [r.line for r in again.records] == [r.line for r in before.records] == [3]
    assert faults(again) == faults(before)
    assert again.records[0].data["reason"] == ""
    text = kept if ending == "csv" else "".join(map(str, _cells(kept))).encode()
    assert b"secret" not in text and b"home.example" not in text and b"a letter" not in text


def _cells(data: bytes) -> list[Any]:
    from openpyxl import load_workbook

    return [c for sheet in load_workbook(io.BytesIO(data)) for row in sheet.iter_rows(values_only=True) for c in row]


def test_a_log_is_kept_as_it_came() -> None:
    data = book({"Log": [HEADER, HOLD], "Lists": [["x"]]})
    assert FORMAT.without_columns("interventions", "i.xlsx", data, {"Reason"}, set()) == data
