"""Openings of stages, read out of the ladder's events. Days count from the first school day of 2025/26."""

from ledger_school import CALENDAR, START

from attendance_pipeline.letters.openings import StageEvent, openings_from_events


def event(day: int, name: str, to_stage: int, person: int = 1, episode: int = 1) -> StageEvent:
    return StageEvent(person, START + day, name, to_stage, episode)


def test_openings_of_a_year() -> None:
    events = [
        event(-5, "opened", 1),
        event(10, "opened", 1),
        event(30, "not_dropped", 1),
        event(50, "escalated", 2),
        event(70, "recovered", 0),
        event(20, "opened", 1, person=2),
        event(25, "set", 3, person=2),
        event(90, "left", 0, person=2),
    ]
    found = openings_from_events(events, CALENDAR, START + 80)
    assert [(o.person_id, o.day - START, o.stage, o.ended, o.ended_on and o.ended_on - START) for o in found] == [
        (1, 10, 1, "escalated", 50),
        (1, 50, 2, "recovered", 70),
        (2, 20, 1, "set", 25),
        (2, 25, 3, "", None),
    ]
    assert [o.present for o in openings_from_events(events, CALENDAR, START + 90)][-1] is False
    assert [o.stage for o in openings_from_events(events, CALENDAR, START + 45)] == [1, 1, 3]


def test_without_a_reset_a_stage_goes_on_into_the_new_year() -> None:
    events = [event(-5, "opened", 1), event(30, "escalated", 2)]
    at_20 = openings_from_events(events, CALENDAR, START + 20, reset=False)
    assert [(o.day - START, o.present) for o in at_20] == [(-5, True)]
    assert openings_from_events(events, CALENDAR, START + 20) == []
    assert [o.stage for o in openings_from_events(events, CALENDAR, START + 30, reset=False)] == [2]


def test_set_twice_on_one_day_is_one_opening() -> None:
    found = openings_from_events([event(5, "set", 2), event(5, "set", 2)], CALENDAR, START + 5)
    assert [(o.stage, o.present) for o in found] == [(2, True)]
