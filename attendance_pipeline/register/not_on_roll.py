"""Register rows of pupils who are not on roll: no pupils extract names them, or the date is outside their dates.

Such a row is not wrong by itself, only against everything loaded; a pupils extract that comes later may put it right.
So these findings are worked out anew after each load and never depend on its order.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import sqlalchemy as sa

from attendance_pipeline.law.register_codes import CODES, WITHDRAWN
from attendance_pipeline.register.roll import current_pupils, first_and_last_day
from attendance_pipeline.register.statements import SILENT, unpack_statement
from attendance_pipeline.store.extracts import StoredExtract, list_extracts, read_day_pages
from attendance_pipeline.store.quarantine import QuarantineRow
from attendance_pipeline.store.tables import statement

UNKNOWN = "not on roll: no pupils extract names this UPN"
NO_PUPILS = "no pupils extract is loaded"
BEFORE = "not on roll: before the entry date"
AFTER = "not on roll: after the leaving date"

# Systems hold Z (not yet on roll) and # (planned closure) before a pupil enters, and blanks after one left.
HARMLESS_BEFORE = CODES.numbers_of(["Z", "#"])


def rows_not_on_roll(conn: sa.Connection, school: str, extract_ids: Iterable[int] | None = None) -> list[QuarantineRow]:
    """Quarantine rows of origin `roll` for the given register extracts (None: all of the school's)."""
    extracts = {e.id: e for e in list_extracts(conn, school, "register")}
    chosen = set(extracts) if extract_ids is None else set(extract_ids) & set(extracts)
    pupils = current_pupils(conn, school)
    if pupils.empty:
        return [_row(extracts[n], 1, "UPN", NO_PUPILS) for n in sorted(chosen)]
    entries, leaves = first_and_last_day(pupils)
    ids = pupils["person_id"].to_numpy()
    top = int(ids.max()) + 1
    known = np.zeros(top, dtype=bool)
    entry = np.zeros(top, dtype="datetime64[D]")
    leave = np.zeros(top, dtype="datetime64[D]")
    known[ids], entry[ids], leave[ids] = True, entries, leaves
    found: list[QuarantineRow] = []
    wanted = None if extract_ids is None else chosen
    for day, number, page in read_day_pages(conn, statement, school, extract_ids=wanted):
        said = unpack_statement(page)
        inside = said.person < top
        place = np.where(inside, said.person, 0)
        on_roll = inside & known[place]
        date = np.datetime64(day, "D")
        early = on_roll & (date < entry[place])
        late = on_roll & (date > leave[place])
        if on_roll.all() and not early.any() and not late.any():
            continue
        for s in (0, 1):
            code, line = said.code[:, s], said.line[:, s]
            names = code != SILENT
            marks = names & (code != WITHDRAWN)
            for rows, column, rule in (
                (names & ~on_roll, "UPN", UNKNOWN),
                (marks & early & ~np.isin(code, HARMLESS_BEFORE), "Date", BEFORE),
                (marks & late, "Date", AFTER),
            ):
                found += [_row(extracts[number], int(n), column, rule) for n in line[rows]]
    return found


def _row(extract: StoredExtract, line: int, column: str, rule: str) -> QuarantineRow:
    return QuarantineRow(extract.id, extract.key.file_name, extract.key.sha256, line, column, rule, "roll")
