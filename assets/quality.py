"""Asset checks of the register, and what is told of them: are its days believable, and what was set aside.

The checks write their results into the warehouse, by school, class and day; letters are held or let go by those rows,
not by Dagster. So the severity is a warning, and `blocking` only means that letters wait until the rows are
there.
"""

from collections.abc import Iterator

import dagster as dg

from assets.discreet import discreet
from assets.extracts import EXTRACTS
from assets.made import delivered
from assets.register import some_days
from assets.resources import SiteResource
from attendance_pipeline.steps.check import GROUPS, check_register, set_aside, summaries
from attendance_pipeline.steps.data_quality import data_quality as tell
from attendance_pipeline.steps.intake import corrected_days

REGISTER = dg.AssetKey("register")


@dg.multi_asset_check(
    name="plausible_days",
    specs=[
        # Letters wait until the results are there, whether they are good or bad.
        dg.AssetCheckSpec(name, asset=REGISTER, description=description, blocking=True)
        for name, description in GROUPS.items()
    ],
)
@discreet
def plausible_days(context: dg.AssetCheckExecutionContext, site: SiteResource) -> Iterator[dg.AssetCheckResult]:
    for name, found in summaries(check_register(site.site)).items():
        yield dg.AssetCheckResult(
            check_name=name,
            passed=found.short == 0,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "fell short": found.short,
                "of which letters wait for": found.holding,
                "earlier in the year, not settled": found.earlier,
                "figures looked at": found.looked_at,
                "what fell short": dg.MetadataValue.md(found.markdown),
            },
        )


@dg.asset(
    deps=["register"],
    group_name="deliveries",
    owners=["team:data-manager"],
    kinds={"greatexpectations"},
    code_version="1",
    description="What the data manager is to do: days, classes and rolls that fell short, with the Data Docs of Great "
    "Expectations, and the rows that were set aside. Delivered when something fell short, was settled or was set aside "
    "since the last time; nothing of any pupil stands in it.",
)
@discreet
def data_quality(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    found = tell(site.site, context.run_id)
    return delivered(
        [made for made, _ in found],
        {
            "school days looked at": sum(len(looked.asked.figures) for _, looked in found),
            "figures looked at": sum(looked.made for _, looked in found),
        },
    )


@dg.asset_check(
    asset=REGISTER,
    name="nothing_set_aside",
    description="Rows and files in quarantine: each with file, line, column and rule. `attendance export quarantine` "
    "lists them.",
)
@discreet
def nothing_set_aside(context: dg.AssetCheckExecutionContext, site: SiteResource) -> dg.AssetCheckResult:
    counts = set_aside(site.site)
    total = sum(counts.values())
    table = "\n".join(["| rule | rows |", "|---|---|", *(f"| {rule} | {count} |" for rule, count in counts.items())])
    return dg.AssetCheckResult(
        passed=total == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"set aside": total, "by rule": dg.MetadataValue.md(table)},
    )


@dg.asset_check(
    asset=REGISTER,
    name="no_corrected_day_waits",
    additional_deps=[EXTRACTS],  # after they were taken in, where both are in one run
    description="School days whose marks were corrected since the register was last counted. The next nightly run "
    "derives every day from the first of them to the newest again. Dagster calls just these days of `register` "
    "unsynced; here they are named, because its pages show that only of one day at a time.",
)
@discreet
def no_corrected_day_waits(context: dg.AssetCheckExecutionContext, site: SiteResource) -> dg.AssetCheckResult:
    days = [day.isoformat() for day in corrected_days(site.site)]
    return dg.AssetCheckResult(
        passed=not days,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"corrected days": len(days), "which": some_days(days)},
    )
