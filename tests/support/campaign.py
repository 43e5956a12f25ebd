"""Faults of every kind, each put into a night of a copy of one home, and what the next undisturbed night makes of it.

For `benchmarks/faults.py` (hundreds) and `tests/faults/` (some of each). A fault is survived when after the next night
that nobody disturbs all is as in a home that was never disturbed: every exported table, the ledger, the kept extracts,
what was set aside, every file on the drive with its hash; no letter twice, no folder twice, nothing unfinished; and when
at no time before a folder that people see was half-made. Anything else is lost.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from injected import writes_counted
from last_night import TODAY, End, end_of, half_made, make_last_night
from night_process import Ended, NightProcess
from night_steps import STEPS
from nights import recorded_on, school_inbox
from small_home import ANN, BEN, CAT, DAN, REGISTER, drop, drop_contacts, drop_pupils, drop_weeks, small_home

FAILED = 3


class NotPossible(Exception):
    """This machine or account cannot have this fault; the message says why."""


@dataclass(frozen=True)
class Survived:
    """Faults that came, and what was wrong in the end (nothing: survived)."""

    injected: int
    wrong: tuple[str, ...]
    said: str = ""


class Campaign:
    """A home to disturb, and processes to do it with. Use as a context manager; calls may come from several threads.

    `pupils`: of the home; 0 for a campaign without one, of `small_school` alone.
    """

    def __init__(self, folder: Path, processes: int = 2, pupils: int = 30):
        self.folder, self.pupils = folder, pupils
        self._all = [NightProcess() for _ in range(processes)]
        self._free: SimpleQueue[NightProcess] = SimpleQueue()
        self.number = itertools.count()

    def __enter__(self) -> Campaign:
        for process in self._all:
            self._free.put(process.__enter__())
        if not self.pupils:
            return self
        self.prepared = make_last_night(self.folder, lambda home, day: self.night(home, day).code, self.pupils)
        home = self.copy()
        counted = self.night(home, fault={"kind": "count"})
        assert counted.code == 1, counted.said
        self.undisturbed, self.seconds, self.writes = home, counted.seconds, writes_counted(home)
        self.expected: End = end_of(home)
        assert not half_made(home)
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._all:
            process.__exit__(*exception)

    def copy(self) -> Path:
        return shutil.copytree(self.prepared, self.folder / f"home {next(self.number)}" / "home")

    def night(self, home: Path, day: Any = TODAY, kill_after: float | None = None, **more: Any) -> Ended:
        return self.command(home, ["nightly", "--date", day.isoformat()], kill_after, **more)

    def command(self, home: Path, words: list[str], kill_after: float | None = None, **more: Any) -> Ended:
        process = self._free.get()
        try:
            return process.command(home, words, kill_after, **more)
        finally:
            self._free.put(process)

    def judged(self, home: Path, injected: int, wrong: list[str], said: str = "") -> Survived:
        """Run the next night, compare the end, and take the copy away."""
        wrong += [f"half-made: {folder}" for folder in half_made(home)]
        healing = self.night(home)
        if healing.code not in (0, 1):
            wrong.append(f"the next night did not heal: {healing.said[-300:]}")
        wrong += end_of(home).differences(self.expected)
        if not wrong:
            shutil.rmtree(home.parent)
        return Survived(injected, tuple(wrong), said)


# ---------------------------------------------------------------- kinds: kill -9


def killed_at_moments(campaign: Campaign, rng: random.Random, kills: int = 8) -> Survived:
    """kill -9 at random moments of take-in, derive, propose, render and deliver, night after night, until one is left
    alone."""
    home, injected, wrong = campaign.copy(), 0, []
    for _ in range(kills):
        if campaign.night(home, kill_after=rng.random() * campaign.seconds).code is None:
            injected += 1
        wrong += [f"half-made: {folder}" for folder in half_made(home)]
    return campaign.judged(home, injected, wrong)


def killed_at_writes(campaign: Campaign, rng: random.Random, kills: int = 8) -> Survived:
    """kill -9 just before a write, a rename, a commit or a wait for the disk, chosen at random of all of a night."""
    home, injected, wrong = campaign.copy(), 0, []
    for _ in range(kills):
        fault = {"kind": "kill", "at": rng.randint(1, campaign.writes)}
        if campaign.night(home, fault=fault).code is None:
            injected += 1
        wrong += [f"half-made: {folder}" for folder in half_made(home)]
    return campaign.judged(home, injected, wrong)


def small_school(campaign: Campaign) -> Path:
    """A home of six pupils before the night of a Friday, for `killed_in_steps`: its steps are over in a moment."""
    home = small_home(campaign.folder / f"small {next(campaign.number)}" / "home")
    drop_pupils(home, "06-01")
    drop_contacts(home, "06-01", {ANN: "1 High Street", BEN: "2 High Street"})
    drop_weeks(home, {ANN: "06-08 to 06-26 O", BEN: "06-22 to 07-03 O"})
    this, later = dt.date(2026, 7, 3), home.with_name("later")
    later.mkdir()
    for file in school_inbox(home).iterdir():
        if recorded_on(file) >= this:
            file.rename(later / file.name)
    for step in STEPS:
        ended = campaign.command(home, ["step", step])
        assert ended.code == 0, ended.said
    (later / f"register_{this}.csv").rename(school_inbox(home) / f"register_{this}.csv")
    late = [f"{CAT},2026-06-{day},{half},O,,Not seen" for day in ("22", "23", "24") for half in ("AM", "PM")]
    drop(home, f"register_{this}_late.csv", REGISTER, [*late, f"{DAN},2026-07-03,AM,ZZ,,"])
    return home


def killed_in_steps(
    campaign: Campaign, wanted: Callable[[int, int], bool], before: Path | None = None
) -> Iterator[tuple[str, Survived]]:
    """kill -9 just before each write of each step of a night in turn (or those that are `wanted`, by number and of how
    many); the step is run again and the home compared with one in which it was never killed. `before`: the home, which
    is used up (None: a copy of the campaign's)."""
    before = before or campaign.copy()
    for step in STEPS:
        after = _copied(before, "after")
        ended = campaign.command(after, ["step", step], fault={"kind": "count"})
        assert ended.code == 0, ended.said
        writes, expected = writes_counted(after), end_of(after)
        for number in range(1, writes + 1):
            if not wanted(number, writes):
                continue
            home, wrong = _copied(before, "killed"), []
            killed = campaign.command(home, ["step", step], fault={"kind": "kill", "at": number})
            wrong += [f"half-made: {folder}" for folder in half_made(home)]
            again = campaign.command(home, ["step", step])
            if again.code != 0:
                wrong.append(f"{step} {number}: not healed: {again.said[-300:]}")
            wrong += end_of(home).differences(expected)
            yield step, Survived(int(killed.code is None), tuple(wrong))
            shutil.rmtree(home.parent)
        shutil.rmtree(before.parent)
        before = after


def _copied(home: Path, name: str) -> Path:
    """A copy of a home without what Dagster recorded, which a step by itself does not read."""
    folder = Path(tempfile.mkdtemp(prefix=name, dir=home.parent.parent))
    return shutil.copytree(home, folder / "home", ignore=shutil.ignore_patterns("dagster"))


def interrupted(campaign: Campaign, rng: random.Random) -> Survived:
    """Ctrl-C at a random moment."""
    home, wrong = campaign.copy(), []
    ended = campaign.night(home, kill_after=rng.random() * campaign.seconds, number=signal.SIGINT)
    if ended.code not in (FAILED, 0, 1):
        wrong.append(f"Ctrl-C gave {ended.code}: {ended.said[-200:]}")
    return campaign.judged(home, int(ended.code == FAILED), wrong, ended.said)


# ---------------------------------------------------------------- kinds: disks and drives


@contextlib.contextmanager
def disk(folder: Path, size: int, inodes: int = 0) -> Iterator[None]:
    """A file system of so many bytes at a folder, while it lasts. Raises NotPossible where this account may not."""
    folder.mkdir(exist_ok=True, parents=True)
    more = f",nr_inodes={inodes}" if inodes else ""
    _mount("-t", "tmpfs", "-o", f"size={size}{more}", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)


def _mount(*words: str) -> None:
    if os.name != "posix" or not shutil.which("mount"):
        raise NotPossible("this system has no mount")
    done = subprocess.run(["mount", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise NotPossible("mounting a small disk takes an administrator's rights")


def _size(folder: Path) -> int:
    """Bytes of a folder in blocks of 4,096."""
    return sum(-(-f.lstat().st_size // 4096) * 4096 + 4096 for f in folder.rglob("*"))


def _on_a_disk(campaign: Campaign, part: str, spare: int, inodes: bool = False) -> Survived:
    """A night in a home of which a part lies on a disk with so little room; then there is more."""
    home, wrong = campaign.copy(), []
    place, aside = home / part, home.parent / "aside"
    place.rename(aside)
    size, files = _size(aside) + spare, sum(1 for _ in aside.rglob("*")) + 2
    room = 1 << 30 if inodes else size
    with disk(place, room, files + spare // 4096 if inodes else 0):
        shutil.copytree(aside, place, dirs_exist_ok=True)
        ended = campaign.night(home)
        if ended.code == FAILED and not re.search("make room|not full", ended.said):
            wrong.append(f"what to do is not said: {ended.said[-300:]}")
        wrong += [f"half-made: {folder}" for folder in half_made(home)]
        shutil.rmtree(aside)
        _mount("-o", "remount,size=1g,nr_inodes=0", str(place))
        judged = campaign.judged(shutil.copytree(home, home.parent.parent / f"{home.parent.name} after" / "home"),
                                 int(ended.code == FAILED), wrong, ended.said)  # fmt: skip
    shutil.rmtree(home.parent)
    return judged


def disk_of_the_state_full(campaign: Campaign, rng: random.Random) -> Survived:
    """The disk of the warehouse and the kept extracts is full (a real, small one)."""
    return _on_a_disk(campaign, "state", rng.randint(0, 1_500_000))


def drive_full(campaign: Campaign, rng: random.Random) -> Survived:
    """The shared drive is full (a real, small one)."""
    return _on_a_disk(campaign, "outbox", rng.randint(0, 2_500_000))


def drive_without_inodes(campaign: Campaign, rng: random.Random) -> Survived:
    """The shared drive takes no more files, whatever their size."""
    return _on_a_disk(campaign, "outbox", rng.randint(0, 60) * 4096, inodes=True)


def drive_away(campaign: Campaign, rng: random.Random) -> Survived:
    """The drive goes away at a random write of the night, and is back for the next."""
    home, wrong = campaign.copy(), []
    drive = home / "outbox"
    fault = {"kind": "away", "at": rng.randint(1, campaign.writes), "folder": str(drive)}
    ended = campaign.night(home, fault=fault)
    away = drive.with_name("outbox away")
    if ended.code == FAILED and "connect it" not in ended.said:
        wrong.append(f"what to do is not said: {ended.said[-300:]}")
    if injected := away.exists():
        if drive.exists():
            wrong.append("a drive was made where there is none")
            shutil.rmtree(drive)
        away.rename(drive)
    return campaign.judged(home, int(injected), wrong, ended.said)


def drive_refuses(campaign: Campaign, rng: random.Random) -> Survived:
    """From a random write on the drive is read-only, refuses this account, or breaks off."""
    home, wrong = campaign.copy(), []
    number = rng.choice([errno.EROFS, errno.EACCES, errno.EIO, errno.ESTALE, errno.ENOSPC])
    under = str(home / "outbox")
    fault = {"kind": "error", "at": rng.randint(1, 250), "number": number, "under": under, "for_good": True}
    ended = campaign.night(home, fault=fault)
    if ended.code == FAILED and "then run again" not in ended.said:
        wrong.append(f"what to do is not said: {ended.said[-300:]}")
    return campaign.judged(home, int(ended.code == FAILED), wrong, ended.said)


def slow_drive(campaign: Campaign, rng: random.Random) -> Survived:
    """Every write to the drive takes its time."""
    home = campaign.copy()
    ended = campaign.night(home, fault={"kind": "slow", "seconds": 0.05, "under": str(home / "outbox")})
    return campaign.judged(home, 1, [] if ended.code == 1 else [f"the slow night gave {ended.code}"], ended.said)


# ---------------------------------------------------------------- kinds: the machine and other programs


def out_of_memory(campaign: Campaign, rng: random.Random) -> Survived:
    """So much memory and no more, at random."""
    home = campaign.copy()
    ended = campaign.night(home, fault={"kind": "memory", "bytes": rng.randint(1, 250) << 20})
    return campaign.judged(home, int(ended.code not in (0, 1)), [], ended.said)


def files_too_large(campaign: Campaign, rng: random.Random) -> Survived:
    """No file may become larger than so much: an account's limit, or what a file system can hold."""
    home = campaign.copy()
    ended = campaign.night(home, fault={"kind": "file_size", "bytes": rng.randint(1, 600) << 10})
    return campaign.judged(home, int(ended.code not in (0, 1)), [], ended.said)


def two_nights_at_once(campaign: Campaign, rng: random.Random) -> Survived:
    """A second night of the same home begins while one is at work."""
    home, wrong, ends = campaign.copy(), [], []
    first = threading.Thread(target=lambda: ends.append(campaign.night(home)))
    first.start()
    time.sleep(rng.random() * campaign.seconds)
    with NightProcess() as other:
        second = other.command(_beside(home), ["nightly", "--date", TODAY.isoformat()])
    first.join()
    codes = sorted(str(e.code) for e in [*ends, second])
    if set(codes) - {"0", "1"}:
        wrong.append(f"they gave {codes}: {second.said[-300:]}")
    return campaign.judged(home, 1, wrong, second.said)


def _beside(home: Path) -> Path:
    """The same home by another path, so that what the two say goes to two files."""
    link = home.with_name("the same home")
    if not link.exists():
        link.symlink_to(home)
    return link


KINDS: dict[str, Callable[[Campaign, random.Random], Survived]] = {
    "kill -9 at a moment": killed_at_moments,
    "kill -9 at a write": killed_at_writes,
    "Ctrl-C": interrupted,
    "disk of the state full": disk_of_the_state_full,
    "drive full": drive_full,
    "drive without inodes": drive_without_inodes,
    "drive away": drive_away,
    "drive refuses": drive_refuses,
    "drive slow": slow_drive,
    "out of memory": out_of_memory,
    "file size limited": files_too_large,
    "two nights at once": two_nights_at_once,
}
