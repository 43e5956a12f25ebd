"""The page of every kind, read back out of the PDF: what stands where, who may read it, and what a sample says."""

import dataclasses
import datetime as dt
import io
import re
from functools import cache
from itertools import pairwise

import pikepdf
import pypdfium2
import pytest

from attendance_pipeline.letters.fields import FAMILY, KINDS, LOCAL_AUTHORITY, PUPIL
from attendance_pipeline.letters.letter import absence_rows
from attendance_pipeline.letters.pdf import render_batch, render_letter, render_sample
from attendance_pipeline.letters.sample import HANDED_OVER, sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates

HEAD, TEMPLATES = sample_letterhead(), Templates()
MM = 72 / 25.4
LETTERS = [kind for kind in KINDS if KINDS[kind].page == "letter"]
POSTED = [kind for kind in LETTERS if kind not in HANDED_OVER]
UPN = re.compile(r"\b[A-Z]\d{11}[A-Z0-9]\b")


@cache
def rendered(kind: str, layout: str = "dl", language: str = "en") -> bytes:
    return render_letter(sample_letter(kind, language), HEAD, layout=layout, templates=TEMPLATES)


def texts(pdf: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]


def lines(pdf: bytes, page: int = 0) -> list[tuple[float, float, float, float, str]]:
    """Left, top, right, bottom in mm from the top left corner, and the words, of every piece of a page."""
    sheet = pypdfium2.PdfDocument(pdf)[page]
    words, height = sheet.get_textpage(), sheet.get_height()
    found = []
    for index in range(words.count_rects()):
        x1, y1, x2, y2 = words.get_rect(index)
        text = words.get_text_bounded(x1, y1, x2, y2).strip()
        found.append((x1 / MM, (height - y2) / MM, x2 / MM, (height - y1) / MM, text))
    return found


# ---------------------------------------------------------------- whom each kind is for


def test_whom_each_kind_is_for():
    assert {kind for kind in KINDS if KINDS[kind].to == LOCAL_AUTHORITY} == {"referral_pack"}
    assert {kind for kind in KINDS if KINDS[kind].to == PUPIL} == {"raffle_certificate", "prize_certificate"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].to != LOCAL_AUTHORITY])
def test_nothing_for_a_family_or_a_child_bears_a_upn_or_a_date_of_birth(kind):
    text = "\n".join(texts(rendered(kind)))
    assert not UPN.search(text)
    assert "14 February 2017" not in text
    assert not {"upn", "date_of_birth", "pupil_address"} & set(KINDS[kind].fields)


def test_the_referral_has_what_local_authorities_ask_for():
    text = re.sub(r"\s+", " ", " ".join(texts(rendered("referral_pack"))))
    for said in (
        *("Confidential", "School attendance: referral to the local authority", "Z999999999999", "14 February 2017"),
        *("Mrs Kamila Nowak-Ashworth", "Mr Peter Ashworth", "Parental responsibility: Yes", "Lives with the pupil: No"),
        *("Certificate of attendance", "is a registered pupil of Oakfield Primary School", "The last 60 sessions"),
        *(
            "Signed by the headteacher",
            "What the school and others have done",
            "Home visit",
            "Nobody at home; card left",
        ),
        *(
            "Notice to Improve was in force from 29 September 2025",
            "School nurse",
            "Declarations",
            "The marks of the year",
        ),
        *("1 September 2025", "Holiday not granted by the school", "The pupil is not looked after"),
    ):
        assert said in text, said


# ---------------------------------------------------------------- where things stand


@pytest.mark.parametrize("layout", ["dl", "notify"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_words_keep_to_the_margins_and_off_one_another(kind, layout):
    pdf = rendered(kind, layout)
    for number, page in enumerate(pypdfium2.PdfDocument(pdf)):
        wide, high = page.get_width() / MM, page.get_height() / MM
        found = lines(pdf, number)
        for left, top, right, bottom, text in found:
            assert left >= 15 and right <= wide - 15, text
            assert top >= 8 and bottom <= high - 5, text
        for a in found:
            for b in found:
                if a is not b and a[4] and b[4]:
                    across = min(a[2], b[2]) - max(a[0], b[0])
                    down = min(a[3], b[3]) - max(a[1], b[1])
                    assert not (across > 0.5 and down > 1.2), (a[4], b[4])


@pytest.mark.parametrize("layout", ["dl", "notify"])
@pytest.mark.parametrize("kind", POSTED)
def test_a_posted_kind_has_its_address_in_the_window(kind, layout):
    window = {"dl": (20, 57, 100, 81), "notify": (24.6, 39.5, 120, 66.3)}[layout]
    found = {text: box for *box, text in lines(rendered(kind, layout))}
    for line in sample_letter(kind).recipient_lines:
        left, top, right, bottom = found[line]
        assert window[0] <= left and window[1] <= top and right <= window[2] and bottom <= window[3], line


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in POSTED and KINDS[kind].to == FAMILY])
def test_what_is_handed_over_has_no_address(kind):
    assert "LS6 2XX" not in "".join(texts(rendered(kind)))


def edges(pdf: bytes) -> list[float]:
    """Heights in mm of what is drawn in the outer 5 mm of the first page's left edge."""
    page = pypdfium2.PdfDocument(pdf)[0]
    found = []
    for thing in page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_PATH,)):
        _, bottom, right, _ = thing.get_bounds()
        if right / MM < 6:
            found.append(round((page.get_height() - bottom) / MM))
    return sorted(found)


@pytest.mark.parametrize(
    ("kind", "layout", "folds"),
    [
        ("letter_1", "dl", [99, 198]),
        ("notice_to_improve", "dl", [99, 198]),
        ("letter_1", "notify", []),  # nothing else may stand on the page that its machine reads
        ("letter_2", "dl", []),  # handed over
        ("referral_pack", "dl", []),
    ],
)
def test_a_letter_that_is_folded_says_where(kind, layout, folds):
    assert edges(rendered(kind, layout)) == folds


def test_pages_after_the_first_say_whose_they_are():
    for kind in ("penalty_notice_warning", "notice_to_improve", "referral_pack"):
        found = texts(rendered(kind))
        for number, page in enumerate(found[1:], start=2):
            assert page.startswith("Oakfield Primary School")
            assert "4 December 2025" in page.split("\n")[0] + page.split("\n")[1]
            assert f"Page {number} of {len(found)}" in page
            assert "OAK-7Q2M-K3" in page


@pytest.mark.parametrize("kind", [k for k in LETTERS if "absences" in KINDS[k].fields])
@pytest.mark.parametrize("days", [0, 1, 7, 12, 25, 60])
def test_however_long_the_list_a_signature_is_never_alone_and_no_page_is_nearly_empty(kind, days):
    one = sample_letter(kind)
    sessions = [(dt.date(2025, 9, 1) + dt.timedelta(days=day), "AM", "O") for day in range(days)]
    one = dataclasses.replace(one, fields={**one.fields, "absences": absence_rows(sessions)}, enclosures=())
    found = texts(render_letter(one, HEAD, templates=TEMPLATES))
    signed = next(page for page in found if "Yours sincerely" in page)
    assert any(role in signed for role in ("Attendance Lead", "Headteacher", "Class teacher"))
    for page in found:
        assert len(page.split()) > 25, page


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_tagged_in_its_language_and_begins_with_its_heading(kind):
    with pikepdf.open(io.BytesIO(rendered(kind))) as pdf:
        assert str(pdf.Root.Lang) == "en-GB"
        xmp = pdf.Root.Metadata.read_bytes().decode()
        assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
        tags = _tags(pdf.Root.StructTreeRoot)
        headings = [tag for tag in tags if re.fullmatch(r"H\d", tag)]
        assert headings[0] == "H1"
        assert all(int(b[1]) <= int(a[1]) + 1 for a, b in pairwise(headings))
        assert "Nowak" not in xmp + repr(pdf.docinfo)


def test_the_attendance_picture_is_told_to_who_cannot_see_it():
    with pikepdf.open(io.BytesIO(rendered("attendance_picture"))) as pdf:
        alts = _alts(pdf.Root.StructTreeRoot)
    assert any("Of 122 sessions 101 were attended, 5 of them late" in alt for alt in alts)
    (page,) = texts(rendered("attendance_picture"))
    assert re.search(r"All\s+122\s+101\s+5\s+7\s+14", page)


def _nodes(node: pikepdf.Object):
    if isinstance(node, pikepdf.Dictionary):
        yield node
        kids = node.get("/K", [])
        for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
            yield from _nodes(kid)


def _tags(root: pikepdf.Object) -> list[str]:
    return [str(node.S)[1:] for node in _nodes(root) if "/S" in node]


def _alts(root: pikepdf.Object) -> list[str]:
    return [str(node.Alt) for node in _nodes(root) if "/Alt" in node]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_letter_gives_the_same_bytes(kind):
    again = render_letter(sample_letter(kind), HEAD, templates=Templates())
    assert again == rendered(kind)


def test_certificates_lie_on_their_side_and_letters_do_not():
    for kind in KINDS:
        page = pypdfium2.PdfDocument(rendered(kind))[0]
        assert (page.get_width() > page.get_height()) == (KINDS[kind].to == PUPIL)


def test_every_kind_can_be_printed_in_one_batch_each_on_its_own_sheet():
    letters = [dataclasses.replace(sample_letter(kind), reference=f"OAK-{n:04}-K3") for n, kind in enumerate(KINDS)]
    found = texts(render_batch(letters, HEAD, templates=TEMPLATES))
    assert len(found) % 2 == 0
    for n, kind in enumerate(KINDS):
        if KINDS[kind].page in ("letter", "form", "pack"):
            first = next(i for i, page in enumerate(found) if f"OAK-{n:04}-K3" in page)
            assert first % 2 == 0, kind


# ---------------------------------------------------------------- samples


@pytest.mark.parametrize("layout", ["dl", "notify"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_of_a_sample_says_so_twice_and_no_letter_does(kind, layout):
    one = sample_letter(kind)
    for page in texts(render_sample(one, HEAD, layout=layout, templates=TEMPLATES)):
        assert page.count("SAMPLE. The people are invented. Do not send") == 2
        assert page.split().count("SAMPLE") >= 1
    assert "SAMPLE" not in "".join(texts(rendered(kind, layout)))


def test_a_sample_is_red_across_its_page():
    """Seen from afar, before anything is read: a fair part of the page is tinted, and two bands are solid."""
    page = pypdfium2.PdfDocument(render_sample(sample_letter("letter_1"), HEAD, templates=TEMPLATES))[0]
    image = page.render(scale=0.5).to_pil().convert("RGB")
    pixels = list(image.getdata())
    strong = sum(r > 140 and g < 60 and b < 80 for r, g, b in pixels) / len(pixels)
    tinted = sum(r > 235 and 190 < g < 235 and 190 < b < 238 for r, g, b in pixels) / len(pixels)
    assert strong > 0.03
    assert tinted > 0.03


@pytest.mark.parametrize(("language", "name"), [("pl", "Polish"), ("ur", "Urdu")])
def test_a_sample_of_an_unchecked_translation_says_so(language, name):
    found = texts(render_sample(sample_letter("letter_1", language), HEAD, templates=TEMPLATES))
    assert all(f"This {name} has not been checked by the school" in page for page in found)
