"""What the ledger and a batch ask of the roll: facts of pupils, recipients, the intervention log.

Belongs here: reading the frames of `register.roll` in the ledger's words. Does not belong here: any SQL, who is a
recipient (`recipients`), deciding on letters.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from attendance_pipeline.law.compulsory_age import compulsory_school_age
from attendance_pipeline.letters.batch_lists import PupilOnPaper
from attendance_pipeline.letters.ledger_rows import LogEntry, PupilFacts
from attendance_pipeline.letters.recipients import Recipients, address_lines, recipients_of


class RollReader:
    """Pupils and contacts, from `current_pupils` and `current_contacts`, asked for many days."""

    def __init__(self, pupils: pd.DataFrame, contacts: pd.DataFrame) -> None:
        self._contacts: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for contact in contacts.to_dict("records"):
            self._contacts[int(contact["person_id"])].append({str(name): value for name, value in contact.items()})
        self._recipients: dict[int, Recipients] = {}
        self._pupils = {
            int(pupil["person_id"]): _Pupil(
                class_name=pupil["class"],
                looked_after=not pd.isna(pupil["looked_after"]) and bool(pupil["looked_after"]),
                leaves=_date(pupil["leaving_date"]) or dt.date.max,
                compulsory=_compulsory(_date(pupil["date_of_birth"])),
            )
            for pupil in pupils.to_dict("records")
        }

    def on(self, day: dt.date, persons: Iterable[int] | None = None) -> dict[int, PupilFacts]:
        """Facts by person id, as of a day, of these pupils or of all."""
        wanted = self._pupils if persons is None else {p: self._pupils[p] for p in persons if p in self._pupils}
        return {
            person: PupilFacts(
                recipients=self._recipients_of(person),
                class_name=pupil.class_name,
                looked_after=pupil.looked_after,
                left=pupil.leaves < day,
                compulsory_age=pupil.compulsory[0] <= day <= pupil.compulsory[1],
            )
            for person, pupil in wanted.items()
        }

    def _recipients_of(self, person: int) -> Recipients:
        if person not in self._recipients:
            self._recipients[person] = recipients_of(self._contacts.get(person, ()))
        return self._recipients[person]


@dataclass(frozen=True)
class _Pupil:
    class_name: str
    looked_after: bool
    leaves: dt.date
    compulsory: tuple[dt.date, dt.date]


def _compulsory(born: dt.date | None) -> tuple[dt.date, dt.date]:
    """First and last day of compulsory school age; no day where the date of birth is not known."""
    return compulsory_school_age(born) if born is not None else (dt.date.max, dt.date.min)


def pupil_facts(pupils: pd.DataFrame, contacts: pd.DataFrame, day: dt.date) -> dict[int, PupilFacts]:
    """Facts of all pupils on one day: see `RollReader.on`."""
    return RollReader(pupils, contacts).on(day)


_NO_SEN = frozenset({"n", "no", "none", "false", "0"})


class Particulars:
    """What a referral tells the local authority of a pupil and of everybody who is a parent in law, also of those who
    get no letter: who has parental responsibility or care of the pupil (Education Act 1996, section 576)."""

    def __init__(self, pupils: pd.DataFrame, contacts: pd.DataFrame) -> None:
        self._pupils = {int(p["person_id"]): p for p in pupils.to_dict("records")}
        self._contacts: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for contact in contacts.to_dict("records"):
            self._contacts[int(contact["person_id"])].append({str(name): value for name, value in contact.items()})

    def __call__(self, person_id: int) -> tuple[dict[str, str], list[dict[str, str]]]:
        """By the names of the fields of a referral; each parent with the `contact_id` besides."""
        pupil = self._pupils[person_id]
        parents = [
            _parent(c)
            for c in sorted(self._contacts.get(person_id, ()), key=lambda c: (str(c["priority"]), str(c["contact_id"])))
            if _is_yes(c["parental_responsibility"]) or _is_yes(c["lives_with_pupil"])
        ]
        home = next((p["address"] for p in parents if p["lives_with"] == "Yes" and p["address"]), "")
        return {
            "surname": pupil["surname"],
            "date_of_birth": _iso(pupil["date_of_birth"]),
            "upn": pupil["upn"],
            "sex": pupil["sex"],
            "year_group": _year_in_words(pupil["year_group"]),
            "entry_date": _iso(pupil["entry_date"]),
            "pupil_address": home,
            "home_language": pupil["home_language"],
            "looked_after": _yes_or_no(pupil["looked_after"]),
            "social_worker": _yes_or_no(pupil["social_worker"]),
            "sen": "None" if pupil["sen"].strip().casefold() in _NO_SEN else pupil["sen"],
        }, parents


def _parent(contact: Mapping[str, Any]) -> dict[str, str]:
    names = (str(contact[name] or "").strip() for name in ("title", "forename", "surname"))
    return {
        "contact_id": str(contact["contact_id"]),
        "name": " ".join(name for name in names if name),
        "relationship": str(contact["relationship"] or ""),
        "responsibility": _yes_or_no(contact["parental_responsibility"]),
        "lives_with": _yes_or_no(contact["lives_with_pupil"]),
        "address": ", ".join(address_lines(contact)),
        "telephone": str(contact["telephone"] or ""),
        "language": str(contact["language"] or ""),
    }


def _is_yes(flag: Any) -> bool:
    return not pd.isna(flag) and bool(flag)


def _yes_or_no(flag: Any) -> str:
    """Empty where the school has not said."""
    return "" if pd.isna(flag) else "Yes" if flag else "No"


def _iso(value: Any) -> str:
    found = _date(value)
    return found.isoformat() if found is not None else ""


def _year_in_words(year_group: str) -> str:
    """Year 4, Reception, Nursery."""
    text = str(year_group).strip()
    if text.isdigit():
        return f"Year {text}"
    return {"R": "Reception", "N1": "Nursery", "N2": "Nursery"}.get(text.upper(), text)


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
            letter=entry.get("letter", ""),
            reference=entry.get("reference", ""),
            agency=entry.get("agency", ""),
            outcome=entry.get("outcome", ""),
        )
        for order, entry in enumerate(log.to_dict("records"))
        if (date := _date(entry["date"])) is not None
    ]


def _date(value: Any) -> dt.date | None:
    return None if pd.isna(value) else value.date()
