"""What parents give as a reason is kept nowhere unless the school says so: not in the warehouse, and in no kept copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from mis_files import workbook
from school_files import ANN, SCHOOL, load_all, quarantine_rows

from attendance_pipeline.mis.map_settings import ColumnMap
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.register.roll import current_notifications
from attendance_pipeline.store.extracts import records_of
from attendance_pipeline.store.warehouse import Warehouse

HEADER = ["Submitted", "UPN", "Pupil Name", "First Date", "Last Date", "Reason", "Evidence", "Parent's e-mail"]
ROW = [
    "2026-01-05 07:45",
    ANN,
    "Ann Lee",
    "2026-01-05",
    "2026-01-06",
    "SECRET cold",
    "SECRET.pdf",
    "SECRET@home.example",
]
MAP = MappedFormat(
    "m",
    ColumnMap.model_validate(
        {"notifications": {"skip_rows": 1, "columns": {"Reason": "Why", "Evidence": "File", "Pupil Name": "Child"}}}
    ),
)
MAPPED = [
    ["Absences"],
    ["Submitted", "Child", "First Date", "Why", "File", "E-mail"],
    [ROW[0], ROW[2], ROW[3], *ROW[5:]],
]


def csv(*rows: list[str]) -> bytes:
    return "\n".join(",".join(row) for row in rows).encode()


FILES = {
    "csv": ("csv", csv(HEADER, ROW), "native"),
    "quoted csv": ("csv", csv(HEADER, [*ROW[:5], '"SECRET,\n cold"', *ROW[6:]]), "native"),
    "xlsx": ("xlsx", workbook(HEADER, ROW), "native"),
    "a column map": ("csv", csv(*MAPPED), MAP),
    "a column map of xlsx": ("xlsx", workbook(*MAPPED), MAP),
}


def stored(home: Path) -> bytes:
    """Every byte of the warehouse and of the kept extracts; workbooks unpacked."""
    import io
    import zipfile

    out = b""
    for path in sorted([*home.rglob("*.db*"), *(home / "kept").rglob("*")]):
        if path.is_file():
            data = path.read_bytes()
            out += data
            if data.startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(data)) as archive:
                    out += b"".join(archive.read(name) for name in archive.namelist())
    return out


def drop(home: Path, ending: str, data: bytes) -> Path:
    path = home / "inbox" / f"notifications_2026-01-05.{ending}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def contents(warehouse: Warehouse) -> list[dict[str, object]]:
    with warehouse.read() as conn:
        return list(records_of(conn, SCHOOL, "notifications").values())


@pytest.mark.parametrize("name", FILES)
def test_reasons_are_not_stored(warehouse: Warehouse, tmp_path: Path, name: str) -> None:
    ending, data, reader = FILES[name]
    path = drop(tmp_path, ending, data)
    assert load_all(warehouse, tmp_path, reader=reader).rows == 1
    assert not path.exists()
    (record,) = contents(warehouse)
    assert record["pupil_name"] == "Ann Lee" and "reason" not in record and "evidence" not in record
    assert b"Ann Lee" in stored(tmp_path)
    assert b"SECRET" not in stored(tmp_path)
    with warehouse.read() as conn:
        assert not {"reason", "evidence"} & set(current_notifications(conn, SCHOOL))


@pytest.mark.parametrize("name", FILES)
def test_a_school_may_keep_them(warehouse: Warehouse, tmp_path: Path, name: str) -> None:
    ending, data, reader = FILES[name]
    drop(tmp_path, ending, data)
    load_all(warehouse, tmp_path, reader=reader, keep_private=True)
    (record,) = contents(warehouse)
    assert str(record["reason"]).startswith("SECRET")
    assert b"SECRET" in stored(tmp_path)


def test_reasons_are_learnt_of_no_more_once_they_are_not_to_be_kept(warehouse: Warehouse, tmp_path: Path) -> None:
    drop(tmp_path, "csv", csv(HEADER, ROW))
    load_all(warehouse, tmp_path, keep_private=True)
    drop(tmp_path, "csv", csv(HEADER, ROW))  # the same file again: read anew, and kept anew
    load_all(warehouse, tmp_path)
    with warehouse.read() as conn:
        assert "reason" not in current_notifications(conn, SCHOOL)
    assert b"SECRET" not in b"".join(p.read_bytes() for p in (tmp_path / "kept").rglob("*") if p.is_file())


def test_a_form_that_cannot_be_read_stays_in_the_inbox_and_no_copy_is_kept(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    path = drop(tmp_path, "csv", csv(["When", "Who", "Why"], ["2026-01-05", "Ann Lee", "SECRET"]))
    result = load_all(warehouse, tmp_path)
    assert (result.refused, path.exists()) == ((path.name,), True)
    assert quarantine_rows(warehouse) == [
        f"{path.name}:1 Submitted: no row of the first 30 names the columns that are needed"
    ]
    assert result.busy[-1] == f"{path.name}: left in the inbox: no copy of it may be kept"
    assert b"SECRET" not in stored(tmp_path)
    again = load_all(warehouse, tmp_path)
    assert (again.quarantined_new, path.exists()) == (0, True)
    load_all(warehouse, tmp_path, keep_private=True)
    assert not path.exists()
    assert b"SECRET" in stored(tmp_path)
