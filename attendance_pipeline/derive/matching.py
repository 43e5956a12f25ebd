"""Whose form it is: the parents' online forms matched to pupils, each with how sure that is, in words.

Belongs here: who fits a form. Not here: what names are the same (`names`), what follows for marks (`notifications`),
and any merging on a guess: where the UPN, or the whole name, does not say it of exactly one pupil on roll, a person is
shown who may be meant, and the form is matched with nobody.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from attendance_pipeline.derive.inputs import PupilTable
from attendance_pipeline.derive.names import cuts, group_name, is_nearly, letters, turned_cuts, words
from attendance_pipeline.law.school_calendar import SchoolCalendar

# How sure a match is.
BY_UPN = "UPN"
BY_NAME_AND_CLASS = "name and class"
BY_NAME_AND_BIRTH = "name and date of birth"
BY_NAME_AND_YEAR = "name and year group"
BY_NAME_ALONE = "name, the only one on roll"

# Why somebody is only shown as one who may be meant.
SAME_NAME = "the same name"
OTHER_CLASS = "the same name, another class"
OTHER_BIRTH = "the same name, another date of birth"
NOT_ON_ROLL = "the same name, not on roll on these days"
OTHER_WAY_ROUND = "the names the other way round"
NEARLY_THE_NAME = "nearly the same name"
PART_OF_THE_NAME = "part of the name"
OF_THE_UPN = "the pupil of the UPN"
UPN_OF_NOBODY = "the same name; the UPN is nobody's here"

MOST_SHOWN = 4  # a list of the whole school's Smiths helps nobody

# What became of a form.
MATCHED, SEVERAL_FIT, PERHAPS, NOBODY = "matched", "several fit", "perhaps", "nobody"


@dataclass(frozen=True)
class Form:
    """One form as parents sent it; blanks are empty or None.

    `pupil`: the row in PupilTable of the pupil whose UPN it gives. `upn_given`: a valid UPN is on it, whether or not
    any pupil has it. `submitted`: ISO text, a date and perhaps a time. `session`: AM or PM, else both. `reason`,
    `evidence`: blank unless the school keeps them.
    """

    name: str
    first: dt.date
    last: dt.date
    submitted: str = ""
    pupil: int | None = None
    upn_given: bool = False
    class_name: str = ""
    born: dt.date | None = None
    session: str = ""
    reason: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class PupilName:
    """What forms call a pupil, in the order of PupilTable."""

    forename: str
    surname: str
    preferred: str = ""
    born: dt.date | None = None


@dataclass(frozen=True)
class Candidate:
    """A pupil who may be meant, and why."""

    pupil: int
    why: str


@dataclass(frozen=True)
class Match:
    """What became of a form. `pupil`, `confidence`: set where it is matched, `candidates` where it is not; `more`: how
    many fit besides those."""

    form: Form
    result: str
    pupil: int | None = None
    confidence: str = ""
    candidates: tuple[Candidate, ...] = ()
    more: int = 0


class Roll:
    """The names of a school's pupils, looked up by many forms."""

    def __init__(self, pupils: PupilTable, names: Sequence[PupilName], calendar: SchoolCalendar) -> None:
        self.pupils, self.names, self.calendar = pupils, names, calendar
        self._same: Mapping[tuple[str, str], set[int]] = defaultdict(set)
        self._words: list[tuple[frozenset[str], ...]] = []
        self._letters: list[tuple[str, ...]] = []
        for row, n in enumerate(names):
            called = [first for first in dict.fromkeys((n.forename, n.preferred)) if words(first)]
            for first in called:
                self._same[letters(first), letters(n.surname)].add(row)
            self._words.append(tuple(frozenset((*words(first), *words(n.surname))) for first in called))
            self._letters.append(tuple(letters(first) + letters(n.surname) for first in called))
        self._classes = {group_name(str(c)) for c in pupils.class_name} - {""}

    def match(self, form: Form) -> Match:
        """Whose form it is."""
        form = self._with_class(form)
        same = sorted(set().union(*(self._same.get(cut, set()) for cut in cuts(form.name))))
        here = [p for p in same if self.is_on_roll(p, form)]
        if form.pupil is not None:
            # A UPN is meant; but the whole name of another pupil beside it says that one of the two is a mistake.
            if here and form.pupil not in same:
                both = [Candidate(form.pupil, OF_THE_UPN), *(Candidate(p, SAME_NAME) for p in here)]
                return _unsure(form, SEVERAL_FIT, both)
            return Match(form, MATCHED, form.pupil, BY_UPN)
        if form.upn_given:
            return _unsure(form, PERHAPS, [Candidate(p, UPN_OF_NOBODY) for p in here] or self._weaker(form, same))
        fits = [p for p in here if self._contradicts(p, form) is None]
        if len(fits) == 1:
            return Match(form, MATCHED, fits[0], self._how_sure(fits[0], form))
        if fits:
            return _unsure(form, SEVERAL_FIT, [Candidate(p, SAME_NAME) for p in fits])
        if here:
            return _unsure(form, PERHAPS, [Candidate(p, self._contradicts(p, form) or SAME_NAME) for p in here])
        return _unsure(form, PERHAPS, self._weaker(form, same))

    def is_on_roll(self, pupil: int, form: Form) -> bool:
        """Whether a pupil is on roll on any of the form's days; on a form of days without school, around them."""
        first = min(self.calendar.on_or_after(form.first), len(self.calendar) - 1)
        last = max(self.calendar.on_or_before(form.last), first)
        return bool(self.pupils.entry[pupil] <= last and first <= self.pupils.leave[pupil])

    def _with_class(self, form: Form) -> Form:
        """The form with the class that stands in the name: `Ann Lee (4A)`, `Ann Lee, 4A`, `Ann Lee 4A`."""
        if form.class_name or not form.name:
            return form
        name, bracket, last = form.name.rstrip(" )").rpartition("(")
        if not name:
            name, _, last = form.name.replace(" - ", ",").rpartition(",")
        if not name:
            name, _, last = form.name.rpartition(" ")
        # Without a bracket a class called Elm might be a surname.
        is_class = group_name(last) in self._classes and (bracket or any(c.isdigit() for c in last))
        if not is_class or not words(name):
            return form
        return replace(form, name=name.strip(" ,-"), class_name=last.strip())

    def _contradicts(self, pupil: int, form: Form) -> str | None:
        """What the form says of the pupil that is otherwise; None where nothing is."""
        born = self.names[pupil].born
        if form.born is not None and born is not None and form.born != born:
            return OTHER_BIRTH
        said = group_name(form.class_name)
        own = (group_name(str(self.pupils.class_name[pupil])), group_name(str(self.pupils.year_group[pupil])))
        return OTHER_CLASS if said and said not in own else None

    def _how_sure(self, pupil: int, form: Form) -> str:
        if form.class_name and group_name(form.class_name) == group_name(str(self.pupils.class_name[pupil])):
            return BY_NAME_AND_CLASS
        if form.born is not None and form.born == self.names[pupil].born:
            return BY_NAME_AND_BIRTH
        return BY_NAME_AND_YEAR if form.class_name else BY_NAME_ALONE

    def _weaker(self, form: Form, same: Iterable[int]) -> list[Candidate]:
        """Who may be meant all the same, the likelier first; each once."""
        found: dict[int, str] = dict.fromkeys(same, NOT_ON_ROLL)
        for cut in turned_cuts(form.name):
            for p in sorted(self._same.get(cut, ())):
                found.setdefault(p, OTHER_WAY_ROUND)
        own, whole = frozenset(words(form.name)), letters(form.name)
        if own:
            for p in range(len(self.names)):
                if p in found:
                    continue
                if any(_is_part(own, theirs) for theirs in self._words[p]):
                    found[p] = PART_OF_THE_NAME
                elif any(is_nearly(whole, theirs) for theirs in self._letters[p]):
                    found[p] = NEARLY_THE_NAME
        fitting = [p for p in found if found[p] == NOT_ON_ROLL or self.is_on_roll(p, form)]
        # Of those who are alike in that, the class that the form states comes first.
        order = [NOT_ON_ROLL, OTHER_WAY_ROUND, NEARLY_THE_NAME, PART_OF_THE_NAME]
        fitting.sort(key=lambda p: (self._contradicts(p, form) is not None, order.index(found[p]), p))
        return [Candidate(p, found[p]) for p in fitting]


def _is_part(own: frozenset[str], theirs: frozenset[str]) -> bool:
    """Whether all of one name stands in the other: a middle name more, a surname less, two children on one form."""
    return own < theirs or theirs < own


def _unsure(form: Form, result: str, candidates: Sequence[Candidate]) -> Match:
    shown = tuple(candidates[:MOST_SHOWN])
    return Match(form, result if shown else NOBODY, candidates=shown, more=len(candidates) - len(shown))
