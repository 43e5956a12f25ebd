"""Walking through an XML file of any size without trusting it.

Refused before anything is understood: a document type (and with it every entity of its own), deep nesting, fields and
numbers of names that no export has. Nothing is fetched, nothing expands, and memory is bounded by what the handler
keeps. What the elements mean is for the format that walks.
"""

from __future__ import annotations

import re
from typing import Any, Protocol
from xml.parsers import expat

from attendance_pipeline.mis.cells import NotText, decode
from attendance_pipeline.mis.formats import UnreadableFile

LARGEST = 256 * 1024 * 1024  # bytes; a school's register of a year is a tenth of it
LONGEST_FIELD = 100_000  # characters of one element's text
DEEPEST = 16
MOST_NAMES = 1_000  # different names of elements
_MOST_ATTRIBUTES = 64

_DECLARATION = re.compile(r"\s*<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# What is declared is not believed where the bytes are UTF-8: consoles re-encode what programs print through them.
_READ = ("utf-8", "utf8", "utf-16", "us-ascii", "iso-8859-1", "latin1", "windows-1252", "cp1252")


class Handler(Protocol):
    """What is told of each element, in order. `line` counts from 1; `at` is a place in the bytes of `as_utf8`.

    Raise UnreadableFile to refuse the file.
    """

    def start(self, name: str, line: int, at: int) -> None: ...

    def text(self, text: str) -> None: ...

    def end(self, name: str, line: int, at: int) -> None: ...


def as_utf8(data: bytes) -> bytes:
    """The document as UTF-8 without a declaration, every line where it was. Raises UnreadableFile."""
    if len(data) > LARGEST:
        raise UnreadableFile("the file is larger than 256 MB")
    try:
        text = data.decode("utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else decode(data)
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    except UnicodeDecodeError:
        raise UnreadableFile("not UTF-16 text") from None
    if not text.strip():
        raise UnreadableFile("the file is empty")
    if m := _DECLARATION.match(text):
        if (e := _ENCODING.search(m[0])) and e[1].lower() not in _READ:
            raise UnreadableFile("declares an encoding other than UTF-8, UTF-16, Latin-1 or Windows-1252")
        text = "\n" * m[0].count("\n") + text[m.end() :]
    return text.encode(errors="replace")


def walk(document: bytes, handler: Handler) -> None:
    """Tell the handler of every element of what `as_utf8` gave. Namespaces are cut off. Raises UnreadableFile."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    names: dict[str, str] = {}
    depth = size = 0

    def refuse(rule: str) -> UnreadableFile:
        return UnreadableFile(rule, line=parser.CurrentLineNumber)

    def declares(*_: Any) -> int:
        raise refuse("the file declares its own document type or entities")

    def start(name: str, attributes: list[str]) -> None:
        nonlocal depth, size
        depth, size = depth + 1, 0
        if depth > DEEPEST:
            raise refuse("elements are nested too deeply")
        if len(attributes) > 2 * _MOST_ATTRIBUTES:
            raise refuse("an element has too many attributes")
        if name not in names:
            if len(names) == MOST_NAMES:
                raise refuse("more than 1,000 different names of elements")
            names[name] = name.rpartition(":")[2]
        handler.start(names[name], parser.CurrentLineNumber, parser.CurrentByteIndex)

    def text(words: str) -> None:
        nonlocal size
        size += len(words)
        if size > LONGEST_FIELD:
            raise refuse("a field is longer than 100,000 characters")
        handler.text(words)

    def end(name: str) -> None:
        nonlocal depth, size
        depth, size = depth - 1, 0
        handler.end(names[name], parser.CurrentLineNumber, parser.CurrentByteIndex)

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declares
    parser.ExternalEntityRefHandler = parser.UnparsedEntityDeclHandler = declares
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    parser.ordered_attributes = True
    try:
        parser.Parse(document, True)  # at once: in portions, one endless tag would be scanned again and again
    except expat.ExpatError as error:
        raise UnreadableFile(f"not well-formed XML: {expat.ErrorString(error.code)}", line=error.lineno) from None
