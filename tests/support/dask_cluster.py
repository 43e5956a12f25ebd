"""A Dask cluster on the loopback: a scheduler and workers, each a process of its own, ended at the end.

Belongs here: starting and ending them, and what they wrote to their logs. Not here: any work.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

SUPPORT = Path(__file__).parent
START_SECONDS = 180  # on a machine that has much else to do


class Cluster:
    """`workers` are subprocesses; `kill` ends one as a power cut would. Use as a context manager."""

    def __init__(
        self, folder: Path, workers: int = 2, tls: dict[str, str] | None = None, *, nanny: bool = False
    ) -> None:
        self.folder, self.wanted, self.tls = folder, workers, tls or {}
        self.nanny = nanny
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.address = ""

    def __enter__(self) -> Cluster:
        self.folder.mkdir(parents=True, exist_ok=True)
        protocol = "tls" if self.tls else "tcp"
        where = self.folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "scheduler", "--host", "127.0.0.1", "--port", "0", "--protocol", protocol, "--no-dashboard",
            "--scheduler-file", str(where),
        )  # fmt: skip
        begin = time.monotonic()
        while not self.address:
            log = self.log("scheduler")
            self.address = next(
                (f"{protocol}:{w.partition(':')[2]}".strip() for w in log.split() if w.startswith(f"{protocol}://127")),
                "",
            )
            if self.scheduler.poll() is not None or time.monotonic() - begin > START_SECONDS:
                raise AssertionError(f"the scheduler did not start: {log}")
            time.sleep(0.05)
        for _ in range(self.wanted):
            self.add_worker()
        while not all("Registered to" in self.log(f"worker-{n}") for n in range(self.wanted)):
            if time.monotonic() - begin > START_SECONDS:
                raise AssertionError(f"the workers did not start: {self.logs()}")
            time.sleep(0.05)
        return self

    def add_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """One more worker, with one thread; without Dask's nanny, which would start it again, unless it was asked for."""
        name = f"worker-{len(self.workers)}"
        worker = self._start(
            name, "worker", self.address, "--nthreads", "1", "--nanny" if self.nanny else "--no-nanny", "--no-dashboard", "--host", "127.0.0.1",
            "--local-directory", str(self.folder / name), "--name", name, **environment,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def _start(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, (str(SUPPORT), os.environ.get("PYTHONPATH"))))
        given = {**os.environ, "PYTHONPATH": path, **self.tls, **environment}
        with (self.folder / f"{name}.log").open("wb") as log:
            # In a folder of its own: Python would find the program first where it is started.
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments], stdout=log, stderr=log, env=given, cwd=self.folder
            )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")

    def logs(self) -> str:
        """All that scheduler and workers have said."""
        return "".join(file.read_text("utf-8", "replace") for file in sorted(self.folder.glob("*.log")))

    def __exit__(self, *exception: object) -> None:
        for process in filter(None, [*self.workers, self.scheduler]):
            if self.nanny:  # it ends the worker that it watches
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(START_SECONDS)
            process.kill()
            process.wait()
