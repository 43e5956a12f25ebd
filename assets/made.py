"""What an asset that delivers says of its deliveries: counts and folders, no names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from attendance_pipeline.steps.deliver import Made


def delivered(made: Sequence[Made], counts: Mapping[str, int] | None = None) -> dg.MaterializeResult:
    """Counts by school in a table, and the folders by their path on the drive."""
    lines = ["| school | how many | |", "|---|---|---|", *(f"| {m.school} | {m.count} | {m.note} |" for m in made)]
    folders = [f"- `{folder.as_posix()}`" for m in made for folder in m.folders]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(m.count for m in made),
            **(counts or {}),
            "by school": dg.MetadataValue.md("\n".join(lines)),
            **{f"chart of {m.school}": dg.MetadataValue.md(m.chart) for m in made if m.chart},
            "delivered to": dg.MetadataValue.md("\n".join(folders) or "nothing new"),
        }
    )
