"""Results of data-quality checks by school and day. The checks themselves are elsewhere.

A row of the table is something that fell short (`scope`: school, class, roll), a day that was looked at (`day`, with a
hash of all that its results came from), or what the data manager was told (`told`, with a hash of it).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks
from attendance_pipeline.store.tables import quality

_DAY, _TOLD = "day", "told"


@dataclass(frozen=True)
class Shortfall:
    """One check of one thing that fell short. `subject` names a class or nothing, never a person's values."""

    scope: str
    subject: str
    check_name: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedDay:
    """A day that was looked at: a hash of all that its results came from, how many figures, and what fell short."""

    sha: str
    made: int
    short: Sequence[Shortfall] = ()


def put_days(conn: sa.Connection, school: str, days: Mapping[dt.date, CheckedDay | None]) -> None:
    """Make these the only results of each of these days; None: the day is not looked at any more."""
    c = quality.c
    for part in chunks(sorted(days)):
        conn.execute(sa.delete(quality).where(c.school == school, c.day.in_(part), c.scope != _TOLD))
    rows = []
    for day, of_day in days.items():
        if of_day is not None:
            looked_at = {"sha": of_day.sha, "made": of_day.made}
            rows.append(_row(school, day, Shortfall(_DAY, "", _DAY, looked_at), passed=not of_day.short))
            rows += [_row(school, day, short, passed=False) for short in of_day.short]
    if rows:
        conn.execute(sa.insert(quality), rows)


def _row(school: str, day: dt.date, said: Shortfall, *, passed: bool) -> dict[str, Any]:
    return {
        "school": school,
        "day": day,
        "scope": said.scope,
        "subject": said.subject,
        "check_name": said.check_name,
        "passed": passed,
        "detail": dict(said.detail),
    }


def checked_days(conn: sa.Connection, school: str) -> dict[dt.date, CheckedDay]:
    """The days that were looked at, without what fell short."""
    c = quality.c
    query = sa.select(c.day, c.detail).where(c.school == school, c.scope == _DAY).order_by(c.day)
    return {r.day: CheckedDay(r.detail["sha"], r.detail["made"]) for r in conn.execute(query)}


def read(conn: sa.Connection, school: str, day: dt.date | None = None) -> list[dict[str, Any]]:
    """What fell short on a day (or on all days), with every column."""
    c = quality.c
    query = sa.select(quality).where(c.school == school, c.scope.not_in([_DAY, _TOLD]))
    if day is not None:
        query = query.where(c.day == day)
    query = query.order_by(c.day, c.scope, c.subject, c.check_name)
    return [dict(r._mapping) for r in conn.execute(query)]


def told(conn: sa.Connection, school: str) -> str | None:
    """A hash of what the data manager was told last; None before the first time."""
    c = quality.c
    query = sa.select(c.detail).where(c.school == school, c.scope == _TOLD)
    found = conn.execute(query).scalar()
    return None if found is None else str(found["sha"])


def tell(conn: sa.Connection, school: str, day: dt.date, sha: str) -> None:
    """Note what the data manager has been told, and with which day's delivery."""
    c = quality.c
    conn.execute(sa.delete(quality).where(c.school == school, c.scope == _TOLD))
    conn.execute(sa.insert(quality), [_row(school, day, Shortfall(_TOLD, "", _TOLD, {"sha": sha}), passed=True)])
