"""An export of any shape comes to what the rules say of its marks: formats of systems, and what people make."""

import datetime as dt

import pytest
from try_school import (
    CALENDAR,
    FORMATS,
    ONE_CHARACTER,
    SPREADSHEETS,
    Answer,
    School,
    answer,
    as_csv,
    as_xlsx,
    grid,
    make_school,
    one_character,
    week_texts,
)

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.trial.export import read_export
from attendance_pipeline.trial.outcome import Outcome, outcome_of, shipped_policy

MADE = dt.date(2026, 3, 1)


@pytest.fixture(scope="module")
def school() -> School:
    return make_school(seed=3)


def tried(name: str, data: bytes, blank: str | None = None, codes: dict[str, str] | None = None) -> Outcome:
    return outcome_of(read_export(name, data, MADE, codes), shipped_policy(), blank, all_rules=False)


def found(outcome: Outcome, school: School) -> Answer:
    """The outcome by UPN, whatever the file knows the pupils by."""
    known = school.by_name

    def upn(pupil: int) -> str:
        p = outcome.people[pupil]
        return next(known[n].upn for n in (p.upn, p.student_id, p.admission, p.name) if n in known)

    return Answer(
        {upn(s.pupil): (s.stage, s.status, str(s.opened_on)) for s in outcome.stages if s.stage},
        {upn(n.pupil): (n.status, n.counted) for n in outcome.notices},
        frozenset(upn(a.pupil) for a in outcome.absent or ()),
    )


@pytest.mark.parametrize("name", FORMATS)
def test_every_shipped_format_comes_to_the_same(name, school):
    file_name, write = FORMATS[name]
    said = one_character(school) if name in ONE_CHARACTER else school
    outcome = tried(file_name, write(said))
    expected = answer(said)
    assert expected.stages and expected.notices and expected.absent  # else there would be nothing to compare
    assert found(outcome, said) == expected
    assert outcome.school.days[: outcome.last + 1].tolist() == school.days


@pytest.mark.parametrize("name", SPREADSHEETS)
def test_every_spreadsheet_comes_to_the_same(name, school):
    file_name, write = SPREADSHEETS[name]
    assert found(tried(file_name, write(school)), school) == answer(school)


def test_two_marks_in_a_cell_come_to_the_same(school):
    plain = one_character(without_gaps(school))  # one mark alone in a cell may be of either session
    assert found(tried("a.csv", as_csv(*grid(plain, both=True))), plain) == answer(plain)


def test_weeks_in_one_text_come_to_the_same(school):
    plain = one_character(school)
    assert found(tried("a.csv", week_texts(plain)), plain) == answer(plain)


@pytest.mark.parametrize(
    ("until", "weeks"), [(dt.date(2025, 9, 30), 5), (dt.date(2025, 12, 19), 15), (dt.date(2026, 7, 17), 39)]
)
def test_the_calendar_is_found_again(until, weeks):
    school = make_school(12, until)
    outcome = tried("a.csv", FORMATS["native"][1](school))
    assert outcome.school.days[: outcome.last + 1].tolist() == school.days
    assert outcome.calendar.weeks == weeks
    written = {CALENDAR.terms[CALENDAR.term[CALENDAR.index(d)]].season for d in school.days}
    assert {t.season for t in outcome.calendar.terms} == written


def test_pupils_of_one_name_in_two_classes_are_two(school):
    rows = [
        ("Ann Ash", group, f"{d:%d/%m/%Y}", s, "O" if group == "5A" and s == "AM" else {"AM": "/", "PM": "\\"}[s])
        for d in school.days[:30]
        for group in ("5A", "5B")
        for s in ("AM", "PM")
    ]
    outcome = tried("a.csv", as_csv(("Name", "Class", "Date", "Session", "Mark"), rows))
    assert [p.class_name for p in outcome.people] == ["5A", "5B"]
    assert [outcome.people[a.pupil].class_name for a in outcome.absent] == ["5A"]


def test_pupils_of_one_name_in_one_class_are_set_aside_not_merged(school):
    rows = [("Ann Ash", "5A", f"{d:%d/%m/%Y}", s, c) for d in school.days[:10] for s in ("AM", "PM") for c in "IO"]
    rows += [("Ben Bell", "5A", f"{d:%d/%m/%Y}", s, "I") for d in school.days[:10] for s in ("AM", "PM")]
    export = read_export("a.csv", as_csv(("Name", "Class", "Date", "Session", "Mark"), rows), MADE)
    assert [(s.rule, s.rows) for s in export.set_aside] == [("conflicting rows", 40)]
    assert [p.name for p in export.people] == ["Ben Bell"]


def test_a_row_that_a_home_would_set_aside_is_set_aside_with_its_line(school):
    rows = [(p.upn, d.isoformat(), s, c) for p, d, s, c in school.rows]
    rows[4] = (*rows[4][:3], "ZZ")
    rows[7] = ("A" + rows[7][0][1:] if rows[7][0][0] != "A" else "B" + rows[7][0][1:], *rows[7][1:])
    rows[9] = (rows[9][0], "2062-01-01", *rows[9][2:])
    export = read_export("a.csv", as_csv(("UPN", "Date", "Session", "Code"), rows), MADE)
    assert {(s.column, s.rule, s.lines) for s in export.set_aside} == {
        ("Code", "unknown code", (6,)), ("UPN", "UPN check letter is wrong", (9,)), ("Date", "impossible date", (11,)),
    }  # fmt: skip
    assert export.unknown == {"ZZ": 1}


def test_local_codes_are_what_the_user_says(school):
    head, rows = grid(school)
    local = [[{"I": "ill", "/": "1", "\\": "2"}.get(c, c) for c in row] for row in rows]
    data = as_csv(head, local)
    assert read_export("a.csv", data, MADE).unknown.keys() == {"1", "2", "ill"}
    outcome = tried("a.csv", data, codes={"ill": "I", "1": "/", "2": "\\"})
    assert found(outcome, school) == answer(school)


# ---------------------------------------------------------------- blank cells


def whole(school: School) -> School:
    """The pupils who were there from the first day to the last: only of them a blank may mean present throughout."""
    days = {school.days[0], school.days[-1]}
    return School([p for p in school.pupils if days <= {d for d, _ in p.marks}], school.days)


def without_gaps(school: School) -> School:
    """And who have a mark in every session of them."""
    return School([p for p in whole(school).pupils if len(p.marks) == 2 * len(school.days)], school.days)


def absences(school: School) -> tuple[list[str], list[list[str]]]:
    head, rows = grid(whole(school))
    return head, [["" if c in ("/", "\\") else c for c in row] for row in rows]


def test_where_present_is_never_written_a_blank_is_shown_as_present(school):
    outcome = tried("a.csv", as_csv(*absences(school)))
    assert found(outcome, school) == answer(whole(school))
    assert (outcome.blank, outcome.chosen) == ("present", False)
    assert outcome.other is not None and outcome.other.attended < outcome.headline.attended


def test_a_list_of_absences_alone_is_read_so_too(school):
    rows = [r for r in ((p.upn, d, s, c) for p, d, s, c in whole(school).rows) if r[3] not in ("/", "\\")]
    outcome = tried("a.csv", as_csv(("UPN", "Date", "Session", "Code"), rows))
    assert found(outcome, school) == answer(whole(school))


def test_what_blank_means_is_the_users_to_say(school):
    data = as_csv(*absences(school))
    as_missing = tried("a.csv", data, "missing")
    assert (as_missing.blank, as_missing.chosen) == ("missing", True)
    assert as_missing.headline == tried("a.csv", data).other
    assert as_missing.other == tried("a.csv", data, "present").headline


def test_where_present_is_written_a_blank_is_shown_as_not_entered(school):
    head, rows = grid(whole(school))
    holes = [["" if i % 9 == j % 5 and j > 2 else c for j, c in enumerate(row)] for i, row in enumerate(rows)]
    outcome = tried("a.csv", as_csv(head, holes))
    assert (outcome.blank, outcome.chosen) == ("missing", False)
    assert outcome.other is not None and outcome.other.possible == outcome.headline.possible + outcome.cells


def test_a_blank_that_changes_nothing_is_said_to_change_nothing(school):
    head, rows = grid(without_gaps(school))
    assert tried("a.csv", as_csv([*head, "21/07/2027 AM"], [[*r, ""] for r in rows])).cells == 0


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n \n", "empty"),
        ("a.csv", b"UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date\nA,b,c,d,e,f,g\n", "pupils"),
        ("a.csv", b"UPN,Date,Period,Code\nH801200001001,2026-01-05,P1,/\n", "not AM or PM, column Session"),
        ("a.csv", b"Name,Date,Mark\nAnn,05/01/2026,I\nBen,05/01/2026,I\n", "Session"),
        ("a.csv", b"UPN,Date,Session,Code\n,2026-01-05,AM,/\n,2026-01-06,AM,/\n", "missing value, column UPN"),
        ("a.csv", b"UPN,Date,Session,Code\nH801200001001,2026-01-03,AM,/\nH801200001001,2026-01-04,AM,/\n", "no mark of a school day"),
        ("a.csv", b"\0\0\0\0", "NUL"),
        ("a.csv", b"UPN,Date,Session,Code" + b"x" * 2_000_000, "longer than 1 MB"),
        ("a.csv", b"," * 3_000 + b"\n", "more than 2,000 columns"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xls"),
        ("a.xlsx", b"PK\x03\x04 and nothing else", "XLSX"),
        ("a.xml", b'<!DOCTYPE x [<!ENTITY e "eeee">]><SuperStarReport><Record><UPN>&e;</UPN></Record></SuperStarReport>', "document type"),
        ("a.xml", b"<SuperStarReport><Record><UPN>1</UPN>", "XML"),
        ("a.xml", b"<Timetable><Lesson><Room>1</Room></Lesson></Timetable>", "not known"),
        ("a.json", b'{"rooms": [{"id": 1}]}', "not known"),
        ("a.json", b'[{"attendance_mark": "/"', "JSON"),
    ],
)  # fmt: skip
def test_what_is_no_register_is_refused_with_a_reason(name, data, why):
    with pytest.raises(UnreadableFile, match=why):
        tried(name, data)


@pytest.mark.parametrize("name", ["sims-xml", "assembly-json", "wonde-json"])
def test_the_head_of_a_large_file_tells_its_format(name, school, monkeypatch):
    """Of a file of many megabytes only the beginning is looked at to understand it; what comes out is the same."""
    from attendance_pipeline.trial import elements

    file_name, write = FORMATS[name]
    data = write(school)
    whole = read_export(file_name, data, MADE)
    monkeypatch.setattr(elements, "_HEAD", 20_000)
    assert len(elements.head_of(data)) < 20_100 < len(data)
    by_head = read_export(file_name, data, MADE)
    assert (by_head.form, by_head.people, by_head.codes) == (whole.form, whole.people, whole.codes)
    assert (by_head.code == whole.code).all()


@pytest.mark.parametrize("ends", ["</SuperStarReport>", ""])  # whole, and cut off after a record
def test_a_report_with_names_and_a_broken_record_is_read_as_a_home_reads_it(ends):
    upns = ("N838370000001", "C838370000002")
    record = (
        "<Record><UPN>{}</UPN><Legal_x0020_Surname>{}</Legal_x0020_Surname><Reg>7A</Reg><Date>{}T00:00:00+01:00</Date>"
    )
    record += "<Session>{}</Session><Mark>/</Mark></Record>\n"
    rows = [
        record.format(upn, surname, f"2025-09-{day:02}", "AM")
        for upn, surname in zip(upns, ("Ash", "Bell"), strict=True)
        for day in range(8, 13)
    ]
    broken = rows[3].replace("</UPN>", "")
    report = "<SuperStarReport>\n" + "".join([*rows[:3], broken, *rows[4:]]) + ends
    export = read_export("marks.xml", report.encode(), MADE)
    assert len(export.code) == 9
    assert {(p.upn, p.surname, p.class_name) for p in export.people} == {
        ("N838370000001", "Ash", "7A"),
        ("C838370000002", "Bell", "7A"),
    }
    assert sum(s.rows for s in export.set_aside) == (1 if ends else 2)


# ---------------------------------------------------------------- who the pupils are


@pytest.mark.parametrize(
    ("year", "counted", "note"),
    [
        ("5", 12, ""),
        ("Year  11", 12, ""),
        ("12", 0, ""),
        ("N2", 0, ""),
        ("R", 10, "Reception"),  # nobody of the year group before 31 December; some later still
        ("", 12, ""),
    ],
)
def test_compulsory_school_age_by_the_year_group(year, counted, note, school):
    days = school.days[-30:]
    rows = [
        ("Ann Ash", year, f"{d:%d/%m/%Y}", s, "O" if i < 6 else {"AM": "/", "PM": "\\"}[s])
        for i, d in enumerate(days)
        for s in ("AM", "PM")
    ]
    outcome = tried("a.csv", as_csv(("Name", "Year", "Date", "Session", "Mark"), rows))
    assert sum(n.counted for n in outcome.notices) == counted
    assert [note in "".join(n.notes) for n in outcome.notices] == [True] * len(outcome.notices)


def test_a_date_of_birth_decides_where_there_is_one(school):
    rows = [
        ("Ann Ash", "2021-02-01", f"{d:%d/%m/%Y}", s, "O")  # five in February: of age from 31 March
        for d in school.days[-8:]
        for s in ("AM", "PM")
    ]
    assert tried("a.csv", as_csv(("Name", "DOB", "Date", "Session", "Mark"), rows)).notices == ()


def test_a_leaver_by_date_is_on_no_list(school):
    rows = [
        (p.upn, "2026-01-09" if p is school.pupils[0] else "", d, s, "O" if p is school.pupils[0] else c)
        for p, d, s, c in school.rows
        if p is not school.pupils[0] or d <= dt.date(2026, 1, 9)
    ]
    outcome = tried("a.csv", as_csv(("UPN", "Leaving Date", "Date", "Session", "Mark"), rows))
    gone = next(i for i, p in enumerate(outcome.people) if p.upn == school.pupils[0].upn)
    assert outcome.left[gone] == dt.date(2026, 1, 9)
    assert gone not in {
        *(n.pupil for n in outcome.notices),
        *(a.pupil for a in outcome.absent),
        *(s.pupil for s in outcome.stages),
    }


def test_a_name_that_changes_its_class_is_two_pupils_and_said(school):
    rows = [
        ("Ann Ash", "5A" if d < dt.date(2026, 1, 1) else "5B", f"{d:%d/%m/%Y}", s, "/" if s == "AM" else "\\")
        for d in school.days
        for s in ("AM", "PM")
    ]
    outcome = tried("a.csv", as_csv(("Name", "Class", "Date", "Session", "Mark"), rows))
    assert len(outcome.people) == 2 and any("taken for two pupils" in a for a in outcome.assumed)


def test_two_years_in_one_file_are_one_window(school):
    """Sessions of July count with those of September: the window of school weeks runs over the summer."""
    days = [d for d in CALENDAR.days.tolist() if dt.date(2026, 6, 29) <= d <= dt.date(2026, 9, 25)]
    away = {*[d for d in days if d.month == 7][-3:], *[d for d in days if d.month == 9][:2]}
    rows = [
        ("Ann Ash", f"{d:%d/%m/%Y}", s, "G" if d in away else {"AM": "/", "PM": "\\"}[s])
        for d in days
        for s in ("AM", "PM")
    ]
    outcome = tried("a.csv", as_csv(("Name", "Date", "Session", "Mark"), rows))
    assert [(n.status, n.counted) for n in outcome.notices] == [("met", 10)]
    assert [t.year for t in outcome.calendar.terms] == ["2025/26", "2026/27"]
    assert outcome.headline.possible == 2 * sum(d.month == 9 for d in days)  # the year to date is the new year's


def test_another_sheet_is_not_read_and_said(school):
    from io import BytesIO

    from openpyxl import load_workbook

    book = load_workbook(BytesIO(as_xlsx([grid(school)[0], *grid(school)[1]])))
    book.create_sheet("Notes").append(["nothing"])
    out = BytesIO()
    book.save(out)
    assert any("2 sheets" in n for n in read_export("a.xlsx", out.getvalue(), MADE).notes)
