"""The tables that are shipped beside the code of the law, as rows of text.

Belongs here: finding and reading a file. Not here: what a row means; the module that asks knows.
"""

from __future__ import annotations

import csv
import io
from importlib.resources import files


def shipped_rows(name: str) -> list[dict[str, str]]:
    """The rows of a shipped CSV file, by the names in its header."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))
