"""The demonstration, run: a term at once, then last night as a night of its own.

Belongs here: the order of what is run on a demo home. Not here: inventing the school (`make.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attendance_pipeline.demo.make import DemoPlan, make_demo_home
from attendance_pipeline.home import Home, open_home
from attendance_pipeline.running import Outcome, run_backfill, run_nightly


def run_demo(folder: Path, pupils: int, schools: int, seed: int, say: Callable[[str], None]) -> tuple[Home, Outcome]:
    """Make a demo home, run its term in one run and then its last night. Gives the home and what the night made.

    Raises SettingsError when the folder is a home already.
    """
    say(f"Inventing {schools} school{'s' if schools > 1 else ''} of {pupils} pupils")
    plan = make_demo_home(folder, pupils=pupils, schools=schools, seed=seed)
    home = open_home(plan.home)
    with before_last_night(home, plan):
        run_backfill(home, *plan.term, as_recorded=False, say=say, command="demo")
    return home, run_nightly(home, plan.today, say, command="demo")


@contextmanager
def before_last_night(home: Home, plan: DemoPlan) -> Iterator[None]:
    """While it lasts, the extracts of the last day are not in the inboxes yet."""
    with tempfile.TemporaryDirectory(dir=home.state) as aside:
        moved = []
        for school in home.schools:
            for file in sorted(school.inbox.glob(f"*_{plan.today}*")):
                later = Path(aside) / f"{school.id} {file.name}"
                file.rename(later)
                moved.append((later, file))
        try:
            yield
        finally:
            for later, file in moved:
                later.rename(file)
