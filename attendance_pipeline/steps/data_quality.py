"""Data quality: what the data manager is told of the newest academic year, when it is something else than last time.

Belongs here: what a telling holds, when one is due, and putting it on the drive. Not here: checking (`check.py`), words
(`reports/data_quality.py`), the pages of Great Expectations (`quality/data_docs.py`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from attendance_pipeline.quality.data_docs import data_docs
from attendance_pipeline.quality.expectations import ROLL
from attendance_pipeline.quality.plausibility import Finding, validation_results
from attendance_pipeline.reports.data_quality import QualityReport, quality_files
from attendance_pipeline.steps.check import Looked, check_register
from attendance_pipeline.steps.deliver import Made, put
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import DATA_QUALITY, each_school
from attendance_pipeline.store import quality, quarantine

WHAT = "data-quality"


def data_quality(site: Site, run: str) -> list[tuple[Made, Looked]]:
    """Check what is not checked yet, and deliver to each school's data manager what is to be done.

    Delivered when something fell short, was settled or was set aside since the last time; not because another day has
    passed. The first time always.
    """
    found = {looked.school.id: looked for looked in check_register(site)}
    schools = [school for school in site.schools() if school.id in found]
    return each_school(site, DATA_QUALITY, lambda school: _tell(site, found[school.id], run), schools)


def _tell(site: Site, looked: Looked, run: str) -> tuple[Made, Looked]:
    school = looked.school
    with site.warehouse.read() as conn:
        aside = quarantine.rows(conn, school.id)
        told = quality.told(conn, school.id)
    sha = _digest(looked, aside)
    short = len([f for f in looked.findings if looked.is_current(f)])
    if sha == told:
        return Made(school.id, WHAT, short, note="nothing new to tell"), looked
    report = _report(looked, aside)
    about = f"School days of {report.year} up to {report.day:%d/%m/%Y}"
    files = data_docs(validation_results(looked.asked), site=school.name, about=about) | quality_files(report)
    folders = put(site, school, looked.newest, WHAT, {"data-manager": files}, run)
    # Delivered first: a run that is killed in between finds the folder there, and notes that it was told.
    with site.warehouse.begin(school.id) as conn:
        quality.tell(conn, school.id, report.day, sha)
    note = f"{len(report.holding)} hold letters, {len(report.warnings)} warnings, {len(aside)} rows set aside"
    return Made(school.id, WHAT, short, folders, note), looked


def _digest(looked: Looked, aside: Sequence[dict[str, Any]]) -> str:
    """A hash of what is told: what fell short, and rows set aside. Of the roll without its day: it moves on nightly."""
    findings = sorted(
        (
            "" if f.scope == ROLL else looked.school.calendar.date(f.day).isoformat(),
            *(f.scope, f.subject, f.check, f.value, f.limit, f.pupils, f.waits, f.remark, f.confirmed),
        )
        for f in looked.findings
    )
    rows = [[row[name] for name in ("extract", "line", "column", "rule", "sha256", "origin")] for row in aside]
    year = int(looked.school.calendar.year[looked.newest])
    return hashlib.sha256(json.dumps([year, findings, rows]).encode()).hexdigest()


def _report(looked: Looked, aside: Sequence[dict[str, Any]]) -> QualityReport:
    calendar = looked.school.calendar

    def dated(findings: list[Finding]) -> list[tuple[dt.date, Finding]]:
        return [(calendar.date(f.day), f) for f in findings]

    current = [f for f in looked.findings if looked.is_current(f)]
    past = [f for f in looked.findings if not looked.is_current(f)]
    return QualityReport(
        school=looked.school.name,
        year=calendar.year_names[calendar.year[looked.newest]],
        day=calendar.date(looked.newest),
        days=len(looked.asked.figures),
        figures=looked.made,
        setting=looked.school.quality,
        holding=dated([f for f in current if f.waits]),
        warnings=dated([f for f in current if not f.waits]),
        earlier=dated([f for f in past if f.waits]),
        confirmed=dated([f for f in past if f.confirmed]),
        set_aside=aside,
    )
