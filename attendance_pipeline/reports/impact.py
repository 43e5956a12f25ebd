"""The impact report: what changed since the one before it, for the data manager. Pure.

Belongs here: comparing two pages of a day, and the workbook. Not here: where pages and letters come from
(`steps/impact.py`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.ladder import STATUSES
from attendance_pipeline.derive.penalty_notices import PN_STATUSES
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

WOULD_NOT_BE_SENT = "sent; the marks no longer support it"
NOTHING = "nothing"
OWED = "new; its stage opened before the newest day"


@dataclass(frozen=True)
class Mark:
    """One amendment of a mark. `line` 0: withdrawn by not being named."""

    person_id: int
    date: dt.date
    session: str
    old_code: str
    new_code: str
    recorded_on: dt.date
    extract: str
    line: int


@dataclass(frozen=True)
class Change:
    """What a day says of a pupil, before and now: a stage with its status, or a rule's status."""

    person_id: int
    day: dt.date
    what: str
    before: str
    now: str


@dataclass(frozen=True)
class LetterNote:
    """A letter that somebody should look at, and why."""

    person_id: int
    reference: str
    kind: str
    opened_on: dt.date
    why: str


@dataclass(frozen=True)
class Impact:
    """All of one report. `stages` and `cases`: as of the newest day that changed, one a pupil (and rule)."""

    marks: Sequence[Mark]
    days_changed: Sequence[dt.date]
    stages: Sequence[Change]
    cases: Sequence[Change]
    letters: Sequence[LetterNote]

    def __bool__(self) -> bool:
        return bool(self.marks or self.stages or self.cases or self.letters)

    @property
    def pupils(self) -> frozenset[int]:
        """Pupils whose stage or case is another now."""
        return frozenset(c.person_id for c in (*self.stages, *self.cases))

    @property
    def counts(self) -> dict[str, int]:
        """By what is counted, in the words of the report."""
        return {
            "marks changed": len(self.marks),
            "school days changed": len(self.days_changed),
            "pupils whose stage differs": len(self.stages),
            "penalty-notice cases that differ": len(self.cases),
            "letters sent that would not be sent today": sum(n.why == WOULD_NOT_BE_SENT for n in self.letters),
            "letters now owed": sum(n.why == OWED for n in self.letters),
        }


def stage_changes(day: dt.date, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Pupils whose stage or status differs between two pages of `stages` of one day."""
    said = [
        {
            int(p): f"stage {s}, {STATUSES[t].replace('_', ' ')}"
            for p, s, t in zip(page["pupil"], page["stage"], page["status"], strict=True)
        }
        for page in (before, now)
    ]
    return _differences(
        day, {(p, "stage"): t for p, t in said[0].items()}, {(p, "stage"): t for p, t in said[1].items()}
    )


def case_changes(day: dt.date, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Pupils and rules whose status differs between two pages of `penalty_notices` of one day."""
    return _differences(day, *(_cases(page) for page in (before, now)))


def _cases(page: Mapping[str, npt.NDArray[Any]]) -> dict[tuple[int, str], str]:
    told = np.flatnonzero(page["status"] > 0)
    return {
        (int(page["pupil"][i]), str(page["rule"][i])): PN_STATUSES[page["status"][i]].replace("_", " ") for i in told
    }


def _differences(
    day: dt.date, before: Mapping[tuple[int, str], str], now: Mapping[tuple[int, str], str]
) -> list[Change]:
    return [
        Change(key[0], day, key[1], before.get(key, NOTHING), now.get(key, NOTHING))
        for key in sorted(before.keys() | now.keys())
        if before.get(key, NOTHING) != now.get(key, NOTHING)
    ]


def impact_workbook(impact: Impact, names: Mapping[int, Mapping[str, str]], school: str, day: dt.date) -> bytes:
    """The report as a workbook. `names`: `pupil` and `class` of each person; a pupil who is in no extract any more has
    none."""

    def about(person_id: int, **more: object) -> dict[str, object]:
        return {"pupil": "(not in any extract now)", "class": "", **names.get(person_id, {}), **more}

    pupil, class_name = Column("pupil", "Pupil"), Column("class", "Class")
    heading = f"{school}: what changed, {day:%d/%m/%Y}"
    summary = [{"what": what[:1].upper() + what[1:], "count": count} for what, count in impact.counts.items()]
    if impact.marks:
        summary.append({"what": "Earliest changed mark", "day": min(m.date for m in impact.marks)})
    changed = (Column("day", "On", "date"), Column("what", "What"), Column("before", "Before"), Column("now", "Now"))
    sheets = [
        Sheet(
            "Summary",
            (Column("what", "What", width=44), Column("count", "How many", "whole"), Column("day", "Day", "date")),
            summary,
            heading,
        ),
        Sheet("Stages", (pupil, class_name, *changed), [about(c.person_id, **_row(c)) for c in impact.stages], heading),
        Sheet(
            "Penalty notices",
            (pupil, class_name, *changed),
            [about(c.person_id, **_row(c)) for c in impact.cases],
            heading,
        ),
        Sheet(
            "Letters",
            (
                *(pupil, class_name, Column("reference", "Reference"), Column("kind", "Letter")),
                *(Column("opened_on", "Stage opened", "date"), Column("why", "Why", wrap=True)),
            ),
            [about(n.person_id, **_row(n)) for n in impact.letters],
            heading,
        ),
        Sheet(
            "Marks",
            (
                *(pupil, class_name, Column("date", "Date", "date"), Column("session", "Session")),
                *(Column("old_code", "Was"), Column("new_code", "Is"), Column("recorded_on", "Recorded on", "date")),
                *(Column("extract", "Extract"), Column("line", "Line", "whole")),
            ),
            [about(m.person_id, **_row(m)) for m in impact.marks],
            heading,
        ),
    ]
    return workbook_bytes(sheets, title=heading, created=day)


def _row(thing: Mark | Change | LetterNote) -> dict[str, object]:
    return {name: value for name, value in vars(thing).items() if name != "person_id"}
