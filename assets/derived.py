"""What follows from the register, day by day: attendance measures, intervention stages, penalty-notice thresholds.

Each asset derives its own table for the days of the run and keeps it; the rules are in `attendance_pipeline/derive/`.
"""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from assets.discreet import discreet
from assets.partitions import ONE_RUN
from assets.resources import SiteResource
from attendance_pipeline.steps.restate import restate


class RestateConfig(dg.Config):
    """`as_recorded`: each day from what was known on it, instead of from every mark loaded."""

    as_recorded: bool = False


def derived_asset(
    days: dg.DailyPartitionsDefinition,
    name: str,
    *,
    after: Sequence[str],
    tables: Sequence[str],
    code_version: str,
    description: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        partitions_def=days,
        backfill_policy=ONE_RUN,
        deps=list(after),
        group_name="attendance",
        owners=["team:attendance-lead"],
        kinds={"numba"},
        code_version=code_version,
        description=description,
    )
    @discreet
    def derive(context: dg.AssetExecutionContext, config: RestateConfig, site: SiteResource) -> dg.MaterializeResult:
        keys = [dt.date.fromisoformat(key) for key in context.partition_keys]
        made = restate(site.site, keys, tables, as_recorded=config.as_recorded, step=name)
        for key, rows in made.rows.items():
            context.add_asset_metadata({"dagster/row_count": rows}, partition_key=key)
        return dg.MaterializeResult(
            metadata={
                "days": len(keys),
                "from": keys[0].isoformat(),
                "to": keys[-1].isoformat(),
                "rows": made.total,
                "marks used": "those known on each day" if config.as_recorded else "every mark loaded",
            }
        )

    return derive


def attendance_measures(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    return derived_asset(
        days,
        "attendance_measures",
        after=["register"],
        tables=["measures", "groups"],
        code_version="2",
        description="Attendance of every pupil on roll, and of every class, year, cohort and school, for the year to "
        "date, the term to date and the last four school weeks. Exact counts of sessions, never rounded.",
    )


def stage_statuses(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    return derived_asset(
        days,
        "stage_statuses",
        after=["attendance_measures"],
        tables=["stages", "stage_events"],
        code_version="2",
        description="Where every pupil on roll stands on the school's ladder of interventions, stages 0 to 4, and what "
        "happened on the day: opened, escalated, recovered ...",
    )


def penalty_notice_eligibility(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    return derived_asset(
        days,
        "penalty_notice_eligibility",
        after=["attendance_measures"],
        tables=["penalty_notices"],
        code_version="1",
        description="For every pupil and rule: unauthorised sessions counted, and whether a penalty notice must be "
        "considered. A person decides.",
    )
