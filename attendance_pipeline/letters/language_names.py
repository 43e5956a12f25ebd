"""How schools write the language of a family, and the tag that a template's folder has.

Belongs here: names of languages as school systems list them. Does not belong here: which languages have a template.
Tags are those of the IANA registry (BCP 47); names are the school census's, with those that people write instead.
"""

from __future__ import annotations

import re
import unicodedata

_NAMES = {
    "sq": "albanian shqip",
    "am": "amharic",
    "ar": "arabic",
    "bn": "bengali bangla sylheti",
    "bg": "bulgarian",
    "zh": "chinese mandarin",
    "yue": "cantonese",
    "hr": "croatian",
    "cs": "czech",
    "nl": "dutch flemish",
    "en": "english",
    "fa": "farsi persian dari",
    "fr": "french",
    "de": "german",
    "el": "greek",
    "gu": "gujarati",
    "he": "hebrew",
    "hi": "hindi",
    "hu": "hungarian",
    "ig": "igbo",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "ku": "kurdish kurmanji",
    "ckb": "sorani",
    "lv": "latvian",
    "ln": "lingala",
    "lt": "lithuanian",
    "ml": "malayalam",
    "ne": "nepali",
    "ps": "pashto pushto",
    "pl": "polish",
    "pt": "portuguese",
    "pa": "panjabi punjabi",
    "ro": "romanian moldovan",
    "ru": "russian",
    "sr": "serbian",
    "sn": "shona",
    "si": "sinhala",
    "sk": "slovak",
    "so": "somali",
    "es": "spanish",
    "sw": "swahili",
    "tl": "tagalog filipino",
    "ta": "tamil",
    "te": "telugu",
    "th": "thai",
    "ti": "tigrinya",
    "tr": "turkish",
    "tw": "twi akan",
    "uk": "ukrainian",
    "ur": "urdu",
    "vi": "vietnamese",
    "cy": "welsh",
    "yo": "yoruba",
}
_TAGS = {name: tag for tag, names in _NAMES.items() for name in names.split()}
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")


def language_tag(text: str, unknown: str = "en") -> str:
    """The tag of a language as a school writes it: `Polish`, `pl`, `Chinese (Mandarin)`. `unknown` when not known."""
    plain = unicodedata.normalize("NFKD", text).casefold().strip()
    for word in re.findall(r"[a-z]+", plain):
        if word in _TAGS:
            return _TAGS[word]
    if _TAG.fullmatch(plain) and plain.split("-")[0] in _NAMES:
        return "-".join(p.upper() if at and len(p) == 2 else p for at, p in enumerate(plain.split("-")))
    return unknown


def language_name(tag: str) -> str:
    """What people call the language of a tag, in English; the tag itself when it is not known."""
    names = _NAMES.get(tag.split("-", maxsplit=1)[0])
    return names.split()[0].capitalize() if names is not None else tag
