"""The figures of a governor report, counted from arrays: whole numbers of sessions, pupils and events.

Belongs here: what is counted, over whom and when. Not here: rounding (`figures.py`), hiding small groups
(`governor_tables.py`), words (`governor_words.py`), and the effect of interventions (`governor_effect.py`).

All figures of a report are of the same pupils, those on roll on its last day: what `attendance export groups` says of
that day. Sessions of pupils who have left are in none of them; how many left is said.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import Counts
from attendance_pipeline.derive.inputs import COHORTS, SchoolInputs
from attendance_pipeline.derive.ladder import ESCALATED, OPENED, RECOVERED, SET, STALLED, TOP_STAGE
from attendance_pipeline.derive.penalty_notices import MET, MET_PROVISIONAL, NEAR
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
    `events`: ladder.EVENT_ROW of the academic year up to `last`. `stage`: uint8[P] at the end of `last`. `notices`: by
    rule in force on `last`, uint8[P] of penalty_notices.PN_STATUSES. `as_at`: until when marks were recorded, in words.
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
    ) -> GovernorInputs:
        """From days derived. Raises ValueError when they do not start with the academic year, whose events it needs."""
        end = min(half_term.last, derived.last) if last is None else last
        start = int(derived.inputs.calendar.year_start[end])
        if derived.first > start:
            raise ValueError(f"days derived from {start} on, the first of the academic year, not from {derived.first}")
        in_force = derived.plan.notices.in_force[:, end]
        rules = [(i, name) for i, name in enumerate(derived.plan.rule_names) if in_force[i]]
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
        )


@dataclass(frozen=True)
class Attendance:
    """Pooled sessions of some pupils in some days."""

    attended: int
    possible: int


@dataclass(frozen=True)
class Group:
    """Some of the pupils on roll. `persistent`, `severe`: pupils, over the year to date."""

    name: str
    members: Bools
    half_term: Attendance
    year: Attendance
    persistent: int
    severe: int

    @property
    def pupils(self) -> int:
        return int(self.members.sum())


@dataclass(frozen=True)
class Sessions:
    """Sessions of one kind: how many, and how many pupils have one."""

    sessions: int
    pupils: int


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
    """One stage of the ladder in the half-term: how many came to it and recovered from it, and pupils there now."""

    stage: int
    opened: int
    moved_up: int
    recovered: int
    now: int


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

    `aged_5_to_15`: those whom published figures are about, None when nobody is known to be. `before`: the half-term
    before in the same year, None in the first. `left`: pupils who have left this year.
    """

    school: Group
    persistent_members: Bools
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
    return GovernorFigures(
        persistent_members=grouped.persistent,
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
        aged_5_to_15=grouped.of("Pupils aged 5 to 15", on_roll & known_age) if (on_roll & known_age).any() else None,
        before=_half_term_before(given, counts, on_roll),
        reasons=reasons,
        late=lates,
        weeks=_weeks(given, counts, on_roll),
        half_term_weeks=int(calendar.week[last] - calendar.week[first]) + 1,
        ladder=_ladder(given, on_roll),
        cases=_cases(given, on_roll),
        actions=_actions(given),
        left=int(((pupils.leave >= start) & (pupils.leave < last) & (pupils.entry <= pupils.leave)).sum()),
        persistent_from=absent_from("persistent", given.day),
        severe_from=absent_from("severe", given.day),
    )


def attendance_of(counts: Counts, members: Bools, first: int, last: int) -> Attendance:
    """Pooled attendance of some pupils over days first to last."""
    window = counts.window(first, last)
    return Attendance(int(window.attended[members].sum()), int(window.possible[members].sum()))


def _year_order(year: str) -> tuple[int, str]:
    known = list(YEAR_NAMES)
    return (known.index(year) if year in known else len(known), year)


class _Grouped:
    """Figures of any group of the pupils on roll."""

    def __init__(self, given: GovernorInputs, counts: Counts, on_roll: Bools) -> None:
        self.counts, self.given = counts, given
        year = counts.window(given.year_start, given.last)
        absent, possible = year.absent.astype(np.int64) * HUNDRED_PERCENT, year.possible.astype(np.int64)
        reached = {name: absent_from(name, given.day) * possible for name in ("persistent", "severe")}
        self.persistent = on_roll & (possible > 0) & (absent >= reached["persistent"])
        self.severe = on_roll & (possible > 0) & (absent >= reached["severe"])

    def of(self, name: str, members: Bools) -> Group:
        given = self.given
        return Group(
            name=name,
            members=members,
            half_term=attendance_of(self.counts, members, given.half_term.first, given.last),
            year=attendance_of(self.counts, members, given.year_start, given.last),
            persistent=int((self.persistent & members).sum()),
            severe=int((self.severe & members).sum()),
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
    return tuple(
        Rung(
            stage=stage,
            opened=int((opened & (high == stage)).sum()),
            moved_up=int((moved_up & (high == stage)).sum()),
            recovered=int(((event == RECOVERED) & (low == stage)).sum()),
            now=int((on_roll & (given.stage == stage)).sum()),
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
