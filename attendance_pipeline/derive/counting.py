"""Sessions counted: for every pupil, what has been counted up to each day. Any window is a difference of two days.

Belongs here: the pass over the marks that fills the counts, and reading windows from them. Not here: which windows
matter (`plan`), and what is decided from them.

Eight counters of 16 bits, four to a word of 64: one addition counts a mark in all classes at once, and one subtraction
takes a window of all of them. A counter holds 65,535 sessions, 172 school years.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.compiled import LOOP
from attendance_pipeline.law.register_codes import (
    ATTENDED,
    AUTHORISED,
    LATE_AFTER,
    LATE_BEFORE,
    MARKED,
    NOT_ESTABLISHED,
    POSSIBLE,
    UNAUTHORISED,
)

# The order of the counters. `marked` counts any mark at all: a session on roll without one is a finding.
COUNTERS = (
    "possible",
    "attended",
    "authorised",
    "unauthorised",
    "late_before_close",
    "late_after_close",
    "not_established",
    "marked",
)
_BITS = (POSSIBLE, ATTENDED, AUTHORISED, UNAUTHORISED, LATE_BEFORE, LATE_AFTER, NOT_ESTABLISHED, MARKED)
WORDS = 2
PER_WORD = 4


def worth_of_codes(flags: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """What one mark adds: int64[n_eras, 256, 2] from the flags of register_codes."""
    out = np.zeros((*flags.shape, WORDS), dtype=np.int64)
    for i, bit in enumerate(_BITS):
        out[..., i // PER_WORD] |= ((flags & bit) != 0).astype(np.int64) << (16 * (i % PER_WORD))
    return out


@numba.njit(**LOOP)
def count_sessions(marks, era, worth, entry, leave, low, counts):
    """Fill `counts` int64[P, m + 1, 2]: sessions on roll of days low to low + i - 1, for i = 0 to m.

    marks uint8[P, n, 2], era uint8[n], worth int64[eras, 256, 2], entry and leave int32[P].
    """
    m = counts.shape[1] - 1
    for p in range(len(counts)):
        attendance = np.int64(0)
        punctuality = np.int64(0)
        for i in range(m):
            d = low + i
            counts[p, i, 0] = attendance
            counts[p, i, 1] = punctuality
            if entry[p] <= d <= leave[p]:
                morning, afternoon = marks[p, d, 0], marks[p, d, 1]
                attendance += worth[era[d], morning, 0] + worth[era[d], afternoon, 0]
                punctuality += worth[era[d], morning, 1] + worth[era[d], afternoon, 1]
        counts[p, m, 0] = attendance
        counts[p, m, 1] = punctuality


@dataclass(frozen=True)
class Counts:
    """Sessions counted of days `low` to `low + m - 1`, by pupil. `words` is int64[P, m + 1, 2]."""

    low: int
    words: npt.NDArray[np.int64]

    @property
    def high(self) -> int:
        """The last day counted."""
        return self.low + self.words.shape[1] - 2

    def window(self, first: int | npt.NDArray[np.integer], last: int | npt.NDArray[np.integer]) -> Sessions:
        """Sessions of days first to last (both inclusive): one window for all pupils, or arrays with one per pupil.

        A window that ends before it starts is empty. Raises ValueError for days outside what was counted.
        """
        start = np.asarray(first) - self.low
        stop = np.maximum(np.asarray(last) - self.low + 1, start)
        if np.any(start < 0) or np.any(stop >= self.words.shape[1]):
            raise ValueError(f"a window inside days {self.low} to {self.high}, not {first} to {last}")
        rows = np.arange(len(self.words))
        return Sessions((self.words[rows, stop] - self.words[rows, start]).view(np.uint16))


@dataclass(frozen=True)
class Sessions:
    """Numbers of sessions in one window, by pupil: uint16[P, 8] in the order of COUNTERS."""

    table: npt.NDArray[np.uint16]

    def __getattr__(self, name: str) -> npt.NDArray[np.uint16]:
        if name in COUNTERS:
            return self.table[..., COUNTERS.index(name)]
        raise AttributeError(name)

    @property
    def absent(self) -> npt.NDArray[np.uint16]:
        return self.authorised + self.unauthorised

    @property
    def late(self) -> npt.NDArray[np.uint16]:
        return self.late_before_close + self.late_after_close
