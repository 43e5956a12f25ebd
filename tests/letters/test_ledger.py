"""What becomes of letters, night after night. Days count from the first school day of 2025/26."""

import datetime as dt
from dataclasses import replace

import pytest
from ledger_school import ADA, BO, CALENDAR, POLICY, SECRET, START, LedgerSchool, date, facts

from attendance_pipeline.letters.holding import braked, holds_of, parse_reason, reason_text
from attendance_pipeline.letters.ledger_rows import Batch, LogEntry
from attendance_pipeline.letters.openings import Opening, StageEvent, openings_from_events
from attendance_pipeline.letters.recipients import Recipients
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
    there, school.openings = school.openings, []
    school.night(12)
    assert school.table() == [("letter_1", "ADA", 10, "superseded", "the marks no longer support it")]
    school.openings = there
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
    school.openings = []
    decision = school.night(12)
    assert not decision and [why for _, why in decision.findings] == ["sent, and the marks no longer support it"]
    school.log = []
    assert not school.night(13)
    assert school.states() == ["sent"]


def test_a_new_school_year_ends_what_was_not_sent() -> None:
    school = LedgerSchool()
    school.opens(1, -20)
    school.night(-20)
    school.openings = []
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
    school.openings = []
    school.opens(1, 12)
    school.night(12)
    assert school.states() == ["sent", "proposed"]


def test_a_letter_of_a_later_day_is_left_alone() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    assert not school.night(8)


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
    school.openings = []
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
    school.openings = []
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
        school.openings, school.rows, school.log = [], [], []
        school.opens(1, day)
        school.says("letter_sent", day)
        school.night(day)
        rows += school.rows
    found = slots([Opening(1, START + d, 1, 1) for d in openings], rows, 20)
    assert {s.day - START: s.row.day - START for s in found if s.opening and s.row} == answered
    assert len([s for s in found if s.row]) == len(sent)


def test_an_episode_inserted_before_a_sent_letter_neither_repeats_nor_swallows_it() -> None:
    school = LedgerSchool()
    school.opens(1, 60)
    school.night(60)
    school.says("letter_sent", 61)
    school.night(61)
    school.openings = []
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
    school.openings = school.openings[1:]
    assert not school.night(55)
    assert school.states() == ["sent", "sent"]


def test_a_possible_repeat_is_let_go_by_an_approval_or_a_release() -> None:
    for action, state in (("letter_approved", "approved"), ("release", "proposed"), ("letter_rejected", "rejected")):
        school = LedgerSchool()
        school.opens(1, 10)
        school.night(10)
        school.says("letter_sent", 11)
        school.night(11)
        school.openings = []
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
    there, school.openings = school.openings, []
    school.night(11)
    school.says("letter_sent", 11)
    school.night(12)
    assert school.states() == ["sent"]
    school.openings = there
    assert not school.night(13)


def test_sent_to_all_means_those_it_could_be_sent_to() -> None:
    school = LedgerSchool(facts(ADA, replace(BO, address=())))
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 11)
    school.night(11)
    school.night(12)
    assert school.table() == [("letter_1", "ADA", 10, "sent", ""), ("letter_1", "BO", 10, "held", "no address")]


# ---------------------------------------------------------------- held


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"recipients": Recipients()}, "no recipient"),
        ({"recipients": Recipients((), {"ADA": "do-not-send"})}, "do-not-send"),
        ({"recipients": Recipients((), {"ADA": "court restriction"})}, "court restriction"),
        ({"recipients": Recipients((replace(ADA, address=()),))}, "no address"),
        ({"looked_after": True}, "looked after"),
        ({"left": True}, "left"),
        ({"recipients": Recipients((replace(ADA, address=()),)), "looked_after": True}, "no address; looked after"),
        ({"compulsory_age": False}, ""),  # a letter that states no legal duty
    ],
)
def test_held_for_what_the_pupil_is(change, reason) -> None:
    school = LedgerSchool(replace(facts(), **change))
    school.opens(1, 10)
    school.night(10)
    (row,) = school.table()
    assert row[3:] == ("held" if reason else "proposed", reason)
    school.pupils[1] = facts()
    school.night(11)
    if row[1] == "ADA":  # a letter whose reason has gone goes back to proposed
        assert school.table() == [("letter_1", "ADA", 10, "proposed", "")]
    else:
        assert school.table() == [
            ("letter_1", "", 10, "superseded", "a recipient is known now"),
            ("letter_1", "ADA", 10, "proposed", ""),
        ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"failed_school": True}, "quality check failed"),
        ({"failed_classes": frozenset({"4K"})}, "quality check failed"),
        ({"failed_classes": frozenset({"4L"})}, ""),
        ({"stands_without_n": set()}, "unresolved N"),
        ({"stands_without_n": {(1, 1)}}, ""),
        ({"stands_without_n": {(1, 2)}}, "unresolved N"),
        ({"stands_without_e_c2": set()}, "E or C2 sessions alone"),
        ({"stands_without_e_c2": {(1, 1)}}, ""),
        ({"unprintable": lambda person, contact, kind: "a character without a font"}, "cannot be printed"),
        ({"unprintable": lambda person, contact, kind: ""}, ""),
    ],
)
def test_held_for_what_the_night_found(change, reason) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10, **change)
    assert school.table()[0][3:] == ("held" if reason else "proposed", reason)
    school.night(11)
    assert school.table()[0][3:] == ("proposed", "")


def test_letters_that_are_handed_over_need_no_address() -> None:
    school = LedgerSchool(facts(replace(ADA, address=())))
    school.opens(2, 10)
    school.night(10)
    assert school.table() == [("letter_2", "ADA", 10, "proposed", "")]


@pytest.mark.parametrize(
    ("row_was", "excluded", "reason"),
    [
        ("proposed", {"BO": "court restriction"}, "court restriction"),
        ("approved", {"BO": "do-not-send"}, "do-not-send"),
        ("proposed", {}, "no recipient"),
    ],
)
def test_a_contact_who_may_no_longer_get_the_letter(row_was, excluded, reason) -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.opens(1, 10)
    school.night(10)
    if row_was == "approved":
        school.says("letter_approved", 10)
        school.night(10)
    school.pupils[1] = facts(ADA, excluded=excluded)
    school.night(11)
    assert school.table()[1] == ("letter_1", "BO", 10, "held", reason)
    school.pupils[1] = facts(ADA, BO)
    school.night(12)
    assert school.table()[1] == ("letter_1", "BO", 10, "proposed", "")


def test_a_pupil_who_left_keeps_the_letter_held() -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.ends("left", 12)
    school.pupils[1] = facts(left=True)
    school.night(12)
    assert school.table() == [("letter_1", "ADA", 10, "held", "left")]


@pytest.mark.parametrize(
    ("stage_2_opens", "weeks_after", "state"),
    [(11, 0, "held"), (16, 1, "held"), (20, 2, "proposed"), (21, 2, "proposed")],
)
def test_recently_sent_counts_school_weeks(stage_2_opens, weeks_after, state) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 10)
    school.night(10)
    assert int(CALENDAR.week[START + stage_2_opens] - CALENDAR.week[START + 10]) == weeks_after
    school.opens(2, stage_2_opens)
    school.night(stage_2_opens)
    assert school.table()[1][3:] == (state, "recently sent" if state == "held" else "")
    school.night(24)
    assert school.states() == ["sent", "proposed"]


def test_recently_sent_is_of_the_same_contact() -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 10, contact="BO")
    school.opens(2, 12)
    school.night(12)
    letters = {contact: state for kind, contact, _, state, _ in school.table() if kind == "letter_2"}
    assert letters == {"ADA": "proposed", "BO": "held"}


@pytest.mark.parametrize(
    ("stage", "contact", "until", "reasons"),
    [
        (None, "", None, ["safeguarding hold", "safeguarding hold"]),
        (1, "", None, ["do-not-send", "do-not-send"]),
        (2, "", None, ["", ""]),
        (None, "BO", None, ["", "do-not-send"]),
        (None, "", 10, ["safeguarding hold", "safeguarding hold"]),
        (None, "", 9, ["", ""]),
    ],
)
def test_holds_of_the_log(stage, contact, until, reasons) -> None:
    school = LedgerSchool(facts(ADA, BO))
    school.says("hold", 8, stage=stage, contact=contact, until=until and date(until))
    school.opens(1, 10)
    school.night(10)
    assert [reason for *_, reason in school.table()] == reasons
    school.says("release", 11, stage=None)
    school.night(11)
    assert school.states() == ["proposed", "proposed"]


def test_a_release_of_one_letter_does_not_end_the_hold_of_the_pupil() -> None:
    entries = [LogEntry(1, date(1), "hold"), LogEntry(1, date(2), "release", stage=1)]
    assert holds_of(entries, date(3)).on(1, "ADA") == {"safeguarding hold"}
    assert holds_of([*entries, LogEntry(1, date(3), "release")], date(3)).on(1, "ADA") == frozenset()
    assert holds_of(entries, date(0)).on(1, "ADA") == frozenset()


@pytest.mark.parametrize("action", ["letter_approved", "release"])
def test_what_no_person_may_let_go(action) -> None:
    school = LedgerSchool(facts(replace(ADA, address=())))
    school.opens(1, 10)
    school.night(10)
    school.says(action, 11)
    school.night(11)
    assert school.table()[0][3:] == ("held", "no address")


def test_a_new_reason_holds_what_was_let_go_for_another() -> None:
    school = LedgerSchool(facts(looked_after=True))
    school.opens(1, 10)
    school.night(10)
    school.says("letter_approved", 11)
    school.night(11)
    assert school.table()[0][3:] == ("approved", "despite looked after")
    school.night(12, stands_without_n=set())
    assert school.table()[0][3:] == ("held", "unresolved N; despite looked after")
    school.night(13)
    assert school.table()[0][3:] == ("proposed", "despite looked after")
    school.pupils[1] = facts()
    school.night(14)
    assert school.table()[0][3:] == ("proposed", "")
    school.pupils[1] = facts(looked_after=True)
    school.night(15)
    assert school.table()[0][3:] == ("held", "looked after")


def test_an_act_lets_go_of_what_stood_then_and_of_nothing_later() -> None:
    school = LedgerSchool(facts(looked_after=True))
    school.opens(1, 10)
    school.night(10)
    school.says("release", 11)
    school.night(11, stands_without_n=set())
    assert school.table()[0][3:] == ("held", "unresolved N; despite looked after")
    school.night(12, stands_without_n=set())
    assert school.table()[0][3:] == ("held", "unresolved N; despite looked after")

    school = LedgerSchool(facts(replace(ADA, address=())))
    school.opens(1, 10)
    school.night(10)
    school.says("release", 11)
    school.night(11)
    school.pupils[1] = facts(replace(ADA, address=()), looked_after=True)
    for night in (13, 14, 15):
        school.night(night)
        assert school.table()[0][3:] == ("held", "no address; looked after")


def test_reasons_are_written_and_read() -> None:
    text = reason_text({"unresolved N", "no address"}, {"looked after"})
    assert text == "no address; unresolved N; despite looked after"
    assert parse_reason(text) == ({"unresolved N", "no address"}, {"looked after"})
    assert parse_reason("the marks no longer support it") == (frozenset(), frozenset())


# ---------------------------------------------------------------- the brake


@pytest.mark.parametrize(
    ("letters", "roll", "earlier", "held"),
    [
        (5, 10, [], False),  # never for five or fewer
        (6, 100, [], True),
        (6, 120, [], False),  # exactly 5%
        (6, 119, [], True),
        (10, 200, [], False),
        (11, 200, [], True),
        (7, 1000, [2] * 7, False),  # seven batches are not eight
        (7, 1000, [2] * 8, True),
        (6, 1000, [2] * 8, False),  # exactly three times
        (7, 1000, [1, 1, 1, 1, 3, 3, 3, 3], True),
        (6, 1000, [1, 1, 1, 1, 3, 3, 3, 3], False),
        (2, 1000, [0] * 20, False),  # a night without letters is no batch
    ],
)
def test_when_a_batch_is_held(letters, roll, earlier, held) -> None:
    batches = [Batch(str(n), date(n), size) for n, size in enumerate(earlier)]
    assert bool(braked(letters, roll, batches, POLICY.setting.letters)) == held


def many(pupils: int, **inputs) -> LedgerSchool:
    school = LedgerSchool(*(facts() for _ in range(pupils)), **inputs)
    for p in school.pupils:
        school.openings.append(Opening(p, START + 10, 1, 1))
    return school


def test_a_large_batch_waits_for_a_person() -> None:
    school = many(6, roll=100)
    batch = school.night(10).batch
    assert batch.held and batch.reason == "6 letters: more than 5% of 100 pupils on roll"
    assert {(r.state, r.reason) for r in school.rows} == {("held", "brake")}
    assert not school.night(11)
    school.release(batch.id)
    decision = school.night(12)
    assert {(r.state, r.reason, r.batch) for r in school.rows} == {("proposed", "", batch.id)}
    assert decision.batch is None
    assert not school.night(13)


def test_one_letter_of_a_held_batch_is_let_go() -> None:
    school = many(6, roll=100)
    school.night(10)
    school.says("letter_approved", 11, pupil=3)
    school.night(11)
    assert [r.state for r in sorted(school.rows, key=lambda r: r.person_id)] == ["held"] * 2 + ["approved"] + [
        "held"
    ] * 3


def test_a_batch_that_grows_on_its_day_is_held_whole() -> None:
    school = many(6, roll=119)
    later = school.openings.pop()
    assert not school.night(10).batch.held
    school.openings.append(later)
    assert school.night(10).batch == Batch(
        f"oakfield {date(10)}", date(10), 6, True, False, "6 letters: more than 5% of 119 pupils on roll"
    )
    assert {(r.state, r.reason) for r in school.rows} == {("held", "brake")}


def test_a_day_full_of_n_brakes_when_they_come_back_together() -> None:
    school = many(6, roll=100)
    school.night(10, stands_without_n=set())
    assert {r.reason for r in school.rows} == {"unresolved N"}
    assert school.night(13).batch.held
    assert {r.reason for r in school.rows} == {"brake"}


# ---------------------------------------------------------------- openings


def event(day: int, name: str, to_stage: int, person: int = 1, episode: int = 1) -> StageEvent:
    return StageEvent(person, START + day, name, to_stage, episode)


def test_openings_of_a_year() -> None:
    events = [
        event(-5, "opened", 1),
        event(10, "opened", 1),
        event(30, "not_dropped", 1),
        event(50, "escalated", 2),
        event(70, "recovered", 0),
        event(20, "opened", 1, person=2),
        event(25, "set", 3, person=2),
        event(90, "left", 0, person=2),
    ]
    found = openings_from_events(events, CALENDAR, START + 80)
    assert [(o.person_id, o.day - START, o.stage, o.ended, o.ended_on and o.ended_on - START) for o in found] == [
        (1, 10, 1, "escalated", 50),
        (1, 50, 2, "recovered", 70),
        (2, 20, 1, "set", 25),
        (2, 25, 3, "", None),
    ]
    assert [o.present for o in openings_from_events(events, CALENDAR, START + 90)][-1] is False
    assert [o.stage for o in openings_from_events(events, CALENDAR, START + 45)] == [1, 1, 3]


def test_without_a_reset_a_stage_goes_on_into_the_new_year() -> None:
    events = [event(-5, "opened", 1), event(30, "escalated", 2)]
    at_20 = openings_from_events(events, CALENDAR, START + 20, reset=False)
    assert [(o.day - START, o.present) for o in at_20] == [(-5, True)]
    assert openings_from_events(events, CALENDAR, START + 20) == []
    assert [o.stage for o in openings_from_events(events, CALENDAR, START + 30, reset=False)] == [2]


def test_set_twice_on_one_day_is_one_opening() -> None:
    found = openings_from_events([event(5, "set", 2), event(5, "set", 2)], CALENDAR, START + 5)
    assert [(o.stage, o.present) for o in found] == [(2, True)]
