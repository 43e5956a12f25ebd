"""Health: whether the nights run and the extracts come, for a task scheduler or a monitor that asks from outside.

Belongs here: putting together what is known, and what of it is not well. Not here: telling anybody (`telling.py`).
Changes nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from attendance_pipeline.home import Home
from attendance_pipeline.reports.figures import plural
from attendance_pipeline.reports.morning_note import Night, late_in_words, moment
from attendance_pipeline.steps.telling import DAEMON, Setup, look
from attendance_pipeline.steps.told import read

SILENT_MINUTES = 15  # a daemon that lives says so every half minute


@dataclass(frozen=True)
class Health:
    """`night`: what is known; `daemon`: when Dagster's daemon was last heard (local), None for never; `wrong`: what is
    not as it should be, in words."""

    night: Night
    daemon: dt.datetime | None
    wrong: tuple[str, ...]

    @property
    def well(self) -> bool:
        return not self.wrong


def health(home: Home, at: dt.datetime, daemon: dt.datetime | None) -> Health:
    """How a home is at a moment (aware). `daemon`: when its daemon was last heard."""
    memory, setup = read(home.state), Setup.of(home)
    night = look(home, setup, memory, at)
    heard = None if daemon is None else daemon.astimezone(setup.zone)
    wrong = [t.told()[0] for t in night.troubles]
    wrong += [f"{s.name}: {t.told()[0]}" for s in night.schools for t in s.troubles]
    wrong += [f"{s.name}: {late_in_words(s)}." for s in night.late()]
    if night.uncounted and not night.troubles:
        wrong.append(f"The extracts could not be looked at: {night.uncounted}.")
    silent = heard is None or night.at - heard > dt.timedelta(minutes=SILENT_MINUTES)
    if memory.by == DAEMON and silent:
        last = "" if heard is None else f" since {moment(heard)}"
        wrong.append(f"The service that runs the nights (`attendance ui`) has not been heard{last}.")
    return Health(night, heard, tuple(wrong))


def health_in_words(found: Health) -> str:
    """For a person: the verdict, then what it rests on."""
    night = found.night
    lines = ["All is well." if found.well else "Not well:", *(f"  {line}" for line in found.wrong)]
    lines.append(f"Last good night: {moment(night.last_good) if night.last_good else 'none yet'}.")
    if night.missed:
        lines.append(f"{plural(night.missed, 'school day').capitalize()} without a finished night since.")
    if night.unfinished:
        lines.append("Last night is not finished yet.")
    if night.due:
        lines.append(f"The next note on the drive is due by {moment(night.due)}.")
    heard = moment(found.daemon) if found.daemon else "never"
    lines.append(f"The service (`attendance ui`) was last heard: {heard}.")
    return "\n".join(lines)


def health_as_json(found: Health) -> dict[str, Any]:
    """The same for a program. Moments have their offset from UTC."""
    night = found.night
    return {
        "well": found.well,
        "wrong": list(found.wrong),
        "at": _iso(night.at),
        "last_good_night": _iso(night.last_good),
        "school_days_missed": night.missed,
        "last_night_unfinished": night.unfinished,
        "next_note_due": _iso(night.due),
        "service_last_heard": _iso(found.daemon),
        "schools": [
            {
                "id": s.id,
                "verdict": s.verdict,
                "register_day": None if s.register_day is None else s.register_day.isoformat(),
                "school_days_late": s.late,
                "waits_for_a_person": bool(s.waits),
            }
            for s in night.schools
        ],
    }


def _iso(at: dt.datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
