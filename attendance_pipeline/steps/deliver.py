"""Deliver: the newest day's letters, worklists, class lists and a half-term's report, put on the shared drive.

Belongs here: gathering what each kind of delivery needs, and to which audience it goes. Not here: what stands in a file
(`letters/`, `reports/`) or how files get there (`delivery.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from attendance_pipeline import delivery
from attendance_pipeline.derive.tasks import tasks_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.home import School
from attendance_pipeline.law.task_catalogue import shipped_catalogue
from attendance_pipeline.letters.batch import BatchInputs, build_batch, due, latest_letter_day
from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.letters.from_roll import log_entries, pupils_on_paper
from attendance_pipeline.letters.ledger_rows import MACHINES, LedgerRow, LogEntry
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import GONE, current_classes, current_interventions, current_pupils
from attendance_pipeline.reports.class_lists import build_class_lists, class_list_pupils
from attendance_pipeline.reports.governor import GovernorInputs, governor_report
from attendance_pipeline.reports.notifications import notification_list
from attendance_pipeline.reports.worklists import (
    GoneEntry,
    Task,
    UnresolvedMark,
    build_worklists,
    find_unresolved,
    pupil_facts,
)
from attendance_pipeline.steps.notified import notifications, of_phone_call, of_session
from attendance_pipeline.steps.plan import half_term
from attendance_pipeline.steps.printed import hashes, news, there_already, withdrawn
from attendance_pipeline.steps.propose import letterhead_of
from attendance_pipeline.steps.readiness import Readiness
from attendance_pipeline.steps.restate import derived, newest_done
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import deliveries, ledger


@dataclass(frozen=True)
class Made:
    """One kind of delivery of one school: how many of what, and the folders, newest state of the drive."""

    school: str
    what: str
    count: int
    folders: tuple[Path, ...] = ()
    note: str = ""


def newest(site: Site, school: School) -> tuple[Derived, int] | None:
    """The academic year to the newest derived day, and the number of that day; None when no day is done."""
    day = newest_done(site, school)
    if day is None:
        return None
    return derived(site, school, int(school.calendar.year_start[day]), day), day


def put(
    site: Site,
    school: School,
    day: int,
    what: str,
    files: Mapping[str, Mapping[str, bytes]],
    run: str,
    holds: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Path, ...]:
    """Deliver to each audience; recorded only when all have theirs, so that a run that was cut off is repeated.

    `holds`: by audience what `store.deliveries` is to remember of the files.
    """
    calendar, out, records = school.calendar, [], []
    for audience, content in files.items():
        if not content:
            continue
        done = delivery.deliver(
            site.home.drive,
            school.id,
            audience,
            calendar.year_names[calendar.year[day]],
            calendar.date(day),
            what,
            content,
            run=run,
            policy=f"{school.policy.name} {school.policy.version}",
            as_at=site.register_as_at(school),
        )
        out.append(done.path)
        held = (holds or {}).get(audience, {})
        records.append((done.path.relative_to(site.home.drive).as_posix(), done.manifest_sha256, held))
    with site.warehouse.begin(school.id) as conn:
        for path, manifest, held in records:
            deliveries.record_delivery(conn, school.id, path, what, calendar.date(day), manifest, held)
    return tuple(out)


def letters(site: Site, run: str) -> list[Made]:
    """The batch of the latest letter day, when it was not delivered yet, or again on that day; and what is held.

    A batch holds what came to be proposed since the batch before it, so that a letter day on which the machine was off
    is made up for by the next night.
    """
    out = []
    for school in site.schools():
        found = newest(site, school)
        if found is None:
            continue
        calendar = school.calendar
        day = latest_letter_day(calendar, found[1], site.home.letter_day)
        with site.warehouse.read() as conn:
            delivered = deliveries.read_deliveries(conn, school.id, "letters")
            before = {d["day"] for d in delivered}
            readiness = Readiness(conn, school)
            stored = with_pupils(conn, school.id, ledger.read_ledger(conn, school.id, machines=MACHINES))
            paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
            log: dict[int, list[LogEntry]] = defaultdict(list)
            for entry in log_entries(current_interventions(conn, school.id)):
                log[entry.person_id].append(entry)
        if day < 0 or (day < found[1] and calendar.date(day) in before):
            out.append(Made(school.id, "letters", 0, note="no letter day"))
            continue
        after = max((d for d in before if d < calendar.date(day)), default=None)
        rows = [LedgerRow.from_store(r, calendar) for r in stored]
        printed = due(rows, after, calendar.date(day))
        if day < found[1] and not printed:
            out.append(Made(school.id, "letters", 0, note="no letter day"))
            continue
        inputs = BatchInputs(
            school_id=school.id,
            date=calendar.date(day),
            rows=printed,
            held=[r for r in rows if r.state == "held"],
            pupils=paper,
            letterhead=letterhead_of(school),
            templates=Templates(site.home.letter_templates),
            layout=site.home.layout,
            household=school.policy.setting.letters.household,
            log=log,
            penalty_notices=school.policy.setting.penalty_notices,
            authority=school.local_authority_name or "",
            not_ready=readiness.on(int(found[0].plan.ladder["cut"][day])).words,
            withdrawn=withdrawn(rows, delivered, calendar.date(day)),
        )
        batch = build_batch(inputs)
        if earlier := there_already(delivered, calendar.date(day), site.home.drive):
            # Who works with the first folder of a day has its letters already: another holds what is new, and no more.
            fresh, other_lists = news(batch, earlier)
            if not fresh and not other_lists:
                out.append(Made(school.id, "letters", 0, note="delivered already"))
                continue
            batch = build_batch(replace(inputs, rows=[r for r in printed if r.reference in fresh]))
        audiences = class_audiences(batch.classes)
        files = {"office": batch.office, "restricted": batch.restricted}
        files |= {audiences[name]: content for name, content in batch.classes.items()}
        folders = put(site, school, day, "letters", files, run, {"office": hashes(batch)})
        out.append(Made(school.id, "letters", batch.letters, folders, f"{batch.held} held"))
    return out


def _names(site: Site, school: School, whole: Derived) -> dict[int, tuple[str, str]]:
    with site.warehouse.read() as conn:
        paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
    out = {}
    for row, person in enumerate(whole.inputs.pupils.pupil_id):
        pupil = paper[int(person)]
        out[row] = (f"{pupil.first_name} {pupil.surname}", f"{pupil.surname} {pupil.first_name}")
    return out


def worklists(site: Site, run: str) -> list[Made]:
    """Every owner's list of the newest day."""
    out = []
    for school in site.schools():
        found = newest(site, school)
        if found is None:
            continue
        whole, day = found
        calendar = school.calendar
        listed = tasks_of(whole)
        names = {row: name for row, (name, _) in _names(site, school, whole).items()}
        facts, forms = pupil_facts(whole, day, names), notifications(site, school, whole.inputs, day)
        notified = None if forms is None else notification_list(forms, facts, day)
        unresolved = [
            UnresolvedMark(p, calendar.date(d), half, age, of_session(forms, p, d, half))
            for p, d, half, age in find_unresolved(whole.inputs.marks, whole.inputs.pupils, calendar, day)
        ]
        on_roll = whole.inputs.pupils.on_roll(day)
        made = build_worklists(
            [Task.from_derived(t, reason=of_phone_call(forms, t)) for t in listed],
            facts,
            unresolved,
            school=school.name,
            class_names=sorted({str(c) for c in whole.inputs.pupils.class_name[on_roll] if c}),
            calendar=calendar,
            day=calendar.date(day),
            resolve_n_school_days=school.policy.setting.statutory.resolve_n_school_days,
            notifications=notified,
            gone_entries=_gone_entries(site, school, whole),
            letters=_waiting_letters(site, school, whole),
        )
        folders = put(site, school, day, "worklists", made.files, run)
        open_now = sum(c.open for c in made.counts.values())
        overdue = sum(c.overdue for c in made.counts.values())
        note = f"{open_now} open, {overdue} overdue" + (f", {notified.to_do} of forms" if notified else "")
        out.append(Made(school.id, "worklists", len(made.files), folders, note))
    return out


def _waiting_letters(site: Site, school: School, whole: Derived) -> list[Task]:
    """Letters that wait for somebody to approve or reject them, or to send them."""
    calendar, row_of = school.calendar, {int(person): row for row, person in enumerate(whole.inputs.pupils.pupil_id)}
    kinds = {f"letter_{state}": state for state in ("proposed", "approved")}
    with site.warehouse.read() as conn:
        stored = with_pupils(conn, school.id, ledger.read_ledger(conn, school.id, machines=MACHINES))
    out = []
    for kind in shipped_catalogue().tasks:
        for row in (LedgerRow.from_store(r, calendar) for r in stored):
            since = row.entered if row.state == "proposed" else row.acted_on or row.changed_on
            if row.person_id not in row_of or row.state != kinds.get(kind.on) or since is None:
                continue
            due = calendar.on_or_after(since) + (kind.due_school_days or 0)
            out.append(
                Task(
                    owner=kind.owner,
                    task=f"{kind.task}: {KINDS[row.kind].title}",
                    opened_on=since,
                    due_on=calendar.date(due) if due < len(calendar) else None,
                    pupil=row_of[row.person_id],
                    reference=row.reference,
                )
            )
    return out


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


def class_lists(site: Site, run: str) -> list[Made]:
    """Each class teacher's list, and the bundle for the office."""
    out = []
    for school in site.schools():
        found = newest(site, school)
        if found is None:
            continue
        whole, day = found
        with site.warehouse.read() as conn:
            classes = current_classes(conn, school.id)
        teachers = {c["class"]: c["teacher"] for c in classes.to_dict("records")}
        files = build_class_lists(
            class_list_pupils(whole, day, _names(site, school, whole)),
            school=school.name,
            teachers=teachers,
            day=school.calendar.date(day),
            policy=f"{school.policy.name} {school.policy.version}",
            as_at=school.calendar.date(day).isoformat(),
        )
        folders = put(site, school, day, "classes", files, run)
        out.append(Made(school.id, "classes", len(files) - 1, folders))
    return out


def governors(site: Site, key: str, run: str) -> list[Made]:
    """The governor report of a half-term, in every school whose calendar has it and that has marks in it."""
    out = []
    for school in site.schools():
        found, half = newest(site, school), half_term(school, key)
        if found is None or half is None or found[1] < half.first:
            continue
        end = min(half.last, found[1])
        start = int(school.calendar.year_start[end])
        files = governor_report(
            GovernorInputs.from_derived(
                derived(site, school, start, end),
                half,
                school_name=school.name,
                phase=school.phase,
                local_authority=school.local_authority,
                as_at=school.calendar.date(end).isoformat(),
            )
        )
        folders = put(site, school, end, "governors", {"governors": files}, run)
        out.append(Made(school.id, "governors", len(files), folders))
    return out
