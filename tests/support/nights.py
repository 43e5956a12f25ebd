"""A home's nights, step after step without Dagster, and all that the home and its drive say afterwards.

What is said is compared by digests: how many rows, and a hash of them. An assertion that fails shows those, never a
pupil.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from attendance_pipeline.delivery import MANIFEST
from attendance_pipeline.derive.tables import TABLES as DERIVED
from attendance_pipeline.mis.inbox import kind_and_day
from attendance_pipeline.mis.load import LoadResult
from attendance_pipeline.register.roll import (
    current_classes,
    current_contacts,
    current_interventions,
    current_notifications,
    current_pupils,
)
from attendance_pipeline.steps import deliver
from attendance_pipeline.steps.check import check_register
from attendance_pipeline.steps.classes import class_lists, pastoral_packs
from attendance_pipeline.steps.data_quality import data_quality
from attendance_pipeline.steps.export import TABLES, Period, export
from attendance_pipeline.steps.impact import impact
from attendance_pipeline.steps.incentives import prize_pots, raffles
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.monitoring import monitoring
from attendance_pipeline.steps.plan import (
    class_lists_due,
    governor_reports_due,
    monitoring_due,
    pastoral_packs_due,
    prize_pots_due,
    raffles_due,
)
from attendance_pipeline.steps.propose import Proposed, propose
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.steps.worklists import worklists
from attendance_pipeline.table_files import write_csv

# What is made when so many school weeks have ended: when it is due, and making it.
OF_SCHOOL_WEEKS = (
    (class_lists_due, class_lists),
    (monitoring_due, monitoring),
    (pastoral_packs_due, pastoral_packs),
    (raffles_due, raffles),
    (prize_pots_due, prize_pots),
)
LAST_CHANGED = 1_700_000_000  # long ago: nobody is writing these files any more


@dataclass(frozen=True)
class Night:
    """What one night did: extracts loaded, days derived, letters, and folders that were not on the drive before."""

    loaded: LoadResult
    days: list[dt.date]
    proposed: Proposed
    folders: list[str]


def load(home: Path) -> LoadResult:
    """Take in the inbox of a home with one school."""
    with open_site(home) as site:
        return take_in(site, settle_seconds=0)[0]


def derive(home: Path, upto: dt.date) -> list[dt.date]:
    """Derive what is due up to a day. Gives those days."""
    with open_site(home) as site:
        days = due_days(site, upto)
        restate(site, days, DERIVED)
        return days


def decide(home: Path) -> Proposed:
    """Check the newest days and propose letters, in a home with one school."""
    with open_site(home) as site:
        check_register(site)
        return propose(site)[0]


def night(home: Path, upto: dt.date) -> Night:
    """A whole night of a home with one school: what `attendance nightly` does, in its order."""
    before = set(folders(home))
    loaded, days, proposed = load(home), derive(home, upto), decide(home)
    with open_site(home) as site:
        deliver.letters(site, "a run")
        worklists(site, "a run")
        impact(site, "a run")
        data_quality(site, "a run")
        for is_due, make in OF_SCHOOL_WEEKS:
            if is_due(site):
                make(site, "a run")
        for key in governor_reports_due(site):
            deliver.governors(site, key, "a run")
    return Night(loaded, days, proposed, sorted(set(folders(home)) - before))


# ---------------------------------------------------------------- extracts


def school_inbox(home: Path) -> Path:
    """The inbox of a home with one school."""
    (inbox,) = (home / "inbox").iterdir()
    return inbox


def recorded_on(file: Path) -> dt.date:
    """The day an extract was made, by its name."""
    found = kind_and_day(file.name)
    assert found is not None
    return found[1]


def drop(home: Path, name: str, data: bytes) -> None:
    """Put a file into the inbox, as one that nobody is writing any more."""
    file = school_inbox(home) / name
    file.write_bytes(data)
    os.utime(file, (LAST_CHANGED, LAST_CHANGED))


# ---------------------------------------------------------------- what a home says


def tables(home: Path) -> dict[str, pd.DataFrame]:
    """Every table of `attendance export`, over all schools of the home."""
    with open_site(home) as site:
        return {name: table(site, name) for name in TABLES}


def table(site: Site, name: str, since: dt.date | None = None) -> pd.DataFrame:
    """One table of `attendance export` since a day, over all schools."""
    return pd.concat(list(export(site, name, site.schools(), Period(first=since))), ignore_index=True)


def roll(site: Site) -> dict[str, pd.DataFrame]:
    """What a home with one school says of its pupils, contacts, classes and interventions."""
    reads = (current_pupils, current_contacts, current_classes, current_interventions)
    (school,) = site.schools()
    with site.warehouse.read() as conn:
        return {read.__name__: read(conn, school.id).drop(columns="person_id", errors="ignore") for read in reads}


def notifications_of(site: Site) -> pd.DataFrame:
    """The parents' forms that a home with one school knows of."""
    (school,) = site.schools()
    with site.warehouse.read() as conn:
        return current_notifications(conn, school.id).drop(columns="person_id", errors="ignore")


def digest(frame: pd.DataFrame) -> str:
    """How many rows a table has, and a hash of the file that an export writes of it."""
    text = io.StringIO()
    write_csv([frame], text)
    return f"{len(frame)} rows {hashlib.sha256(text.getvalue().encode()).hexdigest()[:16]}"


def digests(said: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """The digest of every table but letters: those depend on when they were decided."""
    return {name: digest(frame) for name, frame in said.items() if name != "letters"}


def letters_digest(said: Mapping[str, pd.DataFrame]) -> str:
    """The digest of the letters without their references, which every home makes with a key of its own."""
    letters = said["letters"].drop(columns="reference")
    return digest(letters.sort_values(letters.columns.tolist(), ignore_index=True))


# ---------------------------------------------------------------- what is on the drive


def folders(home: Path) -> list[str]:
    """Every delivery folder that people see on the drive, by its path."""
    drive = home / "outbox"
    found = [file.parent.relative_to(drive) for file in drive.rglob(MANIFEST)]
    return sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))


def hidden(home: Path) -> list[str]:
    """What lies on the drive under a hidden name."""
    drive = home / "outbox"
    return sorted(path.relative_to(drive).as_posix() for path in drive.rglob(".*"))


def drive(home: Path) -> dict[str, str]:
    """Every file on the drive and its SHA-256; of a manifest without what says which run made it."""
    root = home / "outbox"
    return {path.relative_to(root).as_posix(): _sha256(path) for path in sorted(root.rglob("*")) if path.is_file()}


def _sha256(path: Path) -> str:
    data = path.read_bytes()
    if path.name == MANIFEST:
        data = json.dumps({k: v for k, v in json.loads(data).items() if k != "run"}).encode()
    return hashlib.sha256(data).hexdigest()
