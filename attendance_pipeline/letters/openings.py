"""Openings of stages, as the ladder's events tell them.

Belongs here: reading openings out of events. Does not belong here: the ladder's rules (`derive/`), which letters an
opening asks for (`occasions`), or whether one is owed (`ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from attendance_pipeline.law.school_calendar import SchoolCalendar

OPENS = frozenset({"opened", "escalated", "stalled", "set"})
CLOSES = frozenset({"recovered", "closed", "left", "set"})
NEW_YEAR = "new year"


@dataclass(frozen=True, order=True)
class StageEvent:
    """One event of the ladder. `day` is the number of the school day. `reviewed`: it came by a review, at the end of a
    monitoring period of `from_stage`."""

    person_id: int
    day: int
    event: str
    to_stage: int
    episode: int
    from_stage: int = 0
    reviewed: bool = False


@dataclass(frozen=True, order=True)
class Opening:
    """A stage that opened for a pupil on a school day. `ended`: the event by which it is no longer the pupil's present
    stage, on day `ended_on`; empty and None while it is."""

    person_id: int
    day: int
    stage: int
    episode: int
    ended: str = ""
    ended_on: int | None = None

    @property
    def present(self) -> bool:
        return not self.ended


def openings_from_events(
    events: Iterable[StageEvent], calendar: SchoolCalendar, day: int, *, reset: bool = True
) -> list[Opening]:
    """The openings of the academic year of `day`, as they stand on that day, by pupil and day.

    `events` in the order in which they happened for each pupil; those after `day` are left out. `reset`: every pupil
    starts an academic year at stage 0; without it, a stage that opened in an earlier year and is still the pupil's
    belongs here too.
    """
    year_start = int(calendar.year_start[day])
    found: list[Opening] = []
    last: dict[int, int] = {}  # person -> place in `found` of the stage that is open
    for e in sorted((e for e in events if e.day <= day), key=lambda e: (e.person_id, e.day)):
        at = last.pop(e.person_id, None)
        opens = e.event in OPENS and e.to_stage > 0
        if at is not None:
            was = found[at]
            if reset and calendar.year[was.day] != calendar.year[e.day]:
                found[at] = replace(was, ended=NEW_YEAR, ended_on=int(calendar.year_start[e.day]))
            elif opens or e.event in CLOSES:
                found[at] = replace(was, ended=e.event, ended_on=e.day)
            else:
                last[e.person_id] = at
        if opens:
            if found and (found[-1].person_id, found[-1].day, found[-1].stage) == (e.person_id, e.day, e.to_stage):
                found.pop()  # set twice on one day is one opening
            last[e.person_id] = len(found)
            found.append(Opening(e.person_id, e.day, e.to_stage, e.episode))
    if reset:
        return [o for o in found if o.day >= year_start]
    return [o for o in found if o.day >= year_start or o.present]
