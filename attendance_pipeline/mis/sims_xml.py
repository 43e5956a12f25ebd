"""The format `sims-xml`: what SIMS's CommandReporter prints. Root `SuperStarReport`, one `Record` a row.

Here is how a record becomes a row, which captions are which native columns, and the few values that SIMS writes in its
own way. Files that are not XML (the log that staff keep) are native. XML itself is read in `xml_walk.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

import numpy as np

from attendance_pipeline.mis.cells import tidy
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.mis.kinds import KINDS, Column
from attendance_pipeline.mis.native import ROW
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.mis.xml_walk import NOT_WELL_FORMED, as_utf8, parts_of, walk
from attendance_pipeline.store.extracts import Fault

TWICE = "a field stands twice in the record"
NESTED = "an element inside a field"
OUTSIDE = "text outside the fields of the record"

BROKEN = "not a whole record"
CUT_OFF = "the report ends too soon, with or after this record"
NO_RECORD = "an element that is not a Record where records stand"

_ROOT, _RECORD = "SuperStarReport", "Record"
_OPEN, _CLOSE = f"<{_ROOT}>".encode(), f"</{_ROOT}>".encode()
_STILL_BROKEN = b"<Record>&</Record>"
MOST_PARTS = 100_000  # of a broken report that are looked at one by one
_HIDDEN = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how a character that no name may hold is written in a caption
_START_TAG = re.compile(rb"""<[^\s/>]+(?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*/?>""")
MOST_RECORDS = 3_000_000  # a year of marks of 3,000 pupils is a third of it

# Captions that schools give the columns, besides the native header. Where several stand in one file the native header
# is read, else the first of these.
_MARKS: dict[str, tuple[str, ...]] = {
    "UPN": ("Unique Pupil Number",),
    "Date": ("Mark Date", "Attendance Date", "Session Date"),
    "Code": ("Mark", "Attendance Mark", "Attendance Code"),
    "Minutes Late": ("Mins Late", "Minutes"),
}
CAPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "pupils": {
        "UPN": ("Unique Pupil Number",),
        "Admission Number": ("Adno", "Adm No", "Admission No"),
        "Forename": ("Legal Forename", "First Name"),
        "Surname": ("Legal Surname", "Last Name"),
        "Preferred Forename": ("Chosen Name", "Chosen Forename", "Preferred Name"),
        "Date of Birth": ("DOB", "Birth Date"),
        "Sex": ("Gender", "Legal Sex", "Sex at Birth"),
        "Year Group": (
            "Year",
            "NC Year",
            "Year Taught In",
            "Year Taught In Code",
            "Curriculum Year",
            "NC Year Actual",
            "Year Code",
        ),
        "Class": ("Reg", "Reg Group", "Registration Group", "Form", "Tutor Group", "Reg Form", "Registration Form"),
        "Entry Date": ("Date of Admission", "Admission Date", "Date of Entry", "DOA", "Admitted", "Start Date"),
        "Leaving Date": ("Date of Leaving", "DOL"),
        "Enrolment Status": ("Enrol Status",),
        "SEN": ("SEN Status", "SEN Stage", "SEN Provision", "SEN Code", "SEN Need Status"),
        "FSM": ("FSM Eligible", "Eligible for FSM", "Free School Meals"),
        "Pupil Premium": ("Pupil Premium Indicator", "PP"),
        "EAL": ("English as Additional Language", "English Additional Language"),
        "Home Language": ("First Language",),
        "Ethnicity": ("Ethnic Code",),
        "Looked After": ("In Care", "LAC", "CLA"),
    },
    "contacts": {
        "UPN": ("Unique Pupil Number",),
        "Contact ID": ("Contact Person ID",),
        "Priority": ("Contact Priority",),
        "Forename": ("Contact Forename",),
        "Surname": ("Contact Surname", "Legal Surname"),
        "Title": ("Contact Title",),
        "Relationship": ("Contact Relationship",),
        "Receives Correspondence": ("Correspondence",),
        "Court Restriction": ("Court Order",),
        "Address 1": ("Address Line 1",),
        "Address 2": ("Address Line 2",),
        "Address 3": ("Address Line 3",),
        "Postcode": ("Post Code",),
        "Email": ("Primary Email", "Main Email", "Email Address"),
        "Telephone": ("Primary Telephone", "Main Telephone", "Telephone Number"),
    },
    "classes": {
        "Class": ("Reg", "Reg Group", "Registration Group", "Form", "Tutor Group"),
        "Teacher": ("Tutor", "Reg Tutor", "Registration Tutor", "Form Tutor"),
        "Email": ("Primary Email", "Main Email", "Work Email"),
    },
    "register": {
        **_MARKS,
        "Session": ("Session Name", "AM PM"),
        "Comment": ("Comments", "Attendance Comment"),
    },
    "lessons": {**_MARKS, "Period": ("Period Name",), "Subject": ("Subject Name",), "Class": ("Class Name",)},
}


class SimsXml(SomeKinds):
    """See contract.md section 2."""

    name = "sims-xml"
    own_version = 2

    def reads(self, kind: str, file_name: str) -> bool:
        return file_name.lower().endswith(".xml")

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        return _table(kind, _walked(as_utf8(data), _captions(kind)))

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        document = as_utf8(data)
        # Also a field that is not read because a better caption stands beside it.
        records = _walked(document, {k: c for k, c in _captions(kind).items() if c in columns}, with_places=True)
        lines = records.lines()
        out, at = bytearray(), 0
        for name, record, begin, last in sorted(records.places, key=lambda p: p[2]):
            if records.faults.get(record) == BROKEN:  # what of it is a comment cannot be told
                out += document[at:begin] + _STILL_BROKEN + b"\n" * document.count(b"\n", begin, last)
                at = last
                continue
            if lines[record] in keep_lines:
                continue
            tag = _START_TAG.match(document, begin)
            end = document.index(b">", last) + 1 if last > begin or tag is None else tag.end()
            # A record that was set aside stays one that is.
            inside = b"<_/>" if records.faults.get(record) == NESTED else b""
            out += document[at:begin] + f"<{name}>".encode() + inside
            out += b"\n" * document.count(b"\n", begin, end) + f"</{name}>".encode()
            at = end
        return bytes(out + document[at:]) if at else data


def register_and(data: bytes, captions: Sequence[str]) -> tuple[RawTable, dict[str, list[str]]]:
    """The register of a report, and by caption the cells of other columns of it, a cell for each record: for whoever
    looks at a report that stands by itself, and reads it once. Raises UnreadableFile."""
    others = {_key(c): c for c in captions}
    records = _walked(as_utf8(data), {**others, **_captions("register")})
    cells: dict[str, list[str]] = {}
    for name in records.columns:
        if (key := _key(caption(name))) in others:
            cells.setdefault(others[key], records.cells(name))
    return _table("register", records), cells


def _walked(document: bytes, known: Mapping[str, str], with_places: bool = False) -> _Records:
    """The records of a report. One that is broken costs itself, where the others can be told. Raises UnreadableFile."""
    records = _Records(known, with_places)
    try:
        walk(document, records)
    except UnreadableFile as fault:
        may_be = fault.rule == NO_RECORD or fault.rule.startswith(NOT_WELL_FORMED)
        found = parts_of(document, _ROOT, _RECORD, MOST_PARTS) if may_be else None
        if found is None:
            raise
        parts, whole = found
        records = _Records(known, with_places)
        line = 1
        for i, (begin, end) in enumerate(parts):
            line += document.count(b"\n", parts[i - 1][0] if i else 0, begin)
            records.take(document[begin:end], line, begin, end)
        records.cut_off = not whole
        if len(records.faults) == len(records):  # none is whole: it is something else
            raise
    return records


def caption(name: str) -> str:
    """The caption that an element's name stands for: `Legal_x0020_Surname` is `Legal Surname`."""
    return tidy(_HIDDEN.sub(lambda m: chr(int(m[1], 16)), name))


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def _names(kind: str, column: Column) -> tuple[str, ...]:
    return (column.header, *column.also, *CAPTIONS.get(kind, {}).get(column.header, ()))


def _captions(kind: str) -> dict[str, str]:
    """The native column that each caption may be read as, by the caption's key."""
    return {_key(n): c.header for c in KINDS[kind].columns for n in _names(kind, c)}


class _Records:
    """Every record as it stands: a cell for each element's name that may be read, and what was wrong with it.

    `known`: keys of captions that may be read; others are only named. `with_places`: note where their fields stand.
    """

    def __init__(self, known: Mapping[str, str], with_places: bool = False) -> None:
        self.columns: dict[str, list[str]] = {}
        self.ignored: dict[str, None] = {}
        self.faults: dict[int, str] = {}
        self.places: list[tuple[str, int, int, int]] = []  # name, number of the record, begin, place of the end tag
        self.cut_off = False  # the report ends before its root does, perhaps between two records
        self._known, self._with_places = known, with_places
        self._reads: dict[str, bool] = {}
        self._line: list[int] = []
        self._depth = self._begin = 0
        self._text: list[str] = []
        self._filled: set[str] = set()

    def start(self, name: str, line: int, at: int) -> None:
        self._depth += 1
        if self._depth == 1 and name != _ROOT:
            raise UnreadableFile(f"the root of the file is not {_ROOT}", line=line)
        if self._depth == 2:
            if name != _RECORD:
                raise UnreadableFile(NO_RECORD, line=line)
            if len(self._line) == MOST_RECORDS:
                raise UnreadableFile("more than 3,000,000 records", line=line)
            self._line.append(line)
            self._filled = set()
        elif self._depth == 3:
            self._text, self._begin = [], at
        elif self._depth > 3:
            self._fault(NESTED)

    def text(self, text: str) -> None:
        if self._depth == 3:
            self._text.append(text)
        elif self._depth == 2 and not text.isspace():
            self._fault(OUTSIDE)
        elif self._depth == 1 and not text.isspace():
            raise UnreadableFile("text between the records")

    def end(self, name: str, line: int, at: int) -> None:
        if self._depth == 3:
            reads = self._reads.get(name)
            if reads is None:
                reads = self._reads[name] = _key(caption(name)) in self._known
            if name in self._filled:
                self._fault(TWICE)
            self._filled.add(name)
            if reads:
                cells = self.columns.get(name)
                if cells is None:
                    cells = self.columns[name] = []
                if (lacks := len(self._line) - len(cells)) > 1:
                    cells += [""] * (lacks - 1)
                if lacks:
                    cells.append("".join(self._text))
                else:
                    cells[-1] = "".join(self._text)
                if self._with_places:
                    self.places.append((name, len(self._line) - 1, self._begin, at))
            else:
                self.ignored[caption(name)] = None
        self._depth -= 1

    def take(self, part: bytes, line: int, begin: int, end: int) -> None:
        """One part of a broken report, found on `line` and from `begin` to `end`: a record, or what is none."""
        one = _Records(self._known, self._with_places)
        try:
            walk(_OPEN + part + _CLOSE, one)
        except UnreadableFile:
            one = _Records(self._known)
        number = len(self._line)
        self._line.append(line)
        if len(one) != 1:
            self.faults[number] = BROKEN
            self.places.append((_RECORD, number, begin, end))
            return
        for name in one.columns:
            cells = self.columns.setdefault(name, [])
            cells += [""] * (number - len(cells)) + one.cells(name)
        self.ignored.update(one.ignored)
        if one.faults:
            self.faults[number] = one.faults[0]
        self.places += [(name, number, b + begin - len(_OPEN), e + begin - len(_OPEN)) for name, _, b, e in one.places]

    def _fault(self, rule: str) -> None:
        self.faults.setdefault(len(self._line) - 1, rule)

    def __len__(self) -> int:
        return len(self._line)

    def lines(self) -> list[int]:
        """Where each record begins; where several share a line, the number of each record, so that it can be found."""
        if len(set(self._line)) == len(self._line):
            return self._line
        return list(range(1, len(self._line) + 1))

    def cells(self, name: str) -> list[str]:
        found = self.columns[name]
        return found + [""] * (len(self) - len(found))


def _table(kind: str, records: _Records) -> RawTable:
    by_name = _chosen(kind, list(records.columns))
    columns = {column: records.cells(name) for name, column in by_name.items()}
    if len(records):
        for c in KINDS[kind].columns:
            if c.needed and c.header not in columns and c.instead not in columns:
                raise UnreadableFile("a required column is missing from every record", c.header)
    lines = records.lines()
    if "Class" in columns and "Year Group" in columns:
        columns["Class"] = [_without_year(c, y) for c, y in zip(columns["Class"], columns["Year Group"], strict=True)]
    cut = (Fault(lines[-1], ROW, CUT_OFF),) if records.cut_off else ()
    good = [i for i in range(len(records)) if i not in records.faults]
    return RawTable(
        columns={h: [cells[i] for i in good] for h, cells in columns.items()},
        line=np.array([lines[i] for i in good], dtype=np.int32),
        faults=(*(Fault(lines[i], ROW, rule) for i, rule in sorted(records.faults.items())), *cut),
        ignored=(*(caption(n) for n in records.columns if n not in by_name), *records.ignored),
    )


def _chosen(kind: str, names: Sequence[str]) -> dict[str, str]:
    """The native column that each element's name is read as. Raises UnreadableFile."""
    by_key: dict[str, str] = {}
    for name in names:
        if by_key.setdefault(_key(caption(name)), name) != name:
            raise UnreadableFile("two names of elements are the same caption", caption(name))
    chosen: dict[str, str] = {}
    for c in KINDS[kind].columns:
        for wanted in _names(kind, c):
            found = by_key.get(_key(wanted))
            if found is not None and found not in chosen:
                chosen[found] = c.header
                break
    return chosen


def _without_year(group: str, year: str) -> str:
    """A class without the year that a report put before it: `Year  7 7A`, `Year 77A` and `Year 7A` are all `7A`."""
    group, number = tidy(group), re.sub(r"\D", "", year)
    m = re.match(rf"(?:Year|Yr)\s*{number}(\s*[-:/]?\s*)", group, re.IGNORECASE)
    rest = group[m.end() :] if m and number else ""
    if m is None or not rest:
        return group
    if rest[0].isdigit() and not rest.startswith(number):
        return group
    return number + rest if not m[1] and rest[0].isalpha() else rest
