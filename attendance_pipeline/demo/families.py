"""Contacts of the fictitious families: who has parental responsibility, who lives where, who may be written to.

Belongs here: inventing contacts, and placing the cases that a letter run must get right (two addresses, a court
restriction, no address, a family that reads Polish or Urdu) where they will be met. Not here: who gets a letter.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from attendance_pipeline.demo import names
from attendance_pipeline.demo.people import Contact, Family, Pupil

SEPARATED, ONE_PARENT, GRANDPARENT = 0.16, 0.14, 0.3
TOWN = "Leeds"


def invent_contacts(rng: Generator, pupils: Sequence[Pupil], special: Sequence[int]) -> None:
    """Give every family its contacts. `special`: pupils (by position) about whom letters will be due, the first first:
    their families get the cases that hold or split a letter."""
    number = 0
    for family in {p.family.number: p.family for p in pupils}.values():
        family.contacts = _contacts(rng, family, number)
        number += len(family.contacts)
    for pupil in pupils:
        if pupil.looked_after:
            _foster(pupil.family)
    # A family already has one case: siblings may both be about to get a letter.
    met: set[int] = set()
    cases = [_polish, _two_addresses, _court_restriction, _no_address, _urdu]
    for i in special:
        family = pupils[i].family
        if cases and family.number not in met and not pupils[i].looked_after:
            met.add(family.number)
            cases.pop(0)(rng, family)


def _contacts(rng: Generator, family: Family, number: int) -> list[Contact]:
    line, postcode = names.street(rng)
    kind = rng.random()
    out = [_parent(rng, family, f"C{number + 1:05d}", "Mother", (line,), postcode)]
    if kind >= ONE_PARENT:
        out.append(_parent(rng, family, f"C{number + 2:05d}", "Father", (line,), postcode))
        if kind < ONE_PARENT + SEPARATED:
            line, postcode = names.street(rng)
            out[1].address, out[1].postcode, out[1].lives_with = (line,), postcode, False
            out[1].responsibility = bool(rng.random() < 0.85)
    if rng.random() < GRANDPARENT:
        line, postcode = names.street(rng)
        other = _parent(rng, family, f"C{number + len(out) + 1:05d}", "Grandparent", (line,), postcode)
        other.responsibility = other.lives_with = False
        out.append(other)
    if rng.random() < 0.02:
        out[-1].correspondence = False
    return out


def _parent(
    rng: Generator, family: Family, number: str, relationship: str, address: tuple[str, ...], postcode: str
) -> Contact:
    forename = names.adult(rng, man=relationship == "Father", origin=family.origin)
    surname = family.surname if rng.random() < 0.8 else names.surname(rng)
    title = ("Mr", "Mr", "Dr") if relationship == "Father" else ("Ms", "Mrs", "Miss", "Mrs", "Dr")
    return Contact(
        id=number,
        title=title[rng.integers(len(title))],
        forename=forename,
        surname=surname,
        relationship=relationship,
        address=address if rng.random() > 0.1 else (f"Flat {rng.integers(1, 40)}", *address),
        town=TOWN,
        postcode=postcode,
        email=f"contact.{number.lower()}@families.example" if rng.random() < 0.9 else "",
        telephone=names.telephone(rng),
        language=family.origin.language if family.origin and rng.random() < 0.35 else "English",
    )


def _foster(family: Family) -> None:
    """A looked-after child lives with a carer; a parent keeps responsibility and is not written to."""
    for contact in family.contacts:
        contact.lives_with = contact.correspondence = False
    carer = family.contacts[0]
    carer.relationship, carer.lives_with, carer.correspondence, carer.responsibility = "Foster carer", True, True, False


def _second(rng: Generator, family: Family) -> Contact:
    if len(family.contacts) < 2 or family.contacts[1].relationship != "Father":
        line, postcode = names.street(rng)
        family.contacts.insert(1, _parent(rng, family, f"{family.contacts[0].id}F", "Father", (line,), postcode))
    return family.contacts[1]


def _two_addresses(rng: Generator, family: Family) -> None:
    father = _second(rng, family)
    line, postcode = names.street(rng)
    father.address, father.postcode, father.lives_with = (line,), postcode, False
    father.responsibility = father.correspondence = True


def _court_restriction(rng: Generator, family: Family) -> None:
    _two_addresses(rng, family)
    family.contacts[1].restricted = True


def _no_address(rng: Generator, family: Family) -> None:
    del family.contacts[1:]
    family.contacts[0].address, family.contacts[0].town, family.contacts[0].postcode = (), "", ""


def _polish(rng: Generator, family: Family) -> None:
    _reads(family, "Polish")


def _urdu(rng: Generator, family: Family) -> None:
    _reads(family, "Urdu")


def _reads(family: Family, language: str) -> None:
    for contact in family.contacts:
        contact.language = language
