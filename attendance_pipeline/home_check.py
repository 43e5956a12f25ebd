"""All that is wrong with a home, or that a person should know about it, said at once. Changes nothing.

Belongs here: what is allowed and yet deserves a word. Not here: what is refused (`home.py`, `law/`); what is wrong with
a letter template (`letters/`), which is asked through `checkers`.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from attendance_pipeline.home import SETTINGS_FILE, Home, School, open_home
from attendance_pipeline.home_settings import (
    MAIL_PASSWORD_VARIABLE,
    PING_URL_VARIABLE,
    WEBHOOK_URL_VARIABLE,
    did_you_mean,
    is_loopback,
    wrong_address,
)
from attendance_pipeline.law.next_year import year_wanted
from attendance_pipeline.law.settings_errors import SettingsError, SettingsErrors

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """Something about a home that a person should know. An `error` stops every run; a `note` only says what is."""

    severity: Literal["error", "warning", "note"]
    file: Path
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.file}: {self.key}: {self.message}"


Checker = Callable[[Home], Iterable[Finding]]


def check_home(path: Path | str, today: dt.date, checkers: Sequence[Checker] = ()) -> list[Finding]:
    """All that is wrong with a home on `today`, errors first. Changes nothing.

    `checkers` look at what lies outside the settings (letter templates); they are asked only when the settings hold.
    """
    try:
        home = open_home(path)
    except SettingsErrors as several:
        return [_as_finding(e) for e in several.errors]
    except SettingsError as one:
        return [_as_finding(one)]
    found = [
        f for check in (_folders, _calendars, _policies, _quality, _letterheads, _telling) for f in check(home, today)
    ]
    found += [f for check in checkers for f in check(home)]
    return sorted(found, key=lambda f: SEVERITIES.index(f.severity))


def _as_finding(fault: SettingsError) -> Finding:
    return Finding("error", fault.path or Path(), fault.key, f"expected {fault.expected}")


def _folders(home: Home, today: dt.date) -> Iterable[Finding]:
    drive = home.drive
    if not drive.is_dir():
        yield Finding("error", drive, "delivery.drive", "expected a folder that exists; make it, or mount the drive")
    elif not os.access(drive, os.W_OK | os.X_OK):
        yield Finding("error", drive, "delivery.drive", "expected a folder that this account may write to")
    # On Windows the bits of a mode say nothing of who may read: docs/set-up-windows.md gives the folder its rights.
    if os.name == "posix" and home.state.is_dir() and home.state.stat().st_mode & 0o077:
        yield Finding("warning", home.state, "state", "others can read this folder; chmod 700, it names pupils")
    for school in home.schools:
        if not school.inbox.is_dir():
            yield Finding(
                "warning", school.inbox, "inbox", "no such folder; extracts of this school have no place to go"
            )
    for school in home.schools:
        log, key = school.intervention_log, f"schools ({school.id}).intervention_log"
        if log is not None and log.is_relative_to(home.inbox):
            expected = "expected a file outside the inbox: what lies there is taken away"
            yield Finding("error", home.path / SETTINGS_FILE, key, expected)
        elif log is not None and not log.is_file():
            yield Finding("warning", log, key, "no such file; until it is there, what was read of it before counts")
    if home.inbox.is_dir():
        for folder in sorted(home.inbox.iterdir()):
            if folder.is_dir() and folder.name not in home.school_ids and not folder.name.startswith("."):
                near = did_you_mean(get_close_matches(folder.name, home.school_ids, n=1))
                yield Finding("warning", folder, "inbox", f"no school has this id, so nothing here is loaded{near}")


def _calendars(home: Home, today: dt.date) -> Iterable[Finding]:
    for school in _one_each(home.schools, lambda s: s.calendar):
        calendar = school.calendar
        file = calendar.path or home.path
        for line in calendar.describe():
            yield Finding("note", file, "years.terms", line)
        for line in calendar.warnings():
            yield Finding("warning", file, "years", line.removeprefix(f"{file}: "))
        if words := year_wanted(calendar, today):
            yield Finding("warning", file, "years", words)
    for school in home.schools:
        first, last = school.calendar.date(0), school.calendar.date(len(school.calendar) - 1)
        if school.go_live is not None and not first <= school.go_live <= last:
            yield Finding(
                "warning",
                home.path / SETTINGS_FILE,
                f"schools ({school.id}).go_live",
                f"{school.go_live} lies outside the calendar, {first} to {last}",
            )


def _policies(home: Home, today: dt.date) -> Iterable[Finding]:
    for school in _one_each(home.schools, lambda s: s.policy):
        file = school.policy.path or home.path
        review_by = school.policy.setting.review_by
        if review_by is None:
            yield Finding("note", file, "review_by", "no day by which the policy is reviewed; law and codes change")
        elif review_by < today:
            yield Finding("warning", file, "review_by", f"the policy was to be reviewed by {review_by}")
        for number, rule in enumerate(school.policy.rules, 1):
            if any(a.window[0] == "consecutive_sessions" for a in rule.any_of):
                words = (
                    "consecutive_sessions without a window is over when the pupil is back; with one beside it, "
                    "such as school_weeks = 10, the rule stays met as long as the window holds the run"
                )
                yield Finding("note", file, f"penalty_notice_rules[{number}].any_of", words)
        days = school.calendar.days.tolist()
        without = [
            d for d in days if (school.go_live is None or d >= school.go_live) and not school.policy.ladder_on(d)
        ]
        if without:
            yield Finding(
                "warning",
                file,
                "ladder",
                f"no ladder is in force on {len(without)} school days, {without[0]} to {without[-1]}; nothing opens",
            )


def _quality(home: Home, today: dt.date) -> Iterable[Finding]:
    for school in home.schools:
        key = f"schools ({school.id}).quality.confirmed_days"
        for day in school.quality.confirmed_days:
            if school.calendar.index(day) is None:
                yield Finding("warning", home.path / SETTINGS_FILE, key, f"{day} is no school day of its calendar")


def _letterheads(home: Home, today: dt.date) -> Iterable[Finding]:
    for school in home.schools:
        key = f"schools ({school.id}).letterhead"
        if school.letterhead is None:
            yield Finding("warning", home.path / SETTINGS_FILE, key, "none; without it no letter can be approved")
        elif not school.letterhead.signatories.get("attendance_lead"):
            yield Finding("warning", home.path / SETTINGS_FILE, f"{key}.signatories", "nobody signs as attendance_lead")


def _telling(home: Home, today: dt.date) -> Iterable[Finding]:
    file, telling = home.path / SETTINGS_FILE, home.settings.telling

    def without(variable: str, what: str) -> str:
        return f"{what} is in the variable {variable}, which is not set here; set it for the account of the nights"

    if telling.mail is not None and telling.mail.user and not os.environ.get(MAIL_PASSWORD_VARIABLE):
        yield Finding("warning", file, "telling.mail", without(MAIL_PASSWORD_VARIABLE, "its password"))
    if telling.mail is not None and telling.mail.security == "none" and not is_loopback(telling.mail.host):
        yield Finding("note", file, "telling.mail.security", "messages go unencrypted; no pupil stands in them")
    for name, variable in (("webhook", WEBHOOK_URL_VARIABLE), ("ping", PING_URL_VARIABLE)):
        setting = getattr(telling, name)
        if setting is None or setting.url is not None:
            continue
        url = os.environ.get(variable)
        if not url:
            yield Finding("warning", file, f"telling.{name}", without(variable, "its address"))
        elif wrong := wrong_address(url):
            yield Finding("error", file, f"telling.{name}", f"expected {wrong} in the variable {variable}")
    if telling.mail is telling.webhook is telling.ping is None:
        words = "neither mail nor webhook nor ping: failure is told by the note on the drive alone (docs/telling.md)"
        yield Finding("note", file, "telling", words)


def _one_each(schools: Iterable[School], what: Callable[[School], object]) -> list[School]:
    """The first school of each calendar or policy: a file that several share is spoken of once."""
    seen: dict[int, School] = {}
    for school in schools:
        seen.setdefault(id(what(school)), school)
    return list(seen.values())
