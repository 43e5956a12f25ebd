"""`attendance export`: the contract's columns in every table, one content in every format, and what a period chooses."""

from __future__ import annotations

import datetime as dt
import io
import stat
from pathlib import Path

import pandas as pd
import pytest
from demo_homes import LAST_NIGHT, SCHOOLS, Said, attendance, demo_home, read, table

from attendance_pipeline.derive.tables import TABLES as DERIVED
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site

# The tables of the contract, section 4, column by column.
CONTRACT = {
    "register": "school, upn, date, session, code, recorded_on, extract, line",
    # and at the end, beside the contract's: why, and by whom
    "amendments": "school, upn, date, session, old_code, new_code, recorded_on, extract, line, reason, by",
    "quarantine": "school, extract, line, column, rule",
    "measures": "school, upn, date, measure, possible, attended, authorised, unauthorised, late_before_close, "
    "late_after_close, attendance",
    "groups": "school, date, group_kind, group, measure, pupils, possible, attended, authorised, unauthorised, attendance, "
    "persistent, severe",
    "stages": "school, upn, date, stage, status, episode, opened_on, review_due, reviews, checkpoint, tier",
    "stage_events": "school, upn, date, event, from_stage, to_stage, episode, attendance, threshold",
    "penalty_notices": "school, upn, date, rule, status, counted, needed, window_from, window_to, drops_out_on, blocked_by",
    "letters": "reference, school, upn, contact_id, kind, episode, stage, proposed_on, state, reason",
    "tasks": "school, owner, task, upn, opened_on, due_on, closed_on",
}
DAY = {"letters": "proposed_on", "tasks": "opened_on"}  # by which a period chooses, where it is not `date`
DATE = r"\d{4}-\d\d-\d\d"
WRITTEN = {
    "date": DATE,
    **dict.fromkeys(("recorded_on", "proposed_on", "due_on"), DATE),
    **dict.fromkeys(("opened_on", "review_due", "closed_on", "window_from", "window_to", "drops_out_on"), f"({DATE})?"),
    **dict.fromkeys(("attendance", "checkpoint", "threshold"), r"([01]\.\d{6})?"),
    **dict.fromkeys(
        ("possible", "attended", "authorised", "unauthorised", "counted", "needed", "pupils", "tier"), r"\d+"
    ),
    **dict.fromkeys(("episode", "reviews", "line", "persistent", "severe"), r"\d*"),
    "upn": r"[A-Z]\d{11}[\dA-Z]",
    "session": "AM|PM",
}
TABLES = pytest.mark.parametrize("name", CONTRACT)


@pytest.fixture
def home(demonstration: tuple[Path, Said]) -> Path:
    """The demonstration's home: an export changes nothing."""
    return demonstration[0]


@pytest.fixture(scope="module")
def printed(demonstration: tuple[Path, Said]) -> dict[str, Said]:
    """Every table, whole."""
    return {name: attendance("export", name, "--home", demonstration[0]) for name in CONTRACT}


@TABLES
def test_a_table_has_exactly_the_columns_of_the_contract_with_or_without_rows(
    name: str, printed: dict[str, Said], home: Path, tmp_path: Path
) -> None:
    header, said = CONTRACT[name].replace(", ", ",") + "\n", printed[name]
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(header)
    assert said.out.count(header) == 1
    rows = read(said)
    assert len(rows) > 0
    written = WRITTEN | ({"upn": f"({WRITTEN['upn']})?"} if name == "tasks" else {})  # some are of the whole school
    wrong = {c for c in rows if c in written and not rows[c].str.fullmatch(written[c]).all()}
    assert wrong == set()

    assert attendance("init", tmp_path / "empty").code == 0
    for options in [(), ("--from", "2025-09-02", "--to", "2025-09-05"), ("--as-at", "2025-09-10")]:
        empty = attendance("export", name, "--home", tmp_path / "empty", *options)
        assert (empty.code, empty.out, empty.err) == (0, header, "")
    assert attendance("export", name, "--home", home, "--from", "2026-07-01").out == header


@TABLES
def test_a_file_holds_what_is_printed_and_is_its_owners_alone(
    name: str, printed: dict[str, Said], home: Path, tmp_path: Path
) -> None:
    for file in (tmp_path / "table.csv", tmp_path / "table.parquet"):
        file.write_bytes(b"an older export")
        said = attendance("export", name, "--home", home, "-o", file)
        assert (said.code, said.out) == (0, "")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv", "table.parquet"]
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == printed[name].out
    again = io.StringIO()
    stored = pd.read_parquet(tmp_path / "table.parquet")
    stored.to_csv(again, index=False, float_format="%.6f", date_format="%Y-%m-%d", lineterminator="\n")
    assert again.getvalue() == printed[name].out


def test_a_table_without_rows_is_a_file_with_columns(tmp_path: Path) -> None:
    assert attendance("init", tmp_path / "empty").code == 0
    for name, columns in CONTRACT.items():
        file = tmp_path / f"{name}.parquet"
        assert attendance("export", name, "--home", tmp_path / "empty", "-o", file).code == 0
        assert pd.read_parquet(file).columns.tolist() == columns.split(", ")


@TABLES
def test_a_school_and_a_period_choose_rows_of_the_whole_table(name: str, printed: dict[str, Said], home: Path) -> None:
    whole = read(printed[name])
    assert set(whole["school"]) - {""} == set(SCHOOLS)
    for school in SCHOOLS:
        assert table(home, name, "--school", school).equals(whole[whole["school"] == school].reset_index(drop=True))
    if name == "quarantine":
        return
    first, last = "2025-09-15", "2025-09-19"
    inside = whole[whole[DAY.get(name, "date")].between(first, last)].reset_index(drop=True)
    assert 0 < len(inside) < len(whole)
    assert table(home, name, "--from", first, "--to", last).equals(inside)


def test_the_quarantine_is_bounded_by_the_day_on_which_the_file_was_made(home: Path) -> None:
    whole = table(home, "quarantine")
    made = whole["extract"].str.extract(f"_({DATE})")[0]
    chosen = table(home, "quarantine", "--from", "2025-09-08", "--to", "2025-09-26")
    assert 0 < len(chosen) < len(whole)
    assert chosen.equals(whole[made.between("2025-09-08", "2025-09-26")].reset_index(drop=True))


def test_groups_have_one_row_a_school_day_and_measure_and_the_trusts_rows_are_their_sums(
    printed: dict[str, Said],
) -> None:
    groups, measures = read(printed["groups"]), read(printed["measures"])
    keys = ["school", "date", "measure"]
    schools = groups[groups["group_kind"] == "school"]
    on_roll = measures.groupby(keys).size()
    assert (schools.groupby(keys).size() == 1).all()
    assert schools.set_index(keys)["pupils"].astype(int).sort_index().equals(on_roll.rename("pupils").sort_index())
    assert len(schools) == len(SCHOOLS) * 24 * 3

    trust = groups[groups["group_kind"] == "trust"].set_index(["date", "measure"]).sort_index()
    assert set(groups[groups["school"] == ""].index) == set(groups[groups["group_kind"] == "trust"].index)
    assert set(trust["group"]) == {"Oakfield Trust"}
    sums = ["pupils", "possible", "attended", "authorised", "unauthorised"]
    expected = schools.astype(dict.fromkeys(sums, int)).groupby(["date", "measure"])[sums].sum()
    assert trust[sums].astype(int).equals(expected)
    share = (expected["attended"] / expected["possible"]).map("{:.6f}".format)
    assert (trust["attendance"] == share.where(expected["possible"] > 0, "")).all()
    rolling = trust.index.get_level_values("measure") == "rolling_4_school_weeks"
    for count in ("persistent", "severe"):
        assert (trust[count][rolling] == "").all()
        by_school = schools[schools["measure"] != "rolling_4_school_weeks"].astype({count: int})
        assert trust[count][~rolling].astype(int).equals(by_school.groupby(["date", "measure"])[count].sum())


def test_as_at_a_day_is_what_a_home_says_that_never_got_a_later_extract(home: Path, tmp_path: Path) -> None:
    evening = dt.date(2025, 9, 19)
    earlier = demo_home(tmp_path / "earlier", LAST_NIGHT, until=evening)
    with open_site(earlier) as site:
        take_in(site, settle_seconds=0)
        restate(site, due_days(site, evening), DERIVED)
    later_known = 0
    for name in (name for name in CONTRACT if name != "letters"):
        then = table(home, name, "--as-at", evening)
        assert then.equals(table(earlier, name)), name
        now = table(home, name, "--to", evening)
        later_known += not then.equals(now)
    assert later_known > 2, "nothing was corrected after that day"


def test_an_evening_is_the_same_for_all_schools_also_for_one_whose_register_did_not_come(tmp_path: Path) -> None:
    evening = dt.date(2025, 9, 12)
    home = demo_home(tmp_path / "home", LAST_NIGHT, until=evening)
    (home / "inbox" / SCHOOLS[1] / f"register_{evening}.csv").unlink()
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
        restate(site, due_days(site, evening), DERIVED)
    assert set(table(home, "stages")["date"].groupby(table(home, "stages")["school"]).max()) == {str(evening)}
    for name in (name for name in CONTRACT if name != "letters"):
        assert table(home, name, "--as-at", evening).equals(table(home, name)), name
