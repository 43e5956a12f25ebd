"""The mess that extracts are known to hold, each as a file: what comes of it in every format that may hold it.

`WHERE` says for each kind of mess which tests hold it, here and beside this file.
"""

import ast
import datetime as dt
import json
from pathlib import Path

import pytest
from mis_files import faults, marks, read, workbook
from school_files import ANN, BEN, CAT, load_all, pupils, quarantine_rows, register_rows, write
from school_files import register as register_file

from attendance_pipeline.mis.assembly import AssemblyFormat
from attendance_pipeline.mis.bromcom import BromcomWeekFormat
from attendance_pipeline.mis.ctf import CtfFormat
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.load import load
from attendance_pipeline.mis.map_settings import ColumnMap
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.mis.sims_weekly import SimsWeekly
from attendance_pipeline.mis.sims_xml import SimsXml
from attendance_pipeline.mis.wonde import WondeFormat
from attendance_pipeline.register.roll import current_pupils

# The mess, and the tests that hold it; a name without a file is of this one.
WHERE = {
    "byte-order mark and cp1252": "test_encodings_of_every_format test_native_files:test_encodings test_sims_xml:test_encodings_whatever_is_declared",
    "`Year  7` with two spaces": "test_a_year_with_two_spaces test_cells:test_year_groups test_sims_xml:test_pupils",
    "date-times with +01:00: cut, never converted": "test_dates_of_every_format test_cells:test_dates test_assembly_json:test_dates_are_cut_and_never_moved",
    "times at 12:00:00": "test_dates_of_every_format test_bromcom_week:test_dirty_weeks_are_set_aside_one_by_one",
    "`21 Sep 2026 AM`": "test_column_maps:test_date_and_session_in_one_cell test_date_columns:test_what_a_header_says",
    "dd/mm/yyyy": "test_dates_of_every_format test_cells:test_dates",
    "week strings of 10, 11 to 13 or 14 characters": "test_sims_weekly:test_a_week",
    "`\\` in CSV is the PM mark, not an escape": "test_native_files:test_a_backslash_is_the_mark_of_a_present_afternoon",
    "`\\` as a header cell": "test_header_cells_that_are_marks_and_stand_twice test_suggest:test_pupils_by_header_and_content",
    "blank: present, not entered, or withdrawn": "test_what_a_blank_says_in_every_format test_column_maps:test_what_a_blank_says_is_a_setting",
    "local and two-character codes, or only the parent letter": "test_codes_of_two_characters_parents_alone_and_sub_codes_nobody_knows",
    "code maps per school and dated": "test_the_same_character_means_different_things_in_different_schools test_native_files:test_local_codes_are_translated_on_their_dates",
    "trailing totals rows": "test_trailing_totals_are_set_aside_or_left_out_by_a_map test_column_maps:test_merged_headers_above_and_totals_below",
    "merged headers": "test_merged_headers_above_the_header_are_refused_until_a_map_skips_them test_date_columns:test_merged_headers",
    "leading zeros": "test_names test_sims_xml:test_pupils",
    "smart quotes, non-breaking spaces and direction marks in names": "test_names",
    "UPNs with spaces": "test_a_upn_with_spaces",
    "duplicated pupils": "test_native_files:test_conflicting_pupils_are_set_aside_and_equal_ones_count_once test_a_pupil_once_for_each_contact",
    "pupils at two schools of a trust": "test_a_pupil_at_two_schools_of_a_trust test_load:test_schools_do_not_mix",
    "leavers still listed": "test_leavers_who_are_still_listed",
    "impossible years": "test_impossible_years",
    "malformed rows part-way through a large file": "test_malformed_rows_part_way_through_a_large_file test_sims_xml:test_a_broken_record_costs_itself_alone test_assembly_json:test_a_broken_object_of_an_array_costs_itself",
    "PM marks before PM registration": "test_marks_of_the_afternoon_before_afternoon_registration",
    "an empty file": "test_an_empty_file",
    "a file still being written": "test_inbox:test_a_file_still_being_written_waits test_inbox:test_half_a_workbook_waits_until_it_is_a_day_old",
    "short weeks after a bank holiday": "test_bromcom_week:test_a_week_that_starts_on_its_first_school_day test_sims_weekly:test_a_row_that_cannot_be_used_is_set_aside_and_its_neighbours_load",
    "marks of a transfer file beginning on any weekday": "test_ctf_xml:test_marks_may_begin_on_any_weekday",
    "pages of an API": "test_assembly_json:test_pages test_wonde_json:test_pages_and_codes_as_plain_text test_bromcom_week:test_json_of_the_same_names",
}  # fmt: skip


@pytest.mark.parametrize("mess", WHERE)
def test_every_kind_of_mess_has_its_test(mess):
    here = Path(__file__)
    for name in WHERE[mess].split():
        file, _, test = name.rpartition(":")
        tree = ast.parse((here.parent / f"{file or here.stem}.py").read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


NATIVE = NativeFormat()
REGISTER = "UPN,Date,Session,Code"
PUPILS = "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Admission Number"


def register(*rows, **options):
    return read(NATIVE, "register", "\n".join([REGISTER, *rows]), **options)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("O\u2019Neill", "O\u2019Neill"),
        ("\u201cBobby\u201d", "\u201cBobby\u201d"),
        ("Ann\u00a0Marie", "Ann Marie"),
        ("\u200eAnn\u200f Marie\u202c", "Ann Marie"),
        ("Ann\u00adMarie", "AnnMarie"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\ufeffAnn", "Ann"),
    ],
    ids=["smart quote", "quotes", "non-breaking space", "direction marks", "soft hyphen", "two characters", "a mark"],
)
def test_names(written, meant):
    row = f"{ANN},{written},Lee,2016-01-01,4,4A,2020-09-01,007"
    (record,) = read(NATIVE, "pupils", f"{PUPILS}\n{row}\n").records
    assert (record.data["forename"], record.data["admission_number"]) == (meant, "007")
    xml = f"<SuperStarReport><Record><UPN>{ANN}</UPN><Forename>{written}</Forename><Surname>Lee</Surname><DOB>2016-01-01</DOB><Year>Year  4</Year><Reg>4A</Reg><Entry_x0020_Date>2020-09-01</Entry_x0020_Date></Record></SuperStarReport>"
    (record,) = read(SimsXml(), "pupils", xml, "xml").records
    assert record.data["forename"] == meant


@pytest.mark.parametrize(
    "spoil", [lambda u: f" {u[:4]} {u[4:9]} {u[9:]} ", lambda u: u.lower(), lambda u: f"\u00a0{u}\u200e"]
)
def test_a_upn_with_spaces(spoil):
    assert marks(register(f"{spoil(ANN)},2026-01-05,AM,/")) == [f"{ANN} 2026-01-05 AM / 2"]
    weekly = f"UPN,WeekStart,WeekMarks\n{spoil(ANN)},2026-01-05,/"
    assert marks(read(SimsWeekly(), "register", weekly)) == [f"{ANN} 2026-01-05 AM / 2"]


def test_header_cells_that_are_marks_and_stand_twice():
    """Exports with a count of each mark have the marks as headers; nobody reads those columns."""
    text = "UPN,/,\\,\\,Date,Session,Code\n" + f"{ANN},10,9,9,2026-01-05,PM,\\\n"
    reading = read(NATIVE, "register", text)
    assert marks(reading) == [f"{ANN} 2026-01-05 PM \\ 2"]
    assert reading.ignored == ("/", "\\", "\\")


def test_trailing_totals_are_set_aside_or_left_out_by_a_map():
    text = f"{REGISTER}\n{ANN},2026-01-05,AM,/\nTotal,,,1\n"
    assert {f.line for f in read(NATIVE, "register", text).faults} == {3}
    form = MappedFormat("m", ColumnMap.model_validate({"register": {"blank": "withdrawn", "total_rows": ["Total"]}}))
    assert faults(read(form, "register", text)) == []


def test_merged_headers_above_the_header_are_refused_until_a_map_skips_them():
    data = workbook(["Register", None, None, None], REGISTER.split(","), [ANN, "2026-01-05", "AM", "/"])
    with pytest.raises(UnreadableFile):
        read(NATIVE, "register", data, "xlsx")
    form = MappedFormat("m", ColumnMap.model_validate({"register": {"blank": "withdrawn", "skip_rows": 1}}))
    assert marks(read(form, "register", data, "xlsx")) == [f"{ANN} 2026-01-05 AM / 3"]


@pytest.mark.parametrize("year", ["0003", "0209", "2086", "6209"])
def test_impossible_years(year):
    reading = register(f"{ANN},{year}-01-06,AM,/", f"{BEN},2026-01-06,AM,/")
    assert faults(reading) == ["2 Date: impossible date"]
    assert len(marks(reading)) == 1
    pupil = f"{PUPILS}\n{ANN},A,L,2016-01-01,4,4A,{year}-09-01,1"
    assert faults(read(NATIVE, "pupils", pupil)) == ["2 Entry Date: impossible date"]


def test_codes_of_two_characters_parents_alone_and_sub_codes_nobody_knows():
    reading = register(
        f"{ANN},2026-01-05,AM,Y7", f"{ANN},2026-01-05,PM,Y", f"{ANN},2026-01-06,AM,I01", f"{ANN},2026-01-06,PM,I_F",
        f"{ANN},2026-01-07,AM,J1", code_map=[DatedCodes({"I01": "I"})],
    )  # fmt: skip
    assert [m.split()[3] for m in marks(reading)] == ["Y7", "Y", "I", "J1"]
    assert faults(reading) == ["5 Code: unknown code"]
    assert reading.warnings == {"code outside its dates": 1}


def test_the_same_character_means_different_things_in_different_schools():
    row = f"{ANN},2026-01-05,AM,?"
    meant = [register(row, code_map=[DatedCodes({"?": code})]) for code in ("J1", "Y2")]
    assert [m.split()[3] for reading in meant for m in marks(reading)] == ["J1", "Y2"]
    assert faults(register(row)) == ["2 Code: unknown code"]


def test_malformed_rows_part_way_through_a_large_file():
    rows = [f"{u},2026-01-{d:02d},AM,/" for u in (ANN, BEN, CAT) for d in range(5, 17)] * 500
    rows[9_000] = f"{ANN},2026-01-05"
    rows[9_001] = f'{ANN},2026-01-05,"AM,/'
    rows[9_002] = "\x1a"
    reading = register(*rows)
    assert faults(reading) == [f"{n} (row): wrong number of cells" for n in (9_002, 9_003, 9_004)]
    assert reading.rows == len(rows)
    assert len(marks(reading)) == 36  # the same marks again and again count once


@pytest.mark.parametrize(
    "form", [NATIVE, SimsWeekly(), MappedFormat("m", ColumnMap.model_validate({"register": {"blank": "present"}}))]
)
@pytest.mark.parametrize("data", [b"", b"\n", b"\xef\xbb\xbf"])
def test_an_empty_file(form, data):
    with pytest.raises(UnreadableFile):
        read(form, "register", data)


def test_marks_of_the_afternoon_before_afternoon_registration():
    """A blank is no mark: withdrawn where none was, not entered, or left out, as the format says."""
    assert marks(register(f"{ANN},2026-01-05,AM,/", f"{ANN},2026-01-05,PM,"))[1].split()[3] == "(withdrawn)"
    assert len(marks(read(SimsWeekly(), "register", f"UPN,WeekStart,WeekMarks\n{ANN},2026-01-05,/ "))) == 1


def test_a_week_of_a_pupil_known_by_student_id():
    reading = read(SimsWeekly(), "register", "Student ID,WeekStart,WeekMarks\n77,2026-01-05,/\\\n")
    assert faults(reading) == [] and len(marks(reading)) == 2


# ---------------------------------------------------------------- one mark, in every format


SLOTS = ",".join(f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM"))
WIDE = MappedFormat("m", ColumnMap.model_validate({"register": {"layout": "wide_week", "blank": "not entered"}}))
GRID = MappedFormat("m", ColumnMap.model_validate({"register": {"layout": "date_columns", "blank": "not entered"}}))
MAPPED = MappedFormat("m", ColumnMap.model_validate({"register": {"blank": "withdrawn"}}))


def one_mark(day, code, name="Zo\u00eb"):
    """Each format's file with the mark of one pupil's morning, the day as it is given, and a name nobody reads."""
    pair = {"upn": ANN, "name": name}
    assembly = {**pair, "session_date": day, "session_name": "AM", "attendance_mark": code}
    wonde = {**pair, "date": day, "session": "AM", "attendance_code_id": 1 if code else None}
    return {
        "native": (NATIVE, "csv", f"Name,{REGISTER}\n{name},{ANN},{day},AM,{code}\n"),
        "a map": (MAPPED, "csv", f"Name,{REGISTER}\n{name},{ANN},{day},AM,{code}\n"),
        "sims-xml": (SimsXml(), "xml", f"<SuperStarReport><Record><Name>{name}</Name><UPN>{ANN}</UPN><Date>{day}</Date><Session>AM</Session><Mark>{code}</Mark></Record></SuperStarReport>"),
        "sims-weekly": (SimsWeekly(), "csv", f"Name,UPN,WeekStart,WeekMarks\n{name},{ANN},{day},{code or ' '}\n"),
        "bromcom-week": (BromcomWeekFormat(), "csv", f"Name,UPN,WeekStart,{SLOTS}\n{name},{ANN},{day},{code}{',' * 9}\n"),
        "a map of weeks": (WIDE, "csv", f"Name,UPN,WeekStart,{SLOTS}\n{name},{ANN},{day},{code}{',' * 9}\n"),
        "a column per date": (GRID, "csv", f"Name,UPN,{day} AM\n{name},{ANN},{code}\n"),
        "assembly-json": (AssemblyFormat(), "json", json.dumps([assembly], ensure_ascii=False)),
        "wonde-json": (WondeFormat(), "json", json.dumps({"attendance": [wonde], "attendance-codes": [{"id": "1", "code": code or "/"}]}, ensure_ascii=False)),
        "ctf-xml": (CtfFormat(), "xml", f"<CTfile><Pupil><Forename>{name}</Forename><UPN>{ANN}</UPN><AttendSessions><AttendanceStartDate>{day}</AttendanceStartDate><AttendanceMarks>{code or ' '}</AttendanceMarks></AttendSessions></Pupil></CTfile>"),
    }  # fmt: skip


FORMATS = tuple(one_mark("2026-01-05", "/"))


def plain(reading):
    return [m.rpartition(" ")[0] for m in marks(reading)]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_of_every_format(form, encoding, ending):
    reader, suffix, text = one_mark("2026-01-05", "L")[form]
    reading = read(reader, "register", text.replace("\n", ending).encode(encoding), suffix)
    assert (plain(reading), faults(reading)) == ([f"{ANN} 2026-01-05 AM L"], [])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "day",
    ["2026-06-08", "08/06/2026", "8/6/2026", "2026-06-08T00:00:00+01:00", "2026-06-08 12:00:00", "2026-06-08T12:00:00", "2026-06-08T23:30:00Z"],
)  # fmt: skip
def test_dates_of_every_format(form, day):
    """A time is cut off: half past eleven at night in Greenwich is the next day in a British summer, and stays here."""
    reader, suffix, text = one_mark(day, "N")[form]
    reading = read(reader, "register", text, suffix)
    assert (plain(reading), faults(reading)) == ([f"{ANN} 2026-06-08 AM N"], [])


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("native", "(withdrawn)"), ("a map", "(withdrawn)"), ("sims-xml", "(withdrawn)"), ("assembly-json", "(withdrawn)"),
        ("wonde-json", "(withdrawn)"), ("sims-weekly", ""), ("bromcom-week", ""), ("a map of weeks", ""),
        ("a column per date", ""), ("ctf-xml", ""),
    ],
)  # fmt: skip
def test_what_a_blank_says_in_every_format(form, says):
    """Where a mark is a row, a blank one takes it away; where sessions stand side by side, nothing was entered."""
    reader, suffix, text = one_mark("2026-01-05", "")[form]
    reading = read(reader, "register", text, suffix)
    assert (plain(reading), faults(reading)) == ([f"{ANN} 2026-01-05 AM {says}"] if says else [], [])


# ---------------------------------------------------------------- pupils


@pytest.mark.parametrize(
    ("year", "meant"), [("Year  7", "7"), ("Year 7", "7"), ("Yr  10", "10"), ("07", "7"), ("Reception", "R")]
)
def test_a_year_with_two_spaces(year, meant):
    (record,) = read(NATIVE, "pupils", f"{PUPILS}\n{ANN},A,L,2016-01-01,{year},7A,2020-09-01,1\n").records
    assert record.data["year_group"] == meant


def test_a_pupil_once_for_each_contact():
    """A report with a sub-report comes out as a product: the pupil stands there once for each contact."""
    record = f"<UPN>{ANN}</UPN><Forename>A</Forename><Surname>L</Surname><DOB>2016-01-01</DOB><Year>4</Year><Reg>4A</Reg><Entry_x0020_Date>2020-09-01</Entry_x0020_Date>"
    rows = "".join(f"<Record>{record}<Contact_x0020_Name>{n}</Contact_x0020_Name></Record>" for n in "XYZ")
    reading = read(SimsXml(), "pupils", f"<SuperStarReport>{rows}</SuperStarReport>", "xml")
    assert (len(reading.records), faults(reading), reading.rows) == (1, [], 3)


def test_a_pupil_at_two_schools_of_a_trust(warehouse, tmp_path):
    """Dually registered: each school's marks are its own, whichever loads first."""
    for school, code in (("ashfield", "D"), ("oakfield", "/")):
        inbox = tmp_path / school / "inbox"
        pupils(inbox, "2025-09-01", f"{ANN},4A,2020-09-01")
        register_file(inbox, "2026-01-05", f"{ANN},2026-01-05,AM,{code}")
        load(warehouse, school, inbox, tmp_path / school / "kept", settle_seconds=0)
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM /"]
    with warehouse.read() as conn:
        assert [len(current_pupils(conn, s)) for s in ("ashfield", "oakfield")] == [1, 1]


def test_leavers_who_are_still_listed(warehouse, tmp_path):
    """Marks after the leaving date are set aside. Whoever has left by status alone is named to the data manager: the day
    is not known, and nobody guesses it."""
    inbox = tmp_path / "inbox"
    head = "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,Enrolment Status"
    rows = [f"{ANN},A,L,2016-01-01,4,4A,2020-09-01,2025-12-19,C", f"{BEN},B,L,2016-01-01,4,4A,2020-09-01,,Leaver"]
    write(inbox, "pupils_2026-01-05.csv", head, rows)
    register_file(inbox, "2026-01-06", *(f"{u},2026-01-05,AM,N" for u in (ANN, BEN)), f"{ANN},2025-12-19,AM,/")
    result = load_all(warehouse, tmp_path)
    assert quarantine_rows(warehouse) == ["register_2026-01-06.csv:2 Date: not on roll: after the leaving date"]
    assert "pupils_2026-01-05.csv: left by enrolment status, without a leaving date: 1 rows" in result.notes
    with warehouse.read() as conn:
        left = current_pupils(conn, "oakfield").set_index("upn")["leaving_date"]
    assert (left[ANN].date(), left.isna()[BEN]) == (dt.date(2025, 12, 19), True)
