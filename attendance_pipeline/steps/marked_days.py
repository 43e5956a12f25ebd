"""Marked days: what the warehouse says of which school days have marks, and a hash of each day's marks.

Belongs here: asking the register by day, for a whole school. Not here: taking files in (`intake.py`), or deriving.
"""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np
from sqlalchemy import Connection

from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import NO_MARK
from attendance_pipeline.register.history import fold_marks, read_marks
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import PLAN, each_school
from attendance_pipeline.store.removal import closed_days


def marks_by_day(site: Site, school: School, as_at: dt.date | None = None) -> dict[dt.date, str]:
    """A hash of the marks of each of the school's days that has any, as at a time.

    A day of which marks of pupils were removed keeps the hash that it had, until other marks of it change.
    """

    def digests() -> dict[dt.date, str]:
        with site.warehouse.read() as conn:
            found = hashes_of_days(conn, school, as_at)
            closed = closed_days(conn, school.id) if as_at is None else {}
        kept = {day: marks for day, (marks, left) in closed.items() if marks and found.get(day, "") == left}
        return dict(sorted((found | kept).items()))

    return site.remember(("digests", school.id, site.register_version(school), as_at), digests)


def hashes_of_days(conn: Connection, school: School, as_at: dt.date | None = None) -> dict[dt.date, str]:
    """A hash of the marks that are there of each of the school's days that has any."""
    rows = read_marks(conn, school.id, school.calendar.days, as_at)
    persons = np.unique(rows.person)
    marks = fold_marks(rows, persons, len(school.calendar))
    out = {}
    for index in np.flatnonzero((marks != NO_MARK).any(axis=(0, 2))):
        marked = (marks[:, index] != NO_MARK).any(axis=1)
        content = persons[marked].astype(np.int64).tobytes() + marks[marked, index].tobytes()
        out[school.calendar.date(int(index))] = hashlib.sha256(content).hexdigest()
    return out


def last_marked_day(site: Site, school: School, as_at: dt.date | None = None) -> int | None:
    """Number of the school's last school day that has any mark as at a time; None when there is none."""
    days = marks_by_day(site, school, as_at)
    return school.calendar.index(max(days)) if days else None


def first_marked_day(site: Site, school: School, as_at: dt.date | None = None) -> int | None:
    """Number of the school's first school day that has any mark as at a time; None when there is none."""
    days = marks_by_day(site, school, as_at)
    return school.calendar.index(min(days)) if days else None


def latest_marked_day(site: Site, upto: dt.date, as_at: dt.date | None = None) -> dt.date | None:
    """The latest school day up to a date that has marks in any school, as at a time; None when there is none."""

    def latest(school: School) -> dt.date | None:
        marked, before = last_marked_day(site, school, as_at), school.calendar.on_or_before(upto)
        return None if marked is None or before < 0 else school.calendar.date(min(marked, before))

    return max((day for day in each_school(site, PLAN, latest) if day is not None), default=None)
