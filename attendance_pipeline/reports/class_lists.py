"""Class lists: what each class teacher is told of the own class, one PDF a class and one bundle for the office.

Belongs here: the rows of a list, the figures over the class, and the files. Not here: the figures of a pupil
(`derive/`) and the look of the page (`letter_templates/layout/report.typ`).

A list names pupils: it goes to the class's own audience and to the office. It gives no reason for an absence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from attendance_pipeline.derive.ladder import AWAITING_ACTION
from attendance_pipeline.derive.tables import windows_of
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.letters.report_page import DataTable, KeyFigure, Report, Section
from attendance_pipeline.reports.figures import long_date, number, percent, points, tenths
from attendance_pipeline.reports.printed import as_pdf

CLASS_FILE = "class-list.pdf"
BUNDLE_FILE = "class-lists.pdf"
BUNDLE_AUDIENCE = "office"
NO_CLASS = "No class"  # where the register names none

_HEADER = ("Pupil", "This year", "Last 4 weeks", "Change", "Lates", "Stage", "Next step")
_ALIGN = ("left", "right", "right", "right", "right", "center", "left")
_NOTE = (
    "This year: from its first day. Last 4 weeks: school weeks. Change: in points. Lates: sessions, before and after "
    "the register closed. Bold: on the ladder."
)
_WIDTHS = ("1fr", "auto", "auto", "auto", "auto", "auto", "1fr")


@dataclass(frozen=True)
class ClassListPupil:
    """One pupil on roll. Sessions of the academic year to date, and of the last four school weeks of it."""

    name: str
    sort_name: str
    class_name: str
    attended: int
    possible: int
    recent_attended: int
    recent_possible: int
    late: int
    stage: int
    next_step: str = ""

    @property
    def change(self) -> Decimal | None:
        """Points between the last four school weeks and the year, as printed."""
        year, recent = tenths(self.attended, self.possible), tenths(self.recent_attended, self.recent_possible)
        return None if year is None or recent is None else recent - year


def class_list_pupils(derived: Derived, day: int, names: Mapping[int, tuple[str, str]]) -> list[ClassListPupil]:
    """The pupils on roll at the end of a derived school day. `names`: row in PupilTable to (name, name to sort by)."""
    pupils, calendar = derived.inputs.pupils, derived.inputs.calendar
    year, _, recent = windows_of(derived, day)
    stages = derived.stage_rows(day)
    out = []
    for p in np.flatnonzero(pupils.on_roll(day)).tolist():
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
                recent_attended=int(recent.attended[p]),
                recent_possible=int(recent.possible[p]),
                late=int(year.late[p]),
                stage=stage,
                next_step=step,
            )
        )
    return out


def next_step(stage: int, awaiting_action: bool, review_due: dt.date | None) -> str:
    """What comes next on the ladder, in words; "" for a pupil who is not on it."""
    if stage == 0:
        return ""
    if awaiting_action:
        return "To start: see worklist"
    return "Review due" if review_due is None else f"Review {review_due.day} {review_due:%B}"


def build_class_lists(
    pupils: Iterable[ClassListPupil],
    *,
    school: str,
    teachers: Mapping[str, str],
    day: dt.date,
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
    footer = f"Marks up to {as_at} · policy {policy} · names pupils: for the class teacher and the office"
    lists = {name: _section(sorted(by_class[name], key=lambda p: (p.sort_name, p.name))) for name in sorted(by_class)}

    def printed(title: str, subtitle: str, sections: Sequence[Section]) -> bytes:
        report = Report(school=school, subtitle=subtitle, sections=tuple(sections), footer=footer)
        return as_pdf(report.as_data(), title=title, day=day)

    until = f"attendance up to {long_date(day)}"
    out = {}
    for name, section in lists.items():
        teacher = teachers.get(name, "")
        subtitle = f"{teacher} · {until}" if teacher else until.capitalize()
        out[folders[name]] = {CLASS_FILE: printed(f"Class list: {name}", subtitle, [section])}
    if lists:
        named = [
            replace(section, heading=_heading(name, teachers.get(name, "")), new_page=i > 0)
            for i, (name, section) in enumerate(lists.items())
        ]
        out[BUNDLE_AUDIENCE] = {BUNDLE_FILE: printed("Class lists", until.capitalize(), named)}
    return out


def _heading(name: str, teacher: str) -> str:
    return f"{name} · {teacher}" if teacher else name


def _section(pupils: Sequence[ClassListPupil]) -> Section:
    year = tenths(sum(p.attended for p in pupils), sum(p.possible for p in pupils))
    recent = tenths(sum(p.recent_attended for p in pupils), sum(p.recent_possible for p in pupils))
    on_ladder = sum(p.stage > 0 for p in pupils)
    change = None if year is None or recent is None else recent - year
    note = "" if change is None else f"{points(change)} points"
    return Section(
        key_figures=(
            KeyFigure("Attendance this year", percent(year)),
            KeyFigure("Last four school weeks", percent(recent), note),
            KeyFigure("Late sessions this year", number(sum(p.late for p in pupils))),
            KeyFigure("On the ladder", number(on_ladder), f"of {number(len(pupils))} pupils"),
        ),
        tables=(
            DataTable(
                header=_HEADER,
                rows=tuple(_row(p) for p in pupils),
                align=_ALIGN,
                widths=_WIDTHS,
                note=_NOTE,
                strong_rows=tuple(i for i, p in enumerate(pupils) if p.stage > 0),
            ),
        ),
    )


def _row(pupil: ClassListPupil) -> tuple[str, ...]:
    return (
        pupil.name,
        percent(tenths(pupil.attended, pupil.possible)),
        percent(tenths(pupil.recent_attended, pupil.recent_possible)),
        points(pupil.change),
        number(pupil.late),
        str(pupil.stage) if pupil.stage else "",
        pupil.next_step,
    )
