"""The evidence of letters, told to people: every session with file and line, figures as fractions, the policy."""

import datetime as dt
import io

import openpyxl
import pytest
from ledger_school import ADA

from attendance_pipeline.letters.batch import BatchInputs, PupilOnPaper, build_batch
from attendance_pipeline.letters.evidence import Case, LetterEvidence, Review, RuleStatus
from attendance_pipeline.letters.evidence_sheet import as_json, relied_on, told
from attendance_pipeline.letters.ledger_rows import LedgerRow
from attendance_pipeline.letters.sample import sample_letterhead
from attendance_pipeline.letters.templates import Templates

DAY = dt.date
MORNING, AFTERNOON, OTHER = DAY(2025, 11, 12), DAY(2025, 11, 21), DAY(2025, 11, 24)
FIGURES = LetterEvidence(
    attended=101,
    possible=122,
    unauthorised=14,
    first_day=DAY(2025, 9, 2),
    last_day=DAY(2025, 12, 3),
    threshold=85_000,
    absences=((MORNING, "AM", "O"), (AFTERNOON, "PM", "N"), (OTHER, "AM", "I")),
    weeks=4,
    event="opened",
    policy="seed-school",
    policy_version="2025-09",
    policy_source="Attendance policy, stage 1",
    as_at=DAY(2025, 12, 3),
    register="2025-12-03T22:10:00",
    sources=((MORNING, "AM", "register_2025-11-12.csv", 17), (AFTERNOON, "PM", "register_2025-11-21.csv", 44)),
)
RULE = RuleStatus("ten sessions", "met", True, 10, "school_weeks", 10, DAY(2025, 9, 22), DAY(2025, 12, 3), 12, 11, 0)


def test_each_session_says_where_it_was_read_and_what_it_counts_for():
    assert [(r["date"], r["session"], r["code"], r["file"], r["line"]) for r in relied_on(FIGURES)] == [
        (MORNING, "AM", "O", "register_2025-11-12.csv", 17),
        (AFTERNOON, "PM", "N", "register_2025-11-21.csv", 44),
        (OTHER, "AM", "I", "not kept: look up the pupil and date in the register", None),
    ]
    assert [r["why"] for r in relied_on(FIGURES)] == [
        "missed without the school's agreement",
        "missed, no reason known yet; counts as not agreed until it is",
        "missed with the school's agreement",
    ]


def test_the_lines_say_the_figures_the_policy_and_the_as_at():
    assert told(FIGURES) == [
        "Why: the ladder said opened.",
        "Attendance: 101 of 122 possible sessions, 82.8%, from 02/09/2025 to 03/12/2025.",
        "Threshold: 85%; the figure is below it.",
        "Unauthorised: 14 sessions of that time.",
        "Policy: seed-school 2025-09 (Attendance policy, stage 1).",
        "As at: 03/12/2025; the register as loaded at 2025-12-03T22:10:00.",
        "It relies on 3 sessions:",
        "  12/11/2025 AM  O  missed without the school's agreement; register_2025-11-12.csv, line 17",
        "  21/11/2025 PM  N  missed, no reason known yet; counts as not agreed until it is; register_2025-11-21.csv, line 44",
        "  24/11/2025 AM  I  missed with the school's agreement; not kept: look up the pupil and date in the register",
    ]


@pytest.mark.parametrize(
    ("attended", "possible", "says"),
    [
        (85, 100, "not below it"),
        (84, 100, "below it"),
        (849_999, 1_000_000, "below it"),  # 85.0% when rounded, which it is not
    ],
)
def test_below_the_threshold_is_asked_exactly(attended, possible, says):
    evidence = LetterEvidence(attended, possible, 0, DAY(2025, 9, 2), DAY(2025, 12, 3), threshold=85_000)
    assert f"Threshold: 85%; the figure is {says}." in told(evidence)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            {"review": Review("dropped", DAY(2025, 12, 4), DAY(2025, 11, 6), DAY(2025, 12, 3), 30, 40)},
            "the review of 06/11/2025 to 03/12/2025 found dropped: 30/40",
        ),
        (
            {"case": Case(RULE)},
            "12 of the 10 sessions that ten sessions asks for in 10 school weeks, 22/09/2025 to 03/12/2025",
        ),
        ({"ill": 16}, "16 sessions of illness"),
    ],
)
def test_every_kind_of_reason_is_said(more, says):
    values = {"attended": 90, "possible": 100, "unauthorised": 0, "first_day": MORNING, "last_day": OTHER}
    assert told(LetterEvidence(**values, **more))[0] == f"Why: {says}."


def test_no_evidence_is_nothing():
    assert as_json({}) == {}


def test_the_workbook_beside_the_batch_leads_from_each_reference_to_its_sessions():
    row = LedgerRow(
        reference="OAK-1",
        person_id=1,
        contact_id=ADA.contact_id,
        kind="letter_1",
        day=60,
        opening_day=DAY(2025, 12, 3),
        proposed_on=DAY(2025, 12, 3),
        state="proposed",
        stage=1,
        batch="oakfield",
        recipient=ADA.as_json(),
        evidence=FIGURES.as_json(),
        entered=DAY(2025, 12, 3),
    )
    pupils = {1: PupilOnPaper("=Zofia", "Nowak", "4 Kestrel", "Mr T Teacher", "004512")}
    inputs = BatchInputs("oakfield", DAY(2025, 12, 4), [row], (), pupils, sample_letterhead(), Templates())
    first, again = build_batch(inputs).office, build_batch(inputs).office
    assert {name: first[name] == again[name] for name in first} == dict.fromkeys(first, True)
    book = openpyxl.load_workbook(io.BytesIO(first["evidence.xlsx"]))
    letters, sessions = ([[c.value for c in r] for r in book[name].iter_rows()] for name in ("Letters", "Sessions"))
    told_of = dict(zip(*letters, strict=True))
    assert told_of["Reference"] == "OAK-1" and told_of["Pupil"] == "=Zofia Nowak"
    assert told_of["Attended / possible"] == "101/122" and told_of["Threshold"] == "85%"
    assert (told_of["Policy"], told_of["Version"]) == ("seed-school", "2025-09")
    assert [(r[0], r[3], r[4], r[7], r[8]) for r in sessions[1:]] == [
        ("OAK-1", "AM", "O", "register_2025-11-12.csv", 17),
        ("OAK-1", "PM", "N", "register_2025-11-21.csv", 44),
        ("OAK-1", "AM", "I", "not kept: look up the pupil and date in the register", None),
    ]
