"""Incentives: the weekly punctuality raffle and the prize pot, each drawn once, kept, and delivered.

Belongs here: drawing what is due, keeping it before anybody sees it, and gathering what its files need. Not here: who
has a ticket and which wins (`reports/incentives.py`), and what is due (`plan.py`).

A draw is kept with its seed and tickets in one transaction, and only what is kept is ever delivered: a run that is cut
off, a correction or a second run finds the draw and changes nothing. The seed is worked out from the home's own key and
the week, so that nobody can draw again until the result suits, and nobody can know it before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from attendance_pipeline.drive_names import class_audiences
from attendance_pipeline.home import School
from attendance_pipeline.law.rounds import Round, monday_of, weeks_of_year
from attendance_pipeline.letters.batch_lists import PupilOnPaper
from attendance_pipeline.letters.certificates import Won, certificates_file, unprintable
from attendance_pipeline.letters.from_roll import pupils_on_paper
from attendance_pipeline.letters.references import reference
from attendance_pipeline.letters.templates import Templates
from attendance_pipeline.register.identity import with_pupils
from attendance_pipeline.register.roll import current_classes, current_pupils
from attendance_pipeline.reports.incentives import (
    PRIZE_POT,
    RAFFLE,
    Prize,
    content_of,
    prize_pot,
    prizes_of,
    raffle,
    without_year_group,
)
from attendance_pipeline.reports.incentives_sheet import DrawSheet, Entrant, sheet_files, year_name
from attendance_pipeline.steps import troubles
from attendance_pipeline.steps.deliver import Made, put
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.plan import DELIVERED_AS, draws_due, draws_to_deliver
from attendance_pipeline.steps.propose import letterhead_of
from attendance_pipeline.steps.restate import newest_done
from attendance_pipeline.steps.secret import reference_key
from attendance_pipeline.steps.site import Site
from attendance_pipeline.steps.troubles import each_school
from attendance_pipeline.store.draws import StoredDraw, record_draw

LEAD = "attendance-lead"
_SEED_SIGNS = 32  # 128 bits
_BY_HAND = "the certificate has to be written by hand"


def raffles(site: Site, run: str) -> list[Made]:
    """The punctuality raffle of every school week that has ended without one."""
    return each_school(site, troubles.RAFFLE, lambda school: _drawn(site, school, RAFFLE, run))


def prize_pots(site: Site, run: str) -> list[Made]:
    """The prize pot of every round of school weeks that has ended without one."""
    return each_school(site, troubles.PRIZE_POT, lambda school: _drawn(site, school, PRIZE_POT, run))


def _drawn(site: Site, school: School, kind: str, run: str) -> Made:
    for weeks in draws_due(site, school, kind):
        made = _draw(site, school, kind, weeks)
        with site.warehouse.begin(school.id) as conn:
            record_draw(conn, school.id, made)
    folders: list[Path] = []
    winners = 0
    for kept in draws_to_deliver(site, school, kind):
        winners += sum(p.winner is not None for p in prizes_of(kept.content))
        folders += _delivered(site, school, kept, run)
    return Made(school.id, DELIVERED_AS, winners, tuple(folders), "" if folders else "nothing to draw")


def _draw(site: Site, school: School, kind: str, weeks: Round) -> StoredDraw:
    calendar, setting = school.calendar, school.policy.setting.incentives
    inputs = school_inputs(site, school)
    week = monday_of(calendar.date(weeks.last))
    seed = _seed(site, school, kind, week)
    before: Round | None = None
    if kind == RAFFLE:
        prizes = raffle(inputs, weeks, seed)
    else:
        before = _weeks_before(school, weeks)
        prizes = prize_pot(inputs, weeks, before, setting.minimum_possible_sessions, seed)
    content = content_of(
        prizes,
        compared=None if before is None else [calendar.date(d).isoformat() for d in (before.first, before.last)],
        school_weeks=_length(school, weeks),
        minimum=setting.minimum_possible_sessions,
        left_out=without_year_group(inputs, weeks.last),
        made_from=f"Register as at {site.register_as_at(school)} · policy {school.policy.name} {school.policy.version}",
    )
    return StoredDraw(kind, week, calendar.date(weeks.first), calendar.date(weeks.last), seed, content)


def _seed(site: Site, school: School, kind: str, week: dt.date) -> str:
    words = f"draw|{school.id}|{kind}|{week}"
    return hmac.new(reference_key(site.home.state), words.encode(), hashlib.sha256).hexdigest()[:_SEED_SIGNS]


def _weeks_before(school: School, weeks: Round) -> Round | None:
    """As many school weeks of the same academic year just before; None when there are not so many."""
    earlier = [w for w in weeks_of_year(school.calendar, weeks.last) if w.last < weeks.first]
    length = _length(school, weeks)
    return Round(earlier[-length].first, earlier[-1].last) if len(earlier) >= length else None


def _length(school: School, weeks: Round) -> int:
    return sum(weeks.first <= w.first <= weeks.last for w in weeks_of_year(school.calendar, weeks.last))


# ---------------------------------------------------------------- files


@dataclass(frozen=True)
class _Roll:
    """The pupils with tickets, by the numbers that the draw has for them."""

    paper: Mapping[int, PupilOnPaper]
    left: frozenset[int]


def _roll(site: Site, school: School, numbers: Iterable[int], today: dt.date) -> _Roll:
    wanted = sorted(set(numbers))
    with site.warehouse.read() as conn:
        pupils = current_pupils(conn, school.id)
        paper = pupils_on_paper(pupils, current_classes(conn, school.id))
        # A number of former days may by now be known to mean another pupil's row.
        rows = with_pupils(conn, school.id, [{"person_id": n} for n in wanted])
    now = {n: int(row["person_id"]) for n, row in zip(wanted, rows, strict=True)}
    leaves = {
        int(p["person_id"]): dt.date.max if pd.isna(p["leaving_date"]) else p["leaving_date"].date()
        for p in pupils.to_dict("records")
    }
    return _Roll(
        {n: paper[person] for n, person in now.items() if person in paper},
        frozenset(n for n, person in now.items() if leaves.get(person, dt.date.min) < today),
    )


def _delivered(site: Site, school: School, draw: StoredDraw, run: str) -> tuple[Path, ...]:
    """Deliver one kept draw: the sheet, the tickets and the certificates to the attendance lead; and where certificates
    may go without approval, each class teacher's own."""
    calendar, prizes = school.calendar, prizes_of(draw.content)
    newest = newest_done(site, school)
    today = max(draw.last_day, draw.last_day if newest is None else calendar.date(newest))
    roll = _roll(site, school, (n for p in prizes for n in p.tickets), today)
    winners = _winners(site, school, draw, prizes, roll)
    templates, head = Templates(site.home.letter_templates), letterhead_of(school)
    by_hand = {n for n, won in winners if unprintable(won, head, draw.last_day, templates)}
    compared = draw.content["compared"]
    sheet = DrawSheet(
        school=school.name,
        first=draw.first_day,
        last=draw.last_day,
        seed=draw.seed,
        prizes=prizes,
        entrants={
            n: Entrant(p.full_name, p.class_name, _remark(n in roll.left, n in by_hand)) for n, p in roll.paper.items()
        },
        made_from=draw.content["made_from"],
        compared=None if compared is None else (dt.date.fromisoformat(compared[0]), dt.date.fromisoformat(compared[1])),
        school_weeks=draw.content["school_weeks"],
        minimum=draw.content["minimum"],
        left_out=draw.content["left_out"],
    )
    prefix = "raffle" if draw.kind == RAFFLE else "prize-pot"
    printed = [(n, won) for n, won in winners if n not in by_hand]
    files = {LEAD: sheet_files(sheet)}
    if pdf := certificates_file([won for _, won in printed], head, draw.last_day, templates):
        files[LEAD][f"{prefix}-certificates.pdf"] = pdf
    if f"{prefix.replace('prize-pot', 'prize')}_certificate" in school.policy.setting.letters.without_approval:
        here = [won for n, won in printed if n not in roll.left and won.pupil.class_name]
        audiences = class_audiences({won.pupil.class_name for won in here})
        for name, audience in audiences.items():
            own = certificates_file([w for w in here if w.pupil.class_name == name], head, draw.last_day, templates)
            files[audience] = {f"{prefix}-certificates.pdf": own} if own else {}
    day = calendar.on_or_before(draw.last_day)
    return put(
        site, school, max(day, 0), DELIVERED_AS, files, run, {LEAD: {f"{draw.kind} {draw.week}": f"{prefix}-draw.pdf"}}
    )


def _remark(left: bool, by_hand: bool) -> str:
    said = ["has left the school since and stays the winner"] * left + [_BY_HAND] * by_hand
    return "; ".join(said)


def _winners(
    site: Site, school: School, draw: StoredDraw, prizes: Iterable[Prize], roll: _Roll
) -> list[tuple[int, Won]]:
    """What each winner has won, with the pupil's number, in the order of the sheet."""
    setting, key = school.policy.setting.incentives, reference_key(site.home.state)
    out = []
    for p in prizes:
        if p.winning_pupil is None or p.winning_pupil not in roll.paper:
            continue
        out.append(
            (
                p.winning_pupil,
                Won(
                    reference=reference(key, school.id, (draw.kind, draw.week, p.prize, p.group)),
                    pupil=roll.paper[p.winning_pupil],
                    year_group=year_name(p.group),
                    first=draw.first_day,
                    last=draw.last_day,
                    prize=setting.raffle_prize if p.prize == RAFFLE else setting.prize_pot_prize,
                    prize_for="" if p.prize == RAFFLE else p.prize,
                ),
            )
        )
    return out
