"""Letters on paper: read back out of the PDF, the address is in the window and nothing is printed that must not be."""

import dataclasses
import datetime
import io
import re
import subprocess
import sys
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from attendance_pipeline.letters.address import LAYOUTS, AddressError, fit_address
from attendance_pipeline.letters.fonts import FontSet
from attendance_pipeline.letters.language import SHIPPED
from attendance_pipeline.letters.letter import Letter, LetterError, Letterhead, absence_rows
from attendance_pipeline.letters.pdf import alignment_sheet, check_letter, render_batch, render_document, render_letter
from attendance_pipeline.letters.report_page import Chart, DataTable, KeyFigure, Report, Section
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates

HEAD = sample_letterhead()
FAR_HEAD = Letterhead("Oakfield Primary School", ("Far Away",), "0113 496 0000")  # shares no word with an address
TEMPLATES = Templates()
MM = 72 / 25.4
ADDRESSES = {
    "short": ("Ms A Li", "1 Elm Row", "Ely", "CB7 4AA"),
    "seven lines": (
        "Dr Ngozi Adeyemi-Fairweather",
        "Flat 12b",
        "The Old Mill",
        "Mill Lane",
        "Upper Wharfe",
        "Leeds",
        "LS6 2XX",
    ),
    "long": (
        "The Honourable Wilhelmina Featherstonehaugh-Cholmondeley",
        "Featherstonehaugh-Cholmondeley Court, Great Missenden",
        "Anglesey",
        "LL61 5UJ",
    ),
    "nasty": ("*#<b>{{x}}_ O’Ñeill", "#eval(1) & [x](y)", "$x$ \\ `c`", "Leeds", "LS1 4AP"),
}


def letter(kind: str = "letter_1", **change: object) -> Letter:
    return dataclasses.replace(sample_letter(kind), **change)


def named(name: str, kind: str = "letter_1", **change: object) -> Letter:
    one = letter(kind, **change)
    return dataclasses.replace(one, fields={**one.fields, "first_name": name, "full_name": name})


def pages(pdf: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)]


def boxes(pdf: bytes, text: str, page: int = 0) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in mm from the top left corner of all places where the text stands."""
    sheet = pypdfium2.PdfDocument(pdf)[page]
    words = sheet.get_textpage()
    at, count = words.search(text, match_case=True).get_next()
    found = [
        words.get_charbox(index, loose=False)
        for index in range(at, at + count)
        if words.get_text_range(index, 1).strip()
    ]
    height = sheet.get_height()
    left, bottom = min(box[0] for box in found), min(box[1] for box in found)
    right, top = max(box[2] for box in found), max(box[3] for box in found)
    return left / MM, (height - top) / MM, right / MM, (height - bottom) / MM


# ---------------------------------------------------------------- the window


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_line_of_the_address_is_inside_the_window(layout: str, address: str) -> None:
    pdf = render_letter(
        letter(recipient_lines=ADDRESSES[address], enclosures=()), FAR_HEAD, layout=layout, templates=TEMPLATES
    )
    left, top, right, bottom = LAYOUTS[layout].window
    last = 0.0
    for line in ADDRESSES[address]:
        whole = boxes(pdf, line)
        assert left <= whole[0]
        assert top <= whole[1]
        assert whole[2] <= right
        assert whole[3] <= bottom
        assert whole[3] > last  # in order, the postcode last
        last = whole[3]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_but_the_address_stands_in_or_beside_the_window(layout: str) -> None:
    pdf = render_letter(letter(recipient_lines=(), enclosures=()), HEAD, layout=layout, templates=TEMPLATES)
    with_address = render_letter(letter(enclosures=()), HEAD, layout=layout, templates=TEMPLATES)
    assert "128 Quarry Mount Terrace" in pages(with_address)[0]
    assert "128 Quarry Mount Terrace" not in pages(pdf)[0]
    sheet = pypdfium2.PdfDocument(with_address)[0]
    words, height = sheet.get_textpage(), sheet.get_height()
    # A page in a DL envelope slides 10 mm sideways and 11 mm up and down; the machine of Notify reads its box alone.
    slide_x, slide_y = (10, 11) if layout == "dl" else (0, 0)
    left, top, right, bottom = LAYOUTS[layout].window
    lines = sample_letter("letter_1").recipient_lines
    for index in range(words.count_rects()):
        x1, y1, x2, y2 = words.get_rect(index)
        text = words.get_text_bounded(x1, y1, x2, y2).strip()
        x, y = x1 / MM, (height - y2) / MM
        if text and text not in lines and not any(text in line for line in lines):
            assert not (left - slide_x < x < right + slide_x and top - slide_y < y < bottom + slide_y), text


@pytest.mark.parametrize(("layout", "y"), [("dl", 93), ("notify", 96)])
def test_the_salutation_is_at_one_place_in_every_posted_letter(layout: str, y: int) -> None:
    places = set()
    for address in ADDRESSES.values():
        one = named("Wolfeschlegelsteinhausenbergerdorff", recipient_lines=address, salutation="Dear Parent or Carer")
        box = boxes(render_letter(one, HEAD, layout=layout, templates=TEMPLATES), "Dear")
        places.add((round(box[0], 2), round(box[1], 2)))
    assert len(places) == 1
    assert abs(places.pop()[1] - y) < 1.5


def test_an_address_that_cannot_be_seen_whole_is_refused_without_saying_it() -> None:
    eight = letter(recipient_lines=tuple(f"Secretline {number}" for number in range(8)))
    endless = letter(recipient_lines=("Secretline" * 20, "LS1 1AA"))
    for bad, says in ((eight, "8 lines; the window shows at most 7"), (endless, "too long for the window")):
        with pytest.raises(LetterError, match=says) as caught:
            render_letter(bad, HEAD, templates=TEMPLATES)
        assert "Secret" not in str(caught.value)
        assert "OAK-7Q2M-K3" in str(caught.value)
        assert says in (check_letter(bad, HEAD, templates=TEMPLATES) or "")
    assert check_letter(letter(), HEAD, templates=TEMPLATES) is None


def test_a_long_line_is_broken_where_there_is_room_and_never_the_postcode() -> None:
    fonts = FontSet((SHIPPED / "fonts",))
    line = "Apartment 4, The Former Wesleyan Methodist Chapel and Sunday School Buildings, Upper Wharfedale Road"
    found = fit_address(("Mx A Person", line, "LS1 1AA"), LAYOUTS["dl"], fonts, ("Noto Sans",))
    assert len(found.lines) > 3
    assert " ".join(found.lines[1:-1]) == line
    assert found.lines[-1] == "LS1 1AA"
    with pytest.raises(AddressError):
        fit_address(("A", line, line, line, "B", "LS1 1AA"), LAYOUTS["dl"], fonts, ("Noto Sans",))


# ---------------------------------------------------------------- what a letter says


@pytest.mark.parametrize("kind", ["letter_1", "letter_2", "letter_3"])
def test_a_letter_says_what_it_must_and_bears_no_upn(kind: str) -> None:
    pdf = render_letter(letter(kind), HEAD, templates=TEMPLATES)
    text = "\n".join(pages(pdf))
    for words in (
        "Oakfield Primary School",
        "0113 496 0000",
        "4 December 2025",
        "OAK-7Q2M-K3",
        "Dear Mrs Nowak-Ashworth,",
        "82.8%",
        "Yours sincerely",
    ):
        assert words in text
    assert not re.search(r"\b[A-Z]\d{11}[A-Z0-9]\b", text)
    assert "upn" not in text.lower()
    assert "UPN" not in repr(sorted(sample_letter(kind).fields))


def test_enclosures_follow_and_each_counts_its_own_pages() -> None:
    found = pages(render_letter(letter("letter_3"), HEAD, templates=TEMPLATES))
    assert ["Page 1 of 1" in page for page in found] == [True, True, False, False, True]
    assert "Attendance meeting: agenda" in found[1]
    assert "Page 1 of 2" in found[2]
    assert "Page 2 of 2" in found[3]
    assert "Zofia’s attendance picture" in found[4]


def test_without_marks_there_is_no_attendance_picture() -> None:
    one = letter("letter_3")
    fields = {name: value for name, value in one.fields.items() if name != "marks"}
    found = pages(render_letter(dataclasses.replace(one, fields=fields), HEAD, templates=TEMPLATES))
    assert len(found) == 4
    assert "attendance picture" not in "".join(found)


def test_a_sample_letter_with_six_rows_keeps_to_one_page() -> None:
    assert len(pages(render_letter(letter(enclosures=()), HEAD, templates=TEMPLATES))) == 1


@pytest.mark.parametrize("days", range(2, 40, 3))
def test_a_signature_is_never_alone_on_a_page_and_the_table_repeats_its_head(days: int) -> None:
    sessions = [(datetime.date(2025, 9, 1) + datetime.timedelta(days=day), "AM", "O") for day in range(days)]
    one = letter(enclosures=())
    one = dataclasses.replace(one, fields={**one.fields, "absences": absence_rows(sessions)})
    found = pages(render_letter(one, HEAD, templates=TEMPLATES))
    signed = next(page for page in found if "Attendance Lead" in page)
    assert "Yours sincerely" in signed
    assert "Please call" in signed
    for page in found:
        assert ("What our register says" in page) == (
            "September 2025 Morning" in page or "October 2025 Morning" in page
        )


@pytest.mark.parametrize(
    "name", ["*#<b>{{x}}_", "#eval(1) $x$ @ref <label>", "- Łucja", "O’Brien-Ní Dhuibhne", "محمد", "1. Ștefan"]
)
def test_a_nasty_name_is_printed_literally(name: str) -> None:
    text = pages(render_letter(named(name, enclosures=()), HEAD, templates=TEMPLATES))[0]
    if name != "محمد":  # read back in the order of the page
        assert f"{name}’s attendance" in text.replace("\r\n", "\n")


def test_a_character_without_a_glyph_is_refused_without_the_name() -> None:
    for one in (named("Secret 漢字 😀"), letter(salutation="Dear 漢字"), letter(recipient_lines=("漢字", "LS1 1AA"))):
        with pytest.raises(LetterError, match=r"which no font at hand can print") as caught:
            render_letter(one, HEAD, templates=TEMPLATES)
        assert "cjk" in str(caught.value)
        assert "漢" not in str(caught.value)
        assert "Secret" not in str(caught.value)
        assert caught.value.reference == "OAK-7Q2M-K3"


def test_a_long_school_name_and_email_stay_on_the_page() -> None:
    head = Letterhead(
        "The Blessed Wilhelmina of the Wharfe Roman Catholic Voluntary Academy and Community Nursery School",
        ("A very long street name indeed that goes on and on and on without any end in sight", "Leeds"),
        "0113 496 0000",
        "attendance.office.enquiries@blessed-wilhelmina-of-the-wharfe.leeds.sch.example",
    )
    pdf = render_letter(letter(), head, templates=TEMPLATES)
    for number, sheet in enumerate(pypdfium2.PdfDocument(pdf)):
        words = sheet.get_textpage()
        for index in range(words.count_rects()):
            left, _, right, _ = words.get_rect(index)
            assert left / MM >= 15
            assert right / MM <= 196, number


# ---------------------------------------------------------------- the file


def test_a_letter_is_tagged_titled_and_in_its_language_and_names_nobody_outside_its_pages() -> None:
    with pikepdf.open(io.BytesIO(render_letter(letter(), HEAD, templates=TEMPLATES))) as pdf:
        assert str(pdf.Root.Lang) == "en-GB"
        assert pdf.Root.MarkInfo.Marked
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert str(pdf.docinfo.Title) == "Oakfield Primary School: OAK-7Q2M-K3"
        xmp = pdf.Root.Metadata.read_bytes().decode()
        assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
        assert "<pdfaid:part>2</pdfaid:part>" in xmp
        assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
        assert "Zofia" not in xmp + repr(pdf.docinfo)


def test_the_same_letters_give_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib\n"
        "from attendance_pipeline.letters.pdf import render_batch, render_letter\n"
        "from attendance_pipeline.letters.sample import sample_letter, sample_letterhead\n"
        "from attendance_pipeline.letters.templates import Templates\n"
        "one = sample_letter('letter_1'); head = sample_letterhead(); t = Templates()\n"
        "print(hashlib.sha256(render_letter(one, head, templates=t) + render_batch([one, one], head, templates=t)).hexdigest())\n"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1


def test_a_batch_starts_each_letter_and_each_enclosure_on_an_odd_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attendance_pipeline.letters.pdf.LETTERS_PER_CHUNK", 3)
    letters = [
        named(f"Pupil{number}", ("letter_1", "letter_2", "letter_3")[number % 3], reference=f"OAK-{number:04}-K3")
        for number in range(8)
    ]
    pdf = render_batch(letters, HEAD, templates=TEMPLATES)
    found = pages(pdf)
    firsts = [index for index, page in enumerate(found) if "Dear Mrs" in page]
    assert len(firsts) == 8
    for number, index in enumerate(firsts):
        assert index % 2 == 0
        assert f"OAK-{number:04}-K3" in found[index]
        assert f"Pupil{number}" in found[index]
    for start in ("Every day in school counts", "Attendance meeting: agenda", "Attendance Support Action Plan"):
        starts = [index for index, page in enumerate(found) if start in page and "Dear Mrs" not in page]
        assert starts
        assert all(index % 2 == 0 for index in starts)
    # a leaflet follows each first letter, and every page is A4
    assert all("Every day in school counts" in found[index + 2] for index in firsts[::3])
    document = pypdfium2.PdfDocument(pdf)
    assert {(round(page.get_width()), round(page.get_height())) for page in document} == {(595, 842)}
    assert str(pikepdf.open(io.BytesIO(pdf)).docinfo.Title) == "Oakfield Primary School: letters"


def test_a_batch_of_many_letters_grows_by_few_kilobytes_each() -> None:
    letters = [named(f"Pupil{number}", reference=f"OAK-{number:04}-K3") for number in range(40)]
    pdf = render_batch(letters, HEAD, templates=TEMPLATES)
    assert len(pdf) < 60_000 + 40 * 4_000
    with pytest.raises(ValueError, match="at least one letter"):
        render_batch([], HEAD, templates=TEMPLATES)


def test_a_right_to_left_letter_keeps_its_numbers_and_its_address_in_place(tmp_path: Path) -> None:
    (tmp_path / "ar").mkdir()
    (tmp_path / "ar" / "language.toml").write_text(
        '[page]\ndirection = "rtl"\nfonts = ["Noto Naskh Arabic", "Noto Sans"]\n', "utf-8"
    )
    (tmp_path / "ar" / "letter_1.md.j2").write_text(
        "# حضور {{ first_name }}\n\nاتصل بنا {{ school_telephone }} الآن\n", "utf-8"
    )
    pdf = render_letter(
        letter(language="ar", salutation="السيدة", enclosures=("leaflet",)), HEAD, templates=Templates(tmp_path)
    )
    text = pages(pdf)[0]
    assert "0113 496 0000" in text  # in the letterhead
    assert "حضور" in text
    words, lefts = pypdfium2.PdfDocument(pdf)[0].get_textpage(), []
    for part in ("0113", "496", "0000"):
        search = words.search(part)
        search.get_next()
        lefts.append(words.get_charbox(search.get_next()[0])[0])
    assert lefts == sorted(lefts)  # within Arabic words a telephone number is not turned round
    box = boxes(pdf, "128 Quarry Mount Terrace")
    assert 21.5 < box[0] < 23
    assert "Every day in school counts" in pages(pdf)[1]  # in English, where there is no other
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert str(file.Root.Lang) == "ar"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_alignment_sheet_shows_the_window(layout: str) -> None:
    pdf = alignment_sheet(layout)
    assert len(pages(pdf)) == 1
    left, top, right, bottom = LAYOUTS[layout].window
    for line in ("Mx Sample Recipient", "SA1 1AA"):
        box = boxes(pdf, line)
        assert left <= box[0]
        assert box[2] <= right
        assert top <= box[1]
        assert box[3] <= bottom
    with pytest.raises(ValueError, match="there are dl, notify"):
        alignment_sheet("c5")


# ---------------------------------------------------------------- reports

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40"><path d="M0 30 L100 10" stroke="#1d3b5c"/></svg>'
DAY = datetime.date(2025, 10, 24)


def report(**change: object) -> Report:
    rows = tuple((f"Group *{number}*", str(number), "94.2%") for number in range(70))
    return Report(
        school="Oakfield Primary School",
        subtitle="Autumn",
        footer="Foot",
        sections=(
            Section(key_figures=(KeyFigure("Attendance", "94.2%", "last year 93.8%"), KeyFigure("Severe", "c"))),
            Section(
                "Charts",
                paragraphs=("#eval(1) <b>",),
                charts=(Chart(SVG, "Rises", "A", 0.5), Chart(SVG, "Rises", "B", 0.5)),
            ),
            Section(
                "Groups",
                tables=(
                    DataTable(("Group", "Pupils", "Attendance"), rows, strong_rows=(0,), caption="Table", note="n"),
                ),
            ),
        ),
    )


def test_a_report_is_tagged_repeats_its_header_and_says_words_as_they_are() -> None:
    pdf = render_document(report().as_data(), title="Governor report", date=DAY)
    found = pages(pdf)
    assert len(found) == 2
    assert all("Group Pupils Attendance" in page for page in found)
    assert "#eval(1) <b>" in found[0]
    assert "Group *69*" in found[1]
    assert "Page 2 of 2" in found[1]
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert str(file.docinfo.Title) == "Governor report"
        assert "<pdfuaid:part>1</pdfuaid:part>" in file.Root.Metadata.read_bytes().decode()
    assert pdf == render_document(report().as_data(), title="Governor report", date=DAY)


def test_a_report_may_lie_on_its_side() -> None:
    wide = dataclasses.replace(report(), landscape=True)
    page = pypdfium2.PdfDocument(render_document(wide.as_data(), title="Wide", date=DAY))[0]
    assert page.get_width() > page.get_height()


def test_a_report_with_a_ragged_table_or_an_unprintable_character_is_refused() -> None:
    ragged = Report("S", sections=(Section(tables=(DataTable(("A", "B"), (("1",),)),)),))
    with pytest.raises(ValueError, match="section 1, table 1: rows, align and widths must have 2 columns"):
        ragged.as_data()
    with pytest.raises(ValueError, match="which no shipped font can print"):
        render_document(Report("漢").as_data(), title="T", date=DAY)
