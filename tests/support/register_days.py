"""A school whose register is quiet for some weeks, and one day of it that a test changes; what falls short then.

Belongs here: shorthand, so that a test reads as a table. Must not: any limit, any expected answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.home_settings import SchoolQualitySetting
from attendance_pipeline.law.policy import Policy, PolicySetting
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar
from attendance_pipeline.quality.figures import Corrections, Figures, RollFacts, figures
from attendance_pipeline.quality.plausibility import Answer, Asked, fell_short

TERMS = {
    "autumn": (dt.date(2025, 9, 1), dt.date(2025, 12, 19)),
    "spring": (dt.date(2026, 1, 5), dt.date(2026, 3, 27)),
    "summer": (dt.date(2026, 4, 13), dt.date(2026, 7, 17)),
}
YEAR = {
    "name": "2025/26",
    "terms": [{"name": s, "season": s, "starts": first, "ends": last} for s, (first, last) in TERMS.items()],
}
POLICY = {"name": "quiet", "ladder": [{"thresholds": {"autumn": 85, "spring": 90, "summer": 90}}]}
AM, PM, BOTH = (0,), (1,), (0, 1)
ILL_A_DAY = 0.04  # of the school, in turn


class RegisterDays:
    """`classes`: size by name. Pupils of a class stand together, in that order.

    On `day`, the last, and on all before it, everybody is present but a few who are ill, in turn. `day` is number 30
    unless told.
    """

    def __init__(self, classes: dict[str, int], day: int = 30, ill: float = ILL_A_DAY, **limits: Any) -> None:
        self.day = day
        self.setting = SchoolQualitySetting(**limits)
        self.names = [name for name, size in classes.items() for _ in range(size)]
        calendar = SchoolCalendar(CalendarSetting.model_validate({"years": [YEAR]}))
        pupils = PupilTable.from_rows(calendar, [{"class_name": name} for name in self.names])
        marks = np.zeros((len(pupils), len(calendar), 2), dtype=np.uint8)
        marks[:, : day + 1] = CODES.numbers_of(["/", "\\"])
        absent = round(ill * len(pupils))
        for d in range(day + 1):
            marks[[(d * absent + i) % len(pupils) for i in range(absent)], d] = CODES.numbers_of("I")[0]
        self.ill = absent
        self.inputs = SchoolInputs(
            "quiet",
            calendar,
            Policy(PolicySetting.model_validate(POLICY), ""),
            pupils,
            marks,
            LogTable.from_entries(len(pupils), []),
        )
        self.corrections = Corrections(*(np.zeros(len(calendar), dtype=np.int64) for _ in range(3)))
        self.roll: RollFacts | None = None

    def mark(
        self, code: str, pupils: int, of: str = "", sessions: tuple[int, ...] = BOTH, day: int | None = None
    ) -> RegisterDays:
        """Give so many pupils this code on the day; "" takes the mark away. Present ones come first, and of all classes
        in turn where none is named."""
        on = self.day if day is None else day
        here = [i for i, name in enumerate(self.names) if name == (of or name)]
        present = CODES.numbers_of(["/"])[0]
        place = {i: sum(self.names[j] == self.names[i] for j in range(i)) for i in here}
        here.sort(key=lambda i: (self.inputs.marks[i, on, 0] != present, place[i], i))
        assert pupils <= len(here)
        for s in sessions:
            self.inputs.marks[here[:pupils], on, s] = CODES.numbers_of([code])[0] if code else 0
        return self

    def changed_late(self, marks: int, *, pupils: int = 20, day: int | None = None, back: int = 60) -> RegisterDays:
        """So many marks of earlier days were changed by what was recorded on the day."""
        on = self.day if day is None else day
        self.corrections.marks[on], self.corrections.pupils[on], self.corrections.oldest[on] = marks, pupils, back
        return self

    def leave(self, pupils: int, after: int) -> RegisterDays:
        """So many pupils are on roll up to this day alone."""
        self.inputs.pupils.leave[:pupils] = after
        self.inputs.marks[:pupils, after + 1 :] = 0
        return self

    def on_roll(self, **counts: int) -> RegisterDays:
        """Counts of the roll as it is now."""
        none = {"on_roll": len(self.names), "twice": 0, "without_recipient": 0, "without_address": 0}
        self.roll = RollFacts(**(none | counts))
        return self

    def of_year(self, name: str, group: str) -> RegisterDays:
        """The pupils of a class are in this year group."""
        self.inputs.pupils.year_group[[i for i, n in enumerate(self.names) if n == name]] = group
        return self

    def silent(self, pupils: int, since: int = 0, of: str = "") -> RegisterDays:
        """The first so many pupils (of a class) have no mark from a day on."""
        here = [i for i, name in enumerate(self.names) if name == (of or name)]
        self.inputs.marks[here[:pupils], since:] = 0
        return self

    def confirm(self, day: int | None = None) -> RegisterDays:
        """The school says that a day was so."""
        date = self.date(self.day if day is None else day)
        self.setting = SchoolQualitySetting(**{**self.setting.model_dump(), "confirmed_days": (date,)})
        return self

    def date(self, day: int) -> dt.date:
        return self.inputs.calendar.date(day)

    def figures(self) -> Figures:
        return figures(self.inputs, 0, self.day, self.setting, self.corrections, self.roll)

    def asked(self, **more: Any) -> Asked:
        found = Asked(self.figures(), [self.date(d) for d in range(self.day + 1)], self.setting)
        return replace(found, **more)

    def answer(self) -> Answer:
        return fell_short([self.asked()])[0]

    def short(self) -> set[str]:
        """What fell short on the day: `marks_present`, or `5A class_morning` of a class."""
        return {f"{f.subject} {f.check}".strip() for f in self.answer().findings if f.day == self.day}


Change = Callable[[RegisterDays], object]
