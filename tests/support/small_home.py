"""A home of one school with six pupils and two short terms, whose extracts are written by hand in a line of text.

The terms: 1 June to 17 July 2026 and, in the next academic year, 1 September to 16 October 2026. Every pupil is present
in every session unless a line says otherwise: `06-08 to 06-12 O; 06-15 AM I; 06-16 PM -` (`-`: no row; `blank`: a row
without a code). Dates are of 2026. The school's system makes an extract on the last school day of each week.
"""

from __future__ import annotations

import datetime as dt
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nights import DERIVED
from school_files import upn

from attendance_pipeline.home import SETTINGS_FILE, SHIPPED_POLICY, make_home
from attendance_pipeline.law.policy import shipped_policy_text
from attendance_pipeline.mis.load import LoadResult
from attendance_pipeline.steps.export import TABLES, Period, export
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.table_files import write_csv

ANN, BEN, CAT, DAN, EVE, FAY = EVERYBODY = tuple(upn(n) for n in range(1, 7))
TERMS = (("2025/26", "summer", "2026-06-01", "2026-07-17"), ("2026/27", "autumn", "2026-09-01", "2026-10-16"))
LAST_DAY = dt.date(2026, 10, 16)
LONG_AGO = 1_700_000_000
REGISTER = "UPN,Date,Session,Code,Minutes Late,Comment"
PUPILS = "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,FSM"
CONTACTS = (
    "UPN,Contact ID,Priority,Title,Forename,Surname,Relationship,Parental Responsibility,Lives With Pupil,"
    "Receives Correspondence,Court Restriction,Address 1,Town,Postcode"
)
PRESENT = {"AM": "/", "PM": "\\"}
# What is derived, and the tasks that follow: all that has to be right after a correction.
AFTERWARDS = (*DERIVED, "tasks")
WITH_AS_AT = TABLES

_SETTINGS = """
[trust]
name = "Small Trust"
[store]
database = "sqlite:///state/warehouse.db"
[[schools]]
id = "oakfield"
name = "Oakfield Primary School"
urn = 100001
phase = "Primary"
local_authority = "E08000035"
mis = "{mis}"
register_extracts = "{mode}"
calendar = "calendars/small.toml"
policy = "policies/seed-school.toml"
[schools.letterhead]
address = ["Oakfield Lane", "Leeds", "LS1 4AP"]
telephone = "0113 496 0000"
email = "attendance@oakfield.example"
signatories = {{ attendance_lead = "Ms A Lead", headteacher = "Mr H Head" }}
"""
_YEAR = """
[[years]]
name = "{}"
inset = []
closures = []
[[years.terms]]
name = "Term"
season = "{}"
starts = {}
ends = {}
half_terms = []
"""


def small_home(folder: Path, mode: str = "changes", mis: str = "native") -> Path:
    """A home with nothing in its inbox."""
    texts = {
        SETTINGS_FILE: _SETTINGS.format(mode=mode, mis=mis),
        "calendars/small.toml": "".join(_YEAR.format(*term) for term in TERMS),
        f"policies/{SHIPPED_POLICY}.toml": shipped_policy_text(SHIPPED_POLICY),
    }
    make_home(folder, texts, ["oakfield"])
    return folder


def drop(home: Path, name: str, header: str, rows: Iterable[str]) -> None:
    """An extract in the inbox, that nobody is writing any more."""
    file = home / "inbox" / "oakfield" / name
    file.write_text("".join(f"{line}\n" for line in (header, *rows)), encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))


# ---------------------------------------------------------------- days and marks in words


def school_days(upto: dt.date = LAST_DAY) -> list[dt.date]:
    """The school days of both terms up to a day."""
    out = []
    for _, _, starts, ends in TERMS:
        day = dt.date.fromisoformat(starts)
        while day <= min(dt.date.fromisoformat(ends), upto):
            if day.weekday() < 5:
                out.append(day)
            day += dt.timedelta(days=1)
    return out


def date(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2026-{text}")


Sessions = dict[tuple[dt.date, str], str]  # (date, AM or PM) -> code


def marks(line: str) -> Sessions:
    """What a line of text says, session by session; a code `-` or `blank` as it is."""
    out: Sessions = {}
    for part in filter(None, (p.strip() for p in line.split(";"))):
        words = part.split()
        first = date(words[0])
        last = date(words[2]) if words[1] == "to" else first
        rest = words[3:] if words[1] == "to" else words[1:]
        halves = [rest[0]] if rest[0] in PRESENT else list(PRESENT)
        code = rest[-1]
        days = [d for d in school_days() if first <= d <= last] or [first]
        for day in days:
            for half in halves:
                out[day, half] = PRESENT[half] if code == "present" else code
    return out


def rows_of(said: Mapping[str, Sessions]) -> list[str]:
    """Rows of a register extract, in the order of pupil and session."""
    return [
        f"{pupil},{day},{half},{'' if code == 'blank' else code},,"
        for pupil, sessions in said.items()
        for (day, half), code in sorted(sessions.items())
        if code != "-"
    ]


def drop_weeks(home: Path, lines: Mapping[str, str], upns: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """The register extracts of every week: `lines` by pupil, everybody else present. `upns`: by the first day from
    which a pupil goes by another UPN, {pupil: UPN}."""
    every: dict[str, Sessions] = {}
    for pupil in EVERYBODY:
        every[pupil] = {(d, h): PRESENT[h] for d in school_days() for h in PRESENT} | marks(lines.get(pupil, ""))
    weeks: dict[tuple[int, int], list[dt.date]] = {}
    for day in sorted({d for sessions in every.values() for d, _ in sessions}):
        weeks.setdefault(day.isocalendar()[:2], []).append(day)
    for days in weeks.values():
        made = max(d for d in days if d.weekday() < 5)
        said = {
            _name(pupil, made, upns or {}): {key: code for key, code in sessions.items() if key[0] in days}
            for pupil, sessions in every.items()
        }
        drop(home, f"register_{made}.csv", REGISTER, rows_of(said))


def _name(pupil: str, day: dt.date, upns: Mapping[str, Mapping[str, str]]) -> str:
    names = [of_day[pupil] for since, of_day in sorted(upns.items()) if date(since) <= day and pupil in of_day]
    return names[-1] if names else pupil


# ---------------------------------------------------------------- pupils and contacts


@dataclass(frozen=True)
class Pupil:
    """A row of a pupils extract. `number`: the admission number, which stays when the UPN changes."""

    upn: str
    number: str
    group: str
    entry: str = "2020-09-01"
    leaving: str = ""
    year: str = "5"
    fsm: str = "N"

    def row(self) -> str:
        return (
            f"{self.upn},{self.number},Fo,Su,2015-05-01,{self.year},{self.group},{self.entry},{self.leaving},{self.fsm}"
        )


ROLL = {u: Pupil(u, f"A{n:03d}", "5A" if n < 3 else "5B") for n, u in enumerate(EVERYBODY)}


def drop_pupils(home: Path, recorded: str, changes: Mapping[str, Mapping[str, str]] | None = None) -> None:
    """A pupils extract of the whole roll, with fields of some pupils changed: {pupil: {field: value}}."""
    rows = [replace(pupil, **(changes or {}).get(u, {})).row() for u, pupil in ROLL.items()]
    drop(home, f"pupils_2026-{recorded}.csv", PUPILS, rows)


def drop_contacts(home: Path, recorded: str, addresses: Mapping[str, str]) -> None:
    """A contacts extract: one parent for each of these pupils, at an address."""
    rows = [f"{u},C{u[-3:]},1,Ms,Fo,Su,Mother,Y,Y,Y,N,{address},Leeds,LS1 4AP" for u, address in addresses.items()]
    drop(home, f"contacts_2026-{recorded}.csv", CONTACTS, rows)


# ---------------------------------------------------------------- running, and what the home says


def load(home: Path) -> LoadResult:
    with open_site(home) as site:
        return take_in(site, settle_seconds=0)[0]


def derive(home: Path, upto: dt.date = LAST_DAY) -> list[dt.date]:
    """Derive what is due; gives those days."""
    with open_site(home) as site:
        days = due_days(site, upto)
        restate(site, days, DERIVED)
        return days


def exported(home: Path, names: Iterable[str], as_at: dt.date | None = None) -> dict[str, str]:
    """Tables as `attendance export` writes them, byte for byte."""
    out = {}
    with open_site(home) as site:
        for name in names:
            text = io.StringIO()
            write_csv(export(site, name, site.schools(), Period(as_at=as_at)), text)
            out[name] = text.getvalue()
    return out


def same(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, bool]:
    """By table, whether the two say the same."""
    assert one.keys() == other.keys()
    return {name: one[name] == other[name] for name in one}
