"""`attendance backup` and `restore`: the whole home, proved, also while somebody is at work; and the night goes on from it."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from demo_homes import Said, attendance, drop_next_day, environment, pupils_named, table, tree

TABLES = ("register", "amendments", "measures", "stages", "penalty_notices", "letters", "tasks", "quarantine")


def backed_up(home: Path, into: Path) -> tuple[Path, Said]:
    said = attendance("backup", into, "--home", home)
    assert said.code == 0, said.err
    (made,) = into.iterdir()
    return made, said


def tables(home: Path) -> dict[str, str]:
    return {name: attendance("export", name, "--home", home).out for name in TABLES}


def modes(folder: Path) -> dict[str, int]:
    """Modes of all files and folders but those that only a program at work has."""
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if not path.name.startswith("at-work") and not path.name.endswith(("-wal", "-shm"))
    }


def test_a_restored_home_says_the_same_and_its_nights_go_on_as_the_old_ones_would(home: Path, tmp_path: Path) -> None:
    monday = drop_next_day(home)
    backup, said = backed_up(home, tmp_path / "backups")
    assert pupils_named(home, said.out + said.err) == 0
    new = tmp_path / "new-machine" / "home"
    restored = attendance("restore", backup, new)
    assert restored.code == 0, restored.err
    assert tables(new) == tables(home)
    assert tree(new / "inbox") == tree(home / "inbox"), "what was not taken in yet"
    assert tree(new / "outbox") == tree(home / "outbox"), "the drive lies in the home"
    assert attendance("check", "--home", new).code == 0
    assert modes(new) == modes(home), "who may read and write what"

    assert list((new / "mis").iterdir()) == [], "an empty folder is one too"

    nights = [attendance("nightly", "--home", folder) for folder in (home, new)]
    assert nights[0].code == nights[1].code in (0, 1)
    assert tables(new) == tables(home)
    assert (table(new, "letters")["proposed_on"] == monday.isoformat()).any()
    without = "manifest.json"  # names the run
    assert tree(new / "outbox", without) == tree(home / "outbox", without)


def test_a_backup_is_for_its_owner_alone_and_holds_no_lock_and_no_log_of_sqlite(home: Path, tmp_path: Path) -> None:
    backup, _ = backed_up(home, tmp_path / "backups")
    modes = {stat.S_IMODE(p.stat().st_mode) for p in [backup, *backup.rglob("*")]}
    assert modes == {0o600, 0o700}
    names = {p.name for p in backup.rglob("*")}
    assert not [n for n in names if n.endswith(("-wal", "-shm", "-journal"))]
    assert "at-work.lock" not in names
    assert {"attendance.toml", "warehouse.db", "reference.key", "runs.db"} <= names


def test_what_was_committed_while_the_database_is_open_is_in_the_backup(home: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home / "state" / "warehouse.db")) as somebody:
        somebody.execute("CREATE TABLE kept (word TEXT)")
        somebody.execute("INSERT INTO kept VALUES ('committed')")
        somebody.commit()
        assert (home / "state" / "warehouse.db-wal").stat().st_size > 0, "it lies in the log, not in the file"
        somebody.execute("INSERT INTO kept VALUES ('not committed')")
        backup, _ = backed_up(home, tmp_path / "backups")
    with closing(sqlite3.connect(backup / "state" / "warehouse.db")) as copy:
        assert copy.execute("SELECT word FROM kept").fetchall() == [("committed",)]


HOLDS = """
import sys
from attendance_pipeline.home import open_home
from attendance_pipeline.one_at_a_time import alone
with alone(open_home(sys.argv[1]), "nightly"):
    print("at work", flush=True)
    sys.stdin.read()
"""


def test_a_backup_waits_for_the_run_that_is_at_work(home: Path, tmp_path: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDS, home], **pipes, env=environment()) as run:
        assert run.stdout is not None and run.stdin is not None
        assert run.stdout.readline() == "at work\n"
        said: list[Said] = []
        backing_up = threading.Thread(target=lambda: said.append(backed_up(home, tmp_path / "backups")[1]))
        backing_up.start()
        backing_up.join(1)
        assert not (tmp_path / "backups").exists()
        run.stdin.close()
        backing_up.join(120)
    assert "another run of this home (nightly, process " in said[0].err


@pytest.mark.parametrize("harm", ["another byte", "gone"])
def test_nothing_is_made_of_a_backup_that_is_not_whole(home: Path, tmp_path: Path, harm: str) -> None:
    backup, _ = backed_up(home, tmp_path / "backups")
    file = backup / "state" / "warehouse.db"
    if harm == "gone":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    said = attendance("restore", backup, tmp_path / "new")
    assert (said.code, said.out) == (2, "")
    assert f"{file} is missing or not what was backed up: use another backup. Nothing was made" in said.err
    assert not (tmp_path / "new").exists()


def test_a_damaged_database_is_said_when_it_is_backed_up_and_no_folder_is_left(home: Path, tmp_path: Path) -> None:
    file = home / "state" / "warehouse.db"
    content = bytearray(file.read_bytes())
    content[4096 : 4096 * 20] = bytes(4096 * 19)
    file.write_bytes(content)
    said = attendance("backup", tmp_path / "backups", "--home", home)
    assert said.code == 3
    assert list((tmp_path / "backups").iterdir()) == []


def test_what_is_refused(home: Path, tmp_path: Path) -> None:
    inside = attendance("backup", home / "state" / "backups", "--home", home)
    assert (inside.code, "lies in the home itself" in inside.err) == (2, True)
    nothing = attendance("restore", tmp_path / "nothing", tmp_path / "new")
    assert (nothing.code, "is no backup" in nothing.err) == (2, True)
    backup, _ = backed_up(home, tmp_path / "backups")
    over = attendance("restore", backup, home)
    assert (over.code, "is not empty" in over.err) == (2, True)
    outside = shutil.copytree(backup, tmp_path / "changed")
    text = (outside / "backup.json").read_text().replace('"attendance.toml"', '"../elsewhere.toml"')
    (outside / "backup.json").write_text(text)
    elsewhere = attendance("restore", outside, tmp_path / "new")
    assert (elsewhere.code, "lies outside the backup" in elsewhere.err) == (2, True)
    assert not (tmp_path / "new").exists()


def test_what_a_backup_does_not_hold_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert attendance("init", home).code == 0
    file = home / "attendance.toml"
    storage = '[dagster]\nstorage = "postgresql://host/runs"\n\n[delivery]'
    file.write_text(file.read_text(encoding="utf-8").replace("[delivery]", storage, 1), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    (home / "more").symlink_to(tmp_path / "elsewhere")
    _, said = backed_up(home, tmp_path / "backups")
    assert "Not in it: Dagster's records on PostgreSQL" in said.out
    assert "Not in it: what symbolic links in the home lead to (1)" in said.out
