"""The report of a trust: pooled figures, a league of movement, small schools protected, phases apart."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
import report_world

from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.reports.governor_figures import GovernorInputs, governor_figures, pooled
from attendance_pipeline.reports.trust import trust_page

DAY = dt.date(2026, 2, 13)


def school(name: str, pupils: int, seed: int, phase: str = "Primary", authority: str = "E08000035") -> GovernorInputs:
    inputs = replace(report_world.school(pupils, last=DAY, seed=seed), school_id=name.lower())
    last = inputs.calendar.on_or_before(DAY)
    return GovernorInputs.from_derived(
        derive_school(inputs, 0, last),
        next(h for h in inputs.calendar.half_terms if h.first <= last <= h.last),
        school_name=name,
        phase=phase,
        local_authority=authority,
        as_at="13 February 2026",
    )


ASH, BEECH, CEDAR = school("Ash", 200, 1), school("Beech", 140, 2), school("Cedar", 90, 3)


def section(page: dict[str, Any], heading: str) -> dict[str, Any]:
    return next(s for s in page["sections"] if s["heading"] == heading)


def league(page: dict[str, Any]) -> list[tuple[str, ...]]:
    return [row["cells"] for row in section(page, "Movement by school")["tables"][0]["rows"]]


def test_figures_are_pooled_from_sessions_never_from_rates() -> None:
    figures = [governor_figures(s) for s in (ASH, BEECH, CEDAR)]
    together = pooled(figures)
    assert together.school.pupils == sum(f.school.pupils for f in figures)
    assert together.school.year.attended == sum(f.school.year.attended for f in figures)
    assert [g.name for g in together.years] == ["Reception", *(f"Year {n}" for n in range(1, 7))]
    assert sum(g.persistent for g in together.years) == together.school.persistent
    assert together.weeks_of_all[-1].year.possible == together.school.year.possible
    assert sum(r.now for r in together.ladder) == together.tiers[2]
    assert pooled(figures[:1]).school.year == figures[0].school.year


def test_schools_stand_in_the_order_of_movement_and_no_level_is_told() -> None:
    page = trust_page("Oak Trust", [CEDAR, ASH, BEECH])
    rows = league(page)
    assert rows[0][0] == "This trust" and {name for name, _ in rows[1:]} == {"Ash", "Beech", "Cedar"}
    moved = [float(change.replace("–", "-")) for _, change in rows[1:]]
    assert moved == sorted(moved, reverse=True)
    assert "%" not in "".join(cell for row in rows for cell in row)
    for given in (ASH, BEECH, CEDAR):
        figures = governor_figures(given)
        assert figures.before is not None
        points = [round(100 * a.attended / a.possible, 1) for a in (figures.before, figures.school.half_term)]
        assert dict(rows[1:])[given.school_name].replace("–", "-") in (f"{points[1] - points[0]:+.1f}", "0.0")
    assert any("rose in" in words and "of 3 shown" in words for words in page["narrative"])


@pytest.mark.parametrize(("pupils", "hidden"), [(4, {"Dell", "Cedar"}), (40, set())])
def test_a_small_school_is_hidden_and_so_is_the_one_beside_it(pupils: int, hidden: set[str]) -> None:
    page = trust_page("Oak Trust", [ASH, BEECH, CEDAR, school("Dell", pupils, 4)])
    rows = league(page)
    said = "One school is not in the figures of the trust, too small to be shown."
    assert (said in page["narrative"]) is bool(hidden)
    assert {name for name, change in rows if change == "c"} == hidden


def test_a_trust_is_not_called_a_school() -> None:
    page = trust_page("Oak Trust", [CEDAR, ASH, BEECH])
    assert any("below the trust" in words for words in page["narrative"])
    assert not any("the school." in words for words in page["narrative"])
    assert any("The trust's own figure beside them" in words for words in page["notes"])


def test_in_the_first_half_term_there_is_nothing_to_move_from() -> None:
    early = [replace(s, half_term=s.inputs.calendar.half_terms[0], last=30, events=s.events[:0]) for s in (ASH, BEECH)]
    assert section(trust_page("Oak Trust", early), "Movement by school")["paragraphs"] == [
        "There is no half-term before in this academic year to move from."
    ]


def test_schools_of_one_phase_and_authority_are_compared_as_one_would_be() -> None:
    page = trust_page("Oak Trust", [ASH, BEECH])
    names = [row["cells"][0] for row in page["comparison"]["rows"]]
    assert names == ["This trust", "England, primary", "Yorkshire and The Humber", "Leeds", "England, all schools"]
    elsewhere = trust_page("Oak Trust", [ASH, school("Beech", 140, 2, authority="E09000002")])
    assert [row["cells"][0] for row in elsewhere["comparison"]["rows"]][1:] == [
        "England, primary",
        "England, all schools",
    ]


def test_schools_of_several_phases_are_compared_phase_by_phase() -> None:
    page = trust_page("Oak Trust", [ASH, BEECH, school("Elm Academy", 300, 5, phase="Secondary")])
    assert page["comparison"]["rows"] == ()
    rows = [row["cells"] for row in section(page, "How each phase compares")["tables"][0]["rows"]]
    assert [row[0] for row in rows] == [
        "This trust, primary (two schools)", "England, primary", "This trust, secondary (one school)", "England, secondary"
    ]  # fmt: skip
    assert rows[1][1] == "94.8%" and rows[3][1] != rows[1][1]
