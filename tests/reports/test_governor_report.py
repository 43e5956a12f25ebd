"""The governor report as a whole: one page, the same bytes, no small figure on it, and sentences that are true."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pypdfium2
import pytest
import report_world
from browser import open_browser

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.ladder import OPENED
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.governor import HTML_FILE, PDF_FILE, governor_page, governor_report
from attendance_pipeline.reports.governor_effect import Difference, Effect, effect_of_interventions
from attendance_pipeline.reports.governor_figures import GovernorInputs, governor_figures
from attendance_pipeline.reports.governor_hidden import hide
from attendance_pipeline.reports.governor_words import above_or_below, effect_words

DAY = dt.date(2026, 2, 13)
VOID = {"meta", "link", "br", "img", "hr", "input"}


def given(n_pupils: int = 420, day: dt.date = DAY, seed: int = 1) -> GovernorInputs:
    school = report_world.school(n_pupils, last=day, seed=seed)
    last = school.calendar.on_or_before(day)
    return GovernorInputs.from_derived(
        derive_school(school, 0, last),
        next(h for h in school.calendar.half_terms if h.first <= last <= h.last),
        school_name="St Mary & St John's <Primary>",
        phase="Primary",
        local_authority="E08000035",
        as_at="13 February 2026",
    )


REPORT = given()
PAGE = governor_page(REPORT)
FILES = governor_report(REPORT)


HALF_TERM, YEAR = "Year groups and cohorts, this half-term", "Year groups and cohorts, the year to date"
LADDER, CASES = "The ladder of interventions, this half-term", "Penalty notices"


def rows(page: dict[str, Any], heading: str, number: int = 0) -> dict[str, tuple[str, ...]]:
    """A table of the detail by the names of its rows."""
    section = next(s for s in page["sections"] if s["heading"] == heading)
    return {row["cells"][0]: row["cells"][1:] for row in section["tables"][number]["rows"]}


def pages(files: dict[str, bytes]) -> list[str]:
    document = pypdfium2.PdfDocument(files[PDF_FILE])
    return [re.sub(r"\s+", " ", page.get_textpage().get_text_bounded()) for page in document]


@pytest.mark.parametrize(
    ("pupils", "day", "at_most"),
    [(420, DAY, 3), (1500, dt.date(2026, 7, 20), 4), (12, DAY, 3), (4, DAY, 3), (90, dt.date(2025, 9, 2), 3)],
)
def test_one_page_to_read_first_then_the_detail(pupils: int, day: dt.date, at_most: int) -> None:
    report = given(pupils, day)
    files = governor_report(report)
    assert list(files) == [PDF_FILE, HTML_FILE]
    text = pages(files)
    assert 2 <= len(text) <= at_most
    assert all(words in text[0] for words in governor_page(report)["narrative"])
    assert HALF_TERM not in text[0] and HALF_TERM in text[1]
    assert "How these figures are made" in text[-1]


def test_the_file_is_tagged() -> None:
    with pikepdf.open(io.BytesIO(FILES[PDF_FILE])) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang).startswith("en")
        assert pdf.docinfo.Title == "Attendance report to governors"


def test_the_same_inputs_give_the_same_bytes() -> None:
    assert governor_report(given()) == FILES


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href", "action") and v]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_for_the_browser_is_whole_and_fetches_nothing() -> None:
    html = FILES[HTML_FILE].decode()
    page = _Balanced()
    page.feed(html)
    assert page.open == [] and page.fetched == []
    assert "url(" not in html and "<script" not in html
    assert "St Mary &amp; St John&#39;s &lt;Primary&gt;" in html
    for words in PAGE["narrative"]:
        assert words.replace("'", "&#39;") in html


def test_on_a_phone_the_reasons_are_seen_with_their_figures(tmp_path: Path) -> None:
    (tmp_path / HTML_FILE).write_bytes(governor_report(given(420))[HTML_FILE])
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.goto((tmp_path / HTML_FILE).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        room = page.locator(".chart", has_text="Illness").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert room[0] <= room[1]


def test_the_chart_is_a_drawing_with_its_meaning_in_words() -> None:
    drawing = ET.fromstring(PAGE["trend"]["svg"])
    names = [e.text for e in drawing.iter() if e.tag.endswith("}title") or e.tag.endswith("}desc")]
    assert len(names) == 2 and all(names)
    weeks = [e for e in drawing.iter() if "A" in (e.get("d") or "")]  # dots: paths with arcs
    assert len(weeks) == len(rows(PAGE, "Attendance week by week")) + 1  # and the end of the line of the year to date


def test_pdf_and_page_say_the_same() -> None:
    flat, html = " ".join(pages(FILES)), FILES[HTML_FILE].decode()
    paragraphs = [words for section in PAGE["sections"] for words in (*section["paragraphs"], *section["small"])]
    for words in (*PAGE["narrative"], *paragraphs, *PAGE["notes"]):
        assert words in flat and words.replace("'", "&#39;") in html
    tables = [PAGE["comparison"], *(table for section in PAGE["sections"] for table in section["tables"])]
    for row in (row["cells"] for table in tables for row in table["rows"]):
        assert " ".join(cell for cell in row if cell) in flat
        assert all(f">{cell}<" in html for cell in row)


def test_no_pupil_is_named() -> None:
    html = FILES[HTML_FILE].decode()
    assert not any(upn in html for upn in REPORT.inputs.pupils.upn)


# ---------------------------------------------------------------- what is hidden


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


@pytest.mark.parametrize(("pupils", "seed"), list(itertools.product((8, 16, 30, 45, 70, 110, 200), range(6))))
def test_no_small_number_of_pupils_is_shown_nor_to_be_had_by_subtraction(pupils: int, seed: int) -> None:
    report = given(pupils, seed=seed)
    page = governor_page(report)
    figures = governor_figures(report)
    half, year = rows(page, HALF_TERM), rows(page, YEAR)
    for names, least in (
        (["All pupils", *(g.name for g in figures.years)], 5),
        ([g.name for g in figures.cohorts], 10),
    ):
        for name in names:
            pupils_shown, counts = half[name][0], (year[name][1], year[name][3])
            for shown in (pupils_shown, *counts):
                assert shown in ("c", "0") or number(shown) >= least
            for shown, share in ((year[name][1], year[name][2]), (year[name][3], year[name][4])):
                assert (shown == "c") == (share == "c")
                if "c" not in (pupils_shown, shown) and shown != "0":
                    assert number(pupils_shown) - number(shown) >= least  # those who are not
    for table, column, true in (
        (half, 0, [g.pupils for g in figures.years]),
        (year, 1, [g.persistent for g in figures.years]),
        (year, 3, [g.severe for g in figures.years]),
    ):
        if table["All pupils"][column] == "c":
            continue
        hidden = [n for n, g in zip(true, figures.years, strict=True) if table[g.name][column] == "c"]
        assert not sum(hidden) or (len(hidden) >= 2 and sum(hidden) >= 5)
    for heading, tables in ((LADDER, 2), (CASES, 2)):
        for k in range(tables):
            for row in rows(page, heading, k).values():
                assert all(cell in ("c", "0") or number(cell) >= 5 for cell in row)


def _tiny(persistent: dict[str, int], size: int = 20, born: dict[str, dt.date] | None = None) -> GovernorInputs:
    """Years of so many pupils, of whom so many are always away one day in five."""
    cal = report_world.calendar()
    rows, absent = [], []
    for year, away in persistent.items():
        age = (born or {}).get(year, dt.date(2019, 1, 1))
        rows += [{"year_group": year, "born": age} for _ in range(size)]
        absent += [i < away for i in range(size)]
    marks = np.full((len(rows), len(cal), 2), CODES.number("/"), dtype=np.uint8)
    marks[np.array(absent)[:, None] & (cal.weekday == 0)[None, :]] = CODES.number("O")
    inputs = SchoolInputs(
        "x", cal, report_world.policy(), PupilTable.from_rows(cal, rows), marks, LogTable.from_entries(len(rows), [])
    )
    return report_world.governor_inputs(inputs, DAY)


@pytest.mark.parametrize(
    ("persistent", "shown"),
    [
        ({"1": 5, "2": 6, "3": 7, "4": 8}, ["26", "5", "6", "7", "8"]),
        ({"1": 4, "2": 6, "3": 7, "4": 8}, ["25", "c", "c", "7", "8"]),
        ({"1": 0, "2": 6, "3": 7, "4": 8}, ["21", "0", "6", "7", "8"]),
        ({"1": 16, "2": 6, "3": 7, "4": 8}, ["37", "c", "c", "7", "8"]),  # four who are not
        ({"1": 1, "2": 1, "3": 1, "4": 1}, ["c", "c", "c", "c", "c"]),
    ],
)
def test_persistent_absence_by_year(persistent: dict[str, int], shown: list[str]) -> None:
    page = governor_page(_tiny(persistent))
    table = rows(page, YEAR)
    assert [row[1] for row in table.values()] == shown
    assert page["key_figures"][3]["value"] == ("c" if shown[0] == "c" else table["All pupils"][2])


def test_the_rate_of_pupils_aged_5_to_15_does_not_give_away_the_younger_ones() -> None:
    young = {"R": dt.date(2021, 1, 1)}
    few = governor_page(_tiny({"R": 3, "1": 6, "2": 7, "3": 8}, born=young))
    assert few["comparison"]["rows"][0]["cells"][3] == "c"
    enough = governor_page(_tiny({"R": 5, "1": 2, "2": 7, "3": 8, "4": 9}, born=young))
    assert enough["comparison"]["rows"][0]["cells"][3] == "32.5%"  # 26 of 80
    # Hidden two by two among those of whom the sum is known: Reception is not one of them.
    assert [row[1] for row in rows(enough, YEAR).values()] == ["31", "5", "c", "c", "8", "9"]


def test_reasons_with_few_pupils_behind_them_and_lates() -> None:
    report = given(70)
    figures = governor_figures(report)
    page = governor_page(report)
    table = rows(page, "Absence by reason")
    for reason in figures.reasons:
        if 0 < reason.half_term.pupils < 5:
            assert table[reason.name][0] == "c" and f"{reason.name} c" in page["reasons"]["alt"]
        if 0 < reason.year.pupils < 5:
            assert table[reason.name][1] == "c"
    hidden = hide(figures, effect_of_interventions(report), report.inputs.policy.setting.suppression)
    late = page["key_figures"][5]
    if hidden.half_term.parts[4]:
        assert "after closing" not in late["note"]


# ---------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    ("difference", "words"),
    [("0.4", "0.4 points above"), ("-1.0", "1.0 point below"), ("0.0", "the same as"), ("-0.1", "0.1 points below")],
)
def test_differences_in_words(difference: str, words: str) -> None:
    assert above_or_below(Decimal(difference)) == words


def test_the_narrative_is_true_of_the_figures() -> None:
    said = " ".join(PAGE["narrative"])
    figures = governor_figures(REPORT)
    now, before = (100 * a.attended / a.possible for a in (figures.school.half_term, figures.before))  # type: ignore[union-attr]  # the second half-term of a term has one before
    assert f"Attendance this half-term was {now:.1f}%" in said and f"({before:.1f}%)" in said
    rates = {g.name: round(100 * g.half_term.attended / g.half_term.possible, 1) for g in figures.years}
    low, high = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    assert f"from {rates[low]:.1f}% ({low}" in said and f"to {rates[high]:.1f}% ({high}" in said
    assert "illness" in said
    assert "to 6 February 2026" in said
    for word in ("because", "thanks", "improve", "caused", "significant", "led to", "result"):
        assert word not in said.lower()


def test_last_years_figures_are_said_to_be_last_years() -> None:
    from attendance_pipeline.reports.benchmarks import load_benchmarks

    last_year = load_benchmarks().compare(dt.date(2027, 2, 12), "Primary", "E08000035")
    page = governor_page(REPORT, last_year)
    assert page["comparison"]["rows"] == ()  # its own year does not reach that week: nothing is like it
    later = replace(REPORT, same_point=None)
    figures = governor_figures(later.at_the_point_of(dt.date(2026, 2, 6)))
    page = governor_page(REPORT, replace(last_year, own_to=dt.date(2026, 2, 6)), figures)
    assert "in the same week last year (to 6 February 2026)" in " ".join(page["narrative"])
    assert "published: same week last year, to 6 February 2026" in page["comparison_to"]
    assert "England, last year" in page["trend"]["svg"]


def test_without_published_figures_nothing_is_compared() -> None:
    from attendance_pipeline.reports.benchmarks import load_benchmarks

    page = governor_page(REPORT, load_benchmarks().compare(dt.date(2031, 2, 12), "Primary", "E08000035"))
    assert page["comparison"]["rows"] == ()
    assert "England" not in " ".join(page["narrative"])


def test_a_hidden_figure_makes_no_sentence() -> None:
    said = " ".join(governor_page(given(4))["narrative"])
    assert "Attendance" not in said and "%" not in said


NOTHING_HIDDEN = hide(
    governor_figures(REPORT), Effect(0, 0, 0, 0, 0, 0, None), REPORT.inputs.policy.setting.suppression
)


def test_too_few_episodes_are_not_evidence_of_effect() -> None:
    words = effect_words(Effect(30, 12, 5, 8, 5, 49, None), NOTHING_HIDDEN)
    assert len(words) == 2
    assert words[0] == (
        "30 episodes opened this academic year: 12 recovered, 8 open at the stage they began at, 5 open at a later "
        "stage, 5 ended otherwise (left, or closed by a person)."
    )
    assert "not evidence of effect" in words[1]
    assert "%" not in " ".join(words)


@pytest.mark.parametrize(("low", "none"), [(-0.2, True), (0.1, False)])
def test_enough_episodes_have_a_difference_with_its_interval(low: float, none: bool) -> None:
    found = Difference(before=80.0, change=3.14, change_of_similar=2.0, difference=1.14, low=low, high=2.5)
    words = effect_words(Effect(80, 40, 0, 40, 0, 62, found), NOTHING_HIDDEN)[1]
    assert "62 episodes: +3.1 points" in words and "Difference +1.1 points" in words and "to +2.5" in words
    assert ("which includes none" in words) is none
    assert "not a proof" in words


def test_few_episodes_are_counted_and_few_of_a_kind_hidden() -> None:
    base = given(70)
    last = base.last
    events = [
        {"pupil": p, "day": last - 3, "event": OPENED, "from_stage": 0, "to_stage": 1, "episode": 1} for p in range(3)
    ]
    report = report_world.governor_inputs(base.inputs, DAY, events=events, stage=np.eye(1, 70, dtype=np.uint8)[0])
    page = governor_page(report)
    effect = next(s for s in page["sections"] if s["heading"].startswith("Effect"))
    assert effect["paragraphs"][0] == "Episodes opened this academic year: c."
    # Not "Episodes": how many there were stands below, and most may have nobody to be compared with.
    assert effect["tables"][0]["header"][1] == "Episodes compared"
    assert rows(page, LADDER)["All"] == ("c", "0", "0", "0", "0", "c")
    assert set(rows(page, LADDER, 1).values()) == {("c",)}  # who is in no other tier is in the third


def test_policy_sets_how_small_is_too_small() -> None:
    report = given(420)
    inputs = report.inputs
    setting = inputs.policy.setting
    smaller = setting.model_copy(update={"suppression": setting.suppression.model_copy(update={"minimum_group": 100})})
    policy = type(inputs.policy)(smaller, "other")
    page = governor_page(replace(report, inputs=replace(inputs, policy=policy)))
    assert {rows(page, HALF_TERM)[g.name][0] for g in governor_figures(report).years} == {"c"}
