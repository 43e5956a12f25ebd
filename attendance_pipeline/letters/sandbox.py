"""What a template may do, and how much of it: the Jinja2 environment that the words of letters are rendered in.

Belongs here: the sandbox, its filters, the disguise of values, and the limits that end a template which would fill
memory or run for hours. Does not belong here: finding and checking templates (``templates``, ``template_check``).

A template is written by somebody at a school and run over every family's letter: it can reach the fields it is given
and nothing else, and it ends. Jinja2's sandbox keeps it from Python's insides; it does not keep it from
``'x' * 10**10`` or from loops within loops, so these are counted here. A letter stays far below every limit.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.ext import Extension
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from attendance_pipeline.letters.inert import has_rtl, inert
from attendance_pipeline.letters.language import Language

SUFFIX = ".md.j2"
FILTERS = frozenset(
    {
        *("default", "d", "upper", "lower", "capitalize", "title", "trim", "int"),
        *("first", "last", "length", "count", "list", "sort", "reverse", "unique", "selectattr", "rejectattr"),
    }
)
TEXT_METHODS = frozenset({"upper", "lower", "capitalize", "title", "strip", "startswith", "endswith"})

# Limits on one rendering. The longest letter we ship (a year's marks) uses a tenth of each.
MAX_FILE = 65_536  # bytes of a template
MAX_TURNS = 20_000  # turns of all loops together
MAX_CALLS = 1_000  # of macros and methods
MAX_INCLUDES = 200
MAX_PRINTED = 400_000  # characters, with what loops repeat
MAX_TEXT = 20_000  # characters of one value that a template puts together
MAX_NUMBER = 1_000_000
MAX_RANGE = 1_000
MAX_DEPTH = 40  # of expressions in one another

_INCLUDED = re.compile(r"_[A-Za-z0-9_-]+" + re.escape(SUFFIX))
_REFUSED_NODES: Mapping[type[nodes.Node], str] = {
    nodes.Import: "{% import %} is not for letters; use {% include %}",
    nodes.FromImport: "{% from %} is not for letters; use {% include %}",
    nodes.Extends: "{% extends %} is not for letters; use {% include %}",
    nodes.Block: "{% block %} is not for letters; use {% include %}",
    nodes.FilterBlock: "{% filter %} is not for letters; put the filter behind the field",
    nodes.ScopedEvalContextModifier: "{% autoescape %} is not for letters",
}


@dataclass
class _Spent:
    """What one rendering has used up."""

    turns: int = 0
    calls: int = 0
    includes: int = 0
    printed: int = 0

    def more(self, what: str, amount: int, limit: int, words: str) -> None:
        now = getattr(self, what) + amount
        setattr(self, what, now)
        if now > limit:
            raise SecurityError(f"{words}: more than the {limit:,} that a letter may have".replace(",", "\u202f"))


_spent: ContextVar[_Spent] = ContextVar("spent")


@contextmanager
def limited() -> Iterator[None]:
    """One rendering, counted from nothing."""
    before = _spent.set(_Spent())
    try:
        yield
    finally:
        _spent.reset(before)


def _used() -> _Spent:
    return _spent.get(_Spent())


# ---------------------------------------------------------------- before a template is run


def refusals(tree: nodes.Template) -> list[tuple[int, str]]:
    """Line and words of whatever a template may not use at all."""
    found: list[tuple[int, str]] = []
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            return [(node.lineno, "too much within one another to be read")]
        if words := _REFUSED_NODES.get(type(node)):
            found.append((node.lineno, words))
        elif isinstance(node, nodes.For) and node.recursive:
            found.append((node.lineno, "a recursive loop is not for letters"))
        elif isinstance(node, nodes.Include) and not _may_be_included(node.template):
            part = f"_contact{SUFFIX}"
            found.append(
                (node.lineno, f'{{% include %}} takes one name in quotes that begins with _, such as "{part}"')
            )
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]
    return sorted(found)


def _may_be_included(template: nodes.Expr) -> bool:
    name = template.value if isinstance(template, nodes.Const) else None
    return isinstance(name, str) and _INCLUDED.fullmatch(name) is not None


class _Counted(NodeTransformer):
    """Loops and text put together with ``~`` go through filters that count."""

    def visit_For(self, node: nodes.For, *args: Any, **kwargs: Any) -> nodes.Node:
        self.generic_visit(node, *args, **kwargs)
        words = sum(map(len, _own_words(node.body)))
        node.iter = nodes.Filter(node.iter, "_turns", [nodes.Const(words)], [], None, None, lineno=node.iter.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat, *args: Any, **kwargs: Any) -> nodes.Node:
        self.generic_visit(node, *args, **kwargs)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_joined", [], [], None, None, lineno=node.lineno)


def _own_words(body: Sequence[nodes.Node]) -> Iterator[str]:
    """The words that one turn of a loop prints itself; a loop within it counts its own."""
    for node in body:
        if isinstance(node, nodes.TemplateData):
            yield node.data
        elif isinstance(node, nodes.Const):
            yield str(node.value)
        elif not isinstance(node, nodes.For):
            yield from _own_words(list(node.iter_child_nodes()))


class _Generator(CodeGenerator):
    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:
        for line, words in refusals(node):
            raise jinja2.TemplateSyntaxError(words, line, self.name, self.filename)
        super().visit_Template(_Counted().visit(node), frame)


class _LoneTags(Extension):
    """A line of nothing but tags and comments leaves nothing behind, not even its line break.

    Jinja2's own ``trim_blocks`` also eats the break after ``words {% endif %}`` and so joins two paragraphs. Here the
    break moves into a comment, which keeps the line numbers of errors right.
    """

    _LINE = re.compile(r"^((?:\{%(?:(?!%\}|\{%).)*%\}|\{#(?:(?!#\}|\{#).)*#\}|[ \t])+)\n", re.MULTILINE | re.DOTALL)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        return self._LINE.sub(lambda line: line[0] if not line[1].strip() else f"{line[1]}{{#\n#}}", source)


class _Loader(jinja2.FileSystemLoader):
    """Templates of one school's folders; a link that leads out of them is not followed."""

    def get_source(self, environment: jinja2.Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, file, current = super().get_source(environment, template)
        if leads_out(Path(file)):
            raise SecurityError(f"{template} is a link that leads out of its folder")
        return source, file, current


def leads_out(file: Path) -> bool:
    """Whether a template is a link to a file outside its own folder."""
    return not file.resolve().is_relative_to(file.parent.resolve())


# ---------------------------------------------------------------- while it runs


class _Environment(ImmutableSandboxedEnvironment):
    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return self.filters["_joined"](context, [left, right])
        if not isinstance(left, int) or not isinstance(right, int):
            raise TypeError(operator)
        if operator not in ("+", "-", "*", "//", "%") or max(abs(left), abs(right)) > MAX_NUMBER:
            raise SecurityError(f"{operator} is not for numbers as large as these")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str):
            return attr in TEXT_METHODS
        return isinstance(obj, LoopContext | Namespace) and not attr.startswith("_") and not callable(value)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        # Named as in Jinja2: any other name could be that of an argument.
        _used().more("calls", 1, MAX_CALLS, "macros and methods are called too often")
        method = getattr(__obj, "__name__", "") in TEXT_METHODS and isinstance(getattr(__obj, "__self__", None), str)
        if not (method or isinstance(__obj, Macro | jinja2.Undefined) or __obj is _range or __obj is Namespace):
            raise SecurityError("this is not to be called in a letter")
        return super().call(__context, __obj, *args, **kwargs)

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> jinja2.Template:
        if parent is not None:
            _used().more("includes", 1, MAX_INCLUDES, "templates include one another too often")
        return super().get_template(name, parent, globals)


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"range() counts to {MAX_RANGE} at most")
    return numbers


def _bounded(*parts: str) -> str:
    if sum(map(len, parts)) > MAX_TEXT:
        raise SecurityError(f"a text of more than {MAX_TEXT} characters")
    return "".join(parts)


@jinja2.pass_context  # so that Jinja2 does not work it out beforehand
def _turns(context: Context, rows: Any, words: int) -> Any:
    """What a loop goes over, once its turns and what each prints have been counted."""
    if isinstance(rows, jinja2.Undefined):
        return rows
    rows = rows if hasattr(rows, "__len__") else list(rows)
    _used().more("turns", len(rows), MAX_TURNS, "loops take too many turns")
    _used().more("printed", len(rows) * words, MAX_PRINTED, "the text is too long")
    return rows


def environment_of(language: Language, folders: Sequence[Path]) -> jinja2.Environment:
    """The environment for templates of a language, found in the first folder that has them."""
    environment = _Environment(
        loader=_Loader([str(folder) for folder in folders]),
        undefined=jinja2.StrictUndefined,
        autoescape=True,  # so that what a macro or a block returns is known to be in disguise already
        finalize=_finalize(language),
        extensions=[_LoneTags],
        keep_trailing_newline=True,
    )
    environment.globals = {"range": _range, "namespace": Namespace}
    environment.filters = {
        **{name: environment.filters[name] for name in FILTERS},
        **filters_of(language),
        "_turns": _turns,
        "_joined": _joined(language, environment.finalize),
    }
    return environment


def filters_of(language: Language) -> Mapping[str, Callable[[Any], Any]]:
    """The filters of our own."""
    return {
        "day": lambda value: language.day(value) if isinstance(value, datetime.date) else value,
        "session_words": lambda value: language.sessions.get(value, value),
        "code_words": lambda value: language.codes.get(value, value),
        "window_words": language.window,
    }


def _finalize(language: Language) -> Callable[[Context, Any], Any]:
    rtl = language.direction == "rtl"

    @jinja2.pass_context  # as above
    def printed(context: Context, value: Any) -> Any:
        if isinstance(value, jinja2.Undefined):  # a StrictUndefined raises by itself
            return value
        if not isinstance(value, Markup):  # Markup was here before
            text = _text(value, language)
            # In disguise: nothing in it can be obeyed.
            value = Markup(inert(text, isolate=rtl or has_rtl(text)))  # noqa: S704
        _used().more("printed", len(value), MAX_PRINTED, "the text is too long")
        return value

    return printed


def _joined(language: Language, finalize: Any) -> Callable[[Context, Sequence[Any]], str]:
    """``a ~ b``: text, or text in disguise if a part is that already (what a macro returns)."""

    @jinja2.pass_context  # as above
    def joined(context: Context, parts: Sequence[Any]) -> str:
        if not any(isinstance(part, Markup) for part in parts):
            return _bounded(*(_text(part, language) for part in parts))
        return Markup(_bounded(*(str(finalize(context, part)) for part in parts)))  # noqa: S704 - each part is in disguise

    return joined


def _text(value: Any, language: Language) -> str:
    if isinstance(value, datetime.date):
        return language.date(value)
    if not isinstance(value, str | int | jinja2.Undefined):
        raise TypeError("not text")
    return str(value)
