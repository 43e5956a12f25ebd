"""A week of marks as one string: how long it may be, what pads it, and what says nothing."""

import datetime as dt

import pytest
from mis_files import faults, marks, read, workbook
from school_files import ANN, BEN, load_all, pupils, quarantine_rows, register_rows, write

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.mis.sims_weekly import SimsWeekly

FORMAT = SimsWeekly()
MONDAY = "2026-01-05"


def register(*rows, **options):
    return read(FORMAT, "register", "\n".join(["UPN,WeekStart,WeekMarks", *rows]) + "\n", **options)


def week(text, **options):
    """Codes by session number, Monday AM first."""
    reading = register(f"{ANN},{MONDAY},{text}", **options)
    assert faults(reading) == []
    out = {}
    for mark in marks(reading):
        _, day, session, code, line = mark.split(" ")
        assert line == "2"
        out[(dt.date.fromisoformat(day) - dt.date(2026, 1, 5)).days * 2 + (session == "PM")] = code
    return out


FULL = {i: "/\\"[i % 2] for i in range(10)}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("/\\/\\/\\/\\/\\####", FULL),
        ("/\\/\\/\\/\\/\\", FULL),
        ("/\\/\\/\\/\\/\\#", FULL),
        ("/\\/\\/\\/\\/\\###", FULL),
        ("/\\/\\/\\/\\/\\    ", FULL),
        ("/\\/\\/\\/\\/\\      ", FULL),
        ("/\\/\\", {0: "/", 1: "\\", 2: "/", 3: "\\"}),
        ("/\\/\\/ /\\/\\####", {i: c for i, c in FULL.items() if i != 5}),
        ("  /\\/\\/\\/\\", {i: c for i, c in FULL.items() if i > 1}),
        ("\u00a0\u00a0/\\/\\/\\/\\", {i: c for i, c in FULL.items() if i > 1}),
        ("\u200e/\\/\\/\\/\\/\\\u202c", FULL),
        ("NNIIUUGG__", {0: "N", 1: "N", 2: "I", 3: "I", 4: "U", 5: "U", 6: "G", 7: "G"}),
        ("/\\##/\\--/\\####", {0: "/", 1: "\\", 2: "#", 3: "#", 4: "/", 5: "\\", 8: "/", 9: "\\"}),
        ("          /\\", {10: "/", 11: "\\"}),
        ("", {}),
        ("NA", {}),
        ("N/A", {}),
        ("__________####", {}),
    ],
)
def test_a_week(text, codes):
    assert week(text) == codes


def test_a_character_that_the_school_maps_is_a_mark():
    maps = [DatedCodes({"_": "Y7", "?": "J1"})]
    assert week("_-?\\", code_map=maps) == {0: "Y7", 2: "J1", 3: "\\"}


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"{ANN},2026-01-06,/\\", "3 WeekStart: the week does not start on a Monday"),
        (f"{ANN},2026-02-30,/\\", "3 WeekStart: not a date"),
        (f"{ANN},,/\\", "3 WeekStart: missing value"),
        (f"{ANN},0209-01-02,/\\", "3 WeekStart: impossible date"),
        (f"{ANN},2086-01-07,/\\", "3 Date: impossible date"),
        (f"{ANN},9999-12-27,/\\", "3 WeekStart: impossible date"),
        (f"{ANN},{MONDAY},/\\/\\/\\/\\/\\#####", "3 WeekMarks: more than 14 marks in a week"),
        (f"A{ANN[1:]},{MONDAY},/\\", "3 UPN: UPN check letter is wrong"),
        (f"{ANN},{MONDAY}", "3 (row): wrong number of cells"),
        ("Total,,", "3 WeekStart: missing value"),
    ],
)
def test_a_row_that_cannot_be_used_is_set_aside_and_its_neighbours_load(row, fault):
    reading = register(f"{BEN},{MONDAY},/\\", row, f"{BEN},2026-01-12,/\\")
    assert faults(reading) == [fault]
    assert [m[-1] for m in marks(reading)] == ["2", "2", "4", "4"]


def test_a_mark_that_is_none_costs_itself_alone():
    reading = register(f"{ANN},{MONDAY},/*L/\\\\")
    assert faults(reading) == ["2 Code: code not legal in this session", "2 Code: unknown code"]
    assert [m.split()[1:4] for m in marks(reading)] == [["2026-01-05", "AM", "/"], ["2026-01-06", "AM", "L"],
                                                        ["2026-01-07", "PM", "\\"]]  # fmt: skip


def test_headers_dates_and_workbooks():
    reading = read(FORMAT, "register", f"School,week start,Week_Marks,UPN\nOak,05/01/2026,/\\,{ANN}\n")
    assert len(marks(reading)) == 2 and reading.ignored == ("School",)
    data = workbook(["UPN", "WeekStart", "WeekMarks"], [ANN, dt.datetime(2026, 1, 5), " \\"])
    assert marks(read(FORMAT, "register", data, "xlsx")) == [f"{ANN} 2026-01-05 PM \\ 2"]


def test_a_file_without_weeks_is_refused():
    with pytest.raises(UnreadableFile) as error:
        read(FORMAT, "register", f"UPN,Date,Session,Code\n{ANN},{MONDAY},AM,/\n")
    assert error.value.column == "WeekStart"
    with pytest.raises(UnreadableFile, match="empty"):
        read(FORMAT, "register", b"")


def test_a_blank_takes_no_mark_away_and_pupils_come_natively(warehouse, tmp_path):
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2020-09-01")
    for recorded, text in (("2026-01-06", "/\\N"), ("2026-01-09", "/ I \\")):
        write(tmp_path / "inbox", f"register_{recorded}.csv", "UPN,WeekStart,WeekMarks", [f"{ANN},{MONDAY},{text}"])
        load_all(warehouse, tmp_path, reader="sims-weekly")
    assert quarantine_rows(warehouse) == ["register_2026-01-09.csv:2 Code: code not legal in this session"]
    assert [r.split()[1:] for r in register_rows(warehouse)] == [
        ["2026-01-05", "AM", "/"],
        ["2026-01-05", "PM", "\\"],
        ["2026-01-06", "AM", "I"],
    ]
