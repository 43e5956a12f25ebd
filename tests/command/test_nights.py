"""Demo, nights and backfills as commands: what they say, their exit codes, and what they leave in home and drive."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import dagster as dg
import pandas as pd
from demo_homes import (
    LAST_NIGHT,
    REGISTER_HEADER,
    SCHOOLS,
    Said,
    attendance,
    drop,
    drop_next_day,
    pupils_named,
    table,
    tree,
)

from schedules.timetable import RANGE_END, RANGE_START

DERIVED = ("measures", "groups", "stages", "stage_events", "penalty_notices", "tasks")


def derived(home: Path) -> dict[str, pd.DataFrame]:
    return {name: table(home, name) for name in DERIVED}


def letters(home: Path) -> pd.DataFrame:
    return table(home, "letters").sort_values("reference", ignore_index=True)


def same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> dict[str, bool]:
    """By table, whether two homes say the same: an assertion that fails shows the table, never a pupil."""
    return {name: one[name].equals(other[name]) for name in one}


ALL_THE_SAME = dict.fromkeys(DERIVED, True)


def runs(home: Path) -> list[dg.DagsterRun]:
    """The runs that the UI shows, oldest first."""
    with dg.DagsterInstance.from_config(str(home / "state" / "dagster")) as instance:
        return list(reversed(instance.get_runs()))


def a_mark_of(home: Path, day: str, code: str) -> pd.Series:
    """Some mark with this code on a day in the first school's register."""
    register = table(home, "register", "--school", SCHOOLS[0], "--from", day, "--to", day)
    return register[register["code"] == code].iloc[0]


# ---------------------------------------------------------------- the demonstration


def test_the_demonstration_ends_well_and_says_what_to_open(demonstration: tuple[Path, Said]) -> None:
    home, said = demonstration
    assert said.code == 0
    opened = [Path(line.strip()) for line in said.out.partition("Open:\n")[2].splitlines() if "outbox" in line]
    assert {file.name for file in opened} >= {"print-ready.pdf", "batch.xlsx", "worklist.xlsx", "class-lists.pdf"}
    small = [file.name for file in opened if file.stat().st_size <= 1000]
    assert set(small) <= {"held.csv"}  # a letter or two
    aside = len(table(home, "quarantine"))
    assert aside > 0
    assert f"({aside} in all): `attendance export quarantine` says where and why" in said.out
    assert pupils_named(home, said.out + said.err) == 0


def test_what_the_demonstration_says_of_letters_is_what_the_ledger_holds(demonstration: tuple[Path, Said]) -> None:
    home, said = demonstration
    ledger = letters(home)
    header, *lines = said.out.partition("Letters in the ledger:\n")[2].partition("\n\n")[0].splitlines()
    states = header.split()
    spoken = {
        (kind, state): int(n)
        for kind, *counts in map(str.split, lines)
        for state, n in zip(states, counts, strict=True)
    }
    counted = ledger.groupby(["kind", "state"]).size().to_dict()
    assert {key: n for key, n in spoken.items() if n} == counted
    assert sum(counted.values()) > 20


def test_every_run_of_a_command_is_in_the_homes_dagster_instance_with_who_started_it(
    demonstration: tuple[Path, Said],
) -> None:
    found = runs(demonstration[0])
    assert [run.job_name for run in found] == [
        *("take_in_extracts", "backfill", "take_in_extracts", "nightly"),
        *("weekly_class_lists", "weekly_monitoring", "fortnightly_pastoral_packs", "punctuality_raffle"),
    ]
    assert {run.tags.get("attendance/command") for run in found} == {"demo"}
    assert all(run.is_success for run in found)
    assert (found[1].tags[RANGE_START], found[1].tags[RANGE_END]) == ("2025-09-02", "2025-10-02")
    assert found[3].tags[RANGE_END] == LAST_NIGHT.isoformat()


# ---------------------------------------------------------------- nights


def test_a_late_correction_is_derived_again_from_its_day_on_and_a_row_set_aside_is_said_once(home: Path) -> None:
    before, aside = {name: table(home, name) for name in ("measures", "groups")}, len(table(home, "quarantine"))
    late, unusable = a_mark_of(home, "2025-09-10", "/"), a_mark_of(home, "2025-10-01", "/")
    rows = f"{late.upn},2025-09-10,AM,O,,\n{unusable.upn},2025-10-01,AM,QQ,,\n"
    drop(home, "register_2025-10-03_late.csv", REGISTER_HEADER + rows)
    said = attendance("nightly", "--home", home)
    assert said.code == 1
    assert said.out.startswith(f"Done: 18 school days, 2025-09-10 to {LAST_NIGHT}.\n")
    assert said.last_lines[0] == (
        f"1 row newly set aside ({aside + 1} in all): `attendance export quarantine` says where and why."
    )
    assert pupils_named(home, said.out + said.err) == 0
    assert list((home / "inbox").rglob("*.csv")) == []
    found = {name: of_the_late_file(home, name) for name in ("quarantine", "amendments")}
    assert found["quarantine"][["line", "column", "rule"]].to_numpy().tolist() == [["3", "Code", "unknown code"]]
    assert found["amendments"][["line", "old_code", "new_code"]].to_numpy().tolist() == [["2", "/", "O"]]
    by_night = derived(home)
    for name in before:
        changed = by_night[name]["date"][(by_night[name] != before[name]).any(axis=1)]
        assert (changed.min(), changed.nunique()) == ("2025-09-10", 18)

    ledger, drive = letters(home), tree(home / "outbox", without="this-morning")
    assert attendance("backfill", "--home", home, "--from", "2025-09-02", "--to", LAST_NIGHT).code == 0
    again = attendance("nightly", "--home", home)
    assert again.code == 0
    assert again.out.startswith(f"Done: school day {LAST_NIGHT}.\n")
    assert "newly" not in again.out
    assert same(by_night, derived(home)) == ALL_THE_SAME, "a backfill and another night give the same"
    assert ledger.equals(letters(home))
    assert tree(home / "outbox", without="this-morning") == drive
    assert [run.tags["attendance/command"] for run in runs(home)[-3:]] == ["backfill", "nightly", "nightly"]


def of_the_late_file(home: Path, name: str) -> pd.DataFrame:
    return table(home, name).query("extract == 'register_2025-10-03_late.csv'")


def test_a_night_that_failed_leaves_nothing_half_done_and_the_next_one_makes_it_good(home: Path) -> None:
    """A template cannot be used and the drive is not there; later all is as in a home where nothing failed."""
    monday = drop_next_day(home)
    calm = shutil.copytree(home, home.with_name("calm"))
    ledger, drive = letters(home), tree(home / "outbox")
    template = home / "letter_templates" / "en" / "letter_1.md.j2"
    template.parent.mkdir()
    template.write_text("# Attendance\n\n{{ first_name }} {{ no_such_field }}\n", encoding="utf-8")
    (home / "outbox").rename(home / "unplugged")

    failed = attendance("nightly", "--home", home)
    assert (failed.code, failed.out) == (3, "")
    assert f"letter_batches failed (TemplateError): {template}:3: no_such_field is not a field" in failed.err
    assert f"worklists failed (DeliveryError): the shared drive is not at {home / 'outbox'}: connect it" in failed.err
    assert pupils_named(home, failed.err) == 0
    assert [run.status.value for run in runs(home)[-2:]] == ["SUCCESS", "FAILURE"]
    assert letters(home).equals(ledger)
    assert tree(home / "unplugged") == drive
    assert not (home / "outbox").exists()

    template.unlink()
    (home / "unplugged").rename(home / "outbox")
    good, never_failed = attendance("nightly", "--home", home), attendance("nightly", "--home", calm)
    assert good.code in (0, 1)
    assert same(derived(home), derived(calm)) == ALL_THE_SAME
    assert letters(home).equals(letters(calm))
    assert (letters(home)["proposed_on"] == monday.isoformat()).any(), "Monday had no letter that could fail"
    drives = [tree(one / "outbox", without="manifest.json|this-morning") for one in (home, calm)]
    assert drives[0] == drives[1]
    delivered = [said.out.partition(" in the ledger")[0].partition("Delivered")[2] for said in (good, never_failed)]
    assert delivered[0].replace(str(home), "") == delivered[1].replace(str(calm), "") != ""


# ---------------------------------------------------------------- backfill


def test_a_backfill_sends_and_proposes_nothing_and_as_recorded_is_what_was_known_each_day(home: Path) -> None:
    before, ledger, drive = derived(home), letters(home), tree(home / "outbox")
    first, last = dt.date(2025, 9, 22), dt.date(2025, 9, 26)
    days = [first + dt.timedelta(days=i) for i in range(5)]
    period = ("--from", first, "--to", last)

    said = attendance("backfill", "--home", home, *period, "--as-recorded")
    assert (said.code, said.out.splitlines()[0]) == (0, f"Done: 5 school days, {first} to {last}.")
    run = runs(home)[-1]
    assert (run.job_name, run.tags["attendance/command"]) == ("backfill", "backfill")
    for name in ("measures", "stages"):
        kept = table(home, name, *period)
        known = [table(home, name, "--from", day, "--to", day, "--as-at", day) for day in days]
        by_school = [frame[frame["school"] == school] for school in SCHOOLS for frame in known]
        assert kept.equals(pd.concat(by_school, ignore_index=True)), name
    was, now = before["measures"], table(home, "measures", *period)
    assert not was[was["date"].between(*map(str, (first, last)))].reset_index(drop=True).equals(now), (
        "nothing came late"
    )

    assert attendance("backfill", "--home", home, *period).code == 0
    assert same(before, derived(home)) == ALL_THE_SAME
    assert ledger.equals(letters(home))
    assert tree(home / "outbox") == drive


def test_days_that_have_no_marks_yet_can_be_derived_and_move_nobodys_tasks(home: Path) -> None:
    tasks = table(home, "tasks")
    said = attendance("backfill", "--home", home, "--from", "2025-10-03", "--to", "2025-10-07")
    assert (said.code, said.out.splitlines()[0]) == (0, "Done: 3 school days, 2025-10-03 to 2025-10-07.")
    assert table(home, "stages")["date"].max() == "2025-10-07"
    assert table(home, "tasks").equals(tasks)
