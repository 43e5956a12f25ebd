"""What each letter relies on, told to people: a workbook beside the batch, and the lines of one letter.

Belongs here: the rows and words by which a letter's evidence is looked up: figures as fractions, the sessions with
code, file and line, the policy, and the as-at. Does not belong here: what the evidence is (`evidence`), how a table
looks (`spreadsheets`).

Figures are exact here: 101/122, not 82.8%. The workbook goes where the batch goes, and names nobody but the pupils that
the batch names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from attendance_pipeline.law.policy import PERCENT_SCALE
from attendance_pipeline.law.register_codes import AUTHORISED, CODES, UNAUTHORISED
from attendance_pipeline.letters.batch_lists import Printed
from attendance_pipeline.letters.evidence import LetterEvidence, percent, threshold_percent
from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

EVIDENCE_FILE = "evidence.xlsx"
_NOT_KNOWN = "not kept: look up the pupil and date in the register"
_LETTERS: tuple[Column, ...] = (
    Column("reference", "Reference"),
    Column("pupil", "Pupil"),
    Column("class_name", "Class"),
    Column("letter", "Letter"),
    Column("opened_on", "Reason of", "date"),
    Column("why", "Why it was proposed", width=44, wrap=True),
    Column("attended", "Attended / possible"),
    Column("attendance", "Attendance"),
    Column("threshold", "Threshold"),
    Column("first_day", "Figures from", "date"),
    Column("last_day", "to", "date"),
    Column("unauthorised", "Unauthorised", "whole"),
    Column("relied_on", "Sessions relied on", "whole"),
    Column("policy", "Policy"),
    Column("policy_version", "Version"),
    Column("policy_source", "Where the policy says so", width=30, wrap=True),
    Column("as_at", "As at", "date"),
    Column("register", "Register as loaded"),
)
_SESSIONS: tuple[Column, ...] = (
    Column("reference", "Reference"),
    Column("pupil", "Pupil"),
    Column("date", "Date", "date"),
    Column("session", "Session"),
    Column("code", "Code"),
    Column("meaning", "What the code means", width=36, wrap=True),
    Column("why", "What it counts for", width=40, wrap=True),
    Column("file", "Extract file", width=30),
    Column("line", "Line", "whole"),
)


def evidence_file(printed: Sequence[Printed], school_id: str, date: dt.date) -> dict[str, bytes]:
    """`evidence.xlsx`: a sheet of letters and one of the sessions they rely on, by reference; none without letters."""
    letters, sessions = [], []
    for made in printed:
        for row in made.rows:
            evidence = LetterEvidence.from_json(row.evidence)
            who = {"reference": row.reference, "pupil": made.pupil.full_name}
            letter = KINDS[row.kind].title if row.kind in KINDS else row.kind
            letters.append(
                {**who, "class_name": made.pupil.class_name, "letter": letter, "opened_on": row.opening_day}
                | figures(evidence)
            )
            sessions += [{**who, **one} for one in relied_on(evidence)]
    if not letters:
        return {}
    heading = f"{school_id}, {date:%d/%m/%Y}"
    sheets = [
        Sheet("Letters", _LETTERS, letters, heading=f"What letters rely on, {heading}"),
        Sheet("Sessions", _SESSIONS, sessions, heading=f"Sessions that letters rely on, {heading}"),
    ]
    return {EVIDENCE_FILE: workbook_bytes(sheets, title=f"Evidence {date:%d/%m/%Y}", created=date)}


def figures(evidence: LetterEvidence) -> dict[str, Any]:
    """The figures of a letter, exact, with the policy and the as-at."""
    return {
        "why": "; ".join(_reasons(evidence)),
        "attended": f"{evidence.attended}/{evidence.possible}",
        "attendance": percent(evidence.attended, evidence.possible, evidence.threshold),
        "threshold": threshold_percent(evidence.threshold) if evidence.threshold is not None else "",
        "first_day": evidence.first_day,
        "last_day": evidence.last_day,
        "unauthorised": evidence.unauthorised,
        "relied_on": len(evidence.absences),
        "policy": evidence.policy,
        "policy_version": evidence.policy_version,
        "policy_source": evidence.policy_source,
        "as_at": evidence.as_at,
        "register": evidence.register,
    }


def relied_on(evidence: LetterEvidence) -> list[dict[str, Any]]:
    """The sessions a letter relies on, by date: each with its code, what that counts for, and file and line."""
    where = {(day, half): (file, line) for day, half, file, line in evidence.sources}
    meanings = {row.code: row.meaning for row in CODES.rows}
    rows: list[dict[str, Any]] = []
    for day, half, code in sorted(evidence.absences):
        file, line = where.get((day, half), ("", None))
        rows.append(
            {
                "date": day,
                "session": half,
                "code": code,
                "meaning": meanings.get(code, ""),
                "why": _counts_for(day, code),
            }
            | {"file": file or _NOT_KNOWN, "line": line}
        )
    return rows


def told(evidence: LetterEvidence) -> list[str]:
    """The evidence of one letter in plain lines, for whoever asks why it was proposed."""
    made = figures(evidence)
    lines = [f"Why: {made['why']}."] if made["why"] else []
    lines.append(
        f"Attendance: {evidence.attended} of {evidence.possible} possible sessions, {made['attendance']}, "
        f"from {_day(evidence.first_day)} to {_day(evidence.last_day)}."
    )
    if made["threshold"]:
        below = evidence.attended * 100 * PERCENT_SCALE < (evidence.threshold or 0) * evidence.possible
        lines.append(f"Threshold: {made['threshold']}; the figure is {'below it' if below else 'not below it'}.")
    if evidence.unauthorised:
        lines.append(f"Unauthorised: {evidence.unauthorised} sessions of that time.")
    if evidence.policy:
        source = f" ({evidence.policy_source})" if evidence.policy_source else ""
        lines.append(f"Policy: {evidence.policy} {evidence.policy_version}{source}.".replace("  ", " "))
    if evidence.as_at is not None:
        loaded = f"; the register as loaded at {evidence.register}" if evidence.register else ""
        lines.append(f"As at: {_day(evidence.as_at)}{loaded}.")
    rows = relied_on(evidence)
    lines.append(f"It relies on {len(rows)} session{'' if len(rows) == 1 else 's'}{':' if rows else '.'}")
    for row in rows:
        at = f"{row['file']}, line {row['line']}" if row["line"] is not None else row["file"]
        lines.append(f"  {_day(row['date'])} {row['session']}  {row['code']:<2} {row['why']}; {at}")
    return lines


def _reasons(evidence: LetterEvidence) -> Iterator[str]:
    if evidence.event:
        yield f"the ladder said {evidence.event.replace('_', ' ')}"
    if evidence.review is not None:
        found = evidence.review
        yield (
            f"the review of {_day(found.first)} to {_day(found.last)} found {found.outcome.replace('_', ' ')}: "
            f"{found.attended}/{found.possible}"
        )
    if evidence.case is not None:
        rule = evidence.case.rule
        yield (
            f"{rule.counted} of the {rule.asked} sessions{' in a row' if rule.in_a_row else ''} that {rule.rule} asks "
            f"for in {rule.length} "
            f"{rule.window.replace('_', ' ')}, {_day(rule.first)} to {_day(rule.last)}"
        )
    if evidence.ill is not None:
        yield f"{evidence.ill} sessions of illness"


def _counts_for(day: dt.date, code: str) -> str:
    """What a missed session counts for, by the codes of its day."""
    era, tables = CODES.eras(np.array([day], dtype="datetime64[D]"))
    flags = int(tables[int(era[0])][CODES.number(code) or 0])
    if code == "N":
        return "missed, no reason known yet; counts as not agreed until it is"
    if flags & UNAUTHORISED:
        return "missed without the school's agreement"
    return "missed with the school's agreement" if flags & AUTHORISED else "not counted in attendance"


def _day(day: dt.date) -> str:
    return f"{day:%d/%m/%Y}"


def as_json(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence as the ledger keeps it, told: `figures`, `sessions` and `told`; empty for no evidence."""
    if not evidence:
        return {}
    kept = LetterEvidence.from_json(evidence)
    return {"figures": figures(kept), "sessions": relied_on(kept), "told": told(kept)}
