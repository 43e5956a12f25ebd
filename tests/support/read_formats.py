"""Reading one file by the name of its format, and what of it is plain to compare."""

from __future__ import annotations

import datetime as dt

from attendance_pipeline.mis.formats import RawTable
from attendance_pipeline.mis.reading import Reading, read_tables
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.store.extracts import ExtractKey


def raw(form: str, kind: str, data: bytes | str, ending: str) -> RawTable:
    """The table of a file, before anything is understood."""
    data = data.encode() if isinstance(data, str) else data
    return formats()[form].read(kind, f"{kind}_2026-01-09.{ending}", data)


def rows(table: RawTable, *columns: str) -> list[tuple[object, ...]]:
    """(line, cells of the columns) of each row."""
    cells = [list(table.columns[c]) for c in columns]  # type: ignore[arg-type]  # plain, not coded, in these formats
    return [(int(line), *(c[i] for c in cells)) for i, line in enumerate(table.line)]


def faults(read: RawTable | Reading) -> list[tuple[int, str, str]]:
    """(line, column, rule) of each fault."""
    return [(f.line, f.column, f.rule) for f in read.faults]


def understood(form: str, kind: str, data: bytes | str, ending: str, **options: object) -> Reading:
    """The file as it would be loaded."""
    key = ExtractKey(dt.date(2026, 1, 9), f"{kind}_2026-01-09.{ending}", "0" * 64)
    return read_tables(kind, [(key, raw(form, kind, data, ending))], **options)[0]  # type: ignore[arg-type]


def marks(reading: Reading) -> list[tuple[str, str, str, int, int]]:
    """(pupil, date, session, code number, line) of each usable row of a register."""
    r = reading.register
    assert r is not None
    return [
        (r.upns[u], str(d), "AP"[s], int(c), int(n))
        for u, d, s, c, n in zip(r.upn, r.day, r.session, r.code, r.line, strict=True)
    ]
