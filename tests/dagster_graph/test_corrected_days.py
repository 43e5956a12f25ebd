"""Which days Dagster calls out of date after corrections, and that a night puts exactly those right again.

Asked of a real instance in the way the UI asks: the stale status of every partition.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest
from demo_homes import LAST_NIGHT, LONG_AGO, REGISTER_HEADER, SCHOOLS, demo_home, table

from assets.extracts import EXTRACTS
from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import HOME_VARIABLE, open_home
from attendance_pipeline.running import QUIET, Runner, prepare_instance
from attendance_pipeline.steps.plan import night
from attendance_pipeline.steps.site import open_site
from schedules.jobs import DAYS
from schedules.timetable import range_tags

TWO_WEEKS = dt.date(2025, 9, 12)
ALL_DAYS = [f"2025-09-{d:02d}" for d in (2, 3, 4, 5, 8, 9, 10, 11, 12)]
PRESENT = ["/", "\\"]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two weeks taken in and derived, as the jobs do it."""
    folder = demo_home(tmp_path_factory.mktemp("done") / "home", LAST_NIGHT, pupils=30, schools=1, until=TWO_WEEKS)
    run(folder, "take_in_extracts")
    run(folder, "nightly", ALL_DAYS[0], ALL_DAYS[-1])
    return folder


@pytest.fixture
def home(done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = shutil.copytree(done, tmp_path / "home")
    monkeypatch.setenv(HOME_VARIABLE, str(copy))
    return copy


def run(home: Path, job: str, first: str = "", last: str = "") -> None:
    days = [dt.date.fromisoformat(d) for d in (first, last) if d]
    Runner(open_home(home), "a test").run(job, days=days)


@contextmanager
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(prepare_instance(open_home(home)))) as found:
        yield found


def out_of_date(home: Path, asset: str = "register") -> list[str]:
    """The days of an asset that are materialised and that Dagster calls stale."""
    graph = build_definitions(home).resolve_asset_graph()
    with instance(home) as found:
        status = CachingStaleStatusResolver(found, graph, LoadingContextForTest(found))
        return [d for d in ALL_DAYS if status.get_status(dg.AssetKey(asset), d).value == "STALE"]


def observations(home: Path) -> int:
    """How many events say which version a day has."""
    with instance(home) as found:
        return len(found.fetch_observations(EXTRACTS, limit=1000).records)


def waiting(home: Path) -> list[str]:
    """The days that the check of `register` named when it was last asked."""
    key = dg.AssetCheckKey(dg.AssetKey("register"), "no_corrected_day_waits")
    with instance(home) as found:
        record = found.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    evaluation = record.event.dagster_event.event_specific_data
    named = evaluation.metadata["which"].value
    days = [] if named == "none" else named.split(", ")
    assert evaluation.passed == (not days) and evaluation.metadata["corrected days"].value == len(days)
    return days


def nights_range(home: Path) -> tuple[str, ...]:
    with open_site(home) as site:
        return tuple(day.isoformat() for day in night(site, TWO_WEEKS).days)


def extract(home: Path, recorded: str, rows: list[tuple[str, str, str, str]]) -> None:
    text = REGISTER_HEADER + "".join(f"{upn},{day},{session},{code},,\n" for upn, day, session, code in rows)
    file = home / "inbox" / SCHOOLS[0] / f"register_{recorded}.csv"
    file.write_text(text, encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))


def some(home: Path, day: str, codes: list[str], count: int = 1) -> list[tuple[str, str, str, str]]:
    """So many marks of a day that have one of these codes."""
    marks = table(home, "register", "--from", day, "--to", day)
    return [(m.upn, m.date, m.session, m.code) for m in marks[marks["code"].isin(codes)].head(count).itertuples()]


def becoming(marks: list[tuple[str, str, str, str]], code: str) -> list[tuple[str, str, str, str]]:
    return [(upn, day, session, code) for upn, day, session, _ in marks]


def test_a_day_is_observed_again_only_when_it_reads_otherwise(home: Path) -> None:
    assert out_of_date(home) == [] == waiting(home)
    assert observations(home) == len(ALL_DAYS)
    run(home, "take_in_extracts")
    extract(home, "2025-09-15", some(home, "2025-09-10", PRESENT, 3))
    run(home, "take_in_extracts")
    assert observations(home) == len(ALL_DAYS), "nothing new was said"
    assert out_of_date(home) == [] == waiting(home)


@pytest.mark.parametrize(
    ("corrections", "stale", "derived_from"),
    [
        pytest.param({"2025-09-09": "O"}, ["2025-09-09"], "2025-09-09", id="one mark"),
        pytest.param(
            {"2025-09-09": "O", "2025-09-03": "", "2025-09-12": "I"},
            ["2025-09-03", "2025-09-09", "2025-09-12"],
            "2025-09-03",
            id="changed and withdrawn on three days",
        ),
        pytest.param(dict.fromkeys(ALL_DAYS, "I"), ALL_DAYS, "2025-09-02", id="every day of the term, in one extract"),
        pytest.param({"2025-09-05": "B"}, ["2025-09-05"], "2025-09-05", id="another code that counts the same"),
    ],
)
def test_exactly_the_corrected_days_are_stale_until_a_night_has_derived_them(
    home: Path, corrections: dict[str, str], stale: list[str], derived_from: str
) -> None:
    rows = [row for day, code in corrections.items() for row in becoming(some(home, day, PRESENT), code)]
    extract(home, "2025-09-15", rows)
    run(home, "take_in_extracts")
    assert out_of_date(home) == stale == waiting(home)
    assert observations(home) == len(ALL_DAYS) + len(stale)

    days = nights_range(home)
    assert list(days) == ALL_DAYS[ALL_DAYS.index(derived_from) :], "from the first of them to the newest, in one range"
    run(home, "nightly", days[0], days[-1])
    assert {asset: out_of_date(home, asset) for asset in DAYS} == {asset: [] for asset in DAYS}
    assert waiting(home) == []
    assert nights_range(home) == (ALL_DAYS[-1],), "the night after derives its own day alone"


def test_what_is_corrected_and_corrected_back_before_the_night_is_not_stale(home: Path) -> None:
    marks = some(home, "2025-09-09", PRESENT)
    for recorded, rows in (("2025-09-15", becoming(marks, "O")), ("2025-09-16", marks)):
        extract(home, recorded, rows)
        run(home, "take_in_extracts")
    assert out_of_date(home) == [] == waiting(home)
    assert observations(home) == len(ALL_DAYS) + 2


def test_a_day_of_which_every_mark_is_withdrawn_is_stale_too(home: Path) -> None:
    marks = some(home, "2025-09-04", sorted({*table(home, "register")["code"]}), 1000)
    extract(home, "2025-09-15", becoming(marks, ""))
    run(home, "take_in_extracts")
    assert out_of_date(home) == ["2025-09-04"] == waiting(home)
    days = nights_range(home)
    run(home, "nightly", days[0], days[-1])
    assert out_of_date(home) == [] == waiting(home)
    run(home, "take_in_extracts")
    assert observations(home) == len(ALL_DAYS) + 1, "that it has no marks is said once"


def test_days_that_were_taken_in_but_whose_night_failed_are_made_good_by_the_next(home: Path) -> None:
    extract(home, "2025-09-15", becoming(some(home, "2025-09-05", PRESENT), "I"))
    run(home, "take_in_extracts")
    extract(home, "2025-09-16", becoming(some(home, "2025-09-11", PRESENT), "I"))
    run(home, "take_in_extracts")
    assert out_of_date(home) == ["2025-09-05", "2025-09-11"] == waiting(home)
    assert nights_range(home)[0] == "2025-09-05"


def test_a_backfill_that_covers_them_clears_them_too(home: Path) -> None:
    extract(home, "2025-09-15", becoming(some(home, "2025-09-05", PRESENT), "I"))
    run(home, "take_in_extracts")
    run(home, "backfill", "2025-09-05", "2025-09-05")
    assert out_of_date(home) == []


def test_the_register_says_which_of_its_days_were_corrected(home: Path) -> None:
    extract(home, "2025-09-15", becoming(some(home, "2025-09-09", PRESENT), "O"))
    run(home, "take_in_extracts")
    definitions = build_definitions(home)
    with instance(home) as found, dg.partition_loading_context(effective_dt=dt.datetime(2025, 9, 20, tzinfo=dt.UTC)):
        result = definitions.resolve_job_def("nightly").execute_in_process(
            instance=found, tags=range_tags("2025-09-09", "2025-09-12"), run_config=QUIET
        )
        events = [e.materialization for e in result.get_asset_materialization_events()]
    register = {e.partition: e.metadata for e in events if e.asset_key == dg.AssetKey("register")}
    assert {day: said["corrected"].value for day, said in register.items()} == {
        "2025-09-09": True,
        "2025-09-10": False,
        "2025-09-11": False,
        "2025-09-12": False,
    }
    told = register["2025-09-12"]
    assert (told["corrected days"].value, told["which were corrected"].value) == (1, "2025-09-09")
