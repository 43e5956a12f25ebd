"""Names as people write them: which two are the same, and which are nearly.

Belongs here: what does not count in a name (case, accents, apostrophes, hyphens, spaces, invisible marks) and in which
order its parts may stand. Not here: whose name it is (`matching`).

Two names are the same when forename and surname each have the same letters. Where a forename ends is not written down,
so a name of several words is every forename and surname that it can be cut into: `Anne Marie Lee` is `Anne-Marie` Lee
and `Annemarie` Lee, and Anne `Marie Lee`; it is not `Annem` `Arielee`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher

NEARLY = 0.83  # of all letters, in order: one wrong letter in a name of six, two in one of twelve

# Letters that are two letters, or another, where a keyboard lacks them; accents proper are taken off by decomposition.
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h"})
_ACCENTS = range(0x0300, 0x0370)  # in other scripts a combining mark is a vowel, and makes another name
_WORDS_FOR_GROUPS = frozenset(("class", "form", "year", "yr", "y", "tutor", "registration", "reg", "group"))
_JOINING = "'’‘ʼʻ`´′＇"


def words(text: str) -> tuple[str, ...]:
    """The words of a name in plain small letters; a hyphen parts words, an apostrophe does not."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = unicodedata.normalize("NFKD", plain.translate(_LETTERS))
    kept = []
    for char in plain:
        if ord(char) in _ACCENTS or char in _JOINING or unicodedata.category(char) == "Cf":
            continue
        letter = unicodedata.category(char)[0] in "LMN"
        kept.append(char if letter else " ")
    return tuple(unicodedata.normalize("NFC", "".join(kept)).split())


def letters(text: str) -> str:
    """The letters of a name and nothing between them."""
    return "".join(words(text))


def cuts(text: str) -> Iterator[tuple[str, str]]:
    """Every (forename, surname) that a name can mean, as letters: in this order, or `Surname, Forename`."""
    before, comma, after = text.partition(",")
    if comma and words(before) and words(after):
        yield letters(after), letters(before)
        return
    parts = words(text)
    for i in range(1, len(parts) + 1):  # the whole of it too: some people have one name
        yield "".join(parts[:i]), "".join(parts[i:])


def turned_cuts(text: str) -> Iterator[tuple[str, str]]:
    """The same with the surname first and no comma to say so, or the forename first in spite of one."""
    parts = words(text)
    for i in range(1, len(parts)):
        yield "".join(parts[i:]), "".join(parts[:i])
        if "," in text:
            yield "".join(parts[:i]), "".join(parts[i:])


def is_nearly(one: str, other: str) -> bool:
    """Whether two runs of letters differ by a slip of the pen. Equal ones do not."""
    if one == other or min(len(one), len(other)) * 2 < NEARLY * (len(one) + len(other)):
        return False
    found = SequenceMatcher(None, one, other, autojunk=False)
    return found.real_quick_ratio() >= NEARLY and found.quick_ratio() >= NEARLY and found.ratio() >= NEARLY


def group_name(text: str) -> str:
    """The name of a class or a year group without the word for it: `Class 4A`, `4a` and `Y4A` are one."""
    parts = [_without_year(w) for w in words(text) if w not in _WORDS_FOR_GROUPS]
    return "r" if parts == ["reception"] else "".join(parts)


def _without_year(word: str) -> str:
    rest = word.removeprefix("year").removeprefix("yr").removeprefix("y")
    return rest if rest[:1].isdigit() else word
