"""The register itself looked at: marks that are missing, registers that came late, N left to age, codes that stand out.

Belongs here: counts by class and session, and the rule by which a class's use of a code is called unlike the others'.
Not here: whether a day can be believed (`quality/`), and which of this a report shows.

Figures are of the pupils on roll on each day, in the class in which they are on the last day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.chance import drawn_at_least
from attendance_pipeline.derive.codes import by_code
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.law.register_codes import CODES, NO_MARK, NOT_ESTABLISHED, POSSIBLE

Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]

NOT_RECORDED = -1
# In a school whose classes use all codes alike, fewer reports than this name any class at all.
CHANCE = 0.05
FEWEST_PUPILS = 8  # of a class, and outside it: fewer say nothing of a habit
# Codes that a school enters for a whole class at once (a trip, a closure) stand out by their nature.
_NOT_COMPARED = ("V", "P", "W")


@dataclass(frozen=True)
class Looked:
    """How missing marks are looked for. `half_day_year_groups`: who come when they come; `silent_after`: a pupil
    without any mark for more school days on end is a matter of the roll and not of the register."""

    half_day_year_groups: tuple[str, ...] = ()
    silent_after: int = 20


@dataclass(frozen=True)
class MissingRegister:
    """A session of a class without any mark (day and half: 0 morning, 1 afternoon), and of how many pupils."""

    class_name: str
    day: int
    half: int
    pupils: int


@dataclass(frozen=True)
class LateRegister:
    """A session of a class whose marks came in a later extract than those of other classes, so many days after."""

    class_name: str
    day: int
    half: int
    days_late: int


@dataclass(frozen=True)
class ClassRegisters:
    """The registers of one class: sessions in which it had pupils, those without any mark, single marks that are
    missing from registers that were taken, and how many pupils lack them; sessions whose time of arrival is known, and
    those of them that came late."""

    class_name: str
    pupils: int
    sessions: int
    missing: int
    gaps: int
    gap_pupils: int
    known: int
    late: int


@dataclass(frozen=True)
class Inspection:
    """The registers of a school over days `first` to `last`."""

    classes: tuple[ClassRegisters, ...]
    missing: tuple[MissingRegister, ...]
    late: tuple[LateRegister, ...]


def inspect_registers(
    inputs: SchoolInputs, first: int, last: int, looked: Looked, recorded: Longs | None = None
) -> Inspection:
    """Registers by class over school days first to last.

    `recorded`: for each session of those days the day (a number, any origin) on which an extract first had a mark of
    it, int64[P, days, 2], NOT_RECORDED for none; None: not known. A register is late when the first mark of the class
    came on a later day than the first mark of any class for the same session. Times of day stand in no extract.
    """
    pupils = inputs.pupils_on(last)
    days = np.arange(first, last + 1)
    marked = inputs.marks[:, first : last + 1] != NO_MARK
    here = _looked_at(inputs, first, last, looked)
    expected = np.repeat(here[:, :, None], 2, axis=2)
    if not marked[:, -1, 1].any() and marked[:, -1, 0].any():
        expected[:, -1, 1] = False  # the extract was made before the afternoon
    school_first = None if recorded is None else _earliest(recorded, np.ones(len(inputs), dtype=np.bool_))
    names = pupils.class_name.astype(str)
    classes, missing, late = [], [], []
    for name in sorted(set(names[here.any(axis=1)].tolist()) - {""}):
        mine = names == name
        there = expected[mine]
        size = there.sum(axis=0)
        taken = (there & marked[mine]).sum(axis=0)
        untaken = (size > 0) & (taken == 0) & _school_day_marked(marked)
        missing += [
            MissingRegister(name, int(days[d]), int(h), int(size[d, h])) for d, h in np.argwhere(untaken).tolist()
        ]
        gaps = there & ~marked[mine] & (taken > 0)
        known = came_late = 0
        if recorded is not None and school_first is not None:
            own = _earliest(recorded, mine)
            both = (own != NOT_RECORDED) & (size > 0)
            behind = np.where(both, own - school_first, 0)
            known, came_late = int(both.sum()), int((behind > 0).sum())
            late += [
                LateRegister(name, int(days[d]), int(h), int(behind[d, h])) for d, h in np.argwhere(behind > 0).tolist()
            ]
        classes.append(
            ClassRegisters(
                class_name=name,
                pupils=int((mine & pupils.on_roll(last)).sum()),
                sessions=int((size > 0).sum()),
                missing=int(untaken.sum()),
                gaps=int(gaps.sum()),
                gap_pupils=int(gaps.any(axis=(1, 2)).sum()),
                known=known,
                late=came_late,
            )
        )
    return Inspection(tuple(classes), tuple(missing), tuple(late))


def _looked_at(inputs: SchoolInputs, first: int, last: int, looked: Looked) -> Bools:
    """Whose mark is missing where there is none: on roll, not of a half-day year, and not silent: bool[P, days]."""
    pupils, days = inputs.pupils, np.arange(first, last + 1)
    half_days = np.isin(pupils.year_group.astype(str), looked.half_day_year_groups)
    on_roll = (pupils.entry[:, None] <= days) & (days <= pupils.leave[:, None]) & ~half_days[:, None]
    marked = (inputs.marks[:, first : last + 1] != NO_MARK).any(axis=2)
    before = np.maximum.accumulate(np.where(marked, days, -1), axis=1)
    before = np.maximum(before, np.maximum(pupils.entry, first)[:, None] - 1)
    after = np.minimum.accumulate(np.where(marked, days, last + 1)[:, ::-1], axis=1)[:, ::-1]
    after = np.minimum(after, np.minimum(pupils.leave, last)[:, None] + 1)
    return np.asarray(on_roll & (marked | (after - before - 1 <= looked.silent_after)))


def _school_day_marked(marked: Bools) -> Bools:
    """Sessions of which the school has any mark: where it has none, no one class failed: bool[days, 2]."""
    return np.asarray(marked.any(axis=0))


def _earliest(recorded: Longs, members: Bools) -> Longs:
    """The day of the first mark of some pupils by session: int64[days, 2], NOT_RECORDED for none."""
    never = np.iinfo(np.int64).max
    found = np.where(recorded[members] == NOT_RECORDED, never, recorded[members]).min(axis=0, initial=never)
    return np.where(found == never, NOT_RECORDED, found)


# ---------------------------------------------------------------- N


@dataclass(frozen=True)
class UnexplainedN:
    """The N of a class that stand now: how many, of how many pupils, how many older than the policy allows and of how
    many pupils, and the age of the oldest in school days."""

    class_name: str
    sessions: int
    pupils: int
    overdue: int
    overdue_pupils: int
    oldest: int


def unexplained(inputs: SchoolInputs, last: int, allowed: int) -> list[UnexplainedN]:
    """N of the academic year by class, the class with most overdue ones first. `allowed`: school days (policy)."""
    first = int(inputs.calendar.year_start[last])
    days = np.arange(first, last + 1)
    pupils = inputs.pupils_on(last)
    numbers = CODES.numbers_with(NOT_ESTABLISHED)
    on_roll = (days >= pupils.entry[:, None]) & (days <= pupils.leave[:, None])
    open_n = np.isin(inputs.marks[:, first : last + 1], numbers) & on_roll[:, :, None]
    age = (last - days)[None, :, None]
    names = pupils.class_name.astype(str)
    out = []
    for name in sorted(set(names[open_n.any(axis=(1, 2))].tolist())):
        mine = open_n[names == name]
        ages = np.broadcast_to(age, mine.shape)[mine]
        too_old = mine & (age > allowed)
        out.append(
            UnexplainedN(
                class_name=name,
                sessions=int(mine.sum()),
                pupils=int(mine.any(axis=(1, 2)).sum()),
                overdue=int(too_old.sum()),
                overdue_pupils=int(too_old.any(axis=(1, 2)).sum()),
                oldest=int(ages.max()),
            )
        )
    return sorted(out, key=lambda n: (-n.overdue, -n.sessions, n.class_name))


# ---------------------------------------------------------------- codes


@dataclass(frozen=True)
class CodeUse:
    """How many sessions of some pupils have each code. `sessions`: with any mark; `possible`: of those, possible ones;
    `codes`: by code as in the register, those that occur; `users`: how many pupils have it."""

    pupils: int
    sessions: int
    possible: int
    codes: dict[str, int]
    users: dict[str, int]


def code_use(inputs: SchoolInputs, first: int, last: int, members: Bools) -> CodeUse:
    """The codes of some pupils (bool[P]) over days first to last."""
    return _use(by_code(inputs, first, last)[members].astype(np.int64), int(members.sum()))


def _use(table: Longs, pupils: int) -> CodeUse:
    total = table.sum(axis=0)
    possible = [n for n in CODES.numbers_with(POSSIBLE) if n < len(total)]
    present = [n for n in range(1, len(total)) if total[n]]
    return CodeUse(
        pupils=pupils,
        sessions=int(total[1:].sum()),
        possible=int(total[possible].sum()),
        codes={CODES.codes[n]: int(total[n]) for n in present},
        users={CODES.codes[n]: int((table[:, n] > 0).sum()) for n in present},
    )


@dataclass(frozen=True)
class StandsOut:
    """A class whose use of a code is unlike the rest of the school's.

    `more`: more of it, else less. `high`: pupils of the class with more of it than the middle pupil of the school;
    `expected`: how many that would be if the class were like the rest. `share`, `rest`: sessions with the code of all
    sessions marked, in the class and outside it, as (part, whole). `chance`: of a difference like this or greater in
    one class and code.
    """

    class_name: str
    code: str
    more: bool
    pupils: int
    high: int
    expected: float
    share: tuple[int, int]
    rest: tuple[int, int]
    chance: float

    @property
    def sentence(self) -> str:
        """One plain sentence; `percent` of sessions to a tenth."""
        own, other = (100 * part / whole if whole else 0.0 for part, whole in (self.share, self.rest))
        word = "more" if self.more else "less"
        return (
            f"{self.class_name} has {word} {self.code} than the rest of the school: {own:.1f}% of its marks, "
            f"{other:.1f}% elsewhere; {self.high} of {self.pupils} pupils have more than the school's middle pupil, "
            f"where {self.expected:.0f} would be usual."
        )


def codes_that_stand_out(inputs: SchoolInputs, first: int, last: int) -> list[StandsOut]:
    """Classes whose use of a code is more than chance unlike the rest, the least likely first.

    The unit is the pupil: each has a share of their marks with the code, and those above the school's middle pupil are
    counted in the class (Mood's median test, with the exact hypergeometric chance). So one child's long illness counts
    once, however many marks it left. All classes and codes of a report share in CHANCE. It says that a class is unlike,
    never why: an outbreak, an age, a trip, or a habit of the one who takes the register.
    """
    pupils = inputs.pupils_on(last)
    table = by_code(inputs, first, last).astype(np.int64)
    marked = table[:, 1:].sum(axis=1)
    here = (marked > 0) & pupils.on_roll(last)
    names = pupils.class_name.astype(str)
    classes = [
        name
        for name in sorted(set(names[here].tolist()) - {""})
        if FEWEST_PUPILS <= int((here & (names == name)).sum()) <= int(here.sum()) - FEWEST_PUPILS
    ]
    compared = [
        row
        for row in CODES.rows
        if row.code_class in ("authorised", "unauthorised", "approved_activity", "present")
        and row.code not in ("/", "\\", *_NOT_COMPARED)
        and table[here, row.number].any()
    ]
    asked = 2 * len(classes) * len(compared)
    out = []
    total = int(here.sum())
    for row in compared:
        share = np.where(here, table[:, row.number] / np.maximum(marked, 1), 0.0)
        above = here & (share > np.median(share[here]))
        marked_ones = int(above.sum())
        for name in classes:
            mine = here & (names == name)
            size, high = int(mine.sum()), int((above & mine).sum())
            expected = size * marked_ones / total
            more = high > expected
            if more:
                chance = drawn_at_least(high, size, marked_ones, total)
            else:
                chance = drawn_at_least(size - high, size, total - marked_ones, total)
            if chance * asked < CHANCE:
                rest = here & ~mine
                out.append(
                    StandsOut(
                        class_name=name,
                        code=row.code,
                        more=more,
                        pupils=size,
                        high=high,
                        expected=expected,
                        share=(int(table[mine, row.number].sum()), int(marked[mine].sum())),
                        rest=(int(table[rest, row.number].sum()), int(marked[rest].sum())),
                        chance=chance,
                    )
                )
    return sorted(out, key=lambda s: (s.chance, s.class_name, s.code))
