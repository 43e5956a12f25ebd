"""The monitoring as a workbook for the attendance lead: every figure, pupil by pupil and entry by entry.

Belongs here: sheets, their columns and order. Not here: counting (`monitoring_figures.py`), the page
(`monitoring_page.py`), the look of a workbook (`spreadsheets.py`).

The workbook names pupils: it is for the audience `attendance-lead`. What staff wrote of courts, care and safeguarding
stands in the workbook for `restricted` alone; this one says that there is something.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from attendance_pipeline.derive.lesson_attendance import AFTERNOON, MORNING, LessonCounts
from attendance_pipeline.derive.patterns import WEEKDAYS, days_words
from attendance_pipeline.derive.tried import TRIED, Entry, Followed
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.governor_figures import COHORT_NAMES, YEAR_NAMES
from attendance_pipeline.reports.monitoring_figures import COHORT, YEAR, GroupRow, Monitoring, PupilRow, code_key
from attendance_pipeline.reports.restricted import is_restricted
from attendance_pipeline.spreadsheets import Column, Sheet, workbook_bytes

WORKBOOK = "monitoring.xlsx"
RESTRICTED_WORKBOOK = "monitoring-restricted.xlsx"
KEPT_BACK = "Restricted: in the folder restricted"
HALVES = ("AM", "PM")
NO_BARRIER = "No barrier recorded"

Row = dict[str, Any]

_SHORT = ("Mon", "Tue", "Wed", "Thu", "Fri")


def percent_column(key: str, header: str) -> Column:
    return Column(key, header, "percent")


def whole(key: str, header: str) -> Column:
    return Column(key, header, "whole")


def wrapped(key: str, header: str, width: int = 60) -> Column:
    return Column(key, header, width=width, wrap=True)


def lead_workbook(found: Monitoring) -> bytes:
    """The workbook of the week."""
    made = [*_group_sheets(found), *_pupil_sheets(found), *_register_sheets(found), *_code_sheets(found)]
    made += [*_lesson_sheets(found), *_tried_sheets(found, openly=True), _benchmark_sheet(found)]
    heading = f"{found.given.school_name} · Monitoring · week to {found.given.date:%d/%m/%Y} · names pupils"
    sheets = [Sheet(name, columns, rows, heading) for name, _, columns, rows in made]
    index = Sheet(
        "Read first",
        (Column("sheet", "Sheet"), wrapped("says", "What it says", 100)),
        [{"sheet": name, "says": says} for name, says, _, _ in made],
        heading,
    )
    return workbook_bytes([index, *sheets], title=f"{found.given.school_name}: monitoring", created=found.given.date)


def restricted_workbook(found: Monitoring) -> bytes | None:
    """Entries of the log whose words the lead's workbook keeps back, whole; None when there are none."""
    things = [f for f in found.followed if _restricted(f.entry)]
    others = [w for w in found.went_on if any(_restricted(e) for e in (*w.tried, *w.reasons, *w.changed))]
    if not things and not others:
        return None
    heading = f"{found.given.school_name} · Monitoring, restricted · week to {found.given.date:%d/%m/%Y}"
    sheets = [Sheet(name, columns, rows, heading) for name, _, columns, rows in _tried_sheets(found, openly=False)[1:]]
    return workbook_bytes(sheets, title=f"{found.given.school_name}: monitoring, restricted", created=found.given.date)


Made = tuple[str, str, Sequence[Column | str], list[Row]]

# ---------------------------------------------------------------- groups


def group_name(group: GroupRow) -> str:
    """A group as people call it."""
    if group.kind == YEAR:
        return YEAR_NAMES.get(group.name, group.name)
    return COHORT_NAMES.get(group.name, group.name) if group.kind == COHORT else group.name


def _group_sheets(found: Monitoring) -> list[Made]:
    rows, patterns = [], []
    for g in found.groups:
        said = {"kind": g.kind.capitalize(), "group": group_name(g), "pupils": g.pupils}
        rolling, year = g.rolling.attendance, g.year.attendance
        rows.append(
            said
            | {
                "week": g.week.attendance,
                "rolling": rolling,
                "year": year,
                "change": None if rolling is None or year is None else float(100 * (rolling - year)),
                "authorised": _ratio(g.year.authorised, g.year.possible),
                "unauthorised": _ratio(g.year.unauthorised, g.year.possible),
                "persistent": g.persistent,
                "severe": g.severe,
                "late_week": g.week.late,
                "late": _ratio(g.year.late, g.year.possible),
                "flagged": "Consider a group intervention" if g.flagged else "",
            }
        )
        p = g.patterns
        patterns.append(
            said
            | {f"on{i}": _ratio(*pair) for i, pair in enumerate(p.by_weekday)}
            | {f"late{i}": _ratio(*pair) for i, pair in enumerate(p.late_by_weekday)}
            | {
                "before": _ratio(*p.before),
                "after": _ratio(*p.after),
                "other": _ratio(*p.other),
                "spells": p.spells / g.pupils if g.pupils else None,
                "short": _ratio(p.short_spells, p.spells),
                "long": p.long_spells,
                "broken": _ratio(p.broken, p.weeks),
                "missed": p.missed,
                "late_after": p.late_after_close,
                "late_pupils": p.late_pupils,
                "minutes": p.minutes if p.known else None,
                "mean": p.minutes / p.known if p.known else None,
                "says": " ".join(p.sentences),
            }
        )
    names = (Column("kind", "Kind"), Column("group", "Group"), whole("pupils", "Pupils"))
    return [
        (
            "Groups",
            "Attendance of the school, each year, class and cohort: the week, the four school weeks to its end, the "
            "year; persistent and severe absence; late sessions. Flagged: four weeks two points or more below the "
            "school's.",
            (
                *names,
                percent_column("week", "This week"),
                percent_column("rolling", "Four weeks"),
                percent_column("year", "Year to date"),
                Column("change", "Change (points)", "decimal"),
                percent_column("authorised", "Authorised"),
                percent_column("unauthorised", "Unauthorised"),
                whole("persistent", "Persistently absent"),
                whole("severe", "Severely absent"),
                whole("late_week", "Late sessions, week"),
                percent_column("late", "Late sessions, year"),
                Column("flagged", "Flagged"),
            ),
            rows,
        ),
        (
            "Group patterns",
            "Absence by weekday, next to breaks and on other days; spells a pupil; broken pupil-weeks; lates by "
            "weekday with minutes where they are recorded. The last column says what is more than chance.",
            (
                *names,
                *(percent_column(f"on{i}", f"Absent {d}") for i, d in enumerate(_SHORT)),
                percent_column("before", "Absent before a break"),
                percent_column("after", "After a break"),
                percent_column("other", "Other days"),
                Column("spells", "Spells a pupil", "decimal"),
                percent_column("short", "Of a day or less"),
                whole("long", "Of a week or more"),
                percent_column("broken", "Broken weeks"),
                whole("missed", "Weeks missed whole"),
                *(percent_column(f"late{i}", f"Late {d}") for i, d in enumerate(_SHORT)),
                whole("late_after", "After the register closed"),
                whole("late_pupils", "Pupils late"),
                whole("minutes", "Minutes late"),
                Column("mean", "Minutes a time", "decimal"),
                wrapped("says", "More than chance"),
            ),
            patterns,
        ),
    ]


def _ratio(part: int, whole_: int) -> Fraction | None:
    return Fraction(part, whole_) if whole_ else None


# ---------------------------------------------------------------- pupils


def in_order_of_note(pupils: Iterable[PupilRow]) -> list[PupilRow]:
    """Pupils with most that stands out first, then by attendance, lowest first."""
    return sorted(
        pupils,
        key=lambda r: (
            -len(r.patterns.stands_out),
            Fraction(1) if r.year.attendance is None else r.year.attendance,
            r.sort_name,
        ),
    )


_WHO = (
    Column("name", "Pupil"),
    Column("class", "Class"),
    Column("year", "Year"),
    whole("stage", "Stage"),
    percent_column("attendance", "Year to date"),
)


def _who(row: PupilRow) -> Row:
    return {
        "name": row.name,
        "class": row.class_name,
        "year": row.year_group,
        "stage": row.stage or None,
        "attendance": row.year.attendance,
    }


def _pupil_sheets(found: Monitoring) -> list[Made]:
    patterns, late = [], []
    for row in in_order_of_note(found.pupils):
        p = row.patterns
        if row.year.attended < row.year.possible:
            patterns.append(
                _who(row)
                | {f"on{i}": n for i, n in enumerate(p.weekdays.absent)}
                | {
                    "stands": "Yes" if p.weekdays.chosen or p.breaks.where else "",
                    "weekdays": p.weekdays.sentence,
                    "edge": p.breaks.edge_absent,
                    "edge_days": p.breaks.edge_days,
                    "breaks": p.breaks.sentence,
                    "spells": p.spells.spells,
                    "short": p.spells.short_ones,
                    "longest": days_words(p.spells.longest) if p.spells.spells else "",
                    "when": p.spells.longest_words,
                    "running": "Yes" if p.spells.running else "",
                    "weeks": p.weeks.weeks,
                    "broken": p.weeks.broken,
                    "missed": p.weeks.missed,
                    "latest": p.weeks.latest,
                }
            )
        if p.lates.sessions:
            late.append(
                _who(row)
                | {f"on{i}": n for i, n in enumerate(p.lates.late)}
                | {
                    "week": row.week.late,
                    "sessions": p.lates.sessions,
                    "after": p.lates.after_close,
                    "known": p.lates.known,
                    "minutes": p.lates.minutes if p.lates.known else None,
                    "most": p.lates.most if p.lates.known else None,
                    "stands": f"{WEEKDAYS[p.lates.chosen]}s" if p.lates.chosen >= 0 else "",
                    "says": p.lates.sentence,
                }
            )
    late.sort(key=lambda r: (-r["sessions"], r["name"]))
    weekdays = tuple(whole(f"on{i}", d) for i, d in enumerate(_SHORT))
    return [
        (
            "Patterns",
            "Every pupil with an absence this year: days with an absence by weekday and next to breaks, spells, broken "
            "weeks. A pattern is put in words only where it is more than chance. Those come first.",
            (
                *_WHO,
                Column("stands", "Stands out"),
                *weekdays,
                wrapped("weekdays", "Weekdays", 44),
                whole("edge", "Absent next to breaks"),
                whole("edge_days", "Days next to breaks"),
                wrapped("breaks", "Breaks", 44),
                whole("spells", "Spells"),
                whole("short", "Of a day or less"),
                Column("longest", "Longest"),
                Column("when", "From and to"),
                Column("running", "Absent now"),
                whole("weeks", "School weeks"),
                whole("broken", "Broken"),
                whole("missed", "Missed whole"),
                whole("latest", "Newest weeks not full"),
            ),
            patterns,
        ),
        (
            "Punctuality",
            "Every pupil with a late session this year (L and U), by weekday, with minutes where they are recorded.",
            (
                *_WHO,
                whole("week", "This week"),
                whole("sessions", "Late sessions"),
                whole("after", "After the register closed"),
                *weekdays,
                whole("known", "Minutes recorded for"),
                whole("minutes", "Minutes in all"),
                whole("most", "Most at once"),
                Column("stands", "Stands out"),
                wrapped("says", "In words"),
            ),
            late,
        ),
        (
            "Brothers and sisters",
            "Pupils who share a contact or an address and were absent together this year. Who is whose sister is a "
            "guess from those records.",
            (
                wrapped("names", "Pupils", 40),
                Column("classes", "Classes"),
                Column("shares", "They share"),
                whole("together", "Days absent together"),
                whole("all", "All of them absent"),
                Column("absent", "Days of absence of each"),
                Column("sure", "More than chance"),
                wrapped("says", "In words"),
            ),
            _families(found),
        ),
    ]


def _families(found: Monitoring) -> list[Row]:
    pupils = found.given.derived.inputs.pupils_on(found.given.day)
    rows = [
        {
            "names": ", ".join(found.given.names[p][0] for p in f.pupils),
            "classes": ", ".join(str(pupils.class_name[p]) for p in f.pupils),
            "shares": f.shares,
            "together": f.together,
            "all": f.all_absent,
            "absent": ", ".join(map(str, f.absent)),
            "sure": "Yes" if f.sure else "",
            "says": f.sentence,
        }
        for f in found.families
        if f.together
    ]
    return sorted(rows, key=lambda r: (r["sure"] == "", -r["together"], r["names"]))


# ---------------------------------------------------------------- registers and codes


def _register_sheets(found: Monitoring) -> list[Made]:
    calendar = found.given.derived.inputs.calendar
    unexplained = {n.class_name: n for n in found.unexplained}
    classes = []
    for c in found.registers.classes:
        n = unexplained.get(c.class_name)
        classes.append(
            {
                "class": c.class_name,
                "pupils": c.pupils,
                "sessions": c.sessions,
                "missing": c.missing,
                "missing_week": sum(m.class_name == c.class_name for m in found.registers_week.missing),
                "gaps": c.gaps,
                "gap_pupils": c.gap_pupils,
                "late": c.late if c.known else None,
                "n": n.sessions if n else 0,
                "n_overdue": n.overdue if n else 0,
                "n_oldest": n.oldest if n else None,
            }
        )
    days: list[Row] = [
        {"what": "No mark", "date": calendar.date(m.day), "class": m.class_name, "session": HALVES[m.half],
         "pupils": m.pupils}
        for m in found.registers.missing
    ]  # fmt: skip
    days += [
        {"what": "Came late", "date": calendar.date(x.day), "class": x.class_name, "session": HALVES[x.half],
         "days": x.days_late}
        for x in found.registers.late
    ]  # fmt: skip
    days.sort(key=lambda r: (-r["date"].toordinal(), r["class"], r["session"]))
    return [
        (
            "Registers",
            "By class, this year: registers without any mark, single marks that are missing, registers whose marks "
            "came in a later extract than other classes', and N that nobody has explained (overdue: older than the "
            "policy allows). Extracts name no time of day.",
            (
                Column("class", "Class"),
                whole("pupils", "Pupils"),
                whole("sessions", "Registers due"),
                whole("missing", "Without any mark"),
                whole("missing_week", "Of these this week"),
                whole("gaps", "Single marks missing"),
                whole("gap_pupils", "Pupils concerned"),
                whole("late", "Came late"),
                whole("n", "N now"),
                whole("n_overdue", "N overdue"),
                whole("n_oldest", "Oldest N (school days)"),
            ),
            classes,
        ),
        (
            "Registers by day",
            "Each register without any mark, and each that came late, the newest first.",
            (
                Column("date", "Date", "date"),
                Column("session", "Session"),
                Column("class", "Class"),
                Column("what", "What"),
                whole("pupils", "Pupils"),
                whole("days", "Days late"),
            ),
            days,
        ),
    ]


def _code_sheets(found: Monitoring) -> list[Made]:
    four, year = found.codes[code_key(found.school.kind, found.school.name)]
    by_code = []
    for row in CODES.rows:
        if row.code not in year.codes:
            continue
        by_code.append(
            {
                "code": row.code,
                "meaning": row.meaning,
                "class": row.code_class.replace("_", " "),
                "four": four.codes.get(row.code, 0),
                "four_share": _ratio(four.codes.get(row.code, 0), four.sessions),
                "year": year.codes[row.code],
                "year_share": _ratio(year.codes[row.code], year.sessions),
                "users": year.users[row.code],
            }
        )
    present = [row.code for row in CODES.rows if row.code in year.codes]
    by_group = []
    for g in found.groups:
        if g.kind == COHORT:
            continue
        of_year = found.codes[code_key(g.kind, g.name)][1]
        by_group.append(
            {"kind": g.kind.capitalize(), "group": group_name(g), "pupils": g.pupils, "sessions": of_year.sessions}
            | {f"code {code}": _ratio(of_year.codes.get(code, 0), of_year.sessions) for code in present}
        )
    stand_out = [
        {
            "class": s.class_name,
            "code": s.code,
            "meaning": CODES.row(CODES.numbers_of([s.code])[0]).meaning,
            "more": "More" if s.more else "Less",
            "own": _ratio(*s.share),
            "rest": _ratio(*s.rest),
            "high": s.high,
            "pupils": s.pupils,
            "expected": s.expected,
            "says": s.sentence,
        }
        for s in found.stand_out
    ]
    return [
        (
            "Codes",
            "Sessions by code in the four school weeks and the year, as shares of all marks, and how many pupils have "
            "the code.",
            (
                Column("code", "Code"),
                Column("meaning", "Meaning"),
                Column("class", "Counts as"),
                whole("four", "Sessions, four weeks"),
                percent_column("four_share", "Of marks"),
                whole("year", "Sessions, year"),
                percent_column("year_share", "Of marks, year"),
                whole("users", "Pupils, year"),
            ),
            by_code,
        ),
        (
            "Codes by group",
            "The same by year and class: share of all marks of the year.",
            (
                Column("kind", "Kind"),
                Column("group", "Group"),
                whole("pupils", "Pupils"),
                whole("sessions", "Marks"),
                *(percent_column(f"code {code}", code) for code in present),
            ),
            by_group,
        ),
        (
            "Codes that stand out",
            "Classes whose use of a code is unlike the rest of the school's by more than chance. A reason to look at "
            "the register, not a fault: an outbreak, an age or a trip may be behind it.",
            (
                Column("class", "Class"),
                Column("code", "Code"),
                Column("meaning", "Meaning"),
                Column("more", "More or less"),
                percent_column("own", "Class"),
                percent_column("rest", "Rest of the school"),
                whole("high", "Pupils above the middle"),
                whole("pupils", "Pupils"),
                Column("expected", "Usual", "decimal"),
                wrapped("says", "In words", 70),
            ),
            stand_out,
        ),
    ]


# ---------------------------------------------------------------- lessons


def lesson_row(c: LessonCounts) -> Row:
    return {
        "name": c.name,
        "pupils": c.pupils,
        "lessons": c.lessons,
        "attended": _ratio(c.lessons - c.missed, c.lessons),
        "missed": c.missed,
        "after": c.after_registration,
        "without": c.without_reason,
        "late": c.late,
        "missing": c.pupils_missing,
    }


def _lesson_sheets(found: Monitoring) -> list[Made]:
    lessons = found.given.lessons
    if lessons is None:
        return []
    figures = (
        whole("lessons", "Lessons"),
        percent_column("attended", "Attended"),
        whole("missed", "Missed"),
        whole("after", "Missed after registration"),
        whole("without", "Without a reason"),
        whole("late", "Late"),
    )
    pupils_by_row = {r.pupil: r for r in found.pupils}
    table = found.given.derived.inputs.pupils_on(found.given.day)
    calendar = found.given.derived.inputs.calendar
    by_pupil = []
    for p in lessons.by_pupil:
        row = pupils_by_row.get(p.pupil)
        if not table.on_roll(found.given.day)[p.pupil]:
            continue
        by_pupil.append(
            {
                "name": found.given.names[p.pupil][0],
                "class": str(table.class_name[p.pupil]),
                "year": str(table.year_group[p.pupil]),
                "stage": (row.stage or None) if row else None,
                "attendance": row.year.attendance if row else None,
                "lessons": p.lessons,
                "attended": _ratio(p.lessons - p.missed, p.lessons),
                "missed": p.missed,
                "after": p.after_registration,
                "without": p.without_reason,
                "late": p.late,
                "days": p.days,
                "subject": p.subject,
                "latest": calendar.date(p.latest),
                "says": p.sentence,
            }
        )
    periods = [
        lesson_row(c)
        | {"half": {MORNING: "Morning", AFTERNOON: "Afternoon"}.get(lessons.halves.get(c.name, -1), "Not known")}
        for c in lessons.by_period
    ]
    more = (whole("pupils", "Pupils"), *figures, whole("missing", "Pupils who missed after registration"))
    return [
        (
            "Lessons by pupil",
            "Pupils present at registration and missing from lessons, this year; never part of the attendance figures. "
            "A subject is named where it is missed more often than chance.",
            (
                *_WHO,
                *figures,
                whole("days", "On days"),
                Column("latest", "Last", "date"),
                Column("subject", "Subject"),
                wrapped("says", "In words"),
            ),
            by_pupil,
        ),
        (
            "Lessons by subject",
            "Lesson attendance by subject.",
            (Column("name", "Subject"), *more),
            [lesson_row(c) for c in lessons.by_subject],
        ),
        (
            "Lessons by period",
            "Lesson attendance by period, and to which registration the period belongs.",
            (Column("name", "Period"), Column("half", "Registration"), *more),
            periods,
        ),
    ]


# ---------------------------------------------------------------- what was tried


def action_words(action: str) -> str:
    return action.replace("_", " ").capitalize()


def _restricted(entry: Entry) -> bool:
    return any(is_restricted(text) for text in (entry.barrier, entry.agency, entry.outcome, entry.note))


def said(text: str, *, openly: bool = True) -> str:
    """What staff wrote, as this workbook may give it."""
    return KEPT_BACK if openly and is_restricted(text) else text


def _entries(entries: Sequence[Entry], *, openly: bool) -> str:
    """Entries a line each; those that say the same are one, with how often and the last date."""
    alike: dict[tuple[str, str], list[Entry]] = {}
    for e in entries:
        words = "; ".join(dict.fromkeys(said(t, openly=openly) for t in (e.outcome, e.note, e.agency) if t))
        alike.setdefault((action_words(e.action).lower(), words), []).append(e)
    lines = []
    for (action, words), same in alike.items():
        often = f", {len(same)} times, the last" if len(same) > 1 else ""
        lines.append(f"{action}{often} {same[-1].day:%d/%m/%Y}{f': {words}' if words else ''}")
    return "\n".join(lines)


def _tried_words(entries: Sequence[Entry]) -> str:
    """What was tried, a line an action, with how often and the last date."""
    last = {e.action: e.day for e in entries}
    often = Counter(e.action for e in entries)
    return "\n".join(
        f"{action_words(a).lower()}{f', {often[a]} times, the last' if often[a] > 1 else ''} {last[a]:%d/%m/%Y}"
        for a in tried_in_order(last)
    )


def _tried_sheets(found: Monitoring, *, openly: bool) -> list[Made]:
    table = found.given.derived.inputs.pupils_on(found.given.day)
    names = found.given.names
    calendar = found.given.derived.inputs.calendar

    def barrier(text: str) -> str:
        return said(text, openly=openly) or NO_BARRIER

    summary = [
        {
            "barrier": barrier(s.barrier),
            "action": action_words(s.action),
            "entries": s.entries,
            "pupils": s.pupils,
            "compared": s.compared,
            "better": s.better,
            "before": _ratio(*s.before) if s.compared else None,
            "after": _ratio(*s.after) if s.compared else None,
        }
        for s in found.tried
    ]
    things = [_thing(f, found, openly=openly) for f in sorted(found.followed, key=lambda f: f.entry.day, reverse=True)]
    went_on = [
        {
            "name": names[w.pupil][0],
            "class": str(table.class_name[w.pupil]),
            "date": calendar.date(w.day),
            "stages": f"{w.from_stage} to {w.to_stage}",
            "by": w.by.capitalize(),
            "barriers": ", ".join(said(b, openly=openly) for b in w.barriers),
            "tried": _tried_words(w.tried),
            "reasons": _entries(w.reasons, openly=openly),
            "changed": _entries(w.changed, openly=openly),
            "missing": "Nothing recorded: say why, and what is to change" if w.nothing_recorded else "",
        }
        for w in found.went_on
    ]
    return [
        (
            "Barriers and interventions",
            "What was tried for which barrier, and what followed: attendance in the four school weeks before and after "
            "the first time for each pupil. Pupils are picked when they are low, and tend to rise by themselves: this "
            "says what followed, it is not evidence of effect. The governor report compares with similar pupils.",
            (
                wrapped("barrier", "Barrier", 28),
                Column("action", "What was tried"),
                whole("entries", "Entries"),
                whole("pupils", "Pupils"),
                whole("compared", "With four weeks after"),
                whole("better", "Better after"),
                percent_column("before", "Four weeks before"),
                percent_column("after", "Four weeks after"),
            ),
            summary,
        ),
        (
            "What was tried",
            "Each entry of the intervention log that is something tried, the newest first, with what followed.",
            (
                Column("date", "Date", "date"),
                Column("name", "Pupil"),
                Column("class", "Class"),
                whole("stage", "Stage"),
                Column("action", "What was tried"),
                wrapped("barrier", "Barrier", 28),
                wrapped("agency", "Agency", 20),
                wrapped("outcome", "Outcome", 30),
                wrapped("note", "Note", 30),
                percent_column("before", "Four weeks before"),
                percent_column("after", "Four weeks after"),
                Column("followed", "What followed"),
            ),
            things,
        ),
        (
            "Went on to the next stage",
            "Where an episode went on: the barriers named, what was tried, the reasons recorded and what was changed.",
            (
                Column("date", "Date", "date"),
                Column("name", "Pupil"),
                Column("class", "Class"),
                Column("stages", "Stages"),
                Column("by", "Because attendance"),
                wrapped("barriers", "Barriers", 24),
                wrapped("tried", "What was tried", 30),
                wrapped("reasons", "Reasons recorded", 44),
                wrapped("changed", "What was changed", 44),
                wrapped("missing", "To do", 24),
            ),
            went_on,
        ),
    ]


def _thing(f: Followed, found: Monitoring, *, openly: bool) -> Row:
    table = found.given.derived.inputs.pupils_on(found.given.day)
    e = f.entry
    if not f.complete:
        followed = "Not four weeks yet"
    elif not f.known:
        followed = "No attendance to compare"
    else:
        followed = "Better" if f.better else "Not better"
    return {
        "date": e.day,
        "name": found.given.names[e.pupil][0],
        "class": str(table.class_name[e.pupil]),
        "stage": e.stage,
        "action": action_words(e.action),
        "barrier": said(f.barrier, openly=openly),
        "agency": said(e.agency, openly=openly),
        "outcome": said(e.outcome, openly=openly),
        "note": said(e.note, openly=openly),
        "before": _ratio(*f.before),
        "after": _ratio(*f.after) if f.complete else None,
        "followed": followed,
    }


def tried_in_order(actions: Iterable[str]) -> list[str]:
    """Actions in the order of the report, each once."""
    there = set(actions)
    return [a for a in TRIED if a in there]


# ---------------------------------------------------------------- benchmarks


def _benchmark_sheet(found: Monitoring) -> Made:
    b = found.benchmark
    rows: list[Mapping[str, Any]] = [
        {
            "name": row.name,
            "attendance": _share(row.attendance),
            "authorised": _share(row.authorised),
            "unauthorised": _share(row.unauthorised),
            "persistent": _share(row.persistent),
            "of": f"{b.pupils} pupils aged 5 to 15, the year to {b.to:%d/%m/%Y}" if not i and b.to else b.said,
        }
        for i, row in enumerate(b.rows)
    ] or [{"of": b.said}]
    return (
        "Benchmarks",
        "The school's pupils aged 5 to 15 beside published figures of the same pupils and the same stretch of the "
        "year.",
        (
            Column("name", "Where"),
            percent_column("attendance", "Attendance"),
            percent_column("authorised", "Authorised absence"),
            percent_column("unauthorised", "Unauthorised absence"),
            percent_column("persistent", "Persistently absent"),
            wrapped("of", "Of whom and when", 70),
        ),
        [dict(row) for row in rows],
    )


def _share(percent: Any) -> float | None:
    return None if percent is None else float(percent) / 100
