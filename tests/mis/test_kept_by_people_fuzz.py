"""Logs and forms as people keep them, dirtied in every way at once: what was meant is read, and nothing else.

First files that mean something, written as a hand and a spreadsheet may write them; then bytes that mean nothing.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mis_files import read
from openpyxl import Workbook
from school_files import upn

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.kept_by_people import EXCEL_DAY_0
from attendance_pipeline.mis.kinds import ACTIONS
from attendance_pipeline.mis.native import NativeFormat

FORMAT = NativeFormat()
COLUMNS = ["UPN", "Date", "Action", "Stage", "Contact ID", "Until", "Note"]
QUICK = settings(max_examples=40, deadline=None, derandomize=True)

DATES = st.dates(dt.date(2024, 1, 1), dt.date(2026, 1, 31))
NOTES = st.sampled_from(["", "rang twice", "spoke, at last", 'said "no"', "=1+1", "Zoë’s mum", "two\nlines"])
ENTRIES = st.lists(
    st.tuples(
        st.integers(1, 30).map(upn),
        DATES,
        st.sampled_from(sorted(ACTIONS)),
        st.sampled_from([None, 0, 1, 2, 3, 4]),
        st.sampled_from(["", "C1", "007"]),
        st.none() | DATES,
        NOTES,
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


def drawn_date(draw: Any, day: dt.date | None, *, serial: bool) -> Any:
    if day is None:
        return ""
    forms: list[Any] = [
        day.isoformat(), f"{day:%d/%m/%Y}", f"{day:%d/%m/%y}", f"{day:%d.%m.%Y}", f"{day:%d-%m-%Y}", f"{day:%d %b %Y}",
        f"{day:%d %B %Y}", f"{day:%a %d %b %Y}", f" {day:%d/%m/%Y}\u00a0", f"{day.day}/{day.month}/{day.year}",
        str((day - EXCEL_DAY_0).days),
    ]  # fmt: skip
    if serial:
        forms += [day, dt.datetime(day.year, day.month, day.day), (day - EXCEL_DAY_0).days]
    return draw(st.sampled_from(forms))


def drawn_row(draw: Any, entry: tuple[Any, ...], *, workbook: bool) -> dict[str, Any]:
    number, day, action, stage, contact, until, note = entry
    change = draw(st.sampled_from([str, str.title, str.upper, str.capitalize]))
    between = draw(st.sampled_from(["_", " ", "  ", "-", "\u00a0"]))
    stages = [""] if stage is None else [str(stage), f"Stage {stage}", f"stage{stage}", f"{stage}.0", f" {stage} "]
    if workbook and stage is not None:
        stages += [stage, float(stage)]
    return {
        "UPN": draw(st.sampled_from([number, number.lower(), f" {number}", f"{number[:4]} {number[4:]}"])),
        "Date": drawn_date(draw, day, serial=workbook),
        "Action": change(action.replace("_", between)) + draw(st.sampled_from(["", " ", "."])),
        "Stage": draw(st.sampled_from(stages)),
        "Contact ID": contact,
        "Until": drawn_date(draw, until, serial=workbook),
        "Note": note,
    }


def drawn_table(draw: Any, entries: list[tuple[Any, ...]], *, workbook: bool) -> list[list[Any]]:
    """Titles, a header in any order with columns of nobody's, rows between blank ones, and the header once again."""
    order = draw(st.permutations([*COLUMNS, *draw(st.sets(st.sampled_from(["No", "Pupil", "Class teacher"])))]))
    change = draw(
        st.sampled_from([str, str.upper, str.lower, lambda t: f" {t} ", lambda t: f"{t}:", lambda t: f"{t} *"])
    )
    header = [change(c) for c in order]
    blank = draw(st.sampled_from([[], [""] * len(order), [" ", "\u00a0"]]))
    table: list[list[Any]] = [[t] for t in draw(st.lists(st.sampled_from(["Log", "Kept by the office"]), max_size=3))]
    table.append(header)
    for n, entry in enumerate(entries):
        row = drawn_row(draw, entry, workbook=workbook)
        row |= {c: f"{c} {n}" for c in order if c not in row}
        if draw(st.booleans()):
            table.append(blank)
        if draw(st.integers(0, 9)) == 0:
            table.append(header)
        cells = [row[c] for c in order]
        while "\n" not in row["Note"] and cells[-1] == "" and draw(st.booleans()):
            cells.pop()  # what Excel does to blank cells at the end
        table.append(cells)
    return table + [blank] * draw(st.integers(0, 3))


def meant(entries: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            (number, day.isoformat(), action, stage, contact, until and until.isoformat(), " ".join(note.split()))
            for number, day, action, stage, contact, until, note in entries
        ),
        key=str,
    )


def understood(data: bytes, ending: str) -> list[tuple[Any, ...]]:
    reading = read(FORMAT, "interventions", data, ending)
    assert [f"{f.column}: {f.rule}" for f in reading.faults] == []
    names = ("upn", "date", "action", "stage", "contact_id", "until", "note")
    return sorted((tuple(r.data[n] for n in names) for r in reading.records), key=str)


@QUICK
@given(ENTRIES, st.data())
def test_a_workbook_of_any_hand(entries: list[tuple[Any, ...]], data: st.DataObject) -> None:
    made = Workbook()
    sheet = made.active
    for n in range(data.draw(st.integers(0, 2))):
        before = made.create_sheet(f"Before {n}", n)
        before.append(data.draw(st.sampled_from([["Read me"], ["hold", "release"], ["UPN", "Name"]])))
    for row in drawn_table(data.draw, entries, workbook=True):
        sheet.append([None if c == "" else c for c in row])
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # what looks like a formula was typed as text
    for number in data.draw(st.sets(st.integers(1, sheet.max_row), max_size=3)):
        sheet.row_dimensions[number].hidden = True
    out = io.BytesIO()
    made.save(out)
    assert understood(out.getvalue(), "xlsx") == meant(entries)


@QUICK
@given(ENTRIES, st.data())
def test_a_csv_of_any_hand(entries: list[tuple[Any, ...]], data: st.DataObject) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerows(drawn_table(data.draw, entries, workbook=False))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig"]))
    assert understood(out.getvalue().encode(encoding), "csv") == meant(entries)


# ---------------------------------------------------------------- bytes that mean nothing

LOG = "Our log\nUPN,Date,Action,Stage,Note\n" + "".join(
    f'{upn(n)},0{n}/01/2026,phone_call,1,"a, {n}"\n' for n in (1, 2, 3)
)
FORM = "Submitted,UPN,Pupil Name,First Date,Reason\n" + "".join(
    f"2026-01-0{n} 07:45,,Fo{n} Su{n},0{n}/01/2026,SECRET {n}\n" for n in (1, 2, 3)
)
JUNK = st.sampled_from(
    [b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"\x81", b"'", b"=1+1", b";", b"46000", b"1" * 300, "\u202e".encode(), b"\xef\xbb\xbf", b"UPN"]
)  # fmt: skip


def reads_or_refuses(kind: str, data: bytes, ending: str) -> None:
    try:
        reading = read(FORMAT, kind, data, ending, keep_private=True)
    except UnreadableFile as refused:
        assert refused.line >= 1
        return
    told = {r.line for r in reading.records} | {f.line for f in reading.faults}
    assert not {r.line for r in reading.records} & {f.line for f in reading.faults if f.column != "(sheet)"}
    kept = FORMAT.without_columns(kind, f"x.{ending}", data, {"Reason", "Evidence"}, set())
    again = read(FORMAT, kind, kept, ending, keep_private=True)
    assert {r.line for r in again.records} | {f.line for f in again.faults} == told
    if kind == "notifications":
        assert not any(r.data["reason"] for r in again.records)


@pytest.mark.parametrize(("kind", "text"), [("interventions", LOG), ("notifications", FORM)], ids=["log", "form"])
@QUICK
@given(data=st.data())
def test_files_spoilt(kind: str, text: str, data: st.DataObject) -> None:
    spoilt = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(spoilt)))
        spoilt[at : at + data.draw(st.integers(0, 8))] = data.draw(JUNK)
    reads_or_refuses(kind, bytes(spoilt), "csv")


@QUICK
@given(st.binary(max_size=200), st.sampled_from(["csv", "xlsx"]), st.sampled_from(["interventions", "notifications"]))
def test_random_bytes(data: bytes, ending: str, kind: str) -> None:
    reads_or_refuses(kind, data, ending)


@pytest.mark.parametrize(("kind", "text"), [("interventions", LOG), ("notifications", FORM)], ids=["log", "form"])
def test_every_part_of_a_workbook_spoilt(kind: str, text: str) -> None:
    made = Workbook()
    for row in csv.reader(io.StringIO(text)):
        made.active.append(row)
    made.create_sheet("Lists").append(["hold"])
    out = io.BytesIO()
    made.save(out)
    with zipfile.ZipFile(out) as archive:
        parts = {i.filename: archive.read(i) for i in archive.infolist()}
    for name, content in parts.items():
        for spoilt in (
            b"",
            b"<a/>",
            content[: len(content) // 2],
            content.replace(b"<row", b"<rom"),
            content + content,
        ):
            again = io.BytesIO()
            with zipfile.ZipFile(again, "w") as archive:
                for n, c in parts.items():
                    archive.writestr(n, spoilt if n == name else c)
            reads_or_refuses(kind, again.getvalue(), "xlsx")


@QUICK
@given(
    st.lists(
        st.lists(st.sampled_from(["", "UPN", "Date", "Action", upn(1), "05/01/2026", "hold", "=x"]), max_size=5),
        max_size=8,
    )
)
def test_cells_anywhere(rows: list[list[str]]) -> None:
    """A row of the file is an entry, a fault, blank, above the header, or the header; it is never two of these."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    reads_or_refuses("interventions", out.getvalue().encode(), "csv")
