"""One language of the letters: how it writes dates, register codes and the few words the page itself prints.

Belongs here: reading ``letter_templates/<language>/language.toml`` (a school's own copy first, English where a word is
missing). Does not belong here: the words of letters, which are the templates.
"""

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
        return self.windows.get(kind_and_size, self.windows.get(kind, kind_and_size)).format(size=size)

    def date(self, day: datetime.date) -> str:
        """A date as a letter writes it, such as 3 November 2025."""
        return self._filled(self.date_pattern, day)

    def day(self, day: datetime.date) -> str:
        """A date with its weekday, such as Monday 3 November 2025."""
        return self._filled(self.day_pattern, day)

    def _filled(self, pattern: str, day: datetime.date) -> str:
        return pattern.format(
            weekday=self.weekdays[day.weekday()], day=day.day, month=self.months[day.month - 1], year=day.year
        )


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
