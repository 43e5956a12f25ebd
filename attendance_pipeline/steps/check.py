"""Check: the plausibility of the newest days, kept as rows by which letters are held.

Belongs here: which days are looked at, and writing the results. Not here: what is plausible (`quality/`), or what a
result means for a letter (`letters/`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from attendance_pipeline.quality.plausibility import Finding, check_days
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.intake import last_marked_day
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import quality, quarantine

DAYS_LOOKED_AT = 5


@dataclass(frozen=True)
class Summary:
    """Counts of checks made and fallen short, and a table in plain words: school, day, class, what was expected."""

    made: int
    short: int
    days: int
    markdown: str


def check_register(site: Site) -> Summary:
    """Check the last school days that have marks, in every school, and keep the results."""
    made = days = 0
    short: list[tuple[str, str, Finding]] = []
    for school in site.schools():
        last = last_marked_day(site, school)
        if last is None:
            continue
        looked = range(max(0, last - DAYS_LOOKED_AT + 1), last + 1)
        found = check_days(school_inputs(site, school), looked)
        made += len(found)
        days = max(days, len(looked))
        with site.warehouse.begin(school.id) as conn:
            for day in looked:
                date = school.calendar.date(day)
                results = [
                    quality.CheckResult(f.scope, f.subject, f.check, f.passed, {"value": f.value, "expected": f.words})
                    for f in found
                    if f.day == day
                ]
                quality.replace(conn, school.id, date, results)
        short += [(school.id, school.calendar.date(f.day).isoformat(), f) for f in found if not f.passed]
    lines = ["| school | day | class | expected | found |", "|---|---|---|---|---|"]
    for school_id, day_text, f in short[:20]:
        value = "nothing" if f.value is None else f"{f.value:g}"
        lines.append(f"| {school_id} | {day_text} | {f.subject or 'all'} | {f.words} | {value} |")
    return Summary(made, len(short), days, "\n".join(lines) if short else "Everything was as expected.")


def set_aside(site: Site) -> dict[str, int]:
    """How many rows are in quarantine, by rule."""
    counts: Counter[str] = Counter()
    for school in site.schools():
        with site.warehouse.read() as conn:
            counts.update(str(row["rule"]) for row in quarantine.rows(conn, school.id))
    return dict(counts.most_common())
