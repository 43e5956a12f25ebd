"""Worklists: what each owner has to do, as a workbook each.

Belongs here: which rows an owner sees, in which order, and what must not be on a list that others read. Not here: which
tasks exist (`derive/`), how a workbook looks (`spreadsheets.py`), where it is put (`delivery.py`).

A reason that names a court order, care or safeguarding stands on the list of the audience `restricted` alone; every
other list says that there is one. Tasks are closed by an entry in the intervention log, never in a workbook.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from attendance_pipeline.derive import tasks
from attendance_pipeline.derive.inputs import PupilTable
from attendance_pipeline.derive.tables import windows_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.law.register_codes import CODES, NOT_ESTABLISHED
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.reports.facts import PupilFacts
from attendance_pipeline.reports.notifications import NotificationList
from attendance_pipeline.reports.restricted import ELSEWHERE, is_restricted
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

# Owners in the order of the summary, with what people call them. A class teacher's owner is `class-<name>`.
OWNERS: Mapping[str, str] = {
    "office": "Office",
    "attendance-lead": "Attendance lead",
    "senco": "SENCO and wellbeing lead",
    "headteacher": "Headteacher",
    "slt": "Senior leadership team",
}
CLASS_OWNER = "class-"
RESTRICTED = "restricted"
WORKLIST_FILE = "worklist.xlsx"
LETTERS_SHEET = "Letters"
_SEES_EVERY_N = ("office", "attendance-lead")
_SEES_SUMMARY = ("attendance-lead", "slt")
_SEES_EVERY_FORM = "office"
_KEEPS_THE_LOG = "attendance-lead"
_NEVER = dt.date.max


@dataclass(frozen=True)
class Task:
    """One task. `owner`: a key of OWNERS, or `class-<name>`. `pupil`: a key of the facts; None: of no one pupil.

    `restricted_reason` goes to the audience `restricted` only.
    """

    owner: str
    task: str
    opened_on: dt.date
    due_on: dt.date | None = None
    closed_on: dt.date | None = None
    pupil: Hashable = None
    reason: str = ""
    restricted_reason: str = ""
    reference: str = ""

    @classmethod
    def from_derived(
        cls, task: tasks.Task, *, reason: str = "", restricted_reason: str = "", reference: str = ""
    ) -> Task:
        """A derived task; its pupil is the row in PupilTable. The rule it rests on is a reason where none is given."""
        return cls(
            owner=task.owner,
            task=task.task,
            opened_on=task.opened_on,
            due_on=task.due_on,
            closed_on=task.closed_on,
            pupil=task.pupil,
            reason=reason or _in_words(task.rule.replace("-", " ")),
            restricted_reason=restricted_reason,
            reference=reference,
        )

    def is_open(self, day: dt.date) -> bool:
        return self.opened_on <= day and (self.closed_on is None or self.closed_on > day)

    def is_overdue(self, day: dt.date) -> bool:
        return self.due_on is not None and self.due_on < day


@dataclass(frozen=True)
class UnresolvedMark:
    """An N nobody has explained yet. `age` in school days. `form`: whether a parents' form speaks of it, in words;
    blank where the school has no forms."""

    pupil: Hashable
    day: dt.date
    session: str
    age: int
    form: str = ""


@dataclass(frozen=True)
class GoneEntry:
    """An entry of the intervention log that its newest version does not hold any more, and that counts all the same."""

    pupil: Hashable
    day: dt.date
    action: str
    stage: int | None = None


@dataclass
class OwnerCounts:
    """How much one owner has to do."""

    open: int = 0
    overdue: int = 0
    due_this_week: int = 0
    unresolved_n: int = 0


@dataclass(frozen=True)
class Worklists:
    """`files`: audience to file name to content. `counts`: by owner, no value of a pupil in it."""

    files: Mapping[str, Mapping[str, bytes]]
    counts: Mapping[str, OwnerCounts] = field(default_factory=dict)


def pupil_facts(derived: Derived, day: int, names: Mapping[int, str]) -> dict[Hashable, PupilFacts]:
    """Facts of every pupil that `names` names, by row in PupilTable, at the end of a derived school day.

    Attendance is of the year to date; a pupil who has left has the class, the stage and the attendance of before.
    """
    pupils, stages = derived.inputs.pupils, derived.stage_rows(day)["stage"]
    year = windows_of(derived, day)[0]
    return {
        p: PupilFacts(
            name=name,
            class_name=str(pupils.class_name[p]),
            year_group=str(pupils.year_group[p]),
            stage=int(stages[p]),
            attendance=int(year.attended[p]) / int(year.possible[p]) if year.possible[p] else None,
        )
        for p, name in names.items()
    }


def build_worklists(
    listed: Iterable[Task],
    pupils: Mapping[Hashable, PupilFacts],
    unresolved: Sequence[UnresolvedMark],
    *,
    school: str,
    class_names: Iterable[str],
    calendar: SchoolCalendar,
    day: dt.date,
    resolve_n_school_days: int,
    notifications: NotificationList | None = None,
    gone_entries: Sequence[GoneEntry] = (),
    letters: Sequence[Task] = (),
) -> Worklists:
    """The worklists of a day: one workbook for every owner, also for those with nothing to do, so that a missing file
    never reads as an empty list; and one for `restricted` when there is a reason to keep from the others.

    `class_names`: classes that get a list even without a task. `resolve_n_school_days`: the age after which an N is
    overdue (policy). `notifications`: what parents' forms say, for the office and each class teacher; None: the school
    has none. `gone_entries`: for the attendance lead, who keeps the log. `letters`: what waits for each owner in the
    ledger, on a sheet of its own: the ledger remembers, tasks do not. Raises ValueError for an owner there is not.
    """
    given = list(listed)
    of_tasks = {task.owner.removeprefix(CLASS_OWNER) for task in given if task.owner.startswith(CLASS_OWNER)}
    folders = class_audiences({*class_names, *of_tasks})
    owners = {**OWNERS, **{f"{CLASS_OWNER}{name}": f"Class teacher, {name}" for name in folders}}
    audiences = {owner: owner for owner in OWNERS} | {f"{CLASS_OWNER}{name}": folders[name] for name in folders}
    by_owner: dict[str, list[Task]] = {owner: [] for owner in owners}
    for task in given:
        if task.owner not in by_owner:
            raise ValueError(f"no worklist for the owner {task.owner!r}; there are {', '.join(OWNERS)} and the classes")
        if task.is_open(day):
            by_owner[task.owner].append(task)
    marks = {owner: _marks_of(owner, unresolved, pupils) for owner in owners}
    counts = {owner: _counted(by_owner[owner], marks[owner], day) for owner in owners}

    def book(name: str, *sheets: Sheet) -> dict[str, bytes]:
        return {WORKLIST_FILE: workbook_bytes(sheets, title=f"{school}: worklist, {name}", created=day)}

    files: dict[str, dict[str, bytes]] = {}
    for owner, name in owners.items():
        heading = f"{school} · Worklist · {name} · {day:%d/%m/%Y}"
        sheets = [_task_sheet(by_owner[owner], pupils, calendar, day, heading)]
        if marks[owner] or owner in _SEES_EVERY_N:
            sheets.append(_mark_sheet(marks[owner], pupils, resolve_n_school_days, heading))
        if waiting := [task for task in letters if task.owner == owner]:
            sheets.append(_task_sheet(waiting, pupils, calendar, day, heading, name=LETTERS_SHEET))
        if notifications is not None and owner == _SEES_EVERY_FORM:
            sheets.append(notifications.for_office(heading))
        elif notifications is not None and owner.startswith(CLASS_OWNER):
            own = notifications.for_class(owner.removeprefix(CLASS_OWNER), heading)
            sheets += [own] if own is not None else []
        if gone_entries and owner == _KEEPS_THE_LOG:
            sheets.append(_gone_sheet(gone_entries, pupils, heading))
        if owner in _SEES_SUMMARY:
            sheets.append(_summary_sheet(counts, owners, heading))
        files[audiences[owner]] = book(name, *sheets)
    kept = [task for mine in by_owner.values() for task in mine if _kept_back(task)]
    forms = notifications if notifications is not None and notifications.has_restricted else None
    if kept or forms is not None:
        heading = f"{school} · Worklist · restricted · {day:%d/%m/%Y}"
        sheets = [_task_sheet(kept, pupils, calendar, day, heading, owners=owners)]
        sheets += [forms.for_restricted(heading)] if forms is not None else []
        files[RESTRICTED] = book("restricted", *sheets)
    return Worklists(files, counts)


def find_unresolved(
    marks: np.ndarray, pupils: PupilTable, calendar: SchoolCalendar, day: int
) -> list[tuple[int, int, str, int]]:
    """Every N of the academic year up to school day number `day`, the oldest first; also of pupils who have left since.

    `marks`: uint8[P, D, 2]. Returns (row of the pupil, day number, AM or PM, age in school days).
    """
    first = int(calendar.year_start[day])
    window = np.isin(marks[:, first : day + 1], CODES.numbers_with(NOT_ESTABLISHED))
    days = np.arange(first, day + 1)
    window &= ((days >= pupils.entry[:, None]) & (days <= pupils.leave[:, None]))[..., None]
    found = [(int(p), first + int(d), ("AM", "PM")[int(half)]) for p, d, half in np.argwhere(window)]
    return [(p, d, half, day - d) for p, d, half in sorted(found, key=lambda n: (n[1], n[0], n[2]))]


# ---------------------------------------------------------------- what may be said


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


# ---------------------------------------------------------------- rows and sheets


def _marks_of(
    owner: str, unresolved: Sequence[UnresolvedMark], pupils: Mapping[Hashable, PupilFacts]
) -> list[UnresolvedMark]:
    if owner in _SEES_EVERY_N:
        return list(unresolved)
    if not owner.startswith(CLASS_OWNER):
        return []
    return [n for n in unresolved if pupils[n.pupil].class_name == owner.removeprefix(CLASS_OWNER)]


def _counted(tasks: Sequence[Task], marks: Sequence[UnresolvedMark], day: dt.date) -> OwnerCounts:
    week_ends = day + dt.timedelta(days=6 - day.weekday())
    return OwnerCounts(
        open=len(tasks),
        overdue=sum(t.is_overdue(day) for t in tasks),
        due_this_week=sum(t.due_on is not None and day <= t.due_on <= week_ends for t in tasks),
        unresolved_n=len(marks),
    )


_FACTS = (
    Column("pupil", "Pupil", width=26),
    Column("class", "Class"),
    Column("year", "Year"),
)


def _about(facts: PupilFacts | None) -> dict[str, object]:
    if facts is None:
        return {}
    return {
        "pupil": facts.name,
        "class": facts.class_name,
        "year": facts.year_group,
        "stage": facts.stage or None,
        "attendance": facts.attendance,
    }


def _school_days_late(task: Task, calendar: SchoolCalendar, day: dt.date) -> int | None:
    if task.due_on is None or not task.is_overdue(day):
        return None
    return calendar.on_or_before(day) - calendar.on_or_before(task.due_on)


def _task_sheet(
    tasks: Sequence[Task],
    pupils: Mapping[Hashable, PupilFacts],
    calendar: SchoolCalendar,
    day: dt.date,
    heading: str,
    *,
    owners: Mapping[str, str] | None = None,
    name: str = "To do",
) -> Sheet:
    """Open tasks: overdue first, then by due date. With `owners`, whose each task is and the whole reason."""

    def order(task: Task) -> tuple[object, ...]:
        facts = None if task.pupil is None else pupils[task.pupil]
        who = (facts.class_name, facts.name) if facts else ("", "")
        return (not task.is_overdue(day), task.due_on or _NEVER, task.opened_on, *who, task.task, task.reference)

    rows: list[dict[str, object]] = [
        {
            "owner": owners[task.owner] if owners else "",
            "when": _when(task, day),
            "due": task.due_on,
            "late": _school_days_late(task, calendar, day),
            "task": _in_words(task.task),
            **_about(None if task.pupil is None else pupils[task.pupil]),
            "reason": _full_reason(task) if owners else open_reason(task),
            "reference": task.reference,
            "opened": task.opened_on,
        }
        for task in sorted(tasks, key=order)
    ]
    columns = (
        *((Column("owner", "Owner", width=22),) if owners else ()),
        Column("when", "When", width=12),
        Column("due", "Due", "date"),
        Column("late", "School days late", "whole"),
        Column("task", "Task", width=34, wrap=True),
        *_FACTS,
        Column("stage", "Stage", "whole"),
        Column("attendance", "Attendance", "percent"),
        Column("reason", "Reason", width=44, wrap=True),
        Column("reference", "Reference"),
        Column("opened", "Since", "date"),
    )
    return Sheet(name, columns, rows or [{"task": "Nothing to do today"}], heading)


def _when(task: Task, day: dt.date) -> str:
    if task.is_overdue(day):
        return "Overdue"
    return "Today" if task.due_on == day else ""


def _in_words(task: str) -> str:
    words = task.replace("_", " ")
    return words[:1].upper() + words[1:]


def _mark_sheet(
    marks: Sequence[UnresolvedMark], pupils: Mapping[Hashable, PupilFacts], resolve_within: int, heading: str
) -> Sheet:
    rows: list[dict[str, object]] = [
        {
            "when": "Overdue" if n.age > resolve_within else "",
            "age": n.age,
            "date": n.day,
            "session": n.session,
            "form": n.form,
            **_about(pupils[n.pupil]),
        }
        for n in sorted(marks, key=lambda n: (-n.age, pupils[n.pupil].class_name, pupils[n.pupil].name, n.session))
    ]
    columns = (
        Column("when", "When", width=30),
        Column("age", "Age in school days", "whole"),
        Column("date", "Date", "date"),
        Column("session", "Session"),
        *_FACTS,
        *((Column("form", "Parents' form", width=40),) if any(n.form for n in marks) else ()),
    )
    return Sheet("No reason yet (N)", columns, rows or [{"when": "No unresolved N"}], heading)


def _gone_sheet(entries: Sequence[GoneEntry], pupils: Mapping[Hashable, PupilFacts], heading: str) -> Sheet:
    rows: list[dict[str, object]] = [
        {
            "do": "Put it back; or put it back with Y under Withdrawn, and it counts no more",
            "date": e.day,
            "action": _in_words(e.action),
            **_about(pupils[e.pupil]),
            "stage": e.stage,
        }
        for e in sorted(entries, key=lambda e: (e.day, pupils[e.pupil].name, e.action))
    ]
    columns = (
        Column("do", "No longer in the log, and still counting", width=40, wrap=True),
        Column("date", "Date", "date"),
        Column("action", "Action", width=24),
        Column("stage", "Stage", "whole"),
        *_FACTS,
    )
    return Sheet("Gone from the log", columns, rows, heading)


def _summary_sheet(counts: Mapping[str, OwnerCounts], owners: Mapping[str, str], heading: str) -> Sheet:
    rows: list[dict[str, object]] = [{"owner": owners[owner], **vars(c)} for owner, c in counts.items()]
    columns = (
        Column("owner", "Owner", width=30),
        Column("open", "Open", "whole"),
        Column("overdue", "Overdue", "whole"),
        Column("due_this_week", "Due this week", "whole"),
        Column("unresolved_n", "Unresolved N", "whole"),
    )
    return Sheet("Everyone", columns, rows, heading)
