"""Column maps: what is refused in one, and how files of any shape are read by one."""

import datetime as dt
import os
import re

import pytest
from mis_files import faults, marks, read, workbook
from school_files import ANN, BEN, CAT, load_all, pupils, quarantine_rows, register_rows

from attendance_pipeline.law.settings_errors import SettingsErrors
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.map_settings import read_column_map
from attendance_pipeline.mis.mapped import MappedFormat

ROWS = """
[register]
blank = "not entered"
columns = { UPN = "Unique Pupil No", Date = "Session", Session = "Session", Code = "Mark" }
"""


@pytest.fixture
def mapped(tmp_path):
    def make(text):
        path = tmp_path / "arbor.toml"
        path.write_text(text)
        return MappedFormat("mis/arbor.toml", read_column_map(path))

    return make


def register(form, *rows, head="Unique Pupil No,Session,Mark", ending="csv"):
    return read(form, "register", "\n".join([head, *rows]) + "\n", ending, code_map=form.codes)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("", "(whole file)", "a table for at least one kind"),
        ("[registr]", "registr", "did you mean 'register'"),
        ("[register]\n", "register.blank", "never guessed"),
        ('[register]\nlayout = "wide_week"\nblank = "withdrawn"', "register.blank", "'present' or 'not entered'"),
        ('[register]\nlayout = "week_string"\nblank = "present"', "register.blank", "a space is a session"),
        ('[register]\nlayout = "weekly"\nblank = "present"', "register.layout", "'rows'"),
        ('[register]\nblank = "present"\ncolumns = { UPNs = "x" }', "register.columns.UPNs", "did you mean 'UPN'"),
        ('[register]\nblank = "present"\ncolumns = { WeekMarks = "x" }', "register.columns.WeekMarks", "native column"),
        ('[register]\nblank = "present"\n[[register.codes]]\nmap = { x = "ZZ" }', "register.codes[1].map.x", "a register code"),
        ('[register]\nblank = "present"\nsessions = { Morning = "am" }', "register.sessions.Morning", "'AM' or 'PM'"),
        ('[register]\nblank = "present"\ndate_format = "%d.%m"', "register.date_format", "a date format"),
        ('[register]\nblank = "present"\nskip_rows = -1', "register.skip_rows", "greater than or equal to 0"),
        ('[register]\nblank = "present"\nfile_name = "("', "register.file_name", "a regular expression"),
        ('[register]\nblank = "present"\nfile_name = "marks"', "register.recorded_from", "'content' or 'arrival'"),
        ('[register]\nblank = "present"\nrecorded_from = "arrival"', "register.file_name", "a pattern"),
        ('[pupils]\nfile_name = "pupils"\nrecorded_from = "content"', "pupils.recorded_from", "'arrival'"),
        ('[pupils]\nblank = "present"', "pupils.blank", "no such setting"),
        ('encoding = "klingon"\n[pupils]', "encoding", "a text encoding"),
        ("[register", "(whole file)", "TOML"),
    ],
)  # fmt: skip
def test_a_map_that_is_refused(tmp_path, text, key, words):
    path = tmp_path / "arbor.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(words)) as error:
        read_column_map(path)
    told = error.value.errors if isinstance(error.value, SettingsErrors) else [error.value]
    assert [(e.path, e.key) for e in told] == [(path, key)]


def test_every_fault_is_told_at_once(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text('[register]\ncolumns = { A = "x" }\n[pupils]\ncolumns = { B = "x" }\n')
    with pytest.raises(SettingsErrors) as error:
        read_column_map(path)
    assert [e.key for e in error.value.errors] == ["pupils.columns.B", "register.columns.A", "register.blank"]


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize(
    ("cell", "day", "session"),
    [
        ("05 Jan 2026 AM", "2026-01-05", "AM"),
        ("5 January 2026 PM", "2026-01-05", "PM"),
        ("Mon 5th Jan 2026 (am)", None, None),
        ("Monday 5 January 2026 pm", "2026-01-05", "PM"),
        ("05/01/2026 AM", "2026-01-05", "AM"),
        ("2026-01-05T12:00:00+01:00 AM", "2026-01-05", "AM"),
        ("05 Jan 2026\u00a0AM", "2026-01-05", "AM"),
    ],
)
def test_date_and_session_in_one_cell(mapped, cell, day, session):
    reading = register(mapped(ROWS), f"{ANN},{cell},N")
    if day is None:
        assert faults(reading) == ["2 Date: not a date"]
    else:
        assert marks(reading) == [f"{ANN} {day} {session} N 2"]


@pytest.mark.parametrize("cell", ["05 Jan 2026", "31 Feb 2026 AM", "05 Foo 2026 AM", "05 Jan 2026 AM PM", ""])
def test_a_cell_without_date_and_session_is_set_aside(mapped, cell):
    reading = register(mapped(ROWS), f"{BEN},06 Jan 2026 AM,/", f"{ANN},{cell},N")
    assert {f.line for f in reading.faults} == {3}
    assert len(marks(reading)) == 1


@pytest.mark.parametrize(
    ("blank", "expected"),
    [
        ("present", ["AM / 2", "PM \\ 3", "AM N 4"]),
        ("not entered", ["AM N 4"]),
        ("withdrawn", ["AM (withdrawn) 2", "PM (withdrawn) 3", "AM N 4"]),
    ],
)
def test_what_a_blank_says_is_a_setting(mapped, blank, expected):
    form = mapped(ROWS.replace("not entered", blank) + 'no_mark = ["-"]')
    rows = (f"{ANN},05 Jan 2026 AM,", f"{ANN},05 Jan 2026 PM, ", f"{ANN},06 Jan 2026 AM,N", f"{ANN},06 Jan 2026 PM,-")
    assert [m.split(" ", 2)[2] for m in marks(register(form, *rows))] == expected


def test_codes_are_translated_on_their_dates(mapped):
    form = mapped(
        ROWS
        + """
        [[register.codes]]
        map = { "Ill" = "I", "?" = "J" }
        [[register.codes]]
        valid_from = 2024-08-19
        map = { "?" = "J1", "-" = "Y7" }
        """
    )
    rows = (
        f"{ANN},12 Jan 2026 AM,?",
        f"{ANN},12 Jan 2024 AM,?",
        f"{ANN},13 Jan 2026 AM,Ill",
        f"{ANN},14 Jan 2026 AM,Off",
    )
    reading = register(form, *rows)
    assert [m.split()[3] for m in marks(reading)] == ["J1", "J", "I"]
    assert faults(reading) == ["5 Code: unknown code"]


def test_a_date_format_and_sessions_of_its_own(mapped):
    form = mapped(
        """
        delimiter = ";"
        encoding = "utf-16"
        [register]
        blank = "withdrawn"
        date_format = "%m/%d/%Y"
        sessions = { "Morning" = "AM", "2" = "PM" }
        columns = { Session = "When", Code = "Status" }
        """
    )
    text = f"UPN;Date;When;Status\n{ANN};01/05/2026;morning;/\n{ANN};13/01/2026;2;\\\n{BEN};2026-01-06;2;\\\n"
    reading = read(form, "register", text.encode("utf-16"))
    assert [m.split(" ", 1)[1] for m in marks(reading)] == ["2026-01-05 AM / 2", "2026-01-06 PM \\ 4"]
    assert faults(reading) == ["3 Date: not a date"]
    with pytest.raises(UnreadableFile, match="not utf-16 text"):
        read(form, "register", text.encode() + b"x")


REPORT = """
[register]
blank = "not entered"
skip_rows = 2
total_rows = ["Total", "Grand total"]
columns = { UPN = "Pupil Number" }
"""


def test_merged_headers_above_and_totals_below(mapped):
    form = mapped(REPORT)
    text = f"Oakfield,,,\n,Registration,,\nPupil Number,Date,Session,Code\n{ANN},05/01/2026,AM,/\nTotal:,,,1\nGRAND TOTAL,,,1\nTotally,,,N\n"
    reading = read(form, "register", text)
    assert marks(reading) == [f"{ANN} 2026-01-05 AM / 4"]
    assert {f.line for f in reading.faults} == {7}
    data = workbook(
        ["Oakfield"], [None, "Registration"], ["Pupil Number", "Date", "Session", "Code", "Minutes Late"],
        [ANN, dt.datetime(2026, 1, 5), "AM", "L", 7], [BEN, dt.datetime(2026, 1, 5), "AM", "/"], [None, "Total", None, 2]
    )  # fmt: skip
    reading = read(form, "register", data, "xlsx")
    assert (marks(reading), faults(reading)) == ([f"{ANN} 2026-01-05 AM L 4", f"{BEN} 2026-01-05 AM / 5"], [])


def test_a_header_that_the_map_names_and_the_file_lacks(mapped):
    with pytest.raises(UnreadableFile) as error:
        register(mapped(ROWS), f"{ANN},05 Jan 2026 AM,/", head="UPN,Session,Mark")
    assert error.value.column == "UPN"
    with pytest.raises(UnreadableFile, match="empty"):
        read(mapped(REPORT), "register", "Oakfield\n")


def test_pupils_by_a_map_and_other_kinds_natively(mapped):
    form = mapped(
        '[pupils]\ncolumns = { Class = "Form", "Date of Birth" = "Born", "Entry Date" = "Joined" }\ndate_format = "%d.%m.%y"'
    )
    head = "UPN,Forename,Surname,Born,Year Group,Form,Class,Joined"
    reading = read(form, "pupils", f"{head}\n{ANN},\u200eZoë,O’Neill,03.05.16,Year  4,4A,old,01.09.20\n")
    data = reading.records[0].data
    assert (data["forename"], data["date_of_birth"], data["class"], data["entry_date"]) == (
        "Zoë", "2016-05-03", "4A", "2020-09-01",
    )  # fmt: skip
    assert reading.ignored == ("Class",)
    assert len(marks(read(form, "register", f"UPN,Date,Session,Code\n{ANN},2026-01-05,AM,/\n"))) == 1


# ---------------------------------------------------------------- weeks


def test_a_wide_week(mapped):
    slots = [f"{d} {s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("am", "pm")]
    columns = ", ".join(f'{s[:3]}{s[4:].upper()} = "{s}"' for s in slots)
    text = f'[register]\nlayout = "wide_week"\nblank = "BLANK"\ncolumns = {{ WeekStart = "Week of", {columns} }}\n'
    rows = f"UPN,Week of,{','.join(slots)}\n{ANN},05/01/2026,,\\,I,I,Y7,,,,,\n{BEN},06/01/2026,N{',' * 9}\n"
    reading = read(mapped(text.replace("BLANK", "not entered")), "register", rows)
    assert [m.split(" ", 1)[1] for m in marks(reading)] == [
        "2026-01-05 PM \\ 2", "2026-01-06 AM I 2", "2026-01-06 PM I 2", "2026-01-07 AM Y7 2"
    ]  # fmt: skip
    assert faults(reading) == ["3 WeekStart: the week does not start on a Monday"]
    present = marks(read(mapped(text.replace("BLANK", "present")), "register", rows))
    assert len(present) == 10 and present[0].endswith("AM / 2") and present[-1].endswith("2026-01-09 PM \\ 2")


def test_a_week_string(mapped):
    form = mapped(
        '[register]\nlayout = "week_string"\ncolumns = { WeekStart = "Week", WeekMarks = "Marks" }\ndate_format = "%d %b %y"\n'
    )
    reading = read(form, "register", f"UPN,Week,Marks\n{ANN},05 Jan 26,/\\_ N\n")
    assert [m.split()[3] for m in marks(reading)] == ["/", "\\", "N"]


# ---------------------------------------------------------------- loading


NIGHTLY = ROWS + 'file_name = "Attendance export( .*)?[.]csv"\nrecorded_from = "HOW"\n'


def drop(home, *rows, day, name="Attendance export.csv"):
    path = home / "inbox" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["Unique Pupil No,Session,Mark", *rows]) + "\n")
    noon = dt.datetime.combine(day, dt.time(12)).timestamp()
    os.utime(path, (noon, noon))


def load_by(form, warehouse, home):
    return load_all(warehouse, home, reader=form, pattern=form.kind_and_day, made_on=form.made_on, code_map=form.codes)


@pytest.mark.parametrize("how", ["arrival", "content"])
def test_files_of_one_name_are_dated_by_content_or_arrival(warehouse, tmp_path, mapped, how):
    form = mapped(NIGHTLY.replace("HOW", how))
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2020-09-01", f"{BEN},5A,2020-09-01")
    load_by(form, warehouse, tmp_path)
    first, second = f"{ANN},05 Jan 2026 AM,N", f"{ANN},05 Jan 2026 AM,I"
    for number, row in enumerate([first, second, first]):
        day = dt.date(2026, 1, 6 + number)
        rows = [row, f"{BEN},{day - dt.timedelta(days=1):%d %b %Y} AM,/", f"{CAT},05 Jan 2086 AM,/"]
        drop(tmp_path, *rows, day=day)
        assert load_by(form, warehouse, tmp_path).loaded == (
            f"register_{day - dt.timedelta(days=how == 'content')}_Attendance export.csv",
        )
    assert register_rows(warehouse)[0] == f"{ANN} 2026-01-05 AM N"
    assert not list((tmp_path / "inbox").iterdir())


def test_a_date_in_the_name(mapped):
    form = mapped(ROWS + 'file_name = "Marks (?P<date>[0-9.]+)[.]csv"\nfile_date = "%d.%m.%Y"\n')
    assert form.kind_and_day("Marks 13.01.2026.csv") == ("register", dt.date(2026, 1, 13))
    assert form.kind_and_day("Marks 31.02.2026.csv") is None
    assert form.kind_and_day("pupils_2026-01-13.csv") == ("pupils", dt.date(2026, 1, 13))
    assert form.kind_and_day("Markers.csv") is None


def test_another_map_reads_the_same_file_anew(warehouse, tmp_path, mapped):
    rows = [f"{ANN},05 Jan 2026 AM,Ill"]
    pupils(tmp_path / "inbox", "2025-09-01", f"{ANN},5A,2020-09-01")
    drop(tmp_path, *rows, day=dt.date(2026, 1, 6))
    load_by(mapped(NIGHTLY.replace("HOW", "arrival")), warehouse, tmp_path)
    assert "unknown code" in quarantine_rows(warehouse)[0]
    drop(tmp_path, *rows, day=dt.date(2026, 1, 6))
    load_by(mapped(NIGHTLY.replace("HOW", "arrival") + '[[register.codes]]\nmap = { Ill = "I" }'), warehouse, tmp_path)
    assert register_rows(warehouse) == [f"{ANN} 2026-01-05 AM I"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_the_kept_copy_leaves_comments_out(mapped, ending):
    form = mapped(
        'encoding = "utf-16"\n[register]\nskip_rows = 1\nblank = "withdrawn"\ncolumns = { Comment = "Why", Code = "Mark" }'
    )
    table = [["Report"], ["UPN", "Date", "Session", "Mark", "Why"], [ANN, "2026-01-05", "AM", "N", "rang"],
             [BEN, "2026-01-05", "AM", "I", "flu"]]  # fmt: skip
    data = workbook(*table) if ending == "xlsx" else "\n".join(",".join(r) for r in table).encode("utf-16")
    kept = form.without_columns("register", f"register_2026-01-16.{ending}", data, {"Comment"}, {4})
    assert marks(read(form, "register", kept, ending)) == marks(read(form, "register", data, ending))
    if ending == "csv":
        assert "flu" in kept.decode("utf-16") and "rang" not in kept.decode("utf-16")


def test_what_was_decided_of_letters_is_read_natively_whatever_the_schools_log_is_like(mapped):
    form = mapped(
        'encoding = "cp1252"\n[interventions]\nskip_rows = 2\nfile_name = "interventions.*"\nrecorded_from = "arrival"\n'
        'columns = { UPN = "Pupil number", Date = "When", Action = "What was done" }'
    )
    name = "interventions_2026-01-16_decided-0001.csv"
    text = f"UPN,Date,Action,Stage,By,Reference\n{ANN},2026-01-16,letter_sent,1,Ms A Lead,OAK-1\n".encode("utf-8-sig")
    assert form.kind_and_day(name) == ("interventions", dt.date(2026, 1, 16))
    assert form.kind_and_day("interventions of the office.csv") == ("interventions", None)
    table = form.read("interventions", name, text)
    assert {header: cells[0] for header, cells in table.columns.items()} == {
        "UPN": ANN, "Date": "2026-01-16", "Action": "letter_sent", "Stage": "1", "By": "Ms A Lead", "Reference": "OAK-1",
    }  # fmt: skip
