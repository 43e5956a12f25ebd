"""The register, its amendments and the quarantine, as the frames of `attendance export` (contract.md section 4).

Columns and their order are the contract's. Writing files is not done here.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.law.register_codes import CODES, NO_MARK
from attendance_pipeline.register.complete import rows_left_out, settle
from attendance_pipeline.register.history import amendments, provenance_as_at
from attendance_pipeline.register.not_on_roll import HARMLESS_BEFORE, rows_not_on_roll, rows_of_nobody
from attendance_pipeline.register.roll import current_pupils, first_and_last_day, on_roll
from attendance_pipeline.register.statements import SESSIONS
from attendance_pipeline.store import quarantine
from attendance_pipeline.store.amendment_notes import read_notes
from attendance_pipeline.store.extracts import list_extracts, register_mode_of, statement_days

REGISTER = ["school", "upn", "date", "session", "code", "recorded_on", "extract", "line"]
AMENDMENTS = [
    *("school", "upn", "date", "session", "old_code", "new_code", "recorded_on", "extract", "line"),
    *("reason", "by"),  # beside what the contract names
]
QUARANTINE = ["school", "extract", "line", "column", "rule"]

_CODES = np.array(CODES.codes, dtype=object)
_SESSIONS = np.array(SESSIONS, dtype=object)


def register_frame(
    conn: sa.Connection,
    school: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    as_at: dt.date | None = None,
) -> pd.DataFrame:
    """Every mark of the days first to last as known at `as_at`, by pupil, date and session. Marks of pupils who are not
    on roll are in the quarantine instead; marks on days that are not school days are here."""
    pupils, days = current_pupils(conn, school, as_at), _days(conn, school, first, last)
    found = provenance_as_at(conn, school, days, pupils["person_id"].to_numpy(), as_at)
    pupil, day, session = np.nonzero((found.marks != NO_MARK) & _counted(pupils, days, found.marks))
    at = (pupil, day, session)
    extracts = found.extracts
    return pd.DataFrame(
        {
            "school": school,
            "upn": pupils["upn"].to_numpy(object)[pupil],
            "date": days[day].astype(object),
            "session": _SESSIONS[session],
            "code": _CODES[found.marks[at]],
            "recorded_on": np.array([e.recorded_on for e in extracts], dtype=object)[found.extract[at]],
            "extract": np.array([e.file_name for e in extracts], dtype=object)[found.extract[at]],
            "line": found.line[at],
        },
        columns=REGISTER,
    )


def amendments_frame(
    conn: sa.Connection,
    school: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    as_at: dt.date | None = None,
) -> pd.DataFrame:
    """Every amendment of the days first to last known at `as_at`, by pupil, date, session and the order they were made.
    `line` is NA where an extract withdrew the mark by not naming it; `reason` and `by` are blank where the extract gave
    none."""
    pupils, days = current_pupils(conn, school, as_at), _days(conn, school, first, last)
    found = amendments(conn, school, days, as_at)
    place = {int(number): i for i, number in enumerate(pupils["person_id"])}
    row = np.array([place.get(int(p), -1) for p in found.person], dtype=np.int64)
    entry, leave = first_and_last_day(pupils)
    chosen = np.flatnonzero(row >= 0)
    chosen = chosen[(found.day[chosen] >= entry[row[chosen]]) & (found.day[chosen] <= leave[row[chosen]])]
    extract = found.extract[chosen]
    notes = read_notes(conn, school)
    numbers = [e.id for e in found.extracts]
    said = [notes.get((numbers[e], n)) for e, n in zip(extract.tolist(), found.line[chosen].tolist(), strict=True)]
    frame = pd.DataFrame(
        {
            "school": school,
            "upn": pupils["upn"].to_numpy(object)[row[chosen]],
            "date": found.day[chosen].astype(object),
            "session": _SESSIONS[found.session[chosen]],
            "old_code": _CODES[found.old_code[chosen]],
            "new_code": _CODES[found.new_code[chosen]],
            "recorded_on": np.array([e.recorded_on for e in found.extracts], dtype=object)[extract],
            "extract": np.array([e.file_name for e in found.extracts], dtype=object)[extract],
            "line": pd.Series(found.line[chosen], dtype="Int64").where(lambda n: n > 0),
            "reason": pd.array(["" if note is None else note.reason for note in said], dtype="str"),
            "by": pd.array(["" if note is None else note.by for note in said], dtype="str"),
        },
        columns=AMENDMENTS,
    )
    return frame.sort_values(["upn", "date", "session"], kind="stable", ignore_index=True)


def quarantine_frame(
    conn: sa.Connection,
    school: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    as_at: dt.date | None = None,
) -> pd.DataFrame:
    """Every row and file that could not be used, by extract and line. The dates bound the extract's recorded date.

    As at a day: what was found against the pupils known then, without files that lay in the inbox.
    """
    if as_at is None:
        return pd.DataFrame(quarantine.rows(conn, school, first, last), columns=QUARANTINE)
    known = quarantine.rows(conn, school, first, min(as_at, last or as_at), without=("roll", "inbox"))
    found = [r for r in known if r["origin"] != "file" or _named_by(r["extract"], as_at)]
    of_roll = rows_not_on_roll(conn, school, as_at=as_at) + rows_of_nobody(conn, school, as_at)
    if register_mode_of(conn, school) == "complete":
        of_roll += rows_left_out(settle(conn, school, as_at))
    recorded = {e.id: e.recorded_on for e in list_extracts(conn, school, as_at=as_at)}
    for row in set(of_roll):
        day = recorded[row.extract_id] if row.extract_id is not None else as_at
        if (first or day) <= day <= (last or day):
            found.append({**asdict(row), "school": school})
    return pd.DataFrame(quarantine.in_order(found), columns=QUARANTINE)


def _named_by(file_name: object, as_at: dt.date) -> bool:
    """Whether a refused file may have come by a day: its name says a day not after it, or none."""
    m = re.search(r"\d{4}-\d{2}-\d{2}", str(file_name))
    return m is None or m[0] <= as_at.isoformat()


def _days(conn: sa.Connection, school: str, first: dt.date | None, last: dt.date | None) -> npt.NDArray[np.datetime64]:
    days = sorted(statement_days(conn, school))
    return np.array([d for d in days if (first or d) <= d <= (last or d)], dtype="datetime64[D]")


def _counted(
    pupils: pd.DataFrame, days: npt.NDArray[np.datetime64], marks: npt.NDArray[np.uint8]
) -> npt.NDArray[np.bool_]:
    entry, _ = first_and_last_day(pupils)
    harmless = np.isin(marks, HARMLESS_BEFORE) & (days[None, :] < entry[:, None])[:, :, None]
    return on_roll(pupils, days)[:, :, None] | harmless
