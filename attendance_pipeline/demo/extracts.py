"""The fictitious school's extracts: native files, as its system would have dropped them day after day.

Belongs here: which file is made on which day, its rows, and the faults that real files have. Not here: inventing what
the rows say.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from numpy.random import Generator

from attendance_pipeline.demo.forms import SentForm
from attendance_pipeline.demo.marks import AM, PM
from attendance_pipeline.demo.people import Contact, Pupil, Teacher
from attendance_pipeline.demo.recording import Recorded
from attendance_pipeline.demo.staff import LETTER_BY_HAND, LETTER_TO_EACH, Entry, Log
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.mis.kinds import KINDS
from attendance_pipeline.mis.upn import check_letter

Row = Sequence[str]
SESSIONS = ("AM", "PM")
MADE_AT = dt.time(17, 30)
APPLICANT_DAY, TWICE_DAY = 30, 61
LOG_HEADERS = (*(c.header for c in KINDS["interventions"].columns if not c.extra), "Letter")
LEAVER_SHOWN_DAYS = 14  # a system's list drops a leaver some time after the leaving date


@dataclass(frozen=True)
class Invented:
    """A fictitious school, whole: what its extracts are written from. `faults` draws where their faults are.

    `successor`: the teacher who takes over one class in the spring.
    """

    calendar: SchoolCalendar
    pupils: list[Pupil]
    teachers: list[Teacher]
    successor: str
    recorded: Recorded
    log: Log
    forms: list[SentForm]
    faults: Generator


def write_extracts(folder: Path, school: Invented) -> int:
    """Write every extract of the days that have been recorded into `folder`; gives how many files there are."""
    calendar, pupils, teachers, recorded = school.calendar, school.pupils, school.teachers, school.recorded
    files = _Files(folder)
    days = calendar.days[: recorded.first.shape[1]].tolist()
    files.write("classes", days[0], [(t.class_name, t.name, t.email) for t in teachers])
    spring = calendar.terms[1].first
    if spring < len(days):  # one class has another teacher from the spring
        new = teachers[len(teachers) // 3]
        changed = [replace(t, name=school.successor) if t is new else t for t in teachers]
        files.write("classes", days[spring], [(t.class_name, t.name, t.email) for t in changed])
    before: tuple[list[Row], list[Row]] = ([], [])
    exported = dt.date.min
    for d, day in enumerate(days):
        shown = [p for p in pupils if _shown(p, day)]
        now = [_pupil_row(p, day) for p in shown], [r for p in shown for r in _contact_rows(p)]
        if d == APPLICANT_DAY:
            now[0].append(_applicant(day))
        if now[0] != before[0] or (d and calendar.week[d] != calendar.week[d - 1] and int(calendar.week[d]) % 4 == 0):
            files.write("pupils", day, now[0], bom=True)
        if now[1] != before[1]:
            files.write("contacts", day, now[1], bom=True)
        before = now
        if d == len(days) - 1 or calendar.week[d + 1] != calendar.week[d]:
            rows = [row for e in school.log.entries if e.day <= day for row in _log_rows(e, pupils)]
            files.write("interventions", day, rows, headers=LOG_HEADERS)
            sent = [f for f in school.forms if exported < f.submitted.date() <= day]
            files.write("notifications", day, [_form_row(f) for f in sent])
            exported = day
    _registers(files, school.faults, days, pupils, recorded)
    return files.count


class _Files:
    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    def write(
        self, kind: str, day: dt.date, rows: Iterable[Row], bom: bool = False, headers: Row = (), more: str = ""
    ) -> None:
        text = io.StringIO()
        out = csv.writer(text, lineterminator="\r\n")
        out.writerow(headers or [c.header for c in KINDS[kind].columns if not c.extra])
        out.writerows(rows)
        content = text.getvalue().encode("utf-8-sig" if bom else "utf-8")
        file = self.folder / f"{kind}_{day.isoformat()}{more}.csv"
        file.write_bytes(content)
        made = dt.datetime.combine(day, MADE_AT, dt.UTC).timestamp()
        os.utime(file, (made, made))
        self.count += 1


def _british(day: dt.date | None) -> str:
    return day.strftime("%d/%m/%Y") if day else ""


def _iso(day: dt.date | None) -> str:
    return day.isoformat() if day else ""


def _flag(value: bool) -> str:
    return "Y" if value else "N"


def _shown(pupil: Pupil, day: dt.date) -> bool:
    gone = pupil.leaving_known is not None and day > pupil.leaving_known + dt.timedelta(days=LEAVER_SHOWN_DAYS)
    return pupil.entry <= day and not gone


def _pupil_row(p: Pupil, day: dt.date) -> Row:
    known = p.leaving if p.leaving_known is not None and day >= p.leaving_known else None
    origin = p.family.origin
    return (
        *(p.upn, p.admission, p.forename, p.surname, p.preferred, _british(p.born), p.sex, p.year_group, p.class_name),
        *(_british(p.entry), _british(known), "C", p.sen, _flag(p.fsm), _flag(p.pupil_premium), _flag(p.eal)),
        *(origin.language if origin else "English", origin.ethnicity if origin else "White - British"),
        *(_flag(p.looked_after), _flag(p.social_worker), _flag(p.young_carer)),
    )


def _applicant(day: dt.date) -> Row:
    """A child who has applied and has no number yet: the row cannot be used."""
    return "", "", "Wren", "Applicant", "", _british(day.replace(year=day.year - 6)), "F", "1", "", *[""] * 12


def _contact_rows(p: Pupil) -> list[Row]:
    return [_contact_row(p, c, priority) for priority, c in enumerate(p.family.contacts, 1)]


def _contact_row(p: Pupil, c: Contact, priority: int) -> Row:
    lines = (*c.address, "", "", "")[:3]
    return (
        *(p.upn, c.id, str(priority), c.title, c.forename, c.surname, c.relationship, _flag(c.responsibility)),
        *(_flag(c.lives_with), _flag(c.correspondence), _flag(c.restricted), *lines, c.town, "", c.postcode),
        *(c.email, c.telephone, c.language),
    )


def _log_rows(e: Entry, pupils: Sequence[Pupil]) -> list[Row]:
    """One row, or one for each person who got the letter."""
    pupil = pupils[e.pupil]
    to = [c.id for c in pupil.family.contacts if c.gets_letters] if e.to in (LETTER_TO_EACH, LETTER_BY_HAND) else []
    if e.to == LETTER_BY_HAND or e.action == "penalty_notice_issued":
        to = to[:1]
    stage = "" if e.stage is None else str(e.stage)
    return [
        (
            *(pupil.upn, e.day.isoformat(), e.action, stage, contact, e.barrier, e.agency, e.outcome),
            *(_iso(e.from_), _iso(e.until), e.amount, e.by, e.note, e.letter),
        )
        for contact in to or [""]
    ]


def _form_row(f: SentForm) -> Row:
    return (
        f.submitted.isoformat(sep=" ", timespec="minutes"),
        f.upn,
        f.name,
        _british(f.first),
        _british(f.last),
        f.reason,
        "",
    )


# --- registers --------------------------------------------------------------------------------------------------------


def _registers(
    files: _Files, rng: Generator, days: Sequence[dt.date], pupils: Sequence[Pupil], recorded: Recorded
) -> None:
    """A file a day: the day's marks, then what was corrected that day, then what real files also have."""
    corrected = {c.pupil for c in recorded.changes}
    faults = _faults(rng, days, [p for i, p in enumerate(pupils) if i not in corrected] or pupils)
    changes: dict[int, list[Row]] = {}
    for c in recorded.changes:
        row = _mark(pupils[c.pupil].upn, days[c.day], c.session, CODES.codes[c.code], c.minutes, c.comment)
        changes.setdefault(c.recorded, []).append(row)
    for d, day in enumerate(days):
        rows: list[Row] = []
        for p, pupil in enumerate(pupils):
            for s in (AM, PM):
                if number := int(recorded.first[p, d, s]):
                    minutes = int(recorded.first_minutes[p, d, s])
                    rows.append(_mark(pupil.upn, day, s, CODES.codes[number], minutes))
        if d == TWICE_DAY:
            rows.append(rows[0])  # equal rows count once
        files.write("register", day, [*rows, *changes.get(d, ()), *faults.get(d, ())])
    if len(days) > 50:
        # Somebody chose another report: its header is not a register's, and the file is set aside whole.
        headers = ("Pupil", "Registration Group", "Weekly Total")
        files.write("register", days[48], [("Anon", pupils[0].class_name, "10")], headers=headers, more="_summary")


def _mark(upn: str, day: dt.date, session: int, code: str, minutes: int = 0, comment: str = "") -> Row:
    return upn, day.isoformat(), SESSIONS[session], code, str(minutes) if minutes else "", comment


def _faults(rng: Generator, days: Sequence[dt.date], pupils: Sequence[Pupil]) -> Mapping[int, list[Row]]:
    """Rows that cannot be used, by the day whose file has them; none of them carries a mark that is needed."""
    last = len(days) - 1
    present = [p for p in pupils if p.leaving is None and p.entry < days[0]] or list(pupils)

    def anyone() -> str:
        return present[rng.integers(len(present))].upn

    wrong = anyone()
    letter = "A" if wrong[0] != "A" else "B"
    stranger = "383999925" + "007"
    elsewhere = check_letter(stranger) + stranger
    saturday = days[min(4, last)] + dt.timedelta(days=1)
    out: dict[int, list[Row]] = {}
    wanted: list[tuple[int, Row]] = [
        (12, (anyone(), days[min(12, last)].isoformat(), "AM", "ZZ", "", "")),  # not a code
        (21, (letter + wrong[1:], days[min(21, last)].isoformat(), "AM", "/", "", "")),  # wrong check letter
        (26, (anyone(), "31/11/2025", "PM", "\\", "", "")),  # no such day
        (33, _mark(elsewhere, days[min(33, last)], AM, "/")),  # nobody of this school
        (5, _mark(anyone(), saturday, AM, "/")),  # a Saturday: kept, counts in nothing
        (40, (anyone(), days[min(40, last)].isoformat(), "PM", "/", "", "")),  # the morning's code in the afternoon
        (55, (anyone(), days[min(54, last)].isoformat(), "EV", "\\", "", "")),  # no such session
        (last, (anyone(), days[last].isoformat(), "AM", "?!", "", "")),
        (last, (anyone(), "2062-02-13", "AM", "/", "", "")),
        (last, _mark(elsewhere, days[last], PM, "\\")),
    ]
    for d, row in wanted:
        if d <= last:
            out.setdefault(d, []).append(row)
    if last >= 62:
        # Two rows of one file that differ for one session are both set aside; its mark stays what it was.
        someone = anyone()
        out.setdefault(61, []).extend([_mark(someone, days[60], AM, "L", 9), _mark(someone, days[60], AM, "U", 45)])
    return out
