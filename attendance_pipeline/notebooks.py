"""A home for analysts: its tables as frames, in a notebook or a script. `from attendance_pipeline import open_home`.

Belongs here: the frames and their types, and derivations under another policy. Nothing here loads, sends or delivers.
What the figures are is decided in `derive/`; docs/python.md is the page to start from.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd

from attendance_pipeline.derive.tables import TABLES as DERIVED_TABLES
from attendance_pipeline.derive.tables import to_frame
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.home import HOME_VARIABLE, School
from attendance_pipeline.law.policy import Policy, read_policy
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps.export import TABLES, Period, export
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.marked_days import last_marked_day
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.tables_in_words import TABLES_IN_WORDS

Day: TypeAlias = dt.date | str | None

_DATES = ("date", "recorded_on", "proposed_on", "opened_on", "due_on", "closed_on", "review_due", "window_from",
          "window_to", "drops_out_on")  # fmt: skip
_WORDS = ("school", "session", "code", "old_code", "new_code", "measure", "group_kind", "status", "event", "rule",
          "kind", "state", "owner", "task")  # fmt: skip


class OpenHome:
    """One home, open to be read. Use as a context manager, or call `close`; in a notebook it may stay open.

    Frames have one row a row of the table, a default index, days as datetime64, whole numbers that may be missing as
    Int64, ratios as floats (NaN where null), and words of a small set as categories. They hold pupils' data: what is
    saved of them has to be looked after like the home itself.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def __enter__(self) -> OpenHome:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OpenHome({str(self._site.home.path)!r}, {len(self._site.schools())} schools)"

    def close(self) -> None:
        """Give the database back. What was read stays."""
        self._site.close()

    @cached_property
    def schools(self) -> pd.DataFrame:
        """One row a school: `school` (its id), `name`, `urn`, `phase`, `local_authority`, `policy`, `go_live`."""
        rows = [
            (s.id, s.name, s.urn, s.phase, s.local_authority, s.policy.name, s.go_live) for s in self._site.schools()
        ]
        columns = ["school", "name", "urn", "phase", "local_authority", "policy", "go_live"]
        return pd.DataFrame(rows, columns=columns)

    def columns(self, table: str | None = None) -> pd.DataFrame:
        """What there is: `table`, `column`, `meaning`; of one table or all. Raises ValueError for an unknown one."""
        chosen = TABLES_IN_WORDS if table is None else {table: TABLES_IN_WORDS[_known(table)]}
        rows = [(t, column, meaning) for t, columns in chosen.items() for column, meaning in columns.items()]
        return pd.DataFrame(rows, columns=["table", "column", "meaning"])

    def table(
        self, table: str, *, school: str | None = None, first: Day = None, last: Day = None, as_at: Day = None
    ) -> pd.DataFrame:
        """One table of `attendance export`, of one school or of all, of days `first` to `last`.

        Without `as_at` as the newest night left it; with it, derived anew from what was known at the end of that day.
        Raises ValueError for a table that there is none of, SettingsError for an unknown school.
        """
        period = Period(_day(first), _day(last), _day(as_at))
        _known(table)
        frames = list(export(self._site, table, self._schools(school), period, trust=school is None))
        full = [frame for frame in frames if len(frame)] or frames[:1]
        return _typed(pd.concat(full, ignore_index=True))

    def pupils(self, school: str | None = None, *, as_at: Day = None) -> pd.DataFrame:
        """The newest record of every pupil, leavers included: one row a pupil, the columns of the pupils' extract in
        lower case with underscores, `school` before them."""
        with self._site.warehouse.read() as conn:
            frames = [
                current_pupils(conn, s.id, _day(as_at)).drop(columns="person_id").assign(school=s.id)
                for s in self._schools(school)
            ]
        out = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)
        return out[["school", *(c for c in out.columns if c != "school")]]

    def marks(self, school: str, *, first: Day = None, last: Day = None, as_at: Day = None) -> pd.DataFrame:
        """The register as a table to look at: a row a pupil (UPN), a column a session (date, AM or PM), codes as
        written, "" where there is no mark."""
        register = self.table("register", school=school, first=first, last=last, as_at=as_at)
        wide = register.astype({"code": "str", "session": "str"}).pivot(
            index="upn", columns=["date", "session"], values="code"
        )
        return wide.fillna("").sort_index(axis=1)

    def derived(
        self,
        table: str,
        school: str,
        *,
        policy: Policy | Path | str | None = None,
        first: Day = None,
        last: Day = None,
        as_at: Day = None,
    ) -> pd.DataFrame:
        """A derived table worked out now, of one school: under its own policy or under another (a file or a Policy).

        Nothing is stored. `first` defaults to the first school day of the academic year of `last`, `last` to the
        newest day with marks. Raises ValueError for a table that is not derived or days outside the calendar,
        SettingsError for a policy that cannot be read.
        """
        if table not in DERIVED_TABLES:
            raise ValueError(f"{table!r} is not derived; {', '.join(DERIVED_TABLES)} are")
        (found,) = self._schools(school)
        inputs = school_inputs(self._site, found, _day(as_at))
        if policy is not None:
            inputs = replace(inputs, policy=policy if isinstance(policy, Policy) else read_policy(Path(policy)))
        calendar, upto, since = found.calendar, _day(last), _day(first)
        high = last_marked_day(self._site, found) if upto is None else calendar.on_or_before(upto)
        if high is None:
            raise ValueError(f"{school}: no marks are loaded; `attendance nightly` loads what is in the inbox")
        low = int(calendar.year_start[high]) if since is None else calendar.on_or_after(since)
        return _typed(to_frame(derive_school(inputs, low, high), table))

    def _schools(self, school: str | None) -> Sequence[School]:
        return self._site.schools(school)


def open_home(path: Path | str | None = None) -> OpenHome:
    """Open a home to read it: a folder, else $ATTENDANCE_HOME, else the current folder.

    Raises SettingsErrors for settings that are wrong, WarehouseError for a database that a newer program wrote.
    """
    chosen = path or os.environ.get(HOME_VARIABLE) or "."
    return OpenHome(open_site(Path(chosen)))


def _known(table: str) -> str:
    if table not in TABLES:
        raise ValueError(f"there is no table {table!r}; there are {', '.join(TABLES)}")
    return table


def _day(day: Day) -> dt.date | None:
    return dt.date.fromisoformat(day) if isinstance(day, str) else day


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Days as datetime64[ns]; words of a small set as categories in alphabetical order."""
    out = frame.copy()
    for name in frame.columns:
        if name in _DATES:
            out[name] = pd.to_datetime(frame[name], errors="raise").astype("datetime64[ns]")
        elif name in _WORDS:
            values = frame[name].astype(object).where(frame[name].notna(), "").astype(str)
            out[name] = pd.Categorical(values, categories=sorted(np.unique(values.to_numpy(object).astype(str))))
    return out
