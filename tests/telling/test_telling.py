"""What is told of a home's nights, to real servers: the note on the drive, mail, webhook and ping, each matter once.

The home has one school with terms from 1 June to 17 July and from 1 September to 16 October 2026; its register comes on
the last school day of each week unless a test says otherwise.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from demo_homes import attendance
from message_servers import Mailbox, Web, closed_port, mail_server, web_server
from school_files import upn
from small_home import PRESENT, REGISTER, drop, drop_pupils, load, rows_of, school_days, small_home

from attendance_pipeline import answering
from attendance_pipeline.delivery import DeliveryError
from attendance_pipeline.home import SETTINGS_FILE, open_home
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.reports.morning_note import PAGE, TEXT
from attendance_pipeline.steps.telling import (
    COMMAND,
    DAEMON,
    Failed,
    Setup,
    failed_by,
    job_done,
    morning,
    night_done,
    night_failed,
    send_test,
)

LONDON = ZoneInfo("Europe/London")
THE_DRIVE = (
    "DeliveryError",
    "attendance_pipeline.delivery.DeliveryError: [Errno 2] the shared drive is not at X: connect it",
)


def at(day: str, time: str = "06:30", zone: str = "Europe/London") -> dt.datetime:
    """A moment of 2026: `09-22` and `06:30`."""
    return dt.datetime.fromisoformat(f"2026-{day}T{time}").replace(tzinfo=ZoneInfo(zone))


def register_of(home: Path, day: str, school: str = "oakfield") -> None:
    """A register extract of one school day, made on that day."""
    date = dt.date.fromisoformat(f"2026-{day}")
    said = {upn(n): {(date, half): code for half, code in PRESENT.items()} for n in range(1, 7)}
    drop(home, f"register_{date}.csv", REGISTER, rows_of(said))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the pupils and the registers of 14 to 21 September: a Monday to a Monday."""
    home = small_home(tmp_path_factory.mktemp("telling") / "home")
    drop_pupils(home, "09-01")
    for day in school_days():
        if dt.date(2026, 9, 14) <= day <= dt.date(2026, 9, 21):
            register_of(home, f"{day:%m-%d}")
    load(home)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as web:
        yield web


def settings(home: Path, text: str) -> None:
    """Put settings of telling into the home's file, before its schools."""
    file = home / SETTINGS_FILE
    before, after = file.read_text(encoding="utf-8").split("[[schools]]", 1)
    before = before.split("[telling]")[0]
    file.write_text(f"{before}[telling]\n{text}\n[[schools]]{after}", encoding="utf-8")


def by_mail(box: Mailbox, more: str = "") -> str:
    return (
        f'{more}\n[telling.mail]\nhost = "localhost"\nport = {box.port}\nsecurity = "none"\n'
        'sender = "pipeline@oakfield.example"\nto = ["data.manager@oakfield.example"]'
    )


def note(home: Path, folder: str = "outbox/oakfield/data-manager/this-morning") -> str:
    return (home / folder / TEXT).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")


def headline(home: Path) -> str:
    return note(home).splitlines()[0]


def subjects(box: Mailbox) -> list[str]:
    return [str(m["Subject"]).removeprefix("Small Trust, attendance: ") for m in box.came]


def drive_gone(home: Path) -> None:
    (home / "outbox").rename(home / "away")


def drive_back(home: Path) -> None:
    (home / "away").rename(home / "outbox")


# ---------------------------------------------------------------- the note


def test_after_a_good_night_the_note_lies_on_the_drive_with_its_time_and_when_the_next_is_due(home: Path) -> None:
    assert night_done(home, at("09-22", "02:41"), DAEMON) == []
    said = note(home)
    assert said.splitlines()[:3] == [
        "ALL IS WELL",
        "Oakfield Primary School. Attendance pipeline, Tuesday 22 September 2026, 02:41",
        "",
    ]
    assert "Last good night: Tuesday 22 September 2026, 02:41." in said
    assert "A newer note is due by Wednesday 23 September 2026, 08:00." in said
    assert "* Register: up to Monday 21 September 2026, as it should be." in said
    page = (home / "outbox/oakfield/data-manager/this-morning" / PAGE).read_text(encoding="utf-8")
    assert 'data-due="2026-09-23T08:00:00+01:00"' in page, "by which the page itself knows that it is old"
    assert sorted(p.name for p in (home / "outbox/oakfield/data-manager/this-morning").iterdir()) == [
        "manifest.json",
        PAGE,
        TEXT,
    ]


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ("09-22 06:30", "Wednesday 23 September 2026, 08:00"),  # Tuesday morning: Tuesday's night comes next
        ("09-25 06:30", "Saturday 26 September 2026, 08:00"),
        ("09-26 06:30", "Tuesday 29 September 2026, 08:00"),  # no night follows a weekend
        ("09-28 06:30", "Tuesday 29 September 2026, 08:00"),
        ("09-28 20:15", "Wednesday 30 September 2026, 08:00"),  # a night of the evening is of that same day
        ("07-18 02:41", "Wednesday 2 September 2026, 08:00"),  # the summer holidays
    ],
)
def test_the_next_note_is_due_on_the_morning_after_the_next_school_day(home: Path, written: str, due: str) -> None:
    night_done(home, at(*written.split()), COMMAND)
    assert f"A newer note is due by {due}." in note(home)


def test_when_the_calendars_end_the_note_says_so(home: Path) -> None:
    night_done(home, at("10-17", "02:41"), DAEMON)
    assert "The calendars have no further school day: add the next school year" in note(home)


def test_the_note_is_written_again_the_next_good_night(home: Path) -> None:
    night_done(home, at("09-22", "02:41"), DAEMON)
    first = note(home)
    register_of(home, "09-22")
    load(home)
    night_done(home, at("09-23", "02:39"), DAEMON)
    assert note(home) != first
    assert "Last good night: Wednesday 23 September 2026, 02:39." in note(home)
    assert "up to Tuesday 22 September 2026, as it should be" in note(home)


def test_rows_that_were_set_aside_wait_for_a_person_until_the_night_after(home: Path) -> None:
    night_done(home, at("09-22", "02:41"), DAEMON)
    drop(home, "register_2026-09-22.csv", REGISTER, [f"{upn(1)},2026-09-22,AM,/,,", f"{upn(2)},2026-09-22,AM,QQ,,"])
    load(home)
    night_done(home, at("09-23", "02:39"), DAEMON)
    assert headline(home) == "THE NIGHT IS DONE; SOMETHING WAITS FOR A PERSON"
    assert "* One row or file newly set aside: could not be used." in " ".join(note(home).split())
    # The warehouse keeps real moments, so the night before is told a later one.
    night_done(home, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), DAEMON)
    night_done(home, dt.datetime.now(dt.UTC) + dt.timedelta(days=2), DAEMON)
    assert "newly set aside" not in note(home)


# ---------------------------------------------------------------- failure


def test_a_failure_is_told_in_plain_words_once_and_once_more_when_it_works_again(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    failure = failed_by("nightly", "letter_batches", PermissionError(13, "Permission denied", "/some/file"))
    for hour in ("02:33", "02:50", "06:30"):
        assert night_failed(home, [failure], at("09-22", hour), "Wednesday at 02:30") == []
    assert headline(home) == "THE NIGHT FAILED: THIS ACCOUNT MAY NOT READ OR WRITE A FILE"
    assert "* Next attempt: Wednesday at 02:30." in note(home)
    assert subjects(box) == ["the night failed: this account may not read or write a file"]
    (text,) = box.texts()
    assert "While the letters: this account may not read or write a file." in text
    assert "What to do: Give it access to the home folder" in text

    night_done(home, at("09-23", "02:41"), DAEMON)
    morning(home, at("09-23", "06:30"))
    assert headline(home) == "THE REGISTER HAS NOT COME", "which is another matter"
    assert len(box.came) == 2
    assert "Works again since Wednesday 23 September 2026, 02:41" in box.texts()[1]


def test_what_goes_on_failing_is_told_again_after_five_nights_and_counted_in_the_note(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box, "late_after_school_days = 60"))
    for number, day in enumerate(("09-22", "09-23", "09-24", "09-25", "09-26", "09-29", "09-30"), 1):
        night_failed(home, [Failed("nightly", "worklists", [THE_DRIVE])], at(day, "02:33"))
        assert len(box.came) == (1 if number < 6 else 2), f"after {number} nights"
    assert "It has failed seven times since Tuesday 22 September 2026, 02:33." in " ".join(note(home).split())


def test_two_failures_at_once_are_one_message(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    failures = [Failed("nightly", "worklists", [THE_DRIVE]), Failed("nightly", "impact_reports", [("KeyError", "'x'")])]
    night_failed(home, failures, at("09-22", "02:33"))
    assert subjects(box) == ["the night failed: the shared drive is not there (and one other matter)"]
    assert "While the impact report: something unexpected happened" in box.texts()[0]


def test_a_later_failure_of_the_same_kind_after_a_good_night_is_another_matter(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    failure = Failed("nightly", "worklists", [THE_DRIVE])
    night_failed(home, [failure], at("09-22", "02:33"))
    night_done(home, at("09-22", "09:00"), COMMAND)
    night_failed(home, [failure], at("09-23", "02:33"))
    assert len(box.came) == 3


def test_a_job_that_works_ends_its_own_failure_and_no_other(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    night_failed(home, [Failed("weekly_class_lists", "class_lists", [("KeyError", "")])], at("09-22", "04:31"))
    job_done(home, "weekly_monitoring", at("09-22", "04:32"))
    assert headline(home).startswith("THE NIGHT FAILED")
    job_done(home, "weekly_class_lists", at("09-22", "10:00"))
    assert not headline(home).startswith("THE NIGHT FAILED")
    assert len(box.came) == 2


def test_where_the_drive_is_not_there_the_note_lies_in_the_state_and_the_message_says_where(
    home: Path, box: Mailbox
) -> None:
    settings(home, by_mail(box))
    drive_gone(home)
    problems = night_failed(home, [Failed("nightly", "worklists", [THE_DRIVE])], at("09-22", "02:33"))
    assert problems == [
        f"the note of Oakfield Primary School is not on the drive: the shared drive is not at {home / 'outbox'}: connect "
        "it, or correct delivery.drive in attendance.toml, then run again"
    ]
    assert note(home, "state/this-morning").startswith("THE NIGHT FAILED: THE SHARED DRIVE IS NOT THERE\n")
    assert (home / "state/this-morning" / TEXT).stat().st_mode & 0o077 == 0
    assert f"The note: {home / 'state' / 'this-morning'}" in box.texts()[0]
    drive_back(home)
    night_done(home, at("09-23", "02:41"), DAEMON)
    assert "LATE" in headline(home) or "REGISTER" in headline(home)
    assert f"The note: {home / 'outbox/oakfield/data-manager/this-morning'}" in box.texts()[1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a named pipe stands for a share whose server hangs")
def test_a_drive_that_does_not_answer_keeps_no_message_waiting(
    home: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering.within, "__defaults__", (0.5,))
    settings(home, by_mail(box))
    night_done(home, at("09-22", "02:41"), DAEMON)
    folder = home / "outbox/oakfield/data-manager/this-morning"
    for file in folder.iterdir():
        file.unlink()
        os.mkfifo(file)  # whoever opens it waits, as for a server that hangs
    [problem] = night_failed(home, [Failed("nightly", "letters", [THE_DRIVE])], at("09-23"))
    assert problem.startswith("the note of Oakfield Primary School is not on the drive: ")
    assert "does not answer (waited 0.5 seconds)" in problem
    assert len(box.came) == 1 and "letters" in box.came[0].get_content()
    assert (home / "state/this-morning" / TEXT).exists()
    begun = time.monotonic()
    [problem] = morning(home, at("09-24"))
    assert "still does not answer" in problem and time.monotonic() - begun < 5

    waiting = answering._waiting[home / "outbox"]
    for file in folder.iterdir():
        os.close(os.open(file, os.O_RDWR | os.O_NONBLOCK))  # whoever waits reads an end
    deadline = time.monotonic() + 20
    while waiting.is_alive() and time.monotonic() < deadline:
        for file in folder.iterdir():
            if file.is_fifo():
                os.close(os.open(file, os.O_RDWR | os.O_NONBLOCK))
        time.sleep(0.05)
    assert not waiting.is_alive()
    assert morning(home, at("09-25")) == []
    assert folder.joinpath(TEXT).is_file() and "25 September 2026" in note(home)


def test_settings_that_cannot_be_read_are_told_by_the_settings_as_they_last_were(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    night_done(home, at("09-22", "02:41"), DAEMON)
    file = home / SETTINGS_FILE
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace('phase = "Primary"', 'phase = "Primry"'), encoding="utf-8")
    with pytest.raises(SettingsError) as fault:
        open_home(home)
    # Dagster meets it in a run, and the morning meets it again.
    night_failed(home, [failed_by("take_in_extracts", "mis_extracts", fault.value)], at("09-23", "02:31"))
    morning(home, at("09-23", "06:30"))
    assert headline(home) == "THE NIGHT FAILED: A SETTING IS WRONG"
    assert "Run `attendance check`" in note(home)
    assert "phase" in note(home), "file and key in the program's own words"
    assert "When the next note is due is not known before the settings can be read again." in note(home)
    assert "no further school day" not in note(home), "nothing is known of the calendars"
    assert subjects(box) == ["the night failed: a setting is wrong"]
    file.write_text("[[", encoding="utf-8")
    morning(home, at("09-23", "08:00"))
    assert len(box.came) == 1
    file.write_text(whole, encoding="utf-8")
    morning(home, at("09-23", "09:00"))
    assert "a setting is wrong" not in headline(home).lower()
    assert "Works again since Wednesday 23 September 2026, 09:00: a setting is wrong" in " ".join(
        box.texts()[-1].split()
    )


def test_settings_that_never_could_be_read_tell_nobody_and_say_so(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text("[[", encoding="utf-8")
    assert morning(tmp_path, at("09-23")) == ["the settings cannot be read, and never were before: nobody is told"]
    assert [p.name for p in tmp_path.iterdir()] == [SETTINGS_FILE], "a folder that is perhaps no home is left alone"
    assert attendance("nightly", "--home", tmp_path).code == 2


def test_a_night_that_a_scheduler_starts_with_wrong_settings_is_told_to_somebody(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    night_done(home, dt.datetime.now(dt.UTC), COMMAND)
    box.came.clear()
    with (home / SETTINGS_FILE).open("a", encoding="utf-8") as file:
        file.write("\n[misspelt]\n")
    assert attendance("nightly", "--home", home).code == 2
    assert subjects(box) == ["the night failed: a setting is wrong"]


def test_a_warehouse_that_cannot_be_read_is_said_and_everything_else_is_told(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    night_done(home, at("09-22", "02:41"), DAEMON)
    for beside in home.glob("state/warehouse.db-*"):
        beside.unlink()
    (home / "state/warehouse.db").write_bytes(b"this is no database at all, and long enough to be looked at" * 100)
    assert morning(home, at("09-22")) == []
    assert "* Not known: the database is damaged" in note(home)
    night_failed(home, [Failed("nightly", "register", [("KeyError", "")])], at("09-22", "07:00"))
    assert len(box.came) == 1


# ---------------------------------------------------------------- lateness and silence


@pytest.mark.parametrize(
    ("now", "late", "told"),
    [
        ("09-21 06:30", 0, 0),  # Monday: Friday's register is there
        ("09-22 06:30", 0, 0),  # Tuesday: Monday's is there
        ("09-23 06:30", 1, 0),
        ("09-24 06:30", 2, 1),  # asked for from the second on
        ("09-26 12:00", 4, 1),
        ("09-28 06:30", 4, 1),  # a weekend makes nothing later
        ("10-30 06:30", 19, 1),  # nor a holiday: the term ended on 16 October
    ],
)
def test_a_register_is_late_by_school_days(home: Path, box: Mailbox, now: str, late: int, told: int) -> None:
    settings(home, by_mail(box, "late_after_school_days = 2"))
    morning(home, at(*now.split()))
    words = {0: "as it should be", 1: "one school day late", 2: "two school days late", 4: "four school days late"}
    assert words.get(late, f"{late} school days late") in " ".join(note(home).split())
    said = [s for s in subjects(box) if "register" in s]
    assert len(said) == told
    assert (headline(home) == "THE REGISTER HAS NOT COME") == bool(told)


def test_lateness_is_told_once_again_after_five_school_days_and_again_when_it_is_another(
    home: Path, box: Mailbox
) -> None:
    settings(home, by_mail(box))
    for day, total in (("09-23", 1), ("09-24", 1), ("09-29", 1), ("09-30", 2), ("10-01", 2)):
        night_done(home, at(day, "02:41"), DAEMON)
        assert len(box.came) == total, day
    register_of(home, "10-01")
    load(home)
    for day, total in (("10-02", 2), ("10-03", 3)):
        night_done(home, at(day, "02:41"), DAEMON)
        assert len(box.came) == total, day


def test_marks_that_were_entered_ahead_are_no_register_that_came(home: Path) -> None:
    ahead = [f"{upn(1)},2026-09-{day},AM,H,," for day in ("21", "22", "23")]
    drop(home, "register_2026-09-21b.csv", REGISTER, ahead)
    load(home)
    morning(home, at("09-23"))
    assert "newest register extract is of Monday 21 September 2026: one school day late" in " ".join(note(home).split())


@pytest.mark.parametrize(
    ("zone", "moment", "late"),
    [
        # The same instant: still Tuesday on the Azores, when nobody expects Tuesday's register yet.
        ("Atlantic/Azores", "2026-09-22T23:30:00+00:00", False),
        ("Europe/London", "2026-09-22T23:30:00+00:00", True),
    ],
)
def test_days_are_those_of_the_homes_own_time_zone(home: Path, zone: str, moment: str, late: bool) -> None:
    file = home / SETTINGS_FILE
    text = file.read_text(encoding="utf-8").replace(
        'name = "Small Trust"', f'name = "Small Trust"\ntime_zone = "{zone}"'
    )
    file.write_text(text, encoding="utf-8")
    morning(home, dt.datetime.fromisoformat(moment))
    assert ("one school day late" in note(home)) == late


def test_a_school_that_was_added_and_never_sends_is_late_from_the_day_it_was_set_up(home: Path, box: Mailbox) -> None:
    file = home / SETTINGS_FILE
    own = file.read_text(encoding="utf-8")
    second = own[own.index("[[schools]]") :].replace('"oakfield"', '"elmbrook"').replace("100001", "100002")
    settings(home, by_mail(box))
    with file.open("a", encoding="utf-8") as more:
        more.write("\n" + second.replace("Oakfield Primary School", "Elmbrook School"))
    (home / "inbox/elmbrook").mkdir()
    night_done(home, at("09-22", "02:41"), DAEMON)
    assert subjects(box) == [], "Monday was before it was set up"
    register_of(home, "09-22")
    load(home)
    night_done(home, at("09-23", "02:41"), DAEMON)
    assert subjects(box) == ["the register of Elmbrook School has not come"]
    assert "No register extract has ever come" in note(home, "outbox/elmbrook/data-manager/this-morning")
    trust = note(home, "outbox/small-trust/data-manager/this-morning")
    assert trust.startswith("THE REGISTER OF ONE SCHOOL HAS NOT COME\nSmall Trust. ")
    assert trust.index("Elmbrook School ") < trust.index("Oakfield Primary School "), "the worst first"
    assert headline(home) == "ALL IS WELL", "it is not Oakfield's"


def test_a_night_that_did_not_come_is_told_when_its_note_was_due_and_not_before(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box, "late_after_school_days = 60"))
    night_done(home, at("09-22", "02:41"), DAEMON)
    morning(home, at("09-22", "08:00"))
    assert headline(home) == "ALL IS WELL"
    morning(home, at("09-23", "06:30"))
    assert (headline(home), subjects(box)) == ("THE NIGHT IS NOT FINISHED YET", [])
    morning(home, at("09-23", "08:00"))
    assert (headline(home), subjects(box)) == ("NO NIGHT WAS FINISHED", ["no night was finished"])
    assert "No night was finished since Tuesday 22 September 2026, 02:41: one school day late." in box.texts()[0]
    for day in ("09-24", "09-25", "09-26", "09-28"):
        morning(home, at(day, "08:00"))
    assert len(box.came) == 1
    night_done(home, at("09-28", "11:00"), COMMAND)
    assert subjects(box)[1:] == ["it works again"]


def test_the_week_end_and_the_holidays_are_no_silence(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box, "late_after_school_days = 60"))
    night_done(home, at("10-17", "02:41"), DAEMON)
    for day in ("10-18", "10-19", "10-25", "11-02", "12-24"):
        morning(home, at(day, "08:00"))
    assert box.came == []


def test_on_the_nights_on_which_clocks_change_nothing_is_late_or_silent(home: Path, box: Mailbox) -> None:
    file = home / "calendars/small.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("2026-10-16", "2026-10-30"), encoding="utf-8")
    settings(home, by_mail(box, "late_after_school_days = 60"))
    night_done(home, at("10-24", "02:41"), DAEMON)  # Saturday; the clocks go back on Sunday
    for moment in (at("10-25", "06:30"), at("10-26", "08:00")):
        morning(home, moment)
    assert "A newer note is due by Tuesday 27 October 2026, 08:00." in note(home)
    page = (home / "outbox/oakfield/data-manager/this-morning" / PAGE).read_text(encoding="utf-8")
    assert 'data-due="2026-10-27T08:00:00+00:00"' in page, "winter time"
    assert box.came == []


# ---------------------------------------------------------------- sending


def test_a_mail_server_that_is_away_fails_nothing_and_is_told_the_next_time(home: Path) -> None:
    port = closed_port()
    settings(home, by_mail(Mailbox(port=port)))
    failure = Failed("nightly", "worklists", [THE_DRIVE])
    (problem,) = night_failed(home, [failure], at("09-22", "02:33"))
    assert problem.startswith(f"mail: the mail server localhost:{port} does not accept connections")
    assert "does not accept connections" in note(home), "whoever opens the note learns that nobody was told"
    with mail_server(port=port) as box:
        assert morning(home, at("09-22")) == []
        assert len(box.came) == 1
    assert "could not be told" not in note(home)


def test_of_two_channels_only_the_one_that_failed_is_tried_again(home: Path, box: Mailbox, web: Web) -> None:
    settings(home, by_mail(box) + f'\n[telling.webhook]\nurl = "{web.url()}"')
    web.answers = 503
    failure = Failed("nightly", "worklists", [THE_DRIVE])
    assert night_failed(home, [failure], at("09-22", "02:33")) == [
        "webhook: the webhook at localhost refused the message (code 503)"
    ]
    web.answers = 200
    morning(home, at("09-22"))
    morning(home, at("09-22", "08:00"))
    assert (len(box.came), len(web.came)) == (1, 2)


def test_a_failure_that_could_not_be_told_before_it_was_over_is_told_with_the_good_news(
    home: Path, box: Mailbox
) -> None:
    settings(home, by_mail(Mailbox(port=closed_port())))
    night_failed(home, [Failed("nightly", "worklists", [THE_DRIVE])], at("09-22", "02:33"))
    night_done(home, at("09-22", "09:00"), COMMAND)
    settings(home, by_mail(box))
    morning(home, at("09-22", "09:30"))
    (text,) = box.texts()
    assert "Works again" in text
    assert "the shared drive is not there, first on Tuesday 22 September 2026, 02:33" in " ".join(text.split())


def test_a_webhook_says_it_in_one_text_with_kinds_schools_and_moment_beside_it(
    home: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTENDANCE_WEBHOOK_URL", web.url())
    monkeypatch.setenv("ATTENDANCE_WEBHOOK_SECRET", "a secret of the tests")
    settings(home, "[telling.webhook]")
    morning(home, at("09-23", "08:00"))
    (body,) = web.bodies()
    assert sorted(body) == ["at", "kinds", "schools", "subject", "text"]
    assert (body["kinds"], body["schools"], body["at"]) == (["late"], ["oakfield"], "2026-09-23T07:00:00+00:00")
    assert body["text"].startswith(f"{body['subject']}\n\nOakfield Primary School: the newest register extract is of")
    assert web.came[0][2]["X-Attendance-Secret"] == "a secret of the tests"
    kept = (home / "state/telling.json").read_text(encoding="utf-8")
    assert web.url() not in kept
    assert "a secret" not in kept


def test_all_is_well_is_told_only_when_asked_for_and_once_a_night(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    night_done(home, at("09-22", "02:41"), DAEMON)
    assert box.came == []
    settings(home, by_mail(box, "good_nights = true"))
    night_done(home, at("09-22", "02:45"), DAEMON)
    for hour in ("06:30", "08:00"):
        morning(home, at("09-22", hour))
    assert subjects(box) == ["all is well"]


def test_the_ping_goes_after_good_nights_alone_and_is_tried_again_when_it_failed(home: Path, web: Web) -> None:
    settings(home, f'late_after_school_days = 60\n[telling.ping]\nurl = "{web.url("/ping/of/this/home")}"')
    web.answers = 500
    assert len(night_done(home, at("09-22", "02:41"), DAEMON)) == 1
    web.answers = 200
    morning(home, at("09-22"))
    morning(home, at("09-22", "08:00"))
    night_failed(home, [Failed("nightly", "worklists", [THE_DRIVE])], at("09-23", "02:33"))
    morning(home, at("09-23", "08:00"))
    assert [path for _, path, _, _ in web.came] == ["/ping/of/this/home"] * 2


def test_a_test_goes_by_every_channel_and_is_not_remembered(home: Path, box: Mailbox, web: Web) -> None:
    settings(home, by_mail(box) + f'\n[telling.webhook]\nurl = "{web.url()}"\n[telling.ping]\nurl = "{web.url("/p")}"')
    assert send_test(open_home(home), at("09-22")) == {"mail": "", "webhook": "", "ping": ""}
    assert subjects(box) == ["test message"]
    assert not (home / "state/telling.json").exists()
    web.answers = 404
    assert "code 404" in send_test(open_home(home), at("09-22"))["webhook"]


FAIL = """
import datetime as dt, pathlib, sys
from attendance_pipeline.steps.telling import Setup, Failed, night_failed
failure = Failed("nightly", "worklists", [("KeyError", "")])
night_failed(pathlib.Path(sys.argv[1]), [failure], dt.datetime.fromisoformat("2026-09-22T02:33+01:00"))
"""


def test_two_programs_that_meet_the_same_failure_at_once_tell_it_once(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    both = [subprocess.Popen([sys.executable, "-c", FAIL, str(home)]) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert len(box.came) == 1


# ---------------------------------------------------------------- what may happen to the memory


def test_a_memory_that_cannot_be_read_begins_again(home: Path) -> None:
    for spoilt in ("", "{", '{"failing": 1}', "[]", '{"unknown": 1}'):
        (home / "state/telling.json").write_text(spoilt, encoding="utf-8")
        assert night_done(home, at("09-22", "02:41"), DAEMON) == []
        assert headline(home) == "ALL IS WELL"
        assert (
            json.loads((home / "state/telling.json").read_text(encoding="utf-8"))["good"] == "2026-09-22T01:41:00+00:00"
        )


def test_a_state_that_cannot_be_written_fails_nothing(home: Path, box: Mailbox) -> None:
    settings(home, by_mail(box))
    (home / "state/telling.json").mkdir()
    problems = night_failed(home, [Failed("nightly", "worklists", [THE_DRIVE])], at("09-22", "02:33"))
    assert len(problems) == 1
    assert problems[0].startswith("what was told could not be remembered in state/")
    assert len(box.came) == 1, "better twice than never"
    assert headline(home).startswith("THE NIGHT FAILED")


def test_the_error_of_a_real_drive_is_known(home: Path) -> None:
    error = DeliveryError(2, "the shared drive is not at S:/x: connect it")
    night_failed(home, [failed_by("nightly", "worklists", error)], at("09-22", "02:33"))
    assert headline(home) == "THE NIGHT FAILED: THE SHARED DRIVE IS NOT THERE"


def test_a_copy_of_a_home_tells_nothing_on_the_drive_of_the_first(tmp_path: Path) -> None:
    state = tmp_path / "copy" / "state"
    kept = {**SETUP, "home": str(tmp_path / "first")}
    assert Setup.kept(kept) is not None
    assert Setup.kept_here(kept, state) is None
    assert Setup.kept_here({**kept, "home": str(tmp_path / "copy")}, state) is not None


SETUP = {
    "trust": "Oakfield",
    "trust_folder": "",
    "time_zone": "Europe/London",
    "drive": "outbox",
    "schools": {"oakfield": "Oakfield"},
    "telling": "{}",
}
