"""What a column map may say: the tables and keys of a `mis/*.toml`, and what each may be.

A column map tells how one school's system writes its CSV or XLSX extracts. Belongs here: the model, and reading one
file of it. Not here: reading an extract with it (`mapped.py`), nor which school has one (`home.py`).
"""

from __future__ import annotations

import codecs
import datetime as dt
import re
import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.law.settings_errors import SettingsError, SettingsErrors, refused
from attendance_pipeline.mis.kinds import KINDS, STUDENT_ID, Column

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SLOTS = tuple(f"{day}{session}" for day in DAYS for session in ("AM", "PM"))
_WEEKDAY_SLOTS = 10
MOST_SKIPPED = 100
MOST_HEADER_ROWS = 3

_WHO = tuple(c for c in KINDS["register"].columns if c.header in ("UPN", STUDENT_ID))

# The columns of a register by its layout; `rows` has those of the native register.
LAYOUTS: dict[str, tuple[Column, ...]] = {
    "rows": KINDS["register"].columns,
    "week_string": (*_WHO, Column("WeekStart", needed=True), Column("WeekMarks", needed=True)),
    "wide_week": (
        *_WHO,
        Column("WeekStart", needed=True),
        *(Column(slot, needed=i < _WEEKDAY_SLOTS) for i, slot in enumerate(SLOTS)),
    ),
    "date_columns": _WHO,  # beside them a column per date, or per date and session, known by what its header says
}
# Kinds whose rows are dated, and the column whose newest date may stand for the day the file was made.
DATED = {"register": "Date", "lessons": "Date", "notifications": "Submitted", "interventions": "Date"}


def _encoding(value: str) -> str:
    try:
        codecs.lookup(value)
        "a".encode(value)
    except (LookupError, ValueError):
        raise ValueError("the name of a text encoding such as 'utf-8', 'utf-16' or 'cp1252'") from None
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error.msg})") from None
    return value


def _date_format(value: str) -> str:
    try:
        same = dt.datetime.strptime(dt.datetime(2026, 2, 13).strftime(value), value)  # noqa: DTZ001, DTZ007
    except ValueError:
        same = None
    if same is None or (same.year, same.month, same.day) != (2026, 2, 13):
        raise ValueError("a date format with day, month and year, such as '%d.%m.%Y' or '%m/%d/%Y'")
    return value


def _register_code(value: str) -> str:
    if CODES.number(value) in (None, 0):
        raise ValueError("a register code")
    return value


Header = Annotated[str, Field(min_length=1, max_length=200)]
Local = Annotated[str, Field(min_length=1, max_length=40)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Codes(_Strict):
    """Local codes and the register codes they stand for, on the days from `valid_from` to `valid_to`."""

    map: dict[Local, Annotated[str, AfterValidator(_register_code)]]
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


class KindMap(_Strict):
    """How files of one kind are named and laid out. `columns`: native column -> header in the file."""

    columns: dict[str, Header] = Field(default_factory=dict)
    skip_rows: Annotated[int, Field(ge=0, le=MOST_SKIPPED)] = 0
    total_rows: Annotated[tuple[Local, ...], Field(strict=False)] = ()
    date_format: Annotated[str, AfterValidator(_date_format)] | None = None
    file_name: Annotated[str, AfterValidator(_pattern)] | None = None
    file_date: Annotated[str, AfterValidator(_date_format)] | None = None
    recorded_from: Literal["content", "arrival"] | None = None


class RegisterMap(KindMap):
    """As KindMap; and what a blank cell says, which differs between systems and is never guessed."""

    layout: Literal["rows", "week_string", "wide_week", "date_columns"] = "rows"
    header_rows: Annotated[int, Field(ge=1, le=MOST_HEADER_ROWS)] = 1
    blank: Literal["present", "not entered", "withdrawn"] | None = None
    no_mark: Annotated[tuple[Local, ...], Field(strict=False)] = ()
    sessions: dict[Local, Literal["AM", "PM"]] = Field(default_factory=dict)
    codes: Annotated[tuple[Codes, ...], Field(strict=False)] = ()


class ColumnMap(_Strict):
    """A whole `mis/*.toml`. A kind without a table is native."""

    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    pupils: KindMap | None = None
    contacts: KindMap | None = None
    classes: KindMap | None = None
    register_: RegisterMap | None = Field(None, alias="register")  # BaseModel has a `register` of its own
    lessons: KindMap | None = None
    notifications: KindMap | None = None
    interventions: KindMap | None = None

    def of(self, kind: str) -> KindMap | None:
        """How files of the kind are laid out; None: natively."""
        found: KindMap | None = self.register_ if kind == "register" else getattr(self, kind)
        return found

    @property
    def kinds(self) -> Iterator[tuple[str, KindMap]]:
        return ((kind, found) for kind in KINDS if (found := self.of(kind)) is not None)


def columns_of(kind: str, how: KindMap) -> tuple[Column, ...]:
    """The columns that a file of the kind may have, by the names that the map uses."""
    return LAYOUTS[how.layout] if isinstance(how, RegisterMap) else KINDS[kind].columns


def read_column_map(path: Path) -> ColumnMap:
    """Read and check one column map. Raises SettingsErrors with every fault found."""
    with refused(path, ColumnMap):
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        read = ColumnMap.model_validate(raw)
    faults = [SettingsError(path, key, expected) for kind, how in read.kinds for key, expected in _wrong(kind, how)]
    if not list(read.kinds):
        faults.append(SettingsError(path, "(whole file)", f"a table for at least one kind: {', '.join(KINDS)}"))
    if faults:
        raise SettingsErrors(faults)
    return read


def _wrong(kind: str, how: KindMap) -> Iterator[tuple[str, str]]:
    """(key, what was expected) of what single values cannot tell."""
    names = [c.header for c in columns_of(kind, how)]
    for name in how.columns:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            yield f"{kind}.columns.{name}", f"the name of a native column; {hint}"
    if how.file_name is not None:
        dated = "date" in re.compile(how.file_name).groupindex
        if dated and how.recorded_from is not None:
            yield f"{kind}.recorded_from", "nothing, where file_name has a group 'date'"
        if not dated and how.recorded_from is None:
            yield f"{kind}.recorded_from", "'content' or 'arrival', where file_name has no group 'date'"
        if not dated and how.file_date is not None:
            yield f"{kind}.file_name", "a group (?P<date>...), where file_date says how it is written"
    elif how.recorded_from is not None or how.file_date is not None:
        yield f"{kind}.file_name", "a pattern, where recorded_from or file_date is given"
    if how.recorded_from == "content" and kind not in DATED:
        yield f"{kind}.recorded_from", "'arrival'; only rows with a date can tell when they were written"
    if isinstance(how, RegisterMap):
        yield from _wrong_blank(how)
        if how.header_rows > 1 and how.layout != "date_columns":
            yield "register.header_rows", "1, but where the layout is 'date_columns'; skip_rows leaves rows above out"


def _wrong_blank(how: RegisterMap) -> Iterator[tuple[str, str]]:
    if how.layout == "week_string" and how.blank not in (None, "not entered"):
        yield "register.blank", "'not entered': in a week string a space is a session without a mark"
    elif how.layout in ("wide_week", "date_columns") and how.blank not in ("present", "not entered"):
        yield "register.blank", "'present' or 'not entered': what a blank session says is never guessed"
    elif how.layout == "rows" and how.blank is None:
        yield "register.blank", "'present', 'not entered' or 'withdrawn': what a blank code says is never guessed"
