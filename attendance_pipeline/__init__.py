"""The school's world: what is true. Plain Python, NumPy and pandas.

Nothing below this package imports Dagster, except the roof (`definitions.py`) and what stands on it: `running.py`,
which runs jobs. This file imports nothing until it is asked, so that the roof can look up at `assets` and `schedules`
without a circle, and a command loads no more than it needs. What analysts import, `open_home`, is in `notebooks.py`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["open_home"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from attendance_pipeline.notebooks import open_home

    return open_home
