"""What is taken from an inbox, what is left there, and how files are kept."""

import os
import stat
import threading
import time

import pytest

from attendance_pipeline.mis.inbox import clear, keep, kept_path, kind_and_day, look


def drop(inbox, name, data=b"x"):
    inbox.mkdir(exist_ok=True)
    (inbox / name).write_bytes(data)
    return inbox / name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("register_2026-01-05.csv", "register"),
        ("register_2026-01-05_pm.csv", "register"),
        ("Register_2026-01-05_late corrections.CSV", "register"),
        ("interventions_2026-01-05.xlsx", "interventions"),
        ("register_2026-02-30.csv", None),
        ("register-2026-01-05.csv", None),
        ("registers_2026-01-05.csv", None),
        ("register_2026-01-05", None),
        ("register_2026-01-05pm.csv", None),
    ],
)
def test_names(name, kind):
    found = kind_and_day(name)
    assert (found and found[0]) == kind


def test_what_is_taken_and_what_is_left(tmp_path):
    inbox = tmp_path / "inbox"
    drop(inbox, "register_2026-01-05.csv")
    drop(inbox, "marks.csv")
    for passing in (
        ".register_2026-01-05.csv",
        "~$interventions_2026-01-05.xlsx",
        "register_2026-01-06.csv.part",
        "Thumbs.db",
    ):
        drop(inbox, passing)
    (inbox / "register_2026-01-07.csv").symlink_to("/etc/hostname")
    (inbox / "register_2026-01-08.csv").mkdir()
    os.mkfifo(inbox / "register_2026-01-09.csv")
    found = look(inbox, settle_seconds=0)
    assert [d.path.name for d in found.dropped] == ["register_2026-01-05.csv"]
    assert {n.name: n.rule for n in found.not_taken} == {
        "marks.csv": "the file's name is not <kind>_<YYYY-MM-DD>[_anything].<ext>",
        "register_2026-01-07.csv": "a symbolic link, not a file",
        "register_2026-01-09.csv": "not an ordinary file",
    }
    assert found.waiting == ()


def test_no_inbox_is_an_empty_one(tmp_path):
    assert look(tmp_path / "none").dropped == ()


def test_a_file_just_written_is_looked_at_until_it_is_still(tmp_path):
    drop(tmp_path / "inbox", "register_2026-01-05.csv", b"whole")
    started = time.monotonic()
    found = look(tmp_path / "inbox", settle_seconds=0.2)
    assert [d.data for d in found.dropped] == [b"whole"]
    assert time.monotonic() - started < 2


def test_a_file_still_being_written_waits(tmp_path):
    path = drop(tmp_path / "inbox", "register_2026-01-05.csv")
    done = threading.Event()

    def write():
        while not done.wait(0.02):
            with path.open("ab") as handle:
                handle.write(b"more")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = look(tmp_path / "inbox", settle_seconds=0.2)
    finally:
        done.set()
        writer.join()
    assert (found.dropped, found.waiting) == ((), ("register_2026-01-05.csv",))


def test_a_file_replaced_since_it_was_read_is_not_cleared_away(tmp_path):
    drop(tmp_path / "inbox", "register_2026-01-05.csv", b"old")
    drop(tmp_path / "inbox", "register_2026-01-06.csv", b"old")
    found = look(tmp_path / "inbox", settle_seconds=0)
    drop(tmp_path / "inbox", "register_2026-01-05.csv", b"newer")
    assert clear(found.dropped) == ["register_2026-01-05.csv"]
    assert [p.name for p in (tmp_path / "inbox").iterdir()] == ["register_2026-01-05.csv"]
    assert clear(found.dropped[1:]) == []


def test_kept_files_are_read_only_and_private(tmp_path):
    sha = "ab" * 32
    keep(tmp_path / "kept", sha, b"one")
    keep(tmp_path / "kept", sha, b"two")
    path = kept_path(tmp_path / "kept", sha)
    assert path == tmp_path / "kept" / "ab" / sha
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == [sha]
