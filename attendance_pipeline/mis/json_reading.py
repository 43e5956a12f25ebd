"""JSON files as lists of objects with their lines, within bounds; and the same files without some of what they hold.

Accepts an array, objects that hold named arrays (`{"data": [...]}`), pages of them in an array or one after another as
an API gave them, and JSON lines. Numbers stay the text they were written as: an id of thirty digits is no float. What
the objects mean is known to the formats, not here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from attendance_pipeline.mis.cells import NotText, decode
from attendance_pipeline.mis.formats import RawTable, UnreadableFile
from attendance_pipeline.store.extracts import Fault

ROW = "(row)"  # the column named for a fault of a whole object
NOT_AN_OBJECT = "not a JSON object"
TWICE = "a name stands twice in the object"
NOT_JSON = "not JSON"
NOT_PLAIN = "not a plain value"

_LARGEST = 128 * 1024 * 1024
_MOST_OBJECTS = 1_000_000
_DEEPEST = 4  # containers around a list of objects; what lies deeper is a value
_MOST_BROKEN = 100  # objects of an array; a file with more is broken as a whole
# Where the next object of an array begins: after the end of one, or, where that is missing, on a line of its own.
_NEXT = re.compile(r"\}[ \t\n]*,[ \t\n]*(?=\{)|,[ \t]*\n[ \t\n]*(?=\{)")
_LEFT_OUT = '{"left out": 0, "left out": 0}'  # faulty in its turn, so that it stays set aside
_SPACE = re.compile(r"[ \t\n]*")
_PAGE = re.compile(r"\{[ \t\n]*\"data\"[ \t\n]*:[ \t\n]*\[[ \t\n]*\{")
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # no database keeps these as text


@dataclass(frozen=True)
class Item:
    """One object of a list. `start`, `end`: where it stands in the text; `line` is that of its first character."""

    line: int
    start: int
    end: int
    value: Mapping[str, Any]


@dataclass
class Lists:
    """The objects of a file by the names around them: () for those of a bare array or of JSON lines."""

    text: str
    items: dict[tuple[str, ...], list[Item]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    broken: list[tuple[int, int]] = field(default_factory=list)  # start, end of what could not be used

    def of(self, *names: str, or_only: bool = False) -> list[Item]:
        """The objects of every list whose innermost name, other than `data`, is one of these; `` stands for no name.

        Where several of them share a line, the number of each stands for its line, so that it can be found, and what
        is kept of one is not kept of its neighbours. `or_only`: else those of the only list of objects that the file
        has, whatever it is called. Raises UnreadableFile where the file has no such list.
        """
        wanted = set(map(_same_name, names))
        found = [items for path, items in self.items.items() if _same_name(inner_name(path)) in wanted]
        others = [items for items in self.items.values() if items]
        if not found and or_only and len(others) == 1:
            found = others
        if not found:
            raise UnreadableFile("no list of objects where this format has one")
        chosen = sorted((item for items in found for item in items), key=lambda item: item.start)
        if len({item.line for item in chosen}) == len(chosen):
            return chosen
        return [replace(item, line=number) for number, item in enumerate(chosen, start=1)]


def _same_name(name: str) -> str:
    """Equal for names that differ in case, hyphens and underscores: `attendance-codes`, `attendanceCodes`."""
    return re.sub(r"[-_ ]", "", name).casefold()


def inner_name(path: tuple[str, ...]) -> str:
    """The innermost name around a list other than `data`; "" where it has none."""
    return next((name for name in reversed(path) if name != "data"), "")


class _Twice(dict[str, Any]):
    """An object in which a name stands twice."""


def text_of(value: object) -> str | None:
    """A plain value as the text of a cell, null as a blank one; None for objects and arrays."""
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _NO_TEXT.sub("\ufffd", value)
    if value is None:
        return ""
    return ("Y" if value else "N") if isinstance(value, bool) else None


def day_of(value: object) -> str | None:
    """As `text_of`; a moment as an object (`{"date": "2015-10-29 14:53:44.000000", ...}`) is the text of its date."""
    return text_of(value.get("date")) if isinstance(value, dict) else text_of(value)


def member(value: object, *path: str) -> object:
    """What stands at the end of a path of names; `data` around an object is passed through. None where nothing is."""
    for name in path:
        if isinstance(value, dict) and name not in value and isinstance(value.get("data"), dict):
            value = value["data"]
        value = value.get(name) if isinstance(value, dict) else None
    return value


class Rows:
    """Rows of a table as they are found: cells by native column, the line of each, and what is no row."""

    def __init__(self, columns: Sequence[str], faults: Iterable[Fault] = ()):
        self.columns = tuple(columns)
        self.cells: list[tuple[str, ...]] = []
        self.lines: list[int] = []
        self.faults = list(faults)

    def add(self, line: int, named: Mapping[str, tuple[str, str | None]]) -> None:
        """`named`: native column -> (name in the file, cell). A cell that is None is no plain value: no row."""
        names = tuple(named[c][0] if c in named else "" for c in self.columns)
        self.add_cells(line, names, tuple(named[c][1] if c in named else "" for c in self.columns))

    def add_cells(self, line: int, names: Sequence[str], cells: tuple[str | None, ...]) -> None:
        """A cell for each column, and the names of all in the file."""
        if None in cells:
            self.faults += [Fault(line, name, NOT_PLAIN) for name, c in zip(names, cells, strict=True) if c is None]
            return
        self.cells.append(cast(tuple[str, ...], cells))
        self.lines.append(line)

    def table(self, ignored: tuple[str, ...] = (), no_mark: frozenset[str] = frozenset()) -> RawTable:
        by_column = list(zip(*self.cells, strict=True)) if self.cells else [()] * len(self.columns)
        return RawTable(
            columns={c: list(by_column[i]) for i, c in enumerate(self.columns)},
            line=np.array(self.lines, dtype=np.int32),
            faults=tuple(self.faults),
            ignored=ignored,
            no_mark=no_mark,
        )


def may_be_json(file_name: str) -> bool:
    """Whether a file does not say by its name that it is a table."""
    return not file_name.lower().endswith((".csv", ".xlsx"))


def read_lists(data: bytes) -> Lists:
    """Every list of objects in a file. Raises UnreadableFile."""
    if len(data) > _LARGEST:
        raise UnreadableFile(f"the file is larger than {_LARGEST >> 20} MB")
    try:
        text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    return _Reader(text).read()


def without_names(data: bytes, names: Set[str], keep_lines: Set[int], found: Callable[[Lists], list[Item]]) -> bytes:
    """The file without what the named members of the found objects hold, but in those that begin on `keep_lines`."""
    lists = read_lists(data)
    parts: list[tuple[int, int, str]] = []
    for item in found(lists):
        if item.line not in keep_lines and any(item.value.get(n) not in (None, "") for n in names):
            kept = {k: v for k, v in item.value.items() if k not in names}
            lines = lists.text.count("\n", item.start, item.end)
            parts.append((item.start, item.end, json.dumps(kept, ensure_ascii=False) + "\n" * lines))
    parts += [(start, end, _LEFT_OUT + "\n" * lists.text.count("\n", start, end)) for start, end in lists.broken]
    if not parts:
        return data
    out, at = [], 0
    for start, end, instead in sorted(parts):
        out += [lists.text[at:start], instead]
        at = end
    return "".join([*out, lists.text[at:]]).encode("utf-8", "surrogatepass")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)


class _Broken(ValueError):
    """Where the file stops being JSON, and the rule it broke."""

    def __init__(self, at: int, rule: str = NOT_JSON):
        super().__init__(rule)
        self.at, self.rule = at, rule


class _Reader:
    """Goes through containers itself, to know where each object begins, and leaves each object to the json module."""

    def __init__(self, text: str):
        self.text = text
        self.lists = Lists(text)
        self.decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=str, strict=False
        )
        self.line, self.counted, self.objects, self.end = 1, 0, 0, 0

    def read(self) -> Lists:
        try:
            self.whole()
        except _Broken as broken:
            raise UnreadableFile(broken.rule, line=1 + self.text.count("\n", 0, broken.at)) from None
        return self.lists

    def whole(self) -> None:
        at = self.skip(0)
        if at == len(self.text):
            raise UnreadableFile("the file is empty")
        if self.text[at] not in "[{":
            raise _Broken(at)
        if self.text[at] == "[" or not self.by_lines(at):
            while at < len(self.text):
                if self.text[at] not in "[{":
                    raise _Broken(at)
                at = self.skip(self.container(at, ()))

    def by_lines(self, first: int) -> bool:
        """Read the file as JSON lines, or as one object by itself; False where it is one object around lists."""
        if _PAGE.match(self.text, first):  # not read twice to see what its beginning says
            return False
        end = self.end_of_line(first)
        try:
            value, stop = self.decode(first)
        except _Broken:
            # One broken line where the next is an object by itself; else the whole file is broken.
            following = self.skip(end)
            if following == len(self.text) or not isinstance(self.decode_line(following), dict):
                return False
        else:
            if _is_page(value):
                return False
            if self.skip(stop) == len(self.text):
                if not _holds_a_list(value):
                    self.add((), first, stop, value)
                return not _holds_a_list(value)
            if stop > end or self.text[stop:end].strip():
                return False
        self.lists.items[()] = []
        at = first
        while at < len(self.text):
            end = self.end_of_line(at)
            start = self.skip(at)
            if start < end:
                value = self.decode_line(start)
                if value is None:
                    self.fault(start, NOT_JSON)
                    self.lists.broken.append((start, end))
                else:
                    self.add((), start, end, value)
            at = end + 1
        return True

    def decode_line(self, start: int) -> Any:
        """The value that fills the line; None where none does."""
        line = self.text[start : self.end_of_line(start)].rstrip()
        try:
            value, stop = self.decoder.raw_decode(line)
        except (ValueError, RecursionError):
            return None
        return value if stop == len(line) else None

    def end_of_line(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end

    def container(self, at: int, path: tuple[str, ...]) -> int:
        """Read the array or the object of named values that begins here; returns where it ends."""
        if self.text[at] == "[":
            return self.array(at, path)
        names: set[str] = set()
        for name, value_at in self.members(at):
            if name in names:
                raise _Broken(value_at, TWICE)
            names.add(name)
            if self.text[value_at] in "[{" and len(path) < _DEEPEST:
                self.end = self.container(value_at, (*path, name))
            else:
                self.end = self.decode(value_at)[1]
        return self.end

    def members(self, at: int) -> Iterator[tuple[str, int]]:
        """(name, where its value begins) of an object; the caller sets `end` to where that value ends."""
        at = self.skip(at + 1)
        if self.char(at) == "}":
            self.end = at + 1
            return
        while True:
            if self.char(at) != '"':
                raise _Broken(at)
            name, after = self.decode(at)
            after = self.skip(after)
            if self.char(after) != ":":
                raise _Broken(after)
            value_at = self.skip(after + 1)
            self.char(value_at)
            yield name, value_at
            at = self.skip(self.end)
            if self.char(at) == "}":
                self.end = at + 1
                return
            if self.char(at) != ",":
                raise _Broken(at)
            at = self.skip(at + 1)

    def array(self, at: int, path: tuple[str, ...]) -> int:
        self.lists.items.setdefault(path, [])
        at = self.skip(at + 1)
        if self.char(at) == "]":
            return at + 1
        while True:
            try:
                value, end = self.decode(at)
            except _Broken as broken:
                at = self.after_broken(at, broken)
                continue
            if _is_page(value) and len(path) < _DEEPEST:
                end = self.container(at, path)
            else:
                self.add(path, at, end, value)
            at = self.skip(end)
            if self.char(at) == "]":
                return at + 1
            if self.char(at) != ",":
                raise _Broken(at)
            at = self.skip(at + 1)

    def after_broken(self, at: int, broken: _Broken) -> int:
        """Where the array goes on after an object that is broken. Raises `broken` where that cannot be told."""
        following = _NEXT.search(self.text, at)
        if (
            broken.rule != NOT_JSON
            or self.char(at) != "{"
            or following is None
            or len(self.lists.broken) == _MOST_BROKEN
        ):
            raise broken
        self.fault(at, NOT_JSON)
        self.lists.broken.append((at, following.start() + following[0].startswith("}")))
        return following.end()

    def add(self, path: tuple[str, ...], start: int, end: int, value: Any) -> None:
        self.objects += 1
        if self.objects > _MOST_OBJECTS:
            raise UnreadableFile(f"the file holds more than {_MOST_OBJECTS:,} objects", line=self.line_at(start))
        items = self.lists.items.setdefault(path, [])
        if isinstance(value, _Twice):
            self.fault(start, TWICE)
            self.lists.broken.append((start, end))
        elif isinstance(value, dict):
            items.append(Item(self.line_at(start), start, end, value))
        else:
            self.fault(start, NOT_AN_OBJECT)

    def fault(self, at: int, rule: str) -> None:
        self.lists.faults.append(Fault(self.line_at(at), ROW, rule))

    def decode(self, at: int) -> tuple[Any, int]:
        try:
            return self.decoder.raw_decode(self.text, at)
        except RecursionError:
            raise _Broken(at, "nested too deeply") from None
        except json.JSONDecodeError as error:
            raise _Broken(error.pos) from None
        except ValueError:
            raise _Broken(at) from None

    def char(self, at: int) -> str:
        if at >= len(self.text):
            raise _Broken(at)
        return self.text[at]

    def skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def line_at(self, at: int) -> int:
        if at < self.counted:
            return 1 + self.text.count("\n", 0, at)
        self.line += self.text.count("\n", self.counted, at)
        self.counted = at
        return self.line


def _is_page(value: Any) -> bool:
    """Whether an object is a page of a list, as an API gives it, or holds nothing but named lists."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("data"), list):
        return True
    if not isinstance(next(iter(value.values()), None), (dict, list)):  # a mark, as nearly all of a file are
        return False
    return all(isinstance(v, (dict, list)) for v in value.values()) and _holds_a_list(value)


def _holds_a_list(value: Any) -> bool:
    """Whether an object stands around lists of objects, and is not one of them."""
    if not isinstance(value, dict):
        return False
    inner = [v for v in value.values() if isinstance(v, dict)]
    return any(isinstance(v, list) for o in (value, *inner) for v in o.values())
