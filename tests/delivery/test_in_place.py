"""A page that people open every day under one path: renewed in its place, whole at every moment, and never half."""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from attendance_pipeline import delivery
from attendance_pipeline.delivery import MANIFEST, Delivered, DeliveryError, deliver_in_place
from attendance_pipeline.drive_names import NameRefused

DAY = dt.date(2026, 2, 13)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    (tmp_path / "drive").mkdir()
    return tmp_path / "drive"


def put(drive: Path, page: bytes, *, run: str = "run-1", audience: str = "attendance-lead") -> Delivered:
    return deliver_in_place(
        drive, "oakfield", audience, "2025/26", DAY, "board", {"index.html": page},
        run=run, policy="seed 1a2b", as_at="2026-02-13",
    )  # fmt: skip


def test_it_lies_where_the_contract_says_with_a_manifest(drive: Path) -> None:
    done = put(drive, b"one")
    assert done.written
    assert done.path == drive / "oakfield/attendance-lead/board"
    text = (done.path / MANIFEST).read_bytes()
    assert done.manifest_sha256 == hashlib.sha256(text).hexdigest()
    assert json.loads(text) == {
        "school": "oakfield",
        "audience": "attendance-lead",
        "academic_year": "2025-26",
        "date": "2026-02-13",
        "what": "board",
        "run": "run-1",
        "policy_version": "seed 1a2b",
        "register_as_at": "2026-02-13",
        "files": [{"name": "index.html", "sha256": hashlib.sha256(b"one").hexdigest(), "bytes": 3}],
    }


def test_the_next_night_takes_its_place_and_leaves_what_a_person_put_beside_it(drive: Path) -> None:
    folder = put(drive, b"one").path
    (folder / "note.txt").write_text("mine")
    done = put(drive, b"two", run="run-2")
    assert (done.path, done.written) == (folder, True)
    assert {p.name: p.read_bytes() for p in folder.iterdir() if p.name != MANIFEST} == {
        "index.html": b"two", "note.txt": b"mine",
    }  # fmt: skip
    assert json.loads((folder / MANIFEST).read_bytes())["run"] == "run-2"
    assert list(drive.rglob(".*")) == []


def test_the_same_page_again_writes_nothing(drive: Path) -> None:
    first = put(drive, b"one")
    before = (first.path / "index.html").stat().st_mtime_ns
    again = put(drive, b"one", run="run-2")
    assert (again.written, again.manifest_sha256) == (False, first.manifest_sha256)
    assert (first.path / "index.html").stat().st_mtime_ns == before


def test_a_page_that_somebody_changed_is_put_right(drive: Path) -> None:
    folder = put(drive, b"one").path
    (folder / "index.html").write_bytes(b"changed by hand")
    assert put(drive, b"one").written
    assert (folder / "index.html").read_bytes() == b"one"


def test_whoever_reads_meanwhile_has_one_page_or_the_other_and_never_half(drive: Path) -> None:
    pages = {bytes([65 + i]) * 400_000 for i in range(8)}
    folder = put(drive, b"A" * 400_000).path
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add((folder / "index.html").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for page in sorted(pages):
        put(drive, page)
    stop.set()
    reader.join()
    assert seen
    assert seen <= pages


def test_only_owner_and_group_may_look(drive: Path) -> None:
    put(drive, b"one")
    folder = put(drive, b"two").path
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [folder, *folder.iterdir()]}
    assert modes == {"board": 0o770, "index.html": 0o660, MANIFEST: 0o660}


def test_a_file_that_is_locked_for_a_moment_is_waited_for(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = put(drive, b"one").path
    real, refused = os.replace, [2]

    def replace(source: object, target: object) -> None:
        if refused[0]:
            refused[0] -= 1
            raise PermissionError(errno.EACCES, "in use")
        real(source, target)  # type: ignore[arg-type]  # paths

    monkeypatch.setattr(delivery.os, "replace", replace)
    monkeypatch.setattr(delivery.time, "sleep", lambda seconds: None)
    put(drive, b"two")
    assert (folder / "index.html").read_bytes() == b"two"


@pytest.mark.parametrize("audience", ["../office", "a/b", ""])
def test_names_that_leave_the_folder_are_refused(drive: Path, audience: str) -> None:
    with pytest.raises(NameRefused):
        put(drive, b"one", audience=audience)
    assert list(drive.iterdir()) == []


def test_a_drive_that_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="connect it, or correct"):
        put(tmp_path / "drive", b"one")
