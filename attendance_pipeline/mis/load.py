"""Loading: from a school's inbox to the warehouse, all in one transaction, and what it changed.

Belongs here: the order of the steps. How files are found and kept is `inbox.py`, how they are read `reading.py`, what
the register makes of them `register/`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from attendance_pipeline.mis.formats import Format, RawTable, UnreadableFile
from attendance_pipeline.mis.inbox import Dropped, MadeOn, Pattern, clear, keep, look
from attendance_pipeline.mis.reading import DatedCodes, Reading, RegisterRows, read_tables
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.register.complete import LEFT_OUT, settle
from attendance_pipeline.register.history import Said, amendments, fold_marks, read_marks
from attendance_pipeline.register.identity import links_of
from attendance_pipeline.register.lessons import split_lessons_by_day
from attendance_pipeline.register.not_on_roll import rows_not_on_roll, rows_of_nobody
from attendance_pipeline.register.roll import current_records
from attendance_pipeline.register.statements import Marks, split_by_day
from attendance_pipeline.store import quarantine
from attendance_pipeline.store.extracts import (
    ExtractKey,
    NewExtract,
    known_extracts,
    list_extracts,
    put_extracts,
    read_records,
    register_mode_of,
    replace_day_pages,
    set_left_out,
    set_register_mode,
    statement_days,
)
from attendance_pipeline.store.persons import intern_persons
from attendance_pipeline.store.quarantine import QuarantineRow
from attendance_pipeline.store.tables import implied_withdrawal
from attendance_pipeline.store.warehouse import Warehouse

_RECORD_KINDS = ("pupils", "contacts", "classes", "interventions", "notifications")


@dataclass(frozen=True)
class LoadResult:
    """What a load did. Names of files only, counts otherwise: safe to show anywhere.

    loaded: files put into the warehouse; unchanged: files that were loaded before; refused: files quarantined whole;
    waiting: files still being written; not_taken: (name, why) of files left in the inbox; stayed: loaded files that
    could not be taken from the inbox. rows: rows of the loaded files; quarantined_new: quarantine rows that were not
    there before. marks_new, marks_changed: sessions that had no mark and now have one, and whose mark is another now
    (or none); earliest_changed: the first day of either. records_changed: by kind, how many subjects (pupils, classes,
    entries of the log) read differently now. notes: what a person may want to know of each file.
    """

    school: str
    loaded: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    not_taken: tuple[tuple[str, str], ...] = ()
    stayed: tuple[str, ...] = ()
    rows: int = 0
    quarantined_new: int = 0
    marks_new: int = 0
    marks_changed: int = 0
    earliest_changed: dt.date | None = None
    records_changed: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """One line of counts."""
        parts = [
            f"{len(self.loaded)} files loaded",
            f"{self.rows:,} rows",
            f"{self.marks_new:,} new marks",
            f"{self.marks_changed:,} changed marks",
        ]
        more = {
            "files read before": len(self.unchanged),
            "files refused": len(self.refused),
            "files still being written": len(self.waiting),
            "files not taken": len(self.not_taken),
            "rows newly set aside": self.quarantined_new,
        }
        return f"{self.school}: " + ", ".join(parts + [f"{count:,} {what}" for what, count in more.items() if count])


@dataclass(frozen=True)
class _Refused:
    dropped: Dropped
    fault: UnreadableFile


def load(
    wh: Warehouse,
    school: str,
    inbox: Path,
    kept: Path,
    *,
    reader: str | Format = "native",
    complete: bool = False,
    code_map: Sequence[DatedCodes] = (),
    keep_private: bool = False,
    settle_seconds: float = 2.0,
    pattern: Pattern | None = None,
    made_on: MadeOn | None = None,
) -> LoadResult:
    """Load everything in a school's inbox in one transaction; keep the files and clear them away.

    `kept`: the folder of kept extracts. `reader`: a format or its name. `complete`: the school's register extracts are
    complete (rules.md section 2). `code_map`: local codes, applied first. `keep_private`: keep the online form's Reason
    and Evidence. `settle_seconds`, `pattern`, `made_on`: see `inbox.look`. Loading the same files again, in any order,
    in any portions, or after being killed at any moment, ends in the same warehouse.
    """
    form = formats()[reader] if isinstance(reader, str) else reader
    reading = _fingerprint(form, code_map, keep_private)
    found = look(inbox, settle_seconds, pattern, made_on)
    with wh.read() as conn:
        known = known_extracts(conn, school)
        mode = register_mode_of(conn, school)
        told = quarantine.keys(conn, school, "inbox")
    fresh = [d for d in found.dropped if known.get((d.key.file_name, d.key.sha256)) != reading]
    names = {d.path.name for d in fresh}
    unchanged = tuple(d.path.name for d in found.dropped if d.path.name not in names)
    readings, refused = _read(form, fresh, code_map, keep_private, school)
    result = LoadResult(
        school=school,
        loaded=tuple(r.key.file_name for r in readings),
        unchanged=unchanged,
        refused=tuple(r.dropped.path.name for r in refused),
        waiting=found.waiting,
        not_taken=tuple((n.name, n.rule) for n in found.not_taken),
        rows=sum(r.rows for r in readings),
        notes=tuple(_notes(readings, refused)),
    )
    wanted_mode = "complete" if complete else "changes"
    if readings or refused or mode != wanted_mode or told != {quarantine.key_of(r) for r in _left(result)}:
        by_key = {d.key: d for d in fresh}
        with wh.begin(school) as conn:
            result = _load(conn, result, readings, refused, reading, complete)
            for d in (r.dropped for r in refused):
                keep(kept, d.key.sha256, d.data)
            comments = _amending_lines(conn, school, readings)
            for r in readings:
                d = by_key[r.key]
                hidden = set() if keep_private and r.kind != "register" else set(r.private)
                name = r.key.file_name
                data = form.without_columns(r.kind, name, d.data, hidden, comments[r.key]) if hidden else d.data
                keep(kept, d.key.sha256, data)
    stayed = clear(found.dropped)
    return _replaced(result, stayed=tuple(stayed))


def _fingerprint(form: Format, code_map: Sequence[DatedCodes], keep_private: bool) -> str:
    maps = [[sorted(m.codes.items()), str(m.valid_from), str(m.valid_to)] for m in code_map]
    return hashlib.sha256(json.dumps([form.name, form.version, maps, keep_private]).encode()).hexdigest()


def _read(
    form: Format, fresh: Sequence[Dropped], code_map: Sequence[DatedCodes], keep_private: bool, school: str
) -> tuple[list[Reading], list[_Refused]]:
    tables: dict[str, list[tuple[ExtractKey, RawTable]]] = defaultdict(list)
    refused = []
    for d in fresh:
        try:
            tables[d.kind].append((d.key, form.read(d.kind, d.key.file_name, d.data)))
        except UnreadableFile as fault:
            refused.append(_Refused(d, fault))
    readings = [r for kind, files in tables.items() for r in read_tables(kind, files, code_map, keep_private, school)]
    return sorted(readings, key=lambda r: r.key), refused


def _load(
    conn: sa.Connection,
    result: LoadResult,
    readings: Sequence[Reading],
    refused: Sequence[_Refused],
    reading: str,
    complete: bool,
) -> LoadResult:
    school = result.school
    before = quarantine.keys(conn, school)
    there = {e.key: e.id for e in list_extracts(conn, school, "register")}
    register = [r for r in readings if r.kind == "register"]
    mode_changed = (register_mode_of(conn, school) == "complete") != complete
    pupils_read = any(r.kind == "pupils" for r in readings)
    days = {d for r in register if r.register is not None for d in np.unique(r.register.day).astype(object).tolist()}
    days |= statement_days(conn, school, [there[r.key] for r in register if r.key in there])
    if mode_changed or (complete and (register or pupils_read)):
        days |= statement_days(conn, school)
    axis = np.array(sorted(days), dtype="datetime64[D]")
    kinds = [k for k in _RECORD_KINDS if any(r.kind == k for r in readings)]
    standing = {k: set(current_records(conn, school, k).where) for k in kinds}
    folded_before = read_marks(conn, school, axis)
    upns = {u for r in readings for u in _upns(r)}
    persons = intern_persons(conn, upns)
    ids = put_extracts(conn, school, [_new_extract(school, r, persons, reading) for r in readings])
    quarantine.add(conn, school, [_refusal(r) for r in refused])
    quarantine.replace(conn, school, "inbox", _left(result))
    roll_rows: list[QuarantineRow] = []
    resettled = complete and bool(register or pupils_read or mode_changed)
    if resettled:
        settled = settle(conn, school)
        replace_day_pages(conn, implied_withdrawal, school, settled.withdrawals)
        set_left_out(conn, school, [e.id for e in settled.left_out])
        roll_rows = [
            QuarantineRow(e.id, e.file_name, e.key.sha256, 1, "Code", LEFT_OUT, "roll") for e in settled.left_out
        ]
    elif mode_changed:
        replace_day_pages(conn, implied_withdrawal, school, [])
        set_left_out(conn, school, [])
    if pupils_read or resettled or mode_changed:
        nobody = rows_of_nobody(conn, school)
        quarantine.replace(conn, school, "roll", roll_rows + rows_not_on_roll(conn, school) + nobody)
    elif readings:
        quarantine.add(conn, school, rows_of_nobody(conn, school))
        quarantine.add(conn, school, rows_not_on_roll(conn, school, [ids[r.key] for r in register]))
    # A pupil who came to be known by another name has no other marks for that.
    folded_before = replace(folded_before, person=links_of(conn, school).stand_for(folded_before.person))
    new, changed, earliest = _marks_changed(axis, folded_before, read_marks(conn, school, axis))
    set_register_mode(conn, school, "complete" if complete else "changes")
    return _replaced(
        result,
        quarantined_new=len(quarantine.keys(conn, school) - before),
        marks_new=new,
        marks_changed=changed,
        earliest_changed=earliest,
        records_changed=_records_changed(conn, school, standing),
    )


def _upns(reading: Reading) -> Iterable[str]:
    if reading.register is not None:
        return (reading.register.upns[i] for i in np.unique(reading.register.upn))
    return (r.data["upn"] for r in reading.records if "upn" in r.data)


def _new_extract(school: str, r: Reading, persons: dict[str, int], reading: str) -> NewExtract:
    return NewExtract(
        school=school,
        kind=r.kind,
        key=r.key,
        reading=reading,
        rows=r.rows,
        columns_ignored=r.ignored,
        warnings=r.warnings,
        statements={} if r.register is None else split_by_day(_marks(r.register, persons)),
        lessons=split_lessons_by_day(r.records, persons) if r.kind == "lessons" else {},
        records=() if r.kind == "lessons" else r.records,
        faults=r.faults,
    )


def _marks(rows: RegisterRows, persons: dict[str, int]) -> Marks:
    numbers = np.array([persons.get(u, 0) for u in rows.upns], dtype=np.int32)
    person = numbers[rows.upn] if len(rows.upn) else np.zeros(0, dtype=np.int32)
    return Marks(person, rows.day, rows.session, rows.code, rows.minutes, rows.line)


def _left(result: LoadResult) -> list[QuarantineRow]:
    return [QuarantineRow(None, name, "", 1, "(file)", rule, "inbox") for name, rule in result.not_taken]


def _refusal(r: _Refused) -> QuarantineRow:
    key = r.dropped.key
    return QuarantineRow(None, key.file_name, key.sha256, r.fault.line, r.fault.column, r.fault.rule, "file")


def _marks_changed(axis: np.ndarray, before: Said, after: Said) -> tuple[int, int, dt.date | None]:
    persons = np.union1d(before.person, after.person)
    old, new = fold_marks(before, persons, len(axis)), fold_marks(after, persons, len(axis))
    differs = old != new
    days = np.flatnonzero(differs.any(axis=(0, 2)))
    earliest = axis[days[0]].astype(object) if len(days) else None
    return int((differs & (old == 0)).sum()), int((differs & (old != 0)).sum()), earliest


def _records_changed(conn: sa.Connection, school: str, standing: dict[str, set[int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind, before in standing.items():
        changed = before ^ set(current_records(conn, school, kind).where)
        data = read_records(conn, changed)
        counts[kind] = len({d.get("upn", d.get("class")) for d in data.values()})
    return counts


def _amending_lines(conn: sa.Connection, school: str, readings: Sequence[Reading]) -> dict[ExtractKey, set[int]]:
    """The lines of each register extract that amend a mark: their comment is kept (rules.md section 9)."""
    lines: dict[ExtractKey, set[int]] = defaultdict(set)
    commented = [r.register for r in readings if r.register is not None and r.private]
    days = {d for rows in commented for d in np.unique(rows.day).astype(object).tolist()}
    if not days:
        return lines
    found = amendments(conn, school, np.array(sorted(days), dtype="datetime64[D]"))
    for extract, line in zip(found.extract.tolist(), found.line.tolist(), strict=True):
        lines[found.extracts[extract].key].add(line)
    return lines


def _notes(readings: Sequence[Reading], refused: Sequence[_Refused]) -> Iterable[str]:
    for r in readings:
        if r.ignored:
            yield f"{r.key.file_name}: columns ignored: {', '.join(r.ignored)}"
        for warning, n in r.warnings.items():
            yield f"{r.key.file_name}: {warning}: {n} rows"
    for f in refused:
        yield f"{f.dropped.path.name}: not read: line {f.fault.line}, column {f.fault.column!r}: {f.fault.rule}"


def _replaced(result: LoadResult, **changes: object) -> LoadResult:
    return replace(result, **changes)  # type: ignore[arg-type]  # field names are checked by `replace` itself
