"""Monitoring: the week's figures, patterns and register inspection, gathered and delivered.

Belongs here: reading what they need. Not here: what stands in them (`reports/monitoring_*.py`), any rule
(`derive/`), and when they are due (`plan.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from attendance_pipeline.derive.families import ContactLink, Family, families_of
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.lesson_attendance import (
    AFTERNOON,
    MORNING,
    LessonAttendance,
    LessonMarks,
    lesson_attendance,
)
from attendance_pipeline.derive.register_inspection import Looked
from attendance_pipeline.derive.tried import Entry
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.register.history import recorded_of
from attendance_pipeline.register.lessons import lessons_between
from attendance_pipeline.register.roll import current_classes, current_contacts, current_interventions, current_pupils
from attendance_pipeline.reports.figures import long_date
from attendance_pipeline.reports.monitoring_figures import MonitoringInputs, monitor
from attendance_pipeline.reports.monitoring_page import lead_page, leadership_page
from attendance_pipeline.reports.monitoring_sheets import (
    RESTRICTED_WORKBOOK,
    WORKBOOK,
    lead_workbook,
    restricted_workbook,
)
from attendance_pipeline.steps import benchmarks, troubles
from attendance_pipeline.steps.deliver import Made, newest, put
from attendance_pipeline.steps.plan import MONITORING, class_list_day, monitoring_of
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import each_school

LEAD, LEADERSHIP, RESTRICTED = "attendance-lead", "slt", "restricted"
_NOT_A_LETTER = re.compile(r"[^0-9a-z]+")


def monitoring(site: Site, run: str) -> list[Made]:
    """The monitoring of the newest school week that has ended: a workbook and a page for the attendance lead, a page
    without names for the leadership.

    In the schools where one is due; where none is, somebody asked: again, where it would read otherwise.
    """
    due = monitoring_of(site) or site.schools()
    return [made for made in each_school(site, troubles.MONITORING, lambda s: _monitoring(site, s, run), due) if made]


def _monitoring(site: Site, school: School, run: str) -> Made | None:
    found, day = newest(site, school), class_list_day(site, school)
    if found is None or day is None:
        return None
    made = monitor(monitoring_inputs(site, school, found[0], day))
    files = {
        LEAD: {WORKBOOK: lead_workbook(made), **lead_page(made)},
        LEADERSHIP: leadership_page(made),
    }
    if (restricted := restricted_workbook(made)) is not None:
        files[RESTRICTED] = {RESTRICTED_WORKBOOK: restricted}
    folders = put(site, school, day, MONITORING, files, run)
    return Made(school.id, MONITORING, len(made.pupils), folders)


def monitoring_inputs(site: Site, school: School, whole: Derived, day: int) -> MonitoringInputs:
    """Everything that the monitoring of the week to a derived day reads."""
    calendar, inputs = school.calendar, whole.inputs
    start = int(calendar.year_start[day])
    days = calendar.days[start : day + 1]
    persons = inputs.pupils.pupil_id
    row_of = {int(person): row for row, person in enumerate(persons)}
    with site.warehouse.read() as conn:
        paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
        contacts = current_contacts(conn, school.id)
        log = current_interventions(conn, school.id)
        recorded = recorded_of(conn, school.id, days, persons)
        lessons = lessons_between(conn, school.id, calendar.date(start), calendar.date(day))
    minutes = np.full((len(inputs), len(calendar), 2), -1, dtype=np.int32)
    minutes[:, start : day + 1] = recorded.minutes
    limits = school.quality
    return MonitoringInputs(
        school_name=school.name,
        phase=school.phase,
        derived=whole,
        day=day,
        names={
            row: (f"{p.first_name} {p.surname}", f"{p.surname} {p.first_name}")
            for person, row in row_of.items()
            if (p := paper[person])
        },
        families=families_in(contacts, row_of),
        entries=list(_entries(log, row_of)),
        looked=Looked(tuple(limits.half_day_year_groups), limits.own_school_days),
        published=benchmarks.load(site.home).compare(calendar.date(day), school.phase, school.local_authority),
        as_at=f"up to {long_date(calendar.date(day))}",
        minutes=minutes,
        recorded=recorded.first,
        lessons=lessons_in(school, inputs, lessons, row_of),
    )


def families_in(contacts: pd.DataFrame, row_of: dict[int, int]) -> list[Family]:
    """Families from contacts who have parental responsibility or live with the pupil, and whom no court keeps away.

    A person is the same where contact id and name are: some systems number the contacts of each pupil from 1.
    """
    links = []
    for c in contacts.to_dict("records"):
        row = row_of.get(int(c["person_id"]))
        near = _yes(c["parental_responsibility"]) or _yes(c["lives_with_pupil"])
        if row is None or not near or _yes(c["court_restriction"]):
            continue
        name = _plain(c["forename"], c["surname"])
        home = _plain(*(c[k] for k in ("address_1", "address_2", "address_3")))
        postcode = _plain(c["postcode"])
        links.append(
            ContactLink(
                pupil=row,
                person=f"{c['contact_id']}|{name}" if c["forename"] and c["surname"] and c["contact_id"] else "",
                address=f"{home}|{postcode}" if home and postcode and _yes(c["lives_with_pupil"]) else "",
            )
        )
    return families_of(links)


def _yes(value: Any) -> bool:
    return not pd.isna(value) and bool(value)


def _plain(*parts: str) -> str:
    return _NOT_A_LETTER.sub(" ", " ".join(parts).casefold()).strip()


def _entries(log: pd.DataFrame, row_of: dict[int, int]) -> Iterator[Entry]:
    for e in log.to_dict("records"):
        row = row_of.get(int(e["person_id"]))
        if row is None or pd.isna(e["date"]):
            continue
        yield Entry(
            pupil=row,
            day=e["date"].date(),
            action=e["action"],
            stage=None if pd.isna(e["stage"]) else int(e["stage"]),
            barrier=str(e["barrier"]).strip(),
            agency=str(e["agency"]).strip(),
            outcome=str(e["outcome"]).strip(),
            note=str(e["note"]).strip(),
        )


def lessons_in(
    school: School, inputs: SchoolInputs, lessons: pd.DataFrame, row_of: dict[int, int]
) -> LessonAttendance | None:
    """Lesson marks beside the register; None where there are none."""
    if lessons.empty:
        return None
    of_upn = {
        str(upn): row_of[int(person)] for upn, person in zip(inputs.pupils.upn, inputs.pupils.pupil_id, strict=True)
    }
    index = {d: i for i, d in enumerate(school.calendar.days.tolist())}
    pupil = lessons["upn"].map(of_upn)
    day = lessons["date"].map(index)
    code = lessons["code"].map(CODES.number)
    kept = (pupil.notna() & day.notna() & code.notna()).to_numpy()
    if not kept.any():
        return None
    said = dict.fromkeys(school.lessons.morning, MORNING) | dict.fromkeys(school.lessons.afternoon, AFTERNOON)
    marks = LessonMarks(
        pupil=pupil[kept].to_numpy().astype(np.int64),
        day=day[kept].to_numpy().astype(np.int64),
        period=lessons["period"][kept].astype(str).to_numpy(dtype=object),
        subject=lessons["subject"][kept].astype(str).str.strip().to_numpy(dtype=object),
        code=code[kept].to_numpy().astype(np.int64),
    )
    return lesson_attendance(inputs, marks, said)
