"""The ledger written and read back: what is decided on the store's rows is what is decided on plain ones."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from ledger_school import ADA, BO, CALENDAR, LedgerSchool, date, facts

from attendance_pipeline.letters.ledger_rows import MACHINE, MACHINES, Batch, Decision, LedgerRow
from attendance_pipeline.store.ledger import (
    LedgerError,
    amend_letter,
    apply,
    read_batches,
    read_events,
    read_ledger,
    read_references,
    release_batch,
)
from attendance_pipeline.store.persons import intern_persons


class StoredSchool(LedgerSchool):
    """Keeps its ledger in a warehouse, and compares it with the plain one after every night."""

    def __init__(self, warehouse, *pupils, **inputs) -> None:
        super().__init__(*pupils, **inputs)
        self.warehouse = warehouse
        with warehouse.begin() as conn:
            intern_persons(conn, [f"P{n}" for n in self.pupils])

    def _write(self, decision: Decision) -> None:
        super()._write(decision)
        plain = {r.reference: r for r in self.rows}
        with self.warehouse.begin("oakfield") as conn:
            apply(conn, **decision.to_write("oakfield"))
            stored = [LedgerRow.from_store(r, CALENDAR) for r in read_ledger(conn, "oakfield", machines=MACHINES)]
            batches = [Batch.from_store(b) for b in read_batches(conn, "oakfield")]
        assert {r.reference: r for r in stored} == plain
        assert batches == self.batches
        self.rows = stored


def test_nights_through_the_store(warehouse) -> None:
    school = StoredSchool(
        warehouse,
        facts(ADA, BO),
        evidence=lambda occasion, contact, day: {"attended": 3, "absences": [["2025-09-10", "AM", "O"]]},
    )
    school.says("letter_sent", 3)
    school.opens(1, 2)
    school.night(2)
    school.night(3)
    assert school.states() == ["sent", "sent"]
    school.opens(2, 25)
    school.night(25)
    school.says("letter_approved", 26, stage=2, contact="ADA")
    school.night(26)
    school.says("hold", 27, stage=None)
    school.night(27)
    assert school.states() == ["sent", "sent", "held", "held"]
    school.says("release", 28, stage=None)
    school.night(28)
    assert school.states() == ["sent", "sent", "proposed", "proposed"]  # approved before the hold: to be approved again
    school.says("letter_rejected", 29, stage=2, contact="BO")
    school.says("letter_sent", 29, stage=2, contact="ADA")
    school.night(29)
    assert school.states() == ["sent", "sent", "sent", "rejected"]
    school.occasions = school.occasions[:1]
    assert not school.night(30)
    school.opens(2, 70)
    school.night(70)
    assert [row for row in school.table() if row[2] == 70] == [
        ("letter_2", "ADA", 70, "held", "possible repeat"),
        ("letter_2", "BO", 70, "proposed", ""),
    ]
    with warehouse.read() as conn:
        assert read_references(conn) == {r.reference for r in school.rows}
        sent = next(r for r in school.rows if r.state == "sent" and r.kind == "letter_2")
        events = read_events(conn, [sent.reference])
    assert [(e["to_state"], e["by"], e["day"]) for e in events] == [
        ("proposed", MACHINE, date(25)),
        ("approved", "A. Clerk", date(26)),
        ("held", MACHINE, date(27)),
        ("proposed", MACHINE, date(28)),
        ("approved", "A. Clerk", date(29)),
        ("sent", "A. Clerk", date(29)),
    ]


def test_a_held_batch_is_released_once(warehouse) -> None:
    school = StoredSchool(warehouse, *(facts() for _ in range(6)), roll=50)
    for p in school.pupils:
        school.opens(1, 10, pupil=p)
    batch = school.night(10).batch
    assert batch.held
    with warehouse.begin() as conn:
        release_batch(conn, batch.id, by="A. Lead")
    school.release(batch.id)
    school.night(10)
    assert {r.state for r in school.rows} == {"proposed"}
    assert not school.night(11)


def test_what_the_store_refuses(warehouse) -> None:
    school = StoredSchool(warehouse, facts())
    school.opens(1, 10)
    decision = school.night(10)
    with pytest.raises(LedgerError, match="in the ledger already"), warehouse.begin() as conn:
        apply(conn, **decision.to_write("oakfield"))
    (letter,) = school.rows
    school.says("letter_sent", 11)
    school.night(11)
    with pytest.raises(LedgerError, match="never changes"), warehouse.begin() as conn:
        amend_letter(conn, letter.reference, {"episode": 2})
    with pytest.raises(LedgerError, match="transition"), warehouse.begin() as conn:
        amend_letter(conn, letter.reference, {"state": "held"})


def test_a_night_that_fails_leaves_nothing(warehouse) -> None:
    school = LedgerSchool(facts())
    school.opens(1, 10)
    written = school.night(10).to_write("oakfield")
    with pytest.raises(sa.exc.IntegrityError), warehouse.begin() as conn:
        apply(conn, **written)  # of a pupil whom this warehouse does not know
    with warehouse.read() as conn:
        assert read_references(conn) == set()
