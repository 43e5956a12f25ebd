"""The register as at a time: all statements recorded by then, the newest for each session, and where each came from.

The newest is the one of the greatest `ExtractKey`: recorded date, then file name, then SHA-256. Persons are the pupils
for whom their names stand as at the same time (`identity.py`). Nothing here depends on
the order in which extracts were loaded. What is read are pages; what is given back are arrays.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from attendance_pipeline.law.register_codes import NO_MARK, WITHDRAWN
from attendance_pipeline.register.complete import settle
from attendance_pipeline.register.identity import Said as SaidOfPupils
from attendance_pipeline.register.identity import links_of
from attendance_pipeline.register.statements import NO_MINUTES, SILENT, unpack_lines, unpack_marks
from attendance_pipeline.store.extracts import (
    StoredExtract,
    list_extracts,
    read_day_pages,
    read_marks_pages,
    register_mode_of,
)
from attendance_pipeline.store.extracts import read_statements as read_statements_of
from attendance_pipeline.store.tables import implied_withdrawal

Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Provenance:
    """Where each mark came from, as arrays of shape [pupils, days, 2].

    extract int32: index into `extracts`, -1 where no extract names the session; line int32: 0 where the extract
    withdrew the mark by not naming it; minutes uint16: NO_MINUTES where none.
    """

    marks: npt.NDArray[np.uint8]
    extract: npt.NDArray[np.int32]
    line: npt.NDArray[np.int32]
    minutes: npt.NDArray[np.uint16]
    extracts: tuple[StoredExtract, ...]


@dataclass(frozen=True)
class Amendments:
    """Every change between two successive versions of a session's mark, in fold order within the session.

    person int32; day datetime64[D]; session uint8; old_code, new_code uint8 (0: no mark); extract: index into
    `extracts` of the one that changed it; line int32 (0: withdrawn by not being named).
    """

    person: npt.NDArray[np.int32]
    day: Days
    session: npt.NDArray[np.uint8]
    old_code: npt.NDArray[np.uint8]
    new_code: npt.NDArray[np.uint8]
    extract: npt.NDArray[np.int32]
    line: npt.NDArray[np.int32]
    extracts: tuple[StoredExtract, ...]


@dataclass(frozen=True)
class Changes:
    """Amendments, one entry each: person int32, day int32 (index of the mark's day), recorded datetime64[D]."""

    person: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    recorded: Days


@dataclass(frozen=True)
class Said:
    """Statement rows in the order in which they speak: person int32[n], day int32[n] (index), code uint8[n, 2]."""

    person: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    code: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Folded:
    """Statement rows in the order in which they speak: person, day (index), code [n, 2], minutes [n, 2], line [n, 2],
    extract (index into `extracts`). A session that a row is silent about has code 0."""

    person: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    code: npt.NDArray[np.uint8]
    minutes: npt.NDArray[np.uint16]
    line: npt.NDArray[np.int32]
    extract: npt.NDArray[np.int32]
    extracts: tuple[StoredExtract, ...]


def register_as_at(
    conn: sa.Connection,
    school: str,
    days: Days,
    person_ids: npt.ArrayLike,
    as_at: dt.date | None = None,
    on_roll: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint8]:
    """Code numbers of the marks as known at `as_at` (None: everything loaded): uint8[pupils, days, 2], 0 = no mark.

    `days`: datetime64[D] ascending, each once. `person_ids`: the pupils of the rows. `on_roll`: bool[pupils, days];
    marks outside it are left out. A pupil or day that no extract names has no marks.
    """
    rows = read_marks(conn, school, days, as_at)
    marks = fold_marks(rows, person_ids, len(days))
    if on_roll is not None:
        marks[~on_roll] = NO_MARK
    return marks


def provenance_as_at(
    conn: sa.Connection,
    school: str,
    days: Days,
    person_ids: npt.ArrayLike,
    as_at: dt.date | None = None,
    on_roll: npt.NDArray[np.bool_] | None = None,
) -> Provenance:
    """As `register_as_at`, with the extract, line and minutes late of each mark."""
    rows = read_statements(conn, school, days, as_at)
    persons = np.asarray(person_ids, dtype=np.int64)
    shape = (len(persons), len(days), 2)
    newest = np.full(shape, -1, dtype=np.int64)
    place = _places(persons, rows.person)
    for s in (0, 1):
        said = np.flatnonzero((rows.code[:, s] != SILENT) & (place >= 0))
        newest[place[said], rows.day[said], s] = said
    if on_roll is not None:
        newest[~on_roll] = -1
    there = newest >= 0
    at = newest[there]
    session = np.nonzero(there)[2]
    marks = np.zeros(shape, dtype=np.uint8)
    extract = np.full(shape, -1, dtype=np.int32)
    line = np.zeros(shape, dtype=np.int32)
    minutes = np.full(shape, NO_MINUTES, dtype=np.uint16)
    code = rows.code[at, session]
    marks[there] = np.where(code == WITHDRAWN, NO_MARK, code)
    extract[there] = rows.extract[at]
    line[there] = rows.line[at, session]
    minutes[there] = rows.minutes[at, session]
    return Provenance(marks, extract, line, minutes, rows.extracts)


@dataclass(frozen=True)
class Recorded:
    """Of each session of a register (pupils, days, AM and PM): minutes late of the newest mark, int32, -1 for none; and
    the date on which an extract first had a mark of it, in days since 1970, int64, -1 for never."""

    minutes: npt.NDArray[np.int32]
    first: npt.NDArray[np.int64]


def recorded_of(conn: sa.Connection, school: str, days: Days, person_ids: npt.ArrayLike) -> Recorded:
    """When marks first came, and minutes late, over everything loaded: for looking at registers, not for any rule.

    Of extracts that say the same of a day, the first decides when, the last how many minutes.
    """
    extracts, held = _held(conn, school, days, None, lines=False)
    dates = np.array([e.key.recorded_on for e in extracts], dtype="datetime64[D]").astype(np.int64)
    persons = np.asarray(person_ids, dtype=np.int64)
    shape = (len(persons), len(days), 2)
    out = Recorded(np.full(shape, -1, dtype=np.int32), np.full(shape, -1, dtype=np.int64))
    seen = [(h.day, id(h.said)) for h in held]
    first_of = {key: i for i, key in reversed(list(enumerate(seen)))}
    last_of = {key: i for i, key in enumerate(seen)}
    place = {id(h.said): _places(persons, h.said.marks.person) for h in held}
    for i in sorted(first_of.values(), reverse=True):
        h, rows = held[i], place[id(held[i].said)]
        for s in (0, 1):
            said = (h.said.marks.code[:, s] != SILENT) & (h.said.marks.code[:, s] != WITHDRAWN) & (rows >= 0)
            out.first[rows[said], h.day, s] = dates[h.rank]
    for i in sorted(last_of.values()):
        h, rows = held[i], place[id(held[i].said)]
        for s in (0, 1):
            said = (h.said.marks.code[:, s] != SILENT) & (rows >= 0)
            minutes = h.said.marks.minutes[said, s]
            out.minutes[rows[said], h.day, s] = np.where(minutes == NO_MINUTES, -1, minutes.astype(np.int32))
    return out


def amendments(conn: sa.Connection, school: str, days: Days, as_at: dt.date | None = None) -> Amendments:
    """Every amendment of the given days known at `as_at`: a later extract's different code for a session marked
    already, a withdrawal, and a mark after a withdrawal."""
    return amendments_in(read_statements(conn, school, days, as_at), days)


def amendments_in(rows: Folded, days: Days) -> Amendments:
    """As `amendments`, of statements of these days that were read already."""
    where, session, before, after = _changed(rows)
    return Amendments(
        person=rows.person[where],
        day=days[rows.day[where]],
        session=session,
        old_code=before,
        new_code=after,
        extract=rows.extract[where],
        line=rows.line[where, session],
        extracts=rows.extracts,
    )


def changes(conn: sa.Connection, school: str, days: Days) -> Changes:
    """The same amendments without what each was and where it stands: for counting them over years."""
    extracts, held = _held(conn, school, days, None, lines=False)
    last: dict[int, int] = {}
    news = []
    for h in held:
        # An extract that says of a day just what the one before it said amends nothing. Most nights' extracts do.
        if last.get(h.day) != id(h.said):
            news.append(h)
        last[h.day] = id(h.said)
    said = _said(news)
    recorded = np.array([e.key.recorded_on for e in extracts], dtype="datetime64[D]")
    rank = np.repeat(np.array([h.rank for h in news], dtype=np.int64), [len(h.said.marks.person) for h in news])
    where = _changed(said)[0]
    return Changes(said.person[where], said.day[where], recorded[rank[where]])


def _changed(
    rows: Said | Folded,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Which rows change a session's mark, which session, and its code before and after, in order within the session."""
    said_am, said_pm = (np.flatnonzero(rows.code[:, s] != SILENT) for s in (0, 1))
    at = np.concatenate([said_am, said_pm])
    session = np.repeat(np.array([0, 1], dtype=np.uint8), [len(said_am), len(said_pm)])
    order = np.lexsort((at, session, rows.day[at], rows.person[at]))
    at, session = at[order], session[order]
    code = rows.code[at, session]
    code = np.where(code == WITHDRAWN, np.uint8(NO_MARK), code)
    same = np.zeros(len(at), dtype=bool)
    person, day = rows.person[at], rows.day[at]
    same[1:] = (person[1:] == person[:-1]) & (day[1:] == day[:-1]) & (session[1:] == session[:-1])
    before = np.zeros(len(at), dtype=np.uint8)
    before[1:] = code[:-1]
    # A session not marked before is not amended by its first mark; nor by withdrawing what was never there.
    changed = np.flatnonzero(same & (code != before))
    return at[changed], session[changed], before[changed], code[changed]


def read_statements(conn: sa.Connection, school: str, days: Days, as_at: dt.date | None = None) -> Folded:
    """The statements of the given days, in the order in which they speak, with the marks that `complete` extracts
    withdraw by not naming them, and without the extracts that are left out."""
    extracts, held = _held(conn, school, days, as_at, lines=True)
    lines = [
        np.zeros(h.said.marks.code.shape, dtype=np.int32) if h.lines is None else h.said.lines(unpack_lines(h.lines))
        for h in held
    ]
    lengths = [len(h.said.marks.person) for h in held]
    said = _said(held)
    return Folded(
        person=said.person,
        day=said.day,
        code=said.code,
        minutes=_joined([h.said.marks.minutes for h in held], (0, 2), np.uint16),
        line=_joined(lines, (0, 2), np.int32),
        extract=np.repeat(np.array([h.rank for h in held], dtype=np.int32), lengths),
        extracts=tuple(extracts),
    )


def read_marks(conn: sa.Connection, school: str, days: Days, as_at: dt.date | None = None) -> Said:
    """What `fold_marks` needs of the same statements: of those that say the same of a day, only the last to speak.

    (It says all that the earlier ones said, so they can decide nothing.)
    """
    _, held = _held(conn, school, days, as_at, lines=False)
    last = {(h.day, id(h.said)): i for i, h in enumerate(held)}
    return _said([held[i] for i in sorted(last.values())])


def fold_marks(rows: Said | Folded, person_ids: npt.ArrayLike, n_days: int) -> npt.NDArray[np.uint8]:
    """The newest mark of each session: uint8[pupils, n_days, 2]."""
    persons = np.asarray(person_ids, dtype=np.int64)
    marks = np.zeros((len(persons), n_days, 2), dtype=np.uint8)
    place = _places(persons, rows.person)
    for s in (0, 1):
        said = (rows.code[:, s] != SILENT) & (place >= 0)
        # Where an index repeats, NumPy keeps the last value assigned; rows stand in the order in which they speak.
        marks[place[said], rows.day[said], s] = rows.code[said, s]
    marks[marks == WITHDRAWN] = NO_MARK
    return marks


def _places(person_ids: npt.NDArray[np.int64], persons: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The row of each person among `person_ids`, -1 where not there."""
    top = int(max(person_ids.max(initial=0), persons.max(initial=0))) + 1
    table = np.full(top, -1, dtype=np.int32)
    table[person_ids] = np.arange(len(person_ids), dtype=np.int32)
    return table[persons]


@dataclass(frozen=True)
class _Held:
    rank: int
    day: int
    said: SaidOfPupils
    lines: bytes | None


def _held(
    conn: sa.Connection, school: str, days: Days, as_at: dt.date | None, *, lines: bool
) -> tuple[list[StoredExtract], list[_Held]]:
    """The extracts that count, and their statements of the given days, both in the order in which they speak."""
    extracts = list_extracts(conn, school, "register", as_at)
    settled = None
    if as_at is not None and register_mode_of(conn, school) == "complete":
        # What is kept was worked out from everything loaded, and a later pupils extract may have changed it.
        settled = settle(conn, school, as_at)
    left_out = {e.id for e in extracts if e.left_out} if settled is None else {e.id for e in settled.left_out}
    extracts = [e for e in extracts if e.id not in left_out]
    if len(days) == 0:
        return extracts, []
    rank = {e.id: i for i, e in enumerate(extracts)}
    index = {d: i for i, d in enumerate(days.astype(object).tolist())}
    first, last = min(index), max(index)
    pages = read_marks_pages(conn, school, first, last)
    unpacked: dict[tuple[dt.date, str], SaidOfPupils] = {}
    links = links_of(conn, school, as_at)
    found: list[tuple[int, int, int, _Held]] = []
    for s in read_statements_of(conn, school, first, last, lines=lines):
        if s.extract_id not in rank or s.day not in index:
            continue
        key = (s.day, s.marks)
        if key not in unpacked:
            unpacked[key] = links.said(unpack_marks(pages[key]))
        r, d = rank[s.extract_id], index[s.day]
        found.append((r, 0, d, _Held(r, d, unpacked[key], s.lines)))
    stored = () if settled else read_day_pages(conn, implied_withdrawal, school, first, last)
    for day, extract_id, page in settled.withdrawals if settled else stored:
        if extract_id in rank and day in index:
            r, d = rank[extract_id], index[day]
            found.append((r, 1, d, _Held(r, d, links.said(unpack_marks(page)), None)))
    return extracts, [f[3] for f in sorted(found, key=lambda f: f[:3])]


def _said(held: Sequence[_Held]) -> Said:
    lengths = [len(h.said.marks.person) for h in held]
    return Said(
        person=_joined([h.said.marks.person for h in held], (0,), np.int32),
        day=np.repeat(np.array([h.day for h in held], dtype=np.int32), lengths),
        code=_joined([h.said.marks.code for h in held], (0, 2), np.uint8),
    )


def _joined(parts: list[npt.NDArray], empty: tuple[int, ...], dtype: type) -> npt.NDArray:
    return np.concatenate(parts) if parts else np.zeros(empty, dtype=dtype)
