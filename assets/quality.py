"""Asset checks of the register: is the day believable, and what was set aside.

The checks write their results into the warehouse, one row a school, class and day; letters are held or let go by
those rows, not by Dagster. So the severity is a warning, and `blocking` only means that letters wait until the rows are
there.
"""

import dagster as dg

from assets.extracts import EXTRACTS
from assets.register import some_days
from assets.resources import SiteResource
from attendance_pipeline.steps.check import check_register, set_aside
from attendance_pipeline.steps.intake import corrected_days

REGISTER = dg.AssetKey("register")


@dg.asset_check(
    asset=REGISTER,
    name="plausible_days",
    blocking=True,
    description="Great Expectations on the newest days: registers taken, share of marks, N codes, sudden jumps. A "
    "school or class that falls short is not ready, and its letters are held until it is.",
)
def plausible_days(context: dg.AssetCheckExecutionContext, site: SiteResource) -> dg.AssetCheckResult:
    summary = check_register(site.site)
    return dg.AssetCheckResult(
        passed=summary.short == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "checks made": summary.made,
            "checks that fell short": summary.short,
            "days looked at": summary.days,
            "what fell short": dg.MetadataValue.md(summary.markdown),
        },
    )


@dg.asset_check(
    asset=REGISTER,
    name="nothing_set_aside",
    description="Rows and files in quarantine: each with file, line, column and rule. `attendance export quarantine` "
    "lists them.",
)
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
def no_corrected_day_waits(context: dg.AssetCheckExecutionContext, site: SiteResource) -> dg.AssetCheckResult:
    days = [day.isoformat() for day in corrected_days(site.site)]
    return dg.AssetCheckResult(
        passed=not days,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"corrected days": len(days), "which": some_days(days)},
    )
