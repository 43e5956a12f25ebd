"""Copies of SQLite files, made while others may be writing to them.

Belongs here: copying one database file to another by SQLite's own backup, and asking whether a file is sound. Not here:
which files a home has (`backup.py`).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

_HEADER = b"SQLite format 3\x00"  # sqlite.org/fileformat2.html, section 1.3.1
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside a file, and what a copy has no need of


def is_database(file: Path) -> bool:
    """Whether a file is SQLite's."""
    with file.open("rb") as handle:
        return handle.read(len(_HEADER)) == _HEADER


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it stands at one moment into a new file, 0600, and prove that the copy is sound.

    Raises sqlite3.DatabaseError for a damaged one. What was committed is in the copy, also what still lies in the
    write-ahead log; what is being written is not (sqlite.org/backup.html).
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")  # one file: no log beside it that could be left behind
        found = new.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"{source} is damaged")
