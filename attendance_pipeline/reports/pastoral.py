"""The pastoral pack: what the meeting of every second school week looks at, with room to write down what it agrees.

Belongs here: which pupils and which facts are on the agenda, their words, and the pages. Not here: the figures
(`derive/`), when a pack is due (`steps/plan.py`), and how a page looks (`letter_templates/layout/report.typ`).

The school's document: pastoral meetings take place every two weeks with a member of the senior leadership team present,
and monitor whether current interventions are showing progress. So the pack goes to the attendance lead, the senior
leadership team, and the SENCO and wellbeing lead. It names pupils, and never the group that makes one vulnerable. What
an entry of the log says of a court, care or safeguarding, and every hold, is told on a sheet for `restricted` alone;
the log's notes are told nowhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from attendance_pipeline.derive.groups import GROUP_KINDS
from attendance_pipeline.derive.ladder import AWAITING_ACTION, EVENTS
from attendance_pipeline.derive.tables import flagged_groups, stages_on
from attendance_pipeline.derive.tasks import Task
from attendance_pipeline.derive.year import Derived, count_school
from attendance_pipeline.law.rounds import Round
from attendance_pipeline.letters.report_page import DataTable, KeyFigure, Report, Section
from attendance_pipeline.reports.figures import long_date, number, percent, plural, points, short_date, tenths
from attendance_pipeline.reports.governor_figures import YEAR_NAMES
from attendance_pipeline.reports.incentives import group_order
from attendance_pipeline.reports.printed import as_pdf
from attendance_pipeline.reports.restricted import ELSEWHERE, is_restricted

AUDIENCES = ("attendance-lead", "slt", "senco")
RESTRICTED = "restricted"
PACK_FILE = "pastoral-pack.pdf"
RESTRICTED_FILE = "pastoral-restricted.pdf"

# What was done, of the actions of the log, in the words of a meeting. Decisions about single letters are no business of
# it; a hold is told to `restricted`, because why there is one is often care or safeguarding.
_DONE: Mapping[str, str] = {
    "letter_sent": "letter given or sent",
    "phone_call": "telephone call",
    "meeting_arranged": "meeting arranged",
    "meeting_held": "meeting held",
    "target_agreed": "targets agreed",
    "plan_agreed": "plan agreed",
    "plan_reviewed": "plan looked at again",
    "follow_up_done": "follow-up talk",
    "home_visit": "home visit",
    "agency_contacted": "agency asked",
    "support_refused": "support offered, not taken up",
    "intervention_changed": "intervention changed",
    "reason_questioned": "reason for absence questioned",
    "evidence_accepted": "evidence for absence accepted",
    "set_stage": "stage set by hand",
    "close_episode": "episode closed by hand",
    "referral_made": "referred to the local authority",
    "notice_to_improve_issued": "Notice to Improve issued",
    "penalty_notice_issued": "penalty notice issued",
    "penalty_notice_withdrawn": "penalty notice withdrawn",
    "penalty_notice_paid": "penalty notice paid",
    "not_pursued": "penalty notice not pursued",
}
_HELD = {"hold": "hold", "release": "hold released"}
_MOVED: Mapping[str, str] = {
    "opened": "opened",
    "no_sessions": "review without a session: continues",
    "recovered": "recovered",
    "escalated": "went on, having dropped further",
    "stalled": "went on, without improvement",
    "dropped": "review: dropped further, continues",
    "dropped_accepted_reasons": "review: dropped for accepted reasons, continues",
    "not_dropped": "review: no further drop, continues",
    "left": "left the school",
    "set": "set by hand",
    "closed": "closed by hand",
}
_CASE_NOTE = (
    "Change: points of the year's attendance since the stage opened. Not begun: the stage waits for its first actions, "
    "such as letter or meeting."
)
_ENDED = ("recovered", "left", "closed")


@dataclass(frozen=True)
class Entry:
    """One entry of the intervention log since the last meeting. `pupil`: row in PupilTable."""

    pupil: int
    date: dt.date
    action: str
    stage: int | None = None
    barrier: str = ""
    agency: str = ""
    outcome: str = ""
    by: str = ""

    @property
    def is_restricted(self) -> bool:
        return self.action in _HELD or is_restricted(f"{self.barrier} {self.agency} {self.outcome}")

    def in_words(self, *, openly: bool) -> str:
        """The entry without its date, for the pack (`openly`) or for the restricted sheet."""
        what = {**_DONE, **_HELD}.get(self.action, self.action.replace("_", " "))
        if self.action == "letter_sent" and self.stage:
            what = f"letter {self.stage} given or sent"
        more = [f"for {self.barrier}" * bool(self.barrier), self.agency, self.outcome]
        said = [ELSEWHERE] if openly and self.is_restricted else [words for words in more if words]
        return what + (f" ({'; '.join(said)})" if said else "")


@dataclass(frozen=True)
class Case:
    """A pupil on the ladder. (attended, possible): of the year to date, of the two school weeks, of the days since the
    present stage opened, and of the year as it was when it opened. `since`: the day it opened."""

    pupil: int
    stage: int
    since: dt.date
    year: tuple[int, int]
    fortnight: tuple[int, int]
    since_opening: tuple[int, int]
    at_opening: tuple[int, int]
    moved: tuple[str, ...]
    next_step: str

    @property
    def change(self) -> str:
        now, then = tenths(*self.year), tenths(*self.at_opening)
        return points(None if now is None or then is None else now - then)


@dataclass(frozen=True)
class Row:
    """A year group: its pupils, sessions of the two school weeks and of the two before, late ones, on the ladder."""

    name: str
    pupils: int
    now: tuple[int, int]
    before: tuple[int, int]
    late: int
    on_ladder: int


@dataclass(frozen=True)
class Pastoral:
    """Everything a pack says. `names`: row in PupilTable to (name, class). `ended`: pupils whose episode ended, in
    words. `moves`: events of the ladder by name. `groups`: (kind, name) that fell behind the school. `tier_2`: pupils
    beside the ladder for whom a small group may be right. `reviews`: (day, pupil, stage) of the next two school weeks.
    """

    first: dt.date
    last: dt.date
    names: Mapping[int, tuple[str, str]]
    school: Row
    years: Sequence[Row]
    cases: Sequence[Case]
    ended: Sequence[tuple[int, str]]
    moves: Mapping[str, int]
    groups: Sequence[tuple[str, str]]
    tier_2: Sequence[tuple[int, tuple[int, int], tuple[int, int]]]
    reviews: Sequence[tuple[dt.date, int, int]]
    overdue: Sequence[Task]
    entries: Sequence[Entry] = field(default=())

    def name(self, pupil: int) -> str:
        return self.names[pupil][0]

    def class_of(self, pupil: int) -> str:
        return self.names[pupil][1]


def pastoral_of(
    derived: Derived,
    weeks: Round,
    before: Round | None,
    next_weeks_end: dt.date,
    names: Mapping[int, tuple[str, str]],
    tasks: Iterable[Task],
    entries: Iterable[Entry],
) -> Pastoral:
    """What the meeting after some school weeks looks at, from days that were derived up to their end at least.

    `before`: as many weeks before them, None at the beginning of a year. `next_weeks_end`: reviews up to then are
    named. `names`: row in PupilTable to (name, class) of who is still here: nobody else is on the agenda.
    """
    inputs, day = derived.inputs, weeks.last
    calendar, today = inputs.calendar, inputs.calendar.date(day)
    year_start = int(calendar.year_start[day])
    counts = count_school(inputs, year_start, day)
    now, year = counts.window(weeks.first, day), counts.window(year_start, day)
    then = None if before is None else counts.window(before.first, before.last)
    rows = stages_on(derived, day)
    here = np.isin(rows["pupil"], list(names))
    stage_of = dict(zip(rows["pupil"][here].tolist(), rows["stage"][here].tolist(), strict=True))
    events = derived.events[(derived.events["day"] >= weeks.first) & (derived.events["day"] <= day)]
    moved: dict[int, list[str]] = {}
    ended = []
    for e in events:
        p, what = int(e["pupil"]), EVENTS[e["event"]]
        if p not in names:
            continue
        words = f"{short_date(calendar.date(int(e['day'])))} {_MOVED[what]}"
        moved.setdefault(p, []).append(words)
        if what in _ENDED:
            ended.append((p, f"{words} (from stage {e['from_stage']})"))

    cases, reviews = [], []
    for i in np.flatnonzero(here & (rows["stage"] > 0)).tolist():
        p, since, due = (int(rows[k][i]) for k in ("pupil", "opened_on", "review_due"))
        opened = counts.window(year_start, since - 1)
        cases.append(
            Case(
                pupil=p,
                stage=int(rows["stage"][i]),
                since=calendar.date(since),
                year=(int(year.attended[p]), int(year.possible[p])),
                fortnight=(int(now.attended[p]), int(now.possible[p])),
                since_opening=_of(counts.window(since, day), p),
                at_opening=(int(opened.attended[p]), int(opened.possible[p])),
                moved=tuple(moved.get(p, ())),
                next_step=_next(int(rows["status"][i]) == AWAITING_ACTION, calendar.date(due) if due >= 0 else None),
            )
        )
        if due >= 0 and calendar.date(due) <= next_weeks_end:
            reviews.append((calendar.date(due), p, int(rows["stage"][i])))

    def row(name: str, members: np.ndarray) -> Row:
        return Row(
            name=name,
            pupils=len(members),
            now=_sum(now, members),
            before=(0, 0) if then is None else _sum(then, members),
            late=int(now.late[members].sum()),
            on_ladder=sum(stage_of.get(int(p), 0) > 0 for p in members),
        )

    groups, members = inputs.pupils_on(day).year_group, rows["pupil"][here]
    years = sorted({str(g) for g in groups[members]} - {""}, key=group_order)
    recent = counts.window(int(derived.plan.window_starts[2, day]), day)
    return Pastoral(
        first=calendar.date(weeks.first),
        last=today,
        names=names,
        school=row("School", members),
        years=[row(YEAR_NAMES.get(g, g), members[groups[members] == g]) for g in years],
        cases=sorted(cases, key=lambda c: (-c.stage, names[c.pupil][1], names[c.pupil][0])),
        ended=sorted(ended, key=lambda e: names[e[0]]),
        moves={name: int((events["event"] == i).sum()) for i, name in enumerate(EVENTS)},
        groups=[(k, g) for k, g in flagged_groups(derived, day) if k in GROUP_KINDS[2:4]],
        tier_2=[
            (int(p), _of(year, int(p)), _of(recent, int(p)))
            for p in sorted(rows["pupil"][here & (rows["tier"] == 2)].tolist(), key=lambda p: names[p])
        ],
        reviews=sorted(reviews, key=lambda r: (r[0], names[r[1]])),
        overdue=[
            t
            for t in tasks
            if t.pupil in names
            and t.opened_on <= today
            and (t.closed_on is None or t.closed_on > today)
            and t.due_on is not None
            and t.due_on < today
        ],
        entries=[e for e in entries if e.pupil in names and e.action in {**_DONE, **_HELD}],
    )


def _of(window: object, pupil: int) -> tuple[int, int]:
    return int(window.attended[pupil]), int(window.possible[pupil])  # type: ignore[attr-defined]  # Sessions


def _sum(window: object, members: np.ndarray) -> tuple[int, int]:
    return int(window.attended[members].sum()), int(window.possible[members].sum())  # type: ignore[attr-defined]


def _next(awaiting: bool, due: dt.date | None) -> str:
    if awaiting:
        return "Not begun"
    return "Review due" if due is None else f"Review {short_date(due)}"


# ---------------------------------------------------------------- pages


def pastoral_files(
    found: Pastoral, *, school: str, owners: Mapping[str, str], made_from: str
) -> dict[str, dict[str, bytes]]:
    """Audience to file name to PDF; the restricted sheet only where there is something to tell on it.

    `owners`: what people call the owner of a task. `made_from`: policy and extracts, for the foot of the page.
    """
    subtitle = f"School weeks of {short_date(found.first)} to {long_date(found.last)}"
    sections = [
        _overview(found),
        *_on_the_ladder(found),
        *_ended(found),
        *_to_decide(found, owners),
        *_small_groups(found),
    ]
    footer = f"{made_from} · names pupils: for the attendance lead, senior leaders, SENCO and wellbeing lead"
    report = Report(school=school, subtitle=subtitle, sections=tuple(sections), footer=footer, landscape=True)
    pack = as_pdf(report.as_data(), title="Pastoral meeting", day=found.last)
    files = {audience: {PACK_FILE: pack} for audience in AUDIENCES}
    if told := _restricted(found):
        report = Report(
            school=school,
            subtitle=subtitle,
            sections=(told,),
            footer=f"{made_from} · restricted: not for the table of the meeting",
        )
        files[RESTRICTED] = {
            RESTRICTED_FILE: as_pdf(report.as_data(), title="Pastoral meeting: restricted", day=found.last)
        }
    return files


def _overview(found: Pastoral) -> Section:
    now, before = tenths(*found.school.now), tenths(*found.school.before)
    change = "" if now is None or before is None else f"{points(now - before)} points on the two weeks before"
    by_stage = [sum(c.stage == k for c in found.cases) for k in range(1, 5)]
    on = ", ".join(f"stage {k}: {n}" for k, n in enumerate(by_stage, 1) if n)
    up = found.moves["escalated"] + found.moves["stalled"]
    return Section(
        key_figures=(
            KeyFigure("Attendance, these two weeks", percent(now), change),
            KeyFigure("Late sessions", number(found.school.late)),
            KeyFigure("On the ladder", number(len(found.cases)), on),
            KeyFigure("Opened", number(found.moves["opened"]), f"{number(up)} went on to the next stage"),
            KeyFigure("Recovered", number(found.moves["recovered"])),
        ),
        tables=(
            DataTable(
                header=("Year group", "Pupils", "Attendance", "Change", "Late sessions", "On the ladder"),
                rows=tuple(_year_row(r) for r in (*found.years, found.school)),
                strong_rows=(len(found.years),),
                note="Change: in points, on the two school weeks before.",
            ),
        ),
        paragraphs=tuple(_group_words(found)),
    )


def _year_row(r: Row) -> tuple[str, ...]:
    now, before = tenths(*r.now), tenths(*r.before)
    change = None if now is None or before is None else now - before
    return (r.name, number(r.pupils), percent(now), points(change), number(r.late), number(r.on_ladder))


def _group_words(found: Pastoral) -> Iterator[str]:
    if found.groups:
        named = ", ".join(f"{YEAR_NAMES.get(g, g)}" if kind == "year" else g for kind, g in found.groups)
        yield (
            "Fallen behind the school over the last four school weeks, so that a group intervention is to be "
            f"considered: {named}."
        )


def _on_the_ladder(found: Pastoral) -> Iterator[Section]:
    """A table a stage, the highest first: is what we do showing progress?"""
    header = (
        "Pupil",
        "Class",
        "Year",
        "Change",
        "Since it opened",
        "Two weeks",
        "Since the last meeting",
        "Next",
        "Agreed",
    )
    for stage in range(4, 0, -1):
        cases = [c for c in found.cases if c.stage == stage]
        if not cases:
            continue
        yield Section(
            heading=f"Stage {stage}: {plural(len(cases), 'pupil')}",
            tables=(
                DataTable(
                    header=header,
                    rows=tuple(_case_row(c, found) for c in cases),
                    align=("left", "left", "right", "right", "right", "right", "left", "left", "left"),
                    widths=("2.2fr", "auto", "auto", "auto", "auto", "auto", "5.2fr", "2fr", "2.6fr"),
                    note=_CASE_NOTE if stage == found.cases[0].stage else "",
                ),
            ),
        )


def _case_row(c: Case, found: Pastoral) -> tuple[str, ...]:
    done = _grouped(e for e in found.entries if e.pupil == c.pupil and e.action in _DONE)
    return (
        found.name(c.pupil),
        found.class_of(c.pupil),
        percent(tenths(*c.year)),
        c.change,
        percent(tenths(*c.since_opening)),
        percent(tenths(*c.fortnight)),
        "; ".join([*c.moved, *done]) or "nothing recorded",
        c.next_step,
        "",
    )


def _grouped(entries: Iterable[Entry]) -> list[str]:
    """What was done, by date; what was done several times is said once."""
    dates: dict[str, list[dt.date]] = {}
    for e in sorted(entries, key=lambda e: e.date):
        dates.setdefault(e.in_words(openly=True), []).append(e.date)
    out = []
    for words, days in dates.items():
        until = f" to {short_date(days[-1])}" if days[-1] != days[0] else ""
        often = f", {len(days)} times" if len(days) > 1 else ""
        out.append(f"{short_date(days[0])}{until} {words}{often}")
    return out


def _ended(found: Pastoral) -> Iterator[Section]:
    if found.ended:
        rows = tuple((found.name(p), found.class_of(p), words, "") for p, words in found.ended)
        yield Section(
            heading="Off the ladder since the last meeting",
            tables=(
                DataTable(
                    ("Pupil", "Class", "What happened", "Follow-up agreed"),
                    rows,
                    align=("left",) * 4,
                    widths=("2fr", "auto", "3fr", "3fr"),
                ),
            ),
        )


def _to_decide(found: Pastoral, owners: Mapping[str, str]) -> Iterator[Section]:
    if found.reviews:
        rows = tuple((short_date(d), found.name(p), found.class_of(p), str(stage)) for d, p, stage in found.reviews)
        yield Section(
            heading="Reviews in the next two school weeks",
            tables=(
                DataTable(
                    ("Day", "Pupil", "Class", "Stage"),
                    rows,
                    align=("left", "left", "left", "center"),
                    widths=("auto", "2fr", "1fr", "auto"),
                ),
            ),
        )
    if found.overdue:
        kinds: dict[tuple[str, str], list[dt.date]] = {}
        for t in found.overdue:
            kinds.setdefault((_owner(t.owner, owners), t.task), []).append(t.due_on or found.last)
        late = tuple(
            (owner, task, number(len(days)), short_date(min(days)), "")
            for (owner, task), days in sorted(kinds.items(), key=lambda kind: (-len(kind[1]), min(kind[1]), kind[0]))
        )
        yield Section(
            heading=f"Overdue: {plural(len(found.overdue), 'task')}, each with its pupil on the worklist of its owner",
            tables=(
                DataTable(
                    ("Whose", "Task", "How many", "Oldest was due", "Agreed"),
                    late,
                    align=("left", "left", "right", "left", "left"),
                    widths=("auto", "auto", "auto", "auto", "1fr"),
                ),
            ),
        )


def _owner(owner: str, owners: Mapping[str, str]) -> str:
    return owners.get(owner) or (
        f"Class teacher, {owner.removeprefix('class-')}" if owner.startswith("class-") else owner
    )


def _small_groups(found: Pastoral) -> Iterator[Section]:
    if found.tier_2:
        rows = tuple(
            (found.name(p), found.class_of(p), percent(tenths(*year)), percent(tenths(*recent)), "")
            for p, year, recent in found.tier_2
        )
        yield Section(
            heading="At risk of decline, and not on the ladder: a small group may be right (tier 2)",
            tables=(
                DataTable(
                    ("Pupil", "Class", "Year", "Last 4 school weeks", "Agreed"),
                    rows,
                    align=("left", "left", "right", "right", "left"),
                    widths=("2fr", "auto", "auto", "auto", "3fr"),
                ),
            ),
        )


def _restricted(found: Pastoral) -> Section | None:
    told = sorted((e for e in found.entries if e.is_restricted), key=lambda e: (found.names[e.pupil], e.date))
    if not told:
        return None
    rows = tuple(
        (found.name(e.pupil), found.class_of(e.pupil), short_date(e.date), e.in_words(openly=False), e.by) for e in told
    )
    return Section(
        paragraphs=(f"Where the pack says “{ELSEWHERE}”, or is silent about a hold, this is what the log says.",),
        tables=(
            DataTable(
                ("Pupil", "Class", "Date", "Entry", "By"),
                rows,
                align=("left",) * 5,
                widths=("1.5fr", "auto", "auto", "3fr", "1fr"),
            ),
        ),
    )
