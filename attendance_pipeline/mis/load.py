"""Loading: from a school's inbox to the warehouse, all in one transaction, and what it changed.

Belongs here: the order of the steps. How files are found and kept is `inbox.py`, how they are read `reading.py`, what
the register makes of them `register/`. Files go through in portions, so that memory does not grow with their number.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from attendance_pipeline.mis.cells import tidy
from attendance_pipeline.mis.formats import Coded, Format, RawTable, UnreadableFile, read_files
from attendance_pipeline.mis.inbox import Dropped, Inbox, MadeOn, Pattern, clear, keep_all, look, look_at_log
from attendance_pipeline.mis.kinds import KINDS
from attendance_pipeline.mis.reading import DatedCodes, Reading, RegisterRows, read_tables, told
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.register.complete import rows_left_out, settle
from attendance_pipeline.register.history import Said, amendments_in, fold_marks, read_marks, read_statements
from attendance_pipeline.register.identity import links_of
from attendance_pipeline.register.lessons import split_lessons_by_day
from attendance_pipeline.register.log_versions import LITTLE_LEFT
from attendance_pipeline.register.not_on_roll import rows_not_on_roll, rows_of_nobody
from attendance_pipeline.register.roll import current_records
from attendance_pipeline.register.statements import Marks, split_by_day
from attendance_pipeline.store import quarantine
from attendance_pipeline.store.amendment_notes import AmendmentNote, put_notes
from attendance_pipeline.store.extracts import (
    ExtractKey,
    NewExtract,
    StatementPages,
    known_extracts,
    list_extracts,
    log_mode_of,
    put_extracts,
    read_records,
    register_mode_of,
    replace_day_pages,
    set_left_out,
    set_log_mode,
    set_register_mode,
    statement_counts,
    statement_days,
)
from attendance_pipeline.store.persons import intern_persons
from attendance_pipeline.store.quarantine import QuarantineRow
from attendance_pipeline.store.removal import removed_files
from attendance_pipeline.store.tables import implied_withdrawal
from attendance_pipeline.store.warehouse import Warehouse

# Of what is held at once. A year of a school of a thousand pupils is one portion; pandera's cost is mostly per call.
_TOGETHER = 16 << 20  # bytes of files
_STATEMENTS_TOGETHER = 4_000

WITH_REMOVED = "not loaded again: it was loaded before, and holds pupils who were removed since (attendance prune)"
_RECORD_KINDS = ("pupils", "contacts", "classes", "interventions", "notifications")


@dataclass(frozen=True)
class LoadResult:
    """What a load did. Names of files (in `notes`, of columns too), counts otherwise: safe to show anywhere.

    loaded: files put into the warehouse; unchanged: files that were loaded before; refused: files quarantined whole;
    waiting: files still being written; not_taken: (name, why) of files left in the inbox; stayed: loaded files that
    could not be taken from the inbox. rows: rows of the loaded files; quarantined_new: quarantine rows that were not
    there before. marks_new, marks_changed: sessions that had no mark and now have one, and whose mark is another now
    (or none); earliest_changed: the first day of either. records_changed: by kind, how many subjects (pupils, classes,
    entries of the log) read differently now. busy: why files wait or are left in the inbox. notes: what a person may
    want to know of each file.
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
    busy: tuple[str, ...] = ()
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


@dataclass(frozen=True)
class _Portion:
    """Files of one kind that are read and held together, and what they say."""

    kind: str
    files: Mapping[ExtractKey, Dropped]
    readings: Sequence[Reading]
    refused: Sequence[_Refused]


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
    log: Path | None = None,
    log_complete: bool = False,
    sift: Callable[[Inbox], tuple[Inbox, Sequence[Dropped]]] | None = None,
) -> LoadResult:
    """Load everything in a school's inbox in one transaction; keep the files and clear them away.

    `kept`: the folder of kept extracts. `reader`: a format or its name. `complete`: the school's register extracts are
    complete (rules.md section 2). `code_map`: local codes, applied first. `keep_private`: keep the online form's Reason
    and Evidence. `settle_seconds`, `pattern`, `made_on`: see `inbox.look`. `log`: the intervention log, where it is
    kept in one place and read there; `log_complete`: an entry that a newer version of a log lacks was taken back.
    `sift`: what of the inbox is loaded, and what is taken away before.
    Loading the same files again, in any order, in any portions, or after being killed at any moment, ends in the same
    warehouse.
    """
    form = formats()[reader] if isinstance(reader, str) else reader
    reading = _fingerprint(form, code_map, keep_private)
    found = look(inbox, settle_seconds, pattern, made_on)
    if sift is not None:
        found, needless = sift(found)
        clear(needless)  # before the load: what makes them needless is still there to be loaded
    if log is not None:
        found = _both(found, look_at_log(log, settle_seconds))
    with wh.read() as conn:
        known = known_extracts(conn, school)
        modes = register_mode_of(conn, school), log_mode_of(conn, school)
        told = quarantine.keys(conn, school, "inbox")
        removed = removed_files(conn, school)
    fresh = [d for d in found.dropped if known.get((d.key.file_name, d.key.sha256)) != reading]
    # What was taken out of a kept file does not come back with the file.
    again = [d for d in fresh if d.key.sha256 in removed]
    fresh = [d for d in fresh if d.key.sha256 not in removed]
    names = {d.path.name for d in fresh}
    result = LoadResult(
        school=school,
        unchanged=tuple(d.path.name for d in found.dropped if d.path.name not in names),
        waiting=found.waiting,
        not_taken=tuple((n.name, n.rule) for n in found.not_taken),
        busy=(*found.notes, *(f"{d.path.name}: {WITH_REMOVED}" for d in again)),
    )
    wanted = _mode(complete), _mode(log_complete)
    withheld: set[ExtractKey] = set()
    if fresh or modes != wanted or told != {quarantine.key_of(r) for r in _left(result)}:
        portions = (_read(form, files, code_map, keep_private, school) for files in _portions(fresh))
        first = next(portions, None)  # most often all there is: nobody has to wait while it is read
        with wh.begin(school) as conn:
            loading = _Loading(conn, result, fresh, complete, log_complete)
            for portion in chain([first] if first else [], portions):
                loading.put(portion, reading)
                keep_all(kept, loading.as_they_came(portion, keep_private))
            result = loading.settle()
            keep_all(kept, loading.without_columns(form))
            put_notes(conn, school, loading.reasons(form))
            withheld = loading.withheld
    stayed = clear([d for d in found.dropped if d.key not in withheld])
    return _replaced(result, stayed=tuple(stayed))


def _both(inbox: Inbox, log: Inbox) -> Inbox:
    return Inbox(
        inbox.dropped + log.dropped,
        inbox.waiting + log.waiting,
        inbox.not_taken + log.not_taken,
        inbox.notes + log.notes,
    )


def _mode(complete: bool) -> str:
    return "complete" if complete else "changes"


def _hidden(reading: Reading, keep_private: bool) -> tuple[str, ...]:
    """The columns of a file that its kept copy leaves out."""
    if keep_private and reading.kind != "register":
        return ()
    return reading.private + (reading.ignored if KINDS[reading.kind].only_known else ())


def _fingerprint(form: Format, code_map: Sequence[DatedCodes], keep_private: bool) -> str:
    maps = [[sorted(m.codes.items()), str(m.valid_from), str(m.valid_to)] for m in code_map]
    return hashlib.sha256(json.dumps([form.name, form.version, maps, keep_private]).encode()).hexdigest()


def _portions(fresh: Sequence[Dropped]) -> Iterator[list[Dropped]]:
    """The files in portions of one kind that are read and held together. Register extracts come first: what stood
    before is asked before anything is put, and must be asked of pupils as they were known then."""
    for _, of_kind in groupby(sorted(fresh, key=lambda d: (d.kind != "register", d.kind)), key=lambda d: d.kind):
        portion: list[Dropped] = []
        weight = 0
        for d in of_kind:
            if portion and weight + d.weight > _TOGETHER:
                yield portion
                portion, weight = [], 0
            portion.append(d)
            weight += d.weight
        yield portion


def _read(
    form: Format, files: Sequence[Dropped], code_map: Sequence[DatedCodes], keep_private: bool, school: str
) -> _Portion:
    kind = files[0].kind
    tables: list[tuple[ExtractKey, RawTable]] = []
    refused = []
    read = read_files(form, kind, [(d.key.file_name, d.content()) for d in files])
    for d, table in zip(files, read, strict=True):
        if isinstance(table, UnreadableFile):
            refused.append(_Refused(d, table))
        else:
            tables.append((d.key, table))
    readings = read_tables(kind, tables, code_map, keep_private, school)
    by_key = {d.key: d for d in files}
    refused += [_Refused(by_key[r.key], r.unusable) for r in readings if r.unusable is not None]
    readings = [r for r in readings if r.unusable is None]
    return _Portion(kind, {d.key: d for d in files}, sorted(readings, key=lambda r: r.key), refused)


class _Loading:
    """One school's load within one transaction: what stood before, portion after portion, and what it came to.

    Holds of each portion only what the end needs, so that memory does not grow with the number of files.
    """

    def __init__(
        self, conn: sa.Connection, result: LoadResult, fresh: Sequence[Dropped], complete: bool, log_complete: bool
    ):
        self.conn, self.school, self.result, self.complete = conn, result.school, result, complete
        self.log_mode = _mode(log_complete)
        self.log_changed = log_mode_of(conn, self.school) != self.log_mode
        self.faults_before = quarantine.keys(conn, self.school)
        self.there = {e.key: e.id for e in list_extracts(conn, self.school, "register")}
        self.mode_changed = (register_mode_of(conn, self.school) == "complete") != complete
        kinds = {d.kind for d in fresh} | ({"interventions"} if self.log_changed else set())
        self.busy = list(result.busy)
        self.withheld: set[ExtractKey] = set()  # files of which no copy may be kept, and that are left where they are
        self.standing = {k: set(current_records(conn, self.school, k).where) for k in _RECORD_KINDS if k in kinds}
        self.loaded: list[ExtractKey] = []
        self.refused: list[tuple[ExtractKey, str]] = []
        self.notes: list[tuple[ExtractKey, str]] = []
        self.rows = 0
        self.read: set[str] = set()  # kinds of which a file was read
        self.registers: list[int] = []
        self.days: set[dt.date] = set()
        self.before: list[tuple[npt.NDArray[np.datetime64], Said]] = []  # the marks of all these days, in parts
        self.commented: list[tuple[Dropped, tuple[str, ...], frozenset[dt.date]]] = []
        self.amending: dict[str, set[int]] = defaultdict(set)  # lines by SHA-256, under any name that a file has
        self.amended_by: dict[int, set[int]] = defaultdict(set)  # the same by the number of the extract
        if self.mode_changed or (complete and kinds & {"register", "pupils"}):
            self._remember(statement_days(conn, self.school))

    def put(self, portion: _Portion, reading: str) -> None:
        """Put what was read of some files."""
        conn, school, readings = self.conn, self.school, portion.readings
        days = {d for r in readings if r.register is not None for d in _days(r.register)}
        self._remember(
            days | statement_days(conn, school, [self.there[r.key] for r in readings if r.key in self.there])
        )
        persons = intern_persons(conn, _upns(readings))
        ids = put_extracts(conn, school, list(_new_extracts(school, readings, persons, reading)))
        quarantine.add(conn, school, [_refusal(r) for r in portion.refused])
        if readings:
            self.read.add(portion.kind)
        if portion.kind == "register":
            self.registers += ids.values()
        self.loaded += [r.key for r in readings]
        self.refused += [(r.dropped.key, r.dropped.path.name) for r in portion.refused]
        self.notes += _notes(readings, portion.refused)
        self.rows += sum(r.rows for r in readings)

    def as_they_came(self, portion: _Portion, keep_private: bool) -> list[tuple[str, bytes]]:
        """(SHA-256, bytes) of the files of a portion of which nothing is left out; the others are remembered."""
        whole = [r.dropped for r in portion.refused]
        if KINDS[portion.kind].only_known and not keep_private:
            # Which of its columns hold what may not be kept is not known.
            self.withheld |= {d.key for d in whole}
            self.busy += [f"{d.path.name}: left in the inbox: no copy of it may be kept" for d in whole]
            whole = []
        for r in portion.readings:
            d = portion.files[r.key]
            if hidden := _hidden(r, keep_private):
                days = frozenset() if r.register is None else frozenset(_days(r.register))
                self.commented.append((d, hidden, days))
            else:
                whole.append(d)
        return [(d.key.sha256, d.content()) for d in whole]

    def settle(self) -> LoadResult:
        """Work out what all extracts together say now, and what is another than before."""
        conn, school, complete = self.conn, self.school, self.complete
        quarantine.replace(conn, school, "inbox", _left(self.result))
        roll_rows: list[QuarantineRow] = []
        pupils_read = "pupils" in self.read
        resettled = complete and bool(self.mode_changed or self.read & {"register", "pupils"})
        if resettled:
            settled = settle(conn, school)
            replace_day_pages(conn, implied_withdrawal, school, settled.withdrawals)
            set_left_out(conn, school, [e.id for e in settled.left_out])
            roll_rows = rows_left_out(settled)
        elif self.mode_changed:
            replace_day_pages(conn, implied_withdrawal, school, [])
            set_left_out(conn, school, [])
        if pupils_read or resettled or self.mode_changed:
            nobody = rows_of_nobody(conn, school)
            quarantine.replace(conn, school, "roll", roll_rows + rows_not_on_roll(conn, school) + nobody)
        elif self.read:
            quarantine.add(conn, school, rows_of_nobody(conn, school))
            quarantine.add(conn, school, rows_not_on_roll(conn, school, self.registers))
        new, changed, earliest = self._compare()
        set_register_mode(conn, school, _mode(complete))
        set_log_mode(conn, school, self.log_mode)
        read = self.read | ({"interventions"} if self.log_changed else set())
        if "interventions" in read:
            little = current_records(conn, school, "interventions").little_left if self.log_mode == "complete" else ()
            rows = [QuarantineRow(e.id, e.file_name, e.key.sha256, 1, "(file)", LITTLE_LEFT, "log") for e in little]
            quarantine.replace(conn, school, "log", rows)
        standing = {kind: before for kind, before in self.standing.items() if kind in read}
        return _replaced(
            self.result,
            loaded=tuple(key.file_name for key in sorted(self.loaded)),
            refused=tuple(name for _, name in sorted(self.refused)),
            busy=tuple(self.busy),
            notes=tuple(note for _, note in sorted(self.notes, key=lambda n: n[0])),
            rows=self.rows,
            quarantined_new=len(quarantine.keys(conn, school) - self.faults_before),
            marks_new=new,
            marks_changed=changed,
            earliest_changed=earliest,
            records_changed=_records_changed(conn, school, standing),
        )

    def without_columns(self, form: Format) -> Iterator[tuple[str, bytes]]:
        """(SHA-256, bytes) of each file of which something is left out. To be asked after `settle`."""
        for d, private, _ in self.commented:
            name, sha256 = d.key.file_name, d.key.sha256
            yield sha256, form.without_columns(d.kind, name, d.content(), set(private), self.amending[sha256])

    def reasons(self, form: Format) -> Iterator[AmendmentNote]:
        """What the lines that amend a mark say of it. To be asked after `settle`."""
        named = {(e.key.file_name, e.key.sha256): e.id for e in list_extracts(self.conn, self.school, "register")}
        number = {d.key: named.get((d.key.file_name, d.key.sha256)) for d, _, _ in self.commented}
        wanted = [d for d, _, _ in self.commented if self.amended_by.get(number[d.key] or 0)]
        # Read once more, but only where there is a reason: elsewhere no comment is ever held.
        for files in _portions(wanted):
            tables = read_files(form, "register", [(d.key.file_name, d.content()) for d in files])
            for d, table in zip(files, tables, strict=True):
                if isinstance(table, UnreadableFile):
                    raise table
                extract = named[d.key.file_name, d.key.sha256]
                rows = np.flatnonzero(np.isin(table.line, list(self.amended_by[extract])))
                said = [_texts_of(table, header, rows) for header in KINDS["register"].private]
                for line, reason, by in zip(table.line[rows].tolist(), *said, strict=True):
                    if reason or by:
                        yield AmendmentNote(extract, line, reason, by)

    def _remember(self, days: set[dt.date]) -> None:
        """The marks of days that are about to change, as they stand before anything is put about them."""
        new = days - self.days
        if new:
            axis = np.array(sorted(new), dtype="datetime64[D]")
            self.before.append((axis, read_marks(self.conn, self.school, axis)))
            self.days |= new

    def _compare(self) -> tuple[int, int, dt.date | None]:
        """New marks, changed marks, and the first day of either; also notes which lines of files with comments amend
        a mark: their comment is kept (rules.md section 9)."""
        # A pupil who came to be known by another name has no other marks for that.
        links = links_of(self.conn, self.school)
        counts = statement_counts(self.conn, self.school)
        commented = {day for _, _, days in self.commented for day in days}
        new = changed = 0
        first: list[dt.date] = []
        for axis, before in self.before:
            start = 0
            for part in _parts_of_days(counts, axis.astype(object).tolist()):
                days = axis[start : start + len(part)]
                here = (before.day >= start) & (before.day < start + len(part))
                stood = Said(
                    links.stand_for(before.person[here]), before.day[here] - np.int32(start), before.code[here]
                )
                start += len(part)
                if commented.isdisjoint(part):
                    stands = read_marks(self.conn, self.school, days)
                else:
                    rows = read_statements(self.conn, self.school, days)
                    stands = Said(rows.person, rows.day, rows.code)
                    found = amendments_in(rows, days)
                    for extract, line in zip(found.extract.tolist(), found.line.tolist(), strict=True):
                        self.amending[found.extracts[extract].key.sha256].add(line)
                        self.amended_by[found.extracts[extract].id].add(line)
                persons = np.union1d(stood.person, stands.person)
                old, now = fold_marks(stood, persons, len(days)), fold_marks(stands, persons, len(days))
                differs = old != now
                new += int((differs & (old == 0)).sum())
                changed += int((differs & (old != 0)).sum())
                first += days[differs.any(axis=(0, 2))][:1].astype(object).tolist()
        return new, changed, min(first, default=None)


def _parts_of_days(statements: Mapping[dt.date, int], days: Iterable[dt.date]) -> Iterator[list[dt.date]]:
    """The days in order, in parts of so few statements that these can be held together."""
    part: list[dt.date] = []
    held = 0
    for day in sorted(days):
        if part and held + statements.get(day, 0) > _STATEMENTS_TOGETHER:
            yield part
            part, held = [], 0
        part.append(day)
        held += statements.get(day, 0)
    if part:
        yield part


def _texts_of(table: RawTable, header: str, rows: npt.NDArray[np.intp]) -> list[str]:
    """The tidied cells of a column on some rows, blank where the file has none."""
    column = table.columns.get(header)
    if column is None:
        return [""] * len(rows)
    if isinstance(column, Coded):
        return [tidy(column.texts[code]) for code in column.codes[rows].tolist()]
    return [tidy(column[row]) for row in rows.tolist()]


def _days(rows: RegisterRows) -> list[dt.date]:
    days: list[dt.date] = np.unique(rows.day).astype(object).tolist()
    return days


def _upns(readings: Sequence[Reading]) -> set[str]:
    """The names of all persons about whom some files say anything."""
    found = {r.data["upn"] for reading in readings for r in reading.records if r.data.get("upn")}
    named: dict[int, tuple[tuple[str, ...], npt.NDArray[np.bool_]]] = {}  # files read together share their names
    for rows in (r.register for r in readings if r.register is not None):
        _, used = named.setdefault(id(rows.upns), (rows.upns, np.zeros(len(rows.upns), dtype=bool)))
        used[rows.upn] = True
    return found | {names[i] for names, used in named.values() for i in np.flatnonzero(used)}


def _new_extracts(
    school: str, readings: Sequence[Reading], persons: Mapping[str, int], reading: str
) -> Iterator[NewExtract]:
    numbers: dict[int, npt.NDArray[np.int32]] = {}  # files read together share their names
    for r in readings:
        statements: Mapping[dt.date, StatementPages] = {}
        if r.register is not None and len(r.register.upn):
            number = numbers.get(id(r.register.upns))
            if number is None:
                found = [persons.get(u, 0) for u in r.register.upns]
                number = numbers[id(r.register.upns)] = np.array(found, dtype=np.int32)
            statements = split_by_day(_marks(r.register, number))
        yield NewExtract(
            school=school,
            kind=r.kind,
            key=r.key,
            reading=reading,
            rows=r.rows,
            columns_ignored=r.ignored,
            warnings=r.warnings,
            statements=statements,
            lessons=split_lessons_by_day(r.records, persons) if r.kind == "lessons" else {},
            records=() if r.kind == "lessons" else r.records,
            faults=r.faults,
        )


def _marks(rows: RegisterRows, number: npt.NDArray[np.int32]) -> Marks:
    return Marks(number[rows.upn], rows.day, rows.session, rows.code, rows.minutes, rows.line)


def _left(result: LoadResult) -> list[QuarantineRow]:
    return [QuarantineRow(None, name, "", 1, "(file)", rule, "inbox") for name, rule in result.not_taken]


def _refusal(r: _Refused) -> QuarantineRow:
    key = r.dropped.key
    return QuarantineRow(None, key.file_name, key.sha256, r.fault.line, r.fault.column, r.fault.rule, "file")


def _records_changed(conn: sa.Connection, school: str, standing: dict[str, set[int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind, before in standing.items():
        changed = before ^ set(current_records(conn, school, kind).where)
        data = read_records(conn, changed)
        counts[kind] = len({d.get("upn", d.get("class")) for d in data.values()})
    return counts


def _notes(readings: Sequence[Reading], refused: Sequence[_Refused]) -> Iterator[tuple[ExtractKey, str]]:
    for r in readings:
        if r.ignored:
            yield r.key, f"{r.key.file_name}: columns ignored: {told(r.ignored)}"
        for warning, n in r.warnings.items():
            yield r.key, f"{r.key.file_name}: {warning}: {n} rows"
    for f in refused:
        where = f"line {f.fault.line}, column {f.fault.column!r}"
        yield f.dropped.key, f"{f.dropped.path.name}: not read: {where}: {f.fault.rule}"


def _replaced(result: LoadResult, **changes: object) -> LoadResult:
    return replace(result, **changes)  # type: ignore[arg-type]  # field names are checked by `replace` itself
