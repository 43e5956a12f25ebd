"""The lists of a batch: what is in it, what is held and why, and the rows for a mail merge.

Belongs here: columns and what stands in them. Does not belong here: which letters are printed together (`batch`), how a
table looks (`spreadsheets`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from attendance_pipeline.letters.address import MAX_LINES
from attendance_pipeline.letters.evidence import LetterEvidence, threshold_percent
from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.letters.holding import BRAKE, CANNOT_BE_PRINTED, QUALITY, REASONS, RESTRICTED, parse_reason
from attendance_pipeline.letters.kind_rules import CLASS_TEACHER, KIND_RULES, MEETING, POST
from attendance_pipeline.letters.language_names import language_name, language_tag
from attendance_pipeline.letters.ledger_rows import LedgerRow
from attendance_pipeline.letters.letter import Letter, absence_rows
from attendance_pipeline.letters.recipients import Recipient
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.spreadsheets import Column, Sheet, csv_bytes, workbook_bytes

ELSEWHERE = "Restricted: ask the attendance lead"
_WORDS = {BRAKE: "its batch is unusually large and waits for somebody to release it"}
DECISIONS = ("approve", "reject", "hold", "sent")
BATCH_FILE, REFERENCE, SHARES = "batch.csv", "Reference", "In one envelope with"
HELD_FILE, DO_NOT_SEND_FILE = "held.csv", "do-not-send.csv"


@dataclass(frozen=True)
class PupilOnPaper:
    """What letters and lists say of a pupil. `first_name` is the preferred one."""

    first_name: str
    surname: str
    class_name: str = ""
    class_teacher: str = ""
    admission_number: str = ""

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.surname}".strip()


@dataclass(frozen=True)
class Printed:
    """One printed letter: the rows of the ledger it answers, whom it is to, and the file it is printed from."""

    letter: Letter
    rows: tuple[LedgerRow, ...]
    household: tuple[Recipient, ...]
    pupil: PupilOnPaper
    evidence: LetterEvidence
    print_file: str


_BATCH: tuple[Column, ...] = (
    Column("reference", REFERENCE),
    Column("admission_number", "Admission number"),
    Column("pupil", "Pupil"),
    Column("class_name", "Class"),
    Column("stage", "Stage", "whole"),
    Column("kind", "Letter"),
    Column("opened_on", "Stage opened on", "date"),
    Column("attendance", "Attendance", "percent"),
    Column("threshold", "Threshold"),
    Column("missed", "Sessions missed", "whole"),
    Column("absences", "Absences relied on", width=44, wrap=True),
    Column("recipient", "Recipient"),
    Column("address", "Address", width=36, wrap=True),
    Column("goes", "How it goes"),
    Column("language", "Language"),
    Column("shares", SHARES),
    Column("enclosures", "Enclosures"),
    Column("print_file", "Printed from"),
    Column("note", "Note", width=30, wrap=True),
)
_DECISION: tuple[Column, ...] = (
    Column("decision", "Decision", choices=DECISIONS, width=12),
    Column("decided_by", "Decided by", width=18),
    Column("decision_note", "Why", width=30, wrap=True),
)
_HELD: tuple[Column, ...] = (
    Column("reference", "Reference"),
    Column("admission_number", "Admission number"),
    Column("pupil", "Pupil"),
    Column("class_name", "Class"),
    Column("stage", "Stage", "whole"),
    Column("kind", "Letter"),
    Column("opened_on", "Stage opened on", "date"),
    Column("recipient", "Recipient"),
    Column("reason", "Held because"),
    Column("since", "Held since", "date"),
)
_WITHDRAWN: tuple[Column, ...] = (
    Column("reference", "Reference"),
    Column("pupil", "Pupil"),
    Column("class_name", "Class"),
    Column("kind", "Letter"),
    Column("printed_on", "Printed on", "date"),
    Column("state", "Now"),
    Column("reason", "Because"),
)
_MERGED: tuple[str, ...] = (
    *("first_name", "full_name", "class_name", "class_teacher", "attendance_percent", "threshold_percent"),
    *("sessions_possible", "sessions_attended", "sessions_missed", "sessions_unauthorised"),
    *("period_start", "period_end", "monitoring_weeks", "earlier_percent", "earlier_date"),
)


def batch_files(printed: Sequence[Printed], templates: Templates, school_id: str, date: dt.date) -> dict[str, bytes]:
    """`batch.csv` and `batch.xlsx`: one row for each letter of the ledger. The workbook has room for decisions."""
    rows = [row for made in printed for row in _batch_rows(made, templates)]
    sheet = Sheet("Letters", (*_BATCH, *_DECISION), rows, heading=f"Letters, {school_id}, {date:%d/%m/%Y}")
    return {
        BATCH_FILE: csv_bytes(rows, _BATCH),
        "batch.xlsx": workbook_bytes([sheet], title=f"Letters {date:%d/%m/%Y}", created=date),
    }


def held_file(
    held: Iterable[LedgerRow],
    pupils: Mapping[int, PupilOnPaper],
    unprintable: Mapping[str, str],
    not_ready: Mapping[str, str],
    *,
    restricted: bool,
) -> dict[str, bytes]:
    """`held.csv`, if anything is held. The open one does not say a restricted reason, nor whom it is about.

    `unprintable`: why not, by reference. `not_ready`: why the data hold letters, by class; "" for the whole school.
    """
    rows = []
    for row in held:
        pupil = pupils[row.person_id]
        data = [not_ready[name] for name in dict.fromkeys(["", pupil.class_name]) if name in not_ready]
        rows.append(_held_row(row, pupil, unprintable.get(row.reference, ""), data, restricted))
    return {HELD_FILE: csv_bytes(rows, _HELD)} if rows else {}


def do_not_send_file(
    withdrawn: Iterable[tuple[LedgerRow, dt.date]], pupils: Mapping[int, PupilOnPaper]
) -> dict[str, bytes]:
    """`do-not-send.csv`, if there is any: letters that lie printed somewhere and are not to go now."""
    rows = []
    for row, printed_on in withdrawn:
        pupil, reasons = pupils[row.person_id], parse_reason(row.reason)[0]
        rows.append(
            {
                "reference": row.reference,
                "pupil": pupil.full_name,
                "class_name": pupil.class_name,
                "kind": _title(row.kind),
                "printed_on": printed_on,
                "state": row.state,
                "reason": ELSEWHERE if reasons & RESTRICTED else row.reason,
            }
        )
    return {DO_NOT_SEND_FILE: csv_bytes(rows, _WITHDRAWN)} if rows else {}


def mail_merge_file(printed: Sequence[Printed]) -> bytes:
    """One row for each printed letter, for schools that finish their letters in a word processor."""
    lines = [f"address_{n}" for n in range(1, MAX_LINES + 1)]
    rows = []
    for made in printed:
        letter = made.letter
        address = dict(zip(lines, letter.recipient_lines, strict=False))
        fields = {name: letter.fields.get(name, "") for name in _MERGED}
        rows.append(
            {
                "reference": letter.reference,
                "letter": letter.kind,
                "language": letter.language,
                "date": letter.date,
                "salutation": letter.salutation,
                **address,
                **fields,
                "absences": _absences(made.evidence),
            }
        )
    return csv_bytes(rows, ["reference", "letter", "language", "date", "salutation", *lines, *_MERGED, "absences"])


def _batch_rows(made: Printed, templates: Templates) -> list[dict[str, Any]]:
    evidence, letter = made.evidence, made.letter
    references = [row.reference for row in made.rows]
    return [
        {
            "reference": row.reference,
            "admission_number": made.pupil.admission_number,
            "pupil": made.pupil.full_name,
            "class_name": made.pupil.class_name,
            "stage": row.stage or None,
            "kind": _title(row.kind),
            "opened_on": row.opening_day,
            "attendance": Fraction(evidence.attended, evidence.possible) if evidence.possible else None,
            "threshold": threshold_percent(evidence.threshold) if evidence.threshold is not None else "",
            "missed": evidence.possible - evidence.attended,
            "absences": _absences(evidence),
            "recipient": recipient.name,
            "address": ", ".join(recipient.address),
            "goes": _goes(row.kind, made.pupil.class_name),
            "language": _language(letter, recipient, templates),
            "shares": ", ".join(r for r in references if r != row.reference),
            "enclosures": ", ".join(_title(kind) for kind in letter.enclosures),
            "print_file": made.print_file,
            "note": "; ".join(f"despite: {reason}" for reason in sorted(parse_reason(row.reason)[1] - RESTRICTED)),
        }
        for row, recipient in zip(made.rows, made.household, strict=True)
    ]


def _held_row(
    row: LedgerRow, pupil: PupilOnPaper, unprintable: str, data: Sequence[str], restricted: bool
) -> dict[str, Any]:
    reasons = parse_reason(row.reason)[0]
    hidden = bool(reasons & RESTRICTED) and not restricted
    said = _WORDS | ({QUALITY: f"{QUALITY}: {', '.join(data)}"} if data else {})
    words = [said.get(reason, reason) for reason in REASONS if reason in reasons - (RESTRICTED if hidden else set())]
    words += [ELSEWHERE] if hidden else []
    if unprintable:
        words = [f"{CANNOT_BE_PRINTED}: {unprintable}"]
    recipient = Recipient.from_json(row.recipient).name if row.recipient else ""
    return {
        "reference": row.reference,
        "admission_number": pupil.admission_number,
        "pupil": pupil.full_name,
        "class_name": pupil.class_name,
        "stage": row.stage or None,
        "kind": _title(row.kind),
        "opened_on": row.opening_day,
        "recipient": "" if hidden else recipient,
        "reason": "; ".join(words),
        "since": row.entered,
    }


def _absences(evidence: LetterEvidence) -> str:
    """The sessions relied on, on one line: 12/11/2025 DAY O; 21/11/2025 PM N."""
    rows = absence_rows(evidence.absences)
    return "; ".join(f"{row['date']:%d/%m/%Y} {row['session']} {row['code']}" for row in rows)


def _goes(kind: str, class_name: str) -> str:
    rules = KIND_RULES[kind]
    if rules.goes == POST:
        return "By post, once a person has decided" if rules.considered else "By post"
    if rules.goes == CLASS_TEACHER:
        return f"Given by the class teacher of {class_name or 'the class'}"
    return "Given at the meeting" if rules.goes == MEETING else "To the local authority, once a person has decided"


def _language(letter: Letter, recipient: Recipient, templates: Templates) -> str:
    """The language the letter is in, the one asked for where there is no template in it, and whether somebody of the
    school has checked a translation."""
    used = templates.language_of(letter.kind, letter.language)
    asked = recipient.language_name
    notes = (
        []
        if used == letter.language and (not asked or language_tag(asked, "") == used)
        else [f"no template in {asked or letter.language}"]
    )
    if any(templates.unchecked(kind, letter.language) for kind in (letter.kind, *letter.enclosures)):
        notes.append("translation not checked by the school")
    return language_name(used) + (f" ({'; '.join(notes)})" if notes else "")


def _title(kind: str) -> str:
    return KINDS[kind].title if kind in KINDS else kind.replace("_", " ").capitalize()
