"""Invented schools in which what an intervention does is known, because the marks were made so.

Every pupil has an own rate of absence, which wanders from week to week; absences come in spells; a week can be bad for
all. The ladder itself, as the product climbs it, says who comes on to it. Afterwards, and only then, marks are made
again for those who did: part of their absences from the day after a stage opened become attendance.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import report_world

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.governor_effect import Opening
from attendance_pipeline.reports.governor_figures import GovernorInputs

DAY = dt.date(2026, 7, 20)


@dataclass(frozen=True)
class World:
    """How a school is made. `helped`: the share of absences after a stage opened that do not happen; 0 is no effect."""

    pupils: int = 500
    helped: float = 0.0
    wander: float = 0.35
    spell: float = 0.55


def given(world: World, seed: int) -> GovernorInputs:
    cal = report_world.calendar()
    rng = np.random.default_rng(seed)
    n, days = world.pupils, len(cal)
    weeks = int(cal.week[-1]) + 1
    own = np.log(rng.beta(1.1, 9.0, n).clip(0.005, 0.9))
    drift = np.zeros((n, weeks))
    for w in range(1, weeks):  # a rate that wanders and comes back
        drift[:, w] = 0.8 * drift[:, w - 1] + rng.normal(0, world.wander, n)
    level = np.exp(own[:, None] + drift + rng.normal(0, 0.15, weeks)[None, :]).clip(0, 0.95)
    away = np.zeros((n, days), dtype=bool)
    for d in range(days):
        rate = level[:, int(cal.week[d])]
        start = rate * (1 - world.spell) / np.maximum(1 - rate * world.spell, 0.05)
        stay = world.spell + (1 - world.spell) * rate
        away[:, d] = rng.random(n) < (np.where(away[:, d - 1], stay, start) if d else rate)
    codes = np.array(CODES.numbers_of(["O", "I", "G"]), dtype=np.uint8)
    which = codes[rng.choice(3, size=(n, days), p=[0.6, 0.3, 0.1])]
    present = np.array(CODES.numbers_of(["/", "\\"]), dtype=np.uint8)
    marks = np.where(away[..., None], which[..., None], present)
    rows = [{"class_name": "1 Beech", "year_group": str(1 + i % 6), "born": dt.date(2017, 1, 1)} for i in range(n)]
    inputs = SchoolInputs(
        "x", cal, report_world.policy(), PupilTable.from_rows(cal, rows), marks.astype(np.uint8),
        LogTable.from_entries(n, []),
    )  # fmt: skip
    last = cal.on_or_before(DAY)
    derived = derive_school(inputs, 0, last)
    if world.helped:
        since = np.full(n, days)
        rises = derived.events[derived.events["to_stage"] > derived.events["from_stage"]]
        np.minimum.at(since, rises["pupil"], rises["day"])
        spared = (np.arange(days)[None, :] > since[:, None]) & (rng.random((n, days)) < world.helped)
        marks = np.where((away & spared)[..., None], present, marks).astype(np.uint8)
        # The first opening of each pupil is as it was: later ones would be of another world.
        first = np.array([e["day"] == since[e["pupil"]] for e in derived.events])
        return _inputs(replace(inputs, marks=marks), derived.events[first], last)
    return _inputs(inputs, derived.events, last)


def _inputs(inputs: SchoolInputs, events: np.ndarray, last: int) -> GovernorInputs:
    whole = report_world.governor_inputs(inputs, inputs.calendar.date(last))
    return replace(whole, events=events)


def true_effect(world: World, seed: int, openings: Iterable[Opening]) -> float:
    """What the help did to the pupils of these openings, in percentage points: the same weeks with it and without."""
    with_help, plain = given(world, seed), given(replace(world, helped=0.0), seed).inputs
    cal, events = plain.calendar, with_help.events
    attended = np.array(CODES.numbers_of(["/", "\\"]), dtype=np.uint8)
    out = []
    for o in openings:
        week = int(cal.week[events["day"][(events["pupil"] == o.pupil) & (events["episode"] == o.episode)][0]])
        later = (cal.week > week) & (cal.week <= week + 4)
        rates = [np.isin(m.marks[o.pupil][later], attended).mean() for m in (with_help.inputs, plain)]
        out.append(rates[0] - rates[1])
    return 100 * float(np.mean(out))
