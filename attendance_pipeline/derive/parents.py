"""Penalty notices of one parent for one pupil: how many, what the next would cost, and what stands in the way.

Belongs here: the facts of rules.md section 6 that are about a parent. Not here: the pupil's sessions
(`penalty_notices`), and whether to issue a notice: a person decides.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from attendance_pipeline.derive.evidence import counted_sessions
from attendance_pipeline.derive.inputs import LogTable, SchoolInputs
from attendance_pipeline.derive.penalty_notices import BLOCKS, HOLD, LOOKED_AFTER, NO_NOTICE_TO_IMPROVE
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.policy import ACTIONS, PenaltyNotices
from attendance_pipeline.law.register_codes import CODES, HOLIDAY

NOTICES_ALREADY = "two notices already"
NOT_COMPULSORY_AGE = "not of compulsory school age now"


@dataclass(frozen=True)
class Issued:
    """A penalty notice issued to a parent for a pupil, with its offence dates."""

    contact_id: str
    issued_on: dt.date
    offence_from: dt.date
    offence_until: dt.date
    withdrawn_on: dt.date | None = None


@dataclass(frozen=True)
class Tariff:
    """What the next notice costs in pounds; `early_amount` if paid within `early_days`, None where not offered."""

    amount: int
    early_amount: int | None
    early_days: int | None


@dataclass(frozen=True)
class ParentFacts:
    """`notices`: those that count on the day. `tariff` None: no further notice may be issued. `blocked_by`: words."""

    contact_id: str
    notices: tuple[Issued, ...]
    tariff: Tariff | None
    blocked_by: tuple[str, ...]


def issued_notices(log: LogTable, pupil: int, day: dt.date) -> list[Issued]:
    """Every notice issued for a pupil by a day, oldest first, with what was withdrawn by then.

    A withdrawal takes back the newest notice to its contact that still stands, with the offence dates if it names them.
    """
    out: list[Issued] = []
    for e in log.of(pupil):
        action, dated = ACTIONS[log.action[e]], log.day[e].item()
        if dated > day:
            continue
        contact = str(log.contact_id[e])
        first, last = log.from_[e].item(), log.until[e].item()
        if action == "penalty_notice_issued":
            out.append(Issued(contact, dated, first, last))
        elif action == "penalty_notice_withdrawn":
            standing = [i for i, n in enumerate(out) if n.withdrawn_on is None and contact in ("", n.contact_id)]
            named = [i for i in standing if (out[i].offence_from, out[i].offence_until) == (first, last)]
            for i in (named or standing)[-1:]:
                n = out[i]
                out[i] = Issued(n.contact_id, n.issued_on, n.offence_from, n.offence_until, dated)
    return out


def notices_that_count(
    log: LogTable, pupil: int, contact_id: str, day: dt.date, setting: PenaltyNotices
) -> list[Issued]:
    """Notices to one parent for one pupil in the years ending on the day that count towards limit and tariff."""
    begins = _years_before(day, setting.limit_years)
    return [
        n
        for n in issued_notices(log, pupil, day)
        if n.contact_id == contact_id
        and n.withdrawn_on is None
        and n.issued_on > begins
        and n.issued_on >= setting.counts_from
    ]


def tariff(number_before: int, setting: PenaltyNotices) -> Tariff | None:
    """What the next notice costs after so many that count; None where no further notice may be issued."""
    if number_before >= setting.limit:
        return None
    if number_before == 0:
        return Tariff(setting.first_amount, setting.first_amount_if_paid_early, setting.early_payment_days)
    return Tariff(setting.second_amount, None, None)


def parent_facts(derived: Derived, pupil: int, contact_id: str, day: int, rule: int | None = None) -> ParentFacts:
    """What is known of one parent of one pupil on a school day.

    `rule`: an index in `plan.rule_names`; where its counted sessions are all holiday no Notice to Improve is expected.
    """
    inputs = derived.inputs
    setting = derived.plan.policy.setting.penalty_notices
    notices = notices_that_count(inputs.log, pupil, contact_id, inputs.calendar.date(day), setting)
    next_tariff = tariff(len(notices), setting)
    blocked = list(pupil_blocks(derived, pupil, day, rule))
    if next_tariff is None:
        blocked.append(NOTICES_ALREADY)
    return ParentFacts(contact_id, tuple(notices), next_tariff, tuple(blocked))


def pupil_blocks(derived: Derived, pupil: int, day: int, rule: int | None = None) -> tuple[str, ...]:
    """What stands in the way for the pupil on a day, whatever the status of a rule, in the order of BLOCKS."""
    inputs, log = derived.inputs, derived.inputs.log
    pupils, date = inputs.pupils, inputs.calendar.date(day)
    found = 0
    if pupils.looked_after[pupil]:
        found |= LOOKED_AFTER
    if is_held(log, pupil, date):
        found |= HOLD
    only_holiday, begins = False, date
    if rule is not None:
        sessions = counted_sessions(derived, rule, pupil, day)
        only_holiday = bool(sessions) and all(_is_holiday(m.code) for m in sessions)
        window_from = int(derived.notice_rows(rule, day)[pupil]["window_from"])
        begins = inputs.calendar.date(window_from) if window_from >= 0 else date
    expected = derived.plan.policy.setting.penalty_notices.notice_to_improve_expected
    if expected and not only_holiday and not notice_to_improve_since(log, pupil, begins, date):
        found |= NO_NOTICE_TO_IMPROVE
    reasons = [word for i, word in enumerate(BLOCKS) if found >> i & 1]
    if not pupils.csa_from[pupil] <= day <= pupils.csa_to[pupil]:
        reasons.append(NOT_COMPULSORY_AGE)
    return tuple(reasons)


def is_held(log: LogTable, pupil: int, day: dt.date) -> bool:
    """Whether a hold binds: from its date (or over its dates, if Until is given) until a later release."""
    binding: list[int] = []
    for e in log.of(pupil):
        if log.day[e].item() > day:
            break
        if ACTIONS[log.action[e]] == "hold":
            binding.append(e)
        elif ACTIONS[log.action[e]] == "release":
            binding.clear()
    return any(not log.until_given[e] or log.from_[e].item() <= day <= log.until[e].item() for e in binding)


def notice_to_improve_since(log: LogTable, pupil: int, begins: dt.date, day: dt.date) -> bool:
    """Whether a Notice to Improve was issued by a day whose date or period reaches to `begins` or later."""
    return any(
        ACTIONS[log.action[e]] == "notice_to_improve_issued"
        and log.day[e].item() <= day
        and max(log.day[e].item(), log.until[e].item()) >= begins
        for e in log.of(pupil)
    )


def _is_holiday(code: str) -> bool:
    number = CODES.number(code)
    return number is not None and bool(CODES.row(number).bits & HOLIDAY)


def _years_before(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return dt.date(day.year - years, 2, 28)


def contacts_with_notices(inputs: SchoolInputs, pupil: int, day: dt.date) -> list[str]:
    """Contacts to whom any notice was issued for a pupil by a day, each once, oldest first."""
    return list(dict.fromkeys(n.contact_id for n in issued_notices(inputs.log, pupil, day)))
