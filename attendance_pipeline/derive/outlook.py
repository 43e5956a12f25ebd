"""What would change where a pupil stands, found by asking the derivation: the same pupil with other marks to come.

Belongs here: trying out sessions to come, attended or missed, and reasons that may yet be found, and reading what the
ladder and the penalty-notice rules make of them. Not here: any rule, and any forecast: nothing says what will be.

A trial is a row of its own: the pupil as often as there are trials, derived in one go. Sessions to come begin with the
school day after the day asked about and end with its academic year; those not said to be missed are attended. The
intervention log is as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.evidence import unaccepted
from attendance_pipeline.derive.inputs import LogEntry, SchoolInputs
from attendance_pipeline.derive.ladder import ESCALATED, EVENTS, HUNDRED_PERCENT, OPENED, RECOVERED, STALLED, STATUSES
from attendance_pipeline.derive.penalty_notices import MET, NEAR, PN_STATUSES
from attendance_pipeline.derive.standing import Figure, Standing, with_log
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.register_codes import CODES, NOT_ESTABLISHED
from attendance_pipeline.law.school_calendar import SEASONS

MOST = 100  # sessions tried, ten school weeks: who would have to miss more is far from any change
ATTENDED_CODES = ("/", "\\")
UNAUTHORISED_CODE = "O"
AUTHORISED_CODE = "C"
_UP = (OPENED, ESCALATED, STALLED)

N_EXPLAINED = "every N explained, with an authorised reason"
EVIDENCE_ACCEPTED = "evidence accepted for every questioned absence"


@dataclass(frozen=True)
class Move:
    """An event of the ladder that would come. `threshold`: thousandths of a percent. `reviewed`: a review found it."""

    date: dt.date
    event: str
    from_stage: int
    to_stage: int
    figure: Figure
    threshold: int
    reviewed: bool


@dataclass(frozen=True)
class Fewest:
    """The fewest further sessions, missed one after another from the next school day on with all later ones attended,
    that lead up the ladder. `sessions` None: not even MOST, or as many as are left of the year, do."""

    kind: str
    code: str
    sessions: int | None
    move: Move | None


@dataclass(frozen=True)
class RuleOutlook:
    """A penalty-notice rule in force. `sessions`: the fewest further sessions, missed as above, with which it is met on
    `met_on`; both None: not so. `over_on`: with every session attended, the first day on which it is neither met nor
    near; None: it is not now, or stays so."""

    rule: str
    code: str
    sessions: int | None
    met_on: dt.date | None
    over_on: dt.date | None


@dataclass(frozen=True)
class Otherwise:
    """The same day had the marks, or the log, said something else that may yet come to be said."""

    what: str
    sessions: int
    stage: int
    status: str
    notices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Outlook:
    """What would change where a pupil stands at the end of a day.

    `until`: the last day tried; `tried`: how many missed sessions at most. `attended`: what the ladder would do if
    every session was attended, the first three events. `at_threshold_on`: the first day on which attendance would then
    not be below the threshold of that day, with `at_threshold`; None where it is not below now.
    `changes_on`, `changes_to`, `changes_season`: when the threshold is another next. `recovers_with`: how many further
    unauthorised sessions may be missed before the review with recovery all the same; None: the next review is none that
    ends in recovery. `review_if_done`: where the stage waits for actions, when its review would be due had they been
    written down on the next school day.
    """

    until: dt.date
    tried: int
    attended: tuple[Move, ...]
    at_threshold_on: dt.date | None
    at_threshold: Figure
    fewest: tuple[Fewest, ...]
    changes_on: dt.date | None
    changes_to: int | None
    changes_season: str
    recovers_with: int | None
    review_if_done: dt.date | None
    rules: tuple[RuleOutlook, ...]
    otherwise: tuple[Otherwise, ...]


def outlook(derived: Derived, at: Standing, day: int) -> Outlook | None:
    """What would change for a pupil, from a derivation that holds `day`; None off roll, or where no school day of the
    academic year is left."""
    inputs, calendar = derived.inputs, derived.inputs.calendar
    last = min(int(calendar.year_end[day]), int(inputs.pupils.leave[at.pupil]))
    if not at.on_roll or last <= day:
        return None
    return _Trials(derived, at, day, last).told()


class _Trials:
    def __init__(self, derived: Derived, at: Standing, day: int, last: int) -> None:
        self.derived, self.at, self.day, self.last = derived, at, day, last
        self.inputs, self.plan, self.calendar = derived.inputs, derived.plan, derived.inputs.calendar
        self.tried = min(MOST, 2 * (last - day))
        rules = np.flatnonzero(self.plan.notices.in_force[:, day]).tolist()
        self.codes = {r: self._counted_code(r) for r in rules}
        codes = [UNAUTHORISED_CODE, AUTHORISED_CODE, *self.codes.values()]
        self.kinds = tuple(dict.fromkeys(codes))
        self.marks = self._marks()
        trial = replace(self.inputs.chosen([at.pupil] * len(self.marks)), marks=self.marks)
        self.result = derive_school(trial, day, last)
        self.moves: list[list[np.void]] = [[] for _ in range(len(trial))]
        for event in self.result.events:
            if event["day"] > day:
                self.moves[int(event["pupil"])].append(event)

    def _marks(self) -> npt.NDArray[np.uint8]:
        """Row 0: all attended; then for each code the first 1, 2, ... sessions missed."""
        row = self.inputs.marks[self.at.pupil].copy()
        row[self.day + 1 :] = 0
        row[self.day + 1 : self.last + 1] = CODES.numbers_of(ATTENDED_CODES)
        out = np.tile(row, (1 + len(self.kinds) * self.tried, 1, 1))
        for k, number in enumerate(CODES.numbers_of(self.kinds)):
            for n in range(1, self.tried + 1):
                to_come = out[self._row(k, n), self.day + 1 : self.last + 1].reshape(-1)  # a view: days lie together
                to_come[:n] = number
        return out

    def _row(self, kind: int, sessions: int) -> int:
        return 0 if sessions == 0 else 1 + kind * self.tried + sessions - 1

    def _counted_code(self, rule: int) -> str:
        counted = self.plan.notices.counted[rule]
        codes = (UNAUTHORISED_CODE, *self.plan.policy.rules[rule].codes)
        return next((c for c in codes if counted[CODES.numbers_of([c])[0]]), UNAUTHORISED_CODE)

    def told(self) -> Outlook:
        at_threshold_on, at_threshold = self._back_at_threshold()
        change = self._next_change()
        return Outlook(
            until=self.calendar.date(self.last),
            tried=self.tried,
            attended=tuple(self._move(e) for e in self.moves[0][:3]),
            at_threshold_on=at_threshold_on,
            at_threshold=at_threshold,
            fewest=(self._fewest("unauthorised", UNAUTHORISED_CODE), self._fewest("authorised", AUTHORISED_CODE)),
            changes_on=None if change is None else self.calendar.date(change),
            changes_to=None if change is None else int(self.plan.ladder["threshold"][change]),
            changes_season="" if change is None else SEASONS[int(self.calendar.season[change])],
            recovers_with=self._recovers_with(),
            review_if_done=self._review_if_done(),
            rules=tuple(self._rule(r) for r in self.codes),
            otherwise=tuple(self._otherwise()),
        )

    def _move(self, event: np.void) -> Move:
        return Move(
            date=self.calendar.date(int(event["day"])),
            event=EVENTS[event["event"]],
            from_stage=int(event["from_stage"]),
            to_stage=int(event["to_stage"]),
            figure=(int(event["attended"]), int(event["possible"])),
            threshold=int(event["threshold"]),
            reviewed=int(event["period_possible"]) > 0,
        )

    def _first_up(self, row: int) -> np.void | None:
        return next((e for e in self.moves[row] if e["event"] in _UP), None)

    def _fewest(self, kind: str, code: str) -> Fewest:
        """The fewest missed sessions that lead up where none, or only later, would without them."""
        anyway = self._first_up(0)
        for n in range(1, self.tried + 1):
            up = self._first_up(self._row(self.kinds.index(code), n))
            if up is not None and (anyway is None or up["day"] < anyway["day"]):
                return Fewest(kind, code, n, self._move(up))
        return Fewest(kind, code, None, None)

    def _back_at_threshold(self) -> tuple[dt.date | None, Figure]:
        if not self.at.below:
            return None, (0, 0)
        for d in range(self.day + 1, self.last + 1):
            today = self.plan.ladder[d]
            window = self.result.counts.window(int(today["start"]), max(int(today["cut"]), int(today["start"]) - 1))
            attended, possible = int(window.attended[0]), int(window.possible[0])
            if possible and attended * HUNDRED_PERCENT >= today["threshold"] * possible:
                return self.calendar.date(d), (attended, possible)
        return None, (0, 0)

    def _next_change(self) -> int | None:
        later = self.plan.ladder["threshold"][self.day + 1 :]
        found = np.flatnonzero(later != self.plan.ladder["threshold"][self.day])
        return self.day + 1 + int(found[0]) if len(found) else None

    def _recovers_with(self) -> int | None:
        if self.at.review_due is None:
            return None
        kind = self.kinds.index(UNAUTHORISED_CODE)
        most = None
        for n in range(self.tried + 1):
            events = self.moves[self._row(kind, n)]
            if not events or events[0]["event"] != RECOVERED:
                break
            most = n
        return most

    def _review_if_done(self) -> dt.date | None:
        if not self.at.waits_for:
            return None
        tomorrow = self.day + 1
        trial = replace(self.inputs.chosen([self.at.pupil]), marks=self.marks[:1])
        added = [LogEntry(0, self.calendar.date(tomorrow), action, self.at.stage) for action in self.at.waits_for]
        due = int(derive_school(with_log(trial, added), tomorrow, tomorrow).stage_rows(tomorrow)["review_due"][0])
        return None if due < 0 else self.calendar.date(due)

    def _rule(self, rule: int) -> RuleOutlook:
        code, name = self.codes[rule], self.plan.rule_names[rule]
        kind = self.kinds.index(code)
        status = self.result.notices["status"][:, rule, 1:]
        in_force = self.plan.notices.in_force[rule, self.day + 1 : self.last + 1] > 0
        sessions, met_on = None, None
        for n in range(1, self.tried + 1):
            met = np.flatnonzero((status[self._row(kind, n)] == MET) & in_force)
            if len(met):
                sessions, met_on = n, self.calendar.date(self.day + 1 + int(met[0]))
                break
        over_on = None
        now = int(self.result.notices["status"][0, rule, 0])
        if now == MET:
            sessions, met_on = 0, self.calendar.date(self.day)
        if now >= NEAR:
            over = np.flatnonzero((status[0] < NEAR) & in_force)
            over_on = self.calendar.date(self.day + 1 + int(over[0])) if len(over) else None
        return RuleOutlook(name, code, sessions, met_on, over_on)

    def _otherwise(self) -> list[Otherwise]:
        """Reasons that may yet be found: the N of the year explained; evidence for what was questioned."""
        first, pupil = int(self.calendar.year_start[self.day]), self.at.pupil
        alone = self.inputs.chosen([pupil])
        unresolved = np.isin(alone.marks[0, : self.day + 1], CODES.numbers_with(NOT_ESTABLISHED))
        out = []
        if unresolved.any():
            marks = alone.marks.copy()
            marks[0, : self.day + 1][unresolved] = CODES.numbers_of([AUTHORISED_CODE])[0]
            out.append(self._if(N_EXPLAINED, int(unresolved.sum()), replace(alone, marks=marks)))
        cut = int(self.plan.ladder["cut"][self.day])
        found = unaccepted(self.inputs, self.plan, pupil, self.day, first)
        questioned = [m for m, why in found if why in ("reason questioned", "repeated illness")]
        if questioned and cut >= 0:
            dated, until = self.calendar.date(self.day), self.calendar.date(cut)
            entry = LogEntry(0, dated, "evidence_accepted", None, self.calendar.date(first), until)
            out.append(self._if(EVIDENCE_ACCEPTED, len(questioned), with_log(alone, [entry])))
        return out

    def _if(self, what: str, sessions: int, inputs: SchoolInputs) -> Otherwise:
        result = derive_school(inputs, self.day, self.day)
        row = result.stage_rows(self.day)[0]
        rules: Sequence[int] = list(self.codes)
        statuses = tuple(
            (self.plan.rule_names[r], PN_STATUSES[result.notice_rows(r, self.day)[0]["status"]]) for r in rules
        )
        return Otherwise(what, sessions, int(row["stage"]), STATUSES[row["status"]], statuses)
