"""A batch as files, with invented people: what is printed where, what the lists say, and what they do not."""

import csv
import datetime as dt
import hashlib
import io
import tracemalloc
from dataclasses import replace
from typing import Any

import openpyxl
import pypdfium2
import pytest
from ledger_school import ADA, BO, CALENDAR, START, date, facts, opening

from attendance_pipeline.drive_names import checked_name
from attendance_pipeline.letters.batch import (
    BatchInputs,
    PrintingCheck,
    PupilOnPaper,
    build_batch,
    due,
    is_letter_day,
    latest_letter_day,
    why_unprintable,
)
from attendance_pipeline.letters.evidence import (
    Case,
    LetterEvidence,
    Review,
    RuleStatus,
    contact_rows,
    percent,
    threshold_percent,
)
from attendance_pipeline.letters.ledger_rows import LedgerRow, LogEntry
from attendance_pipeline.letters.recipients import Recipient
from attendance_pipeline.letters.sample import sample_letterhead
from attendance_pipeline.letters.templates import Templates

DAY = dt.date(2025, 12, 4)
FIGURES = LetterEvidence(
    attended=101,
    possible=122,
    unauthorised=14,
    first_day=dt.date(2025, 9, 2),
    last_day=dt.date(2025, 12, 3),
    threshold=85_000,
    absences=(
        (dt.date(2025, 11, 12), "AM", "O"),
        (dt.date(2025, 11, 12), "PM", "O"),
        (dt.date(2025, 11, 21), "PM", "N"),
    ),
    weeks=4,
)
PUPILS = {
    1: PupilOnPaper("Zofia", "Nowak", "4 Kestrel", "Mr T Teacher", "004512"),
    2: PupilOnPaper("Ben", "Abbot", "4 Kestrel", "Mr T Teacher", "004513"),
    3: PupilOnPaper("Cy", "Zane", "2A", "Ms U Teacher", "004514"),
    4: PupilOnPaper("Di", "Young", "10B", "Ms V Teacher", "004515"),
}


def row(reference: str, person: int, recipient: Recipient = ADA, kind: str = "letter_1", **more: Any) -> LedgerRow:
    values: dict[str, Any] = {
        "reference": f"OAK-{reference}",
        "person_id": person,
        "contact_id": recipient.contact_id,
        "kind": kind,
        "day": START + 60,
        "opening_day": date(60),
        "proposed_on": date(60),
        "state": "proposed",
        "stage": int(kind[-1]) if kind.startswith("letter_") else 0,
        "batch": "oakfield",
        "recipient": recipient.as_json(),
        "evidence": FIGURES.as_json(),
        "entered": date(60),
    }
    return LedgerRow(**{**values, **more})


def batch(*rows: LedgerRow, held: tuple[LedgerRow, ...] = (), **more: Any):
    return build_batch(BatchInputs("oakfield", DAY, rows, held, PUPILS, sample_letterhead(), Templates(), **more))


def table(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def text(pdf: bytes) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]


def test_files_of_a_batch() -> None:
    made = batch(row("1", 1), row("2", 2), row("3", 3, kind="letter_2"), row("4", 4, kind="letter_3"))
    assert sorted(made.office) == [
        "OAK-1.docx",
        "OAK-1.pdf",
        "OAK-2.docx",
        "OAK-2.pdf",
        "OAK-3.docx",
        "OAK-3.pdf",
        "OAK-4.docx",
        "OAK-4.pdf",
        "batch.csv",
        "batch.xlsx",
        "evidence.xlsx",
        "letter-2 class-2A.pdf",
        "mail-merge.csv",
        "print-ready.pdf",
    ]
    assert list(made.classes) == ["2A"] and list(made.classes["2A"]) == ["letter-2 class-2A.pdf"]
    assert made.restricted == {} and (made.letters, made.held, made.unprintable) == (4, 0, {})
    for name in made.office:
        assert checked_name(name) == name


def test_printed_by_class_then_surname() -> None:
    made = batch(row("1", 1), row("2", 2), row("3", 3), row("4", 4))
    assert [r["Reference"] for r in table(made.office["batch.csv"])] == ["OAK-3", "OAK-2", "OAK-1", "OAK-4"]
    pages = text(made.office["print-ready.pdf"])
    firsts = [number for number, page in enumerate(pages, 1) if "Dear Mrs Smith" in page]
    assert len(firsts) == 4 and all(number % 2 for number in firsts)  # each begins on a sheet of its own


def test_two_at_one_address_share_an_envelope() -> None:
    made = batch(
        row("1", 1), row("2", 1, BO), row("3", 2), row("4", 2, replace(BO, address=("9 Hill", "Leeds", "LS1 1AA")))
    )
    assert sorted(n for n in made.office if n.startswith("OAK") and n.endswith(".pdf")) == [
        "OAK-1.pdf",
        "OAK-3.pdf",
        "OAK-4.pdf",
    ]
    (first, *_) = text(made.office["OAK-1.pdf"])
    assert "Dear Mr and Mrs Smith" in first and "Mrs Ada and Mr Bo Smith" in first
    listed = {r["Reference"]: r["In one envelope with"] for r in table(made.office["batch.csv"])}
    assert listed == {"OAK-1": "OAK-2", "OAK-2": "OAK-1", "OAK-3": "", "OAK-4": ""}
    assert [r["salutation"] for r in table(made.office["mail-merge.csv"])] == [
        "Dear Mrs Smith",
        "Dear Mr Smith",
        "Dear Mr and Mrs Smith",
    ]
    assert made.letters == 4


def test_two_whose_names_do_not_fit_one_envelope_have_one_each() -> None:
    long = "Featherstonehaugh-Cholmondeley"
    address = ("Flat 3", "Block B", "12 Mill Lane", "Headingley", "Leeds", "LS6 2XX")
    pair = [replace(r, surname=f"{r.forename}{long}", address=address) for r in (ADA, BO)]
    made = batch(row("1", 1, pair[0]), row("2", 1, pair[1]))
    assert {"OAK-1.pdf", "OAK-2.pdf"} <= set(made.office) and made.unprintable == {}


LEEDS = Recipient("", surname="Leeds")  # the local authority is no contact


def evidence_of(kind: str) -> dict[str, Any]:
    """Figures such as a letter of this kind has."""
    first, last = dt.date(2025, 11, 6), dt.date(2025, 12, 3)
    rule = RuleStatus("national", "met", True, 10, "school_weeks", 10, first, last, 10, 10, 0)
    more: dict[str, Any] = {
        "improved": {"review": Review("recovered", DAY, first, last, 38, 40)},
        "continuing": {"review": Review("dropped", DAY, first, last, 30, 40, dt.date(2026, 1, 15))},
        "medical_support": {"ill": 32, "spells": 3},
        "penalty_notice_warning": {"case": Case(rule, notices=())},
        "notice_to_improve": {"case": Case(rule, notices=()), "improvement": (first, last, 6)},
        "referral_pack": {
            "marks": tuple((dt.date(2025, 12, 1 + n), half, "O") for n in range(3) for half in ("AM", "PM")),
            "recent": 60,
            "pupil": {"surname": "Nowak", "date_of_birth": "2017-02-14", "upn": "Z999999999999"},
            "parents": (),
        },
    }
    return replace(FIGURES, **more.get(kind, {})).as_json()


def test_a_letter_that_is_held_for_the_data_says_which_day_and_what_is_wrong() -> None:
    why = {"2A": "12/02/2026, the afternoon register was not taken", "": "11/02/2026, registers are missing"}
    held = tuple(
        row(str(n), person, state="held", reason=reason)
        for n, (person, reason) in enumerate([(3, "quality check failed"), (1, "quality check failed"), (2, "left")])
    )
    said = {r["Pupil"]: r["Held because"] for r in table(batch(held=held, not_ready=why).office["held.csv"])}
    assert said == {
        "Cy Zane": f"quality check failed: {why['']}, {why['2A']}",
        "Zofia Nowak": f"quality check failed: {why['']}",
        "Ben Abbot": "left",
    }
    plain = table(batch(held=held).office["held.csv"])
    assert {r["Held because"] for r in plain} == {"left", "quality check failed"}


def of_kind(reference: str, kind: str, stage: int, recipient: Recipient = ADA) -> LedgerRow:
    return row(reference, 1, recipient, kind=kind, stage=stage, evidence=evidence_of(kind))


@pytest.mark.parametrize(
    ("kind", "stage", "shared"),
    [
        ("meeting_invitation", 2, True),
        ("meeting_invitation", 3, False),
        ("improved", 1, True),
        ("improved", 2, True),
        ("improved", 3, False),
        ("continuing", 2, True),
        ("continuing", 3, False),
        ("medical_support", 1, True),
        ("medical_support", 0, False),  # of no stage
        ("penalty_notice_warning", 0, False),
        ("notice_to_improve", 0, False),
    ],
)
def test_an_envelope_is_shared_at_stages_1_and_2_and_never_for_a_warning_or_notice(
    kind: str, stage: int, shared: bool
) -> None:
    made = batch(of_kind("1", kind, stage), of_kind("2", kind, stage, BO))
    assert made.unprintable == {} and ("OAK-2.pdf" in made.office) != shared
    assert "12 Mill Lane" in text(made.office["OAK-1.pdf"])[0]
    listed = table(made.office["batch.csv"])
    assert [r["Stage"] for r in listed] == [str(stage) if stage else ""] * 2


def test_drafts_lie_apart_from_what_is_to_be_posted() -> None:
    pack = row("3", 1, LEEDS, kind="referral_pack", stage=4, evidence=evidence_of("referral_pack"))
    made = batch(row("1", 2), of_kind("2", "notice_to_improve", 0), pack)
    assert made.unprintable == {} and {"print-ready.pdf", "drafts-to-consider.pdf"} <= set(made.office)
    assert not made.classes
    posted, drafts = ("".join(text(made.office[name])) for name in ("print-ready.pdf", "drafts-to-consider.pdf"))
    assert "OAK-1" in posted and "OAK-2" not in posted and "OAK-3" not in posted
    assert "OAK-2" in drafts and "OAK-3" in drafts and "OAK-1" not in drafts
    assert [r["reference"] for r in table(made.office["mail-merge.csv"])] == ["OAK-1"]
    goes = {
        r["Reference"]: (r["How it goes"], r["Recipient"], r["Printed from"]) for r in table(made.office["batch.csv"])
    }
    assert goes == {
        "OAK-1": ("By post", "Mrs Ada Smith", "print-ready.pdf"),
        "OAK-2": ("By post, once a person has decided", "Mrs Ada Smith", "drafts-to-consider.pdf"),
        "OAK-3": ("To the local authority, once a person has decided", "Leeds", "drafts-to-consider.pdf"),
    }
    # The UPN goes to the local authority alone.
    assert "Z999999999999" in drafts and "Z999999999999" not in posted


def test_a_referral_with_an_n_cannot_be_made_whoever_lets_it_go() -> None:
    data = evidence_of("referral_pack")
    data["marks"][2][2] = "N"
    pack = row("1", 1, LEEDS, kind="referral_pack", stage=4, evidence=data)
    assert "code N" in batch(pack).unprintable["OAK-1"]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "Day"),
        (
            [LogEntry(1, date(61), "meeting_arranged", stage=2, from_=dt.date(2025, 12, 11))],
            "Thursday 11 December 2025",
        ),
        ([LogEntry(1, date(61), "meeting_arranged", stage=3, from_=dt.date(2025, 12, 11))], "Day"),
        (
            [LogEntry(1, date(10), "meeting_arranged", stage=2, from_=dt.date(2025, 9, 30))],
            "Day",
        ),  # of an earlier stage 2
    ],
)
def test_an_invitation_says_the_day_that_the_log_has(entries: list[LogEntry], said: str) -> None:
    made = batch(of_kind("1", "meeting_invitation", 2), log={1: entries})
    (page, *_) = text(made.office["OAK-1.pdf"])
    assert said in page and ("Mr T Teacher" in page)


@pytest.mark.parametrize(("kind", "household"), [("letter_3", True), ("letter_1", False), ("letter_2", False)])
def test_else_each_has_a_letter(kind: str, household: bool) -> None:
    made = batch(row("1", 1, kind=kind), row("2", 1, BO, kind=kind), household=household)
    assert {"OAK-1.pdf", "OAK-2.pdf"} <= set(made.office)


def test_letters_that_are_handed_over_bear_no_address() -> None:
    made = batch(row("1", 1, kind="letter_2"), row("2", 2, kind="letter_3"))
    for name in ("OAK-1.pdf", "OAK-2.pdf"):
        assert all("LS6 2XX" not in page for page in text(made.office[name]))
    assert [r["How it goes"] for r in table(made.office["batch.csv"])] == [
        "Given at the meeting",
        "Given by the class teacher of 4 Kestrel",
    ]


def test_what_the_batch_list_says() -> None:
    made = batch(
        row(
            "1",
            1,
            replace(ADA, language="tlh", language_name="Klingon"),
            language="tlh",
            reason="despite possible repeat",
        )
    )
    (line,) = table(made.office["batch.csv"])
    assert line == {
        "Reference": "OAK-1",
        "Admission number": "004512",
        "Pupil": "Zofia Nowak",
        "Class": "4 Kestrel",
        "Stage": "1",
        "Letter": "Letter 1",
        "Stage opened on": f"{date(60):%d/%m/%Y}",
        "Attendance": "82.8%",
        "Threshold": "85%",
        "Sessions missed": "21",
        "Absences relied on": "12/11/2025 DAY O; 21/11/2025 PM N",
        "Recipient": "Mrs Ada Smith",
        "Address": "12 Mill Lane, Leeds, LS6 2XX",
        "How it goes": "By post",
        "Language": "English (no template in Klingon)",
        "In one envelope with": "",
        "Enclosures": "Leaflet for parents and carers",
        "Printed from": "print-ready.pdf",
        "Note": "despite: possible repeat",
    }
    sheet = openpyxl.load_workbook(io.BytesIO(made.office["batch.xlsx"])).active
    assert sheet["B2"].value == "004512" and [c.value for c in sheet[1]][-3:] == ["Decision", "Decided by", "Why"]
    (merged,) = table(made.office["mail-merge.csv"])
    assert merged["address_1"] == "Mrs Ada Smith" and merged["address_4"] == "LS6 2XX" and merged["address_5"] == ""
    assert merged["period_end"] == "03/12/2025" and merged["attendance_percent"] == "82.8%"


def test_names_that_look_like_formulas_are_harmless() -> None:
    made = build_batch(
        BatchInputs(
            "oakfield",
            DAY,
            [row("1", 1, replace(ADA, surname="=HYPERLINK(1)"))],
            [],
            {1: PupilOnPaper("=1+1", "@Nowak", "4K")},
            sample_letterhead(),
            Templates(),
        )
    )
    (merged,) = table(made.office["mail-merge.csv"])
    assert merged["first_name"] == "'=1+1"
    for name in ("batch.csv", "mail-merge.csv"):
        for line in table(made.office[name]):
            assert not any(cell.startswith(("=", "@", "+", "-")) for cell in line.values())


HELD = (
    row("5", 1, state="held", reason="no address; looked after"),
    row("6", 2, state="held", reason="possible repeat"),
    row("7", 3, state="held", reason="court restriction"),
    row("8", 4, state="held", reason="recently sent; despite looked after"),
)


def test_restricted_reasons_are_on_the_restricted_list_alone() -> None:
    made = batch(held=HELD)
    assert sorted(made.office) == ["held.csv"]
    assert [(r["Reference"], r["Held because"], r["Recipient"]) for r in table(made.office["held.csv"])] == [
        ("OAK-7", "Restricted: ask the attendance lead", ""),
        ("OAK-6", "possible repeat", "Mrs Ada Smith"),
        ("OAK-5", "no address; Restricted: ask the attendance lead", ""),
        ("OAK-8", "recently sent", "Mrs Ada Smith"),
    ]
    assert [(r["Reference"], r["Held because"], r["Recipient"]) for r in table(made.restricted["held.csv"])] == [
        ("OAK-7", "court restriction", "Mrs Ada Smith"),
        ("OAK-5", "no address; looked after", "Mrs Ada Smith"),
    ]
    assert made.held == 4


def test_a_letter_that_cannot_be_made_is_held_and_the_others_are_printed() -> None:
    broken = row("2", 2, replace(ADA, surname="\U00013000"))  # a hieroglyph: no font at hand has it
    made = batch(row("1", 1), broken, row("3", 3, evidence={}))
    assert (
        sorted(made.unprintable) == ["OAK-2", "OAK-3"] and "OAK-1.pdf" in made.office and "OAK-2.pdf" not in made.office
    )
    reasons = {r["Reference"]: r["Held because"] for r in table(made.office["held.csv"])}
    assert set(reasons) == {"OAK-2", "OAK-3"} and all(why.startswith("cannot be printed: ") for why in reasons.values())
    inputs = BatchInputs("oakfield", DAY, [], [], PUPILS, sample_letterhead(), Templates())
    assert why_unprintable(inputs, row("1", 1)) == ""
    assert "\U00013000" not in why_unprintable(inputs, broken) and why_unprintable(inputs, broken)
    printing, figures, first = PrintingCheck(inputs), FIGURES.as_json(), opening(1, 60)
    check = printing.on(DAY, {1: facts(), 2: facts(replace(ADA, surname="\U00013000"))})
    assert check(first, "ADA", figures) == "" and check(opening(1, 60, pupil=2), "ADA", figures)
    assert check(opening(2, 60), "NOBODY KNOWN", figures) == ""
    the_day_after = printing.on(DAY + dt.timedelta(days=1), {1: facts(), 2: facts()})
    assert the_day_after(first, "ADA", {}) and the_day_after(opening(1, 60, pupil=2), "ADA", figures) == ""


def test_nothing_to_deliver_is_no_file() -> None:
    made = batch()
    assert (made.office, made.restricted, made.classes) == ({}, {}, {})


def test_the_same_ledger_is_the_same_bytes_in_any_order() -> None:
    rows = [row("1", 1), row("2", 1, BO), row("3", 3, kind="letter_2"), row("4", 4)]
    assert batch(*rows, held=HELD) == batch(*reversed(rows), held=tuple(reversed(HELD)))


def test_no_upn_and_no_name_of_a_pupil_in_a_file_name() -> None:
    made = batch(row("1", 1), held=HELD)
    assert not any("Nowak" in name or "Zofia" in name for name in made.office)


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize(
    ("attended", "possible", "threshold", "shown"),
    [
        (101, 122, 85_000, "82.8%"),
        (84_96, 100_00, 85_000, "84.9%"),  # not 85.0%: it is below
        (85, 100, 85_000, "85.0%"),
        (84_94, 100_00, 85_000, "84.9%"),
        (92_45, 100_00, 92_500, "92.4%"),  # 92.5% would look as if it had been reached
        (1999, 2000, 90_000, "99.9%"),  # nor is 100% what it is not
        (2000, 2000, 90_000, "100.0%"),
        (0, 20, 90_000, "0.0%"),
        (0, 0, 90_000, "not known yet"),
    ],
)
def test_percentages_on_paper(attended: int, possible: int, threshold: int, shown: str) -> None:
    assert percent(attended, possible, threshold) == shown


def test_thresholds_on_paper() -> None:
    assert [threshold_percent(t) for t in (85_000, 92_500, 100_000, 0)] == ["85%", "92.5%", "100%", "0%"]


def test_evidence_is_read_back_as_it_was() -> None:
    evidence = replace(FIGURES, earlier_attended=90, earlier_possible=107, earlier_on=dt.date(2025, 11, 4))
    assert LetterEvidence.from_json(evidence.as_json()) == evidence
    assert LetterEvidence.from_json({**evidence.as_json(), "of a later version": 1}) == evidence
    assert evidence.fields()["earlier_percent"] == "84.1%"


def test_what_was_done_so_far() -> None:
    entries = [
        LogEntry(1, dt.date(2025, 11, 18), "phone_call"),
        LogEntry(1, dt.date(2025, 11, 4), "letter_sent", stage=1),
        LogEntry(1, dt.date(2025, 11, 4), "letter_sent", stage=1, order=1),
        LogEntry(1, dt.date(2025, 11, 5), "hold"),
    ]
    assert contact_rows(entries) == (
        {"date": dt.date(2025, 11, 4), "what": "Letter 1 given or sent"},
        {"date": dt.date(2025, 11, 18), "what": "Telephone call"},
    )


# ---------------------------------------------------------------- letter days


def test_letter_days() -> None:
    week = [i for i in range(START + 1, START + 10) if is_letter_day(CALENDAR, i, 3)]
    assert [CALENDAR.date(i).strftime("%a") for i in week] == ["Thu", "Thu"]
    assert all(is_letter_day(CALENDAR, i, None) for i in range(START, START + 10))
    first_of_spring = CALENDAR.on_or_after(dt.date(2026, 1, 5))  # a Monday; there were Thursdays in the holidays
    assert is_letter_day(CALENDAR, first_of_spring, 3) and not is_letter_day(CALENDAR, first_of_spring + 1, 3)
    assert is_letter_day(CALENDAR, first_of_spring + 3, 3)


def test_the_latest_letter_day() -> None:
    thursday = next(i for i in range(START + 5, START + 10) if is_letter_day(CALENDAR, i, 3))
    assert [latest_letter_day(CALENDAR, thursday + i, 3) for i in (-1, 0, 1, 4)] == [thursday - 5, *[thursday] * 3]
    assert latest_letter_day(CALENDAR, thursday + 1, None) == thursday + 1


def test_a_batch_holds_what_was_proposed_since_the_batch_before() -> None:
    day = CALENDAR.date
    rows = [
        row("1", 1, entered=day(50)),
        row("2", 1, entered=day(46)),
        row("3", 1, entered=day(45)),
        row("4", 1, entered=day(51)),
        row("5", 1, entered=day(50), state="sent", sent_on=day(50)),
        row("6", 1, entered=day(50), state="held"),
        row("7", 1, entered=day(50), state="sent", sent_on=day(50), batch=""),  # history
        row("8", 1, entered=day(47), state="sent", sent_on=day(49)),  # by hand, before the batch
    ]
    for after, expected in [(day(45), "1 2 5"), (day(49), "1 5"), (None, "1 2 3 5")]:
        assert [r.reference for r in due(rows, after, day(50))] == [f"OAK-{n}" for n in expected.split()]


def test_letters_are_made_as_they_are_taken_and_not_kept() -> None:
    """However many there are: what Python holds is a few files."""
    pupils = {n: PUPILS[1 + n % 4] for n in range(40)}
    rows = [row(str(n), n) for n in pupils]
    made = build_batch(BatchInputs("oakfield", DAY, rows, (), pupils, sample_letterhead(), Templates()))
    together = sum(len(content) for content in made.office.values())
    tracemalloc.start()
    try:
        seen = {name: hashlib.sha256(content).hexdigest() for name, content in made.office.items()}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < together / 2, (peak, together)
    assert list(seen) == list(made.office) and len(seen) == len(made.office) == 40 * 2 + 5
    assert seen == {name: hashlib.sha256(made.office[name]).hexdigest() for name in made.office}
    with pytest.raises(KeyError):
        made.office["OAK-1.txt"]
