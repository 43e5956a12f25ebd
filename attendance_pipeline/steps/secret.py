"""The key by which letters get references that nobody can guess: made once per home, kept in its private state."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from attendance_pipeline.whole_files import unfinished_name

KEY_FILE = "reference.key"
KEY_BYTES = 32


class KeyUnusable(RuntimeError):
    """The key is there and is not what was made; the message says what to do."""


def reference_key(state: Path) -> bytes:
    """The home's key, made on first use. Of two runs that make it at once, both use the one that was there first.

    Raises KeyUnusable for a file that is cut short.
    """
    path = state / KEY_FILE
    if not path.exists():
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = unfinished_name(path)
        handle = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise KeyUnusable(
            f"{path} is damaged: letters would get other references than those that were printed. Put the file back "
            "from a backup (any one will do: it never changes), then run again. Nothing was changed"
        )
    return key
