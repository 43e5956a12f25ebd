"""Names of people, streets and schools, drawn from the invented words of `names.toml`.

Surnames are put together from parts of place names; telephone numbers are from a range that Ofcom keeps for drama.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from numpy.random import Generator


@dataclass(frozen=True)
class Origin:
    """Where a family's names and language come from. `language` as a school's system writes it."""

    language: str
    ethnicity: str
    surnames: tuple[str, ...]
    forenames: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    share: float  # of families that speak a language other than English


_WORDS: dict[str, Any] = tomllib.loads(files(__package__).joinpath("names.toml").read_text(encoding="utf-8"))
GIRLS: list[str] = _WORDS["girls"]
BOYS: list[str] = _WORDS["boys"]
WOMEN: tuple[str, ...] = tuple(_WORDS["women"])
MEN: tuple[str, ...] = tuple(_WORDS["men"])
STREETS: list[str] = _WORDS["streets"]
SCHOOLS: list[str] = _WORDS["schools"]
ORIGINS = tuple(
    Origin(
        o["language"],
        o["ethnicity"],
        tuple(o["surnames"]),
        tuple(o["forenames"]),
        tuple(o["women"]),
        tuple(o["men"]),
        float(o["share"]),
    )
    for o in _WORDS["origins"]
)


def surname(rng: Generator) -> str:
    """A surname made of two parts of place names."""
    starts, ends = _WORDS["surname_starts"], _WORDS["surname_ends"]
    return starts[rng.integers(len(starts))] + ends[rng.integers(len(ends))]


def street(rng: Generator) -> tuple[str, str]:
    """First line of an address, and a postcode."""
    line = f"{rng.integers(1, 180)} {STREETS[rng.integers(len(STREETS))]}"
    letters = "ABDEFGHJLNPQRSTUWXYZ"  # those that the second half of a postcode has
    last = letters[rng.integers(len(letters))] + letters[rng.integers(len(letters))]
    return line, f"LS{rng.integers(1, 29)} {rng.integers(1, 9)}{last}"


def telephone(rng: Generator) -> str:
    return f"07700 900{rng.integers(0, 1000):03d}"


def school_name(number: int) -> str:
    """Name of the demo's school 0, 1, 2 …; the first is Oakfield."""
    again = number // len(SCHOOLS)
    return SCHOOLS[number % len(SCHOOLS)] + (f" {again + 1}" if again else "") + " Primary School"


def adult(rng: Generator, *, man: bool, origin: Origin | None = None) -> str:
    """A forename of a woman or a man."""
    women, men = (origin.women, origin.men) if origin else (WOMEN, MEN)
    # One draw whichever it is, so that what is drawn after it is the same.
    number = int(rng.integers(len(women) + len(men)))
    return men[number % len(men)] if man else women[number % len(women)]
