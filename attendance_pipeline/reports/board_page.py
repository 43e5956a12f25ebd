"""A page of the board as one file: data, words, style and script together, and nothing fetched.

Belongs here: putting the parts of `templates/board/` and the data of one page into one file that opens from a folder,
and what the browser is told it may do with it. Not here: what the data is (`board.py`), how the page looks and behaves.

Nothing that a person wrote is ever HTML or script here. The data stands in an element that is not run, with `<`, `>`
and `&` written so that no name can end it; the script puts values on the page as text alone, and the page's
Content-Security-Policy refuses every other script, every request, and every text that is to become HTML.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from attendance_pipeline.reports import look
from attendance_pipeline.reports.charts import render_page

# In the order in which they need one another.
SCRIPTS = (
    "dom.js",
    "data.js",
    "tables.js",
    "charts.js",
    "today.js",
    "ladder.js",
    "pupils.js",
    "proof.js",
    "pupil.js",
    "main.js",
)
STYLES = ("board.css",)
_UNSAFE = "<>&\u2028\u2029"


def page_bytes(data: Mapping[str, Any]) -> bytes:
    """The page that shows this data: `board.board_data`."""
    script, style = board_script(), board_style()
    return render_page(
        "board/index.html.j2",
        {
            "title": f"{data['ofClass'] or 'Attendance board'}: {data['school']}",
            "policy": content_policy(script, style),
            "style": style,
            "script": script,
            "data": as_json(data),
        },
    ).encode()


def as_json(data: Any) -> str:
    """JSON that may stand inside an element of a page: no `<`, `>` or `&` in it, whatever a name holds."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in _UNSAFE:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def content_policy(script: str, style: str) -> str:
    """What the browser may do: run this script, use this style, and make HTML of no text."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def board_script() -> str:
    """The parts of the script as one function, so that they share names with nobody else."""
    parts = "\n".join(_part(name) for name in SCRIPTS)
    return f'"use strict";\n(function () {{\n{parts}\n}})();\n'


@cache
def board_style() -> str:
    """The style, with the colours of `look.py` as its properties."""
    colours = {
        **{"ink": look.INK, "deep": look.DEEP, "soft": look.SOFT, "line": look.LINE, "grid": look.GRID},
        **{"tint": look.TINT, "paper": look.PAPER, "band": look.BAND, "band-now": look.BAND_NOW},
        **{f"stage-{i}": colour for i, colour in enumerate(look.STAGES)},
        **{f"on-stage-{i}": colour for i, colour in enumerate(look.ON_STAGES)},
        **{f"{name.replace('_', '-')}": fill for name, (fill, _) in look.SESSIONS.items()},
        **{f"on-{name.replace('_', '-')}": words for name, (_, words) in look.SESSIONS.items()},
        **{f"bar-{name}": colour for name, colour in look.BARS.items()},
        **{f"line-{name}": style.colour for name, style in look.LINES.items()},
        **{f"text-{name}": style.text for name, style in look.LINES.items()},
    }
    root = "".join(f"--{name}:{colour};" for name, colour in colours.items())
    return f":root{{{root}--font:{look.FONTS};}}\n" + "\n".join(_part(name) for name in STYLES)


@cache
def _part(name: str) -> str:
    return (files("attendance_pipeline.reports") / "templates" / "board" / name).read_text(encoding="utf-8")
