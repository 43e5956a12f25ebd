"""Files split together in one go come out as the careful reader, one file and one line at a time, has them.

Tables of cells are compared, and what is understood of them; and kept copies without their comments.
"""

import datetime as dt
import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from school_files import ANN, BEN, CAT, upn

from attendance_pipeline.mis import native
from attendance_pipeline.mis.formats import UnreadableFile, read_files
from attendance_pipeline.mis.native import NativeFormat, read_cells, table_of, texts_of
from attendance_pipeline.mis.reading import read_tables
from attendance_pipeline.mis.sims_weekly import SimsWeekly
from attendance_pipeline.store.extracts import ExtractKey

HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
NAME = "register_2026-01-09.csv"
FORMAT = NativeFormat()
EASY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

plain = st.sampled_from(
    ["", "", "/", "\\", "L", "N", "ZZ", "AM", "PM", "2026-01-05", "05/01/2026", "7", ANN, BEN, CAT, " ", "é", "\u200b",
     "\ufeff", "\u2028", "\x0b", "\x1c", "\x85", "nan", "NULL", "'", "=1+1", "x" * 300]
)  # fmt: skip
in_quotes = st.sampled_from(
    ['""', '"/"', '"\\"', '"N"', '"AM"', f'"{ANN}"', '"a, b"', '"said ""no"""', '""""', '"two\nlines"', '" "', '"é"']
)
spoilt = st.sampled_from(
    ['"', '"open', 'in"side', '"a"b', '""a', '"a" ', ' "a"', 'a""b', ",", "a,b", "\r", '"a"""b', '"' * 3, '"' * 5]
)


@st.composite
def csv_files(draw):
    """A file of rows as many MIS write them, seldom quite even; the same few headers, so that files fall together."""
    header = draw(st.sampled_from([HEADER, HEADER, HEADER.lower(), '"UPN","Date",Session,Code,"Minutes Late",Comment',
                                   "Comment,UPN,Date,Session,Code,House", "UPN,Date,Code", "", "UPN"]))  # fmt: skip
    width = header.count(",") + 1
    cell = draw(st.sampled_from([plain, st.one_of(plain, in_quotes), in_quotes, st.one_of(plain, in_quotes, spoilt)]))
    good = st.sampled_from([f"{ANN},2026-01-05,AM,/,,", f"{BEN},05/01/2026,PM,\\,,", f"{ANN},2026-01-05,AM,N,,rang",
                            f'{CAT},2026-01-06,am,L,5,"late, again"', f'"{CAT}","2026-01-06","PM","L","",""'])  # fmt: skip
    even = st.lists(cell, min_size=width, max_size=width).map(",".join)
    odd = st.sampled_from(["", ",", ",,,,,", "x", f"{ANN},2026-01-05", '"', '""'])
    row = draw(st.sampled_from([good, st.one_of(good, even), st.one_of(good, even, odd)]))
    feed = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = feed.join([header, *draw(st.lists(row, max_size=8))]) + draw(st.sampled_from([feed, "", feed * 2]))
    return draw(st.sampled_from(["", "\ufeff"])).encode() + text.encode(
        draw(st.sampled_from(["utf-8", "cp1252"])), errors="replace"
    )


def carefully(data):
    try:
        return table_of("register", read_cells(NAME, data))
    except UnreadableFile as fault:
        return fault


def cells(table):
    if isinstance(table, UnreadableFile):
        return str(table)
    columns = {h: [str(t) for t in texts_of(table, h)] for h in table.columns}
    return columns, table.line.tolist(), table.faults, table.ignored


def understood(tables):
    files = [
        (ExtractKey(dt.date(2026, 1, 9), f"register_2026-01-09_{i}.csv", f"{i:064}"), t)
        for i, t in enumerate(tables)
        if not isinstance(t, UnreadableFile)
    ]
    out = []
    for r in read_tables("register", files):
        m = r.register
        rows = zip((m.upns[u] for u in m.upn), m.day.tolist(), m.session, m.code, m.minutes, m.line, strict=True)
        out.append((r.key, r.rows, r.faults, r.ignored, r.warnings, [tuple(map(str, row)) for row in rows]))
    return out


@EASY
@given(st.lists(csv_files(), min_size=1, max_size=5))
@example([f'{HEADER}\n{ANN},2026-01-05,AM,/,,"{"9" * 140_000}"\n{BEN},2026-01-05,AM,/,,\n'.encode()])
@example([f'{HEADER}\n"{ANN}","2026-01-05","AM","/","",""'.encode(), f"{HEADER}\n{ANN},2026-01-05,AM,N,,".encode()])
@example([f"{HEADER}\n\ufeff{ANN},2026-01-05,AM,/,,\n".encode()])
def test_the_quick_way_reads_what_the_careful_reader_reads(files):
    together = FORMAT.read_many("register", [(NAME, data) for data in files])
    one_by_one = [carefully(data) for data in files]
    assert [cells(t) for t in together] == [cells(t) for t in one_by_one]
    assert understood(together) == understood(one_by_one)


@EASY
@given(csv_files(), st.sets(st.integers(1, 10)))
@example(f'{HEADER}\n{ANN},2026-01-05,AM,/,,"so, so"\n{BEN},2026-01-05,AM,/,,"no"'.encode(), {2})
def test_the_quick_way_leaves_out_what_the_careful_one_leaves_out(data, keep_lines):
    table = carefully(data)
    if isinstance(table, UnreadableFile):
        return
    quick = native._even_without(data, {"comment"}, keep_lines, ",")
    if quick is None:
        return
    careful = native._without(data, {"comment"}, keep_lines, 0, ",")
    assert cells(carefully(quick)) == cells(carefully(careful))
    if b'"' not in data:
        assert quick == careful


@EASY
@given(csv_files())
def test_a_file_said_to_have_no_comment_has_none(data):
    (table,) = FORMAT.read_many("register", [(NAME, data)])
    if not isinstance(table, UnreadableFile) and "Comment" in table.empty:
        assert FORMAT.without_columns("register", NAME, data, {"Comment"}, set()) == data


def test_files_of_every_sort_keep_their_order_and_their_lines():
    even = f"{HEADER}\n{ANN},2026-01-05,AM,/,,\n".encode()
    files = [
        even,
        b"",
        f"{HEADER}\n\n{BEN},2026-01-05,AM,/,,\n".encode(),
        b"\0",
        even.replace(b"AM", b"PM"),
        HEADER.encode(),
    ]
    read = FORMAT.read_many("register", [(f"register_2026-01-0{i}.csv", data) for i, data in enumerate(files)])
    told = [t.rule if isinstance(t, UnreadableFile) else t.line.tolist() for t in read]
    assert told == [[2], "the file is empty", [3], "holds NUL bytes: not UTF-8 or cp1252 text", [2], []]


def test_a_format_that_reads_one_by_one_is_asked_one_by_one():
    header = "UPN,WeekStart,WeekMarks"
    read = read_files(SimsWeekly(), "register", [("a.csv", f"{header}\n{ANN},2026-01-05,/\\".encode()), ("b.csv", b"")])
    assert [type(r).__name__ for r in read] == ["RawTable", "UnreadableFile"]


@pytest.mark.parametrize("quote", ["", '"'])
def test_even_files_are_read_much_faster(quote):
    rows = [[upn(n % 999), "2026-01-05", s, "I", "", "flu"] for n in range(1000) for s in ("AM", "PM")]
    text = "\n".join(",".join(f"{quote}{c}{quote}" for c in row) for row in [HEADER.split(","), *rows]) + "\n"
    files = [(NAME, text.encode())] * 20

    def seconds(read):
        best = 9.0
        for _ in range(3):
            begin = time.process_time()
            read()
            best = min(best, time.process_time() - begin)
        return best

    quick = seconds(lambda: FORMAT.read_many("register", files))
    slow = seconds(lambda: [carefully(data) for _, data in files])
    assert quick * 2 < slow  # about ten times, where nothing else is at work
