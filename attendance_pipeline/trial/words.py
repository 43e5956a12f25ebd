"""Words that the terminal, the workbook and JSON share: statuses, sessions, what was assumed. No figure is made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from attendance_pipeline.derive.dates import date_words, short_date
from attendance_pipeline.law.policy import WINDOW_KINDS
from attendance_pipeline.trial.export import Export
from attendance_pipeline.trial.outcome import MISSING, PRESENT, Headline, Notice, Outcome, Staged

STATUS = {"met": "met", "met_provisional": "met if N counts", "near": "near"}
BLANK = {PRESENT: "present", MISSING: "not entered"}
_NOT_COUNTED = "·"
_MOST_CODES = 45


def rule_words(outcome: Outcome, rule: str) -> str:
    """A penalty-notice rule as its policy says it: 10 sessions of G N O U in 10 school weeks."""
    plan = outcome.derived.plan
    found = next(r for r in plan.policy.rules_on(outcome.school.date(outcome.day)) if r.name == rule)
    parts = []
    for alternative in found.any_of:
        kind, size = alternative.window
        if kind == WINDOW_KINDS[-1]:
            parts.append(f"{alternative.sessions} consecutive sessions")
        else:
            unit = kind.replace("_", " ")
            row = " in a row" if alternative.in_a_row else ""
            length = f"{size} {unit if size > 1 else unit.rstrip('s')}"
            parts.append(f"{alternative.sessions} sessions{row} in {length}{alternative.besides}")
    return f"{' or '.join(parts)} (codes {' '.join(found.codes)})"


def rule_source(outcome: Outcome, rule: str) -> str:
    return next(r.source for r in outcome.derived.plan.policy.rules if r.name == rule)


def sessions_words(sessions: Sequence[tuple[dt.date, str, str]], years: bool = False) -> str:
    """Sessions by day, morning and afternoon: `12 Jan OO, 13 Jan O·`; `·` is a session that is not meant."""
    out = []
    for day, found in groupby(sessions, lambda s: s[0]):
        codes = {session: code for _, session, code in found}
        pair = [codes.get(s, _NOT_COUNTED) for s in ("AM", "PM")]
        out.append(f"{day.day} {day:%b}{f' {day.year}' if years else ''} {''.join(pair)}")
    return ", ".join(out)


def notice_sessions(notice: Notice) -> list[tuple[dt.date, str, str]]:
    return [(s.date, s.session, s.code) for s in notice.sessions]


def drop_words(notice: Notice) -> str:
    """When the oldest session drops out: a date that no holiday has been reckoned into, and how many weeks."""
    if notice.drops_out_on is None or notice.weeks_left is None:
        return "not known"
    weeks = f"{notice.weeks_left} wk" if notice.weeks_left == 1 else f"{notice.weeks_left} wks"
    return f"{notice.drops_out_on.day} {notice.drops_out_on:%b %Y} ({weeks})"


def share(attended: int, possible: int) -> str:
    return f"{100 * attended / possible:.1f}%" if possible else "-"


def why_stage(staged: Staged) -> str:
    """Why a stage opened, as evidence: the figure, the threshold, and the sessions that were unaccepted."""
    since = f" since {date_words(staged.looked_from)}" if staged.looked_from else ""
    figure = f"{share(staged.attended, staged.possible)} ({staged.attended} of {staged.possible})"
    return f"{figure}, below {staged.threshold / 1000:g}%; unaccepted{since}: {sessions_words(staged.unaccepted)}"


def opened_words(staged: Staged) -> str:
    return "next school day" if staged.opened_on is None else short_date(staged.opened_on)[4:]


def stage_assumption(outcome: Outcome) -> str:
    waits = any(s.stage != s.if_done for s in outcome.stages)
    base = f"By {outcome.derived.plan.policy.name}, from the marks alone: no letter, meeting or earlier year is known."
    if not waits:
        return base
    return (
        f"{base} So a stage that waits for a letter or a meeting goes on waiting; `all done` is the stage, had each "
        "been sent or held on the day it was due."
    )


def extrapolation(outcome: Outcome) -> str:
    last = short_date(outcome.last_date)
    return (
        f"`Drops out`: the first school day on which the oldest counted session is out of the window, and how many "
        f"school weeks away. After {last} every weekday but bank holidays was taken for a school day: each week of "
        "holiday moves it a week later."
    )


def blank_words(outcome: Outcome, export: Export) -> list[str]:
    """What blank cells were taken for, why, and whether it matters."""
    if outcome.blank is None:
        return []
    shown = BLANK[outcome.blank]
    option = PRESENT if outcome.blank == MISSING else MISSING
    writes = bool({"/", "\\"} & set(export.codes))
    out = [f"{outcome.cells:,} sessions are blank. Only the system that wrote the file can tell what that says."]
    if outcome.other is None:
        return [*out, "It makes no difference to anything below."]
    if outcome.chosen:
        out.append(f"Taken as you said: {shown}.")
    else:
        reason = "the file writes / and \\ for present" if writes else "the file never writes present"
        out.append(f"Shown below as {shown}, because {reason}; `--blank {option}` shows the other:")
    return out


def blank_table(outcome: Outcome) -> Iterator[tuple[str, Headline]]:
    """What blank may mean, the one shown first, and the figures with it."""
    if outcome.blank is None or outcome.other is None:
        return
    yield f"{BLANK[outcome.blank]} (shown)", outcome.headline
    yield BLANK[PRESENT if outcome.blank == MISSING else MISSING], outcome.other


def headline_cells(h: Headline) -> list[str]:
    return [
        share(h.attended, h.possible),
        str(h.persistent),
        str(h.severe),
        str(h.on_ladder),
        f"{h.met + h.provisional}",
        str(h.near),
    ]


HEADLINE = ("attendance", "persistently absent", "severely", "on the ladder", "notice: met", "near")


def codes_words(codes: Mapping[str, int]) -> str:
    shown = ", ".join(f"{code} {n:,}" for code, n in list(codes.items())[:_MOST_CODES])
    return shown + (f" and {len(codes) - _MOST_CODES} more" if len(codes) > _MOST_CODES else "")


def left_out(export: Export) -> Iterator[str]:
    """Rows that could not be used, by reason, with the first lines."""
    for s in export.set_aside:
        lines = ", ".join(f"{n}" for n in s.lines)
        more = ", …" if s.rows > len(s.lines) else ""
        yield f"{s.rows:,} × {s.rule}" + (f" ({s.column})" if s.column else "") + f": line {lines}{more}"


def counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
