"""One pupil at one school: the marks, the policy of a day, and the measures that every rule starts from.

Belongs here: `World`, with the code of a session, sums over days, windows, `cut`, `A`, `P`, `T` and `gate`. Must not:
anything that remembers a day; stages are in reference_ladder.py, windows of penalty notices in reference_penalty.py.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from reference_calendar import Calendar
from reference_codes import code_class, is_possible

MEASURES = ("year_to_date", "term_to_date", "rolling_4_school_weeks")
SESSIONS = ("AM", "PM")
COHORTS = ("sen", "pupil_premium", "fsm", "looked_after", "social_worker", "young_carer")

Counts = dict[str, int]


def number(value: Any) -> Fraction:
    """A figure of a policy file, exactly as it is written there (92.1 is 921/10, not the nearest binary fraction)."""
    return Fraction(str(value))


class World:
    """The inputs of `run`, and questions about one pupil that need no memory."""

    def __init__(
        self,
        calendar: Calendar,
        policy: dict[str, Any],
        pupil: dict[str, Any],
        marks: dict[tuple[date, str], str],
        log: list[dict[str, Any]],
    ) -> None:
        self.calendar = calendar
        self.policy = policy
        self.pupil = pupil
        self.marks = marks
        self.log = log

    # -- the pupil ------------------------------------------------------------------------------------------------

    def on_roll(self, day: date) -> bool:
        """From the entry date to the leaving date, both included; a blank date sets no limit."""
        entry, leaving = self.pupil.get("entry"), self.pupil.get("leaving")
        return (entry is None or day >= entry) and (leaving is None or day <= leaving)

    def code(self, day: date, session: str) -> str | None:
        """The code of a session that can count at all: a school day on which the pupil is on roll; else None."""
        if day not in self.calendar.year or not self.on_roll(day):
            return None
        return self.marks.get((day, session)) or None

    def tally(self, days: list[date]) -> Counts:
        """Sums over the sessions of these days."""
        counts = dict.fromkeys(
            ("possible", "attended", "authorised", "unauthorised", "late_before_close", "late_after_close"), 0
        )
        for day in days:
            for session in SESSIONS:
                code = self.code(day, session)
                if code is None:
                    continue
                if is_possible(code, day):
                    counts["possible"] += 1
                kind = code_class(code)
                if kind in counts:
                    counts[kind] += 1
                if code == "L":
                    counts["late_before_close"] += 1
                if code == "U":
                    counts["late_after_close"] += 1
        return counts

    # -- windows --------------------------------------------------------------------------------------------------

    def window(self, measure: str, day: date) -> list[date]:
        """The school days of a named window, from its first to the day itself."""
        calendar = self.calendar
        found = []
        for each in calendar.days:
            if each > day or calendar.year[each] != calendar.year[day]:
                continue
            if measure == "term_to_date" and calendar.term[each] != calendar.term[day]:
                continue
            if measure == "half_term_to_date" and calendar.half_term[each] != calendar.half_term[day]:
                continue
            if measure.startswith("rolling_") and calendar.week[each] <= calendar.week[day] - int(
                measure.split("_")[1]
            ):
                continue
            if measure not in (*MEASURES, "half_term_to_date") and not measure.startswith("rolling_"):
                raise ValueError(f"a measure that a ladder may have, not {measure}")
            found.append(each)
        return found

    # -- the policy of a day --------------------------------------------------------------------------------------

    def ladder(self, day: date) -> dict[str, Any]:
        """The ladder in force on the day, with the defaults of rules.md filled in.

        Reading: before the first version no ladder is in force: nothing opens by itself and no threshold is known, while
        settling, monitoring weeks and the like have their defaults.
        Reading: of two versions with the same first day the later in the file is in force.
        """
        newest: dict[str, Any] = {}
        newest_from = date.min
        for version in self.policy.get("ladder", ()):
            valid_from = version.get("valid_from", date.min)
            if newest_from <= valid_from <= day:
                newest, newest_from = version, valid_from
        gate = newest.get("reason_gate", {})
        return {
            "measure": newest.get("measure", "year_to_date"),
            "thresholds": newest.get("thresholds", {"autumn": 85, "spring": 90, "summer": 90} if newest else {}),
            "minimum": newest.get("minimum_possible_sessions", 20),
            "settle": newest.get("settle_school_days", 1),
            "lookback": gate.get("lookback_school_weeks", 4),
            "gate_minimum": gate.get("minimum_sessions", 1),
            "illness_spells": gate.get("illness_spells", 0),
            "recovered_at": newest.get("recovered_at_period_attendance"),
            "quiet": newest.get("quiet_school_weeks", 2),
            "relapse": newest.get("relapse_within_school_weeks", 12),
            "stalled_reviews": newest.get("stalled_reviews", 2),
            "improvement": newest.get("improvement_points", 5),
            "reset": newest.get("academic_year_reset", True),
            "stages": newest.get("stages", {}),
            "rises": newest.get("rises", "at_reviews"),
            "last_stage": newest.get("last_stage", 4),
        }

    def level(self, day: date, stage: int) -> Fraction | None:
        """Percent below which a stage opens, where it has a level of its own: one number, or one per season."""
        value = self.ladder(day)["stages"].get(str(stage), {}).get("below")
        if isinstance(value, dict):
            value = value[self.calendar.season[day]]
        return None if value is None else number(value)

    def requires(self, day: date, stage: int) -> list[str]:
        return list(self.ladder(day)["stages"].get(str(stage), {}).get("requires", ()))

    def due(self, day: date, start: date, stage: int) -> date | None:
        """When a review is due by the ladder of `day`, if its time begins on `start`."""
        setting = self.ladder(day)["stages"].get(str(stage), {})
        for unit, part in (("half_terms", self.calendar.half_term), ("terms", self.calendar.term)):
            many = setting.get(f"monitoring_{unit}")
            if many is not None:
                ends = [b for a, b in pairwise([*reversed(self.calendar.days)]) if part[a] != part[b]]
                to_come = [each for each in [*reversed(ends), self.calendar.days[-1]] if each > start]
                return to_come[many - 1] if len(to_come) >= many else None
        return self.calendar.due(start, setting.get("monitoring_school_weeks", 4))

    def reviews_before_next(self, day: date, stage: int) -> int:
        default = {1: 1, 2: 1, 3: 2}[stage]
        return self.ladder(day)["stages"].get(str(stage), {}).get("reviews_before_next", default)

    # -- the words of section 5 -----------------------------------------------------------------------------------

    def cut(self, day: date) -> date | None:
        """The school day `settle_school_days` before the day, across academic years; None near the calendar's start."""
        position = self.calendar.index[day] - self.ladder(day)["settle"]
        return self.calendar.days[position] if position >= 0 else None

    def decision_counts(self, day: date) -> Counts:
        """The measure of the day over sessions up to cut(day)."""
        cut = self.cut(day)
        window = self.window(self.ladder(day)["measure"], day)
        return self.tally([each for each in window if cut is not None and each <= cut])

    def A(self, day: date) -> Fraction | None:
        return ratio(self.decision_counts(day))

    def P(self, day: date) -> int:
        return self.decision_counts(day)["possible"]

    def T(self, day: date) -> Fraction | None:
        """The threshold of the day's season in percent; None when no ladder is in force."""
        value = self.ladder(day)["thresholds"].get(self.calendar.season[day])
        return None if value is None else number(value)

    def recovered_at(self, day: date) -> Fraction | None:
        """Percent over the period alone that counts as recovered.

        Reading: one number for the whole year, or one per season as `thresholds` has; default the season's threshold.
        """
        value = self.ladder(day)["recovered_at"]
        if isinstance(value, dict):
            value = value.get(self.calendar.season[day])
        return self.T(day) if value is None else number(value)

    def period(self, after: date | None, day: date) -> list[date]:
        """School days after `after` up to and including cut(day).

        Reading: where the last checkpoint's day had no cut, the period begins with the calendar.
        """
        cut = self.cut(day)
        return [
            each for each in self.calendar.days if cut is not None and each <= cut and (after is None or each > after)
        ]

    def lookback(self, day: date) -> list[date]:
        """The school week of cut(day) and those before it that the policy names, up to cut(day)."""
        cut = self.cut(day)
        if cut is None:
            return []
        first_week = self.calendar.week[cut] - self.ladder(day)["lookback"] + 1
        return [each for each in self.calendar.days if self.calendar.week[each] >= first_week and each <= cut]

    # -- unaccepted sessions --------------------------------------------------------------------------------------

    def in_entry_of(self, action: str, day: date) -> bool:
        """Whether the day lies inside the dates of any entry with this action, whenever it was written."""
        for entry in self.log:
            if entry["action"] == action:
                first, last = entry_dates(entry)
                if first <= day <= last:
                    return True
        return False

    def illness_spells(self, day: date) -> int:
        """Runs of I in the academic year of the day, up to cut(day).

        Reading: "any other mark" is any code, also Z and #, which are no possible sessions.
        """
        cut = self.cut(day)
        spells = 0
        before: str | None = None
        for each in self.window("year_to_date", day):
            for session in SESSIONS:
                code = self.code(each, session)
                if cut is None or each > cut or code is None:
                    continue
                if code == "I" and before != "I":
                    spells += 1
                before = code
        return spells

    def gate(self, days: list[date], day: date) -> bool:
        """Whether the decision of `day` finds enough unaccepted sessions on these days, within its academic year."""
        cut = self.cut(day)
        ladder = self.ladder(day)
        ill_too_often = ladder["illness_spells"] > 0 and self.illness_spells(day) >= ladder["illness_spells"]
        unaccepted = 0
        for each in days:
            if cut is None or each > cut or self.calendar.year[each] != self.calendar.year[day]:
                continue
            for session in SESSIONS:
                code = self.code(each, session)
                if code is None:
                    continue
                kind = code_class(code)
                if kind == "unauthorised":
                    too_young = code == "N" and self.calendar.index[cut] - self.calendar.index[each] <= 5
                    if not too_young:
                        unaccepted += 1
                if kind == "authorised":
                    questionable = (code == "I" and ill_too_often) or self.in_entry_of("reason_questioned", each)
                    if questionable and not self.in_entry_of("evidence_accepted", each):
                        unaccepted += 1
        return unaccepted >= ladder["gate_minimum"]


def ratio(counts: Counts) -> Fraction | None:
    """Attendance; None when no session was possible."""
    return Fraction(counts["attended"], counts["possible"]) if counts["possible"] else None


def entry_dates(entry: dict[str, Any]) -> tuple[date, date]:
    """From and Until of an entry of the log: From blank is Date, Until blank is From."""
    first = entry.get("from_") or entry["date"]
    return first, entry.get("until") or first
