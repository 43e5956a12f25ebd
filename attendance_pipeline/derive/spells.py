"""Spells of absence, and the days next to a break: what the patterns of a pupil are made of.

Belongs here: runs of absences as arrays, and the edges of holidays in a calendar. Not here: what is remarkable about
them (`patterns`), and the spells of illness that the ladder may ask for (`ladder`).

A session has a number: two a school day, the morning of day d is 2 d.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.law.register_codes import ATTENDED, AUTHORISED, CODES, UNAUTHORISED
from attendance_pipeline.law.school_calendar import SchoolCalendar, bank_holidays

Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ABSENT = AUTHORISED | UNAUTHORISED
HOLIDAY, HALF_TERM, INSET, BANK_HOLIDAY = "holiday", "half-term", "INSET day", "bank holiday"
BREAKS = (HOLIDAY, HALF_TERM, INSET, BANK_HOLIDAY)


def counted_for(inputs: SchoolInputs, first: int, last: int) -> npt.NDArray[np.uint16]:
    """What every session of days first to last counts for: bits of `register_codes`, uint16[P, days, 2]; 0 off roll."""
    days = np.arange(first, last + 1)
    era, flags = CODES.eras(inputs.calendar.days)
    pupils = inputs.pupils
    on_roll = (pupils.entry[:, None] <= days) & (days <= pupils.leave[:, None])
    found = flags[era[days][None, :, None], inputs.marks[:, first : last + 1]]
    return np.where(on_roll[:, :, None], found, 0).astype(np.uint16)


@dataclass(frozen=True)
class Spells:
    """Runs of absent sessions with no attended session between them, by pupil and time; arrays of one length.

    Sessions that are not possible or have no mark neither end a spell nor count in it. `first`, `last`: numbers of its
    first and last absent session; `sessions`: how many were absent. Spells of pupil p: `offsets[p]` to
    `offsets[p + 1] - 1`.
    """

    pupil: Longs
    first: Longs
    last: Longs
    sessions: Longs
    offsets: Longs

    def of(self, pupil: int) -> slice:
        return slice(int(self.offsets[pupil]), int(self.offsets[pupil + 1]))

    @property
    def first_day(self) -> Longs:
        return self.first // 2

    @property
    def last_day(self) -> Longs:
        return self.last // 2


def find_spells(counted: npt.NDArray[np.uint16], first_day: int) -> Spells:
    """The spells in sessions as `counted_for` gives them. `first_day`: the number of their first day."""
    flat = counted.reshape(len(counted), 2 * counted.shape[1])  # also of a school that knows no pupil yet
    pupil, session = np.nonzero(flat & (ABSENT | ATTENDED))
    absent = (flat[pupil, session] & ABSENT) != 0
    begins, ends = absent.copy(), absent.copy()
    if len(absent):
        joined = absent[1:] & absent[:-1] & (pupil[1:] == pupil[:-1])
        begins[1:] &= ~joined
        ends[:-1] &= ~joined
    running = np.concatenate([[0], np.cumsum(absent)])
    starts, stops = np.flatnonzero(begins), np.flatnonzero(ends)
    return Spells(
        pupil=pupil[starts],
        first=session[starts] + 2 * first_day,
        last=session[stops] + 2 * first_day,
        sessions=running[stops + 1] - running[starts],
        offsets=np.searchsorted(pupil[starts], np.arange(len(counted) + 1)),
    )


@dataclass(frozen=True)
class Break:
    """Weekdays without school between two school days: `before` the last day (-1: none), `after` the next (n: none)."""

    kind: str
    before: int
    after: int


def breaks_of(calendar: SchoolCalendar) -> list[Break]:
    """Every break of the calendar but weekends and closures, which nobody knew of before.

    The kind is the longest thing that stands in it: an INSET day next to a half-term belongs to the half-term. Between
    two terms of one season, as schools of six terms have them, is a half-term. The calendar begins and ends with a
    holiday.
    """
    n = len(calendar)
    if n == 0:
        return []
    inset = {d for year in calendar.setting.years for d in year.inset}
    half_terms = [b for year in calendar.setting.years for t in year.terms for b in t.half_terms]
    dates = [d.item() for d in calendar.days]
    out = [Break(HOLIDAY, -1, 0)]
    for i in range(n - 1):
        gap = (dates[i + 1] - dates[i]).days
        between = [dates[i] + dt.timedelta(days=k) for k in range(1, gap)]
        missing = [d for d in between if d.weekday() < 5]
        kind = ""
        if missing and calendar.term[i] != calendar.term[i + 1]:
            same = calendar.season[i] == calendar.season[i + 1] and calendar.year[i] == calendar.year[i + 1]
            kind = HALF_TERM if same else HOLIDAY
        elif any(b.starts <= d <= b.ends for d in missing for b in half_terms):
            kind = HALF_TERM
        elif any(d in inset for d in missing):
            kind = INSET
        elif missing and set(missing) & bank_holidays(missing[0].year, missing[-1].year):
            kind = BANK_HOLIDAY
        if kind:
            out.append(Break(kind, i, i + 1))
    return [*out, Break(HOLIDAY, n - 1, n)]


def edges(calendar: SchoolCalendar) -> tuple[Bools, Bools]:
    """Which school days are the last before a break, and which the first after one: bool[n] each."""
    before, after = np.zeros(len(calendar), dtype=np.bool_), np.zeros(len(calendar), dtype=np.bool_)
    for gap in breaks_of(calendar):
        if gap.before >= 0:
            before[gap.before] = True
        if gap.after < len(calendar):
            after[gap.after] = True
    return before, after
