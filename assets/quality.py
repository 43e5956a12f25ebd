"""Asset checks of the register: is the day believable, and what was set aside.

The checks write their results into the warehouse, one row a school, class and day; letters are held or let go by
those rows, not by Dagster. So the severity is a warning, and `blocking` only means that letters wait until the rows are
there.
"""

import dagster as dg

from assets.resources import SiteResource
from attendance_pipeline.steps.check import check_register, set_aside

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
