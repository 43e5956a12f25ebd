"""The proof on a pupil's page of the attendance lead's board: what each decision of the ladder and each penalty-notice
rule rests on, down to file and line, and what would change it.

Belongs here: which of it is given to the page, for whom, and in which shape. Not here: finding any of it out
(`derive/`), the words (`explained.py`, as `attendance explain` says them), and the page (`templates/board/proof.js`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from attendance_pipeline.derive.codes import Mark
from attendance_pipeline.derive.evidence import counted_sessions, decision_evidence, unaccepted
from attendance_pipeline.derive.outlook import outlook
from attendance_pipeline.derive.standing import Standing, standings
from attendance_pipeline.derive.window_weeks import WindowWeek, not_counted, window_weeks
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.reports.explained import (
    changes_in_words,
    clause_in_words,
    event_in_words,
    figures_in_words,
    ladder_clauses,
    relied_in_words,
)
from attendance_pipeline.reports.restricted import said_openly

Json = dict[str, Any]
# File and line of the mark of a session (row in PupilTable, date, AM or PM); None: no extract names it.
Source = Callable[[int, dt.date, str], tuple[str, int] | None]


class Proofs:
    """The proofs of one school day. What many pupils have alike is said once, in `shared`: names of files, versions of
    the policy, and the weeks of a window; a pupil holds numbers."""

    def __init__(self, derived: Derived, day: int, source: Source) -> None:
        self._derived, self._day, self._source = derived, day, source
        self._files: dict[str, int] = {}
        self._policies: dict[str, int] = {}
        self._windows: dict[tuple[Any, ...], int] = {}
        events = derived.events
        self._first = int(derived.inputs.calendar.year_start[day])
        mine = events[(events["day"] >= derived.plan.replay_start(day)) & (events["day"] <= day)]
        self._events: dict[int, list[np.void]] = {}
        for event in mine:
            self._events.setdefault(int(event["pupil"]), []).append(event)

    def shared(self) -> Json:
        """What the numbers in the pupils' proofs mean. Ask after all pupils."""
        rules = self._derived.plan.policy.rules
        return {
            "files": list(self._files),
            "policies": list(self._policies),
            "windows": [[list(week) for week in weeks] for weeks in self._windows],
            # By the numbers of `plan.rule_names`.
            "ruleTexts": [{"clause": clause_in_words(r), "source": r.source} for r in rules],
        }

    def of(self, pupils: Iterable[int]) -> dict[int, Json]:
        """By row the proof of pupils on a stage, with a decision this year, or with a session that a rule counts."""
        at = standings(self._derived, self._day, list(pupils))
        return {p: self._one(p, s) for p, s in at.items() if s.stage or p in self._events or _counted(s)}

    def _one(self, p: int, at: Standing) -> Json:
        ahead = outlook(self._derived, at, self._day) if _is_near(at) else None
        ladder = self._derived.plan.versions[int(self._derived.plan.version[self._day])]
        found = {
            "ladder": [f"{key} = {value}" for key, value in ladder_clauses(ladder, at)],
            "events": [self._event(p, event) for event in reversed(self._events.get(p, ()))],
            "rules": [c for r in self._in_force() if (c := self._case(p, r)) is not None],
            "changes": [] if ahead is None else [said_openly(words) for words in changes_in_words(ahead, at)],
        }
        return {k: v for k, v in found.items() if v}

    def _in_force(self) -> Sequence[int]:
        notices = self._derived.plan.notices
        return np.flatnonzero((notices.in_force[:, self._day] == 1) & (notices.rules["own_number"] == 0)).tolist()

    def _event(self, p: int, event: np.void) -> list[Any]:
        """Day, what happened, figures, what was looked at, sessions relied on, and number of the version."""
        e = decision_evidence(self._derived, event)
        relied = unaccepted(self._derived.inputs, self._derived.plan, p, int(event["day"]), int(event["looked_from"]))
        since = f", in force from {e.ladder_from:%d/%m/%Y}" if e.ladder_from else ""
        policy = f"{e.policy} {e.policy_version}{since}" + (f". {e.ladder_source}" if e.ladder_source else "")
        return [
            e.date.isoformat(),
            event_in_words(e.event, e.from_stage, e.to_stage, bool(e.period[1])),
            figures_in_words(e),
            relied_in_words(e, len(relied)),
            [self._session(p, mark, why) for mark, why in relied],
            self._policies.setdefault(policy, len(self._policies)),
        ]

    def _case(self, p: int, rule: int) -> list[Any] | None:
        """Rule, number of its window, sessions counted, and those that are not; None where none is counted."""
        counted = counted_sessions(self._derived, rule, p, self._day)
        if not counted:
            return None
        weeks = tuple(_week(w) for w in window_weeks(self._derived, rule, p, self._day))
        left_out = not_counted(self._derived, rule, p, self._day)
        return [
            rule,
            self._windows.setdefault(weeks, len(self._windows)),
            [self._session(p, mark) for mark in counted],
            [self._session(p, mark, why) for mark, why in left_out],
        ]

    def _session(self, p: int, mark: Mark, why: str = "") -> list[Any]:
        """Day (a number of the page's days, or a date of an earlier year), 0 AM or 1 PM, code, number of the file (-1:
        none names it), line, and why."""
        date = self._derived.inputs.calendar.date(mark.day)
        file, line = self._source(p, date, mark.session) or ("", 0)
        number = self._files.setdefault(file, len(self._files)) if file else -1
        day = mark.day - self._first if mark.day >= self._first else date.isoformat()
        return [day, mark.half, mark.code, number, line, *([said_openly(why)] if why else [])]


def _is_near(at: Standing) -> bool:
    """Whether somebody will ask what changes it: on a stage, watched, near a rule. Asking the rules takes longest."""
    return at.stage > 0 or at.status == "watch" or any(rule.status != "not_met" for rule in at.notices)


def _counted(at: Standing) -> bool:
    return any(rule.counted for rule in at.notices)


def _week(week: WindowWeek) -> tuple[Any, ...]:
    """Number (0: skipped), Monday, why it was skipped, and by weekday 1 where the school was open in the window."""
    return (
        week.number or 0,
        week.monday.isoformat(),
        week.why,
        "".join(str(int(d.school and d.inside)) for d in week.days),
    )
