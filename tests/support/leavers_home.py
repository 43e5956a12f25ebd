"""A trust of two schools with pupils who left, written by hand; its nights; and all that names somebody in it.

oakfield's term is 1 June to 17 July 2026; everybody is present unless it is said otherwise.

| pupil | what became of them |
|---|---|
| Ann Orchardson | stays |
| Ben Quillfeather | left on 19 June, after weeks of O: letters, entries of the log, forms, a row set aside |
| Cat Quillfeather | his sister, stays; the same mother |
| Dan Umberslade | left on 26 June; from 15 June under another UPN |
| Eve Winterbourne | left oakfield on 12 June for elmbrook, under the same UPN |
| Fay Zellweger | stays |
| Gus Halloway | left on 17 July |
| Hal Netherby | named by the first pupils extract alone; the headteacher's son |
| (no name) | a UPN that only register and lessons name |
"""

from __future__ import annotations

import datetime as dt
import io
import os
from pathlib import Path

import pandas as pd
from nights import DERIVED, OF_SCHOOL_WEEKS
from school_files import upn

from attendance_pipeline.home import SETTINGS_FILE, SHIPPED_POLICY, make_home
from attendance_pipeline.law.policy import shipped_policy_text
from attendance_pipeline.steps import deliver
from attendance_pipeline.steps.board import boards
from attendance_pipeline.steps.check import check_register
from attendance_pipeline.steps.data_quality import data_quality
from attendance_pipeline.steps.export import TABLES, Period, export
from attendance_pipeline.steps.impact import impact
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.propose import Proposed, propose
from attendance_pipeline.steps.restate import due_days, restate
from attendance_pipeline.steps.site import open_site
from attendance_pipeline.steps.worklists import worklists

ANN, BEN, CAT, DAN, EVE, FAY, GUS, HAL, NOBODY, DAN_NOW = (upn(n) for n in range(1, 11))
BEFORE = dt.date(2026, 7, 1)
GONE = {BEN, DAN, DAN_NOW, HAL, NOBODY}  # from every school; EVE from oakfield
NAMES = ("Quillfeather, Ben", "Umberslade", "Netherby", "Ben Quillfeather", "Jo Umberslade")
_FIRST, _LAST = dt.date(2026, 6, 1), dt.date(2026, 7, 17)
_LONG_AGO = 1_700_000_000

_SETTINGS = """
[trust]
name = "Small Trust"
[store]
database = "{database}"
"""
_SCHOOL = """
[[schools]]
id = "{id}"
name = "{id} School"
urn = 10000{n}
phase = "Primary"
local_authority = "E08000035"
mis = "native"
register_extracts = "{mode}"
calendar = "calendars/small.toml"
policy = "policies/seed-school.toml"
[schools.letterhead]
address = ["Oakfield Lane", "Leeds", "LS1 4AP"]
telephone = "0113 496 0000"
email = "attendance@oakfield.example"
signatories = {{ attendance_lead = "Ms A Lead", headteacher = "Mr Jo Netherby" }}
"""
_CALENDAR = """
[[years]]
name = "2025/26"
inset = []
closures = []
[[years.terms]]
name = "Summer"
season = "summer"
starts = 2026-06-01
ends = 2026-07-17
half_terms = []
"""
_PUPILS = "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,FSM"
_CONTACTS = (
    "UPN,Contact ID,Priority,Title,Forename,Surname,Relationship,Parental Responsibility,Lives With Pupil,"
    "Receives Correspondence,Court Restriction,Address 1,Town,Postcode,Email"
)
_REGISTER = "UPN,Date,Session,Code,Minutes Late,Comment"


def _row(name: str, number: int, pupil: str, group: str = "5A", entry: str = "2020-09-01", left: str = "") -> str:
    forename, surname = name.split()
    return f"{pupil},A{number:03},{forename},{surname},2015-05-0{number},5,{group},{entry},{left},N"


def leavers_home(folder: Path, database: str = "sqlite:///state/warehouse.db", mode: str = "changes") -> Path:
    """The home, with everything in its inboxes."""
    schools = "".join(_SCHOOL.format(id=s, n=n, mode=mode) for n, s in enumerate(("oakfield", "elmbrook")))
    texts = {
        SETTINGS_FILE: _SETTINGS.format(database=database) + schools,
        "calendars/small.toml": _CALENDAR,
        f"policies/{SHIPPED_POLICY}.toml": shipped_policy_text(SHIPPED_POLICY).replace(
            "minimum_possible_sessions = 20", "minimum_possible_sessions = 10"
        ),
    }
    make_home(folder, texts, ["oakfield", "elmbrook"])
    early = [
        _row("Ann Orchardson", 1, ANN), _row("Ben Quillfeather", 2, BEN), _row("Cat Quillfeather", 3, CAT, "5B"),
        _row("Dan Umberslade", 4, DAN, "5B"), _row("Eve Winterbourne", 5, EVE), _row("Fay Zellweger", 6, FAY, "5B"),
        _row("Gus Halloway", 7, GUS), _row("Hal Netherby", 8, HAL, "5B"),
    ]  # fmt: skip
    late = [
        early[0], _row("Ben Quillfeather", 2, BEN, left="2026-06-19"), early[2],
        _row("Dan Umberslade", 4, DAN_NOW, "5B", left="2026-06-26"), _row("Eve Winterbourne", 5, EVE, left="2026-06-12"),
        early[5], _row("Gus Halloway", 7, GUS, left="2026-07-17"),
    ]  # fmt: skip
    drop(folder, "pupils_2026-06-01.csv", _PUPILS, early)
    drop(folder, "pupils_2026-06-26.csv", _PUPILS, late)
    drop(folder, "pupils_2026-06-15.csv", _PUPILS, [_row("Eve Winterbourne", 5, EVE, entry="2026-06-15")], "elmbrook")
    parents = (("Mary Quillfeather", BEN), ("Mary Quillfeather", CAT), ("Jo Umberslade", DAN), ("Al Winterbourne", EVE),
               ("Jo Netherby", HAL), ("Pat Zellweger", FAY))  # fmt: skip
    contacts = [
        f"{u},C{u[-2:]},1,Ms,{n.split()[0]},{n.split()[1]},Mother,Y,Y,Y,N,{i} Elm Road,Leeds,LS1 4AP,{n.split()[0]}@x.example"
        for i, (n, u) in enumerate(parents, start=1)
    ]
    drop(folder, "contacts_2026-06-01.csv", _CONTACTS, contacts)
    drop(folder, "contacts_2026-06-15.csv", _CONTACTS, contacts[3:4], "elmbrook")
    drop(folder, "lessons_2026-06-05.csv", "UPN,Date,Period,Subject,Class,Code,Minutes Late", [
        f"{u},2026-06-0{d},{p},Maths,5A,/," for u in (ANN, BEN, NOBODY) for d in (3, 4) for p in (1, 2)
    ])  # fmt: skip
    drop(folder, "notifications_2026-06-12.csv", "Submitted,UPN,Pupil Name,First Date,Last Date,Reason,Evidence", [
        "2026-06-08 08:00,,Ben Quillfeather,2026-06-08,2026-06-09,ill,", f"2026-06-08 08:01,{CAT},Cat,2026-06-08,,ill,",
        f"2026-06-08 08:02,{BEN},Ben,2026-06-10,,ill,",
    ])  # fmt: skip
    drop(folder, "interventions_2026-06-24.csv", "UPN,Date,Action,Stage,Note", [
        f"{BEN},2026-06-12,phone_call,,no answer", f"{ANN},2026-06-12,phone_call,,sits beside Ben Quillfeather",
        f"{BEN},2026-06-15,letter_sent,1,by post", f"{DAN},2026-06-22,phone_call,,spoke to mother",
    ])  # fmt: skip
    _registers(folder)
    # Refused whole: no header says what stands where.
    drop(folder, "register_2026-06-09_broken.csv", "a register of some kind", [f"{BEN} was here", "Ann was here"])
    return folder


def _registers(folder: Path) -> None:
    days = [d.date() for d in pd.bdate_range(_FIRST, _LAST)]
    left = {BEN: dt.date(2026, 6, 19), DAN: dt.date(2026, 6, 12), DAN_NOW: dt.date(2026, 6, 26),
            EVE: dt.date(2026, 6, 12), HAL: dt.date(2026, 6, 5), NOBODY: dt.date(2026, 6, 2)}  # fmt: skip
    since = {DAN_NOW: dt.date(2026, 6, 15)}
    for end in (d for d in days if d.weekday() == 4):
        week = [d for d in days if end - dt.timedelta(days=4) <= d <= end]
        rows = [
            f"{u},{d},{s},{'O' if u in (BEN, DAN, DAN_NOW, FAY) and d.day % 3 else c},,{'moved the time' if u == BEN else ''}"
            for u in (ANN, BEN, CAT, DAN, EVE, FAY, GUS, HAL, NOBODY, DAN_NOW)
            for d in week
            for s, c in (("AM", "/"), ("PM", "\\"))
            if since.get(u, _FIRST) <= d <= left.get(u, _LAST)
        ]
        if end == dt.date(2026, 6, 12):
            rows += [f"{BEN},someday,AM,/,,", f"{ANN},2026-06-01,AM,O,,corrected", f"{BEN},2026-06-01,AM,I,,corrected"]
        drop(folder, f"register_{end}.csv", _REGISTER, rows)
        drop(folder, f"register_{end}.csv", _REGISTER, [
            f"{EVE},{d},{s},{c},," for d in week for s, c in (("AM", "/"), ("PM", "\\")) if d >= dt.date(2026, 6, 15)
        ], "elmbrook")  # fmt: skip


def drop(home: Path, name: str, header: str, rows: list[str], school: str = "oakfield") -> Path:
    """An extract in an inbox, that nobody is writing any more."""
    file = home / "inbox" / school / name
    file.write_text("".join(f"{line}\n" for line in (header, *rows)), encoding="utf-8")
    os.utime(file, (_LONG_AGO, _LONG_AGO))
    return file


def night(home: Path, upto: dt.date) -> tuple[list[dt.date], list[Proposed]]:
    """A whole night: the days that were due, and what was proposed."""
    with open_site(home) as site:
        take_in(site, settle_seconds=0)
    with open_site(home) as site:
        days = due_days(site, upto)
        restate(site, days, DERIVED)
        check_register(site)
        proposed = propose(site)
        deliver.letters(site, "a run")
        worklists(site, "a run")
        boards(site, "a run")
        impact(site, "a run")
        data_quality(site, "a run")
        for is_due, make in OF_SCHOOL_WEEKS:
            if is_due(site):
                make(site, "a run")
    return days, proposed


def exported(home: Path) -> dict[str, list[str]]:
    """Every table of `attendance export` as lines."""
    out = {}
    with open_site(home) as site:
        for name in TABLES:
            frames = list(export(site, name, site.schools(), Period()))
            text = io.StringIO()
            pd.concat(frames, ignore_index=True).to_csv(text, index=False)
            out[name] = text.getvalue().splitlines()
    return out
