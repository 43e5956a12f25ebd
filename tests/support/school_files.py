"""Extracts of an invented school, written as its office would drop them, and what a warehouse then says."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attendance_pipeline.mis.load import LoadResult, load
from attendance_pipeline.mis.upn import check_letter
from attendance_pipeline.register.export import amendments_frame, quarantine_frame, register_frame
from attendance_pipeline.register.roll import (
    current_classes,
    current_contacts,
    current_interventions,
    current_notifications,
    current_pupils,
)
from attendance_pipeline.store.warehouse import Warehouse

SCHOOL = "oakfield"


def upn(number: int) -> str:
    """The UPN of an invented pupil."""
    rest = f"3202013{24}{number:03d}"
    return check_letter(rest) + rest


ANN, BEN, CAT, DAN = (upn(n) for n in (1, 2, 3, 4))


def write(inbox: Path, name: str, header: str, rows: Iterable[str]) -> Path:
    """One CSV file; cells of a row are written as they are given."""
    inbox.mkdir(parents=True, exist_ok=True)
    path = inbox / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def register(inbox: Path, recorded: str, *rows: str, suffix: str = "") -> Path:
    """A register extract; a row is `UPN,Date,Session,Code` and perhaps more cells."""
    full = [r + "," * (5 - r.count(",")) for r in rows]
    return write(inbox, f"register_{recorded}{suffix}.csv", "UPN,Date,Session,Code,Minutes Late,Comment", full)


def pupils(inbox: Path, recorded: str, *rows: str, suffix: str = "") -> Path:
    """A pupils extract; a row is `UPN,Class,Entry Date,Leaving Date`, the last two may be missing."""
    full = []
    for row in rows:
        number, group, entry, leaving = (*row.split(","), "", "")[:4]
        full.append(f"{number},Fo,Su,2015-05-01,5,{group},{entry},{leaving}")
    header = "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date"
    return write(inbox, f"pupils_{recorded}{suffix}.csv", header, full)


def load_all(warehouse: Warehouse, home: Path, **options: Any) -> LoadResult:
    """Load the inbox of a home at once."""
    return load(warehouse, SCHOOL, home / "inbox", home / "kept", settle_seconds=0, **options)


def register_rows(warehouse: Warehouse, **options: Any) -> list[str]:
    """The register as `UPN date session code` lines."""
    with warehouse.read() as conn:
        frame = register_frame(conn, SCHOOL, **options)
    return [f"{r.upn} {r.date} {r.session} {r.code}" for r in frame.itertuples()]


def quarantine_rows(warehouse: Warehouse) -> list[str]:
    """The quarantine as `extract:line column: rule` lines."""
    with warehouse.read() as conn:
        frame = quarantine_frame(conn, SCHOOL)
    return [f"{r.extract}:{r.line} {r.column}: {r.rule}" for r in frame.itertuples()]


def everything(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """All that a warehouse says about the school, without what only names rows inside it; of amendments the columns of
    the contract, because a reason may be missing where an older extract came after a newer one."""
    tables = {
        "register": register_frame,
        "amendments": amendments_frame,
        "quarantine": quarantine_frame,
        "pupils": current_pupils,
        "contacts": current_contacts,
        "classes": current_classes,
        "interventions": current_interventions,
        "notifications": current_notifications,
    }
    with warehouse.read() as conn:
        frames = {name: read(conn, SCHOOL).drop(columns="person_id", errors="ignore") for name, read in tables.items()}
    frames["amendments"] = frames["amendments"].drop(columns=["reason", "by"])
    return {name: [tuple(map(str, row)) for row in f.itertuples(index=False)] for name, f in frames.items()}
