"""The timetable: when each job is started, in the school's time zone.

Belongs here: hours and days, and asking a step what is due. Not here: working out what is due.

A night heals the nights before it: the range of the run is whatever is not done yet or reads otherwise now, so a
machine that was off for a week is caught up by its first night. 02:30 from Tuesday to Saturday never meets a clock
change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from attendance_pipeline.home import find_home
from attendance_pipeline.steps.plan import (
    class_lists_due,
    default_day,
    governor_reports_due,
    monitoring_due,
    night,
    pastoral_packs_due,
    prize_pots_due,
    raffles_due,
)
from attendance_pipeline.steps.site import Site, open_site
from schedules.jobs import (
    attendance_prize_pot,
    fortnightly_pastoral_packs,
    governor_report,
    nightly,
    punctuality_raffle,
    take_in_extracts,
    weekly_class_lists,
    weekly_monitoring,
)

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
# On as soon as the daemon runs: a night must not depend on somebody having found a switch.
RUNNING = dg.DefaultScheduleStatus.RUNNING
COMMAND = "attendance/command"  # the tag of a run that somebody started at the command line


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags of a run that works on all days from first to last."""
    return {RANGE_START: first, RANGE_END: last}


@dataclass(frozen=True)
class _OfSchoolWeeks:
    """Something that is made when so many school weeks have ended. `due` asks a home whether it is."""

    job: dg.UnresolvedAssetJobDefinition
    due: Callable[[Site], bool]
    said: str
    when: str
    not_yet: str


# By the calendar and not by the clock: a week that ends on a Thursday has its lists on Friday, and what a machine that
# was off has missed is made in its first night.
ROUNDS = (
    _OfSchoolWeeks(
        weekly_class_lists,
        class_lists_due,
        "Class lists of the week",
        "In the night after the last school day of a week: the class lists.",
        "No school week has ended since the last class lists.",
    ),
    _OfSchoolWeeks(
        weekly_monitoring,
        monitoring_due,
        "Monitoring of the week",
        "In the night after the last school day of a week: the monitoring.",
        "No school week has ended since the last monitoring.",
    ),
    _OfSchoolWeeks(
        fortnightly_pastoral_packs,
        pastoral_packs_due,
        "Pack of the pastoral meeting",
        "In the night after the last school day of every second school week: the pack of the pastoral meeting.",
        "No two school weeks have ended since the last pastoral pack.",
    ),
    _OfSchoolWeeks(
        punctuality_raffle,
        raffles_due,
        "Punctuality raffle of the week",
        "In the night after the last school day of a week: the punctuality raffle.",
        "No school week has ended without its raffle.",
    ),
    _OfSchoolWeeks(
        attendance_prize_pot,
        prize_pots_due,
        "Attendance prize pot",
        "In the night after the last school day of every sixth school week (or as the policy says): the prize pot.",
        "No round of school weeks has ended without its prize pot.",
    ),
)


def _when_due(what: _OfSchoolWeeks, time_zone: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        job=what.job,
        cron_schedule="30 4 * * 2-6",
        execution_timezone=time_zone,
        default_status=RUNNING,
        name=what.job.name,
        description=f"Every night after a weekday, at 04:30, asks what is due. {what.when}",
    )
    def of_school_weeks(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with open_site(find_home()) as site:
            if not what.due(site):
                return dg.SkipReason(what.not_yet)
        # The day is in the key: what failed is tried again the night after.
        return dg.RunRequest(run_key=f"{what.job.name} {context.scheduled_execution_time:%Y-%m-%d}")

    return of_school_weeks


def build_schedules(time_zone: str) -> list[dg.ScheduleDefinition]:
    """Every schedule of a home."""

    @dg.schedule(
        job=take_in_extracts,
        cron_schedule="30 2 * * 2-6",
        execution_timezone=time_zone,
        default_status=RUNNING,
        name="nightly_extracts",
        description="Every night after a weekday, at 02:30: takes in the extracts. When that has worked, the nightly "
        "job follows for all days that are due.",
    )
    def nightly_extracts(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"extracts {context.scheduled_execution_time:%Y-%m-%d}")

    @dg.schedule(
        job=governor_report,
        cron_schedule="30 5 * * 2-6",
        execution_timezone=time_zone,
        default_status=RUNNING,
        name="half_termly_governor_report",
        description="Every night after a weekday, at 05:30: the governor report of each half-term that has ended and "
        "has no report yet.",
    )
    def half_termly(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        with open_site(find_home()) as site:
            due = governor_reports_due(site)
        if not due:
            return dg.SkipReason("No half-term has ended that has no governor report.")
        # The day is in the key: a report that failed is tried again the night after.
        night = f"{context.scheduled_execution_time:%Y-%m-%d}"
        return [dg.RunRequest(run_key=f"governor report {key} {night}", partition_key=key) for key in due]

    return [nightly_extracts, *(_when_due(r, time_zone) for r in ROUNDS), half_termly]


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[take_in_extracts],
    request_job=nightly,
    name="nightly_follows_extracts",
    description="When the extracts have been taken in: one nightly run over all days that are due.",
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def nightly_follows_extracts(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    if COMMAND in context.dagster_run.tags:
        return dg.SkipReason("Somebody at the command line took the extracts in; the command goes on by itself.")
    with open_site(find_home()) as site:
        # Where no day reads otherwise, the newest again: an approval in the log changes letters and no day.
        days = night(site, default_day(site, dt.datetime.now(dt.UTC))).days
    if not days:
        return dg.SkipReason("There are no marks yet.")
    return dg.RunRequest(
        run_key=f"nightly after {context.dagster_run.run_id}",
        tags=range_tags(days[0].isoformat(), days[-1].isoformat()),
    )


SENSORS = (nightly_follows_extracts,)
