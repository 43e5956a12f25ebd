"""The timetable: when each job is started, in the school's time zone.

Belongs here: hours and days, and asking a step what is due. Not here: working out what is due.

A night heals the nights before it: the range of the run is whatever is not done yet or reads otherwise now, so a
machine that was off for a week is caught up by its first night. 02:30 from Tuesday to Saturday never meets a clock
change.
"""

from __future__ import annotations

import datetime as dt

import dagster as dg

from attendance_pipeline.home import find_home
from attendance_pipeline.steps.plan import default_day, governor_reports_due, night
from attendance_pipeline.steps.site import open_site
from schedules.jobs import governor_report, nightly, take_in_extracts, weekly_class_lists

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
# On as soon as the daemon runs: a night must not depend on somebody having found a switch.
RUNNING = dg.DefaultScheduleStatus.RUNNING
COMMAND = "attendance/command"  # the tag of a run that somebody started at the command line


def range_tags(first: str, last: str) -> dict[str, str]:
    """The tags of a run that works on all days from first to last."""
    return {RANGE_START: first, RANGE_END: last}


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
        job=weekly_class_lists,
        cron_schedule="30 4 * * 6",
        execution_timezone=time_zone,
        default_status=RUNNING,
        name="weekly_class_lists",
        description="Every Saturday at 04:30: the class lists of the week.",
    )
    def class_lists_of_the_week(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(run_key=f"class lists {context.scheduled_execution_time:%Y-%m-%d}")

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

    return [nightly_extracts, class_lists_of_the_week, half_termly]


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
