"""Which rules the cells of each kind must meet: pandera schemas, and their failures as (line, column, rule).

The rules a single cell must meet are in `CELLS`; rules between cells of a row are in `_ROW_RULES`. Rows of many files
are validated as one frame, because most of pandera's cost is per call. Columns are categorical: a rule is asked once
of each distinct text, however many rows hold it.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa

from attendance_pipeline.law.policy import LETTER_KINDS
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.mis import cells
from attendance_pipeline.mis.kinds import ACTIONS, KINDS
from attendance_pipeline.mis.upn import has_upn_form, is_upn
from attendance_pipeline.store.persons import is_student_name

Rule = tuple[str, Callable[[str], bool]]

MOST_MINUTES_LATE = 400  # contract: a whole number from 0 to 400, more than any session lasts
_REGISTER_DAYS_AHEAD = 366  # a mark dated later than this after its extract is a slip of the pen
_FORM_DAYS_AHEAD = 366  # the same of an absence that parents tell of beforehand
_YEARS_AHEAD = 20  # entry and leaving dates may lie in the future; 2086 and 6209 are slips

NOT_A_UPN = "not a UPN"
WRONG_CHECK_LETTER = "UPN check letter is wrong"
MISSING = "missing value"
UNKNOWN_CODE = "unknown code"
WRONG_SESSION = "code not legal in this session"
IMPOSSIBLE_DATE = "impossible date"
NOBODY = "neither a UPN nor a name"
ENDS_BEFORE = "before the first date"
FAR_OFF = "more than a year after the extract"


def _is_date(text: str) -> bool:
    return cells.date_of(text) is not None


def _not_before(first: dt.date) -> Callable[[str], bool]:
    return lambda text: (cells.date_of(text) or first) >= first


def _dates_from(first: dt.date) -> tuple[Rule, ...]:
    return (("not a date", _is_date), (IMPOSSIBLE_DATE, _not_before(first)))


# Rules of one cell, asked of every text that is not blank.
CELLS: dict[str, tuple[Rule, ...]] = {
    "text": (),
    "unread": (),
    "student": (),
    "year_group": (),
    "upn": (
        (NOT_A_UPN, lambda t: has_upn_form(t) or is_student_name(t)),
        (WRONG_CHECK_LETTER, lambda t: is_upn(t) or not has_upn_form(t)),
    ),
    "date": _dates_from(cells.EARLIEST),
    "register_date": _dates_from(cells.EARLIEST_MARK),
    "moment": (
        ("not a date", lambda t: cells.moment_of(t) is not None),
        (IMPOSSIBLE_DATE, _not_before(cells.EARLIEST)),
    ),
    "flag": (("not Y or N", lambda t: cells.flag_of(t) is not None),),
    "session": (("not AM or PM", lambda t: t.upper() in ("AM", "PM")),),
    "code": ((UNKNOWN_CODE, lambda t: CODES.number(t) is not None),),
    "minutes": (
        (
            f"minutes late not a whole number from 0 to {MOST_MINUTES_LATE}",
            lambda t: cells.whole_number_of(t, 0, MOST_MINUTES_LATE) is not None,
        ),
    ),
    "stage": (("not a stage from 0 to 4", lambda t: cells.stage_of(t) is not None),),
    "amount": (("not an amount", lambda t: cells.amount_of(t) is not None),),
    "action": (("not an action of the intervention log", lambda t: action_of(t) in ACTIONS),),
    "letter": (("not a kind of letter", lambda t: action_of(t) in LETTER_KINDS),),
    "reference": (),
    # What parents type into a form may be wrong and is still a form: what is not certain is as if it were blank.
    "maybe_upn": (),
    "maybe_date": (),
    "maybe_session": (),
}


def action_of(text: str) -> str:
    """An action, or a kind of letter, as the contract writes it: lower case, underscores for spaces."""
    return re.sub(r"[\s_-]+", "_", text.lower().strip(" ._-"))


def sure_upn(text: str) -> str:
    """The UPN of a cell in which anybody may have typed anything; blank where it is none."""
    return text if is_upn(text) or is_student_name(text) else ""


def by_text(column: pd.Series, rule: Callable[[str], Any], dtype: Any = bool) -> npt.NDArray[Any]:
    """A function of each cell's text, asked once of each distinct text of a categorical column."""
    answers = np.array([rule(t) for t in column.cat.categories], dtype=dtype)
    if len(answers) == 0:
        return np.zeros(len(column), dtype=dtype)
    return answers[column.cat.codes.to_numpy()]


def _cell_check(name: str, rule: Callable[[str], bool]) -> pa.Check:
    def holds(column: pd.Series) -> pd.Series:
        return pd.Series(by_text(column, lambda t: t == "" or rule(t)), index=column.index)

    return pa.Check(holds, name=name, error=name)


def _filled_check(name: str) -> pa.Check:
    return pa.Check(
        lambda column: pd.Series(by_text(column, lambda t: t != ""), index=column.index), name=name, error=name
    )


def _legal_in_session(frame: pd.DataFrame) -> pd.Series:
    am = by_text(frame["Session"], lambda t: t.upper() == "AM")
    pm = by_text(frame["Session"], lambda t: t.upper() == "PM")
    return pd.Series(
        ~(by_text(frame["Code"], lambda t: t == "/") & pm) & ~(by_text(frame["Code"], lambda t: t == "\\") & am),
        index=frame.index,
    )


def _somebody(frame: pd.DataFrame) -> pd.Series:
    known = by_text(frame["UPN"], lambda t: sure_upn(t) != "") | by_text(frame["Pupil Name"], lambda t: t != "")
    return pd.Series(known, index=frame.index)


def _ends_after(frame: pd.DataFrame) -> pd.Series:
    first, last = (
        by_text(frame[h], lambda t: np.datetime64(cells.date_of(t) or "NaT", "D"), "datetime64[D]")
        for h in ("First Date", "Last Date")
    )
    return pd.Series(np.isnat(first) | np.isnat(last) | (first <= last), index=frame.index)


def _not_after(column: str, days: int) -> Callable[[pd.DataFrame], pd.Series]:
    def holds(frame: pd.DataFrame) -> pd.Series:
        day = by_text(frame[column], lambda t: cells.date_of(t) or dt.date(1, 1, 1), "datetime64[D]")
        return pd.Series(day <= frame["(recorded)"].to_numpy("datetime64[D]") + np.timedelta64(days, "D"), frame.index)

    return holds


def _row_rules(kind: str) -> Iterable[tuple[str, str, Callable[[pd.DataFrame], pd.Series]]]:
    """(column to look at, rule, whether each row meets it) for the rules between the cells of a row."""
    for column in KINDS[kind].columns:
        if column.cell == "register_date":
            yield column.header, IMPOSSIBLE_DATE, _not_after(column.header, _REGISTER_DAYS_AHEAD)
        elif column.cell in ("date", "moment"):
            yield column.header, IMPOSSIBLE_DATE, _not_after(column.header, _YEARS_AHEAD * 366)
    if kind == "register":
        yield "Code", WRONG_SESSION, _legal_in_session
    if kind == "notifications":
        yield "Pupil Name", NOBODY, _somebody
        yield "Last Date", ENDS_BEFORE, _ends_after
        for header in ("First Date", "Last Date"):
            yield header, FAR_OFF, _not_after(header, _FORM_DAYS_AHEAD)


@cache
def schema_of(kind: str) -> tuple[pa.DataFrameSchema, dict[str, tuple[str, str]]]:
    """The schema of one kind, and (column, rule) by the name of the check."""
    broken: dict[str, tuple[str, str]] = {}

    def named(header: str, rule: str) -> str:
        name = f"{header}: {rule}"
        broken[name] = (header, rule)
        return name

    columns = {}
    for c in KINDS[kind].columns:
        checks = [_cell_check(named(c.header, rule), holds) for rule, holds in CELLS[c.cell]]
        if c.filled:
            checks.append(_filled_check(named(c.header, MISSING)))
        if checks:
            columns[c.header] = pa.Column(checks=checks, required=False)
    between = []
    for header, rule, holds in _row_rules(kind):
        name = f"{header}: {rule} (row)"
        broken[name] = (header, rule)
        between.append(pa.Check(holds, name=name, error=name))
    return pa.DataFrameSchema(columns, checks=between), broken


def count_faults(kind: str, frame: pd.DataFrame, file: npt.NDArray[np.int32], n_files: int) -> npt.NDArray[np.int64]:
    """How many faults `faults_of` would find in each file, at a fraction of its cost."""
    counts = np.zeros(n_files, dtype=np.int64)

    def add(wrong: npt.NDArray[np.bool_]) -> None:
        counts[:] += np.bincount(file[wrong], minlength=n_files)

    for c in KINDS[kind].columns:
        if c.header in frame:
            for _, holds in CELLS[c.cell]:
                add(by_text(frame[c.header], lambda t, holds=holds: t != "" and not holds(t)))  # type: ignore[misc]
            if c.filled:
                add(by_text(frame[c.header], lambda t: t == ""))
    for _, _, row_holds in _row_rules(kind):
        add(~row_holds(frame).to_numpy(dtype=bool))
    return counts


def faults_of(kind: str, frame: pd.DataFrame) -> list[tuple[int, str, str]]:
    """(position of the row, column, rule) for every rule broken.

    `frame`: index 0..n-1, categorical columns by native header, every column of the kind that a row rule needs, and
    `(recorded)`: the date of each row's extract.
    """
    schema, broken = schema_of(kind)
    # pandera's own log lines would hold the values that failed.
    logging.getLogger("pandera").setLevel(logging.CRITICAL)
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        found = {
            (int(position), *broken[check]) for position, check in zip(cases["index"], cases["check"], strict=True)
        }
        return sorted(found)
    return []
