"""Removal from kept files: each rewritten in its place without the rows of the pupils, with a tombstone beside it.

Belongs here: which lines of which file are whose, as the warehouse knows it, and writing what is left. Not here: what a
row of a format is (`mis/without_rows.py`); tables and the drive. A kept file stays under the SHA-256 of the bytes that
were received, as one does whose comments are not kept; other pupils' lines keep their numbers, so that a mark's file
and line lead where they led.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection

from attendance_pipeline.mis.inbox import keep_instead, kept_path, shown
from attendance_pipeline.mis.naming import Naming
from attendance_pipeline.mis.without_rows import Without, without_rows
from attendance_pipeline.register.lessons import lines_by_person
from attendance_pipeline.register.statements import DayMarks, unpack_lines, unpack_marks
from attendance_pipeline.steps.removal_plan import OfSchool, Plan
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.extracts import read_marks_pages, read_statements
from attendance_pipeline.store.removal import lines_of_extract, put_removed_file, records_about, shas_of

_TOGETHER = 25  # extracts of which all lines are held at once


@dataclass
class FilesDone:
    """Kept files that were looked at, rewritten, and removed because nothing of them could be kept; rows taken out;
    by SHA-256 name and lines of files in which somebody else's row names one of the pupils; and kept files that are not
    there."""

    looked_at: int = 0
    rewritten: int = 0
    removed: int = 0
    rows: int = 0
    named_by_others: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    missing: int = 0


def records_of_pupils(conn: Connection, one: OfSchool) -> set[int]:
    """The numbers of a school's records about the pupils, also of forms that name one without a UPN."""
    names, naming = set(one.names), one.naming | one.elsewhere
    out = set()
    for number, kind, data in records_about(conn, one.school):
        upn = data.get("upn")
        nameless = kind == "notifications" and not upn and naming.in_text(str(data.get("pupil_name") or ""))
        if upn in names or nameless:
            out.add(number)
    return out


def files_without(site: Site, plan: Plan, so_far: FilesDone | None = None, *, write: bool) -> FilesDone:
    """Take the pupils' rows out of every kept file. Done again, it finds nothing more to do. `so_far`: what was done
    before it was cut off."""
    done = so_far or FilesDone()
    done.looked_at = done.missing = 0
    holders: dict[str, list[tuple[str, int | None, str]]] = defaultdict(list)
    with site.warehouse.read() as conn:
        for school in site.schools():
            for sha, files in shas_of(conn, school.id).items():
                holders[sha] += [(school.id, number, name) for number, name in files]
    by_school = {one.school: one for one in plan.schools}
    touched = {sha: held for sha, held in holders.items() if any(s in by_school for s, _, _ in held)}
    for sha, (name, lines, others, naming) in _lines(site, touched, by_school):
        path = kept_path(site.home.kept, sha)
        if not path.is_file():
            done.missing += 1
            continue
        done.looked_at += 1
        found = without_rows(name, path.read_bytes(), lines, others, naming)
        if found.left:
            done.named_by_others[sha] = (shown(name), found.left)
        if found.gone:
            done.rows += len(found.gone)
            done.rewritten += found.data is not None
            done.removed += found.data is None
            if write:
                _write(site, plan, sha, found)
    return done


def _write(site: Site, plan: Plan, sha: str, found: Without) -> None:
    new = "" if found.data is None else hashlib.sha256(found.data).hexdigest()
    with site.warehouse.begin() as conn:
        count = put_removed_file(conn, sha, new, plan.before, found.gone)
    told = {
        "received_sha256": sha,
        "kept_sha256": new,
        "rows_taken_out": count,
        "why": f"attendance prune --before {plan.before}",
        "what_is_left": "every other line as it was, under its number; of an XLSX file every other row",
    }
    keep_instead(site.home.kept, sha, found.data, (json.dumps(told, indent=2) + "\n").encode())


_Whose = tuple[str, set[int], set[int], Naming]


def _lines(
    site: Site, touched: Mapping[str, Sequence[tuple[str, int | None, str]]], by_school: Mapping[str, OfSchool]
) -> Iterator[tuple[str, _Whose]]:
    """By kept file its name, the lines that are the pupils', those that are others', and what names the pupils."""
    order = sorted(touched, key=lambda sha: (touched[sha][0][0], touched[sha][0][2]))
    with site.warehouse.read() as conn:
        records = {school: records_of_pupils(conn, one) for school, one in by_school.items()}
    for start in range(0, len(order), _TOGETHER):
        part = order[start : start + _TOGETHER]
        wanted: dict[str, set[int]] = defaultdict(set)
        for sha in part:
            for school, number, _ in touched[sha]:
                if number is not None:
                    wanted[school].add(number)
        lines: dict[int, tuple[set[int], set[int]]] = {}
        with site.warehouse.read() as conn:
            for school, numbers in wanted.items():
                one = by_school.get(school)
                persons = np.array(one.persons if one else (), dtype=np.int32)
                lines |= _of_extracts(conn, school, numbers, persons, records.get(school, set()))
        for sha in part:
            held = touched[sha]
            own: set[int] = set()
            others: set[int] = set()
            for _, number, _ in held:
                if number is not None:
                    own |= lines[number][0]
                    others |= lines[number][1]
            schools = {school for school, _, _ in held}
            naming = Naming()
            for school in schools & by_school.keys():
                naming |= by_school[school].naming
                if len(schools) == 1:
                    naming |= by_school[school].elsewhere
            yield sha, (held[0][2], own, others, naming)


def _of_extracts(
    conn: Connection, school: str, numbers: Collection[int], persons: np.ndarray, records: set[int]
) -> dict[int, tuple[set[int], set[int]]]:
    """By extract, the lines of these persons and records, and those of everybody else."""
    out: dict[int, tuple[set[int], set[int]]] = {n: (set(), set()) for n in numbers}
    unpacked: dict[tuple[object, str], DayMarks] = {}
    statements = read_statements(conn, school, extract_ids=numbers)
    if statements:
        days = [s.day for s in statements]
        pages = read_marks_pages(conn, school, min(days), max(days))
        for s in statements:
            key = (s.day, s.marks)
            if key not in unpacked:
                unpacked[key] = unpack_marks(pages[key])
            mine = np.isin(unpacked[key].person, persons)
            at = unpack_lines(s.lines)
            out[s.extract_id][0].update(at[mine].ravel().tolist())
            out[s.extract_id][1].update(at[~mine].ravel().tolist())
    for number, line, person in lines_by_person(conn, school, numbers):
        mine = np.isin(person, persons)
        out[number][0].update(line[mine].tolist())
        out[number][1].update(line[~mine].tolist())
    for number, of_pupils, of_others in lines_of_extract(conn, numbers, records):
        out[number][0].update(of_pupils)
        out[number][1].update(of_others)
    for own, others in out.values():
        own.discard(0)
        others.discard(0)
    return out
