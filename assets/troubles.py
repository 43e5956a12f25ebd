"""Whether every school was well: the last step of a run, and the one that makes it fail when one was not.

One school's failure holds only that school, so no step fails of it while there are other schools to do. This check
comes when all else of the run is done, says which schools failed in what, and then fails, so that whoever is told of
failed runs is told of this one.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.discreet import discreet
from assets.resources import SiteResource
from attendance_pipeline.steps.troubles import failure, told, troubles_of_run

EVERY_SCHOOL_WELL = "every_school_well"
REGISTER = dg.AssetKey("register")


def every_school_well(after: Sequence[str]) -> dg.AssetChecksDefinition:
    """The check, after these assets where they are in the same run."""

    @dg.multi_asset_check(
        name=EVERY_SCHOOL_WELL,
        specs=[
            dg.AssetCheckSpec(
                EVERY_SCHOOL_WELL,
                asset=REGISTER,
                additional_deps=[name for name in after if name != REGISTER.to_user_string()],
                description="Whether all steps of the run worked for every school. A school in which one failed is "
                "passed over by what comes after; the others are done, and the next night tries it again. The run "
                "fails here, at its end.",
            )
        ],
    )
    @discreet
    def check(context: dg.AssetCheckExecutionContext, site: SiteResource) -> Iterator[dg.AssetCheckResult]:
        home, found = site.site.home, troubles_of_run(site.site)
        schools = sorted({t.school for t in found})
        lines = ["| school | what |", "|---|---|", *(f"| {t.school} | {failure(t).replace('|', ' ')} |" for t in found)]
        yield dg.AssetCheckResult(
            check_name=EVERY_SCHOOL_WELL,
            asset_key=REGISTER,
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                "schools": len(home.schools),
                "schools that failed": len(schools),
                "what failed": dg.MetadataValue.md("\n".join(lines) if found else "Nothing."),
            },
        )
        if found:
            all_told = "\n".join(told(home, found))
            raise dg.Failure(f"{len(schools)} of {len(home.schools)} schools failed; the others are done.\n{all_told}")

    return check
