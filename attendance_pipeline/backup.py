"""A copy of a whole home in another folder, and a home made from such a copy.

Belongs here: which files of a home are copied, in what order, and the list by which a copy is proved. Not here: the
shared drive where it lies outside the home, a PostgreSQL database (its own tools copy it), and when backups are made.

A backup is a folder of ordinary files: it can be looked into, and moved by any tool. It is written under a hidden name
and renamed when it is complete, so that a folder with a backup's name is a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from attendance_pipeline.home import SETTINGS_FILE, Home
from attendance_pipeline.one_at_a_time import LOCK, WHO, alone
from attendance_pipeline.store.copies import BESIDE, copy_database, is_database

LIST = "backup.json"
_LEFT_OUT = (LOCK, WHO)  # they say who is at work now


class BackupError(RuntimeError):
    """A backup cannot be made or used; the message says why and what to do."""


@dataclass(frozen=True)
class Backup:
    """A finished backup: its folder, how many files and bytes; and what it does not hold, in words."""

    folder: Path
    files: int
    size: int
    without: tuple[str, ...]


def back_up(home: Home, into: Path, name: str, say: Callable[[str], None] = lambda text: None) -> Backup:
    """Copy the home into a new folder `into/name`. Waits for a run that is at work, and runs wait for it.

    Settings, what lies in the inbox, kept extracts, the warehouse on SQLite, Dagster's records, and the drive where it
    lies in the home. Raises BackupError.
    """
    into = into.expanduser().resolve()
    final, hidden = into / name, into / f".{name}.partial"
    if into.is_relative_to(home.path):
        raise BackupError(f"{into} lies in the home itself: choose a folder on another disk")
    if final.exists():
        raise BackupError(f"{final}: there is such a folder already")
    with alone(home, "backup", say):
        hidden.mkdir(mode=0o700, parents=True)
        try:
            listed = []
            folders = [{"name": f.as_posix(), "mode": _mode(home.path / f)} for f in _folders(home.path)]
            for folder in folders:
                (hidden / str(folder["name"])).mkdir(mode=0o700)
            for file in _files(home.path):
                target = hidden / file
                if is_database(home.path / file):
                    copy_database(home.path / file, target)
                else:
                    shutil.copyfile(home.path / file, target)
                    target.chmod(0o600)
                said_of = {"sha256": _sha256(target), "bytes": target.stat().st_size, "mode": _mode(home.path / file)}
                listed.append({"name": file.as_posix(), **said_of})
            said = {"program": version("attendance-pipeline"), "folders": folders, "files": listed}
            (hidden / LIST).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
            (hidden / LIST).chmod(0o600)
            hidden.rename(final)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise
    return Backup(final, len(listed), sum(int(str(f["bytes"])) for f in listed), _without(home))


def restore(backup: Path, home: Path) -> int:
    """Make a home from a backup in a new or empty folder; gives how many files. Raises BackupError.

    Every file is compared with the list first: nothing is made of a backup that is not whole.
    """
    try:
        said = json.loads((backup / LIST).read_text(encoding="utf-8"))
        files, folders = said["files"], said["folders"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(f"{backup} is no backup: it has no readable {LIST}") from error
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise BackupError(f"{home} is not empty: restore into a new folder, and rename when you have looked at it")
    for thing in [*folders, *files]:
        if not (backup / thing["name"]).resolve().is_relative_to(backup.resolve()):
            raise BackupError(f"{LIST} names {thing['name']!r}, which lies outside the backup")
    for file in files:
        source = backup / file["name"]
        if not source.is_file() or _sha256(source) != file["sha256"]:
            raise BackupError(f"{source} is missing or not what was backed up: use another backup. Nothing was made")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in folders:
        (home / folder["name"]).mkdir(mode=0o700)
    # The settings last: until then the folder is no home, and the night does not take it for one.
    for file in sorted(files, key=lambda f: f["name"] == SETTINGS_FILE):
        target = home / file["name"]
        shutil.copyfile(backup / file["name"], target)
        target.chmod(int(file["mode"], 8))
    for folder in reversed(folders):  # from within: a folder may be one that nobody may write to
        (home / folder["name"]).chmod(int(folder["mode"], 8))
    return len(files)


def _files(home: Path) -> Iterator[Path]:
    """Every file of a home that a backup holds, relative to it, in order."""
    for folder, names, found in os.walk(home):
        names.sort()
        for name in sorted(found):
            file = Path(folder) / name
            beside = next((end for end in BESIDE if name.endswith(end)), None)
            if beside and file.with_name(name.removesuffix(beside)).exists():
                continue
            if name in _LEFT_OUT or file.is_symlink() or not file.is_file():
                continue
            yield file.relative_to(home)


def _folders(home: Path) -> Iterator[Path]:
    """Every folder of a home, relative to it, each before those within it; an empty inbox is one too."""
    for folder, names, _ in os.walk(home):
        names.sort()
        if Path(folder) != home:
            yield Path(folder).relative_to(home)


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


def _without(home: Home) -> tuple[str, ...]:
    out = []
    if home.database_url.get_backend_name() != "sqlite":
        out.append("the database on PostgreSQL: back it up with pg_dump")
    elif not Path(str(home.database_url.database)).is_relative_to(home.path):
        out.append(f"the database {home.database_url.database}, which lies outside the home")
    if home.dagster_storage is not None:
        out.append("Dagster's records on PostgreSQL: back them up with pg_dump")
    links = sum(
        p.is_symlink()
        for folder, names, files in os.walk(home.path)
        for p in map(Path(folder).joinpath, [*names, *files])
    )
    if links:
        out.append(f"what symbolic links in the home lead to ({links})")
    if not home.drive.resolve().is_relative_to(home.path):
        out.append("the shared drive: it has a backup of its own")
    return tuple(out)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
