"""What a day's worklists are made from: plain records of one school on one day, and finding them in what was derived.

Belongs here: the records, and which pupils each is about. Not here: which owner sees what, in which order and words
(`worklist_rows`), workbooks (`worklists`), reading the warehouse (`steps/worklists`). Pure.

A pupil is a key of the facts: the row in PupilTable, wherever a derived day is the source.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from attendance_pipeline.derive import returns, tasks
from attendance_pipeline.derive.inputs import NO_STAGE, PupilTable, SchoolInputs
from attendance_pipeline.derive.ladder import AWAITING_ACTION, MONITORING
from attendance_pipeline.derive.tables import windows_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.law.policy import ACTIONS, PERCENT_SCALE, Ladder, Stage
from attendance_pipeline.law.register_codes import (
    AUTHORISED,
    CODES,
    LATE_AFTER,
    NOT_ESTABLISHED,
    UNAUTHORISED,
)
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.reports.facts import PupilFacts
from attendance_pipeline.reports.notifications import NotificationList

HALVES = ("AM", "PM")
_NURSERY = ("N1", "N2")  # their sessions are often not marked, and none is expected


@dataclass(frozen=True)
class Task:
    """One task. `owner`: a key of worklist_rows.OWNERS, or `class-<name>`. `pupil`: a key of the facts; None: of no one
    pupil. `on`: what made it (law/task_catalogue.OCCASIONS). `closed_by`: actions of the log that close it.

    `restricted_reason` goes to the audience `restricted` only.
    """

    owner: str
    task: str
    opened_on: dt.date
    due_on: dt.date | None = None
    closed_on: dt.date | None = None
    pupil: Hashable = None
    reason: str = ""
    restricted_reason: str = ""
    reference: str = ""
    on: str = ""
    closed_by: tuple[str, ...] = ()

    @classmethod
    def from_derived(
        cls, task: tasks.Task, *, reason: str = "", restricted_reason: str = "", reference: str = ""
    ) -> Task:
        """A derived task; its pupil is the row in PupilTable. The rule it rests on is a reason where none is given."""
        return cls(
            owner=task.owner,
            task=task.task,
            opened_on=task.opened_on,
            due_on=task.due_on,
            closed_on=task.closed_on,
            pupil=None if task.pupil == tasks.NO_PUPIL else task.pupil,
            reason=reason or in_words(task.rule.replace("-", " ")),
            restricted_reason=restricted_reason,
            reference=reference,
            on=task.on,
            closed_by=task.closed_by,
        )

    def is_open(self, day: dt.date) -> bool:
        return self.opened_on <= day and (self.closed_on is None or self.closed_on > day)

    def is_overdue(self, day: dt.date) -> bool:
        return self.due_on is not None and self.due_on < day


@dataclass(frozen=True)
class UnresolvedMark:
    """An N nobody has explained yet. `age` in school days. `form`: whether a parents' form speaks of it, in words;
    blank where the school has no forms."""

    pupil: Hashable
    day: dt.date
    session: str
    age: int
    form: str = ""


@dataclass(frozen=True)
class GoneEntry:
    """An entry of the intervention log that its newest version does not hold any more, and that counts all the same."""

    pupil: Hashable
    day: dt.date
    action: str
    stage: int | None = None


@dataclass(frozen=True)
class Contact:
    """Whom to phone about a pupil."""

    name: str
    relationship: str = ""
    telephone: str = ""
    language: str = ""

    @property
    def words(self) -> str:
        said = f"{self.name} ({self.relationship.lower()})" if self.relationship else self.name
        language = self.language if self.language.casefold() not in ("", "english", "en", "eng") else ""
        return ", ".join(part for part in (f"{said}: {self.telephone or 'no number'}", language) if part)


@dataclass(frozen=True)
class PhoneCall:
    """A pupil at stage 3 who is absent on the day, after the meeting: the headteacher phones the parent.

    `codes`: of AM and PM as in the register, blank without a mark. `met_on`: the meeting. `absent_days`: school days
    with an absence since then, the day included. `phoned_on`: when the log says that it was done. `form`: whether the
    absence was notified, in words. `ask_first`: something must be asked before anybody phones; what, is not said here.
    """

    pupil: Hashable
    codes: tuple[str, str]
    met_on: dt.date | None = None
    absent_days: int = 0
    phoned_on: dt.date | None = None
    form: str = ""
    contacts: tuple[Contact, ...] = ()
    ask_first: bool = False


@dataclass(frozen=True)
class Missed:
    """A pupil absent on the day, late after the register closed, or without a mark. `codes` of AM and PM, blank without
    one; `found`: a key of worklist_rows.MISSED."""

    pupil: Hashable
    codes: tuple[str, str]
    found: str
    form: str = ""


@dataclass(frozen=True)
class MissingRegister:
    """A class that has no mark for a session of the day: its register was not taken, or did not arrive."""

    class_name: str
    session: str
    pupils: int


@dataclass(frozen=True)
class Review:
    """A pupil on the ladder. `due`: the day of the next review; None while `waits_for` holds the actions that the log
    lacks, or where the calendar ends first. `done`, `needed`: reviews at this stage, and how many before the next one.
    `checkpoint`, `now`, `threshold`: ratios; None where there is none."""

    pupil: Hashable
    stage: int
    opened_on: dt.date
    due: dt.date | None
    done: int = 0
    needed: int | None = None
    checkpoint: float | None = None
    now: float | None = None
    threshold: float | None = None
    waits_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class AttendanceReturn:
    """School days in a row wholly of G, N, O or U, of compulsory school age. `goes_on`: to the newest day."""

    pupil: Hashable
    first: dt.date
    last: dt.date
    days: int
    reached_on: dt.date
    goes_on: bool = False


@dataclass(frozen=True)
class SicknessReturn:
    """Sessions of illness in the academic year, of compulsory school age; two make a day."""

    pupil: Hashable
    sessions: int
    reached_on: dt.date


@dataclass(frozen=True)
class WorklistDay:
    """One school on one day: everything its worklists say. `pupils`: facts of every pupil that is named anywhere.

    `class_names`: classes that get a list even without a task. `resolve_n_school_days`: the age after which an N is
    overdue, `return_days` the lengths of the attendance and the sickness return (policy). `notifications` None: the
    school has no online form. `letters`: what waits in the ledger, which remembers; tasks do not.
    """

    school: str
    calendar: SchoolCalendar
    day: dt.date
    pupils: Mapping[Hashable, PupilFacts]
    class_names: Sequence[str] = ()
    tasks: Sequence[Task] = ()
    letters: Sequence[Task] = ()
    phone_calls: Sequence[PhoneCall] = ()
    missed: Sequence[Missed] = ()
    missing_registers: Sequence[MissingRegister] = ()
    unresolved: Sequence[UnresolvedMark] = ()
    reviews: Sequence[Review] = ()
    attendance_returns: Sequence[AttendanceReturn] = ()
    sickness_returns: Sequence[SicknessReturn] = ()
    notifications: NotificationList | None = None
    gone_entries: Sequence[GoneEntry] = ()
    resolve_n_school_days: int = 5
    return_days: tuple[int, int] = (10, 15)


def in_words(text: str) -> str:
    """`meeting_held` as people write it: Meeting held."""
    words = text.replace("_", " ")
    return words[:1].upper() + words[1:]


# ---------------------------------------------------------------- found in what was derived


def pupil_facts(derived: Derived, day: int, names: Mapping[int, str]) -> dict[Hashable, PupilFacts]:
    """Facts of every pupil that `names` names, by row in PupilTable, at the end of a derived school day.

    Attendance is of the year to date; a pupil who has left has the class, the stage and the attendance of before.
    """
    pupils, stages = derived.inputs.pupils, derived.stage_rows(day)["stage"]
    year = windows_of(derived, day)[0]
    return {
        p: PupilFacts(
            name=name,
            class_name=str(pupils.class_name[p]),
            year_group=str(pupils.year_group[p]),
            stage=int(stages[p]),
            attendance=int(year.attended[p]) / int(year.possible[p]) if year.possible[p] else None,
        )
        for p, name in names.items()
    }


def find_unresolved(
    marks: np.ndarray, pupils: PupilTable, calendar: SchoolCalendar, day: int
) -> list[tuple[int, int, str, int]]:
    """Every N of the academic year up to school day number `day`, the oldest first; also of pupils who have left since.

    `marks`: uint8[P, D, 2]. Returns (row of the pupil, day number, AM or PM, age in school days).
    """
    first = int(calendar.year_start[day])
    window = np.isin(marks[:, first : day + 1], CODES.numbers_with(NOT_ESTABLISHED))
    days = np.arange(first, day + 1)
    window &= ((days >= pupils.entry[:, None]) & (days <= pupils.leave[:, None]))[..., None]
    found = [(int(p), first + int(d), HALVES[int(half)]) for p, d, half in np.argwhere(window)]
    return [(p, d, half, day - d) for p, d, half in sorted(found, key=lambda n: (n[1], n[0], n[2]))]


def codes_on(inputs: SchoolInputs, pupil: int, day: int) -> tuple[str, str]:
    """The codes of AM and PM, blank without a mark."""
    am, pm = inputs.marks[pupil, day].tolist()
    return CODES.codes[am], CODES.codes[pm]


def phone_calls(
    derived: Derived,
    day: int,
    found: Iterable[tasks.Task],
    *,
    contacts: Mapping[int, Sequence[Contact]],
    ask_first: Iterable[int] = (),
    forms: Mapping[int, str] | None = None,
) -> list[PhoneCall]:
    """The headteacher's calls of a derived day, from the tasks that say so: stage 3, meeting held, absent on the day.

    `contacts`: whom to phone, by row in PupilTable; `ask_first`: pupils about whom somebody must be asked before.
    """
    today = derived.inputs.calendar.date(day)
    wary = set(ask_first)
    out = []
    for task in found:
        if task.on != "absent_after_meeting" or task.opened_on != today:
            continue
        met = tasks.meeting_before(derived, task.pupil, day, task.stage or 0)
        since = range(derived.first if met is None else max(met + 1, derived.first), day + 1)
        out.append(
            PhoneCall(
                pupil=task.pupil,
                codes=codes_on(derived.inputs, task.pupil, day),
                met_on=None if met is None else derived.inputs.calendar.date(met),
                absent_days=sum(_is_absent(derived.inputs, task.pupil, d) for d in since),
                phoned_on=task.closed_on,
                form=(forms or {}).get(task.pupil, ""),
                contacts=tuple(contacts.get(task.pupil, ())),
                ask_first=task.pupil in wary,
            )
        )
    return out


def _bits(number: int) -> int:
    return CODES.row(number).bits if number else 0


def _is_absent(inputs: SchoolInputs, pupil: int, day: int) -> bool:
    return any(_bits(n) & (AUTHORISED | UNAUTHORISED) for n in inputs.marks[pupil, day].tolist())


def registers_of(
    inputs: SchoolInputs, day: int, form: Callable[[int], str] = lambda pupil: ""
) -> tuple[list[Missed], list[MissingRegister]]:
    """Who is absent, late after the register closed, or not marked on a school day; and classes without a register.

    `form`: of a pupil, whether a parents' form speaks of the day, in words.

    A class of which more than half of the pupils have no mark for a session is one line, not one a pupil; children of
    nursery age without a mark are none.
    """
    pupils = inputs.pupils_on(day)
    here = np.flatnonzero(pupils.on_roll(day) & ~np.isin(pupils.year_group.astype(str), _NURSERY))
    unmarked = inputs.marks[:, day] == 0
    size = Counter(str(pupils.class_name[p]) for p in here)
    registers = []
    for half, session in enumerate(HALVES):
        missing = Counter(str(pupils.class_name[p]) for p in here if unmarked[p, half])
        registers += [MissingRegister(c, session, n) for c, n in sorted(missing.items()) if 2 * n > size[c]]
    untaken = {(r.class_name, HALVES.index(r.session)) for r in registers}
    missed = []
    for p in np.flatnonzero(pupils.on_roll(day)).tolist():
        numbers = inputs.marks[p, day].tolist()
        found = [_missed(_bits(n)) for n in numbers if n]
        if str(pupils.year_group[p]) not in _NURSERY:
            class_name = str(pupils.class_name[p])
            found += ["no mark" for half, n in enumerate(numbers) if not n and (class_name, half) not in untaken]
        worst = min((f for f in found if f), key=_MISSED_ORDER.index, default="")
        if worst:
            missed.append(Missed(p, codes_on(inputs, p, day), worst, form(p)))
    return missed, registers


_MISSED_ORDER = ("no reason", "no mark", "unauthorised", "late", "authorised")


def _missed(bits: int) -> str:
    if bits & NOT_ESTABLISHED:
        return "no reason"
    if bits & LATE_AFTER:
        return "late"
    if bits & UNAUTHORISED:
        return "unauthorised"
    return "authorised" if bits & AUTHORISED else ""


def reviews_of(derived: Derived, day: int) -> list[Review]:
    """Every pupil who is on roll and on the ladder at the end of a derived school day, by row in PupilTable."""
    inputs, plan, calendar = derived.inputs, derived.plan, derived.inputs.calendar
    rows = derived.stage_rows(day)
    today = plan.ladder[day]
    ladder = plan.policy.ladder_on(calendar.date(day))
    cut, start, threshold = int(today["cut"]), int(today["start"]), int(today["threshold"])
    now = derived.counts.window(start, cut) if start <= cut and start >= derived.counts.low else None
    out = []
    on_ladder = np.isin(rows["status"], (AWAITING_ACTION, MONITORING)) & inputs.pupils.on_roll(day)
    for p in np.flatnonzero(on_ladder).tolist():
        row, stage = rows[p], int(rows[p]["stage"])
        rung = _rung(ladder, stage)
        waiting = int(row["status"]) == AWAITING_ACTION
        out.append(
            Review(
                pupil=p,
                stage=stage,
                opened_on=calendar.date(int(row["opened_on"])),
                due=None if waiting or row["review_due"] < 0 else calendar.date(int(row["review_due"])),
                done=int(row["reviews"]),
                needed=rung.reviews_before_next if rung is not None else None,
                checkpoint=_ratio(row["checkpoint_attended"], row["checkpoint_possible"]),
                now=None if now is None else _ratio(now.attended[p], now.possible[p]),
                threshold=threshold / (100 * PERCENT_SCALE) if threshold >= 0 else None,
                waits_for=_lacking(derived, p, day, rung) if waiting else (),
            )
        )
    return out


def _ratio(attended: int, possible: int) -> float | None:
    return float(Fraction(int(attended), int(possible))) if int(possible) else None


def _rung(ladder: Ladder | None, stage: int) -> Stage | None:
    """What the policy says of stage 1, 2 or 3."""
    if ladder is None or not 1 <= stage <= 3:
        return None
    return (ladder.stages.one, ladder.stages.two, ladder.stages.three)[stage - 1]


def _lacking(derived: Derived, pupil: int, day: int, rung: Stage | None) -> tuple[str, ...]:
    """Which of the actions that a stage requires the log lacks, or all where some are of another opening."""
    row = derived.stage_rows(day)[pupil]
    required = rung.requires if rung is not None else ()
    calendar, log = derived.inputs.calendar, derived.inputs.log
    earlier = derived.plan.policy.setting.letters.answered_within_school_days
    earliest, today = calendar.date(max(int(row["opened_on"]) - earlier, 0)), calendar.date(day)
    held = {
        ACTIONS[log.action[e]]
        for e in log.of(pupil)
        if earliest <= log.day[e].item() <= today and int(log.stage[e]) in (NO_STAGE, int(row["stage"]))
    }
    return tuple(a for a in required if a not in held) or required


def attendance_returns(derived: Derived, day: int) -> list[AttendanceReturn]:
    """The statutory attendance return on a day, by `derive/returns`."""
    on = derived.inputs.calendar.date
    return [
        AttendanceReturn(r.pupil, on(r.first), on(r.last), r.days, on(r.reached_on), r.last == day)
        for r in returns.attendance_return(derived.inputs, day)
    ]


def sickness_returns(derived: Derived, day: int) -> list[SicknessReturn]:
    """The statutory sickness return on a day, by `derive/returns`."""
    on = derived.inputs.calendar.date
    return [SicknessReturn(r.pupil, r.sessions, on(r.reached_on)) for r in returns.sickness_return(derived.inputs, day)]
