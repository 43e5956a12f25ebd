"""Which kind of failure an error is, and what people are told of it: the table data/failures.toml, read.

Belongs here: recognising a kind. Not here: the words themselves, and nothing of a message but the words we chose.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from attendance_pipeline.advice import OWN_WORDS

UNKNOWN = "unknown"
_NUMBER = re.compile(r"\[(?:Errno|WinError) (\d+)\]")


@dataclass(frozen=True)
class Kind:
    """A kind of failure. `title` goes on with `the night failed: `; `means` and `to_do` are whole sentences."""

    kind: str
    title: str
    means: str
    to_do: str
    classes: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    phrases: tuple[str, ...] = ()

    def fits(self, name: str, message: str) -> bool:
        """Whether an error of this class name and message is of the kind."""
        if self.classes and name not in self.classes:
            return False
        if not self.numbers and not self.phrases:
            return bool(self.classes) or self.kind == UNKNOWN
        number = _NUMBER.search(message)
        text = f"{name}: {message}".casefold()
        return (number is not None and int(number[1]) in self.numbers) or any(p in text for p in self.phrases)


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("data", "failures.toml").read_text(encoding="utf-8"))


@cache
def kinds() -> tuple[Kind, ...]:
    """Every kind, in the order in which they are tried."""
    return tuple(
        Kind(
            *(row[name] for name in ("kind", "title", "means", "to_do")),
            *(tuple(row.get(name, ())) for name in ("classes", "numbers", "phrases")),
        )
        for row in _table()["kinds"]
    )


def kind_named(kind: str) -> Kind:
    """A kind by its name; `unknown` for a name that the table does not know."""
    return next((k for k in kinds() if k.kind == kind), kinds()[-1])


def kind_of(chain: Sequence[tuple[str, str]]) -> str:
    """The kind of an error: its class name and message, and those of its causes. The first kind that fits any."""
    return next((k.kind for k in kinds() if k.kind != UNKNOWN and any(k.fits(*link) for link in chain)), UNKNOWN)


def chain_of(error: BaseException) -> list[tuple[str, str]]:
    """An error and its causes as `kind_of` takes them."""
    out: list[tuple[str, str]] = []
    now: BaseException | None = error
    while now is not None and len(out) < 20:
        out.append((type(now).__name__, str(now)))
        now = now.__cause__ or now.__context__
    return out


def own_words(chain: Sequence[tuple[str, str]]) -> str:
    """What the error says in words that we chose; else the class of its first cause."""
    for name, message in chain:
        if name in OWN_WORDS:
            # Dagster puts the class before the message, Python the number.
            return re.sub(rf"^([\w.]*{name}: )?(\[Errno \d+\] )?", "", message.strip(), count=1)
    return chain[-1][0] if chain else ""


def step_in_words(step: str) -> str:
    """A job or asset as people call it; a name that the table does not know as it is."""
    return str(_table()["steps"].get(step, step.replace("_", " ")))
