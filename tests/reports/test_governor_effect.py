"""Before and after a stage opened, against similar pupils: what is compared, what is left out, and how sure it is."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import report_world

from attendance_pipeline.derive.inputs import LogTable, PupilTable, SchoolInputs
from attendance_pipeline.derive.ladder import CLOSED, ESCALATED, OPENED, RECOVERED
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.reports.governor_effect import Compared, Effect, compared_openings, effect_of_interventions

CALENDAR = report_world.calendar()
DAY = dt.date(2025, 12, 19)
OPENING = CALENDAR.on_or_after(dt.date(2025, 10, 13))  # in the seventh school week of the year
PRESENT, AWAY = CODES.numbers_of(["/", "O"])


def school(absences: list[tuple[int, int]], **rows: object) -> SchoolInputs:
    """Pupils by absent days a week (before and up to the week of the opening, after it)."""
    marks = np.full((len(absences), len(CALENDAR), 2), PRESENT, dtype=np.uint8)
    for p, (before, after) in enumerate(absences):
        for d in range(len(CALENDAR)):
            away = before if CALENDAR.week[d] <= CALENDAR.week[OPENING] else after
            if CALENDAR.weekday[d] < away:
                marks[p, d] = AWAY
    pupils = PupilTable.from_rows(CALENDAR, [dict(rows) for _ in absences])
    return SchoolInputs("x", CALENDAR, report_world.policy(), pupils, marks, LogTable.from_entries(len(absences), []))


def opened(pupil: int, day: int = OPENING, episode: int = 1, stage: int = 1) -> dict[str, int]:
    event = OPENED if stage == 1 else ESCALATED
    return {"pupil": pupil, "day": day, "event": event, "from_stage": stage - 1, "to_stage": stage, "episode": episode}


def ended(pupil: int, day: int, event: int = RECOVERED, episode: int = 1) -> dict[str, int]:
    return {"pupil": pupil, "day": day, "event": event, "from_stage": 1, "to_stage": 0, "episode": episode}


def effect(absences: list[tuple[int, int]], events: list[dict[str, int]], day: dt.date = DAY) -> Effect:
    return effect_of_interventions(report_world.governor_inputs(school(absences), day, events=events))


def test_the_difference_of_the_two_changes_in_points() -> None:
    """Sixty pupils miss two days in five and then none; sixty like them, not on the ladder, then one."""
    found = effect([(2, 0)] * 60 + [(2, 1)] * 60, [opened(p) for p in range(60)])
    assert found.compared == 60
    difference = found.difference
    assert difference is not None
    assert difference.before == pytest.approx(60)
    assert difference.change == pytest.approx(40)
    assert difference.change_of_similar == pytest.approx(40 - 100 * 4 / 19)  # 24 October is an INSET day
    assert difference.difference == pytest.approx(100 * 4 / 19)
    assert (difference.low, difference.high) == pytest.approx((difference.difference,) * 2)  # all alike


@pytest.mark.parametrize(("episodes", "told"), [(49, False), (50, True)])
def test_an_interval_from_fifty_episodes_on(episodes: int, told: bool) -> None:
    found = effect([(2, 0)] * episodes + [(2, 1)] * 10, [opened(p) for p in range(episodes)])
    assert (found.episodes, found.compared) == (episodes, episodes)
    assert (found.difference is not None) is told


def test_fewer_than_five_similar_pupils_are_not_enough() -> None:
    events = [opened(p) for p in range(3)]
    assert effect([(2, 0)] * 3 + [(2, 1)] * 4, events).compared == 0
    assert effect([(2, 0)] * 3 + [(2, 1)] * 5, events).compared == 3
    assert effect([(2, 0)] * 3 + [(1, 1)] * 20, events).compared == 0  # not similar: 20 points apart


def test_four_school_weeks_on_both_sides_in_the_same_year_or_it_is_left_out() -> None:
    everyone = [(2, 2)] * 11
    week_of = {int(CALENDAR.week[d]): d for d in range(len(CALENDAR) - 1, -1, -1)}
    last_week = int(CALENDAR.week[CALENDAR.on_or_before(DAY)])
    compared = {w: effect(everyone, [opened(0, week_of[w])]).compared for w in range(last_week + 1)}
    assert [w for w, n in compared.items() if n] == list(range(4, last_week - 3))


def test_a_week_that_is_not_over_is_not_counted() -> None:
    week_of = {int(CALENDAR.week[d]): d for d in range(len(CALENDAR) - 1, -1, -1)}
    events = [opened(0, week_of[int(CALENDAR.week[CALENDAR.on_or_before(DAY)]) - 4])]
    assert effect([(2, 2)] * 11, events, DAY).compared == 1
    assert effect([(2, 2)] * 11, events, DAY - dt.timedelta(1)).compared == 0


def test_pupils_on_the_ladder_when_the_stage_opens_or_before_are_not_compared_with() -> None:
    before = int(CALENDAR.week_first[CALENDAR.week[OPENING] - 4])
    for day, compared in ((OPENING, 0), (before, 0), (OPENING + 5, 1)):
        events = [opened(0), *(opened(p, day) for p in range(1, 11))]
        openings = compared_openings(
            report_world.governor_inputs(school([(2, 0)] * 11), dt.date(2025, 11, 21), events=events)
        )
        assert sum(o.pupil == 0 for o in openings) == compared, day


def test_how_long_similar_pupils_were_on_the_ladder_themselves_is_counted() -> None:
    """Sixty are helped from 13 October on, and thirty of the sixty like them three weeks later."""
    later = int(CALENDAR.week_first[CALENDAR.week[OPENING] + 3])
    events = [opened(p) for p in range(60)] + [opened(p, later) for p in range(60, 90)]
    given = report_world.governor_inputs(school([(2, 0)] * 60 + [(2, 2)] * 60), DAY, events=events)
    first = [o for o in compared_openings(given) if o.pupil < 60]
    assert {round(o.ladder_of_similar, 3) for o in first} == {0.25}  # half of them, in two of the four weeks
    assert {round(o.after - o.after_of_similar, 3) for o in first} == {round(8 / 19, 3)}  # 24 October is an INSET day


def test_the_same_pupil_twice_is_less_than_two_pupils() -> None:
    rng = np.random.default_rng(5)
    absences = [(2, int(n)) for n in rng.integers(0, 4, 60)] + [(2, 1)] * 10
    once = effect(absences, [opened(p) for p in range(60)]).difference
    twice = effect(absences, [opened(p, episode=e) for p in range(60) for e in (1, 2)]).difference
    assert once is not None and twice is not None
    assert twice.difference == pytest.approx(once.difference)
    assert twice.high - twice.low == pytest.approx(once.high - once.low)  # no surer for being counted twice
    assert once.low < once.difference < once.high


def test_what_became_of_the_years_episodes() -> None:
    events = [
        *(opened(p) for p in range(5)),
        ended(0, OPENING + 20),
        opened(0, OPENING + 40, episode=2),
        opened(1, OPENING + 20, stage=2),
        ended(2, OPENING + 9, CLOSED),
    ]
    found = effect([(2, 0)] * 10, events)
    assert (found.episodes, found.recovered, found.ended_otherwise) == (6, 1, 1)
    assert (found.open_first_stage, found.open_later_stage) == (3, 1)


NOTHING = Effect(0, 0, 0, 0, 0, 0, None, tuple(Compared(stage, 0, None) for stage in (1, 2, 3, 4)))


def test_no_events() -> None:
    assert effect([(0, 0)] * 3, []) == NOTHING
    assert effect([(0, 0)] * 3, [], dt.date(2025, 9, 2)) == NOTHING
