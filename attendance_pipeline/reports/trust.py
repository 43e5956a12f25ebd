"""The report of a trust: the same report, of all its schools pooled, with how far each school has moved.

Belongs here: what a trust's report has beside a school's: the league of movement, and the comparison by phase. Not
here: counting and pooling (`governor_figures.py`), hiding (`governor_hidden.py`), the pages (`governor.py`).

Schools stand in the order of their movement, never of their level: a level says mostly whom a school teaches. A school
too small to be shown at all is in no figure of the trust, because the others' reports would leave its own over; it has
no movement here, nor has the one beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attendance_pipeline.reports.benchmarks import Benchmarks, Comparison, load_benchmarks
from attendance_pipeline.reports.charts import Step, step_chart
from attendance_pipeline.reports.figures import NOTHING, long_date, percent, plural, points, rounded, tenths
from attendance_pipeline.reports.governor import Section, Subject, governor_files, page_of
from attendance_pipeline.reports.governor_charts import Chart
from attendance_pipeline.reports.governor_effect import effect_of_interventions
from attendance_pipeline.reports.governor_figures import GovernorFigures, GovernorInputs, governor_figures, pooled
from attendance_pipeline.reports.governor_hidden import Hidden, hide, hide_beside_schools
from attendance_pipeline.reports.governor_tables import Row, Table, area_name, rate
from attendance_pipeline.reports.suppression import HIDDEN, protect, share_hidden

OWN = "This trust"


@dataclass(frozen=True)
class _School:
    given: GovernorInputs
    published: Comparison
    figures: GovernorFigures
    hidden: Hidden


def trust_report(name: str, given: Sequence[GovernorInputs], benchmarks: Benchmarks | None = None) -> dict[str, bytes]:
    """The report's files by name. `given`: at least two schools, each up to its own last day of the half-term."""
    return governor_files(trust_page(name, given, benchmarks), max(one.day for one in given))


def trust_page(
    name: str, given: Sequence[GovernorInputs], benchmarks: Benchmarks | None = None, *, without: Sequence[str] = ()
) -> dict[str, Any]:
    """Everything the pages print, as strings: hidden figures are not in it. `without`: names of schools of the trust
    that have no marks yet."""
    bench = benchmarks or load_benchmarks()
    schools = [_school(one, bench) for one in sorted(given, key=lambda g: (g.school_name, g.school_id))]
    counted = [s for s in schools if not s.hidden.school] or schools
    together = pooled([s.figures for s in counted])
    effect = effect_of_interventions([s.given for s in counted])
    # The strictest of the schools' policies: a trust has none of its own.
    sizes = max(
        (s.given.inputs.policy.setting.suppression for s in schools),
        key=lambda size: (size.minimum_group, size.minimum_characteristic_group),
    )
    hidden = hide_beside_schools(together, hide(together, effect, sizes), [(s.figures, s.hidden) for s in counted])
    first = schools[0].given
    begin = min(s.given.inputs.calendar.date(s.given.half_term.first) for s in schools)
    day = max(s.given.day for s in schools)
    league, few = _league(schools, together, hidden, sizes.minimum_group)
    subject = Subject(
        name=name,
        title="Attendance report to trustees",
        subtitle=f"{first.half_term.name} · {long_date(begin)} to {long_date(day)} · {len(schools)} schools together",
        own=OWN,
        as_at=first.as_at,
        day=day,
        footer=f"{name} · marks up to {first.as_at}",
        half_term_of=lambda week: _half_term_of(schools, week),
        evening=first.evening,
    )
    published = _published(counted, bench)
    page = page_of(
        subject,
        together,
        effect,
        hidden,
        published,
        said=(*_movement_words(schools, few), *_left_out(len(schools) - len(counted)), *_without_marks(without)),
        more=(league, *_by_phase(counted, hidden, sizes.minimum_group)),
    )
    if not published.areas and len({s.given.phase for s in counted}) > 1:
        page["comparison_to"] = "Schools of several phases: each phase is compared with its own on the next page."
    return page


def _school(given: GovernorInputs, bench: Benchmarks) -> _School:
    published = bench.compare(given.day, given.phase, given.local_authority)
    figures = governor_figures(given.at_the_point_of(published.own_to))
    hidden = hide(figures, effect_of_interventions(given), given.inputs.policy.setting.suppression)
    return _School(given, published, figures, hidden)


def _half_term_of(schools: Sequence[_School], week: dt.date) -> str:
    for school in schools:
        if any(w.first == week for w in school.figures.weeks_of_all):
            return school.given.half_term_of(week)
    return schools[0].given.half_term_of(week)


def _published(schools: Sequence[_School], bench: Benchmarks) -> Comparison:
    """What the pooled figures are compared with: only where all schools are of one phase and one day; the region and
    the authority only where they are all of one."""
    first = schools[0].published
    nothing = Comparison(None, None, None, None, first.this_year, None, ())
    if len({s.given.phase for s in schools}) > 1 or len({s.published.own_to for s in schools}) > 1:
        return nothing
    regions = {s.published.region.area if s.published.region else "" for s in schools}
    authorities = {s.given.local_authority for s in schools}
    keep = {"national"} | ({"region"} if len(regions) == 1 else set()) | ({"local"} if len(authorities) == 1 else set())
    return Comparison(
        national=first.national,
        region=first.region if "region" in keep else None,
        local=first.local if "local" in keep else None,
        all_phases=first.all_phases,
        this_year=first.this_year,
        own_to=first.own_to,
        lines=tuple(line for line in first.lines if line[0] in keep),
    )


# ---------------------------------------------------------------- movement


def _moved(figures: GovernorFigures) -> Decimal | None:
    """Points between the half-term before and this one, of the figures as printed."""
    before, now = None if figures.before is None else rate(figures.before), rate(figures.school.half_term)
    return None if before is None or now is None else now - before


def _league(
    schools: Sequence[_School], together: GovernorFigures, hidden: Hidden, least: int
) -> tuple[Section, tuple[bool, ...]]:
    """Schools by how far their attendance moved since the half-term before; which of them are not shown."""
    own = [s.hidden.school for s in schools]
    protected = protect([s.figures.school.pupils for s in schools], least, hidden=own)
    few = tuple(protected.total or part for part in protected.parts)
    heading = "Movement by school"
    if _moved(together) is None:
        return Section(heading, paragraphs=("There is no half-term before in this academic year to move from.",)), few
    whole = None if hidden.school else _moved(together)
    rows = [
        (s.given.school_name, None if hide_it else _moved(s.figures)) for s, hide_it in zip(schools, few, strict=True)
    ]
    shown = sorted(((n, m) for n, m in rows if m is not None), key=lambda row: (-row[1], row[0]))
    silent = sorted(n for n, m in rows if m is None)
    table = Table(
        ("School", "Change, points"),
        (
            Row((OWN, HIDDEN if whole is None else points(whole)), total=True),
            *(Row((n, points(m)), begins_block=i == 0) for i, (n, m) in enumerate(shown)),
            *(Row((n, HIDDEN)) for n in silent),
        ),
    )
    steps = [Step(OWN, Decimal(0), whole, HIDDEN if whole is None else points(whole), own=True)]
    steps += [Step(n, Decimal(0), m, points(m)) for n, m in shown]
    steps += [Step(n, None, None, HIDDEN) for n in silent]
    name = "Change of attendance since the half-term before, in percentage points"
    said = "; ".join(f"{step.name} {step.label}" for step in steps)
    chart = Chart(
        "Change since the half-term before, percentage points",
        step_chart(steps, name=name, desc=said, width=640, room_for_names=190, unit="", signed=True),
        f"{name}. {said}.",
    )
    intro = (
        "Attendance of this half-term less that of the half-term before. Schools stand in the order of their movement; "
        "a level would say mostly whom a school teaches."
    )
    return Section(heading, intro, (table,), chart), few


def _left_out(schools: int) -> tuple[str, ...]:
    if not schools:
        return ()
    words = f"{plural(schools, 'school is', 'schools are')} not in the figures of the trust, too small to be shown."
    return (words[:1].upper() + words[1:],)


def _without_marks(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name} has no marks yet, and is not in the figures of the trust." for name in sorted(names))


def _movement_words(schools: Sequence[_School], few: Sequence[bool]) -> tuple[str, ...]:
    moved = [m for s, hide_it in zip(schools, few, strict=True) if not hide_it and (m := _moved(s.figures)) is not None]
    if not moved:
        return ()
    up, down = sum(m > 0 for m in moved), sum(m < 0 for m in moved)
    same = len(moved) - up - down
    words = f"Against the half-term before, attendance rose in {plural(up, 'school')}"
    words += f" and fell in {plural(down, 'school')}"
    words += f", and was the same in {plural(same, 'school')}" if same else ""
    return (f"{words}, of {len(moved)} shown.",)


# ---------------------------------------------------------------- by phase


def _by_phase(schools: Sequence[_School], hidden: Hidden, least: int) -> tuple[Section, ...]:
    """Each phase of the trust beside England's schools of that phase, the same ages to the same day."""
    phases = sorted({s.given.phase for s in schools})
    sizes = [sum(s.figures.school.pupils for s in schools if s.given.phase == phase) for phase in phases]
    protected = protect(
        sizes, least, hidden=[any(s.hidden.school for s in schools if s.given.phase == p) for p in phases]
    )
    if len(phases) < 2:
        return ()
    found = []
    for phase, alone in zip(phases, protected.parts, strict=True):
        of = [s for s in schools if s.given.phase == phase and s.figures.same_point is not None]
        national = of[0].published.national if of else None
        point = pooled([s.figures for s in of]).same_point if of else None
        if national is None or national.attendance is None or point is None:
            continue
        if len({s.published.own_to for s in of}) > 1:
            continue
        few = alone or protected.total or hidden.school or any(s.hidden.aged_5_to_15 for s in of)
        absent_few = few or hidden.persistent or share_hidden(point.persistent, point.pupils, least)
        absent_few = absent_few or any(s.hidden.aged_5_to_15_persistent for s in of)
        found.append((f"{OWN}, {phase.lower()} ({plural(len(of), 'school')})", point, national, few, absent_few))
    # Phases make up the trust: of one that is hidden the others would tell.
    few_absent = any(absent_few for *_, absent_few in found)
    rows: list[Row] = []
    for name, point, national, few, _ in found:
        ours, theirs = None if few else rate(point.year), rounded(national.attendance or Decimal(0))
        absent = HIDDEN if few or few_absent else percent(tenths(point.persistent, point.pupils))
        published = NOTHING if national.persistent is None else percent(rounded(national.persistent))
        rows.append(Row((name, HIDDEN if ours is None else percent(ours), "", absent), total=True))
        difference = HIDDEN if ours is None else points(ours - theirs)
        rows.append(Row((area_name(national), percent(theirs), difference, published)))
    table = Table(("", "Attendance", "Difference", "Persistent"), tuple(rows))
    return (
        (Section("How each phase compares", "Pupils aged 5 to 15, year to date, the same day.", (table,)),)
        if rows
        else ()
    )
