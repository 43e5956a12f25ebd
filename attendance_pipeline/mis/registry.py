"""The shipped formats by name. A new format is one module, and one line here and one in `home_settings.FORMATS`.

Only the list. What a format has to do is in `formats.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from attendance_pipeline.mis.assembly import AssemblyFormat
from attendance_pipeline.mis.bromcom import BromcomWeekFormat
from attendance_pipeline.mis.ctf import CtfFormat
from attendance_pipeline.mis.formats import Format
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.sims_weekly import SimsWeekly
from attendance_pipeline.mis.sims_xml import SimsXml
from attendance_pipeline.mis.wonde import WondeFormat

_SHIPPED: tuple[Format, ...] = (
    NativeFormat(),
    AssemblyFormat(),
    BromcomWeekFormat(),
    CtfFormat(),
    SimsWeekly(),
    SimsXml(),
    WondeFormat(),
)  # fmt: skip


def formats() -> Mapping[str, Format]:
    """Every shipped format by the name that `mis` in the settings gives it."""
    return {f.name: f for f in _SHIPPED}
