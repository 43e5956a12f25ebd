"""Reports: the governor report of a half-term."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps import deliver


def governor_reports(half_terms: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=half_terms,
        # A half-term is not a fold of whole days for Dagster: the report derives its days again.
        deps=[
            dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
            for name in ("attendance_measures", "stage_statuses", "penalty_notice_eligibility")
        ],
        group_name="deliveries",
        owners=["team:headteacher"],
        kinds={"pdf"},
        code_version="3",
        description="For governors at the end of a half-term, or on request before: a page to read in two minutes, "
        "then the detail. Attendance beside published figures, absence, the ladder and its effect, penalty notices; of "
        "each school, and of all schools of the home together. No pupil is named, and small groups are hidden.",
    )
    @discreet
    def governor_reports(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
        return delivered(deliver.governors(site.site, context.partition_key, context.run_id))

    return governor_reports
