"""Lesson marks of secondary schools: kept and given back, never part of a statutory measure.

Nothing of the register (sessions) is here. What is seen of lessons beside registration says
`derive/lesson_attendance.py`, which no measure, stage or letter reads.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.register.identity import links_of
from attendance_pipeline.store.extracts import Record, StoredExtract, list_extracts, read_day_pages
from attendance_pipeline.store.pages import pack_page, unpack_page
from attendance_pipeline.store.persons import is_student_name, upns_of
from attendance_pipeline.store.tables import lesson_page

_NO_MINUTES = -1
COLUMNS = ["upn", "date", "period", "subject", "class", "code", "minutes_late", "extract", "line"]


def split_lessons_by_day(records: Sequence[Record], persons: Mapping[str, int]) -> dict[dt.date, bytes]:
    """One packed page per date of one lessons extract."""
    days: dict[str, list[Record]] = defaultdict(list)
    for r in records:
        days[r.data["date"]].append(r)
    pages = {}
    for day, rows in days.items():
        minutes = [r.data.get("minutes_late") for r in rows]
        pages[dt.date.fromisoformat(day)] = pack_page(
            {
                "person": np.array([persons[r.data["upn"]] for r in rows], dtype=np.int32),
                "line": np.array([r.line for r in rows], dtype=np.int32),
                **{name: np.array([r.data[name] for r in rows], dtype=object) for name in COLUMNS[2:6]},
                "minutes_late": np.array([_NO_MINUTES if m is None else m for m in minutes], dtype=np.int16),
            }
        )
    return pages


def lessons_between(
    conn: sa.Connection, school: str, first: dt.date, last: dt.date, as_at: dt.date | None = None
) -> pd.DataFrame:
    """The newest mark of every pupil's lesson on the days first to last: columns `COLUMNS`, dates as dt.date."""
    extracts = list_extracts(conn, school, "lessons", as_at)
    rank = {e.id: i for i, e in enumerate(extracts)}
    pages = [p for p in read_day_pages(conn, lesson_page, school, first, last) if p[1] in rank]
    parts = []
    for day, number, page in sorted(pages, key=lambda p: (p[0], rank[p[1]])):
        parts.append(pd.DataFrame(unpack_page(page)).assign(date=day, extract=extracts[rank[number]].file_name))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    links = links_of(conn, school, as_at)
    rows = pd.concat(parts, ignore_index=True)
    rows["person"] = links.stand_for(rows["person"].to_numpy())
    rows = rows.drop_duplicates(["person", "date", "period"], keep="last")
    upns = upns_of(conn, rows["person"].unique())
    rows["upn"] = rows["person"].map({n: links.names.present.get(u, u) for n, u in upns.items()})
    rows = rows[~rows["upn"].map(is_student_name).astype(bool)]
    rows["minutes_late"] = rows["minutes_late"].where(rows["minutes_late"] != _NO_MINUTES).astype("Int64")
    return rows.sort_values(["upn", "date", "period"], ignore_index=True)[COLUMNS]


def lessons_of(
    conn: sa.Connection, school: str, persons: Iterable[int], as_at: dt.date | None = None
) -> Iterator[tuple[StoredExtract, int, int]]:
    """(extract, line, person) of every row of lessons extracts about these persons, as they stand in the extracts."""
    wanted = np.array(sorted(persons), dtype=np.int32)
    extracts = {e.id: e for e in list_extracts(conn, school, "lessons", as_at)} if len(wanted) else {}
    for _, number, packed in read_day_pages(conn, lesson_page, school) if extracts else ():
        if number not in extracts:
            continue
        page = unpack_page(packed)
        for i in np.flatnonzero(np.isin(page["person"], wanted)).tolist():
            yield extracts[number], int(page["line"][i]), int(page["person"][i])


def persons_by_day(conn: sa.Connection, school: str) -> Iterator[tuple[dt.date, np.ndarray]]:
    """(day, persons) of every page of lessons extracts, as they stand in the extracts."""
    for day, _, page in read_day_pages(conn, lesson_page, school):
        yield day, unpack_page(page)["person"]


def lines_by_person(
    conn: sa.Connection, school: str, extract_ids: Iterable[int]
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(extract, lines, persons) of every page of some lessons extracts, as they stand in the extracts."""
    for _, number, packed in read_day_pages(conn, lesson_page, school, extract_ids=extract_ids):
        page = unpack_page(packed)
        yield number, page["line"], page["person"]
