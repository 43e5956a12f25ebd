"""Letters and reports as PDF: the only module that knows Typst and pikepdf.

Belongs here: turning composed words and data into pages. Does not belong here: words, figures, who gets a letter.

The layouts in ``letter_templates/layout`` are ours and fixed. Everything a person or a school wrote reaches them as
strings of JSON, which Typst sets and never reads as its own language. The same input gives the same bytes: fonts are
shipped, the time stamp is the date given. One ``typst.Compiler`` per process and set of fonts is kept, because starting
one costs more than a letter.
"""

import datetime
import io
import json
import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pikepdf
import typst

from attendance_pipeline.letters.address import LAYOUTS, AddressError, Layout, fit_address
from attendance_pipeline.letters.blocks import as_data
from attendance_pipeline.letters.fields import context, enclosed
from attendance_pipeline.letters.fonts import FontSet, font_folders
from attendance_pipeline.letters.inert import clean
from attendance_pipeline.letters.language import SHIPPED, Language, fill, load_language
from attendance_pipeline.letters.language_names import language_name
from attendance_pipeline.letters.letter import Letter, LetterError, Letterhead
from attendance_pipeline.letters.templates import Composed, Templates

__all__ = [
    "Letter",
    "LetterError",
    "Letterhead",
    "alignment_sheet",
    "render_batch",
    "render_document",
    "render_letter",
    "render_sample",
]

SAMPLE_WORDS = "SAMPLE. The people are invented. Do not send"
LETTERS_PER_CHUNK = 250  # Typst holds about 1 MB per letter of one document
_LAYOUT_FOLDER = SHIPPED / "layout"
_compiling = threading.Lock()  # a Compiler serves one thread at a time
_STAND_IN_WIDTH = 100  # points; no page of a letter is so narrow


@dataclass(frozen=True)
class _Shared:
    """Pages that letters of a batch have in common. In a chunk, as many pages ``width`` points wide stand for them."""

    pdf: bytes
    pages: int
    width: int


def render_letter(letter: Letter, letterhead: Letterhead, *, layout: str = "dl", templates: Templates) -> bytes:
    """One letter with its enclosures as a tagged file: PDF/A-2a and PDF/UA-1, each enclosure on a new page.

    Raises ``LetterError`` (the letter's data) or ``templates.TemplateError`` (the words), neither with a value of a
    person.
    """
    data = _document([letter], letterhead, _layout(layout), templates, own_sheets=False)
    data["title"] = f"{letterhead.name}: {letter.reference}"
    pdf = _compile("letter.typ", data, letter.date, _fonts(templates), tagged=True)
    return _without_direction(pdf) if data["parts"][0]["dir"] == "rtl" else pdf


def render_sample(letter: Letter, letterhead: Letterhead, *, layout: str = "dl", templates: Templates) -> bytes:
    """As `render_letter`, with a band and a word across each page so that it can never pass for a letter.

    The band says where a page is in a translation that nobody of the school has checked.
    """
    data = _document([letter], letterhead, _layout(layout), templates, own_sheets=False)
    data["title"] = f"{SAMPLE_WORDS}: {letter.kind}"
    for part in data["parts"]:
        part["sample"] = SAMPLE_WORDS
        if templates.unchecked(part["kind"], part["lang"]):
            part["sample"] += f". This {language_name(part['lang'])} has not been checked by the school"
    pdf = _compile("letter.typ", data, letter.date, _fonts(templates), tagged=True)
    return _without_direction(pdf) if data["parts"][0]["dir"] == "rtl" else pdf


def render_batch(
    letters: Sequence[Letter], letterhead: Letterhead, *, layout: str = "dl", templates: Templates
) -> bytes:
    """All letters as one file to print on both sides, in the order given, each letter and enclosure on its own sheet.

    Untagged, because nobody reads it on a screen; ``render_letter`` makes the file for that. Its time stamp is the
    latest date of the letters. Raises as ``render_letter`` does, and ``ValueError`` for no letters at all.
    """
    if not letters:
        raise ValueError("a batch needs at least one letter")
    date = max(letter.date for letter in letters)
    shared: dict[str, _Shared] = {}
    chunks: list[bytes] = []
    for chunk in _chunks(letters, LETTERS_PER_CHUNK):
        data = _document(chunk, letterhead, _layout(layout), templates, own_sheets=True)
        data["title"] = f"{letterhead.name}: letters"

        def stand_in(part: dict[str, Any], data: dict[str, Any] = data) -> dict[str, Any]:
            """A leaflet is the same for all: it is set once, and its pages are put in when the chunks are joined."""
            if part["page"] != "leaflet":
                return part
            key = json.dumps(part, sort_keys=True)
            if key not in shared:
                alone = _compile("letter.typ", {**data, "parts": [part]}, date, _fonts(templates), tagged=False)
                with pikepdf.open(io.BytesIO(alone)) as pages:
                    shared[key] = _Shared(alone, len(pages.pages), _STAND_IN_WIDTH + len(shared))
            return {"page": "stand-in", "pages": shared[key].pages, "width": shared[key].width}

        parts = [stand_in(part) for part in data["parts"]]
        chunks.append(_compile("letter.typ", {**data, "parts": parts}, date, _fonts(templates), tagged=False))
    return _joined(chunks, list(shared.values()), f"{letterhead.name}: letters", date)


def check_letter(letter: Letter, letterhead: Letterhead, *, layout: str = "dl", templates: Templates) -> str | None:
    """Why this letter cannot be made (a reason to hold it, without a value of a person), or None. Renders nothing."""
    try:
        _document([letter], letterhead, _layout(layout), templates, own_sheets=False)
    except LetterError as error:
        return error.reason
    return None


def alignment_sheet(layout: str = "dl") -> bytes:
    """One page that shows where the window will be, to hold behind an envelope before a batch is printed."""
    chosen = _layout(layout)
    language = load_language("en")
    left, top, right, bottom = chosen.window
    data = {
        **_page_style(language),
        "title": f"Alignment sheet: {layout}",
        "layout": layout,
        "window": [left, top, right, bottom],
        "left": chosen.left,
        "address-y": chosen.address_y,
        "salutation-y": chosen.salutation_y,
    }
    return _compile("alignment.typ", data, datetime.date(2025, 9, 1), _shipped_fonts(), tagged=True)


def render_document(
    data: Mapping[str, Any],
    *,
    layout_file: str = "report.typ",
    title: str,
    language: str = "en",
    date: datetime.date,
) -> bytes:
    """A report as a tagged file (PDF/A-2a and PDF/UA-1) from ``report_page.Report.as_data()``.

    Raises ``ValueError`` for a character that no shipped font has, or for what the file standards refuse (a chart
    without ``alt``).
    """
    words = load_language(language)
    fonts = _shipped_fonts()
    document = {**data, **_page_style(words), "title": title, "page-words": words.words["page"]}
    if missing := fonts.missing("".join(_texts(document)), words.fonts):
        raise ValueError(f"the report has {_scripts(missing)}, which no shipped font can print")
    return _compile(layout_file, document, date, fonts, tagged=True)


# ---------------------------------------------------------------- data for the layouts


def _layout(name: str) -> Layout:
    if name not in LAYOUTS:
        raise ValueError(f"{name!r} is not a page layout; there are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def _document(
    letters: Sequence[Letter], letterhead: Letterhead, layout: Layout, templates: Templates, *, own_sheets: bool
) -> dict[str, Any]:
    fonts = _fonts(templates)
    parts = [part for letter in letters for part in _parts(letter, letterhead, layout, templates, fonts, own_sheets)]
    english = load_language("en", templates.school_folder)
    contact = [letterhead.telephone, letterhead.email]
    head = {
        "fonts": english.fonts,
        "name": letterhead.name,
        "lines": [*letterhead.address, *(line for line in contact if line)],
    }
    if missing := fonts.missing("".join(_texts(head)), english.fonts):
        raise ValueError(f"the letterhead has {_scripts(missing)}, which no shipped font can print")
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
            **_page_style(composed.language),
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
        if missing := fonts.missing("".join(_texts(part)), composed.language.fonts):
            raise LetterError(letter.reference, f"{kind} has {_scripts(missing)}, which no font at hand can print")
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


def _page_style(language: Language) -> dict[str, Any]:
    return {
        "lang": language.tag,
        "region": language.region,
        "dir": language.direction,
        "fonts": list(language.fonts),
    }


def _texts(data: Any) -> Iterator[str]:
    """Every string of the data: some are never printed, but all are of our own making and printable."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for name, value in data.items():
            if name != "svg":
                yield from _texts(value)
    elif isinstance(data, Sequence):
        for value in data:
            yield from _texts(value)


def _scripts(characters: set[str]) -> str:
    """What kind of characters, without saying which: one of them may be all there is to a name."""
    words = {unicodedata.name(char, "unnamed character").split(" ")[0].lower() for char in characters}
    return f"{len(characters)} character(s) ({', '.join(sorted(words))})"


# ---------------------------------------------------------------- Typst


def _fonts(templates: Templates) -> FontSet:
    return _font_set(font_folders(templates.school_folder))


def _shipped_fonts() -> FontSet:
    return _font_set(font_folders())


@lru_cache(maxsize=8)
def _font_set(folders: tuple[Path, ...]) -> FontSet:
    return FontSet(folders)


@lru_cache(maxsize=8)
def _compiler(folders: tuple[Path, ...]) -> typst.Compiler:
    return typst.Compiler(
        root=str(_LAYOUT_FOLDER), font_paths=[str(folder) for folder in folders], ignore_system_fonts=True
    )


def _compile(layout_file: str, data: Mapping[str, Any], date: datetime.date, fonts: FontSet, *, tagged: bool) -> bytes:
    """The pages of one document. An error of Typst names the layout's source, never the data."""
    noon = datetime.datetime(date.year, date.month, date.day, 12, tzinfo=datetime.UTC)
    inputs = {"data": json.dumps({**data, "date": [date.year, date.month, date.day]}, ensure_ascii=True)}
    try:
        with _compiling:
            pages = _compiler(fonts.folders).compile(
                input=str(_LAYOUT_FOLDER / layout_file),
                format="pdf",
                sys_inputs=inputs,
                timestamp=noon,
                pdf_tags=tagged,
                pdf_standards=["a-2a", "ua-1"] if tagged else [],
            )
    except typst.TypstError as error:
        raise ValueError(f"{layout_file} could not be set: {error.message}") from None
    assert isinstance(pages, bytes)  # noqa: S101 - one format and no output file: Typst's own rule
    return pages


# ---------------------------------------------------------------- one print file out of chunks


def _chunks(letters: Sequence[Letter], size: int) -> Iterator[list[Letter]]:
    remaining = iter(letters)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _joined(chunks: Sequence[bytes], shared: Sequence[_Shared], title: str, date: datetime.date) -> bytes:
    """The chunks one after another, each beginning on an odd page, with the shared pages where their stand-ins were.

    Each chunk becomes one branch of the page tree, made here: pikepdf's own way of adding pages numbers all pages again
    for each, which takes time by their square.
    """
    joined = pikepdf.new()
    root = joined.Root.Pages
    leaflets = {one.width: _copied(joined, one.pdf) for one in shared}
    for chunk in chunks:
        leaves = _copied(joined, chunk)
        for width, pages in leaflets.items():
            places = [place for place, leaf in enumerate(leaves) if round(float(leaf.MediaBox[2])) == width]
            for number, place in enumerate(places):
                # A page may stand in the tree once only: a new page with the same contents.
                leaves[place] = joined.make_indirect(pikepdf.Dictionary(dict(pages[number % len(pages)].items())))
        if len(leaves) % 2:
            blank = pikepdf.Dictionary(Type=pikepdf.Name.Page, MediaBox=leaves[-1].MediaBox, Resources={})
            leaves.append(joined.make_indirect(blank))
        branch = joined.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.Pages, Parent=root))
        for leaf in leaves:
            leaf.Parent = branch
        branch.Kids, branch.Count = pikepdf.Array(leaves), len(leaves)
        root.Kids.append(branch)
        root.Count += len(leaves)
    stamp = f"D:{date:%Y%m%d}120000Z"
    joined.docinfo = joined.make_indirect(
        pikepdf.Dictionary(Title=title, CreationDate=stamp, ModDate=stamp, Producer="attendance-pipeline")
    )
    out = io.BytesIO()
    joined.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def _without_direction(pdf: bytes) -> bytes:
    """The file without the wish to be shown as a right-to-left book.

    The tags say the language of every word. The wish makes PDFium (Chrome, and portals that read addresses) turn round
    the words of every Latin line, the postcode among them.
    """
    with pikepdf.open(io.BytesIO(pdf)) as file:
        if "/Direction" in file.Root.ViewerPreferences:
            del file.Root.ViewerPreferences.Direction
        out = io.BytesIO()
        file.save(out, deterministic_id=True)
    return out.getvalue()


def _copied(target: pikepdf.Pdf, pdf: bytes) -> list[pikepdf.Object]:
    """The pages of a file as objects of another, not yet in its page tree."""
    with pikepdf.open(io.BytesIO(pdf)) as source:
        return [target.copy_foreign(page.obj) for page in source.pages]
