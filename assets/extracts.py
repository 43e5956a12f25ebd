"""What the school's information system said: the extracts in the inbox, observed and taken in.

Observing takes in what lies in the inbox (kept under its hash, in one transaction a school) and reports, for every
school day, a hash of the marks that stand on it. A corrected day gets a new version, so that exactly the corrected
days of `register` become stale. An extract that says nothing new changes nothing.
"""

import dagster as dg

from assets.resources import SiteResource
from attendance_pipeline.steps.intake import day_versions, take_in


def mis_extracts(days: dg.DailyPartitionsDefinition) -> dg.SourceAsset:
    @dg.observable_source_asset(
        name="mis_extracts",
        partitions_def=days,
        group_name="from_the_school",
        description="Daily extracts of the school's information system, dropped into `inbox/<school>/`. "
        "Each is kept, read-only, under its hash; rows that cannot be used are set aside and counted.",
        tags={"dagster/kind/files": ""},  # this decorator has no `kinds`
    )
    def observe(context, site: SiteResource) -> dg.DataVersionsByPartition:
        for loaded in take_in(site.site):
            context.log.info(loaded.summary())
        return dg.DataVersionsByPartition(
            {day: dg.DataVersion(version) for day, version in day_versions(site.site).items()}
        )

    return observe
