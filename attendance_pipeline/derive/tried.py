"""What was tried with families, for which barrier, and whether attendance was better afterwards; and where it was not.

Belongs here: the intervention log beside the marks: attendance before and after each thing that was tried, and what the
log says of episodes that went on to the next stage. Not here: whether the ladder itself has an effect, with pupils to
compare with (`reports/governor_effect.py`), and the words of staff (they stay where they are: rows are numbers here).

Who is picked because attendance is low tends to rise by chance. So figures here say what followed, never what worked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from attendance_pipeline.derive.counting import Counts
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.ladder import ESCALATED, SET, STALLED

WEEKS = 4  # school weeks before and after: as rules.md section 8 looks at openings
NO_BARRIER = ""

# Entries of the log that are something done with or for a family, in the order of the report. A letter is one; holds,
# evidence and money are not.
TRIED = (
    "phone_call",
    "letter_sent",
    "meeting_held",
    "target_agreed",
    "plan_agreed",
    "plan_reviewed",
    "follow_up_done",
    "home_visit",
    "agency_contacted",
    "intervention_changed",
    "support_refused",
    "notice_to_improve_issued",
    "penalty_notice_issued",
    "referral_made",
)
# What says why something did not work: these by themselves, and the outcome or note of a talk, a visit or a review. (Of
# a letter or a plan they say what it was.)
REASONS = ("support_refused", "reason_questioned")
TALKS = (
    "phone_call",
    "meeting_held",
    "plan_reviewed",
    "follow_up_done",
    "home_visit",
    "agency_contacted",
    "intervention_changed",
)
# What was done otherwise afterwards.
CHANGED = ("intervention_changed", "plan_agreed", "plan_reviewed", "target_agreed")


@dataclass(frozen=True)
class Entry:
    """An entry of the intervention log: row in PupilTable, its date, and as written its action, stage, barrier, agency,
    outcome and note."""

    pupil: int
    day: dt.date
    action: str
    stage: int | None = None
    barrier: str = ""
    agency: str = ""
    outcome: str = ""
    note: str = ""


@dataclass(frozen=True)
class Followed:
    """One thing that was tried. `barrier`: that of the entry, else the last that was written of the pupil before it in
    the year. Sessions in the four school weeks before its day, and in the four after its week; `complete`: whether
    those after are over."""

    entry: Entry
    barrier: str
    before: tuple[int, int]
    after: tuple[int, int]
    complete: bool

    @property
    def known(self) -> bool:
        """Whether there is an attendance on both sides."""
        return self.complete and self.before[1] > 0 and self.after[1] > 0

    @property
    def better(self) -> bool:
        """Attendance after is above that before (exact fractions)."""
        return self.known and self.after[0] * self.before[1] > self.before[0] * self.after[1]


@dataclass(frozen=True)
class Summary:
    """Things tried of one kind, for one barrier, or both (blank: any): entries, pupils; of the pupils' first such
    entries those with an attendance on both sides (`compared`), better ones among them, and their sessions pooled."""

    action: str
    barrier: str
    entries: int
    pupils: int
    compared: int
    better: int
    before: tuple[int, int]
    after: tuple[int, int]


@dataclass(frozen=True)
class WentOn:
    """An episode that went on to the next stage (day number of the event, stages), and the entries of the log about the
    pupil in the stage it left: what was tried, the barriers named, reasons recorded; and what was changed since, to the
    day of looking. `stalled`: for want of improvement, not for a drop."""

    pupil: int
    day: int
    from_stage: int
    to_stage: int
    by: str
    episode: int
    barriers: tuple[str, ...]
    tried: tuple[Entry, ...]
    reasons: tuple[Entry, ...]
    changed: tuple[Entry, ...]

    @property
    def nothing_recorded(self) -> bool:
        """No barrier, no reason and nothing changed: the log does not say why it failed."""
        return not (self.barriers or self.reasons or self.changed)


def followed(inputs: SchoolInputs, counts: Counts, entries: Iterable[Entry], last: int) -> list[Followed]:
    """Each thing tried in the academic year of day `last`, by date, with what followed. `counts`: of the year to
    `last`, from its first day."""
    calendar = inputs.calendar
    start = int(calendar.year_start[last])
    barrier: dict[int, str] = {}
    out = []
    for entry in sorted(entries, key=lambda e: e.day):
        day = calendar.on_or_after(entry.day)
        if not calendar.date(start) <= entry.day <= calendar.date(last) or day > last:
            continue
        if entry.barrier:
            barrier[entry.pupil] = entry.barrier
        if entry.action not in TRIED:
            continue
        week = int(calendar.week[day])
        end = _last_of_week(calendar.week, week + WEEKS, last)
        begin_after = int(np.searchsorted(calendar.week, week + 1))
        first = max(int(np.searchsorted(calendar.week, week - WEEKS)), start)
        out.append(
            Followed(
                entry=entry,
                barrier=barrier.get(entry.pupil, NO_BARRIER),
                before=_sessions(counts, entry.pupil, first, int(np.searchsorted(calendar.week, week)) - 1),
                after=(0, 0) if end is None else _sessions(counts, entry.pupil, begin_after, end),
                complete=end is not None,
            )
        )
    return out


def _last_of_week(week: npt.NDArray[np.int32], wanted: int, last: int) -> int | None:
    """The last day of a school week; None where it is not over by day `last`, or lies in another year."""
    end = int(np.searchsorted(week, wanted, side="right")) - 1
    return end if end <= last and end >= 0 and int(week[end]) == wanted else None


def _sessions(counts: Counts, pupil: int, first: int, last: int) -> tuple[int, int]:
    """Attended and possible sessions of one pupil; (0, 0) for an empty window."""
    if last < first:
        return 0, 0
    window = counts.window(first, last)
    return int(window.attended[pupil]), int(window.possible[pupil])


def summed(things: Sequence[Followed]) -> list[Summary]:
    """By barrier and action. A pupil counts once in a comparison, by the first time the thing was tried that has an
    attendance on both sides: four phone calls to one family are one family."""
    keys = sorted({(f.barrier, TRIED.index(f.entry.action)) for f in things})
    return [
        _summary(TRIED[n], barrier, [f for f in things if f.barrier == barrier and f.entry.action == TRIED[n]])
        for barrier, n in keys
    ]


def summed_by_action(things: Sequence[Followed]) -> list[Summary]:
    """By action, whatever the barrier."""
    there = {f.entry.action for f in things}
    return [_summary(a, NO_BARRIER, [f for f in things if f.entry.action == a]) for a in TRIED if a in there]


def summed_by_barrier(things: Sequence[Followed]) -> list[Summary]:
    """By barrier, whatever was tried; the last with no barrier recorded."""
    there = sorted({f.barrier for f in things}, key=lambda b: (b == NO_BARRIER, b))
    return [_summary("", barrier, [f for f in things if f.barrier == barrier]) for barrier in there]


def _summary(action: str, barrier: str, mine: Sequence[Followed]) -> Summary:
    first: dict[int, Followed] = {}
    for f in mine:
        if f.known:
            first.setdefault(f.entry.pupil, f)
    compared = list(first.values())
    return Summary(
        action=action,
        barrier=barrier,
        entries=len(mine),
        pupils=len({f.entry.pupil for f in mine}),
        compared=len(compared),
        better=sum(f.better for f in compared),
        before=_pooled(f.before for f in compared),
        after=_pooled(f.after for f in compared),
    )


def _pooled(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    attended = possible = 0
    for a, p in pairs:
        attended, possible = attended + a, possible + p
    return attended, possible


def went_on(inputs: SchoolInputs, events: npt.NDArray[np.void], entries: Iterable[Entry], last: int) -> list[WentOn]:
    """Every rise from one stage to the next in the academic year of day `last`, the newest first.

    `events`: ladder.EVENT_ROW. A rise by hand (`set`) counts too. Entries of the stage that was left: dated from the
    day it opened to the day of the rise; changed since: later ones.
    """
    calendar = inputs.calendar
    start = int(calendar.year_start[last])
    by_pupil: dict[int, list[Entry]] = {}
    for e in sorted(entries, key=lambda e: e.day):
        by_pupil.setdefault(e.pupil, []).append(e)
    inside = (events["day"] >= start) & (events["day"] <= last)
    out: list[WentOn] = []
    since: dict[int, int] = {}
    for event in events[inside][np.lexsort((events[inside]["day"], events[inside]["pupil"]))]:
        pupil, day = int(event["pupil"]), int(event["day"])
        low, high = int(event["from_stage"]), int(event["to_stage"])
        rises = high > low > 0 and int(event["event"]) in (ESCALATED, STALLED, SET)
        if rises:
            opened, date = calendar.date(since.get(pupil, start)), calendar.date(day)
            own = [e for e in by_pupil.get(pupil, ()) if opened <= e.day <= calendar.date(last)]
            before = [e for e in own if e.day <= date]
            named = dict.fromkeys(e.barrier for e in before if e.barrier)
            out.append(
                WentOn(
                    pupil=pupil,
                    day=day,
                    from_stage=low,
                    to_stage=high,
                    by={ESCALATED: "dropped", STALLED: "did not improve", SET: "set by hand"}[int(event["event"])],
                    episode=int(event["episode"]),
                    barriers=tuple(named),
                    tried=tuple(e for e in before if e.action in TRIED),
                    reasons=tuple(
                        e for e in before if e.action in REASONS or (e.action in TALKS and (e.outcome or e.note))
                    ),
                    changed=tuple(e for e in own if e.action == CHANGED[0] or (e.action in CHANGED and e.day >= date)),
                )
            )
        if high != low:
            since[pupil] = day
    return sorted(out, key=lambda w: (-w.day, w.pupil))
