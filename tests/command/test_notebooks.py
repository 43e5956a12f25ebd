"""`from attendance_pipeline import open_home`: what analysts get is what `attendance export` writes, and docs/python.md
shows what its code prints.

`.venv/bin/python tests/command/test_notebooks.py` runs the page against a new demonstration and writes both pages anew.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from demo_homes import LAST_NIGHT, PUPILS, SCHOOLS, Said, attendance

from attendance_pipeline import open_home
from attendance_pipeline.demo import make
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.notebooks import OpenHome
from attendance_pipeline.steps.export import TABLES
from attendance_pipeline.tables_in_words import TABLES_IN_WORDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE, TABLES_PAGE = DOCS / "python.md", DOCS / "tables.md"
CODE = re.compile(r"```python\n(.*?)```\n", re.DOTALL)
OUTPUT = re.compile(r"<!-- output -->\n(?:\n```text\n.*?```\n)?", re.DOTALL)


@pytest.fixture(scope="module")
def home(demonstration: tuple[Path, Said]) -> OpenHome:
    return open_home(demonstration[0])


def of_export(home: Path, table: str, *more: str) -> pd.DataFrame:
    said = attendance("export", table, "--home", home, *more)
    return pd.read_csv(io.StringIO(said.out), dtype=str, keep_default_na=False)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_what_export_writes_with_types(demonstration: tuple[Path, Said], home: OpenHome, name: str) -> None:
    frame = home.table(name)
    out = io.StringIO()
    frame.to_csv(out, index=False, float_format="%.6f", date_format="%Y-%m-%d")
    mine = pd.read_csv(io.StringIO(out.getvalue()), dtype=str, keep_default_na=False)
    assert len(mine) > 0
    pd.testing.assert_frame_equal(mine, of_export(demonstration[0], name))
    types = {column: str(frame[column].dtype) for column in frame}
    assert {types[c] for c in types if c in ("date", "opened_on", "due_on", "window_to", "proposed_on")} <= {
        "datetime64[ns]"
    }
    assert {types[c] for c in types if c in ("attendance", "checkpoint", "threshold")} <= {"float64"}
    assert {types[c] for c in types if c in ("school", "status", "measure", "code")} <= {"category"}


def test_every_column_of_every_table_is_in_words(home: OpenHome) -> None:
    assert {name: list(home.table(name).columns) for name in TABLES} == {
        name: list(words) for name, words in TABLES_IN_WORDS.items()
    }
    assert set(home.columns()["table"]) == set(TABLES)


def test_a_school_and_a_period_choose_rows(demonstration: tuple[Path, Said], home: OpenHome) -> None:
    frame = home.table("measures", school="elmbrook", first="2025-09-22", last="2025-09-24")
    assert set(frame["school"]) == {"elmbrook"}
    assert sorted(frame["date"].dt.strftime("%Y-%m-%d").unique()) == [
        "2025-09-22",
        "2025-09-23",
        "2025-09-24",
    ]
    then = home.table("amendments", school="elmbrook", as_at="2025-09-24")
    assert then["recorded_on"].max() <= pd.Timestamp("2025-09-24")
    assert len(then) < len(home.table("amendments", school="elmbrook"))


def test_marks_to_look_at_are_the_register(home: OpenHome) -> None:
    wide = home.marks("oakfield", first="2025-09-15", last="2025-09-19")
    register = home.table("register", school="oakfield", first="2025-09-15", last="2025-09-19")
    assert wide.shape == (register["upn"].nunique(), 10)
    row = register.iloc[len(register) // 2]
    assert wide.loc[row["upn"], (row["date"], row["session"])] == row["code"]
    assert (wide != "").to_numpy().sum() == len(register)


def test_the_roll_has_every_pupil_once(home: OpenHome) -> None:
    pupils = home.pupils()
    assert pupils.groupby("school")["upn"].nunique().to_dict() == pupils.groupby("school").size().to_dict()
    assert set(pupils["school"]) == set(SCHOOLS)
    assert {"surname", "entry_date", "class"} <= set(pupils.columns) and "person_id" not in pupils


def test_derived_anew_is_what_the_nights_left_and_another_policy_is_another_answer(
    home: OpenHome, tmp_path: Path
) -> None:
    kept = home.table("stages", school="oakfield").reset_index(drop=True)
    anew = home.derived("stages", "oakfield", first=kept["date"].min().date())
    pd.testing.assert_frame_equal(anew, kept)
    strict = tmp_path / "strict.toml"
    strict.write_text('name = "strict"\n[[ladder]]\nthresholds = { autumn = 99.9, spring = 99, summer = 99 }\n')
    other = home.derived("stages", "oakfield", policy=strict, first=kept["date"].min().date())
    assert (other["stage"] > 0).sum() > (kept["stage"] > 0).sum()
    pd.testing.assert_frame_equal(home.table("stages", school="oakfield"), kept)


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda home: home.table("stage"), ValueError, "there is no table 'stage'; there are register"),
        (lambda home: home.derived("letters", "oakfield"), ValueError, "'letters' is not derived"),
        (lambda home: home.table("stages", school="oakfeld"), SettingsError, "oakfield"),
        (lambda home: home.table("stages", first="22/09/2025"), ValueError, "isoformat"),
        (lambda home: open_home("/nowhere"), SettingsError, "attendance.toml"),
    ],
)
def test_what_cannot_be_had_is_said(home: OpenHome, ask, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        ask(home)


def test_reading_changes_nothing_of_the_home(demonstration: tuple[Path, Said]) -> None:
    def files() -> dict[str, str]:
        found = (
            f for f in sorted(demonstration[0].rglob("*")) if f.is_file() and not f.name.endswith(("-shm", "-wal"))
        )
        return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in found}

    before = files()
    with open_home(demonstration[0]) as home:
        home.table("stages")
        home.derived("penalty_notices", "oakfield")
        home.marks("elmbrook")
    assert files() == before


def test_types_survive_a_table_without_rows(home: OpenHome) -> None:
    none = home.table("stage_events", first="2030-01-01")
    assert len(none) == 0 and str(none["date"].dtype) == "datetime64[ns]"
    assert np.dtype(none["attendance"].dtype).kind in "fO"


# ---------------------------------------------------------------- the pages


def run(page: str, home: Path) -> str:
    """The page with what its code prints, run in order in one namespace with DEMO for the home."""
    namespace: dict[str, object] = {"DEMO": home}
    printed = []
    for code in CODE.findall(page):
        with redirect_stdout(io.StringIO()) as out:
            exec(compile(code, PAGE.name, "exec"), namespace)
        printed.append("\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines()))
    assert len(printed) == len(OUTPUT.findall(page)), "each block of code has its output below"
    texts = iter(printed)
    return OUTPUT.sub(lambda _: f"<!-- output -->\n\n```text\n{next(texts)}\n```\n", page)


def tables_page() -> str:
    lines = [
        "# The tables of `attendance export`",
        "",
        "Made from `attendance_pipeline/tables_in_words.py` by tests/command/test_notebooks.py. Dates are ISO, nulls empty.",
        "[python.md](python.md) shows how to work with them in a notebook.",
    ]
    for table, columns in TABLES_IN_WORDS.items():
        lines += ["", f"## `{table}`", "", "| column | what it is |", "|---|---|"]
        lines += [f"| `{column}` | {meaning} |" for column, meaning in columns.items()]
    return "\n".join(lines) + "\n"


def test_the_page_shows_what_its_code_prints(demonstration: tuple[Path, Said]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert run(text, demonstration[0]) == text, "run .venv/bin/python tests/command/test_notebooks.py"


def test_the_page_of_tables_is_up_to_date() -> None:
    assert TABLES_PAGE.read_text(encoding="utf-8") == tables_page(), (
        "run .venv/bin/python tests/command/test_notebooks.py"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        make.TODAY = LAST_NIGHT
        made = attendance("demo", f"{folder}/home", "--pupils", PUPILS, "--schools", len(SCHOOLS))
        assert made.code == 0, made.err
        PAGE.write_text(run(PAGE.read_text(encoding="utf-8"), Path(folder) / "home"), encoding="utf-8")
    TABLES_PAGE.write_text(tables_page(), encoding="utf-8")
    sys.exit(0)
