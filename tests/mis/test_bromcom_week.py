"""`bromcom-week`: a week in a row, blanks that say nothing, and weeks that cannot be."""

import json

import pytest
from read_formats import faults, marks, raw, understood
from school_files import ANN, BEN

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.reading import DatedCodes

DAYS = ",".join(f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM"))
HEADER = f"UPN,StudentId,WeekStart,{DAYS}"
FULL = "/,\\,/,\\,/,\\,/,\\,/,\\"


def read(*given, header=HEADER, **options):
    return understood("bromcom-week", "register", "\n".join([header, *given]) + "\n", "csv", **options)


def test_a_week_is_ten_sessions_from_its_monday():
    found = marks(read(f"{ANN},1,05/01/2026,/,L,,,N,N,,,I,\\"))
    assert [(m[1], m[2], m[4]) for m in found] == [
        ("2026-01-05", "A", 2),
        ("2026-01-05", "P", 2),
        ("2026-01-07", "A", 2),
        ("2026-01-07", "P", 2),
        ("2026-01-09", "A", 2),
        ("2026-01-09", "P", 2),
    ]


def test_a_blank_is_not_entered_unless_the_code_map_says_what_it_is():
    week = f"{ANN},1,2026-01-05,,,,,,,,,,"
    assert marks(read(week)) == []
    assert len(marks(read(week, code_map=[DatedCodes({"": "N"})]))) == 10


def test_dirty_weeks_are_set_aside_one_by_one():
    reading = read(
        f"{ANN},1,2026-01-06,{FULL}",
        f"{ANN},1,Week 3,{FULL}",
        f"{ANN},1,,{FULL}",
        f"{ANN},1,2026-01-05,/",
        ",,,,,,,,,,,,",
        f"{ANN},1,2026-01-05,QQ,,\\,/,,,,,,",
        f"{BEN},2,2026-01-05T12:00:00+00:00,{FULL}",
        f"{BEN},2,9999-12-27,{FULL}",
        f"Total,,2026-01-05,{FULL}",
        f",,2026-01-05,/{',' * 9}",
    )
    assert {m[0] for m in marks(reading)} == {BEN}
    assert len(marks(reading)) == 10
    by_line = {n: {(c, r) for line, c, r in faults(reading) if line == n} for n, _, _ in faults(reading)}
    assert by_line[2] == {("WeekStart", "the week does not start on a Monday")}
    assert by_line[3] == {("WeekStart", "not a date")}
    assert by_line[4] == {("WeekStart", "missing value")}
    assert by_line[5] == {("(row)", "wrong number of cells")}
    assert by_line[7] == {("Code", "unknown code"), ("Code", "code not legal in this session")}
    assert by_line[9] == {("WeekStart", "impossible date")}
    assert by_line[10] == {("UPN", "not a UPN")}
    assert by_line[11] == {("UPN", "missing value")}


def test_quoted_cells_and_other_columns():
    table = raw("bromcom-week", "register", f'Name,{HEADER}\n"Lee, Ann",{ANN},1,2026-01-05,{FULL}\n', "csv")
    assert (len(table), table.ignored) == (10, ("Name",))


@pytest.mark.parametrize(
    ("header", "column"),
    [
        (f"WeekStart,{DAYS}", "StudentId"),
        (f"StudentId,{DAYS}", "WeekStart"),
        (f"StudentId,WeekStart,{DAYS[:-6]}", "FriPM"),
        (f"StudentId,WeekStart,WeekStart,{DAYS}", "WeekStart"),
    ],
)
def test_a_header_that_lacks_a_column_is_refused(header, column):
    with pytest.raises(UnreadableFile) as refused:
        raw("bromcom-week", "register", header + "\n", "csv")
    assert refused.value.column == column


def test_an_empty_file_is_refused():
    with pytest.raises(UnreadableFile):
        raw("bromcom-week", "register", "", "csv")


@pytest.mark.parametrize(
    ("start", "week", "first"),
    [
        ("2026-01-06", f",,{FULL[5:]}", "2026-01-06"),
        ("2026-01-06", f"#,#,{FULL[5:]}", "2026-01-06"),
        ("2026-01-09", ",,,,,,,,/,\\", "2026-01-09"),
        ("2026-01-06", f"/,,{FULL[5:]}", None),
        ("2026-01-04", FULL, None),
        ("2026-01-10", FULL, None),
    ],
    ids=["Tuesday", "closed before", "Friday", "a mark before", "Sunday", "Saturday"],
)
def test_a_week_that_starts_on_its_first_school_day(start, week, first):
    """After a bank holiday. The columns name their days, so nothing is guessed; a mark before the start contradicts."""
    reading = read(f"{ANN},1,{start},{week}")
    assert min((m[1] for m in marks(reading)), default=None) == first
    assert [f[2] for f in faults(reading)] == ([] if first else ["the week does not start on a Monday"])


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace("WeekStart", "Week Commencing").replace("StudentId", "Student ID"),
        HEADER.lower(),
        HEADER.replace("AM", " AM").replace("Tue", "Tuesday"),
        HEADER.replace("StudentId", "student_id").replace("WeekStart", "week_start_date"),
    ],
)
def test_captions(header):
    assert len(marks(read(f"{ANN},1,05/01/2026,{FULL}", header=header))) == 10


WEEK = dict(zip(DAYS.split(","), FULL.split(","), strict=True))


def test_json_of_the_same_names():
    """As the API gives it: pages, names that begin small, nulls where nothing was entered, numbers that are numbers."""
    first = {
        "upn": ANN,
        "studentId": 7,
        "startDate": "2026-01-05T00:00:00",
        **{k[0].lower() + k[1:]: v for k, v in WEEK.items()},
    }
    late = {
        **first,
        "upn": BEN,
        "studentId": "8",
        "monAM": None,
        "monPM": "",
        "startDate": {"date": "2026-01-05 00:00:00"},
    }
    bad = {**first, "monAM": ["/"]}
    pages = [{"success": True, "data": [first, bad]}, {"success": True, "data": [late]}]
    for text in (json.dumps(pages), "\n".join(map(json.dumps, pages))):
        reading = understood("bromcom-week", "register", text, "json")
        assert [sum(m[0] == u for m in marks(reading)) for u in (ANN, BEN)] == [10, 8]
        assert [f[1:] for f in faults(reading)] == [("MonAM", "not a plain value")]
