"""What stands in the way: a short list of matters in plain words, each with how many, what to do and where to look.

Two lists have this form: what still stands in the way of the next letter day, and what a school has to do before its
next year. Belongs here: words and the workbook. Not here: finding the matters (`steps/before_letters.py`,
`steps/school_year.py`). Nothing here is of one pupil: days, classes, files, rules and counts.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attendance_pipeline.reports.figures import long_date, plural
from attendance_pipeline.reports.restricted import is_restricted
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

READINESS_FILE = "readiness.xlsx"
YEAR_FILE = "school-year.xlsx"
NOTHING = "Nothing stands in the way"
STOPS, LOOK = "Stops letters", "To be looked at"
_MOST_NAMED = 6

# What to do about a letter that is held, by its reason (letters/holding.py). A reason that only few may read is not
# named on this list.
_HELD: Mapping[str, str] = {
    "no recipient": "Enter in the MIS a contact with parental responsibility who may receive letters",
    "no address": "Enter the address of the contact in the MIS",
    "do-not-send": "The log says not to send: release it there, or reject the letter",
    "left": "Reject the letter: the pupil has left",
    "recently sent": "Decide: release it in the log, or let it wait until the quiet weeks are over",
    "possible repeat": "Compare with the letter sent before: release it in the log, or reject it",
    "unresolved N": "Find out the reason of the N and correct the code in the MIS",
    "E or C2 sessions alone": "Decide: release it in the log, or reject it",
    "not of compulsory school age": "Reject it: the letter states a legal duty that does not bind here",
    "quality check failed": "See data-quality/what-to-do.html: correct the register, or confirm the day",
    "cannot be printed": "Run `attendance check`: it names template, line and what is wrong",
    "brake": "The whole batch waits: look at it and release it in the log",
}
_HELD_ELSE = "See held.csv beside the letters"
_RESTRICTED = "a reason that stands in the folder `restricted` alone"


@dataclass(frozen=True)
class Matter:
    """One line. `weight`: STOPS or LOOK, said in a word; `where`: a file, folder or command; never of one pupil."""

    weight: str
    what: str
    how_many: int | None
    to_do: str
    where: str = ""


@dataclass(frozen=True)
class MissingRegisterOfDay:
    """A class without a register in a session of a day."""

    day: dt.date
    class_name: str
    session: str
    pupils: int


def some(names: Sequence[str]) -> str:
    """The first few names and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def held_matters(reasons: Mapping[str, int]) -> list[Matter]:
    """Held letters by what holds them; `reasons`: how many letters each reason holds."""
    open_ = {r: n for r, n in reasons.items() if not is_restricted(r)}
    hidden = sum(n for r, n in reasons.items() if r not in open_)
    out = [
        Matter(STOPS, f"Letters held: {reason}", n, _HELD.get(reason, _HELD_ELSE), "office: letters/held.csv")
        for reason, n in sorted(open_.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    if hidden:
        out.append(Matter(STOPS, f"Letters held: {_RESTRICTED}", hidden, "Ask the attendance lead", "restricted"))
    return out


def readiness_files(
    school: str,
    letter_day: dt.date,
    day: dt.date,
    matters: Sequence[Matter],
    registers: Sequence[MissingRegisterOfDay],
) -> dict[str, bytes]:
    """The list for a letter day as one workbook: what stands in the way, and the registers that are missing. `day`: on
    which it is to be read."""
    heading = f"{school} · Before the letters of {long_date(letter_day)} · as of {long_date(day)}"
    books = [_sheet("Before letter day", matters, heading)]
    if registers:
        columns = (
            Column("day", "Date", "date", width=12),
            Column("class", "Class", width=14),
            Column("session", "Session", width=10),
            Column("pupils", "Pupils", "whole", width=10),
        )
        rows = [
            {"day": r.day, "class": r.class_name or "no class", "session": r.session, "pupils": r.pupils, "tone": "now"}
            for r in registers
        ]
        books.append(Sheet("Registers missing", columns, rows, heading))
    return {READINESS_FILE: workbook_bytes(books, title=heading, created=day)}


def year_files(school: str, day: dt.date, matters: Sequence[Matter]) -> dict[str, bytes]:
    """The list for the turn of the school year as one workbook."""
    heading = f"{school} · Next school year · as of {long_date(day)}"
    return {YEAR_FILE: workbook_bytes([_sheet("Next school year", matters, heading)], title=heading, created=day)}


def _sheet(name: str, matters: Sequence[Matter], heading: str) -> Sheet:
    columns = (
        Column("weight", "How urgent", width=15),
        Column("what", "What", width=56, wrap=True),
        Column("how_many", "How many", "whole", width=10),
        Column("to_do", "What to do", width=60, wrap=True),
        Column("where", "Where to look", width=34, wrap=True),
    )
    rows = [
        {**vars(m), "tone": "late" if m.weight == STOPS else "now"}
        for m in sorted(matters, key=lambda m: m.weight != STOPS)
    ]
    return Sheet(name, columns, rows or [{"what": NOTHING}], heading)


def days_in_words(days: Sequence[dt.date]) -> str:
    """`3 school days: 06/10, 07/10, 08/10`."""
    return f"{plural(len(days), 'school day')}: {some([f'{d:%d/%m}' for d in days])}"


def by_class(counts: Counter[str]) -> str:
    """`5A 3, 5B 1`, the most first."""
    return some([f"{name or 'no class'} {n}" for name, n in sorted(counts.items(), key=lambda c: (-c[1], c[0]))])
