"""Pupils' identities: a UPN and the small number that stands for it in pages. Trust-wide; nothing else about anyone.

Where a file gives the MIS's own student id instead of a UPN, the person has a name made of it, which is no UPN. Whom
that name means is worked out in `register/identity.py`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from attendance_pipeline.store.both_dialects import chunks, insert_new
from attendance_pipeline.store.tables import person

# A UPN has no small letter and cells of UPNs are read in capitals, so no file can write such a name itself.
STUDENT_LETTER = "s"
WHOLE_SCHOOL = "WHOLESCHOOL"  # `Whole school` in place of a UPN, as cells of UPNs are read
_STUDENT = re.compile(r"s[A-Za-z0-9_-]{12}")


def student_name(school: str, student_id: str) -> str:
    """The name of the person whom a school's MIS knows by a student id: as long as a UPN, and the id not in it."""
    digest = hashlib.sha256(f"{school}\0{student_id}".encode()).digest()
    return STUDENT_LETTER + base64.urlsafe_b64encode(digest[:9]).decode()


def whole_school_name(school: str) -> str:
    """The name under which the intervention log speaks of no one pupil but of the whole school."""
    return student_name(school, WHOLE_SCHOOL)


def is_student_name(name: str) -> bool:
    """Whether the name of a person was made of a student id."""
    return _STUDENT.fullmatch(name) is not None


def intern_persons(conn: sa.Connection, upns: Iterable[str]) -> dict[str, int]:
    """The number of every UPN given; those not met before get one."""
    wanted = sorted(set(upns))
    known = find_persons(conn, wanted)
    missing = [u for u in wanted if u not in known]
    if missing:
        insert_new(conn, person, [{"upn": u} for u in missing])
        known |= find_persons(conn, missing)
    return known


def find_persons(conn: sa.Connection, upns: Sequence[str]) -> dict[str, int]:
    """The numbers of the UPNs that are known."""
    found: dict[str, int] = {}
    for part in chunks(upns):
        rows = conn.execute(sa.select(person.c.upn, person.c.id).where(person.c.upn.in_(part)))
        found.update((upn, number) for upn, number in rows)
    return found


def student_persons(conn: sa.Connection) -> dict[int, str]:
    """Every person whose name was made of a student id, of all schools."""
    made = sa.func.substr(person.c.upn, 1, 1) == STUDENT_LETTER
    return {r.id: r.upn for r in conn.execute(sa.select(person.c.id, person.c.upn).where(made))}


def upns_of(conn: sa.Connection, person_ids: Iterable[int]) -> dict[int, str]:
    """The UPNs of the numbers given."""
    wanted = sorted({int(i) for i in person_ids})
    found: dict[int, str] = {}
    for part in chunks(wanted):
        rows = conn.execute(sa.select(person.c.id, person.c.upn).where(person.c.id.in_(part)))
        found.update((number, upn) for number, upn in rows)
    return found
