"""Walking through an XML file of any size without trusting it.

Refused before anything is understood: a document type (and with it every entity of its own), deep nesting, fields and
numbers of names that no export has. Nothing is fetched, nothing expands, and memory is bounded by what the handler
keeps. What the elements mean is for the format that walks.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Protocol
from xml.parsers import expat

from attendance_pipeline.mis.cells import NotText, decode
from attendance_pipeline.mis.formats import UnreadableFile

LARGEST = 256 * 1024 * 1024  # bytes; a school's register of a year is a tenth of it
LONGEST_FIELD = 100_000  # characters of one element's text
DEEPEST = 16
MOST_NAMES = 1_000  # different names of elements
_MOST_ATTRIBUTES = 64

NOT_WELL_FORMED = "not well-formed XML"

# Characters that XML does not have, plain or as a reference. A comment typed into a register may hold one.
_NO_CHARACTER = re.compile(
    "[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:[xX]0*(?:[1-8bBcCeEfF]|1[0-9a-fA-F])|0*(?:[1-8]|1[1245-9]|2[0-9]|3[01]));"
)
_DECLARATION = re.compile(r"\s*<\?xml\s[^>]{0,200}?\?>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# What is declared is not believed where the bytes are UTF-8: consoles re-encode what programs print through them.
_READ = (
    "utf-8",
    "utf8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "us-ascii",
    "iso-8859-1",
    "latin1",
    "windows-1252",
    "cp1252",
)


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
        wide = _wide(data)
        text = data.decode(wide) if wide else decode(data)
    except NotText as error:
        raise UnreadableFile(str(error)) from None
    except UnicodeDecodeError:
        raise UnreadableFile("not UTF-16 text") from None
    if "\0" in text:
        raise UnreadableFile("holds NUL characters")
    if not text.strip():
        raise UnreadableFile("the file is empty")
    if m := _DECLARATION.match(text):
        if (e := _ENCODING.search(m[0])) and e[1].lower() not in _READ:
            raise UnreadableFile("declares an encoding other than UTF-8, UTF-16, Latin-1 or Windows-1252")
        text = "\n" * m[0].count("\n") + text[m.end() :]
    return _NO_CHARACTER.sub("\ufffd", text).encode(errors="replace")


def _wide(data: bytes) -> str | None:
    """The UTF-16 that a document is written in, by its byte-order mark or by how a document begins without one."""
    starts = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
    return starts.get(data[:2])


def walk(document: bytes, handler: Handler) -> None:
    """Tell the handler of every element of what `as_utf8` gave. Namespaces are cut off. Raises UnreadableFile."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    names: dict[str, str] = {}
    depth = size = 0
    begins, says, ends = (
        handler.start,
        handler.text,
        handler.end,
    )  # looked up once: a year of marks is millions of calls

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
        begins(names[name], parser.CurrentLineNumber, parser.CurrentByteIndex)

    def text(words: str) -> None:
        nonlocal size
        size += len(words)
        if size > LONGEST_FIELD:
            raise refuse("a field is longer than 100,000 characters")
        says(words)

    def end(name: str) -> None:
        nonlocal depth, size
        depth, size = depth - 1, 0
        ends(names[name], parser.CurrentLineNumber, parser.CurrentByteIndex)

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declares
    parser.ExternalEntityRefHandler = parser.UnparsedEntityDeclHandler = declares
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    parser.ordered_attributes = True
    try:
        parser.Parse(document, True)  # at once: in portions, one endless tag would be scanned again and again
    except expat.ExpatError as error:
        raise UnreadableFile(f"{NOT_WELL_FORMED}: {expat.ErrorString(error.code)}", line=error.lineno) from None


def parts_of(document: bytes, root: str, name: str, most: int) -> tuple[list[tuple[int, int]], bool] | None:
    """(begin, end) of every element of a name under a broken document's root, and of whatever else stands there; and
    whether the document ends where its root does.

    Each part may be walked by itself. None where that cannot be told: there is no such root, there is markup in which a
    tag could be hidden, or there are more than `most` parts.
    """
    tag = rb"(?:[A-Za-z_][\w.-]*:)?%s"
    opened = re.match(rb"\s*<" + tag % root.encode() + rb"(?:\s[^<>]*)?>", document)
    if opened is None or b"<!" in document or b"<?" in document or document.count(name.encode()) > 2 * most:
        return None
    closed = re.search(rb"</" + tag % root.encode() + rb"\s*>\s*\Z", document[-1_000:])
    end = len(document) - (len(closed[0]) if closed else 0)
    one = re.compile(rb"<" + tag % name.encode() + rb"(?=[\s/>])|</" + tag % name.encode() + rb"\s*>")
    cuts = {m.end() if m[0].startswith(b"</") else m.start() for m in one.finditer(document, opened.end(), end)}
    parts = []
    for begin, stop in pairwise(sorted({opened.end(), *cuts, end})):
        text = document[begin:stop]
        if text.strip():
            parts.append((begin + len(text) - len(text.lstrip()), stop - len(text) + len(text.rstrip())))
    return parts, closed is not None
