"""Printed: which letters lie in folders on the drive already, so that none is laid out to be posted twice.

Belongs here: comparing a batch with what was delivered before. Not here: making a batch (`letters/batch.py`) or
delivering one (`deliver.py`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attendance_pipeline.letters.batch import BatchFiles
from attendance_pipeline.letters.batch_lists import DO_NOT_SEND_FILE, HELD_FILE
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
