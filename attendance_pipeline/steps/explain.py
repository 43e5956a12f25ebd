"""Explain: why one pupil is where they are, read from the warehouse for a person who asked.

Belongs here: which days are read, and putting facts, sources, letters and log side by side. Not here: any rule
(`derive/`), any word (`reports/`). Writes nothing. What is given names a pupil: it is for the terminal and no log.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from attendance_pipeline.derive.codes import Mark, marks_of
from attendance_pipeline.derive.evidence import counted_sessions, decision_evidence, explain_pupil, unaccepted
from attendance_pipeline.derive.outlook import Outlook, outlook
from attendance_pipeline.derive.parents import issued_notices
from attendance_pipeline.derive.plan import Plan, compile_plan
from attendance_pipeline.derive.standing import Standing, standings
from attendance_pipeline.derive.tables import windows_of
from attendance_pipeline.derive.window_weeks import not_counted, window_weeks
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.home import School
from attendance_pipeline.law.policy import ACTIONS, MEASURES
from attendance_pipeline.law.register_codes import AUTHORISED, NOT_ESTABLISHED, UNAUTHORISED
from attendance_pipeline.register.identity import links_of
from attendance_pipeline.reports.explained import (
    Case,
    Decision,
    Explanation,
    IssuedNotice,
    LetterLine,
    LogLine,
    Measure,
    Session,
    ladder_clauses,
)
from attendance_pipeline.reports.why import Sent, why
from attendance_pipeline.steps.find_pupil import FoundPupil
from attendance_pipeline.steps.inputs import OnePupil, one_pupil
from attendance_pipeline.steps.marked_days import last_marked_day
from attendance_pipeline.steps.restate import done_days
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import ledger
from attendance_pipeline.store.extracts import statement_days

SENT = "sent"
_ONLY = 0  # the row of the pupil


class Unexplained(ValueError):
    """There is nothing to say of that pupil on that day; the message says why, and names nobody."""


def explain(site: Site, found: FoundPupil, date: dt.date | None = None, as_at: dt.date | None = None) -> Explanation:
    """Everything about a pupil at the end of a school day (default: the newest that is done).

    Of a date without school the last school day before it is meant. Raises Unexplained where there is no such day, or
    where the pupil was not known by then.
    """
    school = found.school
    day = _day(site, school, date, as_at)
    plan = compile_plan(school.calendar, school.policy, school.go_live)
    read = one_pupil(site, school, found.person_id, _first_read(plan, day), day, as_at)
    if read is None:
        raise Unexplained(f"{school.id}: no pupils extract recorded by {as_at} names the pupil")
    derived = explain_pupil(read.inputs, _ONLY, day)
    at = standings(derived, day, [_ONLY])[_ONLY]
    letters = _letters(site, school, found.person_id, at.date if date or as_at else None, as_at)
    ahead = outlook(derived, at, day)
    begins = school.calendar.date(int(school.calendar.year_start[day]))
    sent = [
        Sent(x.kind, x.sent_on, x.stage)
        for x in letters
        if x.state == SENT and x.sent_on is not None and begins <= x.sent_on
    ]
    record = read.record
    path = school.policy.path
    return Explanation(
        school=school.id,
        school_name=school.name,
        upn=str(record["upn"]),
        name=f"{record['preferred_forename'] or record['forename']} {record['surname']}".strip(),
        class_name=str(record["class"]),
        year_group=str(record["year_group"]),
        as_at=as_at,
        register=_register(read),
        at=at,
        sentences=tuple(why(at, sent)),
        measures=_measures(derived, day) if at.on_roll else (),
        policy_file="" if path is None else _below(site, path.as_posix()),
        clauses=tuple(ladder_clauses(plan.versions[int(plan.version[day])], at)),
        absences=_absences(read, derived, at, day),
        decisions=_decisions(read, derived, day),
        cases=_cases(read, derived, at, day, ahead) if at.on_roll else (),
        notices=tuple(
            IssuedNotice(n.contact_id, n.issued_on, n.offence_from, n.offence_until, n.withdrawn_on)
            for n in issued_notices(read.inputs.log, _ONLY, at.date)
        ),
        letters=tuple(letters),
        log=_log(read, at.date),
        outlook=ahead,
    )


def _day(site: Site, school: School, date: dt.date | None, as_at: dt.date | None) -> int:
    """The number of the school day that is meant."""
    calendar = school.calendar
    if date is not None:
        day = calendar.on_or_before(date)
        if day < 0 or date > calendar.date(len(calendar) - 1):
            span = f"{calendar.date(0)} to {calendar.date(len(calendar) - 1)}"
            raise Unexplained(f"--date {date}: the calendar of {school.id} has school days from {span}")
        # Of days that have not come yet nothing is known: the newest with marks is meant.
        return min(day, _newest(site, school, as_at, done=False))
    return _newest(site, school, as_at, done=True)


def _newest(site: Site, school: School, as_at: dt.date | None, *, done: bool) -> int:
    """The newest school day with marks, as at a time; with `done` the newest of them that is done, if one is."""
    calendar = school.calendar
    if as_at is None:
        with site.warehouse.read() as conn:
            # As `restate.newest_done`, without reading the marks of the whole school.
            said = [d for d in statement_days(conn, school.id) if calendar.index(d) is not None]
        days = [d for d in done_days(site, school) if d <= max(said, default=dt.date.min)] if done else said
        if days:
            return calendar.on_or_before(max(days))
    newest = last_marked_day(site, school, as_at)
    if newest is None:
        known = "" if as_at is None else f" that was recorded by {as_at}"
        raise Unexplained(f"{school.id}: no register is loaded{known}")
    return newest if as_at is None else min(newest, max(calendar.on_or_before(as_at), 0))


def _first_read(plan: Plan, day: int) -> int:
    """The first day whose marks anything said of `day` rests on: the ladder's replay, and every window of the rules
    from its beginning on. Windows of the pupil's own sessions may begin anywhere."""
    first = plan.replay_start(day)
    notices = plan.notices
    if notices.rules["own_sessions"].any():
        return 0
    if len(notices.alternatives):
        first = min(first, int(notices.windows["start"][:, first : day + 1].min()))
    return max(first, 0)


def _register(read: OnePupil) -> str:
    newest = max((e.key.recorded_on for e in read.sources.extracts), default=None)
    return "no register extract" if newest is None else f"register extracts recorded up to {newest:%d/%m/%Y}"


def _below(site: Site, path: str) -> str:
    return path.removeprefix(f"{site.home.path.as_posix()}/")


def _measures(derived: Derived, day: int) -> tuple[Measure, ...]:
    return tuple(
        Measure(
            name,
            int(w.possible[_ONLY]),
            int(w.attended[_ONLY]),
            int(w.authorised[_ONLY]),
            int(w.unauthorised[_ONLY]),
            int(w.late_before_close[_ONLY]),
            int(w.late_after_close[_ONLY]),
        )
        for name, w in zip(MEASURES, windows_of(derived, day), strict=True)
    )


# ---------------------------------------------------------------- sessions and their sources


def _session(read: OnePupil, derived: Derived, mark: Mark, reason: str = "") -> Session:
    flags = int(derived.plan.flags[derived.plan.era[mark.day], read.inputs.marks[_ONLY, mark.day, mark.half]])
    if flags & NOT_ESTABLISHED:
        counts_as = "no reason yet, counts as unauthorised"
    elif flags & UNAUTHORISED:
        counts_as = "unauthorised"
    else:
        counts_as = "authorised" if flags & AUTHORISED else "not an absence"
    source = read.source(mark.day, mark.half)
    date = read.inputs.calendar.date(mark.day)
    file, line = source if source is not None else ("", 0)
    return Session(date, mark.session, mark.code, counts_as, reason, file, line or None)


def _absences(read: OnePupil, derived: Derived, at: Standing, day: int) -> tuple[Session, ...]:
    today, plan = derived.plan.ladder[day], derived.plan
    marks = marks_of(derived.inputs, _ONLY, int(today["start"]), int(today["cut"]))
    missed = [
        m
        for m in marks
        if int(plan.flags[plan.era[m.day], derived.inputs.marks[_ONLY, m.day, m.half]]) & (AUTHORISED | UNAUTHORISED)
    ]
    return tuple(_session(read, derived, m) for m in missed)


def _decisions(read: OnePupil, derived: Derived, day: int) -> tuple[Decision, ...]:
    """The events of the academic year up to the day, or since the ladder last began afresh."""
    begins = derived.plan.replay_start(day)
    out = []
    for event in derived.events[(derived.events["day"] >= begins) & (derived.events["day"] <= day)]:
        on, looked_from = int(event["day"]), int(event["looked_from"])
        relied = unaccepted(derived.inputs, derived.plan, _ONLY, on, looked_from)
        sessions = tuple(_session(read, derived, mark, reason) for mark, reason in relied)
        out.append(Decision(decision_evidence(derived, event), sessions))
    return tuple(out)


def _cases(read: OnePupil, derived: Derived, at: Standing, day: int, ahead: Outlook | None) -> tuple[Case, ...]:
    out = []
    in_force = np.flatnonzero(derived.plan.notices.in_force[:, day]).tolist()
    for place, (r, rule) in enumerate(zip(in_force, at.notices, strict=True)):
        out.append(
            Case(
                at=rule,
                rule=derived.plan.policy.rules[r],
                weeks=tuple(window_weeks(derived, r, _ONLY, day)),
                counted=tuple(_session(read, derived, m) for m in counted_sessions(derived, r, _ONLY, day)),
                not_counted=tuple(
                    _session(read, derived, m, reason) for m, reason in not_counted(derived, r, _ONLY, day)
                ),
                outlook=None if ahead is None else ahead.rules[place],
            )
        )
    return tuple(out)


# ---------------------------------------------------------------- letters and log


def _letters(
    site: Site, school: School, person_id: int, date: dt.date | None, as_at: dt.date | None
) -> list[LetterLine]:
    """The letters about a pupil, the oldest first; as they stood by the end of `date`, where one was asked for."""
    upto = min((d for d in (date, as_at) if d is not None), default=None)
    with site.warehouse.read() as conn:
        names = {person for person, pupil in links_of(conn, school.id).same.items() if pupil == person_id}
        rows = ledger.read_letters(conn, school.id, persons=[person_id, *names])
        events = ledger.read_events(conn, [r["reference"] for r in rows])
    out = []
    for r in rows:
        if upto is not None and r["proposed_on"] > upto:
            continue
        known = [e for e in events if e["reference"] == r["reference"] and _by(e, upto, as_at)]
        last = known[-1] if known and upto is not None else None
        sent = [e["day"] for e in known if e["to_state"] == SENT]
        out.append(
            LetterLine(
                reference=r["reference"],
                kind=r["kind"],
                stage=r["stage"],
                contact_id=r["contact_id"],
                state=r["state"] if last is None else last["to_state"],
                reason=r["reason"] if last is None else last["reason"],
                proposed_on=r["proposed_on"],
                sent_on=sent[-1] if sent else None,
            )
        )
    return out


def _by(event: Mapping[str, Any], upto: dt.date | None, as_at: dt.date | None) -> bool:
    """Whether something had happened to a letter by a day and, of an evening, was known by then: that a letter went is
    told later, and dated back."""
    if as_at is not None and (event["known_on"] or event["at"].date()) > as_at:
        return False
    return upto is None or event["day"] is None or bool(event["day"] <= upto)


def _log(read: OnePupil, date: dt.date) -> tuple[LogLine, ...]:
    log = read.inputs.log
    entries: Iterable[int] = log.of(_ONLY)
    return tuple(
        LogLine(
            date=log.day[e].item(),
            action=ACTIONS[log.action[e]],
            stage=None if log.stage[e] < 0 else int(log.stage[e]),
            first=log.from_[e].item(),
            last=log.until[e].item(),
            contact_id=str(log.contact_id[e]),
        )
        for e in entries
        if log.day[e].item() <= date
    )
