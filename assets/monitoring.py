"""Monitoring: each week, what the attendance lead and the leadership look at."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps import monitoring as step


@dg.asset(
    deps=["stage_statuses"],
    group_name="deliveries",
    owners=["team:attendance-lead"],
    kinds={"excel"},
    code_version="2",
    description="Registers inspected, codes analysed, groups, patterns, punctuality, lessons, benchmarks, and what was "
    "tried for which barrier, each school week: a workbook and a page for the attendance lead, a page without names "
    "for the leadership.",
)
@discreet
def monitoring(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    return delivered(step.monitoring(site.site, context.run_id))
