"""How the command is spoken to: which home is meant, what is refused (2, and nothing changed), what `check` finds."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from demo_homes import COMMAND, attendance, attendance_process, environment, tree

from attendance_pipeline.home import HOME_VARIABLE

ON_A_HOME = (
    ("check",),
    ("nightly",),
    ("backfill", "--from", "2025-09-08", "--to", "2025-09-12"),
    ("export", "stages"),
    ("ui",),
)


@pytest.fixture
def empty_home(tmp_path: Path) -> Path:
    """A home as `attendance init` makes it."""
    assert attendance("init", tmp_path / "empty").code == 0
    return tmp_path / "empty"


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


# ---------------------------------------------------------------- which home


@pytest.mark.parametrize("way", ["before", "after", "variable", "current folder"])
def test_the_home_is_given_before_or_after_the_command_or_by_the_variable_or_is_the_current_folder(
    way: str, empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attendance("init", tmp_path / "another")
    # Each way is tried with another home in the places that it comes before.
    monkeypatch.chdir(empty_home if way == "current folder" else tmp_path / "another")
    if way != "current folder":
        monkeypatch.setenv(HOME_VARIABLE, str(empty_home if way == "variable" else tmp_path / "another"))
    given = {"before": ("--home", empty_home, "check"), "after": ("check", "--home", empty_home)}.get(way, ("check",))
    said = attendance(*given)
    assert said.code == 0
    assert str(empty_home) in said.out
    assert str(tmp_path / "another") not in said.out


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ((), "required: COMMAND"),
        (("nightlie",), "invalid choice: 'nightlie'"),
        (("nightly", "--dat", "x"), "'x' is not a date as in 2026-02-13"),
        (("nightly", "--date", "2026-02-30"), "'2026-02-30' is not a date as in 2026-02-13"),
        (("backfill", "--from", "2025-09-08"), "required: --to"),
        (("backfill", "--from", "2025-09-12", "--to", "2025-09-08"), "--from 2025-09-12 is after --to 2025-09-08"),
        (("backfill", "--from", "2025-10-27", "--to", "2025-10-31"), "no school has a school day from 2025-10-27"),
        (("export",), "required: TABLE"),
        (("export", "stage"), "there is no table 'stage'; there are register, amendments, quarantine, measures"),
        (
            ("export", "stages", "--school", "exampel"),
            "expected one of example, not 'exampel' (did you mean 'example'?)",
        ),
        (("export", "stages", "--from", "13/02/2026"), "'13/02/2026' is not a date"),
        (("export", "stages", "--from", "2025-10-02", "--to", "2025-10-01"), "is after --to 2025-10-01"),
        (("export", "stages", "--as-at", "soon"), "'soon' is not a date"),
        (("export", "stages", "-o", "stages.xlsx"), "stages.xlsx: a name that ends in .csv or .parquet"),
        (("export", "stages", "-o", "nowhere/stages.csv"), "there is no folder nowhere"),
        (("ui", "--port", "0"), "a port is a number from 1 to 65535, not 0"),
        (("ui", "--port", "70000"), "a port is a number from 1 to 65535, not 70000"),
        (("ui", "--port", "http"), "invalid int value: 'http'"),
        (("demo", "new", "--pupils", "29"), "at least 30 pupils"),
        (("demo", "new", "--schools", "0"), "at least 30 pupils, one school"),
        (("demo", "."), "none yet; this folder is a home already"),
        (("init", "."), "none yet; this folder is a home already"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_changed(
    asked: tuple[str, ...], answer: str, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(empty_home)
    monkeypatch.chdir(empty_home)
    said = attendance(*asked)
    assert said.code == 2
    assert answer in said.err
    assert said.out == ""
    assert tree(empty_home) == before


@pytest.mark.parametrize("command", ON_A_HOME, ids=lambda c: c[0])
def test_a_folder_that_is_no_home_is_refused_and_left_empty(command: tuple[str, ...], tmp_path: Path) -> None:
    said = attendance(*command, "--home", tmp_path)
    assert said.code == 2
    expected = f"{tmp_path / 'attendance.toml'}: (whole file): expected the settings of a home; `attendance init DIR`"
    assert expected in said.out + said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ON_A_HOME, ids=lambda c: c[0])
def test_a_misspelt_setting_is_refused_with_file_key_and_nearest_name_before_anything_runs(
    command: tuple[str, ...], empty_home: Path
) -> None:
    replace(empty_home / "attendance.toml", "phase =", "fase =")
    replace(empty_home / "calendars" / "example.toml", 'season = "autumn"', 'season = "autum"')
    before = tree(empty_home)
    said = attendance(*command, "--home", empty_home)
    assert said.code == 2
    everything = said.out + said.err
    assert (
        f"{empty_home / 'attendance.toml'}: schools[1].fase: expected no such setting; did you mean 'phase'?"
        in everything
    )
    assert f"{empty_home / 'calendars' / 'example.toml'}: years[1].terms[1].season: expected" in everything
    assert tree(empty_home) == before


def test_a_setting_misspelt_later_leaves_what_a_home_has_as_it_is(home: Path) -> None:
    replace(home / "attendance.toml", "layout =", "lay_out =")
    before = tree(home)
    for command in ON_A_HOME:
        assert attendance(*command, "--home", home).code == 2, command
    # That a night could not begin is told, and what was told is remembered.
    assert tree(home, "state/telling.json") == {
        name: file for name, file in before.items() if name != "state/telling.json"
    }


# ---------------------------------------------------------------- what fails


def test_a_warehouse_that_a_newer_program_wrote_is_left_alone(empty_home: Path) -> None:
    assert attendance("export", "tasks", "--home", empty_home).code == 0
    change(empty_home, "update alembic_version set version_num = '9999'")
    before = (empty_home / "state" / "warehouse.db").read_bytes()
    for command in ON_A_HOME[1:4]:
        said = attendance(*command, "--home", empty_home)
        assert (said.code, said.out) == (3, "")
        assert "a newer program has written it. Update the program; nothing was changed" in said.err
    assert (empty_home / "state" / "warehouse.db").read_bytes() == before


def test_an_unforeseen_failure_is_told_by_its_kind_and_place_alone(home: Path, tmp_path: Path) -> None:
    change(home, "update extract set recorded_on = 'Smith'")
    file = tmp_path / "stages.csv"
    file.write_text("an older export", encoding="utf-8")
    said = attendance("export", "register", "--home", home, "-o", file)
    assert (said.code, said.out) == (3, "")
    assert re.fullmatch(
        r"attendance: ValueError in \w+\.pyx?, line \d+\. ATTENDANCE_TRACEBACK=1 shows more, which may name pupils\n",
        said.err,
    )
    assert file.read_text(encoding="utf-8") == "an older export"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "stages.csv"]


def change(home: Path, statement: str) -> None:
    """Change a home's database behind the program's back."""
    with closing(sqlite3.connect(home / "state" / "warehouse.db")) as database, database:
        database.execute(statement)


# ---------------------------------------------------------------- init and check


def test_a_new_home_is_in_order_and_all_there(empty_home: Path) -> None:
    said = attendance("check", "--home", empty_home)
    assert said.code == 0
    assert "error" not in said.out.replace("0 errors", "")
    for folder in ("inbox/example", "outbox", "mis", "letter_templates", "policies", "calendars"):
        assert (empty_home / folder).is_dir()
    assert list((empty_home / "state").iterdir()) == [], "check changes nothing"


def test_nothing_is_due_in_a_new_home(empty_home: Path) -> None:
    said = attendance("nightly", "--home", empty_home)
    assert (said.code, said.out) == (0, "Nothing was due.\n")


def test_a_broken_template_is_found_with_its_file_and_line(empty_home: Path) -> None:
    file = empty_home / "letter_templates" / "en" / "letter_1.md.j2"
    file.parent.mkdir()
    file.write_text("# Attendance\n\nDear {{ first_nam }}\n", encoding="utf-8")
    before = tree(empty_home)
    said = attendance("check", "--home", empty_home)
    assert said.code == 2
    assert f"error: {file}: line 3: first_nam is not a field" in said.out
    assert said.out.splitlines()[-1].startswith("1 errors, ")
    told = attendance("check", "--json", "--home", empty_home)
    assert told.code == 2
    first = json.loads(told.out)[0]
    assert (first["severity"], first["file"], first["key"]) == ("error", str(file), "line 3")
    assert tree(empty_home) == before


# ---------------------------------------------------------------- as a program


def test_results_and_complaints_of_the_program_go_to_different_places(tmp_path: Path) -> None:
    made = attendance_process("init", "school", cwd=tmp_path)
    assert (made.code, made.err) == (0, "")
    assert f"attendance check --home {tmp_path / 'school'}" in made.out
    again = attendance_process("init", "school", cwd=tmp_path)
    assert (again.code, again.out) == (2, "")
    assert again.err.startswith("attendance: ")


def test_a_reader_who_goes_away_is_no_failure(demonstration: tuple[Path, object]) -> None:
    export = subprocess.Popen(
        [COMMAND, "export", "register", "--home", demonstration[0]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert export.stdout is not None and export.stderr is not None
    assert export.stdout.readline().startswith(b"school,upn,date,session,code")
    export.stdout.close()
    assert export.stderr.read() == b""
    assert export.wait(60) == 0
