"""References of letters: short, the same each time, and no clue to anybody.

Belongs here: how a reference is made. A reference stands on a letter to a family and in file names, so it holds nothing
of a person, and without the home's own key nobody can work out whose it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O or U to misread or to make a word
_SIGNS = 8  # 40 bits: two of a hundred thousand letters meet once in some hundred schools, and then the next is taken


def reference(secret: bytes, school: str, parts: Collection[object], taken: Collection[str] = ()) -> str:
    """The reference of what `parts` name, such as `OAK-7Q2M-K3PD`; the next one in line while it is `taken`.

    `secret`: 16 to 64 bytes that only this home has. Raises ValueError for a shorter or longer one.
    """
    if not 16 <= len(secret) <= 64:
        raise ValueError("the key for references needs 16 to 64 bytes")
    prefix = "".join(c for c in school.upper() if c.isascii() and c.isalnum())[:3] or "SCH"
    attempt = 0
    while True:
        named = "|".join(f"{len(text)}:{text}" for text in map(str, (school, *parts, attempt)))
        number = int.from_bytes(hashlib.blake2b(named.encode(), key=secret, digest_size=8).digest(), "big")
        signs = "".join(_ALPHABET[(number >> 5 * i) & 31] for i in range(_SIGNS))
        found = f"{prefix}-{signs[:4]}-{signs[4:]}"
        if found not in taken:
            return found
        attempt += 1
