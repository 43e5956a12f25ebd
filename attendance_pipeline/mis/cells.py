"""Cells: what the text of one cell means. Dates, flags, tidy text, and the decoding of whole files.

Every function here is about one value and knows no kind of extract. `schemas.py` says which column holds which cells.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
_BRITISH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .*)?")
_MOMENT = re.compile(r"[T ](\d{1,2}):(\d{2})(?::(\d{2}))?")
_YEAR_GROUP = re.compile(r"(?:YEAR|YR|Y)?\s*(N[12]|R|RECEPTION|1[0-3]|0?[1-9])", re.IGNORECASE)
_SESSION = re.compile(r"\b([ap]\.?m|morning|afternoon)\b", re.IGNORECASE)
_SESSIONS = {"am": "AM", "morning": "AM", "pm": "PM", "afternoon": "PM"}
_NURSERY = re.compile(r"NURSERY\s*([12])", re.IGNORECASE)

# Marks of writing direction, zero-width characters and byte-order marks: invisible, and they make equal names differ.
_INVISIBLE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])
_FLAGS = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}

EARLIEST_MARK = dt.date(1990, 1, 1)  # no school has electronic registers from before
EARLIEST = dt.date(1900, 1, 1)  # of any other date: an odd date of birth is a warning, the year 209 is a slip


class NotText(ValueError):
    """The bytes are not text in an encoding that is understood."""


def decode(data: bytes) -> str:
    """The text of a file: UTF-8 with or without a byte-order mark, else cp1252.

    Raises NotText for NUL bytes (also UTF-16) and for bytes that neither encoding has.
    """
    if b"\0" in data:
        raise NotText("holds NUL bytes: not UTF-8 or cp1252 text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        raise NotText("not UTF-8 or cp1252 text") from None


def visible(text: str) -> str:
    """The text without invisible marks; every space stays."""
    return text if text.isascii() else text.translate(_INVISIBLE)


def tidy(text: str) -> str:
    """The text without stray, non-breaking or doubled spaces, invisible marks and control characters."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return " ".join(text.split())


def tidy_upn(text: str) -> str:
    """As `tidy`, without any space, in capitals."""
    return tidy(text).replace(" ", "").upper()


def date_of(text: str) -> dt.date | None:
    """The date of a tidy cell, ISO or dd/mm/yyyy, a time after it ignored; None when it is not one."""
    if m := _ISO.fullmatch(text):
        year, month, day = m.groups()
    elif m := _BRITISH.fullmatch(text):
        day, month, year = m.groups()
    else:
        return None
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def moment_of(text: str) -> str | None:
    """A date and perhaps a time as ISO text to the second; None when the cell has no date."""
    day = date_of(text)
    if day is None:
        return None
    m = _MOMENT.search(text)
    if m is None:
        return day.isoformat()
    hour, minute, second = int(m[1]), int(m[2]), int(m[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return f"{day.isoformat()}T{hour:02}:{minute:02}:{second:02}"


def flag_of(text: str) -> bool | None:
    """Y/N, Yes/No, True/False, 1/0 in any case; None for any other text, also a blank."""
    return _FLAGS.get(text.lower())


def whole_number_of(text: str, low: int, high: int) -> int | None:
    """A whole number from low to high, also written `5.0` as spreadsheets do; None for anything else."""
    m = re.fullmatch(r"(\d{1,9})(?:\.0+)?", text)
    if m is None or not m[1].isascii():
        return None
    number = int(m[1])
    return number if low <= number <= high else None


def stage_of(text: str) -> int | None:
    """A stage of the ladder, 0 to 4: `1`, `1.0`, `Stage 1`; None for anything else."""
    return whole_number_of(re.sub(r"^stage\s*", "", text, flags=re.IGNORECASE), 0, 4)


def session_of(text: str) -> str | None:
    """AM or PM where the text names one of them alone; None for anything else, also for a whole day."""
    found = {_SESSIONS[word.lower().replace(".", "")] for word in _SESSION.findall(text)}
    return found.pop() if len(found) == 1 else None


def amount_of(text: str) -> float | None:
    """A sum of money: `60`, `£1,200.50`; None for anything else."""
    m = re.fullmatch(r"£?\s?([0-9][0-9,]*(?:\.[0-9]{1,2})?)", text)
    return float(m[1].replace(",", "")) if m else None


def year_group_of(text: str) -> str | None:
    """N1, N2, R or 1 to 13, however a system writes it (`Year  7`, `Reception`); None when it is none of them."""
    if m := _NURSERY.fullmatch(text):
        return f"N{m[1]}"
    m = _YEAR_GROUP.fullmatch(text)
    if m is None:
        return None
    return "R" if m[1].upper().startswith("R") else m[1].upper().removeprefix("0")
