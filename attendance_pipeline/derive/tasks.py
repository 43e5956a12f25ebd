"""Dated tasks: what somebody has to do because of the ladder, the register or the log, and when it was done.

Belongs here: which tasks arise, fall due and are closed, from what was derived and the intervention log. Not here: the
kinds of task and their owners (`law/task_catalogue`), and worklists (`reports/`).

A task is a pure function of marks and log like everything else: nothing is ticked off anywhere but in the log.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.evidence import OPENINGS
from attendance_pipeline.derive.inputs import NO_STAGE
from attendance_pipeline.derive.ladder import MONITORING, NO_SESSIONS
from attendance_pipeline.derive.penalty_notices import MET_PROVISIONAL
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.policy import ACTIONS
from attendance_pipeline.law.register_codes import AUTHORISED, ILLNESS, MARKED, NOT_ESTABLISHED, UNAUTHORISED
from attendance_pipeline.law.task_catalogue import OF_THE_LEDGER, Catalogue, TaskKind, catalogue_of

CLASS_TEACHER = "class-teacher"
CLASS_TEACHER_OF = "class-"  # and the name of the class
NO_PUPIL = -1  # in place of a row: the task is of the whole school
NO_TEACHER = "attendance-lead"  # who has the tasks of a pupil without a class


@dataclass(frozen=True)
class Task:
    """One task of one pupil (row in PupilTable) or NO_PUPIL, for one owner: of the catalogue, or `class-<name>`.

    `due_on` None: the calendar ends first. `closed_on` None: still open. `key` names the task for good: computing it
    again gives the same. `on`: the occasion of the catalogue that made it; `closed_by`: the actions that close it.
    """

    key: str
    owner: str
    task: str
    pupil: int
    opened_on: dt.date
    due_on: dt.date | None
    closed_on: dt.date | None
    stage: int | None = None
    rule: str = ""
    on: str = ""
    closed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Occasion:
    """Something that makes a task: on a day, until a day on which it is moot (None: never), from when entries count;
    and when it is due, where that is not so many days after (-1: the calendar ends first)."""

    pupil: int
    day: int
    moot: int | None = None
    since: int | None = None
    due: int | None = None
    rule: str = ""


def tasks_of(derived: Derived, catalogue: Catalogue | None = None) -> list[Task]:
    """All tasks that arise on the derived days, the oldest first; derive from the first day of the academic year.

    Closed are those that an entry of the log closes by the last derived day, and those that became moot by then.
    """
    out: list[Task] = []
    for kind in (catalogue or catalogue_of(derived.plan.policy)).tasks:
        used: set[int] = set()
        for occasion in sorted(_occasions(derived, kind), key=lambda o: (o.pupil, o.day)):
            out += _tasks(derived, kind, occasion, used)
    # Not by key: that holds a number which depends on the order in which extracts came.
    return sorted(out, key=lambda t: (t.opened_on, t.pupil, t.task, t.rule, t.owner))


def _tasks(derived: Derived, kind: TaskKind, occasion: _Occasion, used: set[int]) -> Iterator[Task]:
    """The task of an occasion, once for each of its owners: one entry closes it for all of them."""
    inputs, calendar = derived.inputs, derived.inputs.calendar
    opened_on = calendar.date(occasion.day)
    allowed = kind.due_school_days
    if allowed is None:
        allowed = derived.plan.policy.setting.statutory.resolve_n_school_days
    due = occasion.day + allowed if occasion.due is None else occasion.due
    closed_on = _closing_entry(derived, kind, occasion, used)
    if occasion.moot is not None and occasion.moot <= derived.last:
        moot_on = calendar.date(occasion.moot)
        closed_on = moot_on if closed_on is None else min(closed_on, moot_on)
    of_school = occasion.pupil == NO_PUPIL
    class_name = "" if of_school else str(inputs.pupils.class_name[occasion.pupil])
    of_class = f"{CLASS_TEACHER_OF}{class_name}" if class_name else NO_TEACHER
    for owner in dict.fromkeys(of_class if o == CLASS_TEACHER else str(o) for o in kind.owner):
        person = "" if of_school else str(int(inputs.pupils.pupil_id[occasion.pupil]))
        parts = [opened_on.isoformat(), person, kind.task, occasion.rule, owner if len(kind.owner) > 1 else ""]
        yield Task(
            key="|".join(part for part in parts if part),
            owner=owner,
            task=kind.task,
            pupil=occasion.pupil,
            opened_on=opened_on,
            due_on=calendar.date(due) if 0 <= due < len(calendar) else None,
            closed_on=closed_on,
            stage=kind.stage,
            rule=occasion.rule,
            on=kind.on,
            closed_by=kind.closed_by,
        )


def _closing_entry(derived: Derived, kind: TaskKind, occasion: _Occasion, used: set[int]) -> dt.date | None:
    """When the log closed a task: by the first entry with one of its actions on or after the day it arose.

    An entry made shortly before a stage opened, as its clock allows, closes the task on that day; such an entry
    answers one opening only.
    """
    log, calendar = derived.inputs.log, derived.inputs.calendar
    opened_on, today = calendar.date(occasion.day), calendar.date(derived.last)
    if occasion.pupil == NO_PUPIL:
        done = (day for day, action in derived.inputs.school_log if action in kind.closed_by)
        return min((day for day in done if opened_on <= day <= today), default=None)
    since = opened_on if occasion.since is None else calendar.date(occasion.since)
    for e in log.of(occasion.pupil):
        dated = log.day[e].item()
        if ACTIONS[log.action[e]] not in kind.closed_by or not since <= dated <= today or e in used:
            continue
        if kind.stage is not None and not _of_stage(
            derived, occasion.pupil, e, kind.stage, blank=kind.on == "reviewed"
        ):
            continue
        if kind.on == "stage_opened":
            used.add(e)
        return max(dated, opened_on)
    return None


def _of_stage(derived: Derived, pupil: int, entry: int, stage: int, *, blank: bool = False) -> bool:
    """Whether an entry is about a stage: it says so, or names none and the pupil held it that day, or `blank`.

    After a review the pupil may hold another stage already: a blank follow-up is then about the stage reviewed.
    """
    log, calendar = derived.inputs.log, derived.inputs.calendar
    named = int(log.stage[entry])
    if named != NO_STAGE:
        return named == stage
    if blank:
        return True
    day = calendar.on_or_before(log.day[entry].item())
    return day in derived.days and derived.stage_rows(day)["stage"][pupil] == stage


def _occasions(derived: Derived, kind: TaskKind) -> Iterator[_Occasion]:
    if kind.on in OF_THE_LEDGER:
        return iter(())
    if kind.on == "stage_opened":
        return _stages_opened(derived, kind.stage or 0)
    if kind.on == "monitoring":
        return _monitored(derived, kind.stage or 0)
    if kind.on == "reviewed":
        return _reviews(derived, kind.stage or 0)
    if kind.on == "absent_after_meeting":
        return _absences_after_meeting(derived, kind)
    if kind.on == "school_weeks":
        return _school_weeks(derived, kind.every_school_weeks or 1)
    if kind.on == "unresolved_n":
        return _unresolved(derived)
    if kind.on in ("threshold_met", "number_reached"):
        return _thresholds_met(derived, own_number=kind.on == "number_reached")
    if kind.on == "illness_spells":
        return _spells(derived, kind.spells or 0)
    return _notices_to_improve(derived, ended=kind.on == "notice_to_improve_ended")


def _stages_opened(derived: Derived, stage: int) -> Iterator[_Occasion]:
    events = derived.events
    earlier = derived.plan.policy.setting.letters.answered_within_school_days
    for i in np.flatnonzero((events["to_stage"] == stage) & np.isin(events["event"], OPENINGS)):
        pupil, day = int(events["pupil"][i]), int(events["day"][i])
        yield _Occasion(pupil, day, _stage_left(derived, pupil, day), max(day - earlier, 0))


def _stage_left(derived: Derived, pupil: int, day: int) -> int | None:
    """The first derived day after an opening on which the pupil no longer holds that opening of the stage."""
    rows = derived.stages[pupil, day - derived.first :]
    same = (rows["stage"] == rows["stage"][0]) & (rows["opened_on"] == rows["opened_on"][0])
    other = np.flatnonzero(~same)
    return day + int(other[0]) if len(other) else None


def _school_weeks(derived: Derived, weeks: int) -> Iterator[_Occasion]:
    """Every so many school weeks of an academic year from its first: due on their last school day, and moot when the
    weeks after next begin, so that one that was missed is seen to be late and none pile up."""
    calendar, go_live = derived.inputs.calendar, derived.inputs.go_live
    days = np.arange(len(calendar))
    first_week = calendar.week[calendar.year_start]
    part = calendar.year.astype(np.int64) * len(calendar) + (calendar.week - first_week) // weeks
    firsts = np.flatnonzero(np.diff(part, prepend=-1))
    stops = [*firsts[1:].tolist(), len(days)]
    for i, first in enumerate(firsts.tolist()):
        if first not in derived.days or (go_live is not None and calendar.date(first) < go_live):
            continue
        moot = stops[i + 1] if i + 1 < len(stops) else len(days)
        yield _Occasion(NO_PUPIL, first, moot if moot < len(days) else None, due=stops[i] - 1)


def _monitored(derived: Derived, stage: int) -> Iterator[_Occasion]:
    """Each monitoring period of a stage, from the day its clock runs to the review, which ends it whatever it finds."""
    rows = derived.stages
    runs = (rows["stage"] == stage) & (rows["status"] == MONITORING) & _on_roll(derived)
    for pupil in np.flatnonzero(runs.any(axis=1)):
        mine = rows[pupil]
        # A new period where the review is due on another day, or the stage was opened anew.
        number = np.where(runs[pupil], mine["review_due"].astype(np.int64) * len(mine) + mine["opened_on"], -(1 << 40))
        edges = np.flatnonzero(np.diff(number, prepend=-(1 << 41)))
        for first, stop in zip(edges, [*edges[1:], len(mine)], strict=True):
            if runs[pupil, first]:
                moot = derived.first + int(stop) if stop < len(mine) else None
                yield _Occasion(int(pupil), derived.first + int(first), moot, due=int(mine["review_due"][first]))


def _reviews(derived: Derived, stage: int) -> Iterator[_Occasion]:
    events = derived.events
    # Openings look back too, but from stage 0; a review leaves from the stage it reviewed.
    reviews = (events["looked_from"] >= 0) & (events["from_stage"] == stage) & (events["event"] != NO_SESSIONS)
    for i in np.flatnonzero(reviews):
        yield _Occasion(int(events["pupil"][i]), int(events["day"][i]))


def _absences_after_meeting(derived: Derived, kind: TaskKind) -> Iterator[_Occasion]:
    held = derived.stages["stage"] == kind.stage
    absent = _days_with(derived, AUTHORISED | UNAUTHORISED)
    for pupil in np.flatnonzero((held & absent).any(axis=1)):
        meetings = _meetings(derived, int(pupil), kind.stage or 0)
        for i in np.flatnonzero(held[pupil] & absent[pupil]) if meetings else ():
            day = derived.first + int(i)
            if _of_opening(derived, int(pupil), day, meetings):
                yield _Occasion(int(pupil), day)


def meeting_before(derived: Derived, pupil: int, day: int, stage: int) -> int | None:
    """The newest meeting of this opening of a stage, held before a derived day: its day number; None: none was."""
    return max(_of_opening(derived, pupil, day, _meetings(derived, pupil, stage)), default=None)


def _meetings(derived: Derived, pupil: int, stage: int) -> list[int]:
    """Days of a pupil's meetings that are about a stage."""
    log, calendar = derived.inputs.log, derived.inputs.calendar
    return [
        calendar.on_or_before(log.day[e].item())
        for e in log.of(pupil)
        if ACTIONS[log.action[e]] == "meeting_held" and _of_stage(derived, pupil, e, stage)
    ]


def _of_opening(derived: Derived, pupil: int, day: int, meetings: list[int]) -> list[int]:
    """Those of them before the day that are of the present opening of the stage; perhaps shortly before it opened."""
    earlier = derived.plan.policy.setting.letters.answered_within_school_days
    earliest = int(derived.stage_rows(day)["opened_on"][pupil]) - earlier
    return [m for m in meetings if earliest <= m < day]


def _unresolved(derived: Derived) -> Iterator[_Occasion]:
    for pupil, i in np.argwhere(_days_with(derived, NOT_ESTABLISHED)):
        yield _Occasion(int(pupil), derived.first + int(i))


def _thresholds_met(derived: Derived, *, own_number: bool) -> Iterator[_Occasion]:
    """Each time a rule comes to be met, provisionally or not, until the day it no longer is: the rules about penalty
    notices, or the school's own numbers."""
    days = np.arange(derived.first, derived.last + 1)
    for rule, name in enumerate(derived.plan.rule_names):
        if bool(derived.plan.notices.rules["own_number"][rule]) != own_number:
            continue
        met = (derived.notices[:, rule]["status"] >= MET_PROVISIONAL) & _on_roll(derived)
        met &= derived.plan.notices.in_force[rule, days] == 1
        for pupil in np.flatnonzero(met.any(axis=1)):
            edges = np.flatnonzero(np.diff(np.concatenate([[False], met[pupil], [False]])))
            for first, stop in edges.reshape(-1, 2).tolist():
                moot = derived.first + stop if derived.first + stop <= derived.last else None
                yield _Occasion(int(pupil), derived.first + first, moot, rule=name)


def _notices_to_improve(derived: Derived, *, ended: bool) -> Iterator[_Occasion]:
    """The first unauthorised session in a notice's period, or the first school day after it."""
    log, calendar = derived.inputs.log, derived.inputs.calendar
    unauthorised = _days_with(derived, UNAUTHORISED)
    for pupil in range(len(derived.inputs)):
        for e in log.of(pupil):
            if ACTIONS[log.action[e]] != "notice_to_improve_issued":
                continue
            first, last = calendar.on_or_after(log.from_[e].item()), calendar.on_or_before(log.until[e].item())
            if ended:
                found = [last + 1]
            else:
                found = [
                    d for d in range(first, last + 1) if d in derived.days and unauthorised[pupil, d - derived.first]
                ]
            if found and found[0] in derived.days:
                yield _Occasion(pupil, found[0])


def _spells(derived: Derived, spells: int) -> Iterator[_Occasion]:
    """The day on which so many separate spells of illness have begun in the academic year; once a year."""
    flags = np.where(_on_roll(derived)[:, :, None], _flags(derived), 0)
    flags = flags.reshape(len(derived.inputs), 2 * len(derived.days))  # also of a school that knows no pupil yet
    marked, ill = (flags & MARKED) != 0, (flags & ILLNESS) != 0
    slots = np.arange(flags.shape[1])
    # The mark before each session: the newest marked one; a missing mark breaks no spell.
    before = np.maximum.accumulate(np.where(marked, slots, -1), axis=1)
    before = np.concatenate([np.full((len(flags), 1), -1), before[:, :-1]], axis=1)
    was_ill = np.take_along_axis(ill, np.maximum(before, 0), axis=1) & (before >= 0)
    year_start = derived.inputs.calendar.year_start[derived.first : derived.last + 1]
    first_slot = np.maximum(year_start.astype(np.int64) - derived.first, 0).repeat(2) * 2
    begins = ill & ~(was_ill & (before >= first_slot))
    total = np.cumsum(begins, axis=1)
    earlier = np.where(first_slot > 0, total[:, np.maximum(first_slot - 1, 0)], 0)
    for pupil, slot in np.argwhere(begins & (total - earlier == spells)):
        yield _Occasion(int(pupil), derived.first + int(slot) // 2)


def _flags(derived: Derived) -> npt.NDArray[np.uint16]:
    days = slice(derived.first, derived.last + 1)
    return derived.plan.flags[derived.plan.era[days][:, None], derived.inputs.marks[:, days]]


def _on_roll(derived: Derived) -> npt.NDArray[np.bool_]:
    pupils, days = derived.inputs.pupils, np.arange(derived.first, derived.last + 1)
    return (pupils.entry[:, None] <= days) & (days <= pupils.leave[:, None])


def _days_with(derived: Derived, bits: int) -> npt.NDArray[np.bool_]:
    """Days on roll with a mark of one of these bits: bool[P, D]."""
    return ((_flags(derived) & bits) != 0).any(axis=2) & _on_roll(derived)
