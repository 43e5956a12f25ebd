"""Decided: what persons decided of letters is written into the intervention log of their school, as one more extract.

Belongs here: looking the letters up, writing the extract into the inbox, and the decisions that stand in a batch's
workbook which somebody has filled in. Not here: what may be decided (`letters/decisions.py`), what becomes of it
(`steps/intake.py` takes the extract in, `steps/propose.py` decides again), or reading a cell (`letters/returned.py`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attendance_pipeline.home import School
from attendance_pipeline.letters.decisions import HEADERS, Refused, Wanted, entries_for
from attendance_pipeline.letters.ledger_rows import MACHINES
from attendance_pipeline.letters.returned import WORKBOOK, UnreadableWorkbook, read_decisions
from attendance_pipeline.mis.inbox import names_in
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.log_versions import DECIDED
from attendance_pipeline.register.roll import current_interventions, current_pupils
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import TAKE_BACK, each_school
from attendance_pipeline.store import deliveries, ledger
from attendance_pipeline.store.extracts import list_extracts
from attendance_pipeline.whole_files import write_whole

STILL_READ_DAYS = 60  # a workbook delivered longer ago is no longer looked at: its letters are settled


@dataclass(frozen=True)
class Written:
    """What came of decisions: `files`: extracts now in inboxes; `entries`: how many decisions they hold; `done`:
    references of which it was so already; `refused`: decisions that cannot be, with why."""

    files: tuple[Path, ...] = ()
    entries: int = 0
    done: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


def write_decisions(site: Site, wanted: Sequence[Wanted], today: dt.date) -> Written:
    """Write decisions into the logs of the schools whose letters they are about. Unknown references are refused."""
    with site.warehouse.read() as conn:
        named = ledger.read_letters(conn, references=[w.reference for w in wanted])
        letters = {
            r["reference"]: r
            for school in {r["school"] for r in named}
            for r in ledger.read_ledger(conn, school, machines=MACHINES)
        }
    of_school: dict[str, list[Wanted]] = defaultdict(list)
    known = {s.id: s for s in site.schools()}
    refused: list[Refused] = []
    for w in wanted:
        letter = letters.get(w.reference)
        if letter is not None and letter["school"] in known:
            of_school[letter["school"]].append(w)
        else:
            refused.append(Refused(w.reference, "there is no such letter; `attendance letters list` shows all"))
    files: list[Path] = []
    done: list[str] = []
    entries = 0
    for school_id, theirs in of_school.items():
        school = known[school_id]
        answer = entries_for(theirs, letters, letterhead=school.letterhead is not None, today=today)
        refused += answer.refused
        done += answer.done
        entries += len(answer.entries)
        if answer.entries:
            files.append(_write(site, school, answer.entries, today))
    return Written(tuple(files), entries, tuple(done), tuple(refused))


def _write(site: Site, school: School, entries: Sequence[Mapping[str, Any]], today: dt.date) -> Path:
    with site.warehouse.read() as conn:
        pupils = current_pupils(conn, school.id)
        rows = with_pupils(conn, school.id, entries)
        before = [e.file_name for e in list_extracts(conn, school.id, "interventions")]
    upns = dict(zip(pupils["person_id"].astype(int), pupils["upn"], strict=True))
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(HEADERS)
    table.writerows([upns[row["person_id"]], *(row[header] for header in HEADERS[1:])] for row in rows)
    data = text.getvalue().encode("utf-8-sig")
    # A name of its own: it is no version of a living log. In order: what is said later in a day is heard later.
    of_today = f"interventions_{today}{DECIDED}"
    number = sum(name.startswith(of_today) for name in [*before, *names_in(school.inbox)]) + 1
    file = school.inbox / f"{of_today}{number:04}.csv"
    school.inbox.mkdir(parents=True, exist_ok=True)
    write_whole(file, data)
    return file


def decisions_in(path: Path) -> tuple[list[Wanted], dt.date]:
    """The decisions in a batch's workbook, and the day it was saved. Raises UnreadableWorkbook or OSError."""
    saved = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).astimezone().date()
    return read_decisions(path.name, path.read_bytes(), saved), saved


@dataclass(frozen=True)
class Returned:
    """What stood in workbooks on the drive: how many decisions were written into logs; which file was not read, or
    which decision cannot be, and why."""

    entries: int = 0
    problems: tuple[str, ...] = ()


def take_back_workbooks(site: Site) -> Returned:
    """Write into the logs what was decided in the batch workbooks on the drive. What was written once is not again:
    a letter that was released since is not held once more because its workbook still says so."""
    found = each_school(site, TAKE_BACK, lambda school: _taken_back(site, school))
    return Returned(sum(r.entries for r in found), tuple(problem for r in found for problem in r.problems))


def _taken_back(site: Site, school: School) -> Returned:
    entries, problems = 0, []
    with site.warehouse.read() as conn:
        delivered = deliveries.read_deliveries(conn, school.id, "letters")
        log = current_interventions(conn, school.id)
    said = set(zip(log["reference"], log["action"], strict=True))
    newest = max((d["day"] for d in delivered), default=dt.date.min)
    for folder in (d["path"] for d in delivered if (newest - d["day"]).days <= STILL_READ_DAYS):
        path = site.home.drive / folder / WORKBOOK
        if not path.is_file():
            continue
        try:
            found, saved = decisions_in(path)
        except (UnreadableWorkbook, OSError) as fault:
            problems.append(f"{folder}/{WORKBOOK}: {getattr(fault, 'strerror', None) or fault}")
            continue
        done = write_decisions(site, [w for w in found if (w.reference, w.action) not in said], saved)
        entries += done.entries
        problems += [f"{folder}/{WORKBOOK}: {r.reference}: {r.why}" for r in done.refused]
    return Returned(entries, tuple(problems))
