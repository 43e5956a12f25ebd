"""Find pupil: whom a UPN, an admission number or a name means, in the schools of a home.

Belongs here: looking pupils up for a person who asks at a terminal. Not here: when two names are the same
(`derive/names.py`), and any fact of a pupil but class and school: where several fit, that is all that may be said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection

from attendance_pipeline.derive.names import cuts, letters, turned_cuts
from attendance_pipeline.home import School
from attendance_pipeline.register.identity import names_of
from attendance_pipeline.register.roll import current_pupils
from attendance_pipeline.steps.site import Site
from attendance_pipeline.store.extracts import pupil_names
from attendance_pipeline.store.persons import find_persons

MOST_SCHOOLS = (
    5  # in which the present class of everybody who fits is looked up; of more, what the extracts say will do
)

Said = Mapping[str, str]  # what a pupils extract says of a pupil, as `pupil_names` gives it
Reading = Callable[[Said], bool]
_letters = cache(letters)


@dataclass(frozen=True)
class FoundPupil:
    """A pupil of a school. `class_name` is for telling several apart."""

    school: School
    person_id: int
    upn: str
    class_name: str


def find_pupils(site: Site, text: str, schools: Sequence[School]) -> list[FoundPupil]:
    """The pupils whom a text may mean, by school and class.

    Those with the UPN (or a former one), else those with the admission number, else those with the name, else those
    with that surname or forename alone. Whoever has it now goes before those who had it once.
    """
    by_id = {s.id: s for s in schools}
    with site.warehouse.read() as conn:
        fits, rows = next(((f, r) for f, r in _asked(conn, text, list(by_id)) if r), (None, []))
        if fits is None:
            return []
        of_school: dict[str, list[Said]] = {}
        for row in rows:
            of_school.setdefault(row["school"], []).append(row)
        several = len({(row["school"], row["upn"]) for row in rows}) > 1
        present: dict[tuple[str, str], FoundPupil] = {}
        former: dict[tuple[str, str], FoundPupil] = {}
        for school_id, theirs in of_school.items():
            names = names_of(conn, school_id)
            said_of = {names.of(row["upn"]): row for row in theirs}
            persons = find_persons(conn, sorted(said_of))
            now: dict[int, dict[str, str]] = {}
            if several and len(of_school) <= MOST_SCHOOLS:
                now = {
                    int(r["person_id"]): {str(k): v for k, v in r.items()}
                    for r in current_pupils(conn, school_id).to_dict("records")
                }
            for upn, said in said_of.items():
                if upn not in persons:
                    continue
                current = now.get(persons[upn], said)
                pupil = FoundPupil(
                    by_id[school_id], persons[upn], names.present.get(upn, upn), current["class"] or said["class"]
                )
                holds = fits({**current, "upn": said["upn"]})
                (present if holds else former)[school_id, upn] = pupil
    return sorted((present or former).values(), key=lambda p: (p.school.name, p.class_name, p.upn))


def _asked(conn: Connection, text: str, schools: Sequence[str]) -> Iterator[tuple[Reading, list[dict[str, str]]]]:
    """What a text may be, the surest first: a test of what an extract says of a pupil, and the rows that pass it."""
    said = " ".join(text.split())
    plain = letters(said)
    if not plain:
        return
    upn = said.replace(" ", "").upper()
    yield lambda r: r["upn"] == upn, pupil_names(conn, schools, upn=upn)
    number = said.casefold()
    if any(c.isdigit() for c in said):
        found = pupil_names(conn, schools, admission_number=said)
        yield lambda r: r["admission_number"].casefold() == number, found
    every = pupil_names(conn, schools)
    for fits in (
        _named(set(cuts(said))),
        _named(set(turned_cuts(said))),
        lambda r: plain in (_letters(r["surname"]), _letters(r["forename"]), _letters(r["preferred_forename"])),
        lambda r: r["admission_number"].casefold() == number,
    ):
        yield fits, [row for row in every if fits(row)]


def _named(pairs: set[tuple[str, str]]) -> Reading:
    def fits(r: Said) -> bool:
        surname, preferred = _letters(r["surname"]), _letters(r["preferred_forename"])
        return (_letters(r["forename"]), surname) in pairs or (bool(preferred) and (preferred, surname) in pairs)

    return fits
