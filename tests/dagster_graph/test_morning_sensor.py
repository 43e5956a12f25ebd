"""The morning's sensor: when it asks for the phone list, that it asks once, and the real daemon making it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from demo_homes import REGISTER_HEADER, demo_home, environment

from attendance_pipeline.home import HOME_VARIABLE, School, open_home
from attendance_pipeline.law.school_calendar import bank_holidays
from attendance_pipeline.running import prepare_instance
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.morning_files import morning_listing
from attendance_pipeline.steps.site import open_site
from schedules.morning import Seen, at, look
from schedules.timetable import COMMAND

LONDON = ZoneInfo("Europe/London")
FRIDAY = dt.date(2025, 10, 3)
UNTIL = dt.time(10)


def moment(text: str, day: dt.date = FRIDAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(text), LONDON)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with everything up to the day before, and an empty inbox."""
    home = demo_home(tmp_path_factory.mktemp("sensor") / "home", FRIDAY, pupils=30, schools=2)
    rows = home / "rows"
    rows.mkdir()
    for school in ("oakfield", "elmbrook"):
        for file in (home / "inbox" / school).glob(f"*_{FRIDAY}*"):
            shutil.move(file, rows / f"{school} {file.name}")
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
    return home


@pytest.fixture
def home(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = shutil.copytree(loaded, tmp_path / "home")
    monkeypatch.setenv(HOME_VARIABLE, str(copy))
    return copy


@pytest.fixture
def school(home: Path) -> School:
    return open_home(home).school("oakfield")


def drop(home: Path, name: str, when: dt.datetime, text: str = "x", school: str = "oakfield") -> Path:
    file = home / "inbox" / school / name
    file.write_text(text, encoding="utf-8")
    os.utime(file, (when.timestamp(), when.timestamp()))
    return file


@pytest.mark.parametrize(
    ("files", "now", "asks"),
    [
        ({"register_2025-10-03.csv": "09:10"}, "09:12", True),
        ({"register_2025-10-03_morning.csv": "09:59"}, "10:01", True),  # dropped in time, seen to lie still after
        ({"register_2025-10-03.csv": "10:01"}, "10:03", False),  # after ten
        ({"register_2025-10-03.csv": "09:30"}, "10:15", False),  # the morning is over
        ({"register_2025-10-03.csv": "09:30"}, "18:00", False),
        ({"register_2025-10-03.csv": "09:10"}, "09:10", False),  # it may still be growing
        ({"register_2025-10-02.csv": "09:10"}, "09:12", False),  # of the day before
        ({"notifications_2025-10-03.csv": "09:10"}, "09:12", False),  # forms alone say nothing of who is absent
        ({"register_2025-10-03.csv": "09:10", "notifications_2025-10-03.csv": "09:11"}, "09:13", True),
        ({"register_2025-10-03.csv": "09:10", "notifications_2025-10-03.csv": "09:12"}, "09:12", False),
        ({"register_2025-10-03.csv.part": "09:10"}, "09:12", False),
        ({"register_2025-10-03.xlsx": "09:10", "~$register_2025-10-03.xlsx": "09:09"}, "09:15", False),  # open in Excel
        ({"register_2025-10-03.csv": "09:10", ".~lock.register_2025-10-03.csv#": "09:09"}, "09:15", False),
        ({"today.csv": "09:10"}, "09:12", False),
        ({}, "09:12", False),
    ],
)
def test_a_list_is_asked_for_when_an_extract_of_today_came_in_time_and_lies_still(
    home: Path, school: School, files: dict[str, str], now: str, asks: bool
) -> None:
    for name, when in files.items():
        drop(home, name, moment(when))
    found = look(school, morning_listing(school), moment(now), UNTIL, Seen())
    assert found.ask is asks


@pytest.mark.parametrize("day", [dt.date(2025, 10, 4), dt.date(2025, 10, 24), dt.date(2025, 10, 29)])
def test_nothing_happens_on_a_day_without_school(home: Path, school: School, day: dt.date) -> None:
    """A Saturday, an INSET day, half-term."""
    drop(home, f"register_{day}.csv", moment("09:00", day))
    assert not look(school, morning_listing(school), moment("09:30", day), UNTIL, Seen()).ask


def test_a_file_that_grows_is_waited_for_and_one_that_lies_as_it_lay_is_taken(home: Path, school: School) -> None:
    file = drop(home, "register_2025-10-03.csv", moment("09:10"))
    first = look(school, morning_listing(school), moment("09:10"), UNTIL, Seen())
    file.write_text("xx", encoding="utf-8")
    os.utime(file, (moment("09:11").timestamp(),) * 2)
    grown = look(school, morning_listing(school), moment("09:11"), UNTIL, first.seen)
    still = look(school, morning_listing(school), moment("09:11"), UNTIL, grown.seen)
    again = look(school, morning_listing(school), moment("09:12"), UNTIL, still.seen)
    assert [found.ask for found in (first, grown, still, again)] == [False, False, True, False]


def evaluated(now: dt.datetime, cursor: str | None) -> dg.SensorResult:
    return at(dg.build_sensor_context(cursor=cursor), now.astimezone(dt.UTC))


def test_the_same_files_are_asked_for_once_and_one_that_was_replaced_again(home: Path) -> None:
    drop(home, "register_2025-10-03.csv", moment("09:10"))
    first = evaluated(moment("09:12"), None)
    again = evaluated(moment("09:13"), first.cursor)
    drop(home, "register_2025-10-03.csv", moment("09:20"), "more")
    replaced = evaluated(moment("09:22"), again.cursor)
    lost = evaluated(moment("09:22"), None)  # Dagster's own store was restored from a copy
    keys = [[r.run_key for r in result.run_requests or ()] for result in (first, again, replaced, lost)]
    assert [len(k) for k in keys] == [1, 0, 1, 1]
    assert keys[2] == keys[3] != keys[0], "Dagster runs one key once"
    (request,) = first.run_requests or ()
    assert request.run_config == {"ops": {"phone_lists": {"config": {"today": "2025-10-03", "schools": ["oakfield"]}}}}


def test_each_school_by_its_own_calendar_and_one_run_for_those_that_are_ready(home: Path) -> None:
    calendar = home / "calendars"
    (file,) = calendar.glob("*.toml")
    other = calendar / "elmbrook.toml"
    other.write_text(file.read_text("utf-8").replace("closures = []", "closures = [2025-10-03]", 1), "utf-8")
    settings = home / "attendance.toml"
    head, elmbrook = settings.read_text("utf-8").split('id = "elmbrook"')
    settings.write_text(f'{head}id = "elmbrook"{elmbrook.replace(file.name, other.name, 1)}', "utf-8")
    for school in ("oakfield", "elmbrook"):
        drop(home, "register_2025-10-03.csv", moment("09:10"), school=school)
    (request,) = evaluated(moment("09:12"), None).run_requests or ()
    assert request.run_config["ops"]["phone_lists"]["config"]["schools"] == ["oakfield"], "the other is closed today"


def test_it_goes_by_the_clock_of_the_home_on_a_machine_that_keeps_utc(home: Path) -> None:
    """09:30 in summer is 08:30 UTC, and 10:15 is 09:15: the machine's own hour would still be morning."""
    drop(home, "register_2025-10-03.csv", dt.datetime(2025, 10, 3, 8, 30, tzinfo=dt.UTC))
    assert evaluated(dt.datetime(2025, 10, 3, 8, 40, tzinfo=dt.UTC), None).run_requests
    drop(home, "register_2025-10-03.csv", dt.datetime(2025, 10, 3, 9, 5, tzinfo=dt.UTC))
    assert not evaluated(dt.datetime(2025, 10, 3, 9, 12, tzinfo=dt.UTC), None).run_requests


# ---------------------------------------------------------------- the real daemon


def zone_with_school_today() -> str | None:
    """A time zone in which it is a weekday now, not in its last hours: the daemon goes by the real clock."""
    for name in ("Europe/London", "Pacific/Kiritimati", "Etc/GMT+12"):
        now = dt.datetime.now(ZoneInfo(name))
        if now.weekday() < 5 and now.hour < 21:
            return name
    return None


@pytest.fixture
def today_home(home: Path) -> tuple[Path, dt.date]:
    """The home in a zone where it is a school day, whose calendar has today."""
    zone = zone_with_school_today()
    if zone is None:
        pytest.skip("it is the weekend everywhere on earth")
    today = dt.datetime.now(ZoneInfo(zone)).date()
    (file,) = (home / "calendars").glob("*.toml")
    if today in bank_holidays(today.year, today.year):
        pytest.skip("a bank holiday")
    first, last = today - dt.timedelta(days=3), today + dt.timedelta(days=3)
    year = '[[years]]\nname = "Now"\ninset = []\nclosures = []\n[[years.terms]]\nname = "Now"\nseason = "autumn"\n'
    file.write_text(f"{year}starts = {first}\nends = {last}\nhalf_terms = []\n", "utf-8")
    settings = home / "attendance.toml"
    times = "[morning]\nuntil = 22:00:00\nschool_day_ends = 23:00:00\n"
    text_ = settings.read_text("utf-8")
    assert "Europe/London" in text_
    settings.write_text(text_.replace("Europe/London", zone).replace("[delivery]", f"{times}\n[delivery]", 1), "utf-8")
    return home, today


@pytest.fixture
def daemon(today_home: tuple[Path, dt.date]) -> Iterator[dg.DagsterInstance]:
    """Dagster's daemon for the home, as a service would run it; ended whatever happens."""
    home = today_home[0]
    folder = prepare_instance(open_home(home))
    workspace = Path(__file__).parents[2] / "workspace.yaml"
    process = subprocess.Popen(
        [Path(sys.executable).with_name("dagster-daemon"), "run", "-w", workspace],
        env=environment(DAGSTER_HOME=str(folder), **{HOME_VARIABLE: str(home)}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            yield instance
    finally:
        process.terminate()
        process.wait(60)


def test_within_five_minutes_the_daemon_makes_the_list_once(
    today_home: tuple[Path, dt.date], daemon: dg.DagsterInstance
) -> None:
    home, today = today_home
    rows = next((home / "rows").glob("oakfield register_*")).read_text("utf-8").splitlines()[1:]
    morning = [row.replace(str(FRIDAY), str(today)) for row in rows if f",{FRIDAY},AM," in row]
    dropped = time.monotonic()
    file = home / "inbox" / "oakfield" / f"register_{today}.csv"
    file.write_text(REGISTER_HEADER + "".join(f"{row}\n" for row in morning), "utf-8")
    wanted = dg.RunsFilter(job_name="morning")
    while not (runs := daemon.get_runs(wanted)) or not runs[0].is_finished:
        assert time.monotonic() - dropped < 300, "not within five minutes"
        time.sleep(1)
    assert runs[0].is_success
    folders = [f.relative_to(home / "outbox").parts[1] for f in (home / "outbox").rglob("phone-list")]
    assert sorted(folders) == ["attendance-lead", "headteacher", "office"]
    assert file.exists(), "the night takes it in"
    assert len(daemon.get_runs(wanted)) == 1
    assert COMMAND not in runs[0].tags
