"""Naming: whether a text, or the cells of a row, names one of some persons.

Belongs here: comparing words, and nothing else. A person is named by a UPN, by forename and surname side by side (in
either order, whatever stands between them but words), or by an e-mail address of theirs. Not here: whose names these
are (`steps/removal_plan.py`), and taking anything out (`without_rows.py`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

_UPN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][0-9]{11}[0-9A-Za-z](?![A-Za-z0-9])")
_WORD = re.compile(r"\w+")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")  # as JSON writes a letter that is not ASCII
_SHORTEST_ALONE = 4  # letters of a surname that is looked for by itself; a shorter one is a word of something else

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """The words of a name as they are compared: small letters, without hyphens and apostrophes."""
    return tuple(_WORD.findall(_plain(text)))


def _plain(text: str) -> str:
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


@dataclass(frozen=True)
class Naming:
    """What some persons are known by: UPNs; names as (forename's words, surname's words); e-mail addresses in small
    letters; `surnames`, as written, that nobody else in the home bears; and `texts` of other kinds. `others`: the names
    of people who are not meant and share a word with those who are."""

    upns: frozenset[str] = frozenset()
    names: frozenset[tuple[Words, Words]] = frozenset()
    emails: frozenset[str] = frozenset()
    surnames: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    others: frozenset[tuple[Words, Words]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.upns or self.names or self.emails or self.texts)

    def with_texts(self, texts: Iterable[str]) -> Naming:
        """With other texts that name them, such as the references of their letters, as they are written."""
        return replace(self, texts=frozenset(texts))

    def __or__(self, other: Naming) -> Naming:
        return Naming(
            self.upns | other.upns,
            self.names | other.names,
            self.emails | other.emails,
            self.surnames | other.surnames,
            self.texts | other.texts,
            self.others | other.others,
        )

    @cached_property
    def _by_surname(self) -> dict[str, list[tuple[Words, Words]]]:
        found: dict[str, list[tuple[Words, Words]]] = {}
        for forename, surname in self.names:
            found.setdefault(surname[-1], []).append((forename, surname))
        return found

    @cached_property
    def _of_others(self) -> frozenset[Words]:
        return frozenset(name for f, s in self.others for name in (f + s, s + f))

    @cached_property
    def _as_called(self) -> frozenset[Words]:
        return frozenset(f + s for f, s in self.others)

    def _stands(self, words: Sequence[str], name: Words) -> bool:
        """Whether a name stands among words, and is not somebody else's, nor there merely where the names of two others
        meet: of Ella James and her father Thomas Reed, side by side, nobody means James Thomas."""
        if name in self._as_called:
            return False
        many = len(name)
        for begin in range(len(words) - many + 1):
            end = begin + many
            if tuple(words[begin:end]) != name:
                continue
            theirs: set[int] = set()
            for other in self._of_others:
                for at in range(max(0, begin - len(other) + 1), end):
                    reaches_out = at < begin or at + len(other) > end
                    if reaches_out and tuple(words[at : at + len(other)]) == other:
                        theirs.update(range(at, at + len(other)))
            if not theirs.issuperset(range(begin, end)):
                return True
        return False

    def in_text(self, text: str) -> bool:
        """Whether a text names one of them."""
        if any(m.upper() in self.upns for m in _UPN.findall(text)):
            return True
        if any(t in text for t in self.texts):
            return True
        text = _plain(_ESCAPED.sub(lambda m: chr(int(m[1], 16)), text) if "\\u" in text else text)
        if self.emails and "@" in text and any(e in text for e in self.emails):
            return True
        words = _WORD.findall(text)
        maybe = self._by_surname.keys() & set(words)
        if not maybe:
            return False
        line = f" {' '.join(words)} "
        return any(
            f" {' '.join(one + other)} " in line and self._stands(words, one + other)
            for last in maybe
            for forename, surname in self._by_surname[last]
            for one, other in ((forename, surname), (surname, forename))
        )

    def in_cells(self, cells: Sequence[str]) -> bool:
        """Whether the cells of one row name one of them: as a text does, or forename and surname in cells apart, unless
        each of the two is half of the name of somebody else in that row."""
        if self.in_text(" | ".join(cells)):
            return True
        maybe = self._by_surname.keys() & {w for c in cells for w in words_of(c)}
        if not maybe:
            return False
        whole = {words_of(c) for c in cells if c}
        theirs = {half for other in self.others if whole.issuperset(other) for half in other}
        return any(
            (s in whole and f in whole and not theirs.issuperset((f, s)))
            or (f + s in whole and f + s not in self._as_called)
            for last in maybe
            for f, s in self._by_surname[last]
        )

    def only_upns(self, text: str) -> Naming:
        """The same without names and addresses, where none of them can stand in any row of a text."""
        plain = _plain(text)
        if self._by_surname.keys() & set(_WORD.findall(plain)) or (
            "@" in text and any(e in plain for e in self.emails)
        ):
            return self
        return Naming(upns=self.upns, texts=self.texts)

    def surnames_in(self, text: str) -> bool:
        """Whether one of the surnames that nobody else bears stands in a text, written as a name."""
        alone = {s for s in self.surnames if len(s) >= _SHORTEST_ALONE}
        return bool(alone and alone & set(re.findall(r"[^\W\d_]+", text)))


def naming_of(
    upns: Collection[str],
    people: Iterable[tuple[str, str]],
    emails: Iterable[str],
    others: Iterable[tuple[str, str]],
    others_emails: Iterable[str] = (),
) -> Naming:
    """What persons are known by who are called `people` (forename, surname), without what `others` are called too."""
    theirs = {(words_of(f), words_of(s)) for f, s in others}
    surnames = {words_of(s) for _, s in others}
    people = list(people)
    names = {(words_of(f), words_of(s)) for f, s in people}
    names = {n for n in names - theirs if n[0] and n[1]}
    said = {word for f, s in names for word in f + s}
    return Naming(
        frozenset(u.upper() for u in upns),
        frozenset(names),
        frozenset({e.strip().casefold() for e in emails if "@" in e} - {e.strip().casefold() for e in others_emails}),
        frozenset(s.strip() for _, s in people if words_of(s) and words_of(s) not in surnames),
        others=frozenset((f, s) for f, s in theirs if f and s and not said.isdisjoint(f + s)),
    )
