"""What the rules read: one school's pupils, marks and intervention log, as arrays.

Belongs here: the shape of the inputs, their checks, and constructors from plain rows (for tests and small callers).
Not here: reading a store, and any rule.

Days are numbers of the calendar's axis of school days, except in the log, whose dates are dates: an entry may fall on
a day without school.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from attendance_pipeline.law.compulsory_age import compulsory_school_age
from attendance_pipeline.law.policy import ACTIONS, Policy
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.law.worked_example import marks_of_word

Ints = npt.NDArray[np.int32]
Texts = npt.NDArray[np.object_]

COHORTS = ("SEN", "FSM", "Pupil Premium", "EAL", "Looked After", "Social Worker", "Young Carer")
VULNERABLE = tuple(name for name in COHORTS if name != "EAL")  # rules.md section 4, tiers

NO_STAGE = -1  # an entry of the log that names no stage
_MAX_DAYS = 32_000  # rows of results keep the number of a day in 16 bits


def cohort_bits(names: Iterable[str]) -> int:
    """Bits of the named cohorts, in the order of COHORTS. Raises ValueError for a name that is none."""
    return sum(1 << COHORTS.index(name) for name in set(names))


VULNERABLE_BITS = cohort_bits(VULNERABLE)


@dataclass(frozen=True)
class PupilTable:
    """Every pupil the school has had, one row each; all arrays have length P.

    `entry`, `leave`: first and last day on roll (int32 day numbers; `leave` before `entry`: never on roll in this
    calendar). `csa_from`, `csa_to`: first and last school day of compulsory school age (`csa_to` before `csa_from`:
    never, or date of birth unknown). `cohort`: bits of COHORTS.
    """

    pupil_id: npt.NDArray[np.int64]
    upn: Texts
    entry: Ints
    leave: Ints
    csa_from: Ints
    csa_to: Ints
    class_name: Texts
    year_group: Texts
    cohort: npt.NDArray[np.uint16]
    looked_after: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pupil_id)

    def on_roll(self, day: int) -> npt.NDArray[np.bool_]:
        """Which pupils are on roll on a day: bool[P]."""
        return (self.entry <= day) & (day <= self.leave)

    def part(self, first: int, stop: int) -> PupilTable:
        return PupilTable(**{name: getattr(self, name)[first:stop] for name in self.__dataclass_fields__})

    def chosen(self, rows: Sequence[int]) -> PupilTable:
        return PupilTable(**{name: getattr(self, name)[list(rows)] for name in self.__dataclass_fields__})

    @classmethod
    def from_rows(cls, calendar: SchoolCalendar, rows: Sequence[Mapping[str, Any]]) -> PupilTable:
        """From mappings with any of: upn, entry, leave, born (dates or None), class_name, year_group, cohorts (names),
        looked_after. What is absent is blank."""
        n = len(calendar)
        entry, leave, csa_from, csa_to = [], [], [], []
        for row in rows:
            entry.append(calendar.on_or_after(row["entry"]) if row.get("entry") else 0)
            leave.append(calendar.on_or_before(row["leave"]) if row.get("leave") else n - 1)
            starts, ends = compulsory_days(calendar, row.get("born"))
            csa_from.append(starts)
            csa_to.append(ends)
        cohorts = [{*row.get("cohorts", ()), *(["Looked After"] if row.get("looked_after") else [])} for row in rows]
        return cls(
            pupil_id=np.arange(len(rows), dtype=np.int64),
            upn=np.array([row.get("upn", f"P{i:04d}") for i, row in enumerate(rows)], dtype=object),
            entry=np.array(entry, dtype=np.int32),
            leave=np.array(leave, dtype=np.int32),
            csa_from=np.array(csa_from, dtype=np.int32),
            csa_to=np.array(csa_to, dtype=np.int32),
            class_name=np.array([row.get("class_name", "") for row in rows], dtype=object),
            year_group=np.array([str(row.get("year_group", "")) for row in rows], dtype=object),
            cohort=np.array([cohort_bits(names) for names in cohorts], dtype=np.uint16),
            looked_after=np.array(["Looked After" in names for names in cohorts], dtype=np.bool_),
        )


@dataclass(frozen=True)
class Former:
    """What pupils were before they became what PupilTable says: arrays of one length, the latest change first.

    `until`: the last day (number) on which the row held; `pupil`: row of PupilTable; the rest as there.
    """

    until: Ints
    pupil: Ints
    class_name: Texts
    year_group: Texts
    cohort: npt.NDArray[np.uint16]

    @classmethod
    def none(cls) -> Former:
        numbers, texts = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=object)
        return cls(numbers, numbers, texts, texts, np.zeros(0, dtype=np.uint16))

    def __post_init__(self) -> None:
        if (np.diff(self.until) > 0).any():
            raise ValueError("former classes: expected the latest change first")


def compulsory_days(calendar: SchoolCalendar, born: dt.date | None) -> tuple[int, int]:
    """First and last school day (inclusive) of compulsory school age; (0, -1) when the date of birth is unknown."""
    if born is None:
        return 0, -1
    first, last = compulsory_school_age(born)
    return calendar.on_or_after(first), calendar.on_or_before(last)


@dataclass(frozen=True)
class LogEntry:
    """One entry of the intervention log, as a person wrote it: blanks are None. `pupil` is the row in PupilTable."""

    pupil: int
    day: dt.date
    action: str
    stage: int | None = None
    from_: dt.date | None = None
    until: dt.date | None = None
    contact_id: str = ""


@dataclass(frozen=True)
class LogTable:
    """The intervention log: entries `offsets[p]` to `offsets[p + 1] - 1` are of pupil p, by (date, file order).

    `action`: index in policy.ACTIONS. `stage`: -1 blank. `from_`, `until`: with the defaults of rules.md section 5
    applied (From blank is Date, Until blank is From); `until_given` says whether a person wrote it.
    """

    offsets: npt.NDArray[np.int64]
    action: npt.NDArray[np.uint8]
    stage: npt.NDArray[np.int8]
    day: npt.NDArray[np.datetime64]
    from_: npt.NDArray[np.datetime64]
    until: npt.NDArray[np.datetime64]
    until_given: npt.NDArray[np.bool_]
    contact_id: Texts

    def __len__(self) -> int:
        return len(self.action)

    def of(self, pupil: int) -> range:
        """Positions of a pupil's entries."""
        return range(int(self.offsets[pupil]), int(self.offsets[pupil + 1]))

    def part(self, first: int, stop: int) -> LogTable:
        low, high = int(self.offsets[first]), int(self.offsets[stop])
        names = [name for name in self.__dataclass_fields__ if name != "offsets"]
        return LogTable(offsets=self.offsets[first : stop + 1] - low, **{n: getattr(self, n)[low:high] for n in names})

    def chosen(self, rows: Sequence[int]) -> LogTable:
        chosen = np.asarray(rows, dtype=np.int64)
        many = np.diff(self.offsets)[chosen]
        ends = np.cumsum(many)
        places = np.arange(many.sum()) + np.repeat(self.offsets[chosen] - (ends - many), many)
        names = [name for name in self.__dataclass_fields__ if name != "offsets"]
        return LogTable(offsets=np.concatenate([[0], ends]), **{n: getattr(self, n)[places] for n in names})

    def with_entries(self, added: Iterable[LogEntry]) -> LogTable:
        """The same log and more entries, each behind those of its day."""
        blank = [None if n == NO_STAGE else int(n) for n in self.stage]
        there = [
            LogEntry(
                pupil=pupil,
                day=self.day[e].item(),
                action=ACTIONS[self.action[e]],
                stage=blank[e],
                from_=self.from_[e].item(),
                until=self.until[e].item() if self.until_given[e] else None,
                contact_id=str(self.contact_id[e]),
            )
            for pupil in range(len(self.offsets) - 1)
            for e in self.of(pupil)
        ]
        return LogTable.from_entries(len(self.offsets) - 1, [*there, *added])

    @classmethod
    def from_entries(cls, n_pupils: int, entries: Iterable[LogEntry]) -> LogTable:
        """From entries in file order."""
        ordered = sorted(entries, key=lambda e: (e.pupil, e.day))
        counts = np.bincount(np.array([e.pupil for e in ordered], dtype=np.int64), minlength=n_pupils)
        starts = [e.from_ or e.day for e in ordered]
        return cls(
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            action=np.array([ACTIONS.index(e.action) for e in ordered], dtype=np.uint8),
            stage=np.array([NO_STAGE if e.stage is None else e.stage for e in ordered], dtype=np.int8),
            day=np.array([e.day for e in ordered], dtype="datetime64[D]"),
            from_=np.array(starts, dtype="datetime64[D]"),
            until=np.array([e.until or s for e, s in zip(ordered, starts, strict=True)], dtype="datetime64[D]"),
            until_given=np.array([e.until is not None for e in ordered], dtype=np.bool_),
            contact_id=np.array([e.contact_id for e in ordered], dtype=object),
        )


@dataclass(frozen=True)
class SchoolInputs:
    """Everything the answers of one school depend on. `marks`: uint8[P, D, 2] code numbers (AM, PM), 0 no mark.

    `pupils` are as they are now; what is of a day (group rates, tiers) asks `pupils_on`. `school_log`: date and action
    of the entries of the log that are of the whole school, by date.
    """

    school_id: str
    calendar: SchoolCalendar
    policy: Policy
    pupils: PupilTable
    marks: npt.NDArray[np.uint8]
    log: LogTable
    go_live: dt.date | None = None
    former: Former = field(default_factory=Former.none)
    school_log: tuple[tuple[dt.date, str], ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.pupils), len(self.calendar), 2)
        if self.marks.shape != expected or self.marks.dtype != np.uint8:
            raise ValueError(
                f"marks of {self.school_id}: expected uint8 of shape (pupils, school days, 2) = {expected}, "
                f"not {self.marks.dtype} of shape {self.marks.shape}"
            )
        if len(self.log.offsets) != len(self.pupils) + 1:
            raise ValueError(f"log of {self.school_id}: expected offsets for {len(self.pupils)} pupils")
        if len(self.calendar) > _MAX_DAYS:
            raise ValueError(f"calendar of {self.school_id}: at most {_MAX_DAYS} school days, not {len(self.calendar)}")

    def __len__(self) -> int:
        return len(self.pupils)

    def pupils_on(self, day: int) -> PupilTable:
        """The pupils with the class, year group and cohorts that they had on a day."""
        held = int(np.searchsorted(-self.former.until, -day, side="right"))
        if held == 0:
            return self.pupils
        changed = {}
        for name in ("class_name", "year_group", "cohort"):
            values = getattr(self.pupils, name).copy()
            # Where a pupil stands twice, NumPy keeps the last value assigned: that of the earliest change.
            values[self.former.pupil[:held]] = getattr(self.former, name)[:held]
            changed[name] = values
        return replace(self.pupils, **changed)

    def part(self, first: int, stop: int) -> SchoolInputs:
        """The same school with pupils `first` to `stop - 1` only, as they are now. Marks are not copied."""
        return SchoolInputs(
            self.school_id,
            self.calendar,
            self.policy,
            self.pupils.part(first, stop),
            self.marks[first:stop],
            self.log.part(first, stop),
            self.go_live,
        )

    def chosen(self, rows: Sequence[int]) -> SchoolInputs:
        """The same school with these pupils only, in this order and as often as they are named, as they are now. Marks
        are a copy: for asking what would come of other marks, or of one more entry."""
        return SchoolInputs(
            self.school_id,
            self.calendar,
            self.policy,
            self.pupils.chosen(rows),
            self.marks[list(rows)],
            self.log.chosen(rows),
            self.go_live,
        )


def marks_from_text(calendar: SchoolCalendar, rows: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Marks from one line of text a pupil, for tests and benchmarks: a word a school day, AM and PM in it.

    A word is two one-character codes (`/\\`, `OO`), or two codes with a comma (`C1,Y1`); `-` stands for no mark.
    A line that is too short leaves the later days without a mark.
    """
    out = np.zeros((len(rows), len(calendar), 2), dtype=np.uint8)
    for p, line in enumerate(rows):
        for d, word in enumerate(line.split()):
            out[p, d] = marks_of_word(word)
    return out
