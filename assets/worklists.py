"""Worklists: who has to do what by when, on the newest day."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps.worklists import worklists as deliver_worklists


@dg.asset(
    deps=["stage_statuses", "penalty_notice_eligibility"],
    group_name="deliveries",
    owners=["team:attendance-lead"],
    kinds={"excel"},
    code_version="4",
    description="One workbook an owner: tasks of the ladder with their dates, overdue ones first, marks still to be "
    "resolved, letters that wait, reviews due, parents' notifications beside the marks, the day's registers, the two "
    "statutory returns, the headteacher's phone list. A task closes when the "
    "intervention log says that it was done.",
)
@discreet
def worklists(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    return delivered(deliver_worklists(site.site, context.run_id))
