"""What a format of extracts has to do, and what it gives.

Only the types that all formats share. Which formats there are is in `registry.py`; each is a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from attendance_pipeline.store.extracts import Fault


class UnreadableFile(ValueError):
    """A file that cannot be used at all: the line and column to look at, and the rule that is broken."""

    def __init__(self, rule: str, column: str = "", line: int = 1):
        super().__init__(f"line {line}, column {column!r}: {rule}")
        self.rule, self.column, self.line = rule, column, line


@dataclass(frozen=True)
class Coded:
    """Cells of a column by the number of their text: `texts[codes[i]]` is the i-th cell. Each text stands once."""

    texts: Sequence[str]
    codes: npt.NDArray[np.int32]


@dataclass(frozen=True)
class RawTable:
    """A file as text, before anything is understood.

    columns: native column name -> cells as written (plain or coded, which is quicker), all of one length; line: of each
    row, the header counted as 1 (several rows may stand on one); faults: rows that could not even be split into cells;
    ignored: columns of the file that nobody reads; no_mark: codes ("" is a blank one) that say nothing of a session,
    where the school's code map does not say otherwise. Without it a blank code withdraws a mark. empty: private
    columns known to hold nothing on any line of the file, so that nothing has to be left out of its kept copy.
    """

    columns: Mapping[str, list[str] | Coded]
    line: npt.NDArray[np.int32]
    faults: tuple[Fault, ...] = ()
    ignored: tuple[str, ...] = field(default=())
    no_mark: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.line)


class Format(Protocol):
    """How one kind of program writes its extracts."""

    @property
    def name(self) -> str:
        """What `mis` in the settings calls it."""

    @property
    def version(self) -> int | str:
        """Another whenever the same bytes would be read otherwise: then files that come again are read anew."""

    def read(self, kind: str, file_name: str, data: bytes) -> RawTable:
        """The rows of a file under native column names. Raises UnreadableFile."""

    def without_columns(self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]) -> bytes:
        """The file without what the named columns hold, but on `keep_lines`. Lines keep their numbers."""


@runtime_checkable
class ReadsMany(Protocol):
    """A format that reads many files together faster than one by one."""

    def read_many(self, kind: str, files: Sequence[tuple[str, bytes]]) -> list[RawTable | UnreadableFile]:
        """What `read` gives for each file (name, bytes) of one kind, or raises for it."""


def read_files(form: Format, kind: str, files: Sequence[tuple[str, bytes]]) -> list[RawTable | UnreadableFile]:
    """The rows of each file of one kind, or why it cannot be used."""
    if isinstance(form, ReadsMany):
        return form.read_many(kind, files)
    out: list[RawTable | UnreadableFile] = []
    for name, data in files:
        try:
            out.append(form.read(kind, name, data))
        except UnreadableFile as fault:
            out.append(fault)
    return out
