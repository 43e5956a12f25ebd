"""Files spoilt at random: a spoilt line costs itself and nothing else, and nothing that is dropped breaks a load."""

import datetime as dt
import random

import pytest
from school_files import upn

from attendance_pipeline.mis.formats import UnreadableFile
from attendance_pipeline.mis.native import NativeFormat
from attendance_pipeline.mis.reading import read_tables
from attendance_pipeline.store.extracts import ExtractKey

HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
LINES = [
    f"{upn(n)},2026-01-{d:02d},{s},{'/' if s == 'AM' else chr(92)},,"
    for n in range(1, 11)
    for d in (5, 6)
    for s in ("AM", "PM")
]
KEY = ExtractKey(dt.date(2026, 1, 9), "register_2026-01-09.csv", "0" * 64)
OTHERS = {
    "pupils": "UPN,Forename,Surname,Date of Birth,Year Group,Class,Entry Date,Leaving Date,FSM\n"
    + "".join(f"{upn(n)},Ann,Lee,2016-01-0{n},4,4A,2020-09-01,,Y\n" for n in range(1, 8)),
    "contacts": "UPN,Contact ID,Surname,Court Restriction,Address 1\n"
    + "".join(f'{upn(n)},{n},Lee,N,"1, Road"\n' for n in range(1, 8)),
    "interventions": "UPN,Date,Action,Stage,Amount,Note\n"
    + "".join(f'{upn(n)},2026-01-05,phone_call,1,60,"said ""no"""\n' for n in range(1, 8)),
    "notifications": "Submitted,UPN,First Date\n"
    + "".join(f"2026-01-05 08:00,{upn(n)},2026-01-05\n" for n in range(1, 8)),
    "lessons": "UPN,Date,Period,Code\n" + "".join(f"{upn(n)},2026-01-05,1,/\n" for n in range(1, 8)),
    "classes": "Class,Teacher\n4A,Ms T\n4B,Mr U\n",
}


def read(kind, data):
    table = NativeFormat().read(kind, f"{kind}_2026-01-09.csv", data)
    return read_tables(kind, [(KEY, table)])[0]


def usable(reading):
    r = reading.register
    return {
        int(n): (r.upns[u], str(d), int(s), int(c))
        for n, u, d, s, c in zip(r.line, r.upn, r.day, r.session, r.code, strict=True)
    }


WHOLE = usable(read("register", "\n".join([HEADER, *LINES]).encode()))


@pytest.mark.parametrize("seed", range(60))
def test_one_spoilt_line_costs_only_itself(seed):
    rng = random.Random(seed)
    at = rng.randrange(len(LINES))
    line = bytearray(LINES[at].encode())
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(line) + 1)
        junk = rng.choice(
            [b",", b'"', b"\\", b"\t", b"'", b";", "é".encode(), "\u202e".encode(), b"\x85", b"0", b"", b"=1+1"]
        )
        line[place : place + rng.randint(0, 6)] = junk
    data = "\n".join([HEADER, *LINES[:at]]).encode() + b"\n" + bytes(line) + b"\n" + "\n".join(LINES[at + 1 :]).encode()
    reading = read("register", data)
    found = usable(reading)
    assert {n: m for n, m in found.items() if n != at + 2} == {n: m for n, m in WHOLE.items() if n != at + 2}
    # The line itself says what it said, or something that a register may say, or is set aside: never nothing.
    assert at + 2 in found or at + 2 in {f.line for f in reading.faults} or not bytes(line).strip(b", \t")


@pytest.mark.parametrize("kind", ["register", *OTHERS])
def test_whatever_is_dropped_is_read_or_refused(kind):
    whole = ("\n".join([HEADER, *LINES]) if kind == "register" else OTHERS[kind]).encode()
    rng = random.Random(kind)
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 12)):
            place = rng.randrange(len(data) + 1)
            data[place : place + rng.randint(0, 30)] = (
                rng.randbytes(rng.randint(0, 4))
                if rng.random() < 0.4
                else rng.choice([b"\n", b"\r", b'"', b",", b"\n\n", b'"\n', "ſ".encode(), b"\xff", b"1" * 5000])
            )
        try:
            reading = read(kind, bytes(data))
        except UnreadableFile:
            continue
        lines = {f.line for f in reading.faults}
        assert all(r.line not in lines for r in reading.records)
        kept = NativeFormat().without_columns(kind, f"{kind}.csv", bytes(data), {"Comment", "Reason"}, set())
        again = read(kind, kept)
        assert [f.line for f in again.faults] == [f.line for f in reading.faults]
        assert [(r.line, r.subject) for r in again.records] == [(r.line, r.subject) for r in reading.records]
