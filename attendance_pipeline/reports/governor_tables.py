"""The figures of a governor report as printed: rows of strings, hidden ones as `c`.

Belongs here: which cells a table has. Not here: what is hidden (`governor_hidden.py`), counting, sentences, charts
(`governor_charts.py`), the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from attendance_pipeline.reports.benchmarks import ALL_PHASES, ENGLAND, Comparison, Published
from attendance_pipeline.reports.figures import (
    NOTHING,
    number,
    percent,
    points,
    rounded,
    short_date,
    tenths,
)
from attendance_pipeline.reports.governor_effect import Effect
from attendance_pipeline.reports.governor_figures import Attendance, GovernorFigures, Group, Lates, Week
from attendance_pipeline.reports.governor_hidden import Columns, Hidden, ReasonsHidden
from attendance_pipeline.reports.suppression import HIDDEN, shown, too_small

OWN = "This school"


@dataclass(frozen=True)
class Row:
    """One row of a table: its cells, and whether it stands out as a total."""

    cells: tuple[str, ...]
    total: bool = False
    begins_block: bool = False


@dataclass(frozen=True)
class Table:
    """Heads of the columns and rows; the first cell of a row is its name."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def rate(attendance: Attendance) -> Decimal | None:
    return tenths(attendance.attended, attendance.possible)


# ---------------------------------------------------------------- year groups and cohorts


def half_term_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """The half-term: the school, its years, its cohorts."""
    school = hidden.school
    whole = (school, school or hidden.half_term.totals, school or hidden.half_term.late)

    def cells(group: Group, row: bool, absence: bool, late: bool) -> tuple[str, ...]:
        of, few = group.half_term, row or absence
        return (
            group.name,
            shown(number(group.pupils), row),
            shown(percent(rate(of)), row),
            shown(percent(tenths(of.authorised, of.possible)), few),
            shown(percent(tenths(of.unauthorised, of.possible)), few),
            shown(percent(tenths(group.late.sessions, of.possible)), row or late),
        )

    rows = [Row(cells(figures.school, *whole), total=True)]
    for groups, few in ((figures.years, hidden.years), (figures.cohorts, hidden.cohorts)):
        for i, group in enumerate(groups):
            rows.append(Row(cells(group, few.rows[i], few.absence[i], few.late[i]), begins_block=i == 0))
    return Table(("", "Pupils", "Attendance", "Authorised", "Unauthorised", "Late"), tuple(rows))


def year_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """The year to date: the school, its years, its cohorts."""

    def cells(group: Group, row: bool, persistent: bool, severe: bool) -> tuple[str, ...]:
        out = [group.name, shown(percent(rate(group.year)), row)]
        for count, few in ((group.persistent, row or persistent), (group.severe, row or severe)):
            out += [shown(number(count), few), shown(percent(tenths(count, group.pupils)), few)]
        return tuple(out)

    rows = [Row(cells(figures.school, hidden.school, hidden.persistent, hidden.severe), total=True)]
    for groups, few in ((figures.years, hidden.years), (figures.cohorts, hidden.cohorts)):
        for i, group in enumerate(groups):
            rows.append(Row(cells(group, few.rows[i], few.persistent[i], few.severe[i]), begins_block=i == 0))
    return Table(("", "Attendance", "Persistent", "%", "Severe", "%"), tuple(rows))


def columns_of(figures: GovernorFigures, hidden: Hidden) -> list[tuple[Group, Columns, int]]:
    """Every year and cohort with what is hidden of it: (group, its set's columns, its place in them)."""
    return [
        (group, few, i)
        for groups, few in ((figures.years, hidden.years), (figures.cohorts, hidden.cohorts))
        for i, group in enumerate(groups)
    ]


# ---------------------------------------------------------------- reasons and lates


def reason_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """Authorised and unauthorised absence with their reasons, as shares of all possible sessions; then lates."""
    half_term, year = figures.school.half_term.possible, figures.school.year.possible
    rows = []
    for authorised, name in ((True, "Authorised absence"), (False, "Unauthorised absence")):
        where = [i for i, r in enumerate(figures.reasons) if r.authorised is authorised]
        sums = [sum(figures.reasons[i].of(of_year).sessions for i in where) for of_year in (False, True)]
        rows.append(
            Row(
                (
                    name,
                    shown(percent(tenths(sums[0], half_term)), hidden.school or hidden.half_term.totals),
                    shown(percent(tenths(sums[1], year)), hidden.school or hidden.year.totals),
                ),
                total=True,
                begins_block=not authorised,
            )
        )
        for i in where:
            reason = figures.reasons[i]
            rows.append(
                Row(
                    (
                        reason.name,
                        shown(
                            percent(tenths(reason.half_term.sessions, half_term)),
                            hidden.school or hidden.half_term.parts[i],
                        ),
                        shown(percent(tenths(reason.year.sessions, year)), hidden.school or hidden.year.parts[i]),
                    )
                )
            )
    return Table(("Share of all sessions", "Half-term", "Year"), tuple(rows))


def late_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """Punctuality: lates of the half-term and of the year."""

    def cells(late: Lates, possible: int, few: ReasonsHidden) -> tuple[str, str, str]:
        before, after = late.before_close.sessions, late.after_close.sessions
        whole = hidden.school or few.late
        return (
            shown(percent(tenths(before + after, possible)), whole),
            shown(percent(tenths(before, possible)), whole or few.late_parts),
            shown(percent(tenths(after, possible)), whole or few.late_parts),
        )

    half_term = cells(figures.late[0], figures.school.half_term.possible, hidden.half_term)
    year = cells(figures.late[1], figures.school.year.possible, hidden.year)
    names = ("Late", "Before the register closed (present)", "After it closed (absent)")
    rows = [Row((name, h, y), total=i == 0) for i, (name, h, y) in enumerate(zip(names, half_term, year, strict=True))]
    return Table(("Share of all sessions", "Half-term", "Year"), tuple(rows))


# ---------------------------------------------------------------- the ladder and its effect


def ladder_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """The stages, and their totals."""
    names = ("opened", "moved_up", "moved_down", "recovered", "ended", "now")
    columns = [([getattr(r, name) for r in figures.ladder], getattr(hidden, name)) for name in names]
    rows = [
        Row((f"Stage {rung.stage}", *(shown(number(counts[i]), few.parts[i]) for counts, few in columns)))
        for i, rung in enumerate(figures.ladder)
    ]
    totals = (shown(number(sum(counts)), few.total) for counts, few in columns)
    header = ("", "Opened", "Moved up", "Moved down", "Recovered", "Ended otherwise", "Pupils now")
    return Table(header, (*rows, Row(("All", *totals), total=True)))


def tier_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """Pupils by tier on the last day."""
    names = ("Tier 1: whole school", "Tier 2: small group", "Tier 3: individual (on the ladder)")
    rows = [Row((name, shown(number(n), few))) for name, n, few in zip(names, figures.tiers, hidden.tiers, strict=True)]
    return Table(("", "Pupils now"), tuple(rows))


def effect_table(effect: Effect, hidden: Hidden) -> Table:
    """Openings of all stages, then stage by stage: how many are compared; figures where there are enough."""
    rows = []
    for name, compared, found in (
        ("All stages", effect.compared, effect.difference),
        *((f"Stage {c.stage}", c.episodes, c.difference) for c in effect.stages),
    ):
        episodes = shown(number(compared), too_small(compared, hidden.least) or hidden.outcomes.total)
        if found is None:
            rows.append(Row((name, episodes, "", "", "", "", ""), total=name == "All stages"))
            continue
        before, *others = (
            rounded(Decimal(repr(x)))
            for x in (found.before, found.change, found.change_of_similar, found.difference, found.low, found.high)
        )
        change, similar, difference, low, high = (points(x) for x in others)
        cells = (name, episodes, percent(before), change, similar, difference, f"{low} to {high}")
        rows.append(Row(cells, total=name == "All stages"))
    header = ("", "Episodes compared", "Before", "Change", "Similar pupils", "Difference", "95% interval")
    return Table(header, tuple(rows))


# ---------------------------------------------------------------- penalty notices


def case_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """Pupils by rule: threshold met, met only if N counts, near."""
    rows = []
    for case, few in zip(figures.cases, hidden.cases, strict=True):
        counts = zip((case.met, case.provisional, case.near), few, strict=True)
        rows.append(Row((_rule_words(case.rule), *(shown(number(n), hide_it) for n, hide_it in counts))))
    return Table(("Rule", "Met", "Provisional", "Near"), tuple(rows))


def action_table(figures: GovernorFigures, hidden: Hidden) -> Table:
    """What persons did in the half-term."""
    rows = [
        Row((words, shown(number(n), few))) for (words, n), few in zip(figures.actions, hidden.actions, strict=True)
    ]
    return Table(("In the half-term", "Number"), tuple(rows))


def _rule_words(rule: str) -> str:
    words = rule.replace("-", " ")
    return words[:1].upper() + words[1:]


# ---------------------------------------------------------------- beside published figures


def comparison_table(figures: GovernorFigures, hidden: Hidden, published: Comparison, own: str = OWN) -> Table:
    """The school up to the day of the published figures, then England, the region, the local authority, and England's
    schools of all phases; no rows when there is nothing to compare."""
    header = ("", "Attendance", "Difference", "Persistent")
    point = figures.same_point
    if point is None or not published.areas:
        return Table(header, ())
    ours = None if hidden.aged_5_to_15 else rate(point.year)
    few = hidden.aged_5_to_15 or hidden.aged_5_to_15_persistent
    rows = [
        Row(
            (
                own,
                HIDDEN if hidden.aged_5_to_15 else percent(ours),
                "",
                shown(percent(tenths(point.persistent, point.pupils)), few),
            ),
            total=True,
        )
    ]
    for area in (*published.areas, *([published.all_phases] if published.all_phases else [])):
        theirs = None if area.attendance is None else rounded(area.attendance)
        rows.append(
            Row(
                (
                    area_name(area),
                    _published(area.attendance),
                    points(ours - theirs) if ours is not None and theirs is not None else HIDDEN,
                    NOTHING if area.persistent is None else _published(area.persistent),
                )
            )
        )
    return Table(header, tuple(rows))


def area_name(area: Published) -> str:
    """`England, primary`, `Leeds`, `England, all schools`."""
    if area.area != ENGLAND:
        return area.area
    return f"{ENGLAND}, {'all schools' if area.phase == ALL_PHASES else area.phase.lower()}"


def _published(value: Decimal | None) -> str:
    return HIDDEN if value is None else percent(rounded(value))


def week_table(figures: GovernorFigures, hidden: Hidden, published: Comparison) -> Table:
    """Week by week: the week, the year to date, and what was published up to a day of that week."""
    weeks, few = weeks_shown(figures, hidden)
    lines = published.lines if comparable(figures, hidden) else ()
    rows = []
    for i, week in enumerate(weeks):
        after = weeks[i + 1].first if i + 1 < len(weeks) else None
        cells = [short_date(week.first), percent(rate(week.week)), percent(rate(week.year))]
        for _, _, releases in lines:
            of = [p for day, p in releases if day >= week.first and (after is None or day < after)]
            cells.append(percent(rounded(of[-1])) if of else "")
        rows.append(Row(tuple(cells)))
    header = ("Week of", "Week", "Year to date", *(area for _, area, _ in lines))
    return Table(header, () if few else tuple(rows))


def comparable(figures: GovernorFigures, hidden: Hidden) -> bool:
    """Whether pupils aged 5 to 15, whom published figures are about, may be shown."""
    return figures.aged_5_to_15 is not None and not hidden.aged_5_to_15


def weeks_shown(figures: GovernorFigures, hidden: Hidden) -> tuple[Sequence[Week], bool]:
    """Weeks of pupils aged 5 to 15 where those may be shown, else of all; and whether these are hidden too."""
    if comparable(figures, hidden):
        return figures.weeks, False
    return figures.weeks_of_all, hidden.school
