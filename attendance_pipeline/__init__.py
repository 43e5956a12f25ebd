"""The school's world: what is true. Plain Python, NumPy and pandas.

Nothing below this package imports Dagster, except the roof (`definitions.py`) and what stands on it: `running.py`,
which runs jobs. This file imports nothing, so that the roof can look up at `assets` and `schedules` without a circle.
"""
