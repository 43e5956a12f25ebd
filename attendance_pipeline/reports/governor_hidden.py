"""What of a governor report is hidden, decided before anything is written.

Belongs here: which figures of this report add up with which, so that `suppression.py` can hide enough. Not here: the
rules of hiding themselves, counting, words, the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from attendance_pipeline.law.policy import Suppression
from attendance_pipeline.reports.governor_effect import Effect
from attendance_pipeline.reports.governor_figures import LATE_AFTER_CLOSE, GovernorFigures, Group, Lates, Reason
from attendance_pipeline.reports.suppression import (
    Protected,
    found_out,
    overlapping_groups_hidden,
    protect,
    share_hidden,
    sum_gives_away,
    too_small,
)


@dataclass(frozen=True)
class ReasonsHidden:
    """Of one window: each reason, the totals of authorised and unauthorised, all lates, and lates before and after."""

    parts: tuple[bool, ...]
    totals: bool
    late: bool
    late_parts: bool


@dataclass(frozen=True)
class Columns:
    """Of one set of groups: whole rows; and by row persistent and severe absence, reasons of the half-term (authorised
    and unauthorised), and lates."""

    rows: tuple[bool, ...]
    persistent: tuple[bool, ...]
    severe: tuple[bool, ...]
    absence: tuple[bool, ...]
    late: tuple[bool, ...]


@dataclass(frozen=True)
class Hidden:
    """What must not be shown; True hides. Tuples follow the order of the figures' own tuples."""

    least: int
    school: bool
    persistent: bool
    severe: bool
    years: Columns
    cohorts: Columns
    aged_5_to_15: bool
    aged_5_to_15_persistent: bool
    half_term: ReasonsHidden
    year: ReasonsHidden
    opened: Protected
    moved_up: Protected
    moved_down: Protected
    recovered: Protected
    ended: Protected
    now: Protected
    tiers: tuple[bool, bool, bool]
    outcomes: Protected
    cases: tuple[tuple[bool, bool, bool], ...]
    actions: tuple[bool, ...]
    left: bool


def hide(figures: GovernorFigures, effect: Effect, sizes: Suppression) -> Hidden:
    """Everything that is hidden. The minima are policy: any group, and groups by a characteristic."""
    least, characteristic = sizes.minimum_group, sizes.minimum_characteristic_group
    school, aged = figures.school, figures.aged_5_to_15
    years = protect([g.pupils for g in figures.years], least)
    whole = too_small(school.pupils, least) or years.total
    by_year, persistent, aged_persistent = _persistent_by_year(figures, years.parts, least)
    severe_by_year, severe = _severe_by_year(figures, years.parts, least)
    half_term = _reasons(figures.reasons, figures.late[0], least, year=False)
    cohorts = tuple(overlapping_groups_hidden([g.members for g in figures.cohorts], school.members, characteristic))
    outcomes = (effect.recovered, effect.ended_otherwise, effect.open_first_stage, effect.open_later_stage)
    columns = {
        name: protect([getattr(r, name) for r in figures.ladder], least)
        for name in ("opened", "moved_up", "moved_down", "recovered", "ended")
    }
    tiers, now = _tiers(figures, whole, least)
    hidden = Hidden(
        least=least,
        school=whole,
        persistent=persistent or whole,
        severe=severe or persistent or whole,
        years=Columns(
            rows=years.parts,
            persistent=by_year,
            severe=severe_by_year,
            absence=_part_of_school(
                figures, years.parts, [_absence_few(g, least) for g in figures.years], half_term.totals or whole, least
            ),
            late=_part_of_school(
                figures,
                years.parts,
                [too_small(g.late.pupils, least) for g in figures.years],
                half_term.late or whole,
                least,
                late=True,
            ),
        ),
        cohorts=Columns(
            rows=cohorts,
            persistent=_of_cohorts(figures, cohorts, persistent, characteristic, "persistent"),
            severe=_of_cohorts(figures, cohorts, severe, characteristic, "severe"),
            absence=tuple(
                row
                or half_term.totals
                or whole
                or _absence_few(g, characteristic)
                or _absence_few_else(g, school, characteristic)
                for g, row in zip(figures.cohorts, cohorts, strict=True)
            ),
            late=tuple(
                row
                or half_term.late
                or whole
                or too_small(g.late.pupils, characteristic)
                or too_small(school.late.pupils - g.late.pupils, characteristic)
                for g, row in zip(figures.cohorts, cohorts, strict=True)
            ),
        ),
        aged_5_to_15=whole
        or aged is None
        or too_small(aged.pupils, least)
        or too_small(school.pupils - aged.pupils, least),
        aged_5_to_15_persistent=aged_persistent or whole,
        half_term=half_term,
        year=_reasons(figures.reasons, figures.late[1], least, year=True),
        now=now,
        tiers=tiers,
        outcomes=protect(outcomes, least),
        cases=tuple(
            (too_small(c.met, least), too_small(c.provisional, least), too_small(c.near, least)) for c in figures.cases
        ),
        actions=tuple(too_small(n, least) for _, n in figures.actions),
        left=too_small(figures.left, least),
        **columns,
    )
    return _until_nothing_is_found_out(figures, hidden)


def _absence_few(group: Group, least: int) -> bool:
    return too_small(group.with_authorised, least) or too_small(group.with_unauthorised, least)


def _absence_few_else(group: Group, school: Group, least: int) -> bool:
    """Whether those outside the group with such an absence are few: theirs would be had by subtraction."""
    return too_small(school.with_authorised - group.with_authorised, least) or too_small(
        school.with_unauthorised - group.with_unauthorised, least
    )


def _part_of_school(
    figures: GovernorFigures, rows: Sequence[bool], few: Sequence[bool], total: bool, least: int, *, late: bool = False
) -> tuple[bool, ...]:
    """Which years' shares are hidden, beside the school's own. Counts are the pupils behind a share."""
    counts = [g.late.pupils if late else g.with_authorised + g.with_unauthorised for g in figures.years]
    found = protect(counts, least, hidden=[row or own for row, own in zip(rows, few, strict=True)])
    return (True,) * len(counts) if total or found.total else found.parts


def _severe_by_year(figures: GovernorFigures, rows: Sequence[bool], least: int) -> tuple[tuple[bool, ...], bool]:
    """Severe absence: which years, and whether the total is hidden. Those who are persistently absent and not severely
    are a group too."""

    def few(group: Group) -> bool:
        return share_hidden(group.severe, group.pupils, least) or (
            group.severe > 0 and too_small(group.persistent - group.severe, least)
        )

    own = [row or few(g) for g, row in zip(figures.years, rows, strict=True)]
    together = protect([g.severe for g in figures.years], least, hidden=own)
    if few(figures.school) or together.total:
        return (True,) * len(own), True
    return together.parts, False


def _tiers(figures: GovernorFigures, whole: bool, least: int) -> tuple[tuple[bool, bool, bool], Protected]:
    """The three tiers, which make up the school, and the pupils on each stage now, who make up the third."""
    one, two, three = figures.tiers
    now = protect([r.now for r in figures.ladder], least)
    every = Protected((True,) * len(figures.ladder), total=True)
    if whole or now.total or too_small(three, least):
        return (True, True, True), every
    if too_small(one, least) or too_small(two, least):
        # Whoever is in neither is in the third: the two must be enough together, and two.
        enough = min(one, two) > 0 and one + two >= least
        return ((True, True, False), now) if enough else ((True, True, True), every)
    return (False, False, False), now


def _until_nothing_is_found_out(figures: GovernorFigures, hidden: Hidden) -> Hidden:
    """More is hidden, column by column, until no hidden count of the years' table can be told from what is shown."""
    years = hidden.years
    every = (True,) * len(years.rows)
    for hide_more in (
        lambda h: h,
        lambda h: replace(h, years=replace(h.years, severe=every)),
        lambda h: replace(h, severe=True, years=replace(h.years, severe=every)),
        lambda h: replace(h, severe=True, years=replace(h.years, severe=every, persistent=every)),
        lambda h: replace(
            h,
            severe=True,
            persistent=True,
            aged_5_to_15_persistent=True,
            years=replace(h.years, severe=every, persistent=every),
            cohorts=replace(
                h.cohorts,
                persistent=(True,) * len(h.cohorts.rows),
                severe=(True,) * len(h.cohorts.rows),
            ),
        ),
    ):
        more = hide_more(hidden)
        if not _found_out(figures, more):
            return more
    return more


def _found_out(figures: GovernorFigures, hidden: Hidden) -> bool:
    columns = {
        "pupils": (hidden.school, hidden.years.rows),
        "persistent": (hidden.persistent, hidden.years.persistent),
        "severe": (hidden.severe, hidden.years.severe),
    }
    counts: dict[str, int] = {}
    concealed: set[str] = set()
    sums, at_most = [], []
    for column, (total, rows) in columns.items():
        names = [f"{column} {i}" for i in range(len(rows))]
        groups = [figures.school, *figures.years]
        counts |= {name: getattr(g, column) for name, g in zip([column, *names], groups, strict=True)}
        concealed |= {name for name, few in zip([column, *names], [total, *rows], strict=True) if few}
        sums.append((column, names))
    for i in ("", *(f" {i}" for i in range(len(figures.years)))):
        at_most += [(f"persistent{i}", f"pupils{i}"), (f"severe{i}", f"persistent{i}")]
    # A total that is hidden with all its parts tells nothing and needs no room of its own.
    found = found_out(counts, frozenset(concealed), sums, at_most)
    return any(counts[name] > 0 for name in found)


def _persistent_by_year(
    figures: GovernorFigures, rows_hidden: Sequence[bool], least: int
) -> tuple[tuple[bool, ...], bool, bool]:
    """Persistent absence: which years, whether the total, and whether that of pupils aged 5 to 15 is hidden.

    The report may show two sums of the one column, of all and of those aged 5 to 15, and so a third, of the others.
    """
    school, years, aged = figures.school, figures.years, figures.aged_5_to_15
    counts = [g.persistent for g in years]
    own = [row or share_hidden(g.persistent, g.pupils, least) for g, row in zip(years, rows_hidden, strict=True)]
    together = protect(counts, least, hidden=own)
    if share_hidden(school.persistent, school.pupils, least) or together.total:
        return (True,) * len(years), True, True
    if aged is None or share_hidden(aged.persistent, aged.pupils, least):
        return together.parts, False, True
    if aged.pupils == school.pupils:
        return together.parts, False, False
    inside = [int((g.members & aged.members).sum()) for g in years]
    mixed = any(0 < n < g.pupils for n, g in zip(inside, years, strict=True))
    if mixed or share_hidden(school.persistent - aged.persistent, school.pupils - aged.pupils, least):
        return together.parts, False, True
    parts = [False] * len(years)
    for older in (True, False):
        where = [i for i, n in enumerate(inside) if (n > 0) is older]
        block = protect([counts[i] for i in where], least, hidden=[own[i] for i in where])
        if block.total:
            return together.parts, False, True
        for i, hidden in zip(where, block.parts, strict=True):
            parts[i] = hidden
    return tuple(parts), False, False


def _of_cohorts(
    figures: GovernorFigures, rows_hidden: Sequence[bool], total_hidden: bool, least: int, column: str
) -> tuple[bool, ...]:
    """Cohorts overlap: each stands beside the total, and beside those that hold it."""
    members = figures.persistent_members if column == "persistent" else figures.severe_members
    absent = members & figures.school.members
    few = overlapping_groups_hidden([g.members & absent for g in figures.cohorts], absent, least)
    counts = [int((g.members & absent).sum()) for g in figures.cohorts]
    return tuple(
        total_hidden
        or row
        or among
        or share_hidden(n, g.pupils, least)
        or (column == "severe" and n > 0 and too_small(g.persistent - n, least))
        for g, n, row, among in zip(figures.cohorts, counts, rows_hidden, few, strict=True)
    )


def _reasons(reasons: Sequence[Reason], late: Lates, least: int, *, year: bool) -> ReasonsHidden:
    """Reasons with few pupils behind them, and enough beside them. Authorised and unauthorised have totals, which with
    the attendance make 100%, so that both are hidden when one is."""
    parts, totals = [False] * len(reasons), False
    for authorised in (True, False):
        where = [i for i, r in enumerate(reasons) if r.authorised is authorised]
        of = [reasons[i].of(year) for i in where]
        block = protect([s.sessions for s in of], least, hidden=[too_small(s.pupils, least) for s in of])
        totals = totals or block.total
        for i, hidden in zip(where, block.parts, strict=True):
            parts[i] = hidden
    if totals:
        parts = [True] * len(reasons)
    after = next(parts[i] for i, r in enumerate(reasons) if r.name == LATE_AFTER_CLOSE)
    before_few, after_few = too_small(late.before_close.pupils, least), too_small(late.after_close.pupils, least)
    # All lates less those after the register closed, which are a reason of absence, are those before.
    all_few = before_few or (after_few and late.before_close.pupils == 0)
    return ReasonsHidden(tuple(parts), totals, late=all_few, late_parts=all_few or after_few or after)


# ---------------------------------------------------------------- several schools together


def hide_beside_schools(
    pooled: GovernorFigures, hidden: Hidden, schools: Sequence[tuple[GovernorFigures, Hidden]]
) -> Hidden:
    """Of a trust's report, what would give away counts that one of its schools hides in its own report.

    Counts of pupils and events; shares of sessions are not asked, because nobody knows the sessions behind them.
    """
    least = hidden.least

    def away(of: Sequence[tuple[int, bool]]) -> bool:
        return _away(of, least)

    def of_groups(kind: str, name: str, column: str) -> bool:
        """Whether the trust's count of one year group or cohort gives away a school's."""
        out = []
        for figures, own in schools:
            columns = getattr(own, kind)
            for i, group in enumerate(getattr(figures, kind)):
                if group.name == name:
                    few = columns.rows[i] or (column != "pupils" and getattr(columns, column)[i])
                    out.append((getattr(group, column), few))
        return away(out)

    totals = {
        "persistent": away([(f.school.persistent, h.persistent) for f, h in schools]),
        "severe": away([(f.school.severe, h.severe) for f, h in schools]),
    }
    school = hidden.school
    persistent = school or hidden.persistent or totals["persistent"]
    severe = persistent or hidden.severe or totals["severe"]
    groups: dict[str, Columns] = {}
    for kind in ("years", "cohorts"):
        columns: Columns = getattr(hidden, kind)
        names = [g.name for g in getattr(pooled, kind)]
        rows = tuple(few or of_groups(kind, n, "pupils") for n, few in zip(names, columns.rows, strict=True))
        if kind == "years" and rows != columns.rows:
            rows = (True,) * len(rows)  # a sum of years is known: one more alone would be had by subtraction
        change = {"rows": rows}
        for column, total in (("persistent", persistent), ("severe", severe)):
            was: tuple[bool, ...] = getattr(columns, column)
            few = tuple(w or of_groups(kind, n, column) for n, w in zip(names, was, strict=True))
            change[column] = (True,) * len(few) if total or (kind == "years" and few != was) else few
        groups[kind] = replace(columns, **change)
    ladder: dict[str, Protected] = {}
    every = Protected((True,) * len(pooled.ladder), total=True)
    for name in ("opened", "moved_up", "moved_down", "recovered", "ended", "now"):
        total_away = away([(sum(getattr(r, name) for r in f.ladder), getattr(h, name).total) for f, h in schools])
        parts_away = any(
            away([(getattr(f.ladder[i], name), getattr(h, name).parts[i]) for f, h in schools])
            for i in range(len(pooled.ladder))
        )
        ladder[name] = every if total_away or parts_away else getattr(hidden, name)
    tiers = any(away([(f.tiers[i], h.tiers[i]) for f, h in schools]) for i in range(3)) or ladder["now"].total
    return replace(
        hidden,
        school=school,
        persistent=persistent,
        severe=severe,
        years=groups["years"],
        cohorts=groups["cohorts"],
        opened=ladder["opened"],
        moved_up=ladder["moved_up"],
        moved_down=ladder["moved_down"],
        recovered=ladder["recovered"],
        ended=ladder["ended"],
        now=every if tiers else ladder["now"],
        # With a year group hidden, the rate of those aged 5 to 15 would tell that of the youngest.
        aged_5_to_15_persistent=hidden.aged_5_to_15_persistent
        or persistent
        or any(groups["years"].persistent)
        or any(own.aged_5_to_15_persistent for _, own in schools),
        tiers=(True, True, True) if tiers else hidden.tiers,
        cases=tuple(
            (few[0] or gone[0], few[1] or gone[1], few[2] or gone[2])
            for few, gone in zip(hidden.cases, (_case_away(c.rule, schools, least) for c in pooled.cases), strict=True)
        ),
        actions=tuple(
            few or away([(f.actions[i][1], h.actions[i]) for f, h in schools]) for i, few in enumerate(hidden.actions)
        ),
        left=hidden.left or away([(f.left, h.left) for f, h in schools]),
    )


def _case_away(rule: str, schools: Sequence[tuple[GovernorFigures, Hidden]], least: int) -> tuple[bool, bool, bool]:
    """Of one rule: whether the counts of met, provisional and near give away a school's."""
    of = _cases_of(rule, schools)
    met, provisional, near = ([(counts[i], few[i]) for counts, few in of] for i in range(3))
    return _away(met, least), _away(provisional, least), _away(near, least)


def _cases_of(
    rule: str, schools: Sequence[tuple[GovernorFigures, Hidden]]
) -> list[tuple[tuple[int, int, int], tuple[bool, bool, bool]]]:
    return [
        ((case.met, case.provisional, case.near), few)
        for figures, own in schools
        for case, few in zip(figures.cases, own.cases, strict=True)
        if case.rule == rule
    ]


def _away(of: Sequence[tuple[int, bool]], least: int) -> bool:
    return sum_gives_away([n for n, _ in of], [few for _, few in of], least)
