"""A letter with its enclosures as the data that every page maker sets: PDF, DOCX and HTML say the same words.

Belongs here: the words that stand around a template's own (letterhead, address, date, reference, salutation, footer),
in which language and direction, and the refusal of what no font can print. Does not belong here: how anything looks
(``pdf``, ``docx``, ``html``), the words themselves (``templates``).

All of it is strings, lists and maps, so that it can go to a layout as JSON; lengths are millimetres.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from attendance_pipeline.letters.address import LAYOUTS, AddressError, Layout, fit_address
from attendance_pipeline.letters.blocks import as_data
from attendance_pipeline.letters.fields import context, enclosed
from attendance_pipeline.letters.fonts import FontSet, font_folders
from attendance_pipeline.letters.inert import clean
from attendance_pipeline.letters.language import Language, fill, load_language
from attendance_pipeline.letters.letter import Letter, LetterError, Letterhead
from attendance_pipeline.letters.templates import Composed, Templates


def layout_of(name: str) -> Layout:
    """The layout of this name; ``ValueError`` says which there are."""
    if name not in LAYOUTS:
        raise ValueError(f"{name!r} is not a page layout; there are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def document_of(
    letters: Sequence[Letter], letterhead: Letterhead, layout: Layout, templates: Templates, *, own_sheets: bool
) -> dict[str, Any]:
    """The letters' parts in order: each letter, then its enclosures. ``own_sheets``: each begins on a sheet of its own.

    Raises ``LetterError`` (a letter's data), ``ValueError`` (the letterhead) and ``templates.TemplateError``.
    """
    fonts = fonts_of(templates)
    parts = [part for letter in letters for part in _parts(letter, letterhead, layout, templates, fonts, own_sheets)]
    english = load_language("en", templates.school_folder)
    contact = [letterhead.telephone, letterhead.email]
    head = {
        "fonts": english.fonts,
        "name": letterhead.name,
        "lines": [*letterhead.address, *(line for line in contact if line)],
    }
    if missing := fonts.missing("".join(texts_of(head)), english.fonts):
        raise ValueError(f"the letterhead has {scripts_of(missing)}, which no shipped font can print")
    return {
        "lang": parts[0]["lang"],
        "region": parts[0]["region"],
        "head": head,
        "geometry": {
            "left": layout.left,
            "right": layout.right,
            "address-x": layout.left,
            "address-y": layout.address_y,
            "address-width": layout.address_width,
            "salutation-y": layout.salutation_y,
            "folds": layout.folds,
        },
        "parts": parts,
    }


def _parts(
    letter: Letter, letterhead: Letterhead, layout: Layout, templates: Templates, fonts: FontSet, own_sheets: bool
) -> Iterator[dict[str, Any]]:
    """The letter itself, then its enclosures, each with the language its template is written in."""
    values = context(letter, letterhead)
    for kind in (letter.kind, *enclosed(letter, values)):
        composed = templates.compose(kind, letter.language, values)
        words = composed.language.words
        part = {
            **page_style(composed.language),
            "kind": kind,
            "page": composed.page,
            "own-sheet": own_sheets,
            "blocks": _with_breaks(as_data(composed.blocks), composed.language.direction == "ltr"),
            "page-words": words["page"],
            "foot": letterhead.name
            if composed.page == "leaflet"
            else f"{words['reference']}: {_isolated(letter.reference, composed.language)}",
        }
        if composed.page in ("letter", "pack", "certificate"):
            part["dated"] = composed.language.date(letter.date)
            part["date-words"] = words["date"]
        if composed.page == "letter":
            part |= _first_page(letter, layout, composed, fonts, templates)
        elif composed.page == "pack":
            part["recipient"] = {"lines": list(map(clean, letter.recipient_lines))}
            part["confidential"] = words["confidential"]
        if missing := fonts.missing("".join(texts_of(part)), composed.language.fonts):
            raise LetterError(letter.reference, f"{kind} has {scripts_of(missing)}, which no font at hand can print")
        yield part


_TOGETHER = re.compile(r"(?<!\w)([0-9]{1,4} [^\W\d_]{2,})")  # 3 December, 21 sessions
_TOO_LONG = re.compile(r"[^\W_]{30,}")  # a word that no narrow column holds


def _with_breaks(data: Any, together: bool) -> Any:
    """The blocks, with a number and the word after it in a run of their own that stays on one line (``together``), and
    leave to break in words that are too long for a line."""
    if (
        isinstance(data, list)
        and data
        and isinstance(data[0], list)
        and len(data[0]) == 3
        and data[0][1] in (True, False)
    ):
        return [piece for run in data for piece in _pieces(run, together)]
    if isinstance(data, list):
        return [_with_breaks(one, together) for one in data]
    if isinstance(data, dict):
        in_cells = data.get("is") == "table"
        return {name: _with_breaks(value, together and not in_cells) for name, value in data.items()}
    return data


def _pieces(run: list[Any], together: bool) -> Iterator[list[Any]]:
    text, *look = run
    text = _TOO_LONG.sub(lambda word: "\u200b".join(word[0]), text)
    if not together:
        yield [text, *look]
        return
    for number, piece in enumerate(_TOGETHER.split(text)):
        if piece:
            yield [piece, *look, True] if number % 2 else [piece, *look]


def _first_page(
    letter: Letter, layout: Layout, composed: Composed, fonts: FontSet, templates: Templates
) -> dict[str, Any]:
    words = composed.language.words
    english = load_language("en", templates.school_folder)
    try:
        address = fit_address(tuple(map(clean, letter.recipient_lines)), layout, fonts, english.fonts)
    except AddressError as error:
        raise LetterError(letter.reference, str(error)) from None
    return {
        "recipient": {"lines": list(address.lines), "size": address.size, "pitch": address.pitch},
        "salutation": fill(words["salutation"], salutation=clean(letter.salutation)),
        "facts": [
            [words["date"], composed.language.date(letter.date)],
            [words["reference"], _isolated(letter.reference, composed.language)],
        ],
    }


def _isolated(words: str, language: Language) -> str:
    """Latin words that keep their own direction inside a right-to-left line."""
    return f"\u2066{words}\u2069" if language.direction == "rtl" else words


def page_style(language: Language) -> dict[str, Any]:
    """Language, direction and fonts of a page."""
    return {
        "lang": language.tag,
        "region": language.region,
        "dir": language.direction,
        "fonts": list(language.fonts),
    }


def texts_of(data: Any) -> list[str]:
    """Every string of the data: some are never printed, but all are of our own making and printable."""
    found: list[str] = []
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, list | tuple):
            waiting += one
        elif isinstance(one, dict):
            waiting += [value for name, value in one.items() if name != "svg"]
    return found


def scripts_of(characters: set[str]) -> str:
    """What kind of characters, without saying which: one of them may be all there is to a name."""
    words = {unicodedata.name(char, "unnamed character").split(" ")[0].lower() for char in characters}
    return f"{len(characters)} character(s) ({', '.join(sorted(words))})"


def fonts_of(templates: Templates) -> FontSet:
    """The shipped fonts and the school's own."""
    return fonts_in(templates.school_folder)


def fonts_in(school_folder: Path | None) -> FontSet:
    """The shipped fonts and those of a school's own folder, which may be missing."""
    return _font_set(font_folders(school_folder))


def shipped_fonts() -> FontSet:
    """The fonts that every home has."""
    return _font_set(font_folders())


@lru_cache(maxsize=8)
def _font_set(folders: tuple[Path, ...]) -> FontSet:
    return FontSet(folders)
