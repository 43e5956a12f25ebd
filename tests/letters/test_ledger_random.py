"""Corrections at random, and people at work in between: what must hold of the ledger whatever happens.

Every night is decided twice by `LedgerSchool.night`, and the second time must find nothing to write.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from ledger_school import ADA, BO, CALENDAR, POLICY, START, LedgerSchool, date, facts, opening

from attendance_pipeline.law.policy import LETTER_KINDS, STAGE_OF_LETTER, policy_from_text, shipped_policy_text
from attendance_pipeline.letters.answering import Slot, slots
from attendance_pipeline.letters.holding import parse_reason
from attendance_pipeline.letters.kind_rules import KIND_RULES
from attendance_pipeline.letters.occasions import OUT_OF_DATE, Occasion

WITHIN = POLICY.setting.letters.answered_within_school_days


@dataclass(frozen=True)
class Step:
    """Some nights later: perhaps another history of the ladder, and perhaps somebody did something."""

    days: int
    history: list[tuple[int, str]] | None
    act: str


def steps() -> st.SearchStrategy[list[Step]]:
    # A history: gaps in days, and what happened then; "up" opens stage 1 or the next one.
    history = st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from(["up", "up", "recovered", "set", "left"])), max_size=6
    )
    acts = ["", "", "send", "send all", "approve", "reject", "hold", "release", "brother comes", "brother goes"]
    return st.lists(
        st.builds(Step, st.integers(1, 25), st.none() | history, st.sampled_from(acts)), min_size=1, max_size=9
    )


def openings_of(history: list[tuple[int, str]], day: int) -> list[Occasion]:
    """The openings of a history up to a day."""
    found: list[Occasion] = []
    at, stage, episode = 0, 0, 0
    for gap, what in history:
        at += gap
        if at > day:
            break
        if found and found[-1].present:
            ended = "escalated" if what == "up" else what
            if not (what == "up" and stage >= 3):
                found.append(replace(found.pop(), ended=ended, ended_on=START + at))
        if what == "up" and stage < 3:
            stage, episode = stage + 1, episode + (stage == 0)
            found.append(opening(stage, at, episode=episode))
        elif what == "set":
            stage, episode = 2, episode + (stage == 0)
            found.append(opening(2, at, episode=episode))
        elif what in ("recovered", "left"):
            stage = 0
    return found


def act(school: LedgerSchool, step: Step, day: int) -> None:
    ready = [r for r in school.rows if r.state in ("proposed", "approved")]
    if step.act == "send" and ready:
        school.says("letter_sent", day, stage=ready[0].stage, contact=ready[0].contact_id)
    elif step.act == "send all" and ready:
        for row in ready:
            school.says("letter_sent", day, stage=row.stage, contact=row.contact_id)
    elif step.act in ("approve", "reject") and ready:
        word = {"approve": "letter_approved", "reject": "letter_rejected"}[step.act]
        school.says(word, day, stage=ready[0].stage, contact=ready[0].contact_id)
    elif step.act in ("hold", "release"):
        school.says(step.act, day, stage=None)
    elif step.act == "brother comes":
        school.pupils[1] = facts(ADA, BO)
    elif step.act == "brother goes":
        school.pupils[1] = facts(ADA)


# A release of the very day on which another letter comes to be held: it may have been written before.
A_RELEASE_OF_THE_DAY = [
    Step(110, None, "send"),
    Step(5, None, "release"),
    Step(1, [(1, "up"), (1, "up")], ""),
]


@settings(max_examples=300, deadline=None)
@given(steps())
@example(A_RELEASE_OF_THE_DAY)
def test_whatever_is_corrected(history_of_the_ledger: list[Step]) -> None:
    school = LedgerSchool(facts(ADA, BO))
    day, history, released = 5, [(3, "up")], False
    final: dict[str, tuple] = {}
    for step in history_of_the_ledger:
        day = min(day + step.days, 120)
        history = step.history if step.history is not None else history
        school.occasions = openings_of(history, day)
        released = released or step.act == "release"
        school.night(day)
        act(school, step, day)
        school.night(day)
        check(school, day, released)
        for reference, before in final.items():
            (now,) = [r for r in school.rows if r.reference == reference]
            assert (now.state, now.opening_day, now.sent_on, now.recipient) == before
        final |= {
            r.reference: (r.state, r.opening_day, r.sent_on, r.recipient)
            for r in school.rows
            if r.state in ("sent", "rejected")
        }


def check(school: LedgerSchool, day: int, released: bool) -> None:
    rows = school.rows
    assert len({r.reference for r in rows}) == len(rows)
    for contact, recipient in ((c, c in school.pupils[1].recipients.by_id()) for c in ("ADA", "BO")):
        mine = [r for r in rows if r.contact_id == contact]
        # Every letter that somebody sent is in the ledger once, and nothing else is sent.
        said = sorted(e.date for e in school.log if e.action == "letter_sent" and e.contact_id == contact)
        assert sorted(r.sent_on for r in mine if r.state == "sent") == said
        # Only the newest stage's letter is proposed.
        ready = [r for r in mine if r.state in ("proposed", "approved")]
        assert len(ready) <= 1
        for kind in ("letter_1", "letter_2", "letter_3"):
            openings = [o for o in school.occasions if o.kind == kind]
            found = slots(openings, [r for r in mine if r.kind == kind], WITHIN)
            answers = {s.occasion: s.row for s in found if s.occasion is not None}
            unclaimed = [s.row for s in found if s.occasion is None and s.row.state == "sent"]
            for answered, row in answers.items():
                if recipient:
                    assert row is not None  # none is skipped
                    if answered.present:
                        assert row.state != "superseded"
                if row is not None and row.state in ("proposed", "approved"):
                    assert answered.present and recipient
                    # A letter that may have gone already goes again only when a person lets it.
                    if unclaimed:
                        assert "despite possible repeat" in row.reason and (released or row.acted_on)
            for s in found:
                if s.occasion is None:
                    assert s.row.state in ("sent", "rejected", "superseded")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["up", "up", "recovered"])), max_size=7))
def test_a_night_missed_is_made_up_for(history: list[tuple[int, str]]) -> None:
    """Every night, or only the last: the same letters are owed at the end."""
    nightly, once = LedgerSchool(facts(ADA, BO)), LedgerSchool(facts(ADA, BO))
    last = min(sum(gap for gap, _ in history) + 3, len(CALENDAR) - START - 1)
    for day in range(last + 1):
        nightly.occasions = openings_of(history, day)
        nightly.night(day)
    once.occasions = openings_of(history, last)
    once.night(last)
    assert nightly.table() == once.table()
    assert {r.reference for r in nightly.rows} == {r.reference for r in once.rows}
    assert all(r.proposed_on <= date(last) for r in nightly.rows)


# ---------------------------------------------------------------- every kind

KINDS = tuple(LETTER_KINDS)
ALL_KINDS = policy_from_text(
    shipped_policy_text().split("[letters]")[0]
    + f"[letters]\nkinds = {json.dumps(KINDS)}\nwithout_approval = ['improved']\n",
    Path("policy.toml"),
)
STAGE = {"meeting_invitation": 2, "improved": 1, "continuing": 1} | STAGE_OF_LETTER
ENDS = ("", "", "recovered", "reviewed since", OUT_OF_DATE, "the threshold is no longer met", "left")
ACTS = ("", "", "sent", "sent by kind", "approved", "rejected", "held", "released", "released by name", "issued",
        "referred", "not pursued", "brother comes", "brother goes", "in care", "home again", "n", "no n")  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """Some nights later: perhaps other occasions altogether, and perhaps somebody did something about one letter."""

    days: int
    occasions: list[tuple[str, int, str, int]] | None
    act: str
    which: int


def turns() -> st.SearchStrategy[list[Turn]]:
    one = st.tuples(st.sampled_from(KINDS), st.integers(1, 110), st.sampled_from(ENDS), st.integers(1, 40))
    return st.lists(
        st.builds(
            Turn, st.integers(0, 25), st.none() | st.lists(one, max_size=7), st.sampled_from(ACTS), st.integers(0, 50)
        ),
        min_size=1,
        max_size=9,
    )


def occasions_of(told: list[tuple[str, int, str, int]]) -> list[Occasion]:
    """Occasions with at most one of a kind present at a time, as those who tell of them give them."""
    found: dict[tuple[str, int], Occasion] = {}
    for kind, on, ended, after in sorted(told, key=lambda o: (o[0], o[1])):
        end = START + on + after if ended else None
        stage = STAGE.get(kind, 0)
        found[kind, on] = Occasion(1, kind, START + on, stage, int(stage > 0), "because", ended, end)
    return list(found.values())


def do(school: LedgerSchool, turn: Turn, day: int, doubts: set[str]) -> None:
    """What somebody did, about one of the letters that there are."""
    family = [r for r in school.rows if r.contact_id]
    row = school.rows[turn.which % len(school.rows)] if school.rows else None
    by_letter = {"sent": "letter_sent", "approved": "letter_approved", "rejected": "letter_rejected", "held": "hold",
                 "released by name": "release"}  # fmt: skip
    if turn.act in by_letter and row is not None:
        if turn.act != "sent" or row.state in ("proposed", "approved"):
            school.says(by_letter[turn.act], day, stage=None, reference=row.reference)
    elif turn.act == "sent by kind" and row is not None and row.state in ("proposed", "approved"):
        school.says("letter_sent", day, stage=None, letter=row.kind, contact=row.contact_id)
    elif turn.act == "released":
        school.says("release", day, stage=None)
    elif turn.act == "issued" and family:
        school.says("notice_to_improve_issued", day, stage=None, contact=family[turn.which % len(family)].contact_id)
    elif turn.act == "referred":
        school.says("referral_made", day, stage=4)
    elif turn.act == "not pursued":
        school.says("not_pursued", day, stage=None)
    elif turn.act in ("brother comes", "brother goes"):
        school.pupils[1] = replace(
            school.pupils[1], recipients=facts(*[ADA, BO][: 1 + (turn.act[-1] == "s")]).recipients
        )
    elif turn.act in ("in care", "home again"):
        school.pupils[1] = replace(school.pupils[1], looked_after=turn.act == "in care")
    elif turn.act == "n":
        doubts.add("unresolved N")
    elif turn.act == "no n":
        doubts.clear()


@settings(max_examples=400, deadline=None)
@given(turns())
def test_whatever_is_corrected_of_any_kind(history: list[Turn]) -> None:
    doubts: set[str] = set()
    school = LedgerSchool(facts(ADA, BO), policy=ALL_KINDS, roll=1000, doubts=lambda occasion, contact: set(doubts))
    school.stages[1] = 4
    day, final = 1, {}
    for turn in history:
        day = min(day + turn.days, 120)
        if turn.occasions is not None:
            school.occasions = occasions_of(turn.occasions)
        school.night(day)
        do(school, turn, day, doubts)
        school.night(day)
        look_at(school, day)
        now = {r.reference: (r.state, r.opening_day, r.sent_on, r.recipient, r.evidence) for r in school.rows}
        assert all(now[reference] == before for reference, before in final.items())
        final |= {r.reference: now[r.reference] for r in school.rows if r.state in ("sent", "rejected")}


def look_at(school: LedgerSchool, day: int) -> None:
    """What must hold of every letter of every kind."""
    today = [o.as_on(START + day) for o in school.occasions if o.day <= START + day]
    family = set(school.pupils[1].recipients.by_id())
    assert len({r.reference for r in school.rows}) == len(school.rows)
    for kind in KINDS:
        rules = KIND_RULES[kind]
        contacts = {r.contact_id for r in school.rows if r.kind == kind} | ({""} if rules.to_authority else family)
        assert contacts <= ({""} if rules.to_authority else {"ADA", "BO"})
        for contact in contacts:
            rows = [r for r in school.rows if (r.kind, r.contact_id) == (kind, contact)]
            entries = [e for e in school.log if e.action in ("letter_sent", *rules.sent_by)]
            assert sum(r.state == "sent" for r in rows) <= len(entries)
            found = slots([o for o in today if o.kind == kind], rows, WITHIN)
            spare = [s.row for s in found if s.occasion is None and s.row is not None and s.row.state == "sent"]
            for s in found:
                state = s.row.state if s.row is not None else ""
                if s.occasion is None:
                    assert state in ("sent", "rejected", "superseded")
                    continue
                if contact in family or rules.to_authority:
                    assert s.row is not None, "an occasion was skipped"
                    assert not (s.occasion.present and state == "superseded"), "an occasion that stands lost its letter"
                if state in ("proposed", "approved"):
                    assert_may_go(school, s, bool(spare), contact in family or rules.to_authority)


def assert_may_go(school: LedgerSchool, s: Slot, possible_repeat: bool, recipient: bool) -> None:
    assert s.row is not None and s.occasion is not None and recipient
    assert s.occasion.present or (s.occasion.ended == OUT_OF_DATE and s.row.state == "approved")
    let_go = parse_reason(s.row.reason)[1]
    by_name = any(e.reference == s.row.reference and e.action in ("release", "letter_approved") for e in school.log)
    if possible_repeat:
        assert "possible repeat" in let_go
    if school.pupils[1].looked_after:
        assert "looked after" in let_go
    if KIND_RULES[s.row.kind].states_a_legal_duty and let_go:
        assert by_name, "a word that named no letter let one go that states a legal duty"
    if s.row.state == "approved":
        assert by_name or s.row.kind == "improved", "nobody approved it"
    if s.row.kind == "referral_pack":
        assert not school.inputs["doubts"](s.occasion, ""), "an N is left"
