"""The parents' forms of an academic year, matched with pupils and put beside the marks.

Belongs here: turning stored rows into the records of `derive/matching.py`, and the words of a form on other lists. Not
here: any rule; any SQL. What comes of it is stored nowhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.matching import Form, PupilName, Roll
from attendance_pipeline.derive.notifications import Notifications
from attendance_pipeline.derive.tasks import Task
from attendance_pipeline.home import School
from attendance_pipeline.law.task_catalogue import shipped_catalogue
from attendance_pipeline.register.roll import NOBODY, WITHDRAWN, current_notifications, current_pupils
from attendance_pipeline.reports.notifications import form_words
from attendance_pipeline.steps.site import Site


def notifications(site: Site, school: School, inputs: SchoolInputs, day: int) -> Notifications | None:
    """What parents notified in the academic year of a school day; None where no form came: the school has none.

    Matched once in a run: worklists and the board both ask.
    """
    key = ("forms", school.id, site.register_version(school), int(inputs.calendar.year_start[day]))
    return site.remember(key, lambda: _matched(site, school, inputs, day))


def notifications_with(
    site: Site,
    school: School,
    inputs: SchoolInputs,
    day: int,
    more: Sequence[Mapping[str, Any]],
    unmarked: frozenset[tuple[int, int]],
) -> Notifications | None:
    """As `notifications`, with forms that are not loaded yet (data of records) and sessions that have not been."""
    upns = {str(upn): row for row, upn in enumerate(inputs.pupils.upn)}
    forms = [_fresh_form(data, upns) for data in more if not data.get(WITHDRAWN)]
    found = _matched(site, school, inputs, day, forms)
    return None if found is None else replace(found, unmarked=unmarked)


def _matched(
    site: Site, school: School, inputs: SchoolInputs, day: int, more: Sequence[Form] = ()
) -> Notifications | None:
    with site.warehouse.read() as conn:
        sent, pupils = current_notifications(conn, school.id), current_pupils(conn, school.id)
    begins = inputs.calendar.date(int(inputs.calendar.year_start[day]))
    row_of = {int(person): row for row, person in enumerate(inputs.pupils.pupil_id)}
    every = dict.fromkeys([*(_form(f, row_of) for f in sent.to_dict("records")), *more])  # one that came twice is one
    forms = [form for form in every if form.last >= begins]
    if not forms:
        return None
    roll = Roll(inputs.pupils, _names(pupils, row_of), inputs.calendar)
    return Notifications(inputs, [roll.match(form) for form in forms])


def of_session(found: Notifications | None, pupil: int, day: int, session: str) -> str:
    """Whether a form speaks of a session (AM or PM), in words; blank where the school has no forms."""
    return "" if found is None else form_words(found, pupil, day, [("AM", "PM").index(session)])


def of_phone_call(found: Notifications | None, task: Task) -> str:
    """For whoever has to phone the parents of an absent pupil: whether they have told the school; else blank."""
    if found is None or task.task not in _PHONE_CALLS:
        return ""
    words = form_words(found, task.pupil, found.inputs.calendar.on_or_before(task.opened_on))
    return f"Absence notified on the online form: {words[:1].lower()}{words[1:]}"


_PHONE_CALLS = frozenset(kind.task for kind in shipped_catalogue().tasks if kind.on == "absent_after_meeting")


def _names(pupils: pd.DataFrame, row_of: dict[int, int]) -> list[PupilName]:
    """The names of the pupils in the order of PupilTable."""
    names = [PupilName("", "")] * len(row_of)
    for p in pupils.to_dict("records"):
        row = row_of.get(int(p["person_id"]))
        if row is not None:
            names[row] = PupilName(p["forename"], p["surname"], p["preferred_forename"], _date(p["date_of_birth"]))
    return names


def _form(f: dict[Any, Any], row_of: dict[int, int]) -> Form:
    first = f["first_date"].date()
    person = int(f["person_id"])
    return Form(
        name=f["pupil_name"],
        first=first,
        last=_date(f["last_date"]) or first,
        submitted=f["submitted"],
        pupil=row_of.get(person),
        upn_given=person != NOBODY,
        class_name=f["class"],
        born=_date(f["date_of_birth"]),
        session=f["session"],
        reason=f.get("reason", ""),
        evidence=f.get("evidence", ""),
    )


def _fresh_form(data: Mapping[str, Any], upns: Mapping[str, int]) -> Form:
    first = dt.date.fromisoformat(str(data["first_date"]))
    last = data.get("last_date")
    born = data.get("date_of_birth")
    upn = str(data.get("upn") or "")
    return Form(
        name=str(data.get("pupil_name") or ""),
        first=first,
        last=dt.date.fromisoformat(str(last)) if last else first,
        submitted=str(data.get("submitted") or ""),
        pupil=upns.get(upn),
        upn_given=bool(upn),
        class_name=str(data.get("class") or ""),
        born=dt.date.fromisoformat(str(born)) if born else None,
        session=str(data.get("session") or ""),
        reason=str(data.get("reason") or ""),
        evidence=str(data.get("evidence") or ""),
    )


def _date(value: Any) -> dt.date | None:
    return None if pd.isna(value) else value.date()
