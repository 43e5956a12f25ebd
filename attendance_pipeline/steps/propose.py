"""Propose: bring the ledger of letters up to the newest derived day, one school day after another.

Belongs here: which days are still to be decided, and putting together what the decision reads. A term loaded at once is
decided day by day, as its nights would have, so that no batch holds a whole term; but it is read once, and written in
one transaction: all of a school's days or none. Not here: any decision (`letters/`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from attendance_pipeline.derive.year import Derived
from attendance_pipeline.home import School
from attendance_pipeline.letters.batch import BatchInputs, PrintingCheck
from attendance_pipeline.letters.figures import EvidenceMaker
from attendance_pipeline.letters.from_ladder import OccasionReader
from attendance_pipeline.letters.from_roll import Particulars, RollReader, log_entries, pupils_on_paper
from attendance_pipeline.letters.ledger import decide
from attendance_pipeline.letters.ledger_rows import MACHINES, Batch, LedgerInputs, LedgerRow, with_batch, with_decision
from attendance_pipeline.letters.pdf import Letterhead
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_contacts, current_interventions, current_pupils
from attendance_pipeline.steps.marked_days import last_marked_day
from attendance_pipeline.steps.provenance import MarkSources
from attendance_pipeline.steps.readiness import Readiness
from attendance_pipeline.steps.restate import derived, newest_done, replayed_from
from attendance_pipeline.steps.secret import reference_key
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import PROPOSE, each_school
from attendance_pipeline.store import ledger
from attendance_pipeline.store.derived import done_days as decided_days
from attendance_pipeline.store.derived import mark_done
from attendance_pipeline.store.extracts import list_extracts


@dataclass(frozen=True)
class Proposed:
    """Counts of one school: letters new to the ledger, moved to another state, and how many are in each state now.

    `findings`: what a person should look at, in words, with how many letters it is true of on the newest day.
    """

    school: str
    days: int = 0
    new: int = 0
    moved: int = 0
    newly_held: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)


def letterhead_of(school: School) -> Letterhead:
    """The school's letterhead; without one in its settings, the name alone (and no letter is approved)."""
    head = school.letterhead
    if head is None:
        return Letterhead(school.name, (), "", "", {})
    return Letterhead(school.name, tuple(head.address), head.telephone, head.email, dict(head.signatories))


def propose(site: Site, *, just_decided: bool = False) -> list[Proposed]:
    """Decide every school's letters for each derived day that has not been decided, and again for the newest.

    `just_decided`: somebody has just said something of letters and waits for it to hold.
    """
    return each_school(site, PROPOSE, lambda school: _propose(site, school, just_decided))


def _propose(site: Site, school: School, just_decided: bool) -> Proposed:
    calendar = school.calendar
    newest = newest_done(site, school)
    if newest is None:
        return Proposed(school.id)
    with site.warehouse.read() as conn:
        decided = set(decided_days(conn, school.id))
        pupils, contacts = current_pupils(conn, school.id), current_contacts(conn, school.id)
        log = log_entries(current_interventions(conn, school.id))
        paper = pupils_on_paper(pupils, current_classes(conn, school.id))
    after = max((d for d in decided if d < calendar.date(newest)), default=None)
    first = int(calendar.year_start[newest]) if after is None else calendar.on_or_before(after) + 1
    roll, secret = RollReader(pupils, contacts), reference_key(site.home.state)
    letters = BatchInputs(
        school.id, calendar.date(newest), (), (), paper, letterhead_of(school), Templates(site.home.letter_templates),
        site.home.layout, school.policy.setting.letters.household,
        penalty_notices=school.policy.setting.penalty_notices, authority=school.local_authority_name or "",
    )  # fmt: skip
    printing = PrintingCheck(letters)
    version = site.register_version(school)
    counts: Counter[str] = Counter()
    heard, log_of_newest = _heard(site, school, newest), log
    if heard is None and just_decided:
        # Marks of a later day are here: this morning's register, absences that the MIS knows beforehand. What was said
        # of a very letter was said of the ledger as it is, and does not wait for them; the rest of the log does.
        date = calendar.date(newest)
        log_of_newest = [e for e in log if e.date <= date or e.reference]
        heard = max((e.date for e in log_of_newest), default=None)
    with site.warehouse.begin(school.id) as conn:
        readiness = Readiness(conn, school)
        stored = ledger.read_ledger(conn, school.id, machines=MACHINES)
        rows = [LedgerRow.from_store(r, calendar) for r in with_pupils(conn, school.id, stored)]
        batches = [Batch.from_store(b) for b in ledger.read_batches(conn, school.id)]
        taken = ledger.read_references(conn)
        about = {
            "log": log,
            "source": MarkSources(conn, school, pupils["person_id"]),
            "particulars": Particulars(pupils, contacts),
            "register": site.register_as_at(school),
        }
        for day, whole, reader in _days(site, school, first, newest, about):
            date, facts = calendar.date(day), reader.on(day)
            on_day = roll.on(date, {o.person_id for o in facts.occasions} | {r.person_id for r in rows})
            not_ready = readiness.on(int(whole.plan.ladder["cut"][day]))
            decision = decide(
                LedgerInputs(
                    school_id=school.id,
                    calendar=calendar,
                    policy=school.policy,
                    day=day,
                    occasions=facts.occasions,
                    pupils=on_day,
                    stage_on=facts.stage_on,
                    secret=secret,
                    roll=int(whole.inputs.pupils.on_roll(day).sum()),
                    rows=rows,
                    batches=batches,
                    log=log_of_newest if day == newest else log,
                    go_live=school.go_live,
                    failed_school=not_ready.school,
                    failed_classes=not_ready.classes,
                    doubts=facts.doubts,
                    unprintable=printing.on(date, on_day),
                    evidence=facts.evidence,
                    taken=taken,
                    letterhead=school.letterhead is not None,
                    authority=school.local_authority_name or "",
                    heard=heard if day == newest else None,
                )
            )
            ledger.apply(conn, **decision.to_write(school.id), known_on=date)
            rows, batches = with_decision(rows, decision, calendar), with_batch(batches, decision.batch)
            counts["new"] += len(decision.new)
            counts["moved"] += len(decision.moves)
            counts["held"] += sum(change.state == "held" for change in decision.new)
            counts["held"] += sum(change.to_state == "held" for change in decision.moves)
        mark_done(conn, school.id, [calendar.date(day) for day in range(first, newest + 1)], version)
    return Proposed(
        school=school.id,
        days=newest - first + 1,
        new=counts["new"],
        moved=counts["moved"],
        newly_held=counts["held"],
        states=Counter(row.state for row in rows),
        findings=Counter(words for _, words in decision.findings),
    )


def _heard(site: Site, school: School, newest: int) -> dt.date | None:
    """Up to which date the log counts on the newest day, where that is later: what people decided since then counts at
    once, and does not wait for the next school day's night.

    Up to the recorded date of the newest log: nothing is heard before its date. None where marks of later days are
    loaded: then the day is being decided as of itself.
    """
    with site.warehouse.read() as conn:
        recorded = [e.recorded_on for e in list_extracts(conn, school.id, "interventions")]
    last = last_marked_day(site, school)
    return max(recorded) if recorded and last is not None and last <= newest else None


def _days(
    site: Site, school: School, first: int, last: int, about: Mapping[str, Any]
) -> Iterator[tuple[int, Derived, OccasionReader]]:
    """Each school day with the derivation of its own academic year: a night may heal one that lay before the summer.

    `about`: what `EvidenceMaker` is told besides.
    """
    calendar, day = school.calendar, first
    while day <= last:
        end = min(int(calendar.year_end[day]), last)
        whole = derived(site, school, replayed_from(school, day), end)
        reader = OccasionReader(whole, EvidenceMaker(whole, **about))
        for number in range(day, end + 1):
            yield number, whole, reader
        day = end + 1
