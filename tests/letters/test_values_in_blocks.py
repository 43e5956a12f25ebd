"""Values put into words that were parsed once: the same blocks as when every letter is parsed whole."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance_pipeline.letters.blocks import Paragraph, Run, parse, parse_whole
from attendance_pipeline.letters.inert import inert

# What a template may put around its values. {} is a value.
WORDS = (
    "{}",
    "# {}’s attendance",
    "**{}** has missed {} of {} sessions",
    "**{}**{}*{}*",
    "*{} {}*\\\n{}",
    "{}**{}**{}",
    "__{}__ and _{}_",
    "> **{} is {}.** {}\n> {}",
    "- {}\n- {}\n  - {}",
    "1. {}\n2. {}",
    "{}. {}",
    "| A | B |\n|:--|--:|\n| {} | {} |\n| {} | {} | {} is one cell too many |\n| {} |",
    "| {} |\n|---|\n| \\| {} |",
    "[line: {} | {}]",
    "[lines 3: {}]\n{}",
    "{}\n[signature]\n{}\n{}",
    "[tick: Yes, {} | No]",
    "[{}](http://{})",
    "&amp;{}&eacute; &{};",
    "&#65;{} &#xF0000; {}",
    "\\{} \\*{}*",
    "    {}",
    "{}\n===",
    "\U0010fffd{} \U000f0041",
)
VALUES = ("", "Zofia", "*bold*", "# {{ x }}", "a | b", "<b>&amp;</b>", "[signature]", "\\", "1.", "نور", "👩‍👧 ok", "\n- x", "\U000f0041",
          "￿")  # fmt: skip


def set_in(words: str, values: list[str]) -> str:
    pieces = words.split("{}")
    return "".join(piece + value for piece, value in zip(pieces, [*map(inert, values), ""], strict=True))


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("shift", range(len(VALUES)))
def test_every_kind_of_words_with_every_value(words, shift):
    values = [VALUES[(shift + n) % len(VALUES)] for n in range(words.count("{}"))]
    markdown = set_in(words, values)
    assert parse(markdown) == parse_whole(markdown)


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
    st.sampled_from(["\n", "\n\n", " ", "\n> ", "\n  "]),
    st.data(),
)
@settings(max_examples=300, deadline=None)
def test_any_words_one_after_another(words, between, data):
    together = between.join(words)
    count = together.count("{}")
    texts = st.sampled_from(VALUES) | st.text(max_size=12)
    markdown = set_in(together, data.draw(st.lists(texts, min_size=count, max_size=count)))
    assert parse(markdown) == parse_whole(markdown)


def test_a_value_is_not_another_letters_value():
    """The same words for two families, one after the other."""
    for name, missed in (("Ada", "12"), ("Zofia", "9")):
        (block,) = parse(set_in("**{}** missed {}.", [name, missed]))
        assert block == Paragraph((Run(name, bold=True), Run(f" missed {missed}.")))


def test_a_cell_too_many_takes_its_value_along():
    """Markdown leaves out what no column is for: the values after it stay where they belong."""
    markdown = set_in("| A |\n|---|\n| {} | {} |\n| {} |\n\n{}", ["one", "left out", "two", "after"])
    table, paragraph = parse(markdown)
    assert [row[0][0].text for row in table.rows] == ["one", "two"]
    assert paragraph == Paragraph((Run("after"),))


def test_more_values_than_there_are_stand_ins():
    """Far beyond what a rendering may print: still read, value by value."""
    markdown = set_in("{} " * 70_000, ["a", "b"] * 35_000)
    (block,) = parse(markdown)
    assert block == Paragraph((Run(" ".join(["a", "b"] * 35_000)),))
