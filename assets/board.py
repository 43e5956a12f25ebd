"""The board: the page that the attendance lead, and each class teacher, opens in the morning."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps.board import boards


@dg.asset(
    deps=["stage_statuses", "penalty_notice_eligibility", "letter_batches"],  # it shows what the night proposed
    group_name="deliveries",
    owners=["team:attendance-lead"],
    kinds={"html"},
    code_version="3",
    description="A page that opens from the shared drive without a server: the ladder as columns, today's lists, "
    "charts, cases near to a penalty notice, and for each pupil the year's marks, why, and the proof. One for the "
    "attendance lead, one for each class; made anew every night in the same place.",
)
@discreet
def attendance_board(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    return delivered(boards(site.site, context.run_id))
