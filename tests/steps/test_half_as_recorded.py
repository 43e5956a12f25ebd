"""Days of which somebody in Dagster asked for some tables as recorded and not for the others."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from small_home import ANN, REGISTER, derive, drop, drop_pupils, drop_weeks, load, small_home

from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site

UPTO = dt.date(2026, 6, 26)
CORRECTED = dt.date(2026, 6, 10)
DAYS = [dt.date(2026, 6, day) for day in (9, 10, 11)]


@pytest.mark.parametrize(
    ("as_recorded", "due_from"),
    [
        pytest.param(TABLES, None, id="all of them: left alone"),
        pytest.param(["measures", "groups"], DAYS[0], id="measures: the week's extract came on its Friday"),
        pytest.param(["penalty_notices"], DAYS[2], id="penalty notices: the settled day is Wednesday"),
        pytest.param(["stages", "stage_events"], None, id="stages: nothing differs, too few sessions either way"),
    ],
)
def test_a_day_that_is_as_recorded_only_in_part_is_due(
    tmp_path: Path, as_recorded: list[str], due_from: dt.date | None
) -> None:
    home = small_home(tmp_path / "home")
    drop_pupils(home, "06-01")
    drop_weeks(home, {})
    drop(home, "register_2026-06-24.csv", REGISTER, [f"{ANN},{CORRECTED},{half},O,," for half in ("AM", "PM")])
    load(home)
    derive(home, UPTO)
    with open_site(home) as site:
        assert due_days(site, UPTO) == []
        restate(site, DAYS, as_recorded, as_recorded=True)
        due = due_days(site, UPTO)
    assert (due[0] if due else None) == due_from
    derive(home, UPTO)
    with open_site(home) as site:
        assert due_days(site, UPTO) == []
