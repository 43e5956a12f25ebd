"""Pages for the data manager: they open from a drive without a network, say what is to be done, and name no pupil."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from openpyxl import load_workbook
from register_days import PM, RegisterDays

from attendance_pipeline.mis import ctf, date_columns, kept_by_people, schemas, sims_xml, weeks, wonde
from attendance_pipeline.quality.data_docs import data_docs
from attendance_pipeline.quality.expectations import CHECKS
from attendance_pipeline.quality.plausibility import Answer, frames, validation_results
from attendance_pipeline.register import not_on_roll
from attendance_pipeline.register.complete import LEFT_OUT
from attendance_pipeline.register.log_versions import LITTLE_LEFT
from attendance_pipeline.reports.data_quality import MOST_ROWS, QualityReport, by_rule, has_own_words, quality_files

HOSTILE = "<img src=x onerror=alert(1)>"
LOADING = {"script", "link", "img", "iframe", "object", "embed", "audio", "video", "source", "form", "base"}
LOADING_ATTRIBUTES = {"src", "srcset", "action", "background", "poster", "data-href", "onclick", "onload", "onerror"}


class Page(HTMLParser):
    """A page as a browser would take it: its words, its elements, and where its links lead."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self._inside: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {str(value) for name, value in attrs if name == "href"}
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self._inside and data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="module")
def school() -> RegisterDays:
    """One class took no register on an afternoon, and another bears a name that is no name."""
    made = RegisterDays({"5A": 25, "5B": 25, HOSTILE: 25, "6B": 25}).on_roll(twice=2)
    return made.mark("", 25, of="5A", sessions=PM).mark("", 25, of=HOSTILE, sessions=PM, day=29)


def docs(of: RegisterDays) -> dict[str, bytes]:
    return data_docs(validation_results(of.asked()), site="Oakfield Primary School", about="School days up to today")


@pytest.fixture(scope="module")
def pages(school: RegisterDays) -> dict[str, Page]:
    return {name: Page(data) for name, data in docs(school).items()}


def report(school: RegisterDays, answer: Answer, set_aside: list[dict[str, object]] | None = None) -> QualityReport:
    told = [(school.date(f.day), f) for f in answer.findings]
    return QualityReport(
        school="Oakfield Primary School",
        year="2025/26",
        day=school.date(school.day),
        days=31,
        figures=sum(answer.made.values()),
        setting=school.setting,
        holding=[pair for pair in told if pair[1].waits and pair[1].day == school.day],
        warnings=[pair for pair in told if not pair[1].waits and not pair[1].confirmed],
        earlier=[pair for pair in told if pair[1].waits and pair[1].day < school.day],
        confirmed=[pair for pair in told if pair[1].confirmed],
        set_aside=set_aside or [],
    )


# ---------------------------------------------------------------- Great Expectations' own pages


def test_there_is_an_index_and_of_each_suite_what_was_found_and_what_is_expected(pages: dict[str, Page]) -> None:
    suites = ("school-days", "classes-and-days", "the-roll-as-it-is")
    assert set(pages) == {"index.html", *(f"{kind}-{s}.html" for kind in ("found", "expected") for s in suites)}
    assert pages["index.html"].links >= set(pages) - {"index.html"}


def test_the_words_are_those_of_great_expectations_and_of_the_table_of_checks(pages: dict[str, Page]) -> None:
    found = pages["found-classes-and-days.html"].text
    assert "Evaluated Expectations 4 Successful Expectations 3 Unsuccessful Expectations 1" in found
    assert "At most 50% of the class are without an afternoon mark." in found
    assert "5A on 13/10/2025" in found
    every = " ".join(page.text for page in pages.values())
    for check in CHECKS:
        assert check.figure in every, check.name


def test_no_page_loads_or_runs_anything_and_every_link_leads_to_a_page_beside_it(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert page.elements & LOADING == set(), name
        assert page.attributes & LOADING_ATTRIBUTES == set(), name
        leads = {link for link in page.links if not link.startswith("#")}
        assert leads <= {*pages, "what-to-do.html"}, name


def test_a_class_is_no_markup_whatever_it_is_called(pages: dict[str, Page]) -> None:
    assert f"{HOSTILE} on 10/10/2025" in pages["found-classes-and-days.html"].text


def test_the_same_results_give_the_same_pages(school: RegisterDays) -> None:
    assert docs(school) == docs(school)


def test_great_expectations_is_given_counts_and_shares_and_the_names_of_classes_and_days(school: RegisterDays) -> None:
    for scope, frame in frames(school.asked()).items():
        given = frame.drop(columns=["day", "subject"])
        text = set(given.select_dtypes(exclude="number").columns)
        assert text == {"class and school day" if scope == "class" else "school day"}
        assert len(given) <= 31 * 4


def test_it_is_imported_late_asks_nothing_of_the_network_and_leaves_no_file(tmp_path: Path) -> None:
    """In a process of its own: the code location first, then a validation with every socket forbidden."""
    program = """
import json, os, socket, sys
def refuse(*_): raise AssertionError("asked for the network")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import attendance_pipeline.definitions
early = "great_expectations" in sys.modules
from register_days import RegisterDays
from attendance_pipeline.quality.data_docs import data_docs
from attendance_pipeline.quality.plausibility import validation_results
pages = data_docs(validation_results(RegisterDays({"5A": 25}).asked()), site="x", about="y")
print(json.dumps([early, len(pages), os.environ["GX_ANALYTICS_ENABLED"]]))
"""
    support = Path(__file__).parents[1] / "support"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": f"{support}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [False, 5, "false"]
    left = [path for path in tmp_path.rglob("*") if path.is_file() and "numba" not in path.as_posix()]
    assert left == []


# ---------------------------------------------------------------- what to do


@pytest.mark.parametrize(
    ("change", "words", "without"),
    [
        (lambda s: s, ["No letter waits for the data.", "there is nothing to do"], ["Worth a look"]),
        (
            lambda s: s.mark("", 25, of="5A", sessions=PM).mark("", 2, sessions=PM),
            ["Letters of the whole school that rest on the days below wait."],
            ["there is nothing to do"],
        ),
        (
            lambda s: s.mark("", 13, of="5A", sessions=PM),
            ["Letters of class 5A that rest on the days below wait. Everybody else's go.", "52% (13 pupils)"],
            ["Worth a look", "Earlier days"],
        ),
        (
            lambda s: s.mark("", 13, of="5A", sessions=PM, day=20),
            ["No letter waits for the data.", "Earlier days of the year that fell short", "Mon 29/09/2025"],
            ["there is nothing to do", "Letters wait for this"],
        ),
        (lambda s: s.on_roll(twice=2), ["No letter waits for the data.", "Worth a look"], ["Letters wait for this"]),
        (
            lambda s: s.mark("I", 20).confirm(),
            ["No letter waits for the data.", "Confirmed by the school"],
            ["Letters wait for this"],
        ),
        (
            lambda s: s.mark("I", 20),
            ["absence is at most 15 points", "Letters wait on this day and the 4 school days after it, unless confirmed."],
            ["Confirmed by the school"],
        ),
    ],
    ids=["all well", "the school waits", "a class waits", "an earlier day", "a warning", "confirmed", "not believable"],
)  # fmt: skip
def test_the_page_says_who_waits_for_what(change, words: list[str], without: list[str]) -> None:
    school = RegisterDays({"5A": 25, "5B": 25, "6A": 25, "6B": 25})
    change(school)
    page = Page(quality_files(report(school, school.answer()))["what-to-do.html"])
    assert [w for w in words if w not in page.text] == []
    assert [w for w in without if w in page.text] == []
    assert page.elements & LOADING == set()


def aside(rule: str, line: int = 2, extract: str = "register_2025-10-01.csv", origin: str = "row") -> dict[str, object]:
    return {"extract": extract, "line": line, "column": "Code", "rule": rule, "sha256": "0" * 64, "origin": origin}


def test_rows_set_aside_are_listed_with_what_they_mean_and_what_to_do(school: RegisterDays) -> None:
    rows = [aside("unknown code", 2), aside("unknown code", 7), aside("the file is empty", 1, "x.csv", "file")]
    files = quality_files(report(school, school.answer(), rows))
    book = load_workbook(io.BytesIO(files["quarantine.xlsx"]))
    assert book.sheetnames == ["By rule", "Rows"]
    by_rule_rows = list(book["By rule"].iter_rows(values_only=True))
    assert by_rule_rows[1][:3] == ("unknown code", 2, 1)
    assert "code_map" in str(by_rule_rows[1][4])
    assert by_rule_rows[2][3] == "The whole file could not be read; nothing of it was used."
    assert [r[:4] for r in book["Rows"].iter_rows(min_row=2, values_only=True)] == [
        ("register_2025-10-01.csv", 2, "Code", "unknown code"),
        ("register_2025-10-01.csv", 7, "Code", "unknown code"),
        ("x.csv", 1, "Code", "the file is empty"),
    ]
    lines = files["quarantine.csv"].decode("utf-8-sig").splitlines()
    assert lines[0] == "File,Line,Column,Rule,What it means,What to do"
    assert len(lines) == 4
    page = Page(files["what-to-do.html"])
    assert "3 in all" in page.text and {"quarantine.xlsx", "quarantine.csv"} <= page.links
    assert files == quality_files(report(school, school.answer(), rows))


def test_a_workbook_of_many_rows_says_where_the_rest_is(school: RegisterDays) -> None:
    rows = [aside("unknown code", line) for line in range(2, MOST_ROWS + 10)]
    files = quality_files(report(school, school.answer(), rows))
    last = list(load_workbook(io.BytesIO(files["quarantine.xlsx"]))["Rows"].iter_rows(values_only=True))[-1]
    assert last[4] == "8 more rows: quarantine.csv has them all"
    assert len(files["quarantine.csv"].splitlines()) == 1 + len(rows)
    assert by_rule(rows)[0]["count"] == len(rows)


def test_every_rule_of_a_row_has_its_own_words() -> None:
    rules = {rule for cell in schemas.CELLS.values() for rule, _ in cell} | {LEFT_OUT, "wrong number of cells"}
    rules |= {schemas.MISSING, schemas.WRONG_SESSION, schemas.NOBODY, schemas.ENDS_BEFORE, schemas.FAR_OFF}
    rules |= {"conflicting rows", weeks.NOT_A_DATE, weeks.NOT_A_MONDAY, weeks.TOO_LONG, date_columns.TWO_MARKS}
    rules |= {wonde.NO_CODE, wonde.TWO_CODES, wonde.NOT_PLAIN, sims_xml.TWICE, sims_xml.NESTED, sims_xml.OUTSIDE}
    rules |= {ctf.NO_START, ctf.WEEKEND, ctf.TOO_LONG, ctf.BROKEN, ctf.UNCERTAIN}
    rules |= {getattr(not_on_roll, n) for n in ("NO_STUDENT", "TWO_STUDENTS", "DOUBTFUL", "UNKNOWN", "NO_PUPILS")}
    rules |= {
        not_on_roll.BEFORE,
        not_on_roll.AFTER,
        kept_by_people.OTHER_SHEET,
        kept_by_people.ABOVE_HEADER,
        LITTLE_LEFT,
    }
    assert len(rules) > 35
    assert sorted(rule for rule in rules if not has_own_words(rule)) == []


def test_the_page_for_data_managers_has_every_check_and_every_limit() -> None:
    text = (Path(__file__).parents[2] / "docs" / "data-quality.md").read_text(encoding="utf-8")
    assert [c.name for c in CHECKS if f"`{c.limit}`" not in text or c.figure not in text] == []
    limits = [name for name, _ in RegisterDays({"5A": 5}).setting.limits]
    assert [name for name in limits if f"`{name}`" not in text] == []
