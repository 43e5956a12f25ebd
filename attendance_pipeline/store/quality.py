"""Results of data-quality checks by school and day. The checks themselves are elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.tables import quality


@dataclass(frozen=True)
class CheckResult:
    """One check of one thing. `subject` names a class, a check or a person's number, never a person's values."""

    scope: str
    subject: str
    check_name: str
    passed: bool
    detail: dict[str, Any] = field(default_factory=dict)


def replace(conn: sa.Connection, school: str, day: dt.date, results: Sequence[CheckResult]) -> None:
    """Make these the only results of that school and day."""
    conn.execute(sa.delete(quality).where(quality.c.school == school, quality.c.day == day))
    if results:
        conn.execute(
            sa.insert(quality),
            [
                {
                    "school": school,
                    "day": day,
                    "scope": r.scope,
                    "subject": r.subject,
                    "check_name": r.check_name,
                    "passed": r.passed,
                    "detail": r.detail,
                }
                for r in results
            ],
        )


def read(
    conn: sa.Connection, school: str, day: dt.date | None = None, *, only_failed: bool = False
) -> list[dict[str, Any]]:
    """Results of a day (or of all days), with every column."""
    query = sa.select(quality).where(quality.c.school == school)
    if day is not None:
        query = query.where(quality.c.day == day)
    if only_failed:
        query = query.where(sa.not_(quality.c.passed))
    query = query.order_by(quality.c.day, quality.c.scope, quality.c.subject, quality.c.check_name)
    return [dict(r._mapping) for r in conn.execute(query)]
