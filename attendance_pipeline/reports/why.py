"""Why a pupil is where they are: a few short plain sentences that a parent could be read.

Belongs here: words for the facts of `derive/standing.py`. Not here: the facts; the proof for staff (`explained.py`);
and nothing of courts, care or safeguarding: what stands in the way of a notice, or holds a letter, is never said here,
nor is anything that concerns one parent alone. No name stands in a sentence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from attendance_pipeline.derive import standing as facts
from attendance_pipeline.derive.standing import Figure, LadderEvent, RuleStanding, Standing, standings
from attendance_pipeline.derive.year import Derived
from attendance_pipeline.reports.figures import in_words, limit, long_date, plural, share

AGREED = "the school’s agreement"

# What a stage waits for, as a parent would say it.
ACTION_WORDS: Mapping[str, str] = {
    "letter_approved": "the letter approved",
    "letter_sent": "the school’s letter sent",
    "phone_call": "a telephone call made",
    "meeting_arranged": "a meeting arranged",
    "meeting_held": "the meeting held",
    "target_agreed": "targets agreed",
    "plan_agreed": "a plan agreed",
    "plan_reviewed": "the plan looked at again",
    "follow_up_done": "the follow-up talk done",
    "home_visit": "a home visit made",
    "agency_contacted": "another service asked",
    "referral_made": "the local authority told",
}
LETTER_WORDS: Mapping[str, str] = {
    "letter_1": "The first letter about attendance",
    "letter_2": "The second letter about attendance",
    "letter_3": "The third letter about attendance",
    "meeting_invitation": "An invitation to a meeting",
    "improved": "A letter about the improvement",
    "continuing": "A letter after the review",
    "medical_support": "A letter about support with illness",
    "penalty_notice_warning": "A letter about a penalty notice",
    "notice_to_improve": "A Notice to Improve",
}
WINDOW_WORDS: Mapping[str, tuple[str, str]] = {
    "terms": ("one term", "{} terms"),
    "half_terms": ("one half-term", "{} half-terms"),
    "academic_years": ("one school year", "{} school years"),
    "school_weeks": ("one school week", "{} school weeks"),
    "school_days": ("one school day", "{} school days"),
    "school_sessions": ("one session", "{} sessions in a row of attendance"),
    "calendar_weeks": ("one week", "{} weeks"),
    "calendar_months": ("one month", "{} months"),
    "consecutive_sessions": ("one session", "{} sessions without a break"),
}


@dataclass(frozen=True)
class Sent:
    """A letter of the ledger that a person said was sent. `kind`: of policy.LETTER_KINDS; `stage`: None for letters
    that belong to no stage."""

    kind: str
    on: dt.date
    stage: int | None = None


def why(at: Standing, letters: Iterable[Sent] = ()) -> list[str]:
    """The sentences about one pupil: attendance, why this stage or none, what comes next, unauthorised absence and
    letters. `letters`: those sent about the pupil this year."""
    return list(_sentences(at, sorted(letters, key=lambda s: s.on)))


def why_all(
    derived: Derived,
    day: int,
    letters: Mapping[int, Sequence[Sent]] | None = None,
    pupils: Iterable[int] | None = None,
) -> dict[int, list[str]]:
    """The sentences about many pupils (default: all on roll that day), by row of PupilTable; `letters` by the same.

    `derived` begins with the academic year of the day, as for `standings`.
    """
    sent = letters or {}
    return {p: why(at, sent.get(p, ())) for p, at in standings(derived, day, pupils).items()}


def _sentences(at: Standing, letters: Sequence[Sent]) -> Iterator[str]:
    if not at.on_roll:
        yield f"On {long_date(at.date)} the pupil was not on the school’s roll."
        left = [e for e in at.events if e.event == "left"]
        if left:
            yield f"Stage {left[-1].from_stage} ended on {long_date(left[-1].date)}, because the pupil had left."
        return
    yield from _attendance(at)
    if at.stage == 0:
        yield from _no_stage(at)
    else:
        yield from _stage(at)
    # Of several rules the furthest on is said; of two alike the one that is law. A school's own numbers are for staff.
    cases = [n for n in at.notices if n.status != "not_met" and not n.own_number]
    if cases:
        ranks = ("near", "met_provisional", "met")
        yield from _notice(max(cases, key=lambda n: (ranks.index(n.status), n.statutory, -n.needed)))
    since = at.opened_on if at.stage else None
    told = [s for s in letters if s.kind in LETTER_WORDS and s.on <= at.date]
    if told:
        last = told[-1]
        before = f"; it was sent before stage {at.stage} began" if since is not None and last.on < since else ""
        yield f"{LETTER_WORDS[last.kind]} was sent on {long_date(last.on)}{before}."


# ---------------------------------------------------------------- attendance


def _attendance(at: Standing) -> Iterator[str]:
    if at.figure[1] == 0 or at.cut is None:
        yield "No session has counted yet, so there is no attendance to speak of."
        return
    span = f"from {long_date(at.measured_from)} to {long_date(at.cut)}"
    attended, possible = at.figure
    yield (
        f"Attendance is {share(*at.figure, at.threshold)}: {attended:,} of {possible:,} sessions (mornings and "
        f"afternoons) were attended {span}."
    )
    missed = at.authorised + at.unauthorised
    if missed:
        yield f"{_capital(plural(missed, 'session'))} {_were(missed)} missed{_missed(at)}."


def _missed(at: Standing) -> str:
    """How the missed sessions are counted: `, all with ...` or `: two with ... and one without it`."""
    kinds = (
        (at.authorised, f"with {AGREED}"),
        (at.unauthorised - at.unexplained, f"without {'it' if at.authorised else AGREED}"),
        (at.unexplained, "for no reason that is known yet"),
    )
    there = [(count, words) for count, words in kinds if count]
    if len(there) == 1:
        count, words = there[0]
        return f", {('', 'both ')[count - 1] if count < 3 else 'all '}{words}"
    return f": {_listed([f'{in_words(count)} {words}' for count, words in there])}"


# ---------------------------------------------------------------- the ladder


def _no_stage(at: Standing) -> Iterator[str]:
    asked = f"the {limit(at.threshold)} that the school asks for in the {at.season} term"
    below = f"Attendance is below {asked}"
    ended = [e for e in at.events if e.to_stage == 0 and e.from_stage > 0 and e.event != "left"]
    if ended:
        yield _ended(ended[-1])
    reason = at.not_opened
    if reason == facts.NO_LADDER:
        yield "The school had no attendance policy in force here on that day."
    elif reason == facts.TOO_FEW_SESSIONS:
        yield f"The school decides nothing before there are {at.minimum} sessions to go by."
    elif reason == facts.NOT_BELOW:
        yield f"Attendance is not below {asked}, so no stage of its policy is open."
    elif reason == facts.BEFORE_GO_LIVE:
        yield f"{below}, but the school had not begun to use its stages by that day."
    elif reason == facts.CLOSED_UNTIL and at.not_before is not None:
        yield f"{below}, but the school has said that no stage opens up to {long_date(at.not_before)}."
    elif reason == facts.NOT_LOWER and at.recovery is not None:
        yield (
            f"{below}, but not lower than the {share(*at.recovery.figure)} it had reached on "
            f"{long_date(at.recovery.date)}, so no new stage is open."
        )
    elif reason == facts.QUIET_WEEKS and at.recovery is not None:
        yield f"{below}, but a stage ended on {long_date(at.recovery.date)}, and the school waits before another opens."
    elif reason == facts.ACCEPTED_REASONS and at.look_back is not None:
        since = long_date(at.look_back)
        yield f"{below}, but the reasons of absences since {since} are accepted or still asked for: no stage opens."
    elif reason == facts.EARLIER_YEAR:
        yield f"{below}, but a stage that ended in an earlier school year still counts, so no new stage is open."
    elif reason == facts.SET_THAT_DAY:
        yield f"{below}. A person at the school decided about the stage, and no stage is open."


def _ended(e: LadderEvent) -> str:
    day = long_date(e.date)
    if e.event != "recovered":
        return f"On {day} the school ended stage {e.from_stage}."
    if facts.is_below(e.figure, e.threshold) and e.period[1]:
        weeks = f"{share(*e.period)} of the sessions in the weeks before ({_of(e.period)})"
        return f"Stage {e.from_stage} ended on {day}, because {weeks} had been attended."
    return f"Stage {e.from_stage} ended on {day}, because attendance had risen to {share(*e.figure)} by then."


def _stage(at: Standing) -> Iterator[str]:
    opening = at.opening
    if opening is not None:
        yield _began(opening)
    elif at.opened_on is not None:
        yield f"Stage {at.stage} of the school’s policy began on {long_date(at.opened_on)}."
    reviews = at.reviews_at_stage
    if reviews:
        yield _reviewed(reviews[-1])
    if at.below and (opening is None or at.threshold != opening.threshold or reviews):
        yield f"The school asks for at least {limit(at.threshold)} in the {at.season} term."
    elif not at.below and at.figure[1]:
        yield (
            f"Attendance is not below the {limit(at.threshold)} that the school asks for in the {at.season} term; the "
            "stage stays until it is reviewed."
        )
    if at.waits_for:
        waits = _listed([ACTION_WORDS.get(a, a.replace("_", " ")) for a in at.waits_for])
        yield f"The weeks in which the school looks again begin when this is written down: {waits}."
    elif at.review_due is None:
        yield "There is no next review in the school’s calendar yet."
    elif at.review_due <= at.date:
        yield f"A review was due on {long_date(at.review_due)}; it takes place on the next school day."
    else:
        then = f", and compares with {share(*at.checkpoint)} ({_of(at.checkpoint)})" if at.checkpoint[1] else ""
        yield f"The next review is on {long_date(at.review_due)}{then}."


def _began(e: LadderEvent) -> str:
    day, stage = long_date(e.date), f"stage {e.to_stage} of the school’s policy"
    figure = f"{_of(e.figure)} sessions had been attended by then ({share(*e.figure, e.threshold)})"
    if e.event == "set":
        return f"On {day} the school itself decided on {stage}."
    if e.event == "opened":
        gate = ""
        if e.unaccepted and e.looked_from is not None:
            sessions = plural(e.unaccepted, "session")
            gate = f", and for {sessions} missed since {long_date(e.looked_from)} no reason had been accepted"
        return f"On {day} {stage} opened: {figure}, below {limit(e.threshold)}{gate}."
    if e.event == "escalated" and e.period[1] == 0:  # by its own level of attendance, on the day it fell below it
        return f"On {day} {stage} opened: {figure}, below {limit(e.threshold)}, at which it begins{_gate(e)}."
    if e.event == "escalated" and not _dropped(e):
        return (
            f"The review of {day} led from stage {e.from_stage} to {stage}: {figure}, below {limit(e.threshold)}, at "
            f"which it begins{_gate(e)}."
        )
    if e.event == "escalated":
        return (
            f"The review of {day} led from stage {e.from_stage} to {stage}: attendance had dropped from "
            f"{share(*e.checkpoint)} to {share(*e.figure)}{_gate(e)}."
        )
    return (
        f"The review of {day} led from stage {e.from_stage} to {stage}: {_of(e.period)} sessions since the look before "
        f"had been attended ({share(*e.period)}), which is no real improvement{_gate(e)}."
    )


def _dropped(e: LadderEvent) -> bool:
    """Whether attendance is lower than at the checkpoint."""
    return e.figure[0] * e.checkpoint[1] < e.checkpoint[0] * e.figure[1]


def _gate(e: LadderEvent) -> str:
    if not e.unaccepted:
        return ""
    return f", with {plural(e.unaccepted, 'missed session')} whose reason the school had not accepted"


def _reviewed(e: LadderEvent) -> str:
    day = long_date(e.date)
    change = f"from {share(*e.checkpoint)} to {share(*e.figure)}"
    accepted = f"attendance had dropped {change}, for reasons that the school accepts"
    aim = limit(e.threshold)
    said = {
        "no_sessions": "there had been no session to attend, so nothing changed",
        "dropped": f"attendance had dropped {change}{_gate(e)}; the stage goes on",
        "dropped_accepted_reasons": f"{accepted}; the stage goes on",
        "not_dropped": f"attendance had not dropped ({change}), and had not reached {aim}; the stage goes on",
    }
    return f"The review of {day} found: {said.get(e.event, e.event.replace('_', ' '))}."


# ---------------------------------------------------------------- unauthorised absence


def _notice(n: RuleStanding) -> Iterator[str]:
    one, many = WINDOW_WORDS[n.window]
    size = one if n.length == 1 else many.format(in_words(n.length))
    span = f"from {long_date(n.first)} to {long_date(n.last)}" if n.first and n.last else "so far"
    open_ = f" ({in_words(n.unresolved)} of them with no known reason yet)" if n.unresolved else ""
    missed = f"{_capital(plural(n.counted, 'session'))}{open_} {_were(n.counted)} missed without {AGREED}"
    low = f", with attendance below {limit(n.below)} (it is {share(*n.figure)})," if n.below >= 0 else ""
    row = " in a row" if n.in_a_row else ""
    yield f"{missed} {span}. At {n.asked}{row} within {size}{low} {_whose(n)} a penalty notice to be considered."
    if n.status == "met":
        yield "That number is reached. What follows is not decided by a count: a person at the school considers it."
    elif n.status == "met_provisional":
        yield (
            f"That number is reached only if {plural(n.unresolved, 'session')} without a known reason "
            f"{'is' if n.unresolved == 1 else 'are'} counted, so the reasons come first."
        )
    else:
        yield f"That is {plural(n.needed, 'session')} away."


def _whose(n: RuleStanding) -> str:
    return "the law asks for" if n.statutory else "the local rules ask for"


# ---------------------------------------------------------------- small words


def _of(figure: Figure) -> str:
    return f"{figure[0]:,} of {figure[1]:,}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
