"""Subject access: everything that a home holds on one pupil, as files to be looked through and handed over.

Belongs here: gathering, over every version and not only what stands. Not here: finding the pupil (`find_pupil.py`),
writing the files (the command), and deciding what may be handed over: the files name other people, and a person of the
school looks through them first (docs/data-protection.md).
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.home import School
from attendance_pipeline.law.register_codes import CODES, NO_MARK, WITHDRAWN
from attendance_pipeline.register.history import read_statements
from attendance_pipeline.register.identity import Names, links_of
from attendance_pipeline.register.lessons import lessons_between
from attendance_pipeline.register.statements import NO_MINUTES, SESSIONS, SILENT
from attendance_pipeline.reports.incentives import PRIZE_POT, RAFFLE, prizes_of
from attendance_pipeline.spreadsheets import csv_bytes
from attendance_pipeline.steps.export import Period, export
from attendance_pipeline.steps.find_pupil import FoundPupil
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store import deliveries, ledger
from attendance_pipeline.store.amendment_notes import read_notes
from attendance_pipeline.store.draws import read_draws
from attendance_pipeline.store.extracts import StoredExtract, read_record_pages, records_of, statement_days
from attendance_pipeline.store.persons import upns_of

READ_ME = "READ ME FIRST.txt"
_RECORDS = {"pupils": "pupil.csv", "contacts": "contacts.csv", "notifications": "parents-notifications.csv",
            "interventions": "intervention-log.csv"}  # fmt: skip
_TABLES = ("measures", "stages", "stage_events", "penalty_notices", "tasks")
_ABOUT = {
    "pupil.csv": "every version of the pupil's record that an extract brought, with file, line and the day it was made",
    "contacts.csv": "every version of the contacts. They are other people: look at what may be handed over to whom",
    "parents-notifications.csv": "the parents' online forms, as far as they are kept",
    "intervention-log.csv": "every version of the entries of the log. Look: safeguarding, and other people",
    "marks.csv": "every statement about every session, what stands and what was before, with reason and author if kept",
    "lessons.csv": "attendance in lessons, where the school loads it",
    "measures.csv": "the figures of each school day",
    "stages.csv": "the stage at the end of each school day",
    "stage_events.csv": "what happened on the ladder, and by which figure",
    "penalty_notices.csv": "what was counted for each penalty-notice rule on each school day",
    "tasks.csv": "tasks about the pupil, whose they were and when they were done",
    "letters.csv": "every letter that was ever proposed, to whom, and what became of it",
    "letter-events.csv": "each change of state of those letters, when and by whom",
    "prizes.csv": "draws in which the pupil had a ticket",
    "kept-extracts.csv": "which kept files of the MIS name the pupil, and on how many lines",
}


@dataclass(frozen=True)
class Gathered:
    """What is held on one pupil: file name to content, and how many rows or pages each has."""

    files: Mapping[str, bytes]
    counts: Mapping[str, int]


def gather(site: Site, pupil: FoundPupil, today: dt.date) -> Gathered:
    """Everything held on a pupil of one school, under every name the pupil ever had there."""
    school = pupil.school
    with site.warehouse.read() as conn:
        persons = _persons(conn, school, pupil.person_id)
        names = set(upns_of(conn, persons).values())
        rows: dict[str, list[dict[str, Any]]] = {}
        named: Counter[tuple[str, dt.date, str]] = Counter()
        links = links_of(conn, school.id)
        for kind, file in _RECORDS.items():
            rows[file] = list(_records(conn, school, kind, names, links.names, named))
        rows["marks.csv"] = list(_marks(conn, school, persons, named))
        lessons = lessons_between(conn, school.id, dt.date.min, dt.date.max)
        rows["lessons.csv"] = [_plain(r) for r in lessons[lessons["upn"] == pupil.upn].to_dict("records")]
        letters = ledger.read_letters(conn, school.id, persons=persons)
        events = ledger.read_events(conn, [row["reference"] for row in letters])
        delivered = deliveries.read_deliveries(conn, school.id, "letters")
        rows["prizes.csv"] = list(_prizes(conn, school, persons))
    rows["letters.csv"] = [_plain({k: v for k, v in row.items() if k != "person_id"}) for row in letters]
    rows["letter-events.csv"] = [_plain(row) for row in events]
    for table in _TABLES:
        rows[f"{table}.csv"] = _of_table(site, school, table, pupil.upn)
    rows["kept-extracts.csv"] = [
        {"extract": name, "recorded_on": day, "kind": kind, "lines": lines}
        for (kind, day, name), lines in sorted(named.items())
    ]
    files = {name: csv_bytes(found, list(found[0]), dates="%Y-%m-%d") for name, found in rows.items() if found}
    counts = {name: len(found) for name, found in rows.items()}
    pdfs = dict(_copies(site, [row["reference"] for row in letters], [d["path"] for d in delivered]))
    files |= pdfs
    files[READ_ME] = _read_me(school, counts, len(pdfs), today).encode("utf-8")
    return Gathered(files, counts | {"letters/": len(pdfs)})


def _persons(conn: sa.Connection, school: School, person_id: int) -> list[int]:
    """The numbers of everybody who is this pupil: under a former UPN, or by a student id."""
    same = links_of(conn, school.id).same
    return sorted({person_id, *(number for number, pupil in same.items() if pupil == person_id)})


def _records(
    conn: sa.Connection,
    school: School,
    kind: str,
    upns: set[str],
    names: Names,
    named: Counter[tuple[str, dt.date, str]],
) -> Iterator[dict[str, Any]]:
    """Every version of the records of one kind, in the order in which the extracts speak."""
    first = {names.of(upn) for upn in upns}
    data = {n: d for n, d in records_of(conn, school.id, kind).items() if names.of(str(d.get("upn") or "")) in first}
    columns = list(dict.fromkeys(key for d in data.values() for key in d))
    for extract, page in read_record_pages(conn, school.id, kind):
        for line, number in zip(page["line"].tolist(), page["record"].tolist(), strict=True):
            if number in data:
                named[kind, extract.recorded_on, extract.file_name] += 1
                yield {**_from(extract, line), **{c: _plain_value(data[number].get(c)) for c in columns}}


def _marks(
    conn: sa.Connection, school: School, persons: list[int], named: Counter[tuple[str, dt.date, str]]
) -> Iterator[dict[str, Any]]:
    days = np.array(sorted(statement_days(conn, school.id)), dtype="datetime64[D]")
    if not len(days):
        return
    said = read_statements(conn, school.id, days)
    notes = read_notes(conn, school.id)
    stands: dict[tuple[int, int], int] = {}
    chosen = [(int(i), s) for i in np.flatnonzero(np.isin(said.person, persons)) for s in (0, 1)]
    chosen = [(i, s) for i, s in chosen if said.code[i, s] != SILENT]
    for i, s in chosen:
        stands[int(said.day[i]), s] = i
    for i, s in sorted(chosen, key=lambda at: (int(said.day[at[0]]), at[1], at[0])):
        extract, line = said.extracts[said.extract[i]], int(said.line[i, s])
        note = notes.get((extract.id, line))
        if line:
            named["register", extract.recorded_on, extract.file_name] += 1
        code, minutes = int(said.code[i, s]), int(said.minutes[i, s])
        yield {
            "date": days[said.day[i]].item(),
            "session": SESSIONS[s],
            "code": "" if code in (NO_MARK, WITHDRAWN) else CODES.codes[code],
            "stands": "yes" if stands[int(said.day[i]), s] == i else "no",
            "minutes_late": "" if minutes == NO_MINUTES else minutes,
            **_from(extract, line),
            "reason": note.reason if note else "",
            "by": note.by if note else "",
        }


def _prizes(conn: sa.Connection, school: School, persons: list[int]) -> Iterator[dict[str, Any]]:
    for kind in (RAFFLE, PRIZE_POT):
        for draw in read_draws(conn, school.id, kind):
            for prize in prizes_of(draw.content):
                if set(prize.tickets) & set(persons):
                    won = "yes" if prize.winning_pupil in persons else "no"
                    yield {"draw": kind, "week": draw.week, "prize": prize.prize, "group": prize.group, "won": won}


def _of_table(site: Site, school: School, table: str, upn: str) -> list[dict[str, Any]]:
    (frame,) = export(site, table, (school,), Period(), trust=False)
    return [_plain(row) for row in frame[frame["upn"] == upn].to_dict("records")]


def _copies(site: Site, references: Iterable[str], folders: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The letters that lie on the drive, newest folder last: a later one of the same name is the same letter."""
    wanted = set(references)
    for folder in folders:
        place = site.home.drive / folder
        for file in sorted(place.rglob("*.pdf")) if place.is_dir() else ():
            if file.stem in wanted:
                yield f"letters/{file.name}", file.read_bytes()


def _from(extract: StoredExtract, line: int) -> dict[str, Any]:
    return {"recorded_on": extract.recorded_on, "extract": extract.file_name, "line": line or ""}


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): _plain_value(value) for key, value in row.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is None or pd.isna(value):
        return ""
    return value if isinstance(value, dt.date | int | float | str) else str(value)


def _read_me(school: School, counts: Mapping[str, int], letters: int, today: dt.date) -> str:
    lines = [
        f"{school.name}: what the attendance system held on one pupil on {today:%d/%m/%Y}.",
        "",
        "This is a copy to be looked through by whoever at the school answers the request. It names other people",
        "(parents, staff, whoever is in a note), and it may hold what must not be handed over: a court's restriction,",
        "a safeguarding concern, an address that somebody must not learn. The Information Commissioner's guidance on",
        "the right of access, and the Data Protection Act 2018, schedules 2 and 3, say what may be left out.",
        "",
        *(f"{name:28} {counts.get(name, 0):7,} rows   {words}" for name, words in _ABOUT.items()),
        f"{'letters/':28} {letters:7,} files  the letters as they lie on the drive",
        "",
        "Not in here: lists for a whole class or school on the drive (worklists, class lists, boards), which show the",
        "same figures; backups; the management information system itself; and the server's logs, which hold no pupil.",
    ]
    return "\r\n".join(lines) + "\r\n"
