"""Derived rows as pages that outlive the calendar and roll they were made with, and back.

In a page a pupil is the number of the warehouse's `person`, a day a date, a rule its name; in the columns of
`derive/tables.py` they are places in arrays, which move when a pupil joins or an INSET day is added. Here is the
translation, and nothing else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from attendance_pipeline.derive.tables import Columns, columns_frame, day_columns
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.store.pages import pack_page, unpack_page

_DAYS = ("opened_on", "review_due", "window_from", "window_to", "drops_out_on")


def to_page(derived: Derived, table: str, day: int) -> bytes:
    """The page of one table on one school day."""
    columns = dict(day_columns(derived, table, day))
    if "pupil" in columns:
        columns["pupil"] = derived.inputs.pupils.pupil_id[columns["pupil"]]
    if "rule" in columns:
        columns["rule"] = np.array(derived.plan.rule_names, dtype=object)[columns["rule"]]
    for name in _DAYS:
        if name in columns:
            columns[name] = _date_numbers(derived, columns[name])
    return pack_page(columns)


def page_rows(page: bytes) -> int:
    """How many rows a page holds."""
    return len(next(iter(unpack_page(page).values())))


def from_page(derived: Derived, table: str, day: int, page: bytes) -> pd.DataFrame:
    """The contract's rows of a page. `derived` names the pupils, days and rules of today; it need not be of that day.

    A pupil who is in no extract any more has no row; a rule that the policy no longer has keeps its name.
    """
    columns: Columns = dict(unpack_page(page))
    if "pupil" in columns:
        ids = derived.inputs.pupils.pupil_id
        order = np.argsort(ids)
        place = np.searchsorted(ids, columns["pupil"], sorter=order)
        found = np.zeros(len(place), dtype=bool)
        inside = place < len(ids)
        found[inside] = ids[order[place[inside]]] == columns["pupil"][inside]
        columns = {name: values[found] for name, values in columns.items()}
        columns["pupil"] = order[place[found]]
    for name in _DAYS:
        if name in columns:
            columns[name] = _day_numbers(derived, columns[name])
    return columns_frame(derived, table, columns, day)


def _date_numbers(derived: Derived, day: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """Days since 1970, -1 for null: smaller in a page than a date."""
    dates = derived.inputs.calendar.days.astype(np.int32)
    return np.where(day >= 0, dates[np.maximum(day, 0)], np.int32(-1))


def _day_numbers(derived: Derived, dates: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    days = derived.inputs.calendar.days.astype(np.int32)
    place = np.searchsorted(days, dates).astype(np.int32)
    there = (place < len(days)) & (dates >= 0)
    there[there] = days[place[there]] == dates[there]
    return np.where(there, place, np.int32(-1))
