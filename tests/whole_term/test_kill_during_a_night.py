"""A night killed at any moment (kill -9) is made good by the next: the end is that of a night that nobody disturbed.

ATTENDANCE_KILLS says how many nights are killed (6). Each is killed at a moment of its own part of the night's length,
every fourth is killed once more while it is made good.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import dagster as dg
import pytest
from last_night import TODAY, End, end_of, half_made, last_words, make_last_night
from night_process import NightProcess
from nights import folders, hidden, school_inbox

from attendance_pipeline.running import NOT_YET_SAID

KILLS = int(os.environ.get("ATTENDANCE_KILLS", "6"))
SEED = int(os.environ.get("ATTENDANCE_SEED", "1"))


@pytest.fixture(scope="module")
def processes() -> Iterator[SimpleQueue[NightProcess]]:
    """Two processes that run nights, for whoever takes one and puts it back."""
    free: SimpleQueue[NightProcess] = SimpleQueue()
    with NightProcess() as one, NightProcess() as other:
        free.put(one)
        free.put(other)
        yield free


def run(processes: SimpleQueue[NightProcess], *night: Any) -> Any:
    process = processes.get()
    try:
        return process.night(*night)
    finally:
        processes.put(process)


@pytest.fixture(scope="module")
def prepared(processes: SimpleQueue[NightProcess], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the weeks before done, and in its inbox the last day's marks and log, and a late correction."""
    return make_last_night(tmp_path_factory.mktemp("prepared"), lambda home, day: run(processes, home, day).code)


@dataclass(frozen=True)
class Undisturbed:
    """The end of a night that nobody disturbed, its last words, and how long it took while another ran beside it."""

    end: End
    last_words: str
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(
    prepared: Path, processes: SimpleQueue[NightProcess], tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    homes = [shutil.copytree(prepared, tmp_path_factory.mktemp("undisturbed") / "home") for _ in range(2)]
    with ThreadPoolExecutor(2) as both:
        nights = list(both.map(lambda home: run(processes, home, TODAY), homes))
    assert [n.code for n in nights] == [1, 1]
    ends = [end_of(home) for home in homes]
    assert ends[0] == ends[1]
    return Undisturbed(ends[0], last_words(nights[0].said), min(n.seconds for n in nights))


def test_the_night_has_something_to_lose(prepared: Path, undisturbed: Undisturbed) -> None:
    before, end = end_of(prepared), undisturbed.end
    assert len(before.inbox) >= 3 and end.inbox == []
    assert all(end.tables[name] != digest for name, digest in before.tables.items()), "a table says what it said before"
    made = {path.split("/")[-2] for path, digest in end.drive.items() if before.drive.get(path) != digest}
    assert made >= {"letters", "worklists", "board", "classes", "governors", "impact", "data-quality"}
    assert len(end.kept) == len(before.kept) + len(before.inbox)
    assert "newly set aside" in undisturbed.last_words and "newly held" in undisturbed.last_words


def test_a_night_killed_at_any_moment_is_made_good_by_the_next(
    prepared: Path, undisturbed: Undisturbed, processes: SimpleQueue[NightProcess], tmp_path: Path
) -> None:
    def killed_and_made_good(number: int) -> str:
        home = tmp_path / str(number)
        rng = random.Random(f"{SEED} {number}")
        rounds = 2 if number % 4 == 3 else 1
        moment = (number + rng.random()) / KILLS
        while True:
            shutil.copytree(prepared, home)
            first = run(processes, home, TODAY, moment * undisturbed.seconds)
            if first.code is None:
                break
            moment *= 0.9  # it was done before its moment had come
            shutil.rmtree(home)
        reached = f"after {first.said.count(' s  ')} steps"
        left = len(folders(home)), len(hidden(home))
        assert half_made(home) == []
        if rounds == 2:  # whether it is killed or done before
            run(processes, home, TODAY, rng.random() * undisturbed.seconds)
        told = not (home / "state" / NOT_YET_SAID).exists() and not list(school_inbox(home).iterdir())
        healing = run(processes, home, TODAY)
        assert healing.code == (0 if told else 1), f"{number}: killed {reached}: {healing.said}"
        assert told or last_words(healing.said) == undisturbed.last_words
        assert end_of(home) == undisturbed.end, f"{number}: killed {rounds} times, first {reached}, {left}"
        shutil.rmtree(home)
        return reached

    with ThreadPoolExecutor(2) as both:
        reached = Counter(both.map(killed_and_made_good, range(KILLS)))
    print(f"{KILLS} nights of {undisturbed.seconds:.1f} s killed: {dict(sorted(reached.items()))}")
    assert len(reached) > 1, "every kill came at the same step"


def test_a_killed_run_does_not_hold_the_only_place_for_ever(prepared: Path) -> None:
    """Dagster's daemon runs one at a time, and a killed run is never over for it but by its length."""
    with dg.DagsterInstance.from_config(str(prepared / "state" / "dagster")) as instance:
        assert instance.run_monitoring_enabled
        assert 3600 < instance.run_monitoring_max_runtime_seconds < 20 * 3600  # over before the next night


def test_the_command_in_a_process_of_its_own_is_killed_and_made_good_alike(
    prepared: Path, undisturbed: Undisturbed, processes: SimpleQueue[NightProcess], tmp_path: Path
) -> None:
    home = shutil.copytree(prepared, tmp_path / "home")
    command = [sys.executable, "-m", "attendance_pipeline.cli", "nightly", "--home", str(home), "--date", str(TODAY)]
    with subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as night:
        assert night.stderr is not None
        for line in night.stderr:  # imports and the load are over
            if "Deriving" in line:
                break
        time.sleep(random.Random(SEED).random() * undisturbed.seconds / 3)
        os.killpg(night.pid, signal.SIGKILL)
    assert night.returncode == -signal.SIGKILL
    again = run(processes, home, TODAY)
    assert (again.code, last_words(again.said)) == (1, undisturbed.last_words)
    assert end_of(home) == undisturbed.end
