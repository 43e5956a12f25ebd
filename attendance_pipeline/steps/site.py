"""A home that is open for work: its settings, its warehouse, and what was read from it once in a run.

Belongs here: opening, and the short memory that saves a run from deriving the same thing three times. Not here: any
step.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sized
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from attendance_pipeline.engine import Engine, engine_of
from attendance_pipeline.home import Home, School, open_home
from attendance_pipeline.store.extracts import extracts_version, list_extracts, schools_held
from attendance_pipeline.store.troubles import Trouble
from attendance_pipeline.store.warehouse import Warehouse, WarehouseError, open_warehouse

T = TypeVar("T")
Day = dt.date
# How much is remembered: inputs, derivations and what follows, each counted by its pupils. Eight things of each of some
# five primary schools; a term "as recorded", or a trust of hundreds of schools, would otherwise fill the memory.
_REMEMBERED_PUPILS = 20_000
_LEAST = 50  # what has few pupils, or none, takes room too


@dataclass
class Site:
    """An open home. Use as a context manager, or call `close`.

    `run`: Dagster's id of the run that opened it, "" for none. `noted`, `held_by`: what went wrong with single schools
    while it was open, and what of before made a step pass one over, by number (`troubles.py`).
    """

    home: Home
    run: str = ""
    noted: dict[int, Trouble] = field(default_factory=dict, repr=False)
    held_by: dict[int, Trouble] = field(default_factory=dict, repr=False)
    _memory: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _weights: dict[Hashable, int] = field(default_factory=dict, repr=False)

    @cached_property
    def warehouse(self) -> Warehouse:
        return open_warehouse(self.home.database_url)

    @cached_property
    def engine(self) -> Engine:
        """Where work over schools is done. Nothing is started before there is work."""
        work = self.home.settings.work
        return engine_of(work.engine, work.workers, work.scheduler)

    def schools(self, school_id: str | None = None) -> tuple[School, ...]:
        """One school, or all. Raises SettingsError for an id that the settings do not name."""
        return self.home.schools if school_id is None else (self.home.school(school_id),)

    def register_version(self, school: School) -> str:
        """A hash of the extracts that are loaded for a school."""
        with self.warehouse.read() as conn:
            return extracts_version(conn, school.id)

    def register_as_at(self, school: School) -> str:
        """For people: the recorded date of the newest extract that is loaded, and the beginning of the hash of all."""
        with self.warehouse.read() as conn:
            newest = max((e.key.recorded_on for e in list_extracts(conn, school.id)), default=None)
        return f"{newest or 'nothing loaded'} (extracts {self.register_version(school)[:16]})"

    def remember(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gave the last time it was asked for under this key. Keys hold the register version."""
        if key not in self._memory:
            made = make()
            self._weights[key] = _pupils_of(made)
            while self._memory and sum(self._weights.values()) > _REMEMBERED_PUPILS:
                oldest = next(iter(self._memory))
                del self._memory[oldest], self._weights[oldest]
            self._memory[key] = made
        return self._memory[key]

    def close(self) -> None:
        if "engine" in self.__dict__:
            self.engine.close()
        if "warehouse" in self.__dict__:
            self.warehouse.close()

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _pupils_of(made: Any) -> int:
    """How many pupils something remembered is about, more or less."""
    parts = (made, getattr(made, "inputs", ()), getattr(made, "pupils", ()))
    return max(_LEAST, *(len(part) for part in parts if isinstance(part, Sized)))


def schools_left_out(home: Home) -> list[str]:
    """Ids of schools whose data the warehouse holds though the settings do not name them, or no more. Makes and
    upgrades nothing; a database that cannot be asked names none, for whoever needs it says why."""
    warehouse = Warehouse(home.database_url)
    if warehouse.dialect == "sqlite" and not Path(warehouse.url.database or "").is_file():
        return []
    try:
        with warehouse.read() as conn:
            return sorted(schools_held(conn) - set(home.school_ids))
    except WarehouseError:
        return []
    finally:
        warehouse.close()


def open_site(path: Path | str) -> Site:
    """Open a home. Raises SettingsErrors when anything in its settings is wrong."""
    return Site(open_home(path))
