"""Letters of every kind, night after night: what is proposed to whom, what the log means by them, and every attempt to
make a second or a wrong one go. Days count from the first school day of 2025/26."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledger_school import ADA, BO, START, LedgerSchool, date, facts, opening

from attendance_pipeline.law.policy import (
    LETTER_KINDS,
    MAY_GO_UNAPPROVED,
    STAGE_OF_LETTER,
    policy_from_text,
    shipped_policy_text,
)
from attendance_pipeline.law.settings_errors import SettingsErrors
from attendance_pipeline.letters.decisions import Wanted, entries_for
from attendance_pipeline.letters.kind_rules import KIND_RULES
from attendance_pipeline.letters.ledger_rows import MACHINE, POLICY, Batch
from attendance_pipeline.letters.occasions import OUT_OF_DATE, Occasion
from attendance_pipeline.letters.recipients import Recipients


def policy(**letters: Any) -> Any:
    """The shipped ladder and rules, with these settings of `[letters]`; all kinds unless it says which."""
    lines = [
        f"{name} = {value!r}".replace("True", "true")
        for name, value in ({"kinds": list(LETTER_KINDS)} | letters).items()
    ]
    text = (
        shipped_policy_text().split("[letters]")[0]
        + "[letters]\n"
        + "\n".join(lines).replace("(", "[").replace(")", "]")
    )
    return policy_from_text(text, Path("policy.toml"))


ALL = policy()
FAMILY = [kind for kind in LETTER_KINDS if not KIND_RULES[kind].to_authority]
STAGELESS = [kind for kind in LETTER_KINDS if kind not in STAGE_OF_LETTER]
STAGE = {"meeting_invitation": 2, "improved": 1, "continuing": 1} | STAGE_OF_LETTER


def occasion(kind: str, on: int, *, pupil: int = 1, ended: str = "", ended_on: int | None = None) -> Occasion:
    """An occasion of a kind, at a stage that fits it."""
    end = None if ended_on is None else START + ended_on
    return Occasion(pupil, kind, START + on, STAGE.get(kind, 0), 1 if kind in STAGE else 0, "because", ended, end)


def school(*pupils: Any, **inputs: Any) -> LedgerSchool:
    return LedgerSchool(*(pupils or (facts(ADA, BO),)), **{"policy": ALL, "roll": 1000, **inputs})


def sends(them: LedgerSchool, kind: str, on: int, contact: str = "") -> None:
    """Somebody writes into the log that a letter of a kind was sent."""
    them.says("letter_sent", on, stage=None, contact=contact, letter=kind)


# -- to whom, and when ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_each_recipient_has_a_letter_and_the_local_authority_one_a_pupil(kind: str) -> None:
    them = school()
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    contacts = [""] if kind == "referral_pack" else ["ADA", "BO"]
    assert them.table() == [(kind, contact, 10, "proposed", "") for contact in contacts]
    assert {(r.stage, r.episode) for r in them.rows} == {(STAGE.get(kind, 0), 1 if kind in STAGE else 0)}
    assert not them.night(11)


@pytest.mark.parametrize(
    ("kind", "needs_an_address", "legal"),
    [
        ("letter_1", True, False),
        ("meeting_invitation", True, False),
        ("letter_2", False, False),
        ("letter_3", False, False),
        ("improved", True, False),
        ("continuing", True, False),
        ("medical_support", True, False),
        ("penalty_notice_warning", True, True),
        ("notice_to_improve", True, True),
        ("referral_pack", False, True),
    ],
)
@pytest.mark.parametrize("what", ["no address", "not of compulsory school age", "looked after"])
def test_reasons_to_hold_by_kind(kind: str, needs_an_address: bool, legal: bool, what: str) -> None:
    pupil = {
        "no address": facts(replace(ADA, address=())),
        "not of compulsory school age": facts(compulsory_age=False),
        "looked after": facts(looked_after=True),
    }[what]
    them = school(pupil)
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    held = {"no address": needs_an_address, "not of compulsory school age": legal, "looked after": True}[what]
    (row,) = them.rows
    assert (row.state, row.reason) == (("held", what) if held else ("proposed", ""))


def test_without_a_recipient_only_the_local_authoritys_goes() -> None:
    them = school(replace(facts(), recipients=Recipients((), {"ADA": "court restriction"})))
    them.occasions = [occasion(kind, 10) for kind in LETTER_KINDS]
    them.night(10)
    held = {(kind, "", 10, "held", "court restriction") for kind in FAMILY}
    assert set(them.table()) == held | {("referral_pack", "", 10, "proposed", "")}
    them.pupils[1] = facts()
    them.night(11)
    assert {row[0] for row in them.table() if row[1] == "ADA"} == set(FAMILY)
    assert {row[3] for row in them.table() if row[1] == ""} == {"superseded", "proposed"}


@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_a_kind_that_is_not_proposed_has_no_row_and_one_switched_off_goes_no_further(kind: str) -> None:
    them = school(policy=policy(kinds=[k for k in LETTER_KINDS if k != kind]))
    them.occasions = [occasion(kind, 10)]
    assert not them.night(10) and them.rows == []
    them.inputs["policy"] = ALL
    them.night(11)
    assert set(them.states()) == {"proposed"}
    them.inputs["policy"] = policy(kinds=[k for k in LETTER_KINDS if k != kind])
    them.night(12)
    assert {row[3:] for row in them.table()} == {("superseded", "the school's policy does not have this letter")}
    them.inputs["policy"] = ALL
    them.night(13)
    assert set(them.states()) == {"proposed"}


@pytest.mark.parametrize("kind", LETTER_KINDS)
@pytest.mark.parametrize(("on", "rows"), [(9, 0), (10, 1)])
def test_nothing_before_the_school_went_live(kind: str, on: int, rows: int) -> None:
    them = school(facts(), go_live=date(10))
    them.occasions = [occasion(kind, on)]
    them.night(12)
    assert len(them.rows) == rows


@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_a_pupil_who_left_keeps_the_letter_held(kind: str) -> None:
    them = school(facts())
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    them.occasions = [occasion(kind, 10, ended="left", ended_on=12)]
    them.pupils[1] = facts(left=True)
    them.night(12)
    assert [row[3:] for row in them.table()] == [("held", "left")]


@pytest.mark.parametrize("state", ["proposed", "held", "approved"])
@pytest.mark.parametrize("kind", ["improved", "continuing", "medical_support"])
def test_out_of_date_unless_somebody_has_approved_it(kind: str, state: str) -> None:
    them = school(facts(looked_after=state == "held"))
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    if state == "approved":
        them.says("letter_approved", 11, stage=None, letter=kind)
        them.night(11)
    assert them.states() == [state]
    them.occasions = [occasion(kind, 10, ended=OUT_OF_DATE, ended_on=31)]
    them.night(31)
    late = ("superseded", "not sent in time, and out of date now")
    assert [row[3:] for row in them.table()] == [("approved", "") if state == "approved" else late]


# -- a second letter ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LETTER_KINDS)
@pytest.mark.parametrize(("moved_to", "second"), [(8, False), (10, False), (30, False), (31, True), (60, True)])
def test_an_occasion_that_a_correction_moves_keeps_its_letter(kind: str, moved_to: int, second: bool) -> None:
    them = school(facts())
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    sends(them, kind, 11)
    them.night(11)
    assert them.states() == ["sent"]
    them.occasions = [occasion(kind, moved_to)]
    them.night(65)
    assert sorted(row[3:] for row in them.table()) == ([("held", "possible repeat")] if second else []) + [("sent", "")]


@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_one_inserted_or_removed_before_a_sent_letter_neither_repeats_nor_swallows_it(kind: str) -> None:
    them = school(facts())
    later = occasion(kind, 60)
    them.occasions = [later]
    them.night(60)
    sends(them, kind, 61)
    them.night(61)
    them.occasions = [occasion(kind, 20, ended="recovered", ended_on=30), later]
    them.night(62)
    assert [row[2:4] for row in them.table()] == [(20, "superseded"), (60, "sent")]
    them.occasions = [later]
    assert not them.night(63)
    assert [row[2:4] for row in them.table()] == [(20, "superseded"), (60, "sent")]


@pytest.mark.parametrize("kind", LETTER_KINDS)
@pytest.mark.parametrize("how", ["again tonight", "twice in the log", "in two words", "the marks go and come back"])
def test_what_was_sent_is_not_sent_again(kind: str, how: str) -> None:
    them = school(facts())
    there = [occasion(kind, 10)]
    them.occasions = list(there)
    them.night(10)
    sends(them, kind, 11)
    them.night(11)
    if how == "twice in the log":
        sends(them, kind, 11)
        sends(them, kind, 12)
    elif how == "in two words":
        them.says("letter_sent", 12, stage=None, reference=them.rows[0].reference)
    elif how == "the marks go and come back":
        them.occasions = []
        them.night(12)
        them.occasions = there
    for night in (11, 12, 13):
        them.night(night)
    assert [(row[0], row[3]) for row in them.table()] == [(kind, "sent")]
    assert them.rows[0].sent_on == date(11)


@pytest.mark.parametrize("kind", FAMILY)
def test_the_same_mother_under_another_number_gets_no_second_letter(kind: str) -> None:
    them = school(facts())
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    sends(them, kind, 11)
    them.night(11)
    them.pupils[1] = facts(replace(ADA, contact_id="NEW"))
    them.night(30)
    assert [row[1:] for row in them.table()] == [("ADA", 10, "sent", ""), ("NEW", 10, "held", "possible repeat")]


@pytest.mark.parametrize("kind", FAMILY)
def test_a_letter_soon_after_another_is_held(kind: str) -> None:
    them = school(facts())
    them.occasions = [occasion(kind, 12), occasion("medical_support" if kind != "medical_support" else "improved", 10)]
    them.night(10)
    sends(them, them.rows[0].kind, 11)
    them.night(12)
    assert {(row[0], row[4]) for row in them.table() if row[0] == kind} == {(kind, "recently sent")}
    them.night(26)
    assert {(row[0], row[3]) for row in them.table() if row[0] == kind} == {(kind, "proposed")}


def test_an_invitation_and_the_letter_given_at_that_meeting_belong_together() -> None:
    them = school(facts())
    them.occasions = [occasion("meeting_invitation", 10), opening(2, 10)]
    them.night(10)
    assert them.states() == ["proposed", "proposed"]
    sends(them, "meeting_invitation", 11)
    them.night(11)
    assert them.table() == [("letter_2", "ADA", 10, "proposed", ""), ("meeting_invitation", "ADA", 10, "sent", "")]
    them.occasions.append(replace(opening(3, 14)))  # of another stage: that is a letter soon after a letter
    them.night(14)
    assert ("letter_3", "ADA", 14, "held", "recently sent") in them.table()


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("penalty_notice_warning", "held"),
        ("notice_to_improve", "held"),
        ("medical_support", "held"),
        ("improved", "proposed"),
        ("letter_1", "proposed"),
    ],
)
def test_a_warning_of_july_is_not_repeated_in_september(kind: str, state: str) -> None:
    them = school(facts())
    them.occasions = [occasion(kind, -20)]
    them.night(-20)
    sends(them, kind, -19)
    them.night(-19)
    them.occasions = [occasion(kind, 3)]
    them.night(3)
    assert [row[3:] for row in them.table() if row[2] == 3] == [(state, "possible repeat" if state == "held" else "")]
    them.night(60)  # ten school weeks later it is no repeat
    assert [row[3] for row in them.table() if row[2] == 3] == ["proposed"]


@pytest.mark.parametrize("kind", LETTER_KINDS)
@pytest.mark.parametrize(
    "ended", ["recovered", "reviewed since", "opened since", "set", "the threshold is no longer met"]
)
def test_a_letter_that_is_not_true_any_more_does_not_go(kind: str, ended: str) -> None:
    them = school(facts())
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    them.says("letter_approved", 11, stage=None, letter=kind)
    them.night(11)
    assert them.states() == ["approved"]
    them.occasions = [occasion(kind, 10, ended=ended, ended_on=12)]
    them.night(12)
    assert them.states() == ["superseded"] and them.rows[0].reason not in ("", ended if " since" in ended else "")


@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_what_was_rejected_is_not_proposed_again(kind: str) -> None:
    them = school(facts())
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    them.says("letter_rejected", 11, stage=None, letter=kind)
    for night in (11, 12, 40):
        them.night(night)
    assert them.states() == ["rejected"]


# -- what an entry of the log means ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "becomes", "others"),
    [
        ("letter_approved", "approved", "proposed"),
        ("letter_rejected", "rejected", "proposed"),
        ("letter_sent", "sent", "held"),  # recently sent: whichever letter it was
    ],
)
@pytest.mark.parametrize("stage", [None, 1, 2, 3])
def test_an_entry_that_names_no_letter_means_the_stages_own(
    action: str, becomes: str, others: str, stage: int | None
) -> None:
    them = school(facts())
    them.stages[1] = 1
    them.occasions = [opening(1, 10), *(occasion(kind, 10) for kind in STAGELESS)]
    them.night(10)
    them.says(action, 11, stage=stage)
    them.night(11)
    states = {row[0]: row[3] for row in them.table()}
    assert states.pop("letter_1") == (becomes if stage in (None, 1) else others)
    assert states == dict.fromkeys(STAGELESS, others)


@pytest.mark.parametrize("kind", LETTER_KINDS)
@pytest.mark.parametrize(
    ("action", "state"), [("letter_approved", "approved"), ("letter_rejected", "rejected"), ("letter_sent", "sent")]
)
@pytest.mark.parametrize("by", ["kind", "reference", "contact and kind"])
def test_an_entry_that_names_a_letter_means_that_one(kind: str, action: str, state: str, by: str) -> None:
    them = school()
    them.occasions = [occasion(k, 10) for k in LETTER_KINDS]
    them.night(10)
    meant = next(r for r in them.rows if r.kind == kind)
    said = {"kind": {"letter": kind}, "reference": {"reference": meant.reference}}
    more = said.get(by, {"letter": kind, "contact": meant.contact_id})
    them.says(action, 11, stage=None, **more)
    them.night(11)
    alike = [r for r in them.rows if r.kind == kind]
    expected = [state] * len(alike) if by == "kind" else [state] + ["proposed"] * (len(alike) - 1)
    if action == "letter_sent":  # the other parent of the same case: not touched
        assert sorted(r.state for r in alike) == sorted(expected)
        assert {r.state for r in them.rows if r.kind != kind and r.contact_id not in ("ADA", "BO")} <= {"proposed"}
    else:
        assert sorted(r.state for r in alike) == sorted(expected)
        assert {r.state for r in them.rows if r.kind != kind} == {"proposed"}


def test_a_reference_that_nobody_knows_means_no_letter() -> None:
    them = school(facts())
    them.occasions = [occasion("improved", 10)]
    them.night(10)
    them.says("letter_sent", 11, stage=None, letter="improved", reference="OAK-0000-0000")
    them.night(11)
    assert them.table()[0][3:] == ("held", "recently sent")  # a letter went, and it was none of ours


@pytest.mark.parametrize(
    ("contact", "states"), [("", ["sent", "sent"]), ("ADA", ["sent", "proposed"]), ("BO", ["proposed", "sent"])]
)
def test_a_notice_to_improve_that_was_issued_was_the_draft(contact: str, states: list[str]) -> None:
    them = school()
    them.occasions = [occasion("notice_to_improve", 10), occasion("penalty_notice_warning", 10)]
    them.night(10)
    them.says("notice_to_improve_issued", 12, stage=3, contact=contact, until=date(40))
    them.night(12)
    assert [row[3] for row in them.table() if row[0] == "notice_to_improve"] == states
    assert {row[3] for row in them.table() if row[0] == "penalty_notice_warning"} <= {"proposed", "held"}
    them.occasions = [
        occasion("notice_to_improve", 10, ended="a Notice to Improve was issued", ended_on=12),
        occasion("penalty_notice_warning", 10, ended="a Notice to Improve was issued", ended_on=12),
    ]
    them.night(13)
    left = [row[3] for row in them.table() if row[3] != "sent"]
    assert set(left) == {"superseded"} and len(left) == 2 + states.count("proposed")


@pytest.mark.parametrize(("stage", "state"), [(4, "sent"), (None, "sent"), (2, "proposed")])
def test_a_referral_that_was_made_was_the_pack(stage: int | None, state: str) -> None:
    them = school()
    them.opens(4, 10)
    them.night(10)
    them.says("referral_made", 12, stage=stage)
    them.night(12)
    assert them.states() == [state]


@pytest.mark.parametrize(
    ("stage", "rejected"),
    [
        (None, {"referral_pack", "notice_to_improve", "penalty_notice_warning"}),
        (4, {"referral_pack"}),
        (3, {"notice_to_improve", "penalty_notice_warning"}),
    ],
)
def test_what_is_not_pursued_is_rejected(stage: int | None, rejected: set[str]) -> None:
    them = school(facts())
    them.stages[1] = 4
    them.occasions = [occasion(kind, 10) for kind in LETTER_KINDS]
    them.night(10)
    them.says("not_pursued", 12, stage=stage)
    decision = them.night(12)
    assert {row[0] for row in them.table() if row[3] == "rejected"} == rejected
    assert {m.by for m in decision.moves} == {"A. Clerk"}
    # A case that comes near again another time is another case.
    them.occasions = [occasion("penalty_notice_warning", 70)]
    them.night(70)
    assert ("penalty_notice_warning", "ADA", 70, "proposed", "") in them.table()


@pytest.mark.parametrize(
    ("kind", "action", "dates"),
    [
        ("notice_to_improve", "notice_to_improve_issued", ("2025-09-22", "2025-11-07")),
        ("referral_pack", "referral_made", ("", "")),
        ("penalty_notice_warning", "letter_sent", ("", "")),
        ("letter_2", "letter_sent", ("", "")),
    ],
)
def test_a_draft_that_was_sent_is_written_as_what_it_was_a_draft_of(
    kind: str, action: str, dates: tuple[str, str]
) -> None:
    evidence = {"improvement": ["2025-09-22", "2025-11-07", 6], "as_at": date(10).isoformat()}
    them = school(facts(), evidence=lambda occasion, contact, day: evidence)
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    them.says("letter_approved", 11, stage=None, letter=kind)
    them.night(11)
    (row,) = them.rows
    answer = entries_for([Wanted(row.reference, "sent", date(12), "A. Lead")], {row.reference: vars(row)},
                         letterhead=True, today=date(12))  # fmt: skip
    (entry,) = answer.entries
    assert (entry["Action"], (entry["From"], entry["Until"])) == (action, dates)
    more = {"letter": entry["Letter"], "reference": entry["Reference"], "contact": entry["Contact ID"]}
    them.says(entry["Action"], 12, stage=entry["Stage"] or None, **more)
    them.night(12)
    assert them.states() == ["sent"]


@pytest.mark.parametrize("by", ["kind", "reference", "contact"])
def test_one_letter_is_held_and_let_go_alone(by: str) -> None:
    them = school(facts())
    them.occasions = [occasion("improved", 10), opening(1, 10)]
    them.night(10)
    (meant,) = [r for r in them.rows if r.kind == "improved"]
    more = {"kind": {"letter": "improved"}, "reference": {"reference": meant.reference}, "contact": {"contact": "ADA"}}[
        by
    ]
    them.says("hold", 11, stage=None, **more)
    them.night(11)
    held = {row[0]: row[3:] for row in them.table()}
    assert held["improved"] == ("held", "do-not-send")
    assert held["letter_1"] == (("held", "do-not-send") if by == "contact" else ("proposed", ""))
    them.says("release", 12, stage=None, **more)
    them.night(12)
    assert them.states() == ["proposed", "proposed"]


@pytest.mark.parametrize("kind", ["penalty_notice_warning", "notice_to_improve", "referral_pack"])
def test_a_letter_that_states_a_legal_duty_is_let_go_by_its_name_alone(kind: str) -> None:
    them = school(facts(looked_after=True))
    them.occasions = [occasion(kind, 10), opening(1, 10)]
    them.night(10)
    assert them.states() == ["held", "held"]
    them.says("release", 11, stage=None)
    them.night(11)
    states = {row[0]: row[3] for row in them.table()}
    assert states == {kind: "held", "letter_1": "proposed"}
    them.says("release", 12, stage=None, letter=kind)
    them.night(12)
    assert {row[0]: row[3:] for row in them.table()}[kind] == ("proposed", "despite looked after")


def test_nobody_lets_a_referral_go_while_an_n_is_left() -> None:
    for action, more in (("letter_approved", {"stage": 4}), ("release", {"stage": 4, "letter": "referral_pack"})):
        them = school(facts(), doubts=lambda occasion, contact: {"unresolved N"})
        them.opens(4, 10)
        them.night(10)
        them.says(action, 11, **more)
        them.night(11)
        assert [row[3:] for row in them.table()] == [("held", "unresolved N")]
        them.inputs["doubts"] = lambda occasion, contact: ()
        them.night(12)
        assert them.states() == ["proposed"]


# -- without a person -----------------------------------------------------------------------------------------------------

UNAPPROVED = {"policy": policy(without_approval=["improved"])}


@pytest.mark.parametrize("kind", [k for k in LETTER_KINDS if k not in MAY_GO_UNAPPROVED])
def test_no_other_kind_may_be_set_to_go_without_approval(kind: str) -> None:
    with pytest.raises(SettingsErrors, match=r"policy.toml: letters.without_approval\[1\]: expected 'improved'"):
        policy(without_approval=[kind])
    assert ALL.setting.letters.without_approval == ()


def test_the_policy_approves_good_news_and_that_is_kept() -> None:
    them = school(**UNAPPROVED)
    them.occasions = [occasion(kind, 10) for kind in LETTER_KINDS]
    decision = them.night(10)
    assert {row[0] for row in them.table() if row[3] == "approved"} == {"improved"}
    assert {(m.to_state, m.by, m.day) for m in decision.moves} == {("approved", POLICY, date(10))}
    assert {n.by for n in decision.new} == {MACHINE}
    assert decision.batch.letters == 19  # they are in the batch like any other
    assert not them.night(11)


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({"looked_after": True}, "looked after"),
        ({"recipients": Recipients((replace(ADA, address=()),))}, "no address"),
    ],
)
def test_the_policy_approves_nothing_that_is_held(change: dict[str, Any], held: str) -> None:
    them = school(replace(facts(), **change), **UNAPPROVED)
    them.occasions = [occasion("improved", 10)]
    them.night(10)
    assert [row[3:] for row in them.table()] == [("held", held)]
    them.pupils[1] = facts()
    decision = them.night(11)
    assert them.states() == ["approved"] and {m.by for m in decision.moves} == {POLICY}


def test_the_policy_approves_nothing_without_a_letterhead_and_takes_back_what_is_not_true() -> None:
    them = school(facts(), letterhead=False, **UNAPPROVED)
    them.occasions = [occasion("improved", 10)]
    them.night(10)
    assert them.states() == ["proposed"]
    them.inputs["letterhead"] = True
    them.night(11)
    assert them.states() == ["approved"]
    there, them.occasions = them.occasions, []
    them.night(12)
    assert them.states() == ["superseded"]
    them.occasions = there
    decision = them.night(13)
    assert them.states() == ["approved"] and [m.to_state for m in decision.moves] == ["proposed", "approved"]
    them.says("letter_rejected", 14, stage=None, letter="improved")
    them.night(14)
    assert them.states() == ["rejected"]


def test_the_brake_stops_what_the_policy_would_have_approved() -> None:
    them = school(*(facts() for _ in range(6)), roll=100, **UNAPPROVED)
    them.occasions = [occasion("improved", 10, pupil=p) for p in them.pupils]
    batch = them.night(10).batch
    assert batch.held and {r.state for r in them.rows} == {"held"}
    them.release(batch.id)
    them.night(11)
    assert {(r.state, r.reason) for r in them.rows} == {("approved", "")}


def test_a_batch_that_grows_too_large_takes_back_what_only_the_policy_approved() -> None:
    them = school(*(facts() for _ in range(6)), roll=119, **UNAPPROVED)
    them.occasions = [occasion("improved", 10, pupil=p) for p in them.pupils]
    later = them.occasions.pop()
    them.night(10)
    assert {r.state for r in them.rows} == {"approved"}
    them.occasions.append(later)
    words = "6 letters: more than 5% of 119 pupils on roll"
    assert them.night(10).batch == Batch(f"oakfield {date(10)}", date(10), 6, True, False, words)
    assert {(r.state, r.reason) for r in them.rows} == {("held", "brake")}


# -- evidence -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "moves"), [(kind, KIND_RULES[kind].moving) for kind in LETTER_KINDS])
def test_figures_of_a_case_are_of_the_day_on_which_the_letter_is_proposed(kind: str, moves: bool) -> None:
    def evidence(occasion: Occasion, contact: str, day: int) -> dict[str, Any]:
        at = day if moves else occasion.day
        return {"attended": at - START, "as_at": date(at - START).isoformat(), "register": f"of night {day}"}

    them = school(facts(looked_after=True), evidence=evidence)
    them.occasions = [occasion(kind, 10)]
    them.night(10)
    assert not them.night(12)
    assert them.rows[0].evidence["attended"] == 10
    them.pupils[1] = facts()
    them.night(14)
    assert them.states() == ["proposed"] and them.rows[0].evidence["attended"] == (14 if moves else 10)
    assert not them.night(20)  # a newer register on its own changes nothing
    assert them.rows[0].evidence["attended"] == (14 if moves else 10)
