"""The ledger of letters: put, move between states, list; and the batches they were proposed in.

The one rule kept here is the one that must hold whoever writes: which state may follow which (rules.md section 7); a
sent or rejected letter never changes. Whether a letter is owed is decided in `letters/`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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


def put_letters(
    conn: sa.Connection,
    letters: Sequence[Mapping[str, Any]],
    *,
    by: str,
    day: dt.date | None,
    known_on: dt.date | None = None,
) -> int:
    """Write letters by reference: every column of the table but `updated_at`. Returns how many were new.

    A new letter starts in its `state`; one that is there keeps its state (use `transition`) and takes the other
    columns, unless it is sent or rejected: then it stays as it is.
    """
    at = now()
    there = {r["reference"]: r["state"] for r in read_letters(conn, references=[m["reference"] for m in letters])}
    fresh = [{**m, "updated_at": at} for m in letters if m["reference"] not in there]
    insert_new(conn, letter, fresh)
    _log(conn, [(m["reference"], "", m["state"], m.get("reason", "")) for m in fresh], by, day, known_on, at)
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
    known_on: dt.date | None = None,
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
    _log(conn, moves, by, day, known_on, at)
    return len(moves)


def apply(
    conn: sa.Connection,
    *,
    new: Sequence[tuple[Mapping[str, Any], str, dt.date]],
    amendments: Sequence[tuple[str, Mapping[str, Any]]],
    moves: Sequence[tuple[str, str, str, str, dt.date]],
    batch: Mapping[str, Any] | None,
    known_on: dt.date | None = None,
) -> None:
    """Write one night's decision, in this order. Raises LedgerError, for the caller's transaction to undo it all.
    `known_on`: the school day that was decided; what a person did earlier, and told of later, was not known before it.

    `new`: a letter's columns, by whom, on which day. `amendments`: reference, columns. `moves`: reference, state,
    reason, by whom, as of which day.
    """
    by_author: dict[tuple[str, dt.date], list[Mapping[str, Any]]] = {}
    for columns, by, day in new:
        by_author.setdefault((by, day), []).append(columns)
    for (by, day), rows in by_author.items():
        if put_letters(conn, rows, by=by, day=day, known_on=known_on) != len(rows):
            raise LedgerError("a new letter has a reference that is in the ledger already; nothing was written")
    for reference, values in amendments:
        amend_letter(conn, reference, values)
    for run in _runs(moves):
        _, to_state, reason, by, day = run[0]
        transition(conn, [m[0] for m in run], to_state, reason=reason, by=by, day=day, known_on=known_on)
    if batch is not None:
        put_batch(conn, batch)


def _runs(moves: Sequence[tuple[str, str, str, str, dt.date]]) -> Iterator[list[tuple[str, str, str, str, dt.date]]]:
    """Moves that can be made together: alike, one after another, no letter twice."""
    run: list[tuple[str, str, str, str, dt.date]] = []
    moved: set[str] = set()
    for move in moves:
        if run and (move[1:] != run[0][1:] or move[0] in moved):
            yield run
            run, moved = [], set()
        run.append(move)
        moved.add(move[0])
    if run:
        yield run


def read_ledger(conn: sa.Connection, school: str, *, machines: Collection[str]) -> list[dict[str, Any]]:
    """Every letter of a school with every column, and when it became what it is.

    `entered`: the day it last came to be proposed or held; `changed_on`: of the last event that was not a person's
    (`machines`); `acted_on`: of the last that a person caused; `sent_on`: of its sending; `returned_on`: of its last
    return after it was superseded. None where there is none.
    """
    moments: dict[str, dict[str, dt.date]] = {}
    query = sa.select(letter_event).join(letter, letter.c.reference == letter_event.c.reference)
    for e in conn.execute(query.where(letter.c.school == school).order_by(letter_event.c.id)):
        if e.day is None:
            continue
        found = moments.setdefault(e.reference, {})
        names = ["changed_on" if e.by in machines else "acted_on"]
        if e.to_state != e.from_state and e.to_state in ("proposed", "held"):
            names.append("entered")
        if e.to_state == "sent":
            names.append("sent_on")
        if e.from_state == "superseded":
            names.append("returned_on")
        for name in names:
            found[name] = max(found.get(name, e.day), e.day)
    blank = dict.fromkeys(("entered", "changed_on", "acted_on", "sent_on", "returned_on"))
    return [{**r, **blank, **moments.get(r["reference"], {})} for r in read_letters(conn, school)]


def ledger_version(conn: sa.Connection, school: str) -> tuple[object, ...]:
    """Changes with every letter, event and amendment of a school: for remembering what was read, within one run."""
    letters = sa.select(sa.func.count(), sa.func.max(letter.c.updated_at)).where(letter.c.school == school)
    events = (
        sa.select(sa.func.max(letter_event.c.id))
        .join(letter, letter.c.reference == letter_event.c.reference)
        .where(letter.c.school == school)
    )
    return (*conn.execute(letters).one(), conn.execute(events).scalar())


def read_references(conn: sa.Connection) -> set[str]:
    """Every reference in the ledger, of all schools."""
    return set(conn.execute(sa.select(letter.c.reference)).scalars())


def amend_letter(conn: sa.Connection, reference: str, values: Mapping[str, Any]) -> None:
    """Change columns of a letter. Raises LedgerError for one that is sent or rejected, or unknown."""
    if {"reference", "state", "reason"} & set(values):
        raise LedgerError(f"letter {reference}: its state and reason change by `transition` alone")
    statement = sa.update(letter).where(letter.c.reference == reference, letter.c.state.not_in(sorted(FINAL)))
    if conn.execute(statement.values(**values, updated_at=now())).rowcount == 0:
        raise LedgerError(f"letter {reference} is not there, or is sent or rejected and never changes")


def read_letters(
    conn: sa.Connection,
    school: str | None = None,
    *,
    references: Iterable[str] | None = None,
    states: Iterable[str] | None = None,
    batch_id: str | None = None,
    persons: Iterable[int] | None = None,
) -> list[dict[str, Any]]:
    """Letters with every column, by the day they were proposed and their reference."""
    query = sa.select(letter)
    if persons is not None:
        query = query.where(letter.c.person_id.in_(sorted(set(persons))))
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
    """What became of letters, oldest first. `day` is the school day decided on, or of what a person did; `known_on` the
    evening on which the ledger first knew it; `at` the moment of writing."""
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
    conn: sa.Connection,
    moves: Sequence[tuple[str, str, str, str]],
    by: str,
    day: dt.date | None,
    known_on: dt.date | None,
    at: dt.datetime,
) -> None:
    known = max((d for d in (day, known_on) if d is not None), default=None)
    if moves:
        conn.execute(
            sa.insert(letter_event),
            [
                {
                    "reference": r,
                    "from_state": a,
                    "to_state": b,
                    "reason": why,
                    "by": by,
                    "day": day,
                    "known_on": known,
                    "at": at,
                }
                for r, a, b, why in moves
            ],
        )
