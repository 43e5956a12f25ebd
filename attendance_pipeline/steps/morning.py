"""The morning: what lies in the inboxes says of today, put beside what last night knew, and on the drive.

Belongs here: reading a morning's extracts without loading them, the day as it stands at ten o'clock, and delivering its
lists. Not here: the lists (`reports/phone_list.py`), which files count (`mis/morning.py`), hours (`schedules/`).

Nothing of it is stored but the delivery with the hashes of the files it was made from: no mark, no page, no letter, no
task. The night afterwards takes the complete extract as if there had been no morning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import NO_MARK
from attendance_pipeline.mis.inbox import Dropped, look
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.morning import marks_of_day, speaks_of
from attendance_pipeline.register.identity import links_of
from attendance_pipeline.reports.figures import plural
from attendance_pipeline.reports.phone_list import MORNING_FILE, phone_lists, unexplained
from attendance_pipeline.steps.deliver import Made, put
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.morning_files import KINDS, WHAT, reader_of
from attendance_pipeline.steps.notified import notifications_with
from attendance_pipeline.steps.restate import replayed_from
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import PHONE_LIST, each_school
from attendance_pipeline.steps.worklists import gathered, whom_to_phone
from attendance_pipeline.store.persons import find_persons

NO_SCHOOL, NO_EXTRACT, NO_PUPILS = "no school day", "no register extract of today", "no pupils are known yet"


@dataclass(frozen=True)
class Morning:
    """What the inbox of a school says of a day: codes' numbers by UPN and session (0 AM, 1 PM), the forms, and the
    register extracts that speak of the day."""

    marks: Mapping[tuple[str, int], int]
    forms: Sequence[Mapping[str, Any]]
    files: Sequence[Dropped]


def read_morning(school: School, today: dt.date, settle_seconds: float = 2.0) -> Morning:
    """What lies in a school's inbox, read and left there. A file that somebody is writing is left out."""
    mapped = None if school.column_map is None else MappedFormat(school.mis, school.column_map)
    pattern, made_on = (mapped.kind_and_day, mapped.made_on) if mapped else (None, None)
    found = [f for f in look(school.inbox, settle_seconds, pattern, made_on).dropped if f.kind in KINDS]
    reader = reader_of(school)
    registers = [r for r in reader.read("register", found) if speaks_of(r, today)]
    keys = {r.key for r in registers}
    forms = [dict(record.data) for r in reader.read("notifications", found) for record in r.records]
    return Morning(marks_of_day(registers, today), forms, [f for f in found if f.key in keys])


def tell_morning(
    site: Site, today: dt.date, run: str, schools: Sequence[str] = (), settle_seconds: float = 2.0
) -> list[Made]:
    """This morning's lists of these schools (none: of all), where an extract of today lies in the inbox."""
    wanted = [s for s in site.schools() if not schools or s.id in schools]
    return each_school(site, PHONE_LIST, lambda school: _tell(site, school, today, run, settle_seconds), wanted)


def _tell(site: Site, school: School, today: dt.date, run: str, settle_seconds: float) -> Made:
    day = school.calendar.index(today)
    if day is None:
        return Made(school.id, WHAT, 0, note=NO_SCHOOL)
    morning = read_morning(school, today, settle_seconds)
    if not morning.files:
        return Made(school.id, WHAT, 0, note=NO_EXTRACT)
    known = school_inputs(site, school)
    if not len(known):
        return Made(school.id, WHAT, 0, note=NO_PUPILS)
    marks, strangers = _with_morning(site, school, known.marks, known.pupils.pupil_id, day, morning)
    inputs = replace(known, marks=marks)
    whole = derive_school(inputs, replayed_from(school, day), day)
    # An afternoon that has not been is no register that was not taken.
    to_come = frozenset((day, half) for half in range(2) if not (marks[:, day, half] != NO_MARK).any())
    forms = notifications_with(site, school, inputs, day, morning.forms, to_come)
    # What is remembered in a run is of what is stored; this day is not.
    with Site(site.home) as apart:
        given = gathered(apart, school, whole, day, forms)
    pupils = [m.pupil for m in unexplained(given) if isinstance(m.pupil, int)]
    contacts, wary = whom_to_phone(site, school, whole, day, pupils)
    made = phone_lists(given, contacts, frozenset(wary))
    holds = {"office": {f.key.sha256: MORNING_FILE for f in morning.files}}
    folders = put(site, school, day, WHAT, made.files, run, holds)
    note = f"{plural(made.phone, 'call')} of the headteacher"
    if strangers:
        note += f", {plural(strangers, 'pupil')} of the extract not known yet"
    return Made(school.id, WHAT, made.to_call, folders, note)


def _with_morning(
    site: Site, school: School, marks: np.ndarray, persons: np.ndarray, day: int, morning: Morning
) -> tuple[np.ndarray, int]:
    """The marks with the morning's in place of what is known of the day, and how many of its pupils nobody knows."""
    names = sorted({upn for upn, _ in morning.marks})
    with site.warehouse.read() as conn:
        known = find_persons(conn, names)
        links = links_of(conn, school.id)
    numbers = links.stand_for(np.array([known.get(n, 0) for n in names], dtype=np.int64))
    row_of = {int(person): row for row, person in enumerate(persons)}
    rows = {name: row_of.get(int(number)) for name, number in zip(names, numbers, strict=True)}
    out = marks.copy()
    for (name, half), code in morning.marks.items():
        if (row := rows[name]) is not None:
            out[row, day, half] = code
    return out, sum(row is None for row in rows.values())
