"""What a night did and left behind, in counts by school: a few queries over all schools of a home together.

Belongs here: counting what the other verbs wrote, for the note of the morning. Not here: writing, and words. No name,
number or mark of a pupil is read.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa

from attendance_pipeline.store.tables import (
    delivery,
    derived_page,
    extract,
    impact_report,
    letter,
    letter_event,
    quality,
    quarantine,
    statement,
)


@dataclass
class Counted:
    """Of one school. `register_day`: the newest day of which a register extract speaks that was made on that day or
    later. `extracts`: by kind the recorded date of the newest. `taken_in`: files since. `derived`: days since, and the
    newest ever. `delivered`: by what, how many folders since and the first of them; `folders`: by what the newest ever
    (of letters, the office's). `aside`, `held`: rows and letters, all and new since. `failed_checks`: by day, of the
    last two weeks, how many checks fell short. `unsupported`: letters that went and that the marks no longer support,
    by impact reports since.
    """

    register_day: dt.date | None = None
    extracts: dict[str, dt.date] = field(default_factory=dict)
    taken_in: int = 0
    derived: int = 0
    newest: dt.date | None = None
    delivered: dict[str, tuple[int, str]] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    aside: int = 0
    newly_aside: int = 0
    held: int = 0
    newly_held: int = 0
    proposed: int = 0
    failed_checks: dict[dt.date, int] = field(default_factory=dict)
    unsupported: int = 0


def count_night(conn: sa.Connection, schools: Iterable[str], since: dt.datetime, upto: dt.date) -> dict[str, Counted]:
    """Counts by school of what was done since a moment (UTC, without a zone). `upto`: register days after it are left
    out (marks that were entered ahead)."""
    out: dict[str, Counted] = defaultdict(Counted, {school: Counted() for school in schools})
    e, s, d = extract.c, statement.c, delivery.c

    query = sa.select(s.school, sa.func.max(s.day)).join(extract, e.id == s.extract_id)
    query = query.where(s.day <= e.recorded_on, s.day <= upto, e.left_out.is_(False)).group_by(s.school)
    for school, day in conn.execute(query):
        out[school].register_day = day

    received = sa.func.sum(sa.case((e.received_at >= since, 1), else_=0))
    for school, kind, newest, new in conn.execute(
        sa.select(e.school, e.kind, sa.func.max(e.recorded_on), received).group_by(e.school, e.kind)
    ):
        out[school].extracts[kind] = newest
        out[school].taken_in += new

    for school, of_school in list(out.items()):  # one school at a time, by the key: the pages themselves are not read
        p = derived_page.c
        fresh = sa.func.sum(sa.case((p.computed_at >= since, 1), else_=0))
        one = sa.select(sa.func.max(p.day), fresh).where(p.school == school, p.kind == "stages")
        newest, new = conn.execute(one).one()
        of_school.newest, of_school.derived = newest, new or 0

    folders = sa.select(d.school, d.what, d.path).where(d.created_at >= since).order_by(d.id)
    for school, what, path in conn.execute(folders):
        before = out[school].delivered.get(what, (0, path))
        out[school].delivered[what] = (before[0] + 1, before[1])

    for_office = sa.or_(d.what != "letters", d.path.contains("/office/"))
    last = sa.select(sa.func.max(d.id)).where(d.what.in_(("letters", "data-quality")), for_office)
    of_last = sa.select(d.school, d.what, d.path).where(d.id.in_(last.group_by(d.school, d.what)))
    for school, what, path in conn.execute(of_last):
        out[school].folders[what] = path

    q = quarantine.c
    found = sa.func.sum(sa.case((q.found_at >= since, 1), else_=0))
    for school, rows, new in conn.execute(sa.select(q.school, sa.func.count(), found).group_by(q.school)):
        out[school].aside, out[school].newly_aside = rows, new

    states = sa.select(letter.c.school, letter.c.state, sa.func.count()).group_by(letter.c.school, letter.c.state)
    for school, state, many in conn.execute(states):
        if state == "held":
            out[school].held = many
        elif state == "proposed":
            out[school].proposed = many
    v = letter_event.c
    newly = sa.select(letter.c.school, sa.func.count(sa.distinct(v.reference))).join(
        letter, letter.c.reference == v.reference
    )
    newly = newly.where(letter.c.state == "held", v.to_state == "held", v.at >= since).group_by(letter.c.school)
    for school, many in conn.execute(newly):
        out[school].newly_held = many

    c = quality.c
    short = sa.select(c.school, c.day, sa.func.count()).where(
        c.scope.in_(("school", "class")), c.passed.is_(False), c.day > upto - dt.timedelta(days=14), c.day <= upto
    )
    for school, day, many in conn.execute(short.group_by(c.school, c.day)):
        out[school].failed_checks[day] = many

    reports = sa.select(impact_report.c.school, impact_report.c.content).where(impact_report.c.made_at >= since)
    for school, content in conn.execute(reports):
        out[school].unsupported += content.get("unsupported_letters", 0)
    return dict(out)
