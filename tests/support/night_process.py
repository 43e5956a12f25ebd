"""`attendance nightly` in children of one process that has imported everything: a night costs what it does itself.

Run as a script it reads a home, a command and perhaps a fault from each line, and runs the command in a child, which
after so many seconds is killed with SIGKILL (or sent another signal), or meets a fault of `injected.py`. `NightProcess`
is the other end of the line.
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from injected import Fault, inject

SAID = "night.txt"  # what the command printed, beside the home
# What a night imports when it comes to it.
_IMPORTED_LATE = (
    "night_steps",
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

    def night(
        self, home: Path, day: dt.date | None, kill_after: float | None = None, fault: Fault | None = None
    ) -> Ended:
        """`attendance nightly --home HOME --date DAY`, killed after some seconds unless it is done before."""
        date = [] if day is None else ["--date", day.isoformat()]
        return self.command(home, ["nightly", *date], kill_after, fault)

    def command(
        self,
        home: Path,
        words: Sequence[str],
        kill_after: float | None = None,
        fault: Fault | None = None,
        number: int = signal.SIGKILL,
    ) -> Ended:
        """`attendance ... --home HOME` with a fault, or sent a signal after some seconds unless it is done before."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(home), list(words), kill_after, fault, int(number)]) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout is not None
        code, seconds = json.loads(self._process.stdout.readline())
        return Ended(code, seconds, home.with_name(f"{home.name} {SAID}").read_text(encoding="utf-8"))


def _main() -> None:
    for name in _IMPORTED_LATE:
        importlib.import_module(name)
    for line in sys.stdin:
        print(json.dumps(_night(*json.loads(line))), flush=True)


def _night(
    home: str, words: list[str], kill_after: float | None, fault: Fault | None, number: int
) -> tuple[int | None, float]:
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(home, words, fault)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    killed = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        seconds = time.monotonic() - began
        if ended:
            return (None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)), seconds
        if kill_after is not None and seconds >= kill_after and not killed:
            os.killpg(child, number)
            killed = True
        time.sleep(0.002)


def _run(home: str, words: list[str], fault: Fault | None) -> None:
    """The child: never returns."""
    code = 9
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)  # whichever of the two comes first
        said = os.open(f"{home} {SAID}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for stream in (1, 2):
            os.dup2(said, stream)
        from night_steps import run_step

        from attendance_pipeline.cli import main

        if fault is not None:
            inject(fault, Path(home))
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background would not hear of it
        if words[0] == "step":  # one step of a night, without Dagster: night_steps.py
            code = run_step(Path(home), words[1])
        else:
            code = main([*words, "--home", home])
        sys.stdout.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _main()
