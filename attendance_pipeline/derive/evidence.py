"""The evidence of a decision: figures, threshold, sessions relied on, policy and version.

Belongs here: telling from the marks again, in plain words, what the compiled loops decided. Not here: deciding (that is
`ladder` and `penalty_notices`), file and line of a mark (`register/`), and words for families (`letters/`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from attendance_pipeline.derive.codes import Mark, marks_of
from attendance_pipeline.derive.counting import COUNTERS, Counts
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.ladder import (
    DROPPED_ACCEPTED_REASONS,
    ESCALATED,
    EVENTS,
    OPENED,
    RECOVERED,
    SET,
    STALLED,
)
from attendance_pipeline.derive.plan import NO_LEVEL, Plan
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import ACTIONS, PERCENT_SCALE, WINDOW_KINDS
from attendance_pipeline.law.register_codes import (
    ATTENDED,
    AUTHORISED,
    ILLNESS,
    NOT_ESTABLISHED,
    POSSIBLE,
    UNAUTHORISED,
)

OPENINGS = (OPENED, ESCALATED, STALLED, SET)
HUNDRED_PERCENT = 100 * PERCENT_SCALE

UNEXCUSED = "unauthorised"
UNEXPLAINED = "no reason after the days allowed"
QUESTIONED = "reason questioned"
REPEATED_ILLNESS = "repeated illness"


@dataclass(frozen=True)
class ReliedOn:
    """A session of absence. `why` says why it is unaccepted; blank: it only counts towards the figure."""

    date: dt.date
    session: str
    code: str
    why: str = ""


@dataclass(frozen=True)
class Evidence:
    """What an event of the ladder rests on. Ratios are (attended, possible) with (0, 0) for null; `threshold` is in
    thousandths of a percent, -1 none. `looked_from` to `looked_to`: the look-back, or the period of a review."""

    pupil: int
    date: dt.date
    event: str
    from_stage: int
    to_stage: int
    episode: int
    policy: str
    policy_version: str
    ladder_from: dt.date | None
    ladder_source: str
    measure: str
    measured_from: dt.date
    measured_to: dt.date | None
    figure: tuple[int, int]
    threshold: int
    checkpoint: tuple[int, int]
    period: tuple[int, int]
    looked_from: dt.date | None
    looked_to: dt.date | None
    absences: tuple[ReliedOn, ...]

    @property
    def relied_on(self) -> tuple[ReliedOn, ...]:
        """The unaccepted sessions of the look-back or period."""
        return tuple(a for a in self.absences if a.why)


def events_of(derived: Derived, pupil: int) -> list[np.void]:
    """The events of one pupil, oldest first."""
    return list(derived.events[derived.events["pupil"] == pupil])


def opening_of(derived: Derived, pupil: int, day: int) -> np.void | None:
    """The event by which the stage the pupil holds on a day opened; None at stage 0 or if it lies before `first`."""
    row = derived.stage_rows(day)[pupil]
    if row["stage"] == 0:
        return None
    opened = [e for e in events_of(derived, pupil) if e["event"] in OPENINGS and e["day"] == row["opened_on"]]
    return opened[-1] if opened else None


def explain_pupil(inputs: SchoolInputs, pupil: int, day: int) -> Derived:
    """One pupil's days from the first day of the academic year, or of the ladder, to `day`; the pupil is row 0."""
    alone = inputs.part(pupil, pupil + 1)
    first = int(inputs.calendar.year_start[day])
    derived = derive_school(alone, first, day)
    replayed = derived.plan.replay_start(first)
    return derived if replayed == first else derive_school(alone, replayed, day)


def decision_evidence(derived: Derived, event: np.void) -> Evidence:
    """The evidence of one event of `derived.events`."""
    inputs, plan = derived.inputs, derived.plan
    pupil, day = int(event["pupil"]), int(event["day"])
    today = plan.ladder[day]
    ladder = plan.versions[int(plan.version[day])]
    looked_from = int(event["looked_from"])
    why = {(m.day, m.half): reason for m, reason in unaccepted(inputs, plan, pupil, day, looked_from)}
    first = int(today["start"]) if looked_from < 0 else min(looked_from, int(today["start"]))
    return Evidence(
        pupil=pupil,
        date=inputs.calendar.date(day),
        event=EVENTS[event["event"]],
        from_stage=int(event["from_stage"]),
        to_stage=int(event["to_stage"]),
        episode=int(event["episode"]),
        policy=plan.policy.name,
        policy_version=plan.policy.version,
        ladder_from=ladder.valid_from if ladder else None,
        ladder_source=ladder.source if ladder else "",
        measure=ladder.measure if ladder else "",
        measured_from=inputs.calendar.date(int(today["start"])),
        measured_to=_date(inputs, int(today["cut"])),
        figure=(int(event["attended"]), int(event["possible"])),
        threshold=int(event["threshold"]),
        checkpoint=(int(event["checkpoint_attended"]), int(event["checkpoint_possible"])),
        period=(int(event["period_attended"]), int(event["period_possible"])),
        looked_from=_date(inputs, looked_from),
        looked_to=_date(inputs, int(event["looked_to"])),
        absences=tuple(
            ReliedOn(inputs.calendar.date(m.day), m.session, m.code, why.get((m.day, m.half), ""))
            for m in marks_of(inputs, pupil, first, int(today["cut"]))
            if _flags(inputs, plan, pupil, m) & (AUTHORISED | UNAUTHORISED)
        ),
    )


def unaccepted(inputs: SchoolInputs, plan: Plan, pupil: int, day: int, first: int) -> list[tuple[Mark, str]]:
    """The sessions that the gate of day `day` counts from day `first` to the cut-off day, and why each counts.

    `first` -1: none. The academic year bounds the window, as in rules.md section 5.
    """
    if first < 0:
        return []
    today = plan.ladder[day]
    cut, start = int(today["cut"]), int(today["year_start"])
    spells = illness_spells(inputs, plan, pupil, start, cut)
    repeated = 0 < today["illness_spells"] <= spells
    out = []
    for mark in marks_of(inputs, pupil, max(first, start), cut):
        flags = _flags(inputs, plan, pupil, mark)
        date = inputs.calendar.date(mark.day)
        if flags & UNAUTHORISED:
            if not flags & NOT_ESTABLISHED:
                out.append((mark, UNEXCUSED))
            elif cut - mark.day > today["resolve_n"]:
                out.append((mark, UNEXPLAINED))
        elif flags & AUTHORISED and not _inside(inputs, pupil, "evidence_accepted", date):
            if _inside(inputs, pupil, "reason_questioned", date):
                out.append((mark, QUESTIONED))
            elif flags & ILLNESS and repeated:
                out.append((mark, REPEATED_ILLNESS))
    return out


def illness_spells(inputs: SchoolInputs, plan: Plan, pupil: int, first: int, last: int) -> int:
    """Separate spells of I on days first to last: runs of I marks with no other mark between them."""
    spells, ill = 0, False
    for mark in marks_of(inputs, pupil, first, last):
        now = bool(_flags(inputs, plan, pupil, mark) & ILLNESS)
        spells += now and not ill
        ill = now
    return spells


def stands_without(derived: Derived, event: np.void, codes: Collection[str]) -> bool:
    """Whether an opening would stand if the sessions with these codes had no mark.

    True for a stage that a person set. For letters: unresolved N, and E or C2 that alone make A < T.
    """
    inputs, plan = derived.inputs, derived.plan
    pupil, day = int(event["pupil"]), int(event["day"])
    if event["event"] == SET:
        return True
    today = plan.ladder[day]
    taken = [m for m in marks_of(inputs, pupil, int(today["start"]), int(today["cut"])) if m.code in codes]
    bits = [_flags(inputs, plan, pupil, m) for m in taken]
    attended = int(event["attended"]) - sum(bool(b & ATTENDED) for b in bits)
    possible = int(event["possible"]) - sum(bool(b & POSSIBLE) for b in bits)
    if attended * HUNDRED_PERCENT >= today["threshold"] * possible:
        return False
    if event["event"] == OPENED and possible < today["minimum"]:
        return False
    left = [m for m, _ in unaccepted(inputs, plan, pupil, day, int(event["looked_from"])) if m.code not in codes]
    return bool(len(left) >= today["gate_minimum"])


def review_stands_without(derived: Derived, event: np.void, codes: Collection[str]) -> bool:
    """Whether a review would have ended as it did, recovery or none, if the sessions with these codes had no mark.

    A recovery stands: without an absence attendance is no lower. Otherwise both figures stay short of recovery; and
    where attendance had dropped for accepted reasons it still would have.
    """
    if event["event"] == RECOVERED:
        return True
    inputs, plan = derived.inputs, derived.plan
    pupil, today = int(event["pupil"]), plan.ladder[int(event["day"])]

    def without(first: int, attended: int, possible: int) -> tuple[int, int]:
        taken = [m for m in marks_of(inputs, pupil, first, int(today["cut"])) if m.code in codes]
        bits = [_flags(inputs, plan, pupil, m) for m in taken]
        return attended - sum(bool(b & ATTENDED) for b in bits), possible - sum(bool(b & POSSIBLE) for b in bits)

    attended, possible = without(int(today["start"]), int(event["attended"]), int(event["possible"]))
    then = int(event["period_attended"]), int(event["period_possible"])
    in_period, of_period = without(int(event["looked_from"]), *then)
    if possible == 0 or of_period == 0 or attended * HUNDRED_PERCENT >= today["threshold"] * possible:
        return False
    if in_period * HUNDRED_PERCENT >= today["recovered_at"] * of_period:
        return False
    if event["event"] == DROPPED_ACCEPTED_REASONS:
        return bool(attended * int(event["checkpoint_possible"]) < int(event["checkpoint_attended"]) * possible)
    return True


def counted_sessions(derived: Derived, rule: int, pupil: int, day: int) -> list[Mark]:
    """The sessions that a penalty-notice row counts, oldest first. `rule` is an index in `plan.rule_names`."""
    inputs, plan = derived.inputs, derived.plan
    row = derived.notice_rows(rule, day)[pupil]
    number = int(row["counted"])
    date = inputs.calendar.date(day)
    issued = [
        (log_from, log_until)
        for e in inputs.log.of(pupil)
        if ACTIONS[inputs.log.action[e]] == "penalty_notice_issued" and inputs.log.day[e].item() <= date
        for log_from, log_until in [(inputs.log.from_[e].item(), inputs.log.until[e].item())]
    ]
    first, last = int(inputs.pupils.csa_from[pupil]), int(inputs.pupils.csa_to[pupil])
    if plan.notices.rules["own_number"][rule]:
        first, last, issued = 0, len(inputs.calendar), []
    window_from, cut = int(row["window_from"]), int(plan.notices.cut[day])
    counts = plan.notices.counted[rule]
    found = [
        m
        for m in marks_of(inputs, pupil, max(first, window_from, 0), min(last, cut))
        if counts[inputs.marks[pupil, m.day, m.half]]
        and not any(a <= inputs.calendar.date(m.day) <= b for a, b in issued)
    ]
    # A window of the pupil's own sessions may begin in the afternoon of its first day: it is the newest that count.
    return found[len(found) - number :] if number else []


def window_words(derived: Derived, rule: int, pupil: int, day: int) -> tuple[str, int, int]:
    """Kind and size of the window a penalty-notice row reports, and the number of sessions it asks for."""
    notices = derived.plan.notices
    row = derived.notice_rows(rule, day)[pupil]
    alternative = notices.alternatives[notices.rules["first"][rule] + row["alternative"]]
    return WINDOW_KINDS[alternative["kind"]], int(alternative["length"]), int(alternative["sessions"])


def asks_in_a_row(derived: Derived, rule: int, pupil: int, day: int) -> bool:
    """Whether the alternative that a penalty-notice row reports asks for a run within its window."""
    notices = derived.plan.notices
    row = derived.notice_rows(rule, day)[pupil]
    return bool(notices.alternatives[notices.rules["first"][rule] + row["alternative"]]["in_a_row"])


def weighs_its_n(derived: Derived, rule: int, pupil: int, day: int) -> bool:
    """Whether it is not by their number alone that the sessions without N would meet what a row reports."""
    notices = derived.plan.notices
    row = derived.notice_rows(rule, day)[pupil]
    alternative = notices.alternatives[notices.rules["first"][rule] + row["alternative"]]
    return bool(alternative["in_a_row"] or alternative["broken_weeks"])


def asked_attendance(derived: Derived, rule: int, pupil: int, day: int) -> tuple[int, tuple[int, int]]:
    """Where the alternative that a penalty-notice row reports asks for low attendance too: the level, in thousandths of
    a percent, and the attended and possible sessions of its window. The level is NO_LEVEL where it asks for none."""
    inputs, plan = derived.inputs, derived.plan
    row = derived.notice_rows(rule, day)[pupil]
    alternative = plan.notices.alternatives[plan.notices.rules["first"][rule] + row["alternative"]]
    first, cut = int(row["window_from"]), int(plan.notices.cut[day])
    if alternative["below"] < 0 or first < 0:
        return NO_LEVEL, (0, 0)
    flags = [_flags(inputs, plan, pupil, m) for m in marks_of(inputs, pupil, first, cut)]
    possible = [f for f in flags if f & POSSIBLE]
    if WINDOW_KINDS[alternative["kind"]] == "school_sessions":
        possible = possible[-int(alternative["length"]) :]
    return int(alternative["below"]), (sum(bool(f & ATTENDED) for f in possible), len(possible))


def figures(counts: Counts, pupil: int, first: int, last: int) -> dict[str, Any]:
    """Every counter of one pupil over one window, by name."""
    table = counts.window(first, last).table[pupil]
    return {name: int(table[i]) for i, name in enumerate(COUNTERS)}


def _flags(inputs: SchoolInputs, plan: Plan, pupil: int, mark: Mark) -> int:
    return int(plan.flags[plan.era[mark.day], inputs.marks[pupil, mark.day, mark.half]])


def _inside(inputs: SchoolInputs, pupil: int, action: str, date: dt.date) -> bool:
    log = inputs.log
    return any(
        ACTIONS[log.action[e]] == action and log.from_[e].item() <= date <= log.until[e].item() for e in log.of(pupil)
    )


def _date(inputs: SchoolInputs, day: int) -> dt.date | None:
    return None if day < 0 else inputs.calendar.date(day)
