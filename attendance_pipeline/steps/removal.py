"""Removal of pupils: from every table, kept extract and delivery, in an order that a kill leaves whole, and its proof.

Belongs here: the order. First it is written down whom it is about (in the private state); then the tables are tried
without keeping anything, to see that nothing of anybody else would change; then kept files, tables (one transaction a
school), the drive, the database's own file; then everything is searched. A removal that was cut off goes on from what
was written down, and every step done again finds nothing more to do. Not here: whom (`removal_plan.py`), what a file
is without a pupil (`removal_files.py`, `removal_drive.py`).

Group figures that were published stay: the days from which marks were taken are closed, and their groups are not
derived again (`store.removal.closed_days`, docs/decisions/0030-removal.md).
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection

from attendance_pipeline import delivery
from attendance_pipeline.home import School
from attendance_pipeline.law.retention import kept_since
from attendance_pipeline.mis.naming import Naming
from attendance_pipeline.register import identity
from attendance_pipeline.register.complete import settle
from attendance_pipeline.register.history import fold_marks, read_marks
from attendance_pipeline.register.roll import current_records
from attendance_pipeline.register.statements import lines_that_stay, unpack_lines, unpack_marks, without_persons
from attendance_pipeline.steps.board import boards
from attendance_pipeline.steps.deliver import finish_begun
from attendance_pipeline.steps.marked_days import hashes_of_days
from attendance_pipeline.steps.removal_drive import JOURNAL, DriveDone, Left, drive_without, search
from attendance_pipeline.steps.removal_files import FilesDone, files_without, records_of_pupils
from attendance_pipeline.steps.removal_plan import OfSchool, Plan, make_plan, persons_named
from attendance_pipeline.steps.site import Site, open_site
from attendance_pipeline.store import deliveries
from attendance_pipeline.store import removal as store
from attendance_pipeline.store.extracts import register_mode_of, statement_days
from attendance_pipeline.whole_files import write_whole

Say = Callable[[str], None]
PROOFS = "removals"  # the folder of the private state that holds what each removal came to
AUDIENCE, WHAT = "data-manager", "removal"
ON_ROLL = "measures"  # the derived table with a row for everybody who is on roll
_KINDS = ("pupils", "contacts", "notifications", "interventions")


class RemovalRefused(RuntimeError):
    """A removal would change something of somebody else. Nothing was done; the message says which school and what."""


class _NotKept(Exception):
    """Raised inside a transaction that is only tried."""


@dataclass
class Removed:
    """What a removal came to, or would, in counts and names of files.

    `tables`: rows by table; `closed`: school days whose group figures stand; `left`: what the search found;
    `in_tables`: tables that still name one of the pupils.
    """

    plan: Plan
    tables: dict[str, int] = field(default_factory=dict)
    closed: int = 0
    files: FilesDone = field(default_factory=FilesDone)
    delivered: DriveDone = field(default_factory=DriveDone)
    left: Left = field(default_factory=Left)
    in_tables: list[str] = field(default_factory=list)
    proof: str = ""

    def counts(self) -> dict[str, Any]:
        """What was done, to go on from when it is cut off."""
        files, drive = vars(self.files) | {"named_by_others": {}}, vars(self.delivered)
        return {"tables": self.tables, "closed": self.closed, "files": files, "drive": drive}

    @property
    def is_proved(self) -> bool:
        """Whether nothing that the program controls names one of the pupils any more."""
        return not self.left.ours and not self.in_tables

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to look: files that people made, rows of others, words that may be a surname."""
        return bool(self.left.theirs or self.left.others or self.left.surnames or self.files.missing)


def plan_of(site: Site, before: dt.date, today: dt.date, only: str = "") -> Plan:
    """Whom a removal would be about: see `removal_plan`."""
    with site.warehouse.read() as conn:
        return make_plan(conn, site.schools(), before, kept_since(today), only)


def unfinished(site: Site) -> Removed | None:
    """A removal that was cut off, or that found something left, as far as it came; None when there is none."""
    try:
        plan, so_far = Plan.from_json((site.home.state / JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    files, drive = FilesDone(**so_far["files"]), DriveDone(**so_far["drive"])
    return Removed(plan, dict(so_far["tables"]), so_far["closed"], files, drive)


def rehearse(site: Site, plan: Plan) -> Removed:
    """What a removal would come to. Changes nothing. Raises RemovalRefused as the removal itself would."""
    done = Removed(plan)
    for one in plan.schools:
        _tables(site, one, done, keep=False)
    done.files = files_without(site, plan, write=False)
    done.delivered = drive_without(site, plan, write=False)
    return done


def remove(site: Site, begun: Plan | Removed, today: dt.date, say: Say, run: str = "prune") -> Removed:
    """Remove the pupils of a plan, or go on with a removal that was cut off, and prove it.

    Raises RemovalRefused before anything was done.
    """
    done = begun if isinstance(begun, Removed) else Removed(begun)
    plan = done.plan
    if not isinstance(begun, Removed):
        for one in plan.schools:
            _tables(site, one, Removed(plan), keep=False)
    for killed in site.home.state.glob(f".{JOURNAL}.*"):
        killed.unlink(missing_ok=True)  # it names the pupils too
    _note_progress(site, done)
    for school in site.schools():
        finish_begun(
            site, school.id
        )  # what a killed night had prepared is a delivery too, and looked through like others
    say("Kept extracts")
    done.files = files_without(site, plan, done.files, write=True)
    _note_progress(site, done)
    say("Tables")
    for one in plan.schools:
        _tables(site, one, done, keep=True)
        _note_progress(site, done)
    with site.warehouse.begin() as conn:
        store.remove_persons(conn, plan.nowhere)
    say("The drive")
    done.delivered = drive_without(site, plan, done.delivered, write=True)
    _note_progress(site, done)
    if done.delivered.boards:
        say("Boards anew")
        with open_site(site.home.path) as fresh:  # `site` may remember the pupils
            boards(fresh, run)
    say("The database's file")
    store.make_bytes_go(site.warehouse)
    say("Looking through the whole home for what is left")
    done.in_tables, mentions = _in_tables(site, plan)
    done.left = search(site, plan, done.files.named_by_others)
    done.left.others += mentions
    done.proof = _write_proof(site, done, today, run)
    if done.is_proved:
        (site.home.state / JOURNAL).unlink(missing_ok=True)
    return done


# ---------------------------------------------------------------- tables


def _tables(site: Site, one: OfSchool, done: Removed, *, keep: bool) -> None:
    """Remove the pupils of one school from every table, in one transaction; with `keep` false it is taken back."""
    school = site.home.school(one.school)
    try:
        with site.warehouse.begin(one.school) as conn:
            rows, closed = _remove(conn, school, one)
            for table, count in rows.items():
                if count:
                    done.tables[table] = done.tables.get(table, 0) + count
            done.closed += closed
            if not keep:
                raise _NotKept
    except _NotKept:
        pass
    finally:
        identity.forget()


def _remove(conn: Connection, school: School, one: OfSchool) -> tuple[dict[str, int], int]:
    persons = np.array(one.persons, dtype=np.int32)
    records = records_of_pupils(conn, one)
    before, stood = hashes_of_days(conn, school), _others(conn, school, one, records)
    lines = store.lines_of_records(conn, one.school, records)
    for number, own in store.lines_of_persons(
        conn, one.school, lambda page: without_persons(page, persons)[1], _own_lines
    ):
        lines.setdefault(number, set()).update(own)
    of_pages, pages = store.remove_from_pages(conn, one.school, one.persons)
    rows = {
        **of_pages,
        "pages of marks": store.remove_marks(
            conn, one.school, lambda page: without_persons(page, persons), lines_that_stay
        ),
        "draw": store.remove_from_draws(conn, one.school, one.persons),
        "letter": store.remove_letters(conn, one.school, one.references),
        "quarantine and notes": store.remove_lines(conn, one.school, lines),
        "record": store.remove_records(conn, one.school, records),
    }
    identity.forget()
    if stood != _others(conn, school, one, set()):
        raise RemovalRefused(
            f"{one.school}: without these pupils the register or the records of somebody else would read otherwise. "
            "Nothing was removed. Remove them one by one (--pupil) to find the one on whom something else hangs"
        )
    after = hashes_of_days(conn, school)
    marked = {d for d in before.keys() | after.keys() if before.get(d) != after.get(d)}
    # On a day on which one of them was on roll, the groups counted them, marked or not.
    closed = marked | {day for day, kind in pages if kind == ON_ROLL}
    store.close_days(conn, one.school, {d: (before.get(d, ""), after.get(d, "")) for d in closed})
    return rows, len(closed)


def _own_lines(page: bytes, stay: np.ndarray) -> set[int]:
    return set(unpack_lines(page)[~stay].ravel().tolist()) - {0}


def _others(conn: Connection, school: School, one: OfSchool, records: set[int]) -> tuple[Any, ...]:
    """What stands of everybody else: marks, and which records. To be the same before and after."""
    days = np.array(sorted(statement_days(conn, one.school)), dtype="datetime64[D]")
    said = read_marks(conn, one.school, days)
    persons = np.setdiff1d(np.unique(said.person), np.array(one.persons))
    marks = fold_marks(said, persons, len(days))
    kept = marks.any(axis=(1, 2))
    placed = np.nonzero(marks[kept])
    stands = tuple(tuple(sorted(set(current_records(conn, one.school, kind).where) - records)) for kind in _KINDS)
    return (
        persons[kept].tobytes(),
        days[placed[1]].tobytes(),
        placed[0].tobytes(),
        placed[2].tobytes(),
        marks[kept][placed].tobytes(),
        stands,
        _withdrawn(conn, one),
    )


def _withdrawn(conn: Connection, one: OfSchool) -> tuple[Any, ...]:
    """What complete registers withdraw of everybody else by not naming it, worked out anew as the next load will: it
    hangs on how many of a class a register marks."""
    if register_mode_of(conn, one.school) != "complete":
        return ()
    settled = settle(conn, one.school)
    rows = set()
    for day, extract, page in settled.withdrawals:
        said = unpack_marks(page)
        others = ~np.isin(said.person, np.array(one.persons))
        rows |= {
            (day, extract, person, tuple(code))
            for person, code in zip(said.person[others].tolist(), said.code[others].tolist(), strict=True)
        }
    return tuple(sorted(rows)), tuple(e.id for e in settled.left_out)


def _in_tables(site: Site, plan: Plan) -> tuple[list[str], list[str]]:
    """Tables that name one of the pupils by number or UPN; and tables in which somebody else's row mentions one."""
    found: set[str] = set()
    mentions: set[str] = set()
    of_school = {one.school: one for one in plan.schools}
    nowhere, everybody = set(plan.nowhere), plan.naming
    upns = Naming(upns=everybody.upns)
    with site.warehouse.read() as conn:
        for held in store.everything(conn):
            one = of_school.get(held.school)
            gone = nowhere | set(one.persons) if one else nowhere
            if held.persons & gone:
                found.add(held.table)
            text = " | ".join(held.texts)
            if upns.in_text(text) or (one is not None and Naming(upns=one.elsewhere.upns).in_text(text)):
                found.add(held.table)
            elif everybody.in_text(text):
                mentions.add(f"table {held.table}")
        for one in plan.schools:
            if persons_named(conn, one.school) & set(one.persons):
                found.add("statement")
    return sorted(found), sorted(mentions)


# ---------------------------------------------------------------- what is written down


def _note_progress(site: Site, done: Removed) -> None:
    write_whole(site.home.state / JOURNAL, done.plan.to_json(done.counts()).encode("utf-8"))


def _write_proof(site: Site, done: Removed, today: dt.date, run: str) -> str:
    """What was removed and that nothing is left, in counts, hashes and names of files; in the state, and for each
    school's data manager on the drive. Returns where it is in the state."""
    name = f"{PROOFS}/{today}_before-{done.plan.before}_{len(os.listdir(_proofs(site))) + 1:03}.json"
    told = as_told(done)
    write_whole(site.home.state / name, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
    for one in done.plan.schools:
        school = site.home.school(one.school)
        text = "\r\n".join(in_words(done, school.name, one.pupils)) + "\r\n"
        files = {"removal.txt": text.encode("utf-8"), "removal.json": json.dumps(told, indent=2).encode()}
        calendar = school.calendar
        day = max(calendar.on_or_before(today), 0)
        put = delivery.deliver(
            site.home.drive, school.id, AUDIENCE, calendar.year_names[calendar.year[day]], calendar.date(day), WHAT,
            files, run=run, policy=f"{school.policy.name} {school.policy.version}", as_at=site.register_as_at(school),
        )  # fmt: skip
        with site.warehouse.begin(school.id) as conn:
            path = put.path.relative_to(site.home.drive).as_posix()
            deliveries.record_delivery(conn, school.id, path, WHAT, calendar.date(day), put.manifest_sha256)
    return name


def _proofs(site: Site) -> str:
    folder = site.home.state / PROOFS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return str(folder)


def as_told(done: Removed) -> dict[str, Any]:
    """A removal as counts and names of files, for `--json` and the proof. No pupil is in it."""
    files, drive, left = done.files, done.delivered, done.left
    return {
        "before": done.plan.before.isoformat(),
        "pupils": {one.school: {"removed": one.pupils, **one.why} for one in done.plan.schools},
        "pupils_with_entries_to_be_kept_by_law": sum(one.within for one in done.plan.schools),
        "tables": done.tables,
        "days_closed": done.closed,
        "kept_extracts": {
            **{"looked_at": files.looked_at, "rewritten": files.rewritten, "removed": files.removed},
            **{"rows": files.rows, "not_there": files.missing},
            "named_in_rows_of_others": {name: list(lines) for name, lines in files.named_by_others.values()},
        },
        "drive": {
            **{"folders": drive.folders, "looked_at": drive.looked_at, "rewritten": drive.rewritten},
            **{"removed": drive.removed, "rows": drive.rows},
        },
        "search": {
            **{"files": left.looked_at, "names_left": left.ours, "names_left_in_tables": done.in_tables},
            **{"rows_of_others": left.others, "files_of_people": left.theirs, "surname_alone": left.surnames},
        },
        "proved": done.is_proved,
    }


def in_words(done: Removed, school: str, pupils: int) -> Iterator[str]:
    """The proof as a page for the data manager of a school."""
    yield f"{school}: pupils who left before {done.plan.before:%d/%m/%Y} were removed."
    yield ""
    yield f"{pupils} {'pupil' if pupils == 1 else 'pupils'} of this school. Of the whole home:"
    yield f"  {done.files.rows:,} rows of {done.files.rewritten + done.files.removed:,} kept extracts"
    yield f"  {sum(done.tables.values()):,} rows and pages of the database"
    yield f"  {done.delivered.rows:,} rows of lists on the drive, and {done.delivered.removed:,} files"
    yield ""
    yield f"{done.left.looked_at:,} files were looked through afterwards, and every table."
    if done.is_proved:
        yield "Nothing that the program keeps or delivered names one of them any more."
    else:
        yield "NOT FINISHED. These still name one of them; run the command again:"
        yield from (f"  {name}" for name in [*done.left.ours, *done.in_tables])
    for words, names in (
        ("Files that people put there, and that the program leaves alone, name one of them:", done.left.theirs),
        ("Rows about somebody else name one of them (a note, say): a person has to look:", done.left.others),
        ("A surname that nobody else bears stands in these; it may be another word:", done.left.surnames),
    ):
        if names:
            yield ""
            yield words
            yield from (f"  {name}" for name in names)
    yield ""
    yield "Not reached from here: backups, files that were exported or copied elsewhere, paper, and the MIS itself."
