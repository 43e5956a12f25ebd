"""Impact: what the extracts loaded since the last report have changed, told once to the data manager.

Belongs here: which marks, pages and letters a report speaks of, and remembering that it has. Not here: how a change is
shown (`reports/impact.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import CODES, NO_MARK
from attendance_pipeline.letters.answering import slots
from attendance_pipeline.letters.from_ladder import OccasionReader
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.letters.ledger_rows import MACHINES, LedgerRow
from attendance_pipeline.letters.occasions import Occasion
from attendance_pipeline.register.history import Said, amendments_in, fold_marks, provenance_as_at, read_statements
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_pupils
from attendance_pipeline.register.statements import SESSIONS
from attendance_pipeline.reports.impact import (
    OWED,
    SUPPORTED_AGAIN,
    UNSUPPORTED_LETTERS,
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
from attendance_pipeline.steps.troubles import IMPACT, each_school
from attendance_pipeline.store import ledger
from attendance_pipeline.store.derived import read_pages
from attendance_pipeline.store.extracts import StoredExtract, list_extracts
from attendance_pipeline.store.impact import (
    StoredReport,
    former_pages,
    put_report,
    read_reports,
    reported,
    reported_upto,
)
from attendance_pipeline.store.pages import unpack_page

_LEVELS = 5  # of a delivery below the drive: school, audience, academic year, day, what (contract.md section 5)
_COMPARE = {"stages": stage_changes, "penalty_notices": case_changes}


def impact(site: Site, run: str) -> list[tuple[Made, Impact]]:
    """One report for each school where something that was derived before reads otherwise now.

    The first time a school is run there is nothing to compare with: nothing is delivered.
    """
    return each_school(site, IMPACT, lambda school: _impact(site, school, run))


def _impact(site: Site, school: School, run: str) -> tuple[Made, Impact]:
    newest = newest_done(site, school)
    with site.warehouse.read() as conn:
        upto = reported_upto(conn, school.id)
        loaded = max((e.id for e in list_extracts(conn, school.id)), default=0)
        found = Impact()
        if upto is not None and newest is not None:
            found = _found(site, school, conn, upto, newest)
            paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
    folders: tuple[Path, ...] = ()
    day = None if newest is None else school.calendar.date(newest)
    if found and newest is not None and day is not None:
        names = {person: {"pupil": p.full_name, "class": p.class_name} for person, p in paper.items()}
        back = None if found.earliest is None else newest - school.calendar.on_or_after(found.earliest)
        book = impact_workbook(found, names, school.name, day, back)
        folders = put(site, school, newest, "impact", {"data-manager": {"impact.xlsx": book}}, run)
    # Delivered first: a run that is killed in between tells the same once more.
    with site.warehouse.begin(school.id) as conn:
        for folder in folders:
            where = "/".join(folder.parts[-_LEVELS:])
            put_report(conn, school.id, day or dt.date.min, where, found.without_names())
        reported(conn, school.id, loaded, day)
    told = ", ".join(f"{count} {what}" for what, count in found.counts.items() if count)
    return Made(school.id, "impact", len(found.stages) + len(found.cases), folders, told or "nothing changed"), found


def reports(site: Site, school_id: str | None = None, after: Mapping[str, int] | None = None) -> list[StoredReport]:
    """Without names: each school's latest report; with `after` all whose number is greater than that of the school."""
    out = []
    with site.warehouse.read() as conn:
        for school in site.schools(school_id):
            found = read_reports(conn, school.id, 0 if after is None else after.get(school.id, 0))
            out += found[-1:] if after is None else found
    return out


def _found(site: Site, school: School, conn: Connection, upto: tuple[int, dt.date | None], newest: int) -> Impact:
    marks, late = _marks(conn, school, *upto, newest)
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
    changed = Impact(marks, sorted(days), list(stages.values()), list(cases.values()), late=late)
    return replace(changed, letters=_letters(site, school, conn, changed, newest))


def _marks(
    conn: Connection, school: School, upto: int, told: dt.date | None, newest: int
) -> tuple[list[Mark], list[Mark]]:
    """The amendments that extracts after `upto` made; and first marks that they gave to days before `told`."""
    days = school.calendar.days[: newest + 1]
    if not any(e.id > upto for e in list_extracts(conn, school.id, "register")):
        return [], []
    rows = read_statements(conn, school.id, days)
    new = np.array([e.id > upto for e in rows.extracts], dtype=bool)
    found = amendments_in(rows, days)
    changed = [
        _mark(found.extracts, *fields)
        for is_new, *fields in zip(
            new[found.extract].tolist(), found.person.tolist(), found.day.tolist(), found.session.tolist(),
            found.old_code.tolist(), found.new_code.tolist(), found.extract.tolist(), found.line.tolist(), strict=True,
        )
        if is_new
    ]  # fmt: skip
    if told is None:
        return changed, []
    persons = np.unique(rows.person)
    known = ~new[rows.extract]
    before = fold_marks(Said(rows.person[known], rows.day[known], rows.code[known]), persons, len(days))
    now = fold_marks(rows, persons, len(days))
    # The last day that was told of may have been half taken: its afternoon comes with the next night's extract.
    late = (before == NO_MARK) & (now != NO_MARK) & (days < np.datetime64(told))[None, :, None]
    amended = {(m.person_id, m.date, m.session) for m in changed}
    if not late.any():
        return changed, []
    source = provenance_as_at(conn, school.id, days, persons)
    first = [
        _mark(source.extracts, int(persons[p]), days[d].astype(object), s, NO_MARK, int(now[p, d, s]),
              int(source.extract[p, d, s]), int(source.line[p, d, s]))
        for p, d, s in np.argwhere(late).tolist()
    ]  # fmt: skip
    return changed, [m for m in first if (m.person_id, m.date, m.session) not in amended]


def _mark(
    extracts: Sequence[StoredExtract],
    person: int,
    day: dt.date,
    session: int,
    old: int,
    new: int,
    extract: int,
    line: int,
) -> Mark:
    key = extracts[extract].key
    codes = CODES.codes
    return Mark(person, day, SESSIONS[session], codes[old], codes[new], key.recorded_on, key.file_name, line)


def _letters(site: Site, school: School, conn: Connection, changed: Impact, newest: int) -> list[LetterNote]:
    """Letters of pupils whose case is another now: sent and not supported any more (or again), and owed since an
    earlier day. Of every academic year that the correction reaches back to; each is told once."""
    if not changed.pupils:
        return []
    calendar = school.calendar
    rows = [
        LedgerRow.from_store(r, calendar)
        for r in with_pupils(conn, school.id, ledger.read_ledger(conn, school.id, machines=MACHINES))
        if r["person_id"] in changed.pupils
    ]
    last_word: dict[str, str] = {}
    for report in read_reports(conn, school.id):
        last_word |= {n["reference"]: n["counted_as"] for n in report.content["letters"]}
    out: list[LetterNote] = []
    for day in _ends_of_years(school, calendar.on_or_after(min(changed.days_changed)), newest):
        whole = derived(site, school, replayed_from(school, day), day)
        year = calendar.year[day]
        occasions = [o for o in OccasionReader(whole).on(day).occasions if o.person_id in changed.pupils]
        out += _of_year(school, occasions, [r for r in rows if calendar.year[r.day] == year], newest)
    return [n for n in out if _is_news(n, last_word.get(n.reference, ""))]


def _ends_of_years(school: School, first: int, newest: int) -> list[int]:
    """The last day up to the newest of each academic year since that of `first`."""
    ends, day = [], first
    while day <= newest:
        ends.append(min(int(school.calendar.year_end[day]), newest))
        day = ends[-1] + 1
    return ends


def _of_year(
    school: School, occasions: Sequence[Occasion], rows: Sequence[LedgerRow], newest: int
) -> Iterator[LetterNote]:
    """Every letter that was sent, with whether the marks support it; and those that are owed since an earlier day."""
    setting = school.policy.setting.letters
    calendar = school.calendar
    today = calendar.date(newest)
    answered: set[Occasion] = set()
    for person, kind, contact in sorted({(r.person_id, r.kind, r.contact_id) for r in rows}):
        mine = [r for r in rows if (r.person_id, r.kind, r.contact_id) == (person, kind, contact)]
        asked = [o for o in occasions if (o.person_id, o.kind) == (person, kind)]
        for slot in slots(asked, mine, setting.answered_within_school_days):
            if slot.row is None:
                continue
            if slot.occasion is not None:
                answered.add(slot.occasion)
            if slot.row.state == "sent" and kind in setting.kinds:
                yield _note(slot.row, SUPPORTED_AGAIN if slot.occasion else WOULD_NOT_BE_SENT)
            if slot.row.state in ("proposed", "held") and slot.row.proposed_on == today and slot.day < newest:
                yield _note(slot.row, OWED)
    for o in occasions:
        since = calendar.date(o.day)
        # Not proposed yet: days were derived again without a night.
        if o.present and o.day < newest and o not in answered and (school.go_live is None or since >= school.go_live):
            yield LetterNote(o.person_id, "", o.kind, since, OWED)


def _is_news(note: LetterNote, last_word: str) -> bool:
    """Whether a report has to say it: a letter that stands as it stood in the last report that spoke of it is none, nor
    one that was supported all along."""
    if note.why == SUPPORTED_AGAIN:
        return last_word == UNSUPPORTED_LETTERS
    return note.why == OWED or last_word != UNSUPPORTED_LETTERS


def _note(row: LedgerRow, why: str) -> LetterNote:
    return LetterNote(row.person_id, row.reference, row.kind, row.opening_day, why, row.sent_on)
