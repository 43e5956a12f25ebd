"""The sensors that tell, with real runs of a real instance: a run that fails, one that was killed, a good night."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from demo_homes import demo_home

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import HOME_VARIABLE, open_home
from attendance_pipeline.reports.morning_note import TEXT
from attendance_pipeline.running import QUIET, daemon_heard, prepare_instance
from attendance_pipeline.steps import intake
from attendance_pipeline.steps.told import read
from schedules import telling
from schedules.telling import NIGHT, NIGHTS, failure_is_told, good_night_is_told, morning_note, next_night
from schedules.timetable import COMMAND

LAST_NIGHT, UNTIL = dt.date(2025, 10, 3), dt.date(2025, 9, 5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the extracts of four days, of which nothing was taken in."""
    return demo_home(tmp_path_factory.mktemp("sensors") / "home", LAST_NIGHT, pupils=30, schools=1, until=UNTIL)


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = shutil.copytree(made, tmp_path / "home")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return home


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(prepare_instance(open_home(home)))) as instance:
        yield instance


def note(home: Path) -> str:
    text = (home / "outbox/oakfield/data-manager/this-morning" / TEXT).read_bytes().decode("utf-8-sig")
    return " ".join(text.split())


def ran(instance: dg.DagsterInstance, tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
    job = build_definitions().resolve_job_def("take_in_extracts")
    return job.execute_in_process(instance=instance, run_config=QUIET, tags=tags, raise_on_error=False)


def failure(instance: dg.DagsterInstance, run_id: str) -> dg.RunFailureSensorContext:
    """What the sensor gets to see of a run that failed."""
    (record,) = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return dg.build_run_status_sensor_context(
        sensor_name="failure_is_told",
        dagster_instance=instance,
        dagster_run=run,
        dagster_event=record.event_log_entry.dagster_event,  # type: ignore[arg-type]
    ).for_run_failure()


def said(answer: object) -> str:
    assert isinstance(answer, dg.SkipReason)
    return answer.skip_message or ""


# ---------------------------------------------------------------- runs


def test_a_run_that_fails_is_told_with_the_step_and_without_the_words_of_its_error(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise ValueError("Emma Smith A123456789012")

    monkeypatch.setattr(intake, "load", broken)
    run = ran(instance)
    assert not run.success
    assert said(failure_is_told(failure(instance, run.run_id))) == "Told."
    assert note(home).startswith("THE NIGHT FAILED: SOMETHING UNEXPECTED HAPPENED")
    assert "While taking in the extracts: something unexpected happened" in note(home)
    assert "by itself, if the service runs" in note(home)
    assert "Emma" not in note(home)
    assert "Emma" not in (home / "state/telling.json").read_text(encoding="utf-8")


def test_a_run_whose_process_is_gone_is_told_as_that(home: Path, instance: dg.DagsterInstance) -> None:
    job = build_definitions().resolve_job_def("nightly")
    run = instance.create_run_for_job(job)
    instance.report_run_failed(run)  # as Dagster's server does when a process that it started is gone
    assert said(failure_is_told(failure(instance, run.run_id))) == "Told."
    assert note(home).startswith("THE NIGHT FAILED: THE NIGHT WAS ENDED FROM OUTSIDE")
    assert "Nothing, if the machine was restarted" in note(home)
    assert "In the program's own words" not in note(home)


@pytest.mark.parametrize("killed", [False, True])
def test_a_command_tells_its_own_failures_unless_it_was_killed(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    if killed:
        job = build_definitions().resolve_job_def("nightly")
        run_id = instance.create_run_for_job(job, tags={COMMAND: "nightly"}).run_id
        run = instance.get_run_by_id(run_id)
        assert run is not None
        instance.report_run_failed(run, "Exceeded maximum runtime of 14400 seconds.")
    else:
        monkeypatch.setattr(intake, "load", lambda *args: int("x"))
        run_id = ran(instance, {COMMAND: "nightly"}).run_id
    answer = said(failure_is_told(failure(instance, run_id)))
    assert answer == ("Told." if killed else "Whoever started it at the command line was told there.")
    assert (home / "outbox/oakfield/data-manager").exists() == killed


def succeeded(instance: dg.DagsterInstance, job: str, tags: dict[str, str]) -> dg.RunStatusSensorContext:
    """What the sensor gets to see of a run of a job that has worked."""
    definition = build_definitions().resolve_job_def(job)
    run = instance.create_run_for_job(definition, tags=tags)
    instance.report_dagster_event(
        dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_SUCCESS.value, job_name=job), run.run_id
    )
    (record,) = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_SUCCESS).records
    return dg.build_run_status_sensor_context(
        sensor_name="good_night_is_told",
        dagster_instance=instance,
        dagster_run=run,
        dagster_event=record.event_log_entry.dagster_event,  # type: ignore[arg-type]
    )


def test_a_nightly_run_that_works_is_a_good_night_and_no_other_run_is(home: Path, instance: dg.DagsterInstance) -> None:
    for job, tags in (("take_in_extracts", {}), ("nightly", {COMMAND: "nightly"}), ("backfill", {})):
        good_night_is_told(succeeded(instance, job, tags))
        assert read(home / "state").good is None, job
    assert said(good_night_is_told(succeeded(instance, "nightly", {}))) == "Told."
    memory = read(home / "state")
    assert memory.by == "daemon"
    assert dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(str(memory.good)) < dt.timedelta(minutes=1)


def test_what_failed_by_itself_is_over_when_it_has_worked_and_not_when_a_night_has(
    home: Path, instance: dg.DagsterInstance
) -> None:
    for job in ("governor_report", "backfill"):
        run = instance.create_run_for_job(build_definitions().resolve_job_def(job))
        instance.report_run_failed(run)
        failure_is_told(failure(instance, run.run_id))
    for job, failing in (
        ("weekly_monitoring", {"governor_report", "backfill"}),
        ("nightly", {"governor_report"}),  # what a person began is not tried again by itself
        ("governor_report", set()),
    ):
        good_night_is_told(succeeded(instance, job, {}))
        assert {f.job for f in read(home / "state").failing.values()} == failing, job


# ---------------------------------------------------------------- every morning


class Clock(dt.datetime):
    """A clock that stands where a test puts it."""

    moment = dt.datetime(2025, 9, 8, 6, 29, tzinfo=ZoneInfo("Europe/London"))

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
        return cls.moment.astimezone(tz)


def test_every_morning_has_two_notes_and_a_service_that_starts_late_makes_up_for_one(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling.dt, "datetime", Clock)
    cursor, told = "", []
    for moment in (
        "08T06:29",
        "08T06:30",
        "08T06:31",
        "08T07:59",
        "08T08:00",
        "08T23:59",
        "09T06:00",
        "09T09:15",
        "09T09:16",
    ):
        Clock.moment = dt.datetime.fromisoformat(f"2025-09-{moment}").replace(tzinfo=ZoneInfo("Europe/London"))
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        if said(morning_note(context)) == "Told.":
            told.append(moment)
        cursor = context.cursor or ""
    assert told == ["08T06:30", "08T08:00", "09T09:15"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-23T06:30", "Tuesday 24 November 2026 at 02:30"),
        ("2026-11-24T02:29", "Tuesday 24 November 2026 at 02:30"),
        ("2026-11-24T02:30", "Wednesday 25 November 2026 at 02:30"),
        ("2026-11-28T02:40", "Tuesday 1 December 2026 at 02:30"),
        ("2026-11-29T12:00", "Tuesday 1 December 2026 at 02:30"),
    ],
)
def test_the_next_night_is_said_in_words(now: str, expected: str) -> None:
    assert next_night(dt.datetime.fromisoformat(now)) == f"{expected}, by itself, if the service runs"


def test_the_next_night_is_that_of_the_timetable() -> None:
    schedule = build_definitions().get_repository_def().get_schedule_def("nightly_extracts")
    assert schedule.cron_schedule == f"{NIGHT.minute} {NIGHT.hour} * * {NIGHTS[0] + 1}-{NIGHTS[-1] + 1}"


def test_when_the_daemon_was_heard_is_known_from_its_own_record(home: Path, instance: dg.DagsterInstance) -> None:
    assert daemon_heard(open_home(home)) is None
    from dagster._daemon.types import DaemonHeartbeat

    beat = dt.datetime(2025, 9, 8, 6, 30, tzinfo=dt.UTC)
    instance.add_daemon_heartbeat(DaemonHeartbeat(beat.timestamp(), "SENSOR", "x", []))
    assert daemon_heard(open_home(home)) == beat
