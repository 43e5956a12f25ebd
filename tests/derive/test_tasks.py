"""Who has to do what by when, as exam questions: tasks arise, fall due, are closed by the log or become moot."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from exam_school import derive, entry, school

from attendance_pipeline.derive.tasks import Task, tasks_of
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.law.task_catalogue import catalogue_from_text, shipped_catalogue

O6 = {"09-01..09-03": "O O"}
REQUIRES = {"stages": {"1": {"requires": ["letter_sent"]}}}


def tasks(marks: dict[str, str], words: str, last: str | None = None, **more: Any) -> list[Task]:
    derived = derive(school(marks, rows=[{"class_name": "3 Elm"}], **more), last=last)
    return [t for t in tasks_of(derived) if words in t.task]


def dates(found: list[Task]) -> list[tuple[str | None, ...]]:
    return [tuple(d and f"{d:%m-%d}" for d in (t.opened_on, t.due_on, t.closed_on)) for t in found]


@pytest.mark.parametrize(
    ("log", "closed"),
    [
        ([], None),
        ([entry("09-17", "letter_sent", 1)], "09-17"),
        ([entry("09-17", "letter_sent")], "09-17"),  # blank: the stage held that day
        ([entry("09-17", "letter_sent", 2)], None),
        ([entry("09-17", "phone_call", 1)], None),
        ([entry("09-12", "letter_sent", 1)], "09-15"),  # shortly before the stage opened: done on the day it did
    ],
)
def test_letter_1_is_the_offices_task_until_the_log_says_it_was_sent(log: list, closed: str | None) -> None:
    found = tasks(O6, "Send letter 1", last="09-24", log=log, ladder=REQUIRES)
    assert dates(found) == [("09-15", "09-22", closed)]
    assert (found[0].owner, found[0].stage) == ("office", 1)


def test_a_task_of_a_stage_is_moot_when_the_stage_is_left() -> None:
    assert dates(tasks(O6, "Send letter 1", last="10-10", ladder=REQUIRES)) == [
        ("09-15", "09-22", "09-29")
    ]  # recovered


def test_one_letter_closes_the_task_of_one_opening() -> None:
    log = [entry("09-16", "letter_sent", 1), entry("09-17", "set_stage", 1)]
    found = tasks(O6, "Send letter 1", last="09-26", log=log, ladder=REQUIRES)
    assert dates(found) == [("09-15", "09-22", "09-16"), ("09-17", "09-24", None)]


def test_stage_2_is_the_class_teachers() -> None:
    log = [entry("09-15", "set_stage", 2), entry("09-18", "meeting_held"), entry("09-19", "target_agreed", 2)]
    found = {t.task: t for t in tasks_of(derive(school(log=log, rows=[{"class_name": "3 Elm"}]), last="09-26"))}
    assert found["Hold the informal meeting with the parents"].owner == "class-3 Elm"
    assert found["Agree targets with the parents"].closed_on == dt.date(2025, 9, 19)
    assert found["Consider other interventions"].owner == "senco"
    assert found["Give letter 2 to the parents at the meeting"].closed_on is None


def test_a_follow_up_after_every_review_even_when_the_stage_has_changed() -> None:
    log = [entry("09-15", "set_stage", 2), entry("10-15", "follow_up_done")]
    found = tasks({}, "Follow up with the family after", last="10-17", log=log)
    assert dates(found) == [("10-13", "10-20", "10-15")] * 2, "one entry closes it for both owners"
    assert [t.owner for t in found] == ["attendance-lead", "class-3 Elm"]


@pytest.mark.parametrize(
    ("log", "calls"),
    [
        ([], []),  # no meeting yet
        ([entry("09-17", "meeting_held", 3)], [("09-18", "09-18", None), ("09-22", "09-22", None)]),
        (
            [entry("09-17", "meeting_held", 3), entry("09-22", "phone_call")],
            [("09-18", "09-18", "09-22"), ("09-22", "09-22", "09-22")],
        ),
        (
            [entry("09-17", "meeting_held", 3), entry("09-18", "phone_call", 3)],
            [("09-18", "09-18", "09-18"), ("09-22", "09-22", None)],
        ),
    ],
)
def test_the_headteacher_phones_on_each_day_of_absence_after_the_meeting(log: list, calls: list) -> None:
    # Absent on Wednesday 17th (the day of the meeting), Thursday 18th and Monday 22nd; ill counts too.
    marks = {"09-17..09-18": "O O", "09-22": "I \\"}
    found = tasks(marks, "Phone the parents", last="09-23", log=[entry("09-15", "set_stage", 3), *log])
    assert dates(found) == calls
    assert {t.owner for t in found} <= {"headteacher"}


def test_an_n_is_to_be_explained_within_five_school_days() -> None:
    assert dates(tasks({"09-04": "N /", "09-10": "N N"}, "code N", last="09-12")) == [
        ("09-04", "09-11", None),
        ("09-10", "09-17", None),
    ]


@pytest.mark.parametrize(
    ("log", "closed"),
    [
        ([], None),
        ([entry("09-16", "not_pursued")], "09-16"),
        ([entry("09-16", "penalty_notice_issued", from_="09-01", until="09-05", contact="a")], "09-16"),
    ],
)
def test_a_threshold_met_is_to_be_considered(log: list, closed: str | None) -> None:
    rules = [{"name": "national", "any_of": [{"sessions": 10, "school_weeks": 10}]}]
    found = tasks({"09-01..09-05": "O O"}, "threshold met", last="09-19", rules=rules, log=log)
    assert dates(found) == [("09-08", "09-15", closed)]
    assert found[0].rule == "national"
    # In the autumn nobody decided: when the sessions drop out of the window the task is moot.
    assert dates(tasks({"09-01..09-05": "O O"}, "threshold met", rules=rules)) == [("09-08", "09-15", "11-18")]


def test_a_notice_to_improve_has_an_end_and_perhaps_a_breach() -> None:
    log = [entry("09-12", "notice_to_improve_issued", from_="09-15", until="10-10")]
    assert dates(tasks({"09-25": "O /", "10-01": "U /"}, "unauthorised absence in its period", log=log)) == [
        ("09-25", "09-29", None)
    ]
    assert dates(tasks({}, "has ended", log=log)) == [("10-13", "10-20", None)]
    assert dates(tasks({}, "has ended", log=[*log, entry("10-14", "not_pursued")])) == [("10-13", "10-20", "10-14")]


@pytest.mark.parametrize(
    ("marks", "opened"),
    [
        ({"09-01": "I I", "09-03": "I I", "09-10": "I \\", "09-20..10-01": "I \\"}, [("09-10", "09-17", None)]),
        ({"09-01": "I I", "09-02": "- -", "09-03": "I I", "09-10": "I \\"}, []),
    ],
)
def test_three_spells_of_illness_are_put_to_the_attendance_lead(marks: dict[str, str], opened: list) -> None:
    assert dates(tasks(marks, "spells of illness")) == opened


def test_keys_are_the_same_again_and_different_for_different_tasks() -> None:
    rules = [{"name": "r", "any_of": [{"sessions": 2, "terms": 1}]}]
    inputs = school(O6, O6, rules=rules, log=[entry("09-15", "set_stage", 2, pupil=1)])
    first, again = (tasks_of(derive(inputs)) for _ in range(2))
    assert first == again
    assert len({t.key for t in first}) == len(first) > 8
    assert all(len(t.key) <= 255 for t in first)


def test_a_wrong_catalogue_is_refused_with_the_key() -> None:
    text = (
        '[[tasks]]\ntask = "x"\nowner = "office"\non = "stage_opened"\ndue_school_days = 1\nclosed_by = ["letter_sent"]'
    )
    with pytest.raises(SettingsError, match="a stage for a task"):
        catalogue_from_text(text, Path("tasks.toml"))
    with pytest.raises(SettingsError, match="owner"):
        catalogue_from_text(text.replace("office", "offise") + "\n", Path("tasks.toml"))
    assert len(shipped_catalogue().tasks) > 15
