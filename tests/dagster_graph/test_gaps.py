"""A machine that was off: its first night makes up for what was missed, once, each school by its own calendar. And the
nights on which the clocks change: one tick a night, of which none is lost or doubled."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator
from demo_homes import SCHOOLS, attendance, demo_home

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import HOME_VARIABLE, init_home
from attendance_pipeline.steps.deliver import newest
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.store.draws import read_draws

WEEK = dt.timedelta(days=7)
OFF, ON = dt.date(2025, 10, 14), dt.date(2025, 11, 7)  # a Tuesday; the Friday after both half-terms
# Of Oakfield half-term is the last week of October, of Elmbrook the week before.
MOVED = [dt.date(2025, 10, d) for d in range(20, 25)]


@pytest.fixture(scope="module")
def after_a_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trust of two schools, last run on Tuesday 14 October, with everything up to 7 November in its inboxes."""
    home = demo_home(tmp_path_factory.mktemp("gaps") / "home", ON, pupils=30, schools=2)
    (file,) = (home / "calendars").glob("*.toml")
    text = file.read_text("utf-8")
    assert "{ starts = 2025-10-27, ends = 2025-10-31 }" in text
    other = text.replace("{ starts = 2025-10-27, ends = 2025-10-31 }", "{ starts = 2025-10-20, ends = 2025-10-24 }", 1)
    (home / "calendars" / "elmbrook.toml").write_text(other.replace("2025-10-24, ", "", 1), "utf-8")
    settings = home / "attendance.toml"
    head, elmbrook = settings.read_text("utf-8").split('id = "elmbrook"')
    head = head.replace("[delivery]", '[delivery]\nletter_day = "Thursday"', 1)
    settings.write_text(f'{head}id = "elmbrook"{elmbrook.replace(file.name, "elmbrook.toml", 1)}', "utf-8")
    later: list[Path] = []
    for extract in sorted((home / "inbox").glob("*/*_*.csv")):
        lies = extract
        recorded = dt.date.fromisoformat(extract.stem.split("_")[1])
        if extract.parent.name == "elmbrook" and recorded in MOVED:  # the week in which the other has half-term
            moved = extract.read_text("utf-8")
            for day in reversed(MOVED):
                moved = moved.replace(str(day), str(day + WEEK))
            recorded += WEEK
            extract.unlink()
            lies = extract.with_name(re.sub(r"_\d{4}-\d\d-\d\d", f"_{recorded}", extract.name))
            lies.write_text(moved, "utf-8")
        if recorded > OFF:
            later.append(lies)
    for extract in later:
        (home / "later" / extract.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.move(extract, home / "later" / extract.parent.name / extract.name)
    assert attendance("nightly", "--home", home, "--date", OFF).code in (0, 1)
    for extract in (home / "later").glob("*/*.csv"):
        shutil.move(extract, home / "inbox" / extract.parent.name / extract.name)
    return home


def folders(home: Path) -> Counter[tuple[str, str, str]]:
    """How many folders lie on the drive, by school, day and what, whoever they are for."""
    found = {
        (p.parts[0], p.parts[1], p.parts[3], p.parts[4])
        for p in (f.relative_to(home / "outbox") for f in (home / "outbox").glob("*/*/*/*/*") if f.is_dir())
    }
    return Counter((school, day, what) for school, _, day, what in found)


def test_the_first_night_makes_up_for_a_month_once_and_the_second_adds_nothing(after_a_month: Path) -> None:
    home = after_a_month
    before = folders(home)
    first = attendance("nightly", "--home", home, "--date", ON)
    assert first.code in (0, 1), first.err
    made = folders(home)
    again = attendance("nightly", "--home", home, "--date", ON)
    assert again.code == 0, again.out
    assert folders(home) == made, "nothing twice"
    new = made - before
    days = {what: sorted((s, day) for s, day, w in new if w == what) for what in {w for _, _, w in new}}
    # The half-term of each ended on its own last day: an INSET day at Oakfield, and the Friday before at Elmbrook.
    assert days["governors"][:2] == [("elmbrook", "2025-10-17"), ("oakfield", "2025-10-23")]
    assert {day for _, day in days["classes"]} == {"2025-11-07"}, "of weeks that went by nobody waits for a list"
    # Thursday 6 November is the letter day of both; those that were missed are in its batch.
    assert {day for _, day in days["letters"]} <= {"2025-11-06"}
    # (A raffle and a prize pot of one day are two deliveries.)
    assert not [n for n in made if re.search(r"-[0-9]+$", n[2]) and n[2] != "incentives-2"], "no second folder"
    with open_site(home) as site, site.warehouse.read() as conn:
        weeks = {s: [str(d.week) for d in read_draws(conn, s, "raffle")] for s in SCHOOLS}
        done = {s.id: s.calendar.date(found[1]) for s in site.schools() if (found := newest(site, s))}
    common = ["2025-09-01", "2025-09-08", "2025-09-15", "2025-09-22", "2025-09-29", "2025-10-06", "2025-10-13"]
    drawn = {s: [w for w in weeks[s] if w > "2025-10-06"] for s in SCHOOLS}
    assert drawn["oakfield"] == ["2025-10-13", "2025-10-20", "2025-11-03"]
    assert drawn["elmbrook"] == ["2025-10-13", "2025-10-27", "2025-11-03"]
    assert all(len(set(weeks[s])) == len(weeks[s]) and set(weeks[s]) - set(common) for s in SCHOOLS)
    assert set(done.values()) == {ON}


# ---------------------------------------------------------------- clock changes

# The weeks in which clocks change: forward at 01:00 on 29 March 2026, back at 02:00 on 25 October 2026.
CHANGES = [(dt.date(2026, 3, 23), dt.date(2026, 4, 5)), (dt.date(2026, 10, 19), dt.date(2026, 11, 1))]
NIGHTS = {1, 2, 3, 4, 5}


@pytest.fixture(scope="module")
def schedules(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dg.ScheduleDefinition]:
    definitions = build_definitions(init_home(tmp_path_factory.mktemp("clock") / "home"))
    return {s.name: s for s in definitions.get_repository_def().schedule_defs}


def ticks(schedule: dg.ScheduleDefinition, first: dt.date, last: dt.date) -> Iterator[dt.datetime]:
    """The times at which Dagster's own scheduler evaluates a schedule, from one day to another."""
    start = dt.datetime.combine(first, dt.time(), ZoneInfo("Europe/London")).timestamp()
    end = dt.datetime.combine(last, dt.time(23, 59), ZoneInfo("Europe/London")).timestamp()
    zone = schedule.execution_timezone
    for tick in schedule_execution_time_iterator(start, str(schedule.cron_schedule), zone, ascending=True):
        if tick.timestamp() > end:
            return
        yield tick


@pytest.mark.parametrize(("first", "last"), CHANGES)
def test_over_a_clock_change_every_schedule_has_one_tick_a_night_at_its_own_hour(
    schedules: dict[str, dg.ScheduleDefinition], first: dt.date, last: dt.date
) -> None:
    nights = [d for i in range((last - first).days + 1) if (d := first + dt.timedelta(days=i)).weekday() in NIGHTS]
    assert len(nights) == 10
    for name, schedule in schedules.items():
        found = [tick.astimezone(ZoneInfo("Europe/London")) for tick in ticks(schedule, first, last)]
        minute, hour = map(int, str(schedule.cron_schedule).split()[:2])
        assert [t.date() for t in found] == nights, name
        assert {t.time() for t in found} == {dt.time(hour, minute)}, name


@pytest.mark.parametrize(("first", "last"), CHANGES)
def test_over_a_clock_change_no_run_key_is_lost_or_repeated_also_on_a_machine_that_keeps_utc(
    schedules: dict[str, dg.ScheduleDefinition],
    first: dt.date,
    last: dt.date,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(init_home(tmp_path / "home")))
    schedule, keys = schedules["nightly_extracts"], []
    for tick in ticks(schedule, first, last):
        # The daemon hands over the moment in the schedule's own zone, whatever the machine's is; started again, it
        # evaluates the newest tick a second time.
        for _ in range(2):
            context = dg.build_schedule_context(scheduled_execution_time=tick)
            (request,) = schedule.evaluate_tick(context).run_requests or ()
            keys.append(str(request.run_key))
    counted = Counter(keys)
    assert len(counted) == 10
    assert set(counted.values()) == {2}, "the same night has the same key, which Dagster runs once"
