"""Letters listed: the ledger for people, with whom each letter is about and to.

Belongs here: looking up names beside the ledger's rows, and which letters a batch holds. Not here: printing, or any
decision. What is given here names pupils: it is for a person who asked, and not for a log.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attendance_pipeline.home import School
from attendance_pipeline.letters.evidence import LetterEvidence
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.letters.holding import may_be_let_go, parse_reason
from attendance_pipeline.letters.recipients import Recipient
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_pupils
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import deliveries, ledger


def listed(
    site: Site,
    *,
    school: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    batch_day: dt.date | None = None,
    references: Sequence[str] | None = None,
    as_at: dt.date | None = None,
) -> list[dict[str, Any]]:
    """Rows of the ledger by school and day, each with `pupil`, `class`, `recipient` and `address`.

    `as_at`: letters proposed by that evening, each in the state and with the reason that it had then.
    """
    found = []
    for one in site.schools(school):
        with site.warehouse.read() as conn:
            states = None if state is None or as_at is not None else [state]
            rows = ledger.read_letters(conn, one.id, references=references, states=states)
            if as_at is not None:
                events = ledger.read_events(conn, [r["reference"] for r in rows])
                rows = [r for r in as_they_stood(rows, events, as_at) if state in (None, r["state"])]
            rows = with_pupils(conn, one.id, rows)
            paper = pupils_on_paper(current_pupils(conn, one.id), current_classes(conn, one.id))
        if batch_day is not None:
            rows = _in_batch(site, one, rows, batch_day)
        for r in rows:
            if kind is not None and r["kind"] != kind:
                continue
            pupil = paper.get(r["person_id"])
            recipient = Recipient.from_json(r["recipient"]) if r["recipient"] else None
            found.append(
                {
                    **{k: r[k] for k in ("reference", "school", "kind", "state", "reason", "stage", "episode")},
                    **{k: r[k] for k in ("opening_day", "proposed_on", "batch", "language", "contact_id")},
                    "pupil": pupil.full_name if pupil else "",
                    "class": pupil.class_name if pupil else "",
                    "recipient": recipient.name if recipient else "",
                    "address": ", ".join(recipient.address) if recipient else "",
                }
            )
    return found


def as_they_stood(
    rows: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]], evening: dt.date
) -> Iterator[dict[str, Any]]:
    """The letters that were in the ledger by an evening, as the last word known by then left them: that a letter went
    on a day before, of which the log told later, was not known."""
    last: dict[str, Mapping[str, Any]] = {}
    for e in events:
        if (e["known_on"] or e["at"].date()) <= evening:
            last[e["reference"]] = e
    for row in rows:
        if row["reference"] in last:
            e = last[row["reference"]]
            yield {**row, "state": e["to_state"], "reason": e["reason"]}


def shown(site: Site, reference: str) -> dict[str, Any] | None:
    """One letter with its `events`, `evidence` as kept, and `relied_on` in lines; None when there is no such letter."""
    rows = listed(site, references=[reference])
    if not rows:
        return None
    with site.warehouse.read() as conn:
        events = ledger.read_events(conn, [reference])
        kept = ledger.read_letters(conn, references=[reference])[0]["evidence"]
    return {
        **rows[0],
        "events": [{k: e[k] for k in ("day", "from_state", "to_state", "by", "reason", "at")} for e in events],
        "evidence": kept,
        "relied_on": _lines(kept),
    }


def _lines(kept: Mapping[str, Any]) -> list[str]:
    if not kept:
        return []
    evidence = LetterEvidence.from_json(kept)
    sessions = [f"{day:%d/%m/%Y} {session} {code}" for day, session, code in evidence.absences]
    return [
        f"{evidence.attended} of {evidence.possible} possible sessions attended",
        *([f"absences: {'; '.join(sessions)}"] if sessions else []),
    ]


def of_batch(site: Site, day: dt.date, decision: str, school: str | None) -> list[str]:
    """References of a batch of which the decision can be made. Raises SettingsError for an unknown school."""
    states = {"approve": ("proposed",), "sent": ("approved",), "release": ("held",)}.get(
        decision, ("proposed", "approved")
    )
    found = [r for r in listed(site, school=school, batch_day=day) if r["state"] in states]
    if decision == "release":  # what a person cannot let go is not meant
        found = [r for r in found if parse_reason(r["reason"])[0] <= may_be_let_go(r["kind"])]
    return [r["reference"] for r in found]


def _in_batch(site: Site, school: School, rows: Sequence[dict[str, Any]], day: dt.date) -> list[dict[str, Any]]:
    """Letters of the batch that was delivered on a day: proposed on it, or since the delivery before it."""
    with site.warehouse.read() as conn:
        delivered = sorted({d["day"] for d in deliveries.read_deliveries(conn, school.id, "letters")})
    after = max((d for d in delivered if d < day), default=dt.date.min) if day in delivered else day - dt.timedelta(1)
    batches = {r["batch"]: dt.date.fromisoformat(r["batch"].rpartition(" ")[2]) for r in rows if r["batch"]}
    return [r for r in rows if r["batch"] and after < batches[r["batch"]] <= day]
