"""`attendance reconcile`: a summary counted in another way, by hand, and what each difference is said to be made of."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from demo_homes import SCHOOLS, Said, attendance, pupils_named, table, tree

SCHOOL = SCHOOLS[0]
FIGURES = ("possible", "attended", "authorised", "unauthorised")
HEADER = ("UPN", "Possible Sessions", "Attended", "Authorised Absences", "Unauthorised Absences")
ATTENDED, AUTHORISED, UNAUTHORISED = "/\\LKVPWB", ("C", "C1", "C2", "I", "M", "E", "S", "T", "R", "J1"), "GNOU"
Count = Callable[[str, str], str]  # date and code to what the session is taken for


def by_the_rules(date: str, code: str) -> str:
    if code in ATTENDED:
        return "attended"
    return "authorised" if code in AUTHORISED else "unauthorised" if code in UNAUTHORISED else ""


@pytest.fixture(scope="module")
def home(demonstration: tuple[Path, Said]) -> Path:
    return demonstration[0]


@pytest.fixture(scope="module")
def register(home: Path) -> pd.DataFrame:
    return table(home, "register", "--school", SCHOOL)


@pytest.fixture(scope="module")
def on_roll(home: Path) -> list[str]:
    """Everybody who has been on roll."""
    return sorted(set(table(home, "stages", "--school", SCHOOL)["upn"]))


def summary(register: pd.DataFrame, upns: list[str], count: Count = by_the_rules) -> dict[str, dict[str, int]]:
    out = {upn: dict.fromkeys(FIGURES, 0) for upn in upns}
    for upn, date, code in zip(register["upn"], register["date"], register["code"], strict=True):
        kind = count(date, code)
        if upn in out and kind:
            out[upn]["possible"] += 1
            out[upn][kind] += 1
    return out


def as_csv(figures: dict[str, dict[str, int]]) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(HEADER)
    rows.writerows([upn, *(of[name] for name in FIGURES)] for upn, of in figures.items())
    return text.getvalue()


def as_sims(figures: dict[str, dict[str, int]]) -> str:
    tags = [h.replace(" ", "_x0020_") for h in HEADER]
    records = (
        "<Record>" + "".join(f"<{t}>{v}</{t}>" for t, v in zip(tags, (upn, *of.values()), strict=True)) + "</Record>"
        for upn, of in figures.items()
    )
    return f"<SuperStarReport>{''.join(records)}</SuperStarReport>"


def reconciled(home: Path, folder: Path, text: str, name: str = "summary.csv", *options: str) -> dict[str, Any]:
    (folder / name).write_text(text, encoding="utf-8")
    said = attendance("reconcile", folder / name, "--school", SCHOOL, "--home", home, "--json", *options)
    assert said.code == 0, said.err
    return dict(json.loads(said.out))


def adds_up(found: dict[str, Any]) -> None:
    """Theirs less ours is what the parts and the rest say, for every pupil and for all."""
    for row in [found, *(r for r in found["rows"] if r["status"] != "twice in the list")]:
        for name in FIGURES:
            differ = row["theirs"].get(name, 0) - row["ours"].get(name, 0)
            parts = sum(part.get(name, 0) for part in row["parts"].values())
            assert differ == parts + row["rest"].get(name, 0), (row.get("line"), name)


@pytest.mark.parametrize(("name", "write"), [("summary.csv", as_csv), ("summary.xml", as_sims)])
def test_the_same_figures_agree(
    home: Path, tmp_path: Path, register: pd.DataFrame, on_roll: list[str], name: str, write: Callable[..., str]
) -> None:
    found = reconciled(home, tmp_path, write(summary(register, on_roll)), name)
    assert {r["status"] for r in found["rows"]} == {"agrees"}
    assert (found["parts"], found["rest"]) == ({}, {})
    assert found["ours"] == found["theirs"]
    assert found["ours"]["possible"] == sum(summary(register, on_roll)[u]["possible"] for u in on_roll)


def until_friday(date: str, code: str) -> str:
    return by_the_rules(date, code) if date <= "2025-09-26" else ""


def late_is_absent(date: str, code: str) -> str:
    return "unauthorised" if code == "L" else by_the_rules(date, code)


@pytest.mark.parametrize(
    ("count", "part"),
    [(until_friday, "period"), (late_is_absent, "code treatment")],
    ids=["a period", "late is absent"],
)
def test_a_list_counted_otherwise_is_taken_apart(
    home: Path, tmp_path: Path, register: pd.DataFrame, on_roll: list[str], count: Count, part: str
) -> None:
    theirs = summary(register, on_roll, count)
    found = reconciled(home, tmp_path, as_csv(theirs))
    adds_up(found)
    differ = {r["status"] for r in found["rows"] if r["parts"]}
    assert differ == {"explained"}
    assert set(found["parts"]) == {part}
    assert found["rest"] == {}


def test_leavers_are_told_apart_from_the_rest(
    home: Path, tmp_path: Path, register: pd.DataFrame, on_roll: list[str]
) -> None:
    figures = summary(register, on_roll)
    gone = on_roll[2]
    without = {upn: of for upn, of in figures.items() if upn != gone}
    text = as_csv(without) + "X999999999999,100,90,5,5\r\n"
    found = reconciled(home, tmp_path, text)
    adds_up(found)
    by_status = {r["status"]: r for r in found["rows"] if r["status"] != "agrees"}
    assert set(by_status) == {"not in the list", "not matched"}
    assert by_status["not in the list"]["ours"] == figures[gone]
    assert set(found["parts"]) == {"leavers"}
    assert found["parts"]["leavers"]["possible"] == 100 - figures[gone]["possible"]


def test_what_no_way_of_counting_gives_is_said_to_be_left(
    home: Path, tmp_path: Path, register: pd.DataFrame, on_roll: list[str]
) -> None:
    figures = summary(register, on_roll)
    odd = on_roll[1]
    figures[odd] = figures[odd] | {
        "possible": figures[odd]["possible"] + 37,
        "unauthorised": figures[odd]["unauthorised"] + 37,
    }
    found = reconciled(home, tmp_path, as_csv(figures))
    adds_up(found)
    (row,) = [r for r in found["rows"] if r["status"] != "agrees"]
    assert row["status"] == "not explained"
    assert found["rest"] == {"possible": 37, "unauthorised": 37}


def test_our_figures_are_those_of_the_export(
    home: Path, tmp_path: Path, on_roll: list[str], register: pd.DataFrame
) -> None:
    found = reconciled(home, tmp_path, as_csv(summary(register, on_roll)), "summary.csv", "--date", "2025-09-19")
    measures = table(home, "measures", "--school", SCHOOL, "--from", "2025-09-19", "--to", "2025-09-19")
    ours = measures[measures["measure"] == "year_to_date"][list(FIGURES)].astype(int).sum().to_dict()
    listed = {r["name"]: r["ours"] for r in found["rows"]}
    assert found["last"] == "2025-09-19"
    # Who has left by then has no row of that day, and figures all the same.
    assert {n: sum(o.get(n, 0) for o in listed.values()) >= v for n, v in ours.items()} == dict.fromkeys(FIGURES, True)


def test_on_the_terminal_and_nowhere_else(
    home: Path, tmp_path: Path, register: pd.DataFrame, on_roll: list[str]
) -> None:
    without = r"warehouse\.db-(wal|shm)$"
    before = tree(home, without)
    file = tmp_path / "summary.csv"
    file.write_text(as_csv(summary(register, on_roll, late_is_absent)), encoding="utf-8")
    said = attendance("reconcile", file, "--school", SCHOOL, "--home", home)
    assert (said.code, said.err) == (0, "")
    assert "code treatment" in said.out
    assert max(map(len, said.out.splitlines())) <= 100
    assert tree(home, without) == before


@pytest.mark.parametrize(
    ("text", "options", "why"),
    [
        ("", ("--school", SCHOOL), "the file is empty"),
        ("UPN\nX1\n", ("--school", SCHOOL), "no column of sessions or percentages"),
        ("UPN,Possible\nX999999999999,10\n", ("--school", SCHOOL), "no row of the list gives a figure of a pupil"),
        ("UPN,Possible\nX999999999999,10\n", (), "--school: say which of oakfield, elmbrook"),
    ],
)
def test_a_file_that_cannot_be_compared_is_refused(
    home: Path, tmp_path: Path, text: str, options: tuple[str, ...], why: str
) -> None:
    file = tmp_path / "summary.csv"
    file.write_text(text, encoding="utf-8")
    said = attendance("reconcile", file, "--home", home, *options)
    assert (said.code, said.out) == (2, "")
    assert why in said.err
    assert pupils_named(home, said.err) == 0


def test_a_file_that_is_not_there_is_named(home: Path, tmp_path: Path) -> None:
    said = attendance("reconcile", tmp_path / "none.csv", "--school", SCHOOL, "--home", home)
    assert said.code == 2
    assert "none.csv" in said.err
