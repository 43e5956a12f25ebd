"""The walk that proves a removal sees every column of every table in which a pupil could be named, also of new ones."""

import datetime as dt

import pytest
import sqlalchemy as sa
from school_files import BEN

from attendance_pipeline.store.pages import pack_page
from attendance_pipeline.store.removal import close_days, closed_days, everything, make_bytes_go, put_removed_file
from attendance_pipeline.store.tables import metadata, removed_file

DAY = dt.date(2026, 6, 1)
PERSON = 7
TEXTS = [t.name for t in metadata.sorted_tables if any(isinstance(c.type, sa.String | sa.JSON) for c in t.columns)]
# Of marks the pages are walked through by whoever knows how they are packed; lines name nobody.
PAGES = [
    t.name
    for t in metadata.sorted_tables
    if any(isinstance(c.type, sa.LargeBinary) for c in t.columns)
    and t.name not in ("marks_page", "statement", "implied_withdrawal", "record_page")
]


def value(column):
    """Something that fits: the UPN wherever text fits."""
    kind = column.type
    if column.name == "state":
        return "held"
    if isinstance(kind, sa.String):
        return BEN if kind.length is None or kind.length >= len(BEN) else "row"
    if isinstance(kind, sa.JSON):
        return {"of": [BEN]}
    if isinstance(kind, sa.LargeBinary):
        return pack_page({"pupil": [PERSON], "person": [PERSON]})
    if isinstance(kind, sa.DateTime):
        return dt.datetime(2026, 6, 1)  # as the warehouse keeps them
    if isinstance(kind, sa.Date):
        return DAY
    return False if isinstance(kind, sa.Boolean) else PERSON


@pytest.fixture
def full(warehouse):
    """A warehouse with one row in every table."""
    with warehouse.begin() as conn:
        for table in metadata.sorted_tables:
            conn.execute(sa.insert(table).values({c.name: value(c) for c in table.columns}))
    return warehouse


def test_every_text_and_every_page_is_seen(full):
    with full.read() as conn:
        held = list(everything(conn))
    assert {h.table for h in held if any(BEN in text for text in h.texts)} == set(TEXTS)
    assert {h.table for h in held if PERSON in h.persons} >= {*PAGES, "person", "letter"}


def test_the_file_is_written_anew_without_what_was_deleted(full, tmp_path):
    with full.begin() as conn:
        for table in reversed(metadata.sorted_tables):
            conn.execute(sa.delete(table))
    make_bytes_go(full)
    with full.read() as conn:
        assert list(everything(conn)) == []
    for file in tmp_path.rglob("warehouse.db*"):
        assert BEN.encode() not in file.read_bytes()


def test_a_tombstone_counts_what_was_taken_out_and_says_nothing_twice(warehouse):
    with warehouse.begin() as conn:
        assert put_removed_file(conn, "a" * 64, "b" * 64, DAY, [2, 3]) == 2
        assert put_removed_file(conn, "a" * 64, "b" * 64, DAY, [2, 3]) == 2, "the same again after a kill"
        assert put_removed_file(conn, "a" * 64, "c" * 64, DAY, [9]) == 3
        assert conn.execute(sa.select(removed_file.c.kept_sha256)).scalars().all() == ["c" * 64]


CLOSED = {
    "first": ([("m1", "m2")], ("m1", "m2")),
    "twice, nothing in between": ([("m1", "m2"), ("m2", "m3")], ("m1", "m3")),
    "twice, corrected in between": ([("m1", "m2"), ("m9", "m3")], ("m9", "m3")),
}


@pytest.mark.parametrize("case", CLOSED)
def test_a_closed_day_keeps_the_hash_it_had(warehouse, case):
    times, kept = CLOSED[case]
    with warehouse.begin() as conn:
        for pair in times:
            close_days(conn, "oakfield", {DAY: pair})
        assert closed_days(conn, "oakfield") == {DAY: kept}
