"""The figures by which days are believed: counts and shares of a school and its classes, all days of a year at once.

Belongs here: what is counted, and beside which of the school's own days. Not here: what is expected
(`expectations.py`), Great Expectations (`plausibility.py`), any reading of a store. No figure is of one pupil.

A figure that cannot be said is NaN: nobody on roll, no marks, too few days before to compare with, a class too small to
be looked at by itself. NaN falls short of nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.home_settings import SchoolQualitySetting
from attendance_pipeline.law.register_codes import (
    ATTENDED,
    CODES,
    ILLNESS,
    LATE_AFTER,
    LATE_BEFORE,
    NO_MARK,
    NOT_ESTABLISHED,
    POSSIBLE,
    UNAUTHORISED,
)
from attendance_pipeline.quality.expectations import CHECKS, CLASS, SCHOOL, checks_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Groups of codes whose shares are compared with the school's own weeks. Every code is in one.
CODE_GROUPS = (
    "present",
    "late",
    "approved activity",
    "illness",
    "other authorised absence",
    "unauthorised absence",
    "N",
    "not required",
)
_ABSENCES = np.array(
    [name in ("illness", "other authorised absence", "unauthorised absence", "N") for name in CODE_GROUPS]
)
_OF_CLASS = {
    "present": "present",
    "approved_activity": "approved activity",
    "authorised": "other authorised absence",
    "unauthorised": "unauthorised absence",
    "not_possible": "not required",
    "not_collected": "not required",
}


def _groups() -> npt.NDArray[np.int64]:
    """The index in CODE_GROUPS by the number of a code; -1 for no mark."""
    out = np.full(len(CODES.codes), -1, dtype=np.int64)
    for row in CODES.rows:
        name = _OF_CLASS[row.code_class]
        if row.bits & (LATE_BEFORE | LATE_AFTER):
            name = "late"
        elif row.bits & ILLNESS:
            name = "illness"
        elif row.bits & NOT_ESTABLISHED:
            name = "N"
        out[row.number] = CODE_GROUPS.index(name)
    return out


@dataclass(frozen=True)
class Corrections:
    """Marks of earlier days that were changed, by the school day on which the change was recorded: arrays over the
    calendar's days. `oldest`: how many school days back the oldest of them lies."""

    marks: Ints
    pupils: Ints
    oldest: Ints

    @classmethod
    def of(cls, days: int, recorded: Ints, marked: Ints, person: Ints) -> Corrections:
        """From one entry a change: the day of the change and that of the mark (numbers of days), and the pupil."""
        late = recorded > marked
        recorded, marked, person = recorded[late], marked[late], person[late]
        oldest = np.zeros(days, dtype=np.int64)
        np.maximum.at(oldest, recorded, recorded - marked)
        pairs = np.unique(np.stack([recorded, person]), axis=1)
        return cls(
            marks=np.bincount(recorded, minlength=days),
            pupils=np.bincount(pairs[0], minlength=days),
            oldest=oldest,
        )


@dataclass(frozen=True)
class RollFacts:
    """Counts of the pupils on roll on the newest day."""

    on_roll: int
    twice: int
    without_recipient: int
    without_address: int


@dataclass(frozen=True)
class Figures:
    """Of the days `first` to `last` of one academic year.

    `of_day`: float64[D] by name of the figure. `classes`, `of_class`: float64[K, D], NaN where a class is not looked
    at. `of_roll`: of the last day, empty when it was not asked. `on_roll`: int64[D]. `remarks`: by check and day
    number, what a person would ask next.
    """

    first: int
    last: int
    on_roll: Ints
    of_day: Mapping[str, Floats]
    classes: tuple[str, ...]
    of_class: Mapping[str, Floats]
    of_roll: Mapping[str, float] = field(default_factory=dict)
    remarks: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.last - self.first + 1

    def digests(self, setting: SchoolQualitySetting, confirmed: frozenset[int]) -> dict[int, str]:
        """A hash by day of all that its results depend on: figures, limits, what is expected, and in what words."""
        common = hashlib.sha256(repr((setting.limits, CHECKS, self.classes)).encode())
        remarks: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for (check, day), words in sorted(self.remarks.items()):
            remarks[day].append((check, words))
        of_day = np.stack([np.round(self.of_day[c.figure], 6) for c in checks_of(SCHOOL)], axis=-1)
        of_class = np.stack([np.round(self.of_class[c.figure], 6) for c in checks_of(CLASS)], axis=-1)
        out = {}
        for i, day in enumerate(range(self.first, self.last + 1)):
            digest = common.copy()
            digest.update(of_day[i].tobytes())
            digest.update(np.ascontiguousarray(of_class[:, i]).tobytes())
            said = (day in confirmed, int(self.on_roll[i]), remarks[day])
            digest.update(repr((said, sorted(self.of_roll.items()) if day == self.last else ())).encode())
            out[day] = digest.hexdigest()
        return out


def figures(
    inputs: SchoolInputs,
    first: int,
    last: int,
    setting: SchoolQualitySetting,
    corrections: Corrections | None = None,
    roll: RollFacts | None = None,
) -> Figures:
    """Every figure of the school days `first` to `last` (numbers, in one academic year).

    `corrections`: what was changed late; None: nothing. `roll`: counts of the pupils on roll on the last day, where it
    is the newest there is. On that day, as long as nobody has an afternoon mark, mornings alone are looked at: the
    extract was made before the afternoon.
    """
    on_roll_of, silent = _roll_and_silence(inputs, first, last, setting)
    classes, hist = _histogram(inputs, first, last, on_roll_of & ~silent)
    if roll is not None and not hist[:, -1, 1, 1:].any() and hist[:, -1, 0, 1:].any():
        hist[:, -1, 1] = 0
    flags = _flags(inputs, first, last)
    everybody = hist.sum(axis=0)
    of_day = _shares(everybody, flags)
    on_roll = on_roll_of.sum(axis=0)
    usual = setting.own_school_days
    least = min(setting.own_school_days_least, usual)
    remarks: dict[tuple[str, int], str] = {}

    possible = _counted(everybody, flags, POSSIBLE)
    absent = of_day["possible sessions absent (%)"]
    own = _median_before(absent, usual, least)
    expected = own / 100 * possible / 2
    of_day["absence above own weeks (points)"] = absent - own
    more = (absent - own) / 100 * possible / 2
    of_day["pupils concerned: more absent than usual"] = _beyond_chance(more, expected, setting)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_day["absence beside own weeks (% of it)"] = np.where(own > 0, absent / own * 100, np.nan)
    of_day["pupils concerned: fewer absent than usual"] = -more

    of_group = _in_groups(everybody)
    mix, points, pupils, words = _unlike_before(of_group, setting)
    of_day["codes unlike own weeks (points)"] = points
    rarer = 1 - np.fmax.reduce(_medians_before(mix, usual, least), axis=1) / 100
    of_day["pupils concerned: other codes than usual"] = _beyond_chance(
        pupils, rarer * of_group.sum(axis=1) / 2, setting
    )
    remarks |= {("code_mix", first + i): f"above all {said}" for i, said in words.items()}
    of_reason = np.where(_ABSENCES, of_group, 0)
    _, points, pupils, words = _unlike_before(of_reason, setting)
    of_day["reasons of absence unlike own weeks (points)"] = points
    of_day["pupils concerned: other reasons than usual"] = pupils
    remarks |= {("reason_mix", first + i): f"above all {said}" for i, said in words.items()}

    before = np.concatenate([[np.nan], on_roll[:-1].astype(float)])
    of_day["change of the number on roll (%)"] = _share(np.abs(on_roll - before), before)
    of_day["pupils concerned: on or off roll"] = np.abs(on_roll - before)

    late = corrections or Corrections(*(np.zeros(len(inputs.calendar), dtype=np.int64) for _ in range(3)))
    marks = late.marks[first : last + 1].astype(float)
    floor = on_roll * 2 * setting.corrections_percent_of_day / 100
    largest = np.fmax(_largest_before(marks, usual), floor)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_day["marks changed late (times the usual)"] = np.where(largest > 0, marks / largest, np.nan)
    of_day["pupils concerned: marks changed late"] = late.pupils[first : last + 1].astype(float)
    for i in np.flatnonzero(marks):
        oldest = int(late.oldest[first + i])
        remarks["late_corrections", first + int(i)] = (
            f"{int(marks[i]):,} marks, the oldest {oldest} school day{'' if oldest == 1 else 's'} back"
        )

    of_class = {name: values.copy() for name, values in _shares(hist, flags).items()}
    size = hist[:, :, 0].sum(axis=-1)
    not_looked_at = (size < setting.smallest_class) | np.array([name == "" for name in classes], dtype=bool)[:, None]
    for values in of_class.values():
        values[not_looked_at] = np.nan
    of_roll = {} if roll is None else _of_roll(roll, int(silent[:, -1].sum()))
    return Figures(first, last, on_roll, of_day, classes, of_class, of_roll, remarks)


def _of_roll(roll: RollFacts, silent: int) -> dict[str, float]:
    whole = roll.on_roll or np.nan
    return {
        "pupils on roll twice": float(roll.twice),
        "pupils on roll without any mark for weeks": float(silent),
        "pupils about whom nobody may be written to (%)": roll.without_recipient / whole * 100,
        "pupils concerned: no recipient": float(roll.without_recipient),
        "pupils without an address to write to (%)": roll.without_address / whole * 100,
        "pupils concerned: no address": float(roll.without_address),
    }


def _roll_and_silence(
    inputs: SchoolInputs, first: int, last: int, setting: SchoolQualitySetting
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Who is on roll and looked at, and who of them is silent: bool[P, D] each.

    Silent: without a mark for more school days than the school's own weeks have, or for more than the least of them
    where there was no mark at all this year. A leaver who is still listed, a joiner without an entry date: no register
    is missing for them. Pupils of `half_day_year_groups` are not looked at: they come when they come.
    """
    pupils, days = inputs.pupils, np.arange(first, last + 1)
    half_days = np.isin(pupils.year_group.astype(str), setting.half_day_year_groups)
    on_roll = (pupils.entry[:, None] <= days) & (days <= pupils.leave[:, None]) & ~half_days[:, None]
    marked = (inputs.marks[:, first : last + 1] != NO_MARK).any(axis=2)
    newest = np.maximum.accumulate(np.where(marked, days, -1), axis=1)
    since = np.maximum(newest, np.maximum(pupils.entry, first)[:, None] - 1)
    without = days - since
    silent = (without > setting.own_school_days) | ((newest < 0) & (without > setting.own_school_days_least))
    return on_roll, on_roll & silent


def _histogram(
    inputs: SchoolInputs, first: int, last: int, on_roll: npt.NDArray[np.bool_]
) -> tuple[tuple[str, ...], Ints]:
    """Classes with anybody here, and how often each code stands: int64[K, D, 2, codes]; code 0 is no mark."""
    pupils, days = inputs.pupils, np.arange(first, last + 1)
    here = on_roll.any(axis=1)
    names, of_class = np.unique(pupils.class_name[here].astype(str), return_inverse=True)
    row, day = np.nonzero(on_roll[here])
    marks = inputs.marks[here, first : last + 1][row, day].astype(np.int64)
    n = len(CODES.codes)
    cell = ((of_class[row] * len(days) + day)[:, None] * 2 + np.array([0, 1])) * n + marks
    counts = np.bincount(cell.ravel(), minlength=len(names) * len(days) * 2 * n)
    return tuple(names.tolist()), counts.reshape(len(names), len(days), 2, n)


def _flags(inputs: SchoolInputs, first: int, last: int) -> npt.NDArray[np.uint16]:
    """What each code counts for on each day: uint16[D, codes]."""
    era, tables = CODES.eras(inputs.calendar.days[first : last + 1])
    return tables[era][:, : len(CODES.codes)]


def _counted(hist: Ints, flags: npt.NDArray[np.uint16], bit: int) -> Ints:
    """How many marks of each day have the bit: int64[..., D] from int64[..., D, 2, codes]."""
    return (hist.sum(axis=-2) * ((flags & bit) != 0)).sum(axis=-1)


def _shares(hist: Ints, flags: npt.NDArray[np.uint16]) -> dict[str, Floats]:
    """The figures that a school and a class have alike: float64[..., D] by name."""
    of_morning, of_afternoon = hist[..., 0, :].sum(axis=-1), hist[..., 1, :].sum(axis=-1)
    morning, afternoon = hist[..., 0, NO_MARK], hist[..., 1, NO_MARK]
    sessions = of_morning + of_afternoon
    marked = sessions - morning - afternoon
    possible, attended = _counted(hist, flags, POSSIBLE), _counted(hist, flags, ATTENDED)
    unauthorised, unknown = _counted(hist, flags, UNAUTHORISED), _counted(hist, flags, NOT_ESTABLISHED)
    return {
        "sessions without a mark (%)": _share(morning + afternoon, sessions),
        "pupils concerned: no mark": (morning + afternoon) / 2,
        "pupils without a morning mark (%)": _share(morning, of_morning),
        "pupils concerned: no morning mark": morning.astype(float),
        "pupils without an afternoon mark (%)": _share(afternoon, of_afternoon),
        "pupils concerned: no afternoon mark": afternoon.astype(float),
        "marks that are N (%)": _share(unknown, marked),
        "pupils concerned: N": unknown / 2,
        "possible sessions absent (%)": _share(possible - attended, possible),
        "pupils concerned: absent": (possible - attended) / 2,
        "possible sessions unauthorised (%)": _share(unauthorised, possible),
        "pupils concerned: unauthorised": unauthorised / 2,
    }


def _in_groups(hist: Ints) -> Ints:
    """Marks of each day by group of codes: int64[D, groups] from int64[D, 2, codes]."""
    group_of = _groups()
    return np.stack([hist[:, :, group_of == g].sum(axis=(1, 2)) for g in range(len(CODE_GROUPS))], axis=1)


def _unlike_before(of_group: Ints, setting: SchoolQualitySetting) -> tuple[Floats, Floats, Floats, dict[int, str]]:
    """How far each day's shares of the groups are from the medians of the school's own days before.

    Gives the shares in percent [D, groups]; half the sum of the differences, in points [D]; how many pupils that is
    [D]; and by place of the day in words which group has grown most.
    """
    marks = of_group.sum(axis=1)
    mix = _share(of_group, marks[:, None])
    moved = mix - _medians_before(mix, setting.own_school_days, setting.own_school_days_least)
    points = np.abs(moved).sum(axis=1) / 2
    words = {}
    for i in np.flatnonzero(~np.isnan(points)):
        g = int(np.argmax(moved[i]))
        words[int(i)] = f"{CODE_GROUPS[g]}, {moved[i, g]:.0f} points more"
    return mix, points, points / 100 * marks / 2, words


def _medians_before(mix: Floats, days: int, least: int) -> Floats:
    return np.stack([_median_before(mix[:, g], days, least) for g in range(mix.shape[1])], axis=1)


def _beyond_chance(pupils: Floats, expected: Floats, setting: SchoolQualitySetting) -> Floats:
    """The pupils concerned, or 0 where so many come together by chance: counts spread by the root of what is expected.

    What is usual in a village school of forty would be an event in a school of a thousand.
    """
    with np.errstate(invalid="ignore"):
        return np.where(
            pupils >= setting.chance_deviations * np.sqrt(expected), pupils, np.where(np.isnan(pupils), np.nan, 0)
        )


def _share(part: npt.NDArray, whole: npt.NDArray) -> Floats:
    """Percent; NaN of nothing."""
    part, whole = np.broadcast_arrays(part, whole)
    out = np.full(part.shape, np.nan)
    np.divide(part * 100.0, whole, out=out, where=whole > 0)
    return out


def _before(values: Floats, days: int) -> Floats:
    """The values of the days before each day: float64[D, days], NaN where there is none."""
    padded = np.concatenate([np.full(days, np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(padded, days)[: len(values)]


def _median_before(values: Floats, days: int, least: int) -> Floats:
    """The median of the days before; NaN where fewer than `least` of them have a value."""
    before = _before(values, days)
    enough = (~np.isnan(before)).sum(axis=1) >= least
    out = np.full(len(values), np.nan)
    if enough.any():
        out[enough] = np.nanmedian(before[enough], axis=1)
    return out


def _largest_before(values: Floats, days: int) -> Floats:
    """The largest of the days before; NaN where there is none."""
    return np.fmax.reduce(_before(values, days), axis=1)
