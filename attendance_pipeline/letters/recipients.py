"""Who gets a letter about a pupil, how the envelope and the greeting name them, and why somebody gets none.

Belongs here: reading a pupil's contacts as rules.md section 7 does, households, address lines, salutations. Does not
belong here: which letter is owed (`ledger`), or its pages (`address`, `pdf`). Pure: contacts in, recipients out.

A flag that a school left blank is not a yes: nobody gets a letter whom the school has not marked as one who may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from attendance_pipeline.letters.address import MAX_LINES
from attendance_pipeline.letters.inert import clean
from attendance_pipeline.letters.language_names import language_tag

NO_RECIPIENT = "no recipient"
NO_ADDRESS = "no address"
DO_NOT_SEND = "do-not-send"
COURT_RESTRICTION = "court restriction"

NOBODY = "Dear parent or carer"
NOBODY_JOINT = "Dear parents and carers"

_ADDRESS_COLUMNS = ("address_1", "address_2", "address_3", "town", "county")
_POSTCODE = re.compile(r"(GIR ?0AA|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2})")
_TITLES = {
    t.casefold(): t for t in ("Mr", "Mrs", "Miss", "Ms", "Mx", "Dr", "Prof", "Rev", "Sir", "Lady", "Lord", "Dame")
}
_UNKNOWN = frozenset({"", "unknown", "not known", "n/a", "na", "none", "-", ".", "x", "tbc"})
_RANKS = ("Lord", "Sir", "Lady", "Dame", "Prof", "Dr", "Rev", "Mr")  # who is named first of two who share a surname
_WITH_FORENAME = frozenset({"Sir", "Dame"})
_ORGANISATIONS = frozenset(
    {"agency", "association", "authority", "borough", "centre", "charity", "children's", "cic", "council", "department",
     "foster", "fostering", "foundation", "homes", "limited", "llp", "ltd", "plc", "service", "services", "society",
     "team", "trust"}
)  # fmt: skip
_LONGEST_NAME_LINE = 38  # characters: about what the window of the narrower layout shows in its largest type
_NO_PRIORITY = 9999


@dataclass(frozen=True)
class Recipient:
    """One contact who gets one letter about one pupil.

    `address`: its lines without the name, postcode last; empty when the school knows none. `language` is a tag such as
    `pl`; `language_name` is what the school wrote.
    """

    contact_id: str
    title: str = ""
    forename: str = ""
    surname: str = ""
    address: tuple[str, ...] = ()
    language: str = "en"
    language_name: str = ""
    priority: int = _NO_PRIORITY

    @property
    def name(self) -> str:
        """As an envelope names them; "Parent or carer" when the school has no name."""
        return " ".join(p for p in (self.title, self.forename, self.surname) if p) or "Parent or carer"

    def as_json(self) -> dict[str, Any]:
        """What the ledger keeps of a recipient."""
        return {**asdict(self), "address": list(self.address)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipient:
        return cls(**{**data, "address": tuple(data.get("address", ()))})


@dataclass(frozen=True)
class Recipients:
    """The recipients of letters about one pupil, by priority; and of every other contact, why it is none of them."""

    to: tuple[Recipient, ...] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)

    @property
    def why_none(self) -> tuple[str, ...]:
        """Reasons to hold a letter that has no recipient; empty when there is one."""
        if self.to:
            return ()
        found = set(self.excluded.values()) - {NO_RECIPIENT}
        return tuple(r for r in (COURT_RESTRICTION, DO_NOT_SEND) if r in found) or (NO_RECIPIENT,)

    def by_id(self) -> dict[str, Recipient]:
        return {r.contact_id: r for r in self.to}


def recipients_of(contacts: Iterable[Mapping[str, Any]]) -> Recipients:
    """From the rows of one pupil's contacts (columns as in `register.roll.current_contacts`).

    A recipient has parental responsibility or lives with the pupil, may receive correspondence and is not restricted by
    a court order. A contact who has neither of the first two is excluded as `no recipient`.
    """
    to: list[Recipient] = []
    excluded: dict[str, str] = {}
    for row in contacts:
        contact_id = str(row["contact_id"])
        if not (_yes(row.get("parental_responsibility")) or _yes(row.get("lives_with_pupil"))):
            excluded[contact_id] = NO_RECIPIENT
        elif _yes(row.get("court_restriction")):
            excluded[contact_id] = COURT_RESTRICTION
        elif not _yes(row.get("receives_correspondence")):
            excluded[contact_id] = DO_NOT_SEND
        else:
            to.append(_recipient(contact_id, row))
    return Recipients(tuple(sorted(to, key=lambda r: (r.priority, r.contact_id))), excluded)


def households(recipients: Sequence[Recipient]) -> list[tuple[Recipient, ...]]:
    """Recipients grouped by who may share an envelope: the same address and the same language. An unknown address is
    shared with nobody. The order of the first of each household is kept."""
    found: dict[object, list[Recipient]] = {}
    for r in recipients:
        key = (_same_address(r.address), r.language) if r.address else r.contact_id
        found.setdefault(key, []).append(r)
    return [tuple(group) for group in found.values()]


def envelope_lines(household: Sequence[Recipient]) -> tuple[str, ...]:
    """The lines of the address block: names, then the address, at most seven. Nothing when there is no address."""
    address = household[0].address
    if not address:
        return ()
    names = _envelope_names(household)
    if len(names) + len(address) > MAX_LINES:
        names = [" and ".join(names)]
    return (*names, *_at_most(address, MAX_LINES - len(names)))


def salutation(household: Sequence[Recipient]) -> str:
    """How the letter greets them: "Dear Mrs Smith", "Dear Mr and Mrs Smith", "Dear Ms Ali and Mr Khan".

    Somebody listed twice is greeted once. Whoever has no surname, or nothing but a surname, has no name to be greeted
    by; an organisation that has care of the pupil is greeted by its name.
    """
    people = _once(sorted(household, key=lambda r: (r.priority, r.contact_id)))
    if any(not _has_name(r) for r in people):
        return NOBODY if len(people) == 1 else NOBODY_JOINT
    titles = [r.title for r in people]
    if len(people) == 2 and len({*titles, ""}) == 3 and _same_surname(people) and not any(map(_stands_alone, titles)):
        first, second = sorted(titles, key=_rank)  # Dr and Mr, Mr and Mrs, however the school ranks them
        return f"Dear {first} and {second} {people[0].surname}"
    names = [_greeted(r, people) for r in people]
    return "Dear " + (names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}")


def address_lines(contact: Mapping[str, Any]) -> tuple[str, ...]:
    """A contact's address as an envelope has it: no empty line, none twice, the postcode last in capitals.

    At most six lines, so that a name has room above them. Empty when there is no postcode or nothing but a postcode.
    """
    lines: list[str] = []
    for column in _ADDRESS_COLUMNS:
        for piece in re.split(r"[\r\n]+", str(contact.get(column) or "")):
            line = re.sub(r"\s*,[\s,]*", ", ", clean(piece)).strip(" ,.;")
            if line.casefold() not in _UNKNOWN and line.casefold() not in (known.casefold() for known in lines):
                lines.append(line)
    postcode = _postcode(str(contact.get("postcode") or ""))
    if not postcode and lines and _POSTCODE.fullmatch(lines[-1].upper()):
        postcode = _postcode(lines.pop())
    lines = [line for line in lines if _postcode(line) != postcode]
    if not postcode or not lines:
        return ()
    return _at_most((*lines, postcode), MAX_LINES - 1)


def _recipient(contact_id: str, row: Mapping[str, Any]) -> Recipient:
    language = clean(str(row.get("language") or ""))
    return Recipient(
        contact_id=contact_id,
        title=_title(str(row.get("title") or "")),
        forename=_known(row.get("forename")),
        surname=_known(row.get("surname")),
        address=address_lines(row),
        language=language_tag(language),
        language_name=language,
        priority=_priority(row.get("priority")),
    )


def _yes(value: object) -> bool:
    """A flag that says yes. Blank (None, or pandas' NA) is no yes."""
    return (isinstance(value, bool | int) and bool(value)) or str(value) == "True"


def _known(value: object) -> str:
    text = clean(str(value or ""))
    return "" if text.casefold() in _UNKNOWN else text


def _priority(value: object) -> int:
    digits = re.match(r"\s*(\d{1,4})", str(value or ""))
    return int(digits[1]) if digits else _NO_PRIORITY


def _title(text: str) -> str:
    words = clean(text).replace("&", " and ").replace("+", " and ").split()
    return " ".join("and" if w.casefold() == "and" else _one_title(w) for w in words)


def _one_title(word: str) -> str:
    bare = word.strip(".,")
    return _TITLES.get(bare.casefold(), bare)


def _postcode(text: str) -> str:
    """In capitals with its space where it has one; as it is written, when it is not of this country's form."""
    tidy = clean(text).upper().strip(" .,")
    tight = tidy.replace(" ", "")
    if _POSTCODE.fullmatch(tight):
        return f"{tight[:-3]} {tight[-3:]}"
    return "" if tidy.casefold() in _UNKNOWN else tidy


def _at_most(lines: Sequence[str], most: int) -> tuple[str, ...]:
    """The lines, the shortest neighbours joined by a comma until they are few enough; the last, the postcode, stays."""
    kept = list(lines)
    while len(kept) > most:
        at = min(range(len(kept) - 2), key=lambda i: (len(kept[i]) + len(kept[i + 1]), -i))
        kept[at : at + 2] = [f"{kept[at]}, {kept[at + 1]}"]
    return tuple(kept)


def _same_address(address: Sequence[str]) -> str:
    """Equal for one address written twice: only its letters and digits count."""
    return "".join(c for c in " ".join(address).casefold() if c.isalnum())


def _same_surname(people: Sequence[Recipient]) -> bool:
    return len({r.surname.casefold() for r in people}) == 1


def _once(people: Sequence[Recipient]) -> list[Recipient]:
    """The people without those who are named as one before them, at the same address: one person under two numbers."""
    found: dict[object, Recipient] = {}
    for r in people:
        named = (r.title, r.forename.casefold(), r.surname.casefold(), _same_address(r.address))
        found.setdefault(named if r.forename else r.contact_id, r)
    return list(found.values())


def _has_name(r: Recipient) -> bool:
    return bool(r.surname) and bool(r.title or r.forename or _is_organisation(r))


def _is_organisation(r: Recipient) -> bool:
    """A foster agency or a children's home, as schools write it: in the surname, with no title and no forename."""
    words = {w.strip("().,").casefold() for w in r.surname.split()}
    return not r.title and not r.forename and len(words) > 1 and bool(words & _ORGANISATIONS)


def _stands_alone(title: str) -> bool:
    """Titles that share no surname with another: already those of two, or said with a forename."""
    return " and " in title or title in _WITH_FORENAME


def _rank(title: str) -> int:
    return _RANKS.index(title) if title in _RANKS else len(_RANKS)


def _greeted(r: Recipient, people: Sequence[Recipient]) -> str:
    """One of those greeted: by title and surname; with an initial where two would be called the same, and with the
    forename where the initials are the same too."""
    if not r.title or (r.title in _WITH_FORENAME and not r.forename):
        return " ".join(p for p in (r.title, r.forename, r.surname) if p)
    if r.title in _WITH_FORENAME:
        return f"{r.title} {r.forename}"
    alike = [p.forename for p in people if (p.title, p.surname.casefold()) == (r.title, r.surname.casefold())]
    if len(alike) == 1 or not r.forename:
        return f"{r.title} {r.surname}"
    initials = [name[:1].casefold() for name in alike]
    return f"{r.title} {r.forename[0] if initials.count(r.forename[0].casefold()) == 1 else r.forename} {r.surname}"


def _envelope_names(household: Sequence[Recipient]) -> list[str]:
    """The names on the envelope: on one line where they fit, else a line each."""
    household = _once(household)
    names = list(dict.fromkeys(r.name for r in household if r.surname or r.forename)) or [household[0].name]
    if len(household) == 2 and household[0].surname and _same_surname(household):
        first, second = household
        if first.title and second.title and (first.title, first.forename) != (second.title, second.forename):
            shared = [" ".join(p for p in (r.title, r.forename) if p) for r in (first, second)]
            names = [shared[0], f"{shared[1]} {second.surname}"]
    joined = " and ".join(names)
    return [joined] if len(joined) <= _LONGEST_NAME_LINE else list(dict.fromkeys(r.name for r in household))
