"""Versions of one intervention log: which entries are no longer in it, where the school says its log is complete.

A log that people keep is a living file: every version holds the entries of the one before, and new ones. Worked out
from all versions in the order in which they speak, so that it does not matter when they were loaded. What a version
says of an entry that is in it is `roll.py`'s business, and so are schools whose logs only add (`changes`).

A row that is gone may have been taken out on purpose or lost by a slip, and what hangs on it may be a hold that keeps a
letter from a family. So an entry is taken back only by a version that plainly is the same log, read whole: one of the
same name but for the date, with at least half of the entries of the version before, and no row of it set aside.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from attendance_pipeline.store.extracts import StoredExtract

LITTLE_LEFT = "less than half of the entries of the version before: none of them is taken back"

# In the names of logs that the program writes for what a person decided of letters: each is whole by itself.
DECIDED = "_decided-"

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{2}[.-]\d{2}[.-]\d{4}|(?<!\d)\d{8}(?!\d))(_\d{6}(?!\d))?")


@dataclass(frozen=True)
class Standing:
    """`subjects`: the entries that stand, by number; `little_left`: versions that hold so little of the one before that
    they took nothing back."""

    subjects: frozenset[int]
    little_left: tuple[StoredExtract, ...] = ()


def series_of(file_name: str) -> str:
    """What the versions of one log have in common in their names: all but dates, and the ending."""
    if DECIDED in file_name:
        return file_name
    stem = file_name.rpartition(".")[0] or file_name
    return _DATE.sub("", stem).casefold()


def standing_entries(versions: Sequence[tuple[StoredExtract, frozenset[int]]]) -> Standing:
    """Which entries stand after all versions (extract, subjects of its entries), given in the order they speak in.

    An entry that stands in one log stands, whatever another log of the school says.
    """
    logs: dict[str, list[tuple[StoredExtract, frozenset[int]]]] = defaultdict(list)
    for extract, entries in versions:
        logs[series_of(extract.file_name)].append((extract, entries))
    standing: set[int] = set()
    little: list[StoredExtract] = []
    for log in logs.values():
        stands: set[int] = set()
        before: frozenset[int] = frozenset()  # of the version before, with what it may have lost in rows set aside
        for extract, entries in log:
            same_log = 2 * len(entries & before) >= len(before)
            if not same_log:
                little.append(extract)
                before = entries
            elif extract.quarantined:
                before |= entries
            else:
                stands -= before - entries
                before = entries
            stands |= entries
        standing |= stands
    return Standing(frozenset(standing), tuple(little))
