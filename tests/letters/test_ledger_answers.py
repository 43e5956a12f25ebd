"""Which letter answers which opening, when corrections move openings. Days count from the first school day of 2025/26."""

from dataclasses import replace

import pytest
from ledger_school import ADA, START, LedgerSchool, date, facts, opening

# ---------------------------------------------------------------- answered: nearness


@pytest.mark.parametrize(
    ("moved_to", "states"),
    [(11, ["sent"]), (30, ["sent"]), (31, ["held", "sent"]), (9, ["sent"]), (45, ["held", "sent"])],
)
def test_an_opening_that_moves_keeps_its_letter(moved_to, states) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 11)
    school.night(11)
    school.occasions = []
    school.opens(1, moved_to)
    school.night(50)
    assert sorted(school.states()) == states
    if "held" in states:
        assert [r.reason for r in school.rows if r.state == "held"] == ["possible repeat"]


def test_an_unsent_letter_moves_with_its_opening() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    (before,) = school.rows
    school.occasions = []
    school.opens(1, 14, episode=2)
    school.night(14)
    (after,) = school.rows
    assert after == replace(before, day=START + 14, opening_day=date(14), episode=2)


@pytest.mark.parametrize(
    ("openings", "sent", "answered"),
    [
        ([10, 30], [28], {30: 28}),
        ([10, 30], [12, 28], {10: 12, 30: 28}),
        ([20], [10, 25], {20: 25}),
        ([20], [15, 25], {20: 15}),
        ([10, 20], [15], {10: 15}),
        ([10, 50], [30], {10: 30}),
        ([10, 52], [31], {}),
        ([10, 25], [24, 40], {25: 24}),
        ([10, 12, 14], [11, 13], {10: 11, 12: 13}),
    ],
)
def test_nearest_pairs_first(openings, sent, answered) -> None:
    from attendance_pipeline.letters.answering import slots

    school = LedgerSchool()
    rows = []
    for day in sent:
        school.occasions, school.rows, school.log = [], [], []
        school.opens(1, day)
        school.says("letter_sent", day)
        school.night(day)
        rows += school.rows
    found = slots([opening(1, d) for d in openings], rows, 20)
    assert {s.day - START: s.row.day - START for s in found if s.occasion and s.row} == answered
    assert len([s for s in found if s.row]) == len(sent)


def test_an_episode_inserted_before_a_sent_letter_neither_repeats_nor_swallows_it() -> None:
    school = LedgerSchool()
    school.opens(1, 60)
    school.night(60)
    school.says("letter_sent", 61)
    school.night(61)
    school.occasions = []
    school.opens(1, 20)
    school.ends("recovered", 35)
    school.opens(1, 60, episode=2)
    school.night(62)
    assert school.table() == [
        ("letter_1", "ADA", 20, "superseded", "recovered before it was sent"),
        ("letter_1", "ADA", 60, "sent", ""),
    ]


def test_an_episode_removed_before_a_sent_letter() -> None:
    school = LedgerSchool()
    for day, episode in ((10, 1), (50, 2)):
        school.opens(1, day, episode=episode)
        school.night(day)
        school.says("letter_sent", day + 1)
        school.night(day + 1)
        if episode == 1:
            school.ends("recovered", 30)
    school.occasions = school.occasions[1:]
    assert not school.night(55)
    assert school.states() == ["sent", "sent"]


def test_a_possible_repeat_is_let_go_by_an_approval_or_a_release() -> None:
    for action, state in (("letter_approved", "approved"), ("release", "proposed"), ("letter_rejected", "rejected")):
        school = LedgerSchool()
        school.opens(1, 10)
        school.night(10)
        school.says("letter_sent", 11)
        school.night(11)
        school.occasions = []
        school.opens(1, 40)
        school.night(50)
        assert "held" in school.states()
        school.says(action, 51)
        decision = school.night(51)
        assert school.table()[1][3:] == (state, "" if state == "rejected" else "despite possible repeat")
        assert [m.by for m in decision.moves] == ["A. Clerk"]
        assert not school.night(52)
        assert not school.night(53)


def test_a_letter_to_a_contact_who_came_later_is_a_possible_repeat() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 11)
    school.night(11)
    school.pupils[1] = facts(replace(ADA, contact_id="NEW"))  # the same mother under another number
    school.night(20)
    school.night(21)
    assert school.table() == [("letter_1", "ADA", 10, "sent", ""), ("letter_1", "NEW", 10, "held", "possible repeat")]


def test_a_letter_long_before_any_opening_makes_the_first_a_possible_repeat() -> None:
    school = LedgerSchool()
    school.says("letter_sent", 10)
    school.opens(1, 31)
    school.night(31)
    assert school.table() == [("letter_1", "ADA", 31, "held", "possible repeat")]
    school = LedgerSchool()
    school.says("letter_sent", 11)
    school.opens(1, 31)
    school.night(31)
    assert school.table() == [("letter_1", "ADA", 31, "sent", "")]
