"""Patterns of a school, a year, a class or a cohort: worst weekdays, breaks, spells, broken weeks, lates and minutes.

Belongs here: what `patterns` has of each pupil, put together for groups. Not here: small groups hidden (`reports/`).

Pupils of a group are absent together (an outbreak, a snowy day), so their spells are no independent events. What is
asked of a group is another question: which day was the worst of its week? If weekdays were alike, each would be as
often as any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.chance import at_least
from attendance_pipeline.derive.patterns import (
    CHANCE,
    LATE,
    MIN_WEEKS,
    NO_MINUTES,
    SHORT_SPELL,
    TARGETS,
    WEEK_SPELL,
    WEEKDAYS,
    SchoolPatterns,
)
from attendance_pipeline.derive.spells import ABSENT, Bools
from attendance_pipeline.law.register_codes import LATE_AFTER, POSSIBLE

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class GroupPatterns:
    """Pairs are (absent or late sessions, possible sessions), Monday first where there are five.

    `worst`: the weekdays (one, or the two ends of the week) that had the worst day of the week too often for chance, ()
    for none; `worst_weeks` of `weeks_asked` weeks with one worst day. `edges_worst` of `edges_asked` weeks had their
    worst day next to a break, `edges_sure` whether that is more than chance. Spells and weeks are sums over pupils.
    """

    pupils: int
    by_weekday: Pairs
    worst: tuple[int, ...]
    worst_weeks: int
    weeks_asked: int
    before: tuple[int, int]
    after: tuple[int, int]
    other: tuple[int, int]
    edges_worst: int
    edges_asked: int
    edges_sure: bool
    spells: int
    short_spells: int
    long_spells: int
    weeks: int
    broken: int
    missed: int
    late_by_weekday: Pairs
    late_after_close: int
    late_pupils: int
    known: int
    minutes: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is more than chance, a plain sentence each."""
        out = []
        if self.worst:
            days = " or ".join(WEEKDAYS[w] for w in self.worst)
            out.append(
                f"{days} was the day with most absence in {self.worst_weeks} of {self.weeks_asked} weeks: more than "
                "chance would bring."
            )
        if self.edges_sure:
            out.append(
                f"In {self.edges_worst} of the {self.edges_asked} weeks next to a break the day beside it had most "
                "absence of its week: more than chance would bring."
            )
        return tuple(out)


def group_patterns(patterns: SchoolPatterns, members: Bools) -> GroupPatterns:
    """The patterns of some pupils (bool[P]) over the days of `patterns`."""
    counted = patterns.counted[members]
    possible, absent, late = (((counted & bits) != 0).sum(axis=(0, 2)) for bits in (POSSIBLE, ABSENT, LATE))
    weekday = patterns.weekday_table
    before, after = patterns.edge_days
    ratio = absent / np.maximum(possible, 1)
    week = patterns.inputs.calendar.week[patterns.first : patterns.last + 1]
    worst_of = _worst_days(ratio, possible, week)
    chosen, worst_weeks = _worst_weekday(worst_of, weekday)
    edges_worst, edges_asked, sure = _worst_edges(worst_of, before | after)
    own = members[patterns.spells.pupil]
    sessions = patterns.spells.sessions[own]
    weeks = {name: table[members] for name, table in patterns.weeks.items()}
    broken = weeks["possible"] & weeks["absent"] & weeks["attended"]
    missed = weeks["possible"] & weeks["absent"] & ~weeks["attended"]
    known = _minutes(patterns, members)
    return GroupPatterns(
        pupils=int(members.sum()),
        by_weekday=tuple(zip((absent @ weekday).tolist(), (possible @ weekday).tolist(), strict=True)),
        worst=chosen,
        worst_weeks=worst_weeks,
        weeks_asked=len(worst_of),
        before=_pair(absent, possible, before),
        after=_pair(absent, possible, after),
        other=_pair(absent, possible, ~(before | after)),
        edges_worst=edges_worst,
        edges_asked=edges_asked,
        edges_sure=sure,
        spells=len(sessions),
        short_spells=int((sessions <= SHORT_SPELL).sum()),
        long_spells=int((sessions >= WEEK_SPELL).sum()),
        weeks=int(weeks["possible"].sum()),
        broken=int(broken.sum()),
        missed=int(missed.sum()),
        late_by_weekday=tuple(zip((late @ weekday).tolist(), (possible @ weekday).tolist(), strict=True)),
        late_after_close=int(((counted & LATE_AFTER) != 0).sum()),
        late_pupils=int(((counted & LATE) != 0).any(axis=(1, 2)).sum()),
        known=len(known),
        minutes=int(known.sum()),
    )


def _pair(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64], days: Bools) -> tuple[int, int]:
    return int(part[days].sum()), int(whole[days].sum())


def _minutes(patterns: SchoolPatterns, members: Bools) -> npt.NDArray[np.integer]:
    if patterns.minutes is None:
        return np.zeros(0, dtype=np.int64)
    late = (patterns.counted[members] & LATE) != 0
    given = patterns.minutes[members][:, patterns.first : patterns.last + 1][late]
    return np.asarray(given[given != NO_MINUTES])


def _worst_days(
    ratio: npt.NDArray[np.float64], possible: npt.NDArray[np.int64], week: npt.NDArray[np.int32]
) -> list[tuple[int, list[int]]]:
    """Of each week with two days or more and one day that was the worst: that day, and all days of the week."""
    out = []
    for number in np.unique(week):
        days = np.flatnonzero((week == number) & (possible > 0))
        if len(days) < 2:
            continue
        top = days[ratio[days] == ratio[days].max()]
        if len(top) == 1:
            out.append((int(top[0]), days.tolist()))
    return out


def _worst_weekday(worst: list[tuple[int, list[int]]], weekday: npt.NDArray[np.int64]) -> tuple[tuple[int, ...], int]:
    """The weekdays that had the worst day more often than chance (() for none), and in how many weeks."""
    if len(worst) < MIN_WEEKS:
        return (), 0
    targets = [np.asarray(weekday[:, list(t)].any(axis=1)) for t in TARGETS]
    counts = np.array([sum(bool(on[day]) for day, _ in worst) for on in targets])
    chances = np.array([[on[days].mean() for _, days in worst] for on in targets])
    p_values = at_least(chances, counts)
    best = int(p_values.argmin())
    return (TARGETS[best], int(counts[best])) if p_values[best] * len(TARGETS) < CHANCE else ((), 0)


def _worst_edges(worst: list[tuple[int, list[int]]], edge: Bools) -> tuple[int, int, bool]:
    """Weeks whose worst day was next to a break, weeks with such a day, and whether that is more than chance."""
    asked = [(day, days) for day, days in worst if edge[days].any()]
    count = sum(bool(edge[day]) for day, _ in asked)
    if not asked:
        return 0, 0, False
    chances = np.array([[edge[days].mean() for _, days in asked]])
    return count, len(asked), bool(at_least(chances, np.array([count]))[0] < CHANCE)
