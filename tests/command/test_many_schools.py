"""Several schools in one home: what lies in a school's folder is of that school alone, and a school that joins in the
middle of a term changes nothing for the others."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

import dagster as dg
import pytest
from demo_homes import LAST_NIGHT, PUPILS, SCHOOLS, Said, attendance, demo_home, table, tree

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import SETTINGS_FILE, open_home
from attendance_pipeline.register.roll import current_contacts, current_pupils
from attendance_pipeline.steps.plan import trust_folder
from attendance_pipeline.steps.readable import readable
from attendance_pipeline.steps.site import open_site

TABLES = ("register", "measures", "groups", "stages", "stage_events", "penalty_notices", "letters", "tasks")
GO_LIVE = dt.date(2025, 9, 29)
OF_THE_RUN = "this-morning"  # names the night


# ---------------------------------------------------------------- who may read what


def people(home: Path) -> dict[str, set[str]]:
    """By school its pupils' UPNs and the full names of pupils and contacts, without names that another school has too."""
    said: dict[str, set[str]] = {}
    with open_site(home) as site, site.warehouse.read() as conn:
        for school in site.schools():
            pupils, contacts = current_pupils(conn, school.id), current_contacts(conn, school.id)
            names = {
                f"{f} {s}"
                for rows in (pupils, contacts)
                for f, s in zip(rows["forename"], rows["surname"], strict=True)
            }
            said[school.id] = {*pupils["upn"], *(name for name in names if len(name) > 8)}
    return {
        school: mine - set().union(*(theirs for other, theirs in said.items() if other != school))
        for school, mine in said.items()
    }


def named_in(folder: Path, words: set[str]) -> dict[str, int]:
    """The files under a folder in which any of the words stand, and how many: never which."""
    found = {}
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        text = re.sub(r"\s+", " ", f"{file.name} {readable(file.name, file.read_bytes())}")
        if many := sum(word in text for word in words):
            found[file.relative_to(folder).as_posix()] = many
    return found


def test_a_schools_folder_names_nobody_of_another_and_the_trusts_nobody_at_all(
    demonstration: tuple[Path, Said], tmp_path: Path
) -> None:
    home = shutil.copytree(demonstration[0], tmp_path / "home")
    assert attendance("governors", "--home", home).code in (0, 1)
    drive, of_school = home / "outbox", people(home)
    for school, words in of_school.items():
        assert len(words) > PUPILS, "the other school's names are looked for"
        assert len(named_in(drive / school, words)) > 10, "names are found where they belong"
        for other in set(of_school) - {school}:
            assert named_in(drive / other, words) == {}, f"{school} in the folder of {other}"
    trust = drive / trust_folder(open_home(home))
    assert len([p for p in trust.rglob("*") if p.is_file()]) >= 2
    assert named_in(trust, set().union(*of_school.values())) == {}
    assert {p.name for p in drive.iterdir() if p.is_dir() and not p.name.startswith(".")} == {*SCHOOLS, trust.name}


# ---------------------------------------------------------------- a school that joins


@pytest.fixture(scope="module")
def joined(demonstration: tuple[Path, Said], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Said]:
    """The demonstration's home before, the same after a third school joined it, and what its first night said."""
    before, folder = demonstration[0], tmp_path_factory.mktemp("joined")
    three = demo_home(folder / "three", LAST_NIGHT, pupils=PUPILS, schools=3)
    (third,) = set(open_home(three).school_ids) - set(SCHOOLS)
    home = shutil.copytree(before, folder / "home")
    shutil.copytree(three / "inbox" / third, home / "inbox" / third)
    # Its term began two days later.
    calendar = (three / "calendars" / "demo.toml").read_text(encoding="utf-8")
    closed = calendar.replace("closures = []", "closures = [2025-09-02, 2025-09-03]", 1)
    assert closed != calendar
    (home / "calendars" / "third.toml").write_text(closed, encoding="utf-8")
    *_, block = (three / SETTINGS_FILE).read_text(encoding="utf-8").split("[[schools]]")
    block = block.replace("calendars/demo.toml", "calendars/third.toml").replace(
        'register_extracts = "changes"', f'register_extracts = "changes"\ngo_live = {GO_LIVE}'
    )
    settings = home / SETTINGS_FILE
    settings.write_text(f"{settings.read_text(encoding='utf-8')}\n[[schools]]{block}", encoding="utf-8")
    assert attendance("check", "--home", home).code == 0
    return before, home, attendance("nightly", "--home", home, "--date", LAST_NIGHT)


def third_of(home: Path) -> str:
    (third,) = set(open_home(home).school_ids) - set(SCHOOLS)
    return third


def test_a_school_that_joins_has_its_whole_term_after_one_night(joined: tuple[Path, Path, Said]) -> None:
    _, home, said = joined
    third = third_of(home)
    assert said.code in (0, 1), said.err
    stages = table(home, "stages", "--school", third)
    school = open_home(home).school(third)
    last = school.calendar.on_or_before(LAST_NIGHT)
    assert sorted(set(stages["date"])) == [school.calendar.date(i).isoformat() for i in range(last + 1)]
    assert "2025-09-03" not in set(stages["date"])
    assert list((home / "inbox" / third).glob("*.csv")) == []
    what = {
        p.parts[3]
        for p in (p.relative_to(home / "outbox" / third) for p in (home / "outbox" / third).rglob("*"))
        if len(p.parts) == 4
    }
    assert {"worklists", "data-quality", "classes"} <= what
    assert (home / "outbox" / third / "attendance-lead" / "board" / "index.html").is_file()


def test_no_letter_is_of_the_time_before_it_went_live_and_there_is_no_flood(joined: tuple[Path, Path, Said]) -> None:
    _, home, _ = joined
    letters = table(home, "letters", "--school", third_of(home))
    assert (letters["proposed_on"] >= GO_LIVE.isoformat()).all()
    by_night = letters[letters["state"] == "proposed"].groupby("proposed_on").size()
    assert (by_night <= max(5, PUPILS * 0.05)).all()


def test_the_others_have_what_they_had_byte_for_byte(joined: tuple[Path, Path, Said]) -> None:
    before, home, _ = joined
    for school in SCHOOLS:
        for name in TABLES:
            was, now = (table(h, name, "--school", school) for h in (before, home))
            assert was.equals(now), f"{name} of {school}"
        assert tree(home / "outbox" / school, without=OF_THE_RUN) == tree(
            before / "outbox" / school, without=OF_THE_RUN
        ), school


def days_shown(home: Path) -> set[str]:
    graph = build_definitions(home).resolve_asset_graph()
    partitions = graph.get(dg.AssetKey("register")).partitions_def
    assert partitions is not None
    return set(partitions.get_partition_keys(current_time=dt.datetime(2030, 1, 1, tzinfo=dt.UTC)))


def test_dagster_shows_a_day_that_any_school_has(joined: tuple[Path, Path, Said]) -> None:
    before, home, _ = joined
    assert days_shown(home) == days_shown(before)
    assert {"2025-09-02", "2025-09-03"} < days_shown(home), "the third school is shut, and the others are not"
