"""Charts: the same bytes for the same figures, nothing fetched, words for who cannot see, and a look that survives grey."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path

import pytest

from attendance_pipeline.letters.language import SHIPPED
from attendance_pipeline.reports import charts, look
from attendance_pipeline.reports.charts import Bar, Interval, Line, Stack, Step, TrendWeek

WEEKS = [
    TrendWeek(dt.date(2025, 9, 1) + dt.timedelta(weeks=w), "Autumn 1", Decimal("94.1"), Decimal(95) - w)
    for w in range(5)
]
RELEASED = [(dt.date(2025, 9, 12), Decimal("95.2")), (dt.date(2025, 9, 26), Decimal("94.9"))]
WORDS = {"name": 'Rates & "names" <b>', "desc": "What it shows"}
DRAWN = {
    "trend": lambda: charts.trend_chart(WEEKS, [("national", "England", RELEASED)], **WORDS),
    "line": lambda: charts.line_chart([Line("A pupil", [(0, 90), (1, None), (2, 84)])], rules=[(85, "85%")], **WORDS),
    "bars": lambda: charts.bar_chart([Bar("Illness", 3, "3.0%"), Bar("Other", None, "c")], rule=(2, "All"), **WORDS),
    "columns": lambda: charts.stacked_chart([Stack("1 Sep", [3, 0, 1])], [("a", "#fff"), ("b", "#ccc"), ("c", "#000")], **WORDS),
    "steps": lambda: charts.step_chart([Step("Ash", 93, 95, "+2.0"), Step("Elm", None, None, "c")], **WORDS),
    "intervals": lambda: charts.interval_chart([Interval("Stage 1", 1.4, -0.3, 2.5, "+1.4")], **WORDS),
}  # fmt: skip
ALL = pytest.mark.parametrize("kind", DRAWN)


@ALL
def test_a_drawing_is_the_same_each_time_whole_and_fetches_nothing(kind: str) -> None:
    svg = DRAWN[kind]()
    assert svg == DRAWN[kind]()
    drawing = ET.fromstring(svg)
    assert drawing.get("role") == "img" and re.fullmatch(r"0 0 \d+ \d+", drawing.get("viewBox") or "")
    assert [e.text for e in drawing if e.tag.endswith(("}title", "}desc"))] == list(WORDS.values())
    assert not re.search(
        r'href|url\(|<script|<image|NaN|="http(?!://www\.w3\.org)', svg.replace(' xmlns="http', " xmlns")
    )
    assert set(re.findall(r'font-family="([^"]*)"', svg)) == {look.FONTS}


@ALL
def test_no_charts_words_lie_outside_its_box(kind: str) -> None:
    drawing = ET.fromstring(DRAWN[kind]())
    width, height = (float(x) for x in (drawing.get("viewBox") or "").split()[2:])
    shift = [float(x) for x in re.findall(r"translate\(([\d.]+),([\d.]+)\)", ET.tostring(drawing[2]).decode())[0]]
    for word in (e for e in drawing.iter() if e.tag.endswith("}text") and e.text):
        x, y = (float(v) for v in re.findall(r"translate\((-?[\d.]+),(-?[\d.]+)\)", word.get("transform") or "")[0])
        long = len(word.text or "") * 5.4
        left = {"end": -long, "middle": -long / 2}.get(word.get("text-anchor") or "", 0)
        assert x + shift[0] + left >= -2 and x + shift[0] + left + long <= width + 6, word.text
        assert 0 <= y + shift[1] <= height, word.text


def test_hidden_values_are_not_drawn() -> None:
    bars = charts.bar_chart([Bar("Year 1", None, "c"), Bar("Year 2", 4, "4.0%")], **WORDS)
    assert bars.count(look.BARS["plain"]) == 1


def test_dagsters_metadata_carries_the_chart_itself() -> None:
    words = charts.as_markdown(DRAWN["bars"]())
    assert words.startswith("![Rates & ") and "](data:image/svg+xml;base64," in words and "\n" not in words


# ---------------------------------------------------------------- the look


def lightness(colour: str) -> float:
    """CIE L*, from 0 for black to 100 for white."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def contrast(one: str, other: str) -> float:
    luminance = [((lightness(c) + 16) / 116) ** 3 for c in (one, other)]
    return (max(luminance) + 0.05) / (min(luminance) + 0.05)


def test_stages_and_bars_are_apart_in_grey() -> None:
    for one, other in itertools.pairwise(look.STAGES):
        assert lightness(one) - lightness(other) > 6
    assert all(contrast(on, of) >= 4.5 for on, of in zip(look.ON_STAGES, look.STAGES, strict=True))
    assert all(contrast(ink, paper) >= 4.5 for paper, ink in look.SESSIONS.values())


def test_lines_differ_without_their_colour_and_their_names_can_be_read() -> None:
    assert len({(style.dash, style.width) for style in look.LINES.values()}) == len(look.LINES)
    assert all(contrast(style.colour, look.PAPER) >= 3 for style in look.LINES.values())
    assert all(contrast(style.text, look.PAPER) >= 4.5 for style in look.LINES.values())


def test_letters_and_reports_have_one_look() -> None:
    layout = Path(str(SHIPPED / "layout" / "common.typ")).read_text(encoding="utf-8")
    told = dict(re.findall(r'#let (ink|deep|soft|line-colour|tint) = rgb\("(#\w{6})"\)', layout))
    assert told == {"ink": look.INK, "deep": look.DEEP, "soft": look.SOFT, "line-colour": look.LINE, "tint": look.TINT}
