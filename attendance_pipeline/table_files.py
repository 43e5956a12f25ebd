"""Files that a command was told to write: tables as CSV and Parquet as the contract wants them, and a page as it is.

Dates are ISO, nulls empty, ratios decimals with six places. A file is written beside its name and renamed when it is
complete, readable by its owner alone: most tables name pupils. One that must not replace another is written as a new
one. Which rows a table has is not decided here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pandas as pd

PRIVATE = 0o600


def write_csv(frames: Iterable[pd.DataFrame], out: IO[str]) -> None:
    """Frames of equal columns one after another, under one header."""
    for i, frame in enumerate(frames):
        frame.to_csv(out, index=False, header=i == 0, float_format="%.6f", date_format="%Y-%m-%d", lineterminator="\n")


def write_parquet(frames: Iterable[pd.DataFrame], out: Path) -> None:
    """One file; columns that hold dates only are dates in it."""
    parts = list(frames)
    # A part without rows has columns without a type, which would spoil the others'.
    pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True).to_parquet(out, index=False)


def _to_csv_file(frames: Iterable[pd.DataFrame], out: Path) -> None:
    with out.open("w", encoding="utf-8", newline="") as file:
        write_csv(frames, file)


_WRITERS: dict[str, Callable[[Iterable[pd.DataFrame], Path], None]] = {".csv": _to_csv_file, ".parquet": write_parquet}
ENDINGS = tuple(_WRITERS)


def write_table(frames: Iterable[pd.DataFrame], output: Path | None) -> None:
    """To a file by its ending (one of ENDINGS), or as CSV to the standard output."""
    if output is None:
        write_csv(frames, sys.stdout)
        return
    with _complete_or_not_at_all(output) as partial:
        _WRITERS[output.suffix](frames, partial)


def write_new(output: Path, data: bytes, numbered: bool = False) -> Path:
    """Write a file that is not there yet, readable by its owner alone; gives its path. `numbered`: where the name is
    taken, the next free one (-2, -3 ...). Raises FileExistsError, and leaves nothing half-written."""
    number = 1
    while True:
        file = output if number == 1 else output.with_stem(f"{output.stem}-{number}")
        try:
            descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), PRIVATE)
        except FileExistsError:
            if not numbered:
                raise
            number += 1
            continue
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(data)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        return file


def write_page(page: bytes, output: Path) -> None:
    """A page that is already made, such as the sample of a letter."""
    with _complete_or_not_at_all(output) as partial:
        partial.write_bytes(page)


@contextmanager
def _complete_or_not_at_all(file: Path) -> Iterator[Path]:
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, PRIVATE))
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
