"""Take in: what lies in the inboxes goes to the warehouse; and what the warehouse now says of each school day.

Belongs here: calling the loader for each school of a home, and the hashes and counts by which a day is recognised. Not
here: reading files (`mis/`) or deriving anything.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from attendance_pipeline.home import Home, School
from attendance_pipeline.law.register_codes import NO_MARK
from attendance_pipeline.mis.inbox import names_in
from attendance_pipeline.mis.load import LoadResult, load
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.morning import sift
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.register.history import amendments
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.marked_days import (
    marks_by_day,
)
from attendance_pipeline.steps.morning_files import noted_mornings, reader_of
from attendance_pipeline.steps.set_back import refuse_set_back, remember_loaded
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import NOTE_COUNTED, PLAN, REGISTER, TAKE_IN, each_school
from attendance_pipeline.store.derived import counted_days, put_counted

NO_MARKS = "no marks"  # the version of a day whose marks were all withdrawn


def take_in(
    site: Site, school_id: str | None = None, settle_seconds: float = 2.0, unfinished: dt.date | None = None
) -> list[LoadResult]:
    """Load every school's inbox, each in one transaction. What was loaded before changes nothing.

    `unfinished`: today, while school is on: a register extract of its marks alone waits until it is over. The files of
    a school that fails stay in its inbox: the next night takes them in. Raises WarehouseError, and loads nothing, where
    the warehouse is damaged, or is an older one than this home had.
    """
    site.warehouse.refuse_damaged()
    refuse_set_back(site)
    schools = site.schools(school_id)
    loaded = each_school(site, TAKE_IN, lambda school: _load(site, school, settle_seconds, unfinished), schools)
    remember_loaded(site)
    return loaded


def _load(site: Site, school: School, settle_seconds: float, unfinished: dt.date | None) -> LoadResult:
    noted, reader = noted_mornings(site, school), reader_of(school)
    mapped = None if school.column_map is None else MappedFormat(school.mis, school.column_map)
    own = [DatedCodes({local: to.code}, to.valid_from, to.valid_to) for local, to in school.code_map.items()]
    return load(
        site.warehouse,
        school.id,
        school.inbox,
        site.home.kept,
        reader=mapped or school.mis,
        complete=school.register_extracts == "complete",
        code_map=[*(mapped.codes if mapped else ()), *own],  # the last one counts: a school's own over its system's
        settle_seconds=settle_seconds,
        pattern=mapped.kind_and_day if mapped else None,
        made_on=mapped.made_on if mapped else None,
        keep_private=school.keep_reasons,
        log=school.intervention_log,
        log_complete=school.log_extracts == "complete",
        sift=lambda found: sift(found, reader, noted, unfinished),
    )


def something_in_inbox(home: Home) -> bool:
    """Whether any file lies in any school's inbox."""
    return left_in_inbox(home) > 0


def has_inbox(school: School) -> bool:
    """Whether a school's inbox is a folder that can be read; if not nothing can come, however good a night looks."""
    return school.inbox.is_dir() and os.access(school.inbox, os.R_OK | os.X_OK)


def left_in_inbox(home: Home) -> int:
    """How many files lie in the schools' inboxes, without those that programs leave there in passing."""
    return sum(len(names_in(school.inbox)) for school in home.schools)


def day_versions(site: Site) -> dict[str, str] | None:
    """A hash, by ISO date, of the marks that stand on each school day, over all schools of the home.

    Of the marks, not of the files: a nightly extract that repeats the whole year makes no day another. None while the
    marks of a school cannot be read: every day of all schools would seem to read otherwise.
    """
    parts: dict[dt.date, list[str]] = defaultdict(list)
    read = each_school(site, PLAN, lambda school: (school.id, marks_by_day(site, school)))
    if len(read) < len(site.schools()):
        return None
    for school_id, digests in read:
        for day, digest in digests.items():
            parts[day].append(f"{school_id} {digest}")
    return {
        day.isoformat(): hashlib.sha256("\n".join(sorted(part)).encode()).hexdigest()[:16]
        for day, part in sorted(parts.items())
    }


@dataclass(frozen=True)
class DayCount:
    """Of one school day over all schools: marks that count now, pupils who have one, and amendments ever made."""

    marks: int
    pupils: int
    amendments: int


def register_counts(site: Site, keys: Sequence[str]) -> dict[str, DayCount]:
    """Counts of the register by ISO date."""
    out = {key: DayCount(0, 0, 0) for key in keys}
    for counts in each_school(site, REGISTER, lambda school: _counts(site, school, keys)):
        for key, of_school in counts.items():
            now = out[key]
            out[key] = DayCount(
                now.marks + of_school.marks, now.pupils + of_school.pupils, now.amendments + of_school.amendments
            )
    return out


def _counts(site: Site, school: School, keys: Sequence[str]) -> dict[str, DayCount]:
    days = np.array(sorted(keys), dtype="datetime64[D]")
    inputs = school_inputs(site, school)
    with site.warehouse.read() as conn:
        amended = amendments(conn, school.id, days)
    changed = _count_by_day(amended.day.tolist())
    out = {}
    for key in keys:
        index = school.calendar.index(dt.date.fromisoformat(key))
        if index is not None:
            marked = inputs.marks[:, index] != NO_MARK
            out[key] = DayCount(int(marked.sum()), int(marked.any(axis=1).sum()), changed.get(key, 0))
    return out


def note_counted(site: Site, keys: Sequence[str]) -> None:
    """Note which marks the register of these days (ISO dates) was counted from."""

    def note(school: School) -> None:
        days = [d for key in keys if school.calendar.index(d := dt.date.fromisoformat(key)) is not None]
        now = marks_by_day(site, school)
        with site.warehouse.begin(school.id) as conn:
            put_counted(conn, school.id, {day: now.get(day, "") for day in days})

    each_school(site, NOTE_COUNTED, note)


def corrected_days(site: Site) -> list[dt.date]:
    """School days whose marks, in any school, are others than those that the register was last counted from."""

    def corrected(school: School) -> set[dt.date]:
        now = marks_by_day(site, school)
        with site.warehouse.read() as conn:
            before = counted_days(conn, school.id)
        return {d for d, was in before.items() if was != now.get(d, "") and school.calendar.index(d) is not None}

    return sorted(set[dt.date]().union(*each_school(site, PLAN, corrected)))


def _count_by_day(days: Iterable[dt.date]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for day in days:
        counts[day.isoformat()] += 1
    return counts
