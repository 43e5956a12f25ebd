"""Worked examples of a policy: marks in, stage or penalty-notice status out, as a policy file writes them.

Belongs here: the shape of an example, and the school year it is about where it names none. Not here: working one out
(`derive/worked_examples.py`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from attendance_pipeline.law.register_codes import CODES, NO_MARK
from attendance_pipeline.law.school_calendar import CalendarSetting, SchoolCalendar, YearSetting, calendar_from_text

PRESENT = "/\\"
_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def marks_of_word(word: str) -> tuple[int, int]:
    """The numbers of the two codes of a school day: `OO`, `/O`, or with a comma `C1,Y1`; `-` is no mark. Raises
    ValueError."""
    pair = word.split(",") if "," in word else list(word)
    if len(pair) != 2:
        raise ValueError(f"two codes a school day, such as OO, /O or C1,Y1, not {word!r}")
    morning, afternoon = (NO_MARK if code == "-" else CODES.numbers_of([code])[0] for code in pair)
    return morning, afternoon


def span_of(text: str) -> tuple[dt.date, dt.date | None]:
    """`2025-09-15`, or `2025-09-15..2025-09-26`. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"a date, or two with .. between them, not {text!r}")
    first, last = dt.date.fromisoformat(found[1]), found[2] and dt.date.fromisoformat(found[2])
    return first, last or None


def _readable(marks: Mapping[str, str]) -> Mapping[str, str]:
    for span, words in marks.items():
        _, last = span_of(span)
        days = words.split()
        if not days or (last is not None and len(days) != 1):
            raise ValueError(f"for {span!r} one word of two codes for each of its days, not {words!r}")
        for word in days:
            marks_of_word(word)
    return marks


def _two_codes(word: str) -> str:
    marks_of_word(word)
    return word


Marks = Annotated[Mapping[str, str], AfterValidator(_readable)]


class ExampleEntry(_Strict):
    """An entry of the intervention log."""

    date: dt.date
    action: str
    stage: Annotated[int, Field(ge=0, le=4)] | None = None
    from_: dt.date | None = Field(default=None, alias="from")
    until: dt.date | None = None


class Expected(_Strict):
    """What is so at the end of a school day. With `rule` it is about that penalty-notice rule, else about the ladder.

    `events`: every one of the ladder up to that day, as `2025-09-17 opened 0>1`.
    """

    on: dt.date
    rule: str | None = None
    status: str | None = None
    stage: int | None = None
    review_due: dt.date | None = None
    reviews: int | None = None
    events: tuple[str, ...] | None = None
    counted: int | None = None
    needed: int | None = None
    window_from: dt.date | None = None
    drops_out_on: dt.date | None = None

    @property
    def said(self) -> dict[str, object]:
        """What is expected, by what it is of."""
        return {k: v for k, v in self if v is not None and k not in ("on", "rule")}

    @model_validator(mode="after")
    def _of_one_thing(self) -> Self:
        of_rule = {"counted", "needed", "window_from", "drops_out_on"}
        of_ladder = {"stage", "review_due", "reviews", "events"}
        wrong = self.said.keys() & (of_ladder if self.rule else of_rule)
        if wrong:
            about = "a penalty-notice rule" if self.rule else "the ladder; name a `rule` for the others"
            raise ValueError(f"nothing but what is said of {about}, not {', '.join(sorted(wrong))}")
        if not self.said:
            raise ValueError("something to be expected: a status, a stage, a number")
        return self


class Example(_Strict):
    """One pupil's marks, and what the policy makes of them.

    `marks`: from a date the words of the school days that follow, or for a span one word for every day; `otherwise` on
    all other days. `years` as in a calendar file; without them the example years that come with the product.
    """

    words: Annotated[str, Field(min_length=1)]
    source: str = ""
    marks: Marks = Field(default_factory=dict)
    otherwise: Annotated[str, AfterValidator(_two_codes)] = PRESENT
    born: dt.date = dt.date(2014, 1, 1)
    entry: dt.date | None = None
    log: tuple[ExampleEntry, ...] = ()
    years: Annotated[tuple[YearSetting, ...], Field(min_length=1)] | None = None
    expect: Annotated[tuple[Expected, ...], Field(min_length=1)]

    @property
    def calendar(self) -> SchoolCalendar:
        return example_years() if self.years is None else SchoolCalendar(CalendarSetting(years=self.years))


@lru_cache(maxsize=1)
def example_years() -> SchoolCalendar:
    """Years as many English schools have them. The dates are no school's own."""
    return calendar_from_text(files(__package__).joinpath("example_years.toml").read_text(encoding="utf-8"))


def unknown_words(examples: Sequence[Example], actions: Sequence[str], rules: Sequence[str]) -> list[str]:
    """What examples name that no policy knows: an action, or a rule that this policy lacks."""
    out = []
    for number, example in enumerate(examples, 1):
        for entry in example.log:
            if entry.action not in actions:
                out.append(f"example {number}: an action of the intervention log, not {entry.action!r}")
        for expected in example.expect:
            if expected.rule is not None and expected.rule not in rules:
                out.append(
                    f"example {number}: one of its penalty-notice rules ({', '.join(rules)}), not {expected.rule!r}"
                )
    return out
