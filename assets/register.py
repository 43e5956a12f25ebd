"""The register: every version of every mark, and for each day the one that counts."""

from collections.abc import Collection

import dagster as dg

from assets.discreet import discreet
from assets.partitions import ONE_RUN
from assets.resources import SiteResource
from attendance_pipeline.steps.intake import corrected_days, day_versions, note_counted, register_counts

CODE_VERSION = "1"
MOST_TOLD = 20


def register(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=days,
        backfill_policy=ONE_RUN,
        deps=["mis_extracts"],
        group_name="register",
        owners=["team:data-manager"],
        kinds={"sqlalchemy"},
        code_version=CODE_VERSION,
        description="All marks of a school day as they stand now: of each session the newest version. Earlier versions "
        "are kept for ever, with the file and line each came from.",
    )
    @discreet
    def register(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
        counts = register_counts(site.site, context.partition_keys)
        corrected = {day.isoformat() for day in corrected_days(site.site)} & counts.keys()
        for key, count in counts.items():
            context.add_asset_metadata(
                {"marks": count.marks, "pupils marked": count.pupils, "corrected": key in corrected}, partition_key=key
            )
        versions = day_versions(site.site) or {}
        note_counted(site.site, context.partition_keys)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(_together(versions.get(k, "") for k in context.partition_keys)),
            metadata={
                "days": len(counts),
                "dagster/row_count": sum(c.marks for c in counts.values()),
                "amendments": sum(c.amendments for c in counts.values()),
                "corrected days": len(corrected),
                "which were corrected": some_days(corrected),
            },
        )

    return register


def some_days(days: Collection[str]) -> str:
    """The first twenty days and how many more there are, or `none`."""
    told = sorted(days)[:MOST_TOLD]
    return ", ".join(told) + (f" and {len(days) - len(told)} more" if len(days) > len(told) else "") or "none"


def _together(versions: object) -> str:
    import hashlib

    return hashlib.sha256("\n".join(versions).encode()).hexdigest()[:16]  # type: ignore[arg-type]  # strings
