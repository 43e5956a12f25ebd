"""Group rates: class, year, cohort and school, pooled over the pupils on roll on the day.

Belongs here: sums of sessions over groups, persistent and severe absence, and which groups are flagged. Not here: a
trust's rows (they are sums over schools), and hiding small groups (`reports/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import Sessions
from attendance_pipeline.derive.inputs import COHORTS, PupilTable
from attendance_pipeline.derive.tiers import HUNDRED_PERCENT, points_below
from attendance_pipeline.law.policy import MEASURES

GROUP_KINDS = ("trust", "school", "year", "class", "cohort")
SUMS = ("possible", "attended", "authorised", "unauthorised")
ROLLING = MEASURES.index("rolling_4_school_weeks")
NULL = -1


@dataclass(frozen=True)
class Grouping:
    """Who is in which group: pairs of (pupil, group), and the kind and name of each group. The school is group 0."""

    kind: npt.NDArray[np.uint8]
    name: npt.NDArray[np.object_]
    pupil: npt.NDArray[np.int64]
    group: npt.NDArray[np.int64]

    @classmethod
    def of(cls, school_id: str, pupils: PupilTable) -> Grouping:
        everyone = np.arange(len(pupils))
        kinds, names = [GROUP_KINDS.index("school")], [school_id]
        members, groups = [everyone], [np.zeros(len(pupils), dtype=np.int64)]
        for kind, labels in (("year", pupils.year_group), ("class", pupils.class_name)):
            known, index = np.unique(labels.astype(str), return_inverse=True)
            named = np.flatnonzero(known != "")
            number = np.full(len(known), NULL)
            number[named] = len(names) + np.arange(len(named))
            inside = number[index] >= 0
            members.append(everyone[inside])
            groups.append(number[index][inside])
            kinds += [GROUP_KINDS.index(kind)] * len(named)
            names += [str(known[i]) for i in named]
        for bit, cohort in enumerate(COHORTS):
            inside = (pupils.cohort >> bit) & 1 == 1
            members.append(everyone[inside])
            groups.append(np.full(int(inside.sum()), len(names)))
            kinds.append(GROUP_KINDS.index("cohort"))
            names.append(cohort)
        return cls(
            kind=np.array(kinds, dtype=np.uint8),
            name=np.array(names, dtype=object),
            pupil=np.concatenate(members),
            group=np.concatenate(groups).astype(np.int64),
        )

    def sums(self, values: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Sum over the members of each group of a value by pupil."""
        # Sums of whole numbers below 2**53 are exact in the floats that bincount adds.
        return np.bincount(self.group, weights=values[self.pupil], minlength=len(self.kind)).astype(np.int64)


def group_columns(
    grouping: Grouping,
    windows: tuple[Sessions, ...],
    on_roll: npt.NDArray[np.bool_],
    persistent_from: int,
    severe_from: int,
) -> dict[str, npt.NDArray[Any]]:
    """Columns of the table `groups` of one day: a row for each measure and each group with a pupil on roll, and always
    one for the school.

    `windows`: sessions by pupil for each of policy.MEASURES. `persistent_from`, `severe_from`: shares in thousandths of
    a percent. `kind` is an index in GROUP_KINDS, `measure` in policy.MEASURES; persistent and severe are -1 for null.
    """
    pupils = grouping.sums(on_roll)
    shown = pupils > 0
    shown[0] = True
    out: dict[str, list[npt.NDArray[Any]]] = {}

    def add(name: str, column: npt.NDArray[Any]) -> None:
        out.setdefault(name, []).append(column[shown])

    for measure, window in enumerate(windows):
        add("kind", grouping.kind)
        add("group", grouping.name)
        add("measure", np.full(len(pupils), measure, dtype=np.uint8))
        add("pupils", pupils)
        for name in SUMS:
            add(name, grouping.sums(getattr(window, name) * on_roll))
        absent, possible = window.absent.astype(np.int64) * HUNDRED_PERCENT, window.possible.astype(np.int64)
        for name, share in (("persistent", persistent_from), ("severe", severe_from)):
            reached = on_roll & (possible > 0) & (absent >= share * possible)
            null = measure == ROLLING  # a rate over time, never of a few weeks
            add(name, np.full(len(pupils), NULL, dtype=np.int64) if null else grouping.sums(reached))
    return {name: np.concatenate(columns) for name, columns in out.items()}


def flagged(columns: dict[str, npt.NDArray[Any]], points: int) -> npt.NDArray[np.bool_]:
    """Which rows of `group_columns` are to be considered for a group intervention: a class, year or cohort whose
    rolling attendance is at least `points` thousandths of a percent below the school's."""
    rolling = columns["measure"] == ROLLING
    school = np.flatnonzero(rolling & (columns["kind"] == GROUP_KINDS.index("school")))[0]
    below = points_below(
        columns["attended"], columns["possible"], columns["attended"][school], columns["possible"][school], points
    )
    return rolling & below
