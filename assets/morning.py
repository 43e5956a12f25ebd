"""This morning: the phone list and the parents' forms beside the marks, before the day is over."""

import datetime as dt

import dagster as dg
from pydantic import Field

from assets.discreet import discreet
from assets.made import delivered
from assets.resources import SiteResource
from attendance_pipeline.steps.morning import tell_morning
from attendance_pipeline.steps.plan import date_at


class MorningConfig(dg.Config):
    """`today`: the date (ISO); blank: today. `schools`: of which, by id; none: of all."""

    today: str = ""
    schools: list[str] = Field(default_factory=list)


@dg.asset(
    deps=["register"],
    group_name="deliveries",
    owners=["team:office"],
    kinds={"excel"},
    code_version="1",
    # The drive may be away for a moment, and in an hour the list is of no use any more.
    retry_policy=dg.RetryPolicy(max_retries=2, delay=20),
    description="From the extracts dropped this morning: whom the headteacher phones, who is absent and nobody knows "
    "why, and the parents' forms beside the marks. Nothing of it is stored and no letter follows. It does not replace "
    "first-day calling.",
)
@discreet
def phone_lists(context: dg.AssetExecutionContext, config: MorningConfig, site: SiteResource) -> dg.MaterializeResult:
    today = dt.date.fromisoformat(config.today) if config.today else date_at(site.site, dt.datetime.now(dt.UTC))
    return delivered(tell_morning(site.site, today, context.run_id, config.schools))
