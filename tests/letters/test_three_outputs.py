"""One text, three outputs: the PDF, the editable file and the page to look at of a letter say the same words."""

import dataclasses
import html.parser
import io
import re
import subprocess
import sys
import unicodedata
import zipfile
from collections import Counter
from functools import cache

import docx
import pikepdf
import pypdfium2
import pytest
from docx.oxml.ns import qn
from lxml import etree

from attendance_pipeline.letters.address import LAYOUTS
from attendance_pipeline.letters.docx import render_docx
from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.letters.html import render_html
from attendance_pipeline.letters.letter import Letter, LetterError
from attendance_pipeline.letters.pdf import render_letter
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates

HEAD, TEMPLATES = sample_letterhead(), Templates()
ALL = [(kind, language) for kind in KINDS for language in TEMPLATES.languages_of(kind)]
LEFT_TO_RIGHT = [(kind, language) for kind, language in ALL if language != "ur"]
TWIPS = 1440 / 25.4
HARD = {
    "markup": "</w:t><w:br/> & <b>Zoë</b>",
    "field code": "{ MERGEFIELD Name } DDEAUTO c:\\windows",
    "template": "{{ 7 * 7 }} {% raw %}",
    "script": "<script>alert(1)</script>",
    "apostrophes": "D’Arcy O'Neill-Ní Dhuibhne",
    "Arabic": "محمد عبد الله",
    "long": "Featherstonehaugh-Cholmondeley" * 4,
}


@cache
def made(kind: str, language: str = "en") -> tuple[bytes, bytes, bytes]:
    return outputs(sample_letter(kind, language))


def outputs(letter: Letter, layout: str = "dl") -> tuple[bytes, bytes, bytes]:
    return tuple(
        render(letter, HEAD, layout=layout, templates=TEMPLATES) for render in (render_letter, render_docx, render_html)
    )


def words(text: str) -> list[str]:
    """The words of a text, without its signs: a bullet, or where a line of an address ends, is nobody's word."""
    text = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in unicodedata.normalize("NFKC", text))
    return re.findall(r"\w+", "".join(sign for sign in text if unicodedata.category(sign) != "Cf"))


# ---------------------------------------------------------------- reading back


def pdf_words(pdf: bytes) -> list[str]:
    """What a screen reader is given, page by page: tagged text, without drawings and the numbers before items."""
    silent = _marked_as(pdf, {"/Figure", "/Lbl"})
    found = []
    for number, page in enumerate(pypdfium2.PdfDocument(pdf)):
        reading, last = page.get_textpage(), ""
        for thing in page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_TEXT,)):
            mark = pypdfium2.raw.FPDFPageObj_GetMarkedContentID(thing.raw)
            if mark < 0 or (number, mark) in silent:
                continue
            _, bottom, _, top = thing.get_bounds()
            line = f"{mark} {round((bottom + top) / 6)}"
            text = _text_of(thing, reading)
            found.append(text if line == last else f" {text}")
            last = line
    return words("".join(found))


def _text_of(thing, reading) -> str:
    size = pypdfium2.raw.FPDFTextObj_GetText(thing.raw, reading.raw, None, 0)
    buffer = (pypdfium2.raw.FPDF_WCHAR * (size // 2))()
    pypdfium2.raw.FPDFTextObj_GetText(thing.raw, reading.raw, buffer, size)
    return bytes(buffer).decode("utf-16-le").rstrip("\0")


def _marked_as(pdf: bytes, kinds: set[str]) -> set[tuple[int, int]]:
    """Page and mark of all content within tags of these kinds."""
    found: set[tuple[int, int]] = set()
    with pikepdf.open(io.BytesIO(pdf)) as file:
        numbers = {page.objgen: number for number, page in enumerate(file.pages)}

        def walk(node, page, within) -> None:
            if isinstance(node, int):
                if within and page is not None:
                    found.add((page, node))
                return
            if not isinstance(node, pikepdf.Dictionary):
                return
            page = numbers.get(node.Pg.objgen, page) if "/Pg" in node else page
            if "/MCID" in node:
                walk(int(node.MCID), page, within)
            within = within or str(node.get("/S", "")) in kinds
            kids = node.get("/K", [])
            for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
                walk(kid, page, within)

        walk(file.Root.StructTreeRoot, None, False)
    return found


def docx_words(data: bytes) -> list[str]:
    return words(_text(docx.Document(io.BytesIO(data)).element.body).replace("☐", " "))


def _text(body) -> str:
    signs = {qn("w:br"): "\n", qn("w:tab"): "\t", qn("w:p"): "\n"}
    return "".join((node.text or "") if node.tag == qn("w:t") else signs.get(node.tag, "") for node in body.iter())


class _Reader(html.parser.HTMLParser):
    """The words that stand on a page, without its drawings and its foot."""

    silent = ("style", "title", "svg", "footer")
    within_words = ("strong", "em", "bdi", "wbr")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.quiet = 0
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        self.quiet += tag in self.silent
        self.found.append("" if tag in self.within_words else " ")

    def handle_endtag(self, tag) -> None:
        self.quiet -= tag in self.silent
        self.found.append("" if tag in self.within_words else " ")

    def handle_data(self, data) -> None:
        if not self.quiet:
            self.found.append(data)


def read_html(data: bytes) -> _Reader:
    reader = _Reader()
    reader.feed(data.decode())
    return reader


def html_words(data: bytes) -> list[str]:
    return words("".join(read_html(data).found))


# ---------------------------------------------------------------- the same words


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_the_editable_file_says_what_the_page_says(kind, language):
    _, editable, page = made(kind, language)
    assert docx_words(editable) == html_words(page)


@pytest.mark.parametrize(("kind", "language"), LEFT_TO_RIGHT)
def test_the_printed_letter_says_the_same(kind, language):
    pdf, editable, _ = made(kind, language)
    assert pdf_words(pdf) == docx_words(editable)


@pytest.mark.parametrize(("kind", "language"), [one for one in ALL if one not in LEFT_TO_RIGHT])
def test_printed_from_right_to_left_it_has_the_same_letters(kind, language):
    """A PDF holds such a line as it is drawn: the order of its words is not to be had back, its characters are (but for
    alef, which may come out twice where it is drawn as one with the lam before it)."""
    pdf, editable, _ = made(kind, language)
    printed, written = (Counter("".join(found)) for found in (pdf_words(pdf), docx_words(editable)))
    assert printed.pop("ا") >= written.pop("ا")
    assert printed == written


@pytest.mark.parametrize("hard", HARD)
def test_a_hard_name_is_the_same_text_in_all_three(hard):
    letter = sample_letter("letter_2")
    letter = dataclasses.replace(
        letter,
        fields={**letter.fields, "full_name": HARD[hard], "first_name": HARD[hard]},
        salutation=f"Dear {HARD[hard]}",
    )
    pdf, editable, page = outputs(letter)
    assert docx_words(editable) == html_words(page)
    said = _text(docx.Document(io.BytesIO(editable)).element.body)
    plain = "".join(sign for sign in said if unicodedata.category(sign) != "Cf")
    assert f"Dear {HARD[hard]}" in plain
    assert plain.count(HARD[hard]) > 3
    if hard not in ("Arabic", "long"):  # a PDF holds these as drawn: turned round, and broken
        assert pdf_words(pdf) == docx_words(editable)
    assert {tag for tag, _ in read_html(page).tags}.isdisjoint({"script", "b", "img", "a", "link", "iframe", "object"})


# ---------------------------------------------------------------- the editable file


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_every_file_of_the_package_is_xml_and_bears_no_moment(kind, language):
    with zipfile.ZipFile(io.BytesIO(made(kind, language)[1])) as packed:
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        for name in packed.namelist():
            if name.endswith((".xml", ".rels")):
                etree.fromstring(packed.read(name))
        # Nothing that fetches, runs or merges: the fields count pages.
        body = b"".join(packed.read(name) for name in packed.namelist())
    assert set(re.findall(rb'w:instr="([^"]*)"', body)) <= {b" PAGE ", b" SECTIONPAGES "}
    assert b"TargetMode" not in body and b"instrText" not in body


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_address_of_an_editable_letter_is_framed_in_the_window(layout, language):
    letter = sample_letter("letter_1", language)
    document = docx.Document(io.BytesIO(render_docx(letter, HEAD, layout=layout, templates=TEMPLATES)))
    left, top, right, bottom = LAYOUTS[layout].window
    places, high = set(), 0.0
    for paragraph in document.paragraphs:
        frame = paragraph._p.pPr.find(qn("w:framePr"))
        if frame is None or int(frame.get(qn("w:y"))) / TWIPS < 39 or int(frame.get(qn("w:x"))) / TWIPS > 100:
            continue
        assert frame.get(qn("w:hAnchor")) == frame.get(qn("w:vAnchor")) == "page"
        places.add(tuple(int(frame.get(qn(f"w:{name}"))) / TWIPS for name in ("x", "y", "w")))
        spacing = paragraph._p.pPr.find(qn("w:spacing"))
        assert spacing.get(qn("w:lineRule")) == "exact"
        high += int(spacing.get(qn("w:line"))) / TWIPS
        assert paragraph.text in letter.recipient_lines
    ((x, y, wide),) = places  # one frame for all lines
    assert left <= x and x + wide <= right and top <= y and y + high <= bottom


def test_an_editable_letter_says_its_language_and_direction_in_every_run():
    document = docx.Document(io.BytesIO(made("letter_1", "ur")[1]))
    for paragraph in document.paragraphs:
        for run in paragraph.runs:
            look = run._r.rPr
            if look is None or not run.text.strip():
                continue
            tongue = look.find(qn("w:lang"))
            arabic = bool(re.search("[\u0600-\u06ff]", run.text))
            assert tongue is not None, run.text
            if arabic:
                assert look.find(qn("w:rtl")) is not None
                assert tongue.get(qn("w:bidi")) == "ur"
            elif re.search("[A-Za-z]", run.text) and look.find(qn("w:rtl")) is None:
                assert tongue.get(qn("w:val")) == "en-GB"


def test_tables_and_headings_are_those_of_a_word_processor():
    document = docx.Document(io.BytesIO(made("letter_1")[1]))
    assert document.core_properties.title == "Oakfield Primary School: OAK-7Q2M-K3"
    assert document.core_properties.language == "en-GB"
    (table, _) = document.tables
    assert [cell.text for cell in table.rows[0].cells] == ["Date", "Session", "What our register says"]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    assert [p.text for p in document.paragraphs if p.style.name == "Heading 1"] == [
        "Zofia’s attendance",
        "Every day in school counts",
    ]
    assert len(document.sections) == 3  # the letter, the head of the leaflet, its two columns


def test_the_attendance_picture_is_in_the_editable_file_with_its_words():
    document = docx.Document(io.BytesIO(made("attendance_picture")[1]))
    (picture,) = document.inline_shapes
    assert "Of 122 sessions 101 were attended" in picture._inline.docPr.get("descr")


def test_a_letter_that_cannot_be_printed_is_refused_the_same_way():
    letter = dataclasses.replace(sample_letter("letter_1"), salutation="Dear Secret 漢字")
    for render in (render_docx, render_html):
        with pytest.raises(LetterError, match="no font at hand") as caught:
            render(letter, HEAD, templates=TEMPLATES)
        assert "Secret" not in str(caught.value)


# ---------------------------------------------------------------- the page to look at


@pytest.mark.parametrize(("kind", "language"), ALL)
def test_the_page_says_its_language_and_loads_nothing(kind, language):
    page = made(kind, language)[2]
    reader = read_html(page)
    tags = {tag for tag, _ in reader.tags}
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "a", "form", "base"})
    whole = next(attrs for tag, attrs in reader.tags if tag == "html")
    assert (whole["lang"], whole["dir"]) == {"en": ("en-GB", "ltr"), "pl": ("pl", "ltr"), "ur": ("ur", "rtl")}[language]
    assert all(attrs["lang"] and attrs["dir"] for tag, attrs in reader.tags if tag == "article")
    assert all(attrs["scope"] == "col" for tag, attrs in reader.tags if tag == "th")
    assert not re.search(rb"(?i)url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)
    assert b"default-src 'none'" in page


# ---------------------------------------------------------------- the same bytes


def test_the_same_letter_gives_the_same_files_in_another_process():
    code = (
        "import hashlib\n"
        "from attendance_pipeline.letters.docx import render_docx\n"
        "from attendance_pipeline.letters.html import render_html\n"
        "from attendance_pipeline.letters.sample import sample_letter, sample_letterhead\n"
        "from attendance_pipeline.letters.templates import Templates\n"
        "one, head, t = sample_letter('letter_3'), sample_letterhead(), Templates()\n"
        "made = [render(one, head, templates=t) for render in (render_docx, render_html)]\n"
        "print(hashlib.sha256(b''.join(made)).hexdigest())\n"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
