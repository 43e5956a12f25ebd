"""The format `sims-weekly`: `UPN, WeekStart, WeekMarks`, the marks of a week as one string.

Here are the columns and the characters that say nothing. How a week becomes sessions is in `weeks.py`; every kind but
the register is native.
"""

from __future__ import annotations

from collections.abc import Set

from attendance_pipeline.mis.formats import RawTable
from attendance_pipeline.mis.map_settings import LAYOUTS
from attendance_pipeline.mis.native import read_cells, table_of_columns, texts_of
from attendance_pipeline.mis.some_kinds import SomeKinds
from attendance_pipeline.mis.weeks import marks_of_string, unfold, who_of

_HEADERS = {
    "WeekStart": ("WeekStart", "Week Start", "Week Start Date", "Week Commencing", "Week Beginning"),
    "WeekMarks": ("WeekMarks", "Week Marks", "Marks"),
}
# Met in real strings where nobody took a register. A school whose system writes a code so maps it.
NO_MARK_IN_A_WEEK = frozenset(["", "-", "_"])


class SimsWeekly(SomeKinds):
    """See contract.md section 2."""

    name = "sims-weekly"
    own_version = 2

    def reads(self, kind: str, file_name: str) -> bool:
        return kind == "register"

    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        table = table_of_columns(LAYOUTS["week_string"], read_cells(file_name, data), _HEADERS)
        return unfold(
            who_of(table),
            texts_of(table, "WeekStart"),
            [marks_of_string(week) for week in texts_of(table, "WeekMarks")],
            table.line.tolist(),
            faults=table.faults,
            ignored=table.ignored,
            no_mark=NO_MARK_IN_A_WEEK,
        )

    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        return data  # a week of marks has no comments
