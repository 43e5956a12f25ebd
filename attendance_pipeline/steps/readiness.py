"""Which classes of a school are not ready for letters, and why: the results of the check of the register.

Belongs here: which results a decision looks at. Not here: making results (`check.py`), holding a letter (`letters/`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from attendance_pipeline.home import School
from attendance_pipeline.quality.expectations import BY_NAME
from attendance_pipeline.store import quality


@dataclass(frozen=True)
class NotReady:
    """`school`: whether the whole school is not ready; `classes`: those that are not. `words`: why, in words, by class;
    "" for the school."""

    school: bool
    classes: frozenset[str]
    words: Mapping[str, str]


class Readiness:
    """All that fell short in a school, asked for the cut-off day of many decisions.

    A result of a day holds the decisions on that day's marks, and on those of as many school days after it as its check
    says: a missing register is over when the next one is there, marks that cannot be believed go on counting.
    """

    def __init__(self, conn: Connection, school: School) -> None:
        self._short: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        for row in quality.read(conn, school.id):
            day = school.calendar.index(row["day"])
            if day is None or row["check_name"] not in BY_NAME:
                continue
            words = f"{row['day']:%d/%m/%Y}, {BY_NAME[row['check_name']].short}"
            for cut in range(day, day + row["detail"]["waits"]):
                self._short[cut].append((row["scope"], row["subject"], words))

    def on(self, cut: int) -> NotReady:
        """What is not ready for decisions that use marks up to this day (its number; -1: no day)."""
        words: dict[str, list[str]] = defaultdict(list)
        for scope, subject, why in self._short.get(cut, ()):
            words[subject if scope == "class" else ""].append(why)
        return NotReady(
            school="" in words,
            classes=frozenset(words) - {""},
            words={subject: ", ".join(why) for subject, why in words.items()},
        )
