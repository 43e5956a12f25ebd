"""The `attendance` command: parses, calls, prints. It decides nothing.

Exit codes: 0 done; 1 done, and something new needs a person; 2 wrong usage or settings, nothing was changed; 3 failed,
nothing half-done is left. Results go to the standard output, progress and errors to the standard error. An error names
a file, a step or a kind of failure, never a pupil.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attendance_pipeline.home import HOME_VARIABLE, Home, find_home, init_home, open_home
from attendance_pipeline.law.settings_errors import SettingsError

DONE, NEEDS_A_PERSON, REFUSED, FAILED = 0, 1, 2, 3
TRACE_VARIABLE = "ATTENDANCE_TRACEBACK"
LAST_PORT = 65_535
Arguments = argparse.Namespace


class UsageError(ValueError):
    """The command was asked for something that cannot be; the message says what can."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Gives its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.call(arguments)
    except (SettingsError, UsageError) as refused:
        return _say_why(str(refused), REFUSED)
    except BrokenPipeError:
        # Whoever read the output has gone: nothing is wrong, and nothing must be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _say_why("stopped. Nothing half-done is left; the same command goes on from here", FAILED)
    except Exception as error:
        return _say_why(_safe(error), FAILED)


def _safe(error: Exception) -> str:
    """What may be printed of a failure: our own words where we chose them, else only kind and place."""
    from attendance_pipeline.store.warehouse import WarehouseError

    if os.environ.get(TRACE_VARIABLE):
        traceback.print_exc()
    if isinstance(error, WarehouseError) or type(error).__name__ in ("RunFailed", "TemplateError"):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename or ''}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}. {TRACE_VARIABLE}=1 shows more, which may name pupils"


def _say_why(text: str, code: int) -> int:
    print(f"attendance: {text}", file=sys.stderr)
    return code


# ---------------------------------------------------------------- what can be said


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date as in 2026-02-13") from None


def _parser() -> argparse.ArgumentParser:
    at_home = argparse.ArgumentParser(add_help=False)
    at_home.add_argument(
        "--home", default=argparse.SUPPRESS, metavar="HOME", help=f"the home (else ${HOME_VARIABLE}, else this folder)"
    )
    parser = argparse.ArgumentParser(
        prog="attendance",
        description="From a school's daily attendance extracts to attendance, intervention stages and letters.",
        epilog="Exit codes: 0 done; 1 done, something new needs a person; 2 wrong usage or settings; 3 failed.",
        parents=[at_home],
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, call: Callable[[Arguments], int], words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words, parents=[at_home])
        made.set_defaults(call=call)
        return made

    demo = command("demo", _demo, "make a home with an invented school, run a term and last night, and deliver")
    demo.add_argument("dir", nargs="?", metavar="DIR", help="a new folder (default: attendance-demo)")
    demo.add_argument("--pupils", type=int, default=420, metavar="N", help="pupils in each school (default 420)")
    demo.add_argument("--schools", type=int, default=1, metavar="N", help="schools (default 1)")
    demo.add_argument("--seed", type=int, default=1, metavar="S", help="another seed invents another school")

    init = command("init", _init, "make an empty home with commented settings")
    init.add_argument("dir", metavar="DIR")

    check = command("check", _check, "read every setting and template and say what is wrong; changes nothing")
    check.add_argument("--json", action="store_true", help="as JSON")

    nightly = command("nightly", _nightly, "take in the inbox, then do everything that is due")
    nightly.add_argument("--date", type=_day, metavar="D", help="up to this day (default: the latest with marks)")

    backfill = command("backfill", _backfill, "derive a range of days again from the kept extracts, in one run")
    backfill.add_argument("--from", dest="first", type=_day, required=True, metavar="D")
    backfill.add_argument("--to", dest="last", type=_day, required=True, metavar="D")
    backfill.add_argument("--as-recorded", action="store_true", help="each day from what was known on it")

    export = command("export", _export, "write a table as CSV or Parquet")
    export.add_argument("table", metavar="TABLE", help="register, amendments, quarantine, measures, groups, stages, "
                        "stage_events, penalty_notices, letters or tasks")  # fmt: skip
    export.add_argument("--school", metavar="S", help="one school (default: all)")
    export.add_argument("--from", dest="first", type=_day, metavar="D")
    export.add_argument("--to", dest="last", type=_day, metavar="D")
    export.add_argument("--as-at", type=_day, metavar="D", help="as it stood at the end of that day")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="*.csv or *.parquet (default: CSV to print)")

    words = "look at what a school's system exports"
    mis = commands.add_parser("mis", help=words, description=words)
    looks = mis.add_subparsers(required=True, metavar="COMMAND")
    words = "propose a column map and a code map for an export, as commented TOML; shows no pupil's values"
    suggest = looks.add_parser("suggest", help=words, description=words, parents=[at_home])
    suggest.set_defaults(call=_mis_suggest)
    suggest.add_argument("file", type=Path, metavar="FILE", help="a CSV, XLSX, XML or JSON file")

    ui = command("ui", _ui, "Dagster's web page and daemon for this home")
    ui.add_argument("--port", type=int, default=3000, metavar="P", help="on this machine alone (default 3000)")
    return parser


def _home_of(arguments: Arguments) -> Path:
    return find_home(getattr(arguments, "home", None))


def _say_progress() -> Callable[[str], None]:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    return say


# ---------------------------------------------------------------- commands


def _init(arguments: Arguments) -> int:
    home = init_home(arguments.dir)
    print(f"Made {home}. Next: edit attendance.toml and calendars/, then run `attendance check --home {home}`.")
    return DONE


def _check(arguments: Arguments) -> int:
    from attendance_pipeline.home_check import Finding, check_home
    from attendance_pipeline.letters.templates import check_templates

    def templates(home: Home) -> Iterator[Finding]:
        for problem in check_templates(home.letter_templates):
            key = f"line {problem.line}" if problem.line else "template"
            yield Finding("error", problem.file, key, problem.message)

    found = check_home(_home_of(arguments), dt.datetime.now().astimezone().date(), [templates])
    errors = sum(f.severity == "error" for f in found)
    if arguments.json:
        rows = [{"severity": f.severity, "file": str(f.file), "key": f.key, "message": f.message} for f in found]
        print(json.dumps(rows, indent=2))
    else:
        for finding in found:
            print(finding)
        warnings = sum(f.severity == "warning" for f in found)
        print(f"{errors} errors, {warnings} warnings." if errors or warnings else "Everything is in order.")
    return REFUSED if errors else DONE


def _nightly(arguments: Arguments) -> int:
    home = open_home(_home_of(arguments))
    from attendance_pipeline.running import run_nightly
    from attendance_pipeline.said import said

    outcome = run_nightly(home, arguments.date, _say_progress())
    print(said(home, outcome))
    return NEEDS_A_PERSON if outcome.needs_a_person else DONE


def _backfill(arguments: Arguments) -> int:
    home = open_home(_home_of(arguments))
    _in_order(arguments)
    if not any(arguments.first <= d <= arguments.last for s in home.schools for d in s.calendar.days.tolist()):
        raise UsageError(f"no school has a school day from {arguments.first} to {arguments.last}")
    from attendance_pipeline.running import run_backfill
    from attendance_pipeline.said import said

    outcome = run_backfill(home, arguments.first, arguments.last, arguments.as_recorded, _say_progress())
    print(said(home, outcome))
    return NEEDS_A_PERSON if outcome.needs_a_person else DONE


def _in_order(arguments: Arguments) -> None:
    if arguments.first and arguments.last and arguments.first > arguments.last:
        raise UsageError(f"--from {arguments.first} is after --to {arguments.last}")


def _export(arguments: Arguments) -> int:
    home = open_home(_home_of(arguments))
    from attendance_pipeline.steps.export import TABLES, WITHOUT_AS_AT, Period, export
    from attendance_pipeline.steps.site import Site
    from attendance_pipeline.table_files import ENDINGS, write_table

    table, output = arguments.table, arguments.output
    if table not in TABLES:
        raise UsageError(f"there is no table {table!r}; there are {', '.join(TABLES)}")
    if arguments.as_at is not None and table in WITHOUT_AS_AT:
        raise UsageError(f"{table} cannot be had as at a day")
    if output is not None and output.suffix not in ENDINGS:
        raise UsageError(f"{output}: a name that ends in {' or '.join(ENDINGS)}")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}")
    _in_order(arguments)
    schools = home.schools if arguments.school is None else (home.school(arguments.school),)
    with Site(home) as site:
        site.warehouse.upgrade()
        period = Period(arguments.first, arguments.last, arguments.as_at)
        frames = export(site, table, schools, period, trust=arguments.school is None)
        write_table(frames, output)
    return DONE


def _mis_suggest(arguments: Arguments) -> int:
    from attendance_pipeline.mis.formats import UnreadableFile
    from attendance_pipeline.mis.suggest import suggest

    try:
        print(suggest(arguments.file.name, arguments.file.read_bytes()).text(), end="")
    except UnreadableFile as fault:
        where = f", column {fault.column!r}" if fault.column else ""
        raise UsageError(f"{arguments.file}: cannot be read: line {fault.line}{where}: {fault.rule}") from None
    except OSError as error:
        raise UsageError(f"{arguments.file}: {error.strerror}") from None
    return DONE


def _demo(arguments: Arguments) -> int:
    from attendance_pipeline.demo.run import run_demo
    from attendance_pipeline.said import said_of_demo

    say = _say_progress()
    if arguments.pupils < 30 or arguments.schools < 1 or arguments.seed < 0:
        raise UsageError("at least 30 pupils, one school and a seed of 0 or more")
    folder = Path(arguments.dir) if arguments.dir else _unused("attendance-demo")
    home, outcome = run_demo(folder, arguments.pupils, arguments.schools, arguments.seed, say)
    print(said_of_demo(home, outcome))
    return DONE


def _unused(name: str) -> Path:
    """A folder in the current one that does not exist yet: the name, or with -2, -3 ... after it."""
    folder, number = Path(name), 1
    while folder.exists():
        number += 1
        folder = Path(f"{name}-{number}")
    return folder


def _ui(arguments: Arguments) -> int:
    home = open_home(_home_of(arguments))
    if not 0 < arguments.port <= LAST_PORT:
        raise UsageError(f"a port is a number from 1 to {LAST_PORT}, not {arguments.port}")
    from attendance_pipeline.serving import serve

    return serve(home, arguments.port)


if __name__ == "__main__":
    sys.exit(main())
