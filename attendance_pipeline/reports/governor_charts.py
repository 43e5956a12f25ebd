"""The charts of a governor report: figures that may be shown, handed to `charts.py`, each with its words for who cannot
see it.

Belongs here: which figures a chart has. Not here: how a chart looks (`charts.py`, `look.py`), what is hidden
(`governor_hidden.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from attendance_pipeline.reports import look
from attendance_pipeline.reports.benchmarks import Comparison
from attendance_pipeline.reports.charts import Bar, Interval, TrendWeek, bar_chart, interval_chart, trend_chart
from attendance_pipeline.reports.figures import percent, points, rounded, tenths
from attendance_pipeline.reports.governor_effect import Effect
from attendance_pipeline.reports.governor_figures import GovernorFigures
from attendance_pipeline.reports.governor_hidden import Hidden
from attendance_pipeline.reports.governor_tables import columns_of, comparable, rate, weeks_shown
from attendance_pipeline.reports.suppression import HIDDEN, shown


@dataclass(frozen=True)
class Chart:
    """A drawing, and what it says in words."""

    caption: str
    svg: str
    alt: str


def trend(
    figures: GovernorFigures, hidden: Hidden, published: Comparison, half_term_of: Callable[[dt.date], str]
) -> Chart | None:
    """Attendance by school week and year to date, beside what was published of the same point; None when hidden."""
    weeks, few = weeks_shown(figures, hidden)
    if few or not any(w.week.possible for w in weeks):
        return None
    like = comparable(figures, hidden)
    drawn = [TrendWeek(w.first, half_term_of(w.first), rate(w.week), rate(w.year)) for w in weeks]
    lines = published.lines if like else ()
    before = "" if published.this_year else ", last year"
    rates = [w.week for w in drawn if w.week is not None]
    of = "pupils aged 5 to 15" if like else "all pupils"
    name = f"Attendance of {of} by school week and year to date"
    said = [f"By week it ran from {percent(min(rates))} to {percent(max(rates))}"]
    said += [f"the year to date is {percent(drawn[-1].year)}"]
    said += [f"{area}{before} {percent(rounded(releases[-1][1]))}" for _, area, releases in lines]
    svg = trend_chart(
        drawn,
        [(style, f"{area}{before}", [(d, rounded(p)) for d, p in releases]) for style, area, releases in lines],
        name=name,
        desc=f"{'; '.join(said)}.",
        width=640,
        height=232,
    )
    return Chart(f"Attendance of {of} by school week", svg, f"{name}. {'; '.join(said)}.")


def reasons(figures: GovernorFigures, hidden: Hidden) -> Chart | None:
    """Absence of the half-term by reason, as shares of all possible sessions."""
    possible = figures.school.half_term.possible
    if hidden.school or not possible:
        return None
    bars = []
    for reason, few in zip(figures.reasons, hidden.half_term.parts, strict=True):
        share = tenths(reason.half_term.sessions, possible)
        style = look.BARS["light"] if reason.authorised else look.DEEP  # told apart in grey too
        bars.append(Bar(reason.name, None if few else share, shown(percent(share), few), style))
    name = "Absence in the half-term by reason, of all sessions"
    said = "; ".join(f"{b.name} {b.label}" for b in bars)
    svg = bar_chart(bars, name=name, desc=said, width=330, room_for_names=138, row=16)
    return Chart("Why pupils were absent, half-term", svg, f"{name}. {said}.")


def persistent(figures: GovernorFigures, hidden: Hidden) -> Chart | None:
    """Persistent absence by year group and cohort, beside the school's own."""
    if hidden.persistent or hidden.school:
        return None
    whole = tenths(figures.school.persistent, figures.school.pupils)
    bars = []
    for group, columns, i in columns_of(figures, hidden):
        few = columns.rows[i] or columns.persistent[i]
        share = tenths(group.persistent, group.pupils)
        bars.append(Bar(group.name, None if few else share, HIDDEN if few else percent(share)))
    if whole is None or all(b.value is None for b in bars):
        return None
    name = "Persistently absent pupils by year group and cohort, in percent of their group"
    said = "; ".join([f"All pupils {percent(whole)}", *(f"{b.name} {b.label}" for b in bars)])
    rule = (whole, f"All pupils {percent(whole)}")
    svg = bar_chart(bars, name=name, desc=said, width=640, rule=rule, row=15, room_for_names=150)
    return Chart("Persistently absent, by group", svg, f"{name}. {said}.")


def effect(found: Effect) -> Chart | None:
    """The differences with their intervals, of all stages and of each that has one."""
    rows = []
    for name, difference in (
        ("All stages", found.difference),
        *((f"Stage {c.stage}", c.difference) for c in found.stages),
    ):
        if difference is not None:
            value, low, high = (
                rounded(Decimal(repr(x))) for x in (difference.difference, difference.low, difference.high)
            )
            rows.append(Interval(name, value, low, high, f"{points(value)} ({points(low)} to {points(high)})"))
    if not rows:
        return None
    name = "Difference to similar pupils, in percentage points, with 95% intervals"
    said = "; ".join(f"{r.name} {r.label}" for r in rows)
    svg = interval_chart(rows, name=name, desc=said, width=640, room_for_names=80)
    return Chart("Difference to similar pupils, percentage points", svg, f"{name}. {said}.")
