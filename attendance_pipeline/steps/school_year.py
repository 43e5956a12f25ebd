"""The turn of the school year: what has to be entered before the calendar ends, and what changes when a year begins.

Belongs here: when a school is told, gathering what is still to do, and putting it on the drive. Not here: dates
(`law/next_year.py`), words of the workbook (`reports/readiness.py`), hours (`schedules/`).

Told four times and each once: eight weeks before the calendar's last school day, in its last week, when it is over
(then once a month until a year is added), and when a year of the calendar begins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import Connection

from attendance_pipeline.home import School
from attendance_pipeline.law.next_year import (
    SOON,
    last_day,
    rules_that_end,
    turn_of_year,
    year_that_begins,
    year_wanted,
)
from attendance_pipeline.reports.figures import long_date, plural
from attendance_pipeline.reports.readiness import LOOK, STOPS, YEAR_FILE, Matter, year_files
from attendance_pipeline.steps.deliver import Made, put
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import PLAN, SCHOOL_YEAR, each_school
from attendance_pipeline.store.deliveries import read_deliveries
from attendance_pipeline.store.extracts import list_extracts

WHAT = "school-year"
AUDIENCES = ("data-manager", "attendance-lead")
_IN_USE = dt.timedelta(weeks=26)
_FOR_THE_NEW_YEAR = {
    "classes": "Class teachers change: drop the classes extract of the new year, or letters and lists name the old one",
    "pupils": "Leavers and the new intake: drop the pupils extract of the new year, with classes and year groups",
    "contacts": "Families of the new intake: drop the contacts extract of the new year, or their letters are held",
}


def school_year_due(site: Site, today: dt.date) -> list[tuple[School, str]]:
    """The schools that are to be told on a date, each with the key of this telling."""
    found = each_school(site, PLAN, lambda school: (school, _due(site, school, today)))
    return [(school, key) for school, key in found if key]


def _due(site: Site, school: School, today: dt.date) -> str:
    if not (key := _key(school, today)):
        return ""
    with site.warehouse.read() as conn:
        used = in_use(conn, school, today)
        told = {name for d in read_deliveries(conn, school.id, WHAT) for name in d["holds"]}
    return key if used and key not in told else ""


def in_use(conn: Connection, school: School, today: dt.date) -> bool:
    """Whether a register extract of a school was made within half a year before a date, or later: where none was,
    nobody waits for what is to come."""
    newest = max((e.key.recorded_on for e in list_extracts(conn, school.id, "register")), default=None)
    return newest is not None and today - newest <= _IN_USE


def years_wanted(site: Site, today: dt.date) -> list[str]:
    """Of each school whose calendar ends soon or has ended, what to do, in words."""
    found = [(school, year_wanted(school.calendar, today)) for school in site.schools()]
    return [f"{school.name}: {words}" for school, words in found if words]


def _key(school: School, today: dt.date) -> str:
    turn, last = turn_of_year(school.calendar, today), last_day(school.calendar)
    if turn == "over":
        return f"{last} over {today:%Y-%m}"
    if turn == "begins":
        return f"{year_that_begins(school.calendar, today)} begins"
    return f"{last} {turn}" if turn else ""


def tell_school_year(site: Site, today: dt.date, run: str) -> list[Made]:
    """What is still to do for the next school year, to the data manager and the attendance lead, where it is due."""
    due = {school.id: key for school, key in school_year_due(site, today)}
    schools = [s for s in site.schools() if s.id in due]
    return each_school(site, SCHOOL_YEAR, lambda school: _tell(site, school, due[school.id], today, run), schools)


def _tell(site: Site, school: School, key: str, today: dt.date, run: str) -> Made:
    matters = list(school_year_matters(site, school, today))
    files = year_files(school.name, today, matters)
    day = max(school.calendar.on_or_before(today), 0)
    holds = {audience: {key: YEAR_FILE} for audience in AUDIENCES}
    folders = put(site, school, day, WHAT, dict.fromkeys(AUDIENCES, files), run, holds)
    return Made(school.id, WHAT, len(matters), folders, plural(len(matters), "thing") + " to do")


def school_year_matters(site: Site, school: School, today: dt.date) -> Iterator[Matter]:
    """What is to be done about the next school year, as of a date; nothing for most of the year."""
    calendar, policy = school.calendar, school.policy
    turn, last = turn_of_year(calendar, today), last_day(calendar)
    file = calendar.path.name if calendar.path else "calendars/"
    if turn in ("soon", "last days", "over"):
        gone = turn == "over"
        yield Matter(
            STOPS if gone or turn == "last days" else LOOK,
            f"The calendar {'ended' if gone else 'ends'} on {long_date(last)}"
            + (": marks of later days are kept and count in nothing; no letter is proposed" if gone else ""),
            None,
            "Add the next school year as one more [[years]] with its terms, half-terms and INSET days; run `attendance "
            "check`; then restart the service, so that the new days are shown",
            f"calendars/{file}",
        )
    if not turn:
        return
    begins = year_that_begins(calendar, today)
    upto = (begins or last) + SOON
    for name, end in rules_that_end(policy, today, upto):
        where = policy.path.name if policy.path else policy.name
        words = f"The penalty-notice rule {name} is in force until {long_date(end)}"
        yield Matter(LOOK, words, None, "Add its next version with its dates and source, if there is one", where)
    review = policy.setting.review_by
    if review is not None and review <= upto:
        where = policy.path.name if policy.path else policy.name
        words = f"The policy is to be reviewed by {long_date(review)}"
        yield Matter(LOOK, words, None, "Review it, and write the new date into review_by", where)
    if begins is not None:
        with site.warehouse.read() as conn:
            yield from _extracts_of(conn, school, begins)
    else:
        words = "With the new year class teachers change, pupils leave and the new intake comes"
        to_do = "Have pupils, contacts and classes extracts ready for the first school day; the ladder begins afresh"
        yield Matter(LOOK, words, None, to_do, f"inbox/{school.id}")


def _extracts_of(conn: Connection, school: School, begins: dt.date) -> Iterator[Matter]:
    """What was not dropped yet for the year that begins: extracts recorded after the year before it."""
    calendar = school.calendar
    first = calendar.index(begins)
    before = calendar.date(first - 1) if first else begins
    for kind, to_do in _FOR_THE_NEW_YEAR.items():
        newest = max((e.key.recorded_on for e in list_extracts(conn, school.id, kind)), default=None)
        if newest is None or newest <= before:
            said = f"the newest is of {long_date(newest)}" if newest else "none ever came"
            words = f"No {kind} extract of the year that begins on {long_date(begins)}: {said}"
            yield Matter(STOPS if kind == "pupils" else LOOK, words, None, to_do, f"inbox/{school.id}")
