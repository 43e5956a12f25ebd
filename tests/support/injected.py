"""Faults of a machine, put into the process that calls `inject`: it is killed, a disk is full, a drive goes away.

A fault is a dict, so that it can be told to another process: `kind`, and what the kind needs. Faults "at a write" come at
the n-th touch of a file or the warehouse that writes: opening for writing, renaming, linking, removing, making a folder,
waiting for the disk, each statement that writes, each commit, and the return of each commit.

| kind | more | what happens |
|---|---|---|
| `count` | | nothing; the number of writes goes to `<home> writes.txt` |
| `kill` | `at` | SIGKILL to itself at the n-th write |
| `error` | `at`, `number`, `under`, `for_good` | the n-th write below the folder fails with that errno; and all after it |
| `away` | `at`, `folder` | the folder is renamed away at the n-th write |
| `locked` | `name` | nobody can rename over a file of that name, as where a program has it open on Windows |
| `slow` | `seconds`, `under` | every write below the folder takes so long |
| `file_size` | `bytes` | no file may become larger (RLIMIT_FSIZE) |
| `memory` | `bytes` | so much more memory and no more (RLIMIT_AS) |
| `clock` | `now` (ISO, with zone), `zone` | what the program takes for now, and the machine's time zone |
"""

from __future__ import annotations

import datetime as dt
import os
import resource
import signal
import sys
import time
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Fault = Mapping[str, Any]
_WRITES = ("os.rename", "os.remove", "os.mkdir", "os.link", "os.rmdir", "os.truncate")
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_WRITING = ("INSERT", "UPDATE", "DELETE", "BEGIN IMMEDIATE", "COPY")


def inject(fault: Fault, home: Path) -> None:
    """Put a fault into this process."""
    _KINDS[fault["kind"]](fault, home)


def writes_counted(home: Path) -> int:
    """What a night with the fault `count` counted."""
    return int(_counted(home).read_text())


def _counted(home: Path) -> Path:
    return home.with_name(f"{home.name} writes.txt")


# ---------------------------------------------------------------- faults at a write


def _at_writes(home: Path, happens: Callable[[str], None]) -> None:
    """Call `happens` with the path (or "" for the warehouse) before every write of the home."""
    import sqlalchemy as sa

    top = str(home)
    busy = False

    def touch(path: str) -> None:
        nonlocal busy
        if busy:  # what a fault itself does is no write of the program
            return
        busy = True
        try:
            happens(path)
        finally:
            busy = False

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str) and path.startswith(top) and isinstance(flags, int) and flags & _TO_WRITE:
                touch(path)
        elif event in _WRITES and (path := os.fspath(arguments[0])) and str(path).startswith(top):
            touch(str(path))

    def statement(conn: Any, cursor: Any, text: str, *_: Any) -> None:
        if text.lstrip().upper().startswith(_WRITING):
            touch("")

    sys.addaudithook(heard)
    sa.event.listen(sa.Engine, "before_cursor_execute", statement)
    sa.event.listen(sa.Engine, "commit", lambda conn: touch(""))
    real = os.fsync

    def fsync(descriptor: Any) -> None:
        touch(os.readlink(f"/proc/self/fd/{descriptor}") if isinstance(descriptor, int) else "")
        real(descriptor)

    os.fsync = fsync


def _count(fault: Fault, home: Path) -> None:
    number = 0

    def happens(path: str) -> None:
        nonlocal number
        number += 1
        _counted(home).write_text(str(number))

    _at_writes(home, happens)


def _kill(fault: Fault, home: Path) -> None:
    left = int(fault["at"])

    def happens(path: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    _at_writes(home, happens)


def _error(fault: Fault, home: Path) -> None:
    left, under = int(fault["at"]), str(fault["under"])

    def happens(path: str) -> None:
        nonlocal left
        if path.startswith(under):
            left -= 1
            if left == 0 or (left < 0 and fault.get("for_good")):
                raise OSError(fault["number"], os.strerror(fault["number"]), path)

    _at_writes(home, happens)


def _away(fault: Fault, home: Path) -> None:
    left, folder = int(fault["at"]), Path(fault["folder"])

    def happens(path: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            folder.rename(folder.with_name(f"{folder.name} away"))

    _at_writes(home, happens)


def _slow(fault: Fault, home: Path) -> None:
    _at_writes(home, lambda path: time.sleep(fault["seconds"]) if path.startswith(fault["under"]) else None)


# ---------------------------------------------------------------- faults of the whole process


def _locked(fault: Fault, home: Path) -> None:
    real = os.replace

    def replace(source: Any, target: Any, **more: Any) -> None:
        if Path(target).name == fault["name"]:
            raise PermissionError(13, "The process cannot access the file because it is being used", str(target))
        real(source, target, **more)

    os.replace = replace


def _file_size(fault: Fault, home: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (fault["bytes"], fault["bytes"]))


def _memory(fault: Fault, home: Path) -> None:
    now = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + fault["bytes"],) * 2)


def _clock(fault: Fault, home: Path) -> None:
    if zone := fault.get("zone"):
        os.environ["TZ"] = zone
        time.tzset()
    moment = dt.datetime.fromisoformat(fault["now"])

    class Then(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return moment.astimezone(tz) if tz is not None else moment.astimezone().replace(tzinfo=None)

    class ThatDay(dt.date):
        @classmethod
        def today(cls) -> dt.date:
            return moment.astimezone().date()

    clock = types.ModuleType("datetime")
    clock.__dict__.update(dt.__dict__, datetime=Then, date=ThatDay)
    ours = ("attendance_pipeline.running", "schedules.timetable", "attendance_pipeline.one_at_a_time")
    for name in ours:
        sys.modules[name].dt = clock  # type: ignore[attr-defined]


_KINDS: dict[str, Callable[[Fault, Path], None]] = {
    "count": _count,
    "kill": _kill,
    "error": _error,
    "away": _away,
    "locked": _locked,
    "slow": _slow,
    "file_size": _file_size,
    "memory": _memory,
    "clock": _clock,
}
