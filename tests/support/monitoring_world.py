"""The monitoring of an invented school (report_world.py), in the week to 13 February 2026. No expected answers."""

from __future__ import annotations

import datetime as dt

from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.register_inspection import Looked
from attendance_pipeline.derive.tried import Entry
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.reports.benchmarks import load_benchmarks
from attendance_pipeline.reports.monitoring_figures import Monitoring, MonitoringInputs, monitor

DAY = dt.date(2026, 2, 13)


def monitored(inputs: SchoolInputs, entries: list[Entry] | None = None) -> Monitoring:
    last = inputs.calendar.on_or_before(DAY)
    return monitor(
        MonitoringInputs(
            school_name="Oakfield",
            phase="Primary",
            derived=derive_school(inputs, 0, last),
            day=last,
            names={p: (f"Pupil No{p}", f"{p:05d}") for p in range(len(inputs))},
            families=[],
            entries=entries or [],
            looked=Looked(),
            published=load_benchmarks().compare(DAY, "Primary", "E08000035"),
            as_at="up to 13 February 2026",
        )
    )
