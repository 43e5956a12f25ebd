"""What the commands share: exit codes, a usage error, days as arguments, and telling progress.

Belongs here: small things that two commands need in order to be told something or to say something. Not here: work.
"""

from __future__ import annotations

import argparse
import datetime as dt
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attendance_pipeline.home import HOME_VARIABLE, SETTINGS_FILE, find_home

if TYPE_CHECKING:  # a command that runs nothing must not wait for Dagster
    from attendance_pipeline.home import Home
    from attendance_pipeline.running import Outcome

DONE, NEEDS_A_PERSON, REFUSED, FAILED = 0, 1, 2, 3
Arguments = argparse.Namespace


class UsageError(ValueError):
    """The command was asked for something that cannot be; the message says what can."""


class Commands:
    """The commands of one level of a parser: `attendance ...`, or `attendance mis ...`."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(self, name: str, call: Callable[[Arguments], int], words: str) -> argparse.ArgumentParser:
        """A command: its name, what it calls (giving the exit code), and the line of help."""
        made = self._parsers.add_parser(name, help=words, description=words, parents=[at_home()])
        made.set_defaults(call=call)
        return made

    def family(self, name: str, words: str) -> Commands:
        """Commands below a common word."""
        return Commands(self._parsers.add_parser(name, help=words, description=words, parents=[at_home()]))


def at_home() -> argparse.ArgumentParser:
    """`--home HOME`, which is accepted before and after the command's name."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--home", default=argparse.SUPPRESS, metavar="HOME", help=f"the home (else ${HOME_VARIABLE}, else this folder)"
    )
    return parser


def exit_code(outcome: Outcome) -> int:
    """Of a command that ran something: 3 also where only single schools failed and the others are done."""
    if outcome.troubles:
        return FAILED
    return NEEDS_A_PERSON if outcome.needs_a_person else DONE


def home_of(arguments: Arguments) -> Path:
    """The folder of the home that a command is for. Raises SettingsError when there is none."""
    return find_home(getattr(arguments, "home", None))


def day(text: str) -> dt.date:
    """A date as an argument: argparse shows the message of the error."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date as in 2026-02-13") from None


def today() -> dt.date:
    """The day it is on this machine."""
    return dt.datetime.now().astimezone().date()


def in_order(arguments: Arguments) -> None:
    """Raise UsageError when --from (`first`) is after --to (`last`)."""
    if arguments.first and arguments.last and arguments.first > arguments.last:
        raise UsageError(f"--from {arguments.first} is after --to {arguments.last}")


def not_asked(home: Home) -> str:
    """Words on schools that the settings name no more while their data is still held: "" when there are none."""
    from attendance_pipeline.steps.site import schools_left_out

    if not (left_out := schools_left_out(home)):
        return ""
    return (
        f"not looked at: {', '.join(left_out)}. The warehouse still holds their data, and {SETTINGS_FILE} does not "
        "name them: name them there again, then ask again"
    )


def read_file(path: Path) -> tuple[bytes, dt.date]:
    """The bytes of an export and the day it was last changed: no larger one than an inbox takes. Raises UsageError."""
    from attendance_pipeline.mis.inbox import LARGEST, TOO_LARGE

    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would wait for ever
            raise UsageError(f"{path}: not an ordinary file")
        if found.st_size > LARGEST:
            raise UsageError(f"{path}: {TOO_LARGE}")
        return path.read_bytes(), dt.datetime.fromtimestamp(found.st_mtime, dt.UTC).astimezone().date()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def say_progress() -> Callable[[str], None]:
    """A function that tells progress on the standard error, with the seconds since now."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)

    return say
