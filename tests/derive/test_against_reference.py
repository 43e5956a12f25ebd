"""The fast derivation against the slow second telling, over random schools: every cell of every table.

Belongs here: comparison only. What an answer should be is in the tables of the other tests and in rules.md.
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
import random_school
from reference_model import run

from attendance_pipeline.derive.counting import COUNTERS
from attendance_pipeline.derive.ladder import EVENTS, STATUSES
from attendance_pipeline.derive.penalty_notices import PN_STATUSES
from attendance_pipeline.derive.tables import day_columns
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import MEASURES, PERCENT_SCALE

SEEDS = range(18)


def ours(derived: Derived, pupil: int) -> dict[str, Any]:
    """One pupil's tables in the shapes of the reference model."""
    calendar = derived.inputs.calendar
    out: dict[str, Any] = {"measures": {}, "stages": {}, "events": [], "penalty": {}}

    def date(day: int) -> dt.date | None:
        return None if day < 0 else calendar.date(day)

    def ratio(attended: int, possible: int) -> Fraction | None:
        return Fraction(int(attended), int(possible)) if possible else None

    for d in derived.days:
        day = calendar.date(d)
        for row in _rows(day_columns(derived, "measures", d), pupil):
            out["measures"][day, MEASURES[row["measure"]]] = {name: row[name] for name in COUNTERS[:6]}
        for row in _rows(day_columns(derived, "stages", d), pupil):
            on = row["stage"] > 0
            out["stages"][day] = {
                "stage": row["stage"],
                "status": STATUSES[row["status"]],
                "episode": row["episode"] if on else None,
                "opened_on": date(row["opened_on"]),
                "review_due": date(row["review_due"]),
                "reviews": row["reviews"] if on else None,
                "checkpoint": ratio(row["checkpoint_attended"], row["checkpoint_possible"]),
                "tier": row["tier"],
            }
        for row in _rows(day_columns(derived, "penalty_notices", d), pupil):
            out["penalty"][day, derived.plan.rule_names[row["rule"]]] = {
                "status": PN_STATUSES[row["status"]],
                "counted": row["counted"],
                "needed": row["needed"],
                "window_from": date(row["window_from"]),
                "window_to": date(row["window_to"]),
                "drops_out_on": date(row["drops_out_on"]),
            }
        for row in _rows(day_columns(derived, "stage_events", d), pupil):
            threshold = None if row["threshold"] < 0 else Fraction(row["threshold"], PERCENT_SCALE)
            out["events"].append(
                {"date": day, "event": EVENTS[row["event"]]}
                | {name: row[name] for name in ("from_stage", "to_stage", "episode")}
                | {"attendance": ratio(row["attended"], row["possible"]), "threshold": threshold}
            )
    return out


def _rows(columns: dict[str, Any], pupil: int) -> list[dict[str, int]]:
    chosen = columns["pupil"] == pupil
    picked = {name: values[chosen].tolist() for name, values in columns.items()}
    return [dict(zip(picked, values, strict=True)) for values in zip(*picked.values(), strict=True)]


def differences(seed: int) -> list[str]:
    world = random_school.make(seed)
    inputs = world.inputs
    derived = derive_school(inputs, 0, len(inputs.calendar) - 1)
    found = []
    for p, (pupil, marks, log) in enumerate(zip(world.pupils, world.marks, world.logs, strict=True)):
        theirs = run(world.calendar, world.policy, pupil, marks, log, world.go_live)
        mine = ours(derived, p)
        for table in ("measures", "stages", "penalty"):
            expected: dict[Any, Any] = getattr(theirs, table)
            for key in sorted(expected.keys() | mine[table].keys(), key=str):
                if expected.get(key) != mine[table].get(key):
                    found.append(
                        f"seed {seed} pupil {p} {table} {key}:\n  {mine[table].get(key)}\n  {expected.get(key)}"
                    )
                    break
        for i in range(max(len(theirs.events), len(mine["events"]))):
            pair = [events[i] if i < len(events) else None for events in (mine["events"], theirs.events)]
            if pair[0] != pair[1]:
                found.append(f"seed {seed} pupil {p} event {i}:\n  {pair[0]}\n  {pair[1]}")
                break
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_every_cell_of_a_random_school_is_that_of_the_slow_telling(seed: int) -> None:
    assert not differences(seed)
