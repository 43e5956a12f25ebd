"""What the decision behind a letter relies on, as the ledger keeps it and as a letter prints it.

Belongs here: the shape of a letter's evidence, its JSON, and figures as people read them. Does not belong here: how a
figure is come by (`derive/`), who gets the letter, the words around the figures.

Decisions compare exact counts. Rounding happens here, for readers, and never so that a figure below the threshold looks
as if it had reached it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from attendance_pipeline.law.policy import PERCENT_SCALE
from attendance_pipeline.letters.ledger_rows import LogEntry
from attendance_pipeline.letters.letter import FieldValue, Row, absence_rows

# What a family reads of what was done; entries of the log that are not of their business have no words.
CONTACT_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "phone_call": "Telephone call",
        "meeting_held": "Meeting at school",
        "home_visit": "Home visit",
        "target_agreed": "Targets agreed",
        "plan_agreed": "Plan agreed",
        "plan_reviewed": "Plan looked at again",
        "follow_up_done": "Follow-up talk",
    }
)
LETTER_SENT = "Letter {stage} given or sent"


@dataclass(frozen=True)
class LetterEvidence:
    """The figures of an opening, over sessions from `first_day` to `last_day` inclusive (the cut-off day).

    `threshold`: thousandths of a percent; None: no ladder was in force. `absences`: the missed sessions the decision
    relies on, as (day, AM or PM, code). `earlier_*`: the figures of the stage before, on `earlier_on`; possible 0:
    there is none. `weeks`: school weeks of monitoring from here; 0: not said.
    """

    attended: int
    possible: int
    unauthorised: int
    first_day: dt.date
    last_day: dt.date
    threshold: int | None = None
    absences: tuple[tuple[dt.date, str, str], ...] = ()
    weeks: int = 0
    earlier_attended: int = 0
    earlier_possible: int = 0
    earlier_on: dt.date | None = None
    event: str = ""
    measure: str = "year_to_date"
    policy: str = ""
    policy_version: str = ""

    def as_json(self) -> dict[str, Any]:
        """As the ledger keeps it: dates ISO, sequences lists, so that what is read back is equal."""
        found = dict(vars(self))
        for name in ("first_day", "last_day", "earlier_on"):
            found[name] = found[name].isoformat() if found[name] is not None else None
        found["absences"] = [[day.isoformat(), session, code] for day, session, code in self.absences]
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LetterEvidence:
        """From what the ledger keeps. A key not known here is left out; TypeError when a figure is missing."""
        known = {name: value for name, value in data.items() if name in cls.__dataclass_fields__}
        for name in ("first_day", "last_day", "earlier_on"):
            if isinstance(known.get(name), str):
                known[name] = dt.date.fromisoformat(known[name])
        known["absences"] = tuple((dt.date.fromisoformat(d), s, c) for d, s, c in known.get("absences", ()))
        return cls(**known)

    def fields(self, log: Iterable[LogEntry] = ()) -> dict[str, FieldValue]:
        """The fields of a letter that come from its figures and from what was done so far (entries up to its date)."""
        values: dict[str, FieldValue] = {
            "attendance_percent": percent(self.attended, self.possible, self.threshold),
            "threshold_percent": threshold_percent(self.threshold)
            if self.threshold is not None
            else "the school’s aim",
            "sessions_possible": str(self.possible),
            "sessions_attended": str(self.attended),
            "sessions_missed": str(self.possible - self.attended),
            "sessions_unauthorised": str(self.unauthorised),
            "period_start": self.first_day,
            "period_end": self.last_day,
            "absences": absence_rows(self.absences),
            "contacts": contact_rows(log),
        }
        if self.weeks:
            values["monitoring_weeks"] = str(self.weeks)
        if self.earlier_possible and self.earlier_on is not None:
            values["earlier_percent"] = percent(self.earlier_attended, self.earlier_possible, None)
            values["earlier_date"] = self.earlier_on
        return values


def percent(attended: int, possible: int, threshold: int | None) -> str:
    """Attendance to one decimal, such as 82.8%. What is below the threshold is never rounded up to it."""
    if possible == 0:
        return "not known yet"
    exact = Decimal(attended) * 100 / Decimal(possible)
    shown = exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
    if threshold is not None and attended * 100 * PERCENT_SCALE < threshold * possible:
        if shown * PERCENT_SCALE >= threshold:
            shown = exact.quantize(Decimal("0.1"), ROUND_FLOOR)
    elif shown == 100 and attended < possible:
        shown = exact.quantize(Decimal("0.1"), ROUND_FLOOR)
    return f"{shown}%"


def threshold_percent(threshold: int) -> str:
    """A threshold as it is spoken of: 85%, 92.5%."""
    return f"{(Decimal(threshold) / PERCENT_SCALE).normalize():f}%"


def contact_rows(log: Iterable[LogEntry]) -> tuple[Row, ...]:
    """The rows of a letter's field `contacts`: what was done with the family, by date, each thing of a day once."""
    found: dict[tuple[dt.date, str], Row] = {}
    for e in sorted(log, key=lambda e: (e.date, e.order)):
        what = CONTACT_WORDS.get(e.action, "")
        if e.action == "letter_sent" and e.stage in (1, 2, 3):
            what = LETTER_SENT.format(stage=e.stage)
        if what:
            found[e.date, what] = {"date": e.date, "what": what}
    return tuple(found.values())
