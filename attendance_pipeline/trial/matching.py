"""Whom a row of another list means: by UPN, by a number of the school's, or by name and class, and how sure that is.

Nobody is matched on a guess: where two fit, or where a name fits and the class does not, there is no match, and the
reason is said. Reading lists is not here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attendance_pipeline.trial.people import Person, class_key

CERTAIN, LIKELY, NONE = "certain", "likely", "not matched"


@dataclass(frozen=True)
class Match:
    """`at`: place of the person in the file, None for nobody; `sure`: a word; `by`: by what, or why not."""

    at: int | None
    sure: str
    by: str


class Directory:
    """The people of one file, to be found by what another list says of them."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self._numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._names: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for i, person in enumerate(people):
            for kind, number in _numbers_of(person):
                self._numbers[kind, number].append(i)
            for name in person.names:
                self._names[name].append(i)

    def match(self, rows: Sequence[Person]) -> list[Match]:
        """Whom each row means. A name that stands in two rows of one class means nobody."""
        seen: dict[tuple[tuple[str, ...], str], int] = defaultdict(int)
        for row in rows:
            for name in row.names:
                seen[name, class_key(row.class_name)] += 1
        return [self._match(row, seen) for row in rows]

    def _match(self, row: Person, seen: dict[tuple[tuple[str, ...], str], int]) -> Match:
        said = False
        for kind, number in _numbers_of(row):
            found = self._numbers.get((kind, number), [])
            if len(found) == 1:
                return Match(found[0], CERTAIN, kind + self._other_name(row, found[0]))
            if len(found) > 1:
                return Match(None, NONE, f"{len(found)} pupils in the export have this {kind}")
            said |= any(k == kind for k, _ in self._numbers)
        found = sorted({i for name in row.names for i in self._names.get(name, ())})
        if said and not (found and all(self._without_number(i, row) for i in found)):
            # The list gives a number of a kind that the export has, and nobody there has it: a namesake is another.
            return Match(None, NONE, "nobody in the export has this number")
        if not found:
            return Match(None, NONE, "no such pupil in the export")
        if row.born is not None:
            found = [i for i in found if self._people[i].born in (None, row.born)]
        if row.class_name and any(self._people[i].class_name for i in found):
            same = [i for i in found if class_key(self._people[i].class_name) == class_key(row.class_name)]
            if not same:
                return Match(None, NONE, "the name is in the export, but in another class")
            found, by = same, "name and class"
        else:
            by = "name alone"
        twice = any(seen[name, class_key(row.class_name)] > 1 for name in row.names)
        if len(found) == 1 and not twice:
            return Match(found[0], LIKELY, by)
        if not found:
            return Match(None, NONE, "the name is in the export, but with another date of birth")
        return Match(None, NONE, "the list has this name twice" if len(found) == 1 else "two pupils have this name")

    def _without_number(self, i: int, row: Person) -> bool:
        """Whether the person has none of the numbers that the row gives, so that the row's may be theirs."""
        mine = {kind for kind, _ in _numbers_of(self._people[i])}
        return not mine & {kind for kind, _ in _numbers_of(row)}

    def _other_name(self, row: Person, i: int) -> str:
        theirs, ours = row.names, self._people[i].names
        parts = {w for name in theirs for w in name} & {w for name in ours for w in name}
        return "; the names differ" if theirs and ours and not parts else ""


def _numbers_of(person: Person) -> Iterable[tuple[str, str]]:
    if person.upn:
        yield "UPN", person.upn
    if person.admission:
        # Spreadsheets cut off leading zeros.
        yield "admission number", person.admission.lstrip("0").casefold() or "0"
    if person.student_id:
        yield "number", person.student_id.casefold()
