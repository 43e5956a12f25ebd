"""Charts as SVG drawings, made by Vega-Lite (through vl-convert, without a browser) in the look of `look.py`.

Belongs here: the few kinds of chart that reports have, each a function from figures already counted (and already
hidden, where something must be) to a drawing; and the pages of HTML that hold them. Not here: figures, and the
geometry of marks, which is the library's. The same figures give the same bytes.

A drawing is text of some ten kilobytes with a title and a description for who cannot see it, with shipped type, and
without anything that is fetched. It goes as it is into HTML and into a PDF (Typst); `as_markdown` puts it into
Dagster's metadata. The first chart of a process takes about a second, each other about a tenth: a page of a thousand
small drawings, such as a line a pupil, draws them itself, with the colours of `look.py`.
"""

from __future__ import annotations

import base64
import datetime as dt
import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import jinja2

from attendance_pipeline.letters.language import SHIPPED
from attendance_pipeline.reports import look

WIDTH, HEIGHT = 430, 172
_BREAK = 0.7  # room between half-terms, in weeks
_LABEL_APART = 13.5  # units between the names of two lines
_CHARACTER = 6.2  # units across, of bold type
_LEAST_SPAN = 4  # percentage points: a calm year must not look like a storm
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_GRID_LINES = 6
_SIZE = 10.5  # of type

Number = float | int | Decimal


@dataclass(frozen=True)
class Line:
    """One line of a chart: its points from left to right (None: no figure), and its name, which stands at its end.

    `style`: a key of `look.LINES`. `dots`: points alone, without the line between them.
    """

    name: str
    points: Sequence[tuple[float, Number | None]]
    style: str = "school"
    dots: bool = False


@dataclass(frozen=True)
class Band:
    """A stretch of the x axis with a name, such as a half-term; `now` is the one that is reported."""

    name: str
    first: float
    last: float
    now: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its length (None: there is none), and what stands at its end (`5.1%`, `c`).

    `style`: a key of `look.BARS`, or a colour.
    """

    name: str
    value: Number | None
    label: str
    style: str = "plain"


@dataclass(frozen=True)
class Step:
    """Two values of one thing, before and after, joined by an arrow; None: not shown."""

    name: str
    before: Number | None
    after: Number | None
    label: str
    own: bool = False


@dataclass(frozen=True)
class Interval:
    """A difference with its interval."""

    name: str
    value: Number
    low: Number
    high: Number
    label: str


@dataclass(frozen=True)
class Stack:
    """One column of parts, from the bottom to the top."""

    name: str
    parts: Sequence[Number]


@dataclass(frozen=True)
class TrendWeek:
    """One school week: attendance of the week and of the year up to its end, in percent; None when there is none."""

    first: dt.date
    half_term: str
    week: Decimal | None
    year: Decimal | None


# ---------------------------------------------------------------- lines


def line_chart(
    lines: Sequence[Line],
    *,
    name: str,
    desc: str,
    bands: Sequence[Band] = (),
    rules: Sequence[tuple[Number, str]] = (),
    span: tuple[Number, Number] | None = None,
    unit: str = "%",
    width: int = WIDTH,
    height: int = HEIGHT,
    room_for_names: int = 112,
) -> str:
    """Lines over a common axis, each with its name at its end. `rules`: thresholds, a level with its words.

    `span`: lowest and highest value of the scale; by default what the figures need. x is in units of the bands.
    """
    drawn = [(line, [(float(x), float(v)) for x, v in line.points if v is not None]) for line in lines]
    drawn = [(line, points) for line, points in drawn if points]
    longest = max((len(line.name) for line, _ in drawn), default=0)
    left, right, top, bottom = 34, max(room_for_names, math.ceil(longest * _CHARACTER) + 12), 6, 22 if bands else 8
    values = [v for _, points in drawn for _, v in points] + [float(v) for v, _ in rules]
    low, high, ticks = _scale(values) if span is None else _between(float(span[0]), float(span[1]))
    xs = [x for _, points in drawn for x, _ in points] + [x for b in bands for x in (b.first, b.last)]
    x_first, x_last = (min(xs), max(xs)) if xs else (0.0, 1.0)
    plot = (width - left - right, height - top - bottom)
    x = {"field": "x", "type": "quantitative", "scale": {"domain": [x_first, x_last], "nice": False}, "axis": None}
    y = {"field": "y", "type": "quantitative", "axis": None,
         "scale": {"domain": [low, high], "nice": False, "zero": False}}  # fmt: skip
    layers: list[dict[str, Any]] = []
    for band in bands:
        fill = look.BAND_NOW if band.now else look.BAND
        layers.append(
            _layer([{"x": band.first, "x2": band.last}], {"type": "rect", "color": fill}, x=x, x2={"field": "x2"})
        )
    layers += _grid(ticks, unit)
    for level, words in rules:
        style = look.LINES["threshold"]
        layers.append(_layer([{"y": float(level)}], _stroke("rule", style), y=y))
        layers.append(
            _layer(
                [{"y": float(level), "t": words}],
                {"type": "text", "align": "left", "x": 4, "dy": -6, "color": style.text, "fontSize": _SIZE - 1},
                y=y,
                text={"field": "t"},
            )
        )
    for line, points in drawn:
        style = look.LINES[line.style]
        data = [{"x": px, "y": v} for px, v in points]
        if line.dots:
            layers.append(
                _layer(
                    data,
                    {
                        "type": "point",
                        "filled": True,
                        "size": 22,
                        "color": "#ffffff",
                        "opacity": 1,
                        "stroke": look.BARS["plain"],
                        "strokeWidth": 1.2,
                    },
                    x=x,
                    y=y,
                )
            )
            continue
        layers.append(_layer(data, {**_stroke("line", style), "strokeJoin": "round", "strokeCap": "butt"}, x=x, y=y))
        if line.style == "school":
            layers.append(
                _layer(
                    data[-1:],
                    {"type": "point", "filled": True, "size": 34, "opacity": 1, "color": style.colour},
                    x=x,
                    y=y,
                )
            )
    ends = [plot[1] * (high - points[-1][1]) / (high - low) for _, points in drawn]
    for (line, _), at in zip(drawn, _apart(ends, 4.0, plot[1]), strict=True):
        own = look.LINES[line.style]
        layers.append(
            _words(
                line.name,
                plot[0] + 7,
                at,
                align="left",
                bold=line.style == "school" and not line.dots,
                colour=look.SOFT if line.dots else own.text,
            )
        )
    layers += _band_names(bands, x_first, x_last, plot)
    return _drawing(layers, plot, (left, top, right, bottom), name=name, desc=desc, scales={"x": x, "y": y})


def trend_chart(
    weeks: Sequence[TrendWeek],
    published: Sequence[tuple[str, str, Sequence[tuple[dt.date, Decimal]]]] = (),
    *,
    name: str,
    desc: str,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    """Attendance by school week, the year to date, and published years to date at the same point.

    `published`: (a key of `look.LINES`, name, (last day counted, percent) by release).
    """
    xs, bands = _weeks_across(weeks)
    lines = [Line("Each week", [(x, w.week) for x, w in zip(xs, weeks, strict=True)], dots=True)]
    for style, words, points in published:
        there = [(_x_of(day, weeks, xs), percent) for day, percent in points]
        if there:
            lines.append(Line(f"{words} {there[-1][1]:.1f}%", there, style))
    year = [(x, w.year) for x, w in zip(xs, weeks, strict=True)]
    if newest := [v for _, v in year if v is not None]:
        lines.append(Line(f"Year to date {newest[-1]:.1f}%", year))
    return line_chart(lines, name=name, desc=desc, bands=bands, width=width, height=height, room_for_names=112)


# ---------------------------------------------------------------- bars


def bar_chart(
    bars: Sequence[Bar],
    *,
    name: str,
    desc: str,
    width: int = WIDTH,
    row: float = 17,
    room_for_names: int = 130,
    rule: tuple[Number, str] | None = None,
    most: Number | None = None,
) -> str:
    """Bars that lie, one under another in the order given, each with its name before and its figure behind.

    The scale begins at 0. `rule`: a level that all are compared with. `most`: the end of the scale.
    """
    left, right, top, bottom = room_for_names, 46, 4 if rule is None else 16, 4
    values = [float(b.value) for b in bars if b.value is not None] + ([float(rule[0])] if rule else [])
    high = float(most) if most is not None else max([*values, 1e-9]) * 1.02
    plot = (width - left - right, math.ceil(row * len(bars)))
    layers: list[dict[str, Any]] = []
    for i, bar in enumerate(bars):
        middle = (i + 0.5) * row
        length = 0.0 if bar.value is None else max(float(bar.value), 0.0) / high * plot[0]
        if length:
            mark = {"type": "rect", "color": look.BARS.get(bar.style, bar.style)}
            layers.append(
                _layer([{}], {**mark, "x": 0, "x2": length, "y": middle - row * 0.3, "y2": middle + row * 0.3})
            )
        strong = bar.style == "school"
        layers.append(
            _words(bar.name, -6, middle, align="right", bold=strong, colour=look.DEEP if strong else look.INK)
        )
        # Beside a rule that they are compared with, figures stand in a column, where the rule does not cross them.
        end = length + 5 if rule is None else plot[0] + 6
        layers.append(_words(bar.label, end, middle, align="left", bold=strong, colour=look.INK))
    layers.append(_rule(0, 0, 0, plot[1], look.LINE, 1))
    if rule is not None:
        at = float(rule[0]) / high * plot[0]
        style = look.LINES["threshold"]
        layers.append(_rule(at, -2, at, plot[1], style.colour, style.width, style.dash))
        layers.append(_words(rule[1], at, -9, align="center", colour=look.SOFT, size=_SIZE - 1))
    return _drawing(layers, plot, (left, top, right, bottom), name=name, desc=desc)


def stacked_chart(
    columns: Sequence[Stack],
    parts: Sequence[tuple[str, str]],
    *,
    name: str,
    desc: str,
    width: int = WIDTH,
    height: int = HEIGHT,
    room_for_names: int = 96,
    most: Number = 1,
) -> str:
    """Columns of parts, side by side, such as pupils by stage week by week. `parts`: (name, colour) from the bottom.
    `most`: what the scale reaches at least, where several charts are to be compared.

    The names of the parts stand right, in the order in which the parts lie on one another.
    """
    left, right, top, bottom = 34, room_for_names, 6, 22
    sums = [sum(float(p) for p in column.parts) for column in columns]
    low, high, ticks = _between(0.0, max([*sums, float(most), 1.0]))
    plot = (width - left - right, height - top - bottom)
    unit = plot[0] / max(len(columns), 1)
    layers = _grid(ticks, "")
    for i, column in enumerate(columns):
        below = 0.0
        for value, (_, colour) in zip(column.parts, parts, strict=True):
            if not value:
                continue
            y, y2 = (plot[1] * (1 - v / high) for v in (below, below + float(value)))
            mark = {"type": "rect", "color": colour, "stroke": look.LINE, "strokeWidth": 0.5}
            layers.append(_layer([{}], {**mark, "x": (i + 0.12) * unit, "x2": (i + 0.88) * unit, "y": y, "y2": y2}))
            below += float(value)
    every = max(1, math.ceil(max((len(c.name) for c in columns), default=1) * _CHARACTER / max(unit, 1)))
    for i, column in enumerate(columns):
        if i % every == 0:
            layers.append(_words(column.name, (i + 0.5) * unit, plot[1] + 12, align="center", colour=look.SOFT))
    for i, (words, colour) in enumerate(reversed(parts)):
        at = 8 + i * 16
        mark = {"type": "rect", "color": colour, "stroke": look.LINE, "strokeWidth": 0.5}
        layers.append(_layer([{}], {**mark, "x": plot[0] + 8, "x2": plot[0] + 18, "y": at - 5, "y2": at + 5}))
        layers.append(_words(words, plot[0] + 23, at, align="left", colour=look.INK))
    scale = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [low, high], "nice": False}}
    return _drawing(layers, plot, (left, top, right, bottom), name=name, desc=desc, scales={"y": scale})


# ---------------------------------------------------------------- before and after, and differences


def step_chart(
    steps: Sequence[Step],
    *,
    name: str,
    desc: str,
    width: int = WIDTH,
    row: float = 19,
    room_for_names: int = 130,
    unit: str = "%",
    signed: bool = False,
) -> str:
    """Before and after, one thing a row: an open dot, an arrow, a full dot. The scale does not begin at 0.

    `signed`: the values are differences, and their scale has signs.
    """
    left, right, top, bottom = room_for_names, 66, 4, 20
    values = [float(v) for s in steps for v in (s.before, s.after) if v is not None]
    if signed:
        low, high, ticks = _between(math.floor(min([*values, -1.0])), math.ceil(max([*values, 1.0])))
    else:
        low, high, ticks = _scale(values)
    plot = (width - left - right, math.ceil(row * len(steps)))

    def across(value: Number) -> float:
        return (float(value) - low) / (high - low) * plot[0]

    layers: list[dict[str, Any]] = []
    for tick in ticks:
        at = across(tick)
        layers.append(_rule(at, 0, at, plot[1], look.GRID, 0.7))
        words = _signed(tick) if signed else f"{tick}{unit}"
        layers.append(_words(words, at, plot[1] + 11, align="center", colour=look.SOFT))
    for i, step in enumerate(steps):
        middle = (i + 0.5) * row
        layers.append(
            _words(step.name, -6, middle, align="right", bold=step.own, colour=look.DEEP if step.own else look.INK)
        )
        layers.append(_words(step.label, plot[0] + 8, middle, align="left", bold=step.own, colour=look.INK))
        if step.before is None or step.after is None:
            continue
        x, x2 = across(step.before), across(step.after)
        colour = look.DEEP if step.own else look.BARS["plain"]
        if abs(x2 - x) > 8:
            layers.append(_rule(x, middle, x2, middle, colour, 1.6))
        dot = {"type": "point", "y": middle, "opacity": 1, "filled": True, "stroke": colour, "strokeWidth": 1.3}
        layers.append(_layer([{}], {**dot, "x": x, "color": look.PAPER, "size": 30}))
        layers.append(_layer([{}], {**dot, "x": x2, "color": colour, "size": 46}))
    return _drawing(layers, plot, (left, top, right, bottom), name=name, desc=desc)


def interval_chart(
    rows: Sequence[Interval], *, name: str, desc: str, width: int = WIDTH, row: float = 22, room_for_names: int = 130
) -> str:
    """Differences in percentage points with their intervals, beside a line at no difference."""
    longest = max((len(one.label) for one in rows), default=0)
    left, right, top, bottom = room_for_names, math.ceil(longest * _CHARACTER) + 14, 6, 20
    values = [float(v) for r in rows for v in (r.low, r.high)] + [-1.0, 1.0]
    low, high, ticks = _between(math.floor(min(values)), math.ceil(max(values)))
    plot = (width - left - right, math.ceil(row * len(rows)))

    def across(value: Number) -> float:
        return (float(value) - low) / (high - low) * plot[0]

    layers: list[dict[str, Any]] = []
    for tick in ticks:
        at, none = across(tick), tick == 0
        layers.append(_rule(at, 0, at, plot[1], look.SOFT if none else look.GRID, 1.2 if none else 0.7))
        layers.append(_words(_signed(tick), at, plot[1] + 11, align="center", colour=look.SOFT))
    for i, one in enumerate(rows):
        middle = (i + 0.5) * row
        layers.append(_words(one.name, -6, middle, align="right", colour=look.INK))
        layers.append(_words(one.label, plot[0] + 8, middle, align="left", colour=look.INK))
        layers.append(_rule(across(one.low), middle, across(one.high), middle, look.DEEP, 2))
        for end in (one.low, one.high):
            layers.append(_rule(across(end), middle - 4, across(end), middle + 4, look.DEEP, 2))
        layers.append(
            _layer(
                [{}],
                {
                    "type": "point",
                    "filled": True,
                    "opacity": 1,
                    "color": look.DEEP,
                    "size": 52,
                    "x": across(one.value),
                    "y": middle,
                },
            )
        )
    return _drawing(layers, plot, (left, top, right, bottom), name=name, desc=desc)


# ---------------------------------------------------------------- where a chart goes


def as_markdown(svg: str) -> str:
    """The chart as an image in Markdown that carries it: for the metadata of Dagster's UI."""
    title = re.search(r"<title>(.*?)</title>", svg, re.DOTALL)
    words = re.sub(r"[\[\]\n]", " ", html.unescape(title.group(1))) if title else "Chart"
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def render_page(template: str, data: Mapping[str, Any]) -> str:
    """A page of HTML from the reports' own templates; every value is escaped."""
    return _environment().get_template(template).render(data)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("attendance_pipeline.reports", "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


# ---------------------------------------------------------------- the school year across


def _weeks_across(weeks: Sequence[TrendWeek]) -> tuple[list[float], list[Band]]:
    """Where each week lies, and each half-term as a band; holidays take a little room, however long they are."""
    at, xs = 0.0, []
    for i, week in enumerate(weeks):
        if i:
            at += 1 if week.half_term == weeks[i - 1].half_term else 1 + _BREAK
        xs.append(at)
    spans: list[tuple[str, float, float]] = []
    for x, week in zip(xs, weeks, strict=True):
        first = spans.pop()[1] if spans and spans[-1][0] == week.half_term else x - 0.5
        spans.append((week.half_term, first, x + 0.5))
    return xs, [Band(name, first, last, now=i == len(spans) - 1) for i, (name, first, last) in enumerate(spans)]


def _band_names(bands: Sequence[Band], first: float, last: float, plot: tuple[int, int]) -> list[dict[str, Any]]:
    """Bands by name; all shortened (`Spr 1`) where one has no room, and left out where even that has none."""
    unit = plot[0] / max(last - first, 1e-9)

    def fits(words: str, band: Band) -> bool:
        return len(words) * _CHARACTER <= (band.last - band.first) * unit

    whole = all(fits(band.name, band) for band in bands)
    out = []
    for band in bands:
        words = band.name if whole else " ".join(word[:3] for word in band.name.split())
        if fits(words, band):
            middle = ((band.first + band.last) / 2 - first) * unit
            colour = look.DEEP if band.now else look.SOFT
            out.append(_words(words, middle, plot[1] + 12, align="center", bold=band.now, colour=colour))
    return out


def _x_of(day: dt.date, weeks: Sequence[TrendWeek], xs: Sequence[float]) -> float:
    """The week of a day, or the last one before it."""
    return next((x for x, w in zip(reversed(xs), reversed(weeks), strict=True) if w.first <= day), xs[0] if xs else 0.0)


# ---------------------------------------------------------------- scales and words


def _scale(values: Sequence[float]) -> tuple[float, float, list[int]]:
    """Lowest and highest percentage drawn, and the grid lines between. The scale does not begin at 0."""
    low = math.floor(min(values, default=96) - 0.3)
    high = min(math.ceil(max(values, default=97) + 0.3), 100)
    while high - low < _LEAST_SPAN:
        low, high = low - 1, min(high + 1, 100)
    return _between(max(low, 0), high)


def _between(low: float, high: float) -> tuple[float, float, list[int]]:
    step = next((s for s in _STEPS if (high - low) / s <= _MOST_GRID_LINES), _STEPS[-1])
    first = math.ceil(low / step) * step
    return low, high, list(range(first, math.floor(high) + 1, step))


def _signed(tick: int) -> str:
    return f"{'+' if tick > 0 else '–' if tick < 0 else ''}{abs(tick)}"


def _apart(ends: Sequence[float], first: float, last: float) -> list[float]:
    """Heights of names at the ends of lines, moved apart where they would lie on one another."""
    order = sorted(range(len(ends)), key=lambda i: ends[i])
    out, floor = list(ends), first
    for i in order:
        out[i] = max(ends[i], floor)
        floor = out[i] + _LABEL_APART
    ceiling = last
    for i in reversed(order):
        out[i] = min(out[i], ceiling)
        ceiling = out[i] - _LABEL_APART
    return out


# ---------------------------------------------------------------- Vega-Lite


def _layer(data: Sequence[Mapping[str, Any]], mark: Mapping[str, Any], **encoding: Any) -> dict[str, Any]:
    return {"data": {"values": list(data)}, "mark": {"aria": False, **mark}, "encoding": encoding}


def _words(
    words: str, x: float, y: float, *, align: str, colour: str, bold: bool = False, size: float = _SIZE
) -> dict[str, Any]:
    mark = {"type": "text", "text": words, "x": round(x, 1), "y": round(y, 1), "align": align, "baseline": "middle",
            "color": colour, "fontSize": size, "fontWeight": "bold" if bold else "normal", "clip": False}  # fmt: skip
    return _layer([{}], mark)


def _rule(
    x: float, y: float, x2: float, y2: float, colour: str, width: float, dash: Sequence[float] = ()
) -> dict[str, Any]:
    """A straight line from one place of the plot to another."""
    places = {name: {"value": round(v, 2)} for name, v in (("x", x), ("y", y), ("x2", x2), ("y2", y2))}
    mark = {"type": "rule", "color": colour, "strokeWidth": width, **({"strokeDash": list(dash)} if dash else {})}
    return _layer([{}], mark, **places)


def _stroke(kind: str, style: look.LineStyle) -> dict[str, Any]:
    dash = {"strokeDash": list(style.dash)} if style.dash else {}
    return {"type": kind, "color": style.colour, "strokeWidth": style.width, **dash}


def _grid(ticks: Sequence[int], unit: str) -> list[dict[str, Any]]:
    y = {"field": "y", "type": "quantitative"}
    values = [{"y": t, "t": f"{t:,}{unit}"} for t in ticks]
    text = {"type": "text", "align": "right", "x": -5, "baseline": "middle", "color": look.SOFT, "fontSize": _SIZE}
    return [
        _layer(values, {"type": "rule", "color": look.GRID, "strokeWidth": 0.7}, y=y),
        _layer(values, text, y=y, text={"field": "t"}),
    ]


def _drawing(
    layers: Sequence[dict[str, Any]],
    plot: tuple[int, int],
    room: tuple[int, int, int, int],
    *,
    name: str,
    desc: str,
    scales: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """The drawing. Raises ValueError when the library refuses the description of the chart."""
    left, top, right, bottom = room
    for layer in layers:
        for channel, of in (scales or {}).items():
            if channel in layer["encoding"]:
                layer["encoding"][channel] = {**layer["encoding"][channel], **of}
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",  # its name; nothing is fetched
        "width": plot[0],
        "height": plot[1],
        "autosize": {"type": "none"},
        "padding": {"left": left, "top": top, "right": right, "bottom": bottom},
        "background": None,
        "config": {"font": look.FONT, "view": {"stroke": None}, "text": {"font": look.FONT}},
        "layer": list(layers),
    }
    svg = _library().vegalite_to_svg(spec, allowed_base_urls=[])
    size = (plot[0] + left + right, plot[1] + top + bottom)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" role="img">'
        f"<title>{html.escape(name)}</title><desc>{html.escape(desc)}</desc>"
    )
    drawn, found = re.subn(r"^<svg\b[^>]*>", lambda _: head, svg.strip(), count=1)
    if not found:
        raise ValueError("the chart library gave no SVG drawing")
    # Names of roles that only a live chart needs; and type that a machine without the shipped font can replace.
    drawn = re.sub(r' (?:aria-[a-z]+|class|role)="[^"]*"', "", drawn.removeprefix(head))
    drawn = re.sub(r'font-family="[^"]*"', f'font-family="{look.FONTS}"', drawn)
    return head + drawn


@cache
def _library() -> Any:
    """vl-convert with the shipped type, by which it measures words."""
    import vl_convert

    vl_convert.register_font_directory(str(SHIPPED / "fonts"))
    return vl_convert
