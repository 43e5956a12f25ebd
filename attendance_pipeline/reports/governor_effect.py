"""Whether interventions were followed by better attendance, against pupils who were like those but not on the ladder.

Belongs here: the comparison, its conditions and its interval. Not here: the words it is told in (`governor_words.py`).

For each stage that opened: attendance of the pupil in the four school weeks after the week of the opening, against what
pupils had in the same weeks who were not on the ladder when it opened nor in the four weeks before, and whose
attendance was similar, both in those four weeks and in the year up to the day. Pupils who are picked because they are
low tend to rise by themselves; so do those they are compared with. Among similar pupils those nearest count most, and
what is left of a difference in prior attendance (also of the last week and the last day, on whose heels a stage opens)
is taken out by a straight line fitted through them (local linear regression), because there are always more pupils just
above a threshold than just below. An opening without enough similar pupils is not compared.

Those who came on to the ladder in the weeks after are not left out of the comparison: without them only those would be
left with whom it went well. That they were helped too is allowed for (`_difference`). And a pupil who stands in several
comparisons is one pupil to the interval, however often.

`tests/reports/test_governor_effect_simulated.py` holds this to account: invented schools without any effect, in which
none must be found, and with a known one, which the interval must hold 19 times in 20.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.ladder import CLOSED, LEFT, RECOVERED, TOP_STAGE
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.reports.governor_figures import GovernorInputs

WEEKS = 4  # school weeks before and after (rules.md section 8)
EPISODES_FOR_AN_INTERVAL = 50  # below this there are counts only (rules.md section 8)
SIMILAR_WITHIN = 0.075  # of attendance in the four weeks before: 7.5 percentage points
SIMILAR_YEAR_WITHIN = 0.02  # of attendance in the year so far
FEWEST_SIMILAR = 5  # pupils to compare one opening with
_LINE_WITHIN = 2.0  # how many times as far the line is fitted; pupils count the less the further they are
NEWEST_DAYS = (5, 1)  # school days before the opening: a stage opens on the heels of an absence, and absences last
_UNITS = (SIMILAR_WITHIN, SIMILAR_YEAR_WITHIN, 0.2, 0.5)  # what is much, of each prior attendance
_STIFFNESS = 0.05  # keeps the line level where few pupils would decide its slope
_NORMAL_95 = 1.959964

Floats = npt.NDArray[np.float64]
ALL_STAGES = 0


@dataclass(frozen=True)
class Difference:
    """In percentage points: mean attendance before, mean change, the change to be expected of similar pupils off the
    ladder, and the difference of the two with its 95% interval."""

    before: float
    change: float
    change_of_similar: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Compared:
    """Openings of one stage (0: of all stages) that have four school weeks on both sides and pupils to compare with.

    `episodes`: how many episodes they are of. `difference`: None when those are fewer than 50.
    """

    stage: int
    episodes: int
    difference: Difference | None


@dataclass(frozen=True)
class Effect:
    """Episodes of the academic year by what became of them; and the comparison, of all stages and stage by stage."""

    episodes: int
    recovered: int
    ended_otherwise: int
    open_first_stage: int
    open_later_stage: int
    compared: int
    difference: Difference | None
    stages: tuple[Compared, ...] = ()


@dataclass(frozen=True)
class Opening:
    """One stage that opened, compared; attendance in shares. Pupils are numbered within `school`.

    `ladder_of_similar`: the share of the weeks after in which similar pupils were on the ladder themselves.
    `of_others`: by other pupil, how much they moved `after_of_similar` and that share, for the interval.
    """

    school: str
    pupil: int
    episode: int
    stage: int
    before: float
    after: float
    after_of_similar: float
    ladder_of_similar: float
    others: npt.NDArray[np.int64]
    of_others: Floats


def effect_of_interventions(given: GovernorInputs | Sequence[GovernorInputs]) -> Effect:
    """The effect over the academic year up to the last day, in one school or in several together. Pure."""
    schools = [given] if isinstance(given, GovernorInputs) else list(given)
    tally = np.sum([_outcomes(*_rises(school)) for school in schools], axis=0)
    openings = [o for school in schools for o in compared_openings(school)]
    found = [_summed(stage, [o for o in openings if stage in (ALL_STAGES, o.stage)]) for stage in range(TOP_STAGE + 1)]
    episodes, recovered, ended, first_stage, later_stage = (int(n) for n in tally)
    return Effect(
        episodes=episodes,
        recovered=recovered,
        ended_otherwise=ended,
        open_first_stage=first_stage,
        open_later_stage=later_stage,
        compared=found[0].episodes,
        difference=found[0].difference,
        stages=tuple(found[1:]),
    )


def _rises(given: GovernorInputs) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
    """All events by pupil and day; and those by which a stage opened."""
    events = given.events[np.lexsort((given.events["day"], given.events["pupil"]))]
    return events, events[events["to_stage"] > events["from_stage"]]


def _summed(stage: int, openings: Sequence[Opening]) -> Compared:
    episodes = len({(o.school, o.pupil, o.episode) for o in openings})
    return Compared(stage, episodes, _difference(openings) if episodes >= EPISODES_FOR_AN_INTERVAL else None)


def _outcomes(events: npt.NDArray[np.void], rises: npt.NDArray[np.void]) -> tuple[int, ...]:
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


def compared_openings(given: GovernorInputs) -> list[Opening]:
    """Every stage of the year that opened with four school weeks on both sides and enough similar pupils."""
    events, rises = _rises(given)
    weeks = _Weeks(given)
    climbing = _weeks_on_ladder(given, events, weeks.low, weeks.n)
    out = []
    for e in rises:
        pupil, week = int(e["pupil"]), int(given.inputs.calendar.week[e["day"]]) - weeks.low
        if week < WEEKS or week + WEEKS >= weeks.n:
            continue
        first, last = week - WEEKS, week + WEEKS
        before, after = weeks.rate(first, week), weeks.rate(week + 1, last + 1)
        year = weeks.rate_until(int(e["day"]))
        allowed_for = (before, year, *(weeks.newest_until(int(e["day"]), days) for days in NEWEST_DAYS))
        away = np.maximum(
            np.abs(before - before[pupil]) / SIMILAR_WITHIN, np.abs(year - year[pupil]) / SIMILAR_YEAR_WITHIN
        )
        # A rate that is not there (NaN) is similar to none.
        there = weeks.on_roll(first, last) & ~climbing[:, first : week + 1].any(axis=1) & ~np.isnan(after)
        if np.isnan(after[pupil]) or int((there & (away <= 1)).sum()) < FEWEST_SIMILAR:
            continue
        others = np.flatnonzero(there & (away <= _LINE_WITHIN))
        apart = np.column_stack([(of[others] - of[pupil]) / unit for of, unit in zip(allowed_for, _UNITS, strict=True)])
        on_ladder = climbing[:, week + 1 : last + 1].mean(axis=1)
        line, residual = _local_line(apart, away[others], np.column_stack([after[others], on_ladder[others]]))
        out.append(
            Opening(
                school=given.school_id,
                pupil=pupil,
                episode=int(e["episode"]),
                stage=int(e["to_stage"]),
                before=float(before[pupil]),
                after=float(after[pupil]),
                after_of_similar=float(line[0]),
                ladder_of_similar=float(line[1]),
                others=others,
                of_others=residual,
            )
        )
    return out


def _local_line(apart: Floats, away: Floats, of: Floats) -> tuple[Floats, Floats]:
    """What to expect of a pupil in each column of `of`, from others `apart` in prior attendances; and the others'
    weighted residuals.

    Weighted least squares with a level and a slope for each prior attendance; weights fall to nothing at
    `_LINE_WITHIN`.
    """
    weight = 1 - away / (_LINE_WITHIN * 1.0001)
    terms = np.column_stack([np.ones(len(of)), apart])
    solved = np.linalg.inv((terms * weight[:, None]).T @ terms + np.diag([0.0, *[_STIFFNESS] * apart.shape[1]]))
    line = solved @ (terms * weight[:, None]).T  # each other's part in level and slopes
    fitted = line @ of
    return fitted[0], line[0][:, None] * (of - terms @ fitted)


class _Weeks:
    """Attendance of every pupil by school week of the academic year, week 0 to n - 1; weeks that are over only."""

    def __init__(self, given: GovernorInputs) -> None:
        calendar, self.pupils = given.inputs.calendar, given.inputs.pupils
        self.year_start = given.year_start
        self.low = int(calendar.week[given.year_start])
        over = given.last + 1 == len(calendar) or calendar.week[given.last + 1] != calendar.week[given.last]
        self.n = int(calendar.week[given.last]) - self.low + int(over)
        starts = [max(int(calendar.week_first[self.low + w]), given.year_start) for w in range(self.n)]
        final = int(np.searchsorted(calendar.week, self.low + self.n)) - 1
        self.starts, self.ends = starts, [*(first - 1 for first in starts[1:]), final][: self.n]
        self.counts = count_school(given.inputs, given.year_start, given.last)

    def rate(self, first: int, stop: int) -> Floats:
        """Attendance of each pupil over weeks first to stop - 1; NaN without a possible session."""
        return self._rate(self.starts[first], self.ends[stop - 1])

    def rate_until(self, day: int) -> Floats:
        """Attendance of each pupil in the year before a day."""
        return self._rate(self.year_start, day - 1)

    def newest_until(self, day: int, days: int) -> Floats:
        """Attendance of each pupil in so many days before a day; of the year so far where those have no session."""
        newest = self._rate(max(day - days, self.year_start), day - 1)
        return np.where(np.isnan(newest), self.rate_until(day), newest)

    def _rate(self, first: int, last: int) -> Floats:
        window = self.counts.window(first, last)
        possible = window.possible.astype(np.float64)
        return np.where(possible > 0, window.attended / np.maximum(possible, 1), np.nan)

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


def _difference(openings: Sequence[Opening]) -> Difference:
    """Means, and an interval whose error is taken over pupils: what one pupil moves is moved together.

    Some of the similar pupils came on to the ladder themselves in the weeks after. The difference is therefore divided
    by the share of those weeks in which they were not (an instrumental-variable, or Wald, estimate): nothing stays
    nothing, and an effect is not halved because those it is compared with had half of it.
    """
    before = np.array([o.before for o in openings])
    after = np.array([o.after for o in openings])
    raw = after - np.array([o.after_of_similar for o in openings])
    apart = 1 - np.array([o.ladder_of_similar for o in openings])
    mean = float(raw.mean() / apart.mean())
    moved: dict[tuple[str, int], float] = {}
    for o, each in zip(openings, raw - mean * apart, strict=True):
        moved[o.school, o.pupil] = moved.get((o.school, o.pupil), 0.0) + float(each)
        for other, part in zip(o.others.tolist(), (o.of_others @ [1.0, -mean]).tolist(), strict=True):
            moved[o.school, other] = moved.get((o.school, other), 0.0) - part
    n, own = len(openings), len({(o.school, o.pupil) for o in openings})
    error = math.sqrt(sum(x * x for x in moved.values()) * own / max(own - 1, 1)) / n / float(apart.mean())
    margin = _NORMAL_95 * error
    change = float((after - before).mean())
    return Difference(
        *(100 * float(x) for x in (before.mean(), change, change - mean, mean, mean - margin, mean + margin))
    )
