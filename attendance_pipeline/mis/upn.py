"""The unique pupil number (UPN) and its check letter.

Source: DfE, *Unique pupil numbers (UPNs): a guide for schools and local authorities*; Government Data Standards
Catalogue, "Unique Pupil Number" 2.0. Characters 2 to 13 are weighted 2 to 13 and summed; the remainder by 23 picks the
check letter. A temporary UPN ends in a letter, which counts as its place in the same alphabet (A = 0).
"""

from __future__ import annotations

import re

_ALPHABET = "ABCDEFGHJKLMNPQRTUVWXYZ"  # without I, O and S
_FORM = re.compile(rf"[{_ALPHABET}][0-9]{{11}}[0-9{_ALPHABET}]")


def check_letter(rest: str) -> str:
    """The check letter for characters 2 to 13. Raises ValueError when those cannot be of a UPN."""
    if not _FORM.fullmatch("A" + rest):
        raise ValueError("characters 2 to 13 of a UPN are eleven digits and a digit or a letter other than I, O and S")
    total = sum(weight * (int(c) if c.isdigit() else _ALPHABET.index(c)) for weight, c in enumerate(rest, start=2))
    return _ALPHABET[total % len(_ALPHABET)]


def has_upn_form(text: str) -> bool:
    """Whether the text is a letter and twelve characters as a UPN has them, whatever the check letter."""
    return _FORM.fullmatch(text) is not None


def is_upn(text: str) -> bool:
    """Whether the text is a UPN, permanent or temporary, with the right check letter."""
    return has_upn_form(text) and check_letter(text[1:]) == text[0]
