"""Native files, SIMS's formats and column maps against bytes that nobody meant.

Whatever comes is read or refused; a row that stands in the file is read, or named as faulty; and looking at a file for
the first time (`mis suggest`) raises nothing else either.
"""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mis_files import faults, marks, read, workbook
from school_files import ANN, BEN, CAT, upn

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.map_settings import ColumnMap
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.sims_weekly import SimsWeekly
from attendance_pipeline.mis.sims_xml import SimsXml
from attendance_pipeline.mis.suggest import suggest

MAP = MappedFormat(
    "m",
    ColumnMap.model_validate(
        {"delimiter": ";", "register": {"blank": "withdrawn", "skip_rows": 1, "total_rows": ["Total"], "columns": {"Date": "When", "Session": "When"}}}
    ),
)  # fmt: skip
WIDE = MappedFormat("w", ColumnMap.model_validate({"register": {"layout": "wide_week", "blank": "present"}}))
SLOTS = ",".join(f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM"))
RECORD = "<Record><UPN>{}</UPN><Date>2026-01-05</Date><Session>{}</Session><Mark>{}</Mark><Comment>c</Comment></Record>"
FILES = {
    "native": (NativeFormat(), "csv", ["UPN,Date,Session,Code,Comment", f"{ANN},2026-01-05,AM,/,", f'{BEN},2026-01-05,PM,\\,"a ""b"""', f"{CAT},05/01/2026,AM,L,x"]),
    "sims-weekly": (SimsWeekly(), "csv", ["UPN,WeekStart,WeekMarks", f"{ANN},2026-01-05,/\\/\\####", f"{BEN},05/01/2026,/\\ N", f"{CAT},2026-01-12,/"]),
    "sims-xml": (SimsXml(), "xml", ["<SuperStarReport>", RECORD.format(ANN, "AM", "/"), RECORD.format(BEN, "PM", "\\"), RECORD.format(CAT, "AM", "N"), "</SuperStarReport>"]),
    "a map": (MAP, "csv", ["Report", "UPN;When;Code;Comment", f"{ANN};05 Jan 2026 AM;/;", f"{BEN};05/01/2026 PM;\\;x", f"{CAT};2026-01-05 AM;L;y"]),
    "a map of weeks": (WIDE, "csv", [f"UPN,WeekStart,{SLOTS}", f"{ANN},2026-01-05,/,\\,,,,,I,I,,", f"{BEN},2026-01-05" + ",/,\\" * 5]),
}  # fmt: skip
JUNK = st.sampled_from(
    [b",", b";", b'"', b"'", b"\\", b"\n", b"\r", b"\t", b"\0", b"\xff", b"\xfe", b"\x81", b"<", b">", b"&", b"&a;", b"</Record>", b"<a>",
     b"<!DOCTYPE a [", b"<![CDATA[", b"<?", b"9999-12-28", b"0001-01-01", "\u202e".encode(), b"\xef\xbb\xbf", b"", b"1" * 200, b"=1+1"]
)  # fmt: skip
EASY = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def reads_or_refuses(form, ending, data):
    try:
        suggest(f"a.{ending}", data).text()
    except UnreadableFile as refused:
        assert refused.line >= 1
    try:
        reading = read(form, "register", data, ending)
    except UnreadableFile as refused:
        assert refused.line >= 1
        return None
    kept = form.without_columns("register", f"register_2026-01-16.{ending}", data, {"Comment"}, {2})
    again = read(form, "register", kept, ending)
    assert marks(again) == marks(reading)
    assert {f.line for f in again.faults} == {f.line for f in reading.faults}
    return reading


@pytest.mark.parametrize("name", FILES)
@EASY
@given(data=st.binary(max_size=200))
def test_random_bytes(name, data):
    form, ending, _ = FILES[name]
    reads_or_refuses(form, ending, data)


@pytest.mark.parametrize("name", FILES)
@EASY
@given(st.data())
def test_whole_files_spoilt(name, data):
    form, ending, lines = FILES[name]
    spoilt = bytearray("\n".join(lines).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(spoilt)))
        spoilt[at : at + data.draw(st.integers(0, 8))] = data.draw(JUNK)
    reads_or_refuses(form, ending, bytes(spoilt))


@pytest.mark.parametrize("name", FILES)
def test_whole_files_cut_off_anywhere(name):
    form, ending, lines = FILES[name]
    text = "\n".join(lines)
    for end in range(len(text)):
        reads_or_refuses(form, ending, text[:end].encode())


@pytest.mark.parametrize("name", FILES)
@EASY
@given(st.data())
def test_one_spoilt_line_is_never_lost_and_costs_no_other(name, data):
    form, ending, lines = FILES[name]
    rows = [i for i, line in enumerate(lines) if any(u in line for u in (ANN, BEN, CAT))]
    at = data.draw(st.sampled_from(rows))
    junk = data.draw(st.sampled_from(["", ",", ";", "x", "\\", "é", "\u202e", "=1", "0"]))
    place = data.draw(st.integers(0, len(lines[at])))
    line = lines[at][:place] + junk + lines[at][place + data.draw(st.integers(0, 4)) :]
    text = "\n".join([*lines[:at], line, *lines[at + 1 :]])
    whole = read(form, "register", "\n".join(lines), ending)
    try:
        reading = read(form, "register", text, ending)
    except UnreadableFile:
        assert ending == "xml"
        return
    told = {m.rpartition(" ")[2] for m in marks(reading)} | {f.split()[0] for f in faults(reading)}
    blank_week = name == "sims-weekly" and not [c for c in line.rpartition(",")[2] if c not in " -_#\u202e"]
    assert str(at + 1) in told or blank_week or not line.strip(" ,;")
    others = [m for m in marks(whole) if not m.endswith(f" {at + 1}")]
    same_pupil = [m for m in marks(reading) if not m.endswith(f" {at + 1}")]
    assert others == same_pupil or "conflicting rows" in str(faults(reading))


def test_every_part_of_a_workbook_spoilt():
    """A workbook is many files in one; each may be cut, emptied or full of something else."""
    whole = workbook(["UPN", "Date", "Session", "Code"], *([upn(n), "2026-01-05", "AM", "/"] for n in range(1, 5)))
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        parts = {i.filename: archive.read(i) for i in archive.infolist()}
    for name, content in parts.items():
        for spoilt in (
            b"",
            b"<a/>",
            content[: len(content) // 2],
            content.replace(b"<row", b"<rom"),
            content.replace(b'r="A2"', b'r="??"'),
        ):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as archive:
                for n, c in parts.items():
                    archive.writestr(n, spoilt if n == name else c)
            reads_or_refuses(NativeFormat(), "xlsx", out.getvalue())
    for end in range(0, len(whole), 97):
        reads_or_refuses(NativeFormat(), "xlsx", whole[:end])


def test_a_cell_far_to_the_right_costs_no_memory():
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["UPN", "Date", "Session", "Code"])
    book.active.cell(row=2, column=16_000, value="x")
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(UnreadableFile, match=r"more than 1,000 columns"):
        read(NativeFormat(), "register", out.getvalue(), "xlsx")


@pytest.mark.parametrize("name", ["native", "sims-weekly", "a map"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_huge_field_costs_its_row(name, quote):
    form, ending, lines = FILES[name]
    delimiter = ";" if name == "a map" else ","
    cells = lines[-1].split(delimiter)
    huge = delimiter.join([cells[0], quote + "9" * 300_000 + quote, *cells[2:]])
    reading = read(form, "register", "\n".join([*lines, huge]), ending)
    assert {f.line for f in reading.faults} == {len(lines) + 1}
    assert marks(reading) == marks(read(form, "register", "\n".join(lines), ending))
