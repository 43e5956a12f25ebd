"""`attendance subject-access`: all that is held on one pupil and nothing of another, counted against the tables."""

from __future__ import annotations

import csv
import io
import re
import stat
import zipfile
from pathlib import Path

import pytest
from demo_homes import Said, attendance, table

UPN = re.compile(r"\b[A-HJ-NP-RT-Z]\d{11}[A-Z\d]\b")


@pytest.fixture(scope="module")
def asked(
    demonstration: tuple[Path, Said], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, list[dict[str, str]]], dict[str, bytes], Path]:
    """The UPN of somebody with letters and corrected marks, the tables of the file by name, its other files, and it."""
    home = demonstration[0]
    letters, amended = (table(home, name) for name in ("letters", "amendments"))
    upn = sorted(set(letters["upn"]) & set(amended["upn"]))[0]
    file = tmp_path_factory.mktemp("asked") / "all.zip"
    said = attendance("subject-access", upn, "--home", home, "-o", file)
    assert said.code == 0, said.err
    assert upn not in said.out + said.err
    tables, others = {}, {}
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            data, short = archive.read(name), name.partition("/")[2]
            if short.endswith(".csv"):
                tables[short] = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
            else:
                others[short] = data
    return upn, tables, others, file


@pytest.mark.parametrize(
    ("file", "name"),
    [("measures.csv", "measures"), ("stages.csv", "stages"), ("stage_events.csv", "stage_events"),
     ("penalty_notices.csv", "penalty_notices"), ("tasks.csv", "tasks"), ("letters.csv", "letters")],
)  # fmt: skip
def test_every_row_of_a_table_is_there(demonstration: tuple[Path, Said], asked, file: str, name: str) -> None:
    upn, tables, _, _ = asked
    expected = table(demonstration[0], name)
    assert len(tables[file]) == (expected["upn"] == upn).sum() > 0


def test_every_mark_is_there_with_all_that_was_said_of_it(demonstration: tuple[Path, Said], asked) -> None:
    upn, tables, _, _ = asked
    register, amendments = (table(demonstration[0], name) for name in ("register", "amendments"))
    stands = {
        (r["date"], r["session"], r["code"], r["extract"], r["line"])
        for r in tables["marks.csv"]
        if r["stands"] == "yes"
    }
    mine = register[register["upn"] == upn]
    assert stands == {
        tuple(str(v) for v in row) for row in mine[["date", "session", "code", "extract", "line"]].to_numpy()
    }
    changed = amendments[amendments["upn"] == upn]
    said = {(r["date"], r["session"], r["extract"], r["line"]): r for r in tables["marks.csv"]}
    for row in changed.to_dict("records"):
        found = said[row["date"], row["session"], row["extract"], str(row["line"])]
        assert (found["code"], found["reason"], found["by"]) == (row["new_code"], row["reason"], row["by"])


def test_versions_of_records_name_the_line_of_the_kept_extract(demonstration: tuple[Path, Said], asked) -> None:
    upn, tables, _, _ = asked
    assert len({row["extract"] for row in tables["pupil.csv"]}) > 1
    for file in ("pupil.csv", "contacts.csv", "intervention-log.csv"):
        assert {row["upn"] for row in tables[file]} == {upn}
        assert all(row["extract"] and int(row["line"]) > 1 for row in tables[file])
    named = {row["extract"]: int(row["lines"]) for row in tables["kept-extracts.csv"]}
    for file in ("pupil.csv", "contacts.csv", "intervention-log.csv"):
        for extract in {row["extract"] for row in tables[file]}:
            assert named[extract] == sum(row["extract"] == extract for row in tables[file])


def test_nothing_of_another_pupil_is_there(asked) -> None:
    upn, tables, others, _ = asked
    text = repr(tables) + others["READ ME FIRST.txt"].decode()
    assert set(UPN.findall(text)) == {upn}


def test_letters_lie_beside_the_tables(asked) -> None:
    _, tables, others, _ = asked
    references = {row["reference"] for row in tables["letters.csv"]}
    copies = {Path(name).stem for name in others if name.startswith("letters/")}
    assert copies <= references
    assert all(others[f"letters/{name}.pdf"].startswith(b"%PDF") for name in copies)


def test_the_file_is_private_and_never_replaces_another(demonstration: tuple[Path, Said], asked) -> None:
    upn, _, _, file = asked
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = attendance("subject-access", upn, "--home", demonstration[0], "-o", file)
    assert (again.code, file.read_bytes()) == (2, before)


def test_nobody_is_nobody(demonstration: tuple[Path, Said], tmp_path: Path) -> None:
    said = attendance("subject-access", "Z999999999999", "--home", demonstration[0], "-o", tmp_path / "none.zip")
    assert (said.code, list(tmp_path.iterdir())) == (2, [])


def test_a_school_that_the_settings_name_no_more_is_said_and_not_taken_for_nobody(home: Path, asked) -> None:
    upn, settings = asked[0], home / "attendance.toml"
    assert "warehouse holds data" not in attendance("check", "--home", home).out
    school = table(home, "letters").query("upn == @upn")["school"].iloc[0]
    settings.write_text(settings.read_text(encoding="utf-8").replace(f'id = "{school}"', 'id = "renamed"'), "utf-8")
    words = f"not looked at: {school}. The warehouse still holds their data"
    said = attendance("subject-access", upn, "--home", home, "-o", home / "all.zip")
    assert said.code == 2 and words in said.err and not (home / "all.zip").exists()
    assert words in attendance("prune", "--home", home, "--before", "2019-09-01", "--pupil", upn).err
    assert f"holds data of {school!r}, which no school has as its id" in attendance("check", "--home", home).out
