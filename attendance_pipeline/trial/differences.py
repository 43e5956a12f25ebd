"""Another list beside what the export gives: who of it is whom, and every difference in words.

Belongs here: the claims of a list, and what came of reconciling them. Not here: the search for reasons
(`derive/reconcile.py`), reading the list (`lists`), and showing anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from attendance_pipeline.derive.claims import NOT_SAID, Figures, Limit, Members
from attendance_pipeline.derive.dates import date_words
from attendance_pipeline.derive.other_counts import Longs
from attendance_pipeline.derive.reconcile import (
    AGREES,
    EXPLAINED,
    SEVERAL,
    UNEXPLAINED,
    Explained,
    Reconciliation,
    reconcile,
)
from attendance_pipeline.law.absence_thresholds import absent_from
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.trial.lists import OtherList, Row
from attendance_pipeline.trial.matching import Directory, Match
from attendance_pipeline.trial.outcome import HUNDRED_PERCENT, Outcome

PERSISTENT, SEVERE, LADDER, NOTICE = "persistent", "severe", "stage", "notice"
KINDS = (PERSISTENT, SEVERE, LADDER, NOTICE)
KIND_WORDS = {
    PERSISTENT: "persistently absent pupils",
    SEVERE: "severely absent pupils",
    LADDER: "pupils on a stage of the ladder",
    NOTICE: "pupils at or near the threshold of a penalty notice",
}
NOT_MATCHED, ONLY_HERE = "not matched", "not in the list"
_WHOLE = 0.8  # of the pupils on roll, from which a list is one of everybody
_WORDS = {
    "possible": "possible", "attended": "attended", "present": "present", "approved": "approved activity",
    "authorised": "authorised", "unauthorised": "unauthorised", "absent": "absent", "late_before": "late before close",
    "late_after": "late after close", "late": "late", "not_established": "no reason yet", "unmarked": "without a mark",
    "not_required": "not required",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One row of the list, or a pupil whom the list lacks. `pupil`: place in the export's people, None: nobody;
    `theirs`, `ours`: the figures in words; `status`: agrees, explained, ... ; `words`: why, or what remains; `note`: of
    the pupil, whatever the figures; `alone`: the reason holds for this pupil only, not for the list."""

    pupil: int | None
    named: str
    class_name: str
    matched: Match | None
    about: str
    theirs: str
    ours: str
    status: str
    words: str
    line: int | None
    note: str = ""
    alone: bool = False

    @property
    def explanation(self) -> str:
        return "; ".join(w for w in (self.words, self.note) if w)


@dataclass(frozen=True)
class Comparison:
    """`kind`: what a list without figures was taken for, None where it has figures; `taken`: that, and why, in words;
    `summary`: sentences of the list as a whole; `rows`: every difference and agreement, the former first."""

    file_name: str
    listed: int
    kind: str | None
    taken: str
    summary: tuple[str, ...]
    rows: tuple[Difference, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(r for r in self.rows if r.status != AGREES)


def compare(outcome: Outcome, other: OtherList, kind: str | None = None) -> Comparison:
    """Every row of another list beside the export. `kind`: of KINDS, what a list of names is of, if the user says."""
    matches = Directory(outcome.people).match([r.person for r in other.rows])
    pairs = _first_of_each(other.rows, matches)
    rows = [_unmatched(r, m) for r, m in zip(other.rows, matches, strict=True) if m.at is None]
    first = {row.line for _, row, _ in pairs}
    rows += [
        _of_pupil(outcome, m.at, r, m, "", said_of(r), "", NOT_MATCHED, "the pupil stands twice in the list")
        for r, m in zip(other.rows, matches, strict=True)
        if m.at is not None and r.line not in first
    ]
    summary = [f"{len(other.rows)} rows in the list: {_matched_words(matches)}."]
    if other.unread:
        summary.append(f"{other.unread} rows name no pupil (totals, headings) and were left out.")
    taken = ""
    on_roll = [p for p in range(len(outcome.people)) if p not in outcome.left]
    whole = len({p for p, _, _ in pairs} & set(on_roll)) >= _WHOLE * len(on_roll)
    if other.figures:
        found = _figures(outcome, pairs)
        taken = "figures of attendance"
        rows += found[0]
        summary += found[1]
    if other.staged:
        rows += _stages(outcome, pairs)
        taken = "figures and stages" if other.figures else "stages of the ladder"
    if other.flagged:
        found = _members(outcome, pairs, PERSISTENT, {p for p, r, _ in pairs if r.persistent}, {p for p, _, _ in pairs})
        rows += found[0]
        summary += found[1]
        taken = f"{taken}, and who is persistently absent" if taken else "who is persistently absent"
    names_only = not (other.figures or other.staged or other.flagged)
    low = other.figures and not whole and _all_low(outcome, pairs)
    if kind is not None or names_only or low:
        chosen = kind or (PERSISTENT if low else _likeliest(outcome, {p for p, _, _ in pairs}))
        why = "as you said" if kind else "as no attendance in it is above 90%" if low else "the rule that fits it best"
        taken = f"{taken}; " * bool(taken) + f"a list of {KIND_WORDS[chosen]} ({why})"
        found = _members(outcome, pairs, chosen, {p for p, _, _ in pairs}, set(on_roll))
        rows += found[0]
        summary += found[1]
        kind = chosen
    elif whole:
        listed = {p for p, _, _ in pairs}
        rows += [_only_here(outcome, p) for p in on_roll if p not in listed]
    order = {UNEXPLAINED: 0, NOT_MATCHED: 1, ONLY_HERE: 2, SEVERAL: 3, EXPLAINED: 4, AGREES: 5}
    rows.sort(key=lambda d: (order[d.status], d.class_name, d.named))
    return Comparison(other.file_name, len(other.rows), kind, taken, tuple(summary), tuple(rows))


Pair = tuple[int, Row, Match]


def _first_of_each(rows: Sequence[Row], matches: Sequence[Match]) -> list[Pair]:
    """Rows that were matched, of several of one pupil the first."""
    out: dict[int, Pair] = {}
    for row, match in zip(rows, matches, strict=True):
        if match.at is not None:
            out.setdefault(match.at, (match.at, row, match))
    return list(out.values())


def _matched_words(matches: Sequence[Match]) -> str:
    by: dict[str, int] = {}
    for m in matches:
        words = f"{m.sure} by {m.by.split(';')[0]}" if m.at is not None else NOT_MATCHED
        by[words] = by.get(words, 0) + 1
    return ", ".join(f"{n} {words}" for words, n in sorted(by.items(), key=lambda b: -b[1]))


def _unmatched(row: Row, match: Match) -> Difference:
    return Difference(
        None, row.person.name, row.person.class_name, match, "", said_of(row), "", NOT_MATCHED, match.by, row.line
    )


def _only_here(outcome: Outcome, p: int) -> Difference:
    first = int(outcome.inputs.pupils.entry[p])
    joined = f"first mark {date_words(outcome.school.date(first))}: joined since the list was made?" if first else ""
    return _of_pupil(outcome, p, None, None, "in the list", "no row", _attendance(outcome, p), ONLY_HERE, joined)


def _of_pupil(
    outcome: Outcome,
    p: int,
    row: Row | None,
    match: Match | None,
    about: str,
    theirs: str,
    ours: str,
    status: str,
    words: str,
) -> Difference:
    person = outcome.people[p]
    gone = f"no mark here since {date_words(outcome.left[p])}" if p in outcome.left and status != AGREES else ""
    note = "; ".join(w for w in (match.by.partition("; ")[2] if match else "", gone) if w)
    line = row.line if row else None
    return Difference(p, person.name, person.class_name, match, about, theirs, ours, status, words, line, note)


# ---------------------------------------------------------------- figures


def _figures(outcome: Outcome, pairs: Sequence[Pair]) -> tuple[list[Difference], list[str]]:
    said = [pair for pair in pairs if pair[1].counts or pair[1].shares]
    if not said:
        return [], ["No row that was matched gives a figure."]
    claims = claims_of([(p, r) for p, r, _ in said], outcome.school, outcome.last)
    found = reconcile(outcome.inputs, int(outcome.school.year_start[outcome.last]), outcome.last, claims)
    rows = [
        replace(
            _of_pupil(outcome, p, row, match, "figures", said_of(row), _ours(e, row), e.status, why_of(e, row)),
            alone=e.alone,
        )
        for (p, row, match), e in zip(said, found.rows, strict=True)
    ]
    return rows, [*summary_of(found, "figures"), *_beyond(outcome, found)]


def claims_of(said: Sequence[tuple[int, Row]], school: SchoolCalendar, last_day: int) -> Figures:
    """The figures of rows of a list, each about a pupil (a row of PupilTable), up to a school day."""
    rows = [r for _, r in said]
    counts = _columns(rows, lambda r: r.counts)
    shares, decimals = {}, {}
    for name in dict.fromkeys(n for r in rows for n in r.shares):
        decimals[name] = max(r.shares[name].decimals for r in rows if name in r.shares)
        scale = 10 ** decimals[name]
        shares[name] = np.array(
            [int(r.shares[name].value * scale) if name in r.shares else NOT_SAID for r in rows], dtype=np.int64
        )
    first = last = None
    if any(r.first or r.last for r in rows):
        first = np.array([NOT_SAID if r.first is None else 2 * school.on_or_after(r.first) for r in rows])
        last = np.array(
            [NOT_SAID if r.last is None else min(2 * school.on_or_before(r.last) + 1, 2 * last_day + 1) for r in rows]
        )
    return Figures(tuple(p for p, _ in said), counts, shares, decimals, first, last)


def _beyond(outcome: Outcome, found: Reconciliation) -> list[str]:
    """A sentence where most rows that are not explained have more sessions than the export."""
    left = [r for r in found.rows if r.status == UNEXPLAINED and "possible" in r.theirs]
    more = sum(r.theirs["possible"] > r.ours["possible"] for r in left)
    if not left or 2 * more <= len(left):
        return []
    first, last = (date_words(d) for d in (outcome.school.date(0), outcome.last_date))
    return [
        f"{more} rows that are not explained have more possible sessions than the export, which goes from {first} to "
        f"{last}: the list may begin earlier or end later."
    ]


def _columns(rows: Sequence[Row], of: Callable[[Row], Mapping[str, int]]) -> dict[str, Longs]:
    names = dict.fromkeys(n for r in rows for n in of(r))
    return {n: np.array([of(r).get(n, NOT_SAID) for r in rows], dtype=np.int64) for n in names}


def said_of(row: Row) -> str:
    """The figures of a row in words."""
    parts = [f"{_WORDS[n]} {v}" for n, v in row.counts.items()]
    parts += [f"{_WORDS[n]} {_percent_words(s.value, s.decimals)}" for n, s in row.shares.items()]
    if row.stage is not None:
        parts.append(f"stage {row.stage}")
    return ", ".join(parts)


def _percent_words(value: Fraction, decimals: int) -> str:
    return f"{float(value):.{decimals}f}%"


def _ours(explained: Explained, row: Row) -> str:
    """Our figures of the same names as the row's."""
    ours = explained.ours
    parts = [f"{_WORDS[n]} {ours[n]}" for n in row.counts]
    for name, share in row.shares.items():
        possible = ours["possible"]
        if not possible:
            parts.append(f"{_WORDS[name]}: no possible session")
            continue
        value = Fraction(ours[name] * 100, possible)
        parts.append(f"{_WORDS[name]} {_percent_words(value, max(share.decimals, 1))} ({ours[name]} of {possible})")
    return ", ".join(parts)


def why_of(explained: Explained, row: Row) -> str:
    if explained.status == AGREES:
        whole = all(s.decimals == 0 for s in row.shares.values()) and row.shares and not row.counts
        return "the same, rounded to a whole percent" if whole else ""
    if explained.why:
        words = " or: ".join("; ".join(why) for why in explained.why)
        return (
            f"for this pupil alone (a mark corrected on one side would look the same): {words}"
            if explained.alone
            else words
        )
    if explained.remains:
        left = ", ".join(f"{'+' if v > 0 else '-'}{abs(v)} {_WORDS[n]}" for n, v in explained.remains.items())
        return f"theirs differ by {left}"
    return "no way of counting that was tried gives this percentage"


def summary_of(found: Reconciliation, what: str) -> list[str]:
    out = []
    statuses = [r.status for r in found.rows]
    told = {s: statuses.count(s) for s in (AGREES, EXPLAINED, SEVERAL, UNEXPLAINED)}
    words = ", ".join(f"{n} {'agree' if s == AGREES and n > 1 else s}" for s, n in told.items() if n)
    out.append(f"{what.capitalize()} of {len(found.rows)} pupils: {words}.")
    if found.way:
        believed = "The list was counted otherwise" if found.sure else "The list may have been counted otherwise"
        out.append(f"{believed}: {'; '.join(found.way)}.")
        out += [f"As good: {words}." for words in found.also]
    return out


# ---------------------------------------------------------------- stages and lists of names


def _stages(outcome: Outcome, pairs: Sequence[Pair]) -> list[Difference]:
    here = {s.pupil: s for s in outcome.stages}
    out = []
    for p, row, match in pairs:
        if row.stage is None:
            continue
        staged = here.get(p)
        ours, done = (staged.stage, staged.if_done) if staged else (0, 0)
        if row.stage == ours:
            status, words = AGREES, ""
        elif row.stage == done:
            status, words = EXPLAINED, "the stage, had every letter been sent and every meeting held when it was due"
        else:
            status, words = UNEXPLAINED, _stage_words(outcome, p, row.stage)
        also = f" ({done} had every step been done)" if done != ours else ""
        out.append(
            _of_pupil(outcome, p, row, match, "stage", f"stage {row.stage}", f"stage {ours}{also}", status, words)
        )
    return out


def _stage_words(outcome: Outcome, p: int, theirs: int) -> str:
    staged = {s.pupil: s for s in outcome.stages}.get(p)
    if theirs and staged:
        return "letters, meetings and stages that staff set are not in the export"
    return why_not_on_ladder(outcome, p) if theirs else "opened here; the list has no stage"


def why_not_on_ladder(outcome: Outcome, p: int) -> str:
    """Why a pupil holds no stage, from the figures of the last day."""
    ladder = outcome.derived.plan.ladder[outcome.day]
    window = outcome.derived.counts.window(int(ladder["start"]), outcome.last)
    attended, possible = int(window.attended[p]), int(window.possible[p])
    if p in outcome.left:
        return ""
    if possible < int(ladder["minimum"]):
        return f"{possible} possible sessions, fewer than the {int(ladder['minimum'])} that the ladder asks for"
    if attended * HUNDRED_PERCENT >= int(ladder["threshold"]) * possible:
        return f"{_share_words(attended, possible)} is not below {int(ladder['threshold']) / 1000:g}%"
    return "below the threshold, but no unauthorised or questioned session in the weeks that the ladder looks back"


def _share_words(attended: int, possible: int) -> str:
    return f"{100 * attended / possible:.1f}% ({attended} of {possible})"


def _attendance(outcome: Outcome, p: int) -> str:
    window = outcome.year_to_date
    possible = int(window.possible[p])
    return _share_words(int(window.attended[p]), possible) if possible else "no possible session"


def _own_members(outcome: Outcome, kind: str) -> set[int]:
    if kind == PERSISTENT:
        return {a.pupil for a in outcome.absent or ()}
    if kind == SEVERE:
        return {a.pupil for a in outcome.absent or () if a.severe}
    if kind == LADDER:
        return {s.pupil for s in outcome.stages if s.stage > 0}
    return {n.pupil for n in outcome.notices}


def _likeliest(outcome: Outcome, listed: set[int]) -> str:
    """What a list of names is of: the rule whose pupils are most like the listed."""

    def alike(kind: str) -> float:
        own = _own_members(outcome, kind)
        return len(own & listed) / max(len(own | listed), 1)

    return max(KINDS, key=alike)


def _all_low(outcome: Outcome, pairs: Sequence[Pair]) -> bool:
    """Whether a list gives attendance, and none above the limit of persistent absence."""
    limit = Fraction(HUNDRED_PERCENT - absent_from("persistent", outcome.last_date), 1000)
    shares = [r.shares["attended"].value for _, r, _ in pairs if "attended" in r.shares]
    return bool(shares) and max(shares) <= limit


def _members(
    outcome: Outcome, pairs: Sequence[Pair], kind: str, listed: set[int], among: Iterable[int]
) -> tuple[list[Difference], list[str]]:
    """A list of names beside the pupils whom the rule gives; `among`: pupils who would be on it."""
    wanted = sorted({*among, *listed})
    claims = _membership(outcome, kind, wanted, listed)
    found = reconcile(outcome.inputs, int(outcome.school.year_start[outcome.last]), outcome.last, claims)
    own = _own_members(outcome, kind)
    by_pupil: Mapping[int, tuple[Row, Match]] = {p: (r, m) for p, r, m in pairs}
    rows = []
    for p, explained in zip(wanted, found.rows, strict=True):
        if p not in listed and p not in own:
            continue
        row, match = by_pupil.get(p, (None, None))
        theirs = "listed" if p in listed else "not listed"
        ours = f"{'yes' if p in own else 'no'}, {_attendance(outcome, p)}"
        words = _why_listed(outcome, kind, p, p in listed, explained)
        status = explained.status
        rows.append(_of_pupil(outcome, p, row, match, KIND_WORDS[kind], theirs, ours, status, words))
    both = len(own & listed)
    summary = [
        f"{KIND_WORDS[kind].capitalize()}: {both} on both, {len(listed - own)} only in the list, "
        f"{len(own - listed)} only here."
    ]
    if found.way:
        word = "The list comes out exactly" if found.sure else "The list would come nearer"
        summary.append(f"{word} with: {'; '.join(found.way)}.")
        summary += [f"As good: {words}." for words in found.also]
    return rows, summary


def _membership(outcome: Outcome, kind: str, wanted: Sequence[int], listed: set[int]) -> Members:
    on_list = np.array([p in listed for p in wanted], dtype=bool)
    own = _own_members(outcome, kind)
    ours = np.array([p in own for p in wanted], dtype=bool)
    if kind in (PERSISTENT, SEVERE):
        limit = HUNDRED_PERCENT - absent_from(kind, outcome.last_date)
        limits = [
            Limit(limit, True),
            Limit(limit),
            *(Limit(limit, reached, d) for d in (0, 1) for reached in (False, True)),
        ]
        return Members(tuple(wanted), on_list, limits, ours if outcome.absent is None else None)
    if kind == LADDER:
        ladders = outcome.derived.plan.policy.ladder_on(outcome.last_date)
        seasons = ladders.thresholds.by_season() if ladders else ()
        return Members(
            tuple(wanted),
            on_list,
            [Limit(t, reached) for t in dict.fromkeys(seasons) for reached in (False, True)],
            ours,
        )
    return Members(tuple(wanted), on_list, (), ours)


def _why_listed(outcome: Outcome, kind: str, p: int, listed: bool, explained: Explained) -> str:
    if explained.status == AGREES:
        return ""
    reasons = [" or: ".join("; ".join(why) for why in explained.why)] if explained.why else []
    if not reasons or kind == LADDER:
        if kind in (PERSISTENT, SEVERE):
            reasons.append(_far_from_limit(outcome, kind, p))
        elif kind == LADDER and listed:
            reasons.append(why_not_on_ladder(outcome, p))
        elif kind == NOTICE and listed:
            reasons.append("not at or near the threshold by the marks of the export")
    if explained.why and explained.status == SEVERAL:
        reasons[0] = f"possibly {reasons[0]}"
    return "; ".join(r for r in reasons if r)


def _far_from_limit(outcome: Outcome, kind: str, p: int) -> str:
    window = outcome.year_to_date
    possible, absent = int(window.possible[p]), int(window.absent[p])
    share = absent_from(kind, outcome.last_date)
    needed = -(-share * possible // HUNDRED_PERCENT)  # rounded up: from so many sessions of absence
    away = needed - absent
    if away > 0:
        return f"{away} more {'session' if away == 1 else 'sessions'} of absence would reach {share / 1000:g}%"
    return f"{absent} of {possible} sessions absent, {share / 1000:g}% or more"
