"""Worklists: gathering what a day's lists say of a school, and putting the workbooks on the drive.

Belongs here: reading the warehouse for the records of `reports/worklist_facts.py`. Not here: which rows an owner sees
(`reports/worklist_rows.py`), which is shown by the workbooks and by the board alike: both start from `worklist_day`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd

from attendance_pipeline.derive import tasks as derived_tasks
from attendance_pipeline.derive.notifications import Notifications
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.home import School
from attendance_pipeline.law.task_catalogue import catalogue_of
from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.letters.from_roll import log_entries, pupils_on_paper
from attendance_pipeline.letters.holding import SAFEGUARDING_HOLD, holds_of
from attendance_pipeline.letters.ledger_rows import MACHINES, LedgerRow
from attendance_pipeline.letters.recipients import recipients_of
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import (
    GONE,
    current_classes,
    current_contacts,
    current_interventions,
    current_pupils,
)
from attendance_pipeline.reports.notifications import form_words, notification_list
from attendance_pipeline.reports.worklist_facts import (
    Contact,
    GoneEntry,
    Task,
    UnresolvedMark,
    WorklistDay,
    attendance_returns,
    find_unresolved,
    phone_calls,
    pupil_facts,
    registers_of,
    reviews_of,
    sickness_returns,
)
from attendance_pipeline.reports.worklists import build_worklists
from attendance_pipeline.steps.deliver import Made, newest, put
from attendance_pipeline.steps.notified import notifications, of_phone_call, of_session
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import WORKLISTS, each_school
from attendance_pipeline.store import ledger

# Letters in these states wait for somebody; the catalogue says for whom and how long.
_WAITING = {f"letter_{state}": state for state in ("proposed", "approved", "held")}


def worklists(site: Site, run: str) -> list[Made]:
    """Every owner's list of the newest day, on the drive."""
    return [made for made in each_school(site, WORKLISTS, lambda school: _worklists(site, school, run)) if made]


def _worklists(site: Site, school: School, run: str) -> Made | None:
    found = newest(site, school)
    if found is None:
        return None
    given = worklist_day(site, school, *found)
    made = build_worklists(given)
    folders = put(site, school, found[1], "worklists", made.files, run)
    open_now = sum(c.open for c in made.counts.values())
    overdue = sum(c.overdue for c in made.counts.values())
    forms = given.notifications
    note = f"{open_now} open, {overdue} overdue" + (f", {forms.to_do} of forms" if forms else "")
    return Made(school.id, "worklists", len(made.files), folders, note)


def worklist_day(site: Site, school: School, whole: Derived, day: int) -> WorklistDay:
    """Everything the worklists of a derived day say; `whole` from the first day of the academic year, as of `newest`.

    `owner_lists` of what this gives is the structure that the board shows. Gathered once in a run, unless a letter
    changed meanwhile.
    """
    with site.warehouse.read() as conn:
        letters = ledger.ledger_version(conn, school.id)
    key = ("worklists", school.id, site.register_version(school), letters, whole.first, day)
    return site.remember(
        key, lambda: gathered(site, school, whole, day, notifications(site, school, whole.inputs, day))
    )


def gathered(site: Site, school: School, whole: Derived, day: int, forms: Notifications | None) -> WorklistDay:
    """The same from what is handed over: also of a day that is not over, whose marks are stored nowhere."""
    inputs, calendar, setting = whole.inputs, school.calendar, school.policy.setting.statutory
    listed = tasks_of_run(site, school, whole, day)
    facts = pupil_facts(whole, day, _names(site, school, whole))
    said = partial(_said_of_day, forms, day)
    missed, registers = registers_of(inputs, day, said)
    callers = [t.pupil for t in listed if t.on == "absent_after_meeting"]
    contacts, wary = whom_to_phone(site, school, whole, day, callers)
    on_roll = inputs.pupils.on_roll(day)
    return WorklistDay(
        school=school.name,
        calendar=calendar,
        day=calendar.date(day),
        pupils=facts,
        class_names=sorted({str(c) for c in inputs.pupils.class_name[on_roll] if c}),
        tasks=[Task.from_derived(t, reason=of_phone_call(forms, t)) for t in listed],
        letters=_waiting_letters(site, school, whole),
        phone_calls=phone_calls(
            whole, day, listed, contacts=contacts, ask_first=wary, forms={p: said(p) for p in callers}
        ),
        missed=missed,
        missing_registers=registers,
        unresolved=[
            UnresolvedMark(p, calendar.date(d), half, age, of_session(forms, p, d, half))
            for p, d, half, age in find_unresolved(inputs.marks, inputs.pupils, calendar, day)
        ],
        reviews=reviews_of(whole, day),
        attendance_returns=attendance_returns(whole, day),
        sickness_returns=sickness_returns(whole, day),
        notifications=None if forms is None else notification_list(forms, facts, day),
        gone_entries=_gone_entries(site, school, whole),
        resolve_n_school_days=setting.resolve_n_school_days,
        return_days=(setting.attendance_return_school_days, setting.sickness_return_school_days),
    )


def tasks_of_run(site: Site, school: School, whole: Derived, day: int) -> list[derived_tasks.Task]:
    """The tasks of the academic year up to a day, worked out once in a run."""
    key = ("tasks", school.id, site.register_version(school), whole.first, day)
    return site.remember(key, lambda: derived_tasks.tasks_of(whole))


def ledger_of_run(site: Site, school: School) -> list[LedgerRow]:
    """The letters of a school as they stand, read once in a run unless one changed meanwhile."""

    def read() -> list[LedgerRow]:
        with site.warehouse.read() as conn:
            stored = with_pupils(conn, school.id, ledger.read_ledger(conn, school.id, machines=MACHINES))
        return [LedgerRow.from_store(r, school.calendar) for r in stored]

    with site.warehouse.read() as conn:
        version = ledger.ledger_version(conn, school.id)
    return site.remember(("ledger", school.id, site.register_version(school), version), read)


def _said_of_day(forms: Notifications | None, day: int, pupil: int) -> str:
    return "" if forms is None else form_words(forms, pupil, day)


def _names(site: Site, school: School, whole: Derived) -> dict[int, str]:
    with site.warehouse.read() as conn:
        paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
    people = [paper[int(person)] for person in whole.inputs.pupils.pupil_id]
    return {row: f"{p.first_name} {p.surname}" for row, p in enumerate(people)}


def whom_to_phone(
    site: Site, school: School, whole: Derived, day: int, pupils: Iterable[int]
) -> tuple[dict[int, list[Contact]], set[int]]:
    """By row in PupilTable, who may be told of a pupil, by priority: those who get letters; and pupils about whom
    somebody must be asked first: looked after, or letters are held for all of the pupil."""
    wanted = {int(whole.inputs.pupils.pupil_id[p]): p for p in pupils}
    if not wanted:
        return {}, set()
    with site.warehouse.read() as conn:
        contacts, log = current_contacts(conn, school.id), current_interventions(conn, school.id)
    out: dict[int, list[Contact]] = {}
    for person, rows in contacts[contacts["person_id"].isin(list(wanted))].groupby("person_id"):
        found = {str(row["contact_id"]): row for row in rows.to_dict("records")}
        to = recipients_of([{str(name): value for name, value in row.items()} for row in found.values()]).to
        out[wanted[int(str(person))]] = [
            Contact(r.name, _text(found[r.contact_id]["relationship"]), _text(found[r.contact_id]["telephone"]),
                    r.language_name)
            for r in to
        ]  # fmt: skip
    wary = {p for p in wanted.values() if whole.inputs.pupils.looked_after[p]}
    entries = [e for e in log_entries(log) if e.person_id in wanted]
    for person, p in wanted.items():
        mine = holds_of([e for e in entries if e.person_id == person], school.calendar.date(day))
        if SAFEGUARDING_HOLD in mine.on(whole.stage_rows(day)["stage"][p], "", ""):
            wary.add(p)
    return out, wary


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value).strip()


def _waiting_letters(site: Site, school: School, whole: Derived) -> list[Task]:
    """Letters that wait for somebody to approve or reject them, to send them, or to settle what holds them."""
    calendar, row_of = school.calendar, {int(person): row for row, person in enumerate(whole.inputs.pupils.pupil_id)}
    rows = ledger_of_run(site, school)
    out = []
    for kind in catalogue_of(school.policy).tasks:
        for row in rows:
            since = row.acted_on or row.changed_on if row.state == "approved" else row.entered
            if row.person_id not in row_of or row.state != _WAITING.get(kind.on) or since is None:
                continue
            due = calendar.on_or_after(since) + (kind.due_school_days or 0)
            out += [
                Task(
                    owner=owner,
                    task=f"{kind.task}: {KINDS[row.kind].title}",
                    opened_on=since,
                    due_on=calendar.date(due) if due < len(calendar) else None,
                    pupil=row_of[row.person_id],
                    reason=row.reason if row.state == "held" else "",
                    reference=row.reference,
                    on=kind.on,
                    closed_by=kind.closed_by,
                )
                for owner in _of_the_class(kind.owner, str(whole.inputs.pupils.class_name[row_of[row.person_id]]))
            ]
    return out


def _of_the_class(owners: Iterable[str], class_name: str) -> list[str]:
    """Owners of the catalogue as owners of a list: the class teacher's is that of the pupil's class."""
    of_class = f"{derived_tasks.CLASS_TEACHER_OF}{class_name}" if class_name else derived_tasks.NO_TEACHER
    return list(dict.fromkeys(of_class if o == derived_tasks.CLASS_TEACHER else o for o in owners))


def _gone_entries(site: Site, school: School, whole: Derived) -> list[GoneEntry]:
    """Entries of the log that its newest version lacks, and that count all the same."""
    row_of = {int(person): row for row, person in enumerate(whole.inputs.pupils.pupil_id)}
    with site.warehouse.read() as conn:
        log = current_interventions(conn, school.id)
    return [
        GoneEntry(row_of[e["person_id"]], e["date"].date(), e["action"], None if pd.isna(e["stage"]) else e["stage"])
        for e in log[log[GONE]].to_dict("records")
        if e["person_id"] in row_of and not pd.isna(e["date"])
    ]
