"""Why one pupil is where they are, with the proof: as JSON, and as lines for a terminal.

Belongs here: the shape of an explanation, its JSON (documented in docs/explain.md: keys may be added, none changes its
meaning) and its lines. Not here: finding any of it out (`derive/`, `steps/explain.py`), and the sentences for a parent
(`why.py`), which stand first in it. What is here is for the person at the terminal: no log, no Dagster, no drive.
"""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attendance_pipeline.derive.evidence import Evidence
from attendance_pipeline.derive.outlook import Fewest, Move, Outlook, RuleOutlook
from attendance_pipeline.derive.standing import Figure, RuleStanding, Standing
from attendance_pipeline.derive.tables import ratio
from attendance_pipeline.derive.window_weeks import WindowWeek
from attendance_pipeline.law.policy import Ladder, PenaltyNoticeRule, Stage
from attendance_pipeline.law.school_calendar import SEASONS
from attendance_pipeline.reports.figures import limit, share

WIDTH = 80  # columns that every terminal has
_THOUSANDTHS = 100_000
_INDENT = "  "

EVENT_WORDS: Mapping[str, str] = {
    "opened": "stage {to} opened",
    "no_sessions": "review: no session to count",
    "recovered": "recovered: stage {from_} ended",
    "escalated": "review: stage {to} began",
    "stalled": "review: no real improvement; stage {to} began",
    "dropped": "review: dropped; stage {to} goes on",
    "dropped_accepted_reasons": "review: dropped for accepted reasons; stage {to} goes on",
    "not_dropped": "review: not dropped; stage {to} goes on",
    "left": "left the school: stage {from_} ended",
    "set": "a person set stage {to}",
    "closed": "a person closed stage {from_}",
}
STATUS_WORDS: Mapping[str, str] = {
    "none": "no stage",
    "watch": "no stage; below the threshold after a recovery this year",
    "insufficient_data": "no stage; too few sessions",
    "awaiting_action": "awaiting action",
    "monitoring": "monitoring",
    "": "not on roll",
}
RULE_WORDS: Mapping[str, str] = {
    "met": "threshold met: a person considers it",
    "met_provisional": "met only if its N sessions count: resolve them first",
    "near": "near",
    "not_met": "not met",
}


@dataclass(frozen=True)
class Session:
    """A session that something relies on: its code, what that counts for, why it is relied on (or is not counted), and
    the file and line of the extract that gave the mark (line None: withdrawn by not being named, or not known)."""

    date: dt.date
    session: str
    code: str
    counts_as: str
    why: str = ""
    file: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Decision:
    """An event of the ladder, its evidence, and the sessions that its gate counted."""

    evidence: Evidence
    relied_on: tuple[Session, ...]


@dataclass(frozen=True)
class Case:
    """A penalty-notice rule: where the pupil stands to it, its window as weeks, and what is counted or not in it."""

    at: RuleStanding
    rule: PenaltyNoticeRule
    weeks: tuple[WindowWeek, ...]
    counted: tuple[Session, ...]
    not_counted: tuple[Session, ...]
    outlook: RuleOutlook | None


@dataclass(frozen=True)
class IssuedNotice:
    """A penalty notice that was issued to one contact for the pupil."""

    contact_id: str
    issued_on: dt.date
    first: dt.date
    last: dt.date
    withdrawn_on: dt.date | None


@dataclass(frozen=True)
class LetterLine:
    """A letter of the ledger. `state`, `reason`: as they stood by the day asked for, where one was asked for."""

    reference: str
    kind: str
    stage: int | None
    contact_id: str
    state: str
    reason: str
    proposed_on: dt.date
    sent_on: dt.date | None


@dataclass(frozen=True)
class LogLine:
    """An entry of the intervention log that may decide something; `stage` None: blank."""

    date: dt.date
    action: str
    stage: int | None
    first: dt.date
    last: dt.date
    contact_id: str


@dataclass(frozen=True)
class Measure:
    """One measure of the day, its own sessions included."""

    measure: str
    possible: int
    attended: int
    authorised: int
    unauthorised: int
    late_before_close: int
    late_after_close: int


@dataclass(frozen=True)
class Explanation:
    """Everything that `attendance explain` says of one pupil on one school day.

    `as_at` None: everything loaded. `register`: how new what was read is. `clauses`: keys of the policy and their
    values, as the policy file has them. `absences`: the sessions missed in the ladder's figure.
    """

    school: str
    school_name: str
    upn: str
    name: str
    class_name: str
    year_group: str
    as_at: dt.date | None
    register: str
    at: Standing
    sentences: tuple[str, ...]
    measures: tuple[Measure, ...]
    policy_file: str
    clauses: tuple[tuple[str, str], ...]
    absences: tuple[Session, ...]
    decisions: tuple[Decision, ...]
    cases: tuple[Case, ...]
    notices: tuple[IssuedNotice, ...]
    letters: tuple[LetterLine, ...]
    log: tuple[LogLine, ...]
    outlook: Outlook | None


def ladder_clauses(ladder: Ladder | None, at: Standing) -> list[tuple[str, str]]:
    """The keys of the policy that decide where the pupil stands, with their values as a policy file writes them."""
    if ladder is None:
        return []
    gate = ladder.reason_gate
    out = [
        ("measure", f'"{ladder.measure}"'),
        (f"thresholds.{at.season}", limit(at.threshold).removesuffix("%")),
        ("minimum_possible_sessions", str(ladder.minimum_possible_sessions)),
        ("settle_school_days", str(ladder.settle_school_days)),
        ("reason_gate.lookback_school_weeks", str(gate.lookback_school_weeks)),
        ("reason_gate.minimum_sessions", str(gate.minimum_sessions)),
        ("reason_gate.illness_spells", str(gate.illness_spells)),
    ]
    if any(e.to_stage == 0 for e in at.events):
        out += [
            ("quiet_school_weeks", str(ladder.quiet_school_weeks)),
            ("relapse_within_school_weeks", str(ladder.relapse_within_school_weeks)),
        ]
    if at.stage:
        stage = ladder.stages.in_order[at.stage - 1]
        unit, many = stage.clock
        out.append((f"stages.{at.stage}.monitoring_{unit}", str(many)))
        if isinstance(stage, Stage):
            requires = ", ".join(f'"{a}"' for a in stage.requires)
            out.append((f"stages.{at.stage}.reviews_before_next", str(stage.reviews_before_next)))
            out.append((f"stages.{at.stage}.requires", f"[{requires}]"))
        if at.stage < ladder.last_stage and (level := ladder.levels()[at.stage]) is not None:
            out.append((f"stages.{at.stage + 1}.below", limit(level[SEASONS.index(at.season)]).removesuffix("%")))
            out.append(("rises", f'"{ladder.rises}"'))
        own = ladder.recovered_at_period_attendance
        out.append(("recovered_at_period_attendance", "the threshold" if own is None else f"{own.normalize():f}"))
        out += [
            ("stalled_reviews", str(ladder.stalled_reviews)),
            ("improvement_points", f"{ladder.improvement_points.normalize():f}"),
        ]
    return out


def rule_clauses(rule: PenaltyNoticeRule) -> list[tuple[str, str]]:
    """A penalty-notice rule as its policy file writes it."""
    each = [f"{a.sessions} sessions{' in a row' * a.in_a_row} in {_window(*a.window)}{a.besides}" for a in rule.any_of]
    out = [("any_of", " or ".join(each)), ("codes", " ".join(rule.codes)), ("near_within", str(rule.near_within))]
    for key, value in (("valid_from", rule.valid_from), ("valid_to", rule.valid_to)):
        out += [(key, value.isoformat())] if value else []
    if not rule.penalty_notice:
        return [*out, ("penalty_notice", "false")]
    return [*out, ("statutory", str(rule.statutory).lower())]


def _window(kind: str, size: int) -> str:
    words = kind.replace("_", " ")
    if kind == "consecutive_sessions":
        return "a row"
    return f"{size} {words if size > 1 else words.removesuffix('s')}"


# ---------------------------------------------------------------- JSON


def as_json(told: Explanation) -> dict[str, Any]:
    """The explanation as JSON: dates ISO, ratios with six decimals as `attendance export` writes them."""
    at = told.at
    return {
        "pupil": {
            "school": told.school,
            "upn": told.upn,
            "name": told.name,
            "class": told.class_name,
            "year_group": told.year_group,
            "on_roll": at.on_roll,
        },
        "date": _iso(at.date),
        "as_at": _iso(told.as_at),
        "register": told.register,
        "sentences": list(told.sentences),
        "figure": {
            "measure": at.measure,
            "from": _iso(at.measured_from),
            "to": _iso(at.cut),
            **_figure(at.figure),
            "authorised": at.authorised,
            "unauthorised": at.unauthorised,
            "no_reason_yet": at.unexplained,
            "threshold": _ratio(at.threshold, _THOUSANDTHS) if at.threshold >= 0 else None,
            "season": at.season,
            "below": at.below,
        },
        "stage": {
            "stage": at.stage,
            "status": at.status,
            "episode": at.episode or None,
            "opened_on": _iso(at.opened_on),
            "review_due": _iso(at.review_due),
            "reviews": at.reviews if at.stage else None,
            "checkpoint": _figure(at.checkpoint) if at.stage else None,
            "waits_for": list(at.waits_for),
            "not_opened_because": at.not_opened or None,
            "nothing_opens_until": _iso(at.not_before),
        },
        "measures": [{**vars(m), "attendance": _ratio(m.attended, m.possible)} for m in told.measures],
        "policy": {
            "name": at.policy,
            "version": at.policy_version,
            "file": told.policy_file,
            "valid_from": _iso(at.ladder_from),
            "source": at.ladder_source,
            "clauses": dict(told.clauses),
        },
        "absences": [_session(s) for s in told.absences],
        "events": [_decision(d) for d in told.decisions],
        "penalty_notices": [_case(c) for c in told.cases],
        "notices_issued": [
            {
                "contact_id": n.contact_id,
                "issued_on": _iso(n.issued_on),
                "offence_from": _iso(n.first),
                "offence_until": _iso(n.last),
                "withdrawn_on": _iso(n.withdrawn_on),
            }
            for n in told.notices
        ],
        "letters": [{**vars(x), "proposed_on": _iso(x.proposed_on), "sent_on": _iso(x.sent_on)} for x in told.letters],
        "log": [
            {
                "date": _iso(x.date),
                "action": x.action,
                "stage": x.stage,
                "from": _iso(x.first),
                "until": _iso(x.last),
                "contact_id": x.contact_id,
            }
            for x in told.log
        ],
        "what_would_change_it": None if told.outlook is None else _outlook(told.outlook),
    }


def _iso(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def _ratio(part: int, whole: int) -> float | None:
    return float(ratio(part, whole)) if whole else None


def _figure(figure: Figure) -> dict[str, Any]:
    return {"attended": figure[0], "possible": figure[1], "attendance": _ratio(*figure)}


def _session(s: Session) -> dict[str, Any]:
    return {**vars(s), "date": _iso(s.date)}


def _decision(d: Decision) -> dict[str, Any]:
    e = d.evidence
    return {
        "date": _iso(e.date),
        "event": e.event,
        "from_stage": e.from_stage,
        "to_stage": e.to_stage,
        "episode": e.episode,
        "figure": {"measure": e.measure, "from": _iso(e.measured_from), "to": _iso(e.measured_to), **_figure(e.figure)},
        "threshold": _ratio(e.threshold, _THOUSANDTHS) if e.threshold >= 0 else None,
        "checkpoint": _figure(e.checkpoint),
        "period": _figure(e.period),
        "looked_from": _iso(e.looked_from),
        "looked_to": _iso(e.looked_to),
        "relied_on": [_session(s) for s in d.relied_on],
        "policy": {
            "name": e.policy,
            "version": e.policy_version,
            "valid_from": _iso(e.ladder_from),
            "source": e.ladder_source,
        },
    }


def _case(c: Case) -> dict[str, Any]:
    at = c.at
    return {
        "rule": at.rule,
        "statutory": at.statutory,
        "source": at.source,
        "clauses": dict(rule_clauses(c.rule)),
        "status": at.status,
        "counted": at.counted,
        "no_reason_yet": at.unresolved,
        "asked": at.asked,
        "needed": at.needed,
        **({"attendance": {"below": at.below / 1000, **_figure(at.figure)}} if at.below >= 0 else {}),
        "window": {"kind": at.window, "length": at.length, "from": _iso(at.first), "to": _iso(at.last)},
        "drops_out_on": _iso(at.drops_out_on),
        "blocked_by": list(at.blocked_by),
        "weeks": [
            {
                "monday": _iso(w.monday),
                "number": w.number,
                "skipped_because": w.why if w.number is None else None,
                "counted": w.counted,
            }
            for w in c.weeks
        ],
        "sessions": [_session(s) for s in c.counted],
        "not_counted": [_session(s) for s in c.not_counted],
    }


def _move(m: Move | None) -> dict[str, Any] | None:
    if m is None:
        return None
    return {
        "date": _iso(m.date),
        "event": m.event,
        "from_stage": m.from_stage,
        "to_stage": m.to_stage,
        **_figure(m.figure),
        "threshold": _ratio(m.threshold, _THOUSANDTHS) if m.threshold >= 0 else None,
    }


def _outlook(o: Outlook) -> dict[str, Any]:
    return {
        "tried_until": _iso(o.until),
        "tried_sessions": o.tried,
        "if_every_session_is_attended": [_move(m) for m in o.attended],
        "at_threshold_on": _iso(o.at_threshold_on),
        "at_threshold": _figure(o.at_threshold) if o.at_threshold_on else None,
        "fewest_missed_that_lead_up": [
            {"kind": f.kind, "code": f.code, "sessions": f.sessions, "then": _move(f.move)} for f in o.fewest
        ],
        "next_threshold": None
        if o.changes_on is None
        else {"from": _iso(o.changes_on), "season": o.changes_season, "threshold": _threshold(o.changes_to)},
        "recovers_with_at_most_missed": o.recovers_with,
        "review_due_if_done": _iso(o.review_if_done),
        "penalty_notices": [
            {
                "rule": r.rule,
                "code": r.code,
                "fewest_missed_that_meet_it": r.sessions,
                "met_on": _iso(r.met_on),
                "over_on_if_every_session_is_attended": _iso(r.over_on),
            }
            for r in o.rules
        ],
        "otherwise": [
            {
                "what": x.what,
                "sessions": x.sessions,
                "stage": x.stage,
                "status": x.status,
                "penalty_notices": dict(x.notices),
            }
            for x in o.otherwise
        ],
    }


def _threshold(threshold: int | None) -> float | None:
    return None if threshold is None or threshold < 0 else _ratio(threshold, _THOUSANDTHS)


# ---------------------------------------------------------------- lines


def as_lines(told: Explanation, width: int = WIDTH) -> list[str]:
    """The explanation for a terminal of so many columns: sentences first, then the proof."""
    return list(_Lines(told, width).all())


class _Lines:
    def __init__(self, told: Explanation, width: int) -> None:
        self.told, self.at, self.width = told, told.at, width

    def all(self) -> Iterator[str]:
        told, at = self.told, self.at
        about = [told.name, f"class {told.class_name}" if told.class_name else "", told.school_name]
        yield from self._wrap(", ".join(part for part in about if part))
        seen = f"As at the end of {_day(told.as_at)}" if told.as_at else "By everything loaded"
        yield from self._wrap(f"{_weekday(at.date)}. {seen}: {told.register}.")
        yield ""
        for sentence in told.sentences:
            yield from self._wrap(sentence)
        if not at.on_roll:
            yield from self._events()
            return
        yield from self._figures()
        yield from self._policy()
        yield from self._events()
        yield from self._absences()
        yield from self._cases()
        yield from self._letters()
        yield from self._log()
        yield from self._changes()

    # -- what the page is made of

    def _wrap(self, text: str, indent: str = "", hang: str | None = None) -> Iterator[str]:
        after = indent if hang is None else hang
        yield from textwrap.wrap(
            text, self.width, initial_indent=indent, subsequent_indent=after, break_on_hyphens=False
        )

    def _item(self, text: str) -> Iterator[str]:
        yield from self._wrap(text, _INDENT, _INDENT * 2)

    def _head(self, text: str) -> Iterator[str]:
        yield ""
        yield text.upper()

    def _pairs(self, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
        rows = list(rows)
        size = max((len(k) for k, _ in rows), default=0) + 2
        for key, value in rows:
            yield from self._wrap(value, _INDENT + key.ljust(size), " " * (size + len(_INDENT)))

    # -- its parts

    def _figures(self) -> Iterator[str]:
        at = self.at
        yield from self._head("Figures")
        rows = []
        if at.cut is not None and at.figure[1]:
            side = "below" if at.below else "not below"
            told = f"{fraction(at.figure, at.threshold)}, {_span(at.measured_from, at.cut)}"
            aim = f"; {side} {limit(at.threshold)} ({at.season})" if at.threshold >= 0 else ""
            rows.append(("the ladder’s", f"{told}{aim}"))
        if at.stage:
            rows.append(("stage", f"{at.stage}, {STATUS_WORDS[at.status]}, since {_day(at.opened_on)}"))
            rows.append(("checkpoint", fraction(at.checkpoint)))
            due = "none in the calendar yet" if at.review_due is None else _weekday(at.review_due)
            rows.append(("review due", "when what it waits for is done" if at.waits_for else due))
            if at.waits_for:
                rows.append(("waits for", ", ".join(a.replace("_", " ") for a in at.waits_for)))
        else:
            rows.append(("stage", STATUS_WORDS[at.status]))
        yield from self._pairs(rows)
        yield f"{_INDENT}Measures of {_day(at.date)}, that day included:"
        for m in self.told.measures:
            late = m.late_before_close + m.late_after_close
            name = m.measure.replace("_", " ")
            told = f"{fraction((m.attended, m.possible))}; {m.authorised} authorised, {m.unauthorised} unauthorised"
            yield from self._wrap(f"{name}: {told}; {late} late", _INDENT * 2, _INDENT * 3)

    def _policy(self) -> Iterator[str]:
        at = self.at
        yield from self._head("Policy")
        since = f", its ladder in force from {_day(at.ladder_from)}" if at.ladder_from else ""
        yield from self._item(f"{at.policy}, version {at.policy_version}{since}; {self.told.policy_file}")
        if at.ladder_source:
            yield from self._item(f"Source: {at.ladder_source}")
        yield from self._pairs(self.told.clauses)

    def _events(self) -> Iterator[str]:
        if not self.told.decisions:
            return
        yield from self._head("What the ladder did this school year")
        for d in self.told.decisions:
            e = d.evidence
            yield from self._item(
                f"{_weekday(e.date)}  {event_in_words(e.event, e.from_stage, e.to_stage, bool(e.period[1]))}"
            )
            yield from self._wrap(figures_in_words(e), _INDENT * 2)
            if e.looked_from is not None and e.looked_to is not None:
                yield from self._wrap(relied_in_words(e, len(d.relied_on)), _INDENT * 2)
                yield from self._sessions(d.relied_on, with_why=True)

    def _absences(self) -> Iterator[str]:
        if not self.told.absences:
            return
        many = len(self.told.absences)
        yield from self._head(f"The {many} {_sessions(many)} missed in the ladder’s figure")
        yield from self._sessions(self.told.absences)

    def _sessions(self, sessions: Sequence[Session], with_why: bool = False) -> Iterator[str]:
        for s in sessions:
            where = f"{s.file}:{s.line}" if s.line else s.file or "not known"
            what = s.why if with_why or s.why else s.counts_as
            yield from self._wrap(
                f"{_weekday(s.date)} {s.session}  {s.code:<2}  {what}; {where}", _INDENT * 2, _INDENT * 4
            )

    def _cases(self) -> Iterator[str]:
        for c in self.told.cases:
            at = c.at
            yield from self._head(f"{'Number of the school' if at.own_number else 'Penalty-notice rule'} {at.rule}")
            of = _window(at.window, at.length)
            span = f", {_span(at.first, at.last)}" if at.first and at.last else ""
            row = " in a row" if at.in_a_row else ""
            rows = [
                ("status", RULE_WORDS[at.status]),
                ("counted", f"{at.counted} of the {at.asked} sessions{row} it asks for in {of}{span}"),
                ("still needed", str(at.needed)),
            ]
            if at.below >= 0:
                rows.append(("attendance", f"{fraction(at.figure, at.below)}; below {limit(at.below)} is asked for"))
            if at.unresolved:
                rows.append(("without reason", f"{at.unresolved} of those counted are N"))
            rows.append(("oldest leaves", _leaves(c)))
            if at.blocked_by:
                rows.append(("in the way", "; ".join(at.blocked_by)))
            law = "the school's own number" if at.own_number else "statutory" if at.statutory else "local"
            rows.append(("clause", clause_in_words(c.rule)))
            rows.append(("source", f"{at.source or 'the policy names none'} ({law})"))
            yield from self._pairs(rows)
            if at.counted:
                yield from self._weeks(c.weeks)
                yield from self._sessions(c.counted)
            if c.not_counted:
                yield f"{_INDENT}Not counted:"
                yield from self._sessions(c.not_counted, with_why=True)
        if self.told.notices:
            yield from self._head("Penalty notices issued")
            for n in self.told.notices:
                back = f"; withdrawn on {_day(n.withdrawn_on)}" if n.withdrawn_on else ""
                yield from self._item(f"{_day(n.issued_on)}  contact {n.contact_id}, {_span(n.first, n.last)}{back}")

    def _weeks(self, weeks: Sequence[WindowWeek]) -> Iterator[str]:
        """Each week a line: its number, its Monday, and a pair of signs a day; a skipped week says why."""
        yield f"{_INDENT}week  Monday        Mon Tue Wed Thu Fri  counted"
        for w in weeks:
            if w.number is None:
                yield from self._wrap(f"skipped: {w.why}", f"{_INDENT}   –  {_short(w.monday)}    ", " " * 22)
                continue
            cells = []
            for d in w.days:
                seen = d.school and d.inside
                cells.append(f"{d.am or '·'}{d.pm or '·'}".ljust(3) if seen else "   ")
            many = w.counted or ""
            yield f"{_INDENT}{w.number:>4}  {_short(w.monday)}    {' '.join(cells)} {many:>5}".rstrip()

    def _letters(self) -> Iterator[str]:
        yield from self._head("Letters")
        if not self.told.letters:
            yield f"{_INDENT}none"
        for x in self.told.letters:
            stage = f", stage {x.stage}" if x.stage else ""
            sent = f", sent on {_day(x.sent_on)}" if x.sent_on else ""
            reason = f": {x.reason}" if x.reason else ""
            kind = x.kind.replace("_", " ")
            yield from self._item(
                f"{x.reference}  {kind}{stage}, proposed on {_day(x.proposed_on)}; {x.state}{sent}{reason}"
            )

    def _log(self) -> Iterator[str]:
        if not self.told.log:
            return
        yield from self._head("What staff wrote down")
        for x in self.told.log:
            stage = f", stage {x.stage}" if x.stage is not None else ""
            span = f", {_span(x.first, x.last)}" if (x.first, x.last) != (x.date, x.date) else ""
            contact = f", contact {x.contact_id}" if x.contact_id else ""
            yield from self._item(f"{_weekday(x.date)}  {x.action.replace('_', ' ')}{stage}{span}{contact}")

    def _changes(self) -> Iterator[str]:
        o = self.told.outlook
        if o is None:
            return
        yield from self._head("What would change it")
        yield from self._item(
            f"Asked of the rules, up to {_day(o.until)}. Sessions missed are the next ones, one after another; every "
            "other one is attended."
        )
        for text in changes_in_words(o, self.at):
            yield from self._wrap(f"- {text}", _INDENT, _INDENT * 2)


def figures_in_words(e: Evidence) -> str:
    """The figures that an event of the ladder rests on, as fractions, and the threshold."""
    parts = [f"attendance {fraction(e.figure, e.threshold)}"]
    parts += [f"threshold {limit(e.threshold)}"] if e.threshold >= 0 else []
    if e.event not in ("opened", "set", "closed", "left") and e.checkpoint[1]:
        parts.append(f"checkpoint {fraction(e.checkpoint)}")
    if e.period[1]:
        parts.append(f"since the checkpoint {fraction(e.period)}")
    return "; ".join(parts)


def relied_in_words(e: Evidence, many: int) -> str:
    """How many unaccepted sessions were found, and from when to when was looked; blank where nobody looked."""
    if e.looked_from is None or e.looked_to is None:
        return ""
    relied = f"{many} unaccepted {_sessions(many)}" if many else "no unaccepted session"
    return f"{relied}, {_span(e.looked_from, e.looked_to)}"


def clause_in_words(rule: PenaltyNoticeRule) -> str:
    """A penalty-notice rule's clause as its policy file writes it, in one line."""
    return "; ".join(f"{k} = {v}" for k, v in rule_clauses(rule) if k != "statutory")


def changes_in_words(o: Outlook, at: Standing) -> Iterator[str]:
    """What would change where a pupil stands, a sentence each."""
    if o.attended:
        yield f"Every session attended: {'; then '.join(_told(m) for m in o.attended)}."
    else:
        yield "Every session attended: nothing changes."
    if o.at_threshold_on:
        figure = fraction(o.at_threshold)
        yield f"Then attendance is not below the threshold from {_day(o.at_threshold_on)} ({figure})."
    for f in o.fewest:
        yield _fewest(f, o, at)
    if o.recovers_with is not None and at.review_due is not None:
        yield (
            f"The review of {_day(at.review_due)} ends the stage if no more than {o.recovers_with} further "
            f"{_sessions(o.recovers_with)} are missed."
        )
    if at.waits_for:
        done = " and ".join(a.replace("_", " ") for a in at.waits_for)
        due = (
            f"the review is due on {_day(o.review_if_done)}" if o.review_if_done else "no review fits into the calendar"
        )
        yield f"{done[:1].upper()}{done[1:]} written down on the next school day: {due}."
    if o.changes_on is not None:
        to = limit(o.changes_to) if o.changes_to is not None and o.changes_to >= 0 else "none"
        yield f"The threshold is {to} from {_day(o.changes_on)} ({o.changes_season})."
    for r in o.rules:
        yield from _rule(r)
    for x in o.otherwise:
        stage = f"stage {x.stage}, {STATUS_WORDS[x.status]}" if x.stage else STATUS_WORDS[x.status]
        rules = "; ".join(f"{name} {status.replace('_', ' ')}" for name, status in x.notices)
        what = f"{x.what[:1].upper()}{x.what[1:]} ({x.sessions} {_sessions(x.sessions)})"
        yield f"{what}: {stage}{'; ' if rules else ''}{rules}."


def _fewest(f: Fewest, o: Outlook, at: Standing) -> str:
    if f.move is None:
        return f"{f.kind.title()} sessions ({f.code}): no number up to {o.tried} leads to a higher stage."
    return f"{f.sessions} more {f.kind} {_sessions(f.sessions or 0)} ({f.code}): {_told(f.move)}."


def _rule(r: RuleOutlook) -> Iterator[str]:
    if r.sessions == 0:
        over = f"; with every session attended neither met nor near from {_day(r.over_on)}" if r.over_on else ""
        yield f"{r.rule}: met now{over}."
    elif r.sessions is not None:
        over = f"; with every session attended no longer near from {_day(r.over_on)}" if r.over_on else ""
        yield f"{r.rule}: met on {_day(r.met_on)} with {r.sessions} more {_sessions(r.sessions)} of {r.code}{over}."


def _leaves(c: Case) -> str:
    """When the oldest counted session leaves the window."""
    if not c.counted:
        return "none is counted"
    oldest = f"the oldest counted, {_weekday(c.counted[0].date)} {c.counted[0].session}"
    if c.at.drops_out_on is None:
        return f"{oldest}, stays in the window as far as the calendar goes"
    return f"on {_weekday(c.at.drops_out_on)} the window no longer holds {oldest}"


def _told(m: Move) -> str:
    words = event_in_words(m.event, m.from_stage, m.to_stage, m.reviewed)
    return f"on {_day(m.date)} {words} ({fraction(m.figure, m.threshold)})"


def event_in_words(event: str, from_stage: int, to_stage: int, reviewed: bool) -> str:
    """What happened. A stage with a level of its own may also open between reviews, when attendance falls below it."""
    words = EVENT_WORDS.get(event, event)
    if event == "escalated" and not reviewed:
        words = words.removeprefix("review: ")
    return words.format(from_=from_stage, to=to_stage)


def fraction(figure: Figure, threshold: int = -1) -> str:
    """Sessions attended of those possible, and the share."""
    return f"{figure[0]}/{figure[1]} = {share(*figure, threshold)}" if figure[1] else "no session"


def _sessions(count: int) -> str:
    return "session" if count == 1 else "sessions"


def _day(day: dt.date | None) -> str:
    return "–" if day is None else f"{day.day} {day:%b %Y}"


def _short(day: dt.date) -> str:
    return f"{day.day:>2} {day:%b %Y}"


def _weekday(day: dt.date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _span(first: dt.date, last: dt.date) -> str:
    return f"{_day(first)} to {_day(last)}"
