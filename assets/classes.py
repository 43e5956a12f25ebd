"""Classes: each class teacher's list of a week, and the pack of a fortnight's pastoral meeting."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps import classes


@dg.asset(
    deps=["stage_statuses"],
    group_name="deliveries",
    owners=["team:attendance-lead"],
    kinds={"pdf"},
    code_version="3",
    description="For each class teacher, on a page of its own: the week, attendance, change since last week, lates, "
    "stage, next step and pattern of every pupil of the class; and all classes in one file for the attendance lead.",
)
@discreet
def class_lists(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    return delivered(classes.class_lists(site.site, context.run_id))


@dg.asset(
    deps=["stage_statuses"],
    group_name="deliveries",
    owners=["team:attendance-lead"],
    kinds={"pdf"},
    code_version="2",
    description="For the pastoral meeting of two school weeks: how attendance and the ladder moved, every pupil on the "
    "ladder with what was done, and what to decide. What names courts, care or safeguarding goes to the restricted "
    "folder alone.",
)
@discreet
def pastoral_packs(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    return delivered(classes.pastoral_packs(site.site, context.run_id))
