"""What the pastoral pack says, to whom, and what it keeps back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pypdfium2
import pytest
import report_world

from attendance_pipeline.derive.inputs import LogEntry, LogTable, PupilTable, SchoolInputs, marks_from_text
from attendance_pipeline.derive.tasks import Task, tasks_of
from attendance_pipeline.derive.year import derive_school
from attendance_pipeline.law.rounds import Round
from attendance_pipeline.reports.pastoral import Case, Entry, Pastoral, Row, pastoral_files, pastoral_of
from attendance_pipeline.reports.restricted import ELSEWHERE

LAST = dt.date(2026, 2, 13)
NAMES = {0: ("Ada Ash", "3 Elm"), 1: ("Ben Birch", "4 Fir"), 2: ("Cal Cedar", "4 Fir")}
CASE = Case(
    pupil=0,
    stage=2,
    since=dt.date(2026, 1, 19),
    year=(170, 200),
    fortnight=(18, 20),
    since_opening=(36, 40),
    at_opening=(134, 160),
    moved=("9 Feb review: no further drop, continues",),
    next_step="Review 16 Feb",
)
PACK = Pastoral(
    first=dt.date(2026, 2, 2),
    last=LAST,
    names=NAMES,
    school=Row("School", 3, (180, 200), (186, 200), 4, 1),
    years=(Row("Year 3", 1, (60, 64), (0, 0), 1, 1), Row("Year 4", 2, (120, 136), (130, 136), 3, 0)),
    cases=(CASE,),
    ended=((1, "4 Feb recovered (from stage 1)"),),
    moves={"opened": 2, "recovered": 1, "escalated": 1, "stalled": 2},
    groups=(("year", "4"), ("class", "4 Fir")),
    tier_2=((2, (182, 200), (34, 40)),),
    reviews=((dt.date(2026, 2, 23), 0, 2),),
    overdue=(),
)
SECRETS = ("Family court ruled on contact", "child protection plan", "Children's social care", "looked after since May")


def entry(action: str = "meeting_held", day: int = 5, pupil: int = 0, **more: Any) -> Entry:
    return Entry(pupil, dt.date(2026, 2, day), action, **more)


def files(pack: Pastoral) -> dict[str, dict[str, bytes]]:
    return pastoral_files(pack, school="Oakfield Primary School", owners={"senco": "SENCO"}, made_from="policy x")


def text(content: bytes) -> str:
    with pypdfium2.PdfDocument(content) as pdf:
        return " ".join(" ".join(p.get_textpage().get_text_bounded() for p in pdf).split())


def pack(**more: Any) -> str:
    return text(files(replace(PACK, **more))["slt"]["pastoral-pack.pdf"])


def test_the_pack_goes_to_those_of_the_schools_document() -> None:
    found = files(PACK)
    assert {audience: list(names) for audience, names in found.items()} == {
        audience: ["pastoral-pack.pdf"] for audience in ("attendance-lead", "slt", "senco")
    }
    assert len({content["pastoral-pack.pdf"] for content in found.values()}) == 1, "one meeting, one pack"


def test_the_figures_on_its_first_page() -> None:
    said = pack()
    assert "School weeks of 2 Feb to 13 February 2026" in said
    assert "90.0%" in said and "–3.0 points on the two weeks before" in said  # 180 of 200, 186 of 200
    assert "stage 2: 1" in said and "3 went on to the next stage" in said
    assert "Year 3 1 93.8% n/a 1 1" in said and "Year 4 2 88.2% –7.4 3 0" in said
    assert "to be considered: Year 4, 4 Fir." in said


def test_a_pupil_on_the_ladder_with_what_moved_and_what_was_done() -> None:
    calls = [entry("phone_call", day, outcome="Support offered") for day in (3, 4, 6)]
    letters = [entry("letter_sent", 9, stage=2)] * 2  # to each parent
    said = pack(entries=(*calls, *letters, entry(barrier="transport", agency="Early help", outcome="Parent came")))
    assert "Stage 2: one pupil" in said
    assert "Ada Ash 3 Elm 85.0% +1.2 90.0% 90.0%" in said  # 170/200, from 134/160 (83.8%); 36/40; 18/20
    assert "9 Feb review: no further drop, continues" in said
    assert "3 Feb to 6 Feb telephone call (Support offered), 3 times" in said
    assert "9 Feb letter 2 given or sent, 2 times" in said
    assert "5 Feb meeting held (for transport; Early help; Parent came)" in said
    assert "Review 16 Feb" in said


def test_what_is_said_of_a_pupil_stands_on_one_page() -> None:
    told = [(f"first {p} end", *["review: no further drop, continues"] * 12, f"last {p} end") for p in range(3)]
    given = replace(PACK, cases=[replace(CASE, pupil=p, moved=words) for p, words in enumerate(told)])
    with pypdfium2.PdfDocument(files(given)["slt"]["pastoral-pack.pdf"]) as pdf:
        pages = [" ".join(p.get_textpage().get_text_bounded().split()) for p in pdf]
    assert len(pages) > 1
    for p, (name, _) in NAMES.items():
        (page,) = [words for words in pages if f"first {p} end" in words]
        assert f"last {p} end" in page and name in page


def test_what_else_is_on_the_agenda() -> None:
    said = pack()
    assert "Off the ladder since the last meeting" in said and "Ben Birch 4 Fir 4 Feb recovered (from stage 1)" in said
    assert "23 Feb Ada Ash 3 Elm 2" in said
    assert "Cal Cedar 4 Fir 91.0% 85.0%" in said


def test_a_school_without_anybody_on_the_ladder_has_a_pack_of_one_page() -> None:
    content = files(replace(PACK, cases=(), ended=(), reviews=(), tier_2=(), groups=()))["slt"]["pastoral-pack.pdf"]
    with pypdfium2.PdfDocument(content) as pdf:
        assert len(pdf) == 1
    assert "Overdue" not in text(content)


def test_overdue_tasks_are_counted_by_owner_and_task() -> None:
    def late(owner: str, task: str, day: int) -> Task:
        return Task(f"{owner}{task}{day}", owner, task, 0, dt.date(2026, 1, 5), dt.date(2026, 1, day), None)

    tasks = [late("senco", "Consider other interventions", d) for d in (12, 9)]
    said = pack(overdue=(*tasks, late("class-3 Elm", "Agree targets with the parents", 14)))
    assert "Overdue: three tasks" in said
    assert "SENCO Consider other interventions 2 9 Jan" in said
    assert "Class teacher, 3 Elm Agree targets with the parents 1 14 Jan" in said


# ---------------------------------------------------------------- what is kept back


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("column", ["barrier", "agency", "outcome"])
def test_what_names_courts_care_or_safeguarding_is_told_to_restricted_alone(secret: str, column: str) -> None:
    found = files(replace(PACK, entries=(entry(**{column: secret}, by="Ms Lead"),)))
    for audience in ("attendance-lead", "slt", "senco"):
        said = text(found[audience]["pastoral-pack.pdf"])
        assert secret not in said and f"5 Feb meeting held ({ELSEWHERE})" in said
    told = text(found["restricted"]["pastoral-restricted.pdf"])
    assert secret in told and "Ada Ash 3 Elm 5 Feb" in told and "Ms Lead" in told


def test_a_hold_is_told_to_restricted_alone() -> None:
    found = files(replace(PACK, entries=(entry("hold", outcome="Ask first"),)))
    assert "hold" not in text(found["slt"]["pastoral-pack.pdf"]).replace("household", "")
    assert "hold (Ask first)" in text(found["restricted"]["pastoral-restricted.pdf"])


def test_where_nothing_is_kept_back_restricted_gets_nothing() -> None:
    assert "restricted" not in files(replace(PACK, entries=(entry(outcome="Parent came"),)))


# ---------------------------------------------------------------- from what was derived


def test_a_pack_from_marks_and_log() -> None:
    calendar = report_world.calendar()
    start, end = (calendar.on_or_before(dt.date(2025, d[0], d[1])) for d in ((9, 2), (11, 14)))
    weeks = Round(calendar.on_or_after(dt.date(2025, 11, 3)), end)
    before = Round(calendar.on_or_after(dt.date(2025, 10, 13)), calendar.on_or_before(dt.date(2025, 10, 23)))
    days = end - start + 1
    rows = [
        {"upn": "a", "year_group": "3", "class_name": "3 Elm"},  # away for the last twelve days
        {"upn": "b", "year_group": "3", "class_name": "3 Elm"},  # always there
        {"upn": "c", "year_group": "4", "class_name": "4 Fir", "leave": dt.date(2025, 10, 1)},
    ]
    lines = [" ".join(["/\\"] * (days - 12) + ["OO"] * 12), " ".join(["/\\"] * days), " ".join(["/\\"] * 21)]
    marks = marks_from_text(calendar, ["-- " * start + line for line in lines])
    log = LogTable.from_entries(3, [LogEntry(0, dt.date(2025, 11, 13), "letter_sent", 1)])
    school = SchoolInputs("oakfield", calendar, report_world.policy(), PupilTable.from_rows(calendar, rows), marks, log)
    derived = derive_school(school, 0, end)
    names = {0: ("Ada Ash", "3 Elm"), 1: ("Ben Birch", "3 Elm")}
    found = pastoral_of(
        derived, weeks, before, dt.date(2025, 11, 28), names, tasks_of(derived),
        [entry("phone_call"), Entry(2, dt.date(2025, 11, 5), "phone_call"), entry("letter_approved")],
    )  # fmt: skip
    assert [(r.name, r.pupils) for r in found.years] == [("Year 3", 2)]
    assert (found.school.pupils, found.school.now) == (2, (20, 40))  # ten days of two pupils, one of them away
    assert found.school.before == (2 * 2 * 9 - 2 * 2, 2 * 2 * 9)  # nine days, the last two of them away
    (case,) = found.cases
    assert (case.pupil, case.stage, case.fortnight) == (0, 1, (0, 20))
    assert case.since_opening[0] == 0 and case.at_opening[0] == 2 * (days - 12)
    assert any("opened" in words for words in case.moved)
    assert found.moves["opened"] == 1
    assert [e.action for e in found.entries] == ["phone_call"], "of those on the agenda, and what a meeting talks about"
