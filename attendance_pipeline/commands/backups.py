"""`backup` and `restore`: a copy of a whole home, and a home made from one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, home_of, say_progress
from attendance_pipeline.home import open_home


def add(commands: Commands) -> None:
    backup = commands.add("backup", _backup, "copy the whole home into a new folder of DIR, also while the UI runs")
    backup.add_argument("dir", metavar="DIR", type=Path, help="a folder on another disk")
    restore = commands.add("restore", _restore, "make a home from a backup, in a new folder; proves every file first")
    restore.add_argument("backup", metavar="BACKUP", type=Path, help="a folder that `attendance backup` made")
    restore.add_argument("dir", metavar="DIR", type=Path, help="the new home: a new or empty folder")


def _backup(arguments: Arguments) -> int:
    from attendance_pipeline.backup import BackupError, back_up

    home = open_home(home_of(arguments))
    name = f"attendance-{dt.datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
    try:
        made = back_up(home, arguments.dir, name, say_progress())
    except BackupError as refused:
        raise UsageError(str(refused)) from None
    print(f"{made.folder}: {made.files:,} files, {made.size / 1e6:,.1f} MB, each database proved sound.")
    for words in made.without:
        print(f"Not in it: {words}.")
    print("It holds all that the home holds of the children: keep it where the home itself might be kept.")
    return DONE


def _restore(arguments: Arguments) -> int:
    from attendance_pipeline.backup import BackupError, restore

    try:
        count = restore(arguments.backup, arguments.dir.expanduser().resolve())
    except BackupError as refused:
        raise UsageError(str(refused)) from None
    print(f"{arguments.dir}: {count:,} files, as they were backed up. Next: attendance check --home {arguments.dir}")
    return DONE
