"""What is written is read back; what is written twice is there once; what must not change does not."""

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from attendance_pipeline.store import deliveries, derived, draws, impact, ledger, quality, quarantine
from attendance_pipeline.store.amendment_notes import AmendmentNote, put_notes, read_notes
from attendance_pipeline.store.extracts import (
    ExtractKey,
    NewExtract,
    Record,
    pupil_names,
    put_extracts,
    register_mode_of,
    set_register_mode,
)
from attendance_pipeline.store.persons import intern_persons
from attendance_pipeline.store.quality import CheckedDay, Shortfall
from attendance_pipeline.store.quarantine import QuarantineRow

MON, TUE, WED = (dt.date(2026, 1, d) for d in (5, 6, 7))


@pytest.fixture
def conn(warehouse):
    with warehouse.begin("oakfield") as connection:
        yield connection


def put_extract(conn, name: str) -> int:
    key = ExtractKey(MON, name, "0" * 64)
    return put_extracts(conn, "oakfield", [NewExtract("oakfield", "register", key, "native", 0)])[key]


# Derived pages and the log of days


def test_pages_of_days_are_written_and_replaced(conn):
    derived.write_pages(
        conn, "oakfield", {(MON, "measures"): b"1", (TUE, "measures"): b"2", (MON, "stages"): b"s"}, "v1"
    )
    derived.write_pages(conn, "oakfield", {(TUE, "measures"): b"3"}, "v2")
    derived.write_pages(conn, "ashfield", {(TUE, "measures"): b"x"}, "v1")
    assert derived.read_pages(conn, "oakfield", "measures") == {MON: b"1", TUE: b"3"}
    assert derived.read_pages(conn, "oakfield", "measures", TUE, WED) == {TUE: b"3"}
    assert derived.page_versions(conn, "oakfield", "measures") == {MON: "v1", TUE: "v2"}
    derived.delete_pages(conn, "oakfield", [MON], "measures")
    assert derived.read_pages(conn, "oakfield", "measures") == {TUE: b"3"}
    assert derived.read_pages(conn, "oakfield", "stages") == {MON: b"s"}
    derived.delete_pages(conn, "oakfield", [MON])
    assert derived.read_pages(conn, "oakfield", "stages") == {}


def test_days_done(conn):
    derived.mark_done(conn, "oakfield", [MON, TUE], "r1")
    derived.mark_done(conn, "oakfield", [TUE], "r2")
    assert derived.done_days(conn, "oakfield") == {MON: "r1", TUE: "r2"}
    assert derived.done_days(conn, "ashfield") == {}


# How register extracts are understood


def test_how_register_extracts_were_last_understood(conn):
    assert register_mode_of(conn, "oakfield") == "changes"
    set_register_mode(conn, "oakfield", "complete")
    assert (register_mode_of(conn, "oakfield"), register_mode_of(conn, "ashfield")) == ("complete", "changes")
    set_register_mode(conn, "oakfield", "changes")
    assert register_mode_of(conn, "oakfield") == "changes"


# Quarantine


def row(line, origin="roll", column="UPN", rule="not on roll"):
    return QuarantineRow(None, "register_2026-01-05.csv", "0" * 64, line, column, rule, origin)


def test_quarantine_rows_are_there_once(conn):
    quarantine.add(conn, "oakfield", [row(2, "row"), row(3, "row")])
    quarantine.add(conn, "oakfield", [row(3, "row"), row(4, "row")])
    assert [r["line"] for r in quarantine.rows(conn, "oakfield")] == [2, 3, 4]
    assert quarantine.rows(conn, "ashfield") == []


def test_findings_against_the_roll_are_replaced_and_others_stay(conn):
    quarantine.add(conn, "oakfield", [row(2, "row")])
    assert quarantine.replace(conn, "oakfield", "roll", [row(5), row(6), row(5)]) == 2
    assert quarantine.replace(conn, "oakfield", "roll", [row(6), row(7)]) == 1
    assert [r["line"] for r in quarantine.rows(conn, "oakfield")] == [2, 6, 7]


# Letters


def letter(conn, reference, state="proposed", **values):
    person = intern_persons(conn, ["P207000016049"])["P207000016049"]
    return {
        "reference": reference, "school": "oakfield", "person_id": person, "contact_id": "7", "kind": "letter_1",
        "stage": 1, "episode": 1, "opening_day": MON, "proposed_on": TUE, "state": state, "reason": "", "batch": "b1",
        "language": "en", "evidence": {"attended": 80, "possible": 100}, "recipient": {"lines": ["1 Road"]}, **values,
    }  # fmt: skip


def states(conn):
    return {m["reference"]: m["state"] for m in ledger.read_letters(conn, "oakfield")}


def test_a_letter_proposed_again_is_there_once(conn):
    assert (
        ledger.put_letters(
            conn, [letter(conn, "A"), letter(conn, "B", "held", reason="no address")], by="nightly", day=TUE
        )
        == 2
    )
    assert ledger.put_letters(conn, [letter(conn, "A", evidence={"attended": 79})], by="nightly", day=WED) == 0
    assert states(conn) == {"A": "proposed", "B": "held"}
    assert ledger.read_letters(conn, references=["A"])[0]["evidence"] == {"attended": 79}
    assert [(e["from_state"], e["to_state"], e["reason"]) for e in ledger.read_events(conn, ["A", "B"])] == [
        ("", "proposed", ""),
        ("", "held", "no address"),
    ]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (["approved", "sent"], True),
        (["held", "proposed", "approved", "sent"], True),
        (["rejected"], True),
        (["superseded", "proposed"], True),
        (["approved", "superseded"], True),
        (["held", "superseded"], True),
        (["sent"], False),
        (["superseded", "approved"], False),
        (["approved", "sent", "superseded"], False),
        (["approved", "sent", "approved"], False),
        (["rejected", "proposed"], False),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_which_state_may_follow_which(conn, path, allowed):
    ledger.put_letters(conn, [letter(conn, "A")], by="nightly", day=TUE)
    for state in path[:-1]:
        ledger.transition(conn, ["A"], state, by="office")
    if allowed:
        assert ledger.transition(conn, ["A"], path[-1], by="office", reason="said so") == 1
        assert states(conn)["A"] == path[-1]
        assert len(ledger.read_events(conn, ["A"])) == len(path) + 1
    else:
        with pytest.raises(ledger.LedgerError, match="cannot become"):
            ledger.transition(conn, ["A"], path[-1], by="office")


def test_one_letter_that_may_not_move_keeps_all_where_they_are(conn):
    ledger.put_letters(conn, [letter(conn, "A"), letter(conn, "B")], by="nightly", day=TUE)
    ledger.transition(conn, ["B"], "rejected", by="head")
    with pytest.raises(ledger.LedgerError, match="letter B is rejected"):
        ledger.transition(conn, ["A", "B"], "approved", by="head")
    with pytest.raises(ledger.LedgerError, match="no letter C"):
        ledger.transition(conn, ["A", "C"], "approved", by="head")
    assert states(conn) == {"A": "proposed", "B": "rejected"}


def test_moving_where_a_letter_is_already_does_nothing(conn):
    ledger.put_letters(conn, [letter(conn, "A")], by="nightly", day=TUE)
    ledger.transition(conn, ["A"], "held", reason="no address", by="nightly")
    assert ledger.transition(conn, ["A"], "held", reason="no address", by="nightly") == 0
    assert ledger.transition(conn, ["A"], "held", reason="left", by="nightly") == 1
    assert ledger.read_letters(conn, references=["A"])[0]["reason"] == "left"


def test_a_sent_letter_never_changes(conn):
    ledger.put_letters(conn, [letter(conn, "A")], by="nightly", day=TUE)
    ledger.transition(conn, ["A"], "approved", by="office")
    ledger.transition(conn, ["A"], "sent", by="office")
    before = ledger.read_letters(conn, references=["A"])
    ledger.put_letters(conn, [letter(conn, "A", evidence={}, batch="b9")], by="nightly", day=WED)
    assert ledger.read_letters(conn, references=["A"]) == before


def test_letters_by_state_and_batch(conn):
    ledger.put_letters(
        conn, [letter(conn, "A"), letter(conn, "B", batch="b2"), letter(conn, "C", "held")], by="n", day=TUE
    )
    assert [m["reference"] for m in ledger.read_letters(conn, "oakfield", states=["held"])] == ["C"]
    assert [m["reference"] for m in ledger.read_letters(conn, "oakfield", batch_id="b2")] == ["B"]
    assert ledger.read_letters(conn, "ashfield") == []


def test_letters_about_a_person(conn):
    other = intern_persons(conn, ["A207000016048"])["A207000016048"]
    ledger.put_letters(conn, [letter(conn, "A"), letter(conn, "B", person_id=other)], by="nightly", day=TUE)
    assert [m["reference"] for m in ledger.read_letters(conn, "oakfield", persons=[other])] == ["B"]
    assert ledger.read_letters(conn, "oakfield", persons=[]) == []


# What pupils extracts say of names


def test_pupils_by_upn_by_admission_number_and_all(conn):
    said = {
        "surname": "Ó Dálaigh",
        "forename": "Ann",
        "class": "5A",
        "admission_number": "a12",
        "preferred_forename": None,
    }
    key = ExtractKey(MON, "pupils.csv", "1" * 64)
    records = [Record(2, "P207000016049", said), Record(3, "A207000016048", {"surname": "Ash"})]
    put_extracts(conn, "oakfield", [NewExtract("oakfield", "pupils", key, "native", 2, records=records)])
    ann = {**said, "preferred_forename": "", "school": "oakfield", "upn": "P207000016049"}
    every = pupil_names(conn, ["oakfield", "ashfield"])
    assert sorted(r["surname"] for r in every) == ["Ash", "Ó Dálaigh"]
    assert pupil_names(conn, ["oakfield"], upn="P207000016049") == [ann]
    assert pupil_names(conn, ["oakfield"], admission_number="A12") == [ann]
    assert pupil_names(conn, ["ashfield"], upn="P207000016049") == []


def test_batches_are_held_and_released(conn):
    ledger.put_batch(
        conn, {"id": "b1", "school": "oakfield", "day": MON, "letters": 40, "held": True, "reason": "40 of 200"}
    )
    with pytest.raises(ledger.LedgerError, match="no batch b9"):
        ledger.release_batch(conn, "b9", by="head")
    ledger.release_batch(conn, "b1", by="head")
    batch = ledger.read_batches(conn, "oakfield")[0]
    assert (batch["held"], batch["released_by"], batch["reason"]) == (False, "head", "40 of 200")


# Checks, deliveries


def test_checks_of_a_day_are_replaced(conn):
    missing = Shortfall("school", "", "marks_present", {"value": 40.0})
    of_class = Shortfall("class", "5A", "class_morning", {"value": 100.0})
    quality.put_days(conn, "oakfield", {MON: CheckedDay("a", 9, [missing]), TUE: CheckedDay("b", 9, [of_class])})
    quality.put_days(conn, "oakfield", {MON: CheckedDay("c", 8)})
    assert quality.checked_days(conn, "oakfield") == {MON: CheckedDay("c", 8), TUE: CheckedDay("b", 9)}
    found = [(r["day"], r["scope"], r["subject"], r["detail"]) for r in quality.read(conn, "oakfield")]
    assert found == [(TUE, "class", "5A", {"value": 100.0})]
    assert quality.read(conn, "oakfield", MON) == []
    quality.put_days(conn, "oakfield", {TUE: None})
    assert list(quality.checked_days(conn, "oakfield")) == [MON]


def test_what_was_told_is_remembered_beside_the_days(conn):
    assert quality.told(conn, "oakfield") is None
    quality.tell(conn, "oakfield", MON, "a")
    quality.tell(conn, "oakfield", TUE, "b")
    quality.put_days(conn, "oakfield", {TUE: CheckedDay("c", 1)})
    assert quality.told(conn, "oakfield") == "b"
    assert quality.read(conn, "oakfield") == []
    assert quality.told(conn, "elmbrook") is None


def test_deliveries_by_path(conn):
    deliveries.record_delivery(conn, "oakfield", "oakfield/office/x", "letters", MON, "1" * 64)
    deliveries.record_delivery(conn, "oakfield", "oakfield/office/x", "letters", MON, "2" * 64)
    found = deliveries.read_deliveries(conn, "oakfield", "letters", MON)
    assert [d["sha256"][0] for d in found] == ["2"]


# Corrections


def test_what_each_day_was_counted_from(conn):
    derived.put_counted(conn, "oakfield", {MON: "a", TUE: "b"})
    derived.put_counted(conn, "oakfield", {TUE: ""})
    derived.put_counted(conn, "ashfield", {WED: "c"})
    assert derived.counted_days(conn, "oakfield") == {MON: "a", TUE: ""}


def test_an_impact_report_that_is_made_again_is_there_once(conn):
    assert impact.reported_upto(conn, "oakfield") is None
    impact.keep_former(conn, "oakfield", {(MON, "stages"): b"was"})
    impact.keep_former(conn, "oakfield", {(MON, "stages"): b"was later"})
    assert impact.former_pages(conn, "oakfield") == {(MON, "stages"): b"was"}
    for count in (1, 2):
        impact.put_report(conn, "oakfield", MON, "oakfield/impact", {"counts": {"marks changed": count}})
    impact.put_report(conn, "oakfield", TUE, "oakfield/impact-2", {"counts": {}})
    impact.put_report(conn, "ashfield", MON, "ashfield/impact", {"counts": {}})
    impact.reported(conn, "oakfield", 17, TUE)
    assert impact.former_pages(conn, "oakfield") == {}
    assert impact.reported_upto(conn, "oakfield") == (17, TUE)
    first, second = impact.read_reports(conn, "oakfield")
    assert (first.day, first.path, first.content) == (MON, "oakfield/impact", {"counts": {"marks changed": 2}})
    assert impact.read_reports(conn, "oakfield", after=first.id) == [second]


# Many rows, which PostgreSQL is given by COPY


def test_many_rows_are_put_as_few_are(conn):
    """300 notes, then the same lines with another reason, one of them twice: the last said counts."""
    number = put_extract(conn, "register_2026-01-05.csv")
    notes = [AmendmentNote(number, line, f"reason {line}", "office\t\\N") for line in range(300)]
    put_notes(conn, "oakfield", notes)
    assert read_notes(conn, "oakfield") == {(n.extract_id, n.line): n for n in notes}
    again = [AmendmentNote(number, line, "another", "") for line in [*range(250), 7]]
    put_notes(conn, "oakfield", [*again[:-1], replace(again[-1], reason="the last")])
    stored = read_notes(conn, "oakfield")
    assert len(stored) == 300 and stored[number, 7].reason == "the last"
    assert [stored[number, line].reason for line in (6, 249, 250)] == ["another", "another", "reason 250"]


def test_many_rows_that_are_there_already_are_left_alone(conn):
    rows = [QuarantineRow(None, "a.csv", "0" * 64, line, "Code", "unknown code", "row") for line in range(300)]
    quarantine.add(conn, "oakfield", rows[:210])
    quarantine.add(conn, "oakfield", [*rows, *rows[:5]])
    assert len(quarantine.keys(conn, "oakfield")) == 300


def test_many_rows_go_with_their_transaction(warehouse):
    rows = [QuarantineRow(None, "a.csv", "0" * 64, line, "Code", "unknown code", "row") for line in range(300)]
    with pytest.raises(RuntimeError), warehouse.begin("oakfield") as conn:
        quarantine.add(conn, "oakfield", rows)
        raise RuntimeError
    with warehouse.read() as conn:
        assert quarantine.keys(conn, "oakfield") == set()


def test_a_row_that_cannot_be_put_is_said_as_the_others_are(conn):
    """An extract that is not there: SQLAlchemy's error on both databases."""
    with pytest.raises(sa.exc.DBAPIError), conn.begin_nested():
        put_notes(conn, "oakfield", [AmendmentNote(4711, line, "x", "") for line in range(300)])


# Draws


def test_a_draw_is_kept_as_it_was_made_first(conn):
    made = draws.StoredDraw("raffle", MON, MON, WED, "pear", {"prizes": [{"winner": 2}]})
    assert draws.record_draw(conn, "oakfield", made) == made
    other = replace(made, seed="plum", content={"prizes": [{"winner": 1}]})
    assert draws.record_draw(conn, "oakfield", other) == made, "the week has been drawn"
    assert draws.record_draw(conn, "ashfield", other) == other
    assert draws.record_draw(conn, "oakfield", replace(other, kind="prize_pot")).seed == "plum"
    earlier = replace(made, week=MON - dt.timedelta(days=7))
    draws.record_draw(conn, "oakfield", earlier)
    assert draws.read_draws(conn, "oakfield", "raffle") == [earlier, made]
