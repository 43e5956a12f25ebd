"""What loads have changed that results do not follow yet.

A load commits before anything is derived from it. Were the derivation killed, the next load would find nothing new and
nobody would know that results are out of date. So a load notes here, in its own transaction, what it changed; whoever
derives reads the note and clears it in the transaction that writes the results.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import upsert
from attendance_pipeline.store.tables import school_state


@dataclass(frozen=True)
class Owed:
    """changes: how many loads have changed something so far; marks_from: the first day whose marks changed; log_from:
    the first day of a changed entry of the intervention log; kinds: the kinds of other extracts that changed."""

    changes: int = 0
    marks_from: dt.date | None = None
    log_from: dt.date | None = None
    kinds: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.marks_from is not None or self.log_from is not None or bool(self.kinds)


def read_owed(conn: sa.Connection, school: str) -> Owed:
    """What results of the school do not follow yet; false when there is nothing."""
    row = conn.execute(sa.select(school_state).where(school_state.c.school == school)).first()
    return Owed() if row is None else Owed(row.changes, row.marks_from, row.log_from, frozenset(row.kinds))


def clear_owed(conn: sa.Connection, school: str, done: Owed) -> bool:
    """Note that results follow what `read_owed` said. False, and nothing is cleared, when a load came in between."""
    c = school_state.c
    statement = sa.update(school_state).where(c.school == school, c.changes == done.changes)
    return conn.execute(statement.values(marks_from=None, log_from=None, kinds=[])).rowcount > 0 or not done


def register_mode_of(conn: sa.Connection, school: str) -> str:
    """How the school's register extracts were last understood: `changes` (also when none was loaded) or `complete`."""
    query = sa.select(school_state.c.register_mode).where(school_state.c.school == school)
    return conn.execute(query).scalar() or "changes"


def add_owed(
    conn: sa.Connection,
    school: str,
    register_mode: str,
    marks_from: dt.date | None,
    kinds: Iterable[str],
    log_from: dt.date | None,
) -> None:
    """Note what a load changed, beside what is owed already, and how it understood register extracts."""
    before = read_owed(conn, school)
    new = set(kinds)
    changed = marks_from is not None or log_from is not None or bool(new)
    row = {
        "school": school,
        "register_mode": register_mode,
        "changes": before.changes + changed,
        "marks_from": min((d for d in (before.marks_from, marks_from) if d), default=None),
        "log_from": min((d for d in (before.log_from, log_from) if d), default=None),
        "kinds": sorted(before.kinds | new),
    }
    upsert(conn, school_state, [row])
