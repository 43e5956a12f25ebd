"""Some faults of each kind, for real: after the next night all is as if nothing had been. Hundreds: benchmarks/faults.py.

ATTENDANCE_FAULTS says how many nights meet each kind of fault (1), and how many writes of a step are killed (2).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from campaign import KINDS, Campaign, NotPossible, killed_in_steps, small_school
from last_night import end_of
from night_steps import STEPS

EACH = int(os.environ.get("ATTENDANCE_FAULTS", "1"))
SEED = int(os.environ.get("ATTENDANCE_SEED", "1"))
# A whole night killed at any moment: tests/whole_term/test_kill_during_a_night.py. The others: the campaign alone.
SHORT = ("kill -9 at a write", "drive full", "drive away", "two nights at once")
CLOCKS = [
    ("the hour that comes twice", "2025-10-26T00:30:00+00:00"),
    ("the hour that does not come", "2026-03-29T01:30:00+00:00"),
    ("far ahead", "2099-01-01T02:30:00+00:00"),
]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    with Campaign(tmp_path_factory.mktemp("campaign")) as ready:
        yield ready


@pytest.mark.parametrize("kind", SHORT)
def test_a_night_that_meets_a_fault_is_made_good_by_the_next(campaign: Campaign, kind: str) -> None:
    for number in range(EACH):
        try:
            came = KINDS[kind](campaign, random.Random(f"{SEED} {kind} {number}"))
        except NotPossible as why:
            pytest.skip(str(why))
        assert not came.wrong, came.wrong


def test_each_step_killed_at_a_write_is_made_good_by_running_it_again(campaign: Campaign) -> None:
    def some(number: int, of: int) -> bool:
        return number in {1 + (2 * n + 1) * of // (4 * EACH) for n in range(2 * EACH)}

    came = list(killed_in_steps(campaign, some, small_school(campaign)))
    assert [(step, one.wrong) for step, one in came if one.wrong] == []
    assert sum(one.injected for _, one in came) >= len(STEPS)


@pytest.mark.parametrize(("what", "now"), CLOCKS)
def test_what_a_night_makes_does_not_hang_on_the_hour(campaign: Campaign, what: str, now: str) -> None:
    home = campaign.copy()
    ended = campaign.command(home, ["nightly"], fault={"kind": "clock", "now": now, "zone": "Europe/London"})
    assert ended.code == 1, f"{what}: {ended.said}"
    assert end_of(home).differences(campaign.expected) == []


def test_a_clock_that_is_years_behind_is_said(campaign: Campaign) -> None:
    home = campaign.copy()
    clock = {"kind": "clock", "now": "2000-01-01T02:30:00+00:00", "zone": "Europe/London"}
    ended = campaign.command(home, ["nightly"], fault=clock)
    assert ended.code == 3
    assert "clock says 2000-01-01" in ended.said and "set the clock" in ended.said
    assert campaign.judged(home, 1, []).wrong == ()


@pytest.mark.parametrize("file", ["history/runs.db", "dagster.yaml"])
def test_damaged_records_of_dagster_are_said_and_moved_away(campaign: Campaign, file: str) -> None:
    home = campaign.copy()
    dagster = home / "state" / "dagster"
    (dagster / file).write_bytes(b"{no: [such, file" * 400)
    ended = campaign.night(home)
    assert ended.code == 3, ended.said
    assert "Dagster's own records" in ended.said and "move that folder away" in ended.said.replace("\n", " ")
    if file == "dagster.yaml":
        return  # healed alike
    dagster.rename(home.parent / "damaged")
    assert campaign.judged(home, 1, []).wrong == ()
