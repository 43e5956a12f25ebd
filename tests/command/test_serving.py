"""`attendance ui`: Dagster's own web page and daemon for one home, on this machine alone, ended without a remainder."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from demo_homes import COMMAND, attendance, environment

from attendance_pipeline.definitions import build_definitions

STARTS_WITHIN = 120
STARTED_BY_DEMO = {"key": "attendance/command", "value": "demo"}
QUESTION = """{
  assetsOrError { ... on AssetConnection { nodes { key { path } } } }
  runsOrError { ... on Runs { results { jobName status tags { key value } } } }
  repositoriesOrError { ... on RepositoryConnection { nodes { location { name } schedules { name } sensors { name } } } }
}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def ui(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`attendance ui` as a process, that has said where it serves. Whatever happens, it is ended."""
    process = subprocess.Popen(
        [COMMAND, "ui", "--home", home, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        # As from a terminal: what runs in the background of a script would hand on that it ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # no thread is running here
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == f"Dagster for {home}: http://127.0.0.1:{port}  (Ctrl-C stops it)\n"
        yield process
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(60)


def stop(process: subprocess.Popen[str], with_signal: signal.Signals) -> None:
    """Stop it, and wait for its last child too: each of them holds the other end of the pipe."""
    process.send_signal(with_signal)
    process.communicate(timeout=60)


def ask(port: int) -> Any:
    """The data that answer QUESTION, as soon as somebody answers."""
    query = json.dumps({"query": QUESTION}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", query, headers={"Content-Type": "application/json"}
    )
    end = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except OSError:
            assert time.monotonic() < end, "nobody answers"
            time.sleep(0.2)


def status(port: int, headers: dict[str, str]) -> int:
    """What a question with these headers is answered with."""
    query = json.dumps({"query": "{version}"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", query, headers={"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code


def test_the_ui_shows_the_homes_assets_and_runs_to_this_machine_alone_and_ends_whole(home: Path) -> None:
    port = free_port()
    with ui(home, port) as process:
        data = ask(port)
        shown = {"/".join(node["key"]["path"]) for node in data["assetsOrError"]["nodes"]}
        graph = build_definitions(home).resolve_asset_graph()
        assert shown == {key.to_user_string() for key in graph.get_all_asset_keys()}
        # At half past two in the morning the home's own schedules start others.
        runs = [run for run in data["runsOrError"]["results"] if STARTED_BY_DEMO in run["tags"]]
        assert [run["jobName"] for run in reversed(runs)][:2] == ["take_in_extracts", "backfill"], data
        assert {run["status"] for run in runs} == {"SUCCESS"}
        (repository,) = data["repositoriesOrError"]["nodes"]
        assert "nightly_extracts" in {schedule["name"] for schedule in repository["schedules"]}
        sensors = {sensor["name"] for sensor in repository["sensors"]}
        assert {"nightly_follows_extracts", "failure_is_told", "morning_note", "morning_extracts"} <= sensors
        # A page of somebody else's in the browser of this machine gets nothing, and starts nothing.
        for foreign in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Content-Type": "text/plain"}):
            assert status(port, foreign) == 403
        assert status(port, {}) == 200
        # Whoever listened on every address would hold this one too.
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.2", port))

        refused = attendance("ui", "--home", home, "--port", port)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err == f"attendance: port {port} is in use; choose another with --port\n"

        stop(process, signal.SIGTERM)
        assert process.returncode == 0


def test_the_ui_can_be_stopped_while_it_is_starting(tmp_path: Path) -> None:
    assert attendance("init", tmp_path / "empty").code == 0
    with ui(tmp_path / "empty", free_port()) as process:
        stop(process, signal.SIGINT)
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (["--host", "0.0.0.0"], "with --host say by --name, too, what the page is called"),
        (["--host", "attendance.example"], "--host is the number of an address"),
        (["--port", "0"], "a port is a number from 1 to 65535"),
    ],
)
def test_a_page_for_others_has_a_name(told: list[str], answer: str, tmp_path: Path) -> None:
    assert attendance("init", tmp_path / "empty").code == 0
    refused = attendance("ui", "--home", tmp_path / "empty", *told)
    assert refused.code == 2
    assert answer in refused.err


def test_a_new_home_can_be_looked_at_before_its_first_night(tmp_path: Path) -> None:
    assert attendance("init", tmp_path / "empty").code == 0
    port = free_port()
    with ui(tmp_path / "empty", port) as process:
        data = ask(port)
        # Web server and daemon start at one moment; each would make the stores that are not there yet.
        (repository,) = data["repositoriesOrError"]["nodes"]
        assert "nightly_extracts" in {schedule["name"] for schedule in repository["schedules"]}
        assert data["runsOrError"]["results"] == []
        stop(process, signal.SIGTERM)
