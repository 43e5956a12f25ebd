"""What is said of an export that nobody has described: how it is understood, and nothing of a pupil."""

import json
import re

import pytest
from mis_files import workbook
from school_files import ANN, BEN, CAT

from attendance_pipeline.cli import main
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.inbox import LARGEST, TOO_LARGE
from attendance_pipeline.mis.map_settings import read_column_map
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.native import texts_of
from attendance_pipeline.mis.suggest import suggest

DAYS = [(d, s) for d in ("05", "06", "07") for s in ("AM", "PM")]


def arbor(delimiter=",", above="", below=""):
    rows = [
        delimiter.join([u, f"{d} Jan 2026 {s}", "/" if s == "AM" else "\\", "Zebedee Quill"])
        for u in (ANN, BEN, CAT)
        for d, s in DAYS
    ]
    rows += [delimiter.join([ANN, "08 Jan 2026 AM", "-", "x"]), delimiter.join([BEN, "08 Jan 2026 AM", "", "x"]),
             delimiter.join([CAT, "08 Jan 2026 AM", "Q9", "x"]), delimiter.join([CAT, "08 Jan 2026 PM", "Zebedee", "x"])]  # fmt: skip
    return above + "\n".join([delimiter.join(["Unique Pupil No", "Session", "Mark", "Name"]), *rows]) + "\n" + below


def understood(said):
    return {c.header: (c.native, c.sure) for c in said.columns}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_export_of_marks(delimiter, encoding):
    said = suggest("marks.csv", arbor(delimiter).encode(encoding))
    assert (said.kind, said.layout, said.sample.delimiter) == ("register", "rows", delimiter)
    assert understood(said) == {
        "Unique Pupil No": (("UPN",), "certain"),
        "Session": (("Date", "Session"), "certain"),
        "Mark": (("Code",), "likely"),
        "Name": ((), "uncertain"),
    }
    assert said.known == {"/": 9, "\\": 9}
    assert (said.unknown, said.other, said.blank) == ({"-": 1, "Q9": 1}, 1, 1)


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_what_is_said_becomes_a_map_when_a_person_has_settled_what_a_blank_says(tmp_path, delimiter):
    data = arbor(delimiter, above=f"Oakfield{delimiter * 3}\n", below=f"Total{delimiter * 3}\n").encode()
    text = suggest("marks.csv", data).text()
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"register\.blank"):
        read_column_map(path)
    path.write_text(text.replace('blank = ""', 'blank = "not entered"').replace("# no_mark", "no_mark"))
    table = MappedFormat("m", read_column_map(path)).read("register", "register_2026-01-09.csv", data)
    assert len(table) == 22 and table.no_mark == {"", "-"} and table.faults == ()


def test_no_value_of_a_pupil_is_said():
    text = suggest("marks.csv", arbor().encode()).text()
    for value in (ANN, BEN[1:], "Zebedee", "Quill", "Jan 2026", "08"):
        assert value not in text.replace("valid_from = 2024-08-19", "")


@pytest.mark.parametrize(
    "rows",
    [
        [f"{ANN},2026-01-05,AM,/", f"{BEN},2026-01-05,AM,/"],
        ["Quill,Zebedee,Oak", "Crisp,Ermintrude,Ash", "Lee,Dougal,Elm"],
    ],
)
def test_a_file_without_headers_is_not_quoted(rows):
    try:
        text = suggest("a.csv", "\n".join(rows).encode()).text()
    except UnreadableFile as refused:
        text = str(refused)
    assert not [w for row in rows for w in row.split(",") if len(w) > 2 and w in text]


def test_a_column_that_holds_no_codes_shows_none():
    rows = [f"{ANN},2026-01-05,AM,{n}" for n in ("Jo", "Al", "Ed", "Bo", "/")]
    said = suggest("a.csv", "\n".join(["UPN,Date,Session,Code", *rows]).encode())
    assert (said.unknown, said.other) == ({}, 4)
    assert not re.search(r"\b(Jo|Al|Ed|Bo)\b", said.text())


def test_weeks():
    text = f"UPN,Week Commencing,Marks\n{ANN},05/01/2026,/\\/\\;;/\\/\\####\n{BEN},05/01/2026,/\\/\\/\\/\\/\\\n"
    said = suggest("w.csv", text.encode())
    assert (said.layout, said.unknown) == ("week_string", {";": 2})
    slots = ",".join(f"{d} {s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM"))
    said = suggest("w.csv", f"UPN,Week Start,{slots}\n{ANN},05/01/2026,/,\\,,,I,I,/,\\,/,\\\n".encode())
    assert (said.layout, said.blank, said.known["I"]) == ("wide_week", 2, 2)


def test_pupils_by_header_and_content():
    rows = [["Report of 4A"], ["Pupil", "Forename", "Family Name", "DOB", "Year", "Reg", "Joined", "\\"],
            [ANN, "A", "L", "2016-05-03T00:00:00+01:00", "Year  4", "4A", "01/09/2020", 1],
            [BEN, "B", "L", "2016-05-04T00:00:00+01:00", "Year  4", "4A", "01/09/2020", 1]]  # fmt: skip
    said = suggest("pupils.xlsx", workbook(*rows))
    assert (said.kind, said.missing, said.sample.skip) == ("pupils", (), 1)
    assert understood(said)["Pupil"] == (("UPN",), "likely")
    assert understood(said)["DOB"] == (("Date of Birth",), "certain")


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("r.xml", f"<SuperStarReport><Record><UPN>{ANN}</UPN><Mark>/</Mark></Record></SuperStarReport>", "sims-xml"),
        ("r.xml", "<CTfile><a><AttendanceMarks>/</AttendanceMarks></a></CTfile>", "ctf-xml"),
        ("r.json", json.dumps([{"student_id": 1, "attendance_mark": "/"}]), "assembly-json"),
        ("r.json", json.dumps({"data": [{"student_id": 1, "attendance_code_id": 4}]}), "wonde-json"),
    ],
)
def test_a_shipped_format_is_recognised(name, text, form):
    said = suggest(name, text.encode())
    assert said.sample.format == form
    assert f'mis = "{form}"' in said.text() and ANN not in said.text()


def test_other_json():
    text = suggest(
        "r.json", json.dumps([{"UPN": ANN, "Date": "2026-01-05", "Session": "AM", "Code": "/"}]).encode()
    ).text()
    assert "reads CSV and XLSX alone" in text and "[register]" not in text


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.csv", b""), ("a.csv", b" \n"), ("a.csv", b"a\0b"), ("a.xlsx", b"PK\x03\x04x"), ("a.xml", b"<!DOCTYPE a><a/>"),
     ("a.json", b"[" * 100_000), ("a.json", b"[]"), ("a.xml", b"<a/>"), ("a.csv", b"\xff\xfea")],
)  # fmt: skip
def test_a_file_that_cannot_be_read(name, data):
    with pytest.raises(UnreadableFile):
        suggest(name, data)


def test_the_command(tmp_path, capsys):
    (tmp_path / "m.csv").write_text(arbor())
    assert main(["mis", "suggest", str(tmp_path / "m.csv")]) == 0
    assert "[register.columns]" in capsys.readouterr().out
    (tmp_path / "e.csv").write_text("")
    for name in ("e.csv", "none.csv"):
        assert main(["mis", "suggest", str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        (["UPN,Name,05/01/2026 AM,05/01/2026 PM,06/01/2026 AM"], {}),
        (["Oakfield", "UPN,Name,05/01/2026,,06/01/2026", ",,AM,PM,AM"], {"skip_rows": 1, "header_rows": 2}),
        (["UPN,Name,Mon 5 Jan AM,Mon 5 Jan PM,Tue 6 Jan AM"], {}),
        (["UPN,Name,05/01/26 Morning,05/01/26 Afternoon,06/01/26 Morning"], {"date_format": "%d/%m/%y"}),
        (["UPN,Name,Mon 05/01/26 am,Mon 05/01/26 pm,Tue 06/01/26 am"], {"date_format": "%d/%m/%y"}),
        (["UPN,Name,Mon 01/05/26 am,Mon 01/05/26 pm,Tue 01/06/26 am"], {"date_format": "%m/%d/%y"}),
    ],
)  # fmt: skip
def test_a_column_for_each_date(tmp_path, above, expected):
    data = "\n".join([*above, f"{ANN},Zebedee,/,\\,N", f"{BEN},Zebedee,/,,Q9", "Total,,2,1,"]).encode()
    said = suggest("grid.csv", data)
    assert (said.kind, said.layout, said.known, said.unknown) == (
        "register",
        "date_columns",
        {"/": 2, "\\": 1, "N": 1},
        {"Q9": 1},
    )
    assert "Zebedee" not in said.text() and ANN not in said.text()
    path = tmp_path / "m.toml"
    path.write_text(said.text().replace('blank = ""', 'blank = "not entered"'))
    read_map = read_column_map(path)
    assert {k: getattr(read_map.register_, k) for k in expected} == expected
    table = MappedFormat("m", read_map).read("register", "register_2026-01-09.csv", data)
    assert len(table) == 6 and table.faults == () and table.columns["Date"].texts[0] == "2026-01-05"


def test_a_grid_with_both_marks_in_a_cell():
    said = suggest("grid.csv", f"UPN,05/01/2026,06/01/2026\n{ANN},/\\,NI\n{BEN},/ ,X\n".encode())
    assert (said.layout, said.known) == ("date_columns", {"/": 2, "\\": 1, "N": 1, "I": 1, "X": 1})


@pytest.mark.parametrize(
    "row",
    ["Quill,03/05/2016,01/09/2020", "Quill,Zebedee,4A,03/05/2016", "2026-01-05 08:10,Quill,2026-01-05,2026-01-06,flu"],
)
def test_dates_of_a_pupil_are_no_headers(row):
    """A file without headers, whose first row holds a date of birth."""
    rows = [row, row.replace("3", "4").replace("Quill", "Crisp")]
    try:
        text = suggest("a.csv", "\n".join(rows).encode()).text()
    except UnreadableFile as refused:
        text = str(refused)
    assert not [w for r in rows for w in r.split(",") if w in text]


SLOTS = ",".join(f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM"))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"UPN,Date,Session,Code\n{ANN},2026-01-05,AM,/\n", "native"),
        (f"UPN,WeekStart,WeekMarks\n{ANN},2026-01-05,/\\/\\\n", "sims-weekly"),
        (f"StudentId,WeekStart,{SLOTS}\n7,2026-01-05,/,\\,,,,,,,,\n", "bromcom-week"),
        (f"UPN;Date;Session;Code\n{ANN};2026-01-05;AM;/\n", None),
        (f"Unique Pupil No,Session,Mark\n{ANN},05 Jan 2026 AM,/\n", None),
    ],
)
def test_a_file_that_needs_no_map_is_said_to_need_none(text, form):
    said = suggest("a.csv", text.encode())
    assert said.read_by == form
    assert (f"The shipped format {form} reads it" in said.text()) is (form is not None)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", b"," * 100_000 + b"\n" + b"x," * 100 + b"\n", "more than 2,000 columns"),
        ("a.csv", b"a,b\n" + b"," * 5_000 + b"\n", "more than 2,000 columns"),
        ("a.csv", b"a,b\n" + b"x" * 1_500_000 + b"\n", "a line is longer than 1 MB"),
        ("a.xlsx", workbook(["column"] * 3_000, ["x"] * 3_000), "more than 1,000 columns"),
    ],
    ids=["first row", "second row", "line", "workbook"],
)
def test_headers_that_no_register_has_are_refused_before_they_are_looked_at(name, data, why):
    with pytest.raises(UnreadableFile, match=why):
        suggest(name, data)


@pytest.mark.parametrize("command", [("mis", "suggest"), ("try",)])
def test_a_file_larger_than_an_inbox_takes_is_not_read(command, tmp_path, capsys):
    path = tmp_path / "year.csv"
    with path.open("wb") as handle:
        handle.truncate(LARGEST + 1)
    assert main([*command, str(path)]) == 2
    assert capsys.readouterr().err == f"attendance: {path}: {TOO_LARGE}\n"


@pytest.mark.parametrize(
    ("header", "date", "halves", "date_format", "sessions"),
    [
        ("Unique Pupil No;Session Date;Half;Mark", "08.09.2025", ("Morning", "Afternoon"), "%d.%m.%Y",
         {"Morning": "AM", "Afternoon": "PM"}),
        ("Pupil UPN;Dt;AM/PM;Mark", "08/09/25", ("AM", "PM"), "%d/%m/%y", {}),
        ("UPN;Date;Session;Code", "8-Sep-25", ("morning", "afternoon"), "%d-%b-%y", {"morning": "AM", "afternoon": "PM"}),
        ("UPN;Date;Session;Code", "20250908", ("AM", "PM"), "%Y%m%d", {}),
        ("UPN;Date;Session;Code", "08/09/2025", ("AM", "PM"), None, {}),
    ],
)  # fmt: skip
def test_dates_and_sessions_as_a_school_writes_them(tmp_path, header, date, halves, date_format, sessions):
    rows = [f"{u};{date};{half};{code}" for u in (ANN, BEN) for half, code in zip(halves, "/\\", strict=True)]
    data = "\n".join([header, *rows]).encode()
    said = suggest("m.csv", data)
    assert (said.kind, said.layout, said.missing) == ("register", "rows", ())
    assert said.read_by is None  # with a semicolon no shipped format reads it
    path = tmp_path / "m.toml"
    path.write_text(said.text().replace('blank = ""', 'blank = "not entered"'))
    read_map = read_column_map(path)
    assert (read_map.register_.date_format, read_map.register_.sessions) == (date_format, sessions)
    table = MappedFormat("m", read_map).read("register", "register_2025-09-12.csv", data)
    assert table.faults == ()
    assert set(texts_of(table, "Date")) <= {"2025-09-08", "08/09/2025"}
    assert texts_of(table, "Session") == ["AM", "PM"] * 2


def test_a_file_with_native_headers_and_other_dates_needs_a_map():
    data = f"UPN,Date,Session,Code\n{ANN},08.09.2025,AM,/\n{BEN},08.09.2025,AM,/\n".encode()
    assert suggest("m.csv", data).read_by is None
    assert suggest("m.csv", data.replace(b"08.09.2025", b"08/09/2025")).read_by == "native"
