"""The worked examples of a policy, worked out: what the rules give where an example expects something else.

Belongs here: an example's marks and log as a school of one pupil, and the comparison. Not here: the shape of an example
(`law/worked_example.py`), and reading policy files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from attendance_pipeline.derive.inputs import LogEntry, LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.ladder import EVENTS
from attendance_pipeline.derive.tables import to_frame
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import Policy
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.law.worked_example import Example, Expected, marks_of_word, span_of


@dataclass(frozen=True)
class Difference:
    """Where example `number` (from 1) of a policy does not come out as it says, in words."""

    number: int
    words: str
    problem: str

    def __str__(self) -> str:
        return f"{self.words}: {self.problem}"


def check_examples(policy: Policy) -> list[Difference]:
    """Every example of a policy that does not come out as it says."""
    return [
        Difference(number, example.words, problem)
        for number, example in enumerate(policy.setting.examples, 1)
        for problem in _problems(policy, example)
    ]


def _problems(policy: Policy, example: Example) -> Iterator[str]:
    calendar = example.calendar
    on = [calendar.index(e.on) for e in example.expect]
    outside = [e.on for e, day in zip(example.expect, on, strict=True) if day is None]
    outside += [e.on for e in example.expect if example.entry is not None and e.on < example.entry]
    missed = [span for span in example.marks if not _days_of(calendar, span, example.marks[span])]
    if outside:
        which = f"{outside[0]}{_of_years(example)}"
        yield f"expected a school day of the example on which the pupil is on roll, not {which}"
    if missed:
        yield f"expected marks of school days of the example, not of {missed[0]}{_of_years(example)}"
    if outside or missed:
        return
    days = [day for day in on if day is not None]
    derived = derive_school(_school(policy, example, calendar), 0, max(days))
    for expected, day in zip(example.expect, days, strict=True):
        found = _of_rule(derived, expected, day) if expected.rule else _of_ladder(derived, day)
        if found is None:
            yield f"on {expected.on} {expected.rule} is not in force"
            continue
        for name, value in expected.said.items():
            if found[name] != value:
                about = f"{expected.rule}: " if expected.rule else ""
                yield f"on {expected.on} {about}expected {name} {_told(value)}, and it is {_told(found[name])}"


def _of_years(example: Example) -> str:
    """Where the example names no years of its own and speaks of days beyond those it has, which these are."""
    calendar = example.calendar
    first, last = calendar.date(0), calendar.date(len(calendar) - 1)
    named = [e.on for e in example.expect] + [span_of(span)[0] for span in example.marks]
    if example.years is not None or all(first <= day <= last for day in named):
        return ""
    return f": without `years` it is about {first} to {last}"


def _school(policy: Policy, example: Example, calendar: SchoolCalendar) -> SchoolInputs:
    marks = np.zeros((1, len(calendar), 2), dtype=np.uint8)
    marks[0, :] = marks_of_word(example.otherwise)
    for span, words in example.marks.items():
        days, said = _days_of(calendar, span, words), words.split()
        for i, day in enumerate(days):
            marks[0, day] = marks_of_word(said[i] if len(said) > 1 else said[0])
    log = [
        LogEntry(0, e.date, e.action, e.stage, from_=e.from_, until=e.until)
        for e in sorted(example.log, key=lambda e: e.date)
    ]
    pupils = PupilTable.from_rows(calendar, [{"born": example.born, "entry": example.entry}])
    return SchoolInputs("example", calendar, policy, pupils, marks, LogTable.from_entries(1, log))


def _days_of(calendar: SchoolCalendar, span: str, words: str) -> range:
    """The school days that a line of marks is about: none where a date is none, or there are fewer days than words."""
    first, last = span_of(span)
    start = calendar.on_or_after(first)
    if last is not None:
        return range(start, calendar.on_or_before(last) + 1)
    stop = start + len(words.split())
    return range(start, stop) if calendar.index(first) is not None and stop <= len(calendar) else range(0)


def _of_ladder(derived: Derived, day: int) -> dict[str, Any]:
    row = to_frame(derived, "stages", day, day).iloc[0]
    date = derived.inputs.calendar.date
    told = derived.events[derived.events["day"] <= day]
    return {
        "stage": int(row["stage"]),
        "status": str(row["status"]),
        "reviews": None if pd.isna(row["reviews"]) else int(row["reviews"]),
        "review_due": _date(row["review_due"]),
        "events": tuple(
            f"{date(int(e['day']))} {EVENTS[e['event']]} {e['from_stage']}>{e['to_stage']}" for e in told
        ),
    }  # fmt: skip


def _of_rule(derived: Derived, expected: Expected, day: int) -> dict[str, Any] | None:
    frame = to_frame(derived, "penalty_notices", day, day)
    frame = frame[frame["rule"] == expected.rule]
    if frame.empty:
        return None
    row = frame.iloc[0]
    found: dict[str, Any] = {name: int(row[name]) for name in ("counted", "needed")}
    return found | {"status": str(row["status"])} | {n: _date(row[n]) for n in ("window_from", "drops_out_on")}


def _date(value: Any) -> dt.date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()


def _told(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(value) or "none"
    return "nothing" if value is None else str(value)
