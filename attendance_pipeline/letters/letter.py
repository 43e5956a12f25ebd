"""What a letter is before it has a page: whom it is to, what kind, which values its words may use.

Belongs here: the plain records that the batch builder fills and the page makers read, and what can be wrong with one.
Does not belong here: words (``letter_templates/``), pages (``pdf``), who gets a letter (``recipients``), what became of
it (``ledger``).
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Row = Mapping[str, str | datetime.date]
FieldValue = str | datetime.date | Sequence[Row]


class LetterError(ValueError):
    """A letter that cannot be made as it stands: ``reference`` says which, and the message holds no person's value."""

    def __init__(self, reference: str, message: str) -> None:
        super().__init__(f"letter {reference}: {message}")
        self.reference = reference
        self.reason = message


@dataclass(frozen=True)
class Letterhead:
    """The school as it stands at the head of a letter.

    ``address`` is one line per item. ``signatories`` maps a role (``attendance_lead``, ``headteacher``) to a name; a
    role without a name is signed by hand above its title.
    """

    name: str
    address: tuple[str, ...] = ()
    telephone: str = ""
    email: str = ""
    signatories: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Letter:
    """One letter to one recipient about one pupil.

    ``kind`` and each of ``enclosures`` name a template (``letter_1``, ``leaflet``); ``language`` is a tag such as
    ``en`` or ``ur``: a template that does not exist in it is taken in English. ``recipient_lines`` are the lines of the
    address block, name first, postcode last, at most 7; none for a letter that is handed over. ``salutation`` is
    printed as it is, at the same place in every letter. ``fields`` are the values of ``fields.FIELDS`` that a template
    may print: text, dates, or lists of rows. ``reference`` is printed, and is the only thing that error messages say of
    the letter.
    """

    reference: str
    kind: str
    language: str
    recipient_lines: tuple[str, ...]
    salutation: str
    date: datetime.date
    fields: Mapping[str, FieldValue]
    enclosures: tuple[str, ...] = ()


def absence_rows(sessions: Iterable[tuple[datetime.date, str, str]]) -> tuple[Row, ...]:
    """The rows of the field ``absences`` from (day, ``AM`` or ``PM``, code), by date.

    A row has ``date``, ``session`` (``AM``, ``PM`` or ``DAY``: both sessions with the same code) and ``code``.
    """
    by_day: dict[datetime.date, dict[str, str]] = {}
    for day, session, code in sessions:
        by_day.setdefault(day, {})[session] = code
    rows: list[Row] = []
    for day, codes in sorted(by_day.items()):
        if len(codes) == 2 and len(set(codes.values())) == 1:
            rows.append({"date": day, "session": "DAY", "code": codes["AM"]})
        else:
            rows.extend({"date": day, "session": session, "code": codes[session]} for session in sorted(codes))
    return tuple(rows)
