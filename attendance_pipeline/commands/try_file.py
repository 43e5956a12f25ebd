"""`try FILE [--against LIST]`: one export, looked at without a home; nothing is stored but the workbook asked for."""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, read_file

_WORTH_A_WORD = 20 << 20  # bytes: smaller files are read in a second or two
_NAME = "attendance-try"
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_KINDS = ("persistent", "severe", "stage", "notice")


def add(commands: Commands) -> None:
    words = "what one export says, with nothing set up and nothing stored: thresholds, stages, absence; beside a list"
    trial = commands.add("try", _try, words)
    trial.add_argument("file", type=Path, metavar="FILE", help="a register as CSV, XLSX, XML or JSON, of any shape")
    trial.add_argument(
        "--against", type=Path, metavar="LIST", help="another list of the pupils: figures, or names only"
    )
    trial.add_argument("--list-of", choices=_KINDS, metavar="KIND",
                       help=f"what a list of names is of: {', '.join(_KINDS)} (default: what fits best)")  # fmt: skip
    trial.add_argument(
        "--blank", choices=("present", "missing"), help="what a blank cell means: present, or not entered"
    )
    trial.add_argument("--code", action="append", default=[], type=_code, metavar="LOCAL=CODE",
                       help="a local code and the register code it stands for; may be given again")  # fmt: skip
    trial.add_argument("--policy", type=Path, metavar="FILE", help="a policy file (default: the one that is shipped)")
    trial.add_argument("-o", "--output", type=Path, metavar="FILE",
                       help=f"the workbook (default: {_NAME}.xlsx in this folder, or the next free name)")  # fmt: skip
    trial.add_argument("--no-workbook", action="store_true", help="write no file at all")
    trial.add_argument("--all", action="store_true", help="print every row, not only the first of each table")
    trial.add_argument("--json", action="store_true", help="as JSON; a workbook is written only with -o")


def _code(text: str) -> tuple[str, str]:
    from attendance_pipeline.law.register_codes import CODES

    local, _, code = text.rpartition("=")
    if not local or CODES.number(code) in (None, 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not LOCAL=CODE with a register code, as in ?=J1")
    return local, code


def _try(arguments: Arguments) -> int:
    output = _output(arguments)
    data, made = read_file(arguments.file)
    other = read_file(arguments.against) if arguments.against else None
    collecting = gc.isenabled()
    gc.disable()  # millions of cells, none of them in a cycle: looking for cycles would take half the time
    try:
        return _told(arguments, data, made, other[0] if other else None, output)
    finally:
        if collecting:
            gc.enable()


def _told(arguments: Arguments, data: bytes, made: dt.date, other: bytes | None, output: Path | None) -> int:
    from attendance_pipeline.law.policy import read_policy
    from attendance_pipeline.mis.formats import UnreadableFile
    from attendance_pipeline.trial import told
    from attendance_pipeline.trial.export import read_export

    most = None if arguments.all else told.ROWS
    if len(data) > _WORTH_A_WORD:
        print(f"reading {arguments.file} ({len(data) >> 20} MB)", file=sys.stderr, flush=True)
    policy = read_policy(arguments.policy) if arguments.policy else None
    try:
        export = read_export(arguments.file.name, data, made, dict(arguments.code))
        if not arguments.json:
            _print(told.how_it_was_read(export, most))
        from attendance_pipeline.trial.outcome import outcome_of, shipped_policy

        outcome = outcome_of(export, policy or shipped_policy(), arguments.blank, all_rules=policy is not None)
    except UnreadableFile as fault:
        raise _unreadable(arguments.file, fault) from None
    if not arguments.json:
        for block in (told.calendar(outcome), told.blanks(outcome, export), told.notices(outcome, most),
                      told.stages(outcome, most), told.absence(outcome, most)):  # fmt: skip
            _print(block)
    found = None
    if other is not None:
        from attendance_pipeline.trial.differences import compare
        from attendance_pipeline.trial.lists import read_list

        try:
            found = compare(outcome, read_list(arguments.against.name, other), arguments.list_of)
        except UnreadableFile as fault:
            raise _unreadable(arguments.against, fault) from None
        if not arguments.json:
            _print(told.differences(outcome, found, most))
    if output is not None:
        from attendance_pipeline.table_files import write_new
        from attendance_pipeline.trial.workbook import workbook

        written = write_new(output, workbook(export, outcome, found), numbered=arguments.output is None)
        if not arguments.json:
            _print(["", f"Every row, in full: {written}"])
    if arguments.json:
        from attendance_pipeline.trial.as_json import as_json

        print(json.dumps(as_json(export, outcome, found), indent=2, ensure_ascii=False))
    return DONE


def _print(lines: Iterable[str]) -> None:
    """Names come from a file: nothing in them may steer the terminal, and what it cannot show must not stop it."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        print(_CONTROL.sub("\ufffd", line).encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


def _unreadable(path: Path, fault: Exception) -> UsageError:
    line, column, rule = (getattr(fault, name) for name in ("line", "column", "rule"))
    where = f"line {line}" + (f", column {column!r}" if column else "")
    return UsageError(f"{path}: cannot be read: {where}: {rule}")


def _output(arguments: Arguments) -> Path | None:
    """Where the workbook goes; None for nowhere. Raises UsageError before any work is done."""
    output: Path | None = arguments.output
    if arguments.no_workbook:
        if output is not None:
            raise UsageError("-o and --no-workbook exclude each other")
        return None
    if output is None:
        if arguments.json:
            return None
        output = Path(f"{_NAME}.xlsx")
    elif output.suffix.lower() != ".xlsx":
        raise UsageError(f"{output}: a name that ends in .xlsx")
    elif output.exists() or output.is_symlink():
        raise UsageError(f"{output}: it is there already, and nothing is overwritten")
    if not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}")
    if not os.access(output.parent, os.W_OK | os.X_OK):
        raise UsageError(f"{output.parent.resolve()} cannot be written to: name a file with -o, or say --no-workbook")
    return output
