"""A trust's year as daily files: native extracts of invented schools, drawn from a seed, written one file at a time.

Belongs here: what the files say. Every school has a complete `pupils` and a complete `contacts` file at the start, and
one `register` file a school day with the marks of that day and a few rows that correct older days. Codes are drawn
one by one near the national rates, which packs worse than marks of real pupils do, who are ill for days on end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from attendance_pipeline.mis.upn import check_letter

HEADER = "UPN,Date,Session,Code,Minutes Late,Comment"
# Of 256 sessions, near the national rates of 2025/26; "/" stands for the present mark of either session.
MIX = {"/": 230, "L": 6, "I": 9, "M": 2, "C": 1, "O": 3, "G": 1, "U": 1, "N": 1, "Y1": 1, "V": 1}
CORRECTED = 0.03  # rows of older days in a file, of the rows of its own day
BACK = 10  # school days that a correction may go back
QUOTED_EVERY = 20  # every so many files a comment has a comma and so stands in quotation marks
FAULTY_EVERY = 40  # and every so many files a row has a code that nobody knows
YEAR = (dt.date(2025, 9, 1), dt.date(2026, 7, 22))
AWAY = [
    (dt.date(2025, 10, 27), dt.date(2025, 10, 31)),
    (dt.date(2025, 12, 22), dt.date(2026, 1, 2)),
    (dt.date(2026, 2, 16), dt.date(2026, 2, 20)),
    (dt.date(2026, 3, 30), dt.date(2026, 4, 10)),
    (dt.date(2026, 5, 25), dt.date(2026, 5, 29)),
]


def school_days(many: int) -> list[dt.date]:
    """The first so many school days from September 2025 on; beyond 190 they go on into later years."""
    days: list[dt.date] = []
    year = 0
    while len(days) < many:
        first, last = (d.replace(year=d.year + year) for d in YEAR)
        away = [(a.replace(year=a.year + year), b.replace(year=b.year + year)) for a, b in AWAY]
        every = (first + dt.timedelta(n) for n in range((last - first).days + 1))
        of_year = [d for d in every if d.weekday() < 5 and not any(a <= d <= b for a, b in away)]
        days += of_year[:190]
        year += 1
    return days[:many]


def upns(school: int, pupils: int) -> list[str]:
    """UPNs of invented pupils, in the order of the school's list (which is not that of the UPNs)."""
    rests = [f"999{school:04}{10 + n // 1000:02}{n % 1000:03}" for n in range(pupils)]
    order = np.random.default_rng(school).permutation(pupils)
    return [check_letter(rests[n]) + rests[n] for n in order.tolist()]


def write_school(folder: Path, school: int, pupils: int, days: Sequence[dt.date]) -> int:
    """Write a school's files into a folder, register rows drawn from the school's number. Returns the rows of marks."""
    folder.mkdir(parents=True)
    people = upns(school, pupils)
    first = days[0].isoformat()
    _write(folder / f"pupils_{first}.csv", _pupils(people))
    _write(folder / f"contacts_{first}.csv", _contacts(people))
    rows = 0
    for name, lines in register_files(school, people, days):
        _write(folder / name, lines)
        rows += len(lines) - 1
    return rows


def register_files(school: int, people: Sequence[str], days: Sequence[dt.date]) -> Iterator[tuple[str, list[str]]]:
    """(name, lines) of each day's register file; only one is in memory at a time."""
    draw = np.random.default_rng([school, 1])
    codes = np.repeat(np.array(list(MIX)), list(MIX.values()))
    late = [f"{code},{minutes}," for code in ("L", "U") for minutes in range(1, 31)]
    ends = {code: f"{code},," for code in MIX}
    for d, day in enumerate(days):
        drawn = codes[draw.integers(0, 256, size=(len(people), 2), dtype=np.uint16)].tolist()
        minutes = draw.integers(0, 30, size=(len(people), 2)).tolist()
        lines = [HEADER]
        for upn, two, m in zip(people, drawn, minutes, strict=True):
            for s, session in enumerate(("AM", "PM")):
                code = two[s]
                if code == "/":
                    end = "/,," if s == 0 else "\\,,"
                elif code == "L" or code == "U":
                    end = late[m[s] + (30 if code == "U" else 0)]
                else:
                    end = ends[code]
                lines.append(f"{upn},{day},{session},{end}")
        lines += _corrections(draw, people, days[max(0, d - BACK) : d])
        if d % QUOTED_EVERY == QUOTED_EVERY // 2:
            lines[-1] = lines[-1].rpartition(",")[0] + ',"rang twice, no answer"'
        if d % FAULTY_EVERY == FAULTY_EVERY // 2:
            lines.insert(3, f"{people[0]},{days[0]},AM,ZZ,,")
        yield f"register_{day}.csv", lines


def _corrections(draw: np.random.Generator, people: Sequence[str], back: Sequence[dt.date]) -> list[str]:
    if not back:
        return []
    many = int(len(people) * 2 * CORRECTED)
    # One pupil and session of one day once: a file that contradicts itself would be set aside.
    chosen = draw.choice(len(people) * 2 * len(back), size=many, replace=False).tolist()
    codes = [("I", "M", "C", "O")[n] for n in draw.integers(0, 4, size=many).tolist()]
    out = []
    for n, code in zip(chosen, codes, strict=True):
        day, place = divmod(n, len(people) * 2)
        comment = "mother rang" if n % 2 else ""
        out.append(f"{people[place // 2]},{back[day]},{('AM', 'PM')[place % 2]},{code},,{comment}")
    return out


def _pupils(people: Sequence[str]) -> list[str]:
    header = "UPN,Admission Number,Forename,Surname,Date of Birth,Sex,Year Group,Class,Entry Date,Leaving Date,SEN,FSM"
    return [header] + [
        f"{upn},{n:05},Forename{n},Surname{n},{2014 - n % 5}-0{1 + n % 9}-15,F,{1 + n % 6},{1 + n % 6}{'AB'[n % 2]},"
        f"2020-09-01,,,{'YN'[n % 5 > 0]}"
        for n, upn in enumerate(people)
    ]


def _contacts(people: Sequence[str]) -> list[str]:
    header = (
        "UPN,Contact ID,Priority,Title,Forename,Surname,Relationship,Parental Responsibility,Lives With Pupil,"
        "Receives Correspondence,Court Restriction,Address 1,Town,Postcode"
    )
    return [header] + [
        f"{upn},{c},{c},Ms,Forename{c},Surname{n},Parent,Y,Y,Y,N,{n} Invented Lane,Leeds,LS1 4AP"
        for n, upn in enumerate(people)
        for c in (1, 2)
    ]


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode())
