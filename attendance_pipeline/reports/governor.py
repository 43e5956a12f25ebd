"""The governor report of a half-term: one page to read in two minutes, then the detail; as PDF and as HTML.

Belongs here: putting figures, words, charts and pages together. The parts: `governor_figures.py` counts,
`governor_effect.py` compares, `governor_hidden.py` decides what is not shown, `governor_tables.py`,
`governor_charts.py` and `governor_words.py` write. The page: `letter_templates/layout/governor.typ`,
`templates/governor.html.j2`. The report of a trust is made of the same parts (`trust.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from attendance_pipeline.reports import governor_charts as charts
from attendance_pipeline.reports import governor_tables as tables
from attendance_pipeline.reports.benchmarks import Benchmarks, Comparison, load_benchmarks
from attendance_pipeline.reports.charts import render_page
from attendance_pipeline.reports.figures import long_date, number, percent, tenths
from attendance_pipeline.reports.governor_effect import Effect, effect_of_interventions
from attendance_pipeline.reports.governor_figures import GovernorFigures, GovernorInputs, governor_figures
from attendance_pipeline.reports.governor_hidden import Hidden, hide
from attendance_pipeline.reports.governor_tables import Table, rate
from attendance_pipeline.reports.governor_words import effect_words, narrative, notes
from attendance_pipeline.reports.printed import as_pdf
from attendance_pipeline.reports.suppression import HIDDEN, shown

PDF_FILE = "governor-report.pdf"
HTML_FILE = "governor-report.html"

__all__ = ["HTML_FILE", "PDF_FILE", "GovernorInputs", "governor_files", "governor_page", "governor_report"]


@dataclass(frozen=True)
class Subject:
    """Whose report it is, and how its pages call it."""

    name: str
    title: str
    subtitle: str
    own: str
    as_at: str
    day: dt.date
    footer: str
    half_term_of: Callable[[dt.date], str]
    evening: dt.date | None = None


@dataclass(frozen=True)
class Section:
    """A part of the detail: its heading, how to read it, then what there is of tables, a chart, paragraphs."""

    heading: str
    intro: str = ""
    tables: tuple[Table, ...] = ()
    chart: charts.Chart | None = None
    paragraphs: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    beside: bool = False  # half a page wide: it stands beside the section before it

    def as_data(self) -> dict[str, Any]:
        return {
            "heading": self.heading,
            "intro": self.intro,
            "tables": [asdict(t) for t in self.tables if t.rows],
            "chart": None if self.chart is None else asdict(self.chart),
            "paragraphs": list(self.paragraphs),
            "small": list(self.small),
            "beside": self.beside,
        }


def governor_report(
    given: GovernorInputs, published: Comparison | None = None, figures: GovernorFigures | None = None
) -> dict[str, bytes]:
    """The report's files by name. `published`: what it is compared with; by default the bundled figures."""
    return governor_files(governor_page(given, published, figures), given.day)


def governor_files(page: dict[str, Any], day: dt.date) -> dict[str, bytes]:
    """A page's data as files by name."""
    return {
        PDF_FILE: as_pdf(page, title=page["title"], day=day, layout_file="governor.typ"),
        HTML_FILE: render_page("governor.html.j2", page).encode(),
    }


def comparison_for(given: GovernorInputs, benchmarks: Benchmarks | None = None) -> Comparison:
    """What a school is compared with on the report's day."""
    return (benchmarks or load_benchmarks()).compare(given.day, given.phase, given.local_authority)


def governor_page(
    given: GovernorInputs, published: Comparison | None = None, figures: GovernorFigures | None = None
) -> dict[str, Any]:
    """Everything the pages print, as strings: hidden figures are not in it."""
    published = comparison_for(given) if published is None else published
    if figures is None:
        figures = governor_figures(given.at_the_point_of(published.own_to))
    effect = effect_of_interventions(given)
    hidden = hide(figures, effect, given.inputs.policy.setting.suppression)
    first, policy = given.inputs.calendar.date(given.half_term.first), given.inputs.policy
    subject = Subject(
        name=given.school_name,
        title="Attendance report to governors",
        subtitle=f"{given.half_term.name} · {long_date(first)} to {long_date(given.day)}",
        own=tables.OWN,
        as_at=given.as_at,
        day=given.day,
        footer=f"{given.school_name} · policy {policy.name} {policy.version} · marks up to {given.as_at}",
        half_term_of=given.half_term_of,
        evening=given.evening,
    )
    return page_of(subject, figures, effect, hidden, published)


def page_of(
    subject: Subject,
    figures: GovernorFigures,
    effect: Effect,
    hidden: Hidden,
    published: Comparison,
    *,
    said: tuple[str, ...] = (),
    more: tuple[Section, ...] = (),
) -> dict[str, Any]:
    """The data of both layouts. `said`: sentences besides the narrative's; `more`: sections before the detail."""
    whole = subject.own.replace("This", "the")
    stood = "" if subject.evening is None else f" · as it stood on the evening of {long_date(subject.evening)}"
    trend, reasons = charts.trend(figures, hidden, published, subject.half_term_of), charts.reasons(figures, hidden)
    return {
        "school": subject.name,
        "title": subject.title,
        "subtitle": subject.subtitle + stood,
        "key_figures": _key_figures(figures, hidden, published),
        "narrative": [*narrative(figures, hidden, effect, published, whole), *said],
        "trend": None if trend is None else asdict(trend),
        "reasons": None if reasons is None else asdict(reasons),
        "comparison": asdict(tables.comparison_table(figures, hidden, published, subject.own)),
        "comparison_to": _comparison_to(published),
        "sections": [s.as_data() for s in (*more, *_sections(figures, effect, hidden, published))],
        "notes": [
            *([] if subject.evening is None else [_made_afterwards(subject.evening)]),
            *notes(figures, hidden, published, as_at=subject.as_at, day_words=long_date(subject.day), whole=whole),
        ],
        "footer": subject.footer + stood,
    }


def _made_afterwards(evening: dt.date) -> str:
    return (
        f"Made afterwards, from what had been recorded by the evening of {long_date(evening)} and nothing else: marks, "
        "pupils and entries of the log that came later are not in it. Published figures, policy and calendar are those "
        "of today. The report that governors were given is another file."
    )


def _sections(figures: GovernorFigures, effect: Effect, hidden: Hidden, published: Comparison) -> tuple[Section, ...]:
    compared = tables.effect_table(effect, hidden)
    return (
        Section(
            "Year groups and cohorts, this half-term",
            "Percentages of possible sessions. Late: before and after the register closed.",
            (tables.half_term_table(figures, hidden),),
        ),
        Section(
            "Year groups and cohorts, the year to date",
            f"Persistently absent: missed {_of(figures.persistent_from)} or more of their own sessions in the year to "
            f"date; severely absent: {_of(figures.severe_from)} or more. Pupils, and percent of the group.",
            (tables.year_table(figures, hidden),),
            charts.persistent(figures, hidden),
        ),
        Section("Absence by reason", "", (tables.reason_table(figures, hidden),)),
        Section("Punctuality", "", (tables.late_table(figures, hidden),), beside=True),
        Section(
            "The ladder of interventions, this half-term",
            "Episodes by stage: opened, moved up or down to it, recovered from it or ended there otherwise (left, or "
            "closed by a person), and pupils who stand there now.",
            (tables.ladder_table(figures, hidden), tables.tier_table(figures, hidden)),
        ),
        Section(
            "Effect of interventions, the year to date",
            "",
            (compared,) if effect.episodes else (),
            charts.effect(effect),
            tuple(effect_words(effect, hidden)),
            ("Change, similar pupils and difference: percentage points.",) if effect.difference is not None else (),
        ),
        Section(
            "Penalty notices",
            "Pupils by threshold on the last day; a person decides what follows.",
            (tables.case_table(figures, hidden), tables.action_table(figures, hidden)),
            small=("Provisional: met only if sessions not yet explained count. Near: within three sessions.",),
        ),
        Section(
            "Attendance week by week",
            "Pupils aged 5 to 15, as the published figures beside them." if tables.comparable(figures, hidden) else "",
            (tables.week_table(figures, hidden, published),),
            small=() if published.this_year else ("Published figures are of the same weeks last year.",),
        ),
    )


def _of(thousandths: int) -> str:
    return f"{thousandths / 1000:g}%"


def _key_figures(figures: GovernorFigures, hidden: Hidden, published: Comparison) -> list[dict[str, str]]:
    school, late = figures.school, figures.late[0]
    possible = school.half_term.possible
    sessions = [s.sessions for s in (late.before_close, late.after_close)]
    parts = [percent(tenths(n, possible)) for n in sessions]
    before = ""
    if figures.before is not None and not hidden.school:
        before = f"half-term before: {percent(rate(figures.before))}"
    few_late = hidden.school or hidden.half_term.late
    absent = school.half_term.possible - school.half_term.attended
    few_absent = hidden.school or hidden.half_term.totals
    unauthorised = percent(tenths(school.half_term.unauthorised, possible))

    def figure(label: str, value: str, note: str = "") -> dict[str, str]:
        return {"label": label, "value": value, "note": note}

    def of_pupils(count: int, few: bool) -> tuple[str, str]:
        if few or hidden.school:
            return HIDDEN, ""
        return percent(tenths(count, school.pupils)), f"{number(count)} of {number(school.pupils)} pupils"

    return [
        figure("Attendance, half-term", shown(percent(rate(school.half_term)), hidden.school), before),
        figure("Attendance, year to date", shown(percent(rate(school.year)), hidden.school)),
        figure(
            "Absence, half-term",
            shown(percent(tenths(absent, possible)), hidden.school),
            "" if few_absent else f"{unauthorised} unauthorised",
        ),
        figure("Persistently absent", *of_pupils(school.persistent, hidden.persistent)),
        figure("Severely absent", *of_pupils(school.severe, hidden.severe)),
        figure(
            "Late, half-term",
            shown(percent(tenths(sum(sessions), possible)), few_late),
            "" if few_late or hidden.half_term.late_parts else f"{parts[1]} after closing",
        ),
    ]


def _comparison_to(published: Comparison) -> str:
    if not published.areas or published.own_to is None:
        return ""
    until, how = f"Pupils aged 5 to 15, year to date, to {long_date(published.own_to)}", "Difference in points."
    if published.this_year:
        return f"{until}, all of them. {how} Published: DfE, OGL v3.0."
    there = long_date(published.areas[0].data_to)
    return f"{until}; published: same week last year, to {there}. {how} DfE, OGL v3.0."
