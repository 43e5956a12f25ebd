"""One export of marks, whatever it is written in: read as `mis suggest` understands it, and all that was assumed.

Belongs here: choosing how the file is read, reshaping what no reader takes as it is (pupils known by name, a morning
and an afternoon column, dates as numbers), and the marks that come out. Not here: what the marks mean (`outcome`), and
how a format is read (`mis/`).

A row that a home would set aside is set aside here too, and counted. Nothing is written.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.mis.cells import date_of, tidy, tidy_upn
from attendance_pipeline.mis.formats import Coded, RawTable, UnreadableFile
from attendance_pipeline.mis.map_settings import ColumnMap
from attendance_pipeline.mis.mapped import MappedFormat, date_text, session_text
from attendance_pipeline.mis.native import ROW, WRONG_CELLS, read_cells, texts_of
from attendance_pipeline.mis.reading import read_tables
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.mis.samples import Sample
from attendance_pipeline.mis.suggest import MARKS, Suggestion, suggest
from attendance_pipeline.store.extracts import ExtractKey, Fault
from attendance_pipeline.store.persons import student_name
from attendance_pipeline.trial import headers
from attendance_pipeline.trial.columns import (
    Table,
    Text,
    as_text,
    changed,
    coded,
    distinct,
    one_row_a_session,
    read_table,
    sheets_of,
    text_of_file,
    without_totals,
)
from attendance_pipeline.trial.elements import head_of, people_of_json, people_of_transfer_file, report_of_sims
from attendance_pipeline.trial.people import Person, identity, mostly_upns, person_of

_KEY = "(pupil)"
_MOST_EXAMPLES = 5
_LONGEST_SYMBOL = 4
# Dates that `cells.date_of` does not read, the usual first.
_DATE_FORMATS = ("%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y", "%d-%b-%Y", "%d-%b-%y", "%d.%m.%y", "%d-%m-%y", "%Y/%m/%d",
                 "%Y%m%d", "%m/%d/%Y", "%m/%d/%y")  # fmt: skip
_AMERICAN = ("%m/%d/%Y", "%m/%d/%y")
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_050  # the years 2000 to 2099 as spreadsheets number days
_SERIAL_EPOCH = dt.date(1899, 12, 30)
_HALVES = {
    "AM": ("am", "ammark", "amcode", "morning", "amsession", "amattendance", "amregister"),
    "PM": ("pm", "pmmark", "pmcode", "afternoon", "pmsession", "pmattendance", "pmregister"),
}
_WORDS_OF_SESSIONS = {"morning": "AM", "afternoon": "PM", "a": "AM", "p": "PM", "1": "AM", "2": "PM"}
_PRESENT = {"AM": "/", "PM": "\\"}
# Layouts in which a blank cell may mean present. In the others, and in the formats of systems, a blank is no mark.
_BLANK_IS_OPEN = ("rows", "wide_week", "date_columns")

_ENOUGH = 20_000  # rows of a table that was reshaped, to look at it again


@dataclass(frozen=True)
class SetAside:
    """Rows that cannot be used for one reason: how many, and the first lines where they stand."""

    column: str
    rule: str
    rows: int
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Export:
    """Marks of an export: arrays of one length. `pupil`: place in `people`; `code`: number of register_codes, or
    WITHDRAWN for a cell that is blank. `form`: what the file is, in words; `notes`: what was assumed or changed;
    `blank_is_open`: whether a blank cell may mean present; `codes`, `unknown`: symbols in the file and how often."""

    file_name: str
    form: str
    suggestion: Suggestion
    who: Mapping[str, str]
    known_by: str
    rows: int
    people: tuple[Person, ...]
    pupil: npt.NDArray[np.int32]
    day: npt.NDArray[np.datetime64]
    session: npt.NDArray[np.uint8]
    code: npt.NDArray[np.uint8]
    codes: Mapping[str, int]
    unknown: Mapping[str, int]
    set_aside: tuple[SetAside, ...]
    warnings: Mapping[str, int]
    blank_is_open: bool
    notes: tuple[str, ...]


@dataclass
class _Found:
    """What reading goes through: the table, who its rows are about, and what was assumed on the way."""

    table: RawTable
    known_by: str
    people: Mapping[str, Person]
    blank_is_open: bool
    who: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_export(file_name: str, data: bytes, made: dt.date, codes: Mapping[str, str] | None = None) -> Export:
    """Read one export. `made`: the day the file was made, for dates without a year; `codes`: local codes and the
    register codes they stand for. Raises UnreadableFile, also for a file that holds no register."""
    notes: list[str] = []
    text: Text | None = None
    if _is_table(file_name, data):
        text = text_of_file(file_name, data)
        suggestion, found = _of_table(file_name, text, made, notes)
        if data[:4] == b"PK\x03\x04":
            suggestion = replace(suggestion, sample=replace(suggestion.sample, written="xlsx"))
            sheets = sheets_of(data)
            if sheets > 1:
                notes.append(f"The workbook has {sheets} sheets; the first was read.")
    else:
        suggestion = replace(suggest(file_name, head_of(data)), file_name=file_name)
        if not suggestion.sample.format:
            raise UnreadableFile("XML or JSON of a system whose exports are not known; export the marks as CSV or XLSX")
        found = _of_format(suggestion, data)
    notes += found.notes
    table, symbols = _understood_codes(found.table, codes or {}, notes)
    reading = read_tables("register", [(ExtractKey(made, f"register_{made}.csv", "0" * 64), table)])[0]
    if reading.unusable is not None:
        raise reading.unusable
    register = reading.register
    if register is None:
        raise AssertionError("a register is read as one")
    set_aside = _set_aside(reading.faults, text)
    if not len(register.upn):
        reasons = "; ".join(f"{s.rows:,} × {s.rule}, column {s.column or '-'}" for s in set_aside[:3])
        raise UnreadableFile(f"no row can be used{': ' + reasons if reasons else ''}")
    used, pupil = np.unique(register.upn, return_inverse=True)
    names = [register.upns[i] for i in used]
    known = {c: n for c, n in symbols.items() if CODES.number(c) is not None}
    return Export(
        file_name=file_name,
        form=_form(suggestion),
        suggestion=suggestion,
        who=found.who,
        known_by=found.known_by,
        rows=reading.rows,
        people=tuple(found.people.get(n) or Person(upn=n) for n in names),
        pupil=pupil.astype(np.int32),
        day=register.day,
        session=register.session,
        code=register.code,
        codes=known,
        unknown={c: n for c, n in symbols.items() if c not in known},
        set_aside=set_aside,
        warnings=reading.warnings,
        blank_is_open=found.blank_is_open,
        notes=tuple(notes),
    )


def _is_table(file_name: str, data: bytes) -> bool:
    """Whether a file is a CSV or a workbook, and not XML or JSON."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") and file_name.lower().endswith(".xml")
    return not (start in (b"<", b"{", b"[") or wide)


def _form(suggestion: Suggestion) -> str:
    sample = suggestion.sample
    if sample.format:
        return f"{sample.written.upper()}, format {sample.format}"
    words = {
        "rows": "a row for each mark",
        "week_string": "a week of marks in one text",
        "wide_week": "a week in a row, a column for each session",
        "date_columns": "a column for each date" if _both(sample) else "a column for each date and session",
    }
    return f"{sample.written.upper()}, {words[suggestion.layout or 'rows']}"


def _both(sample: Sample) -> bool:
    return sample.dates is not None and None in sample.dates.sessions.values()


# ---------------------------------------------------------------- tables


def _of_table(file_name: str, text: Text, made: dt.date, notes: list[str]) -> tuple[Suggestion, _Found]:
    """A CSV or workbook as a register: understood by its head, known pupils told apart, marks as a table."""
    suggestion = suggest("export.csv", text.head)
    sample = suggestion.sample
    table: Table | None = None
    halves = _halves(sample)
    if halves is not None:
        whole = read_table(text, sample.skip, sample.delimiter)
        table = one_row_a_session(without_totals(whole, sample.totals), halves)
        suggestion = suggest("export.csv", as_text(table, _ENOUGH))
        shown = [sample.headers[i] for i in halves.values()]
        notes.append(f"The columns {shown[0]} and {shown[1]} were read as the two sessions of a day.")
    who = headers.who_columns(suggestion.sample.headers)
    told = {name: suggestion.sample.headers[place] for name, place in who.items()}
    if suggestion.kind != "register":
        # Many columns about the pupils make it look like a list of pupils: what is it without them?
        plain = [f"pupil {i}" if i in who.values() else h for i, h in enumerate(suggestion.sample.headers)]
        whole = table or without_totals(read_table(text, sample.skip, sample.delimiter), sample.totals)
        again = suggest("export.csv", as_text(replace(whole, headers=tuple(plain)), _ENOUGH))
        if again.kind == "register" and not set(again.missing) - {"UPN"}:
            own = replace(again.sample, skip=sample.skip, delimiter=sample.delimiter, totals=sample.totals)
            suggestion, table = replace(again, sample=own), whole
    _refuse_others(suggestion, who)
    dated = {i for i, c in enumerate(suggestion.columns) if set(c.native) & {"Date", "WeekStart", MARKS}}
    who = {name: place for name, place in who.items() if place not in dated}
    if not set(who) & {headers.UPN, headers.STUDENT_ID, headers.ADMISSION, headers.NAME, headers.SURNAME}:
        by_content = {n: i for i, c in enumerate(suggestion.columns) for n in c.native if n == headers.UPN}
        who |= by_content
        told |= {name: suggestion.columns[i].header for name, i in by_content.items()}
    told = {name: told[name] for name in who}
    if suggestion.layout == "rows":
        if table is None:
            table = without_totals(read_table(text, sample.skip, sample.delimiter), sample.totals)
        found = _of_rows(suggestion, table, who)
    else:
        found = _of_wide(suggestion, text, made, who)
    columns = [
        replace(c, header=h) for c, h in zip(suggestion.columns, _own_headers(suggestion, told, who), strict=True)
    ]
    suggestion = replace(suggestion, file_name=file_name, columns=tuple(columns))
    return suggestion, replace(found, who=told)


def _own_headers(suggestion: Suggestion, told: Mapping[str, str], who: Mapping[str, int]) -> list[str]:
    """The headers of the columns, of those that say who a row is about as the file has them."""
    own = {place: told[name] for name, place in who.items()}
    return [own.get(i, c.header) for i, c in enumerate(suggestion.columns)]


def _refuse_others(suggestion: Suggestion, who: Mapping[str, int]) -> None:
    """Raise UnreadableFile for a file that is no register, saying what it seems to be and what is missing."""
    missing = [m for m in suggestion.missing if m != "UPN"]
    if (suggestion.kind != "register" or missing) and any(headers.figure_columns(suggestion.sample.headers)):
        raise UnreadableFile("it has figures of pupils and no marks: a list to be held against an export of marks")
    if suggestion.kind == "lessons":
        raise UnreadableFile("it seems to hold marks of lessons; the morning and afternoon register is needed")
    if suggestion.kind != "register":
        raise UnreadableFile(f"it seems to hold {suggestion.kind}, not the marks of a register")
    known = {headers.UPN, headers.STUDENT_ID, headers.ADMISSION, headers.NAME, headers.SURNAME} & set(who)
    missing = ["who the pupil is" if m == "UPN" else m for m in suggestion.missing if m != "UPN" or not known]
    if missing:
        raise UnreadableFile(f"no column is found for {', '.join(missing)}; `attendance mis suggest` shows each column")


@dataclass(frozen=True)
class _Keys:
    """By what the pupils are told apart. `key`: of each combination of cells, its key; `is_upn`: whether that is a UPN;
    `row`: of each row, the number of its combination; `people`: by key."""

    key: Sequence[str]
    is_upn: Sequence[bool]
    row: npt.NDArray[np.int32]
    people: Mapping[str, Person]
    known_by: str
    notes: list[str]


def _keys(who: Mapping[str, int], columns: Sequence[Coded]) -> _Keys:
    """The pupils of a table whose columns `who` say whom each row is about."""
    notes: list[str] = []
    upns = headers.UPN in who and mostly_upns(list(columns[who[headers.UPN]].texts))
    names = list(who)
    combinations, row = distinct([columns[place] for place in who.values()])
    keys: list[str] = []
    is_upn: list[bool] = []
    people: dict[str, Person] = {}
    for cells in combinations:
        named = dict(zip(names, cells, strict=True))
        key = identity(named, upns)
        keys.append(key)
        is_upn.append(upns and bool(tidy_upn(named.get(headers.UPN, ""))))
        if key:
            people[key] = _merged(people.get(key), person_of(named))
    numbered = bool({headers.UPN, headers.STUDENT_ID, headers.ADMISSION} & set(who))
    known_by = "UPN" if upns else "number" if numbered else "name and class" if headers.CLASS in who else "name"
    if headers.UPN in who and not upns:
        notes.append("What stands in the column of UPNs are no UPNs: taken for numbers of the school's own.")
    if upns and any(k and not u for k, u in zip(keys, is_upn, strict=True)):
        notes.append("Pupils in rows without a UPN are known by another number, or by their name.")
    return _Keys(keys, is_upn, row, people, known_by, notes)


def _merged(known: Person | None, new: Person) -> Person:
    """What two rows say of one person: the newer where it says anything."""
    if known is None:
        return new
    return replace(known, **{name: value for name, value in vars(new).items() if value})


def _of_rows(suggestion: Suggestion, table: Table, who: Mapping[str, int]) -> _Found:
    """A table with a row for each mark."""
    found = _keys(who, table.columns)
    notes = found.notes
    place = {n: i for i, c in enumerate(suggestion.columns) for n in c.native}
    dates = table.columns[place["Date"]]
    sessions = table.columns[place["Session"]]
    form, serials = _date_format(dates.texts, notes)
    words = {} if place["Session"] == place["Date"] else _session_words(sessions.texts, notes)
    columns: dict[str, list[str] | Coded] = {
        "UPN": _picked([k if u else "" for k, u in zip(found.key, found.is_upn, strict=True)], found.row),
        "Student ID": _picked(["" if u else k for k, u in zip(found.key, found.is_upn, strict=True)], found.row),
        "Date": changed(dates, lambda t: serials.get(tidy(t)) or date_text(t, form, False)),
        "Session": changed(sessions, lambda t: session_text(t, words)),
        "Code": changed(table.columns[place["Code"]], tidy),
    }
    faults = tuple(Fault(line, ROW, WRONG_CELLS) for line in table.uneven)
    people = {**{student_name("", tidy(k)): p for k, p in found.people.items()}, **found.people}
    return _Found(RawTable(columns, table.line, faults), found.known_by, people, True, notes=notes)


def _picked(texts: Sequence[str], row: npt.NDArray[np.int32]) -> Coded:
    column = coded(texts)
    return Coded(column.texts, column.codes[row])


def _of_wide(suggestion: Suggestion, text: Text, made: dt.date, who: Mapping[str, int]) -> _Found:
    """A table with many marks in a row, read by a column map as `mis suggest` proposes it."""
    sample = suggestion.sample
    header_rows = sample.dates.header_rows if sample.dates else 1
    rows = read_cells("export.csv", text.data, sample.skip, sample.delimiter)
    width = len(sample.headers)
    body = [cells for _, cells in rows[header_rows:]]
    found = _keys(who, [coded([c[i] if i < len(c) else "" for c in body]) for i in range(width)])
    notes = found.notes
    own: list[tuple[str, str]] = [("", "")] * (header_rows - 1) + [("(UPN)", _KEY)]
    for number in found.row.tolist():
        key = found.key[number]
        own.append((key, "") if found.is_upn[number] else ("", key))
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n")
    line_break = re.compile(r"[\r\n]+")
    # What tells the pupil stands first: a header of several rows goes on to the right, and must not reach it.
    writer.writerows([*k, *(line_break.sub(" ", c) for c in cells)] for k, (_, cells) in zip(own, rows, strict=True))
    columns = {n: c.header for c in suggestion.columns for n in c.native if n not in (MARKS, "UPN", "Student ID")}
    how: dict[str, object] = {
        "layout": suggestion.layout,
        "columns": {**columns, "UPN": "(UPN)", "Student ID": _KEY},
        "blank": "not entered",
        "total_rows": sample.totals,
    }
    if sample.dates is not None:
        how |= {
            "header_rows": header_rows,
            "date_format": sample.dates.date_format,
            "sessions": dict(sample.dates.words),
        }
    else:
        start = next(i for i, c in enumerate(suggestion.columns) if "WeekStart" in c.native)
        how["date_format"] = _date_format([c[start] for c in body if start < len(c)], notes)[0]
    form = MappedFormat("try", ColumnMap.model_validate({"register": how}))
    table = form.read("register", f"register_{made}.csv", written.getvalue().encode())
    blank_is_open = suggestion.layout in _BLANK_IS_OPEN
    lines = np.array([0, *(line for line, _ in rows)], dtype=np.int32)
    table = replace(
        table,
        line=lines[table.line],
        faults=tuple(replace(f, line=int(lines[f.line])) for f in table.faults),
        no_mark=table.no_mark - {""} if blank_is_open else table.no_mark,
    )
    people = {**{student_name("", tidy(k)): p for k, p in found.people.items()}, **found.people}
    return _Found(table, found.known_by, people, blank_is_open, notes=notes)


def _date_format(texts: Sequence[str], notes: list[str]) -> tuple[str | None, Mapping[str, str]]:
    """How the dates of marks are written, where not as usual; and, where they stand as the numbers that spreadsheets
    give days, the ISO date of each."""
    bare = {re.sub(r"\b[ap]m\b\.?", "", tidy(t), flags=re.IGNORECASE).strip() for t in set(texts)} - {""}
    usual = sum(date_of(date_text(t, None, False)) is not None for t in bare)
    if not bare or usual * 10 >= len(bare) * 9:
        return None, {}
    serials = {t for t in bare if t.isdigit() and _FIRST_SERIAL <= int(t) <= _LAST_SERIAL}
    if len(serials) * 10 >= len(bare) * 9:
        notes.append("Dates stand as the numbers that spreadsheets give days; they were read as such.")
        return None, {t: (_SERIAL_EPOCH + dt.timedelta(days=int(t))).isoformat() for t in serials}
    fits = {form: sum(_parses(t, form) for t in bare) for form in _DATE_FORMATS}
    best = max(fits, key=lambda form: fits[form])
    if fits[best] * 10 < len(bare) * 9:
        return None, {}
    order = "month before day" if best in _AMERICAN else "day before month"
    if not best.startswith("%Y"):
        notes.append(f"21 September 2026 would be written {dt.date(2026, 9, 21).strftime(best)}: {order}.")
    return best, {}


def _parses(text: str, form: str) -> bool:
    try:
        dt.datetime.strptime(text, form)  # noqa: DTZ007  # a day has no zone
    except ValueError:
        return False
    return True


def _session_words(texts: Sequence[str], notes: list[str]) -> dict[str, str]:
    """Words for the sessions that are not AM and PM, where the column holds two that leave no doubt."""
    spoken = {tidy(t).casefold() for t in texts} - {""}
    odd = {t: _WORDS_OF_SESSIONS[t] for t in spoken if t in _WORDS_OF_SESSIONS}
    if not odd or not spoken <= {*_WORDS_OF_SESSIONS, "am", "pm"}:
        return {}
    notes.append("Sessions: " + ", ".join(f"{t!r} was read as {s}" for t, s in sorted(odd.items())) + ".")
    return odd


def _halves(sample: Sample) -> dict[str, int] | None:
    """Columns of mornings and of afternoons, in a table with a row for each pupil and day."""
    if sample.dates is not None:
        return None
    keys = [headers.key_of(h) for h in sample.headers]
    found = {s: next((i for i, k in enumerate(keys) if k in names), None) for s, names in _HALVES.items()}
    dated = any(
        "date" in key or _share_of(column, lambda t: date_of(t) is not None) > 0.5
        for column, key in zip(sample.columns, keys, strict=True)
    )
    places = {s: place for s, place in found.items() if place is not None}
    return places if len(places) == len(_HALVES) and dated and "session" not in keys else None


def _share_of(values: Sequence[str], holds: Callable[[str], bool]) -> float:
    many = Counter(values)
    filled = {t: n for text, n in many.items() if (t := tidy(text))}
    return sum(n for t, n in filled.items() if holds(t)) / max(sum(filled.values()), 1)


# ---------------------------------------------------------------- formats of systems


def _of_format(suggestion: Suggestion, data: bytes) -> _Found:
    form = suggestion.sample.format or ""
    ending = "xml" if suggestion.sample.written == "xml" else "json"
    people: list[Person]
    if form == "sims-xml":
        table, people = report_of_sims(data, suggestion.sample.headers)
    else:
        table = formats()[form].read("register", f"register.{ending}", data)
        people = people_of_transfer_file(data) if ending == "xml" else people_of_json(data)
    known = {**{student_name("", tidy(p.student_id)): p for p in people if p.student_id},
             **{p.upn: p for p in people if p.upn}}  # fmt: skip
    upns = "UPN" in table.columns and any(t.strip() for t in set(texts_of(table, "UPN")))
    if "Student ID" in table.columns:
        for text in set(texts_of(table, "Student ID")):
            known.setdefault(student_name("", tidy(text)), Person(student_id=tidy(text)))
    by = "UPN" if upns else "number"
    return _Found(table, by, known, blank_is_open=False, who={by: by} if by == "UPN" else {"Student ID": "student id"})


# ---------------------------------------------------------------- codes


def _understood_codes(
    table: RawTable, local: Mapping[str, str], notes: list[str]
) -> tuple[RawTable, Mapping[str, int]]:
    """The table with local codes as register codes, and every symbol with its number.

    A file that writes one sign for present in both sessions means both: the other sign is put where it belongs.
    """
    raw = table.columns["Code"]
    code = changed(raw if isinstance(raw, Coded) else coded(raw), lambda t: local.get(tidy(t), tidy(t)))
    raw = table.columns["Session"]
    session = changed(raw if isinstance(raw, Coded) else coded(raw), lambda t: tidy(t).upper())
    if local:
        notes.append("Local codes as you gave them: " + ", ".join(f"{a} = {b}" for a, b in local.items()) + ".")
    texts = [*code.texts, *(sign for sign in _PRESENT.values() if sign not in code.texts)]
    of = {t: i for i, t in enumerate(texts)}
    codes = code.codes.copy()
    halves = {s: session.codes == (session.texts.index(s) if s in session.texts else -1) for s in _PRESENT}
    for wrong, right in (("PM", "AM"), ("AM", "PM")):
        misplaced = halves[wrong] & (codes == of[_PRESENT[right]])
        if misplaced.any() and not (codes == of[_PRESENT[wrong]]).any():
            codes[misplaced] = of[_PRESENT[wrong]]
            half = "afternoons" if wrong == "PM" else "mornings"
            notes.append(
                f"The file writes {_PRESENT[right]} for present in the {half} too ({int(misplaced.sum()):,} marks): "
                "taken for present."
            )
            break
    many = np.bincount(codes, minlength=len(texts))
    shown = {
        texts[i]: int(many[i])
        for i in np.argsort(-many, kind="stable")
        if many[i] and texts[i] and (len(texts[i]) <= _LONGEST_SYMBOL or CODES.number(texts[i]) is not None)
    }
    return replace(table, columns={**table.columns, "Code": Coded(texts, codes)}), shown


def _set_aside(faults: Sequence[Fault], text: Text | None) -> tuple[SetAside, ...]:
    """Faults by reason, the most frequent first; with lines of the file as it is."""
    rows: dict[tuple[str, str], set[int]] = {}
    many: Counter[tuple[str, str]] = Counter()
    for f in faults:
        named = "pupil" if f.column in (_KEY, "(UPN)") else f.column
        rows.setdefault((named, f.rule), set()).add(text.line(f.line) if text else f.line)
        many[named, f.rule] += 1
    return tuple(
        SetAside(column, rule, n, tuple(sorted(rows[column, rule])[:_MOST_EXAMPLES]))
        for (column, rule), n in many.most_common()
    )


def columns_told(export: Export) -> Iterator[tuple[str, str, str]]:
    """(header, taken as, why) of each column, those of dates side by side as one."""
    who = {header: name for name, header in export.who.items()}
    dated: list[str] = []
    for c in export.suggestion.columns:
        if MARKS in c.native:
            dated.append(c.header)
            continue
        name = who.get(c.header)
        if name is not None and not set(c.native) - {"UPN", "Student ID"}:
            yield c.header, name, "tells who the pupil is"
        else:
            yield c.header, " and ".join(c.native) or "-", f"{c.sure}: {c.why}"
    if dated:
        shown = f"{dated[0]} … {dated[-1]}" if len(dated) > 1 else dated[0]
        yield shown, MARKS, f"{len(dated)} columns, by their headers"
