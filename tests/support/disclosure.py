"""Somebody who wants to know what a governor report hides: reads all that it prints, and solves for the rest.

Read are the published pages alone (the HTML: every table, every sentence, every word in a chart), and what anybody
knows: parts make up their total, who is severely absent is persistently absent, a percentage is rounded to a tenth,
pupils on the ladder are in tier 3. Every hidden count becomes a whole number to be found; the least and the greatest
that fit all that is printed are worked out exactly (mixed-integer programming).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

HIDDEN = "c"
YEARS = ("Nursery", "Reception", "Year ")
MOST = 3000
_VOID = {"meta", "link", "br", "img", "hr", "input"}


class _Page(HTMLParser):
    """Tables under their headings, paragraphs, and words in drawings."""

    def __init__(self) -> None:
        super().__init__()
        self.heading, self.tables, self.lines, self.drawn = "", {}, [], {}
        self._open: list[str] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append(tag)
        self._text = ""
        if tag == "table":
            self.tables.setdefault(self.heading, []).append([])
        if tag == "tr":
            self.tables[self.heading][-1].append([])

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()
        words = " ".join(self._text.split())
        if tag in ("h2", "h3"):
            self.heading = words if tag == "h2" else self.heading
        elif tag in ("td", "th"):
            self.tables[self.heading][-1][-1].append(words)
        elif tag in ("p", "li", "dd", "dt"):
            self.lines.append(words)
        elif tag == "text":
            self.drawn.setdefault(self.heading, []).append(words)
        self._text = ""


def read(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    return page


def number(cell: str) -> int | None:
    return None if cell == HIDDEN else int(cell.replace(",", ""))


def share(cell: str) -> float | None:
    return None if cell in (HIDDEN, "n/a", "") else float(cell.rstrip("%"))


@dataclass
class Attack:
    """Unknown whole numbers by name, and everything known of them as linear inequalities."""

    names: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[dict[str, float], float, float]] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)

    def of(self, name: str) -> str:
        self.names.setdefault(name, len(self.names))
        return name

    def between(self, terms: dict[str, float], low: float, high: float) -> None:
        self.rows.append(({self.of(n): w for n, w in terms.items()}, low, high))

    def count(self, name: str, cell: str) -> None:
        """A cell that holds a number of pupils or events."""
        value = number(cell)
        self.of(name)
        if value is None:
            self.hidden.add(name)
        else:
            self.between({name: 1}, value, value)

    def percent(self, part: str, whole: str, cell: str) -> None:
        value = share(cell)
        if value is not None:
            self.between({part: 1, whole: -(value + 0.05) / 100}, -np.inf, 1e-6)
            self.between({part: 1, whole: -(value - 0.05) / 100}, -1e-6, np.inf)

    def sums(self, total: str, parts: list[str]) -> None:
        self.between({total: 1, **dict.fromkeys(parts, -1)}, 0, 0)

    def at_most(self, small: str, great: str) -> None:
        self.between({small: 1, great: -1}, -np.inf, 0)

    # ------------------------------------------------------------ what a page says

    def read(self, html: str, of: str = "") -> _Page:
        """Everything a report prints of numbers of pupils and events, under names that begin with `of`."""
        page = read(html)
        groups = [row[0] for row in self._body(page, "Year groups and cohorts, this half-term")]
        for row in self._body(page, "Year groups and cohorts, this half-term"):
            self.count(f"{of}pupils {row[0]}", row[1])
        for row in self._body(page, "Year groups and cohorts, the year to date"):
            for what, count, percent in (("persistent", row[2], row[3]), ("severe", row[4], row[5])):
                self.count(f"{of}{what} {row[0]}", count)
                self.percent(f"{of}{what} {row[0]}", f"{of}pupils {row[0]}", percent)
        drawn = page.drawn.get("Year groups and cohorts, the year to date", [])
        for name, after in itertools.pairwise(drawn):
            if name in groups and (after == HIDDEN or after.endswith("%")):
                self.percent(f"{of}persistent {name}", f"{of}pupils {name}", after)
        years = [g for g in groups if g.startswith(YEARS)]
        for what in ("pupils", "persistent", "severe"):
            self.sums(f"{of}{what} All pupils", [f"{of}{what} {y}" for y in years])
            for group in groups:
                self.at_most(f"{of}{what} {group}", f"{of}{what} All pupils")
        for group in groups:
            self.at_most(f"{of}persistent {group}", f"{of}pupils {group}")
            self.at_most(f"{of}severe {group}", f"{of}persistent {group}")
        self._ladder(page, of)
        self._comparison(page, of, years)
        self._sentences(page, of)
        return page

    def _body(self, page: _Page, heading: str, table: int = 0) -> list[list[str]]:
        return page.tables[heading][table][1:]

    def _ladder(self, page: _Page, of: str) -> None:
        heading = "The ladder of interventions, this half-term"
        columns = ("opened", "up", "down", "recovered", "ended", "now")
        for row in self._body(page, heading):
            for column, cell in zip(columns, row[1:], strict=True):
                self.count(f"{of}{column} {row[0]}", cell)
        for column in columns:
            self.sums(f"{of}{column} All", [f"{of}{column} Stage {stage}" for stage in (1, 2, 3, 4)])
        tiers = [f"{of}{row[0][:6]}" for row in self._body(page, heading, 1)]
        for name, row in zip(tiers, self._body(page, heading, 1), strict=True):
            self.count(name, row[1])
        self.sums(f"{of}pupils All pupils", tiers)
        self.between({tiers[2]: 1, f"{of}now All": -1}, 0, 0)
        for row in self._body(page, "Penalty notices"):
            for what, cell in zip(("met", "provisional", "near"), row[1:], strict=True):
                self.count(f"{of}{row[0]} {what}", cell)
            self.between({f"{of}{row[0]} {w}": 1 for w in ("met", "provisional", "near")}, 0, MOST)
        for row in self._body(page, "Penalty notices", 1):
            self.count(f"{of}{row[0]}", row[1])

    def _comparison(self, page: _Page, of: str, years: list[str]) -> None:
        """Where published figures count to the report's own day, the rate of those aged 5 to 15 is of the same day."""
        rows = page.tables.get("How it compares", [[]])[0][1:]
        found = (re.search(r"year to date, to (.*?), all of them\.", line) for line in page.lines)
        point = next((match for match in found if match), None)
        if rows and point and any(f"on roll on {point[1]}" in line for line in page.lines):
            older = [y for y in years if not y.startswith(("Nursery", "Reception"))]
            for what in ("pupils", "persistent"):
                self.sums(f"{of}{what} aged", [f"{of}{what} {y}" for y in older])
            self.percent(f"{of}persistent aged", f"{of}pupils aged", rows[0][3])

    def _sentences(self, page: _Page, of: str) -> None:
        for line in page.lines:
            if found := re.match(r"([\d,]+) of ([\d,]+) pupils .*have missed", line):
                self.between({f"{of}persistent All pupils": 1}, *[int(found[1].replace(",", ""))] * 2)
                self.between({f"{of}pupils All pupils": 1}, *[int(found[2].replace(",", ""))] * 2)
            if found := re.match(r"(\w+|[\d,]+) episodes? opened this academic year: (.*)", line):
                parts = {}
                for words in ("recovered", "open at the stage", "open at a later", "ended otherwise"):
                    at = re.search(rf"([\d,]+) {words}", found[2])
                    parts[words] = int(at[1].replace(",", "")) if at else None
                self._episodes(of, found[1], parts, "the rest: c" in found[2])

    def _episodes(self, of: str, total: str, parts: dict[str, int | None], rest: bool) -> None:
        words = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"]
        episodes = words.index(total) if total in words else int(total.replace(",", ""))
        names = [f"{of}episodes {name}" for name in parts]
        self.between(dict.fromkeys(names, 1), episodes, episodes)
        for name, value in zip(names, parts.values(), strict=True):
            if value is not None:
                self.between({name: 1}, value, value)
            elif rest:
                self.hidden.add(name)  # or it is nought: those are not named
            else:
                self.between({name: 1}, 0, 0)

    # ------------------------------------------------------------ solving

    def range_of(self, name: str) -> tuple[int, int]:
        """The least and the greatest value of an unknown that fit everything printed."""
        n = len(self.names)
        matrix = np.zeros((len(self.rows), n))
        for i, (terms, _, _) in enumerate(self.rows):
            for term, weight in terms.items():
                matrix[i, self.names[term]] += weight
        fits = LinearConstraint(matrix, [low for _, low, _ in self.rows], [high for _, _, high in self.rows])
        out = []
        for sign in (1, -1):
            cost = np.zeros(n)
            cost[self.names[name]] = sign
            found = milp(cost, constraints=fits, integrality=np.ones(n), bounds=Bounds(0, MOST))
            assert found.status == 0, f"{name}: what is printed contradicts itself ({found.message})"
            out.append(round(sign * found.fun))
        return out[0], out[1]

    def found_out(self, of: str = "", least_values: int = 3) -> dict[str, tuple[int, int]]:
        """Hidden counts with fewer than so many possible values. That there is nobody may be known: a true 0 is shown."""
        ranges = {name: self.range_of(name) for name in sorted(self.hidden) if name.startswith(of)}
        return {name: (low, high) for name, (low, high) in ranges.items() if high > 0 and high - low + 1 < least_values}
