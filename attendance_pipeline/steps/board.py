"""Board: the attendance lead's page and each class teacher's, made anew every night in the same place.

Belongs here: gathering what a board shows from the warehouse. Not here: what stands on it (`reports/board.py`), today's
rows of each owner (`worklists.py`), and how a file gets to the drive (`delivery.py`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from attendance_pipeline import delivery
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.home import School
from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.letters.ledger_rows import LedgerRow
from attendance_pipeline.register.roll import current_classes, current_interventions, current_pupils
from attendance_pipeline.reports.board import BoardInputs, Contact, LetterShown, board_files
from attendance_pipeline.reports.worklist_rows import owner_lists
from attendance_pipeline.steps import benchmarks
from attendance_pipeline.steps.deliver import Made, finish_begun, newest
from attendance_pipeline.steps.provenance import MarkSources
from attendance_pipeline.steps.secret import reference_key
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import BOARD, each_school
from attendance_pipeline.steps.worklists import ledger_of_run, worklist_day
from attendance_pipeline.store import deliveries

WHAT = "board"
_KEY_LENGTH = 10  # of 40 bits: two of a school's pupils would share one once in a million schools


def boards(site: Site, run: str) -> list[Made]:
    """The pages of the newest day, for every school, in place of those of the night before."""
    return [made for made in each_school(site, BOARD, lambda school: _board(site, school, run)) if made]


def _board(site: Site, school: School, run: str) -> Made | None:
    found = newest(site, school)
    if found is None:
        return None
    whole, day = found
    with site.warehouse.read() as conn:
        before = deliveries.read_deliveries(conn, school.id, WHAT)
        persons = whole.inputs.pupils.pupil_id
        found_in = MarkSources(conn, school, persons.tolist())
        given = replace(
            board_inputs(site, school, whole, day),
            source=lambda row, date, session: found_in(int(persons[row]), date, session),
        )
        files = board_files(given, [d["path"].split("/")[1] for d in before])
    folders = _put(site, school, day, files, run)
    size = sum(len(content) for page in files.values() for content in page.values())
    return Made(school.id, WHAT, len(files), folders, f"{size / 1e6:.1f} MB")


def _put(site: Site, school: School, day: int, files: Mapping[str, Mapping[str, bytes]], run: str) -> tuple[Path, ...]:
    """Each audience's page in its place; remembered, so that the page of a class that ends is emptied."""
    finish_begun(site, school.id)
    calendar, out = school.calendar, []
    as_at = site.register_as_at(school)
    for audience, content in files.items():
        done = delivery.deliver_in_place(
            site.home.drive,
            school.id,
            audience,
            calendar.year_names[calendar.year[day]],
            calendar.date(day),
            WHAT,
            content,
            run=run,
            policy=f"{school.policy.name} {school.policy.version}",
            as_at=as_at,
        )
        out.append((done.path, done.manifest_sha256))
    with site.warehouse.begin(school.id) as conn:
        for path, manifest in out:
            relative = path.relative_to(site.home.drive).as_posix()
            deliveries.record_delivery(conn, school.id, relative, WHAT, calendar.date(day), manifest)
    return tuple(path for path, _ in out)


def board_inputs(site: Site, school: School, whole: Derived, day: int) -> BoardInputs:
    """What the board of a school shows on a derived day."""
    with site.warehouse.read() as conn:
        classes = current_classes(conn, school.id)
        paper = pupils_on_paper(current_pupils(conn, school.id), classes)
        log = current_interventions(conn, school.id)
    row_of = {int(person): row for row, person in enumerate(whole.inputs.pupils.pupil_id)}
    return BoardInputs(
        derived=whole,
        day=day,
        school=school.name,
        names={
            row: (f"{(p := paper[person]).first_name} {p.surname}", f"{p.surname} {p.first_name}")
            for person, row in row_of.items()
        },
        keys=keys_of(site, whole),
        as_at=site.register_as_at(school),
        teachers={str(name): ", ".join(rows["teacher"]) for name, rows in classes.groupby("class")},  # some have two
        letters=_letters(ledger_of_run(site, school), row_of, school, day),
        contacts=_contacts(log, row_of, school, day),
        published=benchmarks.load(site.home).compare(school.calendar.date(day), school.phase, school.local_authority),
        lists=owner_lists(worklist_day(site, school, whole, day)),
    )


def keys_of(site: Site, whole: Derived) -> dict[int, str]:
    """By row a sign that stays the pupil's from night to night and says nothing: it stands in the page's address."""
    secret = reference_key(site.home.state)
    return {
        row: hmac.new(secret, f"board {upn}".encode(), hashlib.sha256).hexdigest()[:_KEY_LENGTH]
        for row, upn in enumerate(whole.inputs.pupils.upn)
    }


def _letters(rows: list[LedgerRow], row_of: Mapping[int, int], school: School, day: int) -> list[LetterShown]:
    """The letters of the academic year; those given up before anybody saw them too, since they say why none went."""
    begins = school.calendar.date(int(school.calendar.year_start[day]))
    return [
        LetterShown(
            pupil=row_of[r.person_id],
            kind=r.kind,
            title=KINDS[r.kind].title,
            state=r.state,
            day=on,
            to=" ".join(str(r.recipient.get(part) or "") for part in ("title", "forename", "surname")).strip(),
            reason=r.reason,
            reference=r.reference,
            stage=r.stage or None,
        )
        for r in rows
        if r.person_id in row_of and (on := _since(r)) >= begins
    ]


def _since(row: LedgerRow) -> dt.date:
    """The day a letter went, or since when it is in its state."""
    moved = max((d for d in (row.entered, row.changed_on, row.acted_on) if d is not None), default=row.proposed_on)
    return row.sent_on or moved


def _contacts(log: pd.DataFrame, row_of: Mapping[int, int], school: School, day: int) -> list[Contact]:
    """The entries of the intervention log of the academic year up to the day, without their free notes."""
    calendar = school.calendar
    begins, today = calendar.date(int(calendar.year_start[day])), calendar.date(day)
    out = []
    for e in log.to_dict("records"):
        if e["person_id"] not in row_of or pd.isna(e["date"]) or not begins <= e["date"].date() <= today:
            continue
        out.append(
            Contact(
                pupil=row_of[e["person_id"]],
                day=e["date"].date(),
                action=e["action"],
                stage=None if pd.isna(e["stage"]) else int(e["stage"]),
                by=e["by"],
                detail=tuple(e[name] for name in ("outcome", "barrier", "agency") if e[name]),
            )
        )
    return out
