"""A demo home: a trust of fictitious schools with a term and a half of extracts waiting in their inboxes.

Belongs here: putting together what the other modules of `demo/` invent. Not here: running anything on it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from attendance_pipeline.demo import names
from attendance_pipeline.demo.extracts import Invented, write_extracts
from attendance_pipeline.demo.families import invent_contacts
from attendance_pipeline.demo.forms import send_forms
from attendance_pipeline.demo.marks import draw_marks, minutes_late
from attendance_pipeline.demo.people import class_names, invent_pupils, teacher_name, teachers
from attendance_pipeline.demo.profiles import draw_profiles
from attendance_pipeline.demo.recording import record
from attendance_pipeline.demo.staff import keep_log
from attendance_pipeline.home import SETTINGS_FILE, SHIPPED_POLICY, School, make_home, open_home
from attendance_pipeline.law.policy import shipped_policy_text

TODAY = dt.date(2026, 2, 13)  # the last school day before the half-term in February
FEWEST_PUPILS = 30


@dataclass(frozen=True)
class DemoPlan:
    """What was made. `today`: the last school day with extracts; `term`: first school day and the last before today."""

    home: Path
    today: dt.date
    term: tuple[dt.date, dt.date]
    school_ids: tuple[str, ...]
    pupils: int
    extracts: int


def make_demo_home(path: Path | str, *, pupils: int = 420, schools: int = 1, seed: int = 1) -> DemoPlan:
    """Make a home of `schools` fictitious primary schools of `pupils` each. The same seed gives the same bytes.

    Raises SettingsError when the folder is a home already, ValueError for numbers of nothing.
    """
    if pupils < FEWEST_PUPILS or schools < 1 or seed < 0:
        raise ValueError(f"expected at least {FEWEST_PUPILS} pupils, one school and a seed of 0 or more")
    folder = Path(path).expanduser().resolve()
    ids = [names.school_name(k).removesuffix(" Primary School").lower().replace(" ", "-") for k in range(schools)]
    make_home(folder, _settings(ids), ids)
    home = open_home(folder)
    count = on_roll = 0
    for k, school in enumerate(home.schools):
        invented = invent_school(school, k, pupils, seed)
        count += write_extracts(school.inbox, invented)
        on_roll += len(invented.pupils)
    days = home.schools[0].calendar
    last = days.on_or_before(TODAY)
    return DemoPlan(folder, TODAY, (days.date(0), days.date(last - 1)), tuple(ids), on_roll, count)


def invent_school(school: School, number: int, pupils: int, seed: int) -> Invented:
    """Everything about the demo's school `number` (0, 1 …), from the first day of its calendar to TODAY."""
    # One stream for each matter, so that a change to one leaves the others as they are.
    parts = (np.random.default_rng([seed, number, part]) for part in range(7))
    people, mark, entering, staff, kin, fault, parents = parts
    calendar = school.calendar
    staffed = teachers(people, class_names(pupils), f"{school.id}.example")
    successor = teacher_name(people)
    roll = invent_pupils(people, pupils, number, calendar, TODAY)
    truth = draw_marks(mark, roll, draw_profiles(mark, len(roll)), calendar, calendar.on_or_before(TODAY) + 1)
    minutes_late(mark, truth)
    recorded = record(entering, truth, roll, calendar)
    log = keep_log(staff, school.id, calendar, school.policy, roll, recorded.now)
    invent_contacts(kin, roll, log.unanswered)
    forms = send_forms(parents, calendar, roll, recorded.now)
    return Invented(calendar, roll, staffed, successor, recorded, log, forms, fault)


def _settings(ids: list[str]) -> dict[str, str]:
    """The settings of the demo home, each file by its path in the home."""
    calendar = files("attendance_pipeline").joinpath("home_template/calendars/example.toml").read_text(encoding="utf-8")
    trust = names.school_name(0).split()[0] + (" Trust" if len(ids) > 1 else " Primary School")
    parts = [_HEAD.format(trust=trust)]
    for k, school_id in enumerate(ids):
        parts.append(
            _SCHOOL.format(
                id=school_id,
                name=names.school_name(k),
                urn=100_001 + k,
                road=school_id.replace("-", " ").title(),
                policy=SHIPPED_POLICY,
                number=k % 10,
            )
        )
    return {
        SETTINGS_FILE: "\n".join(parts),
        "calendars/demo.toml": calendar,
        f"policies/{SHIPPED_POLICY}.toml": shipped_policy_text(SHIPPED_POLICY),
    }


_HEAD = """\
# A demonstration. The schools, their pupils, families and staff are invented; nobody in these files exists.

[trust]
name = "{trust}"
time_zone = "Europe/London"

[store]
database = "sqlite:///state/warehouse.db"

[delivery]
drive = "outbox"
layout = "dl"
"""

_SCHOOL = """\
[[schools]]
id = "{id}"
name = "{name}"
urn = {urn}
phase = "Primary"
local_authority = "E08000035"
mis = "native"
register_extracts = "changes"
calendar = "calendars/demo.toml"
policy = "policies/{policy}.toml"

[schools.letterhead]
address = ["{road} Lane", "Leeds", "LS1 4AP"]
telephone = "0113 496 000{number}"
email = "attendance@{id}.example"
signatories = {{ attendance_lead = "Ms A Lead", headteacher = "Mr H Head" }}
"""
