"""Extracts read by a column map: any CSV or XLSX of which a school has said where everything stands.

Here a file's own headers, dates and sessions become native ones. What a map may say is in `map_settings.py`; codes are
translated later, with the school's own (`reading.py`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial

from attendance_pipeline.mis.cells import date_of, moment_of, tidy
from attendance_pipeline.mis.date_columns import date_header, one_header, unfold_dates
from attendance_pipeline.mis.formats import Coded, RawTable, UnreadableFile
from attendance_pipeline.mis.inbox import kind_and_day
from attendance_pipeline.mis.kinds import KINDS, Column, header_key
from attendance_pipeline.mis.map_settings import DATED, SLOTS, ColumnMap, KindMap, RegisterMap, columns_of
from attendance_pipeline.mis.native import MOST_COLUMNS, blank_cells, read_cells, table_of_columns, texts_of
from attendance_pipeline.mis.reading import DatedCodes
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.mis.weeks import marks_of_string, unfold, who_of
from attendance_pipeline.register.log_versions import DECIDED

Rows = list[tuple[int, list[str]]]

_SESSION = re.compile(r"\b(AM|PM)\b\.?", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# `21 Sep 2026`, `Mon 21st September 2026`: in words nothing is uncertain, so no format has to be given.
_IN_WORDS = re.compile(r"(?:[a-z]+,?\s+)?(\d{1,2})(?:st|nd|rd|th)?[ -]([a-z]{3})[a-z]*\.?,?[ -](\d{4})", re.IGNORECASE)
_OTHER_FORMAT = "not of the map's date format"
_PRESENT = {"AM": "/", "PM": "\\"}
_NO_MARK_IN_A_STRING = ("-", "_")
_SATURDAY = 5
_NOT_YET = "(not yet)"  # stands for a blank of a session that had not been; no code is so long
_PLACE = "(column {})"
_LONGEST_HEADER = 60  # of what is named in a fault


class MappedFormat(SomeKinds):
    """Files of the kinds that a column map speaks of; the others are native. `name` is what the settings call it."""

    own_version = 3

    def __init__(self, name: str, column_map: ColumnMap) -> None:
        self.name = name
        self._map = column_map
        content = column_map.model_dump_json(by_alias=True)
        self._digest = hashlib.sha256(content.encode()).hexdigest()

    @property
    def version(self) -> str:
        """Another map reads the same files otherwise."""
        return f"{super().version}, map {self._digest}"

    @property
    def codes(self) -> list[DatedCodes]:
        """Local codes of the map, as `load` takes them."""
        how = self._map.register_
        return [DatedCodes(c.map, c.valid_from, c.valid_to) for c in how.codes] if how else []

    def kind_and_day(self, name: str) -> tuple[str, dt.date | None] | None:
        """Kind and recorded date by a file's name, the map's pattern or the contract's. No date: see `made_on`."""
        for kind, how in () if DECIDED in name else self._map.kinds:
            m = re.fullmatch(how.file_name, name) if how.file_name else None
            if m is None:
                continue
            if "date" not in m.groupdict():
                return kind, None
            day = _day_of_name(m["date"] or "", how.file_date)
            return None if day is None else (kind, day)
        return kind_and_day(name)

    def made_on(self, kind: str, file_name: str, data: bytes, arrived: dt.date) -> dt.date:
        """The recorded date of a file whose name has none: the newest date in it up to its arrival, or its arrival."""
        how = self._map.of(kind)
        if how is None or how.recorded_from != "content":
            return arrived
        try:
            dates = texts_of(self._read(kind, file_name, data, arrived), DATED[kind])
        except (UnreadableFile, KeyError):
            return arrived
        days = [d for text in set(dates) if (d := date_of(tidy(text))) is not None and d <= arrived]
        return max(days, default=arrived)

    def reads(self, kind: str, file_name: str) -> bool:
        # What a person decided of letters is written by the program: a native log, whatever the school's own is like.
        return self._map.of(kind) is not None and DECIDED not in file_name

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        days = [found[1] for found in (self.kind_and_day(file_name), kind_and_day(file_name)) if found]
        return self._read(kind, file_name, data, next((d for d in days if d is not None), None))

    def _read(self, kind: str, file_name: str, data: bytes, made: dt.date | None) -> RawTable:
        """`made`: the day the file was made, where it is known."""
        how = self._how(kind)
        rows = read_cells(file_name, self._as_utf8(file_name, data), how.skip_rows, self._map.delimiter)
        if isinstance(how, RegisterMap) and how.layout == "date_columns":
            return _date_columns(how, rows, made, ragged=file_name.lower().endswith(".xlsx"))
        columns = columns_of(kind, how)
        table = table_of_columns(columns, _without_totals(rows, how), {n: (h,) for n, h in how.columns.items()})
        if not isinstance(how, RegisterMap):
            return _changed(table, _dates(kind, how, table))
        if how.layout == "rows":
            return _register(how, table, made)
        return _weeks(how, table, made)

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        how = self._how(kind)
        if isinstance(how, RegisterMap) and how.layout == "date_columns":
            return data  # marks of dates have no comment
        wanted = {header_key(tidy(how.columns.get(c, c))) for c in columns}
        # A header that is also read as something else holds no comment.
        wanted -= {header_key(tidy(h)) for n, h in how.columns.items() if n not in columns}
        if file_name.lower().endswith(".xlsx"):
            from attendance_pipeline.mis.xlsx import blank_columns

            return blank_columns(data, wanted, keep_lines, how.skip_rows)
        text = self._as_utf8(file_name, data)
        blanked = blank_cells(text, wanted, keep_lines, how.skip_rows, self._map.delimiter)
        return data if blanked is text else blanked.decode().encode(self._map.encoding or "utf-8")

    def _how(self, kind: str) -> KindMap:
        how = self._map.of(kind)
        if how is None:
            raise LookupError(kind)
        return how

    def _as_utf8(self, file_name: str, data: bytes) -> bytes:
        encoding = self._map.encoding
        if encoding is None or file_name.lower().endswith(".xlsx"):
            return data
        try:
            return data.decode(encoding).removeprefix("\ufeff").encode()
        except UnicodeError:
            raise UnreadableFile(f"not {encoding} text, as the column map says") from None


def _without_totals(rows: Rows, how: KindMap) -> Rows:
    """The rows without those that begin with a marker of totals."""
    markers = tuple(re.escape(tidy(m)) for m in how.total_rows)
    if not markers:
        return rows
    total = re.compile(rf"(?:{'|'.join(markers)})(?!\w)", re.IGNORECASE)
    first = ((row, next((t for c in row[1] if (t := tidy(c))), "")) for row in rows[1:])
    return [*rows[:1], *(row for row, text in first if not total.match(text))]


def _changed(table: RawTable, columns: dict[str, list[str] | Coded], no_mark: Sequence[str] = ()) -> RawTable:
    return RawTable(
        {**table.columns, **columns}, table.line, table.faults, table.ignored, frozenset(tidy(n) for n in no_mark)
    )


def _dates(kind: str, how: KindMap, table: RawTable) -> dict[str, list[str] | Coded]:
    """The dated columns of a kind, each cell as an ISO date (or moment) where it can be understood."""
    out: dict[str, list[str] | Coded] = {}
    for c in KINDS[kind].columns:
        if c.header in table.columns and c.cell in ("date", "register_date", "moment"):
            out[c.header] = _each(
                table, c.header, partial(date_text, date_format=how.date_format, moment=c.cell == "moment")
            )
    return out


def _register(how: RegisterMap, table: RawTable, made: dt.date | None) -> RawTable:
    out = _dates("register", how, table)
    sessions = _local_sessions(how)
    out["Session"] = _each(table, "Session", lambda t: session_text(t, sessions))
    no_mark = [*how.no_mark, *([""] if how.blank == "not entered" else [])]
    return _blank_as(how, _changed(table, out, no_mark), made)


def _local_sessions(how: RegisterMap) -> dict[str, str]:
    return {tidy(local).casefold(): session for local, session in how.sessions.items()}


def _blank_as(how: RegisterMap, table: RawTable, made: dt.date | None) -> RawTable:
    """The register with a blank code as present, where the map says so.

    Not after the day the file was made, nor on a weekend: nobody was present in a session that had not been.
    """
    if how.blank != "present":
        return table
    dates = texts_of(table, "Date")
    days = {text: date_of(tidy(text)) for text in set(dates)}
    been = {t for t, d in days.items() if d is None or (d.weekday() < _SATURDAY and (made is None or d <= made))}
    codes = [
        code if tidy(code) else _PRESENT.get(session.upper(), "") if date in been else _NOT_YET
        for code, session, date in zip(texts_of(table, "Code"), texts_of(table, "Session"), dates, strict=True)
    ]
    return _changed(table, {"Code": codes}, [*table.no_mark, _NOT_YET])


def _date_columns(how: RegisterMap, rows: Rows, made: dt.date | None, ragged: bool) -> RawTable:
    """A table with a column per date: the columns that name a pupil are read as any others.

    `ragged`: a row ends with its last filled cell, as in a sheet whose merged headers end before their columns do.
    """
    above = rows[: how.header_rows]
    if len(above) < how.header_rows:
        raise UnreadableFile("the file is empty", "UPN")
    if max(len(cells) for _, cells in above) > MOST_COLUMNS:
        raise UnreadableFile("the header has more than 1,000 columns")
    says = partial(date_header, made=made, date_format=how.date_format, sessions=_local_sessions(how))
    names, dates = one_header([cells for _, cells in above], says)
    if not dates:
        raise UnreadableFile("no header names a date")
    line = above[-1][0]
    wide = [(n, [*c, *[""] * (len(names) - len(c))] if ragged else c) for n, c in rows[how.header_rows :]]
    nameless = [i for i, name in enumerate(names) if not name]
    if any(cells[i].strip() for _, cells in wide for i in nameless if i < len(cells)):
        raise UnreadableFile("a column with cells has no header", line=line)
    # Under names of their own, so that no date can be taken for a column that names a pupil.
    plain = [_PLACE.format(i) if i in dates else name for i, name in enumerate(names)]
    columns = (*columns_of("register", how), *(Column(_PLACE.format(i)) for i in dates))
    whole = _without_totals([(line, plain), *wide], how)
    table = table_of_columns(columns, whole, {n: (h,) for n, h in how.columns.items()})
    unfolded = unfold_dates(
        who_of(table),
        list(dates.values()),
        [texts_of(table, _PLACE.format(i)) for i in dates],
        table.line.tolist(),
        headers=[names[i][:_LONGEST_HEADER] for i in dates],
        faults=table.faults,
        ignored=table.ignored,
        no_mark=frozenset(["", *how.no_mark]),
    )
    return _blank_as(how, unfolded, made)


def _weeks(how: RegisterMap, table: RawTable, made: dt.date | None) -> RawTable:
    if how.layout == "week_string":
        weeks = [marks_of_string(text) for text in texts_of(table, "WeekMarks")]
        no_mark = {"", *_NO_MARK_IN_A_STRING, *how.no_mark}
    else:
        slots = [s for s in SLOTS if s in table.columns]
        if len(slots) not in (10, 14):
            raise UnreadableFile("of Saturday and Sunday all four sessions have a column, or none", "SatAM")
        weeks = [list(week) for week in zip(*(texts_of(table, slot) for slot in slots), strict=True)]
        no_mark = {"", *how.no_mark}
    unfolded = unfold(
        who_of(table),
        _each(table, "WeekStart", lambda t: date_text(t, how.date_format, False)),
        weeks,
        table.line.tolist(),
        faults=table.faults,
        ignored=table.ignored,
        no_mark=frozenset(no_mark),
        named=how.layout == "wide_week",
    )
    return unfolded if how.layout == "week_string" else _blank_as(how, unfolded, made)


def _each(table: RawTable, header: str, change: Callable[[str], str]) -> list[str]:
    """The cells of a column, each changed; asked once of each distinct text."""
    texts = texts_of(table, header)
    changed = {t: change(t) for t in set(texts)}
    return [changed[t] for t in texts]


def date_text(text: str, date_format: str | None, moment: bool) -> str:
    """A date as ISO text; what cannot be understood stays as it is, and is found at fault later."""
    whole = moment or (date_format is not None and "%p" in date_format)  # AM and PM are of the time, not a session
    bare = tidy(text if whole else _SESSION.sub("", text))
    if date_format is not None:
        try:
            return dt.datetime.strptime(bare, date_format).date().isoformat()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            # A cell that a spreadsheet knew as a date comes as ISO. Anything else is not what the map says: read as
            # day and month after all, 13/01 among American dates would pass unseen.
            return bare if not bare or (date_of(bare) is not None and re.match(r"\d{4}-", bare)) else _OTHER_FORMAT
    if m := _IN_WORDS.fullmatch(bare):
        try:
            return dt.date(int(m[3]), _MONTHS.index(m[2].lower()) + 1, int(m[1])).isoformat()
        except ValueError:
            return text
    if moment:
        return text if moment_of(bare) is None else bare
    day = date_of(bare)
    return text if day is None else day.isoformat()


def date_and_session(text: str) -> tuple[dt.date, str] | None:
    """Date and session of a cell that holds both, such as `21 Sep 2026 AM`; None for any other."""
    session = session_text(text, {})
    day = date_of(date_text(text, None, moment=False))
    return (day, session) if day is not None and session in ("AM", "PM") else None


def session_text(text: str, sessions: Mapping[str, str]) -> str:
    """The session that a cell names, by local words in lower case first; what names none, or both, stays as it is."""
    text = tidy(text)
    if (mapped := sessions.get(text.casefold())) is not None:
        return mapped
    found = {m.upper() for m in _SESSION.findall(text)}
    return found.pop() if len(found) == 1 else text


def _day_of_name(text: str, date_format: str | None) -> dt.date | None:
    for form in [date_format] if date_format else ["%Y-%m-%d", "%Y%m%d"]:
        try:
            return dt.datetime.strptime(text, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    return None
