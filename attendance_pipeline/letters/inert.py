"""Values inside Markdown that stay what they are: a name such as ``*#<b>{{x}}_`` is printed, never obeyed.

Belongs here: the disguise a value wears while Markdown is parsed, and taking it off again. Does not belong here:
anything that knows a letter.

Escaping with backslashes depends on what stands beside the value and on every rule of Markdown. Instead every character
of a value is moved up into Unicode's private plane 15 (code point + 0xF0000), where no rule of Markdown looks, and
moved back in the parsed text. Characters beyond the basic plane (emoji, rare Han) stay: no rule of Markdown knows them
either.
"""

import re
from collections.abc import Sequence

_PLANE = 0xF0000
_SPACE = dict.fromkeys([*range(0x20), 0x7F, 0x85, 0x2028, 0x2029], " ")  # a line break in a value would break the line
# Marks that turn the direction of what follows them: from a value they would reorder the school's own words.
_TURNS = dict.fromkeys([0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], None)
_FIRST_STRONG, _POP = "\u2068", "\u2069"


# Hebrew, Arabic, Syriac, Thaana, N'Ko and their kin, with their presentation forms.
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")


class _Disguise(dict[int, str]):
    """A table for ``str.translate`` that fills itself."""

    def __missing__(self, code: int) -> str:
        if code > 0xFFFF:
            moved = "\ufffd" if code >= _PLANE else chr(code)
            moved = chr(_PLANE + 0xFFFD) if moved == "\ufffd" else moved
        else:
            moved = chr(_PLANE + code)
        self[code] = moved
        return moved


class _Undisguise(dict[int, str]):
    def __missing__(self, code: int) -> str:
        self[code] = chr(code - _PLANE) if code >= _PLANE else chr(code)
        return self[code]


_disguise, _undisguise = _Disguise(), _Undisguise()
_DISGUISED = re.compile("[\U000f0000-\U0010ffff]+")
_STAND_IN = re.compile("[\U000f0000-\U0010ffff]")


def clean(value: str) -> str:
    """A value on one line, without control characters and marks that turn direction, spaces single."""
    return " ".join(value.translate(_SPACE).translate(_TURNS).split())


def has_rtl(value: str) -> bool:
    """Whether a value has letters that run from right to left: then what stands beside it has to be kept from them."""
    return _RTL.search(value) is not None


def inert(value: str, *, isolate: bool = False) -> str:
    """The value in disguise. ``isolate`` wraps it so that its own direction stays its own: a telephone number in a
    right-to-left letter, an Arabic name before a number in an English one."""
    value = clean(value)
    if isolate and value:
        value = f"{_FIRST_STRONG}{value}{_POP}"
    return value.translate(_disguise)


def plain(text: str) -> str:
    """Parsed text with every disguised value as it was given."""
    return text.translate(_undisguise)


def with_stand_ins(text: str) -> tuple[str, list[str]]:
    """The text with one character of the private planes for each stretch of them, and the stretches without disguise.

    Two texts whose values alone differ become one, as long as the same values are empty. For a text of less than
    131,072 characters: there are so many disguised ones.
    """
    values: list[str] = []

    def numbered(stretch: re.Match[str]) -> str:
        values.append(stretch[0].translate(_undisguise))
        return chr(_PLANE + len(values) - 1)

    return _DISGUISED.sub(numbered, text), values


def without_stand_ins(text: str, values: Sequence[str]) -> str:
    """Parsed text of ``with_stand_ins`` with the values in their places."""
    return _STAND_IN.sub(lambda one: values[ord(one[0]) - _PLANE], text)
