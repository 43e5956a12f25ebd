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
from typing import Any

import dagster as dg

from assets.discreet import discreet
from attendance_pipeline.home import find_home
from attendance_pipeline.steps.before_letters import readiness_due
from attendance_pipeline.steps.plan import (
    class_lists_due,
    date_at,
    default_day,
    governor_reports_due,
    monitoring_due,
    night,
    pastoral_packs_due,
    prize_pots_due,
    raffles_due,
)
from attendance_pipeline.steps.school_year import school_year_due
from attendance_pipeline.steps.site import Site, open_site
from schedules.jobs import (
    attendance_prize_pot,
    fortnightly_pastoral_packs,
    governor_report,
    letter_day_readiness,
    nightly,
    punctuality_raffle,
    school_year,
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


# Under these names a schedule or sensor says who reads what it makes, and what becomes of a time that was missed:
# docs/schedules.md is written from them.
READ_BY, IF_MISSED = "read by", "if it was missed"
_MADE_UP = "The first night after makes up for it, once."


def told(read_by: str, if_missed: str) -> dict[str, dg.MetadataValue]:
    """What a schedule or sensor says of itself besides its description."""
    return {READ_BY: dg.MetadataValue.text(read_by), IF_MISSED: dg.MetadataValue.text(if_missed)}


@dataclass(frozen=True)
class _WhenDue:
    """Something that is made when it is due. `due` asks a home whether it is, on a date. `on_a_date`: the asset that is
    told the date, where it goes by the date and not by the newest derived day."""

    job: dg.UnresolvedAssetJobDefinition
    due: Callable[[Site, dt.date], object]
    said: str
    when: str
    not_yet: str
    read_by: str
    if_missed: str = _MADE_UP
    on_a_date: str = ""

    def config(self, today: dt.date) -> dict[str, Any]:
        """What its run is told."""
        return {"ops": {self.on_a_date: {"config": {"today": today.isoformat()}}}} if self.on_a_date else {}


# By the calendar and not by the clock: a week that ends on a Thursday has its lists on Friday, and what a machine that
# was off has missed is made in its first night.
ROUNDS = (
    _WhenDue(
        weekly_class_lists,
        lambda site, today: class_lists_due(site),
        "Class lists of the week",
        "In the night after the last school day of a week: the class lists.",
        "No school week has ended since the last class lists.",
        "Each class teacher; the attendance lead has all classes.",
        "The first night after makes the list of the newest week that has ended; older weeks have none.",
    ),
    _WhenDue(
        weekly_monitoring,
        lambda site, today: monitoring_due(site),
        "Monitoring of the week",
        "In the night after the last school day of a week: the monitoring.",
        "No school week has ended since the last monitoring.",
        "Attendance lead; the leadership without names.",
        "The first night after makes that of the newest week that has ended; older weeks have none.",
    ),
    _WhenDue(
        fortnightly_pastoral_packs,
        lambda site, today: pastoral_packs_due(site),
        "Pack of the pastoral meeting",
        "In the night after the last school day of every second school week: the pack of the pastoral meeting.",
        "No two school weeks have ended since the last pastoral pack.",
        "Attendance lead and SENCO, at the pastoral meeting.",
        "The first night after makes the newest pack; meetings that are over have none.",
    ),
    _WhenDue(
        punctuality_raffle,
        lambda site, today: raffles_due(site),
        "Punctuality raffle of the week",
        "In the night after the last school day of a week: the punctuality raffle.",
        "No school week has ended without its raffle.",
        "Attendance lead, who hands out the prizes.",
        "The first night after draws each week that was missed, once.",
    ),
    _WhenDue(
        attendance_prize_pot,
        lambda site, today: prize_pots_due(site),
        "Attendance prize pot",
        "In the night after the last school day of every sixth school week (or as the policy says): the prize pot.",
        "No round of school weeks has ended without its prize pot.",
        "Attendance lead, who hands out the prizes.",
        "The first night after draws each round that was missed, once.",
    ),
    _WhenDue(
        letter_day_readiness,
        readiness_due,
        "Before the letter day",
        "Two school days before a school's letter day: what still stands in the way of it.",
        "No letter day is near that has no list yet.",
        "Data manager and attendance lead, who put it right before the letters.",
        "The first night before the letter day is over makes it; after the letter day there is none.",
        "letter_readiness",
    ),
    _WhenDue(
        school_year,
        school_year_due,
        "Next school year",
        "Eight weeks before the last school day of a school's calendar, in its last week, and when a year begins: what "
        "has to be entered.",
        "No school year ends or begins that was not told of.",
        "Data manager and attendance lead.",
        "The first night after tells what is then to do.",
        "school_year_notes",
    ),
)


def _when_due(what: _WhenDue, time_zone: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        job=what.job,
        cron_schedule="30 4 * * 2-6",
        execution_timezone=time_zone,
        default_status=RUNNING,
        name=what.job.name,
        description=f"Every night after a weekday, at 04:30, asks what is due. {what.when}",
        metadata=told(what.read_by, what.if_missed),
    )
    @discreet
    def when_due(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        with open_site(find_home()) as site:
            today = date_at(site, context.scheduled_execution_time)
            if not what.due(site, today):
                return dg.SkipReason(what.not_yet)
        # The day is in the key: what failed is tried again the night after.
        return dg.RunRequest(run_key=f"{what.job.name} {today:%Y-%m-%d}", run_config=what.config(today))

    return when_due


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
        metadata=told("Nobody: what it takes in is what all else is made from.", _MADE_UP),
    )
    @discreet
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
        metadata=told(
            "Governors and the headteacher; of a trust also the trust's governors.",
            "The first night after makes the report of each half-term that was missed, once.",
        ),
    )
    @discreet
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
    metadata=told(
        "Office (letters, worklist), attendance lead (board, worklist), class teachers, SENCO, headteacher, SLT, data "
        "manager (data quality).",
        "The first night after does all days that are not done; letters and lists are of the newest day, and a letter "
        "day that was missed has its batch then.",
    ),
)
@discreet
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
