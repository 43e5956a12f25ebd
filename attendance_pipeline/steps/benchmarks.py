"""Published attendance of a home: what is bundled, and newer downloads that somebody gave it.

Belongs here: where downloads are kept in a home, and putting one there. Not here: what a download must be, and which
figures a date is compared with (`reports/benchmarks.py`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from attendance_pipeline.home import Home
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.reports.benchmarks import (
    COLUMNS,
    Benchmarks,
    NotADownload,
    as_csv,
    bundled_rows,
    load_benchmarks,
    newer_rows,
    read_download,
)
from attendance_pipeline.whole_files import write_whole

FOLDER, FILE = "benchmarks", "dfe-attendance.csv"


@dataclass(frozen=True)
class Updated:
    """What a download brought: how many figures are new or others than before, and the day its newest count to."""

    file: Path
    rows: int
    changed: int
    newest: dt.date


def kept_file(home: Home) -> Path:
    return home.path / FOLDER / FILE


def load(home: Home) -> Benchmarks:
    """The bundled figures and those of the home's own downloads. Raises SettingsError for a spoilt kept file."""
    file = kept_file(home)
    if not file.exists():
        return load_benchmarks()
    found = file.stat()
    return _with_kept(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=2)  # all schools of a home ask for the same, and reading the figures takes a fifth of a second
def _with_kept(file: Path, changed_ns: int, size: int) -> Benchmarks:
    return Benchmarks(_rows(file))


def update(home: Home, download: Path, *, to: dt.date | None, today: dt.date) -> Updated:
    """Take a download into the home: all of it or, with NotADownload, nothing. The same file twice changes nothing."""
    new = read_download(download.read_bytes(), to=to, today=today)
    before = _rows(kept_file(home))
    after = newer_rows(before, new)
    was = {tuple(row[name] for name in COLUMNS) for row in before}
    changed = sum(tuple(row[name] for name in COLUMNS) not in was for row in after)
    file = kept_file(home)
    if changed:
        bundled = {tuple(row[name] for name in COLUMNS) for row in bundled_rows()}
        own = [row for row in after if tuple(row[name] for name in COLUMNS) not in bundled]
        file.parent.mkdir(exist_ok=True)
        write_whole(file, as_csv(own).encode("utf-8"))
    return Updated(file, len(new), changed, max(dt.date.fromisoformat(row["data_to"]) for row in new))


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.exists():
        return list(bundled_rows())
    try:
        read_download(file.read_bytes())
    except NotADownload as spoilt:
        words = f"figures that `attendance benchmarks update` kept ({spoilt}); remove the file and update again"
        raise SettingsError(file, "", words) from None
    own = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"), newline="")))
    return newer_rows(bundled_rows(), own)
