"""A letter's words as a short list of blocks, parsed from Markdown once, for every page maker alike.

Belongs here: the blocks there are and the reading of Markdown into them. Does not belong here: how a block looks (the
layouts of ``letter_templates/layout``, ``docx``, ``html``), or where the words come from (``templates``).

The Markdown is CommonMark without HTML, links, images and code: headings, paragraphs, bold and italic, lists, pipe
tables, quotes (a tinted box), and lines of our own, each alone on its line:

    [signature]                space to sign; takes the paragraph before and the one after along, so they stay together
    [new page]
    [new column]               in a leaflet
    [line: Name | Date]        labels with a line to write on, side by side
    [lines 4: What we agreed]  a label and so many lines to write on
    [tick: Yes | No]           boxes to tick, side by side
    [calendar: marks]          the marks of a field as a drawing; also [months: ], [register: ] and [codes: ], as tables

A line of marks stands in for itself until ``marks.filled`` has put the marks in.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from attendance_pipeline.letters.inert import plain, with_stand_ins, without_stand_ins


@dataclass(frozen=True)
class Run:
    """Text of one look; a line break is ``\\n``."""

    text: str
    bold: bool = False
    italic: bool = False


Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Heading:
    level: int
    runs: Runs


@dataclass(frozen=True)
class Paragraph:
    """``keep`` holds it on the page of the block that follows."""

    runs: Runs
    keep: bool = False


@dataclass(frozen=True)
class Items:
    ordered: bool
    items: tuple[tuple["Block", ...], ...]


@dataclass(frozen=True)
class Table:
    """``align`` per column: ``left``, ``right`` or ``center``. A row with an empty cell is one to write in.

    ``shares`` are the relative widths of the columns, from the dashes below the header: for a table to write in, and
    where ``fixed`` says so. Else a column is as wide as its words, and the last takes the rest.
    """

    align: tuple[str, ...]
    shares: tuple[int, ...]
    header: tuple[Runs, ...]
    rows: tuple[tuple[Runs, ...], ...]
    fixed: bool = False


@dataclass(frozen=True)
class Box:
    """A tinted box: a Markdown quote."""

    blocks: tuple["Block", ...]


@dataclass(frozen=True)
class FormLine:
    """Labels side by side, each with ``lines`` lines to write on; a box to tick before each label when ``tick``."""

    labels: tuple[Runs, ...]
    lines: int = 1
    tick: bool = False


@dataclass(frozen=True)
class Signature:
    """The closing words, room to sign, and who signs."""

    closing: Runs = ()
    signer: Runs = ()


@dataclass(frozen=True)
class Break:
    """What follows begins on a new page, or in a leaflet's next column."""

    column: bool = False


@dataclass(frozen=True)
class Marks:
    """Where the marks of a field are to stand, in one of ``SHAPES``; without marks, nothing stands there."""

    shape: str
    field: str


@dataclass(frozen=True)
class Picture:
    """A drawing, as SVG, and what it shows, in words, for who cannot see it."""

    svg: str
    alt: str


Block = Heading | Paragraph | Items | Table | Box | FormLine | Signature | Break | Marks | Picture

SHAPES = ("calendar", "months", "register", "codes")
_NAME = re.compile(r"([a-z]+(?: [a-z]+)*)(?: ([1-9][0-9]?))?")
DIRECTIVES = (
    *("signature", "new page", "new column", "line: label", "lines 4: label", "tick: label"),
    *(f"{shape}: marks" for shape in SHAPES),
)
# What is meant for a line of our own and is none: not alone on its line, in capitals, or with a bracket missing.
_ALMOST = re.compile(
    rf"\[ *(?:(?:signature|new +page|new +column)\b *\]?|(?:lines? *[0-9]*|tick|{'|'.join(SHAPES)}) *:)", re.IGNORECASE
)
_ENDS_LIKE_ONE = re.compile(r" *(?:signature|new +page|new +column) *\] *$", re.IGNORECASE)


def directive_problem(line: str) -> str | None:
    """What is wrong with a line that looks like one of our own, or None; a line that does not look like one is None."""
    if _directive(line) is not None:
        return None
    known = f"they know [{'], ['.join(DIRECTIVES)}]"
    if _read(line) is not None:
        return f"{line.strip()} is not a line that letters know; {known}"
    if (almost := _ALMOST.search(line)) or (almost := _ENDS_LIKE_ONE.match(line)):
        return (
            f"{almost[0].strip()} would be printed as it stands: it stands alone on its line, in small letters; {known}"
        )
    return None


def marks_line(line: str) -> Marks | None:
    """The line of marks that a line is, or None."""
    block = _directive(line)
    return block if isinstance(block, Marks) else None


def _read(line: str) -> tuple[str, int | None, list[str] | None] | None:
    """Name, number and labels of a line in brackets; None for any other."""
    line = line.strip()
    if not (line.startswith("[") and line.endswith("]")):
        return None
    head, colon, labels = line[1:-1].partition(":")
    match = _NAME.fullmatch(" ".join(head.split()))
    if match is None:
        return None
    return match[1], int(match[2]) if match[2] else None, [one.strip() for one in labels.split("|")] if colon else None


def _directive(line: str) -> Block | None:
    match _read(line):
        case "signature", None, None:
            return Signature()
        case "new page" | "new column" as name, None, None:
            return Break(column=name == "new column")
        case _, _, [""]:
            return None
        case name, None, [field] if name in SHAPES and field.isidentifier():
            return Marks(name, field)
        case "line", None, [*labels]:
            return FormLine(tuple(map(_runs_of_line, labels)))
        case "lines", int(count), [*labels]:
            return FormLine(tuple(map(_runs_of_line, labels)), lines=count)
        case "tick", None, [*labels]:
            return FormLine(tuple(map(_runs_of_line, labels)), tick=True)
    return None


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    # Off: what a letter has no use for, so that it is printed as typed instead of vanishing.
    return parser.disable(
        [
            "code",
            "fence",
            "hr",
            "html_block",
            "html_inline",
            "lheading",
            "reference",
            "backticks",
            "link",
            "image",
            "autolink",
        ]
    )


_LONGEST = 100_000  # characters: fewer values than there are disguised characters; a letter has some thousands


@lru_cache(maxsize=32)  # a leaflet says the same to everybody
def parse(markdown: str) -> tuple[Block, ...]:
    """The blocks of a rendered template; values in it may be in disguise (``inert``).

    Letters of one kind mostly differ in their values alone. So each value is exchanged for one disguised character, the
    words between them are parsed once, and the values are put into what came of it. The blocks are those of the whole
    text: Markdown has no rule about a disguised character, nor about how many of them stand together.
    """
    # A character written as its number could pass for one of ours; and there are so many of ours and no more.
    if "&#" in markdown or len(markdown) > _LONGEST:
        return parse_whole(markdown)
    shape, values = with_stand_ins(markdown)
    return _each_text(_shaped(shape), lambda text: without_stand_ins(text, values))


def parse_whole(markdown: str) -> tuple[Block, ...]:
    """The same, read from the first character to the last: slower."""
    return _each_text(_parsed(markdown), plain)


@lru_cache(maxsize=256)
def _shaped(shape: str) -> tuple[Block, ...]:
    return _parsed(shape)


def _parsed(markdown: str) -> tuple[Block, ...]:
    """The blocks, their text as it was parsed: still in disguise."""
    tree = SyntaxTreeNode(_parser().parse(markdown))
    return _with_signatures(tuple(_blocks(tree.children, markdown.split("\n"))))


def _blocks(nodes: Sequence[SyntaxTreeNode], lines: Sequence[str]) -> Iterator[Block]:
    for node in nodes:
        match node.type:
            case "heading":
                yield Heading(int(node.tag[1:]), _runs(node.children[0].children))
            case "paragraph":
                yield from _paragraph(node)
            case "bullet_list" | "ordered_list":
                items = tuple(tuple(_blocks(item.children, lines)) for item in node.children)
                yield Items(node.type == "ordered_list", items)
            case "blockquote":
                yield Box(tuple(_blocks(node.children, lines)))
            case "table":
                yield _table(node, lines)
            case other:
                raise ValueError(f"Markdown gave a block of an unknown kind: {other}")


def _paragraph(node: SyntaxTreeNode) -> Iterator[Block]:
    inline = node.children[0]
    lines = inline.content.split("\n")
    ours = [_directive(line) for line in lines]
    if not any(ours):
        yield Paragraph(_runs(inline.children))
        return
    waiting: list[str] = []
    for line, block in zip(lines, ours, strict=True):
        if block is None:
            waiting.append(line)
            continue
        if waiting:
            yield Paragraph(_runs_of_line("\n".join(waiting)))
            waiting = []
        yield block
    if waiting:
        yield Paragraph(_runs_of_line("\n".join(waiting)))


def _table(node: SyntaxTreeNode, lines: Sequence[str]) -> Table:
    head, *body = node.children
    header = head.children[0].children
    align = tuple(str(cell.attrs.get("style", "text-align:left")).removeprefix("text-align:") for cell in header)
    rows = tuple(tuple(_cell(cell) for cell in row.children) for row in body[0].children) if body else ()
    dashes = lines[node.map[0] + 1] if node.map else ""
    shares = tuple(map(len, re.findall(r":?-+:?", dashes)))
    return Table(align, shares, tuple(_cell(cell) for cell in header), rows)


def _cell(node: SyntaxTreeNode) -> Runs:
    return _runs(node.children[0].children) if node.children else ()


def _runs_of_line(text: str) -> Runs:
    tokens: list[Token] = _parser().parseInline(text)
    return _runs(SyntaxTreeNode(tokens).children[0].children)


def _runs(nodes: Sequence[SyntaxTreeNode], bold: bool = False, italic: bool = False) -> Runs:
    runs: list[Run] = []
    for run in _each_run(nodes, bold, italic):
        if runs and (runs[-1].bold, runs[-1].italic) == (run.bold, run.italic):
            runs[-1] = replace(runs[-1], text=runs[-1].text + run.text)
        elif run.text:
            runs.append(run)
    return tuple(runs)


def _each_run(nodes: Sequence[SyntaxTreeNode], bold: bool, italic: bool) -> Iterator[Run]:
    for node in nodes:
        match node.type:
            case "text" | "text_special":
                yield Run(node.content, bold, italic)
            case "softbreak":
                yield Run(" ", bold, italic)
            case "hardbreak":
                yield Run("\n", bold, italic)
            case "strong":
                yield from _each_run(node.children, True, italic)
            case "em":
                yield from _each_run(node.children, bold, True)
            case other:
                raise ValueError(f"Markdown gave text of an unknown kind: {other}")


def _with_signatures(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Closing and signer drawn into each signature, the paragraph before held to it: none stands alone on a page."""
    found: list[Block] = []
    for block in blocks:
        last = found[-1] if found else None
        if isinstance(block, Signature) and isinstance(last, Paragraph):
            found[-1] = Signature(closing=last.runs)
            if len(found) > 1 and isinstance(before := found[-2], Paragraph):
                found[-2] = replace(before, keep=True)
        elif isinstance(block, Paragraph) and isinstance(last, Signature) and not last.signer:
            found[-1] = replace(last, signer=block.runs)
        else:
            found.append(block)
    return tuple(found)


def _each_text(blocks: tuple[Block, ...], change: Callable[[str], str]) -> tuple[Block, ...]:
    """The blocks with every text of theirs changed."""

    def changed(runs: Runs) -> Runs:
        return tuple([Run(change(run.text), run.bold, run.italic) for run in runs])

    def one(block: Block) -> Block:
        match block:
            case Paragraph(runs, keep):
                return Paragraph(changed(runs), keep)
            case Table(align, shares, header, rows, fixed):
                cells = tuple([tuple([changed(cell) for cell in row]) for row in rows])
                return Table(align, shares, tuple([changed(cell) for cell in header]), cells, fixed)
            case Heading(level, runs):
                return Heading(level, changed(runs))
            case Items(ordered, items):
                return Items(ordered, tuple([_each_text(item, change) for item in items]))
            case Box(inner):
                return Box(_each_text(inner, change))
            case FormLine(labels, lines, tick):
                return FormLine(tuple([changed(label) for label in labels]), lines, tick)
            case Signature(closing, signer):
                return Signature(changed(closing), changed(signer))
            case Break() | Marks() | Picture():
                return block

    return tuple([one(block) for block in blocks])


def text_of(block: Block) -> str:
    """All the words of a block, one after another: for asking which characters it has."""
    return "".join(_words({name: value for name, value in _one(block).items() if name != "svg"}))


def _words(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from _words(value)
    elif isinstance(data, list):
        for value in data:
            yield from _words(value)


def as_data(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """The blocks as JSON for a layout: every text is a string, and a run is ``[text, bold, italic]``."""
    return [_one(block) for block in blocks]


def _one(block: Block) -> dict[str, Any]:
    match block:
        case Heading(level, runs):
            return {"is": "heading", "level": level, "runs": _run_data(runs)}
        case Paragraph(runs, keep):
            return {"is": "paragraph", "runs": _run_data(runs), "keep": keep}
        case Items(ordered, items):
            return {"is": "items", "ordered": ordered, "items": [as_data(item) for item in items]}
        case Table(align, shares, header, rows, fixed):
            return {
                "is": "table",
                "align": list(align),
                "shares": list(shares),
                "header": [_run_data(cell) for cell in header],
                "rows": [[_run_data(cell) for cell in row] for row in rows],
                "fixed": fixed,
            }
        case Box(inner):
            return {"is": "box", "blocks": as_data(inner)}
        case FormLine(labels, lines, tick):
            return {"is": "form", "labels": [_run_data(label) for label in labels], "lines": lines, "tick": tick}
        case Signature(closing, signer):
            return {"is": "signature", "closing": _run_data(closing), "signer": _run_data(signer)}
        case Break(column):
            return {"is": "break", "column": column}
        case Picture(svg, alt):
            return {"is": "picture", "svg": svg, "alt": alt}
        case Marks(shape, field):
            raise ValueError(f"[{shape}: {field}] has not been filled")


def _run_data(runs: Runs) -> list[list[Any]]:
    return [[run.text, run.bold, run.italic] for run in runs]
