"""What a whole home tells, as `attendance nightly`, `tell` and `health` leave it: a trust of two schools, faults, and
nothing of a pupil anywhere."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from demo_homes import LAST_NIGHT, Said, attendance, drop_next_day, pupils_named
from message_servers import Mailbox, Web, closed_port, mail_server, web_server

from attendance_pipeline.register.roll import current_contacts
from attendance_pipeline.reports.morning_note import PAGE, TEXT
from attendance_pipeline.steps import board
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.steps.telling import DAEMON, morning, night_done

NOTES = "data-manager/this-morning"


def note(home: Path, folder: str) -> str:
    return (home / "outbox" / folder / NOTES / TEXT).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")


def plain(home: Path, folder: str) -> str:
    return " ".join(note(home, folder).split())


def settings(home: Path, box: Mailbox, web: Web) -> None:
    file = home / "attendance.toml"
    before, after = file.read_text(encoding="utf-8").split("[[schools]]", 1)
    telling = f"""
[telling.mail]
host = "localhost"
port = {box.port}
security = "none"
sender = "pipeline@oakfield.example"
to = ["data.manager@oakfield.example"]
[telling.webhook]
url = "{web.url()}"
"""
    file.write_text(f"{before}{telling}\n[[schools]]{after}", encoding="utf-8")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as web:
        yield web


def test_the_demonstration_leaves_a_note_for_each_school_and_one_of_the_trust(
    demonstration: tuple[Path, Said],
) -> None:
    home, _ = demonstration
    said = plain(home, "oakfield")
    assert "Last good night: Saturday 4 October 2025, 02:40." in said
    assert "Register: up to Friday 3 October 2025, as it should be." in said
    assert "worked out, up to Friday 3 October 2025." in said
    assert re.search(r"Look at: oakfield/data-manager/2025-26/\S+/data-quality/what-to-do\.html", said)
    for path in re.findall(r"Look at: (\S+?/\S+)", said):
        assert (home / "outbox" / path).is_file(), "where it says to look there is something"
    trust = note(home, "oakfield-trust")
    assert "The schools\n-----------\n" in trust
    assert [line.split("  ")[0] for line in trust.split("The schools\n-----------\n")[1].splitlines()[:2]] == [
        "Elmbrook Primary School",
        "Oakfield Primary School",
    ]


def of_pupils_and_families(home: Path) -> set[str]:
    """Addresses and telephone numbers of the home's families; names and UPNs are looked for by `pupils_named`."""
    with open_site(home) as site, site.warehouse.read() as conn:
        contacts = pd.concat([current_contacts(conn, school.id) for school in site.schools()])
    columns = [c for c in contacts if re.search("address|postcode|phone|email|mail", str(c))]
    assert len(columns) > 2
    return {str(v) for c in columns for v in contacts[c] if isinstance(v, str) and len(v) > 4} - {"Leeds", "England"}


def test_after_nights_with_all_kinds_of_faults_no_pupil_stands_in_any_note_message_or_memory(
    home: Path, box: Mailbox, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(home, box, web)
    with open_site(home) as site, site.warehouse.read() as conn:
        row = conn.exec_driver_sql("select upn from person limit 1").one()
    upn, pupil = row.upn, "Surname-of-a-pupil"
    notes: list[str] = []

    def keep() -> None:
        for file in [
            *home.glob(f"outbox/*/{NOTES}/*"),
            *home.glob("state/this-morning/*"),
            *home.glob("state/telling.json"),
        ]:
            notes.append(file.read_text(encoding="utf-8-sig"))

    # A step that fails with a pupil in the words of its error: first for one school, then for all.
    real = board.board_inputs

    def broken(site, school, *more):  # type: ignore[no-untyped-def]
        if school.id in failing:
            raise ValueError(f"no such pupil: {pupil} {upn}")
        return real(site, school, *more)

    monkeypatch.setattr(board, "board_inputs", broken)
    drop_next_day(home)
    failing = ["elmbrook"]
    one_failed = attendance("nightly", "--home", home)
    keep()
    assert "While making the board: something unexpected happened" in plain(home, "elmbrook")
    assert "This failure is of this school alone; the others' night went on." in plain(home, "elmbrook")
    assert "What failed" not in note(home, "oakfield")
    trust = plain(home, "oakfield-trust")
    assert trust.startswith("ONE SCHOOL FAILED; THE OTHERS ARE DONE ")
    assert "Elmbrook Primary School: While making the board" in trust

    failing = ["elmbrook", "oakfield"]
    all_failed = attendance("nightly", "--home", home)
    keep()
    assert all_failed.code == 3
    assert note(home, "oakfield").startswith("THE NIGHT FAILED: SOMETHING UNEXPECTED HAPPENED")
    failing = []

    # The drive away, with rows set aside, and a database that is none.
    (home / "outbox").rename(home / "away")
    no_drive = attendance("nightly", "--home", home)
    keep()
    assert no_drive.code == 3
    assert (home / "state/this-morning" / PAGE).exists()
    (home / "away").rename(home / "outbox")
    well = attendance("nightly", "--home", home)
    keep()
    assert well.code in (0, 1)
    assert "What failed" not in note(home, "oakfield")

    sent = [*box.texts(), *(body for _, _, _, body in web.came)]
    assert len(box.came) == len(web.came) >= 4
    said = [one_failed, all_failed, no_drive, well]
    told = "\n".join([*notes, *sent, *(s.out + s.err for s in said)])
    assert "the shared drive is not there" in told
    assert pupils_named(home, told) == 0
    assert upn not in told
    assert pupil not in told
    addresses = of_pupils_and_families(home)
    assert len(addresses) > 50
    assert [a for a in addresses if a in told] == []


def test_a_night_that_works_and_is_told_to_nobody_for_the_server_is_away_is_done_all_the_same(
    home: Path, web: Web
) -> None:
    settings(home, Mailbox(port=closed_port()), web)
    done = attendance("nightly", "--home", home)
    assert done.code in (0, 1), done.err
    assert "Not told: mail: the mail server localhost" in done.err, "the register is late by now, and that is told"


# ---------------------------------------------------------------- tell and health


@pytest.fixture(scope="module")
def tellable(demonstration: tuple[Path, Said], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(demonstration[0], tmp_path_factory.mktemp("tellable") / "home")


def test_tell_renews_the_note_and_says_what_could_not_be_told(tellable: Path, tmp_path: Path) -> None:
    home = shutil.copytree(tellable, tmp_path / "home")
    assert attendance("tell", "--home", home) == Said(0, "", "")
    assert note(home, "oakfield").startswith("NO NIGHT WAS FINISHED\n"), "since the demonstration's last"
    (home / "outbox").rename(home / "away")
    failed = attendance("tell", "--home", home)
    assert failed.code == 3
    assert "not told: the note of Oakfield Trust is not on the drive" in failed.err


def test_a_test_message_says_what_arrived(tellable: Path, tmp_path: Path, box: Mailbox, web: Web) -> None:
    home = shutil.copytree(tellable, tmp_path / "home")
    nothing = attendance("tell", "--test", "--home", home)
    assert nothing == Said(0, "Neither mail nor webhook nor ping is set up: [telling] in attendance.toml.\n", "")
    settings(home, box, web)
    assert attendance("tell", "--test", "--home", home) == Said(0, "mail: sent\nwebhook: sent\n", "")
    web.answers = 500
    failed = attendance("tell", "--test", "--home", home)
    assert failed.code == 3
    assert failed.out == "mail: sent\nwebhook: the webhook at localhost refused the message (code 500)\n"


def health(home: Path, *options: str) -> Said:
    return attendance("health", "--home", home, *options)


def test_health_is_0_when_nights_run_and_extracts_come_and_1_with_words_when_not(
    tellable: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(tellable, tmp_path / "home")
    unwell = health(home)
    assert unwell.code == 1
    assert unwell.out.startswith("Not well:\n  No night was finished since Saturday 4 October 2025, 02:40: ")
    assert "Oakfield Primary School: the newest register extract is of Friday 3 October 2025: " in unwell.out
    found = json.loads(health(home, "--json").out)
    assert (found["well"], found["last_good_night"]) == (False, "2025-10-04T02:40:00+01:00")
    assert [(s["id"], s["verdict"], s["register_day"]) for s in found["schools"]] == [
        ("oakfield", "late", LAST_NIGHT.isoformat()),
        ("elmbrook", "late", LAST_NIGHT.isoformat()),
    ]

    # With terms around today that have not begun, a good night and no extract that could be late.
    today = dt.datetime.now(dt.UTC).date()
    for file in (home / "calendars").glob("*.toml"):
        file.write_text(
            re.sub(r"\bname = \"2\d{3}/\d\d\"\n(.|\n)*", "", file.read_text()) + _ahead(today), encoding="utf-8"
        )
    night_done(home, dt.datetime.now(dt.UTC), "command")
    well = health(home)
    assert well.code == 0, well.out
    assert well.out.startswith("All is well.\nLast good night: ")
    assert json.loads(health(home, "--json").out)["well"] is True


def _ahead(today: dt.date) -> str:
    begins, ends = today + dt.timedelta(days=30), today + dt.timedelta(days=90)
    year = begins.year - (begins.month < 8)
    return (
        f'name = "{year}/{(year + 1) % 100:02d}"\ninset = []\nclosures = []\n[[years.terms]]\nname = "Term"\n'
        f'season = "spring"\nstarts = {begins}\nends = {ends}\nhalf_terms = []\n'
    )


def test_a_service_that_ran_the_nights_and_is_not_heard_is_unwell_before_a_night_is_missed(
    tellable: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(tellable, tmp_path / "home")
    night_done(home, dt.datetime.now(dt.UTC), DAEMON)
    said = health(home)
    assert said.code == 1
    assert "The service that runs the nights (`attendance ui`) has not been heard." in said.out
    assert morning(home, dt.datetime.now(dt.UTC)) == []


def test_health_changes_nothing(tellable: Path, tmp_path: Path) -> None:
    home = shutil.copytree(tellable, tmp_path / "home")
    before = (home / "state/telling.json").read_bytes()
    health(home)
    assert (home / "state/telling.json").read_bytes() == before
    assert not (home / "state/this-morning").exists()
