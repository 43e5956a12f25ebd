"""Who has to do what by when, as exam questions: tasks arise, fall due, are closed by the log or become moot."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from exam_school import THRESHOLDS, derive, entry, school

from attendance_pipeline.derive.tasks import NO_PUPIL, Task, tasks_of
from attendance_pipeline.law.policy import policy_from_text
from attendance_pipeline.law.settings_errors import SettingsError
from attendance_pipeline.law.task_catalogue import catalogue_from_text, shipped_catalogue

LEAD, TEACHER, OFFICE, SENCO, HEAD, SLT = "attendance-lead", "class-teacher", "office", "senco", "headteacher", "slt"
# The school's table of who does what and when, line by line, and the tasks that a line comes to.
# (stage, what the table says, by whom, task, school days allowed or what else says when it is due)
SEED = [
    (1, "monitor whole school attendance", [LEAD], "Monitor whole-school attendance", "end of the school week"),
    (1, "share class attendance with teachers", [LEAD], "Share class attendance with each class teacher", "end of the school week"),
    (1, "a letter and leaflet is sent out", [LEAD], "Approve letter 1 with leaflet", 2),
    (1, "a letter and leaflet is sent out", [OFFICE], "Send letter 1 with leaflet", 5),
    (1, "four weeks of monitoring", [LEAD], "Monitor attendance until the review: stage 1", "day of the review"),
    (2, "attendance lead notifies class teachers", [LEAD], "Notify the class teacher, who calls the parents in", 2),
    (2, "who call parents in", [TEACHER], "Call the parents to an informal meeting", 5),
    (2, "for an informal meeting", [TEACHER], "Hold the informal meeting with the parents", 10),
    (2, "teacher and parent create targets", [TEACHER], "Agree targets with the parents", 10),
    (2, "letter 2 is given to parents", [TEACHER], "Give letter 2 to the parents at the meeting", 10),
    (2, "other interventions are considered", [TEACHER, SENCO], "Consider other interventions", 10),
    (2, "four weeks of monitoring", [LEAD], "Monitor attendance until the review: stage 2", "day of the review"),
    (2, "follow up with the family", [TEACHER, LEAD], "Follow up with the family after the monitoring period", 5),
    (3, "meeting: arranged by admin", [OFFICE], "Arrange the meeting with pupil, parents and class teacher", 5),
    (3, "meeting", [LEAD, TEACHER, HEAD], "Meet the pupil, the class teacher and the parents", 10),
    (3, "a plan of action is agreed", [LEAD], "Agree the plan of action", 10),
    (3, "letter 3 is handed over", [LEAD], "Hand over letter 3 at the meeting", 10),
    (3, "four weeks of monitoring", [LEAD], "Monitor attendance until the review: stage 3", "day of the review"),
    (3, "follow up with the family", [LEAD], "Follow up with the family and review the plan", 5),
    (3, "on each day of absence headteacher phones", [HEAD], "Phone the parents: absent since the meeting", 0),
    (4, "referral to be considered", [LEAD, SLT], "Consider a referral to the local authority", 5),
    (4, "re-examined while it is considered", [LEAD], "Monitor attendance until the review: stage 4", "day of the review"),
]  # fmt: skip
_WHEN = {"school_weeks": "end of the school week", "monitoring": "day of the review"}

O6 = {"09-01..09-03": "O O"}
REQUIRES = {"stages": {"1": {"requires": ["letter_sent"]}}}


def tasks(marks: dict[str, str], words: str, last: str | None = None, **more: Any) -> list[Task]:
    derived = derive(school(marks, rows=[{"class_name": "3 Elm"}], **more), last=last)
    return [t for t in tasks_of(derived) if words in t.task]


def dates(found: list[Task]) -> list[tuple[str | None, ...]]:
    return [tuple(d and f"{d:%m-%d}" for d in (t.opened_on, t.due_on, t.closed_on)) for t in found]


@pytest.mark.parametrize(("stage", "line", "owners", "words", "due"), SEED)
def test_every_line_of_the_schools_table_is_a_task(
    stage: int, line: str, owners: list[str], words: str, due: int | str
) -> None:
    (kind,) = [k for k in shipped_catalogue().tasks if k.task == words]
    assert (list(kind.owner), kind.stage or 1) == (owners, stage), line
    assert _WHEN.get(kind.on, kind.due_school_days) == due
    assert kind.closed_by or kind.on == "monitoring", "every task but monitoring is closed by the log"


def test_no_task_of_the_ladder_is_without_its_line() -> None:
    of_stages = {k.task for k in shipped_catalogue().tasks if k.stage is not None}
    assert of_stages <= {words for _, _, _, words, _ in SEED}


def test_a_week_of_monitoring_is_one_task_until_its_review() -> None:
    log = [entry("09-15", "set_stage", 2)]
    assert dates(tasks({}, "Monitor attendance", last="10-17", log=log)) == [("09-15", "10-13", "10-13")]
    # Two reviews at stage 3, four weeks apart; absent throughout, so that it leads on to stage 4.
    away = {"09-01..11-28": "O /"}
    found = tasks(
        away, "Monitor attendance", last="11-28", log=[entry("09-15", "set_stage", 3)], ladder={"stalled_reviews": 0}
    )
    assert [t.stage for t in found][:2] == [3, 3]
    assert dates(found)[:2] == [("09-15", "10-13", "10-13"), ("10-13", "11-17", "11-17")]


@pytest.mark.parametrize(
    ("days", "open_on_last"),
    [
        ({}, ["09-08", "09-15"]),  # the week before is late, and older ones are not heaped upon it
        ({"09-16": "follow_up_done"}, []),  # an entry closes the weeks that are open that day
        ({"09-12": "follow_up_done"}, ["09-15"]),
        ({"09-16": "plan_reviewed"}, ["09-08", "09-15"]),  # that is another task
    ],
)
def test_each_week_class_attendance_is_shared(days: dict[str, str], open_on_last: list[str]) -> None:
    found = tasks({}, "Share class attendance", last="09-18", school_log=days)
    assert [f"{t.opened_on:%m-%d}" for t in found] == ["09-01", "09-08", "09-15"]
    assert [f"{t.due_on:%m-%d}" for t in found] == ["09-05", "09-12", "09-19"]
    assert [f"{t.opened_on:%m-%d}" for t in found if t.closed_on is None] == open_on_last
    assert {(t.pupil, t.owner) for t in found} == {(NO_PUPIL, "attendance-lead")}


def test_slt_is_asked_to_the_pastoral_meeting_every_two_weeks_of_school() -> None:
    found = tasks({}, "pastoral meeting", last="11-14")
    # Half-term, from 27 to 31 October, is no school week.
    assert [t.due_on and f"{t.due_on:%m-%d}" for t in found] == ["09-12", "09-26", "10-10", "10-24", "11-14"]


@pytest.mark.parametrize(
    ("own", "task", "expected"),
    [
        ({}, "Send letter 1", [("office", "09-22")]),
        ({"owner": "attendance-lead"}, "Send letter 1", [("attendance-lead", "09-22")]),
        ({"owner": ["office", "slt"], "due_school_days": 1}, "Send letter 1", [("office", "09-16"), ("slt", "09-16")]),
        ({"wanted": False}, "Send letter 1", []),
    ],
)
def test_a_policy_says_whose_a_task_is_and_how_many_days_it_allows(own: dict, task: str, expected: list) -> None:
    found = tasks(O6, task, last="09-24", ladder=REQUIRES, **{"tasks": {"Send letter 1 with leaflet": own}})
    assert [(t.owner, f"{t.due_on:%m-%d}") for t in found] == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('[tasks."Send letter 9"]\nowner = "office"', "not 'Send letter 9'"),
        ('[tasks."Send letter 1 with leaflet"]\nowner = "caretaker"', "tasks.Send letter 1 with leaflet.owner"),
        ('[tasks."Establish the reason for code N"]\ndue_school_days = 3', "something else says when it is due"),
    ],
)
def test_a_policy_with_a_wrong_task_is_refused(line: str, said: str) -> None:
    text = f'name = "x"\n[[ladder]]\nthresholds = {{ autumn = {THRESHOLDS["autumn"]}, spring = 90, summer = 90 }}\n{line}\n'
    with pytest.raises(SettingsError, match=said):
        policy_from_text(text, Path("school.toml"))


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


def test_a_number_of_the_schools_own_is_a_task_and_no_penalty_notice() -> None:
    any_of = [{"sessions": 3, "half_terms": 1}]
    own = {"name": "three-lates", "penalty_notice": False, "codes": ["L", "U"], "any_of": any_of}
    marks = {"09-08": "L \\", "09-09": "U \\", "09-10": "L \\"}
    (found,) = tasks(marks, "A number of the school's policy reached", "09-15", rules=[own])
    assert (found.rule, dates([found])) == ("three-lates", [("09-11", "09-18", None)])
    assert tasks(marks, "Penalty-notice threshold met", "09-15", rules=[own]) == []
    called = [entry("09-12", "phone_call")]
    (closed,) = tasks(marks, "A number of the school's policy reached", "09-15", rules=[own], log=called)
    assert dates([closed]) == [("09-11", "09-18", "09-12")]
