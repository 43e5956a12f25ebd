"""What was told and what is still to be told: a small file in the home's private state.

Belongs here: reading and writing that file, one process at a time. Not here: what it means (`telling.py`). It is no
table of the warehouse, because it has to work on the night on which the warehouse does not. It holds moments, counts,
names of schools and kinds of failure; nothing of a pupil, no password and no secret.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from attendance_pipeline.whole_files import write_whole

FILE, LOCK, NOTES = "telling.json", "telling.lock", "this-morning"
_LOCK_SECONDS = 60.0  # longer than all messages of one telling take


@dataclass
class Failing:
    """Something that failed and has not worked since. `job`: what has to work for it to be over. Moments are in UTC, in
    ISO form; `times`: on how many dates it failed."""

    job: str
    step: str
    kind: str
    own: str
    school: str
    first: str
    last: str
    times: int = 1


@dataclass
class Memory:
    """All of the file. `good`: when a night was last finished (UTC, ISO), `since`: when the one before it was, `by`: by
    whom (`daemon` or `command`), `pinged`: for which good night the ping went. `failing`, `recovered`: by key. `found`:
    what was failing by the warehouse or the clock when it was last looked at, in words. `told`: by channel the level at
    which each matter was told. `seen`: by school the date it was first looked at. `setup`: the settings of telling as
    they last were when they could be read. `not_told`: what could not be told the last time.
    """

    good: str | None = None
    since: str | None = None
    by: str = ""
    pinged: str | None = None
    failing: dict[str, Failing] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    recovered: dict[str, dict[str, str]] = field(default_factory=dict)
    told: dict[str, dict[str, int]] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    not_told: list[str] = field(default_factory=list)


def read(state: Path) -> Memory:
    """What is remembered; an empty memory when there is none or it cannot be read."""
    try:
        found = json.loads((state / FILE).read_text(encoding="utf-8"))
        failing = {key: Failing(**one) for key, one in found.pop("failing", {}).items()}
        return Memory(**found, failing=failing)
    except (OSError, ValueError, TypeError, AttributeError):
        return Memory()


@contextmanager
def remembering(state: Path) -> Iterator[Memory]:
    """The memory, to be changed: nobody else changes it meanwhile, and what was changed is kept even after an error.

    Raises OSError when the state cannot be written, and filelock.Timeout when another process does not let go.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(state / LOCK, timeout=_LOCK_SECONDS):
        memory = read(state)
        try:
            yield memory
        finally:
            write_whole(state / FILE, json.dumps(asdict(memory), indent=1, sort_keys=True).encode())


def utc(at: dt.datetime) -> str:
    """A moment (aware) as it is remembered."""
    return at.astimezone(dt.UTC).replace(microsecond=0).isoformat()


def local(text: str | None, zone: dt.tzinfo) -> dt.datetime | None:
    """A remembered moment in a time zone."""
    return None if text is None else dt.datetime.fromisoformat(text).astimezone(zone)
