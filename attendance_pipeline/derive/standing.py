"""Where a pupil stands on a day, and on what facts: stage, figures as counts, threshold, events, penalty-notice rules.

Belongs here: reading the arrays of `year` for one pupil or for many, and why a stage has not opened. Not here: deciding
(that is `ladder` and `penalty_notices`), which sessions a decision relies on one by one (`evidence`), what would change
it (`outlook`), and words for people (`reports/why.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attendance_pipeline.derive.evidence import asked_attendance, counted_sessions, unaccepted
from attendance_pipeline.derive.inputs import LogEntry, SchoolInputs
from attendance_pipeline.derive.ladder import AWAITING_ACTION, EVENTS, HUNDRED_PERCENT, STATUSES
from attendance_pipeline.derive.penalty_notices import BLOCKS, NEAR, PN_STATUSES
from attendance_pipeline.derive.plan import NO_LEVEL
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import ACTIONS, WINDOW_KINDS, Ladder
from attendance_pipeline.law.register_codes import CODES, NOT_ESTABLISHED
from attendance_pipeline.law.school_calendar import SEASONS

Figure = tuple[int, int]  # attended and possible sessions; (0, 0): none
NO_FIGURE: Figure = (0, 0)

REVIEWS = (
    "no_sessions",
    "recovered",
    "escalated",
    "stalled",
    "dropped",
    "dropped_accepted_reasons",
    "not_dropped",
)  # events that a review ends in; `recovered` also ends a stage that was never monitored

# Why no stage opens for a pupil at stage 0, in the order in which the ladder asks.
NO_LADDER = "no_ladder"
BEFORE_GO_LIVE = "before_go_live"
NO_SESSIONS_YET = "no_sessions_yet"
TOO_FEW_SESSIONS = "too_few_sessions"
NOT_BELOW = "not_below"
CLOSED_UNTIL = "closed_until"
NOT_LOWER = "not_lower"
QUIET_WEEKS = "quiet_weeks"
ACCEPTED_REASONS = "accepted_reasons"
SET_THAT_DAY = "set_that_day"
EARLIER_YEAR = "earlier_year"  # where years do not begin afresh, and the days derived do not reach back far enough


@dataclass(frozen=True)
class LadderEvent:
    """An event of the ladder. `threshold`: thousandths of a percent, -1 none; `unaccepted`: how many sessions the gate
    counted from `looked_from` to `looked_to` (None: it was not asked for, or there was no gate to pass)."""

    date: dt.date
    event: str
    from_stage: int
    to_stage: int
    episode: int
    figure: Figure
    threshold: int
    checkpoint: Figure
    period: Figure
    looked_from: dt.date | None
    looked_to: dt.date | None
    unaccepted: int | None = None


@dataclass(frozen=True)
class RuleStanding:
    """A penalty-notice rule in force. `asked`: sessions it needs within `length` of `window`, which was `first` to
    `last` (None: there is none yet). `counted` holds those without a reason yet (`unresolved`) too. `below`: what
    attendance in the window (`figure`) must be below besides, in thousandths of a percent; -1: it asks for none.
    `in_a_row`: it asks for a run within the window. `own_number`: it is the school's own, not about penalty notices."""

    rule: str
    statutory: bool
    source: str
    status: str
    counted: int
    unresolved: int
    asked: int
    needed: int
    window: str
    length: int
    first: dt.date | None
    last: dt.date | None
    drops_out_on: dt.date | None
    blocked_by: tuple[str, ...]
    below: int = NO_LEVEL
    figure: Figure = NO_FIGURE
    in_a_row: bool = False
    own_number: bool = False


@dataclass(frozen=True)
class Standing:
    """One pupil at the end of school day `date`. Figures are of sessions from `measured_from` up to `cut`, the cut-off
    day (None: there is none yet).

    `figure`: the ladder's measure; `authorised`, `unauthorised`, `unexplained` (N, among the unauthorised): sessions of
    absence in it. `threshold`: of the season, thousandths of a percent; -1: no ladder in force. `events`: of the
    academic year up to the day, the oldest first. `waits_for`: actions without which the stage's monitoring does not
    begin. `not_opened`: at stage 0, why no stage opens; `not_before`: with CLOSED_UNTIL, the last day of that;
    `recovery`: with NOT_LOWER or QUIET_WEEKS, the event that binds; `look_back`: the first day of the gate's.
    """

    pupil: int
    date: dt.date
    on_roll: bool
    cut: dt.date | None
    measured_from: dt.date
    measure: str
    season: str
    stage: int
    status: str
    episode: int
    reviews: int
    opened_on: dt.date | None
    review_due: dt.date | None
    checkpoint: Figure
    figure: Figure
    authorised: int
    unauthorised: int
    unexplained: int
    threshold: int
    minimum: int
    events: tuple[LadderEvent, ...]
    notices: tuple[RuleStanding, ...]
    policy: str
    policy_version: str
    ladder_from: dt.date | None
    ladder_source: str
    waits_for: tuple[str, ...] = ()
    not_opened: str = ""
    not_before: dt.date | None = None
    recovery: LadderEvent | None = None
    look_back: dt.date | None = None

    @property
    def below(self) -> bool:
        """Whether the figure is strictly below the threshold; false when there is none."""
        return is_below(self.figure, self.threshold)

    @property
    def opening(self) -> LadderEvent | None:
        """The event by which the stage the pupil holds began; None at stage 0, or where it lies before what was
        derived."""
        if self.stage == 0:
            return None
        moved = [e for e in self.events if e.to_stage == self.stage and e.date == self.opened_on]
        return moved[-1] if moved else None

    @property
    def reviews_at_stage(self) -> tuple[LadderEvent, ...]:
        """The reviews since the stage began, the oldest first."""
        since = self.opened_on
        if self.stage == 0 or since is None:
            return ()
        return tuple(e for e in self.events if e.event in REVIEWS and e.date > since)


def is_below(figure: Figure, threshold: int) -> bool:
    """Whether attended of possible sessions is strictly below thousandths of a percent; false without sessions."""
    return figure[0] * HUNDRED_PERCENT < threshold * figure[1]


def standings(derived: Derived, day: int, pupils: Iterable[int] | None = None) -> dict[int, Standing]:
    """Where pupils (default: all on roll) stand on a derived day, by row of PupilTable.

    Derive from the first day of the academic year: events before the first derived day are not told. Raises ValueError
    for a day that was not derived.
    """
    return _Reader(derived, day).read(pupils)


def counted_for(derived: Derived, told: LadderEvent, pupil: int) -> LadderEvent:
    """The same event with the number of sessions that its gate counted."""
    calendar = derived.inputs.calendar
    day = calendar.index(told.date)
    if day is None or told.looked_from is None:
        return told
    found = unaccepted(derived.inputs, derived.plan, pupil, day, calendar.on_or_after(told.looked_from))
    return replace(told, unaccepted=len(found))


class _Reader:
    """What is the same for all pupils of a day, read once."""

    def __init__(self, derived: Derived, day: int) -> None:
        self.derived, self.day = derived, day
        inputs, plan = derived.inputs, derived.plan
        self.inputs, self.plan, self.calendar = inputs, plan, inputs.calendar
        self.date = self.calendar.date(day)
        self.today = plan.ladder[day]
        self.cut = int(self.today["cut"])
        start = int(self.today["start"])
        counted = derived.counts.window(start, max(self.cut, start - 1))
        self.possible, self.attended = counted.possible.tolist(), counted.attended.tolist()
        self.authorised, self.unauthorised = counted.authorised.tolist(), counted.unauthorised.tolist()
        self.unexplained = counted.not_established.tolist()
        # Whoever came later is measured from the first day on roll.
        entry = inputs.pupils.entry
        self.measured_from = np.where(entry <= self.cut, np.maximum(entry, start), start).tolist()
        self.rows = derived.stage_rows(day)
        self.on_roll = inputs.pupils.on_roll(day)
        events = derived.events
        self.begins = plan.replay_start(day)
        chosen = events[(events["day"] >= self.begins) & (events["day"] <= day)]
        self.events = chosen[np.argsort(chosen["pupil"], kind="stable")]
        ladder: Ladder | None = plan.versions[int(plan.version[day])]
        self.same: dict[str, Any] = {
            "date": self.date,
            "cut": self._date(self.cut),
            "measure": "" if ladder is None else ladder.measure,
            "season": SEASONS[int(self.calendar.season[day])],
            "threshold": int(self.today["threshold"]),
            "minimum": int(self.today["minimum"]),
            "policy": plan.policy.name,
            "policy_version": plan.policy.version,
            "ladder_from": None if ladder is None else ladder.valid_from,
            "ladder_source": "" if ladder is None else ladder.source,
            "look_back": self._date(int(self.today["gate_start"])) if self.cut >= 0 else None,
        }

    def read(self, pupils: Iterable[int] | None) -> dict[int, Standing]:
        wanted = np.flatnonzero(self.on_roll).tolist() if pupils is None else [int(p) for p in pupils]
        awaiting = [
            p for p in wanted if self.on_roll[p] and self.rows["stage"][p] and self.rows["status"][p] == AWAITING_ACTION
        ]
        waits = waited_for(self.derived, self.day, awaiting)
        notices = self._notices(wanted)
        return {p: self._one(p, waits.get(p, ()), notices[p]) for p in wanted}

    def _one(self, p: int, waits: tuple[str, ...], notices: tuple[RuleStanding, ...]) -> Standing:
        first, stop = np.searchsorted(self.events["pupil"], [p, p + 1]).tolist()
        events = tuple(self._event(e) for e in self.events[first:stop])
        on_roll = bool(self.on_roll[p])
        stage, status, reviews, episode, opened, due, then, of_then = self.rows[p].item() if on_roll else (0,) * 8
        figure = (self.attended[p], self.possible[p])
        on_ladder = stage > 0
        at = Standing(
            pupil=p,
            on_roll=on_roll,
            measured_from=self.calendar.date(self.measured_from[p]),
            stage=stage,
            status=STATUSES[status] if on_roll else "",
            episode=episode if on_ladder else 0,
            reviews=reviews if on_ladder else 0,
            opened_on=self._date(opened) if on_ladder else None,
            review_due=self._date(due) if on_ladder else None,
            checkpoint=(then, of_then) if on_ladder else NO_FIGURE,
            figure=figure,
            authorised=self.authorised[p],
            unauthorised=self.unauthorised[p],
            unexplained=self.unexplained[p],
            events=self._told(p, events, stage, opened),
            notices=notices,
            waits_for=waits,
            **self.same,
        )
        return at if on_ladder or not on_roll else self._not_opened(at)

    def _told(self, p: int, events: tuple[LadderEvent, ...], stage: int, opened: int) -> tuple[LadderEvent, ...]:
        """The events, with the sessions of the gate where the stage held today rests on them."""
        if stage == 0:
            return events
        since = self.calendar.date(opened)
        return tuple(counted_for(self.derived, e, p) if e.date >= since else e for e in events)

    def _event(self, e: np.void) -> LadderEvent:
        (_, day, event, from_stage, to_stage, episode, attended, possible, threshold, looked_from, looked_to,
         then, of_then, in_period, of_period) = e.item()  # fmt: skip
        return LadderEvent(
            date=self.calendar.date(day),
            event=EVENTS[event],
            from_stage=from_stage,
            to_stage=to_stage,
            episode=episode,
            figure=(attended, possible),
            threshold=threshold,
            checkpoint=(then, of_then),
            period=(in_period, of_period),
            looked_from=self._date(looked_from),
            looked_to=self._date(looked_to),
        )

    def _notices(self, wanted: Sequence[int]) -> dict[int, tuple[RuleStanding, ...]]:
        out: dict[int, list[RuleStanding]] = {p: [] for p in wanted}
        notices = self.plan.notices
        for r in np.flatnonzero(notices.in_force[:, self.day]).tolist():
            rows = self.derived.notice_rows(r, self.day)
            rule = self.plan.policy.rules[r]
            first = int(notices.rules["first"][r])
            for p in wanted:
                if not self.on_roll[p]:
                    continue
                status, alternative, blocked, _, counted, window_from, drops = rows[p].item()
                chosen = notices.alternatives[first + alternative]
                asked, kind, length = int(chosen["sessions"]), int(chosen["kind"]), int(chosen["length"])
                unresolved = 0
                if status >= NEAR:
                    unresolved = sum(m.code in _unexplained() for m in counted_sessions(self.derived, r, p, self.day))
                below, figure = asked_attendance(self.derived, r, p, self.day)
                out[p].append(
                    RuleStanding(
                        rule=rule.name,
                        statutory=rule.statutory,
                        source=rule.source,
                        status=PN_STATUSES[status],
                        counted=counted,
                        unresolved=unresolved,
                        asked=asked,
                        needed=max(0, asked - counted),
                        window=WINDOW_KINDS[kind],
                        length=length,
                        first=self._date(window_from),
                        last=self._date(self.cut),
                        drops_out_on=self._date(drops),
                        blocked_by=tuple(word for i, word in enumerate(BLOCKS) if blocked >> i & 1),
                        below=below,
                        figure=figure,
                        in_a_row=bool(chosen["in_a_row"]),
                        own_number=not rule.penalty_notice,
                    )
                )
        return {p: tuple(found) for p, found in out.items()}

    def _not_opened(self, at: Standing) -> Standing:
        """The same with why no stage opens: what `may_open` and the gate ask, in their order."""
        today, figure = self.today, at.figure
        if not today["in_force"]:
            return replace(at, not_opened=NO_LADDER)
        if figure[1] == 0:
            return replace(at, not_opened=NO_SESSIONS_YET)
        if figure[1] < at.minimum:
            return replace(at, not_opened=TOO_FEW_SESSIONS)
        if not at.below:
            return replace(at, not_opened=NOT_BELOW)
        if not today["opens"]:
            return replace(at, not_opened=BEFORE_GO_LIVE)
        until = self._closed_until(at.pupil)
        if until is not None:
            return replace(at, not_opened=CLOSED_UNTIL, not_before=until)
        ended = [e for e in at.events if e.to_stage == 0 and e.event in ("recovered", "closed", "set")]
        if ended:
            last = ended[-1]
            week = int(self.calendar.week[self.calendar.on_or_after(last.date)])
            if last.figure[1] and figure[0] * last.figure[1] >= last.figure[0] * figure[1]:
                return replace(at, not_opened=NOT_LOWER, recovery=last)
            if int(today["week"]) < week + int(today["quiet"]):
                return replace(at, not_opened=QUIET_WEEKS, recovery=last)
        found = unaccepted(self.inputs, self.plan, at.pupil, self.day, int(today["gate_start"]))
        if len(found) < today["gate_minimum"]:
            return replace(at, not_opened=ACCEPTED_REASONS)
        return replace(at, not_opened=EARLIER_YEAR if self.begins < self.derived.first else SET_THAT_DAY)

    def _closed_until(self, p: int) -> dt.date | None:
        log = self.inputs.log
        ends = [
            log.until[e].item()
            for e in log.of(p)
            if (
                ACTIONS[log.action[e]] == "close_episode"
                or (ACTIONS[log.action[e]] == "set_stage" and log.stage[e] == 0)
            )
            and log.day[e].item() <= self.date <= log.until[e].item()
        ]
        return max(ends, default=None)

    def _date(self, day: int) -> dt.date | None:
        return None if day < 0 else self.calendar.date(day)


def waited_for(derived: Derived, day: int, pupils: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Of pupils whose stage waits for actions, by row: those without which its monitoring does not begin.

    The ladder is asked: an action is waited for when the clock would not start although all others were written down
    today.
    """
    if not pupils:
        return {}
    rows, rungs = derived.stage_rows(day), derived.plan.rungs
    asked = {
        p: [a for i, a in enumerate(ACTIONS) if int(rungs[day, rows["stage"][p]]["requires"]) >> i & 1] for p in pupils
    }
    cases = [(p, action) for p in pupils for action in asked[p]]
    trial = derived.inputs.chosen([p for p, _ in cases])
    date = derived.inputs.calendar.date(day)
    added = [
        LogEntry(i, date, other, int(rows["stage"][p]))
        for i, (p, action) in enumerate(cases)
        for other in asked[p]
        if other != action
    ]
    begun = derive_school(with_log(trial, added), day, day).stage_rows(day)
    out: dict[int, tuple[str, ...]] = dict.fromkeys(pupils, ())
    for i, (p, action) in enumerate(cases):
        if begun["status"][i] == AWAITING_ACTION:
            out[p] = (*out[p], action)
    return out


def with_log(inputs: SchoolInputs, added: Iterable[LogEntry]) -> SchoolInputs:
    """The same school with more entries in its log."""
    return replace(inputs, log=inputs.log.with_entries(added))


def _unexplained() -> frozenset[str]:
    return frozenset(CODES.codes[n] for n in CODES.numbers_with(NOT_ESTABLISHED))
