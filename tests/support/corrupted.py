"""Valid files of every format, ways to spoil them, and what must hold of whatever comes of that.

Belongs here: the files, the corruptions and the invariants, for the tests and for `make fuzz`. Must not: which spoilt
files are tried (that is the tests' and the fuzzer's), nor what a format should make of a valid file.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

from mis_files import workbook
from school_files import upn

from attendance_pipeline.mis.formats import Format, RawTable, UnreadableFile
from attendance_pipeline.mis.kinds import KINDS
from attendance_pipeline.mis.map_settings import ColumnMap
from attendance_pipeline.mis.mapped import MappedFormat
from attendance_pipeline.mis.native import KEPT_BY_PEOPLE
from attendance_pipeline.mis.reading import Reading, read_tables, told
from attendance_pipeline.mis.registry import formats
from attendance_pipeline.store.extracts import ExtractKey

RECORDED = dt.date(2026, 1, 16)
UPNS = [upn(n) for n in range(1, 7)]
MARK = "/\\"  # of a morning, of an afternoon
# What no message may hold: names, UPNs, and what people wrote.
SECRETS = ("Zebedee", "Quillfeather", "PRIVATE", *(u[1:] for u in UPNS))
LONGEST = 10.0  # seconds for a file of some kilobytes, on a machine that is busy
_LARGEST = 400_000  # bytes a corruption may make of a file


@dataclass(frozen=True)
class Valid:
    """A valid file. `rows`: the lines (from 1) that hold one row each, where a row is a line; "" for none."""

    name: str
    form: Format
    kind: str
    ending: str
    data: bytes
    rows: tuple[int, ...] = ()

    @property
    def file_name(self) -> str:
        return f"{self.kind}_{RECORDED}.{self.ending}"


def _map(**tables: object) -> MappedFormat:
    return MappedFormat("m", ColumnMap.model_validate(tables))


def _lines(head: str, rows: list[str]) -> tuple[bytes, tuple[int, ...]]:
    first = head.count("\n") + 2
    return "\n".join([head, *rows, ""]).encode(), tuple(range(first, first + len(rows)))


def valid_files() -> list[Valid]:
    """At least one file of every format, kind and layout."""
    shipped = formats()
    slots = ",".join(f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM"))
    week = "/,\\,L,\\,I,I,/,\\,N,"
    marks = [(u, day, s) for u in UPNS for day in (5, 6) for s in (0, 1)]
    of_slot = ("AM,/", "PM,\\")
    native_rows = [f"{u},2026-01-{d:02},{of_slot[s]},," + ("PRIVATE" if s else "") for u, d, s in marks]
    out: list[Valid] = []

    def add(name: str, form: Format, kind: str, ending: str, head: str, rows: list[str]) -> None:
        out.append(Valid(name, form, kind, ending, *_lines(head, rows)))

    head = "UPN,Date,Session,Code,Minutes Late,Comment"
    add("native register", shipped["native"], "register", "csv", head, native_rows)
    quoted = [f'"{u}","0{d}/01/2026","{"AP"[s]}M","{MARK[s]}","5","PRIVATE, ""said""\nZebedee"' for u, d, s in marks]
    out.append(
        Valid("native quoted", shipped["native"], "register", "csv", "\r\n".join([head, *quoted]).encode("cp1252"))
    )
    add(
        "native pupils", shipped["native"], "pupils", "csv",
        "UPN,Admission Number,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,Enrolment Status,FSM",
        [f"{u},00{i},Zebedee,Quillfeather,2016-01-0{i + 1},Year  4,4A,2020-09-01,,C,Y" for i, u in enumerate(UPNS)],
    )  # fmt: skip
    others = {
        "contacts": ("UPN,Contact ID,Surname,Court Restriction,Address 1", "{u},{i},Quillfeather,N,1 Zebedee Road"),
        "classes": ("Class,Teacher,Email", "4{i},Ms Quillfeather,a@b.example"),
        "lessons": ("UPN,Date,Period,Code", "{u},2026-01-05,{i},/"),
        "notifications": (
            "Submitted,UPN,Pupil Name,First Date,Reason",
            "2026-01-05 08:0{i},{u},Zebedee,2026-01-05,PRIVATE",
        ),
        "interventions": ("UPN,Date,Action,Stage,Amount,Note", "{u},2026-01-05,phone_call,1,60,PRIVATE"),
    }
    for kind, (columns, row) in others.items():
        add(
            f"native {kind}",
            shipped["native"],
            kind,
            "csv",
            columns,
            [row.format(u=u, i=i) for i, u in enumerate(UPNS)],
        )
    add("sims-weekly", shipped["sims-weekly"], "register", "csv", "UPN,WeekStart,WeekMarks",
        [f"{u},2026-01-05,/\\/\\LIN /\\####" for u in UPNS])  # fmt: skip
    add("bromcom-week", shipped["bromcom-week"], "register", "csv", f"UPN,StudentId,WeekStart,{slots}",
        [f"{u},{i},05/01/2026,{week}" for i, u in enumerate(UPNS)])  # fmt: skip
    record = "<Record><UPN>{}</UPN><Forename>Zebedee</Forename><AttendanceDate>2026-01-0{}T00:00:00+01:00</AttendanceDate><SessionName>{}M</SessionName><Mark>{}</Mark><Comments>PRIVATE</Comments></Record>"
    add("sims-xml", shipped["sims-xml"], "register", "xml", "<SuperStarReport>",
        [record.format(u, d, "AP"[s], "/\\"[s]) for u, d, s in marks])  # fmt: skip
    out[-1] = Valid(*(getattr(out[-1], f) for f in ("name", "form", "kind", "ending")), out[-1].data + b"</SuperStarReport>\n", out[-1].rows)  # fmt: skip
    pupil = "<Record><UPN>{}</UPN><Adno>0042</Adno><Legal_x0020_Surname>Quillfeather</Legal_x0020_Surname><Forename>Zebedee</Forename><DOB>2016-05-03T00:00:00+01:00</DOB><Year>Year  4</Year><Reg>4A</Reg><Date_x0020_of_x0020_Admission>2020-09-01</Date_x0020_of_x0020_Admission></Record>"
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<SuperStarReport>\n'
        + "\n".join(map(pupil.format, UPNS))
        + "\n</SuperStarReport>"
    )
    out.append(Valid("sims-xml pupils", shipped["sims-xml"], "pupils", "xml", text.encode("utf-16")))
    sessions = "<AttendSessions><AttendanceStartDate>2026-01-05</AttendanceStartDate><AttendanceMarks>/\\/\\LIN /\\####/\\####</AttendanceMarks></AttendSessions>"
    pupils = "\n".join(f"<Pupil><UPN>{u}</UPN><Surname>Quillfeather</Surname><Attendance><YearData>{sessions}</YearData></Attendance></Pupil>" for u in UPNS)  # fmt: skip
    out.append(Valid("ctf-xml", shipped["ctf-xml"], "register", "xml", f"<CTfile><CTFpupilData>\n{pupils}</CTFpupilData></CTfile>".encode()))  # fmt: skip
    assembly = [{"student_id": i, "upn": u, "session_date": "2026-01-05", "session_name": "AM", "attendance_mark": "/", "comments": "PRIVATE"} for i, u in enumerate(UPNS)]  # fmt: skip
    out.append(Valid("assembly-json", shipped["assembly-json"], "register", "json", json.dumps({"data": assembly}, indent=1).encode()))  # fmt: skip
    add("assembly lines", shipped["assembly-json"], "register", "jsonl", json.dumps(assembly[0]), [json.dumps(a) for a in assembly[1:]])  # fmt: skip
    student = {"id": 1, "first_name": "Zebedee", "last_name": "Quillfeather", "dob": "2016-01-01", "year_code": "4", "start_date": "2020-09-01", "end_date": "2079-06-06T23:59:00.000Z", "demographics": {"is_fsm": True}}  # fmt: skip
    out.append(Valid("assembly students", shipped["assembly-json"], "pupils", "json", json.dumps([{**student, "id": i, "upn": u} for i, u in enumerate(UPNS)]).encode()))  # fmt: skip
    wonde = {"attendance": {"data": [{"student_id": str(i), "upn": u, "date": {"date": "2026-01-05 00:00:00"}, "session": "PM", "attendance_code_id": 1, "comment": "PRIVATE"} for i, u in enumerate(UPNS)]}, "attendance-codes": [{"id": 1, "code": "\\"}]}  # fmt: skip
    out.append(Valid("wonde-json", shipped["wonde-json"], "register", "json", json.dumps(wonde).encode()))
    of_wonde = [{"id": u, "forename": "Zebedee", "surname": "Quillfeather", "date_of_birth": {"date": "2016-01-01"}, "education_details": {"data": {"upn": u, "current_nc_year": "4", "admission_date": "2020-09-01"}}, "groups": {"data": [{"type": "REGISTRATION", "name": "4A"}]}} for u in UPNS]  # fmt: skip
    out.append(Valid("wonde students", shipped["wonde-json"], "pupils", "json", json.dumps({"data": of_wonde}, indent=1).encode()))  # fmt: skip
    bromcom = [{"studentId": i, "upn": u, "weekStart": "2026-01-05", **dict.fromkeys(slots.split(","), "N")} for i, u in enumerate(UPNS)]  # fmt: skip
    out.append(Valid("bromcom json", shipped["bromcom-week"], "register", "json", json.dumps({"success": True, "data": bromcom}).encode()))  # fmt: skip

    mapped = _map(delimiter=";", register={"blank": "not entered", "skip_rows": 1, "total_rows": ["Total"], "no_mark": ["-"], "columns": {"Date": "When", "Session": "When", "Comment": "Why"}})  # fmt: skip
    add("a map of rows", mapped, "register", "csv", "Report of Zebedee\nUPN;When;Code;Why",
        [f"{u};0{d} Jan 2026 {'AP'[s]}M;{MARK[s]};PRIVATE" for u, d, s in marks])  # fmt: skip
    strings = _map(register={"layout": "week_string", "date_format": "%d.%m.%y"})
    add(
        "a map of strings",
        strings,
        "register",
        "csv",
        "UPN,WeekStart,WeekMarks",
        [f"{u},05.01.26,/\\NN__/\\/\\" for u in UPNS],
    )
    wide = _map(register={"layout": "wide_week", "blank": "present"})
    add("a map of weeks", wide, "register", "csv", f"UPN,WeekStart,{slots}", [f"{u},05/01/2026,{week}" for u in UPNS])
    grid = _map(register={"layout": "date_columns", "header_rows": 2, "blank": "not entered"})
    add("a column per session", grid, "register", "csv", "UPN,Name,05/01/2026,,Tue 6 Jan,\n,,AM,PM,AM,PM",
        [f"{u},Zebedee,/,\\,N," for u in UPNS])  # fmt: skip
    days = _map(register={"layout": "date_columns", "blank": "present"})
    add("a column per date", days, "register", "csv", "UPN,Name,05/01/2026,2026-01-06,7-Jan-26", [f"{u},Zebedee,/\\,NI,Y1 Y1" for u in UPNS])  # fmt: skip

    table = [head.split(","), *([u, dt.date(2026, 1, d), "AP"[s] + "M", "/\\"[s], 5, "PRIVATE"] for u, d, s in marks)]
    out.append(Valid("a workbook", shipped["native"], "register", "xlsx", workbook(*table)))
    out.append(Valid("a workbook of a map", grid, "register", "xlsx", workbook(["UPN", dt.date(2026, 1, 5), None], [None, "AM", "PM"], *([u, "/", "\\"] for u in UPNS))))  # fmt: skip
    return out


# ---------------------------------------------------------------- corruptions

JUNK = (
    b",", b";", b'"', b"'", b"\\", b"\n", b"\r", b"\t", b"\0", b"\xff", b"\xfe\xff", b"\x81", b"\x85", b"<", b">", b"&", b"&a;", b"]]>",
    b"</Record>", b"<Record>", b"<Pupil>", b"<a", b"<!--", b"<!DOCTYPE a [", b"<![CDATA[", b"<?xml", b"{", b"}", b"[", b"]", b":", b"null",
    b"1e999", b"NaN", b"\\u0000", b"\\ud800", b"9999-12-31", b"0001-01-01", b"-1", b"=1+1", b"#", b"    ", "\u202e".encode(), "\ufeff".encode(),
    "\u2028".encode(), b"Total", b"UPN", b"2026-01-05", b"05/01/2026 AM", b"",
)  # fmt: skip


def _flip(data: bytes, rng: random.Random, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _cut(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def _cut_start(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return data[rng.randrange(len(data)) :]


def _splice(data: bytes, rng: random.Random, other: bytes) -> bytes:
    a, b = sorted(rng.randrange(len(other)) for _ in range(2))
    at = rng.randrange(len(data))
    return data[:at] + other[a:b] + data[at + rng.randrange(40) :]


def _junk(data: bytes, rng: random.Random, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        out[at : at + rng.randint(0, 8)] = rng.choice(JUNK)
    return bytes(out)


def _huge(data: bytes, rng: random.Random, other: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice((b"9", b"x", b" ", b"/", b"\0", b"#", b"<a>", b"[", b"\n", b"\xc3\xab", b'"')) * rng.choice((300, 20_000, 120_000)) + data[at:]  # fmt: skip


def _swap_lines(data: bytes, rng: random.Random, other: bytes) -> bytes:
    lines = data.split(b"\n")
    a, b = (rng.randrange(len(lines)) for _ in range(2))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def _repeat_lines(data: bytes, rng: random.Random, other: bytes) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    return b"\n".join(lines[:at] + [lines[at]] * rng.choice((2, 50)) + lines[at + rng.randrange(2) :])


def _drop_lines(data: bytes, rng: random.Random, other: bytes) -> bytes:
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    return b"\n".join(lines[:at] + lines[at + rng.randint(1, 3) :]) or b"\n"


def _repeat_column(data: bytes, rng: random.Random, other: bytes) -> bytes:
    lines = [line.split(b",") for line in data.split(b"\n")]
    at = rng.randrange(max(len(lines[0]), 1))
    return b"\n".join(b",".join([*c[: at + 1], *c[at : at + 1], *c[at + 1 :]]) for c in lines)


def _recode(data: bytes, rng: random.Random, other: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-16-le", "utf-8-sig", "utf-32", "cp1252", "utf-7")), "replace")


def _line_ends(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return data.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n", b"\n\r", b"\x0b", b"")))


def _noise(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return rng.randbytes(rng.randint(0, 300))


CORRUPTIONS: tuple[Callable[[bytes, random.Random, bytes], bytes], ...] = (
    _flip, _flip, _cut, _cut_start, _splice, _junk, _junk, _huge, _swap_lines, _repeat_lines, _drop_lines, _repeat_column, _recode,
    _line_ends, _noise,
)  # fmt: skip


def spoilt(valid: Valid, rng: random.Random, other: bytes) -> bytes:
    """The file after one to three corruptions. A workbook is spoilt as a whole, or in one of its parts."""
    data = valid.data
    if valid.ending == "xlsx" and rng.random() < 0.8:
        return _spoilt_part(data, rng, other)
    for _ in range(rng.randint(1, 3)):
        data = rng.choice(CORRUPTIONS)(data, rng, other)[:_LARGEST]
        if not data:
            break
    return data


def _spoilt_part(data: bytes, rng: random.Random, other: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {i.filename: archive.read(i) for i in archive.infolist()}
    name = rng.choice(sorted(parts))
    content = parts.pop(name)
    for _ in range(rng.randint(1, 2)):
        content = rng.choice(CORRUPTIONS)(content or b" ", rng, other)[:_LARGEST]
    parts[rng.choice((name, name, name, f"../../{name}", "/etc/x", "xl/other.xml"))] = content
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n, c in parts.items():
            archive.writestr(n, c)
    return out.getvalue()


def spoilt_in_a_row(valid: Valid, rng: random.Random) -> tuple[int, bytes]:
    """(line, file): one row spoilt by bytes that end no line and hide no other."""
    lines = valid.data.split(b"\n")
    at = rng.choice(valid.rows)
    line = bytearray(lines[at - 1])
    never = set(b'\n\r"<>&!?\0{}[]' if valid.ending in ("xml", "jsonl") else b'\n\r"\0')
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(line))
        byte = line[place] ^ (1 << rng.randrange(8))
        if byte not in never and line[place] not in never and byte < 0x80:
            line[place] = byte
    if rng.random() < 0.3:
        del line[rng.randrange(len(line)) :]
    lines[at - 1] = bytes(line)
    return at, b"\n".join(lines)


# ---------------------------------------------------------------- what must hold


def survives(valid: Valid, data: bytes, understood: bool = True) -> Reading | None:
    """Read a file as a load does, and check what must hold of any. None: refused, or not `understood` (the costly half,
    which no longer depends on the format). Raises AssertionError, and whatever a reader raises that it must not."""
    begin = time.monotonic()
    try:
        table = valid.form.read(valid.kind, valid.file_name, data)
    except UnreadableFile as refused:
        _tells_nothing(f"{refused} {refused.rule} {refused.column}", data)
        assert refused.line >= 1
        return None
    _is_a_table(valid, table, data)
    if not understood:
        _tells_nothing(" ".join(f"{f.rule} {f.column}" for f in table.faults), data)
        again = _kept(valid, data, set(KINDS[valid.kind].private))
        assert valid.kind in KEPT_BY_PEOPLE or [f.line for f in again.faults] == [f.line for f in table.faults]
        return None
    key = ExtractKey(RECORDED, valid.file_name, "0" * 64)
    (reading,) = read_tables(valid.kind, [(key, table)], school="s")
    _tells_nothing(" ".join(f"{f.rule} {f.column}" for f in reading.faults) + " ".join(reading.warnings), data)
    # A word that came to stand in the header's line by itself cannot be told from a header.
    assert not [u for u in UPNS if u in told(reading.ignored)]
    again = _kept(valid, data, set(reading.private))
    assert time.monotonic() - begin < LONGEST, "reading took too long"
    if valid.kind in KEPT_BY_PEOPLE:  # what is a header again depends on all of its cells
        return reading
    assert [f.line for f in again.faults] == [f.line for f in table.faults]
    assert again.line.tolist() == table.line.tolist()
    return reading


def _is_a_table(valid: Valid, table: RawTable, data: bytes) -> None:
    assert {len(getattr(c, "codes", c)) for c in table.columns.values()} <= {len(table)}
    lines = [*table.line.tolist(), *(f.line for f in table.faults)]
    assert all(n >= 1 for n in lines)
    a_week_may_be_blank = valid.name in ("sims-weekly", "a map of strings")
    a_row_is_a_line = valid.rows and valid.ending == "csv" and b'"' not in data and not a_week_may_be_blank
    # What people keep by hand has its header where they put it.
    if a_row_is_a_line and valid.kind not in KEPT_BY_PEOPLE and lines:
        text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        said = set(lines)
        first = max(min(valid.rows), min(said))  # a header may have come to stand lower
        for n, line in enumerate(text, start=1):
            silent = not line.strip(" ,;\t\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u2028\u2029") or "Total" in line
            assert n < first or n in said or silent, f"line {n} is neither a row nor set aside"


def _kept(valid: Valid, data: bytes, private: set[str]) -> RawTable:
    """The table of the file as it is kept, without what is private."""
    columns = set(KINDS[valid.kind].private)
    kept = valid.form.without_columns(valid.kind, valid.file_name, data, columns, set())
    if private and valid.ending != "xlsx" and not valid.name.startswith("wonde"):
        assert len(kept) <= 4 * len(data) + 1_000
    return valid.form.read(valid.kind, valid.file_name, kept)


def _tells_nothing(message: str, data: bytes) -> None:
    assert not [s for s in SECRETS if s in message], "a message names a pupil"
