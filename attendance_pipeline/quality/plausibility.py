"""One Great Expectations suite on the plausibility of days, and one on that of class registers.

Belongs here: the figures of a day that are looked at, what is expected of them, and reading back which days fell short.
Not here: storing results, holding letters. Only counts and shares go into Great Expectations, one row a day or a class
register, so that no pupil's value can come out of it. Great Expectations is imported when it is needed: the import
takes seconds.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.law.register_codes import (
    ATTENDED,
    CODES,
    NO_MARK,
    NOT_ESTABLISHED,
    POSSIBLE,
    UNAUTHORISED,
)

SUDDEN_JUMP_POINTS = 15  # absence this many points above the median of the school's own four weeks before
OWN_WEEKS_DAYS = 20


@dataclass(frozen=True)
class Expectation:
    """What is expected of one column of the figures, in words that a data manager reads."""

    name: str
    column: str
    low: float | None
    high: float | None
    words: str


# Of a whole school on one day. A day that falls short holds the school's letters.
OF_A_DAY = (
    Expectation("marks_present", "share_marked", 0.9, 1.0, "at least 90% of sessions of pupils on roll are marked"),
    Expectation("morning_registers", "share_marked_am", 0.9, 1.0, "at least 90% of pupils on roll have a morning mark"),
    Expectation("not_established", "share_not_established", 0.0, 0.1, "at most 10% of marks are N"),
    Expectation("some_attended", "share_attended", 0.3, 1.0, "at least 30% of possible sessions are attended"),
    Expectation(
        "sudden_jump",
        "jump_points",
        None,
        SUDDEN_JUMP_POINTS,
        f"absence is at most {SUDDEN_JUMP_POINTS} points above the school's own four weeks before",
    ),
)
# Of one class on one day. A class that falls short holds its own pupils' letters.
OF_A_CLASS = (
    Expectation("class_am", "share_marked_am", 0.5, 1.0, "the morning register of the class was taken"),
    Expectation("class_pm", "share_marked_pm", 0.5, 1.0, "the afternoon register of the class was taken"),
    Expectation("class_reasons", "share_unauthorised", 0.0, 0.8, "not nearly the whole class is absent unauthorised"),
)
SMALL_CLASS = 5  # in a class of fewer, half the register may be missing by plain bad luck


@dataclass(frozen=True)
class Finding:
    """One expectation of one school day, or of one class on one day, and whether it was met. `day` is its number."""

    day: int
    scope: str
    subject: str
    check: str
    passed: bool
    value: float | None
    words: str


def day_figures(inputs: SchoolInputs, days: Sequence[int]) -> pd.DataFrame:
    """Shares of a whole school, one row a day: day, roll and the columns that OF_A_DAY names."""
    rows = []
    for day in days:
        figures = _figures(inputs, day, inputs.pupils.on_roll(day))
        before = [_absence(inputs, d) for d in range(max(0, day - OWN_WEEKS_DAYS), day)]
        own = [a for a in before if a is not None]
        absent = _absence(inputs, day)
        jump = None if absent is None or len(own) < 5 else (absent - float(np.median(own))) * 100
        rows.append({"day": day, **figures, "jump_points": jump})
    return pd.DataFrame(rows)


def class_figures(inputs: SchoolInputs, days: Sequence[int]) -> pd.DataFrame:
    """Shares of each class, one row a class and day: day, class_name, roll and the columns that OF_A_CLASS names."""
    rows = []
    for day in days:
        on_roll = inputs.pupils.on_roll(day)
        for name in sorted(set(inputs.pupils.class_name[on_roll])):
            members = on_roll & (inputs.pupils.class_name == name)
            if name and members.sum() >= SMALL_CLASS:
                rows.append({"day": day, "class_name": name, **_figures(inputs, day, members)})
    return pd.DataFrame(rows, columns=["day", "class_name", *_FIGURES])


_FIGURES = (
    "roll",
    "share_marked",
    "share_marked_am",
    "share_marked_pm",
    "share_not_established",
    "share_attended",
    "share_unauthorised",
)


def _flags(inputs: SchoolInputs, day: int, members: Any = slice(None)) -> Any:
    era, tables = CODES.eras(inputs.calendar.days[day : day + 1])
    return tables[era[0]][inputs.marks[members, day]]


def _figures(inputs: SchoolInputs, day: int, members: Any) -> dict[str, float | int | None]:
    marks, flags = inputs.marks[members, day], _flags(inputs, day, members)
    marked = marks != NO_MARK
    possible = int(((flags & POSSIBLE) > 0).sum())
    unauthorised = int(((flags & UNAUTHORISED) > 0).sum())

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return {
        "roll": len(marks),
        "share_marked": share(int(marked.sum()), marked.size),
        "share_marked_am": share(int(marked[:, 0].sum()), len(marked)),
        "share_marked_pm": share(int(marked[:, 1].sum()), len(marked)),
        "share_not_established": share(int(((flags & NOT_ESTABLISHED) > 0).sum()), int(marked.sum())),
        "share_attended": share(int(((flags & ATTENDED) > 0).sum()), possible),
        "share_unauthorised": share(unauthorised, possible),
    }


def _absence(inputs: SchoolInputs, day: int) -> float | None:
    flags = _flags(inputs, day, inputs.pupils.on_roll(day))
    possible = int(((flags & POSSIBLE) > 0).sum())
    return (possible - int(((flags & ATTENDED) > 0).sum())) / possible if possible else None


def check_days(inputs: SchoolInputs, days: Sequence[int]) -> list[Finding]:
    """Run both suites over the given days (numbers of the calendar), each as one frame: a Finding per row and check."""
    if not len(days):
        return []
    context = _context()
    found = _run(context, "school days", day_figures(inputs, days), OF_A_DAY, "school")
    return found + _run(context, "class registers", class_figures(inputs, days), OF_A_CLASS, "class")


def _context() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _run(context: Any, name: str, figures: pd.DataFrame, expected: Sequence[Expectation], scope: str) -> list[Finding]:
    if figures.empty:
        return []
    import great_expectations as gx

    batch = (
        context.data_sources.add_pandas(name)
        .add_dataframe_asset(name)
        .add_batch_definition_whole_dataframe(name)
        .get_batch({"dataframe": figures})
    )
    out = []
    for e in expected:
        result = batch.validate(
            gx.expectations.ExpectColumnValuesToBeBetween(column=e.column, min_value=e.low, max_value=e.high),
            result_format={"result_format": "COMPLETE"},
        )
        short = set(result.result.get("unexpected_index_list") or ())
        for i, row in enumerate(figures.to_dict("records")):
            value = row[e.column]
            out.append(
                Finding(
                    day=int(row["day"]),
                    scope=scope,
                    subject=str(row["class_name"]) if scope == "class" else "",
                    check=e.name,
                    passed=i not in short,
                    value=None if pd.isna(value) else round(float(value), 4),
                    words=e.words,
                )
            )
    return out
