"""The pages of one school, made by one function wherever it runs: here, in another process, on another machine.

Belongs here: what such a function has to be given, reading it here or there, and leaving out what it does not need. Not
here: which days are asked for, what is kept (`restate.py`), and the engine (`engine.py`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.home import School, database_at
from attendance_pipeline.steps.inputs import read_inputs, school_inputs
from attendance_pipeline.steps.pages import to_page
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.warehouse import Warehouse

DayTable = tuple[int, str]


@dataclass(frozen=True)
class Asked:
    """Pages of some days (numbers, in order) of a school. `source`: its inputs, or the database's address without a
    password where they are read by whoever makes the pages. `kept`: digests of the pages that are stored; `stand`:
    those of them that stay whatever would come out now."""

    school: School
    days: Sequence[int]
    tables: Sequence[str]
    as_at: dt.date | None = None
    source: SchoolInputs | str | None = None
    kept: Mapping[DayTable, bytes] = field(default_factory=dict)
    stand: frozenset[DayTable] = frozenset()


def pages_of(asked: Asked) -> dict[DayTable, bytes]:
    """Every page that is asked for."""
    whole = derive_school(_inputs(asked), asked.days[0], asked.days[-1])
    return {(day, table): to_page(whole, table, day) for day in asked.days for table in asked.tables}


def first_other(asked: Asked) -> int | None:
    """The first day of which a page is another than the one that is kept; None when all are as they are kept."""
    if not asked.days:
        return None
    whole = derive_school(_inputs(asked), asked.days[0], asked.days[-1])
    for day in asked.days:
        tables = [table for table in asked.tables if (day, table) not in asked.stand]
        if any(digest(to_page(whole, table, day)) != asked.kept.get((day, table)) for table in tables):
            return day
    return None


def digest(page: bytes) -> bytes:
    """By which two pages are compared without sending one of them."""
    return hashlib.blake2b(page, digest_size=16).digest()


def prepared(site: Site) -> Callable[[Asked], Asked]:
    """What puts the source into what is asked, as the home's engine needs it.

    Reading a school costs a quarter of making a year of its pages, and far more than making one day (docs/scale.md), so
    processes of this machine read for themselves. Workers of a cluster do where the settings say that they may; else
    the arrays are sent to them, without UPNs and contacts, which no page holds.
    """
    if not site.engine.elsewhere:
        return lambda asked: replace(asked, source=school_inputs(site, asked.school, asked.as_at))
    if not site.engine.remote or site.home.settings.work.workers_read:
        return lambda asked: replace(asked, source=site.home.database_address)

    def sent(asked: Asked) -> Asked:
        inputs = read_inputs(site.warehouse, asked.school, asked.as_at)
        # Of the school the function needs what the inputs hold already.
        return replace(asked, school=_nameless(asked.school), source=_without_names(inputs))

    return sent


def _inputs(asked: Asked) -> SchoolInputs:
    if isinstance(asked.source, SchoolInputs):
        return asked.source
    if asked.source is None:
        raise ValueError("what is asked has no source: `prepared` puts it there")
    warehouse = _warehouse(asked.source)
    try:
        return read_inputs(warehouse, asked.school, asked.as_at)
    finally:
        warehouse.close()


@lru_cache(maxsize=2)
def _warehouse(address: str) -> Warehouse:
    """The same from school to school, since it remembers its statements, which take longer to make than a small school
    to read. Its connections are closed in between."""
    return Warehouse(database_at(address))


def _nameless(school: School) -> School:
    return replace(school, letterhead=None, owners=type(school.owners)())


def _without_names(inputs: SchoolInputs) -> SchoolInputs:
    nothing = np.full(len(inputs), "", dtype=object)
    pupils = replace(inputs.pupils, upn=nothing)
    log = replace(inputs.log, contact_id=np.full(len(inputs.log), "", dtype=object))
    return replace(inputs, pupils=pupils, log=log)
