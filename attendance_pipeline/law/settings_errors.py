"""How a wrong setting is refused: file, key, what was expected.

Belongs here: the one exception that every reader of a TOML file raises. No setting is defined here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError


class SettingsError(ValueError):
    """A setting is misspelt, missing or impossible. The message names the file, the key and what was expected."""

    def __init__(self, path: Path | None, key: str, expected: str) -> None:
        self.path, self.key, self.expected = path, key, expected
        place = f"{path}: " if path else ""
        super().__init__(f"{place}{key}: expected {expected}")


class SettingsErrors(SettingsError):
    """Several at once, so that one look finds every fault of a file."""

    def __init__(self, errors: list[SettingsError]) -> None:
        self.errors = errors
        ValueError.__init__(self, "\n".join(str(e) for e in errors))


def _key(location: tuple[int | str, ...]) -> str:
    out = ""
    for part in location:
        out += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if out else part
    return out or "(whole file)"


def _expected(fault: dict[str, Any], known: list[str]) -> str:
    kind, given = fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        near = get_close_matches(str(fault["loc"][-1]), known, n=1)
        return "no such setting" + (f"; did you mean {near[0]!r}?" if near else "")
    if kind == "missing":
        return "a value; this setting is required"
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) else ""
    if kind in _IN_WORDS:
        return _IN_WORDS[kind] + shown
    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return message[:1].lower() + message[1:] + shown


# What pydantic says in Python's words, said in those of a file.
_IN_WORDS = {
    "tuple_type": "a list, in [ ]",
    "list_type": "a list, in [ ]",
    "decimal_parsing": "a number",
    "decimal_type": "a number",
}


@contextmanager
def refused(path: Path, model: type[BaseModel] | None = None) -> Iterator[None]:
    """Turn what TOML and pydantic say into SettingsErrors for `path`."""
    try:
        yield
    except FileNotFoundError as missing:
        raise SettingsError(path, "(whole file)", "a file; there is none") from missing
    except UnicodeDecodeError as wrong:
        raise SettingsError(path, "(whole file)", f"UTF-8 text (byte {wrong.start} is not)") from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise SettingsError(path, "(whole file)", f"TOML that can be read: {wrong}") from wrong
    except ValidationError as wrong:
        known = _field_names(model) if model else []
        faults = wrong.errors()
        # A list counts only its sound items: "at least one" beside a fault inside the list would be untrue.
        places = [f["loc"] for f in faults]
        untrue = [f for f in faults if f["type"] == "too_short" and any(_inside(p, f["loc"]) for p in places)]
        raise SettingsErrors(
            [SettingsError(path, _key(f["loc"]), _expected(dict(f), known)) for f in faults if f not in untrue]
        ) from wrong


def _inside(place: tuple[int | str, ...], table: tuple[int | str, ...]) -> bool:
    return len(place) > len(table) and place[: len(table)] == table


def _field_names(model: type[BaseModel]) -> list[str]:
    """Every key that occurs anywhere in a settings model, for 'did you mean'."""
    names: list[str] = []
    seen: set[type[BaseModel]] = set()

    def walk(m: Any) -> None:
        if isinstance(m, type) and issubclass(m, BaseModel):
            if m in seen:
                return
            seen.add(m)
            for name, field in m.model_fields.items():
                names.append(field.alias or name)
                walk(field.annotation)
        for arg in getattr(m, "__args__", ()):
            walk(arg)

    walk(model)
    return names
