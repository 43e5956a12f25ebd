"""`attendance ui` of a home, served for a while, and its page as a program asks it: GraphQL on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from demo_homes import COMMAND, environment

LOCATION = "attendance_pipeline.definitions"
STARTS_WITHIN = 120
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(home: Path) -> Iterator[int]:
    """The port of loopback on which `attendance ui` serves a home, with its daemon. Whatever happens, it is ended.

    What it prints goes into a file beside the home: nobody reads a pipe here, and a full one would stop it.
    """
    port = free_port()
    with home.with_name(f"{home.name}.ui.txt").open("wb") as said:
        process = subprocess.Popen(
            [COMMAND, "ui", "--home", home, "--port", str(port)], stdout=said, stderr=said, env=environment()
        )
        try:
            graphql(port, "{ version }")
            yield port
        finally:
            process.terminate()
            process.wait(60)


def graphql(port: int, query: str, **variables: object) -> Any:
    """The data that answer a query, as soon as somebody answers."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, headers={"Content-Type": "application/json"}
    )
    end = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                said = json.load(answer)
                assert "errors" not in said, said["errors"]
                return said["data"]
        except OSError:
            assert time.monotonic() < end, "nobody answers"
            time.sleep(0.2)


def until(ask: Callable[[], T | None], seconds: float, what: str) -> T:
    """What `ask` gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while (found := ask()) is None:
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.5)
    return found
