"""What staff wrote into the intervention log: answers to the ladder as it moved, and what else is done in a school.

Belongs here: drawing when and how each step of the ladder was answered. Not here: the ladder itself; it is asked of
`derive/`, week after week, so the log never answers a step that did not happen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from attendance_pipeline.demo.marks import AM, code
from attendance_pipeline.demo.people import Pupil
from attendance_pipeline.derive.inputs import LogEntry, LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.ladder import AWAITING_ACTION, EVENTS
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import Policy
from attendance_pipeline.law.school_calendar import SchoolCalendar

UNANSWERED_SCHOOL_DAYS = 4  # steps of the last days wait for their letters
RECENT_SCHOOL_DAYS = 15
NEVER_ANSWERED = 40  # of so many steps one is overlooked
STEPS = ("opened", "escalated", "stalled", "set")
CLOSINGS = ("recovered", "left", "closed")
BARRIERS = ("Anxiety about school", "Morning routines", "Health of a parent", "Transport", "Friendships", "Housing", "")
LETTER_TO_EACH, LETTER_BY_HAND = "each recipient", "by hand"


@dataclass(frozen=True)
class Entry:
    """One line of the log. `to`: for a letter, whether every recipient has a line of their own. `letter`: its kind,
    where it is not the stage's own."""

    pupil: int
    day: dt.date
    action: str
    stage: int | None = None
    to: str = ""
    barrier: str = ""
    agency: str = ""
    outcome: str = ""
    from_: dt.date | None = None
    until: dt.date | None = None
    amount: str = ""
    by: str = ""
    note: str = ""
    letter: str = ""

    def plain(self) -> LogEntry:
        return LogEntry(self.pupil, self.day, self.action, self.stage, self.from_, self.until)


@dataclass(frozen=True)
class Log:
    """The whole log by date, and the pupils whose stage nobody has answered yet: the lowest stage and newest first."""

    entries: list[Entry]
    unanswered: list[int]


def pupil_table(calendar: SchoolCalendar, pupils: Sequence[Pupil]) -> PupilTable:
    return PupilTable.from_rows(
        calendar,
        [
            {
                "upn": p.upn,
                "entry": p.entry,
                "leave": p.leaving,
                "born": p.born,
                "class_name": p.class_name,
                "year_group": p.year_group,
                "looked_after": p.looked_after,
            }
            for p in pupils
        ],
    )


def keep_log(
    rng: Generator,
    school_id: str,
    calendar: SchoolCalendar,
    policy: Policy,
    pupils: Sequence[Pupil],
    register: npt.NDArray[np.uint8],
) -> Log:
    """Answer the ladder from the first school day to the last that `register` (uint8[P, D, 2]) has."""
    marks = np.zeros((len(pupils), len(calendar), 2), dtype=np.uint8)
    marks[:, : register.shape[1]] = register
    office = _Office(rng, school_id, calendar, policy, pupil_table(calendar, pupils), marks, register.shape[1] - 1)
    return office.keep()


class _Office:
    """Goes through the weeks as the staff did: what the ladder says on Friday is answered in the days that follow."""

    def __init__(
        self,
        rng: Generator,
        school_id: str,
        calendar: SchoolCalendar,
        policy: Policy,
        table: PupilTable,
        marks: npt.NDArray[np.uint8],
        last: int,
    ) -> None:
        self.rng, self.calendar, self.last = rng, calendar, last
        self.school_id, self.policy, self.table, self.marks = school_id, policy, table, marks
        self.entries: list[Entry] = []
        self.planned: list[tuple[int, tuple[int, int, int], Entry]] = []  # day, (pupil, day, stage) answered, entry
        self.met: set[tuple[int, int, int]] = set()
        self.steps = 0

    def keep(self) -> Log:
        self._other_entries()
        ends = [d for d in range(self.last + 1) if d == self.last or self.calendar.week[d + 1] != self.calendar.week[d]]
        for friday in ends:
            derived = self._derive(friday)
            self._answer(derived)
            self._write(derived, friday)
        today = self._derive(self.last).stage_rows(self.last)
        for stage in (1, 2, 3):
            self._leave_one_open(stage, today)
        derived = self._derive(self.last)
        self._phone_on_absence(derived)
        today = derived.stage_rows(self.last)
        waiting = np.flatnonzero((today["status"] == AWAITING_ACTION) & self.table.on_roll(self.last))
        waiting = waiting[np.lexsort((-today["opened_on"][waiting], today["stage"][waiting]))]
        return Log(sorted(self.entries, key=lambda e: (e.day, e.pupil)), waiting.tolist())

    def _derive(self, last: int) -> Derived:
        entries = sorted((e for e in self.entries if not e.letter), key=lambda e: e.day)
        log = LogTable.from_entries(len(self.table), [e.plain() for e in entries])
        return derive_school(
            SchoolInputs(self.school_id, self.calendar, self.policy, self.table, self.marks, log), 0, last
        )

    def _answer(self, derived: Derived) -> None:
        """Plan what staff will do about each step that is new."""
        for e in derived.events:
            name, step = EVENTS[e["event"]], (int(e["pupil"]), int(e["day"]), int(e["to_stage"]))
            if step in self.met or name not in (*STEPS, "recovered"):
                continue
            self.met.add(step)
            if name == "recovered":
                self._plan(step, 3, "follow_up_done", by="Attendance lead", outcome="Improved: family told")
                if e["looked_from"] >= 0:  # a review found it; while a letter waits, the family has heard of nothing
                    self._plan(step, 4, "letter_sent", to=LETTER_TO_EACH, by="School office", letter="improved")
            elif step[2] == 0:
                pass
            elif step[1] <= self.last - UNANSWERED_SCHOOL_DAYS and self._answered():
                (self._stage_1, self._stage_2, self._stage_3, self._stage_4)[step[2] - 1](step)

    def _answered(self) -> bool:
        self.steps += 1
        return self.steps % NEVER_ANSWERED != NEVER_ANSWERED // 2

    def _stage_1(self, step: tuple[int, int, int]) -> None:
        if self.rng.random() < 0.4:
            self._plan(step, 1, "phone_call", by="School office", outcome="Concern shared")
        self._plan(
            step, self._days(1, 3), "letter_sent", to=LETTER_TO_EACH, by="School office", note="Letter 1, leaflet"
        )

    def _stage_2(self, step: tuple[int, int, int]) -> None:
        held = self._days(3, 6)
        self._plan(step, 1, "meeting_arranged", by="Class teacher", outcome="Informal meeting with parents")
        self._plan(step, held, "meeting_held", by="Class teacher", barrier=self._barrier(), outcome="Parent attended")
        self._plan(
            step, held, "target_agreed", by="Class teacher", outcome="Present and on time every day for two weeks"
        )
        self._plan(
            step, held, "letter_sent", to=LETTER_BY_HAND, by="Class teacher", note="Letter 2, given at the meeting"
        )
        if self.rng.random() < 0.4:
            self._plan(step, held + 2, "agency_contacted", by="SENCO", agency="Early help", outcome="Referral made")

    def _stage_3(self, step: tuple[int, int, int]) -> None:
        held = self._days(2, 5)
        self._plan(step, 1, "meeting_arranged", by="Attendance lead", outcome="Parent, pupil, teacher, headteacher")
        self._plan(step, held, "meeting_held", by="Attendance lead", barrier=self._barrier(), outcome="Parent attended")
        self._plan(step, held, "plan_agreed", by="Attendance lead", outcome="Attendance Support Action Plan signed")
        self._plan(step, held, "letter_sent", to=LETTER_BY_HAND, by="Headteacher", note="Letter 3, handed over")
        if self.rng.random() < 0.5:
            self._plan(step, held + 10, "home_visit", by="Attendance lead", outcome="Family seen")

    def _stage_4(self, step: tuple[int, int, int]) -> None:
        self._plan(step, 3, "referral_made", agency="Local authority", by="Headteacher", outcome="Sent")

    def _days(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def _barrier(self) -> str:
        return BARRIERS[self.rng.integers(len(BARRIERS))]

    def _plan(self, step: tuple[int, int, int], after: int, action: str, **words: Any) -> None:
        pupil, day, stage = step
        if day + after <= self.last:
            when = self.calendar.date(day + after)
            self.planned.append((day + after, step, Entry(pupil, when, action, stage or None, **words)))

    def _write(self, derived: Derived, friday: int) -> None:
        """Enter what was planned until `friday`, but nothing about a step that was over before its day came."""
        over: dict[int, list[int]] = {}
        for e in derived.events:
            if EVENTS[e["event"]] in CLOSINGS:
                over.setdefault(int(e["pupil"]), []).append(int(e["day"]))
        for planned in [p for p in self.planned if p[0] <= friday]:
            self.planned.remove(planned)
            day, (pupil, opened, stage), entry = planned
            if stage == 0 or not any(opened < closed < day for closed in over.get(pupil, ())):
                self.entries.append(entry)

    def _leave_one_open(self, stage: int, today: npt.NDArray[np.void]) -> None:
        """Where every step to a stage has been answered, the newest has not: each kind of letter is to be due today."""
        there = (today["stage"] == stage) & self.table.on_roll(self.last)
        if (there & (today["status"] == AWAITING_ACTION)).any():
            return
        recent = np.flatnonzero(there & (today["opened_on"] > self.last - RECENT_SCHOOL_DAYS))
        if len(recent):
            p = int(recent[np.argmax(today["opened_on"][recent])])
            opened = self.calendar.date(int(today["opened_on"][p]))
            self.entries = [e for e in self.entries if not (e.pupil == p and e.stage == stage and e.day >= opened)]

    def _phone_on_absence(self, derived: Derived) -> None:
        """Stage 3: the headteacher phones on each day of absence after the meeting (most of them, not all)."""
        absent = np.isin(self.marks[:, :, AM], [code(c) for c in ("I", "O", "N", "G")])
        met = {e.pupil: e.day for e in self.entries if e.action == "meeting_held" and e.stage == 3}
        for p, held in met.items():
            rows = derived.stages[p]
            for d in range(self.calendar.on_or_after(held) + 1, self.last):
                if rows["stage"][d] == 3 and absent[p, d] and self.rng.random() < 0.8:
                    self.entries.append(
                        Entry(p, self.calendar.date(d), "phone_call", 3, by="Headteacher", outcome="Support offered")
                    )

    def _other_entries(self) -> None:
        """Entries that no step asks for: a notice, evidence, a reason in doubt, a hold, and stages brought along."""
        self._penalty_notice()
        self._evidence()
        self._hold_and_set()

    def _on_roll_all_year(self) -> npt.NDArray[np.bool_]:
        return (self.table.entry == 0) & (self.table.leave >= self.last)

    def _penalty_notice(self) -> None:
        """The family whose ten sessions of holiday in the autumn were answered with a notice."""
        away = self.marks[:, : self.last + 1] == code("G")
        long = np.flatnonzero(away.sum((1, 2)) >= 10)
        for p in long.tolist():
            days = np.flatnonzero(away[p].any(1))
            if days[-1] + 12 <= self.last - 25:
                first, until = self.calendar.date(int(days[0])), self.calendar.date(int(days[-1]))
                issued = self.calendar.date(int(days[-1]) + 12)
                self.entries.append(
                    Entry(p, issued, "penalty_notice_issued", to=LETTER_TO_EACH, from_=first, until=until, amount="160")
                )
                return

    def _evidence(self) -> None:
        """Some of those with many spells of illness: reasons questioned, and for one of them evidence accepted."""
        ill = self.marks[:, : self.last + 1, AM] == code("I")
        spells = (np.diff(ill.astype(np.int8), axis=1, prepend=0) == 1).sum(1)
        order = np.argsort(-spells, kind="stable")
        often = [int(p) for p in order[:40] if self._on_roll_all_year()[p] and spells[p] >= 3][8:11]
        for number, p in enumerate(often):
            day = self.last - 30 - number
            if day < 20:
                continue
            first, until = self.calendar.date(day - 19), self.calendar.date(day)
            when = self.calendar.date(day + 1)
            self.entries.append(
                Entry(
                    p, when, "reason_questioned", from_=first, until=until, by="Attendance lead", note="Several spells"
                )
            )
            if number == 0:
                seen = self.calendar.date(day + 8)
                self.entries.append(
                    Entry(
                        p, seen, "evidence_accepted", from_=first, until=until, by="Attendance lead", note="Letter seen"
                    )
                )

    def _hold_and_set(self) -> None:
        """A stage brought from another school, an episode closed by hand, and letters held for a time."""
        absent = np.isin(self.marks[:, : self.last + 1], [code(c) for c in "INOG"]).sum((1, 2))
        order = [int(p) for p in np.argsort(-absent, kind="stable") if self._on_roll_all_year()[p]]
        if len(order) < 30 or self.last < 60:
            return
        moved = order[2]
        day = self.calendar.date
        self.entries.append(Entry(moved, day(9), "set_stage", 2, by="Attendance lead", note="Stage at the last school"))
        held = order[16]
        self.entries.append(
            Entry(
                held,
                day(self.last - 40),
                "hold",
                from_=day(self.last - 40),
                by="Headteacher",
                note="Speak to DSL first",
            )
        )
        self.entries.append(Entry(held, day(self.last - 20), "release", by="Headteacher"))
        closed = order[8]
        until = day(self.last - 10)
        self.entries.append(
            Entry(
                closed, day(self.last - 26), "close_episode", until=until, by="Headteacher", note="In hospital, support"
            )
        )
