"""Charts as SVG drawings: where each mark lies, computed here; how it is drawn, in `templates/*.svg.j2`.

Belongs here: the geometry of the few charts that reports have. Not here: figures, and any library: a drawing is text of
a few kilobytes, the same for the same figures. Lines differ in weight and dash as well as in colour, and bear their
names.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import jinja2

WIDTH, HEIGHT = 430, 172
LEFT, RIGHT, TOP, BOTTOM = 32, 106, 6, 22  # room for the scale, for the names of the lines, and for the half-terms
_BREAK = 0.7  # room between half-terms, in weeks
_LABEL_APART = 14  # units between the names of two lines
_CHARACTER = 6.2  # units across, of bold type
_LEAST_SPAN = 4  # percentage points: a calm year must not look like a storm
_STEPS = (1, 2, 5, 10, 20)
_MOST_GRID_LINES = 6


@dataclass(frozen=True)
class TrendWeek:
    """One school week: attendance of the week and of the year up to its end, in percent; None when there is none."""

    first: dt.date
    half_term: str
    week: Decimal | None
    year: Decimal | None


def trend_chart(
    weeks: Sequence[TrendWeek], national: Sequence[tuple[dt.date, Decimal]], *, national_name: str, name: str, desc: str
) -> str:
    """Attendance by school week, the year to date, and England's year to date at the same point.

    `national`: (last day counted, percent), called `national_name`. `name` and `desc` are for who cannot see it.
    """
    xs, spans = _weeks_across(weeks)
    lines: list[tuple[str, str, list[tuple[float, Decimal | None]]]] = [
        ("week", "Each week", [(x, w.week) for x, w in zip(xs, weeks, strict=True)]),
        ("year", "Year to date", [(x, w.year) for x, w in zip(xs, weeks, strict=True)]),
        ("england", national_name, [(_x_of(day, weeks, xs), percent) for day, percent in national]),
    ]
    shown = [float(v) for _, _, points in lines for _, v in points if v is not None]
    low, high, ticks = _scale(shown)

    def y(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    drawn: list[dict[str, Any]] = []
    for kind, words, points in lines:
        there = [(x, float(v)) for x, v in points if v is not None]
        if there:
            label = words if kind == "week" else f"{words} {there[-1][1]:.1f}%"
            drawn.append({"kind": kind, "label": label, "points": [(x, y(v)) for x, v in there]})
    _apart(drawn)
    return (
        _environment()
        .get_template("trend.svg.j2")
        .render(
            width=WIDTH,
            height=HEIGHT,
            left=LEFT,
            right=WIDTH - RIGHT,
            top=TOP,
            bottom=HEIGHT - BOTTOM,
            name=name,
            desc=desc,
            ticks=[(y(t), f"{t}%") for t in ticks],
            spans=spans,
            lines=drawn,
        )
    )


def _weeks_across(weeks: Sequence[TrendWeek]) -> tuple[list[float], list[dict[str, Any]]]:
    """Where each week lies, and each half-term's name and edges; holidays take a little room, however long they are."""
    at, positions = 0.0, []
    for i, week in enumerate(weeks):
        if i:
            at += 1 if week.half_term == weeks[i - 1].half_term else 1 + _BREAK
        positions.append(at)
    unit = (WIDTH - RIGHT - LEFT) / (at + 1) if weeks else 0.0
    xs = [round(LEFT + (p + 0.5) * unit, 1) for p in positions]
    spans: list[dict[str, Any]] = []
    for x, week in zip(xs, weeks, strict=True):
        if not spans or spans[-1]["name"] != week.half_term:
            spans.append({"name": week.half_term, "from": round(x - unit / 2, 1)})
        spans[-1]["to"] = round(x + unit / 2, 1)
    _name(spans)
    return xs, spans


def _name(spans: list[dict[str, Any]]) -> None:
    """Half-terms by name; all shortened (`Spr 1`) where one has no room, and left out where even that has none."""

    def fits(words: str, span: dict[str, Any]) -> bool:
        return len(words) * _CHARACTER <= span["to"] - span["from"]

    whole = all(fits(span["name"], span) for span in spans)
    for span in spans:
        words = span["name"] if whole else " ".join(word[:3] for word in span["name"].split())
        span["words"] = words if fits(words, span) else ""


def _x_of(day: dt.date, weeks: Sequence[TrendWeek], xs: Sequence[float]) -> float:
    """The week of a day, or the last one before it."""
    return next(
        (x for x, w in zip(reversed(xs), reversed(weeks), strict=True) if w.first <= day), xs[0] if xs else LEFT
    )


def _scale(values: Sequence[float]) -> tuple[float, float, list[int]]:
    """Lowest and highest percentage drawn, and the grid lines between. The scale does not begin at 0."""
    low = math.floor(min(values, default=96) - 0.3)
    high = min(math.ceil(max(values, default=97) + 0.3), 100)
    while high - low < _LEAST_SPAN:
        low, high = low - 1, min(high + 1, 100)
    low = max(low, 0)
    step = next((s for s in _STEPS if (high - low) / s <= _MOST_GRID_LINES), _STEPS[-1])
    first = math.ceil(low / step) * step
    return low, high, list(range(first, int(high) + 1, step))


def _apart(lines: list[dict[str, Any]]) -> None:
    """Names of lines at their ends, moved apart where they would lie on one another."""
    ordered = sorted(lines, key=lambda line: line["points"][-1][1])
    floor = TOP + 4.0
    for line in ordered:
        line["label_y"] = max(line["points"][-1][1] + 3.5, floor)
        floor = line["label_y"] + _LABEL_APART
    ceiling = HEIGHT - BOTTOM + 0.0
    for line in reversed(ordered):
        line["label_y"] = round(min(line["label_y"], ceiling), 1)
        ceiling = line["label_y"] - _LABEL_APART


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("attendance_pipeline.reports", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(template: str, data: Mapping[str, Any]) -> str:
    """A page of HTML from the reports' own templates; every value is escaped."""
    return _environment().get_template(template).render(data)
