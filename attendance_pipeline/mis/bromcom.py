"""The format `bromcom-week`: a pupil's week in one row, a column for each session from Monday morning on.

As a table, or as JSON with the same names. A blank session has not been entered: the file says nothing of it, unless
the school's code map says what a blank is. How a week becomes sessions is in `weeks.py`. Other kinds are native.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from attendance_pipeline.mis.cells import tidy
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.mis.json_reading import NOT_PLAIN, Lists, day_of, inner_name, may_be_json, read_lists, text_of
from attendance_pipeline.mis.kinds import header_key
from attendance_pipeline.mis.native import ROW, WRONG_CELLS, read_cells
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.mis.weeks import unfold
from attendance_pipeline.store.extracts import Fault

_DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Fri": "Friday"}
# Every column by its own name -> the names under which it is met, whatever the case, spaces and underscores.
_SLOTS = {f"{d}{s}": (f"{d}{s}", f"{whole}{s}") for d, whole in _DAYS.items() for s in ("AM", "PM")}
_COLUMNS: dict[str, tuple[str, ...]] = {
    "UPN": ("upn",),
    "StudentId": ("studentid", "misid"),
    "WeekStart": ("weekstart", "weekstartdate", "weekcommencing", "startdate"),
    **_SLOTS,
}


class BromcomWeekFormat(SomeKinds):
    """`StudentId, WeekStart, MonAM ... FriPM`; `UPN` may stand beside or instead of `StudentId`."""

    name = "bromcom-week"
    own_version = 2

    def reads(self, kind: str, file_name: str) -> bool:
        return kind == "register"

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        if may_be_json(file_name) and data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            return _of_json(read_lists(data))
        cells = read_cells(file_name, data)
        if not cells:
            raise UnreadableFile("the file is empty", "StudentId")
        return _of_cells(cells)

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        return data  # a week has no column that the kept copy leaves out


def _of_cells(cells: Sequence[tuple[int, list[str]]]) -> RawTable:
    places = _places(cells[0][1])
    width = len(cells[0][1])
    rows = [(line, row) for line, row in cells[1:] if any(c.strip() for c in row)]
    whole = [(line, row) for line, row in rows if len(row) == width]
    return _weeks(
        {name: [row[p] for _, row in whole] for name, p in places.items()},
        [line for line, _ in whole],
        [Fault(line, ROW, WRONG_CELLS) for line, row in rows if len(row) != width],
        tuple(tidy(h) for i, h in enumerate(cells[0][1]) if i not in places.values() and tidy(h)),
    )


def _of_json(lists: Lists) -> RawTable:
    """The weeks of a file whose rows are objects with the same names. Raises UnreadableFile."""
    items = lists.of(*map(inner_name, lists.items))
    named = list(dict.fromkeys(name for item in items for name in item.value))
    places = _places(named)
    columns: dict[str, list[str]] = {name: [] for name in places}
    lines, faults = [], list(lists.faults)
    for item in items:
        found = {name: item.value.get(named[p]) for name, p in places.items()}
        row = {name: day_of(v) if name == "WeekStart" else text_of(v) for name, v in found.items()}
        wrong = [name for name, text in row.items() if text is None]
        faults += [Fault(item.line, name, NOT_PLAIN) for name in wrong]
        if not wrong:
            lines.append(item.line)
            for name, text in row.items():
                columns[name].append(text or "")
    return _weeks(columns, lines, faults, tuple(n for i, n in enumerate(named) if i not in places.values()))


def _weeks(
    columns: Mapping[str, list[str]], lines: Sequence[int], faults: Sequence[Fault], ignored: Sequence[str]
) -> RawTable:
    who = {native: columns[name] for native, name in (("UPN", "UPN"), ("Student ID", "StudentId")) if name in columns}
    weeks = [list(week) for week in zip(*(columns[slot] for slot in _SLOTS), strict=True)]
    return unfold(who, columns["WeekStart"], weeks, lines, faults=faults, ignored=ignored, named=True)


def _places(header: Sequence[str]) -> dict[str, int]:
    """Where each column stands. Raises UnreadableFile."""
    keys = [header_key(tidy(h)).replace(" ", "") for h in header]
    places: dict[str, int] = {}
    for column, names in _COLUMNS.items():
        found = [i for i, key in enumerate(keys) if key in {n.casefold() for n in names}]
        if len(found) > 1:
            raise UnreadableFile("the column stands twice in the header", column)
        if found:
            places[column] = found[0]
        elif column != "UPN" and not (column == "StudentId" and "UPN" in places):
            raise UnreadableFile("a required column is missing from the header", column)
    return places
