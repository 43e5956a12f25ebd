"""Native files, good and spoilt: which rows come out, which are set aside, and where the fault is said to be."""

import datetime as dt
import io

import pytest
from openpyxl import Workbook
from school_files import ANN, BEN, CAT

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.reading import DatedCodes, read_tables
from attendance_pipeline.store.extracts import ExtractKey

HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
FORMAT = NativeFormat()


def read(kind, data, recorded=dt.date(2026, 1, 9), name=None, **options):
    if isinstance(data, str):
        data = data.encode()
    name = name or f"{kind}_2026-01-09.csv"
    table = FORMAT.read(kind, name, data)
    return read_tables(kind, [(ExtractKey(recorded, name, "0" * 64), table)], **options)[0]


def register(*rows, **options):
    return read("register", "\n".join([HEADER, *rows]) + "\n", **options)


def marks(reading):
    r = reading.register
    return [
        (r.upns[u], str(d), "AP"[s], int(c), int(n))
        for u, d, s, c, n in zip(r.upn, r.day, r.session, r.code, r.line, strict=True)
    ]


def faults(reading):
    return [(f.line, f.column, f.rule) for f in reading.faults]


@pytest.mark.parametrize(
    ("row", "column", "rule"),
    [
        (f"{ANN},2026-01-05,AM,ZZ,,", "Code", "unknown code"),
        (f"{ANN},2026-01-05,AM,n,,", "Code", "unknown code"),
        (f"{ANN},2026-01-05,PM,/,,", "Code", "code not legal in this session"),
        (f"{ANN},2026-01-05,AM,\\,,", "Code", "code not legal in this session"),
        (f"{ANN},2026-13-05,AM,/,,", "Date", "not a date"),
        (f"{ANN},0209-01-05,AM,/,,", "Date", "impossible date"),
        (f"{ANN},2086-01-05,AM,/,,", "Date", "impossible date"),
        (f"{ANN},,AM,/,,", "Date", "missing value"),
        (f"{ANN},2026-01-05,Morning,/,,", "Session", "not AM or PM"),
        (f"{ANN},2026-01-05,,/,,", "Session", "missing value"),
        (f"{ANN},2026-01-05,AM,L,soon,", "Minutes Late", "minutes late not a whole number from 0 to 400"),
        (f"{ANN},2026-01-05,AM,L,401,", "Minutes Late", "minutes late not a whole number from 0 to 400"),
        (f"A{ANN[1:]},2026-01-05,AM,/,,", "UPN", "UPN check letter is wrong"),
        ("Total,2026-01-05,AM,/,,", "UPN", "not a UPN"),
        (",2026-01-05,AM,/,,", "UPN", "missing value"),
        (f"{ANN},2026-01-05,AM,/", "(row)", "wrong number of cells"),
        (f"{ANN},2026-01-05,AM,/,,,", "(row)", "wrong number of cells"),
        (f"{ANN},2026-01-05,AM,/,,a comment, unquoted", "(row)", "wrong number of cells"),
        (f'{ANN},2026-01-05,AM,N,,"never closed', "(row)", "wrong number of cells"),
    ],
)
def test_a_row_that_cannot_be_used_is_set_aside_and_its_neighbours_load(row, column, rule):
    if row.startswith("A") and row.startswith(ANN):
        pass
    reading = register(f"{BEN},2026-01-05,AM,/,,", row, f"{CAT},2026-01-05,AM,N,,")
    assert faults(reading) == [(3, column, rule)]
    assert [(m[0], m[4]) for m in marks(reading)] == [(BEN, 2), (CAT, 4)]
    assert reading.rows == 3


def test_a_row_may_break_several_rules():
    reading = register(f"A{ANN[1:]},yesterday,AM,ZZ,,")
    assert [f[1] for f in faults(reading)] == ["Code", "Date", "UPN"]


@pytest.mark.parametrize(
    ("cells", "code"),
    [("/", 1), (" / ", 1), ("L", 3), ("", 255), (" ", 255)],
    ids=["present", "with spaces", "late", "a blank code withdraws", "so does a space"],
)
def test_codes(cells, code):
    assert [m[3] for m in marks(register(f"{ANN},2026-01-05,AM,{cells},,"))] == [code]


def test_a_backslash_is_the_mark_of_a_present_afternoon():
    reading = register(f"{ANN},2026-01-05,PM,\\,,", f'{BEN},2026-01-05,PM,"\\",,"said ""well"", \\ so"')
    assert [(m[0], m[3]) for m in marks(reading)] == [(ANN, 2), (BEN, 2)]


def test_columns_in_any_order_and_in_any_case_and_unknown_ones_ignored():
    reading = read("register", f"code,SESSION,House, Date ,upn\nN,am,Red,05/01/2026,{ANN}\n")
    assert marks(reading) == [(ANN, "2026-01-05", "A", 24, 2)]
    assert reading.ignored == ("House",)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings(ending):
    text = ending.join([HEADER, f"{ANN},2026-01-05,AM,/,,", "", f"{BEN},2026-01-05,AM,/,,"])
    assert [m[4] for m in marks(read("register", text))] == [2, 4]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_encodings(encoding):
    text = f"UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date\n{ANN},Zoë,O’Neill,2016-01-01,5,5A,2020-09-01\n"
    reading = read("pupils", text.encode(encoding))
    assert reading.records[0].data["forename"] == "Zoë"


def test_lines_are_those_of_the_file_also_after_a_comment_of_several_lines():
    text = f'{HEADER}\n{ANN},2026-01-05,AM,N,,"rang\nhome\n"\n{BEN},2026-01-05,AM,/,,\n'
    assert [(m[0], m[4]) for m in marks(read("register", text))] == [(ANN, 2), (BEN, 5)]


def test_a_quotation_mark_never_closed_costs_one_row():
    rows = [f"{ANN},2026-01-0{d},AM,/,," for d in range(1, 7)]
    rows[2] = rows[2][:-1] + ',"oh'
    rows[4] += '"closed"'
    reading = register(*rows)
    assert faults(reading) == [(4, "(row)", "wrong number of cells")]
    assert len(marks(reading)) == 5


def test_equal_rows_count_once():
    row = f"{ANN},2026-01-05,AM,N,,"
    reading = register(row, f"{BEN},2026-01-05,AM,/,,", row, f"{ANN},05/01/2026,am,N,,said twice")
    assert [(m[0], m[4]) for m in marks(reading)] == [(ANN, 2), (BEN, 3)]
    assert faults(reading) == []


def test_rows_that_contradict_each_other_are_all_set_aside():
    reading = register(
        f"{ANN},2026-01-05,AM,N,,",
        f"{ANN},2026-01-05,PM,N,,",
        f"{BEN},2026-01-05,AM,/,,",
        f"{ANN},2026-01-05,AM,I,,",
        f"{ANN},2026-01-05,AM,N,,",
    )
    assert faults(reading) == [(n, "Code", "conflicting rows") for n in (2, 5, 6)]
    assert [(m[0], m[2]) for m in marks(reading)] == [(ANN, "P"), (BEN, "A")]


def test_local_codes_are_translated_on_their_dates():
    maps = [
        DatedCodes({"?": "J1", "Ill": "I"}, dt.date(2024, 8, 19)),
        DatedCodes({"?": "J"}, None, dt.date(2024, 8, 18)),
    ]
    rows = (
        f"{ANN},2024-08-16,AM,?,,",
        f"{ANN},2024-09-02,AM,?,,",
        f"{ANN},2024-09-02,PM,Ill,,",
        f"{BEN},2024-07-01,AM,Ill,,",
    )
    reading = register(*rows, code_map=maps)
    assert [m[3] for m in marks(reading)] == [9, 14, 19]
    assert faults(reading) == [(5, "Code", "unknown code")]
    assert len(faults(register(*rows))) == 4


def test_a_code_outside_its_dates_loads_with_a_warning():
    reading = register(f"{ANN},2025-09-01,AM,H,,", f"{ANN},2024-07-01,AM,H,,")
    assert len(marks(reading)) == 2
    assert reading.warnings == {"code outside its dates": 1}


@pytest.mark.parametrize(
    ("data", "column", "rule"),
    [
        (b"", "UPN", "the file is empty"),
        (b"\n\n", "UPN", "the file is empty"),
        (f"UPN,Date,Code\n{ANN},2026-01-05,N\n".encode(), "Session", "a required column is missing from the header"),
        (f"{ANN},2026-01-05,AM,N\n".encode(), "UPN", "a required column is missing from the header"),
        (f"{HEADER},code\n".encode(), "Code", "the column stands twice in the header"),
        (f"{HEADER}\n{ANN},2026-01-05,AM,N,,\0\n".encode(), "", "holds NUL bytes: not UTF-8 or cp1252 text"),
        (HEADER.encode("utf-16"), "", "holds NUL bytes: not UTF-8 or cp1252 text"),
        (b"\x81\x8d", "", "not UTF-8 or cp1252 text"),
    ],
)
def test_a_file_that_cannot_be_read(data, column, rule):
    with pytest.raises(UnreadableFile) as error:
        read("register", data)
    assert (error.value.line, error.value.column, error.value.rule) == (1, column, rule)


def test_a_header_alone_is_a_file_without_rows():
    reading = register()
    assert (reading.rows, faults(reading), marks(reading)) == (0, [], [])


PUPILS = "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,FSM,Admission Number"


def test_pupils():
    reading = read("pupils", f"{PUPILS}\n{ANN},Ann,Lee,03/05/2016,Year  4,4A,2020-09-01,,yes,007\n")
    data = reading.records[0].data
    assert (data["date_of_birth"], data["year_group"], data["leaving_date"]) == ("2016-05-03", "4", None)
    assert (data["fsm"], data["admission_number"], data["eal"]) == (True, "007", None)


def test_an_implausible_age_or_year_group_is_only_a_warning():
    reading = read(
        "pupils", f"{PUPILS}\n{ANN},A,L,1999-01-01,4,4A,2020-09-01,,,\n{BEN},B,L,2016-01-01,17,,2020-09-01,,,\n"
    )
    assert len(reading.records) == 2
    assert reading.warnings == {"implausible age": 1, "implausible year group": 1, "no class": 1}


def test_contacts_without_the_columns_that_say_who_may_be_written_to():
    reading = read("contacts", f"UPN,Contact ID,Surname,Lives With Pupil\n{ANN},1,Lee,Y\n")
    assert reading.warnings == {
        "no column Parental Responsibility": 1,
        "no column Receives Correspondence": 1,
        "no column Court Restriction": 1,
    }
    assert reading.records[0].data["court_restriction"] is None


def test_conflicting_pupils_are_set_aside_and_equal_ones_count_once():
    ann, ben = f"{ANN},A,L,2016-01-01,4,4A,2020-09-01,,,", f"{BEN},B,L,2016-01-01,4,4A,2020-09-01,,,"
    reading = read("pupils", "\n".join([PUPILS, ann, ben, ann, ben.replace("4A", "4B")]))
    assert [(r.subject, r.line) for r in reading.records] == [(ANN, 2)]
    assert faults(reading) == [(3, "UPN", "conflicting rows"), (5, "UPN", "conflicting rows")]


def test_the_intervention_log_tells_equal_entries_from_repeated_ones():
    log = "UPN,Date,Action,Stage,Note\n"
    rows = [
        f"{ANN},2026-01-05,Phone Call,1,rang",
        f"{ANN},2026-01-05,phone_call,1,rang again",
        f"{ANN},2026-01-05,phone_call,1,rang",
        f"{ANN},2026-01-05,sang,1,",
        f"{ANN},2026-01-05,set_stage,5,",
    ]
    reading = read("interventions", log + "\n".join(rows))
    assert [(r.line, r.data["note"], r.subject[-1]) for r in reading.records] == [
        (2, "rang", "1"),
        (3, "rang again", "2"),
    ]
    assert [f[1] for f in faults(reading)] == ["Action", "Stage"]


def test_what_a_parent_wrote_is_left_out_unless_it_is_wanted():
    text = f"Submitted,UPN,Pupil Name,First Date,Last Date,Reason,Evidence\n2026-01-05 07:30,{ANN},Ann,2026-01-05,,unwell,photo\n"
    assert not {"reason", "evidence"} & set(read("notifications", text).records[0].data)
    assert read("notifications", text, keep_private=True).records[0].data["reason"] == "unwell"


def workbook(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_log_kept_as_a_workbook():
    data = workbook(
        ["UPN", "Date", "Action", "Stage", "Amount", "Note"],
        [ANN, dt.date(2026, 1, 5), "letter_sent", 1, 60, None],
        [None] * 6,
        [BEN, "06/01/2026", "meeting_held", 2.0, None, "all came"],
        ["Total", None, None, None, None, None],
    )
    reading = read("interventions", data, name="interventions_2026-01-09.xlsx")
    assert [(r.line, r.data["date"], r.data["stage"], r.data["amount"]) for r in reading.records] == [
        (2, "2026-01-05", 1, 60.0),
        (4, "2026-01-06", 2, None),
    ]
    assert {f[0] for f in faults(reading)} == {5}


def test_a_register_as_a_workbook():
    data = workbook(
        HEADER.split(","), [ANN, dt.datetime(2026, 1, 5), "PM", "\\", None, None], [BEN, "2026-01-05", "AM", "L", 7, ""]
    )
    reading = read("register", data, name="register_2026-01-09.xlsx")
    assert marks(reading) == [(ANN, "2026-01-05", "P", 2, 2), (BEN, "2026-01-05", "A", 3, 3)]


@pytest.mark.parametrize("data", [b"", b"not a workbook", b"PK\x03\x04 broken"])
def test_a_workbook_that_is_none(data):
    with pytest.raises(UnreadableFile, match="not an XLSX workbook"):
        read("interventions", data, name="interventions_2026-01-09.xlsx")


def test_a_workbook_that_declares_entities_is_refused():
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(["UPN"]))) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "xl/worksheets/sheet1.xml":
                data = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + data
            target.writestr(info.filename, data)
    with pytest.raises(UnreadableFile, match="document type"):
        read("interventions", out.getvalue(), name="interventions_2026-01-09.xlsx")


def test_the_kept_copy_of_a_register_holds_comments_only_where_a_mark_was_amended():
    text = f'{HEADER}\n{ANN},2026-01-05,AM,N,,"rang\nhome"\n{BEN},2026-01-05,AM,I,,flu\n{CAT},2026-01-05,AM,N,,secret, too many\n'
    kept = FORMAT.without_columns("register", "register_2026-01-09.csv", text.encode(), {"Comment"}, {4}).decode()
    assert "rang" not in kept and "secret" not in kept and "flu" in kept
    again, first = read("register", kept), read("register", text)
    assert marks(again) == marks(first)
    assert faults(again) == faults(first)


def test_a_file_without_the_column_is_kept_as_it_came():
    data = f"UPN,Date,Session,Code\r\n{ANN},2026-01-05,AM,N\r\n".encode("utf-8-sig")
    assert FORMAT.without_columns("register", "r.csv", data, {"Comment"}, set()) == data


def test_the_kept_copy_of_a_workbook():
    data = workbook(["Submitted", "UPN", "First Date", "Reason"], ["2026-01-05", ANN, "2026-01-05", "unwell"])
    kept = FORMAT.without_columns("notifications", "n.xlsx", data, {"Reason", "Evidence"}, set())
    reading = read("notifications", kept, name="notifications_2026-01-09.xlsx", keep_private=True)
    assert (reading.records[0].line, reading.records[0].data["reason"]) == (2, "")
