"""One run of a home at a time: whoever comes second waits, and is told who is at work. And clearing away what runs
that were killed left unfinished in the home.

Belongs here: the lock and unfinished files. Not here: what a run does. The lock is the operating system's (filelock):
a process that is killed lets go of it, and there is no stale lock for anybody to remove. It is for writers; whoever
only reads (`export`, `explain`) never waits.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from attendance_pipeline.home import Home
from attendance_pipeline.whole_files import clear_unfinished, names_in, remove

LOCK, WHO = "at-work.lock", "at-work.json"
WAIT_SECONDS = 30 * 60  # longer than a night of a school; a run that never ends is told of instead of waited for


class HomeBusy(RuntimeError):
    """Another run of this home is at work and did not end. The message names it and says what to do."""


@contextlib.contextmanager
def alone(
    home: Home, what: str, say: Callable[[str], None] = lambda text: None, wait: float = WAIT_SECONDS
) -> Iterator[None]:
    """While it lasts, no other run of the home writes; within one process it may be entered again.

    `what`: the command or job, for whoever waits. `say`: told once that somebody else is at work. `wait`: seconds until
    HomeBusy is raised. What runs that were killed left unfinished is cleared away at the beginning.
    """
    home.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(home.state / LOCK, mode=0o600, thread_local=False, is_singleton=True)
    again = lock.is_locked
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"{_at_work(home.state)}; waiting for it")
        try:
            lock.acquire(timeout=wait, poll_interval=0.2)
        except Timeout as still:
            raise HomeBusy(
                f"{_at_work(home.state)} and has not ended in {wait / 60:.0f} minutes. Nothing was done. Wait for it, "
                "or end that process if it does nothing any more, then run again"
            ) from still
    try:
        if not again:
            _note(home.state / WHO, what)
            clear_left_behind(home)
        yield
    finally:
        if not again:
            with contextlib.suppress(OSError):
                (home.state / WHO).unlink(missing_ok=True)
        lock.release()


def _note(file: Path, what: str) -> None:
    """For whoever waits; a disk that is full must not keep a run from saying so itself."""
    now = dt.datetime.now().astimezone()
    with contextlib.suppress(OSError):
        file.write_text(json.dumps({"what": what, "process": os.getpid(), "since": f"{now:%Y-%m-%d %H:%M}"}))


def _at_work(state: Path) -> str:
    try:
        who = json.loads((state / WHO).read_text(encoding="utf-8"))
        return f"another run of this home ({who['what']}, process {who['process']}, since {who['since']}) is at work"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run of this home is at work"


def clear_left_behind(home: Home) -> None:
    """Remove unfinished files of runs that were killed. Call it only while no other run writes."""
    for folder in (home.state, home.dagster_home, *(home.state / name for name in names_in(home.state))):
        clear_unfinished(folder)
    for school in home.schools:
        clear_unfinished(school.inbox, "interventions_")  # what others put into an inbox is theirs
    for folder in (home.kept / name for name in names_in(home.kept)):
        for name in names_in(folder):
            if name.startswith("."):
                remove(folder / name)
