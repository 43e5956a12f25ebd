"""Removal from the drive, and looking through the whole home for what is left.

Belongs here: which files on the drive are the program's own (a manifest lists them), what becomes of one that names a
pupil, and the search that proves a removal. A table (CSV, XLSX) loses the pupil's rows; any other file goes, because
a page cannot be taken out of a letter file or a report and leave what was delivered. What people put there themselves
is told and left alone. Not here: whom it is about, and writing (`delivery.py`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from attendance_pipeline import delivery
from attendance_pipeline.mis.inbox import LARGEST, shown
from attendance_pipeline.mis.naming import Naming
from attendance_pipeline.mis.without_rows import without_rows
from attendance_pipeline.steps.readable import readable
from attendance_pipeline.steps.removal_plan import OfSchool, Plan
from attendance_pipeline.steps.site import Site

_TABLES = (".csv", ".xlsx")
JOURNAL = "removal-under-way.json"  # in the private state, while a removal is under way: whom it is about


@dataclass
class DriveDone:
    """Folders and files that were looked at; tables of which rows were taken out; files that were removed; rows; and
    whether a board named one of the pupils, and is to be made anew."""

    folders: int = 0
    looked_at: int = 0
    rewritten: int = 0
    removed: int = 0
    rows: int = 0
    boards: bool = False


def drive_without(site: Site, plan: Plan, so_far: DriveDone | None = None, *, write: bool) -> DriveDone:
    """Take the pupils out of everything that was delivered. Done again, it finds nothing more to do. `so_far`: what was
    done before it was cut off."""
    done = so_far or DriveDone()
    done.folders = done.looked_at = 0
    for one in plan.schools:
        naming, references = one.naming | one.elsewhere, set(one.references)
        for folder in _delivered(site.home.drive / one.school):
            done.folders += 1
            instead: dict[str, bytes | None] = {}
            for name in _listed(folder):
                path = folder / name
                if not path.is_file():
                    continue
                done.looked_at += 1
                changed, rows = _without(name, path, naming, references)
                if changed is _AS_IT_IS:
                    continue
                instead[name] = changed
                done.rows += rows
                done.rewritten += changed is not None
                done.removed += changed is None
            if instead:
                done.boards |= folder.name == "board"
                if write:
                    why = {"why": f"attendance prune --before {plan.before}"}
                    delivery.take_out(site.home.drive, folder, instead, why)
    return done


_AS_IT_IS = b""


def _without(name: str, path: Path, naming: Naming, references: Collection[str]) -> tuple[bytes | None, int]:
    if path.stem in references:
        return None, 0
    data = path.read_bytes()
    text = readable(name, data)
    mentioned = {r for r in references if r in text}
    if not mentioned and not naming.in_text(text) and not name.lower().endswith(_TABLES):
        return _AS_IT_IS, 0
    if name.lower().endswith(_TABLES):
        found = without_rows(name, data, frozenset(), frozenset(), naming.with_texts(mentioned))
        if not found.gone:
            return _AS_IT_IS, 0
        return found.data, len(found.gone)
    return None, 0


def _delivered(folder: Path) -> Iterator[Path]:
    """Every folder below that was delivered, with its manifest."""
    for here, folders, files in os.walk(folder):
        folders.sort()
        if delivery.MANIFEST in files:
            yield Path(here)


def _listed(folder: Path) -> list[str]:
    """The names of the files that a manifest lists; none where it is not one of ours."""
    try:
        files = json.loads((folder / delivery.MANIFEST).read_bytes())["files"]
        return [str(f["name"]) for f in files if "/" not in str(f["name"]) and "\\" not in str(f["name"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


# ---------------------------------------------------------------- looking through the home


@dataclass
class Left:
    """What a search of the home found. `looked_at`: files; `ours`: files of the program that name a pupil who was
    removed; `others`: kept files, or tables, in which somebody else's row names one; `theirs`: files that people made
    and that name one; `surnames`: files in which stands a surname that nobody else bears, which may be another word."""

    looked_at: int = 0
    ours: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)
    surnames: list[str] = field(default_factory=list)


def search(site: Site, plan: Plan, known: Collection[str] = ()) -> Left:
    """Look through every file of the home, and of the drive and the intervention logs where they lie elsewhere.

    `known`: SHA-256 of kept files in which somebody else's row names a pupil.
    """
    home, left, everybody = site.home, Left(), plan.naming
    of_school = {one.school: one for one in plan.schools}
    for path in _files(site):
        name = _name_of(site, path)
        if path == home.state / JOURNAL:
            continue
        left.looked_at += 1
        naming = _here(site, path, everybody, of_school)
        if _is_database(path):
            # In a row of its tables names stand apart; notes in rows of others are told by a look at the tables.
            naming = Naming(upns=naming.upns, emails=naming.emails)
        named = alone = naming.in_text(path.name)
        for text in _texts(path):
            named = named or naming.in_text(text)
            alone = alone or naming.surnames_in(text)
        if named and path.name in known:
            left.others.append(name)
        elif named:
            if naming.in_text(path.name):
                name = f"{os.path.dirname(name)}/(a file whose name names somebody)"
            (left.ours if _is_ours(site, path) else left.theirs).append(name)
        elif alone:
            left.surnames.append(name)
    return left


_PART, _OVERLAP = 32 << 20, 1 << 10


def _texts(path: Path) -> Iterator[str]:
    """What can be read in a file; of a large one that is no document part by part."""
    if not _is_database(path) and path.stat().st_size <= LARGEST:
        yield readable(path.name, path.read_bytes())
        return
    with path.open("rb") as handle:
        before = b""
        while part := handle.read(_PART):
            yield (before + part).decode("utf-8", "replace")
            before = part[-_OVERLAP:]


def _is_database(path: Path) -> bool:
    return path.name.endswith((".db", ".db-wal", ".db-shm", ".db-journal"))


def _here(site: Site, path: Path, everybody: Naming, of_school: dict[str, OfSchool]) -> Naming:
    """What may not stand in a file: whoever is held nowhere, and in a school's own folders whoever left that school."""
    for place in (site.home.drive, site.home.path / "inbox"):
        if path.is_relative_to(place):
            school = path.relative_to(place).parts[0]
            if school in of_school:
                return everybody | of_school[school].elsewhere
    return everybody


def _is_ours(site: Site, path: Path) -> bool:
    if path.is_relative_to(site.home.drive):
        return path.name in (delivery.MANIFEST, delivery.REMOVED) or path.name in _listed(path.parent)
    return path.is_relative_to(site.home.state)


def _files(site: Site) -> Iterator[Path]:
    places = [site.home.path]
    if not site.home.drive.is_relative_to(site.home.path):
        places.append(site.home.drive)
    seen: set[Path] = set()
    for place in places:
        for here, folders, files in os.walk(place):
            folders.sort()
            for name in sorted(files):
                path = Path(here) / name
                if path.is_file() and not path.is_symlink():
                    seen.add(path)
                    yield path
    for school in site.schools():
        log = school.intervention_log
        if log is not None and log.is_file() and log not in seen:
            yield log


def _name_of(site: Site, path: Path) -> str:
    for place in (site.home.path, site.home.drive):
        if path.is_relative_to(place):
            return shown(path.relative_to(place).as_posix())
    return shown(path.as_posix())
