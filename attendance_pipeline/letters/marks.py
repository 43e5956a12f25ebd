"""A pupil's marks on paper: the year as a calendar to look at, and as tables to read.

Belongs here: the blocks that a line such as ``[calendar: marks]`` becomes, the same for every page maker. Does not
belong here: which marks (the batch builder gives them), what a code counts for (`law/`), words (``language.toml``).

In the drawing nothing is said by colour alone, so that it can be read on a grey print: a session that was missed is
dark or striped, a late one has a dot. The drawing is for the eye; the table of months says the same in figures.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from attendance_pipeline.law.register_codes import (
    ATTENDED,
    AUTHORISED,
    CODES,
    LATE_BEFORE,
    MARKED,
    UNAUTHORISED,
)
from attendance_pipeline.letters.blocks import Block, Box, Items, Marks, Picture, Run, Runs, Table
from attendance_pipeline.letters.language import Language, fill
from attendance_pipeline.letters.letter import FieldValue, Row

CAME, LATE, AGREED, NOT_AGREED, NOT_COUNTED, NO_MARK = "came", "late", "agreed", "not_agreed", "not_counted", "no_mark"
LOOKS = (CAME, LATE, AGREED, NOT_AGREED, NOT_COUNTED, NO_MARK)


@dataclass(frozen=True)
class Day:
    """A school day with the codes of its sessions and what each looks like (one of ``LOOKS``)."""

    date: datetime.date
    codes: tuple[str, str]
    looks: tuple[str, str]


def filled(blocks: Iterable[Block], values: Mapping[str, FieldValue], language: Language) -> tuple[Block, ...]:
    """The blocks with marks put in where they are asked for; a field without marks leaves nothing behind."""
    return tuple(_filled(blocks, values, language))


def _filled(blocks: Iterable[Block], values: Mapping[str, FieldValue], language: Language) -> Iterator[Block]:
    for block in blocks:
        match block:
            case Marks(shape, name):
                rows = values[name]
                if isinstance(rows, str | datetime.date):
                    raise TypeError(f"{name} holds no marks")
                if rows:
                    yield _SHAPES[shape](days_of(rows), language)
            case Box(inner):
                yield Box(filled(inner, values, language))
            case Items(ordered, items):
                yield Items(ordered, tuple(filled(item, values, language) for item in items))
            case _:
                yield block


def flags_of(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """What morning and afternoon of each row count for, as bits of `register_codes`; 0 without a mark."""
    era, tables = CODES.eras(np.array([row["date"] for row in rows], dtype="datetime64[D]"))
    return [
        (_flags(row["am"], tables[at]), _flags(row["pm"], tables[at]))
        for row, at in zip(rows, era.tolist(), strict=True)
    ]


def _flags(code: object, table: Sequence[int]) -> int:
    return int(table[CODES.number(str(code)) or 0])


def days_of(rows: Sequence[Row]) -> tuple[Day, ...]:
    """The rows of a field of marks (date, am, pm), by date."""
    found = []
    for row, (morning, afternoon) in zip(rows, flags_of(rows), strict=True):
        day = row["date"]
        if not isinstance(day, datetime.date):
            raise TypeError("a row of marks needs a date")
        found.append(Day(day, (str(row["am"]), str(row["pm"])), (_look(morning), _look(afternoon))))
    return tuple(sorted(found, key=lambda one: one.date))


def _look(flags: int) -> str:
    if not flags & MARKED:
        return NO_MARK
    if flags & ATTENDED:
        return LATE if flags & LATE_BEFORE else CAME
    if flags & AUTHORISED:
        return AGREED
    return NOT_AGREED if flags & UNAUTHORISED else NOT_COUNTED


# ---------------------------------------------------------------- tables


def _table(align: Sequence[str], shares: Sequence[int], header: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    return Table(
        tuple(align), tuple(shares), tuple(map(_words, header)), tuple(tuple(map(_words, r)) for r in rows), fixed=True
    )


def _words(text: str) -> Runs:
    return (Run(text or "–"),)


def _months(days: Sequence[Day], language: Language) -> Table:
    """Month by month, how many sessions there were and what came of them; the last row is the sum."""
    marks = language.marks
    header = (marks["month"], marks["sessions"], marks["came"], marks["late"], marks["agreed"], marks["not_agreed"])
    rows = []
    for year, month in sorted({(day.date.year, day.date.month) for day in days}):
        name = f"{language.months[month - 1]} {year}"
        rows.append((name, *_counts([d for d in days if (d.date.year, d.date.month) == (year, month)])))
    table = _table(("left", *("right",) * 5), (16, 10, 10, 10, 14, 14), header, [*rows, (marks["sum"], *_counts(days))])
    return Table(table.align, table.shares, table.header, (*table.rows[:-1], _bold(table.rows[-1])), fixed=True)


def _bold(row: Sequence[Runs]) -> tuple[Runs, ...]:
    return tuple(tuple(Run(run.text, bold=True) for run in cell) for cell in row)


def _counts(days: Iterable[Day]) -> tuple[str, ...]:
    """Possible sessions, attended, late among those, missed with and without the school's agreement."""
    n = _tally(days)
    came = n[CAME] + n[LATE]
    return tuple(map(str, (came + n[AGREED] + n[NOT_AGREED], came, n[LATE], n[AGREED], n[NOT_AGREED])))


def _tally(days: Iterable[Day]) -> dict[str, int]:
    found = dict.fromkeys(LOOKS, 0)
    for day in days:
        for look in day.looks:
            found[look] += 1
    return found


def _register(days: Sequence[Day], language: Language) -> Table:
    """Week by week, the codes of morning and afternoon as the register has them; a dash where there is none."""
    week_days = range(max(5, *(day.date.isoweekday() for day in days)))
    of = {day.date: day for day in days}
    rows = []
    for monday in sorted({day.date - datetime.timedelta(days=day.date.weekday()) for day in days}):
        dates = [monday + datetime.timedelta(days=n) for n in week_days]
        rows.append((language.date(monday), *(_codes(of[date]) if date in of else "" for date in dates)))
    header = (language.marks["week"], *(language.weekdays[n] for n in week_days))
    return _table(("left", *("center",) * len(week_days)), (17, *(10,) * len(week_days)), header, rows)


def _codes(day: Day) -> str:
    return "\u2002".join(code or "–" for code in day.codes)


def _key(days: Sequence[Day], language: Language) -> Table:
    """The codes that occur, what the register means by each, and how often."""
    marks = language.marks
    codes = [code for day in days for code in day.codes if code]
    known = {row.code: row for row in CODES.rows}
    rows = [(code, known[code].meaning, str(codes.count(code))) for code in known if code in codes]
    return _table(("left", "left", "right"), (7, 50, 10), (marks["code"], marks["meaning"], marks["sessions"]), rows)


# ---------------------------------------------------------------- the calendar

# Millimetres. A month has at most five rows of school days. Few months are drawn larger, so that they fill the page.
_WIDTH, _BETWEEN = 166.0, 3.06
_CELL_HEIGHT, _NUMBER, _ROW_GAP = 6.7, 2.35, 4.0
_TITLE, _HEAD, _LEGEND, _GAP = 4.6, 3.4, 5.4, 1.1
_SIZES = (
    (4, 2, 1.4),
    (6, 3, 1.25),
    (8, 4, 1.0),
    (12, 4, 0.9),
)  # up to so many months: how many side by side, and how high
_FILLS = {CAME: "#dcebe0", LATE: "#dcebe0", AGREED: "#f6e3b4", NOT_AGREED: "#8e1f38", NOT_COUNTED: "#ffffff",
          NO_MARK: "#ffffff"}  # fmt: skip
_EDGES = {CAME: "#9dbfa7", LATE: "#9dbfa7", AGREED: "#b58a1f", NOT_AGREED: "#8e1f38", NOT_COUNTED: "#b8c2cd",
          NO_MARK: "#b8c2cd"}  # fmt: skip
_INK, _DEEP, _SOFT, _PALE = "#1b1f24", "#1d3b5c", "#4d5866", "#8794a3"


def _calendar(days: Sequence[Day], language: Language) -> Picture:
    """The year so far, month by month, each day with its morning on the left and its afternoon on the right."""
    months = _every_month(days[0].date, days[-1].date)
    across, scale = next(((n, high) for most, n, high in _SIZES if len(months) <= most), _SIZES[-1][1:])
    of = {day.date: day for day in days}
    drawing = _Drawing(language, (_WIDTH - _BETWEEN * (across - 1)) / across / 5, scale)
    for number, (year, month) in enumerate(months):
        x = (number % across) * (drawing.cell * 5 + _BETWEEN)
        drawing.month(year, month, of, x, (number // across) * drawing.month_height)
    height = -(-len(months) // across) * drawing.month_height
    n = _tally(days)
    came = n[CAME] + n[LATE]
    alt = fill(
        language.marks["alt"],
        first=language.date(days[0].date),
        last=language.date(days[-1].date),
        possible=came + n[AGREED] + n[NOT_AGREED],
        came=came,
        late=n[LATE],
        agreed=n[AGREED],
        not_agreed=n[NOT_AGREED],
    )
    return Picture(drawing.svg(height + drawing.legend(height)), alt)


def _every_month(first: datetime.date, last: datetime.date) -> list[tuple[int, int]]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1) for n in range(count)]


def _week(date: datetime.date) -> int:
    return (date.toordinal() - 1) // 7  # ordinal 1 was a Monday


class _Drawing:
    """Collects shapes by their look, so that the drawing of a year is a few kilobytes."""

    def __init__(self, language: Language, cell: float, scale: float) -> None:
        self.language = language
        self.cell, self.scale = cell, scale
        self.half, self.half_height = (cell - _GAP) / 2, (_CELL_HEIGHT - _NUMBER - 0.85) * scale
        self.boxes: dict[str, list[str]] = {look: [] for look in LOOKS}
        self.stripes: list[str] = []
        self.dots: list[str] = []
        self.texts: list[str] = []

    @property
    def month_height(self) -> float:
        return (_TITLE + _HEAD + 5 * _CELL_HEIGHT + _ROW_GAP) * self.scale

    def month(self, year: int, month: int, of: Mapping[datetime.date, Day], x: float, y: float) -> None:
        scale, cell, short = self.scale, self.cell, self.language.marks["weekdays"].split()
        self.text(x, y + 3.2 * scale, f"{self.language.months[month - 1]} {year}", 3.1 * scale, _DEEP, bold=True)
        for n in range(5):
            self.text(x + (n + 0.5) * cell, y + (_TITLE + 2.3) * scale, short[n], 2.2 * scale, _SOFT, middle=True)
        first = datetime.date(year, month, 1)
        dates = [first + datetime.timedelta(days=n) for n in range(31)]
        dates = [date for date in dates if date.month == month and date.weekday() < 5]
        for date in dates:
            row = _week(date) - _week(dates[0])
            self.day(date, of.get(date), x + date.weekday() * cell, y + (_TITLE + _HEAD + row * _CELL_HEIGHT) * scale)

    def day(self, date: datetime.date, day: Day | None, x: float, y: float) -> None:
        ink = _INK if day is not None else _PALE
        self.text(x + self.cell / 2, y + 1.9 * self.scale, str(date.day), 2.0 * self.scale, ink, middle=True)
        for number, look in enumerate(day.looks if day is not None else ()):
            self.session(look, x + _GAP / 2 + number * self.half, y + _NUMBER * self.scale, self.half, self.half_height)

    def session(self, look: str, x: float, y: float, width: float = 3.6, height: float = 3.5) -> None:
        self.boxes[look].append(f"M{x:.2f} {y:.2f}h{width:.2f}v{height:.2f}h-{width:.2f}z")
        if look == AGREED:
            for part in range(1, round(width / 1.2) + 1):
                right = x + width * part / round(width / 1.2) - 0.1
                self.stripes.append(f"M{right - 0.8:.2f} {y + height:.2f}L{right:.2f} {y:.2f}")
        elif look == LATE:
            self.dots.append(f'<circle cx="{x + width / 2:.2f}" cy="{y + height / 2:.2f}" r="0.85"/>')
        elif look == NO_MARK:
            self.text(x + width / 2, y + height / 2 + 0.8, "?", 2.2, _SOFT, middle=True)

    def legend(self, y: float) -> float:
        """Draws what each look that occurs means, and gives how high that is."""
        words = self.language.marks
        x, top = 0.0, y + 1.5
        for look in [look for look in LOOKS if self.boxes[look]]:
            name = words[f"legend_{look}"]
            length = 6.2 + len(name) * 1.3
            if x + length > _WIDTH:
                x, top = 0.0, top + _LEGEND
            self.session(look, x, top)
            self.text(x + 5.0, top + 2.7, name, 2.5, _INK)
            x += length + 2.5
        self.text(0, top + _LEGEND + 2.7, words["legend_halves"], 2.5, _SOFT)
        return top + 2 * _LEGEND - y

    def text(
        self, x: float, y: float, words: str, size: float, fill: str, *, bold: bool = False, middle: bool = False
    ) -> None:
        style = (' font-weight="bold"' if bold else "") + (' text-anchor="middle"' if middle else "")
        self.texts.append(
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size}" fill="{fill}"{style}>{escape(words)}</text>'
        )

    def svg(self, height: float) -> str:
        family = escape(", ".join(self.language.fonts))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:.2f}" font-family="{family}">',
            *(
                f'<path d="{"".join(shapes)}" fill="{_FILLS[look]}" stroke="{_EDGES[look]}" stroke-width="0.2"/>'
                for look, shapes in self.boxes.items()
                if shapes
            ),
            f'<path d="{"".join(self.stripes)}" fill="none" stroke="#7a5a00" stroke-width="0.3"/>'
            if self.stripes
            else "",
            f'<g fill="{_DEEP}">{"".join(self.dots)}</g>' if self.dots else "",
            *self.texts,
            "</svg>",
        ]
        return "".join(parts)


_SHAPES: Mapping[str, Callable[[Sequence[Day], Language], Block]] = {
    "calendar": _calendar,
    "months": _months,
    "register": _register,
    "codes": _key,
}
