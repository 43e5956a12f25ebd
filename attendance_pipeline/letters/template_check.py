"""Mistakes in a template found by reading it, before any letter is rendered, each with its file and line.

Belongs here: what can be known of a template's source alone. Does not belong here: rendering (``templates``).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from jinja2 import meta, nodes

from attendance_pipeline.letters.blocks import directive_problem, marks_line
from attendance_pipeline.letters.fields import KINDS, MARK_ROWS, Field, fields_of
from attendance_pipeline.letters.sandbox import TEXT_METHODS, refusals

_LIST_FILTERS = frozenset({"sort", "reverse", "list", "selectattr", "rejectattr", "unique"})
_ROW_FILTERS = frozenset({"first", "last"})


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake. ``line`` counts from 1; 0 means the file as a whole."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


@dataclass(frozen=True)
class _Text:
    pass


@dataclass(frozen=True)
class _Rows:
    name: str
    of: Mapping[str, str]


@dataclass(frozen=True)
class _Row:
    name: str
    of: Mapping[str, str]


_Kind = _Text | _Rows | _Row | None  # None: not known, so not judged
_Scope = dict[str, _Kind]


def source_problems(environment: jinja2.Environment, source: str, file: Path, kind: str) -> tuple[Problem, ...]:
    """Syntax errors, what a template may not use, names that are no field of this kind, and Markdown that a letter
    would print as it stands."""
    fields = fields_of(kind)
    try:
        tree = environment.parse(source, filename=str(file))
        if refused := tuple(Problem(file, line, words) for line, words in refusals(tree)):
            return refused
        environment.compile(source, filename=str(file))  # filters and tests are looked up only here
    except jinja2.TemplateSyntaxError as error:
        return (Problem(file, error.lineno, error.message or "not a template"),)
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError):
        return (Problem(file, 0, "too much within one another, or too large a number, to be read"),)
    found = [
        *_unknown_names(environment, tree, file, kind),
        *_Walk(file, fields).problems(tree),
        *_markdown(source, file, fields),
    ]
    return tuple(sorted(set(found)))


def _unknown_names(environment: jinja2.Environment, tree: nodes.Template, file: Path, kind: str) -> Iterator[Problem]:
    fields = fields_of(kind)
    unknown = meta.find_undeclared_variables(tree) - set(fields) - set(environment.globals)
    lines: dict[str, set[int]] = {}
    for node in tree.find_all(nodes.Name):
        if node.ctx == "load" and node.name in unknown:
            lines.setdefault(node.name, set()).add(node.lineno)
    for name in unknown:
        others = [other for other, of in KINDS.items() if name in of.fields]
        what = f"a field of {kind}, but of {', '.join(others)}" if others else "a field"
        for line in lines.get(name, {0}):
            yield Problem(file, line, f"{name} is not {what}; the fields are {', '.join(sorted(fields))}")


class _Walk:
    """Follows each field through loops and assignments, to judge what is taken from it."""

    def __init__(self, file: Path, fields: Mapping[str, Field]) -> None:
        self.file = file
        self.fields: _Scope = {
            name: _Text() if field.rows is None else _Rows(name, field.rows) for name, field in fields.items()
        }
        self.found: list[Problem] = []

    def problems(self, tree: nodes.Template) -> list[Problem]:
        self.visit(tree, dict(self.fields))
        return self.found

    def say(self, node: nodes.Node, message: str) -> None:
        self.found.append(Problem(self.file, node.lineno, message))

    def visit(self, node: nodes.Node, scope: _Scope) -> None:
        match node:
            case nodes.For():
                self.visit(node.iter, scope)
                inner = {**scope, "loop": None}
                over = self.kind(node.iter, scope)
                self.bind(node.target, _Row(over.name, over.of) if isinstance(over, _Rows) else None, inner)
                for child in [*([node.test] if node.test else []), *node.body]:
                    self.visit(child, inner)
                for child in node.else_:
                    self.visit(child, scope)
            case nodes.Assign():
                self.visit(node.node, scope)
                self.bind(node.target, self.kind(node.node, scope), scope)
            case nodes.Macro() | nodes.CallBlock():
                inner = dict(scope)
                for name in node.args:
                    inner[name.name] = None
                for child in node.iter_child_nodes():
                    self.visit(child, inner)
            case nodes.Output():
                for child in node.nodes:
                    if isinstance(printed := self.kind(child, scope), _Rows | _Row):
                        self.say(child, f"{printed.name} is a list and cannot be printed whole; {_how(printed)}")
                    self.visit(child, scope)
            case nodes.Getattr():
                self.visit(node.node, scope)
                self.taken(node, node.attr, self.kind(node.node, scope))
            case nodes.Getitem(arg=nodes.Const(value=str() as name)):
                self.visit(node.node, scope)
                self.taken(node, name, self.kind(node.node, scope))
            case _:
                for child in node.iter_child_nodes():
                    self.visit(child, scope)

    def taken(self, node: nodes.Node, attribute: str, owner: _Kind) -> None:
        match owner:
            case _Row(name, of) if attribute not in of:
                self.say(node, f"a row of {name} has no {attribute}; it has {', '.join(of)}")
            case _Rows():
                self.say(node, f"{owner.name} is a list and has no {attribute}; {_how(owner)}")
            case _Text() if attribute not in TEXT_METHODS:
                self.say(node, f"a field of text has no {attribute}")

    def bind(self, target: nodes.Node, kind: _Kind, scope: _Scope) -> None:
        if isinstance(target, nodes.Name):
            scope[target.name] = kind
        else:
            for name in target.find_all(nodes.Name):
                scope[name.name] = None

    def kind(self, node: nodes.Node, scope: _Scope) -> _Kind:
        match node:
            case nodes.Name():
                return scope.get(node.name)
            case nodes.Getattr() | nodes.Getitem():
                owner = self.kind(node.node, scope)
                if isinstance(owner, _Rows) and isinstance(node, nodes.Getitem):
                    return owner if isinstance(node.arg, nodes.Slice) else _Row(owner.name, owner.of)
                return _Text() if isinstance(owner, _Row) else None
            case nodes.Filter(node=nodes.Node() as over):
                owner = self.kind(over, scope)
                if isinstance(owner, _Rows) and node.name in _LIST_FILTERS:
                    return owner
                if isinstance(owner, _Rows) and node.name in _ROW_FILTERS:
                    return _Row(owner.name, owner.of)
        return None


def _how(kind: _Rows | _Row) -> str:
    one = kind.name.removesuffix("s")
    return f"write {{% for {one} in {kind.name} %}} … {{{{ {one}.{next(iter(kind.of))} }}}} … {{% endfor %}}"


_TAGS = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)  # in a template that was parsed: each ends
_HTML = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
_LINK = re.compile(r"!?\[[^\]]*\]\([^)]*\)")
_CODE = re.compile(r"`+[^`]+`+|^\s*(```|~~~)")
_HEADING = re.compile(r"(#{1,6})\s+\S")
_BRACE = re.compile(r"[{}][^{}]*[{}]?")
_PLACEHOLDER = re.compile(
    r"(?:\[|«|<<) *([A-Za-z][\w ]*?) *(?:\]|»|>>)"
)  # as a mail merge and other systems write fields
_RULE = re.compile(r" *([-*_])(?: *\1){2,} *")
_TABLE_RULE = re.compile(r" *\|?(?: *:?-+:? *\|)+ *(?::?-+:? *)?")


def _markdown(source: str, file: Path, fields: Mapping[str, Field]) -> Iterator[Problem]:
    """Line by line over the words alone; a tag leaves a stand-in and its line breaks, so lines keep their numbers."""
    words = _TAGS.sub(lambda tag: ("x" if tag[0].startswith("{{") else "") + "\n" * tag[0].count("\n"), source)
    level = 0
    if not file.name.startswith("_"):  # a part may hold the rows of a table alone
        yield from _tables(source, words.split("\n"), file)
    for number, line in enumerate(words.split("\n"), start=1):
        if message := directive_problem(line):
            yield Problem(file, number, message)
        if (marks := marks_line(line)) and (marks.field not in fields or fields[marks.field].rows != MARK_ROWS):
            known = ", ".join(name for name, one in fields.items() if one.rows == MARK_ROWS) or "none here"
            yield Problem(file, number, f"{line.strip()} asks for a field of marks; those are: {known}")
        if html := _HTML.search(line):
            yield Problem(file, number, f"{html[0]} would be printed as it stands: letters know Markdown, not HTML")
        if link := _LINK.search(line):
            yield Problem(
                file, number, f"{link[0]} would be printed as it stands: write the address itself, paper has no links"
            )
        if code := _CODE.search(line):
            yield Problem(file, number, f"{code[0].strip()} would be printed as it stands: letters have no code")
        if brace := _BRACE.search(line):
            yield Problem(
                file, number, f"{brace[0].strip()} would be printed as it stands: a field has two braces on either side"
            )
        for placeholder in _PLACEHOLDER.finditer(line):
            if (name := "_".join(placeholder[1].casefold().split())) in fields:
                yield Problem(file, number, f"{placeholder[0]} would be printed as it stands: write {{{{ {name} }}}}")
        if _RULE.fullmatch(line):
            yield Problem(file, number, f"{line.strip()} would be printed as it stands: letters have no rules")
        if heading := _HEADING.match(line):
            depth = len(heading[1])
            if depth > level + 1:
                yield Problem(
                    file, number, f"a heading {heading[1]} must come under a {'#' * (depth - 1)}, for screen readers"
                )
            if depth > 3:
                yield Problem(file, number, "letters have headings #, ## and ###")
            level = depth


def _tables(source: str, words: list[str], file: Path) -> Iterator[Problem]:
    """Tables whose first row is followed by no line of dashes: they would be printed as words between bars."""
    tags_alone = {
        n
        for n, (line, said) in enumerate(zip(words, source.split("\n"), strict=True))
        if said.strip() and not line.strip()
    }
    kept = [(number, line) for number, line in enumerate(words) if number not in tags_alone]
    before = ""
    for (number, line), (_, following) in zip(kept, [*kept[1:], (0, "")], strict=True):
        begins = line.lstrip().startswith("|") and not before.lstrip().startswith("|")
        if begins and not _TABLE_RULE.fullmatch(following):
            yield Problem(
                file, number + 1, "the first row of a table needs a line of dashes under it, such as |:--|:--|"
            )
        before = line
