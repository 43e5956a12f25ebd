"""A home that was set back: an older database in its place is refused, and what lies on the drive is not printed again."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import shutil
from pathlib import Path

import pytest
from nights import Night, drop, folders, load, night, recorded_on, school_inbox, tables

from attendance_pipeline.demo.make import make_demo_home
from attendance_pipeline.letters.batch_lists import BATCH_FILE, REFERENCE
from attendance_pipeline.reports.failures import chain_of, kind_of
from attendance_pipeline.steps.set_back import FILE
from attendance_pipeline.store.warehouse import WarehouseError

LETTER_DAYS = [dt.date(2025, 11, 14), dt.date(2025, 11, 21), dt.date(2025, 11, 28)]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A home after its first letter day, and the folder with the extracts that came after it, but for the log."""
    home = make_demo_home(tmp_path_factory.mktemp("set-back") / "home", pupils=60).home
    later = home.parent / "later"
    later.mkdir()
    for file in school_inbox(home).iterdir():
        if recorded_on(file) > LETTER_DAYS[0]:
            file.rename(later / file.name)
    for log in later.glob("interventions_*"):  # of what was sent nobody says so: then no entry holds it back
        log.unlink()
    night(home, LETTER_DAYS[0])
    return home, later


@pytest.fixture
def home(first: tuple[Path, Path], tmp_path: Path) -> Path:
    return shutil.copytree(first[0], tmp_path / "home")


def come(home: Path, later: Path, after: dt.date, upto: dt.date) -> None:
    for file in later.iterdir():
        if after < recorded_on(file) <= upto:
            drop(home, file.name, file.read_bytes())


def next_nights(home: Path, later: Path) -> list[Night]:
    out = []
    for before, day in itertools.pairwise(LETTER_DAYS):
        come(home, later, before, day)
        out.append(night(home, day))
    return out


def letters_on_drive(home: Path) -> dict[str, set[str]]:
    """By folder the references of the letters it was laid out with."""
    found = {}
    for file in sorted((home / "outbox").glob(f"oakfield/office/*/*/letters*/{BATCH_FILE}")):
        with file.open(encoding="utf-8-sig", newline="") as rows:
            found[file.parent.relative_to(home).as_posix()] = {row[REFERENCE] for row in csv.DictReader(rows)}
    return found


def set_back(home: Path, to: Path) -> None:
    shutil.rmtree(home / "state")
    shutil.copytree(to / "state", home / "state")


def test_what_was_printed_since_the_backup_is_not_printed_again(first: tuple[Path, Path], home: Path) -> None:
    backup, later = first
    next_nights(home, later)
    printed = letters_on_drive(home)
    last = max(printed)
    assert len(printed) == 3 and all(printed.values())
    shutil.rmtree(home / last)  # the night of the last letter day is the one that comes after the restore
    set_back(home, backup)
    come(home, later, LETTER_DAYS[0], LETTER_DAYS[2])
    night(home, LETTER_DAYS[2])
    now = letters_on_drive(home)
    assert now.keys() == printed.keys()
    before = set().union(*(references for folder, references in printed.items() if folder != last))
    assert now[last] and not now[last] & before, "no letter is laid out twice"
    # All at once knows corrections earlier: it may do without a letter, but none that is owed is left out.
    owed = {str(r) for r in tables(home)["letters"].query("state == 'proposed'")["reference"]}
    assert owed <= before | now[last]

    done = folders(home)
    night(home, LETTER_DAYS[2])
    assert folders(home) == done, "from then on they are known"


def test_a_copy_of_a_home_that_delivers_to_the_same_drive_prints_nothing_twice(
    first: tuple[Path, Path], home: Path, tmp_path: Path
) -> None:
    _, later = first
    old = shutil.copytree(home, tmp_path / "old")
    shutil.rmtree(old / "outbox")
    settings = old / "attendance.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('drive = "outbox"', f'drive = "{home / "outbox"}"'), encoding="utf-8")
    next_nights(home, later)
    printed = letters_on_drive(home)
    come(old, later, LETTER_DAYS[0], LETTER_DAYS[2])
    night(old, LETTER_DAYS[2])
    references = [r for held in letters_on_drive(home).values() for r in held]
    assert len(references) == len(set(references)) >= len(set().union(*printed.values()))


@pytest.mark.parametrize("instead", ["older", "none", "empty"])
def test_another_database_in_the_place_of_the_homes_is_refused(
    first: tuple[Path, Path], home: Path, instead: str
) -> None:
    backup, later = first
    (home / "state" / FILE).write_text("2999-01-01T00:00:00\n", encoding="utf-8")  # as if it had gone on for years
    for name in ("warehouse.db", "warehouse.db-wal", "warehouse.db-shm"):
        (home / "state" / name).unlink(missing_ok=True)
    if instead == "older":
        shutil.copy(backup / "state" / "warehouse.db", home / "state" / "warehouse.db")
    elif instead == "empty":
        (home / "state" / "warehouse.db").touch()
    come(home, later, LETTER_DAYS[0], LETTER_DAYS[1])
    waiting = sorted(p.name for p in school_inbox(home).iterdir())
    with pytest.raises(WarehouseError, match=r"has taken its place.*attendance restore.*remove .*loaded-until") as said:
        load(home)
    assert kind_of(chain_of(said.value)) == "database-set-back"
    assert sorted(p.name for p in school_inbox(home).iterdir()) == waiting
    (home / "state" / FILE).unlink()
    load(home)
    assert not list(school_inbox(home).iterdir()), "somebody said that it is meant to be this one"
    assert (home / "state" / FILE).exists()
