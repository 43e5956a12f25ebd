"""The key by which letters get references that nobody can guess: made once per home, kept in its private state."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

KEY_FILE = "reference.key"
KEY_BYTES = 32


def reference_key(state: Path) -> bytes:
    """The home's key, made on first use. Of two runs that make it at once, both use the one that was there first."""
    path = state / KEY_FILE
    if not path.exists():
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = state / f".{KEY_FILE}.{os.getpid()}"
        handle = os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(new, path)
        new.unlink()
    return path.read_bytes()
