"""What a data manager is told of the data: a page of what to do, and the rows that were set aside with what to do.

Belongs here: words, tables and the page. Not here: what is expected (`quality/expectations.py`), the pages of Great
Expectations (`quality/data_docs.py`), where results come from (`steps/data_quality.py`). Nothing here is of one pupil:
days, classes, counts, files and lines.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from attendance_pipeline.home_settings import QualitySetting
from attendance_pipeline.quality.expectations import BY_NAME, CLASS
from attendance_pipeline.quality.plausibility import Finding, found_in_words
from attendance_pipeline.reports.charts import render_page
from attendance_pipeline.spreadsheets import Column, Sheet, csv_bytes, workbook_bytes

PAGE = "what-to-do.html"
MOST_ROWS = 5_000  # in the workbook; the CSV has all
MOST_LINES = 100  # of one table of the page
MOST_FILES = 5

_QUARANTINE = (
    Column("extract", "File"),
    Column("line", "Line", "whole"),
    Column("column", "Column"),
    Column("rule", "Rule"),
    Column("words", "What it means", width=44, wrap=True),
    Column("to_do", "What to do", width=60, wrap=True),
)


@dataclass(frozen=True)
class QualityReport:
    """All of one telling. `day`: the newest day that was looked at; `days`, `figures`: how many were looked at.

    `holding`: letters wait for these now. `warnings`: of the last days. `earlier`: fell short earlier in the academic
    year and was not settled; no letter waits. `confirmed`: a person said that it was so. `set_aside`: rows of the
    quarantine, as `store.quarantine.rows` gives them.
    """

    school: str
    year: str
    day: dt.date
    days: int
    figures: int
    setting: QualitySetting
    holding: Sequence[tuple[dt.date, Finding]]
    warnings: Sequence[tuple[dt.date, Finding]]
    earlier: Sequence[tuple[dt.date, Finding]]
    confirmed: Sequence[tuple[dt.date, Finding]]
    set_aside: Sequence[Mapping[str, Any]]


def quality_files(report: QualityReport) -> dict[str, bytes]:
    """The page, and the quarantine as CSV and as a workbook. The same bytes for the same report."""
    rows = [{**row, **_meaning(str(row["rule"]), str(row["origin"]))} for row in report.set_aside]
    heading = f"{report.school}: rows and files set aside, {report.day:%d/%m/%Y}"
    shown = rows[:MOST_ROWS]
    if len(rows) > MOST_ROWS:
        shown.append({"words": f"{len(rows) - MOST_ROWS:,} more rows: quarantine.csv has them all"})
    summary = (
        *(Column("rule", "Rule"), Column("count", "Rows", "whole"), Column("extracts", "Files", "whole")),
        *(Column("words", "What it means", width=44, wrap=True), Column("to_do", "What to do", width=60, wrap=True)),
    )
    book = [Sheet("By rule", summary, by_rule(report.set_aside), heading), Sheet("Rows", _QUARANTINE, shown, heading)]
    return {
        PAGE: _page(report).encode(),
        "quarantine.csv": csv_bytes(rows, _QUARANTINE),
        "quarantine.xlsx": workbook_bytes(book, title=heading, created=report.day),
    }


def by_rule(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each rule that rows broke: how many rows and files, what it means and what to do; the commonest first."""
    counts = Counter((str(row["rule"]), str(row["origin"])) for row in rows)
    found_in: dict[tuple[str, str], Counter[str]] = {key: Counter() for key in counts}
    for row in rows:
        found_in[str(row["rule"]), str(row["origin"])][str(row["extract"])] += 1
    return [
        {
            "rule": rule,
            "count": count,
            "extracts": len(found_in[rule, origin]),
            "newest": sorted(found_in[rule, origin], reverse=True)[:MOST_FILES],
            **_meaning(rule, origin),
        }
        for (rule, origin), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", "set_aside.toml").read_text(encoding="utf-8"))


def _meaning(rule: str, origin: str) -> dict[str, str]:
    said = _words()
    found = next((r for r in said["rules"] if rule.startswith(r["rule"])), None) or said["origins"][origin]
    return {"words": found["words"], "to_do": found["to_do"]}


def has_own_words(rule: str) -> bool:
    """Whether data/set_aside.toml says of this rule what it means, beyond where it comes from."""
    return any(rule.startswith(r["rule"]) for r in _words()["rules"])


def _page(report: QualityReport) -> str:
    return render_page(
        "what-to-do.html.j2",
        {
            "school": report.school,
            "year": report.year,
            "day": f"{report.day:%d/%m/%Y}",
            "days": report.days,
            "figures": report.figures,
            "holding": _told(report.holding, report.setting),
            "warnings": _told(report.warnings, report.setting),
            "earlier": _told(report.earlier, report.setting),
            "confirmed": _told(report.confirmed, report.setting),
            "set_aside": by_rule(report.set_aside),
            "rows": len(report.set_aside),
            "most": MOST_LINES,
            "whole_school": any(f.scope != CLASS for _, f in report.holding),
            "classes": sorted({f.subject for _, f in report.holding if f.scope == CLASS}),
            "wait_days": report.setting.letters_wait_school_days,
        },
    )


def _told(findings: Sequence[tuple[dt.date, Finding]], setting: QualitySetting) -> list[dict[str, str]]:
    newest_first = sorted(findings, key=lambda pair: (-pair[0].toordinal(), pair[1].scope, pair[1].subject))
    return [
        {
            "day": f"{day:%a %d/%m/%Y}",
            "who": f.subject if f.scope == CLASS else "Whole school",
            "expected": BY_NAME[f.check].expected_in(setting),
            "found": found_in_words(f),
            "means": BY_NAME[f.check].means,
            "to_do": BY_NAME[f.check].to_do,
            "lasts": "" if f.waits < 2 else f"on this day and the {f.waits - 1} school days after it, unless confirmed",
        }
        for day, f in newest_first
    ]
