"""One language of the letters: how it writes dates, register codes and the few words the page itself prints.

Belongs here: reading ``letter_templates/<language>/language.toml`` (a school's own copy first, English where a word is
missing). Does not belong here: the words of letters, which are the templates.
"""

import datetime
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

# What each pattern may name in braces.
PLACEHOLDERS: Mapping[tuple[str, str], frozenset[str]] = {
    ("dates", "date"): frozenset({"day", "month", "year"}),
    ("dates", "day"): frozenset({"weekday", "day", "month", "year"}),
    ("words", "page"): frozenset({"page", "pages"}),
    ("words", "salutation"): frozenset({"salutation"}),
    ("marks", "alt"): frozenset({"first", "last", "possible", "came", "late", "agreed", "not_agreed"}),
}
_LISTS = {("page", "fonts"): 0, ("dates", "weekdays"): 7, ("dates", "months"): 12}  # and how long; 0: not said
_BRACES = re.compile(r"\{([^{}]*)\}")

SHIPPED = Path(__file__).resolve().parents[2] / "letter_templates"


@dataclass(frozen=True)
class Language:
    """A language as the pages need it.

    ``tag`` is what a screen reader is told (``en``), ``region`` may be empty, ``direction`` is ``ltr`` or ``rtl``.
    """

    tag: str
    region: str
    direction: str
    fonts: tuple[str, ...]
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    date_pattern: str
    day_pattern: str
    words: Mapping[str, str]
    sessions: Mapping[str, str]
    codes: Mapping[str, str]
    windows: Mapping[str, str]
    marks: Mapping[str, str]

    def window(self, kind_and_size: str) -> str:
        """A rule's window, given as `school_weeks 10`, in words: 10 school weeks."""
        kind, _, size = kind_and_size.partition(" ")
        return fill(self.windows.get(kind_and_size, self.windows.get(kind, kind_and_size)), size=size)

    def date(self, day: datetime.date) -> str:
        """A date as a letter writes it, such as 3 November 2025."""
        return self._filled(self.date_pattern, day)

    def day(self, day: datetime.date) -> str:
        """A date with its weekday, such as Monday 3 November 2025."""
        return self._filled(self.day_pattern, day)

    def _filled(self, pattern: str, day: datetime.date) -> str:
        weekday, month = self.weekdays[day.weekday()], self.months[day.month - 1]
        return fill(pattern, weekday=weekday, day=day.day, month=month, year=day.year)


def fill(pattern: str, **values: str | int) -> str:
    """A pattern with each ``{name}`` replaced. Not ``str.format``: a pattern is a school's, and can ask for nothing
    else. KeyError for a name that is not there."""
    return _BRACES.sub(lambda match: str(values[match[1]]), pattern)


def language_file(folder: Path, tag: str) -> Path:
    """Where a folder of templates keeps a language's words."""
    return folder / tag / "language.toml"


@lru_cache(maxsize=64)
def _load(tag: str, stamps: tuple[tuple[Path, int], ...]) -> Language:
    """English, then whatever the files of the language say instead, the school's last.

    ``stamps`` are the files with their times of change, so that an edited file is read again.
    """
    tables: dict[str, dict] = {}
    region = ""  # of this language alone: Polish is not Polish of Great Britain because English is English of it
    for path, _ in stamps:
        own = tomllib.loads(path.read_text("utf-8"))
        for name, value in own.items():
            tables[name] = {**tables.get(name, {}), **value}
        if path.parent.name == tag:
            region = own.get("page", {}).get("region", region)
    page, dates = tables["page"], tables["dates"]
    return Language(
        tag=tag,
        region=region,
        direction=page["direction"],
        fonts=tuple(page["fonts"]),
        weekdays=tuple(dates["weekdays"]),
        months=tuple(dates["months"]),
        date_pattern=dates["date"],
        day_pattern=dates["day"],
        words=tables["words"],
        sessions=tables["sessions"],
        codes=tables["codes"],
        windows=tables["windows"],
        marks=tables["marks"],
    )


def load_language(tag: str, school_folder: Path | None = None) -> Language:
    """The language of a tag. A language without a file of its own has English dates and page words."""
    folders = [SHIPPED] if school_folder is None else [SHIPPED, school_folder]
    paths = [language_file(folder, name) for name in dict.fromkeys(("en", tag)) for folder in folders]
    return _load(tag, tuple((path, path.stat().st_mtime_ns) for path in paths if path.is_file()))


def language_files(tag: str, school_folder: Path | None = None) -> list[Path]:
    """The files that say a language's words, the shipped one first; there may be none."""
    folders = [SHIPPED] if school_folder is None else [SHIPPED, school_folder]
    return [file for folder in folders if (file := language_file(folder, tag)).is_file()]


def language_faults(file: Path) -> Iterator[str]:
    """What is wrong with one ``language.toml``: it may leave out what English has, and must not misspell it."""
    try:
        own = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:  # not TOML, or not UTF-8; tomllib says the line
        yield f"cannot be read: {error}"
        return
    english = tomllib.loads(language_file(SHIPPED, "en").read_text("utf-8"))
    for table, keys in own.items():
        if table not in english or not isinstance(keys, dict):
            yield f"[{table}] is not a table of languages; there are {', '.join(english)}"
            continue
        for key, value in keys.items():
            if key not in english[table] and table not in ("codes", "windows"):
                near = get_close_matches(key, english[table], n=1)
                hint = f" (did you mean {near[0]}?)" if near else f"; there are {', '.join(english[table])}"
                yield f"[{table}] {key} is not a word of languages{hint}"
            else:
                yield from _value_faults(table, key, value)


def _value_faults(table: str, key: str, value: Any) -> Iterator[str]:
    if (table, key) in _LISTS:
        length = _LISTS[table, key]
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            yield f"[{table}] {key} has to be a list of words"
        elif length and len(value) != length:
            yield f"[{table}] {key} has to be {length} words, not {len(value)}"
        return
    if not isinstance(value, str):
        yield f"[{table}] {key} has to be words in quotes"
    elif (table, key) == ("page", "direction") and value not in ("ltr", "rtl"):
        yield '[page] direction has to be "ltr" or "rtl"'
    elif (table, key) == ("marks", "weekdays") and len(value.split()) != 5:
        yield "[marks] weekdays has to be five words, Monday to Friday"
    else:
        known = PLACEHOLDERS.get((table, key), frozenset({"size"}) if table == "windows" else frozenset())
        for name in sorted(set(_BRACES.findall(value)) - known):
            among = f"; there are {', '.join(sorted(known))}" if known else ""
            yield f"[{table}] {key} has {{{name}}}, which is not known here{among}"
