"""A morning's extracts: read without loading them, and told apart from the complete extract of the same day.

Belongs here: what register and notification files of an inbox say of a day that is not over, and what becomes at night
of a file that was read in the morning. Not here: loading (`load.py`), what is made of it (`steps/morning.py`).

A morning's marks are of half a day, and half of them are still to be put right. So they are no statements: the file
stays in the inbox, and the night takes the complete extract. A session of which both speak would else go by the files'
names, which say nothing of the hour. Where the complete extract speaks of all that the morning's speaks of, that one is
taken away unread; where it does not, or none came, the morning's is loaded before every other of its date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from attendance_pipeline.mis.formats import Format, RawTable, UnreadableFile, read_files
from attendance_pipeline.mis.inbox import Dropped, Inbox
from attendance_pipeline.mis.reading import DatedCodes, Reading, read_tables
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.store.extracts import ExtractKey

EARLIER = "(morning) "  # before the file's name: "(" comes before every letter, so any other of the date speaks later
WAITS = "a morning's extract: its day is not over, the night takes it in"

Session = tuple[str, dt.date, int]  # UPN, date, 0 for AM and 1 for PM


@dataclass(frozen=True)
class Reader:
    """How a school's files are read: as `load` reads them."""

    form: Format | str
    codes: Sequence[DatedCodes] = ()
    keep_private: bool = False
    school: str = ""

    def read(self, kind: str, files: Sequence[Dropped]) -> list[Reading]:
        """What the files of one kind say, in the order in which they speak. A file that cannot be read says nothing."""
        form = formats()[self.form] if isinstance(self.form, str) else self.form
        mine = sorted((f for f in files if f.kind == kind), key=lambda f: f.key)
        tables: list[tuple[ExtractKey, RawTable]] = []
        read = read_files(form, kind, [(f.key.file_name, f.content()) for f in mine])
        for f, table in zip(mine, read, strict=True):
            if not isinstance(table, UnreadableFile):
                tables.append((f.key, table))
        found = read_tables(kind, tables, self.codes, self.keep_private, self.school)
        return sorted((r for r in found if r.unusable is None), key=lambda r: r.key)


def marks_of_day(readings: Sequence[Reading], day: dt.date) -> dict[tuple[str, int], int]:
    """The code's number by UPN and session of a day, as these register extracts say it; the later one is right."""
    out: dict[tuple[str, int], int] = {}
    for reading in readings:
        rows = reading.register
        if rows is None:
            continue
        for i in np.flatnonzero(rows.day == np.datetime64(day)).tolist():
            out[rows.upns[rows.upn[i]], int(rows.session[i])] = int(rows.code[i])
    return out


def speaks_of(reading: Reading, day: dt.date) -> bool:
    """Whether a register extract has a row of a day."""
    return reading.register is not None and bool((reading.register.day == np.datetime64(day)).any())


def sift(
    found: Inbox, reader: Reader, noted: Mapping[str, dt.date], unfinished: dt.date | None
) -> tuple[Inbox, list[Dropped]]:
    """What of an inbox is to be loaded, and the morning's files that say nothing more and are to be taken away.

    `noted`: by SHA-256 the day of each file that a morning was made from. `unfinished`: today, while school is on; then
    a register extract of today that holds today's marks alone is left where it is.
    """
    registers = [f for f in found.dropped if f.kind == "register"]
    mornings = {f.key: noted[f.key.sha256] for f in registers if f.key.sha256 in noted}
    of_today = [f for f in registers if unfinished is not None and f.key.recorded_on == unfinished]
    if not mornings and not of_today:
        return found, []
    wait = {r.key for r in reader.read("register", of_today) if _only_of(r, unfinished)} if of_today else set()
    days = {k.recorded_on for k in mornings if k not in wait}
    others = [f for f in registers if f.key not in mornings and f.key not in wait and f.key.recorded_on in days]
    covered = _covered(
        reader.read("register", [f for f in registers if f.key in mornings and f.key not in wait]),
        reader.read("register", others),
    )
    dropped, gone = [], []
    for f in found.dropped:
        if f.key in covered:
            gone.append(f)
        elif f.key in mornings and f.key not in wait:
            dropped.append(replace(f, key=replace(f.key, file_name=EARLIER + f.key.file_name)))
        elif f.key not in wait:
            dropped.append(f)
    names = sorted(f.path.name for f in found.dropped if f.key in wait)
    notes = (*found.notes, *(f"{name}: {WAITS}" for name in names))
    return replace(found, dropped=tuple(dropped), waiting=(*found.waiting, *names), notes=notes), gone


def _only_of(reading: Reading, day: dt.date | None) -> bool:
    rows = reading.register
    return rows is not None and len(rows.day) > 0 and bool((rows.day == np.datetime64(day)).all())


def _covered(mornings: Sequence[Reading], others: Sequence[Reading]) -> set[ExtractKey]:
    """The morning's extracts of whose sessions others of the same date speak, every one."""
    out = set()
    for morning in mornings:
        mine = _sessions([morning], None)
        days = {day for _, day, _ in mine}
        theirs = _sessions([o for o in others if o.key.recorded_on == morning.key.recorded_on], days)
        if mine and mine <= theirs:
            out.add(morning.key)
    return out


def _sessions(readings: Sequence[Reading], days: Collection[dt.date] | None) -> set[Session]:
    """The sessions of which register extracts speak, on these days (None: on all)."""
    out: set[Session] = set()
    for reading in readings:
        rows = reading.register
        if rows is None:
            continue
        here = np.ones(len(rows.day), dtype=bool)
        if days is not None:
            here = np.isin(rows.day, np.array(sorted(days), dtype="datetime64[D]"))
        at = np.flatnonzero(here)
        names = [rows.upns[i] for i in rows.upn[at].tolist()]
        dates = rows.day[at].astype("datetime64[D]").astype(object).tolist()
        out |= set(zip(names, dates, rows.session[at].tolist(), strict=True))
    return out
