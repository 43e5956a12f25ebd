"""The register codes: what each counts for, by date.

The facts are in `register_codes.csv` (numbers are pinned: append, never renumber, because stored pages hold them) and
`register_code_exceptions.csv`. This module reads them into lookup arrays. It must hold no code's meaning itself, and
translates no school's local codes (that is `mis/`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from attendance_pipeline.law.shipped_tables import shipped_rows

# What one mark counts for, as bits, so that a compiled loop reads a mark with one table look-up.
POSSIBLE = 1
ATTENDED = 2
AUTHORISED = 4
UNAUTHORISED = 8
LATE_BEFORE = 16  # L: late before the register closed, attended
LATE_AFTER = 32  # U: late after the register closed, unauthorised
NOT_ESTABLISHED = 64  # N
PENALTY = 128  # G, N, O, U
ILLNESS = 256  # I
HOLIDAY = 512  # G
MARKED = 1024  # any code at all

NO_MARK = 0
WITHDRAWN = 255  # in statements only: a row with a blank code, which takes a mark away

_CLASS_BITS = {
    "present": ATTENDED,
    "approved_activity": ATTENDED,
    "authorised": AUTHORISED,
    "unauthorised": UNAUTHORISED,
    "not_possible": 0,
    "not_collected": 0,
}
# Codes that a rule names one by one. Everything else about a code comes from its row.
_NAMED = {"N": NOT_ESTABLISHED, "I": ILLNESS, "G": HOLIDAY}


@dataclass(frozen=True)
class RegisterCode:
    """One row of the code table. `valid_from` and `valid_to` are inclusive; None means no bound."""

    number: int
    code: str
    meaning: str
    code_class: str
    counts_penalty_notice: bool
    valid_from: dt.date | None
    valid_to: dt.date | None
    bits: int
    source: str

    def valid_on(self, day: dt.date) -> bool:
        return (self.valid_from is None or day >= self.valid_from) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class _Exception:
    code: str
    counts_possible: bool
    valid_from: dt.date
    valid_to: dt.date


@dataclass(frozen=True)
class CodeTable:
    """Every register code by its pinned number. `codes[0]` is the empty string: no mark."""

    rows: tuple[RegisterCode, ...]
    exceptions: tuple[_Exception, ...]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        out = [""] * (max(r.number for r in self.rows) + 1)
        for r in self.rows:
            out[r.number] = r.code
        return tuple(out)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {r.code: r.number for r in self.rows}

    def number(self, code: str) -> int | None:
        """The pinned number of a code as it stands in a register, or None when no such code exists."""
        return self._numbers.get(code)

    def row(self, number: int) -> RegisterCode:
        return next(r for r in self.rows if r.number == number)

    def eras(self, days: npt.NDArray[np.datetime64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
        """The table in force on each day.

        `days`: datetime64[D] of length n. Returns `era` uint8[n] and `flags` uint16[n_eras, 256]: what code number c
        counts for on day i is `flags[era[i], c]`. A code outside its own dates keeps its class (rules.md section 2).
        """
        base = np.zeros(256, dtype=np.uint16)
        for r in self.rows:
            base[r.number] = r.bits
        tables = [base]
        era = np.zeros(len(days), dtype=np.uint8)
        for e in self.exceptions:
            inside = (days >= np.datetime64(e.valid_from)) & (days <= np.datetime64(e.valid_to))
            if inside.any():
                table = base.copy()
                number = self.number(e.code)
                if number is None:
                    raise ValueError(f"register_code_exceptions.csv names the unknown code {e.code!r}")
                table[number] = (int(table[number]) & ~POSSIBLE) | (POSSIBLE if e.counts_possible else 0)
                era[inside] = len(tables)
                tables.append(table)
        return era, np.stack(tables)

    def numbers_with(self, bits: int) -> tuple[int, ...]:
        """Numbers of the codes that have all the given bits, whatever the date."""
        return tuple(r.number for r in self.rows if r.bits & bits == bits)

    def numbers_of(self, codes: Iterable[str]) -> tuple[int, ...]:
        """Numbers of the named codes. Raises ValueError naming a code that does not exist."""
        out = []
        for code in codes:
            number = self.number(code)
            if number is None:
                raise ValueError(f"no register code {code!r}; known codes: {' '.join(c for c in self.codes if c)}")
            out.append(number)
        return tuple(out)


def _date(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


@cache
def load_code_table() -> CodeTable:
    """Read the shipped table. Raises ValueError when a row contradicts its own class."""
    rows = []
    for r in shipped_rows("register_codes.csv"):
        bits = MARKED | _CLASS_BITS[r["class"]] | _NAMED.get(r["code"], 0)
        if r["counts_possible"] == "Y":
            bits |= POSSIBLE
        if r["counts_late"] == "Y":
            bits |= LATE_BEFORE if r["counts_attended"] == "Y" else LATE_AFTER
        if r["counts_penalty_notice"] == "Y":
            bits |= PENALTY
        if bool(bits & ATTENDED) != (r["counts_attended"] == "Y"):
            raise ValueError(f"register_codes.csv: code {r['code']!r} counts otherwise than its class {r['class']!r}")
        rows.append(
            RegisterCode(
                number=int(r["number"]),
                code=r["code"],
                meaning=r["meaning"],
                code_class=r["class"],
                counts_penalty_notice=r["counts_penalty_notice"] == "Y",
                valid_from=_date(r["valid_from"]),
                valid_to=_date(r["valid_to"]),
                bits=bits,
                source=r["source"],
            )
        )
    exceptions = tuple(
        _Exception(
            e["code"],
            e["counts_possible"] == "Y",
            dt.date.fromisoformat(e["valid_from"]),
            dt.date.fromisoformat(e["valid_to"]),
        )
        for e in shipped_rows("register_code_exceptions.csv")
    )
    return CodeTable(tuple(rows), exceptions)


CODES = load_code_table()
