"""Patterns in a pupil's absence and lateness: weekdays, breaks, spells, broken weeks, lates. Figures and plain words.

Belongs here: what can be seen in one pupil's sessions and the calendar, for all pupils of a school at once. Not here:
patterns of a class or cohort (`group_patterns`), of brothers and sisters (`families`), and any consequence: a pattern
is something to talk about, it never opens a stage and never stands in a letter.

Absence is as in the measures: U counts, and the words say so where it matters. A pattern is said to be one only when it
is more than chance: a spell of absence could have begun on any school day, and the question is how many spells touch,
say, a Monday. A spell is counted once however long it is, so a week of illness says nothing about Mondays, and one from
Friday to Monday is one event. What is said of weekdays (or of breaks, or of lates) befalls fewer than `CHANCE` of
pupils whose absences have no pattern.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.chance import at_least
from attendance_pipeline.derive.dates import short_date
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.spells import ABSENT, Bools, Longs, Spells, counted_for, edges, find_spells
from attendance_pipeline.law.register_codes import ATTENDED, LATE_AFTER, LATE_BEFORE, POSSIBLE
from attendance_pipeline.law.school_calendar import SchoolCalendar

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
LATE = LATE_BEFORE | LATE_AFTER
NO_MINUTES = -1

# How sure a sentence has to be. Not policy: nothing follows from a pattern but a talk, and a school that is told of
# patterns that are none stops reading them.
CHANCE = 0.01
MIN_WEEKS = 6  # school weeks on roll below which no pattern is named
MIN_EVENTS = 3  # spells or lates on the days in question

# What is looked for besides single weekdays; each is paid for, as all that is looked for shares in CHANCE.
TARGETS = (*((d,) for d in range(5)), (0, 4))
_TARGET_WORDS = (*(f"{name}s" for name in WEEKDAYS), "Mondays or Fridays")
SHORT_SPELL = 2  # sessions: a day or less
WEEK_SPELL = 10  # sessions: a school week or more
_SURE = f"more than chance would bring (fewer than 1 pupil in {round(1 / CHANCE)})"


@dataclass(frozen=True)
class WeekdayPattern:
    """Days by weekday, Monday first: `days` with a possible session, `absent` of them with an absent one.

    `chosen`: indexes of the weekdays that stand out, empty when none does; `late_ones`: absent sessions on them that
    are arrivals after the register closed. `sentence` is empty when nothing stands out.
    """

    days: tuple[int, ...]
    absent: tuple[int, ...]
    chosen: tuple[int, ...]
    late_ones: int

    @property
    def short(self) -> str:
        return _TARGET_WORDS[TARGETS.index(self.chosen)] if self.chosen else ""

    @property
    def sentence(self) -> str:
        if not self.chosen:
            return ""
        days, absent = (sum(by[i] for i in self.chosen) for by in (self.days, self.absent))
        other_days, other = sum(self.days) - days, sum(self.absent) - absent
        late = f" ({_sessions(self.late_ones)} of it arrivals after the register closed)" if self.late_ones else ""
        return f"Absent on {absent} of {days} {self.short}{late} and on {other} of {other_days} other days: {_SURE}."


@dataclass(frozen=True)
class BreakPattern:
    """School days next to a break: possible ones and those with an absence, before, after, and either of both.

    `where`: "before", "after", "next to", or empty when nothing stands out.
    """

    before_days: int
    before_absent: int
    after_days: int
    after_absent: int
    edge_days: int
    edge_absent: int
    other_days: int
    other_absent: int
    where: str

    @property
    def short(self) -> str:
        return f"{self.where} breaks" if self.where else ""

    @property
    def sentence(self) -> str:
        if not self.where:
            return ""
        days, absent = {
            "before": (self.before_days, self.before_absent),
            "after": (self.after_days, self.after_absent),
            "next to": (self.edge_days, self.edge_absent),
        }[self.where]
        whole, gone = self.edge_days + self.other_days, self.edge_absent + self.other_absent
        return (
            f"Absent on {absent} of {days} school days {self.where} a holiday, half-term, INSET day or bank holiday "
            f"and on {gone - absent} of {whole - days} other days: {_SURE}."
        )


@dataclass(frozen=True)
class SpellPattern:
    """Spells of absence: how many, of a day or less, of a school week or more, absent sessions in all; the longest
    with the numbers of its days, which are -1 when there is none; whether the newest still runs."""

    spells: int
    short_ones: int
    long_ones: int
    sessions: int
    longest: int
    longest_from: int
    longest_to: int
    longest_words: str
    running: bool

    @property
    def short(self) -> str:
        """Named where short absences keep coming back."""
        if self.spells < MIN_EVENTS:
            return ""
        return f"{self.spells} spells, {self.short_ones} of a day or less"

    @property
    def sentence(self) -> str:
        if self.spells == 0:
            return ""
        many = "One spell" if self.spells == 1 else f"{self.spells} spells"
        if self.spells == 1:
            return f"One spell of absence, of {days_words(self.longest)} ({self.longest_words})."
        return (
            f"{many} of absence, {self.short_ones} of a day or less; the longest of {days_words(self.longest)} "
            f"({self.longest_words})."
        )


@dataclass(frozen=True)
class WeekPattern:
    """School weeks with a possible session: `full` none absent, `broken` some absent and some attended, `missed` none
    attended. `latest`: how many of the newest weeks one after another were not full."""

    weeks: int
    full: int
    broken: int
    missed: int
    latest: int

    @property
    def short(self) -> str:
        return f"{self.broken} of {self.weeks} weeks broken" if 2 * self.broken >= self.weeks >= MIN_WEEKS else ""

    @property
    def sentence(self) -> str:
        if self.broken + self.missed == 0:
            return ""
        missed = f" and {self.missed} missed whole" if self.missed else ""
        run = f"; none of the last {self.latest} was full" if self.latest >= MIN_EVENTS else ""
        return f"Of {self.weeks} school weeks {self.broken} were broken by absence{missed}{run}."


@dataclass(frozen=True)
class LatePattern:
    """Late sessions (L and U) and days by weekday, Monday first: `came` days on which the pupil came at all, `late` of
    them with a late session. `after_close`: sessions of U. `known`, `minutes`, `most`: sessions whose minutes are
    recorded, their sum and the most. `chosen`: the weekday that stands out, -1 for none."""

    sessions: int
    after_close: int
    came: tuple[int, ...]
    late: tuple[int, ...]
    known: int
    minutes: int
    most: int
    chosen: int

    @property
    def short(self) -> str:
        return f"late on {WEEKDAYS[self.chosen]}s" if self.chosen >= 0 else ""

    @property
    def sentence(self) -> str:
        if self.sessions == 0:
            return ""
        said = f"Late {_times(self.sessions)}"
        if self.after_close:
            said += f", {self.after_close} of them after the register closed"
        if self.known:
            mean = (2 * self.minutes + self.known) // (2 * self.known)
            where = "" if self.known == self.sessions else f" (recorded for {self.known})"
            said += f"; {self.minutes} minutes in all{where}, {mean} on average, {self.most} at most"
        if self.chosen >= 0:
            on, days = self.late[self.chosen], self.came[self.chosen]
            said += (
                f"; on {on} of {days} {WEEKDAYS[self.chosen]}s and {sum(self.late) - on} of {sum(self.came) - days} "
            )
            said += f"other days: {_SURE}"
        return said + "."


@dataclass(frozen=True)
class PupilPatterns:
    """What can be seen in one pupil's sessions."""

    weekdays: WeekdayPattern
    breaks: BreakPattern
    spells: SpellPattern
    weeks: WeekPattern
    lates: LatePattern

    @property
    def sentences(self) -> tuple[str, ...]:
        """A plain sentence each, what is remarkable first; empty for a pupil who was always there and on time."""
        parts = (self.weekdays, self.breaks, self.spells, self.weeks, self.lates)
        return tuple(p.sentence for p in parts if p.sentence)

    @property
    def stands_out(self) -> tuple[str, ...]:
        """The sentences that say more than chance."""
        chosen = (self.weekdays.chosen, self.breaks.where, self.lates.chosen >= 0)
        said = (self.weekdays.sentence, self.breaks.sentence, self.lates.sentence)
        return tuple(sentence for sentence, stands in zip(said, chosen, strict=True) if stands)

    @property
    def short(self) -> tuple[str, ...]:
        """A few words each, for a column of a list: only what is worth a teacher's eye."""
        parts = (self.weekdays, self.breaks, self.lates, self.weeks, self.spells)
        return tuple(p.short for p in parts if p.short)


@dataclass(frozen=True)
class SchoolPatterns:
    """The patterns of all P pupils of a school over days `first` to `last` (n of them). Ask `of(row)` for a pupil's.

    `day_possible`, `day_absent`, `day_late`, `day_came`: bool[P, n].
    """

    inputs: SchoolInputs
    first: int
    last: int
    counted: npt.NDArray[np.uint16]
    minutes: npt.NDArray[np.integer] | None
    spells: Spells

    @cached_property
    def day_possible(self) -> Bools:
        return ((self.counted & POSSIBLE) != 0).any(axis=2)

    @cached_property
    def day_absent(self) -> Bools:
        return ((self.counted & ABSENT) != 0).any(axis=2)

    @cached_property
    def day_late(self) -> Bools:
        return ((self.counted & LATE) != 0).any(axis=2)

    @cached_property
    def day_came(self) -> Bools:
        return ((self.counted & (ATTENDED | LATE_AFTER)) != 0).any(axis=2)

    def of(self, pupil: int) -> PupilPatterns:
        """The patterns of a row of PupilTable."""
        return PupilPatterns(
            self._weekdays(pupil), self._breaks(pupil), self._spells(pupil), self._weeks(pupil), self._lates(pupil)
        )

    # ------------------------------------------------------------ counted for the whole school

    @property
    def _calendar(self) -> SchoolCalendar:
        return self.inputs.calendar

    @cached_property
    def weekday_table(self) -> Longs:
        """0 and 1 by day and weekday: int64[n, 5]."""
        return np.eye(5, dtype=np.int64)[self._calendar.weekday[self.first : self.last + 1]]

    @cached_property
    def edge_days(self) -> tuple[Bools, Bools]:
        """The days before and after a break: bool[n] each."""
        before, after = edges(self._calendar)
        return before[self.first : self.last + 1], after[self.first : self.last + 1]

    @cached_property
    def _by_weekday(self) -> dict[str, Longs]:
        tables = {
            "possible": self.day_possible,
            "absent": self.day_absent,
            "late": self.day_late,
            "came": self.day_came,
        }
        return {name: table.astype(np.int64) @ self.weekday_table for name, table in tables.items()}

    @cached_property
    def _by_edge(self) -> dict[str, Longs]:
        before, after = self.edge_days
        columns = np.stack([before, after, before | after, np.ones(len(before), dtype=np.bool_)], axis=1)
        tables = {"possible": self.day_possible, "absent": self.day_absent}
        return {name: table.astype(np.int64) @ columns.astype(np.int64) for name, table in tables.items()}

    @cached_property
    def weeks(self) -> dict[str, Bools]:
        """By pupil and school week: whether any session of it was possible, absent, attended: bool[P, weeks]."""
        week = self._calendar.week[self.first : self.last + 1]
        starts = np.flatnonzero(np.r_[True, week[1:] != week[:-1]])
        tables = {"possible": POSSIBLE, "absent": ABSENT, "attended": ATTENDED}
        return {
            name: np.logical_or.reduceat(((self.counted & bits) != 0).any(axis=2), starts, axis=1)
            for name, bits in tables.items()
        }

    @cached_property
    def enough_weeks(self) -> Bools:
        return np.asarray(self.weeks["possible"].sum(axis=1) >= MIN_WEEKS)

    @cached_property
    def _weekday_chosen(self) -> Longs:
        """By pupil the index in TARGETS that stands out; -1 for none."""
        targets = np.stack([self.weekday_table[:, list(t)].any(axis=1) for t in TARGETS])
        return self._standing_out(targets)

    @cached_property
    def _edge_chosen(self) -> Longs:
        before, after = self.edge_days
        return self._standing_out(np.stack([before | after, before, after]))

    def _standing_out(self, targets: Bools) -> Longs:
        """Of targets (bool[T, n]: sets of days) that which each pupil's spells touch most improbably often, where that
        is improbable enough among all T: int64[P], -1 where none is."""
        chances = touch_chances(self, targets)
        touched = spells_that_touch(self.spells, targets, self.first)
        p_values = np.ones((len(self.inputs), len(targets)))
        for t in range(len(targets)):
            counts = np.bincount(self.spells.pupil, weights=touched[t], minlength=len(self.inputs)).astype(np.int64)
            asked = np.flatnonzero((counts >= MIN_EVENTS) & self.enough_weeks)
            p_values[asked, t] = at_least(_rows(self.spells, chances[t], asked), counts[asked])
        best = p_values.argmin(axis=1)
        sure = p_values[np.arange(len(best)), best] * len(targets) < CHANCE
        return np.where(sure, best, -1)

    @cached_property
    def _late_chosen(self) -> Longs:
        """The weekday on which a pupil is late more often than chance; -1 for none."""
        late, came = self._by_weekday["late"], self._by_weekday["came"]
        p_values = np.ones(late.shape)
        for w in range(5):
            asked = np.flatnonzero((late[:, w] >= MIN_EVENTS) & self.enough_weeks)
            events = late[asked].sum(axis=1)
            share = came[asked, w] / np.maximum(came[asked].sum(axis=1), 1)
            chances = np.where(np.arange(events.max(initial=0)) < events[:, None], share[:, None], 0.0)
            p_values[asked, w] = at_least(chances, late[asked, w])
        best = p_values.argmin(axis=1)
        return np.where(p_values[np.arange(len(best)), best] * 5 < CHANCE, best, -1)

    # ------------------------------------------------------------ one pupil

    def _weekdays(self, p: int) -> WeekdayPattern:
        number = int(self._weekday_chosen[p])
        chosen = TARGETS[number] if number >= 0 else ()
        on = self.weekday_table[:, list(chosen)].any(axis=1)
        return WeekdayPattern(
            days=tuple(self._by_weekday["possible"][p].tolist()),
            absent=tuple(self._by_weekday["absent"][p].tolist()),
            chosen=chosen,
            late_ones=int(((self.counted[p, on] & LATE_AFTER) != 0).sum()),
        )

    def _breaks(self, p: int) -> BreakPattern:
        days, absent = self._by_edge["possible"][p].tolist(), self._by_edge["absent"][p].tolist()
        where = ("next to", "before", "after", "")[int(self._edge_chosen[p])]
        return BreakPattern(
            days[0], absent[0], days[1], absent[1], days[2], absent[2], days[3] - days[2], absent[3] - absent[2], where
        )

    def _spells(self, p: int) -> SpellPattern:
        mine = self.spells.of(p)
        sessions = self.spells.sessions[mine]
        if len(sessions) == 0:
            return SpellPattern(0, 0, 0, 0, 0, -1, -1, "", False)
        longest = int(sessions.argmax())
        begin, end = (int(v[mine][longest]) for v in (self.spells.first_day, self.spells.last_day))
        newest = int(self.spells.last[mine][-1])
        later = self.counted[p].reshape(-1)[newest + 1 - 2 * self.first :]
        return SpellPattern(
            spells=len(sessions),
            short_ones=int((sessions <= SHORT_SPELL).sum()),
            long_ones=int((sessions >= WEEK_SPELL).sum()),
            sessions=int(sessions.sum()),
            longest=int(sessions[longest]),
            longest_from=begin,
            longest_to=end,
            longest_words=span_words(self._calendar, begin, end),
            running=not bool((later & ATTENDED).any()) and bool(self.inputs.pupils.on_roll(self.last)[p]),
        )

    def _weeks(self, p: int) -> WeekPattern:
        possible = self.weeks["possible"][p]
        absent, attended = self.weeks["absent"][p][possible], self.weeks["attended"][p][possible]
        full = np.flatnonzero(~absent)
        latest = len(absent) - 1 - (int(full[-1]) if len(full) else -1)
        return WeekPattern(
            weeks=len(absent),
            full=len(full),
            broken=int((absent & attended).sum()),
            missed=int((absent & ~attended).sum()),
            latest=latest,
        )

    def _lates(self, p: int) -> LatePattern:
        late = (self.counted[p] & LATE) != 0
        known: npt.NDArray[np.integer] = np.zeros(0, dtype=np.int64)
        if self.minutes is not None:
            given = self.minutes[p, self.first : self.last + 1][late]
            known = given[given != NO_MINUTES]
        return LatePattern(
            sessions=int(late.sum()),
            after_close=int(((self.counted[p] & LATE_AFTER) != 0).sum()),
            came=tuple(self._by_weekday["came"][p].tolist()),
            late=tuple(self._by_weekday["late"][p].tolist()),
            known=len(known),
            minutes=int(known.sum()),
            most=int(known.max(initial=0)),
            chosen=int(self._late_chosen[p]),
        )


def patterns_of(
    inputs: SchoolInputs, first: int, last: int, minutes: npt.NDArray[np.integer] | None = None
) -> SchoolPatterns:
    """The patterns of every pupil over school days first to last, usually from the first day of the academic year.

    `minutes`: minutes late of each session, int[P, school days of the calendar, 2], NO_MINUTES where none are recorded.
    Raises ValueError for days outside the calendar.
    """
    if not 0 <= first <= last < len(inputs.calendar):
        raise ValueError(f"expected school days within 0 to {len(inputs.calendar) - 1}, not {first} to {last}")
    counted = counted_for(inputs, first, last)
    return SchoolPatterns(inputs, first, last, counted, minutes, find_spells(counted, first))


def spells_that_touch(spells: Spells, targets: Bools, first: int) -> Bools:
    """Whether each spell has a day of each target: bool[T, spells]. `targets`: bool[T, n] of days from `first` on."""
    running = _running(targets)
    return np.asarray(running[:, spells.last_day - first + 1] > running[:, spells.first_day - first])


def touch_chances(patterns: SchoolPatterns, targets: Bools, chosen: slice = slice(None)) -> npt.NDArray[np.float64]:
    """The chance that a spell of its length, begun on any day on which it fits into the pupil's time on roll, has a day
    of each target: float64[T, spells chosen]."""
    spells, pupils = patterns.spells, patterns.inputs.pupils
    pupil = spells.pupil[chosen]
    begin = np.maximum(pupils.entry[pupil], patterns.first) - patterns.first
    end = np.minimum(pupils.leave[pupil], patterns.last) - patterns.first
    length = (spells.last_day - spells.first_day + 1)[chosen]
    running = _running(targets)
    kinds, which = np.unique(np.stack([begin, end, length], axis=1), axis=0, return_inverse=True)
    chances = np.zeros((len(targets), len(kinds)))
    for i, (low, high, days) in enumerate(kinds.tolist()):
        starts = np.arange(low, high - days + 2)
        chances[:, i] = (running[:, starts + days] > running[:, starts]).mean(axis=1)
    return chances[:, which.reshape(-1)]


def _running(targets: Bools) -> Longs:
    """How many days of each target lie before each day: int64[T, n + 1]."""
    return np.concatenate([np.zeros((len(targets), 1), dtype=np.int64), np.cumsum(targets, axis=1)], axis=1)


def _rows(spells: Spells, chances: npt.NDArray[np.float64], pupils: Longs) -> npt.NDArray[np.float64]:
    """The chances of each pupil's spells in a row of a table, padded with 0."""
    counts = spells.offsets[pupils + 1] - spells.offsets[pupils]
    column = np.arange(counts.max(initial=0))
    inside = column < counts[:, None]
    place = np.where(inside, spells.offsets[pupils][:, None] + column, 0)
    return np.where(inside, chances[place], 0.0) if len(chances) else np.zeros(inside.shape)


# ---------------------------------------------------------------- words


def days_words(sessions: int) -> str:
    """A number of sessions as days: half a day, 1 day, 2½ days."""
    whole, half = divmod(sessions, 2)
    if whole == 0:
        return "half a day"
    return f"{whole}{'½' if half else ''} {'day' if sessions == 2 else 'days'}"


def span_words(calendar: SchoolCalendar, first: int, last: int) -> str:
    """Two school days as dates: Mon 5 Jan 2026 to Wed 7 Jan 2026, or one where they are the same."""
    begin, end = short_date(calendar.date(first)), short_date(calendar.date(last))
    return begin if first == last else f"{begin} to {end}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"
