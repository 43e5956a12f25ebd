"""What the shipped fonts can print: which characters, and how wide a line of them is.

Belongs here: reading the two tables of a TrueType file that answer this. Does not belong here: setting type (``pdf``).
Typst says nothing when a character has no glyph, so letters are asked before they are set.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from attendance_pipeline.letters.language import SHIPPED

# Characters that steer a line and are never drawn: joiners, direction marks and isolates, soft hyphen, line break.
INVISIBLE = frozenset(map(chr, (0x0A, 0xAD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2066, 0x2067, 0x2068, 0x2069)))


@dataclass(frozen=True)
class Face:
    """One font file: ``advances`` is the width of each character, in thousandths of the type size."""

    family: str
    bold: bool
    italic: bool
    advances: dict[str, float]


@lru_cache(maxsize=256)
def load_face(path: Path) -> Face:
    """Reads a TrueType or OpenType file; raises ``ValueError`` naming the file when it is neither."""
    data = path.read_bytes()
    try:
        tables = _tables(data)
        units = struct.unpack_from(">H", data, tables["head"] + 18)[0]
        style = struct.unpack_from(">H", data, tables["head"] + 44)[0]
        columns = struct.unpack_from(">H", data, tables["hhea"] + 34)[0]
        widths = struct.unpack_from(">" + "Hh" * columns, data, tables["hmtx"])[::2]
        glyphs = _characters(data, tables["cmap"])
        family = _family(data, tables["name"])
    except (struct.error, KeyError, IndexError) as error:
        raise ValueError(f"{path} is not a TrueType or OpenType font file") from error
    advances = {char: widths[min(glyph, columns - 1)] * 1000 / units for char, glyph in glyphs.items()}
    return Face(family, bool(style & 1), bool(style & 2), advances)


def _tables(data: bytes) -> dict[str, int]:
    if data[:4] not in (b"\0\1\0\0", b"OTTO", b"true"):
        raise KeyError("signature")
    count = struct.unpack_from(">H", data, 4)[0]
    entries = (struct.unpack_from(">4sLLL", data, 12 + 16 * index) for index in range(count))
    return {name.decode("latin-1"): offset for name, _, offset, _ in entries}


def _characters(data: bytes, start: int) -> dict[str, int]:
    """Character -> glyph from the Unicode subtable: format 12 if there is one, else format 4."""
    count = struct.unpack_from(">H", data, start + 2)[0]
    records = [struct.unpack_from(">HHL", data, start + 4 + 8 * index) for index in range(count)]
    subtables = {
        struct.unpack_from(">H", data, start + offset)[0]: start + offset
        for platform, encoding, offset in records
        if platform == 0 or (platform == 3 and encoding in (1, 10))
    }
    if 12 in subtables:
        at = subtables[12]
        groups = struct.unpack_from(">L", data, at + 12)[0]
        found = {}
        for index in range(groups):
            first, last, glyph = struct.unpack_from(">LLL", data, at + 16 + 12 * index)
            found.update({chr(code): glyph + code - first for code in range(first, last + 1)})
        return {char: glyph for char, glyph in found.items() if glyph}
    return _format_4(data, subtables[4])


def _format_4(data: bytes, at: int) -> dict[str, int]:
    half = struct.unpack_from(">H", data, at + 6)[0]
    count = half // 2
    ends = struct.unpack_from(f">{count}H", data, at + 14)
    starts = struct.unpack_from(f">{count}H", data, at + 16 + half)
    deltas = struct.unpack_from(f">{count}h", data, at + 16 + 2 * half)
    offsets_at = at + 16 + 3 * half
    offsets = struct.unpack_from(f">{count}H", data, offsets_at)
    found: dict[str, int] = {}
    for index, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                glyph = struct.unpack_from(">H", data, offsets_at + 2 * index + offset + 2 * (code - first))[0]
                if not glyph:
                    continue
            if glyph := (glyph + delta) & 0xFFFF:
                found[chr(code)] = glyph
    return found


def _family(data: bytes, start: int) -> str:
    count, strings = struct.unpack_from(">HH", data, start + 2)
    names: dict[int, str] = {}
    for index in range(count):
        platform, _, _, name, length, offset = struct.unpack_from(">6H", data, start + 6 + 12 * index)
        if platform == 3 and name in (1, 16):
            at = start + strings + offset
            names.setdefault(name, data[at : at + length].decode("utf-16-be"))
    return names.get(16) or names[1]


def font_folders(school_folder: Path | None = None) -> tuple[Path, ...]:
    """Where fonts are: the shipped ones, then the school's own in ``HOME/letter_templates/fonts`` if there are any."""
    own = school_folder / "fonts" if school_folder is not None else None
    return (SHIPPED / "fonts", own) if own is not None and own.is_dir() else (SHIPPED / "fonts",)


class FontSet:
    """The fonts of some folders, as letters use them: regular, bold, italic."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.folders = folders
        files = (file for folder in folders for file in sorted(folder.glob("*")) if file.suffix in {".ttf", ".otf"})
        self.faces = tuple(load_face(file) for file in files)
        self._printable: dict[tuple[str, ...], frozenset[str]] = {}
        self._regular: dict[tuple[str, ...], dict[str, float]] = {}

    def families(self) -> set[str]:
        """Names that a language's ``fonts`` may give."""
        return {face.family for face in self.faces}

    def missing(self, text: str, families: tuple[str, ...]) -> set[str]:
        """The characters of a text that no family of the list can print in all of its own styles."""
        if families not in self._printable:
            found: set[str] = set(INVISIBLE)
            for family in families:
                styles = [face.advances.keys() for face in self.faces if face.family == family]
                found |= set.intersection(*map(set, styles)) if styles else set()
            self._printable[families] = frozenset(found)
        return set(text) - self._printable[families]

    def width(self, text: str, families: tuple[str, ...], size: float) -> float:
        """Width of a line of regular type in points, before kerning narrows it; an unknown character is one em."""
        if families not in self._regular:
            advances: dict[str, float] = {}
            for family in reversed(families):
                for face in self.faces:
                    if face.family == family and not face.bold and not face.italic:
                        advances |= face.advances
            self._regular[families] = advances
        regular = self._regular[families]
        return sum(regular.get(char, 0.0 if char in INVISIBLE else 1000.0) for char in text) * size / 1000
