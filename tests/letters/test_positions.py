"""Hard names and addresses on paper: from the contact's row to millimetres read back out of the PDF."""

import dataclasses
import re
import unicodedata

import pypdfium2
import pytest

from attendance_pipeline.letters.address import LAYOUTS, MAX_LINES
from attendance_pipeline.letters.fields import KINDS
from attendance_pipeline.letters.letter import Letter, Letterhead
from attendance_pipeline.letters.pdf import check_letter, render_batch, render_letter
from attendance_pipeline.letters.recipients import Recipient, address_lines, envelope_lines, salutation
from attendance_pipeline.letters.sample import HANDED_OVER, sample_letter
from attendance_pipeline.letters.templates import Templates

HEAD, TEMPLATES = Letterhead("Oakfield Primary School", ("Far Away",), "0113 496 0000"), Templates()
MM = 72 / 25.4
WINDOWS = {"dl": (20.0, 57.0, 100.0, 81.0), "notify": (24.6, 39.5, 120.0, 66.3)}
POSTED = [kind for kind in KINDS if KINDS[kind].page == "letter" and kind not in HANDED_OVER]
LANGUAGES = ("en", "pl", "ur")
NINE = {
    "address_1": "Apartment 12b\nThe Old Mill\nMill Yard",
    "address_2": "Mill Lane\nLower Wharfe",
    "address_3": "Upper Wharfedale",
    "town": "Otley",
    "county": "West Yorkshire",
    "postcode": "ls21 1aa",
}
SHORT = {"address_1": "1 Elm Row", "town": "Ely", "postcode": "cb74aa"}
LONG = {"address_1": "Featherstonehaugh-Cholmondeley Court, Old Brewery Road", "town": "Ely", "postcode": "CB7 4AA"}
PEOPLE = {
    "short": (("Ms", "A", "Li"), SHORT),
    "nine lines": (("Mr", "Bo", "Smith"), NINE),
    "long and hyphenated": (("Mrs", "Wilhelmina", "Featherstonehaugh-Cholmondeley"), LONG),
    "long and nine lines": (("Dr", "Anastasia-Konstantinova", "Wolfeschlegelsteinhausen"), NINE),
    "apostrophes": (("Mr", "Seán", "O'Neill-D’Arcy"), SHORT),
    "Arabic": (("", "محمد", "عبد الله"), SHORT),
    "Arabic, nine lines": (("Mrs", "فاطمة", "الزهراء"), NINE),
    "markup": (("", "<b>{{x}}", "#eval(1) $y$ *z*"), SHORT),
    "formula": (("", "=HYPERLINK(1)", "@ref <label>"), SHORT),
    "no name": (("", "", ""), SHORT),
}


def to(person: str, kind: str = "letter_1", language: str = "en") -> Letter:
    (title, forename, surname), address = PEOPLE[person]
    people = [Recipient("C1", title, forename, surname, address=address_lines(address))]
    return dataclasses.replace(
        sample_letter(kind, language),
        recipient_lines=envelope_lines(people),
        salutation=salutation(people),
        enclosures=(),
    )


def placed(pdf: bytes, page: int = 0) -> list[tuple[float, float, float, float, str]]:
    """Left, top, right, bottom in mm from the top left corner, and the text, of every piece of a page."""
    sheet = pypdfium2.PdfDocument(pdf)[page]
    words, height = sheet.get_textpage(), sheet.get_height()
    boxes = [words.get_rect(index) for index in range(words.count_rects())]
    return [
        (a / MM, (height - d) / MM, c / MM, (height - b) / MM, words.get_text_bounded(a, b, c, d).strip())
        for a, b, c, d in boxes
    ]


def within(piece, box) -> bool:
    return box[0] <= piece[0] and box[1] <= piece[1] and piece[2] <= box[2] and piece[3] <= box[3]


def touches(piece, box) -> bool:
    return piece[0] < box[2] and piece[2] > box[0] and piece[1] < box[3] and piece[3] > box[1]


def characters(text: str) -> list[str]:
    """In any order: a line from right to left is read back as it is drawn. Alef may come twice beside lam."""
    shown = (c for c in unicodedata.normalize("NFKC", text) if not c.isspace() and unicodedata.category(c) != "Cf")
    return sorted(c for c in shown if c != "ا")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("person", PEOPLE)
def test_the_window_shows_the_whole_address_and_nothing_else(person, layout, language):
    letter = to(person, language=language)
    assert check_letter(letter, HEAD, layout=layout, templates=TEMPLATES) is None
    pieces = [p for p in placed(render_letter(letter, HEAD, layout=layout, templates=TEMPLATES)) if p[4]]
    inside = [p for p in pieces if touches(p, WINDOWS[layout])]
    assert all(within(p, WINDOWS[layout]) for p in inside)
    # What is in the window is the address, whole, and what is outside it is not.
    assert characters("".join(p[4] for p in inside)) == characters("".join(letter.recipient_lines))
    rows = sorted({round(p[3] * 2) for p in inside})
    assert len(letter.recipient_lines) <= MAX_LINES and len(rows) >= 3
    lowest = max(inside, key=lambda p: p[3])
    assert re.fullmatch(r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}", lowest[4])
    assert lowest[4] == letter.recipient_lines[-1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_salutation_is_at_one_height_and_edge_whoever_it_greets(layout, language):
    """A portal splits a batch by what stands there, and only there, on the first page of each letter."""
    heights, edges = set(), set()
    for person in PEOPLE:
        letter = dataclasses.replace(to(person, language=language), salutation="Dear Parent or Carer")
        pieces = placed(render_letter(letter, HEAD, layout=layout, templates=TEMPLATES))
        greeting = min((p for p in pieces if p[4] and p[1] > 85), key=lambda p: p[1])
        heights.add(round(greeting[1], 2))
        edges.add(round(greeting[2 if language == "ur" else 0], 2))
    assert (len(heights), len(edges)) == (1, 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_in_the_print_file_each_first_page_is_greeted_at_the_same_place_and_no_other_is(layout):
    letters = [dataclasses.replace(to("short", kind), reference=f"OAK-{n:04}-K3") for n, kind in enumerate(POSTED)]
    letters[0] = dataclasses.replace(letters[0], enclosures=("leaflet",))
    pdf = render_batch(letters, HEAD, layout=layout, templates=TEMPLATES)
    found = {}
    for number in range(len(pypdfium2.PdfDocument(pdf))):
        for piece in placed(pdf, number):
            if piece[4].startswith("Dear "):
                found[number] = (round(piece[0], 1), round(piece[1], 1))
    assert len(found) == len(letters) == len(POSTED)
    assert len(set(found.values())) == 1
    assert all(number % 2 == 0 for number in found)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_letter_looks_in_the_print_file_as_it_does_alone(layout):
    """Every page, dot for dot: what stands above, below and at the edge of a page knows which page of its letter it is."""
    letters = [dataclasses.replace(sample_letter(kind), enclosures=()) for kind in KINDS]
    batch = pypdfium2.PdfDocument(render_batch(letters, HEAD, templates=TEMPLATES, layout=layout))
    at = 0
    for letter in letters:
        alone = pypdfium2.PdfDocument(render_letter(letter, HEAD, templates=TEMPLATES, layout=layout))
        for page in range(len(alone)):
            assert drawn(batch[at + page]) == drawn(alone[page]), f"{letter.kind}, page {page + 1}"
        at += len(alone) + len(alone) % 2
    assert at - len(batch) in (0, 1)


def drawn(page: pypdfium2.PdfPage) -> bytes:
    return page.render(scale=1).to_numpy().tobytes()


@pytest.mark.parametrize("kind", POSTED)
def test_the_first_page_for_notify_keeps_its_zones(kind):
    """The machine wants the logo, the address, the sender's block and the body each in their own place."""
    zones = [(15, 5, 125, 30), WINDOWS["notify"], (125, 5, 195, 95), (15, 95, 195, 292)]
    pdf = render_letter(sample_letter(kind), HEAD, layout="notify", templates=TEMPLATES)
    for number in range(len(pypdfium2.PdfDocument(pdf))):
        for piece in placed(pdf, number):
            allowed = [(15, 5, 195, 292)] if number else zones
            assert not piece[4] or any(within(piece, zone) for zone in allowed), piece[4]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_no_window_can_show_is_refused_and_never_cut(layout):
    endless = to("short")
    endless = dataclasses.replace(endless, recipient_lines=("Mr " + "Secretname" * 30, *endless.recipient_lines[1:]))
    emoji = dataclasses.replace(endless, recipient_lines=("Mr 😀", "1 Elm Row", "CB7 4AA"))
    for letter in (endless, emoji):
        why = check_letter(letter, HEAD, layout=layout, templates=TEMPLATES)
        assert why and "Secret" not in why and "😀" not in why
