"""Registers that hold exactly given numbers of sessions by code, made from published percentages.

Belongs here: from percentages to whole numbers of sessions, and from those to the marks of a school's pupils. Must not:
what the measures of such a register should be; that is what was published.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.law.policy import Policy, PolicySetting
from attendance_pipeline.law.register_codes import ATTENDED as ATTENDED_BIT
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.school_calendar import SchoolCalendar

# 2025/26, year to date, by reason, with six decimals: DfE, Pupil attendance in schools; Open Government Licence v3.0.
BY_REASON = Path(__file__).parents[1] / "derive" / "published_by_reason.csv"
AUTHORISED = ("I", "M", "R", "S", "T", "E", "C1", "J1", "C2", "C")
UNAUTHORISED = ("G", "O", "U", "N")
# DfE publishes no parts of the sessions attended: these shares of them are invented. `/` stands for present, also
# in the afternoon.
ATTENDED = {"/": 955, "L": 25, "V": 6, "B": 5, "P": 4, "W": 3, "K": 2}
# DfE's parts of authorised absence come to a little less than the whole: schools still use withdrawn codes.
WITHDRAWN = "H"
NOT_POSSIBLE = ("X", "Q", "Y1", "Y4", "Y7", "Y", "Z", "#", "D", "")
WHOLE = 10**8  # so many sessions give percentages of six decimals exactly


@dataclass(frozen=True)
class ByReason:
    """One published row: percentages of possible sessions by name and by code."""

    area: str
    phase: str
    percent: Mapping[str, Decimal]

    def counts(self, possible: int = WHOLE) -> dict[str, int]:
        """Sessions by code that come to `possible` and are nearest to the percentages; exact ones for WHOLE."""
        parts = {code: self.percent[code] for code in (*AUTHORISED, *UNAUTHORISED)}
        parts[WITHDRAWN] = max(self.percent["authorised"] - sum(parts[c] for c in AUTHORISED), Decimal(0))
        # The rest of unauthorised absence is a rounding of one in the last place.
        parts["O"] += self.percent["unauthorised"] - sum(parts[c] for c in UNAUTHORISED)
        parts["I"] += self.percent["authorised"] - sum(parts[c] for c in (*AUTHORISED, WITHDRAWN))
        for code, share in ATTENDED.items():
            parts[code] = self.percent["attendance"] * share / sum(ATTENDED.values())
        return largest_remainders(parts, possible)


def largest_remainders(parts: Mapping[str, Decimal], total: int) -> dict[str, int]:
    """Whole numbers that come to the total, each its share rounded down or up."""
    exact = {name: part * total / sum(parts.values()) for name, part in parts.items()}
    out = {name: int(value) for name, value in exact.items()}
    behind = sorted(parts, key=lambda name: out[name] - exact[name])
    for name in behind[: total - sum(out.values())]:
        out[name] += 1
    return out


def published_by_reason() -> Iterator[ByReason]:
    with BY_REASON.open(newline="") as file:
        for row in csv.DictReader(file):
            figures = {k: Decimal(v) for k, v in row.items() if k not in ("level", "area", "phase")}
            yield ByReason(row["area"], row["phase"], figures)


def published_weeks() -> Iterator[dict[str, str]]:
    """Every national and regional row of every fortnight that the reports compare with."""
    packed = files("attendance_pipeline.reports").joinpath("data", "dfe-attendance-by-fortnight.csv.gz").read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(packed).decode()))
    return (
        row for row in rows if row["level"] in ("national", "region") and row["attendance_percent"] not in ("", "c")
    )


def absences_of_pupils(absent: int, pupils: int, sessions: int, persistent: int | None) -> npt.NDArray[np.int64]:
    """Absences of each pupil: `persistent` of them miss a tenth of their sessions or more, all others less. None: as
    even as can be."""
    if persistent is None:
        return absent // pupils + (np.arange(pupils) < absent % pupils)
    tenth = -(-sessions // 10)
    out = np.zeros(pupils, dtype=np.int64)
    out[:persistent] = tenth
    left = absent - int(out.sum())
    if left < 0:
        raise ValueError("fewer absences than the persistently absent need")
    for first, stop, most in ((persistent, pupils, tenth - 1), (0, persistent, sessions - tenth)):
        dealt = min(left, most * (stop - first))
        if stop > first:
            out[first:stop] += dealt // (stop - first)
            out[first : first + dealt % (stop - first)] += 1
        left -= dealt
    if left:
        raise ValueError("more absences than there are sessions")
    return out


def marks_of(
    counts: Mapping[str, int], pupils: int, days: int, persistent: int | None, seed: int
) -> npt.NDArray[np.uint8]:
    """Marks uint8[pupils, days, 2] with exactly these codes, spread over pupils and sessions."""
    sessions = 2 * days
    numbers = {code: CODES.number(code) for code in counts}
    flags = CODES.eras(np.array(["2025-09-01"], dtype="datetime64[D]"))[1][0]
    rng = np.random.default_rng(seed)
    dealt = {}
    for attended in (True, False):
        codes = [c for c in counts if bool(flags[numbers[c]] & ATTENDED_BIT) is attended]
        dealt[attended] = rng.permutation(
            np.repeat([numbers[c] for c in codes], [counts[c] for c in codes]).astype(np.uint8)
        )
    absent = absences_of_pupils(len(dealt[False]), pupils, sessions, persistent)
    # Each pupil's sessions in an order of their own, the first so many of them missed.
    step = next(n for n in (7, 11, 13, 17, 19, 23) if np.gcd(n, sessions) == 1)
    order = (np.arange(sessions, dtype=np.int64) * step + np.arange(pupils, dtype=np.int64)[:, None] * 29) % sessions
    missed = order < absent[:, None]
    marks = np.empty((pupils, sessions), dtype=np.uint8)
    marks[missed], marks[~missed] = dealt[False], dealt[True]
    afternoon = marks[:, 1::2]
    afternoon[afternoon == CODES.number("/")] = CODES.number("\\")
    return marks.reshape(pupils, days, 2)


def not_possible(pupils: int, days: int, seed: int) -> npt.NDArray[np.uint8]:
    """Marks uint8[pupils, days, 2] that count in nothing, and sessions without any."""
    numbers = np.array([CODES.number(c) or 0 for c in NOT_POSSIBLE], dtype=np.uint8)
    return numbers[np.random.default_rng(seed).integers(0, len(numbers), size=(pupils, days, 2))]


def school_of(marks: npt.NDArray[np.uint8], calendar: SchoolCalendar) -> SchoolInputs:
    """A school with these marks from the first school day on."""
    n, days = marks.shape[:2]
    first, last, blank = (
        np.zeros(n, dtype=np.int32),
        np.full(n, len(calendar) - 1, dtype=np.int32),
        np.full(n, "", object),
    )
    pupils = PupilTable(
        np.arange(n), blank, first, last, first, last, blank, blank, np.zeros(n, np.uint16), np.zeros(n, dtype=bool)
    )
    whole = np.zeros((n, len(calendar), 2), dtype=np.uint8)
    whole[:, :days] = marks
    return SchoolInputs("published", calendar, _policy(), pupils, whole, LogTable.from_entries(n, []))


@cache
def _policy() -> Policy:
    thresholds = {"autumn": 85, "spring": 90, "summer": 90}
    return Policy(
        PolicySetting.model_validate({"name": "published", "ladder": [{"thresholds": thresholds}]}), "published"
    )
