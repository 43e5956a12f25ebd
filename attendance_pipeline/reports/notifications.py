"""The sheet of parents' notifications: which forms came, whose they are, and what somebody has to do about each.

Belongs here: which rows there are, in what order, what they say and who may read them. Not here: whose a form is and
what follows beside the marks (`derive/`), the workbook (`worklists`, `spreadsheets`). Nothing here changes a mark: what
is to be done is done in the school's own system, or on the form.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from attendance_pipeline.derive import notifications as said
from attendance_pipeline.derive.matching import NOBODY, PERHAPS, SEVERAL_FIT, Form, Match
from attendance_pipeline.derive.names import group_name
from attendance_pipeline.derive.notifications import Day, Notifications, days_after
from attendance_pipeline.reports.facts import PupilFacts
from attendance_pipeline.reports.restricted import is_restricted, said_openly
from attendance_pipeline.spreadsheets import Column, Sheet

SHEET = "Notifications"
# How far back forms are shown; an N stands on its own sheet whatever its age, with what forms say of it.
SHOWN_SCHOOL_DAYS = 10

_TO_DO: Mapping[str, str] = {
    SEVERAL_FIT: "Ask the parents which pupil is meant, and put the UPN on the form",
    PERHAPS: "Check who is meant, and put the UPN on the form",
    NOBODY: "No pupil has this name: find out who is meant, and put the UPN on the form",
    said.CALL: "Call the parents: absent, no reason is known and no form came",
    said.NO_REASON: "The reason is on the form: enter its code in place of N",
    said.PRESENT: "Check: notified as absent, and marked present",
    said.NO_MARK: "Notified as absent, and no mark: enter the code",
    said.FITS: "Nothing: absent as notified",
    said.HALF: "Nothing: absent for half of the day",
    said.NOT_EXPECTED: "Nothing: no session was expected",
    said.TO_COME: "Nothing yet: a day to come",
    said.OTHERWISE: "Nothing: a reason is recorded, without a form",
}
_NO_SESSION = "Check the dates: the pupil has no school day in them"
_PERHAPS_A_FORM = " (a form may be about this pupil)"
_ORDER = (NOBODY, SEVERAL_FIT, PERHAPS, said.CALL, said.NO_REASON, said.PRESENT, said.NO_MARK, _NO_SESSION, said.FITS,
          said.HALF, said.NOT_EXPECTED, said.TO_COME, said.OTHERWISE)  # fmt: skip
_OPEN = frozenset({NOBODY, SEVERAL_FIT, PERHAPS, _NO_SESSION, *said.OPEN})


@dataclass(frozen=True)
class _Row:
    """One row. `finding`: what is the matter with it; `groups`: classes whose teachers see it, as plain names."""

    finding: str
    age: int
    name: str
    cells: Mapping[str, object]
    groups: frozenset[str]
    reason: str = ""

    @property
    def order(self) -> tuple[object, ...]:
        return _ORDER.index(self.finding), -self.age, str(self.cells.get("class", "")), self.name


@dataclass(frozen=True)
class NotificationList:
    """The rows of one day. `to_do`: how many somebody has to do something about."""

    rows: Sequence[_Row]
    with_reasons: bool

    @property
    def to_do(self) -> int:
        return sum(row.finding in _OPEN for row in self.rows)

    @property
    def has_restricted(self) -> bool:
        """Whether a reason stands on some form that only few may read."""
        return any(is_restricted(row.reason) for row in self.rows)

    def for_office(self, heading: str) -> Sheet:
        return self._sheet(self.rows, heading, said_openly)

    def for_lead(self, heading: str) -> Sheet:
        """All rows, and no reason: what the attendance lead and the board see."""
        return self._sheet(self.rows, heading, None)

    def for_class(self, name: str, heading: str) -> Sheet | None:
        """What a class teacher sees: the own class, and no reason. None where there is nothing."""
        mine = [row for row in self.rows if group_name(name) in row.groups]
        return self._sheet(mine, heading, None) if mine else None

    def for_restricted(self, heading: str) -> Sheet:
        return self._sheet([row for row in self.rows if is_restricted(row.reason)], heading, str)

    def _sheet(self, rows: Sequence[_Row], heading: str, reason: Callable[[str], str] | None) -> Sheet:
        shown = [{**row.cells, **({"reason": reason(row.reason)} if reason else {})} for row in rows]
        columns = (
            Column("do", "What to do", width=36, wrap=True),
            Column("pupil", "Pupil", width=26),
            Column("class", "Class"),
            Column("year", "Year"),
            Column("date", "Date", "date", width=12),
            Column("am", "AM"),
            Column("pm", "PM"),
            Column("age", "Age in school days", "whole"),
            Column("absence", "Notified absence", width=24),
            Column("sent", "Form sent", width=18),
            Column("late", "School days late", "whole"),
            Column("forms", "Forms", "whole"),
            Column("match", "Matched by", width=26, wrap=True),
            Column("perhaps", "Who may be meant", width=44, wrap=True),
            *((Column("reason", "Reason and evidence", width=36, wrap=True),) if self.with_reasons and reason else ()),
        )
        return Sheet(SHEET, columns, shown or [{"do": "Nothing to do today"}], heading)


def notification_list(found: Notifications, pupils: Mapping[Hashable, PupilFacts], day: int) -> NotificationList:
    """What the forms say on a school day: of the days shown, the day itself, and days to come."""
    since = max(day - SHOWN_SCHOOL_DAYS, int(found.inputs.calendar.year_start[day]))
    rows = [
        *(_unmatched(found, m, pupils, day) for m in found.unmatched(since)),
        *(_without_session(found, m, pupils, day) for m in found.without_a_session(since)),
        *_notified(found, pupils, since, day),
        *(_of_day(found, d, pupils, day) for d in found.not_notified(day)),
    ]
    kept = any(m.form.reason or m.form.evidence for m in found.matches)
    return NotificationList(sorted(rows, key=lambda r: r.order), kept)


def form_words(found: Notifications, pupil: int, day: int, halves: Sequence[int] = (0, 1)) -> str:
    """Whether a form speaks of a pupil's absence: how sure it is whose it is, and when it was sent."""
    forms = [m for half in halves for m in found.about(pupil, day, half)]
    if forms:
        sent = f", sent {_moment(forms[0].form.submitted)}" if forms[0].form.submitted else ""
        return f"Yes ({forms[0].confidence}){sent}"
    if any(found.may_be_about(pupil, day, half) for half in halves):
        return "Perhaps: see Notifications"
    return "No"


def _notified(found: Notifications, pupils: Mapping[Hashable, PupilFacts], since: int, day: int) -> Iterator[_Row]:
    """Days of which forms speak: those that need somebody, and of the others the day itself and the next to come."""
    coming: set[int] = set()
    for d in found.on(since, day):
        if d.day > day:
            if d.pupil not in coming:
                yield _of_day(found, d, pupils, day)
            coming.add(d.pupil)
        elif d.day == day or d.finding in said.OPEN:
            yield _of_day(found, d, pupils, day)


def _of_day(found: Notifications, d: Day, pupils: Mapping[Hashable, PupilFacts], day: int) -> _Row:
    facts = pupils[d.pupil]
    unsure = any(h and found.may_be_about(d.pupil, d.day, half) for half, h in enumerate(d.halves)) and not d.matches
    cells = {
        "do": _TO_DO[d.finding] + (_PERHAPS_A_FORM if unsure else ""),
        "date": found.inputs.calendar.date(d.day),
        "am": d.codes[0],
        "pm": d.codes[1],
        "forms": len(d.matches) if len(d.matches) > 1 else None,
        "match": d.matches[0].confidence if d.matches else "",
        **_facts(facts),
        **(_form(found, d.matches[0].form) if d.matches else {}),
    }
    reason = "; ".join(r for m in d.matches if (r := _reason(m.form)))
    return _row(d.finding, max(0, day - d.day), cells, {facts.class_name}, reason)


def _without_session(found: Notifications, m: Match, pupils: Mapping[Hashable, PupilFacts], day: int) -> _Row:
    facts = pupils[m.pupil]
    cells = {"do": _NO_SESSION, "match": m.confidence, **_facts(facts), **_form(found, m.form)}
    return _row(_NO_SESSION, _age(found, m.form, day), cells, {facts.class_name}, _reason(m.form))


def _unmatched(found: Notifications, m: Match, pupils: Mapping[Hashable, PupilFacts], day: int) -> _Row:
    shown = [f"{pupils[c.pupil].name}, {pupils[c.pupil].class_name or 'no class'} ({c.why})" for c in m.candidates]
    cells = {
        "do": _TO_DO[m.result],
        "pupil": m.form.name,
        "class": m.form.class_name,
        "perhaps": "; ".join([*shown, *([f"and {m.more} more"] if m.more else [])]),
        **_form(found, m.form),
    }
    return _row(m.result, _age(found, m.form, day), cells, {m.form.class_name}, _reason(m.form))


def _row(finding: str, age: int, cells: Mapping[str, object], classes: set[str], reason: str) -> _Row:
    groups = frozenset(group_name(c) for c in classes) - {""}
    return _Row(finding, age, str(cells.get("pupil", "")), {**cells, "age": age}, groups, reason)


def _facts(facts: PupilFacts) -> dict[str, object]:
    return {"pupil": facts.name, "class": facts.class_name, "year": facts.year_group}


def _form(found: Notifications, form: Form) -> dict[str, object]:
    first, last = f"{form.first:%d/%m/%Y}", f"{form.last:%d/%m/%Y}"
    absence = first if first == last else f"{first} to {last}"
    return {
        "absence": f"{absence}, {form.session}" if form.session else absence,
        "sent": _moment(form.submitted),
        "late": days_after(form, found.inputs) or None,
    }


def _age(found: Notifications, form: Form, day: int) -> int:
    """School days since a form was sent, or since its first day where it does not say."""
    try:
        sent = dt.date.fromisoformat(form.submitted[:10])
    except ValueError:
        sent = form.first
    return max(0, day - found.inputs.calendar.on_or_before(sent))


def _moment(text: str) -> str:
    """`2025-10-06T18:00:00` as people write it; what is no date stays."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment:%d/%m/%Y %H:%M}" if len(text) > len("2025-10-06") else f"{moment:%d/%m/%Y}"


def _reason(form: Form) -> str:
    return "; ".join(part for part in (form.reason, form.evidence) if part)
