"""Penalty-notice thresholds of rules.md section 6 for one pupil on one day.

Belongs here: windows of every kind, what is counted in them, and the status. Must not: the ladder, or who may be fined.
"""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from reference_calendar import monday_of, months_before, of_compulsory_school_age
from reference_codes import code_class, is_possible
from reference_world import SESSIONS, World, entry_dates

COUNTED_CODES = ("G", "N", "O", "U")
STATUSES = ("met", "met_provisional", "near", "not_met")  # best first
NEAR = 3

Session = tuple[date, str]

DAY_WINDOWS = {
    "terms",
    "half_terms",
    "academic_years",
    "school_weeks",
    "school_days",
    "calendar_weeks",
    "calendar_months",
}


def rules_in_force(policy: dict[str, Any], day: date) -> list[dict[str, Any]]:
    return [
        rule
        for rule in policy.get("penalty_notice_rules", ())
        if rule.get("valid_from", date.min) <= day <= rule.get("valid_to", date.max)
    ]


def penalty_row(world: World, rule: dict[str, Any], day: date) -> dict[str, Any]:
    """The best of the rule's alternatives: by status, then by sessions still needed, then the first."""
    codes = tuple(rule.get("codes", COUNTED_CODES))
    about_notices = rule.get("penalty_notice", True)
    rows = [_alternative(world, each, codes, day, about_notices) for each in rule["any_of"]]
    return min(rows, key=lambda row: (STATUSES.index(row["status"]), row["needed"]))


def _alternative(
    world: World, alternative: dict[str, Any], codes: tuple[str, ...], day: date, about_notices: bool
) -> dict[str, Any]:
    cut = world.cut(day)
    sessions = alternative["sessions"]
    if cut is None:
        return {
            "status": "not_met",
            "counted": 0,
            "needed": sessions,
            "window_from": None,
            "window_to": None,
            "drops_out_on": None,
        }
    counts = countable(world, codes, day, about_notices)
    possible = possible_sessions(world, cut)

    in_a_row = "consecutive_sessions" in alternative and len(alternative.keys() & DAY_WINDOWS) == 1
    if "consecutive_sessions" in alternative and not in_a_row:
        counted = run_at_the_end(possible, counts)
        # Reading: "met only if N sessions count": an N that does not count breaks the run, so it is counted anew.
        without_n = len(run_at_the_end(possible, {each for each in counts if world.marks[each] != "N"}))
        window_from = counted[0][0] if counted else cut
        drops_out_on = None
    elif "school_sessions" in alternative:
        length = alternative["school_sessions"]
        last = possible[-length:]
        counted = [each for each in last if each in counts]
        without_n = sum(world.marks[each] != "N" for each in counted)
        # Reading: without a possible session the window is empty and begins, like an empty run, on cut(d).
        window_from = last[0][0] if last else cut
        drops_out_on = _pushed_out_on(world, day, cut, possible, counted, length)
    else:
        counted = [each for each in possible if each in counts and in_window(world, alternative, cut, each[0])]
        without_n = sum(world.marks[each] != "N" for each in counted)
        # Reading: window_from of calendar weeks is the first school day in them too, not the Monday.
        window_from = min(each for each in world.calendar.days if in_window(world, alternative, cut, each))
        if in_a_row:
            counted, without_n = _run_in_the_window(world, possible, counted, sessions)
        drops_out_on = _left_behind_on(world, day, alternative, counted)

    needed = max(0, sessions - len(counted))
    open_ = sum(world.marks[each] == "N" for each in counted)
    holiday = sum(world.marks[each] == "G" for each in counted)
    asked_besides = (
        _low_enough(world, alternative, possible, cut, 0),
        _high_enough(world, alternative, possible, cut),
        holiday >= alternative.get("holiday_sessions", 0),
        _weeks(world, counted) >= alternative.get("broken_weeks", 0),
    )
    solid_weeks = _weeks(world, [each for each in counted if world.marks[each] != "N"])
    if not all(asked_besides):
        status = "not_met"
    elif without_n >= sessions and not _low_enough(world, alternative, possible, cut, open_):
        # Reading: attendance that is below only because an N is an absence is met only if that N counts.
        status = "met_provisional"
    elif without_n >= sessions and solid_weeks < alternative.get("broken_weeks", 0):
        status = "met_provisional"
    elif without_n >= sessions:
        status = "met"
    elif len(counted) >= sessions:
        status = "met_provisional"
    elif needed <= NEAR and counted:
        status = "near"
    else:
        status = "not_met"
    return {
        "status": status,
        "counted": len(counted),
        "needed": needed,
        "window_from": window_from,
        "window_to": cut,
        "drops_out_on": drops_out_on,
    }


def _weeks(world: World, counted: list[Session]) -> int:
    return len({world.calendar.week[each] for each, _ in counted})


def _low_enough(world: World, alternative: dict[str, Any], possible: list[Session], cut: date, more: int) -> bool:
    """Whether attendance in the window is below what the alternative asks for, were `more` sessions attended."""
    if "attendance_below" not in alternative:
        return True
    percent = _percent_attended(world, alternative, possible, cut, more)
    return percent is not None and percent < Fraction(str(alternative["attendance_below"]))


def _high_enough(world: World, alternative: dict[str, Any], possible: list[Session], cut: date) -> bool:
    """Whether attendance in the window, every N an absence, is at least what the alternative asks for."""
    if "attendance_at_least" not in alternative:
        return True
    percent = _percent_attended(world, alternative, possible, cut, 0)
    return percent is not None and percent >= Fraction(str(alternative["attendance_at_least"]))


def _percent_attended(
    world: World, alternative: dict[str, Any], possible: list[Session], cut: date, more: int
) -> Fraction | None:
    if "school_sessions" in alternative:
        within = possible[-alternative["school_sessions"] :]
    else:
        within = [each for each in possible if in_window(world, alternative, cut, each[0])]
    attended = sum(code_class(world.marks[each]) == "attended" for each in within) + more
    return Fraction(attended, len(within)) * 100 if within else None


def possible_sessions(world: World, cut: date) -> list[Session]:
    """The pupil's possible sessions up to and including the day, oldest first, mornings before afternoons."""
    found = []
    for each in world.calendar.days:
        for session in SESSIONS:
            code = world.code(each, session)
            if each <= cut and code is not None and is_possible(code, each):
                found.append((each, session))
    return found


def countable(world: World, codes: tuple[str, ...], day: date, about_notices: bool = True) -> set[Session]:
    """Sessions that any rule with these codes may count on `day`, whatever its window.

    Reading: a rule counts possible sessions only, also where its `codes` name others.
    """
    found = set()
    cut = world.cut(day)
    for each in world.calendar.days:
        if cut is None or each > cut:
            continue
        # Reading: a number of the school's own is about pupils of any age, and no notice takes sessions from it.
        of_age = of_compulsory_school_age(world.pupil.get("born"), each)
        if about_notices and (not of_age or _already_answered(world, each, day)):
            continue
        for session in SESSIONS:
            code = world.code(each, session)
            if code is not None and code in codes and is_possible(code, each):
                found.add((each, session))
    return found


def _already_answered(world: World, each: date, day: date) -> bool:
    """Inside the offence dates of a notice issued on or before `day`, withdrawn later or not."""
    for entry in world.log:
        if entry["action"] == "penalty_notice_issued" and entry["date"] <= day:
            first, last = entry_dates(entry)
            if first <= each <= last:
                return True
    return False


def in_window(world: World, alternative: dict[str, Any], cut: date, each: date) -> bool:
    """Whether a school day lies in the window of one of these kinds that ends on `cut`."""
    calendar = world.calendar
    if each > cut:
        return False
    if "terms" in alternative:
        return calendar.term[each] > calendar.term[cut] - alternative["terms"]
    if "half_terms" in alternative:
        return calendar.half_term[each] > calendar.half_term[cut] - alternative["half_terms"]
    if "academic_years" in alternative:
        return calendar.year[each] > calendar.year[cut] - alternative["academic_years"]
    if "school_days" in alternative:
        return calendar.index[each] > calendar.index[cut] - alternative["school_days"]
    if "calendar_months" in alternative:
        return each > months_before(cut, alternative["calendar_months"])
    if "school_weeks" in alternative:
        return calendar.week[each] > calendar.week[cut] - alternative["school_weeks"]
    if "calendar_weeks" in alternative:
        return each >= monday_of(cut) - timedelta(weeks=alternative["calendar_weeks"] - 1)
    raise ValueError(f"an alternative needs a window that the model knows, not {sorted(alternative)}")


def _run_in_the_window(
    world: World, possible: list[Session], inside: list[Session], sessions: int
) -> tuple[list[Session], int]:
    """What is counted where so many of the sessions `inside` a window must follow one another, and how many of these do
    without N: everything from the first of the newest run that is long enough, one without N before one with; where
    there is none, the run that goes on."""
    runs: list[list[Session]] = [[]]
    for each in possible:
        if each in inside:
            runs[-1].append(each)
        else:
            runs.append([])
    best: list[Session] = []
    best_without_n = 0
    for run in runs:
        pieces: list[int] = [0]
        for each in run:
            pieces = [*pieces, 0] if world.marks[each] == "N" else [*pieces[:-1], pieces[-1] + 1]
        if len(run) >= sessions and (max(pieces) >= sessions or best_without_n < sessions):
            best, best_without_n = run, max(pieces)
    if best:
        return [each for each in inside if each >= best[0]], best_without_n
    last = runs[-1]
    after_n = next((i for i, each in enumerate(reversed(last)) if world.marks[each] == "N"), len(last))
    return last, after_n


def run_at_the_end(possible: list[Session], counts: set[Session]) -> list[Session]:
    """The unbroken run of counted sessions that ends at the last possible session; oldest first."""
    run: list[Session] = []
    for each in reversed(possible):
        if each not in counts:
            break
        run.insert(0, each)
    return run


def _left_behind_on(world: World, day: date, alternative: dict[str, Any], counted: list[Session]) -> date | None:
    if not counted:
        return None
    oldest = counted[0][0]
    for later in world.calendar.days:
        if later > day:
            # Reading: cut(d') uses the settling days of the ladder in force on d'.
            cut = world.cut(later)
            if cut is not None and not in_window(world, alternative, cut, oldest):
                return later
    return None


def _pushed_out_on(
    world: World, day: date, cut: date, possible: list[Session], counted: list[Session], length: int
) -> date | None:
    """The first later day on which `length` sessions lie after the oldest, if every school day brings two."""
    if not counted:
        return None
    after_oldest = len(possible) - 1 - possible.index(counted[0])
    for later in world.calendar.days:
        if later > day:
            later_cut = world.cut(later)
            if later_cut is None:
                continue
            new_days = world.calendar.index[later_cut] - world.calendar.index[cut]
            if after_oldest + 2 * new_days >= length:
                return later
    return None
