"""What a list for staff says of a pupil.

Only the shape, which several lists share. Where the facts come from and which list has which rows is said by each list.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PupilFacts:
    """What a list says of a pupil. `attendance`: the ladder's measure as a ratio, None when there is none."""

    name: str
    class_name: str
    year_group: str
    stage: int
    attendance: float | None
