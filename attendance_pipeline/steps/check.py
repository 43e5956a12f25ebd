"""Check: whether the register of each school day can be believed, kept as rows by which letters are held.

Belongs here: which days are looked at, which of them have to be asked about again, and writing the results. Not here:
what is plausible (`quality/`), what a result means for a letter (`letters/`), telling the data manager
(`data_quality.py`).

All days are worked out anew each time, which takes milliseconds. Great Expectations is asked about those whose figures,
limits or words are others than when it was asked last; on a night on which there are none it is not even imported.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from attendance_pipeline.home import School
from attendance_pipeline.letters.from_roll import pupil_facts
from attendance_pipeline.quality.duplicates import sharing_name_and_birth
from attendance_pipeline.quality.expectations import BY_NAME, CHECKS, CLASS, GROUPS, ROLL, SCHOOL
from attendance_pipeline.quality.figures import Corrections, RollFacts, figures
from attendance_pipeline.quality.plausibility import Answer, Asked, Finding, fell_short, found_in_words
from attendance_pipeline.register.history import changes
from attendance_pipeline.register.roll import current_contacts, current_pupils, on_roll
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.marked_days import first_marked_day, last_marked_day
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import CHECK, Attempts, is_everybodys
from attendance_pipeline.store import quality, quarantine
from attendance_pipeline.store.both_dialects import chunks
from attendance_pipeline.store.quality import CheckedDay, Shortfall

MOST_LINES = 20
ASKED_TOGETHER = 50  # schools: a question takes its time however many rows it is about, and their figures are held


@dataclass(frozen=True)
class Looked:
    """What is known of a school's newest academic year: the figures, what fell short, and the days looked at."""

    school: School
    asked: Asked
    findings: tuple[Finding, ...]
    made: int

    @property
    def newest(self) -> int:
        """Number of the newest day that was looked at."""
        return self.asked.figures.last

    def is_current(self, finding: Finding) -> bool:
        """Whether letters wait for it, those of the newest night or of the next; of a warning, whether it is recent.

        A night's letters are decided on the marks of some school days before it (`settle_school_days`).
        """
        ladder = self.school.policy.ladder_on(self.school.calendar.date(self.newest))
        settle = 0 if ladder is None else ladder.settle_school_days
        lasts = finding.waits + settle if finding.waits else self.school.quality.letters_wait_school_days
        return not finding.confirmed and self.newest - finding.day < lasts


@dataclass(frozen=True)
class GroupSummary:
    """Of one group of checks over all schools: figures looked at, what falls short now and how much of it holds
    letters, what fell short earlier in the academic year and was not settled; and a table in plain words."""

    looked_at: int
    short: int
    holding: int
    earlier: int
    markdown: str


def check_register(site: Site) -> list[Looked]:
    """Check every school day with marks, in every school, and keep what changed. Gives the newest year of each."""
    attempts = Attempts(site, CHECK)
    out: list[Looked] = []
    for schools in chunks(site.schools(), ASKED_TOGETHER):
        found = [c for s in schools if not attempts.held(s) and (c := attempts.tried(s, partial(_changed, site, s)))]
        for changed, answers in _answered(attempts, found):
            looked = attempts.tried(changed.school, partial(_kept, site, changed, answers))
            if looked is not None:
                attempts.well(changed.school)
                out += looked
    attempts.finish()
    return out


@dataclass(frozen=True)
class _Changed:
    """One school's academic years with marks, and of each the days to be asked about: number and a hash of all that the
    results come from. `gone`: days that were looked at and are no more."""

    school: School
    years: Sequence[Asked]
    due: Sequence[Mapping[int, str]]
    gone: Sequence[dt.date]

    @property
    def asked(self) -> list[Asked]:
        return [Asked(a.figures, a.dates, a.setting, d.keys()) for a, d in zip(self.years, self.due, strict=True) if d]


def _answered(attempts: Attempts, found: Sequence[_Changed]) -> Iterator[tuple[_Changed, Sequence[Answer]]]:
    """What Great Expectations says of each: of all together, because it takes its time per question; of each by itself
    where that fails."""
    try:
        every = iter(fell_short([asked for changed in found for asked in changed.asked]))
        together = [(changed, [next(every) for _ in changed.asked]) for changed in found]
    except Exception as error:
        if is_everybodys(error):
            raise
    else:
        yield from together
        return
    for changed in found:
        answers = attempts.tried(changed.school, partial(fell_short, changed.asked))
        if answers is not None:
            yield changed, answers


def _years(site: Site, school: School) -> list[Asked]:
    """The figures of each academic year that has marks: from the first day with marks to the last."""

    def make() -> list[Asked]:
        first, last = first_marked_day(site, school), last_marked_day(site, school)
        if first is None or last is None:
            return []
        inputs, calendar = school_inputs(site, school), school.calendar
        corrections, roll = _corrections(site, school, first, last), _roll(site, school, last)
        out, day = [], first
        while day <= last:
            end = min(int(calendar.year_end[day]), last)
            if inputs.marks[:, day : end + 1].any():  # a year of which nothing was ever loaded is no finding
                found = figures(inputs, day, end, school.quality, corrections, roll if end == last else None)
                dates = [calendar.date(i) for i in range(day, end + 1)]
                out.append(Asked(found, dates, school.quality))
            day = end + 1
        return out

    return site.remember(("figures", school.id, site.register_version(school)), make)


def _corrections(site: Site, school: School, first: int, last: int) -> Corrections:
    calendar = school.calendar
    with site.warehouse.read() as conn:
        found = changes(conn, school.id, calendar.days[first : last + 1])
    recorded = np.searchsorted(calendar.days, found.recorded, side="right") - 1
    # What was recorded in the holidays, or after the last day with marks, is told with the school day before it.
    recorded = np.clip(recorded, 0, last)
    return Corrections.of(len(calendar), recorded, found.day.astype(np.int64) + first, found.person.astype(np.int64))


def _roll(site: Site, school: School, day: int) -> RollFacts:
    date = school.calendar.date(day)
    with site.warehouse.read() as conn:
        pupils, contacts = current_pupils(conn, school.id), current_contacts(conn, school.id)
    here = pupils[on_roll(pupils, school.calendar.days[day : day + 1])[:, 0]]
    facts = pupil_facts(here, contacts, date).values()
    names = zip(here["forename"], here["surname"], here["date_of_birth"], strict=True)
    return RollFacts(
        on_roll=len(here),
        twice=sharing_name_and_birth((f, s, None if pd.isna(born) else born.date()) for f, s, born in names),
        without_recipient=sum(not f.recipients.to for f in facts),
        without_address=sum(bool(f.recipients.to) and not any(r.address for r in f.recipients.to) for f in facts),
    )


def _changed(site: Site, school: School) -> _Changed:
    """The days whose figures are others than when they were asked about last."""
    years = _years(site, school)
    with site.warehouse.read() as conn:
        known = quality.checked_days(conn, school.id)
    there: set[dt.date] = set()
    due: list[dict[int, str]] = []
    for asked in years:
        there |= set(asked.dates)
        digests = asked.figures.digests(asked.setting, asked.confirmed)
        now = zip(digests.items(), asked.dates, strict=True)
        due.append({day: sha for (day, sha), date in now if date not in known or known[date].sha != sha})
    return _Changed(school, years, due, sorted(known.keys() - there))


def _kept(site: Site, changed: _Changed, answers: Sequence[Answer]) -> list[Looked]:
    """Keep what was said; gives the newest year, or nothing for a school without marks."""
    school = changed.school
    kept: dict[dt.date, CheckedDay | None] = dict.fromkeys(changed.gone)
    for due, answer in zip(filter(None, changed.due), answers, strict=True):
        kept |= _as_kept(school, due, answer)
    if kept:
        with site.warehouse.begin(school.id) as conn:
            quality.put_days(conn, school.id, kept)
    return [_looked(site, school, asked) for asked in changed.years[-1:]]


def _as_kept(school: School, changed: Mapping[int, str], answer: Answer) -> dict[dt.date, CheckedDay]:
    short: dict[int, list[Shortfall]] = {day: [] for day in changed}
    for f in answer.findings:
        detail = {"value": f.value, "limit": f.limit, "pupils": f.pupils, "waits": f.waits, "remark": f.remark}
        short[f.day].append(Shortfall(f.scope, f.subject, f.check, detail | {"confirmed": f.confirmed}))
    return {
        school.calendar.date(day): CheckedDay(digest, answer.made.get(day, 0), short[day])
        for day, digest in changed.items()
    }


def _looked(site: Site, school: School, asked: Asked) -> Looked:
    first = asked.figures.first
    number = {date: first + i for i, date in enumerate(asked.dates)}
    with site.warehouse.read() as conn:
        rows = quality.read(conn, school.id)
        made = sum(d.made for date, d in quality.checked_days(conn, school.id).items() if date in number)
    findings = [
        Finding(
            day=number[row["day"]],
            scope=row["scope"],
            subject=row["subject"],
            check=row["check_name"],
            **row["detail"],
        )
        for row in rows
        if row["day"] in number and row["check_name"] in BY_NAME
    ]
    return Looked(school, asked, tuple(findings), made)


def summaries(looked: Iterable[Looked]) -> dict[str, GroupSummary]:
    """By group of checks what all schools say of their newest academic year, in counts and a table for people."""
    schools = list(looked)
    return {group: _summary(group, schools) for group in GROUPS}


def _summary(group: str, schools: Iterable[Looked]) -> GroupSummary:
    checks = [check for check in CHECKS if check.group == group]
    looked_at = earlier = 0
    now: list[tuple[Looked, Finding]] = []
    for one in schools:
        found = one.asked.figures
        values: dict[str, Mapping[str, Any]] = {SCHOOL: found.of_day, CLASS: found.of_class, ROLL: found.of_roll}
        for check in checks:
            if check.figure in values[check.scope]:
                looked_at += int(np.sum(~np.isnan(values[check.scope][check.figure])))
        mine = [f for f in one.findings if BY_NAME[f.check].group == group and not f.confirmed]
        now += [(one, f) for f in mine if one.is_current(f)]
        earlier += len([f for f in mine if f.waits and not one.is_current(f)])
    now.sort(key=lambda pair: -pair[1].day)
    lines = ["| school | day | class | expected | found | letters |", "|---|---|---|---|---|---|"]
    for one, f in now[:MOST_LINES]:
        check = BY_NAME[f.check]
        waits = "wait" if f.waits else "go"
        cells = (one.school.id, one.school.calendar.date(f.day).isoformat(), in_a_cell(f.subject or "all"))
        lines.append(
            f"| {' | '.join(cells)} | {check.expected_in(one.school.quality)} | {found_in_words(f)} | {waits} |"
        )
    if len(now) > MOST_LINES:
        lines.append(f"| and {len(now) - MOST_LINES} more | | | | | |")
    return GroupSummary(
        looked_at=looked_at,
        short=len(now),
        holding=sum(bool(f.waits) for _, f in now),
        earlier=earlier,
        markdown="\n".join(lines) if now else "Everything is as expected.",
    )


def in_a_cell(text: str) -> str:
    """A class's name as a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")


def set_aside(site: Site) -> dict[str, int]:
    """How many rows are in quarantine, by rule."""
    with site.warehouse.read() as conn:
        return dict(Counter(quarantine.counts(conn, site.home.school_ids)).most_common())
