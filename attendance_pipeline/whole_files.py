"""Files of the home's private folders that are written whole or not at all, and what a killed run leaves of them.

Belongs here: the writing, the name that a file has until it is whole, and removing such files of runs that ended. Not
here: when that may be done (`one_at_a_time.py`), deliveries (`delivery.py`), kept extracts (`mis/keeping.py`).
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

_UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)")
_BINARY = getattr(os, "O_BINARY", 0)
_LONG_AGO = 24 * 60 * 60


def write_whole(path: Path, content: bytes) -> None:
    """Write a file for its owner alone (mode 0600), in place of the one that is there; it is on the disk afterwards.

    A folder that is not there is made, for its owner alone. Raises OSError, and then the file of before stands.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = unfinished_name(path)
    handle = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | _BINARY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        remove(new)


def unfinished_name(path: Path) -> Path:
    """What a file is called, beside its place, until this process has it whole."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def clear_unfinished(folder: Path, name: str = "") -> None:
    """Remove what runs that ended left unfinished in a folder; with `name` only of files whose names begin so."""
    for entry in names_in(folder):
        found = _UNFINISHED.fullmatch(entry)
        if found and found["name"].startswith(name) and _is_over(folder / entry, int(found["process"])):
            remove(folder / entry)


def names_in(folder: Path) -> list[str]:
    """The names in a folder; none where it cannot be listed."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def remove(file: Path) -> None:
    """Remove a file if it is there and can be removed."""
    with contextlib.suppress(OSError):
        file.unlink()


def _is_over(file: Path, process: int) -> bool:
    """Whether the process that began a file has ended; where that cannot be asked, whether it was long ago."""
    if process == os.getpid():
        return False
    if os.name == "posix":
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            pass
    with contextlib.suppress(OSError):
        return time.time() - file.lstat().st_mtime > _LONG_AGO
    return False
