"""Registers with one column per date, or per date and session: which columns those are, and the rows they unfold to.

Here is what a header says of date and session, headers of several rows, and the two marks of a day in one cell. Which
file is laid out so is said by a column map; what a code means is not known here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.mis.cells import EARLIEST_MARK, date_of, tidy, visible
from attendance_pipeline.mis.formats import Coded, RawTable, UnreadableFile
from attendance_pipeline.store.extracts import Fault

TWO_MARKS = "not the two marks of a day, morning and afternoon"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_BETWEEN = r"[ \-/.,]*"
# `21 Sep`, `21-Sep-26`, `21st September 2026`; `September 21, 2026`; `Sep 2026 21`, as of headers one above another;
# `21/09`, `21.09.2026`. Day before month always; two figures of a year only where the month is a word.
_DATES = tuple(
    re.compile(text, re.IGNORECASE)
    for text in (
        rf"{_DAY}{_BETWEEN}{_MONTH}(?:{_BETWEEN}(?P<year>\d{{4}}|\d{{2}}))?",
        rf"{_MONTH}{_BETWEEN}{_DAY}{_BETWEEN}(?P<year>\d{{4}})",
        rf"{_MONTH}{_BETWEEN}(?P<year>\d{{4}}){_BETWEEN}{_DAY}",
        r"(?P<day>\d{1,2})[/.\-](?P<month>\d{1,2})(?:[/.\-](?P<year>\d{4}))?",
    )
)
_SESSION = re.compile(r"(?<![a-z])([ap])\.?m\b\.?", re.IGNORECASE)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = re.compile(
    r"(?<![a-z])(mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
    r"(?![a-z])\.?",
    re.IGNORECASE,
)
_WEEK_OF = re.compile(r"\bw\s?[/.]?\s?[cb]\b\.?|\bweek (?:commencing|beginning|starting|of)\b", re.IGNORECASE)
_AROUND = " \t-–—:,;/|()[]"
_LIKE_A_DATE = re.compile(r"\d{1,4}([/.\-])\d{1,2}(\1\d{1,4})?(?:[T ]\d{1,2}:.*)?")
_DATE_AND_TIME = re.compile(r"[^\sT]+(?:[T ]\d{1,2}:\d{2}.*)?")


T = TypeVar("T")


class NoYear(UnreadableFile):
    """A header whose date has no year, of a file of which nobody knows when it was made."""

    def __init__(self, session: str | None):
        super().__init__("a header has a date without a year, and the file's name does not tell the day")
        self.session = session


@dataclass(frozen=True)
class DateHeader:
    """What a header says. `session`: None where a cell holds both marks of the date."""

    day: dt.date
    session: str | None


def date_header(
    text: str, made: dt.date | None, date_format: str | None = None, sessions: Mapping[str, str] | None = None
) -> DateHeader | None:
    """What a header says, or None where it names no date.

    `made`: the day the file was made, for dates without a year: with a weekday the date of that weekday nearest to it,
    else the one in its school year (from August). `sessions`: local words for AM and PM, in lower case. Raises
    UnreadableFile where a date is meant and cannot be told.
    """
    rest, session = _without_session(tidy(text), sessions or {})
    if session == "":
        return None
    if (day := _in_format(rest, date_format)) is not None:
        return DateHeader(_possible(day), session)
    day_of_week = None
    if m := _WEEKDAY.search(rest):
        day_of_week = _WEEKDAYS.index(m[1][:3].lower())
        rest = (rest[: m.start()] + " " + rest[m.end() :]).strip(_AROUND)
    week_of = _WEEK_OF.search(rest)
    if week_of:
        rest = (rest[: week_of.start()] + " " + rest[week_of.end() :]).strip(_AROUND)
    sure = session is not None or day_of_week is not None or week_of is not None
    rest = " ".join(rest.split())
    try:
        found = _in_format(rest, date_format) or _date(rest, made, None if week_of else day_of_week, date_format, sure)
    except LookupError:
        raise NoYear(session) from None
    if found is None:
        m = _LIKE_A_DATE.fullmatch(rest)
        if m and (sure or m[2]):
            raise UnreadableFile("a header looks like a date and is none that is understood")
        return None
    if week_of:
        if day_of_week is None:
            return None
        found += dt.timedelta(days=day_of_week - found.weekday())
    elif day_of_week is not None and found.weekday() != day_of_week:
        raise UnreadableFile("the weekday in a header is not that of its date")
    return DateHeader(_possible(found), session)


def _in_format(text: str, date_format: str | None) -> dt.date | None:
    """The date that a text is, written as the map says; None where it is not."""
    if date_format is None:
        return None
    try:
        return dt.datetime.strptime(text, date_format).date()  # noqa: DTZ007  # a day has no zone
    except ValueError:
        return None


def _possible(day: dt.date) -> dt.date:
    if not EARLIEST_MARK <= day <= dt.date(9990, 1, 1):
        raise UnreadableFile("a header has an impossible date")
    return day


def _without_session(text: str, sessions: Mapping[str, str]) -> tuple[str, str | None]:
    """The text without the word for a session, and that session; "" where there are two."""
    for local in sorted(sessions, key=len, reverse=True):
        word = re.escape(local)
        if m := re.search(rf"^{word}(?=[\s\-–:,(])|(?<=[\s\-–:,(]){word}\)?$", text, re.IGNORECASE):
            return (text[: m.start()] + text[m.end() :]).strip(_AROUND), sessions[local]
    found = {m[1].upper() for m in _SESSION.finditer(text)}
    if len(found) > 1:
        return text, ""
    return (_SESSION.sub(" ", text).strip(_AROUND), f"{found.pop()}M") if found else (text.strip(_AROUND), None)


def _date(
    text: str, made: dt.date | None, day_of_week: int | None, date_format: str | None, sure: bool
) -> dt.date | None:
    """The date of a text. `sure`: a date is meant, so that two numbers are a day and a month. Raises LookupError where
    the year is not known."""
    day = date_of(text) if _DATE_AND_TIME.fullmatch(text) else None
    if day is not None and (date_format is None or text[4:5] == "-"):
        return day
    if date_format is not None:  # 01/09 is not read the other way round where the map says how dates are written
        return None
    m = next((m for pattern in _DATES if (m := pattern.fullmatch(text))), None)
    if m is None or not (sure or m["year"] or not m["month"].isdigit()):
        return None
    month = int(m["month"]) if m["month"].isdigit() else _MONTHS.index(m["month"][:3].lower()) + 1
    if m["year"]:
        return _day(int(m["year"]) + (2000 if len(m["year"]) == 2 else 0), month, int(m["day"]))
    if made is None:
        raise LookupError
    first_year = made.year if made.month >= 8 else made.year - 1  # of its school year
    years = [first_year if month >= 8 else first_year + 1]
    if day_of_week is not None:
        years = sorted(range(made.year - 2, made.year + 3), key=lambda y: abs((dt.date(y, month, 1) - made).days))
    days = [d for y in years if (d := _day(y, month, int(m["day"]))) is not None]
    return next((d for d in days if d.weekday() == day_of_week), days[0] if days else None)


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def one_header(rows: Sequence[Sequence[str]], understood: Callable[[str], T | None]) -> tuple[list[str], dict[int, T]]:
    """The names of the columns below headers of one or more rows; and by place, what those of a date say.

    A merged cell stands once and holds for the blank ones after it: a date over AM and PM. `understood`: what a header
    says, such as `date_header`. Raises UnreadableFile where it does, and says the column's place: what stands where a
    header should may be a pupil's.
    """
    width = max(map(len, rows))
    own = [[tidy(c) for c in row] + [""] * (width - len(row)) for row in rows]
    filled = [list(row) for row in own]
    for row in filled[:-1]:
        for i in range(1, width):
            row[i] = row[i] or row[i - 1]
    names, dates = [], {}
    for i in range(width):
        name = next((row[i] for row in reversed(own) if row[i]), "")
        parts = [row[i] for row in (filled if own[-1][i] else own) if row[i]]
        try:
            found = understood(" ".join(parts)) if parts else None
        except UnreadableFile as fault:
            raise UnreadableFile(fault.rule, f"(column {i + 1})") from None
        if found is not None:
            dates[i] = found
            name = " ".join(parts)
        names.append(name)
    return names, dates


def unfold_dates(
    who: Mapping[str, Sequence[str]],
    dates: Sequence[DateHeader],
    cells: Sequence[Sequence[str]],
    lines: Sequence[int],
    *,
    headers: Sequence[str],
    faults: Sequence[Fault] = (),
    ignored: Sequence[str] = (),
    no_mark: frozenset[str] = frozenset([""]),
) -> RawTable:
    """The register rows of a table with a column per date.

    who: columns that say whose row it is; `dates`, `cells`, `headers`: what the header of each column says, its cells,
    and its text; lines: of each row. A cell of a whole day that does not hold two marks is a fault. Raises
    UnreadableFile where two columns are of one session.
    """
    slots = [(d.day, s) for d in dates for s in ([d.session] if d.session else ["AM", "PM"])]
    if len(set(slots)) < len(slots):
        twice = next(i for i, s in enumerate(slots) if s in slots[:i])
        raise UnreadableFile("two columns are of one date and session", f"{slots[twice][0]} {slots[twice][1]}")
    n = len(lines)
    found = list(faults)
    columns: list[Sequence[str]] = []
    good = np.ones((n, len(slots)), dtype=bool)
    for date, column, header in zip(dates, cells, headers, strict=True):
        if date.session:
            columns.append(column)
            continue
        both = {text: two_marks(text) for text in set(column)}
        for i, text in enumerate(column):
            if both[text] is None:
                found.append(Fault(lines[i], header, TWO_MARKS))
                good[i, len(columns) : len(columns) + 2] = False
        columns += [[(both[text] or ("", ""))[session] for text in column] for session in (0, 1)]
    days = sorted({day for day, _ in slots})
    row, slot = np.nonzero(good)
    day_of_slot = np.array([days.index(day) for day, _ in slots], dtype=np.int32)
    session_of_slot = np.array([session == "PM" for _, session in slots], dtype=np.int32)
    by_row = list(zip(*columns, strict=True))
    return RawTable(
        columns={
            **{name: _repeated(texts, row) for name, texts in who.items()},
            "Date": Coded([d.isoformat() for d in days], day_of_slot[slot]),
            "Session": Coded(["AM", "PM"], session_of_slot[slot]),
            "Code": [by_row[i][j] for i, j in zip(row.tolist(), slot.tolist(), strict=True)],
        },
        line=np.array(lines, dtype=np.int32)[row] if n else np.zeros(0, dtype=np.int32),
        faults=tuple(found),
        ignored=tuple(ignored),
        no_mark=no_mark,
    )


def two_marks(text: str) -> tuple[str, str] | None:
    """Morning and afternoon of a cell that holds both, "" for one without a mark; None where that is not certain.

    Two characters, or two codes apart; a space in the place of one is no mark. `Y1` is one code or two, and one mark
    alone may be of either session, but `/` is of the morning and `\\` of the afternoon.
    """
    text = visible(text).replace("\u00a0", " ").strip("\r\n\t")
    if not text.strip():
        return "", ""
    if len(text) == 2 and CODES.number(text) is None:
        return text[0].strip(), text[1].strip()
    apart = re.split(r"\s*[,;|]\s*|\s+", text.strip())
    if len(apart) == 2:
        return apart[0], apart[1]
    alone = text.strip()
    if len(alone) == 4 and CODES.number(alone[:2]) is not None and CODES.number(alone[2:]) is not None:
        return alone[:2], alone[2:]
    return {"/": ("/", ""), "\\": ("", "\\")}.get(alone)


def _repeated(texts: Sequence[str], rows: np.ndarray) -> Coded:
    distinct = list(dict.fromkeys(texts))
    number = {t: i for i, t in enumerate(distinct)}
    codes = np.fromiter((number[t] for t in texts), dtype=np.int32, count=len(texts))
    return Coded(distinct, codes[rows])
