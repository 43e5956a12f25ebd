"""What the decision behind a letter relies on, as the ledger keeps it and as a letter prints it.

Belongs here: the shape of a letter's evidence, its JSON, and figures as people read them. Does not belong here: how a
figure is come by (`derive/`, `figures`), who gets the letter, the words around the figures.

Decisions compare exact counts. Rounding happens here, for readers, and never so that a figure below the threshold looks
as if it had reached it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from attendance_pipeline.law.policy import PERCENT_SCALE, PenaltyNotices
from attendance_pipeline.letters.field_values import mark_rows, notice_cost_fields, recent_fields
from attendance_pipeline.letters.ledger_rows import LogEntry
from attendance_pipeline.letters.letter import FieldValue, Row, absence_rows

# What a family reads of what was done; entries of the log that are not of their business have no words.
CONTACT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "phone_call": "Telephone call",
        "meeting_held": "Meeting at school",
        "home_visit": "Home visit",
        "target_agreed": "Targets agreed",
        "plan_agreed": "Plan agreed",
        "plan_reviewed": "Plan looked at again",
        "follow_up_done": "Follow-up talk",
    }
)
LETTER_SENT = "Letter {stage} given or sent"
KINDS_SENT: Mapping[str, str] = MappingProxyType(
    {
        "meeting_invitation": "Invitation to a meeting sent",
        "improved": "Letter about the improvement sent",
        "continuing": "Letter after the review sent",
        "medical_support": "Letter about support with illness sent",
        "penalty_notice_warning": "Penalty notice warning sent",
        "notice_to_improve": "Notice to Improve sent",
        "referral_pack": "Referral sent to the local authority",
    }
)
# What the local authority reads besides: everything that was done, and what staff were told or decided of absences.
CHRONOLOGY_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **CONTACT_WORDS,
        "meeting_arranged": "Meeting arranged",
        "agency_contacted": "Agency asked",
        "support_refused": "Support offered, and not taken up",
        "intervention_changed": "Intervention changed",
        "reason_questioned": "Reason for absence questioned",
        "evidence_accepted": "Evidence for absence accepted",
        "referral_made": "Referral to the local authority",
        "notice_to_improve_issued": "Notice to Improve issued",
        "penalty_notice_issued": "Penalty notice issued",
        "penalty_notice_withdrawn": "Penalty notice withdrawn",
        "penalty_notice_paid": "Penalty notice paid",
        "not_pursued": "Considered, and not pursued",
    }
)
EVENT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "opened": "Stage {to} opened",
        "escalated": "Reviewed at stage {from_}: attendance had dropped; stage {to} opened",
        "stalled": "Reviewed at stage {from_}: no real improvement; stage {to} opened",
        "set": "Stage {to} set by the school",
        "recovered": "Stage {from_}: attendance had recovered",
        "dropped": "Reviewed at stage {from_}: attendance had dropped",
        "dropped_accepted_reasons": "Reviewed at stage {from_}: attendance had dropped, for accepted reasons",
        "not_dropped": "Reviewed at stage {from_}: attendance had not dropped",
        "no_sessions": "Reviewed at stage {from_}: no session to count",
        "closed": "Closed by the school",
    }
)
UPDATED = "register"  # the key that says how new the register was; on its own it changes no evidence

Session = tuple[dt.date, str, str]  # day, AM or PM, code


@dataclass(frozen=True)
class Review:
    """What a review found, over sessions from `first` to `last` inclusive. `next_on` None: there is no next one."""

    outcome: str
    on: dt.date
    first: dt.date
    last: dt.date
    attended: int
    possible: int
    next_on: dt.date | None = None


@dataclass(frozen=True)
class RuleStatus:
    """One penalty-notice rule of the policy and how the pupil stood to it. `asked`: sessions it needs, in a window of
    `length` of the kind `window`, which was `first` to `last`. `counted` holds N too, `solid` does not.
    `in_a_row`: the window must hold a run of so many."""

    rule: str
    status: str
    statutory: bool
    asked: int
    window: str
    length: int
    first: dt.date
    last: dt.date
    counted: int
    solid: int
    needed: int
    drops_out_on: dt.date | None = None
    blocked_by: tuple[str, ...] = ()
    source: str = ""
    in_a_row: bool = False


@dataclass(frozen=True)
class Notice:
    """A penalty notice to one parent for the pupil that counts, with its offence dates."""

    issued_on: dt.date
    first: dt.date
    last: dt.date


@dataclass(frozen=True)
class Case:
    """A penalty-notice case: the rule a letter speaks of, all rules that are near or met, and what is known of the
    parent it is for (none: of no one parent)."""

    rule: RuleStatus
    others: tuple[RuleStatus, ...] = ()
    notices: tuple[Notice, ...] | None = None
    blocked_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """An entry of the intervention log that says what was done."""

    date: dt.date
    action: str
    stage: int = 0
    letter: str = ""
    agency: str = ""
    outcome: str = ""
    by: str = ""


@dataclass(frozen=True)
class Event:
    """An event of the ladder, with the figure it saw."""

    date: dt.date
    event: str
    from_stage: int
    to_stage: int
    attended: int
    possible: int


@dataclass(frozen=True)
class LetterEvidence:
    """The figures of an occasion, over sessions from `first_day` to `last_day` inclusive (the cut-off day).

    `threshold`: thousandths of a percent; None: no ladder was in force. `absences`: the missed sessions the decision
    relies on, as (day, AM or PM, code); `sources`: the extract's file and line of each. `earlier_*`: the figures of the
    stage before, on `earlier_on`; possible 0: there is none. `weeks`: school weeks of monitoring from here; 0: not
    said. `as_at`: the school day on which these were the figures; `register`: how new the register was when they were
    worked out. What only some kinds have is None or empty for the others: `ill` sessions of illness and `spells`, the
    `improvement` period of a Notice to Improve, `marks` of the year (every session on roll), those of `before` and the
    `recent` number of sessions asked for, `pupil` and `parents` as the school knows them. `class_name`: of the pupil.
    """

    attended: int
    possible: int
    unauthorised: int
    first_day: dt.date
    last_day: dt.date
    threshold: int | None = None
    absences: tuple[Session, ...] = ()
    weeks: int = 0
    earlier_attended: int = 0
    earlier_possible: int = 0
    earlier_on: dt.date | None = None
    event: str = ""
    measure: str = "year_to_date"
    policy: str = ""
    policy_version: str = ""
    as_at: dt.date | None = None
    register: str = ""
    sources: tuple[tuple[dt.date, str, str, int], ...] = ()
    policy_source: str = ""
    review: Review | None = None
    case: Case | None = None
    ill: int | None = None
    spells: int = 0
    improvement: tuple[dt.date, dt.date, int] | None = None
    support: tuple[Done, ...] = ()
    events: tuple[Event, ...] = ()
    marks: tuple[Session, ...] = ()
    before: tuple[Session, ...] = ()
    recent: int = 0
    stage_opened_on: dt.date | None = None
    pupil: Mapping[str, str] | None = None
    parents: tuple[Mapping[str, str], ...] = ()
    class_name: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it: dates ISO, sequences lists, so that what is read back is equal; no empty thing."""
        found: dict[str, Any] = _adapter().dump_python(self, mode="json", exclude_defaults=True)
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LetterEvidence:
        """From what the ledger keeps. A key not known here is left out; ValueError when a figure is missing."""
        return _adapter().validate_python(dict(data))

    def fields(self, log: Iterable[LogEntry] = (), setting: PenaltyNotices | None = None) -> dict[str, FieldValue]:
        """The fields that come from the figures and from what was done so far (`log`: entries up to the letter's date),
        for all kinds of letter that have such figures; `field_values.given` picks those of one kind.

        `setting`: what a penalty notice costs; without it a case has no costs.
        """
        values: dict[str, FieldValue] = {
            "attendance_percent": percent(self.attended, self.possible, self.threshold),
            "threshold_percent": threshold_percent(self.threshold)
            if self.threshold is not None
            else "the school’s aim",
            "sessions_possible": str(self.possible),
            "sessions_attended": str(self.attended),
            "sessions_missed": str(self.possible - self.attended),
            "sessions_unauthorised": str(self.unauthorised),
            "period_start": self.first_day,
            "period_end": self.last_day,
            "absences": absence_rows(self.absences),
            "contacts": contact_rows(log),
        }
        if self.weeks:
            values["monitoring_weeks"] = str(self.weeks)
        if self.earlier_possible and self.earlier_on is not None:
            values["earlier_percent"] = percent(self.earlier_attended, self.earlier_possible, None)
            values["earlier_date"] = self.earlier_on
        if self.review is not None:
            values |= _review_fields(self.review, self.threshold)
        if self.ill is not None:
            values["sessions_ill"] = str(self.ill)
            if self.spells:
                values["illness_spells"] = str(self.spells)
        if self.case is not None:
            values |= _case_fields(self.case, setting)
        if self.improvement is not None:
            first, last, weeks = self.improvement
            values |= {"improvement_from": first, "improvement_until": last}
            if weeks:
                values["improvement_weeks"] = str(weeks)
        if self.marks:
            values["marks"] = mark_rows(self.marks)
        if self.recent:
            values |= recent_fields(mark_rows((*self.before, *self.marks)), self.recent)
        if self.pupil is not None:
            values |= self._referral_fields()
        return values

    def _referral_fields(self) -> dict[str, FieldValue]:
        values: dict[str, FieldValue] = {
            "marks_as_at": self.as_at or self.last_day,
            "parents": tuple(self.parents),
            "chronology": chronology_rows(self.support, self.events),
            "agencies": tuple(
                {"date": d.date, "what": d.agency} for d in self.support if d.action == "agency_contacted" and d.agency
            ),
        }
        if self.stage_opened_on is not None:
            values["stage_opened_on"] = self.stage_opened_on
        for name, text in (self.pupil or {}).items():
            values[name] = dt.date.fromisoformat(text) if name in ("date_of_birth", "entry_date") and text else text
        return values


@cache
def _adapter() -> TypeAdapter[LetterEvidence]:
    return TypeAdapter(LetterEvidence)


def same_evidence(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two evidences say the same, however new the register was when each was worked out."""
    return {k: v for k, v in one.items() if k != UPDATED} == {k: v for k, v in other.items() if k != UPDATED}


def _review_fields(review: Review, threshold: int | None) -> dict[str, FieldValue]:
    values: dict[str, FieldValue] = {
        "review_outcome": review.outcome,
        "review_date": review.on,
        "review_from": review.first,
        "review_until": review.last,
        "review_percent": percent(review.attended, review.possible, threshold),
        "review_possible": str(review.possible),
        "review_attended": str(review.attended),
        "review_missed": str(review.possible - review.attended),
    }
    if review.next_on is not None:
        values["next_review_date"] = review.next_on
    return values


def _case_fields(case: Case, setting: PenaltyNotices | None) -> dict[str, FieldValue]:
    rule = case.rule
    values: dict[str, FieldValue] = {
        "notice_rule": rule.rule,
        "rule_sessions": str(rule.asked),
        "rule_window": f"consecutive_sessions {rule.asked}" if rule.in_a_row else f"{rule.window} {rule.length}",
        "window_from": rule.first,
        "window_to": rule.last,
        "counted": str(rule.counted),
        "needed": str(rule.needed),
    }
    if setting is not None and case.notices is not None:
        values |= notice_cost_fields(setting, len(case.notices))
    return values


def percent(attended: int, possible: int, threshold: int | None) -> str:
    """Attendance to one decimal, such as 82.8%. What is below the threshold is never rounded up to it."""
    if possible == 0:
        return "not known yet"
    exact = Decimal(attended) * 100 / Decimal(possible)
    shown = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
    if threshold is not None and attended * 100 * PERCENT_SCALE < threshold * possible:
        if shown * PERCENT_SCALE >= threshold:
            shown = exact.quantize(Decimal("0.1"), ROUND_FLOOR)
    elif shown == 100 and attended < possible:
        shown = exact.quantize(Decimal("0.1"), ROUND_FLOOR)
    return f"{shown}%"


def threshold_percent(threshold: int) -> str:
    """A threshold as it is spoken of: 85%, 92.5%."""
    return f"{(Decimal(threshold) / PERCENT_SCALE).normalize():f}%"


def contact_rows(log: Iterable[LogEntry]) -> tuple[Row, ...]:
    """The rows of a letter's field `contacts`: what was done with the family, by date, each thing of a day once."""
    found: dict[tuple[dt.date, str], Row] = {}
    for e in sorted(log, key=lambda e: (e.date, e.order)):
        what = CONTACT_WORDS.get(e.action, "") or _sent(e.action, e.stage or 0, e.letter)
        if what and e.letter != "referral_pack":
            found[e.date, what] = {"date": e.date, "what": what}
    return tuple(found.values())


def chronology_rows(done: Iterable[Done], events: Iterable[Event]) -> tuple[Row, ...]:
    """The rows of a referral's field `chronology`: what was done and what the ladder said, by date."""
    rows: list[tuple[dt.date, Row]] = []
    for e in events:
        words = EVENT_WORDS.get(e.event, "")
        if words:
            what = words.format(from_=e.from_stage, to=e.to_stage)
            outcome = f"Attendance {percent(e.attended, e.possible, None)}" if e.possible else ""
            rows.append((e.date, {"date": e.date, "what": what, "who": "", "outcome": outcome}))
    for d in done:
        what = CHRONOLOGY_WORDS.get(d.action, "") or _sent(d.action, d.stage, d.letter)
        if what:
            what = f"{what}: {d.agency}" if d.agency else what
            rows.append((d.date, {"date": d.date, "what": what, "who": d.by, "outcome": d.outcome}))
    return tuple(row for _, row in sorted(rows, key=lambda r: r[0]))


def _sent(action: str, stage: int, letter: str) -> str:
    """What a `letter_sent` says in words; "" for another action, or a letter that is not known."""
    if action != "letter_sent":
        return ""
    if letter in KINDS_SENT:
        return KINDS_SENT[letter]
    number = int(letter[-1]) if letter.startswith("letter_") else stage
    return LETTER_SENT.format(stage=number) if number in (1, 2, 3) else ""
