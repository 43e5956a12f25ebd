"""What of a governor report is hidden, decided before anything is written.

Belongs here: which figures of this report add up with which, so that `suppression.py` can hide enough. Not here: the
rules of hiding themselves, counting, words, the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attendance_pipeline.law.policy import Suppression
from attendance_pipeline.reports.governor_effect import Effect
from attendance_pipeline.reports.governor_figures import LATE_AFTER_CLOSE, GovernorFigures, Lates, Reason
from attendance_pipeline.reports.suppression import (
    Protected,
    overlapping_groups_hidden,
    protect,
    share_hidden,
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
class Hidden:
    """What must not be shown; True hides. Tuples follow the order of the figures' own tuples."""

    least: int
    school: bool
    persistent: bool
    severe: bool
    years: tuple[bool, ...]
    years_persistent: tuple[bool, ...]
    cohorts: tuple[bool, ...]
    cohorts_persistent: tuple[bool, ...]
    aged_5_to_15: bool
    aged_5_to_15_persistent: bool
    half_term: ReasonsHidden
    year: ReasonsHidden
    opened: Protected
    moved_up: Protected
    recovered: Protected
    now: Protected
    outcomes: Protected


def hide(figures: GovernorFigures, effect: Effect, sizes: Suppression) -> Hidden:
    """Everything that is hidden. The minima are policy: any group, and groups by a characteristic."""
    least, characteristic = sizes.minimum_group, sizes.minimum_characteristic_group
    school, aged = figures.school, figures.aged_5_to_15
    years = protect([g.pupils for g in figures.years], least)
    whole = too_small(school.pupils, least) or years.total
    by_year, persistent, aged_persistent = _persistent_by_year(figures, years.parts, least)
    cohorts = tuple(overlapping_groups_hidden([g.members for g in figures.cohorts], school.members, characteristic))
    outcomes = (effect.recovered, effect.ended_otherwise, effect.open_first_stage, effect.open_later_stage)
    return Hidden(
        least=least,
        school=whole,
        persistent=persistent,
        severe=share_hidden(school.severe, school.pupils, least),
        years=years.parts,
        years_persistent=by_year,
        cohorts=cohorts,
        cohorts_persistent=_persistent_by_cohort(figures, cohorts, persistent, characteristic),
        aged_5_to_15=whole
        or aged is None
        or too_small(aged.pupils, least)
        or too_small(school.pupils - aged.pupils, least),
        aged_5_to_15_persistent=aged_persistent,
        half_term=_reasons(figures.reasons, figures.late[0], least, year=False),
        year=_reasons(figures.reasons, figures.late[1], least, year=True),
        opened=protect([r.opened for r in figures.ladder], least),
        moved_up=protect([r.moved_up for r in figures.ladder], least),
        recovered=protect([r.recovered for r in figures.ladder], least),
        now=protect([r.now for r in figures.ladder], least),
        outcomes=protect(outcomes, least),
    )


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


def _persistent_by_cohort(
    figures: GovernorFigures, rows_hidden: Sequence[bool], total_hidden: bool, least: int
) -> tuple[bool, ...]:
    """Cohorts overlap: each stands beside the total, and beside those that hold it."""
    absent = figures.persistent_members & figures.school.members
    few = overlapping_groups_hidden([g.members & absent for g in figures.cohorts], absent, least)
    return tuple(
        total_hidden or row or among or share_hidden(g.persistent, g.pupils, least)
        for g, row, among in zip(figures.cohorts, rows_hidden, few, strict=True)
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
