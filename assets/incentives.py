"""Incentives: the weekly punctuality raffle and the prize pot, each drawn once."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps import incentives


@dg.asset(
    deps=["register"],
    group_name="deliveries",
    owners=["team:attendance-lead"],
    kinds={"pdf"},
    code_version="1",
    description="One winner a year group among the pupils who came and were never late in a school week, with the seed "
    "and the tickets of the draw, and certificates. A draw is made once and kept: nothing draws it again.",
)
@discreet
def punctuality_raffles(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    return delivered(incentives.raffles(site.site, context.run_id))


@dg.asset(
    deps=["attendance_measures"],
    group_name="deliveries",
    owners=["team:attendance-lead"],
    kinds={"pdf"},
    code_version="1",
    description="In each year group the best and the most improved attendance of some school weeks (six, unless the "
    "policy says otherwise), drawn by a recorded seed where pupils are alike, with certificates. Drawn once and kept.",
)
@discreet
def prize_pots(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    return delivered(incentives.prize_pots(site.site, context.run_id))
