"""The morning's sensor: sees a register extract dropped before ten on a school day, and asks for the phone list.

Belongs here: whether a school's morning files are there, whole and new. Not here: reading them (`steps/morning.py`),
other times (`timetable.py`).

A file counts when it lies under its own name, nobody has it open, and it has not changed since the sensor looked last
or for a minute. What was asked for is remembered by the files' names, sizes and times: the same files are never asked
for twice, a file that is added or replaced is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from assets.discreet import discreet
from attendance_pipeline.home import School, find_home, open_home
from attendance_pipeline.steps.morning_files import Listed, morning_listing
from schedules.jobs import morning
from schedules.timetable import told

LOOK_SECONDS = 45
STILL = dt.timedelta(minutes=1)
# A file dropped on the last stroke has to be seen to lie still.
AFTERWARDS = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Seen:
    """What the sensor remembers of a school: which files lay there when it looked last, and which it has asked for."""

    last: str = ""
    asked: str = ""


@dataclass(frozen=True)
class Look:
    """What came of looking at a school: what to remember, and whether its phone list is to be made now."""

    seen: Seen
    ask: bool = False


def look(school: School, listed: Sequence[Listed], now: dt.datetime, until: dt.time, before: Seen) -> Look:
    """What the files of a school's inbox come to at a moment, in the home's time zone.

    Nothing on a day without school, later than ten minutes after `until`, without a register extract of today, or of
    files that were changed after `until`; nothing yet while one of them is open or still changes.
    """
    today = now.date()
    end = dt.datetime.combine(today, until, now.tzinfo)
    if school.calendar.index(today) is None or now > end + AFTERWARDS:
        return Look(before)
    in_time = [f for f in listed if f.changed <= end]
    if not any(f.kind == "register" and (f.day or f.changed.astimezone(now.tzinfo).date()) == today for f in in_time):
        return Look(before)
    mark = hashlib.sha256(repr([(f.name, f.stamp) for f in in_time]).encode()).hexdigest()[:16]
    if mark == before.asked:
        return Look(before)
    still = mark == before.last or all(now - f.changed >= STILL for f in in_time)
    if not still or any(f.busy for f in in_time):
        return Look(Seen(mark, before.asked))
    return Look(Seen(mark, mark), ask=True)


def remembered(cursor: str | None, today: dt.date) -> dict[str, Seen]:
    """What a cursor says, by school; nothing of another day, and of a cursor that cannot be read."""
    try:
        said: Mapping[str, Any] = json.loads(cursor or "{}")
        if said.get("day") != today.isoformat():
            return {}
        return {school: Seen(str(last), str(asked)) for school, (last, asked) in said["schools"].items()}
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}


def cursor_of(seen: Mapping[str, Seen], today: dt.date) -> str:
    return json.dumps({"day": today.isoformat(), "schools": {s: [m.last, m.asked] for s, m in sorted(seen.items())}})


def at(context: dg.SensorEvaluationContext, now: dt.datetime) -> dg.SensorResult:
    """What the sensor does at a moment (aware)."""
    home = open_home(find_home())
    local, until = now.astimezone(ZoneInfo(home.time_zone)), home.settings.morning.until
    if local > dt.datetime.combine(local.date(), until, local.tzinfo) + AFTERWARDS:
        return dg.SensorResult(skip_reason="The morning is over.", cursor=context.cursor)
    before = remembered(context.cursor, local.date())
    found = {s.id: look(s, morning_listing(s), local, until, before.get(s.id, Seen())) for s in home.schools}
    seen = {school: look.seen for school, look in found.items()}
    ready = sorted(school for school, look in found.items() if look.ask)
    cursor = cursor_of(seen, local.date())
    if not ready:
        return dg.SensorResult(skip_reason="No new morning extract lies still in an inbox.", cursor=cursor)
    key = hashlib.sha256(repr([(s, seen[s].asked) for s in ready]).encode()).hexdigest()[:16]
    config = {"today": local.date().isoformat(), "schools": ready}
    request = dg.RunRequest(
        run_key=f"morning {local.date()} {key}", run_config={"ops": {"phone_lists": {"config": config}}}
    )
    return dg.SensorResult(run_requests=[request], cursor=cursor)


@dg.sensor(
    job=morning,
    name="morning_extracts",
    minimum_interval_seconds=LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="On school days, when a register extract of today was dropped into an inbox by 10:00 (or as the "
    "settings say) and lies still: this morning's phone list and the parents' forms beside the marks. No letter, no "
    "page. It does not replace first-day calling.",
    metadata=told(
        "Headteacher and office (phone list), attendance lead.",
        "Nothing: the morning is over. The night takes the complete extract as on every day. `attendance morning` "
        "makes the list by hand.",
    ),
)
@discreet
def morning_extracts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    return at(context, dt.datetime.now(dt.UTC))
