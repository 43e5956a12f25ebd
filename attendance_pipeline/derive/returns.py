"""The two statutory lists of rules.md section 6: attendance return and sickness return.

Belongs here: who is on them on a day, and why. Not here: the limits (policy `statutory`), and sending anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.law.register_codes import CODES, ILLNESS, PENALTY


@dataclass(frozen=True)
class AttendanceReturn:
    """A run of school days wholly of G, N, O or U: pupil row, its first and last day, how many, and when it was long
    enough for the return (day numbers)."""

    pupil: int
    first: int
    last: int
    days: int
    reached_on: int


@dataclass(frozen=True)
class SicknessReturn:
    """Sessions of I in the academic year; two make a day. `reached_on`: the day that made it enough."""

    pupil: int
    sessions: int
    reached_on: int


def attendance_return(inputs: SchoolInputs, day: int) -> list[AttendanceReturn]:
    """Runs that are long enough among the days up to `day` and reach into its academic year, by pupil and date.

    Only days of compulsory school age on roll; a day without a mark or with any other mark breaks a run. Several runs
    of one pupil are several rows: the return is due for each.
    """
    needed = inputs.policy.setting.statutory.attendance_return_school_days
    whole = np.all(_has(inputs, PENALTY, day), axis=2)
    starts = int(inputs.calendar.year_start[day])
    out = []
    for pupil in np.flatnonzero(whole[:, starts:].any(axis=1)):
        padded = np.concatenate([[False], whole[pupil], [False]])
        edges = np.flatnonzero(np.diff(padded))
        for first, stop in edges.reshape(-1, 2).tolist():
            if stop - first >= needed and stop - 1 >= starts:
                out.append(AttendanceReturn(int(pupil), first, stop - 1, stop - first, first + needed - 1))
    return out


def sickness_return(inputs: SchoolInputs, day: int) -> list[SicknessReturn]:
    """Pupils with enough I, consecutive or not, in the academic year up to `day`."""
    needed = 2 * inputs.policy.setting.statutory.sickness_return_school_days
    starts = int(inputs.calendar.year_start[day])
    ill = np.cumsum(_has(inputs, ILLNESS, day)[:, starts:].sum(axis=2), axis=1)
    out = []
    for pupil in np.flatnonzero(ill[:, -1] >= needed):
        reached = int(np.searchsorted(ill[pupil], needed))
        out.append(SicknessReturn(int(pupil), int(ill[pupil, -1]), starts + reached))
    return out


def _has(inputs: SchoolInputs, bit: int, day: int) -> npt.NDArray[np.bool_]:
    """Sessions up to a day with a mark of this bit, on roll and of compulsory school age: bool[P, day + 1, 2]."""
    wanted = np.zeros(256, dtype=np.bool_)
    wanted[list(CODES.numbers_with(bit))] = True
    pupils, days = inputs.pupils, np.arange(day + 1)
    first = np.maximum(pupils.entry, pupils.csa_from)[:, None]
    last = np.minimum(pupils.leave, pupils.csa_to)[:, None]
    return wanted[inputs.marks[:, : day + 1]] & ((first <= days) & (days <= last))[:, :, None]
