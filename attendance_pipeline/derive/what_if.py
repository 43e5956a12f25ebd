"""What if: the same marks under other policies, many at once, each in figures by school week.

Belongs here: running the loops of `ladder` and `penalty_notices` for one policy after another over what they share, and
counting what came of each. Not here: the rules themselves (they are the very loops of a night), which policies are asked
about (`law/policy_grid.py`), hours of work, names and pages (`reports/what_if.py`).

What does not depend on the policy is done once: marks, counts of sessions, the pupil's own lowest figure. A pupil whose
figure never fell below any threshold of a policy never opens a stage under it, unless a person set one: such pupils are
left out of its ladder, and stand at stage 0. They are put in order of their lowest figure once for all policies with the
same measure and cut-off days, so that each policy looks at the first so many. Penalty-notice rules are worked out once
for each rule that differs; of pupils with too few sessions of its codes even to come near, nothing is asked.

What a stage `requires` was done, or not, under the policy of the time: see `Supposed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive import ladder, penalty_notices
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.ladder import AWAITING_ACTION, EVENTS, HUNDRED_PERCENT
from attendance_pipeline.derive.plan import NoticePlan, Plan, compile_plan
from attendance_pipeline.derive.year import Gates, climb_ladder, consider_notices, count_school
from attendance_pipeline.law.policy import ACTIONS, LETTER_KINDS, LETTER_OF_STAGE, Policy

Longs = npt.NDArray[np.int64]
Stages = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

STAGES = 5  # 0 to 4
# Letters that the ladder asks for by itself, in the order of a letter's column: of an opening, and after a review.
KINDS = tuple(k for k in LETTER_KINDS if k in {*LETTER_OF_STAGE.values(), "meeting_invitation", "improved", "continuing"})
_OF_STAGE = np.array([-1, *(KINDS.index(LETTER_OF_STAGE[s]) for s in range(1, STAGES))], dtype=np.int64)
_INVITATION, _IMPROVED, _CONTINUING = (KINDS.index(k) for k in ("meeting_invitation", "improved", "continuing"))
_FIRST_MEETING, _LAST_MEETING = 2, 3  # the stages whose letter is given at a meeting
_SET_STAGE, _MEETING_HELD = ACTIONS.index("set_stage"), ACTIONS.index("meeting_held")
_ESCALATED, _STALLED, _OPENED = ladder.ESCALATED, ladder.STALLED, ladder.OPENED
_RECOVERED, _CLOSED, _LEFT, _SET = ladder.RECOVERED, ladder.CLOSED, ladder.LEFT, ladder.SET
_DROPPED, _NOT_DROPPED, _TOP = ladder.DROPPED, ladder.NOT_DROPPED, ladder.TOP_STAGE
_NEVER = 1 << 40  # a figure of no pupil, above every threshold

BY_LOG = None  # for `supposed`: a stage waits for the entries that are in the log


@dataclass(frozen=True)
class Weeks:
    """The school weeks of a period. `ends`: the last day of each within the period; `of_day`: int64[n], the place of a
    day's week, -1 outside the period."""

    first: int
    last: int
    ends: Longs
    of_day: Longs

    def __len__(self) -> int:
        return len(self.ends)


@dataclass(frozen=True)
class Outcome:
    """What one policy makes of the marks of a period: W school weeks, P pupils.

    `stages`: pupils on roll at each stage at the end of each week, int64[W, 5]; `awaiting`: of those on the ladder, how
    many wait for an action. `events`: events of the ladder in each week, int64[W, len(EVENTS)]. `letters`: pupils about
    whom the ladder asks for a letter of each of KINDS, int64[W, len(KINDS)]: before approvals and holds, one a pupil
    however many parents it goes to. `meetings`: stages that opened with a meeting. `reviews`: held in the week.
    `cases`: pupils on roll at the end of the week for whom some penalty-notice rule is met, perhaps by an N alone;
    `new_cases`: who were not a week before; `near`: near one, and none met. `cases_of`: by name of the rule.
    `at_end`, `highest`: stage on the last day, and the highest at the end of some week, uint8[P]; `case_at_end`: bool[P].
    """

    policy: Policy
    stages: Longs
    awaiting: Longs
    events: Longs
    letters: Longs
    meetings: Longs
    reviews: Longs
    cases: Longs
    new_cases: Longs
    near: Longs
    cases_of: dict[str, Longs]
    at_end: Stages
    highest: Stages
    case_at_end: Bools


def weeks_of(inputs: SchoolInputs, first: int, last: int) -> Weeks:
    """The school weeks of days `first` to `last`."""
    week = inputs.calendar.week[first : last + 1].astype(np.int64)
    ends = first + np.flatnonzero(np.append(np.diff(week) != 0, True))
    of_day = np.full(len(inputs.calendar), -1, dtype=np.int64)
    of_day[first : last + 1] = np.cumsum(np.append(0, np.diff(week) != 0))
    return Weeks(first, last, ends, of_day)


def what_if(
    inputs: SchoolInputs, policies: Sequence[Policy], first: int, last: int, supposed: int | None = BY_LOG
) -> list[Outcome]:
    """What each policy makes of days `first` to `last`, in the order of `policies`. The policy of `inputs` plays no part.

    `supposed`: BY_LOG, or how many school days after a stage has opened whatever it requires is supposed to be done.
    The answer for one policy does not depend on which others are asked about. Raises ValueError for days outside the
    calendar, or a negative number of days.
    """
    if supposed is not None and supposed < 0:
        raise ValueError(f"a number of school days, or the log, not {supposed}")
    plans = [compile_plan(inputs.calendar, policy, inputs.go_live) for policy in policies]
    return Comparison(inputs, first, last, supposed).run(plans)


class Comparison:
    """One school's marks and a period, asked about many policies."""

    def __init__(self, inputs: SchoolInputs, first: int, last: int, supposed: int | None = BY_LOG) -> None:
        self.inputs, self.first, self.last, self.supposed = inputs, first, last, supposed
        self.weeks = weeks_of(inputs, first, last)
        self.counts = count_school(inputs, 0, last)
        pupils = inputs.pupils
        self._on_roll: Bools = (pupils.entry[:, None] <= self.weeks.ends) & (self.weeks.ends <= pupils.leave[:, None])
        self._roll = self._on_roll.sum(axis=0)
        log = inputs.log
        owner = np.repeat(np.arange(len(pupils)), np.diff(log.offsets))
        self._moved_by_hand = np.zeros(len(pupils), dtype=np.bool_)
        self._moved_by_hand[owner[(log.action == _SET_STAGE) & (log.stage > 0)]] = True
        self._of_notices: dict[int, tuple[NoticePlan, tuple[Bools, Bools, dict[str, Longs]]]] = {}
        self._met: dict[bytes, tuple[Bools, Bools]] = {}
        self._many: dict[bytes, tuple[SchoolInputs, Longs, Longs]] = {}

    def run(self, plans: Sequence[Plan]) -> list[Outcome]:
        # The least of `minimum` of all policies: more pupils are looked at than need be, never fewer.
        least = min((int(plan.ladder["minimum"].min()) for plan in plans), default=0)
        orders: dict[bytes, _Order] = {}
        out = []
        for plan in plans:
            days = plan.ladder[: self.last + 1]
            key = days["start"].tobytes() + days["cut"].tobytes()
            if key not in orders:
                orders[key] = _Order.by_lowest(self, plan, least)
            out.append(self._of_policy(plan, orders[key]))
        return out

    def _of_policy(self, plan: Plan, order: _Order) -> Outcome:
        pupils, weeks = len(self.inputs), len(self.weeks)
        begin = plan.replay_start(self.first)
        many = order.below(int(plan.ladder["threshold"][begin : self.last + 1].max(initial=-1)))
        ends, who = self.weeks.ends, order.pupils[:many]
        rows, events = climb_ladder(
            self._supposing(plan), order.inputs.part(0, many), order.words[:many], order.gates.part(many), begin,
            self.last, ends,
        )  # fmt: skip
        there = self._on_roll[who]
        at_stage = np.where(there, rows["stage"], 0)
        stages = np.stack([(at_stage == s).sum(axis=0) for s in range(STAGES)], axis=1).astype(np.int64)
        stages[:, 0] = self._roll - stages[:, 1:].sum(axis=1)
        waits = (there & (rows["status"] == AWAITING_ACTION)).sum(axis=0)
        at_end, highest = np.zeros(pupils, dtype=np.uint8), np.zeros(pupils, dtype=np.uint8)
        at_end[who] = at_stage[:, -1]
        highest[who] = at_stage.max(axis=1, initial=0)
        week_of = self.weeks.of_day[events["day"]]
        inside = week_of >= 0
        told = np.bincount(week_of[inside] * len(EVENTS) + events["event"][inside], minlength=weeks * len(EVENTS))
        letters, meetings, reviews = self._asked(plan, events)
        if id(plan.notices) not in self._of_notices:  # policies that say the same of penalty notices share one plan
            self._of_notices[id(plan.notices)] = plan.notices, self._cases(plan)
        cases, near, cases_of = self._of_notices[id(plan.notices)][1]
        before = np.concatenate([np.zeros((pupils, 1), dtype=np.bool_), cases[:, :-1]], axis=1)
        return Outcome(
            policy=plan.policy,
            stages=stages,
            awaiting=waits.astype(np.int64),
            events=told.reshape(weeks, len(EVENTS)).astype(np.int64),
            letters=letters,
            meetings=meetings,
            reviews=reviews,
            cases=cases.sum(axis=0),
            new_cases=(cases & ~before).sum(axis=0),
            near=(near & ~cases).sum(axis=0),
            cases_of=cases_of,
            at_end=at_end,
            highest=highest,
            case_at_end=cases[:, -1],
        )

    def _supposing(self, plan: Plan) -> Plan:
        if self.supposed is None:
            return plan
        rungs = plan.rungs.copy()
        rungs["supposed"] = self.supposed
        return replace(plan, rungs=rungs)

    # ------------------------------------------------------------ letters and meetings

    def _asked(self, plan: Plan, events: npt.NDArray[np.void]) -> tuple[Longs, Longs, Longs]:
        inputs, weeks = self.inputs, len(self.weeks)
        setting = plan.policy.setting.letters
        wanted = np.array([k in setting.kinds for k in KINDS], dtype=np.bool_)
        live = 0 if inputs.go_live is None else inputs.calendar.on_or_after(inputs.go_live)
        letters = np.zeros((weeks, len(KINDS)), dtype=np.int64)
        meetings, reviews = np.zeros(weeks, dtype=np.int64), np.zeros(weeks, dtype=np.int64)
        count_asked(
            events.view(np.recarray), self.weeks.of_day, inputs.calendar.year.astype(np.int64), plan.ladder["reset"] == 1,
            live, wanted, _OF_STAGE, setting.continuing_each_review, with_meeting(plan), letters, meetings, reviews,
        )  # fmt: skip
        return letters, meetings, reviews

    # ------------------------------------------------------------ penalty notices

    def _cases(self, plan: Plan) -> tuple[Bools, Bools, dict[str, Longs]]:
        """Who meets some rule, and is near one, at the end of each week: bool[P, W]; and how many by name of rule."""
        shape = (len(self.inputs), len(self.weeks))
        met, near = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
        of_name: dict[str, Longs] = {}
        for r, name in enumerate(plan.rule_names):
            met_r, near_r = self._of_rule(plan, r)
            met |= met_r
            near |= near_r
            of_name[name] = of_name.get(name, np.zeros(len(self.weeks), dtype=np.int64)) + met_r.sum(axis=0)
        return met, near, of_name

    def _of_rule(self, plan: Plan, r: int) -> tuple[Bools, Bools]:
        alone = _only(plan.notices, r)
        key = b"|".join(
            (
                *(np.ascontiguousarray(x).tobytes() for x in (alone.alternatives, alone.windows, alone.in_force)),
                *(x.tobytes() for x in (alone.rules, alone.counted, alone.cut)),
            )
        )
        if key not in self._met:
            self._met[key] = self._ask_rule(replace(plan, notices=alone))
        return self._met[key]

    def _ask_rule(self, plan: Plan) -> tuple[Bools, Bools]:
        notices = plan.notices
        inputs, who, most = self._by_sessions(notices.counted[0])
        least = int(notices.alternatives["sessions"].min()) - int(notices.rules["near"][0])
        many = int(np.searchsorted(-most, -max(least, 1), side="right"))
        rows = consider_notices(plan, inputs.part(0, many), self.first, self.last)[:, 0, self.weeks.ends - self.first]
        stands = self._on_roll[who[:many]] & (notices.in_force[0, self.weeks.ends] == 1)
        out = []
        for found in (rows["status"] >= penalty_notices.MET_PROVISIONAL, rows["status"] == penalty_notices.NEAR):
            whole = np.zeros((len(self.inputs), len(self.weeks)), dtype=np.bool_)
            whole[who[:many]] = found & stands
            out.append(whole)
        return out[0], out[1]

    def _by_sessions(self, counted: Longs) -> tuple[SchoolInputs, Longs, Longs]:
        """The pupils by how many sessions have codes that count, the most first."""
        key = counted.tobytes()
        if key not in self._many:
            marked = self.inputs.marks[:, : self.last + 1].reshape(len(self.inputs), -1)
            total = ((counted != 0)[marked]).sum(axis=1).astype(np.int64)
            order = np.argsort(-total, kind="stable")
            self._many[key] = (self.inputs.chosen(order.tolist()), order, total[order])
        return self._many[key]


def _only(notices: NoticePlan, r: int) -> NoticePlan:
    """The rules of a plan without all but one."""
    rule = notices.rules[r : r + 1].copy()
    first, stop = int(rule["first"][0]), int(rule["stop"][0])
    rule["first"], rule["stop"], rule["same_codes"] = 0, stop - first, 0
    return notices._replace(
        rules=rule,
        alternatives=notices.alternatives[first:stop],
        windows=notices.windows[first:stop],
        in_force=notices.in_force[r : r + 1],
        counted=notices.counted[r : r + 1],
    )


@dataclass(frozen=True)
class _Order:
    """Pupils in order of the lowest figure that a ladder may look at; first those whom a person set on a stage."""

    inputs: SchoolInputs
    words: Longs
    pupils: Longs
    lowest: Longs
    gates: Gates

    @classmethod
    def by_lowest(cls, shared: Comparison, plan: Plan, least: int) -> _Order:
        days, pupils = plan.ladder, shared.inputs.pupils
        lowest = np.empty(len(pupils), dtype=np.int64)
        lowest_figures(
            shared.counts.words, days["start"].copy(), days["cut"].copy(), pupils.entry, pupils.leave, shared.last,
            max(least, 1), lowest,
        )  # fmt: skip
        lowest[shared._moved_by_hand] = -1
        order = np.argsort(lowest, kind="stable")
        inputs = shared.inputs.chosen(order.tolist())
        return cls(inputs, shared.counts.words[order], order, lowest[order], Gates.of(len(order), shared.last))

    def below(self, threshold: int) -> int:
        """How many pupils may open a stage where no threshold is above this one, in thousandths of a percent."""
        # At least those whom a person set on a stage, also where there is no ladder at all.
        return int(np.searchsorted(self.lowest, max(threshold, 0), side="left"))


def with_meeting(plan: Plan) -> Bools:
    """Which stages open with a meeting, by day: bool[n, 5].

    Those that require one; under a ladder that requires nothing anywhere, those whose letter is given at a meeting.
    """
    requires = plan.rungs["requires"]
    out = np.asarray((requires >> _MEETING_HELD) & 1, dtype=np.bool_)
    silent = (requires == 0).all(axis=1)
    out[silent, _FIRST_MEETING : _LAST_MEETING + 1] = True
    return out


@numba.njit(cache=True, nogil=True)
def lowest_figures(words, starts, cuts, entry, leave, last, least, lowest):
    """The lowest A(d) of each pupil over days on roll up to `last` with at least `least` possible sessions, in whole
    thousandths of a percent, rounded down: a whole threshold is above A(d) exactly when it is above that."""
    for p in range(len(lowest)):
        found = _NEVER
        for d in range(entry[p], min(leave[p], last) + 1):
            if starts[d] <= cuts[d]:
                window = words[p, cuts[d] + 1, 0] - words[p, starts[d], 0]
                attended, possible = (window >> 16) & 0xFFFF, window & 0xFFFF
                if possible >= least:
                    found = min(found, attended * HUNDRED_PERCENT // possible)
        lowest[p] = found


@numba.njit(cache=True, nogil=True)
def count_asked(events, week_of, year, reset, live, wanted, of_stage, each_review, meeting, letters, meetings, reviews):
    """Count what the ladder's events ask for, by week: the occasions of letters/occasions.py that stand at the end of
    their own day, and the reviews. `events` by pupil and day."""
    opened_on = np.full(_TOP + 1, -1, dtype=np.int64)  # of each stage, its newest opening
    answered = np.full((_TOP + 1, 2), -2, dtype=np.int64)  # the opening that has had its letter, by stage and kind
    pupil, of_year = -1, -1
    for i in range(len(events)):
        e = events[i]
        new_year = year[e.day] != of_year
        if e.pupil != pupil or (new_year and reset[e.day]):
            opened_on[:] = -1
        if e.pupil != pupil or new_year:
            answered[:] = -2
        pupil, of_year = e.pupil, year[e.day]
        week = week_of[e.day] if e.day >= live else -1
        opens = e.to_stage > 0 and (e.event == _OPENED or e.event == _ESCALATED or e.event == _STALLED or e.event == _SET)
        overtaken = False  # on the same day, by what a person did next
        if i + 1 < len(events) and events[i + 1].pupil == e.pupil and events[i + 1].day == e.day:
            after = events[i + 1].event
            overtaken = after == _SET or after == _CLOSED or after == _LEFT
        if e.looked_from >= 0 and e.from_stage > 0:
            stage = e.from_stage
            if week_of[e.day] >= 0:
                reviews[week_of[e.day]] += 1
            kind = -1
            if e.event == _RECOVERED:
                kind = _IMPROVED
            elif stage < _TOP and (e.event == _DROPPED or e.event == _NOT_DROPPED):
                kind = _CONTINUING
            if kind >= 0 and wanted[kind]:
                column = 0 if kind == _IMPROVED else 1
                if answered[stage, column] != opened_on[stage] or (each_review and kind == _CONTINUING):
                    answered[stage, column] = opened_on[stage]
                    if week >= 0:
                        letters[week, kind] += 1
        if opens:
            opened_on[e.to_stage] = e.day
            if week >= 0 and not overtaken:
                if wanted[of_stage[e.to_stage]]:
                    letters[week, of_stage[e.to_stage]] += 1
                if _FIRST_MEETING <= e.to_stage <= _LAST_MEETING and wanted[_INVITATION]:
                    letters[week, _INVITATION] += 1
                if meeting[e.day, e.to_stage]:
                    meetings[week] += 1
