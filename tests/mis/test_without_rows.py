"""Rows of a pupil taken out of files of every format: what is left is what was there, under its own line numbers."""

import datetime as dt
import io
import re
import zipfile
from collections import defaultdict

import pytest
from corrupted import RECORDED, UPNS, valid_files
from mis_files import workbook

from attendance_pipeline.mis.formats import RawTable
from attendance_pipeline.mis.naming import Naming, naming_of, words_of
from attendance_pipeline.mis.reading import read_tables
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.mis.without_rows import text_of, without_rows
from attendance_pipeline.store.extracts import ExtractKey
from attendance_pipeline.store.persons import student_name

GONE = UPNS[1]
VALID = {v.name: v for v in valid_files() if v.kind not in ("classes", "notifications")}


def rows_of(valid, data):
    """By pupil what a file says, each with its line."""
    table = valid.form.read(valid.kind, valid.file_name, data)
    key = ExtractKey(RECORDED, valid.file_name, "a" * 64)
    (reading,) = read_tables(valid.kind, [(key, table)], school="oakfield")
    out = defaultdict(set)
    if reading.register is not None:
        r = reading.register
        for i in range(len(r.upn)):
            out[r.upns[r.upn[i]]].add((int(r.line[i]), str(r.day[i]), int(r.session[i]), int(r.code[i])))
    for record in reading.records:
        out[record.data.get("upn") or record.subject].add((record.line, str(dict(record.data))))
    return dict(out), table


@pytest.mark.parametrize("name", VALID)
def test_a_file_of_every_format_without_one_pupil(name):
    valid = VALID[name]
    before, _ = rows_of(valid, valid.data)
    # Where a file names pupils by the system's own number, that one goes whose name the warehouse made of it.
    gone = GONE if GONE in before else next((u for u in sorted(before) if u == student_name("oakfield", "1")), None)
    if gone is None:
        gone = sorted(before)[0]
    lines = {at[0] for at in before[gone]}
    others = {at[0] for upn, said in before.items() if upn != gone for at in said}
    found = without_rows(valid.file_name, valid.data, lines, others, Naming(upns=frozenset({gone})))
    assert found.gone and found.data is not None
    if len(before) == 1:
        return
    after, table = rows_of(valid, found.data)
    assert after == {upn: said for upn, said in before.items() if upn != gone}
    assert isinstance(table, RawTable)
    if gone == GONE:
        assert GONE not in text_of(valid.file_name, found.data)
    again = without_rows(valid.file_name, found.data, lines, others, Naming(upns=frozenset({gone})))
    assert again.data == found.data and not again.gone


@pytest.mark.parametrize("name", VALID)
def test_a_file_that_does_not_name_the_pupil_stays_as_it_is(name):
    valid = VALID[name]
    nobody = Naming(upns=frozenset({"A999999999999"}))
    assert without_rows(valid.file_name, valid.data, set(), set(), nobody).data == valid.data


OPAL = naming_of(["A320201324001"], [("Opal", "Bramcroft")], ["opal@home.example"], [("Ann", "Bramcroft")])

NAMED = {
    "the UPN": ("taken from A320201324001 today", True),
    "the UPN in small letters": ("a320201324001", True),
    "a longer number": ("A3202013240019", False),
    "forename and surname": ("Dear parents of Opal Bramcroft,", True),
    "surname first": ("BRAMCROFT, Opal", True),
    "on two lines of a page": ("Opal\r\nBramcroft", True),
    "in two cells": ("Bramcroft | Opal | 4A", True),
    "the surname alone, which a sibling bears": ("Mrs Bramcroft", False),
    "the sibling": ("Ann Bramcroft", False),
    "the forename alone": ("Opal class", False),
    "an address": ("write to OPAL@home.example", True),
    "as JSON writes letters": ('{"name": "Op\\u0061l Bramcroft"}', True),
    "within other words": ("Opalescent Bramcrofts", False),
}


@pytest.mark.parametrize("case", NAMED)
def test_what_names_a_pupil(case):
    text, named = NAMED[case]
    assert OPAL.in_text(text) is named


def test_names_that_somebody_else_bears_name_nobody():
    shared = naming_of([], [("Ann", "Smith")], ["x@y.example"], [("ann", "SMITH")], ["X@Y.example"])
    assert not shared.names and not shared.emails and not shared.surnames
    assert words_of("O'Brien-Ney") == ("o", "brien", "ney")


CSV = "UPN,Forename,Surname,Note\r\n{}"
ROWS = {
    "a row set aside, by its name": ('X1,Opal,Bramcroft,"two\r\nlines"\r\nX2,Ann,Bramcroft,\r\n', (2,), ()),
    "a row of somebody else that mentions the pupil": ("X2,Ann,Zell,beside Opal Bramcroft\r\n", (), (2,)),
}


@pytest.mark.parametrize("case", ROWS)
def test_rows_that_the_warehouse_does_not_know_go_by_what_they_name(case):
    text, gone, left = ROWS[case]
    data = CSV.format(text).encode()
    found = without_rows("pupils.csv", data, set(), {2} if left else set(), OPAL)
    assert (found.gone, found.left) == (gone, left)
    assert found.data.count(b"\n") == data.count(b"\n")
    assert (b"Opal" in found.data) is bool(left)


def test_a_workbook_loses_the_pupil_on_every_sheet_and_in_notes_on_cells():
    from openpyxl import load_workbook
    from openpyxl.comments import Comment

    data = workbook(["UPN", "Forename", "Surname"], ["A320201324001", "Opal", "Bramcroft"], ["B", "Ann", "Zell"])
    book = load_workbook(io.BytesIO(data))
    book.active["A2"].comment = Comment("Opal Bramcroft again", "Office")
    book.create_sheet("More").append(["see Opal Bramcroft"])
    out = io.BytesIO()
    book.save(out)
    found = without_rows("interventions.xlsx", out.getvalue(), set(), set(), OPAL)
    assert found.gone == (2, 1)
    with zipfile.ZipFile(io.BytesIO(found.data)) as archive:
        every = " ".join(archive.read(i).decode("utf-8", "replace") for i in archive.infolist())
    assert not re.search("Opal|320201324001", every) and "Ann" in every
    assert [c.value for c in load_workbook(io.BytesIO(found.data)).active["B"]] == ["Forename", None, "Ann"]


UNREADABLE = {
    "broken XML, a line each": (b"<a><b>Opal Bramcroft</b>\n<b>Ann</b>\n<c", b"\n<b>Ann</b>\n<c"),
    "broken JSON in one line": (b'[{"name": "Opal Bramcroft"}, {"name": ', None),
    "an old workbook": (b"\xd0\xcf\x11\xe0\0\0Opal Bramcroft\0", None),
    "an old workbook of others": (b"\xd0\xcf\x11\xe0\0\0Ann\0", b"\xd0\xcf\x11\xe0\0\0Ann\0"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_of_a_file_that_cannot_be_read_lines_go_or_all(case):
    data, left = UNREADABLE[case]
    assert without_rows("register.dat", data, set(), set(), OPAL).data == left


def test_a_report_on_one_line_keeps_the_numbers_of_its_records():
    one = "<Record><UPN>{}</UPN><Date>2026-01-05</Date><Session>AM</Session><Code>/</Code></Record>"
    records = "".join(one.format(u) for u in UPNS[:3])
    sims = formats()["sims-xml"]
    data = f"<SuperStarReport>{records}</SuperStarReport>".encode()
    assert sims.read("register", "r.xml", data).line.tolist() == [1, 2, 3]
    found = without_rows("r.xml", data, {2}, {1, 3}, Naming(upns=frozenset({GONE})))
    assert found.gone == (2,)
    assert sims.read("register", "r.xml", found.data).columns["UPN"] == [UPNS[0], "", UPNS[2]]


def test_every_format_is_tried():
    assert {v.form.name for v in VALID.values()} >= set(formats())
    assert dt.date(2026, 1, 16) == RECORDED
