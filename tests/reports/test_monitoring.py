"""The monitoring of an invented school: its figures are those of the exported tables, and the leadership's page cannot
be made to say what it hides."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import numpy as np
import openpyxl
import pypdfium2
import pytest
from monitoring_world import monitored
from report_world import school

from attendance_pipeline.derive.groups import GROUP_KINDS
from attendance_pipeline.derive.tables import groups_on, measures_on
from attendance_pipeline.derive.tried import Entry
from attendance_pipeline.law.policy import MEASURES
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.monitoring_figures import COHORT, Monitoring
from attendance_pipeline.reports.monitoring_page import lead_page, leadership_page
from attendance_pipeline.reports.monitoring_sheets import lead_workbook

YEAR_TO_DATE, _, ROLLING = range(len(MEASURES))


@cache
def usual() -> Monitoring:
    rng = np.random.default_rng(4)
    actions, barriers = ("phone_call", "meeting_held", "home_visit"), ("Transport", "Sleep", "")
    entries = [
        Entry(int(p), dt.date(2025, 10, 6), actions[int(p) % 3], barrier=barriers[int(p) % 3])
        for p in rng.choice(420, 60, replace=False)
    ]
    return monitored(school(420), entries)


@cache
def with_a_small_class() -> Monitoring:
    """Three children are a class of their own, and a year of their own."""
    inputs = school(420)
    names, years = inputs.pupils.class_name.copy(), inputs.pupils.year_group.copy()
    names[:3], years[:3] = "7 Tiny", "7"
    return monitored(replace(inputs, pupils=replace(inputs.pupils, class_name=names, year_group=years)))


class _Tables(HTMLParser):
    """Tables of a page by the heading before them: rows of words."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.words: list[str] = []
        self.heading, self.inside, self.ids = "", "", []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [v for k, v in attrs if k == "id" and v]
        if tag == "h2":
            self.heading, self.inside = "", "h2"
        elif tag == "table":
            name = self.heading
            while name in self.tables:
                name += " again"
            self.tables[name] = self.rows = []
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self.inside = "cell"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h2", "th", "td"):
            self.inside = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.inside == "h2":
            self.heading += data.strip()
        elif self.inside == "cell":
            self.rows[-1][-1] += data.strip()


def tables(page: bytes) -> dict[str, list[list[str]]]:
    return _Tables(page).tables


# ---------------------------------------------------------------- right


def test_groups_are_those_of_the_exported_table() -> None:
    found = usual()
    columns = groups_on(found.given.derived, found.given.day)
    of_export = {
        (GROUP_KINDS[k], str(g), int(m)): (int(n), int(a), int(p), int(pa))
        for k, g, m, n, a, p, pa in zip(
            columns["kind"], columns["group"], columns["measure"], columns["pupils"], columns["attended"],
            columns["possible"], columns["persistent"], strict=True,
        )
    }  # fmt: skip
    assert len(found.groups) == 1 + 7 + 7 + 4
    for g in found.groups:
        name = "oakfield" if g.kind == "school" else g.name
        year, rolling = of_export[g.kind, name, YEAR_TO_DATE], of_export[g.kind, name, ROLLING]
        assert (g.pupils, g.year.attended, g.year.possible, g.persistent) == year
        assert (g.pupils, g.rolling.attended, g.rolling.possible) == rolling[:3]


def test_late_sessions_and_absences_add_up_to_the_measures() -> None:
    found = usual()
    rows = measures_on(found.given.derived, found.given.day)
    of_year = rows["measure"] == YEAR_TO_DATE
    late = int((rows["late_before_close"] + rows["late_after_close"])[of_year].sum())
    absent = int((rows["authorised"].astype(int) + rows["unauthorised"])[of_year].sum())
    patterns = found.school.patterns
    assert (
        sum(part for part, _ in patterns.late_by_weekday)
        == late
        == sum(r.patterns.lates.sessions for r in found.pupils)
    )
    assert (
        sum(part for part, _ in patterns.by_weekday) == absent == sum(r.patterns.spells.sessions for r in found.pupils)
    )


def test_the_workbook_holds_every_pupil_with_an_absence_and_no_formula() -> None:
    found = usual()
    book = openpyxl.load_workbook(io.BytesIO(lead_workbook(found)))
    listed = {r[0] for r in book["Patterns"].iter_rows(min_row=2, values_only=True)}
    assert listed == {r.name for r in found.pupils if r.year.attended < r.year.possible}
    read_first = [r[0] for r in book["Read first"].iter_rows(min_row=2, values_only=True)]
    assert read_first == book.sheetnames[1:]
    assert all(c.data_type != "f" for s in book for line in s.iter_rows() for c in line)


def test_the_same_week_gives_the_same_bytes() -> None:
    found = usual()
    assert lead_workbook(found) == lead_workbook(found)
    assert (lead_page(found), leadership_page(found)) == (lead_page(found), leadership_page(found))


def test_a_page_is_sound() -> None:
    for page in (lead_page(usual())["monitoring.html"], leadership_page(usual())["monitoring.html"]):
        seen = _Tables(page)
        assert len(seen.ids) == len(set(seen.ids))
        assert all(len({len(row) for row in rows}) == 1 for rows in seen.tables.values())
        assert not re.search(r"(src|href)=\"(?!#|data:)", page.decode())  # nothing is fetched


# ---------------------------------------------------------------- hidden


def test_the_leadership_is_told_of_nobody() -> None:
    pages = leadership_page(usual())
    document = pypdfium2.PdfDocument(pages["monitoring.pdf"])
    text = pages["monitoring.html"].decode() + " ".join(p.get_textpage().get_text_range() for p in document)
    assert "Pupil No" not in text
    assert "Pupil No" in lead_page(usual())["monitoring.html"].decode()


def test_where_a_class_is_small_no_class_is_shown_and_a_year_takes_another_with_it() -> None:
    seen = tables(leadership_page(with_a_small_class())["monitoring.html"])
    assert "Classes" not in seen
    hidden = [row[0] for row in seen["Years"] if row[1] == "c"]
    assert "Year 7" in hidden and len(hidden) >= 2
    assert all(cell == "c" for row in seen["Years"] if row[0] in hidden for cell in row[1:])
    lead = tables(lead_page(with_a_small_class())["monitoring.html"])
    assert [row[1] for row in lead["Classes"] if row[0] == "7 Tiny"] == ["3"]


def test_the_names_of_hidden_groups_stand_in_no_sentence() -> None:
    words = " ".join(_Tables(leadership_page(with_a_small_class())["monitoring.html"]).words)
    assert words.count("7 Tiny") == 1  # the register of the class: whether it was taken says nothing of a child


@pytest.mark.parametrize("users", [1, 2, 4])
def test_a_code_that_few_pupils_have_cannot_be_had_by_subtraction(users: int) -> None:
    """The page shows how many marks there are of every code, and so their sum: two codes are hidden, or none."""
    inputs = school(420)
    marks = inputs.marks.copy()
    marks[10 : 10 + users, 5, 0] = CODES.numbers_of(["J1"])[0]
    seen = tables(leadership_page(monitored(replace(inputs, marks=marks)))["monitoring.html"])["Codes"]
    hidden = [row[0] for row in seen if row[1] == "c"]
    assert any(h.startswith("J1") for h in hidden) and len(hidden) >= 2
    assert not any(h.startswith(("/", "\\", "I ", "O ")) for h in hidden)


def test_lates_are_hidden_with_the_one_late_code_that_few_pupils_have() -> None:
    """All lates less those of L would be those of U."""
    inputs = school(420)
    marks = inputs.marks.copy()
    late = CODES.numbers_of(["U"])[0]
    marks[marks == late] = CODES.numbers_of(["O"])[0]
    marks[10:13, 5, 0] = late
    page = leadership_page(monitored(replace(inputs, marks=marks)))["monitoring.html"]
    codes = {row[0].split()[0]: row[1] for row in tables(page)["Codes"][1:]}
    assert codes["U"] == "c" != codes["L"]
    assert re.search(r"<dt>Late</dt><dd class=\"value\">c</dd>", page.decode())


def test_a_hidden_code_cannot_be_had_from_the_authorised_absence_beside_published_figures() -> None:
    """Where illness is the only authorised code and is hidden, all authorised absence is illness."""
    inputs = school(420)
    marks = inputs.marks.copy()
    for row in CODES.rows:
        if row.code_class == "authorised":
            marks[marks == CODES.numbers_of([row.code])[0]] = CODES.numbers_of(["I"])[0]
    late = CODES.numbers_of(["L"])[0]
    told = tables(leadership_page(monitored(replace(inputs, marks=marks)))["monitoring.html"])
    assert "c" not in told["Beside published figures"][1][1:4]
    marks[marks == late] = CODES.numbers_of(["/"])[0]
    marks[10:13, 5, 0] = late
    seen = tables(leadership_page(monitored(replace(inputs, marks=marks)))["monitoring.html"])
    codes = {row[0].split()[0]: row[1] for row in seen["Codes"][1:]}
    assert codes["I"] == codes["L"] == "c"
    attendance, authorised, unauthorised = seen["Beside published figures"][1][1:4]
    assert attendance != "c"
    assert authorised == unauthorised == "c"  # the one is what the other and the attendance leave


@pytest.mark.parametrize(
    ("ages", "words"),
    [
        ([], "No session is N now."),
        ([0], "1 session is N now."),
        ([0, 1], "2 sessions are N now."),
        ([0, 30], "2 sessions are N now; 1 of them is older than 5 school days and must have another code"),
        ([29, 30], "2 sessions are N now; 2 of them are older than 5 school days and must have another code"),
    ],
)
def test_n_left_to_age_is_told_in_words_that_fit_the_number(ages: list[int], words: str) -> None:
    inputs = school(420)
    marks = inputs.marks.copy()
    unknown, other = (CODES.numbers_of([code])[0] for code in "NO")
    marks[marks == unknown] = other
    for age in ages:
        marks[10, usual().given.day - age, 0] = unknown
    page = lead_page(monitored(replace(inputs, marks=marks)))["monitoring.html"].decode()
    assert words in page


def test_cohorts_are_hidden_at_their_own_size() -> None:
    found = usual()
    sizes = {g.name: g.pupils for g in found.of_kind(COHORT)}
    assert 0 < sizes["Looked After"] < 10 <= sizes["SEN"]
    seen = tables(leadership_page(found)["monitoring.html"])["Cohorts"]
    assert {row[0]: row[1] == "c" for row in seen[2:]} == {
        "Special needs (SEN)": False,
        "Free school meals": False,
        "EAL": False,
        "Looked after": True,
    }


def test_what_was_tried_with_few_pupils_is_hidden() -> None:
    few = [Entry(p, dt.date(2025, 10, 6), "home_visit", barrier="Sleep") for p in range(3)]
    many = [Entry(p, dt.date(2025, 10, 6), "phone_call", barrier="Transport") for p in range(10, 30)]
    page = leadership_page(monitored(school(420), few + many))["monitoring.html"]
    seen = tables(page)
    rows = {row[0]: row[1:] for name in ("Barriers and interventions", "Barriers and interventions again")
            for row in seen[name]}  # fmt: skip
    assert rows["Home visit"] == ["c"] * 5
    assert "Sleep" not in page.decode()  # what stands in the way of three children, in a teacher's words
    assert rows["Phone call"][0] == rows["Transport"][0] == "20"
    counted = Counter(cell for row in rows.values() for cell in row)
    assert counted["3"] == 0
