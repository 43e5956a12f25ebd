"""Many letters of one batch, made by several at once, in order: the same bytes as one after the other.

Belongs here: how many a batch is worth, whether its letters may be made elsewhere, and what is sent there. Does not
belong here: what is made (`pdf`, `docx`), who gets it, and the engine (`engine.py`).

In this process threads make them: Typst and the packing of files let other threads run, so two use two cores, and
nothing has to be started, copied or sent. On an engine of other processes a few letters go together as one item.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from attendance_pipeline.engine import Engine, InProcess
from attendance_pipeline.letters.docx import render_docx
from attendance_pipeline.letters.language import SHIPPED
from attendance_pipeline.letters.letter import Letter, Letterhead
from attendance_pipeline.letters.pdf import render_letter
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.letters.threads import workers_for

__all__ = ["ENDINGS", "TOGETHER", "Paper", "engine_for", "files_of_letters"]

ENDINGS = {"pdf": render_letter, "docx": render_docx}  # the two files of each letter
TOGETHER = 4  # letters in one item: a tenth of a second of work, and four times the pages of one on their way
Named = list[tuple[str, bytes]]
T = TypeVar("T")


@dataclass(frozen=True)
class Paper:
    """What all letters of a batch are set with. `folder`: the school's own templates, if it has any."""

    letterhead: Letterhead
    layout: str
    folder: Path | None


def engine_for(engine: Engine, templates: Templates, letters: int) -> Engine:
    """The engine that so many letters are made on. In this process: few letters; templates that another machine does
    not have, because the school's own words must not be left out there."""
    own = templates.school_folder is not None and any(templates.school_folder.rglob("*"))
    if letters <= TOGETHER or templates.folders[-1] != SHIPPED or (engine.remote and own):
        return InProcess()
    return engine


def files_of_letters(
    letters: Sequence[Letter], letterhead: Letterhead, layout: str, templates: Templates, engine: Engine
) -> Iterator[tuple[str, bytes]]:
    """Name and content of both files of each letter, in order. What is not yet taken is at most a few letters."""
    chosen = engine_for(engine, templates, len(letters))
    if chosen.elsewhere:
        paper = Paper(letterhead, layout, templates.school_folder)
        made = chosen.each(partial(_made_elsewhere, paper), _together(letters))
    else:
        here = partial(_files, letterhead, layout, templates)
        made = chosen.each(here, ([one] for one in letters), threads=workers_for(len(letters)))
    for files in made:
        yield from files


def _files(letterhead: Letterhead, layout: str, templates: Templates, letters: Sequence[Letter]) -> Named:
    return [
        (f"{letter.reference}.{ending}", render(letter, letterhead, layout=layout, templates=templates))
        for letter in letters
        for ending, render in ENDINGS.items()
    ]


def _made_elsewhere(paper: Paper, letters: Sequence[Letter]) -> Named:
    return _files(paper.letterhead, paper.layout, _templates(paper.folder), letters)


@lru_cache(maxsize=4)
def _templates(folder: Path | None) -> Templates:
    """What a worker has read of templates serves the next item too."""
    return Templates(folder)


def _together(letters: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(letters)
    while some := list(islice(remaining, TOGETHER)):
        yield some
