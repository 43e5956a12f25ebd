"""Words that must not stand on a list which others read: of courts, care and safeguarding.

Belongs here: knowing such words, and what stands in their place. Not here: which list has them (`worklists`).
"""

from __future__ import annotations

import re

ELSEWHERE = "Restricted: ask the attendance lead"

# What keeps a reason off an open list even when nobody marked it so: the words of rules.md section 7's held reasons,
# and those that people write in their place.
_WORDS = re.compile(
    r"\b(courts?|looked[ -]after|lac|in care|care order|social (care|workers?)|safeguard\w*|child protection|"
    r"(family|police|domestic) (violence|abuse)|domestic abuse|prohibited steps|dsl|mash|marac|cafcass|"
    r"child(ren)? in need|foster (care|carers?|parents?|famil(y|ies)|placement)|fostered|special guardian\w*)\b",
    re.IGNORECASE,
)


def is_restricted(text: str) -> bool:
    """Whether a text names a court order, care or safeguarding."""
    return _WORDS.search(text) is not None


def said_openly(text: str) -> str:
    """The text as a list that others read may give it."""
    return ELSEWHERE if is_restricted(text) else text
