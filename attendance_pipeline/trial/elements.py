"""People in the XML and JSON of systems: names, classes and dates of birth that stand beside the marks.

Only for `attendance try`, which shows a file by itself; a home takes them from its extracts of pupils. Marks are not
read here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attendance_pipeline.mis.formats import RawTable
from attendance_pipeline.mis.json_reading import day_of, member, read_lists, text_of
from attendance_pipeline.mis.sims_xml import caption, register_and
from attendance_pipeline.mis.xml_walk import as_utf8, walk
from attendance_pipeline.trial import headers
from attendance_pipeline.trial.people import Person, person_of

_HEAD, _FIRST = 2_000_000, 2_000  # bytes of a large file, and of its beginning
_REPORT, _RECORD, _CLOSED = b"<SuperStarReport", b"</Record>", b"</SuperStarReport>"
_OF_A_MARK = ('"attendance_code_id"', '"attendance_mark"')  # what shows a format of JSON
_MOST_TRIED = 50
_JSON_NAMES = (b"surname", b"last_name", b"Surname")


class _People:
    """Of each element of one name, the texts of its children that say who it is about."""

    def __init__(self, element: str) -> None:
        self.found: dict[tuple[str, ...], dict[str, str]] = {}
        self._element, self._inside, self._depth = element, 0, 0
        self._fields: dict[str, str | None] = {}
        self._text: list[str] = []
        self._now: dict[str, str] = {}

    def start(self, name: str, line: int, at: int) -> None:
        self._depth += 1
        self._text = []
        if name == self._element and not self._inside:
            self._inside, self._now = self._depth, {}

    def text(self, text: str) -> None:
        if self._inside and self._depth == self._inside + 1:
            self._text.append(text)

    def end(self, name: str, line: int, at: int) -> None:
        if self._inside and self._depth == self._inside + 1:
            if name not in self._fields:
                found = headers.who_columns([caption(name)])
                self._fields[name] = next(iter(found), None)
            field = self._fields[name]
            if field is not None:
                self._now.setdefault(field, "".join(self._text))
        elif self._inside and self._depth == self._inside:
            self.found.setdefault(tuple(self._now.values()), self._now)
            self._inside = 0
        self._depth -= 1


def head_of(data: bytes) -> bytes:
    """Enough of a large report of SIMS or list of JSON objects to tell what it is: its beginning, closed. The rest is
    read, and refused where it must be, by the format."""
    if len(data) <= 2 * _HEAD:
        return data
    head = data[:_HEAD]
    if _REPORT in head[:_FIRST]:
        return head[: head.rfind(_RECORD) + len(_RECORD)] + _CLOSED if _RECORD in head else data
    text = head.decode(errors="replace")
    at = next((place for name in _OF_A_MARK if (place := text.find(name)) >= 0), None)
    first = None if at is None else _object_around(text, at)
    return data if first is None else json.dumps([first]).encode()


def _object_around(text: str, at: int) -> dict[str, Any] | None:
    """The innermost JSON object around a place in a text; None where it is not found."""
    start = at
    for _ in range(_MOST_TRIED):
        start = text.rfind("{", 0, start)
        if start < 0:
            return None
        try:
            found, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if end > at and isinstance(found, dict):
            return found
    return None


def report_of_sims(data: bytes, captions: Sequence[str]) -> tuple[RawTable, list[Person]]:
    """The marks of a report of SIMS with these captions, and everybody in it. Raises UnreadableFile."""
    who = headers.who_columns(captions)
    if not set(who) - {headers.UPN, headers.STUDENT_ID}:
        return register_and(data, ())[0], []
    table, cells = register_and(data, [captions[place] for place in who.values()])
    found = {field: cells[captions[place]] for field, place in who.items() if captions[place] in cells}
    return table, [
        person_of(dict(zip(found, row, strict=True))) for row in dict.fromkeys(zip(*found.values(), strict=True))
    ]


def people_of_transfer_file(data: bytes) -> list[Person]:
    """Everybody in a common transfer file. Raises UnreadableFile."""
    people = _People("Pupil")
    walk(as_utf8(data), people)
    return [person_of(cells) for cells in people.found.values()]


def people_of_json(data: bytes) -> list[Person]:
    """Everybody in a file of JSON: objects of a list of students, and students within marks. Raises UnreadableFile."""
    if not any(name in data for name in _JSON_NAMES):
        return []
    found: dict[tuple[str, ...], Person] = {}
    for path, items in read_lists(data).items.items():
        own = any("student" in name or "pupil" in name for name in path)
        for item in items:
            student = item.value if own else item.value.get("student")
            if isinstance(student, Mapping) and isinstance(student.get("data"), Mapping):
                student = student["data"]
            if isinstance(student, Mapping):
                cells = _cells(student)
                found.setdefault(tuple(cells.values()), person_of(cells))
    return list(found.values())


def _cells(student: Mapping[str, Any]) -> dict[str, str]:
    out: dict[str, str] = {}
    for name, place in headers.who_columns(list(student)).items():
        value = list(student.values())[place]
        if isinstance(value, Mapping) and name in (headers.CLASS, headers.YEAR):
            value = member(value, "name") or member(value, "code")
        out[name] = (day_of(value) if name in (headers.BORN, headers.ENTRY, headers.LEAVING) else text_of(value)) or ""
    if "id" in student and headers.STUDENT_ID not in out:
        out[headers.STUDENT_ID] = text_of(student["id"]) or ""
    return out
