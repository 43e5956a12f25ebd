"""What went wrong with one school while the others went on: noted, found again, settled.

Belongs here: the rows. Not here: what is a trouble, which steps it holds (`steps/troubles.py`), or telling anybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks
from attendance_pipeline.store.tables import trouble
from attendance_pipeline.store.warehouse import now


@dataclass(frozen=True)
class NewTrouble:
    """One failure of one school in one step. `first_day`, `last_day`: the school days it is about, both included, where
    it is about days. `kind`: the error's class; `place`: file and line in the code; `words`: what to do, where the
    words are our own. `holds`: later steps pass the school over. `run`: Dagster's id of the run, where there was one.
    """

    school: str
    step: str
    kind: str
    place: str = ""
    words: str = ""
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    holds: bool = True
    run: str = ""


@dataclass(frozen=True, kw_only=True)
class Trouble(NewTrouble):
    """One that was noted. `times`: how often since `began_at`; `last_at`: when last (UTC); `settled_at`: None while it
    is open."""

    id: int
    times: int
    began_at: dt.datetime
    last_at: dt.datetime
    settled_at: dt.datetime | None = None


_FIELDS = tuple(Trouble.__dataclass_fields__)
# By these a trouble of the night before is known again.
_SAME = ("school", "step", "kind", "place", "first_day", "last_day")


def note_trouble(conn: sa.Connection, new: NewTrouble) -> Trouble:
    """Note one, or that an open one has come back. Gives it as it stands."""
    at = now()
    for known in open_troubles(conn, [new.school]):
        if all(getattr(known, name) == getattr(new, name) for name in _SAME):
            change = {"times": known.times + 1, "last_at": at, "run": new.run, "words": new.words, "holds": new.holds}
            conn.execute(sa.update(trouble).where(trouble.c.id == known.id).values(change))
            return _read(conn, trouble.c.id == known.id)[0]
    given = {name: getattr(new, name) for name in NewTrouble.__dataclass_fields__}
    row = {**given, "times": 1, "began_at": at, "last_at": at, "settled_at": None}
    number = conn.execute(sa.insert(trouble).values(row).returning(trouble.c.id)).scalar_one()
    return _read(conn, trouble.c.id == number)[0]


def settle_troubles(conn: sa.Connection, numbers: Iterable[int]) -> None:
    """These are over."""
    for part in chunks(sorted(set(numbers))):
        conn.execute(
            sa.update(trouble).where(trouble.c.id.in_(part), trouble.c.settled_at.is_(None)).values(settled_at=now())
        )


def open_troubles(conn: sa.Connection, schools: Collection[str] | None = None) -> list[Trouble]:
    """Those that are not over, of some schools or of all, oldest first."""
    found = _read(conn, trouble.c.settled_at.is_(None))
    return found if schools is None else [t for t in found if t.school in schools]


def _read(conn: sa.Connection, which: sa.ColumnElement[bool]) -> list[Trouble]:
    query = sa.select(*(trouble.c[name] for name in _FIELDS)).where(which).order_by(trouble.c.id)
    return [Trouble(**r._mapping) for r in conn.execute(query)]
