"""Deliver: the newest day's letters and a half-term's report, put on the shared drive.

Belongs here: gathering what each kind of delivery needs, and to which audience it goes. Not here: what stands in a file
(`letters/`, `reports/`) or how files get there (`delivery.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from attendance_pipeline import delivery
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.home import School
from attendance_pipeline.letters.batch import BatchInputs, build_batch, due, latest_letter_day
from attendance_pipeline.letters.from_roll import log_entries, pupils_on_paper
from attendance_pipeline.letters.ledger_rows import MACHINES, LedgerRow, LogEntry
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_interventions, current_pupils
from attendance_pipeline.reports.governor import GovernorInputs, governor_report
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
