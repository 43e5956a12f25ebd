"""Letters in other languages: words in their own script, values that keep their direction, and who checked the text."""

import dataclasses
import io
import re
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from attendance_pipeline.letters.fields import context
from attendance_pipeline.letters.fonts import FontSet
from attendance_pipeline.letters.language import SHIPPED, language_file, load_language
from attendance_pipeline.letters.pdf import render_letter
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import Templates, check_templates, unchecked_translations

HEAD, TEMPLATES = sample_letterhead(), Templates()
OTHERS = ("pl", "ur")
FONTS = FontSet((SHIPPED / "fonts",))


def page(language: str, number: int = 0, **change: object):
    one = dataclasses.replace(sample_letter("letter_1", language), **change)
    return pypdfium2.PdfDocument(render_letter(one, HEAD, templates=TEMPLATES))[number]


def lefts(sheet, *words: str) -> list[float]:
    """Where the last place of each word begins."""
    text, found = sheet.get_textpage(), []
    for word in words:
        search, at = text.search(word, match_case=True), None
        while (place := search.get_next()) is not None:
            at = place[0]
        assert at is not None, word
        found.append(text.get_charbox(at)[0])
    return found


# ---------------------------------------------------------------- what is shipped


def test_two_languages_come_as_examples_of_letter_1_and_its_leaflet_and_wait_to_be_checked():
    assert unchecked_translations() == {"pl": ["letter_1", "leaflet"], "ur": ["letter_1", "leaflet"]}
    assert [TEMPLATES.languages_of(kind) for kind in ("letter_1", "leaflet", "letter_2")] == [
        ["en", "pl", "ur"],
        ["en", "pl", "ur"],
        ["en"],
    ]


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_says_all_the_page_says_and_the_fonts_can_print_it(language):
    english, other = load_language("en"), load_language(language)
    for table in ("sessions", "codes", "windows"):
        assert set(getattr(other, table)) == set(getattr(english, table))
        same = [key for key, word in getattr(other, table).items() if word == getattr(english, table)[key]]
        assert same == []
    left_out = {"telephone", "email"}
    assert [k for k, word in other.words.items() if word == english.words[k] and k not in left_out] == []
    words = [*other.weekdays, *other.months, *other.words.values(), *other.sessions.values(), *other.codes.values()]
    assert FONTS.missing("".join(words), other.fonts) == set()


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("kind", ["letter_1", "leaflet"])
def test_a_translation_has_the_blocks_and_the_fields_of_the_english_one(language, kind):
    """Paragraph by paragraph, so that whoever checks it can lay the two side by side."""
    values = context(sample_letter(kind), HEAD)
    english = TEMPLATES.compose(kind, "en", values).blocks
    other = TEMPLATES.compose(kind, language, values).blocks
    assert [type(block).__name__ for block in other] == [type(block).__name__ for block in english]

    def named(tag: str) -> set[str]:
        parts = (kind, "_absences", "_contact") if kind == "letter_1" else (kind,)
        source = "".join((SHIPPED / tag / f"{part}.md.j2").read_text("utf-8") for part in parts)
        return set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)))

    assert named(language) - {"_absences", "_contact"} == named("en") - {"_absences", "_contact"}


@pytest.mark.parametrize("language", OTHERS)
def test_a_letter_says_its_figures_dates_and_contact_in_every_language(language):
    text = page(language).get_textpage().get_text_range()
    words = load_language(language)
    for said in ("82.8%", "122", "21", "85%", "0113 496 0000", "attendance@oakfield.example", "Ms A Lead", "Zofia"):
        assert said in text, said
    for said in (words.words["salutation"], words.sessions["DAY"], words.codes["O"], words.months[11]):
        assert said in text, said
    assert "Dear" not in text


# ---------------------------------------------------------------- right to left


def test_urdu_can_be_searched_and_read_out():
    """The words come out of the file as they went in, letter by letter and in their order."""
    text = page("ur").get_textpage().get_text_range()
    for sentence in (
        "کی اسکول میں حاضری",
        "ہم اسے ٹھیک کرنے میں آپ کی مدد کرنا چاہتے ہیں۔",
        "منظور شدہ وجہ کے بغیر غیر حاضر",
        "جمعرات 13 نومبر 2025",
        "82.8%",
    ):
        assert sentence in text, sentence


def test_numbers_telephones_and_names_keep_their_direction_in_urdu():
    sheet = page("ur")
    # Not as a reader gives them back (it guesses the order of signs within a line), but where they stand.
    for words in (("0113", "496", "0000"), ("attendance", "oakfield", "example"), ("Ms", "A Lead")):
        assert lefts(sheet, *words) == sorted(lefts(sheet, *words))
    number, sign = lefts(sheet, "85", "85%")[0], sheet.get_textpage()
    place = sign.search("85%").get_next()
    assert place is not None
    boxes = [sign.get_charbox(place[0] + n)[0] for n in range(3)]
    assert boxes == sorted(boxes), "the sign stands to the right of its number"
    assert number == boxes[0]


@pytest.mark.parametrize("name", ["محمد", "Zoë O’Brien-Łuk", "*#<b>{{x}}_", "Anne-Marie"])
@pytest.mark.parametrize("language", ["en", "pl"])
def test_a_name_of_either_direction_stands_in_a_letter_from_left_to_right(language, name):
    one = sample_letter("letter_1", language)
    text = page(language, fields={**one.fields, "first_name": name}).get_textpage().get_text_range()
    assert name in text


@pytest.mark.parametrize(
    ("name", "parts"),
    [("محمد", ("محمد",)), ("Zoë O’Brien-Łuk", ("Zoë", "Brien", "Łuk")), ("Anne-Marie", ("Anne", "Marie"))],
)
def test_a_name_of_either_direction_stands_in_urdu(name, parts):
    sheet = page("ur", fields={**sample_letter("letter_1", "ur").fields, "first_name": name})
    assert lefts(sheet, *parts) == sorted(lefts(sheet, *parts))


def test_the_address_and_the_letterhead_run_from_left_to_right_in_urdu():
    sheet = page("ur")
    assert lefts(sheet, "128", "Quarry", "Terrace") == sorted(lefts(sheet, "128", "Quarry", "Terrace"))
    assert lefts(sheet, "LS6", "2XX") == sorted(lefts(sheet, "LS6", "2XX"))
    assert lefts(sheet, "LS6")[0] == lefts(sheet, "Flat 3")[0]


@pytest.mark.parametrize(("language", "tag"), [("pl", "pl"), ("ur", "ur")])
def test_a_file_says_its_language_for_who_reads_it_out(language, tag):
    with pikepdf.open(io.BytesIO(render_letter(sample_letter("letter_1", language), HEAD, templates=TEMPLATES))) as pdf:
        assert str(pdf.Root.Lang) == tag


# ---------------------------------------------------------------- another language, and who checked it


def test_another_language_is_a_template_and_a_file_of_words(tmp_path):
    folder = tmp_path / "ro"
    folder.mkdir()
    (folder / "letter_1.md.j2").write_text(
        "{# Translation checked by: Doamna Popescu, 3 noiembrie 2025 #}\n# Prezența: {{ first_name }}\n\n{{ date }}\n",
        "utf-8",
    )
    language_file(tmp_path, "ro").write_text(
        '[dates]\nmonths = ["ianuarie", "februarie", "martie", "aprilie", "mai", "iunie", "iulie", "august", '
        '"septembrie", "octombrie", "noiembrie", "decembrie"]\n',
        "utf-8",
    )
    assert check_templates(tmp_path) == []
    templates = Templates(tmp_path)
    text = pypdfium2.PdfDocument(
        render_letter(sample_letter("letter_1", "ro"), HEAD, templates=templates)
    )[0].get_textpage().get_text_range()  # fmt: skip
    assert "Prezența: Zofia" in text
    assert "4 decembrie 2025" in text
    assert "ro" not in unchecked_translations(tmp_path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Polish", "is not used: a folder is named with the tag of its language, such as pl; call it pl"),
        ("PL", "is not used: a folder is named with the tag of its language, such as pl; call it pl"),
        ("klingon", "is not used: a folder is named with the tag of its language, such as pl"),
    ],
)
def test_a_folder_that_no_familys_language_leads_to_is_a_mistake(tmp_path, name, says):
    (tmp_path / name).mkdir()
    (tmp_path / name / "letter_1.md.j2").write_text("# X\n", "utf-8")
    assert [str(found) for found in check_templates(tmp_path)] == [f"{tmp_path / name}: {says}"]


def test_a_region_is_left_off_where_there_is_nothing_for_it(tmp_path):
    assert [TEMPLATES.language_of("letter_1", tag) for tag in ("pl-PL", "ur-PK", "pt-BR", "")] == [
        "pl",
        "ur",
        "en",
        "en",
    ]
    (tmp_path / "pl-PL").mkdir()
    (tmp_path / "pl-PL" / "letter_1.md.j2").write_text("# X\n", "utf-8")
    assert Templates(tmp_path).language_of("letter_1", "pl-PL") == "pl-PL"


def test_a_part_in_english_never_stands_in_a_letter_of_another_language(tmp_path):
    (tmp_path / "ro").mkdir()
    file = tmp_path / "ro" / "letter_1.md.j2"
    file.write_text('# Prezența\n\n{% include "_contact.md.j2" %}\n', "utf-8")
    assert [str(found) for found in check_templates(tmp_path)] == [
        f"{file}:3: there is no template _contact.md.j2 to include"
    ]


@pytest.mark.parametrize(
    ("lines", "unchecked"),
    [
        ({}, True),  # the shipped ones
        ({"letter_1": "{# Translation checked by: Mrs A Nowak, 3 November 2025 #}"}, True),  # its parts are not
        (
            {
                "letter_1": "{# Translation checked by: Mrs A Nowak #}",
                "_absences": "{#Translation checked by:Mrs A Nowak#}",
                "_contact": "{#   Translation checked by:   Mrs A Nowak   #}",
            },
            False,
        ),
        ({"letter_1": "", "_absences": "", "_contact": ""}, True),  # a line that is taken out says nothing
    ],
)
def test_a_translation_is_checked_when_it_and_its_parts_say_by_whom(tmp_path, lines, unchecked):
    (tmp_path / "pl").mkdir()
    for name, line in lines.items():
        source = (SHIPPED / "pl" / f"{name}.md.j2").read_text("utf-8")
        (tmp_path / "pl" / f"{name}.md.j2").write_text(source.replace("{# Translation checked by: #}", line), "utf-8")
    templates = Templates(tmp_path)
    assert templates.unchecked("letter_1", "pl") == unchecked
    assert not templates.unchecked("letter_1", "en")
    assert not templates.unchecked("letter_2", "pl")  # there is none: it goes in English


def test_fonts_are_shipped_with_their_licence_and_cover_names_of_europe_and_of_arabic_script():
    readme = (SHIPPED / "fonts" / "README.md").read_text("utf-8")
    licence = (SHIPPED / "fonts" / "OFL.txt").read_text("utf-8")
    assert "SIL Open Font License" in readme and "SIL OPEN FONT LICENSE Version 1.1" in licence
    for file in Path(SHIPPED / "fonts").glob("*.ttf"):
        assert file.name.split("-")[0].replace("Noto", "Noto ").replace("NaskhArabic", "Naskh Arabic") in readme
    names = "ÀàÇçČčĎďĘęĞğİıĶķŁłŃńŌōŘřŞşȘșŤťŪūÝýŽžÞþßŊŋƏəỌọẸẹŨũἈΑαЖжЇїЎў"
    assert FONTS.missing(names, ("Noto Sans",)) == set()
    assert FONTS.missing("ءآأابپتٹثجچحخدڈذرڑزژسشصضطظعغفقکكگلمنںوہھیےئؤۃىة", ("Noto Naskh Arabic",)) == set()
