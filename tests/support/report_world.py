"""A small school for the tests of reports: one calendar year, pupils and marks drawn from a seed."""

from __future__ import annotations

import datetime as dt

import numpy as np

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.ladder import EVENT_ROW
from attendance_pipeline.law.policy import Policy, PolicySetting, shipped_policy_text
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar
from attendance_pipeline.reports.governor_figures import GovernorInputs

CLASSES = ("R Ash", "1 Beech", "2 Cedar", "3 Elm", "4 Fir", "5 Oak", "6 Yew")
MIX = {"I": 0.4, "O": 0.2, "G": 0.1, "M": 0.1, "U": 0.05, "N": 0.03, "C": 0.04, "E": 0.02, "R": 0.06}


def calendar() -> SchoolCalendar:
    """2025/26 of a school with three terms."""
    terms = [
        ("Autumn", "autumn", "2025-09-01", "2025-12-19", ("2025-10-27", "2025-10-31")),
        ("Spring", "spring", "2026-01-05", "2026-03-27", ("2026-02-16", "2026-02-20")),
        ("Summer", "summer", "2026-04-13", "2026-07-20", ("2026-05-25", "2026-05-29")),
    ]
    year = {
        "name": "2025/26",
        "inset": ["2025-09-01", "2025-10-24"],
        "terms": [
            {"name": n, "season": s, "starts": a, "ends": b, "half_terms": [{"starts": h[0], "ends": h[1]}]}
            for n, s, a, b, h in terms
        ],
    }
    return SchoolCalendar(CalendarSetting.model_validate({"years": [year]}))


def policy() -> Policy:
    import tomllib

    text = shipped_policy_text()
    return Policy(PolicySetting.model_validate(tomllib.loads(text)), text)


def school(n_pupils: int = 420, *, last: dt.date = dt.date(2026, 2, 13), seed: int = 1) -> SchoolInputs:
    """Pupils of seven year groups, each with an own rate of absence, marked up to `last`."""
    cal = calendar()
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n_pupils):
        group = i % 7
        born = dt.date(2021 - group, 8, 31) - dt.timedelta(days=int(rng.integers(0, 360)))
        cohorts = [
            c
            for c, share in (("SEN", 0.15), ("FSM", 0.25), ("EAL", 0.2), ("Looked After", 0.01))
            if rng.random() < share
        ]
        rows.append(
            {"class_name": CLASSES[group], "year_group": "R123456"[group], "born": born, "cohorts": cohorts}
            | ({"leave": dt.date(2025, 12, 19)} if i == 3 else {})
            | ({"entry": dt.date(2026, 1, 5)} if i == 4 else {})
        )
    pupils = PupilTable.from_rows(cal, rows)
    absent = rng.beta(0.7, 12.0, n_pupils)
    codes, weights = zip(*MIX.items(), strict=True)
    numbers = np.array(CODES.numbers_of(codes), dtype=np.uint8)
    marks = np.zeros((n_pupils, len(cal), 2), dtype=np.uint8)
    am, pm, late = CODES.numbers_of(["/", "\\", "L"])
    stop = cal.on_or_before(last) + 1
    away = rng.random((n_pupils, stop)) < absent[:, None]
    which = numbers[rng.choice(len(codes), size=(n_pupils, stop), p=np.array(weights) / sum(weights))]
    marks[:, :stop, 0] = np.where(away, which, np.where(rng.random((n_pupils, stop)) < 0.012, late, am))
    marks[:, :stop, 1] = np.where(away, which, pm)
    days = np.arange(len(cal))
    off = (days < pupils.entry[:, None]) | (days > pupils.leave[:, None])
    marks[off] = 0
    return SchoolInputs("oakfield", cal, policy(), pupils, marks, LogTable.from_entries(n_pupils, []))


def governor_inputs(
    inputs: SchoolInputs,
    day: dt.date,
    *,
    events: list[dict[str, int]] | None = None,
    stage: np.ndarray | None = None,
    notices: dict[str, np.ndarray] | None = None,
) -> GovernorInputs:
    """A report's inputs with events of the ladder as a test writes them."""
    cal = inputs.calendar
    last = cal.on_or_before(day)
    rows = np.zeros(len(events or ()), dtype=EVENT_ROW)
    for row, event in zip(rows, events or (), strict=True):
        for name, value in event.items():
            row[name] = value
    return GovernorInputs(
        school_name="Oakfield Primary School",
        phase="Primary",
        local_authority="E08000035",
        inputs=inputs,
        half_term=next(h for h in cal.half_terms if h.first <= last <= h.last),
        last=last,
        events=rows,
        stage=np.zeros(len(inputs), dtype=np.uint8) if stage is None else stage,
        notices=notices or {},
        as_at=f"{day.day} {day:%B %Y}",
    )
