"""Removing persons from every table, and what remains said of it: tombstones of files, closed days.

Verbs that go through a school's tables and hand each page to whoever knows what is in it; and a walk over every table
that there is, for proving afterwards that nothing is left. Not here: whom to remove (`steps/removal_plan.py`), what a
page holds, files.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks, insert_new, upsert
from attendance_pipeline.store.pages import pack_page, unpack_page
from attendance_pipeline.store.tables import (
    amendment_note,
    closed_day,
    delivery,
    derived_page,
    draw,
    extract,
    former_page,
    impact_report,
    implied_withdrawal,
    lesson_page,
    letter,
    letter_event,
    marks_page,
    metadata,
    person,
    quarantine,
    record,
    record_page,
    removed_file,
    statement,
)
from attendance_pipeline.store.warehouse import Warehouse, now

NOBODY = 0  # in a draw, in place of a pupil who was removed: the tickets of the others keep their numbers
Lines = dict[int, set[int]]  # by the number of an extract

# A marks page without some persons (None: nobody is left in it), and which of its rows stay (None: all).
WithoutMarks = Callable[[bytes], tuple[bytes | None, np.ndarray | None]]
LinesOf = Callable[[bytes, np.ndarray], bytes]


def remove_marks(conn: sa.Connection, school: str, without: WithoutMarks, lines_of: LinesOf) -> int:
    """Put marks pages without some persons in place of those with them, and shorten the statements that name them.

    `lines_of`: the lines of a statement of which only some rows stay. Returns how many pages changed.
    """
    m, s = marks_page.c, statement.c
    changed = 0
    days = conn.execute(sa.select(m.day).where(m.school == school).distinct().order_by(m.day)).scalars().all()
    for day in days:
        pages = conn.execute(sa.select(m.sha256, m.page).where(m.school == school, m.day == day)).all()
        for sha, page in pages:
            new, stay = without(page)
            if stay is None:
                continue
            changed += 1
            here = sa.and_(s.school == school, s.day == day, s.marks == sha)
            if new is None:
                conn.execute(sa.delete(statement).where(here))
            else:
                new_sha = hashlib.sha256(new).hexdigest()
                insert_new(conn, marks_page, [{"school": school, "day": day, "sha256": new_sha, "page": new}])
                for number, lines in conn.execute(sa.select(s.extract_id, s.lines).where(here)).all():
                    one = sa.update(statement).where(here, s.extract_id == number)
                    conn.execute(one.values(marks=new_sha, lines=lines_of(lines, stay)))
            conn.execute(sa.delete(marks_page).where(m.school == school, m.day == day, m.sha256 == sha))
    w = implied_withdrawal.c
    for day, number, page in conn.execute(sa.select(w.day, w.extract_id, w.page).where(w.school == school)).all():
        new, stay = without(page)
        if stay is not None:
            here = sa.and_(w.school == school, w.day == day, w.extract_id == number)
            changed += 1
            if new is None:
                conn.execute(sa.delete(implied_withdrawal).where(here))
            else:
                conn.execute(sa.update(implied_withdrawal).where(here).values(page=new))
    return changed


def remove_from_pages(
    conn: sa.Connection, school: str, persons: Collection[int]
) -> tuple[dict[str, int], set[tuple[dt.date, str]]]:
    """Take persons out of derived pages, of those kept for an impact report, and of lessons.

    Returns rows by table, and the day and kind of the derived pages that changed.
    """
    numbers = np.array(sorted(persons), dtype=np.int64)
    rows: dict[str, int] = {}
    changed: set[tuple[dt.date, str]] = set()
    for table, column in ((derived_page, "pupil"), (former_page, "pupil"), (lesson_page, "person")):
        keys = [c for c in table.primary_key.columns if c.name != "school"]
        days = conn.execute(sa.select(table.c.day).where(table.c.school == school).distinct()).scalars().all()
        for day in sorted(days):
            query = sa.select(*keys, table.c.page).where(table.c.school == school, table.c.day == day)
            for *key, page in conn.execute(query).all():
                arrays = unpack_page(page)
                if column not in arrays:
                    continue
                gone = np.isin(arrays[column], numbers)
                if not gone.any():
                    continue
                rows[table.name] = rows.get(table.name, 0) + int(gone.sum())
                if table is derived_page:
                    changed.add((key[0], key[1]))
                here = sa.and_(table.c.school == school, *(c == k for c, k in zip(keys, key, strict=True)))
                if gone.all() and table is lesson_page:
                    conn.execute(sa.delete(table).where(here))
                else:
                    new = pack_page({name: values[~gone] for name, values in arrays.items()})
                    conn.execute(sa.update(table).where(here).values(page=new))
    return rows, changed


def records_about(conn: sa.Connection, school: str) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """(number, kind, data) of every record of a school that is about somebody."""
    c = record.c
    for row in conn.execute(sa.select(c.id, c.kind, c.data).where(c.school == school, c.kind != "classes")):
        yield row.id, row.kind, row.data


def lines_of_records(conn: sa.Connection, school: str, records: Collection[int]) -> Lines:
    """By extract, the lines on which one of these records stands."""
    numbers = np.array(sorted(records), dtype=np.int64)
    out: Lines = {}
    query = sa.select(record_page.c.extract_id, record_page.c.page).join(extract).where(extract.c.school == school)
    for number, page in conn.execute(query):
        arrays = unpack_page(page)
        found = arrays["line"][np.isin(arrays["record"], numbers)]
        if len(found):
            out[number] = set(found.tolist())
    return out


def lines_of_persons(
    conn: sa.Connection,
    school: str,
    stay_of: Callable[[bytes], np.ndarray | None],
    lines_gone: Callable[[bytes, np.ndarray], set[int]],
) -> Iterator[tuple[int, set[int]]]:
    """(extract, lines) of the marks of some persons. `stay_of`: which rows of a marks page are others' (None: all)."""
    m, s = marks_page.c, statement.c
    days = conn.execute(sa.select(m.day).where(m.school == school).distinct()).scalars().all()
    for day in sorted(days):
        stay = {
            sha: rows
            for sha, page in conn.execute(sa.select(m.sha256, m.page).where(m.school == school, m.day == day))
            if (rows := stay_of(page)) is not None
        }
        if stay:
            query = sa.select(s.extract_id, s.marks, s.lines).where(s.school == school, s.day == day)
            for number, sha, lines in conn.execute(query):
                if sha in stay:
                    yield number, lines_gone(lines, stay[sha])


def lines_of_extract(
    conn: sa.Connection, extract_ids: Collection[int], records: Collection[int]
) -> Iterator[tuple[int, list[int], list[int]]]:
    """(extract, lines of these records, lines of others) of every extract that holds records."""
    numbers = np.array(sorted(records), dtype=np.int64)
    for part in chunks(sorted(extract_ids)):
        query = sa.select(record_page.c.extract_id, record_page.c.page).where(record_page.c.extract_id.in_(part))
        for number, page in conn.execute(query):
            arrays = unpack_page(page)
            own = np.isin(arrays["record"], numbers)
            yield number, arrays["line"][own].tolist(), arrays["line"][~own].tolist()


def remove_records(conn: sa.Connection, school: str, records: Collection[int]) -> int:
    """Delete records, and where they stood in extracts."""
    numbers = np.array(sorted(records), dtype=np.int64)
    query = sa.select(record_page.c.extract_id, record_page.c.page).join(extract).where(extract.c.school == school)
    for number, page in conn.execute(query).all():
        arrays = unpack_page(page)
        gone = np.isin(arrays["record"], numbers)
        if gone.any():
            new = pack_page({name: values[~gone] for name, values in arrays.items()})
            conn.execute(sa.update(record_page).where(record_page.c.extract_id == number).values(page=new))
    return sum(conn.execute(sa.delete(record).where(record.c.id.in_(p))).rowcount for p in chunks(sorted(records)))


def remove_lines(conn: sa.Connection, school: str, lines: Lines) -> int:
    """Delete the notes on amendments and the quarantine rows of lines of extracts. Returns how many."""
    count = 0
    for number, gone in lines.items():
        for part in chunks(sorted(gone)):
            for table in (amendment_note, quarantine):
                here = sa.and_(table.c.school == school, table.c.extract_id == number, table.c.line.in_(part))
                count += conn.execute(sa.delete(table).where(here)).rowcount
    return count


def references_of(conn: sa.Connection, school: str, persons: Collection[int]) -> set[str]:
    """The references of every letter about some persons."""
    found: set[str] = set()
    for part in chunks(sorted(persons)):
        query = sa.select(letter.c.reference).where(letter.c.school == school, letter.c.person_id.in_(part))
        found.update(conn.execute(query).scalars())
    return found


def remove_letters(conn: sa.Connection, school: str, references: Collection[str]) -> int:
    """Delete letters with their events, and their references wherever reports and folders are remembered by them.

    Batches keep how many letters they had: the brake goes by what was usual.
    """
    gone, count = set(references), 0
    for part in chunks(sorted(gone)):
        conn.execute(sa.delete(letter_event).where(letter_event.c.reference.in_(part)))
        count += conn.execute(sa.delete(letter).where(letter.c.reference.in_(part))).rowcount
    for table, column in ((impact_report, "content"), (delivery, "holds")):
        c = table.c[column]
        for number, held in conn.execute(sa.select(table.c.id, c).where(table.c.school == school)).all():
            kept = _without_texts(held, gone)
            if kept != held:
                conn.execute(sa.update(table).where(table.c.id == number).values({column: kept}))
    return count


def _without_texts(value: Any, gone: set[str]) -> Any:
    """A JSON value without members and list items that are one of these texts, or are named so."""
    if isinstance(value, dict):
        return {k: _without_texts(v, gone) for k, v in value.items() if k not in gone and not _is_one(v, gone)}
    if isinstance(value, list):
        return [_without_texts(v, gone) for v in value if not _is_one(v, gone)]
    return value


def _is_one(value: Any, gone: set[str]) -> bool:
    return isinstance(value, str) and value in gone


def remove_from_draws(conn: sa.Connection, school: str, persons: Collection[int]) -> int:
    """Put nobody in place of some persons' tickets. Returns how many tickets."""
    gone, count, c = set(persons), 0, draw.c
    for kind, week, content in conn.execute(sa.select(c.kind, c.week, c.content).where(c.school == school)).all():
        here = sum(n in gone for p in content["prizes"] for n in p["tickets"])
        if here:
            prizes = [{**p, "tickets": [NOBODY if n in gone else n for n in p["tickets"]]} for p in content["prizes"]]
            one = sa.update(draw).where(c.school == school, c.kind == kind, c.week == week)
            conn.execute(one.values(content={**content, "prizes": prizes}))
            count += here
    return count


def remove_persons(conn: sa.Connection, persons: Collection[int]) -> None:
    """Forget whose numbers these were."""
    for part in chunks(sorted(persons)):
        conn.execute(sa.delete(person).where(person.c.id.in_(part)))


def shas_of(conn: sa.Connection, school: str) -> dict[str, list[tuple[int | None, str]]]:
    """Every kept file of a school by its SHA-256: (number, file name) of the extracts it is; number None where it was
    refused whole."""
    out: dict[str, list[tuple[int | None, str]]] = {}
    e, q = extract.c, quarantine.c
    for number, name, sha in conn.execute(sa.select(e.id, e.file_name, e.sha256).where(e.school == school)):
        out.setdefault(sha, []).append((number, name))
    refused = sa.select(q.extract, q.sha256).where(q.school == school, q.origin == "file").distinct()
    for name, sha in conn.execute(refused):
        out.setdefault(sha, []).append((None, name))
    return out


# ---------------------------------------------------------------- what remains said


def put_removed_file(
    conn: sa.Connection, sha256: str, kept_sha256: str, before: dt.date, lines: Collection[int]
) -> int:
    """Note that a kept file is another than was received, without these lines, and forget why any of them was set
    aside. What was taken out before is counted with it; said again, nothing changes. Returns the count."""
    c, q = removed_file.c, quarantine.c
    earlier = conn.execute(sa.select(c.taken_out, c.kept_sha256).where(c.sha256 == sha256)).first()
    count = earlier.taken_out if earlier else 0
    if earlier is None or earlier.kept_sha256 != kept_sha256:
        count += len(lines)
    row = {"sha256": sha256, "kept_sha256": kept_sha256, "before": before, "removed_at": now()}
    upsert(conn, removed_file, [{**row, "taken_out": count}])
    for part in chunks(sorted(lines)):
        conn.execute(sa.delete(quarantine).where(q.sha256 == sha256, q.line.in_(part), q.origin != "file"))
    return count


def removed_files(conn: sa.Connection, school: str) -> set[str]:
    """The SHA-256 of every file that a school received and of which something was taken out since."""
    found = set(conn.execute(sa.select(removed_file.c.sha256)).scalars())
    return found & shas_of(conn, school).keys() if found else found


def close_days(conn: sa.Connection, school: str, days: Mapping[dt.date, tuple[str, str]]) -> None:
    """Close days: by day the hash of the marks before and after. A day that is closed keeps the hash it first had
    where it was not corrected since."""
    known = {day: marks for day, (marks, left) in closed_days(conn, school).items() if left == days.get(day, ("",))[0]}
    upsert(
        conn,
        closed_day,
        [
            {"school": school, "day": day, "marks": known.get(day, before), "marks_left": left}
            for day, (before, left) in days.items()
        ],
    )


def closed_days(conn: sa.Connection, school: str) -> dict[dt.date, tuple[str, str]]:
    """The closed days of a school: the hash of its marks before the first removal, and of those left by the last."""
    c = closed_day.c
    query = sa.select(c.day, c.marks, c.marks_left).where(c.school == school).order_by(c.day)
    return {r.day: (r.marks, r.marks_left) for r in conn.execute(query)}


# ---------------------------------------------------------------- proof


@dataclass(frozen=True)
class Held:
    """What one column of one table holds: texts, and numbers of persons in its pages. `school` "" for none."""

    table: str
    column: str
    school: str
    texts: tuple[str, ...] = ()
    persons: frozenset[int] = frozenset()


def everything(conn: sa.Connection) -> Iterator[Held]:
    """Every table that there is, row by row: texts as they are, JSON as text, and who is named in pages by number.

    Pages of marks name persons by differences (`register/statements.py`): the numbers here are not theirs.
    """
    for table in metadata.sorted_tables:
        columns = list(table.columns)
        texts = [c for c in columns if isinstance(c.type, sa.String | sa.JSON)]
        pages = [c for c in columns if isinstance(c.type, sa.LargeBinary) and table not in (marks_page, statement)]
        numbers = [c for c in columns if c.name == "person_id" or (table is person and c.name == "id")]
        if not texts and not pages and not numbers:
            continue
        schools = "school" in table.c
        with_school = [table.c.school.label("of_school")] if schools else []
        found = conn.execution_options(yield_per=1000).execute(sa.select(*with_school, *texts, *pages, *numbers))
        for row in found:
            school = row[0] if schools else ""
            at = len(with_school)
            said = [
                json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v
                for v in row[at : at + len(texts)]
            ]
            yield Held(table.name, "", school, tuple(str(t) for t in said if t is not None))
            at += len(texts)
            for c, page in zip(pages, row[at : at + len(pages)], strict=True):
                if table is implied_withdrawal:
                    continue
                arrays = unpack_page(page)
                for name, values in arrays.items():
                    if name in ("pupil", "person"):
                        yield Held(table.name, c.name, school, persons=frozenset(np.unique(values).tolist()))
                    elif values.dtype.kind in "OUT":
                        yield Held(table.name, c.name, school, tuple({str(v) for v in values.tolist()}))
            at += len(pages)
            who = frozenset(int(n) for n in row[at:] if n is not None)
            if who:
                yield Held(table.name, "person_id", school, persons=who)


def make_bytes_go(warehouse: Warehouse) -> None:
    """Write the database's file anew, so that what was deleted is not in it any more.

    SQLite: its file and its log of changes. PostgreSQL: its tables; what its own backups and archived logs hold is not
    reached from here.
    """
    if warehouse.dialect == "sqlite":
        with warehouse.outside_transactions() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            conn.exec_driver_sql("VACUUM")
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with warehouse.outside_transactions() as conn:
        for table in metadata.sorted_tables:
            conn.exec_driver_sql(f"VACUUM FULL {conn.dialect.identifier_preparer.format_table(table)}")
