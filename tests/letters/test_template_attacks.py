"""Templates and values that try to do what a letter must not: reach Python, fill memory, run for ever, leave the folder."""

import dataclasses
import resource
import time
from pathlib import Path

import pypdfium2
import pytest

from attendance_pipeline.letters.blocks import Paragraph
from attendance_pipeline.letters.fields import KINDS, context
from attendance_pipeline.letters.inert import clean
from attendance_pipeline.letters.pdf import check_letter, render_letter
from attendance_pipeline.letters.sample import sample_letter, sample_letterhead
from attendance_pipeline.letters.templates import TemplateError, Templates, check_templates

HEAD = sample_letterhead()


def write(folder: Path, text: str, name: str = "letter_1") -> Path:
    file = folder / "en" / f"{name}.md.j2"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def refused(folder: Path, text: str, **parts: str) -> str:
    """What rendering a template is refused with. `parts` are templates it may include."""
    for name, source in parts.items():
        write(folder, source, name)
    write(folder, f"# A\n\n{text}\n")
    with pytest.raises(TemplateError) as caught:
        Templates(folder).compose("letter_1", "en", context(sample_letter("letter_1"), HEAD))
    said = str(caught.value)
    assert "Zofia" not in said
    return said.rsplit(".md.j2:", maxsplit=1)[-1]


# ---------------------------------------------------------------- out of the sandbox


@pytest.mark.parametrize(
    "text",
    [
        "{{ first_name.__class__ }}",
        "{{ first_name['__class__'] }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ (first_name | upper).__class__ }}",
        "{{ first_name.format.__globals__ }}",
        "{{ '{0.__class__}'.format(first_name) }}",
        "{{ '%s' % first_name.__class__ }}",
        "{{ first_name.format_map({}) }}",
        "{{ first_name.encode() }}",
        "{{ date.__class__ }}",
        "{{ date.strftime('%s') }}",
        "{{ date.today() }}",
        "{{ absences.__class__ }}",
        "{{ absences[0].keys() }}",
        "{{ absences[0].__class__ }}",
        "{% for a in absences %}{{ a.items() }}{% endfor %}",
        "{% for a in absences %}{{ loop.__class__ }}{% endfor %}",
        "{% for a in absences %}{{ loop._iterable }}{% endfor %}",
        "{% for a in absences %}{{ loop.cycle(a, a) }}{% endfor %}",
        "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
        "{% macro m() %}{% endmacro %}{{ m._func }}",
        "{% macro m() %}{{ caller.__class__ }}{% endmacro %}{% call m() %}x{% endcall %}",
        "{% set n = namespace() %}{{ n.__class__ }}",
        "{% set n = namespace() %}{{ n._Namespace__attrs }}",
        "{{ range.__class__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ self }}",
        "{{ self.__init__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum.__globals__ }}",
        "{{ joiner() }}",
        "{{ dict(a=1) }}",
        "{{ config }}",
        "{{ first_name | attr('__class__') }}",
        "{{ [first_name] | map('upper') }}",
        "{{ absences | map(attribute='__class__') }}",
        "{{ absences | selectattr('__class__') | first }}",
        "{{ absences | sort(attribute='__class__.__name__') }}",
        "{{ '<b>' | safe }}",
        "{{ first_name | e }}",
        "{{ first_name | pprint }}",
        "{{ [first_name] | join('*') }}",
        "{{ first_name | replace('Z', '*') }}",
        "{% autoescape false %}{{ first_name }}{% endautoescape %}",
        "{% import '_contact.md.j2' as c %}",
        "{% from '_contact.md.j2' import c %}",
        "{% extends '_contact.md.j2' %}",
        "{% block a %}x{% endblock %}",
        "{% filter upper %}x{% endfilter %}",
        "{% do first_name %}",
        "{% debug %}",
        "{{ (first_name, absences) }}",
        "{{ {'a': first_name} }}",
        "{{ range }}",
        "{{ 1.5 }}",
        "{{ none }}",
    ],
)
def test_nothing_but_fields_can_be_reached(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text)


def test_what_a_template_is_told_never_holds_what_python_is_made_of(tmp_path: Path) -> None:
    for text in (
        "{{ ''.__class__ }}",
        "{{ absences[0].keys() }}",
        "{% for a in absences %}{{ a.items() }}{% endfor %}",
    ):
        said = refused(tmp_path, text)
        assert "<" not in said and " at 0x" not in said


# ---------------------------------------------------------------- out of the folder


@pytest.mark.parametrize(
    "text",
    [
        '{% include "../letter_1.md.j2" %}',
        '{% include "/etc/passwd" %}',
        '{% include "../../../../etc/passwd" %}',
        '{% include "language.toml" %}',
        '{% include "../fonts/OFL.txt" %}',
        '{% include "letter_2.md.j2" %}',
        '{% include "letter_1.md.j2" %}',
        "{% include first_name %}",
        "{% include ['_contact.md.j2', '/etc/passwd'] %}",
        "{% include '_' ~ first_name ~ '.md.j2' %}",
    ],
)
def test_only_parts_of_letters_can_be_included(tmp_path: Path, text: str) -> None:
    assert 'takes one name in quotes that begins with _, such as "_contact.md.j2"' in refused(tmp_path, text)


def test_a_link_that_leads_out_is_not_read(tmp_path: Path) -> None:
    home, secret = tmp_path / "home", tmp_path / "secret.md.j2"
    secret.write_text("# Secret\n", "utf-8")
    (home / "en").mkdir(parents=True)
    (home / "en" / "_secret.md.j2").symlink_to(secret)
    assert "a link that leads out of its folder" in refused(home, '{% include "_secret.md.j2" %}')
    (home / "en" / "letter_1.md.j2").unlink()
    (home / "en" / "letter_1.md.j2").symlink_to(secret)
    with pytest.raises(TemplateError, match="a link that leads out of its folder"):
        Templates(home).compose("letter_1", "en", context(sample_letter("letter_1"), HEAD))


def test_a_folder_of_templates_may_itself_be_a_link(tmp_path: Path) -> None:
    write(tmp_path / "shared", "# Ours\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "en").symlink_to(tmp_path / "shared" / "en")
    assert check_templates(tmp_path / "home") == []


# ---------------------------------------------------------------- out of time and memory

_TEN = "{{ x }}" * 10
BOMBS: dict[str, tuple[str, dict[str, str]]] = {
    "long range": ("{% for i in range(10**9) %}x{% endfor %}", {}),
    "range of a range": ("{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}", {}),
    "silent loops": ("{% for i in range(900) %}{% for j in range(900) %}{% set y = j %}{% endfor %}{% endfor %}", {}),
    "text times a number": ("{{ 'x' * 10**10 }}", {}),
    "a list times a number": ("{% for i in [1] * 10**9 %}{% endfor %}", {}),
    "power": ("{{ 10 ** 10 ** 10 }}", {}),
    "large number": ("{{ 999999 * 999999 * 999999 }}", {}),
    "centred": ("{{ 'x' | center(10**10) }}", {}),
    "padded": ("{{ 'x'.ljust(10**10) }}", {}),
    "formatted": ("{{ '%9999999999d' % 1 }}", {}),
    "indented": ("{{ 'x' | indent(10**10) }}", {}),
    "doubled": (
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
        {},
    ),
    "doubled with +": (
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        {},
    ),
    "captured": (
        "{% set x %}aaaaaaaaaa{% endset %}" + (f"{{% set x %}}{_TEN}{{% endset %}}" * 12) + "{{ x }}",
        {},
    ),
    "macros of macros": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        {},
    ),
    "a macro for ever": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {}),
    "words in a loop": ("{% for i in range(1000) %}" + "long words " * 3000 + "{% endfor %}", {}),
    "a constant in a loop": ("{% for i in range(1000) %}{{ '" + "x" * 30000 + "' }}{% endfor %}", {}),
    "a part in itself": ('{% include "_a.md.j2" %}', {"_a": '{% include "_a.md.j2" %}'}),
    "a part in a loop": ('{% for i in range(900) %}{% include "_a.md.j2" %}{% endfor %}', {"_a": "x"}),
    "parts of parts": (
        '{% include "_a.md.j2" %}' * 30,
        {"_a": '{% include "_b.md.j2" %}' * 30, "_b": '{% include "_c.md.j2" %}' * 30, "_c": "x"},
    ),
    "a recursive loop": ("{% for a in absences recursive %}{{ loop(absences) }}{% endfor %}", {}),
    "brackets": ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", {}),
    "not not not": ("{{ " + "not " * 3000 + "1 }}", {}),
    "loops in loops": ("{% for i in range(2) %}" * 30 + "x" + "{% endfor %}" * 30, {}),
    "a number of many digits": ("{{ " + "9" * 20000 + " }}", {}),
    "a long file": ("x" * 70_000, {}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_template_ends_soon_and_small(tmp_path: Path, bomb: str) -> None:
    text, parts = BOMBS[bomb]
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refused(tmp_path, text, **parts)
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20000,
        "[a" + " " * 30000 + "x",
        "> " * 10000,
        "- " * 10000,
        "*a **" * 8000,
        "_" * 30000,
        "| a " * 8000 + "|\n" + "|--" * 8000 + "|",
        " " * 60000,
        "{# x #} " * 7000,
        "<a" * 20000,
        "&" * 30000,
        "\\" * 30000,
    ],
    ids=lambda text: text[:6],
)
def test_markdown_that_would_take_for_ever_does_not(tmp_path: Path, text: str) -> None:
    began = time.process_time()
    write(tmp_path, f"# A\n\n{text}\n")
    check_templates(tmp_path)
    assert time.process_time() - began < 5


def test_a_mistake_in_a_part_of_a_letter_is_found_once_with_its_own_file_and_line(tmp_path: Path) -> None:
    part = write(tmp_path, "x\n{{ nobody }}\n", "_contact")
    (found,) = check_templates(tmp_path)
    assert str(found).startswith(f"{part}:2: nobody is not a field; the fields are absences, agencies, ")


# ---------------------------------------------------------------- what a template may do


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("{{ first_name | upper }} {{ first_name.upper() }}", "ZOFIA ZOFIA"),
        ("{{ 'on ' ~ date ~ ', ' ~ 1 }}", "on 4 December 2025, 1"),
        ("{{ 'a' + first_name }}", "aZofia"),
        ("{{ (monitoring_weeks | int) + 1 }} {{ 7 // 2 }} {{ 7 % 2 }}", "5 3 1"),
        ("{{ absences | length }} {{ (absences | last).date }}", "6 1 December 2025"),
        ("{% for a in absences | selectattr('code', 'equalto', 'U') %}{{ a.date }};{% endfor %}",
         "10 November 2025;1 December 2025;"),
        ("{% for a in absences[:2] %}{{ loop.index }}{{ loop.last }}{% endfor %}", "1False2True"),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(first_name) ~ first_name }}", "[Zofia]Zofia"),
        ("{% macro m(x) %}({{ x }}){% endmacro %}{{ m(1) + '&<*' }}", "(1)&<*"),
        ("{{ '*a* &amp; <b>' }}", "*a* &amp; <b>"),
        ("{% set n = namespace(x=0) %}{% for a in absences %}{% set n.x = n.x + 1 %}{% endfor %}{{ n.x }}", "6"),
        ("{{ class_name or 'no class' }}", "4 Kestrel"),
        ("{% if first_name is defined and first_name.startswith('Z') %}yes{% endif %}", "yes"),
    ],
)  # fmt: skip
def test_what_is_allowed_works(tmp_path: Path, text: str, printed: str) -> None:
    write(tmp_path, f"# A\n\n{text}\n")
    blocks = Templates(tmp_path).compose("letter_1", "en", context(sample_letter("letter_1"), HEAD)).blocks
    assert isinstance(blocks[1], Paragraph)
    assert "".join(run.text for run in blocks[1].runs) == printed


# ---------------------------------------------------------------- names and addresses chosen to break things

NAMES = {
    "markdown": "**A** _b_ # c - [d](e) `f` | g > h 1. i",
    "html": "<script>alert('x')</script> & <b>",
    "jinja": "{{ full_name }} {% for x in y %} {# z #}",
    "typst": '#eval("1") $x$ @ref <label> \\ #include "x" ~',
    "directive": "[signature]",
    "formula": '=HYPERLINK("x")',
    "apostrophes": "D’Arcy O'Brien-Ní Dhuibhne `q`",
    "hyphens": "Anne-Marie-Louise-Sophie-Charlotte van der Featherstonehaugh-Cholmondeley-Smythe",
    "very long": "Wolfeschlegelsteinhausenbergerdorff" * 4,
    "one letter": "O",
    "accents": "Łucja Ștefănescu Ñandú Žofie Þóra Ngũgĩ Ọlá Ớt",
}


def letter_of(kind: str, name: str):
    one = sample_letter(kind)
    named = {field: name for field in ("first_name", "full_name") if field in one.fields}
    return dataclasses.replace(one, fields={**one.fields, **named}, enclosures=())


def squeezed(text: str) -> str:
    return "".join(
        text.replace("\ufffe", "-").replace("\u200b", "").split()
    )  # a hyphen at a line's end is read as U+FFFE


# Every name on one page of each sort, and on all pages those that have broken a page before.
EACH_SORT = ("letter_1", "agenda", "referral_pack", "raffle_certificate")
ALL_PAGES = ("markdown", "hyphens", "very long")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind in KINDS
        if "first_name" in KINDS[kind].fields
        for name in (NAMES if kind in EACH_SORT else ALL_PAGES)
    ],
)
def test_a_name_is_printed_as_it_is_and_stays_on_the_page(kind: str, name: str) -> None:
    pdf = render_letter(letter_of(kind, NAMES[name]), HEAD, templates=Templates())
    document = pypdfium2.PdfDocument(pdf)
    text = ""
    for page in document:
        words = page.get_textpage()
        text += words.get_text_range()
        for index in range(words.count_rects()):
            left, _, right, _ = words.get_rect(index)
            assert left > 20 and right < page.get_width() - 20
    assert squeezed(clean(NAMES[name])) in squeezed(text)


def test_an_arabic_name_in_an_english_letter_turns_nothing_else_round(tmp_path: Path) -> None:
    write(tmp_path, "# A\n\n{{ first_name }} 12 {{ class_name }} end\n")
    pdf = render_letter(letter_of("letter_1", "محمد"), HEAD, templates=Templates(tmp_path))
    words, lefts = pypdfium2.PdfDocument(pdf)[0].get_textpage(), []
    for part in ("12", "4", "Kestrel", "end"):
        search = words.search(part, match_whole_word=True)
        at = None
        while (found := search.get_next()) is not None:
            at = found[0]
        assert at is not None
        lefts.append(words.get_charbox(at)[0])
    assert lefts == sorted(lefts)


def test_emoji_is_a_reason_to_hold_that_says_no_name() -> None:
    said = check_letter(letter_of("letter_1", "Zofia 🦄"), HEAD, templates=Templates())
    assert said == "letter_1 has 1 character(s) (unicorn), which no font at hand can print"


@pytest.mark.parametrize("lines", [8, 9, 12])
def test_an_address_of_too_many_lines_is_a_reason_to_hold(lines: int) -> None:
    one = dataclasses.replace(sample_letter("letter_1"), recipient_lines=tuple(f"Line {n}" for n in range(lines)))
    said = check_letter(one, HEAD, templates=Templates())
    assert said == f"the address has {lines} lines; the window shows at most 7"
