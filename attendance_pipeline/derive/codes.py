"""Sessions by code and by class over a window, for reports and certificates.

Belongs here: counting marks by code. Not here: the measures (`counting`) and any rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.law.register_codes import CODES

NO_MARK = ""


@dataclass(frozen=True)
class Mark:
    """One session of a pupil: a school day's number, 0 morning or 1 afternoon, and the code as in the register."""

    day: int
    half: int
    code: str

    @property
    def session(self) -> str:
        return ("AM", "PM")[self.half]


def marks_of(inputs: SchoolInputs, pupil: int, first: int, last: int) -> list[Mark]:
    """The marks of a pupil on days first to last on which the pupil is on roll, oldest first; no mark is left out."""
    begin = max(first, int(inputs.pupils.entry[pupil]))
    end = min(last, int(inputs.pupils.leave[pupil]))
    codes = CODES.codes
    return [
        Mark(d, half, codes[inputs.marks[pupil, d, half]])
        for d in range(begin, end + 1)
        for half in range(2)
        if inputs.marks[pupil, d, half]
    ]


@numba.njit(cache=True, nogil=True)
def _count(marks, entry, leave, first, last, out):
    for p in range(len(out)):
        for d in range(max(first, entry[p]), min(last, leave[p]) + 1):
            out[p, marks[p, d, 0]] += 1
            out[p, marks[p, d, 1]] += 1


def by_code(inputs: SchoolInputs, first: int, last: int) -> npt.NDArray[np.uint16]:
    """Sessions on roll by pupil and code number over days first to last: uint16[P, codes]; column 0 is no mark."""
    out = np.zeros((len(inputs), len(CODES.codes)), dtype=np.uint16)
    _count(inputs.marks, inputs.pupils.entry, inputs.pupils.leave, first, last, out)
    return out


def by_class(counts: npt.NDArray[np.integer]) -> dict[str, npt.NDArray[np.int64]]:
    """The columns of `by_code` summed by class of code."""
    out: dict[str, npt.NDArray[np.int64]] = {}
    for row in CODES.rows:
        column = counts[..., row.number].astype(np.int64)
        out[row.code_class] = out[row.code_class] + column if row.code_class in out else column
    return out
