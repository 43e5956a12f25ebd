"""`ctf-xml`: strings of marks from their start date, weeks of ten and of fourteen characters, and hostile files."""

import pytest
from read_formats import faults, marks, raw, rows, understood
from school_files import ANN, BEN

from attendance_pipeline.mis.ctf import UNCERTAIN
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.reading import DatedCodes

WEEK = "/\\" * 5


def year(marks_, start="2026-01-05"):
    return f"<AttendSessions><AttendanceStartDate>{start}</AttendanceStartDate>\n<AttendanceMarks>{marks_}</AttendanceMarks></AttendSessions>"


def ctf(*pupils, head="<?xml version='1.0' encoding='utf-8'?>\n"):
    inside = "".join(
        f"<Pupil><UPN>{upn}</UPN><FormerUPN>x</FormerUPN><Attendance>{''.join(f'<YearData>{y}</YearData>' for y in years)}</Attendance></Pupil>\n"
        for upn, *years in pupils
    )
    return f"{head}<CTfile><Header><UPN>no</UPN></Header><CTFpupilData>\n{inside}</CTFpupilData></CTfile>"


def read(*pupils, **options):
    return raw("ctf-xml", "register", ctf(*pupils), "xml", **options)


def test_marks_go_on_from_friday_to_monday():
    table = read((ANN, year("L N" + "/" * 0 + "\\/I", "2026-01-09")))
    assert rows(table, "UPN", "Date", "Session", "Code") == [
        (4, ANN, "2026-01-09", "AM", "L"),
        (4, ANN, "2026-01-12", "AM", "N"),
        (4, ANN, "2026-01-12", "PM", "\\"),
        (4, ANN, "2026-01-13", "AM", "/"),
        (4, ANN, "2026-01-13", "PM", "I"),
    ]


def test_weeks_of_fourteen_where_the_weekends_show():
    table = read((ANN, year((WEEK + "####") * 2 + "L\\")), (BEN, year(WEEK + "##  " + "NN")))
    found = rows(table, "UPN", "Date", "Session", "Code")
    assert [(r[1], r[2]) for r in found if r[4] in "LN"] == [
        (ANN, "2026-01-19"),
        (BEN, "2026-01-12"),
        (BEN, "2026-01-12"),
    ]
    assert {r[4] for r in found} == {"/", "\\", "L", "N"}


def test_weeks_of_ten_where_a_mark_stands_on_a_weekend():
    closed = "#### " + "#" + "/\\" * 2
    table = read((ANN, year(WEEK + closed)), (BEN, year(WEEK * 2 + "L")))
    found = rows(table, "UPN", "Date", "Code")
    assert [r[2] for r in found if r[3] == "L"] == ["2026-01-19"]
    assert [(r[2], r[3]) for r in found if r[1] == ANN][10:12] == [("2026-01-12", "#"), ("2026-01-12", "#")]


@pytest.mark.parametrize("string", [WEEK, WEEK + "####", WEEK + "##", WEEK[:7], " " * 40])
def test_a_string_that_says_the_same_by_both_is_read(string):
    table = read((ANN, year(string)))
    assert faults(table) == []
    assert {r[2] for r in rows(table, "UPN", "Date")} <= {f"2026-01-{d:02}" for d in range(5, 10)}


def test_a_string_that_could_be_either_is_set_aside():
    table = read((ANN, year(WEEK + "    " + "/\\")))
    assert (len(table), faults(table)) == (0, [(4, "AttendanceMarks", UNCERTAIN)])


def test_dirty_strings():
    block = "<AttendanceMarks>//</AttendanceMarks>"
    table = read(
        (ANN, block, year("//", "soon"), year("//", "2026-01-10"), year("/" * 743), year("/\n/")),
        (BEN, year(WEEK * 2)),
    )
    assert {r[1] for r in rows(table, "UPN")} == {BEN}
    assert [f[1:] for f in faults(table)] == [
        ("AttendanceStartDate", "no start date stands beside the marks"),
        ("AttendanceStartDate", "not a date"),
        ("AttendanceMarks", "more than a year of marks"),
        ("AttendanceMarks", "a line break stands in the marks"),
        ("AttendanceStartDate", "the marks start on a weekend"),
    ]


def test_the_rules_of_the_register_hold():
    reading = understood("ctf-xml", "register", ctf((ANN, year("/?")), ("", year("/\\")), (BEN, year("\\/"))), "xml")
    assert [(m[0], m[2]) for m in marks(reading)] == [(ANN, "A")]
    assert {f[1:] for f in faults(reading)} == {
        ("Code", "unknown code"),
        ("UPN", "missing value"),
        ("Code", "code not legal in this session"),
    }


@pytest.mark.parametrize(
    "data",
    [
        "",
        "UPN,Date\n",
        "<a>",
        ctf(),
        "<CTfile/>",
        ctf((ANN, year(WEEK)), head='<!DOCTYPE a [<!ENTITY x "y">]>'),
        ctf((ANN, year("&x;")), head='<!DOCTYPE a [<!ENTITY x "/\\">]>'),
        ctf((ANN, year("&x;"))),
        ctf((ANN, year("&#0;"))),
        "<a>" * 100_000,
        ctf((ANN, year("/" * 200_000))),
    ],
)
def test_what_is_no_such_file_is_refused_whole(data):
    with pytest.raises(UnreadableFile):
        raw("ctf-xml", "register", data, "xml")


def test_letters_of_latin_1_and_prefixes():
    text = ctf((ANN, year(WEEK)), head="<?xml version='1.0' encoding='ISO-8859-1'?>\n<!-- Zoë -->")
    assert len(raw("ctf-xml", "register", text.encode("latin-1"), "xml")) == 10
    named = ctf((ANN, year(WEEK))).replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?")
    assert len(raw("ctf-xml", "register", named.replace("<c:CTfile>", "<c:CTfile xmlns:c='u'>"), "xml")) == 10


@pytest.mark.parametrize(
    ("start", "string", "days"),
    [
        ("2026-01-05", WEEK + "####" + WEEK, [5, 6, 7, 8, 9, 12, 13, 14, 15, 16]),
        ("2026-01-05", WEEK + "    " + WEEK + "    " + WEEK, [5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23]),
        ("2026-01-07", WEEK[:6] + "####" + WEEK, [7, 8, 9, 12, 13, 14, 15, 16]),
        ("2026-01-07", WEEK[:6] + WEEK, [7, 8, 9, 12, 13, 14, 15, 16]),
        ("2026-01-09", WEEK[:2] + WEEK, [9, 12, 13, 14, 15, 16]),
        ("2026-01-03", "####" + WEEK, [5, 6, 7, 8, 9]),
        ("2026-01-06", WEEK[:4], [6, 7]),
    ],
)
def test_marks_may_begin_on_any_weekday(start, string, days):
    table = read((ANN, year(string, start)))
    assert faults(table) == []
    assert sorted({int(d[-2:]) for _, d in rows(table, "Date")}) == days


def test_element_order_and_other_data_do_not_matter():
    block = f"<AttendSessions><AttendanceMarks>{WEEK}</AttendanceMarks><AttendanceStartDate>2026-01-05</AttendanceStartDate></AttendSessions>"
    text = f"<CTfile><Header><DateTime>2026-01-09T10:00:00</DateTime></Header><CTFpupilData><Pupil><Attendance><YearData><Year>2025</Year>{block}<SessionsPossible>10</SessionsPossible></YearData></Attendance><FormerUPN>{BEN}</FormerUPN><UPN>{ANN}</UPN></Pupil><Pupil><UPN>{BEN}</UPN></Pupil></CTFpupilData></CTfile>"
    for data in (
        text.encode(),
        text.replace("><", ">\r\n<").encode(),
        text.encode("utf-16"),
        b"\xef\xbb\xbf" + text.encode(),
    ):
        table = raw("ctf-xml", "register", data, "xml")
        assert ({r[1] for r in rows(table, "UPN")}, len(table)) == ({ANN}, 10)


def test_a_hyphen_is_no_mark_unless_the_code_map_says_what_it_is():
    text = ctf((ANN, year("/-_\\")))
    assert [m[1:3] for m in marks(understood("ctf-xml", "register", text, "xml"))] == [
        ("2026-01-05", "A"),
        ("2026-01-06", "P"),
    ]
    mapped = understood("ctf-xml", "register", text, "xml", code_map=[DatedCodes({"-": "N"})])
    assert len(marks(mapped)) == 3 and faults(mapped) == []
