"""Registers with a column per date: what a header may say, headers of several rows, and two marks in one cell."""

import datetime as dt
import os

import pytest
from mis_files import faults, marks, read, workbook
from school_files import ANN, BEN, CAT, load_all, pupils, register_rows

from attendance_pipeline.mis.date_columns import date_header, two_marks
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.map_settings import ColumnMap
from attendance_pipeline.mis.mapped import MappedFormat

MADE = dt.date(2026, 1, 16)


def form(top=None, **register):
    layout = {"layout": "date_columns", "blank": "not entered", **register}
    return MappedFormat("m", ColumnMap.model_validate({**(top or {}), "register": layout}))


def grid(head, *rows, how=None, ending="csv"):
    return read(how or form(), "register", "\n".join([head, *rows]) + "\n", ending)


def short(reading):
    return [m.split(" ", 1)[1].rpartition(" ")[0] for m in marks(reading)]


# ---------------------------------------------------------------- headers


@pytest.mark.parametrize(
    ("header", "day", "session"),
    [
        ("05/01/2026 AM", "2026-01-05", "AM"),
        ("2026-01-05", "2026-01-05", None),
        ("2026-01-05 PM", "2026-01-05", "PM"),
        ("2026-01-05T00:00:00+00:00", "2026-01-05", None),
        ("PM 5/1/2026", "2026-01-05", "PM"),
        ("05/01/2026AM", "2026-01-05", "AM"),
        ("05/01/2026 (p.m.)", "2026-01-05", "PM"),
        ("05-01-2026 - AM", "2026-01-05", "AM"),
        ("05.01.2026 am", "2026-01-05", "AM"),
        ("Mon 5 Jan AM", "2026-01-05", "AM"),
        ("Mon\u00a05 Jan\nPM", "2026-01-05", "PM"),
        ("Monday, 5th January 2026", "2026-01-05", None),
        ("5-Jan-26", "2026-01-05", None),
        ("5-Jan PM", "2026-01-05", "PM"),
        ("Mon 05/01 AM", "2026-01-05", "AM"),
        ("January 5, 2026 AM", "2026-01-05", "AM"),
        ("January 2026 Mon 5 AM", "2026-01-05", "AM"),
        ("w/c 05/01/2026 Wed AM", "2026-01-07", "AM"),
        ("Week commencing 06/01/2026 Mon PM", "2026-01-05", "PM"),
        # Without a year: the weekday tells it, else the school year in which the file was made.
        ("21 Sep PM", "2025-09-21", "PM"),
        ("Mon 21 Sep PM", "2026-09-21", "PM"),
        ("Wed 16 Jul", "2025-07-16", None),
        ("20 Feb", "2026-02-20", None),
        # No dates.
        ("UPN", None, None),
        ("Mark", None, None),
        ("Class 7/8", None, None),
        ("7/8", None, None),
        ("9-1", None, None),
        ("05/01/2026 Total", None, None),
        ("% AM", None, None),
        ("AM PM", None, None),
        ("w/c 05/01/2026", None, None),
        ("Mon AM", None, None),
        ("May", None, None),
        ("10 sessions", None, None),
    ],
)  # fmt: skip
def test_what_a_header_says(header, day, session):
    found = date_header(header, MADE)
    assert (found and (str(found.day), found.session)) == (day and (day, session))


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ("Tue 05/01/2026", "weekday"),
        ("13/21/2026 AM", "looks like a date"),
        ("30/02/2026", "looks like a date"),
        ("09/21 AM", "looks like a date"),
        ("05/01/0209 AM", "impossible date"),
        ("05/01/26 AM", "looks like a date"),
    ],
)
def test_a_header_in_doubt_refuses_the_file(header, rule):
    with pytest.raises(UnreadableFile, match=rule):
        date_header(header, MADE)


@pytest.mark.parametrize(
    ("header", "date_format", "says"),
    [
        ("Mon 08/09/25 am", "%d/%m/%y", ("2025-09-08", "AM")),
        ("Monday 8.9.25", "%d.%m.%y", ("2025-09-08", None)),
        ("w/c 08/09/25 Tue PM", "%d/%m/%y", ("2025-09-09", "PM")),
        ("Mon 09/08/25 AM", "%m/%d/%y", ("2025-09-08", "AM")),
        ("Mon 09/08/25 AM", "%d/%m/%y", "the weekday in a header is not that of its date"),
        ("Mon 08/09/25 am", None, "a header looks like a date and is none that is understood"),
    ],
)
def test_a_weekday_beside_a_date_of_the_maps_own_format(header, date_format, says) -> None:
    if isinstance(says, str):
        with pytest.raises(UnreadableFile) as refused:
            date_header(header, MADE, date_format)
        assert refused.value.rule == says
    else:
        found = date_header(header, MADE, date_format)
        assert (str(found.day), found.session) == says


def test_a_date_format_and_local_words():
    local = {"morning": "AM", "2": "PM"}
    assert date_header("01/05/26 morning", MADE, "%m/%d/%y", local).session == "AM"
    assert str(date_header("01/05/26 2", MADE, "%m/%d/%y", local).day) == "2026-01-05"
    assert str(date_header("2/1/2026 2", MADE, None, local).day) == "2026-01-02"
    with pytest.raises(UnreadableFile):
        date_header("13/01/26 2", MADE, "%m/%d/%y", local)
    with pytest.raises(UnreadableFile, match="without a year"):
        date_header("5 Jan AM", None)


# ---------------------------------------------------------------- files


def test_a_column_for_each_date_and_session():
    reading = grid(
        "UPN,Name,05/01/2026 AM,05/01/2026 PM,06/01/2026 AM,06/01/2026 PM,% attendance",
        f"{ANN},Ann Lee,/,\\,L,,100",
        f"{BEN},Ben Orr,N,N,Y7,Q?,50",
        f"A{CAT[1:]},Cat,/,,,,",
    )
    assert short(reading) == [
        "2026-01-05 AM /", "2026-01-05 PM \\", "2026-01-06 AM L", "2026-01-05 AM N", "2026-01-05 PM N", "2026-01-06 AM Y7",
    ]  # fmt: skip
    assert faults(reading) == ["3 Code: unknown code", "4 UPN: UPN check letter is wrong"]
    assert reading.ignored == ("Name", "% attendance")


def test_a_column_for_each_date_with_both_marks():
    reading = grid(
        "Student ID,Mon 5 Jan,Tue 6 Jan,Wed 7 Jan",
        "77,/\\,NI,Y1 Y1",
        "78,/,\\,N",
        '79," \\","/ ",',
        "80,C1C1,Y1,/|\\",
    )
    assert short(reading) == [
        "2026-01-05 AM /", "2026-01-05 PM \\", "2026-01-06 AM N", "2026-01-06 PM I", "2026-01-07 AM Y1", "2026-01-07 PM Y1",
        "2026-01-05 AM /", "2026-01-06 PM \\",
        "2026-01-05 PM \\", "2026-01-06 AM /",
        "2026-01-05 AM C1", "2026-01-05 PM C1", "2026-01-07 AM /", "2026-01-07 PM \\",
    ]  # fmt: skip
    doubt = "not the two marks of a day, morning and afternoon"
    assert faults(reading) == [f"3 Wed 7 Jan: {doubt}", f"5 Tue 6 Jan: {doubt}"]


@pytest.mark.parametrize(
    ("cell", "both"),
    [
        ("/\\", ("/", "\\")), ("", ("", "")), ("  ", ("", "")), ("/", ("/", "")), ("\\", ("", "\\")), ("/ ", ("/", "")),
        (" N", ("", "N")), ("N ", ("N", "")), ("N", None), ("Y1", None), ("Y1Y2", ("Y1", "Y2")), ("Y1N", None),
        ("/ \\", ("/", "\\")), ("/\n\\", ("/", "\\")), ("C1; /", ("C1", "/")), ("//\\", None), ("present", None),
        ("\u200e/\\", ("/", "\\")), ("L\u00a0", ("L", "")), ("??", ("?", "?")),
    ],
)  # fmt: skip
def test_two_marks_in_a_cell(cell, both):
    assert two_marks(cell) == both


BELOW = [[ANN, "Lee", "/", "\\", "N", None], [BEN, "Orr", None, None, "I", "I"]]
EXPECTED = ["2026-01-05 AM /", "2026-01-05 PM \\", "2026-01-06 AM N", "2026-01-06 AM I", "2026-01-06 PM I"]


@pytest.mark.parametrize(
    ("above", "skip"),
    [
        ([["UPN", "Name", "05/01/2026", "", "06/01/2026", ""], ["", "", "AM", "PM", "AM", "PM"]], 0),
        ([["", "", "05/01/2026", "", "06/01/2026"], ["UPN", "Name", "AM", "PM", "AM", "PM"]], 0),
        ([["Pupil", "", dt.date(2026, 1, 5), None, dt.date(2026, 1, 6)], ["UPN", "Name", "AM", "PM", "AM", "PM"]], 0),
        ([["Report"], ["", "", "Jan 2026"], ["", "", "Mon 5", "", "Tue 6"], ["UPN", "Name", "AM", "PM", "AM", "PM"]], 1),
        ([["w/c 05/01/2026"], ["", "", "Mon", "", "Tue"], ["UPN", "Name", "AM", "PM", "AM", "PM"]], 0),
    ],
    ids=["names above", "names below", "dates of a sheet", "a month above", "a week above"],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_merged_headers(above, skip, ending):
    table = [*above, *BELOW]
    if ending == "csv":
        data = "\n".join(",".join("" if c is None else str(c) for c in row) for row in table)
    else:
        data = workbook(*[[c or None for c in row] for row in table])
    reading = read(form(skip_rows=skip, header_rows=len(above) - skip), "register", data, ending)
    assert (short(reading), faults(reading)) == (EXPECTED, [])
    assert [m.rpartition(" ")[2] for m in marks(reading)][:2] == [str(len(above) + 1)] * 2


def test_merged_cells_of_a_sheet():
    from io import BytesIO

    from openpyxl import load_workbook

    data = workbook(
        ["UPN", "05/01/2026", None, "06/01/2026", None], [None, "AM", "PM", "AM", "PM"], [ANN, "/", "\\", "I", "I"]
    )
    book = load_workbook(BytesIO(data))
    for cells in ("A1:A2", "B1:C1", "D1:E1"):
        book.active.merge_cells(cells)
    out = BytesIO()
    book.save(out)
    assert short(read(form(header_rows=2), "register", out.getvalue(), "xlsx"))[1:3] == [
        "2026-01-05 PM \\",
        "2026-01-06 AM I",
    ]


@pytest.mark.parametrize(
    ("head", "row", "rule"),
    [
        ("UPN,Date,Session", f"{ANN},2026-01-05,AM", "no header names a date"),
        ("Name,05/01/2026 AM", "Ann,/", "a required column is missing"),
        ("UPN,05/01/2026 AM,Mon 5 Jan AM", f"{ANN},/,/", "two columns are of one date and session"),
        ("UPN,05/01/2026,5 Jan PM", f"{ANN},/\\,\\", "two columns are of one date and session"),
        ("UPN,05/01/2026,", f"{ANN},/,\\", "a column with cells has no header"),
        ("UPN,05/01/2026 AM,30/02/2026 AM", f"{ANN},/,/", "looks like a date"),
        ("UPN,UPN,05/01/2026 AM", f"{ANN},{ANN},/", "the column stands twice"),
    ],
)
def test_a_grid_that_is_refused(head, row, rule):
    with pytest.raises(UnreadableFile, match=rule):
        grid(head, row)


def test_totals_and_short_rows_are_no_pupils():
    reading = grid(
        "UPN,05/01/2026 AM,05/01/2026 PM", f"{ANN},/,\\", f"{BEN},/", "Total,1,1", how=form(total_rows=["Total"])
    )
    assert faults(reading) == ["3 (row): wrong number of cells"] and len(marks(reading)) == 2


@pytest.mark.parametrize("layout", ["a column per session", "rows", "weeks"])
def test_a_blank_is_present_only_in_sessions_that_have_been(layout):
    """The file is of Friday 16 January: nobody was present on the Saturday or the Monday after it."""
    days = ["15", "16", "17", "19"]
    if layout == "rows":
        how, text = form(layout="rows", blank="present"), "UPN,Date,Session,Code\n" + "".join(
            f"{ANN},2026-01-{d},{s},\n" for d in days for s in ("AM", "PM")
        )  # fmt: skip
        text += f"{ANN},2026-01-15,noon,\n"
    elif layout == "weeks":
        how = form(layout="wide_week", blank="present")
        slots = ",".join(f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM"))
        text = f"UPN,WeekStart,{slots}\n{ANN},12/01/2026,N,N,N,N,N,N,,,,\n{ANN},19/01/2026,,,,,,,,,,\n"
    else:
        how = form(blank="present")
        text = f"UPN,{','.join(f'2026-01-{d} {s}' for d in days for s in ('AM', 'PM'))}\n{ANN}{',' * 8}\n"
    reading = read(how, "register", text)
    assert [m for m in short(reading) if not m.endswith("N")] == [
        "2026-01-15 AM /", "2026-01-15 PM \\", "2026-01-16 AM /", "2026-01-16 PM \\"
    ]  # fmt: skip
    assert faults(reading) == (["10 Session: not AM or PM"] if layout == "rows" else [])


def test_grids_of_every_night_load_into_one_register(warehouse, tmp_path):
    """Each night's grid shows the week so far; a blank takes nothing away."""
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2020-09-01")
    how = form(file_name=r"grid\.csv", recorded_from="arrival")
    for night, row in enumerate([",/,\\,,", ",/,\\,N,", ",,,I,\\"]):
        path = tmp_path / "inbox" / "grid.csv"
        path.write_text(f"UPN,x,Mon 5 Jan AM,Mon 5 Jan PM,Tue 6 Jan AM,Tue 6 Jan PM\n{ANN},{row}\n")
        os.utime(path, (dt.datetime(2026, 1, 6 + night, 12).timestamp(),) * 2)
        loaded = load_all(warehouse, tmp_path, reader=how, pattern=how.kind_and_day, made_on=how.made_on)
        assert loaded.quarantined_new == 0 and not loaded.refused
    assert [r.split(" ", 1)[1] for r in register_rows(warehouse)] == [
        "2026-01-05 AM /", "2026-01-05 PM \\", "2026-01-06 AM I", "2026-01-06 PM \\"
    ]  # fmt: skip
