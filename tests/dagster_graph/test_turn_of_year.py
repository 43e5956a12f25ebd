"""A home that crosses 1 September with real nights, and one whose calendar has no next year."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import dagster as dg
import openpyxl
import pandas as pd
import pytest
from demo_homes import attendance, table
from small_home import ANN, BEN, drop, drop_contacts, drop_pupils, drop_weeks, load, small_home

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import open_home
from attendance_pipeline.law.next_year import turn_of_year, year_that_begins, year_wanted
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar
from attendance_pipeline.running import prepare_instance
from attendance_pipeline.steps.school_year import school_year_matters
from attendance_pipeline.steps.site import open_site

LAST, FIRST, SECOND = dt.date(2026, 7, 17), dt.date(2026, 9, 1), dt.date(2026, 9, 2)
LOG = "UPN,Date,Action,Stage,Contact ID,By"


@pytest.fixture(scope="module")
def summer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann and Ben were away for most of June. The term is done; the extracts of September lie beside the home."""
    home = small_home(tmp_path_factory.mktemp("turn") / "home")
    away = "06-08 to 06-26 O"
    drop_pupils(home, "06-01")
    drop_contacts(home, "06-01", {ANN: "1 Elm Road", BEN: "2 Elm Road"})
    drop_weeks(home, {ANN: away, BEN: away})
    later = home / "later"
    later.mkdir()
    for file in (home / "inbox" / "oakfield").glob("register_2026-*"):
        if file.stem > "register_2026-08":
            shutil.move(file, later / file.name)
    load(home)
    assert attendance("nightly", "--home", home, "--date", LAST).code in (0, 1)
    # Ann's letter went out in July; Ben's is still proposed when the year ends.
    drop(home, "interventions_2026-07-17.csv", LOG, [f"{ANN},2026-07-16,letter_sent,1,,x"])
    assert attendance("nightly", "--home", home, "--date", LAST).code in (0, 1)
    return home


@pytest.fixture
def home(summer: Path, tmp_path: Path) -> Path:
    return shutil.copytree(summer, tmp_path / "home")


def bring(home: Path) -> None:
    """The register extracts of September."""
    for file in (home / "later").glob("*"):
        shutil.move(file, home / "inbox" / "oakfield" / file.name)


def of_the_ladder(home: Path) -> pd.DataFrame:
    """The first letters of the ledger: those of cases go by other windows, which cross years."""
    letters = table(home, "letters")
    return letters[letters["kind"] == "letter_1"]


def test_the_first_nights_of_september_begin_afresh_and_propose_no_old_letter_again(home: Path) -> None:
    before = of_the_ladder(home)
    assert set(before["upn"]) == {ANN, BEN}
    stages = table(home, "stages", "--from", LAST, "--to", LAST).set_index("upn")["stage"]
    assert (stages[ANN], stages[BEN]) == ("1", "1")
    bring(home)
    for day in (FIRST, SECOND):
        said = attendance("nightly", "--home", home, "--date", day)
        assert said.code in (0, 1), said.err
    september = table(home, "measures", "--from", FIRST, "--to", SECOND)
    to_date = september[(september["measure"] == "year_to_date") & (september["upn"] == ANN)].set_index("date")
    assert to_date["possible"].to_dict() == {"2026-09-01": "2", "2026-09-02": "4"}, "the year to date begins again"
    stages = table(home, "stages", "--from", FIRST, "--to", SECOND)
    assert set(stages["stage"]) == {"0"}, "every pupil begins the year at stage 0"
    after = of_the_ladder(home)
    assert len(after) == len(before), "no letter is proposed again"
    assert set(after[after["upn"] == ANN]["state"]) == {"sent"}
    assert not (set(after[after["state"] == "proposed"]["upn"]) & {ANN})


def test_the_days_of_the_new_year_are_there_in_dagster_and_were_run(home: Path) -> None:
    bring(home)
    assert attendance("nightly", "--home", home, "--date", SECOND).code in (0, 1)
    definitions = build_definitions(home)
    partitions = definitions.resolve_asset_graph().get(dg.AssetKey("stage_statuses")).partitions_def
    assert partitions is not None
    days = partitions.get_partition_keys(current_time=dt.datetime(2026, 12, 1, tzinfo=dt.UTC))
    assert {"2026-07-17", "2026-09-01", "2026-10-16"} <= set(days)
    assert not [d for d in days if "2026-07-17" < d < "2026-09-01"]
    dg.Definitions.validate_loadable(definitions)
    with dg.DagsterInstance.from_config(str(prepare_instance(open_home(home)))) as instance:
        made = instance.get_materialized_partitions(dg.AssetKey("stage_statuses"))
    assert {"2026-09-01", "2026-09-02"} <= made


def test_a_calendar_without_a_next_year_stops_no_night_and_says_what_to_do(home: Path) -> None:
    file = home / "calendars" / "small.toml"
    whole = file.read_text("utf-8")
    first, _, second = whole.rpartition("[[years]]")
    file.write_text(first, "utf-8")
    bring(home)
    before = table(home, "letters")
    said = attendance("nightly", "--home", home, "--date", dt.date(2026, 9, 10))
    assert said.code in (0, 1), said.err
    assert "the calendar ends on 17/07/2026" in said.out
    assert "add the next school year" in said.out
    assert table(home, "letters").equals(before), "no letter comes of days that the calendar does not know"
    assert attendance("check", "--home", home).code == 0
    (told,) = (home / "outbox" / "oakfield" / "data-manager").glob("*/*/school-year")
    rows = list(openpyxl.load_workbook(told / "school-year.xlsx").active.iter_rows(values_only=True))
    assert any("The calendar ended on 17 July 2026" in str(row) for row in rows)
    # The year is entered: the days whose marks were kept all along are worked out now.
    file.write_text(f"{first}[[years]]{second}", "utf-8")
    assert attendance("nightly", "--home", home, "--date", SECOND).code in (0, 1)
    september = table(home, "measures", "--from", FIRST, "--to", SECOND)
    assert len(september) == 2 * 3 * 6, "two days, three measures, six pupils"


def calendar(*years: tuple[str, str, str]) -> SchoolCalendar:
    made = [
        {"name": n, "terms": [{"name": "T", "season": "autumn", "starts": a, "ends": b}], "inset": [], "closures": []}
        for n, a, b in years
    ]
    return SchoolCalendar(CalendarSetting.model_validate({"years": made}))


ONE = calendar(("2025/26", "2025-09-01", "2026-07-17"))
TWO = calendar(("2025/26", "2025-09-01", "2026-07-17"), ("2026/27", "2026-09-01", "2027-07-16"))


@pytest.mark.parametrize(
    ("known", "today", "turn"),
    [
        (ONE, "2026-05-21", ""),
        (ONE, "2026-05-22", "soon"),  # eight weeks before the last day
        (ONE, "2026-07-09", "soon"),
        (ONE, "2026-07-10", "last days"),
        (ONE, "2026-07-17", "last days"),
        (ONE, "2026-07-18", "over"),
        (ONE, "2026-09-01", "over"),
        (ONE, "2025-09-01", ""),  # the first year of all begins with nothing to hand over
        (TWO, "2026-07-18", ""),
        (TWO, "2026-08-17", ""),
        (TWO, "2026-08-18", "begins"),
        (TWO, "2026-09-15", "begins"),
        (TWO, "2026-09-16", ""),
        (TWO, "2027-07-17", "over"),
    ],
)
def test_where_a_date_stands_at_the_turn_of_the_year(known: SchoolCalendar, today: str, turn: str) -> None:
    day = dt.date.fromisoformat(today)
    assert turn_of_year(known, day) == turn
    assert bool(year_wanted(known, day)) == (turn in ("soon", "last days", "over"))
    assert (year_that_begins(known, day) is not None) == (turn == "begins")


def test_when_a_year_begins_it_is_said_which_extracts_are_still_those_of_the_old_one(home: Path) -> None:
    def kinds() -> list[str]:
        with open_site(home) as site:
            matters = school_year_matters(site, site.schools()[0], FIRST)
            return [m.what.split()[1] for m in matters if m.what.startswith("No ")]

    assert kinds() == ["classes", "pupils", "contacts"]
    drop_pupils(home, "09-01")
    load(home)
    assert kinds() == ["classes", "contacts"]
