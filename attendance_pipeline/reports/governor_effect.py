"""Whether interventions were followed by better attendance, against pupils who were like those but not on the ladder.

Belongs here: the comparison, its conditions and its interval. Not here: the words it is told in (`governor_words.py`).

For each stage that opened: attendance of the pupil in the four school weeks before the week of the opening and in the
four after it, and the same of pupils who were on roll throughout, not on the ladder in any of those weeks, and had a
similar attendance both in the four weeks before and in the year so far. The difference of the two changes is what is
averaged. Pupils who are picked because they are low tend to rise by themselves; so do those they are compared with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.ladder import CLOSED, LEFT, RECOVERED
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.reports.governor_figures import GovernorInputs

WEEKS = 4  # school weeks before and after (rules.md section 8)
EPISODES_FOR_AN_INTERVAL = 50  # below this there are counts only (rules.md section 8)
SIMILAR_WITHIN = 0.05  # of attendance before: 5 percentage points
FEWEST_SIMILAR = 5  # pupils to compare one opening with
_NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Difference:
    """In percentage points: mean change of the pupils, of those they are compared with, and the mean difference with
    its 95% interval. The interval allows for several openings of one pupil."""

    before: float
    change: float
    change_of_similar: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Effect:
    """Episodes of the academic year by what became of them, and the comparison when there is enough to compare.

    `compared`: episodes with an opening that has four school weeks on both sides and pupils to compare with.
    """

    episodes: int
    recovered: int
    ended_otherwise: int
    open_first_stage: int
    open_later_stage: int
    compared: int
    difference: Difference | None


def effect_of_interventions(given: GovernorInputs) -> Effect:
    """The effect over the academic year up to the last day. Pure: the same inputs, the same answer."""
    events = given.events[np.lexsort((given.events["day"], given.events["pupil"]))]
    rises = events[events["to_stage"] > events["from_stage"]]
    outcomes = _outcomes(events, rises)
    rows = _compared(given, events, rises)
    compared = {(row.pupil, row.episode) for row in rows}
    return Effect(
        *outcomes,
        compared=len(compared),
        difference=_difference(rows) if len(compared) >= EPISODES_FOR_AN_INTERVAL else None,
    )


def _outcomes(events: npt.NDArray[np.void], rises: npt.NDArray[np.void]) -> tuple[int, int, int, int, int]:
    """Episodes, and how many recovered, ended otherwise, are open where they began, are open further up."""
    began: dict[tuple[int, int], int] = {}
    for e in rises:
        began.setdefault((int(e["pupil"]), int(e["episode"])), int(e["to_stage"]))
    newest = {(int(e["pupil"]), int(e["episode"])): e for e in events}
    tally = [0, 0, 0, 0]
    for key, first_stage in began.items():
        e = newest[key]
        if e["event"] == RECOVERED:
            tally[0] += 1
        elif e["event"] in (CLOSED, LEFT) or e["to_stage"] == 0:
            tally[1] += 1
        else:
            tally[3 if e["to_stage"] > first_stage else 2] += 1
    return len(began), tally[0], tally[1], tally[2], tally[3]


@dataclass(frozen=True)
class _Row:
    pupil: int
    episode: int
    before: float
    change: float
    change_of_similar: float


def _compared(given: GovernorInputs, events: npt.NDArray[np.void], rises: npt.NDArray[np.void]) -> list[_Row]:
    weeks = _Weeks(given)
    climbing = _weeks_on_ladder(given, events, weeks.low, weeks.n)
    rows = []
    for e in rises:
        pupil, week = int(e["pupil"]), int(given.inputs.calendar.week[e["day"]]) - weeks.low
        if week < WEEKS or week + WEEKS >= weeks.n:
            continue
        first, last = week - WEEKS, week + WEEKS
        before, after, year = weeks.rate(first, week), weeks.rate(week + 1, last + 1), weeks.rate(0, week)
        change = after - before
        apart = weeks.on_roll(first, last) & ~climbing[:, first : last + 1].any(axis=1)
        # A rate that is not there (NaN) is similar to none.
        near = (np.abs(before - before[pupil]) <= SIMILAR_WITHIN) & (np.abs(year - year[pupil]) <= SIMILAR_WITHIN)
        similar = apart & near & ~np.isnan(change)
        if not np.isnan(change[pupil]) and similar.sum() >= FEWEST_SIMILAR:
            rows.append(_Row(pupil, int(e["episode"]), before[pupil], change[pupil], float(change[similar].mean())))
    return rows


class _Weeks:
    """Attendance of every pupil by school week of the academic year, week 0 to n - 1; weeks that are over only."""

    def __init__(self, given: GovernorInputs) -> None:
        calendar, self.pupils = given.inputs.calendar, given.inputs.pupils
        self.low = int(calendar.week[given.year_start])
        over = given.last + 1 == len(calendar) or calendar.week[given.last + 1] != calendar.week[given.last]
        self.n = int(calendar.week[given.last]) - self.low + int(over)
        starts = [max(int(calendar.week_first[self.low + w]), given.year_start) for w in range(self.n)]
        final = int(np.searchsorted(calendar.week, self.low + self.n)) - 1
        self.starts, self.ends = starts, [*(first - 1 for first in starts[1:]), final][: self.n]
        counts = count_school(given.inputs, given.year_start, given.last)
        self.attended = np.zeros((len(self.pupils), self.n + 1), dtype=np.int64)
        self.possible = np.zeros_like(self.attended)
        for w, (first, last) in enumerate(zip(self.starts, self.ends, strict=True)):
            window = counts.window(first, last)
            self.attended[:, w + 1] = self.attended[:, w] + window.attended
            self.possible[:, w + 1] = self.possible[:, w] + window.possible

    def rate(self, first: int, stop: int) -> npt.NDArray[np.float64]:
        """Attendance of each pupil over weeks first to stop - 1; NaN without a possible session."""
        attended = self.attended[:, stop] - self.attended[:, first]
        possible = self.possible[:, stop] - self.possible[:, first]
        return np.where(possible > 0, attended / np.maximum(possible, 1), np.nan)

    def on_roll(self, first: int, last: int) -> npt.NDArray[np.bool_]:
        """Who was on roll from the first day of one week to the last day of another."""
        return (self.pupils.entry <= self.starts[first]) & (self.pupils.leave >= self.ends[last])


def _weeks_on_ladder(
    given: GovernorInputs, events: npt.NDArray[np.void], low: int, n_weeks: int
) -> npt.NDArray[np.bool_]:
    """bool[P, weeks]: whether the pupil was at stage 1 or above on some day of the week."""
    calendar = given.inputs.calendar
    out = np.zeros((len(given.inputs.pupils), n_weeks), dtype=np.bool_)
    since: dict[int, int] = {}
    for e in events:
        pupil, week = int(e["pupil"]), int(calendar.week[e["day"]]) - low
        if e["to_stage"] > 0:
            since.setdefault(pupil, week)
        elif pupil in since:
            out[pupil, since.pop(pupil) : week + 1] = True
    for pupil, week in since.items():
        out[pupil, week:] = True
    return out


def _difference(rows: list[_Row]) -> Difference:
    """Means, and an interval whose error is taken over pupils: openings of one pupil are not independent."""
    change = np.array([r.change for r in rows])
    similar = np.array([r.change_of_similar for r in rows])
    each = change - similar
    mean = float(each.mean())
    pupil = np.unique([r.pupil for r in rows], return_inverse=True)[1]
    sums = np.bincount(pupil, weights=each - mean)
    n, clusters = len(rows), len(sums)
    error = math.sqrt(float((sums**2).sum()) * clusters / max(clusters - 1, 1)) / n
    margin = _NORMAL_95 * error
    return Difference(
        *(
            100 * x
            for x in (
                float(np.mean([r.before for r in rows])),
                float(change.mean()),
                float(similar.mean()),
                mean,
                mean - margin,
                mean + margin,
            )
        )
    )
