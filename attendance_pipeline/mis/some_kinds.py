"""The base of formats that read some kinds of extract and leave the others to native CSV and XLSX.

A school's system writes its register in its own way; its pupils, or the log that staff keep, come natively all the
same. Here is only who reads which file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Set

from attendance_pipeline.mis.formats import RawTable
from attendance_pipeline.mis.native import NativeFormat

_NATIVE = NativeFormat()


class SomeKinds(ABC):
    """Give `name`, `own_version` (up when the same bytes would be read otherwise) and the three methods below."""

    name: str
    own_version: int

    @property
    def version(self) -> int | str:
        """Changes with the format's own version and with the native one."""
        return f"{self.own_version}, native {_NATIVE.version}"

    def read(self, kind: str, file_name: str, data: bytes) -> RawTable:
        if self.reads(kind, file_name):
            return self.read_own(kind, file_name, data)
        return _NATIVE.read(kind, file_name, data)

    def without_columns(self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]) -> bytes:
        if self.reads(kind, file_name):
            return self.without_own_columns(kind, file_name, data, columns, keep_lines)
        return _NATIVE.without_columns(kind, file_name, data, columns, keep_lines)

    @abstractmethod
    def reads(self, kind: str, file_name: str) -> bool:
        """Whether a file of that kind and name is written in this format, and not natively."""

    @abstractmethod
    def read_own(self, kind: str, file_name: str, data: bytes) -> RawTable:
        """See Format.read."""

    @abstractmethod
    def without_own_columns(
        self, kind: str, file_name: str, data: bytes, columns: Set[str], keep_lines: Set[int]
    ) -> bytes:
        """See Format.without_columns."""
