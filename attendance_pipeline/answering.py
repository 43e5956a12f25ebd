"""Folders that may not answer: a share whose server hangs keeps whoever asks it waiting, for hours.

Belongs here: asking with a limit of seconds. Not here: who asks what. What waits for the drive and must not lose its
place (delivering) waits without a limit; what must be said all the same (telling) asks by this.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
SECONDS = 15.0

_waiting: dict[Path, threading.Thread] = {}


class DoesNotAnswerError(OSError):
    """A folder did not answer in time."""


def within(folder: Path, ask: Callable[[], T], seconds: float = SECONDS) -> T:
    """What `ask` gives, which touches a folder; raises what it raises, and DoesNotAnswerError after so many seconds.

    Nobody can end a call that the operating system holds: it goes on by itself when the folder answers. Until then the
    same folder is not asked again, so that at most one call a folder waits.
    """
    if (before := _waiting.get(folder)) is not None and before.is_alive():
        raise DoesNotAnswerError(f"{folder} still does not answer")
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(ask())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="asks a folder", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        _waiting[folder] = thread
        raise DoesNotAnswerError(f"{folder} does not answer (waited {seconds:g} seconds)")
    if raised:
        raise raised[0]
    return given[0]
