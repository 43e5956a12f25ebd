"""What parents notified beside the marks, as exam questions: a table of marks and forms, and what is to be done."""

from __future__ import annotations

from typing import Any

import pytest
from exam_school import day, school

from attendance_pipeline.derive.matching import MATCHED, NOBODY, Candidate, Form, Match
from attendance_pipeline.derive.notifications import Notifications, days_after

TODAY = "10-08"  # a Wednesday


def form(first: str, last: str | None = None, pupil: int = 0, **more: Any) -> Match:
    return Match(Form("Ann Lee", day(first), day(last or first), **more), MATCHED, pupil, "UPN")


def about(marks: dict[str, str], *forms: Match, rows: list[dict[str, Any]] | None = None) -> Notifications:
    return Notifications(school({"09-01..07-17": "- -", **marks}, rows=rows, until=TODAY), forms)


def told(found: Notifications, since: str = "10-06") -> list[str]:
    """Each day of which a form speaks, as `10-06 AM code finding / PM code finding`."""
    on = found.inputs.calendar
    return [
        f"{on.date(d.day):%m-%d} "
        + " / ".join(f"{c or '-'} {h}".strip() for c, h in zip(d.codes, d.halves, strict=True))
        for d in found.on(on.on_or_after(day(since)), on.on_or_before(day(TODAY)))
    ]


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ("I I", "I notified, absent / I notified, absent"),
        ("M \\", "M notified, absent / \\ notified, there for half of the day"),
        ("L N", "L notified, there for half of the day / N notified, code N"),
        ("/ -", "/ notified, marked present / - notified, no mark"),
        ("N N", "N notified, code N / N notified, code N"),
        ("- -", "- notified, no mark / - notified, no mark"),
        ("N -", "N notified, code N / - notified, no mark"),
        ("/ \\", "/ notified, marked present / \\ notified, marked present"),
        ("L \\", "L notified, marked present / \\ notified, marked present"),
        ("B B", "B notified, marked present / B notified, marked present"),
        ("O O", "O notified, absent / O notified, absent"),  # a reason was given and not accepted
        ("G G", "G notified, absent / G notified, absent"),
        ("U \\", "U notified, absent / \\ notified, there for half of the day"),
        ("Y4 Y4", "Y4 notified, not expected in school / Y4 notified, not expected in school"),
    ],
)
def test_a_mark_beside_a_form(codes: str, says: str) -> None:
    assert told(about({"10-07": codes}, form("10-07"))) == [f"10-07 {says}"]


@pytest.mark.parametrize(
    ("codes", "finding"),
    [("I N", "notified, code N"), ("I \\", "notified, absent"), ("- I", "notified, no mark"), ("I I", "notified, absent")],
)  # fmt: skip
def test_of_two_sessions_the_more_urgent_is_said(codes: str, finding: str) -> None:
    found = about({"10-07": codes}, form("10-07"))
    (one,) = found.on(0, found.inputs.calendar.on_or_before(day(TODAY)))
    assert one.finding == finding


@pytest.mark.parametrize(
    ("forms", "days"),
    [
        ([form("10-06", "10-08")], ["10-06", "10-07", "10-08"]),
        ([form("10-07")], ["10-07"]),  # a blank last day is the first
        ([form("10-03", "10-06")], ["10-06"]),  # from before the days asked for, and over a weekend
        ([form("10-11", "10-12")], []),  # a weekend
        ([form("10-24", "11-03")], ["10-24", "11-03"]),  # a half-term break between
        ([form("10-07"), form("10-07"), form("10-06", "10-07")], ["10-06", "10-07"]),  # several for one absence
        ([], []),
    ],
)
def test_a_form_speaks_of_the_school_days_from_its_first_to_its_last(forms: list[Match], days: list[str]) -> None:
    assert [line[:5] for line in told(about({"10-06..10-08": "I I"}, *forms))] == days


def test_a_form_of_a_morning_says_nothing_of_the_afternoon() -> None:
    both = [form("10-06", session="AM"), form("10-06", session="PM")]
    assert told(about({"10-06": "I \\"}, *both)) == ["10-06 I notified, absent / \\ notified, marked present"]
    found = about({"10-07": "M N", "10-08": "N N"}, form("10-07", session="AM"), form("10-08", session="PM"))
    assert told(found) == ["10-07 M notified, absent / N", "10-08 N / N notified, code N"]
    on = found.inputs.calendar.index(day("10-08"))
    assert on is not None
    assert [d.halves for d in found.not_notified(on)] == [("not notified, no reason known", "")]


def test_a_day_to_come() -> None:
    assert told(about({}, form("10-08", "10-09"))) == [
        "10-08 - notified, no mark / - notified, no mark",
        "10-09 - to come / - to come",
    ]


def test_a_mark_made_beforehand_is_what_it_is() -> None:
    """A system may hold leave that was granted before the day has come."""
    found = Notifications(school({"10-09": "C C"}, until="10-09"), [form("10-09")])
    assert told(found) == ["10-09 C notified, absent / C notified, absent"]


def test_several_forms_for_one_absence_stand_together_the_first_sent_first() -> None:
    late = form("10-07", submitted="2025-10-07T19:00:00")
    early = form("10-07", "10-08", submitted="2025-10-06T18:00:00")
    found = about({"10-07": "I I"}, late, early)
    first = found.on(0, found.inputs.calendar.on_or_before(day(TODAY)))[0]
    assert first.matches == (early, late)


@pytest.mark.parametrize(
    ("submitted", "first", "late"),
    [
        ("2025-10-06T20:00:00", "10-07", 0),
        ("2025-10-07T23:00:00", "10-07", 0),
        ("2025-10-08", "10-07", 1),
        ("2025-10-13T08:00:00", "10-10", 1),  # a weekend between is no school day
        ("2025-10-11", "10-10", 0),
        ("", "10-07", 0),
    ],
)
def test_how_late_a_form_was_sent_in_school_days(submitted: str, first: str, late: int) -> None:
    assert days_after(form(first, submitted=submitted).form, about({}).inputs) == late


@pytest.mark.parametrize(
    ("codes", "forms", "says"),
    [
        ("N N", [], ("not notified, no reason known", "not notified, no reason known")),
        ("O /", [], ("not notified, no reason known", "")),
        ("I I", [], ("not notified, reason recorded", "not notified, reason recorded")),
        ("G N", [], ("not notified, reason recorded", "not notified, no reason known")),
        ("/ \\", [], None),
        ("L \\", [], None),
        ("U \\", [], None),  # late, and there
        ("- -", [], None),  # a missing mark is no absence
        ("Y4 #", [], None),
        ("N N", [form("10-08")], None),
        ("N N", [form("10-07")], ("not notified, no reason known", "not notified, no reason known")),
    ],
)  # fmt: skip
def test_absent_and_not_notified(codes: str, forms: list[Match], says: tuple[str, str] | None) -> None:
    found = about({TODAY: codes}, *forms)
    on = found.inputs.calendar.index(day(TODAY))
    assert on is not None
    assert [d.halves for d in found.not_notified(on)] == ([says] if says else [])


def test_who_has_left_is_not_called() -> None:
    found = about({TODAY: "N N"}, rows=[{"leave": day("10-07")}])
    assert found.not_notified(found.inputs.calendar.on_or_before(day(TODAY))) == []


def test_a_matched_form_without_a_session_of_the_pupil_is_said() -> None:
    left, weekend = form("10-07"), form("10-11", "10-12")
    found = about({}, left, weekend, rows=[{"leave": day("09-30")}])
    assert told(found) == []
    assert found.without_a_session(0) == [left, weekend]


def test_a_form_that_is_matched_with_nobody_may_be_about_somebody() -> None:
    unsure = Match(Form("An Lee", day("10-07"), day("10-08")), "perhaps", candidates=(Candidate(0, "nearly"),))
    nobody = Match(Form("X", day("09-01"), day("09-02")), NOBODY)
    found = about({"10-07": "N N"}, unsure, nobody)
    on = found.inputs.calendar.on_or_before(day("10-07"))
    assert told(found) == []
    assert (found.may_be_about(0, on, 0), found.may_be_about(0, on - 1, 0)) == (True, False)
    assert (found.unmatched(on), found.unmatched(0)) == ([unsure], [nobody, unsure])
