"""Extracts: what was received, and the pages and records each one holds.

Verbs that put an extract with everything read from it, and that read it back in fold order. What the pages say belongs
to `register/`; how files are read belongs to `mis/`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa

from attendance_pipeline.store import quarantine
from attendance_pipeline.store.both_dialects import chunks, insert_many, insert_new, upsert
from attendance_pipeline.store.pages import pack_page, unpack_page
from attendance_pipeline.store.tables import (
    extract,
    lesson_page,
    marks_page,
    record,
    record_page,
    school_state,
    statement,
)
from attendance_pipeline.store.warehouse import now

Page = bytes


@dataclass(frozen=True, order=True)
class ExtractKey:
    """The order in which extracts speak: the greatest says last (contract.md section 2)."""

    recorded_on: dt.date
    file_name: str
    sha256: str


@dataclass(frozen=True)
class StoredExtract:
    """One accepted file as the warehouse knows it."""

    id: int
    kind: str
    key: ExtractKey
    reading: str
    quarantined: int
    left_out: bool

    @property
    def file_name(self) -> str:
        return self.key.file_name

    @property
    def recorded_on(self) -> dt.date:
        return self.key.recorded_on


@dataclass(frozen=True)
class Record:
    """One usable row of a kind other than the register. `data` holds JSON values by column."""

    line: int
    subject: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Fault:
    """Why a row is not used. Never holds the value."""

    line: int
    column: str
    rule: str


@dataclass(frozen=True)
class StatementPages:
    """What one register extract says of one date, packed by `register/statements.py`: the marks, and their lines."""

    marks: Page
    lines: Page


@dataclass(frozen=True)
class StoredStatement:
    """A statement as stored: `marks` is the SHA-256 of its marks page; `lines` is empty where it was not asked for."""

    day: dt.date
    extract_id: int
    marks: str
    lines: Page


@dataclass(frozen=True)
class NewExtract:
    """One file as read, ready to be put."""

    school: str
    kind: str
    key: ExtractKey
    reading: str
    rows: int
    columns_ignored: Sequence[str] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    statements: Mapping[dt.date, StatementPages] = field(default_factory=dict)
    lessons: Mapping[dt.date, Page] = field(default_factory=dict)
    records: Sequence[Record] = ()
    faults: Sequence[Fault] = ()


def loaded_until(conn: sa.Connection) -> dt.datetime | None:
    """When the newest extract of any school was loaded (UTC); None for a warehouse without one."""
    found: dt.datetime | None = conn.execute(sa.select(sa.func.max(extract.c.received_at))).scalar()
    return found


def put_extracts(conn: sa.Connection, school: str, extracts: Sequence[NewExtract]) -> dict[ExtractKey, int]:
    """Put extracts of one school with all they hold. One that is there already is replaced, never doubled.

    Returns the id of each. The caller decides whether a known extract needs putting again (`known_extracts`).
    """
    _forget(conn, school, [e.key for e in extracts])
    received = now()
    rows = [
        {
            "school": school,
            "kind": e.kind,
            "file_name": e.key.file_name,
            "recorded_on": e.key.recorded_on,
            "sha256": e.key.sha256,
            "reading": e.reading,
            "received_at": received,
            "rows": e.rows,
            "quarantined": len({f.line for f in e.faults}),
            "columns_ignored": list(e.columns_ignored),
            "warnings": dict(e.warnings),
            "left_out": False,
        }
        for e in extracts
    ]
    if not rows:
        return {}
    conn.execute(sa.insert(extract), rows)
    ids = {e.key: e.id for e in list_extracts(conn, school)}
    _put_statements(conn, school, [(ids[e.key], e.statements) for e in extracts])
    _put_pages(conn, lesson_page, school, [(ids[e.key], e.lessons) for e in extracts])
    for kind in sorted({e.kind for e in extracts if e.records}):
        _put_records(conn, school, kind, [(ids[e.key], e.records) for e in extracts if e.kind == kind])
    quarantine.clear_refused(conn, school, [(e.key.file_name, e.key.sha256) for e in extracts])
    quarantine.add(
        conn,
        school,
        [
            quarantine.QuarantineRow(ids[e.key], e.key.file_name, e.key.sha256, f.line, f.column, f.rule, "row")
            for e in extracts
            for f in e.faults
        ],
    )
    return {e.key: ids[e.key] for e in extracts}


def schools_held(conn: sa.Connection) -> set[str]:
    """Ids of the schools of which any extract is loaded, also of those that the settings no longer name. Of a
    database that has no tables yet: none."""
    if not sa.inspect(conn).has_table(extract.name):
        return set()
    return set(conn.execute(sa.select(extract.c.school).distinct()).scalars())


def known_extracts(conn: sa.Connection, school: str) -> dict[tuple[str, str], str]:
    """How each accepted file was read, by (file name, SHA-256)."""
    query = sa.select(extract.c.file_name, extract.c.sha256, extract.c.reading).where(extract.c.school == school)
    return {(name, sha): reading for name, sha, reading in conn.execute(query)}


def list_extracts(
    conn: sa.Connection, school: str, kind: str | None = None, as_at: dt.date | None = None
) -> list[StoredExtract]:
    """The school's extracts recorded by `as_at`, in the order in which they speak."""
    c = extract.c
    # Not the columns of JSON: this is asked for many times a night, of every extract of a year.
    query = sa.select(c.id, c.kind, c.recorded_on, c.file_name, c.sha256, c.reading, c.quarantined, c.left_out)
    query = query.where(c.school == school)
    if kind is not None:
        query = query.where(c.kind == kind)
    if as_at is not None:
        query = query.where(c.recorded_on <= as_at)
    found = [
        StoredExtract(
            r.id, r.kind, ExtractKey(r.recorded_on, r.file_name, r.sha256), r.reading, r.quarantined, r.left_out
        )
        for r in conn.execute(query)
    ]
    # Sorted here, not by the database: a collation may order file names otherwise than by their characters.
    return sorted(found, key=lambda e: e.key)


def extracts_version(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> str:
    """A hash of which extracts are loaded and how they were read: equal when nothing new can have been learnt."""
    c = extract.c
    query = sa.select(c.recorded_on, c.file_name, c.sha256, c.kind, c.reading).where(c.school == school)
    if as_at is not None:
        query = query.where(c.recorded_on <= as_at)
    digest = hashlib.sha256()
    for recorded_on, file_name, sha256, kind, reading in sorted(map(tuple, conn.execute(query))):  # as `list_extracts`
        digest.update(f"{kind}\0{recorded_on}\0{file_name}\0{sha256}\0{reading}\n".encode())
    return digest.hexdigest()


def read_statements(
    conn: sa.Connection,
    school: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    extract_ids: Iterable[int] | None = None,
    *,
    lines: bool = True,
) -> list[StoredStatement]:
    """Statements of the days first to last (of some extracts, or of all), in no order; `lines`: with their lines."""
    c = statement.c
    query = sa.select(c.day, c.extract_id, c.marks, *([c.lines] if lines else [])).where(c.school == school)
    if first is not None:
        query = query.where(c.day >= first)
    if last is not None:
        query = query.where(c.day <= last)
    nothing = () if lines else (b"",)
    if extract_ids is None:
        return [StoredStatement(*r, *nothing) for r in conn.execute(query)]
    out: list[StoredStatement] = []
    for part in chunks(sorted(extract_ids)):
        out += [StoredStatement(*r, *nothing) for r in conn.execute(query.where(c.extract_id.in_(part)))]
    return out


def read_marks_pages(
    conn: sa.Connection, school: str, first: dt.date | None = None, last: dt.date | None = None
) -> dict[tuple[dt.date, str], Page]:
    """The marks pages of the days first to last by day and SHA-256."""
    c = marks_page.c
    query = sa.select(c.day, c.sha256, c.page).where(c.school == school)
    if first is not None:
        query = query.where(c.day >= first)
    if last is not None:
        query = query.where(c.day <= last)
    return {(day, sha): page for day, sha, page in conn.execute(query)}


def read_day_pages(
    conn: sa.Connection,
    table: sa.Table,
    school: str,
    first: dt.date | None = None,
    last: dt.date | None = None,
    extract_ids: Iterable[int] | None = None,
) -> list[tuple[dt.date, int, Page]]:
    """(day, extract id, page) of a table of day pages, days first to last inclusive, in no order."""
    query = sa.select(table.c.day, table.c.extract_id, table.c.page).where(table.c.school == school)
    if first is not None:
        query = query.where(table.c.day >= first)
    if last is not None:
        query = query.where(table.c.day <= last)
    if extract_ids is None:
        return [(day, number, page) for day, number, page in conn.execute(query)]
    out: list[tuple[dt.date, int, Page]] = []
    for part in chunks(sorted(extract_ids)):
        out += [(d, n, p) for d, n, p in conn.execute(query.where(table.c.extract_id.in_(part)))]
    return out


def statement_days(conn: sa.Connection, school: str, extract_ids: Iterable[int] | None = None) -> set[dt.date]:
    """The dates of which the given register extracts (None: any of the school) say anything."""
    if extract_ids is None:
        every = sa.select(statement.c.day).where(statement.c.school == school).distinct()
        return set(conn.execute(every).scalars())
    days: set[dt.date] = set()
    for part in chunks(sorted(extract_ids)):
        query = sa.select(statement.c.day).where(statement.c.school == school, statement.c.extract_id.in_(part))
        days.update(conn.execute(query.distinct()).scalars())
    return days


def statement_counts(conn: sa.Connection, school: str) -> dict[dt.date, int]:
    """How many register extracts say anything of each date."""
    c = statement.c
    query = sa.select(c.day, sa.func.count()).where(c.school == school).group_by(c.day)
    return {r[0]: r[1] for r in conn.execute(query)}


def replace_day_pages(
    conn: sa.Connection, table: sa.Table, school: str, pages: Sequence[tuple[dt.date, int, Page]]
) -> None:
    """Make these the school's only pages of a table that is worked out anew after each load."""
    conn.execute(sa.delete(table).where(table.c.school == school))
    if pages:
        conn.execute(sa.insert(table), [{"school": school, "day": d, "extract_id": n, "page": p} for d, n, p in pages])


def delete_unused_marks(conn: sa.Connection, school: str) -> None:
    """Delete the marks pages that no statement names any more: to be called after extracts were deleted."""
    m, s = marks_page.c, statement.c
    named = sa.exists().where(s.school == m.school, s.day == m.day, s.marks == m.sha256)
    conn.execute(sa.delete(marks_page).where(m.school == school, ~named))


def set_left_out(conn: sa.Connection, school: str, extract_ids: Iterable[int]) -> None:
    """Mark exactly these register extracts of the school as left out of the register."""
    conn.execute(sa.update(extract).where(extract.c.school == school, extract.c.left_out).values(left_out=False))
    for part in chunks(sorted(extract_ids)):
        conn.execute(sa.update(extract).where(extract.c.id.in_(part)).values(left_out=True))


def register_mode_of(conn: sa.Connection, school: str) -> str:
    """How the school's register extracts were last understood: `changes` (also when none was loaded) or `complete`."""
    query = sa.select(school_state.c.register_mode).where(school_state.c.school == school)
    return conn.execute(query).scalar() or "changes"


def set_register_mode(conn: sa.Connection, school: str, mode: str) -> None:
    """Note how the school's register extracts are understood from now on: `changes` or `complete`."""
    upsert(conn, school_state, [{"school": school, "register_mode": mode}])


def log_mode_of(conn: sa.Connection, school: str) -> str:
    """How the school's intervention logs are understood: `changes` (also when none was loaded) or `complete`."""
    query = sa.select(school_state.c.log_mode).where(school_state.c.school == school)
    return conn.execute(query).scalar() or "changes"


def set_log_mode(conn: sa.Connection, school: str, mode: str) -> None:
    """Note how the school's intervention logs are understood from now on: `changes` or `complete`."""
    state = {"school": school, "register_mode": register_mode_of(conn, school), "log_mode": mode}
    upsert(conn, school_state, [state])


def read_record_pages(
    conn: sa.Connection, school: str, kind: str, as_at: dt.date | None = None
) -> list[tuple[StoredExtract, dict[str, np.ndarray]]]:
    """(extract, arrays `line` and `record`) of one kind, in the order in which they speak."""
    stored = list_extracts(conn, school, kind, as_at)
    pages: dict[int, Page] = {}
    for part in chunks([e.id for e in stored]):
        query = sa.select(record_page.c.extract_id, record_page.c.page).where(record_page.c.extract_id.in_(part))
        pages.update((number, page) for number, page in conn.execute(query))
    return [(e, unpack_page(pages[e.id])) for e in stored if e.id in pages]


def record_subjects(conn: sa.Connection, school: str, kind: str) -> dict[int, str]:
    """The subject of every record of one kind."""
    query = sa.select(record.c.id, record.c.subject).where(record.c.school == school, record.c.kind == kind)
    return {r.id: r.subject for r in conn.execute(query)}


def records_of(conn: sa.Connection, school: str, kind: str) -> dict[int, dict[str, Any]]:
    """The contents of every record of one kind, by id."""
    query = sa.select(record.c.id, record.c.data).where(record.c.school == school, record.c.kind == kind)
    return {r.id: r.data for r in conn.execute(query)}


def pupil_names(
    conn: sa.Connection, schools: Sequence[str], *, upn: str | None = None, admission_number: str | None = None
) -> list[dict[str, str]]:
    """What pupils extracts ever said of names and numbers, each distinct once: `school`, `upn`, `admission_number`,
    `forename`, `preferred_forename`, `surname` and `class`; blank where there is none. Of all, or of those with a UPN
    or an admission number (its case does not matter)."""
    fields = ("admission_number", "forename", "preferred_forename", "surname", "class")
    columns = [record.c.data[name].as_string().label(name) for name in fields]
    query = sa.select(record.c.school, record.c.subject.label("upn"), *columns).where(record.c.kind == "pupils")
    if upn is not None:
        query = query.where(record.c.subject == upn)
    if admission_number is not None:
        query = query.where(sa.func.lower(record.c.data["admission_number"].as_string()) == admission_number.lower())
    found: list[dict[str, str]] = []
    for school in schools:  # by school: that is how records are indexed
        rows = conn.execute(query.where(record.c.school == school))
        found += [{name: value or "" for name, value in r._mapping.items()} for r in rows]
    return found


def records_starting(conn: sa.Connection, school: str, letter: str) -> dict[int, str]:
    """The kind of every record whose subject starts with this letter, capital or small as it is."""
    query = sa.select(record.c.id, record.c.kind).where(record.c.school == school)
    starting = query.where(sa.func.substr(record.c.subject, 1, 1) == letter)
    return {r.id: r.kind for r in conn.execute(starting)}


def read_records(conn: sa.Connection, record_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The contents of records by id."""
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(sorted({int(i) for i in record_ids})):
        query = sa.select(record.c.id, record.c.data).where(record.c.id.in_(part))
        found.update((number, data) for number, data in conn.execute(query))
    return found


def _forget(conn: sa.Connection, school: str, keys: Sequence[ExtractKey]) -> None:
    names = {(k.file_name, k.sha256) for k in keys}
    query = sa.select(extract.c.id, extract.c.file_name, extract.c.sha256).where(extract.c.school == school)
    gone = [number for number, name, sha in conn.execute(query) if (name, sha) in names]
    for part in chunks(gone):
        conn.execute(sa.delete(extract).where(extract.c.id.in_(part)))  # what it holds goes with it (cascade)
    if gone:
        delete_unused_marks(conn, school)


def _put_statements(
    conn: sa.Connection, school: str, held: Sequence[tuple[int, Mapping[dt.date, StatementPages]]]
) -> None:
    statements, pages = [], {}
    for number, by_day in held:
        for day, p in by_day.items():
            sha = hashlib.sha256(p.marks).hexdigest()
            pages[day, sha] = {"school": school, "day": day, "sha256": sha, "page": p.marks}
            statements.append({"school": school, "day": day, "extract_id": number, "marks": sha, "lines": p.lines})
    if statements:
        insert_new(conn, marks_page, list(pages.values()))
        insert_many(conn, statement, statements)


def _put_pages(
    conn: sa.Connection, table: sa.Table, school: str, held: Sequence[tuple[int, Mapping[dt.date, Page]]]
) -> None:
    rows = [
        {"school": school, "day": day, "extract_id": number, "page": page}
        for number, pages in held
        for day, page in pages.items()
    ]
    insert_many(conn, table, rows)


def _put_records(conn: sa.Connection, school: str, kind: str, held: Sequence[tuple[int, Sequence[Record]]]) -> None:
    shas: dict[tuple[str, int], str] = {}
    rows: dict[str, dict[str, Any]] = {}

    def sha_of(r: Record) -> str:
        # A year of daily extracts repeats each pupil's row 190 times, and readers share one mapping between equal rows:
        # hash it once.
        shared = (r.subject, id(r.data))
        sha = shas.get(shared)
        if sha is None:
            text = json.dumps([r.subject, r.data], ensure_ascii=False, sort_keys=True)
            sha = shas[shared] = hashlib.sha256(text.encode()).hexdigest()
            rows[sha] = {"school": school, "kind": kind, "subject": r.subject, "sha256": sha, "data": dict(r.data)}
        return sha

    lines = [(number, [r.line for r in records], [sha_of(r) for r in records]) for number, records in held]
    insert_new(conn, record, list(rows.values()))
    ids: dict[str, int] = {}
    for part in chunks(list(rows)):
        query = sa.select(record.c.sha256, record.c.id).where(
            record.c.school == school, record.c.kind == kind, record.c.sha256.in_(part)
        )
        ids.update((sha, number) for sha, number in conn.execute(query))
    conn.execute(
        sa.insert(record_page),
        [
            {
                "extract_id": number,
                "page": pack_page(
                    {
                        "line": np.array(line, dtype=np.int32),
                        "record": np.array([ids[s] for s in sha], dtype=np.int32),
                    }
                ),
            }
            for number, line, sha in lines
        ],
    )
