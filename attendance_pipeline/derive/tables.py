"""Rows of the derived tables: by day as columns of numbers, and as frames with exactly the columns of the contract.

Belongs here: how the arrays of `year` become rows. Not here: how a figure is come by, and writing rows anywhere.

In columns of numbers a pupil is the row of PupilTable, a day its number on the calendar's axis (-1 null), and a word
the index in its list: MEASURES, STATUSES, EVENTS, PN_STATUSES, GROUP_KINDS, `plan.rule_names`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from attendance_pipeline.derive.counting import COUNTERS, Sessions
from attendance_pipeline.derive.groups import GROUP_KINDS, Grouping, flagged, group_columns
from attendance_pipeline.derive.ladder import EVENTS, STATUSES
from attendance_pipeline.derive.penalty_notices import BLOCKS, PN_STATUSES
from attendance_pipeline.derive.tiers import HUNDRED_PERCENT, tier_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.policy import MEASURES, thousandths

Columns: TypeAlias = dict[str, npt.NDArray[Any]]
COUNTED = COUNTERS[: COUNTERS.index("late_after_close") + 1]  # what a row of `measures` shows
_PUPIL = ("school", "upn", "date")
_SUMS = ("possible", "attended", "authorised", "unauthorised")
# The columns of each table, in order: contract.md, section 4.
COLUMNS: dict[str, tuple[str, ...]] = {
    "measures": (*_PUPIL, "measure", *COUNTED, "attendance"),
    "groups": (
        *("school", "date", "group_kind", "group", "measure", "pupils"),
        *(*_SUMS, "attendance", "persistent", "severe"),
    ),
    "stages": (*_PUPIL, "stage", "status", "episode", "opened_on", "review_due", "reviews", "checkpoint", "tier"),
    "stage_events": (*_PUPIL, "event", "from_stage", "to_stage", "episode", "attendance", "threshold"),
    "penalty_notices": (
        *(*_PUPIL, "rule", "status", "counted", "needed"),
        *("window_from", "window_to", "drops_out_on", "blocked_by"),
    ),
}
TABLES = tuple(COLUMNS)
DECIMALS = 1_000_000  # a ratio for a file has six


def windows_of(derived: Derived, day: int) -> tuple[Sessions, ...]:
    """Sessions by pupil of each of policy.MEASURES on a day, the day itself included."""
    return tuple(derived.counts.window(start, day) for start in derived.plan.window_starts[:, day])


def measures_on(derived: Derived, day: int) -> Columns:
    """`pupil`, `measure` and the counts: three rows for each pupil on roll."""
    pupil = np.flatnonzero(derived.inputs.pupils.on_roll(day)).astype(np.int32)
    table = np.stack([window.table[pupil] for window in windows_of(derived, day)], axis=1)
    out: Columns = {
        "pupil": np.repeat(pupil, len(MEASURES)),
        "measure": np.tile(np.arange(len(MEASURES), dtype=np.uint8), len(pupil)),
    }
    for name in COUNTED:
        out[name] = table[:, :, COUNTERS.index(name)].ravel()
    return out


def groups_on(derived: Derived, day: int) -> Columns:
    """Columns of `groups.group_columns`: everybody in the class, year and cohorts that they were in on the day."""
    inputs = derived.inputs
    date = inputs.calendar.date(day)
    return group_columns(
        Grouping.of(inputs.school_id, inputs.pupils_on(day)),
        windows_of(derived, day),
        inputs.pupils.on_roll(day),
        absent_from("persistent", date),
        absent_from("severe", date),
    )


def flagged_groups(derived: Derived, day: int) -> list[tuple[str, str]]:
    """Kind and name of each class, year and cohort that a group intervention is to be considered for on a day."""
    columns = groups_on(derived, day)
    points = thousandths(derived.plan.policy.setting.tiers.group_drop_points)
    chosen = flagged(columns, points)
    return [(GROUP_KINDS[k], str(g)) for k, g in zip(columns["kind"][chosen], columns["group"][chosen], strict=True)]


def stages_on(derived: Derived, day: int) -> Columns:
    """Fields of STAGE_ROW by name, `pupil` and `tier`; at stage 0 the rest is null (-1, or 0 for counts)."""
    pupils = derived.inputs.pupils_on(day)
    year_to_date, _, rolling = windows_of(derived, day)
    threshold = int(derived.plan.ladder["threshold"][day])
    rows = derived.stage_rows(day)
    tier = tier_of(rows["stage"], pupils.cohort, year_to_date, rolling, threshold, derived.plan.policy.setting.tiers)
    pupil = np.flatnonzero(pupils.on_roll(day)).astype(np.int32)
    rows = rows[pupil]
    on_ladder = rows["stage"] > 0
    return {
        "pupil": pupil,
        "stage": rows["stage"],
        "status": rows["status"],
        "episode": rows["episode"],
        "opened_on": np.where(on_ladder, rows["opened_on"], -1).astype(np.int32),
        "review_due": np.where(on_ladder, rows["review_due"], -1).astype(np.int32),
        "reviews": rows["reviews"],
        "checkpoint_attended": rows["checkpoint_attended"],
        "checkpoint_possible": rows["checkpoint_possible"],
        "tier": tier[pupil],
    }


def stage_events_on(derived: Derived, day: int) -> Columns:
    """Fields of EVENT_ROW by name, of the events of a day."""
    rows = derived.events[derived.events["day"] == day]
    return {name: rows[name] for name in rows.dtype.names or () if name != "day"}


def penalty_notices_on(derived: Derived, day: int) -> Columns:
    """`pupil`, `rule` and the figures: a row for each pupil on roll and rule in force, by pupil."""
    plan = derived.plan
    pupil = np.flatnonzero(derived.inputs.pupils.on_roll(day)).astype(np.int32)
    rules = np.flatnonzero(plan.notices.in_force[:, day])
    rows = derived.notices[pupil, :, day - derived.first][:, rules].ravel()
    rule = np.tile(rules, len(pupil))
    alternative = plan.notices.rules["first"][rule] + rows["alternative"]
    sessions = plan.notices.alternatives["sessions"][alternative]
    return {
        "pupil": np.repeat(pupil, len(rules)),
        "rule": rule.astype(np.uint8),
        "status": rows["status"],
        "alternative": rows["alternative"],
        "counted": rows["counted"],
        "needed": np.maximum(0, sessions - rows["counted"]).astype(np.uint16),
        "window_from": rows["window_from"].astype(np.int32),
        "window_to": np.full(len(rows), plan.notices.cut[day], dtype=np.int32),
        "drops_out_on": rows["drops_out_on"].astype(np.int32),
        "blocked": rows["blocked"],
    }


_REASONS = tuple("; ".join(word for i, word in enumerate(BLOCKS) if bits >> i & 1) for bits in range(1 << len(BLOCKS)))
_BY_DAY: dict[str, Callable[[Derived, int], Columns]] = {
    "measures": measures_on,
    "groups": groups_on,
    "stages": stages_on,
    "stage_events": stage_events_on,
    "penalty_notices": penalty_notices_on,
}


def day_columns(derived: Derived, table: str, day: int) -> Columns:
    """The rows of one table on one school day as columns of numbers. Raises ValueError for a day not derived."""
    if day not in derived.days:
        raise ValueError(f"a day from {derived.first} to {derived.last}, not {day}")
    return _BY_DAY[table](derived, day)


def ratio(attended: npt.ArrayLike, possible: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """attended / possible to six decimals, half to even on the exact fraction; NaN where possible is 0."""
    a, p = np.asarray(attended, dtype=np.int64), np.asarray(possible, dtype=np.int64)
    whole, rest = np.divmod(a * DECIMALS, np.maximum(p, 1))
    whole = whole + ((2 * rest > p) | ((2 * rest == p) & (whole % 2 == 1)))
    return np.where(p > 0, whole / DECIMALS, np.nan)


def to_frame(derived: Derived, table: str, first: int | None = None, last: int | None = None) -> pd.DataFrame:
    """Rows of days first to last (default: all derived) with exactly the columns of the contract, section 4.

    Dates are datetime64, whole numbers Int64 where they may be null, ratios floats of six decimals: written with
    `to_csv(index=False, float_format="%.6f")` they are as the contract says.
    """
    low, high = derived.first if first is None else first, derived.last if last is None else last
    frames = [_FRAMES[table](derived, day_columns(derived, table, day), day) for day in range(low, high + 1)]
    return pd.concat(frames, ignore_index=True) if frames else empty_frame(table)


def empty_frame(table: str) -> pd.DataFrame:
    """A table without rows: its header."""
    return pd.DataFrame(columns=COLUMNS[table])


def columns_frame(derived: Derived, table: str, columns: Columns, day: int) -> pd.DataFrame:
    """Columns of numbers as rows of the contract. Column `rule` may hold names instead of numbers."""
    return _FRAMES[table](derived, columns, day)


def _start(derived: Derived, rows: int, day: int, pupil: npt.NDArray[Any] | None) -> dict[str, object]:
    out: dict[str, object] = {"school": np.full(rows, derived.inputs.school_id, dtype=object)}
    if pupil is not None:
        out["upn"] = derived.inputs.pupils.upn[pupil]
    out["date"] = np.full(rows, derived.inputs.calendar.days[day]).astype("datetime64[s]")
    return out


def _words(words: tuple[str, ...], index: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    return np.array(words, dtype=object)[index]


def _dates(derived: Derived, day: npt.NDArray[Any]) -> npt.NDArray[np.datetime64]:
    dates = derived.inputs.calendar.days[np.maximum(day, 0)].astype("datetime64[s]")
    return np.where(day >= 0, dates, np.datetime64("NaT", "s"))


def _whole(values: npt.NDArray[Any], known: npt.NDArray[np.bool_]) -> pd.Series:
    return pd.Series(values).astype("Int64").where(known)


def _measures_frame(derived: Derived, columns: Columns, day: int) -> pd.DataFrame:
    out = _start(derived, len(columns["pupil"]), day, columns["pupil"])
    out["measure"] = _words(MEASURES, columns["measure"])
    out |= {name: columns[name].astype(np.int64) for name in COUNTED}
    out["attendance"] = ratio(columns["attended"], columns["possible"])
    return pd.DataFrame(out)


def _groups_frame(derived: Derived, columns: Columns, day: int) -> pd.DataFrame:
    out = _start(derived, len(columns["kind"]), day, None)
    out["group_kind"] = _words(GROUP_KINDS, columns["kind"])
    out["group"] = columns["group"]
    out["measure"] = _words(MEASURES, columns["measure"])
    out |= {name: columns[name] for name in ("pupils", "possible", "attended", "authorised", "unauthorised")}
    out["attendance"] = ratio(columns["attended"], columns["possible"])
    out |= {name: _whole(columns[name], columns[name] >= 0) for name in ("persistent", "severe")}
    return pd.DataFrame(out)


def _stages_frame(derived: Derived, columns: Columns, day: int) -> pd.DataFrame:
    out = _start(derived, len(columns["pupil"]), day, columns["pupil"])
    on_ladder = columns["stage"] > 0
    out["stage"] = columns["stage"].astype(np.int64)
    out["status"] = _words(STATUSES, columns["status"])
    out["episode"] = _whole(columns["episode"], on_ladder)
    out["opened_on"] = _dates(derived, columns["opened_on"])
    out["review_due"] = _dates(derived, columns["review_due"])
    out["reviews"] = _whole(columns["reviews"], on_ladder)
    out["checkpoint"] = ratio(columns["checkpoint_attended"], columns["checkpoint_possible"])
    out["tier"] = columns["tier"].astype(np.int64)
    return pd.DataFrame(out)


def _stage_events_frame(derived: Derived, columns: Columns, day: int) -> pd.DataFrame:
    out = _start(derived, len(columns["pupil"]), day, columns["pupil"])
    out["event"] = _words(EVENTS, columns["event"])
    out |= {name: columns[name].astype(np.int64) for name in ("from_stage", "to_stage", "episode")}
    out["attendance"] = ratio(columns["attended"], columns["possible"])
    threshold = columns["threshold"]
    out["threshold"] = ratio(np.maximum(threshold, 0), np.where(threshold >= 0, HUNDRED_PERCENT, 0))
    return pd.DataFrame(out)


def _penalty_notices_frame(derived: Derived, columns: Columns, day: int) -> pd.DataFrame:
    out = _start(derived, len(columns["pupil"]), day, columns["pupil"])
    named = columns["rule"].dtype == object
    out["rule"] = columns["rule"] if named else _words(derived.plan.rule_names, columns["rule"])
    out["status"] = _words(PN_STATUSES, columns["status"])
    out |= {name: columns[name].astype(np.int64) for name in ("counted", "needed")}
    out |= {name: _dates(derived, columns[name]) for name in ("window_from", "window_to", "drops_out_on")}
    out["blocked_by"] = _words(_REASONS, columns["blocked"])
    return pd.DataFrame(out)


_FRAMES: dict[str, Callable[[Derived, Columns, int], pd.DataFrame]] = {
    "measures": _measures_frame,
    "groups": _groups_frame,
    "stages": _stages_frame,
    "stage_events": _stage_events_frame,
    "penalty_notices": _penalty_notices_frame,
}
