"""When runs start, for what, and what a night finds due: evaluated on a real home and a real Dagster instance."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from demo_homes import LAST_NIGHT, demo_home

from assets.partitions import half_terms, school_days
from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.home import HOME_VARIABLE, init_home, open_home
from attendance_pipeline.law.school_calendar import SchoolCalendar, read_calendar
from attendance_pipeline.running import QUIET, prepare_instance
from attendance_pipeline.steps import deliver
from attendance_pipeline.steps.classes import class_lists
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.plan import (
    class_lists_due,
    default_day,
    governor_reports_due,
    newest_day,
    school_day,
)
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import Site, open_site
from schedules.timetable import COMMAND, RANGE_END, RANGE_START, ROUNDS, nightly_follows_extracts, range_tags

AUTUMN_ENDS = dt.date(2025, 12, 19)
TWO_WEEKS = dt.date(2025, 9, 12)
AUTUMN = ["2025-26-autumn-1", "2025-26-autumn-2"]


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.fixture(scope="module")
def autumn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the extracts of a whole autumn term loaded, and nothing derived."""
    folder = demo_home(tmp_path_factory.mktemp("autumn") / "home", AUTUMN_ENDS, pupils=30, schools=1)
    with open_site(folder) as site:
        take_in(site, settle_seconds=0)
    return folder


@pytest.fixture
def home(autumn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in the variable that Dagster's processes read."""
    copy = shutil.copytree(autumn, tmp_path / "home")
    monkeypatch.setenv(HOME_VARIABLE, str(copy))
    return copy


@pytest.fixture
def site(home: Path) -> Iterator[Site]:
    with open_site(home) as site:
        yield site


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The home's own Dagster instance."""
    with dg.DagsterInstance.from_config(str(prepare_instance(open_home(home)))) as instance:
        yield instance


def derive(site: Site, upto: str) -> None:
    restate(site, due_days(site, day(upto)), TABLES)


# ---------------------------------------------------------------- what is due


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2025-09-10T12:00+00:00", "2025-09-09"),  # school is on: today is no day yet
        ("2025-09-10T14:30+00:00", "2025-09-10"),  # half past three in England, in summer time
        ("2025-09-10T22:30+00:00", "2025-09-10"),
        ("2025-09-10T23:30+00:00", "2025-09-10"),  # past midnight in England
        ("2025-11-10T14:30+00:00", "2025-11-07"),
        ("2025-11-10T15:30+00:00", "2025-11-10"),
        ("2025-09-13T12:00+00:00", "2025-09-12"),  # a Saturday
        ("2025-10-24T12:00+00:00", "2025-10-23"),  # an INSET day
        ("2025-10-29T12:00+00:00", "2025-10-23"),  # half-term
        ("2026-03-02T12:00+00:00", "2025-12-19"),  # no marks since
        ("2025-08-31T12:00+00:00", None),  # before the first school day
    ],
)
def test_a_night_is_for_the_latest_school_day_with_marks(site: Site, now: str, expected: str | None) -> None:
    assert default_day(site, dt.datetime.fromisoformat(now)) == (expected and day(expected))


def test_without_marks_no_day_is_due(tmp_path: Path) -> None:
    with open_site(init_home(tmp_path / "new")) as site:
        assert default_day(site, dt.datetime(2025, 10, 1, tzinfo=dt.UTC)) is None
        assert newest_day(site) is None
        assert due_days(site, day("2025-10-01")) == []
        assert not class_lists_due(site)
        assert governor_reports_due(site) == []


def test_a_day_without_sessions_means_the_school_day_before_it(site: Site) -> None:
    assert school_day(site, day("2025-10-29")) == day("2025-10-23")
    assert school_day(site, day("2025-10-22")) == day("2025-10-22")
    assert school_day(site, day("2025-08-31")) is None


def test_class_lists_are_due_when_a_school_week_has_ended_and_until_they_are_delivered(site: Site) -> None:
    derive(site, "2025-09-04")
    assert not class_lists_due(site), "the first week is not over"
    derive(site, "2025-09-05")
    assert class_lists_due(site)
    class_lists(site, "a run")
    assert not class_lists_due(site)
    derive(site, "2025-10-22")
    assert class_lists_due(site), "weeks in which the machine was off are made up for"
    class_lists(site, "a run")
    assert not class_lists_due(site)
    derive(site, "2025-10-23")
    assert class_lists_due(site), "this week ended on Thursday: the Friday was an INSET day"


def test_a_governor_report_is_due_from_the_last_day_of_its_half_term_until_it_is_delivered(site: Site) -> None:
    derive(site, "2025-10-22")
    assert governor_reports_due(site) == []
    derive(site, "2025-10-23")
    assert governor_reports_due(site) == AUTUMN[:1]
    derive(site, "2025-12-19")
    assert governor_reports_due(site) == AUTUMN
    deliver.governors(site, AUTUMN[0], "a run")
    assert governor_reports_due(site) == AUTUMN[1:]
    deliver.governors(site, AUTUMN[1], "a run")
    assert governor_reports_due(site) == []


def test_days_that_were_derived_before_their_marks_came_make_nothing_due(site: Site) -> None:
    derive(site, "2025-12-19")
    class_lists(site, "a run")
    derive(site, "2026-02-13")
    assert newest_day(site) == day("2026-02-13")
    assert not class_lists_due(site)
    assert governor_reports_due(site) == AUTUMN, "the half-term that ended on 13 February has no marks"


# ---------------------------------------------------------------- the axes of time


@pytest.fixture(scope="module")
def calendar() -> SchoolCalendar:
    """The example calendar, of two academic years."""
    with as_file(files("attendance_pipeline") / "home_template" / "calendars" / "example.toml") as file:
        return read_calendar(file)


def changed(calendar: SchoolCalendar, folder: Path, old: str, new: str) -> SchoolCalendar:
    assert calendar.path is not None
    text = calendar.path.read_text(encoding="utf-8")
    assert old in text
    file = folder / "calendar.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return read_calendar(file)


def keys(*calendars: SchoolCalendar, now: str = "2027-12-31") -> list[str]:
    partitions = school_days(calendars, "Europe/London")
    return partitions.get_partition_keys(current_time=dt.datetime.fromisoformat(f"{now}T12:00+00:00"))


def test_the_days_of_dagster_are_the_school_days_and_no_others(calendar: SchoolCalendar) -> None:
    found = keys(calendar)
    assert found == [d.isoformat() for d in calendar.days.tolist()]
    assert found[:3] == ["2025-09-02", "2025-09-03", "2025-09-04"], "1 September is an INSET day"
    for shut in ("2025-09-06", "2025-10-24", "2025-10-29", "2025-12-25", "2026-05-04"):
        assert shut not in found


def test_days_to_come_are_not_shown_yet(calendar: SchoolCalendar) -> None:
    assert keys(calendar, now="2025-09-16")[-1] == "2025-09-15"


def test_a_day_counts_when_one_school_of_the_trust_has_sessions(calendar: SchoolCalendar, tmp_path: Path) -> None:
    elsewhere = changed(calendar, tmp_path, "inset = [2025-09-01, 2025-10-24,", "inset = [2025-09-02, 2025-10-24,")
    assert set(keys(calendar, elsewhere)) == {*keys(calendar), "2025-09-01"}


def test_half_terms_come_in_the_order_of_their_first_day(calendar: SchoolCalendar, tmp_path: Path) -> None:
    expected = [f"{y}-{s}-{n}" for y in ("2025-26", "2026-27") for s in ("autumn", "spring", "summer") for n in (1, 2)]
    assert half_terms([calendar]).get_partition_keys() == expected
    assert calendar.path is not None
    first, second = calendar.path.read_text(encoding="utf-8").split("[[years]]\n")[1:]
    parts = []
    for name, text in (("later", second), ("earlier", first)):
        (tmp_path / f"{name}.toml").write_text(f"[[years]]\n{text}", encoding="utf-8")
        parts.append(read_calendar(tmp_path / f"{name}.toml"))
    assert half_terms(parts).get_partition_keys() == expected


# ---------------------------------------------------------------- schedules


def tick(name: str, at: str, instance: dg.DagsterInstance) -> Any:
    """What a schedule asks for at a time, as the daemon would evaluate it."""
    repository = build_definitions().get_repository_def()
    context = dg.build_schedule_context(
        instance=instance, scheduled_execution_time=dt.datetime.fromisoformat(at), repository_def=repository
    )
    return repository.get_schedule_def(name).evaluate_tick(context)


def test_schedules_keep_the_hours_of_the_homes_own_time_zone(tmp_path: Path) -> None:
    home = init_home(tmp_path / "home")
    file = home / "attendance.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("Europe/London", "Atlantic/Azores"), encoding="utf-8")
    found = {s.name: s for s in build_definitions(home).get_repository_def().schedule_defs}
    assert {name: s.cron_schedule for name, s in found.items()} == {
        "nightly_extracts": "30 2 * * 2-6",
        "weekly_class_lists": "30 4 * * 2-6",
        "weekly_monitoring": "30 4 * * 2-6",
        "fortnightly_pastoral_packs": "30 4 * * 2-6",
        "punctuality_raffle": "30 4 * * 2-6",
        "attendance_prize_pot": "30 4 * * 2-6",
        "half_termly_governor_report": "30 5 * * 2-6",
        "letter_day_readiness": "30 4 * * 2-6",
        "school_year": "30 4 * * 2-6",
    }
    assert {s.execution_timezone for s in found.values()} == {"Atlantic/Azores"}


def test_each_night_asks_for_one_run_of_its_own(instance: dg.DagsterInstance) -> None:
    nights = ["2025-10-04T02:30+01:00", "2025-10-04T02:30+01:00", "2025-10-11T02:30+01:00"]
    found = [tick("nightly_extracts", night, instance).run_requests for night in nights]
    assert [len(requests) for requests in found] == [1, 1, 1]
    once, again, later = (requests[0].run_key for requests in found)
    assert once == again != later, "a night that is evaluated twice is run once"
    assert build_definitions().get_repository_def().get_schedule_def("nightly_extracts").job_name == "take_in_extracts"


OF_SCHOOL_WEEKS = {what.job.name: what for what in ROUNDS}


@pytest.mark.parametrize(
    ("name", "not_yet", "due"),
    [
        # 2 to 5 September are the first school week. The week that ended on Thursday 23 October is the eighth: the
        # Friday was an INSET day.
        ("weekly_class_lists", "2025-09-04", "2025-09-05"),
        ("weekly_class_lists", "2025-09-04", "2025-10-23"),
        ("weekly_monitoring", "2025-09-04", "2025-09-05"),
        ("punctuality_raffle", "2025-09-04", "2025-09-05"),
        ("fortnightly_pastoral_packs", "2025-09-11", "2025-09-12"),
        ("fortnightly_pastoral_packs", "2025-09-05", "2025-10-23"),
        ("attendance_prize_pot", "2025-10-09", "2025-10-10"),
    ],
)
def test_what_comes_every_so_many_school_weeks_is_asked_for_in_the_night_after_the_last_day_until_it_is_there(
    site: Site, instance: dg.DagsterInstance, name: str, not_yet: str, due: str
) -> None:
    nights = ["2025-10-25T04:30+01:00", "2025-10-28T04:30+00:00"]
    derive(site, not_yet)
    nothing = tick(name, nights[0], instance)
    assert (nothing.run_requests, nothing.skip_message) == ([], OF_SCHOOL_WEEKS[name].not_yet)
    derive(site, due)
    first, again = (tick(name, night, instance).run_requests for night in nights)
    assert [len(requests) for requests in (first, again)] == [1, 1]
    assert first[0].run_key != again[0].run_key, "what failed is tried again the night after"
    job = build_definitions().resolve_job_def(OF_SCHOOL_WEEKS[name].job.name)
    assert job.execute_in_process(instance=instance, run_config=QUIET).success
    nothing = tick(name, nights[1], instance)
    assert (nothing.run_requests, nothing.skip_message) == ([], OF_SCHOOL_WEEKS[name].not_yet)


@pytest.mark.parametrize(
    ("name", "not_yet", "due", "again", "what"),
    [
        # Letters go every school day here: the last of the week, Friday the 17th, stands for the week.
        ("letter_day_readiness", "2025-10-14", "2025-10-15", "2025-10-16", "readiness"),
        ("school_year", "2026-05-21", "2026-05-22", "2026-05-23", "school-year"),  # eight weeks before the last day
    ],
)
def test_what_goes_by_the_date_is_asked_for_with_that_date_until_it_is_there(
    site: Site, instance: dg.DagsterInstance, name: str, not_yet: str, due: str, again: str, what: str
) -> None:
    (calendar,) = (site.home.path / "calendars").glob("*.toml")
    calendar.write_text("[[years]]".join(calendar.read_text("utf-8").split("[[years]]")[:2]), "utf-8")  # of one year
    assert tick(name, f"{not_yet}T04:30+01:00", instance).run_requests == []
    (request,) = tick(name, f"{due}T04:30+01:00", instance).run_requests
    # At half past four in England it is half past three in UTC: the date is England's.
    (in_utc,) = tick(name, f"{due}T03:30+00:00", instance).run_requests
    assert (request.run_key, request.run_config) == (in_utc.run_key, in_utc.run_config)
    job = build_definitions().resolve_job_def(OF_SCHOOL_WEEKS[name].job.name)
    assert job.execute_in_process(instance=instance, run_config={**QUIET, **request.run_config}).success
    assert {f.name for f in site.home.drive.glob("oakfield/data-manager/*/*/*")} == {what}
    assert tick(name, f"{again}T04:30+01:00", instance).run_requests == []


def test_the_governor_report_of_each_half_term_that_is_due_is_asked_for_once_a_night(
    site: Site, instance: dg.DagsterInstance
) -> None:
    night, next_night = "2025-12-20T05:30+00:00", "2025-12-23T05:30+00:00"
    nothing = tick("half_termly_governor_report", night, instance)
    assert nothing.run_requests == []
    assert nothing.skip_message == "No half-term has ended that has no governor report."
    derive(site, "2025-12-19")
    found = tick("half_termly_governor_report", night, instance).run_requests
    assert [request.partition_key for request in found] == AUTUMN
    assert len({request.run_key for request in found}) == 2
    again = tick("half_termly_governor_report", next_night, instance).run_requests
    assert {r.run_key for r in again}.isdisjoint({r.run_key for r in found}), "a report that failed is tried again"


# ---------------------------------------------------------------- the night follows the extracts


def succeeded(job: str, instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.RunStatusSensorContext:
    """What the sensor gets to see of a run of a job, that is really run."""
    definition = build_definitions().resolve_job_def(job)
    result = definition.execute_in_process(instance=instance, tags=tags, run_config=QUIET)
    return dg.build_run_status_sensor_context(
        sensor_name=nightly_follows_extracts.name,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_success_event(),
    )


@pytest.fixture
def two_weeks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose inbox holds the extracts of two weeks."""
    folder = demo_home(tmp_path / "two-weeks", LAST_NIGHT, pupils=30, schools=1, until=TWO_WEEKS)
    monkeypatch.setenv(HOME_VARIABLE, str(folder))
    return folder


def test_when_extracts_were_taken_in_one_run_over_the_days_that_are_due_follows(two_weeks: Path) -> None:
    with dg.DagsterInstance.from_config(str(prepare_instance(open_home(two_weeks)))) as instance:
        context = succeeded("take_in_extracts", instance, {})
        request = nightly_follows_extracts(context)
        assert isinstance(request, dg.RunRequest)
        assert request.tags == range_tags("2025-09-02", "2025-09-12")
        assert request.run_key == f"nightly after {context.dagster_run.run_id}"

        nightly = build_definitions().resolve_job_def("nightly")
        assert nightly.execute_in_process(instance=instance, tags=request.tags, run_config=QUIET).success
        again = nightly_follows_extracts(context)
        assert isinstance(again, dg.RunRequest)
        assert again.tags == {RANGE_START: "2025-09-12", RANGE_END: "2025-09-12"}, "the newest day, for its letters"


def test_without_marks_and_after_a_command_nothing_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = init_home(tmp_path / "new")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    with dg.DagsterInstance.from_config(str(prepare_instance(open_home(home)))) as instance:
        by_itself, by_command = ({}, {COMMAND: "nightly"})
        skipped = [
            nightly_follows_extracts(succeeded("take_in_extracts", instance, t)) for t in (by_itself, by_command)
        ]
    assert [isinstance(s, dg.SkipReason) and s.skip_message for s in skipped] == [
        "There are no marks yet.",
        "Somebody at the command line took the extracts in; the command goes on by itself.",
    ]
