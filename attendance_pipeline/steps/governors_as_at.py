"""The governor report as it stood on an evening: made anew, by what was recorded by then, for a person who asked.

Belongs here: which half-term and day an evening knew. Not here: any figure or word (`reports/`), the reports that are
delivered (`steps/deliver.py`). Writes nothing, and no delivery hears of it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from attendance_pipeline.reports.governor import governor_files, governor_page
from attendance_pipeline.reports.governor_figures import GovernorInputs
from attendance_pipeline.reports.trust import trust_page
from attendance_pipeline.steps.benchmarks import load as published_of
from attendance_pipeline.steps.deliver import governor_inputs
from attendance_pipeline.steps.marked_days import latest_marked_day
from attendance_pipeline.steps.plan import half_term, trust_folder
from attendance_pipeline.steps.site import Site


class Unreported(ValueError):
    """No school knew anything of that half-term on that evening; the message says why."""


@dataclass(frozen=True)
class ReportAsAt:
    """`owner`: a school's id, or the trust's folder. `day`: the last that is counted. `files`: by name."""

    owner: str
    day: dt.date
    files: dict[str, bytes]


def governors_as_at(site: Site, evening: dt.date, key: str | None = None) -> list[ReportAsAt]:
    """The report of every school that knew marks of the half-term on that evening, and of all of them where they are
    several. `key`: of the half-term, by default that of the evening's newest day. Raises Unreported."""
    latest = latest_marked_day(site, evening, evening)
    if latest is None:
        raise Unreported(f"no register had been recorded by {evening}")
    given: list[GovernorInputs] = []
    without = []
    for school in site.schools():
        calendar = school.calendar
        newest = calendar.on_or_before(latest)
        halves = [h for h in calendar.half_terms if h.first <= newest]
        half = half_term(school, key) if key is not None else (halves[-1] if halves else None)
        if half is None or newest < half.first:
            continue
        one = governor_inputs(site, school, half, min(half.last, newest), evening)
        if one.inputs.marks[:, half.first : one.last + 1].any():
            given.append(one)
        else:
            without.append(school.name)
    if not given:
        raise Unreported(f"no marks of {key or 'that half-term'} had been recorded by {evening}")
    published = published_of(site.home)
    out = []
    for one in given:
        page = governor_page(one, published.compare(one.day, one.phase, one.local_authority))
        out.append(ReportAsAt(one.school_id, one.day, governor_files(page, one.day)))
    if len(given) > 1:
        page = trust_page(site.home.trust_name or "All schools", given, published, without=without)
        day = max(one.day for one in given)
        out.append(ReportAsAt(trust_folder(site.home), day, governor_files(page, day)))
    return out
