"""Reports as PDF, through the one module that knows how (`letters/pdf.py`).

Belongs here: what a report needs besides its figures so that it can be printed whatever a pupil is called. Not here:
figures, words, and the look of a page (`letter_templates/layout`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any

from attendance_pipeline.letters.fonts import FontSet
from attendance_pipeline.letters.language import SHIPPED, load_language
from attendance_pipeline.letters.pdf import render_document

UNPRINTABLE = "?"
_NEVER_PRINTED = ("svg", "layout")


def as_pdf(data: Mapping[str, Any], *, title: str, day: dt.date, layout_file: str = "report.typ") -> bytes:
    """A report as a tagged PDF. `data`: what the layout reads, all values formatted.

    A character that no shipped font has becomes `?`: one name in another script must not keep a list from its teacher.
    """
    return render_document(_printable(data), layout_file=layout_file, title=_printable(title), date=day)


@cache
def _fonts() -> tuple[FontSet, tuple[str, ...]]:
    return FontSet((SHIPPED / "fonts",)), load_language("en").fonts


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        fonts, families = _fonts()
        missing = fonts.missing(value, families)
        return value.translate({ord(char): UNPRINTABLE for char in missing}) if missing else value
    if isinstance(value, Mapping):
        return {k: v if k in _NEVER_PRINTED else _printable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(v) for v in value]
    return value
