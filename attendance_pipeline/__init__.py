"""The school's world: what is true. Plain Python, NumPy and pandas.

Nothing below this package imports Dagster, except `definitions.py`, the roof. This file imports nothing, so that the
roof can look up at `assets` and `schedules` without a circle.
"""
