"""Pupils as a file names them: who each is, by what they are told apart, and how a name is compared.

Belongs here: one person of one file. Not here: finding the same person in another file (`matching`).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from attendance_pipeline.mis.cells import date_of, tidy, tidy_upn, year_group_of
from attendance_pipeline.mis.upn import is_upn
from attendance_pipeline.trial import headers


@dataclass(frozen=True)
class Person:
    """What a file says of a pupil; blank or None where it does not."""

    upn: str = ""
    student_id: str = ""
    admission: str = ""
    forename: str = ""
    surname: str = ""
    preferred: str = ""
    full_name: str = ""
    class_name: str = ""
    year: str = ""
    born: dt.date | None = None
    entry: dt.date | None = None
    leaving: dt.date | None = None

    @property
    def name(self) -> str:
        """The pupil's name for a person to read; the number where the file has no names."""
        if self.forename or self.surname:
            return f"{self.preferred or self.forename} {self.surname}".strip()
        return self.full_name or self.upn or self.student_id or self.admission

    @property
    def names(self) -> frozenset[tuple[str, ...]]:
        """Every way in which the pupil's name is known, as `name_key` writes it."""
        given = {g for g in (self.forename, self.preferred) if g}
        keys = {name_key(f"{g} {self.surname}") for g in given} if self.surname else set()
        # A list often has the first of several forenames only.
        keys |= {name_key(f"{self.forename.split()[0]} {self.surname}")} if self.surname and self.forename else set()
        return frozenset(k for k in (*keys, name_key(self.full_name)) if k)


def person_of(cells: Mapping[str, str]) -> Person:
    """A person from cells by the names of `headers.WHO`."""
    text = {name: tidy(cell) for name, cell in cells.items()}
    year = text.get(headers.YEAR, "")
    return Person(
        upn=tidy_upn(text.get(headers.UPN, "")),
        student_id=text.get(headers.STUDENT_ID, ""),
        admission=text.get(headers.ADMISSION, ""),
        forename=text.get(headers.FORENAME, ""),
        surname=text.get(headers.SURNAME, ""),
        preferred=text.get(headers.PREFERRED, ""),
        full_name=text.get(headers.NAME, ""),
        class_name=text.get(headers.CLASS, ""),
        year=year_group_of(year) or year,
        born=date_of(text.get(headers.BORN, "")),
        entry=date_of(text.get(headers.ENTRY, "")),
        leaving=date_of(text.get(headers.LEAVING, "")),
    )


def identity(cells: Mapping[str, str], upns: bool) -> str:
    """By what a row's pupil is told from the others, best first: UPN, a number of the school's, name with date of birth
    or class. Blank for a row that names nobody. `upns`: what stands in the column of UPNs are UPNs."""
    upn = tidy_upn(cells.get(headers.UPN, ""))
    if upn:
        return upn if upns else f"number {upn}"
    for field in (headers.STUDENT_ID, headers.ADMISSION):
        if number := tidy(cells.get(field, "")):
            return f"number {number}"
    person = person_of(cells)
    known = next(iter(sorted(person.names)), ())
    if not known:
        return ""
    return "|".join([" ".join(known), person.born.isoformat() if person.born else person.class_name.casefold()])


def name_key(text: str) -> tuple[str, ...]:
    """The words of a name in no order, without accents, punctuation and capitals: `O’Brien, Seán` is `sean obrien`."""
    plain = unicodedata.normalize("NFKD", tidy(text).casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"['’‘`´.]", "", plain)
    words = re.sub(r"[^\w]+", " ", plain).split()
    return tuple(sorted(w for w in words if w not in ("mr", "miss", "ms", "mrs", "master")))


def class_key(text: str) -> str:
    """A class as it is compared: `Year 7 7A`, `7a` and `7 A` are the same."""
    return re.sub(r"^(year|yr|y)\s*\d+\s+(?=\d)", "", tidy(text), flags=re.IGNORECASE).replace(" ", "").casefold()


def mostly_upns(values: list[str]) -> bool:
    """Whether a column of UPNs holds UPNs, and not numbers of the school's own."""
    filled = {u for v in values if (u := tidy_upn(v))}
    return bool(filled) and sum(map(is_upn, filled)) * 2 >= len(filled)
