"""What a failure of the machine means and what a person does: a full disk, a lost share, no memory.

Belongs here: words by the operating system's number of an error; which errors have words that we chose, and where in
the code one was raised. Not here: failures of the database (`store/failures.py`) and of the drive (`delivery.py`),
which know more of what was being done.
"""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

# Errors whose words are our own: they name files, folders and keys, and nothing of a person.
OWN_WORDS = (
    *("DeliveryError", "EngineError", "FileReplaced", "HomeBusy", "KeyUnusable", "LetterError", "PageError"),
    *("RunFailed", "SettingsError", "SettingsErrors", "TemplateError", "WarehouseError", "WorkFailed"),
)

_AGAIN = "then run again. Nothing half-done is left"
NO_MEMORY = f"this machine ran out of memory: close other programs or give it more, {_AGAIN}"
_ADVICE = {
    errno.ENOSPC: f"the disk is full: make room, {_AGAIN}",
    errno.EDQUOT: f"this account's share of the disk is full: make room, {_AGAIN}",
    errno.EFBIG: f"the disk or this account takes no file of that size: raise the limit, {_AGAIN}",
    errno.EROFS: f"the disk is read-only: give write access, or connect it again, {_AGAIN}",
    errno.EACCES: f"this account may not read or write there, or another program has the file open: close it, or give "
    f"access, {_AGAIN}",
    errno.EPERM: f"this account may not do that there: give access, {_AGAIN}",
    errno.ENOENT: f"something that was there has gone: put it back or connect its disk, {_AGAIN}",
    errno.EIO: f"the disk did not read or write as it should: see that it is connected and healthy, {_AGAIN}",
    errno.ESTALE: f"the share went away: connect it, {_AGAIN}",
    errno.EMFILE: f"too many files are open: raise the limit of open files (ulimit -n), {_AGAIN}",
    errno.ENFILE: f"too many files are open on this machine: close programs, {_AGAIN}",
    errno.ENOMEM: NO_MEMORY,
}


def advice_on(number: int | None, place: str = "") -> str:
    """What to do about an error of the operating system; `place`: the file or folder it is about, named first."""
    words = _ADVICE.get(number or 0, f"the machine refused it: see that disk and share are there, {_AGAIN}")
    return f"{place}: {words}" if place else words


def place_of(error: BaseException) -> str:
    """File and line in the code where an error was raised, for whoever mends it; blank for one that never was."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
