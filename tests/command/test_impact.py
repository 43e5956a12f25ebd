"""`attendance impact`, and what nights and backfills say of corrections: counts and references, nobody's name."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pandas as pd
import pytest
from demo_homes import LAST_NIGHT, REGISTER_HEADER, SCHOOLS, attendance, drop, pupils_named, table

PRESENT = {"AM": "/", "PM": "\\"}


def all_there(home: Path, day: dt.date) -> pd.DataFrame:
    """Somebody in the first school to whom letters were sent was there all the time, an extract of a day says."""
    sent = table(home, "letters", "--school", SCHOOLS[0]).query("state == 'sent'")
    marks = table(home, "register", "--school", SCHOOLS[0])
    mine = marks[(marks["upn"] == sent["upn"].iloc[0]) & ~marks["code"].isin([*PRESENT.values(), "L"])]
    rows = [f"{m.upn},{m.date},{m.session},{PRESENT[m.session]},," for m in mine.itertuples()]
    drop(home, f"register_{day}.csv", REGISTER_HEADER + "\n".join(rows) + "\n")
    return mine


@pytest.mark.parametrize("command", [("nightly",), ("backfill", "--from", "2025-09-02", "--to", str(LAST_NIGHT))])
def test_what_a_correction_changed_is_said_in_words_and_needs_a_person(home: Path, command: tuple[str, ...]) -> None:
    changed = all_there(home, LAST_NIGHT + dt.timedelta(days=1))
    said = attendance(*command, "--home", home)
    assert said.code == 1
    told = said.out.partition("Oakfield Primary School: what corrections changed, impact report of 2025-10-03\n")[2]
    lines = told.partition("\n\n")[0].splitlines()
    assert f"  {len(changed):>5} marks changed" in lines
    assert any(line.endswith("letters sent that would not be sent today") for line in lines)
    first = changed["date"].min()
    assert any(line.startswith(f"  The earliest of these marks is of {first}, ") for line in lines)
    assert "sent that would not be sent today: `attendance impact` names the references" in said.last_lines[-1]

    asked = attendance("impact", "--home", home, "--school", SCHOOLS[0])
    assert (asked.code, asked.err) == (0, "")
    unsupported = set(table(home, "letters").query("state == 'sent' and upn == @changed.upn.iloc[0]")["reference"])
    named = {line.split()[0] for line in asked.out.splitlines() if line.startswith("        ")}
    assert named and named & unsupported and named <= {*table(home, "letters")["reference"], "(not"}
    assert Path(asked.out.splitlines()[-1].partition("with names: ")[2], "impact.xlsx").is_file()
    assert pupils_named(home, said.out + said.err + asked.out) == 0

    (report,) = json.loads(attendance("impact", "--home", home, "--school", SCHOOLS[0], "--json").out)
    assert report["school"] == SCHOOLS[0]
    assert report["counts"]["marks changed"] == len(changed)
    assert report["earliest_mark"] == first
    assert {n["reference"] for n in report["letters"]} - {""} == named - {"(not"}


def test_a_school_nobody_has_and_a_home_without_corrections(home: Path, tmp_path: Path) -> None:
    assert attendance("impact", "--home", home, "--school", "nowhere").code == 2
    assert attendance("init", tmp_path / "new").code == 0
    nothing = attendance("impact", "--home", tmp_path / "new")
    assert (nothing.code, nothing.out) == (0, "No correction has changed anything that was worked out before.\n")
    assert json.loads(attendance("impact", "--home", tmp_path / "new", "--json").out) == []
