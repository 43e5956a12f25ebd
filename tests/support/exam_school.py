"""Small schools written by hand: marks by date in words, a log, a policy; and what the pipeline makes of them in words.

Belongs here: shorthand, so that a test reads as an exam question. Must not: expected answers.

The year 2025/26 of the exam school: 1 September to 19 December, 5 January to 27 March, 13 April to 17 July, with
half-terms from 27 October, 16 February and 25 May, and the bank holiday on 4 May. School week 0 begins on 1 September,
week 7 on 20 October, week 8 on 3 November, week 14 on 15 December, week 15 on 5 January.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from attendance_pipeline.derive.inputs import LogEntry, LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.ladder import EVENTS, STATUSES
from attendance_pipeline.derive.tables import to_frame
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import Policy, PolicySetting
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar

THRESHOLDS = {"autumn": 85, "spring": 90, "summer": 90}
BORN = dt.date(2015, 1, 10)


def day(text: str) -> dt.date:
    """`09-15` lies in 2025 from August on, else in 2026; a whole ISO date is itself."""
    if len(text) == 10:
        return dt.date.fromisoformat(text)
    return dt.date.fromisoformat(f"{2025 if text >= '08' else 2026}-{text}")


def term(season: str, starts: str, ends: str, *half_terms: tuple[str, str]) -> dict[str, Any]:
    breaks = [{"starts": day(first), "ends": day(last)} for first, last in half_terms]
    return {"name": season.title(), "season": season, "starts": day(starts), "ends": day(ends), "half_terms": breaks}


YEAR = {
    "name": "2025/26",
    "terms": [
        term("autumn", "09-01", "12-19", ("10-27", "10-31")),
        term("spring", "01-05", "03-27", ("02-16", "02-20")),
        term("summer", "04-13", "07-17", ("05-25", "05-29")),
    ],
}
NEXT_YEAR = {
    "name": "2026/27",
    "terms": [
        term("autumn", "2026-09-01", "2026-12-18", ("2026-10-26", "2026-10-30")),
        term("spring", "2027-01-04", "2027-03-25"),
    ],
}


def calendar(*years: dict[str, Any]) -> SchoolCalendar:
    return SchoolCalendar(CalendarSetting.model_validate({"years": list(years or (YEAR,))}))


def policy(ladder: dict[str, Any] | None = None, rules: list[dict[str, Any]] | None = None, **more: Any) -> Policy:
    """The default ladder without required actions, unless `ladder` says otherwise."""
    ladders = ladder if isinstance(ladder, list) else [{"thresholds": THRESHOLDS} | (ladder or {})]
    setting = {"name": "exam", "ladder": ladders, "penalty_notice_rules": rules or []} | more
    return Policy(PolicySetting.model_validate(setting), repr(setting))


def entry(dated: str, action: str, stage: int | None = None, *, pupil: int = 0, **more: str) -> LogEntry:
    dates = {name: day(more[name]) for name in ("from_", "until") if name in more}
    return LogEntry(pupil, day(dated), action, stage, contact_id=more.get("contact", ""), **dates)


def marks_in_words(on: SchoolCalendar, spans: dict[str, str], until: str | None = None) -> np.ndarray:
    """One pupil's marks: `day` or `first..last` to `AM PM`; present otherwise; `-` is no mark. Later lines win."""
    out = np.zeros((len(on), 2), dtype=np.uint8)
    out[:] = CODES.numbers_of(["/", "\\"])
    for span, codes in spans.items():
        first, _, last = span.partition("..")
        chosen = slice(on.on_or_after(day(first)), on.on_or_before(day(last or first)) + 1)
        out[chosen] = [0 if code == "-" else CODES.numbers_of([code])[0] for code in codes.split()]
    if until is not None:
        out[on.on_or_before(day(until)) + 1 :] = 0
    return out


def school(
    *pupils: dict[str, str],
    log: list[LogEntry] | None = None,
    ladder: Any = None,
    rules: list[dict[str, Any]] | None = None,
    years: tuple[dict[str, Any], ...] = (YEAR,),
    go_live: str | None = None,
    rows: list[dict[str, Any]] | None = None,
    until: str | None = None,
    school_log: dict[str, str] | None = None,
    **more: Any,
) -> SchoolInputs:
    """A pupil for each dictionary of marks (at least one); `rows` says more of them, in the same order."""
    on = calendar(*years)
    spans = pupils or ({},)
    said = [{"born": BORN} | row for row in (rows or [{}] * len(spans))]
    return SchoolInputs(
        school_id="exam",
        calendar=on,
        policy=policy(ladder, rules, **more),
        pupils=PupilTable.from_rows(on, said),
        marks=np.stack([marks_in_words(on, mine, until) for mine in spans]),
        log=LogTable.from_entries(len(spans), log or []),
        go_live=None if go_live is None else day(go_live),
        school_log=tuple((day(on), action) for on, action in sorted((school_log or {}).items())),
    )


def derive(inputs: SchoolInputs, first: str | None = None, last: str | None = None) -> Derived:
    on = inputs.calendar
    low = 0 if first is None else on.on_or_after(day(first))
    high = len(on) - 1 if last is None else on.on_or_before(day(last))
    return derive_school(inputs, low, high)


def told(derived: Derived, pupil: int = 0) -> list[str]:
    """Events of a pupil as `09-15 opened 0>1`."""
    on = derived.inputs.calendar
    return [
        f"{on.date(int(e['day'])):%m-%d} {EVENTS[e['event']]} {e['from_stage']}>{e['to_stage']}"
        for e in derived.events[derived.events["pupil"] == pupil]
    ]


def stage_on(derived: Derived, on: str, pupil: int = 0) -> str:
    """`stage status` of a pupil at the end of a day."""
    index = derived.inputs.calendar.index(day(on))
    assert index is not None, f"{on} is no school day"
    row = derived.stage_rows(index)[pupil]
    return f"{row['stage']} {STATUSES[row['status']]}"


def row_on(derived: Derived, table: str, on: str, pupil: int = 0, **where: str) -> dict[str, Any]:
    """The one row of a table of the contract about a pupil on a day, dates as text and blanks as None."""
    index = derived.inputs.calendar.index(day(on))
    assert index is not None, f"{on} is no school day"
    frame = to_frame(derived, table, index, index)
    frame = frame[frame["upn"] == derived.inputs.pupils.upn[pupil]]
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, f"{len(frame)} rows"
    row = frame.iloc[0].to_dict()
    return {
        name: None if value is None or value != value or str(value) in ("NaT", "<NA>") else value
        for name, value in row.items()
    } | {
        name: value.date().isoformat() for name, value in row.items() if hasattr(value, "date") and str(value) != "NaT"
    }
