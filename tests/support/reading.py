"""How hard a page is to read: sentences, words and syllables of its blocks, and the school grade that they need.

The measure is Flesch-Kincaid's (Kincaid and others, 1975): grade = 0.39 words a sentence + 11.8 syllables a word - 15.59.
Grade 6 is the reading of a child of 11 to 12. Syllables are counted by groups of vowels, as spelt: right for nine words
of ten (`tests/letters/test_words.py` says which), and the mistakes go both ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from attendance_pipeline.letters.blocks import (
    Block,
    Box,
    FormLine,
    Heading,
    Items,
    Paragraph,
    Runs,
    Signature,
)

_WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_END = re.compile(r"(?<=[.!?:;])\s+|\n")


@dataclass(frozen=True)
class Reading:
    """What a text is like. `longest`: its longest sentence."""

    sentences: int
    words: int
    syllables: int
    longest: str

    @property
    def grade(self) -> float:
        return 0.39 * self.words / self.sentences + 11.8 * self.syllables / self.words - 15.59

    @property
    def longest_words(self) -> int:
        return len(_WORD.findall(self.longest))


def reading_of(blocks: Iterable[Block]) -> Reading:
    """Of whole sentences alone: headings, labels, signatures and tables are looked at, not read through."""
    return reading([s for text in _texts(blocks) for s in sentences_of(text)])


def reading(sentences: list[str]) -> Reading:
    words = [word for sentence in sentences for word in _WORD.findall(sentence)]
    longest = max(sentences, key=lambda sentence: len(_WORD.findall(sentence)), default="")
    return Reading(max(1, len(sentences)), max(1, len(words)), sum(map(syllables, words)), longest)


def sentences_of(text: str) -> list[str]:
    """Sentences of three words or more; what a colon or a semicolon ends is read as one."""
    # Dates, telephone numbers and addresses are looked at, not read.
    text = re.sub(r"\S+@\S+|\b\d[\d.,%]*\b", "0", text)
    return [part for part in _END.split(text) if len(_WORD.findall(part)) >= 3]


def syllables(word: str) -> int:
    """By groups of vowels; a silent e at the end, and -ed after most letters, are not heard."""
    return max(1, sum(_syllables(part) for part in re.split(r"['’-]", word.lower()) if part))


def _syllables(part: str) -> int:
    heard = re.sub(r"(?<=[^aeioulr])es$|(?<=[^aeioutd])ed$|(?<=[^aeiouyl])e$|(?<=[aeiouy]l)e$", "", part)
    return max(1, len(re.findall(r"[aeiouy]+", heard)) + len(re.findall(r"[^q]ui[eo]|i[ao](?!u|n)", heard)))


def _texts(blocks: Iterable[Block]) -> Iterable[str]:
    for block in blocks:
        match block:
            case Paragraph(runs):
                yield _text(runs)
            case Box(inner):
                yield from _texts(inner)
            case Items(_, items):
                for item in items:
                    yield from _texts(item)
            case Heading() | Signature() | FormLine():
                continue


def _text(runs: Runs) -> str:
    return "".join(run.text for run in runs)
