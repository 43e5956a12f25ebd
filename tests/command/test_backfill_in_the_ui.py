"""A term rerun by hand in a browser, by GraphQL and at the command line: the same tables, one run each, nothing sent.

A real `attendance ui` with its daemon, a real Chromium. The page's own words are what is clicked, as docs/handbook.md
tells a data manager to: when a new Dagster says them otherwise, this test says so before a data manager does.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import open_browser
from dagster_page import LOCATION, graphql, served, until
from demo_homes import LAST_NIGHT, REGISTER_HEADER, SCHOOLS, attendance, drop, pupils_named, table, tree
from playwright.sync_api import Page, expect

from attendance_pipeline.home import open_home
from attendance_pipeline.running import Runner
from schedules.timetable import RANGE_END, RANGE_START

TABLES = ("measures", "groups", "stages", "stage_events", "penalty_notices", "tasks", "letters", "quarantine")
TERM = ("2025-09-02", "2025-09-19")
EARLIER_AS_KNOWN = ("2025-09-22", "2025-09-26")
CORRECTED = "2025-09-10"
DERIVED = ("attendance_measures", "stage_statuses", "penalty_notice_eligibility")
FINISHED_WITHIN = 400  # the daemon looks every 30 seconds; a run is then started within 15
PATIENCE = 150_000  # ms, for a page on a machine that does much else

RUNS = """{ runsOrError { ... on Runs { results {
  runId jobName status tags { key value } assetMaterializations { assetKey { path } partition
    metadataEntries { label ... on TextMetadataEntry { text } } }
} } } }"""
PARTITIONS = """query($repository: RepositorySelector!, $set: String!) {
  partitionSetOrError(repositorySelector: $repository, partitionSetName: $set) {
    ... on PartitionSet { partitionsOrError { ... on Partitions { results { name } } } } } }"""
LAUNCH = """mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename ... on LaunchBackfillSuccess { backfillId } } }"""
UNSYNCED = """query($key: AssetKeyInput!, $day: String) {
  assetNodeOrError(assetKey: $key) { ... on AssetNode { staleStatus(partition: $day) } } }"""
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}


def said_of(home: Path) -> dict[str, str]:
    """By table, what `attendance export` prints of it, byte for byte."""
    return {name: attendance("export", name, "--home", home).out for name in TABLES}


def corrected_homes(home: Path) -> tuple[Path, Path]:
    """Two equal homes whose register was corrected late: taken in, and no night has followed."""
    marks = table(home, "register", "--school", SCHOOLS[0], "--from", CORRECTED, "--to", CORRECTED)
    present = marks[marks["code"].isin(["/", "\\"])].head(20)
    rows = "".join(f"{m.upn},{m.date},{m.session},O,,\n" for m in present.itertuples())
    drop(home, f"register_{LAST_NIGHT}_late.csv", REGISTER_HEADER + rows)
    # As a command takes in: the sensor leaves the run alone, and no night follows.
    Runner(open_home(home), "a test").run("take_in_extracts")
    return home, shutil.copytree(home, home.with_name("by-command"))


def launch_by_graphql(port: int, job: str, days: tuple[str, str], **more: Any) -> str:
    found = graphql(port, PARTITIONS, repository=REPOSITORY, set=f"{job}_partition_set")
    names = [p["name"] for p in found["partitionSetOrError"]["partitionsOrError"]["results"]]
    chosen = [name for name in names if days[0] <= name <= days[1]]
    selector = {"partitionSetName": f"{job}_partition_set", "repositorySelector": REPOSITORY}
    params = {"selector": selector, "partitionNames": chosen, **more}
    return graphql(port, LAUNCH, params=params)["launchPartitionBackfill"]["backfillId"]


def launch_by_hand(page: Page, port: int, job: str, days: tuple[str, str]) -> None:
    """What the handbook tells: the job, its partitions, the days, Launch backfill."""
    page.goto(f"http://127.0.0.1:{port}/jobs")
    page.get_by_text(job, exact=True).click()
    page.get_by_role("tab", name="Partitions").click()
    page.get_by_role("button", name="Materialize").first.click()
    older = page.get_by_text("Show all partitions")
    older.click()
    expect(older).to_be_hidden()
    box = page.get_by_role("textbox").last
    box.fill(f"[{days[0]}...{days[1]}]")
    box.press("Enter")
    expect(page.get_by_text("14 partitions", exact=True)).to_be_visible()
    page.get_by_role("button", name="Launch backfill").click()
    expect(page.get_by_text("Created backfill")).to_be_visible()


def runs_of_backfills(port: int) -> dict[str, list[dict[str, Any]]]:
    """The runs that backfills of the page have started, by the tag of the backfill."""
    out: dict[str, list[dict[str, Any]]] = {}
    for run in graphql(port, RUNS)["runsOrError"]["results"]:
        tags = {t["key"]: t["value"] for t in run["tags"]}
        if "dagster/backfill" in tags:
            out.setdefault(tags["dagster/backfill"], []).append({**run, "tags": tags})
    return out


def finished(port: int, count: int) -> dict[str, list[dict[str, Any]]] | None:
    """The runs of so many backfills when none of them is under way any more."""
    found = runs_of_backfills(port)
    every = [run["status"] for runs in found.values() for run in runs]
    return found if len(found) == count and {*every} <= {"SUCCESS", "FAILURE", "CANCELED"} else None


def marks_used(run: dict[str, Any]) -> set[str]:
    """What the run's own pages say of the marks that each table was derived from."""
    return {
        entry["text"]
        for made in run["assetMaterializations"]
        for entry in made["metadataEntries"]
        if entry["label"] == "marks used"
    }


def unsynced(port: int, days: list[str]) -> list[str]:
    """The days of `register` that the page calls unsynced."""
    key = {"path": ["register"]}
    said = {day: graphql(port, UNSYNCED, key=key, day=day)["assetNodeOrError"]["staleStatus"] for day in days}
    return [day for day, status in said.items() if status == "STALE"]


@pytest.fixture
def page() -> Iterator[Page]:
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900}, timezone_id="Europe/London", locale="en-GB")
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page


def test_a_term_is_rerun_by_hand_and_by_graphql_as_at_the_command_line(home: Path, page: Page) -> None:
    home, other = corrected_homes(home)
    before, ledger, drive = said_of(home), table(home, "letters"), tree(home / "outbox")
    days = [f"2025-09-{day:02d}" for day in (8, 9, 10, 11, 12)]
    as_recorded = {"ops": {name: {"config": {"as_recorded": True}} for name in DERIVED}}

    with served(home) as port:
        assert until(lambda: unsynced(port, days) or None, 120, "a corrected day is unsynced") == [CORRECTED]
        page.goto(f"http://127.0.0.1:{port}/assets/register?view=checks")
        page.get_by_text("no_corrected_day_waits").first.click()
        expect(page.get_by_text(CORRECTED, exact=True).first).to_be_visible()

        launch_by_hand(page, port, "backfill", TERM)
        launch_by_graphql(port, "backfill", EARLIER_AS_KNOWN, runConfigData=as_recorded)
        found = until(lambda: finished(port, 2), FINISHED_WITHIN, "both backfills")
        by_days = {(r["tags"][RANGE_START], r["tags"][RANGE_END]): r for runs in found.values() for r in runs}
        assert [len(runs) for runs in found.values()] == [1, 1], "each range is one run"
        assert {d: (r["jobName"], r["status"], marks_used(r)) for d, r in by_days.items()} == {
            TERM: ("backfill", "SUCCESS", {"every mark loaded"}),
            EARLIER_AS_KNOWN: ("backfill", "SUCCESS", {"those known on each day"}),
        }
        assert unsynced(port, days) == []
        assert pupils_named(home, str(found)) == 0

    for first, last in by_days:
        known = ["--as-recorded"] if (first, last) == EARLIER_AS_KNOWN else []
        assert attendance("backfill", "--home", other, "--from", first, "--to", last, *known).code in (0, 1)
    by_hand, by_command = said_of(home), said_of(other)
    assert {name: by_hand[name] == by_command[name] for name in TABLES} == dict.fromkeys(TABLES, True)
    assert by_hand["measures"] != before["measures"], "nothing was corrected"

    assert table(home, "letters").equals(ledger), "a backfill proposes and sends nothing"
    after = tree(home / "outbox")
    assert {path: after.get(path) for path in drive} == drive, "no delivery is touched"
    new = sorted(set(after) - set(drive))
    reports = sorted({path.rpartition("/")[0] for path in new})
    to_manager = re.compile(rf"[a-z]+/data-manager/2025-26/{LAST_NIGHT}/(impact|data-quality)(-[0-9]+)?")
    assert [path for path in reports if not to_manager.fullmatch(path)] == [], "to the data manager alone"
    impacts = [path for path in reports if "/impact" in path]
    assert impacts, "twenty marks were corrected"
