"""What pupils were before: the class, year group and characteristics that earlier pupils extracts gave them.

A pupil who moves from one class to another in February was in the first until then. What an extract says holds from the
day it was made; before the first extract that names a pupil, what that one says. Entry and leaving dates, names and
dates of birth are not here: of those only the newest word counts.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import sqlalchemy as sa

from attendance_pipeline.register.identity import names_of
from attendance_pipeline.store.extracts import read_record_pages, read_records
from attendance_pipeline.store.persons import find_persons

OF_THE_DAY = ("class", "year_group", "sen", "fsm", "pupil_premium", "eal", "looked_after", "social_worker",
              "young_carer")  # fmt: skip


def former_characteristics(conn: sa.Connection, school: str, as_at: dt.date | None = None) -> pd.DataFrame:
    """What stood before each change, one row a pupil and change, in the order in which the changes were said.

    Columns: `person_id`; `before` (datetime64[D]: the recorded date of the extract that says otherwise, so the row held
    up to the day before); and those of OF_THE_DAY, as a pupils extract gave them (None: blank).
    """
    pages = read_record_pages(conn, school, "pupils", as_at)
    columns = ["person_id", "before", *OF_THE_DAY]
    if len(pages) < 2:
        return pd.DataFrame({name: [] for name in columns})
    record = np.concatenate([p["record"] for _, p in pages]).astype(np.int64)
    rank = np.repeat(np.arange(len(pages)), [len(p["record"]) for _, p in pages])
    data = read_records(conn, np.unique(record))
    names = names_of(conn, school, as_at)
    persons = find_persons(conn, sorted({names.of(d["upn"]) for d in data.values()}))
    # Of every record, whom it is about and a number of what it says of these columns.
    person, says = (np.zeros(max(data) + 1, dtype=np.int64) for _ in range(2))
    kinds: dict[tuple[object, ...], int] = {}
    for number, d in data.items():
        person[number] = persons[names.of(d["upn"])]
        says[number] = kinds.setdefault(tuple(d.get(name) for name in OF_THE_DAY), len(kinds))
    order = np.lexsort((rank, person[record]))
    record, rank = record[order], rank[order]
    who, what = person[record], says[record]
    changed = np.flatnonzero((who[1:] == who[:-1]) & (what[1:] != what[:-1])) + 1
    changed = changed[np.argsort(rank[changed], kind="stable")]
    recorded = np.array([e.recorded_on for e, _ in pages], dtype="datetime64[D]")
    contents = list(kinds)
    frame = pd.DataFrame([contents[n] for n in what[changed - 1]], columns=list(OF_THE_DAY), dtype=object)
    frame.insert(0, "before", recorded[rank[changed]].astype("datetime64[s]"))
    frame.insert(0, "person_id", who[changed])
    return frame
