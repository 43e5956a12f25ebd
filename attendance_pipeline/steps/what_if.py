"""What if: a school's marks under other policies, beside its own. Reads the warehouse, and writes nothing anywhere.

Belongs here: which days and which marks, and whose names stand beside a pupil that would move. Not here: deriving
(`derive/what_if.py`), words and tables (`reports/what_if.py`). What is given names pupils: it is for who asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from attendance_pipeline.derive.what_if import Outcome
from attendance_pipeline.derive.what_if import what_if as run
from attendance_pipeline.home import School
from attendance_pipeline.law.policy import Policy
from attendance_pipeline.law.policy_grid import GridPoint, Sweep, policy_grid
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.register.roll import current_classes, current_pupils
from attendance_pipeline.reports.what_if import Mover, Side, WhatIf
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.marked_days import last_marked_day
from attendance_pipeline.steps.restate import newest_done
from attendance_pipeline.steps.site import Site

TODAY = "today's policy"
AS_LOGGED = "as logged"


class NothingToAsk(ValueError):
    """There are no marks in the period; the message says of which school and which days."""


def what_if(
    site: Site,
    school: School,
    policy: Policy | None = None,
    sweeps: Sequence[Sweep] = (),
    *,
    first: dt.date | None = None,
    last: dt.date | None = None,
    supposed: int | None = None,
    as_at: dt.date | None = None,
    minutes: Mapping[str, int] | None = None,
) -> WhatIf:
    """`policy` (None: the school's own), or every point of its grid, beside the school's own, over days `first` to
    `last` (default: the academic year of the newest done day, up to that day).

    `supposed`: school days after which what a stage requires is supposed done; None: by the log. Raises NothingToAsk,
    and SettingsError for a sweep that cannot be.
    """
    low, high = _period(site, school, first, last, as_at)
    inputs, calendar = school_inputs(site, school, as_at), school.calendar
    base = policy or school.policy
    days = [calendar.date(d) for d in range(low, high + 1)]
    heading = base.name if base.name != school.policy.name else f"{base.name} ({base.version})"
    others = policy_grid(base, sweeps, days) if sweeps else [GridPoint((), base)]
    outcomes = run(inputs, [school.policy, *(p.policy for p in others)], low, high, supposed)
    sides = [Side(TODAY, outcomes[0])]
    sides += [Side(p.words or heading, o, p.values) for p, o in zip(others, outcomes[1:], strict=True)]
    logged = None
    if supposed is not None:
        (as_it_was,) = run(inputs, [school.policy], low, high)
        if not np.array_equal(as_it_was.stages, outcomes[0].stages):
            logged = Side(AS_LOGGED, as_it_was)
    week = calendar.week
    ends = [d for d in range(low, high + 1) if d == high or week[d + 1] != week[d]]
    return WhatIf(
        school_id=school.id,
        school=school.name,
        first=days[0],
        last=days[-1],
        weeks=tuple(calendar.date(d) for d in ends),
        sides=tuple(sides),
        movers=() if sweeps else _movers(site, school, outcomes[0], outcomes[1], as_at),
        logged=logged,
        days_supposed=supposed,
        as_at=as_at,
        minutes=minutes,
    )


def _period(
    site: Site, school: School, first: dt.date | None, last: dt.date | None, as_at: dt.date | None
) -> tuple[int, int]:
    calendar = school.calendar
    newest = newest_done(site, school) if as_at is None else None
    if newest is None:
        newest = last_marked_day(site, school, as_at)
    if newest is None:
        raise NothingToAsk(f"{school.id}: no marks are loaded" + (f" that were recorded by {as_at}" if as_at else ""))
    high = newest if last is None else min(calendar.on_or_before(last), newest)
    low = int(calendar.year_start[max(high, 0)]) if first is None else calendar.on_or_after(first)
    if not 0 <= low <= high:
        raise NothingToAsk(
            f"{school.id}: no school day with marks from {first or 'the first'} to {last or calendar.date(newest)}; "
            f"the newest is {calendar.date(newest)}"
        )
    return low, high


def _movers(site: Site, school: School, today: Outcome, other: Outcome, as_at: dt.date | None) -> tuple[Mover, ...]:
    """Who stands elsewhere on the last day, by class and name."""
    rows = np.flatnonzero(today.at_end != other.at_end).tolist()
    pupils = school_inputs(site, school, as_at).pupils
    with site.warehouse.read() as conn:
        paper = pupils_on_paper(current_pupils(conn, school.id, as_at), current_classes(conn, school.id))
    out = []
    for row in rows:
        person = paper.get(int(pupils.pupil_id[row]))
        out.append(
            Mover(
                upn=str(pupils.upn[row]),
                name=person.full_name if person else "",
                class_name=str(pupils.class_name[row]),
                today=int(today.at_end[row]),
                other=int(other.at_end[row]),
                highest_today=int(today.highest[row]),
                highest_other=int(other.highest[row]),
            )
        )
    return tuple(sorted(out, key=lambda m: (m.class_name, m.name, m.upn)))
