"""The governor report of a half-term: one page, as PDF and as HTML.

Belongs here: putting figures, words, chart and page together. The parts: `governor_figures.py` counts,
`governor_effect.py` compares, `governor_hidden.py` decides what is not shown, `governor_tables.py` and
`governor_words.py` write. The page: `letter_templates/layout/governor.typ`, `templates/governor.html.j2`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from attendance_pipeline.reports.benchmarks import Comparison, load_benchmarks
from attendance_pipeline.reports.charts import TrendWeek, render_page, trend_chart
from attendance_pipeline.reports.figures import long_date, number, percent, rounded, short_date, tenths
from attendance_pipeline.reports.governor_effect import effect_of_interventions
from attendance_pipeline.reports.governor_figures import GovernorFigures, GovernorInputs, governor_figures
from attendance_pipeline.reports.governor_hidden import Hidden, hide
from attendance_pipeline.reports.governor_tables import (
    CASES_HEADER,
    COMPARISON_HEADER,
    GROUP_HEADER,
    LADDER_HEADER,
    action_words,
    case_rows,
    comparison_rows,
    group_rows,
    ladder_rows,
    rate,
    reason_bars,
)
from attendance_pipeline.reports.governor_words import effect_words, narrative, notes
from attendance_pipeline.reports.printed import as_pdf
from attendance_pipeline.reports.suppression import HIDDEN, shown

PDF_FILE = "governor-report.pdf"
HTML_FILE = "governor-report.html"

__all__ = ["HTML_FILE", "PDF_FILE", "GovernorInputs", "governor_page", "governor_report"]


def governor_report(given: GovernorInputs, published: Comparison | None = None) -> dict[str, bytes]:
    """The report's files by name. `published`: what it is compared with; by default the bundled figures."""
    page = governor_page(given, published)
    html = render_page("governor.html.j2", page)
    return {
        PDF_FILE: as_pdf(page, title=page["title"], day=given.day, layout_file="governor.typ"),
        HTML_FILE: html.encode(),
    }


def governor_page(given: GovernorInputs, published: Comparison | None = None) -> dict[str, Any]:
    """Everything the page prints, as strings: hidden figures are not in it."""
    if published is None:
        published = load_benchmarks().compare(given.day, given.phase, given.local_authority)
    figures, effect = governor_figures(given), effect_of_interventions(given)
    hidden = hide(figures, effect, given.inputs.policy.setting.suppression)
    first = given.inputs.calendar.date(given.half_term.first)
    policy = given.inputs.policy
    return {
        "school": given.school_name,
        "title": "Attendance report to governors",
        "subtitle": f"{given.half_term.name} · {long_date(first)} to {long_date(given.day)}",
        "key_figures": _key_figures(figures, hidden, published),
        "narrative": narrative(figures, hidden, published),
        "trend": _trend(given, figures, hidden, published),
        "comparison": _table(COMPARISON_HEADER, comparison_rows(figures, hidden, published)),
        "comparison_to": _comparison_to(published),
        "groups": _table(GROUP_HEADER, group_rows(figures, hidden)),
        "reasons": [asdict(bar) for bar in reason_bars(figures, hidden)],
        "ladder": _table(LADDER_HEADER, ladder_rows(figures, hidden)),
        "cases": _table(CASES_HEADER, case_rows(figures, hidden)),
        "cases_note": "Provisional: met only if sessions not yet explained count.",
        "actions": f"In the half-term: {action_words(figures, hidden)}",
        "effect": effect_words(effect, hidden),
        "notes": notes(figures, hidden, published, as_at=given.as_at, day_words=long_date(given.day)),
        "footer": f"{given.school_name} · policy {policy.name} {policy.version} · marks up to {given.as_at}",
    }


def _table(header: tuple[str, ...], rows: list[Any]) -> dict[str, Any]:
    return {"header": list(header), "rows": [asdict(row) for row in rows]}


def _key_figures(figures: GovernorFigures, hidden: Hidden, published: Comparison) -> list[dict[str, str]]:
    school, late = figures.school, figures.late[0]
    possible = school.half_term.possible
    sessions = [s.sessions for s in (late.before_close, late.after_close)]
    parts = [percent(tenths(n, possible)) for n in sessions]
    national = published.national
    england, before = "", ""
    if national is not None and national.attendance is not None:
        england = f"England, 5–15: {percent(rounded(national.attendance))}"
    if figures.before is not None and not hidden.school:
        before = f"before: {percent(rate(figures.before))}"
    few_late = hidden.school or hidden.half_term.late

    def figure(label: str, value: str, note: str = "") -> dict[str, str]:
        return {"label": label, "value": value, "note": note}

    def of_pupils(count: int, few: bool) -> tuple[str, str]:
        if few:
            return HIDDEN, ""
        return percent(tenths(count, school.pupils)), f"{number(count)} of {number(school.pupils)} pupils"

    return [
        figure("Attendance, half-term", shown(percent(rate(school.half_term)), hidden.school), before),
        figure("Attendance, year", shown(percent(rate(school.year)), hidden.school), england),
        figure("Persistently absent", *of_pupils(school.persistent, hidden.persistent)),
        figure("Severely absent", *of_pupils(school.severe, hidden.severe)),
        figure(
            "Late, half-term",
            shown(percent(tenths(sum(sessions), possible)), few_late),
            "" if few_late or hidden.half_term.late_parts else f"{parts[1]} after closing",
        ),
    ]


def _comparison_to(published: Comparison) -> str:
    if not published.areas:
        return ""
    day = published.areas[0].data_to
    of = "Pupils aged 5 to 15, year to date"
    return f"{of}, to {long_date(day)}" if published.this_year else f"{of}; same week last year, to {long_date(day)}"


def _trend(given: GovernorInputs, figures: GovernorFigures, hidden: Hidden, published: Comparison) -> dict[str, Any]:
    calendar = given.inputs.calendar
    halves = [h for h in calendar.half_terms if given.year_start <= h.first <= given.last]

    def half_term_of(day: int) -> str:
        return next(h.name for h in reversed(halves) if h.first <= day)

    weeks = [
        TrendWeek(
            w.first,
            half_term_of(calendar.on_or_after(w.first)).replace(", half-term", ""),
            None if hidden.school else rate(w.week),
            None if hidden.school else rate(w.year),
        )
        for w in figures.weeks
    ]
    name = "Attendance by school week and year to date, with England at the same point of the year"
    rates = [w.week for w in weeks if w.week is not None]
    seen = f"By week it ran from {percent(min(rates))} to {percent(max(rates))}" if rates else "Not shown"
    alt = f"{name}. {seen}{f'; the year to date is {percent(weeks[-1].year)}' if rates else ''}."
    return {
        "svg": trend_chart(
            weeks,
            [("national", "England" if published.this_year else "Last year, England", published.series)],
            name=name,
            desc=alt,
        ),
        "alt": alt,
        "caption": "Attendance by school week",
        "rows": [[short_date(w.first), percent(w.week), percent(w.year)] for w in weeks] if rates else [],
    }
