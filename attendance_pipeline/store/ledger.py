"""The ledger of letters: put, move between states, list; and the batches they were proposed in.

The one rule kept here is the one that must hold whoever writes: which state may follow which (rules.md section 7); a
sent or rejected letter never changes. Whether a letter is owed is decided in `letters/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks, insert_new, upsert
from attendance_pipeline.store.tables import batch, letter, letter_event
from attendance_pipeline.store.warehouse import now

FOLLOWING: dict[str, frozenset[str]] = {
    "proposed": frozenset({"approved", "held", "rejected", "superseded"}),
    "approved": frozenset({"sent", "held", "rejected", "superseded", "proposed"}),
    "held": frozenset({"proposed", "approved", "rejected", "superseded"}),
    "superseded": frozenset({"proposed", "held"}),
    "sent": frozenset(),
    "rejected": frozenset(),
}
FINAL = frozenset(state for state, following in FOLLOWING.items() if not following)


class LedgerError(ValueError):
    """A change that the ledger does not allow, or a letter that it does not hold."""


def put_letters(conn: sa.Connection, letters: Sequence[Mapping[str, Any]], *, by: str, day: dt.date | None) -> int:
    """Write letters by reference: every column of the table but `updated_at`. Returns how many were new.

    A new letter starts in its `state`; one that is there keeps its state (use `transition`) and takes the other
    columns, unless it is sent or rejected: then it stays as it is.
    """
    at = now()
    there = {r["reference"]: r["state"] for r in read_letters(conn, references=[m["reference"] for m in letters])}
    fresh = [{**m, "updated_at": at} for m in letters if m["reference"] not in there]
    insert_new(conn, letter, fresh)
    _log(conn, [(m["reference"], "", m["state"], m.get("reason", "")) for m in fresh], by, day, at)
    for m in letters:
        state = there.get(m["reference"])
        if state is not None and state not in FINAL:
            values = {k: v for k, v in m.items() if k not in ("reference", "state", "reason")}
            conn.execute(sa.update(letter).where(letter.c.reference == m["reference"]).values(**values, updated_at=at))
    return len(fresh)


def transition(
    conn: sa.Connection,
    references: Iterable[str],
    to_state: str,
    *,
    reason: str = "",
    by: str,
    day: dt.date | None = None,
) -> int:
    """Move letters to a state, with an event each. One that is in that state already for that reason is left alone.

    Returns how many moved. Raises LedgerError, and moves none, when a reference is unknown or may not go there.
    """
    wanted = sorted(set(references))
    there = {r["reference"]: r for r in read_letters(conn, references=wanted)}
    missing = [r for r in wanted if r not in there]
    if missing:
        raise LedgerError(f"no letter {missing[0]} in the ledger; `attendance letters list` shows all")
    moves = []
    for reference in wanted:
        state = there[reference]["state"]
        if state == to_state and (state in FINAL or there[reference]["reason"] == reason):
            continue
        if to_state != state and to_state not in FOLLOWING[state]:
            allowed = ", ".join(sorted(FOLLOWING[state])) or "nothing: it never changes"
            raise LedgerError(f"letter {reference} is {state} and cannot become {to_state}; it can become {allowed}")
        moves.append((reference, state, to_state, reason))
    at = now()
    for part in chunks([m[0] for m in moves]):
        conn.execute(
            sa.update(letter).where(letter.c.reference.in_(part)).values(state=to_state, reason=reason, updated_at=at)
        )
    _log(conn, moves, by, day, at)
    return len(moves)


def read_letters(
    conn: sa.Connection,
    school: str | None = None,
    *,
    references: Iterable[str] | None = None,
    states: Iterable[str] | None = None,
    batch_id: str | None = None,
) -> list[dict[str, Any]]:
    """Letters with every column, by the day they were proposed and their reference."""
    query = sa.select(letter)
    if school is not None:
        query = query.where(letter.c.school == school)
    if states is not None:
        query = query.where(letter.c.state.in_(sorted(states)))
    if batch_id is not None:
        query = query.where(letter.c.batch == batch_id)
    if references is None:
        found = [dict(r._mapping) for r in conn.execute(query)]
    else:
        found = []
        for part in chunks(sorted(set(references))):
            found += [dict(r._mapping) for r in conn.execute(query.where(letter.c.reference.in_(part)))]
    return sorted(found, key=lambda r: (r["proposed_on"], r["reference"]))


def read_events(conn: sa.Connection, references: Iterable[str]) -> list[dict[str, Any]]:
    """What became of letters, oldest first. `day` is the school day decided on, `at` the moment of writing."""
    found: list[dict[str, Any]] = []
    for part in chunks(sorted(set(references))):
        query = sa.select(letter_event).where(letter_event.c.reference.in_(part)).order_by(letter_event.c.id)
        found += [dict(r._mapping) for r in conn.execute(query)]
    return found


def put_batch(conn: sa.Connection, row: Mapping[str, Any]) -> None:
    """Write one batch by its id. A release by a person stays."""
    upsert(conn, batch, [row])


def release_batch(conn: sa.Connection, batch_id: str, *, by: str) -> None:
    """Note that a person released a held batch. Raises LedgerError when there is no such batch."""
    statement = sa.update(batch).where(batch.c.id == batch_id).values(held=False, released_by=by, released_at=now())
    if conn.execute(statement).rowcount == 0:
        raise LedgerError(f"no batch {batch_id} in the ledger")


def read_batches(conn: sa.Connection, school: str) -> list[dict[str, Any]]:
    """The school's batches by day."""
    query = sa.select(batch).where(batch.c.school == school).order_by(batch.c.day, batch.c.id)
    return [dict(r._mapping) for r in conn.execute(query)]


def _log(
    conn: sa.Connection, moves: Sequence[tuple[str, str, str, str]], by: str, day: dt.date | None, at: dt.datetime
) -> None:
    if moves:
        conn.execute(
            sa.insert(letter_event),
            [
                {"reference": r, "from_state": a, "to_state": b, "reason": why, "by": by, "day": day, "at": at}
                for r, a, b, why in moves
            ],
        )
