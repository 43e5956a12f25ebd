"""A slow second telling of rules.md sections 2 to 6, to compare the fast one with.

Belongs here: plain loops over dates and dictionaries, everything worked out anew for every day, and a `# Reading:` or
`Reading:` note wherever the rules leave a choice. Must not: NumPy, running sums, or anything imported from the project.

    run(calendar, policy, pupil, marks, log, go_live=None, first=None, last=None) -> Result

* calendar: {"years": [{"name", "terms": [{"name", "season", "starts", "ends", "half_terms": [(from, to)]}], "inset": [],
  "closures": []}], "bank_holidays": {dates}}
* policy: a policy file after tomllib
* pupil: {"entry", "leaving", "born"} (dates or None) and the cohort flags sen, pupil_premium, fsm, looked_after,
  social_worker, young_carer
* marks: {(date, "AM" | "PM"): code}; a missing key, None and "" are all "no mark"
* log: entries {"date", "action", "stage", "contact_id", "from_", "until"} in row order; all but the first two optional
* first, last: which days the Result holds; the walk begins at the calendar's first day in any case
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from reference_calendar import Calendar
from reference_ladder import Ladder
from reference_penalty import penalty_row, rules_in_force
from reference_world import MEASURES, World

__all__ = ["Result", "run"]


@dataclass
class Result:
    """One pupil; `checkpoint` and `attendance` are ratios (Fraction or None), `threshold` is in percent."""

    measures: dict[tuple[date, str], dict[str, int]] = field(default_factory=dict)
    stages: dict[date, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    penalty: dict[tuple[date, str], dict[str, Any]] = field(default_factory=dict)

    def attendance(self, day: date, measure: str = "year_to_date") -> Fraction | None:
        """Attended over possible of a measure, as the day itself sees it; None when nothing was possible."""
        row = self.measures[(day, measure)]
        return Fraction(row["attended"], row["possible"]) if row["possible"] else None


def run(
    calendar: dict[str, Any],
    policy: dict[str, Any],
    pupil: dict[str, Any],
    marks: dict[tuple[date, str], str],
    log: list[dict[str, Any]],
    go_live: date | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Result:
    """Every table of one pupil; see the module's words for the shapes."""
    world = World(Calendar(calendar), policy, pupil, marks, log)
    ladder = Ladder(world, go_live)
    ladder.walk()

    def wanted(day: date) -> bool:
        return (first is None or day >= first) and (last is None or day <= last)

    result = Result()
    result.events = [event for event in ladder.events if wanted(event["date"])]
    for day in world.calendar.days:
        if not wanted(day) or not world.on_roll(day):
            continue
        result.stages[day] = ladder.rows[day]
        for measure in MEASURES:
            result.measures[(day, measure)] = world.tally(world.window(measure, day))
        for rule in rules_in_force(policy, day):
            result.penalty[(day, rule["name"])] = penalty_row(world, rule, day)
    return result
