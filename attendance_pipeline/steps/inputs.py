"""What the rules read of one school, put together from the warehouse: pupils, marks and the intervention log.

Belongs here: turning stored rows into the arrays of `derive/inputs.py`, as at a time. Not here: any rule; any SQL.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from attendance_pipeline.derive.inputs import (
    Former,
    LogEntry,
    LogTable,
    PupilTable,
    SchoolInputs,
    cohort_bits,
    compulsory_days,
)
from attendance_pipeline.home import School
from attendance_pipeline.law.policy import STAGE_OF_LETTER
from attendance_pipeline.register.former import former_characteristics
from attendance_pipeline.register.history import Provenance, provenance_as_at, register_as_at
from attendance_pipeline.register.roll import current_interventions, current_pupils, on_roll
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.persons import find_persons, whole_school_name
from attendance_pipeline.store.warehouse import Warehouse

NO_SEN = ("", "n", "no", "none", "false", "0")
_FLAGS = {
    "fsm": "FSM",
    "pupil_premium": "Pupil Premium",
    "eal": "EAL",
    "looked_after": "Looked After",
    "social_worker": "Social Worker",
    "young_carer": "Young Carer",
}


def school_inputs(site: Site, school: School, as_at: dt.date | None = None) -> SchoolInputs:
    """Pupils, marks and log as at a time (None: everything loaded), remembered for the length of a run."""
    key = ("inputs", school.id, site.register_version(school), as_at)
    return site.remember(key, lambda: read_inputs(site.warehouse, school, as_at))


@dataclass(frozen=True)
class OnePupil:
    """One pupil of a school, row 0 of `inputs`, with where each mark came from. `sources`: the register of the days
    from number `first` on; marks of earlier and later days were not read."""

    person_id: int
    record: Mapping[Hashable, Any]
    inputs: SchoolInputs
    first: int
    sources: Provenance

    def source(self, day: int, half: int) -> tuple[str, int] | None:
        """File and line of the mark of a session; None where no extract that was read names it."""
        if day < self.first or day - self.first >= self.sources.extract.shape[1]:
            return None
        extract = int(self.sources.extract[0, day - self.first, half])
        if extract < 0:
            return None
        return self.sources.extracts[extract].key.file_name, int(self.sources.line[0, day - self.first, half])


def one_pupil(
    site: Site, school: School, person_id: int, first: int, last: int, as_at: dt.date | None = None
) -> OnePupil | None:
    """One pupil with the marks of days `first` to `last`, read without the rest of the school; None for a pupil whom no
    extract known by then names. The rules give the same for these days as with the whole school, where no window of
    theirs begins before `first`."""
    calendar = school.calendar
    with site.warehouse.read() as conn:
        pupils = current_pupils(conn, school.id, as_at)
        pupils = pupils[pupils["person_id"] == person_id].reset_index(drop=True)
        if pupils.empty:
            return None
        log = current_interventions(conn, school.id, as_at)
        days = calendar.days[first : last + 1]
        present = on_roll(pupils, days)
        sources = provenance_as_at(conn, school.id, days, pupils["person_id"].to_numpy(), as_at, present)
    marks = np.zeros((1, len(calendar), 2), dtype=np.uint8)
    marks[:, first : last + 1] = sources.marks
    inputs = SchoolInputs(
        school_id=school.id,
        calendar=calendar,
        policy=school.policy,
        pupils=_pupil_table(school, pupils),
        marks=marks,
        log=_log_table(pupils, log[log["person_id"] == person_id]),
        go_live=school.go_live,
    )
    return OnePupil(person_id, pupils.to_dict("records")[0], inputs, first, sources)


def read_inputs(warehouse: Warehouse, school: School, as_at: dt.date | None = None) -> SchoolInputs:
    """The same, read now and by whoever has the warehouse."""
    calendar = school.calendar
    with warehouse.read() as conn:
        pupils = current_pupils(conn, school.id, as_at)
        former = former_characteristics(conn, school.id, as_at)
        of_school = find_persons(conn, [whole_school_name(school.id)])
        log = current_interventions(conn, school.id, as_at)
        present = on_roll(pupils, calendar.days)
        marks = register_as_at(conn, school.id, calendar.days, pupils["person_id"].to_numpy(), as_at, present)
    return SchoolInputs(
        school_id=school.id,
        calendar=calendar,
        policy=school.policy,
        pupils=_pupil_table(school, pupils),
        marks=marks,
        log=_log_table(pupils, log),
        go_live=school.go_live,
        former=_former(school, pupils, former),
        school_log=_school_log(log, set(of_school.values())),
    )


def _dates(column: pd.Series) -> list[dt.date | None]:
    return [None if pd.isna(v) else v.date() for v in column]


def _pupil_table(school: School, pupils: pd.DataFrame) -> PupilTable:
    calendar, last = school.calendar, len(school.calendar) - 1
    born = [compulsory_days(calendar, day) for day in _dates(pupils["date_of_birth"])]
    entry, leave = _dates(pupils["entry_date"]), _dates(pupils["leaving_date"])
    return PupilTable(
        pupil_id=pupils["person_id"].to_numpy(dtype=np.int64),
        upn=pupils["upn"].to_numpy(dtype=object),
        entry=np.array([0 if d is None else calendar.on_or_after(d) for d in entry], dtype=np.int32),
        leave=np.array([last if d is None else calendar.on_or_before(d) for d in leave], dtype=np.int32),
        csa_from=np.array([b[0] for b in born], dtype=np.int32),
        csa_to=np.array([b[1] for b in born], dtype=np.int32),
        class_name=pupils["class"].to_numpy(dtype=object),
        year_group=pupils["year_group"].to_numpy(dtype=object),
        cohort=_cohorts(pupils),
        looked_after=pupils["looked_after"].fillna(False).to_numpy(dtype=bool),
    )


def _cohorts(pupils: pd.DataFrame) -> npt.NDArray[np.uint16]:
    """Bits of the cohorts of each row, from the columns that a pupils extract gives."""
    flags = {name: pupils[column].eq(True).fillna(False).to_numpy(dtype=bool) for column, name in _FLAGS.items()}
    flags["SEN"] = ~pupils["sen"].fillna("").astype(str).str.strip().str.lower().isin(NO_SEN).to_numpy(dtype=bool)
    cohort = np.zeros(len(pupils), dtype=np.uint16)
    for name, holds in flags.items():
        cohort |= np.where(holds, cohort_bits([name]), 0).astype(np.uint16)
    return cohort


def _former(school: School, pupils: pd.DataFrame, former: pd.DataFrame) -> Former:
    """The rows of `former_characteristics`, the latest change first; those of persons who are no pupils left out."""
    row_of = {int(person): row for row, person in enumerate(pupils["person_id"])}
    former = former[former["person_id"].isin(list(row_of))].iloc[::-1]
    return Former(
        until=np.array([school.calendar.on_or_after(d.date()) - 1 for d in former["before"]], dtype=np.int32),
        pupil=np.array([row_of[int(p)] for p in former["person_id"]], dtype=np.int32),
        class_name=former["class"].fillna("").to_numpy(dtype=object),
        year_group=former["year_group"].fillna("").to_numpy(dtype=object),
        cohort=_cohorts(former),
    )


def _log_table(pupils: pd.DataFrame, log: pd.DataFrame) -> LogTable:
    row_of = {int(person): row for row, person in enumerate(pupils["person_id"])}
    entries = []
    for e in log.to_dict("records"):
        row = row_of.get(int(e["person_id"]))
        if _is_of_a_letter_alone(e):
            continue
        if row is not None and not pd.isna(e["date"]):  # an entry about somebody who is no pupil here: quarantined
            stage = STAGE_OF_LETTER.get(e["letter"]) if pd.isna(e["stage"]) else int(e["stage"])
            entries.append(
                LogEntry(
                    pupil=row,
                    day=e["date"].date(),
                    action=e["action"],
                    stage=stage,
                    from_=_date(e["from"]),
                    until=_date(e["until"]),
                    contact_id=e["contact_id"],
                )
            )
    return LogTable.from_entries(len(pupils), entries)


def _school_log(log: pd.DataFrame, of_school: set[int]) -> tuple[tuple[dt.date, str], ...]:
    """The entries that are of no one pupil but of the whole school."""
    mine = log[log["person_id"].isin(of_school) & log["date"].notna()]
    return tuple((e["date"].date(), e["action"]) for e in mine.to_dict("records"))


def _is_of_a_letter_alone(entry: Mapping[Hashable, Any]) -> bool:
    """Whether an entry says something of one letter, and nothing of the pupil's stage or case: a hold of one letter, or
    the sending of one that is no stage's."""
    if entry["action"] in ("hold", "release"):
        return bool(entry["letter"] or entry["reference"])
    of_letter = entry["action"].startswith("letter_")
    return of_letter and bool(entry["letter"]) and entry["letter"] not in STAGE_OF_LETTER


def _date(value: Any) -> dt.date | None:
    return None if pd.isna(value) else value.date()
