"""Functions that workers of an engine are given in tests: they have to be importable there.

Belongs here: functions of one argument, slow or failing on purpose.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attendance_pipeline.steps.school_pages import Asked, DayTable


def square(number: int) -> int:
    return number * number


def slow_square(number: int) -> int:
    time.sleep(0.1)
    return number * number


def slow_pages(asked: Asked) -> dict[DayTable, bytes]:
    """The pages of a school, so slowly that a worker can be killed meanwhile."""
    from attendance_pipeline.steps.school_pages import pages_of  # heavy, and the other functions do without

    time.sleep(0.1)
    return pages_of(asked)


def fails_with_a_name(name: str) -> int:
    """As careless code would: the error says whom it is about."""
    if name.startswith("Z"):
        raise ValueError(f"no class for {name}")
    return len(name)


def ends_its_process(number: int) -> int:
    """Number 3 is more than a process can bear."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def process_of(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()
