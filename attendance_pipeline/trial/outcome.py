"""What the rules make of one export's marks: penalty-notice thresholds, stages, persistent and severe absence.

Belongs here: the inputs of `derive/` put together from an export, with what is not in it assumed and said; and the rows
that a person is shown. Not here: a rule, reading a file, and showing anything.

Every mark of the file is counted. A decision of a day uses marks up to its cut-off day, so the figures here are those
of the first school day whose cut-off day is the last day with marks.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import Sessions
from attendance_pipeline.derive.evidence import counted_sessions, decision_evidence, opening_of
from attendance_pipeline.derive.inferred_calendar import InferredCalendar, academic_year, infer_calendar
from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs, compulsory_days
from attendance_pipeline.derive.ladder import EVENTS, INSUFFICIENT_DATA, STATUSES
from attendance_pipeline.derive.penalty_notices import PN_STATUSES
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.compulsory_age import compulsory_school_age
from attendance_pipeline.law.policy import Policy, PolicySetting, policy_from_text, shipped_policy_text
from attendance_pipeline.law.register_codes import CODES, WITHDRAWN
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.trial.export import Export
from attendance_pipeline.trial.people import Person

HUNDRED_PERCENT = 100_000  # in thousandths of a percent
PRESENT, MISSING = "present", "missing"

# Days at the end of the file without any mark of a pupil after which the pupil is taken to have left. Two weeks:
# shorter gaps are registers not taken. No law: what is assumed is said.
_LEFT_AFTER = 10
_WEEKS_AFTER = 6  # beyond the longest window of a rule: reviews, and Christmas
_TOO_SHORT = 5  # school days; persistent absence is never told of a week (rules.md section 4)
_JOINED_AFTER = 5  # school days of the year, from which a first mark is that of somebody who joined
_FEW_CODES = 7  # codes that a day usually has, from which one without any was no school day, though blank means present
_MOST = 50_000_000  # pupils times school days: 10,000 pupils over 25 years
_NOT_OF_AGE = "X"  # legal only for pupils outside compulsory school age: rules.md section 2
_CLOSED = tuple(r.number for r in CODES.rows if r.code_class == "not_collected")


@dataclass(frozen=True)
class Counted:
    """One session that a penalty-notice rule counts, and the first school day whose window excludes it (None: not
    within the days that were assumed)."""

    date: dt.date
    session: str
    code: str
    drops_out_on: dt.date | None


@dataclass(frozen=True)
class Notice:
    """A pupil at or near the threshold of one rule. `status`: of PN_STATUSES; `weeks_left`: school weeks until the
    oldest session drops out; `notes`: what a person should know."""

    pupil: int
    rule: str
    status: str
    counted: int
    needed: int
    window_from: dt.date
    drops_out_on: dt.date | None
    weeks_left: int | None
    sessions: tuple[Counted, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Staged:
    """A pupil on the ladder. `stage`: with no letter or meeting known; `if_done`: had every step been taken on the day
    it was asked for. `opened_on` None: on the school day after the file."""

    pupil: int
    stage: int
    status: str
    if_done: int
    opened_on: dt.date | None
    attended: int
    possible: int
    threshold: int
    now: tuple[int, int]
    unaccepted: tuple[tuple[dt.date, str, str], ...]
    looked_from: dt.date | None


@dataclass(frozen=True)
class Absent:
    """A persistently absent pupil, over the year to date. `since`: the first mark, of one who joined in the year."""

    pupil: int
    possible: int
    attended: int
    authorised: int
    unauthorised: int
    severe: bool
    since: dt.date | None


@dataclass(frozen=True)
class Headline:
    """The figures of the whole file, for a comparison: attended and possible sessions, and pupils."""

    attended: int
    possible: int
    persistent: int
    severe: int
    on_ladder: int
    met: int
    provisional: int
    near: int


@dataclass(frozen=True)
class Outcome:
    """Everything. `blank`: how blank cells were taken (None: there are none); `other`: the headline had they been taken
    the other way, where that differs; `cells`: blank cells on school days; `day`: number of the day whose figures these
    are, `last` of the last day with marks."""

    people: tuple[Person, ...]
    calendar: InferredCalendar
    derived: Derived
    day: int
    last: int
    rules: tuple[str, ...]
    notices: tuple[Notice, ...]
    stages: tuple[Staged, ...]
    absent: tuple[Absent, ...] | None
    left: Mapping[int, dt.date]
    insufficient: int
    headline: Headline
    blank: str | None
    chosen: bool
    cells: int
    other: Headline | None
    assumed: tuple[str, ...]

    @property
    def inputs(self) -> SchoolInputs:
        return self.derived.inputs

    @property
    def school(self) -> SchoolCalendar:
        return self.derived.inputs.calendar

    @property
    def last_date(self) -> dt.date:
        return self.school.date(self.last)

    @property
    def year_to_date(self) -> Sessions:
        """Sessions by pupil from the first day of the last academic year to the last day with marks."""
        return self.derived.counts.window(int(self.school.year_start[self.last]), self.last)


def shipped_policy() -> Policy:
    """The policy that is used where none is named."""
    return policy_from_text(shipped_policy_text(), Path("seed-school.toml (comes with the product)"))


def outcome_of(export: Export, policy: Policy, blank: str | None, all_rules: bool) -> Outcome:
    """Derive one export. `blank`: PRESENT or MISSING as the user says, None where they do not; `all_rules`: of the
    penalty-notice rules not only the statutory. Raises UnreadableFile for an export without a school day."""
    has_present = bool({"/", "\\"} & set(export.codes))
    chosen = blank is not None
    if blank is None:
        # Where present is written, a blank is something else; where it never is, it can hardly be anything else.
        blank = MISSING if has_present or not export.blank_is_open else PRESENT
    found = _derive(export, policy, blank, all_rules)
    cells = found.cells if chosen or export.blank_is_open else 0
    other = None
    if cells:
        headline = _derive(export, policy, PRESENT if blank == MISSING else MISSING, all_rules).headline
        other = headline if headline != found.headline else None
    return replace(found, blank=blank if cells else None, cells=cells, chosen=chosen, other=other)


def _derive(export: Export, policy: Policy, blank: str, all_rules: bool) -> Outcome:
    weeks = max([_WEEKS_AFTER, *(_weeks_of(policy))]) + _WEEKS_AFTER
    calendar = infer_calendar(_pupils_by_day(export, blank), weeks)
    if calendar is None:
        raise UnreadableFile("there is no mark of a school day in the file")
    school, last = calendar.calendar, calendar.last
    marks, blanks = _marks(export, school, last)
    first_mark, last_mark = _span(marks, last)
    assumed = list(calendar.assumed)
    never_present = not {"/", "\\"} & set(export.codes)
    if never_present and export.blank_is_open:
        blanks[:, : last + 1] |= marks[:, : last + 1] == 0  # a list of absences: what is not in it is open too
    cells = int(blanks[:, : last + 1].sum())
    if blank == PRESENT:
        entered = _entered(export.people, school, np.zeros(len(marks), dtype=np.int32))
        left = _leaving(export.people, school, np.full(len(marks), last, dtype=np.int32))
        _fill(marks, blanks, entered, left, last)
        first_mark, last_mark = _span(marks, last)
    entry = _entered(export.people, school, first_mark)
    leave, gone = _left(export.people, school, last_mark, last)
    pupils = _pupil_table(export.people, school, entry, leave, last, assumed)
    inputs = SchoolInputs("export", school, policy, pupils, marks, LogTable.from_entries(len(pupils), []))
    day = _day_of(inputs, last)
    derived = derive_school(inputs, int(school.year_start[last]), day)
    done = derive_school(replace(inputs, policy=_all_done(policy)), int(school.year_start[last]), day)
    rules = tuple(r.name for r in policy.rules_on(school.date(day)) if r.penalty_notice and (all_rules or r.statutory))
    notices = _notices(derived, day, last, rules, export.people)
    stages = _stages(derived, done, day, last)
    if gone:
        assumed.append(
            f"{len(gone)} pupils have no mark in the last {_LEFT_AFTER} school days or more of the file: taken to have "
            "left after their last mark. They are on no list below."
        )
    moved = _moved(export.people, first_mark, last_mark)
    if moved:
        assumed.append(
            f"{moved} names stand in one class and later in another: taken for two pupils each, as nothing else in the "
            "file tells who they are."
        )
    absent = None
    if calendar.days > _TOO_SHORT:
        absent = _absent(derived, last)
    headline = _headline(derived, last, notices, stages, absent)
    status = derived.stage_rows(day)["status"][pupils.on_roll(day)]
    return Outcome(
        people=export.people,
        calendar=calendar,
        derived=derived,
        day=day,
        last=last,
        rules=rules,
        notices=notices,
        stages=stages,
        absent=absent,
        left={p: school.date(int(leave[p])) for p in gone},
        insufficient=int((status == INSUFFICIENT_DATA).sum()),
        headline=headline,
        blank=None,
        chosen=False,
        cells=cells,
        other=None,
        assumed=tuple(assumed),
    )


# ---------------------------------------------------------------- inputs


def _weeks_of(policy: Policy) -> list[int]:
    """Windows of the policy's rules in weeks, as far as days after the file are needed to say when they move on."""
    weeks = {"school_weeks": 1.0, "calendar_weeks": 1.0, "school_days": 1 / 5, "calendar_months": 31 / 7}
    windows = [a.window for r in policy.rules for a in r.any_of]
    return [math.ceil(size * weeks[kind]) for kind, size in windows if kind in weeks]


def _pupils_by_day(export: Export, blank: str) -> dict[dt.date, int]:
    """How many pupils have a mark on each date. A code that says the school is closed is none."""
    out = _counted_by_day(export, ~np.isin(export.code, [*_CLOSED, WITHDRAWN]))
    if blank == PRESENT:
        out |= _days_of_blanks(export, out)
    return out


def _counted_by_day(export: Export, wanted: npt.NDArray[np.bool_]) -> dict[dt.date, int]:
    """On each date of the file, how many pupils have one of the wanted marks."""
    days, which = np.unique(export.day, return_inverse=True)
    pairs = np.unique(which[wanted].astype(np.int64) * len(export.people) + export.pupil[wanted])
    many = np.bincount(pairs // max(len(export.people), 1), minlength=len(days))
    return {d.item(): int(n) for d, n in zip(days, many, strict=True)}


def _days_of_blanks(export: Export, marked: Mapping[dt.date, int]) -> dict[dt.date, int]:
    """Where blank means present: how many pupils have a mark or a blank on each day that was a school day.

    A day on which nobody has a code is one only where days have few codes, and the week has others that have some.
    """
    rows = _counted_by_day(export, np.ones(len(export.day), dtype=bool))
    coded = [d for d, n in marked.items() if n]
    if not coded:
        return {}
    usual = float(np.median([marked[d] for d in coded]))
    weeks = {d.isocalendar()[:2] for d in coded}
    last = max(coded)
    out = {}
    for day, n in rows.items():
        open_ = marked.get(day, 0) > 0 or (usual < _FEW_CODES and day.isocalendar()[:2] in weeks and day <= last)
        out[day] = n if open_ else 0
    return out


def _marks(export: Export, school: SchoolCalendar, last: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Marks uint8[P, D, 2] on school days, and which sessions are blank in the file."""
    shape = (len(export.people), len(school), 2)
    if shape[0] * shape[1] > _MOST:
        raise UnreadableFile(f"{shape[0]:,} pupils on {shape[1]:,} days are more than a school has")
    marks, blanks = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool)
    days = school.days[: last + 1]
    at = np.searchsorted(days, export.day)
    here = at < len(days)
    here[here] = days[at[here]] == export.day[here]
    where = (export.pupil[here], at[here], export.session[here])
    code = export.code[here]
    marks[where] = np.where(code == WITHDRAWN, 0, code)
    blanks[where] = code == WITHDRAWN
    return marks, blanks


def _fill(
    marks: npt.NDArray[np.uint8],
    blanks: npt.NDArray[np.bool_],
    entry: npt.NDArray[np.int32],
    leave: npt.NDArray[np.int32],
    last: int,
) -> None:
    """Blank sessions as present."""
    day = np.arange(marks.shape[1])[None, :]
    on_roll = (day >= entry[:, None]) & (day <= np.minimum(leave, last)[:, None])
    wanted = (marks == 0) & on_roll[:, :, None] & blanks
    for half, sign in enumerate(("/", "\\")):
        marks[:, :, half][wanted[:, :, half]] = CODES.numbers_of([sign])[0]


def _span(marks: npt.NDArray[np.uint8], last: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """First and last day with a mark of each pupil; of one who has none, days past the end and before the start."""
    some = (marks[:, : last + 1] != 0).any(axis=2)
    any_ = some.any(axis=1)
    first = np.where(any_, some.argmax(axis=1), last + 1)
    final = np.where(any_, last - some[:, ::-1].argmax(axis=1), -1)
    return first.astype(np.int32), final.astype(np.int32)


def _entered(
    people: Sequence[Person], school: SchoolCalendar, otherwise: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    out = otherwise.copy()
    for i, person in enumerate(people):
        if person.entry is not None:
            out[i] = school.on_or_after(person.entry)
    return out


def _leaving(
    people: Sequence[Person], school: SchoolCalendar, otherwise: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    out = otherwise.copy()
    for i, person in enumerate(people):
        if person.leaving is not None:
            out[i] = school.on_or_before(person.leaving)
    return out


def _left(
    people: Sequence[Person], school: SchoolCalendar, last_mark: npt.NDArray[np.int32], last: int
) -> tuple[npt.NDArray[np.int32], list[int]]:
    """Last day on roll, and who has left: by their leaving date, else by having had no mark for long."""
    guessed = np.where(last - last_mark >= _LEFT_AFTER, last_mark, len(school) - 1).astype(np.int32)
    leave = _leaving(people, school, guessed)
    return leave, [int(p) for p in np.flatnonzero(leave < last)]


def _moved(people: Sequence[Person], first_mark: npt.NDArray[np.int32], last_mark: npt.NDArray[np.int32]) -> int:
    """How many names known by class alone are in two classes, one after the other: perhaps one pupil who moved."""
    by_name: dict[tuple[str, ...], list[int]] = {}
    for i, person in enumerate(people):
        if not (person.upn or person.student_id or person.admission or person.born):
            for name in person.names:
                by_name.setdefault(name, []).append(i)
    spans = [sorted((int(first_mark[i]), int(last_mark[i])) for i in same) for same in by_name.values()]
    return sum(len(s) > 1 and all(a[1] < b[0] for a, b in pairwise(s)) for s in spans)


def _pupil_table(
    people: Sequence[Person],
    school: SchoolCalendar,
    entry: npt.NDArray[np.int32],
    leave: npt.NDArray[np.int32],
    last: int,
    assumed: list[str],
) -> PupilTable:
    ages = [_compulsory(person, school, last) for person in people]
    unknown = sum(p.born is None and not p.year for p in people)
    by_year = sum(p.born is None and bool(p.year) for p in people)
    if unknown:
        who = "The file has no dates of birth: every pupil is" if unknown == len(people) else f"{unknown} pupils are"
        assumed.append(f"{who} taken to be of compulsory school age, outside which no session counts for a notice.")
    if by_year:
        assumed.append("Compulsory school age by the year group, where there is no date of birth.")
    n = len(people)
    return PupilTable(
        pupil_id=np.arange(n, dtype=np.int64),
        upn=np.array([p.upn or f"({i})" for i, p in enumerate(people)], dtype=object),
        entry=entry,
        leave=leave,
        csa_from=np.array([a for a, _ in ages], dtype=np.int32),
        csa_to=np.array([b for _, b in ages], dtype=np.int32),
        class_name=np.array([p.class_name for p in people], dtype=object),
        year_group=np.array([p.year for p in people], dtype=object),
        cohort=np.zeros(n, dtype=np.uint16),
        looked_after=np.zeros(n, dtype=bool),
    )


def _compulsory(person: Person, school: SchoolCalendar, last: int) -> tuple[int, int]:
    """First and last school day of compulsory school age; by the year group the widest that it can be."""
    if person.born is not None:
        return compulsory_days(school, person.born)
    span = _span_of_year(person.year, academic_year(school.date(last)))
    if span is None:
        return 0, len(school) - 1
    oldest, youngest = (compulsory_school_age(born) for born in span)
    return school.on_or_after(oldest[0]), school.on_or_before(youngest[1])


def _span_of_year(year_group: str, academic: int) -> tuple[dt.date, dt.date] | None:
    """Dates of birth of the oldest and the youngest in a year group of an academic year; None for no year group."""
    number = {"N1": -2, "N2": -1, "R": 0}.get(year_group)
    if number is None:
        if not year_group.isdigit():
            return None
        number = int(year_group)
    born = academic - number - 5
    return dt.date(born, 9, 1), dt.date(born + 1, 8, 31)


def _day_of(inputs: SchoolInputs, last: int) -> int:
    """The first school day whose cut-off day is the last day with marks: on it every mark counts."""
    from attendance_pipeline.derive.plan import plan_of

    cut = plan_of(inputs).notices.cut
    return int(np.flatnonzero(cut >= last)[0])


def _all_done(policy: Policy) -> Policy:
    """The same policy with stages that wait for no letter and no meeting."""
    raw = policy.setting.model_dump(by_alias=True)
    for ladder in raw["ladder"]:
        for stage in ("1", "2", "3"):
            ladder["stages"][stage]["requires"] = ()
    return Policy(PolicySetting.model_validate(raw), f"{policy.version}, every step done", policy.path)


# ---------------------------------------------------------------- rows


def _notices(
    derived: Derived, day: int, last: int, rules: Sequence[str], people: Sequence[Person]
) -> tuple[Notice, ...]:
    plan, school = derived.plan, derived.inputs.calendar
    (outside,) = CODES.numbers_of([_NOT_OF_AGE])
    out = []
    for r, name in enumerate(plan.rule_names):
        if name not in rules or not plan.notices.in_force[r, day]:
            continue
        rows = derived.notice_rows(r, day)
        wanted = np.flatnonzero((rows["status"] > PN_STATUSES.index("not_met")) & derived.inputs.pupils.on_roll(day))
        for p in wanted.tolist():
            row = rows[p]
            alternative = int(plan.notices.rules["first"][r] + row["alternative"])
            needed = max(0, int(plan.notices.alternatives["sessions"][alternative]) - int(row["counted"]))
            drop = plan.notices.windows["drop"][alternative]
            sessions = tuple(
                Counted(school.date(m.day), m.session, m.code, _date(school, int(drop[m.day])))
                for m in counted_sessions(derived, r, p, day)
            )
            first_out = int(row["drops_out_on"])
            weeks = int(school.week[first_out] - school.week[last]) if first_out >= 0 else None
            out.append(
                Notice(
                    pupil=p,
                    rule=name,
                    status=PN_STATUSES[row["status"]],
                    counted=int(row["counted"]),
                    needed=needed,
                    window_from=school.date(int(row["window_from"])),
                    drops_out_on=_date(school, first_out),
                    weeks_left=weeks,
                    sessions=sessions,
                    notes=_notes_of_age(people[p], bool((derived.inputs.marks[p] == outside).any())),
                )
            )
    order = ("met", "met_provisional", "near")
    return tuple(
        sorted(out, key=lambda n: (rules.index(n.rule), order.index(n.status), -n.counted, people[n.pupil].name))
    )


def _notes_of_age(person: Person, marked_outside: bool) -> tuple[str, ...]:
    """What makes it doubtful that every counted session is of compulsory school age."""
    if person.born is not None:
        return ()
    if person.year == "R":
        return ("in Reception: check the date of birth",)
    if marked_outside:
        return (
            f"has marks {_NOT_OF_AGE}, which are for pupils outside compulsory school age: check the date of birth",
        )
    return ()


def _date(school: SchoolCalendar, day: int) -> dt.date | None:
    return None if day < 0 else school.date(day)


def _stages(derived: Derived, done: Derived, day: int, last: int) -> tuple[Staged, ...]:
    school, plan = derived.inputs.calendar, derived.plan
    rows, others = derived.stage_rows(day), done.stage_rows(day)
    ladder = plan.ladder[day]
    window = derived.counts.window(int(ladder["start"]), last)
    out = []
    for p in np.flatnonzero(
        ((rows["stage"] > 0) | (others["stage"] > 0)) & derived.inputs.pupils.on_roll(day)
    ).tolist():
        row = rows[p]
        source = derived if row["stage"] else done
        event = opening_of(source, p, day)
        if event is None:
            continue
        told = decision_evidence(source, event)
        first = _first_opening(source, p, int(event["episode"]))
        out.append(
            Staged(
                pupil=p,
                stage=int(row["stage"]),
                status=STATUSES[row["status"]] if row["stage"] else "none",
                if_done=int(others[p]["stage"]),
                opened_on=school.date(first) if first <= last else None,
                attended=told.figure[0],
                possible=told.figure[1],
                threshold=told.threshold,
                now=(int(window.attended[p]), int(window.possible[p])),
                unaccepted=tuple((s.date, s.session, s.code) for s in told.relied_on),
                looked_from=told.looked_from,
            )
        )
    return tuple(sorted(out, key=lambda s: (-s.stage, -s.if_done, s.now[0] / max(s.now[1], 1))))


def _first_opening(derived: Derived, pupil: int, episode: int) -> int:
    events = derived.events
    here = (events["pupil"] == pupil) & (events["episode"] == episode) & (events["event"] == EVENTS.index("opened"))
    return int(events["day"][here][0])


def _absent(derived: Derived, last: int) -> tuple[Absent, ...]:
    school = derived.inputs.calendar
    window = derived.counts.window(int(school.year_start[last]), last)
    date = school.date(last)
    persistent, severe = (absent_from(name, date) for name in ("persistent", "severe"))
    absent, possible = window.absent.astype(np.int64), window.possible.astype(np.int64)
    start, entry = int(school.year_start[last]), derived.inputs.pupils.entry
    on_roll = derived.inputs.pupils.on_roll(last)
    wanted = on_roll & (possible > 0) & (absent * HUNDRED_PERCENT >= persistent * possible)
    rows = [
        Absent(
            pupil=p,
            possible=int(possible[p]),
            attended=int(window.attended[p]),
            authorised=int(window.authorised[p]),
            unauthorised=int(window.unauthorised[p]),
            severe=bool(absent[p] * HUNDRED_PERCENT >= severe * possible[p]),
            since=school.date(int(entry[p])) if entry[p] > start + _JOINED_AFTER else None,
        )
        for p in np.flatnonzero(wanted).tolist()
    ]
    return tuple(sorted(rows, key=lambda a: (a.attended / a.possible, a.pupil)))


def _headline(
    derived: Derived,
    last: int,
    notices: Sequence[Notice],
    stages: Sequence[Staged],
    absent: Sequence[Absent] | None,
) -> Headline:
    school = derived.inputs.calendar
    window = derived.counts.window(int(school.year_start[last]), last)
    statuses = [n.status for n in notices]
    return Headline(
        attended=int(window.attended.sum(dtype=np.int64)),
        possible=int(window.possible.sum(dtype=np.int64)),
        persistent=len(absent or ()),
        severe=sum(a.severe for a in absent or ()),
        on_ladder=sum(s.stage > 0 for s in stages),
        met=statuses.count("met"),
        provisional=statuses.count("met_provisional"),
        near=statuses.count("near"),
    )
