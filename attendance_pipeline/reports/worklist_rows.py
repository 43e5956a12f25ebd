"""The lists of a day as rows and columns: one structure, which the workbooks and the board both show.

`owner_lists(day)` gives for every owner an `OwnerLists`; its `sheets` are `ListSheet`s, in the order in which the owner
needs them. A `ListSheet` has a `key` that stays the same (`to_do`, `phone`, `absent`, `no_reason`, `notifications`,
`letters`, `reviews`, `spells`, `attendance_return`, `sickness_return`, `gone`, `overdue`, `everyone`), a `name` for
people, a `note` that says what it is and how a row goes away, `columns` (spreadsheets.Column) and `rows`: mappings from
a column's key to text, a whole number, a ratio, a date or None. Beside what the columns show a row has `pupil_row`, the
key of the facts for a link (None: of no pupil), and `tone`: `late`, `now` or "". `empty` is what to say where there are
no rows.

Belongs here: which rows an owner sees, their order and words, and what must not be on a list that others read. Not
here: finding them (`worklist_facts`), workbooks (`worklists`), pages (`board`).

A reason that names a court order, care or safeguarding is not in here: `restricted_lists` alone has it. Parents' own
words on the online form are in the office's list alone, and only with `reasons=True`: a board is no place for them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from attendance_pipeline.law.register_codes import ATTENDED, CODES
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.reports.facts import PupilFacts
from attendance_pipeline.reports.restricted import ELSEWHERE, is_restricted
from attendance_pipeline.reports.worklist_facts import (
    PhoneCall,
    Review,
    Task,
    WorklistDay,
    in_words,
)
from attendance_pipeline.spreadsheets import Column, Sheet

# Owners in the order of the summary, with what people call them. A class teacher's owner is `class-<name>`.
OWNERS: Mapping[str, str] = {
    "office": "Office",
    "attendance-lead": "Attendance lead",
    "senco": "SENCO and wellbeing lead",
    "headteacher": "Headteacher",
    "slt": "Senior leadership team",
}
CLASS_OWNER = "class-"
LETTERS_SHEET = "Letters"
PHONE_SHEET = "Phone list"
# What stands on a sheet of its own, with more than a task says, and is not repeated among what there is to do.
ON_OTHER_SHEETS = ("monitoring", "illness_spells", "unresolved_n")
_NEVER = dt.date.max
_ALL = ("office", "attendance-lead")
_SUMMARY = ("attendance-lead", "headteacher", "slt")
# From which stage on an owner sees reviews; a class teacher sees those of the class.
_REVIEWS_FROM = {"attendance-lead": 1, "senco": 2, "headteacher": 3, "slt": 4}
# What is found of a session, the first to be looked at first: worklist_facts.Missed.
MISSED: Mapping[str, str] = {
    "no reason": "Absent, no reason yet",
    "no mark": "No mark: complete the register",
    "unauthorised": "Absent, unauthorised",
    "late": "Late, after the register closed",
    "authorised": "Absent, authorised",
}
_NO_REGISTER = "No register"
_ASKS_FOR_SOMEBODY = ("no reason", "no mark")
ASK_FIRST = "Ask the attendance lead before phoning"
NOBODY_TO_PHONE = "No contact on record who may be phoned: ask the office"


@dataclass(frozen=True)
class ListSheet(Sheet):
    """One list. See the module."""

    key: str = ""
    note: str = ""
    empty: str = ""

    @property
    def late(self) -> int:
        """How many rows are overdue."""
        return sum(row.get("tone") == "late" for row in self.rows)


@dataclass(frozen=True)
class OwnerLists:
    """All lists of one owner. `owner`: a key of OWNERS or `class-<name>`; `title`: who it is, for people."""

    owner: str
    title: str
    sheets: tuple[ListSheet, ...]

    def sheet(self, key: str) -> ListSheet | None:
        return next((s for s in self.sheets if s.key == key), None)


@dataclass
class OwnerCounts:
    """How much one owner has to do: tasks on the list, of them overdue and due this week; letters that wait for the
    owner, of them overdue; N not yet explained, and of them those past their day."""

    open: int = 0
    overdue: int = 0
    due_this_week: int = 0
    letters: int = 0
    overdue_letters: int = 0
    unresolved_n: int = 0
    overdue_n: int = 0


def owner_lists(day: WorklistDay, *, reasons: bool = False) -> tuple[OwnerLists, ...]:
    """The lists of every owner: those of OWNERS first, then a class teacher's for each class.

    `reasons`: with what parents gave as a reason, on the office's list alone and where the school keeps it. Raises
    ValueError for a task of an owner there is not.
    """
    return _Lists(day).all(reasons)


def owner_counts(day: WorklistDay) -> dict[str, OwnerCounts]:
    """Counts by owner, no value of a pupil in them."""
    return _Lists(day).counts


def owner_titles(day: WorklistDay) -> dict[str, str]:
    """Every owner of a day, with what people call them."""
    return _Lists(day).owners


def restricted_lists(day: WorklistDay) -> tuple[ListSheet, ...]:
    """What was kept back from all other lists, with whole reasons; empty where nothing was."""
    return _Lists(day).restricted()


def open_reason(task: Task) -> str:
    """The task's reason as a list that others read may give it."""
    if not _kept_back(task):
        return task.reason
    said = "" if is_restricted(task.reason) else task.reason
    return f"{said} ({ELSEWHERE.lower()})" if said else ELSEWHERE


def _kept_back(task: Task) -> bool:
    return bool(task.restricted_reason) or is_restricted(task.reason)


def _full_reason(task: Task) -> str:
    return "; ".join(part for part in (task.reason, task.restricted_reason) if part)


_PUPIL = (
    Column("pupil", "Pupil", width=24),
    Column("class", "Class", width=11),
    Column("year", "Year", width=7),
)
_STANDING = (Column("stage", "Stage", "whole", width=9), Column("attendance", "Attendance", "percent", width=14))

Row = Mapping[str, object]


class _Lists:
    """The lists of one day, made once."""

    def __init__(self, day: WorklistDay) -> None:
        self.given, self.today, self.calendar = day, day.day, day.calendar
        every = (*day.tasks, *day.letters)
        of_tasks = {t.owner.removeprefix(CLASS_OWNER) for t in every if t.owner.startswith(CLASS_OWNER)}
        self.classes = sorted({*day.class_names, *of_tasks})
        self.owners = {**OWNERS, **{f"{CLASS_OWNER}{name}": f"Class teacher, {name}" for name in self.classes}}
        self.tasks: dict[str, list[Task]] = {owner: [] for owner in self.owners}
        self.elsewhere: dict[str, list[Task]] = {owner: [] for owner in self.owners}
        for task in every:
            if task.owner not in self.tasks:
                known = ", ".join(OWNERS)
                raise ValueError(f"no worklist for the owner {task.owner!r}; there are {known} and the classes")
        for task in day.tasks:
            if task.is_open(self.today):
                (self.elsewhere if self._is_elsewhere(task) else self.tasks)[task.owner].append(task)
        self.counts = {owner: self._count(owner) for owner in self.owners}

    def _is_elsewhere(self, task: Task) -> bool:
        """Whether another sheet of the owner has it. Whom a school made the owner may have no such sheet."""
        of_class = task.owner.startswith(CLASS_OWNER)
        if task.on == "unresolved_n" and not (of_class or task.owner in _ALL):
            return False
        if task.on == "monitoring" and not (of_class or _REVIEWS_FROM.get(task.owner) == 1):
            return False
        return task.on in ON_OTHER_SHEETS

    def all(self, reasons: bool) -> tuple[OwnerLists, ...]:
        return tuple(
            OwnerLists(owner, title, tuple(self._sheets(owner, reasons))) for owner, title in self.owners.items()
        )

    def _sheets(self, owner: str, reasons: bool) -> list[ListSheet]:
        given, of_class = self.given, owner.removeprefix(CLASS_OWNER) if owner.startswith(CLASS_OWNER) else None
        every = owner in _ALL
        out = [self._to_do(self.tasks[owner])]
        if owner == "headteacher":
            out.insert(0, self._phone())
        if owner == "office" or of_class is not None:
            out.append(self._absent(of_class))
        if every or of_class is not None:
            out.append(self._no_reason(of_class))
        if every or any(t.owner == owner for t in given.letters):
            out.append(self._letters(owner))
        if owner in _REVIEWS_FROM or of_class is not None:
            out.append(self._reviews(of_class, _REVIEWS_FROM.get(owner, 1)))
        if owner == "attendance-lead":
            out.append(self._phone())
        if given.notifications is not None and (every or of_class is not None):
            forms = given.notifications
            if of_class is not None:
                found = forms.for_class(of_class, "")
            else:
                found = forms.for_office("") if owner == "office" and reasons else forms.for_lead("")
            out.append(self._forms(found))
        if spells := [t for t in self.elsewhere[owner] if t.on == "illness_spells"]:
            out.append(self._spells(spells))
        if every:
            out += [self._attendance_return(), self._sickness_return()]
        if given.gone_entries and owner == "attendance-lead":
            out.append(self._gone())
        if owner == "slt":
            out.append(self._overdue())
        if owner in _SUMMARY:
            out.append(self._everyone())
        return out

    def restricted(self) -> tuple[ListSheet, ...]:
        kept = {id(t): t for mine in self.tasks.values() for t in mine if _kept_back(t)}
        letters = [t for t in self.given.letters if _kept_back(t)]
        forms = self.given.notifications
        out = []
        if kept or letters or (forms is not None and forms.has_restricted):
            out.append(self._to_do(list(kept.values()), whole=True))
        if letters:
            out.append(self._task_sheet(letters, "letters", LETTERS_SHEET, _LETTERS_NOTE, _NO_LETTERS, whole=True))
        if forms is not None and forms.has_restricted:
            out.append(self._forms(forms.for_restricted("")))
        return tuple(out)

    # ------------------------------------------------------------ tasks

    def _to_do(self, tasks: Sequence[Task], *, whole: bool = False) -> ListSheet:
        return self._task_sheet(
            tasks,
            "to_do",
            "To do",
            "What there is to do, overdue first. An entry in the intervention log takes a row away: the action to "
            "write is in the last column. Nothing is ticked off in this file.",
            "Nothing to do today",
            whole=whole,
        )

    def _overdue(self) -> ListSheet:
        """A task of several owners is one row, with all of them."""
        late: dict[Task, list[str]] = {}
        for owner, mine in self.tasks.items():
            for task in mine:
                if task.is_overdue(self.today):
                    late.setdefault(replace(task, owner=""), []).append(self.owners[owner])
        return self._task_sheet(
            list(late),
            "overdue",
            "Overdue",
            "Every task of every owner that is past its day, once. Codes N have a list of their own, at the office.",
            "Nothing is overdue",
            owners={id(task): "; ".join(titles) for task, titles in late.items()},
        )

    def _spells(self, tasks: Sequence[Task]) -> ListSheet:
        return self._task_sheet(
            tasks,
            "spells",
            "Illness spells",
            "Pupils with several separate spells of illness this year: a person decides whether the reasons are to be "
            "questioned. Nothing follows by itself.",
            "Nobody",
        )

    def _letters(self, owner: str) -> ListSheet:
        mine = [t for t in self.given.letters if t.owner == owner]
        return self._task_sheet(mine, "letters", LETTERS_SHEET, _LETTERS_NOTE, _NO_LETTERS)

    def _task_sheet(
        self,
        tasks: Sequence[Task],
        key: str,
        name: str,
        note: str,
        empty: str,
        *,
        owners: Mapping[int, str] | None = None,
        whole: bool = False,
    ) -> ListSheet:
        """Open tasks: overdue first, then by due date. `owners`: whose each is (by id); `whole`: that, and the whole
        reason."""

        def order(task: Task) -> tuple[object, ...]:
            facts = None if task.pupil is None else self.given.pupils[task.pupil]
            who = (facts.class_name, facts.name) if facts else ("", "")
            late = task.is_overdue(self.today)
            return (not late, task.due_on or _NEVER, task.opened_on, *who, task.task, task.reference, task.owner)

        rows = [
            {
                "owner": owners[id(task)] if owners is not None else self.owners[task.owner],
                "when": self._when(task.due_on),
                "due": task.due_on,
                "late": self._school_days_late(task.due_on),
                "task": in_words(task.task),
                **self._about(task.pupil),
                "reason": _full_reason(task) if whole else open_reason(task),
                "reference": task.reference,
                "opened": task.opened_on,
                "closes": closes_with(task),
                "tone": self._tone(task.due_on),
            }
            for task in sorted(tasks, key=order)
        ]
        columns = (
            *((Column("owner", "Owner", width=22, wrap=True),) if owners is not None or whole else ()),
            Column("when", "When", width=11),
            Column("due", "Due", "date", width=12),
            Column("late", "School days late", "whole", width=11),
            Column("task", "Task", width=36, wrap=True),
            *_PUPIL,
            *_STANDING,
            Column("reason", "Reason", width=28, wrap=True),
            *((Column("reference", "Reference", width=19),) if any(t.reference for t in tasks) else ()),
            Column("opened", "Since", "date", width=12),
            Column("closes", "Write in the log", width=24, wrap=True),
        )
        return ListSheet(name, columns, rows, key=key, note=note, empty=empty)

    def _about(self, pupil: Hashable) -> dict[str, object]:
        facts: PupilFacts | None = None if pupil is None else self.given.pupils[pupil]
        if facts is None:
            return {"pupil_row": None}
        return {
            "pupil_row": pupil,
            "pupil": facts.name,
            "class": facts.class_name,
            "year": facts.year_group,
            "stage": facts.stage or None,
            "attendance": facts.attendance,
        }

    def _when(self, due: dt.date | None) -> str:
        if due is not None and due < self.today:
            return "Overdue"
        return "Today" if due == self.today else ""

    def _tone(self, due: dt.date | None) -> str:
        return {"Overdue": "late", "Today": "now", "": ""}[self._when(due)]

    def _school_days_late(self, due: dt.date | None) -> int | None:
        if due is None or due >= self.today:
            return None
        return self.calendar.on_or_before(self.today) - self.calendar.on_or_before(due)

    # ------------------------------------------------------------ the headteacher's calls

    def _phone(self) -> ListSheet:
        rows = [self._call(call) for call in sorted(self.given.phone_calls, key=self._call_order)]
        columns = (
            Column("when", "When", width=11),
            *_PUPIL,
            Column("absent", "Absent", width=22, wrap=True),
            Column("days", "School days absent since the meeting", "whole", width=14),
            Column("met", "Meeting held", "date", width=12),
            Column("form", "Parents' form", width=28, wrap=True),
            Column("contacts", "Whom to phone", width=54, wrap=True),
            Column("said", "What was said", width=34, wrap=True),
        )
        return ListSheet(
            PHONE_SHEET,
            columns,
            rows,
            key="phone",
            note="Pupils at stage 3 whose meeting was held and who are absent on the day: the headteacher phones and "
            "offers support. Write Phone call in the log, and the call is done. Calls of earlier days that nobody "
            "wrote down stand under To do.",
            empty="Nobody to phone today",
        )

    def _call_order(self, call: PhoneCall) -> tuple[object, ...]:
        facts = self.given.pupils[call.pupil]
        return (call.phoned_on is not None, facts.class_name, facts.name)

    def _call(self, call: PhoneCall) -> Row:
        contacts = "\n".join(c.words for c in call.contacts) or NOBODY_TO_PHONE
        return {
            "when": "Phoned" if call.phoned_on else "Today",
            **self._about(call.pupil),
            "absent": _sessions(call.codes),
            "days": call.absent_days,
            "met": call.met_on,
            "form": call.form,
            "contacts": ASK_FIRST if call.ask_first else contacts,
            "tone": "" if call.phoned_on else "now",
        }

    # ------------------------------------------------------------ the register

    def _absent(self, of_class: str | None) -> ListSheet:
        given = self.given
        registers = [
            {
                "found": f"{_NO_REGISTER}: {r.session}, {r.pupils} pupils",
                "class": r.class_name,
                "pupil_row": None,
                "tone": "late",
            }
            for r in given.missing_registers
            if of_class in (None, r.class_name)
        ]
        order = list(MISSED)
        missed = sorted(
            (m for m in given.missed if of_class in (None, given.pupils[m.pupil].class_name)),
            key=lambda m: (order.index(m.found), given.pupils[m.pupil].class_name, given.pupils[m.pupil].name),
        )
        rows = [
            {
                "found": MISSED[m.found],
                **self._about(m.pupil),
                "am": m.codes[0],
                "pm": m.codes[1],
                "form": m.form,
                "tone": "now" if m.found in _ASKS_FOR_SOMEBODY else "",
            }
            for m in missed
        ]
        columns = (
            Column("found", "Found", width=34, wrap=True),
            *_PUPIL,
            Column("am", "AM", width=7),
            Column("pm", "PM", width=7),
            *_STANDING,
            *((Column("form", "Parents' form", width=38, wrap=True),) if any(m.form for m in missed) else ()),
        )
        return ListSheet(
            "Registers",
            columns,
            [*registers, *rows],
            key="absent",
            note="The registers of the day: sessions without a mark, and who is absent or came after the register "
            "closed. Marks are put right in the school's own system.",
            empty="Everybody is marked and present",
        )

    def _no_reason(self, of_class: str | None) -> ListSheet:
        given, limit = self.given, self.given.resolve_n_school_days
        marks = [n for n in given.unresolved if of_class in (None, given.pupils[n.pupil].class_name)]
        rows = [
            {
                "when": "Overdue" if n.age > limit else "Today" if n.age == limit else "",
                "age": n.age,
                "date": n.day,
                "session": n.session,
                "form": n.form,
                **self._about(n.pupil),
                "due": self._due(n.day, limit),
                "tone": "late" if n.age > limit else "now" if n.age == limit else "",
            }
            for n in sorted(
                marks,
                key=lambda n: (-n.age, given.pupils[n.pupil].class_name, given.pupils[n.pupil].name, n.session),
            )
        ]
        columns = (
            Column("when", "When", width=11),
            Column("age", "Age in school days", "whole", width=12),
            Column("date", "Date", "date", width=12),
            Column("session", "Session", width=10),
            Column("due", "Due", "date", width=12),
            *_PUPIL,
            *_STANDING,
            *((Column("form", "Parents' form", width=40, wrap=True),) if any(n.form for n in marks) else ()),
        )
        return ListSheet(
            "No reason yet (N)",
            columns,
            rows,
            key="no_reason",
            note=f"Every code N, the oldest first. A reason is to be known within {limit} school days; after that the "
            "code becomes O. A row goes when the register has another code.",
            empty="No unresolved N",
        )

    def _due(self, day: dt.date, school_days: int) -> dt.date | None:
        number = self.calendar.on_or_before(day) + school_days
        return self.calendar.date(number) if number < len(self.calendar) else None

    def _forms(self, found: Sheet | None) -> ListSheet:
        columns: Sequence[Column | str] = (
            found.columns if found is not None else (Column("do", "What to do", width=36),)
        )
        rows: list[Row] = [] if found is None else [{**row, "tone": _form_tone(row)} for row in found.rows]
        return ListSheet(
            "Notifications",
            columns,
            [row for row in rows if row.get("pupil") or row.get("class") or row.get("date") or row.get("absence")],
            key="notifications",
            note="What parents sent on the online form beside the marks: forms that nobody could be matched with "
            "first, then absences of which no form speaks, and forms that do not fit the mark.",
            empty="Nothing to do today",
        )

    # ------------------------------------------------------------ the ladder

    def _reviews(self, of_class: str | None, from_stage: int) -> ListSheet:
        given = self.given
        mine = [
            r for r in given.reviews if of_class in (None, given.pupils[r.pupil].class_name) and r.stage >= from_stage
        ]
        weeks = self._weeks()

        def order(r: Review) -> tuple[object, ...]:
            facts = given.pupils[r.pupil]
            return (
                not r.waits_for,
                r.due or (r.opened_on if r.waits_for else _NEVER),
                -r.stage,
                facts.class_name,
                facts.name,
            )

        rows = [
            {
                "when": "Not begun" if r.waits_for else _week_of(r.due, weeks),
                "due": r.due,
                **self._about(r.pupil),
                "stage": r.stage,
                "opened": r.opened_on,
                "reviews": "" if r.needed is None else f"{r.done} of {r.needed}",
                "checkpoint": r.checkpoint,
                "now": r.now,
                "threshold": r.threshold,
                "waits": "Begins with: " + ", ".join(in_words(a).lower() for a in r.waits_for) if r.waits_for else "",
                "tone": "now" if r.waits_for or _week_of(r.due, weeks) == THIS_WEEK else "",
            }
            for r in sorted(mine, key=order)
        ]
        columns = (
            Column("when", "When", width=12),
            Column("due", "Review due", "date", width=12),
            *_PUPIL,
            Column("stage", "Stage", "whole", width=9),
            Column("opened", "Stage since", "date", width=12),
            Column("reviews", "Reviews before the next stage", width=14),
            Column("checkpoint", "At the checkpoint", "percent", width=14),
            Column("now", "Now", "percent", width=9),
            Column("threshold", "Threshold", "percent", width=13),
            Column("waits", "Still to be written in the log", width=40, wrap=True),
        )
        return ListSheet(
            "Reviews",
            columns,
            rows,
            key="reviews",
            note="Who is being monitored and when the review is due: this week's and next week's are named. Where "
            "monitoring has not begun, the log lacks what the stage requires. The review itself is worked out in the "
            "night of its day.",
            empty="Nobody is being monitored",
        )

    def _weeks(self) -> tuple[int, int, SchoolCalendar]:
        """The school week of the day on which the lists are read, the next school day, and the one after it."""
        calendar = self.calendar
        read = calendar.on_or_after(self.today + dt.timedelta(days=1))
        week = int(calendar.week[min(read, len(calendar) - 1)])
        return week, week + 1, calendar

    def _attendance_return(self) -> ListSheet:
        limit = self.given.return_days[0]
        rows = [
            {
                "when": "Goes on" if r.goes_on else "",
                **self._about(r.pupil),
                "first": r.first,
                "last": r.last,
                "days": r.days,
                "reached": r.reached_on,
                "tone": "now" if r.goes_on else "",
            }
            for r in sorted(
                self.given.attendance_returns,
                key=lambda r: (-r.reached_on.toordinal(), self.given.pupils[r.pupil].name, r.first),
            )
        ]
        columns = (
            Column("when", "When", width=11),
            *_PUPIL,
            Column("first", "From", "date", width=12),
            Column("last", "To", "date", width=12),
            Column("days", "School days", "whole", width=10),
            Column("reached", "Return due since", "date", width=14),
            *_STANDING,
        )
        return ListSheet(
            "Attendance return",
            columns,
            rows,
            key="attendance_return",
            note=f"Pupils of compulsory school age with {limit} or more school days in a row wholly of G, N, O or U: "
            "the local authority is to be told. The newest first. Rows stay for the academic year.",
            empty="Nobody",
        )

    def _sickness_return(self) -> ListSheet:
        limit = self.given.return_days[1]
        rows = [
            {
                **self._about(r.pupil),
                "days": r.sessions / 2,
                "reached": r.reached_on,
                "tone": "",
            }
            for r in sorted(
                self.given.sickness_returns,
                key=lambda r: (-r.reached_on.toordinal(), self.given.pupils[r.pupil].name),
            )
        ]
        columns = (
            *_PUPIL,
            Column("days", "School days of illness", "decimal", width=14),
            Column("reached", "Return due since", "date", width=14),
            *_STANDING,
        )
        return ListSheet(
            "Sickness return",
            columns,
            rows,
            key="sickness_return",
            note=f"Pupils of compulsory school age with {limit} or more school days of code I in the academic year, in "
            "a row or not. A prompt: the law asks for those who will miss so many, too. The newest first.",
            empty="Nobody",
        )

    # ------------------------------------------------------------ the log, and everyone

    def _gone(self) -> ListSheet:
        rows = [
            {
                "do": "Put it back; or put it back with Y under Withdrawn, and it counts no more",
                "date": e.day,
                "action": in_words(e.action),
                **self._about(e.pupil),
                "stage": e.stage,
                "tone": "",
            }
            for e in sorted(self.given.gone_entries, key=lambda e: (e.day, self.given.pupils[e.pupil].name, e.action))
        ]
        columns = (
            Column("do", "No longer in the log, and still counting", width=40, wrap=True),
            Column("date", "Date", "date", width=12),
            Column("action", "Action", width=24),
            Column("stage", "Stage", "whole", width=9),
            *_PUPIL,
        )
        return ListSheet("Gone from the log", columns, rows, key="gone", note="Entries that the newest log lacks.")

    def _everyone(self) -> ListSheet:
        rows = [
            {
                "owner": self.owners[owner],
                **vars(c),
                "pupil_row": None,
                "tone": "late" if c.overdue or c.overdue_letters else "",
            }
            for owner, c in self.counts.items()
        ]
        columns = (
            Column("owner", "Owner", width=30),
            Column("open", "Open", "whole", width=10),
            Column("overdue", "Overdue", "whole", width=10),
            Column("due_this_week", "Due this week", "whole", width=14),
            Column("letters", "Letters", "whole", width=10),
            Column("overdue_letters", "Overdue letters", "whole", width=16),
            Column("unresolved_n", "Unresolved N", "whole", width=14),
            Column("overdue_n", "Overdue N", "whole", width=12),
        )
        return ListSheet("Everyone", columns, rows, key="everyone", note=_EVERYONE_NOTE)

    def _count(self, owner: str) -> OwnerCounts:
        of_class = owner.removeprefix(CLASS_OWNER) if owner.startswith(CLASS_OWNER) else None
        mine, week_ends = self.tasks[owner], self.today + dt.timedelta(days=6 - self.today.weekday())
        sees = owner in _ALL or of_class is not None
        letters = [t for t in self.given.letters if t.owner == owner]
        marks = [n for n in self.given.unresolved if sees and of_class in (None, self.given.pupils[n.pupil].class_name)]
        return OwnerCounts(
            open=len(mine),
            overdue=sum(t.is_overdue(self.today) for t in mine),
            due_this_week=sum(t.due_on is not None and self.today <= t.due_on <= week_ends for t in mine),
            letters=len(letters),
            overdue_letters=sum(t.is_overdue(self.today) for t in letters),
            unresolved_n=len(marks),
            overdue_n=sum(n.age > self.given.resolve_n_school_days for n in marks),
        )


_EVERYONE_NOTE = (
    "How much each owner has to do; no names. Open, overdue and due this week: what stands under To do. A task of "
    "several people is counted for each of them."
)
_LETTERS_NOTE = (
    "Letters that wait: to be approved or rejected, to be sent or handed over, or held until what holds them is "
    "settled. The reference is on the letter."
)
_NO_LETTERS = "No letter waits"
THIS_WEEK, NEXT_WEEK = "This week", "Next week"


def _week_of(due: dt.date | None, weeks: tuple[int, int, SchoolCalendar]) -> str:
    if due is None:
        return ""
    this, following, calendar = weeks
    week = int(calendar.week[calendar.on_or_before(due)])
    return {this: THIS_WEEK, following: NEXT_WEEK}.get(week, "")


def _sessions(codes: tuple[str, str]) -> str:
    """What the register says of the day: `AM and PM: code N`, `AM: code I, PM: in school`."""
    am, pm = (_session(code) for code in codes)
    return f"AM and PM: {am}" if am == pm else f"AM: {am}, PM: {pm}"


def _session(code: str) -> str:
    if not code:
        return "no mark"
    return "in school" if CODES.number(code) in CODES.numbers_with(ATTENDED) else f"code {code}"


def _form_tone(row: Mapping[str, object]) -> str:
    return "" if str(row.get("do", "")).startswith("Nothing") else "now"


def closes_with(task: Task) -> str:
    """The actions of the log that take a task away, as people may write them there; and what does where none is."""
    if task.on in _CLOSED_ELSEWHERE:
        return _CLOSED_ELSEWHERE[task.on]
    words = " or ".join(in_words(action) for action in task.closed_by)
    return f"{words}, for Whole school" if task.on == "school_weeks" else words


_CLOSED_ELSEWHERE: Mapping[str, str] = {
    # The log knows other ends of a letter too; these are the two that answer the question.
    "letter_proposed": "Letter approved or Letter rejected",
    "letter_held": "Release or Letter rejected",
}
