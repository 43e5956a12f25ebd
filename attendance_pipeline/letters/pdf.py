"""Letters and reports as PDF: the only module that knows Typst and pikepdf.

Belongs here: turning the parts of letters and the data of reports into pages. Does not belong here: words and what
stands around them (``parts``), figures, who gets a letter.

The layouts in ``letter_templates/layout`` are ours and fixed. Everything a person or a school wrote reaches them as
strings of JSON, which Typst sets and never reads as its own language. The same input gives the same bytes: fonts are
shipped, the time stamp is the date given. One ``typst.Compiler`` per thread and set of fonts is kept, because starting
one costs more than a letter. Typst lets other threads run while it sets: large batches use two (``threads``).
"""

import datetime
import io
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import pikepdf
import typst

from attendance_pipeline.engine import Engine, InProcess
from attendance_pipeline.letters.fonts import FontSet
from attendance_pipeline.letters.language import SHIPPED, load_language
from attendance_pipeline.letters.language_names import language_name
from attendance_pipeline.letters.letter import Letter, LetterError, Letterhead
from attendance_pipeline.letters.parts import (
    document_of,
    fonts_in,
    fonts_of,
    layout_of,
    page_style,
    scripts_of,
    shipped_fonts,
    texts_of,
)
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.letters.threads import workers_for

__all__ = [
    "Letter",
    "LetterError",
    "Letterhead",
    "alignment_sheet",
    "picture",
    "render_batch",
    "render_document",
    "render_letter",
    "render_sample",
]

SAMPLE_WORDS = "SAMPLE. The people are invented. Do not send"
LETTERS_PER_CHUNK = 16  # Typst remembers some ten documents back, about 1 MB for each letter of one
_LAYOUT_FOLDER = SHIPPED / "layout"
_LETTERS = "letter.typ"
_own = threading.local()  # a Compiler serves one thread at a time, so each thread has its own
_MOST_COMPILERS = 8
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
    data = document_of([letter], letterhead, layout_of(layout), templates, own_sheets=False)
    data["title"] = f"{letterhead.name}: {letter.reference}"
    pdf = _compile(_LETTERS, data, letter.date, fonts_of(templates), tagged=True)
    return _without_direction(pdf) if data["parts"][0]["dir"] == "rtl" else pdf


def render_sample(letter: Letter, letterhead: Letterhead, *, layout: str = "dl", templates: Templates) -> bytes:
    """As `render_letter`, with a band and a word across each page so that it can never pass for a letter.

    The band says where a page is in a translation that nobody of the school has checked.
    """
    data = document_of([letter], letterhead, layout_of(layout), templates, own_sheets=False)
    data["title"] = f"{SAMPLE_WORDS}: {letter.kind}"
    for part in data["parts"]:
        part["sample"] = SAMPLE_WORDS
        if templates.unchecked(part["kind"], part["lang"]):
            part["sample"] += f". This {language_name(part['lang'])} has not been checked by the school"
    pdf = _compile(_LETTERS, data, letter.date, fonts_of(templates), tagged=True)
    return _without_direction(pdf) if data["parts"][0]["dir"] == "rtl" else pdf


def render_batch(
    letters: Sequence[Letter],
    letterhead: Letterhead,
    *,
    layout: str = "dl",
    templates: Templates,
    workers: int | None = None,
    engine: Engine | None = None,
) -> bytes:
    """All letters as one file to print on both sides, in the order given, each letter and enclosure on its own sheet.

    Untagged, because nobody reads it on a screen; ``render_letter`` makes the file for that. Its time stamp is the
    latest date of the letters. ``workers``: threads that set chunks (None: by the number of letters); ``engine``: where
    they are set (None: here); the bytes are the same. Raises as ``render_letter`` does, and ``ValueError`` for no
    letters at all.
    """
    if not letters:
        raise ValueError("a batch needs at least one letter")
    date = max(letter.date for letter in letters)
    shared: dict[str, _Shared] = {}

    def documents() -> Iterator[dict[str, Any]]:
        """Each chunk's data, in order: what is put together here does not depend on who sets it."""
        for chunk in _chunks(letters, LETTERS_PER_CHUNK):
            data = document_of(chunk, letterhead, layout_of(layout), templates, own_sheets=True)
            data["title"] = f"{letterhead.name}: letters"

            def stand_in(part: dict[str, Any], data: dict[str, Any] = data) -> dict[str, Any]:
                """A leaflet is the same for all: set once, its pages put in when the chunks are joined."""
                if part["page"] != "leaflet":
                    return part
                key = json.dumps(part, sort_keys=True)
                if key not in shared:
                    alone = _compile(_LETTERS, {**data, "parts": [part]}, date, fonts_of(templates), tagged=False)
                    with pikepdf.open(io.BytesIO(alone)) as pages:
                        shared[key] = _Shared(alone, len(pages.pages), _STAND_IN_WIDTH + len(shared))
                return {"page": "stand-in", "pages": shared[key].pages, "width": shared[key].width}

            parts = [stand_in(part) for part in data["parts"]]
            yield {**data, "parts": parts}

    threads = workers_for(len(letters)) if workers is None else workers
    set_one = partial(_set_chunk, templates.school_folder, date)
    chunks = list((engine or InProcess()).each(set_one, documents(), threads=threads))
    return _joined(chunks, list(shared.values()), f"{letterhead.name}: letters", date)


def _set_chunk(school_folder: Path | None, date: datetime.date, data: Mapping[str, Any]) -> bytes:
    return _compile(_LETTERS, data, date, fonts_in(school_folder), tagged=False)


def check_letter(letter: Letter, letterhead: Letterhead, *, layout: str = "dl", templates: Templates) -> str | None:
    """Why this letter cannot be made (a reason to hold it, without a value of a person), or None. Renders nothing."""
    try:
        document_of([letter], letterhead, layout_of(layout), templates, own_sheets=False)
    except LetterError as error:
        return error.reason
    return None


def alignment_sheet(layout: str = "dl") -> bytes:
    """One page that shows where the window will be, to hold behind an envelope before a batch is printed."""
    chosen = layout_of(layout)
    language = load_language("en")
    left, top, right, bottom = chosen.window
    data = {
        **page_style(language),
        "title": f"Alignment sheet: {layout}",
        "layout": layout,
        "window": [left, top, right, bottom],
        "left": chosen.left,
        "address-y": chosen.address_y,
        "salutation-y": chosen.salutation_y,
    }
    return _compile("alignment.typ", data, datetime.date(2025, 9, 1), shipped_fonts(), tagged=True)


def picture(svg: str, width: float, dots_per_inch: int, templates: Templates) -> bytes:
    """A drawing as PNG, ``width`` mm wide, for page makers that cannot draw."""
    data = {"svg": svg, "width": width}
    drawn = _compiler(fonts_of(templates).folders).compile(
        input=str(_LAYOUT_FOLDER / "picture.typ"),
        format="png",
        ppi=dots_per_inch,
        sys_inputs={"data": json.dumps(data, ensure_ascii=True)},
    )
    assert isinstance(drawn, bytes)  # noqa: S101 - one page and no output file: Typst's own rule
    return drawn


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
    fonts = shipped_fonts()
    document = {**data, **page_style(words), "title": title, "page-words": words.words["page"]}
    if missing := fonts.missing("".join(texts_of(document)), words.fonts):
        raise ValueError(f"the report has {scripts_of(missing)}, which no shipped font can print")
    return _compile(layout_file, document, date, fonts, tagged=True)


# ---------------------------------------------------------------- Typst


def _compiler(folders: tuple[Path, ...]) -> typst.Compiler:
    kept: dict[tuple[Path, ...], typst.Compiler] = _own.__dict__.setdefault("compilers", {})
    if folders not in kept:
        if len(kept) >= _MOST_COMPILERS:
            kept.clear()
        kept[folders] = typst.Compiler(
            root=str(_LAYOUT_FOLDER), font_paths=[str(folder) for folder in folders], ignore_system_fonts=True
        )
    return kept[folders]


def _compile(layout_file: str, data: Mapping[str, Any], date: datetime.date, fonts: FontSet, *, tagged: bool) -> bytes:
    """The pages of one document. An error of Typst names the layout's source, never the data.

    The data of letters is a file of Typst's memory. What `sys.inputs` holds belongs to the language for it: with other
    inputs it reads all layout files anew, which costs a fifth of a letter.
    """
    noon = datetime.datetime(date.year, date.month, date.day, 12, tzinfo=datetime.UTC)
    text = json.dumps({**data, "date": [date.year, date.month, date.day]}, ensure_ascii=True)
    source: Any = str(_LAYOUT_FOLDER / layout_file)
    given: dict[str, Any] = {"sys_inputs": {"data": text}}
    if layout_file == _LETTERS:
        source, given = {"main.typ": _main_of_letters(), "data.json": text.encode("ascii")}, {}
    try:
        pages = _compiler(fonts.folders).compile(
            input=source,
            format="pdf",
            timestamp=noon,
            pdf_tags=tagged,
            pdf_standards=["a-2a", "ua-1"] if tagged else [],
            **given,
        )
    except typst.TypstError as error:
        raise ValueError(f"{layout_file} could not be set: {error.message}") from None
    assert isinstance(pages, bytes)  # noqa: S101 - one format and no output file: Typst's own rule
    return pages


@cache
def _main_of_letters() -> bytes:
    return (_LAYOUT_FOLDER / _LETTERS).read_bytes()


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
