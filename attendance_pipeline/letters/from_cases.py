"""Occasions that are not of the ladder: a penalty-notice case that comes near, and illness for many days.

Belongs here: when a case begins and ends as letters see it, and what is doubtful about it. Does not belong here: the
rules (`derive/penalty_notices`), what a case holds (`figures`), deciding on letters.

A case flickers: a session drops out of a window on Monday and another comes in on Thursday. Days on which a pupil is
near, with less than some school weeks between them (policy), are one case and have one letter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.evidence import HUNDRED_PERCENT, asked_attendance
from attendance_pipeline.derive.parents import notice_to_improve_since, notices_that_count, tariff
from attendance_pipeline.derive.penalty_notices import MET_PROVISIONAL, NEAR, NO_NOTICE_TO_IMPROVE
from attendance_pipeline.derive.returns import sickness_return
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.policy import ACTIONS
from attendance_pipeline.law.register_codes import CODES, NOT_ESTABLISHED
from attendance_pipeline.letters.figures import PENALTY_KINDS, rule_status, rules_of
from attendance_pipeline.letters.holding import NO_FURTHER_NOTICE, UNRESOLVED_N
from attendance_pipeline.letters.occasions import Occasion

CASE = "case"  # `because` of a penalty-notice case
SICKNESS_RETURN = "sickness return"
NOT_NEAR = "no longer near a penalty notice"
NOT_MET = "the threshold is no longer met"
NOTICE_ISSUED = "a Notice to Improve was issued"

Days = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Chain:
    """Days from `start` to `stop` that belong to one case of a pupil (row); days are numbers of the calendar."""

    pupil: int
    start: int
    stop: int


class CaseReader:
    """The cases of one derived school, asked for many days."""

    def __init__(self, derived: Derived) -> None:
        self.derived = derived
        self._setting = derived.plan.policy.setting.letters
        self._days = np.arange(derived.first, derived.last + 1)
        # A draft of a Notice to Improve leaves the warning as it is: whether there will be a notice, a person decides.
        self._near = self._rows_where(NEAR if self._setting.warning_at == "near" else MET_PROVISIONAL)
        masks: dict[str, Days] = {
            "penalty_notice_warning": self._near & ~self._warned(),
            "notice_to_improve": self._rows_where(MET_PROVISIONAL, NO_NOTICE_TO_IMPROVE),
        }
        self._last = {kind: self._last_day(mask) for kind, mask in masks.items()}
        self._chains = {kind: list(self._chained(mask)) for kind, mask in masks.items()}
        self._ill = self._often_ill()

    def on(self, day: int, kinds: Collection[str]) -> Iterator[Occasion]:
        """The occasions of these kinds of the academic year of a derived day, as they stand on it."""
        persons = self.derived.inputs.pupils.pupil_id
        year_start = int(self.derived.inputs.calendar.year_start[day])
        for kind in sorted(PENALTY_KINDS & set(kinds)):
            for chain in self._chains[kind]:
                if year_start <= chain.start <= day:
                    found = Occasion(int(persons[chain.pupil]), kind, chain.start, because=CASE)
                    yield self._as_on(found, chain, kind, day)
        if "medical_support" in kinds:
            within = self._setting.follow_up_school_days
            for pupil, start in self._ill:
                if year_start <= start <= day:
                    found = Occasion(int(persons[pupil]), "medical_support", start, because=SICKNESS_RETURN)
                    yield found.out_of_date(day, within)

    def doubts(self, o: Occasion, contact_id: str, day: int) -> frozenset[str]:
        """Why a letter about a case, or a referral, to this contact has to wait on a derived day."""
        pupil = int(np.flatnonzero(self.derived.inputs.pupils.pupil_id == o.person_id)[0])
        if o.kind == "referral_pack":
            return frozenset({UNRESOLVED_N}) if self._has_n(pupil, day) else frozenset()
        if o.kind not in PENALTY_KINDS:
            return frozenset()
        found = set()
        rules = rules_of(self.derived, o.kind, pupil, day)
        if rules and not any(self._stands(r, pupil, o.kind, day) for r in rules):
            found.add(UNRESOLVED_N)
        setting = self.derived.plan.policy.setting.penalty_notices
        date = self.derived.inputs.calendar.date(day)
        if tariff(len(notices_that_count(self.derived.inputs.log, pupil, contact_id, date, setting)), setting) is None:
            found.add(NO_FURTHER_NOTICE)
        return frozenset(found)

    # ------------------------------------------------------------ days on which a case stands

    def _rows_where(self, least: int, bits: int = 0) -> Days:
        """Days on roll on which some rule in force has this status or a better one, and these bits: bool[P, D]."""
        rows, pupils = self.derived.notices, self.derived.inputs.pupils
        shape = (len(pupils), len(self._days))
        if rows.shape[1] == 0:
            return np.zeros(shape, dtype=np.bool_)
        notices = self.derived.plan.notices
        in_force = (notices.in_force[:, self._days] == 1) & (notices.rules["own_number"] == 0)[:, None]
        found = (rows["status"] >= least) & in_force[None]
        if bits:
            found &= (rows["blocked"] & bits) == bits
        on_roll = (pupils.entry[:, None] <= self._days) & (self._days <= pupils.leave[:, None])
        return np.asarray(found.any(axis=1) & on_roll)

    def _warned(self) -> Days:
        """Days on which a Notice to Improve reaches into the window of a rule that is near: no warning is needed."""
        derived = self.derived
        calendar, log = derived.inputs.calendar, derived.inputs.log
        out = np.zeros_like(self._near)
        issued = np.flatnonzero(log.action == ACTIONS.index("notice_to_improve_issued"))
        pupils = {int(np.searchsorted(log.offsets, e, side="right")) - 1 for e in issued}
        for pupil in sorted(pupils):
            for i in np.flatnonzero(self._near[pupil]):
                day = derived.first + int(i)
                firsts = [
                    int(derived.notices[pupil, r, i]["window_from"])
                    for r in rules_of(derived, "penalty_notice_warning", pupil, day)
                ]
                begins = calendar.date(max(min(firsts, default=day), 0))
                out[pupil, i] = notice_to_improve_since(log, pupil, begins, calendar.date(day))
        return out

    def _last_day(self, mask: Days) -> npt.NDArray[np.int64]:
        """The newest day with the mask up to each day; -1 for none: int64[P, D]."""
        at = np.where(mask, self._days[None, :], -1)
        return np.asarray(np.maximum.accumulate(at, axis=1)) if at.shape[1] else at

    def _chained(self, mask: Days) -> Iterator[_Chain]:
        """Cases: runs of days, with the gaps between them that are too short to end one. None goes over a new year, and
        what had begun before the school went live is not ours."""
        derived, calendar = self.derived, self.derived.inputs.calendar
        weeks = self._setting.again_after_school_weeks
        live = derived.inputs.go_live
        begins = derived.first if live is None else calendar.on_or_after(live)
        for pupil in np.flatnonzero(mask.any(axis=1)).tolist():
            chain: _Chain | None = None
            for start, stop in _runs(mask[pupil], derived.first, calendar.year):
                if start < begins:
                    continue
                gap = None if chain is None else int(calendar.week[start]) - int(calendar.week[chain.stop])
                if chain is None or calendar.year[start] != calendar.year[chain.start] or (gap or 0) >= weeks:
                    if chain is not None:
                        yield chain
                    chain = _Chain(pupil, start, stop)
                else:
                    chain = replace(chain, stop=stop)
            if chain is not None:
                yield chain

    def _as_on(self, o: Occasion, chain: _Chain, kind: str, day: int) -> Occasion:
        last = chain.stop
        if day <= chain.stop:
            last = int(self._last[kind][chain.pupil, day - self.derived.first])
        if last >= day:
            return o
        ended_on = last + 1
        return replace(o, ended=self._why_ended(kind, chain, ended_on), ended_on=ended_on)

    def _why_ended(self, kind: str, chain: _Chain, day: int) -> str:
        if day > int(self.derived.inputs.pupils.leave[chain.pupil]):
            return "left"
        at = day - self.derived.first
        if kind == "penalty_notice_warning":
            return NOTICE_ISSUED if self._near[chain.pupil, at] else NOT_NEAR
        calendar, log = self.derived.inputs.calendar, self.derived.inputs.log
        issued = notice_to_improve_since(log, chain.pupil, calendar.date(chain.start), calendar.date(day))
        return NOTICE_ISSUED if issued else NOT_MET

    # ------------------------------------------------------------ what is doubtful

    def _stands(self, r: int, pupil: int, kind: str, day: int) -> bool:
        """Whether a rule would be near, or met, with no N counted."""
        found = rule_status(self.derived, r, pupil, day)
        needed = found.asked - found.solid
        below, (attended, possible) = asked_attendance(self.derived, r, pupil, day)
        if below >= 0 and (attended + found.counted - found.solid) * HUNDRED_PERCENT >= below * possible:
            return False  # attendance is as low as the rule asks for only by an N
        if kind == "notice_to_improve" or self._setting.warning_at == "met":
            return needed <= 0
        return found.solid > 0 and needed <= int(self.derived.plan.notices.rules["near"][r])

    def _has_n(self, pupil: int, day: int) -> bool:
        """Whether a mark that the certificate holds is N: of the year, or of the last sessions before it."""
        inputs, plan = self.derived.inputs, self.derived.plan
        cut, low = int(plan.ladder["cut"][day]), max(int(inputs.pupils.entry[pupil]), 0)
        first = max(low, min(int(inputs.calendar.year_start[day]), cut - self._setting.referral_sessions))
        window = inputs.marks[pupil, first : cut + 1]
        return bool(np.isin(window, CODES.numbers_with(NOT_ESTABLISHED)).any())

    # ------------------------------------------------------------ illness

    def _often_ill(self) -> list[tuple[int, int]]:
        """Pupils (row) who have been ill for so many days of a year, and the first day whose cut-off day knows it."""
        derived, calendar = self.derived, self.derived.inputs.calendar
        cut = derived.plan.ladder["cut"]
        out = []
        ends = {min(int(calendar.year_end[d]), derived.last) for d in derived.days}
        for end in sorted(ends):
            for found in sickness_return(derived.inputs, end):
                day = next((d for d in range(found.reached_on, end + 1) if cut[d] >= found.reached_on), None)
                if day is not None and day >= derived.first:
                    out.append((found.pupil, day))
        return out


def _runs(mask: npt.NDArray[np.bool_], first: int, year: npt.NDArray[np.int16]) -> Iterator[tuple[int, int]]:
    """First and last day of each run of days; a new academic year begins a new run."""
    start: int | None = None
    for i in np.flatnonzero(mask).tolist():
        day = first + i
        if start is None:
            start = last = day
        elif day == last + 1 and year[day] == year[last]:
            last = day
        else:
            yield start, last
            start = last = day
    if start is not None:
        yield start, last
