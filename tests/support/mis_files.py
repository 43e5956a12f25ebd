"""Reading one invented file in any format, and what came of it."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from openpyxl import Workbook

from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.mis.formats import Format
from attendance_pipeline.mis.reading import Reading, read_tables
from attendance_pipeline.store.extracts import ExtractKey

RECORDED = dt.date(2026, 1, 16)


def read(form: Format, kind: str, data: str | bytes, ending: str = "csv", **options: Any) -> Reading:
    """A file of the kind, recorded on Friday 16 January 2026."""
    name = f"{kind}_{RECORDED}.{ending}"
    table = form.read(kind, name, data.encode() if isinstance(data, str) else data)
    return read_tables(kind, [(ExtractKey(RECORDED, name, "0" * 64), table)], **options)[0]


def marks(reading: Reading) -> list[str]:
    """Usable marks as `UPN date session code line`, in the order of the file."""
    r = reading.register
    assert r is not None
    codes = {**dict(enumerate(CODES.codes)), 255: "(withdrawn)"}
    return [
        f"{r.upns[u]} {d} {'AP'[s]}M {codes[c]} {n}"
        for u, d, s, c, n in zip(r.upn, r.day, r.session.tolist(), r.code.tolist(), r.line, strict=True)
    ]


def faults(reading: Reading) -> list[str]:
    return [f"{f.line} {f.column}: {f.rule}" for f in reading.faults]


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
