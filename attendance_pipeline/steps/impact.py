"""Impact: what the extracts loaded since the last report have changed, told once to the data manager.

Belongs here: which marks, pages and letters a report speaks of, and remembering that it has. Not here: how a change is
shown (`reports/impact.py`).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.letters.answering import slots
from attendance_pipeline.letters.from_ladder import OccasionReader
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.letters.ledger_rows import MACHINES, LedgerRow
from attendance_pipeline.register.history import amendments
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_pupils
from attendance_pipeline.register.statements import SESSIONS
from attendance_pipeline.reports.impact import (
    OWED,
    WOULD_NOT_BE_SENT,
    Change,
    Impact,
    LetterNote,
    Mark,
    case_changes,
    impact_workbook,
    stage_changes,
)
from attendance_pipeline.steps.deliver import Made, put
from attendance_pipeline.steps.restate import derived, newest_done, replayed_from
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import ledger
from attendance_pipeline.store.derived import read_pages
from attendance_pipeline.store.extracts import list_extracts
from attendance_pipeline.store.impact import former_pages, reported, reported_upto
from attendance_pipeline.store.pages import unpack_page

_COMPARE = {"stages": stage_changes, "penalty_notices": case_changes}


def impact(site: Site, run: str) -> list[tuple[Made, Impact]]:
    """One report for each school where something that was derived before reads otherwise now.

    The first time a school is run there is nothing to compare with: nothing is delivered.
    """
    return [_impact(site, school, run) for school in site.schools()]


def _impact(site: Site, school: School, run: str) -> tuple[Made, Impact]:
    newest = newest_done(site, school)
    with site.warehouse.read() as conn:
        upto = reported_upto(conn, school.id)
        loaded = max((e.id for e in list_extracts(conn, school.id)), default=0)
        found = Impact((), (), (), (), ())
        if upto is not None and newest is not None:
            found = _found(site, school, conn, upto, newest)
            paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
    folders: tuple[Path, ...] = ()
    if found and newest is not None:
        names = {person: {"pupil": p.full_name, "class": p.class_name} for person, p in paper.items()}
        book = impact_workbook(found, names, school.name, school.calendar.date(newest))
        folders = put(site, school, newest, "impact", {"data-manager": {"impact.xlsx": book}}, run)
    # Delivered first: a run that is killed in between tells the same once more.
    with site.warehouse.begin(school.id) as conn:
        reported(conn, school.id, loaded)
    told = ", ".join(f"{count} {what}" for what, count in found.counts.items() if count)
    return Made(school.id, "impact", len(found.stages) + len(found.cases), folders, told or "nothing changed"), found


def _found(site: Site, school: School, conn: Connection, upto: int, newest: int) -> Impact:
    marks = _marks(conn, school, upto, newest)
    stages: dict[tuple[int, str], Change] = {}
    cases: dict[tuple[int, str], Change] = {}
    days: set[dt.date] = set()
    former = former_pages(conn, school.id)
    for table, into in (("stages", stages), ("penalty_notices", cases)):
        now = read_pages(conn, school.id, table)
        for (day, kind), page in former.items():
            if kind != table or day not in now or now[day] == page:
                continue
            days.add(day)
            of_day = _COMPARE[table](day, unpack_page(page), unpack_page(now[day]))
            # Of each pupil the newest day that differs is told: days come in order.
            into.update({(c.person_id, c.what): c for c in of_day})
    changed = Impact(marks, sorted(days), list(stages.values()), list(cases.values()), ())
    return Impact(
        marks, changed.days_changed, changed.stages, changed.cases, _letters(site, school, conn, changed, newest)
    )


def _marks(conn: Connection, school: School, upto: int, newest: int) -> list[Mark]:
    found = amendments(conn, school.id, school.calendar.days[: newest + 1])
    new = np.array([e.id > upto for e in found.extracts], dtype=bool)
    out = []
    for i in np.flatnonzero(new[found.extract]) if len(new) else []:
        extract = found.extracts[found.extract[i]]
        out.append(
            Mark(
                person_id=int(found.person[i]),
                date=found.day[i].astype(object),
                session=SESSIONS[found.session[i]],
                old_code=CODES.codes[found.old_code[i]],
                new_code=CODES.codes[found.new_code[i]],
                recorded_on=extract.key.recorded_on,
                extract=extract.key.file_name,
                line=int(found.line[i]),
            )
        )
    return out


def _letters(site: Site, school: School, conn: Connection, changed: Impact, newest: int) -> list[LetterNote]:
    """Letters of pupils whose case is another now: sent and not supported any more, or owed since an earlier day."""
    if not changed.pupils:
        return []
    calendar = school.calendar
    start, today = int(calendar.year_start[newest]), calendar.date(newest)
    occasions = OccasionReader(derived(site, school, replayed_from(school, newest), newest)).on(newest).occasions
    within = school.policy.setting.letters.answered_within_school_days
    rows = [
        row
        for r in with_pupils(conn, school.id, ledger.read_ledger(conn, school.id, machines=MACHINES))
        if r["person_id"] in changed.pupils and (row := LedgerRow.from_store(r, calendar)).day >= start
    ]
    out = []
    for person, kind, contact in sorted({(r.person_id, r.kind, r.contact_id) for r in rows}):
        mine = [r for r in rows if (r.person_id, r.kind, r.contact_id) == (person, kind, contact)]
        asked = [o for o in occasions if (o.person_id, o.kind) == (person, kind)]
        for slot in slots(asked, mine, within):
            if slot.row is None:
                continue
            if slot.occasion is None and slot.row.state == "sent":
                out.append(_note(slot.row, WOULD_NOT_BE_SENT))
            if slot.row.state in ("proposed", "held") and slot.row.proposed_on == today and slot.day < newest:
                out.append(_note(slot.row, OWED))
    return out


def _note(row: LedgerRow, why: str) -> LetterNote:
    return LetterNote(row.person_id, row.reference, row.kind, row.opening_day, why)
