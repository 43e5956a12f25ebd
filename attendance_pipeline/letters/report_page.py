"""A report as data for a page: title, key figures, paragraphs, tables and charts, every value already formatted.

Belongs here: the shape that ``pdf.render_document`` with ``report.typ`` understands. Does not belong here: where the
figures come from (``reports``), or how they look (``letter_templates/layout/report.typ``).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class KeyFigure:
    """One number set large, such as ``94.2%``, with what it is and, small, what to compare it with."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class DataTable:
    """``align`` per column: ``left``, ``right``, ``center`` (default: the first left, the rest right).

    ``widths`` per column: ``auto`` (as wide as its words) or ``1fr``, ``2fr`` … (a share of the rest); none: as wide as
    the words, and what is left of the page shared out evenly. ``strong_rows`` are the indexes of rows set bold, such as
    a total.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: tuple[str, ...] = ()
    widths: tuple[str, ...] = ()
    caption: str = ""
    note: str = ""
    strong_rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chart:
    """An SVG drawing and what it shows, in words, for who cannot see it. ``width`` is a share of the page's width."""

    svg: str
    alt: str
    caption: str = ""
    width: float = 1.0


@dataclass(frozen=True)
class Section:
    """Printed in this order: heading, key figures, paragraphs, charts (side by side as widths allow), tables."""

    heading: str = ""
    key_figures: tuple[KeyFigure, ...] = ()
    paragraphs: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[DataTable, ...] = ()
    new_page: bool = False


@dataclass(frozen=True)
class Report:
    """``school`` stands above the title, ``footer`` at the foot of every page beside the page number."""

    school: str
    subtitle: str = ""
    sections: tuple[Section, ...] = ()
    footer: str = ""
    landscape: bool = False

    def as_data(self) -> Mapping[str, Any]:
        """Plain data for a layout; raises ``ValueError`` naming the section and table whose columns do not agree."""
        for number, section in enumerate(self.sections, start=1):
            for position, table in enumerate(section.tables, start=1):
                columns = len(table.header)
                wrong = [row for row in table.rows if len(row) != columns]
                if (
                    wrong
                    or len(table.align) not in (0, columns)
                    or len(table.widths) not in (0, columns)
                    or not columns
                ):
                    raise ValueError(
                        f"section {number}, table {position}: rows, align and widths must have {columns} columns"
                    )
        data = dataclasses.asdict(self)
        for section in data["sections"]:
            for table in section["tables"]:
                rest = len(table["header"]) - 1
                table["align"] = table["align"] or ("left", *("right",) * rest)
        return data
