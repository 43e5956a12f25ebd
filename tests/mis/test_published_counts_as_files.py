"""A published mix of codes as the files of each format: what comes out of the warehouse is what was published.

250 pupils and 20 school days are 10,000 sessions, of the whole country's primary schools in 2025/26. Formats with one
character a session write the codes of two as the stand-ins that systems export for them.
"""

import datetime as dt
import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from published_registers import AUTHORISED, UNAUTHORISED, marks_of, published_by_reason
from school_files import upn

from attendance_pipeline.derive.codes import by_code
from attendance_pipeline.derive.year import count_school
from attendance_pipeline.home import init_home, open_home
from attendance_pipeline.law.register_codes import CODES
from attendance_pipeline.steps.inputs import school_inputs
from attendance_pipeline.steps.intake import take_in
from attendance_pipeline.steps.site import Site

PUPILS, DAYS = 250, 20
PUBLISHED = next(published_by_reason())
COUNTS = PUBLISHED.counts(PUPILS * DAYS * 2)
MARKS = marks_of(COUNTS, PUPILS, DAYS, None, 1)
STAND_INS = {"C1": "<", "C2": ">", "J1": "?"}
UPNS = [upn(n) for n in range(PUPILS)]
SLOTS = [f"{d}{s}" for d in ("Mon", "Tue", "Wed", "Thu", "Fri") for s in ("AM", "PM")]


def code(pupil, day, session):
    return CODES.codes[MARKS[pupil, day, session]]


def rows(days):
    return [(p, day, s, code(p, d, s)) for p in range(PUPILS) for d, day in enumerate(days) for s in (0, 1)]


def weeks(days):
    """(pupil, Monday, ten codes) with blanks where there was no school."""
    out = {}
    for p, day, s, c in rows(days):
        monday = day - dt.timedelta(days=day.weekday())
        out.setdefault((p, monday), [""] * 10)[day.weekday() * 2 + s] = c
    return [(p, monday, codes) for (p, monday), codes in out.items()]


def native(days):
    return "csv", "UPN,Date,Session,Code\n" + "".join(f"{UPNS[p]},{d},{'AP'[s]}M,{c}\n" for p, d, s, c in rows(days))


def sims_xml(days):
    record = "<Record><UPN>{}</UPN><AttendanceDate>{}T00:00:00+01:00</AttendanceDate><SessionName>{}M</SessionName><Mark>{}</Mark></Record>\n"
    return "xml", "<SuperStarReport>\n" + "".join(
        record.format(UPNS[p], d, "AP"[s], c) for p, d, s, c in rows(days)
    ) + "</SuperStarReport>"


def sims_weekly(days):
    text = "".join(
        f"{UPNS[p]},{monday},{''.join(STAND_INS.get(c, c) or ' ' for c in codes)}####\n"
        for p, monday, codes in weeks(days)
    )
    return "csv", "UPN,WeekStart,WeekMarks\n" + text


def bromcom(days):
    text = "".join(f"{p},{monday:%d/%m/%Y},{','.join(codes)}\n" for p, monday, codes in weeks(days))
    return "csv", f"StudentId,WeekStart,{','.join(SLOTS)}\n{text}"


def assembly(days):
    data = [{"student_id": p, "session_date": str(d), "session_name": f"{'AP'[s]}M", "attendance_mark": c} for p, d, s, c in rows(days)]  # fmt: skip
    return "json", json.dumps([{"object": "list", "data": data[:5_000]}, {"object": "list", "data": data[5_000:]}])


def wonde(days):
    ids = {c: f"A{i}" for i, c in enumerate(CODES.codes)}
    data = [{"student_id": p, "date": {"date": f"{d} 00:00:00.000000"}, "session": f"{'AP'[s]}M", "attendance_code_id": ids[c]} for p, d, s, c in rows(days)]  # fmt: skip
    return "json", json.dumps({"data": data, "attendance-codes": [{"id": i, "code": c} for c, i in ids.items() if c]})


def ctf(days):
    first, last = days[0], days[-1]
    every = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    place = {day: d for d, day in enumerate(days)}
    pupils = ""
    for p in range(PUPILS):
        pairs = (code(p, place[day], 0) + " " + code(p, place[day], 1) if day in place else "# #" for day in every)
        string = "".join(STAND_INS.get(c, c) for pair in pairs for c in pair.split(" "))
        string = string.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        pupils += f"<Pupil><UPN>{UPNS[p]}</UPN><AttendSessions><AttendanceStartDate>{first}</AttendanceStartDate><AttendanceMarks>{string}</AttendanceMarks></AttendSessions></Pupil>\n"  # fmt: skip
    return "xml", f"<CTfile><CTFpupilData>\n{pupils}</CTFpupilData></CTfile>"


FORMATS = {"native": native, "sims-xml": sims_xml, "sims-weekly": sims_weekly, "bromcom-week": bromcom,
           "assembly-json": assembly, "wonde-json": wonde, "ctf-xml": ctf}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_a_published_mix_of_codes(tmp_path, form):
    path = init_home(tmp_path / "home")
    settings = path / "attendance.toml"
    text = settings.read_text().replace('mis = "native"', f'mis = "{form}"')
    settings.write_text(text + "\n[schools.code_map]\n" + "".join(f'"{c}" = "{to}"\n' for to, c in STAND_INS.items()))
    inbox = path / "inbox" / "example"
    pupils = "".join(f"{u},{i},A,L,2016-01-01,4,4A,2020-09-01\n" for i, u in enumerate(UPNS))
    header = "UPN,Student ID,Forename,Surname,Date of Birth,Year Group,Class,Entry Date"
    with Site(open_home(path)) as site:
        site.warehouse.upgrade()
        (school,) = site.schools()
        days = [school.calendar.date(d) for d in range(DAYS)]
        (inbox / f"pupils_{days[-1]}.csv").write_text(f"{header}\n{pupils}")
        ending, data = FORMATS[form](days)
        (inbox / f"register_{days[-1]}.{ending}").write_text(data)
        (result,) = take_in(site, settle_seconds=0)
        assert (result.refused, result.quarantined_new, result.not_taken) == ((), 0, ())
        inputs = school_inputs(site, school)
    table = by_code(inputs, 0, DAYS - 1).astype(np.int64).sum(axis=0)
    found = Counter({CODES.codes[n].replace("\\", "/"): 0 for n in np.flatnonzero(table)})
    for n in np.flatnonzero(table):
        found[CODES.codes[n].replace("\\", "/")] += int(table[n])
    found.pop("#", None)
    assert found == {c: n for c, n in COUNTS.items() if n}
    window = count_school(inputs, 0, DAYS - 1).window(0, DAYS - 1)
    sums = {name: int(getattr(window, name).astype(np.int64).sum()) for name in ("possible", "attended", "authorised", "unauthorised")}  # fmt: skip
    assert sums["possible"] == 10_000
    for name, codes in (("authorised", (*AUTHORISED, "H")), ("unauthorised", UNAUTHORISED)):
        assert sums[name] == sum(COUNTS[c] for c in codes)
        assert abs(Fraction(sums[name], 100) - Fraction(PUBLISHED.percent[name])) < Fraction(len(codes), 100)
    assert abs(Fraction(sums["attended"], 100) - Fraction(PUBLISHED.percent["attendance"])) < Fraction(7, 100)
