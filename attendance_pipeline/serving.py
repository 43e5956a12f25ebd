"""Dagster's web server and daemon for one home, started together and stopped together.

Belongs here: two child processes and their environment. Not here: running jobs (`running.py`).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from attendance_pipeline.home import HOME_VARIABLE, Home
from attendance_pipeline.running import made_instance

HOST = "127.0.0.1"  # pupils' data are one click away: on this machine alone
MODULE = ("-m", "attendance_pipeline.definitions")
GUARD = ("-m", "attendance_pipeline.web_guard")
_STOP_SECONDS = 15
_LEAVE_SECONDS = 5  # for what those have started to end by itself


def serve(home: Home, port: int, host: str = HOST, names: Sequence[str] = (), *, read_only: bool = False) -> int:
    """Serve until interrupted (0), or until one of the two ends by itself (3).

    `names`: by which the page may be called, besides those of loopback. `read_only`: nothing can be started by it.
    """
    if _taken(host, port):
        print(f"attendance: port {port} is in use; choose another with --port", file=sys.stderr)
        return 2
    folder = made_instance(home)  # tells the environment where Dagster's storage is
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(folder),
        HOME_VARIABLE: str(home.path),
        "PYTHONWARNINGS": "ignore",
    }
    web = ["--host", host, "--port", str(port), *(["--read-only"] if read_only else [])]
    programs = [
        [sys.executable, *GUARD, *names, "--", *web, *MODULE],
        [_script("dagster-daemon"), "run", *MODULE],
    ]
    signal.signal(signal.SIGTERM, _interrupt)
    children: list[subprocess.Popen[bytes]] = []
    try:
        for program in programs:
            # A terminal's Ctrl-C reaches only us, and we stop both in order.
            children.append(subprocess.Popen(program, env=environment, cwd=home.state, start_new_session=True))  # noqa: S603  # our own programs
        print(f"Dagster for {home.path}: http://{host}:{port}  (Ctrl-C stops it)", flush=True)
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        print("attendance: Dagster ended by itself; its last lines above say why", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 0
    finally:
        # A second Ctrl-C must not leave a child behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _stop(children)


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for child in children:
        _end_the_rest(child.pid)


def _end_the_rest(group: int) -> None:
    """End what a child has started and left behind: one that was caught while starting up ends without a word to its
    own. Each child leads a session of its own, so that a signal to its group reaches nobody else."""
    if not hasattr(os, "killpg"):
        return
    for number, seconds in ((0, _LEAVE_SECONDS), (signal.SIGTERM, _LEAVE_SECONDS), (signal.SIGKILL, 0)):
        try:
            os.killpg(group, number)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.1)
                os.killpg(group, 0)
        except ProcessLookupError:
            return


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _script(name: str) -> str:
    """A program that was installed beside this Python."""
    folder = Path(sys.executable).parent
    return str(next((p for p in (folder / name, folder / f"{name}.exe") if p.exists()), name))


def _taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False
