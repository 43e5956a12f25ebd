"""Why another list has other figures: the search for the way of counting that gives exactly what the list says.

Belongs here: which ways of counting are tried, and which of them reproduce what is claimed. Not here: reading a list or
finding whom a row means (that is the caller's), what a claim is (`claims`), and what a way of counting is
(`other_counts`).

A list is made by one program in one way. So first one way is sought that reproduces as many rows as can be: over which
sessions, which codes counted otherwise, percentages cut off instead of rounded. Then each row that it leaves is looked
at alone, with at most one further step. Nothing is near enough: a way explains a row when every figure the row gives
comes out exactly. What is not explained is said to be so, with the sessions that remain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.claims import Bools, Claims
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.other_counts import (
    AFTER_LEAVING,
    BEFORE_ENTRY,
    UNMARKED,
    Longs,
    Tally,
    Treatment,
    Way,
    period_words,
)
from attendance_pipeline.law.school_calendar import SchoolCalendar

AGREES, EXPLAINED, SEVERAL, UNEXPLAINED = "agrees", "explained", "several readings fit", "not explained"

# What a difference is made of, in the order in which it is taken apart: over which sessions was counted; sessions
# before a pupil came or after they left; codes that count for something else; sessions without a mark.
PERIOD, LEAVERS, CODE_TREATMENT, UNENTERED = PARTS = ("period", "leavers", "code treatment", "unentered marks")

_SAMPLE = 60  # claims by which periods are looked for; what is found is checked on all
_MOST_STEPS = 5  # of the way that the list as a whole was counted in
_MOST_TOLD = 3
_MOST_TRIED = 40  # periods that are checked on every row
# A percentage alone is met by chance by many a way: so many rows must follow from one before it is believed.
_ROWS_FOR_A_TREATMENT = 2
_ROWS_FOR_A_PERIOD, _ROWS_FOR_ANY_PERIOD, _ROWS_FOR_A_MORNING = 2, 4, 6


@dataclass(frozen=True)
class Reading:
    """One way that a list, or a row of it, may have been counted in. `variant`: of `Claims.variants`."""

    way: Way
    variant: int = 0


@dataclass(frozen=True)
class Explained:
    """One row of the list. `ours`, `theirs`: figures by name (theirs: as claimed). `why`: the readings that reproduce
    it, each a list of what is different in words; `alone`: they are of this row only, not of the list, and a mark
    corrected on one side would look the same. `remains`: claimed sessions that even the list's own way of counting
    leaves, theirs less those of that way. `parts`: what of the difference each of PARTS makes, by figure, theirs less
    ours, with the first of the readings, or the list's own way where none fits; parts that make none are left out."""

    row: int
    status: str
    ours: Mapping[str, int]
    theirs: Mapping[str, int]
    why: tuple[tuple[str, ...], ...] = ()
    alone: bool = False
    remains: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reconciliation:
    """`way`: what is different about the list as a whole, in words (nothing: it is counted as ours is); `also`: other
    words that would do as well; `sure`: more rows follow from it than chance would give; `rows`: every claim."""

    way: tuple[str, ...]
    also: tuple[str, ...]
    sure: bool
    rows: tuple[Explained, ...]


def reconcile(inputs: SchoolInputs, first_day: int, last_day: int, claims: Claims) -> Reconciliation:
    """Explain claims beside our own figures of days `first_day` to `last_day`."""
    return _Search(inputs, claims, first_day, last_day).run()


@dataclass(frozen=True)
class _Doubt:
    """What of a reading might as well be otherwise: words, and of which of its steps they are."""

    words: tuple[str, ...] = ()
    period: bool = False
    variant: bool = False
    treatments: frozenset[Treatment] = frozenset()


class _Search:
    def __init__(self, inputs: SchoolInputs, claims: Claims, first_day: int, last_day: int) -> None:
        self.calendar, self.claims = inputs.calendar, claims
        self.tally = Tally(inputs, claims.rows, last_day)
        self.figures = claims.figures
        self.own = Reading(Way(2 * first_day, 2 * last_day + 1))
        self.stated = claims.first is not None and claims.last is not None
        self.treatments = self.tally.treatments(self.figures)
        self.starts, self.usual = _usual_periods(inputs.calendar, last_day)

    def run(self) -> Reconciliation:
        own = self.meets(self.own)
        found, sure = self.of_the_list(own)
        found_meets = self.meets(found)
        sure = sure and (bool(found_meets.all()) or not self.claims.whole)
        doubt = self.doubt(found, found_meets) if found != self.own else _Doubt()
        alone = self.of_single_rows(found, np.flatnonzero(~own & ~found_meets))
        ours, theirs_way = self.table(self.own.way), self.table(found.way)
        rows = []
        for i, row in enumerate(self.claims.rows):
            own_figures = {name: int(ours[i, j]) for j, name in enumerate(self.figures)}
            claimed = self.claims.theirs(i)
            why: tuple[tuple[str, ...], ...] = ()
            remains: dict[str, int] = {}
            if own[i]:
                status = AGREES
            elif found_meets[i]:
                reading = self.needed(found, i)
                certain = sure and not self._doubtful(reading, doubt)
                status, why = EXPLAINED if certain else SEVERAL, (self.words(reading),)
            else:
                why = tuple(dict.fromkeys(self.words(r) for r in alone[i]))
                status = EXPLAINED if len(why) == 1 and not self.claims.whole else SEVERAL if why else UNEXPLAINED
            if status == UNEXPLAINED:
                left = {n: v - int(theirs_way[i, self.figures.index(n)]) for n, v in claimed.items()}
                remains = {n: v for n, v in left.items() if v}
            by_itself = bool(why) and not found_meets[i]
            reading = self.own if own[i] else self.needed(found, i) if found_meets[i] else (alone[i] or [found])[0]
            parts = self.parts(reading, i)
            rows.append(Explained(row, status, own_figures, claimed, why[:_MOST_TOLD], by_itself, remains, parts))
        return Reconciliation(self.words(found) if found != self.own else (), doubt.words, sure, tuple(rows))

    # ---------------------------------------------------------------- what meets the claims

    def table(self, way: Way, rows: npt.NDArray[np.int64] | None = None) -> Longs:
        """Figures by claim, over the way's sessions or those that the list says."""
        if not self.stated:
            return self.tally.figures(way, self.figures, rows)
        at = np.arange(len(self.claims.rows)) if rows is None else rows
        running = self.tally.running(way, self.figures, rows)
        first, last = self.claims.first, self.claims.last
        if first is None or last is None:
            raise AssertionError("a stated period has both ends")
        low = np.clip(np.where(first[at] < 0, way.first, first[at]), 0, self.tally.last + 1)
        high = np.clip(np.where(last[at] < 0, way.last, last[at]) + 1, 0, self.tally.last + 1)
        i = np.arange(len(at))
        return running[i, np.maximum(high, low)] - running[i, low]

    def meets(self, reading: Reading, rows: npt.NDArray[np.int64] | None = None) -> Bools:
        at = np.arange(len(self.claims.rows)) if rows is None else rows
        return self.claims.meets(self.table(reading.way, rows), at, reading.variant)

    def parts(self, reading: Reading, i: int) -> dict[str, dict[str, int]]:
        """What each of PARTS adds to claim i's figures on the way from our way of counting to the reading's."""
        at = np.array([i])
        steps = {part: [t for t in reading.way.treatments if _part_of(t) == part] for part in PARTS[1:]}
        way = replace(reading.way, treatments=())
        before, out = self.table(self.own.way, at)[0], {}
        for part in PARTS:
            way = replace(way, treatments=(*way.treatments, *steps.get(part, ())))
            now = self.table(way, at)[0]
            added = {n: int(now[j] - before[j]) for j, n in enumerate(self.figures) if now[j] != before[j]}
            if added:
                out[part] = added
            before = now
        return out

    # ---------------------------------------------------------------- the list as a whole

    def of_the_list(self, own: Bools) -> tuple[Reading, bool]:
        """The way that meets most claims, and whether it is more than chance. Steps are taken while they gain rows."""
        current, met, sure = self.own, own, True
        for _ in range(_MOST_STEPS):
            if met.all():
                break
            best = self._best(self._steps(current, met), met)
            enough = best is not None and 2 * (best[1].sum() - met.sum()) >= (~met).sum()
            if not enough and not self.stated and (current.way.first, current.way.last) == self._own_period:
                # Where every pupil has a session that counts otherwise, no period meets anything by itself.
                further = self._best(self._double_steps(current, met), met)
                if further is not None and (best is None or further[1].sum() > best[1].sum()):
                    best = further
            if best is None:
                break
            current, met, believed = best
            sure = sure and believed
        return current, sure

    @property
    def _own_period(self) -> tuple[int, int]:
        return self.own.way.first, self.own.way.last

    def _best(self, steps: Iterable[tuple[Reading, int]], met: Bools) -> tuple[Reading, Bools, bool] | None:
        """Of readings with the rows each must gain, the one that gains most, the plainest of equals; what it meets; and
        whether it gains as many as it must. A short list may be met whole by less: that is said to be possible only."""
        best: tuple[tuple[int, int, int], Reading, Bools, bool] | None = None
        for order, (reading, need) in enumerate(steps):
            now = self.meets(reading)
            gain = int(now.sum()) - int(met.sum())
            if gain >= need or (gain >= 1 and bool(now.all())):
                key = (gain - need, -len(reading.way.treatments), -order)
                if best is None or key > best[0]:
                    best = key, reading, now, gain >= need
        return None if best is None else best[1:]

    def _steps(self, current: Reading, met: Bools) -> Iterable[tuple[Reading, int]]:
        """Readings one step further, the plainer first, each with the rows that it must gain."""
        telling = bool(self.claims.telling.any())
        for variant in range(len(self.claims.variants)):
            if variant != current.variant:
                yield replace(current, variant=variant), 1
        for t in self._singles(current):
            yield replace(current, way=current.way.with_treatment(t)), 1 if telling else _ROWS_FOR_A_TREATMENT
        if self.stated:
            return
        for first, last in self._periods(current, self._sample(met), np.arange(0, self.tally.last + 1, 2)):
            yield replace(current, way=current.way.over(first, last)), 1 if telling else self._rows_for(first, last)

    def _double_steps(self, current: Reading, met: Bools) -> Iterable[tuple[Reading, int]]:
        """A treatment and a period at once."""
        telling, sample = bool(self.claims.telling.any()), self._sample(met)
        for t in self._singles(current):
            with_it = replace(current, way=current.way.with_treatment(t))
            for first, last in self._periods(with_it, sample, self.starts)[:1]:
                need = 2 if telling else self._rows_for(first, last) + 1
                yield replace(with_it, way=with_it.way.over(first, last)), need

    def _rows_for(self, first: int, last: int) -> int:
        """Rows that must follow from a period before it is believed of percentages alone."""
        if last % 2 == 0:
            return _ROWS_FOR_A_MORNING
        usual = (first, last) in self.usual or first == self.own.way.first
        return _ROWS_FOR_A_PERIOD if usual else _ROWS_FOR_ANY_PERIOD

    def _singles(self, current: Reading) -> list[Treatment]:
        """Treatments of kinds that the reading does not treat otherwise already."""
        treated = {k for t in current.way.treatments for k in t.kinds}
        return [t for t in self.treatments if not treated & set(t.kinds)]

    def _sample(self, met: Bools) -> npt.NDArray[np.int64]:
        """Claims to look for periods by: first those not yet met, then others, evenly over the list."""
        unmet, rest = np.flatnonzero(~met), np.flatnonzero(met)
        if len(unmet) > _SAMPLE * 2 // 3:
            unmet = unmet[np.linspace(0, len(unmet) - 1, _SAMPLE * 2 // 3).astype(np.int64)]
        if len(rest) > _SAMPLE // 3:
            rest = rest[np.linspace(0, len(rest) - 1, _SAMPLE // 3).astype(np.int64)]
        return np.sort(np.concatenate([unmet, rest]))

    def _periods(
        self, reading: Reading, sample: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]
    ) -> list[tuple[int, int]]:
        """Sessions (first, last) that meet most claims of the sample, the most usual of them first; a handful."""
        running = self.tally.running(reading.way, self.figures, sample)
        found: list[tuple[int, int, int]] = []
        for first in starts.tolist():
            table = running[:, first + 1 :] - running[:, first : first + 1]
            score = self.claims.meets(table, sample, reading.variant).sum(axis=0)
            top = int(score.max(initial=0))
            ends = first + np.flatnonzero(score == top) if top else []
            found += [(top, first, int(last)) for last in ends]
        most = max((score for score, _, _ in found), default=0)
        if not most:
            return []
        best = [(first, last) for score, first, last in found if score == most]
        return sorted(best, key=self._oddness)[:4]

    def _oddness(self, period: tuple[int, int]) -> tuple[int, ...]:
        """How unusual a period is: one that begins with ours, then terms, months and weeks, then any; long before
        short."""
        first, last = period
        own = self.own.way
        rank = 0 if first == own.first else 1 if period in self.usual else 2 if first in self.starts else 3
        return rank, int(last % 2 == 0), -(last - first)

    def doubt(self, found: Reading, met: Bools) -> _Doubt:
        """Other readings, as plain as the one found, that meet the very same claims."""
        words: list[str] = []
        treatments: set[Treatment] = set()
        for t in found.way.treatments:
            rest = tuple(u for u in found.way.treatments if u is not t)
            for other in self.treatments:
                trial = replace(found, way=replace(found.way, treatments=(*rest, other)))
                if other not in found.way.treatments and np.array_equal(self.meets(trial), met):
                    treatments.add(t)
                    words.append(f"{other.words}, instead of {t.words}")
        variant = False
        for v in range(1, len(self.claims.variants)):
            if found.variant not in (0, v) and np.array_equal(self.meets(replace(found, variant=v)), met):
                variant = True
                words.append(self.claims.variants[v])
        other_periods = 0
        if not self.stated and (found.way.first, found.way.last) != self._own_period:
            other_periods = self._periods_that_fit(found, np.flatnonzero(met)) - 1
            if other_periods > 0:
                many = "one other period" if other_periods == 1 else f"{other_periods} other periods"
                if other_periods >= _MOST_TRIED:
                    many = "many other periods"
                words.insert(0, f"{many} would do as well")
        return _Doubt(tuple(words[: _MOST_TOLD + 1]), other_periods > 0, variant, frozenset(treatments))

    def _periods_that_fit(self, found: Reading, rows: npt.NDArray[np.int64]) -> int:
        """How many periods meet all the claims `rows`, looked for on some and checked on all; at most _MOST_TRIED."""
        few = rows[np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE)).astype(np.int64)]
        running = self.tally.running(found.way, self.figures, few)
        fits = tried = 0
        for first in range(0, self.tally.last + 1, 2):
            table = running[:, first + 1 :] - running[:, first : first + 1]
            for last in first + np.flatnonzero(self.claims.meets(table, few, found.variant).all(axis=0)):
                fits += bool(self.meets(replace(found, way=found.way.over(first, int(last))), rows).all())
                tried += 1
                if tried > _MOST_TRIED:
                    return fits
        return fits

    # ---------------------------------------------------------------- one row

    def needed(self, found: Reading, i: int) -> Reading:
        """Of what is different about the list, as little as reproduces this row."""
        at = np.array([i])
        own = self.own.way

        def meets(reading: Reading) -> bool:
            return bool(self.meets(reading, at)[0])

        out = found
        trials: list[Callable[[Reading], Reading]] = [lambda r: replace(r, variant=0)]
        trials += [
            lambda r, t=t: replace(r, way=replace(r.way, treatments=tuple(u for u in r.way.treatments if u is not t)))  # type: ignore[misc]
            for t in found.way.treatments
        ]
        trials.append(lambda r: replace(r, way=r.way.over(own.first, own.last)))
        for trial in trials:
            if meets(trial(out)):
                out = trial(out)
        return out

    def of_single_rows(self, found: Reading, at: npt.NDArray[np.int64]) -> dict[int, list[Reading]]:
        """Readings of each row that the list's own way does not reproduce: one step from it, or from ours."""
        good: dict[int, list[Reading]] = {int(i): [] for i in at}
        if not len(at):
            return good
        bases = list(dict.fromkeys([found, self.own]))
        for reading in (step for base in bases for step in self._single_steps(base)):
            for i in at[self.meets(reading, at)].tolist():
                good[i].append(reading)
        telling = self.claims.telling
        for i, steps in good.items():
            readings = steps
            if not steps and telling[i] and not self.stated:
                readings = self._periods_of_one(found, i)
            needed = [self.needed(r, i) for r in readings]
            least = min((self._steps_of(r) for r in needed), default=0)
            good[i] = [r for r in dict.fromkeys(needed) if self._steps_of(r) == least]
        return good

    def _doubtful(self, reading: Reading, doubt: _Doubt) -> bool:
        period = (reading.way.first, reading.way.last) != self._own_period
        return (
            (period and doubt.period)
            or (reading.variant > 0 and doubt.variant)
            or bool(doubt.treatments & set(reading.way.treatments))
        )

    def _single_steps(self, base: Reading) -> list[Reading]:
        out = [replace(base, variant=v) for v in range(len(self.claims.variants)) if v != base.variant]
        return out + [replace(base, way=base.way.with_treatment(t)) for t in self._singles(base)]

    def _periods_of_one(self, base: Reading, i: int) -> list[Reading]:
        """The row's own last session, or its own first: a list that stopped, or began, elsewhere for this pupil."""
        running = self.tally.running(base.way, self.figures, np.array([i]))
        first, last = base.way.first, base.way.last
        ends = running[:, first + 1 :] - running[:, first : first + 1]
        starts = running[:, last + 1 : last + 2] - running[:, : last + 1]
        ends_met = first + np.flatnonzero(self.claims.meets(ends, np.array([i]), base.variant)[0])
        starts_met = np.flatnonzero(self.claims.meets(starts, np.array([i]), base.variant)[0])
        # Of periods that differ only by sessions of nothing, the longest.
        chosen = [(first, int(e)) for e in ends_met[-1:]] + [(int(s), last) for s in starts_met[:1]]
        return [replace(base, way=base.way.over(a, b)) for a, b in chosen]

    def _steps_of(self, reading: Reading) -> int:
        own = self.own.way
        return (
            int(reading.variant != 0)
            + len(reading.way.treatments)
            + int(reading.way.first != own.first)
            + int(reading.way.last != own.last)
        )

    # ---------------------------------------------------------------- words

    def words(self, reading: Reading) -> tuple[str, ...]:
        own, way = self.own.way, reading.way
        out = []
        if (way.first, way.last) != (own.first, own.last):
            out.append(f"period: {period_words(self.calendar, way.first, way.last)}")
        out += [t.words for t in way.treatments]
        if reading.variant:
            out.append(self.claims.variants[reading.variant])
        return tuple(out)


def _part_of(treatment: Treatment) -> str:
    if treatment.kinds[0] == UNMARKED:
        return UNENTERED
    return LEAVERS if treatment.kinds[0] in (BEFORE_ENTRY, AFTER_LEAVING) else CODE_TREATMENT


def _usual_periods(calendar: SchoolCalendar, last_day: int) -> tuple[npt.NDArray[np.int64], set[tuple[int, int]]]:
    """First sessions of years, terms, half-terms, months and weeks up to a day; and those periods as wholes."""
    spans: set[tuple[int, int]] = set()
    months = calendar.days[: last_day + 1].astype("datetime64[M]")
    days = np.arange(last_day + 1)
    for group in (calendar.year, calendar.term, calendar.week, months):
        part = group[: last_day + 1]
        first, last = np.searchsorted(part, part, side="left"), np.searchsorted(part, part, side="right") - 1
        spans |= set(zip(first.tolist(), last.tolist(), strict=True))
    spans |= {(h.first, min(h.last, last_day)) for h in calendar.half_terms if h.first <= last_day}
    # From such a start to the end of any such part, as `the autumn and the spring term`.
    starts, ends = sorted({a for a, _ in spans}), sorted({b for _, b in spans})
    usual = {(2 * a, 2 * b + 1) for a in starts for b in ends if a <= b}
    return np.array([2 * a for a in starts if a in days], dtype=np.int64), usual
