"""The roof: everything that Dagster shows of a home, put together in one place. With
`running.py`, which runs jobs, the only module that looks up.

Assets are listed by name, one line each, so that what exists can be read here. The days and half-terms come from the
calendars of the home in $ATTENDANCE_HOME (else the current folder); without a home those of the example calendar stand
in, so that the code location loads and can be looked at. A home with a fault in its settings does not load: Dagster
shows the message that `attendance check` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

import dagster as dg

from assets import (
    board,
    classes,
    derived,
    extracts,
    impact,
    incentives,
    letters,
    monitoring,
    morning,
    partitions,
    quality,
    readiness,
    register,
    reports,
    troubles,
    worklists,
)
from assets.resources import SiteResource
from attendance_pipeline.home import SETTINGS_FILE, find_home, open_home
from attendance_pipeline.law.school_calendar import SchoolCalendar, read_calendar
from schedules.jobs import JOBS
from schedules.morning import morning_extracts
from schedules.telling import SENSORS as TELLING
from schedules.timetable import SENSORS, build_schedules

ENGLAND = "Europe/London"


def build_definitions(home: Path | str | None = None) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors for one home. Raises SettingsErrors for a home with a fault."""
    path = find_home(home)
    calendars, time_zone = _calendars(path)
    days = partitions.school_days(calendars, time_zone)
    half_terms = partitions.half_terms(calendars)
    assets: list[dg.AssetsDefinition | dg.SourceAsset] = [
        extracts.mis_extracts(days),
        register.register(days),
        derived.attendance_measures(days),
        derived.stage_statuses(days),
        derived.penalty_notice_eligibility(days),
        letters.letter_batches,
        impact.impact_reports,
        worklists.worklists,
        board.attendance_board,
        quality.data_quality,
        classes.class_lists,
        classes.pastoral_packs,
        monitoring.monitoring,
        incentives.punctuality_raffles,
        incentives.prize_pots,
        reports.governor_reports(half_terms),
        readiness.letter_readiness,
        readiness.school_year_notes,
        morning.phone_lists,
    ]
    after = [key.to_user_string() for asset in assets if isinstance(asset, dg.AssetsDefinition) for key in asset.keys]
    return dg.Definitions(
        assets=assets,
        asset_checks=[
            quality.plausible_days,
            quality.nothing_set_aside,
            quality.no_corrected_day_waits,
            troubles.every_school_well(after),
        ],
        resources={"site": SiteResource(home=str(path) if home else "")},
        jobs=JOBS,
        schedules=build_schedules(time_zone),
        sensors=[*SENSORS, morning_extracts, *TELLING],
        executor=dg.in_process_executor,
    )


def _calendars(path: Path) -> tuple[Sequence[SchoolCalendar], str]:
    if (path / SETTINGS_FILE).exists():
        home = open_home(path)
        return [school.calendar for school in home.schools], home.time_zone
    with as_file(files("attendance_pipeline") / "home_template" / "calendars" / "example.toml") as example:
        return [read_calendar(example)], ENGLAND


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads. A function, so that a command that imports this module reads no home but its own."""
    return build_definitions()
