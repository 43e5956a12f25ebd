"""Reports of SIMS as XML: records, captions, SIMS's own ways with values, and files that are refused."""

import pytest
from mis_files import faults, marks, read
from school_files import ANN, BEN, CAT

from attendance_pipeline.mis import sims_xml, xml_walk
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.sims_xml import SimsXml

FORMAT = SimsXml()


def report(*records, head='<?xml version="1.0" encoding="utf-8"?>\n'):
    return f"{head}<SuperStarReport>\n" + "\n".join(f"<Record>{r}</Record>" for r in records) + "\n</SuperStarReport>\n"


def fields(**cells):
    return "".join(f"<{name}>{text}</{name}>" for name, text in cells.items())


def pupil(upn=ANN, **more):
    return fields(
        **{"UPN": upn, "Adno": "004512", "Legal_x0020_Surname": "O’Neill", "Forename": "Zoë", "ChosenName": "Zo",
           "DOB": "2016-05-03T00:00:00+01:00", "Year": "Year  4", "Reg": "Year  4 4A",
           "Date_x0020_of_x0020_Admission": "2020-09-01T00:00:00+01:00"} | more
    )  # fmt: skip


def mark(upn, code, session="AM", day="2026-01-05", **more):
    return fields(UPN=upn, AttendanceDate=day, SessionName=session, Mark=code, **more)


def xml(kind, text, **options):
    return read(FORMAT, kind, text, "xml", **options)


def test_pupils():
    reading = xml("pupils", report(pupil()))
    data = reading.records[0].data
    assert faults(reading) == []
    assert {
        k: data[k]
        for k in ("admission_number", "surname", "preferred_forename", "date_of_birth", "year_group", "class")
    } == {
        "admission_number": "004512",
        "surname": "O’Neill",
        "preferred_forename": "Zo",
        "date_of_birth": "2016-05-03",
        "year_group": "4",
        "class": "4A",
    }
    assert data["entry_date"] == "2020-09-01"


def test_captions_met_in_reports_of_other_schools():
    """Underscores for spaces, and other words: as loaders of such reports expect them."""
    record = fields(
        DOB="2014-05-03T00:00:00+01:00", Reg_group="7A", Year_taught_in_Code="7", Legal_Forename="Ann", Legal_Surname="Lee",
        Adno="004512", UPN=ANN, Gender="F", SEN_Code="K", CLA="N", Pupil_Premium="Y", Admission_x0020_Date="2020-09-01",
        Possible_marks="130",
    )  # fmt: skip
    reading = xml("pupils", report(record).replace("\n", "\r\n"))
    data = reading.records[0].data
    assert faults(reading) == [] and reading.ignored == ("Possible_marks",)
    assert (data["surname"], data["year_group"], data["class"], data["sen"]) == ("Lee", "7", "7A", "K")
    assert (data["pupil_premium"], data["looked_after"], data["entry_date"]) == (True, False, "2020-09-01")


@pytest.mark.parametrize(
    ("group", "year", "name"),
    [
        ("7A", "Year  7", "7A"),
        ("Year  7 7A", "Year  7", "7A"),
        ("Year 77A", "Year  7", "7A"),
        ("Year 7A", "Year  7", "7A"),
        ("Yr 7 - Oak", "Year  7", "Oak"),
        ("Year 10 Oak", "Year  10", "Oak"),
        ("Year 10 Oak", "Year  1", "Year 10 Oak"),
        ("Year  7", "Year  7", "Year 7"),
        ("Oak", "Reception", "Oak"),
    ],
)
def test_a_class_with_the_year_before_it(group, year, name):
    assert xml("pupils", report(pupil(Reg=group, Year=year))).records[0].data["class"] == name


def test_marks_with_their_lines_and_blank_elements():
    text = report(
        mark(ANN, "/"), mark(BEN, "\\", "PM", Minutes_x0020_Late=""), mark(CAT, "", "PM"), mark(ANN, "ZZ", "PM")
    )
    reading = xml("register", text)
    assert marks(reading) == [
        f"{ANN} 2026-01-05 AM / 3",
        f"{BEN} 2026-01-05 PM \\ 4",
        f"{CAT} 2026-01-05 PM (withdrawn) 5",
    ]
    assert faults(reading) == ["6 Code: unknown code"]


def test_records_that_share_a_line_are_counted():
    text = report(mark(ANN, "/"), mark(BEN, "ZZ"), mark(CAT, "N")).replace("\n", "")
    reading = xml("register", text)
    assert faults(reading) == ["2 Code: unknown code"]
    assert [m[-1] for m in marks(reading)] == ["1", "3"]


def test_the_native_caption_comes_first_and_others_are_named():
    reading = xml("pupils", report(pupil(Surname="Neill", House="Red")))
    assert reading.records[0].data["surname"] == "Neill"
    assert reading.ignored == ("Legal Surname", "House")


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<?xml version="1.0" encoding="utf-8"?>\n', "utf-8"),
        ("\n", "utf-8-sig"),
        ('<?xml version="1.0" encoding="utf-8"?>\n', "cp1252"),
        ('<?xml version="1.0" encoding="Windows-1252"?>\n', "cp1252"),
        ('<?xml version="1.0" encoding="Windows-1252"?>\n', "utf-8"),
        ('<?xml version="1.0" encoding="utf-16"?>\n', "utf-16"),
        ('<?xml version="1.0" encoding="utf-16"?>\n', "utf-16-le"),
        ('<?xml version="1.0" encoding="UTF-16BE"?>\n', "utf-16-be"),
    ],
)
def test_encodings_whatever_is_declared(head, encoding):
    reading = xml("pupils", report(pupil(), head=head).encode(encoding))
    assert (reading.records[0].data["forename"], reading.records[0].data["surname"]) == ("Zoë", "O’Neill")
    assert reading.records[0].line == 3


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (mark(BEN, "N") + "<Mark>I</Mark>", "a field stands twice in the record"),
        (mark(BEN, "<b>N</b>"), "an element inside a field"),
        ("stray" + mark(BEN, "N"), "text outside the fields of the record"),
    ],
)
def test_a_record_that_cannot_be_used_is_set_aside_and_its_neighbours_load(record, rule):
    reading = xml("register", report(mark(ANN, "/"), record, mark(CAT, "/")))
    assert faults(reading) == [f"4 (row): {rule}"]
    assert len(marks(reading)) == 2


WHOLE = report(mark(ANN, "/"), mark(BEN, "N", Comment="private"), mark(CAT, "/"), head="")


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        (WHOLE.replace(">N</Mark>", ">N</Mork>"), ["3 (row): not a whole record"]),
        (WHOLE.replace("private", "private & secret"), ["3 (row): not a whole record"]),
        (WHOLE.replace("private", "private &b;"), ["3 (row): not a whole record"]),
        (WHOLE.replace(f"<Record><UPN>{BEN}", f"<Rekord><UPN>{BEN}"), ["3 (row): not a whole record"]),
        (WHOLE.replace("private</Comment></Record>", "private</Comment>"), ["3 (row): not a whole record"]),
        (WHOLE.replace(f"<Record><UPN>{BEN}", f"<UPN>{BEN}"), ["3 (row): not a whole record"]),
        (WHOLE[: WHOLE.index(f"<Record><UPN>{CAT}") + 60].replace(BEN, ANN[1:]).replace(CAT, BEN),
         ["3 UPN: not a UPN", "4 (row): not a whole record", "4 (row): the report ends too soon, with or after this record"]),
    ],
    ids=["end tag", "ampersand", "entity", "start of a record", "end of a record", "no start", "cut off"],
)  # fmt: skip
def test_a_broken_record_costs_itself_alone(spoilt, told):
    reading = xml("register", spoilt)
    assert faults(reading) == told
    assert {m.split()[0] for m in marks(reading)} == (
        {ANN} if "cut" in str(told) or "soon" in str(told) else {ANN, CAT}
    )
    kept = FORMAT.without_columns("register", "register_2026-01-16.xml", spoilt.encode(), {"Comment"}, set())
    assert b"private" not in kept
    again = xml("register", kept.decode())
    assert (marks(again), [f.line for f in again.faults]) == (marks(reading), [f.line for f in reading.faults])


def test_a_report_cut_off_between_records_says_so():
    reading = xml("register", WHOLE.replace("</SuperStarReport>\n", ""))
    assert (len(marks(reading)), faults(reading)) == (
        3,
        ["4 (row): the report ends too soon, with or after this record"],
    )


def test_characters_that_xml_does_not_have_cost_nothing_but_themselves():
    reading = xml("register", report(mark(ANN, "N", Comment="rang\x1b&#x1A;&#31; home"), mark(BEN, "\x0bN")))
    assert (len(marks(reading)), faults(reading)) == (1, ["4 Code: unknown code"])


def test_a_schema_before_the_records_is_no_record():
    text = WHOLE.replace("<SuperStarReport>", '<SuperStarReport><xs:schema xmlns:xs="u"><xs:element/></xs:schema>')
    assert len(marks(xml("register", text))) == 3


LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n'


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("", 1, "the file is empty"),
        (" \n", 1, "the file is empty"),
        ("UPN,Date", 1, "not well-formed XML: syntax error"),
        (report(mark(ANN, "/"))[:-30], 3, "not well-formed XML: unclosed token"),
        (report(mark(BEN, "&b;")), 3, "not well-formed XML: undefined entity"),
        (report(mark(ANN, "&b;"), head=LAUGHS), 1, "the file declares its own document type or entities"),
        (report(mark(ANN, "/"), head='<!DOCTYPE x SYSTEM "file:///etc/passwd">\n'), 1,
         "the file declares its own document type or entities"),
        ("<Records/>", 1, "the root of the file is not SuperStarReport"),
        ("<SuperStarReport>\n<Row/></SuperStarReport>", 2, "an element that is not a Record where records stand"),
        ("<SuperStarReport>" + "<a>" * 40, 1, "an element that is not a Record where records stand"),
        (report("<a>" * 40 + "</a>" * 40), 3, "elements are nested too deeply"),
        (report(mark(ANN, "/", Comment="x" * 200_000)), 3, "a field is longer than 100,000 characters"),
        (report("".join(f"<f{i}/>" for i in range(1_200))), 3, "more than 1,000 different names of elements"),
        (report(mark(ANN, "/"), "</Record><!-- --><Record>" + mark(BEN, "&b;")), 4, "not well-formed XML: undefined entity"),
        (report(mark(ANN, "/\0")), 1, "holds NUL bytes: not UTF-8 or cp1252 text"),
        (report(mark(ANN, "/"), head='<?xml version="1.0" encoding="koi8-r"?>'), 1,
         "declares an encoding other than UTF-8, UTF-16, Latin-1 or Windows-1252"),
        (report(fields(UPN=ANN, Mark="/")), 1, "a required column is missing from every record"),
        (report(mark(ANN, "/") + "<Attendance_x0020_Mark>/</Attendance_x0020_Mark><AttendanceMark>N</AttendanceMark>"), 1,
         "two names of elements are the same caption"),
    ],
)  # fmt: skip
def test_a_file_that_is_refused(text, line, rule):
    with pytest.raises(UnreadableFile) as error:
        xml("register", text)
    assert (error.value.line, error.value.rule) == (line, rule)


def test_an_endless_tag_is_refused_soon():
    text = "<SuperStarReport><Record><" + "a" * 30_000_000
    with pytest.raises(UnreadableFile, match="not well-formed"):
        xml("register", text)


def test_limits(monkeypatch):
    monkeypatch.setattr(xml_walk, "LARGEST", 100)
    with pytest.raises(UnreadableFile, match="larger"):
        xml("register", report(mark(ANN, "/")))
    monkeypatch.undo()
    monkeypatch.setattr(sims_xml, "MOST_RECORDS", 1)
    with pytest.raises(UnreadableFile, match="records"):
        xml("register", report(mark(ANN, "/"), mark(BEN, "/")))


def test_a_report_without_records_is_a_file_without_rows():
    assert (xml("register", "<SuperStarReport/>").rows, marks(xml("register", "<SuperStarReport/>"))) == (0, [])


def test_the_kept_copy_holds_comments_only_where_a_mark_was_amended():
    text = report(
        mark(ANN, "N", Comment="rang\nhome"),
        mark(BEN, "I", Comments='<![CDATA[flu </Comments>]]>'),
        mark(CAT, "N") + '<Comment why="secret"/><!-- x -->',
        mark(CAT, "N", "PM") + '<Comment\nwhy="a > b">pri<b>v</b>ate</Comment>',
    )  # fmt: skip
    first = xml("register", text)
    kept = FORMAT.without_columns("register", "register_2026-01-09.xml", text.encode(), {"Comment"}, {5}).decode()
    assert not [w for w in ("rang", "secret", "pri", "ate<", "a > b") if w in kept] and "flu" in kept
    again = xml("register", kept)
    assert marks(again) == marks(first)
    assert "an element inside a field" in faults(first)[-1]
    plain = report(mark(ANN, "N")).encode()
    assert FORMAT.without_columns("register", "register_2026-01-09.xml", plain, {"Comment"}, set()) == plain


def test_what_is_not_xml_is_native():
    assert marks(read(FORMAT, "register", f"UPN,Date,Session,Code\n{ANN},2026-01-05,AM,/\n")) == [
        f"{ANN} 2026-01-05 AM / 2"
    ]
