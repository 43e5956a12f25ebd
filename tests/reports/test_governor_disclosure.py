"""An attempt to recover every hidden count of whole reports, as printed, over random schools and trusts of them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import disclosure
import numpy as np
import pypdfium2
import pytest
import report_world

from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.reports.charts import render_page
from attendance_pipeline.reports.governor import HTML_FILE, PDF_FILE, governor_files, governor_page
from attendance_pipeline.reports.governor_figures import GovernorInputs
from attendance_pipeline.reports.trust import trust_page

SAME_DAY = dt.date(2026, 2, 6)  # a day to which figures were published: the comparison is of the report's own day


def given(pupils: int, seed: int, day: dt.date = SAME_DAY, name: str = "Oakfield") -> GovernorInputs:
    school = report_world.school(pupils, last=day, seed=seed)
    school = replace(school, school_id=name.lower())
    last = school.calendar.on_or_before(day)
    return GovernorInputs.from_derived(
        derive_school(school, 0, last),
        next(h for h in school.calendar.half_terms if h.first <= last <= h.last),
        school_name=name,
        phase="Primary",
        local_authority="E08000035",
        as_at="6 February 2026",
    )


def html_of(page: dict[str, Any]) -> str:
    return render_page("governor.html.j2", page)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("pupils", [4, 9, 14, 22, 30, 45, 70, 110, 200, 420])
def test_no_hidden_count_of_a_school_can_be_worked_out(pupils: int, seed: int) -> None:
    one = given(pupils, seed)
    attack = disclosure.Attack()
    attack.read(html_of(governor_page(one)))
    assert attack.hidden or pupils == 420, "a school this small has something to hide"
    assert attack.found_out() == {}


@pytest.mark.parametrize("seed", range(6))
def test_no_hidden_count_of_a_school_can_be_worked_out_from_the_trusts_report(seed: int) -> None:
    """Whoever has the reports of all the schools and of the trust subtracts."""
    sizes = np.random.default_rng(seed).choice([3, 8, 20, 45, 90, 150, 300], size=3).tolist()
    schools = [given(n, 100 * seed + i, name=f"School {'ABC'[i]}") for i, n in enumerate(sizes)]
    attack = disclosure.Attack()
    for one in schools:
        attack.read(html_of(governor_page(one)), f"{one.school_name}: ")
    page = html_of(trust_page("Trust", schools))
    # A school that shows nothing of itself is left out, and that is said.
    counted = [s for s in schools if f"{s.school_name}: pupils All pupils" not in attack.hidden] or schools
    attack.read(page, "Trust: ")
    summed = [name.removeprefix("Trust: ") for name in list(attack.names) if name.startswith("Trust: ")]
    for name in summed:
        if not name.startswith("episodes "):
            attack.sums(f"Trust: {name}", [n for s in counted if (n := f"{s.school_name}: {name}") in attack.names])
    assert attack.found_out("School ") == {}  # what is known of the trust alone is a sum of what schools show


def test_the_attack_finds_what_a_careless_report_gives_away() -> None:
    """One hidden cell beside a total: the attack must see it, or its silence would say nothing."""
    one = given(200, 1)
    html = html_of(governor_page(one))
    head = html.index("Year groups and cohorts, the year to date")
    row = re.compile(r'(<th scope="row">Year 3</th><td>[\d.]+%</td>)<td>[\dc]+</td><td>[\d.c%]+</td>')
    shown = disclosure.read(html).tables["Year groups and cohorts, the year to date"][0]
    assert [r[2] for r in shown[1:9]].count("c") != 1
    careless = html[:head] + row.sub(r"\1<td>c</td><td>c</td>", html[head:], count=1)
    attack = disclosure.Attack()
    attack.read(careless)
    others = [r[2] for r in shown[2:9] if r[0] != "Year 3"]
    if "c" not in others and shown[1][2] != "c":
        assert "persistent Year 3" in attack.found_out()
    single = disclosure.Attack()
    for name, cell in (("total", "30"), ("a", "12"), ("b", "c"), ("d", "14")):
        single.count(name, cell)
    single.sums("total", ["a", "b", "d"])
    assert single.found_out() == {"b": (4, 4)}


@pytest.mark.parametrize("pupils", [22, 70, 200])
def test_the_pdf_says_no_number_that_the_page_does_not_say(pupils: int) -> None:
    one = given(pupils, 3)
    files = governor_files(governor_page(one), one.day)
    document = pypdfium2.PdfDocument(files[PDF_FILE])
    text = " ".join(page.get_textpage().get_text_bounded() for page in document)
    text = re.sub(r"Page \d+ of \d+", "", text)
    page = re.sub(r"<style>.*?</style>|<desc>.*?</desc>", "", files[HTML_FILE].decode(), flags=re.S)
    numbers = re.compile(r"[\d,]*\d(?:\.\d+)?%?")
    assert set(numbers.findall(text)) <= set(numbers.findall(re.sub(r"<[^>]*>", " ", page)))


@pytest.mark.parametrize("seed", range(3))
def test_hidden_shares_are_hidden_in_every_place(seed: int) -> None:
    """A share that the table hides stands in no chart and in no sentence."""
    one = given(70, seed)
    page = governor_page(one)
    reasons = next(s for s in page["sections"] if s["heading"] == "Absence by reason")["tables"][0]["rows"]
    hidden = [row["cells"][0] for row in reasons if row["cells"][1] == "c"]
    for name in hidden:
        assert page["reasons"] is None or f"{name} c" in page["reasons"]["alt"]
        assert not any(name.lower() in line.lower() for line in page["narrative"])
