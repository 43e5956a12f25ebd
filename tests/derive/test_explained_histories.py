"""Questions about invented pupils whose answers were worked out by hand: where they stand, on what, and what would change it.

The exam school of tests/support/exam_school.py. One pupil, present unless the history says otherwise; marks after the
day asked about are not known. A question is a day and a history; an answer is what `ask` tells in words. School weeks
that matter below: 13 October is week 6, 20 October 7, 3 November 8, 15 December 14, 5 January 15, 9 February 20,
23 February 21.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import random_school
from exam_school import NEXT_YEAR, YEAR, calendar, day, derive, entry, school

from attendance_pipeline.derive.evidence import decision_evidence, events_of
from attendance_pipeline.derive.inputs import SchoolInputs
from attendance_pipeline.derive.ladder import SET
from attendance_pipeline.derive.outlook import EVIDENCE_ACCEPTED, N_EXPLAINED, Outlook, outlook
from attendance_pipeline.derive.standing import Standing, standings
from attendance_pipeline.derive.window_weeks import not_counted, why_no_school, window_weeks
from attendance_pipeline.derive.year import Derived, derive_school
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.explained import rule_clauses
from attendance_pipeline.reports.why import why

NATIONAL = {"name": "national", "statutory": True, "any_of": [{"sessions": 10, "school_weeks": 10}]}
LOCAL = {"name": "local", "any_of": [{"sessions": 10, "terms": 1}, {"sessions": 14, "terms": 2}]}
O4 = {"09-01..09-02": "O O"}  # 16 of 20 by Friday 12 September: stage 1 opens on the 15th, to be reviewed on 13 October
REQUIRES = {"stages": {"1": {"requires": ["letter_sent", "meeting_held"]}}}
THREE_A_WEEK = {
    f"{d:%m-%d}": "O /" for d in (dt.date(2025, 9, 1) + dt.timedelta(n) for n in range(100)) if d.weekday() < 3
}

Question = tuple[Derived, Standing, Outlook | None]


def ask(on: str, marks: dict[str, str], **more: Any) -> Question:
    inputs = school(marks, **{"rules": [NATIONAL]} | more)
    derived = derive(inputs, last=on)
    at = standings(derived, derived.last, [0])[0]
    return derived, at, outlook(derived, at, derived.last)


def events(q: Question) -> list[str]:
    """`09-15 opened 0>1 16/20, 4 unaccepted`."""
    out = []
    for e in events_of(q[0], 0):
        told = decision_evidence(q[0], e)
        out.append(
            f"{told.date:%m-%d} {told.event} {told.from_stage}>{told.to_stage} {told.figure[0]}/{told.figure[1]}, "
            f"{len(told.relied_on)} unaccepted"
        )
    return out


def stage(q: Question) -> str:
    """`1 monitoring 18/22 below 85, review 2025-10-13`, or at stage 0 why none opens."""
    at = q[1]
    side = "below" if at.below else "not below"
    start = f"{at.stage} {at.status} {at.figure[0]}/{at.figure[1]} {side} {at.threshold / 1000:g}"
    return f"{start}, review {at.review_due}" if at.stage else f"{start}, {at.not_opened}"


def waits(q: Question) -> tuple[Any, ...]:
    return (*q[1].waits_for, q[2] and q[2].review_if_done and str(q[2].review_if_done))


def to_go_up(q: Question) -> tuple[str, str]:
    """The fewest further unauthorised and authorised sessions: `4: 09-18 opened 0>1 22/26`, or `none`."""
    assert q[2] is not None
    told = []
    for f in q[2].fewest:
        m = f.move
        told.append(
            "none"
            if m is None
            else f"{f.sessions}: {m.date:%m-%d} {m.event} {m.from_stage}>{m.to_stage} {m.figure[0]}/{m.figure[1]}"
        )
    return told[0], told[1]


def if_attended(q: Question) -> list[str]:
    assert q[2] is not None
    return [f"{m.date:%m-%d} {m.event} {m.figure[0]}/{m.figure[1]}" for m in q[2].attended]


def recovers_with(q: Question) -> int | None:
    return q[2] and q[2].recovers_with


def at_threshold(q: Question) -> tuple[str, tuple[int, int]]:
    assert q[2] is not None
    return str(q[2].at_threshold_on), q[2].at_threshold


def next_threshold(q: Question) -> tuple[str, float, str]:
    assert q[2] is not None and q[2].changes_to is not None
    return str(q[2].changes_on), q[2].changes_to / 1000, q[2].changes_season


def otherwise(q: Question) -> list[tuple[Any, ...]]:
    assert q[2] is not None
    return [(x.what, x.sessions, x.stage, x.status, dict(x.notices).get("national")) for x in q[2].otherwise]


def case(q: Question) -> str:
    """`met 10 of 10, 0 needed, 2025-10-13 to 2026-01-09, oldest out on 2026-02-24`."""
    n = q[1].notices[0]
    span = f"{n.first} to {n.last}, oldest out on {n.drops_out_on}"
    return f"{n.status} {n.counted} of {n.asked}, {n.needed} needed, {span}"


def weeks(q: Question) -> list[str]:
    """`1 10-13: 0`, and of a skipped week `- 10-27: half-term`."""
    found = window_weeks(q[0], 0, 0, q[0].last)
    return [f"{w.number or '-'} {w.monday:%m-%d}: {w.why if w.number is None else w.counted}" for w in found]


def left_out(q: Question) -> set[tuple[str, str]]:
    return {(f"{q[0].inputs.calendar.date(m.day):%m-%d}", why) for m, why in not_counted(q[0], 0, 0, q[0].last)}


def to_meet(q: Question) -> tuple[Any, ...]:
    """Of the first rule: the fewest further sessions, when it is met with them, when it is over with none."""
    assert q[2] is not None
    r = q[2].rules[0]
    return r.sessions, r.met_on and str(r.met_on), r.over_on and str(r.over_on)


def blocked(q: Question) -> tuple[str, ...]:
    return q[1].notices[0].blocked_by


QUESTIONS: list[tuple[str, Question, Callable[[Question], Any], Any]] = []


def history(name: str, question: Question, *answers: tuple[Callable[[Question], Any], Any]) -> None:
    QUESTIONS.extend((f"{name}: {about.__name__}", question, about, answer) for about, answer in answers)


history(
    # By the 12th 20 of 20. The next sessions are those of the 16th: 22 of 26 is the first below 85% (22 of 25 is 88%).
    "always there", ask("09-15", {}),
    (stage, "0 none 20/20 not below 85, not_below"),
    (to_go_up, ("4: 09-18 opened 0>1 22/26", "none")),
    (if_attended, []),
    (next_threshold, ("2026-01-05", 90, "spring")),
    (to_meet, (10, "2025-09-23", None)),  # missed on the 16th to 19th and the 22nd
)  # fmt: skip
history(
    # One of four missed; nothing is decided before 20 sessions, and then three more make 16 of 20. That the one has no
    # accepted reason is enough for the gate: the three may even be authorised.
    "too early to say", ask("09-03", {"09-02": "O /"}),
    (stage, "0 insufficient_data 3/4 below 85, too_few_sessions"),
    (to_go_up, ("3: 09-15 opened 0>1 16/20", "3: 09-15 opened 0>1 16/20")),
)  # fmt: skip
history(
    "first day of all", ask("09-01", {}),
    (stage, "0 insufficient_data 0/0 not below 85, no_sessions_yet"),
    (weeks, []),
)  # fmt: skip
history(
    # The period is the 40 sessions from 15 September to 10 October. With n missed: 56 - n of 60 or 40 - n of 40.
    "opened and monitored", ask("09-16", O4),
    (stage, "1 monitoring 18/22 below 85, review 2025-10-13"),
    (events, ["09-15 opened 0>1 16/20, 4 unaccepted"]),
    (if_attended, ["10-13 recovered 56/60"]),
    (at_threshold, ("2025-09-19", (24, 28))),
    (recovers_with, 6),  # 34 of 40 is 85%
    (to_go_up, ("9: 10-13 escalated 1>2 47/60", "none")),  # 48 of 60 is the checkpoint's 80%
    (case, "not_met 4 of 10, 6 needed, 2025-09-01 to 2025-09-15, oldest out on 2025-11-18"),
)  # fmt: skip
history(
    "waits for two actions", ask("09-15", O4, ladder=REQUIRES),
    (stage, "1 awaiting_action 16/20 below 85, review None"),
    (waits, ("letter_sent", "meeting_held", "2025-10-14")),
    (to_go_up, ("none", "none")),
    (if_attended, ["09-19 recovered 24/28"]),
)  # fmt: skip
history(
    "waits for one of them", ask("09-15", O4, ladder=REQUIRES, log=[entry("09-15", "letter_sent", 1)]),
    (waits, ("meeting_held", "2025-10-14")),
)  # fmt: skip
history(
    "dropped without a reason", ask("10-13", O4 | {"10-06..10-10": "O O"}),
    (stage, "2 monitoring 46/60 below 85, review 2025-11-17"),
    (events, ["09-15 opened 0>1 16/20, 4 unaccepted", "10-13 escalated 1>2 46/60, 10 unaccepted"]),
    (to_meet, (0, "2025-10-13", "2026-01-06")),  # only four are left when the week of 6 October is left behind
    (blocked, ("no Notice to Improve",)),
)  # fmt: skip
history(
    "dropped, and was ill", ask("10-13", O4 | {"10-06..10-10": "I I"}),
    (stage, "1 monitoring 46/60 below 85, review 2025-11-17"),
    (events, ["09-15 opened 0>1 16/20, 4 unaccepted", "10-13 dropped_accepted_reasons 1>1 46/60, 0 unaccepted"]),
)  # fmt: skip
history(
    # Seven of ten in every week: never lower than the checkpoint, never better, twice.
    "no real improvement", ask("11-17", THREE_A_WEEK),
    (stage, "2 monitoring 70/100 below 85, review 2025-12-15"),
    (events, ["09-15 opened 0>1 14/20, 6 unaccepted", "10-13 not_dropped 1>1 42/60, 12 unaccepted",
              "11-17 stalled 1>2 70/100, 12 unaccepted"]),
)  # fmt: skip
history(
    # Ten missed by 12 September; six of the next forty: the period is 85%, and attendance 44 of 60.
    "recovered by its weeks alone, and still below", ask("10-14", {"09-01..09-05": "O O", "10-06..10-08": "O O"}),
    (stage, "0 watch 46/62 below 85, not_lower"),
    (events, ["09-15 opened 0>1 10/20, 10 unaccepted", "10-13 recovered 1>0 44/60, 6 unaccepted"]),
)  # fmt: skip
history(
    "recovered and lower again at once",
    ask("10-14", {"09-01..09-05": "O O", "10-06..10-08": "O O", "10-13": "O O"}),
    (stage, "0 watch 44/62 below 85, quiet_weeks"),
)  # fmt: skip
history(
    "was ill", ask("09-15", {"09-01..09-02": "I I"}),
    (stage, "0 none 16/20 below 85, accepted_reasons"),
    (otherwise, []),
    (to_go_up, ("1: 09-17 opened 0>1 19/24", "none")),
)  # fmt: skip
history(
    "was ill, it was said, and that was questioned",
    ask("09-15", {"09-01..09-02": "I I"}, log=[entry("09-10", "reason_questioned", from_="09-01", until="09-02")]),
    (stage, "1 monitoring 16/20 below 85, review 2025-10-13"),
    (events, ["09-15 opened 0>1 16/20, 4 unaccepted"]),
    (otherwise, [(EVIDENCE_ACCEPTED, 4, 0, "none", "not_met")]),
)  # fmt: skip
history(
    # The N of the 12th count against from the 23rd on, when the 22nd, the sixth school day after, is the cut-off day.
    "no reason for two sessions", ask("09-15", {"09-01..09-02": "I I", "09-12": "N N"}),
    (stage, "0 none 14/20 below 85, accepted_reasons"),
    (if_attended, ["09-23 opened 26/32", "10-21 recovered 66/72"]),
    (to_go_up, ("1: 09-17 opened 0>1 17/24", "none")),
    (otherwise, [(N_EXPLAINED, 2, 0, "none", "not_met")]),
)  # fmt: skip
history(
    "before go-live", ask("09-15", O4, go_live="09-18"),
    (stage, "0 none 16/20 below 85, before_go_live"),
    (if_attended, ["09-18 opened 22/26", "10-16 recovered 62/66"]),
)  # fmt: skip
history(
    "a person closed it", ask("09-18", O4, log=[entry("09-16", "close_episode", until="09-19")]),
    (stage, "0 watch 22/26 below 85, closed_until"),
    (events, ["09-15 opened 0>1 16/20, 4 unaccepted", "09-16 closed 1>0 18/22, 0 unaccepted"]),
)  # fmt: skip
history(
    # Half-term and Christmas use up no week: ten school weeks up to Friday 9 January begin on 13 October.
    "a window across half-term and Christmas",
    ask("01-12", {"11-24..11-25": "O O", "12-15..12-16": "O O", "01-06": "O O"}),
    (case, "met 10 of 10, 0 needed, 2025-10-13 to 2026-01-09, oldest out on 2026-02-24"),
    (weeks, ["1 10-13: 0", "2 10-20: 0", "- 10-27: half-term", "3 11-03: 0", "4 11-10: 0", "5 11-17: 0", "6 11-24: 4",
             "7 12-01: 0", "8 12-08: 0", "9 12-15: 4", "- 12-22: holiday, Autumn to Spring",
             "- 12-29: holiday, Autumn to Spring", "10 01-05: 2"]),
    (left_out, set()),
)  # fmt: skip
history(
    # Six in July and four in September, of one window: the summer holiday uses up no week.
    "a window across two academic years",
    ask("2026-09-14", {"2026-07-06..2026-07-08": "O O", "2026-09-07..2026-09-08": "O O"}, years=(YEAR, NEXT_YEAR)),
    (stage, "0 insufficient_data 14/18 below 85, too_few_sessions"),
    (case, "met 10 of 10, 0 needed, 2026-05-18 to 2026-09-11, oldest out on 2026-11-03"),
    (weeks, ["1 05-18: 0", "- 05-25: half-term", "2 06-01: 0", "3 06-08: 0", "4 06-15: 0", "5 06-22: 0", "6 06-29: 0",
             "7 07-06: 6", "8 07-13: 0", *(f"- {m}: holiday, Summer to Autumn" for m in
             ("07-20", "07-27", "08-03", "08-10", "08-17", "08-24")), "9 08-31: 0", "10 09-07: 4"]),
)  # fmt: skip
history(
    "not of compulsory school age before the new year",
    ask("01-12", {"12-15..12-19": "O O", "01-06": "O O"}, rows=[{"born": dt.date(2020, 10, 10)}]),
    (case, "not_met 2 of 10, 8 needed, 2025-10-13 to 2026-01-09, oldest out on 2026-03-24"),
    (left_out, {(f"12-{d}", "not of compulsory school age that day") for d in range(15, 20)}),
)  # fmt: skip
history(
    "a notice has used up six of them",
    ask("12-05", {"11-03..11-07": "O O"},
        log=[entry("12-01", "penalty_notice_issued", from_="11-03", until="11-05", contact="C1")]),
    (case, "not_met 4 of 10, 6 needed, 2025-09-22 to 2025-12-04, oldest out on 2026-01-27"),
    (left_out, {(f"11-0{d}", "inside the dates of a notice issued on 01/12/2025") for d in (3, 4, 5)}),
)  # fmt: skip
history(
    "met only if two N count", ask("11-10", {"11-03..11-06": "O O", "11-07": "N N"}),
    (case, "met_provisional 10 of 10, 0 needed, 2025-09-01 to 2025-11-07, oldest out on 2026-01-27"),
    (otherwise, [(N_EXPLAINED, 2, 0, "none", "near")]),
)  # fmt: skip
history(
    "a window of calendar weeks has its holidays",
    ask("01-06", {"12-18..12-19": "O O"}, rules=[{"name": "national", "any_of": [{"sessions": 6, "calendar_weeks": 4}]}]),
    (case, "near 4 of 6, 2 needed, 2025-12-15 to 2026-01-05, oldest out on 2026-01-13"),
    (weeks, ["1 12-15: 4", "2 12-22: 0", "3 12-29: 0", "4 01-05: 0"]),
)  # fmt: skip
history(
    "six in a row", ask("11-06", {"11-03..11-05": "G G"},
                        rules=[{"name": "row", "any_of": [{"sessions": 6, "consecutive_sessions": True}]}]),
    (case, "met 6 of 6, 0 needed, 2025-11-03 to 2025-11-05, oldest out on None"),
    (blocked, ()),  # holidays alone: no Notice to Improve is expected
    (to_meet, (0, "2025-11-06", "2025-11-07")),
)  # fmt: skip
history(
    # Back at school for two days; on 9 October one more session that was in no row with them.
    "six in a row within four school weeks",
    ask("11-10", {"11-03..11-05": "G G", "10-09": "G \\"},
        rules=[{"name": "row", "any_of": [{"sessions": 6, "school_weeks": 4, "consecutive_sessions": True}]}]),
    (case, "met 6 of 6, 0 needed, 2025-10-06 to 2025-11-07, oldest out on 2025-12-02"),
    (weeks, ["1 10-06: 0", "2 10-13: 0", "3 10-20: 0", "- 10-27: half-term", "4 11-03: 6"]),
    (lambda q: why(q[1])[-2].split(". ")[1],
     "At 6 in a row within four school weeks the local rules ask for a penalty notice to be considered."),
    (lambda q: dict(rule_clauses(q[0].plan.policy.rules[0]))["any_of"], "6 sessions in a row in 4 school weeks"),
)  # fmt: skip
history(
    # The week before the half-term break and the one after it: 20 sessions, of which 14 were attended.
    "low attendance is asked for too",
    ask("11-10", {"11-03..11-05": "O O"},
        rules=[{"name": "low", "any_of": [{"sessions": 6, "school_weeks": 2, "attendance_below": 85}]}]),
    (case, "met 6 of 6, 0 needed, 2025-10-20 to 2025-11-07, oldest out on 2025-11-18"),
    (lambda q: (q[1].notices[0].below, q[1].notices[0].figure), (85_000, (14, 20))),
    (lambda q: why(q[1])[-2].split(". ")[1],
     "At 6 within two school weeks, with attendance below 85% (it is 70.0%), the local rules ask for a penalty notice to "
     "be considered."),
)  # fmt: skip
history(
    "gone", ask("10-13", O4, rows=[{"leave": day("10-10")}]),
    (lambda q: (q[1].on_roll, q[2], q[1].events[-1].event), (False, None, "left")),
)  # fmt: skip


@pytest.mark.parametrize(("name", "question", "about", "answer"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_the_answer_that_was_worked_out_by_hand(name: str, question: Question, about: Any, answer: Any) -> None:
    assert about(question) == answer


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("10-28", "half-term"),
        ("12-23", "holiday, Autumn to Spring"),
        ("05-04", "bank holiday"),
        ("09-03", "INSET"),
        ("10-02", "closed"),
        ("2026-08-03", "holiday"),
    ],
)
def test_why_a_weekday_has_no_school(on: str, why: str) -> None:
    year = YEAR | {"inset": [day("09-03")], "closures": [day("10-02")]}
    assert why_no_school(calendar(year), day(on)) == why


@pytest.mark.parametrize("seed", range(20))
def test_the_weeks_of_a_window_hold_what_its_row_counts(seed: int) -> None:
    inputs = random_school.make(seed, 6).inputs
    for at_day in range(20, len(inputs.calendar), 53):
        derived = derive_school(inputs, int(inputs.calendar.year_start[at_day]), at_day)
        for p, at in standings(derived, at_day).items():
            in_force = [r for r in range(len(derived.plan.rule_names)) if derived.plan.notices.in_force[r, at_day]]
            for r, rule in zip(in_force, at.notices, strict=True):
                found = window_weeks(derived, r, p, at_day)
                assert sum(w.counted for w in found) == rule.counted
                numbers = [w.number for w in found if w.number is not None]
                assert numbers == list(range(1, len(numbers) + 1))
                if rule.window == "school_weeks" and rule.first is not None and inputs.calendar.index(rule.first):
                    assert numbers[-1] <= rule.length


def test_what_would_change_it_is_what_comes_when_the_marks_come() -> None:
    """The marks that an outlook tried, put into the register, give what it said; with one session fewer they do not."""
    tried = 0
    for seed in range(12):
        inputs = random_school.make(seed, 8).inputs
        for at_day in range(30, len(inputs.calendar) - 10, 67):
            derived = derive_school(inputs, int(inputs.calendar.year_start[at_day]), at_day)
            for p, at in standings(derived, at_day).items():
                ahead = outlook(derived, at, at_day)
                for f in () if ahead is None else ahead.fewest:
                    if f.move is None or f.sessions is None:
                        continue
                    upto = inputs.calendar.on_or_after(f.move.date)
                    assert climbs(inputs, p, at_day, f.code, f.sessions, upto), (seed, at_day, p, f)
                    assert not climbs(inputs, p, at_day, f.code, f.sessions - 1, upto), (seed, at_day, p, f)
                    tried += 1
    assert tried > 100


def climbs(inputs: SchoolInputs, pupil: int, after: int, code: str, missed: int, upto: int) -> bool:
    """Whether a pupil goes up the ladder by day `upto`, the next `missed` sessions after a day missed, the others not. That
    somebody sets a stage is no climb."""
    marks = inputs.marks.copy()
    marks[pupil, after + 1 :] = CODES.numbers_of(["/", "\\"])
    for i in range(missed):
        marks[pupil, after + 1 + i // 2, i % 2] = CODES.numbers_of([code])[0]
    whole = derive_school(replace(inputs, marks=marks), int(inputs.calendar.year_start[after]), upto)
    return any(
        after < e["day"] <= upto and e["to_stage"] > e["from_stage"] and e["event"] != SET
        for e in events_of(whole, pupil)
    )
