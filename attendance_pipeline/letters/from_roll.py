"""What the ledger and a batch ask of the roll: facts of pupils, recipients, the intervention log.

Belongs here: reading the frames of `register.roll` in the ledger's words. Does not belong here: any SQL, who is a
recipient (`recipients`), deciding on letters.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from attendance_pipeline.law.compulsory_age import compulsory_school_age
from attendance_pipeline.letters.batch_lists import PupilOnPaper
from attendance_pipeline.letters.ledger_rows import LogEntry, PupilFacts
from attendance_pipeline.letters.recipients import recipients_of


def pupil_facts(pupils: pd.DataFrame, contacts: pd.DataFrame, day: dt.date) -> dict[int, PupilFacts]:
    """By person id, as of a day, from `current_pupils` and `current_contacts`."""
    of_pupil: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for contact in contacts.to_dict("records"):
        of_pupil[int(contact["person_id"])].append({str(name): value for name, value in contact.items()})
    found: dict[int, PupilFacts] = {}
    for pupil in pupils.to_dict("records"):
        leaves, born = _date(pupil["leaving_date"]), _date(pupil["date_of_birth"])
        first, last = compulsory_school_age(born) if born is not None else (dt.date.max, dt.date.min)
        found[int(pupil["person_id"])] = PupilFacts(
            recipients=recipients_of(of_pupil[int(pupil["person_id"])]),
            class_name=pupil["class"],
            looked_after=_yes(pupil["looked_after"]),
            left=leaves is not None and leaves < day,
            compulsory_age=first <= day <= last,
        )
    return found


def pupils_on_paper(pupils: pd.DataFrame, classes: pd.DataFrame) -> dict[int, PupilOnPaper]:
    """By person id, what letters and lists say of a pupil; several teachers of a class are named together."""
    teachers: dict[str, list[str]] = defaultdict(list)
    for taught in classes.to_dict("records"):
        if taught["teacher"] and taught["teacher"] not in teachers[taught["class"]]:
            teachers[taught["class"]].append(taught["teacher"])
    return {
        int(pupil["person_id"]): PupilOnPaper(
            first_name=pupil["preferred_forename"] or pupil["forename"],
            surname=pupil["surname"],
            class_name=pupil["class"],
            class_teacher=" and ".join(teachers.get(pupil["class"], [])),
            admission_number=pupil["admission_number"],
        )
        for pupil in pupils.to_dict("records")
    }


def log_entries(log: pd.DataFrame) -> list[LogEntry]:
    """The intervention log, from `current_interventions`; an entry without a date says nothing of letters."""
    return [
        LogEntry(
            person_id=int(entry["person_id"]),
            date=date,
            action=entry["action"],
            stage=None if pd.isna(entry["stage"]) else int(entry["stage"]),
            contact_id=entry["contact_id"],
            from_=_date(entry["from"]),
            until=_date(entry["until"]),
            by=entry["by"],
            order=order,
        )
        for order, entry in enumerate(log.to_dict("records"))
        if (date := _date(entry["date"])) is not None
    ]


def _date(value: Any) -> dt.date | None:
    return None if pd.isna(value) else value.date()


def _yes(value: Any) -> bool:
    return not pd.isna(value) and bool(value)
