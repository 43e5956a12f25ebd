"""The figures of the weekly monitoring, counted from arrays: groups, pupils, registers, codes, lessons, what was tried.

Belongs here: what is counted, over whom and when. Not here: rules of patterns and registers (`derive/`), hiding small
groups and the pages (`monitoring_page.py`), the workbook (`monitoring_sheets.py`).

Three windows: the school week looked at, the four school weeks up to its end, and the academic year up to its end.
Groups are of the pupils on roll on the last day, as in the table `groups` of `attendance export`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import Counts
from attendance_pipeline.derive.families import Family, Together, absent_together
from attendance_pipeline.derive.group_patterns import GroupPatterns, group_patterns
from attendance_pipeline.derive.groups import GROUP_KINDS, Grouping
from attendance_pipeline.derive.lesson_attendance import LessonAttendance
from attendance_pipeline.derive.patterns import PupilPatterns, SchoolPatterns, patterns_of
from attendance_pipeline.derive.register_inspection import (
    CodeUse,
    Inspection,
    Looked,
    StandsOut,
    UnexplainedN,
    code_use,
    codes_that_stand_out,
    inspect_registers,
    unexplained,
)
from attendance_pipeline.derive.tables import flagged_groups, windows_of
from attendance_pipeline.derive.tiers import HUNDRED_PERCENT
from attendance_pipeline.derive.tried import Entry, Followed, Summary, WentOn, followed, summed, went_on
from attendance_pipeline.derive.year import Derived, count_school
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.rounds import weeks_of_year
from attendance_pipeline.reports.benchmarks import SAME_WEEK_LAST_YEAR, Comparison, Published
from attendance_pipeline.reports.figures import rounded, tenths
from attendance_pipeline.reports.governor_figures import YEAR_NAMES

Bools = npt.NDArray[np.bool_]
SCHOOL, YEAR, CLASS, COHORT = "school", "year", "class", "cohort"


@dataclass(frozen=True)
class MonitoringInputs:
    """What a monitoring is made from. `derived`: from the first day of the academic year to `day` at least.

    `day`: the last day looked at. `names`: by row of PupilTable, the name and the name to sort by. `minutes`: int[P,
    days of the calendar, 2], as `derive.patterns` reads it; `recorded`: int64[P, days of the year to `day`, 2], as
    `derive.register_inspection` does; None where they are not known. `lessons`: None where the school has none.
    """

    school_name: str
    phase: str
    derived: Derived
    day: int
    names: Mapping[int, tuple[str, str]]
    families: Sequence[Family]
    entries: Sequence[Entry]
    looked: Looked
    published: Comparison
    as_at: str
    minutes: npt.NDArray[np.integer] | None = None
    recorded: npt.NDArray[np.int64] | None = None
    lessons: LessonAttendance | None = None

    @property
    def year_start(self) -> int:
        return int(self.derived.inputs.calendar.year_start[self.day])

    @property
    def week_start(self) -> int:
        calendar = self.derived.inputs.calendar
        return max(int(calendar.week_first[calendar.week[self.day]]), self.year_start)

    @property
    def date(self) -> dt.date:
        return self.derived.inputs.calendar.date(self.day)


@dataclass(frozen=True)
class Sums:
    """Sessions of some pupils in one window."""

    possible: int
    attended: int
    authorised: int
    unauthorised: int
    late_before: int
    late_after: int

    @property
    def late(self) -> int:
        return self.late_before + self.late_after

    @property
    def attendance(self) -> Fraction | None:
        return Fraction(self.attended, self.possible) if self.possible else None


@dataclass(frozen=True)
class GroupRow:
    """The school, a year, a class or a cohort. `flagged`: to be considered for a group intervention (rules.md 4)."""

    kind: str
    name: str
    members: Bools
    week: Sums
    rolling: Sums
    year: Sums
    persistent: int
    severe: int
    flagged: bool
    patterns: GroupPatterns

    @property
    def pupils(self) -> int:
        return int(self.members.sum())


@dataclass(frozen=True)
class PupilRow:
    """A pupil on roll. `pupil`: row of PupilTable."""

    pupil: int
    name: str
    sort_name: str
    class_name: str
    year_group: str
    stage: int
    week: Sums
    year: Sums
    patterns: PupilPatterns


@dataclass(frozen=True)
class Beside:
    """The school's pupils aged 5 to 15 beside published figures, the year up to the same day: percent with one decimal.

    `to`: until when the school's figure counts. `of`: the published area; None: the school itself.
    """

    name: str
    attendance: Decimal | None
    authorised: Decimal | None
    unauthorised: Decimal | None
    persistent: Decimal | None


@dataclass(frozen=True)
class Benchmark:
    """The school, and each published area that has figures; `pupils` of the school's, `to`: the last day counted of
    them; `said`: which published figures these are."""

    rows: tuple[Beside, ...]
    pupils: int
    to: dt.date | None
    said: str


@dataclass(frozen=True)
class Week:
    """A school week: its first day, its half-term, and the school's sessions in it and in the year up to its end."""

    first: dt.date
    half_term: str
    week: Sums
    year: Sums


@dataclass(frozen=True)
class Monitoring:
    """Everything of one week's monitoring."""

    given: MonitoringInputs
    groups: tuple[GroupRow, ...]
    weeks: tuple[Week, ...]
    pupils: tuple[PupilRow, ...]
    families: tuple[Together, ...]
    registers: Inspection
    registers_week: Inspection
    unexplained: tuple[UnexplainedN, ...]
    codes: Mapping[str, tuple[CodeUse, CodeUse]]  # by group kind and name (see `code_key`): four weeks, and the year
    stand_out: tuple[StandsOut, ...]
    benchmark: Benchmark
    followed: tuple[Followed, ...]
    tried: tuple[Summary, ...]
    went_on: tuple[WentOn, ...]

    @property
    def school(self) -> GroupRow:
        return self.groups[0]

    def of_kind(self, kind: str) -> tuple[GroupRow, ...]:
        return tuple(g for g in self.groups if g.kind == kind)


def code_key(kind: str, name: str) -> str:
    return f"{kind} {name}"


def monitor(given: MonitoringInputs) -> Monitoring:
    """Count everything. A school of 1,500 pupils takes about a second."""
    inputs, day, start = given.derived.inputs, given.day, given.year_start
    calendar = inputs.calendar
    counts = count_school(inputs, start, day)
    patterns = patterns_of(inputs, start, day, given.minutes)
    four = max(int(calendar.window_start(4, within_year=True)[day]), start)
    groups = _groups(given, counts, patterns, four)
    things = followed(inputs, counts, given.entries, day)
    registers = inspect_registers(inputs, start, day, given.looked, given.recorded)
    return Monitoring(
        given=given,
        groups=groups,
        weeks=_weeks(given, counts, groups[0].members),
        pupils=_pupils(given, counts, patterns),
        families=tuple(absent_together(patterns, given.families)),
        registers=registers,
        registers_week=_since(registers, given.week_start),
        unexplained=tuple(unexplained(inputs, day, inputs.policy.setting.statutory.resolve_n_school_days)),
        codes={
            code_key(g.kind, g.name): (
                code_use(inputs, four, day, g.members),
                code_use(inputs, start, day, g.members),
            )
            for g in groups
            if g.kind != COHORT
        },
        stand_out=tuple(codes_that_stand_out(inputs, start, day)),
        benchmark=_benchmark(given, counts),
        followed=tuple(things),
        tried=tuple(summed(things)),
        went_on=tuple(went_on(inputs, given.derived.events, given.entries, day)),
    )


def _since(year: Inspection, first: int) -> Inspection:
    """The registers of days from `first` on: lists only, the counts by class are of the year."""
    return Inspection(
        year.classes,
        tuple(m for m in year.missing if m.day >= first),
        tuple(x for x in year.late if x.day >= first),
    )


def sums(counts: Counts, members: Bools, first: int, last: int) -> Sums:
    """Pooled sessions of some pupils over days first to last."""
    window = counts.window(first, last)
    names = ("possible", "attended", "authorised", "unauthorised", "late_before_close", "late_after_close")
    return Sums(*(int(getattr(window, name)[members].sum()) for name in names))


def _groups(given: MonitoringInputs, counts: Counts, patterns: SchoolPatterns, four: int) -> tuple[GroupRow, ...]:
    inputs, day, start = given.derived.inputs, given.day, given.year_start
    pupils = inputs.pupils_on(day)
    on_roll = pupils.on_roll(day)
    grouping = Grouping.of(SCHOOL, pupils)
    flagged = set(flagged_groups(given.derived, day))
    year = windows_of(given.derived, day)[0]
    absent, possible = year.absent.astype(np.int64) * HUNDRED_PERCENT, year.possible.astype(np.int64)
    reached = {
        name: on_roll & (possible > 0) & (absent >= absent_from(name, given.date) * possible)
        for name in ("persistent", "severe")
    }
    out = []
    for number, (kind, name) in enumerate(zip(grouping.kind, grouping.name, strict=True)):
        members = np.zeros(len(inputs), dtype=np.bool_)
        members[grouping.pupil[grouping.group == number]] = True
        members &= on_roll
        if not members.any() and number:
            continue
        out.append(
            GroupRow(
                kind=GROUP_KINDS[kind],
                name=given.school_name if not number else str(name),
                members=members,
                week=sums(counts, members, given.week_start, day),
                rolling=sums(counts, members, four, day),
                year=sums(counts, members, start, day),
                persistent=int((reached["persistent"] & members).sum()),
                severe=int((reached["severe"] & members).sum()),
                flagged=(GROUP_KINDS[kind], str(name)) in flagged,
                patterns=group_patterns(patterns, members),
            )
        )
    return tuple(sorted(out, key=lambda g: (GROUP_KINDS.index(g.kind), _year_place(g))))


def _year_place(group: GroupRow) -> int:
    """Years in the order of the national curriculum; other groups stay as they are."""
    known = list(YEAR_NAMES)
    return known.index(group.name) if group.kind == YEAR and group.name in known else len(known)


def _weeks(given: MonitoringInputs, counts: Counts, members: Bools) -> tuple[Week, ...]:
    calendar, start = given.derived.inputs.calendar, given.year_start
    out = []
    for round_ in weeks_of_year(calendar, given.day):
        if round_.first > given.day:
            break
        last = min(round_.last, given.day)
        half = next(h for h in calendar.half_terms if h.first <= round_.first <= h.last)
        week, year = sums(counts, members, round_.first, last), sums(counts, members, start, last)
        out.append(Week(calendar.date(round_.first), half.name, week, year))
    return tuple(out)


def _pupils(given: MonitoringInputs, counts: Counts, patterns: SchoolPatterns) -> tuple[PupilRow, ...]:
    """Pupils on roll with any absence or late session this year, by name."""
    inputs, day = given.derived.inputs, given.day
    pupils, stages = inputs.pupils_on(day), given.derived.stage_rows(day)["stage"]
    year, week = (counts.window(first, day).table.astype(int) for first in (given.year_start, given.week_start))
    names = ("possible", "attended", "authorised", "unauthorised", "late_before_close", "late_after_close")
    out = []
    for p in np.flatnonzero(pupils.on_roll(day)).tolist():
        of_year, of_week = Sums(*year[p, : len(names)].tolist()), Sums(*week[p, : len(names)].tolist())
        if of_year.attended == of_year.possible and not of_year.late:
            continue
        name, sort_name = given.names[p]
        out.append(
            PupilRow(
                pupil=p,
                name=name,
                sort_name=sort_name,
                class_name=str(pupils.class_name[p]),
                year_group=str(pupils.year_group[p]),
                stage=int(stages[p]),
                week=of_week,
                year=of_year,
                patterns=patterns.of(p),
            )
        )
    return tuple(sorted(out, key=lambda r: (r.sort_name, r.pupil)))


def _benchmark(given: MonitoringInputs, counts: Counts) -> Benchmark:
    """The school's figure is of the same pupils and the same stretch of the year as the published one."""
    inputs, published = given.derived.inputs, given.published
    areas = published.areas
    if published.national is None or not areas:
        return Benchmark((), 0, None, published.said())
    shift = dt.timedelta(0) if published.this_year else SAME_WEEK_LAST_YEAR
    last = min(inputs.calendar.on_or_before(published.national.data_to + shift), given.day)
    start = given.year_start
    if last < start:
        return Benchmark((), 0, None, published.said())
    pupils = inputs.pupils_on(given.day)
    aged = pupils.on_roll(given.day) & (pupils.csa_from <= start) & (start <= pupils.csa_to)
    window = counts.window(start, last)
    absent, possible = window.absent.astype(np.int64) * HUNDRED_PERCENT, window.possible.astype(np.int64)
    there = aged & (possible > 0)
    persistent = there & (absent >= absent_from("persistent", inputs.calendar.date(last)) * possible)
    own = sums(counts, aged, start, last)
    rows = [
        Beside(
            given.school_name,
            tenths(own.attended, own.possible),
            tenths(own.authorised, own.possible),
            tenths(own.unauthorised, own.possible),
            tenths(int(persistent.sum()), int(there.sum())),
        )
    ]
    rows += [_of(area) for area in areas]
    return Benchmark(tuple(rows), int(aged.sum()), inputs.calendar.date(last), published.said())


def _of(area: Published) -> Beside:
    values = (area.attendance, area.authorised, area.unauthorised, area.persistent)
    return Beside(area.area, *(None if value is None else rounded(value) for value in values))
