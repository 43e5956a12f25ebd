"""The words of letters: the school's copies, mistakes found before rendering, and values that stay what they are."""

import dataclasses
import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance_pipeline.letters.blocks import (
    Break,
    FormLine,
    Heading,
    Paragraph,
    Picture,
    Run,
    Signature,
    Table,
    parse,
)
from attendance_pipeline.letters.blocks import text_of as text_of_block
from attendance_pipeline.letters.fields import FIELDS, KINDS, LOCAL_AUTHORITY, context, fields_of
from attendance_pipeline.letters.inert import clean, inert, plain
from attendance_pipeline.letters.letter import Letter, LetterError, absence_rows
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead, sample_values
from attendance_pipeline.letters.templates import TemplateError, Templates, check_templates

NASTY = [
    "*#<b>{{x}}_",
    "- item",
    "+ item",
    "1. item",
    "# heading",
    "> quote",
    "| a | b |",
    "    code",
    "`code`",
    "***",
    "---",
    "[signature]",
    "[new page]",
    "[x](http://example.org)",
    "![x](y)",
    "&amp; &lt;",
    "\\*",
    "{% for x in y %}",
    "{# note #}",
    "#eval(1)",
    "$x$",
    "https://example.org",
    "O'Brien-Łukasz “Q”",
]


def school(folder: Path, text: str, kind: str = "letter_1", language: str = "en") -> Path:
    file = folder / language / f"{kind}.md.j2"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def compose(folder: Path, text: str, kind: str = "letter_1", **fields: object) -> tuple:
    school(folder, text, kind)
    letter = sample_letter(kind)
    letter = dataclasses.replace(letter, fields={**letter.fields, **fields})
    return Templates(folder).compose(kind, "en", context(letter, sample_letterhead())).blocks


def text_of(runs: tuple[Run, ...]) -> str:
    return "".join(run.text for run in runs)


def problems(folder: Path, text: str, kind: str = "letter_1") -> list[str]:
    file = school(folder, text, kind)
    return [f"{found.line}: {found.message}" for found in check_templates(folder) if found.file == file]


# ---------------------------------------------------------------- the shipped words


def test_shipped_templates_have_no_problem() -> None:
    assert check_templates() == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_an_english_template_and_a_sample(kind: str) -> None:
    composed = Templates().compose(kind, "en", context(sample_letter(kind), sample_letterhead()))
    assert isinstance(composed.blocks[0], Heading)
    assert composed.blocks[0].level == 1
    assert composed.language.tag == "en"


# What each letter says of its sample pupil beside the date, the contact and the signature.
SAYS = {
    "letter_1": ("82.8%", "21 of 122 sessions", "2 September 2025", "Monday 10 November 2025", "85%", "4 school weeks"),
    "meeting_invitation": ("82.8%", "21 of 122 sessions", "Thursday 11 December 2025", "3.30 pm", "the school office"),
    "letter_2": ("82.8%", "21 of 122 sessions", "Monday 10 November 2025", "Our targets", "By when"),
    "letter_3": ("82.8%", "21 of 122 sessions", "Monday 10 November 2025", "the headteacher will phone you"),
    "improved": ("38 of 40 sessions", "95.0%", "6 November 2025", "Well done"),
    "continuing": ("31 of 40 sessions", "77.5%", "82.8%", "15 January 2026", "Monday 10 November 2025"),
    "medical_support": ("13 sessions through illness", "Monday 15 September 2025", "school nurse"),
    "penalty_notice_warning": (
        *("14 sessions without our agreement", "22 September 2025", "10 school weeks", "Monday 6 October 2025"),
        *("Education Act 1996", "£160", "£80", "21 days", "28 days", "3 years"),
    ),
    "notice_to_improve": (
        *(
            "14 sessions without our agreement",
            "Monday 6 October 2025",
            "82.8%",
            "Education Act 1996, sections 7 and 444",
        ),
        *("Telephone call with the class teacher", "early help for families", "8 December 2025 to 30 January 2026"),
        *("at every session, on time", "It may come before the time is over", "£160", "£80", "6 school weeks"),
    ),
}
THREATS = ("court", "fine", "penalty", "prosecut", "legal", "offence", "law", "must ", "warning", "notice")
MAY_WARN = {"penalty_notice_warning", "notice_to_improve"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].page == "letter"])
def test_letters_hold_the_figures_the_contact_and_one_signature(kind: str) -> None:
    blocks = Templates().compose(kind, "en", context(sample_letter(kind), sample_letterhead())).blocks
    words = repr(blocks)
    for figure in ("Zofia", "0113 496 0000", "attendance@oakfield.example", *SAYS[kind]):
        assert figure in words, figure
    assert sum(isinstance(block, Signature) for block in blocks) == 1


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].to != LOCAL_AUTHORITY])
def test_only_the_kinds_that_have_to_warn_do(kind: str) -> None:
    said = {
        threat
        for values in sample_values(kind)
        for block in Templates().compose(kind, "en", values).blocks
        if not isinstance(block, Picture)
        for threat in THREATS
        if threat in text_of_block(block).lower()
    }
    assert bool(said) == (kind in MAY_WARN), said


def test_a_leaflet_knows_the_school_alone() -> None:
    assert set(fields_of("leaflet")) == {name for name in FIELDS if name.startswith("school_")} | {
        "attendance_lead",
        "headteacher",
    }


# ---------------------------------------------------------------- the school's own copies


def test_the_schools_copy_is_taken_and_the_shipped_one_where_there_is_none(tmp_path: Path) -> None:
    blocks = compose(tmp_path, "# Ours\n\nHello {{ first_name }}\n")
    assert blocks == (Heading(1, (Run("Ours"),)), Paragraph((Run("Hello Zofia"),)))
    shipped = Templates(tmp_path).compose("leaflet", "en", context(sample_letter("leaflet"), sample_letterhead()))
    assert text_of(shipped.blocks[0].runs) == "Every day in school counts"


def test_a_language_without_a_template_is_english_and_says_so(tmp_path: Path) -> None:
    school(tmp_path, "# Obecność\n\nDnia {{ date }}\n", language="pl")
    templates = Templates(tmp_path)
    assert templates.language_of("letter_1", "pl") == "pl"
    assert templates.language_of("letter_2", "pl") == "en"
    assert templates.language_of("letter_1", "../../etc") == "en"
    for kind, tag in (("letter_1", "pl"), ("letter_2", "en")):
        values = context(sample_letter(kind), sample_letterhead())
        assert templates.compose(kind, "pl", values).language.tag == tag


def test_a_languages_own_file_says_dates_sessions_and_codes_and_english_what_it_leaves_out(tmp_path: Path) -> None:
    words = (
        '[dates]\ndate = "{day}.{month}"\nmonths = ["I","II","III","IV","V","VI","VII","VIII","IX","X","XI","XII"]\n'
    )
    (tmp_path / "cs").mkdir()
    (tmp_path / "cs" / "language.toml").write_text(words + '[codes]\nO = "Nepřítomnost"\n', "utf-8")
    source = "# X\n\n{% for a in absences %}{{ a.date }} {{ a.code | code_words }} {{ a.session | session_words }}{% endfor %}"
    school(tmp_path, source, language="cs")
    letter = sample_letter("letter_1")
    rows = absence_rows([(datetime.date(2025, 11, 3), "AM", "O")])
    values = context(dataclasses.replace(letter, fields={**letter.fields, "absences": rows}), sample_letterhead())
    blocks = Templates(tmp_path).compose("letter_1", "cs", values).blocks
    assert text_of(blocks[1].runs) == "3.XI Nepřítomnost Morning"


def test_a_schools_word_replaces_the_shipped_one_in_a_shipped_language(tmp_path: Path) -> None:
    (tmp_path / "pl").mkdir()
    (tmp_path / "pl" / "language.toml").write_text('[codes]\nO = "Brak zgody"\n', "utf-8")
    values = context(sample_letter("letter_1"), sample_letterhead())
    words = repr(Templates(tmp_path).compose("letter_1", "pl", values).blocks)
    assert "Brak zgody" in words
    assert "poniedziałek, 10 listopada 2025 r." in words


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[words]\npage = ", "cannot be read: Invalid value"),
        ('[words]\npage = "{pag} of"\n', "[words] page has {pag}, which is not known here; there are page, pages"),
        ('[dates]\nday = "{day.__class__}"\n', "[dates] day has {day.__class__}, which is not known here"),
        ('[dates]\ndate = "{day:>99999999999}"\n', "[dates] date has {day:>99999999999}, which is not known here"),
        ('[words]\nsalutaton = "x"\n', "[words] salutaton is not a word of languages (did you mean salutation?)"),
        ('[word]\npage = "x"\n', "[word] is not a table of languages; there are page, dates, words"),
        ('[dates]\nmonths = ["January"]\n', "[dates] months has to be 12 words, not 1"),
        ("[dates]\nweekdays = 7\n", "[dates] weekdays has to be a list of words"),
        ("[words]\ndate = 3\n", "[words] date has to be words in quotes"),
        ('[page]\ndirection = "left"\n', '[page] direction has to be "ltr" or "rtl"'),
        ('[marks]\nweekdays = "M T W"\n', "[marks] weekdays has to be five words"),
    ],
)
def test_a_broken_language_file_is_a_problem(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "language.toml").write_text(text, "utf-8")
    found = check_templates(tmp_path)
    assert len(found) == 1
    assert f"{tmp_path}/en/language.toml: {says}" in str(found[0])


def test_a_font_that_is_not_at_hand_and_a_character_without_a_glyph_are_problems(tmp_path: Path) -> None:
    assert "☃ (U+2603), which no font at hand can print" in problems(tmp_path, "# A ☃\n")[0]
    (tmp_path / "en" / "language.toml").write_text('[page]\nfonts = ["Comic Sans"]\n', "utf-8")
    assert "asks for the font Comic Sans; there are Noto Naskh Arabic, Noto Sans" in str(check_templates(tmp_path)[0])


def test_an_edited_template_is_checked_again(tmp_path: Path) -> None:
    file = school(tmp_path, "# A\n")
    templates = Templates(tmp_path)
    values = context(sample_letter("letter_1"), sample_letterhead())
    templates.compose("letter_1", "en", values)
    file.write_text("# A\n\n{{ nobody }}\n", "utf-8")
    with pytest.raises(TemplateError, match="nobody is not a field"):
        templates.compose("letter_1", "en", values)


# ---------------------------------------------------------------- mistakes, with their line


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("# A\n\n{{ firstname }}\n", 3, "firstname is not a field; the fields are "),
        ("# A\n{% if pupil %}x{% endif %}\n", 2, "pupil is not a field"),
        (
            "# A\n\n{% for a in absences %}\n{{ a.day }}\n{% endfor %}\n",
            4,
            "a row of absences has no day; it has date, session",
        ),
        ("# A\n{% for a in absences[:2] %}{{ a.day }}{% endfor %}\n", 2, "a row of absences has no day"),
        ("# A\n{% set b = absences | first %}{{ b['day'] }}\n", 2, "a row of absences has no day"),
        ("# A\n\n\n{{ absences.date }}\n", 4, "absences is a list and has no date"),
        ("# A\n\n{{ absences }}\n", 3, "absences is a list and cannot be printed whole"),
        ("# A\n\n{{ first_name.surname }}\n", 3, "a field of text has no surname"),
        ("# A\n\n{{ first_name | shout }}\n", 3, "No filter named 'shout'"),
        ("# A\n\n{{ first_name | safe }}\n", 3, "No filter named 'safe'"),
        ("# A\n\n{{ first_name }\n", 3, "unexpected '}'"),
        ("# A\n\n{% if first_name %}\n\nx\n", 4, "Unexpected end of template"),
        ("# A\n\n[sign here: you]\n", 3, "[sign here: you] is not a line that letters know"),
        ("# A\n\n[lines: notes]\n", 3, "is not a line that letters know; they know [signature], [new page]"),
        ("# A\n\nPlease <b>come</b>\n", 3, "<b> would be printed as it stands"),
        ("# A\n\nSee [here](https://example.org)\n", 3, "paper has no links"),
        ("# A\n\n### C\n", 3, "a heading ### must come under a ##"),
        ("## A\n", 1, "a heading ## must come under a #"),
        ("# A\n\n{ first_name } was away\n", 3, "{ first_name } would be printed as it stands: a field has two braces"),
        ("# A\n\n}} {{ first_name }}\n", 3, "}} would be printed as it stands: a field has two braces on either side"),
        ("# A\n\nDear «First_Name»,\n", 3, "«First_Name» would be printed as it stands: write {{ first_name }}"),
        ("# A\n\nDear [first name],\n", 3, "[first name] would be printed as it stands: write {{ first_name }}"),
        ("# A\n\nBye\n\n[signature\n", 5, "[signature would be printed as it stands: it stands alone on its line"),
        ("# A\n\nBye\n\n signature]\n", 5, "signature] would be printed as it stands"),
        ("# A\n\nBye\n\n[Signature]\n", 5, "[Signature] would be printed as it stands"),
        ("# A\n\nYours sincerely [signature]\n", 3, "[signature] would be printed as it stands"),
        ("# A\n\n[Lines 4: What we agreed]\n", 3, "[Lines 4: would be printed as it stands"),
        ("# A\n\n---\n", 3, "--- would be printed as it stands"),
        ("# A\n\n| a | b |\n| 1 | 2 |\n", 3, "the first row of a table needs a line of dashes under it"),
        ("Only words\n", 1, "needs a heading"),
        ("# A\n\n{{ first_name | int + first_name }}\n", 3, "cannot be worked out (TypeError)"),
        (
            "# A\n\n{{ (absences | first).nothing if absences else absences[0].date }}\n",
            3,
            "a row of absences has no nothing",
        ),
        ('# A\n{% include "_nothing.md.j2" %}\n', 2, "there is no template _nothing.md.j2 to include"),
        ("# A\n\n{{ first_name.__class__ }}\n", 3, "a field of text has no __class__"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(f"{line}: "), found
    assert says in found[0]


def test_a_pupils_field_in_the_leaflet_is_refused(tmp_path: Path) -> None:
    assert "first_name is not a field" in problems(tmp_path, "# A\n{{ first_name }}\n", "leaflet")[0]


def test_a_file_that_would_never_be_used_is_a_problem(tmp_path: Path) -> None:
    assert "letter1 is not a kind of letter" in problems(tmp_path, "# A\n", "letter1")[0]
    (tmp_path / "letter_1.md.j2").write_text("# A\n")
    assert any("is not used" in str(found) for found in check_templates(tmp_path))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("en/letter_1.md.j2.txt", True),  # as Notepad saves it
        ("en/letter_1.md", True),
        ("en/letter_1.docx", True),
        ("Letter_1.md.txt", True),
        ("en/letter_1.md.j2~", False),  # what an editor keeps for itself
        ("en/letter_1.bak", False),
        ("en/notes.txt", False),
    ],
)
def test_a_copy_with_another_ending_is_said_not_to_be_used(tmp_path: Path, name: str, said: bool) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / name).write_text("# A\n", "utf-8")
    found = [p.message for p in check_templates(tmp_path)]
    assert found == (["is not used: call it letter_1.md.j2, in the folder of its language"] if said else [])


def test_a_mistake_in_the_schools_copy_is_not_put_down_to_the_shipped_one(tmp_path: Path) -> None:
    copy = school(tmp_path, "# A\n\n\U0001f600\n")
    assert [p.file for p in check_templates(tmp_path)] == [copy]


def test_what_only_looks_like_a_placeholder_is_words(tmp_path: Path) -> None:
    words = "Come [if you can] at «nine»; 5 - 3 * 2 = -1. Sign here: signature. A new page of the diary [lines]."
    assert problems(tmp_path, f"# A\n\n{words}\n") == []


def test_a_mistake_is_found_before_anything_is_rendered_and_says_no_value(tmp_path: Path) -> None:
    school(tmp_path, "# A\n\n{{ first_name }} {{ full_nam }}\n")
    with pytest.raises(TemplateError) as caught:
        Templates(tmp_path).compose("letter_1", "en", context(sample_letter("letter_1"), sample_letterhead()))
    assert str(tmp_path / "en" / "letter_1.md.j2") + ":3: full_nam is not a field" in str(caught.value)
    assert "full_name" in str(caught.value)
    assert "Zofia" not in str(caught.value)


def test_names_that_a_template_makes_itself_are_fine(tmp_path: Path) -> None:
    text = "# A\n{% set n = namespace(x=0) %}{% macro m(y) %}{{ y }}{% endmacro %}\n{% for a in absences %}{{ loop.index }} {{ a.date | day }}{% endfor %}{{ m(first_name) }}{{ n.x }}\n"
    assert problems(tmp_path, text) == []


def test_a_line_of_tags_leaves_nothing_and_words_before_a_tag_keep_their_break(tmp_path: Path) -> None:
    table = "# A\n\n| D |\n|:--|\n{% for a in absences %}\n| {{ a.code }} |\n{% endfor %}\n"
    assert [text_of(row[0]) for row in compose(tmp_path, table)[1].rows] == ["U", "O", "O", "N", "O", "U"]
    blocks = compose(tmp_path, "# A\n\none {% if true %}two{% endif %}\n\nthree\n")
    assert [text_of(block.runs) for block in blocks[1:]] == ["one two", "three"]


# ---------------------------------------------------------------- values stay what they are


@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize(
    "place",
    [
        "{{ first_name }}",
        "**{{ first_name }}**",
        "a**{{ first_name }}**b",
        "x {{ first_name }}",
        "{{ first_name }}. and on",
    ],
)
def test_a_nasty_name_comes_out_literally(tmp_path: Path, name: str, place: str) -> None:
    blocks = compose(tmp_path, f"# A\n\n{place}\n\nend\n", first_name=name)
    assert len(blocks) == 3
    assert isinstance(blocks[1], Paragraph)
    expected = place.replace("**", "").replace("{{ first_name }}", clean(name))
    assert text_of(blocks[1].runs) == expected
    assert any(run.bold for run in blocks[1].runs) == ("**" in place)


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_stays_in_its_cell_its_item_and_its_label(tmp_path: Path, name: str) -> None:
    text = "# {{ first_name }}\n\n- {{ first_name }}\n\n| A | B |\n|:-|:-|\n| {{ first_name }} | z |\n\n[line: {{ first_name }} | Date]\n"
    heading, items, table, form = compose(tmp_path, text, first_name=name)
    literal = clean(name)
    assert text_of(heading.runs) == literal
    assert text_of(items.items[0][0].runs) == literal
    assert isinstance(table, Table)
    assert [text_of(cell) for cell in table.rows[0]] == [literal, "z"]
    assert isinstance(form, FormLine)
    assert [text_of(label) for label in form.labels] == [literal, "Date"]


def test_what_a_macro_or_a_block_makes_of_a_value_is_still_inert(tmp_path: Path) -> None:
    text = "# A\n{% macro m(x) %}**{{ x }}**{% endmacro %}{% set c %}_{{ first_name }}_{% endset %}\n\n{{ m(first_name) }} {{ c }} {{ '*' ~ first_name }}\n"
    runs = compose(tmp_path, text, first_name="*x*")[1].runs
    assert [(run.text, run.bold, run.italic) for run in runs] == [
        ("*x*", True, False),
        (" ", False, False),
        ("*x*", False, True),
        (" **x*", False, False),
    ]


@given(st.text(max_size=40))
def test_any_text_at_all_comes_back_from_markdown_as_it_went_in(value: str) -> None:
    expected = clean(value)
    assert plain(inert(value)) == expected.translate({code: "\ufffd" for code in map(ord, expected) if code >= 0xF0000})
    blocks = parse(f"x {inert(value)} y\n")
    assert len(blocks) == 1
    assert text_of(blocks[0].runs) == f"x {plain(inert(value))} y"


def test_marks_that_turn_direction_are_taken_out_of_values_and_isolates_put_round_them() -> None:
    assert clean("Ada\u202e\u2067Lovelace\n") == "AdaLovelace"
    assert plain(inert("0113 496 0000", isolate=True)) == "\u20680113 496 0000\u2069"


# ---------------------------------------------------------------- blocks and fields


def test_the_lines_of_our_own() -> None:
    blocks = parse(
        "Before\n\nYours,\n\n[signature]\n\n**A**\\\nHead\n\n[new page]\n\n[lines 3: Notes]\n[tick: Yes | No]\n"
    )
    assert blocks == (
        Paragraph((Run("Before"),), keep=True),
        Signature((Run("Yours,"),), (Run("A", bold=True), Run("\nHead"))),
        Break(),
        FormLine(((Run("Notes"),),), lines=3),
        FormLine(((Run("Yes"),), (Run("No"),)), tick=True),
    )


def test_a_whole_day_is_one_row() -> None:
    day, other = datetime.date(2025, 11, 4), datetime.date(2025, 11, 3)
    rows = absence_rows([(day, "PM", "O"), (day, "AM", "O"), (other, "PM", "N"), (other, "AM", "U")])
    assert rows == (
        {"date": other, "session": "AM", "code": "U"},
        {"date": other, "session": "PM", "code": "N"},
        {"date": day, "session": "DAY", "code": "O"},
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attendance_percent": 82.8}, "'attendance_percent' must be text or a date, not float"),
        ({"attendance_percent": ""}, "'attendance_percent' (attendance over the period, such as 82.4%) is empty"),
        ({"absences": "none"}, "'absences' must be a list of rows"),
        ({"absences": ({"date": "x"},)}, "row 1 of 'absences' must have exactly date, session, code"),
        ({"upn": "A123"}, "'upn' is not a field to give"),
        ({"school_name": "Other"}, "'school_name' is not a field to give"),
    ],
)
def test_a_letter_with_wrong_values_is_refused_by_reference(change: dict, says: str) -> None:
    letter = sample_letter("letter_1")
    with pytest.raises(LetterError) as caught:
        context(Letter(**{**vars(letter), "fields": {**letter.fields, **change}}), sample_letterhead())
    assert str(caught.value).startswith("letter OAK-7Q2M-K3: ")
    assert says in str(caught.value)
    assert "Zofia" not in str(caught.value)


def test_a_missing_field_is_named() -> None:
    letter = sample_letter("letter_1")
    fields = {name: value for name, value in letter.fields.items() if name != "first_name"}
    with pytest.raises(LetterError, match=r"'first_name'.*is missing"):
        context(dataclasses.replace(letter, fields=fields), sample_letterhead())
