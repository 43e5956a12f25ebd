"""Troubles: one school's bad night holds only itself.

Belongs here: going through the schools of a home in a step, what is done with the failure of one of them, which later
steps pass that school over, and how it is told. Not here: what a step does with one school, and the rows
(`store/troubles.py`).

A failure is kept by school, step, kind, place in the code and days; never with the words of an error that is not ours,
which may name a pupil. It is over when the same step has worked for that school. What is everybody's (the database, a
full disk, memory) stops the step for all, and so does a failure that every school had.

    each_school(site, BOARD, lambda school: _board(site, school, run))

does a step for every school. A step that hands its schools to several workers, or that fails by days, tells an
`Attempts` of each school what came of it.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TypeVar

from attendance_pipeline.advice import OWN_WORDS
from attendance_pipeline.engine import EngineError, WorkFailed
from attendance_pipeline.home import Home, School
from attendance_pipeline.steps.site import Day, Site
from attendance_pipeline.store import troubles as stored
from attendance_pipeline.store.troubles import NewTrouble, Trouble
from attendance_pipeline.store.warehouse import is_the_warehouses

T = TypeVar("T")

# The steps, and what each is called when something went wrong in it.
PLAN, TAKE_IN, REGISTER, NOTE_COUNTED, CHECK = "plan", "take_in", "register", "note_counted", "check"
DERIVE, MEASURES, STAGES, NOTICES = "derive", "attendance_measures", "stage_statuses", "penalty_notice_eligibility"
PROPOSE, LETTERS, WORKLISTS, BOARD, IMPACT, DATA_QUALITY = (
    *("propose", "letters", "worklists", "board", "impact", "data_quality"),
)
CLASS_LISTS, MONITORING, PASTORAL, RAFFLE, PRIZE_POT, GOVERNORS = (
    *("class_lists", "monitoring", "pastoral_packs", "raffle", "prize_pot", "governor_report"),
)
READINESS, SCHOOL_YEAR, PHONE_LIST = "readiness", "school_year", "phone_list"
TAKE_BACK = "take_back"
WORDS = {  # in the order of a night
    TAKE_BACK: "reading decisions in the batch workbooks",
    TAKE_IN: "taking in the extracts",
    REGISTER: "counting the register",
    NOTE_COUNTED: "noting what was counted",
    CHECK: "checking the register",
    DERIVE: "working out the days",
    MEASURES: "working out attendance",
    STAGES: "working out the stages",
    NOTICES: "working out penalty-notice thresholds",
    PROPOSE: "proposing letters",
    LETTERS: "delivering letters",
    WORKLISTS: "making the worklists",
    BOARD: "making the board",
    IMPACT: "reporting what corrections changed",
    DATA_QUALITY: "telling about the data",
    CLASS_LISTS: "making the class lists",
    MONITORING: "making the monitoring",
    PASTORAL: "making the pastoral pack",
    RAFFLE: "drawing the punctuality raffle",
    PRIZE_POT: "drawing the prize pot",
    GOVERNORS: "making the governor report",
    PLAN: "finding out what is due",
    READINESS: "telling what stands in the way of the letter day",
    SCHOOL_YEAR: "telling what the next school year needs",
    PHONE_LIST: "making this morning's phone list",
}

# A school that failed in one of these is passed over by the step: it would speak of marks that are not all there, or
# of days that could not be worked out. What is only worked out, and goes to nobody, is always tried.
_WORKED_OUT = (TAKE_IN, DERIVE, MEASURES, STAGES, NOTICES)
AFTER: dict[str, tuple[str, ...]] = {
    NOTE_COUNTED: (REGISTER,),
    STAGES: (MEASURES,),
    NOTICES: (MEASURES,),
    PROPOSE: (*_WORKED_OUT, REGISTER, CHECK, TAKE_BACK),
    LETTERS: (*_WORKED_OUT, REGISTER, CHECK, TAKE_BACK, PROPOSE),
    WORKLISTS: _WORKED_OUT,
    BOARD: (*_WORKED_OUT, REGISTER, CHECK, PROPOSE, LETTERS),
    IMPACT: (*_WORKED_OUT, REGISTER, CHECK, PROPOSE, LETTERS),
    DATA_QUALITY: (CHECK,),
    CLASS_LISTS: _WORKED_OUT,
    MONITORING: _WORKED_OUT,
    PASTORAL: _WORKED_OUT,
    RAFFLE: (TAKE_IN, REGISTER),
    PRIZE_POT: _WORKED_OUT,
    GOVERNORS: _WORKED_OUT,
}

# Failures of the machine or of the drive as a whole: the next school would meet the same.
_EVERYBODYS = {
    getattr(errno, name)
    for name in (
        *("ENOSPC", "EDQUOT", "EROFS", "EIO", "ESTALE", "ENOTCONN", "ENODEV", "ENXIO", "ETIMEDOUT", "EHOSTDOWN"),
        *("EHOSTUNREACH", "ENETUNREACH", "EMFILE", "ENFILE", "ENOMEM"),
    )
    if hasattr(errno, name)
}
# The same, where it was met by a worker of the engine, which tells the kind of an error alone.
_EVERYBODYS_KINDS = ("MemoryError", "WarehouseError", "OperationalError", "InterfaceError", "TimeoutError")
_OURS = ("attendance_pipeline", "assets", "schedules", "letter_templates")


def is_everybodys(error: BaseException) -> bool:
    """Whether a failure is not one school's: everything that is no `Exception`, memory, the database, a disk that is
    full or gone."""
    if not isinstance(error, Exception) or isinstance(error, MemoryError | EngineError) or is_the_warehouses(error):
        return True
    if isinstance(error, WorkFailed) and error.kind in _EVERYBODYS_KINDS:
        return True
    return isinstance(error, OSError) and error.errno in _EVERYBODYS


def each_school(site: Site, step: str, work: Callable[[School], T], schools: Iterable[School] | None = None) -> list[T]:
    """What `work` gives for each school (None: all of the home) that is not held and did not fail.

    Raises what is everybody's at once, and the first failure when every school failed.
    """
    attempts = Attempts(site, step)
    out: list[T] = []
    for school in site.schools() if schools is None else schools:
        if attempts.held(school):
            continue
        try:
            made = work(school)
        except Exception as error:
            attempts.failed(school, error)
            continue
        attempts.well(school)
        out.append(made)
    attempts.finish()
    return out


class Attempts:
    """What came of one step for each school. Of each that is not `held` the step says `well` or `failed`, and at the
    end `finish`."""

    def __init__(self, site: Site, step: str) -> None:
        self.site, self.step = site, step
        self._known = open_troubles(site)
        self._well = 0
        self._errors: list[Exception] = []
        self._new: list[NewTrouble] = []

    def held(self, school: School) -> bool:
        """Whether the step passes the school over, because it failed in one before."""
        holding = [t for t in self._known if t.school == school.id and t.holds and t.step in AFTER.get(self.step, ())]
        self.site.held_by.update({t.id: t for t in holding})
        return bool(holding)

    def open_in(self, school: School, step: str) -> bool:
        """Whether the school failed in another step, and that is not over."""
        return any(t.school == school.id and t.step == step for t in self._known)

    def failed(
        self, school: School, error: Exception, days: tuple[Day, Day] | None = None, *, holds: bool = True
    ) -> None:
        """The step failed for this school: on these days (first and last), or as a whole, and then it `holds`. Raises
        the error where it is everybody's."""
        if is_everybodys(error):
            self._note()
            raise error
        if holds:
            self._errors.append(error)
        else:
            self._well += 1
        first, last = days or (None, None)
        kind, place = kind_and_place(error)
        made = NewTrouble(school.id, self.step, kind, place, _own_words(error), first, last, holds, self.site.run)
        self._new.append(made)

    def well(self, school: School, days: Collection[Day] | None = None) -> None:
        """The step has worked for this school, on these days (None: for all that it is about)."""
        self._well += 1
        over = [
            t.id
            for t in self._known
            if t.school == school.id and t.step == self.step and (days is None or _within(t, school, days))
        ]
        if over:
            with self.site.warehouse.begin() as conn:
                stored.settle_troubles(conn, over)

    def tried(self, school: School, work: Callable[[], T]) -> T | None:
        """What some work for the school gives; None where it `failed`. A step of several parts says `well` itself."""
        try:
            return work()
        except Exception as error:
            self.failed(school, error)
            return None

    def finish(self) -> None:
        """Note what failed. Raises the first failure when no school was well."""
        whole = [t for t in self._new if t.holds]
        of_all = not self._well and len(whole) > 1 and len({(t.kind, t.place, t.words) for t in whole}) == 1
        if of_all:  # the drive is not there, a template cannot be read: no school's own trouble
            self._new.clear()
        self._note()
        if self._errors and not self._well:
            raise self._errors[0]

    def _note(self) -> None:
        if self._new:
            with self.site.warehouse.begin() as conn:
                for new in self._new:
                    noted = stored.note_trouble(conn, new)
                    self.site.noted[noted.id] = noted
            self._new.clear()


def open_troubles(site: Site) -> list[Trouble]:
    """What is not over in any school of the home, oldest first."""
    with site.warehouse.read() as conn:
        return stored.open_troubles(conn, site.home.school_ids)


def troubles_of_run(site: Site) -> list[Trouble]:
    """What went wrong while this site was open, and what of earlier held a school back, by school."""
    return sorted({**site.held_by, **site.noted}.values(), key=lambda t: (t.school, t.id))


def told(home: Home, found: Iterable[Trouble]) -> list[str]:
    """A line for each, for people: school, what was being done, days, kind of failure, what to do, and since when. No
    pupil, and no words of an error that are not ours."""
    return [f"{home.school(t.school).name}: {failure(t)}" for t in found]


def told_by_school(home: Home, found: Iterable[Trouble]) -> list[str]:
    """A line for each school: the first step that failed, as `told` says it, and in how many more."""
    order = list(WORDS)
    of_school: dict[str, list[Trouble]] = {}
    for t in sorted(found, key=lambda t: (t.school, order.index(t.step) if t.step in order else 0, t.id)):
        of_school.setdefault(t.school, []).append(t)
    lines = []
    for first, *more in of_school.values():
        also = f"; and {len(more)} more step{'s' if len(more) > 1 else ''} after it" if more else ""
        lines += [f"{line}{also}" for line in told(home, [first])]
    return lines


def failure(t: Trouble) -> str:
    """What went wrong, without the school's name."""
    days = ""
    if t.first_day is not None and t.last_day is not None:
        days = f", {t.first_day}" + ("" if t.last_day == t.first_day else f" to {t.last_day}")
    why = t.words or (t.kind + (f" in {t.place}" if t.place else ""))
    often = f"; {t.times} times since {t.began_at:%Y-%m-%d}" if t.times > 1 else ""
    return f"{WORDS.get(t.step, t.step)}{days} failed ({why}){often}"


def _within(t: Trouble, school: School, days: Collection[Day]) -> bool:
    """Whether all days of a trouble that are school days still are among these; one of no days always is."""
    if t.first_day is None or t.last_day is None:
        return True
    calendar = school.calendar
    numbers = range(calendar.on_or_after(t.first_day), calendar.on_or_before(t.last_day) + 1)
    return {calendar.date(i) for i in numbers} <= set(days)


def kind_and_place(error: BaseException) -> tuple[str, str]:
    """The error's class, and file and line of our own code that was reached last, for whoever mends it."""
    if isinstance(error, WorkFailed):
        return error.kind[:64], error.place.removeprefix(" in ")[:128]
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if any(part in _OURS for part in Path(f.filename).parts)]
    place = f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}"[:128] if ours else ""
    return type(error).__name__[:64], place


def _own_words(error: Exception) -> str:
    if isinstance(error, WorkFailed):
        return error.words
    if type(error).__name__ in OWN_WORDS:
        return str((error.strerror if isinstance(error, OSError) else "") or error)
    return ""
