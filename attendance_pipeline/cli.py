"""The `attendance` command: parses, calls, and says in safe words what went wrong. It decides nothing.

Belongs here: the order of the commands on the help page, and what an error becomes. Not here: a command
(`commands/`, one module each).

Exit codes: 0 done; 1 done, and something new needs a person; 2 wrong usage or settings, nothing was changed; 3 failed,
nothing half-done is left. Results go to the standard output, progress and errors to the standard error. An error names
a file, a step or a kind of failure, never a pupil.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from attendance_pipeline.advice import NO_MEMORY, OWN_WORDS, advice_on, place_of
from attendance_pipeline.commands import (
    backups,
    benchmarks,
    data_protection,
    demo,
    diff,
    explain,
    governors,
    impact,
    letters,
    mis,
    morning,
    nights,
    prune,
    reconcile,
    sample,
    settings,
    tables,
    tell,
    try_file,
    web,
    what_if,
)
from attendance_pipeline.commands.telling import DONE, FAILED, REFUSED, Commands, UsageError, at_home
from attendance_pipeline.law.settings_errors import SettingsError

FAMILIES = (
    *(demo, try_file, settings, nights, morning, explain, what_if, diff, governors, impact, reconcile, letters, tables),
    *(tell, benchmarks, sample, mis, data_protection, prune, backups, web),
)
TRACE_VARIABLE = "ATTENDANCE_TRACEBACK"
_STOPPED_WORDS = "stopped. Nothing half-done is left; the same command goes on from here"
# By name: its module is too heavy to import for every command. What Ctrl-C becomes within a run of Dagster.
_STOPPED = ("DagsterExecutionInterruptedError",)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Gives its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.call(arguments))
    except (SettingsError, UsageError) as refused:
        return _say_why(str(refused), REFUSED)
    except BrokenPipeError:
        # Whoever read the output has gone: nothing is wrong, and nothing must be written at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _say_why(_STOPPED_WORDS, FAILED)
    except Exception as error:
        return _say_why(_safe(error), FAILED)
    except BaseException as error:
        # What Dagster makes of Ctrl-C within a run is no Exception either.
        if type(error).__name__ not in _STOPPED:
            raise
        return _say_why(_STOPPED_WORDS, FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="attendance",
        description="From a school's daily attendance extracts to attendance, intervention stages and letters.",
        epilog="Exit codes: 0 done; 1 done, something new needs a person; 2 wrong usage or settings; 3 failed.",
        parents=[at_home()],
    )
    commands = Commands(parser)
    for family in FAMILIES:
        family.add(commands)
    return parser


def _safe(error: Exception) -> str:
    """What may be printed of a failure: our own words where we chose them, else only kind and place."""
    from attendance_pipeline.store.warehouse import WarehouseError

    if os.environ.get(TRACE_VARIABLE):
        traceback.print_exc()
    if isinstance(error, WarehouseError) or type(error).__name__ in OWN_WORDS:
        return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {advice_on(error.errno, str(error.filename or ''))}"
    if isinstance(error, MemoryError):
        return NO_MEMORY
    place = place_of(error)
    return (
        f"{type(error).__name__}{' in ' if place else ''}{place}. {TRACE_VARIABLE}=1 shows more, which may name pupils"
    )


def _say_why(text: str, code: int) -> int:
    print(f"attendance: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
