"""The evidence of each occasion, worked out from a derived school: what `LetterEvidence` holds, and from where.

Belongs here: telling again, in figures, what was decided, with the sessions relied on and the file and line of each.
Does not belong here: deciding (`derive/`), how figures are shown (`evidence`), which occasions there are.

The figures of a stage or a review are those of its own day. Those of a case (a warning, a draft for the local
authority) move on from day to day until the letter is proposed, and are then those of that day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attendance_pipeline.derive.codes import Mark, marks_of
from attendance_pipeline.derive.evidence import (
    OPENINGS,
    asks_in_a_row,
    counted_sessions,
    decision_evidence,
    events_of,
    figures,
    illness_spells,
    weighs_its_n,
    window_words,
)
from attendance_pipeline.derive.ladder import ESCALATED, EVENTS, STALLED
from attendance_pipeline.derive.parents import notices_that_count, parent_facts
from attendance_pipeline.derive.penalty_notices import BLOCKS, MET, MET_PROVISIONAL, NEAR, PN_STATUSES
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.policy import ACTIONS, Ladder
from attendance_pipeline.law.register_codes import (
    ATTENDED,
    AUTHORISED,
    CODES,
    ILLNESS,
    NOT_ESTABLISHED,
    POSSIBLE,
    UNAUTHORISED,
)
from attendance_pipeline.letters.evidence import (
    CHRONOLOGY_WORDS,
    Case,
    Done,
    Event,
    LetterEvidence,
    Notice,
    Review,
    RuleStatus,
    Session,
)
from attendance_pipeline.letters.kind_rules import LETTER_SENT
from attendance_pipeline.letters.ledger_rows import LogEntry
from attendance_pipeline.letters.occasions import OPENED, Occasion

# File and line of the mark of a pupil in a session; None where no extract names it.
Source = Callable[[int, dt.date, str], tuple[str, int] | None]
# What the school knows of a pupil and the parents, for the local authority: `pupil` and `parents` of LetterEvidence.
Particulars = Callable[[int], tuple[Mapping[str, str], Sequence[Mapping[str, str]]]]

PENALTY_KINDS = frozenset({"penalty_notice_warning", "notice_to_improve"})
_N = frozenset(CODES.codes[number] for number in CODES.numbers_with(NOT_ESTABLISHED))
_ILL = frozenset(CODES.codes[number] for number in CODES.numbers_with(ILLNESS))


class EvidenceMaker:
    """Evidence of one derived school's occasions, each worked out once for each day it is asked for."""

    def __init__(
        self,
        derived: Derived,
        log: Iterable[LogEntry] = (),
        *,
        source: Source | None = None,
        particulars: Particulars | None = None,
        register: str = "",
    ) -> None:
        self.derived = derived
        self._row_of = {int(person): row for row, person in enumerate(derived.inputs.pupils.pupil_id)}
        self._source, self._particulars, self._register = source, particulars, register
        self._log: dict[int, list[LogEntry]] = {}
        for e in sorted(log, key=lambda e: (e.date, e.order)):
            self._log.setdefault(e.person_id, []).append(e)
        self._known: dict[tuple[int, str, int, str, int], dict[str, Any]] = {}

    def of(self, occasion: Occasion, contact_id: str, day: int) -> Mapping[str, Any]:
        """The evidence, as the ledger keeps it, of a letter to one contact, with the figures of a derived day.

        `day` counts only for kinds whose figures move on (`KindRules.moving`). A case has figures on days on which it
        is near or met: on another day those of its own day are given.
        """
        moves = occasion.kind in PENALTY_KINDS or occasion.kind == "referral_pack"
        if occasion.kind in PENALTY_KINDS and not rules_of(self.derived, occasion.kind, self._row(occasion), day):
            day = occasion.day
        at = day if moves else occasion.day
        key = (occasion.person_id, occasion.kind, occasion.day, contact_id if moves else "", at)
        if key not in self._known:
            made = self._make(occasion, contact_id, at)
            made = replace(
                made,
                as_at=self.derived.inputs.calendar.date(at),
                register=self._register,
                class_name=str(self.derived.inputs.pupils.class_name[self._row(occasion)]),
                sources=self._sources(occasion.person_id, made.absences),
                policy_source=made.policy_source or self._ladder_source(at),
            )
            self._known[key] = made.as_json()
        return self._known[key]

    def _row(self, occasion: Occasion) -> int:
        return self._row_of[occasion.person_id]

    def _make(self, o: Occasion, contact_id: str, day: int) -> LetterEvidence:
        pupil = self._row(o)
        if o.kind in PENALTY_KINDS:
            return self._case(o, pupil, contact_id, day)
        if o.kind == "medical_support" and o.stage == 0:
            return self._illness(o, pupil)
        event = event_of(self.derived, pupil, o)
        if event is None:
            raise ValueError(f"no event of the ladder on school day {o.day} for a letter of the kind {o.kind}")
        if o.kind == "referral_pack":
            return self._referral(o, pupil, event, day)
        if o.because == OPENED:
            made = opening_evidence(self.derived, event)
            marks = self._marks(pupil, o.day) if o.kind == "letter_3" else ()
            return replace(made, marks=marks, support=self._done(o.person_id, o.day))
        return self._review(o, pupil, event)

    # ------------------------------------------------------------ kinds

    def _review(self, o: Occasion, pupil: int, event: np.void) -> LetterEvidence:
        """A review: its period, its outcome and when the next is due."""
        calendar, found = self.derived.inputs.calendar, decision_evidence(self.derived, event)
        made = opening_evidence(self.derived, event)
        due = int(self.derived.stage_rows(o.day)[pupil]["review_due"]) if found.to_stage else -1
        first, last = found.looked_from, found.looked_to
        review = Review(
            outcome=found.event,
            on=found.date,
            first=first or found.date,
            last=last or found.date,
            attended=found.period[0],
            possible=found.period[1],
            next_on=calendar.date(due) if due >= 0 else None,
        )
        if o.kind == "medical_support":
            inside = self._sessions(pupil, calendar.on_or_after(review.first), calendar.on_or_before(review.last))
            absences = tuple(s for s in inside if self._flags(s) & AUTHORISED)
            year = self._sessions(pupil, int(calendar.year_start[o.day]), self._cut(o.day))
            made = replace(
                made,
                absences=absences,
                ill=sum(code in _ILL for _, _, code in year),
                spells=self._spells(pupil, o.day),
            )
        elif o.kind == "improved":
            made = replace(made, absences=())
        return replace(
            made,
            review=review,
            weeks=made.weeks if found.to_stage else 0,
            earlier_attended=found.checkpoint[0],
            earlier_possible=found.checkpoint[1],
            earlier_on=_checkpoint_day(self.derived, pupil, o.day),
            support=self._done(o.person_id, o.day),
            events=self._events(pupil, o.day),
        )

    def _illness(self, o: Occasion, pupil: int) -> LetterEvidence:
        """A pupil who has been ill for many days of the year: every session of illness up to the cut-off day."""
        calendar, cut = self.derived.inputs.calendar, self._cut(o.day)
        first = max(int(calendar.year_start[o.day]), int(self.derived.inputs.pupils.entry[pupil]))
        ill = tuple(s for s in self._sessions(pupil, first, cut) if s[2] in _ILL)
        made = self._window(pupil, o, first, cut)
        return replace(
            made,
            absences=ill,
            ill=len(ill),
            spells=self._spells(pupil, o.day),
            support=self._done(o.person_id, o.day),
            policy_source="SI 2024/208 reg. 13: sickness return",
        )

    def _case(self, o: Occasion, pupil: int, contact_id: str, day: int) -> LetterEvidence:
        """A penalty-notice case on one day: the rule that is nearest, and what is known of this parent."""
        derived = self.derived
        calendar, policy = derived.inputs.calendar, derived.plan.policy
        (rule, best), *others = [
            (r, rule_status(derived, r, pupil, day)) for r in rules_of(derived, o.kind, pupil, day)
        ]
        setting = policy.setting.penalty_notices
        notices = notices_that_count(derived.inputs.log, pupil, contact_id, calendar.date(day), setting)
        made = self._window(pupil, o, calendar.on_or_after(best.first), calendar.on_or_before(best.last))
        weeks = setting.notice_to_improve_school_weeks
        return replace(
            made,
            absences=tuple(_session(calendar.date(m.day), m) for m in counted_sessions(derived, rule, pupil, day)),
            policy_source=best.source,
            case=Case(
                rule=best,
                others=tuple(status for _, status in others),
                notices=tuple(Notice(n.issued_on, n.offence_from, n.offence_until) for n in notices),
                blocked_by=parent_facts(derived, pupil, contact_id, day, rule).blocked_by,
            ),
            improvement=improvement_period(derived, day, weeks) if o.kind == "notice_to_improve" else None,
            support=self._done(o.person_id, day),
            events=self._events(pupil, day),
        )

    def _referral(self, o: Occasion, pupil: int, event: np.void, day: int) -> LetterEvidence:
        """The certificate as at one day: the year's figures and marks, and everything that was done."""
        derived = self.derived
        calendar, setting = derived.inputs.calendar, derived.plan.policy.setting
        cut = self._cut(day)
        first = max(int(calendar.year_start[day]), int(derived.inputs.pupils.entry[pupil]))
        opening = opening_evidence(derived, event)
        made = self._window(pupil, o, first, cut)
        near = rules_of(derived, "referral_pack", pupil, day)
        asked = setting.letters.referral_sessions
        notice = _newest_notice_to_improve(derived, pupil, calendar.date(day))
        who, parents = self._particulars(o.person_id) if self._particulars else ({}, ())
        counting = [
            {
                **parent,
                "notices_before": str(
                    len(
                        notices_that_count(
                            derived.inputs.log, pupil, parent["contact_id"], calendar.date(day), setting.penalty_notices
                        )
                    )
                ),
            }
            for parent in parents
        ]
        statuses = [rule_status(derived, r, pupil, day) for r in near]
        return replace(
            made,
            threshold=opening.threshold,
            absences=opening.absences,
            weeks=opening.weeks,
            earlier_attended=opening.earlier_attended,
            earlier_possible=opening.earlier_possible,
            earlier_on=opening.earlier_on,
            event=opening.event,
            policy_source=opening.policy_source,
            case=Case(rule=statuses[0], others=tuple(statuses[1:])) if statuses else None,
            improvement=notice,
            support=self._done(o.person_id, day),
            events=self._events(pupil, day),
            marks=self._marks(pupil, day),
            before=self._before(pupil, first, cut, asked),
            recent=asked,
            stage_opened_on=calendar.date(o.day),
            pupil=dict(who),
            parents=tuple({k: v for k, v in parent.items() if k != "contact_id"} for parent in counting),
        )

    # ------------------------------------------------------------ parts

    def _window(self, pupil: int, o: Occasion, first: int, last: int) -> LetterEvidence:
        """Bare figures of sessions on days first to last."""
        derived = self.derived
        calendar, policy = derived.inputs.calendar, derived.plan.policy
        low = max(first, int(derived.inputs.pupils.entry[pupil]))
        flags = [self._flags(s) for s in self._sessions(pupil, low, last)]
        return LetterEvidence(
            attended=sum(bool(f & ATTENDED) for f in flags),
            possible=sum(bool(f & POSSIBLE) for f in flags),
            unauthorised=sum(bool(f & UNAUTHORISED) for f in flags),
            first_day=calendar.date(max(low, 0)),
            last_day=calendar.date(max(last, 0)),
            event=o.because,
            policy=policy.name,
            policy_version=policy.version,
        )

    def _cut(self, day: int) -> int:
        return int(self.derived.plan.ladder["cut"][day])

    def _sessions(self, pupil: int, first: int, last: int) -> tuple[Session, ...]:
        """The marked sessions of days first to last on roll."""
        inputs = self.derived.inputs
        low = max(first, int(inputs.pupils.entry[pupil]), 0)
        high = min(last, int(inputs.pupils.leave[pupil]))
        return tuple(_session(inputs.calendar.date(m.day), m) for m in marks_of(inputs, pupil, low, high))

    def _flags(self, session: Session) -> int:
        plan, calendar = self.derived.plan, self.derived.inputs.calendar
        day = calendar.on_or_before(session[0])
        return int(plan.flags[plan.era[day], CODES.number(session[2]) or 0])

    def _marks(self, pupil: int, day: int) -> tuple[Session, ...]:
        """Every session of the year so far on roll, also those without a mark."""
        inputs = self.derived.inputs
        first = max(int(inputs.calendar.year_start[day]), int(inputs.pupils.entry[pupil]))
        last = min(self._cut(day), int(inputs.pupils.leave[pupil]))
        return self._every(pupil, first, last)

    def _every(self, pupil: int, first: int, last: int) -> tuple[Session, ...]:
        inputs = self.derived.inputs
        codes = {(date, half): code for date, half, code in self._sessions(pupil, first, last)}
        days = [inputs.calendar.date(d) for d in range(first, last + 1)]
        return tuple((date, half, codes.get((date, half), "")) for date in days for half in ("AM", "PM"))

    def _before(self, pupil: int, first: int, cut: int, asked: int) -> tuple[Session, ...]:
        """The sessions of earlier years that the last `asked` possible ones reach back to."""
        here = sum(bool(self._flags(s) & POSSIBLE) for s in self._sessions(pupil, first, cut))
        entry = max(int(self.derived.inputs.pupils.entry[pupil]), 0)
        low = first
        while here < asked and low > entry:
            low -= 1
            here += sum(bool(self._flags(s) & POSSIBLE) for s in self._sessions(pupil, low, low))
        return self._every(pupil, low, first - 1)

    def _spells(self, pupil: int, day: int) -> int:
        derived = self.derived
        start = int(derived.inputs.calendar.year_start[day])
        return illness_spells(derived.inputs, derived.plan, pupil, start, self._cut(day))

    def _done(self, person_id: int, day: int) -> tuple[Done, ...]:
        """What was done by a school day, of what can be told of a family."""
        date = self.derived.inputs.calendar.date(day)
        return tuple(
            Done(e.date, e.action, e.stage or 0, e.letter, e.agency, e.outcome, e.by)
            for e in self._log.get(person_id, ())
            if e.date <= date and (e.action in CHRONOLOGY_WORDS or e.action == LETTER_SENT)
        )

    def _events(self, pupil: int, day: int) -> tuple[Event, ...]:
        calendar = self.derived.inputs.calendar
        return tuple(
            Event(
                calendar.date(int(e["day"])),
                EVENTS[e["event"]],
                int(e["from_stage"]),
                int(e["to_stage"]),
                int(e["attended"]),
                int(e["possible"]),
            )
            for e in events_of(self.derived, pupil)
            if e["day"] <= day
        )

    def _sources(self, person_id: int, sessions: Iterable[Session]) -> tuple[tuple[dt.date, str, str, int], ...]:
        if self._source is None:
            return ()
        found = ((date, half, self._source(person_id, date, half)) for date, half, _ in sessions)
        return tuple((date, half, *where) for date, half, where in found if where is not None)

    def _ladder_source(self, day: int) -> str:
        ladder = self.derived.plan.versions[int(self.derived.plan.version[day])]
        return ladder.source if ladder is not None else ""


def opening_evidence(derived: Derived, event: np.void) -> LetterEvidence:
    """The figures of an event of the ladder as a letter prints them."""
    calendar, pupil, day = derived.inputs.calendar, int(event["pupil"]), int(event["day"])
    found = decision_evidence(derived, event)
    today = derived.plan.ladder[day]
    counted = figures(derived.counts, pupil, int(today["start"]), int(today["cut"]))
    ladder = derived.plan.versions[int(derived.plan.version[day])]
    rose = event["event"] in (ESCALATED, STALLED)
    return LetterEvidence(
        attended=found.figure[0],
        possible=found.figure[1],
        unauthorised=counted["unauthorised"],
        first_day=max(found.measured_from, calendar.date(int(derived.inputs.pupils.entry[pupil]))),
        last_day=found.measured_to or found.measured_from,
        threshold=found.threshold if found.threshold >= 0 else None,
        absences=tuple((a.date, a.session, a.code) for a in found.relied_on),
        weeks=_weeks(ladder, found.to_stage),
        earlier_attended=found.checkpoint[0] if rose else 0,
        earlier_possible=found.checkpoint[1] if rose else 0,
        earlier_on=_checkpoint_day(derived, pupil, day) if rose else None,
        event=found.event,
        measure=found.measure or "year_to_date",
        policy=found.policy,
        policy_version=found.policy_version,
        policy_source=found.ladder_source,
    )


def event_of(derived: Derived, pupil: int, o: Occasion) -> np.void | None:
    """The event of the ladder that an occasion rests on; None when there is none."""
    of_day = [e for e in events_of(derived, pupil) if e["day"] == o.day]
    if o.because == OPENED:
        found = [e for e in of_day if e["event"] in OPENINGS and e["to_stage"] == o.stage]
    else:
        found = [e for e in of_day if EVENTS[e["event"]] == o.because and e["from_stage"] == o.stage]
    return found[-1] if found else None


def rules_of(derived: Derived, kind: str, pupil: int, day: int) -> list[int]:
    """The rules that a letter about a case speaks of on a derived day, the one to name first at the front.

    A Notice to Improve speaks of rules that are met and for which none was issued; the others of those near or met.
    """
    if day not in derived.days:
        return []
    setting = derived.plan.policy.setting.letters
    out = []
    for r, rule in enumerate(derived.plan.policy.rules):
        row = derived.notice_rows(r, day)[pupil]
        if not rule.penalty_notice:
            continue
        if not derived.plan.notices.in_force[r, day] or not derived.inputs.pupils.on_roll(day)[pupil]:
            continue
        if kind == "notice_to_improve":
            asks = row["status"] >= MET_PROVISIONAL and wants_notice_to_improve(int(row["blocked"]))
        else:
            near = kind != "penalty_notice_warning" or setting.warning_at == "near"
            asks = row["status"] >= (NEAR if near else MET_PROVISIONAL)
        if asks:
            _, _, asked = window_words(derived, r, pupil, day)
            out.append((-int(row["status"]), asked - int(row["counted"]), not rule.statutory, r))
    return [r for *_, r in sorted(out)]


def wants_notice_to_improve(blocked: int) -> bool:
    """Whether a Notice to Improve is expected and there is none, from the bits of a penalty-notice row."""
    return bool(blocked >> BLOCKS.index("no Notice to Improve") & 1)


def rule_status(derived: Derived, r: int, pupil: int, day: int) -> RuleStatus:
    """How a pupil stands to a rule (index in `plan.rule_names`) on a derived day on which it is in force."""
    calendar, rule = derived.inputs.calendar, derived.plan.policy.rules[r]
    row = derived.notice_rows(r, day)[pupil]
    window, length, asked = window_words(derived, r, pupil, day)
    counted = counted_sessions(derived, r, pupil, day)
    cut, drops = int(derived.plan.notices.cut[day]), int(row["drops_out_on"])
    first = int(row["window_from"])
    in_a_row = asks_in_a_row(derived, r, pupil, day)
    return RuleStatus(
        rule=rule.name,
        status=PN_STATUSES[row["status"]],
        statutory=rule.statutory,
        asked=asked,
        window=window,
        length=length,
        first=calendar.date(max(first, 0)),
        last=calendar.date(max(cut, 0)),
        counted=int(row["counted"]),
        solid=_solid_as_weighed(counted, asked, int(row["status"]))
        if weighs_its_n(derived, r, pupil, day)
        else _solid(counted, window),
        in_a_row=in_a_row,
        needed=max(0, asked - int(row["counted"])),
        drops_out_on=calendar.date(drops) if drops >= 0 else None,
        blocked_by=tuple(word for i, word in enumerate(BLOCKS) if int(row["blocked"]) >> i & 1),
        source=rule.source,
    )


def _solid(counted: Sequence[Mark], window: str) -> int:
    """The counted sessions without N; of a run, those after its last N."""
    if window == "consecutive_sessions":
        after = next((i for i, m in enumerate(reversed(counted)) if m.code in _N), len(counted))
        return after
    return sum(m.code not in _N for m in counted)


def _solid_as_weighed(counted: Sequence[Mark], asked: int, status: int) -> int:
    """The same of a run within a window, or of sessions in different weeks: the rule has weighed its N."""
    if status == MET:
        return max(asked, sum(m.code not in _N for m in counted))
    if status == MET_PROVISIONAL:
        return 0  # a run that an N breaks is none, nor is a week of N a broken one
    return _solid(counted, "consecutive_sessions")


def improvement_period(derived: Derived, day: int, weeks: int) -> tuple[dt.date, dt.date, int]:
    """First and last school day of a Notice to Improve that is given out on a day, and its school weeks: it begins with
    the school week after that day's. A calendar that ends first ends it."""
    calendar = derived.inputs.calendar
    begins = int(calendar.week[day]) + 1
    last = len(calendar) - 1
    if begins >= calendar.n_weeks:
        return calendar.date(last), calendar.date(last), weeks
    ends = begins + weeks
    stop = int(calendar.week_first[ends]) - 1 if ends < calendar.n_weeks else last
    return calendar.date(int(calendar.week_first[begins])), calendar.date(stop), weeks


def _newest_notice_to_improve(derived: Derived, pupil: int, day: dt.date) -> tuple[dt.date, dt.date, int] | None:
    """The dates of the newest Notice to Improve that was issued by a day; its length in weeks is not known."""
    log = derived.inputs.log
    issued = [
        (log.from_[e].item(), log.until[e].item(), 0)
        for e in log.of(pupil)
        if ACTIONS[log.action[e]] == "notice_to_improve_issued" and log.day[e].item() <= day
    ]
    return issued[-1] if issued else None


def _session(date: dt.date, mark: Mark) -> Session:
    return date, mark.session, mark.code


def _weeks(ladder: Ladder | None, stage: int) -> int:
    """The school weeks that a stage is monitored; 0 where it is until the end of a half-term or term."""
    if ladder is None or stage == 0:
        return 0
    unit, many = ladder.stages.in_order[stage - 1].clock
    return many if unit == "school_weeks" else 0


def _checkpoint_day(derived: Derived, pupil: int, day: int) -> dt.date | None:
    """The day of the checkpoint that a review on `day` compared with; None when it lies before what is derived."""
    at = day - derived.first - 1
    if at < 0:
        return None
    rows = derived.stages[pupil]
    same = ("stage", "status", "reviews", "checkpoint_attended", "checkpoint_possible")
    while at > 0 and all(rows[at - 1][name] == rows[at][name] for name in same):
        at -= 1
    return derived.inputs.calendar.date(derived.first + at)
