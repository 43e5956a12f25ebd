"""The figures of a governor report, counted from arrays: whole numbers of sessions, pupils and events.

Belongs here: what is counted, over whom and when; and the sums of several schools (`pooled`). Not here: rounding
(`figures.py`), hiding small groups (`governor_hidden.py`), words (`governor_words.py`), and the effect of interventions
(`governor_effect.py`).

All figures of a report are of the same pupils, those on roll on its last day: what `attendance export groups` says of
that day. Sessions of pupils who have left are in none of them; how many left is said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import Counts
from attendance_pipeline.derive.inputs import COHORTS, SchoolInputs
from attendance_pipeline.derive.ladder import CLOSED, ESCALATED, LEFT, OPENED, RECOVERED, SET, STALLED, TOP_STAGE
from attendance_pipeline.derive.penalty_notices import MET, MET_PROVISIONAL, NEAR
from attendance_pipeline.derive.tables import stages_on
from attendance_pipeline.derive.tiers import HUNDRED_PERCENT
from attendance_pipeline.derive.year import Derived, count_school
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.policy import ACTIONS
from attendance_pipeline.law.register_codes import AUTHORISED, CODES, HOLIDAY, ILLNESS, NOT_ESTABLISHED, UNAUTHORISED
from attendance_pipeline.law.school_calendar import HalfTerm

Bools = npt.NDArray[np.bool_]

# Years of the national curriculum in their order; what a school calls otherwise comes last.
YEAR_NAMES = {"N1": "Nursery 1", "N2": "Nursery 2", "R": "Reception", **{str(n): f"Year {n}" for n in range(1, 14)}}
COHORT_NAMES = {
    "SEN": "Special needs (SEN)",
    "FSM": "Free school meals",
    "Pupil Premium": "Pupil premium",
    "EAL": "EAL",
    "Looked After": "Looked after",
    "Social Worker": "Social worker",
    "Young Carer": "Young carers",
}
LATE_AFTER_CLOSE = "Late, register closed"
PERSONS_ACTIONS = (
    ("notice_to_improve_issued", "Notices to improve"),
    ("penalty_notice_issued", "Penalty notices"),
    ("not_pursued", "Not pursued"),
    ("referral_made", "Referrals"),
)


@dataclass(frozen=True)
class GovernorInputs:
    """What a governor report is made from: arrays of one school, and what to call it.

    `last`: the last day reported, its number on the calendar's axis, in `half_term` (before its end on request).
    `events`: ladder.EVENT_ROW of the academic year up to `last`. `stage`, `tier`: uint8[P] at the end of `last`.
    `notices`: by rule in force on `last`, uint8[P] of penalty_notices.PN_STATUSES. `as_at`: until when marks were
    recorded, in words. `same_point`: the day up to which published figures count (in this school's year), None without.
    `evening`: the past evening by whose knowledge alone it is made; None for today's.
    """

    school_name: str
    phase: str
    local_authority: str
    inputs: SchoolInputs
    half_term: HalfTerm
    last: int
    events: npt.NDArray[np.void]
    stage: npt.NDArray[np.uint8]
    notices: Mapping[str, npt.NDArray[np.uint8]]
    as_at: str
    tier: npt.NDArray[np.uint8] | None = None
    same_point: dt.date | None = None
    evening: dt.date | None = None

    def __post_init__(self) -> None:
        if not self.half_term.first <= self.last <= self.half_term.last:
            raise ValueError(
                f"a last day within {self.half_term.name}, days {self.half_term.first} to {self.half_term.last}, "
                f"not {self.last}"
            )

    @property
    def year_start(self) -> int:
        return int(self.inputs.calendar.year_start[self.last])

    @property
    def school_id(self) -> str:
        return self.inputs.school_id

    @property
    def day(self) -> dt.date:
        return self.inputs.calendar.date(self.last)

    def at_the_point_of(self, day: dt.date | None) -> GovernorInputs:
        """The same, to be counted besides up to the day of published figures."""
        return replace(self, same_point=day)

    def half_term_of(self, day: dt.date) -> str:
        """The short name of the half-term of a day of this academic year: `Autumn 1`."""
        calendar = self.inputs.calendar
        halves = [h for h in calendar.half_terms if self.year_start <= h.first <= self.last]
        number = calendar.on_or_after(day)
        return next(h.name for h in reversed(halves) if h.first <= number).replace(", half-term", "")

    @classmethod
    def from_derived(
        cls,
        derived: Derived,
        half_term: HalfTerm,
        *,
        school_name: str,
        phase: str,
        local_authority: str,
        as_at: str,
        last: int | None = None,
        same_point: dt.date | None = None,
        evening: dt.date | None = None,
    ) -> GovernorInputs:
        """From days derived. Raises ValueError when they do not start with the academic year, whose events it needs."""
        end = min(half_term.last, derived.last) if last is None else last
        start = int(derived.inputs.calendar.year_start[end])
        if derived.first > start:
            raise ValueError(f"days derived from {start} on, the first of the academic year, not from {derived.first}")
        in_force = derived.plan.notices.in_force[:, end]
        about_notices = derived.plan.notices.rules["own_number"] == 0
        rules = [(i, name) for i, name in enumerate(derived.plan.rule_names) if in_force[i] and about_notices[i]]
        standing = stages_on(derived, end)
        tier = np.zeros(len(derived.inputs), dtype=np.uint8)
        tier[standing["pupil"]] = standing["tier"]
        happened = (derived.events["day"] >= start) & (derived.events["day"] <= end)
        return cls(
            school_name=school_name,
            phase=phase,
            local_authority=local_authority,
            inputs=derived.inputs,
            half_term=half_term,
            last=end,
            events=derived.events[happened],
            stage=derived.stage_rows(end)["stage"],
            notices={name: derived.notice_rows(i, end)["status"] for i, name in rules},
            as_at=as_at,
            evening=evening,
            tier=tier,
            same_point=same_point,
        )


@dataclass(frozen=True)
class Attendance:
    """Pooled sessions of some pupils in some days."""

    attended: int
    possible: int
    authorised: int = 0
    unauthorised: int = 0

    def __add__(self, other: Attendance) -> Attendance:
        return Attendance(
            self.attended + other.attended,
            self.possible + other.possible,
            self.authorised + other.authorised,
            self.unauthorised + other.unauthorised,
        )


@dataclass(frozen=True)
class Sessions:
    """Sessions of one kind: how many, and how many pupils have one."""

    sessions: int
    pupils: int

    def __add__(self, other: Sessions) -> Sessions:
        return Sessions(self.sessions + other.sessions, self.pupils + other.pupils)


NO_SESSIONS = Sessions(0, 0)


@dataclass(frozen=True)
class Group:
    """Some of the pupils on roll. `persistent`, `severe`: pupils, over the year to date. `late`, `with_authorised`,
    `with_unauthorised`: of the half-term; the last two are pupils with such an absence."""

    name: str
    members: Bools
    half_term: Attendance
    year: Attendance
    persistent: int
    severe: int
    late: Sessions = NO_SESSIONS
    with_authorised: int = 0
    with_unauthorised: int = 0

    @property
    def pupils(self) -> int:
        return int(self.members.sum())


@dataclass(frozen=True)
class Lates:
    """Late sessions: present before the register closed (L), and absent, come after it closed (U)."""

    before_close: Sessions
    after_close: Sessions


@dataclass(frozen=True)
class Reason:
    """Why pupils were absent, in words; sessions of the half-term and of the year to date."""

    name: str
    authorised: bool
    half_term: Sessions
    year: Sessions

    def of(self, year: bool) -> Sessions:
        return self.year if year else self.half_term


@dataclass(frozen=True)
class Week:
    """A school week, and the year up to its end."""

    first: dt.date
    week: Attendance
    year: Attendance


@dataclass(frozen=True)
class Rung:
    """One stage of the ladder in the half-term: how many came to it (from no stage, from a lower, from a higher one),
    how many recovered from it or ended there otherwise, and pupils there now."""

    stage: int
    opened: int
    moved_up: int
    recovered: int
    now: int
    moved_down: int = 0
    ended: int = 0


@dataclass(frozen=True)
class Cases:
    """Pupils by status of one penalty-notice rule on the last day."""

    rule: str
    statutory: bool
    met: int
    provisional: int
    near: int


@dataclass(frozen=True)
class GovernorFigures:
    """Every number of the report. `late`: of the half-term, of the year to date.

    `aged_5_to_15`: those whom published figures are about, None when nobody is known to be; `same_point`: the same
    pupils, the year counted to the day of the published figures. `weeks` are of pupils aged 5 to 15 (of all where
    nobody is known to be), `weeks_of_all` of all. `before`: the half-term before in the same year, None in the first.
    `left`: pupils who have left this year. `tiers`: pupils in tier 1, 2 and 3.
    """

    school: Group
    persistent_members: Bools
    severe_members: Bools
    years: tuple[Group, ...]
    cohorts: tuple[Group, ...]
    aged_5_to_15: Group | None
    before: Attendance | None
    reasons: tuple[Reason, ...]
    late: tuple[Lates, Lates]
    weeks: tuple[Week, ...]
    half_term_weeks: int
    ladder: tuple[Rung, ...]
    cases: tuple[Cases, ...]
    actions: tuple[tuple[str, int], ...]
    left: int
    persistent_from: int
    severe_from: int
    same_point: Group | None = None
    tiers: tuple[int, int, int] = (0, 0, 0)
    weeks_of_all: tuple[Week, ...] = ()


def governor_figures(given: GovernorInputs) -> GovernorFigures:
    """Count everything. About 0.1 s for 1,500 pupils."""
    pupils, calendar = given.inputs.pupils_on(given.last), given.inputs.calendar
    start, first, last = given.year_start, given.half_term.first, given.last
    counts = count_school(given.inputs, start, last)
    on_roll = pupils.on_roll(last)
    grouped = _Grouped(given, counts, on_roll)
    years = pupils.year_group.astype(str)
    known_age = (pupils.csa_from <= start) & (start <= pupils.csa_to)
    reasons, lates = _reasons(given, on_roll)
    aged = on_roll & known_age
    point = None if given.same_point is None else calendar.on_or_before(given.same_point)
    return GovernorFigures(
        persistent_members=grouped.persistent,
        severe_members=grouped.severe,
        school=grouped.of("All pupils", on_roll),
        years=tuple(
            grouped.of(YEAR_NAMES.get(y, y or "Year not recorded"), on_roll & (years == y))
            for y in sorted(set(years[on_roll]), key=_year_order)
        ),
        cohorts=tuple(
            grouped.of(COHORT_NAMES[name], members)
            for bit, name in enumerate(COHORTS)
            if (members := on_roll & ((pupils.cohort >> bit) & 1 == 1)).any()
        ),
        # Aged 5 to 15 on 31 August: of compulsory school age on the first day of the academic year.
        aged_5_to_15=grouped.of("Pupils aged 5 to 15", aged) if aged.any() else None,
        same_point=_Grouped(given, counts, on_roll, point).of("Pupils aged 5 to 15", aged)
        if point is not None and start <= point <= last and aged.any()
        else None,
        before=_half_term_before(given, counts, on_roll),
        reasons=reasons,
        late=lates,
        weeks=_weeks(given, counts, aged if aged.any() else on_roll),
        weeks_of_all=_weeks(given, counts, on_roll),
        half_term_weeks=int(calendar.week[last] - calendar.week[first]) + 1,
        ladder=_ladder(given, on_roll),
        cases=_cases(given, on_roll),
        actions=_actions(given),
        left=int(((pupils.leave >= start) & (pupils.leave < last) & (pupils.entry <= pupils.leave)).sum()),
        persistent_from=absent_from("persistent", given.day),
        severe_from=absent_from("severe", given.day),
        tiers=_tiers(given, on_roll),
    )


def attendance_of(counts: Counts, members: Bools, first: int, last: int) -> Attendance:
    """Pooled attendance of some pupils over days first to last."""
    window = counts.window(first, last)
    names = ("attended", "possible", "authorised", "unauthorised")
    return Attendance(*(int(getattr(window, name)[members].sum()) for name in names))


def _year_order(year: str) -> tuple[int, str]:
    known = list(YEAR_NAMES)
    return (known.index(year) if year in known else len(known), year)


class _Grouped:
    """Figures of any group of the pupils on roll, the year counted to `until` (the last day)."""

    def __init__(self, given: GovernorInputs, counts: Counts, on_roll: Bools, until: int | None = None) -> None:
        self.counts, self.given = counts, given
        self.until = given.last if until is None else until
        year = counts.window(given.year_start, self.until)
        absent, possible = year.absent.astype(np.int64) * HUNDRED_PERCENT, year.possible.astype(np.int64)
        reached = {name: absent_from(name, given.day) * possible for name in ("persistent", "severe")}
        self.persistent = on_roll & (possible > 0) & (absent >= reached["persistent"])
        self.severe = on_roll & (possible > 0) & (absent >= reached["severe"])
        self.half_term = counts.window(given.half_term.first, given.last)

    def of(self, name: str, members: Bools) -> Group:
        given, half_term = self.given, self.half_term
        late = half_term.late[members]
        return Group(
            name=name,
            members=members,
            half_term=attendance_of(self.counts, members, given.half_term.first, given.last),
            year=attendance_of(self.counts, members, given.year_start, self.until),
            persistent=int((self.persistent & members).sum()),
            severe=int((self.severe & members).sum()),
            late=Sessions(int(late.sum()), int((late > 0).sum())),
            with_authorised=int((half_term.authorised[members] > 0).sum()),
            with_unauthorised=int((half_term.unauthorised[members] > 0).sum()),
        )


def _half_term_before(given: GovernorInputs, counts: Counts, on_roll: Bools) -> Attendance | None:
    before = [
        h for h in given.inputs.calendar.half_terms if given.year_start <= h.first and h.last < given.half_term.first
    ]
    return attendance_of(counts, on_roll, before[-1].first, before[-1].last) if before else None


def _reasons(given: GovernorInputs, on_roll: Bools) -> tuple[tuple[Reason, ...], tuple[Lates, Lates]]:
    """Absence by reason; and lates, of the half-term and of the year."""
    pupils, start, last = given.inputs.pupils, given.year_start, given.last
    days = np.arange(start, last + 1)
    mine = on_roll[:, None] & (days >= pupils.entry[:, None]) & (days <= pupils.leave[:, None])
    marks = np.where(mine[..., None], given.inputs.marks[:, start : last + 1], 0)

    def counted(numbers: set[int]) -> tuple[Sessions, Sessions]:
        found = np.isin(marks, sorted(numbers))
        windows = (found[:, given.half_term.first - start :], found)
        half_term, year = (Sessions(int(w.sum()), int(w.any(axis=(1, 2)).sum())) for w in windows)
        return half_term, year

    authorised, unauthorised = set(CODES.numbers_with(AUTHORISED)), set(CODES.numbers_with(UNAUTHORISED))
    late_after = set(CODES.numbers_of(["U"]))
    named = (
        ("Illness", True, set(CODES.numbers_with(ILLNESS))),
        ("Medical or dental visit", True, set(CODES.numbers_of(["M"]))),
        ("Holiday not agreed", False, set(CODES.numbers_with(HOLIDAY))),
        (LATE_AFTER_CLOSE, False, late_after),
        ("Reason not yet known", False, set(CODES.numbers_with(NOT_ESTABLISHED))),
    )
    rest = (
        ("Other agreed absence", True, authorised.difference(*(numbers for _, _, numbers in named))),
        ("Other, not agreed", False, unauthorised.difference(*(numbers for _, _, numbers in named))),
    )
    ordered = (*named[:2], rest[0], *named[2:], rest[1])
    lates = zip(counted(set(CODES.numbers_of(["L"]))), counted(late_after), strict=True)
    half_term, year = (Lates(before, after) for before, after in lates)
    return tuple(Reason(name, ok, *counted(numbers)) for name, ok, numbers in ordered), (half_term, year)


def _weeks(given: GovernorInputs, counts: Counts, on_roll: Bools) -> tuple[Week, ...]:
    calendar, out = given.inputs.calendar, []
    for week in range(int(calendar.week[given.year_start]), int(calendar.week[given.last]) + 1):
        first = max(int(calendar.week_first[week]), given.year_start)
        after = int(calendar.week_first[week + 1]) if week + 1 < calendar.n_weeks else len(calendar)
        last = min(after - 1, given.last)
        out.append(
            Week(
                calendar.date(first),
                attendance_of(counts, on_roll, first, last),
                attendance_of(counts, on_roll, given.year_start, last),
            )
        )
    return tuple(out)


def _ladder(given: GovernorInputs, on_roll: Bools) -> tuple[Rung, ...]:
    recent = given.events[(given.events["day"] >= given.half_term.first) & (given.events["day"] <= given.last)]
    event, low, high = recent["event"], recent["from_stage"], recent["to_stage"]
    by_hand = event == SET
    opened = (event == OPENED) | (by_hand & (low == 0) & (high > 0))
    moved_up = (event == ESCALATED) | (event == STALLED) | (by_hand & (low > 0) & (high > low))
    moved_down = by_hand & (high > 0) & (high < low)
    ended = (event == CLOSED) | (event == LEFT) | (by_hand & (high == 0))
    return tuple(
        Rung(
            stage=stage,
            opened=int((opened & (high == stage)).sum()),
            moved_up=int((moved_up & (high == stage)).sum()),
            recovered=int(((event == RECOVERED) & (low == stage)).sum()),
            now=int((on_roll & (given.stage == stage)).sum()),
            moved_down=int((moved_down & (high == stage)).sum()),
            ended=int((ended & (low == stage)).sum()),
        )
        for stage in range(1, TOP_STAGE + 1)
    )


def _cases(given: GovernorInputs, on_roll: Bools) -> tuple[Cases, ...]:
    statutory = {rule.name: rule.statutory for rule in given.inputs.policy.rules_on(given.day)}
    return tuple(
        Cases(
            name,
            statutory.get(name, False),
            *(int((on_roll & (status == wanted)).sum()) for wanted in (MET, MET_PROVISIONAL, NEAR)),
        )
        for name, status in given.notices.items()
    )


def _actions(given: GovernorInputs) -> tuple[tuple[str, int], ...]:
    """Entries of the intervention log in the half-term."""
    log: Any = given.inputs.log
    first, last = (np.datetime64(given.inputs.calendar.date(d)) for d in (given.half_term.first, given.last))
    inside = (log.day >= first) & (log.day <= last)
    return tuple((words, int((inside & (log.action == ACTIONS.index(a))).sum())) for a, words in PERSONS_ACTIONS)


def _tiers(given: GovernorInputs, on_roll: Bools) -> tuple[int, int, int]:
    tier = given.tier if given.tier is not None else np.where(given.stage > 0, 3, 1)
    one, two, three = (int((on_roll & (tier == t)).sum()) for t in (1, 2, 3))
    return one, two, three


# ---------------------------------------------------------------- several schools together


def pooled(figures: Sequence[GovernorFigures]) -> GovernorFigures:
    """The figures of several schools as those of one: sums of sessions, pupils and events; never means of rates.

    Groups, reasons and rules are the same when they are called the same. A figure that one school lacks (the half-term
    before, pupils aged 5 to 15) is the sum of the others'. Raises ValueError for no school.
    """
    if not figures:
        raise ValueError("figures of at least one school")
    sizes = [len(f.school.members) for f in figures]
    apart = np.cumsum([0, *sizes])

    def together(groups: Iterable[tuple[int, Group]], name: str) -> Group | None:
        found = list(groups)
        if not found:
            return None
        members = np.zeros(int(apart[-1]), dtype=np.bool_)
        for i, group in found:
            members[apart[i] : apart[i + 1]] |= group.members
        own = [group for _, group in found]
        return Group(
            name=name,
            members=members,
            half_term=_sum(g.half_term for g in own),
            year=_sum(g.year for g in own),
            persistent=sum(g.persistent for g in own),
            severe=sum(g.severe for g in own),
            late=Sessions(sum(g.late.sessions for g in own), sum(g.late.pupils for g in own)),
            with_authorised=sum(g.with_authorised for g in own),
            with_unauthorised=sum(g.with_unauthorised for g in own),
        )

    def by_name(groups: Sequence[Sequence[Group]], order: Sequence[str]) -> tuple[Group, ...]:
        names = {g.name for of in groups for g in of}
        ordered = sorted(names, key=lambda n: (order.index(n) if n in order else len(order), n))
        merged = (together(((i, g) for i, of in enumerate(groups) for g in of if g.name == n), n) for n in ordered)
        return tuple(g for g in merged if g is not None)

    whole = together(((i, f.school) for i, f in enumerate(figures)), "All pupils")
    assert whole is not None  # noqa: S101 - there is at least one school
    optional = {
        name: together(
            ((i, g) for i, f in enumerate(figures) if (g := getattr(f, name)) is not None), "Pupils aged 5 to 15"
        )
        for name in ("aged_5_to_15", "same_point")
    }
    befores = [f.before for f in figures if f.before is not None]
    first = figures[0]
    return replace(
        first,
        school=whole,
        persistent_members=np.concatenate([f.persistent_members for f in figures]),
        severe_members=np.concatenate([f.severe_members for f in figures]),
        years=by_name([f.years for f in figures], list(YEAR_NAMES.values())),
        cohorts=by_name([f.cohorts for f in figures], list(COHORT_NAMES.values())),
        aged_5_to_15=optional["aged_5_to_15"],
        same_point=optional["same_point"],
        before=_sum(befores) if len(befores) == len(figures) else None,
        reasons=tuple(
            Reason(of[0].name, of[0].authorised, _sessions(r.half_term for r in of), _sessions(r.year for r in of))
            for of in zip(*(f.reasons for f in figures), strict=True)
        ),
        late=(_lates([f.late[0] for f in figures]), _lates([f.late[1] for f in figures])),
        weeks=_weeks_together([f.weeks for f in figures]),
        weeks_of_all=_weeks_together([f.weeks_of_all for f in figures]),
        half_term_weeks=max(f.half_term_weeks for f in figures),
        ladder=tuple(
            Rung(of[0].stage, *(sum(getattr(r, name) for r in of) for name in _RUNG))
            for of in zip(*(f.ladder for f in figures), strict=True)
        ),
        cases=_cases_together(figures),
        actions=tuple((of[0][0], sum(n for _, n in of)) for of in zip(*(f.actions for f in figures), strict=True)),
        left=sum(f.left for f in figures),
        tiers=(sum(f.tiers[0] for f in figures), sum(f.tiers[1] for f in figures), sum(f.tiers[2] for f in figures)),
    )


_RUNG = ("opened", "moved_up", "recovered", "now", "moved_down", "ended")


def _sum(of: Iterable[Attendance]) -> Attendance:
    return sum(of, Attendance(0, 0))


def _sessions(of: Iterable[Sessions]) -> Sessions:
    return sum(of, NO_SESSIONS)


def _lates(of: Sequence[Lates]) -> Lates:
    return Lates(_sessions(one.before_close for one in of), _sessions(one.after_close for one in of))


def _weeks_together(schools: Sequence[Sequence[Week]]) -> tuple[Week, ...]:
    """Weeks by their Monday; a school that is shut in a week has its year up to the week before."""
    out = []
    for monday in sorted({_monday(w.first) for weeks in schools for w in weeks}):
        of = [w for weeks in schools for w in weeks if _monday(w.first) == monday]
        until = [[w for w in weeks if _monday(w.first) <= monday] for weeks in schools]
        year = _sum(weeks[-1].year for weeks in until if weeks)
        out.append(Week(min(w.first for w in of), _sum(w.week for w in of), year))
    return tuple(out)


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def _cases_together(figures: Sequence[GovernorFigures]) -> tuple[Cases, ...]:
    names = dict.fromkeys((c.rule, c.statutory) for f in figures for c in f.cases)
    return tuple(
        Cases(
            rule,
            statutory,
            *(
                sum(getattr(c, name) for f in figures for c in f.cases if (c.rule, c.statutory) == (rule, statutory))
                for name in ("met", "provisional", "near")
            ),
        )
        for rule, statutory in names
    )
