"""The ladder of rules.md section 5 for one pupil, one school day after the other.

Belongs here: the state of an episode and the four steps of a day. Must not: sums over marks (reference_world.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from reference_world import COHORTS, World, entry_dates, ratio

MANUAL_ACTIONS = ("set_stage", "close_episode")
HIGHEST_STAGE = 4


@dataclass
class State:
    """What the rules remember of a pupil within an academic year."""

    stage: int = 0
    awaiting: bool = False
    episode: int = 0
    episodes_so_far: int = 0
    opened_on: date | None = None
    review_due: date | None = None
    reviews: int = 0
    stalled: int = 0
    checkpoint: Fraction | None = None
    period_after: date | None = None
    recovered_on: date | None = None
    recovered_a: Fraction | None = None
    recovered_stage: int = 0


@dataclass
class Ladder:
    """Walks the calendar; `walk` fills `events` and `rows`."""

    world: World
    go_live: date | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[date, dict[str, Any]] = field(default_factory=dict)
    state: State = field(default_factory=State)
    stage_at_end: dict[date, int] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    # Reading: academic_year_reset lists what begins afresh; the Until that a person gave is not in the list and stands.
    closed_until: date | None = None

    def walk(self) -> None:
        calendar = self.world.calendar
        for position, day in enumerate(calendar.days):
            first_of_year = position == 0 or calendar.year[calendar.days[position - 1]] != calendar.year[day]
            # Reading: the ladder in force on the first school day of a year says whether that year begins afresh.
            # Reading: without a reset a recovery of an earlier year still binds, as "this year" is what the reset ends.
            if first_of_year and self.world.ladder(day)["reset"]:
                self.state = State()
            if self.world.on_roll(day):
                self.day(day)
                self.stage_at_end[day] = self.state.stage
                self.rows[day] = self.row(day)
            else:
                self.day_off_roll(day)

    # -- one day --------------------------------------------------------------------------------------------------

    def day(self, day: date) -> None:
        # Reading: an entry whose day falls outside the pupil's time on roll is applied on no day at all.
        entries = self.manual_entries(day)
        if entries:
            # A manual-entry day: only the entries are applied, no step 2 or 3, no closing for A >= T. What was set today
            # may find its required actions already in the log, and then its clock starts today.
            for entry in entries:
                self.apply_manual(day, entry)
            if self.state.awaiting:
                self.try_to_start_clock(day)
        elif self.state.stage == 0:
            self.step_2(day)
        else:
            # Reading: on a day with a review that alone decides; the level is looked at again tomorrow.
            if self.state.awaiting:
                self.await_action(day)
            elif self.state.review_due is not None and day >= self.state.review_due:
                self.step_3(day)
                return
            if self.state.stage > 0:
                self.rise_by_level(day)

    def day_off_roll(self, day: date) -> None:
        leaving = self.world.pupil.get("leaving")
        if self.state.stage == 0 or leaving is None or day <= leaving:
            return
        last_day = max(self.stage_at_end)
        if self.world.calendar.year[last_day] == self.world.calendar.year[day]:
            self.event(day, "left", self.state.stage, 0)
        self.leave_ladder()

    def highest_by_level(self, day: date, stage: int) -> int:
        """Up from a stage, as long as the next has a level and attendance is below it. Levels work by themselves only
        where the policy says so; other ladders look at them at reviews."""
        ladder, a = self.world.ladder(day), self.world.A(day)
        while ladder["rises"] == "daily" and stage < ladder["last_stage"]:
            level = self.world.level(day, stage + 1)
            if level is None or a is None or a * 100 >= level:
                break
            stage += 1
        return stage

    def rise_by_level(self, day: date) -> None:
        """Reading: to go up a level asks what to open the first stage asks: marks enough, the gate, and a school gone live."""
        before, stage = self.state.stage, self.highest_by_level(day, self.state.stage)
        if stage == before or (self.go_live is not None and day < self.go_live):
            return
        if self.world.P(day) < self.world.ladder(day)["minimum"] or not self.world.gate(self.world.lookback(day), day):
            return
        self.open_stage(day, stage)
        self.event(day, "escalated", before, stage, self.world.level(day, stage))
        if self.state.awaiting:
            self.try_to_start_clock(day)

    def event(self, day: date, event: str, from_stage: int, to_stage: int, level: Fraction | None = None) -> None:
        self.events.append(
            {
                "date": day,
                "event": event,
                "from_stage": from_stage,
                "to_stage": to_stage,
                "episode": self.state.episode,
                "attendance": self.world.A(day),
                "threshold": self.world.T(day) if level is None else level,
            }
        )

    # -- step 1 ---------------------------------------------------------------------------------------------------

    def manual_entries(self, day: date) -> list[dict[str, Any]]:
        """Entries applied on this day, by date and then by row.

        Reading: several on one day are all applied, in that order.
        Reading: a set_stage without a stage from 0 to 4 says nothing and is passed over.
        Reading: an entry dated before the calendar begins is applied on its first school day ("the next school day").
        """
        found = []
        for row, entry in enumerate(self.world.log):
            if entry["action"] not in MANUAL_ACTIONS:
                continue
            if entry["action"] == "set_stage" and entry.get("stage") not in range(HIGHEST_STAGE + 1):
                continue
            if self.world.calendar.on_or_after(entry["date"]) == day:
                found.append((entry["date"], row, entry))
        found.sort(key=lambda each: each[:2])
        return [entry for _, _, entry in found]

    def apply_manual(self, day: date, entry: dict[str, Any]) -> None:
        state = self.state
        if entry["action"] == "set_stage" and entry["stage"] > 0:
            # Reading: set_stage to the stage already held opens that stage again: new clock, new opened_on.
            # Reading: go_live, quiet weeks and Until stop step 2 only; a person may set a stage at any time.
            from_stage = state.stage
            self.open_stage(day, entry["stage"])
            self.event(day, "set", from_stage, entry["stage"])
            return
        if state.stage > 0:
            self.event(day, "closed" if entry["action"] == "close_episode" else "set", state.stage, 0)
            self.remember_recovery(day)
            self.leave_ladder()
        _, until = entry_dates(entry)
        # Reading: of several such entries the latest Until binds.
        if self.closed_until is None or until > self.closed_until:
            self.closed_until = until

    # -- step 2 ---------------------------------------------------------------------------------------------------

    def step_2(self, day: date) -> None:
        world, state = self.world, self.state
        ladder = world.ladder(day)
        # Reading: before go_live step 2 opens nothing; stages that were set are reviewed as usual, also escalated.
        if self.go_live is not None and day < self.go_live:
            return
        if self.closed_until is not None and day <= self.closed_until:
            return
        a, t = world.A(day), world.T(day)
        if a is None or t is None:
            return
        if world.P(day) < ladder["minimum"] or not a * 100 < t:
            return
        if not world.gate(world.lookback(day), day):
            return
        stage = 1
        if state.recovered_on is not None:
            if state.recovered_a is not None and not a < state.recovered_a:
                return
            weeks_since = world.calendar.week[day] - world.calendar.week[state.recovered_on]
            if weeks_since < ladder["quiet"]:
                return
            if weeks_since <= ladder["relapse"]:
                stage = state.recovered_stage
        highest = self.highest_by_level(day, stage)
        self.open_stage(day, highest)
        self.event(day, "opened", 0, highest, self.world.level(day, highest) if highest > stage else None)
        if state.awaiting:
            self.try_to_start_clock(day)

    def open_stage(self, day: date, stage: int) -> None:
        """From 0 (a new episode), or on to another stage of the same one."""
        world, state = self.world, self.state
        if state.stage == 0:
            state.episodes_so_far += 1
            state.episode = state.episodes_so_far
        state.stage = stage
        state.opened_on = day
        state.reviews = 0
        state.stalled = 0
        state.checkpoint = world.A(day)
        state.period_after = world.cut(day)
        state.awaiting = bool(world.requires(day, stage))
        state.review_due = None if state.awaiting else world.due(day, day, stage)

    def remember_recovery(self, day: date) -> None:
        self.state.recovered_on = day
        self.state.recovered_a = self.world.A(day)
        self.state.recovered_stage = self.state.stage

    def leave_ladder(self) -> None:
        state = self.state
        state.stage = 0
        state.awaiting = False
        state.episode = 0
        state.opened_on = None
        state.review_due = None
        state.reviews = 0
        state.stalled = 0
        state.checkpoint = None
        state.period_after = None

    # -- awaiting an action -----------------------------------------------------------------------------------------

    def await_action(self, day: date) -> None:
        # Reading: on the day the clock starts there is no review, even with monitoring_school_weeks = 0.
        if self.try_to_start_clock(day):
            return
        a, t = self.world.A(day), self.world.T(day)
        if a is not None and t is not None and a * 100 >= t:
            self.event(day, "recovered", self.state.stage, 0)
            self.remember_recovery(day)
            self.leave_ladder()

    def try_to_start_clock(self, day: date) -> bool:
        world, state = self.world, self.state
        # Reading: the requirements, and the monitoring weeks, are those of the ladder in force today, not on the
        # opening day; where a new version requires nothing any more the clock starts today.
        chosen: list[int] = []
        for action in world.requires(day, state.stage):
            row = self.first_entry(action, day)
            if row is None:
                return False
            chosen.append(row)
        start = day
        if chosen:
            start = max(clock for row in chosen if (clock := self.clock_day(row)) is not None)
        self.used.update(chosen)
        state.awaiting = False
        state.checkpoint = world.A(start)
        state.period_after = world.cut(start)
        state.review_due = world.due(day, start, state.stage)
        return True

    def first_entry(self, action: str, day: date) -> int | None:
        """The row of the first entry that serves this opening and whose clock day has come."""
        world, state = self.world, self.state
        assert state.opened_on is not None
        # Reading: where the calendar does not reach 20 school days back, its first day is the earliest date.
        earliest = world.calendar.days[max(0, world.calendar.index[state.opened_on] - 20)]
        found = []
        for row, entry in enumerate(world.log):
            if entry["action"] != action or row in self.used or entry["date"] < earliest:
                continue
            clock = self.clock_day(row)
            if clock is None or clock > day:
                continue
            stage = entry.get("stage")
            if stage is None:
                stage = self.stage_held(entry["date"], day)
            if stage == state.stage:
                found.append((entry["date"], row))
        return min(found)[1] if found else None

    def clock_day(self, row: int) -> date | None:
        return self.world.calendar.on_or_after(self.world.log[row]["date"])

    def stage_held(self, dated: date, today: date) -> int:
        """The stage at the end of the school day on which, or last before which, an entry is dated.

        Today is not over: the stage held now stands for its end. If the clock does not start today that cannot matter.
        """
        held_on = self.world.calendar.last_before_or_on(dated)
        if held_on is None:
            return 0
        if held_on == today:
            return self.state.stage
        return self.stage_at_end.get(held_on, 0)

    # -- step 3 ---------------------------------------------------------------------------------------------------

    def step_3(self, day: date) -> None:
        world, state = self.world, self.state
        if state.review_due is None or day < state.review_due:
            return
        ladder = world.ladder(day)
        state.reviews += 1
        stage = state.stage
        a, t, recovered_at = world.A(day), world.T(day), world.recovered_at(day)
        period = world.period(state.period_after, day)
        in_period = ratio(world.tally(period))
        checkpoint = state.checkpoint

        if in_period is None or a is None:
            self.go_on(day, "no_sessions")
            return
        if (t is not None and a * 100 >= t) or (recovered_at is not None and in_period * 100 >= recovered_at):
            self.event(day, "recovered", stage, 0)
            self.remember_recovery(day)
            self.leave_ladder()
            return
        enough_reviews = stage < ladder["last_stage"] and state.reviews >= world.reviews_before_next(day, stage)
        level = world.level(day, stage + 1)
        if level is not None and a * 100 >= level:
            enough_reviews = False
        gate = world.gate(period, day)
        if level is not None and enough_reviews and gate:
            # A stage with a level opens because attendance is below it, whether or not it is still falling.
            state.stalled = 0
            self.go_up(day, "escalated")
            return
        if checkpoint is not None and a < checkpoint:
            state.stalled = 0
            if not gate:
                self.go_on(day, "dropped_accepted_reasons")
            elif enough_reviews:
                self.go_up(day, "escalated")
            else:
                self.go_on(day, "dropped")
            return
        improvement = Fraction(str(ladder["improvement"])) / 100
        if gate and checkpoint is not None and in_period < checkpoint + improvement:
            state.stalled += 1
            if 0 < ladder["stalled_reviews"] <= state.stalled and enough_reviews:
                self.go_up(day, "stalled")
                return
        self.go_on(day, "not_dropped")

    def go_on(self, day: date, event: str) -> None:
        """*Continue* of rules.md: the stage stays, the next period begins."""
        world, state = self.world, self.state
        self.event(day, event, state.stage, state.stage)
        a = world.A(day)
        if a is not None:
            state.checkpoint = a
        state.period_after = world.cut(day)
        state.review_due = world.due(day, day, state.stage)

    def go_up(self, day: date, event: str) -> None:
        from_stage = self.state.stage
        self.open_stage(day, from_stage + 1)
        level = self.world.level(day, from_stage + 1) if event == "escalated" else None
        self.event(day, event, from_stage, from_stage + 1, level)
        if self.state.awaiting:
            self.try_to_start_clock(day)

    # -- what a day's row says --------------------------------------------------------------------------------------

    def row(self, day: date) -> dict[str, Any]:
        """Reading: at stage 0 there is no episode and no opening day, and, as the contract says, no review figures."""
        state = self.state
        on_ladder = state.stage > 0
        return {
            "stage": state.stage,
            "status": self.status(day),
            "episode": state.episode if on_ladder else None,
            "opened_on": state.opened_on,
            "review_due": state.review_due,
            "reviews": state.reviews if on_ladder else None,
            "checkpoint": state.checkpoint,
            "tier": self.tier(day),
        }

    def status(self, day: date) -> str:
        world, state = self.world, self.state
        if state.stage > 0:
            return "awaiting_action" if state.awaiting else "monitoring"
        if world.P(day) < world.ladder(day)["minimum"]:
            return "insufficient_data"
        a, t = world.A(day), world.T(day)
        # Reading: an episode closed by a person binds like a recovery, and so is watched like one.
        if state.recovered_on is not None and a is not None and t is not None and a * 100 < t:
            return "watch"
        return "none"

    def tier(self, day: date) -> int:
        world = self.world
        if self.state.stage >= 1:
            return 3
        year = ratio(world.tally(world.window("year_to_date", day)))
        rolling = ratio(world.tally(world.window("rolling_4_school_weeks", day)))
        t = world.T(day)
        vulnerable = any(world.pupil.get(cohort) for cohort in COHORTS)
        falling = year is not None and rolling is not None and (year - rolling) * 100 >= 2
        near = year is not None and t is not None and t <= year * 100 <= t + 5
        # Reading: the cohort is asked of both, because tier 2 is for those "at risk of attendance declining due to
        # vulnerabilities" (seed).
        return 2 if vulnerable and (falling or near) else 1
