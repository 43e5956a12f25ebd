"""How reports look: colours, type and line styles, the same in PDF, HTML, the board and Dagster's UI.

Belongs here: constants, and nothing that counts or draws. The letters' own are in `letter_templates/layout/common.typ`,
which this repeats (a test compares them).

Every colour was chosen with its lightness: the four lines of a chart and the five stages are apart in greyscale, and in
the three common kinds of colour blindness. Colour is never alone: lines differ in dash and weight and bear their name,
bars bear their figure, a mark on a calendar bears its code.
"""

from __future__ import annotations

from dataclasses import dataclass

INK = "#1b1f24"  # words
DEEP = "#1d3b5c"  # headings; the school itself in every chart
SOFT = "#4d5866"  # small print: 7:1 on white
LINE = "#8794a3"  # rules and borders
GRID = "#d5dbe2"
TINT = "#eef3f8"  # boxes and table heads
PAPER = "#ffffff"
BAND = "#f4f7fa"  # a half-term behind a chart
BAND_NOW = "#dfe9f3"  # the half-term that is reported

FONT = "Noto Sans"  # shipped in letter_templates/fonts; a page without it takes what looks alike
FONTS = "'Noto Sans', 'Segoe UI', Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class LineStyle:
    """`dash`: lengths on and off; () is a whole line. `text`: the colour of its name, 4.5:1 or more on white."""

    colour: str
    text: str
    dash: tuple[float, ...] = ()
    width: float = 1.6


LINES = {
    "school": LineStyle(DEEP, DEEP, width=2.6),
    "national": LineStyle("#b4531a", "#a0480f", (6, 3)),
    "region": LineStyle("#2f8580", "#1f6f6a", (1.5, 2.5), 2.0),
    "local": LineStyle("#9a5fa0", "#844a8a", (8, 2.5, 1.5, 2.5)),
    "threshold": LineStyle(SOFT, SOFT, (2, 3), 1.0),
}
# Bars, from dark to light; what stands beside one another here may stand beside one another in a chart.
BARS = {
    "school": DEEP,
    "plain": "#5d7fa5",
    "published": "#c98a5e",
    "light": "#b9cbe0",
}
# Stages 0 to 4: the higher, the darker; and the colour of words upon it.
STAGES = ("#f1f5f9", "#cfe0f0", "#8db4d9", "#4477ad", "#1d3b5c")
ON_STAGES = (INK, INK, INK, PAPER, PAPER)
# A session on a calendar, by what it counts for; the letter of its code stands in it.
SESSIONS = {
    "attended": ("#edf3f8", SOFT),
    "late": ("#f3d9a4", INK),
    "authorised": ("#8db4d9", INK),
    "unauthorised": ("#8f3d0c", PAPER),
    "not_possible": ("#ffffff", SOFT),
    "missing": ("#ffffff", "#8f3d0c"),
}
