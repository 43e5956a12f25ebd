"""The window of a penalty-notice row drawn as weeks: which use it up, which are skipped and why, what counts where.

Belongs here: laying out what `penalty_notices` decided, and why a session with a rule's code is not counted. Not here:
deciding, and words around it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from attendance_pipeline.derive.codes import Mark, marks_of
from attendance_pipeline.derive.evidence import asks_in_a_row, counted_sessions, window_words
from attendance_pipeline.derive.parents import issued_notices
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.school_calendar import SchoolCalendar, bank_holidays

WORKING_DAYS = 5
_WEEK = dt.timedelta(days=7)
_DAY = dt.timedelta(days=1)
# Windows that weeks without school do use up.
_CALENDAR = ("calendar_weeks", "calendar_months")

HALF_TERM = "half-term"
INSET = "INSET"
CLOSED = "closed"
BANK_HOLIDAY = "bank holiday"
HOLIDAY = "holiday"

NOT_COMPULSORY = "not of compulsory school age that day"
SPENT = "inside the dates of a notice issued on {:%d/%m/%Y}"
BEFORE = "before the window's first session"
NOT_IN_A_ROW = "not in a row with those that count"


@dataclass(frozen=True)
class WindowDay:
    """Monday to Friday of a week. `school`: whether the school had sessions; `inside`: whether the day lies in the
    window; `am`, `pm`: the codes of counted sessions, blank for others."""

    date: dt.date
    school: bool
    inside: bool
    am: str = ""
    pm: str = ""


@dataclass(frozen=True)
class WindowWeek:
    """`number`: which week of the window it is, from 1; None: skipped, and `why` says why."""

    monday: dt.date
    number: int | None
    why: str
    days: tuple[WindowDay, ...]

    @property
    def counted(self) -> int:
        return sum(bool(d.am) + bool(d.pm) for d in self.days)


def window_weeks(derived: Derived, rule: int, pupil: int, day: int) -> list[WindowWeek]:
    """The weeks of the window that a rule's row reports for a pupil on a day, the oldest first; none without a window.

    `rule`: an index in `plan.rule_names`.
    """
    calendar = derived.inputs.calendar
    row = derived.notice_rows(rule, day)[pupil]
    first, cut = int(row["window_from"]), int(derived.plan.notices.cut[day])
    if first < 0 or cut < first:
        return []
    kind, _, _ = window_words(derived, rule, pupil, day)
    codes = {(calendar.date(m.day), m.half): m.code for m in counted_sessions(derived, rule, pupil, day)}
    begins, ends = calendar.date(first), calendar.date(cut)
    monday = begins - begins.weekday() * _DAY
    out: list[WindowWeek] = []
    number = 0
    while monday <= ends:
        dates = [monday + i * _DAY for i in range(WORKING_DAYS)]
        days = tuple(
            WindowDay(
                d, calendar.index(d) is not None, begins <= d <= ends, codes.get((d, 0), ""), codes.get((d, 1), "")
            )
            for d in dates
        )
        uses_up = kind in _CALENDAR or any(d.school for d in days)
        number += uses_up
        why = "" if any(d.school for d in days) else ", ".join(dict.fromkeys(why_no_school(calendar, d) for d in dates))
        out.append(WindowWeek(monday, number if uses_up else None, why, days))
        monday += _WEEK
    return out


def why_no_school(calendar: SchoolCalendar, day: dt.date) -> str:
    """Why the school has no session on a weekday: half-term, INSET, closed, bank holiday, or between terms."""
    terms = [(year, term) for year in calendar.setting.years for term in year.terms]
    for year, term in terms:
        if day in year.inset:
            return INSET
        if day in year.closures:
            return CLOSED
        if any(b.starts <= day <= b.ends for b in term.half_terms):
            return HALF_TERM
        if term.starts <= day <= term.ends and day in bank_holidays(day.year, day.year):
            return BANK_HOLIDAY
    before = [term.name for _, term in terms if term.ends < day]
    after = [term.name for _, term in terms if term.starts > day]
    return f"{HOLIDAY}, {before[-1]} to {after[0]}" if before and after else HOLIDAY


def not_counted(derived: Derived, rule: int, pupil: int, day: int) -> list[tuple[Mark, str]]:
    """Sessions in the window with a code that the rule counts, and that do not count all the same, each with why."""
    inputs, plan = derived.inputs, derived.plan
    row = derived.notice_rows(rule, day)[pupil]
    first, cut = int(row["window_from"]), int(plan.notices.cut[day])
    if first < 0 or cut < first:
        return []
    counts = plan.notices.counted[rule]
    there = {(m.day, m.half) for m in counted_sessions(derived, rule, pupil, day)}
    notices = issued_notices(inputs.log, pupil, inputs.calendar.date(day))
    earlier = NOT_IN_A_ROW if asks_in_a_row(derived, rule, pupil, day) else BEFORE
    out = []
    for mark in marks_of(inputs, pupil, first, cut):
        if not counts[inputs.marks[pupil, mark.day, mark.half]] or (mark.day, mark.half) in there:
            continue
        date = inputs.calendar.date(mark.day)
        spent = [n for n in notices if n.offence_from <= date <= n.offence_until]
        own_number = plan.notices.rules["own_number"][rule]
        if own_number:
            out.append((mark, earlier))
        elif not inputs.pupils.csa_from[pupil] <= mark.day <= inputs.pupils.csa_to[pupil]:
            out.append((mark, NOT_COMPULSORY))
        else:
            out.append((mark, SPENT.format(spent[-1].issued_on) if spent else earlier))
    return out
