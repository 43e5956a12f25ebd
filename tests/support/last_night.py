"""A home before a night that has everything to do, and all that it says and holds after it.

For tests and the campaign of faults: a night is disturbed in a copy of the home, made good by the next, and the end
compared with that of a copy that nobody disturbed. What is compared is digests; a difference shows no pupil.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from nights import digest, drive, drop, hidden, recorded_on, school_inbox, tables

from attendance_pipeline.delivery import MANIFEST
from attendance_pipeline.demo.make import make_demo_home

# A Friday after which a half-term begins: everything that is ever delivered is due together.
BEFORE, TODAY = dt.date(2025, 9, 18), dt.date(2025, 9, 19)
BREAK = "{ starts = 2025-09-22, ends = 2025-09-26 }"  # an early one: a short half-term makes short nights
HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
# The note of the morning says when the night was and how it went: a night that was made good may say otherwise.
OF_THE_MORNING = "/this-morning/"


@dataclass(frozen=True)
class End:
    """All that a home says and holds in the end; no value of it is a pupil's."""

    tables: dict[str, str]
    drive: dict[str, str]
    kept: list[str]
    inbox: list[str]
    hidden: list[str]
    unfinished: list[str]

    def differences(self, other: End) -> list[str]:
        """What is not the same, in words for a person."""
        return [
            f"{name}: {sorted(map(str, mine ^ theirs))[:4]}"
            for name in ("tables", "drive", "kept", "inbox", "hidden", "unfinished")
            if (mine := _items(getattr(self, name))) != (theirs := _items(getattr(other, name)))
        ]


def _items(value: dict[str, str] | list[str]) -> set[object]:
    return set(value.items()) if isinstance(value, dict) else set(value)


def end_of(home: Path) -> End:
    """The end of a home whose drive is its own `outbox`."""
    return End(
        tables={name: digest(frame) for name, frame in tables(home).items()},
        drive={path: "" if OF_THE_MORNING in path else sha256 for path, sha256 in drive(home).items()},
        kept=sorted(file.name for file in (home / "state" / "extracts").glob("*/[!.]*")),
        inbox=sorted(file.name for file in school_inbox(home).iterdir()),
        hidden=hidden(home),
        unfinished=unfinished(home),
    )


def unfinished(home: Path) -> list[str]:
    """Files in the state folder, kept extracts and inboxes under a name that is not to last."""
    state = home / "state"
    found = [*state.glob(".*"), *(state / "extracts").glob("*/.*"), *(home / "inbox").glob("*/.*")]
    return sorted(path.relative_to(home).as_posix() for path in found)


def half_made(home: Path) -> list[str]:
    """Folders that people see on the drive and that are not whole: files without a manifest, or a file that it lists
    and that is missing. (A board is renewed file by file: its manifest comes last, and names the same files.)"""
    out = []
    for folder in {file.parent for file in (home / "outbox").rglob("*") if file.is_file()}:
        if any(part.startswith(".") for part in folder.relative_to(home).parts):
            continue
        try:
            listed = [line["name"] for line in json.loads((folder / MANIFEST).read_bytes())["files"]]
            whole = all((folder / name).is_file() for name in listed)
        except (OSError, ValueError, KeyError):
            whole = False
        out += [] if whole else [folder.relative_to(home).as_posix()]
    return sorted(out)


def make_last_night(folder: Path, run: Callable[[Path, dt.date], int | None], pupils: int = 40) -> Path:
    """A home with the weeks before done, and in its inbox the last day's marks and log, and a late correction.

    `run`: runs a night of a home up to a day, and gives its exit code.
    """
    home = make_demo_home(folder / "home", pupils=pupils).home
    calendar = home / "calendars" / "demo.toml"
    calendar.write_text(calendar.read_text().replace("half_terms = [", f"half_terms = [{BREAK}, ", 1))
    inbox, later = school_inbox(home), home.with_name("later")
    later.mkdir()
    for file in sorted(inbox.iterdir()):
        if recorded_on(file) > TODAY:
            file.unlink()
        elif recorded_on(file) > BEFORE:
            file.rename(later / file.name)
    assert run(home, BEFORE) in (0, 1)
    rows = absent_after_all(tables(home)["register"])
    for file in later.iterdir():
        drop(home, file.name, file.read_bytes())
    unknown = rows[0].replace(",O,", ",ZZ,")
    drop(home, f"register_{TODAY}_late.csv", "\n".join([HEADER, *rows[1:], unknown, ""]).encode())
    return home


def absent_after_all(register: pd.DataFrame) -> list[str]:
    """Rows for two pupils who had always been there: one was not this week, of the other nobody knows about last week.

    For the one the first stage opens and a letter is owed; the other's letter is held.
    """
    present = register.groupby("upn")["code"].agg(lambda codes: set(codes) <= {"/", "\\"})
    this, last = (BEFORE - dt.timedelta(days=n) for n in (3, 10))
    rows = []
    for upn, code, first in zip(present[present].index[:2], "ON", (this, last), strict=True):
        days = (
            (register["upn"] == upn) & (register["date"] >= first) & (register["date"] < first + dt.timedelta(days=4))
        )
        rows += [f"{upn},{m.date},{m.session},{code},,Not seen" for m in register[days].itertuples()]
    return rows


def last_words(said: str) -> str:
    """What a command says of what a person must look at, on its last lines."""
    return said.rstrip().split("\n\n")[-1]
