"""What Dagster shows of the data, and what the commands put on the drive of it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import dagster as dg
import pandas as pd
from demo_homes import LAST_NIGHT, REGISTER_HEADER, SCHOOLS, Said, attendance, drop, pupils_named, table

from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps.site import open_site

MONDAY = LAST_NIGHT + dt.timedelta(days=3)
GROUPS = {"registers_taken", "reasons_known", "marks_believable", "corrections_usual", "roll_and_contacts"}


def checks(home: Path, job: str = "nightly") -> dict[str, dg.AssetCheckEvaluation]:
    """What the newest run of a job said of the register, by check."""
    with dg.DagsterInstance.from_config(str(home / "state" / "dagster")) as instance:
        run = next(r for r in instance.get_runs() if r.job_name == job)
        logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [log.dagster_event.asset_check_evaluation_data for log in logs if log.dagster_event]
    return {e.check_name: e for e in found}


def values(evaluation: dg.AssetCheckEvaluation) -> dict[str, object]:
    return {name: entry.value for name, entry in evaluation.metadata.items()}


def told(home: Path) -> list[str]:
    """The folders that a data manager was given, by school and date."""
    found = (home / "outbox").rglob("data-quality*")
    return sorted("/".join(path.relative_to(home / "outbox").parts[i] for i in (0, 3, 4)) for path in found)


def a_class(home: Path) -> tuple[str, list[str]]:
    """A class of five or more in the first school, and the UPNs of those who are in it on the last night."""
    register = table(home, "register", "--school", SCHOOLS[0], "--from", LAST_NIGHT)
    with open_site(home) as site, site.warehouse.read() as conn:
        pupils = current_pupils(conn, SCHOOLS[0]).set_index("upn")["class"]
    here = pupils[pupils.index.isin(register["upn"])]
    sizes = here.value_counts()
    name = sizes[sizes >= 5].index[0]
    return name, list(here[here == name].index)


def drop_monday(home: Path, without: list[str]) -> None:
    """Monday's registers, as the last night's were, without the morning ones of some."""
    for school in SCHOOLS:
        marks = table(home, "register", "--school", school, "--from", LAST_NIGHT, "--to", LAST_NIGHT)
        marks = marks[~(marks["upn"].isin(without) & (marks["session"] == "AM"))].assign(date=MONDAY.isoformat())
        rows: pd.Series[str] = marks[["upn", "date", "session", "code"]].agg(",".join, axis=1)
        drop(home, f"register_{MONDAY}.csv", REGISTER_HEADER + "".join(f"{row},,\n" for row in rows), school)


def test_the_demonstrations_night_shows_each_group_of_checks_in_counts(demonstration: tuple[Path, Said]) -> None:
    home, said = demonstration
    found = checks(home)
    assert set(found) >= GROUPS
    for name in GROUPS:
        told_of = values(found[name])
        assert set(told_of) == {
            *("fell short", "of which letters wait for", "earlier in the year, not settled", "figures looked at"),
            "what fell short",
        }
        assert found[name].severity == dg.AssetCheckSeverity.WARN
        assert found[name].passed == (told_of["fell short"] == 0)
    # Two schools, 24 school days from 2 September: both registers of each day, and those of the classes.
    assert int(str(values(found["registers_taken"])["figures looked at"])) > 2 * 2 * 24
    assert pupils_named(home, json.dumps([values(e) for e in found.values()], default=str)) == 0
    assert "findings in the data" in said.out


def test_a_missing_register_is_shown_told_once_and_healed(home: Path) -> None:
    name, upns = a_class(home)
    before = told(home)
    drop_monday(home, without=upns)
    assert attendance("nightly", "--home", home, "--date", MONDAY).code in (0, 1)
    registers = checks(home)["registers_taken"]
    shown = str(values(registers)["what fell short"])
    assert not registers.passed
    assert f"| {SCHOOLS[0]} | {MONDAY} | {name} | at most 50% of the class are without a morning mark | 100% " in shown
    new = [path for path in told(home) if path not in before]
    assert f"{SCHOOLS[0]}/{MONDAY}/data-quality" in new and len(new) <= len(SCHOOLS)
    page = next((home / "outbox" / SCHOOLS[0]).rglob(f"{MONDAY}/data-quality/what-to-do.html")).read_text("utf-8")
    assert f"<td>{name}</td>" in page

    again = attendance("nightly", "--home", home, "--date", MONDAY)
    assert sorted([*before, *new]) == told(home)
    assert "findings in the data" not in again.out

    rows = "".join(f"{upn},{MONDAY},AM,/,,\n" for upn in upns)
    drop(home, f"register_{MONDAY}_late.csv", REGISTER_HEADER + rows)
    attendance("nightly", "--home", home, "--date", MONDAY)
    assert name not in str(values(checks(home)["registers_taken"])["what fell short"])
    assert f"{SCHOOLS[0]}/{MONDAY}/data-quality-2" in told(home)


def test_a_backfill_that_takes_extracts_in_tells_what_is_new_of_them_and_proposes_nothing(home: Path) -> None:
    before, ledger = told(home), table(home, "letters")
    drop(home, f"register_{LAST_NIGHT}_late.csv", f"{REGISTER_HEADER}Total,{LAST_NIGHT},AM,/,,\n")
    assert attendance("backfill", "--home", home, "--from", "2025-10-01", "--to", LAST_NIGHT).code == 1
    new = [path for path in told(home) if path not in before]
    assert [path.split("/")[0] for path in new] == [SCHOOLS[0]]
    assert ledger.equals(table(home, "letters"))
    # It works the checks of the days out for the page, and shows none of them.
    assert set(checks(home, "backfill")) == {"every_school_well"}
    assert attendance("backfill", "--home", home, "--from", "2025-10-01", "--to", LAST_NIGHT).code == 0
    assert sorted([*before, *new]) == told(home)
