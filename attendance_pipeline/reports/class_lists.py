"""Class lists: what each class teacher is told of the own class every week, one page a class where it fits, and all
classes in one file for the attendance lead.

Belongs here: the rows of a list, the figures over the class, and the files. Not here: the figures of a pupil and
patterns (`derive/`), the look of the page (`letter_templates/layout/class-list.typ`).

A list names pupils: it goes to the class's own audience and to the attendance lead. It gives no reason for an absence,
no code, and no group that a pupil belongs to.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from attendance_pipeline.derive.ladder import AWAITING_ACTION
from attendance_pipeline.derive.patterns import PupilPatterns, patterns_of
from attendance_pipeline.derive.spells import counted_for
from attendance_pipeline.derive.tables import flagged_groups, windows_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.law.policy import PERCENT_SCALE
from attendance_pipeline.law.register_codes import (
    ATTENDED,
    AUTHORISED,
    LATE_AFTER,
    LATE_BEFORE,
    MARKED,
    UNAUTHORISED,
)
from attendance_pipeline.reports.figures import long_date, number, percent, plural, points, short_date, tenths
from attendance_pipeline.reports.printed import as_pdf

CLASS_FILE = "class-list.pdf"
BUNDLE_FILE = "class-lists.pdf"
BUNDLE_AUDIENCE = "attendance-lead"
NO_CLASS = "No class"  # where the register names none
LAYOUT = "class-list.typ"

# A session of the week, as a teacher may be told of it: never the code, which is a reason.
PRESENT, LATE, LATE_AFTER_CLOSE, ABSENT = "present", "late", "late after the register closed", "absent"
NO_MARK, NOT_EXPECTED, OFF_ROLL = "no mark", "not expected", ""
_LEGEND = (PRESENT, LATE, LATE_AFTER_CLOSE, ABSENT, NO_MARK, NOT_EXPECTED)
_HALVES = ("morning", "afternoon")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_PATTERNS_SHOWN = 2
_BAR_FROM, _BAR_TO = 50, 100  # percent that the ends of the bar beside a pupil's attendance stand for


@dataclass(frozen=True)
class ClassListPupil:
    """One pupil on roll. Sessions: of the academic year to date, of it up to the end of the school week before, and of
    this week. `week`: one word of `_LEGEND` a session, in order; `patterns`: a few words each, remarkable first.
    """

    name: str
    sort_name: str
    class_name: str
    attended: int
    possible: int
    before_attended: int = 0
    before_possible: int = 0
    week_attended: int = 0
    week_possible: int = 0
    late: int = 0
    week_late: int = 0
    stage: int = 0
    next_step: str = ""
    week: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @property
    def change(self) -> Decimal | None:
        """Points by which the year's attendance differs from that of a week ago, as both are printed."""
        return _difference((self.attended, self.possible), (self.before_attended, self.before_possible))


@dataclass(frozen=True)
class ClassListWeek:
    """What all lists of a week share. `days`: the school days of the week. `threshold`: percent at which the ladder
    begins. `school`: (attended, possible) of the whole school for the year and for the week. `flagged`: classes whose
    attendance fell behind the school's so far that a group intervention is to be considered."""

    days: tuple[dt.date, ...]
    threshold: Decimal
    school_year: tuple[int, int] = (0, 0)
    school_week: tuple[int, int] = (0, 0)
    flagged: frozenset[str] = frozenset()


def class_list_week(derived: Derived, day: int) -> ClassListWeek:
    """The school week that a derived school day ends."""
    calendar, on_roll = derived.inputs.calendar, derived.inputs.pupils.on_roll(day)
    first = max(int(calendar.week_first[calendar.week[day]]), int(calendar.year_start[day]))
    year, week = windows_of(derived, day)[0], derived.counts.window(first, day)
    return ClassListWeek(
        days=tuple(calendar.date(d) for d in range(first, day + 1)),
        threshold=Decimal(int(derived.plan.ladder["threshold"][day])) / PERCENT_SCALE,
        school_year=(int(year.attended[on_roll].sum()), int(year.possible[on_roll].sum())),
        school_week=(int(week.attended[on_roll].sum()), int(week.possible[on_roll].sum())),
        flagged=frozenset(name for kind, name in flagged_groups(derived, day) if kind == "class"),
    )


def class_list_pupils(
    derived: Derived, day: int, names: Mapping[int, tuple[str, str]], tasks: Mapping[int, str] | None = None
) -> list[ClassListPupil]:
    """The pupils on roll at the end of a derived school day, the last of a school week.

    `names`: row in PupilTable to (name, name to sort by); only these pupils are listed. `tasks`: row to what the class
    teacher has to do about the pupil next, in words.
    """
    pupils, calendar = derived.inputs.pupils, derived.inputs.calendar
    year_start = int(calendar.year_start[day])
    first = max(int(calendar.week_first[calendar.week[day]]), year_start)
    year, week = windows_of(derived, day)[0], derived.counts.window(first, day)
    before = derived.counts.window(year_start, first - 1)
    seen, patterns = counted_for(derived.inputs, first, day), patterns_of(derived.inputs, year_start, day)
    stages, threshold = derived.stage_rows(day), int(derived.plan.ladder["threshold"][day])
    below = year.attended.astype(np.int64) * 100 * PERCENT_SCALE < year.possible.astype(np.int64) * threshold
    out = []
    for p in np.flatnonzero(pupils.on_roll(day)).tolist():
        if p not in names:
            continue
        stage, due = int(stages["stage"][p]), int(stages["review_due"][p])
        step = next_step(stage, stages["status"][p] == AWAITING_ACTION, calendar.date(due) if due >= 0 else None)
        name, sort_name = names[p]
        out.append(
            ClassListPupil(
                name=name,
                sort_name=sort_name,
                class_name=str(pupils.class_name[p]) or NO_CLASS,
                attended=int(year.attended[p]),
                possible=int(year.possible[p]),
                before_attended=int(before.attended[p]),
                before_possible=int(before.possible[p]),
                week_attended=int(week.attended[p]),
                week_possible=int(week.possible[p]),
                late=int(year.late[p]),
                week_late=int(week.late[p]),
                stage=stage,
                next_step=(tasks or {}).get(p, step) if stage else "",
                week=tuple(
                    session_word(int(flags), on_roll=bool(pupils.entry[p] <= d))
                    for d, both in zip(range(first, day + 1), seen[p], strict=True)
                    for flags in both
                ),
                patterns=_patterns(patterns.of(p), behind=stage > 0 or bool(below[p])),
            )
        )
    return out


def _patterns(seen: PupilPatterns, *, behind: bool) -> tuple[str, ...]:
    """What a teacher sees in a column. How many spells there were is said of who is behind: everybody has some."""
    parts = (seen.weekdays, seen.breaks, seen.lates, seen.weeks)
    said = tuple(p.short for p in parts if p.short)
    if not said and behind and seen.spells.short:
        said = (seen.spells.short,)
    return said[:_PATTERNS_SHOWN]


def session_word(flags: int, *, on_roll: bool = True) -> str:
    """What a teacher is told of a session, from what its mark counts for (`register_codes`)."""
    if not on_roll:
        return OFF_ROLL
    if flags & LATE_AFTER:
        return LATE_AFTER_CLOSE
    if flags & LATE_BEFORE:
        return LATE
    if flags & ATTENDED:
        return PRESENT
    if flags & (AUTHORISED | UNAUTHORISED):
        return ABSENT
    return NOT_EXPECTED if flags & MARKED else NO_MARK


def next_step(stage: int, awaiting_action: bool, review_due: dt.date | None) -> str:
    """What comes next on the ladder, in words; "" for a pupil who is not on it."""
    if stage == 0:
        return ""
    if awaiting_action:
        return "To start: see worklist"
    return "Review due" if review_due is None else f"Review {review_due.day} {review_due:%B}"


def build_class_lists(
    pupils: Iterable[ClassListPupil],
    week: ClassListWeek,
    *,
    school: str,
    teachers: Mapping[str, str],
    policy: str,
    as_at: str,
) -> dict[str, dict[str, bytes]]:
    """Audience to file name to PDF. `teachers`: class to its teacher, "" if not known. A class without pupils has none.

    `policy` and `as_at` stand at the foot of the page.
    """
    by_class: dict[str, list[ClassListPupil]] = {}
    for pupil in pupils:
        by_class.setdefault(pupil.class_name, []).append(pupil)
    folders = class_audiences({*by_class, *teachers})
    day = week.days[-1]
    shared = {
        "school": school,
        "subtitle": f"School week of {short_date(week.days[0])} to {long_date(day)}",
        "footer": f"Marks up to {as_at} · policy {policy} · names pupils: for class teacher and attendance lead",
        "legend": [{"svg": _drawn([word]), "words": word} for word in _LEGEND],
        "weekdays": [f"{d:%a}" for d in week.days],
        "scale": f"Bar: {_BAR_FROM}% to {_BAR_TO}%, its line the school's threshold ({_plain(week.threshold)}%).",
    }

    def printed(title: str, lists: Sequence[Mapping[str, Any]]) -> bytes:
        return as_pdf({**shared, "lists": lists}, title=title, day=day, layout_file=LAYOUT)

    lists = {
        name: _list(name, teachers.get(name, ""), sorted(by_class[name], key=lambda p: (p.sort_name, p.name)), week)
        for name in sorted(by_class)
    }
    out = {folders[name]: {CLASS_FILE: printed(f"Class list: {name}", [one])} for name, one in lists.items()}
    if lists:
        out[BUNDLE_AUDIENCE] = {BUNDLE_FILE: printed("Class lists", list(lists.values()))}
    return out


def _list(name: str, teacher: str, pupils: Sequence[ClassListPupil], week: ClassListWeek) -> dict[str, Any]:
    """One class as the layout reads it."""
    year = _sum((p.attended, p.possible) for p in pupils)
    before = _sum((p.before_attended, p.before_possible) for p in pupils)
    this_week = _sum((p.week_attended, p.week_possible) for p in pupils)
    late = [p for p in pupils if p.week_late]
    on_ladder = sum(p.stage > 0 for p in pupils)
    change = _difference(year, before)
    since = "" if change is None else f"{points(change)} points since last week; "
    of_school = percent(tenths(*week.school_year))
    return {
        "class": name,
        "teacher": teacher,
        "figures": [
            _figure("Attendance this year", percent(tenths(*year)), f"{since}school {of_school}"),
            _figure("This week", percent(tenths(*this_week)), f"school {percent(tenths(*week.school_week))}"),
            _figure("Late this week", number(sum(p.week_late for p in pupils)), f"{plural(len(late), 'pupil')}"),
            _figure("On the ladder", number(on_ladder), f"of {plural(len(pupils), 'pupil')}"),
        ],
        "notes": _notes(name, pupils, week),
        "rows": [_row(p, week) for p in pupils],
    }


def _figure(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def _notes(name: str, pupils: Sequence[ClassListPupil], week: ClassListWeek) -> list[str]:
    """Sentences above the table; most weeks there is one at most."""
    notes = []
    if name in week.flagged:
        notes.append(
            "Over the last four school weeks this class has fallen well behind the school: a group intervention is to "
            "be considered with the attendance lead."
        )
    gaps = sum(word == NO_MARK for p in pupils for word in p.week)
    if gaps:
        have = "has" if gaps == 1 else "have"
        notes.append(f"{plural(gaps, 'session').capitalize()} of this week {have} no mark yet.")
    return notes


def _row(pupil: ClassListPupil, week: ClassListWeek) -> dict[str, Any]:
    year = tenths(pupil.attended, pupil.possible)
    return {
        "name": pupil.name,
        "strong": pupil.stage > 0,
        "svg": _drawn(pupil.week),
        "alt": _week_in_words(pupil.week, week.days),
        "attendance": percent(year),
        "bar": _share(year),
        "mark": _share(week.threshold),
        "change": "new" if pupil.change is None and pupil.possible else points(pupil.change),
        "late_week": number(pupil.week_late) if pupil.week_late else "",
        "late": number(pupil.late) if pupil.late else "",
        "stage": str(pupil.stage) if pupil.stage else "",
        "next": pupil.next_step,
        "patterns": "; ".join(pupil.patterns),
    }


def _week_in_words(week: Sequence[str], days: Sequence[dt.date]) -> str:
    """The week for who cannot see the drawing: `Tuesday morning late, Friday absent`."""
    said = []
    for i, day in enumerate(days):
        both = week[2 * i : 2 * i + 2]
        name = _WEEKDAYS[day.weekday()]
        if len(set(both)) == 1 and both:
            said += [f"{name} {both[0]}"] if both[0] not in (PRESENT, OFF_ROLL) else []
        else:
            halves = zip(_HALVES, both, strict=False)
            said += [f"{name} {half} {word}" for half, word in halves if word not in (PRESENT, OFF_ROLL)]
    return ", ".join(said) or "present in every session"


def _share(value: Decimal | None) -> float:
    """Where a percentage lies on the bar, 0 to 1; -1 for none."""
    if value is None:
        return -1.0
    return float(min(max((value - _BAR_FROM) / (_BAR_TO - _BAR_FROM), Decimal(0)), Decimal(1)))


def _plain(value: Decimal) -> str:
    return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"


def _sum(parts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    attended = possible = 0
    for a, p in parts:
        attended, possible = attended + a, possible + p
    return attended, possible


def _difference(now: tuple[int, int], then: tuple[int, int]) -> Decimal | None:
    new, old = tenths(*now), tenths(*then)
    return None if new is None or old is None else new - old


# ---------------------------------------------------------------- drawing a week

_SIGN, _GAP, _HIGH = 2.6, 1.4, 3.0  # mm: a session, the room between two days, the height
_INK, _GREY = "#1b1f24", "#8794a3"
# Told apart by shape, not by colour: lists are printed in grey. Drawn around (0, 0).
_SIGNS = {
    PRESENT: f'<circle r="0.42" fill="{_GREY}"/>',
    LATE: f'<circle r="1.05" fill="none" stroke="{_INK}" stroke-width="0.28"/>'
    f'<path d="M0-1.05A1.05 1.05 0 0 0 0 1.05Z" fill="{_INK}"/>',
    LATE_AFTER_CLOSE: f'<rect x="-0.95" y="-0.95" width="1.9" height="1.9" fill="none" stroke="{_INK}" '
    f'stroke-width="0.28"/><path d="M-0.95-0.95V0.95H0.95Z" fill="{_INK}"/>',
    ABSENT: f'<rect x="-1" y="-1" width="2" height="2" fill="{_INK}"/>',
    NO_MARK: f'<circle r="1.05" fill="none" stroke="{_INK}" stroke-width="0.28" stroke-dasharray="0.55 0.55"/>',
    NOT_EXPECTED: f'<path d="M-0.8 0H0.8" stroke="{_GREY}" stroke-width="0.3"/>',
    OFF_ROLL: "",
}


def _drawn(sessions: Sequence[str]) -> str:
    """Sessions of a week as an SVG drawing, two a day; its unit is a millimetre."""
    days = max(1, (len(sessions) + 1) // 2)
    wide = _SIGN * min(2, max(1, len(sessions))) * days + _GAP * (days - 1)
    places = (
        f'<g transform="translate({_SIGN * (i + 0.5) + _GAP * (i // 2):.2f} {_HIGH / 2})">{_SIGNS[word]}</g>'
        for i, word in enumerate(sessions)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.2f} {_HIGH}" width="{wide:.2f}mm" '
        f'height="{_HIGH}mm">{"".join(places)}</svg>'
    )
