"""The steps of a night, each by itself: what a process that may be killed at any write of one of them runs.

In the order of a night; each does what its asset does, over a home with one school and with nothing of Dagster.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from last_night import TODAY
from nights import DERIVED

from attendance_pipeline.home import open_home
from attendance_pipeline.one_at_a_time import alone
from attendance_pipeline.steps import deliver
from attendance_pipeline.steps.board import boards
from attendance_pipeline.steps.check import check_register
from attendance_pipeline.steps.classes import class_lists
from attendance_pipeline.steps.impact import impact
from attendance_pipeline.steps.incentives import raffles
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.plan import newest_day
from attendance_pipeline.steps.propose import propose
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.steps.worklists import worklists

RUN = "a run"


def _decide(site: Site) -> None:
    check_register(site)
    propose(site)


STEPS: dict[str, Callable[[Site], object]] = {
    "take in": lambda site: take_in(site, settle_seconds=0),
    "derive": lambda site: restate(site, due_days(site, newest_day(site) or TODAY), DERIVED),
    "propose": _decide,
    "letters": lambda site: deliver.letters(site, RUN),
    "worklists": lambda site: worklists(site, RUN),
    "board": lambda site: boards(site, RUN),
    "class lists": lambda site: class_lists(site, RUN),
    "raffle": lambda site: raffles(site, RUN),
    "impact": lambda site: impact(site, RUN),
}


def run_step(home: Path, name: str) -> int:
    """Run one step of a home, as the only run of it. Gives 0."""
    with alone(open_home(home), name), open_site(home) as site:
        STEPS[name](site)
    return 0
