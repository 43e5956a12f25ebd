"""Many files of one kind, read and checked as one frame: what of each file can be used, and what not and why.

The way from text to canonical rows is the same for every format. Nothing here touches a database or a folder.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from attendance_pipeline.law.register_codes import CODES, WITHDRAWN
from attendance_pipeline.mis import cells
from attendance_pipeline.mis.formats import Coded, RawTable, UnreadableFile
from attendance_pipeline.mis.kinds import KINDS, Kind
from attendance_pipeline.mis.schemas import MOST_MINUTES_LATE, action_of, by_text, count_faults, faults_of, sure_upn
from attendance_pipeline.register.statements import NO_MINUTES
from attendance_pipeline.store.extracts import ExtractKey, Fault, Record
from attendance_pipeline.store.persons import WHOLE_SCHOOL, student_name, whole_school_name

CONFLICT = "conflicting rows"
HOPELESS = "more than 200,000 faults in its rows: it is no such file, or its column map or code map is another's"
MOST_FAULTS = 200_000  # each is a row of the quarantine; a person looks at some dozens
_RULES_OF_A_ROW = 10
_MOST_TOLD, _LONGEST_TOLD = 60, 60
_VALUE = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}", re.IGNORECASE)
NOT_UPNS = "UPNs that are none: matched by name"
_UPNS = ("upn", "maybe_upn")
_LEFT = frozenset({"leaver", "left", "off roll"})
_YOUNGEST, _OLDEST = 2, 20  # ages of pupils that are not remarked upon


@dataclass(frozen=True)
class DatedCodes:
    """A school's local codes and the register codes they stand for, on dates from `valid_from` to `valid_to`."""

    codes: Mapping[str, str]
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


@dataclass(frozen=True)
class RegisterRows:
    """Usable rows of one register extract, arrays of one length. `upn` is an index into `upns`; others as `Marks`."""

    upns: tuple[str, ...]
    upn: npt.NDArray[np.int32]
    day: npt.NDArray[np.datetime64]
    session: npt.NDArray[np.uint8]
    code: npt.NDArray[np.uint8]
    minutes: npt.NDArray[np.uint16]
    line: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Reading:
    """One file as understood. `rows`: how many it holds, usable or not. One of `register` and `records` is filled;
    lessons come as records of their own columns. `private`: columns that hold something the kept copy leaves out.
    `unusable`: why nothing of the file can be used after all; then nothing of it is here."""

    key: ExtractKey
    kind: str
    rows: int
    faults: tuple[Fault, ...]
    ignored: tuple[str, ...]
    warnings: Mapping[str, int] = field(default_factory=dict)
    register: RegisterRows | None = None
    records: tuple[Record, ...] = ()
    private: tuple[str, ...] = ()
    unusable: UnreadableFile | None = None


def read_tables(
    kind: str,
    tables: Sequence[tuple[ExtractKey, RawTable]],
    code_map: Sequence[DatedCodes] = (),
    keep_private: bool = False,
    school: str = "",
) -> list[Reading]:
    """Understand files of one kind, together. `keep_private`: with the columns that are left out otherwise; `school`:
    whose student ids they are."""
    if not tables:
        return []
    frame, file, line = _one_frame(kind, tables, school)
    if "Code" in frame:
        written = frame["Code"]
        if code_map:
            frame["Code"] = _translated(frame, code_map)
        says = ~_says_nothing(written, frame["Code"], file, [t.no_mark for _, t in tables])
        if not says.all():
            frame, file, line = frame[says].reset_index(drop=True), file[says], line[says]
    hopeless = _hopeless(kind, frame, file, tables)
    if hopeless.any():
        kept = ~hopeless[file]
        frame, file, line = frame[kept].reset_index(drop=True), file[kept], line[kept]
    found = faults_of(kind, frame)
    usable = np.ones(len(frame), dtype=bool)
    usable[[position for position, _, _ in found]] = False
    if kind == "register":
        values = _register_values(frame, usable)
        found += _conflicts(
            file,
            usable,
            [values.upn, values.day.astype(np.int64), values.session],
            [values.code, values.minutes],
            "Code",
        )
        records: list[list[Record]] = [[] for _ in tables]
    else:
        found += _record_conflicts(kind, frame, file, usable)
        records = _records(kind, frame, file, line, usable, keep_private, len(tables))
    by_file: list[list[Fault]] = [[] if hopeless[i] else list(t.faults) for i, (_, t) in enumerate(tables)]
    for position, column, rule in found:
        by_file[file[position]].append(Fault(int(line[position]), column, rule))
    warnings = _warnings(kind, frame, file, usable, len(tables))
    bounds = np.searchsorted(file, np.arange(len(tables) + 1))
    return [
        Reading(
            key=key,
            kind=kind,
            rows=len(table) + len(table.faults),
            faults=tuple(sorted(set(by_file[i]), key=lambda f: (f.line, f.column, f.rule))),
            ignored=table.ignored,
            warnings={**warnings[i], **_columns_to_miss(kind, table)},
            register=_rows_of(values, bounds[i] + np.flatnonzero(usable[bounds[i] : bounds[i + 1]]), line)
            if kind == "register"
            else None,
            records=tuple(records[i]),
            private=tuple(h for h in KINDS[kind].private if h in table.columns and h not in table.empty),
            unusable=UnreadableFile(HOPELESS) if hopeless[i] else None,
        )
        for i, (key, table) in enumerate(tables)
    ]


def told(headers: Sequence[str]) -> str:
    """Headers as they may be told to anybody. None is, where one looks like a value: a pupil's row may have come to
    stand in the header's line."""
    if len(headers) > _MOST_TOLD or any(_VALUE.search(h) or len(h) > _LONGEST_TOLD for h in headers):
        return f"{len(headers):,}, which are not shown: they look like what stands below a header"
    return ", ".join(headers)


def _hopeless(
    kind: str, frame: pd.DataFrame, file: npt.NDArray[np.int32], tables: Sequence[tuple[ExtractKey, RawTable]]
) -> npt.NDArray[np.bool_]:
    """Which files have so many faults that they are no extract, or one whose map or code map is not the right one."""
    faults = np.array([len(t.faults) for _, t in tables], dtype=np.int64)
    if len(frame) > MOST_FAULTS // _RULES_OF_A_ROW:
        faults += count_faults(kind, frame, file, len(tables))
    return faults > MOST_FAULTS


def _one_frame(
    kind: str, tables: Sequence[tuple[ExtractKey, RawTable]], school: str
) -> tuple[pd.DataFrame, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    lengths = [len(t) for _, t in tables]
    file = np.repeat(np.arange(len(tables), dtype=np.int32), lengths)
    line = np.concatenate([t.line for _, t in tables]).astype(np.int32)
    frame = pd.DataFrame(index=pd.RangeIndex(len(line)))
    for c in KINDS[kind].columns:
        if c.cell == "unread" or (c.cell == "student" and all(c.header not in t.columns for _, t in tables)):
            continue
        parts = [t.columns.get(c.header, _blank(n)) for (_, t), n in zip(tables, lengths, strict=True)]
        if c.cell == "student":
            frame["UPN"] = _with_students(frame["UPN"], _categorical(parts, cells.tidy), school)
            continue
        if kind == "interventions" and c.header == "UPN":
            frame[c.header] = _categorical(parts, partial(_pupil_or_school, school))
            continue
        frame[c.header] = _categorical(parts, cells.tidy_upn if c.cell in _UPNS else cells.tidy)
    recorded = np.array([key.recorded_on for key, _ in tables], dtype="datetime64[s]")
    frame["(recorded)"] = np.repeat(recorded, lengths)
    return frame, file, line


def _blank(n: int) -> Coded:
    return Coded([""], np.zeros(n, dtype=np.int32))


def _categorical(parts: Sequence[Sequence[str] | Coded], tidy: Callable[[str], str]) -> pd.Categorical:
    """The tidied cells of all parts, the tidying done once for each distinct text."""
    numbers: dict[str, int] = {}
    tidied: dict[str, int] = {}

    def number(text: str) -> int:
        found = numbers.get(text)
        if found is None:
            found = numbers[text] = tidied.setdefault(tidy(text), len(tidied))
        return found

    codes = []
    tables: dict[int, npt.NDArray[np.int32]] = {}  # files that were read together share their texts
    for part in parts:
        if isinstance(part, Coded):
            table = tables.get(id(part.texts))
            if table is None:
                table = tables[id(part.texts)] = np.array([number(t) for t in part.texts], dtype=np.int32)
            codes.append(table[part.codes])
        else:
            codes.append(np.fromiter((number(t) for t in part), dtype=np.int32, count=len(part)))
    return pd.Categorical.from_codes(np.concatenate(codes), categories=pd.Index(list(tidied), dtype=object))


def _pupil_or_school(school: str, text: str) -> str:
    """The UPN of an entry of the log, or the name that stands for the whole school."""
    upn = cells.tidy_upn(text)
    return whole_school_name(school) if upn == WHOLE_SCHOOL else upn


def _with_students(upns: pd.Series, ids: pd.Categorical, school: str) -> pd.Categorical:
    """The UPNs, and in rows without one the name of the person whom the student id means."""
    names = [student_name(school, text) if text else "" for text in ids.categories]
    known = list(upns.cat.categories)
    here = np.array([bool(n) for n in names], dtype=bool)[ids.codes] & by_text(upns, lambda t: t == "")
    place = {name: len(known) + i for i, name in enumerate(n for n in names if n)}
    numbers = np.array([place.get(n, 0) for n in names], dtype=np.int64)
    codes = np.where(here, numbers[ids.codes], upns.cat.codes.to_numpy())
    return pd.Categorical.from_codes(codes, categories=pd.Index([*known, *place], dtype=object))


def _translated(frame: pd.DataFrame, code_map: Sequence[DatedCodes]) -> pd.Categorical:
    day = _days(frame["Date"])
    texts = frame["Code"].astype(object).to_numpy()
    out = texts.copy()
    for part in code_map:
        in_force = ~np.isnat(day)
        if part.valid_from is not None:
            in_force &= day >= np.datetime64(part.valid_from)
        if part.valid_to is not None:
            in_force &= day <= np.datetime64(part.valid_to)
        for local, code in part.codes.items():
            out[in_force & (texts == local)] = code
    return _categorical([list(out)], cells.tidy)


def _says_nothing(
    written: pd.Series, code: pd.Series, file: npt.NDArray[np.int32], no_mark: Sequence[frozenset[str]]
) -> npt.NDArray[np.bool_]:
    """Rows whose code is one that says nothing in their file, and that the code map has left as it was."""
    nothing = np.zeros(len(code), dtype=bool)
    for texts in set(no_mark) - {frozenset()}:
        here = np.array([n == texts for n in no_mark])[file]
        nothing |= here & by_text(written, lambda t, texts=texts: t in texts)  # type: ignore[misc]
    if nothing.any():
        nothing &= written.astype(object).to_numpy() == code.astype(object).to_numpy()
    return nothing


def _days(column: pd.Series) -> npt.NDArray[np.datetime64]:
    return by_text(column, lambda t: np.datetime64(cells.date_of(t) or "NaT", "D"), "datetime64[D]")


def _code_number(text: str) -> int:
    return WITHDRAWN if text == "" else (CODES.number(text) or 0)


def _minutes(text: str) -> int:
    number = cells.whole_number_of(text, 0, MOST_MINUTES_LATE)
    return int(NO_MINUTES) if number is None else number


def _register_values(frame: pd.DataFrame, usable: npt.NDArray[np.bool_]) -> RegisterRows:
    """Every row's values by position; those of rows that are not usable mean nothing."""
    return RegisterRows(
        upns=tuple(frame["UPN"].cat.categories),
        upn=frame["UPN"].cat.codes.to_numpy().astype(np.int32),
        day=_days(frame["Date"]),
        session=by_text(frame["Session"], lambda t: t.upper() == "PM", np.uint8),
        code=by_text(frame["Code"], _code_number, np.uint8),
        minutes=by_text(frame["Minutes Late"], _minutes, np.uint16),
        line=np.zeros(len(frame), dtype=np.int32),
    )


def _rows_of(values: RegisterRows, chosen: npt.NDArray[np.int64], line: npt.NDArray[np.int32]) -> RegisterRows:
    return RegisterRows(
        values.upns,
        values.upn[chosen],
        values.day[chosen],
        values.session[chosen],
        values.code[chosen],
        values.minutes[chosen],
        line[chosen],
    )


def _conflicts(
    file: npt.NDArray[np.int32],
    usable: npt.NDArray[np.bool_],
    key: Sequence[npt.NDArray[Any]],
    content: Sequence[npt.NDArray[Any]],
    column: str,
) -> list[tuple[int, str, str]]:
    """Rows of one file alike in `key`: equal ones count once (the first stays usable), others are all faulty.

    Takes rows out of `usable`; returns the faults.
    """
    at = np.flatnonzero(usable)
    keys = [file[at], *(k[at] for k in key)]
    order = np.lexsort((at, *keys[::-1]))
    at = at[order]
    same = np.ones(max(len(at) - 1, 0), dtype=bool)
    for k in keys:
        same &= k[order][1:] == k[order][:-1]
    if not same.any():
        return []
    group = np.r_[0, np.cumsum(~same)]
    first = at[np.flatnonzero(np.r_[True, ~same])][group]
    differs = np.zeros(len(at), dtype=bool)
    for c in content:
        differs |= c[at] != c[first]
    conflicting = np.isin(group, group[differs])
    usable[at[conflicting | (at != first)]] = False
    return [(int(position), column, CONFLICT) for position in at[conflicting]]


def _record_conflicts(
    kind: str, frame: pd.DataFrame, file: npt.NDArray[np.int32], usable: npt.NDArray[np.bool_]
) -> list[tuple[int, str, str]]:
    columns = [c for c in KINDS[kind].columns if c.header in frame]
    codes = {c.header: _value_numbers(frame[c.header], c.cell) for c in columns}
    headers = list(codes)
    once = KINDS[kind].once or tuple(headers)  # with nothing to be unique, only wholly equal rows count once
    return _conflicts(file, usable, [codes[h] for h in once], [codes[h] for h in headers], once[-1])


def _value_numbers(column: pd.Series, cell: str) -> npt.NDArray[np.int64]:
    """A number for each cell, equal where the values are equal, however they are written."""
    numbers: dict[Any, int] = {}
    value = _VALUES.get(cell, str)
    return by_text(column, lambda t: numbers.setdefault(value(t), len(numbers)), np.int64)


_VALUES: dict[str, Callable[[str], Any]] = {
    "date": lambda t: d.isoformat() if (d := cells.date_of(t)) else None,
    "register_date": lambda t: d.isoformat() if (d := cells.date_of(t)) else None,
    "moment": cells.moment_of,
    "flag": cells.flag_of,
    "year_group": lambda t: cells.year_group_of(t) or t,
    "minutes": lambda t: cells.whole_number_of(t, 0, MOST_MINUTES_LATE),
    "stage": cells.stage_of,
    "maybe_upn": sure_upn,
    "maybe_date": lambda t: d.isoformat() if (d := cells.date_of(t)) else None,
    "maybe_session": cells.session_of,
    "amount": cells.amount_of,
    "action": action_of,
    "letter": action_of,
    "reference": str.upper,
}


def _records(
    kind: str,
    frame: pd.DataFrame,
    file: npt.NDArray[np.int32],
    line: npt.NDArray[np.int32],
    usable: npt.NDArray[np.bool_],
    keep_private: bool,
    n_files: int,
) -> list[list[Record]]:
    spec = KINDS[kind]
    columns = [c for c in spec.columns if c.header in frame and (keep_private or c.header not in spec.private)]
    at = np.flatnonzero(usable)
    content, first = _contents([frame[c.header].cat.codes.to_numpy()[at] for c in columns])
    # Equal rows share one mapping: a year of daily extracts repeats each pupil's row 190 times.
    values = [by_text(frame[c.header], _VALUES.get(c.cell, str), object)[at[first]] for c in columns]
    names = [c.name for c in columns]
    shared = [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
    subjects = [_subject(spec, row) for row in shared]
    out: list[list[Record]] = [[] for _ in range(n_files)]
    seen: Counter[tuple[int, str]] = Counter()
    for f, number, i in zip(file[at].tolist(), line[at].tolist(), content.tolist(), strict=True):
        name = subjects[i]
        if spec.numbered:
            seen[f, name] += 1
            name = f"{name}|{seen[f, name]}"
        out[f].append(Record(number, name, shared[i]))
    return out


def _subject(spec: Kind, row: Mapping[str, Any]) -> str:
    """What a record is about, as text. A column that the extract's kind has but not the row is blank."""
    parts = []
    for one in spec.subject:
        names = (spec.column(h).name for h in ((one,) if isinstance(one, str) else one))
        parts.append(next((str(row[n]) for n in names if row.get(n) not in (None, "")), ""))
    return "|".join(parts)


def _contents(columns: Sequence[npt.NDArray[Any]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A number for each row, equal where rows agree in every column; and the first row of each number."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for codes in columns:
        number = pd.factorize(number * (int(codes.max(initial=0)) + 1) + codes)[0].astype(np.int64)
    return number, np.unique(number, return_index=True)[1]


def _columns_to_miss(kind: str, table: RawTable) -> dict[str, int]:
    """Columns that say who may be written to: without one, nobody may (or all would be asked about)."""
    flags = [c.header for c in KINDS[kind].columns if c.cell == "flag"] if kind == "contacts" else []
    return {f"no column {h}": len(table) for h in flags if h not in table.columns}


def _warnings(
    kind: str, frame: pd.DataFrame, file: npt.NDArray[np.int32], usable: npt.NDArray[np.bool_], n_files: int
) -> list[dict[str, int]]:
    odd: dict[str, npt.NDArray[np.bool_]] = {}
    if kind == "pupils":
        odd["implausible year group"] = by_text(frame["Year Group"], lambda t: cells.year_group_of(t) is None)
        born = _days(frame["Date of Birth"])
        age = (frame["(recorded)"].to_numpy("datetime64[D]") - born).astype("timedelta64[D]").astype(np.int64) / 365.25
        odd["implausible age"] = ~np.isnat(born) & ((age < _YOUNGEST) | (age > _OLDEST))
        odd["no class"] = by_text(frame["Class"], lambda t: t == "")
        left = by_text(frame["Enrolment Status"], lambda t: t.casefold() in _LEFT)
        odd["left by enrolment status, without a leaving date"] = left & np.isnat(_days(frame["Leaving Date"]))
    elif kind == "notifications":
        odd[NOT_UPNS] = by_text(frame["UPN"], lambda t: t != "" and sure_upn(t) == "")
    elif kind == "register":
        day = _days(frame["Date"])
        outside = np.zeros(len(frame), dtype=bool)
        for row in CODES.rows:
            if row.valid_from is None and row.valid_to is None:
                continue
            here = frame["Code"].eq(row.code).to_numpy()
            if row.valid_from is not None:
                outside |= here & (day < np.datetime64(row.valid_from))
            if row.valid_to is not None:
                outside |= here & (day > np.datetime64(row.valid_to))
        odd["code outside its dates"] = outside
    out: list[dict[str, int]] = [{} for _ in range(n_files)]
    for name, rows in odd.items():
        for f, n in enumerate(np.bincount(file[rows & usable], minlength=n_files).tolist()):
            if n:
                out[f][name] = n
    return out
