"""The impact report: what late corrections have changed."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps.impact import impact


@dg.asset(
    deps=["stage_statuses", "penalty_notice_eligibility", "letter_batches"],
    group_name="deliveries",
    owners=["team:data-manager"],
    kinds={"excel"},
    code_version="2",
    description="After each load: marks changed and how far back, stages and cases that now differ, letters sent that "
    "would not be sent today, letters now owed. Nothing is delivered when nothing that was derived before changed.",
)
@discreet
def impact_reports(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    found = impact(site.site, context.run_id)
    totals: dict[str, int] = {}
    for _, of_school in found:
        for what, count in of_school.counts.items():
            totals[what] = totals.get(what, 0) + count
    return delivered([made for made, _ in found], totals)
