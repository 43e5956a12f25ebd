"""What was tried and what followed, as exam questions: the calendar of exam_school.py, weeks from Monday to Friday."""

from __future__ import annotations

import pytest
from exam_school import day, derive, school

from attendance_pipeline.derive.ladder import ESCALATED, OPENED, SET, STALLED
from attendance_pipeline.derive.records import EVENT_ROW
from attendance_pipeline.derive.tried import (
    Entry,
    followed,
    summed,
    summed_by_action,
    summed_by_barrier,
    went_on,
)
from attendance_pipeline.derive.year import count_school

import numpy as np  # isort: skip


def entry(date: str, action: str, pupil: int = 0, **more: str) -> Entry:
    return Entry(pupil, day(date), action, **more)


def things(inputs, entries: list[Entry], until: str):
    last = inputs.calendar.on_or_before(day(until))
    return followed(inputs, count_school(inputs, 0, last), entries, last)


@pytest.mark.parametrize(
    ("until", "complete", "better"),
    [
        ("11-14", True, True),  # the fourth school week after ends: half-term is none
        ("11-13", False, False),  # one day short
    ],
)
def test_four_school_weeks_before_and_after(until: str, complete: bool, better: bool) -> None:
    """A home visit on Wednesday 8 October: before, 8 September to 3 October; after, 13 October to 14 November."""
    inputs = school({"09-08..09-12": "O O", "10-13": "O O", "10-06..10-10": "O O"}, until="12-19")
    (found,) = things(inputs, [entry("10-08", "home_visit", barrier="Transport")], until)
    assert (found.before, found.complete, found.better) == ((30, 40), complete, better)
    assert found.after == ((38, 40) if complete else (0, 0))
    assert found.barrier == "Transport"


def test_the_weeks_before_end_where_the_year_begins() -> None:
    inputs = school({"09-02": "O O"}, until="12-19")
    (found,) = things(inputs, [entry("09-10", "phone_call")], "10-17")
    assert (found.before, found.after) == ((8, 10), (40, 40))
    (first_day,) = things(inputs, [entry("09-01", "phone_call")], "10-17")
    assert first_day.before == (0, 0) and not first_day.known


def test_the_barrier_is_the_last_that_was_written_of_the_pupil() -> None:
    inputs = school({}, {}, until="12-19")
    found = things(
        inputs,
        [
            entry("09-10", "phone_call"),
            entry("09-15", "meeting_held", barrier="Sleep"),
            entry("09-16", "target_agreed"),
            entry("09-22", "plan_agreed", barrier="Housing"),
            entry("09-23", "phone_call"),
            entry("09-23", "phone_call", pupil=1),
            entry("09-24", "hold"),  # not something tried
            entry("2025-08-20", "phone_call"),  # not of this year
        ],
        "12-19",
    )
    assert [(f.entry.action, f.barrier) for f in found] == [
        ("phone_call", ""),
        ("meeting_held", "Sleep"),
        ("target_agreed", "Sleep"),
        ("plan_agreed", "Housing"),
        ("phone_call", "Housing"),
        ("phone_call", ""),
    ]


def test_a_family_that_was_called_four_times_is_one_family() -> None:
    inputs = school({"09-08..09-12": "O O"}, {"10-13..10-17": "O O"}, until="12-19")
    entries = [entry(f"10-{d:02d}", "phone_call") for d in (6, 7, 8, 9)] + [entry("10-08", "phone_call", pupil=1)]
    entries.append(entry("12-10", "home_visit", barrier="Sleep"))
    found = things(inputs, entries, "12-19")
    calls, visit = summed_by_action(found)
    assert (calls.action, calls.entries, calls.pupils, calls.compared, calls.better) == ("phone_call", 5, 2, 2, 1)
    assert (calls.before, calls.after) == ((70, 80), (70, 80))
    assert (visit.action, visit.pupils, visit.compared, visit.before) == ("home_visit", 1, 0, (0, 0))
    assert [(s.barrier, s.pupils) for s in summed_by_barrier(found)] == [("Sleep", 1), ("", 2)]
    assert [(s.barrier, s.action, s.entries) for s in summed(found)] == [
        ("", "phone_call", 5),
        ("Sleep", "home_visit", 1),
    ]


def rises(inputs, *said: tuple[str, int, int, int]) -> np.ndarray:
    """Events as (date, event, from, to) of pupil 0."""
    out = np.zeros(len(said), dtype=EVENT_ROW)
    for row, (date, event, low, high) in zip(out, said, strict=True):
        row["day"], row["event"], row["from_stage"], row["to_stage"] = (
            inputs.calendar.index(day(date)),
            event,
            low,
            high,
        )
        row["episode"] = 1
    return out


def test_where_an_episode_went_on() -> None:
    inputs = school({}, until="12-19")
    events = rises(
        inputs,
        ("09-10", OPENED, 0, 1),
        ("10-08", ESCALATED, 1, 2),
        ("11-12", STALLED, 2, 3),
        ("12-10", SET, 3, 4),
    )
    entries = [
        entry("09-12", "letter_sent", note="Letter 1"),  # what it was, no reason
        entry("09-20", "phone_call", outcome="No reply", barrier="Sleep"),
        entry("10-13", "meeting_held", outcome="Late nights", barrier="Housing"),
        entry("10-20", "support_refused", note="Wants to wait"),
        entry("11-13", "intervention_changed", note="Breakfast club"),
        entry("12-11", "plan_reviewed"),
    ]
    last, third, second = went_on(inputs, events, entries, inputs.calendar.on_or_before(day("12-19")))
    assert [(w.from_stage, w.to_stage, w.by) for w in (second, third, last)] == [
        (1, 2, "dropped"),
        (2, 3, "did not improve"),
        (3, 4, "set by hand"),
    ]
    assert second.barriers == ("Sleep",)
    assert [e.action for e in second.tried] == ["letter_sent", "phone_call"]
    assert [e.outcome for e in second.reasons] == ["No reply"]
    assert third.barriers == ("Housing",)
    assert [e.outcome or e.note for e in third.reasons] == ["Late nights", "Wants to wait"]
    assert [e.note or e.action for e in third.changed] == ["Breakfast club", "plan_reviewed"]
    assert not last.nothing_recorded and [e.action for e in last.changed] == ["intervention_changed", "plan_reviewed"]


def test_an_episode_of_which_nothing_was_recorded() -> None:
    inputs = school({}, until="12-19")
    events = rises(inputs, ("09-10", OPENED, 0, 1), ("10-08", ESCALATED, 1, 2))
    (found,) = went_on(inputs, events, [entry("09-12", "letter_sent")], inputs.calendar.on_or_before(day("12-19")))
    assert found.nothing_recorded


def test_with_the_ladder_s_own_events() -> None:
    """A pupil who never comes: what the ladder says of the year, and nothing else, is listed."""
    derived = derive(school({"09-01..12-19": "O O"}, until="12-19"), last="12-19")
    found = went_on(derived.inputs, derived.events, [], derived.last)
    up = [(int(e["from_stage"]), int(e["to_stage"])) for e in derived.events if e["to_stage"] > e["from_stage"] > 0]
    assert up and [(w.from_stage, w.to_stage) for w in reversed(found)] == up
