"""Notices to Improve: whose period runs on a day, and the unauthorised sessions in it so far.

Belongs here: counting in the period of a notice. Not here: that its end or breach is a task (`tasks`), and what
follows: a person decides.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from attendance_pipeline.derive.codes import Mark, marks_of
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.law.policy import ACTIONS
from attendance_pipeline.law.register_codes import CODES, UNAUTHORISED


@dataclass(frozen=True)
class NoticeToImprove:
    """A notice issued by the day asked for. `unauthorised`: the sessions in its period up to that day, oldest first."""

    pupil: int
    contact_id: str
    issued_on: dt.date
    first: dt.date
    last: dt.date
    unauthorised: tuple[Mark, ...]

    def runs_on(self, day: dt.date) -> bool:
        return self.first <= day <= self.last


def notices_to_improve(inputs: SchoolInputs, day: int) -> list[NoticeToImprove]:
    """Every notice issued by a school day, by pupil and date. Choose with `runs_on`, or by `last` those that ended."""
    log, calendar = inputs.log, inputs.calendar
    wanted = set(CODES.numbers_with(UNAUTHORISED))
    out = []
    for pupil in range(len(inputs)):
        for e in log.of(pupil):
            if ACTIONS[log.action[e]] != "notice_to_improve_issued" or log.day[e].item() > calendar.date(day):
                continue
            first, last = log.from_[e].item(), log.until[e].item()
            sessions = marks_of(inputs, pupil, calendar.on_or_after(first), min(day, calendar.on_or_before(last)))
            unauthorised = tuple(m for m in sessions if CODES.number(m.code) in wanted)
            out.append(NoticeToImprove(pupil, str(log.contact_id[e]), log.day[e].item(), first, last, unauthorised))
    return out
