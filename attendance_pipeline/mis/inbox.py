"""The inbox and the kept extracts: finding what was dropped, keeping it, and clearing it away once it is loaded.

The order that makes a kill at any moment harmless: a file is read, kept, loaded in one transaction, and only then taken
from the inbox. Until the last step it is still there, and the next run does it all again to the same end.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import stat
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from attendance_pipeline.mis.kinds import KINDS
from attendance_pipeline.store.extracts import ExtractKey

_NAME = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)})_(?P<day>\d{{4}}-\d{{2}}-\d{{2}})(?:_[^/\\]*)?\.(?P<ext>[a-z0-9]{{1,8}})",
    re.IGNORECASE,
)
# What programs leave behind while they copy or edit, and what desktops scatter.
_PASSING = re.compile(r"(\..*|~.*|.*\.(tmp|part|partial|crdownload|swp|lock)|thumbs\.db|desktop\.ini)", re.IGNORECASE)
_LARGEST = 1 << 30
_LONG_AGO = 24 * 60 * 60

Stamp = tuple[int, int, int, int]
# By a file's name: its kind and recorded date (None: the name does not tell); None for a name that is not an extract's.
Pattern = Callable[[str], tuple[str, dt.date | None] | None]
# The recorded date of a file whose name has none, from kind, name, content and day of arrival.
MadeOn = Callable[[str, str, bytes, dt.date], dt.date]


@dataclass(frozen=True)
class Dropped:
    """One file of the inbox, read. `stamp` tells whether the file there now is still the one that was read."""

    path: Path
    kind: str
    key: ExtractKey
    data: bytes
    stamp: Stamp


@dataclass(frozen=True)
class NotTaken:
    """A file left where it is, and why."""

    name: str
    rule: str


@dataclass(frozen=True)
class Inbox:
    """What was found: files to load, files still being written, and files that cannot be taken."""

    dropped: tuple[Dropped, ...]
    waiting: tuple[str, ...]
    not_taken: tuple[NotTaken, ...]


def look(
    inbox: Path, settle_seconds: float = 2.0, pattern: Pattern | None = None, made_on: MadeOn | None = None
) -> Inbox:
    """Read every file of an inbox, in order of name. Folders in it are left alone; no inbox is an empty one.

    A file changed less than `settle_seconds` ago is looked at again until it has been still that long; one that keeps
    changing waits for the next run. `pattern` finds kind and recorded date in a name instead of the contract's pattern;
    where a name has no date `made_on` finds it, else it is the day of arrival.
    """
    named: Pattern = pattern or kind_and_day
    dropped, waiting, not_taken = [], [], []
    entries = sorted(os.scandir(inbox), key=lambda e: e.name) if inbox.is_dir() else []
    for entry in entries:
        if _PASSING.fullmatch(entry.name) or (entry.is_dir(follow_symlinks=False)):
            continue
        if entry.is_symlink():
            not_taken.append(NotTaken(entry.name, "a symbolic link, not a file"))
            continue
        if not entry.is_file(follow_symlinks=False):
            not_taken.append(NotTaken(entry.name, "not an ordinary file"))
            continue
        if (found := named(entry.name)) is None:
            not_taken.append(NotTaken(entry.name, "the file's name is not <kind>_<YYYY-MM-DD>[_anything].<ext>"))
            continue
        if entry.stat(follow_symlinks=False).st_size > _LARGEST:
            not_taken.append(NotTaken(entry.name, "larger than 1 GB"))
            continue
        whole = _read_still(Path(entry.path), settle_seconds)
        if whole is None:
            waiting.append(entry.name)
            continue
        data, stamp = whole
        kind, day = found
        name = entry.name
        if day is None:
            arrived = _arrived(stamp)
            day = made_on(kind, name, data, arrived) if made_on else arrived
            # Every night's file has the same name: without the date one that says again what an older one said would
            # be taken for that older one.
            name = f"{kind}_{day}_{name}"
        key = ExtractKey(day, name, hashlib.sha256(data).hexdigest())
        dropped.append(Dropped(Path(entry.path), kind, key, data, stamp))
    return Inbox(tuple(dropped), tuple(waiting), tuple(not_taken))


def kind_and_day(name: str) -> tuple[str, dt.date] | None:
    """The kind and the recorded date that a file's name gives (contract.md section 2), or None."""
    m = _NAME.fullmatch(name)
    if m is None:
        return None
    try:
        return m["kind"].lower(), dt.date.fromisoformat(m["day"])
    except ValueError:
        return None


def keep(kept: Path, sha256: str, data: bytes) -> None:
    """Keep a file under its hash, readable by its owner alone. Keeping it again changes nothing but its content."""
    path = kept_path(kept, sha256)
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        if path.read_bytes() == data:
            return
    except FileNotFoundError:
        pass
    for left_behind in folder.glob(f".{sha256}.*"):  # by a process that was killed; not by one that is at it now
        if time.time() - left_behind.lstat().st_mtime > _LONG_AGO:
            left_behind.unlink(missing_ok=True)
    passing = folder / f".{sha256}.{uuid.uuid4().hex}"
    descriptor = os.open(passing, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(passing, path)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def kept_path(kept: Path, sha256: str) -> Path:
    """Where the file of a hash is kept."""
    return kept / sha256[:2] / sha256


def clear(dropped: Sequence[Dropped]) -> list[str]:
    """Take loaded files from the inbox, but none that has been replaced since it was read. Returns names that stay."""
    stay = []
    for d in dropped:
        try:
            if _stamp(os.lstat(d.path)) == d.stamp:
                os.unlink(d.path)
            else:
                stay.append(d.path.name)
        except FileNotFoundError:
            continue
        except OSError:
            stay.append(d.path.name)
    return stay


def _arrived(stamp: Stamp) -> dt.date:
    return dt.datetime.fromtimestamp(stamp[3] / 1e9, dt.UTC).astimezone().date()


def _stamp(s: os.stat_result) -> Stamp:
    return s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns


def _read_still(path: Path, settle_seconds: float) -> tuple[bytes, Stamp] | None:
    """The bytes of a file that nobody is writing, or None."""
    for _ in range(3):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as handle:
            before = os.fstat(handle.fileno())
            if not stat.S_ISREG(before.st_mode):
                return None
            fresh = settle_seconds - abs(time.time() - before.st_mtime)
            if fresh > 0:
                time.sleep(fresh)
            data = handle.read()
        try:
            after = os.lstat(path)
        except FileNotFoundError:
            return None
        if _stamp(before) == _stamp(after) and len(data) == after.st_size:
            return data, _stamp(after)
    return None
