"""What is taken from an inbox, what is left there, and how files are kept."""

import datetime as dt
import os
import stat
import tempfile
import threading
import time
from itertools import takewhile
from pathlib import Path

import pytest
from mis_files import workbook

from attendance_pipeline.mis.inbox import clear, keep, kept_path, kind_and_day, look, look_at_log

WORKBOOK = workbook(["UPN", "Date", "Action"])


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


# ---------------------------------------------------------------- files that somebody is busy with


@pytest.mark.parametrize(
    "lock",
    [
        "~$interventions_2026-01-05.xlsx",  # Excel
        "~$Interventions_2026-01-05.XLSX",
        ".~lock.interventions_2026-01-05.xlsx#",  # LibreOffice
    ],
)
def test_a_file_that_somebody_has_open_is_read_as_last_saved_and_left_there(tmp_path, lock):
    path = drop(tmp_path / "inbox", "interventions_2026-01-05.xlsx", WORKBOOK)
    drop(tmp_path / "inbox", lock, b"A Person")
    other = drop(tmp_path / "inbox", "register_2026-01-05.csv")
    found = look(tmp_path / "inbox", settle_seconds=0)
    assert [(d.path.name, d.stays) for d in found.dropped] == [(path.name, True), (other.name, False)]
    assert (found.waiting, found.not_taken) == ((), ())
    assert found.notes == (f"{path.name}: somebody has it open: read as it was last saved, and left in the inbox",)
    assert clear(found.dropped) == []
    assert (path.exists(), other.exists()) == (True, False)


@pytest.mark.parametrize(
    ("data", "waits"),
    [
        (b"", True),
        (WORKBOOK[: len(WORKBOOK) // 2], True),
        (WORKBOOK[:100] + bytes(len(WORKBOOK) - 100), True),  # a share keeps the room free first
        (bytes(5000), True),
        (WORKBOOK, False),
        (b"not a workbook at all", False),  # refused when it is read: waiting would not help
    ],
    ids=["nothing", "half", "room kept", "only room", "whole", "something else"],
)
def test_half_a_workbook_waits_until_it_is_a_day_old(tmp_path, data, waits):
    path = drop(tmp_path / "inbox", "interventions_2026-01-05.xlsx", data)
    found = look(tmp_path / "inbox", settle_seconds=0)
    if waits:
        assert (found.dropped, found.waiting, found.not_taken) == ((), (path.name,), ())
        assert found.notes == (f"{path.name}: not a whole workbook yet; tried again next night",)
    else:
        assert (len(found.dropped), found.waiting, found.notes) == (1, (), ())
    yesterday = time.time() - 25 * 60 * 60
    os.utime(path, (yesterday, yesterday))
    found = look(tmp_path / "inbox", settle_seconds=0)
    assert ([d.data for d in found.dropped], found.waiting, found.notes) == ([data], (), ())


def test_a_file_that_cannot_be_opened_waits(tmp_path):
    path = drop(tmp_path / "inbox", "interventions_2026-01-05.csv", b"x")
    whole = drop(tmp_path / "inbox", "register_2026-01-05.csv", b"y")
    path.chmod(0)
    # The test's own folders, whoever made them and however deep: another account has to be able to get here.
    for folder in (tmp_path, *takewhile(lambda f: f != Path(tempfile.gettempdir()), tmp_path.parents)):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o755)
    whole.chmod(0o644)
    root = os.geteuid() == 0
    if root:  # who may read everything has to be somebody else for a moment
        os.seteuid(65534)
    try:
        found = look(tmp_path / "inbox", settle_seconds=0)
    finally:
        if root:
            os.seteuid(0)
    assert ([d.data for d in found.dropped], found.waiting, found.not_taken) == ([b"y"], (path.name,), ())
    assert len(found.notes) == 1
    assert found.notes[0].startswith(f"{path.name}: cannot be opened: locked by a program, or this account may not")


def test_a_log_that_is_kept_in_one_place_is_read_there(tmp_path):
    path = drop(tmp_path / "office", "Intervention log.xlsx", WORKBOOK)
    os.utime(path, (1_768_000_000, 1_768_000_000))
    (found,) = look_at_log(path, settle_seconds=0).dropped
    saved = dt.datetime.fromtimestamp(1_768_000_000, dt.UTC).astimezone()
    assert (found.kind, found.stays) == ("interventions", True)
    assert found.key.recorded_on == saved.date()
    assert found.key.file_name == f"interventions_{saved:%Y-%m-%d_%H%M%S}_Intervention log.xlsx"
    # Saved once more on the same day: a greater name, so that what it says counts.
    os.utime(path, (1_768_000_060, 1_768_000_060))
    (later,) = look_at_log(path, settle_seconds=0).dropped
    assert later.key > found.key
    assert (clear([found, later]), path.exists()) == ([], True)


def test_a_log_that_is_not_there_is_said(tmp_path):
    found = look_at_log(tmp_path / "log.xlsx")
    assert (found.dropped, found.notes) == (
        (),
        ("log.xlsx: the intervention log is not where the settings say it is",),
    )
