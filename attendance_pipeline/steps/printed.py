"""Printed: which letters lie in folders on the drive already, so that none is laid out to be posted twice.

Belongs here: comparing a batch with what was delivered before. Not here: making a batch (`letters/batch.py`) or
delivering one (`deliver.py`).
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendance_pipeline import delivery
from attendance_pipeline.letters.batch import BatchFiles
from attendance_pipeline.letters.batch_lists import BATCH_FILE, DO_NOT_SEND_FILE, HELD_FILE, REFERENCE, SHARES
from attendance_pipeline.letters.ledger_rows import LedgerRow

LISTS = (HELD_FILE, DO_NOT_SEND_FILE)
LYING_ABOUT_DAYS = 30  # for so long a printed letter that is not to go is named in every batch
_NOT_TO_GO = frozenset({"superseded", "held", "rejected"})


def remembered(batch: BatchFiles) -> dict[str, str]:
    """By reference the name of the letter's file, and each list under its own: what is remembered of a folder."""
    return {**batch.pdf_of, **{name: name for name in LISTS if name in batch.office}}


def there_already(delivered: Sequence[Mapping[str, Any]], day: dt.date, drive: Path) -> dict[str, str]:
    """What the folders of a day hold, the newest of each; a folder that somebody took away holds nothing.

    `delivered`: rows of `store.deliveries`, oldest first.
    """
    found: dict[str, str] = {}
    for d in delivered:
        if d["day"] == day and d["holds"] and (drive / d["path"]).is_dir():
            found |= d["holds"]
    return found


@dataclass(frozen=True)
class Lying:
    """A folder of letters on the drive of which the database knows nothing. `path`: relative to the drive; `holds`: by
    reference the hash of its file; `sha256`: of its manifest."""

    path: str
    day: dt.date
    sha256: str
    holds: Mapping[str, str]


def printed_elsewhere(
    drive: Path,
    school: str,
    after: dt.date | None,
    delivered: Sequence[Mapping[str, Any]],
    own: Collection[str],
) -> list[Lying]:
    """Folders of letters on the drive that no row of `delivered` names.

    Where there are any, the home was set back to a backup, or is the copy of one: those letters were laid out to be
    posted already. By the same key the same letter has the same reference. `after`: day of the last batch that is
    known; what was printed before it is not printed anew. `own`: folders of days, relative to the drive, in which this
    home is delivering.
    """
    known = {d["path"] for d in delivered}
    found = []
    for day, date in _days_from(drive / school / "office", after):
        if day.relative_to(drive).as_posix() not in own:
            for folder in sorted(day.glob("letters*")):
                path = folder.relative_to(drive).as_posix()
                if path not in known and (folder / BATCH_FILE).is_file() and (folder / delivery.MANIFEST).is_file():
                    manifest = hashlib.sha256((folder / delivery.MANIFEST).read_bytes()).hexdigest()
                    found.append(Lying(path, date, manifest, _held_by(folder)))
    return found


def _held_by(folder: Path) -> dict[str, str]:
    hashes = delivery.hashes_of(folder)
    with (folder / BATCH_FILE).open(encoding="utf-8-sig", newline="") as file:
        rows = [(row.get(REFERENCE) or "", row.get(SHARES) or "") for row in csv.DictReader(file)]
    own = {reference: hashes.get(f"{reference}.pdf") for reference, _ in rows if reference}
    # Two letters in one envelope are one file, under the reference of one of them.
    letters = {reference: own[reference] or own.get(shares) or "" for reference, shares in rows if reference}
    return letters | {name: hashes[name] for name in LISTS if name in hashes}


def _days_from(office: Path, first: dt.date | None) -> Iterator[tuple[Path, dt.date]]:
    for day in sorted(office.glob("*/*")):
        try:
            date = dt.date.fromisoformat(day.name)
        except ValueError:
            continue
        if first is None or date >= first:
            yield day, date


def news(batch: BatchFiles, earlier: Mapping[str, str]) -> tuple[frozenset[str], bool]:
    """References of a batch that are in no earlier folder of its day as they are now; and whether a list says
    something else than it did."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in batch.office.items()}
    now = {key: hashes[name] for key, name in remembered(batch).items()}
    fresh = frozenset(reference for reference in batch.pdf_of if now[reference] != earlier.get(reference))
    return fresh, any(now.get(name) != earlier.get(name) for name in LISTS)


def withdrawn(
    rows: Sequence[LedgerRow], delivered: Sequence[Mapping[str, Any]], day: dt.date
) -> list[tuple[LedgerRow, dt.date]]:
    """Letters that were printed in the last weeks and are not to go now, each with the day of its latest printing."""
    printed: dict[str, dt.date] = {}
    for d in delivered:
        if day - dt.timedelta(LYING_ABOUT_DAYS) <= d["day"] <= day:
            printed |= dict.fromkeys(d["holds"], d["day"])
    return [(r, printed[r.reference]) for r in rows if r.state in _NOT_TO_GO and r.reference in printed]
