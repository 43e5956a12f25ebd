"""What the words of a letter may say: the kinds of letter there are, and every field a template may name.

Belongs here: the documented list of fields (`attendance check` and the guide for editors print it) and the filling of a
letter's context from it. Does not belong here: how a value is found (the batch builder) or how it looks (``language``,
``pdf``).
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from attendance_pipeline.letters.letter import FieldValue, Letter, LetterError, Letterhead


@dataclass(frozen=True)
class Field:
    """One field of a template: ``rows`` (name -> meaning) makes it a list to loop over; ``optional``: may be empty."""

    meaning: str
    rows: Mapping[str, str] | None = None
    optional: bool = False


@dataclass(frozen=True)
class Kind:
    """One template. ``page`` is how it is laid out: ``letter``, ``leaflet`` (no person in it) or ``form``.

    ``enclosures`` are the templates that go with it unless the batch says otherwise.
    """

    title: str
    page: str
    enclosures: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "letter_1": Kind("Letter 1", "letter", ("leaflet",)),
    "letter_2": Kind("Letter 2, with the targets form", "letter"),
    "letter_3": Kind("Letter 3", "letter", ("agenda", "plan")),
    "leaflet": Kind("Leaflet for parents and carers", "leaflet"),
    "agenda": Kind("Agenda of the attendance meeting", "form"),
    "plan": Kind("Attendance Support Action Plan", "form"),
}

# Filled from the letterhead and the letter itself: the batch builder gives none of these.
SCHOOL_FIELDS: Mapping[str, Field] = {
    "school_name": Field("name of the school"),
    "school_address": Field("address of the school, on one line", optional=True),
    "school_telephone": Field("telephone number of the school", optional=True),
    "school_email": Field("email address of the school", optional=True),
    "attendance_lead": Field("name of the attendance lead", optional=True),
    "headteacher": Field("name of the headteacher", optional=True),
}

PUPIL_FIELDS: Mapping[str, Field] = {
    "date": Field("date of the letter"),
    "reference": Field("reference of the letter"),
    "first_name": Field("first name of the pupil"),
    "full_name": Field("first name and surname of the pupil"),
    "class_name": Field("class of the pupil", optional=True),
    "class_teacher": Field("name of the class teacher", optional=True),
    "attendance_percent": Field("attendance over the period, such as 82.4%"),
    "threshold_percent": Field("the school's threshold for the season, such as 85%"),
    "sessions_possible": Field("sessions in the period that the pupil could have attended"),
    "sessions_attended": Field("sessions in the period that the pupil attended"),
    "sessions_missed": Field("sessions in the period that the pupil missed"),
    "sessions_unauthorised": Field("missed sessions in the period that the school has not agreed to"),
    "period_start": Field("first day of the period, a date"),
    "period_end": Field("last day of the period, a date"),
    "absences": Field(
        "the missed sessions that the decision relies on, by date",
        rows={
            "date": "day of the absence",
            "session": "AM, PM or DAY; write {{ absence.session | session_words }}",
            "code": "register code; write {{ absence.code | code_words }}",
        },
    ),
    "monitoring_weeks": Field(
        "how many school weeks the school looks at attendance from here, a number", optional=True
    ),
    "earlier_percent": Field("attendance when the stage before was opened or last reviewed", optional=True),
    "earlier_date": Field("the date of earlier_percent", optional=True),
    "meeting_date": Field("date of the meeting; empty: a line to write on", optional=True),
    "meeting_time": Field("time of the meeting; empty: a line to write on", optional=True),
    "meeting_place": Field("place of the meeting; empty: a line to write on", optional=True),
    "contacts": Field(
        "what has been done so far, by date; may be empty",
        rows={"date": "day", "what": "what was done, such as Letter 1 sent"},
        optional=True,
    ),
}

FIELDS: Mapping[str, Field] = {**SCHOOL_FIELDS, **PUPIL_FIELDS}


def fields_of(kind: str) -> Mapping[str, Field]:
    """The fields a template of this kind may name: a leaflet is the same for all, so it knows the school alone."""
    known = KINDS.get(kind)
    return SCHOOL_FIELDS if known is not None and known.page == "leaflet" else FIELDS


def context(letter: Letter, letterhead: Letterhead) -> dict[str, FieldValue]:
    """Every field of ``FIELDS`` with its value.

    Raises ``LetterError`` naming a field that is missing, unknown, empty or of another type.
    """
    values: dict[str, FieldValue] = {
        "school_name": letterhead.name,
        "school_address": ", ".join(letterhead.address),
        "school_telephone": letterhead.telephone,
        "school_email": letterhead.email,
        "attendance_lead": letterhead.signatories.get("attendance_lead", ""),
        "headteacher": letterhead.signatories.get("headteacher", ""),
        "date": letter.date,
        "reference": letter.reference,
    }
    for name in letter.fields:
        if name not in FIELDS or name in values:
            given = sorted(set(FIELDS) - set(values))
            raise LetterError(letter.reference, f"{name!r} is not a field to give; the fields are {', '.join(given)}")
    for name, field in FIELDS.items():
        if name in values:
            continue
        if name not in letter.fields:
            if not field.optional:
                raise LetterError(letter.reference, f"the field {name!r} ({field.meaning}) is missing")
            values[name] = "" if field.rows is None else ()
            continue
        values[name] = _checked(letter, name, field, letter.fields[name])
    return values


def _checked(letter: Letter, name: str, field: Field, value: FieldValue) -> FieldValue:
    """The value, if it is what the field asks for. Numbers come formatted, so that all pages say the same."""
    if field.rows is None:
        if not isinstance(value, str | datetime.date):
            raise LetterError(
                letter.reference, f"the field {name!r} must be text or a date, not {type(value).__name__}"
            )
        if not value and not field.optional:
            raise LetterError(letter.reference, f"the field {name!r} ({field.meaning}) is empty")
        return value
    if isinstance(value, str | datetime.date):
        raise LetterError(letter.reference, f"the field {name!r} must be a list of rows, not {type(value).__name__}")
    for number, row in enumerate(value, start=1):
        if set(row) != set(field.rows):
            raise LetterError(letter.reference, f"row {number} of {name!r} must have exactly {', '.join(field.rows)}")
        if not all(isinstance(cell, str | datetime.date) for cell in row.values()):
            raise LetterError(letter.reference, f"row {number} of {name!r} must hold text and dates")
    return tuple(value)
