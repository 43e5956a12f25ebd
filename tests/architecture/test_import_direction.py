"""Who may import whom, and the few things that only some modules may do: SQL, files, the clock.

The tables say what is allowed and are the design; everything else is refused with file, line and rule. A new package
gets its place here first. What is read is the text of the modules: none of them is imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from source_modules import PACKAGES, Module, modules

OURS = "attendance_pipeline"  # left out of the names below: `law` is attendance_pipeline.law

# From the ground up: a part may import itself and what is named beside it, and that always stands above it here.
_BELOW_STEPS = ("law", "drive_names", "spreadsheets", "store", "derive", "home", "register", "mis", "quality", "letters",
                "reports", "delivery", "engine", "advice", "whole_files")  # fmt: skip
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "letter_templates": (),
    "law": (),
    "advice": (),
    "drive_names": (),
    "spreadsheets": (),
    "whole_files": (),
    "engine": ("advice",),  # what it runs is given to it
    "table_files": (),
    "store": (),
    "derive": ("law",),
    "mis.kinds": (),
    "mis.map_settings": ("law", "mis.kinds"),
    "home_settings": ("law",),
    "home": ("law", "home_settings", "mis.map_settings"),
    "home_check": ("law", "home_settings", "home"),
    "register": ("law", "store"),
    "mis": ("law", "store", "register", "mis.kinds", "mis.map_settings"),
    "quality": ("law", "home_settings", "derive"),  # its limits are settings
    "letters": ("law", "drive_names", "spreadsheets", "engine", "derive"),
    # The page of a report and its typesetting are shared with letters; what stands in a letter is not.
    "reports": ("advice", "law", "drive_names", "spreadsheets", "derive",
                "letters.report_page", "letters.fonts", "letters.language", "letters.pdf"),
    # What fell short is told in the words of the table of checks, on a page like other reports.
    "reports.data_quality": ("home_settings", "spreadsheets", "quality", "reports"),
    "delivery": ("drive_names",),
    # One export without a home: what reads it and what derives from it, and nothing that stores.
    "trial": ("law", "spreadsheets", "store.extracts", "store.persons", "derive", "mis", "mis.kinds", "mis.map_settings"),
    "sending": ("home_settings",),
    "answering": (),
    "steps": _BELOW_STEPS,
    # Messages, and what their settings may be.
    "steps.telling": ("steps", *_BELOW_STEPS, "home_settings", "sending", "answering"),
    "steps.health": ("steps", *_BELOW_STEPS, "steps.telling"),
    # A summary of the school's own system is read, and its rows matched, as `attendance try --against` does it.
    "steps.reconcile": ("steps", *_BELOW_STEPS, "trial"),
    "demo": ("law", "derive", "home", "mis.kinds", "mis.upn"),
    "one_at_a_time": ("home", "whole_files"),
    "backup": ("home", "one_at_a_time", "store.copies"),
    "assets": ("advice", "law", "home", "one_at_a_time", "steps"),
    "schedules": ("home", "steps", "assets"),
    "definitions": ("law", "home", "assets", "schedules"),
    "event_log": (),
    "running": ("advice", "one_at_a_time", "home", "law.settings_errors", "store", "letters.decisions", "steps", "schedules", "definitions",
                "event_log", "whole_files"),
    "serving": ("home", "running"),
    "web_guard": (),  # a program of its own, started by serving
    "said": ("home", "store.impact", "letters.batch", "steps.troubles", "running"),
    "demo.run": ("home", "demo", "running"),
    "tables_in_words": (),
    # What analysts import: the same frames that `export` writes.
    "notebooks": ("law", "derive", "home", "register", "steps", "tables_in_words"),
    OURS: ("notebooks",),  # when it is asked for `open_home`
    "commands": ("home_check", "one_at_a_time", "table_files", *_BELOW_STEPS, "trial", "steps", "backup", "demo", "running", "serving", "said"),
    "cli": ("advice", "law", "store", "commands"),
}  # fmt: skip

# Parts of our own that not everybody may use who may import what is around them.
ONLY_FOR: dict[str, tuple[tuple[str, ...], str]] = {
    "store.tables": (
        ("store", "register.history", "register.lessons", "mis.load"),
        "tables are touched by the verbs of store/; others name one only to hand it to a verb",
    ),
    "store.warehouse.now": (("store",), "moments are written by the verbs of store/, and read from what they wrote"),
    "whole_files": (
        (
            "steps.benchmarks",
            "steps.secret",
            "steps.told",
            "steps.telling",
            "steps.removal",
            "steps.decided",
            "steps.set_back",
            "one_at_a_time",
            "running",
        ),
        "who writes into the home's private folders is listed below",
    ),
    "delivery": (
        ("steps.deliver", "steps.printed", "steps.board", "steps.telling", "steps.removal", "steps.removal_drive"),
        "dated folders are delivered by one module, pages that stay by the two that renew them",
    ),
}

# Libraries that not everybody may import.
LIBRARIES: dict[str, tuple[tuple[str, ...], str]] = {
    "dagster": (("assets", "schedules", "definitions", "running", "web_guard"), "no Dagster below the roof"),
    "sqlalchemy": (("store", "register", "mis.load", "steps", "home", "event_log"), "no SQL outside store/"),
    "alembic": (("store",), "no SQL outside store/"),
    "psycopg": (("store",), "no SQL outside store/"),
    "sqlite3": (
        ("event_log", "store.failures", "store.copies"),
        "no SQL outside store/, which knows the numbers of its errors, and copies whole files",
    ),
    "typst": (("letters.pdf",), "one module knows the PDF library"),
    "pikepdf": (("letters.pdf",), "one module knows the PDF library"),
    "dask": (("engine",), "one module knows the engines"),
    "distributed": (("engine",), "one module knows the engines"),
    "pypdfium2": (("steps.readable",), "one module reads PDFs back"),
    "vl_convert": (("reports.charts",), "one module knows the chart library"),
    "great_expectations": (("quality",), "Great Expectations is asked in quality/ alone"),
    "smtplib": (("sending",), "one module speaks to a network"),
    "urllib.request": (("sending",), "one module speaks to a network"),
}

# Who may speak SQL: the verbs of the warehouse; and one module to the files of Dagster's own log, which hold no pupil.
SPEAK_SQL = ("store", "event_log")
# What other modules may take from SQLAlchemy: a connection's type to pass it on, and the reading of a URL.
SQLALCHEMY_NAMES = {"home": {"URL", "make_url", "ArgumentError"}}
SQLALCHEMY_NAMES_ELSE = {"Connection"}
SQL_CALLS = {"execute", "executemany", "exec_driver_sql"}

# Who may ask what time it is. Everybody else is told the day, so that an answer does not change from day to day.
CLOCK = (
    "assets.extracts",  # whether today's school is over is asked when the inbox is read
    "assets.morning",
    "schedules.morning",
    "store.warehouse",
    "mis.inbox",
    "delivery",
    "one_at_a_time",
    "whole_files",
    "schedules.timetable",
    "schedules.telling",
    "running",
    "serving",
    "commands",
)
CLOCK_CALLS = {"now", "today", "utcnow"}

# Who may write files, and what: its comment. Only `delivery` writes to the drive.
WRITERS = (
    "delivery",
    "home",  # a new home
    "whole_files",  # private files of a home, for those whom ONLY_FOR names
    "mis.inbox",  # kept extracts; takes from the inbox
    "store.warehouse",  # the SQLite file
    "steps.benchmarks",  # published figures that somebody downloaded, into the home
    "store.copies",  # copies of SQLite files
    "backup",  # copies of a whole home, and a home from one
    "steps.secret",  # a key in the home's state
    "steps.told",  # what was told, in the home's state; and the note, where the drive is not there
    "steps.removal",  # in the state: whom a removal under way is about, and what each removal came to
    "steps.decided",  # what was decided of letters, into the inbox as one more extract of the log
    "table_files",  # where `attendance export` was told to
    "one_at_a_time",  # who is at work; takes away what killed runs left unfinished
    "running",  # Dagster's settings of a home
    "demo.extracts",  # a demonstration's inbox
    "demo.run",
)
WRITING_METHODS = {"write_text", "write_bytes", "mkdir", "unlink", "rename", "touch", "chmod", "rmdir", "symlink_to",
                   "hardlink_to", "to_csv", "to_excel", "to_parquet"}  # fmt: skip
WRITING_OF_OS = {"open", "replace", "rename", "link", "symlink", "remove", "unlink", "mkdir", "makedirs", "rmdir",
                 "chmod"}  # fmt: skip

# Who may ask a home where the drive is: to check it, to deliver, and to say where a delivery lies.
KNOW_THE_DRIVE = ("home", "home_check", "steps.deliver", "steps.board", "steps.telling", "steps.decided",
                  "steps.subject_access", "backup", "steps.removal", "steps.removal_drive", "running", "said")  # fmt: skip

# The rules are pure: of what is not ours they may import these and no more, and they open nothing.
# (difflib and unicodedata compare names: tables of characters, and nothing but their arguments.)
DERIVE_LIBRARIES = {"__future__", "bisect", "collections", "dataclasses", "datetime", "difflib", "enum", "functools",
                    "itertools", "math", "numba", "numpy", "operator", "pandas", "typing", "unicodedata"}  # fmt: skip
OPENING = {"open", "read_text", "read_bytes", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "save", "savez",
           "savetxt", "tofile", "read_csv", "read_parquet", "read_pickle", "read_json", "to_pickle"}  # fmt: skip

Fault = tuple[int, str, str]  # line, what stands there, the rule it breaks


# ---------------------------------------------------------------- reading names


def short(name: str) -> str:
    return name.removeprefix(f"{OURS}.")


def under(name: str, *places: str) -> bool:
    """Whether a dotted name is one of the places, or in one."""
    return any(name == p or name.startswith(f"{p}.") for p in places)


def part_of(name: str) -> str:
    """The part of MAY_IMPORT that a short name belongs to; "" for none."""
    return max((p for p in MAY_IMPORT if under(name, p)), key=len, default="")


@cache
def nodes(text: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(text)))


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Every import, wherever it stands, as (line, full dotted name of the thing imported)."""
    package = module.name.split(".")
    if not module.file.endswith("__init__.py"):
        package = package[:-1]
    for node in nodes(module.text):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *([node.module] if node.module else [])]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)


def is_ours(imported: str) -> bool:
    return under(imported, *PACKAGES)


def calls(module: Module) -> Iterator[ast.Call]:
    return (node for node in nodes(module.text) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """The last word of what is called."""
    return ast.unparse(call.func).split(".")[-1]


# ---------------------------------------------------------------- the rules


def direction(module: Module) -> Iterator[Fault]:
    name = short(module.name)
    part = part_of(name)
    if not part:
        yield 1, f"{name} has no place", "every part has its place in MAY_IMPORT"
        return
    allowed = MAY_IMPORT[part]
    rule = f"{part} may import {', '.join(allowed) or 'no other part'}"
    for line, imported in imports(module):
        if is_ours(imported) and part_of(short(imported)) != part and not under(short(imported), *allowed):
            yield line, f"imports {imported}", rule
    for call in calls(module):
        if called(call) in ("import_module", "__import__"):
            yield call.lineno, f"calls {called(call)}", "imports are written as imports, so that they can be read"


def kept_for_some(module: Module) -> Iterator[Fault]:
    name = short(module.name)
    for line, imported in imports(module):
        for thing, (allowed, why) in ONLY_FOR.items():
            if is_ours(imported) and under(short(imported), thing) and not under(name, thing, *allowed):
                yield line, f"imports {imported}", f"{why}; it is for {', '.join(allowed)}"


def libraries(module: Module) -> Iterator[Fault]:
    name = short(module.name)
    for line, imported in imports(module):
        for library, (allowed, why) in LIBRARIES.items():
            if re.match(rf"{library}(_\w+)?(\.|$)", imported) and not under(name, *allowed):
                yield line, f"imports {imported}", f"{why}; {library} is for {', '.join(allowed)}"


def sql(module: Module) -> Iterator[Fault]:
    name = short(module.name)
    if under(name, *SPEAK_SQL):
        return
    allowed = SQLALCHEMY_NAMES.get(name, SQLALCHEMY_NAMES_ELSE)
    rule = f"no SQL outside store/; {name} may take {', '.join(sorted(allowed))} from SQLAlchemy"
    names = {"sqlalchemy"}
    for node in nodes(module.text):
        if isinstance(node, ast.Import):
            names |= {a.asname for a in node.names if a.asname and under(a.name, "sqlalchemy")}
        elif isinstance(node, ast.ImportFrom) and under(node.module or "", "sqlalchemy"):
            yield from ((node.lineno, f"imports {a.name}", rule) for a in node.names if a.name not in allowed)
    for node in nodes(module.text):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in names and node.attr not in allowed:
                yield node.lineno, f"uses {node.value.id}.{node.attr}", rule
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SQL_CALLS:
            yield node.lineno, f"calls {node.func.attr}", rule


def clock(module: Module) -> Iterator[Fault]:
    if under(short(module.name), *CLOCK):
        return
    rule = f"the day is told, not asked; the clock is for {', '.join(CLOCK)}"
    for line, imported in imports(module):
        if under(imported, "time"):
            yield line, f"imports {imported}", rule
    for call in calls(module):
        words = [a.value for a in call.args if isinstance(a, ast.Constant)]
        asks = called(call) in CLOCK_CALLS and "." in ast.unparse(call.func)
        if asks or (called(call) in ("datetime64", "Timestamp", "to_datetime") and {"now", "today"} & set(words)):
            yield call.lineno, f"calls {called(call)}", rule


def writing(module: Module) -> Iterator[Fault]:
    if under(short(module.name), *WRITERS):
        return
    rule = f"only delivery.py writes to the drive; other files are written by {', '.join(WRITERS[1:])}"
    for line, imported in imports(module):
        if under(imported, "shutil", "tempfile"):
            yield line, f"imports {imported}", rule
    for call in calls(module):
        function = ast.unparse(call.func)
        if function.startswith("os."):
            # To write nothing to nowhere is not to write.
            writes = called(call) in WRITING_OF_OS and "os.devnull" not in map(ast.unparse, call.args)
        elif called(call) == "open":
            after = 1 if function == "open" else 0  # `open(name, mode)`, but `path.open(mode)`
            given = [*call.args[after:], *(k.value for k in call.keywords if k.arg == "mode")]
            modes = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            writes = any(re.fullmatch(r"[rbt]*[wax+][rbt+]*", mode) for mode in modes)
        else:
            writes = "." in function and called(call) in WRITING_METHODS
        if writes:
            yield call.lineno, f"calls {function}", rule


def drive(module: Module) -> Iterator[Fault]:
    if under(short(module.name), *KNOW_THE_DRIVE):
        return
    for node in nodes(module.text):
        if isinstance(node, ast.Attribute) and node.attr == "drive":
            yield node.lineno, "asks for .drive", f"where the drive is, is for {', '.join(KNOW_THE_DRIVE)}"


def purity(module: Module) -> Iterator[Fault]:
    if not under(short(module.name), "derive"):
        return
    rule = "derive/ is pure: no file, no clock, no network; marks in, answers out"
    for line, imported in imports(module):
        if not is_ours(imported) and imported.split(".")[0] not in DERIVE_LIBRARIES:
            yield line, f"imports {imported}", rule
    for call in calls(module):
        if called(call) in OPENING:
            yield call.lineno, f"calls {called(call)}", rule


RULES: tuple[Callable[[Module], Iterator[Fault]], ...] = (
    direction, kept_for_some, libraries, sql, clock, writing, drive, purity,
)  # fmt: skip


def said(module: Module, rule: Callable[[Module], Iterator[Fault]]) -> list[str]:
    found = sorted(set(rule(module)))
    return [f"{module.file}:{line}: {module.name} {what}\n    rule: {why}" for line, what, why in found]


# ---------------------------------------------------------------- the program keeps them


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__name__)
def test_every_module_keeps_the_rule(rule):
    broken = [line for module in modules() for line in said(module, rule)]
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)


def test_the_table_reads_downwards():
    known: list[str] = []
    for part, allowed in MAY_IMPORT.items():
        assert [a for a in allowed if not under(a, *known)] == [], part
        known.append(part)


def test_every_module_that_a_rule_names_is_there():
    there = {short(m.name) for m in modules()}
    named = {*MAY_IMPORT, *(a for allowed in MAY_IMPORT.values() for a in allowed), *CLOCK, *WRITERS, *KNOW_THE_DRIVE}
    named |= set(SPEAK_SQL)
    named |= {a for allowed, _ in [*ONLY_FOR.values(), *LIBRARIES.values()] for a in allowed} | set(SQLALCHEMY_NAMES)
    assert sorted(named - there) == []


# ---------------------------------------------------------------- the rules can be broken


@pytest.mark.parametrize(
    ("rule", "name", "text", "line"),
    [
        (direction, "derive.ladder", "import attendance_pipeline.store.ledger", 1),
        (direction, "derive.ladder", "def f():\n    from attendance_pipeline import home", 2),
        (direction, "derive.ladder", "from ..letters import ledger", 1),
        (direction, "law.policy", "from attendance_pipeline.derive import ladder", 1),
        (direction, "letters.batch", "from attendance_pipeline.steps.site import Site", 1),
        (direction, "letters.batch", "from attendance_pipeline.reports import governor", 1),
        (direction, "reports.governor", "from attendance_pipeline.letters.ledger import decide", 1),
        (direction, "store.ledger", "from attendance_pipeline.law.policy import Policy", 1),
        (direction, "steps.plan", "from attendance_pipeline.running import Runner", 1),
        (direction, "steps.plan", "from assets import register", 1),
        (direction, "demo.make", "from attendance_pipeline.demo.run import run_demo", 1),
        (direction, "newcomer", "", 1),
        (direction, "steps.plan", "import importlib\nimportlib.import_module('assets')", 2),
        (kept_for_some, "steps.plan", "from attendance_pipeline.store import tables", 1),
        (kept_for_some, "letters.ledger", "from attendance_pipeline.store.warehouse import now", 1),
        (kept_for_some, "reports.governor", "from attendance_pipeline import delivery", 1),
        (libraries, "steps.plan", "import dagster as dg", 1),
        (libraries, "letters.batch", "if TYPE_CHECKING:\n    from dagster_shared import x", 2),
        (libraries, "derive.ladder", "import sqlalchemy.orm", 1),
        (libraries, "reports.printed", "import typst", 1),
        (sql, "register.roll", "import sqlalchemy as sa\nsa.select(1)", 2),
        (sql, "register.roll", "from sqlalchemy import text", 1),
        (sql, "mis.load", "conn.execute('select 1')", 1),
        (clock, "letters.ledger", "import datetime as dt\nday = dt.date.today()", 2),
        (clock, "steps.plan", "from time import time", 1),
        (clock, "derive.year", "np.datetime64('today')", 1),
        (writing, "reports.printed", "Path('x').write_bytes(b'')", 1),
        (writing, "letters.pdf", "open('x', 'wb')", 1),
        (writing, "letters.pdf", "path.open(mode='a')", 1),
        (writing, "steps.deliver", "import shutil", 1),
        (writing, "steps.deliver", "os.open('x', os.O_WRONLY)", 1),
        (drive, "reports.printed", "home.drive / 'x'", 1),
        (purity, "derive.year", "from pathlib import Path", 1),
        (purity, "derive.year", "np.load('x')", 1),
    ],
)  # fmt: skip
def test_a_module_that_breaks_a_rule_is_named(rule, name, text, line):
    file = f"{OURS}/{name.replace('.', '/')}.py"
    found = said(Module(f"{OURS}.{name}", file, text), rule)
    assert [m.split(" ")[0] for m in found] == [f"{file}:{line}:"]
    assert "rule: " in found[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("derive.ladder", "from attendance_pipeline.law.policy import Policy\nfrom .counting import count"),
        ("register.roll", "import sqlalchemy as sa\ndef f(conn: sa.Connection): ..."),
        ("running", "import dagster as dg\nfrom schedules.jobs import nightly\ndt.date.today()"),
        ("steps.deliver", "from attendance_pipeline import delivery\ndelivery.deliver(site.home.drive)"),
        ("letters.pdf", "path.open('rb')\nopen('x')\n'a'.replace('a', 'b')"),
        ("cli", "os.dup2(os.open(os.devnull, os.O_WRONLY), 1)"),
    ],
)
def test_a_module_that_keeps_the_rules_is_left_alone(name, text):
    module = Module(f"{OURS}.{name}", f"{OURS}/{name.replace('.', '/')}.py", text)
    assert [line for rule in RULES for line in said(module, rule)] == []
