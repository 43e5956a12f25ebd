"""What if: the same marks under other policies, many at once, each in figures by school week.

Belongs here: running the loops of `ladder` and `penalty_notices` for one policy after another over what they share, and
counting what came of each. Not here: the rules themselves (they are the very loops of a night), which policies are
asked about (`law/policy_grid.py`), hours of work, names and pages (`reports/what_if.py`).

What does not depend on the policy is done once: marks, counts of sessions, unaccepted ones, each pupil's lowest figure
for each measure. A pupil whose lowest is not below any threshold of a policy opens no stage under it, unless a person
set one, and is left out of its ladder. Pupils are put in order of their lowest figure once for all policies with the
same measure and cut-off days, so that each policy looks at the first so many. The sessions that a penalty-notice
rule counts are listed once for all rules with the same codes, with how many there were before each day; each rule that
differs is then asked about the ends of weeks alone, and not of pupils with too few sessions even to come near.

What a stage `requires` was done, or not, under the policy of the time: see `Supposed`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive import ladder, penalty_notices
from attendance_pipeline.derive.compiled import LOOP
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.ladder import AWAITING_ACTION, EVENTS
from attendance_pipeline.derive.plan import NoticePlan, Plan, compile_plan
from attendance_pipeline.derive.year import Climbers, Gates, ListedSessions, climb_ladder, count_gates, count_school
from attendance_pipeline.law.policy import ACTIONS, LETTER_KINDS, LETTER_OF_STAGE, Policy

Longs = npt.NDArray[np.int64]
Stages = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

STAGES = 5  # 0 to 4
# Letters that the ladder asks for by itself, in the order of a letter's column: of an opening, and after a review.
_OF_LADDER = {*LETTER_OF_STAGE.values(), "meeting_invitation", "improved", "continuing"}
KINDS = tuple(k for k in LETTER_KINDS if k in _OF_LADDER)
_OF_STAGE = np.array([-1, *(KINDS.index(LETTER_OF_STAGE[s]) for s in range(1, STAGES))], dtype=np.int64)
_INVITATION, _IMPROVED, _CONTINUING = (KINDS.index(k) for k in ("meeting_invitation", "improved", "continuing"))
_FIRST_MEETING, _LAST_MEETING = 2, 3  # the stages whose letter is given at a meeting
_SET_STAGE, _MEETING_HELD = ACTIONS.index("set_stage"), ACTIONS.index("meeting_held")
_ESCALATED, _STALLED, _OPENED = ladder.ESCALATED, ladder.STALLED, ladder.OPENED
_RECOVERED, _CLOSED, _LEFT, _SET = ladder.RECOVERED, ladder.CLOSED, ladder.LEFT, ladder.SET
_NEAR, _MET_PROVISIONAL = penalty_notices.NEAR, penalty_notices.MET_PROVISIONAL
_DROPPED, _NOT_DROPPED, _TOP = ladder.DROPPED, ladder.NOT_DROPPED, ladder.TOP_STAGE
# What of a day the figure of a pupil depends on.
_SHARED = ("start", "cut")

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
class _Climbed:
    """What of an Outcome comes of the ladder."""

    stages: Longs
    awaiting: Longs
    events: Longs
    letters: Longs
    meetings: Longs
    reviews: Longs
    at_end: Stages
    highest: Stages


@dataclass(frozen=True)
class _Cases:
    """What of an Outcome comes of the penalty-notice rules."""

    cases: Longs
    new_cases: Longs
    near: Longs
    cases_of: Mapping[str, Longs]
    case_at_end: Bools


@dataclass(frozen=True)
class Outcome:
    """What one policy makes of the marks of a period: W school weeks, P pupils.

    `stages`: pupils on roll at each stage at the end of each week, int64[W, 5]; `awaiting`: of those on the ladder, how
    many wait for an action. `events`: events of the ladder in each week, int64[W, len(EVENTS)]. `letters`: pupils about
    whom the ladder asks for a letter of each of KINDS, int64[W, len(KINDS)]: before approvals and holds, one a pupil
    however many parents it goes to. `meetings`: stages that opened with a meeting. `reviews`: held in the week.
    `cases`: pupils on roll at the end of the week for whom some penalty-notice rule is met, perhaps by an N alone;
    `new_cases`: who were not a week before; `near`: near one, and none met. `cases_of`: by name of the rule.
    `at_end`, `highest`: stage on the last day, and the highest at the end of some week, uint8[P]; `case_at_end`:
    bool[P].
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
    cases_of: Mapping[str, Longs]
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
    """What each policy makes of days `first` to `last`, in the order of `policies`. That of `inputs` plays no part.

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
        self._year = inputs.calendar.year.astype(np.int64)
        self._live = 0 if inputs.go_live is None else inputs.calendar.on_or_after(inputs.go_live)
        self._moved_by_hand = np.zeros(len(pupils), dtype=np.bool_)
        self._moved_by_hand[owner[(log.action == _SET_STAGE) & (log.stage > 0)]] = True
        self._gates: Gates | None = None
        self._statuses: dict[bytes, tuple[Stages, Longs]] = {}
        self._lists: dict[Hashable, ListedSessions] = {}

    def run(self, plans: Sequence[Plan]) -> list[Outcome]:
        # The least of `minimum` of all policies: more pupils are looked at than need be, never fewer.
        least = min((int(plan.ladder["minimum"].min()) for plan in plans), default=0)
        climbers: dict[bytes, Climbers] = {}
        climbed: dict[Hashable, _Climbed] = {}
        cases: dict[int, _Cases] = {}
        out = []
        for plan in plans:
            days, setting = plan.ladder[: self.last + 1], plan.policy.setting
            key = b"".join(days[name].tobytes() for name in _SHARED)
            if key not in climbers:
                if self._gates is None:
                    self._gates = count_gates(self.inputs, plan, self.last)
                climbers[key] = Climbers.of(
                    self.inputs, plan, self.counts.words, self._gates, self.last, least, self._moved_by_hand
                )
            # Policies that say the same of the ladder share the answer, and those that say the same of penalty notices.
            ladders = (setting.ladder, setting.statutory, setting.letters)
            if ladders not in climbed:
                climbed[ladders] = self._climb(plan, climbers[key])
            if id(plan.notices) not in cases:
                cases[id(plan.notices)] = self._cases(plan)
            out.append(Outcome(plan.policy, **vars(climbed[ladders]), **vars(cases[id(plan.notices)])))
        return out

    def _climb(self, plan: Plan, pupils: Climbers) -> _Climbed:
        weeks, table = len(self.weeks), self.inputs.pupils
        begin = plan.replay_start(self.first)
        many = pupils.below(int(plan.ladder["threshold"][begin : self.last + 1].max(initial=-1)))
        rows, events = climb_ladder(self._supposing(plan), pupils, many, begin, self.last, self.weeks.ends)
        found = _Climbed(
            stages=np.zeros((weeks, STAGES), dtype=np.int64),
            awaiting=np.zeros(weeks, dtype=np.int64),
            events=np.zeros((weeks, len(EVENTS)), dtype=np.int64),
            letters=np.zeros((weeks, len(KINDS)), dtype=np.int64),
            meetings=np.zeros(weeks, dtype=np.int64),
            reviews=np.zeros(weeks, dtype=np.int64),
            at_end=np.zeros(len(table), dtype=np.uint8),
            highest=np.zeros(len(table), dtype=np.uint8),
        )
        tally_rows(
            rows, self.weeks.ends, table.entry, table.leave, pupils.rows, found.stages, found.awaiting,
            found.at_end, found.highest,
        )  # fmt: skip
        found.stages[:, 0] = self._roll - found.stages[:, 1:].sum(axis=1)
        setting = plan.policy.setting.letters
        tally_events(
            events, self.weeks.of_day, self._year, plan.ladder["reset"], self._live,
            np.array([k in setting.kinds for k in KINDS], dtype=np.bool_), _OF_STAGE, setting.continuing_each_review,
            with_meeting(plan), found.events, found.letters, found.meetings, found.reviews,
        )  # fmt: skip
        return found

    def _supposing(self, plan: Plan) -> Plan:
        if self.supposed is None:
            return plan
        rungs = plan.rungs.copy()
        rungs["supposed"] = self.supposed
        return replace(plan, rungs=rungs)

    # ------------------------------------------------------------ penalty notices

    def _cases(self, plan: Plan) -> _Cases:
        weeks = len(self.weeks)
        best = np.zeros((len(self.inputs), weeks), dtype=np.uint8)
        of_name: dict[str, Longs] = {}
        for r, name in enumerate(plan.rule_names):
            if plan.notices.rules["own_number"][r]:
                continue  # no case of a penalty notice
            statuses, met = self._of_rule(plan, r)
            np.maximum(best, statuses, out=best)
            of_name[name] = of_name.get(name, 0) + met
        cases, new, near = (np.zeros(weeks, dtype=np.int64) for _ in range(3))
        tally_cases(best, cases, new, near)
        met_at_end = best[:, -1] >= penalty_notices.MET_PROVISIONAL
        return _Cases(cases=cases, new_cases=new, near=near, cases_of=of_name, case_at_end=met_at_end)

    def _of_rule(self, plan: Plan, r: int) -> tuple[Stages, Longs]:
        """The status of one rule at the end of each week, uint8[P, W], and how many it is met for."""
        alone = _only(plan.notices, r)
        key = b"|".join(
            (
                *(np.ascontiguousarray(x).tobytes() for x in (alone.alternatives, alone.windows, alone.in_force)),
                *(x.tobytes() for x in (alone.rules, alone.counted, alone.cut)),
            )
        )
        if key not in self._statuses:
            listed = self._listed(plan, alone)
            statuses = listed.weigh(alone, self.weeks.ends)
            met, new, near = (np.zeros(len(self.weeks), dtype=np.int64) for _ in range(3))
            tally_cases(statuses, met, new, near)
            self._statuses[key] = statuses, met
        return self._statuses[key]

    def _listed(self, plan: Plan, alone: NoticePlan) -> ListedSessions:
        """Rules that count the same codes share their list; one whose windows are of a pupil's own sessions asks for
        the possible ones too."""
        own = bool(alone.rules["own_sessions"][0])
        key = alone.counted.tobytes(), own
        if key not in self._lists:
            self._lists[key] = ListedSessions.of(plan, alone, self.inputs, self.last)
        return self._lists[key]


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


def with_meeting(plan: Plan) -> Bools:
    """Which stages open with a meeting, by day: bool[n, 5].

    Those that require one; under a ladder that requires nothing anywhere, those whose letter is given at a meeting.
    """
    requires = plan.rungs["requires"]
    out = np.asarray((requires >> _MEETING_HELD) & 1, dtype=np.bool_)
    silent = (requires == 0).all(axis=1)
    out[silent, _FIRST_MEETING : _LAST_MEETING + 1] = True
    return out


@numba.njit(**LOOP)
def tally_rows(rows, ends, entry, leave, who, stages, awaiting, at_end, highest):
    """Count pupils on roll by stage at the end of each week; `who`: whose each row is."""
    for i in range(len(rows)):
        p = who[i]
        for w in range(len(ends)):
            stage = rows[i, w]["stage"]
            if stage > 0 and entry[p] <= ends[w] <= leave[p]:
                stages[w, stage] += 1
                if rows[i, w]["status"] == AWAITING_ACTION:
                    awaiting[w] += 1
                highest[p] = max(highest[p], stage)
                if w == len(ends) - 1:
                    at_end[p] = stage


@numba.njit(**LOOP)
def tally_cases(statuses, cases, new, near):
    """Count pupils at the end of each week for whom a rule is met, for whom it was not a week before, and who are near;
    `statuses` uint8[P, W]."""
    for p in range(len(statuses)):
        before = False
        for w in range(len(cases)):
            status = statuses[p, w]
            if status == _NEAR:
                near[w] += 1
            met = status >= _MET_PROVISIONAL
            if met:
                cases[w] += 1
                if not before:
                    new[w] += 1
            before = met


@numba.njit(cache=True, nogil=True)
def tally_events(
    events, week_of, year, reset, live, wanted, of_stage, each_review, meeting, told, letters, meetings, reviews
):
    """Count the ladder's events and what they ask for, by week: the occasions of letters/occasions.py that stand at the
    end of their own day. `events` by pupil and day."""
    opened_on = np.full(_TOP + 1, -1, dtype=np.int64)  # of each stage, its newest opening
    answered = np.full((_TOP + 1, 2), -2, dtype=np.int64)  # the opening that has had its letter, by stage and kind
    pupil, of_year = -1, -1
    for i in range(len(events)):
        day, event = events[i]["day"], events[i]["event"]
        stage, to_stage = events[i]["from_stage"], events[i]["to_stage"]
        new_year = year[day] != of_year
        if events[i]["pupil"] != pupil or (new_year and reset[day] != 0):
            opened_on[:] = -1
        if events[i]["pupil"] != pupil or new_year:
            answered[:] = -2
        pupil, of_year = events[i]["pupil"], year[day]
        week = week_of[day]
        asks = week >= 0 and day >= live
        if week >= 0:
            told[week, event] += 1
        if events[i]["looked_from"] >= 0 and stage > 0:
            if week >= 0:
                reviews[week] += 1
            kind = -1
            if event == _RECOVERED:
                kind = _IMPROVED
            elif stage < _TOP and (event in (_DROPPED, _NOT_DROPPED)):
                kind = _CONTINUING
            if kind >= 0 and wanted[kind]:
                column = 0 if kind == _IMPROVED else 1
                if answered[stage, column] != opened_on[stage] or (each_review and kind == _CONTINUING):
                    answered[stage, column] = opened_on[stage]
                    if asks:
                        letters[week, kind] += 1
        if to_stage > 0 and (event in (_OPENED, _ESCALATED, _STALLED, _SET)):
            opened_on[to_stage] = day
            overtaken = False  # on the same day, by what a person did next
            if i + 1 < len(events) and events[i + 1]["pupil"] == pupil and events[i + 1]["day"] == day:
                after = events[i + 1]["event"]
                overtaken = after in (_SET, _CLOSED, _LEFT)
            if asks and not overtaken:
                if wanted[of_stage[to_stage]]:
                    letters[week, of_stage[to_stage]] += 1
                if _FIRST_MEETING <= to_stage <= _LAST_MEETING and wanted[_INVITATION]:
                    letters[week, _INVITATION] += 1
                if meeting[day, to_stage]:
                    meetings[week] += 1
