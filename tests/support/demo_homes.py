"""A home that `attendance demo` made and ran, and the command itself, for tests that drive it as a person would.

The demonstration is a short one (the first weeks of autumn): a test that changes a home works on a copy of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from attendance_pipeline.cli import main
from attendance_pipeline.demo import make
from attendance_pipeline.home import HOME_VARIABLE
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps.site import open_site

LAST_NIGHT = dt.date(2025, 10, 3)
SCHOOLS = ("oakfield", "elmbrook")
PUPILS = 30  # of each
COMMAND = Path(sys.executable).parent / "attendance"
REGISTER_HEADER = "UPN,Date,Session,Code,Minutes Late,Comment\n"
LONG_AGO = 1_700_000_000  # nobody is writing a file of that age any more


@dataclass(frozen=True)
class Said:
    """What a command gave back and printed."""

    code: object
    out: str
    err: str

    @property
    def last_lines(self) -> list[str]:
        """The last paragraph of the standard output."""
        return self.out.rstrip().split("\n\n")[-1].splitlines()


def attendance(*arguments: object) -> Said:
    """`attendance ...` in this process."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        try:
            code: object = main([str(a) for a in arguments])
        except SystemExit as stop:  # argparse
            code = stop.code
    return Said(code, out.getvalue(), err.getvalue())


def environment(**more: str) -> dict[str, str]:
    """For a process of its own: this one's, without a home."""
    return {**{k: v for k, v in os.environ.items() if k not in (HOME_VARIABLE, "DAGSTER_HOME")}, **more}


def attendance_process(*arguments: object, cwd: Path) -> Said:
    """`attendance ...` as the console script, in a process of its own."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        check=False,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def table(home: Path, name: str, *options: object) -> pd.DataFrame:
    """A table as `attendance export` prints it."""
    return read(attendance("export", name, "--home", home, *options))


def read(said: Said) -> pd.DataFrame:
    """A printed table: every value as text, empty for null."""
    assert said.code == 0, said.err
    return pd.read_csv(io.StringIO(said.out), dtype=str, keep_default_na=False)


def tree(folder: Path, without: str = "(?!)") -> dict[str, str]:
    """Every file under a folder and its SHA-256; not those whose path matches `without`, nor the note of the morning,
    which bears the time at which it was written."""
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not re.search(without, name := path.relative_to(folder).as_posix())
        and "data-manager/this-morning/" not in name
    }


def drop(home: Path, name: str, text: str, school: str = SCHOOLS[0]) -> None:
    """Put an extract into a school's inbox, as one that nobody is writing any more."""
    file = home / "inbox" / school / name
    file.write_text(text, encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))


def drop_next_day(home: Path, schools: int = len(SCHOOLS)) -> dt.date:
    """Monday's registers, as the last night's were; but somebody had been away for three weeks, as is now known."""
    monday = LAST_NIGHT + dt.timedelta(days=3)
    for school in SCHOOLS[:schools]:
        marks = table(home, "register", "--school", school, "--from", "2025-09-15", "--to", LAST_NIGHT)
        today = marks[marks["date"] == LAST_NIGHT.isoformat()].assign(date=monday.isoformat())
        present = marks.groupby("upn")["code"].agg(lambda codes: (codes.isin(["/", "\\"])).sum())
        away = marks[marks["upn"] == present.idxmax()].assign(code="O")
        rows = pd.concat([today, away])[["upn", "date", "session", "code"]].agg(",".join, axis=1)
        drop(home, f"register_{monday}.csv", REGISTER_HEADER + "".join(f"{row},,\n" for row in rows), school)
    return monday


def pupils_named(home: Path, text: str) -> int:
    """How many UPNs and surnames of a home's pupils stand in a text."""
    with open_site(home) as site, site.warehouse.read() as conn:
        roll = pd.concat([current_pupils(conn, school.id) for school in site.schools()])
    assert len(roll) > 0
    words = set(re.findall(r"\w+", text))
    return len(words & {*roll["upn"], *roll["surname"]})


def demo_home(
    folder: Path, today: dt.date, *, pupils: int = PUPILS, schools: int = len(SCHOOLS), until: dt.date | None = None
) -> Path:
    """The demonstration before anything was run, had it been made on `today`; with the extracts up to `until`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "TODAY", today)
        make.make_demo_home(folder, pupils=pupils, schools=schools)
    for file in (folder / "inbox").rglob("*.csv"):
        if file.stem.split("_")[1] > (until or today).isoformat():
            file.unlink()
    return folder
