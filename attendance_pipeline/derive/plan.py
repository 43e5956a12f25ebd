"""Calendar and policy compiled to one number per day, so that the loops over pupils know neither.

Belongs here: which ladder is in force on each day and what it says, where every window starts, when every review
would be due. Not here: marks, pupils, decisions.

Days are numbers on the calendar's axis; -1 means there is none. Percentages are whole thousandths of a percent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from attendance_pipeline.derive.inputs import LogTable, SchoolInputs
from attendance_pipeline.derive.records import ALTERNATIVE, DAY, ENTRY, RULE, RUNG, WINDOW
from attendance_pipeline.law.policy import (
    ACTIONS,
    MEASURES,
    WINDOW_KINDS,
    Ladder,
    PenaltyNoticeRule,
    Policy,
    rolling_school_weeks,
    rules_on,
    thousandths,
)
from attendance_pipeline.law.register_codes import CODES, HOLIDAY, NOT_ESTABLISHED, POSSIBLE
from attendance_pipeline.law.school_calendar import SEASONS, SchoolCalendar

Longs = npt.NDArray[np.int64]

STAGES = 4
BY_LOG = -1  # whether what a stage requires was done, the log says
NO_LEVEL = -1  # of a stage that opens by what a review finds, or a rule that asks for no attendance
OWN_SESSIONS = ("school_sessions", "consecutive_sessions")  # windows that each pupil's own sessions decide


class NoticePlan(NamedTuple):
    """The penalty-notice rules: R rules, A alternatives, n days."""

    rules: npt.NDArray[np.void]  # RULE[R]
    alternatives: npt.NDArray[np.void]  # ALTERNATIVE[A]
    windows: npt.NDArray[np.void]  # WINDOW[A, n]
    in_force: Longs  # [R, n]: 0 or 1
    counted: Longs  # [R, 256] by code number: bit 0 counted, 1 N, 2 G
    cut: Longs  # [n]
    arrives: Longs  # [n]: the first day whose cut-off day is this day or later; -1 where the calendar ends first
    notice_to_improve_expected: bool


@dataclass(frozen=True)
class Plan:
    """Everything compiled, with what readers of results need to name it."""

    calendar: SchoolCalendar
    policy: Policy
    ladder: npt.NDArray[np.void]  # DAY[n]
    rungs: npt.NDArray[np.void]  # RUNG[n, 5] by stage 0 to 4
    dues: Longs  # [clocks, n]: for each time that some stage is monitored, when its review is due
    notices: NoticePlan
    versions: tuple[Ladder | None, ...]  # `version` points here
    version: Longs
    rule_names: tuple[str, ...]
    flags: npt.NDArray[np.uint16]
    era: npt.NDArray[np.uint8]

    @cached_property
    def window_starts(self) -> Longs:
        """First day of the window of each exported measure: int64[3, n], in the order of policy.MEASURES."""
        return measure_starts(self.calendar)

    def replay_start(self, first: int) -> int:
        """Where the ladder must start for day `first`: the first day of its year, or of the last year that reset."""
        day = int(self.calendar.year_start[first])
        while day > 0 and not self.ladder["reset"][day]:
            day = int(self.calendar.year_start[day - 1])
        return day


@lru_cache(maxsize=16)
def measure_starts(calendar: SchoolCalendar) -> Longs:
    """First day of the window of each of policy.MEASURES on each day: int64[3, n]."""
    return np.stack([measure_start(calendar, name) for name in MEASURES])


@lru_cache(maxsize=64)
def measure_start(calendar: SchoolCalendar, measure: str) -> Longs:
    """First day of the window of a ladder's measure on each day, never before its academic year: int64[n]."""
    weeks = rolling_school_weeks(measure)
    if weeks is not None:
        return calendar.window_start(weeks, within_year=True).astype(np.int64)
    if measure == "half_term_to_date":
        return _start_of_part([h.first for h in calendar.half_terms], len(calendar), 1)
    starts = {"year_to_date": calendar.year_start, "term_to_date": calendar.term_start}
    return starts[measure].astype(np.int64)


@lru_cache(maxsize=16)
def compile_plan(calendar: SchoolCalendar, policy: Policy, go_live: dt.date | None = None) -> Plan:
    """Compile a school's calendar and policy. The same objects give the same plan; nobody writes into one."""
    versions: list[Ladder | None] = []
    version = np.zeros(len(calendar), dtype=np.int64)
    for first, stop in _spans(calendar, policy.ladders):
        ladder = policy.ladder_on(calendar.date(first))
        # By identity: two versions may say the same.
        known = next((k for k, v in enumerate(versions) if v is ladder), None)
        if known is None:
            known = len(versions)
            versions.append(ladder)
        version[first:stop] = known
    setting = policy.setting
    ladder_days, rungs, dues = _ladder_plan(
        calendar,
        tuple(versions),
        version.tobytes(),
        setting.statutory.resolve_n_school_days,
        setting.letters.answered_within_school_days,
        go_live,
    )
    era, flags = _eras(calendar)
    return Plan(
        calendar=calendar,
        policy=policy,
        ladder=ladder_days,
        rungs=rungs,
        dues=dues,
        notices=_notice_plan(
            calendar,
            policy.rules,
            policy.setting.penalty_notices.notice_to_improve_expected,
            ladder_days["cut"].tobytes(),
        ),
        versions=tuple(versions),
        version=version,
        rule_names=tuple(rule.name for rule in policy.rules),
        flags=flags,
        era=era,
    )


def _spans(calendar: SchoolCalendar, dated: Iterable[Ladder | PenaltyNoticeRule]) -> list[tuple[int, int]]:
    """Stretches of days (first, and the one after the last) in which none of what is dated begins or ends."""
    edges = {0, len(calendar)}
    for entry in dated:
        if entry.valid_from is not None:
            edges.add(calendar.on_or_after(entry.valid_from))
        if entry.valid_to is not None:
            edges.add(calendar.on_or_before(entry.valid_to) + 1)
    return list(pairwise(sorted(edges)))


@lru_cache(maxsize=16)
def _eras(calendar: SchoolCalendar) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    return CODES.eras(calendar.days)


@lru_cache(maxsize=64)
def _due(calendar: SchoolCalendar, unit: str, many: int) -> Longs:
    """For each day the day on which a review is due; -1 where the calendar ends first."""
    if unit == "school_weeks":
        return calendar.due(many).astype(np.int64)
    parts = calendar.half_terms if unit == "half_terms" else calendar.terms
    last = np.array([part.last for part in parts], dtype=np.int64)
    # The last day and not the first after it: a measure of the half-term or term would then be of no session.
    then = np.searchsorted(last, np.arange(len(calendar)), side="right") + many - 1
    return np.where(then < len(last), last[np.minimum(then, len(last) - 1)], -1)


def plan_of(inputs: SchoolInputs) -> Plan:
    return compile_plan(inputs.calendar, inputs.policy, inputs.go_live)


def _default(name: str) -> Any:
    """The law's own default of a ladder parameter: what holds before the first version of a policy is in force."""
    return Ladder.model_fields[name].default


def _of(ladder: Ladder | None, name: str) -> Any:
    return _default(name) if ladder is None else getattr(ladder, name)


@lru_cache(maxsize=64)
def _ladder_plan(
    calendar: SchoolCalendar,
    versions: tuple[Ladder | None, ...],
    version_of_day: bytes,
    resolve_n: int,
    answered_within: int,
    go_live: dt.date | None,
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void], Longs]:
    """DAY[n], RUNG[n, 5] and the dues of each clock. `version_of_day`: int64[n], which of `versions` is in force.
    Policies that say the same of the ladder share them."""
    version = np.frombuffer(version_of_day, dtype=np.int64)
    days = _ladder_days(calendar, versions, version, go_live)
    days["resolve_n"] = resolve_n
    days["answered_within"] = answered_within
    rungs, clocks = _rungs(calendar, versions, version)
    return days, rungs, np.stack([_due(calendar, *clock) for clock in clocks])


# What a version says of every day alike, under the same name in DAY.
_ALIKE = (
    ("minimum", "minimum_possible_sessions"),
    ("quiet", "quiet_school_weeks"),
    ("relapse", "relapse_within_school_weeks"),
    ("stalled", "stalled_reviews"),
    ("last_stage", "last_stage"),
)


def _ladder_days(
    calendar: SchoolCalendar, versions: Sequence[Ladder | None], version: Longs, go_live: dt.date | None
) -> npt.NDArray[np.void]:
    """DAY[n] without what a policy says beside its ladder."""
    n, many = len(calendar), len(versions)
    index = np.arange(n, dtype=np.int64)
    gates = [_of(v, "reason_gate") for v in versions]
    # Once for each version, then a row for each day: one after another in a sweep of many policies.
    each = np.zeros(many, dtype=DAY)
    for k, (v, gate) in enumerate(zip(versions, gates, strict=True)):
        row = each[k]
        row["in_force"] = v is not None
        for name, key in _ALIKE:
            row[name] = _of(v, key)
        row["gate_minimum"], row["illness_spells"] = gate.minimum_sessions, gate.illness_spells
        row["improvement"] = thousandths(_of(v, "improvement_points"))
        row["daily"] = _of(v, "rises") == "daily"
        own = None if v is None else v.recovered_at_period_attendance
        row["recovered_at"] = -1 if own is None else thousandths(own)
    out = each[version]
    out["opens"] = out["in_force"] * (index >= (0 if go_live is None else calendar.on_or_after(go_live)))
    settles = np.array([_of(v, "settle_school_days") for v in versions], dtype=np.int64)
    out["cut"] = np.maximum(index - settles[version], -1)
    by_season = np.array([(-1, -1, -1) if v is None else v.thresholds.by_season() for v in versions])
    out["threshold"] = by_season[version, calendar.season]
    starts = np.stack([measure_start(calendar, _of(v, "measure")) for v in versions])
    out["start"] = starts[version, index]
    look_back = np.stack([_look_back(calendar, gate.lookback_school_weeks) for gate in gates])
    out["gate_start"] = np.maximum(look_back[version, np.maximum(out["cut"], 0)], calendar.year_start)
    out["recovered_at"] = np.where(out["recovered_at"] >= 0, out["recovered_at"], out["threshold"])
    resets = np.array([_of(v, "academic_year_reset") for v in versions], dtype=np.int64)
    out["reset"] = resets[version][calendar.year_start]
    out["year_start"] = calendar.year_start
    out["week"] = calendar.week
    return out


@lru_cache(maxsize=64)
def _look_back(calendar: SchoolCalendar, weeks: int) -> Longs:
    return calendar.window_start(weeks, within_year=False).astype(np.int64)


def _rungs(
    calendar: SchoolCalendar, versions: Sequence[Ladder | None], version: Longs
) -> tuple[npt.NDArray[np.void], list[tuple[str, int]]]:
    """RUNG[n, 5], and how long each clock runs: `Stage.clock`."""
    each = np.zeros((len(versions), len(SEASONS), STAGES + 1), dtype=RUNG)
    clocks: list[tuple[str, int]] = []
    for k, v in enumerate(versions):
        levels = (None,) * STAGES if v is None else v.levels()
        for number, stage in enumerate(_of(v, "stages").in_order, 1):
            if stage.clock not in clocks:
                clocks.append(stage.clock)
            requires = sum(1 << ACTIONS.index(a) for a in set(getattr(stage, "requires", ())))
            before_next = getattr(stage, "reviews_before_next", 0)
            level = levels[number - 1] if number > 1 else None
            clock = clocks.index(stage.clock)
            each[k, :, number] = (clock, before_next, requires, BY_LOG, NO_LEVEL)
            if level is not None:
                each["below"][k, :, number] = level
    return each[version, calendar.season], clocks


@lru_cache(maxsize=64)
def _notice_plan(
    calendar: SchoolCalendar, rules: tuple[PenaltyNoticeRule, ...], notice_to_improve_expected: bool, cuts: bytes
) -> NoticePlan:
    """`cuts`: the cut-off day of each day, int64. Policies that say the same of penalty notices share one plan."""
    n, cut = len(calendar), np.frombuffer(cuts, dtype=np.int64)
    in_force = np.zeros((len(rules), n), dtype=np.int64)
    for first, stop in _spans(calendar, rules):
        for rule in rules_on(rules, calendar.date(first)):
            in_force[next(r for r, known in enumerate(rules) if known is rule), first:stop] = 1
    flags = _eras(calendar)[1][0].astype(np.int64)
    counted = np.zeros((len(rules), 256), dtype=np.int64)
    for r, rule in enumerate(rules):
        for code in CODES.numbers_of(rule.codes):
            # A code that is no possible session is no absence either, whatever a rule's list says.
            if flags[code] & POSSIBLE:
                counted[r, code] = 1 | 2 * bool(flags[code] & NOT_ESTABLISHED) | 4 * bool(flags[code] & HOLIDAY)
    alternatives = [a for rule in rules for a in rule.any_of]
    stops = np.cumsum([len(rule.any_of) for rule in rules], dtype=np.int64)
    rows = np.zeros(len(rules), dtype=RULE)
    rows["stop"] = stops
    rows["first"] = stops - [len(rule.any_of) for rule in rules]
    rows["near"] = [rule.near_within for rule in rules]
    rows["own_sessions"] = [
        any(
            a.window[0] in OWN_SESSIONS or a.in_a_row or (a.attendance_below, a.attendance_at_least) != (None, None)
            for a in rule.any_of
        )
        for rule in rules
    ]
    # A version that settles longer takes the cut-off day back: then a session may also drop out at the window's end.
    steady = bool((np.diff(cut) >= 0).all())
    rows["own_number"] = [not rule.penalty_notice for rule in rules]
    rows["same_codes"] = [
        r > 0 and np.array_equal(counted[r], counted[r - 1]) and rows["own_number"][r] == rows["own_number"][r - 1]
        for r in range(len(rules))
    ]
    arrives = np.searchsorted(cut, np.arange(n), side="left")
    rows["tabled"] = steady & (rows["own_sessions"] == 0)
    each = np.zeros(len(alternatives), dtype=ALTERNATIVE)
    windows = np.zeros((len(alternatives), n), dtype=WINDOW)
    for i, alternative in enumerate(alternatives):
        kind, size = alternative.window
        below, at_least = (
            NO_LEVEL if level is None else thousandths(level)
            for level in (alternative.attendance_below, alternative.attendance_at_least)
        )
        number, holiday = WINDOW_KINDS.index(kind), alternative.holiday_sessions
        weeks, in_a_row = alternative.broken_weeks, alternative.in_a_row
        each[i] = (alternative.sessions, number, size, below, at_least, holiday, weeks, in_a_row)
        windows[i] = _windows(calendar, kind, size, cuts)
    return NoticePlan(
        rules=rows,
        alternatives=each,
        windows=windows,
        in_force=in_force,
        counted=counted,
        cut=cut,
        arrives=np.where(arrives < n, arrives, -1).astype(np.int64),
        notice_to_improve_expected=notice_to_improve_expected,
    )


@lru_cache(maxsize=128)
def _windows(calendar: SchoolCalendar, kind: str, size: int, cuts: bytes) -> npt.NDArray[np.void]:
    """WINDOW[n] of one kind and size. Where there is no cut-off day there is no window: a start after the last day
    keeps it empty."""
    n, cut = len(calendar), np.frombuffer(cuts, dtype=np.int64)
    out = np.zeros(n, dtype=WINDOW)
    out["start"] = np.where(cut >= 0, _window_start(calendar, kind, size)[np.maximum(cut, 0)], n)
    out["drop"] = _first_day_past(out["start"])
    out["week"] = calendar.week
    return out


def _window_start(calendar: SchoolCalendar, kind: str, size: int) -> Longs:
    """First day of the window that ends on each day; 0 where the pupil's own sessions decide."""
    n = len(calendar)
    if kind == "terms":
        return _start_of_part([t.first for t in calendar.terms], n, size)
    if kind == "half_terms":
        return _start_of_part([h.first for h in calendar.half_terms], n, size)
    if kind == "academic_years":
        return _start_of_part(np.unique(calendar.year_start).tolist(), n, size)
    if kind == "school_days":
        return np.maximum(np.arange(n, dtype=np.int64) - (size - 1), 0)
    if kind == "school_weeks":
        return calendar.window_start(size, within_year=False).astype(np.int64)
    if kind == "calendar_weeks":
        serial = calendar.days.astype(np.int64)
        monday = serial - calendar.weekday - 7 * (size - 1)
        return np.searchsorted(serial, monday, side="left").astype(np.int64)
    if kind == "calendar_months":
        last_outside = (pd.DatetimeIndex(calendar.days) - pd.DateOffset(months=size)).to_numpy()
        return np.searchsorted(calendar.days, last_outside.astype("datetime64[D]"), side="right").astype(np.int64)
    return np.zeros(n, dtype=np.int64)


def _start_of_part(firsts: Sequence[int], n: int, size: int) -> Longs:
    """For each of n days the first day of its part of the calendar (of which each begins on one of `firsts`) and the
    `size - 1` parts before it."""
    first = np.array(firsts, dtype=np.int64)
    part = np.searchsorted(first, np.arange(n), side="right") - 1
    return first[np.maximum(part - (size - 1), 0)]


def _first_day_past(start: Longs) -> Longs:
    """For each day o the first day whose window starts after o; -1 where the calendar ends first.

    Days without a cut-off day come first and have a start past the end: they are not windows that o dropped out of.
    """
    n = len(start)
    windows = np.flatnonzero(start < n)
    if len(windows) == 0:
        return np.full(n, -1, dtype=np.int64)
    found = np.searchsorted(start[windows], np.arange(n), side="right")
    return np.where(found < len(windows), windows[np.minimum(found, len(windows) - 1)], -1).astype(np.int64)


def compile_log(calendar: SchoolCalendar, log: LogTable) -> npt.NDArray[np.void]:
    """The log's dates as day numbers: ENTRY[entries].

    For a school day d: date <= d is `after <= d`; From <= d is `from_ <= d`; d <= Until is `d <= until`; and a date is
    no earlier than the school day x exactly when `before >= x`.
    """
    days = calendar.days
    out = np.zeros(len(log), dtype=ENTRY)
    out["action"] = log.action
    out["stage"] = log.stage
    out["after"] = np.searchsorted(days, log.day, side="left")
    out["before"] = np.searchsorted(days, log.day, side="right") - 1
    out["from_"] = np.searchsorted(days, log.from_, side="left")
    out["until"] = np.searchsorted(days, log.until, side="right") - 1
    out["until_given"] = log.until_given
    return out
