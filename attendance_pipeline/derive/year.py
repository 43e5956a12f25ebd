"""A school's days derived: marks, calendar, policy and log in; counts, ladder and penalty notices out.

Belongs here: running the compiled loops over a school in chunks of pupils, and the arrays they give. Not here: the
loops (`counting`, `ladder`, `penalty_notices`) and rows for people (`tables`).

A night and a recomputed year are the same call: the ladder always starts from the first day of the academic year (or
from the first day of all, when years do not reset), so days `first` to `last` do not depend on how they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive import counting, ladder, penalty_notices
from attendance_pipeline.derive.counting import Counts
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.plan import NoticePlan, Plan, compile_log, plan_of
from attendance_pipeline.derive.records import EVENT_ROW, NOTICE_ROW, STAGE_ROW, STATE

CHUNK = 256  # pupils whose counts stay in the processor's cache between one loop and the next
_SESSIONS_A_PUPIL = 16  # likewise
_EVENTS_A_PUPIL = 8  # room to start with; a chunk that has more is done again with enough


@dataclass(frozen=True)
class Derived:
    """Days `first` to `last` (D of them) of one school, for all P pupils, on roll or not.

    `counts`: sessions of every day from the first that an exported measure of `first` needs.
    `stages`: STAGE_ROW[P, D]. `events`: EVENT_ROW, by pupil and day. `notices`:
    NOTICE_ROW[P, R, D], a rule for each of `plan.rule_names`; rows of days on which a rule is not in
    force mean nothing. Rows of days off roll mean nothing.
    """

    inputs: SchoolInputs
    plan: Plan
    first: int
    last: int
    counts: Counts
    stages: npt.NDArray[np.void]
    events: npt.NDArray[np.void]
    notices: npt.NDArray[np.void]

    @property
    def days(self) -> range:
        return range(self.first, self.last + 1)

    def stage_rows(self, day: int) -> npt.NDArray[np.void]:
        """STAGE_ROW[P] at the end of a day."""
        return self.stages[:, self._column(day)]

    def notice_rows(self, rule: int, day: int) -> npt.NDArray[np.void]:
        """NOTICE_ROW[P] of a rule on a day."""
        return self.notices[:, rule, self._column(day)]

    def _column(self, day: int) -> int:
        if not self.first <= day <= self.last:
            raise ValueError(f"a day from {self.first} to {self.last}, not {day}")
        return day - self.first


def derive_school(inputs: SchoolInputs, first: int, last: int, chunk: int = CHUNK) -> Derived:
    """Derive school days `first` to `last` (numbers on the calendar's axis) of one school.

    Memory is the results (about 50 bytes a pupil and day) and one chunk's counts. Raises ValueError for days outside
    the calendar.
    """
    _refuse_days(inputs, first, last)
    plan = plan_of(inputs)
    low = int(plan.window_starts[:, first].min())
    pupils, rules, days = len(inputs), len(plan.rule_names), last - first + 1
    words = np.empty((pupils, last - low + 2, counting.WORDS), dtype=np.int64)
    stages = np.zeros((pupils, days), dtype=STAGE_ROW)
    notices = np.zeros((pupils, rules, days), dtype=NOTICE_ROW)
    worth = counting.worth_of_codes(plan.flags)
    logs = compile_log(inputs.calendar, inputs.log).view(np.recarray)

    gates = Gates.of(min(chunk, pupils), last)

    def derive_chunk(start: int) -> npt.NDArray[np.void]:
        """Fill the rows of one chunk of pupils; returns its events."""
        stop = min(start + chunk, pupils)
        part = _Part(plan, logs, inputs, start, stop, first, last)
        # The rules look back further than the counts that are kept, unless those begin with the calendar.
        counts = words[start:stop] if low == 0 else np.empty((stop - start, last + 2, counting.WORDS), dtype=np.int64)
        counting.count_sessions(part.marks, plan.era, worth, part.pupils.entry, part.pupils.leave, 0, counts)
        if low > 0:
            words[start:stop] = counts[:, low:]
        gates.counted[:] = False
        found = part.climb(counts, stages[start:stop], gates)
        found["pupil"] += start
        part.consider(notices[start:stop])
        return found

    events = [derive_chunk(start) for start in range(0, pupils, chunk)]
    return Derived(
        inputs=inputs,
        plan=plan,
        first=first,
        last=last,
        counts=Counts(low, words),
        stages=stages,
        events=np.concatenate(events) if events else np.zeros(0, dtype=EVENT_ROW),
        notices=notices,
    )


def climb_ladder(
    plan: Plan, pupils: Climbers, many: int, first: int, last: int, days: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
    """The ladder alone of the first `many` pupils, under the policy of `plan`: STAGE_ROW[many, len(days)] of some days,
    and EVENT_ROW of days `first` to `last`. Of a row of stage 0 nothing but the stage is told. Both are overwritten by
    the next call about the same pupils."""
    room = pupils.room
    if room.rows.shape != (len(pupils.inputs), len(days)):
        room.rows = np.zeros((len(pupils.inputs), len(days)), dtype=STAGE_ROW)
    rows = room.rows[:many]
    rows.view(np.uint8)[...] = 0
    part = _Part(plan, pupils.logs, pupils.inputs, 0, len(pupils.inputs), first, last)
    who = pupils.rows[:many]
    return rows, part.climb(pupils.words, rows, pupils.gates, days, who, pupils.floors, room)


def count_gates(inputs: SchoolInputs, plan: Plan, last: int) -> Gates:
    """What `ladder.count_unaccepted` counts, of all pupils up to day `last`: the same for every policy."""
    gates = Gates.of(len(inputs), last)
    gates.counted[:] = True
    logs = compile_log(inputs.calendar, inputs.log).view(np.recarray)
    ladder.count_all_unaccepted(
        plan.ladder.view(np.recarray), inputs.log.offsets, logs, inputs.marks, plan.era, plan.flags,
        inputs.pupils.entry, inputs.pupils.leave, last, gates.counts,
    )  # fmt: skip
    return gates


def count_school(inputs: SchoolInputs, first: int, last: int) -> Counts:
    """Sessions counted of days `first` to `last`, for windows that no exported measure has."""
    _refuse_days(inputs, first, last)
    plan = plan_of(inputs)
    counts = np.empty((len(inputs), last - first + 2, counting.WORDS), dtype=np.int64)
    pupils, worth = inputs.pupils, counting.worth_of_codes(plan.flags)
    counting.count_sessions(inputs.marks, plan.era, worth, pupils.entry, pupils.leave, first, counts)
    return Counts(first, counts)


def _refuse_days(inputs: SchoolInputs, first: int, last: int) -> None:
    n = len(inputs.calendar)
    if not 0 <= first <= last < n:
        raise ValueError(f"{inputs.school_id}: expected school days within 0 to {n - 1}, not {first} to {last}")


def _next_of(chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each day, and the day after the last, itself or the next that is chosen; far off where there is none."""
    at = np.where(np.append(chosen, False), np.arange(len(chosen) + 1), penalty_notices.FAR_OFF)
    return np.minimum.accumulate(at[::-1])[::-1].copy()


@dataclass(frozen=True)
class Gates:
    """Room for what `ladder.count_unaccepted` counts of P pupils up to day `last`, and of whom it was counted."""

    counts: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, pupils: int, last: int) -> Gates:
        return cls(np.empty((pupils, ladder.GATES, last + 2), dtype=np.int64), np.zeros(pupils, dtype=np.bool_))


@dataclass
class Room:
    """Memory that one call after another writes into: fresh memory costs more than what is written into it."""

    rows: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros((0, 0), dtype=STAGE_ROW))
    events: npt.NDArray[np.void] = field(default_factory=lambda: np.zeros(0, dtype=EVENT_ROW))


@dataclass(frozen=True)
class Climbers:
    """Pupils whose ladder is asked about under one policy after another, in order of `lowest`, with what is shared.

    `inputs`: their policy plays no part. `rows`: which rows of the school's pupils they are. `words`: the counts of
    their sessions from day 0 on, as in `Counts`. `floors`, `lowest`, `gates`: see `ladder.find_floors`.
    """

    inputs: SchoolInputs
    rows: npt.NDArray[np.int64]
    logs: np.recarray
    words: npt.NDArray[np.int64]
    floors: npt.NDArray[np.int32]
    lowest: npt.NDArray[np.int64]
    gates: Gates
    room: Room

    @classmethod
    def of(
        cls, inputs: SchoolInputs, plan: Plan, words: npt.NDArray[np.int64], gates: Gates, last: int, least: int,
        always: npt.NDArray[np.bool_],
    ) -> Climbers:  # fmt: skip
        """For every policy with the same measure and cut-off days as that of `plan`, and no fewer possible sessions
        than `least`. `gates`: by `count_gates`. `always`: pupils that come first whatever their figures are."""
        pupils, many = inputs.pupils, len(inputs)
        floors = np.empty((many, last + 1), dtype=np.int32)
        lowest = np.empty(many, dtype=np.int64)
        ladder.find_floors(
            plan.ladder.view(np.recarray), words, pupils.entry, pupils.leave, last, least, floors, lowest
        )
        lowest[always] = -1
        order = np.argsort(lowest, kind="stable")
        logs = compile_log(inputs.calendar, inputs.log).view(np.recarray)
        return cls(inputs, order, logs, words, floors, lowest[order], gates, Room())

    def below(self, threshold: int) -> int:
        """How many of them may be at a stage where no threshold is above this one, in thousandths of a percent."""
        # At least those who come first, also where there is no ladder at all.
        return int(np.searchsorted(self.lowest, max(threshold, 0), side="left"))


@dataclass(frozen=True)
class ListedSessions:
    """The sessions of P pupils that some codes of penalty-notice rules count: see `penalty_notices.list_sessions`."""

    inputs: SchoolInputs
    last: int
    logs: np.recarray
    offsets: npt.NDArray[np.int64]
    slots: npt.NDArray[np.int64]
    unresolved: npt.NDArray[np.int64]
    holiday: npt.NDArray[np.int64]
    before: npt.NDArray[np.int16]
    possible_slots: npt.NDArray[np.int64]
    possible_before: npt.NDArray[np.int16]
    attended: npt.NDArray[np.int64]

    @classmethod
    def of(cls, plan: Plan, rule: NoticePlan, inputs: SchoolInputs, last: int) -> ListedSessions:
        """For every rule with the codes of the one rule of `rule`, on days up to `last`; for rules that ask for the
        pupil's own sessions only where that one does."""
        pupils, many = inputs.pupils, len(inputs)
        own = many if rule.rules["own_sessions"][0] else 0
        offsets = np.zeros(many + 1, dtype=np.int64)
        before = np.empty((many, last + 2), dtype=np.int16)
        possible_slots = np.empty((own, 2 * last + 2), dtype=np.int64)
        possible_before = np.empty((own, last + 2), dtype=np.int16)
        attended = np.empty((own, 2 * last + 3), dtype=np.int64)
        room = many * _SESSIONS_A_PUPIL
        while True:
            slots = np.empty(room, dtype=np.int64)
            unresolved, holiday = (np.zeros(room + many + 1, dtype=np.int64) for _ in range(2))
            told = penalty_notices.list_sessions(
                rule.counted[0], plan.flags, plan.era, inputs.marks, pupils.entry, pupils.leave, pupils.csa_from,
                pupils.csa_to, last, offsets, slots, unresolved, holiday, before, possible_slots, possible_before,
                attended,
            )  # fmt: skip
            if told <= room:
                break
            room = told
        logs = compile_log(inputs.calendar, inputs.log).view(np.recarray)
        return cls(
            inputs, last, logs, offsets, slots, unresolved, holiday, before, possible_slots, possible_before, attended
        )

    def weigh(self, rule: NoticePlan, days: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """The status of the one rule of `rule` on some days: uint8[P, len(days)], `penalty_notices.NOT_MET` off roll or
        where it is not in force."""
        pupils, room = self.inputs.pupils, 2 * self.last + 3
        statuses = np.empty((len(self.inputs), len(days)), dtype=np.uint8)
        penalty_notices.weigh(
            rule.rules.view(np.recarray), rule.alternatives.view(np.recarray), rule.windows.view(np.recarray),
            rule.in_force, rule.counted, rule.cut, days, self.inputs.marks, self.inputs.log.offsets, self.logs,
            pupils.entry, pupils.leave, pupils.csa_from, pupils.csa_to, self.last, self.offsets, self.slots,
            self.unresolved, self.holiday, self.before, self.possible_slots, self.possible_before, self.attended,
            np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64),
            np.zeros(len(rule.alternatives), dtype=np.int64), statuses,
        )  # fmt: skip
        return statuses


class _Part:
    """One chunk of pupils, and the calls of the compiled loops."""

    def __init__(
        self, plan: Plan, logs: np.recarray, inputs: SchoolInputs, start: int, stop: int, first: int, last: int
    ) -> None:
        self.plan, self.first, self.last = plan, first, last
        self.pupils = inputs.pupils.part(start, stop)
        self.marks = inputs.marks[start:stop]
        self.offsets = inputs.log.offsets[start : stop + 1]
        self.logs = logs

    def climb(
        self,
        counts: npt.NDArray[np.int64],
        rows: npt.NDArray[np.void],
        gates: Gates,
        days: npt.NDArray[np.int64] | None = None,
        who: npt.NDArray[np.int64] | None = None,
        floors: npt.NDArray[np.int32] | None = None,
        memory: Room | None = None,
    ) -> npt.NDArray[np.void]:
        """The ladder of the chunk, or of pupils `who` of it, into `rows`, a column for each of `days` (all from `first`
        on); returns its events, with pupils numbered as in `rows`."""
        plan, pupils = self.plan, self.pupils
        kept = np.arange(self.first, self.last + 1) if days is None else days
        column = np.full(self.last + 1, -1, dtype=np.int64)
        column[kept] = np.arange(len(kept))
        if floors is None:
            floors = np.zeros((1, 0), dtype=np.int32)  # nobody looks at them
            thresholds = wakes = nexts = np.zeros(0, dtype=np.int64)
        else:
            today = plan.ladder[: self.last + 1]
            thresholds = np.ascontiguousarray(today["threshold"])
            wakes = _next_of((today["year_start"] == np.arange(self.last + 1)) | (today["daily"] == 1))
            nexts = _next_of(column >= 0)
        if who is None:
            who = np.arange(len(pupils))
        room = _EVENTS_A_PUPIL * len(who)
        state = np.zeros(1, dtype=STATE).view(np.recarray)
        held = np.zeros(self.last + 1, dtype=np.int64)
        used = np.zeros(len(self.logs), dtype=np.bool_)
        memory = memory or Room()
        while True:
            if len(memory.events) < room:
                memory.events = np.zeros(room, dtype=EVENT_ROW)
            events = memory.events
            told = ladder.climb(
                who, plan.ladder.view(np.recarray), plan.rungs.view(np.recarray), plan.dues, self.offsets, self.logs,
                self.marks, plan.era, plan.flags, counts, floors, pupils.entry, pupils.leave,
                plan.replay_start(self.first), self.first, self.last,
                state, gates.counts, gates.counted, held, used, thresholds, wakes, nexts, column,
                rows.view(np.recarray), events.view(np.recarray),
            )  # fmt: skip
            if told <= len(events):
                return events[:told]
            room = int(told)

    def consider(self, rows: npt.NDArray[np.void]) -> None:
        """The penalty-notice rules of the chunk into `rows`."""
        plan, notices, pupils, last = self.plan, self.plan.notices, self.pupils, self.last
        if len(notices.rules) == 0:
            return
        slots, unresolved, holiday, possible_slots, possible_before, attended = (
            np.zeros(2 * last + 3, dtype=np.int64) for _ in range(6)
        )
        penalty_notices.consider(
            notices.rules.view(np.recarray), notices.alternatives.view(np.recarray), notices.windows.view(np.recarray),
            notices.in_force, notices.counted, notices.cut, notices.arrives, notices.notice_to_improve_expected,
            plan.flags, plan.era, self.marks, self.offsets, self.logs,
            pupils.entry, pupils.leave, pupils.csa_from, pupils.csa_to, pupils.looked_after,
            self.first, last, slots, unresolved, holiday, possible_slots, possible_before, attended,
            np.zeros(len(notices.alternatives), dtype=np.int64), rows.view(np.recarray),
        )  # fmt: skip
