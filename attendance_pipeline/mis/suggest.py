"""What a first export seems to be: how each column is understood, and a column map and code map to begin with.

Pure: bytes in, words out, for a person to check. Of what stands in cells only the symbols of codes are ever said; a
person's value never is. What is not certain is said to be uncertain, and what only a person can know stays open.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.mis import cells
from attendance_pipeline.mis.date_columns import two_marks
from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.kinds import KINDS, Column
from attendance_pipeline.mis.map_settings import LAYOUTS, SLOTS
from attendance_pipeline.mis.mapped import date_and_session
from attendance_pipeline.mis.native import KEPT_BY_PEOPLE
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.mis.samples import DateColumns, Sample, read_sample
from attendance_pipeline.mis.sims_xml import CAPTIONS
from attendance_pipeline.mis.upn import has_upn_form, is_upn
from attendance_pipeline.mis.weeks import marks_of_string

# Headers met in exports besides those of SIMS's reports; layouts of weeks have columns of their own.
_HEADERS: dict[str, dict[str, tuple[str, ...]]] = {
    "pupils": {
        "UPN": ("Unique Pupil No", "Pupil UPN"),
        "Forename": ("Given Name",),
        "Surname": ("Family Name",),
        "Date of Birth": ("Birthdate",),
        "Year Group": ("NC Year Group",),
        "Class": ("Class Name", "Tutor Group Name", "Registration Form"),
        "Entry Date": ("Start Date", "Enrolment Date", "Joined"),
    },
    "register": {
        "UPN": ("Unique Pupil No", "Pupil UPN"),
        # A number of the school's own does for a UPN, where the pupils' extracts name it beside the UPN too.
        "Student ID": ("Pupil ID", "Student No", "Admission Number", "Admission No", "Adno", "Adm No"),
        "Date": ("Day", "Attendance Day"),
        "Code": ("Attendance Mark Code", "Status", "Mark Code"),
        "Session": ("Period", "Session Type"),
        "WeekStart": ("Week Commencing", "Week Beginning", "WC", "Week"),
        "WeekMarks": ("Marks", "Attendance String"),
    },
}
_LONGEST_SYMBOL = 4
_MOST_SYMBOLS = 60
# Dates of cells that a map has to describe, the usual first: where several fit all cells, the first is proposed.
DATE_FORMATS = ("%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y", "%d-%b-%y", "%d.%m.%y", "%d-%m-%y", "%Y/%m/%d", "%Y%m%d",
                "%m/%d/%Y", "%m/%d/%y")  # fmt: skip
SESSION_WORDS = {"morning": "AM", "afternoon": "PM"}
_MAY_BE_A_DATE = re.compile(r"\d{1,4}([/.-])(?:\d{1,2}|[A-Za-z]{3})\1\d{2,4}|20\d{6}")
MARKS = "marks of a date"  # what a column per date is taken for
CERTAIN, LIKELY, UNCERTAIN = "certain", "likely", "uncertain"


@dataclass(frozen=True)
class Understood:
    """One column of the file. `native`: the columns it is taken for; `sure`: a word; `why`: words without values."""

    header: str
    native: tuple[str, ...]
    sure: str
    why: str


@dataclass(frozen=True)
class Suggestion:
    """`kind`, `layout`: what the file seems to be. `known`, `unknown`: symbols in the column of codes, and how often;
    `other`: texts there that are too long to be symbols, and are not said; `read_by`: the shipped format that reads the
    file as it is, if one does."""

    file_name: str
    sample: Sample
    kind: str
    layout: str | None
    columns: tuple[Understood, ...]
    missing: tuple[str, ...]
    known: dict[str, int]
    unknown: dict[str, int]
    other: int
    blank: int
    read_by: str | None = None

    def text(self) -> str:
        """Commented TOML: how each column was understood, and a map to begin with."""
        return "\n".join([*_told(self), "", *_toml(self)]) + "\n"


def suggest(file_name: str, data: bytes) -> Suggestion:
    """Look at a sample of an export. Raises UnreadableFile."""
    sample = read_sample(file_name, data)
    contents = [_content(column) for column in sample.columns]
    kind, layout, columns = max(
        ((k, how, _columns(k, how, sample, contents)) for k, how in _shapes(sample)),
        key=lambda c: _score(c[0], c[1], c[2]),
    )
    taken = {n for c in columns for n in c.native}
    missing = tuple(c.header for c in _native(kind, layout) if c.needed and not {c.header, c.instead} & taken)
    symbols: Counter[str] = Counter()
    blank = 0
    for i, (c, values) in enumerate(zip(columns, sample.columns, strict=True)):
        if {"Code", "WeekMarks", MARKS, *SLOTS} & set(c.native):
            whole_day = sample.dates is not None and MARKS in c.native and sample.dates.sessions[i] is None
            found = [s for v in values for s in _symbols(v, "WeekMarks" in c.native, whole_day)]
            blank += found.count("")
            symbols.update(s for s in found if s)
    known = {s: n for s, n in symbols.most_common() if CODES.number(s) is not None}
    unknown = {s: n for s, n in symbols.most_common() if CODES.number(s) is None and len(s) <= _LONGEST_SYMBOL}
    if sum(known.values()) * 2 < symbols.total() or len(unknown) > _MOST_SYMBOLS:
        unknown = {}  # not a column of codes after all: nothing of it is said
    other = symbols.total() - sum(known.values()) - sum(unknown.values())
    read_by = sample.format or _shipped(kind, layout, data, len(sample))
    said = Suggestion(file_name, sample, kind, layout, columns, missing, known, unknown, other, blank, read_by)
    # No shipped format reads dates or sessions that a map has to describe.
    return replace(said, read_by=sample.format) if sample.dates is None and layout and _of_cells(said) else said


def _shipped(kind: str, layout: str | None, data: bytes, rows: int) -> str | None:
    """The shipped format that reads a table of the layout as it is, and sets no row aside for its form."""
    form = {None: "native", "rows": "native", "week_string": "sims-weekly", "wide_week": "bromcom-week"}.get(layout)
    if form is None or kind in KEPT_BY_PEOPLE:
        return None
    ending = "xlsx" if data[:4] == b"PK\x03\x04" else "csv"
    try:
        table = formats()[form].read(kind, f"sample.{ending}", data)
    except UnreadableFile:
        return None
    return form if rows and not table.faults else None


def _shapes(sample: Sample) -> list[tuple[str, str | None]]:
    if sample.dates is not None:
        return [("register", "date_columns")]
    layouts = [layout for layout in LAYOUTS if layout != "date_columns"]
    return [("register", layout) for layout in layouts] + [(k, None) for k in KINDS if k != "register"]


def _native(kind: str, layout: str | None) -> Sequence[Column]:
    return LAYOUTS[layout] if layout else KINDS[kind].columns


def _score(kind: str, layout: str | None, columns: Sequence[Understood]) -> tuple[float, int]:
    native = _native(kind, layout)
    taken = {n for c in columns for n in c.native}
    needed = [{c.header, c.instead} for c in native if c.needed]
    # A file that has all that a kind needs is of that kind; among those the one that leaves fewest columns unread.
    return sum(bool(names & taken) for names in needed) / len(needed), sum(bool(c.native) for c in columns)


def _columns(kind: str, layout: str | None, sample: Sample, contents: Sequence[_Content]) -> tuple[Understood, ...]:
    natives = _native(kind, layout)
    by_header = {_key(n): c.header for c in natives for n in reversed(_names(kind, c))}
    named = [by_header.get(_key(h), "") if h else "" for h in sample.headers]
    out: list[Understood] = []
    taken: set[str] = set()
    native: tuple[str, ...]
    # Where no header is known, what was taken for them may be a pupil's row: then none is shown.
    known = any(named)
    dates = sample.dates.sessions if sample.dates else {}
    for i, (header, name, content) in enumerate(zip(sample.headers, named, contents, strict=True)):
        shown = header if known and header else f"(column {len(out) + 1})"
        fits = content.of.get("session date", 0) > 0.9 and {"Date", "Session"} <= {c.header for c in natives}
        if i in dates:
            session = dates[i] or "both sessions"
            native, sure, why = (MARKS,), CERTAIN, f"by its header; {session}"
        elif fits and name in ("", "Date", "Session") and not taken & {"Date", "Session"}:
            native, sure, why = ("Date", "Session"), CERTAIN, "date and session in one cell"
        elif name and name not in taken:
            column = next(c for c in natives if c.header == name)
            native = (name,)
            sure, why = _agreement(column, content, _key(header) == _key(name))
        else:
            guess = "" if name else _by_content([c for c in natives if c.header not in {*named, *taken}], content)
            native = (guess,) if guess else ()
            sure = LIKELY if guess else UNCERTAIN
            why = f"by its content: {content.words}" if guess else f"not taken for any column; {content.words}"
            why = "the same column again; not read" if name in taken else why
        taken |= set(native) - {MARKS}
        out.append(Understood(shown, native, sure, why))
    return tuple(out)


def _names(kind: str, column: Column) -> tuple[str, ...]:
    named = (given.get(kind, {}).get(column.header, ()) for given in (CAPTIONS, _HEADERS))
    return (column.header, *column.also, *(name for names in named for name in names))


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


# ---------------------------------------------------------------- what cells look like


@dataclass(frozen=True)
class _Content:
    """Of the cells that are filled: the share that may be each thing. `words` says the most telling."""

    filled: int
    of: dict[str, float]
    words: str


_LOOKS: dict[str, Callable[[str], bool]] = {
    "UPN": lambda t: is_upn(cells.tidy_upn(t)),
    "UPN but for the check letter": lambda t: has_upn_form(cells.tidy_upn(t)),
    "session date": lambda t: date_and_session(t) is not None,
    "date": lambda t: cells.date_of(t) is not None,
    "date written in another way": lambda t: any(_is_written(t, form) for form in DATE_FORMATS),
    "session": lambda t: t.upper() in ("AM", "PM"),
    "session in words": lambda t: t.casefold() in SESSION_WORDS,
    "week of marks": lambda t: 5 <= len(t) <= 14 and {"/", "\\"} & set(t) != set() and marks_of_string(t) is not None,
    "register code": lambda t: CODES.number(t) not in (None, 0),
    "year group": lambda t: t.lower().startswith("y") and cells.year_group_of(t) is not None,
    "yes or no": lambda t: cells.flag_of(t) is not None,
}
# What each kind of native cell must look like, most telling first.
_OF_CELL: dict[str, tuple[str, ...]] = {
    "upn": ("UPN", "UPN but for the check letter"),
    "date": ("date",),
    "register_date": ("date", "session date", "date written in another way"),
    "moment": ("date",),
    "session": ("session", "session date", "session in words"),
    "code": ("register code",),
    "year_group": ("year group",),
    "flag": ("yes or no",),
}
_OF_HEADER = {"WeekStart": ("date",), "WeekMarks": ("week of marks",), **dict.fromkeys(SLOTS, ("register code",))}
# Content alone says so much only of these.
_TELLING = {"upn", "register_date", "session", "code"}


def _content(values: Sequence[str]) -> _Content:
    counted = Counter(cells.tidy(v) for v in values)
    blank = counted.pop("", 0)
    filled = counted.total()
    if not filled:
        return _Content(0, {}, "nothing in it")
    of = {name: sum(n for t, n in counted.items() if looks(t)) / filled for name, looks in _LOOKS.items()}
    best = next((name for name in _LOOKS if of[name] > 0.5), None)
    words = "text" if best is None else f"{_share(of[best])} of the filled cells look like a {best}"
    return _Content(filled, of, words + (f", {_share(blank / (blank + filled))} are blank" if blank else ""))


def _is_written(text: str, form: str) -> bool:
    if not _MAY_BE_A_DATE.fullmatch(text):  # most cells are none, and this is asked of all of them
        return False
    try:
        dt.datetime.strptime(text, form)  # noqa: DTZ007  # a day has no zone
    except ValueError:
        return False
    return True


def _share(share: float) -> str:
    return "all" if share == 1 else f"{min(int(share * 100), 99)}%"


def _agreement(column: Column, content: _Content, own: bool) -> tuple[str, str]:
    """How sure a header is, looking at the cells below it."""
    by = "its native name" if own else "a name that other systems give it"
    looks = _OF_HEADER.get(column.header) or _OF_CELL.get(column.cell)
    if looks is None or not content.filled:
        return (CERTAIN if own else LIKELY), f"by its header, {by}" + ("" if content.filled else "; nothing in it")
    share = max(content.of.get(name, 0.0) for name in looks)
    if share > 0.9:
        return CERTAIN, f"by its header, {by}; {content.words}"
    if share > 0.5:
        return LIKELY, f"by its header, {by}; only {_share(share)} of the filled cells fit"
    return (
        UNCERTAIN,
        f"by its header, {by}; but its cells look otherwise ({_share(share)} fit): check them",
    )


def _by_content(free: Sequence[Column], content: _Content) -> str:
    for column in free:
        looks = _OF_HEADER.get(column.header) or (_OF_CELL[column.cell] if column.cell in _TELLING else ())
        if column.needed and any(content.of.get(name, 0) > 0.9 for name in looks) and column.header not in SLOTS:
            return column.header
    return ""


def _symbols(value: str, week: bool, whole_day: bool) -> list[str]:
    if week:
        return marks_of_string(value) or []
    return list((two_marks(value) if whole_day else None) or [cells.tidy(value)])


# ---------------------------------------------------------------- words


def _quoted(text: str) -> str:
    """A TOML string; JSON's is one."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)


def _told(s: Suggestion) -> list[str]:
    sample = s.sample
    what = f"{s.kind}" + (f", layout {s.layout}" if s.layout else "")
    out = [f"# {_plain(s.file_name)}: {len(sample)} rows, read as {sample.written.upper()}; it seems to hold: {what}."]
    if sample.format:
        out.append(f'# The shipped format reads such files: mis = "{sample.format}". No column map is needed.')
    elif s.read_by:
        blank = " To it a blank is a session not entered." if s.layout == "wide_week" and s.blank else ""
        out.append(f"# The shipped format {s.read_by} reads it as it is, without a map.{blank}")
    elif sample.written in ("xml", "json"):
        out.append("# A column map reads CSV and XLSX alone: ask for one of these, or for a format of its own.")
    out.append("#")
    if sample.columns:
        told = _together(s.columns)
        width = max(len(_plain(c.header)) for c in told)
        out.append("# How each column was understood:")
        for c in told:
            native = " and ".join(c.native) or "-"
            out.append(f"#   {_plain(c.header):<{width}}  -> {native:<18} {c.sure}: {c.why}")
    if sample.columns and not any(c.header in sample.headers for c in s.columns):
        out.append("# No header is known, so none is shown: the first row may be a pupil's. Export it with headers.")
    if s.missing and sample.columns:
        out.append(f"# Not found, and needed: {', '.join(s.missing)}.")
    if s.known or s.unknown or s.other:
        out.append("#")
        out.append(f"# Register codes found: {_listed(s.known) or 'none'}.")
        if s.unknown:
            out.append(f"# Not register codes: {_listed(s.unknown)}. What they mean only the school can say.")
        if s.other:
            out.append(f"# Other texts in the column of codes: {s.other} cells; they are not shown.")
    return out


def _together(columns: Sequence[Understood]) -> list[Understood]:
    """The columns with those of dates that stand side by side as one: a term has hundreds."""
    out: list[Understood] = []
    for dated, found in groupby(columns, lambda c: MARKS in c.native):
        side = list(found)
        if not dated or len(side) < 3:
            out += side
            continue
        header = f"{side[0].header} ... {side[-1].header}"
        out.append(Understood(header, (MARKS,), CERTAIN, f"{len(side)} columns, by their headers"))
    return out


def _listed(symbols: dict[str, int]) -> str:
    return ", ".join(f"{_plain(s)} ({n}x)" for s, n in symbols.items())


def _toml(s: Suggestion) -> list[str]:
    sample = s.sample
    if sample.format or sample.written in ("xml", "json"):
        return []
    out = [
        "# Save as mis/<name>.toml in the home, check it, and name it in attendance.toml:",
        '#   mis = "mis/<name>.toml"',
    ]
    if sample.encoding:
        out.append(f"encoding = {_quoted(sample.encoding)}")
    if sample.delimiter != ",":
        out.append(f"delimiter = {_quoted(sample.delimiter)}")
    out += ["", f"[{s.kind}]"]
    if s.layout:
        out.append(f'layout = "{s.layout}"')
    if sample.skip:
        out.append(f"skip_rows = {sample.skip}  # rows above the header")
    if sample.dates:
        out += _of_dates(sample.dates)
    elif s.layout:
        out += _of_cells(s)
    if sample.totals:
        out.append(f"total_rows = [{', '.join(map(_quoted, sample.totals))}]  # rows that begin so are no pupils")
    if s.kind == "register" and s.layout != "week_string":
        if s.blank:
            choices = '"present", "not entered"' + (' or "withdrawn"' if s.layout == "rows" else "")
            out.append(f"# {s.blank} cells are blank. What that says only the school's system can tell: {choices}.")
        else:
            out.append("# No cell is blank in this sample; what a blank one would say has to be settled all the same.")
        out.append('blank = ""  # to be filled in')
    if s.kind == "register" and (odd := [u for u in s.unknown if u in ("-", "_", ".", "*")]):
        out.append(f"# no_mark = [{', '.join(map(_quoted, odd))}]  # if these stand where no mark was made")
    out += ["", f"[{s.kind}.columns]"]
    for c in (c for c in s.columns if c.header in sample.headers):
        for native in (n for n in c.native if n != MARKS):
            note = "" if c.sure == CERTAIN else f"  # {c.sure}"
            out.append(f"{_quoted(native)} = {_quoted(c.header)}{note}")
    out += [f'# {_quoted(m)} = ""  # needed' for m in s.missing]
    if s.kind == "register" and s.unknown:
        out += ["", "# [[register.codes]]", "# valid_from = 2024-08-19", "# [register.codes.map]"]
        out += [f'# {_quoted(u)} = ""  # {n} times' for u, n in s.unknown.items()]
    return out


def _of_cells(s: Suggestion) -> list[str]:
    """How the dates and sessions of cells are written, where not as in the native format."""
    out = []
    columns = {n: values for c, values in zip(s.columns, s.sample.columns, strict=True) for n in c.native}
    dates = {t for t in map(cells.tidy, columns.get("WeekStart", columns.get("Date", ()))) if t}
    if dates and sum(cells.date_of(t) is None for t in dates) * 10 > len(dates) * 9:
        fits = {form: sum(_is_written(t, form) for t in dates) for form in DATE_FORMATS}
        best = max(fits, key=lambda form: fits[form])
        if fits[best] * 10 > len(dates) * 9:
            example = dt.date(2026, 9, 21).strftime(best)
            out.append(f"date_format = {_quoted(best)}  # check it: 21 September 2026 would be {example}")
    words = {
        w: SESSION_WORDS[w.casefold()]
        for t in columns.get("Session", ())
        if (w := cells.tidy(t)).casefold() in SESSION_WORDS
    }
    if words:
        out.append(f"sessions = {{ {', '.join(f'{_quoted(w)} = {_quoted(a)}' for w, a in sorted(words.items()))} }}")
    return out


def _of_dates(dates: DateColumns) -> list[str]:
    out = []
    if dates.header_rows > 1:
        out.append(f"header_rows = {dates.header_rows}  # the headers stand over so many rows")
    if dates.date_format:
        out.append(f"date_format = {_quoted(dates.date_format)}  # check it: 05/01 may be 5 January or 1 May")
    if dates.words:
        out.append(f"sessions = {{ {', '.join(f'{_quoted(w)} = {_quoted(s)}' for w, s in dates.words.items())} }}")
    if dates.without_year:
        out.append("# Its dates have no year: files have to bear the day on which they were made in their name.")
    return out
