"""From which file and line of an extract the mark of a session came, for the evidence of letters.

Belongs here: asking the register once for many letters. Not here: which mark stands (`register/history.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np
from sqlalchemy import Connection

from attendance_pipeline.home import School
from attendance_pipeline.register.history import Provenance, provenance_as_at

_HALVES = ("AM", "PM")


class MarkSources:
    """Asked for one pupil's session at a time. The register of an academic year is read when its first session is."""

    def __init__(self, conn: Connection, school: School, persons: Iterable[int]) -> None:
        self._conn, self._school = conn, school
        self._persons = np.array(sorted(set(persons)), dtype=np.int64)
        self._years: dict[int, Provenance] = {}

    def __call__(self, person_id: int, date: dt.date, session: str) -> tuple[str, int] | None:
        """File and line; None where no extract names the session."""
        calendar = self._school.calendar
        day = calendar.index(date)
        if day is None:
            return None
        first, row = int(calendar.year_start[day]), int(np.searchsorted(self._persons, person_id))
        if first not in self._years:
            days = calendar.days[first : int(calendar.year_end[first]) + 1]
            self._years[first] = provenance_as_at(self._conn, self._school.id, days, self._persons)
        found = self._years[first]
        at = (row, day - first, _HALVES.index(session))
        extract = int(found.extract[at])
        return None if extract < 0 else (found.extracts[extract].key.file_name, int(found.line[at]))
