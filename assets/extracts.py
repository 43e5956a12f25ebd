"""What the school's information system said: the extracts in the inbox, observed and taken in.

Observing takes in what lies in the inbox (kept under its hash, in one transaction a school) and reports a hash of the
marks of every school day that reads otherwise than when it was last observed. A corrected day gets a new version, so
that exactly the corrected days of `register` become stale. An extract that says nothing new changes nothing; and a day
that reads as before is not reported again, because each report is an event that Dagster keeps for ever.
"""

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from assets.discreet import discreet
from assets.resources import SiteResource
from attendance_pipeline.steps.decided import take_back_workbooks
from attendance_pipeline.steps.intake import NO_MARKS, day_versions, take_in
from attendance_pipeline.steps.plan import unfinished_day
from attendance_pipeline.steps.troubles import told, troubles_of_run

EXTRACTS = dg.AssetKey("mis_extracts")
_VERSION = "dagster/data_version"  # the tag under which Dagster keeps an observed version


def mis_extracts(days: dg.DailyPartitionsDefinition) -> dg.SourceAsset:
    @dg.observable_source_asset(
        name=EXTRACTS.to_user_string(),
        partitions_def=days,
        group_name="from_the_school",
        description="Daily extracts of the school's information system, dropped into `inbox/<school>/`. "
        "Each is kept, read-only, under its hash; rows that cannot be used are set aside and counted.",
        tags={"dagster/kind/files": ""},  # this decorator has no `kinds`
    )
    @discreet
    def observe(context, site: SiteResource) -> dg.DataVersionsByPartition:
        returned = take_back_workbooks(site.site)
        for problem in returned.problems:
            context.log.warning(problem)
        for loaded in take_in(site.site, unfinished=unfinished_day(site.site, dt.datetime.now(dt.UTC))):
            context.log.info("\n".join([loaded.summary(), *loaded.busy]))
        for line in told(site.site.home, troubles_of_run(site.site)):
            context.log.error(line)
        before, now = observed(context.instance), day_versions(site.site)
        if now is None:
            context.log.error("The marks of a school cannot be read: nothing is said of which days read otherwise.")
            return dg.DataVersionsByPartition({})
        now |= dict.fromkeys(before.keys() - now.keys(), NO_MARKS)
        changed = {day: version for day, version in sorted(now.items()) if before.get(day) != version}
        corrected = [day for day in changed if day in before]
        context.log.info(f"{len(changed)} school days read otherwise; corrected days: {', '.join(corrected) or 'none'}")
        return dg.DataVersionsByPartition({day: dg.DataVersion(version) for day, version in changed.items()})

    return observe


def observed(instance: dg.DagsterInstance) -> Mapping[str, str]:
    """The version of each day as it was last observed, by ISO date."""
    # Dagster's own way to this; there is no public one that does not read every event (1.13).
    tags = instance.event_log_storage.get_latest_tags_by_partition(
        EXTRACTS, dg.DagsterEventType.ASSET_OBSERVATION, [_VERSION]
    )
    return {day: of_day[_VERSION] for day, of_day in tags.items() if _VERSION in of_day}
