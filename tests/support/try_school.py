"""An invented school whose register can be written in any shape, for `attendance try`; and what its marks come to.

Belongs here: the school, and writers of files as systems and people make them. Must not: any answer of `attendance try`;
what is expected comes from the rules over a calendar that is written down.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from xml.sax.saxutils import escape

from openpyxl import Workbook

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs, marks_from_text
from attendance_pipeline.derive.ladder import STATUSES
from attendance_pipeline.derive.penalty_notices import PN_STATUSES
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.policy import policy_from_text, shipped_policy_text
from attendance_pipeline.law.school_calendar import read_calendar
from attendance_pipeline.mis.upn import check_letter

# The calendar that a new home has: what the marks are written by, and what `attendance try` has to find again.
CALENDAR = read_calendar(Path(str(files("attendance_pipeline"))) / "home_template" / "calendars" / "example.toml")
NATIONAL = "national-framework-2024"
POLICY = policy_from_text(shipped_policy_text(), Path("seed-school.toml"))
FORENAMES = ("Ann", "Ben", "Cat", "Dan", "Eve", "Fin", "Gus", "Hal", "Ivy", "Joy", "Kit", "Liv")
SURNAMES = ("Ash", "Bell", "Cole", "Dray", "Ewen", "Frith", "Gale", "Hope", "Isles", "Jarvis", "Kemp")
SLOTS = [f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM")]

Key = tuple[dt.date, str]


@dataclass
class Pupil:
    upn: str
    student_id: str
    admission: str
    forename: str
    surname: str
    class_name: str
    year: str
    born: dt.date
    marks: dict[Key, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.forename} {self.surname}"

    def code(self, day: dt.date, session: str) -> str:
        return self.marks.get((day, session), "")


@dataclass
class School:
    pupils: list[Pupil]
    days: list[dt.date]

    @property
    def by_name(self) -> dict[str, Pupil]:
        """Every pupil by each way in which files of this module name them."""
        out = {}
        for p in self.pupils:
            for known in (p.upn, p.student_id, p.admission, p.name, f"{p.surname}, {p.forename}"):
                out[known] = p
        return out

    @property
    def rows(self) -> Iterable[tuple[Pupil, dt.date, str, str]]:
        for day in self.days:
            for p in self.pupils:
                for session in ("AM", "PM"):
                    if (day, session) in p.marks:
                        yield p, day, session, p.marks[day, session]

    @property
    def weeks(self) -> list[dt.date]:
        return sorted({d - dt.timedelta(days=d.weekday()) for d in self.days})


def make_school(pupils: int = 40, until: dt.date = dt.date(2026, 2, 13), seed: int = 1) -> School:
    """Pupils of every kind: nearly always there, often ill, truants, holiday takers, with codes of all classes."""
    rng = random.Random(seed)
    days = [d for d in CALENDAR.days.tolist() if d <= until]
    people = []
    for i in range(pupils):
        rest = f"32020132{i:04d}"
        people.append(
            Pupil(
                upn=check_letter(rest) + rest,
                student_id=str(7000 + i),
                admission=f"{i + 1:05d}",
                forename=FORENAMES[i % len(FORENAMES)],
                surname=SURNAMES[i % len(SURNAMES)],
                class_name=f"{5 + i % 2}{'AB'[i % 3 == 0]}",
                year=str(5 + i % 2),
                born=dt.date(2015 + (1 - i % 2), 3, 1),
            )
        )
        _attend(rng, people[-1], days, i)
    for p in people[6:9]:  # registers that were not taken
        for key in list(p.marks)[::23]:
            del p.marks[key]
    return School(people, days)


def _attend(rng: random.Random, p: Pupil, days: Sequence[dt.date], i: int) -> None:
    away = 0.01 + 0.3 * rng.random() ** 4
    plan = rng.choice(("I", "I", "O", "IO", "U", "IM"))
    left = days[-40] if i == 3 and len(days) > 60 else None
    joined = days[30] if i == 4 and len(days) > 60 else None
    until = None
    for day in days:
        if (joined and day < joined) or (left and day > left):
            continue
        if until is None and rng.random() < away / 2:
            until, code = day + dt.timedelta(days=rng.randrange(0, 6)), rng.choice([*plan, "G", "C", "N"])
        for session, sign in (("AM", "/"), ("PM", "\\")):
            if until is not None:
                p.marks[day, session] = code
            elif rng.random() < away:
                p.marks[day, session] = rng.choice([*plan, *"LLUVBDXEM", "Y4", "C1"])
            else:
                p.marks[day, session] = sign
        if until is not None and day >= until:
            until = None


# ---------------------------------------------------------------- what it comes to


@dataclass(frozen=True)
class Answer:
    """By UPN: stage, status and day of opening; status and sessions counted of the national rule; who is persistently
    absent."""

    stages: Mapping[str, tuple[int, str, str]]
    notices: Mapping[str, tuple[str, int]]
    absent: frozenset[str]


def answer(school: School) -> Answer:
    """What the rules say over the written calendar on the first day on which every mark counts."""
    derived, day = derive(school)
    pupils, inputs = school.pupils, derived.inputs
    on_roll = inputs.pupils.on_roll(day)
    here = [i for i in range(len(pupils)) if on_roll[i]]
    stages, notices = derived.stage_rows(day), derived.notice_rows(derived.plan.rule_names.index(NATIONAL), day)
    window = derived.counts.window(int(CALENDAR.year_start[day]), day - 1)
    return Answer(
        {
            pupils[i].upn: (
                int(stages[i]["stage"]), STATUSES[stages[i]["status"]], str(CALENDAR.date(int(stages[i]["opened_on"])))
            )
            for i in here if stages[i]["stage"]
        },
        {pupils[i].upn: (PN_STATUSES[notices[i]["status"]], int(notices[i]["counted"])) for i in here if notices[i]["status"]},
        frozenset(pupils[i].upn for i in here if 0 < 10 * int(window.absent[i]) >= int(window.possible[i])),
    )  # fmt: skip


def derive(school: School) -> tuple[Derived, int]:
    """The rules over the written calendar, and the number of the first day on which every mark counts."""
    lines = [
        " ".join(f"{p.code(d, 'AM') or '-'},{p.code(d, 'PM') or '-'}" for d in CALENDAR.days.tolist())
        for p in school.pupils
    ]
    end = CALENDAR.on_or_before(school.days[-1])
    rows = []
    for p in school.pupils:
        marked = sorted(d for d, _ in p.marks)
        gone = CALENDAR.on_or_before(marked[-1]) <= end - 10
        rows.append({"upn": p.upn, "entry": marked[0], "leave": marked[-1] if gone else None, "born": p.born})
    table = PupilTable.from_rows(CALENDAR, rows)
    log = LogTable.from_entries(len(rows), [])
    inputs = SchoolInputs("school", CALENDAR, POLICY, table, marks_from_text(CALENDAR, lines), log)
    return derive_school(inputs, 0, end + 1), end + 1


# ---------------------------------------------------------------- writers


def as_csv(head: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode()


def as_xlsx(rows: Iterable[Sequence[object]], merge: Sequence[str] = ()) -> bytes:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    for cells in merge:
        sheet.merge_cells(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def native(school: School) -> bytes:
    rows = ((p.upn, d.isoformat(), s, c, "", "") for p, d, s, c in school.rows)
    return as_csv(("UPN", "Date", "Session", "Code", "Minutes Late", "Comment"), rows)


def sims_xml(school: School) -> bytes:
    records = "".join(
        f"<Record><UPN>{p.upn}</UPN><Legal_x0020_Surname>{p.surname}</Legal_x0020_Surname>"
        f"<Forename>{p.forename}</Forename><Reg>{p.class_name}</Reg><Mark_x0020_Date>{d}T00:00:00+01:00</Mark_x0020_Date>"
        f"<Session_x0020_Name>{s}</Session_x0020_Name><Mark>{escape(c)}</Mark></Record>\n"
        for p, d, s, c in school.rows
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<SuperStarReport>\n{records}</SuperStarReport>'.encode()


def _week(p: Pupil, monday: dt.date) -> list[str]:
    days = [monday + dt.timedelta(days=i) for i in range(5)]
    return [p.code(d, s) for d in days for s in ("AM", "PM")]


def sims_weekly(school: School) -> bytes:
    """A character a mark: codes of two cannot be said, and stand as the letter they begin with."""
    rows = (
        (p.upn, w, "".join(c[:1] or " " for c in _week(p, w)) + "####") for w in school.weeks for p in school.pupils
    )
    return as_csv(("UPN", "WeekStart", "WeekMarks"), rows)


def bromcom_week(school: School) -> bytes:
    rows = ((p.student_id, w, *_week(p, w)) for w in school.weeks for p in school.pupils)
    return as_csv(("StudentId", "WeekStart", *SLOTS), rows)


def assembly_json(school: School) -> bytes:
    marks = [
        {"student_id": p.student_id, "session_date": d.isoformat(), "session_name": s, "attendance_mark": c,
         "minutes_late": None, "comments": None}
        for p, d, s, c in school.rows
    ]  # fmt: skip
    students = [
        {"id": p.student_id, "upn": p.upn, "first_name": p.forename, "last_name": p.surname, "dob": p.born.isoformat(),
         "year_code": p.year, "registration_group": {"name": p.class_name}}
        for p in school.pupils
    ]  # fmt: skip
    return json.dumps({"attendance": {"data": marks}, "students": {"data": students}}).encode()


def wonde_json(school: School) -> bytes:
    codes = sorted({c for *_, c in school.rows})
    ids = {c: f"A{i}" for i, c in enumerate(codes)}
    marks = [
        {"student": {"data": {"id": p.student_id, "upn": p.upn, "forename": p.forename, "surname": p.surname}},
         "date": {"date": f"{d} 00:00:00.000000", "timezone_type": 3, "timezone": "UTC"}, "session": s,
         "attendance_code_id": ids[c]}
        for p, d, s, c in school.rows
    ]  # fmt: skip
    listed = [{"id": i, "code": c} for c, i in ids.items()]
    return json.dumps({"session-attendance": marks, "attendance-codes": listed}).encode()


def ctf_xml(school: School) -> bytes:
    first = school.days[0]
    span = [first + dt.timedelta(days=i) for i in range((school.days[-1] - first).days + 1)]
    pupils = "".join(
        f"<Pupil><UPN>{p.upn}</UPN><Surname>{p.surname}</Surname><Forename>{p.forename}</Forename><DOB>{p.born}</DOB>"
        f"<Attendance><YearData><Year>2026</Year><AttendSessions><AttendanceStartDate>{first}</AttendanceStartDate>"
        f"<AttendanceMarks>{''.join(escape('#' if d.weekday() > 4 else (p.code(d, s) or ' ')[:1]) for d in span for s in ('AM', 'PM'))}"
        f"</AttendanceMarks></AttendSessions></YearData></Attendance></Pupil>\n"
        for p in school.pupils
    )
    return f"<CTfile><CTFpupilData>\n{pupils}</CTFpupilData></CTfile>".encode()


def one_character(school: School) -> School:
    """The school as a system writes it that has one character a mark."""
    out = [Pupil(**{**vars(p), "marks": {k: c[:1] for k, c in p.marks.items()}}) for p in school.pupils]
    return School(out, school.days)


FORMATS: Mapping[str, tuple[str, Callable[[School], bytes]]] = {
    "native": ("marks.csv", native),
    "sims-xml": ("marks.xml", sims_xml),
    "sims-weekly": ("weeks.csv", sims_weekly),
    "bromcom-week": ("bromcom.csv", bromcom_week),
    "assembly-json": ("assembly.json", assembly_json),
    "wonde-json": ("wonde.json", wonde_json),
    "ctf-xml": ("ctf.xml", ctf_xml),
}
ONE_CHARACTER = ("sims-weekly", "ctf-xml")  # formats that say no code of two

# ---------------------------------------------------------------- what people make

_HEAD = ("Surname", "Forename", "Reg", "Mark Date", "AM/PM", "Mark")
_WORDS = {"AM": "Morning", "PM": "Afternoon"}
_NUMBERS = {"AM": "1", "PM": "2"}


def named_rows(
    school: School, date: str = "%d/%m/%Y", sessions: Mapping[str, str] | None = None, present: str = ""
) -> list[tuple[str, ...]]:
    return [
        (p.surname, p.forename, p.class_name, d.strftime(date), (sessions or {}).get(s, s),
         present if present and c in ("/", "\\") else c)
        for p, d, s, c in school.rows
    ]  # fmt: skip


def serials(school: School) -> list[tuple[object, ...]]:
    """Dates as the numbers that spreadsheets give days."""
    return [
        (*r[:3], (dt.date.fromisoformat(r[3]) - dt.date(1899, 12, 30)).days, *r[4:])
        for r in named_rows(school, "%Y-%m-%d")
    ]


def grid(school: School, blank: str = "", both: bool = False) -> tuple[list[str], list[list[str]]]:
    """A column for each date and session; `blank`: what stands for present; `both`: for each date."""
    dates = [f"{d:%d/%m/%Y}" for d in school.days]
    head = dates if both else [f"{d} {s}" for d in dates for s in ("AM", "PM")]
    rows = []
    for p in school.pupils:
        cells = [p.code(d, s) for d in school.days for s in ("AM", "PM")]
        if both:
            cells = [a + b for a, b in zip(cells[::2], cells[1::2], strict=True)]
        rows.append([f"{p.surname}, {p.forename}", p.class_name, *cells])
    return ["Name", "Reg", *head], rows


def merged_grid(school: School) -> bytes:
    """A date over its two sessions, in merged cells."""
    dates = [cell for d in school.days for cell in (d, None)]
    head, rows = grid(school)
    return as_xlsx([[None, None, *dates], [*head[:2], *["AM", "PM"] * len(school.days)], *rows])


def halves(school: School) -> bytes:
    rows = [
        (p.name, p.class_name, f"{d:%d/%m/%Y}", p.code(d, "AM"), p.code(d, "PM"))
        for d in school.days
        for p in school.pupils
    ]
    return as_csv(("Pupil", "Reg", "Date", "AM", "PM"), rows)


def weeks_of_names(school: School) -> bytes:
    rows = ((p.name, p.class_name, f"{w:%d/%m/%Y}", *_week(p, w)) for w in school.weeks for p in school.pupils)
    return as_csv(("Name", "Form", "Week commencing", *SLOTS), rows)


def much_about_pupils(school: School, upn: bool) -> bytes:
    head = ("UPN", "Adno", "Surname", "Forename", "DOB", "Year", "Reg", "Date of Admission", "Date", "Session", "Mark")
    rows = (
        (p.upn, p.admission, p.surname, p.forename, p.born, p.year, p.class_name, "2020-09-01", d, s, c)
        for p, d, s, c in school.rows
    )
    keep = slice(0 if upn else 2, None)
    return as_csv(head[keep], (row[keep] for row in rows))


def week_texts(school: School) -> bytes:
    """A week of marks in one text, for codes of one character; below titles, beside much about each pupil."""
    head = ("Surname", "Forename", "DOB", "Year", "Reg", "Date of Admission", "Week commencing", "Marks")
    rows = (
        (
            p.surname,
            p.forename,
            p.born,
            p.year,
            p.class_name,
            "2020-09-01",
            w,
            "".join(c[:1] or " " for c in _week(p, w)),
        )
        for w in school.weeks
        for p in school.pupils
    )
    return b"Weeks;;;;;;;\r\n;;;;;;;\r\n" + as_csv(head, rows, ";")


def under_titles(school: School) -> bytes:
    above = b"Attendance report,,,,,\r\nInvented Primary School,,,,,\r\n,,,,,\r\n"
    return above + as_csv(_HEAD, [*named_rows(school), ("Total", "", "", "", "", "8000")])


SPREADSHEETS: Mapping[str, tuple[str, Callable[[School], bytes]]] = {
    "rows by name": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s))),
    "years of two figures": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s, "%d/%m/%y"))),
    "American dates": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s, "%m/%d/%Y"))),
    "dots and semicolons": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s, "%d.%m.%Y"), ";")),
    "dates in words": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s, "%a %d %b %Y"))),
    "numbered days": ("a.csv", lambda s: as_csv(_HEAD, serials(s))),
    "morning and afternoon": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s, sessions=_WORDS))),
    "sessions 1 and 2": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s, sessions=_NUMBERS))),
    "one sign for present": ("a.csv", lambda s: as_csv(_HEAD, named_rows(s, present="/"))),
    "UTF-16 and tabs": ("a.txt", lambda s: as_csv(_HEAD, named_rows(s), "\t").decode().encode("utf-16")),
    "cp1252": ("a.csv", lambda s: ("Größe,,,,,\r\n" + as_csv(_HEAD, named_rows(s)).decode()).encode("cp1252")),
    "titles above, a total below": ("a.csv", under_titles),
    "a workbook": ("a.xlsx", lambda s: as_xlsx([["Marks"], [], _HEAD, *named_rows(s)])),
    "a morning and an afternoon column": ("a.csv", halves),
    "a column for each session": ("a.csv", lambda s: as_csv(*grid(s))),
    "the same as a workbook": ("a.xlsx", lambda s: as_xlsx([["Register"], grid(s)[0], *grid(s)[1]])),
    "dates over sessions, merged": ("a.xlsx", merged_grid),
    "weeks by name": ("a.csv", weeks_of_names),
    "much about each pupil": ("a.csv", lambda s: much_about_pupils(s, upn=True)),
    "much about each pupil, no number": ("a.csv", lambda s: much_about_pupils(s, upn=False)),
    "admission numbers alone": (
        "a.csv", lambda s: as_csv(("Adno", "Date", "Session", "Mark"), ((p.admission, d, x, c) for p, d, x, c in s.rows))
    ),
    "numbers that are no UPNs": (
        "a.csv", lambda s: as_csv(("UPN", "Date", "Session", "Code"), ((p.student_id, d, x, c) for p, d, x, c in s.rows))
    ),
    "date and session in one cell": (
        "a.csv",
        lambda s: as_csv(("Name", "Class", "When", "Mark"), ((p.name, p.class_name, f"{d:%d %b %Y} {x}", c) for p, d, x, c in s.rows)),
    ),
}  # fmt: skip
