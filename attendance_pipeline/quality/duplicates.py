"""Pupils who seem to be on roll twice: how many share name and date of birth with another. A count, never who.

Belongs here: when two names are the same. Not here: who is on roll, and what is to be done about it
(`expectations.py`).
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import Counter
from collections.abc import Iterable


def sharing_name_and_birth(pupils: Iterable[tuple[str, str, dt.date | None]]) -> int:
    """How many of the pupils (forename, surname, date of birth) share all three with another.

    Case, accents, spaces and hyphens make no name another. A pupil without a date of birth or a name shares nothing.
    """
    counts = Counter(
        (_plain(forename), _plain(surname), born)
        for forename, surname, born in pupils
        if born is not None and _plain(forename) and _plain(surname)
    )
    return sum(count for count in counts.values() if count > 1)


def _plain(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())
