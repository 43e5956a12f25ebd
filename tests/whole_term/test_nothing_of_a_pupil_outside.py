"""After weeks of nights, with faults in them, no value of a pupil or a family is anywhere but where it belongs: the inbox,
the kept extracts, the warehouse, and inside the files on the drive. Every file of the home is looked through, and
everything that was printed; an error of a library that has a name in its words is among the faults.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from demo_homes import COMMAND, LAST_NIGHT, REGISTER_HEADER, attendance, demo_home, drop, drop_next_day, environment

from attendance_pipeline.definitions import build_definitions
from attendance_pipeline.home import HOME_VARIABLE, open_home
from attendance_pipeline.running import prepare_instance
from attendance_pipeline.steps.site import Site
from schedules.timetable import range_tags

MARK = "qxzv"  # in every value below, and in no word of anybody's
MARKED = {
    "pupils": ("Forename", "Surname", "Preferred Forename", "Admission Number", "Ethnicity", "Home Language"),
    "contacts": ("Forename", "Surname", "Address 1", "Address 2", "Town", "Email", "Contact ID"),
    "register": ("Comment",),
    "notifications": ("Pupil Name", "Reason", "Evidence"),
    "interventions": ("By", "Note", "Barrier", "Agency"),
}
# Values that cannot be marked without becoming invalid: looked for as they are.
AS_THEY_ARE = {"pupils": ("UPN", "Date of Birth"), "contacts": ("Telephone", "Postcode")}
# Where they belong. On the drive: in files, not in names of files.
BELONGS = r"(inbox|outbox|state/extracts)/.+|state/warehouse\.db(-wal|-shm)?"


def marked(home: Path) -> set[str]:
    """Put the mark into what the extracts of a home say of people; the values that cannot bear it."""
    plain: set[str] = set()
    for file in sorted((home / "inbox").rglob("*.csv")):
        kind = file.stem.split("_")[0]
        given = file.stat()
        rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"))))
        if not rows:
            continue
        for row in rows:
            for column in MARKED.get(kind, ()):
                if row.get(column):
                    row[column] += f"@{MARK}" if column == "Email" else MARK
            plain |= {row[column] for column in AS_THEY_ARE.get(kind, ()) if row.get(column)}
        out = io.StringIO()
        writer = csv.DictWriter(out, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        file.write_text(out.getvalue(), encoding="utf-8")
        os.utime(file, (given.st_atime, given.st_mtime))
    return plain | {dt.date.fromisoformat(v).strftime("%d/%m/%Y") for v in plain if re.fullmatch(r"\d{4}-\d\d-\d\d", v)}


def everything(home: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a home that is not among those which may hold pupils; a SQLite file as its statements too."""
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home).as_posix()
        if not path.is_file() or re.fullmatch(BELONGS, name):
            continue
        content = path.read_bytes()
        yield name, content
        if content.startswith(b"SQLite format 3"):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                yield f"{name} (statements)", "\n".join(database.iterdump()).encode()


def found(texts: list[tuple[str, bytes]], plain: set[str]) -> list[str]:
    """In which of the texts a value stands. Says which text, and never the value."""
    sought = re.compile(b"|".join([MARK.encode(), *(re.escape(v.encode()) for v in sorted(plain))]), re.IGNORECASE)
    wide = re.compile(MARK.encode("utf-16-le"), re.IGNORECASE)
    return [name for name, content in texts if sought.search(content) or wide.search(content)]


def said(home: Path, *program: object) -> bytes:
    """All that a program prints, whose temporary files lie in the home as well."""
    (home / "tmp").mkdir(exist_ok=True)
    more = {
        HOME_VARIABLE: str(home),
        "DAGSTER_HOME": str(prepare_instance(open_home(home))),
        "TMPDIR": str(home / "tmp"),
    }
    done = subprocess.run(
        [*map(str, program)], check=False, env=environment(**more), cwd=home, capture_output=True, timeout=300
    )
    return done.stdout + done.stderr


def here(home: Path, *command: object) -> bytes:
    """All that a command prints, in this process, which is quicker."""
    done = attendance(*command, "--home", home)
    return (done.out + done.err).encode()


@dataclass(frozen=True, repr=False)
class LivedIn:
    """A home, the values of its pupils that cannot bear the mark, and all that its commands printed. Prints as nothing."""

    home: Path
    plain: set[str]
    printed: list[tuple[str, bytes]]


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> LivedIn:
    """A home after five weeks, two nights and faults; what stands for its pupils; and all that was printed."""
    home = demo_home(tmp_path_factory.mktemp("lived") / "home", LAST_NIGHT, schools=1)
    plain = marked(home)
    assert len(plain) > 40
    printed = [("check", here(home, "check")), ("the first night", said(home, COMMAND, "nightly"))]

    # The next night, with rows that cannot be used, started as the daemon starts it: with all that Dagster logs.
    drop_next_day(home, schools=1)
    drop(
        home, "register_2025-10-06_faults.csv", REGISTER_HEADER + f"{MARK},2025-10-06,AM,/,,\nA1,{MARK},AM,/,,{MARK}\n"
    )
    drop(home, "register_2025-10-06_broken.csv", f"{MARK}\x00,,,\n")
    drop(home, "contacts_2025-10-06.csv", f'UPN,Contact ID\n"{MARK}')
    dagster = Path(sys.executable).with_name("dagster")
    job = (dagster, "job", "execute", "-m", "attendance_pipeline.definitions", "-j", "take_in_extracts")
    printed.append(("the extracts", said(home, *job)))
    printed.append(("the second night", here(home, "nightly")))
    printed.append(("a backfill", here(home, "backfill", "--from", "2025-09-22", "--to", "2025-10-06")))
    return LivedIn(home, plain, printed)


def test_the_values_are_where_they_belong(lived_in: LivedIn) -> None:
    """Without this the other tests would pass on an empty home."""
    home = lived_in.home
    warehouse = (home / "state" / "warehouse.db").read_bytes()
    assert MARK.encode() in warehouse
    kept = [path for path in (home / "state" / "extracts").rglob("*") if path.is_file()]
    assert sum(MARK.encode() in path.read_bytes() for path in kept) > 5
    assert [f for f in (home / "outbox").rglob("batch.csv") if MARK.encode() in f.read_bytes()]


def test_no_value_stands_anywhere_else(lived_in: LivedIn) -> None:
    home, plain, printed = lived_in.home, lived_in.plain, lived_in.printed
    files = list(everything(home))
    assert {"attendance.toml", "state/dagster/history/runs.db (statements)"} <= {name for name, _ in files}
    assert all(len(text) > 0 for _, text in printed)
    assert found([*files, *printed], plain) == []


def test_no_value_stands_in_the_name_of_a_file(lived_in: LivedIn) -> None:
    home, plain = lived_in.home, lived_in.plain
    names = [path.relative_to(home).as_posix() for path in home.rglob("*")]
    assert found([(str(n), name.encode()) for n, name in enumerate(names)], plain) == []


def test_nobody_else_on_the_machine_may_read_them(lived_in: LivedIn) -> None:
    home = lived_in.home
    for place in ("state", "outbox"):
        for path in [home / place, *(home / place).rglob("*")]:
            # A folder that is closed to others closes what is in it.
            if not path.is_symlink() and not any(_closed(p) for p in (path, *path.parents) if p.is_relative_to(home)):
                pytest.fail(f"others may read a file beneath {place}/")


def _closed(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_an_error_that_names_a_pupil_loses_its_words(
    lived_in: LivedIn,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    home, plain = lived_in.home, lived_in.plain

    def as_libraries_do(*args: object, **kwargs: object) -> None:
        try:
            raise KeyError(f"Surname{MARK}")
        except KeyError:
            raise ValueError(f"could not convert 'Surname{MARK}'")  # noqa: B904  # both are Dagster's to log

    monkeypatch.setattr(Site, "register_version", as_libraries_do)
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    night = LAST_NIGHT.isoformat()
    with dg.DagsterInstance.from_config(str(prepare_instance(open_home(home)))) as instance:
        job = build_definitions(home).resolve_job_def("backfill")
        done = job.execute_in_process(instance=instance, tags=range_tags(night, night), raise_on_error=False)
    assert not done.success
    printed = capfd.readouterr()
    text = printed.out + printed.err
    assert "ValueError" in text, "the kind of error is said"
    assert "they may name a pupil" in text
    assert found([("log", text.encode()), *everything(home)], plain) == []
