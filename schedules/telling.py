"""Who is told, and when: after each run that failed, after each good night, and every morning.

Belongs here: what starts a telling. Not here: what is told and how (`steps/telling.py`).

These are sensors that tell by themselves and start no run: on the morning on which no run can start (another hangs and
has the one place, the disk is full) the note is needed most.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import dagster as dg

from assets.discreet import discreet
from assets.troubles import EVERY_SCHOOL_WELL
from attendance_pipeline.home import SETTINGS_FILE, find_home
from attendance_pipeline.steps.telling import DAEMON, Failed, clock_of, job_done, morning, night_done, night_failed
from schedules.jobs import governor_report, letter_day_readiness, nightly
from schedules.timetable import COMMAND, ROUNDS, told

RUNNING = dg.DefaultSensorStatus.RUNNING
NIGHT, NIGHTS = dt.time(2, 30), (1, 2, 3, 4, 5)  # of the schedule `nightly_extracts`; Monday is 0
MORNING = dt.time(6, 30)
# Due each night until they have worked. What stands before a letter day is not: afterwards nobody makes it.
TRIED_AGAIN = frozenset({governor_report.name, *(r.job.name for r in ROUNDS)} - {letter_day_readiness.name})
STOPPED = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def next_night(now: dt.datetime) -> str:
    """When the next night is, in words, at a local time."""
    day = now.date() + dt.timedelta(days=now.time() >= NIGHT)
    while day.weekday() not in NIGHTS:
        day += dt.timedelta(days=1)
    return f"{day:%A} {day.day} {day:%B %Y} at {NIGHT:%H:%M}, by itself, if the service runs"


def failures_of(job: str, events: Iterable[dg.DagsterEvent], message: str = "") -> list[Failed]:
    """What failed in a run: its steps that failed, else the run itself with what Dagster says of it (that its process
    was killed). Nothing where somebody stopped it, and nothing of the last step, which repeats what single schools'
    troubles already say."""
    out = []
    steps = [event for event in events if event.is_step_failure]
    for event in steps:
        chain = _chain(event)
        if any(name in STOPPED for name, _ in chain) or (event.step_key or "").endswith(EVERY_SCHOOL_WELL):
            continue
        out.append(Failed(job, event.step_key or job, chain))
    if not steps:
        out.append(Failed(job, job, [("", message or "the run was killed")]))
    return out


def _chain(event: dg.DagsterEvent) -> Sequence[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    error = event.step_failure_data.error
    while error is not None and len(out) < 20:
        out.append((error.cls_name or "", error.message))
        error = error.cause or error.context
    return out


def _now() -> tuple[dt.datetime, str]:
    """The local time of the home, and when the next night is."""
    now = dt.datetime.now(clock_of(find_home())[0])
    return now, next_night(now)


def _log(context: dg.RunStatusSensorContext | dg.SensorEvaluationContext, problems: Sequence[str]) -> dg.SkipReason:
    for problem in problems:
        context.log.warning(problem)
    return dg.SkipReason(f"Told. Not all of it: {'; '.join(problems)}" if problems else "Told.")


@dg.run_failure_sensor(
    name="failure_is_told",
    default_status=RUNNING,
    minimum_interval_seconds=30,
    description="When a run has failed or was killed: the note on the drive says what failed and what to do, and mail "
    "and webhook are told, where the settings have them. Once for the same matter.",
    metadata=told("Data manager (the note), and whom mail and webhook reach.", "The morning's note says it."),
)
@discreet
def failure_is_told(context: dg.RunFailureSensorContext) -> dg.SkipReason:
    run = context.dagster_run
    events = context.get_step_failure_events()
    if COMMAND in run.tags and events:
        return dg.SkipReason("Whoever started it at the command line was told there.")
    now, next_attempt = _now()
    failures = failures_of(run.job_name, events, context.failure_event.message or "")
    if not failures and run.job_name == nightly.name:  # single schools failed, and the others' night is done
        return _log(context, night_done(find_home(), now, DAEMON, next_attempt, TRIED_AGAIN))
    return _log(context, night_failed(find_home(), failures, now, next_attempt))


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    name="good_night_is_told",
    default_status=RUNNING,
    minimum_interval_seconds=30,
    description="When a nightly run has worked: remembers the good night, renews the note on the drive and calls the "
    "ping. After any other run: what had failed in it is over.",
    metadata=told(
        "Data manager (the note), and who watches the ping.", "The ping stays away, and who watches it is told."
    ),
)
@discreet
def good_night_is_told(context: dg.RunStatusSensorContext) -> dg.SkipReason:
    run = context.dagster_run
    if COMMAND in run.tags:
        return dg.SkipReason("The command tells it at its end.")
    now, next_attempt = _now()
    if run.job_name == nightly.name:
        return _log(context, night_done(find_home(), now, DAEMON, next_attempt, TRIED_AGAIN))
    return _log(context, job_done(find_home(), run.job_name, now))


@dg.sensor(
    name="morning_note",
    default_status=RUNNING,
    minimum_interval_seconds=60,
    description="Every morning at 06:30, and again at the hour by which the night has to be done (08:00): renews "
    "the note on the drive, tells when an extract is late or no night was finished, and tries again what could not be "
    "told.",
    metadata=told(
        "Data manager, each morning.", "The date in the note is an old one; the note itself says what that means."
    ),
)
@discreet
def morning_note(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    path = find_home()
    if not (path / SETTINGS_FILE).exists():
        return dg.SkipReason("There is no home yet.")
    now, next_attempt = _now()
    hour = clock_of(path)[1]
    passed = [f"{now:%Y-%m-%d} {at:%H:%M}" for at in (MORNING, dt.time(hour)) if now.time() >= at]
    if not passed or (context.cursor or "") >= passed[-1]:
        return dg.SkipReason(f"The next notes are written at {MORNING:%H:%M} and {hour:02d}:00.")
    context.update_cursor(passed[-1])
    return _log(context, morning(path, now, next_attempt))


SENSORS = (failure_is_told, good_night_is_told, morning_note)
