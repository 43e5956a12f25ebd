"""The modules of the program as text, for tests that look at how it is laid out. What they look for is not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("attendance_pipeline", "assets", "schedules", "letter_templates")


@dataclass(frozen=True)
class Module:
    """name: dotted, a package by its own name; file: from the top of the repository."""

    name: str
    file: str
    text: str


def modules() -> Iterator[Module]:
    """Every module of the four packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            relative = path.relative_to(ROOT)
            parts = relative.parts[:-1] if path.stem == "__init__" else relative.with_suffix("").parts
            yield Module(".".join(parts), relative.as_posix(), path.read_text(encoding="utf-8"))
