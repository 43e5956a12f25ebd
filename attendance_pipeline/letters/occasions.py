"""Occasions: what a letter answers. The opening of a stage, a review, a case that comes near to a penalty notice.

Belongs here: the shape of an occasion, why one ends, and the occasions that follow from the events of the ladder. Does
not belong here: the ladder's rules (`derive/`), cases and illness (`from_cases`), whether a letter is owed (`ledger`).

An occasion is known by pupil, kind of letter and day. A correction may move it by some days: what then answers it is
found by nearness (`answering`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from attendance_pipeline.law.policy import LETTER_OF_STAGE, Letters
from attendance_pipeline.law.school_calendar import SchoolCalendar
from attendance_pipeline.letters.openings import Opening, StageEvent

INVITATION_STAGES = frozenset({2, 3})  # the stages whose letter is given at a meeting
FAMILY_STAGES = frozenset({1, 2, 3})  # at stage 4 the local authority considers, and no follow-up goes to the family
CONTINUED = frozenset({"not_dropped", "dropped"})
ACCEPTED_REASONS = "dropped_accepted_reasons"
RECOVERED = "recovered"
OPENED = "opened"  # a stage, however it came to open

# Why an occasion has ended, besides the events of the ladder.
OUT_OF_DATE = "out of date"
OPENED_SINCE = "opened since"
REVIEWED_SINCE = "reviewed since"
ENDED_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "recovered": "recovered before it was sent",
        "closed": "closed by a person before it was sent",
        "set": "stage set by a person before it was sent",
        "left": "left before it was sent",
        OUT_OF_DATE: "not sent in time, and out of date now",
        OPENED_SINCE: "a stage has opened since",
        REVIEWED_SINCE: "attendance was reviewed again before it was sent",
    }
)


@dataclass(frozen=True, order=True)
class Occasion:
    """Something that asks for a letter of one kind about a pupil, since a school day (its number).

    `stage`, `episode`: of the ladder; 0 where it is not of the ladder. `because`: the event. `ended`: why it asks no
    more, since the day `ended_on`; empty and None while it asks. The key of ENDED_WORDS, or the words themselves.
    """

    person_id: int
    kind: str
    day: int
    stage: int = 0
    episode: int = 0
    because: str = ""
    ended: str = ""
    ended_on: int | None = None

    @property
    def present(self) -> bool:
        return not self.ended

    @property
    def ended_words(self) -> str:
        """Why a letter that was not sent is superseded."""
        if self.ended in ("escalated", "stalled"):
            return f"overtaken by stage {self.stage + 1}"
        return ENDED_WORDS.get(self.ended, self.ended)

    def as_on(self, day: int) -> Occasion:
        """As it stood on a day that is not before its own."""
        if self.ended_on is not None and self.ended_on > day:
            return replace(self, ended="", ended_on=None)
        return self

    def until(self, day: int, ended: str, ended_on: int | None) -> Occasion:
        """Ended by `ended` on `ended_on`, if that has come by `day` and nothing ended it earlier."""
        if ended_on is None or ended_on > day or (self.ended_on is not None and self.ended_on <= ended_on):
            return self
        return replace(self, ended=ended, ended_on=ended_on)

    def out_of_date(self, day: int, within: int) -> Occasion:
        """As it stands on a day, if a letter may wait for so many school days."""
        return self.until(day, OUT_OF_DATE, self.day + within + 1)


def ladder_occasions(
    openings: Sequence[Opening], events: Iterable[StageEvent], kinds: Collection[str], setting: Letters, day: int
) -> list[Occasion]:
    """The occasions that the ladder gives by a day, of the kinds that are proposed, by pupil, kind and day.

    `openings`: see `openings.openings_from_events`. `events`: of the academic year; the reviews among them count.
    """
    out = [
        Occasion(o.person_id, kind, o.day, o.stage, o.episode, OPENED, o.ended, o.ended_on)
        for o in openings
        for kind in _kinds_of_opening(o.stage)
        if kind in kinds
    ]
    of_person: dict[int, list[Opening]] = {}
    for o in openings:
        of_person.setdefault(o.person_id, []).append(o)
    reviews: dict[int, list[StageEvent]] = {}
    for e in sorted((e for e in events if e.reviewed and e.day <= day), key=lambda e: (e.person_id, e.day)):
        reviews.setdefault(e.person_id, []).append(e)
    for person, held in reviews.items():
        out += _of_reviews(of_person.get(person, []), held, kinds, setting, day)
    return sorted(out)


def _kinds_of_opening(stage: int) -> tuple[str, ...]:
    own = LETTER_OF_STAGE[stage]
    return (own, "meeting_invitation") if stage in INVITATION_STAGES else (own,)


def _of_reviews(
    openings: Sequence[Opening], reviews: Sequence[StageEvent], kinds: Collection[str], setting: Letters, day: int
) -> Iterable[Occasion]:
    """The follow-ups of one pupil's reviews. Each is out of date once it has lain unsent for long."""
    answered: set[tuple[int, str]] = set()  # an opening and a kind that has had its letter
    for number, e in enumerate(reviews):
        opening = max(
            (o for o in openings if o.day < e.day and o.stage == e.from_stage), default=None, key=lambda o: o.day
        )
        opened_on = opening.day if opening is not None else -1  # in a year before, where years do not begin afresh
        kind, again = _kind_of_review(e), setting.continuing_each_review and e.event in CONTINUED
        if kind not in kinds or ((opened_on, kind) in answered and not again):
            continue
        answered.add((opened_on, kind))
        found = Occasion(e.person_id, kind, e.day, e.from_stage, e.episode, e.event)
        if e.event == RECOVERED:
            since = next((o for o in openings if o.day > e.day), None)
            found = found.until(day, OPENED_SINCE, since.day if since else None)
        else:
            if opening is not None:
                found = found.until(day, opening.ended, opening.ended_on)
            found = found.until(day, REVIEWED_SINCE, next((r.day for r in reviews[number + 1 :]), None))
        yield found.out_of_date(day, setting.follow_up_school_days)


def _kind_of_review(e: StageEvent) -> str:
    """The kind of follow-up a review asks for; "" for none."""
    if e.event == RECOVERED:
        return "improved"
    if e.from_stage in FAMILY_STAGES and e.event in CONTINUED:
        return "continuing"
    return "medical_support" if e.event == ACCEPTED_REASONS else ""


def no_more_than_once_in(occasions: Iterable[Occasion], weeks: int, calendar: SchoolCalendar) -> list[Occasion]:
    """Occasions of one kind without those that come less than `weeks` school weeks after one that stays."""
    out: list[Occasion] = []
    last: dict[int, int] = {}
    for o in sorted(occasions, key=lambda o: (o.person_id, o.day)):
        week = int(calendar.week[o.day])
        if o.person_id not in last or week - last[o.person_id] >= weeks:
            last[o.person_id] = week
            out.append(o)
    return out
