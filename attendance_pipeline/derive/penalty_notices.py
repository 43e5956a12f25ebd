"""Penalty-notice rules of rules.md section 6: per pupil, rule and day what is counted, and how far from the number.

Belongs here: the loop over one pupil's counted sessions, compiled, and its words. Not here: which rules there are and
where their windows start (`plan`), what is known of a parent (`parents`), and any decision: a person decides.
The functions call only one another, and get their data as a few arrays of records: see `ladder`. Sessions are slots:
twice the day, and one more for the afternoon.
"""

from __future__ import annotations

import numba

from attendance_pipeline.derive.compiled import LOOP
from attendance_pipeline.law.policy import ACTIONS, PERCENT_SCALE, WINDOW_KINDS
from attendance_pipeline.law.register_codes import ATTENDED, POSSIBLE

PN_STATUSES = ("not_met", "near", "met_provisional", "met")  # the better the greater
NOT_MET, NEAR, MET_PROVISIONAL, MET = range(len(PN_STATUSES))

BLOCKS = ("looked after", "hold", "no Notice to Improve", "not of compulsory school age now")
LOOKED_AFTER, HOLD, NO_NOTICE_TO_IMPROVE, NOT_COMPULSORY_AGE = (1 << i for i in range(len(BLOCKS)))

FAR_OFF = 1 << 30  # no day of any calendar
_HUNDRED_PERCENT = 100 * PERCENT_SCALE
# Compiled in: whoever changes the order of WINDOW_KINDS changes this file too, or loops in numba's cache know the old.
_SCHOOL_SESSIONS = WINDOW_KINDS.index("school_sessions")
_CONSECUTIVE = WINDOW_KINDS.index("consecutive_sessions")
_HOLD = ACTIONS.index("hold")
_RELEASE = ACTIONS.index("release")
_NOTICE_TO_IMPROVE = ACTIONS.index("notice_to_improve_issued")
_ISSUED = ACTIONS.index("penalty_notice_issued")

compiled = numba.njit(**LOOP)


@compiled
def list_counted(kinds, marks, log, d, first, last, slots, unresolved, holiday):
    """The slots of days first to last that count on day d, oldest first; how many.

    `unresolved` and `holiday` count N and G among the sessions before each. Sessions inside the offence dates of a
    notice issued by day d are not counted, and a later withdrawal does not give them back.
    """
    k = 0
    for day in range(first, last + 1):
        for half in range(2):
            kind = kinds[marks[day, half]]
            if kind == 0:
                continue
            spent = False
            for e in range(len(log)):
                if log[e].action == _ISSUED and log[e].after <= d and log[e].from_ <= day <= log[e].until:
                    spent = True
            if not spent:
                slots[k] = 2 * day + half
                unresolved[k + 1] = unresolved[k] + ((kind >> 1) & 1)
                holiday[k + 1] = holiday[k] + ((kind >> 2) & 1)
                k += 1
    return k


@compiled
def next_notice(log, d):
    """The first day after d on which a notice takes its sessions away; far off when there is none."""
    found = FAR_OFF
    for e in range(len(log)):
        if log[e].action == _ISSUED and d < log[e].after:
            found = min(found, log[e].after)
    return found


@compiled
def is_held(log, d):
    """A hold binds from its date (or over its dates, if Until is given) until a later release."""
    for e in range(len(log)):
        if log[e].action == _HOLD and log[e].after <= d:
            binds = not log[e].until_given or log[e].from_ <= d <= log[e].until
            for later in range(e + 1, len(log)):
                if log[later].action == _RELEASE and log[later].after <= d:
                    binds = False
            if binds:
                return True
    return False


@compiled
def was_warned(log, d, window_from):
    """Whether a Notice to Improve was issued by day d whose date or period reaches into the window."""
    for e in range(len(log)):
        known = log[e].action == _NOTICE_TO_IMPROVE and log[e].after <= d
        if known and max(log[e].before, log[e].until) >= window_from:
            return True
    return False


@compiled
def ordinal(slots, m, slot):
    """How many of the first m of a list of slots lie before a slot."""
    low, high = 0, m
    while low < high:
        middle = (low + high) // 2
        if slots[middle] < slot:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def list_possible(flags, era, marks, entry, last, possible_slots, possible_before, attended):
    """The pupil's possible sessions up to day `last`, how many there were before each day, and how many of the first
    0, 1, 2 ... of them were attended."""
    m = 0
    attended[0] = 0
    for d in range(last + 1):
        possible_before[d] = m
        if entry <= d:
            for half in range(2):
                counts_for = flags[era[d], marks[d, half]]
                if counts_for & POSSIBLE:
                    possible_slots[m] = 2 * d + half
                    m += 1
                    attended[m] = attended[m - 1] + (1 if counts_for & ATTENDED else 0)
    possible_before[last + 1] = m


@compiled
def first_day_with_cut(cuts, d, wanted):
    """The first day after d whose cut-off day is at least `wanted`; -1 where the calendar ends first."""
    for later in range(d + 1, len(cuts)):
        if cuts[later] >= wanted:
            return later
    return -1


@compiled
def drops_out(alternatives, windows, a, cuts, d, oldest, possible_slots, m):
    """The first day after d whose window excludes the session in slot `oldest`, where WINDOW.drop may not say; -1 null.

    `m`: possible sessions up to the cut-off day, for windows of the pupil's own sessions.
    """
    if alternatives[a].kind == _CONSECUTIVE:
        return -1
    if alternatives[a].kind == _SCHOOL_SESSIONS:
        # As if each school day after the cut-off day brought two possible sessions.
        needed = ordinal(possible_slots, m, oldest) + alternatives[a].length - m + 1
        return first_day_with_cut(cuts, d, cuts[d] + (needed + 1) // 2)
    for later in range(d + 1, len(cuts)):
        if cuts[later] >= 0 and (oldest // 2 < windows[a, later].start or oldest // 2 > cuts[later]):
            return later
    return -1


@compiled
def is_low(alternatives, windows, a, d, level, possible_slots, attended, m, more):
    """Whether attendance in an alternative's window is below a level, were `more` sessions attended."""
    since = ordinal(possible_slots, m, 2 * windows[a, d].start)
    if alternatives[a].kind == _SCHOOL_SESSIONS:
        since = max(m - alternatives[a].length, 0)
    return (attended[m] - attended[since] + more) * _HUNDRED_PERCENT < level * (m - since)


@compiled
def begin_of_run(slots, possible_slots, m, low, high):
    """Where the unbroken run begins that ends with the counted session before `high`; no earlier than `low`."""
    first = high - 1
    j = ordinal(possible_slots, m, slots[first])
    while first > low and j > 0 and possible_slots[j - 1] == slots[first - 1]:
        first -= 1
        j -= 1
    return first


@compiled
def find_run(slots, unresolved, possible_slots, m, low, reached, sessions):
    """The newest run of so many counted sessions that begins at `low` or later, one without N first: where it begins
    (-1: there is none) and its longest stretch without N."""
    found, found_solid = -1, 0
    high = reached
    while high > low:
        first = begin_of_run(slots, possible_slots, m, low, high)
        if high - first >= sessions:
            solid = stretch = 0
            for i in range(first, high):
                stretch = 0 if unresolved[i + 1] > unresolved[i] else stretch + 1
                solid = max(solid, stretch)
            if found < 0 or solid >= sessions:
                found, found_solid = first, solid
            if solid >= sessions:
                break
        high = first
    return found, found_solid


@compiled
def weeks_broken(windows, a, slots, unresolved, low, reached, solid):
    """How many different school weeks hold one of the sessions low to reached; with `solid`, one that is not N."""
    found, newest = 0, -1
    for i in range(low, reached):
        week = windows[a, slots[i] // 2].week
        if week != newest and not (solid and unresolved[i + 1] > unresolved[i]):
            found += 1
            newest = week
    return found


@compiled
def assess(
    rule, alternatives, windows, slots, unresolved, holiday, possible_slots, attended, lows, d, cut, reached, m
):  # fmt: skip
    """The alternative to report on day d: its number, status, first counted session and first day of its window.

    `reached`: how many of the counted sessions lie up to the cut-off day; `m`: how many possible ones.
    """
    best, best_status, best_needed, best_low, best_from = -1, -1, 0, 0, -1
    for a in range(rule.first, rule.stop):
        kind, sessions = alternatives[a].kind, alternatives[a].sessions
        low, window_from = lows[a], windows[a, d].start
        if cut < 0:
            low, window_from = reached, -1
        elif kind == _CONSECUTIVE:
            low, window_from = reached, cut
            j = m
            while low > 0 and j > 0 and possible_slots[j - 1] == slots[low - 1]:
                low -= 1
                j -= 1
                window_from = slots[low] // 2
        elif kind == _SCHOOL_SESSIONS:
            low, window_from = reached, cut
            if m > 0:
                oldest = possible_slots[max(m - alternatives[a].length, 0)]
                low, window_from = ordinal(slots, reached, oldest), oldest // 2
        run_solid = -1
        if alternatives[a].in_a_row and cut >= 0:
            # A run that is long enough counts as long as the window holds it; else the one that goes on, if one does.
            first, run_solid = find_run(slots, unresolved, possible_slots, m, low, reached, sessions)
            if first < 0:
                first = reached
                if low < reached and m > 0 and slots[reached - 1] == possible_slots[m - 1]:
                    first = begin_of_run(slots, possible_slots, m, low, reached)
                run_solid = -1
            low = first
        counted = reached - low
        solid = counted - (unresolved[reached] - unresolved[low])
        if run_solid >= 0:
            solid = run_solid
        elif (kind == _CONSECUTIVE or alternatives[a].in_a_row) and solid < counted:
            # Without its N sessions the run is shorter, not thinner: it starts after the last of them.
            solid = 0
            while unresolved[reached - solid] == unresolved[reached - solid - 1]:
                solid += 1
        needed = max(0, sessions - counted)
        low_enough = surely = True
        if alternatives[a].below >= 0 and counted > 0:
            below = alternatives[a].below
            low_enough = is_low(alternatives, windows, a, d, below, possible_slots, attended, m, 0)
            open_ = unresolved[reached] - unresolved[low]
            surely = is_low(alternatives, windows, a, d, below, possible_slots, attended, m, open_)
        if alternatives[a].at_least >= 0 and counted > 0:
            at_least = alternatives[a].at_least
            low_enough &= not is_low(alternatives, windows, a, d, at_least, possible_slots, attended, m, 0)
        asked_weeks = alternatives[a].broken_weeks
        if asked_weeks > 0:
            low_enough &= weeks_broken(windows, a, slots, unresolved, low, reached, False) >= asked_weeks
            surely &= weeks_broken(windows, a, slots, unresolved, low, reached, True) >= asked_weeks
        if not low_enough or holiday[reached] - holiday[low] < alternatives[a].holiday:
            status = NOT_MET
        elif solid >= sessions and surely:
            status = MET
        elif needed == 0:
            status = MET_PROVISIONAL
        elif counted > 0 and needed <= rule.near:
            status = NEAR
        else:
            status = NOT_MET
        if status > best_status or (status == best_status and needed < best_needed):
            best, best_status, best_needed, best_low, best_from = a, status, needed, low, window_from
    return best, best_status, best_low, best_from


@compiled
def blocks(log, d, window_from, only_holiday, notice_expected, looked_after, compulsory):
    """What stands in the way for the pupil on day d, as bits of BLOCKS."""
    out = 0
    if looked_after:
        out |= LOOKED_AFTER
    if is_held(log, d):
        out |= HOLD
    if notice_expected and not only_holiday and not was_warned(log, d, window_from):
        out |= NO_NOTICE_TO_IMPROVE
    if not compulsory:
        out |= NOT_COMPULSORY_AGE
    return out


@compiled
def consider(
    rules, alternatives, windows, in_force, kinds, cuts, arrives, notice_expected,
    flags, era, marks_of, log_offsets, logs, entry, leave, csa_from, csa_to, looked_after,
    first, last, slots, unresolved, holiday, possible_slots, possible_before, attended, lows, rows,
):  # fmt: skip
    """Fill `rows` NOTICE_ROW[P, R, last - first + 1] for days on roll on which the rule is in force.

    The first line is plan.NoticePlan. Scratch, all int64: slots, possible_slots[2 * last + 2], unresolved, holiday,
    attended[2 * last + 3], possible_before[last + 2], lows[alternatives].
    """
    for p in range(len(rows)):
        begin, final = max(first, entry[p]), min(last, leave[p])
        if final < begin:
            continue
        marks = marks_of[p]
        entries = logs[log_offsets[p] : log_offsets[p + 1]]
        listed = False
        k, relist, noticed = 0, FAR_OFF, next_notice(entries, -1) < FAR_OFF
        for r in range(len(rules)):
            rule = rules[r]
            # A number of the school's own is about pupils of any age, and no notice takes sessions from it.
            log = entries[:0] if rule.own_number else entries
            oldest_day, newest_day = max(entry[p], csa_from[p]), min(final, csa_to[p])
            if rule.own_number:
                oldest_day, newest_day = max(entry[p], 0), final
            if rule.own_sessions and not listed:
                list_possible(flags, era, marks, entry[p], final, possible_slots, possible_before, attended)
                listed = True
            # Without a notice the sessions that count are the same every day, and for rules with the same codes.
            if r == 0 or not rule.same_codes or noticed or relist < FAR_OFF:
                relist = begin
            best, status, low, window_from, drops, reached, m = -1, NOT_MET, 0, -1, -1, 0, 0
            moves = begin
            for d in range(begin, final + 1):
                if not in_force[r, d]:
                    continue
                if d < moves:
                    # Nothing comes into a window or leaves one before then: only the window itself has moved on.
                    window_from = windows[best, d].start
                else:
                    if d >= relist:
                        k = list_counted(kinds[r], marks, log, d, oldest_day, newest_day, slots, unresolved, holiday)
                        relist = next_notice(log, d)
                    cut = cuts[d]
                    reached = ordinal(slots, k, 2 * cut + 2)
                    moves = relist
                    if reached < k and arrives[slots[reached] // 2] >= 0:
                        moves = min(moves, arrives[slots[reached] // 2])
                    for a in range(rule.first, rule.stop):
                        lows[a] = ordinal(slots, reached, 2 * windows[a, d].start)
                        if lows[a] < reached and windows[a, slots[lows[a]] // 2].drop >= 0:
                            moves = min(moves, windows[a, slots[lows[a]] // 2].drop)
                    if cut < 0 or not rule.tabled:
                        moves = d + 1
                    if rule.own_sessions:
                        m = possible_before[cut + 1]
                    best, status, low, window_from = assess(
                        rule, alternatives, windows, slots, unresolved, holiday, possible_slots, attended, lows, d,
                        cut, reached, m,
                    )  # fmt: skip
                    drops = -1
                    if low < reached and rule.tabled:
                        drops = windows[best, slots[low] // 2].drop
                    elif low < reached:
                        drops = drops_out(alternatives, windows, best, cuts, d, slots[low], possible_slots, m)
                row = rows[p, r, d - first]
                row.status = status
                row.alternative = best - rule.first
                row.counted = reached - low
                row.window_from = window_from
                row.drops_out_on = drops
                if status >= MET_PROVISIONAL and not rule.own_number:
                    only_holiday = holiday[reached] - holiday[low] == reached - low
                    compulsory = csa_from[p] <= d <= csa_to[p]
                    row.blocked = blocks(
                        log, d, window_from, only_holiday, notice_expected, looked_after[p], compulsory
                    )


@compiled
def list_sessions(kinds, flags, era, marks_of, entry, leave, csa_from, csa_to, last, offsets, slots, unresolved,
                  holiday, before, possible_slots, possible_before, attended):  # fmt: skip
    """For `weigh`: what every rule with these codes counts, as long as no notice has taken sessions away.

    Pupil p's are slots[offsets[p]:offsets[p + 1]]; `unresolved`, `holiday` from offsets[p] + p on, one more than these;
    `before` int16[P, last + 2], how many lie before each day. Of possible sessions what `list_possible` gives, where
    `possible_before` int16[P, last + 2], `possible_slots` [P, 2 * last + 2] and `attended` [P, 2 * last + 3] are not
    empty. Returns how many sessions there are: when `slots` has less room, one calls again.
    """
    at = 0
    for p in range(len(marks_of)):
        marks = marks_of[p]
        final = min(last, leave[p])
        oldest, newest = max(entry[p], csa_from[p]), min(final, csa_to[p])
        offsets[p] = at
        k = n = g = 0
        for day in range(last + 1):
            before[p, day] = k
            for half in range(2):
                kind = kinds[marks[day, half]]
                if kind == 0 or day < oldest or day > newest:
                    continue
                if at + k < len(slots):
                    slots[at + k] = 2 * day + half
                    n += (kind >> 1) & 1
                    g += (kind >> 2) & 1
                    unresolved[at + p + k + 1] = n
                    holiday[at + p + k + 1] = g
                k += 1
        before[p, last + 1] = k
        at += k
        if len(possible_before) > 0:
            m = 0
            attended[p, 0] = 0
            for day in range(last + 1):
                possible_before[p, day] = m
                if entry[p] <= day <= final:
                    for half in range(2):
                        counts_for = flags[era[day], marks[day, half]]
                        if counts_for & POSSIBLE:
                            possible_slots[p, m] = 2 * day + half
                            m += 1
                            attended[p, m] = attended[p, m - 1] + (1 if counts_for & ATTENDED else 0)
            possible_before[p, last + 1] = m
    offsets[len(marks_of)] = at
    return at


@compiled
def weigh(
    rules, alternatives, windows, in_force, kinds, cuts, days, marks_of, log_offsets, logs, entry, leave, csa_from,
    csa_to, last, offsets, slots, unresolved, holiday, before, possible_slots, possible_before, attended,
    own_slots, own_unresolved, own_holiday, lows, statuses,
):  # fmt: skip
    """The status of the first rule alone, on some days alone: uint8[P, days], NOT_MET where a pupil is not on roll or
    the rule is not in force. It is what `consider` says, told many times quicker by what `list_sessions` has listed:
    a rule that asks for other numbers, or looks back otherwise, finds the same sessions.

    Scratch, int64: own_slots[2 * last + 2], own_unresolved and own_holiday [2 * last + 3], lows[alternatives].
    """
    rule = rules[0]
    least = FAR_OFF
    for a in range(rule.first, rule.stop):
        least = min(least, alternatives[a].sessions - rule.near)
    nothing = possible_slots[0, :0] if len(possible_slots) > 0 else slots[:0]
    for p in range(len(statuses)):
        statuses[p] = NOT_MET
        if offsets[p + 1] - offsets[p] < max(least, 1):
            continue  # too few in the whole year even to come near
        log = logs[log_offsets[p] : log_offsets[p + 1]]
        noticed = next_notice(log, -1) < FAR_OFF
        mine, mine_unresolved = slots[offsets[p] : offsets[p + 1]], unresolved[offsets[p] + p : offsets[p + 1] + p + 1]
        mine_holiday = holiday[offsets[p] + p : offsets[p + 1] + p + 1]
        possible = possible_slots[p] if rule.own_sessions else nothing
        there = attended[p] if rule.own_sessions else nothing
        oldest, newest = max(entry[p], csa_from[p]), min(last, leave[p], csa_to[p])
        k, relist = 0, -1
        for w in range(len(days)):
            d = days[w]
            if not (entry[p] <= d <= leave[p] and in_force[0, d]):
                continue
            cut = cuts[d]
            m = possible_before[p, cut + 1] if rule.own_sessions else 0
            if noticed:
                if d >= relist:
                    k = list_counted(
                        kinds[0], marks_of[p], log, d, oldest, newest, own_slots, own_unresolved, own_holiday
                    )
                    relist = next_notice(log, d)
                reached = ordinal(own_slots, k, 2 * cut + 2)
                for a in range(rule.first, rule.stop):
                    lows[a] = ordinal(own_slots, reached, 2 * windows[a, d].start)
                told = assess(
                    rule, alternatives, windows, own_slots, own_unresolved, own_holiday, possible, there, lows, d, cut,
                    reached, m,
                )  # fmt: skip
            else:
                reached = before[p, cut + 1]
                for a in range(rule.first, rule.stop):
                    lows[a] = min(before[p, min(windows[a, d].start, last + 1)], reached)
                told = assess(
                    rule, alternatives, windows, mine, mine_unresolved, mine_holiday, possible, there, lows, d, cut,
                    reached, m,
                )  # fmt: skip
            statuses[p, w] = told[1]
