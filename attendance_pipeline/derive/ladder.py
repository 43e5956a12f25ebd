"""The ladder of rules.md section 5: one pupil's year as a plain loop over school days, compiled.

Belongs here: the steps, reviews and clocks of the ladder, and the words for what they give. Not here: what a policy or
calendar says (that is `plan`), and any table for people (that is `tables`).

The loop reads what `plan` compiled and what `counting` counted. Every comparison is on whole numbers: attended over
possible is below t thousandths of a percent when attended * 100000 < t * possible. What a loop needs is passed as a few
arrays of records (`records`). The functions call only one another: numba's cache on disk notices a change of this file,
not of one it imports from.

Names in the functions: `s` the pupil's STATE, `days` DAY[n], `today` one of them, `rungs` RUNG[n, 5], `dues`
int64[clocks, n], `log` the pupil's own ENTRY rows, `counts` and `marks` the pupil's own, `p` the number of the
pupil, `d` of the day, `figure` attended and possible sessions of A(d).
"""

from __future__ import annotations

import numba

from attendance_pipeline.derive.compiled import LOOP
from attendance_pipeline.derive.records import EVENT_ROW  # noqa: F401  # whoever reads events looks for their record here
from attendance_pipeline.law.policy import ACTIONS
from attendance_pipeline.law.register_codes import AUTHORISED, ILLNESS, MARKED, NOT_ESTABLISHED, UNAUTHORISED

STATUSES = ("none", "watch", "insufficient_data", "awaiting_action", "monitoring")
NONE, WATCH, INSUFFICIENT_DATA, AWAITING_ACTION, MONITORING = range(len(STATUSES))

EVENTS = (
    "opened",
    "no_sessions",
    "recovered",
    "escalated",
    "stalled",
    "dropped",
    "dropped_accepted_reasons",
    "not_dropped",
    "left",
    "set",
    "closed",
)
(
    OPENED,
    NO_SESSIONS,
    RECOVERED,
    ESCALATED,
    STALLED,
    DROPPED,
    DROPPED_ACCEPTED_REASONS,
    NOT_DROPPED,
    LEFT,
    SET,
    CLOSED,
) = range(len(EVENTS))

TOP_STAGE = 4
HUNDRED_PERCENT = 100_000  # in thousandths of a percent
FAR_ABOVE = 1 << 30  # every threshold
BLANK = -1
NOTHING = (0, 0)
_SET_STAGE = ACTIONS.index("set_stage")
_CLOSE_EPISODE = ACTIONS.index("close_episode")
_REASON_QUESTIONED = ACTIONS.index("reason_questioned")
_EVIDENCE_ACCEPTED = ACTIONS.index("evidence_accepted")
_N_ACTIONS = len(ACTIONS)

# Rows of the scratch array `gates`: sessions before day i that are ...
UNACCEPTED = 0  # unaccepted whatever the day of the decision
UNEXPLAINED = 1  # N, unaccepted once old enough
ILL = 2  # I that nobody has questioned or accepted, unaccepted once there are enough spells
SPELLS = 3  # spells of I so far in the academic year
GATES = 4

compiled = numba.njit(**LOOP)
within = numba.njit(forceinline=True, **LOOP)  # what runs for every event of every pupil


@within
def sessions(counts, first, last):
    """Attended and possible sessions of days first to last."""
    if last < first:
        return 0, 0
    window = counts[last + 1, 0] - counts[first, 0]
    return (window >> 16) & 0xFFFF, window & 0xFFFF


@compiled
def inside(log, action, d):
    """Whether day d lies in the dates of some entry with this action."""
    found = False
    for e in range(len(log)):
        found |= log[e].action == action and log[e].from_ <= d <= log[e].until
    return found


@compiled
def count_unaccepted(days, log, marks, era, flags, entry, last, gates):
    """Fill `gates` for one pupil. Most pupils are never near the threshold, so it waits until somebody asks."""
    unaccepted = unexplained = ill = spells = 0
    in_spell = False
    for d in range(last + 1):
        if d == days[d].year_start:
            spells = 0
            in_spell = False
        gates[UNACCEPTED, d] = unaccepted
        gates[UNEXPLAINED, d] = unexplained
        gates[ILL, d] = ill
        gates[SPELLS, d] = spells
        if d >= entry:
            for half in range(2):
                counts_for = flags[era[d], marks[d, half]]
                if counts_for & UNAUTHORISED:
                    if counts_for & NOT_ESTABLISHED:
                        unexplained += 1
                    else:
                        unaccepted += 1
                elif counts_for & AUTHORISED and not inside(log, _EVIDENCE_ACCEPTED, d):
                    if inside(log, _REASON_QUESTIONED, d):
                        unaccepted += 1
                    elif counts_for & ILLNESS:
                        ill += 1
                if counts_for & ILLNESS:
                    if not in_spell:
                        spells += 1
                    in_spell = True
                elif counts_for & MARKED:
                    in_spell = False
    gates[UNACCEPTED, last + 1] = unaccepted
    gates[UNEXPLAINED, last + 1] = unexplained
    gates[ILL, last + 1] = ill
    gates[SPELLS, last + 1] = spells


@within
def gate(today, first, gates):
    """At least the minimum of unaccepted sessions from day `first` to the cut-off day, within today's academic year."""
    first = max(first, today.year_start)
    last = today.cut
    found = 0
    if first <= last:
        found = gates[UNACCEPTED, last + 1] - gates[UNACCEPTED, first]
        overdue = last - today.resolve_n - 1
        if first <= overdue:
            found += gates[UNEXPLAINED, overdue + 1] - gates[UNEXPLAINED, first]
        if today.illness_spells > 0 and gates[SPELLS, last + 1] >= today.illness_spells:
            found += gates[ILL, last + 1] - gates[ILL, first]
    return found >= today.gate_minimum


@compiled
def forget(s):
    """Every pupil starts an academic year at stage 0. A person's `Until` and the entries already used stay."""
    s.stage = 0
    s.awaiting = 0
    s.episode = 0
    s.recovered = 0


@within
def tell(events, s, today, p, d, event, from_stage, figure, looked_from, checkpoint, period):
    """Write an event of day d, after the move. Beyond the buffer only the number is kept: the caller comes again."""
    if s.told < len(events):
        row = events[s.told]
        row.pupil = p
        row.day = d
        row.event = event
        row.from_stage = from_stage
        row.to_stage = s.stage
        row.episode = s.episode
        row.attended, row.possible = figure
        row.threshold = today.threshold
        row.looked_from = looked_from
        row.looked_to = today.cut if looked_from >= 0 else -1
        row.checkpoint_attended, row.checkpoint_possible = checkpoint
        row.period_attended, row.period_possible = period
    s.told += 1


@within
def say_level(events, s, level):
    """The event told last was about a stage's own level of attendance, not about the season's threshold."""
    if 0 < s.told <= len(events):
        events[s.told - 1].threshold = level


@within
def open_stage(s, today, rungs, dues, d, stage, figure):
    s.stage = stage
    s.awaiting = rungs[d, stage].requires != 0
    s.opened_on = d
    s.checkpoint_attended, s.checkpoint_possible = figure
    s.period_from = today.cut + 1
    s.due = dues[rungs[d, stage].clock, d]
    s.reviews = 0
    s.stalled = 0


@within
def go_on(s, today, rungs, dues, d, figure):
    """*Continue*: a null A leaves the checkpoint's value."""
    if figure[1] > 0:
        s.checkpoint_attended, s.checkpoint_possible = figure
    s.period_from = today.cut + 1
    s.due = dues[rungs[d, s.stage].clock, d]


@within
def close(s, today, figure):
    """Back to stage 0, remembering what binds from now on: A, the week, and the stage left."""
    s.recovered = 1
    s.recovered_attended, s.recovered_possible = figure
    s.recovered_week = today.week
    s.recovered_stage = s.stage
    s.stage = 0
    s.awaiting = 0


@within
def is_below(level, figure):
    """A < T, or a stage's own level; false when A is null or there is none."""
    return figure[0] * HUNDRED_PERCENT < level * figure[1]


@within
def at_threshold(today, figure):
    """A >= T; false when A is null."""
    return figure[1] > 0 and figure[0] * HUNDRED_PERCENT >= today.threshold * figure[1]


@within
def stage_of_level(today, rungs, d, stage, figure):
    """The highest stage that a pupil at `stage` reaches by level alone: each on the way has one, and A is below it."""
    while stage < today.last_stage and is_below(rungs[d, stage + 1].below, figure):
        stage += 1
    return stage


@compiled
def apply_entry(s, today, rungs, dues, entry, events, p, d, first, figure):
    """Step 1. Whether this entry is one by which a person moves a pupil."""
    target = 0
    if entry.action == _SET_STAGE:
        target = entry.stage
        if target < 0 or target > TOP_STAGE:
            return False
    elif entry.action != _CLOSE_EPISODE:
        return False
    before = s.stage
    if target > 0:
        if before == 0:
            s.episode += 1
        open_stage(s, today, rungs, dues, d, target, figure)
    else:
        s.nothing_opens_until = max(s.nothing_opens_until, entry.until)
        if before == 0:
            return True
        close(s, today, figure)
    if d >= first:
        event = SET if entry.action == _SET_STAGE else CLOSED
        tell(events, s, today, p, d, event, before, figure, -1, NOTHING, NOTHING)
    return True


@within
def may_open(s, today, d, figure):
    """Step 2, all but the gate."""
    if not today.opens or figure[1] < today.minimum or not is_below(today.threshold, figure):
        return False
    if d <= s.nothing_opens_until:
        return False
    if not s.recovered:
        return True
    below = s.recovered_possible == 0 or figure[0] * s.recovered_possible < s.recovered_attended * figure[1]
    return below and today.week >= s.recovered_week + today.quiet


@compiled
def find_entry(s, today, log, used, held, d, action):
    """The first unused entry with this action for the stage that is open, known by day d; -1 if there is none."""
    earliest = max(s.opened_on - today.answered_within, 0)
    for e in range(len(log)):
        if log[e].action != action or used[e] or log[e].after > d or log[e].before < earliest:
            continue
        if log[e].stage == s.stage or (log[e].stage == BLANK and held[log[e].before] == s.stage):
            return e
    return -1


@within
def start_clock(s, days, rungs, dues, log, used, held, counts, d):
    """Where the log holds every action the stage requires, the monitoring clock starts on the day of the last.

    What is required, and for how long the stage is monitored, is what the ladder in force on day d says; where a new
    version requires nothing any more, the clock starts on d. Where it is supposed and not looked up, so many school
    days after the opening.
    """
    requires, supposed = rungs[d, s.stage].requires, rungs[d, s.stage].supposed
    start = -1
    if supposed >= 0 and requires != 0:
        start = s.opened_on + supposed
        if start > d:
            return
        requires = 0
    for action in range(_N_ACTIONS if requires != 0 else 0):
        if (requires >> action) & 1:
            e = find_entry(s, days[d], log, used, held, d, action)
            if e < 0:
                return
            start = max(start, log[e].after)
    for action in range(_N_ACTIONS if requires != 0 else 0):
        if (requires >> action) & 1:
            used[find_entry(s, days[d], log, used, held, d, action)] = True
    if start < 0:
        start = d
    s.awaiting = 0
    s.checkpoint_attended, s.checkpoint_possible = sessions(counts, days[start].start, days[start].cut)
    s.period_from = days[start].cut + 1
    s.due = dues[rungs[d, s.stage].clock, start]


@within
def review(s, today, rungs, dues, counts, gates, events, p, d, first, figure):
    """Step 3: the first outcome that fits."""
    stage, looked_from = s.stage, s.period_from
    attended, possible = figure
    then_attended, then_possible = s.checkpoint_attended, s.checkpoint_possible
    period_attended, period_possible = sessions(counts, looked_from, today.cut)
    s.reviews += 1
    level = rungs[d, stage + 1].below if stage < TOP_STAGE else -1
    may_rise = stage < today.last_stage and s.reviews >= rungs[d, stage].reviews_before_next
    if level >= 0 and not is_below(level, figure):
        may_rise = False
    recovered_alone = period_attended * HUNDRED_PERCENT >= today.recovered_at * period_possible
    dropped = attended * then_possible < then_attended * possible  # false when the checkpoint is null
    improved_at = then_attended * HUNDRED_PERCENT + today.improvement * then_possible
    not_improved = period_attended * HUNDRED_PERCENT * then_possible < improved_at * period_possible

    if period_possible == 0 or possible == 0:
        event = NO_SESSIONS
    elif at_threshold(today, figure) or recovered_alone:
        event = RECOVERED
    elif level >= 0 and may_rise and gate(today, looked_from, gates):
        s.stalled = 0
        event = ESCALATED
    elif dropped and gate(today, looked_from, gates):
        s.stalled = 0
        event = ESCALATED if may_rise else DROPPED
    elif dropped:
        s.stalled = 0
        event = DROPPED_ACCEPTED_REASONS
    elif then_possible > 0 and not_improved and gate(today, looked_from, gates):
        s.stalled += 1
        event = STALLED if may_rise and 0 < today.stalled <= s.stalled else NOT_DROPPED
    else:
        event = NOT_DROPPED

    if event == RECOVERED:
        close(s, today, figure)
    elif event in (ESCALATED, STALLED):
        open_stage(s, today, rungs, dues, d, stage + 1, figure)
    else:
        go_on(s, today, rungs, dues, d, figure)
    if d >= first:
        checkpoint = (then_attended, then_possible)
        tell(events, s, today, p, d, event, stage, figure, looked_from, checkpoint, (period_attended, period_possible))
        if level >= 0 and event == ESCALATED:
            say_level(events, s, level)


@within
def write(row, s, today, figure):
    """The pupil at the end of today."""
    row.stage = s.stage
    if s.stage == 0:
        if figure[1] < today.minimum:
            row.status = INSUFFICIENT_DATA
        elif s.recovered and is_below(today.threshold, figure):
            row.status = WATCH
        else:
            row.status = NONE
        return
    row.status = AWAITING_ACTION if s.awaiting else MONITORING
    row.reviews = s.reviews
    row.episode = s.episode
    row.opened_on = s.opened_on
    row.review_due = -1 if s.awaiting else s.due
    row.checkpoint_attended = s.checkpoint_attended
    row.checkpoint_possible = s.checkpoint_possible


@compiled
def count_all_unaccepted(days, log_offsets, logs, marks_of, era, flags, entry, leave, last, gates_of):
    """Fill gates_of int64[P, 4, last + 2] for every pupil. Nothing here depends on the policy but where years start."""
    for p in range(len(gates_of)):
        final = min(leave[p], last)
        if final >= entry[p]:
            log = logs[log_offsets[p] : log_offsets[p + 1]]
            count_unaccepted(days, log, marks_of[p], era, flags, entry[p], final, gates_of[p])


@compiled
def find_floors(days, counts_of, entry, leave, last, least, floors_of, lowest):
    """For `leap`, and to know who may open a stage at all: floors_of int32[P, last + 1] is A(d) in thousandths of a
    percent, rounded down, on days on roll with at least `least` possible sessions, and FAR_ABOVE on others. A whole
    threshold is above A(d) exactly when it is above that. `lowest` int64[P]: the least of each pupil's. Nothing here
    depends on thresholds, reasons or stages.
    """
    for p in range(len(lowest)):
        counts, floors = counts_of[p], floors_of[p]
        lowest[p] = FAR_ABOVE
        floors[:] = FAR_ABOVE
        for d in range(entry[p], min(leave[p], last) + 1):
            attended, possible = sessions(counts, days[d].start, days[d].cut)
            if possible > 0 and possible >= least:
                floors[d] = attended * HUNDRED_PERCENT // possible
                lowest[p] = min(lowest[p], floors[d])


@within
def leap(s, days, rungs, counts, gates, floors, thresholds, wakes, kept, column, row, d, final):
    """The next day after d on which something may happen to a pupil about whom the log says no more, for a caller who
    wants events and some rows alone: the rows between of a stage above 0 are written, those of stage 0 are not."""
    stop = min(wakes[d + 1], final + 1)
    if s.stage == 0:
        at = d + 1
        while at < stop:
            if floors[at] < thresholds[at]:
                figure = sessions(counts, days[at].start, days[at].cut)
                if may_open(s, days[at], at, figure) and gate(days[at], days[at].gate_start, gates):
                    break
            at += 1
        return at
    if s.awaiting:
        at = d + 1
        stop = min(stop, s.opened_on + rungs[d, s.stage].supposed)
        while at < stop and rungs[at, s.stage].requires != 0:
            if at_threshold(days[at], sessions(counts, days[at].start, days[at].cut)):
                break
            at += 1
        stop = max(at, d + 1)
    elif s.due > d:
        stop = min(stop, s.due)
    elif s.due >= 0:
        return d + 1
    at = kept[d + 1]
    while at < stop:
        write(row[column[at]], s, days[at], NOTHING)
        at = kept[at + 1]
    return stop


@compiled
def climb(
    who, days, rungs, dues, log_offsets, logs, marks_of, era, flags, counts_of, floors_of, entry, leave, replay, first,
    last, state, gates_of, gate_counted, held, used_of, thresholds, wakes, kept, column, rows, events,
):  # fmt: skip
    """The ladder of pupils `who` int64[W] from day `replay` on; `events` of first to last, and `rows` STAGE_ROW
    [W, columns] of days that have a place in them: `column` int64[>= last + 1], -1 for a day without one. `p` is a
    place in `who`.

    With `wakes` days on which nothing can happen are leapt over, and rows of stage 0 may be left as they are: int64 of
    length last + 2, for each day itself or the next on which a year begins or stages open daily; `kept` likewise the
    next with a place in the rows; `floors_of` is by `find_floors`; `thresholds` int64 by day, side by side because they
    are looked at most. Empty: no day is leapt over.
    Scratch: state STATE[1], held int64[>= last + 1], used_of bool[entries]; and gates_of int64[P, 4, last + 2], which
    is filled for the pupils of whom gate_counted bool[P] is true, and depends on no policy. Returns how many events
    there were: when that is more than `events` holds, nothing is lost but the events, and one calls again.
    """
    s = state[0]
    s.told = 0
    for p in range(len(rows)):
        q = who[p]
        counts, marks, gates, row = counts_of[q], marks_of[q], gates_of[q], rows[p]
        floors = floors_of[q] if len(wakes) > 0 else floors_of[0]
        log = logs[log_offsets[q] : log_offsets[q + 1]]
        used = used_of[log_offsets[q] : log_offsets[q + 1]]
        begin = replay
        if len(log) > 0:
            # An entry before the replay may have been used, or may still bind: this pupil is replayed from day 0.
            if log[0].before < replay:
                begin = 0
            held[: last + 1] = 0
            used[:] = False
        forget(s)
        s.nothing_opens_until = -1
        e = 0
        final = min(leave[q], last)
        d = max(begin, entry[q]) - 1
        while d < final:
            d += 1
            today = days[d]
            if d == today.year_start and today.reset:
                forget(s)
            figure = sessions(counts, today.start, today.cut)
            moved = False
            while e < len(log) and log[e].after <= d:
                if log[e].after == d and apply_entry(s, today, rungs, dues, log[e], events, p, d, first, figure):
                    moved = True
                e += 1
            opens = reviewed = rises = False
            if not moved and today.in_force:
                if s.stage == 0:
                    opens = may_open(s, today, d, figure)
                elif s.awaiting:
                    # On the day the clock starts there is no review, be it due as soon as it is known.
                    held[d] = s.stage
                    if len(log) > 0 or rungs[d, s.stage].requires == 0 or rungs[d, s.stage].supposed >= 0:
                        start_clock(s, days, rungs, dues, log, used, held, counts, d)
                    if s.awaiting and at_threshold(today, figure):
                        stage = s.stage
                        close(s, today, figure)
                        if d >= first:
                            tell(events, s, today, p, d, RECOVERED, stage, figure, -1, NOTHING, NOTHING)
                else:
                    reviewed = 0 <= s.due <= d
                if today.daily and s.stage > 0 and not reviewed and today.opens and figure[1] >= today.minimum:
                    rises = stage_of_level(today, rungs, d, s.stage, figure) > s.stage
            if opens or reviewed or rises:
                if not gate_counted[q]:
                    count_unaccepted(days, log, marks, era, flags, entry[q], final, gates)
                    gate_counted[q] = True
                if reviewed:
                    review(s, today, rungs, dues, counts, gates, events, p, d, first, figure)
                elif gate(today, today.gate_start, gates):
                    stage, checkpoint = s.stage, (s.checkpoint_attended, s.checkpoint_possible)
                    target = s.stage
                    if opens:
                        again = s.recovered and today.week - s.recovered_week <= today.relapse
                        s.episode += 1
                        target, checkpoint = s.recovered_stage if again else 1, figure
                    of_level = 0
                    if today.daily:
                        of_level = stage_of_level(today, rungs, d, target, figure)
                    open_stage(s, today, rungs, dues, d, max(target, of_level), figure)
                    if d >= first:
                        event = OPENED if opens else ESCALATED
                        tell(events, s, today, p, d, event, stage, figure, today.gate_start, checkpoint, NOTHING)
                        if of_level > target:
                            say_level(events, s, rungs[d, of_level].below)
            held[d] = s.stage
            if s.awaiting and (moved or opens or reviewed or rises):
                start_clock(s, days, rungs, dues, log, used, held, counts, d)
            if column[d] >= 0:
                write(row[column[d]], s, today, figure)
            if len(wakes) > 0 and e == len(log):
                d = leap(s, days, rungs, counts, gates, floors, thresholds, wakes, kept, column, row, d, final) - 1
        left = leave[q] + 1
        if s.stage > 0 and left <= last and not (left == days[left].year_start and days[left].reset):
            stage = s.stage
            s.stage = 0
            if left >= first:
                figure = sessions(counts, days[left].start, days[left].cut)
                tell(events, s, days[left], p, left, LEFT, stage, figure, -1, NOTHING, NOTHING)
    return s.told
