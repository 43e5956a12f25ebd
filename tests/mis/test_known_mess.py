"""The mess that extracts are known to hold, each as a file: what comes of it in every format that may hold it."""

import pytest
from mis_files import faults, marks, read, workbook
from school_files import ANN, BEN, CAT

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.map_settings import ColumnMap
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.mis.sims_weekly import SimsWeekly
from attendance_pipeline.mis.sims_xml import SimsXml

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
