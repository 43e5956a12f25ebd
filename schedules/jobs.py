"""The jobs: what is run together. Each runs in one process, because a step here takes less time than starting one."""

from __future__ import annotations

import dagster as dg

from assets.quality import no_corrected_day_waits, nothing_set_aside, plausible_days
from assets.troubles import EVERY_SCHOOL_WELL, REGISTER

DERIVED = ("attendance_measures", "stage_statuses", "penalty_notice_eligibility")
DAYS = ("register", *DERIVED)
NIGHTLY_OUTPUTS = ("letter_batches", "worklists", "attendance_board", "impact_reports", "data_quality")

_WAITING = dg.AssetSelection.checks(no_corrected_day_waits)
# The last step of every run but of taking in: the nightly run follows that only when it has worked, and says what went
# wrong in both.
_WELL = dg.AssetSelection.checks(dg.AssetCheckKey(REGISTER, EVERY_SCHOOL_WELL))
_CHECKS = dg.AssetSelection.checks(plausible_days, nothing_set_aside) | _WAITING | _WELL

take_in_extracts = dg.define_asset_job(
    "take_in_extracts",
    selection=dg.AssetSelection.assets("mis_extracts") | _WAITING,
    executor_def=dg.in_process_executor,
    description="Loads what lies in the inboxes and says which school days now read otherwise. Makes nothing else.",
)

nightly = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.assets(*DAYS, *NIGHTLY_OUTPUTS) | _CHECKS,
    executor_def=dg.in_process_executor,
    description="For the days of the run: the register, attendance, stages and penalty-notice thresholds; then the "
    "letters, worklists and board of the newest day, and what there is to do about the data.",
)

_AGAIN = dg.AssetSelection.assets(*DAYS, "impact_reports", "data_quality").without_checks() | _WELL

backfill = dg.define_asset_job(
    "backfill",
    selection=_AGAIN,
    executor_def=dg.in_process_executor,
    description="Derives any range of days again, in one run, from what is kept. Proposes and "
    "sends nothing; ends with an impact report where something that was derived before changed, and with what there is "
    "to do about the data where that changed.",
)

# A job of its own, so that nobody has to write settings into a box of the page.
backfill_as_recorded = dg.define_asset_job(
    "backfill_as_recorded",
    selection=_AGAIN,
    executor_def=dg.in_process_executor,
    config={"ops": {name: {"config": {"as_recorded": True}} for name in DERIVED}},
    description="As `backfill`, but each day from what was known on it, not from every mark loaded. A later night "
    "leaves such days alone; `backfill` puts them back.",
)


def _alone(name: str, asset: str, description: str) -> dg.UnresolvedAssetJobDefinition:
    """A job that makes one asset and nothing else."""
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(asset) | _WELL,
        executor_def=dg.in_process_executor,
        description=description,
    )


weekly_class_lists = _alone(
    "weekly_class_lists",
    "class_lists",
    "Each class teacher's list of the week, and the bundle of all classes for the attendance lead.",
)

weekly_monitoring = _alone(
    "weekly_monitoring",
    "monitoring",
    "The monitoring of the school week that has ended, for the attendance lead and the leadership.",
)

fortnightly_pastoral_packs = _alone(
    "fortnightly_pastoral_packs",
    "pastoral_packs",
    "The pack of the pastoral meeting of two school weeks.",
)

punctuality_raffle = _alone(
    "punctuality_raffle",
    "punctuality_raffles",
    "Draws the punctuality raffle of each school week that has ended without one, once and for good.",
)

attendance_prize_pot = _alone(
    "attendance_prize_pot",
    "prize_pots",
    "Draws the prize pot of each round of school weeks that has ended without one, once and for good.",
)

governor_report = _alone(
    "governor_report",
    "governor_reports",
    "The governor report of one half-term, for every school whose calendar has it.",
)

letter_day_readiness = _alone(
    "letter_day_readiness",
    "letter_readiness",
    "What still stands in the way of the next letter day of each school, two school days before it.",
)

school_year = _alone(
    "school_year",
    "school_year_notes",
    "What has to be entered for the next school year, while there is time for it.",
)

morning = _alone(
    "morning",
    "phone_lists",
    "This morning's phone list and the parents' forms beside the marks, from the extracts that lie in the inboxes.",
)

JOBS = (
    take_in_extracts,
    nightly,
    backfill,
    backfill_as_recorded,
    weekly_class_lists,
    weekly_monitoring,
    fortnightly_pastoral_packs,
    punctuality_raffle,
    attendance_prize_pot,
    governor_report,
    letter_day_readiness,
    school_year,
    morning,
)
