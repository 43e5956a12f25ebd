"""The inbox and the kept extracts: finding what was dropped, keeping it, and clearing it away once it is loaded.

The order that makes a kill at any moment harmless: a file is read, kept, loaded in one transaction, and only then taken
from the inbox. Until the last step it is still there, and the next run does it all again to the same end.

A file that somebody is busy with is no fault of the file: what cannot be read tonight waits with a note, and what
somebody has open is read as it was last saved and left where it is.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
import os
import re
import stat
import threading
import time
import unicodedata
import uuid
import zipfile
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from attendance_pipeline.mis.kinds import KINDS
from attendance_pipeline.store.extracts import ExtractKey

_NAME = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)})_(?P<day>\d{{4}}-\d{{2}}-\d{{2}})(?:_[^/\\]*)?\.(?P<ext>[a-z0-9]{{1,8}})",
    re.IGNORECASE | re.ASCII,  # without the second a long s is an s, and a kind that there is not
)
# What programs leave behind while they copy or edit, and what desktops scatter.
_PASSING = re.compile(r"(\..*|~.*|.*\.(tmp|part|partial|crdownload|swp|lock)|thumbs\.db|desktop\.ini)", re.IGNORECASE)
_LOCK = re.compile(r"~\$(.+)|\.~lock\.(.+)#")
LOG = "interventions"
LARGEST = 256 << 20  # bytes; a year's register of a large school is a tenth of it
LONGEST_NAME, _LONGEST_SHOWN = 200, 255  # characters; the warehouse has room for the second
# Control characters, marks of writing direction, lone surrogates, characters that are none: a name that holds them is
# not what it looks like, or no text at all.
_NOT_IN_NAMES = ("C", "Zl", "Zp")
_HELD = 64 << 20  # bytes of an inbox's files that are held while they are loaded; more are read twice
_WORKBOOK_PACKED = 10
_AT_ONCE = 16  # files that are brought to the disk at a time: it is mostly waiting
_LONG_AGO = 24 * 60 * 60

TOO_LARGE = "larger than 256 MB"
Stamp = tuple[int, int, int, int]
# By a file's name: its kind and recorded date (None: the name does not tell); None for a name that is not an extract's.
Pattern = Callable[[str], tuple[str, dt.date | None] | None]
# The recorded date of a file whose name has none, from kind, name, content and day of arrival.
MadeOn = Callable[[str, str, bytes, dt.date], dt.date]


class FileReplaced(RuntimeError):
    """A file of the inbox is another than the one that was read; the message names the file and says what to do."""


@dataclass(frozen=True)
class Dropped:
    """One file of the inbox, read. `stamp` tells whether the file there now is still the one that was read; `stays`:
    it is not taken away, because somebody has it open or it is at home where it lies. `data`: None where so many files
    lie there that they are not all held (`content` reads it again)."""

    path: Path
    kind: str
    key: ExtractKey
    data: bytes | None
    stamp: Stamp
    stays: bool = False

    @property
    def weight(self) -> int:
        """How many bytes of text there are about: a workbook is compressed."""
        return self.stamp[2] * (_WORKBOOK_PACKED if self.path.name.lower().endswith(".xlsx") else 1)

    def content(self) -> bytes:
        """The bytes that were read. Raises FileReplaced when they were not held and others are there now."""
        data = self.data
        if data is None:
            with contextlib.suppress(OSError):
                data = _bytes_of(self.path)
            if data is None or hashlib.sha256(data).hexdigest() != self.key.sha256:
                raise FileReplaced(
                    f"{self.path.name} was replaced in the inbox while it was being loaded. Nothing was loaded; "
                    "the next run begins again"
                )
        return data


@dataclass(frozen=True)
class NotTaken:
    """A file left where it is, and why."""

    name: str
    rule: str


@dataclass(frozen=True)
class Inbox:
    """What was found: files to load, files that somebody is busy with, and files that cannot be taken.

    `notes`: why a file waits or stays, in words that name the file and nothing in it.
    """

    dropped: tuple[Dropped, ...]
    waiting: tuple[str, ...]
    not_taken: tuple[NotTaken, ...]
    notes: tuple[str, ...] = ()


def names_in(inbox: Path) -> list[str]:
    """The names of the files in an inbox, as they can be shown, but for what programs leave there in passing; no inbox
    is an empty one."""
    entries = os.scandir(inbox) if inbox.is_dir() else ()
    return sorted(
        shown(e.name) for e in entries if not _PASSING.fullmatch(e.name) and not e.is_dir(follow_symlinks=False)
    )


@dataclass(frozen=True)
class Listed:
    """A file of an inbox that was not opened. `day`: the recorded date of its name, None where that has none; `busy`:
    somebody has it open."""

    name: str
    kind: str
    day: dt.date | None
    stamp: Stamp
    busy: bool

    @property
    def changed(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.stamp[3] / 1e9, dt.UTC)


def listing(inbox: Path, kinds: Collection[str], pattern: Pattern | None = None) -> list[Listed]:
    """The extracts of these kinds in an inbox, by name, without opening one; not those still under a passing name."""
    named: Pattern = pattern or kind_and_day
    entries = sorted(os.scandir(inbox), key=lambda e: e.name) if inbox.is_dir() else []
    opened = {name for e in entries if (name := _locks(e.name)) is not None}
    out = []
    for entry in entries:
        if _PASSING.fullmatch(entry.name) or _odd_name(entry.name) or not entry.is_file(follow_symlinks=False):
            continue
        found = named(entry.name)
        if found is not None and found[0] in kinds:
            try:
                stamp = _stamp(os.lstat(entry.path))
            except OSError:  # gone meanwhile
                continue
            out.append(Listed(entry.name, *found, stamp, entry.name.casefold() in opened))
    return out


def look(
    inbox: Path, settle_seconds: float = 2.0, pattern: Pattern | None = None, made_on: MadeOn | None = None
) -> Inbox:
    """Read every file of an inbox, in order of name. Folders in it are left alone; no inbox is an empty one.

    A file changed less than `settle_seconds` ago is looked at again until it has been still that long; one that keeps
    changing waits for the next run, as does one that cannot be opened and a workbook that is not whole yet. `pattern`
    finds kind and recorded date in a name instead of the contract's pattern; where a name has no date `made_on` finds
    it, else it is the day of arrival.
    """
    named: Pattern = pattern or kind_and_day
    dropped, waiting, not_taken, notes = [], [], [], []
    held = 0
    entries = sorted(os.scandir(inbox), key=lambda e: e.name) if inbox.is_dir() else []
    opened = {name for e in entries if (name := _locks(e.name)) is not None}
    for entry in entries:
        if _PASSING.fullmatch(entry.name) or (entry.is_dir(follow_symlinks=False)):
            continue
        if not os.path.lexists(entry.path):
            continue  # somebody took it away again since the folder was read
        if (rule := _odd_name(entry.name)) is not None:
            not_taken.append(NotTaken(shown(entry.name), rule))
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
        with contextlib.suppress(FileNotFoundError):
            if entry.stat(follow_symlinks=False).st_size > LARGEST:
                not_taken.append(NotTaken(entry.name, TOO_LARGE))
                continue
        whole = _read_whole(Path(entry.path), settle_seconds)
        if isinstance(whole, str):
            waiting.append(entry.name)
            notes.append(f"{entry.name}: {whole}; tried again next night")
            continue
        data, stamp = whole
        kind, day = found
        name = entry.name
        stays = name.casefold() in opened
        if stays:
            notes.append(f"{name}: somebody has it open: read as it was last saved, and left in the inbox")
        if day is None:
            arrived = _arrived(stamp)
            day = made_on(kind, name, data, arrived) if made_on else arrived
            # Every night's file has the same name: without the date one that says again what an older one said would
            # be taken for that older one.
            name = f"{kind}_{day}_{name}"
        key = ExtractKey(day, name, hashlib.sha256(data).hexdigest())
        held += len(data)
        dropped.append(Dropped(Path(entry.path), kind, key, data if held <= _HELD else None, stamp, stays))
    return Inbox(tuple(dropped), tuple(waiting), tuple(not_taken), tuple(notes))


def look_at_log(path: Path, settle_seconds: float = 2.0) -> Inbox:
    """The intervention log of a school that keeps it in one place, read as it was last saved and left where it is.

    Its recorded date is the day it was last saved, and of two versions of one day the one that was saved later has the
    greater name.
    """
    if not path.is_file():
        return Inbox((), (), (), (f"{path.name}: the intervention log is not where the settings say it is",))
    if path.stat().st_size > LARGEST:
        return Inbox((), (), (NotTaken(path.name, TOO_LARGE),))
    whole = _read_whole(path.resolve(), settle_seconds)  # a link that the settings name is meant
    if isinstance(whole, str):
        return Inbox((), (path.name,), (), (f"{path.name}: {whole}; tried again next night",))
    data, stamp = whole
    saved = dt.datetime.fromtimestamp(stamp[3] / 1e9, dt.UTC).astimezone()
    name = f"{LOG}_{saved:%Y-%m-%d_%H%M%S}_{path.name}"
    key = ExtractKey(saved.date(), name, hashlib.sha256(data).hexdigest())
    return Inbox((Dropped(path, LOG, key, data, stamp, stays=True),), (), ())


def _locks(name: str) -> str | None:
    """The file, in lower case, that a lock file speaks of: Excel's `~$log.xlsx`, LibreOffice's `.~lock.log.xlsx#`."""
    m = _LOCK.fullmatch(name)
    return (m[1] or m[2]).casefold() if m else None


def shown(name: str) -> str:
    """A file's name as it can be shown, stored and logged: characters that have no place in one are named by number."""
    odd = (unicodedata.category(c).startswith(_NOT_IN_NAMES) for c in name)
    text = "".join(f"<{ord(c):04X}>" if is_odd else c for c, is_odd in zip(name, odd, strict=True))
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _odd_name(name: str) -> str | None:
    if shown(name) != name:
        return "the file's name has control characters, or others that cannot be shown"
    return f"the file's name has more than {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else None


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
    keep_all(kept, [(sha256, data)])


def keep_all(kept: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """As `keep`, of many files (SHA-256, bytes): of two with one hash the first. All are on the disk when it is done;
    they are brought there while later ones are still being made."""
    room = threading.Semaphore(2 * _AT_ONCE)  # files made and not yet kept: they are not to pile up

    def put(sha256: str, data: bytes) -> str | None:
        try:
            return _put(kept_path(kept, sha256), data)
        finally:
            room.release()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        going: dict[str, Future[str | None]] = {}
        for sha256, data in files:
            if sha256 not in going:
                room.acquire()
                going[sha256] = pool.submit(put, sha256, data)
        folders = {folder for g in going.values() if (folder := g.result())}
        list(pool.map(_to_disk, sorted(folders)))


def keep_instead(kept: Path, sha256: str, data: bytes | None, tombstone: bytes) -> None:
    """Keep other bytes in place of a kept file (None: nothing), and beside it what was done: a tombstone, first."""
    path = kept_path(kept, sha256)
    for folder in {_put(tombstone_path(kept, sha256), tombstone), None if data is None else _put(path, data)} - {None}:
        _to_disk(str(folder))
    if data is None:
        path.unlink(missing_ok=True)
        _to_disk(str(path.parent))


def tombstone_path(kept: Path, sha256: str) -> Path:
    """Where it stands what was taken out of the kept file of a hash."""
    return kept_path(kept, sha256).with_name(f"{sha256}.removed.json")


def _put(path: Path, data: bytes) -> str | None:
    """The folder of the file if it was not there already as it should be."""
    folder, sha256 = str(path.parent), path.name
    try:
        if path.read_bytes() == data:
            return None
    except FileNotFoundError:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    for name in os.listdir(folder):  # left behind by a process that was killed; not by one that is at it now
        if name.startswith(f".{sha256}."):
            left_behind = path.with_name(name)
            if time.time() - left_behind.lstat().st_mtime > _LONG_AGO:
                left_behind.unlink(missing_ok=True)
    passing = f"{folder}/.{sha256}.{uuid.uuid4().hex}"
    descriptor = os.open(passing, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(passing, path)
    return folder


def _to_disk(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def kept_path(kept: Path, sha256: str) -> Path:
    """Where the file of a hash is kept."""
    return kept / sha256[:2] / sha256


def clear(dropped: Sequence[Dropped]) -> list[str]:
    """Take loaded files from the inbox, but none that has been replaced since it was read. Returns names that stay,
    without those that are to stay."""
    stay = []
    for d in dropped:
        if d.stays:
            continue
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


def _read_whole(path: Path, settle_seconds: float) -> tuple[bytes, Stamp] | str:
    """The bytes of a file that nobody is writing, or why it has to wait."""
    try:
        found = _read_still(path, settle_seconds)
    except OSError as error:
        # Where a program holds a lock, a share refuses to open the file, to read it, or says that it is busy.
        return f"cannot be opened: locked by a program, or this account may not read it ({type(error).__name__})"
    if found is None:
        return "still being written"
    data, stamp = found
    if path.suffix.lower() == ".xlsx" and _is_half(data) and abs(time.time() - stamp[3] / 1e9) < _LONG_AGO:
        return "not a whole workbook yet"
    return found


def _is_half(data: bytes) -> bool:
    """Whether a workbook looks like one that is still being copied: nothing, room kept free, or an archive's head."""
    return data[:4] in (b"", b"PK\3\4", b"\0\0\0\0") and not zipfile.is_zipfile(io.BytesIO(data))


# Not a link that has taken the file's place, and without waiting for a pipe.
_AS_A_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def _bytes_of(path: Path) -> bytes | None:
    """The bytes of an ordinary file; None for anything else. Raises OSError."""
    with os.fdopen(os.open(path, _AS_A_FILE), "rb") as handle:
        return handle.read(LARGEST + 1) if stat.S_ISREG(os.fstat(handle.fileno()).st_mode) else None


def _read_still(path: Path, settle_seconds: float) -> tuple[bytes, Stamp] | None:
    """The bytes of a file that nobody is writing, or None. Raises OSError where it cannot be opened."""
    for _ in range(3):
        try:
            descriptor = os.open(path, _AS_A_FILE)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as handle:
            before = os.fstat(handle.fileno())
            if not stat.S_ISREG(before.st_mode):
                return None
            fresh = settle_seconds - abs(time.time() - before.st_mtime)
            if fresh > 0:
                time.sleep(fresh)
            data = handle.read(LARGEST + 1)  # no more, however fast it grows
        try:
            after = os.lstat(path)
        except FileNotFoundError:
            return None
        if _stamp(before) == _stamp(after) and len(data) == after.st_size:
            return data, _stamp(after)
    return None
