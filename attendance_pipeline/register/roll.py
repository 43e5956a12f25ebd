"""The roll and what stands beside it, as at a time: pupils, contacts, classes, notifications, the intervention log.

Each is folded from records in the order in which their extracts speak. Nothing here decides who gets a letter or
whether a pupil counts; it says what the school's extracts say.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.register.identity import Names, names_of
from attendance_pipeline.register.log_versions import Standing, standing_entries
from attendance_pipeline.store.extracts import (
    StoredExtract,
    log_mode_of,
    read_record_pages,
    read_records,
    record_subjects,
)
from attendance_pipeline.store.persons import find_persons, is_student_name

# A newer extract's rows about a pupil (or class) replace all older ones: a contact that is gone must get no letter.
_WHOLE_LIST = frozenset({"contacts", "classes"})
# Kinds whose subjects end in a number that tells rows alike of one extract apart.
_NUMBERED = frozenset({"notifications", "interventions"})

_PUPIL_COLUMNS = [
    "upn",
    "admission_number",
    "forename",
    "surname",
    "preferred_forename",
    "date_of_birth",
    "sex",
    "year_group",
    "class",
    "entry_date",
    "leaving_date",
    "enrolment_status",
    "sen",
    "fsm",
    "pupil_premium",
    "eal",
    "home_language",
    "ethnicity",
    "looked_after",
    "social_worker",
    "young_carer",
]
_COLUMNS: dict[str, list[str]] = {
    "pupils": _PUPIL_COLUMNS,
    "contacts": [
        "upn",
        "contact_id",
        "priority",
        "title",
        "forename",
        "surname",
        "relationship",
        "parental_responsibility",
        "lives_with_pupil",
        "receives_correspondence",
        "court_restriction",
        "address_1",
        "address_2",
        "address_3",
        "town",
        "county",
        "postcode",
        "email",
        "telephone",
        "language",
    ],
    "classes": ["class", "teacher", "email"],
    "notifications": [
        "submitted",
        "upn",
        "pupil_name",
        "first_date",
        "last_date",
        "class",
        "date_of_birth",
        "session",
    ],
    "interventions": [
        "upn",
        "date",
        "action",
        "stage",
        "contact_id",
        "barrier",
        "agency",
        "outcome",
        "from",
        "until",
        "amount",
        "by",
        "note",
        "letter",
        "reference",
    ],
}
_DATES = frozenset({"date_of_birth", "entry_date", "leaving_date", "first_date", "last_date", "date", "from", "until"})
_FLAGS = frozenset(
    [
        "fsm",
        "pupil_premium",
        "eal",
        "looked_after",
        "social_worker",
        "young_carer",
        "parental_responsibility",
        "lives_with_pupil",
        "receives_correspondence",
        "court_restriction",
    ]
)

WITHDRAWN = "withdrawn"  # the column by which a form or an entry of the log is taken back
GONE = "gone"
NOBODY = 0  # in place of a person's number, which begin with 1

_FAR_PAST, _FAR_FUTURE = np.datetime64("0001-01-01", "D"), np.datetime64("9999-12-31", "D")


@dataclass(frozen=True)
class CurrentRecords:
    """Which records stand: record id -> (extract, line). Of intervention logs besides: `gone`, records that stand and
    that the newest version of their log does not hold any more; `little_left`: versions that hold so little of the
    version before that they took nothing back."""

    where: dict[int, tuple[StoredExtract, int]]
    gone: frozenset[int] = frozenset()
    little_left: tuple[StoredExtract, ...] = ()


def current_records(conn: sa.Connection, school: str, kind: str, as_at: dt.date | None = None) -> CurrentRecords:
    """The records of one kind that stand as at a time, in the order of extract and line.

    Pupils, interventions and notifications: the newest record of each subject; contacts and classes: all records of the
    subject in the newest extract that names it. Where the school's intervention logs are complete, without entries that
    a later version of the log took back (`log_versions.py`).
    """
    pages = read_record_pages(conn, school, kind, as_at)
    if not pages:
        return CurrentRecords({})
    record = np.concatenate([p["record"] for _, p in pages])
    line = np.concatenate([p["line"] for _, p in pages])
    rank = np.repeat(np.arange(len(pages)), [len(p["record"]) for _, p in pages])
    subjects = record_subjects(conn, school, kind)
    numbers: dict[str, int] = {}
    of_record = {number: numbers.setdefault(name, len(numbers)) for number, name in subjects.items()}
    table = np.full(max(of_record, default=0) + 1, -1, dtype=np.int64)
    table[list(of_record)] = list(of_record.values())
    subject = table[record]
    names = Names() if kind == "classes" else names_of(conn, school, as_at)
    if names.first:
        subject = _subjects_of_pupils(kind, names, list(numbers), subject, rank)
    newest = np.full(int(subject.max(initial=-1)) + 1, -1, dtype=np.int64)
    log: Standing | None = None
    if kind in _WHOLE_LIST:
        newest[subject] = rank  # rows stand in the order in which they speak: the last assignment stays
        stands = np.flatnonzero(newest[subject] == rank)
    else:
        newest[subject] = np.arange(len(record))
        if kind == "interventions":
            ends = np.cumsum([len(p["record"]) for _, p in pages])
            entries = [frozenset(part.tolist()) for part in np.split(subject, ends[:-1])]
            log = standing_entries([(extract, held) for (extract, _), held in zip(pages, entries, strict=True)])
            if log_mode_of(conn, school) == "complete":
                newest[[s for s in range(len(newest)) if s not in log.subjects]] = -1
        stands = np.sort(newest[newest >= 0])
    where = {int(record[i]): (pages[rank[i]][0], int(line[i])) for i in stands}
    if log is None:
        return CurrentRecords(where)
    gone = frozenset(int(record[i]) for i in stands if int(subject[i]) not in log.subjects)
    return CurrentRecords(where, gone, log.little_left)


def _subjects_of_pupils(
    kind: str, names: Names, subjects: list[str], subject: npt.NDArray[np.int64], rank: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The subject of each row as a number, equal for all names of one pupil; rows in the order in which they speak."""
    split = [text.partition("|") for text in subjects]
    of_pupil = [names.of(name) + bar + rest for name, bar, rest in split]
    if of_pupil == subjects:
        return subject
    if kind not in _NUMBERED:
        numbers = {text: i for i, text in enumerate(dict.fromkeys(of_pupil))}
        return np.array([numbers[text] for text in of_pupil], dtype=np.int64)[subject]
    alike = [text.rpartition("|")[0] for text in of_pupil]
    counted: dict[tuple[str, int], int] = {}
    seen: Counter[tuple[str, int]] = Counter()
    out = np.empty_like(subject)
    for i, (number, place) in enumerate(zip(subject.tolist(), rank.tolist(), strict=True)):
        seen[alike[number], place] += 1
        out[i] = counted.setdefault((alike[number], seen[alike[number], place]), len(counted))
    return out


def current(conn: sa.Connection, school: str, kind: str, as_at: dt.date | None = None) -> pd.DataFrame:
    """What stands as at a time, one row per record, in the order of extract and line.

    Columns as in the contract in lower case with underscores, with `person_id` (not for classes), `extract` and `line`
    added. `upn` is the one the pupil has now, blank where a student id means no pupil; `person_id` stays as UPNs
    change, and is NOBODY for a form without a UPN. Dates are datetime64[s] (NaT: blank), flags are nullable booleans
    (NA: blank), text is str. The intervention log has GONE besides: whether the newest version of the log lacks the
    entry, which counts all the same.
    """
    found = current_records(conn, school, kind, as_at)
    standing = found.where
    data = read_records(conn, standing)
    # A form or an entry that says itself that it was withdrawn speaks of nothing else.
    standing = {number: place for number, place in standing.items() if not data[number].get(WITHDRAWN)}
    rows: list[dict[str, Any]] = [data[number] for number in standing]
    frame = pd.DataFrame(index=pd.RangeIndex(len(rows)))
    columns = _COLUMNS[kind] + sorted({name for r in rows for name in r} - {*_COLUMNS[kind], WITHDRAWN})
    names = Names() if kind == "classes" else names_of(conn, school, as_at)
    if kind != "classes":
        pupils = [names.of(r["upn"]) for r in rows]
        persons = find_persons(conn, sorted(set(pupils)))
        frame["person_id"] = np.array([persons.get(u, NOBODY) for u in pupils], dtype=np.int64)
        upns = [names.present.get(u, "" if is_student_name(u) else u) for u in pupils]
        rows = [{**r, "upn": u} if r["upn"] != u else r for r, u in zip(rows, upns, strict=True)]
    for name in columns:
        values = [r.get(name) for r in rows]
        if name in _DATES:
            frame[name] = np.array([np.datetime64(v or "NaT", "s") for v in values], dtype="datetime64[s]")
        elif name in _FLAGS:
            frame[name] = pd.array(values, dtype="boolean")
        elif name == "stage":
            frame[name] = pd.array(values, dtype="Int64")
        elif name == "amount":
            frame[name] = pd.array(values, dtype="Float64")
        else:
            frame[name] = pd.array(["" if v is None else v for v in values], dtype="str")
    if kind == "interventions":
        frame[GONE] = np.array([number in found.gone for number in standing], dtype=bool)
    frame["extract"] = pd.array([e.file_name for e, _ in standing.values()], dtype="str")
    frame["line"] = np.array([line for _, line in standing.values()], dtype=np.int64)
    if kind == "contacts" and names.first:  # an extract that names a pupil in two ways may tell of a contact twice
        return frame.drop_duplicates(["person_id", "contact_id"], ignore_index=True)
    return frame


def current_pupils(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> pd.DataFrame:
    """The pupils, one row each, by UPN. A pupil whom a later extract does not name stays (as last named)."""
    return current(conn, school, "pupils", as_at).sort_values("upn", ignore_index=True)


def current_contacts(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> pd.DataFrame:
    """The contacts, by pupil and contact id: the whole list of the newest extract that names the pupil."""
    return current(conn, school, "contacts", as_at).sort_values(["upn", "contact_id"], ignore_index=True)


def current_classes(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> pd.DataFrame:
    """The classes and their teachers: all rows of the newest extract that names the class."""
    return current(conn, school, "classes", as_at).sort_values(["class", "teacher"], ignore_index=True)


def current_interventions(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> pd.DataFrame:
    """The intervention log by date: every entry that stands once, as the newest extract that holds it has it.

    Entries of one day stand in the order of extract and line."""
    return current(conn, school, "interventions", as_at).sort_values("date", kind="stable", ignore_index=True)


def current_notifications(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> pd.DataFrame:
    """What parents notified on the online form, by first date."""
    return current(conn, school, "notifications", as_at).sort_values("first_date", kind="stable", ignore_index=True)


def first_and_last_day(pupils: pd.DataFrame) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.datetime64]]:
    """The entry and leaving dates of a frame of pupils as datetime64[D]; a blank one is as early or late as can be."""
    entry = pupils["entry_date"].to_numpy("datetime64[D]")
    leave = pupils["leaving_date"].to_numpy("datetime64[D]")
    return np.where(np.isnat(entry), _FAR_PAST, entry), np.where(np.isnat(leave), _FAR_FUTURE, leave)


def on_roll(pupils: pd.DataFrame, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.bool_]:
    """Whether each pupil (row of the frame) is on roll on each day: bool[pupils, days], both dates inclusive."""
    entry, leave = first_and_last_day(pupils)
    return (entry[:, None] <= days[None, :]) & (days[None, :] <= leave[:, None])
