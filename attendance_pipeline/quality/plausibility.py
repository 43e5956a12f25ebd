"""Asking Great Expectations which days, classes and rolls fall short of what is expected.

Belongs here: the suites made of the table of checks, the one frame that each is asked about, and reading back what fell
short. Not here: figures and limits, storing results, holding letters, pages (`data_docs.py`).

Great Expectations is given counts and shares, a row a day or a class and day, so that no pupil's value can come out of
it. It is imported when it is needed: the import takes seconds. It asks nothing of the network: its analytics are off
before it is imported.
"""

from __future__ import annotations

import datetime as dt
import html
import os
import warnings
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from attendance_pipeline.home_settings import SchoolQualitySetting
from attendance_pipeline.quality.expectations import BY_NAME, CLASS, ROLL, SCHOOL, Check, checks_of
from attendance_pipeline.quality.figures import Figures

ANALYTICS = "GX_ANALYTICS_ENABLED"
SUITES = {SCHOOL: "School days", CLASS: "Classes and days", ROLL: "The roll as it is"}
WHEN, WHERE = "school day", "class and school day"
ASKED = "asked"  # in a frame of several schools: which of them


@dataclass(frozen=True)
class Finding:
    """Something that fell short. `day` is its number; `subject`: the class, or "" for the whole school.

    `value` in the unit of the check; `pupils`: how many it concerns, None where that is not asked. `waits`: on how many
    school days' decisions letters wait, 0 for a warning. `confirmed`: a person said that the day was so.
    """

    day: int
    scope: str
    subject: str
    check: str
    value: float
    limit: float
    pupils: float | None
    waits: int
    remark: str = ""
    confirmed: bool = False


def found_in_words(finding: Finding) -> str:
    """What was found: `38% (12 pupils)`, with what a person would ask next."""
    check = BY_NAME[finding.check]
    unit = {"%": "%", "points": " points", "times": " times", "": ""}[check.unit]
    words = f"{round(finding.value, 1):g}{unit}"
    if finding.pupils is not None:
        words += f" ({finding.pupils:,.0f} pupils)"
    return words + (f"; {finding.remark}" if finding.remark else "")


@dataclass(frozen=True)
class Asked:
    """Figures of one school that are asked about. `dates`: of each of their days, in order. `only`: numbers of the days
    that are asked about; None: all."""

    figures: Figures
    dates: Sequence[dt.date]
    setting: SchoolQualitySetting
    only: Collection[int] | None = None

    @property
    def confirmed(self) -> frozenset[int]:
        """Numbers of the days of which a person said that they were so."""
        said = set(self.setting.confirmed_days)
        return frozenset(self.figures.first + i for i, day in enumerate(self.dates) if day in said)


@dataclass(frozen=True)
class Answer:
    """What fell short, by day and check, and how many figures were looked at by day; what cannot be said is not."""

    findings: tuple[Finding, ...]
    made: Mapping[int, int]


def fell_short(asked: Sequence[Asked]) -> list[Answer]:
    """What Great Expectations says of each. Schools with the same limits are asked about together: most of the time
    that it takes is per question, however many rows it is asked about."""
    findings: list[list[Finding]] = [[] for _ in asked]
    made: list[Counter[int]] = [Counter() for _ in asked]
    together: dict[Any, list[int]] = defaultdict(list)
    for i, one in enumerate(asked):
        together[one.setting.limits].append(i)
    for numbers in together.values():
        parts: dict[str, list[pd.DataFrame]] = defaultdict(list)
        for i in numbers:
            for scope, frame in frames(asked[i]).items():
                frame[ASKED], frame[_key(scope)] = i, f"{i} " + frame[_key(scope)]
                parts[scope].append(frame)
        for scope, of_scope in parts.items():
            whole = pd.concat(of_scope, ignore_index=True)
            setting = asked[numbers[0]].setting
            result = _ask(scope, whole, setting)
            for check in checks_of(scope):
                looked_at = whole.loc[whole[check.figure].notna(), [ASKED, "day"]]
                for i, day in zip(looked_at[ASKED].tolist(), looked_at["day"].tolist(), strict=True):
                    made[i][day] += 1
            for i, check, row in _unexpected(scope, whole, result):
                findings[i].append(_finding(asked[i], check, row))
    return [Answer(tuple(sorted(f, key=_order)), m) for f, m in zip(findings, made, strict=True)]


def validation_results(asked: Asked) -> dict[str, Any]:
    """The results of Great Expectations by suite, for its own pages."""
    return {SUITES[scope]: _ask(scope, frame, asked.setting) for scope, frame in frames(asked).items()}


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return (finding.day, finding.scope, finding.subject, finding.check)


def _key(scope: str) -> str:
    return WHERE if scope == CLASS else WHEN


def frames(asked: Asked) -> dict[str, pd.DataFrame]:
    """By scope a frame with a row for each thing that is looked at: its `day` (number) and `subject`, its name as the
    pages show it, the figures, and how many pupils each concerns."""
    figures = asked.figures
    numbers = np.arange(figures.first, figures.last + 1)
    written = np.array([f"{day:%d/%m/%Y}" for day in asked.dates], dtype=object)
    found = {SCHOOL: pd.DataFrame({"day": numbers, "subject": "", WHEN: written, **_columns(SCHOOL, figures.of_day)})}
    if figures.classes:
        of_class = _columns(CLASS, figures.of_class)
        day, place = np.nonzero(~np.isnan(of_class[checks_of(CLASS)[0].figure]).T)
        names = np.array(figures.classes, dtype=object)
        # The pages of Great Expectations do not escape what stands in a cell.
        shown = np.array([html.escape(name) for name in figures.classes], dtype=object)
        found[CLASS] = pd.DataFrame(
            {
                "day": numbers[day],
                "subject": names[place],
                WHERE: shown[place] + " on " + written[day],
                **{name: values[place, day] for name, values in of_class.items()},
            }
        )
    if figures.of_roll:
        row = {name: [value] for name, value in _columns(ROLL, figures.of_roll).items()}
        found[ROLL] = pd.DataFrame({"day": [figures.last], "subject": [""], WHEN: written[-1:], **row})
    if asked.only is not None:
        found = {scope: frame[frame["day"].isin(list(asked.only))] for scope, frame in found.items()}
    return {scope: frame.reset_index(drop=True) for scope, frame in found.items() if len(frame)}


def _names(scope: str) -> list[str]:
    return list(dict.fromkeys(name for check in checks_of(scope) for name in (check.figure, check.pupils) if name))


def _columns(scope: str, values: Any) -> dict[str, Any]:
    # To the hundredth, as they are shown: 15 points are 15, whatever a float makes of them.
    return {name: np.round(values[name], 2) for name in _names(scope)}


@cache
def _great_expectations() -> tuple[Any, Any]:
    os.environ[ANALYTICS] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations.expectations.row_conditions import Column

    return gx, Column


def _ask(scope: str, frame: pd.DataFrame, setting: SchoolQualitySetting) -> Any:
    gx, _ = _great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    suite = gx.ExpectationSuite(name=SUITES[scope])
    for check in checks_of(scope):
        suite.add_expectation(_expectation(check, setting))
    asset = context.data_sources.add_pandas(SUITES[scope]).add_dataframe_asset(SUITES[scope])
    given = frame[[_key(scope), *_names(scope)]]
    batch = asset.add_batch_definition_whole_dataframe(SUITES[scope]).get_batch({"dataframe": given})
    return batch.validate(
        suite,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": [_key(scope)],
            "return_unexpected_index_query": False,
        },
    )


def _expectation(check: Check, setting: SchoolQualitySetting) -> Any:
    gx, column = _great_expectations()
    limit = check.limit_in(setting)
    concerns = check.of_few * setting.few_pupils
    return gx.expectations.ExpectColumnValuesToBeBetween(
        column=check.figure,
        min_value=limit if check.least else None,
        max_value=None if check.least else limit,
        row_condition=(column(check.pupils) >= concerns) if check.pupils else None,
        severity="critical" if check.waits_days(setting) else "warning",
        description=described(check, setting),
        meta={"check": check.name},
    )


def described(check: Check, setting: SchoolQualitySetting) -> str:
    """What is expected, in words, with what a shortfall does."""
    expected = check.expected_in(setting)
    words = f"{expected[:1].upper()}{expected[1:]}."
    if check.pupils:
        words += f" Counts where it concerns at least {check.of_few * setting.few_pupils} pupils."
    days = check.waits_days(setting)
    if not days:
        return f"{words} A warning: nothing waits."
    whose = "letters of the class" if check.scope == CLASS else "letters of the school"
    until = "that day" if days == 1 else f"that day or the {days - 1} school days after it"
    return f"{words} Else {whose} that are decided on the marks of {until} wait."


def _unexpected(scope: str, frame: pd.DataFrame, result: Any) -> Iterator[tuple[int, Check, pd.Series]]:
    """Which of the asked, which check and which row of the frame, for every figure that fell short."""
    key = _key(scope)
    place = {name: i for i, name in enumerate(frame[key])}
    of_check = {r.expectation_config.meta["check"]: r for r in result.results}
    for check in checks_of(scope):
        said = of_check[check.name]
        if said.exception_info.get("raised_exception"):
            raise RuntimeError(f"Great Expectations could not look at {check.name}")
        for short in said.result["unexpected_index_list"]:
            row = frame.iloc[place[short[key]]]
            yield int(row[ASKED]), check, row


def _finding(asked: Asked, check: Check, row: pd.Series) -> Finding:
    day = int(row["day"])
    confirmed = day in asked.confirmed
    return Finding(
        day=day,
        scope=check.scope,
        subject=str(row["subject"]),
        check=check.name,
        value=round(float(row[check.figure]), 2),
        limit=check.limit_in(asked.setting),
        pupils=round(float(row[check.pupils]), 1) if check.pupils else None,
        waits=0 if confirmed else check.waits_days(asked.setting),
        remark=asked.figures.remarks.get((check.name, day), ""),
        confirmed=confirmed,
    )
