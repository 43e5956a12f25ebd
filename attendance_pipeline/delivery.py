"""The shared drive: the only module that writes to it.

Belongs here: where a delivery lies, writing a folder so that it is there whole or not at all, and what to do when the
drive is not. Not here: what a name may be (`drive_names.py`), what is delivered, to whom, or remembering it
(`store/deliveries.py`).

A delivery is `<drive>/<school>/<audience>/<academic year>/<yyyy-mm-dd>/<what>/`. It is written under a hidden name
inside the audience's own folder, so that it never lies where others may read it and inherits what that folder inherits,
and is renamed when complete. Folders that belong together (the letters of one day) are all written first (`prepare`),
then renamed one after another (`finish`), so that a run that is killed in between is finished by the next. What a
person may have used is never touched: a delivery that differs becomes `<what>-2`, `-3` and so on. A page that people
open every day under one path is renewed in its place (`deliver_in_place`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from attendance_pipeline.drive_names import NameRefused, alike, checked_name, checked_what

MANIFEST = "manifest.json"
REMOVED = "removed.json"
FOLDER_MODE, FILE_MODE = 0o770, 0o660

_NUMBERED = re.compile(r"-[0-9]+")
_LEFTOVER = re.compile(r"\.delivering-(?P<machine>[0-9a-f]{8})-(?P<process>[0-9]+)-[0-9a-f]{8}")
# A leftover of another machine: nobody can ask it whether the run lives, and no run writes one folder for a day.
_STALE_SECONDS = 24 * 60 * 60
_in_hand: set[str] = set()  # hidden names that this process is writing now
_waiting: set[str] = set()  # hidden names of what this process has prepared and not finished


class DeliveryError(OSError):
    """The drive cannot be written to. Says what to do; nothing half-written is visible on the drive."""


@dataclass(frozen=True)
class Prepared:
    """A folder that is written whole and waits under a hidden name for its own; paths are relative to the drive.

    `hidden`: "" when the same files lie on the drive already, at `path` (else ""). `folder`: the day's folder in which
    it will lie.
    """

    hidden: str
    path: str
    folder: str
    what: str
    manifest_sha256: str


@dataclass(frozen=True)
class Delivered:
    """Where it lies, whether this call wrote it, and the SHA-256 of its manifest."""

    path: Path
    written: bool
    manifest_sha256: str


def deliver(
    drive: Path,
    school: str,
    audience: str,
    year_name: str,
    day: dt.date,
    what: str,
    files: Mapping[str, bytes],
    *,
    run: str,
    policy: str,
    as_at: str,
) -> Delivered:
    """Put files, by name, on the drive as one folder with a manifest, or find that they are there already.

    `year_name` is the academic year as the calendar names it (`2025/26`). Nothing is written when the newest folder of
    this day and `what` holds the same files, whichever run made it. Files that are not a dict are made as they are
    taken: they are taken once, written one by one, and compared when all are there. Raises NameRefused, and
    DeliveryError (an OSError) when the drive is gone, full or not writable.
    """
    ready = prepare(drive, school, audience, year_name, day, what, files, run=run, policy=policy, as_at=as_at)
    try:
        done = finish(drive, ready)
    except BaseException:
        discard(drive, ready)
        raise
    if done is None:
        raise DeliveryError(errno.ENOENT, f"what was written to the shared drive at {drive} has gone: run again")
    return done


def prepare(
    drive: Path,
    school: str,
    audience: str,
    year_name: str,
    day: dt.date,
    what: str,
    files: Mapping[str, bytes],
    *,
    run: str,
    policy: str,
    as_at: str,
) -> Prepared:
    """Write what `deliver` would deliver, under a hidden name that nobody sees, and wait until the disk has it.

    Takes and raises what `deliver` does. What was prepared has to be finished before anything else is delivered to its
    audience by another process: that would take it for a leftover.
    """
    checked_what(what)
    parts = [checked_name(part) for part in (school, audience, _year_folder(year_name), day.isoformat())]
    _check_files(files)
    audience_folder = drive.joinpath(*parts[:2])
    day_folder = drive.joinpath(*parts)
    at_hand = isinstance(files, dict)
    listed = _listed(files) if at_hand else []
    manifest = _manifest(school, audience, year_name, day, what, run, policy, as_at)
    with _explained(drive):
        _refuse_missing(drive)
        _make_folders(drive, audience_folder)
        _clear_leftovers(audience_folder)
        found = _there_already(day_folder, what, listed) if at_hand else None
        hidden = ""
        if found is None:
            with _hidden_folder(audience_folder) as new:
                listed, written = _write_folder(new, files, manifest)
                found = None if at_hand else _there_already(day_folder, what, listed)
                if found is None:
                    _sync_folder(audience_folder)
                    hidden = new.relative_to(drive).as_posix()
                    _waiting.add(new.name)
        path = "" if found is None else found.path.relative_to(drive).as_posix()
        sha256 = written if found is None else found.manifest_sha256
        return Prepared(hidden, path, day_folder.relative_to(drive).as_posix(), what, sha256)


def finish(drive: Path, ready: Prepared) -> Delivered | None:
    """Give a prepared folder its own name, or find that it has it; None when it is neither there nor delivered.

    May be called again, also by another process: what was renamed already is found by the hash of its manifest.
    """
    with _explained(drive):
        _refuse_missing(drive)
        hidden, day_folder = drive / ready.hidden, drive / ready.folder
        if not ready.hidden:
            return (
                Delivered(drive / ready.path, False, ready.manifest_sha256) if (drive / ready.path).is_dir() else None
            )
        if _manifest_of(hidden) != ready.manifest_sha256:
            return _with_manifest(day_folder, ready)
        listed = json.loads((hidden / MANIFEST).read_bytes())["files"]
        _make_folders(drive, day_folder)
        while not _renamed(hidden, final := _next_folder(day_folder, ready.what)):
            # Another run delivered meanwhile, perhaps the same.
            if found := _there_already(day_folder, ready.what, listed):
                discard(drive, ready)
                return found
        _waiting.discard(hidden.name)
        _sync_folder(day_folder)
        _sync_folder(hidden.parent)
        return Delivered(final, True, ready.manifest_sha256)


def discard(drive: Path, ready: Prepared) -> None:
    """Take away what was prepared and will not be finished."""
    if ready.hidden:
        _waiting.discard(Path(ready.hidden).name)
        shutil.rmtree(drive / ready.hidden, ignore_errors=True)


def _manifest_of(folder: Path) -> str:
    """The SHA-256 of a folder's manifest; "" when it has none."""
    try:
        return _sha256_of(folder / MANIFEST)
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _with_manifest(day_folder: Path, ready: Prepared) -> Delivered | None:
    """The folder of a day that holds what was prepared, whatever its number."""
    for entry in sorted(day_folder.iterdir()) if day_folder.is_dir() else ():
        if alike(entry.name).startswith(alike(ready.what)) and _manifest_of(entry) == ready.manifest_sha256:
            return Delivered(entry, False, ready.manifest_sha256)
    return None


def deliver_in_place(
    drive: Path,
    school: str,
    audience: str,
    year_name: str,
    day: dt.date,
    what: str,
    files: Mapping[str, bytes],
    *,
    run: str,
    policy: str,
    as_at: str,
    clear: bool = True,
) -> Delivered:
    """Put files into the one folder that stays for this audience and `what`, `<drive>/<school>/<audience>/<what>/`.

    For pages that people open every day under the same path: each file is renamed over the one of the night before, the
    manifest last, so that whoever opens one has it whole. Nothing is written when the same files are there. `clear`:
    what killed runs left in the audience's folder is cleared; not for whoever has not finished what was begun before.
    Raises as `deliver` does.
    """
    checked_what(what)
    parts = [checked_name(part) for part in (school, audience)]
    _check_files(files)
    audience_folder = drive.joinpath(*parts)
    folder, listed = audience_folder / what, _listed(files)
    manifest = _manifest(school, audience, year_name, day, what, run, policy, as_at)
    with _explained(drive):
        _refuse_missing(drive)
        _make_folders(drive, audience_folder)
        if clear:
            _clear_leftovers(audience_folder)
        if sha256 := _same_files(folder, listed):
            return Delivered(folder, False, sha256)
        with _hidden_folder(audience_folder) as hidden:
            _, written = _write_folder(hidden, files, manifest)
            if not _renamed(hidden, folder):
                for name in [*sorted(files), MANIFEST]:
                    _replace(hidden / name, folder / name)
                _sync_folder(folder)
            _sync_folder(audience_folder)
        return Delivered(folder, True, written)


def taken_out(folder: Path) -> dict[str, Any]:
    """What was taken out of a delivered folder, by name of the file; nothing where nothing was."""
    try:
        found = json.loads((folder / REMOVED).read_bytes())["files"]
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def take_out(drive: Path, folder: Path, instead: Mapping[str, bytes | None], why: Mapping[str, str]) -> None:
    """Put other bytes in place of files of a delivered folder, or remove them (None).

    For `attendance prune` alone. The manifest stays as it was delivered; beside it REMOVED says, by name, the SHA-256
    that a file had and the one it has ("": none), and `why`. It is written first: a run that is killed is repeated.
    """
    with _explained(drive):
        for left_behind in folder.glob(".delivering-*"):
            left_behind.unlink(missing_ok=True)
        known = taken_out(folder)
        for name, content in instead.items():
            had = known.get(name, {}).get("sha256") or _sha256_of(folder / name)
            has = "" if content is None else hashlib.sha256(content).hexdigest()
            known[name] = {"sha256": had, "instead": has, **why}
        _put_over(folder / REMOVED, (json.dumps({"files": known}, ensure_ascii=False, indent=2) + "\n").encode())
        for name, content in instead.items():
            if content is None:
                (folder / name).unlink(missing_ok=True)
            else:
                _put_over(folder / name, content)
        _sync_folder(folder)


def _put_over(path: Path, content: bytes) -> None:
    hidden = path.with_name(f".delivering-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}")
    _write_file(hidden, content)
    _replace(hidden, path)


def _manifest(
    school: str, audience: str, year_name: str, day: dt.date, what: str, run: str, policy: str, as_at: str
) -> dict[str, object]:
    """What a manifest says besides the list of files, which is known when they are written."""
    return {
        **{"school": school, "audience": audience, "academic_year": _year_folder(year_name), "date": day.isoformat()},
        **{"what": what, "run": run, "policy_version": policy, "register_as_at": as_at},
    }


def _year_folder(year_name: str) -> str:
    return year_name.replace("/", "-")


def _refuse_missing(drive: Path) -> None:
    if not drive.is_dir():
        raise DeliveryError(
            errno.ENOENT,
            f"the shared drive is not at {drive}: connect it, or correct delivery.drive in attendance.toml, then run "
            "again",
        )


def hashes_of(folder: Path) -> dict[str, str]:
    """By name the SHA-256 of each file of a delivery, as its manifest says."""
    return {f["name"]: f["sha256"] for f in json.loads((folder / MANIFEST).read_bytes())["files"]}


def _check_files(files: Mapping[str, bytes]) -> None:
    if not files:
        raise ValueError("a delivery needs at least one file")
    seen = {alike(MANIFEST), alike(REMOVED)}
    for name in files:
        checked_name(name)
        if alike(name) in seen:
            raise NameRefused(f"{name!r} names two files of one delivery, or its manifest")
        seen.add(alike(name))


# ---------------------------------------------------------------- what is there already


def _there_already(day_folder: Path, what: str, listed: list[dict[str, object]]) -> Delivered | None:
    newest, _ = _newest(day_folder, what)
    if newest is not None and (sha256 := _same_files(newest, listed)):
        return Delivered(newest, False, sha256)
    return None


def _next_folder(day_folder: Path, what: str) -> Path:
    _, number = _newest(day_folder, what)
    return day_folder / (what if number == 0 else f"{what}-{number + 1}")


def _newest(day_folder: Path, what: str) -> tuple[Path | None, int]:
    """The folder of the highest number that exists for this day and what, and its number; (None, 0) for none."""
    found: tuple[Path | None, int] = (None, 0)
    if not day_folder.is_dir():
        return found
    for entry in day_folder.iterdir():
        rest = entry.name[len(what) :]
        if alike(entry.name[: len(what)]) != alike(what) or not (rest == "" or _NUMBERED.fullmatch(rest)):
            continue
        number = int(rest[1:]) if rest else 1
        if number > found[1]:
            found = (entry, number)
    return found


def _same_files(folder: Path, listed: list[dict[str, object]]) -> str:
    """The SHA-256 of the folder's manifest when it lists these files and they are still what it lists, else "".

    Files that a person put beside them do not matter.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        if json.loads(text)["files"] != listed:
            return ""
        same = all(_sha256_of(folder / str(f["name"])) == f["sha256"] for f in listed)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError, KeyError, TypeError):
        return ""
    return hashlib.sha256(text).hexdigest() if same else ""


def _sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


# ---------------------------------------------------------------- writing


def _listed(files: Mapping[str, bytes]) -> list[dict[str, object]]:
    """The files as a manifest lists them, by name."""
    return [_line_of(name, files[name]) for name in sorted(files)]


def _line_of(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _write_folder(
    hidden: Path, files: Mapping[str, bytes], manifest: Mapping[str, object]
) -> tuple[list[dict[str, object]], str]:
    """Write the files as they come, then the manifest with their list, and wait until the disk has them.

    Returns the files as the manifest lists them, and its SHA-256.
    """
    listed = []
    for name, content in files.items():
        _write_file(hidden / name, content)
        listed.append(_line_of(name, content))
    listed.sort(key=lambda line: str(line["name"]))
    text = (json.dumps({**manifest, "files": listed}, ensure_ascii=False, indent=2) + "\n").encode()
    _write_file(hidden / MANIFEST, text)
    _sync_folder(hidden)
    return listed, hashlib.sha256(text).hexdigest()


def _write_file(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _set_mode(path, FILE_MODE)


def _renamed(hidden: Path, final: Path) -> bool:
    """Give the folder its own name; False when something has that name already."""
    if os.path.lexists(final):
        return False
    try:
        os.rename(hidden, final)
    except OSError:
        if os.path.lexists(final):
            return False
        raise
    return True


def _replace(new: Path, old: Path) -> None:
    """Rename over a file. A program that is just reading the old one may forbid it for a moment (Windows)."""
    for wait in (0.1, 0.4, 1.0):
        try:
            os.replace(new, old)
            return
        except PermissionError:
            time.sleep(wait)
    try:
        os.replace(new, old)
    except PermissionError as error:
        raise DeliveryError(
            errno.EACCES,
            f"{old} could not be renewed: a program has it open, or this account may not write there. Close it, then "
            "run again; until then it is as it was",
        ) from error


@contextlib.contextmanager
def _hidden_folder(audience_folder: Path) -> Iterator[Path]:
    """A new hidden folder; gone afterwards unless it was renamed, or waits to be."""
    hidden = audience_folder / f".delivering-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}"
    _in_hand.add(hidden.name)
    try:
        _make_folder(hidden)
        yield hidden
    finally:
        if hidden.name not in _waiting:
            shutil.rmtree(hidden, ignore_errors=True)
        _in_hand.discard(hidden.name)


def _make_folders(drive: Path, folder: Path) -> None:
    """Make what is missing below the drive. The drive itself is never made: a missing one is a drive not connected."""
    for part in reversed([folder, *folder.parents]):
        if part != drive and part.is_relative_to(drive) and not part.is_dir():
            # Another run may make it first.
            with contextlib.suppress(FileExistsError):
                _make_folder(part)


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=FOLDER_MODE)
    # A shared folder may hand its group down (set-group-ID): chmod without that bit would end it.
    _set_mode(folder, FOLDER_MODE | (folder.stat().st_mode & stat.S_ISGID))


def _set_mode(path: Path, mode: int) -> None:
    """Past the umask. A Windows share keeps its own permissions and refuses."""
    with contextlib.suppress(PermissionError, NotImplementedError):
        path.chmod(mode)


def _sync_folder(folder: Path) -> None:
    """Ask for the folder's names to be kept; file systems that cannot be asked refuse."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---------------------------------------------------------------- leftovers of runs that were killed


def _clear_leftovers(audience_folder: Path) -> None:
    for entry in audience_folder.iterdir():
        if (named := _LEFTOVER.fullmatch(entry.name)) and _is_dead(entry, named["machine"], int(named["process"])):
            shutil.rmtree(entry, ignore_errors=True)


def _is_dead(entry: Path, machine: str, process: int) -> bool:
    if entry.name in _in_hand or entry.name in _waiting:
        return False
    if machine == _machine() and (process == os.getpid() or _runs(process) is False):
        return True
    try:
        return time.time() - entry.stat().st_mtime > _STALE_SECONDS
    except FileNotFoundError:
        return False


def _runs(process: int) -> bool | None:
    """Whether a process of this machine is there; None when this system cannot be asked without harm."""
    if os.name != "posix":
        return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@cache
def _machine() -> str:
    """Eight characters for where process numbers mean something: this machine, and in a container that container."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


# ---------------------------------------------------------------- errors

_ADVICE = {
    errno.EROFS: "it is read-only: ask for write access, or connect it again",
    errno.EACCES: "this account may not write there: ask for write access",
    errno.EPERM: "this account may not write there: ask for write access",
    errno.ENOSPC: "it is full: make room",
    errno.EDQUOT: "this account's share of it is full: make room",
    errno.EXDEV: "one of its folders is another drive: deliveries are renamed into place, so put them on one drive",
    errno.ENAMETOOLONG: "the path is too long for it: choose a shorter delivery.drive",
}


@contextlib.contextmanager
def _explained(drive: Path) -> Iterator[None]:
    """Any failure of the drive as a DeliveryError that says what to do."""
    try:
        yield
    except DeliveryError:
        raise
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "it went away or does not answer: connect it")
        raise DeliveryError(
            error.errno or errno.EIO,
            f"the shared drive at {drive} could not be written to ({error.strerror or 'no reason given'}): {advice}, "
            "then run again. Nothing half-written was left under its own name",
        ) from error
