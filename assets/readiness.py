"""Readiness: what stands in the way of a letter day, and of the next school year, told before it is too late."""

import datetime as dt

import dagster as dg

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps.before_letters import tell_readiness
from attendance_pipeline.steps.plan import next_school_day
from attendance_pipeline.steps.school_year import tell_school_year
from attendance_pipeline.steps.site import Site


class OnConfig(dg.Config):
    """`today`: the date (ISO) as of which it is told; blank: the school day after the newest that is done."""

    today: str = ""


def _today(config: OnConfig, site: Site) -> dt.date:
    return dt.date.fromisoformat(config.today) if config.today else next_school_day(site)


@dg.asset(
    deps=["register", "letter_batches"],
    group_name="deliveries",
    owners=["team:data-manager"],
    kinds={"excel"},
    code_version="1",
    description="What still stands in the way of a school's next letter day: registers and extracts that are missing, "
    "codes N, rows set aside, held letters by reason, families without an address, faults of templates, letters that "
    "nobody has answered. Once for each letter day, with counts and classes and no pupil.",
)
@discreet
def letter_readiness(context: dg.AssetExecutionContext, config: OnConfig, site: SiteResource) -> dg.MaterializeResult:
    return delivered(tell_readiness(site.site, _today(config, site.site), context.run_id))


@dg.asset(
    deps=["register"],
    group_name="deliveries",
    owners=["team:data-manager"],
    kinds={"excel"},
    code_version="1",
    description="What has to be entered for the next school year: the calendar before it ends, rules that end, new "
    "class teachers, leavers and the new intake. Told some weeks before, in the last week, and when the year begins.",
)
@discreet
def school_year_notes(context: dg.AssetExecutionContext, config: OnConfig, site: SiteResource) -> dg.MaterializeResult:
    return delivered(tell_school_year(site.site, _today(config, site.site), context.run_id))
