"""What the note says of a night, as a table: facts, the headline they come to, and lines; and how the page is made."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from browser import open_browser

from attendance_pipeline.reports.morning_note import (
    Night,
    SchoolNight,
    Trouble,
    as_page,
    as_text,
    school_note,
    trust_note,
)

LONDON = ZoneInfo("Europe/London")
NOW = dt.datetime(2026, 11, 24, 6, 30, tzinfo=LONDON)
GOOD = dt.datetime(2026, 11, 24, 2, 41, tzinfo=LONDON)
MONDAY = dt.date(2026, 11, 23)
WELL = SchoolNight(
    "oakfield", "Oakfield Primary School", expected=MONDAY, register_day=MONDAY, newest=MONDAY, derived=1
)
TROUBLE = Trouble("", "worklists", "drive-missing", "the shared drive is not at S:", NOW, NOW)


def night(*schools: SchoolNight, **more: Any) -> Night:
    due = dt.datetime(2026, 11, 25, 8, tzinfo=LONDON)
    return Night("Oakfield Trust", NOW, GOOD, due, schools or (WELL,), **more)


@pytest.mark.parametrize(
    ("headline", "facts", "more", "line"),
    [
        ("All is well", {}, {}, "Register: up to Monday 23 November 2026, as it should be."),
        ("All is well", {"held": 9, "aside": 9}, {}, "In the ledger: no letters proposed, 9 held."),
        ("The night is done; something waits for a person", {"newly_held": 1, "held": 9}, {},
         "One letter newly held (9 in all), each with its reasons. Look at: `attendance letters list --state held`"),
        ("The night is done; something waits for a person", {"newly_aside": 2, "aside": 2}, {},
         "Two rows or files newly set aside: could not be used. Look at: `attendance export quarantine`"),
        ("The night is done; something waits for a person", {"failed_checks": 1, "quality_folder": "oakfield/q"}, {},
         "One check of the register of Monday 23 November 2026 fell short; letters may wait for it. "
         "Look at: oakfield/q/what-to-do.html"),
        ("The night is done; something waits for a person", {"unsupported": 1}, {},
         "One letter sent that would not be sent today, after corrections. Which: `attendance impact`"),
        ("The night is done; something waits for a person", {"left_in_inbox": 2}, {},
         "Two files left in inbox/oakfield/: open in a program, or not an extract. They are tried again."),
        ("The night is done; something waits for a person", {"no_inbox": True}, {},
         "There is no inbox: nothing can come, since inbox/oakfield/ is no folder that can be read. "
         "Make it, put it back or give access."),
        ("The register has not come", {"late": 1, "is_late": True, "register_day": dt.date(2026, 11, 20)}, {},
         "The newest register extract is of Friday 20 November 2026: one school day late."),
        ("The register has not come", {"late": 3, "is_late": True, "register_day": None}, {},
         "No register extract has ever come (three school days since this school was set up)."),
        ("All is well", {"late": 1, "register_day": dt.date(2026, 11, 20)}, {},
         "Register: the newest register extract is of Friday 20 November 2026: one school day late."),
        ("The night is not finished yet", {}, {"unfinished": True, "due_hour": 9}, "after 09:00"),
        ("The night failed: the shared drive is not there", {"newly_held": 1, "late": 1, "is_late": True},
         {"troubles": [TROUBLE]}, "In the program's own words: the shared drive is not at S:"),
        ("The night failed: the shared drive is not there", {"counted": False},
         {"troubles": [TROUBLE], "uncounted": "the database cannot be reached"},
         "Not known: the database cannot be reached"),
        ("No night was finished", {}, {"troubles": [Trouble("", "nightly", "not-finished", "", GOOD, NOW, 2)]},
         "No night was finished since Tuesday 24 November 2026, 02:41: two school days late."),
    ],
)  # fmt: skip
def test_what_the_facts_come_to(headline: str, facts: dict[str, Any], more: dict[str, Any], line: str) -> None:
    school = replace(WELL, **facts)
    note = school_note(night(school, **more), school)
    assert note.headline == headline
    assert line in "\n".join(text for part in note.parts for text in part.lines)


def test_of_a_trust_what_concerns_all_comes_first_and_the_schools_with_the_worst_first() -> None:
    failed = replace(WELL, id="c", name="Ashdown", troubles=[replace(TROUBLE, school="c", step="board")])
    late = replace(WELL, id="b", name="Beech", late=2, is_late=True, register_day=dt.date(2026, 11, 19))
    look = replace(WELL, id="d", name="Dale", newly_held=1, held=1)
    note = trust_note(night(WELL, look, late, failed))
    assert note.headline == "One school failed; the others are done"
    assert [row[:2] for row in note.rows] == [
        ("Ashdown", "failed"),
        ("Beech", "late"),
        ("Dale", "to look at"),
        ("Oakfield Primary School", "well"),
    ]
    assert [part.heading for part in note.parts] == [
        "One school failed",
        "The register has not come",
        "What waits for a person",
    ]
    assert trust_note(night(WELL, look, late)).headline == "The register of one school has not come"
    assert trust_note(night(WELL, look)).headline == "The night is done; something waits for a person"
    assert trust_note(night(WELL, WELL)).headline == "All is well"


def test_the_page_says_what_the_text_says_and_nothing_of_it_is_html() -> None:
    school = replace(WELL, name="St <b>Ann</b> & Co", newly_held=1, held=1, letters_folder="oakfield/class-5 A/x")
    note = school_note(night(school), school)
    page, text = as_page(note), as_text(note)
    assert "St &lt;b&gt;Ann&lt;/b&gt; &amp; Co" in page
    assert "St <b>Ann</b> & Co" in text
    assert '<a href="../../../oakfield/class-5%20A/x/held.csv">oakfield/class-5 A/x/held.csv</a>' in page
    assert "<code>attendance health</code>" in page
    bare = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("<main>")[1].split("<footer>")[0]))
    for part in note.parts:
        for line in part.lines:
            words = re.sub(r"[`\s]+", " ", line).replace("<b>", "&lt;b&gt;")
            assert re.sub(r"\W+", "", words) in re.sub(r"\W+", "", bare)


@pytest.mark.parametrize(("later", "old"), [(dt.timedelta(hours=25), False), (dt.timedelta(hours=26), True)])
def test_a_page_that_is_opened_too_late_says_itself_that_it_is_old(later: dt.timedelta, old: bool, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "note.html").write_text(as_page(school_note(night(), WELL)), encoding="utf-8")
    with open_browser() as browser:
        page = browser.new_page()
        page.clock.set_fixed_time(NOW + later)
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text))
        page.goto((tmp_path / "note.html").as_uri())
        assert page.locator("#old").is_visible() == old
        assert problems == []
