"""The impact report: what changed since the one before it, for the data manager. Pure.

Belongs here: comparing two pages of a day, and the workbook. Not here: where pages and letters come from
(`steps/impact.py`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.ladder import STATUSES
from attendance_pipeline.derive.penalty_notices import PN_STATUSES
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

# What is counted, in the words of the report. What asks for a person comes first.
UNSUPPORTED_LETTERS = "letters sent that would not be sent today"
SUPPORTED_LETTERS = "letters sent that the marks support again"
OWED_LETTERS = "letters now owed"
CASES = "penalty-notice cases that differ"
STAGES = "pupils whose stage differs"
MARKS = "marks changed"
LATE_MARKS = "marks that came late"
DAYS = "school days changed"

# What is said of one letter, and as what it is counted.
WOULD_NOT_BE_SENT = "sent, and not supported any more"
SUPPORTED_AGAIN = "sent, and supported again"
OWED = "now owed"
_COUNTED_AS = {WOULD_NOT_BE_SENT: UNSUPPORTED_LETTERS, SUPPORTED_AGAIN: SUPPORTED_LETTERS, OWED: OWED_LETTERS}

NOTHING = "nothing"
NOT_BY_MARKS = "No mark of this pupil: entry or leaving date, the log, the calendar or the policy"
MOST_MARKS = 2_000  # listed one by one; of more than that, counts by day and code are what a person can read
_MARKS_OF_A_PUPIL = 3  # named where a change is explained
_MET = "met"  # a penalty-notice status in words, of which somebody may have acted
_SHEETS = {
    "Letters": (UNSUPPORTED_LETTERS, SUPPORTED_LETTERS, OWED_LETTERS),
    "Penalty notices": (CASES,),
    "Stages": (STAGES,),
    "Marks": (MARKS, LATE_MARKS),
}
_WHAT_TO_DO = {
    UNSUPPORTED_LETTERS: "Somebody decides whether the family is told. Nothing is taken back by itself: they stay in "
    "the ledger as sent.",
    SUPPORTED_LETTERS: "Whoever was told that they were not supported hears that they are.",
    OWED_LETTERS: "Nothing: they go with the next batch. Those that wait for a person are in held.csv.",
    CASES: "Whoever considers a notice, or has issued one, looks at the case again. Nothing is issued or withdrawn by "
    "itself.",
    STAGES: "Tasks on the worklists have moved already. Meetings that were arranged have not: the class teacher or "
    "attendance lead is told.",
    LATE_MARKS: "Nothing. They are of days that were worked out before without them.",
}


@dataclass(frozen=True)
class Mark:
    """One amendment of a mark, or a first mark that came late (`old_code` blank). `line` 0: withdrawn by not being
    named."""

    person_id: int
    date: dt.date
    session: str
    old_code: str
    new_code: str
    recorded_on: dt.date
    extract: str
    line: int


@dataclass(frozen=True)
class Change:
    """What a day says of a pupil, before and now: a stage with its status, or a rule's status."""

    person_id: int
    day: dt.date
    what: str
    before: str
    now: str


@dataclass(frozen=True)
class LetterNote:
    """A letter that somebody should look at, and why. `reference` is blank where it has not been proposed yet."""

    person_id: int
    reference: str
    kind: str
    since: dt.date
    why: str
    sent_on: dt.date | None = None


@dataclass(frozen=True)
class Impact:
    """All of one report. `late`: marks of days that were derived without them. `stages` and `cases`: as of the newest
    day that changed, one a pupil (and rule)."""

    marks: Sequence[Mark] = ()
    days_changed: Sequence[dt.date] = ()
    stages: Sequence[Change] = ()
    cases: Sequence[Change] = ()
    letters: Sequence[LetterNote] = ()
    late: Sequence[Mark] = ()

    def __bool__(self) -> bool:
        return bool(self.marks or self.late or self.stages or self.cases or self.letters)

    @property
    def pupils(self) -> frozenset[int]:
        """Pupils whose stage or case is another now."""
        return frozenset(c.person_id for c in (*self.stages, *self.cases))

    @property
    def earliest(self) -> dt.date | None:
        """The day of the earliest mark that changed or came late."""
        return min((m.date for m in (*self.marks, *self.late)), default=None)

    @property
    def counts(self) -> dict[str, int]:
        """By what is counted, in the words of the report; what asks for a person comes first."""
        return {
            **{what: sum(n.why == why for n in self.letters) for why, what in _COUNTED_AS.items()},
            CASES: len(self.cases),
            STAGES: len(self.stages),
            MARKS: len(self.marks),
            LATE_MARKS: len(self.late),
            DAYS: len(self.days_changed),
        }

    def without_names(self) -> dict[str, Any]:
        """What may be kept and shown outside the delivery: counts, dates, references of letters."""
        return {
            "counts": self.counts,
            "unsupported_letters": self.counts[UNSUPPORTED_LETTERS],
            "earliest_mark": None if self.earliest is None else self.earliest.isoformat(),
            "days": [min(self.days_changed).isoformat(), max(self.days_changed).isoformat()]
            if self.days_changed
            else None,
            "letters": [
                {
                    "counted_as": _COUNTED_AS[n.why],
                    "reference": n.reference,
                    "kind": n.kind,
                    "since": n.since.isoformat(),
                }
                for n in sorted(self.letters, key=lambda n: (n.since, n.reference))
            ],
        }


def stage_changes(day: dt.date, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Pupils whose stage or status differs between two pages of `stages` of one day."""
    said = [
        {
            int(p): f"stage {s}, {STATUSES[t].replace('_', ' ')}"
            for p, s, t in zip(page["pupil"], page["stage"], page["status"], strict=True)
        }
        for page in (before, now)
    ]
    return _differences(
        day, {(p, "stage"): t for p, t in said[0].items()}, {(p, "stage"): t for p, t in said[1].items()}
    )


def case_changes(day: dt.date, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Pupils and rules whose status differs between two pages of `penalty_notices` of one day."""
    return _differences(day, *(_cases(page) for page in (before, now)))


def _cases(page: Mapping[str, npt.NDArray[Any]]) -> dict[tuple[int, str], str]:
    told = np.flatnonzero(page["status"] > 0)
    return {
        (int(page["pupil"][i]), str(page["rule"][i])): PN_STATUSES[page["status"][i]].replace("_", " ") for i in told
    }


def _differences(
    day: dt.date, before: Mapping[tuple[int, str], str], now: Mapping[tuple[int, str], str]
) -> list[Change]:
    return [
        Change(key[0], day, key[1], before.get(key, NOTHING), now.get(key, NOTHING))
        for key in sorted(before.keys() | now.keys())
        if before.get(key, NOTHING) != now.get(key, NOTHING)
    ]


def impact_workbook(
    impact: Impact,
    names: Mapping[int, Mapping[str, str]],
    school: str,
    day: dt.date,
    school_days_back: int | None = None,
) -> bytes:
    """The report as a workbook: what asks for a person first, the marks last.

    `names`: `pupil` and `class` of each person; a pupil who is in no extract any more has none. `school_days_back`: of
    the earliest mark, counted from the newest day.
    """
    marks = _marks_of_pupils((*impact.marks, *impact.late))

    def about(thing: Change | LetterNote | Mark, **more: object) -> dict[str, object]:
        person = {"pupil": "(not in any extract now)", "class": "", **names.get(thing.person_id, {})}
        return {**vars(thing), **person, "because": marks.get(thing.person_id, NOT_BY_MARKS), **more}

    pupil = (Column("pupil", "Pupil"), Column("class", "Class"))
    changed = (Column("day", "On", "date"), Column("before", "Before"), Column("now", "Now"))
    because = Column("because", "Because", width=48, wrap=True)
    heading = f"{school}: what changed, {day:%d/%m/%Y}"
    letters = sorted(impact.letters, key=lambda n: (n.why == OWED, n.since, n.reference))
    cases = sorted(impact.cases, key=lambda c: (_MET not in (c.before, c.now), c.day, c.person_id))
    sheets = [
        Sheet(
            "Summary",
            (
                *(Column("what", "What", width=42), Column("count", "How many", "whole", width=10)),
                *(Column("to_do", "What to do", width=78, wrap=True), Column("sheet", "Sheet", width=16)),
            ),
            _summary(impact, school_days_back),
            heading,
        ),
        Sheet(
            "Letters",
            (
                *(*pupil, Column("why", "What"), Column("letter", "Letter")),
                *(Column("reference", "Reference"), Column("since", "Asked for since", "date")),
                *(Column("sent_on", "Sent on", "date"), because),
            ),
            [about(n, letter=_in_words(n.kind), reference=n.reference or "(not proposed yet)") for n in letters],
            heading,
        ),
        Sheet("Penalty notices", (*pupil, Column("what", "Rule"), *changed, because), map(about, cases), heading),
        Sheet("Stages", (*pupil, *changed, because), map(about, impact.stages), heading),
        _marks_sheet(impact, about, pupil, heading),
    ]
    return workbook_bytes(sheets, title=heading, created=day)


def _summary(impact: Impact, school_days_back: int | None) -> list[dict[str, object]]:
    back = "" if school_days_back is None else f", {school_days_back} school days back"
    to_do = {
        **_WHAT_TO_DO,
        MARKS: f"Nothing. The earliest is of {impact.earliest:%d/%m/%Y}{back}." if impact.earliest else "",
        DAYS: f"Nothing. All were worked out again, {min(impact.days_changed):%d/%m/%Y} to "
        f"{max(impact.days_changed):%d/%m/%Y}."
        if impact.days_changed
        else "",
    }
    sheets = {what: sheet for sheet, told in _SHEETS.items() for what in told}
    return [
        {"what": what[:1].upper() + what[1:], "count": count, "to_do": to_do[what], "sheet": sheets.get(what, "")}
        for what, count in impact.counts.items()
        if count
    ]


def _marks_sheet(
    impact: Impact, about: Callable[[Mark], dict[str, object]], pupil: Sequence[Column], heading: str
) -> Sheet:
    marks = sorted((*impact.marks, *impact.late), key=lambda m: (m.date, m.person_id, m.session, m.recorded_on))
    codes = (Column("date", "Date", "date"), Column("session", "Session"), Column("old_code", "Was"),
             Column("new_code", "Is"))  # fmt: skip
    if len(marks) <= MOST_MARKS:
        where = (
            Column("recorded_on", "Recorded on", "date"),
            Column("extract", "Extract"),
            Column("line", "Line", "whole"),
        )
        return Sheet("Marks", (*pupil, *codes, *where), map(about, marks), heading)
    counted = Counter((m.date, m.session, m.old_code, m.new_code) for m in marks)
    rows = [
        {"date": date, "session": session, "old_code": old, "new_code": new, "count": count}
        for (date, session, old, new), count in sorted(counted.items())
    ]
    return Sheet("Marks", (*codes, Column("count", "How many", "whole")), rows, heading)


def _marks_of_pupils(marks: Iterable[Mark]) -> dict[int, str]:
    """Which marks of each pupil changed, in words: the first few, and how many more."""
    of: dict[int, list[Mark]] = {}
    for m in sorted(marks, key=lambda m: (m.date, m.session, m.recorded_on)):
        of.setdefault(m.person_id, []).append(m)
    out = {}
    for person, mine in of.items():
        told = [
            f"{m.date:%d/%m/%Y} {m.session} {m.old_code or 'no mark'} to {m.new_code or 'no mark'}"
            for m in mine[:_MARKS_OF_A_PUPIL]
        ]
        more = len(mine) - len(told)
        out[person] = "; ".join(told) + (
            f"; and {more} more marks" if more > 1 else "; and 1 more mark" if more else ""
        )
    return out


def _in_words(kind: str) -> str:
    return kind.replace("_", " ").capitalize()
