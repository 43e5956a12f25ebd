"""`bromcom-week`: a week in a row, blanks that say nothing, and weeks that cannot be."""

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
    monday = {("WeekStart", "the week does not start on a Monday")}
    assert by_line[2] == monday
    assert by_line[3] == {("WeekStart", "not a date")}
    assert by_line[4] == {("WeekStart", "missing value")}
    assert by_line[5] == {("(row)", "wrong number of cells")}
    assert by_line[7] == {("Code", "unknown code"), ("Code", "code not legal in this session")}
    assert by_line[9] <= {("WeekStart", "the week does not start on a Monday"), ("Date", "impossible date")}
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
        (f"StudentId,WeekStart,WeekStart,{DAYS}", "weekstart"),
    ],
)
def test_a_header_that_lacks_a_column_is_refused(header, column):
    with pytest.raises(UnreadableFile) as refused:
        raw("bromcom-week", "register", header + "\n", "csv")
    assert refused.value.column == column


def test_an_empty_file_is_refused():
    with pytest.raises(UnreadableFile):
        raw("bromcom-week", "register", "", "csv")
