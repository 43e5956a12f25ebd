"""Classes: the weekly class lists and the fortnightly pastoral pack, gathered and delivered.

Belongs here: reading what they need. Not here: what stands on them (`reports/class_lists.py`, `reports/pastoral.py`)
and when they are due (`plan.py`).
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

from attendance_pipeline.derive.tasks import tasks_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.home import School
from attendance_pipeline.law.rounds import Round, weeks_of_year
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.register.roll import current_classes, current_interventions, current_pupils
from attendance_pipeline.reports.class_lists import build_class_lists, class_list_pupils, class_list_week
from attendance_pipeline.reports.figures import long_date, short_date
from attendance_pipeline.reports.pastoral import Entry, pastoral_files, pastoral_of
from attendance_pipeline.reports.worklist_rows import OWNERS
from attendance_pipeline.steps.deliver import Made, newest, put
from attendance_pipeline.steps.plan import (
    PASTORAL,
    PASTORAL_SCHOOL_WEEKS,
    class_list_day,
    class_lists_of,
    pastoral_round,
)
from attendance_pipeline.steps.restate import derived
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import CLASS_LISTS, each_school
from attendance_pipeline.steps.troubles import PASTORAL as PASTORAL_STEP


def class_lists(site: Site, run: str) -> list[Made]:
    """Each class teacher's list of the newest school week that has ended, and the bundle for the attendance lead.

    In the schools where one is due; where none is, somebody asked: the lists again, where they would read otherwise.
    """
    due = class_lists_of(site) or site.schools()
    return [
        made for made in each_school(site, CLASS_LISTS, lambda school: _class_lists(site, school, run), due) if made
    ]


def _class_lists(site: Site, school: School, run: str) -> Made | None:
    found, day = newest(site, school), class_list_day(site, school)
    if found is None or day is None:
        return None
    whole, calendar = found[0], school.calendar
    with site.warehouse.read() as conn:
        classes = current_classes(conn, school.id)
    still_here = whole.inputs.pupils.on_roll(found[1])
    names = {row: name for row, name in _names(site, school, whole).items() if still_here[row]}
    files = build_class_lists(
        class_list_pupils(whole, day, names, _class_teachers_tasks(whole, day)),
        class_list_week(whole, day),
        school=school.name,
        teachers={c["class"]: c["teacher"] for c in classes.to_dict("records")},
        policy=f"{school.policy.name} {school.policy.version}",
        as_at=long_date(calendar.date(day)),
    )
    folders = put(site, school, day, "classes", files, run)
    return Made(school.id, "classes", max(0, len(files) - 1), folders)


def _names(site: Site, school: School, whole: Derived) -> dict[int, tuple[str, str]]:
    """Row in PupilTable to a pupil's name, and to the name to sort by."""
    with site.warehouse.read() as conn:
        paper = pupils_on_paper(current_pupils(conn, school.id), current_classes(conn, school.id))
    out = {}
    for row, person in enumerate(whole.inputs.pupils.pupil_id):
        pupil = paper[int(person)]
        out[row] = (f"{pupil.first_name} {pupil.surname}", f"{pupil.surname} {pupil.first_name}")
    return out


def _class_teachers_tasks(whole: Derived, day: int) -> dict[int, str]:
    """By pupil the first open task of the class teacher on a day, with its date."""
    today = whole.inputs.calendar.date(day)
    mine = [t for t in tasks_of(whole) if t.owner.startswith("class-") and t.opened_on <= today]
    out: dict[int, str] = {}
    for t in sorted(mine, key=lambda t: (t.due_on or dt.date.max, t.opened_on, t.task), reverse=True):
        if t.closed_on is None or t.closed_on > today:
            due = "" if t.due_on is None else f" by {short_date(t.due_on)}"
            late = " (overdue)" if t.due_on is not None and t.due_on < today else ""
            out[t.pupil] = f"{t.task}{due}{late}"
    return out


def pastoral_packs(site: Site, run: str) -> list[Made]:
    """The pack of the newest two school weeks that have ended without one."""
    return each_school(site, PASTORAL_STEP, lambda school: _pastoral_pack(site, school, run))


def _pastoral_pack(site: Site, school: School, run: str) -> Made:
    found, weeks = newest(site, school), pastoral_round(site, school)
    if found is None or weeks is None:
        return Made(school.id, PASTORAL, 0, note="no meeting is due")
    calendar = school.calendar
    whole = found[0]
    if calendar.year_start[weeks.last] != whole.first:
        whole = derived(site, school, int(calendar.year_start[weeks.last]), weeks.last)
    still_here = found[0].inputs.pupils.on_roll(found[1])
    classes = whole.inputs.pupils.class_name
    names = {p: (name, str(classes[p])) for p, (name, _) in _names(site, school, whole).items() if still_here[p]}
    earlier = [w for w in weeks_of_year(calendar, weeks.last) if w.last < weeks.first][-PASTORAL_SCHOOL_WEEKS:]
    before = Round(earlier[0].first, earlier[-1].last) if len(earlier) == PASTORAL_SCHOOL_WEEKS else None
    pack = pastoral_of(
        whole,
        weeks,
        before,
        calendar.date(weeks.last) + dt.timedelta(weeks=PASTORAL_SCHOOL_WEEKS),
        names,
        tasks_of(whole),
        _log_entries(site, school, whole, weeks),
    )
    files = pastoral_files(
        pack,
        school=school.name,
        owners=OWNERS,
        made_from=f"Marks up to {long_date(pack.last)} · policy {school.policy.name} {school.policy.version}",
    )
    folders = put(site, school, weeks.last, PASTORAL, files, run)
    return Made(school.id, PASTORAL, len(pack.cases), folders)


def _log_entries(site: Site, school: School, whole: Derived, weeks: Round) -> list[Entry]:
    """The entries of the log that are dated in the days of a pack, weekends and breaks between them included."""
    calendar = school.calendar
    first = calendar.date(weeks.first)
    if weeks.first > calendar.year_start[weeks.first]:
        first = calendar.date(weeks.first - 1) + dt.timedelta(days=1)  # also what was done in the break before
    last = calendar.date(weeks.last)
    row_of = {int(person): row for row, person in enumerate(whole.inputs.pupils.pupil_id)}
    with site.warehouse.read() as conn:
        log = current_interventions(conn, school.id)
    return [
        Entry(
            pupil=row_of[int(e["person_id"])],
            date=e["date"].date(),
            action=e["action"],
            stage=None if pd.isna(e["stage"]) else int(e["stage"]),
            **{name: str(e.get(name) or "") for name in ("barrier", "agency", "outcome", "by")},
        )
        for e in log.to_dict("records")
        if not pd.isna(e["date"]) and first <= e["date"].date() <= last and int(e["person_id"]) in row_of
    ]
