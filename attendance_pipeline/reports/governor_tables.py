"""The figures of a governor report as printed: rows of strings, hidden ones as `c`.

Belongs here: which cells a table has. Not here: what is hidden (`governor_hidden.py`), counting, sentences, the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from attendance_pipeline.reports.benchmarks import Comparison
from attendance_pipeline.reports.figures import NOTHING, number, percent, rounded, tenths
from attendance_pipeline.reports.governor_figures import Attendance, GovernorFigures, Group
from attendance_pipeline.reports.governor_hidden import Hidden
from attendance_pipeline.reports.suppression import HIDDEN, shown, too_small


@dataclass(frozen=True)
class Row:
    """One row of a table: its cells, and whether it stands out as a total."""

    cells: tuple[str, ...]
    total: bool = False
    begins_block: bool = False


@dataclass(frozen=True)
class Bar:
    """A reason and its share of possible sessions; `length` from 0 to 1 of the longest, 0 when hidden."""

    name: str
    half_term: str
    year: str
    length: float
    total: bool


def rate(attendance: Attendance) -> Decimal | None:
    return tenths(attendance.attended, attendance.possible)


GROUP_HEADER = ("", "Pupils", "Half-term", "Year", "Persistent", "")


def group_rows(figures: GovernorFigures, hidden: Hidden) -> list[Row]:
    """The school, its years, its cohorts."""
    rows = [Row(_group_cells(figures.school, hidden.school, hidden.persistent), total=True)]
    for groups, whole, persistent in (
        (figures.years, hidden.years, hidden.years_persistent),
        (figures.cohorts, hidden.cohorts, hidden.cohorts_persistent),
    ):
        for i, group in enumerate(groups):
            rows.append(Row(_group_cells(group, whole[i], persistent[i]), begins_block=i == 0))
    return rows


def _group_cells(group: Group, hidden: bool, persistent_hidden: bool) -> tuple[str, ...]:
    few = hidden or persistent_hidden
    return (
        group.name,
        shown(number(group.pupils), hidden),
        shown(percent(rate(group.half_term)), hidden),
        shown(percent(rate(group.year)), hidden),
        shown(number(group.persistent), few),
        shown(percent(tenths(group.persistent, group.pupils)), few),
    )


def reason_bars(figures: GovernorFigures, hidden: Hidden) -> list[Bar]:
    """Authorised and unauthorised absence, each with its reasons."""
    half_term, year = figures.school.half_term.possible, figures.school.year.possible
    longest = max((r.half_term.sessions for r in figures.reasons), default=0)
    bars = []
    for authorised, name in ((True, "Authorised absence"), (False, "Unauthorised absence")):
        where = [i for i, r in enumerate(figures.reasons) if r.authorised is authorised]
        sums = [sum(figures.reasons[i].of(of_year).sessions for i in where) for of_year in (False, True)]
        bars.append(
            Bar(
                name,
                shown(percent(tenths(sums[0], half_term)), hidden.school or hidden.half_term.totals),
                shown(percent(tenths(sums[1], year)), hidden.school or hidden.year.totals),
                0.0,
                True,
            )
        )
        for i in where:
            reason = figures.reasons[i]
            recent = hidden.school or hidden.half_term.parts[i]
            bars.append(
                Bar(
                    reason.name,
                    shown(percent(tenths(reason.half_term.sessions, half_term)), recent),
                    shown(percent(tenths(reason.year.sessions, year)), hidden.school or hidden.year.parts[i]),
                    0.0 if recent or not longest else round(reason.half_term.sessions / longest, 4),
                    False,
                )
            )
    return bars


LADDER_HEADER = ("Stage", "Opened", "Moved up", "Recovered", "Pupils now")


def ladder_rows(figures: GovernorFigures, hidden: Hidden) -> list[Row]:
    """The stages, and their totals."""
    columns = [
        ([r.opened for r in figures.ladder], hidden.opened),
        ([r.moved_up for r in figures.ladder], hidden.moved_up),
        ([r.recovered for r in figures.ladder], hidden.recovered),
        ([r.now for r in figures.ladder], hidden.now),
    ]
    rows = [
        Row((str(rung.stage), *(shown(number(counts[i]), few.parts[i]) for counts, few in columns)))
        for i, rung in enumerate(figures.ladder)
    ]
    totals = (shown(number(sum(counts)), few.total) for counts, few in columns)
    return [*rows, Row(("All", *totals), total=True)]


CASES_HEADER = ("Rule", "Met", "Provisional", "Near")


def case_rows(figures: GovernorFigures, hidden: Hidden) -> list[Row]:
    """Pupils by rule: threshold met, met only if N counts, near."""
    return [
        Row(
            (
                f"{_rule_words(c.rule)}",
                *_few(hidden, c.met, c.provisional, c.near),
            )
        )
        for c in figures.cases
    ]


def action_words(figures: GovernorFigures, hidden: Hidden) -> str:
    """What persons did in the half-term, as one line."""
    return " · ".join(f"{words} {shown}" for (words, n) in figures.actions for shown in _few(hidden, n))


def _few(hidden: Hidden, *counts: int) -> tuple[str, ...]:
    return tuple(shown(number(n), too_small(n, hidden.least)) for n in counts)


def _rule_words(rule: str) -> str:
    words = rule.replace("-", " ")
    return words[:1].upper() + words[1:]


COMPARISON_HEADER = ("", "Attendance", "Persistent")


def comparison_rows(figures: GovernorFigures, hidden: Hidden, published: Comparison) -> list[Row]:
    """This school, then England, the region and the local authority; no rows when nothing is published."""
    aged = figures.aged_5_to_15
    if aged is None or not published.areas:
        return []
    own = Row(
        (
            "This school",
            shown(percent(rate(aged.year)), hidden.aged_5_to_15),
            shown(percent(tenths(aged.persistent, aged.pupils)), hidden.aged_5_to_15_persistent),
        ),
        total=True,
    )
    return [own] + [
        Row((p.area, _published(p.attendance), NOTHING if p.persistent is None else _published(p.persistent)))
        for p in published.areas
    ]


def _published(value: Decimal | None) -> str:
    return HIDDEN if value is None else percent(rounded(value))
