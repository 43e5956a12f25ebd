"""What a person decides of letters, by command and in the batch's workbook: it goes through the log, and holds at once."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from demo_homes import Said, attendance, pupils_named, table
from openpyxl import load_workbook


@pytest.fixture(scope="module")
def decided(demonstration: tuple[Path, Said], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy of the demonstration, on which the tests below decide of different letters."""
    return shutil.copytree(demonstration[0], tmp_path_factory.mktemp("decided") / "home")


def letters(home: Path, *options: object) -> list[dict[str, Any]]:
    said = attendance("letters", "list", "--home", home, "--json", *options)
    assert said.code == 0, said.err
    return list(json.loads(said.out))


def state_of(home: Path, reference: str) -> str:
    found = table(home, "letters").set_index("reference")
    return str(found.loc[reference, "state"])


def test_the_list_shows_what_the_export_has_and_can_be_narrowed(decided: Path) -> None:
    every = letters(decided)
    exported = table(decided, "letters")
    assert sorted(r["reference"] for r in every) == sorted(exported["reference"])
    held = letters(decided, "--state", "held", "--school", "oakfield")
    assert held
    assert {(r["school"], r["state"]) for r in held} == {("oakfield", "held")}
    assert all(r["reason"] for r in held)
    assert {r["kind"] for r in letters(decided, "--kind", "letter_1")} == {"letter_1"}


def test_proposed_approved_sent_by_whom_and_when_and_never_again(decided: Path) -> None:
    letter = letters(decided, "--state", "proposed")[0]
    reference, day = letter["reference"], "2025-10-06"  # the Monday after the last night
    before = attendance("letters", "approve", reference, "--home", decided, "--on", "2025-09-01")
    assert before.code == 1
    assert "2025-09-01 is before it came to be proposed" in before.out

    early = attendance("letters", "sent", reference, "--home", decided)
    assert early.code == 1
    assert "approve it first" in early.out

    approved = attendance("letters", "approve", reference, "--home", decided, "--on", day, "--by", "Ms A Lead")
    assert (approved.code, approved.out) == (0, f"{reference}: approved\n")
    assert state_of(decided, reference) == "approved"
    again = attendance("letters", "approve", reference, "--home", decided, "--by", "Somebody Else")
    assert (again.code, again.out) == (0, f"{reference}: approved already\n")

    sent = attendance("letters", "sent", reference, "--home", decided, "--on", day, "--by", "Office")
    assert (sent.code, sent.out) == (0, f"{reference}: sent\n")
    shown = json.loads(attendance("letters", "show", reference, "--home", decided, "--json").out)
    assert [(e["to_state"], e["by"]) for e in shown["events"]][-2:] == [("approved", "Ms A Lead"), ("sent", "Office")]
    for decision in ("approve", "reject", "hold", "release"):
        refused = attendance("letters", decision, reference, "--home", decided)
        assert refused.code == 1
        assert "never changes" in refused.out
    assert state_of(decided, reference) == "sent"


def test_what_was_decided_stands_in_the_log_and_the_night_agrees(decided: Path) -> None:
    rejected, held = [r["reference"] for r in letters(decided, "--state", "proposed", "--school", "elmbrook")][:2]
    assert attendance("letters", "reject", rejected, "--home", decided, "--reason", "spoken to at the gate").code == 0
    assert attendance("letters", "hold", held, "--home", decided, "--by", "Ms A Lead").code == 0
    assert (state_of(decided, rejected), state_of(decided, held)) == ("rejected", "held")

    night = attendance("nightly", "--home", decided)
    assert night.code in (0, 1), night.err
    assert (state_of(decided, rejected), state_of(decided, held)) == ("rejected", "held")

    released = attendance("letters", "release", held, "--home", decided)
    assert released.out == f"{held}: proposed\n"


def test_a_second_folder_of_a_day_holds_what_is_new_alone_and_says_what_is_not_to_go(decided: Path) -> None:
    folders = sorted(decided.glob("outbox/elmbrook/office/*/*/letters*"))
    first = folders[-1] if len(folders) == 1 else next(f for f in folders if f.name == "letters")
    lies_printed = {f.stem for f in first.glob("*-*.pdf") if f.name != "print-ready.pdf"}
    proposed = {r["reference"] for r in letters(decided, "--state", "proposed", "--school", "elmbrook")}
    rejected = sorted(proposed & lies_printed)[0]
    assert attendance("letters", "reject", rejected, "--home", decided).code == 0
    assert attendance("nightly", "--home", decided).code in (0, 1)

    again = sorted(set(decided.glob("outbox/elmbrook/office/*/*/letters*")) - {first})
    assert again, "the office is told"
    assert not [f for folder in again for f in folder.glob("*.pdf") if f.stem in lies_printed]
    assert rejected in (again[-1] / "do-not-send.csv").read_text("utf-8-sig")
    before = set(decided.glob("outbox/*/*/*/*/letters*"))
    assert attendance("nightly", "--home", decided).code in (0, 1)
    assert set(decided.glob("outbox/*/*/*/*/letters*")) == before


def test_a_batch_workbook_that_was_filled_in_is_read_by_the_next_night_and_once(decided: Path) -> None:
    book = max(decided.glob("outbox/oakfield/office/*/*/letters/batch.xlsx"))
    workbook = load_workbook(book)
    sheet = workbook.active
    head = next(row for row in sheet.iter_rows() if any(c.value == "Reference" for c in row))
    column = {c.value: c.column for c in head}
    open_ones = {r["reference"] for r in letters(decided, "--school", "oakfield", "--state", "proposed")}
    rows = [r for r in range(head[0].row + 1, sheet.max_row + 1)
            if sheet.cell(r, column["Reference"]).value in open_ones]  # fmt: skip
    assert rows, "the batch has a letter that nobody has decided on"
    reference = sheet.cell(rows[0], column["Reference"]).value
    sheet.cell(rows[0], column["Decision"]).value = "Approve "
    sheet.cell(rows[0], column["Decided by"]).value = "Mr H Head"
    workbook.save(book)

    assert attendance("nightly", "--home", decided).code in (0, 1)
    assert state_of(decided, reference) == "approved"
    shown = json.loads(attendance("letters", "show", reference, "--home", decided, "--json").out)
    assert (shown["events"][-1]["to_state"], shown["events"][-1]["by"]) == ("approved", "Mr H Head")

    # The workbook still says so; what was decided since stands.
    assert attendance("letters", "hold", reference, "--home", decided).code == 0
    assert attendance("nightly", "--home", decided).code in (0, 1)
    assert state_of(decided, reference) == "held"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["approve"], "either references, or --batch"),
        (["approve", "X", "--batch", "2025-10-03"], "either references, or --batch"),
        (["approve", "X", "--school", "oakfield"], "--school goes with --batch"),
        (["show", "NOPE"], "there is no such letter"),
        (["approve", "NOPE", "NOPE-2"], "NOPE-2: there is no such letter"),
        (["return", "/nowhere/batch.xlsx"], "No such file"),
    ],
)
def test_wrong_usage_changes_nothing(decided: Path, arguments: list[str], words: str) -> None:
    said = attendance("letters", arguments[0], "--home", decided, *arguments[1:])
    assert said.code == 2
    assert words in said.err
    assert pupils_named(decided, said.err) == 0


def test_the_evidence_of_a_letter_in_plain_words(decided: Path) -> None:
    letter = next(r for r in letters(decided) if r["kind"] == "letter_1" and r["batch"])
    reference = letter["reference"]
    kept = json.loads(attendance("letters", "show", reference, "--home", decided, "--json").out)["evidence"]
    told = attendance("letters", "evidence", reference, "--home", decided)
    assert (told.code, told.err) == (0, "")
    assert f"{kept['attended']} of {kept['possible']} possible sessions" in told.out
    assert f"It relies on {len(kept['absences'])} session" in told.out
    assert f"{kept['policy']} {kept['policy_version']}" in told.out
    found = json.loads(attendance("letters", "evidence", reference, "--home", decided, "--json").out)
    assert [[s["date"], s["session"], s["code"]] for s in found["sessions"]] == sorted(kept["absences"])
    where = [(s["file"], s["line"]) for s in found["sessions"]]
    assert where == [tuple(source[2:]) for source in sorted(kept["sources"])]
    assert all(line > 0 and file for file, line in where)
    refused = attendance("letters", "evidence", "OAK-0000-00", "--home", decided)
    assert refused.code == 2
    assert "there is no such letter" in refused.err


def test_a_letter_can_be_looked_at_before_it_is_approved(decided: Path, tmp_path: Path) -> None:
    letter = next(r for r in letters(decided, "--state", "proposed"))
    page = tmp_path / "letter.html"
    said = attendance("letters", "show", letter["reference"], "--home", decided, "--html", page)
    assert (said.code, said.out) == (0, f"Wrote {page}\n")
    text = page.read_text("utf-8")
    assert letter["reference"] in text or "Our reference" in text
    assert "proposed: not for posting" in text
    assert letter["pupil"].split()[0] in text
    nowhere = attendance(
        "letters", "show", letter["reference"], "--home", decided, "--html", tmp_path / "no" / "x.html"
    )
    assert nowhere.code == 2


def test_the_list_as_at_an_evening(demonstration: tuple[Path, Said]) -> None:
    """On the newest evening it is the list of today; on an earlier one those proposed by then, as they stood: what was
    sent since was not sent yet."""
    home = demonstration[0]
    now = letters(home)
    newest = max(r["proposed_on"] for r in now)
    assert letters(home, "--as-at", "2027-01-01") == now
    assert letters(home, "--as-at", "2020-01-01") == []
    before = letters(home, "--as-at", min(r["proposed_on"] for r in now))
    assert 0 < len(before) < len(now)
    assert {r["reference"] for r in before} < {r["reference"] for r in now}
    assert "sent" not in {r["state"] for r in before} and "sent" in {r["state"] for r in now}
    assert [r["state"] for r in letters(home, "--as-at", newest, "--state", "held")] == ["held"] * sum(
        r["state"] == "held" for r in letters(home, "--as-at", newest)
    )


def test_a_decision_holds_at_once_though_the_morning_register_came_first(decided: Path) -> None:
    """The morning's extract lies in the inbox: its marks are of a day that no night has decided yet."""
    letter = next(r for r in letters(decided, "--school", "oakfield", "--state", "proposed"))
    upn = table(decided, "letters").set_index("reference").loc[letter["reference"], "upn"]
    morning = decided / "inbox" / "oakfield" / "register_2025-10-06_morning.csv"
    morning.write_text(f"UPN,Date,Session,Code\n{upn},2025-10-06,AM,/\n")
    os.utime(morning, (0, 0))  # nobody is writing it any more
    held = attendance("letters", "hold", letter["reference"], "--home", decided)
    assert held.out == f"{letter['reference']}: held (do-not-send)\n"
    assert not morning.exists(), "the marks were taken in with the decision"
    released = attendance("letters", "release", letter["reference"], "--home", decided)
    assert released.out == f"{letter['reference']}: proposed\n"
    approved = attendance("letters", "approve", letter["reference"], "--home", decided)
    assert approved.out == f"{letter['reference']}: approved\n"
