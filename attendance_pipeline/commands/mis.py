"""`mis ...`: looking at what a school's system exports."""

from __future__ import annotations

from pathlib import Path

from attendance_pipeline.commands.telling import DONE, Arguments, Commands, UsageError, read_file


def add(commands: Commands) -> None:
    mis = commands.family("mis", "look at what a school's system exports")
    words = "propose a column map and a code map for an export, as commented TOML; shows no pupil's values"
    suggest = mis.add("suggest", _mis_suggest, words)
    suggest.add_argument("file", type=Path, metavar="FILE", help="a CSV, XLSX, XML or JSON file")


def _mis_suggest(arguments: Arguments) -> int:
    from attendance_pipeline.mis.formats import UnreadableFile
    from attendance_pipeline.mis.suggest import suggest

    data, _ = read_file(arguments.file)
    try:
        print(suggest(arguments.file.name, data).text(), end="")
    except UnreadableFile as fault:
        where = f", column {fault.column!r}" if fault.column else ""
        raise UsageError(f"{arguments.file}: cannot be read: line {fault.line}{where}: {fault.rule}") from None
    return DONE
