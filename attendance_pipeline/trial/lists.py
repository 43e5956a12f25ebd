"""Another list of the same pupils: a school's own spreadsheet, a summary of its MIS, or only names.

Belongs here: finding the rows, and in each who it is about and what it says. Not here: whom of the export a row means
(`matching`), and why its figures differ (`differences`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from attendance_pipeline.mis.cells import date_of, flag_of, stage_of, tidy
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.mapped import date_text
from attendance_pipeline.mis.native import read_cells
from attendance_pipeline.mis.samples import DELIMITERS, read_sample
from attendance_pipeline.mis.upn import has_upn_form
from attendance_pipeline.trial import headers
from attendance_pipeline.trial.columns import text_of_file
from attendance_pipeline.trial.people import Person, person_of

_HEADER_WITHIN = 15  # rows in which a header is looked for
_MOST_ROWS = 20_000
_MOST_DECIMALS = 6  # of a percentage; more are those of a fraction that was never rounded
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_TOTAL = re.compile(r"(grand |sub ?)?(totals?|average|mean|count)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Share:
    """A percentage as written: its value, and how many decimals are shown."""

    value: Fraction
    decimals: int


@dataclass(frozen=True)
class Row:
    """One row: who it is about, and what it says. `persistent`: what a column of its own says; None: there is none."""

    line: int
    person: Person
    counts: Mapping[str, int]
    shares: Mapping[str, Share]
    stage: int | None = None
    persistent: bool | None = None
    first: dt.date | None = None
    last: dt.date | None = None


@dataclass(frozen=True)
class OtherList:
    """`columns`: (header, taken as) of every column; `figures`: whether any row gives one; `staged`, `flagged`: whether
    it has a column of stages, or one that says who is persistently absent."""

    file_name: str
    rows: tuple[Row, ...]
    columns: tuple[tuple[str, str], ...]
    unread: int

    @property
    def figures(self) -> bool:
        return any(r.counts or r.shares for r in self.rows)

    @property
    def staged(self) -> bool:
        return any(r.stage is not None for r in self.rows)

    @property
    def flagged(self) -> bool:
        return any(r.persistent is not None for r in self.rows)


def read_list(file_name: str, data: bytes) -> OtherList:
    """Read another list. Raises UnreadableFile."""
    if not data.strip():
        raise UnreadableFile("the file is empty")
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"<", b"{", b"["):
        sample = read_sample(file_name, data)
        if not sample.columns:
            raise UnreadableFile("no rows are found in the file")
        body = [(i, list(cells)) for i, cells in enumerate(zip(*sample.columns, strict=True), start=1)]
        return _of_table(file_name, list(sample.headers), body)
    text = text_of_file(file_name, data)
    first_lines = text.data[:20_000].decode(errors="replace").splitlines()[:_HEADER_WITHIN]
    delimiter = max(DELIMITERS, key=lambda d: (sum(line.count(d) for line in first_lines), d == ","))
    rows = [(text.line(n), [tidy(c) for c in cells]) for n, cells in read_cells("list.csv", text.data, 0, delimiter)]
    if len(rows) > _MOST_ROWS:
        raise UnreadableFile(f"the list has more than {_MOST_ROWS:,} rows")
    at = max(range(min(len(rows), _HEADER_WITHIN)), key=lambda i: (_known(rows[i][1]), -i), default=None)
    if at is not None and _known(rows[at][1]):
        return _of_table(file_name, rows[at][1], rows[at + 1 :])
    return _without_header(file_name, rows)


def _known(cells: Sequence[str]) -> int:
    """How many cells of a row are headers of something; 0 for a row that names nobody."""
    who = headers.who_columns(cells)
    counts, shares = headers.figure_columns(cells)
    return len(who) + len(counts) + len(shares) + len(headers.other_columns(cells)) if who else 0


def _of_table(file_name: str, head: Sequence[str], body: Sequence[tuple[int, list[str]]]) -> OtherList:
    who = headers.who_columns(head)
    counts, shares = headers.figure_columns(head)
    other = headers.other_columns(head)
    if not set(who) & {headers.UPN, headers.STUDENT_ID, headers.ADMISSION, headers.NAME, headers.SURNAME}:
        raise UnreadableFile("no column says who a row is about: UPN, admission number or name", line=1)
    told = {place: name for name, place in (*who.items(), *counts.items(), *other.items())}
    told |= {place: f"% {name}" for name, place in shares.items()}
    ratios = {name for name, place in shares.items() if _are_ratios([c[place] for _, c in body if place < len(c)])}
    rows, unread = [], 0
    for line, cells in body:
        full = [*cells, *[""] * (len(head) - len(cells))]
        person = person_of({name: full[place] for name, place in who.items()})
        first = next((c for c in full if c), "")
        if not (person.upn or person.student_id or person.admission or person.names) or _TOTAL.match(first):
            unread += bool(first)
            continue
        found = {n: v for n, place in counts.items() if (v := _count(full[place])) is not None}
        percents = {n: p for n, place in shares.items() if (p := _percent(full[place], n in ratios)) is not None}
        rows.append(
            Row(
                line=line,
                person=person,
                counts=found,
                shares=percents,
                stage=stage_of(full[other["stage"]]) if "stage" in other else None,
                persistent=_flag(full[other["persistent"]]) if "persistent" in other else None,
                first=_date(full[other["from"]]) if "from" in other else None,
                last=_date(full[other["to"]]) if "to" in other else None,
            )
        )
    if not rows:
        raise UnreadableFile("no row of the list names a pupil")
    columns = tuple((h, told.get(i, "-")) for i, h in enumerate(head) if h)
    return OtherList(file_name, tuple(rows), columns, unread)


def _without_header(file_name: str, rows: Sequence[tuple[int, list[str]]]) -> OtherList:
    """A list of UPNs or names alone: of each row the first cell that is one."""
    out, unread = [], 0
    for line, cells in rows:
        filled = [c for c in cells if c]
        upn = next((c for c in filled if has_upn_form(c.replace(" ", "").upper())), None)
        words = [c for c in filled if re.search(r"[^\W\d_]", c) and not has_upn_form(c.replace(" ", "").upper())]
        if upn is None and not words:
            unread += bool(filled)
            continue
        # Two cells of one word each are surname and forename; one cell is the whole name.
        name = " ".join(words[:2]) if len(words) > 1 and all(" " not in w for w in words[:2]) else (words or [""])[0]
        out.append(Row(line, person_of({headers.UPN: upn or "", headers.NAME: name}), {}, {}))
    if not out:
        raise UnreadableFile("no row of the list names a pupil")
    return OtherList(file_name, tuple(out), (("(no header)", "names or UPNs"),), unread)


def _count(text: str) -> int | None:
    """A number of sessions; None for anything else."""
    m = _NUMBER.fullmatch(text)
    if m is None:
        return None
    value = Fraction(text.replace(",", ""))
    return int(value) if value.denominator == 1 and value >= 0 else None


def _percent(text: str, ratio: bool) -> Share | None:
    bare = text.rstrip("%").strip()
    if not _NUMBER.fullmatch(bare):
        return None
    value = Fraction(bare.replace(",", ""))
    decimals = len(bare.partition(".")[2])
    if ratio:
        value, decimals = value * 100, max(decimals - 2, 0)
    if not 0 <= value <= 100:
        return None
    if decimals > _MOST_DECIMALS:
        value, decimals = Fraction(round(value * 10**_MOST_DECIMALS), 10**_MOST_DECIMALS), _MOST_DECIMALS
    return Share(value, decimals)


def _are_ratios(texts: Sequence[str]) -> bool:
    """Whether percentages stand as parts of one, as spreadsheets keep them: none above 1, and some between."""
    values = [Fraction(t.replace(",", "")) for t in texts if _NUMBER.fullmatch(t)]
    return bool(values) and not any("%" in t for t in texts) and max(values) <= 1 and any(0 < v < 1 for v in values)


def _flag(text: str) -> bool | None:
    return False if not text else True if text.casefold() in ("pa", "x", "✓", "persistent") else flag_of(text)


def _date(text: str) -> dt.date | None:
    return date_of(date_text(text, None, False))
