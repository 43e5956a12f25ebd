"""Whether the database still holds what this home has loaded: an older copy in its place would send letters again.

Belongs here: remembering, beside the database, until when extracts were loaded, and refusing a database that knows
less. Not here: making and restoring backups (`backup.py`); which letters of a home that was set back as a whole lie on
the drive already (`printed.py`).
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path

from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.extracts import loaded_until
from attendance_pipeline.store.warehouse import WarehouseError
from attendance_pipeline.whole_files import write_whole

FILE = "loaded-until"


def refuse_set_back(site: Site) -> None:
    """Raises WarehouseError for a database that knows nothing of the latest extracts which this home has loaded.

    A home that has loaded none yet, and one of before this was remembered, may have any.
    """
    path = _path(site)
    known = _remembered(path)
    if known is None:
        return
    with site.warehouse.read() as conn:
        there = loaded_until(conn)
    if there is not None and there >= known:
        return
    holds = "no extract at all" if there is None else f"extracts until {_moment(there)}"
    raise WarehouseError(
        f"the warehouse holds {holds}, but this home has loaded some on {_moment(known)}: an older copy, or another "
        "database, has taken its place. Going on with it would give wrong figures, and letters for the second time. "
        "Put the right one back, best the whole home (attendance restore). If it is meant to be this one: drop the "
        f"extracts made since into the inbox again, remove {path}, then run again. Nothing was changed"
    )


def remember_loaded(site: Site) -> None:
    """Remember until when the database has loaded extracts. To be called once they are loaded."""
    with site.warehouse.read() as conn:
        there = loaded_until(conn)
    path = _path(site)
    if there is not None and there != _remembered(path):
        write_whole(path, f"{there.isoformat()}\n".encode())


def _path(site: Site) -> Path:
    return site.home.state / FILE


def _remembered(path: Path) -> dt.datetime | None:
    """In UTC, as the warehouse has it; None where nothing was remembered or it cannot be read."""
    with suppress(OSError, ValueError):
        return dt.datetime.fromisoformat(path.read_text(encoding="utf-8").strip())
    return None


def _moment(at: dt.datetime) -> str:
    return f"{at.day} {at:%B %Y, %H:%M} UTC"
