"""`attendance nightly` in children of one process that has imported everything: a night costs what it does itself.

Run as a script it reads a home, a day and perhaps a number of seconds from each line, and runs the command for them in
a child, which after so many seconds is killed with SIGKILL. `NightProcess` is the other end of the line.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SAID = "night.txt"  # what the command printed, beside the home
# What a night imports when it comes to it.
_IMPORTED_LATE = (
    "alembic.command",
    "attendance_pipeline.mis.xlsx",
    "attendance_pipeline.running",
    "attendance_pipeline.said",
    "great_expectations",
    "great_expectations.expectations",
    "openpyxl",
    "pikepdf",
    "PIL.Image",
    "pyarrow.csv",
    "typst",
)


@dataclass(frozen=True)
class Ended:
    """How a night ended: its exit code (None: it was killed), after how many seconds, and what it had said."""

    code: int | None
    seconds: float
    said: str


class NightProcess:
    """A process that runs nights, one at a time. Use as a context manager."""

    def __enter__(self) -> NightProcess:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *exception: object) -> None:
        with self._process:
            self._process.kill()  # it has nothing in hand

    def night(self, home: Path, day: dt.date, kill_after: float | None = None) -> Ended:
        """`attendance nightly --home HOME --date DAY`, killed after some seconds unless it is done before."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(home), day.isoformat(), kill_after]) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout is not None
        code, seconds = json.loads(self._process.stdout.readline())
        return Ended(code, seconds, home.with_name(f"{home.name} {SAID}").read_text(encoding="utf-8"))


def _main() -> None:
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(_night(*json.loads(line))), flush=True)


def _night(home: str, day: str, kill_after: float | None) -> tuple[int | None, float]:
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(home, day)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    killed = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        seconds = time.monotonic() - began
        if ended:
            return (None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)), seconds
        if kill_after is not None and seconds >= kill_after and not killed:
            os.killpg(child, signal.SIGKILL)
            killed = True
        time.sleep(0.002)


def _run(home: str, day: str) -> None:
    """The child: never returns."""
    code = 9
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)  # whichever of the two comes first
        said = os.open(f"{home} {SAID}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for stream in (1, 2):
            os.dup2(said, stream)
        from attendance_pipeline.cli import main

        code = main(["nightly", "--home", home, "--date", day])
        sys.stdout.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _main()
