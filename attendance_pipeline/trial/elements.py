"""People in the XML and JSON of systems: names, classes and dates of birth that stand beside the marks.

Only for `attendance try`, which shows a file by itself; a home takes them from its extracts of pupils. Marks are not
read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attendance_pipeline.mis.json_reading import day_of, member, read_lists, text_of
from attendance_pipeline.mis.sims_xml import caption
from attendance_pipeline.mis.xml_walk import as_utf8, walk
from attendance_pipeline.trial import headers
from attendance_pipeline.trial.people import Person, person_of

_ELEMENT = {"sims-xml": "Record", "ctf-xml": "Pupil"}


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


def people_of_xml(data: bytes, form: str) -> list[Person]:
    """Everybody in a report of SIMS or a common transfer file. Raises UnreadableFile."""
    people = _People(_ELEMENT[form])
    walk(as_utf8(data), people)
    return [person_of(cells) for cells in people.found.values()]


def people_of_json(data: bytes) -> list[Person]:
    """Everybody in a file of JSON: objects of a list of students, and students within marks. Raises UnreadableFile."""
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
