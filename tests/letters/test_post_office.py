"""Random schools with letters of every kind, corrections of old marks, and an office that posts what it may: what went
out, read afterwards, must be what one would have sent.

Everything is derived anew each night from the marks as they are then; the log grows by what the office did.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from ledger_school import ADA, BO, SECRET, facts
from random_school import ABSENT, make

from attendance_pipeline.derive.inputs import LogEntry as DerivedEntry
from attendance_pipeline.derive.inputs import LogTable, SchoolInputs
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.policy import LETTER_KINDS, STAGE_OF_LETTER, Policy
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.letters.figures import EvidenceMaker
from attendance_pipeline.letters.from_ladder import OccasionReader
from attendance_pipeline.letters.kind_rules import KIND_RULES, belong_together
from attendance_pipeline.letters.ledger import decide
from attendance_pipeline.letters.ledger_rows import Decision, LedgerInputs, LedgerRow, LogEntry, with_decision

PUPILS, NIGHTS = 5, 130


@dataclass
class Office:
    """One school, night after night. `sent`: how each letter stood when it was posted, and the night."""

    rng: random.Random
    inputs: SchoolInputs
    rows: list[LedgerRow] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    sent: dict[str, tuple[LedgerRow, int]] = field(default_factory=dict)

    def night(self, day: int) -> Decision:
        """Derive, decide, and decide again: the second time nothing is left to write."""
        derived = derive_school(replace(self.inputs, log=self._log_table()), 0, day)
        found = OccasionReader(derived, EvidenceMaker(derived, self.log)).on(day)
        on_roll = derived.inputs.pupils.on_roll(day)
        inputs = LedgerInputs(
            school_id="random",
            calendar=self.inputs.calendar,
            policy=self.inputs.policy,
            day=day,
            occasions=found.occasions,
            pupils={p: facts(ADA, BO, left=not on_roll[p]) for p in range(len(on_roll))},
            stage_on=found.stage_on,
            secret=SECRET,
            roll=1000,
            rows=self.rows,
            log=self.log,
            go_live=self.inputs.go_live,
            doubts=found.doubts,
            evidence=found.evidence,
        )
        decision = decide(inputs)
        self.rows = with_decision(self.rows, decision, self.inputs.calendar)
        again = decide(replace(inputs, rows=self.rows))
        assert not again, again
        return decision

    def correct(self, day: int) -> None:
        """Some marks of days gone by become others."""
        marks = self.inputs.marks.copy()
        for _ in range(self.rng.randint(1, 8)):
            p, d, half = self.rng.randrange(len(marks)), self.rng.randrange(day + 1), self.rng.randrange(2)
            code = self.rng.choice([*ABSENT, "/", "/"])
            marks[p, d, half] = CODES.numbers_of(["\\" if code == "/" and half else code])[0]
        self.inputs = replace(self.inputs, marks=marks)

    def post(self, day: int) -> None:
        """Somebody posts some of what is proposed, and writes so into the log, naming the letter."""
        for row in self.rows:
            if row.state == "proposed" and self.rng.random() < 0.4:
                self.sent[row.reference] = (row, day)
                self.log.append(
                    LogEntry(
                        row.person_id,
                        self.inputs.calendar.date(day),
                        "letter_sent",
                        STAGE_OF_LETTER.get(row.kind),
                        row.contact_id,
                        order=len(self.log),
                        letter=row.kind,
                        reference=row.reference,
                    )
                )

    def _log_table(self) -> LogTable:
        own = [e for e in self.log if e.letter in STAGE_OF_LETTER]
        held = [DerivedEntry(e.person_id, e.date, e.action, e.stage, contact_id=e.contact_id) for e in own]
        return LogTable.from_entries(len(self.inputs), held)


def office(seed: int) -> Office:
    world = make(seed, n_pupils=PUPILS).inputs
    setting = world.policy.setting
    letters = setting.letters.model_copy(update={"kinds": LETTER_KINDS, "again_after_school_weeks": 4})
    policy = Policy(setting.model_copy(update={"letters": letters}), f"random {seed}")
    pupils = replace(world.pupils, pupil_id=np.arange(PUPILS), looked_after=np.zeros(PUPILS, dtype=np.bool_))
    return Office(random.Random(seed), replace(world, policy=policy, pupils=pupils))


@pytest.mark.parametrize("seed", range(16))
def test_what_an_office_posts_through_a_year_of_corrections(seed: int) -> None:
    them = office(seed)
    last = min(NIGHTS, len(them.inputs.calendar) - 1)
    for day in range(1, last + 1):
        if them.rng.random() < 0.15:
            them.correct(day)
        them.night(day)
        them.post(day)
    them.night(last)
    rows = {r.reference: r for r in them.rows}
    # What was posted is sent, on its day, and nothing else is; it says what it said when it was posted.
    assert {r.reference for r in them.rows if r.state == "sent"} == set(them.sent)
    for reference, (then, day) in them.sent.items():
        now = rows[reference]
        assert now.sent_on == them.inputs.calendar.date(day)
        assert (now.evidence, now.recipient, now.kind) == (then.evidence, then.recipient, then.kind)
        assert then.evidence["policy"] and then.evidence["as_at"] <= them.inputs.calendar.date(day).isoformat()
    for person in range(PUPILS):
        for contact in ("ADA", "BO", ""):
            gone = sorted(
                (
                    (day, then)
                    for then, day in them.sent.values()
                    if (then.person_id, then.contact_id) == (person, contact)
                ),
                key=lambda s: (s[0], s[1].reference),
            )
            look_at(them, gone)


def look_at(them: Office, gone: list[tuple[int, LedgerRow]]) -> None:
    """Letters that one person got about one pupil, in the order in which they went; nobody ever let one go."""
    calendar, setting = them.inputs.calendar, them.inputs.policy.setting.letters
    week = calendar.week
    for i, (day, row) in enumerate(gone):
        for later, other in gone[i + 1 :]:
            apart = int(week[later]) - int(week[day])
            together = belong_together(row.kind, other.kind, row.stage, other.stage)
            ladder = them.inputs.policy.ladder_on(calendar.date(later))
            if later != day and row.contact_id and not together and ladder is not None:
                assert apart >= ladder.quiet_school_weeks, (row.kind, other.kind, apart)
            if row.kind == other.kind:
                assert (row.day, row.stage) != (other.day, other.stage), "two letters for one occasion"
                if KIND_RULES[row.kind].once_in_a_while and later != day:
                    assert apart >= setting.again_after_school_weeks, (row.kind, apart)


def test_letters_of_the_same_day_are_all_the_office_ever_posts_together() -> None:
    """The schools above post enough of every kind to say something."""
    found: dict[str, int] = dict.fromkeys(LETTER_KINDS, 0)
    for seed in range(3):
        them = office(seed)
        for day in range(1, min(NIGHTS, len(them.inputs.calendar) - 1) + 1):
            them.night(day)
            them.post(day)
        for row, _ in them.sent.values():
            found[row.kind] += 1
    assert sum(count > 0 for count in found.values()) >= 7, found
