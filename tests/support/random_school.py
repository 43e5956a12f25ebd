"""Random schools that really climb the ladder: calendar, policy, pupils, marks and log drawn from one seed.

Belongs here: drawing a world in plain dictionaries, and the same world as SchoolInputs. Must not: any expected answer.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from attendance_pipeline.derive.inputs import LogEntry, LogTable, PupilTable, SchoolInputs
from attendance_pipeline.law.policy import Policy, PolicySetting
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar, bank_holidays

COHORTS = {
    "sen": "SEN",
    "fsm": "FSM",
    "pupil_premium": "Pupil Premium",
    "looked_after": "Looked After",
    "social_worker": "Social Worker",
    "young_carer": "Young Carer",
}
WORDS = ("letter_sent", "meeting_held", "plan_agreed", "phone_call")
ABSENT = ("O", "N", "G", "U", "I", "I", "M", "C", "E")
ELSEWHERE = ("Y1", "X", "D", "#", "C2", "K", "L", "B", "")
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class World:
    """`pupils`, `marks` and `logs` have one item a pupil, in the reference model's own shapes."""

    calendar: dict[str, Any]
    policy: dict[str, Any]
    pupils: list[dict[str, Any]]
    marks: list[dict[tuple[dt.date, str], str]]
    logs: list[list[dict[str, Any]]]
    go_live: dt.date | None
    inputs: SchoolInputs


def make(seed: int, n_pupils: int = 3) -> World:
    rng = random.Random(seed)
    years = _years(rng)
    setting = CalendarSetting.model_validate({"years": years})
    calendar = SchoolCalendar(setting)
    days = [d.item() for d in calendar.days]
    policy = _policy(rng, days)
    pupils = [_pupil(rng, days) for _ in range(n_pupils)]
    marks = [_marks(rng, days) for _ in pupils]
    # Before the first version there is no ladder to be moved on: nobody decides anything there.
    ladder_from = min(version.get("valid_from", dt.date.min) for version in policy["ladder"])
    logs = [_log(rng, days, ladder_from) for _ in pupils]
    go_live = rng.choice(days) if rng.random() < 0.15 else None
    span = (days[0].year - 1, days[-1].year + 1)
    model = {
        "years": [
            y | {"terms": [t | {"half_terms": [(b["starts"], b["ends"]) for b in t["half_terms"]]} for t in y["terms"]]}
            for y in years
        ],
        "bank_holidays": set(bank_holidays(*span)),
    }
    inputs = _inputs(calendar, policy, pupils, marks, logs, go_live)
    return World(model, policy, pupils, marks, logs, go_live, inputs)


def _years(rng: random.Random) -> list[dict[str, Any]]:
    first = rng.choice((2021, 2023, 2024, 2025))
    out = []
    for year in range(first, first + rng.choice((1, 1, 2, 2, 3))):
        seasons = rng.choice((("autumn", "spring", "summer"), ("autumn", "spring"), ("autumn", "autumn", "spring")))
        at = dt.date(year, 9, 1) + rng.randrange(6) * DAY
        terms = []
        for i, season in enumerate(seasons):
            ends = at + rng.randrange(18, 75) * DAY
            breaks = []
            if rng.random() < 0.6:
                middle = at + rng.randrange(5, 12) * DAY
                breaks = [{"starts": middle, "ends": middle + rng.choice((0, 4, 8)) * DAY}]
                ends = max(ends, breaks[0]["ends"] + 3 * DAY)
            terms.append({"name": f"T{i}", "season": season, "starts": at, "ends": ends, "half_terms": breaks})
            at = ends + rng.randrange(1, 20) * DAY
        inset = [terms[0]["starts"] + rng.randrange(30) * DAY for _ in range(rng.randrange(4))]
        closures = [terms[-1]["starts"] + rng.randrange(12) * DAY for _ in range(rng.randrange(2))]
        out.append({"name": f"{year}", "terms": terms, "inset": inset, "closures": closures})
    return out


def _stage(rng: random.Random, last: bool) -> dict[str, Any]:
    weeks = rng.choice((1, 1, 2, 3, 4))
    out: dict[str, Any] = {"monitoring_school_weeks": weeks}
    besides = random.Random(f"clock {rng.getstate()[1]}")  # drawn by itself: the other numbers of a seed stay
    if besides.random() < 0.15:
        out = {besides.choice(("monitoring_half_terms", "monitoring_half_terms", "monitoring_terms")): (weeks + 1) // 2}
    if not last:
        out["reviews_before_next"] = rng.choice((1, 1, 2))
        out["requires"] = rng.sample(WORDS[:3], rng.choice((0, 0, 1, 1, 2)))
    return out


def _percent(rng: random.Random, low: int, high: int) -> float | int:
    value = rng.randrange(low, high + 1)
    return value + 0.5 if rng.random() < 0.2 and value < 100 else value


def _ladder(rng: random.Random) -> dict[str, Any]:
    out: dict[str, Any] = {
        "measure": rng.choice(
            (
                "year_to_date",
                "year_to_date",
                "term_to_date",
                "half_term_to_date",
                "rolling_4_school_weeks",
                "rolling_6_school_weeks",
            )
        ),
        "thresholds": {season: _percent(rng, 70, 97) for season in ("autumn", "spring", "summer")},
        "minimum_possible_sessions": rng.choice((0, 4, 10, 20)),
        "settle_school_days": rng.choice((0, 1, 1, 1, 2, 3)),
        "reason_gate": {
            "lookback_school_weeks": rng.choice((1, 2, 4)),
            "minimum_sessions": rng.choice((0, 1, 1, 2, 3)),
            "illness_spells": rng.choice((0, 0, 2, 3)),
        },
        "quiet_school_weeks": rng.choice((0, 1, 2)),
        "relapse_within_school_weeks": rng.choice((0, 3, 12)),
        "stalled_reviews": rng.choice((0, 1, 2, 2)),
        "improvement_points": rng.choice((0, 5, 10, 2.5)),
        "academic_year_reset": rng.random() < 0.7,
        "stages": {str(k): _stage(rng, k == 4) for k in range(1, 5)},
    }
    if rng.random() < 0.4:
        out["recovered_at_period_attendance"] = _percent(rng, 85, 100)
    if rng.random() < 0.4:
        out["last_stage"] = rng.choice((1, 2, 3, 4))
    if rng.random() < 0.4:
        _give_levels(rng, out)
    return out


def _give_levels(rng: random.Random, ladder: dict[str, Any]) -> None:
    """Levels of attendance for stages from the second on, each no higher than the one before."""
    above = dict(ladder["thresholds"])
    given = sorted(rng.sample(range(2, 5), rng.choice((1, 2, 3))))
    for stage in given:
        if stage > ladder.get("last_stage", 4):
            break
        step = rng.choice((0, 1, 3, 6.5))
        above = {season: value - step for season, value in above.items()}
        one_for_all = rng.random() < 0.5
        if one_for_all:
            above = dict.fromkeys(above, min(above.values()))
        ladder["stages"][str(stage)]["below"] = above["autumn"] if one_for_all else dict(above)
        if stage == 2:
            ladder["rises"] = rng.choice(("at_reviews", "daily"))


def _policy(rng: random.Random, days: list[dt.date]) -> dict[str, Any]:
    ladders = [_ladder(rng)]
    if rng.random() < 0.3:
        ladders[0]["valid_from"] = rng.choice(days[:30])
    if rng.random() < 0.4:
        ladders.append(_ladder(rng) | {"valid_from": rng.choice(days[len(days) // 3 :])})
    rng.shuffle(ladders)
    rules = []
    for number in range(rng.choice((1, 2, 3))):
        kinds = [
            rng.choice(
                (
                    {"terms": rng.choice((1, 1, 2))},
                    {"school_weeks": rng.choice((1, 3, 10))},
                    {"school_sessions": rng.choice((3, 20, 41))},
                    {"calendar_weeks": rng.choice((1, 4, 9))},
                    {"calendar_months": rng.choice((1, 3))},
                    {"half_terms": rng.choice((1, 1, 2))},
                    {"academic_years": 1},
                    {"school_days": rng.choice((1, 5, 30))},
                    {"consecutive_sessions": True},
                )
            )
            for _ in range(rng.choice((1, 2, 3)))
        ]
        kinds = [
            kind | {"attendance_below": _percent(rng, 60, 98)}
            if rng.random() < 0.3 and "consecutive_sessions" not in kind
            else kind
            for kind in kinds
        ]
        any_of = [{"sessions": rng.choice((2, 3, 6, 10))} | kind for kind in kinds]
        # Drawn by itself, so that the other numbers of a seed stay what they were.
        besides = random.Random(f"besides {rng.getstate()[1]}")
        rule: dict[str, Any] = {"name": f"rule-{number}", "any_of": [_besides(besides, each) for each in any_of]}
        if besides.random() < 0.2:
            rule["penalty_notice"] = False
        if rng.random() < 0.3:
            rule["valid_from"] = rng.choice(days)
        if rng.random() < 0.3:
            codes = rng.choice((["O"], ["O", "U", "N"], ["G", "N", "O", "U", "I"], ["O", "Y1"]))
            rule["codes"] = codes if not rule.get("penalty_notice", True) else [c for c in codes if c != "I"]
        rules.append(rule)
    return {"name": "random", "ladder": ladders, "penalty_notice_rules": rules}


def _besides(rng: random.Random, alternative: dict[str, Any]) -> dict[str, Any]:
    """The alternative, at times with a run within its window, an attendance not to be below, or holiday among it."""
    out = dict(alternative)
    of_days = not {"consecutive_sessions", "school_sessions"} & out.keys()
    if of_days and rng.random() < 0.25:
        out["consecutive_sessions"] = True
    if (of_days or "school_sessions" in out) and rng.random() < 0.2:
        floor = _percent(rng, 20, 80)
        if floor < out.get("attendance_below", 100):
            out["attendance_at_least"] = floor
    if rng.random() < 0.2:
        out["holiday_sessions"] = rng.choice((1, 1, 2))
    if rng.random() < 0.15:
        out["broken_weeks"] = rng.choice((2, 3))
    return out


def _pupil(rng: random.Random, days: list[dt.date]) -> dict[str, Any]:
    def near(day: dt.date) -> dt.date:
        return day + rng.randrange(-3, 4) * DAY

    born = dt.date(days[0].year - rng.choice((4, 5, 8, 8, 8, 16)), rng.randrange(1, 13), rng.randrange(1, 29))
    out: dict[str, Any] = {
        "entry": near(rng.choice(days)) if rng.random() < 0.25 else None,
        "leaving": near(rng.choice(days)) if rng.random() < 0.3 else None,
        "born": None if rng.random() < 0.05 else born,
    }
    return out | {flag: rng.random() < 0.15 for flag in COHORTS}


def _marks(rng: random.Random, days: list[dt.date]) -> dict[tuple[dt.date, str], str]:
    out = {}
    absence = rng.choice((0.02, 0.1, 0.2, 0.3, 0.6, 1.0))
    favourite = rng.choice(ABSENT)
    until = days[-1] if rng.random() < 0.7 else rng.choice(days)
    for d in days:
        if d > until:
            break
        if rng.random() < 0.04:  # a spell of better or worse weeks
            absence = rng.choice((0.0, 0.05, 0.15, 0.3, 0.5, 0.95))
            favourite = rng.choice(ABSENT)
        for half in ("AM", "PM"):
            draw = rng.random()
            if draw < absence:
                out[d, half] = favourite if rng.random() < 0.6 else rng.choice(ABSENT)
            elif draw < absence + 0.04:
                out[d, half] = rng.choice(ELSEWHERE)
            else:
                out[d, half] = "/" if half == "AM" else "\\"
    return out


def _log(rng: random.Random, days: list[dt.date], ladder_from: dt.date) -> list[dict[str, Any]]:
    first, last = days[0] - 10 * DAY, days[-1] + 5 * DAY
    out: list[dict[str, Any]] = []

    def add(action: str, stage: int | None = None, length: int | None = None) -> None:
        dated = first + rng.randrange((last - first).days) * DAY
        if action in ("set_stage", "close_episode"):
            dated = max(dated, ladder_from)
        begins = dated + rng.randrange(-20, 20) * DAY if rng.random() < 0.6 else None
        ends = None
        if length is not None and rng.random() < 0.8:
            ends = (begins or dated) + rng.randrange(length) * DAY
        out.append(
            {"date": dated, "action": action, "stage": stage, "contact_id": None, "from_": begins, "until": ends}
        )

    for _ in range(rng.choice((0, 0, 5, 20, 40))):
        add(rng.choice(WORDS), rng.choice((None, None, 1, 1, 2, 2, 3)))
    for _ in range(rng.choice((0, 0, 0, 1, 2, 4))):
        add("set_stage", rng.choice((0, 1, 2, 3, 4)), 30)
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        add("close_episode", None, 30)
    for _ in range(rng.choice((0, 0, 1, 3))):
        add("reason_questioned", None, 40)
    for _ in range(rng.choice((0, 0, 1, 2))):
        add("evidence_accepted", None, 20)
    for _ in range(rng.choice((0, 0, 1, 2))):
        add("penalty_notice_issued", None, 40)
    for _ in range(rng.choice((0, 0, 1))):
        add("penalty_notice_withdrawn")
    return out


def _inputs(
    calendar: SchoolCalendar,
    policy: dict[str, Any],
    pupils: list[dict[str, Any]],
    marks: list[dict[tuple[dt.date, str], str]],
    logs: list[list[dict[str, Any]]],
    go_live: dt.date | None,
) -> SchoolInputs:
    rows = [
        {
            "entry": p["entry"],
            "leave": p["leaving"],
            "born": p["born"],
            "cohorts": [COHORTS[c] for c in COHORTS if p[c]],
        }
        for p in pupils
    ]
    table = np.zeros((len(pupils), len(calendar), 2), dtype=np.uint8)
    for i, mine in enumerate(marks):
        for (day, half), code in mine.items():
            d = calendar.index(day)
            number = CODES.number(code) if code else 0
            assert d is not None and number is not None
            table[i, d, int(half == "PM")] = number
    entries = [
        LogEntry(i, e["date"], e["action"], e["stage"], e["from_"], e["until"])
        for i, mine in enumerate(logs)
        for e in mine
    ]
    return SchoolInputs(
        school_id="random",
        calendar=calendar,
        policy=Policy(PolicySetting.model_validate(policy), repr(policy)),
        pupils=PupilTable.from_rows(calendar, rows),
        marks=table,
        log=LogTable.from_entries(len(pupils), entries),
        go_live=go_live,
    )
