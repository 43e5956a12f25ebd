"""What becomes of letters, night after night. Days count from the first school day of 2025/26."""

import datetime as dt
from dataclasses import replace

import pytest
from ledger_school import ADA, BO, SECRET, LedgerSchool, date, facts

from attendance_pipeline.letters.ledger_rows import Batch
from attendance_pipeline.letters.references import reference

# ---------------------------------------------------------------- the usual way


def test_a_climb_from_proposal_to_the_third_letter() -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.opens(1, 10)
    first = school.night(10)
    assert school.table() == [("letter_1", "ADA", 10, "proposed", ""), ("letter_1", "BO", 10, "proposed", "")]
    assert first.batch == Batch(f"oakfield {date(10)}", date(10), 2)
    assert {r.batch for r in school.rows} == {first.batch.id} and {r.proposed_on for r in school.rows} == {date(10)}
    for night in (11, 12, 13):
        assert not school.night(night)
    school.says("letter_sent", 13)
    school.night(14)
    assert school.states() == ["sent", "sent"] and {r.sent_on for r in school.rows} == {date(13)}
    school.opens(2, 34)
    school.night(34)
    assert school.states() == ["sent", "sent", "proposed", "proposed"]
    school.says("letter_sent", 36, stage=2)
    school.opens(3, 57)
    school.night(57)
    assert school.states() == ["sent"] * 4 + ["proposed"] * 2
    school.opens(4, 90)  # a referral to be considered: a task of a person, no letter
    school.night(90)
    assert [row for row in school.table() if row[0] == "letter_3"] == [
        ("letter_3", "ADA", 57, "superseded", "overtaken by stage 4"),
        ("letter_3", "BO", 57, "superseded", "overtaken by stage 4"),
    ]
    assert not school.night(91)


def test_each_contact_has_a_reference_of_its_own_that_tells_nothing() -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.opens(1, 10)
    school.night(10)
    references = [r.reference for r in school.rows]
    assert len(set(references)) == 2
    assert all(len(r) == 13 and r.startswith("OAK-") and not set("ILOU") & set(r[4:]) for r in references)


def test_references_do_not_depend_on_what_else_is_there() -> None:
    one = reference(SECRET, "oakfield", (1, "ADA", "letter_1"))
    assert one == reference(SECRET, "oakfield", (1, "ADA", "letter_1"), {"OAK-0000-0000"})
    assert one != reference(SECRET, "oakfield", (1, "ADA", "letter_1"), {one})
    assert one != reference(b"another key, of 16", "oakfield", (1, "ADA", "letter_1"))
    assert one != reference(SECRET, "oakfield", (11, "ADA", "letter_1"))
    assert reference(SECRET, "--", (1,)).startswith("SCH-")
    with pytest.raises(ValueError, match="16 to 64"):
        reference(b"short", "oakfield", (1,))


def test_approved_then_sent() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.says("letter_approved", 11)
    school.night(11)
    assert school.states() == ["approved"]
    school.says("letter_sent", 12, stage=None)  # blank: the stage held that day
    decision = school.night(12)
    assert school.states() == ["sent"] and [(m.by, m.day) for m in decision.moves] == [("A. Clerk", date(12))]


def test_no_letter_is_approved_without_a_letterhead() -> None:
    school = LedgerSchool(letterhead=False)
    school.opens(1, 10)
    school.night(10)
    school.says("letter_approved", 11)
    assert len(school.night(11).findings) == 1 and school.states() == ["proposed"]
    school.inputs["letterhead"] = True
    school.night(12)
    assert school.states() == ["approved"]


def test_rejected_is_the_end_of_it() -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.opens(1, 10)
    school.night(10)
    school.says("letter_rejected", 11, contact="BO")
    school.night(11)
    assert school.states() == ["proposed", "rejected"]
    school.says("letter_approved", 12)
    school.night(12)
    assert school.states() == ["approved", "rejected"]
    school.says("letter_sent", 13)
    decision = school.night(13)
    assert school.states() == ["sent", "rejected"] and [why for _, why in decision.findings] == [
        "rejected here, and sent by the intervention log"
    ]


@pytest.mark.parametrize(
    ("words", "state"), [(("approved", "rejected"), "rejected"), (("rejected", "approved"), "approved")]
)
def test_the_last_word_counts(words, state) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    for word in words:
        school.says(f"letter_{word}", 11)
    school.night(11)
    assert school.states() == [state]


@pytest.mark.parametrize(("contact", "states"), [("", ["sent", "sent"]), ("ADA", ["sent", "proposed"])])
def test_sent_to_all_or_to_one(contact, states) -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 11, contact=contact)
    school.night(11)
    assert school.states() == states


@pytest.mark.parametrize(
    ("stage", "stage_then", "states"),
    [
        (1, 0, ["sent"]),
        (2, 1, ["held"]),
        (None, 1, ["sent"]),
        (None, 2, ["held"]),
        (None, 0, ["held"]),
    ],  # recently sent
)
def test_which_stage_an_entry_means(stage, stage_then, states) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 11, stage=stage)
    school.night(11, stage_on=lambda person, on: stage_then)
    assert school.states() == states


def test_an_entry_of_a_later_day_is_not_known_yet() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.says("letter_sent", 12)
    school.night(10)
    assert school.states() == ["proposed"]
    school.night(12)
    assert school.states() == ["sent"]


def test_an_entry_of_a_weekend_is_known_on_monday() -> None:
    school = LedgerSchool()
    school.opens(1, 3)
    school.night(4)
    assert date(4).weekday() == 4
    school.says("letter_sent", date(4) + dt.timedelta(days=1))
    school.night(4)
    assert school.states() == ["proposed"]
    school.night(5)
    assert school.states() == ["sent"]


# ---------------------------------------------------------------- no longer, and again


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("recovered", "recovered before it was sent"),
        ("closed", "closed by a person before it was sent"),
        ("escalated", "overtaken by stage 2"),
        ("stalled", "overtaken by stage 2"),
        ("set", "stage set by a person before it was sent"),
    ],
)
def test_an_unsent_letter_of_a_stage_that_is_over(event, reason) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.ends(event, 15)
    school.night(15)
    assert school.table() == [("letter_1", "ADA", 10, "superseded", reason)]


@pytest.mark.parametrize("before", ["proposed", "approved", "held"])
def test_marks_that_no_longer_support_a_letter_and_then_do(before) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    if before == "held":
        school.says("hold", 10, stage=None)
    school.night(10)
    if before == "approved":
        school.says("letter_approved", 11)
    school.night(11)
    (reference_before,) = [r.reference for r in school.rows]
    assert school.states() == [before]
    there, school.occasions = school.occasions, []
    school.night(12)
    assert school.table() == [("letter_1", "ADA", 10, "superseded", "the marks no longer support it")]
    school.occasions = there
    school.says("release", 12, stage=None)
    decision = school.night(13)
    assert school.states() == ["proposed"]  # also what was approved: nobody has approved these marks
    assert [r.reference for r in school.rows] == [reference_before] and decision.batch.letters == 1


def test_what_was_sent_stays_sent() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 11)
    school.night(11)
    school.occasions = []
    decision = school.night(12)
    assert not decision and [why for _, why in decision.findings] == ["sent, and the marks no longer support it"]
    school.log = []
    assert not school.night(13)
    assert school.states() == ["sent"]


def test_a_new_school_year_ends_what_was_not_sent() -> None:
    school = LedgerSchool()
    school.opens(1, -20)
    school.night(-20)
    school.occasions = []
    school.opens(1, 15)
    school.night(15)
    assert school.table() == [
        ("letter_1", "ADA", -20, "superseded", "a new school year has begun"),
        ("letter_1", "ADA", 15, "proposed", ""),
    ]


def test_a_letter_sent_in_july_answers_nothing_in_september() -> None:
    school = LedgerSchool()
    school.opens(1, -8)
    school.night(-8)
    school.says("letter_sent", -7)
    school.night(-7)
    school.occasions = []
    school.opens(1, 12)
    school.night(12)
    assert school.states() == ["sent", "proposed"]


def test_a_letter_of_a_later_day_is_left_alone() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    assert not school.night(8)


# ---------------------------------------------------------------- history


def test_letters_sent_before_the_ledger_began() -> None:
    school = LedgerSchool(facts(ADA, BO), go_live=date(40))
    school.opens(1, 10)
    school.says("letter_sent", 12)
    school.opens(2, 33)
    school.says("letter_sent", 35, stage=2, contact="ADA")
    school.opens(3, 45)
    school.night(50)
    assert school.table() == [
        ("letter_1", "ADA", 10, "sent", ""),
        ("letter_1", "BO", 10, "sent", ""),
        ("letter_2", "ADA", 33, "sent", ""),
        ("letter_3", "ADA", 45, "proposed", ""),
        ("letter_3", "BO", 45, "proposed", ""),
    ]
    sent = next(r for r in school.rows if r.state == "sent")
    assert (sent.proposed_on, sent.sent_on, sent.recipient, sent.batch) == (date(10), date(12), {}, "")


@pytest.mark.parametrize(("opened", "states"), [(39, []), (40, ["proposed"])])
def test_nothing_is_proposed_for_what_opened_before_go_live(opened, states) -> None:
    school = LedgerSchool(go_live=date(40))
    school.opens(1, opened)
    school.night(45)
    assert school.states() == states


def test_a_term_at_once_leaves_no_opening_out() -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.opens(1, 10)
    school.ends("recovered", 20)
    school.opens(1, 40, episode=2)
    school.says("letter_sent", 42, contact="BO")
    school.opens(2, 62, episode=2)
    school.night(70)
    assert school.table() == [
        ("letter_1", "ADA", 10, "superseded", "recovered before it was sent"),
        ("letter_1", "ADA", 40, "superseded", "overtaken by stage 2"),
        ("letter_1", "BO", 10, "superseded", "recovered before it was sent"),
        ("letter_1", "BO", 40, "sent", ""),
        ("letter_2", "ADA", 62, "proposed", ""),
        ("letter_2", "BO", 62, "proposed", ""),
    ]


def test_one_entry_says_one_letter() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.ends("recovered", 30)
    school.opens(1, 60, episode=2)
    school.says("letter_sent", 12)
    school.says("letter_sent", 13)  # again, about the same letter
    school.night(62)
    assert [(day, state) for _, _, day, state, _ in school.table()] == [(10, "sent"), (60, "proposed")]


def test_a_letter_posted_after_the_stage_was_over_is_sent_all_the_same() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.ends("recovered", 12)
    school.night(12)
    assert school.states() == ["superseded"]
    school.says("letter_sent", 13)
    decision = school.night(13)
    assert school.states() == ["sent"] and [m.to_state for m in decision.moves] == ["proposed", "approved", "sent"]


def test_a_letter_that_the_marks_dropped_meanwhile_is_sent_all_the_same() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    there, school.occasions = school.occasions, []
    school.night(11)
    school.says("letter_sent", 11)
    school.night(12)
    assert school.states() == ["sent"]
    school.occasions = there
    assert not school.night(13)


def test_sent_to_all_means_those_it_could_be_sent_to() -> None:
    school = LedgerSchool(facts(ADA, replace(BO, address=())))
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 11)
    school.night(11)
    school.night(12)
    assert school.table() == [("letter_1", "ADA", 10, "sent", ""), ("letter_1", "BO", 10, "held", "no address")]
