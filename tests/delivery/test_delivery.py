"""What lands on the shared drive: whole or not at all, once, never over a person's work, under names a drive can hold."""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from attendance_pipeline import delivery
from attendance_pipeline.delivery import MANIFEST, Delivered, DeliveryError, deliver
from attendance_pipeline.drive_names import MAX_NAME, NameRefused, checked_name, class_audiences

DAY = dt.date(2026, 2, 13)
FILES = {"batch.csv": b"reference\n", "letters.pdf": b"%PDF-1.7 ..."}


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    (tmp_path / "drive").mkdir()
    return tmp_path / "drive"


def put(
    drive: Path,
    files: Mapping[str, bytes] = FILES,
    *,
    what: str = "letters",
    audience: str = "office",
    run: str = "run-1",
) -> Delivered:
    return deliver(
        drive, "oakfield", audience, "2025/26", DAY, what, files, run=run, policy="seed 1a2b", as_at="2026-02-13"
    )


def hidden(drive: Path) -> list[Path]:
    return list(drive.rglob(".*"))


def test_it_lies_where_the_contract_says_with_a_manifest(drive: Path) -> None:
    delivered = put(drive)
    assert delivered.written
    assert delivered.path == drive / "oakfield/office/2025-26/2026-02-13/letters"
    assert {p.name for p in delivered.path.iterdir()} == {*FILES, MANIFEST}
    text = (delivered.path / MANIFEST).read_bytes()
    assert delivered.manifest_sha256 == hashlib.sha256(text).hexdigest()
    assert json.loads(text) == {
        "school": "oakfield",
        "audience": "office",
        "academic_year": "2025-26",
        "date": "2026-02-13",
        "what": "letters",
        "run": "run-1",
        "policy_version": "seed 1a2b",
        "register_as_at": "2026-02-13",
        "files": [
            {"name": name, "sha256": hashlib.sha256(FILES[name]).hexdigest(), "bytes": len(FILES[name])}
            for name in ("batch.csv", "letters.pdf")
        ],
    }
    assert hidden(drive) == []


def test_only_owner_and_group_may_look(drive: Path) -> None:
    before = os.umask(0o077)
    try:
        path = put(drive).path
    finally:
        os.umask(before)
    folders = [path, *path.relative_to(drive).parents]
    assert {stat.S_IMODE((drive / f).stat().st_mode) for f in folders if f != Path(".")} == {0o770}
    assert {stat.S_IMODE(f.stat().st_mode) for f in path.iterdir()} == {0o660}


def test_a_group_that_a_shared_folder_hands_down_is_kept(drive: Path) -> None:
    drive.chmod(0o2775)
    assert put(drive).path.stat().st_mode & stat.S_ISGID


def test_the_same_files_are_delivered_once_whichever_run_makes_them(drive: Path) -> None:
    first = put(drive)
    again = put(drive, dict(reversed(FILES.items())), run="run-2")
    assert (again.path, again.written, again.manifest_sha256) == (first.path, False, first.manifest_sha256)
    assert [p.name for p in first.path.parent.iterdir()] == ["letters"]


def test_other_files_get_the_next_number_and_what_was_there_stays(drive: Path) -> None:
    put(drive)
    second = put(drive, {**FILES, "held.csv": b"none\n"})
    third = put(drive)  # the newest folder says otherwise, so this is news again
    assert [second.path.name, third.path.name] == ["letters-2", "letters-3"]
    assert (drive / "oakfield/office/2025-26/2026-02-13/letters/batch.csv").read_bytes() == FILES["batch.csv"]
    assert not put(drive).written


@pytest.mark.parametrize("touch", ["edit", "remove", "manifest gone", "manifest spoilt", "a file in its place"])
def test_what_a_person_changed_is_left_alone_and_delivered_again_beside_it(drive: Path, touch: str) -> None:
    path = put(drive).path
    if touch == "edit":
        (path / "batch.csv").write_bytes(b"mine\n")
    elif touch == "remove":
        (path / "batch.csv").unlink()
    elif touch == "manifest gone":
        (path / MANIFEST).unlink()
    elif touch == "manifest spoilt":
        (path / MANIFEST).write_text("[1")
    else:
        path.rename(path.with_name("printed"))
        path.write_text("moved to printed")
    before = {p: p.read_bytes() for p in drive.rglob("*") if p.is_file()}
    again = put(drive)
    assert again.written and again.path.name == "letters-2"
    assert before == {p: p.read_bytes() for p in before}
    assert not put(drive).written


def test_a_file_that_a_person_put_beside_ours_is_no_reason_to_deliver_again(drive: Path) -> None:
    (put(drive).path / "notes.txt").write_text("rang on Tuesday")
    assert not put(drive).written


def test_two_things_on_one_day_do_not_number_each_other(drive: Path) -> None:
    put(drive, what="letters")
    assert put(drive, what="letters drafts").path.name == "letters drafts"
    assert put(drive, {"a": b"1"}, what="letters").path.name == "letters-2"


# ---------------------------------------------------------------- names

LEGAL = ["office", "class-3 Oak", "2025-26", "Größe.pdf", "a" * MAX_NAME, "console", "com", "lpt10.txt", "a..b", "x~1"]
ILLEGAL = [
    *["", ".", "..", "...", " ", "a/b", "a\\b", "../a", "/a", "C:", "a:b", "a*", "a?", 'a"', "<a", "a>", "a|b"],
    *["con", "CON", "nul.txt", "Aux.tar.gz", "com1", "LPT9.pdf", "com¹", "CONIN$", "prn .txt"],
    *["a.", "a ", " a", ".hidden", "~$batch.xlsx", "a\x00", "a\nb", "a\x7f", "a\u202eb", "a\ud800"],
    *["a" * (MAX_NAME + 1), "長" * 100],
]


@pytest.mark.parametrize("name", LEGAL)
def test_a_name_that_every_drive_can_hold(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ILLEGAL)
@pytest.mark.parametrize("where", ["file", "audience", "what"])
def test_a_name_that_some_drive_cannot_hold_is_refused_and_nothing_written(drive: Path, name: str, where: str) -> None:
    with pytest.raises(NameRefused):
        if where == "file":
            put(drive, {name: b""})
        elif where == "audience":
            put(drive, audience=name)
        else:
            put(drive, what=name)
    assert list(drive.iterdir()) == []


@pytest.mark.parametrize(
    "names", [["a.csv", "A.csv"], ["manifest.json"], ["Manifest.JSON"], ["\u00e9.csv", "e\u0301.csv"]]
)
def test_two_files_that_some_drive_takes_for_one_are_refused(drive: Path, names: list[str]) -> None:
    with pytest.raises(NameRefused):
        put(drive, dict.fromkeys(names, b""))


def test_a_delivery_is_not_called_like_a_second_one(drive: Path) -> None:
    with pytest.raises(NameRefused):
        put(drive, what="letters-2")


def test_no_files_is_no_delivery(drive: Path) -> None:
    with pytest.raises(ValueError, match="at least one file"):
        put(drive, {})


def test_each_class_has_its_own_folder() -> None:
    names = ["Oak", "oak", "3/4", "3-4", "3:4", "CON", "Elm.", " Ash", "長" * 60, "..", ""]
    folders = class_audiences(names)
    assert list(folders) == sorted(names)
    assert folders["Oak"] == "class-Oak"
    assert folders["3-4"] == "class-3-4"
    assert folders["3/4"].startswith("class-3-4~")
    assert len({f.casefold() for f in folders.values()}) == len(names)
    assert all(checked_name(f) == f for f in folders.values())
    assert class_audiences(["3/4"])["3/4"] == folders["3/4"]


# ---------------------------------------------------------------- a drive that fails


def test_a_drive_that_is_gone_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"connect it.*delivery\.drive"):
        put(tmp_path / "mounted" / "drive")
    assert not (tmp_path / "mounted").exists()


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EROFS, "read-only"),
        (errno.EACCES, "ask for write access"),
        (errno.ENOSPC, "make room"),
        (errno.ENOTCONN, "went away"),
        (errno.EXDEV, "on one drive"),
    ],
)
@pytest.mark.parametrize("at", ["mkdir", "open", "rename"])
def test_a_drive_that_fails_says_what_to_do_and_shows_nothing_half_done(
    drive: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str, at: str
) -> None:
    works = getattr(os, at)

    def fails(*args: object, **kwargs: object) -> object:
        if at == "open" and not int(args[1]) & os.O_CREAT:  # type: ignore[call-overload]  # the flags of os.open
            return works(*args, **kwargs)
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, at, fails)
        with pytest.raises(DeliveryError, match=advice) as caught:
            put(drive)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == number
    assert [p for p in drive.rglob("*") if not p.is_dir()] == []
    assert hidden(drive) == []
    assert put(drive).written


def test_losing_the_name_to_another_run(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between looking and renaming another run delivers: the same files are found, other ones get the next number."""
    once = [FILES]

    def other_run_first(hidden_folder: Path, final: Path) -> bool:
        if once:
            put(drive, once.pop(), run="other")
        return renamed(hidden_folder, final)

    renamed = delivery._renamed
    monkeypatch.setattr(delivery, "_renamed", other_run_first)
    assert put(drive, {"new.csv": b"1"}).path.name == "letters-2"
    once.append({"newer.csv": b"2"})
    found = put(drive, {"newer.csv": b"2"})
    assert (found.path.name, found.written) == ("letters-3", False)
    assert hidden(drive) == []


# ---------------------------------------------------------------- runs that are killed

KILLED_RUN = """
import datetime as dt, sys
from pathlib import Path
from attendance_pipeline.delivery import deliver
files = {f"{i:04d}.pdf": bytes([i % 251]) * 5000 for i in range(300)}
print("ready", flush=True)
deliver(Path(sys.argv[1]), "oakfield", "office", "2025/26", dt.date(2026, 2, 13), "letters", files,
        run="killed", policy="p", as_at="2026-02-13")
print("done", flush=True)
"""


@pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.08])
def test_a_run_that_is_killed_leaves_nothing_or_all_and_the_next_one_tidies(drive: Path, after: float) -> None:
    files = {f"{i:04d}.pdf": bytes([i % 251]) * 5000 for i in range(300)}
    with subprocess.Popen([sys.executable, "-c", KILLED_RUN, str(drive)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None and run.stdout.readline() == "ready\n"
        time.sleep(after)
        run.send_signal(signal.SIGKILL)
    final = drive / "oakfield/office/2025-26/2026-02-13/letters"
    if final.exists():
        assert sorted(p.name for p in final.iterdir()) == sorted([*files, MANIFEST])
    delivered = put(drive, files)
    assert delivered.path == final
    assert all((final / name).read_bytes() == content for name, content in files.items())
    assert hidden(drive) == []


def test_only_leftovers_of_runs_that_ended_are_cleared(drive: Path) -> None:
    audience = put(drive).path.parents[2]
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here, elsewhere = delivery._machine(), "0" * 8
    alive = audience / f".delivering-{here}-{os.getppid()}-00000000"
    dead = audience / f".delivering-{here}-{ended.pid}-00000000"
    ours_before = audience / f".delivering-{here}-{os.getpid()}-00000000"  # a process number that was used again
    young = audience / f".delivering-{elsewhere}-1-00000001"
    old = audience / f".delivering-{elsewhere}-1-00000002"
    for folder in (alive, dead, ours_before, young, old):
        folder.mkdir()
        (folder / "0001.pdf").write_bytes(b"")
    os.utime(old, (0, 0))
    (audience / ".DS_Store").write_bytes(b"")
    put(drive, {"a": b"1"})
    assert {p.name for p in hidden(drive)} == {alive.name, young.name, ".DS_Store"}


class Made(Mapping[str, bytes]):
    """Files that are made whenever they are taken; `fails` cannot be made."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.taken = fails, list[str]()

    def __iter__(self):
        return iter(reversed(FILES))

    def __len__(self) -> int:
        return len(FILES)

    def __getitem__(self, name: str) -> bytes:
        self.taken.append(name)
        if name == self.fails:
            raise ValueError("letter.typ could not be set")
        return FILES[name]


def test_files_made_as_they_are_taken_are_delivered_as_others_are(drive: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    made = Made()
    delivered, other = put(drive, made), put(tmp_path / "other")
    assert made.taken == list(reversed(FILES))
    for name in (*FILES, MANIFEST):
        assert (delivered.path / name).read_bytes() == (other.path / name).read_bytes()
    assert delivery.hashes_of(delivered.path) == {n: hashlib.sha256(c).hexdigest() for n, c in FILES.items()}


def test_files_made_as_they_are_taken_are_found_to_be_there_already(drive: Path) -> None:
    first, again = put(drive), put(drive, Made(), run="run-2")
    assert (again.written, again.path, again.manifest_sha256) == (False, first.path, first.manifest_sha256)
    assert hidden(drive) == []


def test_a_file_that_cannot_be_made_leaves_nothing_behind(drive: Path) -> None:
    with pytest.raises(ValueError, match="could not be set"):
        put(drive, Made(fails="batch.csv"))
    assert hidden(drive) == [] and not any(drive.rglob("*.pdf"))
