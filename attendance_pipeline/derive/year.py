"""A school's days derived: marks, calendar, policy and log in; counts, ladder and penalty notices out.

Belongs here: running the compiled loops over a school in chunks of pupils, and the arrays they give. Not here: the
loops (`counting`, `ladder`, `penalty_notices`) and rows for people (`tables`).

A night and a recomputed year are the same call: the ladder always starts from the first day of the academic year (or
from the first day of all, when years do not reset), so days `first` to `last` do not depend on how they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive import counting, ladder, penalty_notices
from attendance_pipeline.derive.counting import Counts
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.plan import Plan, compile_log, plan_of
from attendance_pipeline.derive.records import EVENT_ROW, NOTICE_ROW, STAGE_ROW, STATE

CHUNK = 256  # pupils whose counts stay in the processor's cache between one loop and the next
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
    plan: Plan,
    inputs: SchoolInputs,
    words: npt.NDArray[np.int64],
    gates: Gates,
    first: int,
    last: int,
    days: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
    """The ladder alone, under the policy of `plan` (that of `inputs` plays no part): STAGE_ROW[P, len(days)] of some
    days, and EVENT_ROW of days `first` to `last`.

    `words`: the counts of sessions of these pupils from day 0 on, as in `Counts`. `gates`: theirs, kept from one policy
    to the next.
    """
    rows = np.zeros((len(inputs), len(days)), dtype=STAGE_ROW)
    part = _Part(plan, compile_log(inputs.calendar, inputs.log).view(np.recarray), inputs, 0, len(inputs), first, last)
    return rows, part.climb(words, rows, gates, days)


def consider_notices(plan: Plan, inputs: SchoolInputs, first: int, last: int) -> npt.NDArray[np.void]:
    """The penalty-notice rules of `plan` alone: NOTICE_ROW[P, R, D] of days `first` to `last`."""
    rows = np.zeros((len(inputs), len(plan.notices.rules), last - first + 1), dtype=NOTICE_ROW)
    log = compile_log(inputs.calendar, inputs.log).view(np.recarray)
    _Part(plan, log, inputs, 0, len(inputs), first, last).consider(rows)
    return rows


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


@dataclass(frozen=True)
class Gates:
    """Room for what `ladder.count_unaccepted` counts of P pupils up to day `last`, and of whom it was counted."""

    counts: npt.NDArray[np.int64]
    counted: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, pupils: int, last: int) -> Gates:
        return cls(np.empty((pupils, ladder.GATES, last + 2), dtype=np.int64), np.zeros(pupils, dtype=np.bool_))

    def part(self, stop: int) -> Gates:
        """Those of the first pupils."""
        return Gates(self.counts[:stop], self.counted[:stop])


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
    ) -> npt.NDArray[np.void]:
        """The ladder of the chunk into `rows`, a column for each of `days` (all from `first` on); returns its events,
        with pupils numbered within the chunk."""
        plan, pupils = self.plan, self.pupils
        kept = np.arange(self.first, self.last + 1) if days is None else days
        column = np.full(self.last + 1, -1, dtype=np.int64)
        column[kept] = np.arange(len(kept))
        room = _EVENTS_A_PUPIL * len(pupils)
        state = np.zeros(1, dtype=STATE).view(np.recarray)
        held = np.zeros(self.last + 1, dtype=np.int64)
        used = np.zeros(len(self.logs), dtype=np.bool_)
        while True:
            events = np.zeros(room, dtype=EVENT_ROW)
            told = ladder.climb(
                plan.ladder.view(np.recarray), plan.rungs.view(np.recarray), plan.dues, self.offsets, self.logs,
                self.marks, plan.era, plan.flags, counts, pupils.entry, pupils.leave,
                plan.replay_start(self.first), self.first, self.last,
                state, gates.counts, gates.counted, held, used, column, rows.view(np.recarray), events.view(np.recarray),
            )  # fmt: skip
            if told <= room:
                return events[:told]
            room = int(told)

    def consider(self, rows: npt.NDArray[np.void]) -> None:
        """The penalty-notice rules of the chunk into `rows`."""
        plan, notices, pupils, last = self.plan, self.plan.notices, self.pupils, self.last
        if len(notices.rules) == 0:
            return
        slots, unresolved, holiday, possible_slots, possible_before = (
            np.zeros(2 * last + 3, dtype=np.int64) for _ in range(5)
        )
        penalty_notices.consider(
            notices.rules.view(np.recarray), notices.alternatives.view(np.recarray), notices.windows.view(np.recarray),
            notices.in_force, notices.counted, notices.cut, notices.arrives, notices.notice_to_improve_expected,
            plan.flags, plan.era, self.marks, self.offsets, self.logs,
            pupils.entry, pupils.leave, pupils.csa_from, pupils.csa_to, pupils.looked_after,
            self.first, last, slots, unresolved, holiday, possible_slots, possible_before,
            np.zeros(len(notices.alternatives), dtype=np.int64), rows.view(np.recarray),
        )  # fmt: skip
