"""What the ledger asks of the ladder and the roll, on schools written by hand and at random."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from exam_school import derive, entry, school
from random_school import make

from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import LETTER_KINDS, Policy
from attendance_pipeline.letters.evidence import LetterEvidence
from attendance_pipeline.letters.from_ladder import Facts, OccasionReader
from attendance_pipeline.letters.from_roll import log_entries, pupil_facts, pupils_on_paper

# The autumn threshold is 85%: absent in every second week from 15 September.
FALLS = {"09-15..09-19": "O O", "09-29..10-03": "O O", "10-13..10-17": "O O", "11-03..11-28": "O O"}


def facts_on(inputs, date: str) -> tuple[Derived, Facts]:
    derived = derive(inputs)
    return derived, OccasionReader(derived).on(inputs.calendar.index(dt.date.fromisoformat(date)))


def evidence_of(found: Facts, kind: str, day: int | None = None) -> LetterEvidence:
    """The evidence of the only occasion of a kind, on its own day or another."""
    (occasion,) = [o for o in found.occasions if o.kind == kind]
    return LetterEvidence.from_json(found.evidence(occasion, "", occasion.day if day is None else day))


def test_a_letter_says_what_the_ladder_saw() -> None:
    inputs = school(FALLS)
    _, found = facts_on(inputs, "2025-10-01")
    (opening,) = found.openings
    assert (opening.stage, opening.episode, opening.present) == (1, 1, True)
    opened_on = inputs.calendar.date(opening.day)
    evidence = evidence_of(found, "letter_1")
    assert (evidence.event, evidence.threshold, evidence.weeks) == ("opened", 85_000, 4)
    assert (evidence.first_day, evidence.last_day) == (dt.date(2025, 9, 1), inputs.calendar.date(opening.day - 1))
    assert evidence.possible == 2 * opening.day and evidence.unauthorised == evidence.possible - evidence.attended
    assert evidence.attended * 100 < 85 * evidence.possible
    assert {day for day, _, _ in evidence.absences} <= {dt.date(2025, 9, 15) + dt.timedelta(n) for n in range(5)}
    assert len(evidence.absences) == evidence.unauthorised and evidence.policy == "exam" and evidence.policy_version
    assert found.stage_on(0, opened_on) == 1 and found.stage_on(0, opened_on - dt.timedelta(1)) == 0
    assert found.stage_on(7, opened_on) == 0


def test_an_escalation_names_the_figure_before() -> None:
    inputs = school(FALLS)
    derived, found = facts_on(inputs, "2025-12-10")
    first, second = found.openings[:2]
    assert (first.stage, second.stage, first.ended) == (1, 2, "escalated")
    evidence = evidence_of(OccasionReader(derived).on(second.day), "letter_2")
    assert evidence.event == "escalated" and evidence.earlier_on == inputs.calendar.date(first.day)
    assert evidence.earlier_attended * evidence.possible > evidence.attended * evidence.earlier_possible


@pytest.mark.parametrize(
    ("codes", "doubts"),
    [
        ("O O", set()),
        ("N N", {"unresolved N"}),
        # Suspended for two weeks: the one day of O opens the stage, E or C2 alone make A < T.
        ("E E", {"E or C2 sessions alone"}),
        ("C2 C2", {"E or C2 sessions alone"}),
    ],
)
def test_what_stands_without_some_codes(codes: str, doubts: set[str]) -> None:
    inputs = school({"09-15..09-26": codes, "09-29": "O O"})
    _, found = facts_on(inputs, "2025-10-08")
    (occasion,) = found.occasions
    assert occasion.stage == 1 and found.doubts(occasion, "") == doubts


def test_a_stage_that_a_person_set_relies_on_no_session() -> None:
    inputs = school({}, log=[entry("10-01", "set_stage", 3)])
    _, found = facts_on(inputs, "2025-10-02")
    assert evidence_of(found, "letter_3").event == "set" and evidence_of(found, "letter_3").absences == ()
    assert found.doubts(found.occasions[-1], "") == frozenset()


def test_days_that_begin_too_late_are_refused() -> None:
    inputs = school(FALLS)
    derived = derive(inputs, "10-01", "10-10")
    with pytest.raises(ValueError, match="start of the academic year"):
        OccasionReader(derived).on(derived.last)


@pytest.mark.parametrize("seed", range(40))
def test_present_openings_are_the_stages_of_the_day(seed: int) -> None:
    inputs = make(seed).inputs
    derived = derive_school(inputs, 0, len(inputs.calendar) - 1)
    reader = OccasionReader(derived)
    for day in range(0, len(inputs.calendar), 7):
        found = reader.on(day)
        present = {o.person_id: (o.stage, o.episode, o.day) for o in found.openings if o.present}
        rows = derived.stage_rows(day)
        on_roll = inputs.pupils.on_roll(day)
        expected = {
            int(inputs.pupils.pupil_id[p]): (int(r["stage"]), int(r["episode"]), int(r["opened_on"]))
            for p, r in enumerate(rows)
            if on_roll[p] and r["stage"] > 0
        }
        assert {p: o for p, o in present.items() if on_roll[list(inputs.pupils.pupil_id).index(p)]} == expected
        said = [found.evidence(o, "", day) for o in found.occasions if o.present]
        assert all(LetterEvidence.from_json(e).as_json() == e for e in said)


def test_the_roll_in_the_ledgers_words() -> None:
    pupils = pd.DataFrame(
        {
            "person_id": [1, 2],
            "forename": ["Zofia", "Ben"],
            "preferred_forename": ["Zosia", ""],
            "surname": ["Nowak", "Abbot"],
            "class": ["4K", "Reception"],
            "admission_number": ["004512", ""],
            "looked_after": pd.array([True, None], dtype="boolean"),
            "leaving_date": pd.array([pd.NaT, pd.Timestamp("2025-10-01")], dtype="datetime64[s]"),
            "date_of_birth": pd.array([pd.Timestamp("2016-05-01"), pd.NaT], dtype="datetime64[s]"),
        }
    )
    contacts = pd.DataFrame(
        {
            "person_id": [1, 2],
            "contact_id": ["A", "B"],
            "priority": ["1", "1"],
            "title": ["Mrs", "Mr"],
            "forename": ["Ada", "Bo"],
            "surname": ["Nowak", "Abbot"],
            "parental_responsibility": pd.array([True, None], dtype="boolean"),
            "lives_with_pupil": pd.array([None, None], dtype="boolean"),
            "receives_correspondence": pd.array([True, True], dtype="boolean"),
            "court_restriction": pd.array([None, None], dtype="boolean"),
            "address_1": ["12 Mill Lane", ""],
            "postcode": ["LS6 2XX", ""],
            "language": ["Polish", ""],
        }
    )
    classes = pd.DataFrame({"class": ["4K", "4K", "4L"], "teacher": ["Mr T", "Ms U", "Mr V"], "email": [""] * 3})
    found = pupil_facts(pupils, contacts, dt.date(2025, 10, 1))
    assert [r.language for r in found[1].recipients.to] == ["pl"] and found[1].looked_after and found[1].compulsory_age
    assert found[2].recipients.why_none == ("no recipient",) and not found[2].left and not found[2].compulsory_age
    assert pupil_facts(pupils, contacts, dt.date(2025, 10, 2))[2].left
    paper = pupils_on_paper(pupils, classes)
    assert (paper[1].full_name, paper[1].class_teacher) == ("Zosia Nowak", "Mr T and Ms U")
    assert (paper[2].first_name, paper[2].class_teacher) == ("Ben", "")

    log = pd.DataFrame(
        {
            "person_id": [1, 1],
            "date": pd.array([pd.Timestamp("2025-10-01"), pd.NaT], dtype="datetime64[s]"),
            "action": ["letter_sent", "hold"],
            "stage": pd.array([None, 1], dtype="Int64"),
            "contact_id": ["", ""],
            "from": pd.array([pd.NaT, pd.NaT], dtype="datetime64[s]"),
            "until": pd.array([pd.NaT, pd.NaT], dtype="datetime64[s]"),
            "by": ["A. Clerk", ""],
        }
    )
    (read,) = log_entries(log)
    assert (read.date, read.stage, read.until, read.by) == (dt.date(2025, 10, 1), None, None, "A. Clerk")


def test_the_modules_of_the_decision_read_nothing() -> None:
    """Pure: no file, no clock, no store."""
    folder = Path(__file__).parents[2] / "attendance_pipeline" / "letters"
    for name in (
        "recipients",
        "ledger",
        "ledger_rows",
        "answering",
        "holding",
        "night",
        "present_letter",
        "openings",
        "occasions",
        "kind_rules",
    ):
        source = (folder / f"{name}.py").read_text("utf-8")
        for forbidden in ("sqlalchemy", ".store", "open(", "read_text", ".now(", ".today(", "dagster"):
            assert forbidden not in source, f"{name} holds {forbidden}"


@pytest.mark.parametrize("seed", range(24))
def test_a_night_knows_what_the_whole_term_knows_of_it(seed: int) -> None:
    """Occasions, what is doubtful about them and their evidence on a day do not depend on the days after it."""
    inputs = make(seed, n_pupils=12).inputs
    setting = inputs.policy.setting
    letters = setting.letters.model_copy(update={"kinds": LETTER_KINDS, "again_after_school_weeks": 1 + seed % 4})
    every = Policy(setting.model_copy(update={"letters": letters}), "every kind")
    inputs = replace(inputs, policy=every)
    whole = OccasionReader(derive_school(inputs, 0, len(inputs.calendar) - 1))
    for day in range(3, len(inputs.calendar), 11):
        night = OccasionReader(derive_school(inputs, 0, day)).on(day)
        term = whole.on(day)
        assert night.occasions == term.occasions
        for o in (o for o in night.occasions if o.present):
            assert night.doubts(o, "C1") == term.doubts(o, "C1")
            assert night.evidence(o, "C1", day) == term.evidence(o, "C1", day)
            assert LetterEvidence.from_json(term.evidence(o, "C1", day)).as_json() == term.evidence(o, "C1", day)
