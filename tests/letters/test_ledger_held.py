"""Why letters are held, what lets them go, and the brake. Days count from the first school day of 2025/26."""

from dataclasses import replace

import pytest
from ledger_school import ADA, BO, CALENDAR, POLICY, START, LedgerSchool, date, facts, opening

from attendance_pipeline.letters.holding import braked, holds_of, parse_reason, reason_text
from attendance_pipeline.letters.ledger_rows import Batch, LogEntry
from attendance_pipeline.letters.recipients import Recipients


def UNRESOLVED(occasion, contact):  # a constant: every decision rests on an N
    return {"unresolved N"}


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
        ({"doubts": lambda occasion, contact: {"unresolved N"}}, "unresolved N"),
        ({"doubts": lambda occasion, contact: {"unresolved N"} if occasion.stage == 2 else ()}, ""),
        ({"doubts": lambda occasion, contact: {"unresolved N"} if contact == "BO" else ()}, ""),
        ({"doubts": lambda occasion, contact: {"E or C2 sessions alone"}}, "E or C2 sessions alone"),
        ({"unprintable": lambda occasion, contact, evidence: "a character without a font"}, "cannot be printed"),
        ({"unprintable": lambda occasion, contact, evidence: ""}, ""),
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
    ("contacts_later", "reason"),
    [
        ((replace(ADA, contact_id="7001"),), "recently sent"),
        (
            (replace(ADA, contact_id="7001", forename="ADA ", address=()),),
            "recently sent",
        ),  # and a new address: letter 2 is handed over
        ((replace(ADA, contact_id="7001", forename="Anne"),), ""),  # somebody else
        ((ADA, replace(ADA, contact_id="7001")), ""),  # two who are called the same, both known
        ((replace(ADA, contact_id="7001"), replace(ADA, contact_id="7002")), ""),  # nobody can tell which
    ],
)
def test_recently_sent_to_one_whom_the_school_now_gives_another_contact_id(contacts_later, reason) -> None:
    school = LedgerSchool()
    school.opens(1, 10)
    school.night(10)
    school.says("letter_sent", 10, contact="ADA")
    school.night(10)
    school.pupils[1] = facts(*contacts_later)
    school.opens(2, 11)
    school.night(11)
    (row,) = [row for row in school.table() if row[0] == "letter_2" and row[1] == "7001"]
    assert row[3:] == ("held" if reason else "proposed", reason)


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
    assert holds_of(entries, date(3)).on(1, "ADA", "letter_1") == {"safeguarding hold"}
    assert holds_of([*entries, LogEntry(1, date(3), "release")], date(3)).on(1, "ADA", "letter_1") == frozenset()
    assert holds_of(entries, date(0)).on(1, "ADA", "letter_1") == frozenset()


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
    school.night(12, doubts=UNRESOLVED)
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
    school.night(11, doubts=UNRESOLVED)
    assert school.table()[0][3:] == ("held", "unresolved N; despite looked after")
    school.night(12, doubts=UNRESOLVED)
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
        school.occasions.append(opening(1, 10, pupil=p))
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
    later = school.occasions.pop()
    assert not school.night(10).batch.held
    school.occasions.append(later)
    assert school.night(10).batch == Batch(
        f"oakfield {date(10)}", date(10), 6, True, False, "6 letters: more than 5% of 119 pupils on roll"
    )
    assert {(r.state, r.reason) for r in school.rows} == {("held", "brake")}


def test_a_day_full_of_n_brakes_when_they_come_back_together() -> None:
    school = many(6, roll=100)
    school.night(10, doubts=UNRESOLVED)
    assert {r.reason for r in school.rows} == {"unresolved N"}
    assert school.night(13).batch.held
    assert {r.reason for r in school.rows} == {"brake"}
