"""The monitoring as a page: with names for the attendance lead, with small groups hidden for the leadership team.

Belongs here: what stands on the two pages, in which order and words, and what the second hides. Not here: counting
(`monitoring_figures.py`), the rules of hiding (`suppression.py`), and every row of everything (`monitoring_sheets.py`).

The page of the leadership names no pupil and no family, has no note of staff, and hides what would find a child:
`Shown` decides that for both pages, so that a figure has one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from attendance_pipeline.derive.lesson_attendance import LessonCounts
from attendance_pipeline.derive.patterns import WEEKDAYS
from attendance_pipeline.derive.tried import Summary, summed_by_action, summed_by_barrier
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.letters.report_page import Chart, DataTable, KeyFigure, Report, Section
from attendance_pipeline.reports.charts import Bar, TrendWeek, bar_chart, render_page, trend_chart
from attendance_pipeline.reports.figures import long_date, number, percent, plural, points, short_date, tenths
from attendance_pipeline.reports.monitoring_figures import (
    CLASS,
    COHORT,
    SCHOOL,
    YEAR,
    GroupRow,
    Monitoring,
    Sums,
    code_key,
)
from attendance_pipeline.reports.monitoring_sheets import (
    KEPT_BACK,
    NO_BARRIER,
    action_words,
    group_name,
    in_order_of_note,
    said,
)
from attendance_pipeline.reports.printed import as_pdf
from attendance_pipeline.reports.suppression import (
    HIDDEN,
    overlapping_groups_hidden,
    protect,
    share_hidden,
    shown,
    sum_gives_away,
    too_small,
)

PAGE, PDF = "monitoring.html", "monitoring.pdf"
TITLE = "Attendance monitoring"
MOST_PUPILS = 20  # of a table of the page; the workbook has all
MOST_FAMILIES = 10
_EVERYDAY = ("/", "\\", "L", "I", "M", "C", "O", "G", "N", "U")
_NOT_EVIDENCE = (
    "Pupils are picked when attendance is low, and tend to rise by themselves: this says what followed, it is not "
    "evidence of effect."
)


@dataclass(frozen=True)
class Shown:
    """What a page may show. `names`: whether it names pupils, and hides nothing. `least`: of any group;
    `characteristic`: of a group by a characteristic."""

    names: bool
    least: int = 0
    characteristic: int = 0

    def few(self, pupils: int) -> bool:
        return not self.names and too_small(pupils, self.least)

    def parts(self, counts: Sequence[int], hidden: Sequence[bool] = ()) -> tuple[bool, ...]:
        """Which parts of a total that can be known are hidden."""
        if self.names:
            return (False,) * len(counts)
        return protect(counts, self.least, hidden=hidden).parts


def lead_page(found: Monitoring) -> dict[str, bytes]:
    """The page of the attendance lead."""
    return {PAGE: _html(_report(found, Shown(names=True)), found)}


def leadership_page(found: Monitoring) -> dict[str, bytes]:
    """The same for the senior leadership team, as a page and as PDF: nobody is named, small groups are hidden."""
    sizes = found.given.derived.inputs.policy.setting.suppression
    report = _report(found, Shown(False, sizes.minimum_group, sizes.minimum_characteristic_group))
    return {
        PAGE: _html(report, found),
        PDF: as_pdf(report.as_data(), title=TITLE, day=found.given.date),
    }


def _html(report: Report, found: Monitoring) -> bytes:
    return render_page("monitoring.html.j2", {"title": TITLE, "report": report}).encode()


def _report(found: Monitoring, may: Shown) -> Report:
    sections = [_head(found, may), _charts(found, may), *_groups(found, may)]
    if may.names:
        sections += _pupils(found)
    sections += [_registers(found, may), _codes(found, may), *_lessons(found, may), _tried(found, may)]
    sections += [_went_on(found, may), _benchmark(found, may)]
    policy = found.given.derived.inputs.policy
    whom = "names pupils: for the attendance lead" if may.names else f"{HIDDEN}: hidden, the group is small"
    return Report(
        school=found.given.school_name,
        subtitle=f"School week to {long_date(found.given.date)}",
        sections=tuple(s for s in sections if s.paragraphs or s.tables or s.charts or s.key_figures),
        footer=f"Marks: {found.given.as_at} · policy {policy.name} {policy.version} · {whom}",
    )


def _rate(s: Sums) -> str:
    return percent(tenths(s.attended, s.possible))


def _share(part: int, whole: int) -> str:
    return percent(tenths(part, whole))


# ---------------------------------------------------------------- the head


def _head(found: Monitoring, may: Shown) -> Section:
    school = found.school
    hidden = may.few(school.pupils)
    year, rolling = (tenths(s.attended, s.possible) for s in (school.year, school.rolling))
    change = None if year is None or rolling is None else rolling - year
    overdue = sum(n.overdue for n in found.unexplained)
    overdue_hidden = may.few(sum(n.overdue_pupils for n in found.unexplained))
    # Beside a late code that is hidden, the sum of both would give it away.
    late_hidden = hidden or may.few(school.patterns.late_pupils) or bool(_codes_hidden(found, may) & {"L", "U"})
    persistent_hidden = not may.names and share_hidden(school.persistent, school.pupils, may.least)
    missing = len(found.registers_week.missing)
    return Section(
        key_figures=(
            KeyFigure("This week", shown(_rate(school.week), hidden)),
            KeyFigure("Four weeks", shown(percent(rolling), hidden), shown(f"{points(change)} points", hidden)),
            KeyFigure("Year to date", shown(percent(year), hidden), f"{number(school.pupils)} pupils"),
            KeyFigure(
                "Persistently absent",
                shown(_share(school.persistent, school.pupils), persistent_hidden),
                shown(f"{number(school.persistent)} pupils", persistent_hidden),
            ),
            KeyFigure("Late", shown(_share(school.year.late, school.year.possible), late_hidden), "of sessions, year"),
            KeyFigure("Registers unmarked", number(missing), "this week"),
            KeyFigure("N overdue", shown(number(overdue), overdue_hidden), "sessions, now"),
        ),
        paragraphs=tuple(_to_look_at(found, may)),
    )


def _to_look_at(found: Monitoring, may: Shown) -> list[str]:
    """What the week asks somebody to look at, a sentence each."""
    out = []
    enough = found.given.derived.inputs.policy.setting.suppression.minimum_group  # one child is no group
    flagged = [g for g in found.groups if g.flagged and g.pupils >= enough and _visible(g, found, may)]
    if flagged:
        names = ", ".join(group_name(g) for g in flagged)
        out.append(f"Consider a group intervention: {names} (four weeks two points or more below the school's).")
    out += list(found.school.patterns.sentences) if not may.few(found.school.pupils) else []
    if may.names:
        many = sum(bool(r.patterns.stands_out) for r in found.pupils)
        if many:
            out.append(f"{plural(many, 'pupil')} with a pattern that is more than chance.".capitalize())
        together = sum(f.sure for f in found.families)
        if together:
            out.append(
                f"{plural(together, 'family', 'families')} whose children are absent together more often than by "
                "chance.".capitalize()
            )
    if found.registers_week.missing:
        out.append(f"{plural(len(found.registers_week.missing), 'register')} without any mark this week.".capitalize())
    if found.registers_week.late:
        out.append(f"{plural(len(found.registers_week.late), 'register')} came late this week.".capitalize())
    stand_out = _stand_out(found, may)
    if stand_out:
        classes = ", ".join(dict.fromkeys(s.split(" has ")[0] for s in stand_out))
        out.append(f"Codes used unlike the rest of the school: {classes}.")
    silent = sum(w.nothing_recorded for w in found.went_on)
    if silent and (may.names or not share_hidden(silent, len(found.went_on), may.least)):
        out.append(
            f"{plural(silent, 'episode')} went on to the next stage with nothing recorded of why, or of what is to "
            "change.".capitalize()
        )
    return out


def _charts(found: Monitoring, may: Shown) -> Section:
    hidden = may.few(found.school.pupils)
    if hidden or not found.weeks:
        return Section()
    weeks = [
        TrendWeek(w.first, w.half_term.replace(", half-term", ""), tenths(w.week.attended, w.week.possible),
                  tenths(w.year.attended, w.year.possible))
        for w in found.weeks
    ]  # fmt: skip
    published = found.given.published
    name = "Attendance by school week and year to date"
    trend = trend_chart(
        weeks,
        [("national", "England" if published.this_year else "Last year, England", published.series)],
        name=name,
        desc=f"{name}; this week {_rate(found.school.week)}, the year {_rate(found.school.year)}.",
    )
    by = found.school.patterns.by_weekday
    rates = [tenths(*pair) for pair in by]
    words = ", ".join(f"{day} {percent(rate)}" for day, rate in zip(WEEKDAYS, rates, strict=True))
    bars = bar_chart(
        [Bar(day, rate, percent(rate)) for day, rate in zip(WEEKDAYS, rates, strict=True)],
        name="Absence by weekday",
        desc=f"Absence by weekday this year: {words}.",
        width=287,
        row=24,
        room_for_names=74,
    )
    p = found.school.patterns
    beside = (
        f"Next to breaks: {_share(*p.before)} of sessions absent on the last day before, {_share(*p.after)} on the "
        f"first day after, {_share(*p.other)} on other days. {number(p.spells)} spells of absence this year, "
        f"{_share(p.short_spells, p.spells)} of a day or less; {_share(p.broken, p.weeks)} of pupils' weeks broken."
    )
    return Section(
        heading="Attendance by week and weekday",
        paragraphs=(beside,),
        charts=(
            Chart(trend, f"{name}.", "By school week", 0.6),
            Chart(bars, f"Absence by weekday this year: {words}.", "Absence by weekday, this year", 0.4),
        ),
    )


# ---------------------------------------------------------------- groups


def _visible(group: GroupRow, found: Monitoring, may: Shown) -> bool:
    if may.names or group.kind == SCHOOL:
        return True
    rows = found.of_kind(group.kind)
    return not dict(zip([g.name for g in rows], _groups_hidden(found, may, group.kind), strict=True))[group.name]


def _groups_hidden(found: Monitoring, may: Shown, kind: str) -> tuple[bool, ...]:
    """Which groups of a kind are hidden.

    Classes and years cut the same pupils in two ways, so a hidden year could be had from classes that are shown: where
    any of them is small, no class is shown at all.
    """
    rows = found.of_kind(kind)
    if may.names:
        return (False,) * len(rows)
    if kind == COHORT:
        members = found.school.members
        return tuple(overlapping_groups_hidden([g.members for g in rows], members, may.characteristic))
    if kind == CLASS and any(may.few(g.pupils) for k in (YEAR, CLASS) for g in found.of_kind(k)):
        return (True,) * len(rows)
    return may.parts([g.pupils for g in rows])


_GROUP_HEADER = ("", "Pupils", "This week", "Four weeks", "Year", "Change")
_LATE_HEADER = ("Late, year",)


def _groups(found: Monitoring, may: Shown) -> list[Section]:
    out = []
    for kind, heading in ((YEAR, "Years"), (CLASS, "Classes"), (COHORT, "Cohorts")):
        rows = found.of_kind(kind)
        hidden = _groups_hidden(found, may, kind)
        if not rows:
            continue
        if kind == CLASS and all(hidden):
            out.append(Section(heading=heading, paragraphs=("Not shown: a class or a year is small.",)))
            continue
        table = DataTable(
            header=(*_GROUP_HEADER, *(_LATE_HEADER if may.names else ())),
            rows=tuple(
                _group_row(g, may, hidden=h)
                for g, h in zip((found.school, *rows), (may.few(found.school.pupils), *hidden), strict=True)
            ),
            strong_rows=(0,),
            note="Change: four weeks less the year, in points. Flagged for a group intervention: "
            + (", ".join(group_name(g) for g, h in zip(rows, hidden, strict=True) if g.flagged and not h) or "none")
            + ".",
        )
        sentences = [
            f"{group_name(g)}: {s}" for g, h in zip(rows, hidden, strict=True) if not h for s in g.patterns.sentences
        ]
        out.append(Section(heading=heading, tables=(table,), paragraphs=tuple(sentences)))
    return out


def _group_row(g: GroupRow, may: Shown, *, hidden: bool) -> tuple[str, ...]:
    rolling, year = (tenths(s.attended, s.possible) for s in (g.rolling, g.year))
    change = None if rolling is None or year is None else rolling - year
    cells = (number(g.pupils), _rate(g.week), percent(rolling), percent(year), points(change))
    late = (_share(g.year.late, g.year.possible),) if may.names else ()
    return (group_name(g), *(shown(c, hidden) for c in (*cells, *late)))


# ---------------------------------------------------------------- pupils


def _pupils(found: Monitoring) -> list[Section]:
    chosen = [r for r in in_order_of_note(found.pupils) if r.patterns.stands_out]
    rows = tuple(
        (r.name, r.class_name, str(r.stage) if r.stage else "", _rate(r.year), " ".join(r.patterns.stands_out))
        for r in chosen[:MOST_PUPILS]
    )
    more = f"And {len(chosen) - MOST_PUPILS} more in the workbook." if len(chosen) > MOST_PUPILS else ""
    out = []
    if rows:
        out.append(
            Section(
                heading="Pupils whose pattern is more than chance",
                tables=(
                    DataTable(
                        ("Pupil", "Class", "Stage", "Year", "Pattern"),
                        rows,
                        align=("left", "left", "center", "right", "left"),
                        widths=("2fr", "auto", "auto", "auto", "5fr"),
                        note=more,
                    ),
                ),
            )
        )
    families = sorted((f for f in found.families if f.sure), key=lambda f: -f.together)
    if families:
        out.append(
            Section(
                heading="Brothers and sisters absent together",
                tables=(
                    DataTable(
                        ("Pupils", "They share", "What is seen"),
                        tuple(
                            (", ".join(found.given.names[p][0] for p in f.pupils), f.shares, f.sentence)
                            for f in families[:MOST_FAMILIES]
                        ),
                        align=("left", "left", "left"),
                        widths=("2fr", "1fr", "4fr"),
                    ),
                ),
            )
        )
    late = sorted((r for r in found.pupils if r.year.late), key=lambda r: (-r.year.late, r.sort_name))[:MOST_FAMILIES]
    if late:
        out.append(
            Section(
                heading="Late most often",
                tables=(
                    DataTable(
                        ("Pupil", "Class", "This week", "Year", "In words"),
                        tuple(
                            (r.name, r.class_name, number(r.week.late), number(r.year.late), r.patterns.lates.sentence)
                            for r in late
                        ),
                        align=("left", "left", "right", "right", "left"),
                        widths=("2fr", "auto", "auto", "auto", "5fr"),
                    ),
                ),
            )
        )
    return out


# ---------------------------------------------------------------- registers and codes


def _registers(found: Monitoring, may: Shown) -> Section:
    n_of = {n.class_name: n for n in found.unexplained}
    rows = []
    for c in found.registers.classes:
        cells = [c.class_name, number(c.sessions), number(c.missing), number(c.late) if c.known else "not known"]
        if may.names:
            n = n_of.get(c.class_name)
            cells += [number(c.gaps), number(n.sessions if n else 0), number(n.overdue if n else 0)]
        rows.append(tuple(cells))
    header = ("Class", "Registers due", "Without any mark", "Came late")
    more = ("Single marks missing", "N now", "N overdue") if may.names else ()
    whole = found.unexplained
    pupils = sum(n.pupils for n in whole)
    now = sum(n.sessions for n in whole)
    ageing = f"{number(now)} {'session is' if now == 1 else 'sessions are'} N now" if now else "No session is N now"
    if whole and (may.few(pupils) or "N" in _codes_hidden(found, may)):
        ageing = f"{HIDDEN} sessions are N now"
    old = sum(n.overdue for n in whole)
    old_hidden = may.few(sum(n.overdue_pupils for n in whole)) or (bool(old) and may.few(pupils))
    allowed = found.given.derived.inputs.policy.setting.statutory.resolve_n_school_days
    if old or old_hidden:
        ageing += f"; {shown(number(old), old_hidden)} of them {'is' if old == 1 and not old_hidden else 'are'} older "
        ageing += f"than {allowed} school days and must have another code: O, where no reason is known"
    return Section(
        heading="Registers",
        paragraphs=(f"{ageing}.",),
        tables=(
            DataTable(
                (*header, *more),
                tuple(rows),
                note="This year. Came late: the first mark came in a later extract than other classes' of the same "
                "session. Extracts name no time of day.",
            ),
        ),
    )


def _stand_out(found: Monitoring, may: Shown) -> list[str]:
    if may.names:
        return [s.sentence for s in found.stand_out]
    hidden = dict(zip((g.name for g in found.of_kind(CLASS)), _groups_hidden(found, may, CLASS), strict=True))
    out = []
    for s in found.stand_out:
        if s.more and s.high >= may.least and not hidden.get(s.class_name, True):
            own, rest = (percent(tenths(*pair)) for pair in (s.share, s.rest))
            out.append(
                f"{s.class_name} has more {s.code} than the rest of the school: {own} of its marks, {rest} elsewhere."
            )
    return out


def _place(code: str) -> tuple[int, int]:
    """Everyday codes first: a rare code that is hidden takes its neighbour with it, which should be as rare."""
    known = _EVERYDAY.index(code) if code in _EVERYDAY else len(_EVERYDAY)
    return known, CODES.numbers_of([code])[0]


def _codes_hidden(found: Monitoring, may: Shown) -> frozenset[str]:
    """The codes whose sessions are hidden: few pupils have them, or they stand beside one that few have."""
    year = found.codes[code_key(found.school.kind, found.school.name)][1]
    codes = sorted(year.codes, key=_place)
    hidden = may.parts([year.codes[c] for c in codes], [may.few(year.users[c]) for c in codes])
    return frozenset(c for c, h in zip(codes, hidden, strict=True) if h)


def _classes_tell(found: Monitoring, may: Shown) -> bool:
    """Whether the share of authorised or unauthorised absence, less the codes shown, would give a hidden code away."""
    year, hidden = found.codes[code_key(found.school.kind, found.school.name)][1], _codes_hidden(found, may)
    for code_class in ("authorised", "unauthorised"):
        codes = [row.code for row in CODES.rows if row.code_class == code_class and row.code in year.codes]
        if sum_gives_away([year.codes[c] for c in codes], [c in hidden for c in codes], may.least):
            return True
    return False


def _codes(found: Monitoring, may: Shown) -> Section:
    four, year = found.codes[code_key(found.school.kind, found.school.name)]
    present = sorted((row for row in CODES.rows if row.code in year.codes), key=lambda row: _place(row.code))
    hidden = _codes_hidden(found, may)
    rows = []
    for row in present:
        h = row.code in hidden
        cells = [number(year.codes[row.code]), _share(year.codes[row.code], year.sessions)]
        if may.names:
            cells = [number(four.codes.get(row.code, 0)), *cells, number(year.users[row.code])]
        rows.append((f"{row.code}  {row.meaning}", *(shown(c, h) for c in cells)))
    header = ("Sessions, year", "Of marks")
    return Section(
        heading="Codes",
        paragraphs=tuple(_stand_out(found, may)),
        tables=(
            DataTable(
                ("Code", *(("Four weeks", *header, "Pupils") if may.names else header)),
                tuple(rows),
                note="A class is named above where its use of a code is unlike the rest by more than chance: a reason "
                "to look at the register, and no fault. An outbreak, an age or a trip may be behind it.",
            ),
        ),
    )


# ---------------------------------------------------------------- lessons


def _lessons(found: Monitoring, may: Shown) -> list[Section]:
    lessons = found.given.lessons
    if lessons is None:
        return []
    out = []
    table = found.given.derived.inputs.pupils_on(found.given.day)
    on_roll = table.on_roll(found.given.day)
    if may.names:
        rows = tuple(
            (found.given.names[p.pupil][0], str(table.class_name[p.pupil]), number(p.after_registration),
             number(p.without_reason), p.subject)
            for p in lessons.by_pupil if on_roll[p.pupil]
        )[:MOST_PUPILS]  # fmt: skip
        if rows:
            out.append(
                Section(
                    heading="Present at registration, missing from lessons",
                    tables=(
                        DataTable(
                            ("Pupil", "Class", "Lessons missed", "Without a reason", "Subject that stands out"),
                            rows,
                            align=("left", "left", "right", "right", "left"),
                            note="Lessons are never part of the attendance figures.",
                        ),
                    ),
                )
            )
    for heading, counts in (("Lessons by subject", lessons.by_subject), ("Lessons by period", lessons.by_period)):
        out.append(Section(heading=heading, tables=(_lesson_table(counts, may),)))
    return out


def _lesson_table(counts: Sequence[LessonCounts], may: Shown) -> DataTable:
    few = [may.few(c.pupils) or may.few(c.pupils_missing) for c in counts]
    hidden = may.parts([c.after_registration for c in counts], few)
    return DataTable(
        ("", "Lessons", "Attended", "Missed after registration", "Without a reason", "Late"),
        tuple(
            (
                c.name,
                *(
                    shown(cell, h)
                    for cell in (
                        number(c.lessons),
                        _share(c.lessons - c.missed, c.lessons),
                        number(c.after_registration),
                        number(c.without_reason),
                        number(c.late),
                    )
                ),
            )
            for c, h in zip(counts, hidden, strict=True)
        ),
    )


# ---------------------------------------------------------------- what was tried


def _tried(found: Monitoring, may: Shown) -> Section:
    if not found.followed:
        return Section()
    actions, barriers = summed_by_action(found.followed), summed_by_barrier(found.followed)
    # The words of a barrier may find a child too: those of few pupils are not read by others.
    named = [(said(s.barrier) or NO_BARRIER, s) for s in barriers if not may.few(s.pupils)]
    few_only = (
        () if len(named) == len(barriers) else (f"Barriers of fewer than {may.least} pupils are not named here.",)
    )
    return Section(
        heading="Barriers and interventions",
        paragraphs=(
            "Attendance in the four school weeks before and after the first time for each pupil, this year. "
            + _NOT_EVIDENCE,
            *few_only,
        ),
        tables=(
            _tried_table("What was tried", [(action_words(s.action), s) for s in actions], may),
            *([_tried_table("Barrier", named, may)] if named else []),
        ),
    )


def _tried_table(first: str, rows: Sequence[tuple[str, Summary]], may: Shown) -> DataTable:
    cells = []
    for name, s in rows:
        few = may.few(s.pupils)
        few_compared = few or may.few(s.compared) or may.few(s.pupils - s.compared)
        few_better = few_compared or (not may.names and share_hidden(s.better, s.compared, may.least))
        before, after = (_share(*pair) if s.compared else "" for pair in (s.before, s.after))
        cells.append(
            (
                KEPT_BACK.split(":")[0] if name == KEPT_BACK else name,
                shown(number(s.pupils), few),
                shown(number(s.compared), few_compared),
                shown(number(s.better), few_better),
                shown(before, few_compared),
                shown(after, few_compared),
            )
        )
    return DataTable(
        (first, "Pupils", "With four weeks after", "Better after", "Four weeks before", "Four weeks after"),
        tuple(cells),
    )


def _went_on(found: Monitoring, may: Shown) -> Section:
    if not found.went_on:
        return Section()
    calendar = found.given.derived.inputs.calendar
    if may.names:
        table = found.given.derived.inputs.pupils_on(found.given.day)
        rows = tuple(
            (
                short_date(calendar.date(w.day)),
                found.given.names[w.pupil][0],
                str(table.class_name[w.pupil]),
                f"{w.from_stage} to {w.to_stage}",
                ", ".join(dict.fromkeys(said(b) for b in w.barriers)),
                "; ".join(dict.fromkeys(said(e.outcome or e.note) for e in w.reasons if e.outcome or e.note)),
                "; ".join(dict.fromkeys(said(e.note) or action_words(e.action) for e in w.changed)),
            )
            for w in found.went_on[:MOST_PUPILS]
        )
        return Section(
            heading="Where an episode went on to the next stage",
            tables=(
                DataTable(
                    ("Date", "Pupil", "Class", "Stages", "Barriers", "Reasons recorded", "What was changed"),
                    rows,
                    align=("left",) * 7,
                    widths=("auto", "2fr", "auto", "auto", "2fr", "3fr", "3fr"),
                    note="Blank: the intervention log has nothing. The newest first; the workbook has all of the year.",
                ),
            ),
        )
    stages = sorted({(w.from_stage, w.to_stage) for w in found.went_on})
    counts = [sum((w.from_stage, w.to_stage) == s for w in found.went_on) for s in stages]
    hidden = may.parts(counts)
    return Section(
        heading="Where an episode went on to the next stage",
        tables=(
            DataTable(
                ("Stages", "Episodes this year"),
                tuple(
                    (f"{low} to {high}", shown(number(n), h))
                    for (low, high), n, h in zip(stages, counts, hidden, strict=True)
                ),
            ),
        ),
    )


# ---------------------------------------------------------------- benchmarks


def _benchmark(found: Monitoring, may: Shown) -> Section:
    b = found.benchmark
    if not b.rows:
        return Section(heading="Beside published figures", paragraphs=(b.said,))
    few = may.few(b.pupils) or may.few(found.school.pupils - b.pupils)
    telling = _classes_tell(found, may)
    own = b.rows[0]
    persistent = Fraction(own.persistent or 0) * b.pupils / 100
    few_persistent = few or (not may.names and share_hidden(round(persistent), b.pupils, may.least))
    rows = []
    for i, row in enumerate(b.rows):
        rows.append(
            (
                row.name,
                shown(percent(row.attendance), few and not i),
                *(shown(percent(v), (few or telling) and not i) for v in (row.authorised, row.unauthorised)),
                shown(percent(row.persistent), few_persistent and not i),
            )
        )
    until = f"{number(b.pupils)} pupils aged 5 to 15, the year to {long_date(b.to)}" if b.to and not few else ""
    return Section(
        heading="Beside published figures",
        tables=(
            DataTable(
                ("", "Attendance", "Authorised absence", "Unauthorised absence", "Persistently absent"),
                tuple(rows),
                strong_rows=(0,),
                note=f"{f'The school: {until}. ' if until else ''}{b.said}",
            ),
        ),
    )
