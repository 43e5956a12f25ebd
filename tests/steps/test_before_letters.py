"""What stands in the way of a letter day: told two school days before it, once, by each school's calendar, without a name."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from demo_homes import demo_home, pupils_named

from attendance_pipeline.derive.tables import TABLES
from attendance_pipeline.letters.batch import letter_days_from
from attendance_pipeline.reports.readiness import LOOK, STOPS, held_matters
from attendance_pipeline.steps.before_letters import readiness_due, tell_readiness
from attendance_pipeline.steps.check import check_register
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import Site, open_site

LAST = dt.date(2025, 10, 6)  # a Monday, and the newest extract
TUESDAY, WEDNESDAY, THURSDAY = (dt.date(2025, 10, d) for d in (7, 8, 9))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Letters go on Thursdays; everything up to Monday 6 October is loaded, derived and decided."""
    home = demo_home(tmp_path_factory.mktemp("readiness") / "home", LAST, pupils=30, schools=1)
    settings = home / "attendance.toml"
    settings.write_text(
        settings.read_text("utf-8").replace("[delivery]", '[delivery]\nletter_day = "Thursday"', 1), "utf-8"
    )
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        restate(site, due_days(site, LAST), TABLES)
        check_register(site)
        propose(site)
    return home


def due(site: Site, day: dt.date) -> list[str]:
    return [f"{a.school.calendar.date(a.letter_day)}" for a in readiness_due(site, day)]


@pytest.mark.parametrize(
    ("today", "letter_days"),
    [
        ("2025-10-04", []),  # a Saturday: the list of Monday's morning would be for Thursday, three days on
        ("2025-10-06", []),
        ("2025-10-07", ["2025-10-09"]),
        ("2025-10-08", ["2025-10-09"]),  # the machine was off on Tuesday
        ("2025-10-09", ["2025-10-09"]),  # the batch is made in the night after it
        ("2025-10-10", []),
        # An INSET day on Friday 24 October, then half-term: the first day back is the letter day of that Thursday.
        ("2025-10-21", ["2025-10-23"]),
        ("2025-10-22", ["2025-10-23", "2025-11-03"]),
        ("2025-10-24", []),
        ("2025-10-29", []),  # nobody reads it in the holiday
        ("2025-11-01", ["2025-11-03"]),  # a Saturday: read on Monday
        ("2025-11-04", ["2025-11-06"]),
        ("2025-12-20", []),
        ("2026-01-03", []),
        ("2026-01-06", ["2026-01-06", "2026-01-08"]),  # the first day of term is the letter day of Christmas
        ("2026-05-19", []),  # the newest extract is of half a year ago: nobody waits for letters
        ("2027-08-01", []),  # after the last day of the calendar
    ],
)
def test_a_list_is_due_two_school_days_before_a_letter_day(site: Site, today: str, letter_days: list[str]) -> None:
    assert due(site, dt.date.fromisoformat(today)) == letter_days


def test_it_is_delivered_once_for_a_letter_day_to_two_audiences(site: Site, home: Path) -> None:
    (made,) = tell_readiness(site, TUESDAY, "a run")
    assert [f.relative_to(home / "outbox").as_posix() for f in made.folders] == [
        f"oakfield/{audience}/2025-26/2025-10-07/readiness" for audience in ("data-manager", "attendance-lead")
    ]
    assert tell_readiness(site, TUESDAY, "a run") == tell_readiness(site, WEDNESDAY, "a run") == []
    assert due(site, dt.date(2025, 10, 14)) == ["2025-10-16"]


def rows(folder: Path) -> list[dict[str, object]]:
    sheet = openpyxl.load_workbook(folder / "readiness.xlsx").worksheets[0]
    head, *body = list(sheet.iter_rows(values_only=True))
    return [dict(zip(map(str, head), row, strict=True)) for row in body]


def test_that_no_extract_came_is_said_first_and_no_pupil_is_named(site: Site, home: Path) -> None:
    (made,) = tell_readiness(site, WEDNESDAY, "a run")
    found = rows(made.folders[0])
    assert found[0]["How urgent"] == STOPS
    assert (
        found[0]["What"] == "No marks at all of one school day: 07/10; the newest register extract is of 6 October 2025"
    )
    assert found[0]["Where to look"] == "inbox/oakfield"
    text = " ".join(str(v) for book in made.folders for sheet in openpyxl.load_workbook(book / "readiness.xlsx")
                    for row in sheet.iter_rows(values_only=True) for v in row)  # fmt: skip
    assert pupils_named(home, text) == 0
    assert any("Rows set aside" in str(r["What"]) for r in found)


def test_letterhead_and_templates_that_would_stop_a_batch_are_named(home: Path) -> None:
    settings = home / "attendance.toml"
    text = settings.read_text("utf-8")
    settings.write_text(re.sub(r"(?s)\[schools\.letterhead\].*?(?=\n\[|\Z)", "", text), "utf-8")
    own = home / "letter_templates" / "en"
    own.mkdir(parents=True, exist_ok=True)
    (own / "letter_1.md.j2").write_text("Dear {{ nobody_knows }}\n", "utf-8")
    with open_site(home) as site:
        (made,) = tell_readiness(site, TUESDAY, "a run")
    said = [str(r["What"]) for r in rows(made.folders[0]) if r["How urgent"] == STOPS]
    assert any("no letterhead" in words for words in said)
    assert any("nobody_knows" in words for words in said)


def test_held_letters_are_counted_by_reason_and_what_is_restricted_is_not_named() -> None:
    found = held_matters(Counter({"no address": 3, "looked after": 1, "court restriction": 2, "unresolved N": 4}))
    assert [(m.what.removeprefix("Letters held: "), m.how_many, m.weight) for m in found] == [
        ("unresolved N", 4, STOPS),
        ("no address", 3, STOPS),
        ("a reason that stands in the folder `restricted` alone", 3, STOPS),
    ]
    assert LOOK != STOPS


def test_where_letters_go_every_day_the_last_of_a_school_week_stands_for_the_week(site: Site) -> None:
    calendar = site.schools()[0].calendar
    first, last = calendar.on_or_after(dt.date(2025, 10, 13)), calendar.on_or_before(dt.date(2025, 11, 7))
    days = [str(calendar.date(d)) for d in letter_days_from(calendar, first, last, None)]
    assert days == ["2025-10-17", "2025-10-23", "2025-11-07"], "the week that ended on a Thursday ends then"
