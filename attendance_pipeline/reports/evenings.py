"""What two evenings knew and said of the same school, side by side, and why they differ. Names pupils: for who asked.

Belongs here: the shape of the difference, and its lines and JSON. Not here: reading a home (`steps/evenings.py`).

A difference has two causes, which are kept apart: marks, roll or log of days that the earlier evening had already
spoken of are others now (`restated`), or school days have gone by since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ChangedMark:
    """A session that the earlier evening knew otherwise; blank: no mark. `file`, `line`: what the later relies on."""

    upn: str
    date: dt.date
    session: str
    before: str
    after: str
    file: str
    line: int | None


@dataclass(frozen=True)
class Changed:
    """Something about a pupil: `before` on the earlier evening, `restated` of that evening's day by what the later one
    knows, `after` on the later evening. `why`: in words."""

    upn: str
    name: str
    class_name: str
    what: str
    before: str
    restated: str
    after: str
    why: str


@dataclass(frozen=True)
class Evenings:
    """Of one school. `first_day`, `last_day`: the school days that the nights of the two evenings were for; None: the
    evening knew no marks."""

    school_id: str
    school: str
    first: dt.date
    last: dt.date
    first_day: dt.date | None
    last_day: dt.date | None
    marks: tuple[ChangedMark, ...] = ()
    new_marks: int = 0
    figures: tuple[Changed, ...] = ()
    stages: tuple[Changed, ...] = ()
    cases: tuple[Changed, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        return {
            "marks_changed": len(self.marks),
            "marks_of_later_days": self.new_marks,
            "figures": len(self.figures),
            "stages": len(self.stages),
            "cases": len(self.cases),
        }


def as_lines(told: Evenings) -> list[str]:
    """For a terminal."""
    days = " and ".join(str(d) if d else "no school day" for d in (told.first_day, told.last_day))
    out = [f"{told.school}: the evenings of {told.first} and {told.last} (school days {days})", ""]
    out.append(f"{len(told.marks)} marks that the first evening knew otherwise; {told.new_marks} marks of later days.")
    for m in told.marks:
        source = f"{m.file}, line {m.line}" if m.line else m.file or "named by no extract any more"
        out.append(f"  {m.upn:<14}{m.date} {m.session}  {m.before or 'blank'} -> {m.after or 'blank'}  ({source})")
    for heading, changes in (
        (f"figures of the year up to {told.first_day}", told.figures),
        ("stages", told.stages),
        ("penalty-notice cases", told.cases),
    ):
        out += ["", f"{len(changes)} {heading}.", *_changes(changes)]
    return out


def _changes(changes: tuple[Changed, ...]) -> Iterator[str]:
    for c in changes:
        what = f"{c.what}: " if c.what else ""
        yield f"  {c.upn:<14}{c.name:<28}{c.class_name:<8}{what}{c.before} -> {c.after}"
        yield f"{'':<16}{c.why}"


def as_json(told: Evenings) -> dict[str, Any]:
    """Everything, with dates in ISO."""
    return {
        "school": told.school_id,
        "from_as_at": told.first.isoformat(),
        "to_as_at": told.last.isoformat(),
        "from_day": told.first_day and told.first_day.isoformat(),
        "to_day": told.last_day and told.last_day.isoformat(),
        "counts": told.counts,
        "marks": [{**vars(m), "date": m.date.isoformat()} for m in told.marks],
        "figures": [vars(c) for c in told.figures],
        "stages": [vars(c) for c in told.stages],
        "cases": [vars(c) for c in told.cases],
    }
