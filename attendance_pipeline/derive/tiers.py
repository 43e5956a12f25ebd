"""Tiers of rules.md section 4: who is in the whole-school, the small-group and the individual tier.

Belongs here: the tier of each pupil on a day. Not here: the stages it rests on (`ladder`), groups as such (`groups`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import Sessions
from attendance_pipeline.derive.inputs import VULNERABLE_BITS
from attendance_pipeline.law.policy import PERCENT_SCALE, Tiers, thousandths

HUNDRED_PERCENT = 100 * PERCENT_SCALE


def points_below(
    attended: npt.NDArray[np.integer],
    possible: npt.NDArray[np.integer],
    than_attended: npt.NDArray[np.integer],
    than_possible: npt.NDArray[np.integer],
    points: int,
) -> npt.NDArray[np.bool_]:
    """Whether attendance is at least `points` thousandths of a percent below another; false where either is null."""
    a, p, b, q = (np.asarray(x, dtype=np.int64) for x in (attended, possible, than_attended, than_possible))
    return (p > 0) & (q > 0) & ((b * p - a * q) * HUNDRED_PERCENT >= points * p * q)


def tier_of(
    stage: npt.NDArray[np.integer],
    cohort: npt.NDArray[np.uint16],
    year_to_date: Sessions,
    rolling: Sessions,
    threshold: int,
    setting: Tiers,
) -> npt.NDArray[np.uint8]:
    """Tier of each pupil: uint8[P]. `threshold` is the ladder's of the day in thousandths of a percent, -1 none."""
    attended, possible = year_to_date.attended.astype(np.int64), year_to_date.possible.astype(np.int64)
    falling = points_below(
        rolling.attended, rolling.possible, attended, possible, thousandths(setting.rolling_drop_points)
    )
    share, upper = attended * HUNDRED_PERCENT, threshold + thousandths(setting.near_threshold_points)
    near = (possible > 0) & (threshold >= 0) & (share >= threshold * possible) & (share <= upper * possible)
    vulnerable = (cohort & VULNERABLE_BITS) != 0
    return np.where(stage > 0, 3, np.where(vulnerable & (falling | near), 2, 1)).astype(np.uint8)
