"""Letters: proposed once, held where a person must look, printed on letter days."""

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps.deliver import letters
from attendance_pipeline.steps.propose import propose


@dg.asset(
    deps=["stage_statuses", "penalty_notice_eligibility"],
    group_name="letters",
    owners=["team:attendance-lead"],
    kinds={"jinja", "pdf"},
    code_version="2",
    description="Every opening of a stage gets its letter, once: proposed, or held with a reason. On letter days the "
    "print file, one PDF a letter, the batch list and the list of held letters go to the drive. Nothing is sent here: "
    "a person approves, and says when it was sent.",
)
@discreet
def letter_batches(context: dg.AssetExecutionContext, site: SiteResource) -> dg.MaterializeResult:
    proposed = propose(site.site)
    made = letters(site.site, context.run_id)
    return delivered(
        made,
        {
            "new to the ledger": sum(p.new for p in proposed),
            "newly held": sum(p.newly_held for p in proposed),
            "moved to another state": sum(p.moved for p in proposed),
            "school days decided": max((p.days for p in proposed), default=0),
            **{f"to look at: {words}": count for p in proposed for words, count in p.findings.items()},
        },
    )
